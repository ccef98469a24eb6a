//! Blocks of code and the language that they are marked with.

use super::tree::ElementRef;

use super::dom::{attr, class_any, descendant, name, raw_text, text_of};
use crate::markup::Block;

/// Code of vBulletin: `.bbcode_description` tells whether it is PHP, HTML or any code.
pub fn vb_code(container: ElementRef<'_>, code: ElementRef<'_>) -> Block {
    let description = descendant(container, |e| class_any(e, &["bbcode_description"])).map(text_of);
    let description = description.unwrap_or_default().to_lowercase();
    let named = ["php", "html", "sql", "xml", "css", "javascript", "java", "python", "perl", "ruby"];
    let words = || description.split(|c: char| !c.is_alphanumeric());
    let language = named.iter().find(|language| words().any(|word| word == **language));
    let language = language.map(|language| (*language).to_owned()).or_else(|| language_of(code));
    Block::Code { language, text: code_text(code) }
}

pub fn pre(element: ElementRef<'_>) -> Block {
    Block::Code { language: language_of(element), text: code_text(element) }
}

/// The language that a class names: `language-rust`, `lang-php`, or Discourse's `data-code-wrap`.
fn language_of(element: ElementRef<'_>) -> Option<String> {
    let plain = |name: &str| {
        matches!(name, "auto" | "none" | "nohighlight" | "plaintext" | "text" | "plain" | "markup" | "code")
    };
    let known = |name: &&str| {
        !name.is_empty()
            && name.len() <= 20
            && !plain(name)
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "+-#_.".contains(c))
    };
    let inner = descendant(element, |e| name(e) == "code");
    let by_class = [Some(element), inner].into_iter().flatten().find_map(|e| {
        e.value().classes().find_map(|class| {
            class.strip_prefix("language-").or_else(|| class.strip_prefix("lang-")).filter(known)
        })
    });
    by_class.or_else(|| Some(attr(element, "data-code-wrap")).filter(known)).map(str::to_lowercase)
}

/// Code as it was typed: every space counts.
fn code_text(element: ElementRef<'_>) -> String {
    raw_text(element).trim_matches('\n').trim_end().to_owned()
}
