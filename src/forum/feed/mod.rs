//! Any RSS, Atom or JSON feed, to be read and not to be answered.
//!
//! A board is a feed: its id is the feed's address below the forum's own (`feed.xml`, `blog/feed/`), or the whole
//! address. An item is a thread of one post: a Discord thread in a forum channel, a message in a text channel. Thread and
//! post share an id, `BOARD#NAME`, where the name is made from what the item says of itself ([`name`]).
//!
//! A feed holds only its newest items, so an item that is there no more is [`Failure::Untold`], never gone. The whole
//! feed comes with one request: it is kept for as long as a board is left alone, and items are read from that.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use reqwest::StatusCode;
use reqwest::header::{self, HeaderMap, HeaderValue};
use url::Url;

use super::client::{Client, Limits};
use super::{Account, Capabilities, Engine, Failure, PageRef, Place};
use crate::clock::Clock;
use crate::config::ForumConfig;
use crate::model::{
    Board, BoardId, BoardPage, BoardRef, Permissions, PostId, Thread, ThreadId, ThreadPage, ThreadSummary,
};

mod linked;
mod name;
mod parse;
mod text;

use name::Naming;
use parse::{Feed, Item};

/// So many feeds are kept; the one that was read longest ago is forgotten first.
const MOST_FEEDS: usize = 64;

/// A feed that was saved, as one page with its items as posts, the oldest first.
pub fn saved(text: &str, url: &Url) -> Result<ThreadPage, Failure> {
    let feed = parse::feed(text, url)?;
    let board = BoardId::new(url.as_str());
    let names = name::names(&feed.items, Naming::Given, &HashMap::new());
    Ok(whole(&feed, &board, &names, url))
}

/// The feeds of one site, seen by whoever asks.
pub struct FeedEngine {
    client: Client,
    clock: Arc<dyn Clock>,
    /// A feed is not asked for again within this time for an item of it.
    fresh: Duration,
    known: Mutex<HashMap<BoardId, Known>>,
}

struct Known {
    /// Not known while no item of it had an id.
    naming: Option<Naming>,
    snapshot: Arc<Snapshot>,
    read: Instant,
}

/// A feed as it was read, with the name of each item.
struct Snapshot {
    feed: Feed,
    names: Vec<String>,
}

impl Snapshot {
    fn find(&self, name: &str) -> Option<&Item> {
        let at = self.names.iter().position(|own| own == name)?;
        self.feed.items.get(at)
    }
}

impl FeedEngine {
    pub fn new(config: &ForumConfig, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        // Podcasts with hundreds of episodes are larger than a forum's pages.
        let limits = Limits {
            wire: 8 * 1024 * 1024,
            unpacked: 16 * 1024 * 1024,
            kept: 2 * 1024 * 1024,
            ..Limits::default()
        };
        let mut headers = HeaderMap::new();
        let kinds = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5";
        headers.insert(header::ACCEPT, HeaderValue::from_static(kinds));
        let client = Client::new(&config.url, config.min_request_gap, limits, clock.clone())?;
        Ok(Self { client: client.with_headers(headers), clock, fresh: config.poll, known: Mutex::default() })
    }

    fn known(&self) -> MutexGuard<'_, HashMap<BoardId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn address(&self, board: &str) -> Result<Url, Failure> {
        self.client
            .base()
            .join(board)
            .map_err(|_| Failure::Gone(format!("\"{board}\" is not the address of a feed")))
    }

    /// The id of the feed at an address of this site.
    fn board_at(&self, url: &Url) -> BoardId {
        let mut url = url.clone();
        url.set_fragment(None);
        let whole = url[url::Position::BeforePath..].to_owned();
        let below = whole.strip_prefix(self.client.base().path()).map(str::to_owned).unwrap_or(whole);
        BoardId::new(if below.is_empty() { ".".to_owned() } else { below })
    }

    async fn get(&self, url: &Url) -> Result<Feed, Failure> {
        let page = self.client.get(url).await?;
        match page.status {
            status if status.is_success() => parse::feed(&page.text, &page.url),
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                Err(Failure::Gone(format!("the site has no feed at {url}")))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(Failure::Unreadable(format!("the site does not let the bridge read {url}")))
            }
            status => {
                Err(Failure::Unreadable(format!("the site answers with status {} at {url}", status.as_u16())))
            }
        }
    }

    /// Asks for a feed, as it is now.
    async fn read(&self, board: &BoardId) -> Result<Arc<Snapshot>, Failure> {
        let url = self.address(board.as_str())?;
        let feed = self.get(&url).await?;
        let before = self.known().get(board).map(|known| (known.naming, known.snapshot.clone()));
        let (mut naming, before) = before.map_or((None, None), |(naming, before)| (naming, Some(before)));
        if naming.is_none() && feed.items.iter().any(|item| item.id.is_some()) {
            // Some feeds give new ids to their items each time that they are asked for.
            let again = self.get(&url).await?;
            let found = name::naming(&feed.items, &again.items);
            if found != Naming::Given {
                tracing::warn!(%board, "the feed's ids change with each reading, so its items are told apart by their words");
            }
            naming = Some(found);
        }
        let earlier = before.map(|it| name::earlier(&it.feed.items, &it.names)).unwrap_or_default();
        let names = name::names(&feed.items, naming.unwrap_or(Naming::Given), &earlier);
        let snapshot = Arc::new(Snapshot { feed, names });
        let mut known = self.known();
        if known.len() >= MOST_FEEDS
            && let Some(oldest) = known.iter().min_by_key(|(_, it)| it.read).map(|(board, _)| board.clone())
        {
            known.remove(&oldest);
        }
        let read = self.clock.monotonic();
        known.insert(board.clone(), Known { naming, snapshot: snapshot.clone(), read });
        Ok(snapshot)
    }

    /// What is known of a feed, unless that is old.
    async fn recent(&self, board: &BoardId) -> Result<Arc<Snapshot>, Failure> {
        let now = self.clock.monotonic();
        let recent = self.known().get(board).and_then(|known| {
            (now.saturating_duration_since(known.read) < self.fresh).then(|| known.snapshot.clone())
        });
        match recent {
            Some(snapshot) => Ok(snapshot),
            None => self.read(board).await.map_err(|failure| match failure {
                // That a feed is gone says nothing of what it told.
                Failure::Gone(why) => Failure::Unreadable(why),
                other => other,
            }),
        }
    }

    /// Where people read an item: its own page while the feed tells of it, else the feed.
    fn url_of(&self, id: &str) -> String {
        let Some((board, name)) = id.rsplit_once('#') else { return self.client.base().to_string() };
        if let Some(known) = self.known().get(&BoardId::new(board))
            && let Some(item) = known.snapshot.find(name)
        {
            return item.url.clone();
        }
        match self.address(board) {
            Ok(mut url) => {
                url.set_fragment(Some(name));
                url.to_string()
            }
            Err(_) => self.client.base().to_string(),
        }
    }
}

fn id(board: &BoardId, name: &str) -> String {
    format!("{board}#{name}")
}

fn board_ref(board: &BoardId, feed: &Feed) -> BoardRef {
    BoardRef { id: Some(board.clone()), name: Some(feed.title.clone()) }
}

fn summary(board: &BoardId, name: &str, item: &Item) -> ThreadSummary {
    let id = id(board, name);
    ThreadSummary {
        id: ThreadId::new(id.clone()),
        url: item.url.clone(),
        title: item.title.clone(),
        prefix: None,
        author: Some(item.author.clone()),
        replies: Some(0),
        last_post_id: Some(PostId::new(id)),
        last_post_at: item.at,
        last_post_by: Some(item.author.clone()),
        sticky: false,
        closed: false,
        moved: false,
        deleted: false,
    }
}

/// An item as the thread that it is.
fn thread_page(board: &BoardId, name: &str, feed: &Feed, item: &Item) -> ThreadPage {
    let id = id(board, name);
    ThreadPage {
        thread: Thread {
            id: Some(ThreadId::new(id.clone())),
            url: Some(item.url.clone()),
            title: item.title.clone(),
            board: board_ref(board, feed),
            page: 1,
            pages: 1,
            total_results: Some(1),
            tags: item.tags.clone(),
            reply_allowed: Some(false),
            ..Thread::default()
        },
        permissions: nothing_allowed(),
        posts: vec![item.post(PostId::new(id), feed)],
    }
}

/// A feed as one page.
fn whole(feed: &Feed, board: &BoardId, names: &[String], url: &Url) -> ThreadPage {
    let posts = names.iter().zip(&feed.items).rev();
    ThreadPage {
        thread: Thread {
            url: Some(feed.site.clone().unwrap_or_else(|| url.to_string())),
            title: feed.title.clone(),
            board: board_ref(board, feed),
            page: 1,
            pages: 1,
            total_results: Some(names.len() as u64),
            reply_allowed: Some(false),
            ..Thread::default()
        },
        permissions: nothing_allowed(),
        posts: posts.map(|(name, item)| item.post(PostId::new(id(board, name)), feed)).collect(),
    }
}

fn nothing_allowed() -> Permissions {
    Permissions {
        post_threads: Some(false),
        post_replies: Some(false),
        post_attachments: Some(false),
        edit_posts: Some(false),
    }
}

#[async_trait]
impl Engine for FeedEngine {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            reply: false,
            edit: false,
            delete: false,
            open_thread: false,
            thank: false,
            withdraw_thanks: false,
            act_as_member: false,
            reply_to: false,
            push: false,
            broadcast: true,
        }
    }

    async fn sign_in(&self) -> Result<Option<Account>, Failure> {
        Ok(None)
    }

    /// The feeds that the site's front page names, and those that were read.
    async fn boards(&self) -> Result<Vec<Board>, Failure> {
        let base = self.client.base();
        let page = self.client.get(base).await?;
        let mut boards: Vec<Board> = linked::feeds(&page.text, &page.url)
            .into_iter()
            .filter(|(url, _)| url.origin() == base.origin())
            .map(|(url, name)| Board {
                id: self.board_at(&url),
                name,
                url: Some(url.to_string()),
                parent: None,
            })
            .collect();
        for (board, known) in self.known().iter() {
            if boards.iter().all(|other| other.id != *board) {
                let url = self.address(board.as_str()).ok().map(|url| url.to_string());
                boards.push(Board {
                    id: board.clone(),
                    name: known.snapshot.feed.title.clone(),
                    url,
                    parent: None,
                });
            }
        }
        Ok(boards)
    }

    async fn board(&self, board: &BoardId, page: u32) -> Result<BoardPage, Failure> {
        let snapshot = if page > 1 { self.recent(board).await? } else { self.read(board).await? };
        let mut listed = HashSet::new();
        let items = snapshot.names.iter().zip(&snapshot.feed.items);
        let items = items.filter(|(name, _)| page <= 1 && listed.insert(name.as_str()));
        Ok(BoardPage {
            board: board_ref(board, &snapshot.feed),
            page,
            pages: 1,
            threads: items.map(|(name, item)| summary(board, name, item)).collect(),
            boards: Vec::new(),
        })
    }

    async fn thread(&self, thread: &ThreadId, _: PageRef) -> Result<ThreadPage, Failure> {
        let Some((board, name)) = thread.as_str().rsplit_once('#') else {
            return Err(Failure::Gone(
                "a thread of a feed is one item of it; to bridge all of it, name it as the board".to_owned(),
            ));
        };
        let board = BoardId::new(board);
        let snapshot = self.recent(&board).await?;
        match snapshot.find(name) {
            Some(item) => Ok(thread_page(&board, name, &snapshot.feed, item)),
            None => Err(Failure::Untold("the feed does not tell of this item any more".to_owned())),
        }
    }

    async fn page_with_post(&self, post: &PostId) -> Result<ThreadPage, Failure> {
        self.thread(&ThreadId::new(post.as_str()), PageRef::Number(1)).await
    }

    /// A feed as one page: what an address alone can name.
    async fn page_at(&self, address: &str) -> Result<ThreadPage, Failure> {
        let url = Url::parse(address).map_err(|_| Failure::Gone(format!("\"{address}\" is no address")))?;
        let feed = self.get(&url).await?;
        let names = name::names(&feed.items, Naming::Given, &HashMap::new());
        Ok(whole(&feed, &self.board_at(&url), &names, &url))
    }

    fn post_url(&self, _: &ThreadId, post: &PostId) -> String {
        self.url_of(post.as_str())
    }

    fn thread_url(&self, thread: &ThreadId) -> String {
        self.url_of(thread.as_str())
    }

    /// An item's own page, while the feed tells of it, or an address of this site: a feed, perhaps with an item's name.
    fn recognise(&self, text: &str) -> Option<Place> {
        let url = Url::parse(text).ok()?;
        let item = |board: BoardId, name: &str| {
            let id = id(&board, name);
            let (thread, post) = (Some(ThreadId::new(id.clone())), Some(PostId::new(id)));
            Place { board: Some(board), thread, post, ..Place::default() }
        };
        for (board, known) in self.known().iter() {
            let at = known.snapshot.feed.items.iter().position(|item| item.url == url.as_str());
            if let Some(name) = at.and_then(|at| known.snapshot.names.get(at)) {
                return Some(item(board.clone(), name));
            }
        }
        let base = self.client.base();
        if url.host_str() != base.host_str() || url.port_or_known_default() != base.port_or_known_default() {
            return None;
        }
        let board = self.board_at(&url);
        match url.fragment().filter(|name| name::is_name(name)) {
            Some(name) => Some(item(board, name)),
            None => Some(Place { board: Some(board), ..Place::default() }),
        }
    }
}

#[cfg(test)]
mod tests;
