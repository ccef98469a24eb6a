//! How replicas tell each other at once what each would find out by itself a moment later: by Postgres's
//! notifications, which a pooler may swallow. Nothing depends on them.

use std::time::Duration;

use sqlx::postgres::PgListener;

use super::db::{Db, Tx, Value};
use super::effects::values;
use super::{Ring, StoreError};

/// The channel of the notifications.
const BELL: &str = "threadbridge";
/// A connection for notifications that broke is made again after this time.
const LISTEN_AGAIN: Duration = Duration::from_secs(30);

impl Ring {
    const ALL: [Self; 3] = [Self::Work, Self::Bridges, Self::Leases];

    fn name(self) -> &'static str {
        match self {
            Self::Work => "",
            Self::Bridges => "bridges",
            Self::Leases => "leases",
        }
    }
}

/// Tells of it at once.
pub async fn ring(db: &Db, what: Ring) -> Result<(), StoreError> {
    if db.is_postgres() {
        let sql = "SELECT 1 FROM (SELECT pg_notify($1, $2)) AS rung";
        db.rows(sql, values![BELL, what.name()]).await?;
    }
    Ok(())
}

/// Tells of it when the transaction ends well.
pub async fn ring_within(tx: &mut Tx, what: Ring) -> Result<(), StoreError> {
    if tx.is_postgres() {
        tx.put("SELECT pg_notify($1, $2)", values![BELL, what.name()]).await?;
    }
    Ok(())
}

/// Passes on what any replica tells, for as long as it is polled.
pub async fn listen(db: &Db, rung: &(dyn Fn(Ring) + Send + Sync)) {
    let Db::Postgres(pool) = db else { return std::future::pending().await };
    loop {
        if let Ok(mut listener) = PgListener::connect_with(pool).await
            && listener.listen(BELL).await.is_ok()
        {
            while let Ok(told) = listener.recv().await {
                // What a newer version tells is none of our business.
                Ring::ALL.into_iter().filter(|ring| ring.name() == told.payload()).for_each(rung);
            }
        }
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}
