//! The feeds that a page names in its head.
//! <https://html.spec.whatwg.org/#link-type-alternate>

use scraper::Html;
use url::Url;

use crate::markup::html;

/// More than this nobody offers to choose from.
const MOST: usize = 25;

/// The address and title of each; none where the page can't be read as one.
pub fn feeds(page: &str, url: &Url) -> Vec<(Url, String)> {
    if html::guard(page).is_err() {
        return Vec::new();
    }
    let page = Html::parse_document(page);
    let links =
        page.tree.values().filter_map(scraper::Node::as_element).filter(|element| element.name() == "link");
    let mut found: Vec<(Url, String)> = Vec::new();
    for link in links {
        let has = |name: &str, wanted: &[&str]| {
            link.attr(name).is_some_and(|value| {
                value
                    .split_ascii_whitespace()
                    .any(|word| wanted.iter().any(|it| word.eq_ignore_ascii_case(it)))
            })
        };
        let kinds = ["application/rss+xml", "application/atom+xml", "application/feed+json"];
        if !has("rel", &["alternate"]) || !has("type", &kinds) {
            continue;
        }
        let Some(at) = link.attr("href").and_then(|href| url.join(href.trim()).ok()) else { continue };
        let title = link.attr("title").map(str::trim).filter(|title| !title.is_empty());
        let title = title.map_or_else(|| at.to_string(), str::to_owned);
        if found.len() < MOST && found.iter().all(|(other, _)| *other != at) {
            found.push((at, title));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feeds_are_found_in_a_pages_head() {
        let url = Url::parse("https://blog.example/a/").expect("an address");
        let page = r#"<html><head><link rel="stylesheet" href="x.css">
            <link rel="alternate" type="application/rss+xml" title="Posts" href="/feed.xml">
            <LINK REL="alternate home" TYPE="application/atom+xml" HREF="atom.xml">
            <link rel="alternate" type="application/rss+xml" href="/feed.xml">
            <link rel="alternate" hreflang="de" href="/de/"></head>"#;
        let found: Vec<(String, String)> =
            feeds(page, &url).into_iter().map(|(url, title)| (url.to_string(), title)).collect();
        let posts = ("https://blog.example/feed.xml".to_owned(), "Posts".to_owned());
        let atom = "https://blog.example/a/atom.xml".to_owned();
        assert_eq!(found, [posts, (atom.clone(), atom)]);
        assert!(feeds("<rss></rss>", &url).is_empty());
    }
}
