//! The queue of things to do: lanes and their heads, claiming with a lease and a fence, and what
//! becomes of a claimed job.
//!
//! Each lane that has work has one head, the job that may be done next, marked in its row. A claim looks
//! through heads only, so its cost does not grow with the length of a lane. Whoever changes a lane locks it
//! first and calls [`refresh`] before committing; a claim locks no lane, it only skips rows that others hold.

use std::collections::{BTreeSet, HashMap};

use sqlx::AssertSqlSafe;

use super::db::{Db, Tx, Value, places};
use super::effects::{self, values};
use super::manage::changes;
use super::{Claim, Effect, Finish, Millis, NewJob, OutboxCounts, Parked, Priority, StoreError};
use crate::weakness::Weakness;

/// So many jobs of one road are done at once. Enough to keep a road full: what bounds it is the limit that
/// its lanes share, not the number of those who wait for it.
const ON_ONE_ROAD: i64 = 3;
/// So many keys are looked for at once.
const MOST_KEYS: usize = 500;

/// A job whose bridge was resumed while it was being held is looked at again after so many milliseconds.
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
            ") RETURNING id, fence, revision, lane, job_key, job, attempts, priority, ",
            changes!()
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
pub async fn lock(tx: &mut Tx, lanes: &BTreeSet<String>) -> Result<(), StoreError> {
    if tx.is_postgres() {
        for lane in lanes {
            let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
            tx.put(sql, values![lane.as_str()]).await?;
        }
    }
    Ok(())
}

/// In which lane each job waits that these effects are about, where there is one of its key already.
pub async fn waiting(tx: &mut Tx, effects: &[Effect]) -> Result<HashMap<String, String>, StoreError> {
    let keys: Vec<Value> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Enqueue(NewJob { key, .. }) | Effect::Cancel { key } => Some(Value::from(key.as_str())),
            _ => None,
        })
        .collect();
    let mut found = HashMap::new();
    for keys in keys.chunks(MOST_KEYS) {
        let places = places(0, keys.len());
        let sql = AssertSqlSafe(format!("SELECT job_key, lane FROM outbox WHERE job_key IN ({places})"));
        for row in tx.rows(sql, keys).await? {
            found.insert(row.text(0)?, row.text(1)?);
        }
    }
    Ok(found)
}

/// The lanes that these effects change.
pub fn lanes(effects: &[Effect], waiting: &HashMap<String, String>) -> BTreeSet<String> {
    let new = effects.iter().filter_map(|effect| match effect {
        Effect::Enqueue(job) => Some(job.lane.clone()),
        _ => None,
    });
    new.chain(waiting.values().cloned()).collect()
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
pub async fn refresh(tx: &mut Tx, lane: &str) -> Result<(), StoreError> {
    tx.put(
        "UPDATE outbox SET head = 0 WHERE lane = $1 AND head = 1 AND lease_until = 0
         AND id <> (SELECT id FROM outbox WHERE lane = $1 AND parked = 0 AND held = 0 ORDER BY seq, id LIMIT 1)",
        values![lane],
    )
    .await?;
    tx.put(
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
    tx.put(
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
            parked = 0, held = 0",
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
    .await
}

/// Takes a job back unless somebody is doing it.
pub async fn cancel(tx: &mut Tx, key: &str) -> Result<(), StoreError> {
    tx.put("DELETE FROM outbox WHERE job_key = $1 AND lease_until = 0", values![key]).await
}

/// Takes a parked job away: it holds nobody up, so its lane does not change.
pub async fn discard(tx: &mut Tx, key: &str) -> Result<(), StoreError> {
    tx.put("DELETE FROM outbox WHERE job_key = $1 AND parked = 1", values![key]).await
}

pub async fn claim(db: &Db, now: Millis, holder: &str, lease: Millis) -> Result<Option<Claim>, StoreError> {
    let sql = if db.is_postgres() {
        CLAIM_ON_POSTGRES
    } else {
        // Idle workers ask often: they must not stand in the way of the one who writes.
        if db.row(DUE, values![now, holder, ON_ONE_ROAD]).await?.is_none() {
            return Ok(None);
        }
        CLAIM
    };
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
        bridges: row.int(8)?,
    }))
}

pub async fn settle(
    db: &Db,
    now: Millis,
    claim: &Claim,
    effects: &[Effect],
    finish: &Finish,
) -> Result<(), StoreError> {
    if effects.is_empty() && *finish == Finish::Continue {
        // Nobody else's place in the lane changes.
        let sql = "UPDATE outbox SET lease_until = $3 WHERE id = $1 AND fence = $2 AND lease_until > 0 RETURNING id";
        let held = db.run(sql, values![claim.id, claim.fence, now.saturating_add(claim.lease)]).await?;
        return if held.is_empty() && !Weakness::Fencing.is_there() {
            Err(StoreError::LeaseLost)
        } else {
            Ok(())
        };
    }
    let mut tx = db.begin().await?;
    let waiting = waiting(&mut tx, effects).await?;
    let mut changed = lanes(effects, &waiting);
    changed.insert(claim.lane.clone());
    lock(&mut tx, &changed).await?;
    if let Err(lost) = hold(&mut tx, claim.id, claim.fence).await {
        tx.rollback().await?;
        return Err(lost);
    }
    let mut changed = effects::apply(&mut tx, effects, &waiting, now).await?;
    end(&mut tx, now, claim, finish).await?;
    if *finish != Finish::Continue {
        changed.insert(claim.lane.clone());
    }
    for lane in &changed {
        refresh(&mut tx, lane).await?;
    }
    tx.commit().await
}

async fn end(tx: &mut Tx, now: Millis, claim: &Claim, finish: &Finish) -> Result<(), StoreError> {
    match finish {
        Finish::Done => {
            // Newer words that came meanwhile are done next.
            tx.put(
                "UPDATE outbox SET lease_until = 0, run_at = $3, attempts = 0, reason = NULL
                 WHERE id = $1 AND revision <> $2",
                values![claim.id, claim.revision, now],
            )
            .await?;
            tx.put("DELETE FROM outbox WHERE id = $1 AND revision = $2", values![claim.id, claim.revision])
                .await
        }
        Finish::Continue => {
            let until = now.saturating_add(claim.lease);
            tx.put("UPDATE outbox SET lease_until = $2 WHERE id = $1", values![claim.id, until]).await
        }
        Finish::Retry { at, reason } => {
            tx.put(
                "UPDATE outbox SET lease_until = 0, run_at = $2, reason = $3 WHERE id = $1",
                values![claim.id, *at, reason.as_str()],
            )
            .await
        }
        Finish::Hold { bridge, reason } => {
            // The row stays locked until the transaction ends: whoever resumes the bridge meanwhile releases this, too.
            let sql = "UPDATE bridge SET paused = paused WHERE id = $1 AND paused = 1";
            let held = tx.run(sql, values![bridge.0]).await? > 0;
            tx.put(
                "UPDATE outbox SET lease_until = 0, run_at = $2, reason = $3, attempts = attempts - 1, held = $4,
                 head = 1 - $4 WHERE id = $1",
                values![claim.id, if held { now } else { now + AGAIN }, reason.as_str(), held],
            )
            .await
        }
        Finish::Park { reason } => {
            // Newer words may fare better: they are tried before people are asked.
            tx.put(
                "UPDATE outbox SET lease_until = 0, reason = $3,
                 run_at = CASE WHEN revision = $2 THEN run_at ELSE $4 END,
                 parked = CASE WHEN revision = $2 THEN 1 ELSE 0 END,
                 head = CASE WHEN revision = $2 THEN 0 ELSE 1 END WHERE id = $1",
                values![claim.id, claim.revision, reason.as_str(), now],
            )
            .await
        }
    }
}

/// Lets the jobs of paused bridges wait their turn again, in their old places; those of a bridge that is still paused
/// are held again.
pub async fn release(mut tx: Tx, now: Millis) -> Result<(), StoreError> {
    let rows = tx.rows("SELECT DISTINCT lane FROM outbox WHERE held = 1", &[]).await?;
    let held = rows.iter().map(|row| row.text(0)).collect::<Result<BTreeSet<_>, StoreError>>()?;
    lock(&mut tx, &held).await?;
    for lane in held {
        let sql = "UPDATE outbox SET held = 0, reason = NULL, run_at = $2 WHERE lane = $1 AND held = 1";
        tx.put(sql, values![lane.as_str(), now]).await?;
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

pub async fn unpark(mut tx: Tx, now: Millis, id: i64, retry: bool) -> Result<bool, StoreError> {
    let lane = tx.row("SELECT lane FROM outbox WHERE id = $1", values![id]).await?;
    let Some(lane) = lane.map(|row| row.text(0)).transpose()? else {
        tx.rollback().await?;
        return Ok(false);
    };
    lock(&mut tx, &BTreeSet::from([lane.clone()])).await?;
    let touched = if retry {
        // It stays tried once, so that whatever an earlier try left behind is looked for first.
        tx.run(
            "UPDATE outbox SET parked = 0, attempts = CASE WHEN attempts > 1 THEN 1 ELSE attempts END, run_at = $2
             WHERE id = $1 AND parked = 1",
            values![id, now],
        )
        .await?
    } else {
        tx.run("DELETE FROM outbox WHERE id = $1 AND parked = 1", values![id]).await?
    };
    refresh(&mut tx, &lane).await?;
    tx.commit().await?;
    Ok(touched > 0)
}
