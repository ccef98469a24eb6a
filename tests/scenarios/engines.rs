//! One suite over every engine: whatever software the forum runs, people on both sides meet the same.

use std::sync::Arc;

use threadbridge::check;
use threadbridge::clock::SystemClock;
use threadbridge::config::{BridgeConfig, Scope, Start};
use threadbridge::forum::{self, Actor, Draft, Failure, Posted, cannot};
use threadbridge::markup::{Block, Doc, Inline};
use threadbridge::model::{MemberId, PostId, ThreadId};
use threadbridge::sandbox::forum::{Deletion, Face};

use crate::world::{World, eventually};
use crate::{spec, spec_nodebb};

macro_rules! over_every_engine {
    ($($scenario:ident)*) => {
        mod vbulletin4 { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                super::play(super::Face::Vbulletin4, async |world| super::$scenario(world).await).await;
            }
        )* }
        mod discourse { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                super::play(super::Face::Discourse, async |world| super::$scenario(world).await).await;
            }
        )* }
        mod nodebb { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                super::play(super::Face::Nodebb, async |world| super::$scenario(world).await).await;
            }
        )* }
    };
}

over_every_engine! {
    what_is_posted_appears_under_its_authors_name
    a_reply_arrives_once_and_does_not_come_back
    an_answer_names_the_post_that_it_answers
    thanks_and_their_withdrawal
    edits_and_removals_on_the_forum
    edits_and_removals_in_discord
    a_closed_thread_refuses
    a_moderated_board_makes_wait
    a_private_board_is_not_shown
    a_thread_that_goes_out_of_sight_is_withdrawn
    what_only_some_members_see_stays_with_them
    a_long_thread_arrives_whole_and_in_order
    news_behind_a_page_of_pinned_threads_is_seen
    what_happened_while_the_bridge_was_down_arrives_once
    a_lost_answer_doubles_nothing
    acting_as_a_member_where_the_engine_can
    what_it_cannot_do_is_refused_in_the_same_words
}

/// What a feed can do of it; the rest is of replies and thanks, of what is no longer there, and of long threads, and it
/// knows none of that.
macro_rules! over_every_feed {
    ($($scenario:ident)*) => {
        over_every_feed! { @ feed_rss FeedKind::Rss, $($scenario)* }
        over_every_feed! { @ feed_atom FeedKind::Atom, $($scenario)* }
        over_every_feed! { @ feed_json FeedKind::Json, $($scenario)* }
    };
    (@ $module:ident $kind:expr, $($scenario:ident)*) => {
        mod $module {
            use threadbridge::sandbox::forum::FeedKind;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    super::play(super::Face::Feed($kind), async |world| super::$scenario(world).await).await;
                }
            )*
        }
    };
}

over_every_feed! {
    what_is_posted_appears_under_its_authors_name
    edits_and_removals_on_the_forum
    a_private_board_is_not_shown
    what_happened_while_the_bridge_was_down_arrives_once
    acting_as_a_member_where_the_engine_can
    what_it_cannot_do_is_refused_in_the_same_words
}

/// Whether nobody can answer there, and each thread is one post.
fn only_tells(world: &World) -> bool {
    matches!(world.forum().options().face, Face::Feed(_))
}

/// Every call that an engine makes of an API must be one that its official description knows.
async fn play(face: Face, scenario: impl AsyncFnOnce(&mut World)) {
    let mut world = World::of(face).await;
    scenario(&mut world).await;
    assert_eq!(faults(&world), Vec::<String>::new());
}

/// What the official description of the forum's API has against the calls and their answers.
pub fn faults(world: &World) -> Vec<String> {
    let calls = world.forum().calls();
    match world.forum().options().face {
        Face::Nodebb => spec_nodebb::faults(&calls),
        _ => spec::faults(&calls),
    }
}

/// A bridged thread with one post, and its Discord thread.
async fn thread(world: &mut World) -> (u64, u64) {
    world.start(vec![world.threads()]).await;
    let (thread, _) =
        world.forum().open_thread(world.board, world.ann, "Question", "Who has the key?").unwrap();
    let room = world.room("Question").await;
    world.message(room, "Who has the key?").await;
    (thread, room)
}

async fn what_is_posted_appears_under_its_authors_name(world: &mut World) {
    let (thread, room) = thread(world).await;
    let first = world.message(room, "Who has the key?").await;
    assert_eq!(first.author_name, "Ann");
    if only_tells(world) {
        world.quiet().await;
        assert_eq!(world.mirrored(room).len(), 1);
        return;
    }
    assert!(first.content.contains("-# [#1]"), "{}", first.content);
    world.forum().reply(thread, world.bob, "Not me, sorry.").unwrap();
    let second = world.message(room, "Not me, sorry.").await;
    assert_eq!(second.author_name, "Bob");
    assert!(second.content.contains("-# [#2]"), "{}", second.content);
    world.quiet().await;
    assert_eq!(world.mirrored(room).len(), 2);
}

async fn a_reply_arrives_once_and_does_not_come_back(world: &mut World) {
    let (thread, room) = thread(world).await;
    let said = world.discord().say(world.dora, room, "I have it, since Monday.", None).unwrap();
    let post = world.post(thread, "I have it, since Monday.").await;
    world.marked(said, "✅").await;
    let post = world.forum().post(post).unwrap();
    assert_eq!(post.name, "Discord Bridge");
    assert!(post.text.contains("Dora") && post.text.contains(&format!("/{room}/{said}")), "{}", post.text);
    world.quiet().await;
    assert_eq!(world.posts_with(thread, "since Monday").len(), 1);
    assert_eq!(world.mirrored(room).len(), 1, "what came from Discord is not mirrored back");
}

async fn an_answer_names_the_post_that_it_answers(world: &mut World) {
    let (thread, room) = thread(world).await;
    world.forum().reply(thread, world.bob, "Look in the drawer.").unwrap();
    world.message(room, "Look in the drawer.").await;
    let asked = world.message(room, "Who has the key?").await;
    world.discord().say(world.dora, room, "I have it here.", Some(asked.id)).unwrap();
    let post = world.post(thread, "I have it here.").await;
    let text = world.forum().post(post).unwrap().text;
    let first = &world.forum().posts(thread)[0];
    let calls = world.forum().calls();
    let noted = calls
        .iter()
        .filter(|call| call.method == "POST")
        .any(|call| call.body["reply_to_post_number"] == 1 || call.body["toPid"].as_u64() == Some(first.id));
    let quoted = text.contains("Who has the key?");
    assert!(noted != quoted, "either the forum notes it or the post quotes it: {text}");
}

async fn thanks_and_their_withdrawal(world: &mut World) {
    world.start(vec![world.threads()]).await;
    let (_, post) = world.forum().open_thread(world.board, world.ann, "A tip", "Label both ends.").unwrap();
    let room = world.room("A tip").await;
    let message = world.message(room, "Label both ends.").await;
    world.discord().react(world.dora, message.id, "🙏").unwrap();
    eventually("the thanks", || (world.forum().thanks(post).len() == 1).then_some(())).await;
    eventually("the last line", || world.find(room, "1 thanks: Discord Bridge")).await;
    world.discord().unreact(world.dora, message.id, "🙏").unwrap();
    eventually("the withdrawal", || world.forum().thanks(post).is_empty().then_some(())).await;
    eventually("the last line", || world.find(room, "thanks").is_none().then_some(())).await;
    world.forum().thank(post, world.bob).unwrap();
    world.message(room, "1 thanks: Bob").await;
}

async fn edits_and_removals_on_the_forum(world: &mut World) {
    let (thread, room) = thread(world).await;
    if only_tells(world) {
        let post = world.forum().posts(thread)[0].id;
        world.forum().edit(post, "Who has both keys?").unwrap();
        world.message(room, "Who has both keys?").await;
        // It is told of no more, which is no word of whether it is there.
        world.forum().delete(post, Deletion::Hard).unwrap();
        world.quiet().await;
        assert_eq!(world.mirrored(room).len(), 1);
        return;
    }
    let reply = world.forum().reply(thread, world.bob, "I disagree.").unwrap();
    let message = world.message(room, "I disagree.").await;
    world.forum().edit(reply, "I agree, of course.").unwrap();
    eventually("the edit", || {
        world.discord().message(message.id).filter(|m| m.content.contains("I agree, of course."))
    })
    .await;
    world.forum().delete(reply, Deletion::Soft).unwrap();
    eventually("the removal", || world.find(room, "I agree").is_none().then_some(())).await;
    world.forum().undelete(reply).unwrap();
    world.message(room, "I agree, of course.").await;
    world.forum().delete(reply, Deletion::Hard).unwrap();
    eventually("the removal", || world.find(room, "I agree").is_none().then_some(())).await;
}

async fn edits_and_removals_in_discord(world: &mut World) {
    let (thread, room) = thread(world).await;
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

async fn a_closed_thread_refuses(world: &mut World) {
    let (thread, room) = thread(world).await;
    world.forum().close(thread).unwrap();
    eventually("the lock", || world.discord().channel(room).and_then(|c| c.thread).filter(|t| t.locked))
        .await;
    world.discord().lock_thread(room, false).unwrap();
    let said = world.discord().say(world.dora, room, "One more thing.", None).unwrap();
    world.marked(said, "⚠️").await;
    world.message(room, "the thread is closed on the forum").await;
    assert!(world.posts_with(thread, "One more thing.").is_empty());
}

async fn a_moderated_board_makes_wait(world: &mut World) {
    let (_, room) = thread(world).await;
    world.forum().moderate_board(world.board, true).unwrap();
    let said = world.discord().say(world.dora, room, "Please approve me.", None).unwrap();
    world.marked(said, "⏳").await;
    world.message(room, "a moderator of the forum has to approve it first").await;
}

async fn a_private_board_is_not_shown(world: &mut World) {
    let staff = world.forum().add_board("Staff only");
    world.forum().hide_board(staff).unwrap();
    world.forum().open_thread(staff, world.ann, "Salaries", "Nobody may know.").unwrap();
    let private =
        BridgeConfig { scope: Scope::Board(world.stage.board_id(staff)), start: Start::All, ..world.feed() };
    world.start(vec![world.threads(), private]).await;
    world.forum().open_thread(world.board, world.ann, "Holidays", "Everybody may know.").unwrap();
    let room = world.room("Holidays").await;
    world.message(room, "Everybody may know.").await;
    world.quiet().await;
    assert!(world.mirrored(world.text_channel).is_empty());
}

async fn a_thread_that_goes_out_of_sight_is_withdrawn(world: &mut World) {
    let attic = world.forum().add_board("Attic");
    world.forum().hide_board(attic).unwrap();
    let (thread, room) = thread(world).await;
    world.forum().move_thread(thread, attic, false).unwrap();
    eventually("the withdrawal", || world.mirrored(room).is_empty().then_some(())).await;
}

/// The bridge's account is let in where guests are not: what is there goes nowhere without a bridge of its own.
async fn what_only_some_members_see_stays_with_them(world: &mut World) {
    let group = world.forum().add_board("Group");
    world.forum().hide_board(group).unwrap();
    let account = world.forum().members().into_iter().find(|it| it.name == "Discord Bridge").unwrap().id;
    world.forum().let_in(group, account).unwrap();
    world.forum().open_thread(group, world.ann, "Salaries", "Nobody else may know.").unwrap();
    let (thread, room) = thread(world).await;
    world.forum().move_thread(thread, group, false).unwrap();
    eventually("the withdrawal", || world.mirrored(room).is_empty().then_some(())).await;
    world.forum().reply(thread, world.bob, "Now we can talk.").unwrap();
    world.forum().open_thread(world.board, world.ann, "Lunch", "Soup today.").unwrap();
    let lunch = world.room("Lunch").await;
    world.message(lunch, "Soup today.").await;
    world.quiet().await;
    assert!(world.mirrored(room).is_empty());
    for channel in world.discord().threads(world.forum_channel) {
        let shown = world.mirrored(channel.id).join(" ");
        assert!(!shown.contains("Nobody else") && !shown.contains("Now we can talk"), "{shown}");
    }
    let text = check::run(
        &world.config(vec![world.stage.bridge(group, world.text_channel)]),
        Arc::new(SystemClock),
        false,
    )
    .await
    .text();
    assert!(text.contains("guests of the forum may not read it"), "{text}");
}

async fn a_long_thread_arrives_whole_and_in_order(world: &mut World) {
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Long", "post number 1.").unwrap();
    for number in 2..=45 {
        let member = if number % 2 == 0 { world.bob } else { world.ann };
        world.forum().reply(thread, member, &format!("post number {number}.")).unwrap();
    }
    world.start(vec![BridgeConfig { start: Start::All, ..world.threads() }]).await;
    let room = world.room("Long").await;
    eventually("all posts", || (world.mirrored(room).len() >= 45).then_some(())).await;
    world.forum().reply(thread, world.ann, "post number 46.").unwrap();
    world.message(room, "post number 46.").await;
    let shown = world.mirrored(room);
    for (index, content) in shown.iter().enumerate() {
        assert!(content.starts_with(&format!("post number {}.", index + 1)), "{index}: {content}");
    }
    assert_eq!(shown.len(), 46);
}

async fn news_behind_a_page_of_pinned_threads_is_seen(world: &mut World) {
    // Discourse and NodeBB count what is pinned among the rows of a page: thirty, and twenty.
    for number in 0..31 {
        let title = format!("Rule {number}");
        let (thread, _) = world.forum().open_thread(world.board, world.ann, &title, "Read this.").unwrap();
        world.forum().stick(thread).unwrap();
    }
    let (old, _) = world.forum().open_thread(world.board, world.ann, "Old", "Ancient words.").unwrap();
    world.start(vec![world.threads()]).await;
    world.quiet().await;
    assert!(world.discord().threads(world.forum_channel).is_empty(), "what is not pinned is history too");
    world.forum().reply(old, world.bob, "Fresh words.").unwrap();
    let room = world.room("Old").await;
    world.message(room, "Fresh words.").await;
    assert_eq!(world.mirrored(room).len(), 1);
}

async fn what_happened_while_the_bridge_was_down_arrives_once(world: &mut World) {
    let (thread, room) = thread(world).await;
    world.stop().await.unwrap();
    if only_tells(world) {
        world.forum().open_thread(world.board, world.bob, "News", "Told meanwhile.").unwrap();
        world.start(vec![world.threads()]).await;
        let news = world.room("News").await;
        world.message(news, "Told meanwhile.").await;
        world.quiet().await;
        assert_eq!((world.mirrored(room).len(), world.mirrored(news).len()), (1, 1));
        return;
    }
    world.forum().reply(thread, world.bob, "Said meanwhile.").unwrap();
    world.discord().say(world.dora, room, "Asked meanwhile.", None).unwrap();
    world.start(vec![world.threads()]).await;
    world.message(room, "Said meanwhile.").await;
    world.post(thread, "Asked meanwhile.").await;
    world.quiet().await;
    assert_eq!(world.mirrored(room).len(), 2);
    assert_eq!(world.posts_with(thread, "Asked meanwhile.").len(), 1);
}

async fn a_lost_answer_doubles_nothing(world: &mut World) {
    let (thread, room) = thread(world).await;
    let path = match world.forum().options().face {
        Face::Vbulletin4 => "/newreply.php",
        Face::Discourse => "/posts.json",
        Face::Nodebb => "/api/v3/topics/",
        Face::Feed(_) => panic!("nobody answers a feed"),
    };
    world.forum().fail_at(path, "drop-after-commit".parse().unwrap(), forum_lasts());
    let said = world.discord().say(world.dora, room, "Did this arrive?", None).unwrap();
    world.marked(said, "✅").await;
    world.quiet().await;
    assert_eq!(world.posts_with(thread, "Did this arrive?").len(), 1);
}

fn forum_lasts() -> threadbridge::sandbox::forum::Lasts {
    threadbridge::sandbox::forum::Lasts::Times(1)
}

async fn acting_as_a_member_where_the_engine_can(world: &mut World) {
    let (thread, _) =
        world.forum().open_thread(world.board, world.bob, "Question", "Who has the key?").unwrap();
    let config = world.config(Vec::new());
    let engine = forum::engine(&config.forums[0], Arc::new(SystemClock)).unwrap();
    engine.sign_in().await.unwrap();
    let ann = Actor::Member { id: MemberId::new(world.ann.to_string()), name: "Ann".to_owned() };
    let words = vec![Inline::Text("In my own name.".to_owned())];
    let draft = Draft { body: Doc { blocks: vec![Block::Paragraph(words)] }, reply_to: None, origin: None };
    let thread_id = ThreadId::new(thread.to_string());
    let outcome = engine.reply(&ann, &thread_id, &draft).await;
    if !engine.capabilities().act_as_member {
        assert!(matches!(outcome, Err(Failure::Unsupported(_))), "{outcome:?}");
        assert!(world.posts_with(thread, "In my own name.").is_empty());
        return;
    }
    let Ok(Posted::Live { post }) = outcome else { panic!("{outcome:?}") };
    let made = world.forum().post(post.as_str().parse().unwrap()).unwrap();
    assert_eq!((made.name.as_str(), made.member), ("Ann", Some(world.ann)));
    engine
        .thank(&ann, &threadbridge::model::PostId::new(world.forum().posts(thread)[0].id.to_string()))
        .await
        .unwrap();
    assert_eq!(world.forum().thanks(world.forum().posts(thread)[0].id)[0].name, "Ann");
    // A name that went to somebody else is not used.
    let other = Actor::Member { id: MemberId::new(world.bob.to_string()), name: "Ann".to_owned() };
    let outcome = engine.reply(&other, &thread_id, &draft).await;
    assert!(matches!(&outcome, Err(Failure::Refused(no)) if no.message.contains("link the account again")));
}

/// What the software has no way to do is said in the same words to people and in the log, whatever the software; and
/// nothing that it can do is refused so.
async fn what_it_cannot_do_is_refused_in_the_same_words(world: &mut World) {
    let (thread, room) = thread(world).await;
    let config = world.config(Vec::new());
    let engine = forum::engine(&config.forums[0], Arc::new(SystemClock)).unwrap();
    engine.sign_in().await.unwrap();
    let can = engine.capabilities();
    let words = |what: &str| format!("this forum's software can't {what}");

    // What is asked of the engine: of a post that is not there, so that nothing is done where it can be done.
    let (bridge, id, post) = (Actor::Bridge, ThreadId::new("999999"), PostId::new("999999"));
    let body = Doc { blocks: vec![Block::Paragraph(vec![Inline::Text("Never mind.".to_owned())])] };
    let draft = Draft { body, reply_to: None, origin: None };
    let outcomes = [
        (can.reply, cannot::REPLY, engine.reply(&bridge, &id, &draft).await.err()),
        (can.edit, cannot::EDIT, engine.edit(&bridge, &post, &draft).await.err()),
        (can.delete, cannot::DELETE, engine.delete(&bridge, &post, "none").await.err()),
        (can.thank, cannot::THANK, engine.thank(&bridge, &post).await.err()),
        (can.withdraw_thanks, cannot::THANK, engine.withdraw_thanks(&bridge, &post).await.err()),
    ];
    for (can, what, failure) in outcomes {
        let refused = failure.is_some_and(|failure| failure.to_string() == words(what));
        assert_eq!(refused, !can, "{what}");
    }

    // What people try.
    let mark = |can: bool| if can { "✅" } else { "⚠️" };
    let said = world.discord().say(world.dora, room, "Here it is.", None).unwrap();
    world.marked(said, mark(can.reply)).await;
    let opened =
        world.discord().forum_post(world.dora, world.forum_channel, "My news", "Listen.", &[]).unwrap();
    world.marked(opened, mark(can.open_thread)).await;
    for (can, what, room) in [(can.reply, cannot::REPLY, room), (can.open_thread, cannot::OPEN, opened)] {
        if !can {
            world.message(room, &words(what)).await;
        }
        assert_eq!(world.find(room, "this forum's software can't").is_none(), can, "{what}");
    }
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;
    let message = world.message(room, "Who has the key?").await.id;
    for (menu, can, what) in
        [("Thank the poster", can.thank, cannot::THANK), ("Reply on the forum", can.reply, cannot::REPLY)]
    {
        let asked = world.discord().message_command(world.dora, message, menu).unwrap();
        let first = asked.first().await.unwrap();
        if first.modal.is_none() {
            let answer = asked.answer().await.unwrap();
            assert_eq!(answer.text().contains(&words(what)), !can, "{menu}: {}", answer.text());
        } else {
            assert!(can, "{menu}");
        }
    }
    let posts = if can.reply { 2 } else { 1 };
    assert_eq!(world.forum().posts(thread).len(), posts);
    assert_eq!(world.parked().await, Vec::<String>::new());
}
