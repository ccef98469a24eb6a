//! Opening a database: which one an address names, its settings, its schema, and clear words for what
//! can be wrong with it.

use std::borrow::Cow;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, Executor, PgConnection, Row, SqlSafeStr};

use crate::clock::Clock;

use super::db::Db;
use super::sql::Sql;
use super::{Store, StoreError};

/// The schema, step by step; both databases take the same steps.
const STEPS: [(i64, &str, &str, &str); 3] = [
    (
        1,
        "begin",
        include_str!("../../migrations/sqlite/0001_begin.sql"),
        include_str!("../../migrations/postgres/0001_begin.sql"),
    ),
    (
        2,
        "roads",
        include_str!("../../migrations/sqlite/0002_roads.sql"),
        include_str!("../../migrations/postgres/0002_roads.sql"),
    ),
    (
        4,
        "baseline time",
        include_str!("../../migrations/sqlite/0004_baseline_time.sql"),
        include_str!("../../migrations/postgres/0004_baseline_time.sql"),
    ),
];

/// Postgres 12 is the oldest whose identity columns and plans the store was made for.
const OLDEST_POSTGRES: i32 = 120_000;
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

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
        .map_err(|_| unusable("database.url is no SQLite address; try sqlite://threadbridge.db"))?
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A power cut may lose the last commits with NORMAL; what was acknowledged must stay.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        // In KiB when negative. The working set of a bridge is small, and so is its server.
        .pragma("cache_size", "-1024");
    let in_memory = url.contains(":memory:") || url.contains("mode=memory");
    // However the file is named, it is one file and has one lock.
    let file = options.get_filename();
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
    let lock = if in_memory { None } else { Some(lock(&file)?) };
    let pool = SqlitePoolOptions::new()
        // Each connection to :memory: would be a database of its own.
        .max_connections(if in_memory { 1 } else { 4 })
        .min_connections(u32::from(in_memory))
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await
        .map_err(|error| named(&file, error.into()))?;
    let steps = STEPS.map(|(version, name, sql, _)| step(version, name, sql));
    Migrator::with_migrations(steps.to_vec())
        .run(&pool)
        .await
        .map_err(|error| named(&file, schema(error)))?;
    Ok((Db::Sqlite(pool, Arc::default()), lock))
}

fn unusable(sentence: impl Into<String>) -> StoreError {
    StoreError::Unusable(sentence.into())
}

/// Says which database it is about.
fn named(name: impl AsRef<Path>, error: StoreError) -> StoreError {
    unusable(format!("{}: {error}", name.as_ref().display()))
}

/// One process a file: two would take each other's work for their own.
fn lock(file: &Path) -> Result<File, StoreError> {
    let mut name = file.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let lock = File::create(&path).map_err(|error| {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let (folder, file) = (folder.display(), file.display());
        unusable(match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => {
                format!("{file}: the folder {folder} does not exist; create it, or change database.url")
            }
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                format!("{file}: the folder {folder} can't be written; give this user write access to it")
            }
            ErrorKind::StorageFull => format!("{file}: the disk is full; make room"),
            _ => format!("{file}: can't write beside it: {error}"),
        })
    })?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(unusable(format!(
            "another threadbridge already uses the database {}; stop it first",
            file.display()
        ))),
        Err(TryLockError::Error(error)) => Err(unusable(format!("can't lock {}: {error}", path.display()))),
    }
}

async fn postgres(url: &str) -> Result<Db, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| unusable("database.url is no Postgres address; try postgres://user@host/database"))?
        // No statement is prepared across transactions: a pooler in transaction mode would lose it.
        .statement_cache_capacity(0);
    let server = format!("Postgres on {}", options.get_host());
    // One plain attempt first: a pool would try again in silence and then only say that time is up.
    let opening = tokio::time::timeout(PATIENCE, prepare(&options)).await;
    opening
        .unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut.into()))
        .map_err(|error| named(&server, error))?;
    let pool = PgPoolOptions::new()
        .max_connections(8)
        .acquire_timeout(PATIENCE)
        .after_connect(|connection, _| {
            Box::pin(async move {
                // Whoever is cut off in mid-transaction must not hold the outbox for long.
                connection.execute("SET idle_in_transaction_session_timeout = '30s'").await?;
                Ok(())
            })
        })
        .connect_lazy_with(options);
    Ok(Db::Postgres(pool))
}

/// Looks whether the server will do, and brings its schema up to date.
async fn prepare(options: &PgConnectOptions) -> Result<(), StoreError> {
    let mut connection = PgConnection::connect_with(options).await?;
    let row = sqlx::query(
        "SELECT CAST(current_setting('server_version_num') AS INTEGER), current_setting('server_encoding')",
    )
    .fetch_one(&mut connection)
    .await?;
    let (version, encoding): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
    if version < OLDEST_POSTGRES {
        let major = version / 10_000;
        return Err(unusable(format!("the server is version {major}; threadbridge needs 12 or newer")));
    }
    if encoding != "UTF8" {
        return Err(unusable(format!(
            "the database stores text as {encoding}; create one with ENCODING 'UTF8'"
        )));
    }
    let steps = STEPS.map(|(version, name, _, sql)| step(version, name, sql));
    Migrator::with_migrations(steps.to_vec())
        .run_direct(None, &mut connection, false)
        .await
        .map_err(schema)?;
    connection.close().await?;
    Ok(())
}

fn step(version: i64, name: &'static str, sql: &'static str) -> Migration {
    Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
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
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        other => StoreError::Unusable(format!("the database's schema can't be brought up to date: {other}")),
    }
}
