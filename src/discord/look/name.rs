//! Names that people chose on a forum, made fit for Discord: its webhook names refuse some words and
//! most tricks with invisible characters.
//! <https://docs.discord.com/developers/resources/webhook#create-webhook>

use super::{clip, units};

/// The longest name of a webhook message.
const NAME: usize = 80;

/// The longest title of a thread.
const TITLE: usize = 100;

/// Marks upon marks climb out of their line; a letter of any language needs no more than this.
const MARKS: usize = 3;

/// The name that a post appears under: the author's, with the forum's behind it where one is given.
/// 1 to 80 characters, never blank, never one that Discord refuses.
pub fn webhook_name(author: &str, forum: Option<&str>) -> String {
    let author = match one_line(author) {
        name if name.is_empty() => "Guest".to_owned(),
        name => name,
    };
    let name = match forum.map(one_line).filter(|forum| !forum.is_empty()) {
        // The author's name gives way, not the forum's.
        Some(forum) => {
            let forum = format!(" · {}", clip(&forum, NAME / 2));
            format!("{}{forum}", clip(&author, NAME - units(&forum)))
        }
        None => author,
    };
    let name = allowed(&name);
    clip(&name, NAME)
}

/// The title of a Discord thread, 1 to 100 characters.
pub fn thread_title(prefix: Option<&str>, title: &str) -> String {
    let title = match one_line(title) {
        title if title.is_empty() => "Untitled thread".to_owned(),
        title => title,
    };
    let title = match prefix.map(one_line).filter(|prefix| !prefix.is_empty()) {
        Some(prefix) if prefix.starts_with('[') => format!("{prefix} {title}"),
        Some(prefix) => format!("[{prefix}] {title}"),
        None => title,
    };
    clip(&title, TITLE)
}

/// One line without what can't be seen or steers the text around it, and with no more marks on a
/// letter than a language needs.
pub fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
        } else if mark(c) {
            marks += 1;
            if marks <= MARKS && !out.is_empty() {
                out.push(c);
            }
            continue;
        } else if !invisible(c) {
            out.push(c);
        }
        marks = 0;
    }
    out.truncate(out.trim_end().len());
    out
}

fn invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

fn mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

/// Takes out what Discord refuses in a name, so that people can still see whose it is.
fn allowed(name: &str) -> String {
    let mut name = name.replace("```", "'''");
    for word in ["discord", "clyde"] {
        while let Some(at) = position(&name, word) {
            let middle = name[at..].char_indices().nth(word.len() / 2).map_or(name.len(), |(i, _)| at + i);
            name.insert(middle, '-');
        }
    }
    for word in ["@everyone", "@here"] {
        while let Some(at) = position(&name, word) {
            let sign = name[at..].chars().next().map_or(0, char::len_utf8);
            name.replace_range(at..at + sign, "");
        }
    }
    match name.to_lowercase().as_str() {
        "" => "Guest".to_owned(),
        "everyone" | "here" | "system message" => format!("{name} (member)"),
        _ => name,
    }
}

/// Where a word begins, in any case and width.
fn position(name: &str, word: &str) -> Option<usize> {
    let folded: Vec<(usize, char)> = name.char_indices().map(|(at, c)| (at, fold(c))).collect();
    let word: Vec<char> = word.chars().collect();
    folded
        .windows(word.len())
        .find(|window| window.iter().zip(&word).all(|((_, c), wanted)| c == wanted))
        .map(|window| window[0].0)
}

fn fold(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(c as u32 - 0xfee0).map_or(c, |narrow| narrow.to_ascii_lowercase())
        }
        '\u{17f}' => 's',
        _ => c.to_ascii_lowercase(),
    }
}
