//! A thread page: its own facts, and its posts.

use crate::markup::html::tree::{ElementRef, Html};

use super::kind::{self, PageKind};
use super::scope::Scope;
use super::{
    Context, Distinct, PageError, best, count, counts, css, document, first, links, phrases, post, repair,
    some, text_of,
};
use crate::model::{BoardId, BoardRef, Browsing, Permissions, SimilarThread, Thread, ThreadId, ThreadPage};

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
    let scope = Scope::new(&page, context, kind::is_whole(text));
    let mut posts = post::posts(&page, &scope)?;
    if let Some(script) = repair::posts_in_script(text) {
        let more = document(&script)?;
        posts.extend(post::posts(&more, &scope)?);
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
        thread.url = Some(links::thread(&scope.root, id, None).to_string());
    }
    fill_results(&mut thread, &posts);
    let permissions = permissions(&page);
    thread.reply_allowed = thread.reply_allowed.or(permissions.post_replies);
    Ok(ThreadPage { thread, permissions, posts })
}

fn thread(scope: &Scope<'_>, context: &Context) -> Thread {
    let root = scope.page.root_element();
    let heading = first(root, css!("#pagetitle"));
    let trail = first(root, css!(".lastnavbit")).map(text_of).unwrap_or_default();
    let title = heading
        .and_then(|heading| first(heading, css!(".threadtitle a, .threadtitle")))
        .or_else(|| first(root, css!("h1 .threadtitle, .threadtitle a, .threadtitle")))
        .map(text_of)
        .and_then(some)
        .or_else(|| some(trail.clone()))
        .or_else(|| best(root, [css!("#pagetitle h1"), css!("title"), css!("h1")]).map(text_of))
        .unwrap_or_default();
    let prefix = heading
        .and_then(|heading| first(heading, css!(".prefix, [id^=thread_prefix]")))
        .or_else(|| heading.and_then(prefix_beside_title))
        .map(text_of)
        .or_else(|| {
            // The trail ends in the title with its prefix, which styles may leave out of the heading.
            trail.strip_suffix(&title).filter(|rest| rest.ends_with(' ')).map(str::to_owned)
        })
        .and_then(|prefix| some(prefix.trim().trim_end_matches(':').trim().to_owned()));
    let (page, pages) = pagination(scope);
    let (first_result, last_result, total_results) = results(root);
    let mut buttons = root.select(css!(
        "a[id^=newreplylink], a.newreply_button, a.newcontent_textcontrol[href*=newreply], #above_postlist a[href*=newreply]"
    ));
    let reply = buttons.next();
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
        tags: tags(scope),
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
        let framed = matches!(child.value().name(), "span" | "b" | "strong" | "font" | "em" | "i");
        framed && !class.contains("threadtitle") && !class.contains("statusicon")
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
pub fn pagination(scope: &Scope<'_>) -> (u32, u32) {
    let root = scope.page.root_element();
    let narrow = |number: u64| u32::try_from(number).unwrap_or(1).max(1);
    if let Some(label) = first(
        root,
        css!("#pagination_top a.popupctrl, #pagination_bottom a.popupctrl, .pagination a.popupctrl"),
    ) && let [page, pages, ..] = counts(&text_of(label)).as_slice()
    {
        // Some languages name the whole first: "Toplam 10 Sayfadan 3. Sayfa".
        return (narrow(*page.min(pages)), narrow(*page.max(pages)));
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

/// "Results 31 to 32 of 32", in any language: three numbers, of which the whole may be the first or the last.
pub fn results(root: ElementRef<'_>) -> (Option<u64>, Option<u64>, Option<u64>) {
    let own = root
        .select(css!("#postpagestats_above, .postpagestats, #postpagestats"))
        .map(text_of)
        .chain(
            root.select(css!(
                "#pagination_top .selected a, #pagination_bottom .selected a, .pagination .selected a"
            ))
            .filter_map(|link| link.value().attr("title").map(str::to_owned)),
        )
        .find_map(|text| match counts(&text).as_slice() {
            [first, last, total, ..] if first <= last && last <= total => Some((*first, *last, *total)),
            [total, first, last, ..] if first <= last && last <= total => Some((*first, *last, *total)),
            _ => None,
        });
    match own {
        Some((first, last, total)) => (Some(first), Some(last), Some(total)),
        None => (None, None, None),
    }
}

/// A thread of one page states no results; its posts' numbers do.
fn fill_results(thread: &mut Thread, posts: &[crate::model::Post]) {
    let numbers = || posts.iter().filter_map(|post| post.number).map(u64::from);
    // A page that shows one post of many begins elsewhere.
    let whole = numbers().count() == posts.len() && numbers().min() == Some(1);
    if thread.total_results.is_none() && thread.pages <= 1 && whole {
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
    let trail = || {
        // Styles that write their trail in their own way.
        let links = root.select(css!(".breadcrumb a[href], .crumbs a[href], [itemtype*=readcrumb] a[href]"));
        let named = links.filter_map(|link| {
            let board = links::place(&scope.address(link.value().attr("href")?)?).board?;
            Some((board, some(text_of(link))?))
        });
        named.last()
    };
    if name.is_none()
        && let Some((board, words)) = trail()
    {
        id = id.or(Some(board));
        name = Some(words);
    }
    let id = id.or_else(fed).or_else(field);
    let elsewhere = || {
        let named = |link: ElementRef<'_>| {
            let board = links::place(&scope.address(link.value().attr("href")?)?).board;
            (board.is_some() && board == id).then(|| some(text_of(link))).flatten()
        };
        root.select(css!("a[href]")).find_map(named)
    };
    BoardRef { name: name.or_else(elsewhere), id }
}

fn closed(root: ElementRef<'_>, reply: Option<ElementRef<'_>>) -> Option<bool> {
    let sign =
        root.select(css!("img[src*=threadclosed], .threadclosed, .closed_thread, #thread_closed")).next();
    let Some(reply) = reply else { return sign.map(|_| true) };
    let class = reply.value().attr("class").unwrap_or_default().to_lowercase();
    let named =
        first(reply, css!("img[alt]")).and_then(|image| image.value().attr("alt")).unwrap_or_default();
    let words = format!("{} {named}", text_of(reply));
    Some(class.contains("closed") || sign.is_some() || phrases::says_closed(&words))
}

/// The tags, without the link to all tags that stands beside them.
fn tags(scope: &Scope<'_>) -> Vec<String> {
    let is_tag = |link: &ElementRef<'_>| {
        let Some(url) = link.value().attr("href").and_then(|href| scope.address(href)) else { return false };
        let (folder, last) = url.path().trim_end_matches('/').rsplit_once('/').unwrap_or_default();
        url.query_pairs().any(|(key, value)| key == "tag" && !value.is_empty())
            || matches!(folder.rsplit('/').next(), Some("tags" | "tag")) && !last.is_empty()
            || last == "tags.php"
                && url.query().is_some_and(|query| !query.is_empty() && !query.contains('='))
    };
    let links = scope.page.root_element().select(css!("#tag_list_cell a[href], #thread_tags_list a[href]"));
    let mut tags = Distinct::default();
    links.filter(is_tag).for_each(|link| tags.add(text_of(link)));
    tags.list
}

fn similar(scope: &Scope<'_>) -> Vec<SimilarThread> {
    let root = scope.page.root_element();
    let items: Vec<_> =
        root.select(css!("#similar_threads li, ol.similar_threads > li, #similar_threads_list li")).collect();
    let by: Vec<_> = items
        .iter()
        .map(|item| first(*item, css!(".titleblock .starter_forum, .titleblock .author")))
        .collect();
    let lines: Vec<String> = by.iter().map(|by| by.map(text_of).unwrap_or_default()).collect();
    let found = items.iter().zip(by).zip(&lines).filter_map(|((item, by), line)| {
        let link =
            first(*item, css!(".titleblock h6 a[href], .titleblock a[href], h6 a[href], a.title[href]"))
                .or_else(|| first(*item, css!("a[href]")))?;
        let url = scope.address(link.value().attr("href")?)?;
        let linked = |is: fn(&crate::forum::Place, &str) -> bool| {
            by?.select(css!("a[href]")).find_map(|link| {
                let href = link.value().attr("href")?;
                let place = links::place(&scope.address(href)?);
                is(&place, href).then(|| text_of(link))
            })
        };
        let starter = linked(|place, href| place.member.is_some() || href.contains("member"));
        let board = linked(|place, href| place.member.is_none() && !href.contains("member"));
        let (by_author, by_board) = phrases::by_in(line, &lines);
        let dates = first(*item, css!(".dateblock"));
        let facts = dates.map(text_of).unwrap_or_default();
        let last = dates
            .and_then(|block| block.select(css!(".starter_forum, dd, div, span.time")).last())
            .map(text_of)
            .filter(|text| scope.dates.moment(text).is_some())
            .unwrap_or_else(|| facts.clone());
        Some(SimilarThread {
            id: links::place(&url).thread,
            url: links::cleaned(&url),
            title: text_of(link),
            author: starter.or(by_author),
            board: board.or(by_board),
            replies: replies_in(&facts),
            last_post_at: scope.dates.moment(after_label(&last)).or_else(|| scope.dates.moment(&last)),
        })
    });
    found.collect()
}

fn replies_in(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once([':', '：'])?;
    counts(rest.trim_start().split(' ').next()?).first().copied()
}

/// What follows the last label: "Last Post: 25th July 2007, 05:51 PM".
fn after_label(text: &str) -> &str {
    text.match_indices(": ").last().map_or(text, |(at, _)| &text[at + 2..])
}

/// "There are currently 1 users browsing this thread. (0 members and 1 guests)": the sentence ends with the
/// parenthesis, and names of people follow it. Where no guests are told of, there are the others.
fn browsing(root: ElementRef<'_>) -> Option<Browsing> {
    let frame = first(root, css!("#thread_onlineusers, #thread_info .thread_onlineusers"))?;
    let text = text_of(first(frame, css!("p")).unwrap_or(frame));
    let (sentence, _) = text.split_once([')', '）'])?;
    match counts(sentence).as_slice() {
        [total, members, guests] => Some(Browsing { total: *total, members: *members, guests: *guests }),
        [total, members] if members <= total => {
            Some(Browsing { total: *total, members: *members, guests: total - members })
        }
        _ => None,
    }
}

/// "You **may not** post replies": four lines in a fixed order. All or none, for a list that is half understood
/// is not understood.
fn permissions(page: &Html) -> Permissions {
    let rules: Vec<bool> = page
        .select(css!(
            "#forumrules ul.youcandoblock li, #posting_rules ul.youcandoblock li, ul.youcandoblock li"
        ))
        .take(4)
        .map_while(|line| phrases::allows(&text_of(line), &first(line, css!("strong, b")).map(text_of)?))
        .collect();
    match rules.as_slice() {
        [threads, replies, attachments, edit] => Permissions {
            post_threads: Some(*threads),
            post_replies: Some(*replies),
            post_attachments: Some(*attachments),
            edit_posts: Some(*edit),
        },
        _ => Permissions::default(),
    }
}
