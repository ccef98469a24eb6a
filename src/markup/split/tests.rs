//! Parts are short enough, whole in themselves, and say together what the document says.

use proptest::prelude::*;

use super::*;
use crate::markup::Inline;
use crate::markup::discord::{Names, NoLinks, read};
use crate::markup::{Block, plain};

fn paragraphs(count: usize) -> Doc {
    let block =
        |n: usize| Block::Paragraph(vec![Inline::Text(format!("Sentence {n} is here. And more of it."))]);
    Doc { blocks: (0..count).map(block).collect() }
}

fn split(doc: &Doc, limit: usize) -> Vec<String> {
    messages(doc, &NoLinks, "", limit, Before::NONE)
}

#[test]
fn short_posts_are_one_part_with_the_footer_below() {
    assert_eq!(messages(&Doc::text("hi"), &NoLinks, "-# #1", 2000, Before::NONE), ["hi\n-# #1"]);
    assert_eq!(messages(&Doc::default(), &NoLinks, "-# #1", 2000, Before::NONE), ["-# #1"]);
    assert_eq!(split(&Doc::default(), 2000).len(), 1);
    assert!(!split(&Doc::default(), 2000)[0].trim().is_empty());
}

#[test]
fn fences_are_closed_and_opened_again() {
    let text: String = (0..200).map(|n| format!("line {n} of some code\n")).collect();
    let doc = Doc { blocks: vec![Block::Code { language: Some("php".to_owned()), text: text.clone() }] };
    let parts = split(&doc, 500);
    assert!(parts.len() > 5);
    for part in &parts {
        assert!(part.starts_with("```php\n") && part.ends_with("\n```"), "{part}");
    }
    let lines: Vec<&str> =
        parts.iter().flat_map(|part| part.lines().filter(|line| !line.starts_with("```"))).collect();
    assert_eq!(lines, text.lines().collect::<Vec<_>>());
}

#[test]
fn quotes_spoilers_and_styles_are_closed_and_opened_again() {
    let long = "many words ".repeat(100);
    let inner = Block::Paragraph(vec![Inline::Bold(vec![Inline::Text(long)])]);
    let quote = Block::Quote { author: None, post: None, url: None, content: vec![inner.clone()] };
    for part in split(&Doc { blocks: vec![quote] }, 300) {
        assert!(part.starts_with("> **") && part.ends_with("**"), "{part}");
    }
    let spoiler = Block::Spoiler { label: None, content: vec![inner] };
    for part in split(&Doc { blocks: vec![spoiler] }, 300) {
        assert!(part.starts_with("||**") && part.ends_with("**||"), "{part}");
    }
}

#[test]
fn an_edit_near_the_end_leaves_the_first_parts_alone() {
    let mut doc = paragraphs(200);
    let before = split(&doc, 2000);
    doc.blocks.push(Block::Paragraph(vec![Inline::Text("An afterthought.".to_owned())]));
    let after = split(&doc, 2000);
    assert!(before.len() > 3);
    assert_eq!(before[..before.len() - 1], after[..before.len() - 1]);
}

/// What an edit in the middle changes: the messages near to it, not all that follow.
fn changed(before: &[String], after: &Doc, limit: usize) -> (usize, usize) {
    let digests: Vec<i64> = before.iter().map(|part| digest(part)).collect();
    let parts = messages(after, &NoLinks, "", limit, Before { digests: &digests, digest });
    let kept = parts.iter().zip(before).filter(|(new, old)| new == old).count();
    (parts.len() - kept, parts.len())
}

fn digest(text: &str) -> i64 {
    text.bytes().fold(7, |sum, byte| sum.wrapping_mul(31).wrapping_add(i64::from(byte)))
}

#[test]
fn links_and_emoji_stay_whole() {
    let family = "👨‍👩‍👧‍👦";
    for part in split(&Doc::text(family.repeat(100)), 100) {
        assert_eq!(part.replace(family, ""), "");
    }
    let link = |n: usize| Inline::Link {
        url: format!("https://a.example/{n}{}", "x".repeat(60)),
        content: vec![Inline::Text(format!("two words {n}"))],
    };
    let spaced = (0..20).flat_map(|n| [link(n), Inline::Text(" ".to_owned())]);
    let parts = split(&Doc { blocks: vec![Block::Paragraph(spaced.collect())] }, 300);
    for n in 0..20 {
        let whole = format!("[two words {n}](<https://a.example/{n}{}>)", "x".repeat(60));
        assert_eq!(parts.iter().filter(|part| part.contains(&whole)).count(), 1, "{whole}");
    }
}

/// What may not be cut: links of several words, emoji of several characters, letters with their marks, mentions.
fn whole(index: usize, kind: u8) -> (Inline, String) {
    match kind % 5 {
        0 => {
            let url = format!("https://a.example/{index}");
            let text = format!("[two words {index}](<{url}>)");
            (Inline::Link { url, content: vec![Inline::Text(format!("two words {index}"))] }, text)
        }
        1 => (Inline::Text(format!("👨‍👩‍👧‍👦{index}")), format!("👨‍👩‍👧‍👦{index}")),
        2 => (Inline::Text(format!("{index}e\u{301}\u{323}o")), format!("{index}e\u{301}\u{323}o")),
        3 => {
            let name = format!("Ann{index}x");
            (Inline::Mention { name: name.clone(), member: None }, format!("@{name}"))
        }
        _ => {
            let url = format!("https://b.example/{index}/x");
            (Inline::Link { url: url.clone(), content: vec![Inline::Text(url.clone())] }, url)
        }
    }
}

#[test]
fn what_was_cut_behind_an_address_is_counted_as_it_is_sent() {
    // What follows decides whether it is one, and may stand in the next piece.
    let address = "http://c.example/_x_".repeat(46);
    for words in 100..300 {
        let name = format!("{}p{address}ouvez** so.", "word ".repeat(words));
        let doc = Doc { blocks: vec![Block::Paragraph(vec![Inline::Mention { name, member: None }])] };
        for part in split(&doc, 2000) {
            assert!(units(&part) <= 2000, "{} units behind {words} words", units(&part));
        }
    }
}

proptest! {
    #[test]
    fn links_emoji_and_graphemes_are_never_cut(kinds in prop::collection::vec((any::<u8>(), 0_usize..30), 1..60), limit in 150_usize..400) {
        let pieces: Vec<_> = kinds.iter().enumerate().map(|(n, (kind, _))| whole(n + 1000, *kind)).collect();
        let mut content = Vec::new();
        for ((piece, _), (_, words)) in pieces.iter().zip(&kinds) {
            content.push(piece.clone());
            content.push(Inline::Text(format!(" {} ", "w ".repeat(*words))));
        }
        let parts = split(&Doc { blocks: vec![Block::Paragraph(content)] }, limit);
        for (_, text) in &pieces {
            let holding = parts.iter().filter(|part| part.contains(text.as_str())).count();
            prop_assert_eq!(holding, 1, "{} in {:?}", text, parts);
        }
    }
}

#[test]
fn hostile_documents_fit() {
    let deep = (0..31).fold(vec![Block::Paragraph(vec![Inline::Text("x".repeat(5000))])], |content, _| {
        vec![Block::Quote { author: Some("n".repeat(300)), post: None, url: None, content }]
    });
    let mark = "\u{301}".repeat(5000);
    let url = format!("https://a.example/{}", "x".repeat(5000));
    for doc in [
        Doc { blocks: deep },
        Doc::text(format!("e{mark}")),
        Doc::text(url.clone()),
        Doc {
            blocks: vec![Block::Paragraph(vec![Inline::Link {
                url: url.clone(),
                content: vec![Inline::Text("x".into())],
            }])],
        },
        Doc { blocks: vec![Block::Paragraph(vec![Inline::Image { url, alt: None }])] },
        Doc {
            blocks: vec![Block::Paragraph(vec![Inline::Mention { name: "*".repeat(5000), member: None }])],
        },
        Doc { blocks: vec![Block::Code { language: None, text: "`".repeat(5000) }] },
        Doc { blocks: vec![Block::Code { language: None, text: format!("e{mark}") }] },
        Doc { blocks: vec![Block::Paragraph(vec![Inline::Code("`".repeat(5000))])] },
        Doc { blocks: vec![Block::Paragraph(vec![Inline::Bold(vec![Inline::Emoji(":".repeat(5000))])])] },
        Doc::text("*_|".repeat(5000)),
    ] {
        for limit in [100, 2000] {
            for part in messages(&doc, &NoLinks, "-# foot", limit, Before::NONE) {
                assert!(
                    units(&part) <= limit,
                    "{} of {limit}: {}",
                    units(&part),
                    &part[..80.min(part.len())].escape_debug()
                );
                assert!(!part.trim().is_empty());
            }
        }
    }
}

fn block() -> impl Strategy<Value = Block> {
    let words = "([a-z]{1,9}[ .*_|~`<\\[\\\\]{1,2}){1,40}|[a-z ]{0,80}|(😀|👨‍👩‍👧|é|\u{5d0}){0,80}";
    let text = || words.prop_map(Inline::Text);
    let line = prop::collection::vec(
        prop_oneof![
            text(),
            text().prop_map(|t| Inline::Bold(vec![t])),
            text().prop_map(|t| Inline::Spoiler(vec![t])),
            Just(Inline::Break)
        ],
        0..4,
    );
    let leaf = prop_oneof![
        line.clone().prop_map(Block::Paragraph),
        line.prop_map(|content| Block::Heading { level: 2, content }),
        "([a-z` ]{0,30}\n){0,9}".prop_map(|text| Block::Code { language: None, text }),
        Just(Block::Rule),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        let many = prop::collection::vec(inner, 0..4);
        prop_oneof![
            many.clone().prop_map(|content| Block::Quote {
                author: Some("a*b".into()),
                post: None,
                url: None,
                content
            }),
            many.clone().prop_map(|content| Block::Spoiler { label: None, content }),
            many.clone().prop_map(Block::Indent),
            prop::collection::vec(many, 0..3).prop_map(|items| Block::List { start: Some(9), items }),
        ]
    })
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).collect()
}

proptest! {
    #[test]
    fn parts_are_within_limits_and_say_it_all(blocks in prop::collection::vec(block(), 0..6), limit in 100_usize..600) {
        let doc = Doc { blocks };
        let parts = messages(&doc, &NoLinks, "-# #9", limit, Before::NONE);
        let mut seen = String::new();
        for part in &parts {
            prop_assert!(units(part) <= limit && part.chars().count() <= limit, "{} > {}: {}", units(part), limit, part);
            prop_assert!(!part.trim().is_empty());
            seen.push_str(&letters(&plain::text(&read(part, &Names::default()))));
        }
        let whole = crate::markup::discord::write(&doc, &NoLinks);
        prop_assert_eq!(seen, letters(&plain::text(&read(&whole, &Names::default()))));
    }
}

proptest! {
    // Long posts are slow to lay out in a test build.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_small_edit_in_the_middle_changes_few_parts(
        lengths in prop::collection::vec(20_usize..400, 60..120),
        at in 0.2_f64..0.8,
        more in 1_usize..60,
    ) {
        let text = |index: usize, words: usize| {
            let words: String = (0..words / 5).map(|n| format!("w{}{} ", index % 10, n % 10)).collect();
            Block::Paragraph(vec![Inline::Text(words + "end.")])
        };
        let mut doc = Doc { blocks: lengths.iter().enumerate().map(|(n, length)| text(n, *length)).collect() };
        let before = split(&doc, 1000);
        let middle = (doc.blocks.len() as f64 * at) as usize;
        doc.blocks[middle] = text(middle, lengths[middle] + more);
        let (changed, all) = changed(&before, &doc, 1000);
        // Mostly two or three; how far a change reaches depends on where the next cut may be made to fit again.
        prop_assert!(all < 8 || changed <= all.div_ceil(4).max(3), "{changed} of {all}");
    }
}
