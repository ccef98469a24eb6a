//! One line of styled runs as Discord Markdown. Every style is closed within the line, so that lines can
//! be cut apart anywhere.

use super::escape;
use super::lines::length_of;
use crate::markup::Inline;
use crate::markup::plain;
use crate::markup::runs::{Run, Style};

/// Writes a line. Markers are put against the words, never against spaces, where Discord would not
/// see them.
pub fn write<'a>(runs: impl IntoIterator<Item = &'a Run>) -> String {
    written(runs, Place { styled: false, hidden: false })
}

/// The same for a line that is all in a spoiler, whose bars somebody else writes.
pub fn write_hidden<'a>(runs: impl IntoIterator<Item = &'a Run>) -> String {
    let mut runs: Vec<Run> = runs.into_iter().cloned().collect();
    for run in &mut runs {
        run.styles.retain(|style| *style != Style::Spoiler);
    }
    written(&runs, Place { styled: true, hidden: true })
}

fn written<'a>(runs: impl IntoIterator<Item = &'a Run>, place: Place) -> String {
    let runs: Vec<&Run> = runs.into_iter().filter(|run| !run.is_empty()).collect();
    let mut out = Out::default();
    out.text.reserve(runs.iter().map(|run| length_of(&run.leaf) + 8).sum());
    inlines(Content { runs: &runs, depth: 0 }, &mut out, place);
    out.text
}

/// Neighbours within the same styles, so many of them.
#[derive(Clone, Copy)]
struct Content<'a> {
    runs: &'a [&'a Run],
    depth: usize,
}

impl<'a> Content<'a> {
    /// The words alone.
    fn words(self) -> String {
        let mut words = String::new();
        self.runs.iter().for_each(|run| plain::push(&run.leaf, &mut words));
        words
    }

    /// The only thing within, if it is one, and in no further style.
    fn only(self) -> Option<&'a Inline> {
        let [only] = self.runs else { return None };
        (only.styles.len() == self.depth).then_some(&only.leaf)
    }
}

/// Where in a line something stands.
#[derive(Clone, Copy)]
struct Place {
    /// Within a style, whose end a bare address would swallow.
    styled: bool,
    /// Within a spoiler, which two bars end wherever they stand.
    hidden: bool,
}

/// What is written so far, and whether its last word holds an address, which a sign put behind it would join.
#[derive(Default)]
struct Out {
    text: String,
    /// How much of the text the next two tell of.
    read: usize,
    word: usize,
    address: bool,
    /// Where the last address in brackets ended.
    closed: usize,
    /// Where the last smilie that is written as its code ended: a word behind it would look like a part of it.
    code: usize,
}

impl Out {
    fn ends_with_address(&mut self) -> bool {
        let fresh = self.text.floor_char_boundary(self.read.saturating_sub(8).max(self.word));
        let new = &self.text[fresh..];
        if let Some(space) = new.rfind(char::is_whitespace) {
            self.word = fresh + space;
            self.address = false;
        }
        let word = &self.text[self.word.max(fresh)..];
        self.address |= word.contains(':') && (word.contains("http://") || word.contains("https://"));
        self.read = self.text.len();
        self.address && self.closed != self.text.len()
    }

    /// Before a sign that must not become a part of an address.
    fn part(&mut self) {
        if self.ends_with_address() {
            self.text.push(' ');
        }
    }
}

fn inlines(content: Content<'_>, out: &mut Out, place: Place) {
    let depth = content.depth;
    let mut rest = content.runs;
    while let Some(first) = rest.first() {
        let Some(style) = first.styles.get(depth) else {
            // Texts that touch are one: what stands in it decides what has to be escaped.
            let text = |run: &&&Run| run.styles.len() == depth && matches!(run.leaf, Inline::Text(_));
            let (now, behind) = rest.split_at(rest.iter().take_while(text).count().max(1));
            rest = behind;
            match now {
                [only] => leaf(&only.leaf, out, place),
                texts => leaf(&Inline::Text(Content { runs: texts, depth }.words()), out, place),
            }
            continue;
        };
        let length = rest.iter().take_while(|run| run.styles.get(depth) == Some(style)).count();
        let (within, behind) = rest.split_at(length);
        rest = behind;
        let within = Content { runs: within, depth: depth + 1 };
        match style {
            Style::Bold => marked("**", within, out, place),
            Style::Italic => marked("*", within, out, place),
            Style::Underline => marked("__", within, out, place),
            Style::Strike => marked("~~", within, out, place),
            Style::Spoiler => marked("||", within, out, Place { hidden: true, ..place }),
            Style::Link(url) => link(url, within, out, place),
        }
    }
}

/// What is no style.
fn leaf(inline: &Inline, out: &mut Out, place: Place) {
    match inline {
        Inline::Text(text) => {
            let behind_code =
                out.code > 0 && out.code == out.text.len() && text.starts_with(char::is_alphanumeric);
            if behind_code || (out.ends_with_address() && joins(text)) {
                out.text.push(' ');
            }
            escape::text(text, &mut out.text);
        }
        Inline::Code(text) => {
            out.part();
            // Two rows of backticks would be one.
            if out.text.ends_with('`') {
                out.text.push('\u{200b}');
            }
            let code = escape::code(text);
            out.text.push_str(&if place.hidden { escape::hidden(&code) } else { code });
        }
        Inline::Image { url, alt } => match alt {
            Some(alt) if place.styled => {
                escape::text(alt, &mut out.text);
                out.text.push(' ');
                bare(url, out, place.styled);
            }
            _ => bare(url, out, place.styled),
        },
        Inline::Video { url, title } => match title {
            Some(title) if !title.contains("://") => {
                escape::text(title, &mut out.text);
                out.text.push_str(": ");
                bare(url, out, place.styled);
            }
            _ => bare(url, out, place.styled),
        },
        Inline::Emoji(emoji) => {
            out.part();
            if emoji.is_ascii() {
                if out.text.ends_with(char::is_alphanumeric) {
                    out.text.push(' ');
                }
                escape::text(emoji, &mut out.text);
                out.code = out.text.len();
            } else {
                out.text.push_str(emoji);
            }
        }
        Inline::Mention { name, .. } => {
            out.part();
            escape::text(&format!("@{name}"), &mut out.text);
        }
        Inline::Break => out.text.push('\n'),
        // Runs hold no styles but their own.
        Inline::Bold(_)
        | Inline::Italic(_)
        | Inline::Underline(_)
        | Inline::Strike(_)
        | Inline::Spoiler(_)
        | Inline::Link { .. } => {}
    }
}

/// Whether Discord would take the beginning of a text for the end of the address before it.
fn joins(text: &str) -> bool {
    let rest = text.trim_start_matches(['.', ',', ':', ';', '!', '?', ')', '"', '\'']);
    let apart = |text: &str| text.is_empty() || text.starts_with(char::is_whitespace);
    !apart(text) && !apart(rest)
}

fn marked(marker: &str, content: Content<'_>, out: &mut Out, place: Place) {
    let mut inner = Out::default();
    inlines(content, &mut inner, Place { styled: true, ..place });
    let inner = inner.text;
    let words = inner.trim();
    if words.is_empty() {
        out.text.push_str(&inner);
        return;
    }
    let start = inner.len() - inner.trim_start().len();
    out.text.push_str(&inner[..start]);
    out.part();
    // Two rows of the same sign would run together.
    let sign = marker.chars().next().unwrap_or('*');
    if out.text.ends_with(sign) && !out.text.ends_with(&format!("\\{sign}")) {
        out.text.push('\u{200b}');
    }
    out.text.push_str(marker);
    out.text.push_str(words);
    // A spoiler ends at the first two bars, even where a backslash stands before one of them.
    if (words.ends_with('\\') && !words.ends_with("\\\\")) || (sign == '|' && words.ends_with('|')) {
        out.text.push('\u{200b}');
    }
    out.text.push_str(marker);
    out.text.push_str(&inner[start + words.len()..]);
}

/// A bare address; in angle brackets where a marker behind it would be taken for a part of it.
fn bare(url: &str, out: &mut Out, styled: bool) {
    let safe = !url.contains(|c: char| c.is_whitespace() || c.is_control() || "<>|*`\\[]".contains(c))
        && !url.ends_with(['_', '~', '.', ',', ':', ';', '\'', '"', ')'])
        && !escape::calls_all(url);
    out.part();
    if out.text.ends_with(char::is_alphanumeric) {
        out.text.push(' ');
    }
    if safe && !styled && url.starts_with("http") {
        out.text.push_str(url);
    } else {
        out.text.push('<');
        out.text.push_str(&escape::url(url));
        out.text.push('>');
        out.closed = out.text.len();
    }
}

/// A link whose reader sees where it leads: the label, and the host unless the label is its name.
fn link(url: &str, content: Content<'_>, out: &mut Out, place: Place) {
    if let Some(Inline::Image { url: picture, .. }) = content.only() {
        // The full picture, if the link leads to one, else the picture and the link.
        if is_picture(url) {
            return bare(url, out, place.styled);
        }
        bare(picture, out, place.styled);
        out.text.push(' ');
        return bare(url, out, true);
    }
    let label = content.words();
    let label = label.trim();
    if let Some(address) = url.strip_prefix("mailto:") {
        let address = address.split('?').next().unwrap_or(address);
        if label != address && !label.is_empty() {
            inlines(content, out, place);
            out.text.push(' ');
        }
        return escape::text(address, &mut out.text);
    }
    if label.is_empty() || same_address(label, url) {
        return bare(url, out, place.styled);
    }
    let mut text = Out::default();
    inlines(content, &mut text, Place { styled: true, ..place });
    let text = text.text.trim().replace('\n', " ");
    let host = host(url);
    let named = host.is_some_and(|host| label.eq_ignore_ascii_case(host));
    // A label that names an address could lie, and one that is an address or has brackets can't be a label.
    let maskable = url.starts_with("http") && !text.contains(['[', ']']) && !text.contains("://");
    if !maskable || (names_a_host(label) && !named) {
        out.text.push_str(&text.replace("://", ":\u{200b}//"));
        out.text.push_str(" (");
        bare(url, out, true);
        out.text.push(')');
        out.closed = out.text.len();
        return;
    }
    out.part();
    out.text.push('[');
    out.text.push_str(&text);
    out.text.push_str("](<");
    out.text.push_str(&escape::url(url));
    out.text.push_str(">)");
    out.closed = out.text.len();
    if let Some(host) = host.filter(|_| !named) {
        out.text.push_str(" (");
        escape::text(host, &mut out.text);
        out.text.push(')');
    }
}

/// Whether a label is the address itself, perhaps shortened in the middle as forums do.
fn same_address(label: &str, url: &str) -> bool {
    let strip = |text: &str| {
        let mut rest = text;
        for begin in ["https://", "http://", "www."] {
            while let Some(behind) = rest.strip_prefix(begin) {
                rest = behind;
            }
        }
        rest.trim_end_matches('/').to_lowercase()
    };
    let (label, url) = (strip(label), strip(url));
    if label == url {
        return true;
    }
    let shortened = label.split_once("...").or_else(|| label.split_once('…'));
    shortened.is_some_and(|(head, tail)| head.len() >= 6 && url.starts_with(head) && url.ends_with(tail))
}

/// Whether any word of a label could be taken for the place that the link leads to.
fn names_a_host(label: &str) -> bool {
    label.contains("://")
        || label.split(|c: char| !(c.is_alphanumeric() || "-.".contains(c))).any(|word| {
            word.trim_matches('.').rsplit_once('.').is_some_and(|(name, end)| {
                !name.is_empty() && (2..=12).contains(&end.len()) && end.chars().all(char::is_alphabetic)
            })
        })
}

fn is_picture(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or(url).to_lowercase();
    [".png", ".jpg", ".jpeg", ".gif", ".webp"].iter().any(|end| path.ends_with(end))
}

fn host(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let host = rest.split(['/', '?', '#']).next()?;
    let host = host.rsplit('@').next()?;
    Some(host.strip_prefix("www.").unwrap_or(host)).filter(|host| !host.is_empty())
}
