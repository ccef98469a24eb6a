//! Bridges that are made, paused and removed while the process runs, and how they are doing.

use async_trait::async_trait;

use crate::config::{BridgeConfig, Start};
use crate::model::{GuildId, PostId, ThreadId};

use super::db::{Tx, Value};
use super::effects::{forum_id, values};
use super::rows::{bridge, layout_name, replies_name, scope_text, start_text};
use super::sql::{BRIDGES, REMOVE_BRIDGES, Sql};
use super::{Bridge, BridgeId, Millis, Ring, StoreError, bell};

/// What waits to be done to a bridge's side of Discord.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queue {
    pub waiting: u64,
    /// Milliseconds that the oldest waiting job is past its time.
    pub lag: Millis,
    /// Why the job that was tried last is not done yet.
    pub reason: Option<String>,
}

/// How often bridges have changed, within a statement.
macro_rules! changes {
    () => {
        "COALESCE((SELECT number FROM change WHERE name = 'bridges'), 0)"
    };
}
pub(super) use changes;

/// Bridges are about to change: whoever knows them sees that they do so no longer, and is told.
pub(super) async fn changed(tx: &mut Tx) -> Result<(), StoreError> {
    tx.put(
        "INSERT INTO change (name, number) VALUES ('bridges', 1)
         ON CONFLICT (name) DO UPDATE SET number = change.number + 1",
        &[],
    )
    .await?;
    bell::ring_within(tx, Ring::Bridges).await
}

#[async_trait]
pub trait Manage: Send + Sync {
    /// A number that rises whenever a bridge changes, in the same transaction.
    async fn bridge_changes(&self) -> Result<i64, StoreError>;

    /// Makes a bridge that no file names. `None` when there is one between these two already.
    async fn add_bridge(&self, config: &BridgeConfig, guild: GuildId) -> Result<Option<Bridge>, StoreError>;

    /// The guild that a bridge turned out to lead to.
    async fn set_guild(&self, bridge: BridgeId, guild: GuildId) -> Result<(), StoreError>;

    async fn set_paused(&self, bridge: BridgeId, paused: bool) -> Result<(), StoreError>;

    /// Posts that went away on the forum and are still shown by this bridge, with their threads.
    async fn outlived(&self, bridge: BridgeId) -> Result<Vec<(ThreadId, PostId)>, StoreError>;

    /// Removes a bridge that no file names, with what was known of it. False when there is none.
    async fn remove_bridge(&self, bridge: BridgeId) -> Result<bool, StoreError>;

    /// Brings over what is older than the bridge as if it had begun so: it takes stock of its board anew.
    async fn set_backfill(&self, bridge: BridgeId, start: Start) -> Result<(), StoreError>;

    /// How many threads the bridge has still to read to their end.
    async fn unread_count(&self, bridge: BridgeId) -> Result<u64, StoreError>;

    async fn queue(&self, bridge: BridgeId) -> Result<Queue, StoreError>;
}

#[async_trait]
impl Manage for Sql {
    async fn bridge_changes(&self) -> Result<i64, StoreError> {
        let row = self.db.row(concat!("SELECT ", changes!()), &[]).await?;
        row.map_or(Ok(0), |row| row.int(0))
    }

    async fn add_bridge(&self, config: &BridgeConfig, guild: GuildId) -> Result<Option<Bridge>, StoreError> {
        let mut tx = self.begin().await?;
        let forum = forum_id(&mut tx, &config.forum).await?;
        let row = tx
            .row(
                "INSERT INTO bridge (forum, scope, channel, layout, replies, thanks, start_at, from_file, guild)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8)
                 ON CONFLICT (forum, scope, channel) DO NOTHING RETURNING id",
                values![
                    forum,
                    scope_text(&config.scope),
                    config.channel.0,
                    layout_name(config.layout),
                    replies_name(config.replies),
                    serde_json::to_string(&config.thanks)?,
                    start_text(config.start),
                    guild.0,
                ],
            )
            .await?;
        let Some(row) = row else {
            tx.rollback().await?;
            return Ok(None);
        };
        changed(&mut tx).await?;
        let id = row.int(0)?;
        let mut made = None;
        for row in tx.rows(BRIDGES, &[]).await? {
            made = made.or(Some(bridge(&row)?).filter(|bridge| bridge.id.0 == id));
        }
        tx.commit().await?;
        Ok(made)
    }

    async fn set_guild(&self, bridge: BridgeId, guild: GuildId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        tx.put("UPDATE bridge SET guild = $2 WHERE id = $1", values![bridge.0, guild.0]).await?;
        changed(&mut tx).await?;
        tx.commit().await
    }

    async fn set_paused(&self, bridge: BridgeId, paused: bool) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        tx.put("UPDATE bridge SET paused = $2 WHERE id = $1", values![bridge.0, paused]).await?;
        changed(&mut tx).await?;
        tx.commit().await
    }

    async fn outlived(&self, bridge: BridgeId) -> Result<Vec<(ThreadId, PostId)>, StoreError> {
        let rows = self
            .db
            .rows(
                "SELECT DISTINCT p.thread, p.post FROM part s JOIN bridge b ON b.id = s.bridge
                 JOIN post p ON p.forum = b.forum AND p.post = s.post
                 WHERE s.bridge = $1 AND s.from_discord = 0 AND p.gone = 1",
                values![bridge.0],
            )
            .await?;
        rows.iter().map(|row| Ok((ThreadId(row.text(0)?), PostId(row.text(1)?)))).collect()
    }

    async fn remove_bridge(&self, bridge: BridgeId) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let marked = "UPDATE bridge SET from_file = 2 WHERE id = $1 AND from_file = 0";
        if tx.run(marked, values![bridge.0]).await? == 0 {
            tx.rollback().await?;
            return Ok(false);
        }
        for sql in REMOVE_BRIDGES {
            tx.put(sql, &[]).await?;
        }
        changed(&mut tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn set_backfill(&self, bridge: BridgeId, start: Start) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        tx.put(
            "UPDATE bridge SET backfill = $2, baseline = NULL, baseline_at = NULL WHERE id = $1",
            values![bridge.0, start_text(start)],
        )
        .await?;
        changed(&mut tx).await?;
        tx.commit().await
    }

    async fn unread_count(&self, bridge: BridgeId) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) FROM follow WHERE bridge = $1 AND marker = ''";
        let row = self.db.row(sql, values![bridge.0]).await?;
        row.map_or(Ok(0), |row| Ok(row.int(0)?.unsigned_abs()))
    }

    async fn queue(&self, bridge: BridgeId) -> Result<Queue, StoreError> {
        let lane = format!("d:{}", bridge.0);
        let lanes = format!("{lane}:");
        let length = i64::try_from(lanes.len()).unwrap_or(0);
        let now = super::Store::now(self).await?;
        let own = values![lane.as_str(), lanes.as_str(), length];
        let counted = self
            .db
            .row(
                "SELECT COUNT(*), MIN(run_at) FROM outbox WHERE parked = 0
                 AND (lane = $1 OR SUBSTR(lane, 1, CAST($3 AS INTEGER)) = $2)",
                own,
            )
            .await?;
        let reason = self
            .db
            .row(
                "SELECT reason FROM outbox WHERE parked = 0 AND reason IS NOT NULL
                 AND (lane = $1 OR SUBSTR(lane, 1, CAST($3 AS INTEGER)) = $2) ORDER BY attempts DESC, id LIMIT 1",
                own,
            )
            .await?;
        let Some(counted) = counted else { return Ok(Queue::default()) };
        let oldest = counted.maybe_int(1)?;
        Ok(Queue {
            waiting: counted.int(0)?.unsigned_abs(),
            lag: oldest.map_or(0, |oldest| (now - oldest).max(0)),
            reason: reason.map(|row| row.text(0)).transpose()?,
        })
    }
}
