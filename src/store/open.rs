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
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, Row, SqlSafeStr};

use crate::clock::Clock;

use super::db::Db;
use super::sql::Sql;
use super::{Store, StoreError};

/// The schema, step by step; both databases take the same steps.
const STEPS: [(i64, &str, &str, &str); 7] = [
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
        3,
        "people",
        include_str!("../../migrations/sqlite/0003_people.sql"),
        include_str!("../../migrations/postgres/0003_people.sql"),
    ),
    (
        4,
        "baseline time",
        include_str!("../../migrations/sqlite/0004_baseline_time.sql"),
        include_str!("../../migrations/postgres/0004_baseline_time.sql"),
    ),
    (
        5,
        "replicas",
        include_str!("../../migrations/sqlite/0005_replicas.sql"),
        include_str!("../../migrations/postgres/0005_replicas.sql"),
    ),
    (
        6,
        "members",
        include_str!("../../migrations/sqlite/0006_members.sql"),
        include_str!("../../migrations/postgres/0006_members.sql"),
    ),
    (
        7,
        "changes",
        include_str!("../../migrations/sqlite/0007_changes.sql"),
        include_str!("../../migrations/postgres/0007_changes.sql"),
    ),
];

/// Postgres 12 is the oldest whose identity columns and plans the store was made for.
const OLDEST_POSTGRES: i32 = 120_000;
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens the database that the address names and brings its schema up to date.
pub async fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, StoreError> {
    let (db, lock) = connect(url).await?;
    if db.row("SELECT done FROM import LIMIT 1", &[]).await?.is_some() {
        db.close().await;
        return Err(unusable(
            "an import into this database has not ended; run the same threadbridge import again",
        ));
    }
    Ok(Arc::new(Sql::new(db, clock, lock).await?))
}

/// The database itself, its schema up to date; with what keeps others away from a file.
pub(super) async fn connect(url: &str) -> Result<(Db, Option<File>), StoreError> {
    match url.split(':').next().unwrap_or_default() {
        "sqlite" => sqlite(url).await,
        "postgres" | "postgresql" => Ok((postgres(url).await?, None)),
        _ => Err(unusable(
            "database.url must begin with sqlite:// or postgres://, for example sqlite://threadbridge.db",
        )),
    }
}

/// Brings the schema of the database that the address names up to date, as opening does, and leaves it.
pub async fn migrate(url: &str, clock: Arc<dyn Clock>) -> Result<(), StoreError> {
    open(url, clock).await?.close().await;
    Ok(())
}

/// The newest step of the schema.
pub fn newest_step() -> i64 {
    STEPS.iter().map(|(version, ..)| *version).max().unwrap_or(0)
}

/// Opens a database only to be read, beside a bridge that may be using it: nothing is locked, changed or
/// brought up to date.
pub async fn open_to_read(url: &str, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, StoreError> {
    beside(url, clock, true).await
}

/// Opens a database beside a bridge that may be using it, to read much of it and to write a little, in short
/// transactions. Its schema must be of this version.
pub async fn open_beside(url: &str, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, StoreError> {
    beside(url, clock, false).await
}

async fn beside(url: &str, clock: Arc<dyn Clock>, read_only: bool) -> Result<Arc<dyn Store>, StoreError> {
    let (db, name) = if url.starts_with("sqlite:") {
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|_| unusable("database.url is no SQLite address; try sqlite://threadbridge.db"))?
            .read_only(read_only)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let file = options.get_filename().to_path_buf();
        if !file.exists() {
            return Err(named(&file, unusable(NEVER_USED)));
        }
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
        (Db::Sqlite(pool.map_err(|error| named(&file, error.into()))?, Arc::default()), file)
    } else {
        let options = postgres_options(url)?;
        let server = format!("Postgres on {}", options.get_host());
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE);
        let pool = pool.connect_with(options).await.map_err(|error| named(&server, error.into()))?;
        (Db::Postgres(pool), server.into())
    };
    of_this_version(&db).await.map_err(|error| named(&name, error))?;
    Ok(Arc::new(Sql::to_read(db, clock)))
}

const NEVER_USED: &str = "no bridge has used this database yet; start threadbridge run first";

/// Whoever may not bring the schema up to date must find it so.
async fn of_this_version(db: &Db) -> Result<(), StoreError> {
    // The migrator's own list.
    let row = match db.row("SELECT MAX(version) FROM _sqlx_migrations", &[]).await {
        Ok(row) => row,
        Err(error @ StoreError::Sql(sqlx::Error::Database(_))) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "no list of schema steps");
            return Err(unusable(NEVER_USED));
        }
        Err(error) => return Err(error),
    };
    match row.map(|row| row.maybe_int(0)).transpose()?.flatten() {
        Some(step) if step == newest_step() => Ok(()),
        Some(step) if step > newest_step() => Err(schema(MigrateError::VersionMissing(step))),
        _ => Err(unusable(
            "an older threadbridge wrote it; bring it up to date with threadbridge migrate, or by starting this version",
        )),
    }
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
        // One writes while another reads; SQLite has one writer at a time, and each connection costs 170 KB and a
        // thread. Each connection to :memory: would be a database of its own.
        .max_connections(if in_memory { 1 } else { 2 })
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

fn postgres_options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| unusable("database.url is no Postgres address; try postgres://user@host/database"))?;
    Ok(options
        // Poolers know few of the settings that a connection may begin with.
        .extra_float_digits(None)
        .statement_cache_capacity(0)
        // Values are written into the statements, and the log is no place for them; not even for those of slow ones.
        .disable_statement_logging())
}

async fn postgres(url: &str) -> Result<Db, StoreError> {
    let options = postgres_options(url)?;
    let server = format!("Postgres on {}", options.get_host());
    // One plain attempt first: a pool would try again in silence and then only say that time is up.
    let opening = tokio::time::timeout(PATIENCE, prepare(&options)).await;
    opening
        .unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut.into()))
        .map_err(|error| named(&server, error))?;
    let pool = PgPoolOptions::new()
        .max_connections(10)
        // Less than a statement may take: of a network that swallows everything it should be known here.
        .acquire_timeout(Duration::from_secs(5))
        // One that was in use a moment ago is not asked whether it still lives: that costs as much as what it is
        // wanted for.
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(
                async move { Ok(about.idle_for < Duration::from_secs(1) || connection.ping().await.is_ok()) },
            )
        })
        .connect_lazy_with(options);
    Ok(Db::Postgres(pool))
}

/// Looks whether the server will do, and brings its schema up to date.
async fn prepare(options: &PgConnectOptions) -> Result<(), StoreError> {
    let mut connection = PgConnection::connect_with(options).await?;
    let sql = "SELECT current_setting('server_version_num'), current_setting('server_encoding')";
    let row = sqlx::raw_sql(sql).fetch_one(&mut connection).await?;
    let (version, encoding): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let version: i32 = version.parse().unwrap_or(0);
    if version < OLDEST_POSTGRES {
        let major = version / 10_000;
        return Err(unusable(format!("the server is version {major}; threadbridge needs 12 or newer")));
    }
    if encoding != "UTF8" {
        return Err(unusable(format!(
            "the database stores text as {encoding}; create one with ENCODING 'UTF8'"
        )));
    }
    // All steps or none, one replica at a time. The migrator prepares statements and can lock for a whole
    // session: behind a pooler both would outlive us, so the lock is the transaction's and the rest is swept.
    let mut tx = connection.begin().await?;
    tx.execute("DEALLOCATE ALL").await?;
    tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('threadbridge schema', 0))").await?;
    let steps = STEPS.map(|(version, name, _, sql)| step(version, name, sql));
    Migrator::with_migrations(steps.to_vec())
        .set_locking(false)
        .run_direct(None, &mut *tx, false)
        .await
        .map_err(schema)?;
    tx.execute("DEALLOCATE ALL").await?;
    tx.commit().await?;
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
