//! Discord's REST interface, as far as the bridge needs it.
//! <https://docs.discord.com/developers/reference>
//!
//! Our own thin client: every request passes the [`Pacer`], every failure is one of the
//! [`DiscordError`]s that the bridge branches on, and answers are read leniently, because a message
//! that was stored must never look like one that was not. No message can ping anyone: what is sent
//! or edited carries `allowed_mentions` with nothing in `parse`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use url::Url;

use super::pacer::{Pacer, Priority};
use super::{Channel, DiscordError, Message, Webhook};
use crate::clock::Clock;
use crate::model::{ChannelId, GuildId, MessageId, UserId};

mod call;
mod messages;
mod parse;
mod permissions;
#[cfg(test)]
mod tests;
mod threads;
mod webhooks;

pub use call::NO_WEBHOOK;
pub use messages::Span;
pub use permissions::Need;

use call::Call;

/// Who the bot is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    pub application: u64,
    pub user: UserId,
    pub name: String,
    /// The application's switch for reading messages is on (Bot page, "Message Content Intent").
    pub message_content: bool,
}

/// Where the gateway is, and how often it may be entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    pub url: Url,
    pub shards: u32,
    /// Sessions that may still be started, and in how many milliseconds there will be more.
    pub remaining: u64,
    pub reset_after: u64,
}

/// A client for one bot. Cheap to clone; clones share limits and webhooks.
#[derive(Clone)]
pub struct Rest {
    http: reqwest::Client,
    base: Url,
    authorization: Arc<SecretString>,
    pacer: Pacer,
    priority: Priority,
    me: Arc<OnceCell<Me>>,
    webhooks: Arc<Mutex<HashMap<ChannelId, Slot>>>,
}

/// A channel's webhook; held while it is looked for, so that two callers don't make two.
type Slot = Arc<tokio::sync::Mutex<Option<Webhook>>>;

impl Rest {
    /// `api_url` is the base without `/api/v10`. Fails when the address or the token can't be used at
    /// all; nothing is sent.
    pub fn new(token: SecretString, api_url: &Url, clock: Arc<dyn Clock>) -> Result<Self, DiscordError> {
        Ok(Self {
            http: call::client(api_url)?,
            base: call::base(api_url)?,
            authorization: Arc::new(call::authorization(&token)?),
            pacer: Pacer::new(clock),
            priority: Priority::Live,
            me: Arc::default(),
            webhooks: Arc::default(),
        })
    }

    /// The same client, whose requests give way to what is live.
    pub fn backfill(&self) -> Self {
        Self { priority: Priority::Backfill, ..self.clone() }
    }

    /// The bot itself; asked once.
    pub async fn me(&self) -> Result<Me, DiscordError> {
        let me = self.me.get_or_try_init(|| async {
            let user = self.ask(Call::get("/users/@me", 0, "/users/@me")).await?;
            let application = self.ask(Call::get("/applications/@me", 0, "/applications/@me")).await?;
            let flags = application["flags"].as_u64().unwrap_or(0);
            Ok(Me {
                application: parse::id(&application["id"])
                    .ok_or_else(|| call::unreadable("the application's id"))?,
                user: parse::id(&user["id"]).map(UserId).ok_or_else(|| call::unreadable("the bot's id"))?,
                name: parse::text(&user["username"]).unwrap_or_default(),
                // GATEWAY_MESSAGE_CONTENT, and the same for bots in few guilds:
                // https://docs.discord.com/developers/resources/application#application-object-application-flags
                message_content: flags & (1 << 18 | 1 << 19) != 0,
            })
        });
        me.await.cloned()
    }

    /// Where to connect. The address is as Discord gave it; `gateway` checks it.
    pub async fn gateway(&self) -> Result<Gateway, DiscordError> {
        let answer = self.ask(Call::get("/gateway/bot", 0, "/gateway/bot")).await?;
        let url = answer["url"].as_str().and_then(|url| Url::parse(url).ok());
        let limit = &answer["session_start_limit"];
        Ok(Gateway {
            url: url.ok_or_else(|| call::unreadable("the gateway's address"))?,
            shards: answer["shards"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(1).max(1),
            remaining: limit["remaining"].as_u64().unwrap_or(1000),
            reset_after: limit["reset_after"].as_u64().unwrap_or(0),
        })
    }

    pub async fn channel(&self, id: ChannelId) -> Result<Channel, DiscordError> {
        let call = Call::get("/channels/{}", id.0, format!("/channels/{id}")).needs("View Channel");
        let answer = self.ask(call).await?;
        parse::channel(&answer).ok_or_else(|| call::unreadable("a channel"))
    }

    /// All channels of a guild, its threads not among them.
    pub async fn guild_channels(&self, guild: GuildId) -> Result<Vec<Channel>, DiscordError> {
        let call = Call::get("/guilds/{}/channels", guild.0, format!("/guilds/{guild}/channels"));
        let answer = self.ask(call).await?;
        Ok(parse::list(&answer, parse::channel))
    }

    /// Replaces the commands of the application, in one guild or everywhere.
    pub async fn put_commands(
        &self,
        application: u64,
        guild: Option<GuildId>,
        commands: &Value,
    ) -> Result<(), DiscordError> {
        let call = match guild {
            None => {
                Call::put("/applications/{}/commands", 0, format!("/applications/{application}/commands"))
            }
            Some(guild) => Call::put(
                "/applications/{}/guilds/{}/commands",
                guild.0,
                format!("/applications/{application}/guilds/{guild}/commands"),
            ),
        };
        self.ask(call.json(commands.clone())).await.map(drop)
    }
}

/// What every message carries so that no text can ping anyone.
fn silent() -> Value {
    json!({ "parse": [], "replied_user": false })
}

/// The message's id, or the word that it may well be there.
fn stored(answer: &Value) -> Result<MessageId, DiscordError> {
    parse::id(&answer["id"]).map(MessageId).ok_or_else(|| DiscordError::Uncertain {
        reason: "Discord accepted the message but did not say under which id".into(),
    })
}

fn newest_last(mut messages: Vec<Message>) -> Vec<Message> {
    messages.sort_by_key(|message| message.id);
    messages
}
