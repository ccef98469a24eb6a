//! Discord to events: what happens in Discord is recorded by its own id, and the jobs that follow are
//! queued in the same transaction. An event that is repeated, late or out of order changes nothing twice.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::config::Replies;
use crate::discord::{Event, Message};
use crate::model::{ChannelId, MessageId, ThreadId, UserId};
use crate::store::{
    Effect, Millis, Origin, Priority, Reaction, Room, StoreError, Submission, SubmissionState,
};

use super::Heart;
use super::job::{Job, Outcome, Spoken, SpokenFile, forum_lane, open_key, reply_key, thanks_lane};
use super::points::Point;
use super::submit::{spoken_digest, telling};
use super::tie::Tie;
use super::{catchup, opening};

/// A reply waits this long before it is sent, so that what waited for its place is put in order and a quick
/// correction is folded in, in milliseconds.
const SETTLE: Millis = 300;
/// How long to wait before an event is tried again when the database can't be written.
const RETRY: Duration = Duration::from_secs(1);
/// How often an event is tried that the database refuses though it works.
const TRIES: u32 = 5;

/// In place of an emoji: the thanks were given by command, and no reaction is on the message.
pub const BY_COMMAND: &str = "/thank";

/// Records one event. One that can't be written is not passed over, unless another replica hears for us by
/// now: what we hear is old then, and the other has caught up with it.
pub async fn surely(heart: &Heart, event: &Event, stop: &CancellationToken) {
    let mut tries = 0;
    while let Err(error) = take(heart, event).await {
        if matches!(error, StoreError::LeaseLost) {
            return;
        }
        tries += 1;
        if !matches!(error, StoreError::Unusable(_)) && tries >= TRIES {
            // It must not keep the others out; what can be is made up for at the next catching up.
            tracing::error!(error = &error as &dyn std::error::Error, "passed over what happened in Discord");
            return;
        }
        heart.health.database(Err(error.to_string()));
        tracing::error!(error = &error as &dyn std::error::Error, "can't record what happened in Discord");
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Another replica may have written down the message, or the Discord thread, that an event waits for.
pub async fn place_due(heart: &Heart) {
    for (channel, message) in heart.unplaced.due(heart.clock.monotonic()) {
        let placed = async {
            let known = match message {
                Some(message) => heart.store.part_of_message(message).await?.is_some(),
                None => heart.store.room_of_channel(channel).await?.is_some(),
            };
            if known { self::placed(heart, channel, message).await } else { Ok(()) }
        };
        if let Err(error) = placed.await {
            tracing::debug!("can't see whether an event has its place by now: {error}");
        }
    }
}

/// Records one event.
pub async fn take(heart: &Heart, event: &Event) -> Result<(), StoreError> {
    match event {
        Event::Ready { me } => heart.set_me(*me),
        Event::Resumed | Event::ThreadCreated { .. } => {}
        Event::Message(message) => said(heart, message, Heard::Live).await?,
        Event::Edited(message) => edited(heart, message).await?,
        Event::Deleted { channel, messages } => {
            for message in messages {
                deleted(heart, *channel, *message).await?;
            }
        }
        Event::Reacted { message, .. } | Event::Unreacted { message, .. }
            if heart.store.part_of_message(*message).await?.is_none() =>
        {
            heart.unplaced.keep(event.clone(), heart.clock.monotonic());
        }
        Event::Reacted { message, user, emoji, .. } => reacted(heart, *message, *user, emoji).await?,
        Event::Unreacted { message, user, emoji, .. } => {
            let emoji = plain_emoji(emoji);
            let gone = Effect::DropReaction { message: *message, user: *user, emoji };
            unreacted(heart, *message, gone).await?;
        }
        Event::ReactionsCleared { message, emoji, .. } => {
            let emoji = emoji.as_deref().map(plain_emoji);
            unreacted(heart, *message, Effect::DropReactions { message: *message, emoji }).await?;
        }
        Event::ChannelDeleted { channel } => {
            if let Some(Room { bridge, thread, .. }) = heart.store.room_of_channel(*channel).await? {
                receive(heart, None, vec![Effect::DropRoom { bridge, thread }]).await?;
            }
        }
    }
    Ok(())
}

/// A message was just written down, or a Discord thread: what was said about it meanwhile has its place
/// now.
pub async fn placed(heart: &Heart, channel: ChannelId, message: Option<MessageId>) -> Result<(), StoreError> {
    let mut waiting = heart.unplaced.about(channel, message).into_iter();
    while let Some(event) = waiting.next() {
        if let Err(error) = Box::pin(take(heart, &event)).await {
            // It can't be written: it goes on waiting, and so do those after it.
            let now = heart.clock.monotonic();
            std::iter::once(event).chain(waiting).for_each(|event| heart.unplaced.keep(event, now));
            return Err(error);
        }
    }
    Ok(())
}

/// The forum thread that a message is meant for, if any: the one whose Discord thread it is in, or the
/// one of the post that it answers.
async fn meant_for(heart: &Heart, message: &Message) -> Result<Option<(Arc<Tie>, ThreadId)>, StoreError> {
    if let Some(room) = heart.store.room_of_channel(message.channel).await? {
        return Ok(heart.ties.get(room.bridge).map(|tie| (tie, room.thread)));
    }
    let Some(answered) = message.reply_to else { return Ok(None) };
    let Some(part) = heart.store.part_of_message(answered).await? else { return Ok(None) };
    let Some(tie) = heart.ties.get(part.bridge) else { return Ok(None) };
    if let Some(row) =
        heart.store.posts(&tie.bridge.forum, std::slice::from_ref(&part.post)).await?.into_iter().next()
    {
        return Ok(Some((tie, row.thread)));
    }
    // A reply to a reply that the watcher has not met on the forum yet.
    let submission = heart.store.submission(answered).await?;
    Ok(submission.map(|submission| (tie, submission.thread)))
}

/// How it is known what somebody said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// By an event: something that was said before it may have been missed.
    Live,
    /// By reading the channel in order.
    ReadBack,
}

/// Records what somebody said.
pub async fn said(heart: &Heart, message: &Message, heard: Heard) -> Result<(), StoreError> {
    let watermark = Effect::Watermark { channel: message.channel, message: message.id };
    let own_words = message.ordinary && !message.author.bot && message.webhook.is_none();
    let Some((tie, thread)) = (if own_words { meant_for(heart, message).await? } else { None }) else {
        if own_words && opening::begins(heart, message).await? {
            return Ok(());
        }
        // Where it is not known yet what people said before, that may not be hidden behind it.
        let known = heard == Heard::ReadBack || catchup::was_read_back(heart, message.channel);
        if known && heart.store.watermark(message.channel).await?.is_some() {
            receive(heart, None, vec![watermark]).await?;
        }
        if own_words {
            heart.unplaced.keep(Event::Message(message.clone()), heart.clock.monotonic());
        }
        return Ok(());
    };
    // What was said before it is not overtaken, be it that it waits to be looked at again, or that nobody heard it.
    if heard == Heard::Live {
        placed(heart, message.channel, None).await?;
        if !catchup::is_read_back(heart, &tie, message.channel).await? {
            heart.unplaced.keep(Event::Message(message.clone()), heart.clock.monotonic());
            return Ok(());
        }
    }
    let now = heart.store.now().await?;
    let spoken = spoken(message);
    let submission = Submission {
        message: message.id,
        bridge: tie.id(),
        thread: thread.clone(),
        channel: message.channel,
        author: message.author.id,
        member: None,
        post: None,
        state: SubmissionState::Queued,
        digest: spoken_digest(&spoken),
    };
    let mut effects = vec![watermark];
    match may_not_speak(heart, &tie, message.author.id).await? {
        _ if spoken.content.trim().is_empty() && spoken.files.is_empty() => {}
        _ if tie.bridge.replies == Replies::Off => {}
        Some(why) => {
            effects.push(Effect::Submission(Submission { state: SubmissionState::Refused, ..submission }));
            effects.push(telling(message.channel, message.id, Outcome::Failed(why.to_owned()), now)?);
        }
        None => {
            effects.push(Effect::Submission(submission));
            effects.push(reply_job(&tie, &thread, spoken, now)?);
        }
    }
    receive(heart, Some(&once_name(message.id)), effects).await
}

/// Writes down what was heard.
pub async fn receive(heart: &Heart, once: Option<&str>, effects: Vec<Effect>) -> Result<(), StoreError> {
    Point::BeforeReceive.reached();
    heart.apply(once, effects).await?;
    Point::AfterReceive.reached();
    Ok(())
}

/// Why what this person writes does not cross over this bridge, if it does not.
pub async fn may_not_speak(
    heart: &Heart,
    tie: &Tie,
    user: UserId,
) -> Result<Option<&'static str>, StoreError> {
    Ok(match tie.bridge.replies {
        _ if tie.bridge.paused => Some("the bridge to the forum is paused"),
        Replies::Everyone => None,
        Replies::Off => Some("what is written here does not reach the forum"),
        Replies::Linked => match heart.store.link(&tie.bridge.forum, user).await? {
            Some(_) => None,
            None => Some(
                "here only people who have linked their forum account (/account link) can write to the forum",
            ),
        },
    })
}

async fn edited(heart: &Heart, message: &Message) -> Result<(), StoreError> {
    // What a form brought to the forum is shown in a message of the bot's own, which says more than that.
    if message.author.bot || message.webhook.is_some() {
        return Ok(());
    }
    let Some(submission) = heart.store.submission(message.id).await? else {
        return said(heart, message, Heard::Live).await;
    };
    let Some(tie) = heart.ties.get(submission.bridge) else { return Ok(()) };
    let spoken = spoken(message);
    let digest = spoken_digest(&spoken);
    if submission.digest == digest || may_not_speak(heart, &tie, submission.author).await?.is_some() {
        return Ok(());
    }
    if submission.thread.as_str().is_empty() {
        return match submission.state {
            SubmissionState::Refused | SubmissionState::Queued | SubmissionState::Sending => {
                opening::begins_anew(heart, message).await
            }
            _ => Ok(()),
        };
    }
    let now = heart.store.now().await?;
    let thread = submission.thread.clone();
    let effects = match submission.state {
        SubmissionState::Withdrawn => return Ok(()),
        // Refused as it was: what it says now is tried anew. Still waiting: sent as it is now.
        SubmissionState::Refused | SubmissionState::Queued | SubmissionState::Sending => vec![
            Effect::Resubmit { message: message.id, digest },
            reply_job(&tie, &thread, spoken.clone(), now)?,
            amend_job(&tie, &thread, spoken, now)?,
        ],
        SubmissionState::Posted | SubmissionState::AwaitingApproval => {
            vec![amend_job(&tie, &thread, spoken, now)?]
        }
    };
    receive(heart, None, effects).await
}

async fn deleted(heart: &Heart, channel: ChannelId, message: MessageId) -> Result<(), StoreError> {
    let Some(submission) = heart.store.submission(message).await? else {
        // Its end overtook its beginning: the beginning is not to be heard any more.
        let ours = heart.store.room_of_channel(channel).await?.is_some()
            || !heart.ties.of_channel(channel).is_empty();
        if heart.store.part_of_message(message).await?.is_some() {
            receive(heart, None, vec![Effect::Removed { message }]).await?;
        } else if ours {
            receive(heart, Some(&once_name(message)), Vec::new()).await?;
        }
        return Ok(());
    };
    let Some(tie) = heart.ties.get(submission.bridge) else { return Ok(()) };
    let lane = forum_lane(&tie.bridge.forum, &submission.thread);
    let job = Job::Retract { bridge: tie.id(), thread: submission.thread, message };
    let now = heart.store.now().await?;
    let effects = vec![
        Effect::Cancel { key: reply_key(message) },
        Effect::Cancel { key: open_key(message) },
        Effect::Enqueue(job.queued(lane, Priority::Live, now)?),
    ];
    receive(heart, None, effects).await
}

async fn reacted(heart: &Heart, message: MessageId, user: UserId, emoji: &str) -> Result<(), StoreError> {
    if heart.me() == Some(user) {
        return Ok(());
    }
    let Some(part) = heart.store.part_of_message(message).await? else { return Ok(()) };
    let Some(tie) = heart.ties.get(part.bridge) else { return Ok(()) };
    let emoji = plain_emoji(emoji);
    // Where nobody can be thanked a reaction is no more than that.
    let thanks =
        !heart.only_tells(&tie.bridge.forum) && tie.bridge.thanks.iter().any(|own| plain_emoji(own) == emoji);
    // On a paused bridge it is looked for when the bridge goes on.
    if !thanks || part.origin == Origin::Discord || tie.bridge.paused {
        return Ok(());
    }
    let reaction = Reaction { bridge: tie.id(), post: part.post.clone(), message, user, emoji };
    let effects = vec![Effect::Reaction(reaction), thank_job(heart, &tie, &part.post).await?];
    receive(heart, None, effects).await
}

async fn unreacted(heart: &Heart, message: MessageId, gone: Effect) -> Result<(), StoreError> {
    let Some(part) = heart.store.part_of_message(message).await? else { return Ok(()) };
    let Some(tie) = heart.ties.get(part.bridge).filter(|tie| !tie.bridge.paused) else { return Ok(()) };
    let job = thank_job(heart, &tie, &part.post).await?;
    receive(heart, None, vec![gone, job]).await
}

/// The job that brings the forum's thanks for a post in line.
pub async fn thank_job(heart: &Heart, tie: &Tie, post: &crate::model::PostId) -> Result<Effect, StoreError> {
    let forum = &tie.bridge.forum;
    let job = Job::Thank { forum: forum.clone(), post: post.clone() };
    Ok(Effect::Enqueue(job.queued(thanks_lane(forum, post), Priority::Live, heart.store.now().await?)?))
}

pub fn reply_job(tie: &Tie, thread: &ThreadId, spoken: Spoken, now: Millis) -> Result<Effect, StoreError> {
    let job = Job::Reply { bridge: tie.id(), thread: thread.clone(), spoken };
    let lane = forum_lane(&tie.bridge.forum, thread);
    Ok(Effect::Enqueue(job.queued(lane, Priority::Live, now + SETTLE)?))
}

pub fn amend_job(tie: &Tie, thread: &ThreadId, spoken: Spoken, now: Millis) -> Result<Effect, StoreError> {
    let job = Job::Amend { bridge: tie.id(), thread: thread.clone(), spoken };
    let lane = forum_lane(&tie.bridge.forum, thread);
    Ok(Effect::Enqueue(job.queued(lane, Priority::Live, now + SETTLE)?))
}

/// The name under which the beginning of a message is heard once.
fn once_name(message: MessageId) -> String {
    format!("m:{message}")
}

/// What a message says, as jobs carry it.
pub fn spoken(message: &Message) -> Spoken {
    Spoken {
        message: message.id,
        channel: message.channel,
        author: message.author.id,
        author_name: message.author.name.clone(),
        content: message.content.clone(),
        mentions: message.mentions.clone(),
        files: message
            .attachments
            .iter()
            .map(|file| SpokenFile {
                id: file.id,
                name: file.name.clone(),
                url: file.url.clone(),
                image: file.content_type.as_deref().is_some_and(|kind| kind.starts_with("image/")),
            })
            .collect(),
        reply_to: message.reply_to,
        quote: None,
        form: false,
    }
}

/// An emoji without its variation selector: Discord and people write `❤` and `❤️` for the same.
pub fn plain_emoji(emoji: &str) -> String {
    emoji.replace('\u{fe0f}', "")
}
