//! What happened to a post, for `why`: one row a post, a bridge and a kind of happening, with the first and
//! the last time and how often. So a post's history is small however often it changes; what is old is thrown away
//! (`prune`).

use async_trait::async_trait;

use crate::model::{ForumKey, PostId};

use super::db::{Tx, Value};
use super::effects::{forum, values};
use super::rows::part;
use super::sql::Sql;
use super::{BridgeId, Millis, Part, StoreError};

/// A kind of happening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Read on the forum for the first time.
    Seen,
    /// Its words, files or thanks were found changed.
    Changed,
    /// It came from this bridge's Discord side and is not shown there again.
    Echo,
    /// A job was written to show it.
    Queued,
    Sent,
    Edited,
    /// Its Discord messages were taken away.
    Withdrawn,
    /// Somebody deleted a message of it in Discord.
    Removed,
    /// The forum no longer shows it.
    Gone,
}

impl What {
    const ALL: [Self; 9] = [
        Self::Seen,
        Self::Changed,
        Self::Echo,
        Self::Queued,
        Self::Sent,
        Self::Edited,
        Self::Withdrawn,
        Self::Removed,
        Self::Gone,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Changed => "changed",
            Self::Echo => "echo",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Edited => "edited",
            Self::Withdrawn => "withdrawn",
            Self::Removed => "removed",
            Self::Gone => "gone",
        }
    }
}

/// Something that happened to a post, on one bridge or on the forum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    pub forum: ForumKey,
    pub post: PostId,
    pub bridge: Option<BridgeId>,
    pub what: What,
}

/// All that happened of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chapter {
    pub bridge: Option<BridgeId>,
    pub what: What,
    pub first: Millis,
    pub last: Millis,
    pub times: u64,
}

/// A job of the outbox, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub run_at: Millis,
    pub attempts: u64,
    pub parked: bool,
    /// Why it was not done the last time.
    pub reason: Option<String>,
}

#[async_trait]
pub trait History: Send + Sync {
    /// What happened to a post, in the order in which it began.
    async fn history(&self, forum: &ForumKey, post: &PostId) -> Result<Vec<Chapter>, StoreError>;

    /// The messages of a post on all bridges of its forum.
    async fn parts_of(&self, forum: &ForumKey, post: &PostId) -> Result<Vec<Part>, StoreError>;

    /// The job of this key, if it is still to be done.
    async fn standing(&self, key: &str) -> Result<Option<Standing>, StoreError>;
}

#[async_trait]
impl History for Sql {
    async fn history(&self, forum: &ForumKey, post: &PostId) -> Result<Vec<Chapter>, StoreError> {
        let rows = self
            .db
            .rows(
                "SELECT h.bridge, h.what, h.first, h.last, h.times FROM history h
                 JOIN forum f ON f.id = h.forum WHERE f.forum_key = $1 AND h.post = $2",
                values![forum.as_str(), post.as_str()],
            )
            .await?;
        let mut chapters = Vec::new();
        for row in rows {
            let name = row.text(1)?;
            // One that a newer version wrote is passed over.
            let Some(what) = What::ALL.into_iter().find(|what| what.name() == name) else { continue };
            let bridge = Some(row.int(0)?).filter(|id| *id != 0).map(BridgeId);
            let (first, last, times) = (row.int(2)?, row.int(3)?, row.int(4)?.unsigned_abs());
            chapters.push(Chapter { bridge, what, first, last, times });
        }
        chapters.sort_by_key(|chapter| (chapter.first, chapter.what, chapter.bridge));
        Ok(chapters)
    }

    async fn parts_of(&self, forum: &ForumKey, post: &PostId) -> Result<Vec<Part>, StoreError> {
        let rows = self
            .db
            .rows(
                "SELECT p.bridge, p.post, p.part, p.channel, p.message, p.digest, p.from_discord FROM part p
                 JOIN bridge b ON b.id = p.bridge JOIN forum f ON f.id = b.forum
                 WHERE f.forum_key = $1 AND p.post = $2 ORDER BY p.bridge, p.part",
                values![forum.as_str(), post.as_str()],
            )
            .await?;
        rows.iter().map(part).collect()
    }

    async fn standing(&self, key: &str) -> Result<Option<Standing>, StoreError> {
        let sql = "SELECT run_at, attempts, parked, reason FROM outbox WHERE job_key = $1";
        let row = self.db.row(sql, values![key]).await?;
        row.map(|row| {
            Ok(Standing {
                run_at: row.int(0)?,
                attempts: row.int(1)?.unsigned_abs(),
                parked: row.flag(2)?,
                reason: row.maybe_text(3)?,
            })
        })
        .transpose()
    }
}

/// Once more of what happened to a post; the forum is given by its number, or by a look for it.
macro_rules! once_more {
    ($forum:expr) => {
        concat!(
            "INSERT INTO history (forum, post, bridge, what, first, last, times) VALUES (",
            $forum,
            ", $2, $3, $4, $5, $5, 1) ON CONFLICT (forum, post, bridge, what) DO UPDATE
             SET last = excluded.last, times = history.times + 1"
        )
    };
}

pub(super) async fn apply(tx: &mut Tx, happened: &Happened, now: Millis) -> Result<(), StoreError> {
    let bridge = happened.bridge.map_or(0, |bridge| bridge.0);
    let (forum, post) = (happened.forum.as_str(), happened.post.as_str());
    tx.put(once_more!(forum!(1)), values![forum, post, bridge, happened.what.name(), now]).await?;
    Ok(())
}

/// The same by the numbers of the forum and of the bridge.
pub(super) async fn note(
    tx: &mut Tx,
    forum: i64,
    post: &str,
    bridge: i64,
    what: What,
    now: Millis,
) -> Result<(), StoreError> {
    tx.put(once_more!("$1"), values![forum, post, bridge, what.name(), now]).await?;
    Ok(())
}
