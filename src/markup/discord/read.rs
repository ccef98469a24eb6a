//! Discord Markdown in. One pass over the lines for blocks, one over each paragraph for styles; what is
//! not closed stays the text that it is.

use std::collections::HashMap;

use crate::markup::{Block, Doc, Inline, MAX_DEPTH};

/// What the ids in a message stand for. Ids that are not here are shown as what they are.
#[derive(Debug, Clone, Default)]
pub struct Names {
    pub users: HashMap<u64, String>,
    pub channels: HashMap<u64, String>,
    pub roles: HashMap<u64, String>,
}

/// The most that a masked link's label and address may take, in bytes.
const LONGEST_LINK: usize = 2_000;

/// Reads a message.
pub fn read(text: &str, names: &Names) -> Doc {
    let mut blocks = Vec::new();
    let text = text.replace("\r\n", "\n");
    fences(&text, names, 0, &mut blocks);
    Doc { blocks }
}

/// Code fences may begin and end anywhere, so they are looked for first.
fn fences(text: &str, names: &Names, depth: usize, blocks: &mut Vec<Block>) {
    let mut rest = text;
    while let Some(start) = rest.find("```") {
        let Some(length) = rest[start + 3..].find("```") else { break };
        let inner = &rest[start + 3..start + 3 + length];
        if inner.trim().is_empty() {
            break;
        }
        // A fence within a quote belongs to the quote.
        let line_start = rest[..start].rfind('\n').map_or(0, |at| at + 1);
        if rest[line_start..start].trim_start().starts_with('>') {
            break;
        }
        lines(&rest[..start], names, depth, blocks);
        blocks.push(fence(inner));
        rest = &rest[start + 6 + length..];
    }
    lines(rest, names, depth, blocks);
}

fn fence(inner: &str) -> Block {
    let (first, body) = inner.split_once('\n').unwrap_or(("", inner));
    let language = first.trim();
    let is_language = !language.is_empty()
        && language.len() <= 20
        && language.chars().all(|c| c.is_ascii_alphanumeric() || "+-#_.".contains(c))
        && inner.contains('\n');
    let text = if is_language || first.trim().is_empty() { body } else { inner };
    let language = is_language.then(|| language.to_lowercase());
    Block::Code { language, text: text.trim_matches('\n').trim_end().to_owned() }
}

fn lines(text: &str, names: &Names, depth: usize, blocks: &mut Vec<Block>) {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut paragraph: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let end = |paragraph: &mut Vec<&str>, blocks: &mut Vec<Block>| {
            let text = std::mem::take(paragraph).join("\n");
            if !text.trim().is_empty() {
                blocks.push(Block::Paragraph(inlines(text.trim_matches('\n'), names, 0)));
            }
        };
        if let Some(rest) = line.strip_prefix(">>> ").filter(|_| depth < MAX_DEPTH) {
            end(&mut paragraph, blocks);
            let mut quoted = vec![rest];
            quoted.extend(&lines[at + 1..]);
            blocks.push(quote(&quoted.join("\n"), names, depth));
            return;
        }
        if (line.starts_with("> ") || line == ">") && depth < MAX_DEPTH {
            end(&mut paragraph, blocks);
            let count = lines[at..].iter().take_while(|line| line.starts_with("> ") || **line == ">").count();
            let quoted: Vec<&str> =
                lines[at..at + count].iter().map(|line| line[1..].trim_start_matches(' ')).collect();
            blocks.push(quote(&quoted.join("\n"), names, depth));
            at += count;
            continue;
        }
        if let Some((level, rest)) = heading(line) {
            end(&mut paragraph, blocks);
            blocks.push(Block::Heading { level, content: inlines(rest, names, 0) });
        } else if let Some(rest) = line.strip_prefix("-# ") {
            end(&mut paragraph, blocks);
            blocks.push(Block::Small(inlines(rest, names, 0)));
        } else if item(line).is_some() && depth < MAX_DEPTH {
            end(&mut paragraph, blocks);
            let count = lines[at..]
                .iter()
                .take_while(|line| {
                    item(line).is_some() || (line.starts_with("  ") && !line.trim().is_empty())
                })
                .count();
            blocks.extend(list(&lines[at..at + count], names, depth));
            at += count;
            continue;
        } else if line.trim().is_empty() {
            end(&mut paragraph, blocks);
        } else {
            paragraph.push(line);
        }
        at += 1;
    }
    let text = paragraph.join("\n");
    if !text.trim().is_empty() {
        blocks.push(Block::Paragraph(inlines(&text, names, 0)));
    }
}

fn quote(text: &str, names: &Names, depth: usize) -> Block {
    let mut content = Vec::new();
    fences(text, names, depth + 1, &mut content);
    Block::Quote { author: None, post: None, url: None, content }
}

fn heading(line: &str) -> Option<(u8, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let rest = line.get(level..)?.strip_prefix(' ')?.trim();
    ((1..=3).contains(&level) && !rest.is_empty()).then_some((u8::try_from(level).unwrap_or(3), rest))
}

/// A list's item: its indent, its number if it has one, and its text.
fn item(line: &str) -> Option<(usize, Option<u32>, &str)> {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let rest = &line[indent..];
    if let Some(text) = rest.strip_prefix("- ").or_else(|| rest.strip_prefix("* ")) {
        return (!text.trim().is_empty()).then_some((indent, None, text));
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits > 9 {
        return None;
    }
    let text = rest[digits..].strip_prefix(". ")?;
    (!text.trim().is_empty()).then(|| (indent, rest[..digits].parse().ok(), text))
}

fn list(lines: &[&str], names: &Names, depth: usize) -> Vec<Block> {
    let Some((base, start, _)) = lines.first().and_then(|line| item(line)) else { return Vec::new() };
    let mut items: Vec<Vec<Block>> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        match item(lines[at]) {
            Some((indent, _, text)) if indent <= base + 1 => {
                items.push(vec![Block::Paragraph(inlines(text, names, 0))]);
                at += 1;
            }
            _ => {
                let count = lines[at..]
                    .iter()
                    .take_while(|line| item(line).is_none_or(|(indent, _, _)| indent > base + 1))
                    .count()
                    .max(1);
                let inner = &lines[at..at + count];
                let nested =
                    if depth + 1 < MAX_DEPTH && inner.first().is_some_and(|line| item(line).is_some()) {
                        list(inner, names, depth + 1)
                    } else {
                        let text: Vec<&str> = inner.iter().map(|line| line.trim()).collect();
                        vec![Block::Paragraph(inlines(&text.join("\n"), names, 0))]
                    };
                if let Some(item) = items.last_mut() {
                    item.extend(nested);
                }
                at += count;
            }
        }
    }
    vec![Block::List { start, items }]
}

/// A style that has been opened and may yet turn out to be plain text.
struct Frame {
    marker: &'static str,
    content: Vec<Inline>,
}

/// Reads the styles of a paragraph.
fn inlines(text: &str, names: &Names, depth: usize) -> Vec<Inline> {
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
            let end = tail.find(')')?;
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
    if let Some(command) = inner.strip_prefix('/') {
        let (name, id) = command.rsplit_once(':')?;
        return is_id(id).then(|| (Inline::Text(format!("/{name}")), length));
    }
    None
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit())
}
