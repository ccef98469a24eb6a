//! Discord's rate limits: buckets that the headers tell of, some that they do not, and the global one.
//! Sources: docs.discord.com, Topics / Rate Limits, for the headers and the global limit; the
//! figures of the routes are what people have observed, and Discord may change them at any time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How strict the sandbox is.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Off: no limit is kept, and no header sent.
    pub on: bool,
    /// Multiplies every window: 0.1 makes a 5 s window half a second.
    pub scale: f64,
    /// Requests a second for the whole bot.
    pub global: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { on: true, scale: 1.0, global: 50 }
    }
}

impl Limits {
    pub fn off() -> Self {
        Self { on: false, ..Self::default() }
    }

    /// Real proportions with shorter windows, for tests that need to go on.
    pub fn scaled(scale: f64) -> Self {
        Self { scale, ..Self::default() }
    }
}

/// So many requests in such a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    pub limit: u32,
    pub window: f64,
}

pub const fn rate(limit: u32, window: f64) -> Rate {
    Rate { limit, window }
}

/// Renaming a channel or thread; the headers do not tell.
const RENAME: Rate = rate(2, 600.0);
/// All webhook messages to one channel; the headers do not tell.
const WEBHOOK_CHANNEL: Rate = rate(30, 60.0);

#[derive(Debug)]
struct Bucket {
    used: u32,
    ends: Instant,
}

/// What a request is measured by.
pub struct Ask<'a> {
    /// Names the bucket: the method and the route.
    pub bucket: &'a str,
    pub major: &'a str,
    pub rate: Rate,
    /// Interaction end points are outside the global limit.
    pub global: bool,
    pub renames: bool,
    /// For a webhook: the channel that it writes to.
    pub webhook_channel: Option<u64>,
}

/// The answer to [`Ask`].
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub refused: Option<Wait>,
    /// Sent with every answer of a route that has a bucket.
    pub headers: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// Seconds.
    pub retry_after: f64,
    pub scope: &'static str,
}

#[derive(Debug, Default)]
pub struct Buckets {
    limits: Limits,
    buckets: HashMap<String, Bucket>,
}

impl Buckets {
    pub fn new(limits: Limits) -> Self {
        Self { limits, buckets: HashMap::new() }
    }

    fn spend(&mut self, key: String, rate: Rate, now: Instant) -> Result<(u32, Duration), Duration> {
        let window = Duration::try_from_secs_f64(rate.window * self.limits.scale).unwrap_or_default();
        let bucket = self.buckets.entry(key).or_insert(Bucket { used: 0, ends: now + window });
        if bucket.ends <= now {
            *bucket = Bucket { used: 0, ends: now + window };
        }
        let left = bucket.ends.saturating_duration_since(now);
        if bucket.used >= rate.limit {
            return Err(left);
        }
        bucket.used += 1;
        Ok((rate.limit - bucket.used, left))
    }

    /// Counts a request, or says how long it must wait.
    pub fn ask(&mut self, ask: &Ask<'_>, now: Instant, epoch: f64) -> Verdict {
        if !self.limits.on {
            return Verdict { refused: None, headers: Vec::new() };
        }
        if ask.global {
            // The global limit is not scaled: it protects Discord, not a route.
            let rate = rate(self.limits.global, 1.0 / self.limits.scale.max(f64::MIN_POSITIVE));
            if let Err(left) = self.spend("global".to_owned(), rate, now) {
                let refused = Some(Wait { retry_after: left.as_secs_f64(), scope: "global" });
                return Verdict { refused, headers: vec![("x-ratelimit-global", "true".to_owned())] };
            }
        }
        let visible = self.spend(format!("{}:{}", ask.bucket, ask.major), ask.rate, now);
        let (remaining, reset) = match visible {
            Ok((remaining, reset)) => (remaining, reset),
            Err(left) => (0, left),
        };
        let headers = vec![
            ("x-ratelimit-limit", ask.rate.limit.to_string()),
            ("x-ratelimit-remaining", remaining.to_string()),
            ("x-ratelimit-reset", format!("{:.3}", epoch + reset.as_secs_f64())),
            ("x-ratelimit-reset-after", format!("{:.3}", reset.as_secs_f64())),
            ("x-ratelimit-bucket", name(ask.bucket)),
        ];
        let mut refused = visible.err().map(|left| Wait { retry_after: left.as_secs_f64(), scope: "user" });
        if refused.is_none() && ask.renames {
            let hidden = self.spend(format!("rename:{}", ask.major), RENAME, now);
            refused = hidden.err().map(|left| Wait { retry_after: left.as_secs_f64(), scope: "user" });
        }
        if let (None, Some(channel)) = (&refused, ask.webhook_channel) {
            let hidden = self.spend(format!("webhooks:{channel}"), WEBHOOK_CHANNEL, now);
            refused = hidden.err().map(|left| Wait { retry_after: left.as_secs_f64(), scope: "shared" });
        }
        Verdict { refused, headers }
    }
}

/// An opaque name, as Discord's are: the same for the same bucket, telling nothing.
fn name(bucket: &str) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bucket.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(bucket: &str) -> Ask<'_> {
        Ask { bucket, major: "7", rate: rate(5, 2.0), global: true, renames: false, webhook_channel: None }
    }

    #[test]
    fn the_sixth_request_waits_for_the_window() {
        let mut buckets = Buckets::default();
        let start = Instant::now();
        for left in (0..5).rev() {
            let verdict = buckets.ask(&ask("a"), start, 0.0);
            assert_eq!(verdict.refused, None);
            assert!(verdict.headers.contains(&("x-ratelimit-remaining", left.to_string())));
        }
        let late = start + Duration::from_millis(500);
        let refused = buckets.ask(&ask("a"), late, 0.0).refused;
        assert_eq!(refused, Some(Wait { retry_after: 1.5, scope: "user" }));
        assert_eq!(buckets.ask(&ask("b"), late, 0.0).refused, None, "another bucket is free");
        assert_eq!(buckets.ask(&ask("a"), start + Duration::from_secs(2), 0.0).refused, None);
    }

    #[test]
    fn the_hidden_limits_show_no_header() {
        let mut buckets = Buckets::default();
        let start = Instant::now();
        let rename = Ask { renames: true, ..ask("a") };
        for _ in 0..2 {
            assert_eq!(buckets.ask(&rename, start, 0.0).refused, None);
        }
        let verdict = buckets.ask(&rename, start + Duration::from_secs(20), 0.0);
        assert_eq!(verdict.refused, Some(Wait { retry_after: 580.0, scope: "user" }));
        assert!(verdict.headers.contains(&("x-ratelimit-remaining", "4".to_owned())));
    }

    #[test]
    fn a_webhook_channel_takes_thirty_a_minute() {
        let mut buckets = Buckets::default();
        let start = Instant::now();
        let refused = (0..31u32)
            .filter(|n| {
                let at = start + Duration::from_secs(u64::from(*n));
                let ask = Ask { webhook_channel: Some(1), ..ask("w") };
                buckets.ask(&ask, at, 0.0).refused.is_some()
            })
            .collect::<Vec<_>>();
        assert_eq!(refused, [30]);
    }

    #[test]
    fn fifty_a_second_for_the_whole_bot() {
        let mut buckets = Buckets::default();
        let start = Instant::now();
        for n in 0..50 {
            assert_eq!(buckets.ask(&ask(&n.to_string()), start, 0.0).refused, None);
        }
        let verdict = buckets.ask(&ask("x"), start, 0.0);
        assert_eq!(verdict.refused.map(|it| it.scope), Some("global"));
        assert!(buckets.ask(&Ask { global: false, ..ask("x") }, start, 0.0).refused.is_none());
    }
}
