//! Whom and what a document refers to: the quotes in it and the members it mentions.

use super::{Block, Doc, Inline};
use crate::model::QuoteRef;

/// Every quote, in the order in which they begin.
pub fn quotes(doc: &Doc) -> Vec<QuoteRef> {
    let mut found = Vec::new();
    each_block(&doc.blocks, &mut |block| {
        if let Block::Quote { author, post, .. } = block {
            found.push(QuoteRef { author: author.clone(), post_id: post.clone() });
        }
    });
    found
}

/// The names of the members that are mentioned, each once.
pub fn mentions(doc: &Doc) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    each_block(&doc.blocks, &mut |block| match block {
        Block::Paragraph(content) | Block::Heading { content, .. } | Block::Small(content) => {
            mentioned(content, &mut found);
        }
        Block::Table { rows, .. } => rows.iter().flatten().for_each(|cell| mentioned(cell, &mut found)),
        _ => {}
    });
    found
}

fn each_block(blocks: &[Block], visit: &mut impl FnMut(&Block)) {
    for block in blocks {
        visit(block);
        match block {
            Block::Quote { content, .. } | Block::Spoiler { content, .. } | Block::Indent(content) => {
                each_block(content, visit);
            }
            Block::List { items, .. } => items.iter().for_each(|item| each_block(item, visit)),
            _ => {}
        }
    }
}

fn mentioned(content: &[Inline], found: &mut Vec<String>) {
    for inline in content {
        match inline {
            Inline::Mention { name, .. } if !found.contains(name) => found.push(name.clone()),
            Inline::Bold(c)
            | Inline::Italic(c)
            | Inline::Underline(c)
            | Inline::Strike(c)
            | Inline::Spoiler(c)
            | Inline::Link { content: c, .. } => mentioned(c, found),
            _ => {}
        }
    }
}
