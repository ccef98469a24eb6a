//! Doing something in a Discord thread that is shut. Only sending a message opens an archived thread by
//! itself, and a webhook may change nothing in a locked one, not even where the bot may: the bot opens the
//! thread for as long as it takes, and locks it again.

use std::future::Future;

use crate::discord::rest::Rest;
use crate::discord::{DiscordError, ThreadPatch};
use crate::model::ChannelId;

use super::points::Point;

/// Does it, in a thread that is opened for it where it must be.
pub async fn within<T, F>(discord: &Rest, thread: ChannelId, act: impl Fn() -> F) -> Result<T, DiscordError>
where
    F: Future<Output = Result<T, DiscordError>>,
{
    let mut done = act().await;
    if matches!(done, Err(DiscordError::Archived)) {
        open(discord, thread, false).await?;
        done = act().await;
    }
    if matches!(done, Err(DiscordError::Locked)) {
        open(discord, thread, true).await?;
        done = act().await;
        lock(discord, thread).await?;
    }
    done
}

async fn open(discord: &Rest, thread: ChannelId, locked: bool) -> Result<(), DiscordError> {
    let open =
        ThreadPatch { archived: Some(false), locked: locked.then_some(false), ..ThreadPatch::default() };
    Point::BeforeUnlock.reached();
    let opened = discord.update_thread(thread, &open).await;
    Point::AfterUnlock.reached();
    match opened {
        // Whoever may not open it needs to know that it is shut, not which request failed.
        Err(DiscordError::Forbidden(_)) => Err(DiscordError::Locked),
        outcome => outcome,
    }
}

/// Locks a thread (again).
pub async fn lock(discord: &Rest, thread: ChannelId) -> Result<(), DiscordError> {
    let lock = ThreadPatch { locked: Some(true), ..ThreadPatch::default() };
    Point::BeforeLock.reached();
    let locked = discord.update_thread(thread, &lock).await;
    Point::AfterLock.reached();
    locked
}
