//! What moderators do on the forum, and a forum that is not what it was a moment ago.

use std::sync::Arc;
use std::time::Duration;

use threadbridge::config::{BridgeConfig, Layout};
use threadbridge::sandbox::discord::Fault;
use threadbridge::sandbox::forum::{self, Deletion};

use crate::world::{SetClock, World, eventually};

/// How often a post's words are to be seen in a channel.
fn times(world: &World, room: u64, words: &str) -> usize {
    world.mirrored(room).iter().filter(|content| content.contains(words)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_that_appears_late_is_shown_though_newer_ones_are() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Queue", "First words.").unwrap();
    let room = world.room("Queue").await;
    world.message(room, "First words.").await;
    world.stop().await.expect("a clean stop");
    // Nobody sees it until a moderator lets it appear.
    let late = world.forum().reply(thread, world.bob, "Held back.").unwrap();
    world.forum().delete(late, Deletion::Soft).unwrap();
    world.forum().reply(thread, world.ann, "Next words.").unwrap();
    world.start(vec![world.threads()]).await;
    world.message(room, "Next words.").await;
    assert_eq!(times(&world, room, "Held back."), 0);
    world.forum().undelete(late).unwrap();
    world.message(room, "Held back.").await;
    world.quiet().await;
    assert_eq!(world.mirrored(room).len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merged_threads_lose_and_double_no_post() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (one, _) = world.forum().open_thread(world.board, world.ann, "One", "Words of one.").unwrap();
    let (two, post) = world.forum().open_thread(world.board, world.bob, "Two", "Words of two.").unwrap();
    let (room, other) = (world.room("One").await, world.room("Two").await);
    world.message(other, "Words of two.").await;
    world.forum().merge(two, one).unwrap();
    world.forum().reply(one, world.ann, "Now together.").unwrap();
    world.message(room, "Now together.").await;
    world.quiet().await;
    let shown = |words: &str| times(&world, room, words) + times(&world, other, words);
    assert_eq!(["Words of one.", "Words of two.", "Now together."].map(shown), [1, 1, 1]);
    world.forum().edit(post, "Changed words of two.").unwrap();
    eventually("the edit", || (shown("Changed words of two.") == 1).then_some(())).await;
    assert_eq!(shown("ords of two."), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posts_that_are_split_off_move_to_a_discord_thread_of_their_own() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Mixed", "About keys.").unwrap();
    let off: Vec<u64> = ["About locks.", "More of locks."]
        .map(|words| world.forum().reply(thread, world.bob, words).unwrap())
        .to_vec();
    let room = world.room("Mixed").await;
    world.message(room, "More of locks.").await;
    world.forum().split(thread, &off, "Locks").unwrap();
    let new = world.room("Locks").await;
    world.message(new, "More of locks.").await;
    eventually("the old ones to go", || (world.mirrored(room).len() == 1).then_some(())).await;
    world.quiet().await;
    let shown = world.mirrored(new);
    assert!(shown.len() == 2 && shown[0].contains("About locks."), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_that_moves_away_and_back_is_shown_again() {
    let mut world = World::new().await;
    let attic = world.forum().add_board("Attic");
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Pay", "Too little.").unwrap();
    world.forum().reply(thread, world.bob, "Far too little.").unwrap();
    let room = world.room("Pay").await;
    world.message(room, "Far too little.").await;
    // Without a signpost nothing on the board tells of it.
    world.forum().move_thread(thread, attic, false).unwrap();
    eventually("the withdrawal", || world.mirrored(room).is_empty().then_some(())).await;
    world.forum().move_thread(thread, world.board, false).unwrap();
    world.message(room, "Far too little.").await;
    world.quiet().await;
    assert_eq!(world.mirrored(room).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_thread_is_withdrawn() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Rant", "Grr, says Ann.").unwrap();
    world.forum().reply(thread, world.bob, "Grr, says Bob.").unwrap();
    let room = world.room("Rant").await;
    world.message(room, "says Bob.").await;
    world.forum().delete_thread(thread).unwrap();
    eventually("the withdrawal", || world.mirrored(room).is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renumbered_pages_lose_and_double_nothing() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Long", "post number 1.").unwrap();
    let mut posts = Vec::new();
    for number in 2..=20 {
        posts.push(world.forum().reply(thread, world.bob, &format!("post number {number}.")).unwrap());
    }
    let room = world.room("Long").await;
    world.message(room, "post number 20.").await;
    // What was on the second page moves to the first.
    for post in &posts[..8] {
        world.forum().delete(*post, Deletion::Hard).unwrap();
    }
    world.forum().reply(thread, world.ann, "post number 21.").unwrap();
    world.message(room, "post number 21.").await;
    eventually("the removals", || (world.mirrored(room).len() == 13).then_some(())).await;
    world.quiet().await;
    let shown = world.mirrored(room);
    let expected = std::iter::once(1).chain(10..=21).map(|number| format!("post number {number}."));
    for (content, expected) in shown.iter().zip(expected) {
        assert!(content.starts_with(&expected), "{shown:?}");
    }
    assert_eq!(shown.len(), 13);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_changes_nothing() {
    let clock = Arc::new(SetClock::default());
    let mut world = World::with_clock(clock.clone()).await;
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Time", "At noon.").unwrap();
    let room = world.room("Time").await;
    const HOUR: i64 = 3600;
    for (number, jump) in [-HOUR, 24 * HOUR, -48 * HOUR, 25 * HOUR].into_iter().enumerate() {
        clock.jump(jump);
        world.forum().reply(thread, world.bob, &format!("after jump {number}.")).unwrap();
        world.message(room, &format!("after jump {number}.")).await;
        let said = world.discord().say(world.dora, room, &format!("answer {number}."), None).unwrap();
        world.post(thread, &format!("answer {number}.")).await;
        world.marked(said, "✅").await;
    }
    world.quiet().await;
    assert_eq!(world.mirrored(room).len(), 5);
    assert_eq!(world.posts_with(thread, "answer").len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_thread_that_cannot_be_read_holds_up_no_other() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (bad, _) = world.forum().open_thread(world.board, world.ann, "Bad", "Unreadable.").unwrap();
    let address = format!("/showthread.php?t={bad}");
    world.forum().fail_at(&address, forum::Fault::Garbage, forum::Lasts::UntilCleared);
    world.forum().reply(bad, world.bob, "Still unreadable.").unwrap();
    let (_, _) = world.forum().open_thread(world.board, world.ann, "Good", "Plain words.").unwrap();
    let room = world.room("Good").await;
    world.message(room, "Plain words.").await;
    world.forum().heal();
    let room = world.room("Bad").await;
    world.message(room, "Still unreadable.").await;
    assert_eq!(world.mirrored(room).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_edited_while_the_bridge_is_away_is_found_in_the_slow_round() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (_, post) = world.forum().open_thread(world.board, world.ann, "Recipe", "Two eggs.").unwrap();
    let room = world.room("Recipe").await;
    world.message(room, "Two eggs.").await;
    world.stop().await.expect("a clean stop");
    world.forum().edit(post, "Three eggs.").unwrap();
    world.start(vec![world.threads()]).await;
    world.message(room, "Three eggs.").await;
    assert_eq!(world.mirrored(room).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_that_grows_shrinks_and_changes_is_edited_part_by_part() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let paragraph = "A sentence that goes on about switches and the cupboards they live in. ".repeat(12);
    let text = |count: usize, word: &str| {
        (1..=count).map(|n| format!("{word} {n}. {paragraph}")).collect::<Vec<_>>().join("\n\n")
    };
    let (_, post) = world.forum().open_thread(world.board, world.ann, "Epic", &text(3, "Part")).unwrap();
    let room = world.room("Epic").await;
    let ids = || -> Vec<u64> {
        let messages = world.discord().messages(room).into_iter();
        messages.filter(|message| message.webhook.is_some()).map(|message| message.id).collect()
    };
    world.message(room, "Part 3.").await;
    let short = ids();
    world.forum().edit(post, &text(6, "Part")).unwrap();
    world.message(room, "Part 6.").await;
    let long = ids();
    assert!(long.len() > short.len() && long.starts_with(&short), "{short:?} {long:?}");
    world.forum().edit(post, &text(6, "Piece")).unwrap();
    world.message(room, "Piece 6.").await;
    eventually("the change everywhere", || world.find(room, "Part ").is_none().then_some(())).await;
    assert_eq!(ids(), long);
    world.forum().edit(post, "Piece 1 only.").unwrap();
    eventually("the rest to go", || (ids() == short[..1]).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_a_moderator_removed_stays_away() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let paragraph = "A sentence that goes on about switches and the cupboards they live in. ".repeat(12);
    let text =
        |word: &str| (1..=6).map(|n| format!("{word} {n}. {paragraph}")).collect::<Vec<_>>().join("\n\n");
    let (_, post) = world.forum().open_thread(world.board, world.ann, "Epic", &text("Part")).unwrap();
    let room = world.room("Epic").await;
    world.message(room, "Part 6.").await;
    let parts = world.mirrored(room).len();
    let second = world.discord().messages(room)[1].id;
    world.discord().delete(second).unwrap();
    world.forum().edit(post, &text("Piece")).unwrap();
    world.message(room, "Piece 6.").await;
    world.quiet().await;
    let shown = world.mirrored(room);
    assert_eq!(shown.len(), parts - 1);
    assert!(shown.iter().all(|content| !content.contains("Part ")), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archived_discord_thread_is_opened_to_edit() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (_, post) = world.forum().open_thread(world.board, world.ann, "Attic", "Old words.").unwrap();
    let room = world.room("Attic").await;
    world.message(room, "Old words.").await;
    world.discord().archive_thread(room, true).unwrap();
    world.forum().edit(post, "New words.").unwrap();
    world.message(room, "New words.").await;
    assert!(!world.discord().channel(room).unwrap().thread.unwrap().archived);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_in_a_closed_thread_reaches_its_locked_discord_thread() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, post) = world.forum().open_thread(world.board, world.ann, "Done", "Old words.").unwrap();
    let room = world.room("Done").await;
    world.message(room, "Old words.").await;
    world.forum().close(thread).unwrap();
    let locked = || world.discord().channel(room).and_then(|c| c.thread).is_some_and(|t| t.locked);
    eventually("the lock", || locked().then_some(())).await;
    world.forum().edit(post, "New words.").unwrap();
    world.message(room, "New words.").await;
    world.forum().reply(thread, world.bob, "Staff may.").unwrap();
    world.message(room, "Staff may.").await;
    eventually("the lock again", || locked().then_some(())).await;
    // Archived besides, as closed threads end up.
    world.discord().archive_thread(room, true).unwrap();
    world.forum().edit(post, "Newer words.").unwrap();
    world.message(room, "Newer words.").await;
    eventually("the lock again", || locked().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_and_comes_back_while_discord_is_away_is_shown_once() {
    let mut world = World::new().await;
    world.start(vec![BridgeConfig { layout: Layout::Feed, ..world.feed() }]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Tides", "Ebb now.").unwrap();
    world.message(world.text_channel, "Ebb now.").await;
    world.discord().pause();
    let gone = world.forum().reply(thread, world.bob, "Never to be seen.").unwrap();
    let back = world.forum().reply(thread, world.bob, "Flood now.").unwrap();
    world.quiet().await;
    world.forum().delete(gone, Deletion::Soft).unwrap();
    world.forum().delete(back, Deletion::Soft).unwrap();
    world.forum().reply(thread, world.ann, "Still away.").unwrap();
    world.quiet().await;
    world.forum().undelete(back).unwrap();
    world.forum().reply(thread, world.ann, "Back again.").unwrap();
    world.quiet().await;
    let events = world.discord().ledger().len();
    world.discord().resume().await.unwrap();
    world.message(world.text_channel, "Back again.").await;
    world.message(world.text_channel, "Flood now.").await;
    world.quiet().await;
    assert_eq!(times(&world, world.text_channel, "Flood now."), 1);
    // Not even for a moment.
    let sent = world.discord().ledger().into_iter().skip(events);
    let said = sent.filter_map(|entry| entry.request).map(|body| body.to_string()).collect::<String>();
    assert!(!said.contains("Never to be seen."), "what went away was shown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_edited_before_it_went_and_again_when_it_came_back_is_shown_as_it_is() {
    let mut world = World::new().await;
    world.start(vec![world.feed()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Tides", "Ebb now.").unwrap();
    world.message(world.text_channel, "Ebb now.").await;
    world.discord().pause();
    let post = world.forum().reply(thread, world.bob, "First words.").unwrap();
    let recorded = |what: &'static str, change: &dyn Fn()| {
        let looks = world.forum().requests().get("GET /showthread.php").copied().unwrap_or(0);
        change();
        let forum = world.forum().clone();
        eventually(what, move || {
            let now = forum.requests().get("GET /showthread.php").copied().unwrap_or(0);
            (now > looks + 3).then_some(())
        })
    };
    recorded("the post is read", &|| ()).await;
    recorded("the edit is read", &|| world.forum().edit(post, "Second words.").unwrap()).await;
    recorded("the removal is read", &|| world.forum().delete(post, Deletion::Soft).unwrap()).await;
    recorded("the return is read", &|| {
        world.forum().edit(post, "Third words.").unwrap();
        world.forum().undelete(post).unwrap();
    })
    .await;
    world.discord().resume().await.unwrap();
    world.message(world.text_channel, "Third words.").await;
    world.quiet().await;
    assert_eq!(times(&world, world.text_channel, "Third words."), 1);
    assert_eq!(times(&world, world.text_channel, "Second words."), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_back_while_it_is_being_withdrawn_is_shown_again() {
    let mut world = World::new().await;
    world.start(vec![world.feed()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Tides", "Ebb now.").unwrap();
    let post = world.forum().reply(thread, world.bob, "Flood now.").unwrap();
    world.message(world.text_channel, "Flood now.").await;
    let slow = Fault::SlowAnswer(Duration::from_secs(3));
    world.discord().fault(Some("DELETE"), "/webhooks", slow, 1);
    world.forum().delete(post, Deletion::Soft).unwrap();
    eventually("the removal", || world.find(world.text_channel, "Flood now.").is_none().then_some(())).await;
    // The answer to the removal is still under way.
    world.forum().undelete(post).unwrap();
    world.message(world.text_channel, "Flood now.").await;
}
