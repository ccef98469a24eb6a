//! After a new gateway session: what was missed is read back over REST, from each channel's watermark.
//! Everything goes through [`super::inbox`], where what was seen before changes nothing.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::discord::rest::Span;
use crate::discord::{ChannelKind, DiscordError, Event, Message};
use crate::model::{ChannelId, GuildId, MessageId};
use crate::store::{Effect, Origin, StoreError, Submission, SubmissionState};
use crate::weakness::Weakness;

use super::hear::Gate;
use super::inbox::{self, Heard, receive, take, thank_job};
use super::opening;
use super::outbox::Halt;
use super::tie::Tie;
use super::{Heart, thanks};

/// The most messages that Discord gives at once.
const PAGE: u8 = 100;
/// What was heard within so many milliseconds before the watermark may have had no place yet when the
/// process ended; see [`super::unplaced`].
pub const UNPLACED: u64 = 300_000;
/// A bridge that can't be read for the moment is tried so often, with this pause, while everything that is heard waits
/// at the gate.
const ROUNDS: u32 = 5;
const PAUSE: Duration = Duration::from_secs(2);

/// The channels that were read back since the session began. A Discord thread may become ours, or be opened again,
/// after all others were read: what was said there before, perhaps to a process that is no more, comes before what is
/// heard there now.
#[derive(Debug, Default)]
pub struct ReadBack(Mutex<HashSet<ChannelId>>);

impl ReadBack {
    fn channels<T>(&self, act: impl FnOnce(&mut HashSet<ChannelId>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads back what was missed in a channel, if that has not been done in this session. False when it can't be read
/// for the moment, so that what is heard there has to wait.
pub async fn is_read_back(heart: &Heart, tie: &Tie, channel: ChannelId) -> Result<bool, StoreError> {
    if was_read_back(heart, channel) {
        return Ok(true);
    }
    match Box::pin(self::channel(heart, tie, channel)).await {
        Ok(()) => Ok(true),
        Err(Trouble::Store(error)) => Err(error),
        Err(trouble) if trouble.passes() => {
            tracing::debug!(%channel, "what is heard waits, as what was said before can't be read: {trouble}");
            Ok(false)
        }
        Err(trouble) => {
            tracing::warn!(%channel, "can't read what was missed: {trouble}");
            heart.read_back.channels(|read| read.insert(channel));
            Ok(true)
        }
    }
}

/// Why a channel can't be read back.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error(transparent)]
    Discord(#[from] DiscordError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Trouble {
    /// Whether another try may go better.
    fn passes(&self) -> bool {
        matches!(
            self,
            Self::Discord(DiscordError::Later { .. } | DiscordError::Uncertain { .. })
                | Self::Store(StoreError::Unusable(_))
        )
    }
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Discord(error) => error.into(),
            Trouble::Store(error) => error.into(),
        }
    }
}

/// Catches up with every bridged channel of these guilds, and lets in what waits at the gate of one that is done.
/// Gives those that can't be read for the moment, for [`again`].
pub async fn run(
    heart: &Heart,
    ours: impl Fn(GuildId) -> bool,
    gate: &Gate,
    stop: &CancellationToken,
) -> Vec<Arc<Tie>> {
    heart.read_back.channels(HashSet::clear);
    let mut left = heart.ties.all();
    left.retain(|tie| tie.guild().is_none_or(&ours));
    for _ in 0..ROUNDS {
        left = again(heart, left, gate, stop).await;
        if left.is_empty() {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = stop.cancelled() => break,
        }
    }
    left
}

/// Tries once more with those that could not be read, and gives those that still can't.
pub async fn again(
    heart: &Heart,
    ties: Vec<Arc<Tie>>,
    gate: &Gate,
    stop: &CancellationToken,
) -> Vec<Arc<Tie>> {
    let mut left = Vec::new();
    for tie in ties {
        if !bridge(heart, &tie, gate, stop).await {
            left.push(tie);
        }
    }
    left
}

/// Whether what was said in a channel before this session has been seen.
pub fn was_read_back(heart: &Heart, channel: ChannelId) -> bool {
    heart.read_back.channels(|read| read.contains(&channel))
}

/// Catches up with the channels of one bridge. False when another try may bring more.
pub async fn bridge(heart: &Heart, tie: &Tie, gate: &Gate, stop: &CancellationToken) -> bool {
    let channels = match channels(heart, tie).await {
        Ok(channels) => channels,
        Err(trouble) => {
            tracing::warn!(bridge = tie.id().0, "can't see what was missed: {trouble}");
            return !trouble.passes();
        }
    };
    let mut whole = true;
    for channel in channels {
        if stop.is_cancelled() {
            return true;
        }
        if let Err(trouble) = self::channel(heart, tie, channel).await {
            tracing::warn!(%channel, "can't read what was missed: {trouble}");
            if trouble.passes() {
                whole = false;
                continue;
            }
            heart.read_back.channels(|read| read.insert(channel));
        }
        gate.let_in(heart, Some(channel), stop).await;
    }
    whole
}

/// The channels of a bridge in which people may have said something: its own, or its threads that are
/// open, or were until a moment ago.
async fn channels(heart: &Heart, tie: &Tie) -> Result<Vec<ChannelId>, Trouble> {
    if !tie.threaded() {
        return Ok(vec![tie.bridge.channel]);
    }
    let Some(guild) = tie.guild() else { return Ok(Vec::new()) };
    let own: HashSet<_> = heart.store.rooms(tie.id()).await?.into_iter().map(|room| room.channel).collect();
    let discord = heart.discord.backfill();
    let active = discord.active_threads(guild).await?;
    if tie.channel.kind == ChannelKind::Forum {
        opening::missed(heart, tie, &active).await?;
    }
    let mut channels: Vec<_> =
        active.into_iter().map(|thread| thread.id).filter(|id| own.contains(id)).collect();
    for thread in discord.lately_archived_threads(tie.bridge.channel).await? {
        let seen = heart.store.watermark(thread.id).await?;
        if own.contains(&thread.id) && thread.last_message > seen {
            channels.push(thread.id);
        }
    }
    Ok(channels)
}

/// Reads back what was missed in one channel.
pub async fn channel(heart: &Heart, tie: &Tie, channel: ChannelId) -> Result<(), Trouble> {
    let discord = heart.discord.backfill();
    // What was written down before we look must be there when we look.
    let submitted = heart.store.submissions(tie.id(), channel, MessageId(0)).await?;
    let mut seen = discord.messages(channel, Span::Newest, PAGE).await?;
    let watermark = heart.store.watermark(channel).await?.filter(|_| !Weakness::Watermark.is_there());
    let Some(watermark) = watermark else {
        // Never looked at before: what people said until now was not said to the forum.
        let message = seen.last().map_or(MessageId(channel.0), |message| message.id);
        receive(heart, None, vec![Effect::Watermark { channel, message }]).await?;
        heart.read_back.channels(|read| read.insert(channel));
        return Ok(());
    };
    // Back to what was seen, and at least a page of it, for what may have changed there.
    while let Some(oldest) = seen.first().map(|message| message.id)
        && oldest > watermark
        && seen.len().is_multiple_of(usize::from(PAGE))
    {
        let mut earlier = discord.messages(channel, Span::Before(oldest), PAGE).await?;
        if earlier.is_empty() {
            break;
        }
        earlier.append(&mut seen);
        seen = earlier;
    }
    // In the order in which they were said; the watermark follows.
    for message in &seen {
        if heart.store.submission(message.id).await?.is_some() {
            take(heart, &Event::Edited(message.clone())).await?;
        } else if message.id > watermark || watermark.milliseconds() - message.id.milliseconds() < UNPLACED {
            inbox::said(heart, message, Heard::ReadBack).await?;
        }
        reactions_missed(heart, tie, message).await?;
    }
    deletions_missed(heart, channel, &submitted, &seen).await?;
    heart.read_back.channels(|read| read.insert(channel));
    Ok(())
}

/// Thanking reactions that came or went unseen.
async fn reactions_missed(heart: &Heart, tie: &Tie, message: &Message) -> Result<(), Trouble> {
    let Some(part) = heart.store.part_of_message(message.id).await? else { return Ok(()) };
    if part.origin == Origin::Discord || part.bridge != tie.id() {
        return Ok(());
    }
    let mut effects = thanks::changes(heart, tie, &part.post, message).await?;
    if !effects.is_empty() {
        effects.push(thank_job(heart, tie, &part.post).await?);
        receive(heart, None, effects).await?;
    }
    Ok(())
}

/// Messages that reached the forum and are no longer in the channel, as far back as was read.
async fn deletions_missed(
    heart: &Heart,
    channel: ChannelId,
    submitted: &[Submission],
    seen: &[Message],
) -> Result<(), Trouble> {
    // With fewer messages than were asked for, the channel has no others.
    let whole = !seen.len().is_multiple_of(usize::from(PAGE)) || seen.is_empty();
    let oldest = seen.first().filter(|_| !whole).map_or(MessageId(0), |message| message.id);
    let there: HashSet<_> = seen.iter().map(|message| message.id).collect();
    for submission in submitted.iter().filter(|submission| submission.message >= oldest) {
        if submission.state != SubmissionState::Withdrawn && !there.contains(&submission.message) {
            take(heart, &Event::Deleted { channel, messages: vec![submission.message] }).await?;
        }
    }
    Ok(())
}
