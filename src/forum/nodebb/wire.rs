//! What NodeBB's API answers, as far as the bridge reads it. The same fact may be a number here, text there and a truth
//! value elsewhere, and ids may be addresses (posts that came by federation, since version 4): so ids are text, and
//! facts are read leniently. What only some versions or some rights show is optional.
//! <https://docs.nodebb.org/api/read/>, <https://docs.nodebb.org/api/write/>

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An id as text; empty where there is none.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text,
        _ => String::new(),
    })
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Bool(flag) => flag,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !matches!(text.as_str(), "" | "0" | "false"),
        _ => false,
    })
}

/// A count, or a time in milliseconds; 0 where there is none.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64().unwrap_or(0),
        Value::String(text) => text.parse().unwrap_or(0),
        _ => 0,
    })
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    id(deserializer)
}

/// A list, of which gaps and whatever is no such thing are left out.
fn list<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(items) => {
            items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect()
        }
        _ => Vec::new(),
    })
}

/// What the write API puts round every answer.
#[derive(Debug, Deserialize)]
pub struct Answer<T> {
    pub response: T,
}

/// A topic and one page of its posts.
#[derive(Debug, Deserialize)]
pub struct Topic {
    #[serde(deserialize_with = "id")]
    pub tid: String,
    #[serde(default, deserialize_with = "id")]
    pub cid: String,
    #[serde(default)]
    pub title: String,
    /// Until 4.14 the title is escaped, and this is not; afterwards the title is as it is.
    #[serde(rename = "titleRaw")]
    pub title_raw: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub slug: String,
    /// Those that were deleted are counted.
    #[serde(default, deserialize_with = "count")]
    pub postcount: u64,
    #[serde(default, deserialize_with = "flag")]
    pub deleted: bool,
    /// It appears later.
    #[serde(default, deserialize_with = "flag")]
    pub scheduled: bool,
    #[serde(default, deserialize_with = "flag")]
    pub locked: bool,
    #[serde(default, deserialize_with = "flag")]
    pub pinned: bool,
    #[serde(default, deserialize_with = "list")]
    pub tags: Vec<Tag>,
    pub posts: Vec<Option<Post>>,
    pub category: Option<Category>,
    #[serde(default)]
    pub privileges: Privileges,
    #[serde(default, deserialize_with = "list")]
    pub related: Vec<Listed>,
    pub pagination: Option<Pagination>,
    #[serde(rename = "loggedIn")]
    pub logged_in: Option<bool>,
    /// To whom it is shown who voted: `all`, `loggedin` or `privileged`.
    #[serde(rename = "upvoteVisibility")]
    pub upvote_visibility: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Privileges {
    #[serde(default, rename = "topics:reply", deserialize_with = "flag")]
    pub reply: bool,
    #[serde(default, rename = "posts:edit", deserialize_with = "flag")]
    pub edit: bool,
    #[serde(default, rename = "posts:upvote", deserialize_with = "flag")]
    pub upvote: bool,
    #[serde(default, rename = "isAdminOrMod", deserialize_with = "flag")]
    pub is_staff: bool,
}

#[derive(Debug, Default, Deserialize)]
pub struct Pagination {
    #[serde(default, rename = "pageCount", deserialize_with = "count")]
    pub pages: u64,
}

#[derive(Debug, Deserialize)]
pub struct Tag {
    pub value: String,
}

#[derive(Debug, Deserialize)]
pub struct Post {
    #[serde(deserialize_with = "id")]
    pub pid: String,
    #[serde(default, deserialize_with = "id")]
    pub uid: String,
    /// HTML.
    #[serde(default, deserialize_with = "text")]
    pub content: String,
    #[serde(default, deserialize_with = "count")]
    pub timestamp: u64,
    /// 0 where it never was.
    #[serde(default, deserialize_with = "count")]
    pub edited: u64,
    #[serde(default, deserialize_with = "flag")]
    pub deleted: bool,
    /// Its place in the topic, from 0; those that were deleted keep theirs.
    pub index: Option<u32>,
    #[serde(default, deserialize_with = "count")]
    pub upvotes: u64,
    /// Whether the viewer did.
    #[serde(default, deserialize_with = "flag")]
    pub upvoted: bool,
    #[serde(default, rename = "selfPost", deserialize_with = "flag")]
    pub own: bool,
    pub user: Option<User>,
    /// Of posts that came by federation; files of the forum's own are links in the words.
    #[serde(default, deserialize_with = "list")]
    pub attachments: Vec<Attachment>,
}

#[derive(Debug, Deserialize)]
pub struct Attachment {
    pub url: String,
    pub name: Option<String>,
    #[serde(rename = "mediaType")]
    pub media_type: Option<String>,
}

/// A member as lists show them. `uid` is 0 for guests and for members who are gone.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct User {
    #[serde(default, deserialize_with = "id")]
    pub uid: String,
    #[serde(default, deserialize_with = "text")]
    pub username: String,
    pub picture: Option<String>,
    pub postcount: Option<u64>,
    #[serde(default, rename = "selectedGroups", deserialize_with = "list")]
    pub groups: Vec<Group>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Group {
    #[serde(default, rename = "userTitle", deserialize_with = "text")]
    pub title: String,
}

/// One page of a category's topics.
#[derive(Debug, Deserialize)]
pub struct CategoryPage {
    #[serde(deserialize_with = "id")]
    pub cid: String,
    #[serde(default, deserialize_with = "text")]
    pub name: String,
    pub topics: Vec<Option<Listed>>,
    #[serde(default, deserialize_with = "list")]
    pub children: Vec<Category>,
    pub pagination: Option<Pagination>,
    #[serde(rename = "loggedIn")]
    pub logged_in: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Listed {
    #[serde(deserialize_with = "id")]
    pub tid: String,
    #[serde(default, deserialize_with = "id")]
    pub cid: String,
    #[serde(default)]
    pub title: String,
    #[serde(rename = "titleRaw")]
    pub title_raw: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub slug: String,
    #[serde(default, deserialize_with = "count")]
    pub postcount: u64,
    #[serde(default, deserialize_with = "count")]
    pub lastposttime: u64,
    #[serde(default, deserialize_with = "flag")]
    pub deleted: bool,
    #[serde(default, deserialize_with = "flag")]
    pub scheduled: bool,
    #[serde(default, deserialize_with = "flag")]
    pub locked: bool,
    #[serde(default, deserialize_with = "flag")]
    pub pinned: bool,
    pub user: Option<User>,
    pub teaser: Option<Teaser>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Teaser {
    pub user: Option<User>,
}

/// Every category that the viewer finds, in one list.
#[derive(Debug, Deserialize)]
pub struct Categories {
    pub categories: Vec<Category>,
    pub pagination: Option<Pagination>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Category {
    #[serde(default, deserialize_with = "id")]
    pub cid: String,
    #[serde(default, deserialize_with = "text")]
    pub name: String,
    #[serde(default, deserialize_with = "text")]
    pub slug: String,
    #[serde(default, rename = "parentCid", deserialize_with = "id")]
    pub parent: String,
    /// It only leads elsewhere.
    #[serde(default, deserialize_with = "text")]
    pub link: String,
    #[serde(default, deserialize_with = "flag")]
    pub disabled: bool,
    #[serde(default, deserialize_with = "list")]
    pub children: Vec<Category>,
}

/// Who up-voted a post, all of them.
#[derive(Debug, Deserialize)]
pub struct Voters {
    #[serde(default, deserialize_with = "list")]
    pub upvoters: Vec<User>,
}

/// Who up-voted a post, a few by name.
#[derive(Debug, Deserialize)]
pub struct Upvoters {
    #[serde(default)]
    pub usernames: Vec<String>,
}

/// A post by itself: what the write API knows of it.
#[derive(Debug, Deserialize)]
pub struct Single {
    #[serde(default, deserialize_with = "flag")]
    pub deleted: bool,
    #[serde(default, deserialize_with = "flag")]
    pub upvoted: bool,
}

#[derive(Debug, Deserialize)]
pub struct Index {
    pub index: u32,
}

/// A post's Markdown.
#[derive(Debug, Deserialize)]
pub struct Raw {
    pub content: String,
}

/// The answer to a new post or topic: itself, or that it waits.
#[derive(Debug, Deserialize)]
pub struct Created {
    /// Waits for a moderator, without an id.
    #[serde(default, deserialize_with = "flag")]
    pub queued: bool,
    #[serde(default, deserialize_with = "id")]
    pub pid: String,
    #[serde(default, deserialize_with = "id")]
    pub tid: String,
    #[serde(default, rename = "mainPid", deserialize_with = "id")]
    pub main: String,
    #[serde(default, deserialize_with = "id")]
    pub uid: String,
}

/// The viewer, or another member.
#[derive(Debug, Clone, Deserialize)]
pub struct Profile {
    #[serde(deserialize_with = "id")]
    pub uid: String,
    #[serde(default, deserialize_with = "text")]
    pub username: String,
    #[serde(default, deserialize_with = "text")]
    pub userslug: String,
    #[serde(default, deserialize_with = "text")]
    pub fullname: String,
    #[serde(default, deserialize_with = "text")]
    pub location: String,
    #[serde(default, deserialize_with = "text")]
    pub website: String,
    pub picture: Option<String>,
    #[serde(rename = "joindateISO")]
    pub joined: Option<String>,
    #[serde(rename = "lastonlineISO")]
    pub last_online: Option<String>,
    pub postcount: Option<u64>,
    #[serde(default)]
    pub reputation: Option<i64>,
    #[serde(default, deserialize_with = "flag")]
    pub banned: bool,
    #[serde(default, rename = "isAdminOrGlobalModeratorOrModerator", deserialize_with = "flag")]
    pub is_staff: bool,
}

/// The forum's settings, as they are for the viewer.
#[derive(Debug, Deserialize)]
pub struct Config {
    #[serde(default, rename = "postsPerPage", deserialize_with = "count")]
    pub posts_per_page: u64,
    #[serde(default, rename = "postQueue", deserialize_with = "flag")]
    pub post_queue: bool,
    #[serde(default, rename = "searchEnabled", deserialize_with = "flag")]
    pub search: bool,
}

/// The newest topics, and what is so everywhere.
#[derive(Debug, Deserialize)]
pub struct Recent {
    #[serde(default, deserialize_with = "list")]
    pub topics: Vec<Listed>,
    #[serde(default, rename = "reputation:disabled", deserialize_with = "flag")]
    pub no_votes: bool,
}

#[derive(Debug, Deserialize)]
pub struct Room {
    #[serde(default, rename = "roomId", deserialize_with = "id")]
    pub id: String,
}

#[derive(Debug, Deserialize)]
pub struct Results {
    #[serde(default, deserialize_with = "list")]
    pub posts: Vec<Hit>,
    #[serde(default, rename = "matchCount", deserialize_with = "count")]
    pub total: u64,
    #[serde(default, rename = "pageCount", deserialize_with = "count")]
    pub pages: u64,
}

/// A post that was searched for.
#[derive(Debug, Deserialize)]
pub struct Hit {
    #[serde(deserialize_with = "id")]
    pub pid: String,
    #[serde(default, deserialize_with = "text")]
    pub content: String,
    #[serde(default, deserialize_with = "count")]
    pub timestamp: u64,
    #[serde(default, deserialize_with = "flag")]
    pub deleted: bool,
    pub user: Option<User>,
    pub topic: Listed,
    pub category: Option<Category>,
}

/// What a refusal of the write API looks like.
#[derive(Debug, Deserialize)]
pub struct Refused {
    pub status: Status,
}

#[derive(Debug, Deserialize)]
pub struct Status {
    #[serde(default)]
    pub message: String,
}
