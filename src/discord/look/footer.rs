//! The small last line of a mirrored post: where it stands on the forum, and who thanked for it.

use jiff::Timestamp;

use super::{clip, plain, units, web};

/// How much of the line names may take; a message has room for words above all.
const NAMES: usize = 160;
const TITLE: usize = 80;

/// What the last line says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Footer<'a> {
    /// The post's own address.
    pub url: &'a str,
    pub number: Option<u32>,
    /// Named where posts of many threads share a channel.
    pub thread: Option<&'a str>,
    /// Those who thanked, in the forum's order, and how many they are in all.
    pub thanks: &'a [&'a str],
    pub thanks_total: u64,
    pub edited_at: Option<Timestamp>,
}

/// The line: `-# [#32](<url>) · 3 thanks: Ephelyon, Roberto, witch`.
pub fn footer(footer: &Footer<'_>) -> String {
    let number = footer.number.map(|number| format!("#{number}"));
    let thread = footer.thread.map(|title| plain(&clip(title, TITLE))).filter(|title| !title.is_empty());
    let label = match (thread, number) {
        (Some(title), Some(number)) => format!("{title} {number}"),
        (Some(title), None) => title,
        (None, Some(number)) => number,
        (None, None) => site(footer.url).unwrap_or_else(|| "on the forum".to_owned()),
    };
    let mut line = match web(footer.url) {
        Some(url) => format!("-# [{label}](<{url}>)"),
        None => format!("-# {label}"),
    };
    let total = footer.thanks_total.max(footer.thanks.len() as u64);
    if total > 0 {
        line.push_str(&format!(" · {total} thanks"));
        line.push_str(&names(footer.thanks, total));
    }
    if let Some(at) = footer.edited_at {
        line.push_str(&format!(" · edited <t:{}:f>", at.as_second()));
    }
    line
}

/// The site that an address is of, as people call it.
fn site(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(plain(&clip(host.strip_prefix("www.").unwrap_or(host), TITLE)))
}

/// As many names as there is room for, then how many more there are.
fn names(thanks: &[&str], total: u64) -> String {
    let mut shown = String::new();
    let mut count = 0;
    for name in thanks.iter().map(|name| plain(&clip(name, 40))).filter(|name| !name.is_empty()) {
        if units(&shown) + units(&name) + 2 > NAMES {
            break;
        }
        shown.push_str(if shown.is_empty() { ": " } else { ", " });
        shown.push_str(&name);
        count += 1;
    }
    match total - count {
        0 => shown,
        _ if shown.is_empty() => shown,
        more => format!("{shown} and {more} more"),
    }
}
