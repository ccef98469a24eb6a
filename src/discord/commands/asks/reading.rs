//! Reading: threads, lists of threads, and suggestions.

use async_trait::async_trait;

use super::{Asker, Suggestion, not_here};
use crate::model::{ForumKey, Member, PostId, SearchPage, ThreadId, ThreadPage, ThreadSummary};

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

/// What to search for; words or an author.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    pub words: String,
    pub author: Option<String>,
    /// A board's id or name.
    pub board: Option<String>,
    /// From 1.
    pub page: u32,
}

/// What a search found, of what may be shown here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchView {
    pub forum: ForumKey,
    pub forum_name: String,
    pub wanted: Wanted,
    pub found: SearchPage,
}

/// A member, as the forum tells of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    pub forum_name: String,
    pub member: Member,
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

    /// Posts that hold these words.
    async fn search(&self, _: Asker, _wanted: Wanted, _forum: Option<&str>) -> Result<SearchView, String> {
        not_here()
    }

    /// A member, by name or by their page's address.
    async fn member(&self, _: Asker, _member: &str, _forum: Option<&str>) -> Result<MemberView, String> {
        not_here()
    }

    /// Threads whose title holds these words. Must be quick: no question to a forum.
    async fn complete_threads(&self, asker: Asker, forum: Option<&str>, words: &str) -> Vec<Suggestion>;

    /// Boards whose name holds these words. Must be quick too.
    async fn complete_boards(&self, asker: Asker, forum: Option<&str>, words: &str) -> Vec<Suggestion>;

    /// The forums that may be asked from here.
    async fn complete_forums(&self, asker: Asker, words: &str) -> Vec<Suggestion>;
}
