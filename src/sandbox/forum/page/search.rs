//! Search results, as posts or as threads.

use maud::{Markup, html};

use super::super::bbcode::{esc, stripped};
use super::super::scripts::Visit;
use super::super::state::Hits;
use super::{Head, Pages, frame, moment, pagination};

pub(in super::super) fn results(visit: &Visit, id: u64, hits: &Hits, page: usize) -> String {
    let rows: Vec<Markup> = match hits {
        Hits::Posts(posts) => posts.iter().filter_map(|id| post_row(visit, *id)).collect(),
        Hits::Threads(threads) => threads.iter().filter_map(|id| thread_row(visit, *id)).collect(),
    };
    let pages = Pages::new(rows.len(), visit.options.threads_per_page, page);
    let url = |page| format!("search.php?searchid={id}&pp={}&page={page}", pages.per_page);
    let body = html! {
        div id="searchinfo" class="mainsearchstats" {
            "Search took " span { "0.01" } " seconds; generated 0 minute(s) ago."
        }
        div id="pagination_top" { (pagination(pages, ("searchid", id), "search.php", url)) }
        ol id="searchbits" class="searchbits" { @for row in &rows[pages.range()] { (row) } }
    };
    frame(visit, &Head::new("search", "Search Results"), &body)
}

fn post_row(visit: &Visit, id: u64) -> Option<Markup> {
    let state = &*visit.state;
    let post = state.posts.get(&id)?;
    let thread = state.threads.get(&post.thread)?;
    if !state.sees_thread(visit.viewer, thread) {
        return None;
    }
    let text = stripped(&post.text);
    let mut excerpt: String = text.chars().take(200).collect();
    if excerpt.len() < text.len() {
        excerpt.push_str("...");
    }
    Some(html! {
        li class="imodselector postbit postbitcontainer" id={ "post_" (id) } {
            div class="posthead" { span class="postdate" { span class="date" { (moment(visit, post.at)) } } }
            div class="postdetails_noavatar" {
                div class="username_container" {
                    h2 { "Thread: " a href=(visit.thread_url(thread, 1)) { (esc(&thread.title)) } }
                    "by "
                    @match post.member {
                        Some(member) => a href={ "member.php?u=" (member) } { (esc(&post.name)) },
                        None => span { (esc(&post.name)) },
                    }
                }
                dl class="userstats" {
                    dt { "Replies" } dd { (thread.posts.len().saturating_sub(1)) }
                    dt { "Views" } dd { (thread.views) }
                }
                h3 class="posttitle" {
                    a href={ "showthread.php?p=" (id) "#post" (id) } {
                        @if post.title.is_empty() { (esc(&thread.title)) } @else { (esc(&post.title)) }
                    }
                }
                div id={ "post_message_" (id) } { blockquote class="postcontent" { (esc(&excerpt)) } }
            }
        }
    })
}

fn thread_row(visit: &Visit, id: u64) -> Option<Markup> {
    let state = &*visit.state;
    let thread = state.threads.get(&id).filter(|thread| state.sees_thread(visit.viewer, thread))?;
    let posts = state.visible_posts(visit.viewer, thread);
    let (first, last) = (posts.first()?, posts.last()?);
    let board = state.boards.get(&thread.board)?;
    Some(html! {
        li class="imodselector threadbit" id={ "thread_" (id) } {
            div class="rating0 nonsticky" {
                div class="threadinfo" {
                    h3 class="searchtitle" {
                        a class="title" href=(visit.thread_url(thread, 1)) id={ "thread_title_" (id) } { (esc(&thread.title)) }
                    }
                    div class="author" {
                        "Started by " span class="username" { (esc(&first.name)) } ", " (moment(visit, first.at))
                    }
                    div class="threadpostedin" {
                        p { "Forum: " a href=(visit.board_url(board.id, 1)) { (esc(&board.name)) } }
                    }
                }
                ul class="threadstats" { li { "Replies: " (posts.len() - 1) } li { "Views: " (thread.views) } }
                dl class="threadlastpost" {
                    dd { "by " (super::board::member_link(visit, last.member, &last.name)) }
                    dd {
                        (moment(visit, last.at)) " "
                        a class="lastpostdate" href=(visit.post_url(thread, last.id)) { "»" }
                    }
                }
            }
        }
    })
}
