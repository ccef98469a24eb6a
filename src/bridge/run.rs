//! Starts the heart and stops it: which tasks there are, and in which order they end.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::discord::ChannelKind;

use super::tie::Tie;
use super::watch::Watcher;
use super::{Heart, leases, outbox};

/// How often the bridges are read again: a command, perhaps in another replica, may have changed them; and
/// a channel that can't be looked up is asked for again.
const LOOK_UP: Duration = Duration::from_secs(5);
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
    for _ in 0..outbox::WORKERS {
        tasks.spawn(outbox::work(heart.clone(), stop.clone()));
    }
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

/// Asks Discord about each bridge's channel. Until Discord has answered, the bridge is not there: its
/// forum is not read for it, so nothing is recorded that could not be shown.
async fn tie_all(heart: Arc<Heart>, stop: CancellationToken) {
    let mut told = HashSet::new();
    while !stop.is_cancelled() {
        let mut found = false;
        match heart.store.bridges().await {
            Ok(bridges) => {
                for bridge in heart.ties.refresh(bridges) {
                    if stop.is_cancelled() {
                        return;
                    }
                    let (id, address) = (bridge.id, bridge.channel);
                    match heart.discord.channel(address).await {
                        Ok(channel)
                            if matches!(
                                channel.kind,
                                ChannelKind::Forum | ChannelKind::Text | ChannelKind::Announcement
                            ) =>
                        {
                            heart.ties.insert(Tie::new(bridge, channel));
                            found = true;
                        }
                        Ok(_) => {
                            if told.insert(id) {
                                tracing::error!(
                                    channel = %address,
                                    "a bridge needs a text, announcement or forum channel; this is something else, so the bridge is off"
                                );
                            }
                        }
                        Err(error) => {
                            if told.insert(id) {
                                tracing::error!(channel = %address, "can't look up the bridge's channel: {error}");
                            }
                        }
                    }
                }
            }
            Err(error) => heart.health.database(Err(error.to_string())),
        }
        if found {
            for forum in heart.forums.values() {
                forum.nudge.notify_one();
            }
            heart.wake.notify_waiters();
            heart.ties.tell();
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_UP) => {}
            () = stop.cancelled() => {}
        }
    }
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

/// Looks for work when another replica says that there is some.
async fn listen(heart: Arc<Heart>, stop: CancellationToken) {
    let rung = || heart.wake.notify_waiters();
    tokio::select! {
        () = heart.store.listen(&rung) => {}
        () = stop.cancelled() => {}
    }
}
