//! What the gateway does not say, says twice, late or in the wrong order.

use std::time::Duration;

use threadbridge::sandbox::discord::{self, Limits};
use threadbridge::sandbox::forum;

use crate::world::{Cut, World, eventually};

async fn thread(world: &mut World) -> (u64, u64, u64) {
    world.start(vec![world.threads()]).await;
    let (thread, post) =
        world.forum().open_thread(world.board, world.ann, "Question", "Who has the key?").unwrap();
    let room = world.room("Question").await;
    world.message(room, "Who has the key?").await;
    (thread, post, room)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_long_outage_hid_is_caught_up_with_from_the_watermark() {
    let mut world = World::new().await;
    let (thread, _, room) = thread(&mut world).await;
    // More than Discord gives at once.
    const COUNT: usize = 130;
    world.discord().drop_events(COUNT);
    for number in 0..COUNT {
        world.discord().say(world.dora, room, &format!("missed {number:03}."), None).unwrap();
    }
    world.discord().disconnect(false);
    world.post(thread, "missed 129.").await;
    world.quiet().await;
    let posts = world.forum().posts(thread);
    let found: Vec<usize> =
        (0..COUNT).filter(|n| posts.iter().any(|p| p.text.contains(&format!("missed {n:03}.")))).collect();
    assert_eq!(
        found.len(),
        COUNT,
        "lost: {:?}",
        (0..COUNT).filter(|n| !found.contains(n)).collect::<Vec<_>>()
    );
    for (number, post) in posts.iter().skip(1).enumerate() {
        assert!(post.text.contains(&format!("missed {number:03}.")), "{number}: {}", post.text);
    }
    assert_eq!(posts.len(), COUNT + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reactions_edits_and_removals_that_nobody_told_of_are_caught_up_with() {
    let mut world = World::new().await;
    let (thread, first, room) = thread(&mut world).await;
    let second = world.forum().reply(thread, world.bob, "The porter.").unwrap();
    let shown =
        [world.message(room, "Who has the key?").await.id, world.message(room, "The porter.").await.id];
    world.discord().react(world.dora, shown[0], "👍").unwrap();
    eventually("the thanks", || (world.forum().thanks(first).len() == 1).then_some(())).await;
    let edited = world.discord().say(world.dora, room, "It is on the hook.", None).unwrap();
    let deleted = world.discord().say(world.emil, room, "No idea at all.", None).unwrap();
    world.marked(edited, "✅").await;
    world.marked(deleted, "✅").await;

    world.discord().drop_events(usize::MAX);
    world.discord().unreact(world.dora, shown[0], "👍").unwrap();
    world.discord().react(world.emil, shown[1], "🙏").unwrap();
    world.discord().edit(world.dora, edited, "It is in the drawer.").unwrap();
    world.discord().delete(deleted).unwrap();
    world.discord().drop_events(0);
    world.discord().invalid_session();

    eventually("the withdrawal", || world.forum().thanks(first).is_empty().then_some(())).await;
    eventually("the thanks", || (world.forum().thanks(second).len() == 1).then_some(())).await;
    world.post(thread, "It is in the drawer.").await;
    eventually("the removal", || world.posts_with(thread, "No idea").is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_in_a_thread_that_was_archived_meanwhile_is_not_lost() {
    let mut world = World::new().await;
    let (thread, _, room) = thread(&mut world).await;
    world.discord().drop_events(usize::MAX);
    let said = world.discord().say(world.dora, room, "Just before closing.", None).unwrap();
    world.discord().archive_thread(room, true).unwrap();
    world.discord().drop_events(0);
    world.discord().disconnect(false);
    world.post(thread, "Just before closing.").await;
    world.marked(said, "✅").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_loses_and_doubles_nothing() {
    let mut world = World::new().await;
    let (thread, _, room) = thread(&mut world).await;
    for (number, close) in [Cut::Resumable, Cut::Reconnect, Cut::Invalid, Cut::Gone].into_iter().enumerate() {
        world.cut(close);
        let words = format!("during break {number}.");
        let said = world.discord().say(world.dora, room, &words, None).unwrap();
        world.post(thread, &words).await;
        world.marked(said, "✅").await;
    }
    world.quiet().await;
    assert_eq!(world.posts_with(thread, "during break").len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_change_places_end_as_the_messages_stand() {
    let mut world = World::new().await;
    let (thread, first, room) = thread(&mut world).await;
    let shown = world.message(room, "Who has the key?").await.id;
    let said = world.discord().say(world.dora, room, "On the hook.", None).unwrap();
    world.marked(said, "✅").await;

    world.discord().reorder_events(1);
    world.discord().edit(world.dora, said, "In the drawer.").unwrap();
    world.discord().edit(world.dora, said, "In the other drawer.").unwrap();
    world.post(thread, "In the other drawer.").await;

    world.discord().reorder_events(1);
    world.discord().react(world.emil, shown, "🙏").unwrap();
    world.discord().unreact(world.emil, shown, "🙏").unwrap();
    world.discord().react(world.dora, shown, "👍").unwrap();
    eventually("the thanks", || (world.forum().thanks(first).len() == 1).then_some(())).await;
    world.discord().unreact(world.dora, shown, "👍").unwrap();
    eventually("the withdrawal", || world.forum().thanks(first).is_empty().then_some(())).await;

    // Its removal is heard before it is.
    world.discord().reorder_events(1);
    let gone = world.discord().say(world.emil, room, "Slip of the tongue.", None).unwrap();
    world.discord().delete(gone).unwrap();
    world.quiet().await;
    assert!(world.posts_with(thread, "Slip of the tongue.").is_empty());
    world.post(thread, "In the other drawer.").await;
    assert!(world.forum().thanks(first).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_are_repeated_late_change_nothing() {
    // A forum that would take the same words again.
    let forum = forum::Options { refuse_duplicates: false, ..forum::Options::default() };
    let mut world = World::with(forum, Limits::off()).await;
    let (thread, first, room) = thread(&mut world).await;
    let shown = world.message(room, "Who has the key?").await.id;
    let said = world.discord().say(world.dora, room, "Only once.", None).unwrap();
    world.marked(said, "✅").await;
    world.discord().react(world.dora, shown, "🙏").unwrap();
    eventually("the thanks", || (world.forum().thanks(first).len() == 1).then_some(())).await;
    world.quiet().await;
    world.discord().repeat_events(20);
    let last = world.discord().say(world.dora, room, "After the echo.", None).unwrap();
    world.marked(last, "✅").await;
    world.quiet().await;
    assert_eq!(world.posts_with(thread, "Only once.").len(), 1, "a repeated event was taken for a new one");
    assert_eq!(world.posts_with(thread, "After the echo.").len(), 1);
    assert_eq!(world.forum().thanks(first).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_missed_is_read_however_long_discord_fails() {
    let mut world = World::new().await;
    let (thread, _, room) = thread(&mut world).await;
    let said = world.discord().say(world.dora, room, "I was heard.", None).unwrap();
    world.marked(said, "✅").await;
    world.discord().drop_events(1);
    let missed = world.discord().say(world.dora, room, "Nobody hears me.", None).unwrap();
    let messages = "/channels/{channel_id}/messages";
    world.discord().fault(Some("GET"), messages, discord::Fault::Status(503), 6);
    world.discord().disconnect(false);
    eventually("a few tries", || (world.discord().faults_left() < 4).then_some(())).await;
    // What the bridge itself says there meanwhile does not hide it.
    world.forum().reply(thread, world.bob, "A post.").unwrap();
    world.message(room, "A post.").await;
    eventually("Discord to be well", || {
        // What fails again and again is asked for ever more rarely.
        world.clock.advance(Duration::from_secs(1));
        (world.discord().faults_left() == 0).then_some(())
    })
    .await;
    world.post(thread, "Nobody hears me.").await;
    world.marked(missed, "✅").await;
    assert_eq!(world.posts_with(thread, "Nobody hears me.").len(), 1);
}
