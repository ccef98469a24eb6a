//! From what members write to what Discourse shows ("cooked"): CommonMark, and Discourse's own quotes and spoilers.

use std::fmt::Write;

use pulldown_cmark::{Options, Parser, html};

/// The HTML of a post. Raw HTML in it is shown as text.
pub fn cooked(raw: &str) -> String {
    let mut out = String::new();
    let raw = uncommented(raw);
    let mut rest = raw.as_str();
    while let Some(at) = rest.find("[quote") {
        let (before, quote) = rest.split_at(at);
        let Some((head, inside)) = quote.split_once(']') else { break };
        let Some((inside, after)) = inside.split_once("[/quote]") else { break };
        markdown(before, &mut out);
        let named = head.strip_prefix("[quote=").unwrap_or_default().trim_matches('"');
        let mut facts = named.split(',').map(str::trim);
        let name = escape(facts.next().unwrap_or_default());
        let (mut post, mut topic) = (String::new(), String::new());
        for fact in facts {
            match fact.split_once(':') {
                Some(("post", number)) => post = escape(number),
                Some(("topic", number)) => topic = escape(number),
                _ => {}
            }
        }
        let _ = write!(
            out,
            "<aside class=\"quote no-group\" data-username=\"{name}\" data-post=\"{post}\" data-topic=\"{topic}\">\n\
             <div class=\"title\">\n<div class=\"quote-controls\"></div>\n {name}:</div>\n<blockquote>\n"
        );
        markdown(inside, &mut out);
        out.push_str("</blockquote>\n</aside>\n");
        rest = after;
    }
    markdown(rest, &mut out);
    out
}

/// Without comments of HTML, which readers don't see and which don't count towards a post's length.
pub fn uncommented(raw: &str) -> String {
    let mut out = String::new();
    let mut rest = raw;
    while let Some((before, comment)) = rest.split_once("<!--") {
        let Some((_, after)) = comment.split_once("-->") else { break };
        out.push_str(before);
        rest = after;
    }
    out.push_str(rest);
    out
}

fn markdown(raw: &str, out: &mut String) {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(raw, options).map(|event| match event {
        pulldown_cmark::Event::Html(text) | pulldown_cmark::Event::InlineHtml(text) => {
            pulldown_cmark::Event::Text(text)
        }
        pulldown_cmark::Event::SoftBreak => pulldown_cmark::Event::HardBreak,
        other => other,
    });
    let mut shown = String::new();
    html::push_html(&mut shown, events);
    let shown = shown.replace("[spoiler]", "<span class=\"spoiler\">").replace("[/spoiler]", "</span>");
    out.push_str(&shown);
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// As in addresses: `my-title`.
pub fn slug(title: &str) -> String {
    let words: Vec<String> = title
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    if words.is_empty() { "topic".to_owned() } else { words.join("-") }
}

/// What the sandbox's community wrote in BBCode, as its members would write it here.
pub fn from_bbcode(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut numbered = false;
    let mut link = String::new();
    let mut headings = 0;
    while let Some(at) = rest.find('[') {
        out.push_str(&rest[..at]);
        let Some(end) = rest[at..].find(']') else { break };
        let tag = &rest[at + 1..at + end];
        rest = &rest[at + end + 1..];
        let (name, value) = tag.split_once('=').unwrap_or((tag, ""));
        match name.to_ascii_lowercase().as_str() {
            "b" | "/b" => out.push_str("**"),
            "i" | "/i" => out.push('*'),
            "quote" => {
                let _ = write!(out, "\n[quote=\"{}\"]\n", value.split(';').next().unwrap_or_default());
            }
            "/quote" => out.push_str("\n[/quote]\n\n"),
            "list" => {
                numbered = !value.is_empty();
                out.push('\n');
            }
            "*" => out.push_str(if numbered { "1. " } else { "- " }),
            "/list" => out.push('\n'),
            "code" | "php" | "html" => out.push_str("\n```\n"),
            "/code" | "/php" | "/html" => out.push_str("\n```\n"),
            "url" => {
                value.clone_into(&mut link);
                out.push(if value.is_empty() { '<' } else { '[' });
            }
            "/url" if link.is_empty() => out.push('>'),
            "/url" => {
                let _ = write!(out, "]({})", link.trim_matches('"'));
            }
            "spoiler" | "/spoiler" => {
                let _ = write!(out, "[{name}]");
            }
            "th" | "td" => out.push_str("| "),
            "/td" => out.push(' '),
            "/th" => {
                out.push(' ');
                headings += 1;
            }
            "/tr" => {
                out.push_str("|\n");
                if headings > 0 {
                    let _ = writeln!(out, "{}|", "|---".repeat(std::mem::take(&mut headings)));
                }
            }
            "table" | "/table" => out.push('\n'),
            "tr" | "color" | "/color" => {}
            _ => {
                let _ = write!(out, "[{tag}]");
            }
        }
        if matches!(name, "TR" | "TABLE" | "/TD" | "/TH" | "/TR") {
            rest = rest.trim_start_matches('\n');
        }
    }
    out.push_str(rest);
    out
}
