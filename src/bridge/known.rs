//! Everything that is known before a page is recorded, gathered from the database and, of what was written in members'
//! names, from the forum.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::Start;
use crate::model::{Post, PostId, ThreadId, ThreadPage};
use crate::store::{BridgeId, Millis, PostRow, Store, Submission};

use super::record::{Followed, origin_message};
use super::tie::Tie;
use super::watch::Trouble;
use super::{Forum, actor};

pub struct Known {
    pub posts: HashMap<PostId, PostRow>,
    /// Which of the page's posts came from Discord, and as what.
    pub origins: HashMap<PostId, Submission>,
    /// For each bridge that has followed the thread up to a post: from where on, and to where.
    pub followed: HashMap<BridgeId, Followed>,
    pub now: Millis,
}

impl Known {
    pub async fn of(
        store: &dyn Store,
        forum: &Forum,
        thread: &ThreadId,
        page: &ThreadPage,
        ties: &[Arc<Tie>],
    ) -> Result<Self, Trouble> {
        let mut followed = HashMap::new();
        for tie in ties {
            let follow = store.follows(tie.id(), std::slice::from_ref(thread)).await?.into_iter().next();
            let Some(to) = follow.and_then(|follow| follow.last_post) else { continue };
            let after = match tie.bridge.start {
                Start::All => Some(PostId::new("")),
                // An empty board, unless only the time is known where its history ends.
                Start::Now => tie
                    .bridge
                    .baseline
                    .clone()
                    .filter(|post| !post.as_str().is_empty() || tie.bridge.baseline_at.is_none()),
                // History ends somewhere before the first post that was shown.
                Start::Newest(_) => {
                    store.thread_posts(&forum.key, thread).await?.into_iter().next().map(|row| row.post)
                }
            };
            followed.insert(tie.id(), Followed { after, to });
        }
        let ids: Vec<PostId> = page.posts.iter().map(|post| post.id.clone()).collect();
        let rows = store.posts(&forum.key, &ids).await?;
        let posts: HashMap<_, _> = rows.into_iter().map(|row| (row.post.clone(), row)).collect();
        let origins = origins(store, forum, thread, page, &posts).await?;
        Ok(Self { posts, origins, followed, now: store.now().await? })
    }
}

/// Which of a page's posts came from Discord: those of the bridge's own account say so, and those that were written in
/// a member's name are known, or waited for.
async fn origins(
    store: &dyn Store,
    forum: &Forum,
    thread: &ThreadId,
    page: &ThreadPage,
    known: &HashMap<PostId, PostRow>,
) -> Result<HashMap<PostId, Submission>, Trouble> {
    let account = forum.account().filter(|account| !account.name.is_empty());
    let mut origins = HashMap::new();
    for post in &page.posts {
        if let Some(message) = origin_message(post, account.as_ref())
            && let Some(submission) = store.submission(message).await?
            // Else a moderator made a copy of it.
            && submission.post.as_ref().is_none_or(|own| *own == post.id)
        {
            origins.insert(post.id.clone(), submission);
        }
    }
    let fresh: Vec<&Post> = page.posts.iter().filter(|post| !known.contains_key(&post.id)).collect();
    let ids: Vec<PostId> = fresh.iter().map(|post| post.id.clone()).collect();
    let sent = store.sent_as_members(&forum.key, thread, &ids).await?;
    for post in fresh {
        if let Some(known) = sent.iter().find(|it| it.post.as_ref() == Some(&post.id)) {
            origins.insert(post.id.clone(), known.clone());
            continue;
        }
        let by_author =
            |it: &&Submission| it.post.is_none() && it.member.is_some() && it.member == post.author.id;
        let waiting: Vec<&Submission> = sent.iter().filter(by_author).collect();
        let Some(oldest) = waiting.iter().map(|it| it.message).min() else { continue };
        let named = actor::named(forum, post, oldest).await?;
        if let Some(own) = waiting.into_iter().find(|it| named.contains(&it.message)) {
            origins.insert(post.id.clone(), own.clone());
        }
    }
    Ok(origins)
}
