//! What holds one lane up, and what does not hold up the others.

use threadbridge::config::{BridgeConfig, Start};
use threadbridge::sandbox::discord::{self, Limits, MANAGE_THREADS, MANAGE_WEBHOOKS};
use threadbridge::sandbox::forum;

use crate::world::{World, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_post_is_given_up_alone_with_its_reason() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Odd", "A good post.").unwrap();
    let room = world.room("Odd").await;
    world.message(room, "A good post.").await;
    world.discord().fault(Some("POST"), "/webhooks", discord::Fault::Refuse(50035), 1);
    world.forum().reply(thread, world.bob, "A bad post.").unwrap();
    world.forum().reply(thread, world.bob, "Another good post.").unwrap();
    world.message(room, "Another good post.").await;
    assert!(world.find(room, "A bad post.").is_none());
    let parked = world.parked().await;
    assert!(parked.len() == 1 && parked[0].contains("50035"), "{parked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_channel_stops_its_bridge_and_no_other() {
    let mut world = World::new().await;
    world.start(vec![world.threads(), world.feed()]).await;
    world.discord().delete_channel(world.text_channel).unwrap();
    world.discord().clear_ledger();
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Onward", "Post 0.").unwrap();
    let room = world.room("Onward").await;
    for number in 1..8 {
        world.forum().reply(thread, world.bob, &format!("Post {number}.")).unwrap();
        world.message(room, &format!("Post {number}.")).await;
    }
    let parked = loop {
        let parked = world.parked().await;
        if !parked.is_empty() {
            break parked;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert!(parked.iter().all(|reason| reason.contains("channel was deleted")), "{parked:?}");
    // Once it is known to be gone nobody asks it again, and nothing more is queued for it.
    let refused: usize = world.discord().refused().values().sum();
    assert!(refused <= 4, "{:?}", world.discord().refused());
    assert!(world.parked().await.len() < 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_thread_waits_alone_and_says_so() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (_, post) = world.forum().open_thread(world.board, world.ann, "Shut", "Old words.").unwrap();
    let room = world.room("Shut").await;
    world.message(room, "Old words.").await;
    let less = discord::BOT & !MANAGE_THREADS;
    world.discord().set_bot_permissions(world.stage.guild, less);
    world.discord().lock_thread(room, true).unwrap();
    world.forum().edit(post, "New words.").unwrap();
    world.quiet().await;
    let (_, _) = world.forum().open_thread(world.board, world.ann, "Open", "Plain words.").unwrap();
    let open = world.room("Open").await;
    world.message(open, "Plain words.").await;
    assert!(world.find(room, "New words.").is_none());
    assert!(world.waiting().await.iter().any(|reason| reason.contains("thread is locked")));
    let refused: usize = world.discord().refused().values().sum();
    assert!(refused < 10, "{:?}", world.discord().refused());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_channels_that_refuse_make_few_refused_requests() {
    let mut world = World::new().await;
    let channels: Vec<u64> =
        (0..12).map(|n| world.discord().add_text_channel(world.stage.guild, &format!("shut-{n}"))).collect();
    let shut = world.forum().add_board("Shut");
    let mut bridges: Vec<BridgeConfig> =
        channels.iter().map(|channel| world.stage.bridge(shut, *channel)).collect();
    bridges.push(world.threads());
    world.start(bridges).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Before", "All is well.").unwrap();
    let room = world.room("Before").await;
    world.message(room, "All is well.").await;
    for channel in &channels {
        world.discord().set_overwrite(*channel, world.discord().bot(), 0, MANAGE_WEBHOOKS);
    }
    world.discord().clear_ledger();
    world.forum().open_thread(shut, world.ann, "Shut", "Nobody is to see this.").unwrap();
    eventually("the first refusal", || world.discord().refused().get(&403).copied()).await;
    for number in 1..5 {
        world.forum().reply(thread, world.bob, &format!("Post {number}.")).unwrap();
        world.message(room, &format!("Post {number}.")).await;
    }
    world.quiet().await;
    // Those that Discord counts towards a ban.
    let refused = world.discord().refused();
    let counted: usize = [401, 403, 429].iter().filter_map(|status| refused.get(status)).sum();
    assert!(counted < 10, "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cold_channel_and_live_posts_do_not_wait_for_a_backlog() {
    let mut world = World::with(forum::Options::default(), Limits::scaled(0.5)).await;
    // Many threads, which are many lanes, share one channel's limit.
    for number in 0..40 {
        let title = format!("Old {number}");
        let (thread, _) = world.forum().open_thread(world.board, world.ann, &title, "History 1.").unwrap();
        world.forum().reply(thread, world.bob, "History 2.").unwrap();
    }
    let quiet = world.forum().add_board("Quiet");
    let cold = world.stage.bridge(quiet, world.text_channel);
    world.start(vec![BridgeConfig { start: Start::All, ..world.threads() }, cold]).await;
    let backlog = || {
        let rooms = world.discord().threads(world.forum_channel);
        rooms.iter().map(|room| world.mirrored(room.id).len()).sum::<usize>()
    };
    eventually("the backlog to begin", || (backlog() > 4).then_some(())).await;
    world.forum().open_thread(quiet, world.ann, "Cold", "Cold words.").unwrap();
    world.message(world.text_channel, "Cold words.").await;
    assert!(backlog() < 80, "the cold channel waited for the whole backlog");
    world.forum().open_thread(world.board, world.ann, "Live", "Live words.").unwrap();
    let room = world.room("Live").await;
    world.message(room, "Live words.").await;
    assert!(backlog() < 81, "the live post waited for the whole backlog");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_title_that_may_not_change_yet_holds_up_no_post_and_no_lock() {
    // Two new titles in eighteen seconds.
    let mut world = World::with(forum::Options::default(), Limits::scaled(0.03)).await;
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Plan A", "We begin.").unwrap();
    let room = world.room("Plan A").await;
    for title in ["Plan B", "Plan C"] {
        world.forum().rename(thread, title).unwrap();
        world.room(title).await;
    }
    let name = || world.discord().channel(room).unwrap().name;
    world.forum().rename(thread, "Plan D").unwrap();
    eventually("the new title to be refused", || world.discord().refused().get(&429).copied()).await;
    world.forum().reply(thread, world.bob, "We go on.").unwrap();
    world.message(room, "We go on.").await;
    assert_eq!(name(), "Plan C", "the post waited for the title");
    world.forum().close(thread).unwrap();
    eventually("the lock", || world.discord().channel(room)?.thread.filter(|it| it.locked)).await;
    assert_eq!(name(), "Plan C", "the lock waited for the title");
    // What it is called in the end counts.
    world.forum().rename(thread, "Plan E").unwrap();
    eventually("the last title", || (name() == "Plan E").then_some(())).await;
    assert_eq!(world.mirrored(room).len(), 2);
}
