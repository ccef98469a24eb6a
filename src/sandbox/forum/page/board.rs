//! The front page with its boards, and a board's list of threads.

use maud::{Markup, html};

use super::super::bbcode::{esc, stripped};
use super::super::scripts::Visit;
use super::super::state::{BoardFacts, ThreadFacts};
use super::{Head, Pages, breadcrumb, frame, moment, pagination, thousands};

pub(in super::super) fn home(visit: &Visit) -> String {
    let state = &*visit.state;
    let boards: Vec<_> = state.boards.values().filter(|b| state.sees_board(visit.viewer, b.id)).collect();
    let body = html! {
        div id="pagetitle" { h1 { (esc(&visit.options.title)) } }
        ol id="forums" class="floatcontainer" {
            li class="forumbit_nopost old L1" id="cat0" {
                div class="forumhead foruminfo L1 collapse" {
                    h2 { span class="forumtitle" { a href="index.php" { (esc(&visit.options.title)) } } }
                }
                ol id="c_cat0" class="childforum" { @for board in boards { (forumbit(visit, board)) } }
            }
        }
    };
    frame(visit, &Head::new("index", &visit.options.title), &body)
}

fn forumbit(visit: &Visit, board: &BoardFacts) -> Markup {
    let state = &*visit.state;
    let threads = state.board_threads(visit.viewer, board.id);
    let posts: usize = threads.iter().map(|thread| state.visible_posts(visit.viewer, thread).len()).sum();
    let newest = threads
        .iter()
        .filter_map(|thread| Some((state.last_public_post(thread)?, *thread)))
        .max_by_key(|(post, _)| (post.at, post.id));
    html! {
        li id={ "forum" (board.id) } class="forumbit_post old L2" {
            div class="forumrow table" {
                div class="foruminfo td" {
                    div class="forumdata" {
                        div class="datacontainer" {
                            div class="titleline" {
                                h2 class="forumtitle" { a href=(visit.board_url(board.id, 1)) { (esc(&board.name)) } }
                            }
                            p class="forumdescription" { (esc(&board.description)) }
                        }
                    }
                }
                ul class="forumstats td" {
                    li { "Threads: " (thousands(threads.len() as u64)) }
                    li { "Posts: " (thousands(posts as u64)) }
                }
                div class="forumlastpost td" {
                    h4 class="lastpostlabel" { "Last Post:" }
                    @if let Some((post, thread)) = newest {
                        div {
                            p class="lastposttitle" {
                                a href={ "showthread.php?t=" (thread.id) "&goto=newpost" } class="threadtitle" {
                                    (esc(&thread.title))
                                }
                            }
                            div class="lastpostby" { "by " (member_link(visit, post.member, &post.name)) }
                            p class="lastpostdate" {
                                (moment(visit, post.at)) " "
                                a href=(visit.post_url(thread, post.id)) { "Go to last post" }
                            }
                        }
                    } @else { div { "Never" } }
                }
            }
        }
    }
}

pub(in super::super) fn member_link(visit: &Visit, member: Option<u64>, name: &str) -> Markup {
    html! {
        @match member.and_then(|id| visit.state.members.get(&id)) {
            Some(member) => {
                a class="username offline popupctrl" href=(visit.member_url(member)) { strong { (esc(name)) } }
            }
            None => span class="username guest" { (esc(name)) },
        }
    }
}

/// One page of a board.
pub(in super::super) fn page(visit: &Visit, board: &BoardFacts, page: usize) -> String {
    let state = &*visit.state;
    let (stickies, mut threads): (Vec<_>, Vec<_>) = state
        .board_threads(visit.viewer, board.id)
        .into_iter()
        .map(|thread| (thread, false))
        .partition(|(thread, _)| thread.sticky);
    let signposts = board.signposts.iter().filter_map(|id| state.threads.get(id));
    threads.extend(signposts.filter(|t| state.sees_thread(visit.viewer, t)).map(|thread| (thread, true)));
    threads
        .sort_by_key(|(thread, _)| std::cmp::Reverse(state.last_public_post(thread).map(|p| (p.at, p.id))));
    let pages = Pages::new(threads.len(), visit.options.threads_per_page, page);
    let range = pages.range();
    let links = pagination(pages, ("f", board.id), &format!("forumdisplay.php?f={}", board.id), |page| {
        visit.board_url(board.id, page)
    });
    let body = html! {
        (breadcrumb(&[], &board.name))
        div id="pagetitle" class="pagetitle" {
            h1 { "Forum: " span class="forumtitle" { (esc(&board.name)) } }
            @if !board.description.is_empty() { p class="description" { (esc(&board.description)) } }
        }
        div id="above_threadlist" class="above_threadlist" {
            @if visit.may_open_thread(board.id) {
                a href={ "newthread.php?do=newthread&f=" (board.id) } rel="nofollow" class="newcontent_textcontrol" id="newthreadlink_top" {
                    span { "+" } " Post New Thread"
                }
            }
            div id="pagination_top" class="threadpagenav" { (links) }
        }
        div id="threadlist" class="threadlist" {
            form id="thread_inlinemod_form" action={ "inlinemod.php?forumid=" (board.id) } method="post" {
                h2 class="hidden" { "Threads in This Forum" }
                div class="threadlisthead table" {
                    span class="threadinfo" { "Title / Thread Starter" }
                    span class="threadstats td" { "Replies / Views" }
                    span class="threadlastpost td" { "Last Post By" }
                }
                @if !stickies.is_empty() && pages.page == 1 {
                    ol id="stickies" class="stickies" {
                        @for (thread, moved) in &stickies { (threadbit(visit, thread, *moved)) }
                    }
                }
                ol id="threads" class="threads" {
                    @for (thread, moved) in &threads[range.clone()] { (threadbit(visit, thread, *moved)) }
                }
            }
            @if threads.is_empty() && stickies.is_empty() { p { "There are no threads in this forum." } }
        }
        div id="below_threadlist" class="noinlinemod below_threadlist" {
            div id="pagination_bottom" class="threadpagenav" { (links) }
        }
        @if !threads.is_empty() {
            div id="threadpagestats" class="threadpagestats" {
                "Threads " (range.start + 1) " to " (range.end) " of " (pages.total)
            }
        }
        (super::thread::posting_permissions(visit, board.id))
    };
    let title = board.name.as_str();
    let canonical = Some(format!("{}{}", visit.forum.url(), visit.board_url(board.id, pages.page)));
    frame(visit, &Head { script: "forumdisplay", title, canonical, board: Some(board.id) }, &body)
}

/// One row of a thread list.
fn threadbit(visit: &Visit, thread: &ThreadFacts, moved: bool) -> Markup {
    let state = &*visit.state;
    let id = thread.id;
    let posts = state.visible_posts(visit.viewer, thread);
    let first = posts.first();
    let replies = posts.len().saturating_sub(1);
    let mut class = String::from("threadbit");
    let flags = [
        (moved, " moved"),
        (replies >= 15 && !moved, " hot"),
        (thread.closed && !moved, " lock"),
        (thread.deleted, " deleted"),
        (posts.iter().any(|post| !post.attachments.is_empty()), " attachments"),
    ];
    flags.iter().filter(|(on, _)| *on).for_each(|(_, flag)| class.push_str(flag));
    let preview: String =
        first.map(|post| stripped(&post.text).chars().take(150).collect()).unwrap_or_default();
    let pages = posts.len().div_ceil(visit.options.posts_per_page.max(1));
    html! {
        li class=(class) id={ "thread_" (id) } {
            div class={ "rating0 " (if thread.sticky { "sticky" } else { "nonsticky" }) } {
                div class="threadinfo" title=(esc(&preview)) {
                    a class="threadstatus" rel="vB::AJAX" {}
                    div class="inner" {
                        h3 class="threadtitle" {
                            @if thread.sticky || moved || thread.prefix.is_some() {
                                span id={ "thread_prefix_" (id) } class="prefix understate" {
                                    @if thread.sticky { "Sticky: " }
                                    @if moved { "Moved: " }
                                    @if let Some(prefix) = &thread.prefix { (esc(prefix)) " " }
                                }
                            }
                            a class="title" href=(visit.thread_url(thread, 1)) id={ "thread_title_" (id) } {
                                (esc(&thread.title))
                            }
                        }
                        div class="threadmeta" {
                            div class="author" {
                                @if let Some(first) = first {
                                    span class="label" {
                                        "Started by "
                                        @let started = visit.options.dates.line(first.at, visit.now);
                                        @match first.member {
                                            Some(member) => {
                                                a href={ "member.php?u=" (member) } class="username understate"
                                                    title={ "Started by " (esc(&first.name)) " on " (started) } { (esc(&first.name)) }
                                            }
                                            None => span class="username understate" { (esc(&first.name)) },
                                        }
                                        ", " (started)
                                    }
                                }
                                @if pages > 1 && !moved {
                                    dl class="pagination" id={ "pagination_threadbit_" (id) } {
                                        dt class="label" { (pages) " Pages" span class="separator" { "•" } }
                                        dd {
                                            @for page in 1..=pages.min(4) {
                                                span { a href=(visit.thread_url(thread, page)) { (page) } } " "
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                ul class="threadstats td alt" title="" {
                    @if moved { li { "Replies: -" } li { "Views: -" } } @else {
                        li { "Replies: " a href={ "misc.php?do=whoposted&t=" (id) } class="understate" { (thousands(replies as u64)) } }
                        li { "Views: " (thousands(thread.views)) }
                    }
                    li class="hidden" { "Rating0 / 5" }
                }
                dl class="threadlastpost td" {
                    dt class="lastpostby hidden" { "Last Post By" }
                    @if moved { dd { "-" } } @else if let Some(last) = state.last_public_post(thread) {
                        dd { div class="popupmenu memberaction" { (member_link(visit, last.member, &last.name)) } }
                        dd {
                            (moment(visit, last.at)) " "
                            a href=(visit.post_url(thread, last.id)) class="lastpostdate understate" title="Go to last post" { "»" }
                        }
                    }
                }
            }
        }
    }
}
