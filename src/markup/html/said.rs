//! NodeBB's quotes: a line that names a member and links to the post, and the words behind it.
//!
//! `@ann said in [Stoves](/post/81):` stands before the quote, or since version 4 as its first line; without the
//! topic it is `@ann [said](/post/81):`. The words between are the language's, and so is the order of the two: what
//! tells such a line from others is that it is short and holds one member and one post, and nothing else.

use url::Url;

use crate::markup::{Block, Inline, plain};
use crate::model::PostId;

/// No language needs more letters than this beside the two names.
const LONGEST: usize = 40;

/// Who said it, and where.
struct Said {
    author: String,
    post: PostId,
    url: String,
}

/// Makes such lines a part of the quotes that they belong to.
pub fn attribute(blocks: &mut Vec<Block>, base: &Url) {
    let mut at = 0;
    while at < blocks.len() {
        let mut said = None;
        match &mut blocks[at] {
            Block::Spoiler { content, .. } | Block::Indent(content) => attribute(content, base),
            Block::List { items, .. } => items.iter_mut().for_each(|item| attribute(item, base)),
            Block::Quote { author, post, content, .. } => {
                attribute(content, base);
                if author.is_none() && post.is_none() {
                    said = content.first().and_then(|first| self::said(first, base));
                    if said.is_some() {
                        content.remove(0);
                    } else if let Some(before) = at.checked_sub(1) {
                        said = self::said(&blocks[before], base);
                        if said.is_some() {
                            blocks.remove(before);
                            at = before;
                        }
                    }
                }
            }
            _ => {}
        }
        if let (Some(said), Block::Quote { author, post, url, .. }) = (said, &mut blocks[at]) {
            (*author, *post, *url) = (Some(said.author), Some(said.post), Some(said.url));
        }
        at += 1;
    }
}

fn said(block: &Block, base: &Url) -> Option<Said> {
    let Block::Paragraph(content) = block else { return None };
    let (post, url) = content.iter().find_map(|inline| match inline {
        Inline::Link { url, .. } => post_of(url, base).map(|post| (post, url.clone())),
        _ => None,
    })?;
    // As the bridge writes it: the name and an arrow, which add-ons may have made a picture of.
    if let [Inline::Bold(name), .., Inline::Link { content: label, .. }] = content.as_slice()
        && plain::inline(label).trim_end_matches('\u{fe0f}') == "↗"
    {
        return Some(Said { author: plain::inline(name), post, url });
    }
    let (mut author, mut words) = (None, String::new());
    for inline in content {
        match inline {
            Inline::Mention { name, .. } if author.is_none() => author = Some(name.clone()),
            Inline::Text(text) => words.push_str(text),
            Inline::Link { url: other, .. } if *other == url => {}
            _ => return None,
        }
    }
    if author.is_none() {
        // Of members that the forum does not know (any more) only the text is left.
        let (before, after) = words.split_once('@')?;
        let (name, after) = after.split_once(char::is_whitespace)?;
        author = Some(name.to_owned()).filter(|name| !name.is_empty());
        words = format!("{before}{after}");
    }
    let author = author.filter(|_| words.chars().count() <= LONGEST)?;
    Some(Said { author, post, url })
}

/// The id in an address of this forum's own that ends in `/post/81`. Ids of posts from elsewhere are addresses.
fn post_of(url: &str, base: &Url) -> Option<PostId> {
    let url = Url::parse(url).ok().filter(|url| url.host_str() == base.host_str())?;
    let mut segments = url.path_segments()?.rev();
    let (id, kind) = (segments.next()?, segments.next()?);
    let id = percent_decoded(id);
    (kind == "post" && !id.is_empty()).then(|| PostId::new(id))
}

fn percent_decoded(segment: &str) -> String {
    let pair = format!("a={}", segment.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
