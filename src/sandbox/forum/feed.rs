//! The same forum behind the plainest face: each board as a feed of its newest threads, in one of three formats, as the
//! makers of blogs and news pages write them. Guests' view; there is nothing to sign in to and nothing to post to.
//! <https://www.rssboard.org/rss-specification>, <https://www.rfc-editor.org/rfc/rfc4287>, <https://www.jsonfeed.org/version/1.1/>

use std::fmt::Write;

use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::bbcode::{escape, to_html};
use super::state::{PostFacts, State, ThreadFacts};
use super::wire::{Call, Reply};
use super::{Charset, Forum, Options};

/// Which format a feed is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedKind {
    Rss,
    Atom,
    Json,
}

impl FeedKind {
    /// What the feed's address ends with.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Rss => "xml",
            Self::Atom => "atom",
            Self::Json => "json",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Rss => "application/rss+xml; charset=utf-8",
            Self::Atom => "application/atom+xml; charset=utf-8",
            Self::Json => "application/feed+json",
        }
    }
}

/// What members of the forum did, as a feed tells it.
struct Told<'a> {
    thread: &'a ThreadFacts,
    post: &'a PostFacts,
    id: String,
    link: String,
    html: String,
}

pub(super) fn answer(forum: &Forum, kind: FeedKind, call: &Call) -> Reply {
    let path = call.path.trim_start_matches('/');
    let board =
        path.strip_prefix("feeds/").and_then(|name| name.strip_suffix(&format!(".{}", kind.ending())));
    let mut state = forum.state();
    match board.and_then(|board| board.parse::<u64>().ok()) {
        Some(board) if state.sees_board(None, board) => feed(forum, &mut state, kind, board, call),
        _ if path.is_empty() => front(forum, &state, kind),
        _ => {
            let thread = path.strip_prefix("t/").and_then(|id| id.parse::<u64>().ok());
            let thread =
                thread.and_then(|id| state.threads.get(&id)).filter(|it| state.sees_thread(None, it));
            let title = thread.map_or("Not found", |thread| thread.title.as_str());
            let mut reply =
                Reply::page(Charset::Utf8, &format!("<html><body><h1>{}</h1></body></html>", escape(title)));
            reply.status = if thread.is_some() { 200 } else { 404 };
            reply
        }
    }
}

/// The page whose head names the feeds.
fn front(forum: &Forum, state: &State, kind: FeedKind) -> Reply {
    let mut links = String::new();
    for board in state.boards.values().filter(|board| state.sees_board(None, board.id)) {
        let (name, ending) = (escape(&board.name), kind.ending());
        let mime = kind.content_type().split(';').next().unwrap_or_default();
        let _ = write!(
            links,
            "<link rel=\"alternate\" type=\"{mime}\" title=\"{name}\" href=\"feeds/{}.{ending}\">",
            board.id
        );
    }
    let title = escape(&forum.options().title);
    Reply::page(
        Charset::Utf8,
        &format!("<html><head><title>{title}</title>{links}</head><body><h1>{title}</h1></body></html>"),
    )
}

fn feed(forum: &Forum, state: &mut State, kind: FeedKind, board: u64, call: &Call) -> Reply {
    let (options, base) = (forum.options(), forum.url());
    let told = told(forum, state, board);
    let name = state.boards.get(&board).map(|board| board.name.as_str()).unwrap_or_default();
    let text = match kind {
        FeedKind::Rss => rss(&told, name, &base, options),
        FeedKind::Atom => atom(&told, name, &base, forum.now()),
        FeedKind::Json => json_feed(&told, name, &base, options),
    };
    let mut tag = "\"".to_owned();
    for byte in &Sha256::digest(text.as_bytes())[..8] {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    if call.if_none_match.as_deref() == Some(tag.as_str()) {
        state.unchanged += 1;
        let mut reply = Reply::bytes(kind.content_type(), Vec::new());
        reply.status = 304;
        return reply.with("etag", tag);
    }
    Reply::text(kind.content_type(), Charset::Utf8, &text).with("etag", tag)
}

/// The newest threads, by when they were opened.
fn told<'a>(forum: &Forum, state: &'a State, board: u64) -> Vec<Told<'a>> {
    let (options, base) = (forum.options(), forum.url());
    let mut threads: Vec<(&ThreadFacts, &PostFacts)> = state
        .board_threads(None, board)
        .into_iter()
        .filter_map(|thread| Some((thread, *state.visible_posts(None, thread).first()?)))
        .collect();
    threads.sort_by_key(|(_, post)| std::cmp::Reverse((post.at, post.id)));
    threads.truncate(options.feed_items);
    let salt = if options.feed_ids_change { format!("{:x}-", fastrand::u64(..)) } else { String::new() };
    threads
        .into_iter()
        .map(|(thread, post)| Told {
            id: format!("urn:sandbox:{salt}{}", thread.id),
            link: format!("{base}t/{}", thread.id),
            html: to_html(&post.text, &base),
            thread,
            post,
        })
        .collect()
}

fn rss(told: &[Told<'_>], name: &str, base: &str, options: &Options) -> String {
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\">\n\
         <channel>\n<title>{}</title>\n<link>{base}</link>\n<description></description>\n",
        escape(name)
    );
    for Told { thread, post, id, link, html } in told {
        let date = match options.feed_dates {
            true => format!("<pubDate>{}</pubDate>\n", post.at.strftime("%a, %d %b %Y %H:%M:%S GMT")),
            false => String::new(),
        };
        let tags: String =
            thread.tags.iter().map(|tag| format!("<category>{}</category>", escape(tag))).collect();
        let _ = write!(
            xml,
            "<item>\n<title>{}</title>\n<link>{link}</link>\n<guid isPermaLink=\"false\">{id}</guid>\n{date}\
             <dc:creator>{}</dc:creator>\n{tags}<content:encoded><![CDATA[{}]]></content:encoded>\n</item>\n",
            escape(&thread.title),
            escape(&post.name),
            html.replace("]]>", "]]]]><![CDATA[>"),
        );
    }
    xml + "</channel>\n</rss>\n"
}

fn atom(told: &[Told<'_>], name: &str, base: &str, now: Timestamp) -> String {
    let newest = told.first().map_or(now, |told| told.post.at);
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n<title>{}</title>\n\
         <id>{base}</id>\n<link href=\"{base}\"/>\n<updated>{newest:.0}</updated>\n",
        escape(name)
    );
    for Told { thread, post, id, link, html } in told {
        let updated = post.edited.as_ref().map_or(post.at, |note| note.at);
        let tags: String =
            thread.tags.iter().map(|tag| format!("<category term=\"{}\"/>", escape(tag))).collect();
        let _ = write!(
            xml,
            "<entry>\n<title>{}</title>\n<id>{id}</id>\n<link rel=\"alternate\" href=\"{link}\"/>\n\
             <published>{}</published>\n<updated>{updated}</updated>\n<author><name>{}</name></author>\n{tags}\
             <content type=\"html\">{}</content>\n</entry>\n",
            escape(&thread.title),
            post.at,
            escape(&post.name),
            escape(html),
        );
    }
    xml + "</feed>\n"
}

fn json_feed(told: &[Told<'_>], name: &str, base: &str, options: &Options) -> String {
    let items: Vec<_> = told
        .iter()
        .map(|Told { thread, post, id, link, html }| {
            let mut item = json!({
                "id": id,
                "url": link,
                "title": thread.title,
                "content_html": html,
                "authors": [{ "name": post.name }],
                "tags": thread.tags,
            });
            if options.feed_dates {
                item["date_published"] = json!(post.at.to_string());
            }
            if let Some(note) = &post.edited {
                item["date_modified"] = json!(note.at.to_string());
            }
            item
        })
        .collect();
    json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": name,
        "home_page_url": base,
        "items": items,
    })
    .to_string()
}
