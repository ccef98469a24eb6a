//! What was done to the forum from outside, over HTTP: the truth that tests compare the bridge with.

use jiff::Timestamp;
use serde::Serialize;

/// One attempt to do something, whether it worked or not. Plain page views are only counted.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    pub at: Timestamp,
    pub member: Option<u64>,
    pub action: Action,
    pub thread: Option<u64>,
    pub post: Option<u64>,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    SignIn,
    SignOut,
    Reply,
    OpenThread,
    Edit,
    Delete,
    Thank,
    WithdrawThanks,
    Mail,
    Search,
    OpenOrClose,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Done,
    /// Taken, and shown to staff only until they approve.
    Awaiting,
    /// Appended to the member's own last post.
    Merged,
    /// The sentence that the forum answered with.
    Refused(String),
}
