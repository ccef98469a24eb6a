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

pub fn member(base: &Url, member: &MemberId) -> Url {
    let mut url = script(base, "member.php");
    url.query_pairs_mut().append_pair("u", member.as_str());
    url
}

/// A script in the forum's folder.
pub fn script(base: &Url, name: &str) -> Url {
    base.join(name).unwrap_or_else(|_| base.clone())
}

/// An address without session ids and other noise.
pub fn cleaned(url: &Url) -> String {
    let Some(query) = url.query() else { return url.to_string() };
    let noise = |pair: &&str| {
        let session = pair.strip_prefix("s=").is_some_and(|value| value.len() == 32 || value.is_empty());
        session || pair.starts_with("viewfull=")
    };
    let kept: Vec<&str> = query.split('&').filter(|pair| !noise(pair)).collect();
    let mut clean = url.clone();
    clean.set_query((!kept.is_empty()).then(|| kept.join("&")).as_deref());
    clean.to_string()
}

/// What an address names, if it is one of a forum at `base`.
pub fn recognise(base: &Url, text: &str) -> Option<Place> {
    let url = base.join(text.trim()).ok()?;
    let origin = |url: &Url| {
        let host = url.host_str()?.trim_start_matches("www.").to_ascii_lowercase();
        Some((host, url.port_or_known_default().filter(|port| !matches!(port, 80 | 443))))
    };
    let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder).to_ascii_lowercase();
    let inside = url.path().to_ascii_lowercase().starts_with(&folder);
    if !matches!(url.scheme(), "http" | "https") || origin(&url) != origin(base) || !inside {
        return None;
    }
    let place = place(&url);
    (place != Place::default()).then_some(place)
}

/// Whether only the forum can tell what an address means: rewritten ones end in numbers that are a page
/// (`...-tricks-2.html`) or a part of the title, and neither is told by the look of it.
pub fn is_rewritten(url: &Url) -> bool {
    !url.path().contains(".php") && place(url).thread.is_some()
}

/// What an address names, whatever forum it is of.
pub fn place(url: &Url) -> Place {
    let found = match script_of(url.path()) {
        Some((script, rest)) => by_script(url, &script, rest),
        None => rewritten(url),
    };
    Place {
        // Addresses carry the post in their anchor whatever they look like.
        post: url
            .fragment()
            .and_then(|anchor| anchor.strip_prefix("post"))
            .filter(|id| is_id(id))
            .map(PostId::new)
            .or(found.post),
        page: number_in(url, &["page"]).and_then(|page| page.parse().ok()).or(found.page),
        ..found
    }
}

/// The value of the first of these fields that holds a number.
fn number_in(url: &Url, fields: &[&str]) -> Option<String> {
    url.query_pairs()
        .find(|(key, value)| fields.contains(&key.as_ref()) && is_id(value))
        .map(|(_, value)| value.into_owned())
}

/// The script's name, and what a path puts behind it: `showthread.php/9687-Title/page2`. Tools that copy whole
/// sites keep the query and rename the file: `showthread9d88.html?t=5`.
fn script_of(path: &str) -> Option<(String, &str)> {
    if let Some((name, rest)) = path.split_once(".php") {
        let name = name.rsplit('/').next().unwrap_or(name);
        return Some((name.to_ascii_lowercase(), rest.trim_matches('/')));
    }
    let last = path.rsplit('/').next()?.strip_suffix(".html")?;
    // Also `-2`, where two names would have been the same.
    let stem = last.rsplit_once('-').filter(|(_, digits)| is_id(digits)).map_or(last, |(stem, _)| stem);
    let name = stem.get(..stem.len().checked_sub(4)?)?;
    let tail = stem.get(name.len()..)?;
    let copied = tail.bytes().all(|byte| byte.is_ascii_hexdigit());
    let known = ["showthread", "printthread", "showpost", "forumdisplay", "member", "newreply"];
    (copied && known.contains(&name)).then(|| (name.to_owned(), ""))
}

fn by_script(url: &Url, script: &str, rest: &str) -> Place {
    let mut place = Place::default();
    // `?ID-slug/page2&p=5`: the first piece of the query is a path of its own.
    let first = url.query().unwrap_or_default().split('&').find(|piece| !piece.starts_with("s="));
    let friendly =
        if rest.is_empty() { first.filter(|piece| !piece.contains("=")).or(first) } else { Some(rest) };
    let friendly = friendly.unwrap_or_default();
    let id = leading_id(friendly);
    if let Some((_, page)) = friendly.rsplit_once("/page") {
        place.page = page.parse().ok();
    }
    match script {
        "showthread" | "printthread" => {
            place.thread = number_in(url, &["t", "threadid"]).or(id).map(ThreadId);
            place.post = number_in(url, &["p", "postid"]).map(PostId);
        }
        "showpost" => {
            place.thread = number_in(url, &["t", "threadid"]).map(ThreadId);
            place.post = number_in(url, &["p", "postid"]).or(id).map(PostId);
        }
        "forumdisplay" => place.board = number_in(url, &["f", "forumid"]).or(id).map(BoardId),
        "member" => place.member = number_in(url, &["u", "userid"]).or(id).map(MemberId),
        "newreply" | "post_thanks" | "editpost" => {
            place.thread = number_in(url, &["t"]).map(ThreadId);
            place.post = number_in(url, &["p", "postid"]).map(PostId);
        }
        // The archive: `archive/index.php/t-137-p-2.html`, and without rewriting `index.php?t-137.html`.
        "index" => {
            let stem = friendly.split(['?', '=']).next().unwrap_or_default().trim_end_matches(".html");
            let mut parts = stem.split('-');
            match (parts.next(), parts.next().filter(|id| is_id(id))) {
                (Some("t"), Some(id)) => place.thread = Some(ThreadId::new(id)),
                (Some("f"), Some(id)) => place.board = Some(BoardId::new(id)),
                _ => {}
            }
        }
        _ => {}
    }
    place
}

/// Addresses that a server's rewriting made: vBulletin's own `threads/ID-slug/pageN`, and vBSEO's many.
fn rewritten(url: &Url) -> Place {
    let mut place = Place::default();
    let mut pieces: Vec<&str> = url.path().split('/').filter(|piece| !piece.is_empty()).collect();
    // A copied site keeps `threads/ID-slug/` as a file in a folder.
    if pieces.len() > 2 && matches!(pieces.last(), Some(&("index.html" | "index.htm"))) {
        pieces.pop();
    }
    let Some(last) = pieces.last() else { return place };
    let html = last.strip_suffix(".html").or_else(|| last.strip_suffix(".htm"));

    for (index, piece) in pieces.iter().enumerate() {
        let Some(id) = pieces.get(index + 1).and_then(|next| leading_id(next)) else { continue };
        let page = pieces.get(index + 2).and_then(|piece| piece.strip_prefix("page"));
        let ends_here = pieces.len() == index + 2 || page.is_some();
        match *piece {
            "threads" if html.is_none() => {
                place.thread = Some(ThreadId(id));
                place.page = page.and_then(|page| page.parse().ok());
                place.post = number_in(url, &["p"]).map(PostId);
                return place;
            }
            "members" if ends_here => {
                place.member = Some(MemberId(id));
                return place;
            }
            "forums" if html.is_none() && ends_here => {
                place.board = Some(BoardId(id));
                place.page = page.and_then(|page| page.parse().ok());
                return place;
            }
            _ => {}
        }
    }
    if pieces.iter().rev().nth(1) == Some(&"members") {
        // `members/12_name.html`
        let id = last.split_once('_').map(|(id, _)| id).filter(|id| is_id(id));
        place.member = id.map(MemberId::new);
        return place;
    }

    // Pages of `slug-ID/` are `indexN.html` in it.
    let (stem, page) = match html {
        Some(name) if name.strip_prefix("index").is_some_and(is_id) && pieces.len() > 1 => {
            (pieces[pieces.len() - 2], name.strip_prefix("index").and_then(|page| page.parse().ok()))
        }
        Some(name) => (name, None),
        None => (*last, None),
    };
    place.page = page;
    // `memberN.html`, `tN-slug.html`, `forumN/`, `fN/`, `slug-fN/`, `slug-tN.html`
    let marked = |marks: &[&str]| {
        let word = stem.rsplit('-').next().unwrap_or(stem);
        marks.iter().find_map(|mark| word.strip_prefix(mark).filter(|id| is_id(id)))
    };
    if let Some(id) = stem.strip_prefix("member").filter(|id| is_id(id)) {
        place.member = Some(MemberId::new(id));
        return place;
    }
    if html.is_none()
        && let Some(id) = marked(&["forum", "f"])
    {
        place.board = Some(BoardId::new(id));
        return place;
    }
    if let Some(id) = marked(&["t"]) {
        place.thread = Some(ThreadId::new(id));
        return place;
    }
    if html.is_none() && page.is_none() {
        return place;
    }
    // These lead to a neighbour of the thread that they name.
    if stem.ends_with("-prev-thread") || stem.ends_with("-next-thread") {
        return place;
    }
    let (stem, post) = match stem.rsplit_once("-post").filter(|(_, post)| is_id(post)) {
        Some((stem, post)) => (stem, Some(PostId::new(post))),
        None => (stem, None),
    };
    let body = match stem.strip_prefix('t') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => stem,
    };
    let by_number = pieces.iter().rev().nth(1).is_some_and(|folder| {
        folder.rsplit('-').next().and_then(|word| word.strip_prefix('f')).is_some_and(is_id)
    });
    let tail: Vec<&str> = body.rsplit('-').take_while(|word| is_id(word)).take(2).collect();
    let (id, rest) = match (leading_id(body), tail.as_slice()) {
        (Some(id), _) if body.len() > id.len() => {
            let page = tail.first().filter(|_| body.matches('-').count() > 1);
            (id, page.copied())
        }
        // In folders by number the id stands at the end, and a page behind it.
        (None, [id]) if by_number => ((*id).to_owned(), None),
        (None, [page, id]) if by_number => ((*id).to_owned(), Some(*page)),
        _ => return place,
    };
    place.thread = Some(ThreadId(id));
    place.post = post;
    if place.post.is_none() {
        // A slug may end in a number by itself: see `is_rewritten`.
        let page = rest.filter(|page| page.len() <= 4).and_then(|page| page.parse().ok());
        place.page = place.page.or(page.filter(|page| *page > 1));
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
    (is_id(&digits) && end.is_none_or(|c| matches!(c, '-' | '/' | '.' | '&' | '?' | '='))).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://forum.example/forums/").expect("an address")
    }

    #[test]
    fn every_style_names_the_same_thread() {
        for (address, thread, post, page) in [
            ("showthread.php?t=93602", Some("93602"), None, None),
            ("showthread.php?t=93602&page=2", Some("93602"), None, Some(2)),
            ("showthread.php?t=93602&pp=40&page=2", Some("93602"), None, Some(2)),
            ("showthread.php?threadid=93602", Some("93602"), None, None),
            ("showthread.php?p=365268#post365268", None, Some("365268"), None),
            ("showthread.php?t=5&goto=newpost", Some("5"), None, None),
            ("showpost.php?p=365268&postcount=3", None, Some("365268"), None),
            ("showthread.php?243047", Some("243047"), None, None),
            ("showthread.php?243047-Some-Title", Some("243047"), None, None),
            ("showthread.php?243047-Some-Title=", Some("243047"), None, None),
            ("showthread.php?243047-Some-Title/page2", Some("243047"), None, Some(2)),
            ("showthread.php?243047-Some-Title/page2&p=77", Some("243047"), Some("77"), Some(2)),
            ("showthread.php?243047-Some-Title&p=77&viewfull=1#post77", Some("243047"), Some("77"), None),
            ("showthread.php/9687-Title", Some("9687"), None, None),
            ("showthread.php/9687-Title/page3", Some("9687"), None, Some(3)),
            ("showthread.php/9687-Title/page3?pp=40", Some("9687"), None, Some(3)),
            ("showthread.php/9687-Title?p=77#post77", Some("9687"), Some("77"), None),
            ("threads/4945", Some("4945"), None, None),
            ("threads/4945-Win-XP-Theme", Some("4945"), None, None),
            ("threads/4945-Win-XP-Theme/page2", Some("4945"), None, Some(2)),
            ("threads/4945-Win-XP-Theme/index.html", Some("4945"), None, None),
            ("threads/4945-Win-XP-Theme/page2?pp=40", Some("4945"), None, Some(2)),
            ("threads/4945-Win-XP-Theme?p=84685#post84685", Some("4945"), Some("84685"), None),
            ("threads/4945-Win-XP-Theme?p=84685&viewfull=1", Some("4945"), Some("84685"), None),
            ("windows-10/161433-removal-store.html", Some("161433"), None, None),
            ("windows-10/161433-removal-store.html#post1398039", Some("161433"), Some("1398039"), None),
            ("windows-10/161433-removal-of-store-2.html", Some("161433"), None, Some(2)),
            ("windows-10/161433-removal-of-store-print.html", Some("161433"), None, None),
            ("windows-10/161433-removal-of-store-prev-thread.html", None, None, None),
            ("windows-10/161433-removal-of-store-next-thread.html", None, None, None),
            // The number after the anchor is the post's place in the thread, not its id.
            ("thin-clients/192994-virtualbox-3.html#33", Some("192994"), None, Some(3)),
            ("board/93602-pollinate-flower-post702959.html#post702959", Some("93602"), Some("702959"), None),
            ("board/93602-pollinate-flower-post702959.html", Some("93602"), Some("702959"), None),
            ("t74230-some-slug.html", Some("74230"), None, None),
            ("f14/some-title-123456.html", Some("123456"), None, None),
            ("f14/some-title-123456-3.html", Some("123456"), None, Some(3)),
            ("chat-f14/some-title-123456-post99.html", Some("123456"), Some("99"), None),
            ("some-title-t123456.html", Some("123456"), None, None),
            ("archive/index.php/t-137.html", Some("137"), None, None),
            ("archive/index.php?t-137.html", Some("137"), None, None),
            ("printthread.php?t=722&pp=10&page=1", Some("722"), None, Some(1)),
            ("/forums/showthread.php?s=0123456789abcdef0123456789abcdef&t=5", Some("5"), None, None),
            ("/forums/showthread.php?s=0123456789abcdef0123456789abcdef&5-Title", Some("5"), None, None),
            ("showthread9d88.html?t=3100&p=9545", Some("3100"), Some("9545"), None),
            ("showthread574f-2.html?p=8315#post8315", None, Some("8315"), None),
            ("https://www.forum.example/forums/showthread.php?t=5", Some("5"), None, None),
            ("http://forum.example/forums/showthread.php?t=5", Some("5"), None, None),
            ("//forum.example/forums/showthread.php?t=5", Some("5"), None, None),
            (" showthread.php?t=5 ", Some("5"), None, None),
        ] {
            let place = recognise(&base(), address).unwrap_or_default();
            assert_eq!(place.thread.as_ref().map(ThreadId::as_str), thread, "thread of {address}");
            assert_eq!(place.post.as_ref().map(PostId::as_str), post, "post of {address}");
            assert_eq!(place.page, page, "page of {address}");
        }
    }

    #[test]
    fn every_style_names_the_same_member_and_board() {
        let member = |text| recognise(&base(), text).and_then(|place| place.member).map(|id| id.0);
        for address in [
            "member.php?14-Name",
            "member.php/14-Name",
            "member.php?u=14",
            "member.php?s=0123456789abcdef0123456789abcdef&u=14",
            "members/14-Name",
            "members/14-Name/",
            "members/14.html",
            "members/14_name.html",
            "members/14-Name/index.html",
            "member14.html",
            "member6248.html?u=14",
        ] {
            assert_eq!(member(address).as_deref(), Some("14"), "{address}");
        }
        assert_eq!(member("members/some-name.html"), None, "a name is no id");
        let board = |text| recognise(&base(), text).and_then(|place| place.board).map(|id| id.0);
        for address in [
            "forumdisplay.php?f=39",
            "forumdisplay.php?f=39&page=2",
            "forumdisplay.php?39-Name",
            "forumdisplay.php/39-Name",
            "forums/39-Name",
            "forums/39-Name/page2",
            "forum39/",
            "f39/",
            "name-f39/",
            "forumdisplay6c4e.html?f=39",
            "archive/index.php/f-39.html",
        ] {
            assert_eq!(board(address).as_deref(), Some("39"), "{address}");
        }
    }

    #[test]
    fn what_is_elsewhere_is_not_recognised() {
        for address in [
            "https://elsewhere.example/forums/showthread.php?t=5",
            "https://forum.example:8443/forums/showthread.php?t=5",
            "https://forum.example/news/93602-something.html",
            "just words",
            "external.php?type=RSS2",
            "general-chat/",
            "mailto:somebody@forum.example",
            "javascript://",
        ] {
            assert_eq!(recognise(&base(), address), None, "{address}");
        }
    }

    #[test]
    fn what_is_built_is_recognised() {
        let base = Url::parse("https://forum.example/").expect("an address");
        let url = post(&base, &PostId::new("42"));
        assert_eq!(url.as_str(), "https://forum.example/showthread.php?p=42#post42");
        assert_eq!(place(&url).post, Some(PostId::new("42")));
        let url = thread(&base, &ThreadId::new("7"), Some(3));
        assert_eq!((place(&url).thread, place(&url).page), (Some(ThreadId::new("7")), Some(3)));
        assert_eq!(place(&board(&base, &BoardId::new("9"), 2)).board, Some(BoardId::new("9")));
        assert_eq!(place(&member(&base, &MemberId::new("5"))).member, Some(MemberId::new("5")));
    }

    #[test]
    fn only_the_forum_knows_what_a_number_at_the_end_of_a_slug_is() {
        let of = |text: &str| is_rewritten(&base().join(text).expect("an address"));
        assert!(of("windows-10/161433-tricks-part-2.html"));
        assert!(of("threads/4945-Win-XP-Theme/page2"));
        assert!(!of("showthread.php?t=4945&page=2"));
        assert!(!of("members/14-Name"));
    }

    #[test]
    fn session_ids_are_dropped() {
        for (address, clean) in [
            (
                "https://f.example/showthread.php?5-x&s=0123456789abcdef0123456789abcdef&p=7&viewfull=1#post7",
                "https://f.example/showthread.php?5-x&p=7#post7",
            ),
            ("https://f.example/a.php?s=0123456789abcdef0123456789abcdef", "https://f.example/a.php"),
            ("https://f.example/image.php?s=&u=7", "https://f.example/image.php?u=7"),
            ("https://f.example/search.php?s=short", "https://f.example/search.php?s=short"),
        ] {
            assert_eq!(cleaned(&Url::parse(address).expect("an address")), clean);
        }
    }
}
