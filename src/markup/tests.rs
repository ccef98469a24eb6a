//! Every construct that a post may hold, in the tables of `tests/fixtures/markup`: what vBulletin writes, and beside
//! it what Discord and vBulletin are sent; and what people write in Discord, with the BBCode that it becomes.
//!
//! A case begins with a line `=== name`; `--- discord` and `--- bbcode` part its input from what is expected.
//! `\u{200b}` stands for a character that can't be seen. Only what is invisible is written so.

use std::path::{Path, PathBuf};

use url::Url;

use super::discord::{Names, NoLinks};
use super::html::tree::{Html, Selector};
use super::{Doc, bbcode, discord, html};

struct Case {
    name: String,
    input: String,
    /// The heading of each expectation, and what is expected.
    expected: Vec<(String, String)>,
}

fn table(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/markup").join(file)
}

fn cases(file: &str) -> Vec<Case> {
    let text = std::fs::read_to_string(table(file)).expect("a table");
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("=== ") {
            let (name, input) = (name.to_owned(), String::new());
            cases.push(Case { name, input, expected: Vec::new() });
            continue;
        }
        let case = cases.last_mut().expect("a table begins with a case");
        if let Some(heading) = line.strip_prefix("--- ") {
            case.expected.push((heading.to_owned(), String::new()));
            continue;
        }
        let part = case.expected.last_mut().map_or(&mut case.input, |(_, part)| part);
        part.push_str(line);
        part.push('\n');
    }
    for case in &mut cases {
        let parts = case.expected.iter_mut().map(|(_, part)| part);
        for part in parts.chain([&mut case.input]) {
            part.truncate(part.len() - usize::from(part.ends_with('\n')));
        }
    }
    cases
}

/// With what can't be seen as it is written in a table.
fn visible(text: &str) -> String {
    let hidden = |c: char| {
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2003}' | '\u{feff}' | '\u{a0}')
            || (c.is_control() && c != '\n' && c != '\t')
    };
    let mut out = String::new();
    for c in text.chars() {
        if hidden(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

fn post(html: &str) -> Doc {
    let page = Html::parse_fragment(&format!("<blockquote class='postcontent restore'>{html}</blockquote>"))
        .expect("a small post");
    let body = Selector::parse("blockquote.postcontent").expect("a selector");
    let address = Url::parse("https://forum.example/board/").expect("an address");
    html::read(page.select(&body).next().expect("a body"), &address)
}

/// Compares a table with what is written of its cases; all that differ are told at once.
fn compare(file: &str, write: impl Fn(&str) -> Vec<(&'static str, String)>) {
    let cases = cases(file);
    let mut differ = Vec::new();
    for case in &cases {
        let found: Vec<_> = write(&case.input)
            .into_iter()
            .map(|(heading, text)| (heading.to_owned(), visible(&text)))
            .collect();
        if found != case.expected {
            let parts: Vec<_> =
                found.iter().map(|(heading, text)| format!("--- {heading}\n{text}")).collect();
            differ.push(format!("=== {}\n{}\n{}", case.name, case.input, parts.join("\n")));
        }
    }
    assert!(cases.len() > 5, "{file} has only {} cases", cases.len());
    assert!(differ.is_empty(), "{file}: found\n{}", differ.join("\n"));
}

fn posts(file: &str) {
    compare(file, |html| {
        let doc = post(html);
        vec![("discord", discord::write(&doc, &NoLinks)), ("bbcode", bbcode::write(&doc))]
    });
}

#[test]
fn quotes() {
    posts("quotes.txt");
}

#[test]
fn code() {
    posts("code.txt");
}

#[test]
fn styles_and_layout() {
    posts("styles.txt");
}

#[test]
fn lists_and_tables() {
    posts("lists.txt");
}

#[test]
fn spoilers() {
    posts("spoilers.txt");
}

#[test]
fn links_pictures_films_and_files() {
    posts("links.txt");
}

#[test]
fn smilies_and_mentions() {
    posts("smilies.txt");
}

#[test]
fn text_with_all_its_signs() {
    posts("text.txt");
}

#[test]
fn messages() {
    let names = Names {
        users: [(1, "Ann".to_owned())].into(),
        channels: [(2, "general".to_owned())].into(),
        roles: [(3, "mods".to_owned())].into(),
    };
    compare("discord.txt", |text| vec![("bbcode", bbcode::write(&discord::read(text, &names)))]);
}
