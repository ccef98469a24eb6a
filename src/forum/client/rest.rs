//! A forum that is down is left alone, by all who visit it: what fails again and again is asked for ever more rarely,
//! by one at a time, until something comes of it.

use std::time::{Duration, Instant};

/// So many in a row may be chance.
const ENOUGH: u32 = 3;
const LONGEST: Duration = Duration::from_secs(15);

pub struct Rest {
    /// How often the forum is usually asked, at most.
    pause: Duration,
    failures: u32,
    until: Option<Instant>,
    reason: String,
}

impl Rest {
    pub fn new(pause: Duration) -> Self {
        Self { pause, failures: 0, until: None, reason: String::new() }
    }

    /// Whether a request may go. One that may after a rest goes alone: the others hear in time what came of it.
    pub fn may_go(&mut self, now: Instant) -> Result<(), (Duration, String)> {
        let Some(until) = self.until else { return Ok(()) };
        if until > now {
            return Err((until - now, self.reason.clone()));
        }
        self.until = Some(now + self.length());
        Ok(())
    }

    pub fn answered(&mut self) {
        self.failures = 0;
        self.until = None;
    }

    pub fn failed(&mut self, reason: &str, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= ENOUGH {
            self.until = Some(now + self.length());
            reason.clone_into(&mut self.reason);
        }
    }

    /// The forum answers, and says that it is closed to all.
    pub fn closed(&mut self, reason: &str, now: Instant) {
        self.until = Some(now + LONGEST.min(self.pause * 15));
        reason.clone_into(&mut self.reason);
    }

    fn length(&self) -> Duration {
        let doubled = 2_u32.saturating_pow(self.failures.saturating_sub(ENOUGH).min(8));
        LONGEST.min(self.pause.saturating_mul(4).saturating_mul(doubled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, SystemClock};

    #[test]
    fn what_fails_again_and_again_is_asked_for_rarely_and_at_once_when_it_works() {
        let (mut rest, start) = (Rest::new(Duration::from_secs(1)), SystemClock.monotonic());
        let mut asked = 0;
        for tenths in 0..600 {
            let now = start + Duration::from_millis(100) * tenths;
            if rest.may_go(now).is_ok() {
                asked += 1;
                rest.failed("it fails", now);
            }
        }
        assert!((3..10).contains(&asked), "{asked} in a minute");
        let later = start + Duration::from_secs(80);
        assert!(rest.may_go(later).is_ok());
        assert_eq!(rest.may_go(later), Err((LONGEST, "it fails".to_owned())), "one at a time");
        rest.answered();
        assert!(rest.may_go(later).is_ok() && rest.may_go(later).is_ok());
        rest.closed("closed", later);
        assert!(rest.may_go(later + Duration::from_secs(14)).is_err());
    }
}
