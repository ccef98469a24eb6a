//! The walk over a post's elements: which shape each one is, and who reads it. What has no meaning in a
//! document (fonts, colours, alignment, buttons) is passed through or dropped.

use std::cell::Cell;

use super::tree::{ElementRef, Node};
use url::Url;

use super::dom::{
    DEEPEST, attr, child, class_any, class_like, descendant, is_block, is_hidden, name, raw_text, style_of,
    text_of,
};
use super::flow::Flow;
use super::spoiler::{is_button_frame, is_spoiler, is_spoilers_head};
use super::style::Around;
use super::{code, said, script, shielded, shows_something};
use crate::markup::runs::Style;
use crate::markup::{Block, Doc, Inline, MAX_DEPTH};

pub fn read(element: ElementRef<'_>, base: &Url) -> Doc {
    let walk = Walk { base, addresses: Cell::new(0) };
    let mut flow = Flow::default();
    walk.children(element, &mut flow, &Around::default());
    let mut blocks = tidy(flow.finish());
    said::attribute(&mut blocks, base);
    Doc { blocks }
}

pub struct Walk<'a> {
    pub base: &'a Url,
    /// Bytes of addresses that have been read so far.
    pub addresses: Cell<usize>,
}

impl Walk<'_> {
    pub fn children(&self, element: ElementRef<'_>, flow: &mut Flow, around: &Around) {
        if around.depth >= DEEPEST {
            for text in element.text() {
                flow.text(text, &around.styles, around.size);
            }
            return;
        }
        let around = around.deeper();
        for child in element.children() {
            match child.value() {
                Node::Text(text) => flow.text(text, &around.styles, around.size),
                Node::Element(_) => {
                    if let Some(child) = ElementRef::wrap(child) {
                        self.element(child, flow, &around);
                    }
                }
                _ => {}
            }
        }
    }

    /// The blocks of a container of its own.
    pub fn contents(&self, element: ElementRef<'_>, around: &Around) -> Vec<Block> {
        let mut flow = Flow::default();
        self.children(element, &mut flow, &around.inside());
        tidy(flow.finish())
    }

    pub fn element(&self, element: ElementRef<'_>, flow: &mut Flow, around: &Around) {
        if !is_for_readers(element) {
            return;
        }
        let name = name(element);
        match name {
            "br" if around.in_link() => return flow.text(" ", &around.styles, around.size),
            "br" => return flow.leaf(Inline::Break, &around.styles, around.size),
            "hr" => return flow.block(Block::Rule),
            "img" => return self.image(element, flow, around),
            _ => {}
        }
        if let Some(text) = shielded::text(element) {
            return flow.text(&text, &around.styles, around.size);
        }
        if matches!(name, "span" | "a") && is_spoiler(element) && !element.child_elements().any(is_block) {
            return self.children(element, flow, &around.styled(Style::Spoiler));
        }
        if around.blocks + 1 < MAX_DEPTH
            && let Some(blocks) = self.blocks(element, around)
        {
            flow.flush();
            flow.blocks
                .extend(blocks.into_iter().filter(|block| shows_something(std::slice::from_ref(block))));
            return;
        }
        match name {
            "b" | "strong" => self.children(element, flow, &around.styled(Style::Bold)),
            "i" | "em" | "cite" => self.children(element, flow, &around.styled(Style::Italic)),
            "u" | "ins" => self.children(element, flow, &around.styled(Style::Underline)),
            "s" | "strike" | "del" => self.children(element, flow, &around.styled(Style::Strike)),
            "a" => self.link(element, flow, around),
            "font" | "span" | "big" => self.styled(element, flow, around),
            "sup" | "sub" => match script::raised_or_lowered(&text_of(element), name == "sup") {
                Some(text) => flow.text(&text, &around.styles, around.size),
                None => self.children(element, flow, around),
            },
            "code" | "tt" | "kbd" | "samp" => {
                let text = raw_text(element);
                if !text.is_empty() {
                    flow.leaf(Inline::Code(text), &around.styles, around.size);
                }
            }
            "iframe" | "embed" | "object" | "video" | "audio" => self.video(element, flow, around),
            "div" if class_any(element, &["lazy-video-container"]) => self.video(element, flow, around),
            "aside" | "div" if class_any(element, &["onebox"]) && self.onebox(element, flow, around) => {}
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                flow.flush();
                let level = name.as_bytes()[1] - b'0';
                self.children(element, flow, &around.sized(level.min(3)));
                flow.flush();
            }
            // A frame without margins: its words stand on lines of their own, and no gap is around them.
            "div" | "center" | "address" | "form" | "fieldset" | "legend" | "section" | "article"
            | "header" | "footer" => {
                flow.line();
                self.children(element, flow, &around.within(element));
                flow.line();
            }
            _ if is_block(element) => {
                flow.flush();
                self.children(element, flow, &around.within(element));
                flow.flush();
            }
            _ => self.children(element, flow, around),
        }
    }

    /// Fonts and spans mean what their attributes say; some stand for a sign.
    fn styled(&self, element: ElementRef<'_>, flow: &mut Flow, around: &Around) {
        if class_any(element, &["chcklst-box"]) {
            let done = class_like(element, &["check-square", "checked"]);
            return flow.text(if done { "☑" } else { "☐" }, &around.styles, around.size);
        }
        self.children(element, flow, &around.within(element));
    }

    /// Elements that are blocks of their own kind.
    fn blocks(&self, element: ElementRef<'_>, around: &Around) -> Option<Vec<Block>> {
        let name = name(element);
        if is_spoilers_head(element) {
            return Some(self.contents(element, around));
        }
        if name == "details" || is_spoiler(element) || is_button_frame(element) {
            return Some(self.spoiler(element, around));
        }
        if class_any(element, &["bbcode_container"]) {
            if let Some(quote) = descendant(element, |e| class_any(e, &["bbcode_quote"])) {
                return Some(vec![self.vb_quote(quote, around)]);
            }
            if let Some(code) = descendant(element, |e| class_any(e, &["bbcode_code"])) {
                return Some(vec![code::vb_code(element, code)]);
            }
            if child(element, |e| is_spoiler(e) || is_hidden(e)).is_some() {
                return Some(self.spoiler(element, around));
            }
        }
        if class_any(element, &["bbcode_quote"]) {
            return Some(vec![self.vb_quote(element, around)]);
        }
        if is_hidden(element) && !around.quoting {
            return Some(vec![Block::Spoiler { label: None, content: self.contents(element, around) }]);
        }
        match name {
            "aside" if class_any(element, &["quote"]) => Some(vec![self.aside_quote(element, around)]),
            "pre" => Some(vec![code::pre(element)]),
            "ul" | "ol" => Some(self.list(element, around)),
            "table" => self.table(element, around).map(|table| vec![table]),
            // The frame of a whole post.
            "blockquote" if class_any(element, &["postcontent"]) => None,
            "blockquote" => Some(vec![self.plain_quote(element, around)]),
            "div" if class_any(element, &["poll"]) => Some(self.poll(element, around)),
            "div" if style_of(element).contains("margin-left") && !class_any(element, &["quote"]) => {
                Some(vec![Block::Indent(self.contents(element, around))])
            }
            _ => None,
        }
    }
}

/// Whether an element says anything to the readers of a post.
fn is_for_readers(element: ElementRef<'_>) -> bool {
    let silent = matches!(
        name(element),
        "script"
            | "style"
            | "head"
            | "template"
            | "noscript"
            | "button"
            | "input"
            | "select"
            | "textarea"
            | "svg"
            | "math"
            | "link"
            | "meta"
    );
    // What styles and add-ons put into a post that its author did not write.
    let chrome = class_any(
        element,
        &[
            "signature",
            "signaturecontainer",
            "lastedited",
            "attachments",
            "poll-info",
            "meta",
            "quote-controls",
            "adsbygoogle",
        ],
    );
    let advert = || {
        let id = attr(element, "id");
        ["ad_", "google_ads", "div-gpt-ad"].iter().any(|begin| id.starts_with(begin))
    };
    !silent && !chrome && !advert() && attr(element, "aria-hidden") != "true"
}

/// Without paragraphs that hold nothing.
pub fn tidy(blocks: Vec<Block>) -> Vec<Block> {
    let mut blocks = blocks;
    blocks.retain(|block| !matches!(block, Block::Paragraph(content) if content.is_empty()));
    blocks
}
