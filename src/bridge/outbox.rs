//! The workers: claim a job, do it, settle it. Knows about leases, retries and stopping; what a job
//! means is said elsewhere.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::discord::DiscordError;
use crate::forum::Failure;
use crate::markup::Doc;
use crate::model::{ForumKey, MemberId};
use crate::store::{BridgeId, Claim, Effect, Finish, Millis, StoreError};

use super::job::Job;
use super::points::Point;
use super::tie::Tie;
use super::{Heart, mirror, opening, submit, thanks};

/// How many jobs are done side by side. Discord's limits, not this, bound the throughput: it only has to
/// be enough that lanes which wait for an answer leave room for others.
pub const WORKERS: usize = 16;
/// A worker that has not been heard of for this long has lost its job, in milliseconds.
const LEASE: Millis = 60_000;
/// How often a worker says that it is still at it.
const RENEW: Duration = Duration::from_secs(20);
/// A worker looks for jobs at least this often, whether or not somebody woke it.
const LOOK: Duration = Duration::from_secs(1);
/// The longest time between two tries of a job.
const LONGEST_RETRY: Duration = Duration::from_secs(300);

/// Why a job is not done.
#[derive(Debug)]
pub enum Halt {
    /// Try again after this time.
    Later(Duration, String),
    /// It may have been done: the next try looks first.
    Uncertain(String),
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
            Failure::Gone(reason) => Self::Park(reason),
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
        if self.heart.store.bridges().await?.iter().any(|known| known.id == bridge) {
            let reason = "Discord has not told of the bridge's channel yet".to_owned();
            return Err(Halt::Later(LOOK, reason));
        }
        Ok(None)
    }

    /// Writes down a step that is done, and goes on.
    pub async fn note(&self, effects: Vec<Effect>) -> Result<(), Halt> {
        self.heart.store.settle(self.claim, effects, Finish::Continue).await?;
        Point::AfterNote.reached();
        Ok(())
    }
}

/// Does jobs until told to stop; what is in flight then is finished first.
pub async fn work(heart: Arc<Heart>, name: String, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let woken = heart.wake.notified();
        match heart.store.claim(&name, LEASE).await {
            Ok(Some(claim)) => {
                heart.health.database(Ok(()));
                Point::AfterClaim.reached();
                handle(&heart, &claim).await;
            }
            Ok(None) => {
                heart.health.database(Ok(()));
                tokio::select! {
                    () = woken => {}
                    () = tokio::time::sleep(LOOK) => {}
                    () = stop.cancelled() => {}
                }
            }
            Err(error) => {
                heart.health.database(Err(error.to_string()));
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the database can't be used; work waits"
                );
                tokio::select! {
                    () = tokio::time::sleep(LOOK * 2) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
    }
}

async fn handle(heart: &Heart, claim: &Claim) {
    let outcome = {
        let doing = perform(heart, claim);
        tokio::pin!(doing);
        let mut renew = tokio::time::interval_at(tokio::time::Instant::now() + RENEW, RENEW);
        loop {
            tokio::select! {
                outcome = &mut doing => break outcome,
                _ = renew.tick() => {
                    if let Err(error) = heart.store.settle(claim, Vec::new(), Finish::Continue).await {
                        break Err(error.into());
                    }
                }
            }
        }
    };
    let settled = match outcome {
        Ok(effects) => {
            Point::BeforeSettle.reached();
            let settled = heart.store.settle(claim, effects, Finish::Done).await;
            Point::AfterSettle.reached();
            settled
        }
        Err(halt) => give_back(heart, claim, halt).await,
    };
    match settled {
        Ok(()) => {}
        Err(StoreError::LeaseLost) => tracing::warn!(job = %claim.key, "another worker has this job by now"),
        Err(error) => {
            heart.health.database(Err(error.to_string()));
            tracing::error!(job = %claim.key, error = &error as &dyn std::error::Error, "can't write what was done");
        }
    }
    heart.wake.notify_waiters();
}

async fn give_back(heart: &Heart, claim: &Claim, halt: Halt) -> Result<(), StoreError> {
    let (after, reason) = match halt {
        Halt::Store(error) => return Err(error),
        Halt::Park(reason) => {
            tracing::warn!(job = %claim.key, "given up: {reason}");
            return heart.store.settle(claim, Vec::new(), Finish::Park { reason }).await;
        }
        Halt::Later(after, reason) => (after.max(backoff(claim.attempts)), reason),
        Halt::Uncertain(reason) => (backoff(claim.attempts), reason),
    };
    tracing::info!(job = %claim.key, attempts = claim.attempts + 1, ?after, "not yet: {reason}");
    let at = heart.store.now().await? + Millis::try_from(after.as_millis()).unwrap_or(Millis::MAX / 4);
    heart.store.settle(claim, Vec::new(), Finish::Retry { at, reason }).await
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
    let work = Work { heart, claim };
    match job {
        Job::Show { bridge, thread, post, news } => mirror::show(&work, bridge, &thread, &post, news).await,
        Job::Hide { bridge, thread, post } => mirror::hide(&work, bridge, &thread, &post).await,
        Job::Dress { bridge, thread } => mirror::dress(&work, bridge, &thread).await,
        Job::Reply { bridge, thread, spoken } => submit::reply(&work, bridge, &thread, &spoken).await,
        Job::Open { bridge, board, title, spoken, shown } => {
            opening::open(&work, (bridge, &board), &title, &spoken, shown).await
        }
        Job::Amend { bridge, thread, spoken } => submit::amend(&work, bridge, &thread, &spoken).await,
        Job::Retract { bridge, message, .. } => submit::retract(&work, bridge, message).await,
        Job::Thank { forum, post } => thanks::thank(&work, &forum, &post).await,
        Job::Tell { channel, message, news } => submit::tell(&work, channel, message, &news).await,
        Job::Letter { forum, member, name, title, text } => {
            letter(&work, &forum, &member, &name, &title, text).await
        }
    }
}

/// Writes to a member. One that may have arrived is not sent again.
async fn letter(
    work: &Work<'_>,
    forum: &ForumKey,
    member: &MemberId,
    name: &str,
    title: &str,
    text: String,
) -> Result<Vec<Effect>, Halt> {
    let Some(forum) = work.heart.forums.get(forum) else { return Ok(Vec::new()) };
    match forum.engine.message_member(member, name, title, &Doc::text(text)).await {
        Ok(()) | Err(Failure::Uncertain { .. } | Failure::Unsupported(_)) => Ok(Vec::new()),
        Err(failure) => Err(failure.into()),
    }
}
