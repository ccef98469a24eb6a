//! How things look on the wire. Every field that serenity 0.12.5 or Discord's OpenAPI file requires
//! is here; `null` only where Discord sends it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::interactions::Call;
use super::permissions::Overwrite;
use super::state::{Attachment, Channel, Guild, HAS_THREAD, Id, Member, Message, Role, State, User, Webhook};

/// ISO 8601 with microseconds and an offset, as Discord writes times.
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

/// 32 hex digits that stand for a picture's address.
pub fn picture(url: &str) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(url.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A partial emoji from `👍` or `name:id`.
pub fn emoji(text: &str) -> Value {
    match text.rsplit_once(':') {
        Some((name, id)) if id.parse::<u64>().is_ok() => json!({ "id": id, "name": name }),
        _ => json!({ "id": null, "name": text }),
    }
}

pub fn user(user: &User) -> Value {
    let mut it = json!({
        "id": user.id.to_string(),
        "username": user.name,
        "discriminator": if user.bot { "0001" } else { "0" },
        "global_name": user.display,
        "avatar": user.avatar_url.as_deref().map(picture),
        "public_flags": 0,
        "flags": 0,
        "primary_guild": null,
        "avatar_decoration_data": null,
        "collectibles": null,
    });
    if user.bot {
        it["bot"] = json!(true);
    }
    it
}

pub fn role(role: &Role) -> Value {
    json!({
        "id": role.id.to_string(),
        "name": role.name,
        "description": null,
        "permissions": role.permissions.to_string(),
        "position": role.position,
        "color": 0,
        "colors": { "primary_color": 0, "secondary_color": null, "tertiary_color": null },
        "hoist": false,
        "managed": false,
        "mentionable": role.mentionable,
        "icon": null,
        "unicode_emoji": null,
        "flags": 0,
    })
}

/// A member without the user.
pub fn partial_member(member: &Member) -> Value {
    json!({
        "nick": member.nick,
        "avatar": null,
        "banner": null,
        "roles": member.roles.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "joined_at": time(member.joined),
        "premium_since": null,
        "communication_disabled_until": null,
        "flags": 0,
        "pending": false,
        "deaf": false,
        "mute": false,
    })
}

fn overwrite(it: &Overwrite) -> Value {
    json!({
        "id": it.target.to_string(),
        "type": it.kind,
        "allow": it.allow.to_string(),
        "deny": it.deny.to_string(),
    })
}

fn attachment(it: &Attachment, now: Timestamp) -> Value {
    let url = it.signed(now);
    let mut body = json!({
        "id": it.id.to_string(),
        "filename": it.name,
        "size": it.size,
        "url": url,
        "proxy_url": url,
    });
    if let Some(description) = &it.description {
        body["description"] = json!(description);
    }
    if let Some(content_type) = &it.content_type {
        body["content_type"] = json!(content_type);
    }
    body
}

impl State {
    pub fn user_json(&self, id: Id) -> Value {
        match self.users.get(&id) {
            Some(known) => user(known),
            None => user(&User {
                id,
                name: "deleted_user".to_owned(),
                display: None,
                avatar_url: None,
                bot: false,
            }),
        }
    }

    /// A member with the user in it.
    pub fn member_json(&self, guild: Id, id: Id) -> Option<Value> {
        let mut member = partial_member(self.guilds.get(&guild)?.members.get(&id)?);
        member["user"] = self.user_json(id);
        Some(member)
    }

    pub fn channel_json(&self, channel: &Channel) -> Value {
        let id = |id: Id| id.to_string();
        let mut it = json!({
            "id": id(channel.id),
            "type": channel.kind,
            "name": channel.name,
            "parent_id": channel.parent.map(id),
            "last_message_id": channel.last_message.map(id),
            "flags": channel.flags,
            "rate_limit_per_user": channel.slowmode,
        });
        if let Some(guild) = channel.guild {
            it["guild_id"] = json!(id(guild));
        }
        if let Some(thread) = &channel.thread {
            it["owner_id"] = json!(id(thread.owner));
            it["message_count"] = json!(channel.messages.len());
            it["total_message_sent"] = json!(thread.sent);
            it["member_count"] = json!(thread.members.len().min(50));
            it["thread_metadata"] = json!({
                "archived": thread.archived,
                "archive_timestamp": time(thread.archive_changed),
                "auto_archive_duration": thread.auto_archive,
                "locked": thread.locked,
                "create_timestamp": time(thread.created),
            });
            if !thread.tags.is_empty() {
                it["applied_tags"] = json!(thread.tags.iter().copied().map(id).collect::<Vec<_>>());
            }
            return it;
        }
        it["topic"] = json!(channel.topic);
        it["position"] = json!(channel.position);
        it["nsfw"] = json!(false);
        it["permission_overwrites"] = channel.overwrites.iter().map(overwrite).collect();
        if channel.kind == super::state::FORUM {
            it["available_tags"] = channel
                .tags
                .iter()
                .map(|tag| {
                    json!({
                        "id": id(tag.id),
                        "name": tag.name,
                        "moderated": tag.moderated,
                        "emoji_id": null,
                        "emoji_name": tag.emoji,
                    })
                })
                .collect();
            it["default_reaction_emoji"] = Value::Null;
            it["default_sort_order"] = Value::Null;
            it["default_forum_layout"] = json!(0);
        }
        it
    }

    /// The bot's membership of a thread.
    pub fn thread_member_json(&self, channel: Id, user: Id) -> Value {
        let joined =
            self.channels.get(&channel).and_then(|it| it.thread.as_ref()).map_or(self.now, |it| it.created);
        json!({
            "id": channel.to_string(),
            "user_id": user.to_string(),
            "join_timestamp": time(joined),
            "flags": 1,
        })
    }

    /// A thread as it is sent to the bot: with its membership when it has joined.
    pub fn thread_json(&self, channel: &Channel) -> Value {
        let mut it = self.channel_json(channel);
        if channel.thread.as_ref().is_some_and(|thread| thread.members.contains(&self.bot)) {
            it["member"] = self.thread_member_json(channel.id, self.bot);
        }
        it
    }

    fn author_json(&self, message: &Message) -> Value {
        let Some(webhook) = message.webhook.filter(|_| message.interaction.is_none()) else {
            return self.user_json(message.author);
        };
        json!({
            "id": webhook.to_string(),
            "username": message.author_name,
            "discriminator": "0000",
            "global_name": null,
            "avatar": message.avatar_url.as_deref().map(picture),
            "bot": true,
            "public_flags": 0,
            "flags": 0,
            "primary_guild": null,
        })
    }

    /// The message as the bot sees it; `deep` adds the message that it answers.
    pub fn message_json(&self, message: &Message, deep: bool) -> Value {
        let id = |id: &Id| id.to_string();
        let mut it = json!({
            "id": id(&message.id),
            "channel_id": id(&message.channel),
            "type": message.kind,
            "author": self.author_json(message),
            "content": message.content,
            "timestamp": time(message.at),
            "edited_timestamp": message.edited.map(time),
            "tts": false,
            "mention_everyone": message.mention_everyone,
            "mentions": message.mentions.iter().map(|user| self.user_json(*user)).collect::<Vec<_>>(),
            "mention_roles": message.mention_roles.iter().map(id).collect::<Vec<_>>(),
            "attachments": message.attachments.iter().map(|it| attachment(it, self.now)).collect::<Vec<_>>(),
            "embeds": message.embeds,
            "components": message.components,
            "pinned": message.pinned,
            "flags": message.flags,
        });
        if let Some(webhook) = message.webhook {
            it["webhook_id"] = json!(id(&webhook));
        }
        if let Some(application) = message.application {
            it["application_id"] = json!(id(&application));
        }
        if let Some(nonce) = &message.nonce {
            it["nonce"] = nonce.clone();
        }
        if !message.reactions.is_empty() {
            it["reactions"] = message
                .reactions
                .iter()
                .map(|reaction| {
                    json!({
                        "emoji": emoji(&reaction.emoji),
                        "count": reaction.users.len(),
                        "count_details": { "normal": reaction.users.len(), "burst": 0 },
                        "burst_colors": [],
                        "me": reaction.users.contains(&self.bot),
                        "me_burst": false,
                    })
                })
                .collect();
        }
        if let Some(target) = message.reply_to {
            let mut reference = json!({
                "type": 0,
                "channel_id": id(&message.channel),
                "message_id": id(&target),
            });
            if let Some(guild) = self.guild_of(message.channel) {
                reference["guild_id"] = json!(id(&guild));
            }
            it["message_reference"] = reference;
            if deep {
                it["referenced_message"] = match self.messages.get(&target) {
                    Some(target) => self.message_json(target, false),
                    None => Value::Null,
                };
            }
        }
        if message.flags & HAS_THREAD != 0
            && let Some(thread) = self.channels.get(&message.id).filter(|it| it.thread.is_some())
        {
            it["thread"] = self.channel_json(thread);
        }
        if let Some(call) = message.interaction.and_then(|id| self.interactions.get(&id)) {
            it["interaction_metadata"] = self.metadata_json(call);
            if let Some(opener) = call.opener.and_then(|id| self.interactions.get(&id)) {
                it["interaction_metadata"]["triggering_interaction_metadata"] = self.metadata_json(opener);
            }
            if call.kind == 2 {
                it["interaction"] = json!({
                    "id": id(&call.id),
                    "type": 2,
                    "name": call.name,
                    "user": self.user_json(call.user),
                });
            }
        }
        it
    }

    fn metadata_json(&self, call: &Call) -> Value {
        let mut it = json!({
            "id": call.id.to_string(),
            "type": call.kind,
            "user": self.user_json(call.user),
            "authorizing_integration_owners": { "0": call.guild.map(|id| id.to_string()) },
        });
        if let (3, Some(source)) = (call.kind, call.source) {
            it["interacted_message_id"] = json!(source.to_string());
        }
        it
    }

    /// With the token only for those who may know it.
    pub fn webhook_json(&self, webhook: &Webhook, with_token: bool, with_user: bool) -> Value {
        let id = |id: Id| id.to_string();
        let mut it = json!({
            "id": id(webhook.id),
            "type": 1,
            "name": webhook.name,
            "avatar": webhook.avatar,
            "channel_id": id(webhook.channel),
            "guild_id": webhook.guild.map(id),
            "application_id": webhook.application.map(id),
        });
        if with_token {
            it["token"] = json!(webhook.token);
            it["url"] = json!(format!("{}/api/webhooks/{}/{}", self.base, webhook.id, webhook.token));
        }
        if with_user {
            it["user"] = self.user_json(webhook.creator);
        }
        it
    }

    /// The guild as `GET /guilds/{id}` shows it.
    pub fn guild_json(&self, guild: &Guild) -> Value {
        json!({
            "id": guild.id.to_string(),
            "name": guild.name,
            "icon": null,
            "description": null,
            "home_header": null,
            "splash": null,
            "discovery_splash": null,
            "features": ["COMMUNITY"],
            "banner": null,
            "owner_id": guild.owner.to_string(),
            "application_id": null,
            "region": "deprecated",
            "afk_channel_id": null,
            "afk_timeout": 300,
            "system_channel_id": null,
            "system_channel_flags": 0,
            "widget_enabled": false,
            "widget_channel_id": null,
            "verification_level": 1,
            "roles": guild.roles.iter().map(role).collect::<Vec<_>>(),
            "default_message_notifications": 1,
            "mfa_level": 0,
            "explicit_content_filter": 2,
            "max_presences": null,
            "max_members": 500_000,
            "max_stage_video_channel_users": 50,
            "max_video_channel_users": 25,
            "vanity_url_code": null,
            "premium_tier": 0,
            "premium_subscription_count": 0,
            "preferred_locale": "en-US",
            "rules_channel_id": null,
            "safety_alerts_channel_id": null,
            "public_updates_channel_id": null,
            "premium_progress_bar_enabled": false,
            "nsfw": false,
            "nsfw_level": 0,
            "emojis": [],
            "stickers": [],
            "incidents_data": null,
        })
    }

    /// The guild as GUILD_CREATE brings it: with members, channels and the threads that are active.
    pub fn guild_create_json(&self, guild: &Guild) -> Value {
        let visible = |channel: &&Channel| {
            channel.guild == Some(guild.id)
                && self.permissions(channel.id, self.bot) & super::permissions::VIEW_CHANNEL != 0
        };
        let mut it = self.guild_json(guild);
        let extra = json!({
            "joined_at": time(guild.since),
            "large": false,
            "unavailable": false,
            "member_count": guild.members.len(),
            "voice_states": [],
            "members": guild.members.keys().filter_map(|id| self.member_json(guild.id, *id)).collect::<Vec<_>>(),
            "channels": self.channels.values().filter(|it| it.guild == Some(guild.id) && it.thread.is_none())
                .map(|channel| self.channel_json(channel)).collect::<Vec<_>>(),
            "threads": self.channels.values().filter(visible)
                .filter(|it| it.thread.as_ref().is_some_and(|thread| !thread.archived))
                .map(|channel| self.thread_json(channel)).collect::<Vec<_>>(),
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        });
        if let (Value::Object(it), Value::Object(extra)) = (&mut it, extra) {
            it.extend(extra);
        }
        it
    }
}
