//! Feeds: what is new in them appears in Discord, and nobody there can answer.

use std::sync::Arc;

use threadbridge::check;
use threadbridge::clock::SystemClock;
use threadbridge::config::{BridgeConfig, EngineName, Layout, Scope, Start};
use threadbridge::model::BoardId;
use threadbridge::read::{self, Source};
use threadbridge::sandbox::discord::Limits;
use threadbridge::sandbox::forum::{Deletion, Face, Fault, FeedKind, Lasts, Options};
use threadbridge::why;

use crate::world::{World, eventually};

async fn rss(change: impl FnOnce(&mut Options)) -> World {
    let mut options = Options { face: Face::Feed(FeedKind::Rss), ..Options::default() };
    change(&mut options);
    World::with(options, Limits::off()).await
}

/// What webhooks said in the text channel, by the title of each.
fn titles(world: &World) -> Vec<String> {
    let first = |text: String| text.split(['[', ']']).nth(1).unwrap_or_default().to_owned();
    world.mirrored(world.text_channel).into_iter().map(first).collect()
}

fn told(world: &World, title: &str) {
    world.forum().open_thread(world.board, world.ann, title, &format!("Words of {title}.")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_are_threads_in_a_forum_channel_and_messages_in_a_text_channel() {
    for kind in [FeedKind::Rss, FeedKind::Atom, FeedKind::Json] {
        let mut world = World::of(Face::Feed(kind)).await;
        told(&world, "Old news");
        world.start(vec![world.threads(), world.feed()]).await;
        told(&world, "Fresh paint");
        let room = world.room("Fresh paint").await;
        let first = world.message(room, "Words of Fresh paint.").await;
        assert_eq!(first.author_name, "Ann", "{kind:?}");
        assert!(first.content.starts_with("### [Fresh paint]"), "{}", first.content);
        let same = world.message(world.text_channel, "Words of Fresh paint.").await;
        assert!(same.content.contains("/t/"), "it leads to the item: {}", same.content);
        told(&world, "Wet paint");
        world.message(world.text_channel, "Words of Wet paint.").await;
        world.quiet().await;
        assert_eq!(titles(&world), ["Fresh paint", "Wet paint"], "{kind:?}");
        assert_eq!(world.discord().threads(world.forum_channel).len(), 2);
        let thread =
            world.forum().threads(world.board).into_iter().find(|it| it.title == "Wet paint").unwrap();
        let config = world.config(vec![world.threads(), world.feed()]);
        let url = format!("{}t/{}", world.forum().url(), thread.id);
        let story = why::story(&config, &url, Arc::new(SystemClock)).await.unwrap();
        assert!(
            story.contains("sent") && story.contains(&format!("to channel {}", world.text_channel)),
            "{story}"
        );
        world.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_item_is_edited_and_one_that_is_told_of_no_more_stays() {
    let mut world = rss(|options| options.feed_items = 2).await;
    world.start(vec![world.threads()]).await;
    let (_, post) = world.forum().open_thread(world.board, world.ann, "Opening hours", "From nine.").unwrap();
    let room = world.room("Opening hours").await;
    let message = world.message(room, "From nine.").await;
    world.forum().edit(post, "From ten.").unwrap();
    eventually("the edit", || {
        world.discord().message(message.id).filter(|it| it.content.contains("From ten."))
    })
    .await;
    // The feed holds two items: this one leaves it, and another is deleted.
    told(&world, "Second");
    let (_, third) = world.forum().open_thread(world.board, world.ann, "Third", "Words of Third.").unwrap();
    let thirds = world.room("Third").await;
    world.message(thirds, "Words of Third.").await;
    world.forum().delete(third, Deletion::Hard).unwrap();
    world.quiet().await;
    world.stop().await.unwrap();
    world.start(vec![world.threads()]).await;
    told(&world, "Fourth");
    world.room("Fourth").await;
    world.quiet().await;
    assert!(world.find(room, "From ten.").is_some() && world.find(thirds, "Words of Third.").is_some());
    assert_eq!(world.discord().threads(world.forum_channel).len(), 4, "nothing twice, nothing withdrawn");
    assert_eq!(world.parked().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_that_change_with_each_reading_flood_nothing() {
    for dates in [true, false] {
        let mut world = rss(|options| {
            options.feed_ids_change = true;
            options.feed_dates = dates;
        })
        .await;
        ["One", "Two", "Three"].iter().for_each(|title| told(&world, title));
        world.start(vec![world.feed()]).await;
        world.quiet().await;
        told(&world, "Four");
        world.message(world.text_channel, "Words of Four.").await;
        world.quiet().await;
        world.stop().await.unwrap();
        told(&world, "Five");
        world.start(vec![world.feed()]).await;
        world.message(world.text_channel, "Words of Five.").await;
        world.quiet().await;
        assert_eq!(titles(&world), ["Four", "Five"], "dates: {dates}");
        world.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_without_dates_are_history_or_news_like_others() {
    let mut world = rss(|options| options.feed_dates = false).await;
    ["One", "Two"].iter().for_each(|title| told(&world, title));
    world.start(vec![world.feed()]).await;
    told(&world, "Three");
    world.message(world.text_channel, "Words of Three.").await;
    world.quiet().await;
    assert_eq!(titles(&world), ["Three"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_brings_over_what_it_says_in_order() {
    for (start, shown) in [
        (Start::All, vec!["One", "Two", "Three", "Four"]),
        (Start::Newest(2), vec!["Two", "Three", "Four"]),
        (Start::Now, vec!["Four"]),
    ] {
        let mut world = rss(|_| ()).await;
        ["One", "Two", "Three"].iter().for_each(|title| told(&world, title));
        world.start(vec![BridgeConfig { start, ..world.feed() }]).await;
        if start != Start::Now {
            world.message(world.text_channel, "Words of Three.").await;
        }
        told(&world, "Four");
        world.message(world.text_channel, "Words of Four.").await;
        world.quiet().await;
        assert_eq!(titles(&world), shown, "{start:?}");
        world.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_that_is_dated_back_is_news_and_one_from_before_the_feed_is_not() {
    let mut world = rss(|options| options.feed_items = 2).await;
    let now = world.forum().now();
    let ago = |hours: i64| now - jiff::SignedDuration::from_hours(hours);
    let tell = |world: &World, title: &str, hours: i64| {
        let words = format!("Words of {title}.");
        world.forum().open_thread_at(world.board, world.ann, title, &words, ago(hours)).unwrap().1
    };
    tell(&world, "Ancient", 90);
    tell(&world, "Older", 20);
    let newest = tell(&world, "Newer", 2);
    world.start(vec![world.feed()]).await;
    // Written down for later some time ago, and let out now.
    tell(&world, "Scheduled", 10);
    world.message(world.text_channel, "Words of Scheduled.").await;
    // With the newest gone, what is older than everything that was there comes back into the feed.
    world.forum().delete(newest, Deletion::Hard).unwrap();
    world.quiet().await;
    let scheduled =
        world.forum().threads(world.board).into_iter().find(|it| it.title == "Scheduled").unwrap();
    world.forum().delete_thread(scheduled.id).unwrap();
    world.quiet().await;
    assert_eq!(titles(&world), ["Scheduled"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_feed_for_a_while_changes_nothing() {
    let mut world = rss(|_| ()).await;
    world.start(vec![world.threads()]).await;
    told(&world, "Before");
    let room = world.room("Before").await;
    world.message(room, "Words of Before.").await;
    let faults = [
        Fault::LoginForm,
        Fault::Garbage,
        Fault::Status(404, None),
        Fault::Status(503, Some(1)),
        Fault::CutBody(300),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        world.forum().fail(fault, Lasts::Times(2));
        let title = format!("After {number}");
        told(&world, &title);
        world.room(&title).await;
    }
    world.quiet().await;
    assert!(world.find(room, "Words of Before.").is_some());
    assert_eq!(world.discord().threads(world.forum_channel).len(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_can_answer_a_feed_and_everybody_is_told_why() {
    let mut world = rss(|_| ()).await;
    world.start(vec![world.threads()]).await;
    let (thread, _) = world.forum().open_thread(world.board, world.ann, "Tip", "Label both ends.").unwrap();
    let room = world.room("Tip").await;
    let message = world.message(room, "Label both ends.").await.id;
    world.quiet().await;
    let said = world.discord().say(world.dora, room, "Good idea.", None).unwrap();
    world.marked(said, "⚠️").await;
    world.message(room, "this forum's software can't take replies").await;
    let opened =
        world.discord().forum_post(world.dora, world.forum_channel, "My news", "Listen.", &[]).unwrap();
    world.marked(opened, "⚠️").await;
    world.message(opened, "this forum's software can't take new threads").await;
    // A reaction is no more than that; who asks in words is answered in words.
    world.discord().react(world.emil, message, "👍").unwrap();
    eventually("the commands", || (!world.discord().commands().is_empty()).then_some(())).await;
    for (menu, words) in [
        ("Thank the poster", "this forum's software can't take thanks"),
        ("Reply on the forum", "this forum's software can't take replies"),
    ] {
        let asked = world.discord().message_command(world.dora, message, menu).unwrap();
        let answer = asked.answer().await.unwrap();
        assert!(answer.ephemeral() && answer.text().contains(words), "{menu}: {}", answer.text());
    }
    world.quiet().await;
    assert_eq!(world.forum().posts(thread).len(), 1);
    assert_eq!(world.parked().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_says_what_a_feed_can_do_and_what_an_address_is_instead() {
    let world = rss(|_| ()).await;
    told(&world, "Tip");
    let text = {
        let config = world.config(vec![world.threads()]);
        check::run(&config, Arc::new(SystemClock), false).await.text()
    };
    for words in [
        "ok       forum edu: it is read only",
        "\"Staffroom\" can be read; 1 thread",
        "this forum's software can't take replies",
        "set replies = \"off\"",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    let nowhere = |board: &str| BridgeConfig { scope: Scope::Board(BoardId::new(board)), ..world.threads() };
    for (board, words) in [(".", "a web page, not a feed"), ("feeds/none.xml", "the site has no feed at")] {
        let config = world.config(vec![nowhere(board)]);
        let text = check::run(&config, Arc::new(SystemClock), false).await.text();
        assert!(text.contains("FAULT") && text.contains(words), "{text}");
    }
    let front = check::run(&world.config(vec![nowhere(".")]), Arc::new(SystemClock), false).await.text();
    assert!(front.contains(&format!("feeds/{}.xml", world.board)), "it names the feeds: {front}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_is_read_whole_from_the_command_line() {
    let world = rss(|_| ()).await;
    ["One", "Two"].iter().for_each(|title| told(&world, title));
    let url = format!("{}feeds/{}.xml", world.forum().url(), world.board);
    let zone = jiff::tz::TimeZone::UTC;
    let reading = read::page(Source::Url(url), EngineName::Feed, None, zone.clone(), Arc::new(SystemClock))
        .await
        .unwrap();
    let json: serde_json::Value = serde_json::from_str(&reading.json()).unwrap();
    assert_eq!((&json["forum"]["engine"], &json["thread"]["title"]), (&"feed".into(), &"Staffroom".into()));
    assert_eq!(json["posts"][0]["author"]["name"], "Ann");
    assert!(json["posts"][0]["markdown"].as_str().unwrap().contains("Words of One."), "the oldest first");
    assert_eq!(json["permissions"]["post_replies"], false);
    assert!(reading.markdown().contains("### [Two]"), "{}", reading.markdown());
    let saved = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/feed/atom.xml")).unwrap();
    let saved =
        read::page(Source::Bytes(saved), EngineName::Feed, None, zone, Arc::new(SystemClock)).await.unwrap();
    assert_eq!(saved.page.posts.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unchanged_feed_is_not_sent_again() {
    let mut world = rss(|_| ()).await;
    told(&world, "One");
    world.start(vec![BridgeConfig { layout: Layout::Feed, start: Start::All, ..world.feed() }]).await;
    world.message(world.text_channel, "Words of One.").await;
    world.quiet().await;
    let unchanged = world.forum().unchanged();
    world.quiet().await;
    assert!(world.forum().unchanged() > unchanged, "the forum had nothing new to say");
}
