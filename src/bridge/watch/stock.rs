//! What is history for a new bridge, and the reading of as much of it as its admin wants.

use std::sync::Arc;

use crate::config::Start;
use crate::forum::{Failure, PageRef};
use crate::model::{BoardId, BoardPage, PostId, ThreadId, ThreadSummary};
use crate::store::{Effect, Follow};

use super::super::record::Behind;
use super::super::tie::Tie;
use super::{Trouble, Watcher, summary_of};

/// So many threads that are still to be read are looked through for one that can be.
const UNREAD: u32 = 50;

impl Watcher {
    /// A new bridge notes what is history. With `start = "now"` that is everything; otherwise every
    /// thread of the board is written down to be read, in the same transaction.
    pub(super) async fn take_stock(
        &mut self,
        board: &BoardId,
        tie: &Arc<Tie>,
        first: &BoardPage,
    ) -> Result<(), Trouble> {
        let mut threads = first.threads.clone();
        let mut only_pinned = first.pages > 1 && first.oldest().is_none();
        let mut number = 2;
        while tie.bridge.start != Start::Now || only_pinned {
            let page = self.forum.engine.board(board, number).await?;
            if number > page.pages || page.page != number {
                break;
            }
            only_pinned &= page.oldest().is_none();
            threads.extend(page.threads);
            number += 1;
        }
        threads.retain(|summary| !summary.moved && !summary.deleted);
        let effects = if self.forum.engine.capabilities().broadcast {
            stock_of_broadcast(tie, &threads)
        } else {
            let mut effects = vec![self.baseline(tie, &threads).await?];
            if tie.bridge.start != Start::Now {
                effects.extend(threads.iter().map(|summary| Effect::Follow(unread(tie, &summary.id))));
            }
            effects
        };
        tracing::info!(
            forum = %self.forum.key, %board, threads = threads.len(),
            "took stock of the board; what is newer from here on crosses"
        );
        self.commit(effects).await?;
        self.reload().await
    }

    /// What is history for a new bridge: everything up to the newest post of these threads.
    pub(super) async fn baseline(&self, tie: &Tie, threads: &[ThreadSummary]) -> Result<Effect, Trouble> {
        let mut newest = newest(threads.iter().filter_map(|summary| summary.last_post_id.as_ref()));
        let latest = threads.iter().max_by_key(|summary| summary.last_post_at);
        if let (None, Some(latest)) = (&newest, latest) {
            // The list does not say which posts are its threads' last.
            let page = self.forum.engine.thread(&latest.id, PageRef::Last).await?;
            newest = self::newest(page.posts.iter().map(|post| &post.id));
        }
        Ok(Effect::Baseline {
            bridge: tie.id(),
            post: newest.unwrap_or_else(|| PostId::new("")),
            at: latest.and_then(|summary| summary.last_post_at).map(|at| at.as_millisecond()),
        })
    }

    /// Reads one of the threads that were written down when stock was taken.
    pub(super) async fn read_history(&mut self, ties: &[Arc<Tie>]) -> Result<bool, Trouble> {
        for tie in ties.iter().filter(|tie| tie.bridge.start != Start::Now) {
            let now = self.heart.clock.monotonic();
            let unread = self.heart.store.unread(tie.id(), UNREAD).await?;
            let stuck = |follow: &Follow| self.stuck.get(&follow.thread).is_some_and(|(next, _)| *next > now);
            let Some(follow) = unread.into_iter().find(|follow| !stuck(follow)) else { continue };
            let thread = follow.thread.clone();
            let page = match self.forum.engine.thread(&thread, PageRef::Last).await {
                Ok(page) => page,
                Err(failure @ Failure::Unreadable(_)) => {
                    self.stumble(&thread, &failure.into());
                    return Ok(true);
                }
                Err(Failure::Gone(why) | Failure::Untold(why)) => {
                    tracing::info!(forum = %self.forum.key, %thread, "skipped an old thread: {why}");
                    self.commit(vec![Effect::Follow(Follow { marker: "gone".into(), ..follow })]).await?;
                    return Ok(true);
                }
                Err(failure) => return Err(failure.into()),
            };
            let summary = summary_of(&thread, &page);
            let behind = [Behind::new(tie.clone(), Some(follow))];
            match self.catch_up(&thread, Some(&summary), std::slice::from_ref(tie), &behind).await {
                Err(trouble) if trouble.is_of_the_page() => self.stumble(&thread, &trouble),
                read => read?,
            }
            return Ok(true);
        }
        Ok(false)
    }
}

/// A thread written down to be read.
pub(super) fn unread(tie: &Tie, thread: &ThreadId) -> Follow {
    Follow {
        bridge: tie.id(),
        thread: thread.clone(),
        marker: String::new(),
        last_post: None,
        last_number: None,
    }
}

/// What is history for a bridge to what only tells. Its ids say nothing of their order and not everything has a time, so
/// that is noted thread by thread; what turns up later and is older than all of it is history too. Each thread is one
/// post, so a number of newest posts is one of threads.
fn stock_of_broadcast(tie: &Tie, threads: &[ThreadSummary]) -> Vec<Effect> {
    let wanted = match tie.bridge.start {
        Start::Now => 0,
        Start::All => threads.len(),
        Start::Newest(count) => usize::try_from(count).unwrap_or(usize::MAX),
    };
    let oldest = threads.iter().filter_map(|summary| summary.last_post_at).min();
    let baseline = Effect::Baseline {
        bridge: tie.id(),
        post: PostId::new(""),
        at: oldest.map(|at| at.as_millisecond() - 1),
    };
    let follow = |(place, summary): (usize, &ThreadSummary)| {
        let unread = unread(tie, &summary.id);
        Effect::Follow(if place < wanted {
            unread
        } else {
            Follow { marker: summary.marker(), last_post: summary.last_post_id.clone(), ..unread }
        })
    };
    std::iter::once(baseline).chain(threads.iter().enumerate().map(follow)).collect()
}

/// The newest of some posts: the one with the highest number.
fn newest<'a>(posts: impl Iterator<Item = &'a PostId>) -> Option<PostId> {
    posts.max_by_key(|post| post.as_str().parse::<u64>().unwrap_or(0)).cloned()
}
