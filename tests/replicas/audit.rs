//! `audit --repair` beside replicas at work, while people talk on both sides: what it queues is done by whoever runs, once.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use threadbridge::sandbox::discord::Limits;

use crate::fleet::{Fleet, PATIENCE};
use crate::harness::{Story, stories};
use crate::place;

pub const STORIES: [Story; 1] = stories![a_repair_beside_replicas_loses_and_doubles_nothing];

/// One audit by the real program: whether all was well or is repaired, and its report.
fn audit(config: &std::path::Path, arguments: &[&str]) -> (bool, serde_json::Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_threadbridge"));
    command.args(["audit", "--json"]).args(arguments).arg("--config").arg(config);
    let done = command.output().expect("an audit");
    let said = String::from_utf8_lossy(&done.stderr);
    let report = serde_json::from_slice(&done.stdout);
    (done.status.success(), report.unwrap_or_else(|error| panic!("{error}: no report, but {said}")))
}

async fn a_repair_beside_replicas_loses_and_doubles_nothing() {
    let Some((server, _place)) = place(1).await else { return };
    let fleet = Fleet::start(&server, 2, 2, Limits::off()).await;
    let chatter = fleet.chatter();
    // Two people repair at once, again and again.
    let stop = Arc::new(AtomicBool::new(false));
    let repairs: Vec<_> = (0..2)
        .map(|number| {
            let (stop, config) = (stop.clone(), fleet.config(number).to_owned());
            tokio::task::spawn_blocking(move || {
                let mut audits = 0;
                while !stop.load(Ordering::SeqCst) {
                    audit(&config, &["--repair"]);
                    audits += 1;
                }
                audits
            })
        })
        .collect();
    let mut database = PgConnection::connect(fleet.database.url.as_str()).await.expect("the database");
    for number in 0..3 {
        fleet.crossing(&format!("beside repair {number}")).await;
        // What it knew of half of the messages is lost, and they are still there.
        let forgotten = "DELETE FROM part WHERE part = 0 AND message % 2 = 0 AND from_discord = 0";
        let forgotten = sqlx::query(forgotten).execute(&mut database).await.expect("it is changed");
        assert!(forgotten.rows_affected() > 0, "there is something to forget");
    }
    fleet.crossing("after the last loss").await;
    let said = chatter.end().await;
    stop.store(true, Ordering::SeqCst);
    for repair in repairs {
        assert!(repair.await.expect("audits") > 0);
    }
    fleet.settled(&said).await;
    // What was queued takes the replicas a moment; then both sides and the database agree.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let config = fleet.config(0).to_owned();
        let audited = tokio::task::spawn_blocking(move || audit(&config, &["--repair"]));
        let (well, report) = audited.await.expect("an audit");
        let found = report["findings"].as_array().map_or(usize::MAX, Vec::len);
        if well && found == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "something stays wrong: {report:#}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    fleet.settled(&said).await;
    fleet.end().await;
}
