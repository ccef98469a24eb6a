//! Reading: threads, lists of threads, and suggestions.

use async_trait::async_trait;

use super::{Asker, Suggestion, not_here};
use crate::model::{ForumKey, PostId, ThreadId, ThreadPage, ThreadSummary};

/// One page of a thread, as the commands show it.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadView {
    pub forum: ForumKey,
    /// The forum's name for people.
    pub forum_name: String,
    pub thread: ThreadId,
    /// The thread's own address.
    pub url: String,
    pub page: ThreadPage,
    /// The post that was asked for, where one was.
    pub post: Option<PostId>,
    /// A bridge of this guild carries the thread.
    pub mirrored: bool,
}

/// The facts of a thread: its first page, and its last where that is another.
#[derive(Debug, Clone, PartialEq)]
pub struct InfoView {
    pub first: ThreadView,
    pub last: Option<ThreadPage>,
}

/// The threads of a board with the newest posts.
#[derive(Debug, Clone, PartialEq)]
pub struct LatestView {
    pub forum: ForumKey,
    pub forum_name: String,
    /// The board, where one was asked for.
    pub board: Option<String>,
    pub url: Option<String>,
    /// The newest first.
    pub threads: Vec<ThreadSummary>,
}

#[async_trait]
pub trait Forums: Send + Sync {
    /// A page of a thread, found by an address of any style, an id or a suggestion's value. Without a
    /// page, the one that the address names, or the first.
    async fn thread(
        &self,
        asker: Asker,
        thread: &str,
        forum: Option<&str>,
        page: Option<u32>,
    ) -> Result<ThreadView, String>;

    /// What there is to know of a thread, found as [`Forums::thread`] finds it.
    async fn info(&self, _: Asker, _thread: &str, _forum: Option<&str>) -> Result<InfoView, String> {
        not_here()
    }

    /// The threads with the newest posts, on one board or all bridged boards.
    async fn latest(
        &self,
        asker: Asker,
        forum: Option<&str>,
        board: Option<&str>,
    ) -> Result<LatestView, String>;

    /// Threads whose title holds these words. Must be quick: no question to a forum.
    async fn complete_threads(&self, asker: Asker, forum: Option<&str>, words: &str) -> Vec<Suggestion>;

    /// Boards whose name holds these words. Must be quick too.
    async fn complete_boards(&self, asker: Asker, forum: Option<&str>, words: &str) -> Vec<Suggestion>;

    /// The forums that may be asked from here.
    async fn complete_forums(&self, asker: Asker, words: &str) -> Vec<Suggestion>;
}
