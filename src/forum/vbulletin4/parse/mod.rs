//! vBulletin 4's pages, read into [`crate::model`]. Plain functions from text to facts: no I/O.
//!
//! Styles rearrange and translate everything, so ids and classes decide, never phrases of one language.
//! A page that is something else is an error that says what it is; never an empty thread.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use crate::markup::html::tree::{ElementRef, Html, Node, Selector};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::Url;

use crate::markup::html;

mod author;
mod board;
mod calendar;
mod column;
pub mod dates;
mod jalali;
pub mod kind;
mod labels;
pub mod links;
mod made;
mod member;
mod phrases;
mod post;
mod repair;
mod scope;
mod search;
mod thanks;
mod thread;
mod words;

pub use board::{board_page, boards, overview};
pub use kind::{Head, PageKind, head, what_is};
pub use member::member_page;
pub use search::search_page;
pub use thread::thread_page;

/// What has to be known of a page besides its text.
#[derive(Debug, Clone)]
pub struct Context {
    /// The page's own address; links are resolved against `<base>` where the page has one.
    pub url: Url,
    /// The forum's time zone.
    pub zone: TimeZone,
    /// When the page was fetched; `None` for a saved page that does not tell, whose "Yesterday" then means
    /// no day.
    pub now: Option<Timestamp>,
}

/// Why a page can't be read as what it should be: one sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PageError(pub String);

impl From<html::TooMuch> for PageError {
    fn from(error: html::TooMuch) -> Self {
        Self(error.to_string())
    }
}

/// A selector that is compiled once.
macro_rules! css {
    ($text:literal) => {{
        static SELECTOR: std::sync::LazyLock<$crate::markup::html::tree::Selector> =
            std::sync::LazyLock::new(|| $crate::forum::vbulletin4::parse::selector($text));
        &*SELECTOR
    }};
}
use css;

/// Only for selectors that are written in this room.
fn selector(text: &'static str) -> Selector {
    Selector::parse(text).unwrap_or_else(|_| Selector::parse("never-matches").expect("a plain name"))
}

/// Parses a page that is not too large to be parsed.
fn document(text: &str) -> Result<Html, PageError> {
    let text = repair::xml_as_html(text);
    Ok(Html::parse_document(&text)?)
}

/// An element's words, with every run of spaces as one; scripts and styles are no words.
fn text_of(element: ElementRef<'_>) -> String {
    words_of(element).into_owned()
}

/// The same, as they stand in the page where they can be.
fn words_of(element: ElementRef<'_>) -> Cow<'_, str> {
    words_up_to(element, usize::MAX)
}

/// The words that an element begins with: after so many bytes, or so many nodes, it is left. What is asked of each of
/// many elements that lie within each other must not read all of them again and again.
fn words_up_to(element: ElementRef<'_>, most: usize) -> Cow<'_, str> {
    let hidden = html::shielded::is_stand_in(Some(element));
    let mut within = element.descendants().skip(1);
    if let (Some(Node::Text(words)), None, false) =
        (within.next().map(|node| node.value()), within.next(), hidden)
        && is_squeezed(words)
    {
        return words.into();
    }
    let mut text = Squeezed::default();
    for node in element.descendants().take(most) {
        if text.text.len() >= most {
            break;
        }
        match node.value() {
            Node::Text(words) => {
                let words = &words[..words.floor_char_boundary(most)];
                let around = node.parent().filter(|parent| parent.id() != element.id());
                let silent = match around.and_then(ElementRef::wrap) {
                    None => hidden,
                    Some(parent) => {
                        matches!(parent.value().name(), "script" | "style" | "noscript" | "template")
                            || html::shielded::is_stand_in(Some(parent))
                    }
                };
                if !silent {
                    text.push(words);
                }
            }
            Node::Element(_) => {
                if let Some(words) = ElementRef::wrap(node).and_then(html::shielded::text) {
                    text.push(&words);
                }
            }
            _ => {}
        }
    }
    text.text.into()
}

/// Whether words have single spaces between them and none around them.
fn is_squeezed(text: &str) -> bool {
    let mut after_space = true;
    for byte in text.bytes() {
        let space = byte == b' ';
        if !(byte.is_ascii_graphic() || space && !after_space) {
            return false;
        }
        after_space = space;
    }
    !after_space || text.is_empty()
}

fn squeezed(text: &str) -> String {
    let mut out = Squeezed::default();
    out.push(text);
    out.text
}

/// Those of some elements, in the order of the page, that lie in none of the others.
fn outermost<'a>(elements: impl Iterator<Item = ElementRef<'a>>) -> impl Iterator<Item = ElementRef<'a>> {
    let mut last: Option<ElementRef<'a>> = None;
    elements.filter(move |element| {
        let inner = last.is_some_and(|last| element.ancestors().any(|around| around.id() == last.id()));
        if !inner {
            last = Some(*element);
        }
        !inner
    })
}

/// Text in which every run of spaces is one, and none is at its ends.
#[derive(Default)]
struct Squeezed {
    text: String,
    space: bool,
}

impl Squeezed {
    fn push(&mut self, text: &str) {
        self.text.reserve(text.len() + 1);
        let mut rest = text;
        loop {
            let word = &rest[..to_space(rest)];
            if !word.is_empty() {
                if self.space && !self.text.is_empty() {
                    self.text.push(' ');
                }
                self.text.push_str(word);
                self.space = false;
            }
            let mut behind = rest[word.len()..].chars();
            if behind.next().is_none() {
                return;
            }
            self.space = true;
            rest = behind.as_str();
        }
    }
}

/// How far a text goes without a space.
fn to_space(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    // Most letters are told from spaces without a look at what sign they are.
    while let Some(found) = bytes[at..].iter().position(|byte| !byte.is_ascii_graphic()) {
        at += found;
        let Some(c) = text[at..].chars().next().filter(|c| !c.is_whitespace()) else { return at };
        at += c.len_utf8();
    }
    bytes.len()
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// The first element of the page that fits, whichever part of the selector it fits.
fn first<'a>(within: ElementRef<'a>, selector: &Selector) -> Option<ElementRef<'a>> {
    within.select(selector).next()
}

/// Whether an element stands in one of this class.
fn within(element: ElementRef<'_>, class: &str) -> bool {
    element.is_within(class, 30)
}

fn is_inside(element: ElementRef<'_>, name: &str) -> bool {
    element.ancestors().filter_map(ElementRef::wrap).take(5).any(|e| e.value().name() == name)
}

/// The first element that fits the first selector that anything fits.
fn best<'a, const N: usize>(within: ElementRef<'a>, selectors: [&Selector; N]) -> Option<ElementRef<'a>> {
    selectors.into_iter().find_map(|selector| first(within, selector))
}

/// Digits of Arabic and Persian writing as ours.
fn western(c: char) -> char {
    match c {
        '٠'..='٩' | '۰'..='۹' => char::from_digit(u32::from(c) & 0xf, 10).unwrap_or(c),
        c => c,
    }
}

/// A count as pages write it: `1,860`, `13.635`, `1 234`.
fn count(text: &str) -> Option<u64> {
    let digits: String = text
        .trim()
        .chars()
        .map(western)
        .filter(|c| !matches!(c, ',' | '.' | ' ' | '\u{a0}' | '\'' | '’' | '\u{202f}'))
        .collect();
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// All counts of a text, in order; separators of thousands belong to a number, and a space is one where three
/// digits follow one to three.
fn counts(text: &str) -> Vec<u64> {
    // Digits of other writing are not ASCII.
    if !text.bytes().any(|byte| byte.is_ascii_digit() || !byte.is_ascii()) {
        return Vec::new();
    }
    let mut chars = Vec::with_capacity(text.len());
    chars.extend(text.chars().map(western));
    let digit = |at: usize| chars.get(at).is_some_and(char::is_ascii_digit);
    let three = |at: usize| digit(at) && digit(at + 1) && digit(at + 2) && !digit(at + 3);
    let mut counts = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if !digit(at) {
            at += 1;
            continue;
        }
        let mut number = Some(0_u64);
        let first = (at..).take_while(|at| digit(*at)).count();
        while at < chars.len() {
            if let Some(digit) = chars[at].to_digit(10) {
                number = number.and_then(|n| n.checked_mul(10)?.checked_add(u64::from(digit)));
            } else if !(matches!(chars[at], ',' | '.' | ' ' | '\u{a0}' | '\'' | '’' | '\u{202f}')
                && first <= 3
                && three(at + 1))
            {
                break;
            }
            at += 1;
        }
        counts.extend(number);
    }
    counts
}

/// Texts in order, each once.
#[derive(Default)]
struct Distinct {
    list: Vec<String>,
    seen: HashSet<String>,
}

impl Distinct {
    fn add(&mut self, text: String) {
        if !text.is_empty() && self.seen.insert(text.clone()) {
            self.list.push(text);
        }
    }
}

/// A value that is made once.
type Once<T> = LazyLock<T>;

#[cfg(test)]
mod tests;
