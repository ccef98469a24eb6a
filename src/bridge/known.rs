//! Everything that is known before a page is recorded, gathered from the database.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::Start;
use crate::forum::Account;
use crate::model::{MessageId, PostId, ThreadId, ThreadPage};
use crate::store::{BridgeId, Millis, PostRow, Store, StoreError, Submission};

use super::Forum;
use super::record::{Followed, origin_message};
use super::tie::Tie;

pub struct Known {
    pub posts: HashMap<PostId, PostRow>,
    /// Submissions whose message a post on the page names as its origin.
    pub submissions: HashMap<MessageId, Submission>,
    /// For each bridge that has followed the thread up to a post: from where on, and to where.
    pub followed: HashMap<BridgeId, Followed>,
    pub account: Option<Account>,
    pub now: Millis,
}

impl Known {
    pub async fn of(
        store: &dyn Store,
        forum: &Forum,
        thread: &ThreadId,
        page: &ThreadPage,
        ties: &[Arc<Tie>],
    ) -> Result<Self, StoreError> {
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
        let account = forum.account().filter(|account| !account.name.is_empty());
        let mut submissions = HashMap::new();
        for message in page.posts.iter().filter_map(|post| origin_message(post, account.as_ref())) {
            if let Some(submission) = store.submission(message).await? {
                submissions.insert(message, submission);
            }
        }
        Ok(Self {
            posts: rows.into_iter().map(|row| (row.post.clone(), row)).collect(),
            submissions,
            followed,
            account,
            now: store.now().await?,
        })
    }
}
