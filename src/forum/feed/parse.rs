//! From a feed's text to its items. feed-rs knows the formats; what feeds make of them is known here.

use std::panic::{AssertUnwindSafe, catch_unwind};

use feed_rs::model as found;
use jiff::Timestamp;
use url::Url;

use super::linked;
use super::text::{self, Raw};
use crate::forum::Failure;
use crate::markup::{Block, Doc, Inline};
use crate::model::{Attachment, Author, Post, PostId, ViewerThanks, Visibility};

/// The newest items of a feed; what is beyond is history.
const MOST_ITEMS: usize = 200;
/// More tags and files of one item than this are not looked at.
const MOST_TAGS: usize = 20;
const MOST_FILES: usize = 20;

/// A feed, the newest item first.
#[derive(Debug, Clone)]
pub struct Feed {
    pub title: String,
    /// The page that it is the feed of.
    pub site: Option<String>,
    /// A picture that stands for it.
    pub face: Option<String>,
    pub items: Vec<Item>,
}

#[derive(Debug, Clone, Default)]
pub struct Item {
    /// As the feed has it.
    pub id: Option<String>,
    pub link: Option<String>,
    /// Where people read it: the link, or what comes nearest.
    pub url: String,
    /// Its first words where it has none.
    pub title: String,
    pub has_title: bool,
    pub author: String,
    pub at: Option<Timestamp>,
    pub edited: Option<Timestamp>,
    pub body: Doc,
    /// Its texts as they came, to see whether they changed.
    pub words: String,
    pub files: Vec<Attachment>,
    pub tags: Vec<String>,
}

/// Reads a feed. `url` is where it came from.
pub fn feed(text: &str, url: &Url) -> Result<Feed, Failure> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let text = undeclared(text);
    // It may not bring the process down, whatever it makes of what it is given: it counts on times and names to be sane.
    let read = catch_unwind(AssertUnwindSafe(|| {
        let parser = feed_rs::parser::Builder::new()
            .base_uri(Some(url.as_str()))
            .sanitize_content(false)
            // Without an id of its own an item is named by what it says.
            .id_generator(|_, _, _| String::new())
            .build();
        parser.parse(text.as_bytes()).map_err(|error| error.to_string())
    }));
    match read {
        Ok(Ok(read)) => Ok(converted(read, text, url)),
        Ok(Err(error)) => Err(Failure::Unreadable(instead(text, url, &error))),
        Err(_) => Err(Failure::Unreadable(instead(text, url, "it breaks the reader of feeds"))),
    }
}

/// The text has been decoded: what its first line says of its encoding is no longer true.
fn undeclared(text: &str) -> &str {
    match text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) {
        Some((_, rest)) => rest,
        None => text,
    }
}

/// What there is in place of a feed.
fn instead(text: &str, url: &Url, error: &str) -> String {
    let head: String = text.chars().take(2_000).collect::<String>().to_ascii_lowercase();
    if !(head.contains("<html") || head.contains("<!doctype html")) {
        return if text.trim().is_empty() {
            "the answer is empty, and no feed".to_owned()
        } else {
            format!("this is no RSS, Atom or JSON feed ({error})")
        };
    }
    let feeds: Vec<String> = linked::feeds(text, url).iter().map(|(url, _)| url.to_string()).collect();
    let log_in = if text.contains("type=\"password\"") { ", and it asks for a log-in" } else { "" };
    match feeds.as_slice() {
        [] => format!("this is a web page, not a feed{log_in}; give the address of the feed itself"),
        feeds => {
            format!("this is a web page, not a feed{log_in}; it names these feeds: {}", feeds.join(", "))
        }
    }
}

fn converted(read: found::Feed, text: &str, url: &Url) -> Feed {
    let base = match root_base(text).and_then(|base| url.join(base).ok()) {
        Some(base) => Base { url: base, stated: true },
        None => Base { url: url.clone(), stated: false },
    };
    let host = url.host_str().unwrap_or("feed");
    let title = read.title.as_ref().map(|it| text::title(&it.content, is_html(&it.content_type), &base.url));
    let title = title.filter(|title| !title.is_empty()).unwrap_or_else(|| host.to_owned());
    let site =
        read.links.iter().find(|link| leads_to_page(link)).and_then(|link| address(&link.href, &base.url));
    let face = read.icon.or(read.logo).and_then(|image| address(&image.uri, &base.url));
    let of_feed = people(&read.authors);
    let json = read.feed_type == found::FeedType::JSON;
    let mut items: Vec<Item> =
        read.entries.into_iter().map(|entry| item(entry, json, &base, site.as_deref())).collect();
    for item in items.iter_mut().filter(|item| item.author.is_empty()) {
        item.author = of_feed.clone().unwrap_or_else(|| title.clone());
    }
    // Where each tells its time the order is certain; else feeds have the newest first.
    if items.iter().all(|item| item.at.is_some()) {
        items.sort_by_key(|item| std::cmp::Reverse(item.at));
    }
    items.truncate(MOST_ITEMS);
    Feed { title, site, face, items }
}

/// From where relative addresses start, and whether the feed says so.
struct Base {
    url: Url,
    stated: bool,
}

/// `xml:base` of the outermost element.
fn root_base(text: &str) -> Option<&str> {
    // Comments and instructions may come before it.
    let root = ["<feed", "<rss", "<rdf:RDF"].iter().filter_map(|name| text.find(name)).min()?;
    let tag = text[root..].split_once('>')?.0;
    let value = tag.split_once("xml:base=")?.1;
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value[1..].split_once(quote).map(|(value, _)| value)
}

fn item(entry: found::Entry, json: bool, base: &Base, site: Option<&str>) -> Item {
    let own = |text: &str| address(text, &base.url);
    let id = Some(entry.id.trim().to_owned()).filter(|id| !id.is_empty());
    let link = entry.links.iter().find(|link| leads_to_page(link)).and_then(|link| own(&link.href));
    // A permanent link may stand for it.
    let permanent =
        id.as_deref().filter(|id| id.starts_with("http://") || id.starts_with("https://")).and_then(own);
    let url = link
        .clone()
        .or(permanent)
        .or_else(|| site.map(str::to_owned))
        .unwrap_or_else(|| base.url.to_string());

    let mut inner = base.url.clone();
    match entry.base.as_deref().and_then(|stated| base.url.join(stated).ok()) {
        Some(stated) => inner = stated,
        None if !base.stated => {
            if let Some(page) = link.as_deref().and_then(|link| Url::parse(link).ok()) {
                inner = page;
            }
        }
        None => {}
    }
    let full = entry.content.as_ref().and_then(|content| {
        let words = content.body.as_deref()?;
        let kind = content.content_type.to_string();
        let html = is_html(&content.content_type);
        (html || kind.starts_with("text/")).then_some(Raw { words, html })
    });
    let media = entry.media.iter().find_map(|media| media.description.as_ref());
    let summary = entry.summary.as_ref().or(media);
    let words: String = [full.as_ref().map(|raw| raw.words), summary.map(|it| it.content.as_str())]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("\n");
    let summary = summary.map(|it| Raw { words: &it.content, html: is_html(&it.content_type) });
    let body = text::body(full, summary, &inner, &url);

    let title = entry.title.as_ref().map(|it| text::title(&it.content, is_html(&it.content_type), &inner));
    let title = title.filter(|title| !title.is_empty());
    let has_title = title.is_some();
    let title = title.or_else(|| Some(text::first_words(&body)).filter(|words| !words.is_empty()));
    let published = entry.published.and_then(|at| Timestamp::from_millisecond(at.timestamp_millis()).ok());
    let updated = entry.updated.and_then(|at| Timestamp::from_millisecond(at.timestamp_millis()).ok());
    Item {
        title: title.unwrap_or_else(|| "Untitled".to_owned()),
        has_title,
        author: people(&entry.authors).unwrap_or_default(),
        at: published.or(updated),
        edited: updated.filter(|updated| published.is_some_and(|published| *updated > published)),
        files: files(&entry, json, &base.url),
        tags: tags(&entry),
        id,
        link,
        url,
        body,
        words,
    }
}

fn is_html(kind: &impl std::fmt::Display) -> bool {
    let kind = kind.to_string();
    kind.contains("html") || kind.contains("xml")
}

/// A link to what is told of, not to a file, a list of comments or the feed itself.
fn leads_to_page(link: &found::Link) -> bool {
    let page = link.media_type.as_deref().is_none_or(|kind| kind.contains("html"));
    page && link.target.is_none() && link.rel.as_deref().is_none_or(|rel| rel == "alternate")
}

fn address(text: &str, base: &Url) -> Option<String> {
    let url = base.join(text.trim()).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.to_string())
}

/// Their names; addresses are nobody's business.
fn people(people: &[found::Person]) -> Option<String> {
    let names: Vec<String> = people
        .iter()
        .filter_map(|person| person.name.as_deref())
        .map(|name| text::squeezed(name.trim().trim_matches(['(', ')', '<', '>', '"'])))
        .filter(|name| !name.is_empty() && !name.contains('@'))
        .take(3)
        .collect();
    Some(names.join(", ")).filter(|names| !names.is_empty())
}

fn tags(entry: &found::Entry) -> Vec<String> {
    let names = entry.categories.iter().map(|tag| text::squeezed(tag.label.as_deref().unwrap_or(&tag.term)));
    let mut tags: Vec<String> = names.filter(|name| !name.is_empty()).take(MOST_TAGS).collect();
    tags.dedup();
    tags
}

/// What hangs on an item: enclosures of RSS and Atom, attachments of JSON, files of Media RSS.
fn files(entry: &found::Entry, json: bool, base: &Url) -> Vec<Attachment> {
    let media = entry.media.iter().flat_map(|media| &media.content).filter_map(|file| {
        let kind = file.content_type.as_ref().map(ToString::to_string);
        Some((file.url.as_ref()?.to_string(), None, kind, file.size))
    });
    let linked = entry
        .links
        .iter()
        .filter(|link| link.rel.as_deref() == Some("enclosure") || json && link.media_type.is_some())
        .map(|link| (link.href.clone(), link.title.clone(), link.media_type.clone(), link.length));
    let mut files: Vec<Attachment> = Vec::new();
    for (href, title, kind, size) in media.chain(linked) {
        let Some(url) = address(&href, base) else { continue };
        if files.len() >= MOST_FILES || files.iter().any(|other| other.url == url) {
            continue;
        }
        let last = Url::parse(&url).ok().and_then(|url| {
            let last = url.path_segments()?.next_back()?.to_owned();
            Some(last).filter(|last| !last.is_empty())
        });
        files.push(Attachment {
            name: title.or(last).unwrap_or_else(|| "file".to_owned()),
            size: size.filter(|size| *size > 0).map(bytes),
            image: kind.is_some_and(|kind| kind.starts_with("image/")),
            url,
        });
    }
    files
}

/// A size for people.
fn bytes(size: u64) -> String {
    match size {
        0..1_000 => format!("{size} B"),
        1_000..1_000_000 => format!("{} KB", size / 1_000),
        _ => format!("{}.{} MB", size / 1_000_000, size % 1_000_000 / 100_000),
    }
}

impl Item {
    /// The item as a post: its title, which leads to it, and its words.
    pub fn post(&self, id: PostId, feed: &Feed) -> Post {
        let mut body = self.body.clone();
        if self.has_title {
            let content = vec![Inline::Text(self.title.clone())];
            let title = vec![Inline::Link { url: self.url.clone(), content }];
            body.blocks.insert(0, Block::Heading { level: 3, content: title });
        }
        Post {
            id,
            url: self.url.clone(),
            number: None,
            title: None,
            posted_at: self.at,
            posted_text: None,
            edited_at: self.edited,
            author: Author {
                name: self.author.clone(),
                avatar_url: feed.face.clone(),
                guest: true,
                ..Author::default()
            },
            body,
            quotes: Vec::new(),
            mentions: Vec::new(),
            attachments: self.files.clone(),
            thanks: Vec::new(),
            thanks_total: None,
            visibility: Visibility::Shown,
            viewer_thanks: ViewerThanks::Unknown,
        }
    }
}
