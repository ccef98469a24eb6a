//! The pages, in vBulletin 4's own markup. They read the state and change nothing.

use maud::{Markup, PreEscaped, html};

use super::bbcode::esc;
use super::scripts::Visit;

pub(super) mod board;
pub(super) mod forms;
pub(super) mod notice;
pub(super) mod search;
pub(super) mod thread;

/// What the frame around a page says about it.
pub(super) struct Head<'a> {
    /// `THIS_SCRIPT`.
    pub script: &'a str,
    pub title: &'a str,
    pub canonical: Option<String>,
    pub board: Option<u64>,
}

impl<'a> Head<'a> {
    pub fn new(script: &'a str, title: &'a str) -> Self {
        Self { script, title, canonical: None, board: None }
    }
}

/// Text inside a script's double quotes.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('<', "\\x3C").replace('\n', " ")
}

/// The frame that every page stands in.
pub(super) fn frame(visit: &Visit, head: &Head, body: &Markup) -> String {
    let base = visit.forum.url();
    let bburl = base.trim_end_matches('/');
    let options = visit.options;
    let viewer = visit.viewer.and_then(|id| visit.state.members.get(&id));
    let script = format!(
        "\n<!--\n\tvar SESSIONURL = \"\";\n\tvar SECURITYTOKEN = \"{token}\";\n\tvar IMGDIR_MISC = \"images/misc\";\n\
         \tvar vb_disable_ajax = parseInt(\"0\", 10);\n\tvar SIMPLEVERSION = \"423\";\n\tvar BBURL = \"{bburl}\";\n\
         \tvar LOGGEDIN = {member} > 0 ? true : false;\n\tvar THIS_SCRIPT = \"{this}\";\n\tvar RELPATH = \"{path}\";\n\
         \tvar AJAXBASEURL = \"{base}\";\n// -->\n",
        token = visit.token,
        member = visit.viewer.unwrap_or(0),
        this = head.script,
        path = quoted(visit.call.path.trim_start_matches('/')),
    );
    let page = html! {
        html xmlns="http://www.w3.org/1999/xhtml" dir="ltr" lang="en" id="vbulletin_html" {
            head {
                meta http-equiv="Content-Type" content={ "text/html; charset=" (options.charset.label()) };
                meta id="e_vb_meta_bburl" name="vb_meta_bburl" content=(bburl);
                base href=(base);
                meta name="generator" content="vBulletin 4.2.3";
                script type="text/javascript" { (PreEscaped(script)) }
                link rel="alternate" type="application/rss+xml" title={ (esc(&options.title)) " RSS Feed" }
                    href={ (base) "external.php?type=RSS2" };
                @if let Some(board) = head.board {
                    link rel="alternate" type="application/rss+xml" title={ (esc(&options.title)) " - RSS Feed" }
                        href={ (base) "external.php?type=RSS2&forumids=" (board) };
                }
                @if let Some(canonical) = &head.canonical { link rel="canonical" href=(canonical); }
                link rel="stylesheet" type="text/css" href="clientscript/vbulletin_css/main.css";
                title { (esc(head.title)) }
            }
            body {
                div class="above_body" {
                    div id="header" class="floatcontainer doc_header" {
                        div { a name="top" href="index.php" class="logo-image" { (esc(&options.title)) } }
                        div id="toplinks" class="toplinks" {
                            @if let Some(member) = viewer {
                                ul class="isuser" {
                                    li { a href={ "login.php?do=logout&logouthash=" (visit.token) } { "Log Out" } }
                                    li class="popupmenu nonotifications" { a href="private.php" { "Notifications" } }
                                    li class="welcomelink" {
                                        "Welcome, " a href={ "member.php?u=" (member.id) } { (esc(&member.name)) }
                                    }
                                }
                            } @else {
                                ul class="nouser" { li { (login_form(None)) } }
                            }
                        }
                    }
                    div id="navbar" class="navbar" {
                        ul id="navtabs" class="navtabs floatcontainer" {
                            li class="selected" { a class="navtab" href="index.php" { "Forum" } }
                            li { a href="search.php?do=getdaily&contenttype=vBForum_Post" { "Today's Posts" } }
                            @if viewer.is_some() {
                                li { a href="search.php?do=getnew&contenttype=vBForum_Post" { "New Posts" } }
                            }
                        }
                    }
                }
                div class="body_wrapper" { (body) (footer(visit)) }
            }
        }
    };
    format!(
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" \
         \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n{}",
        page.into_string()
    )
}

pub(super) fn login_form(back: Option<&str>) -> Markup {
    html! {
        form id="navbar_loginform" action="login.php?do=login" method="post" {
            fieldset id="logindetails" class="logindetails" {
                input type="text" class="textbox" name="vb_login_username" id="navbar_username" size="10" placeholder="User Name";
                input type="password" class="textbox" name="vb_login_password" id="navbar_password" size="10";
                input type="text" class="textbox" name="vb_login_password_hint" size="10" value="Password" style="display:none;";
                input type="submit" class="loginbutton" value="Log in";
            }
            label { input type="checkbox" name="cookieuser" value="1"; " Remember Me?" }
            @if let Some(back) = back { input type="hidden" name="url" value=(back); }
            input type="hidden" name="s" value="";
            input type="hidden" name="securitytoken" value="guest";
            input type="hidden" name="do" value="login";
            input type="hidden" name="vb_login_md5password" value="";
            input type="hidden" name="vb_login_md5password_utf" value="";
        }
    }
}

fn footer(visit: &Visit) -> Markup {
    let dates = &visit.options.dates;
    html! {
        div id="footer" class="floatcontainer footer" {
            ul id="footer_links" class="footer_links" { li { a href="index.php" { (esc(&visit.options.title)) } } }
        }
        div class="below_body" {
            div id="footer_time" class="shade footer_time" {
                "All times are " (dates.offset_text(visit.now)) ". The time now is "
                span class="time" { (dates.time_now(visit.now)) } "."
            }
            div id="footer_copyright" class="shade footer_copyright" {
                "Powered by " a id="vbulletinlink" href="index.php" { "vBulletin" } "™ Version 4.2.3 (sandbox)"
            }
        }
    }
}

pub(super) fn breadcrumb(trail: &[(String, String)], here: &str) -> Markup {
    html! {
        div id="breadcrumb" class="breadcrumb" {
            ul class="floatcontainer" {
                li class="navbithome" { a href="index.php" accesskey="1" { "Home" } }
                @for (url, name) in trail { li class="navbit" { a href=(url) { (esc(name)) } } }
                li class="navbit lastnavbit" { span { (esc(here)) } }
            }
        }
    }
}

/// A date, comma and time, as the thread list and search results write it.
pub(super) fn moment(visit: &Visit, at: jiff::Timestamp) -> Markup {
    let shown = visit.options.dates.shown(at, visit.now);
    html! {
        (shown.date)
        @if let Some(time) = shown.time { ", " span class="time" { (time) } }
    }
}

pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Where a list is cut into pages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pages {
    pub page: usize,
    pub pages: usize,
    pub per_page: usize,
    pub total: usize,
}

impl Pages {
    /// Pages beyond the last show the last, as vBulletin does.
    pub fn new(total: usize, per_page: usize, page: usize) -> Self {
        let per_page = per_page.max(1);
        let pages = total.div_ceil(per_page).max(1);
        Self { page: page.clamp(1, pages), pages, per_page, total }
    }

    pub fn range(self) -> std::ops::Range<usize> {
        self.range_of(self.page)
    }

    fn range_of(self, page: usize) -> std::ops::Range<usize> {
        let start = (page - 1) * self.per_page;
        start.min(self.total)..(start + self.per_page).min(self.total)
    }

    fn results(self, page: usize) -> String {
        let range = self.range_of(page);
        format!("{} to {} of {}", thousands(range.start as u64 + 1), range.end, thousands(self.total as u64))
    }
}

/// The form of page links; nothing at all for a single page.
pub(super) fn pagination(
    pages: Pages,
    hidden: (&str, u64),
    action: &str,
    url: impl Fn(usize) -> String,
) -> Markup {
    let Pages { page, pages: last, .. } = pages;
    html! {
        @if last > 1 {
            form action=(action) method="get" class="pagination popupmenu nohovermenu" {
                input type="hidden" name=(hidden.0) value=(hidden.1);
                span { a href="javascript://" class="popupctrl" { "Page " (page) " of " (last) } }
                @if page > 1 {
                    span class="first_last" {
                        a rel="start" href=(url(1)) title={ "First Page - Results " (pages.results(1)) } { "First" }
                    }
                    span class="prev_next" {
                        a rel="prev" href=(url(page - 1)) title={ "Prev Page - Results " (pages.results(page - 1)) } { "" }
                    }
                }
                @for other in page.saturating_sub(3).max(1)..=(page + 3).min(last) {
                    @if other == page {
                        span class="selected" {
                            a href="javascript://" title={ "Results " (pages.results(page)) } { (page) }
                        }
                    } @else {
                        span { a href=(url(other)) title={ "Show results " (pages.results(other)) } { (other) } }
                    }
                }
                @if page < last {
                    span class="prev_next" {
                        a rel="next" href=(url(page + 1)) title={ "Next Page - Results " (pages.results(page + 1)) } { "" }
                    }
                    span class="first_last" {
                        a href=(url(last)) title={ "Last Page - Results " (pages.results(last)) } { "Last" }
                    }
                }
            }
        }
    }
}
