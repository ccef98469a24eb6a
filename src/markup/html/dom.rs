//! Questions that the walk asks of an element.

use super::tree::{ElementRef, Node};

use super::shielded;

/// Elements deeper than this below a post are read for their text alone.
pub const DEEPEST: usize = 200;

pub fn name<'a>(element: ElementRef<'a>) -> &'a str {
    element.value().name()
}

/// An attribute's value, trimmed; empty where there is none.
pub fn attr<'a>(element: ElementRef<'a>, name: &str) -> &'a str {
    element.value().attr(name).unwrap_or_default().trim()
}

pub fn class_any(element: ElementRef<'_>, classes: &[&str]) -> bool {
    element.value().classes().any(|class| classes.contains(&class))
}

/// Whether any class holds one of these words, in any case.
pub fn class_like(element: ElementRef<'_>, words: &[&str]) -> bool {
    let holds = |class: &str, word: &str| {
        class.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
    };
    element.value().classes().any(|class| words.iter().any(|word| holds(class, word)))
}

/// An element's `style`, in lower case and without spaces.
pub fn style_of(element: ElementRef<'_>) -> String {
    const LONGEST: usize = 400;
    let style = element.value().attr("style").unwrap_or_default();
    style.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).take(LONGEST).collect()
}

pub fn is_hidden(element: ElementRef<'_>) -> bool {
    element.value().attr("style").is_some() && style_of(element).contains("display:none")
}

/// Whether an element begins a line of its own.
pub fn is_block(element: ElementRef<'_>) -> bool {
    matches!(
        name(element),
        "p" | "div"
            | "center"
            | "section"
            | "article"
            | "aside"
            | "header"
            | "footer"
            | "figure"
            | "figcaption"
            | "fieldset"
            | "form"
            | "dl"
            | "dt"
            | "dd"
            | "address"
            | "main"
            | "legend"
            | "tr"
            | "td"
            | "th"
            | "tbody"
            | "thead"
            | "tfoot"
            | "table"
            | "ul"
            | "ol"
            | "li"
            | "blockquote"
            | "pre"
            | "details"
            | "summary"
            | "hr"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
    )
}

/// The first descendant that fits.
pub fn descendant<'a>(
    element: ElementRef<'a>,
    fits: impl Fn(ElementRef<'a>) -> bool,
) -> Option<ElementRef<'a>> {
    element.descendent_elements().skip(1).find(|e| fits(*e))
}

/// The first child that fits.
pub fn child<'a>(element: ElementRef<'a>, fits: impl Fn(ElementRef<'a>) -> bool) -> Option<ElementRef<'a>> {
    element.child_elements().find(|e| fits(*e))
}

/// An element's words, with every run of spaces as one.
pub fn text_of(element: ElementRef<'_>) -> String {
    let mut text = String::new();
    for node in element.descendants() {
        match node.value() {
            Node::Text(words) if !shielded::is_stand_in(node.parent().and_then(ElementRef::wrap)) => {
                text.push_str(words);
            }
            Node::Element(_) => text.extend(ElementRef::wrap(node).and_then(shielded::text)),
            _ => {}
        }
    }
    let mut squeezed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !squeezed.is_empty() {
            squeezed.push(' ');
        }
        squeezed.push_str(word);
    }
    squeezed
}

/// Text in which every space counts, as in code; `<br>` ends a line.
pub fn raw_text(element: ElementRef<'_>) -> String {
    let mut out = String::new();
    // The source often has a newline behind a `<br>` as well, perhaps outside of the colour that ends there.
    let mut after_break = false;
    for node in element.descendants() {
        match node.value() {
            Node::Text(text)
                if !text.is_empty() && !shielded::is_stand_in(node.parent().and_then(ElementRef::wrap)) =>
            {
                let text = match text.trim_start_matches([' ', '\t', '\r']).strip_prefix('\n') {
                    Some(rest) if after_break => rest,
                    _ => text,
                };
                if text.is_ascii() && !text.contains('\r') {
                    out.push_str(text);
                } else {
                    let plain = |c| if c == '\u{a0}' { ' ' } else { c };
                    out.extend(text.chars().filter(|c| *c != '\r').map(plain));
                }
                after_break = false;
            }
            Node::Element(e) if e.name() == "br" => {
                out.push('\n');
                after_break = true;
            }
            Node::Element(_) => out.extend(ElementRef::wrap(node).and_then(shielded::text)),
            _ => {}
        }
    }
    out
}
