//! Documents as Markdown, and what a Markdown reader that is not ours makes of it.

use proptest::prelude::*;

use super::*;
use crate::markup::{Block, Doc, Inline, plain};
use crate::model::{MemberId, PostId};

fn text(text: &str) -> Inline {
    Inline::Text(text.to_owned())
}

fn paragraph(content: Vec<Inline>) -> Block {
    Block::Paragraph(content)
}

#[track_caller]
fn writes(blocks: Vec<Block>, nodebb: &str, discourse: &str) {
    let doc = Doc { blocks };
    assert_eq!(write(&doc, Flavor::NodeBb), nodebb, "NodeBB of {doc:?}");
    assert_eq!(write(&doc, Flavor::Discourse), discourse, "Discourse of {doc:?}");
}

#[track_caller]
fn both(blocks: Vec<Block>, markdown: &str) {
    writes(blocks, markdown, markdown);
}

#[test]
fn words_and_their_styles() {
    both(
        vec![paragraph(vec![Inline::Bold(vec![text("b")]), text(" "), Inline::Italic(vec![text("i")])])],
        "**b** *i*",
    );
    both(vec![paragraph(vec![Inline::Strike(vec![text("s")])])], "~~s~~");
    both(vec![paragraph(vec![Inline::Bold(vec![text("a ")]), text("b")])], "**a** b");
    both(vec![paragraph(vec![Inline::Bold(vec![text("a.")]), text("b")])], "**a.\u{200b}**b");
    both(vec![paragraph(vec![text("one"), Inline::Break, text("two")])], "one  \ntwo");
    both(vec![paragraph(vec![Inline::Code("a`b".into())])], "``a`b``");
    writes(vec![paragraph(vec![Inline::Underline(vec![text("u")])])], "*u*", "[u]u[/u]");
    writes(
        vec![paragraph(vec![text("it "), Inline::Spoiler(vec![text("dies")])])],
        "it (spoiler: dies)",
        "it [spoiler]dies[/spoiler]",
    );
}

#[test]
fn blocks_stand_apart() {
    let item = |words: &str| vec![paragraph(vec![text(words)])];
    both(vec![Block::List { start: None, items: vec![item("a"), item("b")] }], "- a\n- b");
    both(
        vec![Block::List {
            start: Some(3),
            items: vec![vec![
                paragraph(vec![text("a")]),
                Block::List { start: None, items: vec![item("in")] },
            ]],
        }],
        "3. a\n\n   - in",
    );
    both(vec![Block::Heading { level: 2, content: vec![text("Head")] }, Block::Rule], "## Head\n\n---");
    both(
        vec![Block::Code { language: Some("rust".into()), text: "a ``` b".into() }],
        "````rust\na ``` b\n````",
    );
    both(
        vec![Block::Table {
            header: true,
            rows: vec![vec![vec![text("a|b")], vec![text("c")]], vec![vec![text("d")]]],
        }],
        "| a\\|b | c |\n| --- | --- |\n| d |",
    );
    writes(vec![Block::Small(vec![text("s")])], "s", "<small>s</small>");
}

#[test]
fn quotes_say_whose_words_they_are() {
    let quote = |author: Option<&str>, post: Option<&str>, url: Option<&str>| Block::Quote {
        author: author.map(str::to_owned),
        post: post.map(PostId::new),
        url: url.map(str::to_owned),
        content: vec![paragraph(vec![text("words")])],
    };
    both(vec![quote(None, None, None)], "> words");
    writes(
        vec![quote(Some("Ann"), Some("12"), None)],
        "> **Ann** [↗](</post/12>)\n>\n> words",
        "[quote=\"Ann\"]\nwords\n[/quote]",
    );
    writes(
        vec![quote(Some("Ann"), None, Some("https://forum.example/t/a-title/34/5?u=b"))],
        "> **Ann** [↗](<https://forum.example/t/a-title/34/5?u=b>)\n>\n> words",
        "[quote=\"Ann, post:5, topic:34\"]\nwords\n[/quote]",
    );
    let named = write(&Doc { blocks: vec![quote(Some("a\"][b, post:1"), None, None)] }, Flavor::Discourse);
    assert_eq!(named, "[quote=\"a b post:1\"]\nwords\n[/quote]");
}

#[test]
fn spoilers() {
    let spoiler = |label: Option<&str>| Block::Spoiler {
        label: label.map(str::to_owned),
        content: vec![paragraph(vec![text("he dies")])],
    };
    writes(vec![spoiler(None)], "> **Spoiler:**\n>\n> he dies", "[spoiler]\nhe dies\n[/spoiler]");
    writes(vec![spoiler(Some("End"))], "> **End:**\n>\n> he dies", "[details=\"End\"]\nhe dies\n[/details]");
}

#[test]
fn links_pictures_and_mentions() {
    let link = |url: &str, label: &str| Inline::Link { url: url.to_owned(), content: vec![text(label)] };
    both(vec![paragraph(vec![link("https://a.example/x", "words")])], "[words](<https://a.example/x>)");
    both(vec![paragraph(vec![link("https://a.example/x", "https://a.example/x")])], "https://a.example/x");
    both(
        vec![paragraph(vec![link("https://a.example/_x_", "https://a.example/_x_")])],
        "<https://a.example/_x_>",
    );
    both(vec![paragraph(vec![link("javascript:x", "words")])], "words");
    both(
        vec![paragraph(vec![Inline::Image {
            url: "https://a.example/p.png".into(),
            alt: Some("a]b".into()),
        }])],
        "![a\\]b](<https://a.example/p.png>)",
    );
    let mention = |name: &str, member: Option<&str>| Inline::Mention {
        name: name.to_owned(),
        member: member.map(MemberId::new),
    };
    both(vec![paragraph(vec![mention("ann", Some("7"))])], "@ann");
    both(vec![paragraph(vec![mention("ann", None)])], "@\u{200b}ann");
}

#[test]
fn plain_text_stays_plain() {
    for (plain, markdown) in [
        ("# no heading", "\\# no heading"),
        ("#tag", "#tag"),
        ("- no list", "\\- no list"),
        ("+ no list", "\\+ no list"),
        ("1. no list", "1\\. no list"),
        ("2) no list", "2\\) no list"),
        ("1.5", "1.5"),
        ("> no quote", "\\> no quote"),
        ("---", "\\---"),
        ("===", "\\==="),
        ("a *b* _c_ `d` ~~e~~", "a \\*b\\* \\_c\\_ \\`d\\` \\~\\~e\\~\\~"),
        ("<b>&amp; &x", "\\<b\\>\\&amp; \\&x"),
        ("[quote=\"x\"]", "\\[quote=\"x\"\\]"),
        ("[a](http://b)", "\\[a\\](http://b)"),
        ("![a]", "!\\[a\\]"),
        ("@ann a@b.example", "@\u{200b}ann a@b.example"),
        ("    four spaces", "four spaces"),
        ("\u{202e}abc", "abc"),
    ] {
        both(vec![paragraph(vec![text(plain)])], markdown);
    }
    both(
        vec![paragraph(vec![text("a"), Inline::Break, text("- b"), Inline::Break, text("---")])],
        "a  \n\\- b  \n\\---",
    );
}

#[test]
fn code_in_a_quote_does_not_end_it() {
    let code = Block::Code { language: None, text: "[/quote]\n[img]".into() };
    let quote = Block::Quote { author: Some("Ann".into()), post: None, url: None, content: vec![code] };
    let markdown = write(&Doc { blocks: vec![quote] }, Flavor::Discourse);
    assert_eq!(markdown, "[quote=\"Ann\"]\n```\n[\u{200b}/quote]\n[img]\n```\n[/quote]");
}

#[test]
fn markdown_is_read() {
    let doc = read(
        "# Head\n\n*i* **b** ~~s~~ `c`\nnext [l](https://a.example) ![p](https://a.example/p.png)\n\n> q\n\n- a\n- b\n  1. c\n\n```rust\nx\n```\n\n| a | b |\n|---|---|\n| c | d |\n\n<b>html</b>\n\n---",
    );
    assert_eq!(
        write(&doc, Flavor::NodeBb),
        "# Head\n\n*i* **b** ~~s~~ `c`  \nnext [l](<https://a.example>) ![p](<https://a.example/p.png>)\n\n> q\n\n- a\n- b\n\n  1. c\n\n```rust\nx\n```\n\n| a | b |\n| --- | --- |\n| c | d |\n\n\\<b\\>html\\</b\\>\n\n---"
    );
}

#[test]
fn hostile_markdown_is_read() {
    for piece in ["> ", "- ", "[", "**", "*_", "`", "![", "<", "|", "\\", "1. ", "    ", "~~", "[a](", "&#"] {
        let doc = read(&piece.repeat(30_000 / piece.len()));
        write(&doc, Flavor::Discourse);
        read(&format!("{piece}x\n").repeat(2_000));
    }
}

fn words() -> impl Strategy<Value = String> {
    "([*_~`|\\\\<>\\[\\]()#+@:/!.&=;\"-]|[a-z0-9]{1,3}|[ ]|https?://|1\\. |&amp;|<b>|\\[quote\\]|:x:|😀|é|\u{5d0}){0,14}"
}

fn inline() -> impl Strategy<Value = Vec<Inline>> {
    let leaf = prop_oneof![
        6 => words().prop_map(Inline::Text),
        1 => words().prop_map(Inline::Code),
        1 => Just(Inline::Break),
        1 => words().prop_map(|label| Inline::Link { url: "https://a.example/x".into(), content: vec![Inline::Text(label)] }),
    ];
    let leaf = leaf.prop_recursive(3, 12, 3, |inner| {
        let many = prop::collection::vec(inner, 1..3);
        prop_oneof![
            many.clone().prop_map(Inline::Bold),
            many.clone().prop_map(Inline::Italic),
            many.prop_map(Inline::Strike),
        ]
    });
    prop::collection::vec(leaf, 1..4)
}

fn block() -> impl Strategy<Value = Block> {
    let leaf = prop_oneof![
        4 => inline().prop_map(Block::Paragraph),
        1 => inline().prop_map(|content| Block::Heading { level: 2, content }),
        1 => "([a-z` \\[/]{0,30}\n){0,4}[a-z]".prop_map(|text| Block::Code { language: None, text }),
        1 => Just(Block::Rule),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let many = prop::collection::vec(inner, 1..3);
        prop_oneof![
            many.clone().prop_map(|content| Block::Quote { author: None, post: None, url: None, content }),
            prop::collection::vec(many, 1..3).prop_map(|items| Block::List { start: Some(9), items }),
        ]
    })
}

/// What is to be seen; a link whose label is blank shows its address instead.
fn seen(doc: &Doc) -> String {
    plain::text(doc).chars().filter(|c| !c.is_whitespace() && *c != '\u{200b}').collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn text_in_is_text_seen(text in words()) {
        let doc = Doc::text(text);
        let markdown = write(&doc, Flavor::NodeBb);
        let back = read(&markdown);
        prop_assert_eq!(seen(&back), seen(&doc), "{}", markdown);
        prop_assert!(back.blocks.iter().all(|block| matches!(block, Block::Paragraph(content) if content.iter().all(|inline| matches!(inline, Inline::Text(_))))), "{} {:?}", markdown, back);
    }

    #[test]
    fn documents_are_seen_as_they_are(blocks in prop::collection::vec(block(), 1..4)) {
        let doc = Doc { blocks };
        let markdown = write(&doc, Flavor::NodeBb);
        let address = |text: String| text.replace("https://a.example/x", "");
        prop_assert_eq!(address(seen(&read(&markdown))), address(seen(&doc)), "{}", markdown);
    }

    #[test]
    fn any_markdown_is_read(text in "([*_~`|\\\\<>\\[\\]()#\n -]|> |```|a|1\\. |https://a|<b>|&amp;|\t){0,60}") {
        let doc = read(&text);
        for flavor in [Flavor::NodeBb, Flavor::Discourse] {
            write(&doc, flavor);
        }
    }
}
