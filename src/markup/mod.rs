//! One document tree between all dialects of formatted text. Readers turn forum HTML and Discord
//! Markdown into a [`Doc`]; writers turn a `Doc` into Discord Markdown, BBCode, CommonMark or HTML;
//! [`split`] cuts one into messages. Everything here is a pure function: no I/O, no clock, no
//! network, and no knowledge of an engine beyond the classes its HTML uses.
//!
//! Input comes from strangers: no reader may panic, recurse on the input's depth, or take more than
//! linear time. A `Doc` made by a reader is never deeper than [`MAX_DEPTH`], so that whoever walks it
//! may recurse.

use serde::{Deserialize, Serialize};

use crate::model::{MemberId, PostId};

pub mod bbcode;
pub mod commonmark;
pub mod discord;
pub mod html;
pub mod plain;
pub mod references;
pub mod runs;
pub mod split;

/// How deep blocks and inlines may nest; what lies deeper is flattened into its ancestor.
pub const MAX_DEPTH: usize = 32;

/// A formatted text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Doc {
    pub blocks: Vec<Block>,
}

/// What stands on lines of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    Paragraph(Vec<Inline>),
    /// `level` from 1 (largest) to 3.
    Heading {
        level: u8,
        content: Vec<Inline>,
    },
    Quote {
        author: Option<String>,
        post: Option<PostId>,
        url: Option<String>,
        content: Vec<Block>,
    },
    Code {
        language: Option<String>,
        text: String,
    },
    Spoiler {
        label: Option<String>,
        content: Vec<Block>,
    },
    /// `start` is the first number of a numbered list; `None` for bullets.
    List {
        start: Option<u32>,
        items: Vec<Vec<Block>>,
    },
    /// Rows of cells; the first row is a heading when `header` is set.
    Table {
        header: bool,
        rows: Vec<Vec<Vec<Inline>>>,
    },
    Indent(Vec<Block>),
    /// Small print, as Discord's `-#` shows it.
    Small(Vec<Inline>),
    Rule,
}

/// What runs inside a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inline {
    Text(String),
    Bold(Vec<Inline>),
    Italic(Vec<Inline>),
    Underline(Vec<Inline>),
    Strike(Vec<Inline>),
    Spoiler(Vec<Inline>),
    Code(String),
    Link {
        url: String,
        content: Vec<Inline>,
    },
    Image {
        url: String,
        alt: Option<String>,
    },
    Video {
        url: String,
        title: Option<String>,
    },
    /// A smilie or emoji: a Unicode emoji, or the code that the forum's members type (`:-)`).
    Emoji(String),
    Mention {
        name: String,
        member: Option<MemberId>,
    },
    /// A line break inside a block.
    Break,
}

impl Doc {
    /// One paragraph of plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { blocks: vec![Block::Paragraph(vec![Inline::Text(text.into())])] }
    }

    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}

#[cfg(test)]
mod tests;
