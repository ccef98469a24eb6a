//! What is known of Discord's limits, and what follows from it. No waiting: given the time, says
//! whether a request may go now, at which moment, or after which answer.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::vain::{Turn, Vain, What};
use super::{ALLOWANCE, Answer, Priority, Route, Share};

/// Requests are counted over a little more than a second, from when the last of them may have reached Discord.
const GLOBAL_WINDOW: Duration = Duration::from_millis(1020);

/// So much later than the quickest a request may get there, as far as is counted on: they bunch up on their way.
const LATEST: Duration = Duration::from_millis(250);

/// So many answers to one kind of request tell how quick it can be.
const ENOUGH: u32 = 20;

/// Of these, so many are kept for what is live.
const RESERVED: usize = 5;

/// How soon a replica without a share looks again whether it has one.
const SHARE_AGAIN: Duration = Duration::from_millis(250);

/// Discord bans an address after 10,000 invalid requests in ten minutes. With so many in a minute, those
/// under way among them, only what Discord has taken before may go: whatever breaks, in however many
/// channels at once, there is no storm, and what works goes on.
const INVALID: usize = 8;
const INVALID_WINDOW: Duration = Duration::from_secs(60);
/// What Discord has taken is believed to be allowed for this long.
const PROVEN: Duration = Duration::from_secs(3600);

/// Answers about the same window differ by the time they took.
const JITTER: Duration = Duration::from_millis(150);

/// Added to the end of a window, as Discord rounds.
const MARGIN: Duration = Duration::from_millis(5);

/// How long an idle bucket is remembered.
const IDLE: Duration = Duration::from_secs(60);

/// The longest that a bucket rests after being refused again and again.
const LONGEST_REST: Duration = Duration::from_secs(600);

/// A bucket as Discord names it, or the route itself until its name is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BucketKey {
    Named(Arc<str>, u64),
    Route(Method, &'static str, u64),
}

/// A request that was counted.
pub struct Sent {
    pub key: BucketKey,
    pub at: Instant,
    number: u64,
    /// Whether Discord takes this at all is not known.
    probe: bool,
    /// Others wait to hear whether Discord takes anything again.
    alone: bool,
}

/// When a request may go.
pub enum Next {
    /// Now; it has been counted.
    Go(Sent),
    At(Instant, &'static str),
    /// When an answer has come in.
    Changed(OwnedNotified),
}

pub struct State {
    names: HashMap<(Method, &'static str), Arc<str>>,
    buckets: HashMap<BucketKey, Bucket>,
    hidden: HashMap<(&'static str, u64), Window>,
    /// Hidden limits that were met, and over how long they count.
    met: HashMap<&'static str, Duration>,
    sent: VecDeque<Counted>,
    /// How many were ever sent.
    count: u64,
    pub allowance: u32,
    pub share: Share,
    global_until: Option<Instant>,
    invalid: VecDeque<Instant>,
    /// What Discord took, and when last.
    proven: HashMap<What, Instant>,
    vain: Vain,
    /// Requests under way of which it is not known whether Discord takes them.
    probes: usize,
    probed: Arc<Notify>,
    /// The shortest time that an answer ever took, of all and of each kind of request, and of how many.
    quickest: Option<Duration>,
    quickest_of: HashMap<(Method, &'static str), (Duration, u32)>,
    swept: Instant,
}

/// A request that Discord counts towards what it allows the bot.
struct Counted {
    number: u64,
    at: Instant,
    /// When it is at Discord for certain; not known until it is answered.
    arrived: Option<Instant>,
}

impl Counted {
    /// Until when it counts, if it got there as soon as it could, or as far as is known.
    fn soonest(&self) -> Instant {
        self.arrived.unwrap_or(self.at) + GLOBAL_WINDOW
    }

    fn latest(&self) -> Instant {
        self.arrived.unwrap_or(self.at + LATEST) + GLOBAL_WINDOW
    }
}

/// The requests sent under a hidden limit.
struct Window {
    sent: VecDeque<Instant>,
    longest: Duration,
    blocked: Option<Instant>,
}

struct Bucket {
    quota: Quota,
    remaining: u32,
    /// The end of the current window, where an answer told it.
    reset: Option<Instant>,
    blocked: Option<Instant>,
    in_flight: u32,
    /// Refused so many times in a row.
    refusals: u32,
    used: Instant,
    changed: Arc<Notify>,
}

enum Quota {
    /// Nothing known: one request finds out.
    Unknown,
    /// Discord names no limit here.
    None,
    Known(u32),
}

impl State {
    pub fn new(now: Instant) -> Self {
        Self {
            names: HashMap::new(),
            buckets: HashMap::new(),
            hidden: HashMap::new(),
            met: HashMap::new(),
            sent: VecDeque::new(),
            count: 0,
            allowance: ALLOWANCE,
            share: Share::Whole,
            global_until: None,
            invalid: VecDeque::new(),
            proven: HashMap::new(),
            vain: Vain::default(),
            probes: 0,
            probed: Arc::default(),
            quickest: None,
            quickest_of: HashMap::new(),
            swept: now,
        }
    }

    #[cfg(test)]
    pub fn buckets(&self) -> usize {
        self.buckets.len()
    }

    /// Says when this request may go, and counts it if that is now.
    pub fn next(&mut self, route: &Route, priority: Priority, give_way: bool, now: Instant) -> Next {
        self.sweep(now);
        forget(&mut self.invalid, INVALID_WINDOW, now);
        let probe = !self.proven.contains_key(&what(route));
        if probe && self.invalid.len() + self.probes >= INVALID {
            return match self.invalid.front().filter(|_| self.invalid.len() >= INVALID) {
                Some(first) => Next::At(
                    *first + INVALID_WINDOW,
                    "Discord refused many requests lately; what it has not taken before waits",
                ),
                None => Next::Changed(self.probed.clone().notified_owned()),
            };
        }
        let alone = match self.vain.turn(&what(route), !probe, now) {
            Turn::Now => false,
            Turn::Alone => true,
            Turn::At(at) => return Next::At(at, "Discord takes nothing of this kind for now"),
            Turn::Next => return Next::Changed(self.probed.clone().notified_owned()),
        };
        if let Some(until) = self.global_until.filter(|until| *until > now) {
            return Next::At(until, "Discord asked the bot to slow down");
        }
        let key = self.key(route);
        let bucket = self.buckets.entry(key.clone()).or_insert_with(|| Bucket::new(now));
        bucket.used = now;
        if let Some(wait) = bucket.wait(give_way, now) {
            return wait;
        }
        if let Some(hidden) = &route.hidden {
            let window =
                self.hidden.entry((hidden.name, hidden.id)).or_insert_with(|| Window::new(hidden.window));
            if let Some(at) = window.wait(hidden.limit, self.met.get(hidden.name), now) {
                return Next::At(at, "this channel has had as much as Discord allows for now");
            }
        }
        self.sent.retain(|sent| sent.latest() > now);
        let Some(whole) = self.whole() else {
            return Next::At(now + SHARE_AGAIN, "this replica waits for its share of what Discord allows");
        };
        let allowed = match priority {
            Priority::Live => whole,
            Priority::Backfill => whole - RESERVED.min(whole / 2),
        };
        if let Some(surplus) = self.sent.len().checked_sub(allowed) {
            let place = |ends: fn(&Counted) -> Instant| {
                let mut ends: Vec<Instant> = self.sent.iter().map(ends).collect();
                *ends.select_nth_unstable(surplus).1
            };
            // Answers that come in meanwhile may say that it is sooner than it seems now.
            let at = Some(place(Counted::soonest)).filter(|at| *at > now);
            let at = at.unwrap_or_else(|| place(Counted::latest));
            return Next::At(at, "the bot sends as much as Discord allows");
        }

        self.count += 1;
        self.sent.push_back(Counted { number: self.count, at: now, arrived: None });
        if let Some(hidden) = &route.hidden
            && let Some(window) = self.hidden.get_mut(&(hidden.name, hidden.id))
        {
            window.sent.push_back(now);
        }
        if let Some(bucket) = self.buckets.get_mut(&key) {
            bucket.in_flight += 1;
            bucket.remaining = bucket.remaining.saturating_sub(1);
            // A backfill that gave way can look again.
            bucket.changed.notify_waiters();
        }
        self.probes += usize::from(probe);
        if alone {
            self.vain.tries(&what(route), now);
        }
        Next::Go(Sent { key, at: now, number: self.count, probe, alone })
    }

    /// How many requests a second this process may make, if any.
    fn whole(&self) -> Option<usize> {
        let bot = self.allowance as usize;
        match &self.share {
            Share::Whole => Some(bot.max(1)),
            // More replicas than requests: the last in line get none.
            Share::Part { among, while_held } => Some(bot / among).filter(|n| *n > 0 && while_held.holds()),
            Share::Nothing => None,
        }
    }

    /// A request whose answer never came: it may or may not have been counted.
    pub fn lost(&mut self, route: &Route, sent: &Sent) {
        self.probes = self.probes.saturating_sub(usize::from(sent.probe));
        if sent.alone {
            self.vain.tried(&what(route));
        }
        if sent.probe || sent.alone {
            self.probed.notify_waiters();
        }
        if let Some(bucket) = self.buckets.get_mut(&sent.key) {
            bucket.in_flight = bucket.in_flight.saturating_sub(1);
            bucket.changed.notify_waiters();
        }
    }

    pub fn answered(&mut self, route: &Route, sent: &Sent, answer: &Answer, now: Instant) {
        let key = &sent.key;
        if answer.invalid() {
            self.invalid.push_back(now);
            self.proven.remove(&what(route));
        } else if answer.status < 500 && answer.status != 429 {
            self.proven.insert(what(route), now);
        }
        self.vain.answered(route, answer, now);
        self.lost(route, sent);
        let took = now.saturating_duration_since(sent.at);
        let quickest = self.quickest.map_or(took, |quickest| quickest.min(took));
        self.quickest = Some(quickest);
        if let Ok(place) = self.sent.binary_search_by_key(&sent.number, |counted| counted.number) {
            // What such a request always takes is no delay on its way; what it took beyond that may have been.
            let delay = took.saturating_sub(self.usual(route, took, quickest));
            self.sent[place].arrived = Some(sent.at + delay.min(LATEST));
        }
        if let Some(name) = &answer.bucket {
            let kind = (route.method.clone(), route.template);
            if self.names.get(&kind).is_none_or(|known| **known != **name) {
                self.names.insert(kind, Arc::from(name.as_str()));
            }
        }
        let named = self.key(route);
        if named != *key && self.buckets.get(key).is_some_and(|bucket| bucket.in_flight == 0) {
            self.buckets.remove(key);
        }
        let bucket = self.buckets.entry(named).or_insert_with(|| Bucket::new(now));
        let pause = bucket.learn(answer, quickest, now);
        bucket.changed.notify_waiters();
        if let (Some(hidden), Some(until)) = (route.hidden.as_ref().filter(|_| answer.hidden()), pause) {
            let window =
                self.hidden.entry((hidden.name, hidden.id)).or_insert_with(|| Window::new(hidden.window));
            let length = window.met(hidden.limit, until);
            // Only what is hidden is refused; other requests of the bucket may go on.
            let known = self.met.entry(hidden.name).or_insert(length);
            *known = length.max(*known);
        } else {
            bucket.blocked = bucket.blocked.max(pause);
        }
        if answer.status == 429 && answer.global {
            let until = now + answer.retry_after.unwrap_or_default().max(Duration::from_secs(1)) + MARGIN;
            self.global_until = self.global_until.max(Some(until));
        }
    }

    /// The shortest time that an answer to such a request takes, as far as is known with this one.
    fn usual(&mut self, route: &Route, took: Duration, quickest: Duration) -> Duration {
        let kind = (route.method.clone(), route.template);
        let (own, times) = self.quickest_of.entry(kind).or_insert((took, 0));
        *own = took.min(*own);
        *times = times.saturating_add(1);
        if *times < ENOUGH { quickest } else { *own }
    }

    fn key(&self, route: &Route) -> BucketKey {
        match self.names.get(&(route.method.clone(), route.template)) {
            Some(name) => BucketKey::Named(name.clone(), route.major),
            None => BucketKey::Route(route.method.clone(), route.template, route.major),
        }
    }

    fn sweep(&mut self, now: Instant) {
        if now.saturating_duration_since(self.swept) < IDLE {
            return;
        }
        self.swept = now;
        self.proven.retain(|_, last| now.saturating_duration_since(*last) < PROVEN);
        self.vain.sweep(now);
        self.buckets.retain(|_, bucket| !bucket.idle(now));
        self.hidden.retain(|_, window| {
            forget(&mut window.sent, window.longest, now);
            !window.sent.is_empty() || window.blocked.is_some_and(|blocked| blocked > now)
        });
    }
}

impl Window {
    fn new(longest: Duration) -> Self {
        Self { sent: VecDeque::new(), longest, blocked: None }
    }

    /// When the next request may go, if not now. Nothing is held back before the limit was met.
    fn wait(&mut self, limit: usize, met: Option<&Duration>, now: Instant) -> Option<Instant> {
        forget(&mut self.sent, self.longest, now);
        if let Some(blocked) = self.blocked.filter(|blocked| *blocked > now) {
            return Some(blocked);
        }
        // The place that the oldest surplus request leaves.
        let place = self.sent.len().checked_sub(limit).map(|surplus| self.sent[surplus])?;
        met.map(|length| place + *length).filter(|at| *at > now)
    }

    /// Notes that the limit was met and until when, and says how long its window seems to be.
    fn met(&mut self, limit: usize, until: Instant) -> Duration {
        self.blocked = self.blocked.max(Some(until));
        // The refused request is the last; the window began so many before it.
        let began = self.sent.len().checked_sub(limit + 1).map(|first| self.sent[first]);
        began.map_or(self.longest, |began| until.saturating_duration_since(began).min(self.longest))
    }
}

impl Bucket {
    fn new(now: Instant) -> Self {
        Self {
            quota: Quota::Unknown,
            remaining: 0,
            reset: None,
            blocked: None,
            in_flight: 0,
            refusals: 0,
            used: now,
            changed: Arc::new(Notify::new()),
        }
    }

    /// What the next request has to wait for; `None` when it may go.
    fn wait(&mut self, give_way: bool, now: Instant) -> Option<Next> {
        if let Some(until) = self.blocked.filter(|until| *until > now) {
            return Some(Next::At(until, "Discord asked for a pause in this channel"));
        }
        if give_way {
            return Some(self.change());
        }
        match self.quota {
            Quota::None => None,
            Quota::Unknown => (self.in_flight > 0).then(|| self.change()),
            Quota::Known(limit) => {
                if self.reset.is_some_and(|reset| reset <= now) {
                    self.reset = None;
                    self.remaining = limit.saturating_sub(self.in_flight);
                }
                match self.reset {
                    _ if self.remaining > 0 => None,
                    Some(reset) => Some(Next::At(reset, "this channel's limit is used up for now")),
                    None if self.in_flight > 0 => Some(self.change()),
                    // Every answer was lost: one request finds out anew.
                    None => None,
                }
            }
        }
    }

    fn change(&self) -> Next {
        Next::Changed(self.changed.clone().notified_owned())
    }

    /// Takes in what an answer says, and returns until when it asks for a pause.
    ///
    /// Discord tells how long the window lasts when it answers. The next request is on its way for as long
    /// as the quickest answer takes, at least, one way and back taken together: so much earlier it may
    /// leave and still not arrive too early.
    fn learn(&mut self, answer: &Answer, quickest: Duration, now: Instant) -> Option<Instant> {
        match (answer.limit, answer.remaining, answer.reset_after) {
            (Some(limit), Some(remaining), Some(reset_after)) => {
                let reset = now + reset_after.saturating_sub(quickest) + MARGIN;
                // Answers may overtake each other, and within one window the lower figure is right.
                // A window that has moved on counts anew, with those still under way against it.
                let moved = self.reset.is_some_and(|known| reset > known + JITTER);
                let passed = self.reset.is_some_and(|known| reset + JITTER < known);
                let unknown = !matches!(self.quota, Quota::Known(_));
                if moved || unknown {
                    self.remaining = remaining.saturating_sub(self.in_flight);
                    self.reset = Some(reset);
                } else if !passed {
                    self.remaining = remaining.min(self.remaining);
                    self.reset = Some(self.reset.map_or(reset, |known| known.min(reset)));
                }
                self.quota = Quota::Known(limit);
            }
            _ if answer.status == 429 => {}
            _ if matches!(self.quota, Quota::Unknown) => self.quota = Quota::None,
            _ => {}
        }
        if !answer.invalid() {
            self.refusals = 0;
        } else {
            self.refusals = self.refusals.saturating_add(1);
        }
        let rest = match answer.status {
            // Each 429 in a row doubles the least wait: "retry after 0" must not become a storm.
            429 => doubled(Duration::from_millis(250), self.refusals.saturating_sub(2)),
            401 | 403 if self.refusals >= 3 => doubled(Duration::from_secs(10), self.refusals - 3),
            _ => return None,
        };
        let asked = if answer.global { Duration::ZERO } else { answer.retry_after.unwrap_or_default() };
        Some(now + asked.saturating_sub(quickest).max(rest) + MARGIN)
    }

    fn idle(&self, now: Instant) -> bool {
        let last = self.reset.max(self.blocked).map_or(self.used, |end| end.max(self.used));
        self.in_flight == 0 && now.saturating_duration_since(last) >= IDLE
    }
}

/// What Discord takes or refuses: a kind of request to one resource.
pub fn what(route: &Route) -> What {
    (route.method.clone(), route.template, route.major)
}

fn doubled(base: Duration, times: u32) -> Duration {
    base.saturating_mul(1 << times.min(16)).min(LONGEST_REST)
}

fn forget(instants: &mut VecDeque<Instant>, window: Duration, now: Instant) {
    while instants.front().is_some_and(|first| *first + window <= now) {
        instants.pop_front();
    }
}
