//! The database: every SQL statement of the program lives here, once, for SQLite and Postgres.
//!
//! The store knows rows, not meaning. Reads are plain questions. Writes are lists of [`Effect`]s that
//! take effect together or not at all: [`Store::apply`] for news from outside, [`Store::settle`] for
//! the outcome of a job. So each step of the domain is one transaction by construction, and no
//! transaction object leaves this room.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::config::{Layout, Replies, Scope, Start};
use crate::model::{BoardId, ChannelId, ForumKey, GuildId, MemberId, MessageId, PostId, ThreadId, UserId};

mod bell;
mod db;
mod effects;
mod fault;
pub mod history;
mod lease;
pub mod links;
pub mod manage;
mod open;
mod outbox;
pub mod people;
mod prune;
mod rows;
pub mod sessions;
mod sql;
pub mod survey;
pub mod transfer;

pub use open::{migrate, open, open_beside, open_to_read};

/// Milliseconds on the store's own clock. See [`Store::now`].
pub type Millis = i64;

/// A failure of the database. Work stops; nothing is acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another worker holds the job by now, or another replica the lease; whatever was to be written is not.
    #[error("another has taken over by now")]
    LeaseLost,
    /// One sentence for the admin: what is wrong with the database and what to do.
    #[error("{0}")]
    Unusable(String),
    #[error("the database did not answer as expected")]
    Sql(#[source] sqlx::Error),
    #[error("a row of the database can't be read")]
    Json(#[from] serde_json::Error),
}

/// The key of a bridge in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BridgeId(pub i64);

/// A standing tie between a board (or one thread) and a Discord channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    pub id: BridgeId,
    pub forum: ForumKey,
    pub scope: Scope,
    pub channel: ChannelId,
    pub layout: Layout,
    pub replies: Replies,
    pub thanks: Vec<String>,
    pub start: Start,
    /// Made by the configuration file, so not removable from Discord.
    pub from_file: bool,
    pub paused: bool,
    /// The guild that it leads to, once Discord has told.
    pub guild: Option<GuildId>,
    /// Set once the bridge has taken stock of its board: posts up to and including this one are
    /// history (`""` where the board was empty or all of it is wanted).
    pub baseline: Option<PostId>,
    /// When the newest of those posts was made, by the forum's own clock.
    pub baseline_at: Option<Millis>,
}

/// How far a bridge has followed a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follow {
    pub bridge: BridgeId,
    pub thread: ThreadId,
    /// The thread's marker when its last page had been recorded; `""` while there is more to read.
    pub marker: String,
    /// The last post recorded, and its number where the forum numbers posts.
    pub last_post: Option<PostId>,
    pub last_number: Option<u32>,
}

/// What is known of a forum thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadRow {
    pub forum: ForumKey,
    pub thread: ThreadId,
    pub board: Option<BoardId>,
    pub title: String,
}

/// What is known of a forum post: enough to see that it changed, not its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostRow {
    pub forum: ForumKey,
    pub post: PostId,
    pub thread: ThreadId,
    /// A digest of everything that Discord shows of the post, its thanks among it.
    pub digest: i64,
    pub gone: bool,
}

/// One Discord message that shows one part of a post, or the message that a post came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub bridge: BridgeId,
    pub post: PostId,
    pub part: u32,
    /// The channel or Discord thread that holds the message.
    pub channel: ChannelId,
    pub message: MessageId,
    /// A digest of what was sent, so that an unchanged part is not edited.
    pub digest: i64,
    pub origin: Origin,
}

impl Part {
    /// Stands for the digest of a part whose message the bridge is taking away.
    pub const LEAVING: i64 = i64::MIN;
    /// Stands for the digest of a part whose message somebody deleted in Discord. It stays away.
    pub const REMOVED: i64 = i64::MIN + 1;
}

/// On which side a mirrored post was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Forum,
    Discord,
}

/// The Discord thread that shows a forum thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    pub bridge: BridgeId,
    pub thread: ThreadId,
    pub channel: ChannelId,
    /// A digest of the title, tags and state that the Discord thread was last given.
    pub digest: i64,
}

/// A Discord message on its way to the forum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    pub message: MessageId,
    pub bridge: BridgeId,
    pub thread: ThreadId,
    pub channel: ChannelId,
    pub author: UserId,
    /// The member as whom it went to the forum; nothing where that is the bridge's own account.
    pub member: Option<MemberId>,
    /// Set when the forum has it.
    pub post: Option<PostId>,
    pub state: SubmissionState,
    /// A digest of what the person wrote, as it was last brought to the forum.
    pub digest: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubmissionState {
    Queued,
    /// The forum is being asked to take it: it may have it by now. Written down before the forum is asked.
    Sending,
    Posted,
    /// With the forum's moderators.
    AwaitingApproval,
    Refused,
    /// Deleted in Discord and on the forum.
    Withdrawn,
}

/// One person's thanking reaction on a mirrored post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    pub bridge: BridgeId,
    pub post: PostId,
    pub message: MessageId,
    pub user: UserId,
    pub emoji: String,
}

/// A post is thanked on the forum, for somebody in Discord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thanked {
    pub forum: ForumKey,
    pub post: PostId,
    /// Whose thanks the forum shows, and who in Discord that is; `None` is the bridge's own account, which thanks for
    /// everybody who is no member.
    pub by: Option<(MemberId, UserId)>,
}

/// Something to be done to Discord or to a forum. `job` is the bridge's own JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// What must happen in order shares a lane. Lanes whose names are the same up to the second colon are
    /// on one road, and only a few of them are worked on at once.
    pub lane: String,
    /// At most one waiting job a key: a newer one replaces the words of the older and keeps its place.
    pub key: String,
    /// Orders jobs within a lane before their age does: a snowflake for what Discord sends (events
    /// arrive out of order), 0 otherwise.
    pub seq: i64,
    pub priority: Priority,
    pub run_at: Millis,
    /// The lease without which no replica may do it; with `None` every replica may.
    pub needs: Option<String>,
    pub job: serde_json::Value,
}

/// Which lanes go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    Live,
    Backfill,
}

/// A job that this worker may do until its lease runs out.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub id: i64,
    /// Rises with each claim; a stale holder's number no longer fits.
    pub fence: i64,
    /// Rises each time the job's words are replaced.
    pub revision: i64,
    pub lane: String,
    pub key: String,
    pub job: serde_json::Value,
    /// How often the job was claimed before this time.
    pub attempts: u32,
    pub priority: Priority,
    /// How long the claim holds unless it is renewed.
    pub lease: Millis,
    /// [`manage::Manage::bridge_changes`] when it was claimed: whoever does the job is to know the bridges as they were then.
    pub bridges: i64,
}

/// A name that one replica at a time holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub name: String,
    pub holder: String,
    /// Rises with each term.
    pub epoch: i64,
    /// Milliseconds until the term ends; none when it is over.
    pub left: Millis,
}

impl Lease {
    pub fn is_live(&self) -> bool {
        self.left > 0
    }
}

/// What one replica tells the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ring {
    /// There may be a job to do.
    Work,
    /// A bridge changed.
    Bridges,
    /// A lease was given up.
    Leases,
}

/// What becomes of a claimed job.
#[derive(Debug, Clone, PartialEq)]
pub enum Finish {
    /// It is done and leaves the outbox, unless its words were replaced meanwhile: then it waits again.
    Done,
    /// The effects are kept and the claim goes on (one part of several is sent).
    Continue,
    /// Not now: the lane waits for it.
    Retry { at: Millis, reason: String },
    /// Not while this bridge is paused: it waits for [`Store::release`], holds nobody up and counts as not tried.
    Hold { bridge: BridgeId, reason: String },
    /// Not ever, as things are: it stays visible with its reason, and its lane goes on.
    Park { reason: String },
}

/// A job that was given up, for people to see, retry or discard.
#[derive(Debug, Clone, PartialEq)]
pub struct Parked {
    pub id: i64,
    pub lane: String,
    pub key: String,
    pub reason: String,
    pub job: serde_json::Value,
}

/// One change to the database.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Baseline {
        bridge: BridgeId,
        post: PostId,
        at: Option<Millis>,
    },
    Follow(Follow),
    Thread(ThreadRow),
    Post(PostRow),
    /// What this bridge shows may have changed while nobody told it: every post that it shows counts as
    /// changed when it is read next.
    Reexamine {
        bridge: BridgeId,
    },
    /// The post's rows stay (for `why`), marked as gone.
    PostGone {
        forum: ForumKey,
        post: PostId,
    },
    Part(Part),
    /// Forgets the messages of a post from this part on.
    DropParts {
        bridge: BridgeId,
        post: PostId,
        from: u32,
    },
    Room(Room),
    /// Somebody deleted this message in Discord. Nothing, unless it shows a post and the bridge is not just
    /// taking it away itself.
    Removed {
        message: MessageId,
    },
    /// Forgets a Discord thread that is no longer there; whatever was shown in it was deleted with it.
    DropRoom {
        bridge: BridgeId,
        thread: ThreadId,
    },
    Submission(Submission),
    /// A message that waits, or was refused, is to be sent as it is now; in any other state it is left as it is.
    Resubmit {
        message: MessageId,
        digest: i64,
    },
    Reaction(Reaction),
    DropReaction {
        message: MessageId,
        user: UserId,
        emoji: String,
    },
    /// Everyone's, or everyone's of one emoji.
    DropReactions {
        message: MessageId,
        emoji: Option<String>,
    },
    Thanked(Thanked),
    /// Nobody of ours thanks the post in this member's name any more (`None`: by the bridge's own account).
    Unthanked {
        forum: ForumKey,
        post: PostId,
        member: Option<MemberId>,
    },
    /// A member is no longer signed in.
    EndSession {
        forum: ForumKey,
        person: UserId,
    },
    /// Everything in this channel up to this message has been seen. Never moves back.
    Watermark {
        channel: ChannelId,
        message: MessageId,
    },
    /// Who wrote a post and who thanked for it.
    Credit(people::Credit),
    Happened(history::Happened),
    Enqueue(NewJob),
    /// Takes a waiting job back; one that is being done is left alone.
    Cancel {
        key: String,
    },
    /// Takes a parked job away, so that nobody tries it again.
    Discard {
        key: String,
    },
}

/// What the outbox holds, for `/readyz`, metrics and status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    pub waiting: u64,
    pub parked: u64,
    /// Milliseconds that the oldest waiting job is past its time.
    pub oldest: Millis,
}

/// The database. SQLite and Postgres behave the same.
#[async_trait]
pub trait Store:
    people::People + history::History + manage::Manage + links::Links + sessions::Sessions + survey::Survey
{
    /// The clock that `run_at` and leases go by: milliseconds that never run backwards while the
    /// process lives (SQLite: the process's monotonic clock; Postgres: the server's).
    async fn now(&self) -> Result<Millis, StoreError>;

    /// Makes the file's bridges those of the configuration: adds, updates and removes. A bridge keeps
    /// its id and history while its forum, scope and channel stay the same; with one that is removed goes
    /// what was known of it.
    async fn sync_bridges(&self, bridges: &[crate::config::BridgeConfig]) -> Result<Vec<Bridge>, StoreError>;

    async fn bridges(&self) -> Result<Vec<Bridge>, StoreError>;

    /// How far the bridge has followed those of these threads that it follows.
    async fn follows(&self, bridge: BridgeId, threads: &[ThreadId]) -> Result<Vec<Follow>, StoreError>;

    /// Threads that the bridge has still to read to their end, the oldest first.
    async fn unread(&self, bridge: BridgeId, limit: u32) -> Result<Vec<Follow>, StoreError>;

    async fn thread(&self, forum: &ForumKey, thread: &ThreadId) -> Result<Option<ThreadRow>, StoreError>;

    /// The newest thread of a forum that is older than this one, by id; the newest of all without one.
    async fn thread_before(
        &self,
        forum: &ForumKey,
        thread: Option<&ThreadId>,
    ) -> Result<Option<ThreadRow>, StoreError>;

    /// Threads of a forum whose title holds these words, the newest first: for autocomplete.
    async fn threads_like(
        &self,
        forum: &ForumKey,
        words: &str,
        limit: u32,
    ) -> Result<Vec<ThreadRow>, StoreError>;

    /// Those of these posts that are known.
    async fn posts(&self, forum: &ForumKey, posts: &[PostId]) -> Result<Vec<PostRow>, StoreError>;

    /// The posts of a thread that are known and not gone, from the one id to the other where they are given.
    /// Ids are in the order of their numbers.
    async fn posts_between(
        &self,
        forum: &ForumKey,
        thread: &ThreadId,
        from: Option<&PostId>,
        to: Option<&PostId>,
    ) -> Result<Vec<PostRow>, StoreError>;

    /// The newest post of a thread that is known and not gone.
    async fn newest_post(&self, forum: &ForumKey, thread: &ThreadId) -> Result<Option<PostId>, StoreError>;

    /// All posts of a thread that are known and not gone.
    async fn thread_posts(&self, forum: &ForumKey, thread: &ThreadId) -> Result<Vec<PostRow>, StoreError>;

    /// The messages that show a post on a bridge, by part.
    async fn parts(&self, bridge: BridgeId, post: &PostId) -> Result<Vec<Part>, StoreError>;

    /// The post that a message shows or became.
    async fn part_of_message(&self, message: MessageId) -> Result<Option<Part>, StoreError>;

    /// The newest messages that this bridge put into a channel, newest first.
    async fn last_parts(
        &self,
        bridge: BridgeId,
        channel: ChannelId,
        limit: u32,
    ) -> Result<Vec<Part>, StoreError>;

    async fn room(&self, bridge: BridgeId, thread: &ThreadId) -> Result<Option<Room>, StoreError>;

    /// The forum thread that a Discord thread shows.
    async fn room_of_channel(&self, channel: ChannelId) -> Result<Option<Room>, StoreError>;

    /// All Discord threads of a bridge.
    async fn rooms(&self, bridge: BridgeId) -> Result<Vec<Room>, StoreError>;

    async fn submission(&self, message: MessageId) -> Result<Option<Submission>, StoreError>;

    /// What was written in this channel after this message.
    async fn submissions(
        &self,
        bridge: BridgeId,
        channel: ChannelId,
        after: MessageId,
    ) -> Result<Vec<Submission>, StoreError>;

    /// Who thanks a post by reaction, and as which emoji, over all messages and bridges of a forum.
    async fn reactions(&self, forum: &ForumKey, post: &PostId) -> Result<Vec<Reaction>, StoreError>;

    async fn reactions_on(&self, message: MessageId) -> Result<Vec<Reaction>, StoreError>;

    /// Of what was sent in members' names: what has become one of these posts, and what has not been found in this
    /// thread yet, or waits for a thread.
    async fn sent_as_members(
        &self,
        forum: &ForumKey,
        thread: &ThreadId,
        posts: &[PostId],
    ) -> Result<Vec<Submission>, StoreError>;

    /// Who of ours thanks this post on the forum, as far as is known.
    async fn thanked(&self, forum: &ForumKey, post: &PostId) -> Result<Vec<Thanked>, StoreError>;

    async fn watermark(&self, channel: ChannelId) -> Result<Option<MessageId>, StoreError>;

    /// All effects, or none. With `once`, nothing happens and the answer is `false` when that name was
    /// used before: how a repeated event changes nothing. A name is forgotten after 30 days.
    ///
    /// A task that acts within a [`crate::fence::Fence`] must still have its right when the transaction ends:
    /// otherwise [`StoreError::LeaseLost`], and nothing is written.
    async fn apply(&self, once: Option<&str>, effects: Vec<Effect>) -> Result<bool, StoreError>;

    /// As [`Store::apply`], with several names: nothing happens when any of them was used before, by whichever
    /// replica.
    async fn apply_unheard(&self, names: &[String], effects: Vec<Effect>) -> Result<bool, StoreError>;

    /// The next job that is due, first in its lane, and of a lease that the holder has. Never two holders at
    /// once; within a lane strictly by `seq`, then age; parked jobs hold nobody up.
    async fn claim(&self, holder: &str, lease: Millis) -> Result<Option<Claim>, StoreError>;

    /// The outcome of a claimed job, with its effects, or [`StoreError::LeaseLost`] and neither.
    /// `Continue` also renews the lease.
    async fn settle(&self, claim: &Claim, effects: Vec<Effect>, finish: Finish) -> Result<(), StoreError>;

    /// A bridge was resumed: what was held is looked at again.
    async fn release(&self) -> Result<(), StoreError>;

    async fn counts(&self) -> Result<OutboxCounts, StoreError>;

    async fn parked(&self) -> Result<Vec<Parked>, StoreError>;

    /// Lets a parked job run again, or removes it. False when it is no longer parked.
    async fn unpark(&self, id: i64, retry: bool) -> Result<bool, StoreError>;

    /// Every lease that was lately held.
    async fn leases(&self) -> Result<Vec<Lease>, StoreError>;

    /// Begins a term under this name and tells its number; `None` while another's runs.
    async fn take_lease(&self, name: &str, holder: &str, lasts: Millis) -> Result<Option<i64>, StoreError>;

    /// Prolongs the terms of this holder; those that had run out are lost, and not among the answer.
    async fn renew_leases(&self, holder: &str, lasts: Millis) -> Result<Vec<(String, i64)>, StoreError>;

    /// Lets others have this name at once.
    async fn release_lease(&self, name: &str, holder: &str) -> Result<(), StoreError>;

    /// Whether other replicas may work on this database.
    fn shared(&self) -> bool;

    /// Tells other replicas at once; of bridges they are told by whatever changes them. A hint: it may be lost, and
    /// nobody may rely on it.
    async fn ring(&self, what: Ring) -> Result<(), StoreError>;

    /// Passes on what any replica tells, for as long as it is polled. Where the database can't tell, it says nothing.
    async fn listen(&self, rung: &(dyn Fn(Ring) + Send + Sync));

    async fn close(&self);
}
