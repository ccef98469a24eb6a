//! Forum to events: one task a forum asks what changed, reads only the pages that hold it, and records
//! them. Busy boards are asked at the configured pace, quiet ones less and less often.
//!
//! What was there before a bridge is in [`stock`], what a list does not tell of in [`again`], what is not where it
//! was in [`doubt`]. A page that can't be read changes nothing: no cursor moves past what was not recorded, and a
//! thread that can't be read keeps no other from being read.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::config::{Scope, Start};
use crate::forum::{Failure, PageRef};
use crate::model::{BoardId, ThreadId, ThreadPage, ThreadSummary};
use crate::store::{Effect, Follow, Priority, StoreError};

use super::known::Known;
use super::points::Point;
use super::record::{Behind, Reading, Since, Spot, hide};
use super::tie::Tie;
use super::{Forum, Heart};

mod again;
pub mod doubt;
mod overview;
mod stock;

use again::Again;
use doubt::MOST_DOUBTS;
use overview::Overview;
use stock::unread;

/// A quiet board is asked at least this often, as a multiple of the configured pace.
pub const QUIETEST: u32 = 10;
/// How much longer the next wait is after a look that found nothing.
const SLOWER: f64 = 1.3;
/// After a failure the forum is left alone for at most this long.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// A board that an overview tells of is asked so many times more rarely: for what makes no post, such as a thread that
/// is closed.
const UNTOLD: u32 = 6;
/// A thread is read backwards for at most so many pages before its gap is given up as history.
const FURTHEST_BACK: u32 = 500;
/// Why a look at the forum ended early.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error(transparent)]
    Forum(#[from] Failure),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Trouble {
    /// Whether it is about the one page that was asked for, and not about the forum or the database.
    fn is_of_the_page(&self) -> bool {
        matches!(
            self,
            Self::Forum(
                Failure::Unreadable(_)
                    | Failure::Gone(_)
                    | Failure::Untold(_)
                    | Failure::Refused(_)
                    | Failure::Unsupported(_)
            )
        )
    }
}

/// When a board is looked at.
struct Beat {
    next: Instant,
    wait: Duration,
    failures: u32,
}

/// The watcher of one forum.
pub struct Watcher {
    heart: Arc<Heart>,
    forum: Arc<Forum>,
    beats: HashMap<Scope, Beat>,
    overview: Overview,
    again: Again,
    /// Threads whose pages can't be read, and when each is tried again.
    stuck: HashMap<ThreadId, (Instant, Duration)>,
    /// Signposts to moved threads that were followed up already.
    signposts: HashSet<ThreadId>,
    last_trouble: Option<String>,
}

impl Watcher {
    pub fn new(heart: Arc<Heart>, forum: Arc<Forum>) -> Self {
        Self {
            heart,
            forum,
            beats: HashMap::new(),
            overview: Overview::default(),
            again: Again::default(),
            stuck: HashMap::new(),
            signposts: HashSet::new(),
            last_trouble: None,
        }
    }

    /// Watches until told to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let wait = tokio::select! {
                wait = self.step() => wait,
                () = stop.cancelled() => return,
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.forum.nudge.notified() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Does what is due, the most urgent first, and tells how long nothing else will be.
    async fn step(&mut self) -> Duration {
        if self.heart.ties.is_awaited(&self.forum.key) {
            // Whoever learns of the channels nudges.
            return self.forum.poll;
        }
        let ties = self.heart.ties.of_forum(&self.forum.key);
        if self.forum.account().is_none()
            && let Err(trouble) = self.sign_in().await
        {
            return self.trouble(&trouble, 1);
        }
        if let Err(trouble) = self.read_asked().await {
            return self.trouble(&trouble, 0);
        }
        if self.forum.anew.swap(false, Ordering::Acquire) {
            self.again.begin_anew();
        }
        let told = self.forum.pushed.swap(false, Ordering::Acquire);
        let mut scopes: Vec<Scope> = ties.iter().map(|tie| tie.bridge.scope.clone()).collect();
        scopes.sort_by_key(|scope| format!("{scope:?}"));
        scopes.dedup();
        if let Err(trouble) = self.glance(&scopes).await {
            return self.trouble(&trouble, 0);
        }
        for scope in scopes {
            let now = self.heart.clock.monotonic();
            let beat = self.beats.entry(scope.clone()).or_insert(Beat {
                next: now,
                wait: self.forum.poll,
                failures: 0,
            });
            let carried: Vec<_> = ties.iter().filter(|tie| tie.bridge.scope == scope).cloned().collect();
            let news = told || self.overview.has_news(&scope, &carried);
            if beat.next > now && (!news || beat.failures > 0) {
                continue;
            }
            self.overview.looked_at(&scope, &carried);
            let outcome = self.look(&scope, &carried).await;
            self.after_look(&scope, outcome, told);
        }
        match self.read_history(&ties).await {
            Ok(true) => return Duration::ZERO,
            Ok(false) => {}
            Err(trouble) => return self.trouble(&trouble, 0),
        }
        if let Err(trouble) = self.revisit_one().await {
            return self.trouble(&trouble, 0);
        }
        if let Err(trouble) = self.go_round().await {
            return self.trouble(&trouble, 0);
        }
        self.until_next()
    }

    async fn sign_in(&mut self) -> Result<(), Trouble> {
        let account = self.forum.engine.sign_in().await?;
        if let Some(account) = &account {
            tracing::info!(forum = %self.forum.key, account = %account.name, "signed in");
        }
        self.forum.set_account(account.or_else(|| {
            // A guest reads, and owns no post that could come back as an echo.
            Some(crate::forum::Account { id: None, name: String::new() })
        }));
        Ok(())
    }

    /// A forum that pushes is asked rarely, until a look finds what no push had told of.
    fn after_look(&mut self, scope: &Scope, outcome: Result<bool, Trouble>, told: bool) {
        if !told && matches!(outcome, Ok(true)) {
            self.forum.pushes.store(false, Ordering::Relaxed);
        }
        let pushes = self.forum.pushes.load(Ordering::Relaxed);
        let now = self.heart.clock.monotonic();
        let poll = self.forum.poll;
        let (next, failures) = match outcome {
            Ok(changed) => {
                let wait = self.beats.get(scope).map_or(poll, |beat| beat.wait).min(poll * QUIETEST);
                let wait = if self.overview.tells_of(scope) {
                    poll * QUIETEST * UNTOLD
                } else if pushes {
                    poll * QUIETEST
                } else if changed {
                    poll
                } else {
                    wait.mul_f64(SLOWER).min(poll * QUIETEST)
                };
                self.heart.health.watcher(&self.forum.key, Ok(()));
                if self.last_trouble.take().is_some() {
                    tracing::info!(forum = %self.forum.key, "the forum can be read again");
                }
                (wait, 0)
            }
            Err(trouble) => {
                self.overview.forget(scope);
                let failures = self.beats.get(scope).map_or(0, |beat| beat.failures) + 1;
                (self.trouble(&trouble, failures), failures)
            }
        };
        if let Some(beat) = self.beats.get_mut(scope) {
            *beat = Beat { next: now + next, wait: if failures == 0 { next } else { poll }, failures };
        }
    }

    /// Tells of a trouble once, and how long to leave the forum alone.
    fn trouble(&mut self, trouble: &Trouble, failures: u32) -> Duration {
        let text = trouble.to_string();
        self.heart.health.watcher(&self.forum.key, Err(text.clone()));
        if self.last_trouble.as_deref() != Some(&text) {
            tracing::warn!(forum = %self.forum.key, "can't read the forum: {text}");
            self.last_trouble = Some(text);
        }
        let backoff = self.forum.poll.saturating_mul(2_u32.saturating_pow(failures.min(10)));
        match trouble {
            Trouble::Forum(Failure::Later { after, .. }) => *after,
            Trouble::Forum(Failure::SignIn(_)) => LONGEST_PAUSE,
            // No more often than a quiet board is asked, and no more rarely.
            _ => backoff.min(self.forum.poll * QUIETEST),
        }
        .clamp(Duration::from_millis(50), LONGEST_PAUSE)
    }

    fn until_next(&self) -> Duration {
        let now = self.heart.clock.monotonic();
        self.beats
            .values()
            .map(|beat| beat.next)
            .chain(self.again.next())
            .chain(self.overview.next())
            .min()
            .map_or(self.forum.poll, |next| next.saturating_duration_since(now))
            .clamp(Duration::from_millis(5), self.forum.poll * QUIETEST)
    }

    /// One look at what a set of bridges carries. True when anything had changed.
    async fn look(&mut self, scope: &Scope, ties: &[Arc<Tie>]) -> Result<bool, Trouble> {
        match scope {
            Scope::Board(board) => self.look_at_board(board, ties).await,
            Scope::Thread(thread) => self.look_at_thread(thread, ties).await,
        }
    }

    async fn look_at_board(&mut self, board: &BoardId, ties: &[Arc<Tie>]) -> Result<bool, Trouble> {
        let mut changed = false;
        let mut number = 1;
        loop {
            let page = self.forum.engine.board(board, number).await?;
            if number == 1 {
                for tie in ties.iter().filter(|tie| tie.bridge.baseline.is_none()) {
                    self.take_stock(board, tie, &page).await?;
                    changed = true;
                }
                if ties.iter().any(|tie| tie.bridge.baseline.is_none()) {
                    let mut anew = self.heart.ties.of_forum(&self.forum.key);
                    anew.retain(|tie| ties.iter().any(|other| other.id() == tie.id()));
                    let stocked = anew.iter().all(|tie| tie.bridge.baseline.is_some());
                    if stocked && self.forum.engine.capabilities().broadcast {
                        // This list has all of its history, and in order.
                        return Box::pin(self.look_at_board(board, &anew)).await;
                    }
                    // The bridges are known anew, with their baselines, from the next look on.
                    return Ok(true);
                }
            }
            let follows = self.follows(ties, &page.threads).await?;
            let oldest = page.oldest().map(|summary| &summary.id);
            // Behind a change at the very end of the list there may be more, and behind a page of pinned threads.
            let mut more = oldest.is_none();
            // The list has the newest first: read the oldest first, so that a feed is in order.
            for summary in page.threads.iter().rev() {
                if summary.moved || summary.deleted {
                    if summary.moved && self.signposts.insert(summary.id.clone()) {
                        self.forum.revisit(summary.id.clone(), None);
                    }
                    continue;
                }
                let behind = behind(ties, &follows, summary);
                if behind.is_empty() {
                    continue;
                }
                more |= oldest == Some(&summary.id);
                let now = self.heart.clock.monotonic();
                if self.stuck.get(&summary.id).is_some_and(|(next, _)| *next > now) {
                    continue;
                }
                self.notice_count(summary, &behind);
                match self.catch_up(&summary.id, Some(summary), ties, &behind).await {
                    Ok(()) => changed = true,
                    Err(trouble) if trouble.is_of_the_page() => self.stumble(&summary.id, &trouble),
                    Err(trouble) => return Err(trouble),
                }
            }
            if number >= page.pages || !more {
                return Ok(changed);
            }
            number += 1;
        }
    }

    /// Leaves a thread alone whose pages can't be read, for ever longer; tells of it once.
    fn stumble(&mut self, thread: &ThreadId, trouble: &Trouble) {
        let wait = match self.stuck.get(thread) {
            Some((_, wait)) => (*wait * 2).min(LONGEST_PAUSE),
            None => {
                tracing::warn!(forum = %self.forum.key, %thread, "can't read a thread: {trouble}");
                self.forum.poll * 2
            }
        };
        self.stuck.insert(thread.clone(), (self.heart.clock.monotonic() + wait, wait));
    }

    async fn look_at_thread(&mut self, thread: &ThreadId, ties: &[Arc<Tie>]) -> Result<bool, Trouble> {
        let page = self.forum.engine.thread(thread, PageRef::Last).await?;
        let summary = summary_of(thread, &page);
        let fresh: Vec<_> = ties.iter().filter(|tie| tie.bridge.baseline.is_none()).collect();
        for tie in &fresh {
            let mut effects = vec![self.baseline(tie, std::slice::from_ref(&summary)).await?];
            if tie.bridge.start != Start::Now {
                effects.push(Effect::Follow(unread(tie, thread)));
            }
            self.commit(effects).await?;
            self.reload().await?;
        }
        if !fresh.is_empty() {
            return Ok(true);
        }
        let follows = self.follows(ties, std::slice::from_ref(&summary)).await?;
        let behind = behind(ties, &follows, &summary);
        if behind.is_empty() {
            return Ok(false);
        }
        self.catch_up(thread, Some(&summary), ties, &behind).await?;
        Ok(true)
    }

    /// A bridge has taken stock: it is known as it is now.
    async fn reload(&self) -> Result<(), Trouble> {
        self.heart.know().await?;
        self.forum.nudge.notify_one();
        Ok(())
    }

    async fn follows(
        &self,
        ties: &[Arc<Tie>],
        threads: &[ThreadSummary],
    ) -> Result<HashMap<(i64, ThreadId), Follow>, Trouble> {
        let ids: Vec<ThreadId> = threads.iter().map(|summary| summary.id.clone()).collect();
        let mut follows = HashMap::new();
        for tie in ties {
            for follow in self.heart.store.follows(tie.id(), &ids).await? {
                follows.insert((tie.id().0, follow.thread.clone()), follow);
            }
        }
        Ok(follows)
    }

    /// Reads what these bridges have not seen of a thread, and records it page by page, in order.
    async fn catch_up(
        &mut self,
        thread: &ThreadId,
        summary: Option<&ThreadSummary>,
        ties: &[Arc<Tie>],
        behind: &[Behind],
    ) -> Result<(), Trouble> {
        let marker = summary.map(ThreadSummary::marker).unwrap_or_default();
        let priority = if behind.iter().all(|b| b.follow.as_ref().is_some_and(|f| f.marker.is_empty())) {
            Priority::Backfill
        } else {
            Priority::Live
        };
        let mut page = if behind.iter().any(|b| b.since == Since::Beginning) {
            self.forum.engine.thread(thread, PageRef::Number(1)).await?
        } else {
            self.first_page_of_news(thread, behind).await?
        };
        loop {
            self.record(thread, &page, summary, ties, behind, &marker, priority).await?;
            let now = self.heart.clock.monotonic();
            self.again.plan(thread, page.thread.page, now, self.forum.poll * 2);
            if page.thread.page >= page.thread.pages {
                return Ok(());
            }
            let next = page.thread.page + 1;
            page = self.forum.engine.thread(thread, PageRef::Number(next)).await?;
            if page.thread.page < next {
                // Posts went away while we read: what was the last page is the last page.
                return Ok(());
            }
        }
    }

    /// The earliest page that holds a post which some bridge wants: from the end backwards, for the news
    /// is nearly always on the last page.
    async fn first_page_of_news(&self, thread: &ThreadId, behind: &[Behind]) -> Result<ThreadPage, Trouble> {
        let mut page = self.forum.engine.thread(thread, PageRef::Last).await?;
        let last = page.posts.iter().filter_map(|post| post.number).max();
        for _ in 0..FURTHEST_BACK {
            // A page without posts (all of them hidden from the bridge) tells nothing of the one before it.
            let all_wanted = |b: &Behind| page.posts.first().is_none_or(|first| b.wants(first, last));
            if page.thread.page <= 1 || !behind.iter().any(all_wanted) {
                break;
            }
            page = self.forum.engine.thread(thread, PageRef::Number(page.thread.page - 1)).await?;
        }
        Ok(page)
    }

    #[expect(clippy::too_many_arguments, reason = "one page and everything that is known of it")]
    async fn record(
        &mut self,
        thread: &ThreadId,
        page: &ThreadPage,
        summary: Option<&ThreadSummary>,
        ties: &[Arc<Tie>],
        behind: &[Behind],
        marker: &str,
        priority: Priority,
    ) -> Result<(), Trouble> {
        let known = Known::of(&*self.heart.store, &self.forum, thread, page, ties).await?;
        let reading =
            Reading { forum: &self.forum.key, thread, page, summary, ties, behind, marker, priority };
        let mut effects = reading.effects(&known)?;
        let missing = doubt::missing(&*self.heart.store, &self.forum, thread, page).await?;
        for post in missing.iter().take(MOST_DOUBTS) {
            effects.extend(doubt::doubt(&self.forum, &reading, post, known.now).await?);
        }
        if let [Effect::Thread(row)] = effects.as_slice()
            && self.heart.store.thread(&self.forum.key, thread).await?.as_ref() == Some(row)
        {
            effects.clear();
        }
        self.stuck.remove(thread);
        self.heart.health.posts_seen(page.posts.len());
        self.commit(effects).await
    }

    async fn commit(&self, effects: Vec<Effect>) -> Result<(), Trouble> {
        if !effects.is_empty() {
            Point::BeforeRecord.reached();
            self.heart.apply(None, effects).await?;
            Point::AfterRecord.reached();
        }
        Ok(())
    }
}

/// The bridges that have not recorded all of this thread.
pub fn behind(
    ties: &[Arc<Tie>],
    follows: &HashMap<(i64, ThreadId), Follow>,
    summary: &ThreadSummary,
) -> Vec<Behind> {
    let marker = summary.marker();
    let last = Spot {
        post: summary.last_post_id.clone(),
        number: None,
        at: summary.last_post_at.map(|at| at.as_millisecond()),
    };
    ties.iter()
        .map(|tie| Behind::new(tie.clone(), follows.get(&(tie.id().0, summary.id.clone())).cloned()))
        .filter(|behind| match (&behind.follow, &behind.since) {
            (Some(follow), _) => follow.marker != marker,
            (None, Since::After(seen)) => last.is_after(seen),
            (None, _) => true,
        })
        .collect()
}

/// What a board's list would say of a thread, from its own last page.
fn summary_of(thread: &ThreadId, page: &ThreadPage) -> ThreadSummary {
    let last = page.posts.last();
    ThreadSummary {
        id: thread.clone(),
        url: page.thread.url.clone().unwrap_or_default(),
        title: page.thread.title.clone(),
        prefix: page.thread.prefix.clone(),
        author: None,
        replies: page.thread.total_results.or(last.and_then(|post| post.number.map(u64::from))),
        last_post_id: last.map(|post| post.id.clone()),
        last_post_at: last.and_then(|post| post.posted_at),
        last_post_by: last.map(|post| post.author.name.clone()),
        sticky: page.thread.sticky.unwrap_or(false),
        closed: page.thread.closed.unwrap_or(false),
        moved: false,
        deleted: false,
    }
}
