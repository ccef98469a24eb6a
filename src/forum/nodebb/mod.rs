//! NodeBB, versions 3 and 4, over its own API (`/api/`, which shows what its pages show, and `/api/v3/`, which writes)
//! with a token that an admin makes (`/admin/settings/api`).
//!
//! [`wire`] is what the API answers and [`parse`] turns it into the model; [`api`] asks, and knows as whom; [`verdict`]
//! understands refusals; [`links`] knows its addresses; [`reading`] finds pages and [`writing`] acts; this file is the
//! [`Engine`].
//!
//! Only what `/api/` says about a topic or a post being gone is believed: `/api/v3/` answers the same for what is not
//! there and for what is not shown. Where a topic's pages end depends on the account's settings, so a page that lacks
//! what it should hold is looked for once more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;
use url::Url;

use super::hints::Hints;
use super::{
    Account, Actor, Capabilities, Draft, Engine, Failure, Lack, Opened, PageRef, Place, Posted, Refusal,
    RefusalKind,
};
use crate::clock::Clock;
use crate::config::ForumConfig;
use crate::markup::{Block, Doc, Inline};
use crate::model::{
    Board, BoardId, BoardPage, Member, MemberId, MemberKey, PostId, Search, SearchPage, Thanks, ThreadId,
    ThreadPage,
};

mod api;
mod lacks;
mod links;
mod parse;
mod reading;
mod verdict;
mod wire;
mod writing;

use api::{Api, No};
use writing::{id, is_about_answered};

/// A topic's JSON that was saved (`/api/topic/ID`).
pub fn saved(text: &str, base: &Url) -> Result<ThreadPage, Failure> {
    #[derive(serde::Deserialize)]
    struct Place {
        pagination: Option<Current>,
    }
    #[derive(serde::Deserialize)]
    struct Current {
        #[serde(rename = "currentPage")]
        page: Option<u32>,
    }
    let topic: wire::Topic = parse::read(text)?;
    let place: Option<Place> = serde_json::from_str(text).ok();
    let page = place.and_then(|place| place.pagination?.page).unwrap_or(1);
    parse::thread_page(topic, page, &parse::Voters::new(), base)
}

/// One forum, seen by one viewer.
pub struct Nodebb {
    api: Api,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many posts a page has for the bridge's account.
    per_page: Option<u32>,
    /// How many pages a thread had when it was last read: where to look for its end.
    pages: Hints<ThreadId, u32>,
    /// Who up-voted a post, with how many they were then and whether the bridge was one of them.
    voters: Hints<String, ((u64, bool), Vec<Thanks>)>,
    /// Linked members whose name is known to be theirs.
    members: Hints<MemberId, String>,
}

impl Nodebb {
    pub fn new(config: &ForumConfig, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        Ok(Self { api: Api::new(config, clock)?, state: Mutex::default() })
    }

    fn base(&self) -> &Url {
        self.api.base()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Engine for Nodebb {
    fn capabilities(&self) -> Capabilities {
        let writes = self.api.has_token();
        Capabilities {
            reply: writes,
            edit: writes,
            delete: writes,
            open_thread: writes,
            thank: writes,
            withdraw_thanks: writes,
            act_as_member: self.api.known().is_some_and(|identity| identity.master),
            reply_to: true,
            push: false,
            broadcast: false,
        }
    }

    async fn sign_in(&self) -> Result<Option<Account>, Failure> {
        if !self.api.has_token() {
            return Ok(None);
        }
        let identity = self.api.introduce().await?;
        Ok(Some(Account { id: Some(MemberId::new(identity.uid)), name: identity.name }))
    }

    async fn lacks(&self) -> Result<Vec<Lack>, Failure> {
        lacks::lacks(&self.api).await
    }

    async fn boards(&self) -> Result<Vec<Board>, Failure> {
        let list = self.api.read::<wire::Answer<wire::Categories>>(&["api", "v3", "categories"], &[]).await;
        let mut categories = match list {
            Ok(list) => return Ok(parse::boards(list.response.categories, self.base())),
            // Early in version 3 there are only the pages.
            Err(Failure::Gone(_)) => Vec::new(),
            Err(failure) => return Err(failure),
        };
        let mut page = 1_u64;
        loop {
            let number = page.to_string();
            let list: wire::Categories = self.api.read(&["api", "categories"], &[("page", &number)]).await?;
            categories.extend(list.categories);
            if page >= list.pagination.map_or(1, |pagination| pagination.pages) {
                return Ok(parse::boards(categories, self.base()));
            }
            page += 1;
        }
    }

    async fn board(&self, board: &BoardId, page: u32) -> Result<BoardPage, Failure> {
        let page = page.max(1);
        match self.category(board, page).await {
            Err(Failure::Gone(_)) if page > 1 => {
                // Where the forum is set to have pages there is none past the end.
                let first = parse::board_page(self.category(board, 1).await?, 1, self.base());
                Ok(BoardPage { page, threads: Vec::new(), pages: first.pages.min(page - 1), ..first })
            }
            list => Ok(parse::board_page(list?, page, self.base())),
        }
    }

    async fn thread(&self, thread: &ThreadId, page: PageRef) -> Result<ThreadPage, Failure> {
        let (topic, page) = match page {
            PageRef::Number(number) => self.page(thread, number).await?,
            PageRef::Last => self.last_page(thread).await?,
            PageRef::With(post) => return self.page_with_post(&post).await,
        };
        self.shown(topic, page).await
    }

    async fn page_with_post(&self, post: &PostId) -> Result<ThreadPage, Failure> {
        let (thread, place) = self.place(post).await?;
        let page_of = |place: u32, per_page: u32| (place.max(1) - 1) / per_page + 1;
        let guess = page_of(place, self.per_page().await?);
        let (topic, page) = self.page(&thread, guess).await?;
        let holds = |topic: &wire::Topic| topic.posts.iter().flatten().any(|it| it.pid == post.as_str());
        if holds(&topic) {
            return self.shown(topic, page).await;
        }
        // Pages are of another size by now, or places are counted from the end for this account.
        self.state().per_page = None;
        let per_page = self.per_page().await?;
        let index: Result<wire::Index, Failure> =
            self.api.read_as(&Actor::Bridge, &["posts", post.as_str(), "index"]).await;
        let place = match index {
            Ok(index) => index.index + 1,
            Err(Failure::Gone(_)) => place,
            Err(failure) => return Err(failure),
        };
        let (topic, page) = self.page(&thread, page_of(place, per_page)).await?;
        self.shown(topic, page).await
    }

    async fn reply(&self, actor: &Actor, thread: &ThreadId, draft: &Draft) -> Result<Posted, Failure> {
        let author = self.admit(actor).await?;
        let raw = self.raw(&draft.body);
        let mut body = json!({ "content": raw });
        if let Some(answered) = &draft.reply_to {
            body["toPid"] = id(answered.as_str());
        }
        let segments = ["topics", thread.as_str()];
        let mut created = self.create(actor, &segments, &body).await?;
        if draft.reply_to.is_some() && matches!(&created, Err(no) if is_about_answered(no)) {
            // One that is gone is answered by an ordinary post.
            body = json!({ "content": raw });
            created = self.create(actor, &segments, &body).await?;
        }
        match created {
            Ok(created) if created.queued => Ok(Posted::AwaitingApproval),
            Ok(created) if created.pid.is_empty() => Ok(Posted::Unnamed),
            Ok(created) => {
                self.check_author(&author, &created, &created.pid).await?;
                Ok(Posted::Live { post: PostId::new(created.pid) })
            }
            Err(no) => self.no_reply(actor, thread, &no, Some((&author, &raw))).await,
        }
    }

    async fn edit(&self, actor: &Actor, post: &PostId, draft: &Draft) -> Result<(), Failure> {
        self.admit(actor).await?;
        let body = json!({ "content": self.raw(&draft.body) });
        match self.api.send(actor, Method::PUT, &["posts", post.as_str()], Some(&body)).await? {
            Ok(_) => Ok(()),
            Err(no) => {
                // Of a post that is not there NodeBB says that it is too old.
                let (thread, _) = self.place(post).await?;
                self.no_reply(actor, &thread, &no, None).await.map(|_| ())
            }
        }
    }

    async fn delete(&self, actor: &Actor, post: &PostId, _: &str) -> Result<(), Failure> {
        self.admit(actor).await?;
        let (thread, place) = match self.place(post).await {
            Err(Failure::Gone(_)) => return Ok(()),
            other => other?,
        };
        if place <= 1 {
            let why = "deleting a thread's first post would delete the whole thread";
            return Err(Failure::refused(RefusalKind::Other, why));
        }
        match self.api.send(actor, Method::DELETE, &["posts", post.as_str(), "state"], None).await? {
            Ok(_) | Err(No { status: 404, .. }) => Ok(()),
            Err(no) if no.message.contains("already been deleted") => Ok(()),
            Err(no) => self.no_reply(actor, &thread, &no, None).await.map(|_| ()),
        }
    }

    async fn open_thread(
        &self,
        actor: &Actor,
        board: &BoardId,
        title: &str,
        draft: &Draft,
    ) -> Result<Opened, Failure> {
        let author = self.admit(actor).await?;
        let body = json!({ "cid": id(board.as_str()), "title": title, "content": self.raw(&draft.body) });
        let created = match self.create(actor, &["topics"], &body).await? {
            Ok(created) => created,
            Err(no) => {
                let failure = self.api.refused(actor, &no).await;
                let unclear = matches!(&failure, Failure::Refused(Refusal { kind: RefusalKind::Other, .. }));
                let newest = if unclear { self.board(board, 1).await.ok() } else { None };
                let there = newest.into_iter().flat_map(|page| page.threads).find(|thread| {
                    thread.title == title.trim()
                        && thread.replies == Some(0)
                        && thread.author.as_deref() == Some(author.name.as_str())
                });
                return match there {
                    Some(there) => Ok(Opened::Live { thread: there.id, post: None }),
                    None => Err(failure),
                };
            }
        };
        if created.queued {
            return Ok(Opened::AwaitingApproval);
        }
        if created.tid.is_empty() {
            let reason = "the forum did not say where the thread is".to_owned();
            return Err(Failure::Uncertain { reason });
        }
        if !created.main.is_empty() {
            self.check_author(&author, &created, &created.main).await?;
        }
        let post = Some(created.main).filter(|post| !post.is_empty()).map(PostId::new);
        Ok(Opened::Live { thread: ThreadId::new(created.tid), post })
    }

    async fn thank(&self, actor: &Actor, post: &PostId) -> Result<(), Failure> {
        self.vote(actor, post, true).await
    }

    async fn withdraw_thanks(&self, actor: &Actor, post: &PostId) -> Result<(), Failure> {
        self.vote(actor, post, false).await
    }

    async fn message_member(
        &self,
        member: &MemberId,
        _: &str,
        title: &str,
        body: &Doc,
    ) -> Result<(), Failure> {
        let bridge = Actor::Bridge;
        self.admit(&bridge).await?;
        let known: Result<wire::Room, Failure> =
            self.api.read_as(&bridge, &["users", member.as_str(), "chat"]).await;
        let mut room = match known {
            Ok(room) => room.id,
            Err(Failure::Gone(_)) => String::new(),
            Err(failure) => return Err(failure),
        };
        if room.is_empty() {
            let body = json!({ "uids": [id(member.as_str())] });
            room = match self.api.send(&bridge, Method::POST, &["chats"], Some(&body)).await? {
                Ok(text) => parse::read::<wire::Answer<wire::Room>>(&text)?.response.id,
                Err(no) => return Err(self.api.refused(&bridge, &no).await),
            };
        }
        let heading = Block::Heading { level: 3, content: vec![Inline::Text(title.to_owned())] };
        let mut doc = Doc { blocks: vec![heading] };
        doc.blocks.extend(body.blocks.iter().cloned());
        let message = json!({ "message": self.raw(&doc) });
        match self.api.send(&bridge, Method::POST, &["chats", &room], Some(&message)).await? {
            Ok(_) => Ok(()),
            Err(no) => Err(self.api.refused(&bridge, &no).await),
        }
    }

    fn member_url(&self, member: &MemberId, _: &str) -> Option<String> {
        Some(links::member(self.base(), member.as_str()).to_string())
    }

    async fn search(&self, search: &Search) -> Result<SearchPage, Failure> {
        let words = search.words.trim();
        if words.is_empty() && search.author.is_none() {
            return Err(Failure::refused(RefusalKind::Other, "give words or an author to search for"));
        }
        let page = search.page.max(1);
        let number = page.to_string();
        let mut query = vec![
            ("term", words),
            // Titles have no author of their own.
            ("in", if words.is_empty() { "posts" } else { "titlesposts" }),
            ("sortBy", "timestamp"),
            ("sortDirection", "desc"),
            ("page", &number),
            ("searchOnly", "1"),
        ];
        query.extend(search.author.as_deref().map(|author| ("by", author)));
        query.extend(search.board.as_ref().map(|board| ("categories", board.as_str())));
        match self.api.read(&["api", "search"], &query).await {
            Ok(results) => Ok(parse::search_page(results, page, self.base())),
            Err(Failure::Gone(why)) if why.contains("shows that to others") => {
                let why = "the forum does not let the bridge's account search";
                Err(Failure::refused(RefusalKind::NoPermission, why))
            }
            // The search is an add-on, and not switched on.
            Err(Failure::Gone(_)) => Err(Failure::Unsupported("be searched")),
            Err(failure) => Err(failure),
        }
    }

    async fn member(&self, member: &MemberKey) -> Result<Member, Failure> {
        let profile: wire::Profile = match member {
            MemberKey::Id(id) => self.api.read(&["api", "user", "uid", id.as_str()], &[]).await?,
            MemberKey::Name(name) => {
                match self.api.read(&["api", "user", "username", name], &[]).await {
                    // Names are told apart by upper and lower case there, and are not in addresses.
                    Err(Failure::Gone(_)) => {
                        self.api.read(&["api", "user", &links::slug_of(name)], &[]).await?
                    }
                    other => other?,
                }
            }
        };
        parse::member(profile, self.base())
    }

    async fn page_at(&self, address: &str) -> Result<ThreadPage, Failure> {
        if let Some((thread, place)) = links::place_in_topic(self.base(), address) {
            let page = (place - 1) / self.per_page().await? + 1;
            return self.thread(&thread, PageRef::Number(page)).await;
        }
        match self.recognise(address) {
            Some(Place { post: Some(post), .. }) => self.page_with_post(&post).await,
            Some(Place { thread: Some(thread), page, .. }) => {
                self.thread(&thread, PageRef::Number(page.unwrap_or(1))).await
            }
            _ => Err(Failure::Gone("this address names no thread of this forum".to_owned())),
        }
    }

    fn post_url(&self, _: &ThreadId, post: &PostId) -> String {
        links::post(self.base(), post.as_str()).to_string()
    }

    fn thread_url(&self, thread: &ThreadId) -> String {
        links::thread(self.base(), thread).to_string()
    }

    fn recognise(&self, url: &str) -> Option<Place> {
        links::recognise(self.base(), url)
    }
}
