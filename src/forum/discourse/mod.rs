//! Discourse over its own API, with a key that an admin makes (`/admin/api/keys`).
//!
//! [`wire`] is what the API answers and [`parse`] turns it into the model; [`api`] asks and understands refusals;
//! [`hook`] believes what the forum pushes; [`links`] knows its addresses; [`reading`] finds pages and [`writing`] acts; this
//! file is the [`Engine`].
//!
//! Lists name no last post, so a topic's marker goes by the exact time of it. Pages are the API's own chunks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;
use url::Url;

use super::hints::Hints;
use super::{
    Account, Actor, Capabilities, Delivery, Draft, Engine, Failure, Lack, News, Opened, PageRef, Place,
    Posted, RefusalKind,
};
use crate::clock::Clock;
use crate::config::ForumConfig;
use crate::markup::{Doc, commonmark};
use crate::model::{
    Board, BoardId, BoardPage, Member, MemberId, MemberKey, PostId, Search, SearchPage, Thanks, ThreadId,
    ThreadPage,
};

mod api;
mod hook;
mod links;
mod parse;
mod reading;
mod wire;
mod writing;

use api::{Api, No};
use hook::Hook;
use writing::raw;

/// Discourse shows no comments of HTML to readers, and does not count them either.
const ORIGIN: (&str, &str) = ("<!-- threadbridge: ", " -->");
/// Every Discourse has this member, and no key but one for all users lets it in.
const SYSTEM: &str = "system";

/// A topic's JSON that was saved (`/t/ID.json`).
pub fn saved(text: &str, base: &Url) -> Result<ThreadPage, Failure> {
    let topic: wire::Topic = parse::read(text)?;
    let first = topic.post_stream.posts.first().map(|post| post.id);
    let page = topic.post_stream.stream.as_ref().and_then(|_| parse::page_of(&topic, first?, 1)).unwrap_or(1);
    parse::thread_page(topic, page, &parse::Likers::new(), base)
}

/// One forum, seen by one viewer.
pub struct Discourse {
    api: Api,
    hook: Option<Hook>,
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct State {
    /// The key is one for all users.
    for_all: bool,
    /// Names and slugs of the categories.
    boards: HashMap<BoardId, (String, String)>,
    /// How many pages a thread had when it was last read: where to look for its end.
    pages: Hints<ThreadId, u32>,
    /// Who liked a post, with how many they were then and whether the bridge was one of them.
    likers: Hints<u64, ((u64, bool), Vec<Thanks>)>,
    /// Members whose name was seen to be theirs, and when.
    members: Hints<MemberId, (String, Instant)>,
}

impl Discourse {
    pub fn new(config: &ForumConfig, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let hook = config.hook_secret.clone().map(|secret| Hook::new(secret, clock.clone()));
        Ok(Self { api: Api::new(config, clock.clone())?, hook, state: Mutex::default(), clock })
    }

    fn base(&self) -> &Url {
        self.api.base()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn address(&self, segments: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = links::path(self.base(), segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    async fn post_as(&self, actor: &Actor, post: &PostId) -> Result<wire::Post, Failure> {
        self.api.read_as(actor, &self.address(&["posts", &format!("{post}.json")], &[])).await
    }
}

fn number(thread: &str) -> Result<u64, Failure> {
    thread.parse().map_err(|_| Failure::Gone("the forum has no such thing: its ids are numbers".to_owned()))
}

#[async_trait]
impl Engine for Discourse {
    fn capabilities(&self) -> Capabilities {
        let writes = self.api.user().is_some();
        Capabilities {
            reply: writes,
            edit: writes,
            delete: writes,
            open_thread: writes,
            thank: writes,
            withdraw_thanks: writes,
            act_as_member: writes && self.state().for_all,
            reply_to: true,
            push: self.hook.is_some(),
            broadcast: false,
        }
    }

    async fn sign_in(&self) -> Result<Option<Account>, Failure> {
        let Some(user) = self.api.user() else { return Ok(None) };
        let profile: wire::Profile = match self.api.read(&self.api.profile(user)).await {
            Err(Failure::Gone(_)) => {
                return Err(Failure::SignIn(format!(
                    "the forum has no member {user}, or shows them to nobody; check forums.api_user"
                )));
            }
            other => other?,
        };
        if !profile.user.can_edit {
            return Err(self.api.locked_out());
        }
        let system = Actor::Member { id: MemberId::new("-1"), name: SYSTEM.to_owned() };
        let all = self.api.send(&system, Method::GET, &self.api.profile(SYSTEM), None).await?;
        self.state().for_all = all.is_ok();
        Ok(Some(Account {
            id: Some(MemberId::new(profile.user.id.to_string())),
            name: profile.user.username,
        }))
    }

    async fn lacks(&self) -> Result<Vec<Lack>, Failure> {
        let mut lacks = Vec::new();
        let Some(user) = self.api.user() else { return Ok(lacks) };
        let profile: wire::Profile = self.api.read(&self.api.profile(user)).await?;
        if !self.state().for_all {
            lacks.push(Lack {
                what: "the API key is for one account only, so members can't write as themselves".to_owned(),
                mend: "make a key with the user level \"All Users\" at /admin/api/keys".to_owned(),
            });
        }
        if profile.user.admin || profile.user.moderator {
            lacks.push(Lack {
                what: format!(
                    "{user} is of the forum's staff, so what only staff may read would be bridged too"
                ),
                mend: "make an ordinary member for the bridge, and name it in forums.api_user".to_owned(),
            });
        } else if profile.user.trust_level == Some(0) {
            lacks.push(Lack {
                what: format!(
                    "{user} is new here (trust level 0): few links, few replies a day, no likes for long"
                ),
                mend: format!("raise the trust level at /admin/users/list/active, on {user}'s page"),
            });
        }
        if self.hook.is_none() {
            lacks.push(Lack {
                what: "the forum does not tell the bridge of news, so they are found by asking".to_owned(),
                mend: "set forums.hook_secret, and at /admin/api/web_hooks make a webhook for posts, topics and likes \
                       with that secret, to /hooks/<key of the forum> of server.listen"
                    .to_owned(),
            });
        }
        Ok(lacks)
    }

    async fn boards(&self) -> Result<Vec<Board>, Failure> {
        let url = self.address(&["categories.json"], &[("include_subcategories", "true")]);
        let boards = parse::boards(self.api.read(&url).await?, self.base());
        let known = |(board, slug): &(Board, String)| (board.id.clone(), (board.name.clone(), slug.clone()));
        self.state().boards = boards.iter().map(known).collect();
        Ok(boards.into_iter().map(|(board, _)| board).collect())
    }

    async fn board(&self, board: &BoardId, page: u32) -> Result<BoardPage, Failure> {
        number(board.as_str())?;
        let known = self.state().boards.get(board).cloned();
        let (name, slug) = match known {
            Some(known) => known,
            None => {
                self.boards().await?;
                self.state().boards.get(board).cloned().ok_or_else(|| {
                    Failure::Gone("the forum has no such category, or shows it to others only".to_owned())
                })?
            }
        };
        // Discourse counts these from 0.
        let number = page.saturating_sub(1).to_string();
        let query: &[(&str, &str)] = if page > 1 { &[("page", &number)] } else { &[] };
        let url = self.address(&["c", &slug, board.as_str(), "l", "latest.json"], query);
        let list: Result<wire::TopicList, Failure> = self.api.read(&url).await;
        if let Err(Failure::Gone(_)) = &list {
            // Perhaps only its name changed.
            self.state().boards.remove(board);
        }
        Ok(parse::board_page(list?, board, Some(name), page.max(1), self.base()))
    }

    async fn thread(&self, thread: &ThreadId, page: PageRef) -> Result<ThreadPage, Failure> {
        number(thread.as_str())?;
        let (topic, page) = match page {
            PageRef::Number(number) => self.page(thread, number).await?,
            PageRef::Last => self.last_page(thread).await?,
            PageRef::With(post) => return self.page_with_post(&post).await,
        };
        self.shown(topic, page).await
    }

    async fn page_with_post(&self, post: &PostId) -> Result<ThreadPage, Failure> {
        let id = number(post.as_str())?;
        let found = self.post_as(&Actor::Bridge, post).await?;
        let thread = ThreadId::new(found.topic_id.to_string());
        // Numbers of posts that went away are not given again, so the page is this one or one before it.
        let guess = found.post_number.max(1).div_ceil(parse::CHUNK);
        let (topic, page) = self.page(&thread, guess).await?;
        let Some(right) = parse::page_of(&topic, id, found.post_number) else {
            return Err(Failure::Gone("the post is no longer on the forum".to_owned()));
        };
        if right == page {
            return self.shown(topic, page).await;
        }
        let (topic, page) = self.page(&thread, right).await?;
        self.shown(topic, page).await
    }

    async fn reply(&self, actor: &Actor, thread: &ThreadId, draft: &Draft) -> Result<Posted, Failure> {
        self.admit(actor).await?;
        let topic = number(thread.as_str())?;
        let mut body = json!({ "topic_id": topic, "raw": raw(draft) });
        if let Some(answered) = &draft.reply_to {
            // One that is gone, or went to another topic, is answered by an ordinary post.
            match self.post_as(&Actor::Bridge, answered).await {
                Ok(post) if post.topic_id == topic => {
                    body["reply_to_post_number"] = json!(post.post_number);
                }
                Ok(_) | Err(Failure::Gone(_)) => {}
                Err(failure) => return Err(failure),
            }
        }
        match self.create(actor, &body).await? {
            Ok(created) if created.action.as_deref() == Some("enqueued") => Ok(Posted::AwaitingApproval),
            Ok(created) => {
                let post = created.id.or(created.post.map(|post| post.id));
                Ok(post.map_or(Posted::Unnamed, |id| Posted::Live { post: PostId::new(id.to_string()) }))
            }
            Err(no) => Err(self.no_reply(actor, thread, &no).await),
        }
    }

    async fn edit(&self, actor: &Actor, post: &PostId, draft: &Draft) -> Result<(), Failure> {
        self.admit(actor).await?;
        number(post.as_str())?;
        let url = self.address(&["posts", &format!("{post}.json")], &[]);
        let body = json!({ "post": { "raw": raw(draft) } });
        match self.api.send(actor, Method::PUT, &url, Some(&body)).await? {
            Ok(_) => Ok(()),
            Err(no) => {
                let thread = self.post_as(&Actor::Bridge, post).await?.topic_id.to_string();
                Err(self.no_reply(actor, &ThreadId::new(thread), &no).await)
            }
        }
    }

    async fn delete(&self, actor: &Actor, post: &PostId, _: &str) -> Result<(), Failure> {
        self.admit(actor).await?;
        number(post.as_str())?;
        let found = match self.post_as(actor, post).await {
            Err(Failure::Gone(_)) => return Ok(()),
            other => other?,
        };
        if found.deleted_at.is_some() || found.user_deleted {
            return Ok(());
        }
        if found.post_number <= 1 {
            let why = "deleting a thread's first post would delete the whole thread";
            return Err(Failure::refused(RefusalKind::Other, why));
        }
        let url = self.address(&["posts", &format!("{post}.json")], &[]);
        match self.api.send(actor, Method::DELETE, &url, None).await? {
            Ok(_) => Ok(()),
            Err(No { status: 404 | 410, .. }) => Ok(()),
            Err(no) => Err(self.api.refused(actor, &no).await),
        }
    }

    async fn open_thread(
        &self,
        actor: &Actor,
        board: &BoardId,
        title: &str,
        draft: &Draft,
    ) -> Result<Opened, Failure> {
        self.admit(actor).await?;
        let category = number(board.as_str())?;
        let body = json!({ "title": title, "raw": raw(draft), "category": category });
        let created = match self.create(actor, &body).await? {
            Ok(created) => created,
            Err(no) => return Err(self.api.refused(actor, &no).await),
        };
        if created.action.as_deref() == Some("enqueued") {
            return Ok(Opened::AwaitingApproval);
        }
        let thread = created.topic_id.or(created.post.as_ref().map(|post| post.topic_id));
        let post = created.id.or(created.post.map(|post| post.id));
        match thread {
            Some(thread) => Ok(Opened::Live {
                thread: ThreadId::new(thread.to_string()),
                post: post.map(|post| PostId::new(post.to_string())),
            }),
            None => {
                Err(Failure::Uncertain { reason: "the forum did not say where the thread is".to_owned() })
            }
        }
    }

    async fn thank(&self, actor: &Actor, post: &PostId) -> Result<(), Failure> {
        self.admit(actor).await?;
        let id = number(post.as_str())?;
        let found = self.post_as(actor, post).await?;
        match found.likes() {
            Some(likes) if likes.acted => return Ok(()),
            Some(likes) if likes.can_act => {}
            _ => {
                return Err(Failure::refused(
                    RefusalKind::NoPermission,
                    "the forum does not let the bridge thank this post",
                ));
            }
        }
        let url = self.address(&["post_actions.json"], &[]);
        let body = json!({ "id": id, "post_action_type_id": wire::LIKE });
        match self.api.send(actor, Method::POST, &url, Some(&body)).await? {
            Ok(_) => Ok(()),
            Err(no) => Err(self.api.refused(actor, &no).await),
        }
    }

    async fn withdraw_thanks(&self, actor: &Actor, post: &PostId) -> Result<(), Failure> {
        self.admit(actor).await?;
        number(post.as_str())?;
        let found = self.post_as(actor, post).await?;
        match found.likes() {
            Some(likes) if likes.acted && !likes.can_undo => {
                return Err(Failure::refused(
                    RefusalKind::TooLate,
                    "the forum's time for taking thanks back is over",
                ));
            }
            Some(likes) if likes.acted => {}
            _ => return Ok(()),
        }
        let kind = wire::LIKE.to_string();
        let url = self.address(&["post_actions", &format!("{post}.json")], &[("post_action_type_id", &kind)]);
        match self.api.send(actor, Method::DELETE, &url, None).await? {
            Ok(_) | Err(No { status: 404, .. }) => Ok(()),
            Err(no) => Err(self.api.refused(actor, &no).await),
        }
    }

    /// Discourse takes an author, a category and an order as words of the search.
    /// <https://meta.discourse.org/t/18598>
    async fn search(&self, search: &Search) -> Result<SearchPage, Failure> {
        let mut words = search.words.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        words.extend(search.author.as_deref().map(|author| format!("@{author}")));
        if words.is_empty() {
            return Err(Failure::refused(RefusalKind::Other, "there is nothing to search for"));
        }
        words.extend(search.board.as_ref().map(|board| format!("category:{board}")));
        words.push("order:latest".to_owned());
        let (words, page) = (words.join(" "), search.page.max(1));
        let number = page.to_string();
        let mut query = vec![("q", words.as_str())];
        if page > 1 {
            query.push(("page", number.as_str()));
        }
        let results: wire::Results = self.api.read(&self.address(&["search.json"], &query)).await?;
        if let Some(why) = results.grouped_search_result.as_ref().and_then(|it| it.error.as_deref())
            && results.posts.is_empty()
        {
            return Err(Failure::refused(RefusalKind::Other, format!("the forum says: {why}")));
        }
        let named = |board: &BoardId| self.state().boards.get(board).map(|(name, _)| name.clone());
        Ok(parse::search_page(results, page, search.board.as_ref(), named, self.base()))
    }

    async fn member(&self, member: &MemberKey) -> Result<Member, Failure> {
        let name = match member {
            MemberKey::Name(name) => links::member_of(self.base(), name)
                .unwrap_or_else(|| name.trim().trim_start_matches('@').to_owned()),
            // Discourse asks for members by name; those who were asked for are known by both.
            MemberKey::Id(id) => self
                .state()
                .members
                .get(id)
                .map(|(name, _)| name.clone())
                .ok_or(Failure::Unsupported("find a member by number"))?,
        };
        let gone = || Failure::Gone("the forum has no such member, or shows them to others only".to_owned());
        if name.is_empty() || name.contains('/') {
            return Err(gone());
        }
        let user = self.api.read::<wire::Profile>(&self.api.profile(&name)).await?.user;
        let id = MemberId::new(user.id.to_string());
        if matches!(member, MemberKey::Id(wanted) if *wanted != id) {
            return Err(gone());
        }
        self.remember(id, user.username.clone());
        // What a member did may be shown to fewer people than who they are.
        let summary = self.address(&["u", &user.username, "summary.json"], &[]);
        let deeds = match self.api.read::<wire::Summary>(&summary).await {
            Ok(summary) => Some(summary.user_summary),
            Err(Failure::Gone(_) | Failure::Unreadable(_)) => None,
            Err(failure) => return Err(failure),
        };
        Ok(parse::member(user, deeds, self.base()))
    }

    fn keeps_origin(&self) -> bool {
        true
    }

    async fn origin(&self, post: &PostId) -> Result<Option<String>, Failure> {
        number(post.as_str())?;
        let found = self.post_as(&Actor::Bridge, post).await?.raw.unwrap_or_default();
        // The last one: what was quoted may hold another's.
        let comment = found.rsplit_once(ORIGIN.0).and_then(|(_, rest)| rest.split_once(ORIGIN.1));
        Ok(comment.map(|(origin, _)| origin.to_owned()))
    }

    async fn message_member(
        &self,
        member: &MemberId,
        name: &str,
        title: &str,
        body: &Doc,
    ) -> Result<(), Failure> {
        if name.contains(',') {
            return Err(Failure::Unsupported("send a private message to a name with a comma"));
        }
        self.admit(&Actor::Bridge).await?;
        // To whoever is called so now: that must be who was meant.
        self.is_theirs(member, name).await?;
        let words = commonmark::write(body, commonmark::Flavor::Discourse);
        let body = json!({
            "title": title, "raw": words, "archetype": "private_message", "target_recipients": name,
        });
        match self.create(&Actor::Bridge, &body).await? {
            Ok(_) => Ok(()),
            Err(no) => Err(self.api.refused(&Actor::Bridge, &no).await),
        }
    }

    fn member_url(&self, _: &MemberId, name: &str) -> Option<String> {
        Some(links::member(self.base(), name).to_string())
    }

    fn hear(&self, delivery: &Delivery<'_>) -> Result<News, String> {
        match &self.hook {
            Some(hook) => hook.hear(delivery),
            None => Err("this forum has no hook_secret in the bridge's configuration".to_owned()),
        }
    }

    fn post_url(&self, _: &ThreadId, post: &PostId) -> String {
        links::post(self.base(), post).to_string()
    }

    fn thread_url(&self, thread: &ThreadId) -> String {
        links::thread(self.base(), thread).to_string()
    }

    fn recognise(&self, url: &str) -> Option<Place> {
        links::recognise(self.base(), url)
    }
}
