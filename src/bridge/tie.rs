//! The bridges as they stand in memory: each with what Discord says about its channel, and whether
//! it is held because that channel can't be used for now.
//!
//! Any replica may change a bridge. [`super::Heart::know`] brings what is known here up to date, before whatever must not be
//! done by what is stale: a job, a command, and all that is done by a lease which somebody else held before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::config::{Layout, Scope};
use crate::discord::{Channel, ChannelKind};
use crate::model::{BoardId, ChannelId, ForumKey, GuildId, ThreadId};
use crate::store::{Bridge, BridgeId};

use super::job::Lane;
use super::leases;

/// A bridge and the Discord channel that it leads to.
#[derive(Debug)]
pub struct Tie {
    pub bridge: Bridge,
    pub channel: Channel,
    hold: Mutex<Option<(Instant, String)>>,
    stopped: OnceLock<String>,
}

impl Tie {
    pub fn new(bridge: Bridge, channel: Channel) -> Self {
        Self { bridge, channel, hold: Mutex::new(None), stopped: OnceLock::new() }
    }

    pub fn id(&self) -> BridgeId {
        self.bridge.id
    }

    /// Whether each forum thread has a Discord thread of its own.
    pub fn threaded(&self) -> bool {
        match self.bridge.layout {
            Layout::Threads => true,
            Layout::Feed => false,
            Layout::Auto => self.channel.kind == ChannelKind::Forum,
        }
    }

    pub fn guild(&self) -> Option<GuildId> {
        self.channel.guild
    }

    /// The lane of what this bridge does to Discord about a forum thread.
    pub fn lane(&self, thread: &ThreadId) -> Lane {
        let bridge = self.bridge.id.0;
        let name = if self.threaded() { format!("d:{bridge}:{thread}") } else { format!("d:{bridge}") };
        Lane { name, needs: leases::of_channel(self.bridge.channel) }
    }

    /// The lane of what a Discord thread is called.
    pub fn title_lane(&self, thread: &ThreadId) -> Lane {
        let lane = self.lane(thread);
        Lane { name: format!("{}:title", lane.name), ..lane }
    }

    /// Whether a thread of this board is this bridge's business.
    pub fn covers(&self, board: Option<&BoardId>, thread: &ThreadId) -> bool {
        match &self.bridge.scope {
            Scope::Board(own) => board == Some(own),
            Scope::Thread(own) => own == thread,
        }
    }

    /// Ends the bridge for as long as the process lives: nothing can mend what is wrong with its channel.
    /// True when it had not ended yet, so that the reason is told once.
    pub fn stop(&self, reason: &str) -> bool {
        self.stopped.set(reason.to_owned()).is_ok()
    }

    /// Why the bridge has ended, if it has.
    pub fn stopped(&self) -> Option<String> {
        self.stopped.get().cloned()
    }

    /// Lets the bridge rest: its jobs wait without asking Discord again. True when it was not
    /// resting yet, so that the reason is told once.
    pub fn hold(&self, until: Instant, reason: &str) -> bool {
        let mut hold = self.hold.lock().unwrap_or_else(PoisonError::into_inner);
        let news = hold.as_ref().is_none_or(|(_, old)| old != reason);
        *hold = Some((until, reason.to_owned()));
        news
    }

    /// How long the bridge still rests, and why.
    pub fn held(&self, now: Instant) -> Option<(Duration, String)> {
        let hold = self.hold.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, reason) = hold.as_ref()?;
        until.checked_duration_since(now).map(|left| (left, reason.clone()))
    }

    /// Discord took something again.
    pub fn release(&self) -> bool {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }
}

/// All bridges, as they were when they were last read.
#[derive(Debug, Default)]
pub struct Ties {
    state: RwLock<State>,
    /// Counts what Discord told of channels.
    told: watch::Sender<u64>,
    /// Counts the times that what was said in channels meanwhile is to be looked for.
    known: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    /// How often bridges had changed by then; nothing before they were read.
    changes: Option<i64>,
    ties: HashMap<BridgeId, Arc<Tie>>,
    /// Those whose channels are not known.
    untied: HashMap<BridgeId, Untied>,
}

#[derive(Debug)]
struct Untied {
    bridge: Bridge,
    /// Discord has not said yet why not.
    awaited: bool,
}

impl Ties {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// How often bridges had changed when they were last read.
    pub fn changes(&self) -> Option<i64> {
        self.state().changes
    }

    /// Brings what is known of the bridges up to date with their rows. False when that changed nothing.
    pub fn refresh(&self, bridges: Vec<Bridge>, changes: i64) -> bool {
        let changed = self.change(|state| {
            let there = |id: &BridgeId| bridges.iter().any(|bridge| bridge.id == *id);
            let before = state.ties.len() + state.untied.len();
            state.ties.retain(|id, _| there(id));
            state.untied.retain(|id, _| there(id));
            let mut changed = state.changes.is_none() || state.ties.len() + state.untied.len() != before;
            state.changes = Some(changes);
            for bridge in bridges {
                match state.ties.get(&bridge.id) {
                    Some(tie) if tie.bridge == bridge => continue,
                    Some(tie) if tie.bridge.channel == bridge.channel => {
                        let channel = tie.channel.clone();
                        state.ties.insert(bridge.id, Arc::new(Tie::new(bridge, channel)));
                    }
                    _ => {
                        state.ties.remove(&bridge.id);
                        let before = state.untied.get(&bridge.id);
                        if before.is_some_and(|untied| untied.bridge == bridge) {
                            continue;
                        }
                        let awaited = before.is_none_or(|untied| untied.awaited);
                        state.untied.insert(bridge.id, Untied { bridge, awaited });
                    }
                }
                changed = true;
            }
            changed
        });
        if changed {
            // Whoever waits for a bridge that was just removed waits no longer.
            self.told.send_modify(|times| *times += 1);
        }
        changed
    }

    /// The bridges whose channels are not known.
    pub fn untied(&self) -> Vec<Bridge> {
        let mut untied: Vec<_> = self.state().untied.values().map(|untied| untied.bridge.clone()).collect();
        untied.sort_by_key(|bridge| bridge.id);
        untied
    }

    /// Discord told of the channel of a bridge, which is tied to it as it is known by now.
    pub fn found(&self, id: BridgeId, channel: Channel) {
        self.change(|state| {
            if let Some(untied) = state.untied.remove(&id) {
                state.ties.insert(id, Arc::new(Tie::new(untied.bridge, channel)));
            }
        });
        self.told.send_modify(|times| *times += 1);
    }

    /// Discord told that the channel of a bridge can't be used. True when it is news.
    pub fn refused(&self, id: BridgeId) -> bool {
        let news = self.change(|state| {
            state.untied.get_mut(&id).is_some_and(|untied| std::mem::replace(&mut untied.awaited, false))
        });
        self.told.send_modify(|times| *times += 1);
        news
    }

    /// Whether Discord has still to tell of some bridge of this forum. What changes there must not be recorded
    /// meanwhile: that bridge would never hear of it.
    pub fn is_awaited(&self, forum: &ForumKey) -> bool {
        let state = self.state();
        state.changes.is_none()
            || state.untied.values().any(|untied| untied.awaited && untied.bridge.forum == *forum)
    }

    /// Waits until Discord has told of each bridge that may lead to this guild.
    pub async fn told_of(&self, guild: GuildId) {
        let mut told = self.told.subscribe();
        let awaited = |untied: &Untied| untied.awaited && untied.bridge.guild.is_none_or(|own| own == guild);
        loop {
            {
                let state = self.state();
                if state.changes.is_some() && !state.untied.values().any(awaited) {
                    return;
                }
            }
            if told.changed().await.is_err() {
                return;
            }
        }
    }

    /// Channels became known: what was said there meanwhile can be looked for.
    pub fn tell(&self) {
        self.known.send_modify(|times| *times += 1);
    }

    pub fn known(&self) -> watch::Receiver<u64> {
        self.known.subscribe()
    }

    /// Ties a bridge from its row.
    pub fn insert(&self, tie: Tie) {
        self.change(|state| drop(state.ties.insert(tie.id(), Arc::new(tie))));
    }

    pub fn remove(&self, id: BridgeId) {
        self.change(|state| drop(state.ties.remove(&id)));
    }

    pub fn get(&self, id: BridgeId) -> Option<Arc<Tie>> {
        self.state().ties.get(&id).cloned()
    }

    pub fn all(&self) -> Vec<Arc<Tie>> {
        let mut ties: Vec<_> = self.state().ties.values().cloned().collect();
        ties.sort_by_key(|tie| tie.id());
        ties
    }

    /// The rows of all bridges, whether or not their channels are known.
    pub fn rows(&self) -> Vec<Bridge> {
        let mut rows = self.untied();
        rows.extend(self.all().iter().map(|tie| tie.bridge.clone()));
        rows.sort_by_key(|bridge| bridge.id);
        rows
    }

    pub fn of_forum(&self, forum: &ForumKey) -> Vec<Arc<Tie>> {
        let carries =
            |tie: &Arc<Tie>| tie.bridge.forum == *forum && !tie.bridge.paused && tie.stopped().is_none();
        self.all().into_iter().filter(carries).collect()
    }

    /// The bridges that lead to this very channel (not to a thread in it).
    pub fn of_channel(&self, channel: ChannelId) -> Vec<Arc<Tie>> {
        self.all().into_iter().filter(|tie| tie.bridge.channel == channel).collect()
    }
}
