//! What is thrown away, and when. A job that is done leaves the outbox at once; everything else that only
//! served a moment has an age here. Mirrors and submissions stay for as long as their bridge does: an edit
//! or a removal may come after years.

use super::db::{Tx, Value};
use super::effects::values;
use super::{Millis, StoreError};

pub const HOUR: Millis = 3600 * 1000;
const DAY: Millis = 24 * HOUR;

/// What is deleted, how old it is then, and how it is chosen: `$1` is the moment that it must be older than.
/// A thousand rows at a time, so that nobody waits for the broom.
const OLD: [(Millis, &str); 3] = [
    // Names of what happened once: far longer than Discord repeats an event.
    (30 * DAY, "DELETE FROM once WHERE name IN (SELECT name FROM once WHERE at < $1 ORDER BY at LIMIT 1000)"),
    // Jobs that were given up, and that nobody wanted to try again.
    (
        90 * DAY,
        "DELETE FROM outbox WHERE id IN (
             SELECT id FROM outbox WHERE parked = 1 AND run_at < $1 ORDER BY id LIMIT 1000)",
    ),
    // Replicas that stopped, and leases of forums and channels that nobody has bridged since.
    (DAY, "DELETE FROM lease WHERE held_until < $1"),
];

/// Throws away what is old.
pub async fn prune(tx: &mut Tx, now: Millis) -> Result<(), StoreError> {
    for (age, sql) in OLD {
        tx.put(sql, values![now - age]).await?;
    }
    Ok(())
}
