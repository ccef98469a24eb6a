//! The store on either database.

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::AssertSqlSafe;

use crate::clock::Clock;
use crate::config::BridgeConfig;
use crate::fence;
use crate::model::{ChannelId, ForumKey, MemberId, MessageId, PostId, ThreadId, UserId};
use crate::weakness::Weakness;

use super::db::{Db, Row, Tx, Value, places};
use super::effects::{self, values};
use super::prune::{Broom, HOUR};
use super::rows::{
    bridge, follow, layout_name, part, post_row, reaction, replies_name, room, scope_text, start_text,
    submission, thread_row,
};
use super::{
    Bridge, BridgeId, Claim, Effect, Finish, Follow, Lease, Millis, OutboxCounts, Parked, Part, PostRow,
    Reaction, Ring, Room, Store, StoreError, Submission, Thanked, ThreadRow, bell, lease, manage, outbox,
};

/// What waits longer than this at the start was reckoned by a clock that was wrong.
const LONGEST_WAIT: Millis = HOUR;
/// How long the time of a Postgres server is reckoned with this process's clock before it is asked again.
const IN_STEP: Duration = Duration::from_secs(2);
/// So many rows are asked for at once.
const MOST_IDS: usize = 500;

pub struct Sql {
    pub(super) db: Db,
    clock: Arc<dyn Clock>,
    /// What the store's clock said when the database was opened, and the monotonic clock at that moment.
    began: (Millis, Instant),
    /// What a Postgres server's clock said last, and when that was.
    told: Mutex<Option<(Millis, Instant)>>,
    broom: Broom,
    /// Held while the database is open, so that no second process opens it.
    lock: Mutex<Option<File>>,
}

impl Sql {
    pub async fn new(db: Db, clock: Arc<dyn Clock>, lock: Option<File>) -> Result<Self, StoreError> {
        let wall = clock.now().as_millisecond();
        let began = (wall, clock.monotonic());
        let (broom, lock) = (Broom::default(), Mutex::new(lock));
        let mut store = Self { db, clock, began, told: Mutex::default(), broom, lock };
        if !store.db.is_postgres() {
            store.began.0 = store.resumed(wall).await?;
            store.take_over().await?;
        }
        let now = store.now().await?;
        let mut tx = store.db.begin().await?;
        store.broom.sweep(&mut tx, now).await?;
        tx.commit().await?;
        Ok(store)
    }

    /// As it is, without changing anything.
    pub fn to_read(db: Db, clock: Arc<dyn Clock>) -> Self {
        let began = (clock.now().as_millisecond(), clock.monotonic());
        Self { db, clock, began, told: Mutex::default(), broom: Broom::default(), lock: Mutex::new(None) }
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
        tx.run("DELETE FROM lease", &[]).await?;
        tx.run("UPDATE outbox SET run_at = $1 WHERE run_at > $2", values![now, now + LONGEST_WAIT]).await?;
        tx.run("UPDATE once SET at = $1 WHERE at > $1", values![now]).await?;
        tx.commit().await
    }

    /// The server's time. Asking costs a round trip, so between two answers it is reckoned; never ahead of
    /// the server, by no more behind than an answer takes.
    async fn server_time(&self) -> Result<Millis, StoreError> {
        let told = *self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = |at: Instant| self.clock.monotonic().saturating_duration_since(at);
        if let Some((then, at)) = told.filter(|(_, at)| elapsed(*at) < IN_STEP) {
            return Ok(then + Millis::try_from(elapsed(at).as_millis()).unwrap_or(0));
        }
        let sql = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
        let then = self.db.row(sql, &[]).await?.ok_or(sqlx::Error::RowNotFound)?.int(0)?;
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some((then, self.clock.monotonic()));
        Ok(then)
    }

    /// Begins a transaction that is going to write. Whoever acts by a right ([`fence`]) must still have it when the
    /// transaction ends.
    pub(super) async fn begin(&self) -> Result<Tx, StoreError> {
        let mut tx = self.db.begin().await?;
        if let Some(proof) = fence::proof()
            && let Err(lost) = lease::hold(&mut tx, &proof).await
        {
            tx.rollback().await?;
            return Err(lost);
        }
        Ok(tx)
    }

    /// Writes the effects, unless one of the names was used before.
    async fn write(&self, once: &[&str], effects: &[Effect]) -> Result<bool, StoreError> {
        let mut tried = 1;
        loop {
            match self.try_write(once, effects).await {
                Err(error) if again(&error, tried) => tried += 1,
                outcome => return outcome,
            }
        }
    }

    async fn try_write(&self, once: &[&str], effects: &[Effect]) -> Result<bool, StoreError> {
        let now = self.now().await?;
        let mut tx = self.begin().await?;
        for name in once {
            let sql = "INSERT INTO once (name, at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
            if tx.run(sql, values![*name, now]).await? == 0 && !Weakness::UniqueKeys.is_there() {
                tx.rollback().await?;
                return Ok(false);
            }
        }
        if !once.is_empty() {
            self.broom.sweep(&mut tx, now).await?;
        }
        effects::carry_out(&mut tx, effects, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Postgres may have to undo one of two transactions that wait for each other; it then says so, and nothing
/// of it was done.
const TRIES: u32 = 3;

fn again(error: &StoreError, tried: u32) -> bool {
    let StoreError::Sql(sqlx::Error::Database(error)) = error else { return false };
    // deadlock_detected, serialization_failure
    tried < TRIES && error.code().is_some_and(|code| matches!(code.as_ref(), "40P01" | "40001"))
}

pub(super) const BRIDGES: &str = "
    SELECT b.id, f.forum_key, b.scope, b.channel, b.layout, b.replies, b.thanks,
           COALESCE(b.backfill, b.start_at), b.from_file, b.paused, b.baseline, b.baseline_at, b.guild
    FROM bridge b JOIN forum f ON f.id = b.forum ORDER BY b.id";

/// Comes after every id in the order of lengths.
const LAST: &str = "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~";

/// What goes with a bridge that left the configuration, the bridge last.
pub(super) const REMOVE_BRIDGES: [&str; 7] = [
    "DELETE FROM follow WHERE bridge IN (SELECT id FROM bridge WHERE from_file = 2)",
    "DELETE FROM room WHERE bridge IN (SELECT id FROM bridge WHERE from_file = 2)",
    "DELETE FROM part WHERE bridge IN (SELECT id FROM bridge WHERE from_file = 2)",
    "DELETE FROM submission WHERE bridge IN (SELECT id FROM bridge WHERE from_file = 2)",
    "DELETE FROM reaction WHERE bridge IN (SELECT id FROM bridge WHERE from_file = 2)",
    "DELETE FROM history WHERE bridge IN (SELECT id FROM bridge WHERE from_file = 2)",
    "DELETE FROM bridge WHERE from_file = 2",
];

#[async_trait]
impl Store for Sql {
    async fn now(&self) -> Result<Millis, StoreError> {
        if self.db.is_postgres() {
            return self.server_time().await;
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
        if tx.row("SELECT 1 FROM bridge WHERE from_file = 2 LIMIT 1", &[]).await?.is_some() {
            for sql in REMOVE_BRIDGES {
                tx.put(sql, &[]).await?;
            }
        }
        let rows = tx.rows(BRIDGES, &[]).await?;
        let synced = rows.iter().map(bridge).collect::<Result<_, _>>()?;
        manage::changed(&mut tx).await?;
        tx.commit().await?;
        Ok(synced)
    }

    async fn bridges(&self) -> Result<Vec<Bridge>, StoreError> {
        self.db.rows(BRIDGES, &[]).await?.iter().map(bridge).collect()
    }

    async fn follows(&self, bridge: BridgeId, threads: &[ThreadId]) -> Result<Vec<Follow>, StoreError> {
        let mut follows = Vec::new();
        for threads in threads.chunks(MOST_IDS) {
            let places = places(1, threads.len());
            let sql = format!(
                "SELECT bridge, thread, marker, last_post, last_number FROM follow
                 WHERE bridge = $1 AND thread IN ({places})"
            );
            let ids = threads.iter().map(|thread| Value::from(thread.as_str()));
            let ids: Vec<Value> = std::iter::once(bridge.0.into()).chain(ids).collect();
            for row in self.db.rows(AssertSqlSafe(sql), &ids).await? {
                follows.push(follow(&row)?);
            }
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
        let before = thread.map_or(LAST, |thread| thread.as_str());
        let row = self
            .db
            .row(
                "SELECT t.thread, t.board, t.title FROM thread t
                 WHERE t.forum = (SELECT id FROM forum WHERE forum_key = $1)
                 AND (LENGTH(t.thread), t.thread) < (LENGTH($2), $2)
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
                "SELECT t.thread, t.board, t.title FROM thread t
                 WHERE t.forum = (SELECT id FROM forum WHERE forum_key = $1) AND t.folded LIKE $2 ESCAPE '\\'
                 ORDER BY LENGTH(t.thread) DESC, t.thread DESC LIMIT $3",
                values![forum.as_str(), format!("%{escaped}%"), limit],
            )
            .await?;
        rows.iter().map(|row| thread_row(forum, row)).collect()
    }

    async fn posts(&self, forum: &ForumKey, posts: &[PostId]) -> Result<Vec<PostRow>, StoreError> {
        let mut known = Vec::new();
        for posts in posts.chunks(MOST_IDS) {
            let places = places(1, posts.len());
            let sql = format!(
                "SELECT p.post, p.thread, p.digest, p.gone FROM post p
                 WHERE p.forum = (SELECT id FROM forum WHERE forum_key = $1) AND p.post IN ({places})"
            );
            let ids = posts.iter().map(|post| Value::from(post.as_str()));
            let ids: Vec<Value> = std::iter::once(forum.as_str().into()).chain(ids).collect();
            for row in self.db.rows(AssertSqlSafe(sql), &ids).await? {
                known.push(post_row(forum, &row)?);
            }
        }
        Ok(known)
    }

    async fn posts_between(
        &self,
        forum: &ForumKey,
        thread: &ThreadId,
        from: Option<&PostId>,
        to: Option<&PostId>,
    ) -> Result<Vec<PostRow>, StoreError> {
        // No id is longer than what stands for the end.
        let (from, to) = (from.map_or("", PostId::as_str), to.map_or(LAST, PostId::as_str));
        let rows = self
            .db
            .rows(
                "SELECT p.post, p.thread, p.digest, p.gone FROM post p
                 WHERE p.forum = (SELECT id FROM forum WHERE forum_key = $1) AND p.thread = $2 AND p.gone = 0
                 AND (LENGTH(p.post), p.post) >= (LENGTH($3), $3)
                 AND (LENGTH(p.post), p.post) <= (LENGTH($4), $4) ORDER BY LENGTH(p.post), p.post",
                values![forum.as_str(), thread.as_str(), from, to],
            )
            .await?;
        rows.iter().map(|row| post_row(forum, row)).collect()
    }

    async fn newest_post(&self, forum: &ForumKey, thread: &ThreadId) -> Result<Option<PostId>, StoreError> {
        let row = self
            .db
            .row(
                "SELECT p.post FROM post p
                 WHERE p.forum = (SELECT id FROM forum WHERE forum_key = $1) AND p.thread = $2 AND p.gone = 0
                 ORDER BY LENGTH(p.post) DESC, p.post DESC LIMIT 1",
                values![forum.as_str(), thread.as_str()],
            )
            .await?;
        row.map(|row| Ok(PostId(row.text(0)?))).transpose()
    }

    async fn thread_posts(&self, forum: &ForumKey, thread: &ThreadId) -> Result<Vec<PostRow>, StoreError> {
        self.posts_between(forum, thread, None, None).await
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
                "SELECT message, bridge, thread, channel, author, post, state, digest, member FROM submission
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
                "SELECT message, bridge, thread, channel, author, post, state, digest, member FROM submission
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

    async fn sent_as_members(
        &self,
        forum: &ForumKey,
        thread: &ThreadId,
        posts: &[PostId],
    ) -> Result<Vec<Submission>, StoreError> {
        let mut rows = self
            .db
            .rows(
                "SELECT s.message, s.bridge, s.thread, s.channel, s.author, s.post, s.state, s.digest, s.member
                 FROM submission s JOIN bridge b ON b.id = s.bridge JOIN forum f ON f.id = b.forum
                 WHERE s.member IS NOT NULL AND s.post IS NULL AND s.thread IN ($2, '') AND f.forum_key = $1",
                values![forum.as_str(), thread.as_str()],
            )
            .await?;
        for post in posts {
            let found = self
                .db
                .rows(
                    "SELECT s.message, s.bridge, s.thread, s.channel, s.author, s.post, s.state, s.digest, s.member
                     FROM submission s JOIN bridge b ON b.id = s.bridge JOIN forum f ON f.id = b.forum
                     WHERE s.member IS NOT NULL AND s.post = $2 AND f.forum_key = $1",
                    values![forum.as_str(), post.as_str()],
                )
                .await?;
            rows.extend(found);
        }
        rows.iter().map(submission).collect()
    }

    async fn thanked(&self, forum: &ForumKey, post: &PostId) -> Result<Vec<Thanked>, StoreError> {
        let rows = self
            .db
            .rows(
                "SELECT t.member, t.person FROM thanked t JOIN forum f ON f.id = t.forum
                 WHERE f.forum_key = $1 AND t.post = $2 ORDER BY t.member",
                values![forum.as_str(), post.as_str()],
            )
            .await?;
        let thanked = |row: &Row| {
            let member = Some(row.text(0)?).filter(|member| !member.is_empty()).map(MemberId);
            let person = UserId(row.snowflake(1)?);
            let (forum, post) = (forum.clone(), post.clone());
            Ok(Thanked { forum, post, by: member.map(|member| (member, person)) })
        };
        rows.iter().map(thanked).collect()
    }

    async fn watermark(&self, channel: ChannelId) -> Result<Option<MessageId>, StoreError> {
        let row = self.db.row("SELECT message FROM watermark WHERE channel = $1", values![channel.0]).await?;
        row.map(|row| Ok(MessageId(row.snowflake(0)?))).transpose()
    }

    async fn apply(&self, once: Option<&str>, effects: Vec<Effect>) -> Result<bool, StoreError> {
        self.write(once.as_slice(), &effects).await
    }

    async fn apply_unheard(&self, names: &[String], effects: Vec<Effect>) -> Result<bool, StoreError> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.write(&names, &effects).await
    }

    async fn claim(&self, holder: &str, lease: Millis) -> Result<Option<Claim>, StoreError> {
        outbox::claim(&self.db, self.now().await?, holder, lease).await
    }

    async fn settle(&self, claim: &Claim, effects: Vec<Effect>, finish: Finish) -> Result<(), StoreError> {
        let mut tried = 1;
        loop {
            match outbox::settle(&self.db, self.now().await?, claim, &effects, &finish).await {
                Err(error) if again(&error, tried) => tried += 1,
                outcome => return outcome,
            }
        }
    }

    async fn release(&self) -> Result<(), StoreError> {
        let now = self.now().await?;
        outbox::release(self.begin().await?, now).await
    }

    async fn counts(&self) -> Result<OutboxCounts, StoreError> {
        outbox::counts(&self.db, self.now().await?).await
    }

    async fn parked(&self) -> Result<Vec<Parked>, StoreError> {
        outbox::parked(&self.db).await
    }

    async fn unpark(&self, id: i64, retry: bool) -> Result<bool, StoreError> {
        let now = self.now().await?;
        outbox::unpark(self.begin().await?, now, id, retry).await
    }

    async fn leases(&self) -> Result<Vec<Lease>, StoreError> {
        lease::all(&self.db, self.now().await?).await
    }

    async fn take_lease(&self, name: &str, holder: &str, lasts: Millis) -> Result<Option<i64>, StoreError> {
        lease::take(&self.db, self.now().await?, name, holder, lasts).await
    }

    async fn renew_leases(&self, holder: &str, lasts: Millis) -> Result<Vec<(String, i64)>, StoreError> {
        lease::renew(&self.db, self.now().await?, holder, lasts).await
    }

    async fn release_lease(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        lease::release(&self.db, name, holder).await
    }

    fn shared(&self) -> bool {
        self.db.is_postgres()
    }

    async fn ring(&self, what: Ring) -> Result<(), StoreError> {
        bell::ring(&self.db, what).await
    }

    async fn listen(&self, rung: &(dyn Fn(Ring) + Send + Sync)) {
        bell::listen(&self.db, rung).await;
    }

    async fn close(&self) {
        self.db.close().await;
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
