//! How a forum post looks in Discord. Pure: the same post always gives the same messages, so that an
//! unchanged part is never edited.

mod footer;
mod name;
mod post;
#[cfg(test)]
mod tests;

pub use footer::{Footer, footer};
pub use name::{thread_title, webhook_name};
pub use post::{LookContext, excerpt, link, messages};

use url::Url;

/// Addresses longer than this are left out: they would take the place of words.
const LONGEST_URL: usize = 512;

/// An author's picture, if its address is one that Discord can be given.
pub fn avatar(url: &str) -> Option<String> {
    web(url)
}

/// An absolute `http` or `https` address, written so that it can stand in Discord Markdown; `None`
/// for anything else, for overlong ones and for those that hold a password.
pub fn web(url: &str) -> Option<String> {
    let url = Url::parse(url.trim()).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain {
        return None;
    }
    let text = url
        .as_str()
        .replace('(', "%28")
        .replace(')', "%29")
        .replace('<', "%3C")
        .replace('>', "%3E")
        .replace('*', "%2A")
        .replace('|', "%7C")
        .replace('`', "%60");
    (text.len() <= LONGEST_URL).then_some(text)
}

/// Text that means nothing but itself in a line of Discord Markdown.
pub fn plain(text: &str) -> String {
    let text = name::one_line(text);
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '*' | '_' | '~' | '`' | '|' | '>' | '#' | '[' | ']' | '(' | ')' | '<' | '@' | ':'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Discord does not say what its characters are: this counts as many as any reading of it.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// At most `limit` of Discord's characters, cut between what people see as characters.
pub fn clip(text: &str, limit: usize) -> String {
    use unicode_segmentation::UnicodeSegmentation;

    if units(text) <= limit {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut left = limit.saturating_sub(1);
    for grapheme in text.graphemes(true) {
        match left.checked_sub(units(grapheme)) {
            Some(rest) => left = rest,
            None => break,
        }
        out.push_str(grapheme);
    }
    let mut out = out.trim_end().to_owned();
    out.push('…');
    out
}
