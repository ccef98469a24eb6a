//! Drives the forum over HTTP as a browser would, and holds its pages against the selectors that
//! real vBulletin 4 pages answer to.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use scraper::{Html, Selector};

use super::*;
use crate::clock::ManualClock;

struct Browser {
    client: reqwest::Client,
    base: String,
}

impl Browser {
    fn new(forum: &Forum) -> Self {
        let client = reqwest::Client::builder()
            .cookie_store(true)
            .user_agent("test browser")
            .redirect(Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Self { client, base: forum.url() }
    }

    async fn get(&self, path: &str) -> String {
        self.client.get(format!("{}{path}", self.base)).send().await.unwrap().text().await.unwrap()
    }

    async fn send(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String, String) {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.client.post(format!("{}{path}", self.base)).body(body);
        let answer =
            request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
        let to =
            answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
        (answer.status().as_u16(), to, answer.text().await.unwrap())
    }

    async fn sign_in(&self, name: &str, password: &str) -> String {
        let md5 = session::md5_hex(password);
        let fields = [
            ("do", "login"),
            ("vb_login_username", name),
            ("vb_login_md5password", md5.as_str()),
            ("vb_login_md5password_utf", md5.as_str()),
            ("cookieuser", "1"),
            ("securitytoken", "guest"),
        ];
        self.send("login.php?do=login", &fields).await.2
    }

    async fn token(&self) -> String {
        let page = self.get("index.php").await;
        page.split("SECURITYTOKEN = \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    async fn reply(&self, thread: u64, text: &str) -> (u16, String, String) {
        let (token, t) = (self.token().await, thread.to_string());
        let fields = [
            ("do", "postreply"),
            ("t", &t),
            ("message", text),
            ("securitytoken", &token),
            ("fromquickreply", "1"),
        ];
        self.send("newreply.php?do=postreply", &fields).await
    }
}

fn count(page: &str, selector: &str) -> usize {
    Html::parse_document(page).select(&Selector::parse(selector).unwrap()).count()
}

fn text(page: &str, selector: &str) -> String {
    let page = Html::parse_document(page);
    let found = page.select(&Selector::parse(selector).unwrap()).next();
    let text: String = found.unwrap_or_else(|| panic!("nothing at {selector}")).text().collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn start(options: Options) -> (Forum, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new("2014-04-05T12:00:00Z".parse().unwrap()));
    (Forum::start(options, clock.clone()).unwrap(), clock)
}

#[tokio::test]
async fn the_long_threads_last_page_has_every_part() {
    let (forum, _) = start(Options::default());
    let seeded = seed_community(&forum).unwrap();
    let browser = Browser::new(&forum);
    let page = browser.get(&format!("showthread.php?t={}&page=3", seeded.long_thread)).await;
    assert_eq!(count(&page, "#postlist > ol#posts > li.postbitlegacy.postcontainer[id^=post_]"), 2);
    assert_eq!(count(&page, "ol#posts > li[id^=post_thanks_box_]"), 2);
    assert_eq!(text(&page, "#pagination_bottom a.popupctrl"), "Page 3 of 3");
    assert_eq!(text(&page, "span.selected a"), "3");
    assert_eq!(text(&page, "#postpagestats_above"), "Results 31 to 32 of 32");
    assert_eq!(text(&page, "a.postcounter"), "#31");
    assert_eq!(
        text(&page, "#pagetitle h1 .threadtitle a"),
        "Career opportunities after being an IT technician?"
    );
    let last = forum.posts(seeded.long_thread).last().unwrap().id;
    let box_text = text(&page, &format!("li#post_thanks_box_{last}"));
    assert_eq!(
        box_text,
        "3 Thanks to Marrow:Isla K (3rd April 2014), patchpanel (3rd April 2014), server_sid (3rd April 2014)"
    );
    assert_eq!(text(&page, &format!("#post_{last} .postdate .time")), "11:00 AM");
    assert!(text(&page, &format!("#post_{last} dl.userinfo_extra")).contains("Thanked 1,98"));
    assert_eq!(count(&page, &format!("#post_message_{last} > blockquote.postcontent.restore")), 1);
    assert_eq!(count(&page, ".bbcode_quote .bbcode_postedby a[href*='#post']"), 1);
    assert!(count(&page, "#similar_threads ol.similar_threads > li .titleblock h6 a") >= 2);
    assert_eq!(count(&page, "#tag_list_cell a[href^='tags.php?tag=']"), 3);
    assert_eq!(count(&page, "#posting_rules #forumrules ul.youcandoblock li strong"), 4);
    assert!(
        text(&page, "#thread_onlineusers")
            .contains("currently 1 users browsing this thread. (0 members and 1 guests)")
    );
    assert_eq!(text(&page, "#footer_time"), "All times are GMT +1. The time now is 01:00 PM.");
    assert!(page.contains("SECURITYTOKEN = \"guest\"") && page.contains("THIS_SCRIPT = \"showthread\""));
    assert_eq!(count(&page, "#qr_error_tbody"), 0);
    let board = browser.get("forumdisplay.php?f=1").await;
    assert_eq!(count(&board, "ol#stickies > li.threadbit"), 1);
    assert_eq!(count(&board, "ol#threads > li.threadbit.lock"), 1);
    let bit = format!("#thread_{}", seeded.long_thread);
    assert!(text(&board, &format!("{bit} ul.threadstats")).starts_with("Replies: 31"));
    assert_eq!(count(&board, &format!("{bit} dl.threadlastpost a.lastpostdate[href*='#post{last}']")), 1);
    assert_eq!(count(&browser.get("index.php").await, "li.forumbit_post .forumtitle a"), 3);
    assert_eq!(forum.snapshot()["boards"].as_array().unwrap().len(), 3);
    forum.stop().await;
}

#[tokio::test]
async fn a_member_signs_in_replies_edits_and_deletes() {
    let (forum, clock) = start(Options { flood: Duration::from_secs(30), ..Options::default() });
    let (ann, bob) = (forum.add_member("Ann"), forum.add_member("Bob"));
    let board = forum.add_board("Board");
    let (thread, first) = forum.open_thread(board, bob, "Hello", "first words").unwrap();
    let browser = Browser::new(&forum);
    assert!(browser.reply(thread, "as a guest").await.2.contains("You are not logged in"));
    assert!(browser.sign_in("ann", "wrong").await.contains("invalid username or password"));
    let page = browser.sign_in("ann", DEFAULT_PASSWORD).await;
    assert_eq!(count(&page, ".standard_error form[name=postvarform] .redirect_button a.textcontrol"), 1);
    assert!(!page.contains("SECURITYTOKEN = \"guest\""));

    let (status, to, _) = browser.reply(thread, "hello [b]Bob[/b]").await;
    let post = forum.posts(thread)[1].clone();
    assert_eq!((status, to), (303, format!("{}showthread.php?p={1}#post{1}", forum.url(), post.id)));
    assert_eq!(post.member, Some(ann));
    assert!(browser.reply(thread, "hello [b]Bob[/b]").await.2.contains("duplicate of a post"));
    let flooded = browser.reply(thread, "something else").await.2;
    assert!(flooded.contains("Please try again in 30 seconds."));
    assert_eq!(count(&flooded, ".blockbody.errorblock .blockrow.error li"), 1);
    clock.advance(Duration::from_secs(31));
    assert!(browser.reply(thread, "abc").await.2.contains("too short"));

    let token = browser.token().await;
    let id = post.id.to_string();
    let source =
        browser.send("ajax.php", &[("do", "quickedit"), ("postid", &id), ("securitytoken", &token)]).await.2;
    assert!(source.contains("hello [b]Bob[/b]"), "{source}");
    let fields = [("do", "updatepost"), ("p", &id), ("message", "changed text"), ("securitytoken", &token)];
    assert_eq!(browser.send("editpost.php?do=updatepost", &fields).await.0, 303);
    assert_eq!(forum.post(post.id).unwrap().text, "changed text");
    let page = browser.get(&format!("showthread.php?t={thread}")).await;
    assert_eq!(count(&page, "blockquote.postcontent.lastedited"), 1);
    assert_eq!(count(&page, "div#qr_error_tbody.block.errorblock.hidden"), 1);

    let foreign = first.to_string();
    for (post, gone) in [(&foreign, false), (&id, true)] {
        let fields = [("do", "deletepost"), ("p", post), ("deletepost", "delete"), ("securitytoken", &token)];
        browser.send("editpost.php", &fields).await;
        assert_eq!(forum.post(post.parse().unwrap()).unwrap().deleted, gone);
    }
    forum.close(thread).unwrap();
    assert!(browser.reply(thread, "too late now").await.2.contains("Sorry! This thread is closed!"));
    let actions: Vec<_> = forum.ledger().iter().map(|entry| entry.action).collect();
    assert_eq!(actions[..3], [Action::Reply, Action::SignIn, Action::SignIn]);
    forum.stop().await;
}

#[tokio::test]
async fn thanks_are_given_and_taken_back() {
    let (forum, _) = start(Options { thanks: ThanksDress::Stock, ..Options::default() });
    forum.add_member("Ann");
    let bob = forum.add_member("Bob");
    let board = forum.add_board("Board");
    let (thread, post) = forum.open_thread(board, bob, "Hello", "first words").unwrap();
    let browser = Browser::new(&forum);
    browser.sign_in("Ann", DEFAULT_PASSWORD).await;
    let page = browser.get(&format!("showthread.php?t={thread}")).await;
    assert_eq!(count(&page, &format!("a#post_thanks_button_{post}.post_thanks_button:not([style])")), 1);
    let (token, id) = (browser.token().await, post.to_string());
    let fields =
        |action| [("do", action), ("p", id.as_str()), ("securitytoken", token.as_str()), ("using_ajax", "1")];
    let list = browser.send("post_thanks.php", &fields("post_thanks_add")).await.2;
    assert!(list.contains("The Following User Says Thank You to Bob For This Useful Post:"));
    assert_eq!(browser.send("post_thanks.php", &fields("post_thanks_add")).await.2, "");
    let page = browser.get(&format!("showthread.php?t={thread}")).await;
    assert_eq!(count(&page, &format!("a#post_thanks_button_{post}[style='display:none']")), 1);
    assert_eq!(forum.thanks(post).len(), 1);
    assert_eq!(browser.send("post_thanks.php", &fields("post_thanks_remove_user")).await.2, "");
    assert_eq!(forum.thanks(post).len(), 0);
    forum.stop().await;
}

#[tokio::test]
async fn tokens_sessions_and_lockout() {
    let (forum, clock) = start(Options::default());
    forum.add_member("Ann");
    let board = forum.add_board("Board");
    let (thread, _) = forum.open_thread(board, 1, "Hello", "first words").unwrap();
    let browser = Browser::new(&forum);
    browser.sign_in("Ann", DEFAULT_PASSWORD).await;
    let t = thread.to_string();
    let bad = [("do", "postreply"), ("t", &t), ("message", "words words"), ("securitytoken", "guest")];
    assert!(
        browser.send("newreply.php", &bad).await.2.contains("you have logged in since the previous page")
    );
    forum.fail(Fault::StaleTokens, Lasts::Times(1));
    assert!(browser.reply(thread, "words words").await.2.contains("the token has expired."));
    assert_eq!(browser.reply(thread, "words words").await.0, 303);
    // An idle session ends; the remember-me cookie opens another, with another token.
    let before = browser.token().await;
    clock.advance(Duration::from_secs(1000));
    assert_ne!(browser.token().await, before);
    forum.fail(Fault::SignOut, Lasts::Times(1));
    let late = [("do", "postreply"), ("t", &*t), ("message", "words"), ("loggedinuser", "1")];
    let late = browser.send("newreply.php", &late).await.2;
    assert!(
        late.contains("Your session timed out")
            && count(&late, ".standard_error + form input[name=vb_login_username]") == 1
    );
    forum.fail(Fault::SignOut, Lasts::Times(1));
    assert_eq!(browser.token().await, "guest");

    let stranger = Browser::new(&forum);
    for _ in 0..4 {
        assert!(stranger.sign_in("Ann", "guess").await.contains("invalid username"));
    }
    assert!(stranger.sign_in("Ann", "guess").await.contains("failed login quota"));
    assert!(stranger.sign_in("Ann", DEFAULT_PASSWORD).await.contains("failed login quota"));
    clock.advance(Duration::from_secs(901));
    assert!(stranger.sign_in("Ann", DEFAULT_PASSWORD).await.contains("Thank you for logging in, Ann."));
    forum.stop().await;
}

#[tokio::test]
async fn merging_moderation_private_boards_and_ajax() {
    let (forum, _) = start(Options { merge_within: Duration::from_secs(600), ..Options::default() });
    let (ann, bob) = (forum.add_member("Ann"), forum.add_member("Bob"));
    let board = forum.add_board("Board");
    let (thread, _) = forum.open_thread(board, bob, "Hello", "first words").unwrap();
    let browser = Browser::new(&forum);
    browser.sign_in("Ann", DEFAULT_PASSWORD).await;
    let (token, t) = (browser.token().await, thread.to_string());
    let fields = [
        ("do", "postreply"),
        ("t", &t),
        ("message", "words by ajax"),
        ("securitytoken", &token),
        ("ajax", "1"),
    ];
    let answer = browser.send("newreply.php", &fields).await.2;
    let new = forum.posts(thread)[1].id;
    assert!(answer.contains(&format!("<newpostid>{new}</newpostid>")), "{answer}");
    assert_eq!(browser.reply(thread, "and more words").await.0, 303);
    assert_eq!(forum.post(new).unwrap().text, "words by ajax\n\nand more words");

    forum.reply(thread, bob, "something between").unwrap();
    forum.moderate_board(board, true).unwrap();
    assert!(browser.reply(thread, "held back").await.2.contains("until a moderator has approved"));
    let held = forum.posts(thread)[3].clone();
    assert!(held.awaiting);
    assert!(!browser.get(&format!("showthread.php?t={thread}")).await.contains("held back"));
    forum.approve(held.id).unwrap();
    assert!(browser.get(&format!("showthread.php?p={}", held.id)).await.contains("held back"));

    let guest = Browser::new(&forum);
    let daily =
        guest.client.get(format!("{}search.php?do=getdaily&showposts=1", forum.url())).send().await.unwrap();
    let to = daily.headers()["location"].to_str().unwrap().trim_start_matches(&forum.url()).to_owned();
    assert_eq!(count(&guest.get(&to).await, "ol#searchbits > li.postbit[id^=post_]"), 4);
    forum.hide_board(board).unwrap();
    assert!(guest.get(&format!("showthread.php?t={thread}")).await.contains("You are not logged in"));
    assert!(
        browser.get(&format!("showthread.php?t={thread}")).await.contains("Ann, you do not have permission")
    );
    forum.let_in(board, ann).unwrap();
    assert_eq!(count(&browser.get(&format!("showthread.php?t={thread}")).await, "li.postcontainer"), 4);
    forum.stop().await;
}

#[tokio::test]
async fn faults_show_on_the_wire_and_the_port_survives_a_pause() {
    let (forum, _) = start(Options::default());
    forum.add_member("Ann");
    let board = forum.add_board("Board");
    let (thread, _) = forum.open_thread(board, 1, "Hello", "first words").unwrap();
    let browser = Browser::new(&forum);
    let get = || browser.client.get(forum.url()).send();
    forum.fail(Fault::Status(503, Some(7)), Lasts::Times(1));
    let answer = get().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"7".parse().unwrap()));
    forum.fail(Fault::CutBody(100), Lasts::Times(1));
    let mut cut = get().await.unwrap();
    assert_eq!(cut.chunk().await.unwrap().map(|bytes| bytes.len()), Some(100));
    assert!(cut.chunk().await.is_err());
    forum.fail(Fault::Maintenance, Lasts::Times(1));
    assert!(browser.get("index.php").await.contains("down for maintenance"));
    browser.sign_in("Ann", DEFAULT_PASSWORD).await;
    let (token, t) = (browser.token().await, thread.to_string());
    for (fault, posts) in [(Fault::DropBeforeAnswer, 1), (Fault::DropAfterCommit, 2)] {
        forum.fail_at("/newreply.php", fault, Lasts::Times(1));
        let body = format!("do=postreply&t={t}&message=words+words&securitytoken={token}");
        assert!(browser.client.post(format!("{}newreply.php", forum.url())).body(body).send().await.is_err());
        assert_eq!(forum.posts(thread).len(), posts);
    }

    forum.pause().await;
    assert!(get().await.is_err());
    forum.resume().await.unwrap();
    assert_eq!(get().await.unwrap().status(), 200);
    forum.stop().await;
}

#[tokio::test]
async fn the_feed_answers_conditional_requests_and_old_boards_speak_windows_1252() {
    let options = Options {
        charset: Charset::Windows1252,
        links: Links::Basic,
        crawl_delay: Some(2),
        ..Options::default()
    };
    let (forum, _) = start(options);
    forum.add_member("Ann");
    let board = forum.add_board("Board");
    let (thread, _) =
        forum.open_thread(board, 1, "Caf\u{e9}", "na\u{ef}ve \u{201c}quotes\u{201d} \u{1f642}").unwrap();
    let browser = Browser::new(&forum);
    let page = browser.client.get(format!("{}showthread.php?t={thread}", forum.url())).send().await.unwrap();
    let bytes = page.bytes().await.unwrap();
    let (page, ..) = encoding_rs::WINDOWS_1252.decode(&bytes);
    assert!(
        page.contains("na\u{ef}ve \u{201c}quotes\u{201d} &#128578;") && page.contains("charset=ISO-8859-1")
    );
    assert!(page.contains(&format!("href=\"showthread.php?{thread}-Caf\"")));
    assert!(browser.get(&format!("showthread.php?{thread}-anything")).await.contains("postcontainer"));
    assert!(browser.get("robots.txt").await.contains("Crawl-delay: 2"));

    let url = format!("{}external.php?type=RSS2", forum.url());
    let feed = browser.client.get(&url).send().await.unwrap();
    let changed = feed.headers()["last-modified"].clone();
    assert!(feed.text().await.unwrap().contains("<dc:creator>Ann</dc:creator>"));
    let again = browser.client.get(&url).header("if-modified-since", changed).send().await.unwrap();
    assert_eq!(again.status(), 304);
    forum.stop().await;
}

#[tokio::test]
async fn rewritten_addresses_lead_to_the_same_pages() {
    let (forum, _) = start(Options { links: Links::Rewritten, posts_per_page: 1, ..Options::default() });
    let ann = forum.add_member("Ann");
    let board = forum.add_board("General Chat");
    let (thread, _) = forum.open_thread(board, ann, "Part 2", "first words").unwrap();
    let second = forum.reply(thread, ann, "second words").unwrap();
    let browser = Browser::new(&forum);
    let old = browser.client.get(format!("{}showthread.php?p={second}", forum.url())).send().await.unwrap();
    assert_eq!(old.status(), 301);
    let pretty = format!("forums/general-chat/{thread}-part-2");
    assert_eq!(old.headers()["location"], format!("{}{pretty}-post{second}.html#post{second}", forum.url()));
    for (ending, number) in [(".html", "#1"), ("-2.html", "#2"), (&*format!("-post{second}.html"), "#2")] {
        let page = browser.get(&format!("{pretty}{ending}")).await;
        assert_eq!(text(&page, "a.postcounter"), number, "{ending}");
    }
    assert_eq!(count(&browser.get("forums/general-chat/").await, "li.threadbit"), 1);
    assert_eq!(text(&browser.get("members/ann.html").await, ".member_username"), "Ann");
    forum.stop().await;
}
