//! The real process is killed (SIGKILL) at every point that touches the outside or the database, in the
//! middle of what people do, and started again; and killed again while it recovers. Nothing is lost, doubled
//! or out of order: the sandbox's ledgers are compared with what should be.
//!
//! The points are named in `bridge::points`; one that no story comes to fails this test, and so does a step
//! in the code without its points ([`steps`]). `THREADBRIDGE_KILL_ALL=1` kills at every pair of points and at the
//! first dozen times that each comes by, which takes hours; `POINT=BeforeSend` tries one.

#![cfg(debug_assertions)]

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use threadbridge::bridge::points::Point;
use threadbridge::clock::SystemClock;
use threadbridge::sandbox::discord::{self, Discord, Limits};
use threadbridge::sandbox::forum::{self, Forum, NewMember};
use threadbridge::sandbox::stage::{Folder, Stage};

mod linking;
mod steps;
mod talk;

/// How many worlds run side by side.
const AT_ONCE: usize = 7;
const PATIENCE: Duration = Duration::from_secs(90);
/// How often each point is died at, one time after the other.
const TIMES: u32 = 12;

/// Where a process dies: at a point, when it comes there for the n-th time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Death(Point, u32);

/// What people do meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// A thread in a forum channel, one that is opened from Discord, and everything that is said in them.
    Talk,
    /// The same thread where the bot opens it, in a text channel.
    TalkInText,
    /// Somebody proves to be a member of the forum.
    Linking,
}

/// Both sandboxes, and a bridge that is kept running between them; each new process dies the next death, as
/// long as there are any.
struct World {
    deaths: Vec<Death>,
    forum: Forum,
    discord: Discord,
    board: u64,
    channel: u64,
    folder: Folder,
    died: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    keeper: Option<std::thread::JoinHandle<()>>,
}

impl World {
    async fn new(story: Story, deaths: Vec<Death>) -> Self {
        const STAFF: &str = "Bridge of the house";
        let options = discord::Options { limits: Limits::off(), ..discord::Options::default() };
        let clock = Arc::new(SystemClock);
        let stage =
            Stage::start(forum::Options::default(), options, clock).await.expect("the sandbox starts");
        let (forum, discord, guild) = (stage.forum, stage.discord, stage.guild);
        let board = forum.add_board("Staffroom");
        let channel = match story {
            Story::Talk => discord.add_forum_channel(guild, "threads", &[]),
            _ => discord.add_text_channel(guild, "talk"),
        };
        // Between two private messages of anybody else a minute has to pass.
        let account = match story {
            Story::Linking => {
                forum.register(NewMember { name: STAFF.to_owned(), staff: true, ..NewMember::default() });
                STAFF
            }
            _ => threadbridge::sandbox::stage::ACCOUNT,
        };
        let folder = Folder::new().expect("a folder");
        let text = format!(
            "[discord]\ntoken = \"{}\"\napi_url = \"{}\"\n[database]\nurl = \"{}\"\n[server]\nlisten = \"127.0.0.1:0\"\n\
             [[forums]]\nkey = \"edu\"\nengine = \"vbulletin4\"\nurl = \"{}\"\nusername = \"{account}\"\npassword = \"{}\"\n\
             poll_seconds = 1\nmin_request_gap_ms = 0\ntimezone = \"Europe/London\"\n\
             [[bridges]]\nforum = \"edu\"\nboard = \"{board}\"\nchannel = \"{channel}\"\nlayout = \"threads\"\nstart = \"all\"\n",
            discord.token(),
            discord.url(),
            folder.database(),
            forum.url(),
            forum::DEFAULT_PASSWORD,
        );
        let config = folder.0.join("threadbridge.toml");
        std::fs::write(&config, text).expect("a configuration");
        let (died, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let keeper = std::thread::spawn({
            let (died, stop) = (died.clone(), stop.clone());
            let mut deaths = deaths.clone().into_iter();
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
        let keeper = Some(keeper);
        Self { deaths, forum, discord, board, channel, folder, died, stop, keeper }
    }

    fn died(&self) -> usize {
        self.died.load(Ordering::SeqCst)
    }

    async fn until<T>(&self, what: &str, mut seen: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(seen) = seen() {
                return seen;
            }
            if Instant::now() > deadline {
                let log = log_of(&self.folder.0.join("threadbridge.toml"));
                let log = std::fs::read_to_string(log).unwrap_or_default();
                panic!("killed at {:?}, waited in vain for {what}; the bridge said:\n{log}", self.deaths);
            }
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    /// What webhooks said in a channel.
    fn shown(&self, room: u64) -> Vec<discord::Message> {
        self.discord.messages(room).into_iter().filter(|message| message.webhook.is_some()).collect()
    }

    /// The mirrored message that holds these words.
    fn holding(&self, room: u64, words: &str) -> Option<discord::Message> {
        self.shown(room).into_iter().find(|message| message.content.contains(words))
    }

    /// The post that holds these words.
    fn post(&self, thread: u64, words: &str) -> Option<forum::PostFacts> {
        self.forum.posts(thread).into_iter().find(|post| post.text.contains(words) && !post.deleted)
    }

    async fn end(self) -> usize {
        let (died, forum) = (self.died(), self.forum.clone());
        self.discord.stop();
        drop(self);
        forum.stop().await;
        died
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

fn log_of(config: &Path) -> PathBuf {
    config.with_extension("log")
}

fn start(config: &Path, death: Option<Death>) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_threadbridge"));
    let log = std::fs::OpenOptions::new().create(true).append(true).open(log_of(config)).expect("a log");
    command.args(["run", "--config"]).arg(config).stdout(Stdio::null()).stderr(log);
    if let Some(Death(point, time)) = death {
        command.env("THREADBRIDGE_KILL_AT", format!("{}:{time}", point.name()));
    }
    command.spawn().expect("the bridge starts")
}

/// Points that only a person who links an account comes by.
const OF_LINKING: [Point; 6] = [
    Point::BeforeCode,
    Point::AfterCode,
    Point::BeforeLink,
    Point::AfterLink,
    Point::BeforeLetter,
    Point::AfterLetter,
];

/// Steps that belong to every story.
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

/// A story, and the deaths to try in it one after the other, until there is one at which nobody dies.
type Trial = (Story, Vec<Vec<Death>>);

/// What is to be tried: each point, and again in the recovery; and the points that every story comes by
/// more than once.
fn plan() -> Vec<Trial> {
    let only = std::env::var("POINT").ok();
    let points = Point::ALL.iter().copied().filter(|p| only.as_ref().is_none_or(|o| *o == p.name()));
    let all = std::env::var_os("THREADBRIDGE_KILL_ALL").is_some();
    let mut plan = Vec::new();
    for point in points {
        // Only in a text channel is a thread opened by the bot.
        let story = match point {
            _ if OF_LINKING.contains(&point) => Story::Linking,
            Point::BeforeOpenThread | Point::AfterOpenThread => Story::TalkInText,
            _ => Story::Talk,
        };
        if all {
            plan.push((story, (1..=TIMES).map(|time| vec![Death(point, time)]).collect()));
            let seconds = Point::ALL.iter().filter(|it| (story == Story::Linking) == OF_LINKING.contains(it));
            plan.extend(seconds.map(|second| (story, vec![vec![Death(point, 1), Death(*second, 1)]])));
            continue;
        }
        plan.push((story, vec![vec![Death(point, 1), Death(point, 1)]]));
        if EVERYWHERE.contains(&point) {
            plan.extend([3, 6, 9].map(|time| (story, vec![vec![Death(point, time)]])));
        }
    }
    plan
}

/// How many conversations were had, and how often the bridge died in them.
async fn go_through((story, trials): Trial) -> (usize, usize) {
    let (mut runs, mut deaths) = (0, 0);
    for trial in trials {
        let first = trial[0];
        let world = World::new(story, trial).await;
        let died = match story {
            Story::Talk | Story::TalkInText => talk::conversation(world, story).await,
            Story::Linking => linking::proof(world).await,
        };
        assert!(died > 0 || first.1 > 1, "nobody comes to {first:?}");
        (runs, deaths) = (runs + 1, deaths + died);
        if died == 0 {
            break;
        }
    }
    (runs, deaths)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_at_any_point_loses_and_doubles_nothing() {
    let at_once = std::env::var("THREADBRIDGE_KILL_AT_ONCE").ok().map(|text| text.parse().expect("a number"));
    let mut waiting = plan().into_iter();
    let mut worlds = tokio::task::JoinSet::new();
    for trial in waiting.by_ref().take(at_once.unwrap_or(AT_ONCE)) {
        worlds.spawn(go_through(trial));
    }
    let (mut runs, mut deaths, mut failed) = (0, 0, 0);
    while let Some(world) = worlds.join_next().await {
        match world {
            Ok((more, died)) => (runs, deaths) = (runs + more, deaths + died),
            // Its words are on the screen.
            Err(_) => failed += 1,
        }
        if let Some(trial) = waiting.next() {
            worlds.spawn(go_through(trial));
        }
    }
    assert_eq!(failed, 0, "so many trials failed, of {runs} conversations with {deaths} deaths");
    println!("{runs} conversations, {deaths} deaths: 0 lost, 0 doubled, 0 out of order");
}
