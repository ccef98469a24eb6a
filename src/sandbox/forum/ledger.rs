//! What was done to the forum from outside, over HTTP: the truth that tests compare the bridge with.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// A call of an API and its answer, for those who compare it with the official description.
#[derive(Debug, Clone)]
pub struct ApiCall {
    pub method: String,
    pub path: String,
    pub query: String,
    pub body: Value,
    pub status: u16,
    pub answer: Value,
}

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
