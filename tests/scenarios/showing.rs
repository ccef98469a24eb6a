//! Forum posts in Discord.

use threadbridge::config::{BridgeConfig, Layout, Start};
use threadbridge::sandbox::forum::Deletion;

use crate::openapi::OpenApi;
use crate::world::{World, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_thread_is_a_discord_post_under_its_authors_name() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, post) =
        world.forum().open_thread(world.board, world.ann, "Toner again", "It is [b]empty[/b].").unwrap();
    let room = world.room("Toner again").await;
    let message = world.message(room, "It is **empty**.").await;
    assert_eq!(message.author_name, "Ann");
    assert!(message.webhook.is_some());
    assert!(message.content.contains(&format!("showthread.php?p={post}#post{post}")), "{}", message.content);
    assert!(message.content.contains("-# [#1]"), "{}", message.content);

    world.forum().reply(thread, world.bob, "Mine too.").unwrap();
    let second = world.message(room, "Mine too.").await;
    assert_eq!(second.author_name, "Bob");
    assert_eq!(world.discord().threads(world.forum_channel).len(), 1);

    // Nothing was said that Discord's own description does not allow, and nothing can ping.
    for entry in world.discord().ledger() {
        let body = entry.request.clone().unwrap_or_default();
        if body.get("content").is_some() {
            assert_eq!(
                body["allowed_mentions"]["parse"],
                serde_json::json!([]),
                "{} {}",
                entry.method,
                entry.path
            );
        }
    }
    if let Some(mut openapi) = OpenApi::find() {
        assert_eq!(openapi.faults(&world.discord().ledger()), Vec::<String>::new());
    }
    assert!(world.discord().refused().is_empty(), "{:?}", world.discord().refused());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_feed_every_post_is_a_message_that_names_its_thread() {
    let mut world = World::new().await;
    world.start(vec![world.feed()]).await;
    world.forum().open_thread(world.board, world.ann, "Toner again", "It is empty.").unwrap();
    let message = world.message(world.text_channel, "It is empty.").await;
    assert_eq!(message.author_name, "Ann");
    assert!(message.content.contains("Toner again"), "{}", message.content);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_channel_can_have_threads() {
    let mut world = World::new().await;
    world.start(vec![BridgeConfig { layout: Layout::Threads, ..world.feed() }]).await;
    world.forum().open_thread(world.board, world.ann, "Cables", "Which colour?").unwrap();
    let room = eventually("a thread", || world.discord().threads(world.text_channel).pop()).await;
    assert_eq!(room.name, "Cables");
    world.message(room.id, "Which colour?").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_three_page_thread_arrives_in_order() {
    let mut world = World::new().await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Long", "post number 1.").unwrap();
    for number in 2..=34 {
        let member = if number % 2 == 0 { world.bob } else { world.ann };
        world.forum().reply(thread, member, &format!("post number {number}.")).unwrap();
    }
    world.start(vec![BridgeConfig { start: Start::All, ..world.threads() }]).await;
    let room = world.room("Long").await;
    eventually("all posts", || (world.mirrored(room).len() >= 34).then_some(())).await;
    let shown = world.mirrored(room);
    for (index, content) in shown.iter().enumerate() {
        assert!(content.starts_with(&format!("post number {}.", index + 1)), "{index}: {content}");
    }
    assert_eq!(shown.len(), 34);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_post_is_split_and_follows_its_edits() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let paragraph = "A sentence that goes on about switches and the cupboards they live in. ".repeat(12);
    let text = (1..=5).map(|n| format!("Part {n}. {paragraph}")).collect::<Vec<_>>().join("\n\n");
    let (_, post) = world.forum().open_thread(world.board, world.ann, "Epic", &text).unwrap();
    let room = world.room("Epic").await;
    let parts =
        eventually("several parts", || Some(world.mirrored(room)).filter(|parts| parts.len() >= 3)).await;
    assert!(parts.iter().all(|part| part.encode_utf16().count() <= 2_000));
    assert!(parts.last().unwrap().contains("-# [#1]"));
    world.forum().edit(post, "Never mind.").unwrap();
    let parts = eventually("one part", || Some(world.mirrored(room)).filter(|parts| parts.len() == 1)).await;
    assert!(parts[0].starts_with("Never mind."), "{parts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_and_removals_on_the_forum_follow() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Plans", "First words.").unwrap();
    let room = world.room("Plans").await;
    let reply = world.forum().reply(thread, world.bob, "I disagree.").unwrap();
    let message = world.message(room, "I disagree.").await;
    world.forum().edit(reply, "I agree.").unwrap();
    eventually("the edit", || world.discord().message(message.id).filter(|m| m.content.contains("I agree.")))
        .await;
    world.forum().delete(reply, Deletion::Hard).unwrap();
    eventually("the removal", || world.discord().message(message.id).is_none().then_some(())).await;
    world.message(room, "First words.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_soft_deleted_post_is_withdrawn_and_comes_back() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Plans", "First words.").unwrap();
    let room = world.room("Plans").await;
    let reply = world.forum().reply(thread, world.bob, "Oops, secret.").unwrap();
    world.message(room, "Oops, secret.").await;
    world.forum().delete(reply, Deletion::Soft).unwrap();
    eventually("the removal", || world.find(room, "Oops, secret.").is_none().then_some(())).await;
    world.forum().undelete(reply).unwrap();
    world.message(room, "Oops, secret.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_that_moves_out_of_sight_is_withdrawn() {
    let mut world = World::new().await;
    let attic = world.forum().add_board("Attic");
    world.forum().hide_board(attic).unwrap();
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Pay", "Too little.").unwrap();
    let room = world.room("Pay").await;
    world.message(room, "Too little.").await;
    world.forum().move_thread(thread, attic, true).unwrap();
    eventually("the withdrawal", || world.mirrored(room).is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn title_and_state_of_the_thread_follow() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Old title", "Words.").unwrap();
    world.forum().set_prefix(thread, Some("Guide")).unwrap();
    let room = eventually("the thread", || world.discord().threads(world.forum_channel).pop()).await;
    world.message(room.id, "Words.").await;
    world.forum().rename(thread, "New title").unwrap();
    eventually("the new title", || world.discord().channel(room.id).filter(|c| c.name.contains("New title")))
        .await;
    world.forum().close(thread).unwrap();
    let locked = |wanted: bool| {
        let world = &world;
        move || {
            world.discord().channel(room.id).and_then(|c| c.thread).filter(|t| t.locked == wanted).map(drop)
        }
    };
    eventually("the lock", locked(true)).await;
    world.forum().reopen(thread).unwrap();
    eventually("the lock to go", locked(false)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quote_leads_to_the_discord_message_of_the_quoted_post() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, first) =
        world.forum().open_thread(world.board, world.ann, "Quotes", "The original words.").unwrap();
    let room = world.room("Quotes").await;
    let quoted = world.message(room, "The original words.").await;
    let text = format!("[QUOTE=Ann;{first}]The original words.[/QUOTE]Quite so.");
    world.forum().reply(thread, world.bob, &text).unwrap();
    let message = world.message(room, "Quite so.").await;
    let link = format!("https://discord.com/channels/{}/{room}/{}", world.stage.guild, quoted.id);
    assert!(message.content.contains(&link), "{}", message.content);
    assert!(message.content.contains("> The original words."), "{}", message.content);
}
