//! Ways in which the HTTP API can fail, by name, for chosen requests.

use std::str::FromStr;
use std::time::Duration;

/// How a request goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// `status:500`: the answer is that status; nothing is done.
    Status(u16),
    /// `429:SCOPE:SECONDS`, scope `user`, `shared` or `global`; nothing is done.
    TooManyRequests { scope: String, retry_after: f64 },
    /// `drop-before`: the connection is cut; nothing is done.
    DropBeforeCommit,
    /// `drop-after`: the request is carried out, then the connection is cut.
    DropAfterCommit,
    /// `bad-gateway`: 502 with the HTML page of a proxy; nothing is done.
    BadGateway,
    /// `slow:SECONDS`: carried out at once, answered late.
    SlowAnswer(Duration),
    /// `code:50013`: Discord's own refusal with that code; nothing is done.
    Refuse(u64),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status:{status}"),
            Self::TooManyRequests { scope, retry_after } => write!(f, "429:{scope}:{retry_after}"),
            Self::DropBeforeCommit => f.write_str("drop-before"),
            Self::DropAfterCommit => f.write_str("drop-after"),
            Self::BadGateway => f.write_str("bad-gateway"),
            Self::SlowAnswer(wait) => write!(f, "slow:{}", wait.as_secs_f64()),
            Self::Refuse(code) => write!(f, "code:{code}"),
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default();
        let mut next = || parts.next();
        let fault = match name {
            "status" => {
                next().and_then(|it| it.parse().ok()).filter(|it| (400..600).contains(it)).map(Self::Status)
            }
            "429" => {
                let scope = next().unwrap_or("user").to_owned();
                let retry_after = next().map_or(Ok(1.0), str::parse).ok().filter(|it: &f64| *it >= 0.0);
                retry_after
                    .filter(|_| ["user", "shared", "global"].contains(&scope.as_str()))
                    .map(|retry_after| Self::TooManyRequests { scope, retry_after })
            }
            "drop-before" => Some(Self::DropBeforeCommit),
            "drop-after" => Some(Self::DropAfterCommit),
            "bad-gateway" => Some(Self::BadGateway),
            "slow" => next()
                .and_then(|it| it.parse().ok())
                .and_then(|it| Duration::try_from_secs_f64(it).ok())
                .map(Self::SlowAnswer),
            "code" => next().and_then(|it| it.parse().ok()).map(Self::Refuse),
            _ => None,
        };
        fault.ok_or_else(|| {
            format!(
                "{text:?} is no fault; write status:500, 429:user:1.5, drop-before, drop-after, bad-gateway, slow:2 or code:50013"
            )
        })
    }
}

#[derive(Debug)]
struct Planned {
    /// `None` for any method.
    method: Option<String>,
    /// A part of the route or of the path; empty for all.
    place: String,
    fault: Fault,
    times: usize,
}

/// The faults that are still to come, in the order in which they were asked for.
#[derive(Debug, Default)]
pub struct Faults {
    planned: Vec<Planned>,
}

impl Faults {
    pub fn plan(&mut self, method: Option<&str>, place: &str, fault: Fault, times: usize) {
        let method = method.map(str::to_ascii_uppercase);
        self.planned.push(Planned { method, place: place.to_owned(), fault, times });
    }

    pub fn clear(&mut self) {
        self.planned.clear();
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        self.planned.iter().map(|it| it.times).sum()
    }

    /// Takes the fault for this request, if one is due.
    pub fn take(&mut self, method: &str, route: &str, path: &str) -> Option<Fault> {
        let index = self.planned.iter().position(|it| {
            it.method.as_ref().is_none_or(|wanted| wanted == method)
                && (route.contains(&it.place) || path.contains(&it.place))
        })?;
        let planned = self.planned.get_mut(index)?;
        let fault = planned.fault.clone();
        planned.times = planned.times.saturating_sub(1);
        if planned.times == 0 {
            self.planned.remove(index);
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_written_as_it_is_read() {
        for text in [
            "status:503",
            "429:global:2.5",
            "drop-before",
            "drop-after",
            "bad-gateway",
            "slow:0.5",
            "code:50013",
        ] {
            assert_eq!(text.parse::<Fault>().map(|fault| fault.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "status:200", "429:nobody:1", "slow:-1", "fire"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_fault_strikes_its_route_as_often_as_planned() {
        let mut faults = Faults::default();
        faults.plan(Some("post"), "/messages", Fault::Status(500), 2);
        let post = |faults: &mut Faults| {
            faults.take("POST", "/channels/{channel_id}/messages", "/channels/1/messages")
        };
        assert_eq!(faults.take("GET", "/channels/{channel_id}/messages", "/channels/1/messages"), None);
        assert_eq!(post(&mut faults), Some(Fault::Status(500)));
        assert_eq!(faults.left(), 1);
        assert_eq!(post(&mut faults), Some(Fault::Status(500)));
        assert_eq!(post(&mut faults), None);
    }
}
