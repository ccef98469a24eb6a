//! The bridges as they stand in memory: each with what Discord says about its channel, and whether
//! it is held because that channel can't be used for now.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
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

/// All bridges whose channels are known.
#[derive(Debug, Default)]
pub struct Ties {
    ties: RwLock<HashMap<BridgeId, Arc<Tie>>>,
    /// Counts the times that channels became known.
    known: watch::Sender<u64>,
    awaited: RwLock<HashSet<ForumKey>>,
}

impl Ties {
    /// Of these forums some bridges' channels have not been told of yet. What changes there must not be
    /// recorded meanwhile: those bridges would never hear of it.
    pub fn set_awaited(&self, forums: HashSet<ForumKey>) {
        *self.awaited.write().unwrap_or_else(PoisonError::into_inner) = forums;
    }

    pub fn is_awaited(&self, forum: &ForumKey) -> bool {
        self.awaited.read().unwrap_or_else(PoisonError::into_inner).contains(forum)
    }

    pub fn insert(&self, tie: Tie) {
        self.ties.write().unwrap_or_else(PoisonError::into_inner).insert(tie.id(), Arc::new(tie));
    }

    /// Brings what is known of the bridges up to date with their rows, and tells which of them have no
    /// channel yet.
    pub fn refresh(&self, bridges: Vec<Bridge>) -> Vec<Bridge> {
        let mut ties = self.ties.write().unwrap_or_else(PoisonError::into_inner);
        ties.retain(|id, _| bridges.iter().any(|bridge| bridge.id == *id));
        let mut unknown = Vec::new();
        for bridge in bridges {
            match ties.get(&bridge.id) {
                Some(tie) if tie.bridge == bridge => {}
                Some(tie) if tie.bridge.channel == bridge.channel => {
                    let channel = tie.channel.clone();
                    ties.insert(bridge.id, Arc::new(Tie::new(bridge, channel)));
                }
                _ => unknown.push(bridge),
            }
        }
        unknown
    }

    /// Channels became known: what was said there meanwhile can be looked for.
    pub fn tell(&self) {
        self.known.send_modify(|times| *times += 1);
    }

    pub fn told(&self) -> watch::Receiver<u64> {
        self.known.subscribe()
    }

    /// Its jobs find it gone and end.
    pub fn remove(&self, id: BridgeId) {
        self.ties.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    pub fn get(&self, id: BridgeId) -> Option<Arc<Tie>> {
        self.ties.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    pub fn all(&self) -> Vec<Arc<Tie>> {
        let mut ties: Vec<_> =
            self.ties.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        ties.sort_by_key(|tie| tie.id());
        ties
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
