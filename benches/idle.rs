//! What one idle bridge costs: the time from its start until `/readyz` says yes, and its memory once it has
//! been idle for a while. Run with `cargo bench --bench idle`.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use threadbridge::clock::SystemClock;
use threadbridge::sandbox::discord::{self, Limits};
use threadbridge::sandbox::forum;
use threadbridge::sandbox::stage::{ACCOUNT, Folder, Stage};

const IDLE: Duration = Duration::from_secs(20);

fn main() -> anyhow::Result<()> {
    tokio::runtime::Runtime::new()?.block_on(measure())
}

async fn measure() -> anyhow::Result<()> {
    let discord = discord::Options { limits: Limits::off(), ..discord::Options::default() };
    let stage = Stage::start(forum::Options::default(), discord, Arc::new(SystemClock)).await?;
    let board = stage.forum.add_board("Staffroom");
    let channel = stage.discord.add_forum_channel(stage.guild, "threads", &[]);
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let folder = Folder::new()?;
    let config = folder.0.join("threadbridge.toml");
    std::fs::write(
        &config,
        format!(
            "[discord]\ntoken = \"{}\"\napi_url = \"{}\"\n[database]\nurl = \"{}\"\n[server]\nlisten = \"127.0.0.1:{port}\"\n\
             [[forums]]\nkey = \"edu\"\nengine = \"vbulletin4\"\nurl = \"{}\"\nusername = \"{ACCOUNT}\"\npassword = \"{}\"\n\
             poll_seconds = 5\nmin_request_gap_ms = 0\n[[bridges]]\nforum = \"edu\"\nboard = \"{board}\"\nchannel = \"{channel}\"\n",
            stage.discord.token(),
            stage.discord.url(),
            folder.database(),
            stage.forum.url(),
            forum::DEFAULT_PASSWORD,
        ),
    )?;
    let http = reqwest::Client::builder().timeout(Duration::from_secs(2)).build()?;
    let began = Instant::now();
    let mut bridge = Command::new(env!("CARGO_BIN_EXE_threadbridge"))
        .args(["run", "--config"])
        .arg(&config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let ready = format!("http://127.0.0.1:{port}/readyz");
    while !http.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
        anyhow::ensure!(began.elapsed() < Duration::from_secs(60), "the bridge is not ready after a minute");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!("start to /readyz: {} ms", began.elapsed().as_millis());
    tokio::time::sleep(IDLE).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", bridge.id()))?;
    for line in status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM")) {
        println!(
            "after {} s idle: {}",
            IDLE.as_secs(),
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        );
    }
    bridge.kill()?;
    bridge.wait()?;
    Ok(())
}
