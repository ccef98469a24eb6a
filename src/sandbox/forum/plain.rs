//! What a browser meets on a forum whose face is an API: a topic's words, for whoever follows a link.

use super::wire::Reply;
use super::{Charset, Forum};

/// A topic as guests see it, on a page that says which software made it. `cooked` makes HTML of what members write.
pub(super) fn topic_page(
    forum: &Forum,
    thread: Option<u64>,
    cooked: fn(&str) -> String,
    (software, none): (&str, &str),
) -> Reply {
    let state = forum.state();
    let thread = thread.and_then(|id| state.threads.get(&id));
    let thread = thread.filter(|thread| state.sees_thread(None, thread));
    let title = thread.map_or(none, |thread| &thread.title);
    let shown = maud::html! {
        html {
            head {
                meta charset="utf-8";
                meta name="generator" content=(software);
                title { (title) }
            }
            body {
                h1 { (title) }
                @if let Some(thread) = thread {
                    @for post in state.visible_posts(None, thread) {
                        article id={ "post_" (post.id) } {
                            h2 { (post.name) }
                            (maud::PreEscaped(cooked(&post.text)))
                        }
                    }
                }
            }
        }
    };
    let mut reply = Reply::page(Charset::Utf8, &shown.into_string());
    if thread.is_none() {
        reply.status = 404;
    }
    reply
}

/// A segment of a path, as it was before it was encoded.
pub(super) fn decoded(segment: &str) -> String {
    let pair = format!("a={}", segment.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
