//! What was asked of the HTTP API and what it answered, for tests.

use jiff::Timestamp;
use serde_json::Value;

/// One request. Kept in the order of the answers.
#[derive(Debug, Clone)]
pub struct Entry {
    pub at: Timestamp,
    pub method: String,
    /// Under `/api/v10`, without the query.
    pub path: String,
    pub query: String,
    /// The route in the words of Discord's OpenAPI file: `/channels/{channel_id}/messages`; empty
    /// when there is none.
    pub route: String,
    /// The channel, guild or webhook that the rate limit goes by.
    pub major: Option<String>,
    /// 0 when the connection was cut instead of an answer.
    pub status: u16,
    /// The JSON body; of a multipart request its `payload_json`.
    pub request: Option<Value>,
    /// How many files came with it.
    pub files: usize,
    pub answer: Option<Value>,
    /// Whether the request was carried out. With `fault` set this may differ from `status`.
    pub done: bool,
    /// The fault that was played.
    pub fault: Option<String>,
    /// The `User-Agent`, which Discord wants to be `DiscordBot (URL, VERSION)`.
    pub user_agent: Option<String>,
}
