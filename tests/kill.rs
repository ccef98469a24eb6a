//! The real process is killed (SIGKILL) at every point that touches the outside or the database, in the
//! middle of a conversation, and started again. Nothing is lost, doubled or out of order: the sandbox's
//! ledgers are compared with what should be.
//!
//! The points are named in `bridge::points`; one that no journey comes to fails this test.

#![cfg(debug_assertions)]

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use threadbridge::bridge::points::Point;
use threadbridge::clock::SystemClock;
use threadbridge::sandbox::discord::{self, Limits};
use threadbridge::sandbox::forum::{self, Action, Deletion, Outcome};
use threadbridge::sandbox::stage::{ACCOUNT, Folder, Stage};

/// How many worlds run side by side.
const AT_ONCE: usize = 7;
const PATIENCE: Duration = Duration::from_secs(90);

/// Keeps a bridge running; the first one dies at a point.
struct Bridge {
    died: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    keeper: Option<std::thread::JoinHandle<()>>,
}

impl Bridge {
    fn keep(config: std::path::PathBuf, point: Point) -> Self {
        let (died, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let keeper = std::thread::spawn({
            let (died, stop) = (died.clone(), stop.clone());
            move || {
                let mut child = start(&config, Some(point));
                while !stop.load(Ordering::SeqCst) {
                    if let Ok(Some(status)) = child.try_wait() {
                        if status.signal() == Some(9) {
                            died.store(true, Ordering::SeqCst);
                        }
                        child = start(&config, None);
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
                let _ = child.kill();
                let _ = child.wait();
            }
        });
        Self { died, stop, keeper: Some(keeper) }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

fn log_of(config: &std::path::Path) -> std::path::PathBuf {
    config.with_extension("log")
}

fn start(config: &std::path::Path, point: Option<Point>) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_threadbridge"));
    let log = std::fs::OpenOptions::new().create(true).append(true).open(log_of(config)).expect("a log");
    command.args(["run", "--config"]).arg(config).stdout(Stdio::null()).stderr(log);
    if let Some(point) = point {
        command.env("THREADBRIDGE_KILL_AT", point.name());
    }
    command.spawn().expect("the bridge starts")
}

async fn until<T>(
    point: Point,
    config: &std::path::Path,
    what: &str,
    mut seen: impl FnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = seen() {
            return seen;
        }
        if Instant::now() > deadline {
            let log = std::fs::read_to_string(log_of(config)).unwrap_or_default();
            panic!("killed at {point:?}, waited in vain for {what}; the bridge said:\n{log}");
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

/// One conversation with a death in it.
async fn conversation(point: Point) {
    let discord = discord::Options { limits: Limits::off(), ..discord::Options::default() };
    let clock = Arc::new(SystemClock);
    let stage = Stage::start(forum::Options::default(), discord, clock).await.expect("the sandbox starts");
    let (forum, discord) = (stage.forum.clone(), stage.discord.clone());
    let board = forum.add_board("Staffroom");
    let (ann, bob) = (forum.add_member("Ann"), forum.add_member("Bob"));
    let dora = discord.add_user("Dora");
    // Only a text channel has its threads opened by the bot.
    let in_text = matches!(point, Point::BeforeOpenThread | Point::AfterOpenThread);
    let channel = if in_text {
        discord.add_text_channel(stage.guild, "talk")
    } else {
        discord.add_forum_channel(stage.guild, "threads", &[])
    };
    let folder = Folder::new().expect("a folder");
    let config = folder.0.join("threadbridge.toml");
    let text = format!(
        "[discord]\ntoken = \"{}\"\napi_url = \"{}\"\n[database]\nurl = \"{}\"\n[server]\nlisten = \"127.0.0.1:0\"\n\
         [[forums]]\nkey = \"edu\"\nengine = \"vbulletin4\"\nurl = \"{}\"\nusername = \"{ACCOUNT}\"\npassword = \"{}\"\n\
         poll_seconds = 1\nmin_request_gap_ms = 0\ntimezone = \"Europe/London\"\n\
         [[bridges]]\nforum = \"edu\"\nboard = \"{board}\"\nchannel = \"{channel}\"\nlayout = \"threads\"\nstart = \"all\"\n",
        discord.token(),
        discord.url(),
        folder.database(),
        forum.url(),
        forum::DEFAULT_PASSWORD,
    );
    std::fs::write(&config, text).expect("a configuration");
    let bridge = Bridge::keep(config.clone(), point);

    let shown = |room: u64| -> Vec<discord::Message> {
        discord.messages(room).into_iter().filter(|message| message.webhook.is_some()).collect()
    };
    let holding =
        |room: u64, words: &str| shown(room).into_iter().find(|message| message.content.contains(words));

    let (thread, first) = forum.open_thread(board, ann, "Kettle", "Opening words.").expect("a thread");
    let room = until(point, &config, "the Discord thread", || discord.threads(channel).pop()).await.id;
    let opening = until(point, &config, "the opening", || holding(room, "Opening words.")).await;
    let paragraph =
        "The kettle in the staff room trips the breaker whenever the copier warms up. ".repeat(22);
    let long = forum
        .reply(thread, bob, &format!("Long one. {paragraph}\n\n{paragraph}\n\nThe end of it."))
        .expect("a post");
    until(point, &config, "the long post", || holding(room, "The end of it.")).await;

    let said = discord.say(dora, room, "Unplug the copier.", None).expect("a message");
    let marked = |emoji: &str| discord.reactions(said).into_iter().any(|(own, _)| own == emoji).then_some(());
    until(point, &config, "the tick", || marked("✅")).await;
    let replied =
        |words: &str| forum.posts(thread).into_iter().find(|post| post.text.contains(words) && !post.deleted);
    let reply = until(point, &config, "the reply", || replied("Unplug the copier.")).await;

    discord.react(dora, opening.id, "🙏").expect("a reaction");
    until(point, &config, "the thanks", || (forum.thanks(first).len() == 1).then_some(())).await;
    forum.edit(first, "Changed words.").expect("an edit");
    until(point, &config, "the edit in Discord", || holding(room, "Changed words.")).await;
    discord.edit(dora, said, "Unplug the kettle.").expect("an edit");
    until(point, &config, "the edit on the forum", || replied("Unplug the kettle.")).await;
    discord.unreact(dora, opening.id, "🙏").expect("no reaction");
    until(point, &config, "the withdrawal", || forum.thanks(first).is_empty().then_some(())).await;
    forum.delete(long, Deletion::Hard).expect("a removal");
    until(point, &config, "the removal in Discord", || {
        holding(room, "kettle in the staff").is_none().then_some(())
    })
    .await;
    discord.delete(said).expect("a removal");
    until(point, &config, "the removal on the forum", || {
        forum.post(reply.id).is_none_or(|p| p.deleted).then_some(())
    })
    .await;
    forum.reply(thread, bob, "Closing words.").expect("a post");
    until(point, &config, "the closing", || holding(room, "Closing words.")).await;

    assert!(bridge.died.load(Ordering::SeqCst), "no journey comes to {point:?}");
    let contents: Vec<String> = shown(room).into_iter().map(|message| message.content).collect();
    assert_eq!(contents.len(), 2, "killed at {point:?}: {contents:?}");
    assert!(
        contents[0].starts_with("Changed words.") && contents[1].starts_with("Closing words."),
        "{contents:?}"
    );
    assert_eq!(discord.threads(channel).len(), 1, "killed at {point:?}: a thread was opened twice");
    let done = |action: Action| {
        forum
            .ledger()
            .into_iter()
            .filter(|e| e.action == action && matches!(e.outcome, Outcome::Done))
            .count()
    };
    assert_eq!(done(Action::Reply), 1, "killed at {point:?}: replies on the forum");
    assert_eq!(done(Action::Thank), 1, "killed at {point:?}: thanks on the forum");
    let sent = discord
        .ledger()
        .into_iter()
        .filter(|entry| {
            entry.method == "POST" && entry.done && entry.route == "/webhooks/{webhook_id}/{webhook_token}"
        })
        .count();
    let parts = 1 + 1 + 3;
    assert!(sent <= parts, "killed at {point:?}: {sent} messages were sent for {parts} parts");
    drop(bridge);
    discord.stop();
    forum.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_at_any_point_loses_and_doubles_nothing() {
    let only = std::env::var("POINT").ok();
    let points: Vec<Point> =
        Point::ALL.iter().copied().filter(|p| only.as_ref().is_none_or(|o| *o == p.name())).collect();
    for points in points.chunks(AT_ONCE) {
        let worlds: Vec<_> = points.iter().map(|point| tokio::spawn(conversation(*point))).collect();
        for world in worlds {
            if let Err(error) = world.await {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    }
    println!("killed at {} points: 0 lost, 0 doubled, 0 out of order", Point::ALL.len());
}
