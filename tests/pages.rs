//! Real pages, where they are at hand; our own, written by hand after vBulletin's templates; and the page that this
//! project starts from, as the sandbox shows it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use threadbridge::clock::SystemClock;
use threadbridge::config::EngineName;
use threadbridge::forum::charset;
use threadbridge::forum::vbulletin4::parse::{self, Context};
use threadbridge::model::{BoardId, MemberId, ThreadId};
use threadbridge::read::{self, Source};
use threadbridge::sandbox::forum::{Forum, Options, seed_community};

/// Saved pages of real forums, outside of this project.
fn saved() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/pages");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: there are no saved pages here");
    None
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vbulletin4")
}

/// The files of a folder that end in `.html`, in order.
fn pages_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "html"));
    paths.sort();
    paths
}

async fn read_bytes(bytes: Vec<u8>, base: Option<&str>) -> Result<Value, String> {
    let source = Source::Bytes(bytes);
    let read = read::page(source, EngineName::Vbulletin4, base, TimeZone::UTC, Arc::new(SystemClock)).await;
    read.map(|page| serde_json::from_str(&page.json()).expect("JSON")).map_err(|error| error.to_string())
}

async fn read_file(path: &Path) -> Result<Value, String> {
    read_bytes(std::fs::read(path).expect("a readable file"), None).await
}

/// Where two values differ, as JSON pointers.
fn differences(found: &Value, expected: &Value, at: &str, out: &mut Vec<String>) {
    match (found, expected) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                let (a, b) = (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                differences(a, b, &format!("{at}/{key}"), out);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                differences(a, b, &format!("{at}/{index}"), out);
            }
        }
        (a, b) if a != b => out.push(format!("{at}: {a} instead of {b}")),
        _ => {}
    }
}

/// Every fact of our own pages, beside them in a file of the same name.
#[tokio::test]
async fn hand_written_pages_hold_exactly_their_facts() {
    for path in pages_in(&fixtures()) {
        let found = read_file(&path).await.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let facts = std::fs::read_to_string(path.with_extension("json")).expect("the facts beside the page");
        let expected = serde_json::from_str(&facts).expect("JSON");
        let mut differs = Vec::new();
        differences(&found, &expected, "", &mut differs);
        assert!(differs.is_empty(), "{}:\n{}", path.display(), differs.join("\n"));
    }
}

#[tokio::test]
async fn a_browsers_bundle_is_called_what_it_is() {
    let mut bundle = b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=\"mark\"\r\n\r\n--mark\r\nContent-Type: \
        text/html\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        .to_vec();
    bundle.extend_from_slice(&std::fs::read(fixtures().join("legacy-guest.html")).expect("a readable file"));
    bundle.extend_from_slice(b"\r\n--mark--\r\n");
    let error = read_bytes(bundle, None).await.expect_err("no page");
    assert!(error.contains("MHTML"), "{error}");
}

#[tokio::test]
async fn every_saved_thread_has_as_many_posts_as_its_index_says() {
    let Some(folder) = saved() else { return };
    let index = std::fs::read_to_string(folder.join("INDEX.md")).expect("the index");
    let mut read = 0;
    for row in index.lines().filter(|row| row.starts_with("| thread")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let posts: usize = cells[8].parse().expect("a count");
        let page =
            read_file(&folder.join(cells[1])).await.unwrap_or_else(|error| panic!("{}: {error}", cells[1]));
        let found = page["posts"].as_array().expect("posts");
        assert_eq!(found.len(), posts, "{}", cells[1]);
        for post in found {
            assert!(post["number"].is_u64() && post["author"]["name"] != "", "{}: {post}", cells[1]);
            assert!(post["posted_at"].is_string(), "{}: {post}", cells[1]);
            let thanks = post["thanks"].as_array().expect("a list").len() as u64;
            let total = post["thanks_total"].as_u64();
            assert!(total.is_none_or(|total| total >= thanks), "{}: {post}", cells[1]);
        }
        read += 1;
    }
    assert!(read > 10, "only {read} pages were found in the index");
}

/// Facts that were compared by hand or by an independent reader with the pages' own HTML.
#[tokio::test]
async fn facts_of_saved_pages() {
    let Some(folder) = saved() else { return };
    for (file, facts) in [
        (
            "thread-thanks/usenetrevolution-thread-4.html",
            json!({
                "/thread/id": "255471", "/thread/prefix": "Komödie", "/thread/board/id": "29",
                "/thread/board/name": "Kino Xvid/x264/svcd", "/thread/closed": false, "/thread/reply_allowed": true,
                "/thread/browsing/total": 1, "/thread/browsing/members": 1, "/thread/total_results": 2,
                "/permissions/post_replies": true, "/permissions/edit_posts": true,
                "/posts/0/id": "316602", "/posts/0/thanks_total": 247, "/posts/0/posted_at": "2014-12-04T08:40:00Z",
                "/posts/0/thanks/0/name": "Acair", "/posts/0/thanks/0/member_id": "11467",
                "/posts/0/author/joined": "Jan 2013", "/posts/0/author/thanks_given": 7831,
                "/posts/0/author/thanks_received": 11442, "/posts/0/author/posts_thanked": 78,
                "/posts/1/thanks_total": 7, "/posts/1/posted_at": "2014-12-05T07:52:00Z",
                "/posts/1/author/avatar_url": "http://www.usenetrevolution.info/vb/images/avatars/avatar_2637.gif",
            }),
        ),
        (
            "thread-thanks/usenetrevolution-thread-after-thanks.html",
            json!({
                "/thread/prefix": "Action", "/posts/0/thanks_total": 332, "/posts/0/author/thanks_received": 1_927_581,
                "/posts/0/posted_at": "2014-10-29T15:30:00Z", "/posts/2/author/location": "Bergkamen - NRW",
            }),
        ),
        (
            "thread-thanks/astyles-vi-thread-34-boxes.html",
            json!({
                "/thread/id": "21234", "/thread/prefix": "[WIN7 THEME]", "/thread/title": "Inu x Boku SS",
                "/thread/tags": ["boku", "inu"], "/thread/board/name": "Theme Manga - Anime",
                "/thread/similar/0/author": "sasabone", "/thread/similar/0/board": "Theme Manga - Anime",
                "/thread/similar/0/replies": 5, "/thread/similar/0/last_post_at": "2012-11-01T10:54:00Z",
                "/posts/0/thanks_total": 54, "/posts/0/thanks/0/on": "2013-11-20", "/posts/0/author/id": "14751",
                "/posts/0/edited_at": "2013-10-26T14:49:00Z", "/posts/0/author/thanks_received": 22248,
                "/posts/3/author/name": "binhlovebich7", "/posts/3/thanks_total": 1,
                "/posts/5/author/name": "zero4054", "/posts/5/thanks_total": 1,
                "/posts/10/thanks_total": 2, "/posts/11/thanks_total": null, "/posts/35/number": 36,
                "/posts/0/author/joined": "Jul 2012", "/posts/0/author/posts": 489, "/posts/1/author/joined": "Aug 2013",
                "/posts/1/author/posts": 105,
            }),
        ),
        (
            "thread-thanks/astyles-vi-thread-attachments.html",
            json!({
                "/thread/pages": 2, "/thread/total_results": 16, "/thread/tags/2": "theme",
                "/posts/0/attachments/0/name": "fix Suzumiya Haruhi.zip", "/posts/0/attachments/0/size": "55.2 KB",
                "/posts/0/attachments/0/url": "https://astyles.example/@4rum/attachment.php?attachmentid=27&d=1313902286",
                "/posts/0/url": "https://astyles.example/@4rum/showthread.php?p=26397#post26397",
                "/posts/0/author/joined": "Jul 2010", "/posts/0/author/posts": 3989, "/posts/0/author/title": "Khởi đầu mới",
                "/posts/0/thanks_total": 17, "/posts/4/edited_at": "2011-08-21T10:25:00Z",
                "/thread/similar/0/author": "Bích Ly", "/thread/similar/4/board": "Anime OST - Jpop",
            }),
        ),
        (
            "thread-thanks/astyles-vi-thread-code.html",
            json!({
                "/posts/6/author/thanks_received": 9, "/posts/6/author/posts_thanked": 4,
                "/thread/title": "Akiba's Trip: Undead & Undressed [2015] [4share/Fshare]",
            }),
        ),
        (
            "thread/terraforums-thread-p2.html",
            json!({
                "/thread/page": 2, "/thread/pages": 2, "/thread/first_result": 11, "/thread/last_result": 19,
                "/thread/id": "93602", "/thread/board/id": "111", "/thread/reply_allowed": false,
                "/posts/0/number": 11, "/posts/0/posted_at": "2005-04-09T23:46:00Z", "/posts/0/author/id": "5018",
                "/posts/1/author/posts": 10335, "/posts/1/author/location": "Richmond, Virginia/Zone 7",
            }),
        ),
        (
            "thread/futura-fr-thread-1.html",
            json!({
                "/thread/id": "12735", "/thread/board/id": "16", "/thread/closed": false,
                "/posts/0/posted_at": "2004-07-29T18:46:00Z", "/posts/0/edited_at": "2019-04-09T08:38:00Z",
                "/posts/0/author/posts": 5913, "/posts/0/author/location": "En transit",
                "/thread/similar/0/author": "almubedoja", "/thread/similar/0/board": "Dépannage",
            }),
        ),
        (
            "thread/futura-fr-thread-2.html",
            json!({ "/thread/closed": true, "/thread/reply_allowed": false, "/thread/total_results": 30 }),
        ),
        (
            "thread/msworld-postbit-thread-1.html",
            json!({
                "/posts/0/author/location": "USA", "/posts/0/author/posts": 819, "/posts/3/author/posts": 4206,
                "/posts/2/author/avatar_url": "https://www.msworld.org/forum/image.php?u=1935&dateline=1260046756",
                "/thread/board/id": "165", "/thread/reply_allowed": false,
            }),
        ),
        (
            "thread/garage4hackers-thread-tags.html",
            json!({
                "/thread/board/id": "11", "/posts/1/author/id": "2", "/posts/1/quotes/0/post_id": "14613",
                "/thread/tags": ["application penetration testing", "web applications penetration testing"],
            }),
        ),
        (
            "thread/garage4hackers-thread-p1of2.html",
            json!({ "/thread/pages": 2, "/posts/3/author/id": "6757", "/posts/0/author/blog_entries": 32 }),
        ),
        (
            "thread/garage4hackers-thread-poll.html",
            json!({ "/posts/7/edited_at": "2012-10-19T06:50:00Z", "/posts/0/author/id": "2916", "/thread/id": "2530" }),
        ),
        (
            "thread/worldofplayers-de-thread-1.html",
            json!({
                "/thread/total_results": 21, "/posts/0/author/id": "82415", "/posts/0/author/posts": 14653,
                "/posts/0/posted_text": "14.12.2019 21:42", "/posts/0/title": "Welchen Blog benutzt man in 2020?",
                "/posts/16/edited_at": "2020-01-04T12:51:00Z", "/permissions/post_replies": false,
                "/thread/reply_allowed": false,
            }),
        ),
    ] {
        let bytes = std::fs::read(folder.join(file)).expect("a readable file");
        let base = file.contains("astyles").then_some("https://astyles.example/@4rum/");
        let page = read_bytes(bytes, base).await.unwrap_or_else(|error| panic!("{file}: {error}"));
        for (pointer, fact) in facts.as_object().expect("facts") {
            assert_eq!(page.pointer(pointer), Some(fact), "{file} {pointer}");
        }
    }
}

/// A saved page's text, and what has to be known of it besides.
fn text_and_context(path: &Path, url: &str) -> (String, Context) {
    let (text, _) = charset::decode(&std::fs::read(path).expect("a readable file"), None);
    (text, Context { url: url.parse().expect("an address"), zone: TimeZone::UTC, now: None })
}

#[test]
fn saved_boards_list_as_many_threads_as_the_index_says() {
    let Some(folder) = saved() else { return };
    let index = std::fs::read_to_string(folder.join("INDEX.md")).expect("the index");
    let mut read = 0;
    for row in index.lines().filter(|row| row.starts_with("| board")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let threads: usize = cells[9].parse().expect("a count");
        let (text, context) = text_and_context(&folder.join(cells[1]), "https://saved.example/");
        let board =
            parse::board_page(&text, &context).unwrap_or_else(|error| panic!("{}: {error}", cells[1]));
        // The index counts rows, among them headings that name a kind of thread.
        let headings = text.matches("<li class=\"threadbit\" id=\"cat").count();
        assert_eq!(board.threads.len() + headings, threads, "{}", cells[1]);
        assert!(board.board.name.is_some(), "{}", cells[1]);
        for thread in &board.threads {
            let known = !thread.title.is_empty() && thread.author.is_some();
            assert!(known && (thread.moved || thread.replies.is_some()), "{}: {thread:?}", cells[1]);
        }
        // "Today" has no date on a page that does not say when it was made.
        let dated = board.threads.iter().filter(|thread| thread.last_post_at.is_some()).count();
        assert!(dated * 2 > board.threads.len(), "{}: {dated} of {threads} are dated", cells[1]);
        read += 1;
    }
    assert!(read >= 6, "only {read} boards were found in the index");
    let (text, context) = text_and_context(
        &folder.join("board/garage4hackers-forumdisplay-moved.html"),
        "https://saved.example/",
    );
    let board = parse::board_page(&text, &context).expect("a board");
    assert_eq!(board.board.id, Some(BoardId::new("42")));
    assert!(board.pages > 1 && board.page == 2, "{} of {}", board.page, board.pages);
}

#[test]
fn saved_searches_members_and_feeds_are_read() {
    let Some(folder) = saved() else { return };
    let at = |file: &str| text_and_context(&folder.join(file), "https://saved.example/");

    let (text, context) = at("other/garage4hackers-search-results-posts.html");
    let found = parse::search_page(&text, &context).expect("results");
    assert_eq!((found.hits.len(), found.page, found.pages), (25, 1, 2));
    let hit = &found.hits[0];
    assert_eq!((hit.thread.as_ref(), hit.author.as_deref()), (Some(&ThreadId::new("7029")), Some("mandi")));
    assert_eq!(hit.at.map(|at| at.to_string()).as_deref(), Some("2017-05-04T05:05:00Z"));
    assert_eq!(hit.replies, Some(2));
    assert!(
        hit.snippet.as_deref().is_some_and(|words| words.starts_with("Company is in Chennai")),
        "{hit:?}"
    );

    let (text, context) = at("other/garage4hackers-search-results-threads.html");
    let found = parse::search_page(&text, &context).expect("results");
    let hit = &found.hits[0];
    assert_eq!((hit.thread.as_ref(), hit.author.as_deref()), (Some(&ThreadId::new("7008")), Some("kiraak")));
    assert_eq!(hit.board.name.as_deref(), Some("Shout-box"));
    assert_eq!(hit.at.map(|at| at.to_string()).as_deref(), Some("2017-03-15T08:48:00Z"));

    for file in ["error/garage4hackers-search-no-matches.html", "error/astyles-vi-search.html"] {
        let (text, context) = at(file);
        assert!(parse::search_page(&text, &context).expect(file).hits.is_empty());
    }

    let (text, context) = at("other/garage4hackers-member.html");
    let member = parse::member_page(&text, &context).expect("a member");
    assert_eq!((member.id, member.name.as_str()), (Some(MemberId::new("4455")), "raniannu2012"));
    assert_eq!((member.joined.as_deref(), member.posts), (Some("11-30-2012"), Some(1)));
    assert_eq!(member.last_active.as_deref(), Some("11-30-2012 05:34 PM"));
    assert_eq!(member.title.as_deref(), Some("Garage Newcomer"));

    let (text, context) = at("other/astyles-vi-member.html");
    let member = parse::member_page(&text, &context).expect("a member");
    assert_eq!((member.id, member.name.as_str()), (Some(MemberId::new("18861")), "anuha7e"));
    assert_eq!(
        (member.thanks_given, member.thanks_received, member.posts_thanked),
        (Some(9), Some(0), Some(0))
    );
    assert_eq!(member.location.as_deref(), Some("Purbalingga, Jawa Tengah, Indonesia, Indonesia"));
    assert!(
        member.fields.iter().any(|(label, value)| label == "HĐH" && value == "Win 7"),
        "{:?}",
        member.fields
    );

    let (text, context) = at("error/garage4hackers-member-not-registered.html");
    let error = parse::member_page(&text, &context).expect_err("nobody").to_string();
    assert!(error.contains("has not registered"), "{error}");

    let (text, context) = at("other/terraforums-home.html");
    let boards = parse::boards(&text, &context).expect("boards");
    let marks = parse::overview(&text, &context).expect("an overview");
    assert!(boards.len() > 10 && boards.iter().all(|board| marks.contains_key(&board.id)), "{marks:?}");
    assert_eq!(marks[&BoardId::new("117")], "[4, 5] 1098497");
}

#[tokio::test]
async fn what_is_no_thread_says_what_it_is() {
    for (page, words) in [
        ("", "empty"),
        (" \n ", "empty"),
        ("<html><body>Hello</body></html>", "not a page of vBulletin 4"),
        ("<html><meta name=generator content=\"Discourse 3.1\"><body></body></html>", "of Discourse 3.1"),
        ("<html id=\"XF\"><body></body></html>", "of XenForo"),
        ("<html><title>Just a moment...</title><body></body></html>", "robots"),
        (
            "<html id=\"vbulletin_html\"><body><div id=\"postlist\"><ol id=\"posts\"><li id=\"post_1\">",
            "cut off",
        ),
    ] {
        let error = read_bytes(page.as_bytes().to_vec(), None).await.expect_err("no thread");
        assert!(error.contains(words), "{page:?}: {error}");
    }
    let Some(folder) = saved() else { return };
    for (file, words) in [
        ("board/terraforums-forumdisplay.html", "a list of threads"),
        ("board/mindfactory-de-forumdisplay.html", "a list of threads"),
        ("error/astyles-vi-newreply.html", "the forum says"),
        ("error/garage4hackers-no-thread-specified.html", "No Thread specified"),
        ("error/garage4hackers-search-no-matches.html", "no matches"),
        ("error/garage4hackers-member-not-registered.html", "not registered"),
        ("error/garage4hackers-newreply-not-logged-in.html", "wants a log-in"),
        ("error/usenetrevolution-not-logged-in.html", "wants a log-in"),
        ("not-vb4/mazda-thread.html", "vBulletin 3"),
        ("not-vb4/skyscraperpage-1.html", "vBulletin 3"),
        ("not-vb4/aeromodelismovirtual-showthread.html", "vBulletin 3"),
        ("other/astyles-vi-printthread.html", "printed or archived"),
        ("other/garage4hackers-printthread.html", "printed or archived"),
        ("other/astyles-vi-archive-thread.html", "printed or archived"),
        ("other/astyles-vi-announcement.html", "an announcement"),
        ("other/astyles-vi-member.html", "a member's page"),
        ("other/garage4hackers-member.html", "a member's page"),
        ("other/garage4hackers-search-results-posts.html", "the forum's search"),
        ("other/terraforums-search-advanced.html", "the forum's search"),
        ("other/terraforums-home.html", "the forum's front page"),
        ("other/usenetrevolution-login-redirect.html", "a redirect page"),
        ("feed/astyles-external-rss2.xml", "a feed of 15 threads"),
        ("feed/garage4hackers-external-rss2-empty.xml", "a feed of 0 threads"),
    ] {
        let error = read_file(&folder.join(file)).await.expect_err(file);
        assert!(error.contains(words), "{file}: {error}");
        assert!(!error.contains('\n'), "one sentence: {error}");
    }
}

/// Which posts a page holds, and what they say. Their times may want the footer, which comes last.
fn words(page: &Value) -> Vec<(&Value, &Value, &Value)> {
    let posts = page["posts"].as_array().expect("posts");
    posts.iter().map(|post| (&post["id"], &post["markdown"], &post["thanks_total"])).collect()
}

/// A page that breaks off is an error, or it holds all the posts that the whole page holds.
#[tokio::test]
async fn no_page_that_is_cut_off_passes_for_a_shorter_thread() {
    let mut paths = pages_in(&fixtures());
    if let Some(folder) = saved() {
        paths.extend(["thread", "thread-thanks"].iter().flat_map(|kind| pages_in(&folder.join(kind))));
    }
    for path in paths {
        let bytes = std::fs::read(&path).expect("a readable file");
        let whole = read_bytes(bytes.clone(), None).await.expect("the whole page");
        // More cuts near the end, where they are easily missed.
        let even = (1..12).map(|part| bytes.len() * part / 12);
        let late = (1..8).map(|part| bytes.len() - bytes.len() * part / 200);
        for end in even.chain(late) {
            if let Ok(part) = read_bytes(bytes[..end].to_vec(), None).await {
                assert_eq!(words(&part), words(&whole), "{} cut at {end}", path.display());
            }
        }
    }
}

/// Every fact of a thread's last page: thanks with dates, a quote with its link, a mention, tags, similar
/// threads, who is browsing, what the viewer may do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_the_kind_we_start_from_carries_all_its_facts() {
    let forum = Forum::start(Options::default(), Arc::new(SystemClock)).expect("the sandbox");
    let community = seed_community(&forum).expect("a community");
    let url = format!("{}showthread.php?t={}&page=3", forum.url(), community.long_thread);
    let read =
        read::page(Source::Url(url), EngineName::Vbulletin4, None, TimeZone::UTC, Arc::new(SystemClock))
            .await;
    let page: Value = serde_json::from_str(&read.expect("a page").json()).expect("JSON");
    let at = |pointer: &str| page.pointer(pointer).cloned().unwrap_or(Value::Null);
    for (pointer, fact) in [
        ("/thread/page", json!(3)),
        ("/thread/pages", json!(3)),
        ("/thread/first_result", json!(31)),
        ("/thread/last_result", json!(32)),
        ("/thread/total_results", json!(32)),
        ("/posts/0/number", json!(31)),
        ("/posts/1/number", json!(32)),
        ("/thread/reply_allowed", json!(false)),
        ("/posts/1/author/name", json!("Marrow")),
        ("/posts/1/author/guest", json!(false)),
        ("/posts/1/author/location", json!("Leeds")),
        ("/posts/1/author/joined", json!("Jun 2005")),
        ("/posts/1/quotes/0/author", json!("server_sid")),
        ("/posts/1/thanks_total", json!(3)),
        ("/permissions/post_replies", json!(false)),
        ("/permissions/post_threads", json!(false)),
    ] {
        assert_eq!(at(pointer), fact, "{pointer}");
    }
    for text in [
        "/forum/url",
        "/thread/id",
        "/thread/url",
        "/thread/title",
        "/thread/board/id",
        "/thread/board/name",
        "/posts/0/author/name",
        "/posts/1/id",
        "/posts/1/url",
        "/posts/1/posted_at",
        "/posts/1/posted_text",
        "/posts/1/author/id",
        "/posts/1/author/avatar_url",
        "/posts/1/author/title",
        "/posts/1/quotes/0/post_id",
    ] {
        assert!(at(text).is_string(), "{text}: {}", at(text));
    }
    for count in ["posts", "thanks_given", "posts_thanked", "blog_entries"] {
        assert!(at(&format!("/posts/1/author/{count}")).is_u64(), "{count}");
    }
    // What Discord shows of it: the quote with its link, the mention that pings nobody, the emphasis as it was typed.
    let markdown = at("/posts/1/markdown").as_str().expect("words").to_owned();
    assert!(markdown.starts_with("> **server\\_sid** [↗](<"), "{markdown}");
    assert!(markdown.contains("\\*is\\*") && markdown.contains("@Marrow"), "{markdown}");
    assert!(at("/posts/1/mentions").as_array().is_some_and(|names| !names.is_empty()), "a mention");
    assert!(at("/posts/1/author/thanks_received").is_u64() && at("/posts/1/author/posts_thanked").is_u64());
    let thanks = at("/posts/1/thanks");
    for one in thanks.as_array().expect("thanks") {
        assert!(one["name"].is_string() && one["member_id"].is_string() && one["on"].is_string(), "{one}");
    }
    assert!(!at("/thread/tags").as_array().expect("tags").is_empty());
    let similar = at("/thread/similar/0");
    for fact in ["id", "title", "author", "board", "last_post_at"] {
        assert!(similar[fact].is_string(), "{fact}: {similar}");
    }
    assert!(similar["replies"].is_u64());
    assert!(at("/thread/browsing/total").is_u64());
    forum.stop().await;
}
