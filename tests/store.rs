//! The store's promises, each on SQLite and, where a server answers, on Postgres: the one that
//! `THREADBRIDGE_TEST_POSTGRES` names, else 127.0.0.1:5432. Every test has a database of its own.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use threadbridge::clock::{Clock, ManualClock, SystemClock};
use threadbridge::config::{BridgeConfig, Layout, Replies, Scope, Start};
use threadbridge::model::{BoardId, ChannelId, ForumKey, MessageId, PostId, ThreadId, UserId};
use threadbridge::store::{
    self, BridgeId, Claim, Effect, Finish, Follow, Millis, NewJob, Origin, Part, PostRow, Priority, Reaction,
    Room, Store, StoreError, Submission, SubmissionState, ThreadRow,
};

const LEASE: Millis = 60_000;

/// A database of one test.
struct Place {
    url: String,
    clock: Arc<ManualClock>,
    sqlite: bool,
}

impl Place {
    async fn open(&self) -> Arc<dyn Store> {
        self.try_open().await.expect("the database opens")
    }

    async fn try_open(&self) -> Result<Arc<dyn Store>, StoreError> {
        store::open(&self.url, self.clock.clone()).await
    }

    /// Runs a statement behind the store's back.
    async fn run(&self, sql: String) {
        let sql = AssertSqlSafe(sql);
        if self.sqlite {
            SqliteConnection::connect(&self.url).await.unwrap().execute(sql).await.unwrap();
        } else {
            PgConnection::connect(&self.url).await.unwrap().execute(sql).await.unwrap();
        }
    }
}

/// The server to test on, unless there is none.
fn postgres() -> Option<String> {
    if let Ok(url) = std::env::var("THREADBRIDGE_TEST_POSTGRES") {
        return Some(url);
    }
    let local = SocketAddr::from(([127, 0, 0, 1], 5432));
    if TcpStream::connect_timeout(&local, Duration::from_secs(1)).is_ok() {
        return Some("postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    }
    eprintln!(
        "skipped on Postgres: nothing answers at {local}; THREADBRIDGE_TEST_POSTGRES may name a server"
    );
    None
}

/// Runs a test on each database.
async fn each(test: impl AsyncFn(Place)) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let clock = || Arc::new(ManualClock::new("2026-05-01T12:00:00Z".parse::<Timestamp>().unwrap()));
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    test(Place { url, clock: clock(), sqlite: true }).await;

    let Some(server) = postgres() else { return };
    let name = format!("threadbridge_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut admin = PgConnection::connect(&server).await.expect("the Postgres server lets the tests in");
    let create = format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0");
    admin.execute(AssertSqlSafe(create)).await.unwrap();
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    test(Place { url: url.to_string(), clock: clock(), sqlite: false }).await;
    admin.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.unwrap();
}

fn edu() -> ForumKey {
    ForumKey::new("edu")
}

fn post(id: &str) -> PostId {
    PostId::new(id)
}

fn board_bridge(board: &str, channel: u64) -> BridgeConfig {
    BridgeConfig {
        forum: edu(),
        scope: Scope::Board(BoardId::new(board)),
        channel: ChannelId(channel),
        layout: Layout::Auto,
        replies: Replies::Everyone,
        thanks: vec!["🙏".to_owned()],
        start: Start::Now,
    }
}

fn job(lane: &str, key: &str) -> NewJob {
    NewJob {
        lane: lane.to_owned(),
        key: key.to_owned(),
        seq: 0,
        priority: Priority::Live,
        run_at: 0,
        job: json!({ "say": key }),
    }
}

async fn enqueue(store: &dyn Store, jobs: impl IntoIterator<Item = NewJob>) {
    store.apply(None, jobs.into_iter().map(Effect::Enqueue).collect()).await.unwrap();
}

async fn claim(store: &dyn Store) -> Claim {
    store.claim("w", LEASE).await.unwrap().expect("a job is due")
}

async fn nothing_due(store: &dyn Store) -> bool {
    store.claim("w", LEASE).await.unwrap().is_none()
}

async fn settle(store: &dyn Store, claim: &Claim, finish: Finish) {
    store.settle(claim, Vec::new(), finish).await.unwrap();
}

fn park(reason: &str) -> Finish {
    Finish::Park { reason: reason.to_owned() }
}

/// Does all that is due, and tells its keys in order.
async fn drain(store: &dyn Store) -> Vec<String> {
    let mut keys = Vec::new();
    while let Some(claim) = store.claim("w", LEASE).await.unwrap() {
        settle(store, &claim, Finish::Done).await;
        keys.push(claim.key);
    }
    keys
}

#[tokio::test]
async fn what_is_written_is_read_back() {
    each(async |place: Place| {
        let store = place.open().await;
        let bridge = store.sync_bridges(&[board_bridge("12", 100)]).await.unwrap().remove(0).id;
        let thread = ThreadId::new("7");
        let follow = Follow {
            bridge,
            thread: thread.clone(),
            marker: String::new(),
            last_post: Some(post("41")),
            last_number: Some(2),
        };
        let board = Some(BoardId::new("12"));
        let row = ThreadRow { forum: edu(), thread: thread.clone(), board, title: "Привет 50%".into() };
        let known =
            PostRow { forum: edu(), post: post("41"), thread: thread.clone(), digest: -5, gone: false };
        let part = Part {
            bridge,
            post: post("41"),
            part: 1,
            channel: ChannelId(200),
            message: MessageId(1 << 60),
            digest: i64::MIN,
            origin: Origin::Forum,
        };
        let first = Part { part: 0, message: MessageId(5), origin: Origin::Discord, ..part.clone() };
        let room = Room { bridge, thread: thread.clone(), channel: ChannelId(200), digest: 9 };
        let submission = Submission {
            message: MessageId(5),
            bridge,
            thread: thread.clone(),
            channel: ChannelId(200),
            author: UserId(77),
            post: None,
            state: SubmissionState::Queued,
            digest: 3,
        };
        let emoji = "🙏".to_owned();
        let reaction = Reaction { bridge, post: post("41"), message: MessageId(5), user: UserId(1), emoji };
        let effects = vec![
            Effect::Baseline { bridge, post: post("40") },
            Effect::Follow(follow.clone()),
            Effect::Thread(row.clone()),
            Effect::Post(known.clone()),
            Effect::Part(part.clone()),
            Effect::Part(first.clone()),
            Effect::Room(room.clone()),
            Effect::Submission(submission.clone()),
            Effect::Reaction(reaction.clone()),
            Effect::Reaction(reaction.clone()),
            Effect::Thanked { forum: edu(), post: post("41"), given: true },
        ];
        assert!(store.apply(None, effects).await.unwrap());

        assert_eq!(store.bridges().await.unwrap()[0].baseline, Some(post("40")));
        let asked = [ThreadId::new("6"), thread.clone()];
        assert_eq!(store.follows(bridge, &asked).await.unwrap(), [follow.clone()]);
        assert_eq!(store.unread(bridge, 5).await.unwrap(), [follow.clone()]);
        assert_eq!(store.thread(&edu(), &thread).await.unwrap(), Some(row));
        for (words, found) in [("прив", 1), ("ПРИВЕТ", 1), ("50%", 1), ("5_%", 0), ("", 1), ("nothing", 0)]
        {
            assert_eq!(store.threads_like(&edu(), words, 5).await.unwrap().len(), found, "{words}");
        }
        assert_eq!(store.posts(&edu(), &[post("1"), post("41")]).await.unwrap(), [known.clone()]);
        assert_eq!(store.posts(&ForumKey::new("other"), &[post("41")]).await.unwrap(), []);
        assert_eq!(store.thread_posts(&edu(), &thread).await.unwrap(), [known]);
        assert_eq!(store.parts(bridge, &post("41")).await.unwrap(), [first.clone(), part.clone()]);
        assert_eq!(store.part_of_message(part.message).await.unwrap(), Some(part.clone()));
        assert_eq!(store.last_parts(bridge, ChannelId(200), 5).await.unwrap(), [part]);
        assert_eq!(store.room(bridge, &thread).await.unwrap(), Some(room.clone()));
        assert_eq!(store.room_of_channel(ChannelId(200)).await.unwrap(), Some(room.clone()));
        assert_eq!(store.rooms(bridge).await.unwrap(), [room]);
        assert_eq!(store.submission(MessageId(5)).await.unwrap(), Some(submission.clone()));
        let after = async |message| store.submissions(bridge, ChannelId(200), message).await.unwrap();
        assert_eq!(after(MessageId(4)).await, [submission.clone()]);
        assert_eq!(after(MessageId(5)).await, []);
        assert_eq!(store.reactions(&edu(), &post("41")).await.unwrap(), [reaction.clone()]);
        assert_eq!(store.reactions_on(MessageId(5)).await.unwrap(), [reaction]);
        assert!(store.thanked(&edu(), &post("41")).await.unwrap());

        let posted = Submission { post: Some(post("42")), state: SubmissionState::Posted, ..submission };
        let effects = vec![
            Effect::Follow(Follow { marker: "m".into(), ..follow }),
            Effect::PostGone { forum: edu(), post: post("41") },
            Effect::Submission(posted.clone()),
            Effect::Thanked { forum: edu(), post: post("41"), given: false },
            Effect::DropReactions { message: MessageId(5), emoji: Some("👍".into()) },
            Effect::DropParts { bridge, post: post("41"), from: 1 },
        ];
        store.apply(None, effects).await.unwrap();
        assert_eq!(store.unread(bridge, 5).await.unwrap(), []);
        assert_eq!(store.thread_posts(&edu(), &thread).await.unwrap(), []);
        assert!(store.posts(&edu(), &[post("41")]).await.unwrap()[0].gone);
        assert_eq!(store.submission(MessageId(5)).await.unwrap(), Some(posted));
        assert!(!store.thanked(&edu(), &post("41")).await.unwrap());
        assert_eq!(store.reactions_on(MessageId(5)).await.unwrap().len(), 1);
        assert_eq!(store.parts(bridge, &post("41")).await.unwrap(), [first]);

        let effects = vec![
            Effect::DropReactions { message: MessageId(5), emoji: None },
            Effect::DropRoom { bridge, thread: thread.clone() },
        ];
        store.apply(None, effects).await.unwrap();
        assert_eq!(store.reactions_on(MessageId(5)).await.unwrap(), []);
        assert_eq!(store.parts(bridge, &post("41")).await.unwrap(), []);
        assert_eq!(store.room(bridge, &thread).await.unwrap(), None);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn effects_take_hold_together_or_not_at_all() {
    each(async |place: Place| {
        let store = place.open().await;
        let bridge = BridgeId(1);
        let room = |thread: &str| {
            Effect::Room(Room { bridge, thread: ThreadId::new(thread), channel: ChannelId(5), digest: 0 })
        };
        let mark = Effect::Watermark { channel: ChannelId(5), message: MessageId(9) };
        // A Discord thread can't show two forum threads, so the last effect fails.
        let effects = vec![mark.clone(), Effect::Enqueue(job("a", "a1")), room("1"), room("2")];
        assert!(store.apply(Some("event"), effects).await.is_err());
        assert_eq!(store.watermark(ChannelId(5)).await.unwrap(), None);
        assert_eq!(store.room(bridge, &ThreadId::new("1")).await.unwrap(), None);
        assert!(nothing_due(&*store).await);
        assert!(store.apply(Some("event"), vec![mark]).await.unwrap(), "the name was not used up");

        enqueue(&*store, [job("a", "a1")]).await;
        let held = claim(&*store).await;
        assert!(store.settle(&held, vec![room("1"), room("2")], Finish::Done).await.is_err());
        assert_eq!(store.room(bridge, &ThreadId::new("1")).await.unwrap(), None);
        settle(&*store, &held, Finish::Retry { at: 0, reason: "again".into() }).await;
        assert_eq!(claim(&*store).await.key, "a1");
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_repeated_event_changes_nothing() {
    each(async |place: Place| {
        let store = place.open().await;
        assert!(store.apply(Some("m:1"), vec![Effect::Enqueue(job("a", "a1"))]).await.unwrap());
        assert!(!store.apply(Some("m:1"), vec![Effect::Enqueue(job("a", "a2"))]).await.unwrap());
        assert_eq!(drain(&*store).await, ["a1"]);
        store.close().await;
        let store = place.open().await;
        assert!(!store.apply(Some("m:1"), vec![]).await.unwrap(), "it is known after a restart");
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn old_event_names_are_forgotten_after_a_month() {
    each(async |place: Place| {
        let month: Millis = 31 * 24 * 3_600_000;
        let store = place.open().await;
        let now = store.now().await.unwrap();
        store.apply(Some("old"), vec![]).await.unwrap();
        store.apply(Some("young"), vec![]).await.unwrap();
        store.close().await;
        place.run(format!("UPDATE once SET at = {} WHERE name = 'old'", now - month)).await;
        let store = place.open().await;
        assert!(store.apply(Some("old"), vec![]).await.unwrap());
        assert!(!store.apply(Some("young"), vec![]).await.unwrap());
        if place.sqlite {
            // The same while it runs, without a restart.
            place.clock.advance(Duration::from_millis(month.unsigned_abs()));
            assert!(store.apply(Some("something"), vec![]).await.unwrap());
            assert!(store.apply(Some("young"), vec![]).await.unwrap());
        }
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_lane_goes_by_seq_then_age_and_live_lanes_go_first() {
    each(async |place: Place| {
        let store = place.open().await;
        let backfill = |key: &str| NewJob { priority: Priority::Backfill, ..job("old", key) };
        let seq = |seq: i64, key: &str| NewJob { seq, run_at: 5, ..job("seq", key) };
        let later = NewJob { run_at: store.now().await.unwrap() + 3_600_000, ..job("later", "later1") };
        let jobs =
            [backfill("old1"), backfill("old2"), seq(30, "s3"), seq(10, "s1"), seq(20, "s2"), job("b", "b1")];
        enqueue(&*store, jobs).await;
        enqueue(&*store, [later]).await;
        assert_eq!(drain(&*store).await, ["b1", "s1", "s2", "s3", "old1", "old2"]);
        assert_eq!(store.counts().await.unwrap().waiting, 1);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn one_lane_is_in_one_pair_of_hands() {
    each(async |place: Place| {
        let store = place.open().await;
        let seq = |seq: i64, key: &str| NewJob { seq, ..job("a", key) };
        enqueue(&*store, [seq(5, "a5"), seq(6, "a6"), job("b", "b")]).await;
        let first = claim(&*store).await;
        assert_eq!((first.key.as_str(), first.attempts), ("a5", 0));
        // A job that belongs before it arrives while it is being done.
        enqueue(&*store, [seq(1, "a1")]).await;
        assert_eq!(claim(&*store).await.key, "b");
        assert!(nothing_due(&*store).await);
        settle(&*store, &first, Finish::Continue).await;
        assert!(nothing_due(&*store).await);
        settle(&*store, &first, Finish::Done).await;
        assert_eq!(drain(&*store).await, ["a1", "a6"]);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_job_that_waits_for_another_try_holds_up_its_own_lane_only() {
    each(async |place: Place| {
        let store = place.open().await;
        enqueue(&*store, [job("a", "a1"), job("a", "a2"), job("b", "b1")]).await;
        let held = claim(&*store).await;
        let at = store.now().await.unwrap() + 3_600_000;
        settle(&*store, &held, Finish::Retry { at, reason: "flood wait".into() }).await;
        assert_eq!(drain(&*store).await, ["b1"]);
        if place.sqlite {
            place.clock.advance(Duration::from_secs(3601));
            let again = claim(&*store).await;
            assert_eq!((again.key.as_str(), again.attempts), ("a1", 1));
        }
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn whoever_lost_the_lease_writes_nothing() {
    each(async |place: Place| {
        let store = place.open().await;
        enqueue(&*store, [job("a", "a1")]).await;
        let stale = store.claim("slow", 0).await.unwrap().unwrap();
        let fresh = claim(&*store).await;
        assert_eq!((fresh.id, fresh.attempts), (stale.id, 1));
        assert!(fresh.fence > stale.fence);
        let mark = vec![Effect::Watermark { channel: ChannelId(1), message: MessageId(1) }];
        for finish in [Finish::Done, Finish::Continue, park("")] {
            let lost = store.settle(&stale, mark.clone(), finish).await;
            assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
        }
        assert_eq!(store.watermark(ChannelId(1)).await.unwrap(), None);
        store.settle(&fresh, mark, Finish::Done).await.unwrap();
        assert_eq!(store.watermark(ChannelId(1)).await.unwrap(), Some(MessageId(1)));
        let gone = store.settle(&fresh, vec![], Finish::Done).await;
        assert!(matches!(gone, Err(StoreError::LeaseLost)), "a job is done once");
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn newer_words_replace_older_ones_in_their_place() {
    each(async |place: Place| {
        let store = place.open().await;
        let again = |words: &str| NewJob { job: json!(words), ..job("a", "a1") };
        enqueue(&*store, [again("one"), job("a", "a2"), again("two")]).await;
        let held = claim(&*store).await;
        assert_eq!((held.key.as_str(), &held.job), ("a1", &json!("two")));
        // While it is being done, it changes: what was done is not all.
        enqueue(&*store, [again("three")]).await;
        assert!(nothing_due(&*store).await);
        settle(&*store, &held, Finish::Done).await;
        let held = claim(&*store).await;
        assert_eq!((held.key.as_str(), &held.job, held.attempts), ("a1", &json!("three"), 0));
        // It can't be done, but newer words might: they are tried.
        enqueue(&*store, [again("four")]).await;
        settle(&*store, &held, park("no")).await;
        assert_eq!(store.parked().await.unwrap(), []);
        assert_eq!(claim(&*store).await.job, json!("four"));
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_parked_job_holds_nobody_up_and_can_come_back() {
    each(async |place: Place| {
        let store = place.open().await;
        enqueue(&*store, [job("a", "a1"), job("a", "a2"), job("a", "a3")]).await;
        let held = claim(&*store).await;
        settle(&*store, &held, park("closed thread")).await;
        let parked = store.parked().await.unwrap();
        assert_eq!((parked[0].key.as_str(), parked[0].reason.as_str()), ("a1", "closed thread"));
        let counts = store.counts().await.unwrap();
        assert_eq!((counts.waiting, counts.parked), (2, 1));
        let second = claim(&*store).await;
        assert_eq!(second.key, "a2");
        assert!(store.unpark(held.id, true).await.unwrap());
        assert!(!store.unpark(held.id, true).await.unwrap(), "it is not parked any more");
        assert!(nothing_due(&*store).await, "the lane is busy");
        settle(&*store, &second, Finish::Done).await;
        let back = claim(&*store).await;
        assert_eq!((back.key.as_str(), back.attempts), ("a1", 1));
        settle(&*store, &back, park("still closed")).await;
        // News for a parked job wakes it.
        enqueue(&*store, [job("a", "a1")]).await;
        let back = claim(&*store).await;
        assert_eq!(back.key, "a1");
        settle(&*store, &back, park("no")).await;
        assert!(store.unpark(back.id, false).await.unwrap());
        assert_eq!(store.parked().await.unwrap(), []);
        assert_eq!(drain(&*store).await, ["a3"]);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_job_can_be_taken_back_until_somebody_does_it() {
    each(async |place: Place| {
        let store = place.open().await;
        enqueue(&*store, [job("a", "a1"), job("a", "a2"), job("a", "a3")]).await;
        let cancel = |key: &str| vec![Effect::Cancel { key: key.to_owned() }];
        store.apply(None, cancel("a1")).await.unwrap();
        let held = claim(&*store).await;
        assert_eq!(held.key, "a2");
        store.apply(None, cancel("a2")).await.unwrap();
        settle(&*store, &held, Finish::Retry { at: 0, reason: String::new() }).await;
        assert_eq!(claim(&*store).await.key, "a2");
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_workers_do_a_thousand_jobs_once_and_in_order() {
    const LANES: usize = 20;
    const JOBS: usize = 1_000;
    each(async |place: Place| {
        let store = place.open().await;
        let done: Arc<Mutex<HashMap<String, Vec<i64>>>> = Arc::default();
        let mut tasks = Vec::new();
        for writer in 0..4 {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                // Each lane has one writer, as each watched thread has.
                for number in (0..JOBS).filter(|number| number % 4 == writer) {
                    let lane = format!("lane{}", number % LANES);
                    let job = NewJob { job: json!(number), ..job(&lane, &format!("job{number}")) };
                    store.apply(None, vec![Effect::Enqueue(job)]).await.unwrap();
                }
            }));
        }
        for worker in 0..8 {
            let (store, done) = (store.clone(), done.clone());
            tasks.push(tokio::spawn(async move {
                while done.lock().unwrap().values().map(Vec::len).sum::<usize>() < JOBS {
                    let Some(claim) = store.claim(&format!("w{worker}"), LEASE).await.unwrap() else {
                        tokio::task::yield_now().await;
                        continue;
                    };
                    let number = claim.job.as_i64().unwrap();
                    done.lock().unwrap().entry(claim.lane.clone()).or_default().push(number);
                    store.settle(&claim, vec![], Finish::Done).await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let done = done.lock().unwrap();
        assert_eq!(done.len(), LANES);
        for (lane, numbers) in done.iter() {
            assert_eq!(numbers.len(), JOBS / LANES, "{lane}");
            assert!(numbers.is_sorted_by(|a, b| a < b), "{lane} went out of order: {numbers:?}");
        }
        drop(done);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn after_a_crash_work_goes_on() {
    each(async |place: Place| {
        let store = place.open().await;
        let soon = store.now().await.unwrap() + 5_000;
        let later = NewJob { run_at: soon, ..job("b", "b1") };
        enqueue(&*store, [job("a", "a1"), job("a", "a2"), later]).await;
        let lease = if place.sqlite { LEASE } else { 0 };
        let held = store.claim("w", lease).await.unwrap().unwrap();
        store.close().await;

        if place.sqlite {
            // The clock was a year ahead, and is right now.
            let right = Timestamp::from_millisecond(soon - 365 * 24 * 3_600_000).unwrap();
            place.clock.jump(right);
        }
        let store = place.open().await;
        let again = claim(&*store).await;
        assert_eq!((again.id, again.attempts), (held.id, 1));
        assert!(again.fence > held.fence);
        if place.sqlite {
            assert_eq!(claim(&*store).await.key, "b1", "what waits does not wait for a year");
        }
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn the_clock_of_the_store_never_runs_back() {
    each(async |place: Place| {
        let store = place.open().await;
        let before = store.now().await.unwrap();
        place.clock.jump("2020-01-01T00:00:00Z".parse().unwrap());
        assert!(store.now().await.unwrap() >= before);
        if place.sqlite {
            place.clock.advance(Duration::from_secs(7));
            assert_eq!(store.now().await.unwrap(), before + 7_000);
            // Set back by an hour between two runs.
            store.apply(Some("a"), vec![]).await.unwrap();
            store.close().await;
            place.clock.jump(Timestamp::from_millisecond(before - 3_600_000).unwrap());
            let store = place.open().await;
            assert_eq!(store.now().await.unwrap(), before + 7_000);
            store.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn watermarks_never_move_back() {
    each(async |place: Place| {
        let store = place.open().await;
        for (set, expected) in [(5, 5), (9, 9), (7, 9)] {
            let mark = Effect::Watermark { channel: ChannelId(1), message: MessageId(set) };
            store.apply(None, vec![mark]).await.unwrap();
            assert_eq!(store.watermark(ChannelId(1)).await.unwrap(), Some(MessageId(expected)));
        }
        assert_eq!(store.watermark(ChannelId(2)).await.unwrap(), None);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_bridge_keeps_its_id_while_it_stays_the_same() {
    each(async |place: Place| {
        let store = place.open().await;
        let first = store.sync_bridges(&[board_bridge("12", 1), board_bridge("13", 2)]).await.unwrap();
        let room =
            Room { bridge: first[0].id, thread: ThreadId::new("7"), channel: ChannelId(50), digest: 0 };
        let other = Room { bridge: first[1].id, channel: ChannelId(51), ..room.clone() };
        store.apply(None, vec![Effect::Room(room.clone()), Effect::Room(other)]).await.unwrap();

        let changed = BridgeConfig { layout: Layout::Feed, start: Start::Newest(5), ..board_bridge("12", 1) };
        let thread = BridgeConfig { scope: Scope::Thread(ThreadId::new("12")), ..board_bridge("", 1) };
        let second = store.sync_bridges(&[thread.clone(), changed]).await.unwrap();
        assert_eq!(second.len(), 2);
        assert_eq!((second[0].id, second[0].layout), (first[0].id, Layout::Feed));
        assert_eq!(second[0].start, Start::Newest(5));
        assert_eq!(second[1].scope, thread.scope);
        assert!(second.iter().all(|bridge| bridge.from_file && !bridge.paused));
        assert!(first.iter().all(|bridge| bridge.id != second[1].id), "an id is not used again");
        assert_eq!(store.room_of_channel(ChannelId(50)).await.unwrap(), Some(room));
        assert_eq!(store.room_of_channel(ChannelId(51)).await.unwrap(), None, "it went with its bridge");
        assert_eq!(store.bridges().await.unwrap(), second);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn one_process_has_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = store::open(&url, clock.clone()).await.unwrap();
    let error = store::open(&url, clock.clone()).await.err().expect("it is taken").to_string();
    assert!(error.contains("another threadbridge already uses"), "{error}");
    store.close().await;
    store::open(&url, clock).await.expect("it is free again").close().await;
}

#[tokio::test]
async fn another_schema_is_refused_in_plain_words() {
    each(async |place: Place| {
        place.open().await.close().await;
        place.open().await.close().await;
        let future = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                      SELECT 9999, 'from the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
        place.run(future.to_owned()).await;
        let error = place.try_open().await.err().expect("it is newer").to_string();
        assert!(error.contains("newer threadbridge"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("sqlite://{}", folder.path().join(name).display());
    std::fs::create_dir(folder.path().join("folder.db")).unwrap();
    std::fs::write(folder.path().join("letter.db"), "Dear reader, this is no database. ".repeat(50)).unwrap();
    // A port that nobody listens on: it was ours a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let cases = [
        (at("missing/test.db"), "does not exist; create it"),
        (at("folder.db"), "can't be opened"),
        (at("letter.db"), "is not a SQLite database"),
        ("mysql://x".to_owned(), "must begin with sqlite:// or postgres://"),
        (format!("postgres://me:s3cret@127.0.0.1:{free}/db"), "does not answer"),
    ];
    for (url, expected) in cases {
        let error = store::open(&url, Arc::new(SystemClock)).await.err().expect("it can't be opened");
        let told = format!("{error} {error:?}");
        assert!(matches!(error, StoreError::Unusable(_)), "{told}");
        assert!(told.contains(expected), "{url}: {told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
}

#[test]
fn both_databases_take_the_same_steps() {
    let names = |engine: &str| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert!(!names("sqlite").is_empty());
    assert_eq!(names("sqlite"), names("postgres"));
}
