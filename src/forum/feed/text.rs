//! An item's words: which of its texts is shown, and how much of it.

use url::Url;

use crate::markup::{Block, Doc, Inline, html, plain};

/// A text longer than this, in characters, gives way to the item's summary, or is cut.
const LONG: usize = 3_500;
/// An item without a title is called by its first words.
const TITLE: usize = 80;

/// A text as it came.
pub struct Raw<'a> {
    pub words: &'a str,
    pub html: bool,
}

/// The item's full text; its summary where that is very long and there is one; else its beginning.
pub fn body(full: Option<Raw<'_>>, summary: Option<Raw<'_>>, base: &Url, url: &str) -> Doc {
    let read = |raw: Raw<'_>| {
        Some(read(&raw, base, url)).filter(|doc| !plain::text(doc).trim().is_empty() || has_picture(doc))
    };
    let full = full.and_then(read);
    let is_long = |doc: &Doc| plain::text(doc).chars().count() > LONG;
    let doc = match (full, summary) {
        (Some(full), Some(summary)) if is_long(&full) => read(summary).unwrap_or(full),
        (Some(full), _) => full,
        (None, Some(summary)) => read(summary).unwrap_or_default(),
        (None, None) => Doc::default(),
    };
    cut(doc, url)
}

fn has_picture(doc: &Doc) -> bool {
    doc.blocks.iter().any(|block| match block {
        Block::Paragraph(content) => content.iter().any(|inline| match inline {
            Inline::Image { .. } | Inline::Video { .. } => true,
            Inline::Link { content, .. } => content.iter().any(|inner| matches!(inner, Inline::Image { .. })),
            _ => false,
        }),
        _ => false,
    })
}

fn read(raw: &Raw<'_>, base: &Url, url: &str) -> Doc {
    if raw.html {
        return html::read_fragment(raw.words, base)
            .unwrap_or_else(|_| linked("This can only be read there.", url));
    }
    let paragraphs = raw.words.split("\n\n").map(str::trim).filter(|text| !text.is_empty());
    let lines = |text: &str| {
        let mut content = Vec::new();
        for line in text.lines() {
            if !content.is_empty() {
                content.push(Inline::Break);
            }
            content.push(Inline::Text(line.trim().to_owned()));
        }
        Block::Paragraph(content)
    };
    Doc { blocks: paragraphs.map(lines).collect() }
}

fn linked(words: &str, url: &str) -> Doc {
    let content = vec![Inline::Text(words.to_owned())];
    Doc { blocks: vec![Block::Paragraph(vec![Inline::Link { url: url.to_owned(), content }])] }
}

/// The blocks that make up the first [`LONG`] characters, and where the rest is.
fn cut(doc: Doc, url: &str) -> Doc {
    let mut left = LONG;
    let mut blocks = Vec::new();
    let mut rest = false;
    for block in doc.blocks {
        let length = plain::text(&Doc { blocks: vec![block.clone()] }).chars().count();
        // One that is too long by itself is better cut than missing.
        if blocks.is_empty() && length > left {
            let words: String = plain::text(&Doc { blocks: vec![block] }).chars().take(left).collect();
            blocks.push(Block::Paragraph(vec![Inline::Text(format!("{}…", words.trim_end()))]));
            rest = true;
            break;
        }
        if length > left {
            rest = true;
            break;
        }
        left -= length;
        blocks.push(block);
    }
    if rest {
        blocks.extend(linked("Read on", url).blocks);
    }
    Doc { blocks }
}

/// A title in plain text. What comes as HTML, or has its entities left in it, is read as such.
pub fn title(words: &str, html: bool, base: &Url) -> String {
    let entity = words.split('&').skip(1).any(|rest| {
        rest.split_once(';').is_some_and(|(name, _)| {
            !name.is_empty()
                && name.len() <= 8
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'#')
        })
    });
    let text = match html || entity {
        true => html::read_fragment(words, base).map(|doc| plain::text(&doc)).unwrap_or_default(),
        false => words.to_owned(),
    };
    squeezed(&text)
}

/// What an item without a title is called.
pub fn first_words(body: &Doc) -> String {
    let text = squeezed(&plain::text(body));
    if text.chars().count() <= TITLE {
        return text;
    }
    let start: String = text.chars().take(TITLE).collect();
    let end = start.rfind(' ').filter(|at| *at > TITLE / 2).unwrap_or(start.len());
    format!("{}…", &start[..end])
}

pub fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://blog.example/posts/1").expect("an address")
    }

    #[test]
    fn titles_are_plain() {
        for (words, html, title) in [
            ("Fish &amp; chips", true, "Fish & chips"),
            ("Fish &#8217; chips", false, "Fish ’ chips"),
            ("Vec<T> & friends", false, "Vec<T> & friends"),
            ("<b>Bold</b>  claims\n", true, "Bold claims"),
            ("AT&T; really", false, "AT&T; really"),
        ] {
            assert_eq!(self::title(words, html, &base()), title, "{words}");
        }
    }

    #[test]
    fn long_texts_give_way_to_summaries_or_are_cut() {
        let paragraphs = "<p>word word word word word</p>".repeat(400);
        let html = |words| Some(Raw { words, html: true });
        let with_summary = body(html(&paragraphs), html("In short."), &base(), "https://a/");
        assert_eq!(plain::text(&with_summary).trim(), "In short.");
        let cut = body(html(&paragraphs), None, &base(), "https://a/");
        assert!(plain::text(&cut).chars().count() < LONG + 300);
        assert!(plain::text(&cut).ends_with("Read on"), "{}", plain::text(&cut));
        let short = body(html("<p>All of it.</p>"), html("All of…"), &base(), "https://a/");
        assert_eq!(plain::text(&short).trim(), "All of it.");
        let one = "word ".repeat(2_000);
        let one = body(Some(Raw { words: &one, html: false }), None, &base(), "https://a/");
        assert!(plain::text(&one).contains("word…"));
        let bomb = "<div>".repeat(200_000);
        let bomb = body(html(&bomb), None, &base(), "https://a/");
        assert_eq!(plain::text(&bomb).trim(), "This can only be read there.");
    }
}
