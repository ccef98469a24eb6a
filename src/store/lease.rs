//! Leases: names that one replica at a time holds, each term with a number of its own.
//!
//! Rows and not advisory locks: the same SQL on both databases, and a pooler that gives every transaction
//! another connection of the server changes nothing.

use crate::fence::Proof;

use super::db::{Db, Tx, Value};
use super::effects::values;
use super::{Lease, Millis, StoreError, outbox};

/// All leases that were ever held, in the order of their names.
pub async fn all(db: &Db, now: Millis) -> Result<Vec<Lease>, StoreError> {
    let rows = db.rows("SELECT name, holder, epoch, held_until FROM lease ORDER BY name", &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(Lease {
                name: row.text(0)?,
                holder: row.text(1)?,
                epoch: row.int(2)?,
                left: row.int(3)? - now,
            })
        })
        .collect()
}

/// Begins a term, if nobody else's is running.
pub async fn take(
    db: &Db,
    now: Millis,
    name: &str,
    holder: &str,
    lasts: Millis,
) -> Result<Option<i64>, StoreError> {
    let rows = db
        .run(
            "INSERT INTO lease (name, holder, epoch, held_until) VALUES ($1, $2, 1, $4)
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = lease.epoch + 1,
             held_until = excluded.held_until WHERE lease.held_until <= $3
             RETURNING epoch",
            values![name, holder, now, now.saturating_add(lasts)],
        )
        .await?;
    rows.first().map(|row| row.int(0)).transpose()
}

/// Prolongs every term of this holder that has not run out, and tells which those are.
pub async fn renew(
    db: &Db,
    now: Millis,
    holder: &str,
    lasts: Millis,
) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = db
        .run(
            "UPDATE lease SET held_until = $3 WHERE holder = $1 AND held_until > $2 RETURNING name, epoch",
            values![holder, now, now.saturating_add(lasts)],
        )
        .await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect()
}

/// Ends a term before its time, unless it is over anyway.
pub async fn release(db: &Db, name: &str, holder: &str) -> Result<(), StoreError> {
    let sql = "UPDATE lease SET held_until = 0 WHERE name = $1 AND holder = $2";
    db.run(sql, values![name, holder]).await.map(drop)
}

/// Makes sure that whoever acts by this still may, and that nobody takes over until the transaction ends.
pub async fn hold(tx: &mut Tx, proof: &Proof) -> Result<(), StoreError> {
    match proof {
        Proof::Job { id, fence } => outbox::hold(tx, *id, *fence).await,
        Proof::Lease { name, holder, epoch } => {
            // An update and no look: whoever wants to take over waits for us, or we find it taken.
            let sql = "UPDATE lease SET epoch = epoch WHERE name = $1 AND holder = $2 AND epoch = $3";
            if tx.run(sql, values![name.as_str(), holder.as_str(), *epoch]).await? == 0 {
                return Err(StoreError::LeaseLost);
            }
            Ok(())
        }
    }
}
