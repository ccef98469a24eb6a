//! BBCode out, as vBulletin 4 renders it.
//!
//! A person's text can open no tag of its own. vBulletin looks for tags before it looks at entities, and
//! leaves numeric entities as they are (`htmlspecialchars_uni`), so a bracket that would begin a tag is
//! written as `&#91;`: the reader sees a bracket, the parser does not.

use super::{Block, Doc, Inline};

/// A document as BBCode.
pub fn write(doc: &Doc) -> String {
    let mut out = String::new();
    blocks(&doc.blocks, &mut out);
    out.trim().to_owned()
}

/// Plain text in which no bracket begins a tag and no entity is one.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let next = text[at + c.len_utf8()..].chars().next();
        match c {
            '[' if next.is_some_and(|next| next.is_alphabetic() || next == '/' || next == '*') => {
                out.push_str("&#91;");
            }
            '&' if next == Some('#') => out.push_str("&#38;"),
            c => out.push(c),
        }
    }
    out
}

/// An address within a tag: nothing in it may end the tag.
fn address(url: &str) -> Option<String> {
    let known = ["http://", "https://", "mailto:"].iter().any(|scheme| url.starts_with(scheme));
    known.then(|| {
        url.chars()
            .filter(|c| !c.is_control())
            .map(|c| match c {
                '"' => "%22".to_owned(),
                '[' => "%5B".to_owned(),
                ']' => "%5D".to_owned(),
                ' ' => "%20".to_owned(),
                c => c.to_string(),
            })
            .collect()
    })
}

fn tag(name: &str, out: &mut String, inner: impl FnOnce(&mut String)) {
    out.push('[');
    out.push_str(name);
    out.push(']');
    inner(out);
    out.push_str("[/");
    out.push_str(name.split('=').next().unwrap_or(name));
    out.push(']');
}

fn blocks(blocks: &[Block], out: &mut String) {
    for (index, block) in blocks.iter().enumerate() {
        if index > 0 {
            out.push('\n');
            if matches!((&blocks[index - 1], block), (Block::Paragraph(_), Block::Paragraph(_))) {
                out.push('\n');
            }
        }
        self::block(block, out);
    }
}

fn block(block: &Block, out: &mut String) {
    match block {
        Block::Paragraph(content) => inlines(content, out),
        Block::Heading { level, content } => {
            let size = 7_u8.saturating_sub((*level).clamp(1, 3)).max(4);
            tag(&format!("SIZE={size}"), out, |out| tag("B", out, |out| inlines(content, out)));
        }
        Block::Small(content) => tag("SIZE=1", out, |out| inlines(content, out)),
        Block::Quote { author, post, content, .. } => {
            let name = author.as_deref().map(|name| name.replace(['[', ']', ';', '"'], ""));
            let head = match (name.filter(|name| !name.trim().is_empty()), post) {
                (Some(name), Some(post)) if post.as_str().bytes().all(|byte| byte.is_ascii_digit()) => {
                    format!("QUOTE={name};{post}")
                }
                (Some(name), _) => format!("QUOTE={name}"),
                (None, _) => "QUOTE".to_owned(),
            };
            tag(&head, out, |out| blocks(content, out));
        }
        Block::Code { language, text } => {
            let name = match language.as_deref() {
                Some("php") => "PHP",
                Some("html" | "xml") => "HTML",
                _ => "CODE",
            };
            // Within code only the closing tag means anything.
            tag(name, out, |out| out.push_str(&text.replace("[/", "&#91;/")));
        }
        Block::Spoiler { label, content } => {
            let name = label.as_deref().map(|label| label.replace(['[', ']', '"'], ""));
            let head = name.map_or_else(|| "SPOILER".to_owned(), |name| format!("SPOILER={name}"));
            tag(&head, out, |out| blocks(content, out));
        }
        Block::List { start, items } => {
            tag(if start.is_some() { "LIST=1" } else { "LIST" }, out, |out| {
                for item in items {
                    out.push_str("\n[*]");
                    blocks(item, out);
                }
                out.push('\n');
            });
        }
        Block::Table { rows, .. } => tag("TABLE", out, |out| {
            for row in rows {
                tag("TR", out, |out| {
                    for cell in row {
                        tag("TD", out, |out| inlines(cell, out));
                    }
                });
            }
        }),
        Block::Indent(content) => tag("INDENT", out, |out| blocks(content, out)),
        Block::Rule => out.push_str("[HR][/HR]"),
    }
}

fn inlines(content: &[Inline], out: &mut String) {
    for inline in content {
        match inline {
            Inline::Text(text) | Inline::Emoji(text) => out.push_str(&escape(text)),
            Inline::Bold(content) => tag("B", out, |out| inlines(content, out)),
            Inline::Italic(content) => tag("I", out, |out| inlines(content, out)),
            Inline::Underline(content) => tag("U", out, |out| inlines(content, out)),
            Inline::Strike(content) => tag("S", out, |out| inlines(content, out)),
            Inline::Spoiler(content) => tag("SPOILER", out, |out| inlines(content, out)),
            Inline::Code(text) => tag("FONT=Courier New", out, |out| out.push_str(&escape(text))),
            Inline::Link { url, content } => match address(url) {
                Some(url) => tag(&format!("URL=\"{url}\""), out, |out| inlines(content, out)),
                None => inlines(content, out),
            },
            Inline::Image { url, alt } => match address(url) {
                Some(url) => tag("IMG", out, |out| out.push_str(&url)),
                None => out.push_str(&escape(alt.as_deref().unwrap_or_default())),
            },
            Inline::Video { url, .. } => out.push_str(&address(url).unwrap_or_default()),
            Inline::Mention { name, .. } => {
                out.push('@');
                out.push_str(&escape(name));
            }
            Inline::Break => out.push('\n'),
        }
    }
}
