//! `threadbridge read`: one thread page as the bridge sees it, for people and for programs.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use url::Url;

use crate::clock::Clock;
use crate::config::{EngineName, ForumConfig};
use crate::forum::vbulletin4::parse;
use crate::forum::{self, Place, charset, discourse, feed, nodebb};
use crate::markup::discord::{self, NoLinks};
use crate::markup::html::copied;
use crate::model::{Author, ForumKey, Post, Thread, ThreadPage, Visibility};

/// Stands for the address of a forum that nobody names; facts that would hold it are null.
const NOWHERE: &str = "http://forum.invalid/";

/// What is read.
#[derive(Debug, Clone)]
pub enum Source {
    Url(String),
    /// A page that was saved.
    Bytes(Vec<u8>),
}

/// A page that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub engine: EngineName,
    pub forum: Option<Url>,
    pub page: ThreadPage,
}

/// Reads a thread page. The error is one sentence that says what the page is instead.
pub async fn page(
    source: Source,
    engine: EngineName,
    base_url: Option<&str>,
    zone: TimeZone,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Reading> {
    let base = base_url.map(|text| address(text).context("--base-url")).transpose()?;
    match source {
        Source::Url(url) => fetched(&url, engine, base, zone, clock).await,
        Source::Bytes(bytes) => saved(&bytes, engine, base, zone),
    }
}

fn address(text: &str) -> anyhow::Result<Url> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| anyhow!("\"{text}\" is no address; it must begin with https:// or http://"))
}

/// A saved page. Its address is its own `<base>` or canonical link where none is given.
fn saved(bytes: &[u8], engine: EngineName, base: Option<Url>, zone: TimeZone) -> anyhow::Result<Reading> {
    let (text, _) = charset::decode(bytes, None);
    let url = base.clone().or_else(|| own_address(&text));
    let known = url.clone();
    let url = url.unwrap_or_else(|| Url::parse(NOWHERE).expect("a constant address"));
    let now = parse::head(&text).made_at();
    let context = parse::Context { url, zone, now };
    let page = match engine {
        EngineName::Vbulletin4 => parse::thread_page(&text, &context)?,
        EngineName::Discourse => discourse::saved(&text, &context.url)?,
        EngineName::Feed => feed::saved(&text, &context.url)?,
        EngineName::Nodebb => nodebb::saved(&text, &context.url)?,
    };
    Ok(Reading { engine, forum: known, page })
}

/// Where a saved page came from, by its own word.
fn own_address(text: &str) -> Option<Url> {
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = text.split_once(tag)?;
        let element = rest.split_once('>')?.0;
        let (_, value) = element.split_once(&format!("{name}=\""))?;
        Url::parse(value.split_once('"')?.0).ok()
    };
    attribute("<base ", "href")
        .or_else(|| attribute("rel=\"canonical\"", "href"))
        .or_else(|| {
            // A comment of browsers: "saved from url=(0041)https://...".
            let (_, rest) = text.split_once("saved from url=(")?;
            let address = rest.split_once(')')?.1.split([' ', '\n', '\r']).next()?;
            Url::parse(address.trim_end_matches("-->")).ok()
        })
        .map(copied::live)
        .filter(|url| matches!(url.scheme(), "http" | "https"))
}

async fn fetched(
    url: &str,
    engine: EngineName,
    base: Option<Url>,
    zone: TimeZone,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Reading> {
    let url = address(url)?;
    let base = base.unwrap_or_else(|| folder_of(&url));
    let config = ForumConfig {
        key: ForumKey::new("read"),
        engine,
        url: base.clone(),
        account: None,
        api: None,
        hook_secret: None,
        timezone: zone,
        poll: Duration::from_secs(60),
        min_request_gap: Duration::from_secs(1),
        guilds: Vec::new(),
    };
    let engine_room = forum::engine(&config, clock)?;
    match engine_room.recognise(url.as_str()) {
        // Any address may be one of a feed, which is read whole.
        Some(_) if engine == EngineName::Feed => {}
        Some(Place { thread: Some(_), .. } | Place { post: Some(_), .. }) => {}
        Some(_) => bail!("this address names no thread; give the address of a thread or of a post"),
        None => bail!(
            "this address names no thread of the forum at {base}; give the forum's address with --base-url"
        ),
    }
    let page = engine_room.page_at(url.as_str()).await?;
    Ok(Reading { engine, forum: Some(base), page })
}

/// The forum's folder: everything before the script, or before what a rewritten address puts behind it.
fn folder_of(url: &Url) -> Url {
    let path = url.path();
    let end = path
        .find(".php")
        .and_then(|at| path[..at].rfind('/'))
        .or_else(|| path.find("/threads/"))
        .or_else(|| ["/api/", "/topic/", "/post/"].iter().filter_map(|part| path.find(part)).min())
        .or_else(|| {
            path.trim_end_matches('/').rsplit_once('/').map(|(folder, _)| folder.rfind('/').unwrap_or(0))
        })
        .unwrap_or(0);
    let mut folder = url.clone();
    folder.set_query(None);
    folder.set_fragment(None);
    folder.set_path(&format!("{}/", &path[..end]));
    folder
}

impl Reading {
    /// The object that DESIGN's contract describes, indented.
    pub fn json(&self) -> String {
        format!("{:#}", self.value())
    }

    fn value(&self) -> Value {
        json!({
            "forum": { "engine": self.engine.name(), "url": self.forum.as_ref().map(Url::as_str) },
            "thread": thread(&self.page.thread),
            "permissions": self.page.permissions,
            "posts": self.page.posts.iter().map(post).collect::<Vec<_>>(),
        })
    }

    /// The page as Markdown to be read in a terminal.
    pub fn markdown(&self) -> String {
        let thread = &self.page.thread;
        let mut out = format!("# {}\n", thread.title);
        let mut facts = Vec::new();
        facts.extend(thread.board.name.clone());
        facts.push(format!("page {} of {}", thread.page, thread.pages));
        facts.extend(thread.total_results.map(|total| format!("{total} posts")));
        facts.extend(thread.closed.filter(|closed| *closed).map(|_| "closed".to_owned()));
        let _ = writeln!(out, "{}", facts.join(" · "));
        if !thread.tags.is_empty() {
            let _ = writeln!(out, "Tags: {}", thread.tags.join(", "));
        }
        for post in &self.page.posts {
            let number = post.number.map(|number| format!("#{number} ")).unwrap_or_default();
            let when = post.posted_at.map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
            let when = when.or_else(|| post.posted_text.clone()).unwrap_or_default();
            let _ = writeln!(out, "\n---\n\n{number}**{}** · {when}\n", post.author.name);
            let _ = match post.visibility {
                Visibility::Deleted => writeln!(out, "(This post has been deleted.)"),
                Visibility::Ignored => writeln!(out, "(The viewer ignores this member.)"),
                Visibility::Shown | Visibility::AwaitingApproval => {
                    writeln!(out, "{}", discord::write(&post.body, &NoLinks))
                }
            };
            for file in &post.attachments {
                let _ = writeln!(out, "\n📎 {} {}", file.name, file.url);
            }
            if !post.thanks.is_empty() {
                let names: Vec<&str> = post.thanks.iter().map(|thanks| thanks.name.as_str()).collect();
                let total = post.thanks_total.unwrap_or(names.len() as u64);
                let _ = writeln!(out, "\n{total} thanks: {}", names.join(", "));
            }
        }
        out
    }
}

/// An address, unless it is one within a forum whose own address is not known.
fn known(url: &str) -> Option<&str> {
    (!url.starts_with(NOWHERE)).then_some(url)
}

fn thread(thread: &Thread) -> Value {
    let browsing = thread
        .browsing
        .map(|who| json!({ "total": who.total, "members": who.members, "guests": who.guests }));
    let similar: Vec<_> = thread
        .similar
        .iter()
        .map(|other| {
            json!({
                "id": other.id,
                "url": known(&other.url),
                "title": other.title,
                "author": other.author,
                "board": other.board,
                "replies": other.replies,
                "last_post_at": other.last_post_at,
            })
        })
        .collect();
    json!({
        "id": thread.id,
        "url": thread.url.as_deref().and_then(known),
        "title": thread.title,
        "prefix": thread.prefix,
        "board": { "id": thread.board.id, "name": thread.board.name },
        "closed": thread.closed,
        "page": thread.page,
        "pages": thread.pages,
        "first_result": thread.first_result,
        "last_result": thread.last_result,
        "total_results": thread.total_results,
        "tags": thread.tags,
        "reply_allowed": thread.reply_allowed,
        "similar": similar,
        "browsing": browsing,
    })
}

fn post(post: &Post) -> Value {
    let attachments: Vec<_> = post
        .attachments
        .iter()
        .map(|file| json!({ "name": Some(&file.name).filter(|name| !name.is_empty()), "url": known(&file.url), "size": file.size }))
        .collect();
    json!({
        "id": post.id,
        "url": known(&post.url),
        "number": post.number,
        "title": post.title,
        "posted_at": post.posted_at,
        "posted_text": post.posted_text,
        "edited_at": post.edited_at,
        "author": author(&post.author),
        "markdown": discord::write(&post.body, &NoLinks),
        "quotes": post.quotes,
        "mentions": post.mentions,
        "attachments": attachments,
        "thanks": post.thanks,
        "thanks_total": post.thanks_total,
    })
}

fn author(author: &Author) -> Value {
    json!({
        "id": author.id,
        "name": author.name,
        "title": author.title,
        "avatar_url": author.avatar_url.as_deref().and_then(known),
        "joined": author.joined,
        "location": author.location,
        "posts": author.posts,
        "thanks_given": author.thanks_given,
        "thanks_received": author.thanks_received,
        "posts_thanked": author.posts_thanked,
        "blog_entries": author.blog_entries,
        "guest": author.guest,
    })
}
