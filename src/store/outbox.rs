//! The queue of things to do: lanes and their heads, claiming with a lease and a fence, and what
//! becomes of a claimed job.
//!
//! Each lane that has work has one head, the job that may be done next, marked in its row. A claim looks
//! through heads only, so its cost does not grow with the length of a lane. Whoever changes a lane locks it
//! first and calls [`refresh`] before committing; a claim locks no lane, it only skips rows that others hold.

use super::db::{Db, Tx, Value};
use super::effects::{self, values};
use super::{Claim, Effect, Finish, Millis, NewJob, OutboxCounts, Parked, Priority, StoreError};
use crate::weakness::Weakness;

/// So many jobs of one road are done at once. Enough to keep a road full: what bounds it is the limit that
/// its lanes share, not the number of those who wait for it.
const ON_ONE_ROAD: i64 = 3;

/// A job whose bridge was just resumed is looked at again after so many milliseconds, by when others know of it.
const AGAIN: Millis = 1_000;

/// The road of a lane: its name up to the second colon; a lane without one is a road of its own.
fn road(lane: &str) -> &str {
    lane.match_indices(':').nth(1).map_or("", |(end, _)| &lane[..end])
}

/// The jobs that a replica may do now: due, first in their lane, of a lease that it holds, and on a road that is
/// not full.
macro_rules! due {
    ($what:literal, $end:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM outbox o WHERE o.head = 1 AND o.run_at <= $1 AND o.lease_until <= $1
             AND (o.needs = '' OR EXISTS (SELECT 1 FROM lease l
                  WHERE l.name = o.needs AND l.holder = $2 AND l.held_until > $1))
             AND (o.road = '' OR $3 > (SELECT COUNT(*) FROM outbox b
                  WHERE b.road = o.road AND b.lease_until <> 0 AND b.lease_until > $1)) ",
            $end
        )
    };
}

/// Among lanes the live ones go first, then whichever is longest due.
macro_rules! claim {
    ($skip:literal) => {
        concat!(
            "UPDATE outbox SET lease_until = $4, fence = fence + 1, attempts = attempts + 1 WHERE id = (",
            due!("o.id", "ORDER BY o.priority, o.run_at, o.id LIMIT 1"),
            $skip,
            ") RETURNING id, fence, revision, lane, job_key, job, attempts, priority"
        )
    };
}

const DUE: &str = due!("1", "LIMIT 1");
const CLAIM: &str = claim!("");
/// The one thing that SQLite, with its single writer, has no words for.
const CLAIM_ON_POSTGRES: &str = claim!(" FOR UPDATE OF o SKIP LOCKED");

/// One writer at a time changes a lane, until its transaction ends. SQLite has one writer anyway; Postgres
/// hands out ids before it commits, so two writers to one lane could become visible out of order, and a
/// head could be chosen from a lane that is changing. Taken in one order, so that nobody waits in a circle.
pub async fn lock(tx: &mut Tx, mut lanes: Vec<String>) -> Result<(), StoreError> {
    if !tx.is_postgres() {
        return Ok(());
    }
    lanes.sort();
    lanes.dedup();
    for lane in lanes {
        let sql = "SELECT 1 FROM (SELECT pg_advisory_xact_lock(hashtextextended($1, 0))) AS locked";
        tx.rows(sql, values![lane]).await?;
    }
    Ok(())
}

/// The lanes that these effects change.
pub async fn lanes(tx: &mut Tx, effects: &[Effect]) -> Result<Vec<String>, StoreError> {
    let mut lanes = Vec::new();
    for effect in effects {
        match effect {
            Effect::Enqueue(job) => lanes.push(job.lane.clone()),
            Effect::Cancel { key } if tx.is_postgres() => lanes.extend(lane_of(tx, key).await?),
            _ => {}
        }
    }
    Ok(lanes)
}

async fn lane_of(tx: &mut Tx, key: &str) -> Result<Option<String>, StoreError> {
    let row = tx.row("SELECT lane FROM outbox WHERE job_key = $1", values![key]).await?;
    row.map(|row| row.text(0)).transpose()
}

/// Makes sure that the claim is still this worker's, and that it stays so until the transaction ends.
pub async fn hold(tx: &mut Tx, id: i64, fence: i64) -> Result<(), StoreError> {
    let sql = "UPDATE outbox SET fence = fence WHERE id = $1 AND fence = $2 AND lease_until > 0";
    if tx.run(sql, values![id, fence]).await? == 0 && !Weakness::Fencing.is_there() {
        return Err(StoreError::LeaseLost);
    }
    Ok(())
}

/// Marks the head of a lane: the job that is being done, else the first by `seq`, then age. Parked jobs, and those
/// of a paused bridge, hold nobody up; a job that waits for another try does.
async fn refresh(tx: &mut Tx, lane: &str) -> Result<(), StoreError> {
    tx.run(
        "UPDATE outbox SET head = 0 WHERE lane = $1 AND head = 1 AND lease_until = 0
         AND id <> (SELECT id FROM outbox WHERE lane = $1 AND parked = 0 AND held = 0 ORDER BY seq, id LIMIT 1)",
        values![lane],
    )
    .await?;
    tx.run(
        "UPDATE outbox SET head = 1
         WHERE id = (SELECT id FROM outbox WHERE lane = $1 AND parked = 0 AND held = 0 ORDER BY seq, id LIMIT 1)
         AND head = 0 AND NOT EXISTS (SELECT 1 FROM outbox WHERE lane = $1 AND head = 1)",
        values![lane],
    )
    .await?;
    Ok(())
}

/// A waiting job of the same key keeps its place and gets the new words; a parked one waits again. One
/// that was tried before still counts as tried: whatever it left behind is looked for first.
pub async fn enqueue(tx: &mut Tx, job: &NewJob) -> Result<(), StoreError> {
    let key = if Weakness::UniqueKeys.is_there() {
        format!("{}#{}", job.key, fastrand::u64(..))
    } else {
        job.key.clone()
    };
    let row = tx
        .row(
            "INSERT INTO outbox (lane, job_key, seq, priority, run_at, job, road, needs)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (job_key) DO UPDATE SET
                job = excluded.job,
                revision = outbox.revision + 1,
                priority = CASE WHEN excluded.priority < outbox.priority
                                THEN excluded.priority ELSE outbox.priority END,
                run_at = CASE WHEN outbox.parked = 1 THEN excluded.run_at ELSE outbox.run_at END,
                attempts = CASE WHEN outbox.parked = 1 AND outbox.attempts > 1 THEN 1 ELSE outbox.attempts END,
                reason = CASE WHEN outbox.parked = 1 THEN NULL ELSE outbox.reason END,
                parked = 0, held = 0
             RETURNING lane",
            values![
                job.lane.as_str(),
                key.as_str(),
                job.seq,
                match job.priority {
                    Priority::Live => 0_i64,
                    Priority::Backfill => 1,
                },
                job.run_at,
                job.job.to_string(),
                road(&job.lane),
                job.needs.as_deref().unwrap_or_default(),
            ],
        )
        .await?;
    let lane = row.ok_or(sqlx::Error::RowNotFound)?.text(0)?;
    if lane != job.lane {
        // It waits where it was first put.
        lock(tx, vec![lane.clone()]).await?;
    }
    refresh(tx, &lane).await
}

/// Takes a job back unless somebody is doing it.
pub async fn cancel(tx: &mut Tx, key: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM outbox WHERE job_key = $1 AND lease_until = 0 RETURNING lane";
    if let Some(row) = tx.row(sql, values![key]).await? {
        refresh(tx, &row.text(0)?).await?;
    }
    Ok(())
}

pub async fn claim(db: &Db, now: Millis, holder: &str, lease: Millis) -> Result<Option<Claim>, StoreError> {
    // Idle workers ask often: they must not stand in the way of those who write.
    if db.row(DUE, values![now, holder, ON_ONE_ROAD]).await?.is_none() {
        return Ok(None);
    }
    let sql = if db.is_postgres() { CLAIM_ON_POSTGRES } else { CLAIM };
    let rows = db.run(sql, values![now, holder, ON_ONE_ROAD, now.saturating_add(lease)]).await?;
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    Ok(Some(Claim {
        id: row.int(0)?,
        fence: row.int(1)?,
        revision: row.int(2)?,
        lane: row.text(3)?,
        key: row.text(4)?,
        job: serde_json::from_str(&row.text(5)?)?,
        attempts: u32::try_from(row.int(6)? - 1).unwrap_or(0),
        priority: if row.int(7)? == 0 { Priority::Live } else { Priority::Backfill },
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
    if effects.is_empty() && *finish == Finish::Continue {
        // Nobody else's place in the lane changes.
        if let Err(lost) = hold(&mut tx, claim.id, claim.fence).await {
            tx.rollback().await?;
            return Err(lost);
        }
        end(&mut tx, now, claim, finish).await?;
        return tx.commit().await;
    }
    let mut lanes = lanes(&mut tx, effects).await?;
    lanes.push(claim.lane.clone());
    lock(&mut tx, lanes).await?;
    if let Err(lost) = hold(&mut tx, claim.id, claim.fence).await {
        tx.rollback().await?;
        return Err(lost);
    }
    for effect in effects {
        effects::apply(&mut tx, effect, now).await?;
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
            let until = now.saturating_add(claim.lease);
            tx.run("UPDATE outbox SET lease_until = $2 WHERE id = $1", values![claim.id, until]).await?;
            return Ok(());
        }
        Finish::Retry { at, reason } => {
            tx.run(
                "UPDATE outbox SET lease_until = 0, run_at = $2, reason = $3 WHERE id = $1",
                values![claim.id, *at, reason.as_str()],
            )
            .await?;
        }
        Finish::Hold { bridge, reason } => {
            // The row stays locked until the transaction ends: whoever resumes the bridge meanwhile releases this, too.
            let sql = "UPDATE bridge SET paused = paused WHERE id = $1 AND paused = 1";
            let held = tx.run(sql, values![bridge.0]).await? > 0;
            tx.run(
                "UPDATE outbox SET lease_until = 0, run_at = $2, reason = $3, attempts = attempts - 1, held = $4,
                 head = 1 - $4 WHERE id = $1",
                values![claim.id, if held { now } else { now + AGAIN }, reason.as_str(), held],
            )
            .await?;
        }
        Finish::Park { reason } => {
            // Newer words may fare better: they are tried before people are asked.
            tx.run(
                "UPDATE outbox SET lease_until = 0, reason = $3,
                 run_at = CASE WHEN revision = $2 THEN run_at ELSE $4 END,
                 parked = CASE WHEN revision = $2 THEN 1 ELSE 0 END,
                 head = CASE WHEN revision = $2 THEN 0 ELSE 1 END WHERE id = $1",
                values![claim.id, claim.revision, reason.as_str(), now],
            )
            .await?;
        }
    }
    refresh(tx, &claim.lane).await
}

/// Lets the jobs of paused bridges wait their turn again, in their old places; those of a bridge that is still paused
/// are held again.
pub async fn release(db: &Db, now: Millis) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    let rows = tx.rows("SELECT DISTINCT lane FROM outbox WHERE held = 1", &[]).await?;
    let held = rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>, StoreError>>()?;
    lock(&mut tx, held.clone()).await?;
    for lane in held {
        let sql = "UPDATE outbox SET held = 0, reason = NULL, run_at = $2 WHERE lane = $1 AND held = 1";
        tx.run(sql, values![lane.as_str(), now]).await?;
        refresh(&mut tx, &lane).await?;
    }
    tx.commit().await
}

pub async fn counts(db: &Db, now: Millis) -> Result<OutboxCounts, StoreError> {
    let row = db
        .row(
            "SELECT CAST(COALESCE(SUM(1 - parked), 0) AS BIGINT), CAST(COALESCE(SUM(parked), 0) AS BIGINT),
             CAST(COALESCE(MIN(CASE WHEN parked = 0 AND held = 0 THEN run_at END), $1) AS BIGINT) FROM outbox",
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
    let lane = tx.row("SELECT lane FROM outbox WHERE id = $1", values![id]).await?;
    let Some(lane) = lane.map(|row| row.text(0)).transpose()? else { return Ok(false) };
    lock(&mut tx, vec![lane]).await?;
    let row = if retry {
        // It stays tried once, so that whatever an earlier try left behind is looked for first.
        tx.row(
            "UPDATE outbox SET parked = 0, attempts = CASE WHEN attempts > 1 THEN 1 ELSE attempts END, run_at = $2
             WHERE id = $1 AND parked = 1 RETURNING lane",
            values![id, now],
        )
        .await?
    } else {
        tx.row("DELETE FROM outbox WHERE id = $1 AND parked = 1 RETURNING lane", values![id]).await?
    };
    if let Some(row) = &row {
        refresh(&mut tx, &row.text(0)?).await?;
    }
    tx.commit().await?;
    Ok(row.is_some())
}
