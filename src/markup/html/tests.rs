//! Forum HTML in; Discord Markdown and BBCode out.

use std::path::Path;

use super::tree::{Html, Selector};
use proptest::prelude::*;

use super::*;
use crate::markup::discord::NoLinks;
use crate::markup::{bbcode, commonmark, discord, plain, split};

fn base() -> Url {
    Url::parse("https://forum.example/").expect("an address")
}

fn doc(html: &str) -> Doc {
    let page = format!("<blockquote class='postcontent restore'>{html}</blockquote>");
    let page = Html::parse_fragment(&page).expect("a small page");
    let body = Selector::parse("blockquote.postcontent").expect("a selector");
    read(page.select(&body).next().expect("a body"), &base())
}

/// What is read, as Discord and vBulletin show it.
#[track_caller]
fn shows(html: &str, markdown: &str, code: &str) {
    let doc = doc(html);
    assert_eq!(discord::write(&doc, &NoLinks), markdown, "Discord of {html}\n{doc:?}");
    assert_eq!(bbcode::write(&doc), code, "BBCode of {html}\n{doc:?}");
}

#[test]
fn words_and_their_styles() {
    shows(
        "<b>bold</b> <i>it</i> <u>un</u> <s>st</s>",
        "**bold** *it* __un__ ~~st~~",
        "[B]bold[/B] [I]it[/I] [U]un[/U] [S]st[/S]",
    );
    shows("<b><i>both</i></b>", "***both***", "[B][I]both[/I][/B]");
    shows("one<br />\ntwo<br />\n<br />\nthree", "one\ntwo\n\nthree", "one\ntwo\n\nthree");
    shows("<font color='red'>red</font> <span style='color:blue'>blue</span>", "red blue", "red blue");
    shows("<div style='text-align:center'>middle</div>", "middle", "middle");
    shows("a&nbsp;b\u{200b}c &amp;&lt;b&gt;", "a bc &\\<b>", "a bc &<b>");
    shows("<b>bold </b>word", "**bold** word", "[B]bold [/B]word");
    shows("x<b></b>y", "xy", "xy");
}

#[test]
fn headings_by_size() {
    shows("<font size='7'>Big</font><br />\nword", "# Big\nword", "[SIZE=6][B]Big[/B][/SIZE]\nword");
    shows("<font size='5'>Mid</font><br />word", "### Mid\nword", "[SIZE=4][B]Mid[/B][/SIZE]\nword");
    shows("a <font size='5'>large</font> word", "a large word", "a large word");
}

const QUOTE: &str = r#"<div class="bbcode_container"><div class="bbcode_quote"><div class="quote_container">
 <div class="bbcode_quote_container"></div><div class="bbcode_postedby"><img src="images/quote_icon.png" alt="Quote" />
 Originally Posted by <strong>Ann</strong> <a href="showthread.php?p=7#post7" rel="nofollow"><img class="inlineimg" src="images/viewpost.png" alt="View Post" /></a></div>
 <div class="message">their words</div></div></div></div>my words"#;

#[test]
fn quotes() {
    shows(
        QUOTE,
        "> **Ann** [↗](<https://forum.example/showthread.php?p=7#post7>)\n> their words\nmy words",
        "[QUOTE=Ann;7]their words[/QUOTE]\nmy words",
    );
    shows(
        "<div class='bbcode_container'><div class='bbcode_quote'><div class='quote_container'>no name</div></div></div>",
        "> no name",
        "[QUOTE]no name[/QUOTE]",
    );
    struct Mirrored;
    impl discord::QuoteLinks for Mirrored {
        fn message_url(&self, post: &crate::model::PostId) -> Option<String> {
            (post.as_str() == "7").then(|| "https://discord.com/channels/1/2/3".to_owned())
        }
    }
    assert_eq!(
        discord::write(&doc(QUOTE), &Mirrored),
        "> **Ann** [↗](<https://discord.com/channels/1/2/3>)\n> their words\nmy words"
    );
}

#[test]
fn quotes_that_say_who_said_it() {
    let member = "<a class='plugin-mentions-user plugin-mentions-a' href='/user/ann' aria-label='Profile: ann'>@<bdi>ann</bdi></a>";
    let quoted = "> **ann** [↗](<https://forum.example/post/81>)\n> their words\nmine";
    for html in [
        // Version 3, and version 4 with and without the topic.
        format!("<p>{member} said in <a href='/post/81'>Stoves</a>:</p><blockquote><p>their words</p></blockquote><p>mine</p>"),
        format!("<blockquote><p>{member} said in <a href='/post/81'>Stoves</a>:</p><p>their words</p></blockquote><p>mine</p>"),
        format!("<blockquote><p>{member} <a href='/post/81'>said</a>:</p><p>their words</p></blockquote><p>mine</p>"),
        // Other languages have another order; members who are gone are no links.
        format!("<p><a href='/post/81'>Stoves</a>での{member}の発言:</p><blockquote><p>their words</p></blockquote><p>mine</p>"),
        "<p>@ann sagte in <a href='/post/81'>Öfen</a>:</p><blockquote><p>their words</p></blockquote><p>mine</p>".to_owned(),
        // As the bridge writes it.
        "<blockquote><p><strong>ann</strong> <a href='/post/81'>↗</a></p><p>their words</p></blockquote><p>mine</p>".to_owned(),
        "<blockquote><p><strong>ann</strong> <a href='/post/81'><img src='/e/2197.png' class='emoji' title='↗' alt='↗\u{fe0f}' /></a></p><p>their words</p></blockquote><p>mine</p>".to_owned(),
    ] {
        let doc = read_fragment(&html, &base()).expect("a post");
        assert_eq!(discord::write(&doc, &NoLinks), quoted, "{html}\n{doc:?}");
        assert_eq!(bbcode::write(&doc), "[QUOTE=ann;81]their words[/QUOTE]\nmine", "{html}");
    }
    let from_afar = "<blockquote><p>@bo <a href='/post/https%3A%2F%2Fsocial.example%2Fn%2F1'>said</a>:</p><p>far away</p></blockquote>";
    let quotes = crate::markup::references::quotes(&read_fragment(from_afar, &base()).expect("a post"));
    assert_eq!(
        quotes[0].post_id.as_ref().map(crate::model::PostId::as_str),
        Some("https://social.example/n/1")
    );
    // What only looks like it stays what it is.
    for html in [
        format!(
            "<p>{member} look here: <a href='https://elsewhere.example/post/81'>Stoves</a></p><blockquote>words</blockquote>"
        ),
        format!(
            "<p>{member}, I have thought for a long while about what you wrote in <a href='/post/81'>Stoves</a></p><blockquote>words</blockquote>"
        ),
        format!("<p>{member} said in <a href='/post/81'>Stoves</a>:</p><p>no quote</p>"),
    ] {
        let doc = read_fragment(&html, &base()).expect("a post");
        assert!(matches!(doc.blocks[0], Block::Paragraph(_)), "{doc:?}");
    }
}

#[test]
fn code() {
    let block = |label: &str, code: &str| {
        format!("<div class='bbcode_container'><div class='bbcode_description'>{label}</div>{code}</div>")
    };
    shows(
        &block("Code:", "<pre class='bbcode_code' style='height:60px'>a *b*\n  c &lt;d&gt;</pre>"),
        "```\na *b*\n  c <d>\n```",
        "[CODE]a *b*\n  c <d>[/CODE]",
    );
    shows(
        &block(
            "PHP Code:",
            "<div class='bbcode_code'><code><code><span>&lt;?php<br />echo&nbsp;1;</span></code></code></div>",
        ),
        "```php\n<?php\necho 1;\n```",
        "[PHP]<?php\necho 1;[/PHP]",
    );
    shows(
        &block("HTML Code:", "<pre class='bbcode_code'>&lt;p&gt;</pre>"),
        "```html\n<p>\n```",
        "[HTML]<p>[/HTML]",
    );
    shows("<pre class='bbcode_code'>```</pre>", "```\n`\u{200b}`\u{200b}`\n```", "[CODE]```[/CODE]");
}

#[test]
fn lists_tables_and_rules() {
    shows(
        "<ul><li>one</li><li>two<ol class='decimal'><li>in</li></ol></li></ul>",
        "- one\n- two\n  1. in",
        "[LIST]\n[*]one\n[*]two\n[LIST=1]\n[*]in\n[/LIST]\n[/LIST]",
    );
    shows("<ol start='3'><li>c</li></ol>", "3. c", "[LIST=1]\n[*]c\n[/LIST]");
    shows("a<hr />b", "a\n──────────\nb", "a\n[HR][/HR]\nb");
    shows(
        "<table><tr><th>k</th><th>value</th></tr><tr><td>long key</td><td>1</td></tr></table>",
        "```\nk        │ value\n─────────┼──────\nlong key │ 1\n```",
        "[TABLE][TR][TD]k[/TD][TD]value[/TD][/TR][TR][TD]long key[/TD][TD]1[/TD][/TR][/TABLE]",
    );
}

#[test]
fn spoilers() {
    shows("<span class='spoiler'>it</span> was", "||it|| was", "[SPOILER]it[/SPOILER] was");
    shows(
        "<details><summary>End</summary>he dies</details>",
        "**End:**\n||he dies||",
        "[SPOILER=End]he dies[/SPOILER]",
    );
    shows(
        "<div class='pre-spoiler'><input type='button' value='Show' /><div style='display:none'>hidden</div></div>",
        "||hidden||",
        "[SPOILER]hidden[/SPOILER]",
    );
}

#[test]
fn links_and_pictures() {
    shows(
        "<a href='https://a.example/x'>words</a>",
        "[words](<https://a.example/x>) (a.example)",
        "[URL=\"https://a.example/x\"]words[/URL]",
    );
    shows(
        "<a href='https://a.example/x'>https://a.example/x</a>",
        "https://a.example/x",
        "[URL=\"https://a.example/x\"]https://a.example/x[/URL]",
    );
    shows(
        "<a href='https://evil.example/'>https://bank.example/</a>",
        "https:\u{200b}//bank.example/ (<https://evil.example/>)",
        "[URL=\"https://evil.example/\"]https://bank.example/[/URL]",
    );
    shows("<a href='javascript:alert(1)'>x</a>", "x", "x");
    shows(
        "<a href='mailto:a@b.example'>a@b.example</a>",
        "a@b.example",
        "[URL=\"mailto:a@b.example\"]a@b.example[/URL]",
    );
    shows(
        "<img src='/p.png' alt='' />",
        "https://forum.example/p.png",
        "[IMG]https://forum.example/p.png[/IMG]",
    );
    shows("<img class='inlineimg' src='images/smilies/wink.png' alt='' title='Wink' />", "😉", "😉");
    shows(
        "<img class='inlineimg' src='images/smilies/odd.png' alt=':odd_one:' />",
        "\\:odd\\_one:",
        ":odd_one:",
    );
    shows(
        "<iframe src='//www.youtube.com/embed/abc?wmode=opaque'></iframe>",
        "https://www.youtube.com/watch?v=abc",
        "https://www.youtube.com/watch?v=abc",
    );
    shows("<a href='member.php?14-Ann' class='mention'>@Ann</a>", "@Ann", "@Ann");
}

#[test]
fn other_engines() {
    shows(
        "<aside class='quote' data-username='Ann'><div class='title'>Ann: <a href='/t/x/1/2'>x</a></div><blockquote><p>hi</p></blockquote></aside><p>yes</p>",
        "> **Ann** [↗](<https://forum.example/t/x/1/2>)\n> hi\nyes",
        "[QUOTE=Ann]hi[/QUOTE]\nyes",
    );
    let doc = read_fragment("<blockquote><p>quoted</p></blockquote><p>own</p>", &base()).expect("small");
    assert_eq!(discord::write(&doc, &NoLinks), "> quoted\nown");
}

/// Whole posts of each engine, and beside each what Discord and a forum are to be sent, to the letter.
#[test]
fn whole_posts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/posts");
    let mut posts = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|end| end != "html") {
            continue;
        }
        let post = std::fs::read_to_string(&path).expect("a post");
        let is_vb = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vbulletin4"));
        let doc = if is_vb { doc(&post) } else { read_fragment(&post, &base()).expect("small") };
        let messages = split::messages(&doc, &NoLinks, "-# #7", 700, split::Before::NONE);
        let messages = messages.join("\n=== the next message ===\n");
        for (end, found) in [("discord.txt", messages), ("bbcode.txt", bbcode::write(&doc))] {
            let beside = path.with_extension(end);
            let expected = std::fs::read_to_string(&beside).unwrap_or_default();
            assert_eq!(found, expected.trim_end(), "{}: found\n{found}\n", beside.display());
        }
        posts += 1;
    }
    assert!(posts >= 3, "{posts}");
}

#[test]
fn indents() {
    shows("a<blockquote>in</blockquote>b", "a\n\n\u{2003}in\n\nb", "a\n[INDENT]in[/INDENT]\nb");
}

#[test]
fn bombs_are_refused() {
    for bomb in [
        "<div>".repeat(1_000_000),
        "<b>".repeat(100_000),
        "<div></span>".repeat(50_000),
        "<div></li>".repeat(50_000),
        "<div><marquee></div></marquee>".repeat(20_000),
        (0..50_000).fold(String::new(), |s, n| s + &format!("<font size={n}></i><p>")),
        format!("<a {}>", "x ".repeat(1_000_000)),
        format!("<p title='{}'>", "a".repeat(10_000_000)),
        (0..50_000).fold(String::new(), |s, n| s + &format!("<body a{n}>")),
        "<div><script></div></script>".repeat(20_000),
        "<div><!--</div>-->".repeat(20_000),
        "<div title='</div>'>".repeat(20_000),
        "<div><svg><style></div></style></svg>".repeat(20_000),
        "<ul><li>".repeat(20_000),
        (0..30_000).fold(String::new(), |s, n| s + &format!("<b x={n}><table></b></table>")),
    ] {
        assert_eq!(guard(&bomb), Err(TooMuch), "{}", &bomb[..60.min(bomb.len())]);
        assert!(read_fragment(&bomb, &base()).is_err());
    }
}

#[test]
fn careless_pages_are_no_bombs() {
    for careless in
        ["<p><b>x</p></b>", "<a name='x'><p>y</p>", "<table><tr><td><b>x<td>y</table>", "<li>x", "<br><p>"]
    {
        let page = format!("<html><body><div>{}</div></body></html>", careless.repeat(2_000));
        assert_eq!(guard(&page), Ok(()), "{careless}");
    }
}

#[test]
fn nesting_is_flattened() {
    for (open, close) in [
        ("<table><tr><td>", "</td></tr></table>"),
        ("<ul><li>", "</li></ul>"),
        ("<ul>", "</ul>"),
        ("<div style='margin-left:40px'>", "</div>"),
        ("<div class='spoiler'>", "</div>"),
        ("<div style='display:none'>", "</div>"),
        ("<blockquote>", "</blockquote>"),
        ("<b><i>", "</i></b>"),
        (
            "<div class='bbcode_container'><div class='bbcode_quote'><div class='message'>",
            "</div></div></div>",
        ),
    ] {
        for words in ["words", ""] {
            let html = open.repeat(150) + words + &close.repeat(150);
            let doc = read_fragment(&html, &base()).expect("not a bomb");
            assert_eq!(plain::text(&doc), words, "{open}");
            assert!(depth(&doc.blocks) <= crate::markup::MAX_DEPTH, "{open}: {}", depth(&doc.blocks));
        }
    }
}

fn depth(blocks: &[Block]) -> usize {
    let inner = |block: &Block| match block {
        Block::Quote { content, .. } | Block::Spoiler { content, .. } | Block::Indent(content) => {
            depth(content)
        }
        Block::List { items, .. } => items.iter().map(|item| depth(item)).max().unwrap_or(0),
        _ => 0,
    };
    blocks.iter().map(|block| 1 + inner(block)).max().unwrap_or(0)
}

/// Every body on the real pages is read, and what Discord is sent says the same words.
#[test]
fn real_pages() {
    let pages = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/pages"));
    if !pages.exists() {
        return println!("skipped: no pages at {}", pages.display());
    }
    let bodies = Selector::parse("blockquote.postcontent.restore, [id^=post_message_]").expect("a selector");
    let mut read_bodies = 0;
    for folder in std::fs::read_dir(pages).expect("a folder").flatten().filter(|f| f.path().is_dir()) {
        for file in std::fs::read_dir(folder.path()).expect("a folder").flatten() {
            let bytes = std::fs::read(file.path()).expect("a file");
            let page = String::from_utf8_lossy(&bytes);
            assert_eq!(guard(&page), Ok(()), "{}", file.path().display());
            for body in Html::parse_document(&page).expect("a page").select(&bodies) {
                let doc = read(body, &base());
                let markdown = discord::write(&doc, &NoLinks);
                if std::env::var_os("SHOW_BODIES").is_some() {
                    println!("=== {}\n{markdown}", file.path().display());
                }
                for part in split::messages(&doc, &NoLinks, "-# #1", 2000, split::Before::NONE) {
                    assert!(split::units(&part) <= 2000 && !part.trim().is_empty());
                }
                assert_seen(&doc, &markdown);
                bbcode::write(&doc);
                commonmark::write(&doc, commonmark::Flavor::Discourse);
                write(&doc);
                read_bodies += 1;
            }
        }
    }
    assert!(read_bodies > 100, "{read_bodies}");
}

/// Every letter of a document is to be seen, in order; links may be written otherwise.
#[track_caller]
fn assert_seen(doc: &Doc, markdown: &str) {
    let seen = shown(markdown);
    let mut rest = seen.chars();
    let whole = words_of(&doc.blocks);
    for (at, letter) in whole.char_indices() {
        let found = rest.any(|seen| seen == letter);
        assert!(found, "{markdown}\n--- not seen: {}", whole[at..].chars().take(80).collect::<String>());
    }
}

/// The letters of a document, without what tables cut short and links' labels.
fn words_of(blocks: &[Block]) -> String {
    let inner = |content: &[Inline]| {
        let runs = crate::markup::runs::flatten(content);
        let link = |style: &crate::markup::runs::Style| matches!(style, crate::markup::runs::Style::Link(_));
        let kept = runs.into_iter().filter(|run| !run.styles.iter().any(link)).map(|run| run.leaf);
        let kept = kept.filter(|leaf| !matches!(leaf, Inline::Image { .. }));
        letters(&plain::inline(&kept.collect::<Vec<_>>()))
    };
    blocks
        .iter()
        .map(|block| match block {
            Block::Paragraph(content) | Block::Heading { content, .. } | Block::Small(content) => {
                inner(content)
            }
            Block::Quote { content, .. } | Block::Spoiler { content, .. } | Block::Indent(content) => {
                words_of(content)
            }
            Block::Code { text, .. } => letters(text),
            Block::List { items, .. } => items.iter().map(|item| words_of(item)).collect(),
            Block::Table { .. } | Block::Rule => String::new(),
        })
        .collect()
}

/// The words of our Markdown as Discord's reader understands it, without what the writer adds of its own.
fn shown(markdown: &str) -> String {
    letters(&plain::text(&discord::read(markdown, &discord::Names::default())))
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

proptest! {
    #[test]
    fn readers_never_panic(html in "(<(/)?(b|i|ul|li|table|tr|td|blockquote|div class='spoiler'|a href='x'|pre|br|script|font size=7|details|summary)>|[a-z <>&;\"'=\\n]|&nbsp;|\u{1f600}){0,60}") {
        if let Ok(doc) = read_fragment(&html, &base()) {
            let markdown = discord::write(&doc, &NoLinks);
            discord::read(&markdown, &discord::Names::default());
            bbcode::write(&doc);
            commonmark::write(&doc, commonmark::Flavor::Discourse);
            write(&doc);
            for part in split::messages(&doc, &NoLinks, "", 200, split::Before::NONE) {
                prop_assert!(split::units(&part) <= 200);
            }
        }
    }
}
