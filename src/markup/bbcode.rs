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

/// Writes plain text in which no bracket begins a tag and no entity is one, not even together with the text
/// that is there already.
fn words(text: &str, out: &mut String) {
    seam(text, out);
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        match c {
            '[' if begins_tag(rest) => out.push_str("&#91;"),
            '&' if rest.starts_with('#') => out.push_str("&#38;"),
            c => out.push(c),
        }
    }
}

/// Escapes the last sign that was written where it would mean something before this text. Our own tags end
/// with a bracket, so that it can only be a person's.
fn seam(text: &str, out: &mut String) {
    if out.ends_with('[') && begins_tag(text) {
        out.pop();
        out.push_str("&#91;");
    } else if out.ends_with('&') && text.starts_with('#') {
        out.push_str("#38;");
    }
}

/// Whether a bracket before this opens or closes a tag. `[1]` does not; a board's own tag may be named `[3d]`.
fn begins_tag(rest: &str) -> bool {
    let name = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    name.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '*' | '_'))
}

/// Within code only the closing tag means anything, and numeric entities, which PHP's colours leave as they are.
fn code(text: &str, is_php: bool, out: &mut String) {
    let text = if is_php { text.to_owned() } else { text.replace("&#", "&#38;#") };
    out.push_str(&text.replace("[/", "&#91;/"));
}

/// The name in a quote's head, with the post's id. vBulletin too puts names with brackets between signs; one
/// with brackets and both signs it can't quote, and loses its own.
fn quoted(name: &str, post: Option<&str>) -> String {
    let name: String = name.chars().filter(|c| !c.is_control() && *c != ';').collect();
    let post = post.map_or_else(String::new, |id| format!(";{id}"));
    let plain = !name.contains(['[', ']']) && !name.starts_with(['"', '\'']);
    match (plain, name.contains('\'')) {
        (true, _) => format!("{name}{post}"),
        (false, false) => format!("'{name}{post}'"),
        (false, true) => format!("\"{}{post}\"", name.replace('"', "")),
    }
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
            tag(&format!("SIZE={size}"), out, |out| match content.as_slice() {
                [Inline::Bold(_)] => inlines(content, out),
                _ => tag("B", out, |out| inlines(content, out)),
            });
        }
        Block::Small(content) => tag("SIZE=1", out, |out| inlines(content, out)),
        Block::Quote { author, post, content, .. } => {
            let id = post.as_ref().map(|post| post.as_str());
            let id = id.filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
            let name = author.as_deref().filter(|name| !name.trim().is_empty());
            let head = name.map_or_else(|| "QUOTE".to_owned(), |name| format!("QUOTE={}", quoted(name, id)));
            tag(&head, out, |out| blocks(content, out));
        }
        Block::Code { language, text } => {
            let name = match language.as_deref() {
                Some("php") => "PHP",
                Some("html" | "xml") => "HTML",
                _ => "CODE",
            };
            tag(name, out, |out| code(text, name == "PHP", out));
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
            Inline::Text(text) | Inline::Emoji(text) => words(text, out),
            Inline::Bold(content) => tag("B", out, |out| inlines(content, out)),
            Inline::Italic(content) => tag("I", out, |out| inlines(content, out)),
            Inline::Underline(content) => tag("U", out, |out| inlines(content, out)),
            Inline::Strike(content) => tag("S", out, |out| inlines(content, out)),
            Inline::Spoiler(content) => tag("SPOILER", out, |out| inlines(content, out)),
            Inline::Code(text) => tag("FONT=Courier New", out, |out| words(text, out)),
            Inline::Link { url, content } => match address(url) {
                Some(url) => tag(&format!("URL=\"{url}\""), out, |out| inlines(content, out)),
                None => inlines(content, out),
            },
            Inline::Image { url, alt } => match address(url) {
                Some(url) => tag("IMG", out, |out| out.push_str(&url)),
                None => words(alt.as_deref().unwrap_or_default(), out),
            },
            Inline::Video { url, .. } => {
                let url = address(url).unwrap_or_default();
                seam(&url, out);
                out.push_str(&url);
            }
            Inline::Mention { name, .. } => {
                out.push('@');
                words(name, out);
            }
            Inline::Break => out.push('\n'),
        }
    }
}
