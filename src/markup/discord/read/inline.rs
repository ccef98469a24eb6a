//! The styles, links and mentions within a paragraph of Discord Markdown. One pass; what is opened and not
//! closed stays the text that it is.

use std::collections::HashMap;

use super::Names;
use crate::markup::{Inline, MAX_DEPTH};

/// The most that a masked link's label and address may take, in bytes.
const LONGEST_LINK: usize = 2_000;

/// A style that has been opened and may yet turn out to be plain text.
struct Frame {
    marker: &'static str,
    content: Vec<Inline>,
}

/// Reads the styles of a paragraph.
pub fn inlines(text: &str, names: &Names, depth: usize) -> Vec<Inline> {
    let mut frames = vec![Frame { marker: "", content: Vec::new() }];
    let ticks = Ticks::of(text);
    let mut at = 0;
    let mut before = ' ';
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if let Some((inline, length)) = token(text, at, c, names, depth, &ticks, &frames) {
            push(&mut frames, inline);
            before = rest[..length].chars().next_back().unwrap_or(' ');
            at += length;
            continue;
        }
        if let Some(marker) = marker(rest, frames.last().map_or("", |frame| frame.marker)) {
            let after = rest[marker.len()..].chars().next().unwrap_or(' ');
            if let Some(open) = frames.iter().rposition(|frame| frame.marker == marker)
                && closes(marker, before, after)
            {
                close(&mut frames, open);
                before = '*';
                at += marker.len();
                continue;
            }
            let opens = !after.is_whitespace() && (marker != "_" || !before.is_alphanumeric());
            if opens && frames.len() < MAX_DEPTH && !frames.iter().any(|frame| frame.marker == marker) {
                frames.push(Frame { marker, content: Vec::new() });
                before = ' ';
                at += marker.len();
                continue;
            }
            push_text(&mut frames, marker);
            before = c;
            at += marker.len();
            continue;
        }
        if c == '\n' {
            push(&mut frames, Inline::Break);
        } else {
            push_char(&mut frames, c);
        }
        before = c;
        at += c.len_utf8();
    }
    while frames.len() > 1 {
        reopen(&mut frames);
    }
    frames.pop().map(|frame| frame.content).unwrap_or_default()
}

const MARKERS: [&str; 6] = ["**", "__", "~~", "||", "*", "_"];

/// The sign that stands here. Of three in a row, the innermost style's come first.
fn marker(text: &str, innermost: &str) -> Option<&'static str> {
    if innermost == "*" && text.starts_with("***") {
        return Some("*");
    }
    if innermost == "_" && text.starts_with("___") {
        return Some("_");
    }
    MARKERS.into_iter().find(|marker| text.starts_with(marker))
}

fn closes(marker: &str, before: char, after: char) -> bool {
    match marker {
        "_" => !after.is_alphanumeric(),
        "*" => !before.is_whitespace(),
        _ => true,
    }
}

/// Ends a style; what was opened within it and not ended is plain text.
fn close(frames: &mut Vec<Frame>, open: usize) {
    // `***a** b*`: which of two styles that begin together is the outer one, the first end tells.
    let mut open = open;
    if open + 2 == frames.len() && frames[open].content.is_empty() {
        let outer = frames[open].marker;
        frames[open].marker = std::mem::replace(&mut frames[open + 1].marker, outer);
        open += 1;
    }
    while frames.len() > open + 1 {
        reopen(frames);
    }
    let Some(Frame { marker, content }) = frames.pop() else { return };
    if content.is_empty() {
        push_text(frames, marker);
        return push_text(frames, marker);
    }
    push(
        frames,
        match marker {
            "**" => Inline::Bold(content),
            "__" => Inline::Underline(content),
            "~~" => Inline::Strike(content),
            "||" => Inline::Spoiler(content),
            _ => Inline::Italic(content),
        },
    );
}

/// Turns the last opened style back into the text that it was.
fn reopen(frames: &mut Vec<Frame>) {
    let Some(Frame { marker, content }) = frames.pop() else { return };
    push_text(frames, marker);
    for inline in content {
        match inline {
            Inline::Text(text) => push_text(frames, &text),
            other => push(frames, other),
        }
    }
}

fn push(frames: &mut [Frame], inline: Inline) {
    if let Inline::Text(text) = inline {
        return push_text(frames, &text);
    }
    if let Some(frame) = frames.last_mut() {
        frame.content.push(inline);
    }
}

fn push_text(frames: &mut [Frame], text: &str) {
    let Some(frame) = frames.last_mut() else { return };
    match frame.content.last_mut() {
        Some(Inline::Text(before)) => before.push_str(text),
        _ => frame.content.push(Inline::Text(text.to_owned())),
    }
}

fn push_char(frames: &mut [Frame], c: char) {
    push_text(frames, c.encode_utf8(&mut [0; 4]));
}

/// Where rows of backticks are, so that each is looked at once.
struct Ticks(HashMap<usize, Vec<usize>>);

impl Ticks {
    fn of(text: &str) -> Self {
        let mut rows: HashMap<usize, Vec<usize>> = HashMap::new();
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let length = bytes[at..].iter().take_while(|byte| **byte == b'`').count();
            if length > 0 {
                rows.entry(length).or_default().push(at);
            }
            at += length.max(1);
        }
        Self(rows)
    }

    /// The next row of this length after this place.
    fn next(&self, length: usize, after: usize) -> Option<usize> {
        let rows = self.0.get(&length)?;
        rows.get(rows.partition_point(|at| *at <= after)).copied()
    }
}

/// What begins here and is more than a letter: an escape, code, a link, a mention.
fn token(
    text: &str,
    at: usize,
    c: char,
    names: &Names,
    depth: usize,
    ticks: &Ticks,
    frames: &[Frame],
) -> Option<(Inline, usize)> {
    let rest = &text[at..];
    match c {
        // The one face whose backslash is its arm.
        '¯' => rest.starts_with(SHRUG).then(|| (Inline::Text(SHRUG.to_owned()), SHRUG.len())),
        '\\' => {
            let escaped = rest[1..].chars().next().filter(char::is_ascii_punctuation)?;
            Some((Inline::Text(escaped.to_string()), 2))
        }
        '`' => {
            let length = rest.bytes().take_while(|byte| *byte == b'`').count();
            let Some(end) = ticks.next(length, at) else {
                return Some((Inline::Text("`".repeat(length)), length));
            };
            let code = &text[at + length..end];
            let code = match code.strip_prefix(' ').and_then(|code| code.strip_suffix(' ')) {
                Some(inner) if inner.contains('`') => inner,
                _ => code,
            };
            Some((Inline::Code(code.to_owned()), end + length - at))
        }
        '[' if depth < 2 => masked(rest, names, depth),
        '<' => angled(rest, names),
        'h' if rest.starts_with("https://") || rest.starts_with("http://") => {
            let end = rest.find(|c: char| c.is_whitespace() || c == '<').unwrap_or(rest.len());
            let mut url = &rest[..end];
            // The end of a style around it ends it too.
            for frame in frames.iter().filter(|frame| !matches!(frame.marker, "" | "_")) {
                url = url.split(frame.marker).next().unwrap_or(url);
            }
            let open = url.contains('(');
            url = url.trim_end_matches(|c: char| ".,:;\"'!?*_~".contains(c) || (c == ')' && !open));
            let host = url.split_once("://").map_or("", |(_, host)| host);
            (!host.is_empty()).then(|| (bare(url), url.len()))
        }
        _ => None,
    }
}

const SHRUG: &str = r"¯\_(ツ)_/¯";

fn bare(url: &str) -> Inline {
    Inline::Link { url: url.to_owned(), content: vec![Inline::Text(url.to_owned())] }
}

/// `[label](https://address)`; Discord makes no link of anything else.
fn masked(rest: &str, names: &Names, depth: usize) -> Option<(Inline, usize)> {
    let window = &rest[..rest.floor_char_boundary(LONGEST_LINK)];
    let middle = window.find("](")?;
    let label = &window[1..middle];
    if label.trim().is_empty() || label.contains("\n\n") {
        return None;
    }
    let tail = &window[middle + 2..];
    let (url, length) = match tail.strip_prefix('<') {
        Some(inner) => {
            let end = inner.find(">)")?;
            (&inner[..end], end + 3)
        }
        None => {
            let mut depth = 0;
            let end = tail.find(|c| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                depth < 0
            })?;
            (&tail[..end], end + 1)
        }
    };
    let url = url.split_whitespace().next()?;
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return None;
    }
    let content = inlines(label, names, depth + 2);
    Some((Inline::Link { url: url.to_owned(), content }, middle + 2 + length))
}

/// What stands in angle brackets: mentions, custom emoji, times, commands, addresses.
fn angled(rest: &str, names: &Names) -> Option<(Inline, usize)> {
    const LONGEST: usize = 1_000;
    let end = rest.bytes().take(LONGEST).position(|byte| byte == b'>')?;
    let inner = &rest[1..end];
    let length = end + 1;
    let name = |names: &HashMap<u64, String>, id: &str| names.get(&id.parse().ok()?).cloned();
    if inner.starts_with("https://") || inner.starts_with("http://") {
        return (!inner.contains(char::is_whitespace)).then(|| (bare(inner), length));
    }
    if let Some(id) = inner.strip_prefix("@&").filter(|id| is_id(id)) {
        let role = name(&names.roles, id).unwrap_or_else(|| "role".to_owned());
        return Some((Inline::Text(format!("@{role}")), length));
    }
    if let Some(id) = inner.strip_prefix("@!").or_else(|| inner.strip_prefix('@')).filter(|id| is_id(id)) {
        let user = name(&names.users, id).unwrap_or_else(|| "somebody".to_owned());
        return Some((Inline::Mention { name: user, member: None }, length));
    }
    if let Some(id) = inner.strip_prefix('#').filter(|id| is_id(id)) {
        let channel = name(&names.channels, id).unwrap_or_else(|| "a channel".to_owned());
        return Some((Inline::Text(format!("#{channel}")), length));
    }
    if let Some(time) = inner.strip_prefix("t:") {
        let seconds = time.split(':').next()?.parse().ok()?;
        let at = jiff::Timestamp::from_second(seconds).ok()?;
        return Some((Inline::Text(at.strftime("%-d %B %Y, %H:%M UTC").to_string()), length));
    }
    if let Some(emoji) = inner.strip_prefix("a:").or_else(|| inner.strip_prefix(':')) {
        let (name, id) = emoji.split_once(':')?;
        return (is_id(id) && !name.is_empty()).then(|| (Inline::Emoji(format!(":{name}:")), length));
    }
    if let Some(place) = inner.strip_prefix("id:") {
        let name = match place.split(':').next()? {
            "customize" => "Channels & Roles",
            "browse" => "Browse Channels",
            "guide" => "Server Guide",
            "linked-roles" => "Linked Roles",
            _ => return None,
        };
        return Some((Inline::Text(name.to_owned()), length));
    }
    if let Some(command) = inner.strip_prefix('/') {
        let (name, id) = command.rsplit_once(':')?;
        return is_id(id).then(|| (Inline::Text(format!("/{name}")), length));
    }
    None
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit())
}
