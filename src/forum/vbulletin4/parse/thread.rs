//! A thread page: its own facts, and its posts.

use scraper::{ElementRef, Html};

use super::dates::{Reader, order_of, zone_of_footer};
use super::kind::{self, PageKind};
use super::{
    Context, PageError, base_of, count, counts, css, document, first, links, post, repair, some, text_of,
};
use crate::model::{BoardId, BoardRef, Browsing, Permissions, SimilarThread, Thread, ThreadId, ThreadPage};

/// What is needed to read any part of a page.
pub struct Scope<'a> {
    pub page: &'a Html,
    pub base: url::Url,
    pub dates: Reader,
}

impl Scope<'_> {
    pub fn new<'a>(page: &'a Html, context: &Context) -> Scope<'a> {
        let root = page.root_element();
        let language = root.value().attr("lang").unwrap_or_default().to_lowercase();
        let texts: Vec<String> = page
            .select(css!(
                ".postdate .date, .postdate, .lastedited, .threadlastpost dd, .author .label, .threadmeta"
            ))
            .map(text_of)
            .collect();
        let footer = first(root, css!("#footer_time")).map(text_of).unwrap_or_default();
        let zone = if context.zone == jiff::tz::TimeZone::UTC {
            zone_of_footer(&footer).unwrap_or_else(|| context.zone.clone())
        } else {
            context.zone.clone()
        };
        let order = order_of(texts.iter().map(String::as_str), context.now, &language);
        Scope { page, base: base_of(page, &context.url), dates: Reader { zone, now: context.now, order } }
    }

    pub fn address(&self, href: &str) -> Option<url::Url> {
        let href = href.trim();
        (!href.is_empty() && !href.starts_with('#')).then(|| self.base.join(href).ok()).flatten()
    }
}

/// Reads a thread page. An error says what the page is instead.
pub fn thread_page(text: &str, context: &Context) -> Result<ThreadPage, PageError> {
    if text.trim().is_empty() {
        return Err(PageError(PageKind::Empty.describe("a thread")));
    }
    let page = document(text)?;
    match kind::of(text, &page) {
        PageKind::Thread => {}
        other => return Err(PageError(other.describe("a thread"))),
    }
    let scope = Scope::new(&page, context);
    let mut posts = post::posts(&page, &scope);
    if let Some(script) = repair::posts_in_script(text) {
        let more = document(&script)?;
        posts.extend(post::posts(&more, &scope));
        posts.sort_by_key(|post| post.number.unwrap_or(u32::MAX));
    }
    // Pages that were saved while they changed hold a post twice.
    let mut seen = std::collections::HashSet::new();
    posts.retain(|post| seen.insert(post.id.clone()));
    if posts.is_empty() {
        return Err(PageError("this thread page holds no post that can be read".to_owned()));
    }
    let mut thread = thread(&scope, context);
    if let Some(id) = &thread.id {
        thread.url = Some(links::cleaned(&links::thread(&scope.base, id, None)));
    }
    fill_results(&mut thread, &posts);
    let (permissions, listed) = permissions(&page);
    thread.reply_allowed = thread.reply_allowed.or(if listed { permissions.post_replies } else { None });
    Ok(ThreadPage { thread, permissions, posts })
}

fn thread(scope: &Scope<'_>, context: &Context) -> Thread {
    let root = scope.page.root_element();
    let heading = first(root, css!("#pagetitle"));
    let title = heading
        .and_then(|heading| first(heading, css!(".threadtitle a, .threadtitle")))
        .or_else(|| first(root, css!("h1 .threadtitle, .threadtitle a, #pagetitle h1, h1")))
        .map(text_of)
        .filter(|title| !title.is_empty())
        .or_else(|| first(root, css!("title")).map(text_of))
        .unwrap_or_default();
    let prefix = heading
        .and_then(|heading| first(heading, css!(".prefix, [id^=thread_prefix]")))
        .or_else(|| heading.and_then(prefix_beside_title))
        .map(text_of)
        .and_then(|prefix| some(prefix.trim_end_matches(':').trim().to_owned()));
    let (page, pages) = pagination(scope);
    let (first_result, last_result, total_results) = results(root);
    let reply = first(
        root,
        css!("a#newreplylink_top, a#newreplylink_bottom, a.newreply_button, a.newcontent_textcontrol"),
    );
    let closed = closed(root, reply);
    Thread {
        id: thread_id(scope, context),
        url: None,
        title,
        prefix,
        board: board(scope),
        closed,
        sticky: None,
        page,
        pages,
        first_result,
        last_result,
        total_results,
        tags: tags(root),
        reply_allowed: match closed {
            Some(true) => Some(false),
            _ => reply
                .filter(|link| link.value().attr("href").is_some_and(|href| href.contains("newreply.php")))
                .map(|_| true),
        },
        similar: similar(scope),
        browsing: browsing(root),
    }
}

/// A prefix is the heading's text before the title's own element.
fn prefix_beside_title(heading: ElementRef<'_>) -> Option<ElementRef<'_>> {
    let line = first(heading, css!("h1"))?;
    line.child_elements().find(|child| {
        let class = child.value().attr("class").unwrap_or_default();
        child.value().name() == "span" && !class.contains("threadtitle") && !class.contains("statusicon")
    })
}

/// The surest sources first: the print link, hidden fields, the canonical address, the page's own.
fn thread_id(scope: &Scope<'_>, context: &Context) -> Option<ThreadId> {
    let root = scope.page.root_element();
    let hidden = root
        .select(css!("input[name=searchthreadid], form.pagination input[name=t], form#quick_reply input[name=t], input[name=threadid]"))
        .filter_map(|input| input.value().attr("value"))
        .find(|value| value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty());
    if let Some(id) = hidden {
        return Some(ThreadId::new(id));
    }
    let linked = |selector| {
        root.select(selector)
            .find_map(|link: ElementRef<'_>| links::place(&scope.address(link.value().attr("href")?)?).thread)
    };
    linked(css!(
        "#threadtools a[href*=printthread], #thread_controls a[href*=printthread], a[href*=printthread]"
    ))
    .or_else(|| linked(css!("link[rel=canonical]")))
    .or_else(|| links::place(&context.url).thread)
    .or_else(|| linked(css!(".threadtitle a[href], a.postcounter[href]")))
}

/// The page's number and how many there are.
fn pagination(scope: &Scope<'_>) -> (u32, u32) {
    let root = scope.page.root_element();
    let narrow = |number: u64| u32::try_from(number).unwrap_or(1).max(1);
    if let Some(label) = first(
        root,
        css!("#pagination_top a.popupctrl, #pagination_bottom a.popupctrl, .pagination a.popupctrl"),
    ) && let [page, pages, ..] = counts(&text_of(label)).as_slice()
    {
        return (narrow(*page), narrow(*pages).max(narrow(*page)));
    }
    let selected =
        first(root, css!("#pagination_top .selected, #pagination_bottom .selected, .pagination .selected"));
    let page = selected.and_then(|selected| count(&text_of(selected))).map_or(1, narrow);
    let most = root
        .select(css!("#pagination_top span a, #pagination_bottom span a"))
        .filter_map(|link| {
            let named = scope.address(link.value().attr("href")?).and_then(|url| links::place(&url).page);
            named.or_else(|| text_of(link).parse().ok())
        })
        .max();
    (page, most.unwrap_or(page).max(page))
}

/// "Results 31 to 32 of 32", in any language: three numbers of which the first two are in order.
fn results(root: ElementRef<'_>) -> (Option<u64>, Option<u64>, Option<u64>) {
    let own = root
        .select(css!("#postpagestats_above, .postpagestats, #postpagestats"))
        .map(text_of)
        .chain(
            root.select(css!(
                "#pagination_top .selected a, #pagination_bottom .selected a, .pagination .selected a"
            ))
            .filter_map(|link| link.value().attr("title").map(str::to_owned)),
        )
        .map(|text| counts(&text))
        .find(|numbers| matches!(numbers.as_slice(), [a, b, c, ..] if a <= b && b <= c));
    match own.as_deref() {
        Some([first, last, total, ..]) => (Some(*first), Some(*last), Some(*total)),
        _ => (None, None, None),
    }
}

/// A thread of one page states no results; its posts' numbers do.
fn fill_results(thread: &mut Thread, posts: &[crate::model::Post]) {
    let numbers = || posts.iter().filter_map(|post| post.number).map(u64::from);
    if thread.total_results.is_none() && thread.pages <= 1 && numbers().count() == posts.len() {
        thread.first_result = numbers().min();
        thread.last_result = numbers().max();
        thread.total_results = numbers().max();
    }
}

/// The board: the last forum in the trail, and its id from the trail, the feed or a form.
fn board(scope: &Scope<'_>) -> BoardRef {
    let root = scope.page.root_element();
    let mut id = None;
    let mut name = None;
    for link in root
        .select(css!("#breadcrumb li.navbit > a[href], #breadcrumb a[href], .breadcrumb li.navbit a[href]"))
    {
        let Some(url) = link.value().attr("href").and_then(|href| scope.address(href)) else { continue };
        let place = links::place(&url);
        if place.thread.is_some() || place.member.is_some() {
            continue;
        }
        let text = text_of(link);
        let is_front =
            url.path().ends_with("/index.php") || url.path().ends_with("/forum.php") || url.path().len() <= 1;
        if place.board.is_some() || (!text.is_empty() && !is_front) {
            id = place.board;
            name = some(text).or(name);
        }
    }
    let fed = || {
        root.select(css!("link[rel=alternate][href*=forumids]")).find_map(|link| {
            let (_, ids) = link.value().attr("href")?.split_once("forumids=")?;
            let digits: String = ids.chars().take_while(char::is_ascii_digit).collect();
            some(digits).map(BoardId)
        })
    };
    let field = || {
        root.select(css!("input[name=f], select#forumjump option[selected], input[name=forumid]")).find_map(
            |input| {
                let value = input.value().attr("value")?;
                (!value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()))
                    .then(|| BoardId::new(value))
            },
        )
    };
    BoardRef { id: id.or_else(fed).or_else(field), name }
}

fn closed(root: ElementRef<'_>, reply: Option<ElementRef<'_>>) -> Option<bool> {
    if let Some(reply) = reply {
        let text = text_of(reply).to_lowercase();
        let class = reply.value().attr("class").unwrap_or_default().to_lowercase();
        let words = [
            "closed",
            "geschlossen",
            "fermé",
            "ferm\u{e9}e",
            "cerrado",
            "chiuso",
            "đã đóng",
            "gesloten",
            "закрыт",
        ];
        return Some(class.contains("closed") || words.iter().any(|word| text.contains(word)));
    }
    first(root, css!("img[src*=threadclosed], .threadclosed, .closed_thread, #thread_closed")).map(|_| true)
}

fn tags(root: ElementRef<'_>) -> Vec<String> {
    let mut tags: Vec<String> = root
        .select(css!(
            "#tag_list_cell a, #thread_tags_list a[href*=\"tags.php\"], #thread_tags_list a[href*=\"/tags/\"]"
        ))
        .map(text_of)
        .filter(|tag| !tag.is_empty())
        .collect();
    tags.dedup();
    tags
}

fn similar(scope: &Scope<'_>) -> Vec<SimilarThread> {
    let root = scope.page.root_element();
    root.select(css!("#similar_threads li, ol.similar_threads > li"))
        .filter_map(|item| {
            let link = first(item, css!(".titleblock a[href], h6 a[href], a.title[href], a[href]"))?;
            let url = scope.address(link.value().attr("href")?)?;
            let by = first(item, css!(".starter_forum, .titleblock .author"));
            let starter = by.and_then(|by| first(by, css!("a[href*=member]"))).map(text_of);
            let board = by
                .and_then(|by| by.select(css!("a[href]")).filter(|a| Some(text_of(*a)) != starter).last())
                .map(text_of);
            let (plain_author, plain_board) = by.map(|by| by_in(&text_of(by))).unwrap_or_default();
            let dates = first(item, css!(".dateblock"));
            let facts = dates.map(text_of).unwrap_or_default();
            let last = dates
                .and_then(|block| block.select(css!("dd, div, span.time")).last())
                .map(text_of)
                .filter(|text| scope.dates.moment(text).is_some())
                .unwrap_or_else(|| facts.clone());
            Some(SimilarThread {
                id: links::place(&url).thread,
                url: links::cleaned(&url),
                title: text_of(link),
                author: starter.or(plain_author),
                board: board.or(plain_board),
                replies: replies_in(&facts),
                last_post_at: scope.dates.moment(&after_colon(&last)).or_else(|| scope.dates.moment(&last)),
            })
        })
        .collect()
}

/// "By X in forum Y"
fn by_in(text: &str) -> (Option<String>, Option<String>) {
    let text = text.strip_prefix("By ").or_else(|| text.strip_prefix("von ")).unwrap_or(text);
    for middle in [" in forum ", " im Forum ", " dans le forum ", " in "] {
        if let Some((author, board)) = text.split_once(middle) {
            return (some(author.trim().to_owned()), some(board.trim().to_owned()));
        }
    }
    (some(text.trim().to_owned()), None)
}

fn replies_in(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once(':')?;
    counts(rest.trim_start().split(' ').next()?).first().copied()
}

/// What follows the last label: "Last Post: 25th July 2007, 05:51 PM".
fn after_colon(text: &str) -> String {
    text.match_indices(": ").last().map_or(text, |(at, _)| &text[at + 2..]).to_owned()
}

/// "There are currently 1 users browsing this thread. (0 members and 1 guests)"
fn browsing(root: ElementRef<'_>) -> Option<Browsing> {
    let text = first(root, css!("#thread_onlineusers, #thread_info .thread_onlineusers")).map(text_of)?;
    match counts(&text).as_slice() {
        [total, members, guests, ..] => Some(Browsing { total: *total, members: *members, guests: *guests }),
        _ => None,
    }
}

/// "You **may not** post replies": four lines in a fixed order; whether the emphasised words deny is told
/// by their length, for in every language "may not" is "may" and a word more.
fn permissions(page: &Html) -> (Permissions, bool) {
    let rules: Vec<bool> = page
        .select(css!(
            "#forumrules ul.youcandoblock li, #posting_rules ul.youcandoblock li, ul.youcandoblock li"
        ))
        .take(4)
        .map(|line| {
            let strong = first(line, css!("strong, b")).map(text_of).unwrap_or_else(|| text_of(line));
            let words = strong.to_lowercase();
            let denied =
                ["not", "nicht", "keine", "pas", "no ", "non ", "niet", "không", "kann nicht", "не "];
            !denied.iter().any(|word| format!("{words} ").contains(word))
        })
        .collect();
    match rules.as_slice() {
        [threads, replies, attachments, edit] => (
            Permissions {
                post_threads: Some(*threads),
                post_replies: Some(*replies),
                post_attachments: Some(*attachments),
                edit_posts: Some(*edit),
            },
            true,
        ),
        _ => (Permissions::default(), false),
    }
}
