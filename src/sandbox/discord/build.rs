//! Building a guild: who is in it, what channels it has, who may do what.

use std::collections::{BTreeMap, BTreeSet};

use super::permissions::{BOT, EVERYONE, Overwrite};
use super::state::{
    ANNOUNCEMENT, Channel, DM, FORUM, Guild, Id, Member, REQUIRE_TAG, Role, State, TEXT, Tag, User, Webhook,
};
use super::{Discord, Refused};

/// A person, as they are to be.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// What people see; the handle is made from it.
    pub name: String,
    pub avatar_url: Option<String>,
    /// Roles by id, in every guild that there is.
    pub roles: Vec<Id>,
}

impl Discord {
    /// A guild with the bot and everyone known in it. Its owner is a person of its own.
    pub fn add_guild(&self, name: &str) -> Id {
        let owner = self.add_user("Owner");
        self.with(|state| {
            let id = state.next_id();
            let now = state.now;
            let role = state.next_id();
            let roles = vec![
                Role {
                    id,
                    name: "@everyone".to_owned(),
                    permissions: EVERYONE,
                    position: 0,
                    mentionable: false,
                },
                Role { id: role, name: "bot".to_owned(), permissions: BOT, position: 1, mentionable: false },
            ];
            let bot = state.bot;
            let members: BTreeMap<Id, Member> = state
                .users
                .keys()
                .map(|user| {
                    let roles = if *user == bot { vec![role] } else { Vec::new() };
                    (*user, Member { nick: None, roles, joined: now })
                })
                .collect();
            state.guilds.insert(id, Guild { id, name: name.to_owned(), owner, roles, members, since: now });
            state.emit_guild(id);
            id
        })
    }

    /// A person who is in every guild.
    pub fn add_user(&self, name: &str) -> Id {
        self.add_person(Person { name: name.to_owned(), ..Person::default() })
    }

    pub fn add_person(&self, person: Person) -> Id {
        self.with(|state| {
            let id = state.next_id();
            let handle: String = person
                .name
                .to_lowercase()
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || "._".contains(*c))
                .collect();
            let handle = if handle.len() < 2 { format!("user{id}") } else { handle };
            let display = Some(person.name);
            state
                .users
                .insert(id, User { id, name: handle, display, avatar_url: person.avatar_url, bot: false });
            let now = state.now;
            for guild in state.guilds.values_mut() {
                guild.members.insert(id, Member { nick: None, roles: person.roles.clone(), joined: now });
            }
            id
        })
    }

    pub fn set_nick(&self, guild: Id, user: Id, nick: Option<&str>) {
        self.with(|state| {
            if let Some(member) = state.guilds.get_mut(&guild).and_then(|guild| guild.members.get_mut(&user))
            {
                member.nick = nick.map(str::to_owned);
            }
        });
    }

    /// A role with those permission bits.
    pub fn add_role(&self, guild: Id, name: &str, permissions: u64) -> Id {
        self.with(|state| {
            let id = state.next_id();
            if let Some(guild) = state.guilds.get_mut(&guild) {
                let position = u64::try_from(guild.roles.len()).unwrap_or(1);
                guild.roles.push(Role {
                    id,
                    name: name.to_owned(),
                    permissions,
                    position,
                    mentionable: false,
                });
            }
            id
        })
    }

    pub fn give_role(&self, guild: Id, user: Id, role: Id) {
        self.with(|state| {
            if let Some(member) = state.guilds.get_mut(&guild).and_then(|guild| guild.members.get_mut(&user))
                && !member.roles.contains(&role)
            {
                member.roles.push(role);
            }
        });
    }

    /// What the bot's role allows in the guild, beside what `@everyone` may.
    pub fn set_bot_permissions(&self, guild: Id, permissions: u64) {
        self.with(|state| {
            if let Some(role) = state.guilds.get_mut(&guild).and_then(|guild| guild.roles.get_mut(1)) {
                role.permissions = permissions;
            }
        });
    }

    pub fn set_everyone_permissions(&self, guild: Id, permissions: u64) {
        self.with(|state| {
            if let Some(role) = state.guilds.get_mut(&guild).and_then(|guild| guild.roles.first_mut()) {
                role.permissions = permissions;
            }
        });
    }

    /// A channel's exception for a role (a guild's own id is `@everyone`) or a user; replaces an earlier one.
    pub fn set_overwrite(&self, channel: Id, target: Id, allow: u64, deny: u64) {
        self.with(|state| {
            let kind = u64::from(state.users.contains_key(&target));
            if let Some(it) = state.channels.get_mut(&channel) {
                it.overwrites.retain(|known| known.target != target);
                it.overwrites.push(Overwrite { target, kind, allow, deny });
            }
            state.emit_channel(channel, "CHANNEL_UPDATE");
        });
    }

    pub fn add_text_channel(&self, guild: Id, name: &str) -> Id {
        self.with(|state| state.add_channel(guild, TEXT, name, Vec::new()))
    }

    /// A person's direct messages with the bot.
    pub fn add_dm(&self) -> Id {
        self.with(|state| {
            let id = state.next_id();
            state.channels.insert(id, State::bare_channel(id, None, DM, ""));
            id
        })
    }

    pub fn add_announcement_channel(&self, guild: Id, name: &str) -> Id {
        self.with(|state| state.add_channel(guild, ANNOUNCEMENT, name, Vec::new()))
    }

    pub fn add_forum_channel(&self, guild: Id, name: &str, tags: &[&str]) -> Id {
        self.with(|state| {
            let tags = tags.iter().map(|name| {
                let id = state.next_id();
                Tag { id, name: (*name).to_owned(), moderated: false, emoji: None }
            });
            let tags = tags.collect();
            state.add_channel(guild, FORUM, name, tags)
        })
    }

    /// Makes a forum channel insist on a tag for every post, or not.
    pub fn require_tag(&self, forum: Id, on: bool) {
        self.with(|state| {
            if let Some(channel) = state.channels.get_mut(&forum) {
                channel.flags = if on { channel.flags | REQUIRE_TAG } else { channel.flags & !REQUIRE_TAG };
            }
            state.emit_channel(forum, "CHANNEL_UPDATE");
        });
    }

    /// A webhook that a person made in the client: it belongs to no application.
    ///
    /// # Errors
    /// 10003 for an unknown channel.
    pub fn add_webhook(&self, channel: Id, creator: Id, name: &str) -> Result<Id, Refused> {
        self.with(|state| {
            state.channel(channel)?;
            let id = state.next_id();
            let guild = state.guild_of(channel);
            let webhook = Webhook {
                id,
                channel,
                guild,
                name: name.to_owned(),
                avatar: None,
                token: super::token(id),
                creator,
                application: None,
            };
            state.webhooks.insert(id, webhook);
            Ok(id)
        })
    }

    /// Deletes a webhook, as a moderator would in the client.
    pub fn delete_webhook(&self, webhook: Id) {
        self.with(|state| state.webhooks.remove(&webhook));
    }
}

impl State {
    pub fn add_channel(&mut self, guild: Id, kind: u64, name: &str, tags: Vec<Tag>) -> Id {
        let id = self.next_id();
        let position =
            self.channels.values().filter(|it| it.guild == Some(guild) && it.thread.is_none()).count();
        let position = u64::try_from(position).unwrap_or(0);
        let channel = Channel { position, tags, ..Self::bare_channel(id, Some(guild), kind, name) };
        self.channels.insert(id, channel);
        self.emit_channel(id, "CHANNEL_CREATE");
        id
    }

    fn bare_channel(id: Id, guild: Option<Id>, kind: u64, name: &str) -> Channel {
        Channel {
            id,
            guild,
            kind,
            name: name.to_owned(),
            topic: None,
            parent: None,
            position: 0,
            overwrites: Vec::new(),
            tags: Vec::new(),
            flags: 0,
            slowmode: 0,
            last_message: None,
            thread: None,
            messages: BTreeSet::new(),
        }
    }
}
