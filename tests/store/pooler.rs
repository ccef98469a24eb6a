//! Behind a pooler in transaction mode, which gives each transaction whichever connection of the server is free.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use threadbridge::store;

use super::{Place, each};

/// A pgbouncer of this test alone.
struct Pooler(Child);

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether pgbouncer is installed; in CI it is.
fn installed() -> bool {
    let found =
        Command::new("pgbouncer").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "pgbouncer is not installed");
    eprintln!("skipped: pgbouncer is not installed");
    false
}

/// Starts one before that server; tells its address.
async fn start(folder: &std::path::Path, server: &url::Url) -> (Pooler, url::Url) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (host, user) = (server.host_str().unwrap_or("127.0.0.1"), server.username());
    let password = server.password().unwrap_or_default();
    std::fs::write(folder.join("users"), format!("\"{user}\" \"{password}\"\n")).unwrap();
    let settings = format!(
        "[databases]\n* = host={host} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = 3\n",
        server.port().unwrap_or(5432),
        folder.join("users").display(),
    );
    let file = folder.join("pgbouncer.ini");
    std::fs::write(&file, settings).unwrap();
    // It does not run as root, and has to read its settings as somebody else.
    let everyone = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder, everyone).unwrap();
    let mut command = Command::new("pgbouncer");
    command.arg("-q").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if root {
        command.args(["-u", "nobody"]);
    }
    let pooler = Pooler(command.spawn().unwrap());
    let deadline = Instant::now() + Duration::from_secs(30);
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        assert!(Instant::now() < deadline, "pgbouncer does not listen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut url = server.clone();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(port)).unwrap();
    (pooler, url)
}

#[tokio::test]
async fn everything_works_behind_a_pooler_in_transaction_mode() {
    each(async |place: Place| {
        if place.sqlite || !installed() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (_pooler, url) = start(folder.path(), &url::Url::parse(&place.url).unwrap()).await;
        // The schema too, and more than once.
        for _ in 0..3 {
            store::migrate(url.as_str(), place.clock.clone()).await.unwrap();
        }
        let open = async || store::open(url.as_str(), place.clock.clone()).await.unwrap();
        super::replicas::compete([open().await, open().await]).await;
    })
    .await;
}
