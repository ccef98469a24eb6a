//! Pages that only say something: errors, redirects, the closed board. All of them answer 200.

use maud::{Markup, html};

use super::super::bbcode::esc;
use super::super::scripts::Visit;
use super::{Head, frame, login_form};

pub(in super::super) fn message(visit: &Visit, script: &str, text: &str) -> String {
    frame(visit, &Head::new(script, &visit.options.title), &standard_error("vBulletin Message", text))
}

/// The session ended under a member's hands: the reason, and the log-in form.
pub(in super::super) fn session_ended(visit: &Visit, script: &str, text: &str) -> String {
    let body = html! { (standard_error("vBulletin Message", text)) (login_form(Some(&visit.forum.url()))) };
    frame(visit, &Head::new(script, &visit.options.title), &body)
}

fn standard_error(heading: &str, text: &str) -> Markup {
    html! {
        div class="standard_error" {
            h2 class="blockhead" { (heading) }
            div class="blockbody formcontrols" { p class="blockrow restore" { (esc(text)) } }
        }
    }
}

/// No permission: a guest gets the log-in form, a member their name.
pub(in super::super) fn no_permission(visit: &Visit, script: &str) -> String {
    let member = visit.viewer.and_then(|id| visit.state.members.get(&id));
    let body = html! {
        div class="standard_error" {
            h2 class="blockhead" { "vBulletin Message" }
            div class="blockbody formcontrols" {
                @match member {
                    Some(member) => {
                        p class="blockrow restore" {
                            (esc(&member.name)) ", you do not have permission to access this page. This could be due to one \
                             of several reasons:"
                        }
                    }
                    None => {
                        p class="blockrow restore" {
                            "You are not logged in or you do not have permission to access this page. This could be due \
                             to one of several reasons:"
                        }
                    }
                }
                ol {
                    li { "You may be trying to reach a page that is for others only." }
                    li { "Your account may be disabled, or may still wait to be activated." }
                }
                @if member.is_none() {
                    (login_form(Some(&visit.forum.url())))
                }
            }
        }
    };
    frame(visit, &Head::new(script, &visit.options.title), &body)
}

/// "Redirecting...": the page that stands in for a Location header.
pub(in super::super) fn redirect(visit: &Visit, script: &str, text: &str, to: &str) -> String {
    let body = html! {
        div class="standard_error" {
            form class="block vbform" method="post" action=(to) name="postvarform" {
                h2 class="blockhead" { "Redirecting..." }
                div class="blockbody formcontrols" { p class="blockrow restore" { (esc(text)) } }
                div class="blockfoot actionbuttons redirect_button" {
                    div class="group" id="redirect_button" {
                        a href=(to) class="textcontrol" {
                            "Click here if your browser does not automatically redirect you."
                        }
                    }
                }
            }
        }
        noscript { meta http-equiv="Refresh" content={ "2; URL=" (to) }; }
        script type="text/javascript" { "window.location = document.postvarform.action;" }
    };
    frame(visit, &Head::new(script, &visit.options.title), &body)
}

/// The page without a frame on which a refused security token is reported.
pub(in super::super) fn lite(visit: &Visit, text: &str) -> String {
    let page = html! {
        html id="vbulletin_html" {
            head {
                meta http-equiv="Content-Type" content={ "text/html; charset=" (visit.options.charset.label()) };
                title { (esc(&visit.options.title)) }
            }
            body { (standard_error("vBulletin Message", text)) }
        }
    };
    format!("<!DOCTYPE html>\n{}", page.into_string())
}
