//! One line of styled runs as Discord Markdown. Every style is closed within the line, so that lines can
//! be cut apart anywhere.

use super::escape;
use crate::markup::Inline;
use crate::markup::plain;
use crate::markup::runs::{Run, Style, nest};

/// Writes a line. Markers are put against the words, never against spaces, where Discord would not
/// see them.
pub fn write(runs: &[Run]) -> String {
    let mut out = String::new();
    inlines(&nest(runs.to_vec()), &mut out, false);
    out
}

fn inlines(content: &[Inline], out: &mut String, styled: bool) {
    for inline in content {
        match inline {
            Inline::Text(text) => escape::text(text, out),
            Inline::Bold(inner) => marked("**", inner, out),
            Inline::Italic(inner) => marked("*", inner, out),
            Inline::Underline(inner) => marked("__", inner, out),
            Inline::Strike(inner) => marked("~~", inner, out),
            Inline::Spoiler(inner) => marked("||", inner, out),
            Inline::Code(text) => {
                if escape::ends_with_address(out) {
                    out.push(' ');
                }
                // Two rows of backticks would be one.
                if out.ends_with('`') {
                    out.push('\u{200b}');
                }
                out.push_str(&escape::code(text));
            }
            Inline::Link { url, content } => link(url, content, out, styled),
            Inline::Image { url, alt } => image(url, alt.as_deref(), out, styled),
            Inline::Video { url, title } => match title {
                Some(title) if !title.contains("://") => {
                    escape::text(title, out);
                    out.push_str(": ");
                    bare(url, out, styled);
                }
                _ => bare(url, out, styled),
            },
            Inline::Emoji(emoji) if emoji.is_ascii() => escape::text(emoji, out),
            Inline::Emoji(emoji) => out.push_str(emoji),
            Inline::Mention { name, .. } => {
                out.push_str("@\u{200b}");
                escape::text(name, out);
            }
            Inline::Break => out.push('\n'),
        }
    }
}

fn marked(marker: &str, content: &[Inline], out: &mut String) {
    let mut inner = String::new();
    inlines(content, &mut inner, true);
    let words = inner.trim();
    if words.is_empty() {
        out.push_str(&inner);
        return;
    }
    let start = inner.len() - inner.trim_start().len();
    out.push_str(&inner[..start]);
    if escape::ends_with_address(out) {
        out.push(' ');
    }
    // Two rows of the same sign would run together.
    let sign = marker.chars().next().unwrap_or('*');
    if out.ends_with(sign) && !out.ends_with(&format!("\\{sign}")) {
        out.push('\u{200b}');
    }
    out.push_str(marker);
    out.push_str(words);
    if words.ends_with('\\') && !words.ends_with("\\\\") {
        out.push('\u{200b}');
    }
    out.push_str(marker);
    out.push_str(&inner[start + words.len()..]);
}

/// A bare address; in angle brackets where a marker behind it would be taken for a part of it.
fn bare(url: &str, out: &mut String, styled: bool) {
    let safe = !url.contains(|c: char| c.is_whitespace() || "<>|*`\\".contains(c));
    if safe && !styled && url.starts_with("http") {
        out.push_str(url);
    } else {
        out.push('<');
        out.push_str(&escape::url(url));
        out.push('>');
    }
}

fn image(url: &str, alt: Option<&str>, out: &mut String, styled: bool) {
    match alt {
        Some(alt) if styled => {
            escape::text(alt, out);
            out.push(' ');
            bare(url, out, styled);
        }
        _ => bare(url, out, styled),
    }
}

/// A link whose reader sees where it leads: the label, and the host unless the label names it.
fn link(url: &str, content: &[Inline], out: &mut String, styled: bool) {
    if let [Inline::Image { url: picture, .. }] = content {
        // The full picture, if the link leads to one, else the picture and the link.
        if is_picture(url) {
            return bare(url, out, styled);
        }
        bare(picture, out, styled);
        out.push(' ');
        return bare(url, out, true);
    }
    let label = plain::inline(content);
    let label = label.trim();
    if let Some(address) = url.strip_prefix("mailto:") {
        if label != address && !label.is_empty() {
            inlines(content, out, styled);
            out.push(' ');
        }
        return escape::text(address, out);
    }
    if label.is_empty() || same_address(label, url) {
        return bare(url, out, styled);
    }
    let mut text = String::new();
    inlines(content, &mut text, true);
    let text = text.trim().replace('\n', " ");
    let host = host(url);
    let named = host.is_some_and(|host| label.eq_ignore_ascii_case(host));
    // A label that looks like an address can't be a label in Discord, and could lie.
    if looks_like_address(label) && !named {
        out.push_str(&text.replace("://", ":\u{200b}//"));
        out.push_str(" (");
        bare(url, out, true);
        return out.push(')');
    }
    out.push('[');
    out.push_str(&text);
    out.push_str("](<");
    out.push_str(&escape::url(url));
    out.push_str(">)");
    // The arrow is the writer's own, and leads to the quoted post.
    let arrow = matches!(content, [Inline::Emoji(sign)] if sign == super::ARROW);
    if let (Some(host), false) = (host, named || arrow || url.starts_with("https://discord.com/channels/")) {
        out.push_str(" (");
        escape::text(host, out);
        out.push(')');
    }
}

/// Whether a label is the address itself, perhaps shortened in the middle as forums do.
fn same_address(label: &str, url: &str) -> bool {
    let strip = |text: &str| {
        let text = text.trim_start_matches("https://").trim_start_matches("http://");
        text.trim_start_matches("www.").trim_end_matches('/').to_lowercase()
    };
    let (label, url) = (strip(label), strip(url));
    if label == url {
        return true;
    }
    let shortened = label.split_once("...").or_else(|| label.split_once('…'));
    shortened.is_some_and(|(head, tail)| head.len() >= 6 && url.starts_with(head) && url.ends_with(tail))
}

fn looks_like_address(label: &str) -> bool {
    label.contains("://")
        || label.starts_with("www.")
        || (!label.contains(char::is_whitespace)
            && label.split('/').next().is_some_and(|host| {
                host.contains('.')
                    && host.rsplit('.').next().is_some_and(|end| {
                        (2..=6).contains(&end.len()) && end.chars().all(|c| c.is_ascii_alphabetic())
                    })
            }))
}

fn is_picture(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or(url).to_lowercase();
    [".png", ".jpg", ".jpeg", ".gif", ".webp"].iter().any(|end| path.ends_with(end))
}

fn host(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let host = rest.split(['/', '?', '#']).next()?;
    let host = host.rsplit('@').next()?;
    Some(host.strip_prefix("www.").unwrap_or(host)).filter(|host| !host.is_empty())
}

/// The same line hidden.
pub fn hidden(runs: &[Run]) -> Vec<Run> {
    runs.iter()
        .map(|run| {
            let mut styles = vec![Style::Spoiler];
            styles.extend(run.styles.iter().filter(|style| **style != Style::Spoiler).cloned());
            Run { styles, leaf: run.leaf.clone() }
        })
        .collect()
}
