//! Starts the heart and stops it: which tasks there are, and in which order they end.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::discord::{ChannelKind, DiscordError, Event};
use crate::store::{Bridge, Effect};

use super::tie::Tie;
use super::watch::Watcher;
use super::{Heart, catchup, inbox, outbox};

/// A channel that can't be looked up is asked for again after this time, and ever more rarely.
const LOOK_UP_AGAIN: Duration = Duration::from_secs(5);
const LOOK_UP_RARELY: Duration = Duration::from_secs(300);

/// Starts every task of the heart. They end when `stop` is cancelled; the tracker tells when they have.
pub fn start(
    heart: &Arc<Heart>,
    bridges: Vec<Bridge>,
    events: mpsc::Receiver<Event>,
    stop: &CancellationToken,
) -> TaskTracker {
    let tasks = TaskTracker::new();
    let (forward, taken) = mpsc::channel(256);
    heart.ties.set_awaited(bridges.iter().map(|bridge| bridge.forum.clone()).collect());
    tasks.spawn(tie_all(heart.clone(), bridges, stop.clone()));
    tasks.spawn(on_ready(heart.clone(), events, forward, stop.clone()));
    tasks.spawn(inbox::run(heart.clone(), taken, stop.clone()));
    for forum in heart.forums.values() {
        tasks.spawn(Watcher::new(heart.clone(), forum.clone()).run(stop.clone()));
    }
    tasks.spawn(outbox::work(heart.clone(), stop.clone()));
    tasks.spawn(catch_up(heart.clone(), stop.clone()));
    tasks.close();
    tasks
}

/// Asks Discord about each bridge's channel. Until Discord has answered, the bridge is not there: its
/// forum is not read for it, so nothing is recorded that could not be shown.
async fn tie_all(heart: Arc<Heart>, bridges: Vec<Bridge>, stop: CancellationToken) {
    let mut waiting = bridges;
    let mut told = HashSet::new();
    let mut pause = LOOK_UP_AGAIN;
    while !waiting.is_empty() && !stop.is_cancelled() {
        let mut still = Vec::new();
        let mut unanswered = HashSet::new();
        for bridge in waiting {
            match heart.discord.channel(bridge.channel).await {
                Ok(channel)
                    if matches!(
                        channel.kind,
                        ChannelKind::Forum | ChannelKind::Text | ChannelKind::Announcement
                    ) =>
                {
                    if told.contains(&bridge.id)
                        && let Err(error) =
                            heart.store.apply(None, vec![Effect::Reexamine { bridge: bridge.id }]).await
                    {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "can't look at what changed"
                        );
                        unanswered.insert(bridge.forum.clone());
                        still.push(bridge);
                        continue;
                    }
                    heart.ties.insert(Tie::new(bridge, channel));
                    heart.missed.notify_one();
                }
                Ok(_) => tracing::error!(
                    channel = %bridge.channel,
                    "a bridge needs a text, announcement or forum channel; this is something else, so the bridge is off"
                ),
                Err(DiscordError::Gone(_)) => tracing::error!(
                    channel = %bridge.channel, "a bridge is off: {}", super::mirror::CHANNEL_GONE
                ),
                Err(error) => {
                    if matches!(error, DiscordError::Later { .. }) {
                        unanswered.insert(bridge.forum.clone());
                    }
                    if told.insert(bridge.id) {
                        tracing::error!(channel = %bridge.channel, "can't look up the bridge's channel: {error}");
                    }
                    still.push(bridge);
                }
            }
        }
        waiting = still;
        heart.ties.set_awaited(unanswered);
        for forum in heart.forums.values() {
            forum.nudge.notify_one();
        }
        heart.wake.notify_waiters();
        if !waiting.is_empty() {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
            pause = (pause * 2).min(LOOK_UP_RARELY);
        }
    }
}

/// Reads back what was missed, whenever something may have been, one time after the other.
async fn catch_up(heart: Arc<Heart>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = heart.missed.notified() => {}
            () = stop.cancelled() => return,
        }
        tokio::select! {
            () = catchup::run(heart.clone(), stop.clone()) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Passes events on; a new session is a reason to look for what was missed.
async fn on_ready(
    heart: Arc<Heart>,
    mut events: mpsc::Receiver<Event>,
    forward: mpsc::Sender<Event>,
    stop: CancellationToken,
) {
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = stop.cancelled() => return,
        };
        let Some(event) = event else { return };
        let ready = matches!(event, Event::Ready { .. });
        if forward.send(event).await.is_err() {
            return;
        }
        if ready {
            heart.missed.notify_one();
        }
    }
}
