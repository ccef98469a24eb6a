//! Pages that are not as the forum's templates meant them, mended before they are parsed.

use std::borrow::Cow;

use memchr::memmem;

/// Elements that are empty in HTML and may be written with or without a slash.
const VOID: [&str; 15] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr", "keygen",
];

/// Some savers write pages as XML, where `<iframe src="…"/>` is a whole element. To HTML it is an open one
/// that swallows the rest of the page, or of the quote that it stands in; here such elements are closed.
pub fn xml_as_html(page: &str) -> Cow<'_, str> {
    let closed_within = |open: &&str| has_closed(page, open);
    let swallows = ["<script", "<iframe", "<textarea", "<title", "<style"].iter().any(closed_within);
    // XML has no empty frames with two tags, of which every page of vBulletin is full; a single one with a slash may be a
    // slip of the author's.
    let frames = || !page.contains("\"></div>") && ["<div ", "<div/", "<span "].iter().any(closed_within);
    if !swallows && !frames() {
        return Cow::Borrowed(page);
    }
    let mut out = String::with_capacity(page.len() + page.len() / 16);
    let mut rest = page;
    let mut comments_end = true;
    while let Some(start) = rest.find('<') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        if let Some(comment) = rest.strip_prefix("<!--").filter(|_| comments_end) {
            if let Some(end) = comment.find("-->") {
                out.push_str(&rest[..end + 7]);
                rest = &rest[end + 7..];
                continue;
            }
            comments_end = false;
        }
        let Some(end) = tag_end(rest) else { break };
        let tag = &rest[..=end];
        let name: String = tag[1..].chars().take_while(char::is_ascii_alphanumeric).collect();
        match tag.strip_suffix("/>") {
            Some(open) if !name.is_empty() && !VOID.contains(&name.to_ascii_lowercase().as_str()) => {
                out.push_str(open);
                out.push_str("></");
                out.push_str(&name);
                out.push('>');
            }
            _ => out.push_str(tag),
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Whether one of these tags is closed within itself. Nothing is a tag behind one that never ends.
fn has_closed(page: &str, open: &str) -> bool {
    let mut rest = page;
    while let Some(at) = memmem::find(rest.as_bytes(), open.as_bytes()) {
        rest = &rest[at..];
        let Some(end) = tag_end(rest) else { return false };
        if rest[..end].ends_with('/') {
            return true;
        }
        rest = &rest[end..];
    }
    false
}

/// Where a tag ends, quoted attributes passed over.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if byte == open => quote = None,
            _ => {}
        }
    }
    None
}

/// In vBulletin's hybrid and threaded display only one post stands in the page; the others wait as text in
/// a script, `pd[ID] = '…';`. Their HTML, as a list of posts of its own.
pub fn posts_in_script(page: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = page;
    while let Some(at) = memmem::find(rest.as_bytes(), b"pd[") {
        rest = &rest[at + 3..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let Some(body) = rest[digits..].strip_prefix("] = '").filter(|_| digits > 0) else { continue };
        let (html, length) = script_string(body);
        out.push_str(&html);
        rest = &body[length..];
    }
    (!out.is_empty()).then(|| format!("<ol id=\"posts\">{out}</ol>"))
}

/// A string of JavaScript in single quotes, perhaps in several pieces (`' + '`), and where it ends.
fn script_string(text: &str) -> (String, usize) {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, 'r')) => {}
                Some((_, 't')) => out.push('\t'),
                Some((_, other)) => out.push(other),
                None => return (out, text.len()),
            },
            '\'' => {
                let rest = &text[at + 1..];
                let Some(next) = rest
                    .trim_start()
                    .strip_prefix('+')
                    .map(str::trim_start)
                    .and_then(|r| r.strip_prefix('\''))
                else {
                    return (out, at + 1);
                };
                let skip = rest.len() - next.len();
                for _ in 0..rest[..skip].chars().count() {
                    chars.next();
                }
            }
            c => out.push(c),
        }
    }
    (out, text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_that_xml_closed_are_closed_for_html() {
        let page = "<p>a</p><script src=\"x\"/><div id='a>b'/><br/><!-- <i/> -->text";
        let mended = "<p>a</p><script src=\"x\"></script><div id='a>b'></div><br/><!-- <i/> -->text";
        assert_eq!(xml_as_html(page), mended);
        let quote = "<div class=\"a\"><div class=\"b\"/>said</div>answer";
        assert_eq!(xml_as_html(quote), "<div class=\"a\"><div class=\"b\"></div>said</div>answer");
        for ordinary in ["<br/><img src=\"x\"/>", "<div class=\"a\"></div><div class=\"b\"/>"] {
            assert!(matches!(xml_as_html(ordinary), Cow::Borrowed(_)), "{ordinary} is left alone");
        }
    }

    #[test]
    fn posts_of_the_hybrid_display_are_found() {
        let page =
            "pd[12] = '<li id=\"post_12\">it\\'s<!-' + '- x -' + '-></li>';\npd[x] = '';\npd[13] = 'b\\nc';";
        let html = "<ol id=\"posts\"><li id=\"post_12\">it's<!-- x --></li>b\nc</ol>";
        assert_eq!(posts_in_script(page).as_deref(), Some(html));
        assert_eq!(posts_in_script("no posts"), None);
    }
}
