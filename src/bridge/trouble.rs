//! What becomes of a bridge whose channel can't be used: it rests, or stops for good, and no other waits for it.

use std::sync::Arc;
use std::time::Duration;

use crate::discord::DiscordError;
use crate::model::{PostId, ThreadId};
use crate::store::Effect;

use super::outbox::{Halt, Work};
use super::tie::Tie;

/// A bridge whose channel can't be used is tried again after this time.
const HOLD: Duration = Duration::from_secs(300);
/// A deleted channel never comes back.
pub const CHANNEL_GONE: &str =
    "its Discord channel was deleted; bridge the board to another channel, or remove the bridge";
/// Discord's refusals that are about the channel, not about what was to be sent: too many webhooks, too many
/// open threads, and a tag that it insists on.
/// <https://docs.discord.com/developers/topics/opcodes-and-status-codes#json>
const OF_THE_CHANNEL: [u64; 3] = [30007, 160_006, 40067];

/// Whether the bridge's channel may be asked now.
pub fn ready(work: &Work<'_>, tie: &Arc<Tie>) -> Result<(), Halt> {
    if let Some(reason) = tie.stopped() {
        return Err(Halt::Park(reason));
    }
    match tie.held(work.heart.clock.monotonic()) {
        Some((left, reason)) => Err(Halt::Later(left, reason)),
        None => Ok(()),
    }
}

/// Finds out what is wrong with a channel that can't be used. A Discord thread that somebody deleted is
/// forgotten, so that the next try opens a new one, and shows this post there; a channel that is gone or
/// closed to the bot rests.
pub async fn trouble(
    work: &Work<'_>,
    tie: &Arc<Tie>,
    (thread, anew): (&ThreadId, Option<&PostId>),
    error: DiscordError,
) -> Result<Halt, Halt> {
    let hold = |reason: String| {
        if tie.hold(work.heart.clock.monotonic() + HOLD, &reason) {
            tracing::error!(bridge = tie.id().0, channel = %tie.bridge.channel, "the bridge rests: {reason}");
        }
        Halt::Later(HOLD, reason)
    };
    Ok(match error {
        DiscordError::Refused { code, .. } if OF_THE_CHANNEL.contains(&code) => hold(error.to_string()),
        DiscordError::Gone(reason) => {
            if let Some(room) = work.heart.store.room(tie.id(), thread).await?
                && matches!(work.heart.discord.channel(room.channel).await, Err(DiscordError::Gone(_)))
            {
                tracing::warn!(bridge = tie.id().0, %thread, "the Discord thread was deleted");
                let forget =
                    anew.map(|post| Effect::DropParts { bridge: tie.id(), post: post.clone(), from: 0 });
                let dropped = Effect::DropRoom { bridge: tie.id(), thread: thread.clone() };
                work.note(forget.into_iter().chain([dropped]).collect()).await?;
                return Ok(Halt::Later(Duration::ZERO, reason));
            }
            match work.heart.discord.channel(tie.bridge.channel).await {
                Err(DiscordError::Gone(_)) => {
                    if tie.stop(CHANNEL_GONE) {
                        tracing::error!(
                            bridge = tie.id().0, channel = %tie.bridge.channel,
                            "the bridge stops: {CHANNEL_GONE}"
                        );
                    }
                    Halt::Park(CHANNEL_GONE.to_owned())
                }
                // The webhook was deleted; the next try makes a new one.
                _ => Halt::Later(Duration::ZERO, reason),
            }
        }
        DiscordError::Forbidden(reason) => hold(reason),
        DiscordError::Token => hold(error.to_string()),
        other => other.into(),
    })
}
