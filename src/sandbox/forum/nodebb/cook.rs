//! From what members write to what NodeBB shows: CommonMark with line breaks, no HTML, members by `@name`.

use std::fmt::Write;

use pulldown_cmark::{Event, Options, Parser, html};

use super::super::discourse;

/// The HTML of a post.
pub fn cooked(raw: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(raw, options).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::SoftBreak => Event::HardBreak,
        other => other,
    });
    let mut shown = String::new();
    html::push_html(&mut shown, events);
    mentions(&shown.replace("<p>", "<p dir=\"auto\">"))
}

/// `@name` outside of tags becomes a link.
fn mentions(shown: &str) -> String {
    let mut out = String::with_capacity(shown.len());
    let mut rest = shown;
    let mut in_tag = false;
    while let Some(at) = rest.find(['<', '>', '@']) {
        let sign = rest.as_bytes()[at];
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && !"-_".contains(c)).unwrap_or(rest.len());
        match sign {
            b'@' if !in_tag && end > 0 && !out.ends_with(char::is_alphanumeric) => {
                let name = &rest[..end];
                let _ = write!(
                    out,
                    "<a class=\"plugin-mentions-user plugin-mentions-a\" href=\"/user/{}\">@<bdi>{name}</bdi></a>",
                    slug(name)
                );
                rest = &rest[end..];
            }
            sign => {
                in_tag = match sign {
                    b'<' => true,
                    b'>' => false,
                    _ => in_tag,
                };
                out.push(char::from(sign));
            }
        }
    }
    out.push_str(rest);
    out
}

/// As in addresses: `my-title`.
pub fn slug(title: &str) -> String {
    let words: Vec<String> = title
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("-")
}

/// What the sandbox's community wrote in BBCode, as its members would write it here.
pub fn from_bbcode(text: &str) -> String {
    let markdown = discourse::from_bbcode(text).replace("[spoiler]", "").replace("[/spoiler]", "");
    let mut out = String::new();
    let mut rest = markdown.as_str();
    while let Some((before, quote)) = rest.split_once("[quote=\"") {
        let Some((name, quote)) = quote.split_once("\"]") else { break };
        let Some((words, after)) = quote.split_once("[/quote]") else { break };
        let _ = write!(out, "{before}**{name}** wrote:\n\n");
        for line in words.trim().lines() {
            let _ = writeln!(out, "> {line}");
        }
        rest = after;
    }
    out.push_str(rest);
    out
}
