//! Real pages, where they are at hand, and the page that this project starts from, as the sandbox shows it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use threadbridge::clock::SystemClock;
use threadbridge::config::EngineName;
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

async fn read_file(path: &Path) -> Result<Value, String> {
    let bytes = std::fs::read(path).expect("a readable file");
    let read =
        read::page(Source::Bytes(bytes), EngineName::Vbulletin4, None, TimeZone::UTC, Arc::new(SystemClock))
            .await;
    read.map(|page| serde_json::from_str(&page.json()).expect("JSON")).map_err(|error| error.to_string())
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
            assert!(post["posted_at"].is_string() || post["posted_text"].is_string(), "{}: {post}", cells[1]);
        }
        read += 1;
    }
    assert!(read > 10, "only {read} pages were found in the index");
}

#[tokio::test]
async fn facts_of_saved_pages() {
    let Some(folder) = saved() else { return };
    for (file, pointer, fact) in [
        ("thread-thanks/usenetrevolution-thread-4.html", "/posts/0/thanks_total", json!(247)),
        ("thread-thanks/usenetrevolution-thread-4.html", "/posts/0/posted_at", json!("2014-12-04T08:40:00Z")),
        ("thread-thanks/usenetrevolution-thread-4.html", "/posts/0/author/thanks_received", json!(11442)),
        ("thread/terraforums-thread-p2.html", "/posts/0/number", json!(11)),
        ("thread/terraforums-thread-p2.html", "/posts/0/posted_at", json!("2005-04-09T23:46:00Z")),
        ("thread/terraforums-thread-p2.html", "/thread/pages", json!(2)),
        ("thread/futura-fr-thread-1.html", "/posts/0/posted_at", json!("2004-07-29T18:46:00Z")),
        ("thread/futura-fr-thread-1.html", "/posts/0/author/posts", json!(5913)),
        ("thread/msworld-postbit-thread-1.html", "/posts/0/author/location", json!("USA")),
        ("thread/garage4hackers-thread-tags.html", "/thread/board/id", json!("11")),
        ("thread/worldofplayers-de-thread-1.html", "/thread/total_results", json!(21)),
        ("thread/worldofplayers-de-thread-1.html", "/posts/0/author/id", json!("82415")),
    ] {
        let page = read_file(&folder.join(file)).await.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(page.pointer(pointer), Some(&fact), "{file} {pointer}");
    }
}

#[tokio::test]
async fn what_is_no_thread_says_what_it_is() {
    for (page, words) in [
        ("", "empty"),
        ("<html><body>Hello</body></html>", "not a page of vBulletin 4"),
        ("<html><title>Just a moment...</title><body></body></html>", "robots"),
        (
            "<html id=\"vbulletin_html\"><body><div id=\"postlist\"><ol id=\"posts\"><li id=\"post_1\">",
            "cut off",
        ),
    ] {
        let source = Source::Bytes(page.as_bytes().to_vec());
        let read =
            read::page(source, EngineName::Vbulletin4, None, TimeZone::UTC, Arc::new(SystemClock)).await;
        let error = read.expect_err("no thread").to_string();
        assert!(error.contains(words), "{page:?}: {error}");
    }
    let Some(folder) = saved() else { return };
    for kind in ["error", "not-vb4", "board"] {
        for entry in std::fs::read_dir(folder.join(kind)).expect("a folder") {
            let path = entry.expect("an entry").path();
            assert!(read_file(&path).await.is_err(), "{} was taken for a thread", path.display());
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
        ("/posts/1/author/name", json!("Marrow")),
        ("/posts/1/author/location", json!("Leeds")),
        ("/posts/1/author/joined", json!("Jun 2005")),
        ("/posts/1/quotes/0/author", json!("server_sid")),
        ("/posts/1/thanks_total", json!(3)),
        ("/permissions/post_replies", json!(false)),
        ("/permissions/post_threads", json!(false)),
    ] {
        assert_eq!(at(pointer), fact, "{pointer}");
    }
    assert!(at("/posts/1/quotes/0/post_id").is_string());
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
