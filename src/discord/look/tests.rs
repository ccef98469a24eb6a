use jiff::Timestamp;
use proptest::prelude::*;

use super::{
    Footer, LookContext, avatar, clip, footer, link, messages, plain, thread_title, units, webhook_name,
};
use crate::markup::discord::QuoteLinks;
use crate::markup::split::Before;
use crate::markup::{Block, Doc, Inline};
use crate::model::{Attachment, Author, Post, PostId, Thanks, ViewerThanks, Visibility};

#[test]
fn names_are_fit_for_a_webhook() {
    let long = "x".repeat(200);
    for (name, shown) in [
        ("Ephelyon", "Ephelyon"),
        ("  two   words\n", "two words"),
        ("", "Guest"),
        ("\u{200b}\u{202e}\u{2800}", "Guest"),
        ("Discord", "Dis-cord"),
        ("my DISCORD friend", "my DIS-CORD friend"),
        ("dis\u{200b}cord", "dis-cord"),
        ("disdiscordcord", "disdis-cordcord"),
        ("Ｄｉｓｃｏｒｄ", "Ｄｉｓ-ｃｏｒｄ"),
        ("Clyde", "Cl-yde"),
        ("@everyone", "everyone (member)"),
        ("@here we go", "here we go"),
        ("Everyone", "Everyone (member)"),
        ("a```b", "a'''b"),
        ("evil\u{202e}txt.exe", "eviltxt.exe"),
        ("z\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}", "z\u{300}\u{301}\u{302}"),
        ("Ελένη 漢字 😀", "Ελένη 漢字 😀"),
    ] {
        assert_eq!(webhook_name(name, None), shown);
    }
    assert_eq!(units(&webhook_name(&long, None)), 80);
    assert_eq!(webhook_name("Ann", Some("Edu Forum")), "Ann · Edu Forum");
    let both = webhook_name(&long, Some("Edu"));
    assert!(both.ends_with("… · Edu") && units(&both) == 80, "{both}");
}

#[test]
fn titles_are_fit_for_a_thread() {
    assert_eq!(thread_title(None, "  A\ttitle "), "A title");
    assert_eq!(thread_title(Some("Solved"), "A title"), "[Solved] A title");
    assert_eq!(thread_title(Some("[Solved]"), "A title"), "[Solved] A title");
    assert_eq!(thread_title(Some(" "), ""), "Untitled thread");
    let family = "👨‍👩‍👧‍👦".repeat(40);
    assert!(units(&thread_title(None, &family)) <= 100);
    assert_eq!(units(&thread_title(Some("P"), &"é".repeat(150))), 100);
}

#[test]
fn pictures_come_from_the_web() {
    assert_eq!(avatar("http://127.0.0.1:8080/a.png?u=1&d=2").unwrap(), "http://127.0.0.1:8080/a.png?u=1&d=2");
    for bad in
        ["", "/a.png", "data:image/png;base64,AA", "javascript:alert(1)", "https://u:p@host/a", "file:///a"]
    {
        assert_eq!(avatar(bad), None, "{bad}");
    }
    assert_eq!(avatar(&format!("https://example.org/{}", "a".repeat(600))), None);
}

const URL: &str = "https://forum.example/showthread.php?p=32#post32";

#[test]
fn the_last_line_links_and_thanks() {
    let base = Footer { url: URL, number: Some(32), ..Footer::default() };
    assert_eq!(footer(&base), format!("-# [#32](<{URL}>)"));
    let thanks = ["Ephelyon", "Roberto", "witch"];
    let thanked = Footer { thanks: &thanks, ..base };
    assert_eq!(footer(&thanked), format!("-# [#32](<{URL}>) · 3 thanks: Ephelyon, Roberto, witch"));
    let more = Footer { thanks_total: 15, ..thanked };
    assert!(footer(&more).ends_with("· 15 thanks: Ephelyon, Roberto, witch and 12 more"));
    let hidden = Footer { thanks_total: 4, ..base };
    assert!(footer(&hidden).ends_with("· 4 thanks"));
    let feed =
        Footer { thread: Some("A [b] *c*"), edited_at: Timestamp::from_second(1_700_000_000).ok(), ..base };
    assert_eq!(footer(&feed), format!("-# [A \\[b\\] \\*c\\* #32](<{URL}>) · edited <t:1700000000:f>"));
    let nowhere = Footer { url: "javascript:x", number: None, ..base };
    assert_eq!(footer(&nowhere), "-# on the forum");
}

#[test]
fn the_last_line_stays_short_and_on_one_line() {
    let name = "n\n*".repeat(50);
    let thanks: Vec<&str> = (0..500).map(|_| name.as_str()).collect();
    let title = "]".repeat(300);
    let line = footer(&Footer {
        url: URL,
        number: Some(u32::MAX),
        thread: Some(&title),
        thanks: &thanks,
        thanks_total: u64::MAX,
        edited_at: Some(Timestamp::MAX),
    });
    assert!(units(&line) < 700, "{}", units(&line));
    assert!(!line.contains('\n'));
    assert!(line.contains(" more"));
}

#[test]
fn a_link_can_not_be_broken_out_of() {
    assert_eq!(link("a](b", "https://e.example/(x)>"), "[a\\]\\(b](<https://e.example/%28x%29%3E>)");
    assert_eq!(plain("<@1> @everyone <t:1>"), "\\<\\@1\\> \\@everyone \\<t\\:1\\>");
}

struct Nowhere;

impl QuoteLinks for Nowhere {
    fn message_url(&self, _: &PostId) -> Option<String> {
        None
    }
}

fn look(title: &str) -> LookContext<'_> {
    LookContext { forum: None, thread_title: title, feed: false, links: &Nowhere, before: Before::NONE }
}

fn post(words: &str) -> Post {
    Post {
        id: "1".into(),
        url: URL.into(),
        number: Some(32),
        title: None,
        posted_at: None,
        posted_text: None,
        edited_at: None,
        author: Author {
            name: "Ephelyon".into(),
            avatar_url: Some("https://forum.example/a.png".into()),
            ..Author::default()
        },
        body: Doc::text(words),
        quotes: vec![],
        mentions: vec![],
        attachments: vec![],
        thanks: vec![],
        thanks_total: None,
        visibility: Visibility::Shown,
        viewer_thanks: ViewerThanks::Unknown,
    }
}

#[test]
fn a_post_appears_under_its_authors_name_with_its_last_line() {
    let messages = messages(&post("Hello there."), &look("Greetings"));
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].username, "Ephelyon");
    assert_eq!(messages[0].avatar_url.as_deref(), Some("https://forum.example/a.png"));
    assert_eq!(messages[0].content, format!("Hello there.\n-# [#32](<{URL}>)"));
}

#[test]
fn a_title_of_its_own_is_shown_and_the_threads_is_not() {
    for (title, shown) in
        [("Re: Greetings", false), ("RE:  re: greetings", false), ("", false), ("Something else", true)]
    {
        let post = Post { title: Some(title.into()), ..post("words") };
        let content = &messages(&post, &look("Greetings"))[0].content;
        assert_eq!(content.contains("### "), shown, "{title}: {content}");
    }
}

#[test]
fn files_are_linked_once() {
    let file = |name: &str, url: &str| Attachment {
        name: name.into(),
        url: url.into(),
        size: Some("55.2 KB".into()),
        image: false,
    };
    let mut post = post("words");
    post.body
        .blocks
        .push(Block::Paragraph(vec![Inline::Image { url: "https://f.example/in".into(), alt: None }]));
    post.attachments =
        vec![file("in.png", "https://f.example/in"), file("plan.pdf", "https://f.example/att")];
    let content = &messages(&post, &look("T"))[0].content;
    assert!(content.contains("plan.pdf") && content.contains("https://f.example/att"), "{content}");
    assert!(content.contains("(55.2 KB)") || content.contains("\\(55.2 KB\\)"), "{content}");
    assert!(!content.contains("in.png"), "{content}");
}

#[test]
fn what_is_not_for_everyone_is_not_shown() {
    for visibility in [Visibility::Deleted, Visibility::Ignored] {
        assert!(messages(&Post { visibility, ..post("secret") }, &look("T")).is_empty());
    }
}

#[test]
fn a_post_without_words_still_has_its_last_line() {
    let mut post = post("");
    post.body = Doc::default();
    post.thanks = vec![Thanks { name: "Ann".into(), member_id: None, on: None }];
    let messages = messages(&post, &look("T"));
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].content.trim(), format!("-# [#32](<{URL}>) · 1 thanks: Ann"));
}

proptest! {
    #[test]
    fn no_name_is_one_that_discord_refuses(name in "\\PC{0,100}|[@DdIiSsCcOoRrLlYyEe\u{200b}]{0,30}", forum in proptest::option::of("\\PC{0,60}")) {
        let name = webhook_name(&name, forum.as_deref());
        let lower = name.to_lowercase();
        prop_assert!((1..=80).contains(&units(&name)), "{name}");
        prop_assert!(!name.trim().is_empty());
        prop_assert!(!lower.contains("discord") && !lower.contains("clyde"), "{name}");
        prop_assert!(!lower.contains("@everyone") && !lower.contains("@here"), "{name}");
    }

    #[test]
    fn titles_and_clips_keep_to_their_length(text in "\\PC{0,300}", limit in 1usize..50) {
        prop_assert!((1..=100).contains(&units(&thread_title(Some(&text), &text))));
        prop_assert!(units(&clip(&text, limit)) <= limit);
    }

    #[test]
    fn no_message_is_too_long(words in "\\PC{0,6000}", title in "\\PC{0,200}") {
        let post = Post { title: Some(title.clone()), thanks_total: Some(9), ..post(&words) };
        let look = LookContext { feed: true, ..look(&words) };
        for message in messages(&post, &look) {
            prop_assert!(units(&message.content) <= 2000 && !message.content.trim().is_empty());
        }
    }
}
