//! Things break, nothing is lost and nothing is doubled.

use threadbridge::sandbox::discord::{self, Limits};
use threadbridge::sandbox::forum;

use crate::world::{World, eventually};

/// A bridged thread with its first post shown.
async fn thread(world: &mut World) -> (u64, u64) {
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Weather", "It rains in.").unwrap();
    let room = world.room("Weather").await;
    world.message(room, "It rains in.").await;
    (thread, room)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_forum_goes_down_and_comes_back() {
    let mut world = World::new().await;
    let (thread, room) = thread(&mut world).await;
    world.forum().pause().await;
    let said = world.discord().say(world.dora, room, "Is it me?", None).unwrap();
    world.forum().resume().await.unwrap();
    world.forum().reply(thread, world.bob, "Back again.").unwrap();
    world.message(room, "Back again.").await;
    world.post(thread, "Is it me?").await;
    world.marked(said, "✅").await;
    assert_eq!(world.posts_with(thread, "Is it me?").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_broken_page_is_taken_for_a_deletion() {
    let mut world = World::new().await;
    let (thread, room) = thread(&mut world).await;
    let second = world.forum().reply(thread, world.bob, "A second post.").unwrap();
    world.message(room, "A second post.").await;
    let faults = [
        "maintenance",
        "cloudflare",
        "cut 3000",
        "garbage",
        "huge-divs 20000",
        "login-form",
        "drop-before-answer",
        "status 500",
        "status 503",
        "status 404",
        "status 403",
    ];
    for fault in faults {
        for page in ["/showthread.php", "/forumdisplay.php", ""] {
            if fault == "login-form" && page.is_empty() {
                // The log-in itself answered so is a refusal: nobody tries a password again and again.
                continue;
            }
            world.forum().fail_at(page, fault.parse().unwrap(), forum::Lasts::Times(4));
            eventually(&format!("{fault} at {page:?} to be met"), || {
                (world.forum().faults_left() == 0).then_some(())
            })
            .await;
            // Only a forum that is read again shows what became of it.
            let words = format!("Read after {fault} at {page:?}.");
            world.forum().edit(second, &words).unwrap();
            world.message(room, &words).await;
            assert_eq!(world.mirrored(room).len(), 2, "{fault} at {page:?}: posts were withdrawn or doubled");
        }
    }
    world.forum().reply(thread, world.bob, "And on it goes.").unwrap();
    world.message(room, "And on it goes.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_answers_of_discord_double_nothing() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    // The very first request of all opens the Discord thread.
    world.discord().fault(Some("POST"), "/webhooks", discord::Fault::DropAfterCommit, 1);
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Echo", "Hello?").unwrap();
    let room = world.room("Echo").await;
    for number in 0..4 {
        let fault =
            if number % 2 == 0 { discord::Fault::DropAfterCommit } else { discord::Fault::Status(503) };
        world.discord().fault(Some("POST"), "/webhooks", fault, 1);
        world.forum().reply(thread, world.bob, &format!("call {number}")).unwrap();
        world.message(room, &format!("call {number}")).await;
    }
    world.quiet().await;
    assert_eq!(world.discord().threads(world.forum_channel).len(), 1);
    let shown = world.mirrored(room);
    assert_eq!(shown.len(), 5, "{shown:?}");
    for (number, content) in shown.iter().skip(1).enumerate() {
        assert!(content.starts_with(&format!("call {number}")), "{shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rate_limits_slow_down_and_lose_nothing() {
    let mut world = World::with(forum::Options::default(), Limits::scaled(0.1)).await;
    let (thread, room) = thread(&mut world).await;
    let limited = |scope: &str| discord::Fault::TooManyRequests { scope: scope.to_owned(), retry_after: 0.3 };
    for scope in ["user", "global"] {
        world.discord().fault(Some("POST"), "/webhooks", limited(scope), 1);
    }
    for number in 0..12 {
        world.forum().reply(thread, world.bob, &format!("drop {number}.")).unwrap();
    }
    world.message(room, "drop 11.").await;
    let shown = world.mirrored(room);
    assert_eq!(shown.len(), 13);
    for (number, content) in shown.iter().skip(1).enumerate() {
        assert!(content.starts_with(&format!("drop {number}.")), "{shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_session_catches_up_with_what_was_missed() {
    let mut world = World::new().await;
    let (thread, room) = thread(&mut world).await;
    world.discord().drop_events(2);
    let said = world.discord().say(world.dora, room, "Nobody hears me.", None).unwrap();
    world.discord().disconnect(false);
    world.post(thread, "Nobody hears me.").await;
    world.marked(said, "✅").await;
    world.quiet().await;
    assert_eq!(world.posts_with(thread, "Nobody hears me.").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_discord_thread_is_opened_anew_for_the_next_post() {
    let mut world = World::new().await;
    let (thread, room) = thread(&mut world).await;
    world.discord().delete_channel(room).unwrap();
    world.forum().reply(thread, world.bob, "Still raining.").unwrap();
    let room = eventually("a new thread", || {
        world.discord().threads(world.forum_channel).into_iter().find(|thread| thread.id != room)
    })
    .await;
    world.message(room.id, "Still raining.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_channel_holds_up_no_other() {
    let mut world = World::new().await;
    world.start(vec![world.threads(), world.feed()]).await;
    world.discord().delete_channel(world.text_channel).unwrap();
    world.forum().open_thread(world.board, world.ann, "Onward", "Never mind the gap.").unwrap();
    let room = world.room("Onward").await;
    world.message(room, "Never mind the gap.").await;
    world.quiet().await;
    let refused: usize = world.discord().refused().values().sum();
    assert!(refused < 10, "{refused} refused requests");
}
