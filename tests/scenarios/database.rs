//! A database that can't be written: work stops, nothing is acknowledged, and goes on when it can.

use std::process::Command;

use sqlx::{Connection, Executor, SqliteConnection};
use threadbridge::config::Config;

use crate::world::{World, eventually};

/// A file system of its own, so small that it is soon full.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// `None`, with a line that says so, where mounting is not allowed.
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path())
            .output();
        if !mounted.is_ok_and(|done| done.status.success()) {
            eprintln!("skipped: a small file system can't be mounted here (that takes root)");
            return None;
        }
        Some(Self { folder })
    }

    fn database(&self) -> String {
        format!("sqlite://{}", self.folder.path().join("threadbridge.db").display())
    }

    fn remount(&self, how: &str) {
        let done =
            Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(self.folder.path()).status();
        assert!(done.is_ok_and(|status| status.success()), "the file system can't be remounted");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

fn on(disk: &Disk, mut config: Config) -> Config {
    config.database.url = disk.database().into();
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_locked_nothing_is_done_and_nothing_is_lost() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Archive", "Shelf one.").unwrap();
    let room = world.room("Archive").await;
    let shown = world.message(room, "Shelf one.").await;
    world.quiet().await;

    let mut other = SqliteConnection::connect(&world.folder.database()).await.expect("the database opens");
    other.execute("BEGIN IMMEDIATE").await.expect("the lock");
    world.forum().reply(thread, world.bob, "Shelf two.").unwrap();
    let said = world.discord().say(world.dora, room, "Shelf three?", None).unwrap();
    world.discord().react(world.dora, shown.id, "🙏").unwrap();
    let reads = || world.forum().requests().get("GET /showthread.php").copied().unwrap_or(0);
    let before = reads();
    eventually("the news to be read, in vain", || (reads() > before + 1).then_some(())).await;
    assert!(world.find(room, "Shelf two.").is_none(), "sent without being written down");
    assert!(world.posts_with(thread, "Shelf three?").is_empty(), "posted without being written down");
    assert!(world.discord().reactions(said).is_empty(), "acknowledged without being written down");

    other.execute("ROLLBACK").await.expect("the release");
    world.message(room, "Shelf two.").await;
    world.post(thread, "Shelf three?").await;
    world.marked(said, "✅").await;
    world.quiet().await;
    assert_eq!(world.mirrored(room).len(), 2);
    assert_eq!(world.posts_with(thread, "Shelf three?").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_while_the_database_failed_is_not_sent_again() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Archive", "Shelf one.").unwrap();
    let room = world.room("Archive").await;
    world.message(room, "Shelf one.").await;
    // The lock falls between the sending and the writing down.
    let wait = std::time::Duration::from_secs(3);
    world.discord().fault(
        Some("POST"),
        "/webhooks",
        threadbridge::sandbox::discord::Fault::SlowAnswer(wait),
        1,
    );
    world.forum().reply(thread, world.bob, "Shelf two.").unwrap();
    world.message(room, "Shelf two.").await;
    let mut other = SqliteConnection::connect(&world.folder.database()).await.expect("the database opens");
    other.execute("BEGIN IMMEDIATE").await.expect("the lock");
    let looks = || world.forum().requests().get("GET /forumdisplay.php").copied().unwrap_or(0);
    let before = looks();
    eventually("a few looks", || (looks() > before + 1).then_some(())).await;
    other.execute("ROLLBACK").await.expect("the release");
    world.forum().reply(thread, world.bob, "Shelf three.").unwrap();
    world.message(room, "Shelf three.").await;
    world.quiet().await;
    assert_eq!(world.mirrored(room).len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_work_stops_and_goes_on_when_there_is_room() {
    let Some(disk) = Disk::mount("8m") else { return };
    let mut world = World::new().await;
    let config = on(&disk, world.config(vec![world.threads()]));
    world.start_with(config).await;
    eventually("the gateway", || (world.discord().sessions().0 > 0).then_some(())).await;
    world.quiet().await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Archive", "Shelf one.").unwrap();
    let room = world.room("Archive").await;
    world.message(room, "Shelf one.").await;
    world.quiet().await;

    let ballast = disk.folder.path().join("ballast");
    let fill = || {
        use std::io::Write;
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&ballast).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    };
    fill();
    let long = "So many words that they need a page of their own in the database. ".repeat(150);
    for number in 0..20 {
        world.forum().reply(thread, world.bob, &format!("Shelf {number} is full. {long}")).unwrap();
    }
    let said = world.discord().say(world.dora, room, "Shelf three?", None).unwrap();
    world.quiet().await;
    let stuck = world.discord().reactions(said).is_empty();
    std::fs::remove_file(&ballast).expect("room");
    world.message(room, "Shelf 19 is full.").await;
    world.post(thread, "Shelf three?").await;
    world.marked(said, "✅").await;
    assert!(stuck, "the disk was never full");
    assert_eq!(world.posts_with(thread, "Shelf three?").len(), 1);
    for number in 0..20 {
        let words = format!("Shelf {number} is full.");
        let times = world.mirrored(room).iter().filter(|content| content.starts_with(&words)).count();
        assert_eq!(times, 1, "{words}");
    }
    world.stop().await.expect("a clean stop");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_read_only_is_named_with_what_to_do() {
    let Some(disk) = Disk::mount("4m") else { return };
    let mut world = World::new().await;
    let config = on(&disk, world.config(vec![world.threads()]));
    world.start_with(config.clone()).await;
    eventually("the gateway", || (world.discord().sessions().0 > 0).then_some(())).await;
    world.stop().await.expect("a clean stop");
    disk.remount("ro");
    world.start_with(config.clone()).await;
    let error = world.ended().await.expect_err("it can't be written").to_string();
    assert!(error.contains("can't be written") && error.contains("write access"), "{error}");
    disk.remount("rw");
    world.start_with(config).await;
    world.quiet().await;
    world.stop().await.expect("a clean stop");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_the_same_file_refuses_and_says_why() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let config = world.config(vec![world.threads()]);
    let stop = tokio_util::sync::CancellationToken::new();
    let second = threadbridge::app::run(&config, world.stage.clock.clone(), stop).await;
    let error = second.expect_err("one process a file").to_string();
    assert!(
        error.contains("another threadbridge already uses") && error.contains("stop it first"),
        "{error}"
    );
}
