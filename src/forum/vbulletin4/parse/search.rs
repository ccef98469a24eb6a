//! Search results. The forum lists posts or threads, as it was asked to; both become hits.

use crate::markup::html::tree::ElementRef;

use super::kind::{self, PageKind};
use super::scope::Scope;
use super::thread::{pagination, results};
use super::{Context, PageError, best, counts, css, document, first, links, phrases, some, text_of};
use crate::model::{BoardRef, Found, PostId, SearchPage, ThreadId};

/// Reads a page of search results. A search that found nothing is a page without hits.
pub fn search_page(text: &str, context: &Context) -> Result<SearchPage, PageError> {
    let page = document(text)?;
    let root = page.root_element();
    let Some(list) = first(root, css!("#searchbits, ol.searchbits")) else {
        return match kind::of(text, &page) {
            PageKind::Message { text, .. } if phrases::says_no_match(&text) => {
                Ok(SearchPage { page: 1, pages: 1, total: Some(0), hits: Vec::new() })
            }
            other => Err(PageError(other.describe("search results"))),
        };
    };
    if !kind::is_complete(text) {
        return Err(PageError(PageKind::CutOff.describe("search results")));
    }
    let scope = Scope::new(&page, context, kind::is_whole(text));
    let hits =
        list.select(css!("li[id^=post_], li[id^=thread_]")).filter_map(|item| hit(item, &scope)).collect();
    let (page, pages) = pagination(&scope);
    let (.., total) = results(root);
    Ok(SearchPage { page, pages, total, hits })
}

fn hit(item: ElementRef<'_>, scope: &Scope<'_>) -> Option<Found> {
    let id = item.value().attr("id")?;
    let number = |prefix| id.strip_prefix(prefix).filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
    match number("post_") {
        Some(id) => post(item, id, scope),
        None => thread(item, number("thread_")?, scope),
    }
}

fn post(item: ElementRef<'_>, id: &str, scope: &Scope<'_>) -> Option<Found> {
    let place = |link: ElementRef<'_>| Some(links::place(&scope.address(link.value().attr("href")?)?));
    let head = first(item, css!(".username_container"));
    let named = head.and_then(|head| first(head, css!("h2 a[href]")));
    let link = first(item, css!(".posttitle a[href], h3 a[href]"));
    let thread = named.and_then(place).and_then(|place| place.thread);
    let id = PostId::new(id);
    Some(Found {
        thread: thread.or_else(|| link.and_then(place)?.thread),
        url: links::post(&scope.root, &id).to_string(),
        post: Some(id),
        title: text_of(named.or(link)?),
        author: head.and_then(by),
        board: board(item, scope),
        at: best(item, [css!(".postdate .date"), css!(".postdate")])
            .and_then(|date| scope.dates.moment(&text_of(date))),
        snippet: first(
            item,
            css!("[id^=post_message_] blockquote, [id^=post_message_], blockquote.postcontent"),
        )
        .and_then(|words| some(text_of(words))),
        replies: first(item, css!(".userstats dd"))
            .and_then(|replies| counts(&text_of(replies)).first().copied()),
    })
}

/// The author beside a post: a link to the member, or the last word of "by NAME" for those who have no page.
fn by(head: ElementRef<'_>) -> Option<String> {
    let linked = head.select(css!("a[href]")).find(|link| !super::is_inside(*link, "h2"));
    linked.map(text_of).and_then(some).or_else(|| {
        let heading = first(head, css!("h2")).map(text_of).unwrap_or_default();
        let rest = text_of(head).replacen(&heading, "", 1);
        rest.trim().split_once(' ').and_then(|(_, name)| some(name.trim().to_owned()))
    })
}

fn thread(item: ElementRef<'_>, id: &str, scope: &Scope<'_>) -> Option<Found> {
    let row = super::board::row_of(item, scope)?;
    let id = ThreadId::new(id);
    Some(Found {
        url: links::thread(&scope.root, &id, None).to_string(),
        thread: Some(id),
        post: None,
        title: row.title,
        author: row.author,
        board: board(item, scope),
        at: row.last_post_at,
        snippet: first(item, css!("a.title[title]"))
            .and_then(|link| link.value().attr("title"))
            .and_then(|title| some(super::squeezed(title))),
        replies: row.replies,
    })
}

fn board(item: ElementRef<'_>, scope: &Scope<'_>) -> BoardRef {
    let link = first(item, css!(".threadpostedin a[href], .threadpostedin p a"));
    BoardRef {
        id: link.and_then(|link| links::place(&scope.address(link.value().attr("href")?)?).board),
        name: link.map(text_of).and_then(some),
    }
}
