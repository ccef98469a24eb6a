//! The addresses of a Discourse forum, written and read.

use url::Url;

use super::parse::CHUNK;
use crate::forum::Place;
use crate::model::{BoardId, PostId, ThreadId};

/// A path below the forum's own folder.
pub fn path(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// A topic, or a post of it by its number.
pub fn topic(base: &Url, slug: &str, topic: u64, post: Option<u32>) -> Url {
    let (topic, post) = (topic.to_string(), post.map(|number| number.to_string()));
    let mut segments = vec!["t"];
    segments.extend(Some(slug).filter(|slug| !slug.is_empty()));
    segments.push(&topic);
    segments.extend(post.as_deref());
    path(base, &segments)
}

/// A topic by its id alone.
pub fn thread(base: &Url, thread: &ThreadId) -> Url {
    path(base, &["t", thread.as_str()])
}

/// A post by its id alone: Discourse sends the browser on to its topic.
pub fn post(base: &Url, post: &PostId) -> Url {
    path(base, &["p", post.as_str()])
}

/// A member's own page. Discourse knows members by name there.
pub fn member(base: &Url, name: &str) -> Url {
    path(base, &["u", name])
}

pub fn category(base: &Url, slug: &str, category: u64) -> Url {
    path(base, &["c", slug, &category.to_string()])
}

/// The name in the address of a member's own page.
pub fn member_of(base: &Url, text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| url.host_str() == base.host_str())?;
    let rest = url.path().strip_prefix(base.path().trim_end_matches('/'))?.strip_prefix("/u/")?;
    let name = rest.split('/').next().filter(|name| !name.is_empty())?;
    // A name is encoded in a path as it is in a form, but for the plus sign.
    let pair = format!("name={}", name.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, name)| name.into_owned())
}

/// What an address of this forum points at.
pub fn recognise(base: &Url, text: &str) -> Option<Place> {
    let url = Url::parse(text).ok()?;
    let upgraded = base.scheme() == "http" && url.scheme() == "https";
    if url.host_str() != base.host_str() || url.port() != base.port() && !upgraded {
        return None;
    }
    let rest = url.path().strip_prefix(base.path().trim_end_matches('/'))?;
    let rest = rest.trim_end_matches(".json");
    let mut segments = rest.split('/').filter(|segment| !segment.is_empty());
    let kind = segments.next()?;
    let rest: Vec<&str> = segments.collect();
    let number = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty();
    match kind {
        "t" => {
            // A slug may be a number itself, but never comes without an id behind it.
            let (id, post) = match rest.as_slice() {
                [id] if number(id) => (id, None),
                [id, post] if number(id) && number(post) => (id, Some(post)),
                [_, id] if number(id) => (id, None),
                [_, id, post] if number(id) && number(post) => (id, Some(post)),
                _ => return None,
            };
            let asked =
                url.query_pairs().find(|(key, _)| key == "page").and_then(|(_, page)| page.parse().ok());
            // Which post has this number only the topic knows; numbers run a little ahead of pages.
            let of_post =
                post.and_then(|post| post.parse::<u32>().ok()).map(|post| post.max(1).div_ceil(CHUNK));
            Some(Place { thread: Some(ThreadId::new(*id)), page: asked.or(of_post), ..Place::default() })
        }
        "p" => {
            let post = rest.first().filter(|id| number(id))?;
            Some(Place { post: Some(PostId::new(*post)), ..Place::default() })
        }
        "c" => {
            let id = rest.iter().rev().find(|segment| number(segment))?;
            Some(Place { board: Some(BoardId::new(*id)), ..Place::default() })
        }
        _ => None,
    }
}
