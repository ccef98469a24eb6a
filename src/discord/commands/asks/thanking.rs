//! Thanks: who gave them, who has the most, and giving them.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Asker, not_here};
use crate::model::{MessageId, Thanks, UserId};

/// Who thanked for a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhoView {
    pub forum_name: String,
    /// The post's own address.
    pub url: String,
    pub author: Option<String>,
    pub on_forum: Vec<Thanks>,
    /// May be more than are named.
    pub on_forum_total: u64,
    /// With the time, where it is known.
    pub in_discord: Vec<(UserId, Option<Timestamp>)>,
}

/// How far back thanks are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// The last 7 days.
    Week,
    /// The last 30 days.
    Month,
    All,
}

/// Where thanks were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Forum,
    Discord,
}

/// An author and how often they were thanked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopRow {
    pub name: String,
    pub thanks: u64,
}

/// Those who were thanked most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopView {
    pub forum_name: String,
    pub period: Period,
    pub side: Side,
    /// The most first.
    pub rows: Vec<TopRow>,
    /// All thanks that were counted, and for how many authors.
    pub total: u64,
    pub authors: u64,
}

#[async_trait]
pub trait Thanking: Send + Sync {
    /// Who thanked for a post, found by its address or id.
    async fn who(&self, _: Asker, _post: &str, _forum: Option<&str>) -> Result<WhoView, String> {
        not_here()
    }

    /// Who thanked for the post that a message shows.
    async fn who_of(&self, _: Asker, _message: MessageId) -> Result<WhoView, String> {
        not_here()
    }

    async fn top(
        &self,
        _: Asker,
        _forum: Option<&str>,
        _period: Period,
        _side: Side,
    ) -> Result<TopView, String> {
        not_here()
    }

    /// Thanks the author of the post that a message shows, or takes that back. Tells what is so now.
    async fn thank(&self, _: Asker, _message: MessageId, _on: bool) -> Result<String, String> {
        not_here()
    }
}
