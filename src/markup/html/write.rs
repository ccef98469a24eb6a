//! A document as HTML: plain elements, everything escaped, links to the web only.

use crate::markup::{Block, Doc, Inline};

/// Safe HTML: no script, no style, no attribute that a post could set but `href` and `src`.
pub fn write(doc: &Doc) -> String {
    let mut out = String::new();
    blocks(&doc.blocks, &mut out);
    out
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

fn element(name: &str, out: &mut String, inner: impl FnOnce(&mut String)) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    inner(out);
    out.push_str("</");
    out.push_str(name.split(' ').next().unwrap_or(name));
    out.push('>');
}

fn web(url: &str) -> bool {
    ["http://", "https://", "mailto:"].iter().any(|scheme| url.starts_with(scheme))
}

fn blocks(blocks: &[Block], out: &mut String) {
    for block in blocks {
        match block {
            Block::Paragraph(content) => element("p", out, |out| inlines(content, out)),
            Block::Heading { level, content } => {
                element(&format!("h{}", level.clamp(&1, &6)), out, |out| inlines(content, out));
            }
            Block::Quote { author, content, .. } => element("blockquote", out, |out| {
                if let Some(author) = author {
                    element("cite", out, |out| escape(author, out));
                }
                self::blocks(content, out);
            }),
            Block::Code { text, .. } => {
                element("pre", out, |out| element("code", out, |out| escape(text, out)));
            }
            Block::Spoiler { label, content } => element("details", out, |out| {
                element("summary", out, |out| escape(label.as_deref().unwrap_or("Spoiler"), out));
                self::blocks(content, out);
            }),
            Block::List { start, items } => {
                let name = match start {
                    Some(1) => "ol".to_owned(),
                    Some(start) => format!("ol start=\"{start}\""),
                    None => "ul".to_owned(),
                };
                element(&name, out, |out| {
                    for item in items {
                        element("li", out, |out| self::blocks(item, out));
                    }
                });
            }
            Block::Table { header, rows } => element("table", out, |out| {
                for (number, row) in rows.iter().enumerate() {
                    let cell = if *header && number == 0 { "th" } else { "td" };
                    element("tr", out, |out| {
                        for content in row {
                            element(cell, out, |out| inlines(content, out));
                        }
                    });
                }
            }),
            Block::Indent(content) => element("div", out, |out| self::blocks(content, out)),
            Block::Small(content) => {
                element("p", out, |out| element("small", out, |out| inlines(content, out)));
            }
            Block::Rule => out.push_str("<hr>"),
        }
    }
}

fn inlines(content: &[Inline], out: &mut String) {
    for inline in content {
        match inline {
            Inline::Text(text) | Inline::Emoji(text) => escape(text, out),
            Inline::Bold(content) => element("strong", out, |out| inlines(content, out)),
            Inline::Italic(content) => element("em", out, |out| inlines(content, out)),
            Inline::Underline(content) => element("u", out, |out| inlines(content, out)),
            Inline::Strike(content) => element("s", out, |out| inlines(content, out)),
            Inline::Spoiler(content) => element("mark", out, |out| inlines(content, out)),
            Inline::Code(text) => element("code", out, |out| escape(text, out)),
            Inline::Link { url, content } if web(url) => {
                out.push_str("<a href=\"");
                escape(url, out);
                out.push_str("\">");
                inlines(content, out);
                out.push_str("</a>");
            }
            Inline::Link { content, .. } => inlines(content, out),
            Inline::Image { url, alt } if web(url) => {
                out.push_str("<img src=\"");
                escape(url, out);
                out.push_str("\" alt=\"");
                escape(alt.as_deref().unwrap_or_default(), out);
                out.push_str("\">");
            }
            Inline::Image { alt, .. } => escape(alt.as_deref().unwrap_or_default(), out),
            Inline::Video { url, title } => {
                out.push_str("<a href=\"");
                escape(url, out);
                out.push_str("\">");
                escape(title.as_deref().unwrap_or(url), out);
                out.push_str("</a>");
            }
            Inline::Mention { name, .. } => {
                out.push('@');
                escape(name, out);
            }
            Inline::Break => out.push_str("<br>"),
        }
    }
}
