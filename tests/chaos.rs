//! Seeded chaos: the real bridge between both sandboxes, with people at work on both sides and everything
//! breaking that can break. A seed decides what is done and what goes wrong; then all is healed, and at rest
//! both sides must agree, with nothing lost, doubled or out of order.
//!
//! `THREADBRIDGE_CHAOS_SEED=7` plays one seed again, `THREADBRIDGE_CHAOS_SEEDS=100` plays so many from 1 on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use sqlx::{Connection, Executor, SqliteConnection};
use threadbridge::app;
use threadbridge::clock::{Clock, SystemClock};
use threadbridge::config::{BridgeConfig, Config, Layout};
use threadbridge::sandbox::discord::{self, Discord, Limits};
use threadbridge::sandbox::forum::{self, Action, Deletion, Forum, Lasts, Outcome};
use threadbridge::sandbox::stage::{Folder, Stage};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Played in the suite.
const SHORT: u64 = 4;
/// Seeds side by side.
const AT_ONCE: usize = 4;
/// What people do in one run, and how much goes wrong meanwhile.
const DEEDS: u32 = 70;
const FAULTS: u32 = 30;
/// Rest has to come within this time once all is healed.
const REST: Duration = Duration::from_secs(150);
/// The gateway itself slows down when it needs more sessions than this in a few minutes.
const SESSIONS: u32 = 4;

/// The machine's clock with another time on it.
#[derive(Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> jiff::Timestamp {
        SystemClock.now() + jiff::SignedDuration::from_secs(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Instant {
        SystemClock.monotonic()
    }
}

/// The bridge in a runtime of its own, which can be torn down in the middle of anything.
struct Bridge {
    config: Config,
    clock: Arc<SetClock>,
    running: Option<(Runtime, CancellationToken, JoinHandle<anyhow::Result<()>>)>,
}

impl Bridge {
    fn start(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let (config, clock, stop) = (self.config.clone(), self.clock.clone(), CancellationToken::new());
        let task = runtime.spawn({
            let stop = stop.clone();
            async move { app::run(&config, clock, stop).await }
        });
        self.running = Some((runtime, stop, task));
    }

    /// A bridge that could not open its database, or ended by itself, is started again.
    fn keep(&mut self) {
        if self.running.as_ref().is_none_or(|(.., task)| task.is_finished()) {
            self.kill();
            self.start();
        }
    }

    fn kill(&mut self) {
        if let Some((runtime, ..)) = self.running.take() {
            runtime.shutdown_background();
        }
    }

    async fn stop(&mut self) {
        if let Some((runtime, stop, task)) = self.running.take() {
            stop.cancel();
            let _ = tokio::time::timeout(Duration::from_secs(12), task).await;
            runtime.shutdown_background();
        }
    }
}

/// Somebody's words on one side: a mark by which they are known on the other, and how often they changed.
struct Words {
    /// Post or message.
    id: u64,
    thread: u64,
    mark: String,
    version: u32,
    paragraphs: usize,
    gone: bool,
    /// Went away once, so that its place and its reactions are no longer what they were.
    went: bool,
}

impl Words {
    /// Each paragraph with a mark of its own: `p7v2.0;`
    fn text(&self) -> String {
        const FILLER: &str = "and so it goes on about switches and the cupboards they live in ";
        let paragraph = |n: usize| {
            let long = if self.paragraphs > 1 { 12 } else { 1 };
            format!("{}v{}.{n}; {}", self.mark, self.version, FILLER.repeat(long).trim())
        };
        (0..self.paragraphs).map(paragraph).collect::<Vec<_>>().join("\n\n")
    }
}

struct Chaos {
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
        let stage = Stage::start(forum::Options::default(), options, clock.clone())
            .await
            .expect("the sandbox starts");
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

    fn some(&mut self, from: &[Words]) -> Option<usize> {
        let there: Vec<usize> = (0..from.len()).filter(|n| !from[*n].gone).collect();
        self.rng.choice(there)
    }

    /// The Discord thread in which a forum thread is shown.
    fn room(&self, thread: u64) -> Option<u64> {
        let first = self.posts.iter().find(|post| post.thread == thread)?;
        let mark = format!("{}v", first.mark);
        let rooms = self.discord().threads(self.channel);
        rooms.into_iter().map(|room| room.id).find(|room| {
            self.discord().messages(*room).iter().any(|message| message.content.starts_with(&mark))
        })
    }

    fn write(&mut self, thread: Option<u64>) {
        let member = self.members[self.rng.usize(..2)];
        let paragraphs = if self.rng.u8(..5) == 0 { self.rng.usize(3..6) } else { 1 };
        let mut words = Words {
            id: 0,
            thread: 0,
            mark: format!("p{}", self.posts.len()),
            version: 1,
            paragraphs,
            gone: false,
            went: false,
        };
        let text = words.text();
        match thread {
            Some(thread) => {
                words.thread = thread;
                words.id = self.forum().reply(thread, member, &text).expect("a post");
            }
            None => {
                let title = format!("Thread {}", self.threads.len());
                let (thread, post) =
                    self.forum().open_thread(self.board, member, &title, &text).expect("a thread");
                (words.thread, words.id) = (thread, post);
                self.threads.push(thread);
            }
        }
        self.posts.push(words);
    }

    /// Somebody does something.
    fn deed(&mut self) {
        if self.threads.is_empty() || (self.threads.len() < 5 && self.rng.u8(..12) == 0) {
            return self.write(None);
        }
        let thread = self.threads[self.rng.usize(..self.threads.len())];
        let person = self.people[self.rng.usize(..2)];
        match self.rng.u8(..20) {
            0..=6 => self.write(Some(thread)),
            7..=8 => {
                let posts = std::mem::take(&mut self.posts);
                let chosen = self.some(&posts);
                self.posts = posts;
                if let Some(n) = chosen {
                    let post = &mut self.posts[n];
                    post.version += 1;
                    if post.paragraphs > 1 {
                        post.paragraphs = self.rng.usize(1..7);
                    }
                    let (id, text) = (post.id, self.posts[n].text());
                    self.forum().edit(id, &text).expect("an edit");
                }
            }
            9 => {
                let first: Vec<u64> = self.threads.clone();
                let (forum, rng) = (self.forum(), &mut self.rng);
                let opening = |post: &Words| forum.posts(post.thread).first().is_none_or(|p| p.id == post.id);
                let there: Vec<usize> = (0..self.posts.len())
                    .filter(|n| !self.posts[*n].gone && first.contains(&self.posts[*n].thread))
                    .filter(|n| !opening(&self.posts[*n]))
                    .collect();
                if let Some(n) = rng.choice(there) {
                    let how = if rng.bool() { Deletion::Hard } else { Deletion::Soft };
                    let post = &mut self.posts[n];
                    (post.gone, post.went) = (true, true);
                    forum.delete(post.id, how).expect("a removal");
                }
            }
            10 => {
                let forum = self.forum();
                let back = self.posts.iter_mut().find(|post| post.gone && forum.post(post.id).is_some());
                if let Some(post) = back {
                    post.gone = false;
                    forum.undelete(post.id).expect("a post");
                }
            }
            11 => {
                let title = format!("Thread renamed {}", self.rng.u8(..));
                self.forum().rename(thread, &title).expect("a thread");
            }
            12..=14 => {
                let Some(room) = self.room(thread) else { return };
                let mut words = Words {
                    id: 0,
                    thread,
                    mark: format!("d{}", self.said.len()),
                    version: 1,
                    paragraphs: 1,
                    gone: false,
                    went: false,
                };
                if let Ok(id) = self.discord().say(person, room, &words.text(), None) {
                    words.id = id;
                    self.said.push(words);
                }
            }
            15 => {
                let said = std::mem::take(&mut self.said);
                let chosen = self.some(&said);
                self.said = said;
                if let Some(n) = chosen {
                    self.said[n].version += 1;
                    let (id, text) = (self.said[n].id, self.said[n].text());
                    let author = self.discord().message(id).expect("a message").author;
                    if self.discord().edit(author, id, &text).is_err() {
                        self.said[n].version -= 1;
                    }
                }
            }
            16 => {
                let said = std::mem::take(&mut self.said);
                let chosen = self.some(&said);
                self.said = said;
                if let Some(n) = chosen
                    && self.discord().delete(self.said[n].id).is_ok()
                {
                    (self.said[n].gone, self.said[n].went) = (true, true);
                }
            }
            _ => {
                let Some(room) = self.room(thread) else { return };
                let shown = self.discord().messages(room).into_iter().filter(|m| m.webhook.is_some());
                let Some(message) = self.rng.choice(shown.collect::<Vec<_>>()) else { return };
                let emoji = ["🙏", "👍"][self.rng.usize(..2)];
                if self.rng.bool() {
                    let _ = self.discord().react(person, message.id, emoji);
                } else {
                    let _ = self.discord().unreact(person, message.id, emoji);
                }
            }
        }
    }

    /// Something breaks.
    async fn break_something(&mut self) {
        self.faults += 1;
        let times = self.rng.usize(1..3);
        match self.rng.u8(..16) {
            0..=4 => {
                let fault = match self.rng.u8(..7) {
                    0 => discord::Fault::TooManyRequests { scope: "user".into(), retry_after: 0.2 },
                    1 => discord::Fault::TooManyRequests { scope: "global".into(), retry_after: 0.2 },
                    2 => discord::Fault::Status(500),
                    3 => discord::Fault::DropBeforeCommit,
                    4 => discord::Fault::SlowAnswer(Duration::from_millis(400)),
                    _ => discord::Fault::DropAfterCommit,
                };
                let (method, place) = [
                    (Some("POST"), "/webhooks"),
                    (Some("PATCH"), "/webhooks"),
                    (Some("DELETE"), "/webhooks"),
                    (None, "/channels"),
                    (None, ""),
                ][self.rng.usize(..5)];
                self.discord().fault(method, place, fault, times);
            }
            5..=8 => {
                let fault = [
                    "status 500",
                    "status 503",
                    "maintenance",
                    "cloudflare",
                    "cut 3000",
                    "garbage",
                    "drop-before-answer",
                    "drop-after-commit",
                    "drop-after-commit",
                    "drop-after-commit",
                    "expire-sessions",
                    "sign-out",
                    "stale-tokens",
                ][self.rng.usize(..13)];
                let place = [
                    "/showthread.php",
                    "/forumdisplay.php",
                    "/newreply.php",
                    "/editpost.php",
                    "/post_thanks.php",
                ][self.rng.usize(..5)];
                let lasts = Lasts::Times(u32::try_from(times).unwrap_or(1));
                self.forum().fail_at(place, fault.parse().expect("a fault"), lasts);
            }
            9 => self.discord().disconnect(true),
            10 if self.sessions < SESSIONS => {
                self.sessions += 1;
                match self.rng.u8(..3) {
                    0 => self.discord().invalid_session(),
                    1 => self.discord().disconnect(false),
                    _ => {
                        // What is lost is lost until there is a new session.
                        self.discord().drop_events(3);
                        self.deed();
                        self.deed();
                        self.discord().drop_events(0);
                        self.discord().disconnect(false);
                    }
                }
            }
            10 => self.discord().reconnect(),
            11 => match self.rng.u8(..3) {
                0 => self.discord().reorder_events(1),
                1 => self.discord().repeat_events(5),
                _ => {
                    let on = self.rng.bool();
                    self.discord().duplicate_events(on);
                }
            },
            12 => {
                if self.locked.take().is_none()
                    && let Ok(mut other) = SqliteConnection::connect(&self.folder.database()).await
                    && other.execute("PRAGMA busy_timeout = 100; BEGIN IMMEDIATE").await.is_ok()
                {
                    self.locked = Some(other);
                }
            }
            13 => {
                let days = [-1, 1][self.rng.usize(..2)];
                self.clock.0.fetch_add(days * 24 * 3600, Ordering::SeqCst);
            }
            14 => {
                if self.rng.bool() {
                    self.discord().pause();
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    self.discord().resume().await.expect("the port is free");
                } else {
                    self.forum().pause().await;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    self.forum().resume().await.expect("the port is free");
                }
            }
            _ => {
                if self.rng.u8(..4) == 0 {
                    self.bridge.stop().await;
                } else {
                    self.bridge.kill();
                }
                self.sessions = 0;
            }
        }
    }

    fn heal(&mut self) {
        self.locked = None;
        self.discord().clear_faults();
        self.discord().duplicate_events(false);
        self.discord().reorder_events(0);
        self.discord().drop_events(0);
        self.forum().heal();
        self.bridge.keep();
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
                return Err(format!(
                    "{}\nthe forum was asked: {asked:?}\nthe outbox holds: {jobs:?}",
                    faults.join("\n")
                ));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
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

    /// Where the two sides do not say the same.
    fn disagreements(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let discord = self.discord();
        let mut places =
            vec![(discord.threads(self.channel).into_iter().map(|room| room.id).collect::<Vec<_>>(), true)];
        places.extend(self.feed.map(|feed| (vec![feed], false)));
        for (rooms, own) in places {
            let shown: Vec<Vec<String>> = rooms.iter().map(|room| self.mirrored(*room)).collect();
            let mut there = BTreeMap::new();
            for mark in shown.iter().flatten().flat_map(|content| marks(content)) {
                *there.entry(mark).or_insert(0) += 1;
            }
            let mut wanted = BTreeMap::new();
            for post in self.threads.iter().flat_map(|thread| self.forum().posts(*thread)) {
                if post.deleted || (own && marks(&post.text).iter().any(|mark| mark.starts_with('d'))) {
                    continue;
                }
                for mark in marks(&post.text) {
                    *wanted.entry(mark).or_insert(0) += 1;
                }
            }
            for (mark, count) in &wanted {
                let found = there.remove(mark).unwrap_or(0);
                if found != *count {
                    faults.push(format!(
                        "I1/I5: {mark} is to be seen {count} times in {rooms:?}, and is {found} times"
                    ));
                }
            }
            faults.extend(there.keys().map(|mark| format!("I5/I8: {mark} is still to be seen in {rooms:?}")));
            for (room, contents) in rooms.iter().zip(&shown) {
                self.check_order(*room, contents, &mut faults);
            }
            if own && rooms.len() != self.threads.len() {
                faults.push(format!("I1: {} Discord threads for {}", rooms.len(), self.threads.len()));
            }
        }
        self.check_said(&mut faults);
        self.check_thanks(&mut faults);
        self.check_ledgers(&mut faults);
        faults
    }

    fn mirrored(&self, room: u64) -> Vec<String> {
        let messages = self.discord().messages(room).into_iter();
        messages.filter(|message| message.webhook.is_some()).map(|message| message.content).collect()
    }

    /// I2, for what never went away.
    fn check_order(&self, room: u64, contents: &[String], faults: &mut Vec<String>) {
        let mut last: BTreeMap<u64, u64> = BTreeMap::new();
        for content in contents {
            let first = marks(content).into_iter().find(|mark| mark.ends_with(".0;"));
            let Some(post) = first.and_then(|mark| {
                self.posts.iter().find(|post| !post.went && mark.starts_with(&format!("{}v", post.mark)))
            }) else {
                continue;
            };
            let before = last.insert(post.thread, post.id).unwrap_or(0);
            if before > post.id {
                faults.push(format!("I2: {} comes after a newer post in {room}", post.mark));
            }
        }
    }

    /// I3 and I5 from Discord to the forum.
    fn check_said(&self, faults: &mut Vec<String>) {
        for said in &self.said {
            let posts = self.forum().posts(said.thread).into_iter().filter(|post| !post.deleted);
            let found: Vec<String> = posts
                .flat_map(|post| marks(&post.text))
                .filter(|mark| mark.starts_with(&format!("{}v", said.mark)))
                .collect();
            let wanted: Vec<String> =
                if said.gone { Vec::new() } else { vec![format!("{}v{}.0;", said.mark, said.version)] };
            if found != wanted {
                faults.push(format!("I3/I5: of {} the forum has {found:?}, not {wanted:?}", said.mark));
            }
            let marked = self.discord().reactions(said.id).iter().any(|(emoji, _)| emoji == "✅");
            if !said.gone && !marked {
                faults.push(format!("I3: nobody told the author of {} that it arrived", said.mark));
            }
        }
    }

    /// I4: thanked while anybody's reaction says so.
    fn check_thanks(&self, faults: &mut Vec<String>) {
        let mut wanted: BTreeMap<&str, bool> = BTreeMap::new();
        let rooms = self.discord().threads(self.channel).into_iter().map(|room| room.id).chain(self.feed);
        for message in rooms.flat_map(|room| self.discord().messages(room)) {
            let Some(mark) = marks(&message.content).into_iter().next() else { continue };
            let own = |post: &&Words| mark.starts_with(&format!("{}v", post.mark));
            let Some(post) = self.posts.iter().find(own) else { continue };
            let thanks = message
                .reactions
                .iter()
                .any(|r| !r.users.is_empty() && ["🙏", "👍"].contains(&r.emoji.as_str()));
            *wanted.entry(&post.mark).or_default() |= thanks;
        }
        for post in self.posts.iter().filter(|post| !post.went && post.paragraphs == 1) {
            let given = self.forum().thanks(post.id).len();
            let wanted = usize::from(wanted.get(post.mark.as_str()).copied().unwrap_or(false));
            if given != wanted {
                faults.push(format!("I4: {} has {given} thanks, not {wanted}", post.mark));
            }
        }
    }

    /// Not even for a moment was anything there twice.
    fn check_ledgers(&self, faults: &mut Vec<String>) {
        let mut sent: BTreeMap<String, usize> = BTreeMap::new();
        for entry in self.discord().ledger() {
            if entry.method == "POST" && entry.done && entry.route == "/webhooks/{webhook_id}/{webhook_token}"
            {
                let content =
                    entry.request.unwrap_or_default()["content"].as_str().unwrap_or_default().to_owned();
                let first = marks(&content).into_iter().find(|mark| mark.ends_with(".0;"));
                if let Some((mark, _)) = first.as_deref().and_then(|mark| mark.split_once('v')) {
                    *sent.entry(mark.to_owned()).or_default() += 1;
                }
            }
        }
        let bridges = 1 + usize::from(self.feed.is_some());
        for post in self.posts.iter().filter(|post| !post.went) {
            let count = sent.get(&post.mark).copied().unwrap_or(0);
            if count > bridges {
                faults.push(format!("I1: {} was sent {count} times to {bridges} bridges", post.mark));
            }
        }
        let replies = self
            .forum()
            .ledger()
            .iter()
            .filter(|e| e.action == Action::Reply && e.outcome == Outcome::Done)
            .count();
        if replies > self.said.len() {
            faults.push(format!("I3: {replies} replies for {} messages", self.said.len()));
        }
    }
}

/// The marks in a text: `p7v2.0;`
fn marks(text: &str) -> Vec<String> {
    let words = text.split_whitespace().map(|word| word.replace('\\', ""));
    words
        .filter(|word| {
            word.ends_with(';')
                && word.starts_with(['p', 'd'])
                && word[1..].chars().all(|c| c.is_ascii_digit() || ['v', '.', ';'].contains(&c))
        })
        .collect()
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
    if std::env::var_os("RUST_LOG").is_some() {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
    }
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match (number("THREADBRIDGE_CHAOS_SEED"), number("THREADBRIDGE_CHAOS_SEEDS")) {
        (Some(seed), _) => seed..=seed,
        (None, count) => 1..=count.unwrap_or(SHORT),
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
