//! The forum, thread by thread: the threads on the boards' lists, then whatever else is recorded.

use std::collections::HashSet;
use std::sync::Arc;

use crate::config::{Scope, Start};
use crate::discord::{DiscordError, look as looks};
use crate::forum::{Failure, PageRef};
use crate::model::{BoardId, Post, PostId, Thread, ThreadId, ThreadPage, ThreadSummary};
use crate::store::{Effect, Origin, Part, PostRow, Priority, Room, StoreError};

use super::post::{Read, job_of};
use super::report::{Finding, Kind};
use super::{Audit, patiently};
use crate::bridge::Forum;
use crate::bridge::dress::dress_digest;
use crate::bridge::job::{Job, News, ThreadFacts, title_key};
use crate::bridge::known::Known;
use crate::bridge::record::{Behind, Reading, Since, Spot, digest_of};
use crate::bridge::tie::Tie;
use crate::bridge::watch::{Trouble, behind, doubt};

/// Looks at everything of a forum that concerns its bridges.
pub async fn look(audit: &mut Audit<'_>, forum: &Arc<Forum>, ties: &[Arc<Tie>]) -> Result<(), StoreError> {
    let mut walk = Walk { audit, forum, met: HashSet::new() };
    let mut scopes: Vec<&Scope> = ties.iter().map(|tie| &tie.bridge.scope).collect();
    scopes.sort_by_key(|scope| format!("{scope:?}"));
    scopes.dedup();
    for scope in scopes {
        match scope {
            Scope::Board(board) => walk.board(board, ties).await?,
            Scope::Thread(thread) => walk.once(thread, None).await?,
        }
    }
    let mut before = None;
    while let Some(row) = walk.audit.heart.store.thread_before(&forum.key, before.as_ref()).await? {
        before = Some(row.thread.clone());
        let covered = ties.iter().any(|tie| tie.covers(row.board.as_ref(), &row.thread));
        if covered || walk.shown(&row.thread).await? {
            walk.once(&row.thread, None).await?;
        }
    }
    Ok(())
}

struct Walk<'a, 'b> {
    audit: &'a mut Audit<'b>,
    forum: &'a Arc<Forum>,
    /// Digests of the ids of threads that were looked at.
    met: HashSet<i64>,
}

impl Walk<'_, '_> {
    /// The threads of a board, as long as its list tells of any that a bridge may want.
    async fn board(&mut self, board: &BoardId, ties: &[Arc<Tie>]) -> Result<(), StoreError> {
        let own: Vec<_> =
            ties.iter().filter(|tie| tie.bridge.scope == Scope::Board(board.clone())).cloned().collect();
        let mut number = 1;
        loop {
            (self.audit.said)(&format!("{}: board {board}, page {number}", self.forum.key));
            let page = match patiently(async || self.forum.engine.board(board, number).await).await {
                Ok(page) => page,
                Err(failure) => {
                    for tie in &own {
                        let found = format!("Board {board} can't be looked at: {failure}.");
                        self.audit.unseen(Some(tie.id()), found);
                    }
                    return Ok(());
                }
            };
            // Beyond the last page forums show the last, or an empty one.
            if page.page != number || (number > 1 && number > page.pages) {
                return Ok(());
            }
            for summary in page.threads.iter().filter(|summary| !summary.moved && !summary.deleted) {
                let store = &self.audit.heart.store;
                let recorded = store.thread(&self.forum.key, &summary.id).await?.is_some();
                if recorded || self.is_wanted(&own, summary).await? {
                    self.once(&summary.id, Some(summary)).await?;
                }
            }
            let old = |summary: &ThreadSummary| {
                let last = spot(summary);
                own.iter().all(|tie| {
                    tie.bridge.start == Start::Now
                        && match Behind::new(tie.clone(), None).since {
                            Since::After(end) => !last.is_after(&end),
                            _ => false,
                        }
                })
            };
            if number >= page.pages || page.oldest().is_some_and(old) {
                return Ok(());
            }
            number += 1;
        }
    }

    /// Whether a thread that nobody recorded should have been.
    async fn is_wanted(&self, ties: &[Arc<Tie>], summary: &ThreadSummary) -> Result<bool, StoreError> {
        let mut follows = std::collections::HashMap::new();
        for tie in ties {
            let own = self.audit.heart.store.follows(tie.id(), std::slice::from_ref(&summary.id)).await?;
            follows.extend(own.into_iter().map(|follow| ((tie.id().0, follow.thread.clone()), follow)));
        }
        Ok(!behind(ties, &follows, summary).is_empty())
    }

    async fn once(&mut self, thread: &ThreadId, summary: Option<&ThreadSummary>) -> Result<(), StoreError> {
        if !self.met.insert(digest_of(thread.as_str().as_bytes())) {
            return Ok(());
        }
        self.thread(thread, summary).await
    }

    /// Every page of a thread.
    async fn thread(&mut self, thread: &ThreadId, summary: Option<&ThreadSummary>) -> Result<(), StoreError> {
        self.audit.report.seen.threads += 1;
        let mut number = 1;
        loop {
            (self.audit.said)(&format!("{}: thread {thread}, page {number}", self.forum.key));
            let read =
                patiently(async || self.forum.engine.thread(thread, PageRef::Number(number)).await).await;
            let page = match read {
                Ok(page) => page,
                Err(Failure::Gone(_)) if number == 1 => return self.gone(thread).await,
                Err(Failure::Gone(_)) => return Ok(()),
                Err(failure) => {
                    self.cannot_be_seen(thread, &failure).await?;
                    return Ok(());
                }
            };
            let id = page.thread.id.as_ref().unwrap_or(thread).clone();
            if page.thread.page < number {
                return Ok(());
            }
            self.page(&id, &page, summary).await?;
            if page.thread.page >= page.thread.pages {
                return self.dress(&id, &page.thread, summary).await;
            }
            number = page.thread.page + 1;
        }
    }

    async fn cannot_be_seen(&mut self, thread: &ThreadId, failure: &Failure) -> Result<(), StoreError> {
        let row = self.audit.heart.store.thread(&self.forum.key, thread).await?;
        let board = row.and_then(|row| row.board);
        let carried = self.ties().into_iter().find(|tie| tie.covers(board.as_ref(), thread));
        let address = self.forum.engine.thread_url(thread);
        let found = format!("Thread {address} can't be looked at: {failure}.");
        self.audit.unseen(carried.map(|tie| tie.id()), found);
        Ok(())
    }

    fn ties(&self) -> Vec<Arc<Tie>> {
        self.audit.heart.ties.of_forum(&self.forum.key)
    }

    /// Whether any bridge shows something of a thread.
    async fn shown(&self, thread: &ThreadId) -> Result<bool, StoreError> {
        for tie in self.ties() {
            if self.audit.heart.store.first_shown(tie.id(), &self.forum.key, thread).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What the bridge would do with this page if it knew nothing of it but where its history ends.
    async fn page(
        &mut self,
        thread: &ThreadId,
        page: &ThreadPage,
        summary: Option<&ThreadSummary>,
    ) -> Result<(), StoreError> {
        self.audit.report.seen.posts += page.posts.len() as u64;
        let store = self.audit.heart.store.clone();
        let all = self.ties();
        let board = page.thread.board.id.as_ref();
        let ties: Vec<_> = all.iter().filter(|tie| tie.covers(board, thread)).cloned().collect();
        let mut behind = Vec::new();
        for tie in &ties {
            let follow = store.follows(tie.id(), std::slice::from_ref(thread)).await?.pop();
            let first = store.first_shown(tie.id(), &self.forum.key, thread).await?;
            behind.push(Behind::anew(tie.clone(), follow, first));
        }
        let asked = async || Known::of(&*store, self.forum, thread, page, &ties).await.map_err(known_failure);
        let known = match patiently(asked).await {
            Ok(known) => known,
            Err(Doubtful::Forum(failure)) => return self.cannot_be_seen(thread, &failure).await,
            Err(Doubtful::Store(error)) => return Err(error),
        };
        let reading = Reading {
            forum: &self.forum.key,
            thread,
            page,
            summary,
            ties: &ties,
            behind: &behind,
            marker: "",
            priority: Priority::Live,
        };
        let mut effects = reading.effects(&known)?;
        for row in doubt::missing(&*store, self.forum, thread, page).await? {
            if !self.shows(&all, &row.post).await? {
                continue;
            }
            let asked =
                async || doubt::doubt(self.forum, &reading, &row, known.now).await.map_err(known_failure);
            match patiently(asked).await {
                Ok(more) => effects.extend(more),
                Err(Doubtful::Forum(failure)) => {
                    let address = self.forum.engine.post_url(thread, &row.post);
                    let found = format!("Post {address} can't be looked at: {failure}.");
                    self.audit.unseen(ties.first().map(|tie| tie.id()), found);
                }
                Err(Doubtful::Store(error)) => return Err(error),
            }
        }
        if let Some(board) = board {
            effects.extend(doubt::moved_away(&*store, self.forum, thread, board, &all).await?);
        }
        let read = Read { forum: self.forum, thread, page, behind: &behind, effects: &effects };
        self.wanted(&read).await?;
        self.withdrawn(&read).await
    }

    /// Whether a post is shown, or came from Discord, on any of these bridges.
    async fn shows(&self, ties: &[Arc<Tie>], post: &PostId) -> Result<bool, StoreError> {
        for tie in ties {
            if !self.audit.heart.store.parts(tie.id(), post).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The posts that the bridge would show.
    async fn wanted(&mut self, read: &Read<'_>) -> Result<(), StoreError> {
        let mut judged = HashSet::new();
        // First those that it would show anew: what it would only change where it is shown may be among them.
        for wanted in [News::New, News::Changed] {
            for job in read.effects.iter().filter_map(job_of) {
                let Job::Show { bridge, thread, post, news } = job else { continue };
                if news != wanted || !judged.insert((bridge, post.id.clone())) {
                    continue;
                }
                let Some(tie) = self.audit.heart.ties.get(bridge) else { continue };
                // As the page has it; the job has the same.
                let post: &Post = &post;
                self.audit.judge(read, &tie, &thread, post, news).await?;
            }
        }
        Ok(())
    }

    /// The posts that the bridge would take away.
    async fn withdrawn(&mut self, read: &Read<'_>) -> Result<(), StoreError> {
        for job in read.effects.iter().filter_map(job_of) {
            let Job::Hide { bridge, post, .. } = job else { continue };
            let parts = self.audit.heart.store.parts(bridge, &post).await?;
            let Some(first) = parts.iter().find(|part| part.digest != Part::REMOVED) else { continue };
            if self.audit.told.contains(&(bridge, post.clone())) {
                continue;
            }
            if self.audit.waits(bridge, &post).await? {
                self.audit.report.seen.under_way += 1;
                continue;
            }
            let address = read.address(&post);
            let (kind, found) = match first.origin {
                Origin::Forum => (
                    Kind::LeftOver,
                    format!("Post {address} is still in Discord, though the forum no longer shows it there."),
                ),
                Origin::Discord => (
                    Kind::ReplyGone,
                    format!("A reply from Discord, post {address}, is no longer on the forum."),
                ),
            };
            let finding = Finding::new(kind, Some(bridge), found)
                .thread(read.thread)
                .post(&post)
                .at(first.channel, Some(first.message));
            self.audit.told.insert((bridge, post.clone()));
            self.audit.found(finding, Some(read.hiding(bridge, &post))).await?;
        }
        Ok(())
    }

    /// The forum has no such thread any more, or shows it to others only.
    async fn gone(&mut self, thread: &ThreadId) -> Result<(), StoreError> {
        if !self.shown(thread).await? {
            return Ok(());
        }
        let store = self.audit.heart.store.clone();
        let mut posts = store.thread_posts(&self.forum.key, thread).await?;
        let lives_on = patiently(async || doubt::lives_on(self.forum, &posts).await).await;
        let mut found = match lives_on {
            Ok(found) => found,
            Err(failure) => return self.cannot_be_seen(thread, &failure).await,
        };
        let merged = found.is_some();
        while let Some(row) = posts.first().cloned() {
            let page = match found.take() {
                Some(page) => Some(page),
                // All of it is gone: it was asked for often enough.
                None if !merged => None,
                None => match patiently(async || self.forum.engine.page_with_post(&row.post).await).await {
                    Ok(page) => Some(page),
                    Err(Failure::Gone(_)) => None,
                    Err(failure) => return self.cannot_be_seen(thread, &failure).await,
                },
            };
            match page {
                Some(page) if page.posts.iter().any(|post| posts.iter().any(|row| row.post == post.id)) => {
                    posts.retain(|row| !page.posts.iter().any(|post| post.id == row.post));
                    let id = page.thread.id.as_ref().unwrap_or(thread).clone();
                    Box::pin(self.page(&id, &page, None)).await?;
                }
                _ => {
                    posts.remove(0);
                    self.denied(thread, &row).await?;
                }
            }
        }
        Ok(())
    }

    /// A post that the forum denies.
    async fn denied(&mut self, thread: &ThreadId, row: &PostRow) -> Result<(), StoreError> {
        let page =
            ThreadPage { thread: Thread::default(), permissions: Default::default(), posts: Vec::new() };
        let ties = self.ties();
        let reading = Reading {
            forum: &self.forum.key,
            thread,
            page: &page,
            summary: None,
            ties: &ties,
            behind: &[],
            marker: "",
            priority: Priority::Live,
        };
        let effects = reading.gone(&row.post, self.audit.heart.store.now().await?)?;
        let read = Read { forum: self.forum, thread, page: &page, behind: &[], effects: &effects };
        self.withdrawn(&read).await
    }

    /// The Discord threads of a forum thread.
    async fn dress(
        &mut self,
        thread: &ThreadId,
        page: &Thread,
        summary: Option<&ThreadSummary>,
    ) -> Result<(), StoreError> {
        let facts = ThreadFacts::new(thread, page, summary);
        let store = self.audit.heart.store.clone();
        for tie in
            self.ties().into_iter().filter(|tie| tie.threaded() && tie.covers(page.board.id.as_ref(), thread))
        {
            let Some(room) = store.room(tie.id(), thread).await? else {
                if self.audit.wish.repair && self.audit.opened.contains(&(tie.id(), thread.clone())) {
                    // After its posts, in the same lane.
                    let now = store.now().await?;
                    let job = Job::Dress { bridge: tie.id(), thread: facts.clone() };
                    let queued = job.queued(tie.lane(thread), Priority::Live, now)?;
                    self.audit.queue(vec![Effect::Enqueue(queued)]).await?;
                }
                continue;
            };
            let (dress, title) = (format!("dress:{}:{thread}", tie.id().0), title_key(tie.id(), thread));
            if store.standing(&dress).await?.is_some() || store.standing(&title).await?.is_some() {
                // Parked, it is told of already.
                continue;
            }
            let channel = match patiently(async || self.audit.heart.discord.channel(room.channel).await).await
            {
                Ok(channel) => channel,
                Err(DiscordError::Gone(_)) => continue,
                Err(error) => {
                    let found = format!("Discord thread {} can't be looked at: {error}.", room.channel);
                    self.audit.unseen(Some(tie.id()), found);
                    continue;
                }
            };
            let title = looks::thread_title(facts.prefix.as_deref(), &facts.title);
            // Only a board's list knows for sure which threads are closed, and which stick.
            let sure = summary.is_some() || page.closed.is_some();
            let wrong = if channel.name != title {
                format!("is called \"{}\" and should be called \"{title}\"", channel.name)
            } else if sure && channel.locked != facts.closed {
                let (is, should) = if channel.locked { ("closed", "open") } else { ("open", "closed") };
                format!("is {is} and should be {should}")
            } else if summary.is_some() && room.digest != dress_digest(&tie, &facts) {
                "does not have the tags or the place of its forum thread".to_owned()
            } else {
                continue;
            };
            let found = format!("Discord thread {} {wrong}.", room.channel);
            let finding =
                Finding::new(Kind::Dress, Some(tie.id()), found).thread(thread).at(room.channel, None);
            let job = Job::Dress { bridge: tie.id(), thread: facts.clone() };
            let queued = job.queued(tie.lane(thread), Priority::Live, store.now().await?)?;
            // Whatever it was given is forgotten; 0 is for one that was given nothing yet.
            let forgotten = Effect::Room(Room { digest: room.digest.signum(), ..room });
            self.audit.found(finding, Some(vec![forgotten, Effect::Enqueue(queued)])).await?;
        }
        Ok(())
    }
}

/// The last post of a thread, as its board's list tells.
fn spot(summary: &ThreadSummary) -> Spot {
    Spot {
        post: summary.last_post_id.clone(),
        number: None,
        at: summary.last_post_at.map(|at| at.as_millisecond()),
    }
}

/// Why a doubt stays one.
enum Doubtful {
    Forum(Failure),
    Store(StoreError),
}

fn known_failure(trouble: Trouble) -> Doubtful {
    match trouble {
        Trouble::Forum(failure) => Doubtful::Forum(failure),
        Trouble::Store(error) => Doubtful::Store(error),
    }
}

impl super::Delay for Doubtful {
    fn delay(&self) -> Option<std::time::Duration> {
        match self {
            Self::Forum(failure) => failure.delay(),
            Self::Store(_) => None,
        }
    }
}
