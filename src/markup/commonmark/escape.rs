//! Plain text that stays plain in Markdown: no tag, no mention, no heading of its own.

/// Escapes a text within a line.
pub fn text(text: &str, out: &mut String) {
    let mut before = out.chars().next_back();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '&' if next.is_some_and(|next| next.is_ascii_alphanumeric() || next == '#') => {
                out.push_str("\\&")
            }
            // A backslash does not keep forums from finding a member here: an invisible character does.
            '@' if before.is_none_or(|b| !b.is_alphabetic()) && next.is_some_and(char::is_alphanumeric) => {
                out.push_str("@\u{200b}");
            }
            '\r' => continue,
            '\n' => out.push(' '),
            c if is_unseen(c) => continue,
            c => out.push(c),
        }
        before = Some(c);
    }
}

/// Control characters, and those that would turn the writing round.
fn is_unseen(c: char) -> bool {
    (c.is_control() && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A line of a paragraph, of which no sign at its beginning makes it a list, a heading or a rule.
pub fn line(line: &str) -> String {
    let line = line.trim_start_matches([' ', '\t']);
    let mut out = String::with_capacity(line.len() + 1);
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let after = |at: usize| line[at..].chars().next();
    let ends = |next: Option<char>| next.is_none_or(|c| c == ' ' || c == '\t');
    let underline = |sign: char| !line.is_empty() && line.chars().all(|c| c == sign || c == ' ');
    let marked = match line.chars().next() {
        Some('#') => ends(after(line.bytes().take_while(|byte| *byte == b'#').count())),
        Some('-' | '+') => ends(after(1)) || underline('-'),
        Some('=') => underline('='),
        _ => false,
    };
    if marked {
        out.push('\\');
        out.push_str(line);
    } else if (1..10).contains(&digits) && matches!(after(digits), Some('.' | ')')) && ends(after(digits + 1))
    {
        out.push_str(&line[..digits]);
        out.push('\\');
        out.push_str(&line[digits..]);
    } else {
        out.push_str(line);
    }
    out
}

/// An address between `<` and `>`.
pub fn address(url: &str) -> Option<String> {
    let known = ["http://", "https://", "mailto:"].iter().any(|scheme| url.starts_with(scheme));
    known.then(|| {
        let mut out = String::with_capacity(url.len());
        for c in url.chars() {
            match c {
                '<' => out.push_str("%3C"),
                '>' => out.push_str("%3E"),
                '\\' => out.push_str("%5C"),
                ' ' => out.push_str("%20"),
                '[' => out.push_str("%5B"),
                ']' => out.push_str("%5D"),
                '*' => out.push_str("%2A"),
                '`' => out.push_str("%60"),
                c if is_unseen(c) || c.is_whitespace() => {}
                c => out.push(c),
            }
        }
        out
    })
}

/// Code between backticks, of which there is one more than in the code.
pub fn code(text: &str) -> String {
    let text: String =
        text.chars().map(|c| if c == '\n' { ' ' } else { c }).filter(|c| !is_unseen(*c)).collect();
    if text.trim().is_empty() {
        return text;
    }
    let fence = "`".repeat(longest_row(&text) + 1);
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// The longest row of backticks.
pub fn longest_row(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
