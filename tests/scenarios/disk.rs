//! The disk really fails: the real process may write no further than to the end of its files as they are
//! (`RLIMIT_FSIZE`, without its signal), so that SQLite's writes end with an error of the system. Nothing is acknowledged
//! meanwhile, and once the disk is well work goes on by itself.

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use threadbridge::sandbox::stage::ACCOUNT;
use threadbridge::sandbox::{discord, forum};

use crate::world::{World, eventually};

/// The bridge in a process of its own.
struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Process {
    fn start(world: &World) -> Self {
        let text = format!(
            "[discord]\ntoken = \"{}\"\napi_url = \"{}\"\n[database]\nurl = \"{}\"\n[server]\nlisten = \"127.0.0.1:0\"\n\
             [[forums]]\nkey = \"edu\"\nengine = \"vbulletin4\"\nurl = \"{}\"\nusername = \"{ACCOUNT}\"\npassword = \"{}\"\n\
             poll_seconds = 1\nmin_request_gap_ms = 0\ntimezone = \"Europe/London\"\n\
             [[bridges]]\nforum = \"edu\"\nboard = \"{}\"\nchannel = \"{}\"\nstart = \"now\"\n",
            world.discord().token(),
            world.discord().url(),
            world.folder.database(),
            world.forum().url(),
            forum::DEFAULT_PASSWORD,
            world.board,
            world.forum_channel,
        );
        let config = world.folder.0.join("threadbridge.toml");
        std::fs::write(&config, text).expect("a configuration");
        let mut child = Command::new("sh")
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_threadbridge"), "run"])
            .arg("--config")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the bridge starts");
        let log = Arc::new(Mutex::new(String::new()));
        let stderr = child.stderr.take().expect("a pipe");
        std::thread::spawn({
            let log = log.clone();
            move || {
                use std::io::BufRead;
                for line in std::io::BufReader::new(stderr).lines().map_while(Result::ok) {
                    eprintln!("{line}");
                    *log.lock().unwrap() += &(line + "\n");
                }
            }
        });
        Self { child, log }
    }

    /// How large its files may be from now on: bytes, or `unlimited`.
    fn may_write(&self, size: &str) {
        let limit = format!("--fsize={size}:unlimited");
        let done = Command::new("prlimit").args(["--pid", &self.child.id().to_string(), &limit]).status();
        assert!(done.is_ok_and(|status| status.success()), "the limit can't be set");
    }

    /// How often it has said so.
    fn said(&self, words: &str) -> usize {
        self.log.lock().unwrap().matches(words).count()
    }

    fn complaints(&self) -> usize {
        self.said("the disk that holds the database")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bridge between a forum and a Discord, where its disk can be made to fail.
async fn begin() -> Option<(World, Process)> {
    if !Command::new("prlimit").arg("--version").output().is_ok_and(|done| done.status.success()) {
        eprintln!("skipped: there is no prlimit here");
        return None;
    }
    let world = World::new().await;
    let process = Process::start(&world);
    eventually("the gateway", || (world.discord().sessions().0 > 0).then_some(())).await;
    let before = world.looks();
    eventually("the board to be read", || (world.looks() >= before + 3).then_some(())).await;
    Some((world, process))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_heard_while_the_disk_failed_for_long_is_read_when_it_is_well() {
    let Some((world, process)) = begin().await else { return };
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Archive", "Shelf one.").unwrap();
    let room = world.room("Archive").await;
    world.message(room, "Shelf one.").await;
    let said = world.discord().say(world.dora, room, "All is well.", None).unwrap();
    world.marked(said, "✅").await;

    world.discord().drop_events(1);
    let missed = world.discord().say(world.dora, room, "Does anybody hear me?", None).unwrap();
    // Without a database no session begins: the disk fails while the channel is being read.
    let slow = discord::Fault::SlowAnswer(Duration::from_secs(3));
    world.discord().fault(Some("GET"), "/channels/{channel_id}/messages", slow, 1);
    world.discord().disconnect(false);
    eventually("the channel to be read", || (world.discord().faults_left() == 0).then_some(())).await;
    process.may_write("1");
    // Until nobody would try any more who gives up.
    eventually("many tries to read it", || (process.said("can't read what was missed") >= 5).then_some(()))
        .await;
    assert!(world.posts_with(thread, "Does anybody hear me?").is_empty(), "posted unwritten");
    process.may_write("unlimited");
    // What the bridge itself says there does not hide it.
    world.forum().reply(thread, world.bob, "Shelf two.").unwrap();
    world.message(room, "Shelf two.").await;
    world.post(thread, "Does anybody hear me?").await;
    world.marked(missed, "✅").await;
    assert_eq!(world.posts_with(thread, "Does anybody hear me?").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_disk_fails_nothing_is_acknowledged_and_then_work_goes_on() {
    let Some((world, process)) = begin().await else { return };
    let (thread, first) = world.forum().open_thread(world.board, world.ann, "Archive", "Shelf one.").unwrap();
    let room = world.room("Archive").await;
    let shown = world.message(room, "Shelf one.").await;
    let said = world.discord().say(world.dora, room, "All is well.", None).unwrap();
    world.marked(said, "✅").await;

    // The failure falls at another moment of the work each time.
    let mut told = vec![said];
    for round in 0..8u64 {
        let complaints = process.complaints();
        let early = world.discord().say(world.dora, room, &format!("Early {round}?"), None).unwrap();
        world.forum().reply(thread, world.bob, &format!("Before {round}.")).unwrap();
        tokio::time::sleep(Duration::from_millis(round * 150)).await;
        process.may_write("1");
        world.forum().reply(thread, world.bob, &format!("During {round}.")).unwrap();
        let said = world.discord().say(world.dora, room, &format!("Meanwhile {round}?"), None).unwrap();
        if round % 2 == 0 {
            world.discord().react(world.dora, shown.id, "🙏").unwrap();
        } else {
            world.discord().unreact(world.dora, shown.id, "🙏").unwrap();
        }
        eventually("a few complaints", || (process.complaints() > complaints + 3).then_some(())).await;
        assert!(world.posts_with(thread, &format!("Meanwhile {round}?")).is_empty(), "posted unwritten");
        assert!(world.find(room, &format!("During {round}.")).is_none(), "sent unwritten");
        assert!(world.discord().reactions(said).is_empty(), "acknowledged unwritten");
        process.may_write("unlimited");
        for words in ["Before", "During"] {
            world.message(room, &format!("{words} {round}.")).await;
        }
        for (words, message) in [("Early", early), ("Meanwhile", said)] {
            world.post(thread, &format!("{words} {round}?")).await;
            world.marked(message, "✅").await;
            told.push(message);
        }
        let thanked = usize::from(round % 2 == 0);
        eventually("the thanks", || (world.forum().thanks(first).len() == thanked).then_some(())).await;
    }
    let before = world.looks();
    eventually("a few more looks", || (world.looks() >= before + 4).then_some(())).await;
    for round in 0..8 {
        for words in ["Before", "During"] {
            let words = format!("{words} {round}.");
            let times = world.mirrored(room).iter().filter(|content| content.starts_with(&words)).count();
            assert_eq!(times, 1, "{words}");
        }
        for words in ["Early", "Meanwhile"] {
            assert_eq!(world.posts_with(thread, &format!("{words} {round}?")).len(), 1, "{words} {round}");
        }
    }
    for message in told {
        let marks: Vec<_> = world.discord().reactions(message).into_iter().map(|(mark, _)| mark).collect();
        assert_eq!(marks, ["✅"]);
    }
}
