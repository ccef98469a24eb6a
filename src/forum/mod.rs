//! Forums, as the bridge sees them: the [`Engine`] trait with its declared [`Capabilities`], the
//! failures that the bridge can tell apart, and the polite HTTP client that all engines share. One
//! room an engine; nothing about Discord or the database may enter here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::clock::Clock;
use crate::config::ForumConfig;
use crate::markup::Doc;
use crate::model::{
    Board, BoardId, BoardPage, Member, MemberId, MemberKey, PostId, Search, SearchPage, ThreadId, ThreadPage,
};

pub mod charset;
pub mod client;
pub mod discourse;
pub mod feed;
mod hints;
pub mod nodebb;
pub mod vbulletin4;

/// What an engine can do. The bridge asks here before it promises anything to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    pub reply: bool,
    pub edit: bool,
    pub delete: bool,
    pub open_thread: bool,
    pub thank: bool,
    pub withdraw_thanks: bool,
    /// Posts and thanks can be made in the name of a linked member.
    pub act_as_member: bool,
    /// A post can say which one it answers, so that it need not be quoted.
    pub reply_to: bool,
    /// The forum can tell us of news; polling is only the safety net.
    pub push: bool,
    /// It only tells, and nobody can answer: a board's list is all that it tells of, each thread is one post, and what
    /// is in the list no more may be there all the same ([`Failure::Untold`]).
    pub broadcast: bool,
}

/// What an engine may be unable to do, as [`Failure::Unsupported`] words it.
pub mod cannot {
    pub const REPLY: &str = "take replies";
    pub const EDIT: &str = "let posts be edited";
    pub const DELETE: &str = "let posts be deleted";
    pub const OPEN: &str = "take new threads";
    pub const THANK: &str = "take thanks";
    pub const ACT_AS_MEMBER: &str = "act as another member";
}

/// In whose name something is written. Only where [`Capabilities::act_as_member`] says so, or after
/// [`Engine::resume`], may it be anybody but the bridge; an engine that can't answers [`Failure::Unsupported`], never as somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The bridge's own account.
    Bridge,
    /// A member who has proven to be the person in Discord. Some engines go by the id and some by the name, so both
    /// were noted when the account was linked.
    Member { id: MemberId, name: String },
}

/// The account that the bridge uses on a forum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: Option<MemberId>,
    pub name: String,
}

/// What keeps a member signed in, to be handed back to [`Engine::resume`].
#[derive(Clone)]
pub struct MemberSession {
    pub member: MemberId,
    pub name: String,
    pub secret: SecretString,
}

/// Which page of a thread to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageRef {
    /// From 1.
    Number(u32),
    Last,
    /// The page that holds this post.
    With(PostId),
}

/// A post to be written. The engine turns the body into its own dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub body: Doc,
    /// The post that this one answers, where the engine can say so.
    pub reply_to: Option<PostId>,
    /// The address of what it comes from, for an engine that [`Engine::keeps_origin`].
    pub origin: Option<String>,
}

/// How a forum took a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    Live {
        post: PostId,
    },
    /// The forum put the words into an older post of the same account, which was the thread's last.
    Merged {
        post: PostId,
    },
    /// It waits for a moderator: nobody else sees it, and it has no id yet.
    AwaitingApproval,
    /// The forum took it but did not say under which id; look for it on the thread's last page.
    Unnamed,
}

/// How a forum took a new thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    Live {
        thread: ThreadId,
        /// Its first post, where the forum says.
        post: Option<PostId>,
    },
    /// It waits for a moderator: nobody else sees it, and it has no id yet.
    AwaitingApproval,
}

/// Something that a forum's account or token lacks, of all that the engine could do with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// What doesn't work, and why: one sentence.
    pub what: String,
    /// How an admin of the forum grants it.
    pub mend: String,
}

/// News that a forum pushed, as it came in.
pub struct Delivery<'a> {
    headers: &'a (dyn Fn(&str) -> Option<&'a str> + Sync),
    pub body: &'a [u8],
}

impl<'a> Delivery<'a> {
    /// `headers` answers for names in lower case.
    pub fn new(headers: &'a (dyn Fn(&str) -> Option<&'a str> + Sync), body: &'a [u8]) -> Self {
        Self { headers, body }
    }

    pub fn header(&self, name: &str) -> Option<&'a str> {
        (self.headers)(name)
    }
}

/// Where a push says that something happened. A hint: what is true is read from the forum. Whoever hears it sees to
/// it that no delivery is heard twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    pub thread: Option<ThreadId>,
    pub post: Option<PostId>,
    /// What this delivery is told apart by: one that shares any of them was here before. None lives longer than
    /// the engine would listen to the delivery.
    pub names: Vec<String>,
}

/// Why a forum did not do what it was asked. The bridge branches on exactly these.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Certainly not done; worth another try after this time. The reason is for people.
    #[error("{reason}")]
    Later { after: Duration, reason: String },

    /// It may or may not have been done: look before trying again.
    #[error("the forum's answer did not arrive: {reason}")]
    Uncertain { reason: String },

    /// The forum said no, and would again. The sentence is for the person who asked.
    #[error("{0}")]
    Refused(Refusal),

    /// The forum has no such thread, post or board, or shows it to others only.
    #[error("{0}")]
    Gone(String),

    /// The bridge's own account cannot sign in (wrong password, banned, locked out). An admin must act.
    #[error("{0}")]
    SignIn(String),

    /// It was told of once and is no longer, which does not mean that it is gone. Never to be taken for a removal.
    #[error("{0}")]
    Untold(String),

    /// The answer is not a page of this engine. Never to be taken for an empty thread.
    #[error("{0}")]
    Unreadable(String),

    /// This engine cannot do that at all.
    #[error("this forum's software can't {0}")]
    Unsupported(&'static str),
}

/// A lasting no from the forum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    pub kind: RefusalKind,
    /// One sentence for the person who asked.
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    Closed,
    NoPermission,
    TooShort,
    TooLong,
    TooManyImages,
    /// The edit or withdrawal came too late.
    TooLate,
    /// The very same text was posted moments ago.
    Duplicate,
    /// The member's own session has ended.
    SignedOut,
    Other,
}

impl Failure {
    pub fn refused(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self::Refused(Refusal { kind, message: message.into() })
    }
}

/// A forum's software, spoken to over HTTP.
///
/// Reading never changes anything on the forum. Whatever writes either certainly did it (`Ok`),
/// certainly did not (any failure but `Uncertain`), or says `Uncertain`.
#[async_trait]
pub trait Engine: Send + Sync {
    fn capabilities(&self) -> Capabilities;

    /// Signs in if there is an account to sign in with; `None` reads as a guest.
    async fn sign_in(&self) -> Result<Option<Account>, Failure>;

    async fn boards(&self) -> Result<Vec<Board>, Failure>;

    /// One page of a board, the threads with the newest posts first (stickies before them). How the bridge learns what
    /// changed: of a thread whose [`marker`](crate::model::ThreadSummary::marker) moved the pages that hold something
    /// new are read, so a summary must tell of every new post, by its last post's id or else by its exact time.
    async fn board(&self, board: &BoardId, page: u32) -> Result<BoardPage, Failure>;

    async fn thread(&self, thread: &ThreadId, page: PageRef) -> Result<ThreadPage, Failure>;

    /// The page that holds this post, whichever thread it is in by now.
    async fn page_with_post(&self, post: &PostId) -> Result<ThreadPage, Failure>;

    async fn reply(&self, _actor: &Actor, _thread: &ThreadId, _draft: &Draft) -> Result<Posted, Failure> {
        Err(Failure::Unsupported(cannot::REPLY))
    }

    /// Replaces the words of a post that the same actor wrote.
    async fn edit(&self, _actor: &Actor, _post: &PostId, _draft: &Draft) -> Result<(), Failure> {
        Err(Failure::Unsupported(cannot::EDIT))
    }

    /// Removes a post that the same actor wrote. Refuses a thread's first post: that would take the
    /// whole thread with it.
    async fn delete(&self, _actor: &Actor, _post: &PostId, _reason: &str) -> Result<(), Failure> {
        Err(Failure::Unsupported(cannot::DELETE))
    }

    async fn open_thread(
        &self,
        _actor: &Actor,
        _board: &BoardId,
        _title: &str,
        _draft: &Draft,
    ) -> Result<Opened, Failure> {
        Err(Failure::Unsupported(cannot::OPEN))
    }

    /// Thanks a post. Already thanked is `Ok`.
    async fn thank(&self, _actor: &Actor, _post: &PostId) -> Result<(), Failure> {
        Err(Failure::Unsupported(cannot::THANK))
    }

    /// Takes the actor's own thanks back. Not thanked is `Ok`.
    async fn withdraw_thanks(&self, _actor: &Actor, _post: &PostId) -> Result<(), Failure> {
        Err(Failure::Unsupported(cannot::THANK))
    }

    /// Whether a post can carry where it comes from without its readers seeing it, for [`Engine::origin`]. What a member
    /// wrote in their own name then needs no attribution.
    fn keeps_origin(&self) -> bool {
        false
    }

    /// The [`Draft::origin`] that a post was written with and still has.
    async fn origin(&self, _post: &PostId) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    /// Whether members can sign in here themselves, so that the bridge acts in their sessions: how [`Actor::Member`]
    /// works where [`Capabilities::act_as_member`] is not so.
    fn takes_sessions(&self) -> bool {
        false
    }

    /// Signs a member in. The password is used once and not kept.
    async fn sign_in_member(&self, _name: &str, _password: &SecretString) -> Result<MemberSession, Failure> {
        Err(Failure::Unsupported("let members sign in from here"))
    }

    /// From now on this member is acted for by this session. When it has ended, that is refused as
    /// [`RefusalKind::SignedOut`].
    fn resume(&self, _member: &MemberId, _secret: &SecretString) -> Result<(), Failure> {
        Err(Failure::Unsupported("let members sign in from here"))
    }

    /// The member is acted for no longer.
    fn forget(&self, _member: &MemberId) {}

    /// Writes to one member, where only they can read it. Both their id and their name are given: some engines go by
    /// the one and some by the other.
    async fn message_member(
        &self,
        _member: &MemberId,
        _name: &str,
        _title: &str,
        _body: &Doc,
    ) -> Result<(), Failure> {
        Err(Failure::Unsupported("send private messages"))
    }

    /// The address of a member's own page, built from what is known of them alone.
    fn member_url(&self, _member: &MemberId, _name: &str) -> Option<String> {
        None
    }

    /// What the account or the token lacks, for `threadbridge check`. Asked after [`Engine::sign_in`].
    async fn lacks(&self) -> Result<Vec<Lack>, Failure> {
        Ok(Vec::new())
    }

    /// Whether a push really comes from the forum, is new and not old; the error is why it is turned away. Nothing in
    /// it is believed.
    fn hear(&self, _delivery: &Delivery<'_>) -> Result<News, String> {
        Err("this forum's software does not push news".to_owned())
    }

    /// All boards at a glance: of each that is told of, a mark that changes whenever a post appears or goes there. So
    /// one question finds the boards with news among many. `None` where the engine knows no such question.
    async fn overview(&self) -> Result<Option<HashMap<BoardId, String>>, Failure> {
        Ok(None)
    }

    /// Searches posts, the newest first. No match is an empty page.
    async fn search(&self, _search: &Search) -> Result<SearchPage, Failure> {
        Err(Failure::Unsupported("be searched"))
    }

    /// What the forum tells about one of its members; [`Failure::Gone`] where there is none of that name.
    async fn member(&self, _member: &MemberKey) -> Result<Member, Failure> {
        Err(Failure::Unsupported("show its members"))
    }

    /// The thread page at an address of this forum, as a browser opens it. By default its ids decide;
    /// an engine whose addresses can't be told apart by their look asks the forum.
    async fn page_at(&self, address: &str) -> Result<ThreadPage, Failure> {
        match self.recognise(address) {
            Some(Place { post: Some(post), .. }) => self.page_with_post(&post).await,
            Some(Place { thread: Some(thread), page, .. }) => {
                self.thread(&thread, PageRef::Number(page.unwrap_or(1))).await
            }
            _ => Err(Failure::Gone("this address names no thread of this forum".to_owned())),
        }
    }

    /// The address at which a person's browser shows this post, built from ids alone.
    fn post_url(&self, thread: &ThreadId, post: &PostId) -> String;

    /// The address of a thread, built from its id alone.
    fn thread_url(&self, thread: &ThreadId) -> String;

    /// The thread, post and page that an address of this forum names; `None` for any other address.
    fn recognise(&self, url: &str) -> Option<Place>;
}

/// What an address on a forum points at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    pub board: Option<BoardId>,
    pub thread: Option<ThreadId>,
    pub post: Option<PostId>,
    pub page: Option<u32>,
    pub member: Option<MemberId>,
}

/// Builds the engine that a forum's configuration names.
pub fn engine(config: &ForumConfig, clock: Arc<dyn Clock>) -> Result<Arc<dyn Engine>, Failure> {
    match config.engine {
        crate::config::EngineName::Vbulletin4 => Ok(Arc::new(vbulletin4::Vbulletin4::new(config, clock)?)),
        crate::config::EngineName::Discourse => Ok(Arc::new(discourse::Discourse::new(config, clock)?)),
        crate::config::EngineName::Feed => Ok(Arc::new(feed::FeedEngine::new(config, clock)?)),
        crate::config::EngineName::Nodebb => Ok(Arc::new(nodebb::Nodebb::new(config, clock)?)),
    }
}
