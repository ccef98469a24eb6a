//! Reading again what was read: a board's list tells of new posts, not of edits, thanks or removals. Pages
//! with fresh posts are read again, soon at first and then ever more rarely; all pages that were ever
//! recorded are gone through in a slow round, the newest threads first, so that nothing that changes later,
//! or while the process is away, is missed for good.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use crate::forum::{Failure, PageRef};
use crate::model::{PostId, ThreadId, ThreadPage, ThreadSummary};
use crate::store::Priority;

use super::{Behind, Trouble, Watcher};

/// A page is read again for the last time this long after its last change.
const REVISIT_FOR: Duration = Duration::from_secs(7 * 24 * 3600);
/// At most so many pages wait to be read again; the least urgent are forgotten first.
const MOST_REVISITS: usize = 2_000;
/// The slow round reads one page in so many times the configured pace.
const SLOWLY: u32 = 20;
/// It begins with so many pages at this pace: what changed while the process was away is mostly there.
const AT_FIRST: u32 = 50;
const QUICKLY: u32 = 2;

/// When a page is read again.
#[derive(Clone, Copy)]
pub(super) struct Revisit {
    next: Instant,
    wait: Duration,
}

/// The pages that are read again.
#[derive(Default)]
pub(super) struct Again {
    planned: HashMap<(ThreadId, u32), Revisit>,
    round: Round,
}

/// The slow round: where it is.
#[derive(Default)]
struct Round {
    next: Option<Instant>,
    read: u32,
    /// The thread that is being gone through, from its last page back, and its page that comes next.
    at: Option<(ThreadId, PageRef)>,
    /// The last thread that was gone through.
    done: Option<ThreadId>,
}

impl Again {
    /// When the next page is due.
    pub fn next(&self) -> Option<Instant> {
        self.planned.values().map(|revisit| revisit.next).chain(self.round.next).min()
    }

    /// The slow round begins again, quickly at first.
    pub fn begin_anew(&mut self) {
        self.round = Round::default();
    }

    /// Forgets a thread that is no longer there.
    pub fn forget(&mut self, thread: &ThreadId) {
        self.planned.retain(|(other, _), _| other != thread);
    }

    /// Plans to read a page again that has just been read.
    pub fn plan(&mut self, thread: &ThreadId, page: u32, now: Instant, wait: Duration) {
        self.planned.insert((thread.clone(), page), Revisit { next: now + wait, wait });
        if self.planned.len() > MOST_REVISITS
            && let Some(key) = self.planned.iter().max_by_key(|(_, r)| r.wait).map(|(key, _)| key.clone())
        {
            self.planned.remove(&key);
        }
    }

    /// The pages of a thread are due now.
    fn hasten(&mut self, thread: &ThreadId, now: Instant) {
        for (_, revisit) in self.planned.iter_mut().filter(|((other, _), _)| other == thread) {
            revisit.next = now;
        }
    }

    /// The page that has waited longest, if one is due; its next time is planned.
    fn take(&mut self, now: Instant) -> Option<((ThreadId, u32), Revisit)> {
        let due = self.planned.iter().filter(|(_, revisit)| revisit.next <= now);
        let (key, old) = due.min_by_key(|(_, r)| r.next).map(|(key, r)| (key.clone(), *r))?;
        let wait = old.wait.mul_f64(2.0);
        if wait > REVISIT_FOR {
            self.planned.remove(&key);
        } else {
            self.planned.insert(key.clone(), Revisit { next: now + wait, wait });
        }
        Some((key, old))
    }
}

impl Watcher {
    /// Reads what somebody asked to be read again; a page that holds several of the posts is read once. What can't be
    /// read now stays asked for.
    pub(super) async fn read_asked(&mut self) -> Result<(), Trouble> {
        let mut asked: VecDeque<_> = self.forum.take_asked().into();
        while let Some((thread, post)) = asked.pop_front() {
            let page = match &post {
                Some(post) => self.forum.engine.page_with_post(post).await,
                None => self.forum.engine.thread(&thread, PageRef::Last).await,
            };
            let seen: HashSet<PostId> =
                page.iter().flat_map(|page| &page.posts).map(|post| post.id.clone()).collect();
            let read = match page {
                // The post went away; what became of the others of its page is seen there.
                Err(Failure::Gone(_)) if post.is_some() => {
                    let page = self.forum.engine.thread(&thread, PageRef::Last).await;
                    self.reread(&thread, page).await
                }
                page => self.reread(&thread, page).await,
            };
            match read {
                Err(trouble) if trouble.is_of_the_page() => self.stumble(&thread, &trouble),
                Err(trouble) => {
                    self.forum.put_back(std::iter::once((thread, post)).chain(asked));
                    return Err(trouble);
                }
                Ok(()) => asked.retain(|(_, post)| post.as_ref().is_none_or(|post| !seen.contains(post))),
            }
        }
        Ok(())
    }

    /// Reads the page that has waited longest, if one is due.
    pub(super) async fn revisit_one(&mut self) -> Result<(), Trouble> {
        let now = self.heart.clock.monotonic();
        let Some((key, old)) = self.again.take(now) else { return Ok(()) };
        let page = self.forum.engine.thread(&key.0, PageRef::Number(key.1)).await;
        match self.reread(&key.0, page).await {
            Err(trouble) if trouble.is_of_the_page() => {
                self.stumble(&key.0, &trouble);
                Ok(())
            }
            Err(trouble) => {
                self.again.planned.insert(key, old);
                Err(trouble)
            }
            Ok(()) => Ok(()),
        }
    }

    /// Takes the next step of the slow round, if it is due.
    pub(super) async fn go_round(&mut self) -> Result<(), Trouble> {
        let now = self.heart.clock.monotonic();
        let pace = if self.again.round.read < AT_FIRST { QUICKLY } else { SLOWLY };
        let due = *self.again.round.next.get_or_insert(now + self.forum.poll * pace);
        if due > now {
            return Ok(());
        }
        self.again.round.next = Some(now + self.forum.poll * pace);
        let Some((thread, place)) = self.next_of_round().await? else { return Ok(()) };
        let page = self.forum.engine.thread(&thread, place).await;
        let earlier = page.as_ref().ok().and_then(|page| page.thread.page.checked_sub(1)).filter(|n| *n > 0);
        match self.reread(&thread, page).await {
            Err(trouble) if trouble.is_of_the_page() => self.stumble(&thread, &trouble),
            read => read?,
        }
        let round = &mut self.again.round;
        round.read = round.read.saturating_add(1);
        round.at = earlier.map(|number| (thread, PageRef::Number(number)));
        Ok(())
    }

    async fn next_of_round(&mut self) -> Result<Option<(ThreadId, PageRef)>, Trouble> {
        if self.again.round.at.is_none() {
            let before = self.again.round.done.clone();
            let next = self.heart.store.thread_before(&self.forum.key, before.as_ref()).await?;
            // After the oldest thread it begins anew.
            self.again.round.done = next.as_ref().map(|row| row.thread.clone());
            self.again.round.at = next.map(|row| (row.thread, PageRef::Last));
        }
        Ok(self.again.round.at.clone())
    }

    pub(super) async fn reread(
        &mut self,
        thread: &ThreadId,
        page: Result<ThreadPage, Failure>,
    ) -> Result<(), Trouble> {
        let page = match page {
            Ok(page) => page,
            Err(Failure::Gone(why)) => return self.thread_gone(thread, &why).await,
            // What was shown of it stays.
            Err(Failure::Untold(_)) => {
                self.again.forget(thread);
                return Ok(());
            }
            Err(failure) => return Err(failure.into()),
        };
        // A post that was asked for may be in another thread by now.
        let thread = page.thread.id.as_ref().unwrap_or(thread).clone();
        let all = self.heart.ties.of_forum(&self.forum.key);
        let ties: Vec<_> =
            all.iter().filter(|tie| tie.covers(page.thread.board.id.as_ref(), &thread)).cloned().collect();
        if let Some(board) = page.thread.board.id.as_ref() {
            self.moved_away(&thread, board, &all).await?;
        }
        self.record(&thread, &page, None, &ties, &[], "", Priority::Live).await
    }

    /// The number of replies is not what the news explains: something was removed or has appeared, perhaps
    /// on a page that is not read for news.
    pub(super) fn notice_count(&mut self, summary: &ThreadSummary, behind: &[Behind]) {
        let before = behind
            .iter()
            .filter_map(|b| b.follow.as_ref())
            .filter_map(|follow| follow.marker.split('/').next()?.parse::<u64>().ok())
            .max();
        if let (Some(before), Some(now)) = (before, summary.replies)
            && now != before + 1
        {
            self.again.hasten(&summary.id, self.heart.clock.monotonic());
        }
    }
}
