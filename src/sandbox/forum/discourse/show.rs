//! What the API shows: lists, topics, posts and members, each as its viewer may see them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::state::{BoardFacts, MemberFacts, PostFacts, ThreadFacts};
use super::cook::{cooked, slug};
use super::{Answer, No, SYSTEM, Visit};

/// Posts to a page of a topic.
const CHUNK: usize = 20;
/// Posts to a page of a search.
const HITS: usize = 50;
/// Topics to a page of a list.
const LISTED: usize = 30;
/// The kind of action that a like is.
pub const LIKE: u64 = 2;
/// For how long a like can be taken back, in seconds (`post_undo_action_window_mins`).
pub const UNDO: i64 = 600;

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

impl Visit<'_> {
    pub fn profile(&self, name: &str, system: bool) -> Answer {
        if name == SYSTEM {
            let user = json!({ "id": -1, "username": SYSTEM, "can_edit": system, "admin": true,
                "moderator": true, "trust_level": 4 });
            return Ok(json!({ "user_badges": [], "user": user }));
        }
        let member = self.state.member_named(name).ok_or_else(No::found)?;
        let own = self.viewer == Some(member.id);
        Ok(json!({ "user_badges": [], "user": {
            "id": member.id,
            "username": member.name,
            "name": member.name,
            "avatar_template": face(member),
            "can_edit": own || self.staff(),
            "admin": false,
            "moderator": member.staff,
            "trust_level": 2,
            "title": member.title,
            "created_at": format!("{}T09:00:00.000Z", member.joined),
            "last_posted_at": null,
            "last_seen_at": null,
            "badge_count": 0,
        } }))
    }

    pub fn summary(&self, name: &str) -> Answer {
        let member = self.state.member_named(name).ok_or_else(No::found)?;
        let topics = self.state.threads.values().filter(|thread| {
            thread
                .posts
                .first()
                .and_then(|id| self.state.posts.get(id))
                .is_some_and(|it| it.member == Some(member.id))
        });
        Ok(json!({ "user_summary": {
            "post_count": self.state.post_count(member),
            "topic_count": topics.count(),
            "likes_given": self.state.thanks_given(member),
            "likes_received": self.state.thanked(member).0,
            "days_visited": 1,
        } }))
    }

    /// Posts that have all the words; `@name` and `category:id` narrow it down.
    pub fn search(&self) -> Value {
        let asked = self.query.get("q").cloned().unwrap_or_default();
        let page: usize = self.query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).max(1);
        let (mut words, mut author, mut board) = (Vec::new(), None, None);
        for word in asked.split_whitespace() {
            match word.split_once(':') {
                Some(("category", id)) => board = id.parse::<u64>().ok(),
                Some(("order", _)) => {}
                _ if word.starts_with('@') => author = Some(word[1..].to_lowercase()),
                _ => words.push(word.to_lowercase()),
            }
        }
        let short = author.is_none() && words.iter().all(|word| word.chars().count() < 3);
        let mut hits: Vec<(&ThreadFacts, &PostFacts)> = self
            .state
            .threads
            .values()
            .filter(|thread| !short && self.state.sees_thread(self.viewer, thread))
            .filter(|thread| board.is_none_or(|board| thread.board == board))
            .flat_map(|thread| {
                self.state.visible_posts(self.viewer, thread).into_iter().map(move |post| (thread, post))
            })
            .filter(|(_, post)| author.as_ref().is_none_or(|author| post.name.to_lowercase() == *author))
            .filter(|(thread, post)| {
                let text = format!("{} {}", thread.title, post.text).to_lowercase();
                words.iter().all(|word| text.contains(word.as_str()))
            })
            .collect();
        hits.sort_by_key(|(_, post)| std::cmp::Reverse((post.at, post.id)));
        let more = hits.len() > page * HITS;
        let shown: Vec<(&ThreadFacts, &PostFacts)> =
            hits.into_iter().skip((page - 1) * HITS).take(HITS).collect();
        let posts: Vec<Value> = shown
            .iter()
            .map(|(thread, post)| {
                json!({
                    "id": post.id,
                    "name": post.name,
                    "username": post.name,
                    "avatar_template": post.member.and_then(|id| self.state.members.get(&id)).map(face),
                    "created_at": time(post.at),
                    "like_count": post.thanks.len(),
                    "blurb": post.text.chars().take(200).collect::<String>().replace('<', "&lt;"),
                    "post_number": self.number(thread, post.id),
                    "topic_id": thread.id,
                })
            })
            .collect();
        let mut topics: Vec<&ThreadFacts> = shown.iter().map(|(thread, _)| *thread).collect();
        topics.sort_by_key(|thread| thread.id);
        topics.dedup_by_key(|thread| thread.id);
        let mut found = json!({
            "posts": posts,
            "users": [],
            "categories": [],
            "tags": [],
            "groups": [],
            "grouped_search_result": {
                "more_posts": null,
                "more_users": null,
                "more_categories": null,
                "term": asked,
                "search_log_id": 1,
                "more_full_page_results": if more { json!(true) } else { Value::Null },
                "can_create_topic": self.viewer.is_some(),
                "error": if short { json!("Your search term is too short.") } else { Value::Null },
                "post_ids": shown.iter().map(|(_, post)| post.id).collect::<Vec<_>>(),
                "user_ids": [],
                "category_ids": [],
                "tag_ids": [],
                "group_ids": [],
            },
        });
        if !topics.is_empty() {
            found["topics"] = json!(topics.into_iter().map(|thread| self.listed(thread)).collect::<Vec<_>>());
        }
        found
    }

    pub fn categories(&self) -> Value {
        let seen: Vec<&BoardFacts> =
            self.state.boards.values().filter(|board| self.state.sees_board(self.viewer, board.id)).collect();
        let categories: Vec<Value> = seen
            .iter()
            .map(|board| {
                json!({
                    "id": board.id,
                    "name": board.name,
                    "slug": slug(&board.name),
                    "color": "0088CC",
                    "text_color": "FFFFFF",
                    "topic_count": self.state.board_threads(self.viewer, board.id).len(),
                    "description": board.description,
                    "read_restricted": board.private,
                    "has_children": false,
                })
            })
            .collect();
        json!({ "category_list": {
            "can_create_category": false,
            "can_create_topic": self.viewer.is_some(),
            "categories": categories,
        } })
    }

    pub fn category(&self, id: u64) -> Answer {
        if !self.state.sees_board(self.viewer, id) {
            return Err(No::found());
        }
        Ok(self.list(Some(id)))
    }

    /// The topics of a category or of all, the newest post first. Pages are counted from 0.
    pub fn list(&self, board: Option<u64>) -> Value {
        let boards = self.state.boards.keys().copied().filter(|id| board.is_none_or(|board| board == *id));
        let mut topics: Vec<&ThreadFacts> =
            boards.flat_map(|board| self.state.board_threads(self.viewer, board)).collect();
        topics.retain(|thread| self.staff() || !thread.unlisted);
        let page: usize = self.query.get("page").and_then(|page| page.parse().ok()).unwrap_or(0);
        let shown: Vec<Value> =
            topics.iter().skip(page * LISTED).take(LISTED).map(|thread| self.listed(thread)).collect();
        let mut users: Vec<&MemberFacts> = topics
            .iter()
            .filter_map(|thread| self.state.posts.get(thread.posts.first()?)?.member)
            .filter_map(|id| self.state.members.get(&id))
            .collect();
        users.sort_by_key(|member| member.id);
        users.dedup_by_key(|member| member.id);
        let mut list = json!({
            "can_create_topic": self.viewer.is_some(),
            "per_page": LISTED,
            "top_tags": [],
            "topics": shown,
        });
        if topics.len() > (page + 1) * LISTED {
            let category = board.map_or(String::new(), |id| format!("/c/category/{id}/l"));
            list["more_topics_url"] = json!(format!("{category}/latest?page={}", page + 1));
        }
        json!({ "users": users.into_iter().map(user).collect::<Vec<_>>(), "primary_groups": [], "topic_list": list })
    }

    fn listed(&self, thread: &ThreadFacts) -> Value {
        let mut posts = self.state.visible_posts(None, thread);
        posts.retain(|post| !self.state.notes.contains(&post.id));
        let (first, last) = (posts.first().copied(), posts.last().copied());
        json!({
            "id": thread.id,
            "title": thread.title,
            "fancy_title": thread.title,
            "slug": slug(&thread.title),
            "posts_count": posts.len(),
            "reply_count": posts.len().saturating_sub(1),
            "highest_post_number": thread.posts.len(),
            "created_at": first.map(|post| time(post.at)),
            "last_posted_at": last.map(|post| time(post.at)),
            "bumped": true,
            "bumped_at": last.map(|post| time(post.at)),
            "archetype": "regular",
            "unseen": false,
            "pinned": thread.sticky,
            "visible": !thread.unlisted,
            "closed": thread.closed,
            "archived": false,
            "tags": (1..).zip(&thread.tags).map(|(id, tag): (u32, &String)| json!({ "id": id, "name": tag, "slug": slug(tag) })).collect::<Vec<_>>(),
            "views": thread.views,
            "like_count": posts.iter().map(|post| post.thanks.len()).sum::<usize>(),
            "last_poster_username": last.map(|post| &post.name),
            "category_id": thread.board,
            "pinned_globally": false,
            "posters": [{
                "extras": null,
                "description": "Original Poster",
                "user_id": first.and_then(|post| post.member),
                "primary_group_id": null,
            }],
        })
    }

    pub fn topic(&self, id: u64) -> Answer {
        let thread = self.thread(id)?;
        let posts = self.state.visible_posts(self.viewer, &thread);
        let page: usize = self.query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).max(1);
        let from = (page - 1) * CHUNK;
        if from > 0 && from >= posts.len() {
            return Err(No::found());
        }
        let shown: Vec<Value> =
            posts.iter().skip(from).take(CHUNK).map(|post| self.shown(&thread, post)).collect();
        let similar: Vec<Value> =
            self.state.similar(self.viewer, &thread).into_iter().map(|other| self.listed(other)).collect();
        let mut details = json!({ "can_edit": false, "notification_level": 1, "participants": [] });
        if self.may_reply(&thread) {
            details["can_create_post"] = json!(true);
        }
        let mut topic = self.listed(&thread);
        for field in ["bumped", "bumped_at", "unseen", "posters", "last_poster_username"] {
            if let Some(topic) = topic.as_object_mut() {
                topic.remove(field);
            }
        }
        topic["post_stream"] = json!({
            "posts": shown,
            "stream": posts.iter().map(|post| post.id).collect::<Vec<_>>(),
        });
        topic["suggested_topics"] = json!(similar);
        topic["deleted_at"] = Value::Null;
        topic["user_id"] = json!(posts.first().and_then(|post| post.member));
        topic["chunk_size"] = json!(CHUNK);
        topic["details"] = details;
        Ok(topic)
    }

    pub fn one_post(&self, id: u64) -> Answer {
        let (thread, post) = self.post(id)?;
        let mut shown = self.shown(&thread, &post);
        shown["raw"] = json!(post.text);
        Ok(shown)
    }

    /// A post's number in its topic. Numbers of posts that went away are not given again.
    fn number(&self, thread: &ThreadFacts, post: u64) -> usize {
        thread.posts.iter().position(|id| *id == post).map_or(1, |at| at + 1)
    }

    pub fn shown(&self, thread: &ThreadFacts, post: &PostFacts) -> Value {
        let member = post.member.and_then(|id| self.state.members.get(&id));
        let own = self.viewer.is_some() && self.viewer == post.member;
        // A note of what was done, among the posts but none itself.
        let note = self.state.notes.contains(&post.id);
        let mut shown = json!({
            "id": post.id,
            "name": post.name,
            "username": post.name,
            "display_username": post.name,
            "avatar_template": member.map(face),
            "user_id": post.member,
            "user_title": member.map(|member| &member.title),
            "created_at": time(post.at),
            "updated_at": time(post.edited.as_ref().map_or(post.at, |note| note.at)),
            "cooked": if note { String::new() } else { cooked(&post.text) },
            "post_number": self.number(thread, post.id),
            "post_type": if note { 3 } else { 1 },
            "reply_count": 0,
            "reply_to_post_number": self.state.answers.get(&post.id),
            "topic_id": thread.id,
            "topic_slug": slug(&thread.title),
            "version": if post.edited.is_some() { 2 } else { 1 },
            "yours": own,
            "can_edit": own || self.staff(),
            "can_delete": own && thread.posts.first() != Some(&post.id),
            "actions_summary": self.actions(post, own),
            "moderator": member.is_some_and(|member| member.staff),
            "admin": false,
            "staff": member.is_some_and(|member| member.staff),
            "hidden": false,
            "trust_level": 2,
            "deleted_at": null,
            "user_deleted": false,
            "wiki": false,
        });
        if note {
            shown["action_code"] = json!(post.text);
        }
        shown
    }

    /// Likes, with what the viewer can do about theirs; facts that are false are left out.
    fn actions(&self, post: &PostFacts, own: bool) -> Value {
        let theirs = post.thanks.iter().find(|thanks| Some(thanks.member) == self.viewer);
        let mut like = serde_json::Map::new();
        like.insert("id".to_owned(), json!(LIKE));
        if !post.thanks.is_empty() {
            like.insert("count".to_owned(), json!(post.thanks.len()));
        }
        match theirs {
            Some(thanks) => {
                like.insert("acted".to_owned(), json!(true));
                if self.now.as_second() - thanks.at.as_second() < UNDO {
                    like.insert("can_undo".to_owned(), json!(true));
                }
            }
            None if self.viewer.is_some() && !own => {
                like.insert("can_act".to_owned(), json!(true));
            }
            None => {}
        }
        if like.len() == 1 { json!([]) } else { json!([like]) }
    }

    pub fn likers(&self) -> Answer {
        let post = self.query.get("id").and_then(|id| id.parse().ok()).ok_or_else(No::found)?;
        let (_, post) = self.post(post)?;
        let who = post.thanks.iter().filter_map(|thanks| self.state.members.get(&thanks.member));
        Ok(json!({
            "post_action_users": who.map(user).collect::<Vec<_>>(),
            "total_rows_post_action_users": post.thanks.len(),
        }))
    }
}

fn user(member: &MemberFacts) -> Value {
    json!({ "id": member.id, "username": member.name, "name": member.name, "avatar_template": face(member) })
}

fn face(member: &MemberFacts) -> String {
    if member.avatar.is_none() {
        return String::new();
    }
    format!("/letter_avatar/{}/{{size}}/1.png", member.id)
}
