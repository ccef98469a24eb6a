//! Discord: gateway events in, REST out under a pacer, how a mirrored post looks, and the commands.
//! Nothing about an engine or the database may enter here; what the commands need of the forums they
//! ask through a trait of their own.

use std::time::Duration;

pub mod commands;
pub mod gateway;
pub mod look;
pub mod pacer;
pub mod rest;
#[cfg(test)]
mod spec;

use crate::model::{ChannelId, GuildId, MessageId, UserId};

/// Something that happened in Discord, in the order of the gateway as far as it is known.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A new session: whatever happened before may have been missed.
    Ready {
        me: UserId,
    },
    /// The session lives on and nothing was missed.
    Resumed,
    Message(Message),
    /// The message as it is now. Events of other kinds (an embed that was resolved) are left out.
    Edited(Message),
    Deleted {
        channel: ChannelId,
        messages: Vec<MessageId>,
    },
    Reacted {
        channel: ChannelId,
        message: MessageId,
        user: UserId,
        emoji: String,
    },
    Unreacted {
        channel: ChannelId,
        message: MessageId,
        user: UserId,
        emoji: String,
    },
    /// All reactions, or all of one emoji, were cleared.
    ReactionsCleared {
        channel: ChannelId,
        message: MessageId,
        emoji: Option<String>,
    },
    ChannelDeleted {
        channel: ChannelId,
    },
    /// A person opened a thread or a forum post.
    ThreadCreated {
        parent: ChannelId,
        thread: ChannelId,
        owner: Option<UserId>,
        title: String,
    },
}

/// A Discord message, as far as the bridge cares.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub id: MessageId,
    pub channel: ChannelId,
    /// Absent in direct messages and in what REST returns.
    pub guild: Option<GuildId>,
    pub author: Person,
    /// Set when a webhook wrote it.
    pub webhook: Option<u64>,
    /// Discord Markdown, as typed.
    pub content: String,
    pub attachments: Vec<File>,
    /// The message that this one answers.
    pub reply_to: Option<MessageId>,
    /// A person's own words: not a join notice, a pin notice or the like.
    pub ordinary: bool,
    /// The names behind `<@id>` in the content.
    pub mentions: Vec<(UserId, String)>,
    /// The kinds of reaction on it; only what REST returns has them.
    pub reactions: Vec<String>,
    pub edited: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: UserId,
    /// The name that the guild sees: nickname, else display name, else user name.
    pub name: String,
    pub bot: bool,
}

/// A file on a Discord message. Its address is signed and good for about a day; each time that the message
/// is read it comes with a fresh one.
/// <https://docs.discord.com/developers/reference#signed-attachment-cdn-urls>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub id: u64,
    pub name: String,
    pub url: String,
    pub size: u64,
    pub content_type: Option<String>,
}

/// A webhook that the application owns. The token is a secret: no `Debug`.
#[derive(Clone)]
pub struct Webhook {
    pub id: u64,
    pub channel: ChannelId,
    pub token: secrecy::SecretString,
}

/// A message to be sent through a webhook. Never pings anyone: every request carries
/// `allowed_mentions` with nothing in `parse`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Already fit for Discord: see `look`.
    pub username: String,
    pub avatar_url: Option<String>,
    /// At most 2,000 characters.
    pub content: String,
}

/// What a channel is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    pub id: ChannelId,
    pub guild: Option<GuildId>,
    pub kind: ChannelKind,
    pub name: String,
    pub parent: Option<ChannelId>,
    /// The tags that a forum channel offers: id and name.
    pub tags: Vec<(u64, String)>,
    pub requires_tag: bool,
    /// Of a thread.
    pub archived: bool,
    pub locked: bool,
    pub owner: Option<UserId>,
    /// The newest message that was ever in it; it may be gone.
    pub last_message: Option<MessageId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    Text,
    Announcement,
    Forum,
    Thread,
    Other,
}

/// What to change on a Discord thread; `None` leaves it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThreadPatch {
    pub name: Option<String>,
    pub archived: Option<bool>,
    pub locked: Option<bool>,
    pub pinned: Option<bool>,
    pub tags: Option<Vec<u64>>,
}

/// Why Discord did not do what it was asked. The bridge branches on exactly these.
#[derive(Debug, thiserror::Error)]
pub enum DiscordError {
    /// Certainly not done: paced, a 429 that outlasted our patience, or Discord unreachable.
    #[error("{reason}")]
    Later { after: Duration, reason: String },
    /// It may have been done: look before trying again.
    #[error("Discord's answer did not arrive: {reason}")]
    Uncertain { reason: String },
    /// The channel, thread, webhook or message is no longer there (10003, 10008, 10015).
    #[error("{0}")]
    Gone(String),
    /// The thread is archived (50083): open it, then try again.
    #[error("the Discord thread is archived")]
    Archived,
    /// The thread is locked (160005), and the bot may not change that.
    #[error("the Discord thread is locked; unlock it, or give the bot the permission Manage Threads")]
    Locked,
    /// The bot lacks a permission (50001, 50013); the sentence names what is missing.
    #[error("{0}")]
    Forbidden(String),
    /// The token is wrong (401).
    #[error(
        "Discord does not accept the bot's token; set discord.token to the one on the application's Bot page"
    )]
    Token,
    /// Discord refuses the request as it is, and would again; holds Discord's code and words.
    #[error("Discord refused: {message} (code {code})")]
    Refused { code: u64, message: String },
}

/// Whether an address is on this machine.
fn loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
