//! Quotes, as each engine frames them.

use super::tree::{ElementRef, Node};

use super::dom::{DEEPEST, attr, child, class_any, descendant, name, text_of};
use super::flow::Flow;
use super::style::Around;
use super::walk::{Walk, tidy};
use crate::markup::Block;
use crate::model::PostId;

impl Walk<'_> {
    /// vBulletin 4's `bbcode_quote`: `.bbcode_postedby` names the author and links the post, `.message`
    /// holds the words.
    pub fn vb_quote(&self, quote: ElementRef<'_>, around: &Around) -> Block {
        let header = descendant(quote, |e| class_any(e, &["bbcode_postedby"]));
        let message = descendant(quote, |e| class_any(e, &["message"]));
        let author = header
            .and_then(|header| descendant(header, |e| matches!(name(e), "strong" | "b")))
            .map(text_of)
            .filter(|name| !name.is_empty());
        let link =
            header.and_then(|header| descendant(header, |e| name(e) == "a" && !attr(e, "href").is_empty()));
        let url = link.and_then(|link| self.own_address(attr(link, "href")));
        let inner = around.quoting();
        let content = match (message, header) {
            (Some(message), _) => self.contents(message, &inner),
            (None, None) => self.contents(innermost_container(quote), &inner),
            (None, Some(header)) => {
                let mut flow = Flow::default();
                let body = header.parent().and_then(ElementRef::wrap).unwrap_or(quote);
                for child in body.children().filter(|child| child.id() != header.id()) {
                    match (child.value(), ElementRef::wrap(child)) {
                        (Node::Text(text), _) => flow.text(text, &inner.styles, 0),
                        (_, Some(child)) => self.element(child, &mut flow, &inner.inside()),
                        _ => {}
                    }
                }
                tidy(flow.finish())
            }
        };
        Block::Quote { author, post: url.as_deref().and_then(post_of), url, content }
    }

    /// Discourse's `aside.quote`: who wrote it, and the numbers of the post and its topic, are data
    /// attributes. A post's number is no id, so the address says which post it is.
    pub fn aside_quote(&self, element: ElementRef<'_>, around: &Around) -> Block {
        let author = Some(attr(element, "data-username")).filter(|name| !name.is_empty()).map(str::to_owned);
        let number = |name| {
            Some(attr(element, name)).filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
        };
        let by_number = || {
            let path = format!("t/{}/{}", number("data-topic")?, number("data-post")?);
            self.own_address(&path)
        };
        let by_title = || {
            let title = child(element, |e| class_any(e, &["title"]))?;
            let link = descendant(title, |e| name(e) == "a" && !attr(e, "href").is_empty())?;
            self.own_address(attr(link, "href"))
        };
        let body = child(element, |e| name(e) == "blockquote").unwrap_or(element);
        let url = by_number().or_else(by_title);
        Block::Quote { author, post: None, url, content: self.contents(body, &around.quoting()) }
    }

    /// A bare `blockquote`: vBulletin indents with it, other engines quote.
    pub fn plain_quote(&self, element: ElementRef<'_>, around: &Around) -> Block {
        let content = self.contents(element, around);
        if within_vb_post(element) {
            Block::Indent(content)
        } else {
            Block::Quote { author: None, post: None, url: None, content }
        }
    }
}

fn within_vb_post(element: ElementRef<'_>) -> bool {
    let ancestors = element.ancestors().take(DEEPEST).filter_map(ElementRef::wrap);
    ancestors.into_iter().any(|ancestor| class_any(ancestor, &["postcontent", "restore", "postbody"]))
}

/// Through frames that hold nothing but one more frame.
fn innermost_container(element: ElementRef<'_>) -> ElementRef<'_> {
    let mut inner = element;
    for _ in 0..DEEPEST {
        let frame = |e: &ElementRef<'_>| name(*e) == "div" && !class_any(*e, &["bbcode_container"]);
        let own_text =
            inner.children().any(|c| matches!(c.value(), Node::Text(text) if !text.trim().is_empty()));
        // vBulletin draws the corner of its balloon with an empty frame.
        let mut shown = inner.child_elements().filter(|e| e.children().next().is_some() || !frame(e));
        match (shown.next(), shown.next()) {
            (Some(only), None) if !own_text && frame(&only) => inner = only,
            _ => break,
        }
    }
    inner
}

/// The id in a link to a post: `#post123`, `?p=123`, `-post123.html`.
fn post_of(url: &str) -> Option<PostId> {
    let after = |marker: &str| {
        let (_, rest) = url.rsplit_once(marker)?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (!digits.is_empty()).then(|| PostId::new(digits))
    };
    after("#post").or_else(|| after("?p=")).or_else(|| after("&p=")).or_else(|| after("-post"))
}
