//! Discord's own dialect of Markdown, in and out. It is not CommonMark: `__` underlines, `||` hides, `-#`
//! is small print, newlines are kept, and there are no tables, images or nested quotes.
//! <https://support.discord.com/hc/en-us/articles/210298617>

use crate::model::PostId;

pub mod escape;
mod inline;
mod lines;
mod read;
mod table;

pub(super) use inline::write as write_runs;
pub(super) use lines::{Line, join, lines_of};
pub use read::{Names, read};

use super::Doc;

/// What stands behind a quote's author and links to the quoted post.
const ARROW: &str = "↗";

/// Where quoted posts are in Discord.
pub trait QuoteLinks {
    /// The address of the Discord message that shows this post, if there is one.
    fn message_url(&self, post: &PostId) -> Option<String>;
}

/// Quotes link to the forum.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLinks;

impl QuoteLinks for NoLinks {
    fn message_url(&self, _: &PostId) -> Option<String> {
        None
    }
}

/// A document as Discord Markdown, of any length.
pub fn write(doc: &Doc, links: &dyn QuoteLinks) -> String {
    join(&lines_of(doc, links, usize::MAX))
}

#[cfg(test)]
mod tests;
