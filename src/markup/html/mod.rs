//! Forum HTML in and out. The reader knows the shapes in which forums write quotes, code and spoilers;
//! the writer makes plain safe HTML.

use tree::{ElementRef, Html};
use url::Url;

use super::{Block, Doc, Inline};

mod code;
pub mod copied;
mod dom;
mod flow;
mod guard;
mod link;
mod lists;
mod quote;
mod said;
mod script;
pub mod shielded;
mod smilies;
mod spoiler;
mod style;
pub mod tree;
mod walk;
mod write;

pub use guard::{TooMuch, guard};
pub use write::write;

/// Reads the body of a post. Relative addresses are resolved against `base`.
pub fn read(element: ElementRef<'_>, base: &Url) -> Doc {
    walk::read(element, base)
}

/// Reads a piece of HTML that stands alone.
pub fn read_fragment(html: &str, base: &Url) -> Result<Doc, TooMuch> {
    let fragment = Html::parse_fragment(html)?;
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

#[cfg(test)]
mod tests;
