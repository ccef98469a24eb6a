//! Several real processes on one Postgres, and all that can happen to one of them: it dies, it stalls and wakes,
//! its connections break, or its network falls silent. The others go on in its place; nothing is lost, doubled or
//! out of order, and what a stalled one remembers does no harm.
//!
//! These stories mostly wait: for leases to end, and for Discord to let another session begin. libtest plays no more at
//! once than there are processors, so they have a harness of their own ([`harness`]).

#[path = "../postgres/mod.rs"]
mod postgres;

mod audit;
mod chaos;
mod fleet;
mod harness;
mod heard;
mod knows;
mod proxy;
mod shards;

use std::time::{Duration, Instant};

use serde_json::json;
use threadbridge::sandbox::discord::Limits;

use fleet::Fleet;
use harness::{Story, stories};
use proxy::State;

/// Twice as long as a lease.
const LONG: Duration = Duration::from_secs(24);

const STORIES: [Story; 6] = stories![
    one_that_is_killed_is_replaced,
    one_that_stalls_and_wakes_does_nothing_stale,
    broken_connections_to_the_database_do_no_harm,
    a_network_that_falls_silent_does_no_harm,
    work_is_shared_and_one_that_stops_hands_over,
    together_they_stay_within_what_discord_allows,
];

fn main() -> std::process::ExitCode {
    let stories =
        [&STORIES[..], &shards::STORIES, &chaos::STORIES, &knows::STORIES, &heard::STORIES, &audit::STORIES];
    harness::play(&stories.concat())
}

/// So many stories at a time: each is several processes with several connections each, and a server takes 100.
const AT_ONCE: u32 = 3;
static PLACES: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(AT_ONCE as usize);

/// Waits for room to play in, and for a server to play on.
async fn place(places: u32) -> Option<(String, tokio::sync::SemaphorePermit<'static>)> {
    let server = postgres::server()?;
    Some((server, PLACES.acquire_many(places).await.expect("room")))
}

/// Two replicas or three, and something that happens to the one which has the gateway, and then to the one which
/// has the forum.
async fn story(name: &str, replicas: usize, befalls: impl AsyncFn(&mut Fleet, usize)) {
    let Some((server, _place)) = place(1).await else { return };
    let mut fleet = Fleet::start(&server, replicas, 3, Limits::off()).await;
    let chatter = fleet.chatter();
    for part in ["gateway", "forum edu"] {
        let holder = fleet.holder(part).await;
        fleet.crossing(&format!("before {part}")).await;
        befalls(&mut fleet, holder).await;
        // Somebody else, or the same one come back.
        fleet.holder(part).await;
        let (there, back) = fleet.crossing(&format!("after {part}")).await;
        println!(
            "{name}, {part}: afterwards {} ms to Discord, {} ms to the forum",
            there.as_millis(),
            back.as_millis()
        );
    }
    let said = chatter.end().await;
    fleet.settled(&said).await;
    fleet.end().await;
}

async fn one_that_is_killed_is_replaced() {
    story("kill -9", 3, async |fleet, victim| {
        fleet.replicas[victim].kill();
        let (there, back) = fleet.crossing(&format!("while {victim} is dead")).await;
        println!(
            "kill -9: {} ms until the forum crossed, {} ms until Discord did",
            there.as_millis(),
            back.as_millis()
        );
        let talk = &fleet.talks[0];
        let asked = fleet.stage.discord.command(
            fleet.dora,
            talk.room,
            "thread show",
            &[("thread", json!(talk.thread.to_string()))],
        );
        let answer = asked.expect("a command").answer().await.expect("an answer").message.expect("a message");
        assert!(format!("{answer:?}").contains("Opening words."), "{answer:?}");
        fleet.replicas[victim].start_again();
    })
    .await;
}

async fn one_that_stalls_and_wakes_does_nothing_stale() {
    story("stalled", 2, async |fleet, victim| {
        fleet.replicas[victim].signal("STOP");
        let began = Instant::now();
        let (there, back) = fleet.crossing(&format!("while {victim} is stopped")).await;
        println!(
            "SIGSTOP: {} ms until the forum crossed, {} ms until Discord did",
            there.as_millis(),
            back.as_millis()
        );
        tokio::time::sleep(LONG.saturating_sub(began.elapsed())).await;
        fleet.replicas[victim].signal("CONT");
    })
    .await;
}

async fn broken_connections_to_the_database_do_no_harm() {
    story("cut", 2, async |fleet, victim| {
        for _ in 0..5 {
            for replica in &fleet.replicas {
                replica.proxy.blink().await;
            }
            tokio::time::sleep(Duration::from_millis(600)).await;
        }
        fleet.replicas[victim].proxy.set(State::Cut);
        let (there, back) = fleet.crossing(&format!("while {victim} is cut off")).await;
        println!(
            "cut off: {} ms until the forum crossed, {} ms until Discord did",
            there.as_millis(),
            back.as_millis()
        );
        fleet.replicas[victim].proxy.set(State::Up);
    })
    .await;
}

async fn a_network_that_falls_silent_does_no_harm() {
    story("silent", 2, async |fleet, victim| {
        fleet.replicas[victim].proxy.set(State::Silent);
        let (there, back) = fleet.crossing(&format!("while {victim} hears nothing")).await;
        println!(
            "silent: {} ms until the forum crossed, {} ms until Discord did",
            there.as_millis(),
            back.as_millis()
        );
        fleet.replicas[victim].proxy.set(State::Up);
    })
    .await;
}

async fn work_is_shared_and_one_that_stops_hands_over() {
    let Some((server, _place)) = place(1).await else { return };
    let mut fleet = Fleet::start(&server, 2, 4, Limits::off()).await;
    let chatter = fleet.chatter();
    // Both are ready, also the one that has no gateway and no forum.
    for replica in &fleet.replicas {
        let ready = async {
            while replica.ready().await.is_none_or(|(status, _)| status != 200) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), ready).await.expect("every replica is ready");
    }
    let held = |text: String| text.matches("this replica holds it now").count();
    fleet
        .until("both to have a share", || {
            fleet.replicas.iter().all(|replica| held(replica.log()) >= 2).then_some(())
        })
        .await;
    let (gateway, forum) = (fleet.holder("gateway").await, fleet.holder("forum edu").await);
    for part in ["gateway", "forum edu"] {
        let mut holders = 0;
        for replica in &fleet.replicas {
            holders += usize::from(replica.has(part).await);
        }
        assert_eq!(holders, 1, "{part} is one replica's");
    }
    let began = Instant::now();
    fleet.replicas[gateway].stop().await;
    fleet.crossing("after one has stopped").await;
    println!(
        "SIGTERM of the gateway's holder (the forum was with {forum}): crossed after {} ms",
        began.elapsed().as_millis()
    );
    let said = chatter.end().await;
    fleet.settled(&said).await;
    fleet.end().await;
}

async fn together_they_stay_within_what_discord_allows() {
    const BOARDS: usize = 8;
    const POSTS: usize = 15;
    // So few that the bot's own limit is what everything waits for.
    const A_SECOND: u32 = 12;
    // Requests that leave in good order arrive in a bunch where the machine has no time for them.
    let Some((server, _place)) = place(AT_ONCE).await else { return };
    let fleet = Fleet::start(&server, 2, BOARDS, Limits { global: A_SECOND, ..Limits::default() }).await;
    let held = |text: String| text.matches("it now lease=channel:").count();
    fleet
        .until("both to have channels", || {
            // The forum counts as well.
            fleet.replicas.iter().all(|replica| held(replica.log()) >= BOARDS / 2 - 1).then_some(())
        })
        .await;
    fleet.stage.discord.clear_ledger();
    for number in 0..POSTS {
        for talk in &fleet.talks {
            fleet.stage.forum.reply(talk.thread, fleet.ann, &format!("Number {number}.")).expect("a post");
        }
    }
    for talk in &fleet.talks {
        fleet.until("all posts to be shown", || (fleet.shown(talk).len() > POSTS).then_some(())).await;
    }
    let ledger = fleet.stage.discord.ledger();
    let refused: Vec<_> =
        ledger.iter().filter(|entry| entry.status == 429).map(|entry| &entry.path).collect();
    assert!(refused.is_empty(), "{} requests were refused: {refused:?}", refused.len());
    let mut busiest = 0;
    for (first, entry) in ledger.iter().enumerate() {
        let within = |other: &&threadbridge::sandbox::discord::Entry| {
            other.at.duration_since(entry.at) < jiff::SignedDuration::from_secs(1)
        };
        busiest = busiest.max(ledger[first..].iter().take_while(within).count());
    }
    println!("{} requests, at most {busiest} within a second", ledger.len());
    assert!(busiest <= A_SECOND as usize, "{busiest} requests within a second");
    fleet.end().await;
}
