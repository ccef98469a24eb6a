//! Two databases behind one face: the same SQL text, with `$1` placeholders, on SQLite and Postgres.
//! Values are 64-bit integers and text, which both know; nothing else may be stored.
//!
//! To Postgres every statement goes whole, its values written into it by [`literal`]. A pooler in transaction
//! mode may give each transaction another connection of the server: what was prepared before is missing
//! there, or is somebody else's statement of the same name.
//!
//! What a transaction writes is sent when somebody waits for an answer, or at its end: a transaction costs two
//! or three round trips, however much it writes. See [`Tx::put`].

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgRow;
use sqlx::query::Query;
use sqlx::raw_sql;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    AssertSqlSafe, Database, Either, PgPool, Postgres, Row as _, SqlSafeStr, SqlStr, Sqlite, SqlitePool,
};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio_stream::StreamExt;

use super::StoreError;

/// How long a Postgres server may take to answer. A connection that says nothing for longer is given up.
pub const PATIENCE: Duration = Duration::from_secs(8);

/// Whoever is cut off or stopped in mid-transaction must not hold others up: a replica that dies is to be
/// replaced within seconds.
const BEGIN: &str =
    "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '5s'; SET LOCAL statement_timeout = '8s';\n";

/// A value bound to a placeholder.
#[derive(Debug, Clone)]
pub enum Value {
    Int(i64),
    Text(String),
    MaybeInt(Option<i64>),
    MaybeText(Option<String>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Int(value.cast_signed())
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(storable(value))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        value.as_str().into()
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::MaybeInt(value)
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::MaybeText(value.map(storable))
    }
}

/// Postgres takes no NUL in text; no id or title is told apart by one.
fn storable(text: &str) -> String {
    text.replace('\0', "")
}

/// One row of an answer.
pub enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub fn maybe_int(&self, column: usize) -> Result<Option<i64>, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub fn text(&self, column: usize) -> Result<String, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub fn maybe_text(&self, column: usize) -> Result<Option<String>, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub fn flag(&self, column: usize) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    /// A Discord id.
    pub fn snowflake(&self, column: usize) -> Result<u64, StoreError> {
        Ok(self.int(column)?.cast_unsigned())
    }
}

/// A pool of connections.
#[derive(Clone)]
pub enum Db {
    /// With the right to write: waiting for one's turn here is fair and wakes at once, where SQLite's
    /// own busy handler sleeps and looks again.
    Sqlite(SqlitePool, Arc<Mutex<()>>),
    Postgres(PgPool),
}

impl Db {
    /// Begins a transaction that is going to write. SQLite takes its write lock at once: a reader that
    /// turns writer later would fail instead of waiting its turn.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(pool, writer) => {
                let turn = writer.clone().lock_owned().await;
                // Whoever waits may be given up meanwhile, and the transaction begin all the same.
                let mut connection = Sure(Some(pool.acquire().await?));
                sqlx::query("BEGIN IMMEDIATE").execute(connection.connection()?).await?;
                Tx::Sqlite(connection, turn)
            }
            Self::Postgres(pool) => Tx::Postgres(Courier {
                connection: Sure(Some(within(pool.acquire()).await?)),
                unsent: BEGIN.to_owned(),
                begun: false,
            }),
        })
    }

    /// Runs one statement as a transaction of its own.
    pub async fn run(&self, sql: impl SqlSafeStr, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(_, writer) => {
                let _turn = writer.lock().await;
                self.rows(sql, values).await
            }
            Self::Postgres(_) => self.rows(sql, values).await,
        }
    }

    /// Asks outside of a transaction.
    pub async fn rows(&self, sql: impl SqlSafeStr, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite(pool, _) => {
                sqlite(sql, values).fetch_all(pool).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(pool) => {
                let rows = within(raw_sql(whole(sql, values)).fetch_all(pool)).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    pub async fn row(&self, sql: impl SqlSafeStr, values: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool, _) => pool.close().await,
            // One that hangs is not waited for.
            Self::Postgres(pool) => drop(tokio::time::timeout(Duration::from_secs(2), pool.close()).await),
        }
    }
}

/// A transaction; rolled back unless it is committed.
pub enum Tx {
    Sqlite(Sure<Sqlite>, OwnedMutexGuard<()>),
    Postgres(Courier),
}

/// A connection within a transaction. SQLite ends a transaction by itself when a disk is full or fails, and a
/// statement on its way to Postgres may be given up halfway: a connection whose transaction did not end as it
/// was told to is closed, which rolls back for certain, and never used again.
pub struct Sure<D: Database>(Option<PoolConnection<D>>);

impl<D: Database> Sure<D> {
    fn connection(&mut self) -> Result<&mut D::Connection, StoreError> {
        Ok(self.0.as_deref_mut().ok_or(sqlx::Error::PoolClosed)?)
    }

    /// The transaction has ended well.
    fn free(&mut self) {
        drop(self.0.take());
    }
}

impl<D: Database> Drop for Sure<D> {
    fn drop(&mut self) {
        if let Some(mut connection) = self.0.take() {
            connection.close_on_drop();
        }
    }
}

/// A transaction on Postgres, and those of its statements that have not been sent yet.
pub struct Courier {
    connection: Sure<Postgres>,
    unsent: String,
    begun: bool,
}

impl Courier {
    /// Sends this statement after those that wait, and tells how many rows it touched and which it gave.
    async fn send(&mut self, statement: &str) -> Result<(u64, Vec<PgRow>), StoreError> {
        self.unsent.push_str(statement);
        let text = AssertSqlSafe(std::mem::take(&mut self.unsent)).into_sql_str();
        self.begun = true;
        let connection = self.connection.connection()?;
        let answers = async {
            let mut answers = raw_sql(text).fetch_many(connection);
            // Each statement gives its rows, and then says that it is done: the last one is ours.
            let (mut touched, mut rows, mut given) = (0, Vec::new(), Vec::new());
            while let Some(answer) = answers.next().await {
                match answer? {
                    Either::Right(row) => given.push(row),
                    Either::Left(done) => {
                        (touched, rows) = (done.rows_affected(), std::mem::take(&mut given))
                    }
                }
            }
            Ok((touched, rows))
        };
        Ok(within(answers).await?)
    }
}

impl Tx {
    pub fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Runs a statement whose outcome is not asked for: to Postgres it goes together with the next one whose
    /// outcome is, or with the end. Should it fail, then that fails.
    pub async fn put(&mut self, sql: impl SqlSafeStr, values: &[Value]) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(..) => self.run(sql, values).await.map(drop),
            Self::Postgres(tx) => {
                tx.unsent.push_str(whole(sql, values).as_str());
                tx.unsent.push_str(";\n");
                Ok(())
            }
        }
    }

    /// Runs a statement, and tells how many rows it touched.
    pub async fn run(&mut self, sql: impl SqlSafeStr, values: &[Value]) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Sqlite(tx, _) => sqlite(sql, values).execute(tx.connection()?).await?.rows_affected(),
            Self::Postgres(tx) => tx.send(whole(sql, values).as_str()).await?.0,
        })
    }

    pub async fn rows(&mut self, sql: impl SqlSafeStr, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite(tx, _) => {
                sqlite(sql, values).fetch_all(tx.connection()?).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(tx) => {
                let (_, rows) = tx.send(whole(sql, values).as_str()).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    pub async fn row(&mut self, sql: impl SqlSafeStr, values: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    pub async fn commit(self) -> Result<(), StoreError> {
        self.end("COMMIT", true).await
    }

    /// Leaves everything as it was.
    pub async fn rollback(self) -> Result<(), StoreError> {
        self.end("ROLLBACK", false).await
    }

    async fn end(self, how: &'static str, unsent: bool) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(mut tx, _turn) => {
                sqlx::query(how).execute(tx.connection()?).await?;
                tx.free();
            }
            Self::Postgres(mut tx) => {
                if !unsent {
                    tx.unsent.clear();
                }
                if tx.begun || tx.unsent != BEGIN && !tx.unsent.is_empty() {
                    tx.send(how).await?;
                }
                tx.connection.free();
            }
        }
        Ok(())
    }
}

/// A server that says nothing is as good as gone.
async fn within<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

fn sqlite(sql: impl SqlSafeStr, values: &[Value]) -> Query<'static, Sqlite, SqliteArguments> {
    values.iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Int(value) => query.bind(*value),
        Value::Text(value) => query.bind(value.clone()),
        Value::MaybeInt(value) => query.bind(*value),
        Value::MaybeText(value) => query.bind(value.clone()),
    })
}

/// A statement with its values in their places. Within this program no statement holds a `$` that is not
/// a placeholder.
fn whole(sql: impl SqlSafeStr, values: &[Value]) -> SqlStr {
    let sql = sql.into_sql_str();
    let mut pieces = sql.as_str().split('$');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        let value = piece[..digits].parse::<usize>().ok().and_then(|place| values.get(place.checked_sub(1)?));
        text.push_str(&value.map_or_else(|| "NULL".to_owned(), literal));
        text.push_str(&piece[digits..]);
    }
    AssertSqlSafe(text).into_sql_str()
}

/// A value as Postgres reads it. In an `E''` string only the quote and the backslash mean something, whatever
/// the server's settings, as long as both sides speak UTF-8: the server is asked for that on opening, and the
/// client never speaks anything else. NUL, which it takes nowhere, was left out before.
/// <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS-ESCAPE>
fn literal(value: &Value) -> String {
    let text = |text: &str| format!("E'{}'::TEXT", text.replace('\\', "\\\\").replace('\'', "''"));
    match value {
        // The brackets keep a minus sign from meeting another.
        Value::Int(number) | Value::MaybeInt(Some(number)) => format!("({number})::BIGINT"),
        Value::MaybeInt(None) => "NULL::BIGINT".to_owned(),
        Value::Text(words) | Value::MaybeText(Some(words)) => text(words),
        Value::MaybeText(None) => "NULL::TEXT".to_owned(),
    }
}

/// Placeholders for so many values after the first `before`: `$3, $4, $5`.
pub fn places(before: usize, count: usize) -> String {
    (1..=count).map(|place| format!("${}", before + place)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_into_a_statement_and_can_not_leave_their_place() {
        let values = [
            Value::from(-5_i64),
            Value::from("it's \\' $1; DROP TABLE post; --"),
            Value::from(None::<&str>),
            Value::from(i64::MIN),
        ];
        let sql = whole("SELECT 1 -$1, $2, $3 WHERE a = $4", &values);
        assert_eq!(
            sql.as_str(),
            "SELECT 1 -(-5)::BIGINT, E'it''s \\\\'' $1; DROP TABLE post; --'::TEXT, NULL::TEXT \
             WHERE a = (-9223372036854775808)::BIGINT"
        );
    }
}
