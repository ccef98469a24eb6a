//! A document's words alone, for excerpts and for comparing.

use super::{Block, Doc, Inline};

/// The words of a document; blocks and lines are separated by newlines.
pub fn text(doc: &Doc) -> String {
    let mut out = String::new();
    blocks(&doc.blocks, &mut out);
    out.trim().to_owned()
}

/// The words of a line.
pub fn inline(content: &[Inline]) -> String {
    let mut out = String::new();
    inlines(content, &mut out);
    out
}

fn blocks(blocks: &[Block], out: &mut String) {
    for block in blocks {
        match block {
            Block::Paragraph(content) | Block::Heading { content, .. } | Block::Small(content) => {
                inlines(content, out);
            }
            Block::Quote { content, .. } | Block::Spoiler { content, .. } | Block::Indent(content) => {
                self::blocks(content, out);
            }
            Block::Code { text, .. } => out.push_str(text),
            Block::List { items, .. } => {
                for item in items {
                    self::blocks(item, out);
                }
            }
            Block::Table { rows, .. } => {
                for row in rows {
                    for cell in row {
                        inlines(cell, out);
                        out.push(' ');
                    }
                    out.push('\n');
                }
            }
            Block::Rule => {}
        }
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
}

fn inlines(content: &[Inline], out: &mut String) {
    content.iter().for_each(|inline| push(inline, out));
}

/// Puts the words of one thing behind others.
pub fn push(inline: &Inline, out: &mut String) {
    match inline {
        Inline::Text(text) | Inline::Code(text) | Inline::Emoji(text) => out.push_str(text),
        Inline::Bold(content)
        | Inline::Italic(content)
        | Inline::Underline(content)
        | Inline::Strike(content)
        | Inline::Spoiler(content)
        | Inline::Link { content, .. } => inlines(content, out),
        Inline::Image { alt, .. } => out.push_str(alt.as_deref().unwrap_or_default()),
        Inline::Video { title, url } => out.push_str(title.as_deref().unwrap_or(url)),
        Inline::Mention { name, .. } => {
            out.push('@');
            out.push_str(name);
        }
        Inline::Break => out.push('\n'),
    }
}
