//! Messages under an author's name: through webhooks that the application owns.
//! <https://docs.discord.com/developers/resources/webhook>

use std::sync::PoisonError;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::call::{Call, NO_WEBHOOK};
use super::{Rest, Slot, parse, silent, stored};
use crate::discord::pacer::Hidden;
use crate::discord::{DiscordError, Outgoing, Webhook};
use crate::model::{ChannelId, MessageId};

/// What the bridge's webhooks are called in a channel's settings.
const NAME: &str = "threadbridge";

/// A channel takes 30 webhook messages a minute, says a maintainer, and no header shows it
/// (discord-api-docs, issue 367). Old and not promised, so that it is kept once it was met.
const PER_CHANNEL: usize = 30;
const PER_CHANNEL_WINDOW: Duration = Duration::from_secs(60);

impl Rest {
    /// The application's own webhook in this channel, made when there is none; remembered until
    /// Discord says that it is gone. Of a thread, give the parent channel.
    pub async fn webhook(&self, channel: ChannelId) -> Result<Webhook, DiscordError> {
        let slot = self.slot(channel);
        let mut slot = slot.lock().await;
        if let Some(webhook) = &*slot {
            return Ok(webhook.clone());
        }
        let path = format!("/channels/{channel}/webhooks");
        let known = self.own_webhooks(channel).await?;
        let webhook = match known.into_iter().min_by_key(|webhook| webhook.id) {
            Some(webhook) => webhook,
            None => {
                let create = Call::post("/channels/{}/webhooks", channel.0, path)
                    .json(json!({ "name": NAME }))
                    .needs("Manage Webhooks");
                let answer = self.ask(create).await?;
                read(&answer, channel).ok_or_else(|| DiscordError::Uncertain {
                    reason: "Discord made a webhook but did not say which".into(),
                })?
            }
        };
        *slot = Some(webhook.clone());
        Ok(webhook)
    }

    /// The application's own webhooks in this channel. Of a thread, give the parent channel.
    pub async fn own_webhooks(&self, channel: ChannelId) -> Result<Vec<Webhook>, DiscordError> {
        let me = self.me().await?;
        let path = format!("/channels/{channel}/webhooks");
        let list = Call::get("/channels/{}/webhooks", channel.0, path).needs("Manage Webhooks");
        Ok(parse::list(&self.ask(list).await?, |value| {
            (parse::id(&value["application_id"]) == Some(me.application)).then(|| read(value, channel))?
        }))
    }

    /// Sends a message to the webhook's channel, or to a thread of it (which opens an archived one).
    pub async fn send(
        &self,
        webhook: &Webhook,
        thread: Option<ChannelId>,
        message: &Outgoing,
    ) -> Result<MessageId, DiscordError> {
        let call = execute(webhook, thread.unwrap_or(webhook.channel)).json(body(message));
        let answer = self.through(webhook, in_thread(call, thread)).await?;
        stored(&answer)
    }

    /// Opens a post in a Discord forum channel: the thread, and its first message.
    pub async fn open_post(
        &self,
        webhook: &Webhook,
        title: &str,
        tags: &[u64],
        message: &Outgoing,
    ) -> Result<(ChannelId, MessageId), DiscordError> {
        let mut content = body(message);
        content["thread_name"] = title.into();
        if !tags.is_empty() {
            content["applied_tags"] = tags.iter().map(u64::to_string).collect();
        }
        let answer = self.through(webhook, execute(webhook, webhook.channel).json(content)).await?;
        let message = stored(&answer)?;
        // The thread has the id of its first message.
        let thread = parse::id(&answer["channel_id"]).unwrap_or(message.0);
        Ok((ChannelId(thread), message))
    }

    /// Replaces the words of one of the webhook's messages.
    pub async fn edit(
        &self,
        webhook: &Webhook,
        thread: Option<ChannelId>,
        message: MessageId,
        content: &str,
    ) -> Result<(), DiscordError> {
        let call = Call::patch(
            "/webhooks/{}/{}/messages/{}",
            webhook.id,
            format!("{}/messages/{message}", path(webhook)),
        )
        .json(json!({ "content": content, "allowed_mentions": silent() }));
        self.through(webhook, in_thread(call, thread)).await.map(drop)
    }

    /// Deletes one of the webhook's messages. One that is gone already is as good.
    pub async fn delete(
        &self,
        webhook: &Webhook,
        thread: Option<ChannelId>,
        message: MessageId,
    ) -> Result<(), DiscordError> {
        let call = Call::delete(
            "/webhooks/{}/{}/messages/{}",
            webhook.id,
            format!("{}/messages/{message}", path(webhook)),
        );
        match self.through(webhook, in_thread(call, thread)).await {
            Ok(_) => Ok(()),
            Err(DiscordError::Gone(what)) if what != NO_WEBHOOK => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A webhook that Discord no longer knows must not be used again.
    async fn through(&self, webhook: &Webhook, call: Call) -> Result<Value, DiscordError> {
        let answer = self.ask(call).await;
        if let Err(DiscordError::Gone(what)) = &answer
            && what == NO_WEBHOOK
        {
            let slot = self.slot(webhook.channel);
            let mut slot = slot.lock().await;
            if slot.as_ref().is_some_and(|known| known.id == webhook.id) {
                *slot = None;
            }
        }
        answer
    }

    fn slot(&self, channel: ChannelId) -> Slot {
        let mut webhooks = self.webhooks.lock().unwrap_or_else(PoisonError::into_inner);
        webhooks.entry(channel).or_default().clone()
    }
}

fn read(value: &Value, channel: ChannelId) -> Option<Webhook> {
    let token = value["token"].as_str().filter(|token| !token.is_empty())?;
    Some(Webhook { id: parse::id(&value["id"])?, channel, token: token.to_owned().into() })
}

fn path(webhook: &Webhook) -> String {
    format!("/webhooks/{}/{}", webhook.id, webhook.token.expose_secret())
}

fn execute(webhook: &Webhook, place: ChannelId) -> Call {
    Call::post("/webhooks/{}/{}", webhook.id, path(webhook)).query("wait", true).hidden(Hidden {
        name: "webhook messages",
        id: place.0,
        limit: PER_CHANNEL,
        window: PER_CHANNEL_WINDOW,
    })
}

fn in_thread(call: Call, thread: Option<ChannelId>) -> Call {
    match thread {
        Some(thread) => call.query("thread_id", thread),
        None => call,
    }
}

fn body(message: &Outgoing) -> Value {
    let mut body = json!({
        "content": message.content,
        "username": message.username,
        "allowed_mentions": silent(),
    });
    if let Some(avatar) = &message.avatar_url {
        body["avatar_url"] = avatar.as_str().into();
    }
    body
}
