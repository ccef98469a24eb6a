//! Linked people on a forum where the bridge can act for them: what they write, change, take back and thank is theirs.

use serde_json::json;
use threadbridge::config::{BridgeConfig, Replies};
use threadbridge::sandbox::forum::{Action, Face, Fault, Lasts, Outcome};

use crate::engines::faults;
use crate::world::{World, eventually};

/// A forum that runs Discourse, with a bridged thread by Ann; its Discord thread.
async fn world(bridges: impl FnOnce(&World) -> Vec<BridgeConfig>) -> (World, u64, u64) {
    world_of(Face::Discourse, bridges).await
}

/// The same of any software that lets the bridge act as members.
async fn world_of(face: Face, bridges: impl FnOnce(&World) -> Vec<BridgeConfig>) -> (World, u64, u64) {
    let mut world = World::of(face).await;
    let bridges = bridges(&world);
    world.start(bridges).await;
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;
    let (thread, _) =
        world.forum().open_thread(world.board, world.ann, "Question", "Who has the key?").unwrap();
    let room = world.room("Question").await;
    world.message(room, "Who has the key?").await;
    (world, thread, room)
}

/// Links somebody in Discord with a member, as people do.
async fn link(world: &World, person: u64, name: &str, member: u64) {
    let options = [("member", json!(name))];
    let asked = world.discord().command(person, world.text_channel, "account link", &options).unwrap();
    let answer = asked.answer().await.unwrap();
    assert!(answer.text().contains("on its way"), "{}", answer.text());
    let mail = world.forum().mail(member).pop().expect("a private message");
    let code = mail.text.replace('\\', "").split("**").nth(1).expect("a code").to_owned();
    let message = answer.message.expect("a message").id;
    let opened = world.discord().press(person, message, "code|edu", &[]).unwrap();
    opened.first().await.unwrap().modal.expect("a form");
    let sent = world.discord().submit_modal(&opened, &[("code", &code)]).unwrap();
    let told = sent.answer().await.unwrap();
    assert!(told.text().contains("You are linked"), "{}", told.text());
}

async fn unlink(world: &World, person: u64) {
    world.clock.advance(std::time::Duration::from_secs(5));
    let gone = world.discord().command(person, world.text_channel, "account unlink", &[]).unwrap();
    assert!(gone.answer().await.unwrap().text().contains("no longer linked"));
}

fn author(world: &World, post: u64) -> (String, Option<u64>) {
    let post = world.forum().post(post).expect("a post");
    (post.name, post.member)
}

/// Who did what to a post, of what was done.
fn doers(world: &World, action: Action, post: u64) -> Vec<Option<u64>> {
    let done = world.forum().ledger().into_iter();
    done.filter(|it| it.action == action && it.post == Some(post) && it.outcome == Outcome::Done)
        .map(|it| it.member)
        .collect()
}

/// On both engines on which members can be acted for.
macro_rules! on_both {
    ($($scenario:ident)*) => {
        mod discourse { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                super::$scenario(super::Face::Discourse).await;
            }
        )* }
        mod nodebb { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                super::$scenario(super::Face::Nodebb).await;
            }
        )* }
    };
}

on_both! {
    what_a_linked_member_writes_is_theirs
    members_thank_for_themselves_and_all_others_share_one
    a_lost_answer_doubles_nothing_of_a_members
}

async fn what_a_linked_member_writes_is_theirs(face: Face) {
    let (mut world, thread, room) = world_of(face, |world| vec![world.threads(), world.feed()]).await;
    link(&world, world.dora, "Bob", world.bob).await;
    let said = world.discord().say(world.dora, room, "I have it, since **Monday**.", None).unwrap();
    world.marked(said, "✅").await;
    let post = world.post(thread, "since **Monday**").await;
    assert_eq!(author(&world, post), ("Bob".to_owned(), Some(world.bob)));
    let text = world.forum().post(post).unwrap().text;
    if face == Face::Discourse {
        let (words, origin) = text.split_once("<!--").expect("where it comes from");
        assert_eq!(words.trim(), "I have it, since **Monday**.", "nothing is added that readers see");
        assert!(origin.contains(&format!("/{room}/{said} -->")), "{text}");
    } else {
        let (words, origin) = text.rsplit_once("\n\n").expect("a last line that says where it comes from");
        assert_eq!(words.trim(), "I have it, since **Monday**.");
        assert!(origin.contains(&format!("/{room}/{said}")) && !origin.contains("Dora"), "{text}");
    }
    // It does not come back; another bridge shows it as Bob's.
    let shown = world.message(world.text_channel, "since **Monday**").await;
    assert_eq!(shown.author_name, "Bob");
    assert!(face != Face::Discourse || !shown.content.contains("discord.com"), "{}", shown.content);
    assert!(!shown.content.contains("<!--"), "{}", shown.content);
    world.quiet().await;
    assert_eq!(world.mirrored(room).len(), 1, "what came from Discord is not mirrored back");

    // Changes and removals are theirs as well, after a restart, too.
    world.stop().await.unwrap();
    world.start(vec![world.threads(), world.feed()]).await;
    world.discord().edit(world.dora, said, "I have it, since Tuesday.").unwrap();
    world.post(thread, "since Tuesday").await;
    assert_eq!(doers(&world, Action::Edit, post), [Some(world.bob)]);
    world.message(world.text_channel, "since Tuesday").await;
    world.discord().delete(said).unwrap();
    eventually("the removal", || world.posts_with(thread, "since Tuesday").is_empty().then_some(())).await;
    assert_eq!(doers(&world, Action::Delete, post), [Some(world.bob)]);
    eventually("the withdrawal", || world.find(world.text_channel, "since Tuesday").is_none().then_some(()))
        .await;
    assert_eq!(faults(&world), Vec::<String>::new());
}

async fn a_lost_answer_doubles_nothing_of_a_members(face: Face) {
    let (world, thread, room) = world_of(face, |world| vec![world.threads()]).await;
    link(&world, world.dora, "Bob", world.bob).await;
    // The same words twice are two posts, and each is found by its own message.
    let writes = if face == Face::Nodebb { "/api/v3/topics/" } else { "/posts.json" };
    for _ in 0..2 {
        world.forum().fail_at(writes, Fault::DropAfterCommit, Lasts::Times(1));
        let said = world.discord().say(world.dora, room, "Did this arrive?", None).unwrap();
        world.marked(said, "✅").await;
    }
    world.quiet().await;
    let posts = world.posts_with(thread, "Did this arrive?");
    assert_eq!(posts.len(), 2);
    assert!(posts.iter().all(|post| author(&world, *post).0 == "Bob"));
    assert_eq!(world.mirrored(room).len(), 1, "nothing comes back");
    // Bob's own words on the forum are news.
    world.forum().reply(thread, world.bob, "Did this arrive?").unwrap();
    world.message(room, "Did this arrive?\n-# ").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_is_opened_in_a_members_own_name_once() {
    let (world, ..) = world(|world| vec![world.threads()]).await;
    link(&world, world.dora, "Bob", world.bob).await;
    for (title, lost) in [("Projector", false), ("Kettle", true)] {
        if lost {
            world.forum().fail_at("/posts.json", Fault::DropAfterCommit, Lasts::Times(1));
        }
        let room =
            world.discord().forum_post(world.dora, world.forum_channel, title, "It is broken.", &[]).unwrap();
        world.marked(room, "✅").await;
        world.quiet().await;
        let threads = world.forum().threads(world.board);
        let own: Vec<_> = threads.iter().filter(|thread| thread.title == title).collect();
        assert_eq!(own.len(), 1, "{title}");
        assert_eq!(author(&world, own[0].posts[0]), ("Bob".to_owned(), Some(world.bob)));
        let rooms = world.discord().threads(world.forum_channel);
        assert_eq!(rooms.iter().filter(|room| room.name == title).count(), 1, "{title} comes back");
        assert!(world.mirrored(room).is_empty());
        // What follows there is a reply.
        let said = world.discord().say(world.dora, room, &format!("The {title}, I mean."), None).unwrap();
        world.marked(said, "✅").await;
        assert_eq!(world.posts_with(own[0].id, "I mean.").len(), 1);
    }
}

async fn members_thank_for_themselves_and_all_others_share_one(face: Face) {
    let (mut world, thread, room) = world_of(face, |world| vec![world.threads()]).await;
    let post = world.forum().posts(thread)[0].id;
    let message = world.message(room, "Who has the key?").await.id;
    link(&world, world.dora, "Bob", world.bob).await;
    let names = |world: &World| {
        let mut names: Vec<_> = world.forum().thanks(post).into_iter().map(|it| it.name).collect();
        names.sort();
        names
    };
    world.discord().react(world.dora, message, "🙏").unwrap();
    world.discord().react(world.dora, message, "👍").unwrap();
    eventually("Bob's thanks", || (names(&world) == ["Bob"]).then_some(())).await;
    world.discord().react(world.emil, message, "🙏").unwrap();
    let frank = world.discord().add_user("Frank");
    world.discord().react(frank, message, "❤️").unwrap();
    eventually("the others' thanks", || (names(&world) == ["Bob", "Discord Bridge"]).then_some(())).await;
    world.discord().unreact(world.emil, message, "🙏").unwrap();
    world.discord().unreact(world.dora, message, "👍").unwrap();
    world.quiet().await;
    assert_eq!(names(&world), ["Bob", "Discord Bridge"], "each still thanks");

    // Who thanked as a member has thanked, once, whatever becomes of the link.
    unlink(&world, world.dora).await;
    world.stop().await.unwrap();
    world.start(vec![world.threads()]).await;
    world.discord().unreact(frank, message, "❤️").unwrap();
    eventually("the bridge's withdrawal", || (names(&world) == ["Bob"]).then_some(())).await;
    world.quiet().await;
    assert_eq!(names(&world), ["Bob"]);
    link(&world, world.dora, "Bob", world.bob).await;
    world.discord().unreact(world.dora, message, "🙏").unwrap();
    eventually("Bob's withdrawal", || names(&world).is_empty().then_some(())).await;
    assert_eq!(doers(&world, Action::Thank, post).len(), 2);
    assert_eq!(doers(&world, Action::WithdrawThanks, post).len(), 2);
    assert_eq!(faults(&world), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_forum_refuses_to_one_it_takes_from_the_others() {
    let (world, thread, room) = world(|world| vec![world.threads()]).await;
    let post = world.forum().posts(thread)[0].id;
    let message = world.message(room, "Who has the key?").await.id;
    // Nobody may thank for their own post.
    link(&world, world.dora, "Ann", world.ann).await;
    world.discord().react(world.dora, message, "🙏").unwrap();
    world.discord().react(world.emil, message, "🙏").unwrap();
    eventually("the others' thanks", || (world.forum().thanks(post).len() == 1).then_some(())).await;
    assert_eq!(world.forum().thanks(post)[0].name, "Discord Bridge");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_ends_takes_the_right_to_act_with_it() {
    let only_linked = |world: &World| vec![BridgeConfig { replies: Replies::Linked, ..world.threads() }];
    let (world, thread, room) = world(only_linked).await;
    link(&world, world.dora, "Bob", world.bob).await;
    let said = world.discord().say(world.dora, room, "In the blue box.", None).unwrap();
    world.marked(said, "✅").await;
    // It ends while a message waits for the forum.
    world.forum().fail_at("/posts.json", Fault::Status(503, Some(1)), Lasts::Times(1_000));
    let waits = world.discord().say(world.dora, room, "Or in the red one.", None).unwrap();
    eventually("a try", || (world.forum().faults_left() < 1_000).then_some(())).await;
    unlink(&world, world.dora).await;
    world.forum().heal();
    world.marked(waits, "⚠️").await;
    world.message(room, "only people who have linked their forum account").await;
    assert!(world.posts_with(thread, "red one").is_empty());
    // What is there stays as it is.
    world.discord().edit(world.dora, said, "In the green box.").unwrap();
    world.quiet().await;
    assert!(world.posts_with(thread, "green box").is_empty());
    assert_eq!(author(&world, world.posts_with(thread, "blue box")[0]).0, "Bob");
    world.discord().delete(said).unwrap();
    while !world.parked().await.iter().any(|reason| reason.contains("no longer linked")) {
        world.quiet().await;
    }
    assert_eq!(world.posts_with(thread, "blue box").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_may_no_longer_be_made_is_told() {
    let (world, thread, room) = world(|world| vec![world.threads()]).await;
    link(&world, world.dora, "Bob", world.bob).await;
    let said = world.discord().say(world.dora, room, "In the blue box.", None).unwrap();
    world.marked(said, "✅").await;
    unlink(&world, world.dora).await;
    world.discord().edit(world.dora, said, "In the green box.").unwrap();
    let told = world.message(room, "Your edit did not reach the forum").await;
    assert!(told.content.contains("no longer linked"), "{}", told.content);
    // From now on she writes as everybody does.
    let next = world.discord().say(world.dora, room, "As a guest, then.", None).unwrap();
    world.marked(next, "✅").await;
    let post = world.post(thread, "As a guest, then.").await;
    assert_eq!(author(&world, post).0, "Discord Bridge");
    assert!(world.forum().post(post).unwrap().text.contains("Dora"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_who_is_not_who_they_were_is_told_so() {
    let (world, thread, room) = world(|world| vec![world.threads()]).await;
    link(&world, world.dora, "Bob", world.bob).await;
    world.forum().ban(world.bob, Some("spam")).unwrap();
    let said = world.discord().say(world.dora, room, "Banned words.", None).unwrap();
    world.marked(said, "⚠️").await;
    world.message(room, "the forum does not let Bob do that").await;
    world.forum().ban(world.bob, None).unwrap();

    // The name is somebody else's by now: nothing may be written in it.
    world.clock.advance(std::time::Duration::from_secs(600));
    world.forum().rename_member(world.bob, "Robert").unwrap();
    world.forum().rename_member(world.ann, "Bob").unwrap();
    let said = world.discord().say(world.dora, room, "Whose words?", None).unwrap();
    world.marked(said, "⚠️").await;
    world.message(room, "no longer called Bob on the forum").await;
    assert!(world.posts_with(thread, "words").is_empty());
    // Once the bridge has met them under their new name, they need do nothing.
    world.forum().reply(thread, world.bob, "I am Robert now.").unwrap();
    world.message(room, "I am Robert now.").await;
    world.discord().edit(world.dora, said, "Robert's words.").unwrap();
    let post = world.post(thread, "Robert's words.").await;
    assert_eq!(author(&world, post), ("Robert".to_owned(), Some(world.bob)));
}
