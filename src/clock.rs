//! Time as a parameter. Whatever decides by the clock takes a [`Clock`], so that a test can move it;
//! nothing else in the program reads the wall clock.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Where the core gets its time from.
pub trait Clock: Send + Sync {
    /// The wall clock: for what people see and for comparing with what a forum says. May jump.
    fn now(&self) -> Timestamp;

    /// Time that only goes forward: for every wait, lease and deadline within one process.
    fn monotonic(&self) -> Instant;
}

/// The machine's own clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct ManualClock {
    start: Instant,
    state: Mutex<(Timestamp, Duration)>,
}

impl ManualClock {
    pub fn new(now: Timestamp) -> Self {
        Self { start: Instant::now(), state: Mutex::new((now, Duration::ZERO)) }
    }

    /// Lets time pass on both clocks.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.0 += by;
        state.1 += by;
    }

    /// Moves the wall clock alone, as an administrator or a bad time server would.
    pub fn jump(&self, to: Timestamp) {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).0 = to;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).0
    }

    fn monotonic(&self) -> Instant {
        self.start + self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).1
    }
}
