//! Discord messages on the forum.

use std::time::Duration;

use threadbridge::config::{BridgeConfig, Replies, ServerConfig};
use threadbridge::sandbox::discord::Limits;
use threadbridge::sandbox::forum;

use crate::world::{World, eventually};

/// A bridged thread with one post, and its Discord thread.
async fn thread(world: &mut World) -> (u64, u64) {
    world.start(vec![world.threads()]).await;
    let (thread, _) =
        world.forum().open_thread(world.board, world.ann, "Question", "Who has the key?").unwrap();
    let room = world.room("Question").await;
    world.message(room, "Who has the key?").await;
    (thread, room)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_reaches_the_forum_once_with_attribution_and_a_tick() {
    let mut world = World::new().await;
    let (thread, room) = thread(&mut world).await;
    let said = world.discord().say(world.dora, room, "I have **it**, [b]really[/b].", None).unwrap();
    let post = world.post(thread, "I have [B]it[/B]").await;
    world.marked(said, "✅").await;
    let post = world.forum().post(post).unwrap();
    assert_eq!(post.name, "Discord Bridge");
    assert!(post.text.contains("[B]Dora[/B]"), "{}", post.text);
    assert!(post.text.contains(&format!("/{room}/{said}")), "{}", post.text);
    assert!(!post.text.contains("[b]really"), "a person's text opens no tag: {}", post.text);
    world.quiet().await;
    assert_eq!(world.posts_with(thread, "I have").len(), 1);
    assert_eq!(world.mirrored(room).len(), 1, "what came from Discord is not mirrored back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_feed_an_answer_to_a_message_is_a_reply_and_other_talk_is_not() {
    let mut world = World::new().await;
    world.start(vec![world.feed()]).await;
    let (thread, _) =
        world.forum().open_thread(world.board, world.ann, "Question", "Who has the key?").unwrap();
    let message = world.message(world.text_channel, "Who has the key?").await;
    world.discord().say(world.emil, world.text_channel, "lunch anybody?", None).unwrap();
    world
        .discord()
        .say(world.dora, world.text_channel, "It hangs behind the door.", Some(message.id))
        .unwrap();
    world.post(thread, "behind the door").await;
    world.quiet().await;
    assert!(world.posts_with(thread, "lunch").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_arrive_in_the_order_in_which_they_were_said() {
    let mut world = World::new().await;
    let (thread, room) = thread(&mut world).await;
    world.discord().reorder_events(4);
    for number in 0..8 {
        world.discord().say(world.dora, room, &format!("line number {number}"), None).unwrap();
    }
    let posts = eventually("all lines", || {
        let posts = world.forum().posts(thread);
        (posts.len() == 9).then_some(posts)
    })
    .await;
    for (number, post) in posts.iter().skip(1).enumerate() {
        assert!(post.text.contains(&format!("line number {number}")), "{number}: {}", post.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_and_removals_of_the_message_follow() {
    let mut world = World::new().await;
    let (thread, room) = thread(&mut world).await;
    let said = world.discord().say(world.dora, room, "In the red box.", None).unwrap();
    let post = world.post(thread, "In the red box.").await;
    world.marked(said, "✅").await;
    world.discord().edit(world.dora, said, "In the blue box.").unwrap();
    eventually("the edit", || world.forum().post(post).filter(|p| p.text.contains("In the blue box."))).await;
    world.discord().delete(said).unwrap();
    eventually("the removal", || world.forum().post(post).is_none_or(|post| post.deleted).then_some(()))
        .await;
    world.quiet().await;
    assert!(world.forum().thread(thread).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_arrive_as_links() {
    let mut world = World::new().await;
    let (thread, room) = thread(&mut world).await;
    let files: [(&str, &str, &[u8]); 1] = [("rack.png", "image/png", PICTURE)];
    world.discord().say_with_files(world.dora, room, "Look:", None, &files).unwrap();
    let post = world.post(thread, "Look:").await;
    let picture = shown_picture(&world.forum().post(post).unwrap().text);
    assert!(picture.contains("rack.png?ex="), "without a public address it is Discord's own: {picture}");
    assert_eq!(fetch(&picture).await, (200, PICTURE.to_vec()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_public_address_pictures_stay() {
    let mut world = World::new().await;
    let listen = free_address();
    let public: url::Url = format!("http://{listen}").parse().unwrap();
    let mut config = world.config(vec![world.threads()]);
    config.server = ServerConfig { listen, public_url: Some(public) };
    world.start_configured(config).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Rack", "Who moved it?").unwrap();
    let room = world.room("Rack").await;
    world.message(room, "Who moved it?").await;
    let files: [(&str, &str, &[u8]); 1] = [("the rack #1.png", "image/png", PICTURE)];
    let said = world.discord().say_with_files(world.dora, room, "Look:", None, &files).unwrap();
    let post = world.post(thread, "Look:").await;
    let picture = shown_picture(&world.forum().post(post).unwrap().text);
    assert!(picture.starts_with(&format!("http://{listen}/files/{said}/")), "{picture}");
    assert!(picture.ends_with(".png"), "forums show only what looks like a picture: {picture}");
    assert_eq!(fetch(&picture).await, (200, PICTURE.to_vec()));
    let guessed = picture.replace(&said.to_string(), &(said - 1).to_string());
    assert_eq!(fetch(&guessed).await.0, 404, "only what is on the forum is shown");
}

/// What is fetched is a file that a person sent: the first bytes of a picture.
const PICTURE: &[u8] = b"\x89PNG";

fn shown_picture(bbcode: &str) -> String {
    let (_, from) = bbcode.split_once("[IMG]").expect("a picture");
    from.split_once("[/IMG]").expect("its end").0.to_owned()
}

pub fn free_address() -> std::net::SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

async fn fetch(url: &str) -> (u16, Vec<u8>) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_thread_refuses_and_the_person_is_told_why() {
    let mut world = World::new().await;
    let (thread, room) = thread(&mut world).await;
    world.forum().close(thread).unwrap();
    eventually("the lock", || world.discord().channel(room).and_then(|c| c.thread).filter(|t| t.locked))
        .await;
    world.discord().lock_thread(room, false).unwrap();
    let said = world.discord().say(world.dora, room, "One more thing.", None).unwrap();
    world.marked(said, "⚠️").await;
    world.message(room, "the thread is closed on the forum").await;
    world.forum().reopen(thread).unwrap();
    world.discord().edit(world.dora, said, "One more thing!").unwrap();
    world.post(thread, "One more thing!").await;
    world.marked(said, "✅").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flood_control_makes_replies_wait_and_loses_none() {
    let options = forum::Options { flood: Duration::from_secs(2), ..forum::Options::default() };
    let mut world = World::with(options, Limits::off()).await;
    let (thread, room) = thread(&mut world).await;
    for number in 0..3 {
        world.discord().say(world.dora, room, &format!("quick {number}"), None).unwrap();
    }
    eventually("all three", || (world.posts_with(thread, "quick").len() == 3).then_some(())).await;
    let refused = world
        .forum()
        .ledger()
        .into_iter()
        .filter(|e| matches!(e.outcome, forum::Outcome::Refused(_)))
        .count();
    assert!(refused <= 3, "the forum was asked {refused} times too early");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moderated_board_says_so() {
    let mut world = World::new().await;
    let (_, room) = thread(&mut world).await;
    world.forum().moderate_board(world.board, true).unwrap();
    let said = world.discord().say(world.dora, room, "Please approve me.", None).unwrap();
    world.marked(said, "⏳").await;
    world.message(room, "a moderator of the forum has to approve it first").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_is_renewed() {
    let mut world = World::new().await;
    let (thread, room) = thread(&mut world).await;
    for fault in ["expire-sessions", "sign-out", "stale-tokens"] {
        world.forum().fail_at("/newreply.php", fault.parse().unwrap(), forum::Lasts::Times(1));
        world.discord().say(world.dora, room, &format!("after {fault}"), None).unwrap();
        world.post(thread, &format!("after {fault}")).await;
    }
    world.quiet().await;
    assert_eq!(world.posts_with(thread, "after").len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_lost_doubles_nothing() {
    let mut world = World::new().await;
    let (thread, room) = thread(&mut world).await;
    world.forum().fail_at("/newreply.php", forum::Fault::DropAfterCommit, forum::Lasts::Times(1));
    let said = world.discord().say(world.dora, room, "Did this arrive?", None).unwrap();
    world.marked(said, "✅").await;
    world.quiet().await;
    assert_eq!(world.posts_with(thread, "Did this arrive?").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeated_events_change_nothing() {
    let mut world = World::new().await;
    let (thread, room) = thread(&mut world).await;
    world.discord().duplicate_events(true);
    let said = world.discord().say(world.dora, room, "Only once.", None).unwrap();
    world.marked(said, "✅").await;
    world.quiet().await;
    assert_eq!(world.posts_with(thread, "Only once.").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_can_be_off() {
    let mut world = World::new().await;
    world.start(vec![BridgeConfig { replies: Replies::Off, ..world.threads() }]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Notice", "Read only.").unwrap();
    let room = world.room("Notice").await;
    world.message(room, "Read only.").await;
    world.discord().say(world.dora, room, "May I?", None).unwrap();
    world.quiet().await;
    assert!(world.posts_with(thread, "May I?").is_empty());
}

/// A forum that puts a second reply of one account into the first: both people's words stay, whatever becomes of
/// the other's message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_messages_in_one_post_keep_each_others_words() {
    let merging = forum::Options { merge_within: Duration::from_secs(600), ..forum::Options::default() };
    let mut world = World::with(merging, Limits::off()).await;
    let (thread, room) = thread(&mut world).await;
    let first = world.discord().say(world.dora, room, "In the red box.", None).unwrap();
    let post = world.post(thread, "In the red box.").await;
    world.marked(first, "✅").await;
    let second = world.discord().say(world.emil, room, "No, under the mat.", None).unwrap();
    assert_eq!(world.post(thread, "under the mat").await, post, "the forum merged them");
    world.marked(second, "✅").await;

    world.discord().edit(world.emil, second, "No, behind the door.").unwrap();
    let text = eventually("the edit", || {
        let text = world.forum().post(post)?.text;
        text.contains("behind the door").then_some(text)
    })
    .await;
    assert!(
        text.contains("red box") && text.contains("[B]Dora[/B]") && text.contains("[B]Emil[/B]"),
        "{text}"
    );
    assert!(!text.contains("under the mat"), "{text}");

    world.discord().delete(first).unwrap();
    let text = eventually("the removal", || {
        let text = world.forum().post(post)?.text;
        (!text.contains("red box")).then_some(text)
    })
    .await;
    assert!(text.contains("behind the door") && text.contains("[B]Emil[/B]"), "{text}");
    assert!(!text.contains("[B]Dora[/B]"), "{text}");

    world.discord().delete(second).unwrap();
    eventually("the post to go", || world.posts_with(thread, "behind the door").is_empty().then_some(()))
        .await;
    world.quiet().await;
    assert_eq!(world.mirrored(room).len(), 1, "nothing was mirrored back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_messages_of_two_bridges_in_one_post_keep_each_others_words() {
    let merging = forum::Options { merge_within: Duration::from_secs(600), ..forum::Options::default() };
    let mut world = World::with(merging, Limits::off()).await;
    world.start(vec![world.threads(), world.feed()]).await;
    let (thread, _) =
        world.forum().open_thread(world.board, world.ann, "Question", "Who has the key?").unwrap();
    let room = world.room("Question").await;
    world.message(room, "Who has the key?").await;
    let asked = world.message(world.text_channel, "Who has the key?").await.id;
    let first = world.discord().say(world.dora, room, "In the red box.", None).unwrap();
    let post = world.post(thread, "In the red box.").await;
    world.marked(first, "✅").await;
    world.message(world.text_channel, "In the red box.").await;
    let second =
        world.discord().say(world.emil, world.text_channel, "No, under the mat.", Some(asked)).unwrap();
    assert_eq!(world.post(thread, "under the mat").await, post, "the forum merged them");
    world.marked(second, "✅").await;

    world.discord().edit(world.dora, first, "In the blue box.").unwrap();
    world.post(thread, "blue box").await;
    assert_eq!(world.posts_with(thread, "under the mat"), [post], "the other's words are gone");
    world.discord().edit(world.emil, second, "No, behind the door.").unwrap();
    world.post(thread, "behind the door").await;
    assert_eq!(world.posts_with(thread, "blue box"), [post], "the other's words are gone");
    world.discord().delete(first).unwrap();
    eventually("the removal", || world.posts_with(thread, "blue box").is_empty().then_some(())).await;
    assert_eq!(world.posts_with(thread, "behind the door"), [post], "the other's words are gone");
    world.discord().delete(second).unwrap();
    eventually("the post to go", || world.posts_with(thread, "behind the door").is_empty().then_some(()))
        .await;
}
