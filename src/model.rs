//! What the rooms talk about: boards, threads, posts, members and thanks. No I/O, and nothing that
//! only one engine or only Discord knows.
//!
//! A fact that a page does not state is `None`; nothing is guessed.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::markup::Doc;

/// Ids are text: some engines number their posts, others name them by URL.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }
    };
}

id!(
    /// The short key of a forum in the configuration (`edu`).
    ForumKey
);
id!(BoardId);
id!(ThreadId);
id!(PostId);
id!(MemberId);

/// Discord's ids: 64-bit snowflakes, written as text in JSON.
/// <https://docs.discord.com/developers/reference#snowflakes>
macro_rules! snowflake {
    ($name:ident) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

snowflake!(GuildId);
snowflake!(ChannelId);
snowflake!(MessageId);
snowflake!(UserId);

impl MessageId {
    /// When Discord made it, in milliseconds since the beginning of 2015.
    pub fn milliseconds(self) -> u64 {
        self.0 >> 22
    }
}

/// A section of a forum that holds threads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Board {
    pub id: BoardId,
    pub name: String,
    pub url: Option<String>,
    pub parent: Option<BoardId>,
}

/// A board as a thread page names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardRef {
    pub id: Option<BoardId>,
    pub name: Option<String>,
}

/// One row of a board's thread list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadSummary {
    pub id: ThreadId,
    pub url: String,
    pub title: String,
    pub prefix: Option<String>,
    pub author: Option<String>,
    pub replies: Option<u64>,
    pub last_post_id: Option<PostId>,
    pub last_post_at: Option<Timestamp>,
    pub last_post_by: Option<String>,
    pub sticky: bool,
    pub closed: bool,
    /// The row is only a signpost to a thread that lives on another board.
    pub moved: bool,
    /// Staff see it, readers do not.
    pub deleted: bool,
}

impl ThreadSummary {
    /// Changes whenever the thread gains or loses a post or its own facts change: what the watcher
    /// compares to learn which threads to read. Holds no date text ("Today" becomes a date); the time
    /// of the last post only where the list does not say which post that is.
    pub fn marker(&self) -> String {
        let mut title = 0_u32;
        for byte in self.prefix.iter().flat_map(|p| p.bytes()).chain(self.title.bytes()) {
            title = title.wrapping_mul(31).wrapping_add(u32::from(byte));
        }
        format!(
            "{}/{}/{}{}/{title:x}",
            self.replies.map_or_else(String::new, |n| n.to_string()),
            match (&self.last_post_id, self.last_post_at) {
                (Some(id), _) => id.to_string(),
                (None, Some(at)) => format!("@{}", at.as_millisecond()),
                (None, None) => String::new(),
            },
            if self.closed { "c" } else { "" },
            if self.sticky { "s" } else { "" },
        )
    }
}

/// One page of a board's thread list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardPage {
    pub board: BoardRef,
    pub page: u32,
    pub pages: u32,
    pub threads: Vec<ThreadSummary>,
    /// Boards inside this one.
    pub boards: Vec<Board>,
}

impl BoardPage {
    /// The thread whose last post is the oldest: nothing behind this page is newer. What is pinned, moved or deleted has
    /// no place in that order; a page of nothing else tells nothing of those behind it.
    pub fn oldest(&self) -> Option<&ThreadSummary> {
        self.threads.iter().rev().find(|thread| !(thread.sticky || thread.moved || thread.deleted))
    }
}

/// One page of a thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThreadPage {
    pub thread: Thread,
    pub permissions: Permissions,
    pub posts: Vec<Post>,
}

/// The facts of a thread, and which page of it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    pub id: Option<ThreadId>,
    pub url: Option<String>,
    pub title: String,
    pub prefix: Option<String>,
    pub board: BoardRef,
    pub closed: Option<bool>,
    pub sticky: Option<bool>,
    pub page: u32,
    pub pages: u32,
    pub first_result: Option<u64>,
    pub last_result: Option<u64>,
    pub total_results: Option<u64>,
    pub tags: Vec<String>,
    pub reply_allowed: Option<bool>,
    pub similar: Vec<SimilarThread>,
    pub browsing: Option<Browsing>,
}

/// A thread that the forum names as similar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimilarThread {
    pub id: Option<ThreadId>,
    pub url: String,
    pub title: String,
    pub author: Option<String>,
    pub board: Option<String>,
    pub replies: Option<u64>,
    pub last_post_at: Option<Timestamp>,
}

/// Who is looking at a thread now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Browsing {
    pub total: u64,
    pub members: u64,
    pub guests: u64,
}

/// What the viewer may do on a board, as the forum states it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions {
    pub post_threads: Option<bool>,
    pub post_replies: Option<bool>,
    pub post_attachments: Option<bool>,
    pub edit_posts: Option<bool>,
}

/// One post.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Post {
    pub id: PostId,
    pub url: String,
    /// Its place in the thread, from 1.
    pub number: Option<u32>,
    pub title: Option<String>,
    pub posted_at: Option<Timestamp>,
    /// The date as the page writes it.
    pub posted_text: Option<String>,
    pub edited_at: Option<Timestamp>,
    pub author: Author,
    pub body: Doc,
    pub quotes: Vec<QuoteRef>,
    pub mentions: Vec<String>,
    pub attachments: Vec<Attachment>,
    pub thanks: Vec<Thanks>,
    /// How many members thanked this post; may exceed `thanks` where the forum shows only some.
    pub thanks_total: Option<u64>,
    pub visibility: Visibility,
    /// What the page lets the viewer do about thanks.
    pub viewer_thanks: ViewerThanks,
}

/// Whether a post's words are on the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    #[default]
    Shown,
    /// Soft-deleted: staff see a notice in its place.
    Deleted,
    /// The viewer ignores its author.
    Ignored,
    /// Staff see it before a moderator has let it through; readers do not.
    AwaitingApproval,
}

/// The viewer's own thanks, as the page's thanks button tells it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewerThanks {
    /// No button: a guest, the viewer's own post, or not allowed.
    #[default]
    Unknown,
    /// The viewer may thank and has not.
    Possible,
    /// The viewer has thanked.
    Given,
}

/// Who wrote a post.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    pub id: Option<MemberId>,
    pub name: String,
    pub title: Option<String>,
    pub avatar_url: Option<String>,
    /// As the page writes it (`Nov 2005`): boards differ in how exact they are.
    pub joined: Option<String>,
    pub location: Option<String>,
    pub posts: Option<u64>,
    pub thanks_given: Option<u64>,
    pub thanks_received: Option<u64>,
    pub posts_thanked: Option<u64>,
    pub blog_entries: Option<u64>,
    /// Not, or no longer, a member.
    pub guest: bool,
}

/// A quote inside a post: of whom, and of which post where the page links it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteRef {
    pub author: Option<String>,
    pub post_id: Option<PostId>,
}

/// A file that hangs on a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Empty where the page does not tell it.
    pub name: String,
    pub url: String,
    /// As the page writes it (`55.2 KB`).
    pub size: Option<String>,
    pub image: bool,
}

/// One member's thanks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thanks {
    pub name: String,
    pub member_id: Option<MemberId>,
    /// The day in the forum's own time zone; the add-on shows no time of day.
    pub on: Option<Date>,
}

/// Whom to look up: by id where it is known, else by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberKey {
    Id(MemberId),
    Name(String),
}

/// A member, as the forum's own page about them tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub id: Option<MemberId>,
    pub name: String,
    pub url: Option<String>,
    pub title: Option<String>,
    pub avatar_url: Option<String>,
    /// As the page writes it: boards differ in how exact they are.
    pub joined: Option<String>,
    pub last_active: Option<String>,
    pub location: Option<String>,
    pub posts: Option<u64>,
    pub thanks_given: Option<u64>,
    pub thanks_received: Option<u64>,
    pub posts_thanked: Option<u64>,
    /// Whatever else the page states, label and value, in its order.
    pub fields: Vec<(String, String)>,
}

/// What to search a forum for. Words or an author must be given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Search {
    pub words: String,
    /// Only posts by the member of this name.
    pub author: Option<String>,
    pub board: Option<BoardId>,
    /// Which page of the results, from 1; 0 is taken for 1.
    pub page: u32,
}

/// One page of search results. No match is a page without hits, not an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchPage {
    pub page: u32,
    pub pages: u32,
    /// How many hits there are on all pages, where the forum says so.
    pub total: Option<u64>,
    pub hits: Vec<Found>,
}

/// One hit: a post, or a thread where the forum lists threads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub thread: Option<ThreadId>,
    pub post: Option<PostId>,
    /// Of the post where there is one, else of the thread.
    pub url: String,
    /// The thread's title.
    pub title: String,
    /// Who wrote the post, or opened the thread.
    pub author: Option<String>,
    pub board: BoardRef,
    /// When the post was written, or the thread's last post.
    pub at: Option<Timestamp>,
    /// The beginning of the post's words.
    pub snippet: Option<String>,
    pub replies: Option<u64>,
}
