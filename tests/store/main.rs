//! The store's promises, each on SQLite and, where a server answers, on Postgres: the one that
//! `THREADBRIDGE_TEST_POSTGRES` names, else 127.0.0.1:5432. Every test has a database of its own.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use threadbridge::clock::ManualClock;
use threadbridge::config::{BridgeConfig, Layout, Replies, Scope, Start};
use threadbridge::model::{BoardId, ChannelId, ForumKey, PostId};
use threadbridge::store::{self, Claim, Effect, Finish, Millis, NewJob, Priority, Store, StoreError};

mod mutation;
#[path = "../older/mod.rs"]
mod older;
mod opening;
mod outbox;
mod people;
mod pooler;
mod records;
mod replicas;
mod servers;
mod transfer;
mod upgrade;

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

/// One number out of the database.
async fn number(place: &Place, sql: &'static str) -> i64 {
    if place.sqlite {
        let mut database = SqliteConnection::connect(&place.url).await.unwrap();
        sqlx::query_scalar(sql).fetch_one(&mut database).await.unwrap()
    } else {
        let mut database = PgConnection::connect(&place.url).await.unwrap();
        sqlx::query_scalar(sql).fetch_one(&mut database).await.unwrap()
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
        needs: None,
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
