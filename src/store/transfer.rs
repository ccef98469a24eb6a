//! Everything that a database holds, into a file and out of it, or straight into another database.
//!
//! The rows are read table by table in the order of their keys and written in batches, each in one
//! transaction with how far it got: an import that was interrupted goes on where it was. Which tables and
//! columns there are is learnt from the schema itself, so that none can be forgotten.
//!
//! A file has one JSON value a line: what is in it, then each row as `["table", value, ...]`, then how many
//! rows that were. It holds all that the database holds, secrets among it.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Lines, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sqlx::AssertSqlSafe;

use super::db::{Db, Row, Tx, Value};
use super::effects::values;
use super::{StoreError, open};

/// Rows of a batch, and of one statement in it.
const BATCH: usize = 1_000;
const STATEMENT: usize = 200;
/// What belongs to the database itself, or to a moment.
const NOT_MOVED: [&str; 4] = ["_sqlx_migrations", "change", "import", "lease"];

/// Told how many rows of how many are done, now and then.
pub type Tell<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// A table as the schema has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Table {
    name: String,
    columns: Vec<String>,
    /// Which of them hold numbers; the others hold text.
    numbers: Vec<bool>,
    /// The places of the key's columns.
    key: Vec<usize>,
}

/// Rows that follow each other, all of one table.
struct Page {
    table: Table,
    rows: Vec<Vec<Value>>,
}

/// The first line of a file.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    threadbridge: u32,
    /// Names this export among others.
    id: String,
    /// The newest step of the schema that it was made from.
    step: i64,
    rows: u64,
    tables: Vec<Table>,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
struct End {
    end: u64,
}

/// The form of the file.
const FORM: u32 = 1;

/// Writes all that the database holds into a file that is not there yet. It has its name only once it is
/// whole; nothing else may use the database meanwhile.
///
/// # Errors
/// One sentence for the admin.
pub async fn export(url: &str, path: &Path, tell: Tell<'_>) -> Result<u64, StoreError> {
    if path.exists() {
        return Err(unusable(format!("{} is there already; name another file", path.display())));
    }
    let (db, _lock) = open::connect(url).await?;
    let tables = tables().await?;
    idle(&db).await?;
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
    let mut file = BufWriter::new(file.map_err(|error| failed(&part, &error))?);
    let rows = count(&db, &tables).await?;
    let id = format!("{:016x}", fastrand::u64(..));
    let head = Head { threadbridge: FORM, id, step: open::newest_step(), rows, tables: tables.clone() };
    let mut line = |value: Json| {
        serde_json::to_writer(&mut file, &value).map_err(std::io::Error::from)?;
        file.write_all(b"\n")
    };
    line(serde_json::to_value(&head)?).map_err(|error| failed(&part, &error))?;
    let mut reader = Reader::new(tables);
    let mut done = 0;
    while let Some(Page { table, rows }) = reader.page(&db).await? {
        for row in &rows {
            let name = Json::from(table.name.as_str());
            let row = std::iter::once(name).chain(row.iter().map(json)).collect();
            line(row).map_err(|error| failed(&part, &error))?;
        }
        done += rows.len() as u64;
        tell(done, head.rows);
    }
    line(serde_json::to_value(End { end: done })?).map_err(|error| failed(&part, &error))?;
    let written = file.into_inner().map_err(std::io::IntoInnerError::into_error);
    written.and_then(|file| file.sync_all()).map_err(|error| failed(&part, &error))?;
    std::fs::rename(&part, path).map_err(|error| failed(path, &error))?;
    db.close().await;
    Ok(done)
}

/// Brings everything over from a file or another database into one that is empty, or that an interrupted
/// import of the same source began to fill. Nothing else may use either of them meanwhile.
///
/// # Errors
/// One sentence for the admin.
pub async fn import(source: &str, url: &str, tell: Tell<'_>) -> Result<u64, StoreError> {
    let mut source = Source::open(source).await?;
    let (db, _lock) = open::connect(url).await?;
    idle(&db).await?;
    let done = begin(&db, &source).await?;
    let mut passed = 0;
    while let Some(Page { table, rows }) = source.page().await? {
        let skipped = usize::try_from(done.saturating_sub(passed)).unwrap_or(usize::MAX).min(rows.len());
        passed += rows.len() as u64;
        if skipped < rows.len() {
            write(&db, &table, &rows[skipped..], passed).await?;
        }
        tell(passed, source.rows);
    }
    if passed != source.rows {
        return Err(unusable("the source has fewer rows than it says; make a new export of it"));
    }
    end(&db, &source.tables).await?;
    db.close().await;
    Ok(passed)
}

/// How much of this source is there already.
async fn begin(db: &Db, source: &Source) -> Result<u64, StoreError> {
    let begun = db.row("SELECT source, done FROM import", &[]).await?;
    if let Some(row) = begun {
        if row.text(0)? == source.id {
            return Ok(row.int(1)?.unsigned_abs());
        }
        return Err(unusable(
            "an import of something else, or of what has changed since, was begun here; empty the database",
        ));
    }
    for table in tables().await? {
        let sql = format!("SELECT 1 FROM {} LIMIT 1", quoted(&table.name));
        if db.row(AssertSqlSafe(sql), &[]).await?.is_some() {
            return Err(unusable(format!(
                "the database holds something already (table {}); an import needs an empty one",
                table.name
            )));
        }
    }
    db.run("INSERT INTO import (source, done) VALUES ($1, 0)", values![source.id.as_str()]).await?;
    Ok(0)
}

/// Writes rows and how many there are now.
async fn write(db: &Db, table: &Table, rows: &[Vec<Value>], done: u64) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    for rows in rows.chunks(STATEMENT) {
        insert(&mut tx, table, rows).await?;
    }
    tx.run("UPDATE import SET done = $1", values![done]).await?;
    tx.commit().await
}

async fn insert(tx: &mut Tx, table: &Table, rows: &[Vec<Value>]) -> Result<(), StoreError> {
    let columns = columns(table);
    let width = table.columns.len();
    let places: Vec<String> = (0..rows.len())
        .map(|row| {
            let places: Vec<String> =
                (1..=width).map(|column| format!("${}", row * width + column)).collect();
            format!("({})", places.join(", "))
        })
        .collect();
    // Numbers that Postgres would give by itself come with the rows.
    let own = if tx.is_postgres() { "OVERRIDING SYSTEM VALUE " } else { "" };
    let (name, places) = (quoted(&table.name), places.join(", "));
    let sql = format!("INSERT INTO {name} ({columns}) {own}VALUES {places}");
    tx.run(AssertSqlSafe(sql), &rows.concat()).await.map(drop)
}

/// Everything is there.
async fn end(db: &Db, tables: &[Table]) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    // Whoever was at work on a job is not any more.
    tx.run("UPDATE outbox SET lease_until = 0", &[]).await?;
    let numbering = tx.is_postgres();
    let numbered = tables.iter().filter(|table| numbering && table.key.len() == 1);
    for table in numbered.filter(|table| table.columns[table.key[0]] == "id") {
        let name = quoted(&table.name);
        let sql = format!(
            "SELECT SETVAL(PG_GET_SERIAL_SEQUENCE('{name}', 'id'), COALESCE(MAX(id), 1), MAX(id) IS NOT NULL)
             FROM {name}"
        );
        tx.rows(AssertSqlSafe(sql), &[]).await?;
    }
    tx.run("DELETE FROM import", &[]).await?;
    tx.commit().await
}

/// Where rows come from.
struct Source {
    id: String,
    rows: u64,
    tables: Vec<Table>,
    place: Place,
    /// Keeps others away from the database.
    _lock: Option<File>,
}

enum Place {
    File(Pages),
    Database(Db, Reader),
}

/// Reads a file, as many rows at a time as stand together and make a batch.
struct Pages {
    path: PathBuf,
    lines: Lines<BufReader<File>>,
    /// The first row of the next page, by the place of its table.
    next: Option<(usize, Vec<Value>)>,
    ended: bool,
}

impl Source {
    async fn open(source: &str) -> Result<Self, StoreError> {
        let scheme = ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| source.starts_with(scheme));
        if !scheme {
            return Self::file(Path::new(source));
        }
        let (db, lock) = open::connect(source).await?;
        let tables = tables().await?;
        idle(&db).await?;
        let mut counts = Vec::new();
        for table in &tables {
            counts.push(count(&db, std::slice::from_ref(table)).await?.to_string());
        }
        let rows = count(&db, &tables).await?;
        let reader = Reader::new(tables.clone());
        Ok(Self { id: counts.join(" "), rows, tables, place: Place::Database(db, reader), _lock: lock })
    }

    fn file(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|error| failed(path, &error))?;
        let mut lines = BufReader::new(file).lines();
        let first = lines.next().transpose().map_err(|error| failed(path, &error))?.unwrap_or_default();
        let head: Head = serde_json::from_str(&first)
            .map_err(|_| unusable(format!("{} was not made by threadbridge export", path.display())))?;
        if head.threadbridge != FORM || head.step > open::newest_step() {
            return Err(unusable(format!(
                "{} was made by a newer threadbridge; import it with that one",
                path.display()
            )));
        }
        let place = Place::File(Pages { path: path.to_owned(), lines, next: None, ended: false });
        Ok(Self { id: head.id, rows: head.rows, tables: head.tables, place, _lock: None })
    }

    /// The next rows.
    async fn page(&mut self) -> Result<Option<Page>, StoreError> {
        match &mut self.place {
            Place::Database(db, reader) => reader.page(db).await,
            Place::File(pages) => pages.page(&self.tables),
        }
    }
}

impl Pages {
    fn page(&mut self, tables: &[Table]) -> Result<Option<Page>, StoreError> {
        let mut table = None;
        let mut rows = Vec::new();
        while let Some((place, row)) = self.row(tables)? {
            if *table.get_or_insert(place) != place || rows.len() == BATCH {
                self.next = Some((place, row));
                break;
            }
            rows.push(row);
        }
        Ok(table.map(|place| Page { table: tables[place].clone(), rows }))
    }

    fn row(&mut self, tables: &[Table]) -> Result<Option<(usize, Vec<Value>)>, StoreError> {
        if self.ended || self.next.is_some() {
            return Ok(self.next.take());
        }
        let line = self.lines.next().transpose().map_err(|error| failed(&self.path, &error))?;
        let broken = || unusable(format!("{} is damaged or cut off; make a new export", self.path.display()));
        match serde_json::from_str(&line.ok_or_else(broken)?).map_err(|_| broken())? {
            Json::Array(cells) => row(&cells, tables).map(Some).ok_or_else(broken),
            end => {
                serde_json::from_value::<End>(end).map_err(|_| broken())?;
                self.ended = true;
                Ok(None)
            }
        }
    }
}

fn row(cells: &[Json], tables: &[Table]) -> Option<(usize, Vec<Value>)> {
    let (name, cells) = cells.split_first()?;
    let place = tables.iter().position(|table| Some(table.name.as_str()) == name.as_str())?;
    let numbers = &tables[place].numbers;
    let row =
        cells.iter().zip(numbers).map(|(cell, number)| value(cell, *number)).collect::<Option<Vec<_>>>()?;
    (row.len() == numbers.len() && cells.len() == numbers.len()).then_some((place, row))
}

/// Reads a database table by table, page by page.
struct Reader {
    /// The tables that are still to be read, the next one last.
    tables: Vec<Table>,
    /// The key of the last row.
    after: Option<Vec<Value>>,
}

impl Reader {
    fn new(mut tables: Vec<Table>) -> Self {
        tables.reverse();
        Self { tables, after: None }
    }

    async fn page(&mut self, db: &Db) -> Result<Option<Page>, StoreError> {
        while let Some(table) = self.tables.last() {
            let key: Vec<String> = table.key.iter().map(|place| quoted(&table.columns[*place])).collect();
            let key = key.join(", ");
            let mut sql = format!("SELECT {} FROM {}", columns(table), quoted(&table.name));
            let after = self.after.take().unwrap_or_default();
            if !after.is_empty() {
                let places: Vec<String> = (1..=after.len()).map(|place| format!("${place}")).collect();
                sql.push_str(&format!(" WHERE ({key}) > ({})", places.join(", ")));
            }
            sql.push_str(&format!(" ORDER BY {key} LIMIT {BATCH}"));
            let rows = db.rows(AssertSqlSafe(sql), &after).await?;
            let rows: Vec<Vec<Value>> =
                rows.iter().map(|row| cells(row, table)).collect::<Result<_, StoreError>>()?;
            if let Some(last) = rows.last() {
                self.after = Some(table.key.iter().map(|place| last[*place].clone()).collect());
                return Ok(Some(Page { table: table.clone(), rows }));
            }
            self.tables.pop();
        }
        Ok(None)
    }
}

fn cells(row: &Row, table: &Table) -> Result<Vec<Value>, StoreError> {
    let cells = table.numbers.iter().enumerate();
    cells
        .map(|(place, number)| {
            Ok(if *number {
                Value::MaybeInt(row.maybe_int(place)?)
            } else {
                Value::MaybeText(row.maybe_text(place)?)
            })
        })
        .collect()
}

fn json(value: &Value) -> Json {
    match value {
        Value::Int(number) | Value::MaybeInt(Some(number)) => (*number).into(),
        Value::Text(text) | Value::MaybeText(Some(text)) => text.as_str().into(),
        Value::MaybeInt(None) | Value::MaybeText(None) => Json::Null,
    }
}

fn value(cell: &Json, number: bool) -> Option<Value> {
    match cell {
        Json::Null if number => Some(Value::MaybeInt(None)),
        Json::Null => Some(Value::MaybeText(None)),
        Json::Number(found) if number => found.as_i64().map(Value::Int),
        Json::String(text) if !number => Some(text.as_str().into()),
        _ => None,
    }
}

/// Both databases have the same tables: an empty one tells which.
async fn tables() -> Result<Vec<Table>, StoreError> {
    let (db, _) = open::connect("sqlite::memory:").await?;
    let rows = db
        .rows(
            "SELECT m.name, p.name, p.type LIKE '%INT%', p.pk FROM sqlite_master m JOIN pragma_table_info(m.name) p
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, p.cid",
            &[],
        )
        .await?;
    let mut tables: Vec<Table> = Vec::new();
    let mut keys: Vec<Vec<(i64, usize)>> = Vec::new();
    for row in &rows {
        let (name, column, key) = (row.text(0)?, row.text(1)?, row.int(3)?);
        if tables.last().is_none_or(|table| table.name != name) {
            tables.push(Table { name, columns: Vec::new(), numbers: Vec::new(), key: Vec::new() });
            keys.push(Vec::new());
        }
        if let (Some(table), Some(keys)) = (tables.last_mut(), keys.last_mut()) {
            if key > 0 {
                keys.push((key, table.columns.len()));
            }
            table.columns.push(column);
            table.numbers.push(row.flag(2)?);
        }
    }
    for (table, mut key) in tables.iter_mut().zip(keys) {
        key.sort_unstable();
        table.key = key.into_iter().map(|(_, place)| place).collect();
    }
    db.close().await;
    tables.retain(|table| !NOT_MOVED.contains(&table.name.as_str()));
    // What others refer to comes first.
    tables.sort_by_key(|table| (table.name != "forum", table.name != "bridge"));
    Ok(tables)
}

async fn count(db: &Db, tables: &[Table]) -> Result<u64, StoreError> {
    let mut rows = 0;
    for table in tables {
        let sql = format!("SELECT COUNT(*) FROM {}", quoted(&table.name));
        let row = db.row(AssertSqlSafe(sql), &[]).await?.ok_or(sqlx::Error::RowNotFound)?;
        rows += row.int(0)?.unsigned_abs();
    }
    Ok(rows)
}

/// A file has its lock; of a server it is asked whether a replica is alive.
async fn idle(db: &Db) -> Result<(), StoreError> {
    if db.is_postgres() {
        let live = "SELECT 1 FROM lease
             WHERE held_until > CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) LIMIT 1";
        if db.row(live, &[]).await?.is_some() {
            return Err(unusable(
                "a bridge runs on this Postgres database; stop every replica first (one that was killed counts for 12 seconds)",
            ));
        }
    }
    Ok(())
}

fn columns(table: &Table) -> String {
    table.columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
}

/// A name of the schema; none holds a quote.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', ""))
}

fn unusable(sentence: impl Into<String>) -> StoreError {
    StoreError::Unusable(sentence.into())
}

fn failed(path: &Path, error: &std::io::Error) -> StoreError {
    let path = path.display();
    unusable(match error.kind() {
        ErrorKind::NotFound => format!("{path}: there is no such file or folder"),
        ErrorKind::PermissionDenied => format!("{path}: this user may not use it"),
        ErrorKind::StorageFull => format!("{path}: the disk is full; make room"),
        _ => format!("{path}: {error}"),
    })
}
