//! CommonMark out, for forums that store Markdown.
//! <https://spec.commonmark.org/0.31.2/>

use super::{Block, Doc, Inline};

/// A document as CommonMark with tables and strike-through (GFM).
pub fn write(doc: &Doc) -> String {
    let mut out = String::new();
    blocks(&doc.blocks, "", &mut out);
    out.trim_end().to_owned()
}

/// ASCII punctuation that could mean something is escaped.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        if "\\`*_{}[]<>()#+-.!|~&@:".contains(c) && !matches!(c, '.' | '-' | '(' | ')' | ':' | '@') {
            out.push('\\');
        }
        out.push(c);
    }
}

fn blocks(blocks: &[Block], indent: &str, out: &mut String) {
    for block in blocks {
        let mut text = String::new();
        self::block(block, &mut text);
        for line in text.lines() {
            out.push_str(if line.is_empty() { indent.trim_end() } else { indent });
            out.push_str(line);
            out.push('\n');
        }
        out.push_str(indent.trim_end());
        out.push('\n');
    }
}

fn block(block: &Block, out: &mut String) {
    match block {
        Block::Paragraph(content) | Block::Small(content) => {
            let mut line = String::new();
            inlines(content, &mut line);
            // What would begin a list or a heading is held back.
            let digits = line.bytes().take_while(u8::is_ascii_digit).count();
            if line.starts_with("- ") {
                line.insert(0, '\\');
            } else if digits > 0 && line[digits..].starts_with(". ") {
                line.insert(digits, '\\');
            }
            out.push_str(&line);
        }
        Block::Heading { level, content } => {
            out.push_str(&"#".repeat(usize::from(*level).clamp(1, 6)));
            out.push(' ');
            inlines(content, out);
        }
        Block::Quote { author, content, .. } => {
            if let Some(author) = author {
                out.push_str("> **");
                escape(author, out);
                out.push_str("**\n>\n");
            }
            blocks(content, "> ", out);
            while out.ends_with("\n>\n") {
                out.truncate(out.len() - 2);
            }
        }
        Block::Code { language, text } => {
            let mut fence = "```".to_owned();
            while text.contains(&fence) {
                fence.push('`');
            }
            out.push_str(&format!("{fence}{}\n{text}\n{fence}", language.as_deref().unwrap_or_default()));
        }
        Block::Spoiler { label, content } => {
            if let Some(label) = label {
                escape(label, out);
                out.push_str("\n\n");
            }
            blocks(content, "", out);
        }
        Block::List { start, items } => {
            for (number, item) in items.iter().enumerate() {
                let mark =
                    start.map_or_else(|| "- ".to_owned(), |start| format!("{}. ", start as usize + number));
                let mut text = String::new();
                blocks(item, &" ".repeat(mark.len()), &mut text);
                out.push_str(&mark);
                out.push_str(text.trim_start().trim_end());
                out.push('\n');
            }
        }
        Block::Table { rows, .. } => {
            let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
            for (number, row) in rows.iter().enumerate() {
                out.push('|');
                for column in 0..columns {
                    out.push(' ');
                    if let Some(cell) = row.get(column) {
                        let mut text = String::new();
                        inlines(cell, &mut text);
                        out.push_str(&text.replace('\n', " "));
                    }
                    out.push_str(" |");
                }
                out.push('\n');
                if number == 0 {
                    out.push('|');
                    out.push_str(&" --- |".repeat(columns));
                    out.push('\n');
                }
            }
        }
        Block::Indent(content) => blocks(content, "", out),
        Block::Rule => out.push_str("---"),
    }
}

fn wrapped(mark: &str, content: &[Inline], out: &mut String) {
    let mut inner = String::new();
    inlines(content, &mut inner);
    let words = inner.trim();
    if words.is_empty() {
        return out.push_str(&inner);
    }
    let start = inner.len() - inner.trim_start().len();
    out.push_str(&inner[..start]);
    out.push_str(mark);
    out.push_str(words);
    out.push_str(mark);
    out.push_str(&inner[start + words.len()..]);
}

fn inlines(content: &[Inline], out: &mut String) {
    for inline in content {
        match inline {
            Inline::Text(text) => escape(text, out),
            Inline::Emoji(text) => out.push_str(text),
            Inline::Bold(content) => wrapped("**", content, out),
            Inline::Italic(content) => wrapped("*", content, out),
            Inline::Strike(content) => wrapped("~~", content, out),
            Inline::Underline(content) | Inline::Spoiler(content) => inlines(content, out),
            Inline::Code(text) => {
                let fence = if text.contains('`') { "``" } else { "`" };
                let pad = if text.contains('`') { " " } else { "" };
                out.push_str(&format!("{fence}{pad}{text}{pad}{fence}"));
            }
            Inline::Link { url, content } => {
                out.push('[');
                inlines(content, out);
                out.push_str("](<");
                out.push_str(&url.replace(['<', '>'], ""));
                out.push_str(">)");
            }
            Inline::Image { url, alt } => {
                out.push_str("![");
                escape(alt.as_deref().unwrap_or_default(), out);
                out.push_str("](<");
                out.push_str(&url.replace(['<', '>'], ""));
                out.push_str(">)");
            }
            Inline::Video { url, .. } => out.push_str(url),
            Inline::Mention { name, .. } => {
                out.push('@');
                out.push_str(name);
            }
            Inline::Break => out.push_str("  \n"),
        }
    }
}
