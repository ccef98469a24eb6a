//! Seeded chaos: the real bridge between both sandboxes, with people at work on both sides and everything
//! breaking that can break. A seed decides what is done and what goes wrong; then all is healed, and at rest
//! both sides must agree, with nothing lost, doubled or out of order.
//!
//! `THREADBRIDGE_CHAOS_SEED=7` plays one seed again, `THREADBRIDGE_CHAOS_SEEDS=100` plays so many from 1 on,
//! or from `THREADBRIDGE_CHAOS_FROM=500`. Of a seed that fails the database and what Discord was asked are put into the
//! folder `THREADBRIDGE_CHAOS_KEEP`, if that is set.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{Connection, SqliteConnection};
use threadbridge::clock::SystemClock;
use threadbridge::config::{BridgeConfig, Layout};
use threadbridge::sandbox::discord::{self, Discord, Limits};
use threadbridge::sandbox::forum::{self, Forum};
use threadbridge::sandbox::stage::{ACCOUNT, Folder, Stage};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use bridge::{Bridge, SetClock};
use words::Words;

mod bridge;
mod check;
mod deeds;
mod faults;
mod words;

/// Played in the suite.
const SHORT: u64 = 4;
/// Seeds side by side.
const AT_ONCE: usize = 4;
/// What people do in one run, and how much goes wrong meanwhile.
const DEEDS: u32 = 70;
const FAULTS: u32 = 30;
/// Rest has to come within this time once all is healed.
const REST: Duration = Duration::from_secs(150);

struct Chaos {
    seed: u64,
    rng: fastrand::Rng,
    stage: Stage,
    folder: Folder,
    clock: Arc<SetClock>,
    bridge: Bridge,
    board: u64,
    channel: u64,
    feed: Option<u64>,
    members: [u64; 2],
    people: [u64; 2],
    threads: Vec<u64>,
    posts: Vec<Words>,
    said: Vec<Words>,
    locked: Option<SqliteConnection>,
    sessions: u32,
    faults: u32,
}

impl Chaos {
    async fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let clock = Arc::new(SetClock::default());
        let options = discord::Options { limits: Limits::off(), ..discord::Options::default() };
        // Whatever time it is here: Discord numbers what is said by a clock of its own.
        let discord = Discord::start(options, Arc::new(SystemClock)).await.expect("the sandbox starts");
        let forum = Forum::start(forum::Options::default(), clock.clone()).expect("the sandbox starts");
        forum.add_member(ACCOUNT);
        let guild = discord.add_guild("School IT");
        let stage = Stage { forum, discord, guild, clock: clock.clone() };
        let board = stage.forum.add_board("Staffroom");
        let members = ["Ann", "Bob"].map(|name| stage.forum.add_member(name));
        let people = ["Dora", "Emil"].map(|name| stage.discord.add_user(name));
        let channel = stage.discord.add_forum_channel(stage.guild, "threads", &[]);
        let feed = rng.bool().then(|| stage.discord.add_text_channel(stage.guild, "feed"));
        let folder = Folder::new().expect("a folder");
        let mut bridges = vec![stage.bridge(board, channel)];
        bridges.extend(feed.map(|feed| BridgeConfig { layout: Layout::Feed, ..stage.bridge(board, feed) }));
        let config =
            stage.config(&folder.database(), Duration::from_millis(100), bridges).expect("a configuration");
        let mut bridge = Bridge { config, clock: clock.clone(), running: None };
        bridge.start();
        Self {
            seed,
            rng,
            stage,
            folder,
            clock,
            bridge,
            board,
            channel,
            feed,
            members,
            people,
            threads: Vec::new(),
            posts: Vec::new(),
            said: Vec::new(),
            locked: None,
            sessions: 0,
            faults: 0,
        }
    }

    fn forum(&self) -> Forum {
        self.stage.forum.clone()
    }

    fn discord(&self) -> Discord {
        self.stage.discord.clone()
    }

    /// Waits until the bridge has taken stock: what was there before is history.
    async fn begin(&mut self) {
        let deadline = Instant::now() + REST;
        let looks = |forum: &Forum| forum.requests().get("GET /forumdisplay.php").copied().unwrap_or(0);
        while looks(&self.forum()) < 3 || self.discord().sessions().0 == 0 {
            assert!(Instant::now() < deadline, "the bridge does not begin");
            self.bridge.keep();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn rest(&mut self) -> Result<(), String> {
        self.heal();
        let deadline = Instant::now() + REST;
        while self.discord().sessions().0 == 0 {
            self.bridge.keep();
            tokio::time::sleep(Duration::from_millis(50)).await;
            if Instant::now() > deadline {
                return Err("the bridge does not come back to the gateway".to_owned());
            }
        }
        // A new session: whatever was lost on the way is caught up with.
        self.discord().disconnect(false);
        let mut content = 0;
        loop {
            self.bridge.keep();
            let faults = self.disagreements();
            content = if faults.is_empty() { content + 1 } else { 0 };
            // At rest, and still at rest a moment later.
            if content == 15 {
                return Ok(());
            }
            if Instant::now() > deadline {
                let asked = self.forum().requests();
                let jobs = self.outbox().await;
                if let Ok(folder) = std::env::var("THREADBRIDGE_CHAOS_KEEP") {
                    self.keep(Path::new(&folder)).await;
                }
                return Err(format!(
                    "{}\nthe forum was asked: {asked:?}\nthe outbox holds: {jobs:?}",
                    faults.join("\n")
                ));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What tells how it came to this.
    async fn keep(&self, folder: &Path) {
        let asked: String = self.discord().ledger().iter().map(|entry| format!("{entry:?}\n")).collect();
        std::fs::write(folder.join(format!("{}.ledger", self.seed)), asked).expect("a folder that is there");
        let Ok(mut database) = SqliteConnection::connect(&self.folder.database()).await else { return };
        let copy = folder.join(format!("{}.db", self.seed)).display().to_string();
        if let Err(error) = sqlx::query("VACUUM INTO ?").bind(copy).execute(&mut database).await {
            println!("can't keep the database: {error}");
        }
    }

    /// What is still to be done, and why it is not.
    async fn outbox(&self) -> Vec<(String, i64, Option<String>)> {
        let Ok(mut database) = SqliteConnection::connect(&self.folder.database()).await else {
            return Vec::new();
        };
        sqlx::query_as("SELECT job_key, attempts, reason FROM outbox")
            .fetch_all(&mut database)
            .await
            .unwrap_or_default()
    }
}

/// What one seed came to.
struct Played {
    seed: u64,
    posts: usize,
    said: usize,
    faults: u32,
    failed: Option<String>,
}

async fn play(seed: u64) -> Played {
    let mut chaos = Chaos::new(seed).await;
    chaos.begin().await;
    let mut breaks = FAULTS;
    for step in 0..DEEDS + FAULTS {
        let left = DEEDS + FAULTS - step;
        if chaos.rng.u32(..left) < breaks {
            breaks -= 1;
            chaos.break_something().await;
        } else {
            chaos.deed();
        }
        let pause = chaos.rng.u64(..60);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        if chaos.rng.u8(..4) == 0 {
            chaos.bridge.keep();
        }
        if chaos.rng.u8(..6) == 0 {
            chaos.locked = None;
        }
    }
    let failed = chaos.rest().await.err();
    let played =
        Played { seed, posts: chaos.posts.len(), said: chaos.said.len(), faults: chaos.faults, failed };
    chaos.bridge.stop().await;
    chaos.discord().stop();
    chaos.forum().stop().await;
    played
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_breaks_both_sides_agree_at_rest() {
    if let Ok(wanted) = std::env::var("THREADBRIDGE_LOG") {
        let filter: Targets = wanted.parse().expect("what to log");
        let lines = tracing_subscriber::fmt::layer().with_test_writer();
        let _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
    }
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let from = number("THREADBRIDGE_CHAOS_FROM").unwrap_or(1);
    let seeds = match (number("THREADBRIDGE_CHAOS_SEED"), number("THREADBRIDGE_CHAOS_SEEDS")) {
        (Some(seed), _) => seed..=seed,
        (None, count) => from..=from + count.unwrap_or(SHORT) - 1,
    };
    let began = Instant::now();
    let mut waiting = seeds.into_iter();
    let mut playing = tokio::task::JoinSet::new();
    for seed in waiting.by_ref().take(AT_ONCE) {
        playing.spawn(play(seed));
    }
    let (mut seeds, mut posts, mut said, mut faults, mut failed) = (0, 0, 0, 0, Vec::new());
    while let Some(played) = playing.join_next().await {
        let played = played.expect("a run ends");
        seeds += 1;
        (posts, said, faults) = (posts + played.posts, said + played.said, faults + played.faults);
        if let Some(why) = played.failed {
            println!("THREADBRIDGE_CHAOS_SEED={} fails:\n{why}", played.seed);
            failed.push(played.seed);
        }
        if let Some(seed) = waiting.next() {
            playing.spawn(play(seed));
        }
    }
    let time = began.elapsed().as_secs();
    println!("{seeds} seeds in {time} s: {posts} posts, {said} replies, {faults} faults; failed: {failed:?}");
    assert!(failed.is_empty(), "play them again with THREADBRIDGE_CHAOS_SEED: {failed:?}");
}
