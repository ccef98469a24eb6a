//! What a Discord thread is called, and how it looks from outside: the title, tags and state of its forum thread.
//!
//! Discord allows two new titles in ten minutes. A title is a job of its own, in a lane of its own: the posts of its
//! thread, and all else about it, do not wait for it.

use crate::discord::{ChannelKind, DiscordError, ThreadPatch, look};
use crate::store::{BridgeId, Effect, Room};

use super::job::{Job, ThreadFacts, title_key};
use super::outbox::{Halt, Work};
use super::points::Point;
use super::record::digest_of;
use super::tie::Tie;
use super::trouble::{ready, trouble};

/// Gives a Discord thread its forum thread's tags and state, and sees to its title.
pub async fn dress(work: &Work<'_>, bridge: BridgeId, thread: &ThreadFacts) -> Result<Vec<Effect>, Halt> {
    let Some(tie) = work.tie(bridge).await? else { return Ok(Vec::new()) };
    let Some(room) = work.heart.store.room(bridge, &thread.id).await? else { return Ok(Vec::new()) };
    let tags = tags(&tie, thread);
    let forum = tie.channel.kind == ChannelKind::Forum;
    let digest = dress_digest(&tie, thread);
    if room.digest == digest {
        return Ok(Vec::new());
    }
    ready(work, &tie)?;
    let now = match work.heart.discord.channel(room.channel).await {
        Ok(now) => now,
        Err(error) => return Err(trouble(work, &tie, (&thread.id, None), error).await?),
    };
    let mut patch = ThreadPatch {
        name: None,
        locked: (now.locked != thread.closed).then_some(thread.closed),
        archived: None,
        pinned: (forum && thread.sticky).then_some(true).or(if forum && room.digest != 0 {
            Some(thread.sticky)
        } else {
            None
        }),
        tags: (forum && !tags.is_empty()).then_some(tags),
    };
    if patch != ThreadPatch::default() {
        patch.archived = now.archived.then_some(false);
        Point::BeforeDress.reached();
        let dressed = work.discord().update_thread(room.channel, &patch).await;
        Point::AfterDress.reached();
        // Its posts can be shown all the same.
        if let Err(error @ (DiscordError::Forbidden(_) | DiscordError::Locked)) = dressed {
            return Err(Halt::Park(error.to_string()));
        }
        if let Err(error) = dressed {
            return Err(trouble(work, &tie, (&thread.id, None), error).await?);
        }
    }
    let mut effects = vec![Effect::Room(Room { digest, ..room })];
    // One that waits may be of yesterday: it is told of today's even where that is what Discord shows.
    let waits = work.heart.store.standing(&title_key(bridge, &thread.id)).await?.is_some();
    if waits || now.name != title_of(thread) {
        let job = Job::Title { bridge, thread: thread.clone() };
        let at = work.heart.store.now().await?;
        effects.push(Effect::Enqueue(job.queued(tie.title_lane(&thread.id), work.claim.priority, at)?));
    }
    Ok(effects)
}

/// Gives a Discord thread its forum thread's title.
pub async fn title(work: &Work<'_>, bridge: BridgeId, thread: &ThreadFacts) -> Result<Vec<Effect>, Halt> {
    let Some(tie) = work.tie(bridge).await? else { return Ok(Vec::new()) };
    let Some(room) = work.heart.store.room(bridge, &thread.id).await? else { return Ok(Vec::new()) };
    ready(work, &tie)?;
    let now = match work.heart.discord.channel(room.channel).await {
        Ok(now) => now,
        Err(error) => return Err(trouble(work, &tie, (&thread.id, None), error).await?),
    };
    let title = title_of(thread);
    // Asked for only where it is new: there are few of them.
    if now.name == title {
        return Ok(Vec::new());
    }
    let patch =
        ThreadPatch { name: Some(title), archived: now.archived.then_some(false), ..ThreadPatch::default() };
    Point::BeforeTitle.reached();
    let called = work.discord().update_thread(room.channel, &patch).await;
    Point::AfterTitle.reached();
    match called {
        Ok(()) => Ok(Vec::new()),
        Err(error @ (DiscordError::Forbidden(_) | DiscordError::Locked)) => {
            Err(Halt::Park(error.to_string()))
        }
        Err(error) => Err(trouble(work, &tie, (&thread.id, None), error).await?),
    }
}

fn title_of(thread: &ThreadFacts) -> String {
    look::thread_title(thread.prefix.as_deref(), &thread.title)
}

/// A digest of everything that [`dress`] gives a Discord thread.
pub fn dress_digest(tie: &Tie, thread: &ThreadFacts) -> i64 {
    let (title, tags) = (title_of(thread), tags(tie, thread));
    digest_of(format!("{title}\n{tags:?}\n{}{}", thread.closed, thread.sticky).as_bytes())
}

/// The channel's tags that the forum thread's prefix and tags name; where the channel insists on a tag
/// and none fits, its first.
pub fn tags(tie: &Tie, thread: &ThreadFacts) -> Vec<u64> {
    const MOST: usize = 5;
    let wanted = thread.prefix.iter().chain(&thread.tags);
    let mut tags: Vec<u64> = wanted
        .filter_map(|name| tie.channel.tags.iter().find(|(_, tag)| tag.eq_ignore_ascii_case(name.trim())))
        .map(|(id, _)| *id)
        .collect();
    tags.dedup();
    tags.truncate(MOST);
    if tags.is_empty() && tie.channel.requires_tag {
        tags.extend(tie.channel.tags.first().map(|(id, _)| *id));
    }
    tags
}
