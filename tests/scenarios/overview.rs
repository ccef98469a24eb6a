//! Many boards of one forum: what is asked of it grows with its news, not with its boards.

use std::time::{Duration, Instant};

use threadbridge::config::BridgeConfig;

use crate::world::{World, eventually};

const BOARDS: usize = 9;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_boards_with_news_are_asked() {
    let mut world = World::new().await;
    let mut bridges: Vec<BridgeConfig> = Vec::new();
    let mut boards = Vec::new();
    for number in 1..=BOARDS {
        let board = world.forum().add_board(&format!("Board {number}"));
        let channel = world.discord().add_text_channel(world.stage.guild, &format!("channel-{number}"));
        bridges.push(world.stage.bridge(board, channel));
        boards.push((board, channel));
    }
    let mut config = world.config(bridges);
    let poll = Duration::from_secs(1);
    config.forums[0].poll = poll;
    world.start_with(config).await;
    let glances = || world.forum().requests().get("GET /").copied().unwrap_or(0);
    // Each takes stock, and is looked at once more with its bridge's baseline.
    eventually("every board", || (world.looks() >= 2 * BOARDS as u64).then_some(())).await;
    let settled = |glanced: u64| {
        let glances = &glances;
        move || (glances() >= glanced + 2).then_some(())
    };
    eventually("the first glances", settled(glances())).await;

    let (began, asked, glanced) = (Instant::now(), world.looks(), glances());
    eventually("glances without news", settled(glanced)).await;
    let quiet = world.looks() - asked;
    let (board, channel) = boards[BOARDS / 2];
    let (thread, _) = world.forum().open_thread(board, world.ann, "News", "Here it is.").unwrap();
    world.message(channel, "Here it is.").await;
    let told = world.looks() - asked - quiet;
    if began.elapsed() < poll * 50 {
        // Much later every board would have had its rare look.
        assert_eq!(quiet, 0, "nothing was new on {BOARDS} boards");
        assert_eq!(told, 1, "one board had news");
    }
    // What goes is news as well.
    let post = world.forum().reply(thread, world.bob, "A mistake.").unwrap();
    world.message(channel, "A mistake.").await;
    world.forum().delete(post, threadbridge::sandbox::forum::Deletion::Hard).unwrap();
    eventually("the removal", || world.find(channel, "A mistake.").is_none().then_some(())).await;
}
