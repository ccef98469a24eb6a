//! The right to act, carried by a task. A process can be stopped at any point and wake when another has
//! long taken its place: what it holds in memory does not tell it. So whoever acts by a lease or by a
//! claimed job does so within a [`Fence`]: the database checks its [`Proof`] in the transaction that
//! writes, and what is sent to the outside is held back once its time is up by this process's own clocks.
//!
//! The fence travels with the task and not through every signature, as a deadline does: the rooms that
//! send and write ask here, and nothing in between can forget to pass it on. Ground level.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::clock::Clock;

/// What the database checks: the right is lost when the number no longer fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A lease by its name, who holds it, and the number of the term.
    Lease { name: String, holder: String, epoch: i64 },
    /// A job of the outbox, and the number of this claim.
    Job { id: i64, fence: i64 },
}

/// A moment on both clocks. The monotonic one may stand still while the machine sleeps, the other may be
/// set back: time is up when either says so.
#[derive(Debug, Clone, Copy)]
pub struct Moment(Instant, Timestamp);

impl Moment {
    pub fn now(clock: &dyn Clock) -> Self {
        Self(clock.monotonic(), clock.now())
    }

    fn elapsed(self, clock: &dyn Clock) -> Duration {
        let wall = Duration::try_from(clock.now().duration_since(self.1)).unwrap_or_default();
        wall.max(clock.monotonic().saturating_duration_since(self.0))
    }
}

/// A right with an end.
pub struct Fence {
    proof: Proof,
    clock: Arc<dyn Clock>,
    until: Mutex<(Moment, Duration)>,
}

tokio::task_local! {
    static HELD: Arc<Fence>;
}

impl Fence {
    /// `since` is the moment before the right was asked for, `lasts` how long it may be used from then on.
    pub fn new(proof: Proof, clock: Arc<dyn Clock>, since: Moment, lasts: Duration) -> Arc<Self> {
        Arc::new(Self { proof, clock, until: Mutex::new((since, lasts)) })
    }

    pub fn renew(&self, since: Moment, lasts: Duration) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = (since, lasts);
    }

    pub fn holds(&self) -> bool {
        let (since, lasts) = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        since.elapsed(&*self.clock) < lasts
    }

    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Does something by this right.
    pub async fn within<F: Future>(self: Arc<Self>, work: F) -> F::Output {
        HELD.scope(self, work).await
    }
}

/// The right that the running task acts by, for the tasks that it starts: they do not have it by themselves.
pub fn held() -> Option<Arc<Fence>> {
    HELD.try_with(Arc::clone).ok()
}

/// Does something by a right that was carried along, if there was one.
pub async fn carry<F: Future>(fence: Option<Arc<Fence>>, work: F) -> F::Output {
    match fence {
        Some(fence) => fence.within(work).await,
        None => work.await,
    }
}

/// What the running task acts by, if it acts by anything.
pub fn proof() -> Option<Proof> {
    HELD.try_with(|fence| fence.proof.clone()).ok()
}

/// Whether the running task's time is up: ask right before something leaves that can't be taken back.
pub fn is_up() -> bool {
    HELD.try_with(|fence| !fence.holds()).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[tokio::test]
    async fn a_right_ends_by_either_clock_unless_it_is_renewed() {
        let clock = Arc::new(ManualClock::new("2026-05-01T12:00:00Z".parse().unwrap()));
        let proof = Proof::Job { id: 1, fence: 1 };
        let lasts = Duration::from_secs(9);
        let fence = Fence::new(proof.clone(), clock.clone(), Moment::now(&*clock), lasts);
        assert!(!is_up(), "who holds no right has none to lose");
        fence
            .clone()
            .within(async {
                assert_eq!(super::proof(), Some(proof));
                clock.advance(Duration::from_secs(8));
                assert!(!is_up());
                clock.advance(Duration::from_secs(1));
                assert!(is_up());
                fence.renew(Moment::now(&*clock), lasts);
                assert!(!is_up());
                // Asleep for an hour, which the monotonic clock did not notice.
                clock.jump("2026-05-01T13:00:09Z".parse().unwrap());
                assert!(is_up());
                fence.renew(Moment::now(&*clock), lasts);
                clock.jump("2026-05-01T12:00:00Z".parse().unwrap());
                assert!(!is_up(), "set back: the other clock counts");
                clock.advance(lasts);
                assert!(is_up());
            })
            .await;
    }
}
