//! The engine for vBulletin 4, asked as the bridge and its commands ask it, over HTTP against the sandbox's forum.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use threadbridge::clock::SystemClock;
use threadbridge::config::{AccountConfig, EngineName, ForumConfig};
use threadbridge::forum::{self, Actor, Draft, Engine, Failure, Posted};
use threadbridge::markup::Doc;
use threadbridge::model::{BoardId, ForumKey, MemberId, MemberKey, Search, ThreadId};
use threadbridge::sandbox::forum::{DEFAULT_PASSWORD, Forum, Links, Options};

fn forum(options: Options) -> Forum {
    Forum::start(options, Arc::new(SystemClock)).expect("the sandbox")
}

/// The engine, as the member of this name; without one as a guest.
fn engine(forum: &Forum, username: Option<&str>) -> Arc<dyn Engine> {
    let account = username.map(|name| AccountConfig {
        username: name.to_owned(),
        password: DEFAULT_PASSWORD.to_owned().into(),
    });
    let config = ForumConfig {
        guilds: Vec::new(),
        api: None,
        hook_secret: None,
        key: ForumKey::new("test"),
        engine: EngineName::Vbulletin4,
        url: forum.url().parse().expect("an address"),
        account,
        timezone: TimeZone::get("Europe/London").expect("a bundled zone"),
        poll: Duration::from_secs(1),
        min_request_gap: Duration::ZERO,
    };
    forum::engine(&config, Arc::new(SystemClock)).expect("an engine")
}

fn words(text: &str) -> Search {
    Search { words: text.to_owned(), ..Search::default() }
}

#[tokio::test]
async fn searches_find_words_authors_and_boards() {
    for (redirects, username) in [(true, Some("Bridge")), (false, Some("Bridge")), (true, None)] {
        let forum = forum(Options { header_redirects: redirects, threads_per_page: 5, ..Options::default() });
        let (ann, bo) = (forum.add_member("Ann"), forum.add_member("Bo & Co"));
        forum.add_member("Bridge");
        let (chat, news) = (forum.add_board("Chat"), forum.add_board("News"));
        let (ovens, first) =
            forum.open_thread(chat, ann, "Ovens", "Who knows about **kilns**?").expect("a thread");
        for number in 0..7 {
            forum.reply(ovens, bo, &format!("Kiln number {number}")).expect("a post");
        }
        forum.open_thread(news, bo, "Bread", "The kiln is warm.").expect("a thread");
        let engine = engine(&forum, username);

        let found = engine.search(&words("kiln")).await.expect("results");
        assert_eq!((found.page, found.pages, found.hits.len()), (1, 2, 5), "nine posts, five a page");
        let second = engine.search(&Search { page: 2, ..words("kiln") }).await.expect("results");
        assert_eq!((second.page, second.hits.len()), (2, 4));
        let beyond = engine.search(&Search { page: 9, ..words("kiln") }).await.expect("results");
        assert!(beyond.hits.iter().all(|hit| !found.hits.contains(hit)), "no page twice");
        assert_eq!(forum.requests().get("POST /search.php"), Some(&1), "further pages are no new searches");

        let by_author = engine.search(&Search { author: Some("Ann".to_owned()), ..Search::default() }).await;
        let by_author = by_author.expect("results");
        let hit = &by_author.hits[0];
        assert_eq!(by_author.hits.len(), 1);
        assert_eq!((hit.title.as_str(), hit.author.as_deref()), ("Ovens", Some("Ann")));
        assert_eq!(hit.thread.as_ref().map(|id| id.0.clone()), Some(ovens.to_string()));
        assert_eq!(hit.post.as_ref().map(|id| id.0.clone()), Some(first.to_string()));
        assert!(hit.snippet.as_deref().is_some_and(|text| text.contains("Who knows")) && hit.at.is_some());

        let on_board = Search { board: Some(BoardId::new(news.to_string())), ..words("kiln") };
        let found = engine.search(&on_board).await.expect("results");
        assert_eq!(found.hits.iter().map(|hit| hit.title.as_str()).collect::<Vec<_>>(), ["Bread"]);
        assert_eq!(found.hits[0].author.as_deref(), Some("Bo & Co"));

        let none = engine.search(&words("xylophone")).await.expect("an empty page");
        assert!(none.hits.is_empty());
        let nothing = engine.search(&Search::default()).await.expect_err("nothing to search for");
        assert!(matches!(nothing, Failure::Refused(_)), "{nothing}");
        forum.stop().await;
    }
}

#[tokio::test]
async fn members_are_known_by_id_and_by_name() {
    let forum = forum(Options::default());
    let ann = forum.add_member("Ann & Söhne");
    let board = forum.add_board("Chat");
    forum.open_thread(board, ann, "Hello", "Some words").expect("a thread");
    let engine = engine(&forum, None);
    let by_id = engine.member(&MemberKey::Id(MemberId::new(ann.to_string()))).await.expect("a member");
    let by_name = engine.member(&MemberKey::Name("Ann & Söhne".to_owned())).await.expect("a member");
    assert_eq!(by_id, by_name);
    assert_eq!((by_id.name.as_str(), by_id.posts), ("Ann & Söhne", Some(1)));
    assert_eq!(by_id.id, Some(MemberId::new(ann.to_string())));
    assert_eq!((by_id.thanks_given, by_id.thanks_received, by_id.posts_thanked), (Some(0), Some(0), Some(0)));
    assert!(by_id.joined.is_some());
    let nobody = engine.member(&MemberKey::Name("Nobody".to_owned())).await.expect_err("nobody");
    assert!(matches!(nobody, Failure::Gone(_)), "{nobody}");
    forum.stop().await;
}

/// `...-part-2.html` is the first page of "Part 2", and `...-part-2-2.html` its second.
#[tokio::test]
async fn a_number_at_the_end_of_a_title_is_no_page() {
    let forum = forum(Options { links: Links::Rewritten, posts_per_page: 2, ..Options::default() });
    let ann = forum.add_member("Ann");
    let board = forum.add_board("General Chat");
    let (thread, first) = forum.open_thread(board, ann, "Tricks Part 2", "one").expect("a thread");
    for text in ["two", "three"] {
        forum.reply(thread, ann, text).expect("a post");
    }
    let engine = engine(&forum, None);
    let page_at = async |address: &str| {
        let page = engine.page_at(address).await.unwrap_or_else(|error| panic!("{address}: {error}"));
        (page.thread.id.map(|id| id.0), page.thread.page)
    };
    let base = forum.url();
    let id = Some(thread.to_string());
    for (address, page) in [
        (format!("{base}forums/general-chat/{thread}-tricks-part-2.html"), 1),
        (format!("{base}forums/general-chat/{thread}-tricks-part-2-2.html"), 2),
        (format!("forums/general-chat/{thread}-tricks-part-2.html#post{first}"), 1),
        (format!("{base}showthread.php?t={thread}"), 1),
        (format!("{base}showthread.php?s=0123456789abcdef0123456789abcdef&t={thread}&page=2"), 2),
        (format!("{base}showthread.php?p={first}#post{first}"), 1),
        (format!("{base}showthread.php?{thread}-Tricks-Part-2/page2"), 2),
        (format!("{base}threads/{thread}-Tricks-Part-2"), 1),
    ] {
        assert_eq!(page_at(&address).await, (id.clone(), page), "{address}");
    }
    for address in ["https://elsewhere.example/showthread.php?t=1", "just words"] {
        let failure = engine.page_at(address).await.expect_err("no thread of this forum");
        assert!(matches!(failure, Failure::Gone(_)), "{address}: {failure}");
    }
    forum.stop().await;
}

#[tokio::test]
async fn a_reply_that_went_into_an_older_post_is_told_apart() {
    let merging = Options { merge_within: Duration::from_secs(600), ..Options::default() };
    let forum = forum(merging);
    let ann = forum.add_member("Ann");
    forum.add_member("Bridge");
    let board = forum.add_board("Chat");
    let (thread, _) = forum.open_thread(board, ann, "Hello", "Some words").expect("a thread");
    let engine = engine(&forum, Some("Bridge"));
    let thread = ThreadId::new(thread.to_string());
    let say = async |text: &str| {
        let draft = Draft { body: Doc::text(text), reply_to: None, origin: None };
        engine.reply(&Actor::Bridge, &thread, &draft).await.expect("a post")
    };
    let Posted::Live { post } = say("one of mine").await else { panic!("a new post") };
    assert_eq!(say("two of mine").await, Posted::Merged { post: post.clone() });
    forum.reply(thread.as_str().parse().expect("a number"), ann, "a word between").expect("a post");
    assert!(matches!(say("three of mine").await, Posted::Live { post: new } if new != post));
    forum.stop().await;
}
