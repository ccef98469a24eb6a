//! What an answer says about limits. Headers may be missing or wrong; nothing here fails.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

/// Longer waits than this are not believed.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What Discord's answer says about its limits.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub bucket: Option<String>,
    pub limit: Option<u32>,
    pub remaining: Option<u32>,
    pub reset_after: Option<Duration>,
    /// Of a 429.
    pub retry_after: Option<Duration>,
    pub global: bool,
    /// A limit shared with others: not this bot's fault.
    pub shared: bool,
}

impl Answer {
    pub fn read(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let mut answer = Self {
            status,
            bucket: text("x-ratelimit-bucket").filter(|bucket| !bucket.is_empty()).map(str::to_owned),
            limit: text("x-ratelimit-limit").and_then(|limit| limit.parse().ok()),
            remaining: text("x-ratelimit-remaining").and_then(|remaining| remaining.parse().ok()),
            reset_after: text("x-ratelimit-reset-after").and_then(seconds),
            ..Self::default()
        };
        if status == 429 {
            let body: Value = serde_json::from_slice(body).unwrap_or_default();
            // Not Discord but the wall before it, which stands before everything.
            let walled = !body.is_object() && text("x-ratelimit-scope").is_none();
            let said = body["retry_after"].as_f64().and_then(duration);
            let header = text("retry-after").and_then(seconds);
            // The body is exact, the header whole seconds; with neither, the window's end is a guess.
            answer.retry_after = said.or(header).or(answer.reset_after);
            answer.global = walled
                || body["global"].as_bool().unwrap_or(false)
                || text("x-ratelimit-global").is_some()
                || text("x-ratelimit-scope") == Some("global");
            answer.shared = text("x-ratelimit-scope") == Some("shared");
        }
        answer
    }

    /// Whether it counts towards Discord's limit of 10,000 invalid requests in ten minutes.
    pub fn invalid(&self) -> bool {
        matches!(self.status, 401 | 403) || (self.status == 429 && !self.shared)
    }

    /// Whether a limit was met that the headers say nothing of.
    pub fn hidden(&self) -> bool {
        let left = self.remaining.is_none_or(|remaining| remaining > 0);
        self.status == 429 && !self.global && left
    }
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse().ok().and_then(duration)
}

fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().map(|duration| duration.min(LONGEST))
}
