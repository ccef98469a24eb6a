//! First runs, restarts, and configurations that can't work.

use threadbridge::config::{BridgeConfig, Start};

use crate::world::{World, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_run_floods_nobody() {
    let mut world = World::new().await;
    let (old, _) = world.forum().open_thread(world.board, world.ann, "Old", "Ancient words.").unwrap();
    world.start(vec![world.threads()]).await;
    world.quiet().await;
    assert!(world.discord().threads(world.forum_channel).is_empty());
    world.forum().reply(old, world.bob, "Fresh words.").unwrap();
    let room = world.room("Old").await;
    world.message(room, "Fresh words.").await;
    assert!(world.find(room, "Ancient words.").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_brings_the_newest_of_each_thread() {
    let mut world = World::new().await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Old", "one").unwrap();
    for text in ["two words", "three words", "four words"] {
        world.forum().reply(thread, world.bob, text).unwrap();
    }
    world.start(vec![BridgeConfig { start: Start::Newest(2), ..world.threads() }]).await;
    let room = world.room("Old").await;
    world.message(room, "four words").await;
    assert_eq!(world.mirrored(room).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_where_it_stopped() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, post) =
        world.forum().open_thread(world.board, world.ann, "Night shift", "Good evening.").unwrap();
    let room = world.room("Night shift").await;
    let first = world.message(room, "Good evening.").await;
    world.stop().await.expect("a clean stop");

    world.forum().reply(thread, world.bob, "Anybody awake?").unwrap();
    let said = world.discord().say(world.dora, room, "I am.", None).unwrap();
    world.discord().react(world.dora, first.id, "👍").unwrap();

    world.start(vec![world.threads()]).await;
    world.message(room, "Anybody awake?").await;
    world.post(thread, "I am.").await;
    world.marked(said, "✅").await;
    eventually("the thanks", || (world.forum().thanks(post).len() == 1).then_some(())).await;
    world.quiet().await;
    assert_eq!(world.mirrored(room).len(), 2);
    assert_eq!(world.posts_with(thread, "I am.").len(), 1);

    // Edits and removals that were missed are seen as well.
    world.stop().await.expect("a clean stop");
    world.discord().edit(world.dora, said, "I was.").unwrap();
    world.start(vec![world.threads()]).await;
    world.post(thread, "I was.").await;
    world.stop().await.expect("a clean stop");
    world.discord().delete(said).unwrap();
    world.start(vec![world.threads()]).await;
    eventually("the removal", || world.posts_with(thread, "I was.").is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_ends_the_run_with_what_to_do() {
    let mut world = World::new().await;
    let mut config = world.config(vec![world.threads()]);
    config.discord.token = "wrong.token.entirely".to_owned().into();
    world.start_with(config).await;
    let error = world.ended().await.expect_err("no run without a token").to_string();
    assert!(error.contains("token"), "{error}");
    assert!(!error.contains("wrong.token"), "a secret in an error: {error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_tried_once_and_the_bridge_lives_on() {
    let mut world = World::new().await;
    let mut config = world.config(vec![world.threads()]);
    if let Some(account) = &mut config.forums[0].account {
        account.password = "not this one".to_owned().into();
    }
    world.start_with(config).await;
    eventually("the attempt", || {
        world.forum().requests().get("POST /login.php").copied().filter(|count| *count > 0)
    })
    .await;
    eventually("the gateway", || (world.discord().sessions().0 > 0).then_some(())).await;
    assert_eq!(world.forum().requests().get("POST /login.php"), Some(&1));
    world.stop().await.expect("a clean stop");
}
