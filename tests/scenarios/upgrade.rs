//! An older bridge's database: what it had written goes on under this version, and nothing is done twice.

use std::str::FromStr;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Row, SqliteConnection};

use crate::older;
use crate::world::{World, eventually};

/// Puts a database of so many steps in the place of this one, with everything in it that an older bridge would have
/// written.
async fn as_after(steps: usize, world: &World) {
    let file = world.folder.0.join("threadbridge.db");
    let old = world.folder.0.join("older.db");
    let options = SqliteConnectOptions::from_str(&format!("sqlite://{}", old.display())).unwrap();
    let mut database: SqliteConnection = options.create_if_missing(true).connect().await.unwrap();
    older::first(steps, "sqlite").run_direct(None, &mut database, false).await.unwrap();
    database.execute(AssertSqlSafe(format!("ATTACH '{}' AS newer", file.display()))).await.unwrap();
    let names = async |database: &mut SqliteConnection, sql: String| -> Vec<String> {
        let rows = database.fetch_all(AssertSqlSafe(sql)).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    };
    let tables = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT GLOB '*sql*'";
    for table in names(&mut database, tables.to_owned()).await {
        let common = format!(
            "SELECT name FROM pragma_table_info('{table}', 'main') WHERE name IN
             (SELECT name FROM pragma_table_info('{table}', 'newer'))"
        );
        let columns = names(&mut database, common).await.join(", ");
        let copy = format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}");
        database.execute(AssertSqlSafe(copy)).await.unwrap();
    }
    database.close().await.unwrap();
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", file.display()));
    }
    std::fs::rename(old, file).unwrap();
}

/// A conversation that begins under an older version and goes on under this one.
async fn goes_on_from(steps: usize) {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, first) = world.forum().open_thread(world.board, world.ann, "Weather", "It rains.").unwrap();
    let room = world.room("Weather").await;
    let shown = world.message(room, "It rains.").await.id;
    let said = world.discord().say(world.dora, room, "Is it me?", None).unwrap();
    world.marked(said, "✅").await;
    world.discord().react(world.dora, shown, "🙏").unwrap();
    eventually("the thanks", || (world.forum().thanks(first).len() == 1).then_some(())).await;
    eventually("the last line", || world.find(room, "1 thanks: Discord Bridge")).await;
    world.forum().pause().await;
    let queued = world.discord().say(world.emil, room, "Wait for me.", None).unwrap();
    while world.waiting().await.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    world.stop().await.expect("a clean stop");

    as_after(steps, &world).await;
    world.forum().resume().await.unwrap();
    world.forum().edit(first, "It pours.").unwrap();
    world.forum().reply(thread, world.bob, "While nobody looked.").unwrap();
    world.start(vec![world.threads()]).await;
    world.message(room, "It pours.").await;
    world.message(room, "While nobody looked.").await;
    world.post(thread, "Wait for me.").await;
    world.marked(queued, "✅").await;
    world.discord().edit(world.dora, said, "Is it you?").unwrap();
    world.post(thread, "Is it you?").await;
    world.discord().unreact(world.dora, shown, "🙏").unwrap();
    eventually("the withdrawal", || world.forum().thanks(first).is_empty().then_some(())).await;
    let fresh = world.discord().say(world.dora, room, "New words.", None).unwrap();
    world.marked(fresh, "✅").await;
    world.forum().reply(thread, world.bob, "New words of the forum.").unwrap();
    world.message(room, "New words of the forum.").await;
    world.quiet().await;

    let shown = world.mirrored(room);
    let begin = ["It pours.", "While nobody looked.", "New words of the forum."];
    assert_eq!(shown.len(), begin.len(), "from step {steps}: {shown:?}");
    assert!(shown.iter().zip(begin).all(|(shown, begin)| shown.starts_with(begin)), "{steps}: {shown:?}");
    for words in ["Is it you?", "Wait for me.", "New words."] {
        assert_eq!(world.posts_with(thread, words).len(), 1, "from step {steps}: {words}");
    }
    assert_eq!(world.forum().posts(thread).len(), 6, "from step {steps}");
    assert_eq!(world.discord().threads(world.forum_channel).len(), 1, "from step {steps}");
    assert!(world.parked().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_goes_on_from_the_database_of_every_older_version() {
    let mut versions = tokio::task::JoinSet::new();
    // The last is this version: what is tried here is true without any upgrade.
    for step in 1..=older::steps("sqlite").len() {
        versions.spawn(goes_on_from(step));
    }
    while let Some(version) = versions.join_next().await {
        version.expect("it goes on");
    }
}
