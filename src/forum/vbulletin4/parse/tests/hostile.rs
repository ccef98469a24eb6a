//! Pages that mean harm. They are so large that work which grows with the square of them would not end while a suite
//! runs.

use std::fmt::Write;

use super::*;

/// Pages that mean harm end soon, with an error or with a page; never in a panic or an overflowing stack.
#[test]
fn hostile_pages_end_soon() {
    let deep = |open: &str, close: &str, times: usize| {
        thread_of(&post_item(1, &body(1, &(open.repeat(times) + "x" + &close.repeat(times)))))
    };
    let mut attribute = String::from("<div title=\"");
    let _ = write!(attribute, "{}\">x</div>", "a".repeat(7_000_000));
    for text in [
        deep("<div>", "</div>", 200_000),
        deep("<b>", "", 300_000),
        deep("<div class=\"bbcode_quote\"><div class=\"message\">", "</div></div>", 50_000),
        deep("<ul><li>", "</li></ul>", 100_000),
        deep("<table><tr><td>", "", 100_000),
        "<".repeat(2_000_000),
        "<li id=\"post_1\">".repeat(200_000),
        thread_of(&attribute),
        thread_of(&format!("pd[1] = '{}", "\\'".repeat(1_000_000))),
        page("showthread", &"<script src=\"x\"/>".repeat(100_000)),
        "<style ".repeat(1_000_000),
        "<div \"".repeat(1_000_000),
        format!("<iframe/>{}", "<!-- x>".repeat(1_000_000)),
        page("showthread", &format!("<script>{}</script>", "pd[1] = '".repeat(100_000))),
    ] {
        let _ = thread_page(&text, &context());
        let _ = what_is(&text);
    }
}

#[test]
fn many_files_beside_each_other_are_read_each_once() {
    const FILES: usize = 25_000;
    let mut links = String::new();
    for file in 0..FILES {
        let _ = write!(links, "<a href=\"attachment.php?attachmentid={file}\">f{file}.txt</a> ({file} KB) ");
    }
    let frame = format!("<div class=\"attachments\">{links}</div>");
    let page =
        thread_page(&thread_of(&post_item(1, &(body(1, "one") + &frame))), &context()).expect("a thread");
    let files = &page.posts[0].attachments;
    assert_eq!(files.len(), FILES);
    assert_eq!(files[FILES - 1].size.as_deref(), Some("24999 KB"));
}

#[test]
fn frames_within_frames_are_searched_once() {
    let links = "<a href=\"attachment.php?attachmentid=5\"></a>".repeat(20_000);
    let members = "<a></a>".repeat(30_000);
    let words = "Monday ".repeat(300_000);
    for (class, inner) in [("attachments", links), ("vbseo_liked", members), ("postdate", words)] {
        let open = format!("<div class=\"{class}\">");
        let nested = open.repeat(190) + &inner + &"</div>".repeat(190);
        let page = thread_page(&thread_of(&post_item(1, &(body(1, "one") + &nested))), &context());
        assert!(page.is_ok_and(|page| page.posts.len() == 1), "{class}");
    }
}

#[test]
fn a_file_has_its_own_size_and_not_its_neighbours() {
    let frame = "<div class=\"attachments\"><a href=\"attachment.php?attachmentid=1\">a.txt</a> (5 KB, 3 views)<br /><a \
        href=\"attachment.php?attachmentid=2\">b.txt</a><br /><a href=\"attachment.php?attachmentid=3\">c.txt</a> (7 KB)</div>";
    let page =
        thread_page(&thread_of(&post_item(1, &(body(1, "one") + frame))), &context()).expect("a thread");
    let sizes: Vec<_> = page.posts[0].attachments.iter().map(|file| file.size.as_deref()).collect();
    assert_eq!(sizes, [Some("5 KB"), None, Some("7 KB")]);
}
