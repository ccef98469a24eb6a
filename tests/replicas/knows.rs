//! What one replica changes and another acts on, and what people ask of one that has only just taken over.

use std::time::Duration;

use serde_json::{Value, json};
use threadbridge::sandbox::discord::{Fault, Limits, Starts};

use crate::fleet::{Fleet, Setting, Talk};
use crate::harness::{Story, stories};
use crate::place;

pub const STORIES: [Story; 3] = stories![
    a_command_given_right_after_a_take_over_is_answered,
    every_shard_answers_commands,
    a_bridge_that_one_replica_paused_carries_nothing_in_another
];

const MANAGE_SERVER: u64 = 1 << 5;
const MANAGE_WEBHOOKS: u64 = 1 << 29;

/// The words that answer a command, given once.
async fn ask(fleet: &Fleet, user: u64, channel: u64, path: &str, options: &[(&str, Value)]) -> String {
    let asked = fleet.stage.discord.command(user, channel, path, options).expect("a command");
    let answer =
        asked.answer().await.unwrap_or_else(|error| fleet.in_vain(&format!("an answer to {path}: {error}")));
    let message = answer.message.expect("a message");
    format!("{} {:?} {:?}", message.content, message.embeds, message.components)
}

async fn shows_a_thread(fleet: &Fleet, channel: u64, thread: u64) {
    let told = ask(fleet, fleet.dora, channel, "thread show", &[("thread", json!(thread.to_string()))]).await;
    assert!(told.contains("Opening words."), "{told}");
}

async fn a_command_given_right_after_a_take_over_is_answered() {
    let Some((server, _place)) = place(1).await else { return };
    let mut fleet = Fleet::start(&server, 2, 1, Limits::off()).await;
    let discord = fleet.stage.discord.clone();
    // Where only what guests of the forum see may be shown.
    let lobby = discord.add_text_channel(fleet.stage.guild, "lobby");
    let thread = fleet.talks[0].thread;
    let connected = |before| (discord.sessions().1 > before && discord.sessions().0 > 0).then_some(());
    // The other has been there no longer than it takes to be let in.
    let first = fleet.holder("gateway").await;
    shows_a_thread(&fleet, lobby, thread).await;
    let before = discord.sessions().1;
    fleet.replicas[first].kill();
    fleet.until("another to hear", || connected(before)).await;
    shows_a_thread(&fleet, lobby, thread).await;
    // The next one has only just come, and Discord does not answer its first question about a channel.
    discord.fault(Some("GET"), "/channels/{channel_id}", Fault::Status(503), 1);
    fleet.replicas[first].start_again();
    let before = discord.sessions().1;
    fleet.replicas[1 - first].kill();
    fleet.until("the newcomer to hear", || connected(before)).await;
    shows_a_thread(&fleet, lobby, thread).await;
    assert_eq!(discord.faults_left(), 0);
    fleet.holder("gateway").await;
    fleet.end().await;
}

async fn every_shard_answers_commands() {
    let Some((server, _place)) = place(1).await else { return };
    let starts = Starts { shards: 2, ..Starts::default() };
    let fleet = Fleet::of(&server, Setting { boards: 2, starts, ..Setting::default() }).await;
    let discord = fleet.stage.discord.clone();
    while fleet.holder("gateway").await == fleet.holder("gateway:1").await {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    fleet.until("both shards", || (discord.shards().0 == [0, 1]).then_some(())).await;
    // Each talk is in a guild of its own, on a shard of its own, and nothing is bridged to these channels.
    for (talk, guild) in fleet.talks.iter().zip(&fleet.guilds) {
        let lobby = discord.add_text_channel(*guild, "lobby");
        shows_a_thread(&fleet, lobby, talk.thread).await;
    }
    fleet.end().await;
}

async fn a_bridge_that_one_replica_paused_carries_nothing_in_another() {
    const POSTS: usize = 25;
    let Some((server, _place)) = place(1).await else { return };
    // With Discord's limits, so that what is to be sent waits.
    let fleet = Fleet::start(&server, 2, 4, Limits::default()).await;
    let discord = fleet.stage.discord.clone();
    let boss = discord.add_user("Boss");
    let role = discord.add_role(fleet.stage.guild, "boss", MANAGE_SERVER | MANAGE_WEBHOOKS);
    discord.give_role(fleet.stage.guild, boss, role);
    let hears = fleet.holder("gateway").await;
    // A bridge whose channel is not the business of whoever hears the command.
    let elsewhere = || {
        let log = fleet.replicas[1 - hears].log();
        let held = |talk: &&Talk| {
            let last = |how: &str| log.rfind(&format!("this replica {how} lease=channel:{}", talk.channel));
            last("holds it now") > last("holds it no longer")
        };
        fleet.talks.iter().find(held)
    };
    let talk = fleet.until("the other to have a channel", elsewhere).await;
    let sql = format!("SELECT id FROM bridge WHERE channel = {}", talk.channel);
    let bridge = [("bridge", json!(fleet.number(&sql).await.to_string()))];
    for number in 0..POSTS {
        fleet.stage.forum.reply(talk.thread, fleet.ann, &format!("Number {number}.")).expect("a post");
    }
    let shown = || fleet.shown(talk).iter().filter(|text| text.starts_with("Number")).count();
    fleet.until("some of it", || (shown() > 2).then_some(())).await;
    let told = ask(&fleet, boss, talk.room, "bridge pause", &bridge).await;
    assert!(told.starts_with("Paused"), "{told}");
    let before = shown();
    assert!(before < POSTS, "there was nothing left to hold");
    let waiting = "SELECT COUNT(*) FROM outbox WHERE held = 0";
    while fleet.number(waiting).await > 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let sent = shown() - before;
    println!("{before} of {POSTS} were sent before the pause, and {sent} after it");
    // One was on its way.
    assert!(sent <= 1, "a paused bridge went on: {sent}");
    let told = ask(&fleet, boss, talk.room, "bridge resume", &bridge).await;
    assert!(told.starts_with("Resumed"), "{told}");
    fleet.until("the rest", || (shown() == POSTS).then_some(())).await;
    fleet.end().await;
}
