//! What a message's menu offers, and the thanks that the database keeps.

use serde_json::json;
use threadbridge::sandbox::discord::{Answer, Fault as DiscordFault};
use threadbridge::sandbox::forum::{Fault, Lasts};

use crate::openapi::OpenApi;
use crate::world::{World, eventually};

fn shown(answer: &Answer) -> String {
    let message = answer.message.clone().expect("an answer");
    format!("{} {:?} {:?}", message.content, message.embeds, message.components)
}

/// A bridged thread with one post by Ann; its Discord thread and the message that shows the post.
async fn one_post(world: &World) -> (u64, u64, u64, u64) {
    let (thread, post) =
        world.forum().open_thread(world.board, world.ann, "Tip", "Label both ends.").unwrap();
    let room = world.room("Tip").await;
    let message = world.message(room, "Label both ends.").await.id;
    // Until the message is written down, it shows no post.
    world.quiet().await;
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;
    (thread, post, room, message)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_thanks_by_menu_and_takes_it_back() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (_, post, room, message) = one_post(&world).await;

    let asked = world.discord().message_command(world.dora, message, "Thank the poster").unwrap();
    let answer = asked.answer().await.unwrap();
    assert!(answer.ephemeral());
    assert!(answer.text().contains("You thank Ann"), "{}", answer.text());
    eventually("the thanks", || (world.forum().thanks(post).len() == 1).then_some(())).await;
    eventually("the last line", || world.find(room, "1 thanks: Discord Bridge")).await;
    // A new session compares the reactions with what was recorded: this one is on no message.
    world.stop().await.unwrap();
    world.start(vec![world.threads()]).await;
    world.quiet().await;
    assert_eq!(world.forum().thanks(post).len(), 1);

    let who = world.discord().message_command(world.emil, message, "Who thanked?").unwrap();
    let who = who.answer().await.unwrap();
    assert!(who.ephemeral());
    for part in
        ["On the forum: 1", "Discord Bridge", "In Discord: 1", &format!("<@{}>", world.dora), "Ann's post"]
    {
        assert!(shown(&who).contains(part), "{part} in {}", shown(&who));
    }

    let back = answer.message.unwrap();
    let pressed = world.discord().press(world.dora, back.id, &format!("unthank|{message}"), &[]).unwrap();
    assert!(pressed.answer().await.unwrap().text().contains("no longer thank"));
    eventually("the withdrawal", || world.forum().thanks(post).is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_replies_on_the_forum() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, post, room, message) = one_post(&world).await;

    let menu = world.discord().message_command(world.dora, message, "Reply on the forum").unwrap();
    let form = menu.first().await.unwrap().modal.expect("a form");
    assert_eq!(form["title"], "Reply to Ann");
    assert!(form.to_string().contains("Label both ends."), "{form}");
    assert!(!form.to_string().contains("-# "), "the last line is no quote: {form}");
    let sent = world
        .discord()
        .submit_modal(&menu, &[("text", "And **both** plugs."), ("quote", "both ends")])
        .unwrap();
    let answer = sent.answer().await.unwrap();
    eventually("the words in Discord", || world.find(room, "And **both** plugs.")).await;
    let shown = sent.now().unwrap().message.unwrap();
    assert!(shown.content.contains("**Dora** to [Ann]"), "{}", shown.content);
    assert!(!answer.ephemeral());

    let reply = world.post(thread, "And [B]both[/B] plugs.").await;
    let words = world.forum().posts(thread).into_iter().find(|it| it.id == reply).unwrap().text;
    assert!(words.contains(&format!("[QUOTE=Ann;{post}]both ends[/QUOTE]")), "{words}");
    assert!(words.contains("Dora"), "{words}");
    world.marked(shown.id, "✅").await;
    world.quiet().await;
    assert_eq!(world.posts_with(thread, "plugs").len(), 1, "no edit of the answer goes to the forum");
    assert_eq!(world.mirrored(room).len(), 1 + 1, "it is not shown a second time");

    // Its removal in Discord takes it from the forum, as any reply's.
    world.discord().delete(shown.id).unwrap();
    eventually("the removal", || world.posts_with(thread, "plugs").is_empty().then_some(())).await;
    if let Some(mut openapi) = OpenApi::find() {
        assert_eq!(openapi.faults(&world.discord().ledger()), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn menus_refuse_what_is_not_theirs() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, ..) = one_post(&world).await;
    let chatter = world.discord().say(world.emil, world.text_channel, "Lunch?", None).unwrap();
    for name in ["Thank the poster", "Who thanked?", "Reply on the forum"] {
        let asked = world.discord().message_command(world.dora, chatter, name).unwrap();
        let answer = asked.answer().await.unwrap();
        assert!(answer.ephemeral() && answer.text().contains("shows no post"), "{name}: {}", answer.text());
    }
    // Somebody who may not write there replies by no form either.
    let room = world.room("Tip").await;
    let message = world.message(room, "Label both ends.").await.id;
    let menu = world.discord().message_command(world.dora, message, "Reply on the forum").unwrap();
    menu.first().await.unwrap().modal.expect("a form");
    world.discord().set_overwrite(world.forum_channel, world.dora, 0, 1 << 38);
    let sent = world.discord().submit_modal(&menu, &[("text", "psst"), ("quote", "")]).unwrap();
    let answer = sent.answer().await.unwrap();
    assert!(answer.ephemeral() && answer.text().contains("may not write"), "{}", answer.text());
    world.quiet().await;
    assert!(world.posts_with(thread, "psst").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thanks_are_counted_and_drawn() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (_, post, room, message) = one_post(&world).await;
    let (_, second) = world.forum().open_thread(world.board, world.bob, "Other", "Use colours.").unwrap();
    world.forum().thank(post, world.bob).unwrap();
    world.forum().thank(post, world.forum().add_member("Cleo")).unwrap();
    world.forum().thank(second, world.ann).unwrap();
    world.message(room, "2 thanks: Bob, Cleo").await;
    let other = world.room("Other").await;
    world.message(other, "1 thanks: Ann").await;

    let top = |options: Vec<(&'static str, serde_json::Value)>| {
        let asked = world.discord().command(world.dora, room, "thanks top", &options).unwrap();
        async move { asked.answer().await.unwrap() }
    };
    // Choices travel by their place.
    let answer = top(vec![("period", json!(0))]).await;
    let text = shown(&answer);
    assert!(text.contains("1. Ann · **2**") && text.contains("2. Bob · **1**"), "{text}");
    let message_shown = answer.message.unwrap();
    assert!(format!("{:?}", message_shown.attachments).contains("thanks.png"), "a picture");

    let none = top(vec![("by", json!(1))]).await;
    assert!(shown(&none).contains("No thanks were given in Discord"), "{}", shown(&none));
    world.discord().react(world.emil, message, "🙏").unwrap();
    eventually("the reaction", || (world.forum().thanks(post).len() == 3).then_some(())).await;
    let one = top(vec![("by", json!(1)), ("period", json!(2))]).await;
    assert!(shown(&one).contains("1. Ann · **1**"), "{}", shown(&one));

    let url = format!("{}showthread.php?p={post}", world.forum().url());
    let asked = world.discord().command(world.dora, room, "thanks who", &[("post", json!(url))]).unwrap();
    let who = shown(&asked.answer().await.unwrap());
    assert!(
        who.contains("Bob · ") && who.contains("Cleo") && who.contains(&format!("<@{}>", world.emil)),
        "{who}"
    );
    if let Some(mut openapi) = OpenApi::find() {
        assert_eq!(openapi.faults(&world.discord().ledger()), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thanks_of_a_hidden_board_are_counted_only_there() {
    let mut world = World::new().await;
    let cellar = world.forum().add_board("Cellar");
    world.forum().hide_board(cellar).unwrap();
    let account = world.forum().members().into_iter().find(|m| m.name == "Discord Bridge").unwrap().id;
    world.forum().let_in(cellar, account).unwrap();
    let private = world.discord().add_text_channel(world.stage.guild, "private");
    world.start(vec![world.threads(), world.stage.bridge(cellar, private)]).await;
    let (_, post) = world.forum().open_thread(cellar, world.ann, "Secret", "Behind the boiler.").unwrap();
    world.message(private, "Behind the boiler.").await;
    world.forum().thank(post, world.bob).unwrap();
    world.message(private, "1 thanks: Bob").await;
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;

    let ask = |channel: u64, path: &'static str, options: Vec<(&'static str, serde_json::Value)>| {
        let asked = world.discord().command(world.dora, channel, path, &options).unwrap();
        async move { shown(&asked.answer().await.unwrap()) }
    };
    let who = vec![("post", json!(post.to_string()))];
    assert!(!ask(world.text_channel, "thanks who", who.clone()).await.contains("Bob"));
    assert!(ask(private, "thanks who", who).await.contains("Bob"));
    assert!(!ask(world.text_channel, "thanks top", vec![]).await.contains("Ann"));
    assert!(ask(private, "thanks top", vec![]).await.contains("Ann"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_the_forum_refuses_says_what_to_do() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, _, room, message) = one_post(&world).await;
    let menu = world.discord().message_command(world.dora, message, "Reply on the forum").unwrap();
    menu.first().await.unwrap().modal.expect("a form");
    // Closed while the form is filled in.
    world.forum().close(thread).unwrap();
    let sent = world.discord().submit_modal(&menu, &[("text", "Too late."), ("quote", "")]).unwrap();
    let shown = sent.answer().await.unwrap().message.unwrap();
    world.marked(shown.id, "⚠️").await;
    let told = world.message(room, "did not reach the forum").await;
    assert!(
        told.content.contains("closed") && told.content.contains("Fill the form in again"),
        "{}",
        told.content
    );
    assert!(world.posts_with(thread, "Too late.").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_may_have_arrived_is_to_be_filled_in_again_and_not_edited() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (_, _, room, message) = one_post(&world).await;
    world.forum().moderate_board(world.board, true).unwrap();
    let first = world.discord().say(world.dora, room, "Waits for a moderator.", None).unwrap();
    world.marked(first, "⏳").await;
    // Whether this one arrived, the bridge can't see: nothing that waits is shown to it.
    world.forum().fail_at("/newreply.php", Fault::DropAfterCommit, Lasts::Times(1));
    let menu = world.discord().message_command(world.dora, message, "Reply on the forum").unwrap();
    menu.first().await.unwrap().modal.expect("a form");
    let sent = world.discord().submit_modal(&menu, &[("text", "By form."), ("quote", "")]).unwrap();
    let shown = sent.answer().await.unwrap().message.unwrap();
    world.marked(shown.id, "⚠️").await;
    let told = world.message(room, "may have taken your message").await.content;
    assert!(told.contains("fill the form in again") && !told.contains("edit your message"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_whose_first_answer_comes_too_late_writes_nothing() {
    let mut world = World::new().await;
    world.start(vec![world.threads()]).await;
    let (thread, _, room, message) = one_post(&world).await;
    let menu = world.discord().message_command(world.dora, message, "Reply on the forum").unwrap();
    menu.first().await.unwrap().modal.expect("a form");
    world.discord().fault(Some("POST"), "/interactions", DiscordFault::Refuse(10062), 1);
    world.discord().submit_modal(&menu, &[("text", "Too slow."), ("quote", "")]).unwrap();
    eventually("the refusal", || (world.discord().faults_left() == 0).then_some(())).await;
    world.quiet().await;
    assert!(world.posts_with(thread, "Too slow.").is_empty(), "nobody would know of it in Discord");
    assert!(world.find(room, "Too slow.").is_none());
    // The next one arrives.
    let menu = world.discord().message_command(world.dora, message, "Reply on the forum").unwrap();
    menu.first().await.unwrap().modal.expect("a form");
    world.discord().submit_modal(&menu, &[("text", "In time."), ("quote", "")]).unwrap();
    world.post(thread, "In time.").await;
}
