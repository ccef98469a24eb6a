//! When a request to Discord may leave.
//!
//! Discord's limits are per bucket and top-level resource, are learnt from the headers of its
//! answers, and vary: <https://docs.discord.com/developers/topics/rate-limits>. The pacer makes every
//! request wait for its own bucket only, so that a busy channel holds up no quiet one, and keeps all
//! of them together below what Discord allows a bot. It knows no endpoint and reads no clock of its
//! own; all waiting is on monotonic time.
//!
//! Those who wait for the same route stand in line: only the first of them watches the clock, so a
//! window that opens releases as many as it admits and no more.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;

use crate::clock::Clock;
use crate::fence::Fence;

mod answer;
mod state;
#[cfg(test)]
mod tests;
mod vain;

pub use answer::Answer;
use state::{Next, Sent, State};

/// How long a caller waits here before it is told to come back later.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Whose request goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Priority {
    /// Someone may be watching.
    #[default]
    Live,
    /// History being brought over: leaves room for what is live.
    Backfill,
}

/// Requests a second that Discord allows a bot, unless it has promised it more.
/// <https://docs.discord.com/developers/topics/rate-limits#global-rate-limit>
pub const ALLOWANCE: u32 = 50;

/// How much of the bot's allowance this process may use.
pub enum Share {
    Whole,
    /// An equal part, for as long as the others know of us.
    Part {
        among: usize,
        while_held: Arc<Fence>,
    },
    Nothing,
}

/// What Discord counts a request under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub method: Method,
    /// The path with its ids left out.
    pub template: &'static str,
    /// The channel, guild or webhook in the path; 0 where there is none.
    pub major: u64,
    /// A limit that Discord keeps to itself.
    pub hidden: Option<Hidden>,
}

/// A limit that no header shows: found out by others, promised by no one. It is kept once a 429 has
/// shown that it exists, over the window that the 429 tells, and not over a longer one than this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    pub name: &'static str,
    /// What it is counted by: a channel.
    pub id: u64,
    pub limit: usize,
    pub window: Duration,
}

/// The request has not been sent and may not be for this long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub after: Duration,
    pub reason: String,
}

/// Paces all requests of one bot. Cheap to clone; clones share what was learnt.
#[derive(Clone)]
pub struct Pacer {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
    lines: Arc<Mutex<HashMap<LineKey, Arc<Line>>>>,
}

type LineKey = (Method, &'static str, u64);

/// Those who wait for one route of one resource, first come, first served.
#[derive(Default)]
struct Line {
    live: tokio::sync::Mutex<()>,
    backfill: tokio::sync::Mutex<()>,
    live_waiting: AtomicU32,
}

impl Pacer {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let state = State::new(clock.monotonic());
        Self { clock, state: Arc::new(Mutex::new(state)), lines: Arc::default() }
    }

    /// Sets how many requests a second Discord allows the bot.
    pub fn allow(&self, a_second: u32) {
        lock(&self.state).allowance = a_second;
    }

    /// Sets how much of that this process may use.
    pub fn share(&self, share: Share) {
        lock(&self.state).share = share;
    }

    /// When [`PATIENCE`] ends for a request that begins now.
    pub fn deadline(&self) -> Instant {
        self.clock.monotonic() + PATIENCE
    }

    /// Waits until the request may be sent, at most until the deadline.
    pub async fn admit(&self, route: &Route, priority: Priority, deadline: Instant) -> Result<Permit, Hold> {
        let line = self.line(route);
        let _counted = (priority == Priority::Live).then(|| Counted::new(&line.live_waiting));
        let turn = match priority {
            Priority::Live => &line.live,
            Priority::Backfill => &line.backfill,
        };
        let left = deadline.saturating_duration_since(self.clock.monotonic());
        let Ok(_turn) = tokio::time::timeout(left, turn.lock()).await else {
            return Err(Hold {
                after: Duration::from_secs(1),
                reason: "many requests wait for this channel's limit".into(),
            });
        };
        loop {
            let now = self.clock.monotonic();
            let give_way = priority == Priority::Backfill && line.live_waiting.load(Ordering::Relaxed) > 0;
            let next = lock(&self.state).next(route, priority, give_way, now);
            match next {
                Next::Go(sent) => {
                    return Ok(Permit { pacer: self.clone(), route: route.clone(), sent: Some(sent) });
                }
                Next::At(at, reason) if at > deadline => {
                    return Err(Hold { after: at - now, reason: reason.into() });
                }
                Next::At(at, _) => tokio::time::sleep(at - now).await,
                Next::Changed(changed) => {
                    let left = deadline.saturating_duration_since(now);
                    if tokio::time::timeout(left, changed).await.is_err() {
                        return Err(Hold {
                            after: Duration::from_secs(1),
                            reason: "earlier requests have not been answered yet".into(),
                        });
                    }
                }
            }
        }
    }

    fn line(&self, route: &Route) -> Arc<Line> {
        let mut lines = lock(&self.lines);
        if lines.len() >= 1024 {
            lines.retain(|_, line| Arc::strong_count(line) > 1);
        }
        lines.entry((route.method.clone(), route.template, route.major)).or_default().clone()
    }

    #[cfg(test)]
    fn buckets(&self) -> usize {
        lock(&self.state).buckets()
    }
}

/// One request on its way. Dropping it unanswered frees its place and teaches nothing.
pub struct Permit {
    pacer: Pacer,
    route: Route,
    sent: Option<Sent>,
}

impl Permit {
    /// Learns from Discord's answer.
    pub fn answered(mut self, answer: &Answer) {
        if let Some(sent) = self.sent.take() {
            let now = self.pacer.clock.monotonic();
            lock(&self.pacer.state).answered(&self.route, &sent, answer, now);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(sent) = self.sent.take() {
            lock(&self.pacer.state).lost(&self.route, &sent);
        }
    }
}

/// Counts someone for as long as they wait, however the wait ends.
struct Counted<'a>(&'a AtomicU32);

impl<'a> Counted<'a> {
    fn new(counter: &'a AtomicU32) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
