//! What a page is, before it is read: vBulletin answers nearly everything with status 200.

use memchr::memmem;

use crate::markup::html::tree::{ElementRef, Html};

use super::{css, document, first, text_of};

/// What every page says of its viewer, in an inline script.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// `None` where the page has none; `guest` for guests.
    pub token: Option<String>,
    /// The viewer's id; 0 for guests.
    pub user: Option<u64>,
    /// `showthread`, `login`, ...
    pub script: Option<String>,
}

impl Head {
    /// Whether a member sees the page. Decided by the token and the id, never by a phrase.
    pub fn signed_in(&self) -> Option<bool> {
        match (&self.token, self.user) {
            (Some(token), _) => Some(token != "guest" && !token.is_empty()),
            (None, Some(user)) => Some(user > 0),
            (None, None) => None,
        }
    }
}

impl Head {
    /// When the page was made: a member's token begins with the second.
    pub fn made_at(&self) -> Option<jiff::Timestamp> {
        let (second, _) = self.token.as_deref()?.split_once('-')?;
        let at = jiff::Timestamp::from_second(second.parse().ok()?).ok()?;
        (at.as_second() > 1_000_000_000).then_some(at)
    }
}

/// Reads the head's facts without parsing the page.
pub fn head(page: &str) -> Head {
    let quoted = |name: &str| {
        let (_, rest) = page.split_once(&format!("{name} = \""))?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    let user = page
        .split_once("LOGGEDIN = ")
        .and_then(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok());
    let hidden = || {
        let (_, rest) = page.split_once("name=\"securitytoken\"")?;
        let (_, rest) = rest.split_once("value=\"")?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    Head { token: quoted("SECURITYTOKEN").or_else(hidden), user, script: quoted("THIS_SCRIPT") }
}

/// What a page is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageKind {
    Thread,
    Board,
    Home,
    /// "vBulletin Message": an error or a notice, in words.
    Message {
        text: String,
        log_in: bool,
    },
    /// "Redirecting...": something was done; where it leads, and its words.
    Redirect {
        target: String,
        text: String,
    },
    /// A form shown again with what was wrong.
    FormErrors(Vec<String>),
    Maintenance(String),
    /// A check for robots, in front of the forum.
    Challenge,
    VBulletin3,
    VBulletin5,
    Empty,
    CutOff,
    /// A feed (`external.php`), of so many threads.
    Feed(usize),
    /// A thread without the posts' ids: made for printers, or for search engines.
    Bare,
    /// A page of this engine that is none of these, by its script (`member`, `search`).
    Other(String),
    /// A browser's bundle of a page and its files (MHTML).
    Bundle,
    /// Not a page of this engine, nor of any software that could be told; its title.
    Titled(String),
    /// Not a page of this engine; by which software, where it says so.
    Foreign(Option<String>),
}

impl PageKind {
    /// What it is, for people; `wanted` is what was asked for.
    pub fn describe(&self, wanted: &str) -> String {
        match self {
            Self::Thread => format!("this is a thread, not {wanted}"),
            Self::Board => format!("this is a list of threads, not {wanted}"),
            Self::Home => format!("this is the forum's front page, not {wanted}"),
            Self::Message { text, log_in: true } => {
                format!("the forum wants a log-in before it shows {wanted}; it says: {text}")
            }
            Self::Message { text, .. } => format!("the forum says: {text}"),
            Self::Redirect { text, .. } => format!("this is a redirect page, not {wanted}: {text}"),
            Self::FormErrors(errors) => format!("the forum says: {}", errors.join(" ")),
            Self::Maintenance(text) => format!("the forum is closed for maintenance: {text}"),
            Self::Challenge => {
                "a check for robots (Cloudflare or the like) stands in front of the forum".to_owned()
            }
            Self::VBulletin3 => {
                "this page is of vBulletin 3, which is not supported; only vBulletin 4 is".to_owned()
            }
            Self::VBulletin5 => {
                "this page is of vBulletin 5, which is not supported; only vBulletin 4 is".to_owned()
            }
            Self::Empty => "the page is empty".to_owned(),
            Self::CutOff => "the page is cut off: its end is missing".to_owned(),
            Self::Feed(1) => format!("this is a feed of one thread, not {wanted}"),
            Self::Feed(threads) => format!("this is a feed of {threads} threads, not {wanted}"),
            Self::Bare => {
                "this is a thread as it is printed or archived, without the posts' ids; read the thread itself"
                    .to_owned()
            }
            Self::Other(script) => match script_words(script) {
                Some(words) => format!("this is {words}, not {wanted}"),
                None if script.is_empty() => format!("this vBulletin 4 page is not {wanted}"),
                None => format!("this is the page {script}.php of vBulletin 4, not {wanted}"),
            },
            Self::Bundle => {
                "this is a browser's bundle of a page and its files (MHTML); save the page as HTML alone".to_owned()
            }
            Self::Titled(title) => format!("this is not a page of vBulletin 4; its title is \"{title}\""),
            Self::Foreign(Some(software)) => {
                format!("this is not a page of vBulletin 4; it says that it is of {software}")
            }
            Self::Foreign(None) => "this is not a page of vBulletin 4".to_owned(),
        }
    }
}

fn script_words(script: &str) -> Option<&'static str> {
    Some(match script {
        "member" => "a member's page",
        "search" => "the forum's search",
        "announcement" => "an announcement",
        "tags" => "a list of tags",
        "private" => "a page of private messages",
        "memberlist" => "the list of members",
        "forumdisplay" => "a board without threads",
        "showthread" => "a thread page without posts",
        "activity" => "what is new on the forum",
        "login" | "register" => "a form to log in or to register",
        "newreply" | "newthread" | "editpost" | "sendmessage" | "report" => "a form to write in",
        "vbcms" => "an article or a front page of articles",
        "blog" | "entry" => "a blog",
        "group" | "groupsubscription" => "a social group",
        "album" | "picture" => "an album of pictures",
        "calendar" => "the forum's calendar",
        "faq" => "the forum's help",
        "online" => "who is on the forum",
        "showgroups" => "the list of the forum's staff",
        "poll" => "the result of a poll",
        "usercp" | "profile" | "subscription" => "a page of the viewer's own settings",
        _ => return None,
    })
}

/// Tells what a page is.
pub fn what_is(page: &str) -> PageKind {
    if page.trim().is_empty() {
        return PageKind::Empty;
    }
    match document(page) {
        Ok(parsed) => of(page, &parsed),
        Err(_) => PageKind::Foreign(None),
    }
}

/// Scripts whose pages hold what looks like posts and is none of a thread.
const OTHER_POSTS: [&str; 15] = [
    "private",
    "announcement",
    "member",
    "search",
    "newreply",
    "newthread",
    "editpost",
    "group",
    "blog",
    "usernote",
    "vbcms",
    "moderation",
    "inlinemod",
    "converse",
    "album",
];

/// Whether a page's end is there: after everything that a list could hold.
pub fn is_complete(page: &str) -> bool {
    after_end(page)
        .is_some_and(|rest| !rest.contains("id=\"post_message_") && !rest.contains("class=\"threadbit"))
}

/// Whether nothing at all is missing. The end that was found may be one that stands in a script or a comment, and
/// then parts of the page follow it.
pub fn is_whole(page: &str) -> bool {
    after_end(page).is_some_and(|rest| !["<div", "<li", "<form"].iter().any(|open| rest.contains(open)))
}

fn after_end(page: &str) -> Option<&str> {
    // Some styles forget the last tag.
    let end = ["</html", "</HTML", "</body", "</BODY"].into_iter().find_map(|tag| page.rfind(tag))?;
    Some(&page[end..])
}

fn is_challenge(page: &str) -> bool {
    let early = beginning(page, 6_000);
    let signs = [
        "cf-browser-verification",
        "cf_chl_opt",
        "challenge-platform",
        "cf-challenge",
        "<title>Just a moment...",
        "Attention Required! | Cloudflare",
        "DDoS protection by",
        "sucuri_cloudproxy",
        "_Incapsula_Resource",
        "ddos-guard",
        "captcha-delivery.com",
        "Checking your browser before accessing",
        "Enable JavaScript and cookies to continue",
    ];
    !holds(page, "id=\"postlist\"") && signs.iter().any(|sign| holds(early, sign))
}

/// The first characters of a page.
fn beginning(page: &str, characters: usize) -> &str {
    if let Some(plain) = page.get(..characters).filter(|text| text.is_ascii()) {
        return plain;
    }
    page.char_indices().nth(characters).map_or(page, |(end, _)| &page[..end])
}

/// Whether a page holds a word; pages are long.
fn holds(page: &str, word: &str) -> bool {
    memmem::find(page.as_bytes(), word.as_bytes()).is_some()
}

/// The same for a page that is parsed already.
pub fn of(page: &str, parsed: &Html) -> PageKind {
    if is_challenge(page) {
        return PageKind::Challenge;
    }
    let early = beginning(page.trim_start(), 400);
    if ["<rss", "<rdf:RDF", "<feed"].iter().any(|root| early.contains(root)) {
        return PageKind::Feed(
            page.matches("<item>").count() + page.matches("<item ").count() + page.matches("<entry>").count(),
        );
    }
    if holds(early, "MIME-Version:") && holds(early, "multipart/related") {
        return PageKind::Bundle;
    }
    let root = parsed.root_element();
    let has = |selector| parsed.select(selector).next().is_some();
    let generators = || {
        let tags = root.select(css!("meta[name=generator], meta[name=GENERATOR]"));
        tags.filter_map(|meta| meta.value().attr("content")).filter(|content| !content.trim().is_empty())
    };
    let generator = generators().find(|content| content.contains("vBulletin")).unwrap_or_default();
    if generator.contains("vBulletin 5")
        || generator.contains("vBulletin 6")
        || has(css!("li.b-post[data-node-id]"))
        || holds(page, "js-post__content")
    {
        return PageKind::VBulletin5;
    }
    let old = || {
        has(css!("[id^=td_post_], td#td_threadtitle_0, table[id^=post] td.thead"))
            || holds(page, "id=\"td_threadtitle_")
            || holds(page, "id=\"td_post_")
    };
    if !has(css!("ol#posts, #postlist")) && (old() || generator.contains("vBulletin 3")) {
        return PageKind::VBulletin3;
    }
    let complete = is_complete(page);
    if has(css!("ul#postlist > li.blockbody, .pagebody > .post > .posttop")) {
        return PageKind::Bare;
    }
    let script = super::head(page).script.unwrap_or_default();
    if !OTHER_POSTS.contains(&script.as_str()) && super::post::items(parsed).next().is_some() {
        return if complete { PageKind::Thread } else { PageKind::CutOff };
    }
    if has(css!("form[name=postvarform]")) {
        return redirect(parsed);
    }
    if let Some(errors) = form_errors(parsed) {
        return PageKind::FormErrors(errors);
    }
    if let Some(box_) = root.select(css!(".standard_error")).next() {
        return message(page, box_);
    }
    if has(css!("#threadlist, ol#threads, #threadslist, li.threadbit, tr.threadbit")) {
        return if complete { PageKind::Board } else { PageKind::CutOff };
    }
    if has(css!("ol#forums, #forums, li.forumbit_nopost, li.forumbit_post")) {
        return if complete { PageKind::Home } else { PageKind::CutOff };
    }
    let vb4 = has(css!("html#vbulletin_html"))
        || generator.contains("vBulletin 4")
        || page.contains("vbulletin-core.js");
    match (vb4, complete) {
        (true, true) => PageKind::Other(script),
        (true, false) => PageKind::CutOff,
        (false, _) if OLD.iter().any(|sign| holds(page, sign)) => PageKind::VBulletin3,
        (false, _) => {
            let software = generators().next().map(super::squeezed).or_else(|| by_shape(page, parsed));
            let title = || first(root, css!("title")).map(text_of).and_then(super::some);
            match (software, title) {
                (Some(software), _) => PageKind::Foreign(Some(software)),
                (None, title) => title().map_or(PageKind::Foreign(None), |title| {
                    PageKind::Titled(title.chars().take(200).collect())
                }),
            }
        }
    }
}

/// What vBulletin 3 writes at the foot of its pages.
const OLD: [&str; 3] = ["vBulletin® Version 3.", "vBulletin&reg; Version 3.", "vBulletin Version 3."];

/// Well-known software that puts no name into its pages but is known by their shape.
fn by_shape(text: &str, page: &Html) -> Option<String> {
    let has = |selector| page.select(selector).next().is_some();
    let known = [
        (css!("html#XF, html#XenForo"), "XenForo"),
        (css!("body#phpbb"), "phpBB"),
        (css!("#smf_footer, body#smf"), "Simple Machines Forum"),
        (css!("body#ipboard_body, body.ipsApp, [data-role=ipsQuickSearch]"), "Invision Community"),
        (css!("discourse-assets, #data-discourse-setup"), "Discourse"),
    ];
    let by_shape = known.into_iter().find(|(selector, _)| has(selector)).map(|(_, name)| name);
    // What the line at the foot of the page thanks.
    let by_words = || {
        let names = [
            "phpBB",
            "MyBB",
            "SMF",
            "vBulletin",
            "Invision",
            "Woltlab",
            "WoltLab",
            "FluxBB",
            "PunBB",
            "XenForo",
            "Vanilla",
            "NodeBB",
            "Flarum",
        ];
        ["Powered by ", "Powered By ", "powered by "]
            .iter()
            .flat_map(|by| text.split(by).skip(1).take(20))
            .find_map(|rest| {
                // Perhaps as a link.
                let rest = rest
                    .strip_prefix("<a ")
                    .and_then(|tag| tag.split_once('>'))
                    .map_or(rest, |(_, words)| words);
                names.into_iter().find(|name| rest.starts_with(name))
            })
    };
    by_shape.or_else(by_words).map(str::to_owned)
}

fn redirect(parsed: &Html) -> PageKind {
    let root = parsed.root_element();
    let form = first(root, css!("form[name=postvarform]"));
    let link = first(root, css!(".redirect_button a[href]")).and_then(|a| a.value().attr("href"));
    let target =
        link.or_else(|| form.and_then(|form| form.value().attr("action"))).unwrap_or_default().to_owned();
    let text =
        first(root, css!(".standard_error .blockrow.restore, .standard_error .blockrow, .blockrow.restore"))
            .map(text_of)
            .unwrap_or_default();
    PageKind::Redirect { target, text }
}

/// Errors above a form. A thread page holds an empty slot of the same classes that is `hidden`.
fn form_errors(parsed: &Html) -> Option<Vec<String>> {
    let block = parsed
        .select(css!(".errorblock"))
        .find(|block| !block.value().classes().any(|class| class == "hidden"))?;
    let mut errors: Vec<String> =
        block.select(css!(".blockrow.error li")).map(text_of).filter(|text| !text.is_empty()).collect();
    if errors.is_empty() {
        errors =
            block.select(css!(".blockrow.error, .blockrow")).map(text_of).filter(|t| !t.is_empty()).collect();
    }
    (!errors.is_empty()).then_some(errors)
}

fn message(page: &str, box_: ElementRef<'_>) -> PageKind {
    let log_in = first(box_, css!("input[name=vb_login_username]")).is_some();
    let rows: Vec<String> = box_
        .select(css!(".blockrow.restore, .blockrow, .standard_error_text"))
        .take(1)
        .map(text_of)
        .filter(|text| !text.is_empty())
        .collect();
    let text = if rows.is_empty() { text_of(box_) } else { rows.join(" ") };
    let text: String = text.chars().take(600).collect();
    // The notice of a closed board stands alone: no navigation, no log-in of its own, no script's name.
    let script = super::head(page).script.unwrap_or_default();
    let says = |words: &[&str]| words.iter().any(|word| text.to_lowercase().contains(word));
    // What answers a form may be about the one thread only.
    let of_a_form = matches!(script.as_str(), "newreply" | "newthread" | "editpost" | "post_thanks");
    let closed = page.contains("board_closed")
        || says(&["maintenance", "wartung", "down for", "board is unavailable", "forum is unavailable"])
        || (!of_a_form && says(&["closed for", "temporarily unavailable"]));
    if closed && !log_in {
        return PageKind::Maintenance(text);
    }
    PageKind::Message { text, log_in }
}
