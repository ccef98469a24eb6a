//! A board's list of threads, and the forum's list of boards.

use std::collections::{HashMap, HashSet};

use crate::markup::html::tree::ElementRef;

use super::kind::{self, PageKind};
use super::scope::Scope;
use super::{Context, PageError, best, count, counts, css, document, first, links, some, text_of};
use crate::model::{Board, BoardId, BoardPage, BoardRef, PostId, ThreadId, ThreadSummary};

/// Reads a board's page, or search results that list threads.
pub fn board_page(text: &str, context: &Context) -> Result<BoardPage, PageError> {
    let page = document(text)?;
    match kind::of(text, &page) {
        PageKind::Board | PageKind::Home => {}
        // A board without a thread still has its frame.
        PageKind::Other(script) if script == "forumdisplay" => {}
        PageKind::Empty => return Err(PageError(PageKind::Empty.describe("a board"))),
        other => return Err(PageError(other.describe("a board"))),
    }
    let scope = Scope::new(&page, context, kind::is_whole(text));
    let root = page.root_element();
    let rows: Vec<_> = root.select(css!(".threadbit[id^=thread_]")).collect();
    let threads: Vec<_> = rows.iter().filter_map(|row| row_of(*row, &scope)).collect();
    if threads.len() < rows.len() {
        return Err(PageError("some threads of this list can't be read".to_owned()));
    }
    let id = links::place(&context.url).board.or_else(|| {
        root.select(css!("link[rel=canonical], link[rel=alternate][href*=forumids], input[name=f]")).find_map(
            |element| {
                let href = element.value().attr("href");
                let by_feed = href
                    .and_then(|href| href.split_once("forumids="))
                    .map(|(_, ids)| BoardId(ids.chars().take_while(char::is_ascii_digit).collect()));
                by_feed
                    .filter(|id| !id.as_str().is_empty())
                    .or_else(|| links::place(&scope.address(href?)?).board)
                    .or_else(|| element.value().attr("value").filter(|v| !v.is_empty()).map(BoardId::new))
            },
        )
    });
    let name = name(root);
    let (number, pages) = pages(root);
    Ok(BoardPage { board: BoardRef { id, name }, page: number, pages, threads, boards: listed(root, &scope) })
}

/// The board's name, without the "Forum:" that stands before it.
fn name(root: ElementRef<'_>) -> Option<String> {
    if let Some(name) =
        first(root, css!("#pagetitle .forumtitle, h1 .forumtitle")).map(text_of).and_then(some)
    {
        return Some(name);
    }
    let heading = best(root, [css!("#pagetitle h1"), css!("#pagetitle"), css!("h1")]).map(text_of)?;
    let trail = first(root, css!(".lastnavbit")).map(text_of).and_then(some);
    let named = trail.filter(|trail| heading.ends_with(trail.as_str()));
    named.or_else(|| {
        const FORUM: [&str; 12] = [
            "forum",
            "foro",
            "fórum",
            "форум",
            "раздел",
            "diễn đàn",
            "φόρουμ",
            "המדור",
            "פורום",
            "المنتدى",
            "انجمن",
            "版块",
        ];
        let rest =
            heading.split_once(':').filter(|(word, _)| FORUM.contains(&word.trim().to_lowercase().as_str()));
        some(rest.map_or(heading.as_str(), |(_, name)| name.trim()).to_owned())
    })
}

/// Reads the forum's front page: every board that it lists.
pub fn boards(text: &str, context: &Context) -> Result<Vec<Board>, PageError> {
    let page = document(text)?;
    match kind::of(text, &page) {
        PageKind::Home | PageKind::Board | PageKind::Other(_) => {}
        other => return Err(PageError(other.describe("the forum's front page"))),
    }
    let scope = Scope::new(&page, context, kind::is_whole(text));
    Ok(listed(page.root_element(), &scope))
}

/// Reads the forum's front page: of each board that it tells the number of posts of, that number and which is the
/// last. Posts of the boards within a board count as its own.
pub fn overview(text: &str, context: &Context) -> Result<HashMap<BoardId, String>, PageError> {
    let page = document(text)?;
    match kind::of(text, &page) {
        PageKind::Home | PageKind::Board | PageKind::Other(_) => {}
        other => return Err(PageError(other.describe("the forum's front page"))),
    }
    let scope = Scope::new(&page, context, kind::is_whole(text));
    let marks = rows(page.root_element(), &scope).into_iter().filter_map(|(board, item)| {
        let numbers = counts(&text_of(first(item, css!("ul.forumstats, .forumstats"))?));
        let last = item.select(css!(".forumlastpost a[href]")).find_map(|link| {
            let url = scope.address(link.value().attr("href")?)?;
            links::place(&url).post
        });
        let last = last.map(|post| post.to_string()).unwrap_or_default();
        (!numbers.is_empty()).then(|| (board.id, format!("{numbers:?} {last}")))
    });
    Ok(marks.collect())
}

fn listed(root: ElementRef<'_>, scope: &Scope<'_>) -> Vec<Board> {
    rows(root, scope).into_iter().map(|(board, _)| board).collect()
}

/// The boards of a list, each with its row.
fn rows<'a>(root: ElementRef<'a>, scope: &Scope<'_>) -> Vec<(Board, ElementRef<'a>)> {
    let mut boards = Vec::new();
    let mut seen = HashSet::new();
    for item in root
        .select(css!("li.forumbit_post[id^=forum], li.forumbit_nopost[id^=forum], .forumbit_post[id^=forum]"))
    {
        let Some(link) = first(item, css!(".forumtitle a[href], h2 a[href], a[href*=forumdisplay]")) else {
            continue;
        };
        let url = link.value().attr("href").and_then(|href| scope.address(href));
        let by_id = item.value().attr("id").map(|id| id.trim_start_matches("forum").to_owned());
        let id = by_id.filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
        let id = id.map(BoardId).or_else(|| links::place(url.as_ref()?).board);
        // A category is a board that holds no threads of its own.
        let category = item.value().classes().any(|class| class == "forumbit_nopost");
        if let Some(id) = id
            && !category
            && seen.insert(id.clone())
        {
            let url = url.map(|url| links::cleaned(&url));
            boards.push((Board { id, name: text_of(link), url, parent: None }, item));
        }
    }
    boards
}

fn pages(root: ElementRef<'_>) -> (u32, u32) {
    let label = first(root, css!("a.popupctrl[href^=javascript]"))
        .filter(|link| {
            link.ancestors()
                .filter_map(ElementRef::wrap)
                .take(4)
                .any(|e| e.value().classes().any(|class| class.contains("pagination")))
        })
        .or_else(|| {
            first(
                root,
                css!("form.pagination a.popupctrl, .threadpagenav a.popupctrl, .pagination_top a.popupctrl"),
            )
        });
    match label.map(|label| counts(&text_of(label))).as_deref() {
        Some([page, pages, ..]) => {
            let narrow = |number: u64| u32::try_from(number).unwrap_or(1).max(1);
            (narrow(*page.min(pages)), narrow(*page.max(pages)))
        }
        _ => (1, 1),
    }
}

pub fn row_of(row: ElementRef<'_>, scope: &Scope<'_>) -> Option<ThreadSummary> {
    let id = row.value().attr("id")?.strip_prefix("thread_")?;
    let has = |class: &str| row.value().classes().any(|own| own == class);
    let link = first(
        row,
        css!("a.title[id^=thread_title_], h3.threadtitle a.title, h3 a.title, a[id^=thread_title_]"),
    )
    .or_else(|| row.select(css!("h3 a[href], .threadtitle a[href]")).last())?;
    let url = scope.address(link.value().attr("href")?)?;
    let sticky = has("sticky")
        || row.ancestors().filter_map(ElementRef::wrap).take(3).any(|e| {
            e.value().attr("id") == Some("stickies")
                || e.value().classes().any(|class| class == "stickies" || class == "sticky")
        })
        || row.select(css!(".sticky")).next().is_some() && row.select(css!(".nonsticky")).next().is_none();
    let prefix = first(row, css!(".prefix, [id^=thread_prefix_]")).map(text_of).unwrap_or_default();
    let prefix = prefix.trim_end_matches(':').trim().to_owned();
    let moved = has("moved");
    // The same place holds "Sticky:" and "Moved:".
    let prefix = if sticky || moved { None } else { some(prefix) };
    // Lists that are tables have a cell for it.
    let stats =
        first(row, css!("ul.threadstats, .threadstats")).or_else(|| first(row, css!(".threadreplies")));
    let replies = stats.and_then(|stats| {
        let line = first(stats, css!("li")).unwrap_or(stats);
        let linked = first(line, css!("a")).and_then(|a| count(&text_of(a)));
        linked.or_else(|| counts(&text_of(line)).first().copied())
    });
    let last = first(row, css!(".threadlastpost"));
    let last_link = last.and_then(|last| {
        last.select(css!("a[href]")).find(|a| {
            a.value().classes().any(|class| class.contains("lastpostdate"))
                || a.value()
                    .attr("href")
                    .is_some_and(|href| href.contains("#post") || href.contains("lastpost"))
        })
    });
    let last_url = last_link.and_then(|link| scope.address(link.value().attr("href")?));
    let last_at = last.and_then(|last| {
        let mut lines = last.select(css!("dd")).map(text_of).chain([text_of(last)]);
        lines.find_map(|text| scope.dates.moment(&text))
    });
    Some(ThreadSummary {
        id: ThreadId::new(id),
        url: links::cleaned(&url),
        title: text_of(link),
        prefix,
        author: first(row, css!(".author .username, .author a.username, .threadmeta .username, .author a"))
            .map(text_of)
            .and_then(some),
        replies,
        last_post_id: last_url.and_then(|url| links::place(&url).post).map(|post: PostId| post),
        last_post_at: last_at,
        last_post_by: last
            .and_then(|last| first(last, css!("a.username, .username, strong, dd a")))
            .map(text_of)
            .and_then(some),
        sticky,
        closed: has("lock") || has("locked"),
        moved,
        deleted: has("deleted") || has("moderated"),
    })
}
