//! Reactions and thanks.

use crate::world::{World, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reaction_thanks_and_its_removal_withdraws() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (_, post) = world.forum().open_thread(world.board, world.ann, "Tip", "Label both ends.").unwrap();
    let room = world.room("Tip").await;
    let message = world.message(room, "Label both ends.").await;

    world.discord().react(world.dora, message.id, "🙏").unwrap();
    eventually("the thanks", || (world.forum().thanks(post).len() == 1).then_some(())).await;
    eventually("the last line", || world.find(room, "1 thanks: Discord Bridge")).await;
    // A second person changes nothing on the forum, nor does the first one's leaving.
    world.discord().react(world.emil, message.id, "❤️").unwrap();
    world.discord().unreact(world.dora, message.id, "🙏").unwrap();
    world.quiet().await;
    assert_eq!(world.forum().thanks(post).len(), 1);
    world.discord().unreact(world.emil, message.id, "❤️").unwrap();
    eventually("the withdrawal", || world.forum().thanks(post).is_empty().then_some(())).await;
    eventually("the last line", || world.find(room, "thanks").is_none().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thanks_given_on_the_forum_appear_in_the_last_line() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (_, post) = world.forum().open_thread(world.board, world.ann, "Tip", "Label both ends.").unwrap();
    let room = world.room("Tip").await;
    world.message(room, "Label both ends.").await;
    world.forum().thank(post, world.bob).unwrap();
    let message = world.message(room, "1 thanks: Bob").await;
    assert!(message.content.starts_with("Label both ends."), "{}", message.content);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_reactions_are_only_reactions() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (_, post) = world.forum().open_thread(world.board, world.ann, "Tip", "Label both ends.").unwrap();
    let room = world.room("Tip").await;
    let message = world.message(room, "Label both ends.").await;
    world.discord().react(world.dora, message.id, "😂").unwrap();
    world.quiet().await;
    assert!(world.forum().thanks(post).is_empty());
}
