//! Who does what, where several replicas run on one database: each forum, each channel and each gateway
//! shard is one replica's at a time, by a lease.
//!
//! All that is done to a forum or a channel is done by its holder. So a forum sees one polite visitor with
//! one session, a channel's limits are known to the one process that spends them, and of what Discord
//! allows the bot as a whole every replica takes its equal share. Replicas find out about each other by a
//! lease that each holds on itself; forums and channels move until all have about the same number.
//!
//! A term ends when it was not prolonged in time, by the database's clock for others and somewhat earlier
//! by our own: see [`crate::fence`]. Where the database is one process's alone, every lease is its own for
//! good, and nothing is written but once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::discord::pacer::Share;
use crate::fence::{Fence, Moment, Proof};
use crate::health::Role;
use crate::model::{ChannelId, ForumKey};
use crate::store::{Lease, Millis, Ring, StoreError};

use super::Heart;

/// A term lasts this long unless it is prolonged. Whoever stops is replaced after this, and a look.
const LASTS: Duration = Duration::from_secs(12);
/// What is left of a term when its holder stops acting by it: a request that left before is there by then.
const MARGIN: Duration = Duration::from_secs(3);
const RENEW: Duration = Duration::from_secs(3);
/// How often others' leases are looked at, give or take a fifth.
const LOOK: Duration = Duration::from_secs(1);
/// The same where there are no others.
const LOOK_ALONE: Duration = Duration::from_secs(5);
/// How soon after the end of another's term it is looked whether it ended, at most.
const AFTER: Duration = Duration::from_millis(100);
/// A lease that nobody takes for so long is taken by whoever sees it, fair or not.
const LEFT_OVER: Duration = Duration::from_secs(3);
/// A term, and a worker's claim, where nobody else can have it.
const ALONE: Duration = Duration::from_secs(60);
const FOR_GOOD: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The lease of all that is asked of a forum and done to it.
pub fn of_forum(forum: &ForumKey) -> String {
    format!("forum:{forum}")
}

/// The lease of all that is sent to a channel.
pub fn of_channel(channel: ChannelId) -> String {
    format!("channel:{channel}")
}

/// The lease of a gateway shard. Whoever has the first also tells people what became of their messages.
pub fn of_shard(shard: u32) -> String {
    if shard == 0 { "gateway".to_owned() } else { format!("gateway:{shard}") }
}

/// The lease of a replica on itself, from its start on: what Discord allows is divided by their number.
const REPLICA: &str = "replica:";
/// The same once it may send: forums and channels are divided by the number of these.
const READY: &str = "ready:";

/// What is spread evenly over the replicas, each kind for itself. Sessions of shards are dear to begin: none moves
/// but to a replica that has fewer than its part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Work,
    Shard,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Work, Self::Shard];

    fn of(name: &str) -> Option<Self> {
        match name.split(':').next() {
            Some("forum" | "channel") => Some(Self::Work),
            Some("gateway") => Some(Self::Shard),
            _ => None,
        }
    }

    fn count<'a>(self, names: impl IntoIterator<Item = &'a String>) -> usize {
        names.into_iter().filter(|name| Self::of(name) == Some(self)).count()
    }
}

/// The leases of this replica.
pub struct Leases {
    holder: String,
    /// Held for a whole run by whoever has the database to itself.
    shared: bool,
    wanted: Mutex<BTreeSet<String>>,
    terms: watch::Sender<BTreeMap<String, Term>>,
    /// Something else is wanted.
    changed: Notify,
    /// This replica has its share of what Discord allows.
    may_send: watch::Sender<bool>,
}

#[derive(Clone)]
struct Term {
    epoch: i64,
    fence: Arc<Fence>,
    over: CancellationToken,
}

/// What one look after another has to remember.
struct Looks {
    renewed: Option<Instant>,
    /// Since when a lease is free.
    free: HashMap<String, Instant>,
    /// Since when this replica is among the others, as they see it.
    joined: Option<Instant>,
    /// When the next of the others' leases ends that is wanted here, unless it is prolonged.
    due: Option<Duration>,
}

impl Leases {
    pub fn new(shared: bool) -> Self {
        Self {
            holder: format!("{:016x}", fastrand::u64(..)),
            shared,
            wanted: Mutex::default(),
            terms: watch::Sender::default(),
            changed: Notify::new(),
            may_send: watch::Sender::new(!shared),
        }
    }

    /// Whether this replica has its share of what Discord allows.
    pub fn may_send(&self) -> watch::Receiver<bool> {
        self.may_send.subscribe()
    }

    /// Looks whether there is something to take, now.
    pub fn look(&self) {
        self.changed.notify_one();
    }

    /// Names this replica, this run, in the database.
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// How long a worker's claim on a job lasts unless it is renewed.
    pub fn claim_lasts(&self) -> Duration {
        if self.shared { LASTS } else { ALONE }
    }

    /// How long it may be acted on.
    pub fn claim_holds(&self) -> Duration {
        self.claim_lasts() - MARGIN
    }

    /// Does the work of a lease whenever this replica holds it, until told to stop. The work is to end when
    /// its token is cancelled.
    pub async fn while_held<F: Future>(
        &self,
        name: &str,
        stop: &CancellationToken,
        work: impl Fn(CancellationToken) -> F,
    ) {
        self.want(name);
        let mut terms = self.terms.subscribe();
        while !stop.is_cancelled() {
            let term = tokio::select! {
                term = term(&mut terms, name) => term,
                () = stop.cancelled() => return,
            };
            term.fence.clone().within(work(term.over.clone())).await;
        }
    }

    fn want(&self, name: &str) {
        if self.wanted.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned()) {
            self.changed.notify_one();
        }
    }

    /// The channels that are wanted are those of the bridges.
    pub fn want_channels(&self, channels: impl Iterator<Item = ChannelId>) {
        let channels: BTreeSet<String> = channels.map(of_channel).collect();
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.retain(|name| !name.starts_with("channel:") || channels.contains(name));
        wanted.extend(channels);
        drop(wanted);
        self.changed.notify_one();
    }

    fn wanted(&self) -> BTreeSet<String> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lasts(&self) -> Duration {
        if self.shared { LASTS } else { FOR_GOOD }
    }

    fn begin(&self, heart: &Heart, name: String, epoch: i64, since: Moment, stop: &CancellationToken) {
        let proof = Proof::Lease { name: name.clone(), holder: self.holder.clone(), epoch };
        let fence = Fence::new(proof, heart.clock.clone(), since, self.lasts() - MARGIN);
        let term = Term { epoch, fence, over: stop.child_token() };
        if self.shared && part(&name).is_some() {
            tracing::info!(lease = %name, "this replica holds it now");
        }
        self.terms.send_modify(|terms| drop(terms.insert(name, term)));
        // Its jobs can be claimed now.
        heart.wake.notify_waiters();
    }

    /// Ends the terms that are not to be kept.
    fn end(&self, keep: impl Fn(&str, &Term) -> bool) {
        let mut ended = Vec::new();
        self.terms.send_if_modified(|terms| {
            terms.retain(|name, term| {
                let stays = keep(name, term);
                if !stays {
                    ended.push((name.clone(), term.over.clone()));
                }
                stays
            });
            !ended.is_empty()
        });
        for (name, over) in ended {
            if part(&name).is_some() {
                tracing::info!(lease = %name, "this replica holds it no longer");
            }
            over.cancel();
        }
    }
}

/// Waits until a lease is held.
async fn term(terms: &mut watch::Receiver<BTreeMap<String, Term>>, name: &str) -> Term {
    loop {
        if let Some(term) = terms.borrow_and_update().get(name) {
            return term.clone();
        }
        if terms.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Takes, prolongs, hands over and gives up leases until told to stop.
pub async fn keep(heart: Arc<Heart>, stop: CancellationToken) {
    let leases = &heart.leases;
    if leases.shared {
        // Until it is known how many others there are, nothing may be sent.
        heart.discord.share(Share::Nothing);
        leases.want(&format!("{REPLICA}{}", leases.holder));
    }
    let mut looks = Looks { renewed: None, free: HashMap::new(), joined: None, due: None };
    while !stop.is_cancelled() {
        let looked = tokio::time::timeout(RENEW, look(&heart, &mut looks, &stop)).await;
        match looked {
            Ok(Ok(())) => heart.health.database(Ok(())),
            Ok(Err(error)) => {
                heart.health.database(Err(error.to_string()));
                tracing::warn!("the leases can't be kept: {error}");
            }
            Err(_) => tracing::warn!("the leases can't be kept: the database is slow"),
        }
        // Whatever the database says or does not say.
        leases.end(|_, term| term.fence.holds());
        let pause = if leases.shared { LOOK.mul_f64(0.8 + 0.4 * fastrand::f64()) } else { LOOK_ALONE };
        let pause = looks.due.take().map_or(pause, |due| due.min(pause));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = leases.changed.notified() => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Lets others have what this replica held. Called when nothing works by it any more.
pub async fn leave(heart: &Heart) {
    let held: Vec<String> = heart.leases.terms.borrow().keys().cloned().collect();
    for name in held.iter().filter(|_| heart.leases.shared) {
        if heart.store.release_lease(name, &heart.leases.holder).await.is_err() {
            return;
        }
    }
    heart.leases.end(|_, _| false);
    given_up(heart).await;
}

/// Others need not wait until they look.
async fn given_up(heart: &Heart) {
    if let Err(error) = heart.store.ring(Ring::Leases).await {
        tracing::debug!("the other replicas are not told of a lease: {error}");
    }
}

async fn look(heart: &Heart, looks: &mut Looks, stop: &CancellationToken) -> Result<(), StoreError> {
    let leases = &heart.leases;
    let now = heart.clock.monotonic();
    let over = |at: Option<Instant>, wait: Duration| at.is_none_or(|at| now.duration_since(at) >= wait);
    let lasts = Millis::try_from(leases.lasts().as_millis()).unwrap_or(Millis::MAX / 4);
    if leases.shared && over(looks.renewed, RENEW) {
        let since = Moment::now(&*heart.clock);
        let held: HashMap<String, i64> =
            heart.store.renew_leases(&leases.holder, lasts).await?.into_iter().collect();
        looks.renewed = Some(now);
        leases.end(|name, term| held.get(name) == Some(&term.epoch));
        for term in leases.terms.borrow().values() {
            term.fence.renew(since, leases.lasts() - MARGIN);
        }
    }
    let own = format!("{REPLICA}{}", leases.holder);
    let present = leases.terms.borrow().get(&own).map(|term| term.fence.clone());
    let all: HashMap<String, Lease> = if leases.shared {
        let all = heart.store.leases().await?.into_iter();
        all.filter(Lease::is_live).map(|lease| (lease.name.clone(), lease)).collect()
    } else {
        HashMap::new()
    };
    let mut wanted = leases.wanted();
    let mine: BTreeSet<String> = leases.terms.borrow().keys().cloned().collect();
    let others = |kind: &str| {
        all.values().filter(|lease| lease.name.starts_with(kind) && lease.holder != leases.holder).count()
    };
    if leases.shared && !share(heart, looks, present, 1 + others(REPLICA), now) {
        // Who may not send keeps nothing from those who may; but it says that it is there.
        wanted.retain(|name| *name == own);
    }
    let fair = |kind: Kind| kind.count(&wanted).div_ceil(1 + others(READY));
    let mut held = mine.clone();
    let full =
        |kind: Option<Kind>, held: &BTreeSet<String>| kind.is_some_and(|kind| kind.count(held) >= fair(kind));
    looks.free.retain(|name, _| wanted.contains(name) && !all.contains_key(name));
    for name in wanted.iter().filter(|name| !mine.contains(*name)) {
        if let Some(lease) = all.get(name) {
            if lease.holder == leases.holder {
                // Taken in a look that did not come to its end: it begins anew.
                heart.store.release_lease(name, &leases.holder).await?;
            } else {
                tell(heart, name, Role::Elsewhere);
                let left = Duration::from_millis(lease.left.unsigned_abs()) + AFTER.mul_f64(fastrand::f64());
                looks.due = Some(looks.due.map_or(left, |due| due.min(left)));
            }
            continue;
        }
        let since = *looks.free.entry(name.clone()).or_insert(now);
        if now.duration_since(since) > LEFT_OVER {
            tell(heart, name, Role::Nobody);
        } else if full(Kind::of(name), &held) {
            continue;
        }
        let since = Moment::now(&*heart.clock);
        if let Some(epoch) = heart.store.take_lease(name, &leases.holder, lasts).await? {
            held.insert(name.clone());
            tell(heart, name, Role::Here);
            leases.begin(heart, name.clone(), epoch, since, stop);
        }
    }
    // A forum stays where it is as long as a channel can go, and so does the first shard.
    let surplus = Kind::ALL.map(|kind| {
        let mut own = mine.iter().filter(|name| Kind::of(name) == Some(kind));
        let last = if kind == Kind::Work { own.next() } else { own.next_back() };
        last.filter(|_| kind.count(&held) > fair(kind))
    });
    let dropped: Vec<&String> =
        mine.iter().filter(|name| surplus.contains(&Some(*name)) || !wanted.contains(*name)).collect();
    if dropped.is_empty() {
        return Ok(());
    }
    for name in dropped {
        leases.end(|held, _| held != name);
        heart.store.release_lease(name, &leases.holder).await?;
    }
    given_up(heart).await;
    Ok(())
}

/// What this replica may take of all that Discord allows the bot. Who joins others lets a term pass first:
/// by then each of them has seen it, or has stopped sending. `present` is its own lease on itself, where it
/// was held before the others were looked at. False while there is no share.
fn share(
    heart: &Heart,
    looks: &mut Looks,
    present: Option<Arc<Fence>>,
    replicas: usize,
    now: Instant,
) -> bool {
    let Some(present) = present else {
        looks.joined = None;
        heart.leases.may_send.send_if_modified(|before| std::mem::replace(before, false));
        heart.discord.share(Share::Nothing);
        // It is going to be held in a moment: then the next look can tell.
        heart.leases.changed.notify_one();
        return false;
    };
    let joined = *looks.joined.get_or_insert(now);
    // Whoever comes after us waits for us to see it.
    let sends = &heart.leases.may_send;
    let may_send = *sends.borrow() || replicas == 1 || now.duration_since(joined) >= LASTS;
    if may_send {
        heart.discord.share(Share::Part { among: replicas, while_held: present });
        heart.leases.want(&format!("{READY}{}", heart.leases.holder));
        sends.send_if_modified(|before| !std::mem::replace(before, true));
    }
    may_send
}

/// What the health server calls it; the leases of replicas on themselves are nobody's business.
fn part(lease: &str) -> Option<String> {
    match lease.split_once(':') {
        Some(("forum", key)) => Some(format!("forum {key}")),
        Some((kind, _)) if REPLICA.starts_with(kind) || READY.starts_with(kind) => None,
        _ => Some(lease.to_owned()),
    }
}

fn tell(heart: &Heart, lease: &str, role: Role) {
    if let Some(part) = part(lease) {
        heart.health.role(&part, role);
    }
}
