//! Addresses of a vBulletin 4 forum, in every style that it or its add-ons write: plain (`?t=`), built-in
//! friendly (`?ID-slug`, `/ID-slug/pageN`), rewritten (`threads/ID-slug`), and vBSEO's
//! (`board-slug/ID-slug-N.html`). Recognises any; builds the plain one, which works on all of them.

use url::Url;

use crate::forum::Place;
use crate::model::{BoardId, MemberId, PostId, ThreadId};

/// The thread's address, by its id alone.
pub fn thread(base: &Url, thread: &ThreadId, page: Option<u32>) -> Url {
    let mut url = script(base, "showthread.php");
    url.query_pairs_mut().append_pair("t", thread.as_str());
    if let Some(page) = page.filter(|page| *page > 1) {
        url.query_pairs_mut().append_pair("page", &page.to_string());
    }
    url
}

/// The post's address, by its id alone.
pub fn post(base: &Url, post: &PostId) -> Url {
    let mut url = script(base, "showthread.php");
    url.query_pairs_mut().append_pair("p", post.as_str());
    url.set_fragment(Some(&format!("post{post}")));
    url
}

pub fn board(base: &Url, board: &BoardId, page: u32) -> Url {
    let mut url = script(base, "forumdisplay.php");
    url.query_pairs_mut().append_pair("f", board.as_str());
    if page > 1 {
        url.query_pairs_mut().append_pair("page", &page.to_string());
    }
    url
}

/// A script in the forum's folder.
pub fn script(base: &Url, name: &str) -> Url {
    base.join(name).unwrap_or_else(|_| base.clone())
}

/// An address without session ids and other noise.
pub fn cleaned(url: &Url) -> String {
    let mut clean = url.clone();
    if url.query().is_some_and(|query| query.contains("s=") || query.contains("viewfull")) {
        let kept: Vec<String> = url
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| {
                let session = pair.strip_prefix("s=").is_some_and(|v| v.len() == 32 || v.is_empty());
                !session && !pair.starts_with("viewfull=")
            })
            .map(str::to_owned)
            .collect();
        clean.set_query((!kept.is_empty()).then(|| kept.join("&")).as_deref());
    }
    clean.to_string()
}

/// What an address names, if it is one of a forum at `base`.
pub fn recognise(base: &Url, text: &str) -> Option<Place> {
    let url = base.join(text.trim()).ok()?;
    let same_host = |url: &Url| {
        let host = url.host_str()?.trim_start_matches("www.").to_ascii_lowercase();
        Some((host, url.port_or_known_default().filter(|port| !matches!(port, 80 | 443))))
    };
    if !matches!(url.scheme(), "http" | "https") || same_host(&url) != same_host(base) {
        return None;
    }
    let place = place(&url);
    (place != Place::default()).then_some(place)
}

/// What an address names, whatever forum it is of.
pub fn place(url: &Url) -> Place {
    let mut place = Place::default();
    let path = url.path().trim_end_matches('/');
    let (folder, last) = path.rsplit_once('/').unwrap_or(("", path));
    let query = url.query().unwrap_or_default();
    let find = |name: &str| {
        url.query_pairs()
            .find(|(key, value)| key == name && is_id(value))
            .map(|(_, value)| value.into_owned())
    };
    if let Some(post) = url.fragment().and_then(|f| f.strip_prefix("post")).filter(|id| is_id(id)) {
        place.post = Some(PostId::new(post));
    }
    place.page = find("page").and_then(|page| page.parse().ok());

    // `name.php?...` and `name.php/ID-slug/pageN`
    let (name, rest) = match path.split_once(".php") {
        Some((name, rest)) => (name.rsplit('/').next().unwrap_or(name), Some(rest.trim_matches('/'))),
        None => (last, None),
    };
    if let Some(rest) = rest {
        // `?ID-slug/page2&p=5`: the first piece of the query is a path of its own.
        let friendly =
            query.split('&').next().filter(|piece| piece.starts_with(|c: char| c.is_ascii_digit()));
        let friendly = if rest.is_empty() { friendly.unwrap_or_default() } else { rest };
        let id = leading_id(friendly);
        if let Some((_, page)) = friendly.rsplit_once("/page") {
            place.page = place.page.or(page.parse().ok());
        }
        match name {
            "showthread" | "printthread" | "showpost" => {
                place.thread = find("t").or(id).map(ThreadId);
                place.post = place.post.or(find("p").or_else(|| find("postid")).map(PostId));
            }
            "forumdisplay" => place.board = find("f").or(id).map(BoardId),
            "member" => place.member = find("u").or(id).map(MemberId),
            "newreply" | "post_thanks" | "editpost" => {
                place.thread = find("t").map(ThreadId);
                place.post = place.post.or(find("p").map(PostId));
            }
            _ => {}
        }
        return place;
    }

    // Rewritten: threads/ID-slug[/pageN], forums/ID-slug, members/ID-slug
    let pieces: Vec<&str> = path.split('/').filter(|piece| !piece.is_empty()).collect();
    for (index, piece) in pieces.iter().enumerate() {
        let Some(next) = pieces.get(index + 1) else { break };
        let Some(id) = leading_id(next) else { continue };
        let html = next.strip_suffix(".html").or_else(|| next.strip_suffix(".htm"));
        match *piece {
            "threads" if html.is_none() => {
                place.thread = Some(ThreadId(id));
                if let Some(page) = pieces.get(index + 2).and_then(|p| p.strip_prefix("page")) {
                    place.page = place.page.or(page.parse().ok());
                }
                place.post = place.post.or(find("p").map(PostId));
                return place;
            }
            "members" => {
                place.member = Some(MemberId(id));
                return place;
            }
            "forums" if html.is_none() && pieces.len() == index + 2 && next.contains('-') => {
                place.board = Some(BoardId(id));
                return place;
            }
            _ => {}
        }
    }

    // vBSEO and its like: [board-slug/]ID-slug[-N|-postID].html, tID-slug.html
    if let Some(stem) = last.strip_suffix(".html").or_else(|| last.strip_suffix(".htm")) {
        if folder.ends_with("/members") || stem.starts_with("member") {
            place.member = leading_id(stem.trim_start_matches("member")).map(MemberId);
            return place;
        }
        let body = match stem.strip_prefix('t') {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
            _ => stem,
        };
        if let Some(id) = leading_id(body)
            && body[id.len()..].starts_with('-')
        {
            place.thread = Some(ThreadId(id));
            if let Some((_, post)) = stem.rsplit_once("-post").filter(|(_, post)| is_id(post)) {
                place.post = place.post.or(Some(PostId::new(post)));
            } else if let Some((_, page)) = body.rsplit_once('-')
                && page.len() <= 4
                && body.matches('-').count() > 1
            {
                // A slug may end in a number by itself; asking for a page that is not there is harmless.
                place.page = place.page.or(page.parse().ok().filter(|page| *page > 1));
            }
        }
    }
    place
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The number at the beginning of `ID-slug`.
fn leading_id(text: &str) -> Option<String> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let end = text[digits.len()..].chars().next();
    (is_id(&digits) && end.is_none_or(|c| matches!(c, '-' | '/' | '.' | '&' | '?'))).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_style_names_the_same_thread() {
        let base = Url::parse("https://forum.example/forums/").expect("an address");
        for (address, thread, post, page) in [
            ("showthread.php?t=93602&page=2", Some("93602"), None, Some(2)),
            ("showthread.php?p=365268#post365268", None, Some("365268"), None),
            ("showthread.php?243047-Some-Title", Some("243047"), None, None),
            ("showthread.php?243047-Some-Title/page2&p=77", Some("243047"), Some("77"), Some(2)),
            ("showthread.php?243047-Some-Title&p=77&viewfull=1#post77", Some("243047"), Some("77"), None),
            ("showthread.php/9687-Title/page3", Some("9687"), None, Some(3)),
            ("threads/4945-Win-XP-Theme/page2", Some("4945"), None, Some(2)),
            ("threads/4945-Win-XP-Theme?p=84685#post84685", Some("4945"), Some("84685"), None),
            ("windows-10/161433-removal-store.html#post1398039", Some("161433"), Some("1398039"), None),
            ("windows-10/161433-removal-of-store-2.html", Some("161433"), None, Some(2)),
            ("board/93602-pollinate-flower-post702959.html#post702959", Some("93602"), Some("702959"), None),
            ("t74230-some-slug.html", Some("74230"), None, None),
            ("/forums/showthread.php?s=0123456789abcdef0123456789abcdef&t=5", Some("5"), None, None),
        ] {
            let place = recognise(&base, address).unwrap_or_default();
            assert_eq!(place.thread.as_ref().map(ThreadId::as_str), thread, "{address}");
            assert_eq!(place.post.as_ref().map(PostId::as_str), post, "{address}");
            assert_eq!(place.page, page, "{address}");
        }
        let member = |text| recognise(&base, text).and_then(|place| place.member).map(|id| id.0);
        for address in ["member.php?14-Name", "member.php?u=14", "members/14-Name", "members/14.html"] {
            assert_eq!(member(address).as_deref(), Some("14"), "{address}");
        }
        let board = |text| recognise(&base, text).and_then(|place| place.board).map(|id| id.0);
        for address in [
            "forumdisplay.php?f=39",
            "forumdisplay.php?39-Name",
            "forumdisplay.php/39-Name",
            "forums/39-Name",
        ] {
            assert_eq!(board(address).as_deref(), Some("39"), "{address}");
        }
        assert_eq!(recognise(&base, "https://elsewhere.example/showthread.php?t=5"), None);
        assert_eq!(recognise(&base, "just words"), None);
    }

    #[test]
    fn what_is_built_is_recognised() {
        let base = Url::parse("https://forum.example/").expect("an address");
        let url = post(&base, &PostId::new("42"));
        assert_eq!(url.as_str(), "https://forum.example/showthread.php?p=42#post42");
        assert_eq!(place(&url).post, Some(PostId::new("42")));
        let url = thread(&base, &ThreadId::new("7"), Some(3));
        assert_eq!((place(&url).thread, place(&url).page), (Some(ThreadId::new("7")), Some(3)));
    }

    #[test]
    fn session_ids_are_dropped() {
        let url = Url::parse(
            "https://f.example/showthread.php?5-x&s=0123456789abcdef0123456789abcdef&p=7&viewfull=1#post7",
        )
        .expect("an address");
        assert_eq!(cleaned(&url), "https://f.example/showthread.php?5-x&p=7#post7");
    }
}
