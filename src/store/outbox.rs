//! The queue of things to do: claiming with a lease and a fence, and what becomes of a claimed job.

use super::db::{Db, Tx, Value};
use super::effects::{self, values};
use super::{Claim, Effect, Finish, Millis, OutboxCounts, Parked, StoreError};

/// The due job that is first in its lane: parked jobs hold nobody up, a job that waits for another try
/// does. Among lanes the live ones go first, then whichever is longest due.
const CLAIM: &str = "
    UPDATE outbox SET lease_until = $2, fence = fence + 1, attempts = attempts + 1
    WHERE id = (
        SELECT o.id FROM outbox o
        WHERE o.parked = 0 AND o.run_at <= $1 AND o.lease_until <= $1
          AND NOT EXISTS (
            SELECT 1 FROM outbox e
            WHERE e.lane = o.lane AND e.parked = 0 AND (e.seq < o.seq OR (e.seq = o.seq AND e.id < o.id)))
        ORDER BY o.priority, o.run_at, o.id LIMIT 1)
    RETURNING id, fence, revision, lane, job_key, job, attempts";

/// The same where several claim at once: a row that somebody else is claiming is passed over.
const CLAIM_SHARED: &str = "
    UPDATE outbox SET lease_until = $2, fence = fence + 1, attempts = attempts + 1
    WHERE id = (
        SELECT o.id FROM outbox o
        WHERE o.parked = 0 AND o.run_at <= $1 AND o.lease_until <= $1
          AND NOT EXISTS (
            SELECT 1 FROM outbox e
            WHERE e.lane = o.lane AND e.parked = 0 AND (e.seq < o.seq OR (e.seq = o.seq AND e.id < o.id)))
        ORDER BY o.priority, o.run_at, o.id LIMIT 1
        FOR UPDATE OF o SKIP LOCKED)
    RETURNING id, fence, revision, lane, job_key, job, attempts";

pub async fn claim(db: &Db, now: Millis, lease: Millis) -> Result<Option<Claim>, StoreError> {
    let sql = if db.is_postgres() { CLAIM_SHARED } else { CLAIM };
    let mut tx = db.begin().await?;
    let row = tx.row(sql, values![now, now + lease]).await?;
    tx.commit().await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Claim {
        id: row.int(0)?,
        fence: row.int(1)?,
        revision: row.int(2)?,
        lane: row.text(3)?,
        key: row.text(4)?,
        job: serde_json::from_str(&row.text(5)?)?,
        attempts: u32::try_from(row.int(6)? - 1).unwrap_or(0),
        lease,
    }))
}

pub async fn settle(
    db: &Db,
    now: Millis,
    claim: &Claim,
    effects: &[Effect],
    finish: &Finish,
) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    // Touching the row takes its lock before anything else is written.
    let held = tx
        .run(
            "UPDATE outbox SET lease_until = lease_until WHERE id = $1 AND fence = $2",
            values![claim.id, claim.fence],
        )
        .await?;
    if held == 0 {
        return Err(StoreError::LeaseLost);
    }
    for effect in effects {
        effects::apply(&mut tx, effect).await?;
    }
    end(&mut tx, now, claim, finish).await?;
    tx.commit().await
}

async fn end(tx: &mut Tx, now: Millis, claim: &Claim, finish: &Finish) -> Result<(), StoreError> {
    match finish {
        Finish::Done => {
            let done = tx
                .run("DELETE FROM outbox WHERE id = $1 AND revision = $2", values![claim.id, claim.revision])
                .await?;
            if done == 0 {
                // Newer words came meanwhile: they are done next.
                tx.run(
                    "UPDATE outbox SET lease_until = 0, run_at = $2, attempts = 0, reason = NULL WHERE id = $1",
                    values![claim.id, now],
                )
                .await?;
            }
        }
        Finish::Continue => {
            tx.run("UPDATE outbox SET lease_until = $2 WHERE id = $1", values![claim.id, now + claim.lease])
                .await?;
        }
        Finish::Retry { at, reason } => {
            tx.run(
                "UPDATE outbox SET lease_until = 0, run_at = $2, reason = $3 WHERE id = $1",
                values![claim.id, *at, reason.as_str()],
            )
            .await?;
        }
        Finish::Park { reason } => {
            tx.run(
                "UPDATE outbox SET lease_until = 0, parked = CASE WHEN revision = $2 THEN 1 ELSE 0 END,
                 reason = $3 WHERE id = $1",
                values![claim.id, claim.revision, reason.as_str()],
            )
            .await?;
        }
    }
    Ok(())
}

pub async fn counts(db: &Db, now: Millis) -> Result<OutboxCounts, StoreError> {
    let row = db
        .row(
            "SELECT CAST(COALESCE(SUM(1 - parked), 0) AS BIGINT), CAST(COALESCE(SUM(parked), 0) AS BIGINT),
             CAST(COALESCE(MIN(CASE WHEN parked = 0 THEN run_at END), $1) AS BIGINT) FROM outbox",
            values![now],
        )
        .await?;
    let Some(row) = row else { return Ok(OutboxCounts::default()) };
    Ok(OutboxCounts {
        waiting: row.int(0)?.unsigned_abs(),
        parked: row.int(1)?.unsigned_abs(),
        oldest: (now - row.int(2)?).max(0),
    })
}

pub async fn parked(db: &Db) -> Result<Vec<Parked>, StoreError> {
    let rows = db
        .rows("SELECT id, lane, job_key, reason, job FROM outbox WHERE parked = 1 ORDER BY id", &[])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Parked {
                id: row.int(0)?,
                lane: row.text(1)?,
                key: row.text(2)?,
                reason: row.maybe_text(3)?.unwrap_or_default(),
                job: serde_json::from_str(&row.text(4)?)?,
            })
        })
        .collect()
}

pub async fn unpark(db: &Db, now: Millis, id: i64, retry: bool) -> Result<bool, StoreError> {
    let mut tx = db.begin().await?;
    let touched = if retry {
        tx.run(
            "UPDATE outbox SET parked = 0, attempts = 0, run_at = $2 WHERE id = $1 AND parked = 1",
            values![id, now],
        )
        .await?
    } else {
        tx.run("DELETE FROM outbox WHERE id = $1 AND parked = 1", values![id]).await?
    };
    tx.commit().await?;
    Ok(touched > 0)
}
