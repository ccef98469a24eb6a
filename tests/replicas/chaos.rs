//! Seeded chaos among replicas: whatever happens to any of them, in whatever order, while people go on talking. A seed
//! decides; then all is healed, and both sides must agree.
//!
//! `THREADBRIDGE_CHAOS_SEED=7` plays one seed again, `THREADBRIDGE_CHAOS_SEEDS=20` plays so many from 1 on, or from
//! `THREADBRIDGE_CHAOS_FROM=500`.

use std::time::Duration;

use threadbridge::sandbox::discord::Limits;

use crate::LONG;
use crate::fleet::Fleet;
use crate::harness::{Story, stories};
use crate::place;
use crate::proxy::State;

pub const STORIES: [Story; 1] = stories![whatever_befalls_replicas_nothing_is_lost_doubled_or_out_of_order];

/// Played in the suite, side by side.
const SHORT: u64 = 2;
/// What befalls the replicas in one run.
const BLOWS: usize = 6;

fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("THREADBRIDGE_CHAOS_SEED") {
        Some(seed) => vec![seed],
        None => {
            let first = number("THREADBRIDGE_CHAOS_FROM").unwrap_or(1);
            (first..first + number("THREADBRIDGE_CHAOS_SEEDS").unwrap_or(SHORT)).collect()
        }
    }
}

async fn whatever_befalls_replicas_nothing_is_lost_doubled_or_out_of_order() {
    let runs: Vec<_> = seeds().into_iter().map(|seed| tokio::spawn(play(seed))).collect();
    for run in runs {
        run.await.expect("a run ends well");
    }
}

async fn play(seed: u64) {
    let Some((server, _place)) = place(1).await else { return };
    let mut rng = fastrand::Rng::with_seed(seed);
    // Two in one run and three in the next.
    let replicas = if seed.is_multiple_of(2) { 3 } else { 2 };
    let mut fleet = Fleet::start(&server, replicas, 3, Limits::off()).await;
    let chatter = fleet.chatter();
    let mut story = Vec::new();
    for _ in 0..BLOWS {
        let victim = rng.usize(..replicas);
        let pause = Duration::from_millis(rng.u64(..4_000));
        // Often shorter than a lease, sometimes twice as long.
        let long = if rng.u8(..3) == 0 { LONG } else { Duration::from_millis(rng.u64(500..14_000)) };
        let replica = &mut fleet.replicas[victim];
        let name = match rng.u8(..6) {
            0 | 1 => {
                replica.kill();
                tokio::time::sleep(pause).await;
                replica.start_again();
                "killed"
            }
            2 => {
                replica.signal("STOP");
                tokio::time::sleep(long).await;
                replica.signal("CONT");
                "stopped"
            }
            3 => {
                replica.proxy.set(State::Cut);
                tokio::time::sleep(long).await;
                replica.proxy.set(State::Up);
                "cut off"
            }
            4 => {
                replica.proxy.set(State::Silent);
                tokio::time::sleep(long).await;
                replica.proxy.set(State::Up);
                "silenced"
            }
            _ => {
                for replica in &fleet.replicas {
                    replica.proxy.blink().await;
                }
                "blinked"
            }
        };
        story.push(format!("{victim} {name}"));
        tokio::time::sleep(pause).await;
        // A replica whose database is away at its start ends, and is started again by its service manager.
        for replica in &mut fleet.replicas {
            if !replica.alive() {
                replica.start_again();
            }
        }
    }
    println!("seed {seed}, {replicas} replicas: {}", story.join(", "));
    let said = chatter.end().await;
    fleet.settled(&said).await;
    println!("seed {seed}: the longest way took {} ms", fleet.longest(&said).as_millis());
    fleet.end().await;
}
