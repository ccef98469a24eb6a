//! The engine for NodeBB: against the sandbox what its traps come to, and against a real server, where
//! `THREADBRIDGE_TEST_NODEBB` names one, everything that the engine can do.

#[path = "scenarios/described.rs"]
mod described;
#[path = "scenarios/spec_nodebb.rs"]
mod spec_nodebb;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::Value;
use threadbridge::app;
use threadbridge::clock::{Clock, SystemClock};
use threadbridge::config::{ApiConfig, BridgeConfig, EngineName, ForumConfig, Scope};
use threadbridge::forum::{self, Actor, Draft, Engine, Failure, Opened, PageRef, Posted, RefusalKind};
use threadbridge::markup::{Block, Doc, Inline, plain};
use threadbridge::model::{
    BoardId, ForumKey, MemberId, MemberKey, Post, PostId, Search, ThreadId, ViewerThanks, Visibility,
};
use threadbridge::read::{self, Source};
use threadbridge::sandbox::discord;
use threadbridge::sandbox::forum::{Face, Forum, Options, nodebb};
use threadbridge::sandbox::stage::{Folder, Stage};
use tokio_util::sync::CancellationToken;

fn engine(url: &str, token: Option<&str>, user: Option<&str>) -> Arc<dyn Engine> {
    let config = ForumConfig {
        key: ForumKey::new("test"),
        engine: EngineName::Nodebb,
        url: url.parse().expect("an address"),
        account: None,
        api: token.map(|key| ApiConfig { key: key.to_owned().into(), user: user.map(str::to_owned) }),
        hook_secret: None,
        timezone: TimeZone::UTC,
        poll: Duration::from_secs(1),
        min_request_gap: Duration::ZERO,
        guilds: Vec::new(),
    };
    forum::engine(&config, Arc::new(SystemClock)).expect("an engine")
}

fn draft(text: &str) -> Draft {
    Draft { body: Doc::text(text), reply_to: None, origin: None }
}

/// A forum with one thread by Ann; the first member is the bridge's account.
fn sandbox(options: Options) -> (Forum, u64, ThreadId, PostId) {
    let options = Options { face: Face::Nodebb, ..options };
    let forum = Forum::start(options, Arc::new(SystemClock)).expect("the sandbox");
    forum.add_member("Bridge");
    let ann = forum.add_member("Ann");
    let board = forum.add_board("Chat & more");
    let (thread, post) = forum.open_thread(board, ann, "Ovens", "Who knows about kilns?").expect("a thread");
    (forum, ann, ThreadId::new(thread.to_string()), PostId::new(post.to_string()))
}

/// Answers written by hand after those of real servers, each with every fact beside it.
#[tokio::test]
async fn saved_answers_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/nodebb");
    for (name, base) in [("v4-member", "https://talk.example/"), ("v3-guest", "http://old.example/forum/")] {
        let answer = std::fs::read(folder.join(format!("{name}.topic.json"))).expect("an answer");
        let clock = Arc::new(SystemClock);
        let page =
            read::page(Source::Bytes(answer), EngineName::Nodebb, Some(base), TimeZone::UTC, clock).await;
        let found: Value = serde_json::from_str(&page.expect("a page").json()).expect("JSON");
        let facts = folder.join(format!("{name}.json"));
        if std::env::var_os("THREADBRIDGE_WRITE_FACTS").is_some() {
            std::fs::write(&facts, format!("{found:#}\n")).expect("the facts are written");
        }
        let expected: Value =
            serde_json::from_str(&std::fs::read_to_string(&facts).expect("facts")).expect("JSON");
        assert_eq!(found, expected, "{name}: {found:#}");
    }
    let page = b"<html><body>Not JSON</body></html>".to_vec();
    let clock = Arc::new(SystemClock);
    let failure = read::page(Source::Bytes(page), EngineName::Nodebb, None, TimeZone::UTC, clock).await;
    assert!(failure.expect_err("no answer").to_string().contains("a page in place of"));
}

#[tokio::test]
async fn a_token_is_one_accounts_or_everybodys() {
    let (forum, ann, thread, _) = sandbox(Options::default());
    let (url, actor) =
        (forum.url(), Actor::Member { id: MemberId::new(ann.to_string()), name: "Ann".to_owned() });

    let master = engine(&url, Some(nodebb::TOKEN), Some("Bridge"));
    let account = master.sign_in().await.expect("signed in").expect("an account");
    assert_eq!((account.name.as_str(), account.id), ("Bridge", Some(MemberId::new("1"))));
    assert!(master.capabilities().act_as_member);
    let Posted::Live { post } =
        master.reply(&actor, &thread, &draft("In my own name.")).await.expect("a post")
    else {
        panic!("a post with an id")
    };
    assert_eq!(forum.post(post.as_str().parse().expect("a number")).expect("a post").name, "Ann");
    let by_number = engine(&url, Some(nodebb::TOKEN), Some("1"));
    assert_eq!(by_number.sign_in().await.expect("signed in").expect("an account").name, "Bridge");
    for (user, why) in
        [(None, "set forums.api_user"), (Some("Nobody"), "no member Nobody"), (Some("99"), "number 99")]
    {
        let failure = engine(&url, Some(nodebb::TOKEN), user).sign_in().await.expect_err("no account");
        assert!(matches!(&failure, Failure::SignIn(text) if text.contains(why)), "{failure}");
    }
    forum.stop().await;

    let (forum, ann, thread, _) = sandbox(Options { api_key_for_all: false, ..Options::default() });
    let actor = Actor::Member { id: MemberId::new(ann.to_string()), name: "Ann".to_owned() };
    let own = engine(&forum.url(), Some(nodebb::TOKEN), None);
    assert_eq!(own.sign_in().await.expect("signed in").expect("an account").name, "Bridge");
    assert!(!own.capabilities().act_as_member);
    let refused = own.reply(&actor, &thread, &draft("In whose name?")).await.expect_err("a refusal");
    assert!(refused.to_string().contains("one account only"), "{refused}");
    assert!(forum.posts(thread.as_str().parse().expect("a number")).len() == 1, "nothing was written");
    let failure =
        engine(&forum.url(), Some(nodebb::TOKEN), Some("Ann")).sign_in().await.expect_err("not Ann's");
    assert!(failure.to_string().contains("the account Bridge's, not Ann's"), "{failure}");
    forum.stop().await;
}

#[tokio::test]
async fn a_token_that_has_ended_is_not_a_guests_view() {
    let (forum, _, thread, post) = sandbox(Options::default());
    let url = forum.url();
    let ended = engine(&url, Some("no-such-token"), Some("Bridge"));
    for failure in [
        ended.sign_in().await.map(|_| ()).expect_err("not known"),
        // The forum shows all of these to guests.
        ended.thread(&thread, PageRef::Last).await.map(|_| ()).expect_err("not known"),
        ended.board(&BoardId::new("1"), 1).await.map(|_| ()).expect_err("not known"),
        ended.reply(&Actor::Bridge, &thread, &draft("Am I here?")).await.map(|_| ()).expect_err("not known"),
    ] {
        assert!(matches!(failure, Failure::SignIn(_)), "{failure}");
    }
    let guest = engine(&url, None, None);
    assert_eq!(guest.sign_in().await.expect("a guest"), None);
    let page = guest.page_with_post(&post).await.expect("a page");
    assert_eq!(page.posts[0].author.name, "Ann");
    forum.ban(1, Some("spam")).expect("a member");
    let banned = engine(&url, Some(nodebb::TOKEN), Some("Bridge"));
    let failure = banned.sign_in().await.expect_err("banned");
    assert!(failure.to_string().contains("banned"), "{failure}");
    forum.stop().await;
}

#[tokio::test]
async fn pages_end_where_they_end() {
    for pages_end in [false, true] {
        let (forum, ann, thread, first) = sandbox(Options { pages_end, ..Options::default() });
        let number: u64 = thread.as_str().parse().expect("a number");
        let mut last = 0;
        for index in 2..=45 {
            last = forum.reply(number, ann, &format!("Kiln number {index}")).expect("a post");
        }
        let engine = engine(&forum.url(), Some(nodebb::TOKEN), Some("Bridge"));
        let page = engine.thread(&thread, PageRef::Number(2)).await.expect("a page");
        assert_eq!((page.thread.page, page.thread.pages), (2, 3));
        let numbers: Vec<_> = page.posts.iter().filter_map(|post| post.number).collect();
        assert_eq!(numbers, (21..=40).collect::<Vec<_>>());
        let beyond = engine.thread(&thread, PageRef::Number(9)).await.expect("the last page");
        assert_eq!((beyond.thread.page, beyond.posts.len()), (3, 5));
        assert_eq!(engine.thread(&thread, PageRef::Last).await.expect("a page").thread.page, 3);
        let with = engine.page_with_post(&PostId::new(last.to_string())).await.expect("a page");
        assert_eq!(with.thread.page, 3);
        assert_eq!(engine.page_with_post(&first).await.expect("a page").thread.page, 1);
        let at = engine.page_at(&format!("{}topic/{thread}/ovens/25", forum.url())).await.expect("a page");
        assert_eq!(at.thread.page, 2);
        let beyond = engine.board(&BoardId::new("1"), 2).await.expect("a page");
        assert_eq!((beyond.page, beyond.pages, beyond.threads.len()), (2, 1, 0), "walking a board ends");
        let gone = engine.thread(&ThreadId::new("99999"), PageRef::Last).await.expect_err("no thread");
        assert!(matches!(gone, Failure::Gone(_)), "{gone}");
        forum.stop().await;
    }
}

#[tokio::test]
async fn searches_members_and_messages() {
    let (forum, ann, thread, post) = sandbox(Options::default());
    let engine = engine(&forum.url(), Some(nodebb::TOKEN), Some("Bridge"));
    let found =
        engine.search(&Search { words: "kilns".to_owned(), ..Search::default() }).await.expect("results");
    assert_eq!(found.hits.len(), 1);
    let hit = &found.hits[0];
    assert_eq!((hit.thread.as_ref(), hit.post.as_ref()), (Some(&thread), Some(&post)));
    assert_eq!((hit.title.as_str(), hit.author.as_deref()), ("Ovens", Some("Ann")));
    assert_eq!(hit.board.name.as_deref(), Some("Chat & more"));
    assert_eq!(hit.snippet.as_deref(), Some("Who knows about kilns?"));
    let none =
        engine.search(&Search { words: "xylophone".to_owned(), ..Search::default() }).await.expect("none");
    assert!(none.hits.is_empty());

    let by_name = engine.member(&MemberKey::Name("ann".to_owned())).await.expect("a member");
    assert_eq!((by_name.name.as_str(), by_name.posts), ("Ann", Some(1)));
    let by_id = engine.member(&MemberKey::Id(MemberId::new(ann.to_string()))).await.expect("a member");
    assert_eq!(by_id.id, by_name.id);
    for nobody in [MemberKey::Id(MemberId::new("99")), MemberKey::Name("Nobody".to_owned())] {
        let failure = engine.member(&nobody).await.expect_err("nobody");
        assert!(matches!(failure, Failure::Gone(_)), "{failure}");
    }
    let ann_id = MemberId::new(ann.to_string());
    engine.message_member(&ann_id, "Ann", "Your code", &Doc::text("It is 1234.")).await.expect("sent");
    let mail = forum.mail(ann);
    assert!(mail[0].text.contains("Your code") && mail[0].text.contains("It is 1234"), "{mail:?}");
    forum.take_mail(ann, false).expect("a member");
    let boards = engine.boards().await.expect("boards");
    assert_eq!(boards.iter().map(|board| board.name.as_str()).collect::<Vec<_>>(), ["Chat & more"]);
    assert!(
        engine.lacks().await.expect("an answer").iter().all(|lack| !lack.what.contains("one account only"))
    );
    assert_eq!(spec_nodebb::faults(&forum.calls()), Vec::<String>::new());
    forum.stop().await;
}

#[tokio::test]
async fn refusals_say_why() {
    let flood = Options { flood: Duration::from_secs(30), min_length: 8, ..Options::default() };
    let (forum, ann, thread, first) = sandbox(flood);
    let engine = engine(&forum.url(), Some(nodebb::TOKEN), Some("Bridge"));
    let say = async |text: &str| engine.reply(&Actor::Bridge, &thread, &draft(text)).await;
    let short = say("short").await.expect_err("too short");
    assert!(matches!(&short, Failure::Refused(no) if no.kind == RefusalKind::TooShort), "{short}");
    let Posted::Live { post } = say("Long enough.").await.expect("a post") else { panic!("a post") };
    let soon = say("And another one.").await.expect_err("too soon");
    assert!(matches!(&soon, Failure::Later { after, .. } if after.as_secs() == 30), "{soon}");
    // A post that is gone is answered by an ordinary one, and what is gone can't be edited.
    forum
        .delete(post.as_str().parse().expect("a number"), threadbridge::sandbox::forum::Deletion::Hard)
        .expect("a post");
    let late = engine.edit(&Actor::Bridge, &post, &draft("Too late, surely.")).await.expect_err("gone");
    assert!(matches!(late, Failure::Gone(_)), "{late}");
    engine.delete(&Actor::Bridge, &post, "").await.expect("gone is gone");
    let whole = engine.delete(&Actor::Bridge, &first, "").await.expect_err("the whole thread");
    assert!(whole.to_string().contains("whole thread"), "{whole}");
    let own = forum.reply(thread.as_str().parse().expect("a number"), 1, "My own words").expect("a post");
    let thanked = engine.thank(&Actor::Bridge, &PostId::new(own.to_string())).await.expect_err("one's own");
    assert!(matches!(thanked, Failure::Refused(_)), "{thanked}");
    let stranger = forum.reply(thread.as_str().parse().expect("a number"), ann, "Not yours").expect("a post");
    let not_ours =
        engine.edit(&Actor::Bridge, &PostId::new(stranger.to_string()), &draft("Mine now, or not?")).await;
    assert!(
        matches!(&not_ours, Err(Failure::Refused(no)) if no.kind == RefusalKind::NoPermission),
        "{not_ours:?}"
    );
    forum.stop().await;
}

/// What a real server is asked to be: `THREADBRIDGE_TEST_NODEBB` is its address, `..._TOKEN` a token, `..._USER` the
/// account where that is a master token, `..._BOARD` a category in which the account may write without delay or queue,
/// and `..._OTHER` another account's user token, where there is one.
struct Real {
    url: String,
    token: String,
    user: Option<String>,
    board: BoardId,
    other: Option<String>,
}

impl Real {
    fn named() -> Option<Self> {
        let get = |name: &str| std::env::var(format!("THREADBRIDGE_TEST_NODEBB{name}")).ok();
        let Some(url) = get("") else {
            println!("skipped: THREADBRIDGE_TEST_NODEBB names no NodeBB server");
            return None;
        };
        Some(Self {
            url,
            token: get("_TOKEN").expect("THREADBRIDGE_TEST_NODEBB_TOKEN"),
            user: get("_USER"),
            board: BoardId::new(get("_BOARD").unwrap_or_else(|| "2".to_owned())),
            other: get("_OTHER"),
        })
    }
}

async fn the_post(engine: &dyn Engine, post: &PostId) -> Post {
    let page = engine.page_with_post(post).await.expect("the page with the post");
    page.posts.into_iter().find(|it| it.id == *post).expect("the post is on it")
}

#[tokio::test]
async fn a_real_server() {
    let Some(real) = Real::named() else { return };
    let engine = engine(&real.url, Some(&real.token), real.user.as_deref());
    let account = engine.sign_in().await.expect("signed in").expect("an account");
    println!("signed in as {account:?}; {:?}", engine.capabilities());
    for lack in engine.lacks().await.expect("an answer") {
        println!("lacks: {} ({})", lack.what, lack.mend);
    }
    let boards = engine.boards().await.expect("boards");
    assert!(boards.iter().any(|board| board.id == real.board), "{boards:?}");

    let stamp = SystemClock.now().as_millisecond();
    let title = format!("Trial <b>&</b> \"error\" {stamp}");
    let opened = engine
        .open_thread(&Actor::Bridge, &real.board, &title, &draft("The first words, **not** bold."))
        .await;
    let Opened::Live { thread, post: Some(first) } = opened.expect("a thread") else { panic!("a thread") };
    let listed = engine.board(&real.board, 1).await.expect("a board");
    let summary = listed.threads.iter().find(|it| it.id == thread).expect("the thread is in the list");
    assert_eq!((summary.title.as_str(), summary.replies), (title.as_str(), Some(0)));
    let before = summary.marker();

    let words = vec![
        Block::Paragraph(vec![
            Inline::Bold(vec![Inline::Text("Dora".to_owned())]),
            Inline::Text(" via ".to_owned()),
            Inline::Link {
                url: "https://discord.com/channels/1/2/3".to_owned(),
                content: vec![Inline::Text("Discord".to_owned())],
            },
        ]),
        Block::Quote {
            author: Some(account.name.clone()),
            post: Some(first.clone()),
            url: None,
            content: Doc::text("The first words").blocks,
        },
        Block::Code { language: Some("rust".to_owned()), text: "let a = [1];".to_owned() },
    ];
    let reply = Draft { body: Doc { blocks: words }, reply_to: Some(first.clone()), origin: None };
    let Posted::Live { post } = engine.reply(&Actor::Bridge, &thread, &reply).await.expect("a post") else {
        panic!("a post with an id")
    };
    let shown = the_post(engine.as_ref(), &post).await;
    assert_eq!((shown.number, shown.author.id.clone()), (Some(2), account.id.clone()));
    assert!(format!("{:?}", shown.body).contains("https://discord.com/channels/1/2/3"), "{:?}", shown.body);
    assert_eq!(shown.quotes.len(), 1);
    assert_eq!(shown.quotes[0].post_id.as_ref(), Some(&first), "{:?}", shown.body);
    assert_eq!(shown.quotes[0].author.as_deref(), Some(account.name.as_str()));
    let listed = engine.board(&real.board, 1).await.expect("a board");
    let summary = listed.threads.iter().find(|it| it.id == thread).expect("the thread is in the list");
    assert_ne!(summary.marker(), before, "a new post is news");

    engine.edit(&Actor::Bridge, &post, &draft("Other words by now.")).await.expect("edited");
    let shown = the_post(engine.as_ref(), &post).await;
    assert_eq!(plain::text(&shown.body), "Other words by now.");
    assert!(shown.edited_at.is_some());
    engine.delete(&Actor::Bridge, &post, "").await.expect("deleted");
    assert_eq!(the_post(engine.as_ref(), &post).await.visibility, Visibility::Deleted);
    engine.delete(&Actor::Bridge, &post, "").await.expect("deleted already");
    assert!(matches!(engine.thank(&Actor::Bridge, &post).await, Err(Failure::Gone(_) | Failure::Refused(_))));

    let short = engine.reply(&Actor::Bridge, &thread, &draft("x")).await.expect_err("too short");
    assert!(matches!(&short, Failure::Refused(no) if no.kind == RefusalKind::TooShort), "{short}");
    let nowhere = engine.reply(&Actor::Bridge, &ThreadId::new("999999"), &draft("Where am I?")).await;
    assert!(matches!(nowhere, Err(Failure::Gone(_))), "{nowhere:?}");
    let gone = engine.page_with_post(&PostId::new("999999")).await.expect_err("no post");
    assert!(matches!(gone, Failure::Gone(_)), "{gone}");
    let beyond = engine.thread(&thread, PageRef::Number(7)).await.expect("the last page");
    assert_eq!(beyond.thread.page, 1);
    let beyond = engine.board(&real.board, 999).await.expect("an end");
    assert!(beyond.threads.is_empty() && beyond.pages < 999);
    let read =
        engine.page_at(&format!("{}/post/{first}", real.url.trim_end_matches('/'))).await.expect("a page");
    assert_eq!((read.thread.id.as_ref(), read.thread.title.as_str()), (Some(&thread), title.as_str()));
    assert_eq!(read.thread.board.id.as_ref(), Some(&real.board));
    match engine.search(&Search { words: "first words".to_owned(), ..Search::default() }).await {
        Ok(found) => println!("{} hits", found.hits.len()),
        Err(failure) => println!("no search: {failure}"),
    }

    if let Some(other) = &real.other {
        let other = self::engine(&real.url, Some(other), None);
        let them = other.sign_in().await.expect("signed in").expect("another account");
        let Posted::Live { post } =
            other.reply(&Actor::Bridge, &thread, &draft("Somebody else's words.")).await.expect("a post")
        else {
            panic!("a post with an id")
        };
        let names = |post: &Post| post.thanks.iter().map(|thanks| thanks.name.clone()).collect::<Vec<_>>();
        for _ in 0..2 {
            engine.thank(&Actor::Bridge, &post).await.expect("thanked");
            let shown = the_post(engine.as_ref(), &post).await;
            assert_eq!((shown.thanks_total, shown.viewer_thanks), (Some(1), ViewerThanks::Given));
            assert_eq!(names(&shown), [account.name.as_str()]);
        }
        for _ in 0..2 {
            engine.withdraw_thanks(&Actor::Bridge, &post).await.expect("withdrawn");
            let shown = the_post(engine.as_ref(), &post).await;
            assert_eq!((shown.thanks_total, shown.viewer_thanks), (Some(0), ViewerThanks::Possible));
        }
        let not_ours = engine.edit(&Actor::Bridge, &post, &draft("Mine now, or not?")).await;
        assert!(
            matches!(&not_ours, Err(Failure::Refused(no)) if no.kind == RefusalKind::NoPermission),
            "{not_ours:?}"
        );
        let id = them.id.clone().expect("an id");
        let member = engine.member(&MemberKey::Id(id.clone())).await.expect("a member");
        assert_eq!(member.name, them.name);
        assert_eq!(engine.member(&MemberKey::Name(them.name.clone())).await.expect("a member").id, them.id);
        engine
            .message_member(&id, &them.name, "Your code", &Doc::text("It is 1234."))
            .await
            .expect("a message");
        let actor = Actor::Member { id, name: them.name.clone() };
        let as_them = engine.reply(&actor, &thread, &draft("In another's own name.")).await;
        if engine.capabilities().act_as_member {
            let Posted::Live { post } = as_them.expect("a post") else { panic!("a post with an id") };
            assert_eq!(the_post(engine.as_ref(), &post).await.author.id, them.id);
        } else {
            assert!(matches!(&as_them, Err(Failure::Refused(_))), "{as_them:?}");
        }
    }
    let ended = self::engine(&real.url, Some("no-such-token"), None);
    assert!(matches!(ended.sign_in().await, Err(Failure::SignIn(_))));
    assert!(matches!(ended.thread(&thread, PageRef::Last).await, Err(Failure::SignIn(_))));
}

/// The whole bridge between a real forum and the sandbox's Discord.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_server_is_bridged() {
    let Some(real) = Real::named() else { return };
    let Some(other) = &real.other else {
        println!("skipped: THREADBRIDGE_TEST_NODEBB_OTHER names no other account");
        return;
    };
    let other = engine(&real.url, Some(other), None);
    other.sign_in().await.expect("signed in");
    let clock = Arc::new(SystemClock);
    let limits = discord::Options { limits: discord::Limits::off(), ..discord::Options::default() };
    let stage = Stage::start(Options::default(), limits, clock.clone()).await.expect("the sandbox");
    let channel = stage.discord.add_forum_channel(stage.guild, "threads", &[]);
    let dora = stage.discord.add_user("Dora");
    let bridge = BridgeConfig { scope: Scope::Board(real.board.clone()), ..stage.bridge(1, channel) };
    let folder = Folder::new().expect("a folder");
    let mut config =
        stage.config(&folder.database(), Duration::from_millis(500), vec![bridge]).expect("a configuration");
    let forum = &mut config.forums[0];
    (forum.engine, forum.url, forum.account) =
        (EngineName::Nodebb, real.url.parse().expect("an address"), None);
    forum.api = Some(ApiConfig { key: real.token.clone().into(), user: real.user.clone() });
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { app::run(&config, clock, stop).await }
    });
    let eventually = async |what: &str, seen: &dyn Fn() -> bool| {
        for _ in 0..600 {
            if seen() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("waited in vain for {what}");
    };
    eventually("the gateway", &|| stage.discord.sessions().0 > 0).await;
    // What was there before the bridge took stock does not cross.
    tokio::time::sleep(Duration::from_secs(4)).await;

    let title = format!("Bridged {}", SystemClock.now().as_millisecond());
    let opened = other.open_thread(&Actor::Bridge, &real.board, &title, &draft("Who has the key?")).await;
    let Opened::Live { thread, post: Some(first) } = opened.expect("a thread") else { panic!("a thread") };
    let room = || stage.discord.threads(channel).into_iter().find(|room| room.name == title);
    let shown = |words: &str| {
        let room = room()?;
        stage.discord.messages(room.id).into_iter().find(|message| message.content.contains(words))
    };
    eventually("the thread", &|| shown("Who has the key?").is_some()).await;
    let asked = shown("Who has the key?").expect("the question");

    let said =
        stage.discord.say(dora, asked.channel, "I have it, since Monday.", Some(asked.id)).expect("said");
    let marked = || stage.discord.reactions(said).into_iter().any(|(emoji, _)| emoji == "✅");
    eventually("the tick", &marked).await;
    let page = other.thread(&thread, PageRef::Last).await.expect("a page");
    assert_eq!(page.posts.len(), 2, "once");
    assert!(plain::text(&page.posts[1].body).contains("I have it, since Monday."));
    stage.discord.react(dora, asked.id, "🙏").expect("a reaction");
    eventually("the thanks", &|| shown("1 thanks").is_some()).await;
    assert_eq!(the_post(other.as_ref(), &first).await.thanks_total, Some(1));
    stage.discord.unreact(dora, asked.id, "🙏").expect("a reaction");
    eventually("the withdrawal", &|| shown("1 thanks").is_none()).await;

    let reply = other.reply(&Actor::Bridge, &thread, &draft("Then keep it.")).await.expect("a post");
    let Posted::Live { post } = reply else { panic!("a post") };
    eventually("the answer", &|| shown("Then keep it.").is_some()).await;
    other.edit(&Actor::Bridge, &post, &draft("Then keep it, please.")).await.expect("edited");
    eventually("the edit", &|| shown("keep it, please").is_some()).await;
    other.delete(&Actor::Bridge, &post, "").await.expect("deleted");
    eventually("the removal", &|| shown("keep it, please").is_none()).await;
    stage.discord.delete(said).expect("deleted");
    for _ in 0..100 {
        let page = other.thread(&thread, PageRef::Last).await.expect("a page");
        if page.posts[1].visibility == Visibility::Deleted {
            stop.cancel();
            running.await.expect("no panic").expect("the bridge stops");
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("waited in vain for the reply to go");
}
