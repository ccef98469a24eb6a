//! Real processes on one Postgres database, a forum and a Discord in the sandbox, and people on both sides who
//! don't stop talking whatever happens.

use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use threadbridge::clock::{Clock, SystemClock};
use threadbridge::sandbox::discord::{self, Limits, Starts};
use threadbridge::sandbox::forum::{self, Face};
use threadbridge::sandbox::stage::{ACCOUNT, Folder, HOOK_SECRET, Stage};

use crate::postgres::Database;
use crate::proxy::Proxy;

/// Nothing takes so long unless it is broken, even where the machine has little time for it.
pub const PATIENCE: Duration = Duration::from_secs(240);
/// Between two things that people say.
const BREATH: Duration = Duration::from_secs(2);

/// One process.
pub struct Replica {
    child: Child,
    config: PathBuf,
    health: String,
    pub proxy: Proxy,
}

impl Replica {
    fn spawn(config: &PathBuf) -> Child {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(config.with_extension("log"));
        Command::new(env!("CARGO_BIN_EXE_threadbridge"))
            .args(["run", "--config"])
            .arg(config)
            .stdout(Stdio::null())
            .stderr(log.expect("a log"))
            .spawn()
            .expect("the bridge starts")
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("it lives");
        self.child.wait().expect("it is dead");
    }

    pub fn start_again(&mut self) {
        self.child = Self::spawn(&self.config);
    }

    /// SIGSTOP and SIGCONT.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {}", self.child.id())]).status();
        assert!(sent.expect("a shell").success());
    }

    /// Ends it as a service manager would. Its network is in this process, which must not stand still meanwhile.
    pub async fn stop(&mut self) {
        self.signal("TERM");
        let ended = loop {
            if let Some(ended) = self.child.try_wait().expect("it ends") {
                break ended;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert!(ended.success());
    }

    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What `/readyz` says: the status, and the parts.
    pub async fn ready(&self) -> Option<(u16, serde_json::Value)> {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).no_proxy().build().ok()?;
        let answer = client.get(&self.health).send().await.ok()?;
        Some((answer.status().as_u16(), answer.json().await.ok()?))
    }

    /// Whether it has this part itself, and the part works.
    pub async fn has(&self, part: &str) -> bool {
        let Some((_, answer)) = self.ready().await else { return false };
        let part = &answer["parts"][part];
        part["ok"] == true && part["elsewhere"] == false
    }

    /// Where the forum pushes to.
    pub fn hook(&self) -> String {
        self.health.replace("readyz", "hooks/edu")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.config.with_extension("log")).unwrap_or_default()
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a fleet is to be.
pub struct Setting {
    pub replicas: usize,
    /// Bridged boards, with a thread each.
    pub boards: usize,
    pub limits: Limits,
    /// With several shards the boards are bridged to guilds of each in turn.
    pub starts: Starts,
    pub face: Face,
    /// Seconds between two looks at a board.
    pub poll: u32,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            replicas: 2,
            boards: 1,
            limits: Limits::off(),
            starts: Starts::default(),
            face: Face::Vbulletin4,
            poll: 1,
        }
    }
}

/// A conversation on one forum thread, and in the Discord thread that shows it.
pub struct Talk {
    pub board: u64,
    pub channel: u64,
    pub thread: u64,
    pub room: u64,
}

/// A guild on each shard.
async fn guilds(stage: &Stage, shards: u64) -> Vec<u64> {
    let mut guilds = Vec::new();
    for shard in 0..shards {
        let mut guild = stage.guild;
        while (guild >> 22) % shards != shard {
            // Ids are made of the time.
            tokio::time::sleep(Duration::from_millis(1)).await;
            guild = stage.discord.add_guild(&format!("Guild of shard {shard}"));
        }
        guilds.push(guild);
    }
    guilds
}

pub struct Fleet {
    pub stage: Stage,
    pub database: Database,
    pub replicas: Vec<Replica>,
    /// One on each shard.
    pub guilds: Vec<u64>,
    pub talks: Vec<Talk>,
    pub ann: u64,
    pub dora: u64,
    pub folder: Folder,
}

impl Fleet {
    /// So many replicas, each behind a network of its own, and so many bridged boards with a thread each.
    pub async fn start(server: &str, replicas: usize, boards: usize, limits: Limits) -> Self {
        Self::of(server, Setting { replicas, boards, limits, ..Setting::default() }).await
    }

    pub async fn of(server: &str, setting: Setting) -> Self {
        let Setting { replicas, boards, limits, starts, face, poll } = setting;
        // Where Discord sets no limit, the bot keeps none: what is said must cross as fast as it can.
        let allowance = if limits.on { limits.global } else { 10_000 };
        let discord = discord::Options { limits, starts, ..discord::Options::default() };
        let forum = forum::Options { face, ..forum::Options::default() };
        let stage = Stage::start(forum, discord, Arc::new(SystemClock)).await.expect("a sandbox");
        let guilds = guilds(&stage, starts.shards).await;
        let database = Database::create(server).await;
        let folder = Folder::new().expect("a folder");
        let (ann, dora) = (stage.forum.add_member("Ann"), stage.discord.add_user("Dora"));
        let mut talks: Vec<Talk> = (0..boards)
            .map(|number| Talk {
                board: stage.forum.add_board(&format!("Board {number}")),
                channel: stage.discord.add_forum_channel(
                    guilds[number % guilds.len()],
                    &format!("channel-{number}"),
                    &[],
                ),
                thread: 0,
                room: 0,
            })
            .collect();
        for (number, talk) in talks.iter_mut().enumerate() {
            let title = format!("Talk {number}");
            (talk.thread, _) =
                stage.forum.open_thread(talk.board, ann, &title, "Opening words.").expect("a thread");
        }
        let mut fleet =
            Self { stage, database, replicas: Vec::new(), guilds, talks: Vec::new(), ann, dora, folder };
        for number in 0..replicas {
            fleet.add(number, &talks, allowance, (face, poll)).await;
        }
        for talk in &mut talks {
            let found = || fleet.stage.discord.threads(talk.channel).pop().map(|room| room.id);
            talk.room = fleet.until("the Discord threads", found).await;
        }
        fleet.talks = talks;
        fleet
    }

    async fn add(&mut self, number: usize, talks: &[Talk], allowance: u32, (face, poll): (Face, u32)) {
        let address =
            (self.database.url.host_str().expect("a host"), self.database.url.port().unwrap_or(5432))
                .to_socket_addrs()
                .expect("an address")
                .next();
        let proxy = Proxy::start(address.expect("an address")).await;
        let mut url = self.database.url.clone();
        url.set_host(Some("127.0.0.1")).expect("an address");
        url.set_port(Some(proxy.port)).expect("a port");
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("a port").port();
        let (discord, forum) = (&self.stage.discord, &self.stage.forum);
        let engine = match face {
            Face::Vbulletin4 => format!(
                "engine = \"vbulletin4\"\nusername = \"{ACCOUNT}\"\npassword = \"{}\"\ntimezone = \"Europe/London\"",
                forum::DEFAULT_PASSWORD
            ),
            _ => format!(
                "engine = \"discourse\"\napi_key = \"{}\"\napi_user = \"{ACCOUNT}\"\nhook_secret = \"{HOOK_SECRET}\"",
                forum::discourse::API_KEY
            ),
        };
        let mut text = format!(
            "[discord]\ntoken = \"{}\"\napi_url = \"{}\"\nrequests_per_second = {allowance}\n[database]\nurl = \"{url}\"\n\
             [server]\nlisten = \"127.0.0.1:{port}\"\n\
             [[forums]]\nkey = \"edu\"\n{engine}\nurl = \"{}\"\npoll_seconds = {poll}\nmin_request_gap_ms = 0\n",
            discord.token(),
            discord.url(),
            forum.url(),
        );
        for talk in talks {
            text.push_str(&format!(
                "[[bridges]]\nforum = \"edu\"\nboard = \"{}\"\nchannel = \"{}\"\nstart = \"all\"\n",
                talk.board, talk.channel
            ));
        }
        let config = self.folder.0.join(format!("replica-{number}.toml"));
        std::fs::write(&config, text).expect("a configuration");
        let child = Replica::spawn(&config);
        let health = format!("http://127.0.0.1:{port}/readyz");
        self.replicas.push(Replica { child, config, health, proxy });
    }

    /// The configuration that a replica runs with.
    pub fn config(&self, replica: usize) -> &Path {
        &self.replicas[replica].config
    }

    /// Waits for something to be seen; in vain, it tells what the replicas said.
    pub async fn until<T>(&self, what: &str, mut seen: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(seen) = seen() {
                return seen;
            }
            if Instant::now() > deadline {
                self.in_vain(what);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn in_vain(&self, what: &str) -> ! {
        let logs: Vec<String> = self
            .replicas
            .iter()
            .enumerate()
            .map(|(number, replica)| {
                let log = replica.log();
                let lines: Vec<&str> = log.lines().rev().take(60).collect();
                format!("replica {number}:\n{}", lines.into_iter().rev().collect::<Vec<_>>().join("\n"))
            })
            .collect();
        panic!("waited in vain for {what}\n{}", logs.join("\n"));
    }

    /// The replica that has a part, once just one has: one that wakes may still take itself for it.
    pub async fn holder(&self, part: &str) -> usize {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut holders = Vec::new();
            for (number, replica) in self.replicas.iter().enumerate() {
                if replica.has(part).await {
                    holders.push(number);
                }
            }
            if let [holder] = holders[..] {
                return holder;
            }
            if Instant::now() > deadline {
                self.in_vain(&format!("somebody to have {part}"));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// People go on talking in the background, on both sides of every thread.
    pub fn chatter(&self) -> Chatter {
        let stop = Arc::new(AtomicBool::new(false));
        let (forum, discord) = (self.stage.forum.clone(), self.stage.discord.clone());
        let (ann, dora) = (self.ann, self.dora);
        let places: Vec<(u64, u64)> = self.talks.iter().map(|talk| (talk.thread, talk.room)).collect();
        let task = tokio::spawn({
            let stop = stop.clone();
            async move {
                let mut said = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    let number = said.len();
                    said.push(SystemClock.now());
                    for (thread, room) in &places {
                        forum.reply(*thread, ann, &format!("Forum says {number:04}.")).expect("a post");
                        discord
                            .say(dora, *room, &format!("Discord says {number:04}."), None)
                            .expect("a message");
                    }
                    tokio::time::sleep(BREATH).await;
                }
                said
            }
        });
        Chatter { stop, task }
    }

    /// Says one thing on each side of the first thread, and tells how long each took to cross.
    pub async fn crossing(&self, words: &str) -> (Duration, Duration) {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let words = format!("{} {words}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let talk = &self.talks[0];
        let began = Instant::now();
        self.stage
            .forum
            .reply(talk.thread, self.ann, &format!("Probe {words} from the forum."))
            .expect("a post");
        let said =
            self.stage.discord.say(self.dora, talk.room, &format!("Probe {words} from Discord."), None);
        let said = said.expect("a message");
        let (mut there, mut back) = (None, None);
        self.until(&format!("the probes {words} to cross"), || {
            let shown = format!("Probe {words} from the forum.");
            if there.is_none() && self.shown(talk).iter().any(|text| text.starts_with(&shown)) {
                there = Some(began.elapsed());
            }
            let ticked = || self.stage.discord.reactions(said).iter().any(|(emoji, _)| emoji == "✅");
            if back.is_none() && ticked() {
                back = Some(began.elapsed());
            }
            there.zip(back)
        })
        .await
    }

    /// What the bridge said in a thread's room.
    pub fn shown(&self, talk: &Talk) -> Vec<String> {
        let messages = self.stage.discord.messages(talk.room).into_iter();
        messages.filter(|message| message.webhook.is_some()).map(|message| message.content).collect()
    }

    /// What the bridge's account posted in a thread.
    fn posted(&self, talk: &Talk) -> Vec<String> {
        let posts = self.stage.forum.posts(talk.thread).into_iter();
        posts.filter(|post| post.text.contains("Discord says")).map(|post| post.text).collect()
    }

    /// Waits until all that was said has crossed, and compares: nothing lost, doubled or out of order.
    pub async fn settled(&self, said: &[Timestamp]) {
        let said = said.len();
        let expected =
            |who: &str| -> Vec<String> { (0..said).map(|n| format!("{who} says {n:04}.")).collect() };
        let words = |texts: Vec<String>, who: &str| -> Vec<String> {
            let start = format!("{who} says ");
            texts
                .iter()
                .filter_map(|text| text.find(&start).map(|at| text[at..at + start.len() + 5].to_owned()))
                .collect()
        };
        for (number, talk) in self.talks.iter().enumerate() {
            self.until(&format!("all of talk {number} to cross"), || {
                let there = words(self.shown(talk), "Forum").len() >= said;
                (there && self.posted(talk).len() >= said).then_some(())
            })
            .await;
        }
        // What was doubled would come late.
        tokio::time::sleep(Duration::from_secs(3)).await;
        for (number, talk) in self.talks.iter().enumerate() {
            let (there, back) = (words(self.shown(talk), "Forum"), words(self.posted(talk), "Discord"));
            if there != expected("Forum") {
                self.in_vain(&format!("order in Discord, where talk {number} is {there:?}"));
            }
            if back != expected("Discord") {
                self.in_vain(&format!("order on the forum, where talk {number} is {back:?}"));
            }
            assert_eq!(self.stage.discord.threads(talk.channel).len(), 1, "a thread was opened twice");
            assert_eq!(self.stage.discord.webhooks(talk.channel).len(), 1, "a webhook was made twice");
        }
    }

    /// The longest that anything took from the forum to Discord.
    pub fn longest(&self, said: &[Timestamp]) -> Duration {
        let talks = self.talks.iter().flat_map(|talk| self.stage.discord.messages(talk.room));
        talks
            .filter_map(|message| {
                let number = message.content.split("Forum says ").nth(1)?.get(..4)?.parse::<usize>().ok()?;
                Duration::try_from(message.at.duration_since(*said.get(number)?)).ok()
            })
            .max()
            .unwrap_or_default()
    }

    /// What the database holds, as one number.
    pub async fn number(&self, sql: &str) -> i64 {
        let deadline = Instant::now() + PATIENCE;
        let mut connection = loop {
            match PgConnection::connect(self.database.url.as_str()).await {
                Ok(connection) => break connection,
                // Others on the machine may have all of the server's connections for a moment.
                Err(error) if Instant::now() > deadline => self.in_vain(&format!("the database: {error}")),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        };
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.expect("a number")
    }

    /// Waits until all of these are so of a replica.
    pub async fn ready_is(&self, number: usize, what: &str, is: impl Fn(u16, &serde_json::Value) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some((status, answer)) = self.replicas[number].ready().await
                && is(status, &answer)
            {
                return;
            }
            if Instant::now() > deadline {
                self.in_vain(what);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Stops everything, each replica as a service manager would.
    pub async fn end(mut self) {
        for replica in &mut self.replicas {
            if replica.alive() {
                replica.stop().await;
            }
        }
        self.stage.discord.stop();
        self.stage.forum.stop().await;
        self.database.drop().await;
    }
}

/// People who talk.
pub struct Chatter {
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<Vec<Timestamp>>,
}

impl Chatter {
    /// Lets them finish; tells when each spoke.
    pub async fn end(self) -> Vec<Timestamp> {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await.expect("people talk")
    }
}
