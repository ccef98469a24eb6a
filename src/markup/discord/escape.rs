//! Plain text that stays plain in Discord: the reader sees the same characters, and nothing pings.

/// Escapes every character that could mean something. Web addresses in the text are left as they are:
/// Discord links them before it looks for anything else.
pub fn text(text: &str, out: &mut String) {
    // None of them is without a colon.
    if !text.contains(':') || !text.contains("http") {
        return plain(text, out);
    }
    let mut done = 0;
    for (at, _) in text.match_indices("http") {
        if at < done {
            continue;
        }
        if let Some(length) = address(&text[at..]) {
            plain(&text[done..at], out);
            out.push_str(&text[at..at + length]);
            done = at + length;
        }
    }
    plain(&text[done..], out);
}

/// The length of the web address that begins here, which Discord takes to reach to the next space or `<`.
/// One in which a sign could end the style around it, or ping, is no address but text to be escaped.
fn address(text: &str) -> Option<usize> {
    const UNSAFE: [&str; 8] = ["*", "|", "`", "\\", "~~", "__", "[", "]"];
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    // Longer ones would have to be cut; and each is looked at once, whatever stands in it.
    const LONGEST: usize = 2_048;
    let end = |c: char| c.is_whitespace() || c.is_control() || is_turning(c) || c == '<';
    let window = &text[..text.floor_char_boundary(LONGEST + 4)];
    let length = window.find(end).or_else(|| (window.len() == text.len()).then_some(text.len()))?;
    let address = &text[..length];
    let whole = rest.starts_with(|c: char| c.is_alphanumeric())
        && !text[length..].starts_with('<')
        && !address.ends_with(['_', '~'])
        && !UNSAFE.iter().any(|sign| address.contains(sign))
        && !calls_all(address);
    whole.then_some(length)
}

/// Orders to turn the writing round, which would reach what the bridge writes behind a post's words.
fn is_turning(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The bytes at which a character may begin that does not simply stand for itself.
const MARKED: [bool; 256] = {
    let mut marked = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        marked[byte] = matches!(byte as u8, b'\\' | b'*' | b'_' | b'~' | b'`' | b'|' | b'[' | b']' | b'<' | b'@' | b':')
            || (byte as u8).is_ascii_control()
            // Where the other controls and the orders to turn round begin.
            || matches!(byte, 0xc2 | 0xe2);
        byte += 1;
    }
    marked
};

fn plain(text: &str, out: &mut String) {
    out.reserve(text.len());
    let mut done = 0;
    while let Some(found) = text.as_bytes()[done..].iter().position(|byte| MARKED[usize::from(*byte)]) {
        let at = done + found;
        out.push_str(&text[done..at]);
        let Some(c) = text[at..].chars().next() else { return };
        done = at + c.len_utf8();
        let rest = &text[done..];
        let before = || text[..at].chars().rev().find(|c| !is_dropped(*c));
        match c {
            '\\' | '*' | '_' | '~' | '`' | '|' | '[' | ']' | '<' => {
                out.push('\\');
                out.push(c);
            }
            // No backslash helps here: an invisible character parts the sign from the word.
            '@' if pings(rest, before() == Some('<')) => out.push_str("@\u{200b}"),
            // What is no whole address may yet begin one.
            ':' if rest.starts_with("//") => out.push_str(":\\"),
            // `:smile:` would become a picture.
            ':' if rest.starts_with(|next: char| next.is_ascii_alphanumeric())
                && before().is_none_or(|before| !before.is_alphanumeric()) =>
            {
                out.push_str("\\:");
            }
            c if is_dropped(c) => {}
            c => out.push(c),
        }
    }
    out.push_str(&text[done..]);
}

/// What a reader would not see, but for the ends of lines and tabs.
fn is_dropped(c: char) -> bool {
    is_turning(c) || (c.is_control() && c != '\n' && c != '\t')
}

/// Whether an `@` before this could ping: everyone, or in angle brackets somebody by number.
fn pings(rest: &str, bracketed: bool) -> bool {
    bracketed || is_all(rest)
}

/// Whether a text begins with one of the words that mean everyone behind an `@`.
fn is_all(rest: &str) -> bool {
    let begins = |word: &str| rest.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
    begins("everyone") || begins("here")
}

/// Whether a text calls everyone, wherever in it.
pub fn calls_all(text: &str) -> bool {
    text.match_indices('@').any(|(at, _)| is_all(&text[at + 1..]))
}

/// The place in a line of a sign which would make it a heading, a quote or a list.
pub fn line_start(line: &str) -> Option<usize> {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let rest = &line[indent..];
    let sign = rest.chars().next()?;
    let after = rest[sign.len_utf8()..].chars().next();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    match sign {
        '#' | '>' => Some(indent),
        '-' | '+' if after.is_none_or(|c| c == ' ' || c == '#') => Some(indent),
        _ if digits > 0 && rest[digits..].starts_with(". ") => Some(indent + digits),
        _ => None,
    }
}

/// The bytes that stand for themselves in an address.
const IN_ADDRESS: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        plain[byte] = (byte as u8).is_ascii_graphic()
            && !matches!(byte as u8, b'@' | b'(' | b')' | b'<' | b'>' | b'|' | b'*' | b'`' | b'\\');
        byte += 1;
    }
    plain
};

/// An address in angle brackets or parentheses: nothing in it may close them or a style around it, or call
/// everyone.
pub fn url(url: &str) -> String {
    if url.bytes().all(|byte| IN_ADDRESS[usize::from(byte)]) {
        return url.to_owned();
    }
    let mut out = String::with_capacity(url.len());
    for (at, c) in url.char_indices() {
        match c {
            '@' if is_all(&url[at + 1..]) => out.push_str("%40"),
            '(' => out.push_str("%28"),
            ')' => out.push_str("%29"),
            '<' => out.push_str("%3C"),
            '>' => out.push_str("%3E"),
            ' ' => out.push_str("%20"),
            '|' => out.push_str("%7C"),
            '*' => out.push_str("%2A"),
            '`' => out.push_str("%60"),
            '\\' => out.push_str("%5C"),
            c if c.is_control() || is_turning(c) || c.is_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

/// Code between backticks.
pub fn code(text: &str) -> String {
    let text = fenced(&text.replace('\n', " "));
    if text.trim().is_empty() {
        return text;
    }
    if !text.contains('`') {
        return format!("`{text}`");
    }
    // Two backticks hold single ones; rows of them are parted by an invisible character.
    let mut parted = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c == '`' && parted.ends_with('`') {
            parted.push('\u{200b}');
        }
        parted.push(c);
    }
    format!("`` {parted} ``")
}

/// Code within a fence: no row of three backticks may end it, and no backslash helps there.
pub fn fenced(text: &str) -> String {
    let mut kept = text.to_owned();
    if kept.bytes().any(|byte| !byte.is_ascii() || (byte.is_ascii_control() && byte != b'\n')) {
        kept.retain(|c| !is_dropped(c));
    }
    if !kept.contains('`') {
        return kept;
    }
    // Twice, as what the first pass leaves of a longer row stands beside its last one.
    let part =
        |text: String| if text.contains("```") { text.replace("```", "`\u{200b}`\u{200b}`") } else { text };
    part(part(kept))
}

/// Code in a spoiler, which ends at two bars wherever they stand.
pub fn hidden(code: &str) -> String {
    code.replace("||", "|\u{200b}|").replace("||", "|\u{200b}|")
}
