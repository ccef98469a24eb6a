//! Claims jobs, does many at once, and settles them. Knows about leases, retries and stopping; what a job
//! means is said elsewhere.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::discord::DiscordError;
use crate::discord::rest::Rest;
use crate::fence::{Fence, Moment, Proof};
use crate::forum::Failure;
use crate::markup::Doc;
use crate::model::{ForumKey, MemberId};
use crate::store::{BridgeId, Claim, Effect, Finish, Millis, Origin, Priority, StoreError};

use super::job::Job;
use super::points::Point;
use super::tie::Tie;
use super::{Heart, dress, inbox, mirror, opening, submit, thanks};

/// How many jobs are done side by side. The limits of Discord and of forums, not this, bound the
/// throughput, and the store lets only a few jobs of one road through: this has to be enough that many
/// roads which wait leave room for others.
const AT_ONCE: usize = 96;
/// The outbox is looked at at least this often, whether or not somebody woke it.
const LOOK: Duration = Duration::from_secs(1);
/// The longest time between two tries of a job.
const LONGEST_RETRY: Duration = Duration::from_secs(300);
/// What may have been done may still be under way on the other side: it is looked for no sooner.
const UNSURE: Duration = Duration::from_secs(1);

/// Why a job is not done.
#[derive(Debug)]
pub enum Halt {
    /// Try again after this time.
    Later(Duration, String),
    /// It may have been done: the next try looks first.
    Uncertain(String),
    /// Its bridge is paused.
    Paused(BridgeId),
    /// It can't be done as it is; people may look at it and try again.
    Park(String),
    /// The lease or the database failed; nothing may be written.
    Store(StoreError),
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Later { after, reason } => Self::Later(after, reason),
            Failure::Uncertain { reason } => Self::Uncertain(reason),
            Failure::SignIn(reason) => Self::Later(LONGEST_RETRY, reason),
            // The page is something else for now; what it was asked for was not done.
            Failure::Unreadable(reason) => Self::Later(Duration::ZERO, reason),
            Failure::Refused(refusal) => Self::Park(refusal.message),
            Failure::Gone(reason) | Failure::Untold(reason) => Self::Park(reason),
            Failure::Unsupported(_) => Self::Park(failure.to_string()),
        }
    }
}

impl From<DiscordError> for Halt {
    fn from(error: DiscordError) -> Self {
        match error {
            DiscordError::Later { after, reason } => Self::Later(after, reason),
            DiscordError::Uncertain { reason } => Self::Uncertain(reason),
            DiscordError::Token | DiscordError::Forbidden(_) => Self::Later(LONGEST_RETRY, error.to_string()),
            DiscordError::Archived => Self::Later(Duration::ZERO, error.to_string()),
            DiscordError::Locked => Self::Later(LONGEST_RETRY, error.to_string()),
            DiscordError::Gone(reason) => Self::Park(reason),
            DiscordError::Refused { .. } => Self::Park(error.to_string()),
        }
    }
}

/// A job in a worker's hands.
pub struct Work<'a> {
    pub heart: &'a Heart,
    pub claim: &'a Claim,
}

impl Work<'_> {
    /// Discord, for what this job does there: history gives way to what is live.
    pub fn discord(&self) -> Rest {
        match self.claim.priority {
            Priority::Live => self.heart.discord.clone(),
            Priority::Backfill => self.heart.discord.backfill(),
        }
    }

    /// Whether an earlier try may have done some of it.
    pub fn tried_before(&self) -> bool {
        self.claim.attempts > 0
    }

    /// The bridge that a job is for; `None` when it was removed. One whose channel Discord has not told of
    /// yet is waited for.
    pub async fn tie(&self, bridge: BridgeId) -> Result<Option<Arc<Tie>>, Halt> {
        if let Some(tie) = self.heart.ties.get(bridge) {
            return Ok(Some(tie));
        }
        if self.heart.ties.untied().iter().any(|known| known.id == bridge) {
            let reason = "Discord has not told of the bridge's channel yet".to_owned();
            return Err(Halt::Later(LOOK, reason));
        }
        Ok(None)
    }

    /// Writes down a step that is done, and goes on.
    pub async fn note(&self, effects: Vec<Effect>) -> Result<(), Halt> {
        Point::BeforeNote.reached();
        settle(self.heart, self.claim, effects, Finish::Continue).await?;
        Point::AfterNote.reached();
        Ok(())
    }
}

/// Does jobs until told to stop; what is in flight then is finished first.
pub async fn work(heart: Arc<Heart>, stop: CancellationToken) {
    let lease = Millis::try_from(heart.leases.claim_lasts().as_millis()).unwrap_or(Millis::MAX / 4);
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let jobs = TaskTracker::new();
    while !stop.is_cancelled() {
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place,
            () = stop.cancelled() => break,
        };
        let Ok(place) = place else { break };
        let woken = heart.wake.notified();
        let since = Moment::now(&*heart.clock);
        match heart.store.claim(heart.leases.holder(), lease).await {
            Ok(Some(claim)) => {
                heart.health.database(Ok(()));
                Point::AfterClaim.reached();
                let proof = Proof::Job { id: claim.id, fence: claim.fence };
                let fence = Fence::new(proof, heart.clock.clone(), since, heart.leases.claim_holds());
                let heart = heart.clone();
                jobs.spawn(async move {
                    fence.clone().within(handle(&heart, &claim, &fence)).await;
                    drop(place);
                    heart.wake.notify_waiters();
                });
            }
            Ok(None) => {
                heart.health.database(Ok(()));
                tokio::select! {
                    () = woken => {}
                    () = tokio::time::sleep(LOOK.mul_f64(0.8 + 0.4 * fastrand::f64())) => {}
                    () = stop.cancelled() => {}
                }
            }
            Err(error) => {
                unusable(&heart, &error, "work waits");
                tokio::select! {
                    () = tokio::time::sleep(LOOK * 2) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
    }
    jobs.close();
    jobs.wait().await;
}

async fn handle(heart: &Heart, claim: &Claim, fence: &Fence) {
    // Side by side: a step that is being noted and a claim that is being prolonged may wait for each other.
    let (done, lost) = (CancellationToken::new(), CancellationToken::new());
    let doing = async {
        let outcome = tokio::select! {
            outcome = perform(heart, claim) => outcome,
            () = lost.cancelled() => Err(StoreError::LeaseLost.into()),
        };
        done.cancel();
        outcome
    };
    let (outcome, ()) = tokio::join!(doing, prolong(heart, claim, fence, &done, &lost));
    let settled = match outcome {
        Ok(effects) => {
            let shown: Vec<_> = effects
                .iter()
                .filter_map(|effect| match effect {
                    Effect::Part(part) if part.origin == Origin::Forum => Some((part.channel, part.message)),
                    _ => None,
                })
                .collect();
            Point::BeforeSettle.reached();
            let mut settled = settle(heart, claim, effects, Finish::Done).await;
            Point::AfterSettle.reached();
            for (channel, message) in shown {
                if settled.is_ok() {
                    settled = inbox::placed(heart, channel, Some(message)).await;
                }
            }
            settled
        }
        Err(halt) => give_back(heart, claim, halt).await,
    };
    match settled {
        Ok(()) => {}
        Err(StoreError::LeaseLost) => tracing::warn!(job = %claim.key, "another worker has this job by now"),
        Err(error @ StoreError::Unusable(_)) => unusable(heart, &error, "what was done is looked for later"),
        Err(error) => {
            tracing::error!(job = %claim.key, error = &error as &dyn std::error::Error, "can't write what was done");
            // It would fail again, and be done again each time.
            let reason = format!("the database does not take the outcome: {error}");
            let parked = heart.store.settle(claim, Vec::new(), Finish::Park { reason }).await;
            if let Err(error) = parked {
                unusable(heart, &error, "the job can't be given up");
            }
        }
    }
}

fn unusable(heart: &Heart, error: &StoreError, then: &str) {
    heart.health.database(Err(error.to_string()));
    tracing::error!(error = error as &dyn std::error::Error, "the database can't be used; {then}");
}

/// Writes what was done. While the database can't be written that is tried again, as long as the lease
/// holds: what is known now need not be found out again.
async fn settle(
    heart: &Heart,
    claim: &Claim,
    effects: Vec<Effect>,
    finish: Finish,
) -> Result<(), StoreError> {
    let until = heart.clock.monotonic() + heart.leases.claim_lasts() / 2;
    loop {
        match heart.store.settle(claim, effects.clone(), finish.clone()).await {
            Err(error @ StoreError::Unusable(_)) if heart.clock.monotonic() < until => {
                unusable(heart, &error, "what was done is written as soon as it can");
                tokio::time::sleep(LOOK).await;
            }
            settled => return settled,
        }
    }
}

/// Says that the worker is still at it, often enough that one miss is none, until it is done or another has the
/// job.
async fn prolong(
    heart: &Heart,
    claim: &Claim,
    fence: &Fence,
    done: &CancellationToken,
    lost: &CancellationToken,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(heart.leases.claim_lasts() / 4) => {}
            () = done.cancelled() => return,
        }
        let since = Moment::now(&*heart.clock);
        match heart.store.settle(claim, Vec::new(), Finish::Continue).await {
            Ok(()) => fence.renew(since, heart.leases.claim_holds()),
            Err(StoreError::LeaseLost) => return lost.cancel(),
            // The fence knows how long it may still be tried.
            Err(error) => tracing::warn!(job = %claim.key, "can't prolong the claim: {error}"),
        }
    }
}

async fn give_back(heart: &Heart, claim: &Claim, halt: Halt) -> Result<(), StoreError> {
    let finish = match halt {
        Halt::Store(error) => return Err(error),
        Halt::Park(reason) => {
            tracing::warn!(job = %claim.key, "given up: {reason}");
            Finish::Park { reason }
        }
        Halt::Paused(bridge) => {
            tracing::debug!(job = %claim.key, bridge = bridge.0, "held: the bridge is paused");
            Finish::Hold { bridge, reason: "the bridge is paused".to_owned() }
        }
        Halt::Later(after, reason) => again(heart, claim, after.max(backoff(claim.attempts)), reason).await?,
        Halt::Uncertain(reason) => again(heart, claim, backoff(claim.attempts).max(UNSURE), reason).await?,
    };
    Point::BeforeGiveBack.reached();
    let given = settle(heart, claim, Vec::new(), finish).await;
    Point::AfterGiveBack.reached();
    given
}

async fn again(heart: &Heart, claim: &Claim, after: Duration, reason: String) -> Result<Finish, StoreError> {
    tracing::info!(job = %claim.key, attempts = claim.attempts + 1, ?after, "not yet: {reason}");
    let at = heart.store.now().await? + Millis::try_from(after.as_millis()).unwrap_or(Millis::MAX / 4);
    Ok(Finish::Retry { at, reason })
}

/// Doubles from a quarter of a second, with up to a quarter more by chance so that lanes which failed
/// together do not come back together.
fn backoff(attempts: u32) -> Duration {
    let doubled = Duration::from_millis(250).saturating_mul(2_u32.saturating_pow(attempts.min(16)));
    doubled.min(LONGEST_RETRY).mul_f64(1.0 + fastrand::f64() / 4.0)
}

async fn perform(heart: &Heart, claim: &Claim) -> Result<Vec<Effect>, Halt> {
    let job: Job = match serde_json::from_value(claim.job.clone()) {
        Ok(job) => job,
        Err(error) => return Err(Halt::Park(format!("this version can't read the job: {error}"))),
    };
    // Whatever was changed before it was claimed, in whichever replica, counts.
    heart.know_as_of(claim.bridges).await?;
    if let Some(bridge) = paused(heart, &job).await? {
        return Err(Halt::Paused(bridge));
    }
    let work = Work { heart, claim };
    match job {
        Job::Show { bridge, thread, post, news } => mirror::show(&work, bridge, &thread, &post, news).await,
        Job::Hide { bridge, thread, post } => mirror::hide(&work, bridge, &thread, &post).await,
        Job::Dress { bridge, thread } => dress::dress(&work, bridge, &thread).await,
        Job::Title { bridge, thread } => dress::title(&work, bridge, &thread).await,
        Job::Reply { bridge, thread, spoken } => submit::reply(&work, bridge, &thread, &spoken).await,
        Job::Open { bridge, board, title, spoken, shown } => {
            opening::open(&work, (bridge, &board), &title, &spoken, shown).await
        }
        Job::Amend { bridge, thread, spoken } => submit::amend(&work, bridge, &thread, &spoken).await,
        Job::Retract { bridge, message, .. } => submit::retract(&work, bridge, message).await,
        Job::Thank { forum, post } => thanks::thank(&work, &forum, &post).await,
        Job::Tell { channel, message, news } => submit::tell(&work, channel, message, &news).await,
        Job::Look { forum, thread, post } => {
            if let Some(forum) = heart.forums.get(&forum) {
                forum.told(thread, post);
            }
            Ok(Vec::new())
        }
        Job::LookAgain { forum } => {
            if let Some(forum) = heart.forums.get(&forum) {
                forum.look_again();
            }
            Ok(Vec::new())
        }
        Job::Letter { forum, member, name, title, text } => {
            letter(&work, &forum, &member, &name, &title, text).await
        }
    }
}

/// The paused bridge that a job waits for. What takes something away does not wait: it may have to be out of sight.
async fn paused(heart: &Heart, job: &Job) -> Result<Option<BridgeId>, StoreError> {
    let is_paused = |bridge: &BridgeId| heart.ties.get(*bridge).is_some_and(|tie| tie.bridge.paused);
    Ok(match job {
        Job::Hide { .. } | Job::Retract { .. } => None,
        Job::Thank { forum, post } => {
            // Thanks cross as long as one bridge carries them.
            let mut bridges: Vec<_> =
                heart.store.thankers(forum, post).await?.iter().map(|thanker| thanker.bridge).collect();
            bridges.sort();
            bridges.iter().all(is_paused).then(|| bridges.first().copied()).flatten()
        }
        job => job.bridge().filter(is_paused),
    })
}

/// Writes to a member what concerns their account. After an answer that was lost it is not sent again; after a
/// crash it is, as nobody can tell: told twice is better than not told.
async fn letter(
    work: &Work<'_>,
    forum: &ForumKey,
    member: &MemberId,
    name: &str,
    title: &str,
    text: String,
) -> Result<Vec<Effect>, Halt> {
    let Some(forum) = work.heart.forums.get(forum) else { return Ok(Vec::new()) };
    Point::BeforeLetter.reached();
    let sent = forum.engine.message_member(member, name, title, &Doc::text(text)).await;
    Point::AfterLetter.reached();
    match sent {
        Ok(()) | Err(Failure::Uncertain { .. } | Failure::Unsupported(_)) => Ok(Vec::new()),
        Err(failure) => Err(failure.into()),
    }
}
