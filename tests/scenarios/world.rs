//! A small world to act in: the sandbox's forum and Discord over real sockets, and the real bridge between
//! them in this process, on a database file of its own. Verbs are those of people.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use threadbridge::app;
use threadbridge::clock::{Clock, SystemClock};
use threadbridge::config::{BridgeConfig, Config};
use threadbridge::sandbox::discord::{self, Discord, Limits};
use threadbridge::sandbox::forum::{self, Face, Forum};
use threadbridge::sandbox::stage::{Folder, Stage};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Level;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Nothing here takes this long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// The machine's clock, and as much later as a test says: minutes pass without being waited for.
#[derive(Default)]
pub struct Later(std::sync::Mutex<Duration>);

impl Later {
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for Later {
    fn now(&self) -> jiff::Timestamp {
        SystemClock.now() + *self.0.lock().unwrap()
    }

    fn monotonic(&self) -> Instant {
        SystemClock.monotonic() + *self.0.lock().unwrap()
    }
}

pub struct World {
    pub clock: Arc<Later>,
    pub stage: Stage,
    pub folder: Folder,
    /// The database's address: a file in the folder, unless a test says otherwise.
    pub database: String,
    pub board: u64,
    /// A Discord forum channel and a text channel.
    pub forum_channel: u64,
    pub text_channel: u64,
    /// Members of the forum.
    pub ann: u64,
    pub bob: u64,
    /// People in Discord.
    pub dora: u64,
    pub emil: u64,
    running: Option<(CancellationToken, JoinHandle<anyhow::Result<()>>)>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(forum::Options::default(), Limits::off()).await
    }

    /// A forum that runs this software.
    pub async fn of(face: Face) -> Self {
        Self::with(forum::Options { face, ..forum::Options::default() }, Limits::off()).await
    }

    pub async fn with(forum: forum::Options, limits: Limits) -> Self {
        // What the bridge logs is shown when a test fails.
        let filter = tracing_subscriber::filter::Targets::new()
            .with_default(Level::WARN)
            .with_target("serenity", Level::ERROR)
            .with_target("threadbridge", Level::DEBUG);
        let lines = tracing_subscriber::fmt::layer().with_test_writer();
        let _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
        let clock = Arc::new(Later::default());
        let discord = discord::Options { limits, ..discord::Options::default() };
        Self::on(clock.clone(), Stage::start(forum, discord, clock).await.expect("the sandbox starts"))
    }

    /// A world whose wall clock can be set; time itself goes on as it does.
    pub async fn with_clock(clock: Arc<SetClock>) -> Self {
        let discord = discord::Options { limits: Limits::off(), ..discord::Options::default() };
        Self::on(
            Arc::default(),
            Stage::start(forum::Options::default(), discord, clock).await.expect("the sandbox starts"),
        )
    }

    fn on(clock: Arc<Later>, stage: Stage) -> Self {
        let board = stage.forum.add_board("Staffroom");
        let (ann, bob) = (stage.forum.add_member("Ann"), stage.forum.add_member("Bob"));
        let forum_channel = stage.discord.add_forum_channel(stage.guild, "threads", &["Guide", "News"]);
        let text_channel = stage.discord.add_text_channel(stage.guild, "feed");
        let (dora, emil) = (stage.discord.add_user("Dora"), stage.discord.add_user("Emil"));
        let folder = Folder::new().expect("a temporary folder");
        let database = folder.database();
        Self {
            clock,
            stage,
            folder,
            database,
            board,
            forum_channel,
            text_channel,
            ann,
            bob,
            dora,
            emil,
            running: None,
        }
    }

    pub fn forum(&self) -> &Forum {
        &self.stage.forum
    }

    pub fn discord(&self) -> &Discord {
        &self.stage.discord
    }

    pub fn threads(&self) -> BridgeConfig {
        self.stage.bridge(self.board, self.forum_channel)
    }

    pub fn feed(&self) -> BridgeConfig {
        self.stage.bridge(self.board, self.text_channel)
    }

    pub fn config(&self, bridges: Vec<BridgeConfig>) -> Config {
        self.stage.config(&self.database, Duration::from_millis(100), bridges).expect("a configuration")
    }

    /// Starts the bridge, and waits until it has taken stock of every board.
    pub async fn start(&mut self, bridges: Vec<BridgeConfig>) {
        let config = self.config(bridges);
        self.start_configured(config).await;
    }

    /// The same with a configuration of one's own.
    pub async fn start_configured(&mut self, config: Config) {
        self.start_with(config).await;
        let before = self.looks();
        eventually("the bridge to look at the board", || (self.looks() >= before + 3).then_some(())).await;
        eventually("the gateway", || (self.discord().sessions().0 > 0).then_some(())).await;
    }

    /// Only starts it.
    pub async fn start_with(&mut self, config: Config) {
        assert!(self.running.is_none(), "one bridge at a time");
        let stop = CancellationToken::new();
        let clock = self.stage.clock.clone();
        let task = tokio::spawn({
            let stop = stop.clone();
            async move { app::run(&config, clock, stop).await }
        });
        self.running = Some((stop, task));
    }

    /// How often the board's list was read.
    pub fn looks(&self) -> u64 {
        let calls = |looks: fn(&str) -> bool| {
            self.forum().calls().into_iter().filter(|call| looks(&call.path)).count() as u64
        };
        match self.forum().options().face {
            Face::Vbulletin4 => self.forum().requests().get("GET /forumdisplay.php").copied().unwrap_or(0),
            Face::Discourse => calls(|path| path.ends_with("/l/latest.json")),
            Face::Nodebb => calls(|path| path.starts_with("/api/category/")),
            Face::Feed(_) => {
                let feeds =
                    self.forum().requests().into_iter().filter(|(path, _)| path.starts_with("GET /feeds/"));
                feeds.map(|(_, count)| count).sum()
            }
        }
    }

    /// Somebody with these permissions in the guild, beside those of everyone.
    pub fn person_with(&self, name: &str, permissions: u64) -> u64 {
        let person = self.discord().add_user(name);
        let role = self.discord().add_role(self.stage.guild, name, permissions);
        self.discord().give_role(self.stage.guild, person, role);
        person
    }

    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Stops the bridge as SIGTERM would.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let (stop, task) = self.running.take().expect("a running bridge");
        stop.cancel();
        tokio::time::timeout(PATIENCE, task).await.expect("the bridge stops").expect("no panic")
    }

    /// Waits for the bridge to end by itself.
    pub async fn ended(&mut self) -> anyhow::Result<()> {
        let (_, task) = self.running.take().expect("a running bridge");
        tokio::time::timeout(PATIENCE, task).await.expect("the bridge ends").expect("no panic")
    }

    /// The reasons of the jobs that were given up.
    pub async fn parked(&self) -> Vec<String> {
        self.reasons("SELECT reason FROM outbox WHERE parked = 1 ORDER BY id").await
    }

    /// Why jobs wait that were tried and not done.
    pub async fn waiting(&self) -> Vec<String> {
        self.reasons("SELECT reason FROM outbox WHERE parked = 0 AND reason IS NOT NULL ORDER BY id").await
    }

    /// Waits until so many jobs wait for their bridge to be resumed.
    pub async fn held(&self, jobs: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.reasons("SELECT reason FROM outbox WHERE held = 1").await.len() < jobs {
            assert!(Instant::now() < deadline, "waited in vain for {jobs} jobs to be held");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn reasons(&self, sql: &'static str) -> Vec<String> {
        use sqlx::{Connection, PgConnection, SqliteConnection, query_scalar};
        if self.database.starts_with("sqlite:") {
            let mut database = SqliteConnection::connect(&self.database).await.expect("a database");
            query_scalar(sql).fetch_all(&mut database).await.expect("an answer")
        } else {
            let mut database = PgConnection::connect(&self.database).await.expect("a database");
            query_scalar(sql).fetch_all(&mut database).await.expect("an answer")
        }
    }

    /// Breaks the gateway's connections.
    pub fn cut(&self, how: Cut) {
        match how {
            Cut::Resumable => self.discord().disconnect(true),
            Cut::Reconnect => self.discord().reconnect(),
            Cut::Invalid => self.discord().invalid_session(),
            Cut::Gone => self.discord().disconnect(false),
        }
    }

    /// The Discord thread that shows a forum thread of this title.
    pub async fn room(&self, title: &str) -> u64 {
        eventually("the thread to appear in Discord", || {
            self.discord()
                .threads(self.forum_channel)
                .into_iter()
                .find(|room| room.name == title)
                .map(|room| room.id)
        })
        .await
    }

    /// The first message in a channel that holds these words.
    pub async fn message(&self, channel: u64, words: &str) -> discord::Message {
        eventually(&format!("a message with {words:?}"), || self.find(channel, words)).await
    }

    pub fn find(&self, channel: u64, words: &str) -> Option<discord::Message> {
        self.discord().messages(channel).into_iter().find(|message| message.content.contains(words))
    }

    /// The contents of everything that webhooks said in a channel, in order.
    pub fn mirrored(&self, channel: u64) -> Vec<String> {
        let messages = self.discord().messages(channel).into_iter();
        messages.filter(|message| message.webhook.is_some()).map(|message| message.content).collect()
    }

    /// The post on the forum that holds these words.
    pub async fn post(&self, thread: u64, words: &str) -> u64 {
        eventually(&format!("a post with {words:?}"), || self.posts_with(thread, words).first().copied())
            .await
    }

    pub fn posts_with(&self, thread: u64, words: &str) -> Vec<u64> {
        let posts = self.forum().posts(thread).into_iter();
        posts.filter(|post| post.text.contains(words) && !post.deleted).map(|post| post.id).collect()
    }

    /// Whether the bot marked a message so.
    pub async fn marked(&self, message: u64, emoji: &str) {
        eventually(&format!("{emoji} on the message"), || {
            self.discord().reactions(message).into_iter().any(|(own, _)| own == emoji).then_some(())
        })
        .await;
    }

    /// Lets the bridge look at the board a few more times, so that what should not happen has had its chance.
    pub async fn quiet(&self) {
        let before = self.looks();
        eventually("a few more looks", || (self.looks() >= before + 4).then_some(())).await;
    }
}

/// How a connection to the gateway ends.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    Resumable,
    /// As Discord asks for it.
    Reconnect,
    Invalid,
    /// The session is gone with it.
    Gone,
}

/// The machine's clock with another time on it.
#[derive(Default)]
pub struct SetClock(AtomicI64);

impl SetClock {
    /// Sets the wall clock forward, or back.
    pub fn jump(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> jiff::Timestamp {
        SystemClock.now() + jiff::SignedDuration::from_secs(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Instant {
        SystemClock.monotonic()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some((stop, task)) = self.running.take() {
            stop.cancel();
            task.abort();
        }
        self.stage.discord.stop();
    }
}

/// Waits for something to be seen; a test that waits in vain says for what.
pub async fn eventually<T>(what: &str, mut seen: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = seen() {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
