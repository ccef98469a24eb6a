//! What Discourse alone does: its limits of pace and of time, notes among the posts, its search and its members.

use std::sync::Arc;
use std::time::Duration;

use threadbridge::check;
use threadbridge::clock::SystemClock;
use threadbridge::forum::{self, Actor, Draft, Engine, Failure, Opened, Posted, RefusalKind};
use threadbridge::markup::Doc;
use threadbridge::model::{BoardId, MemberId, MemberKey, PostId, Search, ThreadId};
use threadbridge::sandbox::discord::Limits;
use threadbridge::sandbox::forum::{Action, Face, Options, Outcome};

use crate::spec;
use crate::world::{World, eventually};

async fn with(change: impl FnOnce(&mut Options)) -> World {
    let mut options = Options { face: Face::Discourse, ..Options::default() };
    change(&mut options);
    World::with(options, Limits::off()).await
}

async fn engine(world: &World) -> Arc<dyn Engine> {
    let engine = forum::engine(&world.config(Vec::new()).forums[0], Arc::new(SystemClock)).unwrap();
    engine.sign_in().await.unwrap();
    engine
}

fn refusals(world: &World) -> usize {
    world.forum().ledger().iter().filter(|entry| matches!(entry.outcome, Outcome::Refused(_))).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forum_that_asks_for_patience_gets_it_and_both_replies() {
    let mut world = with(|options| options.flood = Duration::from_secs(3)).await;
    world.start(vec![world.threads()]).await;
    let (thread, _) =
        world.forum().open_thread(world.board, world.ann, "Question", "Who has the key?").unwrap();
    let room = world.room("Question").await;
    world.message(room, "Who has the key?").await;
    let one = world.discord().say(world.dora, room, "I have it, I think.", None).unwrap();
    let two = world.discord().say(world.emil, room, "No, I have it.", None).unwrap();
    world.marked(one, "✅").await;
    world.marked(two, "✅").await;
    world.quiet().await;
    let said: Vec<String> = world.forum().posts(thread).into_iter().skip(1).map(|post| post.text).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("I think") && said[1].contains("No, I have it."), "{said:?}");
    let asked = world.forum().calls().iter().filter(|call| call.status == 429).count();
    assert!((1..=2).contains(&asked), "the wait that was asked for is kept: {asked} refusals");
    assert_eq!(spec::faults(&world.forum().calls()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thanks_that_came_too_late_to_be_taken_back_stay_and_people_are_told() {
    let mut world = with(|_| ()).await;
    world.start(vec![world.threads()]).await;
    let (_, post) = world.forum().open_thread(world.board, world.ann, "A tip", "Label both ends.").unwrap();
    let room = world.room("A tip").await;
    let message = world.message(room, "Label both ends.").await;
    world.discord().react(world.dora, message.id, "🙏").unwrap();
    eventually("the thanks", || (world.forum().thanks(post).len() == 1).then_some(())).await;
    world.message(room, "1 thanks: Discord Bridge").await;
    world.clock.advance(Duration::from_secs(11 * 60));
    world.discord().unreact(world.dora, message.id, "🙏").unwrap();
    world
        .message(room, "The thanks stay on the forum: the forum's time for taking thanks back is over.")
        .await;
    world.quiet().await;
    assert_eq!(world.forum().thanks(post).len(), 1);
    assert_eq!(world.parked().await, Vec::<String>::new(), "nobody has to look after it");
    // Who thanks again thanks no second time.
    world.discord().react(world.emil, message.id, "🙏").unwrap();
    world.quiet().await;
    assert_eq!((world.forum().thanks(post).len(), refusals(&world)), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unlisted_topic_is_withdrawn_until_it_is_listed_again() {
    let mut world = with(|_| ()).await;
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Rota", "Who comes?").unwrap();
    for number in 2..=25 {
        world.forum().reply(thread, world.bob, &format!("post number {number}.")).unwrap();
    }
    let room = world.room("Rota").await;
    world.message(room, "post number 25.").await;
    world.forum().unlist(thread, true).unwrap();
    eventually("the withdrawal", || world.mirrored(room).is_empty().then_some(())).await;
    world.forum().reply(thread, world.bob, "For those with the address.").unwrap();
    world.quiet().await;
    assert_eq!(world.mirrored(room), Vec::<String>::new());
    world.forum().unlist(thread, false).unwrap();
    world.message(room, "For those with the address.").await;
    eventually("all of it", || (world.mirrored(room).len() == 26).then_some(())).await;
    world.quiet().await;
    assert_eq!(world.mirrored(room).len(), 26);
    assert_eq!(spec::faults(&world.forum().calls()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_last_page_without_posts_hides_no_news() {
    let mut world = with(|_| ()).await;
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Long", "post number 1.").unwrap();
    for number in 2..=19 {
        world.forum().reply(thread, world.bob, &format!("post number {number}.")).unwrap();
    }
    let room = world.room("Long").await;
    eventually("all posts", || (world.mirrored(room).len() == 19).then_some(())).await;
    world.stop().await.unwrap();
    // The twentieth fills the page; on the next there is only a note.
    world.forum().reply(thread, world.ann, "post number 20.").unwrap();
    world.forum().note(thread, world.ann, "pinned.enabled").unwrap();
    world.start(vec![world.threads()]).await;
    world.message(room, "post number 20.").await;
    world.quiet().await;
    assert_eq!(world.mirrored(room).len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_review_queue_makes_wait() {
    let world = with(|_| ()).await;
    let (thread, _) =
        world.forum().open_thread(world.board, world.ann, "Question", "Who has the key?").unwrap();
    world.forum().moderate_board(world.board, true).unwrap();
    let engine = engine(&world).await;
    let draft = Draft { body: Doc::text("I have the key."), reply_to: None, origin: None };
    let reply = engine.reply(&Actor::Bridge, &ThreadId::new(thread.to_string()), &draft).await.unwrap();
    assert_eq!(reply, Posted::AwaitingApproval);
    let draft = Draft { body: Doc::text("It is a new matter."), reply_to: None, origin: None };
    let board = BoardId::new(world.board.to_string());
    let opened = engine.open_thread(&Actor::Bridge, &board, "Another matter", &draft).await.unwrap();
    assert_eq!(opened, Opened::AwaitingApproval);
    let waiting = world.forum().ledger().into_iter().filter(|entry| entry.outcome == Outcome::Awaiting);
    assert_eq!(waiting.map(|entry| entry.action).collect::<Vec<_>>(), [Action::Reply, Action::OpenThread]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_find_words_authors_and_boards_and_nothing_private() {
    let world = with(|_| ()).await;
    let other = world.forum().add_board("Kitchen");
    let hidden = world.forum().add_board("Group");
    world.forum().hide_board(hidden).unwrap();
    let account = world.forum().members().into_iter().find(|it| it.name == "Discord Bridge").unwrap().id;
    world.forum().let_in(hidden, account).unwrap();
    let (ovens, first) =
        world.forum().open_thread(world.board, world.ann, "Ovens", "Who knows kilns?").unwrap();
    world.forum().reply(ovens, world.bob, "A kiln is an oven.").unwrap();
    world.forum().open_thread(other, world.bob, "Bread", "The kiln is warm.").unwrap();
    world.forum().open_thread(hidden, world.bob, "Secret", "The secret kiln.").unwrap();
    let config = world.config(Vec::new());
    let guest = forum::engine(&config.forums[0].as_guest(), Arc::new(SystemClock)).unwrap();
    let titles = async |search: Search| -> Vec<String> {
        let found = guest.search(&search).await.unwrap();
        found.hits.into_iter().map(|hit| hit.title).collect()
    };
    let words = |text: &str| Search { words: text.to_owned(), ..Search::default() };
    assert_eq!(titles(words("kiln")).await, ["Bread", "Ovens", "Ovens"]);
    assert_eq!(titles(Search { author: Some("Ann".to_owned()), ..words("kiln") }).await, ["Ovens"]);
    assert_eq!(
        titles(Search { board: Some(BoardId::new(other.to_string())), ..words("kiln") }).await,
        ["Bread"]
    );
    assert_eq!(titles(words("xylophone")).await, Vec::<String>::new());
    let by_ann = guest.search(&Search { author: Some("Ann".to_owned()), ..Search::default() }).await.unwrap();
    let hit = &by_ann.hits[0];
    assert_eq!(
        (hit.post.clone(), hit.author.as_deref()),
        (Some(PostId::new(first.to_string())), Some("Ann"))
    );
    assert!(hit.at.is_some() && hit.snippet.as_deref().is_some_and(|words| words.contains("kilns")));
    for nothing in [Search::default(), words("a")] {
        assert!(matches!(guest.search(&nothing).await, Err(Failure::Refused(_))));
    }
    assert_eq!(spec::faults(&world.forum().calls()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_are_known_by_name() {
    let world = with(|_| ()).await;
    let (_, post) = world.forum().open_thread(world.board, world.ann, "Ovens", "Who knows kilns?").unwrap();
    world.forum().thank(post, world.bob).unwrap();
    let engine = engine(&world).await;
    let ann = engine.member(&MemberKey::Name("ann".to_owned())).await.unwrap();
    assert_eq!((ann.name.as_str(), ann.posts, ann.thanks_received), ("Ann", Some(1), Some(1)));
    assert_eq!(ann.id.map(|id| id.to_string()), Some(world.ann.to_string()));
    assert!(ann.joined.is_some() && ann.url.is_some_and(|url| url.ends_with("/u/Ann")));
    // Whoever was asked for by name is known by number, too, and can be written to.
    let id = MemberId::new(world.ann.to_string());
    assert_eq!(engine.member(&MemberKey::Id(id.clone())).await.unwrap().name, "Ann");
    engine.message_member(&id, "Ann", "A code from Discord", &Doc::text("It is 1234.")).await.unwrap();
    let mail = world.forum().mail(world.ann);
    assert_eq!((mail.len(), mail[0].title.as_str()), (1, "A code from Discord"));
    assert!(mail[0].text.contains("1234"), "{}", mail[0].text);
    world.forum().take_mail(world.bob, false).unwrap();
    let bob = MemberId::new(world.bob.to_string());
    let refused = engine.message_member(&bob, "Bob", "A code", &Doc::text("It is 5678.")).await;
    assert!(matches!(&refused, Err(Failure::Refused(_))), "{refused:?}");
    for nobody in ["Nobody", "../admin", ""] {
        let failure = engine.member(&MemberKey::Name(nobody.to_owned())).await.expect_err("nobody");
        assert!(matches!(failure, Failure::Gone(_)), "{nobody}: {failure}");
    }
    assert_eq!(spec::faults(&world.forum().calls()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_comes_too_late_is_refused() {
    let world = with(|options| options.edit_within = Some(Duration::ZERO)).await;
    let (thread, _) =
        world.forum().open_thread(world.board, world.ann, "Question", "Who has the key?").unwrap();
    let engine = engine(&world).await;
    let draft = |words: &str| Draft { body: Doc::text(words), reply_to: None, origin: None };
    let thread = ThreadId::new(thread.to_string());
    let posted = engine.reply(&Actor::Bridge, &thread, &draft("I have the key.")).await.unwrap();
    let Posted::Live { post } = posted else { panic!("{posted:?}") };
    world.clock.advance(Duration::from_secs(2));
    let failure = engine.edit(&Actor::Bridge, &post, &draft("Somebody has it.")).await.expect_err("too late");
    assert!(matches!(&failure, Failure::Refused(no) if no.kind == RefusalKind::TooLate), "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_says_which_right_is_missing_and_how_to_grant_it() {
    for for_all in [true, false] {
        let world = with(|options| options.api_key_for_all = for_all).await;
        let mut config = world.config(vec![world.threads()]);
        let text = check::run(&config, Arc::new(SystemClock), false).await.text();
        assert!(text.contains("ok       forum edu: signed in as Discord Bridge"), "{text}");
        let lacks = text.contains("members can't write as themselves")
            && text.contains("\"All Users\" at /admin/api/keys");
        assert_eq!(lacks, !for_all, "{text}");
        assert!(!text.contains("/admin/api/web_hooks"), "{text}");
        config.forums[0].hook_secret = None;
        let text = check::run(&config, Arc::new(SystemClock), false).await.text();
        assert!(text.contains("/admin/api/web_hooks"), "{text}");
        config.forums[0].api = config.forums[0].api.take().map(|api| threadbridge::config::ApiConfig {
            key: "00000000000000000000000000000000".to_owned().into(),
            ..api
        });
        let text = check::run(&config, Arc::new(SystemClock), false).await.text();
        assert!(
            text.contains("FAULT") && text.contains("check forums.api_key and forums.api_user"),
            "{text}"
        );
        config.forums[0].api = None;
        let text = check::run(&config, Arc::new(SystemClock), false).await.text();
        assert!(text.contains("read as a guest") && text.contains("set forums.api_key"), "{text}");
    }
}
