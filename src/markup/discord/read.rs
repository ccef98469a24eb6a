//! Discord Markdown in. One pass over the lines for blocks, one over each paragraph for styles; what is
//! not closed stays the text that it is.

use std::collections::HashMap;

use crate::markup::{Block, Doc, MAX_DEPTH};
use inline::inlines;

mod inline;

/// What the ids in a message stand for. Ids that are not here are shown as what they are.
#[derive(Debug, Clone, Default)]
pub struct Names {
    pub users: HashMap<u64, String>,
    pub channels: HashMap<u64, String>,
    pub roles: HashMap<u64, String>,
}

/// Reads a message.
pub fn read(text: &str, names: &Names) -> Doc {
    let text = text.replace("\r\n", "\n");
    Doc { blocks: blocks(&text, names, 0) }
}

/// The blocks of a text that is so many quotes and spoilers deep.
fn blocks(text: &str, names: &Names, depth: usize) -> Vec<Block> {
    let mut reader = Reader { names, depth, blocks: Vec::new(), paragraph: String::new() };
    reader.read(text);
    reader.end_paragraph();
    reader.blocks
}

struct Reader<'a> {
    names: &'a Names,
    depth: usize,
    blocks: Vec<Block>,
    /// The lines of the paragraph that is being read.
    paragraph: String,
}

impl Reader<'_> {
    fn read(&mut self, text: &str) {
        let mut rest = text;
        // Where there is no other end to a fence or a spoiler, it is not looked for again.
        let (mut fences, mut spoilers) = (true, true);
        while !rest.is_empty() {
            let (line, below) = rest.split_once('\n').unwrap_or((rest, ""));
            let nests = self.depth < MAX_DEPTH;
            if let Some(quoted) = rest.strip_prefix(">>> ").filter(|_| nests) {
                return self.quote(quoted);
            }
            if is_quoted(line) && nests {
                let (quoted, after) = quoted_lines(rest);
                self.quote(&quoted);
                rest = after;
                continue;
            }
            if spoilers && nests && line.starts_with("||") {
                match spoiler(rest) {
                    Some((hidden, after)) => {
                        self.end_paragraph();
                        let content = blocks(hidden, self.names, self.depth + 1);
                        self.blocks.push(Block::Spoiler { label: None, content });
                        rest = after;
                        continue;
                    }
                    None => spoilers = rest[2..].contains("||"),
                }
            }
            if fences && let Some(start) = line.find("```") {
                match fence(&rest[start..]) {
                    Some((block, length)) => {
                        self.line(&line[..start]);
                        self.end_paragraph();
                        self.blocks.push(block);
                        rest = &rest[start + length..];
                        rest = rest.strip_prefix('\n').unwrap_or(rest);
                        continue;
                    }
                    None => fences = rest[start + 3..].contains("```"),
                }
            }
            if item(line).is_some() && nests {
                self.end_paragraph();
                let (lines, after) = list_lines(rest);
                self.blocks.extend(list(&lines, self.names, self.depth));
                rest = after;
                continue;
            }
            self.line(line);
            rest = below;
        }
    }

    /// A line that belongs to no list or quote.
    fn line(&mut self, line: &str) {
        let styled = |text: &str| inlines(text, self.names, 0);
        let block = if let Some((level, rest)) = heading(line) {
            Some(Block::Heading { level, content: styled(rest) })
        } else {
            line.strip_prefix("-# ")
                .filter(|rest| !rest.trim().is_empty())
                .map(|rest| Block::Small(styled(rest)))
        };
        match block {
            Some(block) => {
                self.end_paragraph();
                self.blocks.push(block);
            }
            None if line.trim().is_empty() => self.end_paragraph(),
            None => {
                if !self.paragraph.is_empty() {
                    self.paragraph.push('\n');
                }
                self.paragraph.push_str(line);
            }
        }
    }

    fn end_paragraph(&mut self) {
        let text = std::mem::take(&mut self.paragraph);
        if !text.is_empty() {
            self.blocks.push(Block::Paragraph(inlines(&text, self.names, 0)));
        }
    }

    fn quote(&mut self, text: &str) {
        self.end_paragraph();
        let content = blocks(text, self.names, self.depth + 1);
        self.blocks.push(Block::Quote { author: None, post: None, url: None, content });
    }
}

fn is_quoted(line: &str) -> bool {
    line.starts_with("> ") || line == ">"
}

/// The words of the quoted lines that a text begins with, and what follows them.
fn quoted_lines(text: &str) -> (String, &str) {
    let mut quoted = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (line, below) = rest.split_once('\n').unwrap_or((rest, ""));
        if !is_quoted(line) {
            break;
        }
        quoted.push_str(line[1..].strip_prefix(' ').unwrap_or(""));
        quoted.push('\n');
        rest = below;
    }
    (quoted, rest)
}

/// A block of code and its length, fences and all.
fn fence(text: &str) -> Option<(Block, usize)> {
    let inner = text.strip_prefix("```")?;
    let end = inner.find("```")?;
    let length = end + 6;
    let inner = &inner[..end];
    if inner.trim().is_empty() {
        return None;
    }
    let (first, body) = inner.split_once('\n').unwrap_or(("", inner));
    let language = first.trim();
    let is_language = !language.is_empty()
        && language.len() <= 20
        && language.chars().all(|c| c.is_ascii_alphanumeric() || "+-#_.".contains(c))
        && inner.contains('\n');
    let text = if is_language || first.trim().is_empty() { body } else { inner };
    let language = is_language.then(|| language.to_lowercase());
    Some((Block::Code { language, text: text.trim_matches('\n').trim_end().to_owned() }, length))
}

/// A spoiler of several lines that is all there is on them: what it hides, and what follows. One within a
/// paragraph is a style of it.
fn spoiler(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix("||")?;
    let end = inner.find("||")?;
    let hidden = &inner[..end];
    let after = &inner[end + 2..];
    let several = hidden.contains('\n') && !hidden.trim().is_empty();
    (several && (after.is_empty() || after.starts_with('\n')))
        .then(|| (hidden, after.strip_prefix('\n').unwrap_or(after)))
}

/// The lines of the list that a text begins with, and what follows them.
fn list_lines(text: &str) -> (Vec<&str>, &str) {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (line, below) = rest.split_once('\n').unwrap_or((rest, ""));
        let within = item(line).is_some() || (line.starts_with("  ") && !line.trim().is_empty());
        if !within || (line.contains("```") && !lines.is_empty()) {
            break;
        }
        lines.push(line);
        rest = below;
    }
    (lines, rest)
}

fn heading(line: &str) -> Option<(u8, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let rest = line.get(level..)?.strip_prefix(' ')?.trim();
    ((1..=3).contains(&level) && !rest.is_empty()).then_some((u8::try_from(level).unwrap_or(3), rest))
}

/// A list's item: its indent, its number if it has one, and its text.
fn item(line: &str) -> Option<(usize, Option<u32>, &str)> {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let rest = &line[indent..];
    if let Some(text) = rest.strip_prefix("- ").or_else(|| rest.strip_prefix("* ")) {
        return (!text.trim().is_empty()).then_some((indent, None, text));
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits > 9 {
        return None;
    }
    let text = rest[digits..].strip_prefix(". ")?;
    (!text.trim().is_empty()).then(|| (indent, rest[..digits].parse().ok(), text))
}

fn list(lines: &[&str], names: &Names, depth: usize) -> Vec<Block> {
    let Some((base, start, _)) = lines.first().and_then(|line| item(line)) else { return Vec::new() };
    let mut items: Vec<Vec<Block>> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        match item(lines[at]) {
            Some((indent, _, text)) if indent <= base + 1 => {
                items.push(vec![Block::Paragraph(inlines(text, names, 0))]);
                at += 1;
            }
            _ => {
                let count = lines[at..]
                    .iter()
                    .take_while(|line| item(line).is_none_or(|(indent, _, _)| indent > base + 1))
                    .count()
                    .max(1);
                let inner = &lines[at..at + count];
                let nested =
                    if depth + 1 < MAX_DEPTH && inner.first().is_some_and(|line| item(line).is_some()) {
                        list(inner, names, depth + 1)
                    } else {
                        let text: Vec<&str> = inner.iter().map(|line| line.trim()).collect();
                        vec![Block::Paragraph(inlines(&text.join("\n"), names, 0))]
                    };
                if let Some(item) = items.last_mut() {
                    item.extend(nested);
                }
                at += count;
            }
        }
    }
    vec![Block::List { start, items }]
}
