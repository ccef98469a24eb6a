//! How the process is doing, as `/readyz` and `/metrics` tell it. Every room may report here; nobody
//! decides by what it says. Ground level: it knows no other room.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::ForumKey;

/// A cheap handle; clones share one state.
#[derive(Clone, Default)]
pub struct Health {
    state: Arc<State>,
}

/// Which replica has a part in its hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// This one: it tells by itself how the part is doing.
    Here,
    /// Another one: that is well, as far as can be seen from here.
    Elsewhere,
    Nobody,
}

#[derive(Default)]
struct State {
    /// Each part that must work, with what is wrong where something is.
    parts: Mutex<BTreeMap<String, Result<(), String>>>,
    /// The parts that another replica has.
    elsewhere: Mutex<BTreeSet<String>>,
    posts_seen: AtomicU64,
    messages_sent: AtomicU64,
    replies_posted: AtomicU64,
    troubles: AtomicU64,
    outbox_waiting: AtomicU64,
    outbox_parked: AtomicU64,
    outbox_oldest_ms: AtomicU64,
}

impl Health {
    /// Names the parts that must work before the process is ready.
    pub fn expect(&self, forums: impl Iterator<Item = ForumKey>) {
        let mut parts = self.state.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let names = ["database".to_owned(), "gateway".to_owned()].into_iter();
        for part in names.chain(forums.map(|forum| format!("forum {forum}"))) {
            parts.entry(part).or_insert_with(|| Err("starting".to_owned()));
        }
    }

    pub fn database(&self, state: Result<(), String>) {
        self.set("database".to_owned(), state);
    }

    pub fn gateway(&self, state: Result<(), String>) {
        self.shard("gateway", state);
    }

    /// The gateway's first shard is called just `gateway`.
    pub fn shard(&self, part: &str, state: Result<(), String>) {
        self.set(part.to_owned(), state);
    }

    pub fn watcher(&self, forum: &ForumKey, state: Result<(), String>) {
        self.set(format!("forum {forum}"), state);
    }

    /// Notes who has a part. One that this replica has just got is starting.
    pub fn role(&self, part: &str, role: Role) {
        let mut elsewhere = self.state.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        let state = match role {
            Role::Here => {
                elsewhere.remove(part);
                Err("starting".to_owned())
            }
            Role::Elsewhere => {
                elsewhere.insert(part.to_owned());
                Ok(())
            }
            Role::Nobody => {
                elsewhere.remove(part);
                Err("no replica has it".to_owned())
            }
        };
        let mut parts = self.state.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = parts.get_mut(part) {
            *known = state;
        }
    }

    /// Whether another replica has this part.
    pub fn elsewhere(&self, part: &str) -> bool {
        self.state.elsewhere.lock().unwrap_or_else(PoisonError::into_inner).contains(part)
    }

    fn set(&self, part: String, state: Result<(), String>) {
        if state.is_err() {
            self.state.troubles.fetch_add(1, Ordering::Relaxed);
        }
        self.state.parts.lock().unwrap_or_else(PoisonError::into_inner).insert(part, state);
    }

    pub fn posts_seen(&self, count: usize) {
        self.state.posts_seen.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub fn delivered(&self, messages: usize) {
        self.state.messages_sent.fetch_add(messages as u64, Ordering::Relaxed);
    }

    pub fn replied(&self) {
        self.state.replies_posted.fetch_add(1, Ordering::Relaxed);
    }

    pub fn outbox(&self, waiting: u64, parked: u64, oldest_ms: u64) {
        self.state.outbox_waiting.store(waiting, Ordering::Relaxed);
        self.state.outbox_parked.store(parked, Ordering::Relaxed);
        self.state.outbox_oldest_ms.store(oldest_ms, Ordering::Relaxed);
    }

    /// Each part and what is wrong with it.
    pub fn parts(&self) -> BTreeMap<String, Result<(), String>> {
        self.state.parts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn ready(&self) -> bool {
        let parts = self.state.parts.lock().unwrap_or_else(PoisonError::into_inner);
        !parts.is_empty() && parts.values().all(Result::is_ok)
    }

    /// The Prometheus text format, version 0.0.4.
    /// <https://prometheus.io/docs/instrumenting/exposition_formats/>
    pub fn metrics(&self) -> String {
        let state = &self.state;
        let mut text = String::new();
        let rows = [
            ("posts_seen_total", "counter", "Forum posts read, again and again", &state.posts_seen),
            ("messages_sent_total", "counter", "Discord messages sent or edited", &state.messages_sent),
            (
                "replies_posted_total",
                "counter",
                "Discord replies that reached a forum",
                &state.replies_posted,
            ),
            ("troubles_total", "counter", "Times that a part reported a fault", &state.troubles),
            ("outbox_waiting", "gauge", "Jobs that wait to be done", &state.outbox_waiting),
            ("outbox_parked", "gauge", "Jobs that were given up", &state.outbox_parked),
            ("outbox_oldest_milliseconds", "gauge", "How overdue the oldest job is", &state.outbox_oldest_ms),
        ];
        for (name, kind, help, value) in rows {
            let value = value.load(Ordering::Relaxed);
            let _ = writeln!(text, "# HELP threadbridge_{name} {help}\n# TYPE threadbridge_{name} {kind}");
            let _ = writeln!(text, "threadbridge_{name} {value}");
        }
        text.push_str("# HELP threadbridge_up Whether a part works\n# TYPE threadbridge_up gauge\n");
        let parts = self.parts();
        let label = |part: &str| part.replace(['\\', '"', '\n'], "_");
        for (part, fault) in &parts {
            let _ = writeln!(text, "threadbridge_up{{part=\"{}\"}} {}", label(part), u8::from(fault.is_ok()));
        }
        text.push_str(
            "# HELP threadbridge_holds Whether this replica has a part\n# TYPE threadbridge_holds gauge\n",
        );
        for part in parts.keys() {
            let holds = u8::from(!self.elsewhere(part));
            let _ = writeln!(text, "threadbridge_holds{{part=\"{}\"}} {holds}", label(part));
        }
        text
    }
}
