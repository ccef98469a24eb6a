//! Threads that people open from Discord, and what the forum tells of its posts and members.

use std::time::Duration;

use serde_json::json;
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use threadbridge::config::{BridgeConfig, Replies};
use threadbridge::sandbox::discord::Answer;
use threadbridge::sandbox::forum::{Fault, Lasts, NewMember};

use crate::openapi::OpenApi;
use crate::world::{World, eventually};

fn shown(answer: &Answer) -> String {
    let message = answer.message.clone().expect("an answer");
    format!("{} {:?} {:?}", message.content, message.embeds, message.components)
}

fn thread_called(world: &World, title: &str) -> Option<u64> {
    world
        .forum()
        .threads(world.board)
        .into_iter()
        .find(|thread| thread.title == title)
        .map(|thread| thread.id)
}

async fn commands(world: &World) {
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_discord_post_opens_a_forum_thread_and_shows_it() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let post = world
        .discord()
        .forum_post(world.dora, world.forum_channel, "Broken lamp", "It **flickers**.", &[])
        .unwrap();
    let early = world.discord().say(world.emil, post, "Mine too.", None).unwrap();
    let thread = eventually("the thread on the forum", || thread_called(&world, "Broken lamp")).await;
    let first = world.post(thread, "It [B]flickers[/B].").await;
    assert!(world.forum().post(first).unwrap().text.contains("Dora"));
    world.marked(post, "✅").await;
    // What was said before the forum had the thread follows.
    world.post(thread, "Mine too.").await;
    world.marked(early, "✅").await;
    world.forum().reply(thread, world.ann, "Change the bulb.").unwrap();
    world.message(post, "Change the bulb.").await;
    world.quiet().await;
    assert_eq!(world.mirrored(post).len(), 1, "what came from here is not shown here again");
    assert_eq!(world.discord().threads(world.forum_channel).len(), 1);
    assert_eq!(world.forum().threads(world.board).len(), 1);
    world.discord().edit(world.dora, post, "It hums.").unwrap();
    world.post(thread, "It hums.").await;
    if let Some(mut openapi) = OpenApi::find() {
        assert_eq!(openapi.faults(&world.discord().ledger()), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_lost_opens_no_second_thread() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    world.forum().fail_at("/newthread.php", Fault::DropAfterCommit, Lasts::Times(1));
    let post = world
        .discord()
        .forum_post(world.dora, world.forum_channel, "Broken lamp", "It flickers.", &[])
        .unwrap();
    world.marked(post, "✅").await;
    world.quiet().await;
    assert_eq!(world.forum().threads(world.board).len(), 1);
    assert_eq!(world.discord().threads(world.forum_channel).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_edited_while_it_is_opened_is_opened_once() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let drip = Fault::SlowDrip(Duration::from_millis(30));
    world.forum().fail_at("/newthread.php", drip, Lasts::Times(1));
    let post = world
        .discord()
        .forum_post(world.dora, world.forum_channel, "Broken lamp", "It flickers.", &[])
        .unwrap();
    let thread = eventually("the thread on the forum", || thread_called(&world, "Broken lamp")).await;
    // While the answer is under way: neither who opens nor who edits can write anything down.
    let mut other = SqliteConnection::connect(&world.folder.database()).await.expect("the database opens");
    other.execute("BEGIN IMMEDIATE").await.expect("the lock");
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.discord().edit(world.dora, post, "It hums.").unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    other.execute("ROLLBACK").await.expect("the release");
    world.post(thread, "It hums.").await;
    world.marked(post, "✅").await;
    world.quiet().await;
    assert_eq!(world.forum().threads(world.board).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_a_moderator_makes_of_a_reply_is_a_post_like_others() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Lamps", "Which one?").unwrap();
    let room = world.room("Lamps").await;
    let said = world.discord().say(world.dora, room, "The green one.", None).unwrap();
    let post = world.post(thread, "The green one.").await;
    world.marked(said, "✅").await;
    world.quiet().await;
    let original = world.forum().post(post).unwrap();
    world.forum().reply(thread, original.member.expect("a member"), &original.text).unwrap();
    world.message(room, "The green one.").await;
    // Whoever watches goes on.
    world.forum().reply(thread, world.ann, "Thank you.").unwrap();
    world.message(room, "Thank you.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_that_was_opened_while_nobody_looked_is_opened_later() {
    let mut world = World::new().await;
    let old = world
        .discord()
        .forum_post(world.dora, world.forum_channel, "Old", "Before the bridge.", &[])
        .unwrap();
    world.start(vec![world.threads()]).await;
    world.quiet().await;
    world.stop().await.unwrap();
    let post =
        world.discord().forum_post(world.dora, world.forum_channel, "Late", "It flickers.", &[]).unwrap();
    world.start(vec![world.threads()]).await;
    world.marked(post, "✅").await;
    world.quiet().await;
    assert!(thread_called(&world, "Late").is_some());
    assert!(thread_called(&world, "Old").is_none());
    assert!(world.discord().reactions(old).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_replies_are_for_linked_members_threads_are_too() {
    let mut world = World::new().await;
    world.start(vec![BridgeConfig { replies: Replies::Linked, ..world.threads() }]).await;
    let post = world
        .discord()
        .forum_post(world.dora, world.forum_channel, "Broken lamp", "It flickers.", &[])
        .unwrap();
    world.marked(post, "⚠️").await;
    world.quiet().await;
    assert!(world.forum().threads(world.board).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_opens_a_thread() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    commands(&world).await;
    world.quiet().await;
    let board = [("board", json!("Staffroom"))];
    let asked = world.discord().command(world.dora, world.text_channel, "thread new", &board).unwrap();
    let form = asked.first().await.unwrap().modal.expect("a form");
    assert_eq!(form["title"], "New thread on Staffroom");
    let fields = [("title", "Lost keys"), ("text", "Found by the *kiln*.")];
    let sent = world.discord().submit_modal(&asked, &fields).unwrap();
    let answer = sent.answer().await.unwrap();
    let thread = eventually("the thread on the forum", || thread_called(&world, "Lost keys")).await;
    world.post(thread, "Found by the [I]kiln[/I].").await;
    world.marked(answer.message.unwrap().id, "✅").await;
    // It is shown as any thread of the board is.
    let room = world.room("Lost keys").await;
    world.message(room, "Found by the *kiln*.").await;

    let nowhere = [("board", json!("4711"))];
    let asked = world.discord().command(world.dora, world.text_channel, "thread new", &nowhere).unwrap();
    let refused = asked.answer().await.unwrap();
    assert!(refused.ephemeral() && refused.text().contains("not bridged"), "{}", shown(&refused));
    world.discord().set_overwrite(world.text_channel, world.emil, 0, 1 << 11);
    let asked = world.discord().command(world.emil, world.text_channel, "thread new", &board).unwrap();
    let refused = asked.answer().await.unwrap();
    assert!(refused.text().contains("may not write"), "{}", shown(&refused));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posts_are_found_and_members_shown() {
    let mut world = World::new().await;
    let cellar = world.forum().add_board("Cellar");
    world.forum().hide_board(cellar).unwrap();
    let account = world.forum().members().into_iter().find(|m| m.name == "Discord Bridge").unwrap().id;
    world.forum().let_in(cellar, account).unwrap();
    world.forum().open_thread(cellar, world.ann, "Secret", "The kettle is a bomb.").unwrap();
    let (thread, _) =
        world.forum().open_thread(world.board, world.ann, "Kitchen", "The kettle is hot.").unwrap();
    for n in 0..40 {
        world.forum().reply(thread, world.bob, &format!("About the kettle, number {n}.")).unwrap();
    }
    world.forum().register(NewMember {
        name: "Cleo".to_owned(),
        title: "Keeper of keys".to_owned(),
        location: Some("Leeds".to_owned()),
        ..NewMember::default()
    });
    world.start(vec![world.feed()]).await;
    commands(&world).await;
    let feed = world.text_channel;
    let ask = |path: &'static str, options: Vec<(&'static str, serde_json::Value)>| {
        world.clock.advance(Duration::from_secs(2));
        let asked = world.discord().command(world.dora, feed, path, &options).unwrap();
        async move { asked.answer().await.unwrap() }
    };
    let found = ask("thread search", vec![("words", json!("kettle")), ("author", json!("Ann"))]).await;
    assert!(shown(&found).contains("Kitchen"), "{}", shown(&found));
    assert!(!shown(&found).contains("bomb") && !shown(&found).contains("Secret"), "{}", shown(&found));
    let many = ask("thread search", vec![("words", json!("kettle"))]).await;
    assert!(shown(&many).contains("page 1 of"), "{}", shown(&many));
    let message = many.message.clone().unwrap();
    let next = message.components[0]["components"][1]["custom_id"].as_str().unwrap().to_owned();
    let turned = world.discord().press(world.dora, message.id, &next, &[]).unwrap().answer().await.unwrap();
    assert!(shown(&turned).contains("page 2 of"), "{}", shown(&turned));
    let shown_now = turned.message.clone().unwrap();
    let back = shown_now.components[0]["components"][0]["custom_id"].as_str().unwrap().to_owned();
    let own = world.discord().press(world.emil, message.id, &back, &[]).unwrap().answer().await.unwrap();
    assert!(own.ephemeral(), "somebody else gets their own page");
    let nothing = ask("thread search", vec![]).await;
    assert!(nothing.text().contains("Name words or an author"), "{}", shown(&nothing));
    let nothing = ask("thread search", vec![("words", json!("xyzzyplugh"))]).await;
    assert!(shown(&nothing).contains("Nothing was found"), "{}", shown(&nothing));

    let cleo = ask("member show", vec![("member", json!("cleo"))]).await;
    for part in ["Cleo", "Keeper of keys", "Leeds"] {
        assert!(shown(&cleo).contains(part), "{part} in {}", shown(&cleo));
    }
    let none = ask("member show", vec![("member", json!("Nobody at all"))]).await;
    assert!(none.ephemeral() && none.text().contains("no such member"), "{}", shown(&none));
    if let Some(mut openapi) = OpenApi::find() {
        assert_eq!(openapi.faults(&world.discord().ledger()), Vec::<String>::new());
    }
}
