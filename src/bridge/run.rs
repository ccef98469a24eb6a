//! Starts the heart and stops it: which tasks there are, and in which order they end.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::discord::{Channel, ChannelKind, Event};
use crate::store::Bridge;

use super::tie::Tie;
use super::watch::Watcher;
use super::{Heart, catchup, inbox, outbox};

/// A channel that can't be looked up is asked for again after this time.
const LOOK_UP_AGAIN: Duration = Duration::from_secs(5);
/// How often the database is asked for bridges that somebody else made, paused or removed.
const LOOK_FOR_BRIDGES: Duration = Duration::from_secs(30);

/// Starts every task of the heart. They end when `stop` is cancelled; the tracker tells when they have.
pub fn start(
    heart: &Arc<Heart>,
    bridges: Vec<Bridge>,
    events: mpsc::Receiver<Event>,
    stop: &CancellationToken,
) -> TaskTracker {
    let tasks = TaskTracker::new();
    let (forward, taken) = mpsc::channel(256);
    tasks.spawn(tie_all(heart.clone(), bridges, stop.clone()));
    tasks.spawn(on_ready(heart.clone(), events, forward, stop.clone(), tasks.clone()));
    tasks.spawn(inbox::run(heart.clone(), taken, stop.clone()));
    for forum in heart.forums.values() {
        tasks.spawn(Watcher::new(heart.clone(), forum.clone()).run(stop.clone()));
    }
    for number in 0..outbox::WORKERS {
        tasks.spawn(outbox::work(heart.clone(), format!("worker-{number}"), stop.clone()));
    }
    tasks.close();
    tasks
}

/// Asks Discord about each bridge's channel. Until Discord has answered, the bridge is not there: its
/// forum is not read for it, so nothing is recorded that could not be shown. Once every bridge is tied,
/// looks now and then whether the database has others, which another process may have made.
async fn tie_all(heart: Arc<Heart>, bridges: Vec<Bridge>, stop: CancellationToken) {
    let mut waiting = bridges;
    let (mut told, mut unfit) = (HashSet::new(), HashSet::new());
    let mut behind = true;
    while !stop.is_cancelled() {
        let (mut still, mut tied) = (Vec::new(), false);
        for bridge in waiting {
            match heart.discord.channel(bridge.channel).await {
                Ok(channel)
                    if matches!(
                        channel.kind,
                        ChannelKind::Forum | ChannelKind::Text | ChannelKind::Announcement
                    ) =>
                {
                    learn_guild(&heart, &bridge, &channel).await;
                    heart.ties.insert(Tie::new(bridge, channel));
                    tied = true;
                }
                Ok(_) => {
                    unfit.insert(bridge.id);
                    tracing::error!(
                        channel = %bridge.channel,
                        "a bridge needs a text, announcement or forum channel; this is something else, so the bridge is off"
                    );
                }
                Err(error) => {
                    if told.insert(bridge.id) {
                        tracing::error!(channel = %bridge.channel, "can't look up the bridge's channel: {error}");
                    }
                    still.push(bridge);
                }
            }
        }
        if tied {
            for forum in heart.forums.values() {
                forum.nudge.notify_one();
            }
            heart.wake.notify_waiters();
        }
        if still.is_empty() && behind {
            behind = false;
            catchup::run(heart.clone(), stop.clone()).await;
        }
        let wait = if still.is_empty() { LOOK_FOR_BRIDGES } else { LOOK_UP_AGAIN };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return,
        }
        waiting = news(&heart).await;
        waiting.retain(|bridge| !unfit.contains(&bridge.id));
    }
}

/// Brings the bridges in memory up to date with the database, and tells which are not tied yet.
async fn news(heart: &Heart) -> Vec<Bridge> {
    let Ok(mut bridges) = heart.store.bridges().await else { return Vec::new() };
    for tie in heart.ties.all() {
        match bridges.iter().find(|bridge| bridge.id == tie.id()) {
            None => heart.ties.remove(tie.id()),
            Some(bridge) if *bridge != tie.bridge => {
                heart.ties.insert(Tie::new(bridge.clone(), tie.channel.clone()));
            }
            Some(_) => {}
        }
    }
    bridges.retain(|bridge| heart.ties.get(bridge.id).is_none());
    bridges
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

/// Passes events on; a new session is a reason to look for what was missed.
async fn on_ready(
    heart: Arc<Heart>,
    mut events: mpsc::Receiver<Event>,
    forward: mpsc::Sender<Event>,
    stop: CancellationToken,
    tasks: TaskTracker,
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
            tasks.spawn(catchup::run(heart.clone(), stop.clone()));
        }
    }
}
