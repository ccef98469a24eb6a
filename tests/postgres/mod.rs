//! A Postgres server to test on, and databases on it.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// The server to test on. Where nothing answers the tests say so and are skipped, but never in CI.
pub fn server() -> Option<String> {
    if let Ok(url) = std::env::var("THREADBRIDGE_TEST_POSTGRES") {
        return Some(url);
    }
    let local = SocketAddr::from(([127, 0, 0, 1], 5432));
    if TcpStream::connect_timeout(&local, Duration::from_secs(1)).is_ok() {
        return Some("postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    }
    assert!(std::env::var_os("CI").is_none(), "no Postgres answers at {local}");
    eprintln!("skipped: no Postgres answers at {local}; THREADBRIDGE_TEST_POSTGRES may name a server");
    None
}

/// A database of its own, dropped with it.
pub struct Database {
    server: String,
    name: String,
    pub url: url::Url,
}

impl Database {
    pub async fn create(server: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("threadbridge_test_{}_{number}", std::process::id());
        let mut admin = PgConnection::connect(server).await.expect("the Postgres server lets the tests in");
        let create = format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0");
        admin.execute(AssertSqlSafe(create)).await.expect("a database");
        let mut url = url::Url::parse(server).expect("an address");
        url.set_path(&name);
        Self { server: server.to_owned(), name, url }
    }

    pub async fn drop(self) {
        let mut admin = PgConnection::connect(&self.server).await.expect("the server");
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        admin.execute(AssertSqlSafe(drop)).await.expect("no database");
    }
}
