//! Many boards of one forum at a glance: where the engine has one question that tells which of them have news, only
//! those are asked, however many there are.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::Scope;
use crate::model::BoardId;

use super::{QUIETEST, SLOWER, Tie, Trouble, Watcher};

/// So few boards are asked themselves: that costs no more.
const FEW: usize = 2;
/// Where the engine has no such question, it is asked for again after this time.
const LATER: Duration = Duration::from_secs(3600);

/// What the last glance told.
#[derive(Default)]
pub(super) struct Overview {
    next: Option<Instant>,
    wait: Duration,
    /// The mark of each board.
    told: HashMap<BoardId, String>,
    /// What of each board was known when it was last looked at.
    looked: HashMap<BoardId, String>,
}

impl Overview {
    /// When the next glance is due, if there will be one.
    pub fn next(&self) -> Option<Instant> {
        self.next
    }

    pub fn tells_of(&self, scope: &Scope) -> bool {
        matches!(scope, Scope::Board(board) if self.told.contains_key(board))
    }

    /// Whether a board has changed since it was looked at for these bridges.
    pub fn has_news(&self, scope: &Scope, ties: &[Arc<Tie>]) -> bool {
        self.sight(scope, ties).is_some_and(|(board, sight)| self.looked.get(board) != Some(&sight))
    }

    /// It is about to be looked at: what comes after this glance is news for the next.
    pub fn looked_at(&mut self, scope: &Scope, ties: &[Arc<Tie>]) {
        if let Some((board, sight)) = self.sight(scope, ties) {
            self.looked.insert(board.clone(), sight);
        }
    }

    /// A board's mark, and for whom it is looked at: a bridge that comes, comes back or begins anew has all to see.
    fn sight<'a>(&self, scope: &'a Scope, ties: &[Arc<Tie>]) -> Option<(&'a BoardId, String)> {
        let Scope::Board(board) = scope else { return None };
        let mark = self.told.get(board)?;
        let ties: Vec<_> = ties.iter().map(|tie| (tie.id().0, &tie.bridge.baseline)).collect();
        Some((board, format!("{mark} {ties:?}")))
    }

    /// The look failed.
    pub fn forget(&mut self, scope: &Scope) {
        if let Scope::Board(board) = scope {
            self.looked.remove(board);
        }
    }
}

impl Watcher {
    /// Asks which boards have news, when that is due and worth a question.
    pub(super) async fn glance(&mut self, scopes: &[Scope]) -> Result<(), Trouble> {
        let boards = scopes.iter().filter(|scope| matches!(scope, Scope::Board(_))).count();
        if boards <= FEW {
            self.overview = Overview::default();
            return Ok(());
        }
        let (now, poll) = (self.heart.clock.monotonic(), self.forum.poll);
        if self.overview.next.is_some_and(|next| next > now) {
            return Ok(());
        }
        let told = match self.forum.engine.overview().await.map_err(Trouble::from) {
            Ok(told) => told,
            Err(trouble) if trouble.is_of_the_page() => {
                tracing::debug!(forum = %self.forum.key, "its boards are asked one by one: {trouble}");
                None
            }
            Err(trouble) => return Err(trouble),
        };
        let Some(told) = told else {
            // They were asked rarely, in the belief that they would be told of.
            for scope in scopes.iter().filter(|scope| self.overview.tells_of(scope)) {
                if let Some(beat) = self.beats.get_mut(scope) {
                    beat.next = beat.next.min(now + poll);
                    beat.wait = poll;
                }
            }
            self.overview = Overview { next: Some(now + LATER), ..Overview::default() };
            return Ok(());
        };
        let news = told != self.overview.told;
        self.overview.told = told;
        let wait = self.overview.wait.mul_f64(SLOWER).clamp(poll, poll * QUIETEST);
        self.overview.wait = if news { poll } else { wait };
        self.overview.next = Some(now + self.overview.wait);
        Ok(())
    }
}
