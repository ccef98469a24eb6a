//! `Crawl-delay` of a forum's robots.txt. Its `Disallow` lines are for crawlers that nobody sent; a bridge
//! reads boards that the forum's own people chose.

use std::time::{Duration, Instant};

const FRESH: Duration = Duration::from_secs(24 * 3600);
/// A delay beyond this is a way of saying no to search engines, not a pace.
const LONGEST: Duration = Duration::from_secs(60);

/// How long to leave between requests, as far as the forum says.
#[derive(Debug, Default, Clone, Copy)]
pub struct Delay {
    pub wait: Duration,
    read: Option<Instant>,
}

impl Delay {
    pub fn is_fresh(&self, now: Instant) -> bool {
        self.read.is_some_and(|read| now.saturating_duration_since(read) < FRESH)
    }

    /// The delay for us by name, else for everyone.
    pub fn read(text: &str, now: Instant) -> Self {
        let (mut own, mut general) = (None, None);
        let mut agents: Vec<String> = Vec::new();
        let mut in_rules = false;
        for line in text.lines().take(5_000) {
            let line = line.split('#').next().unwrap_or_default();
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "user-agent" => {
                    if std::mem::take(&mut in_rules) {
                        agents.clear();
                    }
                    agents.push(value.to_ascii_lowercase());
                }
                "crawl-delay" => {
                    in_rules = true;
                    let seconds: Option<f64> =
                        value.parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0);
                    let wait =
                        seconds.map(|seconds| Duration::from_secs_f64(seconds.min(3_600.0)).min(LONGEST));
                    if agents.iter().any(|agent| agent == "threadbridge") {
                        own = own.or(wait);
                    } else if agents.iter().any(|agent| agent == "*") {
                        general = general.or(wait);
                    }
                }
                _ => in_rules = true,
            }
        }
        Self { wait: own.or(general).unwrap_or_default(), read: Some(now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_is_ours_or_everyones() {
        let seconds = |text| Delay::read(text, Instant::now()).wait.as_secs();
        assert_eq!(seconds(""), 0);
        assert_eq!(seconds("User-agent: *\nCrawl-delay: 5\n"), 5);
        assert_eq!(seconds("User-agent: bingbot\nCrawl-delay: 30\n\nUser-agent: *\nDisallow: /x"), 0);
        assert_eq!(seconds("user-agent: *\ncrawl-delay: 9\nuser-agent: threadbridge\ncrawl-delay: 2"), 2);
        assert_eq!(seconds("User-agent: *\nCrawl-delay: 99999"), 60);
        assert_eq!(seconds("User-agent: *\nCrawl-delay: never"), 0);
    }
}
