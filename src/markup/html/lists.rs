//! Lists, tables and polls.

use super::tree::{ElementRef, Node};

use super::dom::{attr, class_any, class_like, descendant, name, style_of, text_of};
use super::flow::Flow;
use super::shows_something;
use super::style::Around;
use super::walk::{Walk, tidy};
use crate::markup::{Block, Doc, Inline, plain};

impl Walk<'_> {
    pub fn list(&self, element: ElementRef<'_>, around: &Around) -> Vec<Block> {
        const NUMBERS: [&str; 5] = ["decimal", "upper-roman", "lower-roman", "upper-alpha", "lower-alpha"];
        let numbered = name(element) == "ol"
            || class_any(element, &NUMBERS)
            || style_of(element).contains("list-style-type:decimal");
        let start: u32 = attr(element, "start").parse().unwrap_or(1);
        let inner = around.inside().deeper();
        let mut items: Vec<Vec<Block>> = Vec::new();
        for child in element.children() {
            match (child.value(), ElementRef::wrap(child)) {
                (_, Some(child)) if name(child) == "li" => {
                    items.push(self.contents(child, &around.within(child)));
                }
                // What stands between the items belongs to the one before it.
                (_, Some(child)) => {
                    let mut flow = Flow::default();
                    self.element(child, &mut flow, &inner);
                    belongs(&mut items, tidy(flow.finish()));
                }
                (Node::Text(text), _) if !text.trim().is_empty() => {
                    let mut flow = Flow::default();
                    flow.text(text, &inner.styles, 0);
                    belongs(&mut items, flow.finish());
                }
                _ => {}
            }
        }
        items.retain(|item| shows_something(item));
        if items.is_empty() {
            return Vec::new();
        }
        vec![Block::List { start: numbered.then_some(start), items }]
    }

    /// A table; `None` if it only lays out, which it does with one column or with tables within.
    pub fn table(&self, element: ElementRef<'_>, around: &Around) -> Option<Block> {
        // Before anything is read: reading what is then thrown away, at each level, takes exponential time.
        if descendant(element, |e| name(e) == "table").is_some() {
            return None;
        }
        let mut rows = Vec::new();
        let mut header = false;
        for row in element.descendent_elements().filter(|e| name(*e) == "tr") {
            let cells: Vec<_> = row.child_elements().filter(|e| matches!(name(*e), "td" | "th")).collect();
            header |= rows.is_empty() && !cells.is_empty() && cells.iter().all(|c| name(*c) == "th");
            let cells: Vec<_> = cells.into_iter().map(|cell| one_line(self.contents(cell, around))).collect();
            if !cells.is_empty() {
                rows.push(cells);
            }
        }
        let widest = rows.iter().map(Vec::len).max().unwrap_or(0);
        (widest > 1).then_some(Block::Table { header, rows })
    }

    /// Discourse's poll: its question and what may be chosen. Who voted for what changes without an edit.
    pub fn poll(&self, element: ElementRef<'_>, around: &Around) -> Vec<Block> {
        let title = descendant(element, |e| class_any(e, &["poll-title"])).map(text_of).unwrap_or_default();
        let title = if title.is_empty() { "📊 Poll".to_owned() } else { format!("📊 {title}") };
        let mut blocks = vec![Block::Paragraph(vec![Inline::Bold(vec![Inline::Text(title)])])];
        let options = descendant(element, |e| matches!(name(e), "ul" | "ol") && !class_like(e, &["info"]));
        if let Some(options) = options {
            blocks.extend(self.list(options, around));
        }
        blocks
    }
}

fn belongs(items: &mut Vec<Vec<Block>>, blocks: Vec<Block>) {
    if !shows_something(&blocks) {
        return;
    }
    match items.last_mut() {
        Some(item) => item.extend(blocks),
        None => items.push(blocks),
    }
}

/// A cell's blocks on one line.
fn one_line(blocks: Vec<Block>) -> Vec<Inline> {
    let mut line = Vec::new();
    for block in blocks {
        if !line.is_empty() {
            line.push(Inline::Text(" ".to_owned()));
        }
        match block {
            Block::Paragraph(content) | Block::Heading { content, .. } | Block::Small(content) => {
                line.extend(content.into_iter().map(|inline| match inline {
                    Inline::Break => Inline::Text(" ".to_owned()),
                    other => other,
                }));
            }
            other => {
                line.push(Inline::Text(plain::text(&Doc { blocks: vec![other] }).replace('\n', " ")));
            }
        }
    }
    line
}
