//! Spoilers, which are no part of vBulletin: every add-on draws its own frame, with a label or a button
//! that is always to be seen and a box that is shut at first.

use super::tree::{ElementRef, Node};

use super::dom::{attr, class_like, descendant, is_hidden, name, text_of};
use super::flow::Flow;
use super::shows_something;
use super::style::Around;
use super::walk::{Walk, tidy};
use crate::markup::Block;

impl Walk<'_> {
    /// Reads a spoiler's frame; nothing if it hides nothing.
    pub fn spoiler(&self, element: ElementRef<'_>, around: &Around) -> Vec<Block> {
        let mut label = None;
        let mut flow = Flow::default();
        let inner = around.inside().quoting();
        for child in element.children() {
            match (child.value(), ElementRef::wrap(child)) {
                (Node::Text(text), _) => flow.text(text, &inner.styles, 0),
                (_, Some(child)) if is_label(child) => label = label.or_else(|| label_of(child)),
                (_, Some(child)) if is_spoiler(child) || is_hidden(child) => {
                    // The box within the frame.
                    flow.flush();
                    flow.blocks.extend(self.contents(child, &inner));
                }
                (_, Some(child)) => self.element(child, &mut flow, &inner),
                _ => {}
            }
        }
        let content = tidy(flow.finish());
        if shows_something(&content) { vec![Block::Spoiler { label, content }] } else { Vec::new() }
    }
}

/// A spoiler by its class.
pub fn is_spoiler(element: ElementRef<'_>) -> bool {
    matches!(name(element), "div" | "span" | "fieldset" | "a" | "blockquote" | "section")
        && class_like(element, &["spoiler"])
}

/// The part of a spoiler that is always to be seen, where it is named like the box that follows it.
pub fn is_spoilers_head(element: ElementRef<'_>) -> bool {
    const NEAR: usize = 8;
    let next = || element.next_siblings().filter_map(ElementRef::wrap).next();
    is_spoiler(element)
        && !is_hidden(element)
        && element.descendent_elements().take(NEAR).any(is_button)
        && !element.descendent_elements().skip(1).take(NEAR).any(|e| is_hidden(e) || is_spoiler(e))
        && next().is_some_and(|next| is_spoiler(next) && is_hidden(next))
}

/// A frame without a name, as the oldest add-ons have it: a line with a button, then a hidden box.
pub fn is_button_frame(element: ElementRef<'_>) -> bool {
    // Looks at a few descendants only, so that nested frames take no more than linear time.
    const NEAR: usize = 8;
    if !matches!(name(element), "div" | "fieldset") {
        return false;
    }
    let mut children = element.child_elements();
    let button = |e: &ElementRef<'_>| is_button(*e) && !is_hidden(*e);
    let Some(head) = children.next().filter(|head| !is_hidden(*head)) else { return false };
    head.descendent_elements().take(NEAR).any(|e| button(&e))
        && children
            .next()
            .is_some_and(|body| body.descendent_elements().take(NEAR).any(|e| is_hidden(e) && !is_button(e)))
}

fn is_button(element: ElementRef<'_>) -> bool {
    name(element) == "button"
        || (name(element) == "input" && attr(element, "type").eq_ignore_ascii_case("button"))
}

/// The part of a spoiler that is always to be seen.
fn is_label(element: ElementRef<'_>) -> bool {
    const WORDS: [&str; 7] = ["title", "head", "label", "button", "toggle", "description", "info"];
    matches!(name(element), "summary" | "legend" | "button" | "input")
        || (class_like(element, &WORDS) && !is_hidden(element))
        || (!is_hidden(element)
            && !is_spoiler(element)
            && descendant(element, |e| matches!(name(e), "input" | "button")).is_some())
}

/// What a label says beyond the word itself; `Spoiler: the end` says `the end`.
fn label_of(element: ElementRef<'_>) -> Option<String> {
    let text = text_of(element);
    let text = text.trim_matches(|c: char| c == ':' || c.is_whitespace());
    let said = match text.get(..7) {
        Some(word) if word.eq_ignore_ascii_case("spoiler") => {
            text[7..].trim_start_matches(|c: char| ":-–—".contains(c) || c.is_whitespace())
        }
        _ => text,
    };
    Some(said.trim().to_owned()).filter(|said| !said.is_empty())
}
