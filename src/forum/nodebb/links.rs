//! The addresses of a NodeBB forum, written and read.

use url::Url;

use crate::forum::Place;
use crate::model::{BoardId, MemberId, PostId, ThreadId};

/// Posts to a page, unless the forum or the account is set otherwise.
pub const PER_PAGE: u32 = 20;

/// A path below the forum's own folder.
pub fn path(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// A topic by its slug, which begins with its id: `12/a-title`.
pub fn topic(base: &Url, slug: &str, tid: &str) -> Url {
    let slug = if slug.is_empty() { tid } else { slug };
    let segments: Vec<&str> = std::iter::once("topic").chain(slug.split('/')).collect();
    path(base, &segments)
}

pub fn thread(base: &Url, thread: &ThreadId) -> Url {
    path(base, &["topic", thread.as_str()])
}

/// A post by its id alone: NodeBB sends the browser on to its topic.
pub fn post(base: &Url, pid: &str) -> Url {
    path(base, &["post", pid])
}

pub fn category(base: &Url, slug: &str, cid: &str) -> Url {
    let slug = if slug.is_empty() { cid } else { slug };
    let segments: Vec<&str> = std::iter::once("category").chain(slug.split('/')).collect();
    path(base, &segments)
}

/// A member by id: NodeBB sends the browser on to their page.
pub fn member(base: &Url, uid: &str) -> Url {
    path(base, &["uid", uid])
}

/// A member's name as addresses have it.
pub fn slug_of(name: &str) -> String {
    let words: Vec<String> = name
        .to_lowercase()
        .split(|c: char| c.is_whitespace())
        .map(|word| word.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect())
        .filter(|word: &String| !word.is_empty())
        .collect();
    words.join("-")
}

/// What an address of this forum points at.
pub fn recognise(base: &Url, text: &str) -> Option<Place> {
    let (kind, rest, url) = parts(base, text)?;
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match (kind.as_str(), rest.as_slice()) {
        ("topic" | "topics", [tid, ..]) if is_tid(tid) => {
            let asked =
                url.query_pairs().find(|(key, _)| key == "page").and_then(|(_, page)| page.parse().ok());
            let of_post = index(&rest).map(|index| index.div_ceil(PER_PAGE));
            Some(Place { thread: Some(ThreadId::new(*tid)), page: asked.or(of_post), ..Place::default() })
        }
        ("post" | "posts", [pid, ..]) => Some(Place { post: Some(PostId::new(*pid)), ..Place::default() }),
        ("category" | "categories", [cid, ..]) => {
            Some(Place { board: Some(BoardId::new(*cid)), ..Place::default() })
        }
        ("uid", [uid, ..]) => Some(Place { member: Some(MemberId::new(*uid)), ..Place::default() }),
        _ => None,
    }
}

/// Which post of its topic an address names, from 1, where it names no page: `/topic/12/a-title/45`.
pub fn place_in_topic(base: &Url, text: &str) -> Option<(ThreadId, u32)> {
    let (kind, rest, url) = parts(base, text)?;
    if kind != "topic" || url.query_pairs().any(|(key, _)| key == "page") {
        return None;
    }
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let tid = rest.first().filter(|tid| is_tid(tid))?;
    Some((ThreadId::new(*tid), index(&rest)?))
}

fn index(rest: &[&str]) -> Option<u32> {
    rest.get(2)?.parse().ok().map(|index: u32| index.max(1))
}

/// Numbers, and UUIDs for what came by federation.
fn is_tid(text: &str) -> bool {
    let number = text.bytes().all(|byte| byte.is_ascii_digit());
    let uuid = text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    !text.is_empty() && (number || uuid)
}

/// The kind of thing that an address of this forum, or of its API, names, and what follows.
fn parts(base: &Url, text: &str) -> Option<(String, Vec<String>, Url)> {
    let url = Url::parse(text).ok()?;
    let upgraded = base.scheme() == "http" && url.scheme() == "https";
    if url.host_str() != base.host_str() || url.port() != base.port() && !upgraded {
        return None;
    }
    let rest = url.path().strip_prefix(base.path().trim_end_matches('/'))?;
    let mut segments =
        rest.split('/').filter(|segment| !segment.is_empty()).map(decoded).collect::<Vec<_>>().into_iter();
    let mut kind = segments.next()?;
    if kind == "api" {
        kind = segments.next()?;
        if kind == "v3" {
            kind = segments.next()?;
        }
    }
    Some((kind, segments.collect(), url))
}

fn decoded(segment: &str) -> String {
    let pair = format!("a={}", segment.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_every_kind_are_known() {
        let base = Url::parse("https://talk.example/forum/").expect("an address");
        let place = |path: &str| recognise(&base, &format!("https://talk.example{path}"));
        let thread =
            |id: &str, page| Some(Place { thread: Some(ThreadId::new(id)), page, ..Place::default() });
        assert_eq!(place("/forum/topic/12"), thread("12", None));
        assert_eq!(place("/forum/topic/12/a-title"), thread("12", None));
        assert_eq!(place("/forum/topic/12/a-title/45"), thread("12", Some(3)));
        assert_eq!(place("/forum/topic/12/2024?page=3"), thread("12", Some(3)));
        assert_eq!(place("/forum/api/topic/12?page=2"), thread("12", Some(2)));
        assert_eq!(place("/forum/api/v3/topics/12"), thread("12", None));
        let uuid = "7a3c0f0e-1f2b-4a7e-9f65-0c9b1d2e3f40";
        assert_eq!(place(&format!("/forum/topic/{uuid}/x")), thread(uuid, None));
        let post = |id: &str| Some(Place { post: Some(PostId::new(id)), ..Place::default() });
        assert_eq!(place("/forum/post/7"), post("7"));
        assert_eq!(
            place("/forum/post/https%3A%2F%2Fsocial.example%2Fn%2F1"),
            post("https://social.example/n/1")
        );
        assert_eq!(
            place("/forum/category/5/staff-co"),
            Some(Place { board: Some(BoardId::new("5")), ..Place::default() })
        );
        for other in ["/forum/topic/abc", "/forum/user/ann", "/topic/12", "/forum/"] {
            assert_eq!(place(other), None, "{other}");
        }
        assert_eq!(
            place_in_topic(&base, "https://talk.example/forum/topic/12/a-title/45"),
            Some((ThreadId::new("12"), 45))
        );
        assert_eq!(place_in_topic(&base, "https://talk.example/forum/topic/12/a-title/45?page=2"), None);
    }

    #[test]
    fn addresses_are_built_from_ids() {
        let base = Url::parse("https://talk.example/forum/").expect("an address");
        assert_eq!(post(&base, "7").as_str(), "https://talk.example/forum/post/7");
        assert_eq!(
            post(&base, "https://social.example/n/1").as_str(),
            "https://talk.example/forum/post/https:%2F%2Fsocial.example%2Fn%2F1"
        );
        assert_eq!(topic(&base, "12/a-title", "12").as_str(), "https://talk.example/forum/topic/12/a-title");
        assert_eq!(slug_of("John  O'Neill"), "john-oneill");
    }
}
