//! Everything that the sandbox's Discord knows, in memory. Only data and look-ups: what Discord
//! answers is in `rest`, how it looks on the wire in `render`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use jiff::Timestamp;
use serde_json::Value;

use super::error::Refused;
use super::faults::Faults;
use super::gateway::Sessions;
use super::interactions::Call;
use super::ledger::Entry;
use super::limits::Buckets;
use super::permissions::Overwrite;

/// A snowflake.
pub type Id = u64;

/// 2015-01-01T00:00:00Z, where snowflakes begin, in milliseconds.
const EPOCH_MS: i64 = 1_420_070_400_000;

#[derive(Debug, Clone)]
pub struct User {
    pub id: Id,
    /// The unique handle; lower case.
    pub name: String,
    /// What people see.
    pub display: Option<String>,
    pub avatar_url: Option<String>,
    pub bot: bool,
}

#[derive(Debug, Clone)]
pub struct Member {
    pub nick: Option<String>,
    pub roles: Vec<Id>,
    pub joined: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Role {
    pub id: Id,
    pub name: String,
    pub permissions: u64,
    pub position: u64,
    pub mentionable: bool,
}

#[derive(Debug, Clone)]
pub struct Guild {
    pub id: Id,
    pub name: String,
    pub owner: Id,
    /// The first is `@everyone`, whose id is the guild's.
    pub roles: Vec<Role>,
    pub members: BTreeMap<Id, Member>,
    pub since: Timestamp,
}

/// Discord's channel types, as far as the sandbox has them.
pub const TEXT: u64 = 0;
pub const DM: u64 = 1;
pub const ANNOUNCEMENT: u64 = 5;
pub const ANNOUNCEMENT_THREAD: u64 = 10;
pub const PUBLIC_THREAD: u64 = 11;
pub const PRIVATE_THREAD: u64 = 12;
pub const FORUM: u64 = 15;

/// Channel flags.
pub const PINNED: u64 = 1 << 1;
pub const REQUIRE_TAG: u64 = 1 << 4;

/// Message flags.
pub const SUPPRESS_EMBEDS: u64 = 1 << 2;
pub const HAS_THREAD: u64 = 1 << 5;
pub const EPHEMERAL: u64 = 1 << 6;
pub const LOADING: u64 = 1 << 7;
pub const COMPONENTS_V2: u64 = 1 << 15;

#[derive(Debug, Clone)]
pub struct Channel {
    pub id: Id,
    /// Absent for a direct message.
    pub guild: Option<Id>,
    /// Discord's number: 0 text, 5 announcement, 11 public thread, 15 forum ...
    pub kind: u64,
    pub name: String,
    pub topic: Option<String>,
    pub parent: Option<Id>,
    pub position: u64,
    pub overwrites: Vec<Overwrite>,
    /// What a forum channel offers.
    pub tags: Vec<Tag>,
    pub flags: u64,
    /// Seconds between two messages of one person.
    pub slowmode: u64,
    pub last_message: Option<Id>,
    pub thread: Option<Thread>,
    pub messages: BTreeSet<Id>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pub id: Id,
    pub name: String,
    /// Only those who manage threads may set it.
    pub moderated: bool,
    pub emoji: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Thread {
    pub owner: Id,
    pub archived: bool,
    pub locked: bool,
    /// Minutes.
    pub auto_archive: u64,
    pub archive_changed: Timestamp,
    pub created: Timestamp,
    pub active: Timestamp,
    pub tags: Vec<Id>,
    pub sent: u64,
    pub members: BTreeSet<Id>,
}

#[derive(Debug, Clone)]
pub struct Attachment {
    pub id: Id,
    pub name: String,
    pub description: Option<String>,
    pub content_type: Option<String>,
    pub size: u64,
    pub url: String,
}

#[derive(Debug, Clone)]
pub struct Reaction {
    /// `👍`, or `name:id` for a custom one.
    pub emoji: String,
    pub users: Vec<Id>,
}

#[derive(Debug, Clone)]
pub struct Message {
    pub id: Id,
    pub channel: Id,
    /// A user, or the webhook itself.
    pub author: Id,
    /// The name and face that the message carries: a webhook's may differ each time.
    pub author_name: String,
    pub avatar_url: Option<String>,
    /// 0 ordinary, 19 reply, 18 thread created, 20 answer to a slash command, 23 to a message command.
    pub kind: u64,
    pub content: String,
    pub webhook: Option<Id>,
    pub application: Option<Id>,
    pub reply_to: Option<Id>,
    pub at: Timestamp,
    pub edited: Option<Timestamp>,
    pub attachments: Vec<Attachment>,
    pub embeds: Vec<Value>,
    pub components: Vec<Value>,
    pub flags: u64,
    pub pinned: bool,
    pub nonce: Option<Value>,
    /// Whom the message pinged, after `allowed_mentions`.
    pub mentions: Vec<Id>,
    pub mention_roles: Vec<Id>,
    pub mention_everyone: bool,
    pub reactions: Vec<Reaction>,
    /// The interaction that it answers.
    pub interaction: Option<Id>,
    /// Set when it is ephemeral: the one person who sees it.
    pub only_for: Option<Id>,
    /// How often it was edited when older than an hour.
    pub late_edits: Vec<Instant>,
}

impl Message {
    pub fn ephemeral(&self) -> bool {
        self.flags & EPHEMERAL != 0
    }
}

/// The token is a secret of the sandbox only, so `Debug` may show it.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub id: Id,
    pub channel: Id,
    pub guild: Option<Id>,
    pub name: String,
    pub avatar: Option<String>,
    pub token: String,
    /// Who made it; the application that owns it when a bot did.
    pub creator: Id,
    pub application: Option<Id>,
}

pub struct State {
    /// The time of the request or act that holds the lock.
    pub now: Timestamp,
    pub at: Instant,
    /// `http://127.0.0.1:PORT`
    pub base: String,
    pub token: String,
    pub bot: Id,
    pub application: Id,
    pub guilds: BTreeMap<Id, Guild>,
    pub users: BTreeMap<Id, User>,
    pub channels: BTreeMap<Id, Channel>,
    pub messages: BTreeMap<Id, Message>,
    pub webhooks: BTreeMap<Id, Webhook>,
    /// By guild; `None` holds the global ones. As Discord shows them.
    pub commands: BTreeMap<Option<Id>, Vec<Value>>,
    /// People whom a guild's settings allow a command that its definition does not.
    pub granted: BTreeSet<(Id, String)>,
    pub interactions: BTreeMap<Id, Call>,
    /// What was uploaded, by attachment.
    pub files: HashMap<Id, Vec<u8>>,
    /// Nonces that were enforced: author and nonce, when, and the message.
    pub nonces: HashMap<(Id, String), (Instant, Id)>,
    pub sessions: Sessions,
    pub buckets: Buckets,
    pub faults: Faults,
    pub ledger: Vec<Entry>,
    /// Privileged intents that are switched off in the portal.
    pub disallowed_intents: u64,
    pub last_id: Id,
}

impl State {
    /// A new snowflake of this moment, greater than every one before.
    pub fn next_id(&mut self) -> Id {
        let ms = u64::try_from(self.now.as_millisecond() - EPOCH_MS).unwrap_or(1);
        self.last_id = (ms << 22).max(self.last_id + 1);
        self.last_id
    }

    pub fn channel(&self, id: Id) -> Result<&Channel, Refused> {
        self.channels.get(&id).ok_or_else(|| Refused::code(10003))
    }

    pub fn channel_mut(&mut self, id: Id) -> Result<&mut Channel, Refused> {
        self.channels.get_mut(&id).ok_or_else(|| Refused::code(10003))
    }

    pub fn message(&self, id: Id) -> Result<&Message, Refused> {
        self.messages.get(&id).ok_or_else(|| Refused::code(10008))
    }

    /// A message of this very channel that everyone can see.
    pub fn message_in(&self, channel: Id, id: Id) -> Result<&Message, Refused> {
        self.message(id).and_then(|message| {
            if message.channel == channel && message.only_for.is_none() {
                Ok(message)
            } else {
                Err(Refused::code(10008))
            }
        })
    }

    pub fn message_mut(&mut self, id: Id) -> Result<&mut Message, Refused> {
        self.messages.get_mut(&id).ok_or_else(|| Refused::code(10008))
    }

    pub fn guild_of(&self, channel: Id) -> Option<Id> {
        self.channels.get(&channel).and_then(|channel| channel.guild)
    }

    /// Refuses unless `user` has every bit; a channel that cannot be seen is 50001, the rest 50013.
    pub fn require(&self, channel: Id, user: Id, bits: u64) -> Result<(), Refused> {
        self.channel(channel)?;
        let has = self.permissions(channel, user);
        if has & super::permissions::VIEW_CHANNEL == 0 {
            return Err(Refused::code(50001));
        }
        if has & bits == bits { Ok(()) } else { Err(Refused::code(50013)) }
    }

    /// The name that the guild sees.
    pub fn name_in(&self, guild: Option<Id>, user: Id) -> String {
        let nick = guild
            .and_then(|guild| self.guilds.get(&guild))
            .and_then(|guild| guild.members.get(&user))
            .and_then(|member| member.nick.clone());
        nick.or_else(|| {
            let user = self.users.get(&user)?;
            Some(user.display.clone().unwrap_or_else(|| user.name.clone()))
        })
        .unwrap_or_else(|| "Deleted User".to_owned())
    }

    /// The threads of a channel, oldest first.
    pub fn threads_of(&self, parent: Id) -> impl Iterator<Item = &Channel> {
        self.channels
            .values()
            .filter(move |channel| channel.thread.is_some() && channel.parent == Some(parent))
    }

    /// Forgets a message; says whether there was one.
    pub fn remove_message(&mut self, id: Id) -> Option<Message> {
        let message = self.messages.remove(&id)?;
        if let Some(channel) = self.channels.get_mut(&message.channel) {
            channel.messages.remove(&id);
        }
        for attachment in &message.attachments {
            self.files.remove(&attachment.id);
        }
        Some(message)
    }
}
