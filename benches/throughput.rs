//! How fast posts cross, and what that costs. Run with `cargo bench --bench throughput`; with one of `crossing` and
//! `history` behind `--`, only that part.
//!
//! - `crossing`: posts a second through real processes, from a forum to a Discord without limits, on SQLite and on
//!   Postgres with 1, 2 and 4 replicas; and the memory of each. The Postgres server is the one that
//!   `THREADBRIDGE_TEST_POSTGRES` names, else the one on 127.0.0.1:5432.
//! - `history`: what a new post costs the database when it holds a thousand mirrored posts, and a million; and how many
//!   bytes a mirrored post takes on SQLite.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use threadbridge::clock::SystemClock;
use threadbridge::config::{BridgeConfig, Layout, Replies, Scope, Start};
use threadbridge::model::{BoardId, ChannelId, ForumKey, MessageId, PostId, ThreadId};
use threadbridge::sandbox::discord::{self, Limits};
use threadbridge::sandbox::forum;
use threadbridge::sandbox::stage::{ACCOUNT, Folder, Stage};
use threadbridge::store::{
    self, BridgeId, Effect, Finish, Follow, NewJob, Origin, Part, PostRow, Priority, Store,
};

/// What crosses: so many boards, each bridged to a channel of its own, so many threads on each, so many posts in each.
const BOARDS: u64 = 8;
const THREADS: u64 = 5;
const POSTS: u64 = 25;
const PATIENCE: Duration = Duration::from_secs(600);

fn main() -> anyhow::Result<()> {
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    tokio::runtime::Runtime::new()?.block_on(async {
        if wanted("history") {
            history().await?;
        }
        if wanted("crossing") {
            println!("\n| database | replicas | posts/s | memory of each replica |\n|---|---|---|---|");
            crossing(None, 1).await?;
            for replicas in [1, 2, 4] {
                crossing(Some(&server()), replicas).await?;
            }
        }
        Ok(())
    })
}

fn server() -> String {
    let local = || "postgres://postgres@127.0.0.1:5432/postgres".to_owned();
    std::env::var("THREADBRIDGE_TEST_POSTGRES").unwrap_or_else(|_| local())
}

/// A Postgres database for one measurement.
async fn postgres(server: &str, name: &str) -> anyhow::Result<String> {
    let mut admin = PgConnection::connect(server).await.context("no Postgres answers")?;
    admin.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await?;
    admin
        .execute(AssertSqlSafe(format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")))
        .await?;
    let mut url = url::Url::parse(server)?;
    url.set_path(name);
    Ok(url.to_string())
}

async fn dropped(server: &str, name: &str) -> anyhow::Result<()> {
    let mut admin = PgConnection::connect(server).await?;
    admin.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await?;
    Ok(())
}

async fn crossing(server: Option<&str>, replicas: usize) -> anyhow::Result<()> {
    let discord = discord::Options { limits: Limits::off(), ..discord::Options::default() };
    let stage = Stage::start(forum::Options::default(), discord, Arc::new(SystemClock)).await?;
    let ann = stage.forum.add_member("Ann");
    let folder = Folder::new()?;
    let name = format!("threadbridge_bench_{}", std::process::id());
    let database = match server {
        Some(server) => postgres(server, &name).await?,
        None => folder.database(),
    };
    let mut bridges = String::new();
    let mut places = Vec::new();
    for number in 0..BOARDS {
        let board = stage.forum.add_board(&format!("Board {number}"));
        let channel = stage.discord.add_text_channel(stage.guild, &format!("channel-{number}"));
        bridges.push_str(&format!(
            "[[bridges]]\nforum = \"edu\"\nboard = \"{board}\"\nchannel = \"{channel}\"\nlayout = \"feed\"\n"
        ));
        places.push((board, channel));
    }
    let mut running = Vec::new();
    for number in 0..replicas {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = folder.0.join(format!("replica-{number}.toml"));
        std::fs::write(
            &config,
            format!(
                "[discord]\ntoken = \"{}\"\napi_url = \"{}\"\nrequests_per_second = 100000\n\
                 [database]\nurl = \"{database}\"\n[server]\nlisten = \"127.0.0.1:{port}\"\n\
                 [[forums]]\nkey = \"edu\"\nengine = \"vbulletin4\"\nurl = \"{}\"\nusername = \"{ACCOUNT}\"\n\
                 password = \"{}\"\npoll_seconds = 1\nmin_request_gap_ms = 0\n{bridges}",
                stage.discord.token(),
                stage.discord.url(),
                stage.forum.url(),
                forum::DEFAULT_PASSWORD,
            ),
        )?;
        running.push((Replica::start(&config)?, port));
    }
    // Until every replica has its share, and every board has been taken stock of.
    let http = reqwest::Client::builder().timeout(Duration::from_secs(2)).no_proxy().build()?;
    for (_, port) in &running {
        let ready = format!("http://127.0.0.1:{port}/readyz");
        until(|| async { http.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) })
            .await?;
    }
    tokio::time::sleep(Duration::from_secs(if replicas > 1 { 25 } else { 5 })).await;

    let began = Instant::now();
    for (board, _) in &places {
        for thread in 0..THREADS {
            let (thread, _) =
                stage.forum.open_thread(*board, ann, &format!("Thread {thread}"), "Post number 0.")?;
            for post in 1..POSTS {
                stage.forum.reply(thread, ann, &format!("Post number {post}."))?;
            }
        }
    }
    let total = usize::try_from(BOARDS * THREADS * POSTS)?;
    let shown = || places.iter().map(|(_, channel)| stage.discord.messages(*channel).len()).sum::<usize>();
    until(|| async { shown() >= total }).await?;
    let rate = total as f64 / began.elapsed().as_secs_f64();
    ensure!(shown() == total, "{} messages for {total} posts", shown());
    let memory: Vec<String> = running.iter().map(|(replica, _)| replica.memory()).collect();
    let database = if server.is_some() { "Postgres" } else { "SQLite" };
    println!("| {database} | {replicas} | {rate:.0} | {} |", memory.join(", "));
    drop(running);
    stage.discord.stop();
    stage.forum.stop().await;
    if let Some(server) = server {
        dropped(server, &name).await?;
    }
    Ok(())
}

async fn until<F: Future<Output = bool>>(mut seen: impl FnMut() -> F) -> anyhow::Result<()> {
    let began = Instant::now();
    while !seen().await {
        ensure!(began.elapsed() < PATIENCE, "it takes too long");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

struct Replica(Child);

impl Replica {
    fn start(config: &std::path::Path) -> anyhow::Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_threadbridge"));
        let command =
            command.args(["run", "--config"]).arg(config).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(command.spawn()?))
    }

    fn memory(&self) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("?").trim();
        let kib: u64 = resident.trim_end_matches(" kB").parse().unwrap_or(0);
        format!("{:.1} MiB", kib as f64 / 1024.0)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many posts are mirrored before, and how many are timed after; in turns, so that whatever else the machine does
/// weighs on both alike.
const SIZES: [u64; 2] = [1_000, 1_000_000];
const ROUNDS: usize = 40;
const ROUND: u64 = 25;
const FIRST_POST: u64 = 10_000_000;
const FIRST_MESSAGE: u64 = 1_400_000_000_000_000_000;
/// Posts of one thread.
const LENGTH: u64 = 500;

async fn history() -> anyhow::Result<()> {
    println!("| database | mirrored posts | a new post costs (median) | |\n|---|---|---|---|");
    for server in [None, Some(server())] {
        let folder = Folder::new()?;
        let mut sides = Vec::new();
        for size in SIZES {
            let name = format!("threadbridge_history_{size}");
            let url = match &server {
                Some(server) => postgres(server, &name).await?,
                None => format!("sqlite://{}", folder.0.join(&name).display()),
            };
            let store = store::open(&url, Arc::new(SystemClock)).await?;
            let bridge = store.sync_bridges(&[board()]).await?[0].id;
            fill(&url, bridge, size).await?;
            sides.push((name, size, store, bridge, Vec::new()));
        }
        for round in 0..ROUNDS {
            for (_, size, store, bridge, costs) in &mut sides {
                let from = *size + u64::try_from(round)? * ROUND;
                for number in from..from + ROUND {
                    costs.push(time(&**store, *bridge, number).await?);
                }
            }
        }
        let database = if server.is_some() { "Postgres" } else { "SQLite" };
        let mut medians = Vec::new();
        for (name, size, store, _, mut costs) in sides {
            store.close().await;
            costs.sort_unstable();
            let median = costs[costs.len() / 2];
            let note = match &server {
                None => {
                    format!("{} bytes each", std::fs::metadata(folder.0.join(&name))?.len() / (size + 1_000))
                }
                Some(server) => {
                    dropped(server, &name).await?;
                    String::new()
                }
            };
            println!("| {database} | {size} | {} µs | {note} |", median.as_micros());
            medians.push(median.as_secs_f64());
        }
        println!("| {database} | | {:.2} times as much | |", medians[1] / medians[0]);
    }
    Ok(())
}

fn board() -> BridgeConfig {
    BridgeConfig {
        forum: ForumKey::new("edu"),
        scope: Scope::Board(BoardId::new("1")),
        channel: ChannelId(1),
        layout: Layout::Threads,
        replies: Replies::Everyone,
        thanks: Vec::new(),
        start: Start::Now,
    }
}

fn mirrored(bridge: BridgeId, number: u64) -> [Effect; 2] {
    let (post, thread) = (PostId::new((FIRST_POST + number).to_string()), number / LENGTH);
    let row = PostRow {
        forum: ForumKey::new("edu"),
        post: post.clone(),
        thread: ThreadId::new((1_000_000 + thread).to_string()),
        digest: i64::MAX - 1,
        gone: false,
    };
    let part = Part {
        bridge,
        post,
        part: 0,
        channel: ChannelId(FIRST_MESSAGE + thread),
        message: MessageId(FIRST_MESSAGE + number * 4_194_304),
        digest: i64::MIN + 1,
        origin: Origin::Forum,
    };
    [Effect::Post(row), Effect::Part(part)]
}

/// The rows of [`mirrored`], written behind the store's back: it is not the past that is timed.
async fn fill(url: &str, bridge: BridgeId, count: u64) -> anyhow::Result<()> {
    let numbers =
        format!("WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {})", count - 1);
    let post = format!("CAST({FIRST_POST} + i AS TEXT)");
    let statements = [
        format!(
            "INSERT INTO post (forum, post, thread, digest, gone) {numbers}
             SELECT 1, {post}, CAST(1000000 + i / {LENGTH} AS TEXT), 9223372036854775806, 0 FROM n"
        ),
        format!(
            "INSERT INTO part (bridge, post, part, channel, message, digest, from_discord) {numbers}
             SELECT {}, {post}, 0, {FIRST_MESSAGE} + i / {LENGTH}, {FIRST_MESSAGE} + i * CAST(4194304 AS BIGINT),
                    -9223372036854775807, 0 FROM n",
            bridge.0
        ),
        "ANALYZE".to_owned(),
    ];
    for statement in statements {
        if url.starts_with("sqlite") {
            SqliteConnection::connect(url).await?.execute(AssertSqlSafe(statement)).await?;
        } else {
            PgConnection::connect(url).await?.execute(AssertSqlSafe(statement)).await?;
        }
    }
    Ok(())
}

/// What the database has to do for a new post, from the forum's page to the message that is noted.
async fn time(store: &dyn Store, bridge: BridgeId, number: u64) -> anyhow::Result<Duration> {
    let [post, part] = mirrored(bridge, number);
    let (Effect::Post(row), Effect::Part(shown)) = (&post, &part) else { anyhow::bail!("a post and a part") };
    let began = Instant::now();
    store.follows(bridge, std::slice::from_ref(&row.thread)).await?;
    store.posts(&row.forum, std::slice::from_ref(&row.post)).await?;
    store.posts_between(&row.forum, &row.thread, Some(&row.post), None).await?;
    let job = NewJob {
        lane: format!("d:1:{}", row.thread),
        key: format!("show:1:{}", row.post),
        seq: 0,
        priority: Priority::Live,
        run_at: store.now().await?,
        needs: None,
        job: serde_json::json!({ "do": "show" }),
    };
    let follow = Follow {
        bridge,
        thread: row.thread.clone(),
        marker: number.to_string(),
        last_post: Some(row.post.clone()),
        last_number: None,
    };
    store.apply(None, vec![post.clone(), Effect::Follow(follow), Effect::Enqueue(job)]).await?;
    let claim = store.claim("bench", 60_000).await?.context("the job is due")?;
    store.parts(bridge, &row.post).await?;
    store.last_parts(bridge, shown.channel, 1).await?;
    store.settle(&claim, vec![part.clone()], Finish::Continue).await?;
    store.settle(&claim, Vec::new(), Finish::Done).await?;
    Ok(began.elapsed())
}
