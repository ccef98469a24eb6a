//! The store on either database.

use std::fs::File;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;

use crate::clock::Clock;
use crate::config::BridgeConfig;
use crate::model::{ChannelId, ForumKey, MessageId, PostId, ThreadId};
use crate::weakness::Weakness;

use super::db::{Db, Tx, Value};
use super::effects::{self, values};
use super::rows::{
    bridge, follow, layout_name, part, post_row, reaction, replies_name, room, scope_text, start_text,
    submission, thread_row,
};
use super::{
    Bridge, BridgeId, Claim, Effect, Finish, Follow, Millis, OutboxCounts, Parked, Part, PostRow, Reaction,
    Room, Store, StoreError, Submission, ThreadRow, outbox,
};

/// Names of what happened once are kept for this long: far longer than Discord repeats an event.
const REMEMBER_ONCE: Millis = 30 * 24 * HOUR;
const HOUR: Millis = 3600 * 1000;
/// What waits longer than this at the start was reckoned by a clock that was wrong.
const LONGEST_WAIT: Millis = HOUR;

pub struct Sql {
    db: Db,
    clock: Arc<dyn Clock>,
    /// What the store's clock said when the database was opened, and the monotonic clock at that moment.
    began: (Millis, Instant),
    /// When old names were last thrown away.
    pruned: AtomicI64,
    /// Held while the database is open, so that no second process opens it.
    lock: Mutex<Option<File>>,
}

impl Sql {
    pub async fn new(db: Db, clock: Arc<dyn Clock>, lock: Option<File>) -> Result<Self, StoreError> {
        let wall = clock.now().as_millisecond();
        let began = (wall, clock.monotonic());
        let mut store = Self { db, clock, began, pruned: AtomicI64::new(0), lock: Mutex::new(lock) };
        if !store.db.is_postgres() {
            store.began.0 = store.resumed(wall).await?;
            store.take_over().await?;
        }
        let now = store.now().await?;
        let mut tx = store.db.begin().await?;
        store.prune(&mut tx, now).await?;
        tx.commit().await?;
        Ok(store)
    }

    /// Goes on from where the last run's clock ended, should the wall clock have been set back a little
    /// since; a clock that was wrong by days is not followed.
    async fn resumed(&self, wall: Millis) -> Result<Millis, StoreError> {
        let row = self.db.row("SELECT MAX(at) FROM once WHERE at < $1", values![wall + 24 * HOUR]).await?;
        let last = row.map(|row| row.maybe_int(0)).transpose()?.flatten();
        Ok(wall.max(last.unwrap_or(wall)))
    }

    /// Nobody else has this database open, so no lease is anybody's; and what a wrong clock wrote must
    /// not keep anything waiting.
    async fn take_over(&self) -> Result<(), StoreError> {
        let now = self.now().await?;
        let mut tx = self.db.begin().await?;
        tx.run("UPDATE outbox SET lease_until = 0 WHERE lease_until <> 0", &[]).await?;
        tx.run("UPDATE outbox SET run_at = $1 WHERE run_at > $2", values![now, now + LONGEST_WAIT]).await?;
        tx.run("UPDATE once SET at = $1 WHERE at > $1", values![now]).await?;
        tx.commit().await
    }

    /// Throws away old names, once an hour at most.
    async fn prune(&self, tx: &mut Tx, now: Millis) -> Result<(), StoreError> {
        if now - self.pruned.load(Ordering::Relaxed) >= HOUR {
            tx.run("DELETE FROM once WHERE at < $1", values![now - REMEMBER_ONCE]).await?;
            self.pruned.store(now, Ordering::Relaxed);
        }
        Ok(())
    }
}

const BRIDGES: &str = "
    SELECT b.id, f.forum_key, b.scope, b.channel, b.layout, b.replies, b.thanks, b.start_at, b.from_file,
           b.paused, b.baseline, b.baseline_at
    FROM bridge b JOIN forum f ON f.id = b.forum ORDER BY b.id";

/// What goes with a bridge that left the configuration, the bridge last.
const REMOVE_BRIDGES: [&str; 6] = [
    "DELETE FROM follow WHERE bridge IN (SELECT id FROM bridge WHERE from_file = 2)",
    "DELETE FROM room WHERE bridge IN (SELECT id FROM bridge WHERE from_file = 2)",
    "DELETE FROM part WHERE bridge IN (SELECT id FROM bridge WHERE from_file = 2)",
    "DELETE FROM submission WHERE bridge IN (SELECT id FROM bridge WHERE from_file = 2)",
    "DELETE FROM reaction WHERE bridge IN (SELECT id FROM bridge WHERE from_file = 2)",
    "DELETE FROM bridge WHERE from_file = 2",
];

#[async_trait]
impl Store for Sql {
    async fn now(&self) -> Result<Millis, StoreError> {
        if self.db.is_postgres() {
            let sql = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
            return self.db.row(sql, &[]).await?.ok_or(sqlx::Error::RowNotFound)?.int(0);
        }
        let elapsed = self.clock.monotonic().saturating_duration_since(self.began.1);
        Ok(self.began.0 + Millis::try_from(elapsed.as_millis()).unwrap_or(Millis::MAX / 2))
    }

    async fn sync_bridges(&self, bridges: &[BridgeConfig]) -> Result<Vec<Bridge>, StoreError> {
        let mut tx = self.db.begin().await?;
        tx.run("UPDATE bridge SET from_file = 2 WHERE from_file = 1", &[]).await?;
        for bridge in bridges {
            tx.run(
                "INSERT INTO forum (forum_key) VALUES ($1) ON CONFLICT (forum_key) DO NOTHING",
                values![bridge.forum.as_str()],
            )
            .await?;
            tx.run(
                "INSERT INTO bridge (forum, scope, channel, layout, replies, thanks, start_at, from_file)
                 VALUES ((SELECT id FROM forum WHERE forum_key = $1), $2, $3, $4, $5, $6, $7, 1)
                 ON CONFLICT (forum, scope, channel) DO UPDATE SET layout = excluded.layout,
                 replies = excluded.replies, thanks = excluded.thanks, start_at = excluded.start_at, from_file = 1",
                values![
                    bridge.forum.as_str(),
                    scope_text(&bridge.scope),
                    bridge.channel.0,
                    layout_name(bridge.layout),
                    replies_name(bridge.replies),
                    serde_json::to_string(&bridge.thanks)?,
                    start_text(bridge.start),
                ],
            )
            .await?;
        }
        for sql in REMOVE_BRIDGES {
            tx.run(sql, &[]).await?;
        }
        let rows = tx.rows(BRIDGES, &[]).await?;
        let synced = rows.iter().map(bridge).collect::<Result<_, _>>()?;
        tx.commit().await?;
        Ok(synced)
    }

    async fn bridges(&self) -> Result<Vec<Bridge>, StoreError> {
        self.db.rows(BRIDGES, &[]).await?.iter().map(bridge).collect()
    }

    async fn follows(&self, bridge: BridgeId, threads: &[ThreadId]) -> Result<Vec<Follow>, StoreError> {
        let mut follows = Vec::new();
        for thread in threads {
            let row = self
                .db
                .row(
                    "SELECT bridge, thread, marker, last_post, last_number FROM follow
                     WHERE bridge = $1 AND thread = $2",
                    values![bridge.0, thread.as_str()],
                )
                .await?;
            follows.extend(row.as_ref().map(follow).transpose()?);
        }
        Ok(follows)
    }

    async fn unread(&self, bridge: BridgeId, limit: u32) -> Result<Vec<Follow>, StoreError> {
        let rows = self
            .db
            .rows(
                "SELECT bridge, thread, marker, last_post, last_number FROM follow
                 WHERE bridge = $1 AND marker = '' ORDER BY LENGTH(thread), thread LIMIT $2",
                values![bridge.0, limit],
            )
            .await?;
        rows.iter().map(follow).collect()
    }

    async fn thread(&self, forum: &ForumKey, thread: &ThreadId) -> Result<Option<ThreadRow>, StoreError> {
        let row = self
            .db
            .row(
                "SELECT t.thread, t.board, t.title FROM thread t JOIN forum f ON f.id = t.forum
                 WHERE f.forum_key = $1 AND t.thread = $2",
                values![forum.as_str(), thread.as_str()],
            )
            .await?;
        row.as_ref().map(|row| thread_row(forum, row)).transpose()
    }

    async fn thread_before(
        &self,
        forum: &ForumKey,
        thread: Option<&ThreadId>,
    ) -> Result<Option<ThreadRow>, StoreError> {
        let before = thread.map_or("", |thread| thread.as_str());
        let row = self
            .db
            .row(
                "SELECT t.thread, t.board, t.title FROM thread t JOIN forum f ON f.id = t.forum
                 WHERE f.forum_key = $1 AND ($2 = '' OR LENGTH(t.thread) < LENGTH($2)
                 OR (LENGTH(t.thread) = LENGTH($2) AND t.thread < $2))
                 ORDER BY LENGTH(t.thread) DESC, t.thread DESC LIMIT 1",
                values![forum.as_str(), before],
            )
            .await?;
        row.as_ref().map(|row| thread_row(forum, row)).transpose()
    }

    async fn threads_like(
        &self,
        forum: &ForumKey,
        words: &str,
        limit: u32,
    ) -> Result<Vec<ThreadRow>, StoreError> {
        let escaped = words.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let rows = self
            .db
            .rows(
                "SELECT t.thread, t.board, t.title FROM thread t JOIN forum f ON f.id = t.forum
                 WHERE f.forum_key = $1 AND t.folded LIKE $2 ESCAPE '\\'
                 ORDER BY LENGTH(t.thread) DESC, t.thread DESC LIMIT $3",
                values![forum.as_str(), format!("%{escaped}%"), limit],
            )
            .await?;
        rows.iter().map(|row| thread_row(forum, row)).collect()
    }

    async fn posts(&self, forum: &ForumKey, posts: &[PostId]) -> Result<Vec<PostRow>, StoreError> {
        let mut known = Vec::new();
        for post in posts {
            let row = self
                .db
                .row(
                    "SELECT p.post, p.thread, p.digest, p.gone FROM post p JOIN forum f ON f.id = p.forum
                     WHERE f.forum_key = $1 AND p.post = $2",
                    values![forum.as_str(), post.as_str()],
                )
                .await?;
            known.extend(row.as_ref().map(|row| post_row(forum, row)).transpose()?);
        }
        Ok(known)
    }

    async fn thread_posts(&self, forum: &ForumKey, thread: &ThreadId) -> Result<Vec<PostRow>, StoreError> {
        let rows = self
            .db
            .rows(
                "SELECT p.post, p.thread, p.digest, p.gone FROM post p JOIN forum f ON f.id = p.forum
                 WHERE f.forum_key = $1 AND p.thread = $2 AND p.gone = 0 ORDER BY LENGTH(p.post), p.post",
                values![forum.as_str(), thread.as_str()],
            )
            .await?;
        rows.iter().map(|row| post_row(forum, row)).collect()
    }

    async fn parts(&self, bridge: BridgeId, post: &PostId) -> Result<Vec<Part>, StoreError> {
        let rows = self
            .db
            .rows(
                "SELECT bridge, post, part, channel, message, digest, from_discord FROM part
                 WHERE bridge = $1 AND post = $2 ORDER BY part",
                values![bridge.0, post.as_str()],
            )
            .await?;
        rows.iter().map(part).collect()
    }

    async fn part_of_message(&self, message: MessageId) -> Result<Option<Part>, StoreError> {
        let row = self
            .db
            .row(
                "SELECT bridge, post, part, channel, message, digest, from_discord FROM part WHERE message = $1",
                values![message.0],
            )
            .await?;
        row.as_ref().map(part).transpose()
    }

    async fn last_parts(
        &self,
        bridge: BridgeId,
        channel: ChannelId,
        limit: u32,
    ) -> Result<Vec<Part>, StoreError> {
        let rows = self
            .db
            .rows(
                "SELECT bridge, post, part, channel, message, digest, from_discord FROM part
                 WHERE channel = $2 AND bridge = $1 AND from_discord = 0 ORDER BY message DESC LIMIT $3",
                values![bridge.0, channel.0, limit],
            )
            .await?;
        rows.iter().map(part).collect()
    }

    async fn room(&self, bridge: BridgeId, thread: &ThreadId) -> Result<Option<Room>, StoreError> {
        let row = self
            .db
            .row(
                "SELECT bridge, thread, channel, digest FROM room WHERE bridge = $1 AND thread = $2",
                values![bridge.0, thread.as_str()],
            )
            .await?;
        row.as_ref().map(room).transpose()
    }

    async fn room_of_channel(&self, channel: ChannelId) -> Result<Option<Room>, StoreError> {
        let sql = "SELECT bridge, thread, channel, digest FROM room WHERE channel = $1";
        self.db.row(sql, values![channel.0]).await?.as_ref().map(room).transpose()
    }

    async fn rooms(&self, bridge: BridgeId) -> Result<Vec<Room>, StoreError> {
        let sql = "SELECT bridge, thread, channel, digest FROM room WHERE bridge = $1";
        self.db.rows(sql, values![bridge.0]).await?.iter().map(room).collect()
    }

    async fn submission(&self, message: MessageId) -> Result<Option<Submission>, StoreError> {
        let row = self
            .db
            .row(
                "SELECT message, bridge, thread, channel, author, post, state, digest FROM submission
                 WHERE message = $1",
                values![message.0],
            )
            .await?;
        row.as_ref().map(submission).transpose()
    }

    async fn submissions(
        &self,
        bridge: BridgeId,
        channel: ChannelId,
        after: MessageId,
    ) -> Result<Vec<Submission>, StoreError> {
        let rows = self
            .db
            .rows(
                "SELECT message, bridge, thread, channel, author, post, state, digest FROM submission
                 WHERE channel = $2 AND bridge = $1 AND message > $3 ORDER BY message",
                values![bridge.0, channel.0, after.0],
            )
            .await?;
        rows.iter().map(submission).collect()
    }

    async fn reactions(&self, forum: &ForumKey, post: &PostId) -> Result<Vec<Reaction>, StoreError> {
        let rows = self
            .db
            .rows(
                "SELECT r.bridge, r.post, r.message, r.person, r.emoji FROM reaction r
                 JOIN bridge b ON b.id = r.bridge JOIN forum f ON f.id = b.forum
                 WHERE r.post = $2 AND f.forum_key = $1 ORDER BY r.message, r.person, r.emoji",
                values![forum.as_str(), post.as_str()],
            )
            .await?;
        rows.iter().map(reaction).collect()
    }

    async fn reactions_on(&self, message: MessageId) -> Result<Vec<Reaction>, StoreError> {
        let sql = "SELECT bridge, post, message, person, emoji FROM reaction WHERE message = $1";
        self.db.rows(sql, values![message.0]).await?.iter().map(reaction).collect()
    }

    async fn thanked(&self, forum: &ForumKey, post: &PostId) -> Result<bool, StoreError> {
        let row = self
            .db
            .row(
                "SELECT t.post FROM thanked t JOIN forum f ON f.id = t.forum
                 WHERE f.forum_key = $1 AND t.post = $2",
                values![forum.as_str(), post.as_str()],
            )
            .await?;
        Ok(row.is_some())
    }

    async fn watermark(&self, channel: ChannelId) -> Result<Option<MessageId>, StoreError> {
        let row = self.db.row("SELECT message FROM watermark WHERE channel = $1", values![channel.0]).await?;
        row.map(|row| Ok(MessageId(row.snowflake(0)?))).transpose()
    }

    async fn apply(&self, once: Option<&str>, effects: Vec<Effect>) -> Result<bool, StoreError> {
        let now = self.now().await?;
        let mut tx = self.db.begin().await?;
        if effects.iter().any(|effect| matches!(effect, Effect::Enqueue(_) | Effect::Cancel { .. })) {
            outbox::lock(&mut tx).await?;
        }
        if let Some(name) = once {
            let sql = "INSERT INTO once (name, at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
            if tx.run(sql, values![name, now]).await? == 0 && !Weakness::UniqueKeys.is_there() {
                tx.rollback().await?;
                return Ok(false);
            }
            self.prune(&mut tx, now).await?;
        }
        for effect in &effects {
            effects::apply(&mut tx, effect).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn claim(&self, _holder: &str, lease: Millis) -> Result<Option<Claim>, StoreError> {
        outbox::claim(&self.db, self.now().await?, lease).await
    }

    async fn settle(&self, claim: &Claim, effects: Vec<Effect>, finish: Finish) -> Result<(), StoreError> {
        outbox::settle(&self.db, self.now().await?, claim, &effects, &finish).await
    }

    async fn counts(&self) -> Result<OutboxCounts, StoreError> {
        outbox::counts(&self.db, self.now().await?).await
    }

    async fn parked(&self) -> Result<Vec<Parked>, StoreError> {
        outbox::parked(&self.db).await
    }

    async fn unpark(&self, id: i64, retry: bool) -> Result<bool, StoreError> {
        outbox::unpark(&self.db, self.now().await?, id, retry).await
    }

    async fn close(&self) {
        self.db.close().await;
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
