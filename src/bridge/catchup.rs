//! After a new gateway session: what was missed is read back over REST, from each channel's watermark.
//! Everything goes through [`super::inbox`], where what was seen before changes nothing.

use std::collections::HashSet;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::discord::rest::Span;
use crate::discord::{ChannelKind, DiscordError, Event, Message};
use crate::model::{ChannelId, MessageId};
use crate::store::{Effect, StoreError, Submission, SubmissionState};

use super::Heart;
use super::inbox::{BY_COMMAND, plain_emoji, take};
use super::opening;
use super::outbox::Halt;
use super::tie::Tie;

/// The most messages that Discord gives at once.
const PAGE: u8 = 100;

/// Why a channel can't be read back.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error(transparent)]
    Discord(#[from] DiscordError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Discord(error) => error.into(),
            Trouble::Store(error) => error.into(),
        }
    }
}

/// Catches up with every bridged channel. One that can't be read is left for the next time.
pub async fn run(heart: Arc<Heart>, stop: CancellationToken) {
    for tie in heart.ties.all() {
        bridge(&heart, &tie, &stop).await;
    }
}

/// Catches up with the channels of one bridge.
pub async fn bridge(heart: &Heart, tie: &Tie, stop: &CancellationToken) {
    let channels = match channels(heart, tie).await {
        Ok(channels) => channels,
        Err(trouble) => {
            tracing::warn!(bridge = tie.id().0, "can't see what was missed: {trouble}");
            return;
        }
    };
    for channel in channels {
        if stop.is_cancelled() {
            return;
        }
        if let Err(trouble) = self::channel(heart, tie, channel).await {
            tracing::warn!(%channel, "can't read what was missed: {trouble}");
        }
    }
}

/// The channels of a bridge in which people may have written: its own, or its open threads.
async fn channels(heart: &Heart, tie: &Tie) -> Result<Vec<ChannelId>, Trouble> {
    if !tie.threaded() {
        return Ok(vec![tie.bridge.channel]);
    }
    let Some(guild) = tie.guild() else { return Ok(Vec::new()) };
    let own: HashSet<_> = heart.store.rooms(tie.id()).await?.into_iter().map(|room| room.channel).collect();
    let active = heart.discord.active_threads(guild).await?;
    if tie.channel.kind == ChannelKind::Forum {
        opening::missed(heart, tie, &active).await?;
    }
    Ok(active.into_iter().map(|thread| thread.id).filter(|id| own.contains(id)).collect())
}

/// Reads back what was missed in one channel.
pub async fn channel(heart: &Heart, tie: &Tie, channel: ChannelId) -> Result<(), Trouble> {
    // What was written down before we look must be there when we look.
    let submitted = heart.store.submissions(tie.id(), channel, MessageId(0)).await?;
    let recent = heart.discord.messages(channel, Span::Newest, PAGE).await?;
    let Some(mut after) = heart.store.watermark(channel).await? else {
        // Never looked at before: what people said until now was not said to the forum.
        let message = recent.last().map_or(MessageId(channel.0), |message| message.id);
        heart.store.apply(None, vec![Effect::Watermark { channel, message }]).await?;
        return Ok(());
    };
    loop {
        let missed = heart.discord.messages(channel, Span::After(after), PAGE).await?;
        for message in &missed {
            take(heart, &Event::Message(message.clone())).await?;
        }
        match missed.last() {
            Some(last) if missed.len() >= usize::from(PAGE) => after = last.id,
            _ => break,
        }
    }
    for message in &recent {
        take(heart, &Event::Edited(message.clone())).await?;
        reactions_missed(heart, tie, message).await?;
    }
    deletions_missed(heart, channel, &submitted, &recent).await?;
    Ok(())
}

/// Thanking reactions that came or went unseen.
async fn reactions_missed(heart: &Heart, tie: &Tie, message: &Message) -> Result<(), Trouble> {
    if heart.store.part_of_message(message.id).await?.is_none() {
        return Ok(());
    }
    let mut now = HashSet::new();
    for emoji in &message.reactions {
        if tie.bridge.thanks.iter().any(|own| plain_emoji(own) == plain_emoji(emoji)) {
            for user in heart.discord.reactors(message.channel, message.id, emoji).await? {
                now.insert((user, plain_emoji(emoji)));
            }
        }
    }
    let before = heart.store.reactions_on(message.id).await?;
    let before: HashSet<_> = before
        .into_iter()
        .filter(|reaction| reaction.emoji != BY_COMMAND)
        .map(|reaction| (reaction.user, reaction.emoji))
        .collect();
    for (user, emoji) in now.difference(&before).cloned() {
        let event = Event::Reacted { channel: message.channel, message: message.id, user, emoji };
        take(heart, &event).await?;
    }
    for (user, emoji) in before.difference(&now).cloned() {
        let event = Event::Unreacted { channel: message.channel, message: message.id, user, emoji };
        take(heart, &event).await?;
    }
    Ok(())
}

/// Messages that reached the forum and are no longer in the channel, as far back as was read.
async fn deletions_missed(
    heart: &Heart,
    channel: ChannelId,
    submitted: &[Submission],
    recent: &[Message],
) -> Result<(), Trouble> {
    // With fewer messages than were asked for, the channel has no others.
    let whole = recent.len() < usize::from(PAGE);
    let oldest = recent.first().filter(|_| !whole).map_or(MessageId(0), |message| message.id);
    let there: HashSet<_> = recent.iter().map(|message| message.id).collect();
    for submission in submitted.iter().filter(|submission| submission.message >= oldest) {
        let expected = matches!(submission.state, SubmissionState::Queued | SubmissionState::Posted);
        if expected && !there.contains(&submission.message) {
            take(heart, &Event::Deleted { channel, messages: vec![submission.message] }).await?;
        }
    }
    Ok(())
}
