//! The configuration: one typed tree from one TOML file, over which the environment may lay single
//! keys. Says exactly what is wrong and where; reads secrets from files; knows no other room.

use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::SecretString;
use url::Url;

use crate::model::{BoardId, ChannelId, ForumKey, ThreadId};

/// Everything that `threadbridge run` needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    pub discord: DiscordConfig,
    pub database: DatabaseConfig,
    pub server: ServerConfig,
    pub forums: Vec<ForumConfig>,
    pub bridges: Vec<BridgeConfig>,
}

#[derive(Debug, Clone)]
pub struct DiscordConfig {
    pub token: SecretString,
    /// Base address for REST; the gateway's address comes from `GET /gateway/bot`.
    pub api_url: Url,
}

#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `sqlite://file` or `postgres://user@host/db`; may hold a password.
    pub url: SecretString,
}

#[derive(Debug, Clone)]
pub struct ServerConfig {
    pub listen: std::net::SocketAddr,
}

#[derive(Debug, Clone)]
pub struct ForumConfig {
    pub key: ForumKey,
    pub engine: EngineName,
    pub url: Url,
    pub account: Option<AccountConfig>,
    pub timezone: TimeZone,
    /// The shortest time between two looks at a board; quiet boards are asked less often.
    pub poll: Duration,
    /// The shortest time between two requests to this forum's host.
    pub min_request_gap: Duration,
}

#[derive(Debug, Clone)]
pub struct AccountConfig {
    pub username: String,
    pub password: SecretString,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineName {
    Vbulletin4,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeConfig {
    pub forum: ForumKey,
    pub scope: Scope,
    pub channel: ChannelId,
    pub layout: Layout,
    pub replies: Replies,
    /// The reactions that thank a post's author; empty is off.
    pub thanks: Vec<String>,
    pub start: Start,
}

/// What of a forum a bridge carries.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    Board(BoardId),
    Thread(ThreadId),
}

/// How a bridge looks in Discord.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `Threads` in a Discord forum channel, `Feed` in a text channel.
    Auto,
    /// A Discord thread for each forum thread.
    Threads,
    /// Every post is a message of the channel.
    Feed,
}

/// Whose Discord messages reach the forum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replies {
    Everyone,
    Linked,
    Off,
}

/// How much of what is already on the forum a new bridge brings over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Now,
    All,
    /// So many of the newest posts of each thread.
    Newest(u32),
}

/// Where the configuration was looked for and found.
#[derive(Debug, Clone)]
pub struct Source {
    pub path: PathBuf,
}
