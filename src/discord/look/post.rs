//! A post as the messages that show it.

use super::{Footer, avatar, footer, plain, web, webhook_name};
use crate::discord::Outgoing;
use crate::markup::discord::QuoteLinks;
use crate::markup::split;
use crate::markup::{Block, Doc, Inline};
use crate::model::{Attachment, Post, Visibility};

/// Discord takes 2,000 characters a message.
const LIMIT: usize = 2000;

/// More files than this are only counted.
const FILES: usize = 10;

/// What a post's look depends on besides the post.
#[derive(Clone, Copy)]
pub struct LookContext<'a> {
    /// The forum's name, behind the author's, where posts of several forums share a server.
    pub forum: Option<&'a str>,
    /// The thread's title as the forum has it.
    pub thread_title: &'a str,
    /// Posts of many threads share the channel, so that each has to name its own.
    pub feed: bool,
    /// Where quoted posts are in Discord.
    pub links: &'a dyn QuoteLinks,
    /// The post's messages that are already there.
    pub before: split::Before<'a>,
}

/// The messages that show a post, in order; none when its words are not for everyone.
pub fn messages(post: &Post, look: &LookContext<'_>) -> Vec<Outgoing> {
    if post.visibility != Visibility::Shown {
        return Vec::new();
    }
    let thanks: Vec<&str> = post.thanks.iter().map(|thanks| thanks.name.as_str()).collect();
    let last_line = footer(&Footer {
        url: &post.url,
        number: post.number,
        thread: look.feed.then_some(look.thread_title),
        thanks: &thanks,
        thanks_total: post.thanks_total.unwrap_or(0),
        edited_at: post.edited_at,
    });
    let mut parts =
        split::messages(&document(post, look.thread_title), look.links, &last_line, LIMIT, look.before);
    if parts.is_empty() {
        parts.push(last_line);
    }
    let username = webhook_name(&post.author.name, look.forum);
    let avatar_url = post.author.avatar_url.as_deref().and_then(avatar);
    parts
        .into_iter()
        .map(|content| Outgoing { username: username.clone(), avatar_url: avatar_url.clone(), content })
        .collect()
}

/// The beginning of a text in at most `limit` characters, and whether there is more.
pub fn excerpt(doc: &Doc, links: &dyn QuoteLinks, limit: usize) -> (String, bool) {
    let mut parts = split::messages(doc, links, "", limit, split::Before::NONE).into_iter();
    (parts.next().unwrap_or_default(), parts.next().is_some())
}

/// The post's own title where it has one, its words, and the files that hang on it.
fn document(post: &Post, thread_title: &str) -> Doc {
    let mut blocks = Vec::new();
    if let Some(title) = post.title.as_deref().filter(|title| own_title(title, thread_title)) {
        blocks.push(Block::Heading { level: 3, content: vec![Inline::Text(title.trim().to_owned())] });
    }
    blocks.extend(post.body.blocks.iter().cloned());
    let files: Vec<&Attachment> =
        post.attachments.iter().filter(|file| !shown(&post.body, &file.url)).collect();
    for file in files.iter().take(FILES) {
        blocks.push(Block::Paragraph(attachment(file)));
    }
    if files.len() > FILES {
        let more = format!("and {} more files on the forum", files.len() - FILES);
        blocks.push(Block::Small(vec![Inline::Text(more)]));
    }
    Doc { blocks }
}

/// Forums fill a reply's title with the thread's.
fn own_title(title: &str, thread_title: &str) -> bool {
    let bare = |title: &str| {
        let mut title = title.trim().to_lowercase();
        while let Some(rest) = title.strip_prefix("re:") {
            title = rest.trim_start().to_owned();
        }
        title
    };
    let title = bare(title);
    !title.is_empty() && title != bare(thread_title)
}

fn attachment(file: &Attachment) -> Vec<Inline> {
    let name = Inline::Text(if file.name.trim().is_empty() { "file".into() } else { file.name.clone() });
    let mut line = vec![Inline::Text("📎 ".into())];
    line.push(match web(&file.url) {
        Some(url) => Inline::Link { url, content: vec![name] },
        None => name,
    });
    if let Some(size) = &file.size {
        line.push(Inline::Text(format!(" ({size})")));
    }
    line
}

/// Whether the body already shows or links this file.
fn shown(doc: &Doc, url: &str) -> bool {
    fn blocks(list: &[Block], url: &str) -> bool {
        list.iter().any(|block| match block {
            Block::Paragraph(content) | Block::Small(content) | Block::Heading { content, .. } => {
                inlines(content, url)
            }
            Block::Quote { .. } | Block::Code { .. } | Block::Rule => false,
            Block::Spoiler { content, .. } | Block::Indent(content) => blocks(content, url),
            Block::List { items, .. } => items.iter().any(|item| blocks(item, url)),
            Block::Table { rows, .. } => rows.iter().flatten().any(|cell| inlines(cell, url)),
        })
    }
    fn inlines(list: &[Inline], wanted: &str) -> bool {
        list.iter().any(|inline| match inline {
            Inline::Image { url, .. } => url == wanted,
            Inline::Link { url, content } => url == wanted || inlines(content, wanted),
            Inline::Bold(content)
            | Inline::Italic(content)
            | Inline::Underline(content)
            | Inline::Strike(content)
            | Inline::Spoiler(content) => inlines(content, wanted),
            _ => false,
        })
    }
    blocks(&doc.blocks, url)
}

/// A link with a title that can't break out of it.
pub fn link(title: &str, url: &str) -> String {
    match web(url) {
        Some(url) => format!("[{}](<{url}>)", plain(title)),
        None => plain(title),
    }
}
