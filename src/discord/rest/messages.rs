//! The bot's own messages and reactions, and reading a channel back.
//! <https://docs.discord.com/developers/resources/message>

use serde_json::json;

use super::call::Call;
use super::{Rest, newest_last, parse, silent, stored};
use crate::discord::{DiscordError, Message};
use crate::model::{ChannelId, MessageId, UserId};
use crate::weakness::Weakness;

/// Which messages of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    Newest,
    After(MessageId),
    Before(MessageId),
    Around(MessageId),
}

impl Rest {
    /// Reacts as the bot. Reacting twice is as good as once.
    pub async fn react(
        &self,
        channel: ChannelId,
        message: MessageId,
        emoji: &str,
    ) -> Result<(), DiscordError> {
        let call = Call::put(OWN_REACTION, channel.0, own_reaction(channel, message, emoji))
            .needs("Add Reactions and Read Message History");
        self.ask(call).await.map(drop)
    }

    /// Takes the bot's reaction back. None there is as good.
    pub async fn unreact(
        &self,
        channel: ChannelId,
        message: MessageId,
        emoji: &str,
    ) -> Result<(), DiscordError> {
        let call = Call::delete(OWN_REACTION, channel.0, own_reaction(channel, message, emoji))
            .needs("Read Message History");
        match self.ask(call).await {
            Err(DiscordError::Refused { code: 10014, .. } | DiscordError::Gone(_)) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Everyone who reacted with this emoji, the bot among them, over all pages.
    pub async fn reactors(
        &self,
        channel: ChannelId,
        message: MessageId,
        emoji: &str,
    ) -> Result<Vec<UserId>, DiscordError> {
        const PAGE: usize = 100;
        let mut users: Vec<UserId> = Vec::new();
        loop {
            let path = format!("/channels/{channel}/messages/{message}/reactions/{}", encoded(emoji));
            let mut call = Call::get("/channels/{}/messages/{}/reactions/{}", channel.0, path)
                .query("limit", PAGE)
                .needs("Read Message History");
            let last = users.last().copied();
            if let Some(last) = last {
                call = call.query("after", last);
            }
            let page = parse::list(&self.ask(call).await?, |user| parse::id(&user["id"]).map(UserId));
            let full = page.len() >= PAGE;
            users.extend(page);
            if !full || users.last().copied() <= last {
                return Ok(users);
            }
        }
    }

    /// Says something as the bot, in answer to a message where one is named. Discord takes a `nonce`
    /// (at most 25 characters) once within the next few minutes, so that the same words are not said
    /// twice when they are sent twice.
    pub async fn say(
        &self,
        channel: ChannelId,
        reply_to: Option<MessageId>,
        text: &str,
        nonce: &str,
    ) -> Result<MessageId, DiscordError> {
        let mut body = json!({ "content": text, "allowed_mentions": silent() });
        if !Weakness::Nonce.is_there() {
            body["nonce"] = nonce.into();
            body["enforce_nonce"] = true.into();
        }
        if let Some(message) = reply_to {
            body["message_reference"] = json!({ "message_id": message, "fail_if_not_exists": false });
        }
        let call = Call::post("/channels/{}/messages", channel.0, format!("/channels/{channel}/messages"))
            .json(body)
            .needs("Send Messages and Send Messages in Threads");
        stored(&self.ask(call).await?)
    }

    /// Deletes a message of the bot's own. One that is gone already is as good.
    pub async fn delete_own(&self, channel: ChannelId, message: MessageId) -> Result<(), DiscordError> {
        let path = format!("/channels/{channel}/messages/{message}");
        match self.ask(Call::delete("/channels/{}/messages/{}", channel.0, path)).await {
            Ok(_) | Err(DiscordError::Gone(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// At most `limit` (1 to 100) messages, the oldest first.
    pub async fn messages(
        &self,
        channel: ChannelId,
        span: Span,
        limit: u8,
    ) -> Result<Vec<Message>, DiscordError> {
        let path = format!("/channels/{channel}/messages");
        let call = Call::get("/channels/{}/messages", channel.0, path)
            .query("limit", limit.clamp(1, 100))
            .needs("View Channel and Read Message History");
        let call = match span {
            Span::Newest => call,
            Span::After(id) => call.query("after", id),
            Span::Before(id) => call.query("before", id),
            Span::Around(id) => call.query("around", id),
        };
        Ok(newest_last(parse::list(&self.ask(call).await?, parse::message)))
    }

    /// `None` when the message is no longer there.
    pub async fn message(
        &self,
        channel: ChannelId,
        message: MessageId,
    ) -> Result<Option<Message>, DiscordError> {
        let path = format!("/channels/{channel}/messages/{message}");
        let call = Call::get("/channels/{}/messages/{}", channel.0, path)
            .needs("View Channel and Read Message History");
        match self.ask(call).await {
            Ok(answer) => match parse::message(&answer) {
                Some(message) => Ok(Some(message)),
                None => Err(super::call::unreadable("a message")),
            },
            Err(DiscordError::Gone(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

const OWN_REACTION: &str = "/channels/{}/messages/{}/reactions/{}/@me";

fn own_reaction(channel: ChannelId, message: MessageId, emoji: &str) -> String {
    format!("/channels/{channel}/messages/{message}/reactions/{}/@me", encoded(emoji))
}

/// An emoji as a path segment; one of a guild's own is `name:id`.
fn encoded(emoji: &str) -> String {
    url::form_urlencoded::byte_serialize(emoji.as_bytes()).collect::<String>().replace('+', "%20")
}
