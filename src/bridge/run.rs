//! Starts the heart and stops it: which tasks there are, and in which order they end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::discord::{Channel, ChannelKind, DiscordError};
use crate::model::ForumKey;
use crate::store::{Bridge, BridgeId, Effect, StoreError};

use super::tie::Tie;
use super::watch::Watcher;
use super::{Heart, leases, outbox};

/// How often the bridges are read again: a command, perhaps in another replica, may have changed them; and
/// a channel that can't be looked up is asked for again.
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
    heart.ties.set_awaited(heart.forums.keys().cloned().collect());
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

/// Whoever watched the forum before may have changed what is known of its bridges. False when it is over
/// before it began.
async fn begin(heart: &Heart, over: &CancellationToken) -> bool {
    while !over.is_cancelled() {
        match heart.store.bridges().await {
            Ok(bridges) => {
                heart.ties.refresh(bridges);
                return true;
            }
            Err(error) => heart.health.database(Err(error.to_string())),
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = over.cancelled() => {}
        }
    }
    false
}

/// A bridge whose channel is not known.
struct Unknown {
    /// When Discord is asked again, and how much later the time after that.
    next: Instant,
    pause: Duration,
    /// Its forum is not to be read before Discord has said anything.
    awaited: Option<ForumKey>,
}

/// Asks Discord about each bridge's channel. Until Discord has answered, the bridge is not there: its
/// forum is not read for it, so nothing is recorded that could not be shown.
async fn tie_all(heart: Arc<Heart>, stop: CancellationToken) {
    let mut unknown: HashMap<BridgeId, Unknown> = HashMap::new();
    while !stop.is_cancelled() {
        match heart.store.bridges().await {
            Ok(bridges) => {
                let untied = heart.ties.refresh(bridges);
                unknown.retain(|id, _| untied.iter().any(|bridge| bridge.id == *id));
                let mut found = false;
                for bridge in untied {
                    if stop.is_cancelled() {
                        return;
                    }
                    found |= look_up(&heart, bridge, &mut unknown).await;
                }
                heart.ties.set_awaited(unknown.values().filter_map(|it| it.awaited.clone()).collect());
                if found {
                    heart.ties.tell();
                }
                for forum in heart.forums.values().filter(|_| found) {
                    forum.nudge.notify_one();
                }
                heart.wake.notify_waiters();
            }
            Err(error) => heart.health.database(Err(error.to_string())),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_UP) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Ties one bridge, unless it is too early to ask again. True when its channel is known now.
async fn look_up(heart: &Heart, bridge: Bridge, unknown: &mut HashMap<BridgeId, Unknown>) -> bool {
    let (id, address, now) = (bridge.id, bridge.channel, heart.clock.monotonic());
    let before = unknown.get(&id);
    if before.is_some_and(|before| now < before.next) {
        return false;
    }
    let pause = before.map_or(LOOK_UP, |before| (before.pause * 2).min(LOOK_UP_RARELY));
    let first = before.is_none();
    let (pause, awaited) = match heart.discord.channel(address).await {
        Ok(channel)
            if matches!(channel.kind, ChannelKind::Forum | ChannelKind::Text | ChannelKind::Announcement) =>
        {
            match if first { Ok(()) } else { reexamine(heart, id).await } {
                Ok(()) => {
                    unknown.remove(&id);
                    learn_guild(heart, &bridge, &channel).await;
                    heart.ties.insert(Tie::new(bridge, channel));
                    return true;
                }
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "can't look at what changed");
                    (LOOK_UP, Some(bridge.forum))
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
            (LOOK_UP_RARELY, None)
        }
        Err(DiscordError::Gone(_)) => {
            if first {
                tracing::error!(channel = %address, "a bridge is off: {}", super::trouble::CHANNEL_GONE);
            }
            (LOOK_UP_RARELY, None)
        }
        Err(error) => {
            if first {
                tracing::error!(channel = %address, "can't look up the bridge's channel: {error}");
            }
            (pause, matches!(error, DiscordError::Later { .. }).then_some(bridge.forum))
        }
    };
    unknown.insert(id, Unknown { next: now + pause, pause, awaited });
    false
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
        if let Err(error) = heart.store.ring().await {
            tracing::debug!("the other replicas are not told of work: {error}");
        }
        tokio::time::sleep(RING).await;
    }
}

/// Ties a bridge that was just made, and begins to watch for it.
pub async fn tie(heart: &Heart, bridge: Bridge, channel: Channel) {
    let forum = bridge.forum.clone();
    heart.ties.insert(Tie::new(bridge, channel));
    if let Some(forum) = heart.forums.get(&forum) {
        forum.nudge.notify_one();
    }
    heart.wake.notify_waiters();
}

/// Writes down to which guild a bridge leads, so that its managers know of it when its channel is gone.
async fn learn_guild(heart: &Heart, bridge: &Bridge, channel: &Channel) {
    if let Some(guild) = channel.guild.filter(|guild| bridge.guild != Some(*guild))
        && let Err(error) = heart.store.set_guild(bridge.id, guild).await
    {
        tracing::warn!(error = &error as &dyn std::error::Error, "can't write down a bridge's guild");
    }
}

/// Looks for work when another replica says that there is some.
async fn listen(heart: Arc<Heart>, stop: CancellationToken) {
    let rung = || heart.wake.notify_waiters();
    tokio::select! {
        () = heart.store.listen(&rung) => {}
        () = stop.cancelled() => {}
    }
}
