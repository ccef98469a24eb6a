//! A document as lines of Discord Markdown, each of which stands for itself: its quote and list marks,
//! its styles, its place in a code fence or a spoiler. [`crate::markup::split`] cuts between lines, and
//! within one only where it must; [`join`] makes text of any run of them.

use std::borrow::Cow;

use super::{QuoteLinks, escape, inline, table};
use crate::markup::runs::{Run, flatten, lines as cut};
use crate::markup::{Block, Doc, Inline, plain};

/// One line, or a piece of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Text {
        quote: String,
        /// The mark at its beginning (`- `, `## `), and that of a continuation if it is cut.
        mark: String,
        again: String,
        runs: Vec<Run>,
        /// All of it is in a spoiler.
        hidden: bool,
        /// The address behind the arrow at its end, which leads to a quoted post.
        jump: Option<String>,
        /// Says what the next line is: a heading, a name.
        leads: bool,
        /// Goes on with the line before it.
        glued: bool,
    },
    /// A line of a code block. `opens` and `closes` its fence.
    Code {
        quote: String,
        language: String,
        text: String,
        opens: bool,
        closes: bool,
        hidden: bool,
        glued: bool,
    },
    /// An empty line between blocks.
    Gap { quote: String, hidden: bool },
}

impl Line {
    pub fn is_gap(&self) -> bool {
        matches!(self, Self::Gap { .. })
    }

    pub fn is_glued(&self) -> bool {
        matches!(self, Self::Text { glued: true, .. } | Self::Code { glued: true, .. })
    }

    /// About how many bytes it takes.
    fn length(&self) -> usize {
        match self {
            Self::Text { quote, mark, runs, .. } => {
                quote.len() + mark.len() + runs.iter().map(|run| length_of(&run.leaf)).sum::<usize>()
            }
            Self::Code { quote, text, .. } => quote.len() + text.len(),
            Self::Gap { quote, .. } => quote.len(),
        }
    }

    /// Whether a spoiler that is open may go on in this line: a mark has to stand before its bars.
    fn in_open_spoiler(&self, of: &str) -> bool {
        match self {
            Self::Text { quote, mark, hidden, .. } => *hidden && quote == of && mark.trim().is_empty(),
            Self::Gap { quote, hidden } => *hidden && quote == of,
            Self::Code { .. } => false,
        }
    }
}

/// What surrounds a block.
#[derive(Clone, Default)]
struct Around {
    quote: String,
    indent: String,
    hidden: bool,
}

/// A document's lines, of about `most` characters together; what is beyond is left to the forum, and the last
/// line says so.
pub fn lines_of(doc: &Doc, links: &dyn QuoteLinks, most: usize) -> Vec<Line> {
    let mut writer = Writer { links, lines: Vec::with_capacity(2 * doc.blocks.len()), room: most };
    writer.blocks(&doc.blocks, &Around::default());
    while writer.lines.last().is_some_and(Line::is_gap) {
        writer.lines.pop();
    }
    if writer.room == 0 {
        writer.room = usize::MAX;
        writer.block(
            &Block::Small(vec![Inline::Text("… the rest is on the forum".to_owned())]),
            &Around::default(),
        );
    }
    writer.lines
}

/// Lines as they are sent, with fences and spoilers whole.
pub fn join(lines: &[Line]) -> String {
    let mut out = String::with_capacity(lines.iter().map(|line| line.length() + 16).sum());
    let mut at = 0;
    let mut open = false;
    while at < lines.len() {
        if at > 0 {
            out.push('\n');
        }
        let pieces = 1 + lines[at + 1..].iter().take_while(|line| line.is_glued()).count();
        match &lines[at] {
            Line::Text { quote, mark, again, hidden, glued, .. } => {
                let mark = if *glued { again } else { mark };
                out.push_str(quote);
                out.push_str(mark);
                let words = words(&lines[at..at + pieces]);
                let words = words.trim_end();
                let blank = words.is_empty();
                if *hidden && !blank && !open {
                    out.push_str("||");
                }
                // Only a line that begins with words can begin with a sign that means something.
                let bare = mark.trim().is_empty() || mark.ends_with("- ");
                match escape::line_start(words).filter(|_| bare) {
                    Some(sign) => {
                        out.push_str(&words[..sign]);
                        out.push('\\');
                        out.push_str(&words[sign..]);
                    }
                    None => out.push_str(words),
                }
                if *hidden && !blank {
                    let spoils = |line: &&Line| line.in_open_spoiler(quote);
                    let on = lines[at + pieces..].iter().take_while(spoils).any(|line| !line.is_gap());
                    open = on && mark.trim().is_empty();
                    if !open {
                        if words.ends_with(['|', '\\']) {
                            out.push('\u{200b}');
                        }
                        out.push_str("||");
                    }
                }
            }
            Line::Code { quote, language, opens, hidden, .. } => {
                let first = at == 0 || !matches!(lines[at - 1], Line::Code { closes: false, .. });
                let bars = if *hidden { "||" } else { "" };
                if *opens || first {
                    [quote.as_str(), bars, "```", language, "\n"].iter().for_each(|part| out.push_str(part));
                }
                out.push_str(quote);
                let mut last = false;
                for piece in &lines[at..at + pieces] {
                    if let Line::Code { text, closes, .. } = piece {
                        out.push_str(text);
                        last |= *closes;
                    }
                }
                if last || at + pieces == lines.len() {
                    ["\n", quote, "```", bars].iter().for_each(|part| out.push_str(part));
                }
            }
            Line::Gap { quote, .. } => out.push_str(quote.trim_end()),
        }
        at += pieces;
    }
    out
}

/// The words of the pieces of one line.
fn words(pieces: &[Line]) -> String {
    let mut arrow = None;
    let mut in_spoiler = false;
    for piece in pieces {
        if let Line::Text { jump, hidden, .. } = piece {
            arrow = arrow.or(jump.as_deref());
            in_spoiler |= hidden;
        }
    }
    let runs = pieces.iter().flat_map(|piece| match piece {
        Line::Text { runs, .. } => runs.as_slice(),
        _ => &[],
    });
    let mut text = if in_spoiler { inline::write_hidden(runs) } else { inline::write(runs) };
    if let Some(url) = arrow {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&format!("[{}](<{}>)", super::ARROW, escape::url(url)));
    }
    text
}

struct Writer<'a> {
    links: &'a dyn QuoteLinks,
    lines: Vec<Line>,
    /// For how many more characters there is room.
    room: usize,
}

impl Writer<'_> {
    fn push(&mut self, line: Line) {
        if self.room == 0 {
            return;
        }
        // Empty lines are not free.
        self.room = self.room.saturating_sub(line.length() + 8);
        self.lines.push(line);
    }

    fn blocks(&mut self, blocks: &[Block], around: &Around) {
        for (index, block) in blocks.iter().enumerate() {
            if self.room == 0 {
                return;
            }
            if index > 0 && wants_gap(&blocks[index - 1], block) {
                self.push(Line::Gap { quote: around.quote.clone(), hidden: around.hidden });
            }
            self.block(block, around);
        }
    }

    fn text(&mut self, content: &[Inline], mark: &str, again: &str, around: &Around) {
        let mut lines = cut(content);
        // A mark with nothing behind it marks nothing.
        if !mark.is_empty() {
            let blank = |line: &Vec<Run>| {
                line.iter().all(|run| plain::inline(std::slice::from_ref(&run.leaf)).trim().is_empty())
            };
            let empty = lines.iter().take_while(|line| blank(line)).count();
            lines.drain(..empty.min(lines.len().saturating_sub(1)));
        }
        for (index, runs) in lines.into_iter().enumerate() {
            let begin = if index == 0 { mark } else { again };
            self.push(Line::Text {
                quote: around.quote.clone(),
                mark: [&around.indent, begin].concat(),
                again: [&around.indent, again].concat(),
                runs,
                hidden: around.hidden,
                jump: None,
                leads: mark.starts_with('#'),
                glued: false,
            });
        }
    }

    /// A line that says what the next one is.
    fn head(&mut self, content: &[Inline], jump: Option<String>, around: &Around) {
        self.push(Line::Text {
            quote: around.quote.clone(),
            mark: around.indent.clone(),
            again: around.indent.clone(),
            runs: flatten(content),
            hidden: around.hidden,
            jump,
            leads: true,
            glued: false,
        });
    }

    fn block(&mut self, block: &Block, around: &Around) {
        match block {
            Block::Paragraph(content) => self.text(content, "", "", around),
            Block::Heading { level, content } => {
                let mark = format!("{} ", "#".repeat(usize::from(*level).clamp(1, 3)));
                self.text(content, &mark, &mark, around);
            }
            Block::Small(content) => self.text(content, "-# ", "-# ", around),
            Block::Quote { author, post, url, content } => {
                self.quote(author.as_deref(), post.as_ref(), url.as_deref(), content, around);
            }
            Block::Code { language, text } => self.code(language.as_deref(), text, around),
            Block::Spoiler { label, content } => {
                if let Some(label) = label {
                    self.head(&[Inline::Bold(vec![Inline::Text(format!("{label}:"))])], None, around);
                }
                self.blocks(content, &Around { hidden: true, ..around.clone() });
            }
            Block::List { start, items } => self.list(*start, items, around),
            Block::Table { header, rows } => {
                self.code(None, &table::aligned(*header, rows), around);
                for address in table::addresses(rows) {
                    self.text(&address, "", "", around);
                }
            }
            Block::Indent(content) => {
                let indent = format!("{}\u{2003}", around.indent);
                self.blocks(content, &Around { indent, ..around.clone() });
            }
            Block::Rule => {
                let rule = [Inline::Text("──────────".to_owned())];
                self.text(&rule, "", "", &Around { hidden: false, ..around.clone() });
            }
        }
    }

    /// Discord does not nest quotes: an inner one keeps a bar of its own.
    fn quote(
        &mut self,
        author: Option<&str>,
        post: Option<&crate::model::PostId>,
        url: Option<&str>,
        content: &[Block],
        around: &Around,
    ) {
        let inner = if around.quote.is_empty() { "> ".to_owned() } else { format!("{}┃ ", around.quote) };
        // A quote stands at the beginning of its line, also in a list.
        let around = Around { quote: inner, indent: String::new(), ..around.clone() };
        let url = post.and_then(|post| self.links.message_url(post)).or_else(|| url.map(str::to_owned));
        let url = url.filter(|url| url.starts_with("http"));
        let name = author.map(|author| vec![Inline::Bold(vec![Inline::Text(author.to_owned())])]);
        if name.is_some() || url.is_some() {
            self.head(&name.unwrap_or_default(), url, &around);
        }
        self.blocks(content, &around);
    }

    fn code(&mut self, language: Option<&str>, text: &str, around: &Around) {
        let language = language.unwrap_or_default();
        let known = language.len() <= 20
            && language.chars().all(|c| c.is_ascii_alphanumeric() || "+-#_.".contains(c));
        let language = if known { language } else { "" };
        let text = escape::fenced(text);
        let text = if around.hidden { escape::hidden(&text) } else { text };
        // Discord shows no block without words.
        let text = if text.trim().is_empty() { " " } else { text.as_str() };
        let last = text.lines().count().max(1) - 1;
        for (index, line) in text.lines().enumerate() {
            if self.room == 0 {
                return self.end_fence();
            }
            self.push(Line::Code {
                quote: around.quote.clone(),
                language: language.to_owned(),
                text: line.to_owned(),
                opens: index == 0,
                closes: index == last,
                hidden: around.hidden,
                glued: false,
            });
        }
    }

    /// Closes a block of code where there is no room for the rest of it.
    fn end_fence(&mut self) {
        if let Some(Line::Code { closes, .. }) = self.lines.last_mut() {
            *closes = true;
        }
    }

    fn list(&mut self, start: Option<u32>, items: &[Vec<Block>], around: &Around) {
        for (number, item) in items.iter().enumerate() {
            let mark = match start {
                Some(start) => format!("{}. ", u64::from(start) + number as u64),
                None => "- ".to_owned(),
            };
            let deeper = Around { indent: format!("{}  ", around.indent), ..around.clone() };
            let (first, rest) = match item.split_first() {
                Some((Block::Paragraph(content), rest)) => (Cow::Borrowed(content.as_slice()), rest),
                Some((Block::Heading { content, .. }, rest)) => {
                    (vec![Inline::Bold(content.clone())].into(), rest)
                }
                // A number before nothing would be no item, and a bullet a hyphen.
                _ if start.is_some() => (vec![Inline::Text("\u{200b}".to_owned())].into(), item.as_slice()),
                _ => (Cow::default(), item.as_slice()),
            };
            if !first.is_empty() || rest.is_empty() {
                self.text(&first, &mark, "  ", around);
            }
            self.blocks(rest, &deeper);
        }
    }
}

/// Discord sets quotes, lists, headings and code apart by itself; words need an empty line between.
fn wants_gap(before: &Block, after: &Block) -> bool {
    let words = |block: &Block| {
        matches!(block, Block::Paragraph(_) | Block::Indent(_) | Block::Spoiler { .. } | Block::Quote { .. })
    };
    // A quote directly behind a quote would be taken for a part of it.
    words(before) && words(after) && !matches!((before, after), (Block::Quote { .. }, Block::Paragraph(_)))
}

/// About how many bytes it takes.
pub fn length_of(leaf: &Inline) -> usize {
    match leaf {
        Inline::Text(text) | Inline::Code(text) | Inline::Emoji(text) => text.len(),
        Inline::Image { url, .. } | Inline::Video { url, .. } => url.len(),
        Inline::Mention { name, .. } => name.len(),
        _ => 1,
    }
}
