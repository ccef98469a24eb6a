//! Bridges: making, pausing and removing them, and how they are doing. Only for those who have Manage
//! Server, and only within their own guild.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Asker, Suggestion, not_here};
use crate::config::{Layout, Replies, Start};
use crate::model::{ChannelId, GuildId};

/// Somebody who has Manage Server in their guild: there is no other way to have one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manager {
    asker: Asker,
    guild: GuildId,
}

impl Manager {
    pub fn of(asker: Asker) -> Result<Self, String> {
        match asker.guild {
            Some(guild) if asker.manages => Ok(Self { asker, guild }),
            Some(_) => Err("This needs the permission Manage Server.".to_owned()),
            None => Err("This only works in a server.".to_owned()),
        }
    }

    pub fn asker(&self) -> Asker {
        self.asker
    }

    pub fn guild(&self) -> GuildId {
        self.guild
    }
}

/// A bridge that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBridge {
    pub forum: Option<String>,
    /// One of these two.
    pub board: Option<String>,
    pub thread: Option<String>,
    pub channel: ChannelId,
    /// What whoever asks may not do in that channel and ought to be able to.
    pub person_lacks: Vec<&'static str>,
    pub layout: Layout,
    pub replies: Replies,
}

/// A bridge as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeView {
    pub id: i64,
    pub forum: String,
    /// `board 12` or `thread 134567`.
    pub carries: String,
    pub channel: ChannelId,
    pub layout: Layout,
    pub replies: Replies,
    pub from_file: bool,
    pub paused: bool,
    /// Discord has told of its channel.
    pub tied: bool,
}

/// What bringing over older posts would mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub bridge: BridgeView,
    pub depth: Start,
    pub threads: u64,
    pub posts: u64,
    /// The figures are reckoned from the board's first page.
    pub about: bool,
    pub takes: Duration,
}

/// How far a backfill has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Threads still to be read; `None` before they are counted.
    pub threads: Option<u64>,
    /// Messages still to be sent.
    pub waiting: u64,
}

impl Progress {
    pub fn done(&self) -> bool {
        self.threads == Some(0) && self.waiting == 0
    }
}

/// How a bridge is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub bridge: BridgeView,
    pub waiting: u64,
    /// How long the oldest waiting message is overdue.
    pub lag: Duration,
    pub threads_unread: u64,
    /// What stands in the way, on either side.
    pub faults: Vec<String>,
}

/// Something that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedView {
    pub id: i64,
    pub what: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusView {
    pub bridges: Vec<Standing>,
    pub parked: Vec<ParkedView>,
}

/// What happened to a post, line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoryView {
    pub url: String,
    pub lines: Vec<(Option<Timestamp>, String)>,
}

#[async_trait]
pub trait Bridges: Send + Sync {
    async fn add(&self, _: Manager, _wish: NewBridge) -> Result<BridgeView, String> {
        not_here()
    }

    async fn list(&self, _: Manager) -> Result<Vec<BridgeView>, String> {
        not_here()
    }

    async fn pause(&self, _: Manager, _bridge: &str, _paused: bool) -> Result<BridgeView, String> {
        not_here()
    }

    async fn remove(&self, _: Manager, _bridge: &str) -> Result<BridgeView, String> {
        not_here()
    }

    /// What a backfill would bring over; changes nothing.
    async fn plan(&self, _: Manager, _bridge: &str, _depth: Start) -> Result<Plan, String> {
        not_here()
    }

    async fn backfill(&self, _: Manager, _bridge: &str, _depth: Start) -> Result<BridgeView, String> {
        not_here()
    }

    async fn progress(&self, _: Manager, _bridge: &str) -> Result<Progress, String> {
        not_here()
    }

    /// Of one bridge, or of all in this guild.
    async fn status(&self, _: Manager, _bridge: Option<&str>) -> Result<StatusView, String> {
        not_here()
    }

    /// Lets something that was given up run again, or throws it away.
    async fn unpark(&self, _: Manager, _id: i64, _retry: bool) -> Result<String, String> {
        not_here()
    }

    async fn why(&self, _: Manager, _post: &str, _forum: Option<&str>) -> Result<StoryView, String> {
        not_here()
    }

    /// The guild's own bridges. Must be quick.
    async fn complete_bridges(&self, _: Manager, _words: &str) -> Vec<Suggestion> {
        Vec::new()
    }
}
