//! Pages as text, read by the functions that the engine uses. Whole pages with all their facts are in
//! `tests/fixtures`; here is what has to do with one shape at a time, and with pages that mean harm.

use jiff::tz::TimeZone;
use proptest::prelude::*;
use url::Url;

use super::*;

use crate::model::{BoardRef, Found, Member, MemberId, PostId, ThreadId, Visibility};

mod copies;
mod hostile;

fn context() -> Context {
    Context {
        url: Url::parse("https://forum.example/board/").expect("an address"),
        zone: TimeZone::UTC,
        now: Some("2014-06-20T12:00:00Z".parse().expect("a time")),
    }
}

/// A page of vBulletin 4 with this in its body.
fn page(script: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html><html id=\"vbulletin_html\" lang=\"en\"><head><base href=\"https://forum.example/board/\" />\
         <script>var SECURITYTOKEN = \"guest\"; var THIS_SCRIPT = \"{script}\";</script></head><body>{body}</body></html>"
    )
}

fn post_item(id: u32, inner: &str) -> String {
    format!(
        "<li class=\"postbitlegacy\" id=\"post_{id}\"><span class=\"postdate\"><span class=\"date\">06-15-2014, <span \
         class=\"time\">03:03 PM</span></span></span><a class=\"postcounter\">#{id}</a><div class=\"userinfo\"><a \
         class=\"username\" href=\"member.php?u=7\">Ann</a></div>{inner}</li>"
    )
}

fn thread_of(items: &str) -> String {
    page("showthread", &format!("<div id=\"postlist\"><ol id=\"posts\">{items}</ol></div>"))
}

fn body(id: u32, words: &str) -> String {
    format!(
        "<div id=\"post_message_{id}\"><blockquote class=\"postcontent restore\">{words}</blockquote></div>"
    )
}

#[test]
fn only_posts_are_posts() {
    let items = [
        post_item(1, &body(1, "one")),
        "<li class=\"postbitlegacy\" id=\"post_\"><div>An advertisement</div></li>".to_owned(),
        "<li class=\"postbitlegacy\" id=\"post_thanks_box_1\"></li>".to_owned(),
        post_item(2, "<div>A number without words</div>"),
        "<li class=\"firstpost_advert_container\"></li>".to_owned(),
        // A page that was saved while it changed.
        post_item(1, &body(1, "one again")),
        post_item(3, &body(3, "three")),
    ];
    let read = thread_page(&thread_of(&items.concat()), &context()).expect("a thread");
    let ids: Vec<_> = read.posts.iter().map(|post| post.id.as_str()).collect();
    assert_eq!(ids, ["1", "3"]);
}

#[test]
fn a_page_of_thousands_of_posts_is_refused() {
    let items = |count: u32| (1..=count).map(|id| post_item(id, &body(id, "x"))).collect::<String>();
    let posts = |count| thread_page(&thread_of(&items(count)), &context()).map(|page| page.posts.len());
    assert_eq!(posts(1_000), Ok(1_000));
    assert_eq!(posts(2_001), Err(html::TooMuch.into()));
}

#[test]
fn posts_are_found_in_styles_that_rename_their_list() {
    let item = post_item(1, &body(1, "one"));
    for (list, script, kind) in [
        (format!("<ol class=\"posts\">{item}</ol>"), "showthread", PageKind::Thread),
        (item.replace("postbitlegacy", "postbit postcontainer"), "showthread", PageKind::Thread),
        (item.replace("postbitlegacy", "postbit postcontainer"), "", PageKind::Thread),
        (format!("<ol id=\"posts\">{item}</ol>"), "private", PageKind::Other("private".to_owned())),
        (
            format!("<ol id=\"posts\">{}</ol>", item.replace("post_1\"", "post_\"")),
            "showthread",
            PageKind::Other("showthread".to_owned()),
        ),
    ] {
        assert_eq!(what_is(&page(script, &list)), kind, "{list}");
    }
}

#[test]
fn what_readers_cannot_see_is_marked() {
    let image =
        |name: &str| format!("<span class=\"nodecontrols\"><img src=\"images/misc/{name}.png\"></span>");
    let items = [
        post_item(1, &body(1, "shown, with <img src=\"images/misc/trashcan_small.png\"> in it")),
        post_item(2, &(image("trashcan_small") + &body(2, "gone"))),
        post_item(3, &(image("moderated_small") + &body(3, "held back"))),
        "<li class=\"postbitdeleted\" id=\"post_4\"></li>".to_owned(),
        "<li class=\"postbitignored\" id=\"post_5\"></li>".to_owned(),
    ];
    let read = thread_page(&thread_of(&items.concat()), &context()).expect("a thread");
    let seen: Vec<_> = read.posts.iter().map(|post| post.visibility).collect();
    use Visibility::{AwaitingApproval, Deleted, Ignored, Shown};
    assert_eq!(seen, [Shown, Deleted, AwaitingApproval, Deleted, Ignored]);
}

#[test]
fn the_slot_for_errors_of_the_quick_reply_is_no_error() {
    let slot =
        "<div id=\"qr_error_tbody\" class=\"errorblock hidden\"><div class=\"blockrow error\"></div></div>";
    let text = thread_of(&post_item(1, &body(1, "one"))).replace("</body>", &format!("{slot}</body>"));
    assert_eq!(what_is(&text), PageKind::Thread);
    let shown = "<div class=\"blockbody errorblock\"><div class=\"blockrow error\"><ul><li>Too short.</li></ul></div></div>";
    assert_eq!(what_is(&page("newreply", shown)), PageKind::FormErrors(vec!["Too short.".to_owned()]));
}

#[test]
fn a_message_is_told_from_a_redirect_and_from_a_log_in() {
    let message = "<div class=\"standard_error\"><h2 class=\"blockhead\">vBulletin Message</h2><div class=\"blockrow restore\">\
                   Invalid Thread specified.</div></div>";
    let kind = what_is(&page("showthread", message));
    assert_eq!(kind, PageKind::Message { text: "Invalid Thread specified.".to_owned(), log_in: false });
    let log_in = "<div class=\"standard_error\"><div class=\"blockrow restore\">You are not logged in.</div><form><input \
                  name=\"vb_login_username\"></form></div>";
    assert!(matches!(what_is(&page("showthread", log_in)), PageKind::Message { log_in: true, .. }));
    let redirect = "<div class=\"standard_error\"><form name=\"postvarform\" action=\"showthread.php?p=9\"><div class=\"blockrow \
                    restore\">Thank you for posting!</div><p class=\"redirect_button\"><a class=\"textcontrol\" \
                    href=\"showthread.php?p=9#post9\">Go</a></p></form></div>";
    let kind = what_is(&page("newreply", redirect));
    let target = "showthread.php?p=9#post9".to_owned();
    assert_eq!(kind, PageKind::Redirect { target, text: "Thank you for posting!".to_owned() });
    let closed = "<div class=\"standard_error\"><div class=\"blockrow restore\">The board is down for maintenance.</div></div>";
    assert!(matches!(what_is(&page("index", closed)), PageKind::Maintenance(_)));
}

#[test]
fn thanks_are_counted_without_the_digits_of_names() {
    let thanked = |title: &str, names: &[&str], author: &str| {
        let links: Vec<_> = names.iter().map(|n| format!("<a href=\"member.php?u=1\">{n}</a>")).collect();
        let item = post_item(1, &body(1, "one")).replace(">Ann<", &format!(">{author}<"));
        let frame = format!(
            "<li id=\"post_thanks_box_1\"><h2 class=\"title\">{title}</h2><div id=\"post_thanks_bit_1\">{}</div></li>",
            links.join(", ")
        );
        let read = thread_page(&thread_of(&format!("{item}{frame}")), &context()).expect("a thread");
        read.posts[0].thanks_total
    };
    assert_eq!(
        thanked("The Following User Says Thank You to Zero4054 For This:", &["A"], "Zero4054"),
        Some(1)
    );
    assert_eq!(thanked("3 Thanks to Zero4054:", &["A", "B", "C"], "Zero4054"), Some(3));
    assert_eq!(thanked("The Following 1,247 Users Say Thank You to Bo:", &["A"], "Bo"), Some(1247));
    assert_eq!(thanked("Danke", &["A", "B"], "Bo"), Some(2));
    assert_eq!(thanked("Nobody", &[], "Bo"), None);
}

#[test]
fn boards_list_threads_with_their_state() {
    let row = |class: &str, id: u32, prefix: &str, last: &str| {
        format!(
            "<li class=\"threadbit {class}\" id=\"thread_{id}\"><div class=\"rating0 nonsticky\"><h3 class=\"threadtitle\"><span \
             id=\"thread_prefix_{id}\" class=\"prefix\">{prefix}</span><a class=\"title\" href=\"showthread.php?t={id}\" \
             id=\"thread_title_{id}\">Thread {id}</a></h3><div class=\"author\"><a class=\"username\">Ann</a></div><ul \
             class=\"threadstats\"><li>Replies: 1,018</li><li>Views: 17,972</li></ul><dl class=\"threadlastpost\"><dd>by <a \
             class=\"username\">Bo</a></dd><dd>Today, <span class=\"time\">11:30 AM</span> <a class=\"lastpostdate\" \
             href=\"{last}\">»</a></dd></dl></div></li>"
        )
    };
    let list = format!(
        "<div id=\"pagetitle\"><span class=\"forumtitle\">General</span></div><div id=\"threadlist\"><ol id=\"stickies\">{}</ol><ol \
         id=\"threads\">{}{}{}</ol></div>",
        row("", 1, "Sticky:", "showthread.php?p=11#post11"),
        row("lock hot", 2, "Solved", "general/2-thread-post22.html#post22"),
        row("moved", 3, "Moved:", "showthread.php?p=33#post33"),
        row("moderated", 4, "", "showthread.php?p=44#post44"),
    );
    let read = board_page(&page("forumdisplay", &list), &context()).expect("a board");
    assert_eq!(read.board.name.as_deref(), Some("General"));
    let [sticky, closed, moved, held] = read.threads.as_slice() else { panic!("four threads: {read:?}") };
    assert!(sticky.sticky && sticky.prefix.is_none() && !closed.sticky);
    assert!(closed.closed && closed.prefix.as_deref() == Some("Solved"));
    assert!(moved.moved && moved.prefix.is_none());
    assert!(held.deleted, "what readers can't see");
    assert_eq!(closed.replies, Some(1018));
    assert_eq!(closed.last_post_id, Some(PostId::new("22")));
    assert_eq!(closed.last_post_by.as_deref(), Some("Bo"));
    assert_eq!(sticky.last_post_at.map(|at| at.to_string()).as_deref(), Some("2014-06-20T11:30:00Z"));
}

#[test]
fn boards_whose_lists_are_tables_list_threads_too() {
    let row = |id: u32, replies: &str| {
        format!(
            "<tr class=\"threadbit nonsticky old\" id=\"thread_{id}\"><td class=\"threadicon\"><img src=\"i.png\"></td><td \
             class=\"threadtitle\"><h3><a class=\"title\" href=\"showthread.php?t={id}\" id=\"thread_title_{id}\">Thread \
             {id}</a></h3><div class=\"author\"><a href=\"member.php?u=7\">Ann</a></div></td><td class=\"threadlastpost\"><dl><dd>Today, \
             11:30 AM</dd><dd>by <a class=\"username\" href=\"member.php?u=8\">Bo</a> <a class=\"lastpostdate\" \
             href=\"showthread.php?p=22#post22\">»</a></dd></dl></td><td class=\"threadreplies\"><a>{replies}</a></td><td \
             class=\"threadviews\">17,972</td></tr>"
        )
    };
    let list = format!(
        "<div id=\"pagetitle\"><h1>Forum: General</h1></div><table id=\"threadlist\"><tbody>{}{}</tbody></table>",
        row(1, "1,018"),
        row(2, "0")
    );
    let read = board_page(&page("forumdisplay", &list), &context()).expect("a board");
    assert_eq!(read.board.name.as_deref(), Some("General"));
    let facts: Vec<_> = read.threads.iter().map(|t| (t.id.as_str(), t.title.as_str(), t.replies)).collect();
    assert_eq!(facts, [("1", "Thread 1", Some(1018)), ("2", "Thread 2", Some(0))]);
    let first = &read.threads[0];
    assert_eq!((first.author.as_deref(), first.last_post_by.as_deref()), (Some("Ann"), Some("Bo")));
    assert_eq!(first.last_post_id, Some(PostId::new("22")));
    assert_eq!(first.last_post_at.map(|at| at.to_string()).as_deref(), Some("2014-06-20T11:30:00Z"));
}

#[test]
fn boards_are_named_without_the_word_for_a_board() {
    let named = |heading: &str, trail: &str| {
        let body = format!(
            "<ul><li class=\"navbit lastnavbit\"><span>{trail}</span></li></ul><div id=\"pagetitle\">{heading}</div><div \
             id=\"threadlist\"></div>"
        );
        board_page(&page("forumdisplay", &body), &context()).expect("a board").board.name
    };
    for (heading, trail, name) in [
        ("<h1>Forum: <span class=\"forumtitle\">Tea: black</span></h1>", "", "Tea: black"),
        ("<h1>Forum: Tea: black</h1>", "", "Tea: black"),
        ("<h1>Oddword: Tea: black</h1>", "Tea: black", "Tea: black"),
        ("<h1>Foro: Té</h1>", "", "Té"),
        ("<h1>Tea: black</h1>", "", "Tea: black"),
    ] {
        assert_eq!(named(heading, trail).as_deref(), Some(name), "{heading}");
    }
}

/// Where a page breaks off its zone is unknown, for the footer would have told it.
#[test]
fn a_page_without_its_end_gives_no_times() {
    let london = Context { zone: TimeZone::get("Europe/London").expect("a bundled zone"), ..context() };
    let whole = thread_of(&post_item(1, &body(1, "one")));
    let at = |text: &str| {
        let post = thread_page(text, &london).expect("a thread").posts.remove(0);
        (post.posted_at.map(|at| at.to_string()), post.posted_text)
    };
    let text = Some("06-15-2014, 03:03 PM".to_owned());
    assert_eq!(at(&whole), (Some("2014-06-15T14:03:00Z".to_owned()), text.clone()));
    // The end is that of a frame within a script, and the page goes on behind it.
    let cut =
        whole.replace("</body></html>", "<script>x = '</html>';</script><div id=\"thread_info\"><ul><li>");
    assert_eq!(at(&cut), (None, text));
}

#[test]
fn sentences_may_name_the_whole_first() {
    let read = |label: &str, results: &str| {
        let top = format!(
            "<div id=\"pagination_top\"><form class=\"pagination\"><span><a class=\"popupctrl\">{label}</a></span><span \
             class=\"selected\"><a title=\"{results}\">3</a></span></form></div>"
        );
        let text = thread_of(&post_item(21, &body(21, "one"))).replace("<body>", &format!("<body>{top}"));
        let thread = thread_page(&text, &context()).expect("a thread").thread;
        (thread.page, thread.pages, thread.first_result, thread.last_result, thread.total_results)
    };
    let expected = (3, 10, Some(21), Some(30), Some(95));
    for (label, results) in [
        ("Page 3 of 10", "Results 21 to 30 of 95"),
        ("Seite 3 von 10", "Ergebnis 21 bis 30 von 95"),
        ("Page 3 sur 10", "Affichage des résultats 21 à 30 sur 95"),
        ("Página 3 de 10", "Resultados 21 al 30 de 95"),
        ("Pagina 3 di 10", "Risultati da 21 a 30 di 95"),
        ("Strona 3 z 10", "Wyniki 21 do 30 z 95"),
        ("Toplam 10 Sayfadan 3. Sayfa", "95 sonuçtan 21 ile 30 arası"),
        ("Страница 3 из 10", "Показано с 21 по 30 из 95"),
        ("صفحة 3 من 10", "النتائج 21 إلى 30 من 95"),
        ("صفحه ۳ از ۱۰", "نمایش نتایج: از شماره ۲۱ تا ۳۰ , از مجموع ۹۵"),
        ("Pagina 3 van de 10", "Resultaten 21 tot 30 van de 95"),
        ("Sida 3 av 10", "Resultat 21 till 30 av 95"),
        ("Σελίδα 3 από 10", "Αποτελέσματα 21 έως 30 από 95"),
        ("第 3 頁，共 10 頁", "共 95 條，第 21 條到第 30 條"),
        ("ページ 3 / 10", "95 件中 21 - 30 件"),
    ] {
        assert_eq!(read(label, results), expected, "{label}");
    }
}

#[test]
fn styles_may_put_things_elsewhere() {
    let item = "<li class=\"postbit postcontainer\" id=\"post_9\" data-postnumber=\"41\"><div class=\"userinfo\"><a class=\"username\" \
        href=\"member.php?u=7\">Ann</a><div class=\"posthead-date\"><span class=\"date\">06-15-2014 03:03 PM</span></div></div><div \
        class=\"postbody\"><div id=\"post_message_9\">my words<blockquote>an indent</blockquote></div></div></li>";
    let read = thread_page(&thread_of(item), &context()).expect("a thread");
    let post = &read.posts[0];
    assert_eq!(post.number, Some(41));
    assert_eq!(post.posted_at.map(|at| at.to_string()).as_deref(), Some("2014-06-15T15:03:00Z"));
    assert_eq!(crate::markup::plain::text(&post.body), "my words\nan indent");
    // A style that turns the two frames round, and makes its posts of another element.
    let turned = "<div class=\"postbit postcontainer\" id=\"post_9\"><a class=\"postcounter\">#1</a><a class=\"username\" \
        href=\"member.php?u=7\">Ann</a><blockquote class=\"postcontent\"><div id=\"post_message_9\">my words</div></blockquote></div>";
    let read = thread_page(&page("showthread", &format!("<div id=\"posts\">{turned}</div>")), &context())
        .expect("a thread");
    assert_eq!(crate::markup::plain::text(&read.posts[0].body), "my words");
}

#[test]
fn addresses_of_a_copied_site_are_not_made_up() {
    let text =
        thread_of(&post_item(1, &body(1, "one"))).replace("var THIS", "var BBURL = \"index.html\"; var THIS");
    let read = thread_page(&text, &context()).expect("a thread");
    assert_eq!(read.posts[0].url, "https://forum.example/board/showthread.php?p=1#post1");
}

#[test]
fn only_who_is_addressed_is_mentioned() {
    let words = "@Ann and (@Bo_2): cy@d.example, http://d.example/@4rum/x @E";
    let read = thread_page(&thread_of(&post_item(1, &body(1, words))), &context()).expect("a thread");
    assert_eq!(read.posts[0].mentions, ["Ann", "Bo_2"]);
}

#[test]
fn thanks_may_be_told_without_names() {
    let frame = |title: &str| {
        format!(
            "<li id=\"post_thanks_box_1\"><h2 class=\"title\">{title}</h2><div id=\"post_thanks_bit_1\"></div></li>"
        )
    };
    let read = |title: &str| {
        let text = thread_of(&(post_item(1, &body(1, "one")) + &frame(title)));
        let post = thread_page(&text, &context()).expect("a thread").posts.remove(0);
        (post.thanks.len(), post.thanks_total)
    };
    assert_eq!(read("The Following 12 Users Say Thank You to Ann:"), (0, Some(12)));
    assert_eq!(read("Nobody said thanks"), (0, None));
    assert_eq!(read(""), (0, None));
}

#[test]
fn searches_find_posts_or_threads() {
    let posts = "<div id=\"pagination_top\"><a class=\"popupctrl\">Page 1 of 2</a><span class=\"selected\"><a title=\"Results 1 to 25 of \
        32\">1</a></span></div><ol id=\"searchbits\"><li class=\"imodselector postbit\" id=\"post_149\"><span class=\"postdate\"><span \
        class=\"date\">05-04-2014, <span class=\"time\">10:35 AM</span></span></span><div class=\"username_container\"><h2>Thread: <a \
        href=\"showthread.php?t=70\">The thread</a></h2> by <a href=\"member.php?u=285\">Mandy</a></div><dl \
        class=\"userstats\"><dt>Replies</dt><dd>1,002</dd></dl><h3 class=\"posttitle\"><a \
        href=\"showthread.php?t=70&amp;p=149#post149\">Re</a></h3><div id=\"post_message_149\"><blockquote>Some words...</blockquote></div>\
        </li><li id=\"post_150\"><div class=\"username_container\"><h2>Thread: <a href=\"showthread.php?t=71\">By the way</a></h2> by Old \
        Timer</div></li></ol>";
    let read = search_page(&page("search", posts), &context()).expect("results");
    assert_eq!((read.page, read.pages, read.total), (1, 2, Some(32)));
    let expected = Found {
        thread: Some(ThreadId::new("70")),
        post: Some(PostId::new("149")),
        url: "https://forum.example/board/showthread.php?p=149#post149".to_owned(),
        title: "The thread".to_owned(),
        author: Some("Mandy".to_owned()),
        board: BoardRef::default(),
        at: Some("2014-05-04T10:35:00Z".parse().expect("a time")),
        snippet: Some("Some words...".to_owned()),
        replies: Some(1002),
    };
    assert_eq!(read.hits[0], expected);
    assert_eq!(read.hits[1].author.as_deref(), Some("Old Timer"));

    let threads = "<ol id=\"searchbits\"><li class=\"threadbit\" id=\"thread_70\"><h3 class=\"searchtitle\"><a class=\"title\" \
        href=\"threads/70-The-thread\" id=\"thread_title_70\" title=\"Some words\">The thread</a></h3><div class=\"author\"><a \
        class=\"username\">Ann</a></div><ul class=\"threadstats\"><li>Replies: <a>1</a></li></ul><dl class=\"threadlastpost\"><dd>Last \
        Post: 03-15-2014 <span class=\"time\">02:18 PM</span></dd></dl><div class=\"threadpostedin\"><p>Forum: <a \
        href=\"forumdisplay.php?f=38\">Shout-box</a></p></div></li></ol>";
    let read = search_page(&page("search", threads), &context()).expect("results");
    let hit = &read.hits[0];
    assert_eq!((hit.thread.as_ref().map(ThreadId::as_str), hit.post.as_ref()), (Some("70"), None));
    assert_eq!((hit.board.name.as_deref(), hit.author.as_deref()), (Some("Shout-box"), Some("Ann")));
    assert_eq!(hit.at.map(|at| at.to_string()).as_deref(), Some("2014-03-15T14:18:00Z"));

    let message = |text: &str| {
        let box_ =
            format!("<div class=\"standard_error\"><div class=\"blockrow restore\">{text}</div></div>");
        search_page(&page("search", &box_), &context())
    };
    let none = message("Sorry - no matches. Please try some different terms.").expect("an empty page");
    assert!(none.hits.is_empty() && none.total == Some(0));
    let error = message("Invalid Search specified.").expect_err("no results").to_string();
    assert!(error.contains("Invalid Search specified."), "{error}");
}

#[test]
fn members_pages_tell_who_they_are() {
    let profile = "<div id=\"member_content\" class=\"member_content\"><h1><span id=\"userinfo\"><span class=\"member_username\"><font \
        color=\"red\">Ann</font></span><br><span class=\"usertitle\">Baker</span></span></h1><a class=\"avatar\" \
        href=\"member.php?u=12\"><span class=\"avatarcontainer\"><img src=\"image.php?s=&amp;u=12&amp;dateline=5\"></span></a><ul \
        id=\"usermenu\"><li><a href=\"search.php?do=finduser&amp;userid=12\">Posts</a></li></ul><dl class=\"tabslight\"><dt>Tab</dt><dd>About \
        me</dd></dl><dl class=\"stats\"><dt>Join Date</dt><dd> 11-30-2012</dd></dl><dl class=\"stats\"><dt>Last Activity</dt><dd>11-30-2013 \
        <span class=\"time\">05:34 PM</span></dd></dl><div id=\"view-aboutme\"><dl><dt>Location:</dt><dd>Leeds</dd></dl><dl><dt>Interests:</dt>\
        <dd>Bread<script>x()</script></dd></dl></div><div id=\"view-stats\"><dl class=\"stats\"><dt>Total \
        Posts</dt><dd>1,234</dd></dl><dl><dt>Total Thanks</dt><dd>9</dd></dl><ul><li>Thanked 12 Times in 7 Posts</li></ul><dl><dt>Join \
        Date</dt><dd>11-30-2012</dd></dl></div></div>";
    let member = member_page(&page("member", profile), &context()).expect("a member");
    let expected = Member {
        id: Some(MemberId::new("12")),
        name: "Ann".to_owned(),
        url: Some("https://forum.example/board/member.php?u=12".to_owned()),
        title: Some("Baker".to_owned()),
        avatar_url: Some("https://forum.example/board/image.php?u=12&dateline=5".to_owned()),
        joined: Some("11-30-2012".to_owned()),
        last_active: Some("11-30-2013 05:34 PM".to_owned()),
        location: Some("Leeds".to_owned()),
        posts: Some(1234),
        thanks_given: Some(9),
        thanks_received: Some(12),
        posts_thanked: Some(7),
        fields: vec![("Interests".to_owned(), "Bread".to_owned())],
    };
    assert_eq!(member, expected);
    let nobody = "<div class=\"standard_error\"><div class=\"blockrow restore\">This user has not registered.</div></div>";
    let error = member_page(&page("member", nobody), &context()).expect_err("nobody").to_string();
    assert!(error.contains("has not registered"), "{error}");
}

#[test]
fn the_footer_decides_where_the_configured_zone_does_not_fit() {
    let london = Context { zone: TimeZone::get("Europe/London").expect("a bundled zone"), ..context() };
    let at = |footer: &str, context: &Context| {
        let text = thread_of(&post_item(1, &body(1, "one")))
            .replace("</body>", &format!("<div id=\"footer_time\">{footer}</div></body>"));
        thread_page(&text, context).expect("a thread").posts[0].posted_at.map(|at| at.to_string())
    };
    let is = |time: &str| Some(format!("2014-06-15T{time}:00Z"));
    assert_eq!(at("", &london), is("14:03"));
    assert_eq!(at("All times are GMT +1. The time now is 01:00 PM.", &london), is("14:03"));
    assert_eq!(at("All times are GMT -5. The time now is 07:00 AM.", &london), is("20:03"));
    assert_eq!(at("All times are GMT -5. The time now is 07:00 AM.", &context()), is("20:03"));
    assert_eq!(at("", &context()), is("15:03"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Scraps of vBulletin's markup in any order are read or refused.
    #[test]
    fn no_page_panics(pieces in proptest::collection::vec(0..SCRAPS.len(), 0..60), tail in ".{0,40}") {
        let body: String = pieces.into_iter().map(|at| SCRAPS[at]).collect();
        let text = page("showthread", &(body + &tail));
        let _ = thread_page(&text, &context());
        let _ = board_page(&text, &context());
        let _ = search_page(&text, &context());
        let _ = member_page(&text, &context());
        let _ = boards(&text, &context());
    }

    #[test]
    fn no_address_panics(text in "(https?://)?[a-z./?=&#0-9%;:-]{0,60}") {
        let base = context().url;
        let _ = links::recognise(&base, &text);
    }

    #[test]
    fn no_date_panics(text in "[0-9 :.,/APMapmthndrsTodayagoHeutéü\u{660}-\u{669}年月日-]{0,40}") {
        let reader = dates::Reader { zone: Some(TimeZone::UTC), now: context().now, order: dates::Order::DayFirst };
        let _ = reader.moment(&text);
        let _ = reader.day(&text);
        let _ = dates::clock_in(&text);
    }
}

const SCRAPS: &[&str] = &[
    "<ol id=\"posts\">",
    "</ol>",
    "<li id=\"post_1\" class=\"postbit\">",
    "<li id=\"post_2\" class=\"postbitdeleted\">",
    "<li id=\"thread_3\" class=\"threadbit\">",
    "<li id=\"post_thanks_box_1\"><h2>3 Thanks to A:</h2>",
    "</li>",
    "<div id=\"post_message_1\"><blockquote class=\"postcontent\">",
    "</blockquote></div>",
    "<a class=\"postcounter\">#9999999999999</a>",
    "<a class=\"username\" href=\"member.php?u=99999999999999999999\">x</a>",
    "<span class=\"date\">Today, <span class=\"time\">99:99 PM</span></span>",
    "<dl class=\"userinfo_extra\"><dt>Posts</dt><dd>18,446,744,073,709,551,616</dd></dl>",
    "<div id=\"pagination_top\"><a class=\"popupctrl\">Page 0 of 0</a></div>",
    "<span class=\"selected\"><a title=\"Results 9 to 1 of 99999999999999999999999\">",
    "<ol id=\"searchbits\">",
    "<h3><a class=\"title\" id=\"thread_title_3\" href=\"::\">t</a></h3>",
    "<div class=\"dateblock\">: : :</div>",
    "<ol class=\"similar_threads\"><li><h6><a href=\"1-x.html\">t</a></h6><div class=\"titleblock\"><div class=\"starter_forum\">By</div></div>",
    "<div id=\"thread_onlineusers\"><p>( 1 2 3 4 )</p></div>",
    "<ul class=\"youcandoblock\"><li><strong></strong></li><li></li></ul>",
    "<span class=\"member_username\">x</span>",
    "<div id=\"footer_time\">GMT +99:99. 24:61</div>",
    "<!-- Mirrored from ] , -->",
    "<script>pd[1] = '<li>\\",
    "<base href=\"mailto:x\">",
    "<fieldset class=\"postcontent\"><a href=\"attachment.php?\"><img alt=\"\u{a0}:\n\"></a>",
];

#[test]
fn words_lose_all_spaces_but_those_between_them() {
    for text in [
        "",
        "a",
        "a b",
        "a  b",
        " a",
        "a ",
        " ",
        "a\tb",
        "a\u{a0}b",
        "ä b",
        "\u{2003}ä\u{2003}\u{2003}b\n",
        "a\u{1}b",
    ] {
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeezed(text), words, "{text:?}");
        assert!(!is_squeezed(text) || words == text, "{text:?}");
        let page =
            Html::parse_fragment(&format!("<p>{text}</p><p>x{text}<b>{text}</b></p>")).expect("a piece");
        let found: Vec<String> = page.select(&selector("p")).map(text_of).collect();
        let both = format!("x{text}{text}").split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(found, [words, both], "{text:?}");
    }
}
