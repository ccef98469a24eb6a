//! What is there, for tests and for the demo page.

use serde_json::{Value, json};

use super::Discord;
use super::ledger::Entry;
use super::render::time;
use super::state::{Channel, Id, Message, State, Webhook};

impl Discord {
    /// The messages that everyone sees in a channel or thread, oldest first.
    pub fn messages(&self, channel: Id) -> Vec<Message> {
        let state = self.lock();
        let ids = state.channels.get(&channel).map(|it| it.messages.iter());
        ids.into_iter()
            .flatten()
            .filter_map(|id| state.messages.get(id))
            .filter(|it| it.only_for.is_none())
            .cloned()
            .collect()
    }

    pub fn message(&self, id: Id) -> Option<Message> {
        self.lock().messages.get(&id).cloned()
    }

    /// The threads of a channel, archived ones too, oldest first.
    pub fn threads(&self, channel: Id) -> Vec<Channel> {
        self.lock().threads_of(channel).cloned().collect()
    }

    pub fn channel(&self, id: Id) -> Option<Channel> {
        self.lock().channels.get(&id).cloned()
    }

    /// Emoji and who used it, in the order in which they appeared.
    pub fn reactions(&self, message: Id) -> Vec<(String, Vec<Id>)> {
        let state = self.lock();
        let reactions = state.messages.get(&message).map(|it| it.reactions.as_slice()).unwrap_or_default();
        reactions.iter().map(|it| (it.emoji.clone(), it.users.clone())).collect()
    }

    /// The application's commands as Discord shows them: the global ones and those of every guild.
    pub fn commands(&self) -> Vec<Value> {
        self.lock().commands.values().flatten().cloned().collect()
    }

    pub fn webhooks(&self, channel: Id) -> Vec<Webhook> {
        self.lock().webhooks.values().filter(|it| it.channel == channel).cloned().collect()
    }

    /// The token of an interaction, which a test needs to answer it by hand.
    pub fn interaction(&self, id: Id) -> Option<String> {
        self.lock().interactions.get(&id).map(|call| call.token.clone())
    }

    /// An uploaded file.
    pub fn file(&self, attachment: Id) -> Option<Vec<u8>> {
        self.lock().files.get(&attachment).cloned()
    }

    /// Every request so far.
    pub fn ledger(&self) -> Vec<Entry> {
        self.lock().ledger.clone()
    }

    pub fn clear_ledger(&self) {
        self.lock().ledger.clear();
    }

    /// How many requests were refused: status and number, without planned faults.
    pub fn refused(&self) -> std::collections::BTreeMap<u16, usize> {
        let mut counts = std::collections::BTreeMap::new();
        for entry in self.lock().ledger.iter().filter(|it| it.status >= 400 && it.fault.is_none()) {
            *counts.entry(entry.status).or_default() += 1;
        }
        counts
    }

    /// Gateway sessions that are connected now, and how often clients have identified and resumed.
    pub fn sessions(&self) -> (usize, u64, u64) {
        let state = self.lock();
        (state.sessions.connected(), state.sessions.identifies, state.sessions.resumes)
    }

    /// The shards that are connected now, by number; and how often a client began a session too soon after another.
    pub fn shards(&self) -> (Vec<u64>, u64) {
        let state = self.lock();
        (state.sessions.shards(), state.sessions.hasty)
    }

    /// How many sessions may still begin.
    pub fn starts_left(&self) -> u64 {
        let mut state = self.lock();
        let now = state.at;
        state.sessions.left(now).0
    }

    /// All that a page needs to show: guilds with channels, threads and messages, and people.
    pub fn snapshot(&self) -> Value {
        let state = self.lock();
        let guilds: Vec<Value> = state
            .guilds
            .values()
            .map(|guild| {
                let channels =
                    state.channels.values().filter(|it| it.guild == Some(guild.id) && it.thread.is_none());
                json!({
                    "id": guild.id.to_string(),
                    "name": guild.name,
                    "members": guild.members.keys().map(|id| id.to_string()).collect::<Vec<_>>(),
                    "channels": channels.map(|channel| state.shown_channel(channel)).collect::<Vec<_>>(),
                })
            })
            .collect();
        let users: Vec<Value> = state
            .users
            .values()
            .map(|user| {
                json!({
                    "id": user.id.to_string(),
                    "handle": user.name,
                    "name": user.display.as_ref().unwrap_or(&user.name),
                    "avatar_url": user.avatar_url,
                    "bot": user.bot,
                })
            })
            .collect();
        json!({
            "bot": state.bot.to_string(),
            "connected": state.sessions.connected() > 0,
            "guilds": guilds,
            "users": users,
            "commands": state.commands.values().flatten().collect::<Vec<_>>(),
        })
    }
}

impl State {
    fn shown_channel(&self, channel: &Channel) -> Value {
        let messages = channel.messages.iter().filter_map(|id| self.messages.get(id));
        let mut it = json!({
            "id": channel.id.to_string(),
            "name": channel.name,
            "type": channel.kind,
            "topic": channel.topic,
            "messages": messages.map(|message| self.shown_message(message)).collect::<Vec<_>>(),
        });
        match &channel.thread {
            Some(thread) => {
                let forum = channel.parent.and_then(|id| self.channels.get(&id));
                let tags = forum.map(|it| it.tags.as_slice()).unwrap_or_default();
                it["archived"] = json!(thread.archived);
                it["locked"] = json!(thread.locked);
                it["pinned"] = json!(channel.flags & super::state::PINNED != 0);
                it["owner"] = json!(thread.owner.to_string());
                it["tags"] = tags
                    .iter()
                    .filter(|tag| thread.tags.contains(&tag.id))
                    .map(|tag| json!(tag.name))
                    .collect();
            }
            None => {
                it["tags"] = channel
                    .tags
                    .iter()
                    .map(|tag| json!({ "id": tag.id.to_string(), "name": tag.name }))
                    .collect();
                it["threads"] =
                    self.threads_of(channel.id).map(|thread| self.shown_channel(thread)).collect();
            }
        }
        it
    }

    fn shown_message(&self, message: &Message) -> Value {
        let replied = message.reply_to.and_then(|id| self.messages.get(&id));
        json!({
            "id": message.id.to_string(),
            "channel": message.channel.to_string(),
            "author": message.author.to_string(),
            "name": message.author_name,
            "avatar_url": message.avatar_url,
            "webhook": message.webhook.is_some(),
            "bot": message.webhook.is_some() || self.users.get(&message.author).is_some_and(|it| it.bot),
            "type": message.kind,
            "content": message.content,
            "at": time(message.at),
            "edited": message.edited.map(time),
            "reply_to": message.reply_to.map(|id| json!({
                "id": id.to_string(),
                "name": replied.map(|it| &it.author_name),
                "content": replied.map(|it| &it.content),
            })),
            "attachments": message.attachments.iter().map(|it| json!({
                "id": it.id.to_string(), "name": it.name, "url": it.signed(self.now), "size": it.size, "content_type": it.content_type,
            })).collect::<Vec<_>>(),
            "embeds": message.embeds,
            "components": message.components,
            "reactions": message.reactions.iter().map(|it| json!({
                "emoji": it.emoji, "count": it.users.len(),
                "users": it.users.iter().map(|id| id.to_string()).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "thinking": message.flags & super::state::LOADING != 0,
            "only_for": message.only_for.map(|id| id.to_string()),
            "command": message.interaction.and_then(|id| self.interactions.get(&id)).map(|call| json!({
                "name": call.name, "user": call.user.to_string(), "user_name": self.name_in(call.guild, call.user),
            })),
        })
    }
}
