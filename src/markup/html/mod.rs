//! Forum HTML in and out. The reader knows the shapes in which forums write quotes, code and spoilers;
//! the writer makes plain safe HTML.

use scraper::{ElementRef, Html};
use url::Url;

use super::{Block, Doc, Inline};

mod flow;
mod smilies;
mod walk;
mod write;

pub use write::write;

/// A page of a forum is rarely a tenth of this.
const MOST_BYTES: usize = 4 * 1024 * 1024;
const MOST_TAGS: usize = 120_000;
/// How deep elements may nest before the parser's work grows with the square of it.
const MOST_OPEN: usize = 2_000;
/// Unclosed `<b>`, `<font>` and the like are opened again in every block that follows.
const MOST_FORMATTING: usize = 200;

/// More HTML than a forum's page has: a mistake, or an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the page is far larger or deeper than a forum's page can be, so it was not read")]
pub struct TooMuch;

/// Refuses HTML that would cost the parser more than linear time or much memory. One pass over the bytes.
pub fn guard(html: &str) -> Result<(), TooMuch> {
    if html.len() > MOST_BYTES {
        return Err(TooMuch);
    }
    let bytes = html.as_bytes();
    let (mut tags, mut open, mut formatting) = (0_usize, 0_usize, 0_usize);
    let mut at = 0;
    while let Some(found) = html.get(at..).and_then(|rest| rest.find('<')) {
        at += found + 1;
        let closing = bytes.get(at) == Some(&b'/');
        let name_at = at + usize::from(closing);
        let name: String = bytes[name_at.min(bytes.len())..]
            .iter()
            .take(12)
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .map(|byte| byte.to_ascii_lowercase() as char)
            .collect();
        if name.is_empty() {
            continue;
        }
        tags += 1;
        let is_formatting = matches!(
            &*name,
            "a" | "b"
                | "big"
                | "code"
                | "em"
                | "font"
                | "i"
                | "s"
                | "small"
                | "strike"
                | "strong"
                | "tt"
                | "u"
        );
        let void = matches!(
            &*name,
            "area"
                | "base"
                | "br"
                | "col"
                | "embed"
                | "hr"
                | "img"
                | "input"
                | "link"
                | "meta"
                | "param"
                | "source"
                | "track"
                | "wbr"
                | "p"
                | "li"
                | "td"
                | "tr"
                | "th"
                | "option"
                | "dt"
                | "dd"
        );
        if closing {
            open = open.saturating_sub(1);
            formatting = formatting.saturating_sub(usize::from(is_formatting));
        } else if !void {
            open += 1;
            formatting += usize::from(is_formatting);
        }
        if tags > MOST_TAGS || open > MOST_OPEN || formatting > MOST_FORMATTING {
            return Err(TooMuch);
        }
    }
    Ok(())
}

/// Reads the body of a post. Relative addresses are resolved against `base`.
pub fn read(element: ElementRef<'_>, base: &Url) -> Doc {
    walk::read(element, base)
}

/// Reads a piece of HTML that stands alone.
pub fn read_fragment(html: &str, base: &Url) -> Result<Doc, TooMuch> {
    guard(html)?;
    let fragment = Html::parse_fragment(html);
    Ok(read(fragment.root_element(), base))
}

/// Whether a document shows anything at all.
fn shows_something(blocks: &[Block]) -> bool {
    blocks.iter().any(|block| match block {
        Block::Paragraph(content) | Block::Heading { content, .. } | Block::Small(content) => {
            content.iter().any(visible)
        }
        Block::Quote { content, .. } | Block::Spoiler { content, .. } | Block::Indent(content) => {
            shows_something(content)
        }
        Block::List { items, .. } => items.iter().any(|item| shows_something(item)),
        Block::Table { rows, .. } => rows.iter().flatten().flatten().any(visible),
        Block::Code { text, .. } => !text.trim().is_empty(),
        Block::Rule => true,
    })
}

fn visible(inline: &Inline) -> bool {
    match inline {
        Inline::Text(text) | Inline::Code(text) | Inline::Emoji(text) => !text.trim().is_empty(),
        Inline::Bold(content)
        | Inline::Italic(content)
        | Inline::Underline(content)
        | Inline::Strike(content)
        | Inline::Spoiler(content)
        | Inline::Link { content, .. } => content.iter().any(visible),
        Inline::Image { .. } | Inline::Video { .. } | Inline::Mention { .. } => true,
        Inline::Break => false,
    }
}
