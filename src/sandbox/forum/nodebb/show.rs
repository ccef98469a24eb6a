//! What the API shows: lists, topics, posts and members, each as its viewer may see them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::state::{BoardFacts, MemberFacts, PostFacts, ThreadFacts};
use super::cook::{cooked, slug};
use super::{Answer, No, Visit, Yes};

/// Posts to a page of a topic, and topics to a page of a category.
const PER_PAGE: usize = 20;
const DELETED: &str = "[[topic:post-is-deleted]]";

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Names are escaped where they are shown.
fn escaped(text: &str) -> String {
    let mut out = text.replace('&', "&amp;");
    for (sign, entity) in [("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#x27;"), ("/", "&#x2F;")] {
        out = out.replace(sign, entity);
    }
    out
}

fn pages(things: usize) -> usize {
    things.div_ceil(PER_PAGE).max(1)
}

fn pagination(page: usize, pages: usize) -> Value {
    json!({ "rel": [], "pages": [], "currentPage": page, "pageCount": pages })
}

impl Visit<'_> {
    fn page(&self) -> usize {
        self.query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).max(1)
    }

    pub fn config(&self) -> Value {
        json!({
            "relative_path": "",
            "siteTitle": self.options.title,
            "postQueue": 0,
            "usePagination": self.options.pages_end,
            "topicsPerPage": PER_PAGE,
            "postsPerPage": PER_PAGE,
            "minimumPostLength": self.options.min_length,
            "maximumPostLength": self.options.max_length,
            "searchEnabled": true,
            "uid": self.viewer.unwrap_or(0),
            "topicPostSort": "oldest_to_newest",
        })
    }

    pub fn own_profile(&self) -> Answer {
        let member = self.viewer.and_then(|id| self.state.members.get(&id)).ok_or(No::Access)?;
        let mut profile = self.member(member);
        for field in ["isAdmin", "isGlobalModerator", "isModerator"] {
            profile[field] = json!(false);
        }
        profile["isAdminOrGlobalModeratorOrModerator"] = json!(member.staff);
        profile["banned"] = json!(member.banned.is_some());
        Ok(Yes::Page(profile))
    }

    pub fn profile(&self, id: Option<u64>) -> Answer {
        match id.and_then(|id| self.state.members.get(&id)) {
            Some(member) => Ok(Yes::Page(self.member(member))),
            // Of nobody it is told as of somebody who is gone.
            None => Ok(Yes::Page(json!({ "uid": 0, "username": "[[global:former-user]]", "userslug": "" }))),
        }
    }

    fn member(&self, member: &MemberFacts) -> Value {
        let mut shown = self.user(member);
        shown["fullname"] = json!("");
        shown["location"] = json!(member.location);
        shown["joindateISO"] = json!(format!("{}T00:00:00.000Z", member.joined));
        shown["banned"] = json!(member.banned.is_some());
        shown
    }

    fn user(&self, member: &MemberFacts) -> Value {
        json!({
            "uid": member.id,
            "username": escaped(&member.name),
            "userslug": slug(&member.name),
            "displayname": escaped(&member.name),
            "reputation": self.state.thanked(member).0,
            "postcount": self.state.post_count(member),
            "picture": member.avatar.as_ref().map(|_| format!("/assets/faces/{}", member.id)),
            "signature": member.signature,
            "banned": member.banned.is_some(),
            "status": "online",
            "selectedGroups": [],
        })
    }

    fn author(&self, post: &PostFacts) -> Value {
        match post.member.and_then(|id| self.state.members.get(&id)) {
            Some(member) => self.user(member),
            None => json!({ "uid": 0, "username": "[[global:guest]]", "userslug": "", "picture": "" }),
        }
    }

    pub fn categories(&self) -> Value {
        let seen = self.state.boards.values().filter(|board| self.state.sees_board(self.viewer, board.id));
        let mut categories: Vec<Value> = vec![json!({
            "cid": -1, "name": "[[category:uncategorized]]", "slug": "../world", "parentCid": 0, "disabled": 0, "link": "",
        })];
        categories.extend(seen.map(category));
        json!({ "categories": categories })
    }

    pub fn category(&self, id: u64) -> Answer {
        let board = self.state.boards.get(&id).ok_or(No::Found("Category does not exist"))?;
        if !self.state.sees_board(self.viewer, id) {
            return Err(No::Access);
        }
        let topics = self.state.all_threads(id);
        let (page, pages) = (self.page(), pages(topics.len()));
        if page > pages && self.options.pages_end {
            return Err(No::Found("Category does not exist"));
        }
        let shown: Vec<Value> =
            topics.iter().skip((page - 1) * PER_PAGE).take(PER_PAGE).map(|it| self.listed(it)).collect();
        let mut answer = category(board);
        answer["topics"] = json!(shown);
        answer["children"] = json!([]);
        answer["privileges"] = json!({ "topics:create": self.may_write(id), "read": true });
        answer["pagination"] = pagination(page, pages);
        Ok(Yes::Page(answer))
    }

    pub fn recent(&self) -> Value {
        let boards = self.state.boards.keys().copied();
        let topics = boards.flat_map(|board| self.state.board_threads(self.viewer, board));
        let shown: Vec<Value> = topics.take(PER_PAGE).map(|thread| self.listed(thread)).collect();
        json!({ "topics": shown, "canPost": self.viewer.is_some(), "reputation:disabled": 0 })
    }

    /// The posts of a topic in order: those that were deleted keep their places.
    fn posts(&self, thread: &ThreadFacts) -> Vec<PostFacts> {
        let posts = thread.posts.iter().filter_map(|id| self.state.posts.get(id));
        posts.filter(|post| !post.awaiting).cloned().collect()
    }

    /// A topic's own facts, as lists and its page have them.
    fn facts(&self, thread: &ThreadFacts) -> Value {
        let (posts, last) = (self.posts(thread), self.state.last_public_post(thread));
        let first = posts.first();
        let gone = thread.deleted || first.is_some_and(|post| post.deleted);
        let own = self.viewer.is_some() && first.and_then(|post| post.member) == self.viewer;
        let hidden = gone && !self.staff() && !own;
        let title = if hidden { "[[topic:topic-is-deleted]]" } else { thread.title.as_str() };
        let tag = |tag: &String| json!({ "value": tag, "valueEscaped": escaped(tag), "class": slug(tag) });
        json!({
            "tid": thread.id,
            "cid": thread.board,
            "uid": first.and_then(|post| post.member).unwrap_or(0),
            "mainPid": first.map(|post| post.id),
            "title": escaped(title),
            "titleRaw": title,
            "slug": if hidden { json!(thread.id) } else { json!(format!("{}/{}", thread.id, slug(&thread.title))) },
            "timestamp": first.map(|post| post.at.as_millisecond()),
            "lastposttime": last.or(first).map(|post| post.at.as_millisecond()),
            "postcount": posts.len(),
            "viewcount": thread.views,
            "deleted": u8::from(gone),
            "scheduled": false,
            "locked": u8::from(thread.closed),
            "pinned": u8::from(thread.sticky),
            "tags": thread.tags.iter().map(tag).collect::<Vec<_>>(),
        })
    }

    fn listed(&self, thread: &ThreadFacts) -> Value {
        let mut listed = self.facts(thread);
        let first = thread.posts.first().and_then(|id| self.state.posts.get(id));
        listed["user"] = first.map_or(Value::Null, |post| self.author(post));
        listed["teaser"] = self.state.last_public_post(thread).map_or(Value::Null, |post| {
            json!({ "pid": post.id, "uid": post.member, "timestamp": post.at.as_millisecond(),
                "user": self.author(post), "content": post.text })
        });
        listed
    }

    pub fn topic(&self, id: u64) -> Answer {
        let thread = self.thread(id)?;
        let posts = self.posts(&thread);
        let (page, pages) = (self.page(), pages(posts.len()));
        if page > pages && self.options.pages_end {
            return Err(No::topic());
        }
        let shown: Vec<Value> = posts
            .iter()
            .enumerate()
            .skip((page - 1) * PER_PAGE)
            .take(PER_PAGE)
            .map(|(index, post)| self.shown(post, index))
            .collect();
        let member = self.viewer.is_some();
        let mut topic = self.facts(&thread);
        topic["posts"] = json!(shown);
        topic["category"] = self.state.boards.get(&thread.board).map_or(Value::Null, category);
        topic["related"] =
            self.state.similar(self.viewer, &thread).into_iter().map(|other| self.listed(other)).collect();
        topic["privileges"] = json!({
            "topics:reply": self.may_write(thread.board),
            "topics:read": true,
            "posts:edit": member,
            "posts:upvote": member,
            "isAdminOrMod": self.staff(),
        });
        topic["upvoteVisibility"] = json!("all");
        topic["pagination"] = pagination(page, pages);
        Ok(Yes::Page(topic))
    }

    fn shown(&self, post: &PostFacts, index: usize) -> Value {
        let own = self.viewer.is_some() && post.member == self.viewer;
        let mine = |post: &PostFacts| post.thanks.iter().any(|thanks| Some(thanks.member) == self.viewer);
        json!({
            "pid": post.id,
            "tid": post.thread,
            "uid": post.member.unwrap_or(0),
            "toPid": self.state.answers.get(&post.id).map(|pid| pid.to_string()),
            "content": if post.deleted && !own && !self.staff() { DELETED.to_owned() } else { cooked(&post.text) },
            "timestamp": post.at.as_millisecond(),
            "timestampISO": time(post.at),
            "edited": post.edited.as_ref().map_or(0, |note| note.at.as_millisecond()),
            "deleted": u8::from(post.deleted),
            "index": index,
            "upvotes": post.thanks.len(),
            "downvotes": 0,
            "votes": post.thanks.len(),
            "upvoted": mine(post),
            "downvoted": false,
            "selfPost": own,
            "user": self.author(post),
            "events": [],
            "attachments": [],
        })
    }

    /// Where a browser is sent on to.
    pub fn place(&self, id: u64) -> Answer {
        let (thread, post) = self.post(id)?;
        let index = self.posts(&thread).iter().position(|it| it.id == post.id).unwrap_or(0);
        let number = if index == 0 { String::new() } else { format!("/{}", index + 1) };
        Ok(Yes::Page(json!(format!("/topic/{}/{}{number}", thread.id, slug(&thread.title)))))
    }

    pub fn single(&self, id: u64) -> Answer {
        let (thread, post) = self.post_or_not(id)?;
        let index = self.posts(&thread).iter().position(|it| it.id == post.id).unwrap_or(0);
        let mut shown = self.shown(&post, index);
        for field in ["user", "events", "index", "selfPost"] {
            if let Some(shown) = shown.as_object_mut() {
                shown.remove(field);
            }
        }
        shown["content"] = json!(if post.deleted { DELETED } else { &post.text });
        Ok(Yes::Done(shown))
    }

    pub fn index(&self, id: u64) -> Answer {
        let (thread, post) = self.post_or_not(id)?;
        let index = self.posts(&thread).iter().position(|it| it.id == post.id);
        Ok(Yes::Done(json!({ "index": index })))
    }

    pub fn raw(&self, id: u64) -> Answer {
        let (_, post) = self.post_or_not(id)?;
        if post.deleted {
            return Err(No::post());
        }
        Ok(Yes::Done(json!({ "content": post.text })))
    }

    pub fn voters(&self, id: u64) -> Answer {
        let (_, post) = self.post_or_not(id)?;
        let who = post.thanks.iter().filter_map(|thanks| self.state.members.get(&thanks.member));
        let upvoters: Vec<Value> = who.map(|member| self.user(member)).collect();
        Ok(Yes::Done(json!({
            "upvoteCount": upvoters.len(),
            "downvoteCount": 0,
            "showUpvotes": true,
            "showDownvotes": false,
            "upvoters": upvoters,
            "downvoters": [],
        })))
    }

    pub fn search(&self) -> Answer {
        if self.viewer.is_none() {
            return Err(No::Access);
        }
        let asked = |name: &str| self.query.get(name).map(|value| value.to_lowercase()).unwrap_or_default();
        let (term, by, board) = (asked("term"), asked("by"), asked("categories"));
        let mut found: Vec<(&PostFacts, &ThreadFacts)> = self
            .state
            .posts
            .values()
            .filter(|post| post.public())
            .filter_map(|post| Some((post, self.state.threads.get(&post.thread)?)))
            .filter(|(_, thread)| self.state.sees_thread(self.viewer, thread))
            .filter(|(post, thread)| {
                let first = thread.posts.first() == Some(&post.id);
                post.text.to_lowercase().contains(&term)
                    || first && thread.title.to_lowercase().contains(&term)
            })
            .filter(|(post, _)| by.is_empty() || post.name.to_lowercase() == by)
            .filter(|(_, thread)| board.is_empty() || thread.board.to_string() == board)
            .collect();
        found.sort_by_key(|(post, _)| std::cmp::Reverse((post.at, post.id)));
        let (page, pages) = (self.page(), pages(found.len()));
        let hits: Vec<Value> = found
            .iter()
            .skip((page - 1) * PER_PAGE)
            .take(PER_PAGE)
            .map(|(post, thread)| {
                json!({
                    "pid": post.id,
                    "tid": thread.id,
                    "uid": post.member.unwrap_or(0),
                    "content": cooked(&post.text),
                    "timestamp": post.at.as_millisecond(),
                    "timestampISO": time(post.at),
                    "deleted": false,
                    "user": self.author(post),
                    "topic": self.facts(thread),
                    "category": self.state.boards.get(&thread.board).map(category),
                })
            })
            .collect();
        Ok(Yes::Page(json!({
            "posts": hits,
            "matchCount": found.len(),
            "pageCount": pages,
            "time": "0.00",
            "multiplePages": pages > 1,
            "search_query": escaped(&term),
        })))
    }
}

fn category(board: &BoardFacts) -> Value {
    json!({
        "cid": board.id,
        "name": escaped(&board.name),
        "description": escaped(&board.description),
        "slug": format!("{}/{}", board.id, slug(&board.name)),
        "parentCid": 0,
        "disabled": 0,
        "link": "",
        "isSection": 0,
    })
}
