//! What a database says when it can't go on, in words for the person who runs it. No sentence holds a
//! password: none repeats the address, and drivers do not either.

use sqlx::error::DatabaseError;

use super::StoreError;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let sentence = match &error {
            sqlx::Error::Database(database) => known(database.as_ref()),
            sqlx::Error::PoolClosed => {
                Some("the database is closed, as the bridge is about to stop; what is not done is done after the start")
            }
            sqlx::Error::PoolTimedOut
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            // A connection that ended in mid-sentence.
            | sqlx::Error::Protocol(_) => {
                Some("the database does not answer; check that its server runs and can be reached")
            }
            _ => None,
        };
        match sentence {
            Some(sentence) => Self::Unusable(sentence.to_owned()),
            None => Self::Sql(error),
        }
    }
}

/// Codes: <https://sqlite.org/rescode.html> (the low byte is the kind) and
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn known(error: &dyn DatabaseError) -> Option<&'static str> {
    let code = error.code()?;
    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        return Some(match code.parse::<i32>().ok()? & 0xff {
            5 | 6 => "the database is held by another program; close it (a database browser, a backup)",
            8 => "the database can't be written; give this user write access to the file and its folder",
            10 => "the disk that holds the database fails to read or write; check it",
            11 => "the database is damaged; restore a backup",
            13 => "the disk that holds the database is full; make room",
            14 => "the database file can't be opened; check that it is a file and may be read and written",
            26 => "the file is not a SQLite database; name another one in database.url",
            _ => return None,
        });
    }
    Some(match code.as_ref() {
        "28P01" | "28000" => "the Postgres server refused the user or password in database.url",
        "3D000" => "the database that database.url names does not exist on the Postgres server; create it",
        "42501" => "the Postgres user may not do this; make it the owner of the database",
        "53100" => "the Postgres server's disk is full; make room",
        "53300" => "the Postgres server takes no more connections; raise its max_connections",
        "25006" => "the Postgres server is read-only (a standby?); name the primary in database.url",
        "25P03" | "25P04" => "the Postgres server gave up a transaction that stood still; it is tried again",
        "57014" => "the Postgres server took too long; look at its load and its locks",
        code if code.starts_with("57P") => "the Postgres server is starting or stopping; try again soon",
        _ => return None,
    })
}
