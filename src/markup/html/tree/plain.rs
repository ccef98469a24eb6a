//! A page whose tags say exactly where each element begins and ends, as templates write them. For such a page
//! HTML's long rules of mending come down to a few, and those are followed here; at the first tag, sign or
//! reference that needs another one, the page is given up and read as a [`whole`](super::whole).
//! <https://html.spec.whatwg.org/multipage/parsing.html>

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

use super::tags::{Group, group};
use super::{Attribute, Html, Kind, Name, Span, entities, key, short};

mod attributes;
mod ends;

pub fn document(text: &str) -> Option<Html> {
    read(text, Place::Start, Vec::new())
}

pub fn fragment(text: &str) -> Option<Html> {
    read(text, Place::Body, vec!["html"])
}

/// How far the document has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    BeforeHtml,
    BeforeHead,
    Head,
    AfterHead,
    Body,
    AfterBody,
    AfterHtml,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    node: u32,
    group: Group,
    name: Name,
}

struct Reading<'s> {
    source: &'s str,
    /// What had to be decoded: behind the source, once both are one text.
    decoded: String,
    html: Html,
    open: Vec<Open>,
    place: Place,
    /// Formatting that ended with other formatting around it. Unless its own end tag follows at once, it goes on behind.
    cut_off: Vec<Name>,
    has_form: bool,
    paragraphs: usize,
    links: usize,
    /// A line's end at the beginning of what is preformatted is not part of it.
    skip_newline: bool,
    /// What stands behind the body: spaces, which count as its own, and comments on the page and on the document.
    behind: String,
    comments: Vec<(Place, Span)>,
}

/// A page of a forum is rarely a fifth of this. What is larger or deeper is watched more closely.
const MOST_BYTES: usize = 1024 * 1024;
const MOST_OPEN: usize = 200;
const MOST_NODES: usize = 80_000;

fn read(text: &str, place: Place, roots: Vec<&str>) -> Option<Html> {
    if text.len() > MOST_BYTES || text.starts_with('\u{feff}') || memchr(0, text.as_bytes()).is_some() {
        return None;
    }
    // Line ends are one sign each.
    let source: Cow<'_, str> = if memchr(b'\r', text.as_bytes()).is_some() {
        text.replace("\r\n", "\n").replace('\r', "\n").into()
    } else {
        text.into()
    };
    let mut reading = Reading {
        source: &source,
        decoded: String::new(),
        html: Html::new(source.len() / 16),
        open: Vec::with_capacity(64),
        place,
        cut_off: Vec::new(),
        has_form: false,
        paragraphs: 0,
        links: 0,
        skip_newline: false,
        behind: String::new(),
        comments: Vec::new(),
    };
    for name in roots {
        reading.unwritten(name, group(name));
    }
    reading.page()?;
    let Reading { mut html, decoded, .. } = reading;
    html.text = [&*source, &decoded].concat();
    Some(html)
}

fn space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\x0c')
}

/// How far the words go: a `<` before a space or a digit is one of them.
fn to_markup(text: &str) -> usize {
    let bytes = text.as_bytes();
    if let [b'<', b'a'..=b'z' | b'/', ..] = bytes {
        return 0;
    }
    let begins = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'/' | b'!' | b'?');
    let markup = |at: &usize| bytes.get(at + 1).is_some_and(begins);
    memchr_iter(b'<', bytes).find(markup).unwrap_or(bytes.len())
}

/// A piece of the source, or of what is to stand behind it.
fn text_at<'t>(source: &'t str, decoded: &'t str, span: Span) -> &'t str {
    let (from, to, split) = (span.from as usize, span.to as usize, source.len());
    let text = if from < split { source.get(from..to) } else { decoded.get(from - split..to - split) };
    text.unwrap_or_default()
}

fn blank(text: &str) -> bool {
    text.bytes().all(space)
}

impl Reading<'_> {
    fn page(&mut self) -> Option<()> {
        let mut at = 0;
        while at < self.source.len() {
            let rest = &self.source[at..];
            if !self.cut_off.is_empty() && !rest.starts_with("</") {
                return None;
            }
            let length = to_markup(rest);
            if length > 0 {
                self.words(at, at + length)?;
                at += length;
                continue;
            }
            at = match rest.as_bytes().get(1)? {
                b'!' | b'?' => self.declaration(at)?,
                b'/' => self.end_tag(at + 2)?,
                byte if byte.is_ascii_alphabetic() => self.start_tag(at + 1)?,
                _ => return None,
            };
        }
        self.finish()
    }

    fn finish(&mut self) -> Option<()> {
        // A page that ends before its body gets one.
        if !matches!(self.place, Place::Body | Place::AfterBody | Place::AfterHtml) {
            return None;
        }
        if !self.behind.is_empty() {
            let behind = std::mem::take(&mut self.behind);
            let text = self.keep(&behind);
            self.append(text);
        }
        let root = self.open.first().map(|open| open.node);
        let comments = std::mem::take(&mut self.comments);
        while self.open.len() > 1 {
            self.pop();
        }
        for (_, text) in comments.iter().filter(|(place, _)| *place == Place::AfterBody) {
            self.html.push(root?, Kind::Comment(*text));
        }
        self.pop();
        for (_, text) in comments.iter().filter(|(place, _)| *place == Place::AfterHtml) {
            self.html.push(0, Kind::Comment(*text));
        }
        self.html.end(0);
        // A page without a root gets one.
        root.map(drop)
    }

    fn at(&self, span: Span) -> &str {
        text_at(self.source, &self.decoded, span)
    }

    fn keep(&mut self, text: &str) -> Span {
        let from = short(self.source.len() + self.decoded.len());
        self.decoded.push_str(text);
        Span { from, to: short(self.source.len() + self.decoded.len()) }
    }

    /// A piece of the source with its references resolved.
    fn resolved(&mut self, from: usize, to: usize, of_attribute: bool) -> Option<Span> {
        let text = &self.source[from..to];
        if memchr(b'&', text.as_bytes()).is_none() {
            return Some(Span { from: short(from), to: short(to) });
        }
        let begin = short(self.source.len() + self.decoded.len());
        entities::decode(text, of_attribute, &mut self.decoded)?;
        Some(Span { from: begin, to: short(self.source.len() + self.decoded.len()) })
    }

    fn current(&self) -> Option<Open> {
        self.open.last().copied()
    }

    fn is_current(&self, group: Group) -> bool {
        self.current().is_some_and(|open| open.group == group)
    }

    fn words(&mut self, mut from: usize, to: usize) -> Option<()> {
        let text = &self.source[from..to];
        match self.place {
            Place::Start | Place::BeforeHtml | Place::BeforeHead => return blank(text).then_some(()),
            Place::Head | Place::AfterHead if !blank(text) => return None,
            Place::AfterBody | Place::AfterHtml => {
                self.behind.push_str(text);
                return blank(text).then_some(());
            }
            Place::Body if self.current()?.group.holds_rows() && !blank(text) => return None,
            _ => {}
        }
        if std::mem::take(&mut self.skip_newline) {
            // Perhaps a line's end in numbers.
            if ["&#0", "&#1", "&#x", "&#X"].iter().any(|begin| text.starts_with(begin)) {
                return None;
            }
            from += usize::from(text.starts_with('\n'));
        }
        if from < to {
            let text = self.resolved(from, to, false)?;
            self.append(text);
        }
        Some(())
    }

    /// Puts words into the current element; words that touch are one.
    fn append(&mut self, text: Span) {
        let parent = self.current().map_or(0, |open| open.node);
        if let Some(last) = self.html.nodes.last().copied()
            && let Kind::Text(before) = last.kind
            && last.parent == parent
        {
            let joined = format!("{}{}", self.at(before), self.at(text));
            let joined = self.keep(&joined);
            if let Some(last) = self.html.nodes.last_mut() {
                last.kind = Kind::Text(joined);
            }
            return;
        }
        self.html.push(parent, Kind::Text(text));
    }

    /// `<!doctype>`, comments, and what browsers take for one; gives the place behind it.
    fn declaration(&mut self, at: usize) -> Option<usize> {
        let rest = &self.source[at..];
        self.skip_newline = false;
        if rest.get(..9).is_some_and(|word| word.eq_ignore_ascii_case("<!doctype")) {
            if self.place != Place::Start {
                return None;
            }
            self.place = Place::BeforeHtml;
            self.html.push(0, Kind::Other);
            return Some(at + rest.find('>')? + 1);
        }
        let (from, to, end) = if let Some(comment) = rest.strip_prefix("<!--") {
            let length = comment.find("-->")?;
            let odd =
                comment.starts_with('>') || comment.starts_with("->") || comment[..length].contains("--!>");
            if odd {
                return None;
            }
            (at + 4, at + 4 + length, at + length + 7)
        } else {
            let length = rest.find('>')?;
            (at + if rest.starts_with("<!") { 2 } else { 1 }, at + length, at + length + 1)
        };
        let text = Span { from: short(from), to: short(to) };
        match self.place {
            Place::AfterBody | Place::AfterHtml => self.comments.push((self.place, text)),
            _ => {
                let parent = self.current().map_or(0, |open| open.node);
                self.html.push(parent, Kind::Comment(text));
            }
        }
        Some(end)
    }

    fn start_tag(&mut self, at: usize) -> Option<usize> {
        self.skip_newline = false;
        let first = short(self.html.attributes.len());
        let (name, at) = self.tag_name(at);
        let at = self.attributes(at)?;
        let group = group(self.at(name.span));
        let attributes = (first, short(self.html.attributes.len()));
        match (self.place, group) {
            (Place::Start | Place::BeforeHtml, Group::Html) => self.place = Place::BeforeHead,
            (Place::BeforeHead, Group::Head) => self.place = Place::Head,
            (Place::BeforeHead, Group::Body) => {
                let head = self.unwritten_name("head");
                self.element(head, (0, 0));
                self.place = Place::Body;
            }
            // Said twice.
            (Place::Head, Group::Html | Group::Head) if attributes.0 == attributes.1 => return Some(at),
            // Parts of a table where none is.
            (Place::Body, Group::TableSection | Group::Row | Group::Cell) if self.frame().is_none() => {
                self.html.attributes.truncate(first as usize);
                return Some(at);
            }
            (Place::AfterHead, Group::Body) => self.place = Place::Body,
            (Place::Head, Group::Void) if matches!(self.at(name.span), "base" | "link" | "meta") => {}
            (Place::Head, Group::Raw) if matches!(self.at(name.span), "script" | "style" | "noscript") => {}
            (Place::Head, Group::Rcdata) if self.at(name.span) == "title" => {}
            (Place::Body, _) => self.make_room(name, group)?,
            _ => return None,
        }
        let node = self.element(name, attributes);
        match group {
            Group::Void | Group::Rule => return Some(at),
            Group::Raw | Group::Rcdata => return self.raw(node, name, group, at),
            Group::Preformatted => self.skip_newline = true,
            Group::Form => self.has_form = true,
            Group::Paragraph => self.paragraphs += 1,
            Group::Link => self.links += 1,
            _ => {}
        }
        self.open.push(Open { node, group, name });
        (self.open.len() <= MOST_OPEN && self.html.nodes.len() <= MOST_NODES).then_some(at)
    }

    /// Opens an element that no tag of the page made.
    fn unwritten(&mut self, name: &str, group: Group) {
        let name = self.unwritten_name(name);
        let node = self.element(name, (0, 0));
        self.open.push(Open { node, group, name });
    }

    fn unwritten_name(&mut self, name: &str) -> Name {
        Name { span: self.keep(name), key: key(name.as_bytes()) }
    }

    /// An element that holds nothing yet.
    fn element(&mut self, name: Name, attributes: (u32, u32)) -> u32 {
        let parent = self.current().map_or(0, |open| open.node);
        let node = self.html.push(parent, Kind::Element { name: name.span, attributes });
        let own = text_at(self.source, &self.decoded, name.span);
        self.html.mark_element(own);
        for at in attributes.0..attributes.1 {
            let Attribute { name, value } = self.html.attributes[at as usize];
            self.html.mark_attribute(name, text_at(self.source, &self.decoded, value));
        }
        node
    }

    fn pop(&mut self) {
        if let Some(open) = self.open.pop() {
            self.html.end(open.node);
            match open.group {
                Group::Paragraph => self.paragraphs -= 1,
                Group::Link => self.links -= 1,
                _ => {}
            }
        }
    }

    /// The nearest of what is open within which there are rules of its own: parts of a table, choices of a form.
    fn frame(&self) -> Option<Group> {
        let own = [Group::Cell, Group::Select, Group::Option, Group::Choices];
        let rules = |group: &Group| group.holds_rows() || own.contains(group);
        self.open.iter().rev().map(|open| open.group).find(rules)
    }

    /// Ends what the element that comes next ends; `None` where more than that would have to be mended.
    fn make_room(&mut self, name: Name, group: Group) -> Option<()> {
        let current = self.current()?.group;
        if matches!(group, Group::TableSection | Group::Row | Group::Cell) {
            return self.make_room_in_table(group);
        }
        if current.holds_rows() {
            let stays = group == Group::Raw && matches!(self.at(name.span), "script" | "style");
            return stays.then_some(());
        }
        if matches!(current, Group::Select | Group::Option | Group::Choices) {
            if !matches!(group, Group::Option | Group::Choices)
                || !self.open.iter().any(|o| o.group == Group::Select)
            {
                return None;
            }
            while self.is_current(Group::Option)
                || (group == Group::Choices && self.is_current(Group::Choices))
            {
                self.pop();
            }
            return Some(());
        }
        match group {
            Group::Plain
            | Group::Formatting
            | Group::Object
            | Group::Raw
            | Group::Rcdata
            | Group::Select
            | Group::Void => Some(()),
            Group::Link => (self.links == 0).then_some(()),
            Group::Frame | Group::Block | Group::Paragraph | Group::Preformatted | Group::Rule => {
                self.end_paragraph()
            }
            Group::Heading => {
                self.end_paragraph()?;
                (!self.is_current(Group::Heading)).then_some(())
            }
            Group::Form => {
                if self.has_form {
                    return None;
                }
                self.end_paragraph()
            }
            Group::Button => self.open.iter().all(|open| open.group != Group::Button).then_some(()),
            Group::Item | Group::Definition => {
                let around = self.open.iter().rev().find(|o| o.group == group || o.group.hides_items());
                if let Some(open) = around.filter(|open| open.group == group).copied() {
                    self.end_all_by_themselves(|other| other.node == open.node);
                    if self.current()?.node != open.node {
                        return None;
                    }
                    self.pop();
                }
                self.end_paragraph()
            }
            // In a page without a type, a table may stand in a paragraph.
            Group::Table => (self.paragraphs == 0).then_some(()),
            _ => None,
        }
    }

    /// Ends the cell, row or section before the next one, and begins what was not written.
    fn make_room_in_table(&mut self, group: Group) -> Option<()> {
        if !self.current()?.group.holds_rows() {
            self.end_all_by_themselves(|_| false);
            if !self.is_current(Group::Cell) {
                return None;
            }
            self.pop();
        }
        if group != Group::Cell && self.is_current(Group::Row) {
            self.pop();
        }
        if group == Group::TableSection && self.is_current(Group::TableSection) {
            self.pop();
        }
        if group != Group::TableSection && self.is_current(Group::Table) {
            self.unwritten("tbody", Group::TableSection);
        }
        if group == Group::Cell && self.is_current(Group::TableSection) {
            self.unwritten("tr", Group::Row);
        }
        let fits = match group {
            Group::Cell => Group::Row,
            Group::Row => Group::TableSection,
            _ => Group::Table,
        };
        self.is_current(fits).then_some(())
    }

    /// Ends elements that need no end tag, up to one that is kept.
    fn end_all_by_themselves(&mut self, keep: impl Fn(Open) -> bool) {
        while self.current().is_some_and(|open| open.group.ends_by_itself() && !keep(open)) {
            self.pop();
        }
    }

    /// A block ends the paragraph that it would stand in.
    fn end_paragraph(&mut self) -> Option<()> {
        if self.paragraphs == 0 {
            return Some(());
        }
        let mut around = self.open.iter().rev();
        let found = around.find(|open| open.group == Group::Paragraph || open.group.hides_paragraphs());
        let Some(open) = found.filter(|open| open.group == Group::Paragraph).copied() else {
            return Some(());
        };
        self.end_all_by_themselves(|other| other.node == open.node);
        if self.current()?.node != open.node {
            return None;
        }
        self.pop();
        Some(())
    }

    /// The text of an element that holds nothing else, to behind its end tag.
    fn raw(&mut self, node: u32, name: Name, group: Group, at: usize) -> Option<usize> {
        let source = self.source;
        let own = self.at(name.span).to_owned();
        let to = raw_end(source.as_bytes(), at, own.as_bytes())?;
        let behind = to + 2 + own.len();
        let end = behind + source[behind..].find('>')?;
        if !blank(&source[behind..end]) {
            return None;
        }
        let text = &source[at..to];
        let mut from = at;
        if own == "textarea" {
            if text.starts_with("&#") {
                return None;
            }
            from += usize::from(text.starts_with('\n'));
        }
        if from < to {
            let text = match group {
                Group::Rcdata => self.resolved(from, to, false)?,
                _ => Span { from: short(from), to: short(to) },
            };
            self.html.push(node, Kind::Text(text));
        }
        self.html.end(node);
        Some(end + 1)
    }
}

/// Where the end tag of an element begins whose content is text. A script may hold a comment, and that a script of its
/// own, whose end is not the outer one's.
/// <https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements>
fn raw_end(bytes: &[u8], from: usize, name: &[u8]) -> Option<usize> {
    let script = name == b"script";
    let (mut in_comment, mut within) = (false, false);
    let mut at = from;
    loop {
        let rest = bytes.get(at..)?;
        let tag = |rest: &[u8]| {
            let next = rest.get(name.len()).copied().unwrap_or_default();
            let same = rest.get(..name.len()).is_some_and(|word| word.eq_ignore_ascii_case(name));
            same && (space(next) || matches!(next, b'/' | b'>'))
        };
        match rest {
            [b'<', b'/', rest @ ..] if tag(rest) => {
                if !within {
                    return Some(at);
                }
                within = false;
            }
            [b'<', b'!', b'-', b'-', ..] if script && !in_comment => {
                in_comment = true;
                // Its own dashes may end it.
                at += 1;
            }
            [b'<', rest @ ..] if in_comment && !within && tag(rest) => within = true,
            [b'-', b'-', b'>', ..] if in_comment => (in_comment, within) = (false, false),
            [] => return None,
            _ => {}
        }
        at += 1;
    }
}
