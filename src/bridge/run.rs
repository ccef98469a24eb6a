//! Starts the heart and stops it: which tasks there are, and in which order they end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::discord::{Channel, ChannelKind, DiscordError};
use crate::store::{Bridge, BridgeId, Effect, Ring, StoreError};

use super::watch::Watcher;
use super::{Heart, leases, outbox};

/// How often it is looked whether another replica has changed a bridge; all of them say so at once where they can.
const LOOK: Duration = Duration::from_secs(1);
/// The same where there is no other.
const LOOK_ALONE: Duration = Duration::from_secs(5);
/// The bridges are read anew at least this often: an older version beside us does not count its changes.
const READ_ANEW: Duration = Duration::from_secs(60);
/// A channel that can't be looked up is asked for again after this time.
const LOOK_UP: Duration = Duration::from_secs(5);
/// A channel that can't be used is asked for ever more rarely.
const LOOK_UP_RARELY: Duration = Duration::from_secs(300);
/// Other replicas are told at most this often that there is work.
const RING: Duration = Duration::from_millis(50);
/// How soon the database is asked again when it did not answer.
const AGAIN: Duration = Duration::from_secs(1);

/// Starts every task of the heart but the ears, for which see [`super::hear`]. They end when `stop` is cancelled;
/// the tracker tells when they have.
pub fn start(heart: &Arc<Heart>, stop: &CancellationToken) -> TaskTracker {
    let tasks = TaskTracker::new();
    tasks.spawn(leases::keep(heart.clone(), stop.clone()));
    tasks.spawn(tie_all(heart.clone(), stop.clone()));
    for forum in heart.forums.values() {
        let (heart, forum, stop) = (heart.clone(), forum.clone(), stop.clone());
        tasks.spawn(async move {
            let name = leases::of_forum(&forum.key);
            let watch = async |over: CancellationToken| {
                if begin(&heart, &over).await {
                    Watcher::new(heart.clone(), forum.clone()).run(over).await;
                }
            };
            heart.leases.while_held(&name, &stop, watch).await;
        });
    }
    tasks.spawn(outbox::work(heart.clone(), stop.clone()));
    if heart.store.shared() {
        tasks.spawn(ring(heart.clone(), stop.clone()));
        tasks.spawn(listen(heart.clone(), stop.clone()));
    }
    tasks.close();
    tasks
}

/// Whoever had a lease before may have changed what is known of the bridges. False when it is over before that is
/// known.
pub async fn begin(heart: &Heart, over: &CancellationToken) -> bool {
    while !over.is_cancelled() {
        match heart.know().await {
            Ok(()) => return true,
            Err(error) => heart.health.database(Err(error.to_string())),
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = over.cancelled() => {}
        }
    }
    false
}

/// When Discord is asked again about the channel of a bridge, and how much later the time after that.
struct Again {
    next: Instant,
    pause: Duration,
}

/// Keeps the bridges known, and asks Discord about each one's channel. Until Discord has answered, the bridge is not
/// there: its forum is not read for it, so nothing is recorded that could not be shown.
async fn tie_all(heart: Arc<Heart>, stop: CancellationToken) {
    let mut asked: HashMap<BridgeId, Again> = HashMap::new();
    let mut may_send = heart.leases.may_send();
    let mut read: Option<Instant> = None;
    let look = if heart.store.shared() { LOOK } else { LOOK_ALONE };
    while !stop.is_cancelled() {
        let now = heart.clock.monotonic();
        let anew = read.is_none_or(|read| now.duration_since(read) >= READ_ANEW);
        let known = if anew { heart.learn().await } else { heart.know().await };
        match known {
            Ok(()) if anew => read = Some(now),
            Ok(()) => {}
            Err(error) => heart.health.database(Err(error.to_string())),
        }
        // Before that Discord may not be asked, which says nothing about a channel.
        if *may_send.borrow_and_update() {
            look_up_all(&heart, &mut asked, &stop).await;
        }
        tokio::select! {
            () = tokio::time::sleep(look) => {}
            () = heart.bridges.notified() => {}
            _ = may_send.changed() => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Ties those bridges to their channels whose time has come.
async fn look_up_all(heart: &Heart, asked: &mut HashMap<BridgeId, Again>, stop: &CancellationToken) {
    let untied = heart.ties.untied();
    asked.retain(|id, _| untied.iter().any(|bridge| bridge.id == *id));
    let mut told = false;
    for bridge in untied {
        if stop.is_cancelled() {
            return;
        }
        told |= look_up(heart, bridge, asked).await;
    }
    if told {
        heart.ties.tell();
        for forum in heart.forums.values() {
            forum.nudge.notify_one();
        }
        heart.wake.notify_waiters();
    }
}

/// Ties one bridge, unless it is too early to ask again. True when Discord told of its channel, or why not.
async fn look_up(heart: &Heart, bridge: Bridge, asked: &mut HashMap<BridgeId, Again>) -> bool {
    let (id, address, now) = (bridge.id, bridge.channel, heart.clock.monotonic());
    let before = asked.get(&id);
    if before.is_some_and(|before| now < before.next) {
        return false;
    }
    let pause = before.map_or(LOOK_UP, |before| (before.pause * 2).min(LOOK_UP_RARELY));
    let first = before.is_none();
    let (pause, told) = match heart.discord.channel(address).await {
        Ok(channel)
            if matches!(channel.kind, ChannelKind::Forum | ChannelKind::Text | ChannelKind::Announcement) =>
        {
            match if first { Ok(()) } else { reexamine(heart, id).await } {
                Ok(()) => {
                    asked.remove(&id);
                    learn_guild(heart, &bridge, &channel).await;
                    heart.ties.found(id, channel);
                    return true;
                }
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "can't look at what changed");
                    (LOOK_UP, false)
                }
            }
        }
        Ok(_) => {
            if first {
                tracing::error!(
                    channel = %address,
                    "a bridge needs a text, announcement or forum channel; this is something else, so the bridge is off"
                );
            }
            (LOOK_UP_RARELY, heart.ties.refused(id))
        }
        Err(DiscordError::Gone(_)) => {
            if first {
                tracing::error!(channel = %address, "a bridge is off: {}", super::trouble::CHANNEL_GONE);
            }
            (LOOK_UP_RARELY, heart.ties.refused(id))
        }
        Err(error) => {
            if first {
                tracing::error!(channel = %address, "can't look up the bridge's channel: {error}");
            }
            (pause, !matches!(error, DiscordError::Later { .. }) && heart.ties.refused(id))
        }
    };
    asked.insert(id, Again { next: now + pause, pause });
    told
}

/// What changed on the forum while the bridge was not there is looked for.
async fn reexamine(heart: &Heart, bridge: BridgeId) -> Result<(), StoreError> {
    heart.store.apply(None, vec![Effect::Reexamine { bridge }]).await.map(drop)
}

/// Tells other replicas of work, not too often.
async fn ring(heart: Arc<Heart>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = heart.bell.notified() => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = heart.store.ring(Ring::Work).await {
            tracing::debug!("the other replicas are not told of work: {error}");
        }
        tokio::time::sleep(RING).await;
    }
}

/// Ties a bridge that was just made, and begins to watch for it.
pub async fn tie(heart: &Heart, bridge: &Bridge, channel: Channel) -> Result<(), StoreError> {
    heart.know().await?;
    heart.ties.found(bridge.id, channel);
    if let Some(forum) = heart.forums.get(&bridge.forum) {
        forum.nudge.notify_one();
    }
    heart.wake.notify_waiters();
    Ok(())
}

/// Writes down to which guild a bridge leads, so that its managers know of it when its channel is gone.
async fn learn_guild(heart: &Heart, bridge: &Bridge, channel: &Channel) {
    if let Some(guild) = channel.guild.filter(|guild| bridge.guild != Some(*guild))
        && let Err(error) = heart.store.set_guild(bridge.id, guild).await
    {
        tracing::warn!(error = &error as &dyn std::error::Error, "can't write down a bridge's guild");
    }
}

/// Looks for work, or at the bridges, when another replica says that there is something.
async fn listen(heart: Arc<Heart>, stop: CancellationToken) {
    let rung = |what| match what {
        Ring::Work => heart.wake.notify_waiters(),
        Ring::Bridges => heart.bridges.notify_one(),
        Ring::Leases => heart.leases.look(),
    };
    tokio::select! {
        () = heart.store.listen(&rung) => {}
        () = stop.cancelled() => {}
    }
}
