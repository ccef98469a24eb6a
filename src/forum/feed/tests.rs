use proptest::prelude::*;

use super::*;
use crate::forum::charset;
use crate::markup::discord::{NoLinks, write};

fn at(text: &str) -> Url {
    Url::parse(text).expect("an address")
}

/// One of the feeds in `tests/fixtures/feed`, as it comes over the wire.
fn fixture(name: &str, url: &str) -> Result<Feed, Failure> {
    let path = format!("{}/tests/fixtures/feed/{name}", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    parse::feed(&charset::decode(&bytes, None).0, &at(url))
}

fn shown(item: &Item, feed: &Feed) -> String {
    write(&item.post(PostId::new("1"), feed).body, &NoLinks)
}

#[test]
fn feeds_are_read_in_every_format() {
    let table = [
        ("wordpress.xml", "https://blog.example/feed/", "School IT – Notes", 2),
        ("atom.xml", "https://site.example/notes/atom.xml", "Notes & queries", 2),
        ("feed.json", "https://micro.example/feed.json", "Small notes", 2),
        ("podcast.xml", "https://pod.example/feed.xml", "Talking Boxes", 1),
        ("rdf.xml", "https://old.example/rdf", "Old news", 1),
        ("latin1.xml", "https://cafe.example/feed", "Café", 1),
    ];
    for (name, url, title, items) in table {
        let feed = fixture(name, url).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert_eq!((feed.title.as_str(), feed.items.len()), (title, items), "{name}");
    }
    let podcast = fixture("podcast.xml", "https://pod.example/feed.xml").expect("a feed");
    let episode = &podcast.items[0];
    assert_eq!((episode.author.as_str(), episode.files.len()), ("Dan", 1));
    assert_eq!(
        (episode.files[0].name.as_str(), episode.files[0].size.as_deref()),
        ("1.mp3", Some("34.2 MB"))
    );
    // Without a page of its own it leads to the site.
    assert_eq!(episode.url, "https://pod.example/");
}

#[test]
fn an_item_of_rss_has_its_words_author_time_and_tags() {
    let feed = fixture("wordpress.xml", "https://blog.example/feed/").expect("a feed");
    let item = &feed.items[0];
    assert_eq!(item.id.as_deref(), Some("https://blog.example/?p=41"));
    assert_eq!((item.title.as_str(), item.author.as_str()), ("Cables, “again”", "Ann Archer"));
    assert_eq!(item.url, "https://blog.example/cables-again/");
    assert_eq!(item.at.map(|at| at.to_string()).as_deref(), Some("2026-05-01T10:59:58Z"));
    assert_eq!(item.tags, ["Cables", "Copper"]);
    assert!(item.edited.is_none());
    let text = shown(item, &feed);
    assert!(text.starts_with("### [Cables, “again”](<https://blog.example/cables-again/>)"), "{text}");
    assert!(text.contains("They were **cut**"), "{text}");
    // Relative addresses are from the item's own page.
    assert!(text.contains("https://blog.example/map"), "{text}");
    assert!(text.contains("https://blog.example/cables-again/pictures/cut.png"), "{text}");
    let aside = &feed.items[1];
    assert!(
        aside.title.starts_with("A short aside, without a title") && aside.title.ends_with('…'),
        "{}",
        aside.title
    );
    assert!(!aside.has_title && !shown(aside, &feed).starts_with('#'));
    assert_eq!(aside.author, feed.title, "nobody is named");
    assert_eq!(feed.face.as_deref(), Some("https://blog.example/icon-32x32.png"));
}

#[test]
fn an_entry_of_atom_has_its_base_edit_and_files() {
    let feed = fixture("atom.xml", "https://mirror.example/atom.xml").expect("a feed");
    let item = &feed.items[0];
    assert_eq!(item.url, "https://site.example/notes/2.html", "relative to xml:base");
    assert_eq!(item.edited.map(|at| at.to_string()).as_deref(), Some("2026-05-01T12:00:00Z"));
    assert_eq!(item.author, "The Editors");
    assert_eq!(item.tags, ["Releases"]);
    let file = &item.files[0];
    assert_eq!((file.name.as_str(), file.size.as_deref()), ("2.zip", Some("2.4 MB")));
    assert_eq!(file.url, "https://site.example/notes/2.zip");
    assert!(shown(item, &feed).contains("https://site.example/notes/changes.html"), "{}", shown(item, &feed));
    let first = &feed.items[1];
    assert_eq!((first.author.as_str(), first.edited), ("Bob", None));
    assert_eq!(first.at.map(|at| at.to_string()).as_deref(), Some("2026-04-01T10:00:00Z"));
    assert!(shown(first, &feed).contains("The first one."));
}

#[test]
fn an_item_of_json_may_have_no_title_and_no_time() {
    let feed = fixture("feed.json", "https://micro.example/feed.json").expect("a feed");
    let (first, second) = (&feed.items[0], &feed.items[1]);
    assert_eq!((first.title.as_str(), first.author.as_str()), ("No title, two lines. The second.", "Cat"));
    assert_eq!((first.files[0].name.as_str(), first.files[0].size.as_deref()), ("Sound", Some("51 KB")));
    assert_eq!(first.url, "https://micro.example/2");
    assert_eq!((second.title.as_str(), second.at), ("Titled", None));
    assert!(shown(second, &feed).contains("Some *words*."), "{}", shown(second, &feed));
}

#[test]
fn what_is_no_feed_is_said_to_be_what_it_is() {
    let login = fixture("login.html", "https://blog.example/feed/").expect_err("no feed").to_string();
    for words in ["web page, not a feed", "log-in", "https://blog.example/feed.xml"] {
        assert!(login.contains(words), "{words}: {login}");
    }
    for (text, words) in [
        ("", "empty"),
        ("just words", "no RSS, Atom or JSON feed"),
        ("{\"hello\": 1}", "no RSS, Atom or JSON feed"),
        ("<html><body>Hello</body></html>", "give the address of the feed itself"),
        ("<rss version=\"2.0\"><channel><item><title>cut o", "no RSS, Atom or JSON feed"),
    ] {
        let failure = parse::feed(text, &at("https://blog.example/")).expect_err("no feed");
        assert!(matches!(&failure, Failure::Unreadable(why) if why.contains(words)), "{text}: {failure}");
    }
}

#[test]
fn of_a_huge_feed_the_newest_items_are_read() {
    let item = |n: usize| {
        let (day, hour, minute) = (1 + n / 1440, n / 60 % 24, n % 60);
        format!(
            "<item><title>{n}</title><guid>{n}</guid><pubDate>{day:02} May 2026 {hour:02}:{minute:02}:00 GMT</pubDate></item>"
        )
    };
    let items: String = (0..3_000).map(item).collect();
    let text = format!("<rss version=\"2.0\"><channel><title>x</title>{items}</channel></rss>");
    let feed = parse::feed(&text, &at("https://a.example/")).expect("a feed");
    assert_eq!(feed.items.len(), 200);
    assert_eq!((feed.items[0].title.as_str(), feed.items[199].title.as_str()), ("2999", "2800"));
    // Items without titles, links or ids are told apart all the same.
    let bare = "<rss version=\"2.0\"><channel><item><description>a</description></item><item><description>b</description></item></channel></rss>";
    let bare = parse::feed(bare, &at("https://a.example/")).expect("a feed");
    let names = name::names(&bare.items, Naming::Given, &HashMap::new());
    assert_ne!(names[0], names[1]);
}

/// What the reader of feeds is known to trip over.
#[test]
fn the_reader_of_feeds_brings_nothing_down() {
    for inside in [
        "<author>Jürgen –juergen@blog.example</author>",
        "<author>juergen@blog.example–Jürgen</author>",
        "<media:content xmlns:media=\"http://search.yahoo.com/mrss/\" url=\"http://a/b\" duration=\"99999999999999999999999\"/>",
        "<itunes:duration xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\">99999999999999999999999:00:00</itunes:duration>",
        "<pubDate>Fri, 31 Feb 99999 25:61:61 +9999</pubDate>",
    ] {
        let text =
            format!("<rss version=\"2.0\"><channel><item><title>x</title>{inside}</item></channel></rss>");
        let read = parse::feed(&text, &at("https://a.example/"));
        assert!(matches!(read, Ok(_) | Err(Failure::Unreadable(_))), "{inside}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_feed_brings_the_reader_down(
        text in "(<(/)?(rss version='2.0'|feed xmlns='http://www.w3.org/2005/Atom'|channel|item|entry|title|link href='a b'|id|guid|content type='xhtml'|summary|author|name|pubDate|updated|enclosure url='x' length='-1')( xml:base='//:')?>|&(amp|lt|#0|#xD800|x);|<!\\[CDATA\\[|\\]\\]>|[{}\\[\\]\",:a-z0-9@ é–]){0,80}"
    ) {
        let url = at("https://a.example/feed");
        if let Ok(feed) = parse::feed(&text, &url) {
            let names = name::names(&feed.items, Naming::Given, &HashMap::new());
            let _ = whole(&feed, &BoardId::new("feed"), &names, &url);
        }
        let _ = linked::feeds(&text, &url);
    }

    #[test]
    fn names_do_not_depend_on_what_else_is_in_the_feed(ids in prop::collection::hash_set("[a-z]{1,6}", 1..20)) {
        let items: Vec<Item> = ids.iter().map(|id| Item { id: Some(id.clone()), ..Item::default() }).collect();
        let all = name::names(&items, Naming::Given, &HashMap::new());
        for (item, name) in items.iter().zip(&all) {
            let alone = name::names(std::slice::from_ref(item), Naming::Given, &HashMap::new());
            prop_assert_eq!(&alone[0], name);
        }
    }
}
