//! The thread page: legacy postbits, thanks boxes, quick reply, similar threads, who is browsing,
//! tags and posting permissions. Class and id names are vBulletin 4.2's and the thanks add-on's 7.x.

use maud::{Markup, PreEscaped, html};

use super::super::bbcode::{esc, to_html};
use super::super::scripts::Visit;
use super::super::state::{PostFacts, ThreadFacts};
use super::super::{ThanksDress, dates};
use super::{Head, Pages, breadcrumb, frame, moment, pagination, thousands};

/// One page of a thread.
pub(in super::super) fn page(visit: &Visit, thread: &ThreadFacts, page: usize) -> String {
    let state = &*visit.state;
    let posts = state.visible_posts(visit.viewer, thread);
    let pages = Pages::new(posts.len(), visit.options.posts_per_page, page);
    let range = pages.range();
    let board = state.boards.get(&thread.board).map(|board| board.name.clone()).unwrap_or_default();
    let url = |page| visit.thread_url(thread, page);
    let links = pagination(pages, ("t", thread.id), &format!("showthread.php?t={}", thread.id), url);
    let may_reply = visit.may_reply(thread);
    let shown = &posts[range.clone()];
    let body = html! {
        (breadcrumb(&[(visit.board_url(thread.board, 1), board.clone())], &thread.title))
        div id="above_postlist" class="above_postlist" {
            @if let (Some(last), true) = (posts.last(), may_reply || thread.closed) {
                a href={ "newreply.php?p=" (last.id) "&noquote=1" } class="newcontent_textcontrol" id="newreplylink_top" {
                    @if thread.closed { "Closed Thread" } @else { span { "+" } " Reply to Thread" }
                }
            }
            div id="pagination_top" class="pagination_top" {
                (links)
                @if pages.pages > 1 {
                    div id="postpagestats_above" class="postpagestats" {
                        "Results " (range.start + 1) " to " (range.end) " of " (pages.total)
                    }
                }
            }
        }
        div id="pagetitle" class="pagetitle" {
            h1 {
                "Thread: "
                @if let Some(prefix) = &thread.prefix { (esc(prefix)) " " }
                span class="threadtitle" { a href=(url(pages.page)) title="Reload this Page" { (esc(&thread.title)) } }
            }
        }
        div id="thread_controls" class="thread_controls toolsmenu" {
            ul id="postlist_popups" class="postlist_popups popupgroup" {
                li class="popupmenu" id="threadtools" {
                    h6 { a class="popupctrl" href="javascript://" { "Thread Tools" } }
                    ul class="popupbody popuphover" {
                        li {
                            a href={ "printthread.php?t=" (thread.id) "&pp=" (visit.options.posts_per_page) "&page=" (pages.page) } rel="nofollow" {
                                "Show Printable Version"
                            }
                        }
                    }
                }
                li class="popupmenu searchthread menusearch" id="searchthread" {
                    h6 { a class="popupctrl" href="javascript://" { "Search Thread" } }
                    form action="search.php" method="post" {
                        input type="text" name="query" class="searchbox" value="";
                        input type="hidden" name="s" value="";
                        input type="hidden" name="securitytoken" value=(visit.token);
                        input type="hidden" name="do" value="process";
                        input type="hidden" name="searchthreadid" value=(thread.id);
                        input type="hidden" name="search_type" value="1";
                        input type="hidden" name="contenttype" value="vBForum_Post";
                    }
                }
            }
        }
        div id="postlist" class="postlist restrain" {
            ol id="posts" class="posts" start=(range.start + 1) {
                @for (at, post) in shown.iter().enumerate() { (postbit(visit, thread, post, range.start + at + 1)) }
            }
            div class="separator" {}
        }
        div id="below_postlist" class="noinlinemod below_postlist" {
            @if let (Some(last), true) = (posts.last(), may_reply) {
                a href={ "newreply.php?p=" (last.id) "&noquote=1" } class="newcontent_textcontrol" id="newreplylink_bottom" {
                    span { "+" } " Reply to Thread"
                }
            } @else if visit.may_open_thread(thread.board) {
                a href={ "newthread.php?do=newthread&f=" (thread.board) } class="newcontent_textcontrol" id="newthreadlink_bottom" {
                    span { "+" } " Post New Thread"
                }
            }
            div id="pagination_bottom" class="pagination_bottom" { (links) }
        }
        @if may_reply { (quick_reply(visit, thread, pages, &posts)) }
        div class="navlinks" {
            strong { "«" }
            a href={ "showthread.php?t=" (thread.id) "&goto=nextoldest" } rel="nofollow" { "Previous Thread" }
            " | "
            a href={ "showthread.php?t=" (thread.id) "&goto=nextnewest" } rel="nofollow" { "Next Thread" }
            strong { "»" }
        }
        (thread_info(visit, thread))
    };
    let title = match pages.page {
        1 => thread.title.clone(),
        page => format!("{} - Page {page}", thread.title),
    };
    let canonical = Some(format!("{}{}", visit.forum.url(), visit.thread_url(thread, pages.page)));
    frame(visit, &Head { script: "showthread", title: &title, canonical, board: Some(thread.board) }, &body)
}

/// One post with its thanks box, as the page and the AJAX answer carry it.
pub(in super::super) fn postbit(
    visit: &Visit,
    thread: &ThreadFacts,
    post: &PostFacts,
    number: usize,
) -> Markup {
    let state = &*visit.state;
    let viewer = visit.viewer.and_then(|id| state.members.get(&id));
    let id = post.id;
    if post.deleted {
        return html! {
            li class="postbitlegacy postbitdeleted postbitim" id={ "post_" (id) } {
                (post_head(visit, thread, post, number))
                div class="postdetails" { div class="postbody" { div class="content" {
                    blockquote class="postcontent deletereason" { "This message has been deleted by " (esc(&post.name)) "." }
                } } }
            }
        };
    }
    if viewer.is_some_and(|viewer| post.member.is_some_and(|author| viewer.ignores.contains(&author))) {
        return html! {
            li class="postbitlegacy postbitignored postbitim" id={ "post_" (id) } {
                (post_head(visit, thread, post, number))
                div class="postdetails" { div class="postbody" { div class="content" {
                    blockquote class="postcontent messageignored" {
                        "This message is hidden because " strong { (esc(&post.name)) } " is on your ignore list. "
                        a class="viewpostlink" href={ "showpost.php?p=" (id) } { "View Post" }
                    }
                } } }
            }
        };
    }
    let signature =
        post.member.and_then(|id| state.members.get(&id)).map(|m| m.signature.as_str()).unwrap_or("");
    html! {
        li class="postbitlegacy postbitim postcontainer old" id={ "post_" (id) } {
            (post_head(visit, thread, post, number))
            div class="postdetails" {
                (userinfo(visit, post))
                div class="postbody" {
                    div class="postrow" {
                        @if !post.title.is_empty() { h2 class="title icon" { (esc(&post.title)) } }
                        div class="content" {
                            div id={ "post_message_" (id) } {
                                blockquote class="postcontent restore " { (PreEscaped(to_html(&post.text, ""))) }
                            }
                            @if !post.attachments.is_empty() { (attachments(visit, post)) }
                        }
                    }
                    div class="after_content" {
                        @if let Some(note) = &post.edited {
                            blockquote class="postcontent lastedited" {
                                "Last edited by " (esc(&note.by)) "; "
                                @let shown = visit.options.dates.shown(note.at, visit.now);
                                (shown.date)
                                @if let Some(time) = shown.time { " at " span class="time" { (time) } }
                                "."
                                @if !note.reason.is_empty() { span class="reason" { "Reason:" } " " (esc(&note.reason)) }
                            }
                        }
                        @if !signature.is_empty() {
                            blockquote class="signature restore" {
                                div class="signaturecontainer" { (PreEscaped(to_html(signature, ""))) }
                            }
                        }
                    }
                    div class="cleardiv" {}
                }
            }
            (post_foot(visit, thread, post))
            hr;
        }
        (thanks_box(visit, post))
    }
}

fn post_head(visit: &Visit, thread: &ThreadFacts, post: &PostFacts, number: usize) -> Markup {
    let shown = visit.options.dates.shown(post.at, visit.now);
    html! {
        div class="posthead" {
            span class="postdate old" {
                span class="date" {
                    (shown.date)
                    @if let Some(time) = shown.time { (PreEscaped(",&nbsp;")) span class="time" { (time) } }
                }
            }
            span class="nodecontrols" {
                a name={ "post" (post.id) } href=(visit.post_url(thread, post.id)) class="postcounter" { "#" (number) }
                a id={ "postcount" (post.id) } name=(number) {}
            }
        }
    }
}

fn userinfo(visit: &Visit, post: &PostFacts) -> Markup {
    let state = &*visit.state;
    let Some(member) = post.member.and_then(|id| state.members.get(&id)) else {
        return html! {
            div class="userinfo" {
                div class="username_container" { span class="username guest" { (esc(&post.name)) } }
                span class="usertitle" { "Guest" }
            }
        };
    };
    let online = if state.sessions.members_online().contains(&member.id) { "online" } else { "offline" };
    let (times, thanked_posts) = state.thanked(member);
    let compact = visit.options.thanks == ThanksDress::Compact;
    html! {
        div class="userinfo" {
            div class="username_container" {
                div class="popupmenu memberaction" {
                    a class={ "username " (online) " popupctrl" } href=(visit.member_url(member))
                        title={ (esc(&member.name)) " is " (online) } { strong { (esc(&member.name)) } }
                    ul class="popupbody popuphover memberaction_body" {
                        li class="left" { a href=(visit.member_url(member)) class="siteicon_profile" { "View Profile" } }
                        li class="right" {
                            a href={ "search.php?do=finduser&userid=" (member.id) "&contenttype=vBForum_Post&showposts=1" } class="siteicon_forum" rel="nofollow" {
                                "View Forum Posts"
                            }
                        }
                        li class="left" {
                            a href={ "private.php?do=newpm&u=" (member.id) } class="siteicon_message" rel="nofollow" {
                                "Private Message"
                            }
                        }
                    }
                }
                img class="inlineimg onlinestatus" src={ "images/statusicon/user-" (online) ".svg" } alt=(online) border="0";
            }
            span class="usertitle" { (esc(&member.title)) }
            @if member.avatar.is_some() {
                a class="postuseravatar" href=(visit.member_url(member)) {
                    img src={ "image.php?u=" (member.id) "&dateline=" (member.avatar_revision) }
                        alt={ (esc(&member.name)) "'s Avatar" } title={ (esc(&member.name)) "'s Avatar" };
                }
            }
            hr;
            dl class="userinfo_extra" {
                dt { "Join Date" } " " dd { (dates::month(member.joined)) }
                @if let Some(location) = &member.location { dt { "Location" } " " dd { (esc(location)) } }
                dt { "Posts" } " " dd { (thousands(state.post_count(member))) }
                dt { @if compact { "Thank Post" } @else { "Thanks" } } " " dd { (thousands(state.thanks_given(member))) }
                @if times > 0 {
                    dd style="white-space:nowrap; display:inline; float: left;" {
                        "Thanked " (thousands(times)) @if times == 1 { " Time" } @else { " Times" }
                        " in " (thousands(thanked_posts)) @if thanked_posts == 1 { " Post" } @else { " Posts" }
                    }
                }
                @if member.past.blog_entries > 0 {
                    dt { "Blog Entries" } " "
                    dd { a href={ "blog.php?u=" (member.id) } { (thousands(member.past.blog_entries)) } }
                }
            }
            @if member.past.rep_power > 0 {
                dl class="user_rep" {
                    dt { "Rep Power" } " " dd id={ "reppower_" (post.id) "_" (member.id) } { (member.past.rep_power) }
                }
            }
        }
    }
}

fn attachments(visit: &Visit, post: &PostFacts) -> Markup {
    html! {
        div class="attachments" {
            fieldset class="postcontent" {
                legend { "Attached Files" }
                ul {
                    @for (id, file) in post.attachments.iter().filter_map(|id| Some((id, visit.state.attachments.get(id)?))) {
                        li {
                            a href={ "attachment.php?attachmentid=" (id) "&d=" (post.at.as_second()) } { (esc(&file.name)) }
                            " (" (format!("{:.1}", file.bytes.len() as f64 / 1024.0)) " KB, 0 views)"
                        }
                    }
                }
            }
        }
    }
}

fn post_foot(visit: &Visit, thread: &ThreadFacts, post: &PostFacts) -> Markup {
    let id = post.id;
    let thanked = post.thanks.iter().any(|thanks| Some(thanks.member) == visit.viewer);
    html! {
        div class="postfoot" {
            div class="textcontrols floatcontainer" {
                span class="postcontrols" {
                    @if visit.may_edit(post) {
                        a class="editpost" href={ "editpost.php?do=editpost&p=" (id) } { "Edit Post" }
                    }
                    @if visit.may_reply(thread) {
                        a id={ "qrwq_" (id) } class="newreply" href={ "newreply.php?do=newreply&p=" (id) } rel="nofollow" {
                            "Reply With Quote"
                        }
                    }
                    @if visit.viewer.is_some() && visit.viewer != post.member {
                        // Once given, the button stays in the page, hidden: that is how a reader can tell.
                        a href={ "post_thanks.php?do=post_thanks_add&p=" (id) "&securitytoken=" (visit.token) }
                            id={ "post_thanks_button_" (id) } onclick={ "return post_thanks_give(" (id) ", false);" }
                            class="post_thanks_button" rel="nofollow" style=[thanked.then_some("display:none")] { "Thanks" }
                        span class="seperator" id={ "post_thanks_separator_" (id) } { (PreEscaped("&nbsp;")) }
                    }
                }
                span class="postlinking" {
                    @if visit.viewer.is_some() {
                        a class="report" href={ "report.php?p=" (id) } rel="nofollow" { "Report Post" }
                    }
                }
            }
        }
    }
}

/// The add-on's list item after the post; always there, hidden while nobody thanked.
fn thanks_box(visit: &Visit, post: &PostFacts) -> Markup {
    html! {
        li class="postbitlegacy postbitim" id={ "post_thanks_box_" (post.id) }
            style=[post.thanks.is_empty().then_some("display:none")] { (thanks_list(visit, post)) }
    }
}

/// What goes into the box, and what the add-on answers to AJAX.
pub(in super::super) fn thanks_list(visit: &Visit, post: &PostFacts) -> Markup {
    let mut thanks: Vec<_> = post.thanks.iter().collect();
    thanks.sort_by_key(|thanks| thanks.name.to_lowercase());
    let count = thanks.len();
    html! {
        @if count > 0 {
            div class="postdetails" {
                h2 class="title" {
                    @match (visit.options.thanks, count) {
                        (ThanksDress::Compact, _) => { (count) " Thanks to " (esc(&post.name)) ":" }
                        (ThanksDress::Stock, 1) => {
                            "The Following User Says Thank You to " (esc(&post.name)) " For This Useful Post:"
                        }
                        (ThanksDress::Stock, _) => {
                            "The Following " (count) " Users Say Thank You to " (esc(&post.name)) " For This Useful Post:"
                        }
                    }
                }
                div id={ "post_thanks_bit_" (post.id) } {
                    blockquote class="postcontent restore" {
                        @for (at, thanks) in thanks.iter().enumerate() {
                            @if at > 0 { ", " }
                            a href={ "member.php?u=" (thanks.member) } rel="nofollow" { (esc(&thanks.name)) }
                            (PreEscaped("&nbsp;")) "(" (visit.options.dates.day(thanks.at, visit.now)) ")"
                        }
                    }
                }
            }
        }
    }
}

fn quick_reply(visit: &Visit, thread: &ThreadFacts, pages: Pages, posts: &[&PostFacts]) -> Markup {
    let last = posts.last();
    let on_last = i32::from(pages.page == pages.pages);
    let script = format!(
        "\nvar threaded_mode = 0;\nvar is_last_page = {on_last};\nvar allow_ajax_qr = {on_last};\nvar last_post_id = {};\n\
         var ajax_last_post = {};\n",
        last.map_or(0, |post| post.id),
        last.map_or(0, |post| post.at.as_second()),
    );
    html! {
        form class="vbform" name="quick_reply" id="quick_reply" method="post"
            action={ "newreply.php?do=postreply&t=" (thread.id) } {
            div id="qr_error_tbody" class="block errorblock hidden" {
                h3 class="blockhead" { "Errors" }
                div class="blockbody formcontrols" {
                    h3 class="blocksubhead" { "The following errors occurred with your submission" }
                    div class="blockrow error" id="qr_error_td" {}
                }
            }
            h3 id="quickreply_title" class="blockhead" { "Quick Reply " a name="quickreply" {} }
            div class="blockbody formcontrols" {
                script type="text/javascript" { (PreEscaped(script)) }
                textarea name="message" id="vB_Editor_QR_editor" rows="10" cols="60" {}
            }
            div class="blockfoot actionbuttons" {
                input type="hidden" name="fromquickreply" value="1";
                input type="hidden" name="s" value="";
                input type="hidden" name="securitytoken" value=(visit.token);
                input type="hidden" name="do" value="postreply";
                input type="hidden" name="t" value=(thread.id) id="qr_threadid";
                input type="hidden" name="p" value="who cares" id="qr_postid";
                input type="hidden" name="specifiedpost" value="0" id="qr_specifiedpost";
                input type="hidden" name="parseurl" value="1";
                input type="hidden" name="loggedinuser" value=(visit.viewer.unwrap_or(0));
                input type="hidden" name="posthash" value="";
                input type="hidden" name="poststarttime" value="";
                input type="hidden" name="wysiwyg" value="0";
                input type="submit" class="button" name="sbutton" value="Post Quick Reply" id="qr_submit";
            }
        }
    }
}

fn thread_info(visit: &Visit, thread: &ThreadFacts) -> Markup {
    let state = &*visit.state;
    let similar = state.similar(visit.viewer, thread);
    let (members, guests) = if visit.viewer.is_some() { (1, 0) } else { (0, 1) };
    html! {
        div id="thread_info" class="thread_info block" {
            h4 class="threadinfohead blockhead" { "Thread Information" }
            div class="thread_info_block blockbody formcontrols" {
                h5 { "Users Browsing this Thread" }
                div id="thread_onlineusers" class="blockrow" {
                    p { "There are currently 1 users browsing this thread. " span { "(" (members) " members and " (guests) " guests)" } }
                }
            }
            @if !similar.is_empty() {
                h4 class="collapse blockhead" { "Similar Threads" }
                div id="similar_threads" class="thread_info_block blockbody formcontrols" {
                    ol class="similar_threads" {
                        @for other in similar { (similar_thread(visit, other)) }
                    }
                }
            }
            @if !thread.tags.is_empty() {
                h4 class="collapse blockhead" { "Tags for this Thread" }
                div id="thread_tags_list" class="thread_info_block blockbody formcontrols" {
                    p id="tag_list_cell" class="blockrow" {
                        @for (at, tag) in thread.tags.iter().enumerate() {
                            @if at > 0 { ", " }
                            a href={ "tags.php?tag=" (esc(&tag.replace(' ', "+"))) } { (esc(tag)) }
                        }
                    }
                }
            }
            (posting_permissions(visit, thread.board))
        }
    }
}

fn similar_thread(visit: &Visit, other: &ThreadFacts) -> Markup {
    let state = &*visit.state;
    let starter =
        other.posts.first().and_then(|id| state.posts.get(id)).map(|p| p.name.as_str()).unwrap_or("");
    let board = state.boards.get(&other.board).map(|board| board.name.as_str()).unwrap_or("");
    html! {
        li class="floatcontainer" {
            div class="titleblock" {
                h6 { a href=(visit.thread_url(other, 1)) title="" { (esc(&other.title)) } }
                p class="starter_forum" {
                    "By " (esc(starter)) " in forum " a href=(visit.board_url(other.board, 1)) { (esc(board)) }
                }
            }
            div class="dateblock" {
                "Replies: " strong { (state.visible_posts(visit.viewer, other).len().saturating_sub(1)) }
                br;
                @if let Some(last) = state.last_public_post(other) { "Last Post: " (moment(visit, last.at)) }
            }
        }
    }
}

/// "You may not post replies" and so on: the viewer's rights on a board.
pub(in super::super) fn posting_permissions(visit: &Visit, board: u64) -> Markup {
    let may = visit.may_open_thread(board);
    let rule = |allowed: bool, what: &str| {
        html! { li { "You " strong { (if allowed { "may" } else { "may not" }) } " " (what) } }
    };
    html! {
        h4 class="collapse blockhead options_correct" { "Posting Permissions" }
        div id="posting_rules" class="thread_info_block blockbody formcontrols floatcontainer options_correct" {
            div id="forumrules" class="info_subblock" {
                ul class="youcandoblock" {
                    (rule(may, "post new threads"))
                    (rule(may, "post replies"))
                    (rule(false, "post attachments"))
                    (rule(may, "edit your posts"))
                    li { (PreEscaped("&nbsp;")) }
                }
                div class="bbcodeblock" { ul {
                    li { a href="misc.php?do=bbcode" { "BB code" } " is " strong { "On" } }
                    li { "HTML code is " strong { "Off" } }
                } }
            }
        }
    }
}
