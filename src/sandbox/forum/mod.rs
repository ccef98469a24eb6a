//! A forum on loopback: real HTTP, state in memory. It shows itself as vBulletin 4 with the Thanks add-on, in vB 4's
//! own markup, or behind another [`Face`], which has a room of its own ([`discourse`], [`nodebb`]). It exists to be read and written by the bridge as a stranger would, so it shares
//! no code with `crate::forum` or `crate::markup`: what it shows and how it answers comes from
//! what is known of the software, not from what the bridge expects.
//!
//! [`Forum`] is a handle. Through it a test or the demo page acts as people do ([`acts`]), looks at
//! what is true ([`Forum::snapshot`]), at what was done from outside ([`Forum::ledger`]), and tells
//! the forum to fail ([`Forum::fail`]).

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::watch;

use crate::clock::Clock;

mod acts;
mod bbcode;
mod dates;
pub mod discourse;
mod fault;
mod feed;
mod ledger;
pub mod nodebb;
mod page;
mod plain;
mod scripts;
mod seed;
mod serve;
mod session;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;
mod wire;

pub use acts::{Deletion, Unknown};
pub use dates::{DateStyle, DayWords};
pub use fault::{Fault, Lasts, UnknownFault};
pub use feed::FeedKind;
pub use ledger::{Action, ApiCall, Entry, Outcome};
pub use seed::{Community, seed_community};
pub use state::{
    BoardFacts, DEFAULT_PASSWORD, EditNote, File, MemberFacts, NewMember, Past, PostFacts, ThanksFacts,
    ThreadFacts,
};

/// As which software the forum shows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    Vbulletin4,
    /// Its API, and a plain page behind each link.
    Discourse,
    /// The same.
    Nodebb,
    /// Each board as a feed at `feeds/ID.xml` (`.atom`, `.json`).
    Feed(FeedKind),
}

/// The character set that pages are sent in and forms are read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    Utf8,
    /// Declared as ISO-8859-1, as boards of that age do; other characters travel as `&#N;`.
    Windows1252,
}

/// How the board writes its own links. Every style is understood when read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// `showthread.php?t=12`
    Standard,
    /// `showthread.php?12-Title`, vB 4.2's default.
    Basic,
    /// `forums/board-name/12-title-2.html`, as the vBSEO add-on rewrites them; plain addresses of
    /// threads answer 301.
    Rewritten,
}

/// The dress of the thanks add-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThanksDress {
    /// "The Following 3 Users Say Thank You to NAME For This Useful Post:"
    Stock,
    /// "3 Thanks to NAME:", and a label "Thank Post" beside the author.
    Compact,
}

/// The settings that an administrator would choose.
#[derive(Debug, Clone)]
pub struct Options {
    pub face: Face,
    pub title: String,
    /// 0: any free port.
    pub port: u16,
    pub posts_per_page: usize,
    pub threads_per_page: usize,
    /// Between two posts of one member; zero is off. Staff are exempt.
    pub flood: Duration,
    /// A member's own last post younger than this takes the new text in; zero is off.
    pub merge_within: Duration,
    /// Whether the same words, sent twice within five minutes, are taken once, as vBulletin does.
    pub refuse_duplicates: bool,
    /// How long a member may edit; `None` is for ever.
    pub edit_within: Option<Duration>,
    /// In characters, after BBCode is stripped.
    pub min_length: usize,
    /// In characters.
    pub max_length: usize,
    /// Smilies count, as in vBulletin.
    pub max_images: usize,
    pub dates: DateStyle,
    pub charset: Charset,
    pub links: Links,
    pub thanks: ThanksDress,
    /// 303 after posting; `false` shows the redirect page instead.
    pub header_redirects: bool,
    /// Idle sessions end after this.
    pub session_timeout: Duration,
    /// How long the feed may be old.
    pub feed_ttl: Duration,
    /// `Crawl-delay` of robots.txt, in seconds.
    pub crawl_delay: Option<u32>,
    pub quick_edit: bool,
    /// Discourse and NodeBB: the key lets the caller be any member; else only the first.
    pub api_key_for_all: bool,
    /// A feed: how many of the newest threads it holds.
    pub feed_items: usize,
    /// A feed: items get new ids each time that it is asked for.
    pub feed_ids_change: bool,
    /// A feed of RSS or JSON: items say when they were made.
    pub feed_dates: bool,
    /// NodeBB: a page past the end is none (`usePagination`); else it is empty.
    pub pages_end: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            face: Face::Vbulletin4,
            title: "Sandbox Forum".to_owned(),
            port: 0,
            posts_per_page: 15,
            threads_per_page: 20,
            flood: Duration::ZERO,
            merge_within: Duration::ZERO,
            refuse_duplicates: true,
            edit_within: None,
            min_length: 4,
            max_length: 10_000,
            max_images: 10,
            dates: DateStyle {
                date: "jS F Y".to_owned(),
                time: "h:i A".to_owned(),
                words: DayWords::Days,
                zone: TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC),
            },
            charset: Charset::Utf8,
            links: Links::Standard,
            thanks: ThanksDress::Compact,
            header_redirects: true,
            session_timeout: Duration::from_secs(900),
            feed_ttl: Duration::from_secs(60),
            crawl_delay: None,
            quick_edit: true,
            api_key_for_all: true,
            feed_items: 50,
            feed_ids_change: false,
            feed_dates: true,
            pages_end: false,
        }
    }
}

/// A running forum. Clones are the same forum.
#[derive(Clone)]
pub struct Forum {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    clock: Arc<dyn Clock>,
    state: Mutex<state::State>,
    faults: Mutex<fault::Plan>,
    changes: watch::Sender<u64>,
    port: u16,
    door: Mutex<Option<serve::Door>>,
}

impl std::fmt::Debug for Forum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forum").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Forum {
    /// Opens the forum on 127.0.0.1. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// When the port cannot be bound.
    pub fn start(options: Options, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let listener = serve::bind(options.port)?;
        let inner = Inner {
            port: listener.local_addr()?.port(),
            options,
            clock,
            state: Mutex::new(state::State::new()),
            faults: Mutex::default(),
            changes: watch::Sender::new(0),
            door: Mutex::new(None),
        };
        let forum = Self { inner: Arc::new(inner) };
        *lock(&forum.inner.door) = Some(serve::Door::open(listener, &forum)?);
        Ok(forum)
    }

    /// `http://127.0.0.1:PORT/`
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.inner.port)
    }

    pub fn port(&self) -> u16 {
        self.inner.port
    }

    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// Goes down: the port is closed and every connection breaks. What it remembers stays.
    pub async fn pause(&self) {
        let door = lock(&self.inner.door).take();
        if let Some(door) = door {
            door.shut().await;
        }
    }

    /// Comes back on the same port; no effect while it is up.
    ///
    /// # Errors
    /// When somebody else took the port meanwhile.
    pub async fn resume(&self) -> io::Result<()> {
        let mut door = lock(&self.inner.door);
        if door.is_none() {
            *door = Some(serve::Door::open(serve::bind(self.inner.port)?, self)?);
        }
        Ok(())
    }

    /// Goes down for good.
    pub async fn stop(&self) {
        self.pause().await;
    }

    /// Ticks on each change of what the forum remembers.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Everything that was tried from outside, in order. Plain reading is not in it.
    pub fn ledger(&self) -> Vec<Entry> {
        self.state().ledger.clone()
    }

    /// Every call of the API and its answer, in order; none where the forum has no API.
    pub fn calls(&self) -> Vec<ApiCall> {
        self.state().calls.clone()
    }

    /// How often each path was asked for, query left out (`GET /showthread.php`).
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.state().requests.clone()
    }

    /// How often a feed was asked for by somebody who had it already as it is.
    pub fn unchanged(&self) -> u64 {
        self.state().unchanged
    }

    /// Plans a fault for all paths.
    pub fn fail(&self, fault: Fault, lasts: Lasts) {
        self.fail_at("", fault, lasts);
    }

    /// How many planned faults have not struck yet; those that last until cleared count as one.
    pub fn faults_left(&self) -> usize {
        lock(&self.inner.faults).left()
    }

    /// Plans a fault for the addresses that begin with `path` (`/newreply.php`, `/showthread.php?t=5`).
    /// Faults are taken in the order they were planned.
    pub fn fail_at(&self, path: &str, fault: Fault, lasts: Lasts) {
        lock(&self.inner.faults).add(fault, lasts, path);
    }

    /// Takes back every planned fault.
    pub fn heal(&self) {
        lock(&self.inner.faults).clear();
    }

    fn state(&self) -> MutexGuard<'_, state::State> {
        lock(&self.inner.state)
    }

    /// Works on the state under its lock, then tells the watchers if anything changed.
    fn with<T>(&self, work: impl FnOnce(&mut state::State) -> T) -> T {
        let mut state = self.state();
        let before = state.version;
        let result = work(&mut state);
        let after = state.version;
        drop(state);
        if after != before {
            self.inner.changes.send_modify(|version| *version = (*version).max(after));
        }
        result
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
