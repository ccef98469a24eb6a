//! The forms for a reply, a thread, an edit and a private message; refused input comes back in them
//! with the reasons on top. Also the small pages: one post, print, member, inbox.

use maud::{Markup, PreEscaped, html};

use super::super::bbcode::{esc, to_html};
use super::super::dates;
use super::super::scripts::Visit;
use super::super::state::{MemberFacts, PostFacts, ThreadFacts};
use super::{Head, Pages, frame, moment, pagination, thousands};

/// A form page: its script, heading, target, hidden fields and what is filled in.
pub(in super::super) struct Form<'a> {
    pub script: &'a str,
    pub heading: &'a str,
    pub action: String,
    pub hidden: Vec<(&'a str, String)>,
    /// Single-line fields: name and value.
    pub lines: Vec<(&'a str, String)>,
    pub message: String,
    pub errors: Vec<String>,
}

pub(in super::super) fn form(visit: &Visit, form: &Form) -> String {
    let body = html! {
        form class="vbform block" action=(form.action) method="post" name="vbform" {
            h2 class="blockhead" { (form.heading) }
            @if !form.errors.is_empty() { (error_block(&form.errors)) }
            div class="blockbody formcontrols" {
                @for (name, value) in &form.lines {
                    div class="blockrow" {
                        label for=(name) { (name) } " "
                        input type="text" class="primary textbox" name=(name) id=(name) value=(esc(value));
                    }
                }
                div class="blockrow" {
                    textarea id="vB_Editor_001_editor" name="message" rows="20" cols="80" {
                        // A textarea swallows one leading newline.
                        "\n" (esc(&form.message))
                    }
                }
            }
            div class="blockfoot actionbuttons" {
                input type="hidden" name="s" value="";
                input type="hidden" name="securitytoken" value=(visit.token);
                @for (name, value) in &form.hidden { input type="hidden" name=(name) value=(esc(value)); }
                input type="hidden" name="loggedinuser" value=(visit.viewer.unwrap_or(0));
                input type="hidden" name="parseurl" value="1";
                input type="hidden" name="wysiwyg" value="0";
                input type="hidden" name="posthash" value="";
                input type="hidden" name="poststarttime" value=(visit.now.as_second());
                input type="submit" class="button" name="sbutton" value="Submit";
            }
        }
    };
    frame(visit, &Head::new(form.script, form.heading), &body)
}

fn error_block(errors: &[String]) -> Markup {
    html! {
        div class="blockbody errorblock" {
            h3 class="blocksubhead" { "The following errors occurred with your submission" }
            div class="blockrow error" { ul { @for error in errors { li { (esc(error)) } } } }
        }
    }
}

/// `showpost.php`: one post by itself.
pub(in super::super) fn single_post(
    visit: &Visit,
    thread: &ThreadFacts,
    post: &PostFacts,
    number: usize,
) -> String {
    let body = html! {
        div id="pagetitle" { h1 { "Thread: " span class="threadtitle" { a href=(visit.thread_url(thread, 1)) { (esc(&thread.title)) } } } }
        div id="postlist" class="postlist" {
            ol id="posts" class="posts" start=(number) { (super::thread::postbit(visit, thread, post, number)) }
        }
    };
    frame(visit, &Head::new("showpost", &thread.title), &body)
}

/// `printthread.php`: light, and its post ids are places in the thread, not the posts' own.
pub(in super::super) fn print(visit: &Visit, thread: &ThreadFacts, per_page: usize, page: usize) -> String {
    let posts = visit.state.visible_posts(visit.viewer, thread);
    let pages = Pages::new(posts.len(), per_page, page);
    let range = pages.range();
    let url = |page| format!("printthread.php?t={}&pp={}&page={page}", thread.id, pages.per_page);
    let body = html! {
        html id="vbulletin_html" {
            head {
                meta http-equiv="Content-Type" content={ "text/html; charset=" (visit.options.charset.label()) };
                base href=(visit.forum.url());
                title { (esc(&thread.title)) }
            }
            body {
                div id="pagination_top" { (pagination(pages, ("t", thread.id), "printthread.php", url)) }
                h1 { a href=(visit.thread_url(thread, 1)) { (esc(&thread.title)) } }
                ul id="postlist" {
                    @for (at, post) in posts[range.clone()].iter().enumerate() {
                        li class="postbit blockbody" id={ "post_" (range.start + at + 1) } {
                            div class="header" {
                                div class="datetime" { (moment(visit, post.at)) }
                                span class="username" { (esc(&post.name)) }
                            }
                            @if !post.title.is_empty() { div class="title" { (esc(&post.title)) } }
                            div class="content" {
                                blockquote class="restore" { (PreEscaped(to_html(&post.text, ""))) }
                            }
                        }
                    }
                }
            }
        }
    };
    format!("<!DOCTYPE html>\n{}", body.into_string())
}

pub(in super::super) fn member(visit: &Visit, member: &MemberFacts) -> String {
    let (times, posts) = visit.state.thanked(member);
    let found = |what: &str| format!("search.php?do=finduser&userid={}&contenttype={what}", member.id);
    let body = html! {
        div class="member_content userprof fullwidth" id="member_content" {
            div class="profile_widgets member_summary sidebarleft" id="sidebar_container" {
                h1 class="blocksubhead prof_blocksubhead" {
                    span id="userinfo" {
                        span class="member_username" { (esc(&member.name)) }
                        br; span class="usertitle" { (esc(&member.title)) } br;
                    }
                }
                div class="floatcontainer" id="userinfoblock" {
                    @if member.avatar.is_some() {
                        a class="avatar" href={ "member.php?u=" (member.id) } {
                            span class="avatarcontainer" {
                                img src={ "image.php?u=" (member.id) "&dateline=" (member.avatar_revision) }
                                    id="user_avatar" alt={ (esc(&member.name)) "'s Avatar" };
                            }
                        }
                    }
                    ul class="usermenu" id="usermenu" {
                        li { a href={ (found("vBForum_Post")) "&showposts=1" } { "Find latest posts" } }
                        li { a href={ (found("vBForum_Thread")) "&starteronly=1" } { "Find latest started threads" } }
                    }
                }
            }
            div class="member_tabs contentright" {
                dl class="tabslight" { dt { "Tab Content" } dd { a href="#aboutme" { "About Me" } } }
                div class="view_section" id="view-aboutme" {
                    @if let Some(location) = &member.location {
                        dl { dt { "Location:" } dd { (esc(location)) } }
                    }
                    div class="subsection block" id="view-stats" {
                        dl class="blockrow stats" { dt { "Total Posts" } dd { (thousands(visit.state.post_count(member))) } }
                        h5 class="subsubsectionhead" { "Total Thanks" }
                        dl class="stats" { dt { "Total Thanks" } dd { (thousands(visit.state.thanks_given(member))) } }
                        ul class="group" {
                            li { "Thanked " (thousands(times)) " Times in " (thousands(posts)) " Posts" }
                        }
                        dl class="blockrow stats" { dt { "Join Date" } dd { (dates::month(member.joined)) } }
                        dl class="blockrow stats" { dt { "Referrals" } dd { "0" } }
                    }
                }
            }
        }
    };
    frame(visit, &Head::new("member", &format!("View Profile: {}", member.name)), &body)
}

pub(in super::super) fn inbox(visit: &Visit) -> String {
    let mail = visit.state.mail.iter().rev().filter(|mail| Some(mail.to) == visit.viewer);
    let body = html! {
        h2 class="blockhead" { "Inbox" }
        ol id="pmlist" class="pmlist" {
            @for mail in mail {
                li class="pmbit" id={ "pm_" (mail.id) } {
                    a class="title" href={ "private.php?do=showpm&pmid=" (mail.id) } { (esc(&mail.title)) }
                    @let from = visit.state.members.get(&mail.from).map(|m| m.name.as_str()).unwrap_or("");
                    " " a class="username" href={ "member.php?u=" (mail.from) } { (esc(from)) }
                    " " span class="date" { (moment(visit, mail.at)) }
                }
            }
        }
    };
    frame(visit, &Head::new("private", "Private Messages"), &body)
}

pub(in super::super) fn private_message(visit: &Visit, id: u64) -> Option<String> {
    let mail = visit.state.mail.iter().find(|mail| mail.id == id && Some(mail.to) == visit.viewer)?;
    let from = visit.state.members.get(&mail.from).map(|m| m.name.as_str()).unwrap_or("");
    let body = html! {
        h2 class="blockhead" { (esc(&mail.title)) }
        ol class="posts" {
            li class="postbitlegacy" id={ "post_pm_" (mail.id) } {
                span class="date" { (moment(visit, mail.at)) }
                a class="username" href={ "member.php?u=" (mail.from) } { (esc(from)) }
                blockquote class="postcontent restore" { (PreEscaped(to_html(&mail.text, ""))) }
            }
        }
    };
    Some(frame(visit, &Head::new("private", &mail.title), &body))
}
