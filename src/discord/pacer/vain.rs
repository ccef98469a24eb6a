//! Requests in vain. Whatever Discord refuses again and again, or can't do, is asked for ever more rarely: few
//! refused requests a minute on one route; on many routes of one kind, where none of them succeeds any more, no
//! more than that on all of them together; and so for everything at once. The first success lifts it.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use reqwest::Method;

use super::{Answer, Route};

const WINDOW: Duration = Duration::from_secs(60);
/// So many in a row may be chance.
const ENOUGH: usize = 3;
/// No more in a row than this within the window, but for what was under way already: what is left of them is spread
/// evenly over the rest of it.
const MOST: usize = 6;

/// A kind of request to one resource.
pub type What = (Method, &'static str, u64);
type Kind = (Method, &'static str);

#[derive(Default)]
pub struct Vain {
    all: Row,
    kinds: HashMap<Kind, Row>,
    routes: HashMap<What, Row>,
}

/// When a request may go, as far as this is concerned.
pub enum Turn {
    Now,
    /// Now, and no other before it is answered.
    Alone,
    At(Instant),
    /// After the one that is under way.
    Next,
}

impl Vain {
    /// Whether a request may go. Of what Discord `took` before one is tried at once: perhaps it is only others that
    /// are refused.
    pub fn turn(&mut self, what: &What, took: bool, now: Instant) -> Turn {
        let mut turn = Turn::Now;
        for row in self.rows(what) {
            forget(&mut row.at, now);
            let Some(mut at) = row.next() else { continue };
            if row.trying {
                return Turn::Next;
            }
            if took && row.may_except {
                at = at.min(now);
            }
            turn = match turn {
                Turn::At(latest) => Turn::At(latest.max(at)),
                _ if at > now => Turn::At(at),
                _ => Turn::Alone,
            };
        }
        turn
    }

    /// The request goes, alone.
    pub fn tries(&mut self, what: &What, now: Instant) {
        for row in self.rows(what) {
            if let Some(at) = row.next() {
                row.trying = true;
                row.may_except &= at <= now;
            }
        }
    }

    /// The one that went alone is over.
    pub fn tried(&mut self, what: &What) {
        for row in self.rows(what) {
            row.trying = false;
        }
    }

    pub fn answered(&mut self, route: &Route, answer: &Answer, now: Instant) {
        let what = super::state::what(route);
        if !in_vain(&route.method, answer) {
            self.all = Row::default();
            self.kinds.remove(&(what.0.clone(), what.1));
            self.routes.remove(&what);
            return;
        }
        let alone = Row { several: true, may_except: false, ..Row::default() };
        self.routes.entry(what.clone()).or_insert(alone).at.push_back(now);
        let kind = self.kinds.entry((what.0.clone(), what.1)).or_default();
        kind.several |= kind.last.as_ref().is_some_and(|last| last.2 != what.2);
        self.all.several |= self.all.last.as_ref().is_some_and(|last| (&last.0, last.1) != (&what.0, what.1));
        for row in [kind, &mut self.all] {
            row.last = Some(what.clone());
            row.at.push_back(now);
        }
    }

    pub fn sweep(&mut self, now: Instant) {
        let lives = |row: &mut Row| {
            forget(&mut row.at, now);
            !row.at.is_empty() || row.trying
        };
        self.kinds.retain(|_, row| lives(row));
        self.routes.retain(|_, row| lives(row));
    }

    fn rows(&mut self, what: &What) -> impl Iterator<Item = &mut Row> {
        let kind = self.kinds.get_mut(&(what.0.clone(), what.1));
        self.routes.get_mut(what).into_iter().chain(kind).chain(std::iter::once(&mut self.all))
    }
}

/// Those in a row.
struct Row {
    at: VecDeque<Instant>,
    last: Option<What>,
    /// It is not one resource, or one kind, alone that is refused: that would be no reason to let others wait.
    several: bool,
    trying: bool,
    /// No request was let through before its time yet.
    may_except: bool,
}

impl Default for Row {
    fn default() -> Self {
        Self { at: VecDeque::new(), last: None, several: false, trying: false, may_except: true }
    }
}

impl Row {
    /// When the next may go, if it is not as many as any.
    fn next(&self) -> Option<Instant> {
        let (first, last) = (*self.at.front()?, *self.at.back()?);
        if !self.several || self.at.len() < ENOUGH {
            return None;
        }
        let end = first + WINDOW;
        let left = u32::try_from(MOST.saturating_sub(self.at.len())).unwrap_or(0);
        Some(if left == 0 { end } else { last + end.saturating_duration_since(last) / (left + 1) })
    }
}

/// Whether nothing came of it. That something is not there is an answer, unless it was to be written to.
fn in_vain(method: &Method, answer: &Answer) -> bool {
    match answer.status {
        400 | 404 => !matches!(*method, Method::GET | Method::DELETE),
        401 | 403 | 429 | 500.. => true,
        _ => false,
    }
}

fn forget(instants: &mut VecDeque<Instant>, now: Instant) {
    while instants.front().is_some_and(|first| *first + WINDOW <= now) {
        instants.pop_front();
    }
}
