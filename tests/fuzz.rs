//! Every reader and writer of markup, fed with pages, posts and messages that were broken on purpose. Nothing
//! may panic, every message fits, nothing pings. `THREADBRIDGE_FUZZ` is the number of inputs, a few hundred if
//! it is not set; `THREADBRIDGE_FUZZ_SEED` begins another row of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;
use jiff::tz::TimeZone;
use serde_json::Value;
use threadbridge::forum::charset;
use threadbridge::forum::vbulletin4::parse::{self, Context};
use threadbridge::markup::commonmark::{self, Flavor};
use threadbridge::markup::discord::{self, Names, NoLinks};
use threadbridge::markup::split::{self, Before};
use threadbridge::markup::{Doc, bbcode, html, plain};
use url::Url;

const FEW: u64 = 150;
const SEED: u64 = 0x7468_7265_6164;
/// As long as a mutated page may get, in bytes: time is better spent on many than on large ones.
const LONGEST: usize = 24_000;

/// What is spliced into inputs: whatever means something to one of the dialects.
const PIECES: &[&str] = &[
    "<b>",
    "</b>",
    "<i>",
    "<table><tr><td>",
    "</table>",
    "<ul><li>",
    "</ul>",
    "<blockquote>",
    "</blockquote>",
    "<div class=\"bbcode_container\"><div class=\"bbcode_quote\"><div class=\"quote_container\">",
    "<div class=\"message\">",
    "</div>",
    "<pre class=\"bbcode_code\">",
    "</pre>",
    "<code>",
    "</code>",
    "<script>",
    "</script>",
    "<!--",
    "-->",
    "<![CDATA[",
    "<svg>",
    "<template>",
    "<select>",
    "<plaintext>",
    "<font size=\"7\">",
    "<a href=\"http://a.example/)|`*\">",
    "</a>",
    "<img src=\"x.png\" alt=\"@everyone\">",
    "<span class=\"spoiler\">",
    "<details><summary>",
    "</summary>",
    "<aside class=\"quote\" data-username=\"A[b]\">",
    "<br />",
    "<hr>",
    "<li class=\"postbit postcontainer\" id=\"post_9\">",
    "&nbsp;",
    "&#91;",
    "&#x202e;",
    "&amp;#38;",
    "&#0;",
    "@everyone",
    "@here",
    "<@1>",
    "<@&2>",
    "<@!3>",
    "&lt;@1&gt;",
    "&lt;@&amp;2&gt;",
    "<#4>",
    "<t:0:R>",
    "<:party:123>",
    "**",
    "__",
    "*",
    "_",
    "~~",
    "||",
    "`",
    "```",
    "```php\n",
    "> ",
    ">>> ",
    "- ",
    "1. ",
    "# ",
    "-# ",
    "[a](http://b.example)",
    "[a](<http://b.example>)",
    "[img]",
    "[/code]",
    "[quote=\"a;1\"]",
    "http://c.example/_x_",
    "\\",
    "\n",
    "\n\n",
    "\u{200b}",
    "\u{202e}",
    "\u{feff}",
    "\u{301}",
    "👨‍👩‍👧‍👦",
    "\u{5d0}\u{5d1}",
    "¯\\_(ツ)_/¯",
    ":-)",
];

/// The pages and posts to begin with, the messages that they become, and some of our own.
fn seeds() -> Vec<String> {
    let mut seeds: Vec<String> = [
        "**b** *i* __u__ ~~s~~ ||h|| `c`\n> quote\n> ```rs\n> let a = 1;\n> ```\n- a\n  - b\n1. c\n-# small <t:0:R> <@1> <#2>",
        ">>> # Head\n[words](https://a.example/x) <https://b.example/> ||several\nlines|| \\*not\\*",
        "[quote=Ann;7]words[/quote] [img]http://x.example/a.png[/img] @everyone &#91;b]",
    ]
    .map(str::to_owned)
    .to_vec();
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for folder in ["vbulletin4", "posts"] {
        let Ok(files) = std::fs::read_dir(base.join(folder)) else { continue };
        let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "html")) {
            let (text, _) = charset::decode(&std::fs::read(path).expect("a fixture"), None);
            let doc = html::read_fragment(&text, &address()).expect("a small page");
            seeds.push(discord::write(&doc, &NoLinks));
            seeds.push(text);
        }
    }
    seeds
}

fn address() -> Url {
    Url::parse("https://forum.example/showthread.php?4711-x").expect("an address")
}

/// One to eight wounds to a seed.
fn mutate(rng: &mut Rng, seeds: &[String]) -> String {
    let mut bytes = piece(rng, seeds, LONGEST).as_bytes().to_vec();
    for _ in 0..rng.usize(1..=8) {
        let at = rng.usize(..=bytes.len());
        let until = (at + rng.usize(..200)).min(bytes.len());
        match rng.u8(..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(..8),
            1 => drop(bytes.drain(at..until)),
            2 => {
                let times = if rng.u8(..8) == 0 { rng.usize(..60) } else { 1 };
                let words = PIECES[rng.usize(..PIECES.len())].repeat(times);
                bytes.splice(at..at, words.into_bytes());
            }
            3 => {
                let other = piece(rng, seeds, 400).to_owned();
                bytes.splice(at..until, other.into_bytes());
            }
            // A tag, or whatever else stands here, more than once.
            4 => {
                let begin = bytes[..at].iter().rposition(|byte| *byte == b'<').unwrap_or(at);
                let again = bytes[begin..until.max(begin)].repeat(rng.usize(1..6));
                bytes.splice(at..at, again);
            }
            _ => {
                let random: String = (0..rng.usize(..30)).map(|_| rng.char(..)).collect();
                bytes.splice(at..at, random.into_bytes());
            }
        }
        bytes.truncate(2 * LONGEST);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Some stretch of a seed, of at most so many bytes.
fn piece<'a>(rng: &mut Rng, seeds: &'a [String], most: usize) -> &'a str {
    let text = &seeds[rng.usize(..seeds.len())];
    if text.len() <= most && rng.bool() {
        return text;
    }
    let begin = text.floor_char_boundary(rng.usize(..=text.len()));
    let end = text.floor_char_boundary(begin + rng.usize(..=most));
    &text[begin..end.max(begin)]
}

/// Whether anybody would be told of this message: somebody by number, or everyone. What is written in code tells
/// nobody.
fn pings(read: &Value) -> bool {
    match read {
        Value::Array(all) => all.iter().any(pings),
        Value::Object(all) => all.iter().any(|(kind, content)| match (kind.as_str(), content.as_str()) {
            ("mention", _) => true,
            ("text", Some(text)) => {
                let text = text.to_ascii_lowercase();
                text.contains("@everyone") || text.contains("@here")
            }
            ("code", _) => false,
            ("url", Some(url)) => {
                let url = url.to_ascii_lowercase();
                url.contains("@everyone") || url.contains("@here")
            }
            _ => pings(content),
        }),
        _ => false,
    }
}

fn writers(doc: &Doc) {
    for (limit, footer) in [(2_000, "-# [#1](<https://forum.example/>)"), (100, "")] {
        let parts = split::messages(doc, &NoLinks, footer, limit, Before::NONE);
        for part in &parts {
            assert!(split::units(part) <= limit, "{} units of {limit}", split::units(part));
            assert!(!part.trim().is_empty(), "a blank message");
            let back = discord::read(part, &Names::default());
            assert!(!pings(&serde_json::to_value(&back).expect("JSON")), "a ping: {part}");
            bbcode::write(&back);
            if limit == 2_000 {
                for flavor in [Flavor::NodeBb, Flavor::Discourse] {
                    let text = commonmark::write(&back, flavor);
                    commonmark::read(&text);
                }
                html::write(&back);
            }
        }
    }
    bbcode::write(doc);
    commonmark::write(doc, Flavor::NodeBb);
    plain::text(doc);
}

/// Everything that is read from outside, with one input.
fn everything(input: &str) {
    if let Ok(doc) = html::read_fragment(input, &address()) {
        writers(&doc);
    }
    writers(&discord::read(input, &Names::default()));
    let context = Context { url: address(), zone: TimeZone::UTC, now: None };
    if let Ok(page) = parse::thread_page(input, &context) {
        page.posts.iter().for_each(|post| writers(&post.body));
    }
    let _ = parse::board_page(input, &context);
    let _ = parse::search_page(input, &context);
    let _ = parse::member_page(input, &context);
    parse::what_is(input);
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}

#[test]
fn broken_input_breaks_nothing() {
    let inputs = number("THREADBRIDGE_FUZZ").unwrap_or(FEW);
    let first = number("THREADBRIDGE_FUZZ_SEED").unwrap_or(SEED);
    let seeds = seeds();
    let mut slowest = (Duration::ZERO, 0);
    for seed in first..first + inputs {
        // Each input can be made again by its number alone.
        let input = mutate(&mut Rng::with_seed(seed), &seeds);
        let began = Instant::now();
        if catch_unwind(AssertUnwindSafe(|| everything(&input))).is_err() {
            let file = std::env::temp_dir().join(format!("threadbridge-fuzz-{seed}.txt"));
            std::fs::write(&file, &input).expect("a file for the input");
            panic!("input {seed} breaks something; it is kept in {}", file.display());
        }
        slowest = slowest.max((began.elapsed(), seed));
    }
    println!("{inputs} inputs, panics 0; the slowest, {}, took {:?}", slowest.1, slowest.0);
}
