//! A document as messages. Discord takes 2,000 characters a message and does not say what a character
//! is; UTF-16 units are the most that any reading of it counts, so parts are measured in those.
//!
//! Parts end between blocks where they can, else between lines, sentences or words; never within a
//! link, an emoji or a grapheme. Fences, quotes, spoilers and styles are closed and opened again.
//!
//! A post that is edited must not change all its messages. A new post leaves some room in each message
//! but the last, and where messages of a post are already there, the cuts are chosen that keep the most of
//! them as they are.

use super::Doc;
use super::discord::{QuoteLinks, lines_of};
use pieces::cut;
use plan::Plan;

mod pieces;
mod plan;

/// What a post may take up, in messages. No person writes one that is longer; what there is beyond is to be
/// read on the forum, and the last message says so.
const MOST_PARTS: usize = 60;

/// The messages of a document that are already there.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// Of each, in order.
    pub digests: &'a [i64],
    /// What tells one text from another.
    pub digest: fn(&str) -> i64,
}

impl Before<'_> {
    /// Nothing is there.
    pub const NONE: Before<'static> = Before { digests: &[], digest: |_| 0 };
}

/// The messages that show a document, each of at most `limit` UTF-16 units (at least 100), with `footer`
/// (Discord Markdown, one line, cut to a third of the limit) at the end of the last. At least one, and none
/// blank. As many of the messages in `before` as can be are among them, at their places.
pub fn messages(
    doc: &Doc,
    links: &dyn QuoteLinks,
    footer: &str,
    limit: usize,
    before: Before<'_>,
) -> Vec<String> {
    let limit = limit.max(100);
    let footer = clipped(footer, limit / 3);
    let mut lines = Vec::new();
    for line in lines_of(doc, links, MOST_PARTS * limit) {
        cut(line, limit / 4, limit - limit / 3 - 1, &mut lines);
    }
    let mut messages = Plan::new(&lines, &footer, limit, before).messages();
    messages.retain(|message| !message.is_empty());
    if messages.is_empty() {
        // Discord refuses a message without anything to see.
        messages.push(if footer.is_empty() { "\u{2800}".to_owned() } else { footer });
    }
    messages
}

/// How long Discord may take a text to be.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn clipped(text: &str, limit: usize) -> String {
    use unicode_segmentation::UnicodeSegmentation;
    let text = text.trim();
    let mut length = 0;
    text.graphemes(true)
        .take_while(|grapheme| {
            length += units(grapheme);
            length <= limit
        })
        .collect()
}

#[cfg(test)]
mod tests;
