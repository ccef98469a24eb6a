//! "Sent, but the answer never came", for every kind of request and on both sides.

use threadbridge::config::{BridgeConfig, Layout};
use threadbridge::sandbox::discord;
use threadbridge::sandbox::forum::{self, Action, Deletion, Lasts, Outcome};

use crate::world::{World, eventually};

async fn thread(world: &mut World) -> (u64, u64, u64) {
    world.start(vec![world.threads()]).await;
    let (thread, post) =
        world.forum().open_thread(world.board, world.ann, "Question", "Who has the key?").unwrap();
    let room = world.room("Question").await;
    world.message(room, "Who has the key?").await;
    (thread, post, room)
}

fn lose(world: &World, script: &str) {
    world.forum().fail_at(script, forum::Fault::DropAfterCommit, Lasts::Times(1));
}

fn done(world: &World, action: Action) -> usize {
    let entries = world.forum().ledger().into_iter();
    entries.filter(|entry| entry.action == action && entry.outcome == Outcome::Done).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_of_a_text_channel_is_opened_once() {
    let mut world = World::new().await;
    world.start(vec![BridgeConfig { layout: Layout::Threads, ..world.feed() }]).await;
    world.discord().fault(Some("POST"), "/threads", discord::Fault::DropAfterCommit, 1);
    world.forum().open_thread(world.board, world.ann, "Cables", "Which colour?").unwrap();
    let room = eventually("a thread", || world.discord().threads(world.text_channel).pop()).await;
    world.message(room.id, "Which colour?").await;
    assert_eq!(world.discord().threads(world.text_channel).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_and_removals_in_discord_are_repeated_until_they_are_there() {
    let mut world = World::new().await;
    let (thread, post, room) = thread(&mut world).await;
    let other = world.forum().reply(thread, world.bob, "Not me.").unwrap();
    world.message(room, "Not me.").await;
    world.discord().fault(Some("PATCH"), "/webhooks", discord::Fault::DropAfterCommit, 1);
    world.discord().fault(Some("PATCH"), "/webhooks", discord::Fault::Status(500), 1);
    world.forum().edit(post, "Who has the keys?").unwrap();
    world.message(room, "Who has the keys?").await;
    world.discord().fault(Some("DELETE"), "/webhooks", discord::Fault::DropAfterCommit, 1);
    world.forum().delete(other, Deletion::Hard).unwrap();
    eventually("the removal", || world.find(room, "Not me.").is_none().then_some(())).await;
    let last = world.forum().reply(thread, world.bob, "Nor me.").unwrap();
    world.message(room, &format!("post{last}")).await;
    assert_eq!(world.mirrored(room).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_removals_and_thanks_on_the_forum_are_made_once() {
    let mut world = World::new().await;
    let (thread, post, room) = thread(&mut world).await;
    let shown = world.message(room, "Who has the key?").await.id;
    let said = world.discord().say(world.dora, room, "On the hook.", None).unwrap();
    world.marked(said, "✅").await;
    let reply = world.post(thread, "On the hook.").await;

    lose(&world, "/editpost.php");
    world.discord().edit(world.dora, said, "In the drawer.").unwrap();
    world.post(thread, "In the drawer.").await;

    lose(&world, "/post_thanks.php");
    world.discord().react(world.dora, shown, "🙏").unwrap();
    eventually("the last line", || world.find(room, "1 thanks: Discord Bridge")).await;
    lose(&world, "/post_thanks.php");
    world.discord().unreact(world.dora, shown, "🙏").unwrap();
    eventually("the last line", || world.find(room, "thanks").is_none().then_some(())).await;
    assert!(world.forum().thanks(post).is_empty());
    assert_eq!((done(&world, Action::Thank), done(&world, Action::WithdrawThanks)), (1, 1));

    lose(&world, "/editpost.php");
    world.discord().delete(said).unwrap();
    eventually("the removal", || world.forum().post(reply).is_none_or(|p| p.deleted).then_some(())).await;
    world.quiet().await;
    assert_eq!(done(&world, Action::Reply), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_whose_answer_was_lost_is_there_once() {
    // A forum that takes the same words twice.
    let options = forum::Options { refuse_duplicates: false, ..forum::Options::default() };
    let mut world = World::with(options, discord::Limits::off()).await;
    let (thread, _, room) = thread(&mut world).await;
    // The watcher, which would meet the post, can't read the board meanwhile.
    world.forum().fail_at("/forumdisplay.php", forum::Fault::Garbage, Lasts::UntilCleared);
    lose(&world, "/newreply.php");
    let said = world.discord().say(world.dora, room, "Under the mat.", None).unwrap();
    world.marked(said, "✅").await;
    let times = world.posts_with(thread, "Under the mat.").len();
    assert_eq!(times, 1, "the reply is there {times} times");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_edited_while_nobody_knows_where_it_is_ends_as_edited() {
    let mut world = World::new().await;
    let (thread, _, room) = thread(&mut world).await;
    lose(&world, "/newreply.php");
    let said = world.discord().say(world.dora, room, "First version.", None).unwrap();
    eventually("the forum to have it", || world.posts_with(thread, "First version.").pop()).await;
    world.discord().edit(world.dora, said, "Second version.").unwrap();
    world.post(thread, "Second version.").await;
    world.marked(said, "✅").await;
    world.quiet().await;
    assert_eq!(world.posts_with(thread, "version.").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_deleted_while_nobody_knows_where_it_is_is_removed() {
    let mut world = World::new().await;
    let (thread, _, room) = thread(&mut world).await;
    lose(&world, "/newreply.php");
    let said = world.discord().say(world.dora, room, "Never mind.", None).unwrap();
    eventually("the forum to have it", || world.posts_with(thread, "Never mind.").pop()).await;
    world.discord().delete(said).unwrap();
    eventually("the removal", || world.posts_with(thread, "Never mind.").is_empty().then_some(())).await;
    world.quiet().await;
    assert!(world.posts_with(thread, "Never mind.").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_forum_does_not_tell_the_person_is_asked() {
    let mut world = World::new().await;
    let (thread, _, room) = thread(&mut world).await;
    world.forum().moderate_board(world.board, true).unwrap();
    let first = world.discord().say(world.dora, room, "Waits for a moderator.", None).unwrap();
    world.marked(first, "⏳").await;
    // Whether this one arrived, the bridge can't see: nothing that waits is shown to it.
    lose(&world, "/newreply.php");
    let second = world.discord().say(world.dora, room, "Waits as well.", None).unwrap();
    world.marked(second, "⚠️").await;
    world.message(room, "may have taken your message").await;
    world.quiet().await;
    let all = world.forum().posts(thread).into_iter().filter(|p| p.text.contains("Waits as well.")).count();
    assert_eq!(all, 1, "it was sent again unasked");
    // It does appear, and the person hears of it.
    let post = world.posts_with(thread, "Waits as well.")[0];
    world.forum().approve(post).unwrap();
    world.marked(second, "✅").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deleted_before_a_moderator_approves_it_does_not_stay() {
    let mut world = World::new().await;
    let (thread, _, room) = thread(&mut world).await;
    world.forum().moderate_board(world.board, true).unwrap();
    let said = world.discord().say(world.dora, room, "Second thoughts.", None).unwrap();
    world.marked(said, "⏳").await;
    let post = world.posts_with(thread, "Second thoughts.")[0];
    world.discord().delete(said).unwrap();
    world.quiet().await;
    world.forum().approve(post).unwrap();
    eventually("the removal", || world.forum().post(post).is_none_or(|p| p.deleted).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_is_told_is_said_once() {
    let mut world = World::new().await;
    let (thread, _, room) = thread(&mut world).await;
    world.forum().close(thread).unwrap();
    eventually("the lock", || world.discord().channel(room).and_then(|c| c.thread).filter(|t| t.locked))
        .await;
    world.discord().lock_thread(room, false).unwrap();
    let messages = "/channels/{channel_id}/messages";
    world.discord().fault(Some("POST"), messages, discord::Fault::DropAfterCommit, 1);
    world.discord().say(world.dora, room, "One more thing.", None).unwrap();
    eventually("the answer to be lost", || (world.discord().faults_left() == 0).then_some(())).await;
    let tries = || {
        let entries = world.discord().ledger().into_iter();
        entries
            .filter(|entry| entry.method == "POST" && entry.route == messages && entry.status == 200)
            .count()
    };
    eventually("another try", || (tries() > 0).then_some(())).await;
    let told = world.discord().messages(room).into_iter();
    let told = told.filter(|m| m.content.contains("the thread is closed on the forum")).count();
    assert_eq!(told, 1, "the person was told {told} times");
}
