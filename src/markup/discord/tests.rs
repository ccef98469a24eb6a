//! What Discord's readers would see: our Markdown is read back by our own reader.

use proptest::prelude::*;

use super::*;
use crate::markup::{Block, Inline, bbcode, plain};

fn names() -> Names {
    Names {
        users: [(1, "Ann".to_owned())].into(),
        channels: [(2, "general".to_owned())].into(),
        roles: [(3, "mods".to_owned())].into(),
    }
}

#[track_caller]
fn reads(markdown: &str, code: &str) {
    let doc = read(markdown, &names());
    assert_eq!(bbcode::write(&doc), code, "{markdown}\n{doc:?}");
}

#[test]
fn discord_to_bbcode() {
    reads(
        "**b** *i* _i_ __u__ ~~s~~ ||h||",
        "[B]b[/B] [I]i[/I] [I]i[/I] [U]u[/U] [S]s[/S] [SPOILER]h[/SPOILER]",
    );
    reads("***both***", "[B][I]both[/I][/B]");
    reads("snake_case_name 2*3*4", "snake_case_name 2[I]3[/I]4");
    reads(
        "# One\n## Two\n### Three\nword",
        "[SIZE=6][B]One[/B][/SIZE]\n[SIZE=5][B]Two[/B][/SIZE]\n[SIZE=4][B]Three[/B][/SIZE]\nword",
    );
    reads("-# small", "[SIZE=1]small[/SIZE]");
    reads("> a\n> b\nc", "[QUOTE]a\nb[/QUOTE]\nc");
    reads("x\n>>> a\nb\n\nc", "x\n[QUOTE]a\nb\n\nc[/QUOTE]");
    reads("- a\n- b\n  - c", "[LIST]\n[*]a\n[*]b\n[LIST]\n[*]c\n[/LIST]\n[/LIST]");
    reads("1. a\n2. b", "[LIST=1]\n[*]a\n[*]b\n[/LIST]");
    reads("```php\n<?php\n```", "[PHP]<?php[/PHP]");
    reads("```\na **b**\n```", "[CODE]a **b**[/CODE]");
    reads("> ```\n> code\n> ```", "[QUOTE][CODE]code[/CODE][/QUOTE]");
    reads("`a*b*`", "[FONT=Courier New]a*b*[/FONT]");
    reads("[words](https://a.example/x)", "[URL=\"https://a.example/x\"]words[/URL]");
    reads("[words](javascript:x)", "[words](javascript:x)".replace('[', "&#91;").as_str());
    reads("<https://a.example/>", "[URL=\"https://a.example/\"]https://a.example/[/URL]");
    reads("<@1> <@!1> <#2> <@&3> <@9>", "@Ann @Ann #general @mods @somebody");
    reads("<:party:123> <a:dance:123>", ":party: :dance:");
    reads("<t:0:R>", "1 January 1970, 00:00 UTC");
    reads("\\*not\\* \\[b]", "*not* &#91;b]");
    reads("**open", "**open");
    reads("a\n\nb", "a\n\nb");
}

#[test]
fn people_can_open_no_tags() {
    reads(
        "[img]http://x.example/a.png[/img]",
        "&#91;img][URL=\"http://x.example/a.png%5B/img%5D\"]http://x.example/a.png&#91;/img][/URL]",
    );
    reads("[quote=Admin;1]lies[/quote]", "&#91;quote=Admin;1]lies&#91;/quote]");
    reads("&#91;b]", "&#38;#91;b]");
    reads("[IMG]x[/IMG] [ImG] [3d] [1]", "&#91;IMG]x&#91;/IMG] &#91;ImG] &#91;3d] [1]");
    reads("[\\*b]x", "&#91;*b]x");
    reads("[<t:0:R>", "&#91;1 January 1970, 00:00 UTC".replace("&#91;", "[").as_str());
    reads("&**#91;b]**", "&[B]#91;b][/B]");
    reads("```\n&#91;b] &#x5b;\n```", "[CODE]&#38;#91;b] &#38;#x5b;[/CODE]");
    reads("`[b] &#91;`", "[FONT=Courier New]&#91;b] &#38;#91;[/FONT]");
    for text in ["[/code][img]x[/img]", "[/CODE ][b]"] {
        let code = bbcode::write(&read(&format!("```\n{text}\n```"), &names()));
        assert!(!code[6..code.len() - 7].to_lowercase().contains("[/code"), "{code}");
    }
}

#[test]
fn what_two_pieces_say_together_opens_no_tag() {
    let code = |content: Vec<Inline>| bbcode::write(&Doc { blocks: vec![Block::Paragraph(content)] });
    let text = |text: &str| Inline::Text(text.to_owned());
    assert_eq!(code(vec![text("["), text("img]x")]), "&#91;img]x");
    assert_eq!(code(vec![text("["), Inline::Emoji("b]".to_owned())]), "&#91;b]");
    assert_eq!(code(vec![text("&"), text("#91;b]")]), "&#38;#91;b]");
    assert_eq!(code(vec![text("[1"), text("b]")]), "[1b]");
    let mention = Inline::Mention { name: "[".to_owned(), member: None };
    assert_eq!(code(vec![mention, text("/quote]")]), "@&#91;/quote]");
    assert_eq!(code(vec![Inline::Bold(vec![text("[")]), text("img]")]), "[B][[/B]img]");
}

#[test]
fn names_in_quotes_keep_their_brackets() {
    for (name, head) in [
        ("Ann", "Ann;7"),
        ("[TB] Ann", "'[TB] Ann;7'"),
        ("[O'Hara]", "\"[O'Hara];7\""),
        ("['\"]", "\"['];7\""),
        ("'x'", "\"'x';7\""),
        ("a;1", "a1;7"),
        ("a]\n[img]x", "'a][img]x;7'"),
    ] {
        let content = vec![Block::Paragraph(vec![Inline::Text("x".to_owned())])];
        let (author, post) = (Some(name.to_owned()), Some(PostId::new("7")));
        let doc = Doc { blocks: vec![Block::Quote { author, post, url: None, content }] };
        assert_eq!(bbcode::write(&doc), format!("[QUOTE={head}]x[/QUOTE]"), "{name}");
    }
}

#[test]
fn hostile_messages_take_linear_time() {
    for piece in [
        "**", "*_", "||", "`", "[", "[a](", "<", "> ", "- ", "```", "_a", "\\", "https://", "[x](<", "<@",
        "<t:", "~~|| ",
    ] {
        read(&piece.repeat(100_000 / piece.len()), &names());
        read(&format!("{piece}\n").repeat(20_000), &names());
        let nested: String = (0..300).map(|n| format!("{}- x\n", "  ".repeat(n))).collect();
        read(&nested, &names());
    }
}

fn words() -> impl Strategy<Value = String> {
    // Signs that mean something, in every company.
    "([*_~`|\\\\<>\\[\\]()#+@:/!.-]|[a-z0-9]{1,3}|[ ]|https?://|1\\. |@everyone|<@1>|```|:x:|😀|é|\u{5d0})(\
      ([*_~`|\\\\<>\\[\\]()#+@:/!.&-]|[a-z0-9]{1,3}|[ ]|https?://|1\\. |@everyone|<@1>|```|:x:|😀|é|\u{5d0}){0,12})"
}

fn inline() -> impl Strategy<Value = Vec<Inline>> {
    let leaf = prop_oneof![
        6 => words().prop_map(Inline::Text),
        1 => words().prop_map(Inline::Code),
        1 => Just(Inline::Break),
    ];
    let leaf = leaf.prop_recursive(3, 12, 3, |inner| {
        let many = prop::collection::vec(inner, 1..3);
        prop_oneof![
            many.clone().prop_map(Inline::Bold),
            many.clone().prop_map(Inline::Italic),
            many.clone().prop_map(Inline::Underline),
            many.clone().prop_map(Inline::Strike),
            many.prop_map(Inline::Spoiler),
        ]
    });
    prop::collection::vec(leaf, 1..4)
}

/// A document of every kind of block that Discord can show.
fn block() -> impl Strategy<Value = Block> {
    let says = |line: &Vec<Inline>| plain::inline(line).contains(char::is_alphanumeric);
    let line = move || {
        let line = prop::collection::vec(inline(), 1..3).prop_map(|lines| lines.concat());
        line.prop_filter("a line that says nothing", says)
    };
    let cell = || words().prop_map(|text| vec![Inline::Text(text)]);
    let table = prop::collection::vec(prop::collection::vec(cell(), 2..4), 1..4);
    let leaf = prop_oneof![
        4 => line().prop_map(Block::Paragraph),
        1 => (1_u8..4, words()).prop_map(|(level, text)| Block::Heading { level, content: vec![Inline::Text(text)] }),
        1 => "([a-z*_~|<>\\\\\\[# -]{1,20}\n){1,4}".prop_map(|text| Block::Code { language: None, text }),
        1 => (any::<bool>(), table).prop_map(|(header, rows)| Block::Table { header, rows }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let many = || prop::collection::vec(inner.clone(), 1..3);
        let quote = |content| Block::Quote { author: None, post: None, url: None, content };
        prop_oneof![
            many().prop_map(quote),
            many().prop_map(|content| Block::Spoiler { label: None, content }),
            many().prop_map(Block::Indent),
            (prop::option::of(1_u32..20), prop::collection::vec(many(), 1..3))
                .prop_map(|(start, items)| Block::List { start, items }),
        ]
    })
}

/// The letters that a document says, without what lists are numbered with and quotes and tables are drawn with.
fn letters(doc: &Doc) -> String {
    plain::text(doc).chars().filter(|c| c.is_alphabetic()).collect()
}

/// What vBulletin takes for a tag behind a bracket.
fn begins(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_alphabetic() || matches!(c, '/' | '*'))
}

fn seen(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '\u{200b}').collect()
}

#[test]
fn no_row_of_backticks_ends_a_fence() {
    for length in 1..20 {
        let code = super::escape::fenced(&"`".repeat(length));
        assert!(!code.contains("```"), "{length}: {code}");
        assert_eq!(code.matches('`').count(), length);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn text_in_is_text_seen(text in words()) {
        let doc = Doc::text(text.clone());
        let markdown = write(&doc, &NoLinks);
        prop_assert_eq!(seen(&plain::text(&read(&markdown, &Names::default()))), seen(&text), "{}", markdown);
        prop_assert!(!markdown.contains("@everyone") && !markdown.contains("<@1>"), "{}", markdown);
    }

    #[test]
    fn styled_text_in_is_text_seen(content in inline()) {
        let doc = Doc { blocks: vec![Block::Paragraph(content)] };
        let markdown = write(&doc, &NoLinks);
        let back = read(&markdown, &Names::default());
        prop_assert_eq!(seen(&plain::text(&back)), seen(&plain::text(&doc)), "{}\n{:?}", markdown, back);
    }

    #[test]
    fn text_opens_no_bbcode(text in "(\\[|\\]|/|b|img|quote|code|=|;|\\*|&|#91;|&#91;|\n| |noparse|\"){0,20}") {
        let code = bbcode::write(&Doc::text(text.clone()));
        // What vBulletin takes for a tag: a bracket, perhaps a slash, a name, an end.
        for (at, _) in code.match_indices('[') {
            let next = code[at + 1..].chars().next().unwrap_or(' ');
            prop_assert!(!next.is_alphabetic() && !matches!(next, '/' | '*'), "{}", code);
        }
        let read = code.replace("&#91;", "[").replace("&#38;", "&");
        prop_assert_eq!(seen(&read), seen(&text));
    }

    /// A whole message of brackets, styles and code: every tag in the BBCode is one of the writer's.
    #[test]
    fn messages_open_no_bbcode(text in "(\\[|\\]|/|b|IMG|Quote|code|=|;|\\*|&|#91;|\\\\|\n| |\"|\\*\\*|__|\\|\\||`|```|> |- |<t:0>|<@1>|<:x:1>|1|http://a){0,30}") {
        let code = bbcode::write(&read(&text, &names()));
        // The writer's own tags, all in capitals; what people type is `b`, `IMG`, `Quote` and `code`.
        const OURS: [&str; 11] =
            ["QUOTE", "CODE", "SPOILER", "LIST", "LIST=1", "*", "B", "I", "U", "FONT", "FONT=Courier New"];
        let mut open = Vec::new();
        for (at, _) in code.match_indices('[') {
            // Within code only its end means anything.
            let within_code = open.last() == Some(&"CODE") && !code[at..].starts_with("[/CODE]");
            if within_code || !begins(&code[at + 1..]) {
                continue;
            }
            let tag = code[at + 1..].split(']').next().unwrap_or_default();
            let (closing, name) = tag.strip_prefix('/').map_or((false, tag), |name| (true, name));
            prop_assert!(OURS.contains(&name) || name.starts_with("URL"), "[{}] in {}", tag, code);
            if closing {
                let opened: Option<&str> = open.pop();
                prop_assert_eq!(opened, Some(name), "{}", code);
            } else if name != "*" {
                open.push(name.split('=').next().unwrap_or_default());
            }
        }
        prop_assert!(open.is_empty(), "{}", code);
    }

    #[test]
    fn any_message_is_read(text in "([*_~`|\\\\<>\\[\\]()#\n -]|> |>>> |```|a|1\\. |https://a|<@1>|<t:1>){0,60}") {
        let doc = read(&text, &names());
        bbcode::write(&doc);
        write(&doc, &NoLinks);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whole_documents_in_are_text_seen(blocks in prop::collection::vec(block(), 1..4)) {
        let doc = Doc { blocks };
        let markdown = write(&doc, &NoLinks);
        let back = read(&markdown, &Names::default());
        let tables = |blocks: &[Block]| format!("{blocks:?}").contains("Table");
        // Cells that are too wide are broken into lines of several columns.
        if tables(&doc.blocks) {
            let sorted = |doc: &Doc| {
                let mut letters: Vec<char> = letters(doc).chars().collect();
                letters.sort_unstable();
                letters
            };
            prop_assert_eq!(sorted(&back), sorted(&doc), "{}\n{:?}", markdown, back);
        } else {
            prop_assert_eq!(letters(&back), letters(&doc), "{}\n{:?}", markdown, back);
        }
    }
}
