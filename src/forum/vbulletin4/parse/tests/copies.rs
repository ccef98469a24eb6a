//! Pages that somebody saved, and styles that nobody would expect.

use super::*;
use crate::model::Author;

fn read(text: &str) -> crate::model::ThreadPage {
    thread_page(text, &context()).unwrap_or_else(|error| panic!("{error}"))
}

fn author_with(column: &str) -> Author {
    read(&thread_of(&post_item(1, &(column.to_owned() + &body(1, "one"))))).posts.remove(0).author
}

#[test]
fn figures_stand_in_lines_beside_a_list_of_terms() {
    let column = "<div class=\"profile_top\"><span class=\"usertitle_edit\">Baker</span><dl class=\"userstats\"><div \
        class=\"field\"><dt>Thanks</dt> <dd>3</dd><dd>Thanked 316 in 13 P</dd></div></dl><div class=\"box\"><div>Join Date: Nov \
        2005</div></div><div class=\"box\"><div>Posts :&nbsp;4,757</div><div>Location: Leeds: north</div></div></div>";
    let author = author_with(column);
    assert_eq!(author.joined.as_deref(), Some("Nov 2005"));
    assert_eq!(author.location.as_deref(), Some("Leeds: north"));
    assert_eq!(author.title.as_deref(), Some("Baker"));
    let counts = (author.posts, author.thanks_given, author.thanks_received, author.posts_thanked);
    assert_eq!(counts, (Some(4757), Some(3), Some(316), Some(13)));
}

#[test]
fn the_date_may_stand_among_the_figures() {
    let item = "<li class=\"postbit postcontainer\" id=\"post_9\"><div class=\"userinfo\"><a class=\"username\" \
        href=\"member.php?u=7\">Ann</a></div><div class=\"userinfo_extra\"><dl class=\"userstats\"><dt>Join Date</dt><dd>02-13-2009, \
        10:00</dd><dt style=\"display: none;\"></dt><dd>15.06.2014,&nbsp;15:03</dd><dd><a class=\"postcounter\">#41</a></dd></dl></div><div \
        id=\"post_message_9\">one</div></li>";
    let post = read(&thread_of(item)).posts.remove(0);
    assert_eq!(post.posted_text.as_deref(), Some("15.06.2014, 15:03"));
    assert_eq!(post.posted_at.map(|at| at.to_string()).as_deref(), Some("2014-06-15T15:03:00Z"));
    assert_eq!((post.number, post.author.joined.as_deref()), (Some(41), Some("02-13-2009, 10:00")));
}

#[test]
fn addresses_lead_where_they_led_before_they_were_archived() {
    let archive = "https://web.archive.org/web/20140305021139";
    let column = "<a class=\"postuseravatar\" href=\"member.php?7\"><img src=\"/web/20140305021139im_/https://forum.example/board/\
        image.php?u=7&amp;dateline=5\"></a>";
    let words = format!(
        "<a href=\"{archive}/http://other.example/x\">x</a> <div class=\"bbcode_container\"><div class=\"bbcode_quote\"><div \
         class=\"bbcode_postedby\">by <strong>Bo</strong> <a href=\"{archive}/https://forum.example/board/showthread.php?p=5#post5\">\
         »</a></div><div class=\"message\">y</div></div></div>"
    );
    let text = thread_of(&post_item(1, &(column.to_owned() + &body(1, &words)))).replace(
        "https://forum.example/board/\" />",
        &format!("{archive}/https://forum.example/board/\" />"),
    );
    let post = read(&text).posts.remove(0);
    assert_eq!(post.url, "https://forum.example/board/showthread.php?p=1#post1");
    let avatar = post.author.avatar_url.as_deref();
    assert_eq!(avatar, Some("https://forum.example/board/image.php?u=7&dateline=5"));
    assert_eq!(post.quotes[0].post_id, Some(PostId::new("5")));
    let written = crate::markup::discord::write(&post.body, &crate::markup::discord::NoLinks);
    assert!(written.contains("<http://other.example/x>") && !written.contains("archive"), "{written}");
}

#[test]
fn files_that_a_browser_saved_have_no_address() {
    let column = "<a class=\"postuseravatar\"><img src=\"T_files/image.gif\"></a>";
    let words =
        "at <img src=\"./T_files/sea.jpg\"> <img class=\"inlineimg\" title=\"Smile\" src=\"T_files/s.gif\">";
    let post = read(&thread_of(&post_item(1, &(column.to_owned() + &body(1, words))))).posts.remove(0);
    assert_eq!(post.author.avatar_url, None);
    let written = crate::markup::discord::write(&post.body, &crate::markup::discord::NoLinks);
    assert_eq!(written, "at sea.jpg 🙂");
}

#[test]
fn pictures_name_members_whose_names_are_no_links() {
    let author = |name: &str, source: &str| {
        let column = format!("<a class=\"postuseravatar\"><img src=\"{source}\"></a>");
        let link = "<a class=\"username\" href=\"member.php?u=7\">Ann</a>";
        let text = thread_of(&post_item(1, &(column + &body(1, "one")))).replace(link, name);
        let author = read(&text).posts.remove(0).author;
        (author.id.map(|id| id.to_string()), author.guest)
    };
    let plain = "<span class=\"username\">Ann</span>";
    assert_eq!(author(plain, "image.php?u=7&amp;dateline=5"), (Some("7".to_owned()), false));
    assert_eq!(author(plain, "customavatars/avatar7_2.gif"), (Some("7".to_owned()), false));
    assert_eq!(author(plain, "images/avatars/avatar_2637.gif"), (None, true));
    let guest = "<span class=\"username guest\">Ann</span>";
    assert_eq!(author(guest, "customavatars/avatar7_2.gif"), (None, true));
}

#[test]
fn thanks_of_other_add_ons_need_no_links() {
    let list = "<ul class=\"liked_by\" id=\"dbtech_thanks_entries_1\"><li class=\"bold\">Me gusta</li><li>Bo</li><li>Cy</li></ul>";
    let post = read(&thread_of(&post_item(1, &(body(1, "one") + list)))).posts.remove(0);
    let names: Vec<_> = post.thanks.iter().map(|thanks| thanks.name.as_str()).collect();
    assert_eq!((names.as_slice(), post.thanks_total), (["Bo", "Cy"].as_slice(), Some(2)));
    let counter = |count: u32| {
        let counter =
            format!("<span class=\"clickcount\" data-button=\"thanks\" data-postid=\"1\">{count}</span>");
        read(&thread_of(&post_item(1, &(body(1, "one") + &counter)))).posts.remove(0).thanks_total
    };
    assert_eq!((counter(5), counter(0)), (Some(5), None));
}

#[test]
fn thanks_are_found_though_the_post_broke_the_list() {
    let broken = post_item(1, &body(1, "one</div></blockquote></div></div></li></ol></div></div>"));
    let box_ = "<li id=\"post_thanks_box_1\"><div id=\"post_thanks_bit_1\"><a href=\"member.php?u=2\">Bo</a></div></li>";
    let post = read(&thread_of(&(broken + "<p>x</p>" + box_))).posts.remove(0);
    assert_eq!((post.thanks.len(), post.thanks_total), (1, Some(1)));
}

#[test]
fn one_post_of_a_thread_does_not_tell_how_many_there_are() {
    let results = |number: u32| {
        let item = post_item(1, &body(1, "one")).replace("#1<", &format!("#{number}<"));
        let thread = read(&thread_of(&item)).thread;
        (thread.first_result, thread.total_results)
    };
    assert_eq!(results(1), (Some(1), Some(1)));
    assert_eq!(results(31), (None, None));
}

#[test]
fn a_title_is_not_looked_for_in_the_wrong_heading() {
    let text = thread_of(&post_item(1, &body(1, "one")));
    let titled = |head: &str, top: &str| {
        let text =
            text.replace("</head>", &format!("{head}</head>")).replace("<body>", &format!("<body>{top}"));
        read(&text).thread.title
    };
    assert_eq!(titled("<title>The talk</title>", "<h1>The forum</h1>"), "The talk");
    assert_eq!(titled("<title>x</title>", "<div id=\"pagetitle\"><h1>The talk</h1></div>"), "The talk");
}

#[test]
fn what_is_no_thread_is_named() {
    let item = post_item(1, &body(1, "a comment"));
    for (text, words) in [
        (
            page("vbcms", &format!("<ol>{}</ol>", item.replace("postbitlegacy", "postcontainer"))),
            "an article",
        ),
        (page("misc", "<p>x</p>"), "the page misc.php of vBulletin 4"),
        ("<html><title>404 Not Found</title></html>".to_owned(), "its title is \"404 Not Found\""),
        ("<html><body>Powered By <a href=\"x\">MyBB</a></body></html>".to_owned(), "of MyBB"),
        ("<html><body>Powered by vBulletin&reg; Version 3.8.4</body></html>".to_owned(), "vBulletin 3"),
        ("From: x\nMIME-Version: 1.0\nContent-Type: multipart/related;\n\n<html>".to_owned(), "MHTML"),
    ] {
        let error = thread_page(&text, &context()).expect_err("no thread").to_string();
        assert!(error.contains(words), "{error}");
    }
    let unended = thread_of(&item).replace("</html>", "");
    assert_eq!(read(&unended).posts.len(), 1);
}
