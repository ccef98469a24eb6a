//! More than one gateway shard, and how sessions may begin.

use std::time::Duration;

use threadbridge::sandbox::discord::Starts;

use crate::fleet::{Fleet, Setting};
use crate::harness::{Story, stories};
use crate::place;

pub const STORIES: [Story; 2] = stories![
    two_shards_over_two_replicas_hear_every_guild_once,
    the_last_sessions_of_a_day_are_kept_back_and_it_says_so
];

/// As Discord has it.
const GAP: Duration = Duration::from_secs(5);

async fn two_shards_over_two_replicas_hear_every_guild_once() {
    let Some((server, _place)) = place(1).await else { return };
    let starts = Starts { shards: 2, gap: GAP, ..Starts::default() };
    let mut fleet = Fleet::of(&server, Setting { boards: 2, starts, ..Setting::default() }).await;
    let discord = fleet.stage.discord.clone();
    fleet.until("both shards", || (discord.shards().0 == [0, 1]).then_some(())).await;
    let chatter = fleet.chatter();
    for (number, part) in ["gateway:1", "gateway"].into_iter().enumerate() {
        // Each replica has one of them in the end.
        while fleet.holder("gateway").await == fleet.holder("gateway:1").await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        fleet.until("both shards", || (discord.shards().0 == [0, 1]).then_some(())).await;
        fleet.crossing(&format!("while each has one, {number}")).await;
        let victim = fleet.holder(part).await;
        fleet.replicas[victim].kill();
        let began = std::time::Instant::now();
        let before = discord.sessions().1;
        fleet.until("the other to take over", || (discord.sessions().1 > before).then_some(())).await;
        fleet.until("both shards", || (discord.shards().0 == [0, 1]).then_some(())).await;
        println!("{part}: its shard was heard again {} ms after a kill -9", began.elapsed().as_millis());
        fleet.crossing(&format!("after kill {number}")).await;
        fleet.replicas[victim].start_again();
        fleet.ready_is(victim, "it to be back", |status, _| status == 200).await;
    }
    let said = chatter.end().await;
    fleet.settled(&said).await;
    assert_eq!(discord.shards().1, 0, "a session was begun too soon after another");
    fleet.end().await;
}

async fn the_last_sessions_of_a_day_are_kept_back_and_it_says_so() {
    let Some((server, _place)) = place(1).await else { return };
    // Two may be used of these.
    let starts = Starts { total: 12, reset_after: Duration::from_secs(75), gap: GAP, ..Starts::default() };
    let fleet = Fleet::of(&server, Setting { replicas: 1, starts, ..Setting::default() }).await;
    let discord = fleet.stage.discord.clone();
    fleet.until("the first session", || (discord.sessions().0 == 1).then_some(())).await;
    assert_eq!(discord.starts_left(), 11);
    discord.invalid_session();
    fleet.until("the second session", || (discord.sessions().1 == 2).then_some(())).await;
    assert_eq!(discord.starts_left(), 10);
    fleet.until("it to be there", || (discord.sessions().0 == 1).then_some(())).await;
    discord.invalid_session();
    fleet
        .ready_is(0, "the reason", |status, answer| {
            let why = answer["parts"]["gateway"]["why"].as_str().unwrap_or_default();
            status == 503 && why.contains("only 10 more times") && why.contains("connects again in")
        })
        .await;
    assert_eq!(discord.starts_left(), 10, "they were used up");
    assert_eq!(discord.sessions().1, 2);
    fleet.ready_is(0, "the next day", |status, _| status == 200).await;
    assert_eq!(discord.sessions().1, 3);
    assert_eq!(discord.shards().1, 0, "a session was begun too soon after another");
    fleet.crossing("the next day").await;
    fleet.end().await;
}
