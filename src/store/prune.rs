//! What is thrown away, and when. A job that is done leaves the outbox at once; everything else that only
//! served a moment has an age here. Mirrors and submissions stay for as long as their bridge does: an edit
//! or a removal may come after years.
//!
//! Nobody waits for the broom: it takes so many rows and no more, within the transaction of something that happened.

use std::sync::{Mutex, PoisonError};

use super::db::{Row, Tx, Value};
use super::effects::values;
use super::{Millis, StoreError};

pub const HOUR: Millis = 3600 * 1000;
const DAY: Millis = 24 * HOUR;

/// So many rows of a kind are thrown away at once.
const MOST: u64 = 1_000;

/// What is deleted, how old it is then, and how it is chosen: `$1` is the moment that it must be older than, `$2` how
/// many at once. The age is asked for twice: Postgres, which waits for a row that another transaction has just taken up
/// again, asks the outer question anew and not the inner one.
const OLD: [(Millis, &str); 3] = [
    // Names of what happened once: far longer than Discord repeats an event.
    (30 * DAY, "DELETE FROM once WHERE name IN (SELECT name FROM once WHERE at < $1 ORDER BY at LIMIT $2)"),
    // Jobs that were given up, and that nobody wanted to try again.
    (
        90 * DAY,
        "DELETE FROM outbox WHERE parked = 1 AND run_at < $1 AND id IN (
             SELECT id FROM outbox WHERE parked = 1 AND run_at < $1 ORDER BY id LIMIT $2)",
    ),
    // Replicas that stopped, and leases of forums and channels that nobody has bridged since.
    (
        DAY,
        "DELETE FROM lease WHERE held_until < $1 AND name IN (
             SELECT name FROM lease WHERE held_until < $1 ORDER BY name LIMIT $2)",
    ),
];

/// What happened to a post is forgotten after this time, and no later than a round of the broom thereafter.
const HISTORY: Millis = 90 * DAY;
/// It is found by its key alone, for an index of its age would cost every post; so many rows are looked through each
/// hour, which is some 30 ms.
const SLICE: u32 = 100_000;

/// Where the broom is.
#[derive(Debug, Default)]
pub struct Broom(Mutex<State>);

#[derive(Debug, Clone, Default)]
struct State {
    /// When it is due.
    next: Millis,
    /// The last key of the history that was looked at in this round.
    after: Option<[Value; 4]>,
}

impl Broom {
    /// Throws away what is old, once an hour, or as soon as anything happens while there is more of it than it takes.
    pub async fn sweep(&self, tx: &mut Tx, now: Millis) -> Result<(), StoreError> {
        let State { next, after } = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if now < next {
            return Ok(());
        }
        let mut full = false;
        for (age, sql) in OLD {
            full |= tx.run(sql, values![now - age, MOST]).await? >= MOST;
        }
        let (forgotten, after) = slice(tx, after, now - HISTORY).await?;
        full |= forgotten > 0 && after.is_some();
        let next = if full { now } else { now + HOUR };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State { next, after };
        Ok(())
    }
}

/// Looks through a slice of the history; tells how many rows were old, and where it ended, unless that was the end.
async fn slice(
    tx: &mut Tx,
    after: Option<[Value; 4]>,
    before: Millis,
) -> Result<(u64, Option<[Value; 4]>), StoreError> {
    let [forum, post, bridge, what] =
        after.unwrap_or_else(|| [0_i64.into(), "".into(), 0_i64.into(), "".into()]);
    let begin = [forum, post, bridge, what, SLICE.into()];
    let end = tx
        .row(
            "SELECT forum, post, bridge, what FROM history WHERE (forum, post, bridge, what) > ($1, $2, $3, $4)
             ORDER BY forum, post, bridge, what LIMIT 1 OFFSET $5",
            &begin,
        )
        .await?;
    let key = |row: &Row| -> Result<[Value; 4], StoreError> {
        Ok([row.int(0)?.into(), row.text(1)?.into(), row.int(2)?.into(), row.text(3)?.into()])
    };
    let end = end.as_ref().map(key).transpose()?;
    let [forum, post, bridge, what, _] = begin;
    let mut values = vec![forum, post, bridge, what, before.into()];
    let all = "DELETE FROM history WHERE (forum, post, bridge, what) > ($1, $2, $3, $4) AND last < $5";
    let old = match &end {
        None => tx.run(all, &values).await?,
        Some(key) => {
            values.extend(key.iter().cloned());
            let some =
                "DELETE FROM history WHERE (forum, post, bridge, what) > ($1, $2, $3, $4) AND last < $5
                        AND (forum, post, bridge, what) <= ($6, $7, $8, $9)";
            tx.run(some, &values).await?
        }
    };
    Ok((old, end))
}
