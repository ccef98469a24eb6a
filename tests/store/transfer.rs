//! From one database to another and back, through files and directly: nothing is lost, and an import that was
//! interrupted goes on.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};
use threadbridge::clock::{Clock, SystemClock};
use threadbridge::model::{ChannelId, MemberId, MessageId, ThreadId, UserId};
use threadbridge::store::{
    self, Effect, Finish, Follow, NewJob, Origin, Part, PostRow, Reaction, Room, Store, Submission,
    SubmissionState, Thanked, ThreadRow, transfer,
};

use super::{Place, board_bridge, claim, each, edu, enqueue, job, park, post};

/// Something in every table, and more posts than one batch takes.
async fn fill(store: &dyn Store) {
    let bridges = [board_bridge("1", 10), board_bridge("2", u64::MAX)];
    let bridge = store.sync_bridges(&bridges).await.unwrap()[1].id;
    let thread = ThreadId::new("7");
    let title = "Quotes ' and \\ and \"these\"\n😀".to_owned();
    let (channel, message) = (ChannelId(99), MessageId(u64::MAX - 1));
    let mut effects = vec![
        Effect::Baseline { bridge, post: post("3"), at: None },
        Effect::Thread(ThreadRow { forum: edu(), thread: thread.clone(), board: None, title }),
        Effect::Follow(Follow {
            bridge,
            thread: thread.clone(),
            marker: String::new(),
            last_post: None,
            last_number: None,
        }),
        Effect::Room(Room { bridge, thread: thread.clone(), channel, digest: -5 }),
        Effect::Submission(Submission {
            message,
            bridge,
            thread: thread.clone(),
            channel,
            author: UserId(5),
            member: Some(MemberId::new("17")),
            post: None,
            state: SubmissionState::Queued,
            digest: i64::MIN,
        }),
        Effect::Reaction(Reaction {
            bridge, post: post("4"), message, user: UserId(6), emoji: "🙏".into()
        }),
        Effect::Thanked(Thanked {
            forum: edu(),
            post: post("4"),
            by: Some((MemberId::new("17"), UserId(6))),
        }),
        Effect::Watermark { channel, message },
    ];
    for number in 0..2_500_u64 {
        let id = post(&number.to_string());
        let row = PostRow {
            forum: edu(),
            post: id.clone(),
            thread: thread.clone(),
            digest: 1,
            gone: number % 7 == 0,
        };
        effects.push(Effect::Post(row));
        effects.push(Effect::Part(Part {
            bridge,
            post: id,
            part: 0,
            channel,
            message: MessageId(1_000_000 + number),
            digest: 2,
            origin: Origin::Forum,
        }));
    }
    store.apply(Some("m:1"), effects).await.unwrap();
    let now = store.now().await.unwrap();
    let job = |lane: &str, key: &str| NewJob { run_at: now, ..job(lane, key) };
    enqueue(store, [job("a", "a1"), job("a", "a2"), job("b", "b1")]).await;
    let given_up = claim(store).await;
    store.settle(&given_up, Vec::new(), park("it's \\ no good")).await.unwrap();
}

/// What a file holds, but for the name of the export; and whether a job was being done.
fn rows(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn export(url: &str, folder: &Path, name: &str) -> Vec<Value> {
    let path = folder.join(name);
    transfer::export(url, &path, &mut |_, _| {}).await.unwrap();
    let mut rows = rows(&path);
    // Databases sort text differently.
    rows.sort_by_key(Value::to_string);
    rows
}

#[tokio::test]
async fn a_database_goes_anywhere_and_comes_back_the_same() {
    each(async |place: Place| {
        let folder = tempfile::tempdir().unwrap();
        let store = place.open().await;
        fill(&*store).await;
        store.close().await;
        let whole = export(&place.url, folder.path(), "whole").await;
        assert!(whole.len() > 5_000);
        let tables: std::collections::BTreeSet<_> = whole.iter().filter_map(|row| row[0].as_str()).collect();
        for table in [
            "bridge",
            "follow",
            "forum",
            "once",
            "outbox",
            "part",
            "post",
            "reaction",
            "room",
            "submission",
            "thanked",
            "thread",
            "watermark",
        ] {
            assert!(tables.contains(table), "{table} is not there");
        }
        let error =
            transfer::export(&place.url, &folder.path().join("whole"), &mut |_, _| {}).await.unwrap_err();
        assert!(error.to_string().contains("is there already"), "{error}");

        // From the file into a database of the other kind, directly from that one to the next, and on.
        let file = folder.path().join("whole").display().to_string();
        let sqlite = |name: &str| format!("sqlite://{}", folder.path().join(name).display());
        let mut source = file.clone();
        let mut targets = vec![sqlite("a.db"), sqlite("b.db")];
        if !place.sqlite {
            let mut url = url::Url::parse(&place.url).unwrap();
            let name = format!("{}_copy", url.path().trim_start_matches('/'));
            place.run(format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")).await;
            url.set_path(&name);
            targets.insert(1, url.to_string());
        }
        for (number, target) in targets.iter().enumerate() {
            let mut told = (0, 0);
            transfer::import(&source, target, &mut |done, of| told = (done, of)).await.unwrap();
            assert_eq!(told.0, told.1);
            assert_eq!(told.1 as usize + 1, whole.len());
            assert!(
                export(target, folder.path(), &format!("copy{number}")).await == whole,
                "{target} differs"
            );
            let error = transfer::import(&file, target, &mut |_, _| {}).await.unwrap_err();
            assert!(error.to_string().contains("holds something already"), "{error}");
            source = target.clone();
        }
        // Work goes on there, with numbers of its own.
        let store = threadbridge::store::open(&source, place.clock.clone()).await.unwrap();
        enqueue(&*store, [job("new", "new1")]).await;
        assert_eq!(store.parked().await.unwrap().len(), 1);
        let first = claim(&*store).await;
        store.settle(&first, Vec::new(), Finish::Done).await.unwrap();
        store.close().await;
        if let Some(copy) = targets.iter().find(|target| target.starts_with("postgres")) {
            let copy = url::Url::parse(copy).unwrap();
            place.run(format!("DROP DATABASE {} WITH (FORCE)", copy.path().trim_start_matches('/'))).await;
        }
    })
    .await;
}

/// What belongs to the database itself, or to a moment; everything else has to arrive.
const STAYS: [&str; 4] = ["_sqlx_migrations", "change", "import", "lease"];
const ROWS: i64 = 7;

/// A column as the schema has it.
struct Column {
    name: String,
    number: bool,
    /// Part of a key, or a reference to one.
    key: bool,
    nullable: bool,
}

/// Every table that there is, so that none which is added one day can be forgotten. Those come first that others
/// refer to.
async fn tables() -> Vec<(String, Vec<Column>)> {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("schema.db").display());
    store::migrate(&url, Arc::new(SystemClock)).await.unwrap();
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let sql = "SELECT m.name, p.name, p.type LIKE '%INT%',
                      p.pk > 0 OR EXISTS (SELECT 1 FROM pragma_foreign_key_list(m.name) f WHERE f.\"from\" = p.name),
                      p.\"notnull\" = 0 AND p.pk = 0
               FROM sqlite_master m JOIN pragma_table_info(m.name) p
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, p.cid";
    let mut tables: Vec<(String, Vec<Column>)> = Vec::new();
    for row in sqlx::raw_sql(sql).fetch_all(&mut connection).await.unwrap() {
        let table: String = row.get(0);
        if tables.last().is_none_or(|(name, _)| *name != table) {
            tables.push((table, Vec::new()));
        }
        let (number, key, nullable): (i64, i64, i64) = (row.get(2), row.get(3), row.get(4));
        let column = Column { name: row.get(1), number: number != 0, key: key != 0, nullable: nullable != 0 };
        tables.last_mut().unwrap().1.push(column);
    }
    tables.retain(|(name, _)| !STAYS.contains(&name.as_str()));
    tables.sort_by_key(|(name, _)| (name != "forum", name != "bridge"));
    tables
}

/// Something of every kind that a column can hold.
fn cell(table: &str, column: &Column, row: i64) -> String {
    let odd = ["it's", "a\\b\\'", "two\nlines\t", "😀 ẞ \u{202e}", "\"q\" $1 %", "", "null"];
    let place = usize::try_from(row).unwrap();
    if column.nullable && row % 3 == 0 {
        return "NULL".to_owned();
    }
    match (column.number, column.key) {
        (true, true) => row.to_string(),
        (true, false) => [i64::MIN + row, -row, i64::MAX - row, row][place % 4].to_string(),
        (false, true) => format!("'{row} {}'", odd[place % odd.len()].replace('\'', "''")),
        (false, false) => {
            format!("'{table} {} {row} {}'", column.name, odd[place % odd.len()].replace('\'', "''"))
        }
    }
}

/// Rows in every table, whatever tables there are.
async fn fill_all(place: &Place) {
    let mut sql = String::new();
    for (table, columns) in tables().await {
        let names: Vec<_> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let own = if place.sqlite { "" } else { "OVERRIDING SYSTEM VALUE" };
        for row in 1..=ROWS {
            let cells: Vec<_> = columns.iter().map(|column| cell(&table, column, row)).collect();
            let (names, cells) = (names.join(", "), cells.join(", "));
            sql.push_str(&format!("INSERT INTO \"{table}\" ({names}) {own} VALUES ({cells});\n"));
        }
    }
    place.run(sql).await;
}

/// Every row of every table, as text.
async fn all_rows(url: &str) -> BTreeMap<String, Vec<Vec<Option<String>>>> {
    let mut all = BTreeMap::new();
    for (table, columns) in tables().await {
        // Nobody is at work on a job any more.
        let kept = |column: &&Column| (table.as_str(), column.name.as_str()) != ("outbox", "lease_until");
        let cells: Vec<_> =
            columns.iter().filter(kept).map(|column| format!("CAST(\"{}\" AS TEXT)", column.name)).collect();
        let sql = AssertSqlSafe(format!("SELECT {} FROM \"{table}\"", cells.join(", ")));
        let mut rows: Vec<Vec<Option<String>>> = if url.starts_with("sqlite") {
            let mut connection = SqliteConnection::connect(url).await.unwrap();
            let rows = sqlx::raw_sql(sql).fetch_all(&mut connection).await.unwrap();
            rows.iter().map(|row| (0..cells.len()).map(|place| row.get(place)).collect()).collect()
        } else {
            let mut connection = PgConnection::connect(url).await.unwrap();
            let rows = sqlx::raw_sql(sql).fetch_all(&mut connection).await.unwrap();
            rows.iter().map(|row| (0..cells.len()).map(|place| row.get(place)).collect()).collect()
        };
        rows.sort();
        all.insert(table, rows);
    }
    all
}

#[tokio::test]
async fn every_row_of_every_table_arrives_as_it_was() {
    each(async |place: Place| {
        let folder = tempfile::tempdir().unwrap();
        place.open().await.close().await;
        fill_all(&place).await;
        let before = all_rows(&place.url).await;
        for (table, rows) in &before {
            assert_eq!(rows.len(), usize::try_from(ROWS).unwrap(), "{table} was not filled");
        }
        let file = folder.path().join("whole").display().to_string();
        transfer::export(&place.url, Path::new(&file), &mut |_, _| {}).await.unwrap();
        let sqlite = |name: &str| format!("sqlite://{}", folder.path().join(name).display());
        for (number, source) in [file, place.url.clone()].into_iter().enumerate() {
            let target = sqlite(&format!("{number}.db"));
            transfer::import(&source, &target, &mut |_, _| {}).await.unwrap();
            let after = all_rows(&target).await;
            for (table, rows) in &before {
                assert_eq!(after.get(table), Some(rows), "{table}, from {source}");
            }
        }
        if !place.sqlite {
            // And back into Postgres.
            let mut back = url::Url::parse(&place.url).unwrap();
            let name = format!("{}_back", back.path().trim_start_matches('/'));
            place.run(format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")).await;
            back.set_path(&name);
            transfer::import(&sqlite("0.db"), back.as_str(), &mut |_, _| {}).await.unwrap();
            assert_eq!(all_rows(back.as_str()).await, before);
            place.run(format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    })
    .await;
}

/// The program itself, with nothing around it that it reads.
fn threadbridge(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_threadbridge"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// How many rows an import has brought over so far, as far as can be seen.
async fn imported(place: &Place) -> i64 {
    let sql = "SELECT COALESCE(MAX(done), 0) FROM import";
    if place.sqlite {
        let Ok(mut connection) = SqliteConnection::connect(&place.url).await else { return 0 };
        sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap_or(0)
    } else {
        let Ok(mut connection) = PgConnection::connect(&place.url).await else { return 0 };
        sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap_or(0)
    }
}

#[tokio::test]
async fn an_import_that_is_killed_again_and_again_ends_when_it_is_given_again() {
    const POSTS: u32 = 40_000;
    each(async |place: Place| {
        let folder = tempfile::tempdir().unwrap();
        let origin = Place {
            url: format!("sqlite://{}", folder.path().join("origin.db").display()),
            clock: place.clock.clone(),
            sqlite: true,
        };
        origin.open().await.close().await;
        fill_all(&origin).await;
        let many = format!(
            "INSERT INTO post (forum, post, thread, digest, gone)
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {POSTS})
             SELECT 1, CAST(100000 + i AS TEXT), CAST(i / 100 AS TEXT), i, 0 FROM n"
        );
        origin.run(many).await;
        let file = folder.path().join("whole").display().to_string();
        let export = threadbridge(&["export", &file, "--database", &origin.url]).output().unwrap();
        assert!(export.status.success(), "{}", String::from_utf8_lossy(&export.stderr));
        assert!(export.stderr.is_empty(), "nobody watches: {}", String::from_utf8_lossy(&export.stderr));

        for source in [&file, &origin.url] {
            let import = ["import", source, "--database", &place.url];
            for _ in 0..3 {
                let before = imported(&place).await;
                let mut running = threadbridge(&import).spawn().unwrap();
                while imported(&place).await <= before {
                    assert!(running.try_wait().unwrap().is_none(), "it ended by itself");
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                running.kill().unwrap();
                assert!(!running.wait().unwrap().success());
            }
            let error = place.try_open().await.err().expect("it is half full").to_string();
            assert!(error.contains("import into this database has not ended"), "{error}");
            let last = threadbridge(&import).output().unwrap();
            assert!(last.status.success(), "{}", String::from_utf8_lossy(&last.stderr));
            assert!(last.stderr.is_empty(), "nobody watches: {}", String::from_utf8_lossy(&last.stderr));
            assert!(all_rows(&place.url).await == all_rows(&origin.url).await, "it differs");
            let mut emptied: Vec<_> = tables().await.into_iter().map(|(table, _)| table).collect();
            emptied.reverse();
            place.run(emptied.iter().map(|table| format!("DELETE FROM \"{table}\";")).collect()).await;
        }
    })
    .await;
}

#[tokio::test]
async fn on_a_terminal_a_bar_shows_how_far_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("origin.db").display());
    store::migrate(&url, Arc::new(SystemClock)).await.unwrap();
    let clock = Arc::new(threadbridge::clock::ManualClock::new(SystemClock.now()));
    fill_all(&Place { url: url.clone(), clock, sqlite: true }).await;
    let whole = folder.path().join("whole").display().to_string();
    let command = format!("'{}' export '{whole}' --database '{url}'", env!("CARGO_BIN_EXE_threadbridge"));
    // It gives the program a terminal of its own.
    let Ok(shown) = Command::new("script").args(["-qec", &command, "/dev/null"]).output() else {
        assert!(std::env::var_os("CI").is_none(), "script (of bsdutils) is not installed");
        eprintln!("skipped: script (of bsdutils) is not installed");
        return;
    };
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.status.success(), "{text}");
    assert!(text.contains('█') && text.contains("100 %"), "{text}");
}

#[tokio::test]
async fn what_can_not_be_imported_is_told_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let target = format!("sqlite://{}", folder.path().join("target.db").display());
    let origin = format!("sqlite://{}", folder.path().join("origin.db").display());
    let clock = std::sync::Arc::new(threadbridge::clock::SystemClock);
    let store = threadbridge::store::open(&origin, clock).await.unwrap();
    fill(&*store).await;
    let taken = transfer::export(&origin, &folder.path().join("x"), &mut |_, _| {}).await.unwrap_err();
    assert!(taken.to_string().contains("another threadbridge already uses"), "{taken}");
    store.close().await;
    export(&origin, folder.path(), "whole").await;
    let text = std::fs::read_to_string(folder.path().join("whole")).unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let cases = [
        (folder.path().join("none").display().to_string(), "there is no such file"),
        (write("letter", "Dear reader"), "was not made by threadbridge export"),
        (write("cut", &text[..text.len() / 2]), "is damaged or cut off"),
        (write("newer", &text.replacen("\"step\":", "\"step\":9", 1)), "made by a newer threadbridge"),
    ];
    for (number, (source, expected)) in cases.iter().enumerate() {
        let target = target.replace("target", &format!("target{number}"));
        let error = transfer::import(source, &target, &mut |_, _| {}).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
