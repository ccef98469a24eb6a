//! The real process is killed (SIGKILL) at every point that touches the outside or the database, in the
//! middle of a conversation, and started again; and killed again while it recovers. Nothing is lost, doubled
//! or out of order: the sandbox's ledgers are compared with what should be.
//!
//! The points are named in `bridge::points`; one that no journey comes to fails this test, and so does a step
//! in the code without its points. `THREADBRIDGE_KILL_ALL=1` kills at every pair of points and at the first
//! dozen times that each comes by, which takes hours; `POINT=BeforeSend` tries one.

#![cfg(debug_assertions)]

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use threadbridge::bridge::points::Point;
use threadbridge::clock::SystemClock;
use threadbridge::sandbox::discord::{self, Limits};
use threadbridge::sandbox::forum::{self, Action, Deletion, Outcome};
use threadbridge::sandbox::stage::{ACCOUNT, Folder, Stage};

/// How many worlds run side by side.
const AT_ONCE: usize = 7;
const PATIENCE: Duration = Duration::from_secs(90);

/// Where a process dies: at a point, when it comes there for the n-th time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Death(Point, u32);

/// Keeps a bridge running; each new process dies the next death, as long as there are any.
struct Bridge {
    died: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    keeper: Option<std::thread::JoinHandle<()>>,
}

impl Bridge {
    fn keep(config: std::path::PathBuf, deaths: Vec<Death>) -> Self {
        let (died, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let keeper = std::thread::spawn({
            let (died, stop) = (died.clone(), stop.clone());
            let mut deaths = deaths.into_iter();
            move || {
                let mut child = start(&config, deaths.next());
                while !stop.load(Ordering::SeqCst) {
                    if let Ok(Some(status)) = child.try_wait() {
                        if status.signal() == Some(9) {
                            died.fetch_add(1, Ordering::SeqCst);
                        }
                        child = start(&config, deaths.next());
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

fn start(config: &std::path::Path, death: Option<Death>) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_threadbridge"));
    let log = std::fs::OpenOptions::new().create(true).append(true).open(log_of(config)).expect("a log");
    command.args(["run", "--config"]).arg(config).stdout(Stdio::null()).stderr(log);
    if let Some(Death(point, time)) = death {
        command.env("THREADBRIDGE_KILL_AT", format!("{}:{time}", point.name()));
    }
    command.spawn().expect("the bridge starts")
}

async fn until<T>(
    deaths: &[Death],
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
            panic!("killed at {deaths:?}, waited in vain for {what}; the bridge said:\n{log}");
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

/// One conversation with deaths in it; tells how many were died.
async fn conversation(deaths: Vec<Death>) -> usize {
    let deaths = &deaths[..];
    let discord = discord::Options { limits: Limits::off(), ..discord::Options::default() };
    let clock = Arc::new(SystemClock);
    let stage = Stage::start(forum::Options::default(), discord, clock).await.expect("the sandbox starts");
    let (forum, discord) = (stage.forum.clone(), stage.discord.clone());
    let board = forum.add_board("Staffroom");
    let (ann, bob) = (forum.add_member("Ann"), forum.add_member("Bob"));
    let dora = discord.add_user("Dora");
    // Only a text channel has its threads opened by the bot.
    let in_text =
        deaths.iter().any(|death| matches!(death.0, Point::BeforeOpenThread | Point::AfterOpenThread));
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
    let bridge = Bridge::keep(config.clone(), deaths.to_vec());

    let shown = |room: u64| -> Vec<discord::Message> {
        discord.messages(room).into_iter().filter(|message| message.webhook.is_some()).collect()
    };
    let holding =
        |room: u64, words: &str| shown(room).into_iter().find(|message| message.content.contains(words));

    let (thread, first) = forum.open_thread(board, ann, "Kettle", "Opening words.").expect("a thread");
    let room = until(deaths, &config, "the Discord thread", || discord.threads(channel).pop()).await.id;
    let opening = until(deaths, &config, "the opening", || holding(room, "Opening words.")).await;
    let paragraph =
        "The kettle in the staff room trips the breaker whenever the copier warms up. ".repeat(22);
    // Bad luck of another kind, so that something has to be given back and tried again.
    discord.fault(Some("POST"), "/webhooks", discord::Fault::Status(503), 1);
    let long = forum
        .reply(thread, bob, &format!("Long one. {paragraph}\n\n{paragraph}\n\nThe end of it."))
        .expect("a post");
    until(deaths, &config, "the long post", || holding(room, "The end of it.")).await;

    let said = discord.say(dora, room, "Unplug the copier.", None).expect("a message");
    let marked = |emoji: &str| discord.reactions(said).into_iter().any(|(own, _)| own == emoji).then_some(());
    until(deaths, &config, "the tick", || marked("✅")).await;
    let replied =
        |words: &str| forum.posts(thread).into_iter().find(|post| post.text.contains(words) && !post.deleted);
    let reply = until(deaths, &config, "the reply", || replied("Unplug the copier.")).await;

    discord.react(dora, opening.id, "🙏").expect("a reaction");
    until(deaths, &config, "the thanks", || (forum.thanks(first).len() == 1).then_some(())).await;
    forum.edit(first, "Changed words.").expect("an edit");
    until(deaths, &config, "the edit in Discord", || holding(room, "Changed words.")).await;
    discord.edit(dora, said, "Unplug the kettle.").expect("an edit");
    until(deaths, &config, "the edit on the forum", || replied("Unplug the kettle.")).await;
    discord.unreact(dora, opening.id, "🙏").expect("no reaction");
    until(deaths, &config, "the withdrawal", || forum.thanks(first).is_empty().then_some(())).await;
    forum.delete(long, Deletion::Hard).expect("a removal");
    until(deaths, &config, "the removal in Discord", || {
        holding(room, "kettle in the staff").is_none().then_some(())
    })
    .await;
    discord.delete(said).expect("a removal");
    until(deaths, &config, "the removal on the forum", || {
        forum.post(reply.id).is_none_or(|p| p.deleted).then_some(())
    })
    .await;
    // A locked Discord thread is opened to edit, and locked again.
    forum.close(thread).expect("a thread");
    let locked = || discord.channel(room).and_then(|c| c.thread).is_some_and(|t| t.locked).then_some(());
    until(deaths, &config, "the lock", locked).await;
    forum.edit(first, "Changed words, again.").expect("an edit");
    until(deaths, &config, "the last edit in Discord", || holding(room, "Changed words, again.")).await;
    until(deaths, &config, "the lock again", locked).await;
    forum.reopen(thread).expect("a thread");
    until(deaths, &config, "the lock to go", || locked().is_none().then_some(())).await;
    forum.reply(thread, bob, "Closing words.").expect("a post");
    until(deaths, &config, "the closing", || holding(room, "Closing words.")).await;

    let died = bridge.died.load(Ordering::SeqCst);
    let contents: Vec<String> = shown(room).into_iter().map(|message| message.content).collect();
    assert_eq!(contents.len(), 2, "killed at {deaths:?}: {contents:?}");
    assert!(
        contents[0].starts_with("Changed words, again.") && contents[1].starts_with("Closing words."),
        "{contents:?}"
    );
    assert_eq!(discord.threads(channel).len(), 1, "killed at {deaths:?}: a thread was opened twice");
    let done = |action: Action| {
        forum
            .ledger()
            .into_iter()
            .filter(|e| e.action == action && matches!(e.outcome, Outcome::Done))
            .count()
    };
    assert_eq!(done(Action::Reply), 1, "killed at {deaths:?}: replies on the forum");
    assert_eq!(done(Action::Thank), 1, "killed at {deaths:?}: thanks on the forum");
    let sent = discord
        .ledger()
        .into_iter()
        .filter(|entry| {
            entry.method == "POST" && entry.done && entry.route == "/webhooks/{webhook_id}/{webhook_token}"
        })
        .count();
    let parts = 1 + 1 + 3;
    assert!(sent <= parts, "killed at {deaths:?}: {sent} messages were sent for {parts} parts");
    let told = done_or_refused(&discord);
    assert_eq!(told, 0, "killed at {deaths:?}: somebody was told of a failure that was none");
    drop(bridge);
    discord.stop();
    forum.stop().await;
    died
}

/// What the bot said in words: nothing failed, so there is nothing to say.
fn done_or_refused(discord: &discord::Discord) -> usize {
    let entries = discord.ledger().into_iter();
    entries.filter(|e| e.method == "POST" && e.done && e.route == "/channels/{channel_id}/messages").count()
}

/// What is to be tried: each point, and again in the recovery; and the points that every journey comes by
/// more than once.
fn plan() -> Vec<Vec<Death>> {
    let only = std::env::var("POINT").ok();
    let points = Point::ALL.iter().copied().filter(|p| only.as_ref().is_none_or(|o| *o == p.name()));
    let mut plan = Vec::new();
    for point in points {
        if std::env::var_os("THREADBRIDGE_KILL_ALL").is_some() {
            plan.extend((1..=12).map(|time| vec![Death(point, time)]));
            plan.extend(Point::ALL.iter().map(|second| vec![Death(point, 1), Death(*second, 1)]));
            continue;
        }
        plan.push(vec![Death(point, 1), Death(point, 1)]);
        if EVERYWHERE.contains(&point) {
            plan.extend([3, 6, 9].map(|time| vec![Death(point, time)]));
        }
    }
    plan
}

/// Steps that belong to every journey.
const EVERYWHERE: [Point; 9] = [
    Point::BeforeRecord,
    Point::AfterRecord,
    Point::BeforeReceive,
    Point::AfterReceive,
    Point::AfterClaim,
    Point::BeforeNote,
    Point::AfterNote,
    Point::BeforeSettle,
    Point::AfterSettle,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_at_any_point_loses_and_doubles_nothing() {
    let plan = plan();
    let (runs, mut deaths) = (plan.len(), 0);
    let mut waiting = plan.into_iter();
    let mut worlds = tokio::task::JoinSet::new();
    for deaths in waiting.by_ref().take(AT_ONCE) {
        worlds.spawn(async move { (deaths[0], conversation(deaths).await) });
    }
    while let Some(world) = worlds.join_next().await {
        match world {
            Ok((first, died)) => {
                assert!(died > 0 || first.1 > 1, "no journey comes to {first:?}");
                deaths += died;
            }
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
        if let Some(deaths) = waiting.next() {
            worlds.spawn(async move { (deaths[0], conversation(deaths).await) });
        }
    }
    println!("{runs} conversations, {deaths} deaths: 0 lost, 0 doubled, 0 out of order");
}

/// Calls that touch the outside or the database; each stands between its points.
const STEPS: [&str; 20] = [
    "engine.reply(",
    "engine.edit(",
    "engine.delete(",
    "engine.open_thread(",
    "engine.thank(",
    "engine.withdraw_thanks(",
    "discord.send(",
    ".open_post(",
    "discord().open_thread(",
    "discord.edit(",
    "discord().delete(",
    "discord().webhook(",
    ".update_thread(",
    "discord.react(",
    "discord.unreact(",
    "discord.say(",
    "heart.apply(",
    "store.apply(",
    "settle(self.heart,",
    "settle(heart, claim,",
];

#[test]
fn every_step_stands_between_its_points() {
    const NEAR: usize = 24;
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bridge")];
    let (mut faults, mut found) = (Vec::new(), 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a file");
            let lines: Vec<&str> = text.lines().collect();
            for (at, line) in lines.iter().enumerate() {
                if line.trim_start().starts_with("//") || !STEPS.iter().any(|step| line.contains(step)) {
                    continue;
                }
                // The one door to the store, through which those who have points go; and what is repeated at
                // every start until it is done.
                if line.contains("self.store.apply(once") || line.contains("Effect::Reexamine") {
                    continue;
                }
                found += 1;
                let before = lines[at.saturating_sub(NEAR)..at].iter().any(|l| l.contains("Point::Before"));
                let after =
                    lines[at..(at + NEAR).min(lines.len())].iter().any(|l| l.contains("Point::After"));
                if !(before && after) {
                    faults.push(format!("{}:{}: {}", path.display(), at + 1, line.trim()));
                }
            }
        }
    }
    assert!(found >= 20, "only {found} steps were found; have they new names?");
    assert!(faults.is_empty(), "steps without points, at which nothing is killed:\n{}", faults.join("\n"));
}
