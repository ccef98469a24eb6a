//! What is not where it was: posts that are missing from their page, threads that moved or are gone. Only a
//! clear answer of the forum about the very thing is believed; a page that looks wrong changes nothing.

use std::collections::HashSet;
use std::sync::Arc;

use crate::forum::Failure;
use crate::model::{BoardId, Post, PostId, ThreadId, ThreadPage, Visibility};
use crate::store::{Effect, Follow, Millis, PostRow, Store, StoreError, ThreadRow};

use super::super::record::happened_gone;
use super::{Forum, Reading, Tie, Trouble, Watcher, hide, unread};

/// At most so many missing posts of one page are asked for one by one.
pub const MOST_DOUBTS: usize = 10;

/// Known posts that ought to be on this page, by their ids, and are not.
pub async fn missing(
    store: &dyn Store,
    forum: &Forum,
    thread: &ThreadId,
    page: &ThreadPage,
) -> Result<Vec<PostRow>, StoreError> {
    let number = |post: &Post| post.id.as_str().parse::<u64>().ok();
    let (Some(first), Some(last)) =
        (page.posts.iter().filter_map(number).min(), page.posts.iter().filter_map(number).max())
    else {
        return Ok(Vec::new());
    };
    let from = (page.thread.page > 1).then(|| PostId::new(first.to_string()));
    let to = (page.thread.page < page.thread.pages).then(|| PostId::new(last.to_string()));
    let shown: HashSet<&PostId> = page.posts.iter().map(|post| &post.id).collect();
    let mut rows = store.posts_between(&forum.key, thread, from.as_ref(), to.as_ref()).await?;
    rows.retain(|row| !shown.contains(&row.post) && row.post.as_str().parse::<u64>().is_ok());
    Ok(rows)
}

/// Asks the forum for a post that is not where it was, and believes only a clear answer.
pub async fn doubt(
    forum: &Forum,
    reading: &Reading<'_>,
    row: &PostRow,
    now: Millis,
) -> Result<Vec<Effect>, Trouble> {
    let page = match forum.engine.page_with_post(&row.post).await {
        Ok(page) => page,
        Err(Failure::Gone(_)) => return Ok(reading.gone(&row.post, now)?),
        Err(failure) => return Err(failure.into()),
    };
    let Some(post) = page.posts.iter().find(|post| post.id == row.post) else {
        return Ok(Vec::new());
    };
    if matches!(post.visibility, Visibility::Deleted | Visibility::AwaitingApproval) {
        return Ok(reading.gone(&row.post, now)?);
    }
    let Some(thread) = page.thread.id.clone().filter(|thread| thread != &row.thread) else {
        return Ok(Vec::new());
    };
    // It was moved to another thread: it stays in Discord only where that thread is carried too.
    let mut effects = vec![Effect::Post(PostRow { thread: thread.clone(), ..row.clone() })];
    for tie in reading.ties {
        if !tie.covers(page.thread.board.id.as_ref(), &thread) {
            effects.push(hide(tie, reading.thread, &row.post, now)?);
        }
    }
    Ok(effects)
}

/// In place of the marker of a thread that is gone or lies where it is not carried: should it come back, it is read as
/// if for the first time.
pub const AWAY: &str = "away";

/// What it means that a thread lies on another board now: it is withdrawn where that board is not carried.
pub async fn moved_away(
    store: &dyn Store,
    forum: &Forum,
    thread: &ThreadId,
    board: &BoardId,
    ties: &[Arc<Tie>],
) -> Result<Vec<Effect>, StoreError> {
    let Some(row) = store.thread(&forum.key, thread).await? else { return Ok(Vec::new()) };
    if row.board.as_ref() == Some(board) || row.board.is_none() {
        return Ok(Vec::new());
    }
    let left: Vec<_> = ties
        .iter()
        .filter(|tie| tie.covers(row.board.as_ref(), thread) && !tie.covers(Some(board), thread))
        .collect();
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let kept = ties.iter().any(|tie| tie.covers(Some(board), thread));
    let now = store.now().await?;
    let mut effects = vec![Effect::Thread(ThreadRow { board: Some(board.clone()), ..row })];
    for post in store.thread_posts(&forum.key, thread).await? {
        for tie in &left {
            effects.push(hide(tie, thread, &post.post, now)?);
        }
        if !kept {
            effects.push(happened_gone(&forum.key, &post.post));
            effects.push(Effect::PostGone { forum: forum.key.clone(), post: post.post });
        }
    }
    for tie in &left {
        effects.push(Effect::Follow(Follow { marker: AWAY.to_owned(), ..unread(tie, thread) }));
    }
    Ok(effects)
}

/// Whether posts of a thread that is gone live on in another, and a page that holds one. A few of them are asked
/// for; only when all are denied is the whole thread believed gone.
pub async fn lives_on(forum: &Forum, posts: &[PostRow]) -> Result<Option<ThreadPage>, Failure> {
    let step = posts.len().div_ceil(MOST_DOUBTS).max(1);
    for row in posts.iter().step_by(step).chain(posts.last()) {
        match forum.engine.page_with_post(&row.post).await {
            Err(Failure::Gone(_)) => {}
            Err(failure) => return Err(failure),
            Ok(page) => return Ok(Some(page)),
        }
    }
    Ok(None)
}

impl Watcher {
    /// A thread that lies on another board now is withdrawn where that board is not carried.
    pub(super) async fn moved_away(
        &mut self,
        thread: &ThreadId,
        board: &BoardId,
        ties: &[Arc<Tie>],
    ) -> Result<(), Trouble> {
        let effects = moved_away(&*self.heart.store, &self.forum, thread, board, ties).await?;
        if !effects.is_empty() {
            tracing::info!(forum = %self.forum.key, %thread, %board, "the thread moved to another board");
        }
        self.commit(effects).await
    }

    /// The forum has no such thread any more, or shows it to others only.
    pub(super) async fn thread_gone(&mut self, thread: &ThreadId, why: &str) -> Result<(), Trouble> {
        let posts = self.heart.store.thread_posts(&self.forum.key, thread).await?;
        self.again.forget(thread);
        if posts.is_empty() {
            return Ok(());
        }
        if let Some(page) = lives_on(&self.forum, &posts).await? {
            return self.live_on(thread, posts, page).await;
        }
        tracing::info!(forum = %self.forum.key, %thread, "the thread is gone: {why}");
        let now = self.heart.store.now().await?;
        let ties = self.heart.ties.of_forum(&self.forum.key);
        let mut effects = Vec::new();
        for tie in &ties {
            let followed = self.heart.store.follows(tie.id(), std::slice::from_ref(thread)).await?;
            effects.extend(followed.into_iter().map(|follow| {
                Effect::Follow(Follow { marker: AWAY.to_owned(), ..unread(tie, &follow.thread) })
            }));
        }
        for row in posts {
            for tie in &ties {
                effects.push(hide(tie, thread, &row.post, now)?);
            }
            effects.push(happened_gone(&self.forum.key, &row.post));
            effects.push(Effect::PostGone { forum: self.forum.key.clone(), post: row.post });
        }
        self.commit(effects).await
    }

    /// The posts of a thread that is gone were put into other threads: each is looked for, a page at a time.
    async fn live_on(
        &mut self,
        thread: &ThreadId,
        posts: Vec<PostRow>,
        first: ThreadPage,
    ) -> Result<(), Trouble> {
        tracing::info!(forum = %self.forum.key, %thread, "the thread was merged into another");
        let mut left: Vec<PostId> = posts.into_iter().map(|row| row.post).collect();
        let mut found = Some(first);
        loop {
            let page = match found.take() {
                Some(page) => Some(page),
                None => {
                    let Some(post) = left.first().cloned() else { return Ok(()) };
                    match self.forum.engine.page_with_post(&post).await {
                        Ok(page) if page.posts.iter().any(|other| other.id == post) => Some(page),
                        Ok(_) | Err(Failure::Gone(_)) => {
                            left.remove(0);
                            self.withdraw(thread, &post).await?;
                            None
                        }
                        Err(failure) => return Err(failure.into()),
                    }
                }
            };
            if let Some(page) = page {
                left.retain(|post| !page.posts.iter().any(|other| other.id == *post));
                Box::pin(self.reread(thread, Ok(page))).await?;
            }
        }
    }

    async fn withdraw(&mut self, thread: &ThreadId, post: &PostId) -> Result<(), Trouble> {
        let now = self.heart.store.now().await?;
        let mut effects = vec![
            Effect::PostGone { forum: self.forum.key.clone(), post: post.clone() },
            happened_gone(&self.forum.key, post),
        ];
        for tie in self.heart.ties.of_forum(&self.forum.key) {
            effects.push(hide(&tie, thread, post, now)?);
        }
        self.commit(effects).await
    }
}
