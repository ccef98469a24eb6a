//! Named ways in which the forum can fail on demand, each for some times or until cleared, each for
//! all paths or for those that begin in a given way.

use std::str::FromStr;
use std::time::Duration;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A bare error page with this status; `Retry-After` in seconds.
    Status(u16, Option<u64>),
    /// The board is closed for maintenance: a vBulletin message page.
    Maintenance,
    /// "You are not logged in" in place of the answer.
    LoginForm,
    /// A browser check, as a content network puts before a site (503).
    CloudflarePage,
    /// The connection breaks after this many bytes of the body.
    CutBody(usize),
    /// The connection breaks before anything is done.
    DropBeforeAnswer,
    /// Everything is done as asked, then the connection breaks without an answer.
    DropAfterCommit,
    /// The answer comes in small pieces with this pause between them.
    SlowDrip(Duration),
    /// Bytes that are no page at all, called `text/html`.
    Garbage,
    /// This many `<div>`s, never closed.
    HugeDivs(usize),
    /// Every session ends before the request; remember-me cookies still work.
    ExpireSessions,
    /// Every session ends and the cookies are refused: a full log-in is needed.
    SignOut,
    /// The security token sent with the request counts as expired.
    StaleTokens,
}

/// How long a fault stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    Times(u32),
    UntilCleared,
}

/// A word that names no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no fault; try `status 503 30`, `maintenance`, `login-form`, `cloudflare`, `cut 2000`, \
     `drop-before-answer`, `drop-after-commit`, `slow-drip 200`, `garbage`, `huge-divs 1000000`, \
     `expire-sessions`, `sign-out` or `stale-tokens`"
)]
pub struct UnknownFault(String);

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownFault(text.to_owned());
        let lower = text.trim().to_ascii_lowercase();
        let mut words = lower.split_whitespace();
        let name = words.next().ok_or_else(unknown)?;
        let numbers = words.map(str::parse::<u64>).collect::<Result<Vec<_>, _>>().map_err(|_| unknown())?;
        let size =
            |default: usize| numbers.first().map_or(default, |n| usize::try_from(*n).unwrap_or(default));
        Ok(match name.replace('_', "-").as_str() {
            "status" => {
                let status = numbers.first().and_then(|n| u16::try_from(*n).ok()).ok_or_else(unknown)?;
                if !(200..600).contains(&status) {
                    return Err(unknown());
                }
                Self::Status(status, numbers.get(1).copied())
            }
            "maintenance" => Self::Maintenance,
            "login-form" => Self::LoginForm,
            "cloudflare" | "cloudflare-page" => Self::CloudflarePage,
            "cut" | "cut-body" => Self::CutBody(size(2000)),
            "drop-before-answer" => Self::DropBeforeAnswer,
            "drop-after-commit" => Self::DropAfterCommit,
            "slow-drip" => Self::SlowDrip(Duration::from_millis(numbers.first().copied().unwrap_or(200))),
            "garbage" => Self::Garbage,
            "huge-divs" => Self::HugeDivs(size(1_000_000)),
            "expire-sessions" => Self::ExpireSessions,
            "sign-out" => Self::SignOut,
            "stale-tokens" => Self::StaleTokens,
            _ => return Err(unknown()),
        })
    }
}

#[derive(Debug)]
struct Planned {
    fault: Fault,
    lasts: Lasts,
    path: String,
}

/// The faults that wait for a request.
#[derive(Debug, Default)]
pub(super) struct Plan(Vec<Planned>);

impl Plan {
    pub fn add(&mut self, fault: Fault, lasts: Lasts, path: &str) {
        self.0.push(Planned { fault, lasts, path: path.to_owned() });
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn left(&self) -> usize {
        let times = |planned: &Planned| match planned.lasts {
            Lasts::Times(times) => times as usize,
            Lasts::UntilCleared => 1,
        };
        self.0.iter().map(times).sum()
    }

    /// The fault for this request, if one is planned; counts it down. A fault that concerns forms
    /// waits for a POST.
    pub fn take(&mut self, path: &str, post: bool) -> Option<Fault> {
        let fits = |planned: &Planned| {
            path.starts_with(&planned.path)
                && (post || !matches!(planned.fault, Fault::StaleTokens | Fault::DropAfterCommit))
        };
        let at = self.0.iter().position(fits)?;
        let fault = self.0[at].fault.clone();
        match &mut self.0[at].lasts {
            Lasts::UntilCleared => {}
            Lasts::Times(left) => {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    self.0.remove(at);
                }
            }
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_read_from_text() {
        let cases = [
            ("status 500", Fault::Status(500, None)),
            ("Status 503 30", Fault::Status(503, Some(30))),
            ("cut 10", Fault::CutBody(10)),
            ("drop_after_commit", Fault::DropAfterCommit),
            ("huge-divs", Fault::HugeDivs(1_000_000)),
        ];
        for (text, fault) in cases {
            assert_eq!(text.parse(), Ok(fault));
        }
        for text in ["", "status", "status 99", "cut x", "fire"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_plan_counts_down_and_minds_the_path() {
        let mut plan = Plan::default();
        plan.add(Fault::Garbage, Lasts::Times(1), "/showthread");
        plan.add(Fault::StaleTokens, Lasts::UntilCleared, "");
        assert_eq!(plan.take("/index.php", false), None);
        assert_eq!(plan.take("/showthread.php", false), Some(Fault::Garbage));
        assert_eq!(plan.take("/showthread.php", false), None);
        assert_eq!(plan.take("/newreply.php", true), Some(Fault::StaleTokens));
        plan.clear();
        assert_eq!(plan.take("/newreply.php", true), None);
    }
}
