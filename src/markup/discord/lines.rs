//! A document as lines of Discord Markdown, each of which stands for itself: its quote and list marks,
//! its styles, its place in a code fence. [`crate::markup::split`] cuts between lines, and within one
//! only where it must.

use unicode_segmentation::UnicodeSegmentation;

use super::{QuoteLinks, escape, inline};
use crate::markup::runs::{Run, Style, flatten, lines as cut};
use crate::markup::split::units;
use crate::markup::{Block, Doc, Inline, plain};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Text {
        /// Marks at the beginning (`> `, `- `, `## `), and those of a continuation if the line is cut.
        mark: String,
        again: String,
        runs: Vec<Run>,
    },
    /// A line of a code block. `opens` and `closes` its fence.
    Code { quote: String, language: String, text: String, opens: bool, closes: bool, hidden: bool },
    /// An empty line between blocks.
    Gap { quote: String },
}

/// What surrounds a block.
#[derive(Clone, Default)]
struct Around {
    quote: String,
    indent: String,
    hidden: bool,
}

pub fn lines_of(doc: &Doc, links: &dyn QuoteLinks) -> Vec<Line> {
    let mut writer = Writer { links, lines: Vec::new() };
    writer.blocks(&doc.blocks, &Around::default());
    while matches!(writer.lines.last(), Some(Line::Gap { .. })) {
        writer.lines.pop();
    }
    writer.lines
}

/// A line as it is sent.
pub fn line_text(line: &Line) -> String {
    match line {
        Line::Text { mark, runs, .. } => {
            let mut text = inline::write(runs);
            // Only a line that begins with words can begin with a sign that means something.
            let bare = mark.trim_start_matches("> ").trim().is_empty() || mark.ends_with("- ");
            if bare && let Some(at) = escape::line_start(&text) {
                text.insert(at, '\\');
            }
            format!("{mark}{text}")
        }
        Line::Code { quote, language, text, opens, closes, hidden } => {
            let mut out = String::new();
            if *opens {
                let spoiler = if *hidden { "||" } else { "" };
                out.push_str(&format!("{quote}{spoiler}```{language}\n"));
            }
            out.push_str(quote);
            out.push_str(text);
            if *closes {
                let spoiler = if *hidden { "||" } else { "" };
                out.push_str(&format!("\n{quote}```{spoiler}"));
            }
            out
        }
        Line::Gap { quote } => quote.trim_end().to_owned(),
    }
}

struct Writer<'a> {
    links: &'a dyn QuoteLinks,
    lines: Vec<Line>,
}

impl Writer<'_> {
    fn blocks(&mut self, blocks: &[Block], around: &Around) {
        for (index, block) in blocks.iter().enumerate() {
            if index > 0 && wants_gap(&blocks[index - 1], block) {
                self.lines.push(Line::Gap { quote: around.quote.clone() });
            }
            self.block(block, around);
        }
    }

    fn text(&mut self, content: &[Inline], mark: &str, again: &str, around: &Around) {
        for (index, line) in cut(flatten(content)).into_iter().enumerate() {
            let line = if around.hidden { inline::hidden(&line) } else { line };
            let begin = if index == 0 { mark } else { again };
            self.lines.push(Line::Text {
                mark: format!("{}{}{begin}", around.quote, around.indent),
                again: format!("{}{}{again}", around.quote, around.indent),
                runs: line,
            });
        }
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
                    let label = [Inline::Bold(vec![Inline::Text(format!("{label}:"))])];
                    self.text(&label, "", "", around);
                }
                self.blocks(content, &Around { hidden: true, ..around.clone() });
            }
            Block::List { start, items } => self.list(*start, items, around),
            Block::Table { header, rows } => self.table(*header, rows, around),
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
        let around = Around { quote: inner, ..around.clone() };
        let url = post.and_then(|post| self.links.message_url(post)).or_else(|| url.map(str::to_owned));
        let mut header = Vec::new();
        if let Some(author) = author {
            header.push(Inline::Bold(vec![Inline::Text(author.to_owned())]));
        }
        if let Some(url) = url.filter(|url| url.starts_with("http")) {
            if !header.is_empty() {
                header.push(Inline::Text(" ".to_owned()));
            }
            header.push(Inline::Link { url, content: vec![Inline::Emoji(super::ARROW.to_owned())] });
        }
        if !header.is_empty() {
            self.header(&header, &around);
        }
        self.blocks(content, &around);
    }

    /// The first line of a quote: its arrow is a link whose host would only be in the way.
    fn header(&mut self, header: &[Inline], around: &Around) {
        let runs = flatten(header);
        let runs = if around.hidden { inline::hidden(&runs) } else { runs };
        let mark = around.quote.clone();
        self.lines.push(Line::Text { again: mark.clone(), mark, runs });
    }

    fn code(&mut self, language: Option<&str>, text: &str, around: &Around) {
        let language = language.unwrap_or_default();
        let known = language.len() <= 20
            && language.chars().all(|c| c.is_ascii_alphanumeric() || "+-#_.".contains(c));
        let language = if known { language } else { "" };
        let text = escape::fenced(text);
        let last = text.lines().count().max(1) - 1;
        let lines: Vec<&str> = if text.is_empty() { vec![" "] } else { text.lines().collect() };
        for (index, line) in lines.into_iter().enumerate() {
            self.lines.push(Line::Code {
                quote: around.quote.clone(),
                language: language.to_owned(),
                text: if line.is_empty() && around.quote.is_empty() {
                    String::new()
                } else {
                    line.to_owned()
                },
                opens: index == 0,
                closes: index == last,
                hidden: around.hidden,
            });
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
                Some((Block::Paragraph(content), rest)) => (content.as_slice(), rest),
                _ => (&[][..], item.as_slice()),
            };
            let spaces = " ".repeat(2);
            self.text(first, &mark, &spaces, around);
            self.blocks(rest, &deeper);
        }
    }

    /// Discord has no tables: aligned columns in a code block.
    fn table(&mut self, header: bool, rows: &[Vec<Vec<Inline>>], around: &Around) {
        const WIDEST: usize = 40;
        let width = |text: &str| text.graphemes(true).count();
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                row.iter()
                    .map(|cell| {
                        let text = plain::inline(cell).replace('\n', " ");
                        let short: String = text.trim().graphemes(true).take(WIDEST).collect();
                        if short.len() < text.trim().len() { format!("{short}…") } else { short }
                    })
                    .collect()
            })
            .collect();
        let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                cells.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for (number, row) in cells.iter().enumerate() {
            let line: Vec<String> = widths
                .iter()
                .enumerate()
                .map(|(column, most)| {
                    let cell = row.get(column).map_or("", String::as_str);
                    format!("{cell}{}", " ".repeat(most - width(cell)))
                })
                .collect();
            text.push_str(line.join(" │ ").trim_end());
            text.push('\n');
            if header && number == 0 {
                let rule: Vec<String> = widths.iter().map(|most| "─".repeat(*most)).collect();
                text.push_str(&rule.join("─┼─"));
                text.push('\n');
            }
        }
        self.code(None, text.trim_end(), around);
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

/// The runs of a line in pieces between which it may be cut: words, links, emoji. What takes more than
/// `room` units by itself loses its form: a link keeps its label, a word is cut between graphemes.
pub fn pieces(runs: &[Run], room: usize) -> Vec<Run> {
    let mut pieces = Vec::new();
    for run in runs {
        let alone = Run { styles: run.styles.clone(), leaf: run.leaf.clone() };
        let in_link = |style: &Style| matches!(style, Style::Link(_));
        let linked = run.styles.iter().any(in_link);
        let whole = !matches!(run.leaf, Inline::Text(_) | Inline::Code(_)) || linked;
        if whole && units(&inline::write(std::slice::from_ref(&alone))) <= room {
            pieces.push(alone);
            continue;
        }
        let styles: Vec<Style> = run.styles.iter().filter(|style| !in_link(style)).cloned().collect();
        let code = matches!(run.leaf, Inline::Code(_));
        let text = match &run.leaf {
            Inline::Image { url, .. } | Inline::Video { url, .. } => url.clone(),
            leaf => plain::inline(std::slice::from_ref(leaf)),
        };
        // Escapes may double a word.
        pieces.extend(words(&text, room / 2).map(|word| {
            let leaf = if code { Inline::Code(word.to_owned()) } else { Inline::Text(word.to_owned()) };
            Run { styles: styles.clone(), leaf }
        }));
    }
    pieces
}

/// Words with the space behind them; one that is longer than `longest` bytes in pieces of graphemes, and
/// a grapheme that is longer in characters.
fn words(text: &str, longest: usize) -> impl Iterator<Item = &str> {
    let longest = longest.max(4);
    text.split_inclusive(' ').flat_map(move |word| {
        let mut rest = word;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let address = rest.starts_with("http://") || rest.starts_with("https://");
            if rest.len() <= longest || (address && rest.len() <= 2 * longest - 4) {
                return Some(std::mem::take(&mut rest));
            }
            let end = rest
                .grapheme_indices(true)
                .map(|(at, grapheme)| at + grapheme.len())
                .take_while(|end| *end <= longest)
                .last()
                .unwrap_or_else(|| rest.floor_char_boundary(longest));
            let (piece, left) = rest.split_at(end);
            rest = left;
            Some(piece)
        })
    })
}
