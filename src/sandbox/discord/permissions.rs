//! Who may do what: Discord's permission bits and how roles and overwrites add up.
//! Source: docs.discord.com, Topics / Permissions.

use super::state::{Id, State};

pub const CREATE_INSTANT_INVITE: u64 = 1;
pub const ADMINISTRATOR: u64 = 1 << 3;
pub const MANAGE_CHANNELS: u64 = 1 << 4;
pub const MANAGE_GUILD: u64 = 1 << 5;
pub const ADD_REACTIONS: u64 = 1 << 6;
pub const VIEW_CHANNEL: u64 = 1 << 10;
pub const SEND_MESSAGES: u64 = 1 << 11;
pub const MANAGE_MESSAGES: u64 = 1 << 13;
pub const EMBED_LINKS: u64 = 1 << 14;
pub const ATTACH_FILES: u64 = 1 << 15;
pub const READ_MESSAGE_HISTORY: u64 = 1 << 16;
pub const MENTION_EVERYONE: u64 = 1 << 17;
pub const MANAGE_WEBHOOKS: u64 = 1 << 29;
pub const USE_APPLICATION_COMMANDS: u64 = 1 << 31;
pub const MANAGE_THREADS: u64 = 1 << 34;
pub const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
pub const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;

/// What `@everyone` may do in a guild that nobody has changed.
pub const EVERYONE: u64 = CREATE_INSTANT_INVITE
    | ADD_REACTIONS
    | VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | USE_APPLICATION_COMMANDS
    | CREATE_PUBLIC_THREADS
    | SEND_MESSAGES_IN_THREADS;

/// What the bot's own role adds: the permissions of a bridge's invite link.
pub const BOT: u64 = EVERYONE | MANAGE_WEBHOOKS | MANAGE_THREADS | MANAGE_MESSAGES;

/// A channel's exception for a role (`kind` 0) or a member (`kind` 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overwrite {
    pub target: Id,
    pub kind: u64,
    pub allow: u64,
    pub deny: u64,
}

impl State {
    /// What `user` may do in the guild, before any channel has its say.
    pub fn guild_permissions(&self, guild: Id, user: Id) -> u64 {
        let Some(guild) = self.guilds.get(&guild) else { return 0 };
        if guild.owner == user {
            return u64::MAX;
        }
        let Some(member) = guild.members.get(&user) else { return 0 };
        let bits = guild
            .roles
            .iter()
            .filter(|role| role.id == guild.id || member.roles.contains(&role.id))
            .fold(0, |bits, role| bits | role.permissions);
        if bits & ADMINISTRATOR != 0 { u64::MAX } else { bits }
    }

    /// What `user` may do in the channel; a thread follows its parent.
    pub fn permissions(&self, channel: Id, user: Id) -> u64 {
        let Some(channel) = self.channels.get(&channel) else { return 0 };
        let Some(guild) = channel.guild else { return EVERYONE };
        let mut bits = self.guild_permissions(guild, user);
        if bits == u64::MAX {
            return bits;
        }
        let ruler = channel.thread.as_ref().and(channel.parent).and_then(|id| self.channels.get(&id));
        let overwrites = &ruler.unwrap_or(channel).overwrites;
        let roles = self
            .guilds
            .get(&guild)
            .and_then(|guild| guild.members.get(&user))
            .map(|member| member.roles.as_slice())
            .unwrap_or_default();
        for overwrite in overwrites.iter().filter(|overwrite| overwrite.target == guild) {
            bits = bits & !overwrite.deny | overwrite.allow;
        }
        let of_roles = overwrites.iter().filter(|it| it.target != guild && roles.contains(&it.target));
        let (allow, deny) = of_roles.fold((0, 0), |(allow, deny), it| (allow | it.allow, deny | it.deny));
        bits = bits & !deny | allow;
        for overwrite in overwrites.iter().filter(|overwrite| overwrite.kind == 1 && overwrite.target == user)
        {
            bits = bits & !overwrite.deny | overwrite.allow;
        }
        if bits & VIEW_CHANNEL == 0 { 0 } else { bits }
    }
}
