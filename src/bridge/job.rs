//! The jobs that the outbox carries, and the lanes and keys that order them.
//!
//! A job holds all that it needs to be done after a restart: what it shows is what the forum or the
//! person said when it was written, never something to be asked for again.

use serde::{Deserialize, Serialize};

use crate::model::{
    BoardId, ChannelId, ForumKey, MemberId, MessageId, Post, PostId, Thread, ThreadId, ThreadSummary, UserId,
};
use crate::store::links::Link;
use crate::store::{BridgeId, Effect, Millis, NewJob, Priority, StoreError, Submission};

use super::leases;

/// Something to be done to Discord or to a forum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Job {
    /// Makes the Discord messages of a post what the forum says it is.
    Show { bridge: BridgeId, thread: ThreadFacts, post: Box<Post>, news: News },
    /// Takes the Discord messages of a post away.
    Hide { bridge: BridgeId, thread: ThreadId, post: PostId },
    /// Gives the Discord thread the state that the forum thread has.
    Dress { bridge: BridgeId, thread: ThreadFacts },
    /// Gives the Discord thread the title that the forum thread has.
    Title { bridge: BridgeId, thread: ThreadFacts },
    /// Posts what a person wrote in Discord.
    Reply { bridge: BridgeId, thread: ThreadId, spoken: Spoken },
    /// Opens a thread. `shown`: the Discord thread that it was said in is to show it.
    Open { bridge: BridgeId, board: BoardId, title: String, spoken: Spoken, shown: bool },
    /// Brings a posted reply in line with its edited Discord message.
    Amend { bridge: BridgeId, thread: ThreadId, spoken: Spoken },
    /// Removes a posted reply whose Discord message was deleted.
    Retract { bridge: BridgeId, thread: ThreadId, message: MessageId },
    /// Thanks a post, or withdraws the thanks, as the reactions now stand.
    Thank { forum: ForumKey, post: PostId },
    /// Tells a person what became of their message.
    Tell { channel: ChannelId, message: MessageId, news: Outcome },
    /// Looks at a forum now, and at this post: the forum pushed news. A hint, for whoever watches it.
    Look { forum: ForumKey, thread: Option<ThreadId>, post: Option<PostId> },
    /// Begins the slow round of reading again anew: a bridge goes on, and what it shows may have changed meanwhile.
    LookAgain { forum: ForumKey },
    /// Tells a member of a forum something, by its private message.
    Letter { forum: ForumKey, member: MemberId, name: String, title: String, text: String },
}

/// Whether a job shows a post for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    New,
    /// Only a post that is already shown changes.
    Changed,
}

/// What became of a person's message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Arrived,
    /// It waits, for this reason; nothing is asked of the person.
    Waits(String),
    /// It will not arrive as it is, for this reason.
    Failed(String),
    /// What was written by form will not arrive: the message that shows it is the bot's own, which no person can edit.
    FormFailed(String),
    /// What was changed will not arrive, for this reason; the post stays as it was.
    EditFailed(String),
    /// It may have arrived; nobody but a person can tell.
    Unsure,
    /// The message shows a post, and the forum does not take the thanks for it back, for this reason.
    ThanksStay(String),
    /// The same of what was written by form.
    FormUnsure,
}

/// The facts of a thread that Discord shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadFacts {
    pub id: ThreadId,
    pub board: Option<BoardId>,
    pub title: String,
    pub prefix: Option<String>,
    pub closed: bool,
    pub sticky: bool,
    pub tags: Vec<String>,
}

impl ThreadFacts {
    /// A thread's page knows its tags and its board; the board's list knows best whether it is closed
    /// or sticky.
    pub fn new(id: &ThreadId, page: &Thread, summary: Option<&ThreadSummary>) -> Self {
        Self {
            id: id.clone(),
            board: page.board.id.clone(),
            title: page.title.clone(),
            prefix: page.prefix.clone().or_else(|| summary.and_then(|s| s.prefix.clone())),
            closed: summary.map_or(page.closed.unwrap_or(false), |s| s.closed),
            sticky: summary.map_or(page.sticky.unwrap_or(false), |s| s.sticky),
            tags: page.tags.clone(),
        }
    }
}

/// What a person wrote in Discord, as it was when it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    pub message: MessageId,
    pub channel: ChannelId,
    pub author: UserId,
    pub author_name: String,
    pub content: String,
    pub mentions: Vec<(UserId, String)>,
    pub files: Vec<SpokenFile>,
    pub reply_to: Option<MessageId>,
    /// What of the answered post is quoted; `None` leaves it to the bridge.
    #[serde(default)]
    pub quote: Option<String>,
    /// Written by form, and shown in a message of the bot's own.
    #[serde(default)]
    pub form: bool,
}

impl Spoken {
    /// A message that is known only by its id; who works with it asks Discord for its words.
    pub fn unheard(submission: &Submission) -> Self {
        Self {
            message: submission.message,
            channel: submission.channel,
            author: submission.author,
            author_name: String::new(),
            content: String::new(),
            mentions: Vec::new(),
            files: Vec::new(),
            reply_to: None,
            quote: None,
            form: false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpokenFile {
    /// 0 in a job that an older version wrote.
    #[serde(default)]
    pub id: u64,
    pub name: String,
    /// Good for about a day.
    pub url: String,
    pub image: bool,
}

impl Spoken {
    /// What its author is told when it can't arrive.
    pub fn failed(&self, reason: String) -> Outcome {
        if self.form { Outcome::FormFailed(reason) } else { Outcome::Failed(reason) }
    }

    /// What its author is told when only they can see whether it arrived.
    pub fn unsure(&self) -> Outcome {
        if self.form { Outcome::FormUnsure } else { Outcome::Unsure }
    }
}

impl Job {
    /// Under this key at most one job waits: a newer one replaces what the older would have said.
    fn key(&self) -> String {
        match self {
            Self::Show { bridge, post, news: News::New, .. } => show_key(*bridge, &post.id),
            Self::Show { bridge, post, news: News::Changed, .. } => edit_key(*bridge, &post.id),
            Self::Hide { bridge, post, .. } => format!("hide:{}:{post}", bridge.0),
            Self::Dress { bridge, thread } => format!("dress:{}:{}", bridge.0, thread.id),
            Self::Title { bridge, thread } => title_key(*bridge, &thread.id),
            Self::Reply { spoken, .. } => reply_key(spoken.message),
            Self::Open { spoken, .. } => open_key(spoken.message),
            Self::Amend { spoken, .. } => format!("amend:{}", spoken.message),
            Self::Retract { message, .. } => format!("retract:{message}"),
            Self::Thank { forum, post } => format!("thank:{forum}:{post}"),
            Self::Tell { message, .. } => format!("tell:{message}"),
            Self::Look { forum, thread: Some(thread), post: Some(post) } => {
                format!("look:{forum}:{thread}:{post}")
            }
            Self::Look { forum, .. } => format!("look:{forum}"),
            Self::LookAgain { forum } => format!("again:{forum}"),
            Self::Letter { forum, member, title, .. } => format!("letter:{forum}:{member}:{title}"),
        }
    }

    /// The bridge that it is about, where it is about one.
    pub fn bridge(&self) -> Option<BridgeId> {
        match self {
            Self::Show { bridge, .. }
            | Self::Hide { bridge, .. }
            | Self::Dress { bridge, .. }
            | Self::Title { bridge, .. }
            | Self::Reply { bridge, .. }
            | Self::Open { bridge, .. }
            | Self::Amend { bridge, .. }
            | Self::Retract { bridge, .. } => Some(*bridge),
            Self::Thank { .. }
            | Self::Tell { .. }
            | Self::Look { .. }
            | Self::LookAgain { .. }
            | Self::Letter { .. } => None,
        }
    }

    /// What it does, for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Show { thread, post, .. } => format!("show post {} of \"{}\"", post.id, thread.title),
            Self::Hide { post, .. } => format!("take post {post} away"),
            Self::Dress { thread, .. } => format!("bring the state of \"{}\" over", thread.title),
            Self::Title { thread, .. } => format!("bring the title \"{}\" over", thread.title),
            Self::Reply { spoken, .. } => format!("post a reply by {}", spoken.author_name),
            Self::Open { title, .. } => format!("open the thread \"{title}\""),
            Self::Amend { spoken, .. } => format!("edit a reply by {}", spoken.author_name),
            Self::Retract { .. } => "take a reply back".to_owned(),
            Self::Thank { post, .. } => format!("bring the thanks for post {post} over"),
            Self::Tell { .. } => "tell somebody what became of their message".to_owned(),
            Self::Look { .. } => "look at what the forum has new".to_owned(),
            Self::LookAgain { .. } => "look at what the forum changed".to_owned(),
            Self::Letter { .. } => "write to a member of the forum".to_owned(),
        }
    }

    /// Where a job stands within its lane whatever its age: messages in the order in which Discord
    /// numbered them, since some are read back later than others are heard.
    fn seq(&self) -> i64 {
        match self {
            Self::Reply { spoken, .. } | Self::Amend { spoken, .. } => spoken.message.0.cast_signed(),
            Self::Retract { message, .. } => message.0.cast_signed(),
            _ => 0,
        }
    }

    /// The outbox row for this job.
    pub fn queued(&self, lane: Lane, priority: Priority, run_at: Millis) -> Result<NewJob, StoreError> {
        Ok(NewJob {
            lane: lane.name,
            key: self.key(),
            seq: self.seq(),
            priority,
            run_at,
            needs: Some(lane.needs),
            job: serde_json::to_value(self)?,
        })
    }
}

/// What must happen in order, and the lease that its jobs need. All that is done to one forum, or to one
/// channel, is done by one replica: it alone knows the forum's pace and its session, or the channel's limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    pub name: String,
    pub needs: String,
}

/// The effect of writing to a linked member on their forum.
pub fn letter(link: &Link, title: &str, text: &str, now: Millis) -> Result<Effect, StoreError> {
    let job = Job::Letter {
        forum: link.forum.clone(),
        member: link.member.clone(),
        name: link.name.clone(),
        title: title.to_owned(),
        text: text.to_owned(),
    };
    let lane = Lane { name: format!("l:{}", link.forum), needs: leases::of_forum(&link.forum) };
    Ok(Effect::Enqueue(job.queued(lane, Priority::Live, now)?))
}

/// The key of the job that shows a post.
pub fn show_key(bridge: BridgeId, post: &PostId) -> String {
    format!("show:{}:{post}", bridge.0)
}

/// The key of the job that brings what is shown of a post up to date.
pub fn edit_key(bridge: BridgeId, post: &PostId) -> String {
    format!("edit:{}:{post}", bridge.0)
}

/// The key of the job that posts this message.
pub fn reply_key(message: MessageId) -> String {
    format!("reply:{message}")
}

/// The key of the job that brings a thread's title over.
pub fn title_key(bridge: BridgeId, thread: &ThreadId) -> String {
    format!("title:{}:{thread}", bridge.0)
}

/// The key of the job that opens a thread with this message.
pub fn open_key(message: MessageId) -> String {
    format!("open:{message}")
}

/// The lane of a forum thread: what is written there is written in order.
pub fn forum_lane(forum: &ForumKey, thread: &ThreadId) -> Lane {
    Lane { name: format!("f:{forum}:{thread}"), needs: leases::of_forum(forum) }
}

/// The lane of what a forum's watcher is told, by whichever replica.
pub fn watcher_lane(forum: &ForumKey) -> Lane {
    Lane { name: format!("p:{forum}"), needs: leases::of_forum(forum) }
}

/// The lane of one post's thanks.
pub fn thanks_lane(forum: &ForumKey, post: &PostId) -> Lane {
    Lane { name: format!("t:{forum}:{post}"), needs: leases::of_forum(forum) }
}

/// The lane of what one person is told about one message.
pub fn tell_lane(channel: ChannelId, message: MessageId) -> Lane {
    Lane { name: format!("m:{channel}:{message}"), needs: leases::of_shard(0) }
}
