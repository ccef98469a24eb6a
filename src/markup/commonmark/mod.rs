//! CommonMark in and out, for the forums that store Markdown: NodeBB and Discourse, which both read it with
//! markdown-it, and each add something of their own.
//! <https://spec.commonmark.org/0.31.2/>, <https://github.github.com/gfm/>

mod escape;
mod read;
mod write;

pub use read::read;
pub use write::write;

/// Whose Markdown it is, which decides how quotes, spoilers and underlining are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    /// No HTML, no spoilers, no underlining.
    NodeBb,
    /// `[quote="name, post:2, topic:3"]`, `[spoiler]`, `[details]`, `[u]`.
    Discourse,
}

#[cfg(test)]
mod tests;
