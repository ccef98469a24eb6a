//! A document as Markdown that renders as it is meant.

use super::{Flavor, escape};
use crate::markup::runs::{lines, nest, without_edges};
use crate::markup::{Block, Doc, Inline};
use crate::model::PostId;

/// A document as CommonMark with GFM's tables and strike-through, and with what the forum adds to it. No text
/// in it opens HTML or a tag of the forum's, and only mentions of known members notify anybody.
pub fn write(doc: &Doc, flavor: Flavor) -> String {
    let writer = Writer { flavor };
    writer.blocks(&doc.blocks, false)
}

/// Parts signs that would run together, and is itself not seen.
const UNSEEN: char = '\u{200b}';

struct Writer {
    flavor: Flavor,
}

impl Writer {
    /// Blocks with an empty line between. `tagged` within a block tag of Discourse.
    fn blocks(&self, blocks: &[Block], tagged: bool) -> String {
        let texts: Vec<String> = blocks.iter().map(|block| self.block(block, tagged)).collect();
        texts
            .iter()
            .map(|text| text.trim_matches('\n'))
            .filter(|t| !t.is_empty())
            .collect::<Vec<_>>()
            .join("\n\n")
    }

    fn block(&self, block: &Block, tagged: bool) -> String {
        match block {
            Block::Paragraph(content) => self.lines(content),
            Block::Small(content) if self.flavor == Flavor::Discourse => {
                format!("<small>{}</small>", self.line(content))
            }
            Block::Small(content) => self.lines(content),
            Block::Heading { level, content } => {
                let text = self.line(content);
                // A row of signs at its end would be taken for decoration.
                let text = if text.ends_with('#') { format!("{text}\u{200b}") } else { text };
                format!("{} {text}", "#".repeat(usize::from(*level).clamp(1, 6)))
            }
            Block::Quote { author, post, url, content } => {
                self.quote(author.as_deref(), post.as_ref(), url.as_deref(), content, tagged)
            }
            Block::Code { language, text } => code(language.as_deref(), text, tagged),
            Block::Spoiler { label, content } => self.spoiler(label.as_deref(), content, tagged),
            Block::List { start, items } => self.list(*start, items, tagged),
            Block::Table { header, rows } => self.table(*header, rows),
            Block::Indent(content) => self.blocks(content, tagged),
            Block::Rule => "---".to_owned(),
        }
    }

    fn quote(
        &self,
        author: Option<&str>,
        post: Option<&PostId>,
        url: Option<&str>,
        content: &[Block],
        tagged: bool,
    ) -> String {
        let name = author.map(name_in_tag).filter(|name| !name.is_empty());
        if let (Flavor::Discourse, Some(name)) = (self.flavor, &name) {
            let place = url.and_then(discourse_place);
            let place =
                place.map_or_else(String::new, |(topic, post)| format!(", post:{post}, topic:{topic}"));
            return format!("[quote=\"{name}{place}\"]\n{}\n[/quote]", self.blocks(content, true));
        }
        let mut text = String::new();
        if let Some(author) = author {
            text.push_str("**");
            escape::text(author.trim(), &mut text);
            text.push_str("**");
        }
        let own = post.filter(|_| self.flavor == Flavor::NodeBb).map(|post| format!("/post/{post}"));
        if let Some(url) = url.and_then(escape::address).or(own) {
            text.push_str(if text.is_empty() { "" } else { " " });
            text.push_str(&format!("[↗](<{url}>)"));
        }
        let content = self.blocks(content, tagged);
        if !text.is_empty() && !content.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&content);
        prefixed(&text, "> ", "> ")
    }

    fn spoiler(&self, label: Option<&str>, content: &[Block], tagged: bool) -> String {
        match (self.flavor, label) {
            (Flavor::Discourse, None) => format!("[spoiler]\n{}\n[/spoiler]", self.blocks(content, true)),
            (Flavor::Discourse, Some(label)) => {
                format!("[details=\"{}\"]\n{}\n[/details]", name_in_tag(label), self.blocks(content, true))
            }
            (Flavor::NodeBb, label) => {
                // Nothing hides here: the reader is warned.
                let mut text = String::from("**");
                escape::text(label.unwrap_or("Spoiler"), &mut text);
                text.push_str(":**\n\n");
                text.push_str(&self.blocks(content, tagged));
                prefixed(&text, "> ", "> ")
            }
        }
    }

    fn list(&self, start: Option<u32>, items: &[Vec<Block>], tagged: bool) -> String {
        let mut out = String::new();
        for (item, number) in items.iter().zip(u64::from(start.unwrap_or(0))..) {
            let mark = start.map_or_else(|| "- ".to_owned(), |_| format!("{number}. "));
            out.push_str(&prefixed(&self.blocks(item, tagged), &mark, &" ".repeat(mark.len())));
            out.push('\n');
        }
        out
    }

    fn table(&self, header: bool, rows: &[Vec<Vec<Inline>>]) -> String {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut out = String::new();
        if !header {
            out.push_str(&format!("|{}\n|{}\n", "   |".repeat(columns), " --- |".repeat(columns)));
        }
        for (number, row) in rows.iter().enumerate() {
            out.push('|');
            for cell in row {
                out.push_str(&format!(" {} |", self.line(cell)));
            }
            if number == 0 {
                // The first row says how many columns there are.
                out.push_str(&"   |".repeat(columns - row.len()));
            }
            out.push('\n');
            if header && number == 0 {
                out.push_str(&format!("|{}\n", " --- |".repeat(columns)));
            }
        }
        out
    }

    /// A paragraph, whose lines end where they end.
    fn lines(&self, content: &[Inline]) -> String {
        let text = self.inlines(content);
        text.split('\n')
            .map(|line| escape::line(line.trim_end()))
            .filter(|l| !l.is_empty())
            .collect::<Vec<_>>()
            .join("  \n")
    }

    /// All on one line.
    fn line(&self, content: &[Inline]) -> String {
        self.inlines(content).split('\n').map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned()
    }

    fn inlines(&self, content: &[Inline]) -> String {
        let mut out = String::new();
        // Every line closes what it opens.
        for (number, line) in lines(content).into_iter().enumerate() {
            if number > 0 {
                out.push('\n');
            }
            self.nested(&nest(without_edges(line)), None, None, &mut out);
        }
        out
    }

    /// Writes what stands between two letters.
    fn nested(&self, content: &[Inline], before: Option<char>, after: Option<char>, out: &mut String) {
        for (index, inline) in content.iter().enumerate() {
            let before = out.chars().next_back().or(before);
            let after = match content.get(index + 1) {
                // Something invisible may have to part the two.
                Some(next) if is_styled(inline) && is_styled(next) => Some(UNSEEN),
                Some(next) => first_letter(next),
                None => after,
            };
            match inline {
                Inline::Text(text) => escape::text(text, out),
                Inline::Emoji(text) => out.push_str(text),
                Inline::Bold(content) => self.marked("**", content, before, after, out),
                Inline::Italic(content) => self.marked("*", content, before, after, out),
                Inline::Strike(content) => self.marked("~~", content, before, after, out),
                Inline::Underline(content) if self.flavor == Flavor::Discourse => {
                    self.tagged("u", content, out);
                }
                Inline::Underline(content) => self.marked("*", content, before, after, out),
                Inline::Spoiler(content) if self.flavor == Flavor::Discourse => {
                    self.tagged("spoiler", content, out);
                }
                Inline::Spoiler(content) => {
                    out.push_str("(spoiler: ");
                    self.nested(content, Some('('), Some(')'), out);
                    out.push(')');
                }
                Inline::Code(text) => {
                    if out.ends_with('`') {
                        out.push(UNSEEN);
                    }
                    out.push_str(&escape::code(text));
                }
                Inline::Link { url, content } => self.link(url, content, out),
                Inline::Image { url, alt } => match escape::address(url) {
                    Some(url) => {
                        out.push_str("![");
                        escape::text(alt.as_deref().unwrap_or_default(), out);
                        out.push_str(&format!("](<{url}>)"));
                    }
                    None => escape::text(alt.as_deref().unwrap_or_default(), out),
                },
                Inline::Video { url, .. } => bare(url, out),
                Inline::Mention { name, member: Some(_) } if is_handle(name) => {
                    out.push('@');
                    out.push_str(name);
                }
                Inline::Mention { name, .. } => escape::text(&format!("@{name}"), out),
                Inline::Break => out.push('\n'),
            }
        }
    }

    fn tagged(&self, tag: &str, content: &[Inline], out: &mut String) {
        out.push_str(&format!("[{tag}]"));
        self.nested(content, Some(']'), Some('['), out);
        out.push_str(&format!("[/{tag}]"));
    }

    /// A marker is one only if a letter stands on its inner side, or none on its outer: where the words have
    /// no letter there, an invisible one is put.
    fn marked(
        &self,
        marker: &str,
        content: &[Inline],
        before: Option<char>,
        after: Option<char>,
        out: &mut String,
    ) {
        let sign = marker.chars().next();
        // Emoji are punctuation to some readers and letters to others.
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == UNSEEN);
        let apart = |c: Option<char>| c.is_none_or(char::is_whitespace);
        // Behind the same sign another would be a part of it.
        let collides = out.chars().next_back() == sign;
        let before = if collides { Some(UNSEEN) } else { before };
        // Bold and italic as one are three signs; everywhere else three would be read in more than one way.
        let styled = |inline: Option<&Inline>| inline.is_some_and(is_styled);
        let same = |inline: Option<&Inline>| styled(inline) && inline.and_then(first_letter) == sign;
        let joined = content.len() == 1 && same(content.first());
        let parted_first = !joined && styled(content.first()) && (!apart(before) || same(content.first()));
        let parted_last = !joined && styled(content.last()) && (!apart(after) || same(content.last()));
        let within = if parted_first { Some(UNSEEN) } else { sign };
        let behind = if parted_last { Some(UNSEEN) } else { sign };
        let (within, behind) = if joined { (before, after) } else { (within, behind) };
        let mut inner = String::new();
        self.nested(content, within, behind, &mut inner);
        let words = inner.trim();
        if words.is_empty() {
            return out.push_str(&inner);
        }
        let start = inner.len() - inner.trim_start().len();
        let end = &inner[start + words.len()..];
        out.push_str(&inner[..start]);
        if collides && start == 0 {
            out.push(UNSEEN);
        }
        let before = if start > 0 { Some(' ') } else { before };
        let after = if end.is_empty() { after } else { Some(' ') };
        let open = parted_first || (!joined && !apart(before) && !letter(words.chars().next()));
        let close = parted_last || (!joined && !apart(after) && !letter(words.chars().next_back()));
        out.push_str(marker);
        out.extend(open.then_some(UNSEEN));
        out.push_str(words);
        out.extend(close.then_some(UNSEEN));
        out.push_str(marker);
        out.push_str(end);
    }

    fn link(&self, url: &str, content: &[Inline], out: &mut String) {
        let Some(address) = escape::address(url) else { return self.nested(content, None, None, out) };
        if let [Inline::Text(label)] = content
            && label == url
        {
            return bare(url, out);
        }
        let mut label = String::new();
        self.nested(content, Some('['), Some(']'), &mut label);
        if label.trim().is_empty() {
            return bare(url, out);
        }
        // With these before it a link would be a picture, or a note.
        if out.ends_with(['!', '^']) {
            out.insert(out.len() - 1, '\\');
        }
        out.push_str(&format!("[{}](<{address}>)", label.trim()));
    }
}

/// An address for itself, of which the forum may make a preview.
fn bare(url: &str, out: &mut String) {
    let Some(address) = escape::address(url) else { return escape::text(url, out) };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-./:?=&#%+,".contains(c);
    let safe = url.chars().all(plain) && url.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '/');
    let apart = out.is_empty() || out.ends_with(char::is_whitespace);
    if safe && apart && url.starts_with("http") {
        out.push_str(url);
    } else {
        out.push_str(&format!("<{address}>"));
    }
}

fn code(language: Option<&str>, text: &str, tagged: bool) -> String {
    let known = |name: &&str| {
        name.len() <= 20 && name.chars().all(|c| c.is_ascii_alphanumeric() || "+-#_.".contains(c))
    };
    // Discourse looks for the end of its tags in code as well.
    let text = if tagged { text.replace("[/", "[\u{200b}/") } else { text.to_owned() };
    let fence = "`".repeat((escape::longest_row(&text) + 1).max(3));
    format!("{fence}{}\n{text}\n{fence}", language.filter(known).unwrap_or_default())
}

/// Every line behind a mark.
fn prefixed(text: &str, first: &str, rest: &str) -> String {
    let lines = text.lines().enumerate().map(|(number, line)| {
        let mark = if number == 0 { first } else { rest };
        if line.is_empty() { mark.trim_end().to_owned() } else { format!("{mark}{line}") }
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    if text.is_empty() { first.trim_end().to_owned() } else { text }
}

/// A name within a tag's quotation marks, where commas part it from what follows.
fn name_in_tag(name: &str) -> String {
    let name: String = name
        .chars()
        .filter(|c| !c.is_control())
        .map(|c| if "\"[],\u{201c}\u{201d}".contains(c) { ' ' } else { c })
        .collect();
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The topic and the number of the post that a Discourse address names: `/t/a-title/12/3`, `/t/12/3`.
fn discourse_place(url: &str) -> Option<(u64, u64)> {
    let path = url.split(['?', '#']).next()?.split_once("/t/")?.1;
    let numbers: Vec<u64> = path.split('/').filter_map(|part| part.parse().ok()).collect();
    match numbers.as_slice() {
        [.., topic, post] => Some((*topic, *post)),
        _ => None,
    }
}

/// A name that forums find a member by.
fn is_handle(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
}

/// What a thing begins with, and ends with if it is a style.
fn first_letter(inline: &Inline) -> Option<char> {
    match inline {
        Inline::Text(text) | Inline::Emoji(text) => text.chars().next(),
        Inline::Code(_) => Some('`'),
        Inline::Mention { .. } => Some('@'),
        Inline::Image { .. } => Some('!'),
        Inline::Link { .. } => Some('['),
        Inline::Strike(_) => Some('~'),
        Inline::Break => Some('\n'),
        _ => Some('*'),
    }
}

fn is_styled(inline: &Inline) -> bool {
    matches!(inline, Inline::Bold(_) | Inline::Italic(_) | Inline::Strike(_) | Inline::Underline(_))
}
