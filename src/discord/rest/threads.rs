//! Discord threads: opened, changed and listed.
//! <https://docs.discord.com/developers/topics/threads>

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::call::Call;
use super::{Rest, parse};
use crate::discord::pacer::Hidden;
use crate::discord::{Channel, DiscordError, ThreadPatch};
use crate::model::{ChannelId, GuildId};

/// Renaming a channel or thread: so often in so long, which no header shows
/// (discord-api-docs, issue 1900).
const RENAMES: usize = 2;
const RENAMES_WINDOW: Duration = Duration::from_secs(600);

/// A thread leaves the channel list after a week without a word.
const ARCHIVE_MINUTES: u32 = 10080;

/// The message itself is pinned; Discord calls the flag `PINNED`.
const PINNED: u64 = 1 << 1;

impl Rest {
    /// Opens a public thread in a text channel.
    pub async fn open_thread(&self, channel: ChannelId, title: &str) -> Result<ChannelId, DiscordError> {
        let call = Call::post("/channels/{}/threads", channel.0, format!("/channels/{channel}/threads"))
            // Without its type Discord opens a private one.
            .json(json!({ "name": title, "type": 11, "auto_archive_duration": ARCHIVE_MINUTES }))
            .needs("Create Public Threads");
        let answer = self.ask(call).await?;
        parse::id(&answer["id"]).map(ChannelId).ok_or_else(|| DiscordError::Uncertain {
            reason: "Discord opened a thread but did not say which".into(),
        })
    }

    /// Changes what the patch names and nothing else.
    pub async fn update_thread(&self, id: ChannelId, patch: &ThreadPatch) -> Result<(), DiscordError> {
        let mut body = Map::new();
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(key.into(), value);
            }
        };
        set("name", patch.name.as_deref().map(Value::from));
        set("archived", patch.archived.map(Value::from));
        set("locked", patch.locked.map(Value::from));
        set("flags", patch.pinned.map(|pinned| if pinned { PINNED.into() } else { 0.into() }));
        set("applied_tags", patch.tags.as_ref().map(|tags| tags.iter().map(u64::to_string).collect()));
        if body.is_empty() {
            return Ok(());
        }
        let mut call = Call::patch("/channels/{}", id.0, format!("/channels/{id}"))
            .json(Value::Object(body))
            .needs("Manage Threads");
        if patch.name.is_some() {
            call = call.hidden(Hidden { name: "renames", id: id.0, limit: RENAMES, window: RENAMES_WINDOW });
        }
        self.ask(call).await.map(drop)
    }

    /// Every thread of a guild that is not archived and that the bot can see.
    pub async fn active_threads(&self, guild: GuildId) -> Result<Vec<Channel>, DiscordError> {
        let path = format!("/guilds/{guild}/threads/active");
        let answer = self.ask(Call::get("/guilds/{}/threads/active", guild.0, path)).await?;
        Ok(parse::list(&answer["threads"], parse::channel))
    }

    /// The public threads of a channel that were archived last, at most a hundred.
    pub async fn lately_archived_threads(&self, channel: ChannelId) -> Result<Vec<Channel>, DiscordError> {
        let path = format!("/channels/{channel}/threads/archived/public");
        let call = Call::get("/channels/{}/threads/archived/public", channel.0, path)
            .query("limit", 100)
            .needs("Read Message History");
        Ok(parse::list(&self.ask(call).await?["threads"], parse::channel))
    }

    /// Every archived public thread of a channel, over all pages.
    pub async fn archived_threads(&self, channel: ChannelId) -> Result<Vec<Channel>, DiscordError> {
        let mut threads = Vec::new();
        let mut before: Option<String> = None;
        loop {
            let path = format!("/channels/{channel}/threads/archived/public");
            let mut call = Call::get("/channels/{}/threads/archived/public", channel.0, path)
                .query("limit", 100)
                .needs("Read Message History");
            if let Some(before) = &before {
                call = call.query("before", before);
            }
            let answer = self.ask(call).await?;
            threads.extend(parse::list(&answer["threads"], parse::channel));
            let last = answer["threads"].as_array().and_then(|page| page.last());
            let next = last.and_then(|last| parse::text(&last["thread_metadata"]["archive_timestamp"]));
            // A page that leads nowhere new ends the walk.
            if answer["has_more"] != true || next.is_none() || next == before {
                return Ok(threads);
            }
            before = next;
        }
    }
}
