//! Opening a database: which one an address names, its settings, its schema, and clear words for what
//! can be wrong with it.

use std::borrow::Cow;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row, SqlSafeStr};

use crate::clock::Clock;

use super::db::Db;
use super::sql::Sql;
use super::{Store, StoreError};

/// The schema, step by step; both databases take the same steps.
const STEPS: [(i64, &str, &str, &str); 1] = [(
    1,
    "begin",
    include_str!("../../migrations/sqlite/0001_begin.sql"),
    include_str!("../../migrations/postgres/0001_begin.sql"),
)];

/// Postgres 12 is the oldest whose identity columns and plans the store was made for.
const OLDEST_POSTGRES: i32 = 120_000;

/// Opens the database that the address names and brings its schema up to date.
pub async fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, StoreError> {
    let scheme = url.split(':').next().unwrap_or_default();
    let (db, lock) = match scheme {
        "sqlite" => sqlite(url).await?,
        "postgres" | "postgresql" => (postgres(url).await?, None),
        _ => {
            return Err(StoreError::Unusable(
                "database.url must begin with sqlite:// or postgres://, for example sqlite://threadbridge.db"
                    .into(),
            ));
        }
    };
    Ok(Arc::new(Sql::new(db, clock, lock).await?))
}

async fn sqlite(url: &str) -> Result<(Db, Option<File>), StoreError> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|_| {
            StoreError::Unusable("database.url is no SQLite address; try sqlite://threadbridge.db".into())
        })?
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A power cut may lose the last commits with NORMAL; what was acknowledged must stay.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        // In KiB when negative. The working set of a bridge is small, and so is its server.
        .pragma("cache_size", "-1024");
    let in_memory = url.contains(":memory:");
    let file = options.get_filename().to_path_buf();
    let lock = if in_memory { None } else { Some(lock(&file)?) };
    let pool = SqlitePoolOptions::new()
        // Each connection to :memory: would be a database of its own.
        .max_connections(if in_memory { 1 } else { 4 })
        .min_connections(u32::from(in_memory))
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await
        .map_err(|error| cannot_open(&file, &error))?;
    let steps = STEPS.map(|(version, name, sql, _)| step(version, name, sql));
    Migrator::with_migrations(steps.to_vec()).run(&pool).await.map_err(schema)?;
    Ok((Db::Sqlite(pool), lock))
}

/// One process a file: two would take each other's work for their own.
fn lock(file: &Path) -> Result<File, StoreError> {
    let mut name = file.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let lock = File::create(&path).map_err(|error| {
        StoreError::Unusable(format!(
            "can't write beside the database {}: {error}; the folder must exist and be writable",
            file.display()
        ))
    })?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Unusable(format!(
            "another threadbridge already uses the database {}; stop it first",
            file.display()
        ))),
        Err(std::fs::TryLockError::Error(error)) => {
            Err(StoreError::Unusable(format!("can't lock {}: {error}", path.display())))
        }
    }
}

async fn postgres(url: &str) -> Result<Db, StoreError> {
    let options = PgConnectOptions::from_str(url).map_err(|_| {
        StoreError::Unusable("database.url is no Postgres address; try postgres://user@host/database".into())
    })?;
    let host = options.get_host().to_owned();
    // No statement is prepared across transactions: a pooler in transaction mode would lose it.
    let pool = PgPoolOptions::new()
        .max_connections(8)
        .acquire_timeout(Duration::from_secs(10))
        .connect_with(options.statement_cache_capacity(0))
        .await
        .map_err(|error| StoreError::Unusable(format!("can't use the Postgres server on {host}: {error}")))?;
    let row = sqlx::query(
        "SELECT CAST(current_setting('server_version_num') AS INTEGER), current_setting('server_encoding')",
    )
    .fetch_one(&pool)
    .await?;
    let (version, encoding): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
    if version < OLDEST_POSTGRES {
        return Err(StoreError::Unusable(format!(
            "the Postgres server is version {}; threadbridge needs 12 or newer",
            version / 10_000
        )));
    }
    if encoding != "UTF8" {
        return Err(StoreError::Unusable(format!(
            "the database stores text as {encoding}; create one with ENCODING 'UTF8'"
        )));
    }
    let steps = STEPS.map(|(version, name, _, sql)| step(version, name, sql));
    Migrator::with_migrations(steps.to_vec()).run(&pool).await.map_err(schema)?;
    Ok(Db::Postgres(pool))
}

fn step(version: i64, name: &'static str, sql: &'static str) -> Migration {
    Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
}

fn cannot_open(file: &Path, error: &sqlx::Error) -> StoreError {
    StoreError::Unusable(format!("can't open the database {}: {error}", file.display()))
}

fn schema(error: MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(version) | MigrateError::VersionTooOld(version, _) => {
            StoreError::Unusable(format!(
                "the database was written by a newer threadbridge (schema step {version}); run that version, or a newer one"
            ))
        }
        MigrateError::VersionMismatch(version) => StoreError::Unusable(format!(
            "the database's schema step {version} is not the one this version knows; restore a backup or use a new database"
        )),
        MigrateError::Execute(error) => StoreError::Sql(error),
        other => StoreError::Unusable(format!("the database's schema can't be brought up to date: {other}")),
    }
}
