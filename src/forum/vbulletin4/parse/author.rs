//! Who wrote a post: the column beside it, which every style arranges in its own way.

use crate::markup::html::copied;
use crate::markup::html::tree::ElementRef;

use super::column::Row;
use super::labels::{self, Label};
use super::scope::Scope;
use super::{best, css, first, links, some, text_of, within};
use crate::model::{Author, MemberId};

/// `rows` are those of the column beside the post.
pub fn author(item: ElementRef<'_>, rows: &[Row], scope: &Scope<'_>) -> Author {
    let named = first(item, css!(".username_container a.username, .username_container .username"))
        .or_else(|| item.select(css!("a.username, span.username")).find(|name| is_beside(*name)));
    let by_menu = || {
        let known = [
            css!(".username_container strong"),
            css!(".username_container h2"),
            css!(".username_container"),
            css!(".userinfo a[href*=member], .postdetails .contact a[href*=member]"),
        ];
        best(item, known)
    };
    // In the place of a post whose author the viewer ignores stands a sentence that names them.
    let ignored = || first(item, css!(".messageignored a.username, .messageignored a[href*=member]"));
    let name_element = named.or_else(by_menu).or_else(ignored);
    let name = name_element.map(text_of).unwrap_or_default();
    let id = name_element
        .and_then(|link| member_in(link.value().attr("href")?, scope))
        .or_else(|| menu_id(item, scope));
    let avatar_url = avatar(item, scope);
    let id = id.or_else(|| {
        let called_guest =
            name_element.is_some_and(|name| name.value().classes().any(|class| class == "guest"));
        avatar_url.as_deref().filter(|_| !called_guest).and_then(pictured)
    });
    let guest = id.is_none()
        && !name.is_empty()
        && named.is_none_or(|name| {
            name.value().name() != "a" || name.value().classes().any(|class| class == "guest")
        });
    let mut author = Author {
        id,
        name,
        title: best(item, [css!(".usertitle"), css!("[class*=usertitle]")])
            .filter(|title| is_beside(*title))
            .and_then(|title| some(text_of(title))),
        avatar_url,
        guest,
        ..Author::default()
    };
    stats(rows, &mut author);
    // A member whose profile the viewer may not open still has a member's figures.
    author.guest &= author.joined.is_none() && author.posts.is_none();
    author
}

/// Whether an element is of the column, not of the post's own words or of a note under them.
fn is_beside(element: ElementRef<'_>) -> bool {
    !["postcontent", "lastedited", "signature", "content", "postbody"]
        .iter()
        .any(|class| within(element, class))
}

pub fn member_in(href: &str, scope: &Scope<'_>) -> Option<MemberId> {
    links::place(&scope.address(href)?).member
}

/// Menus and reputation name the author by number even where the profile's address does not.
fn menu_id(item: ElementRef<'_>, scope: &Scope<'_>) -> Option<MemberId> {
    let of_link = |link: ElementRef<'_>| {
        let url = scope.address(link.value().attr("href")?)?;
        let (_, id) = url.query_pairs().find(|(key, value)| {
            matches!(key.as_ref(), "userid" | "u")
                && !value.is_empty()
                && value.bytes().all(|b| b.is_ascii_digit())
        })?;
        Some(MemberId(id.into_owned()))
    };
    let mut menu = item.select(css!("a[href*=finduser], a[href*=newpm], a[href*=\"userid=\"]"));
    menu.find_map(|link| is_beside(link).then(|| of_link(link)).flatten()).or_else(|| {
        let badge = first(item, css!("[id^=repdisplay_], [id^=reppower_]"))?;
        let id = badge.value().attr("id")?.rsplit('_').next()?;
        (!id.is_empty() && id.bytes().all(|b| b.is_ascii_digit())).then(|| MemberId::new(id))
    })
}

/// The addresses of members' own pictures name the member: `image.php?u=12&dateline=5`, `customavatars/avatar12_3.gif`.
fn pictured(address: &str) -> Option<MemberId> {
    let (_, rest) =
        address.split_once("image.php?u=").or_else(|| address.split_once("customavatars/avatar"))?;
    let id: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let ends = rest[id.len()..].starts_with(['_', '&']);
    (ends && !id.is_empty() && id != "0").then(|| MemberId::new(id))
}

fn avatar(item: ElementRef<'_>, scope: &Scope<'_>) -> Option<String> {
    let image = first(
        item,
        css!(
            "a.postuseravatar img, a.postuseravatarlink img, .postuseravatar img, .userinfo [class*=avatar] img, \
             .avatar_user img, .user-picture-holder img"
        ),
    )?;
    // Pictures that are loaded late stand in another attribute.
    let late = ["data-src", "data-original", "data-lazy-src", "src"];
    let source =
        late.into_iter().find_map(|name| image.value().attr(name).filter(|source| !source.is_empty()))?;
    if source.starts_with("data:") || copied::is_local(source) {
        return None;
    }
    scope.address(source).map(|url| links::cleaned(&url))
}

fn stats(rows: &[Row], author: &mut Author) {
    for Row { label: text, value } in rows {
        let label = labels::label(text);
        let line = [text.as_str(), " ", value].concat();
        if label != Some(Label::Posts)
            && let Some((times, posts)) = labels::thanked(&line)
        {
            author.thanks_received.get_or_insert(times);
            author.posts_thanked.get_or_insert(posts);
            continue;
        }
        let number = || labels::number(value);
        let words = || some(value.clone());
        match label {
            Some(Label::Joined) => author.joined = author.joined.take().or_else(words),
            Some(Label::Location) => author.location = author.location.take().or_else(words),
            Some(Label::Posts) => author.posts = author.posts.or_else(number),
            Some(Label::BlogEntries) => author.blog_entries = author.blog_entries.or_else(number),
            Some(Label::Given) => author.thanks_given = author.thanks_given.or_else(number),
            Some(Label::Received) => author.thanks_received = author.thanks_received.or_else(number),
            Some(Label::LastActive) => {}
            None => unlabelled(&line, author),
        }
    }
}

/// "1,234 Posts", "Nov 2005": lines of styles that write no labels.
fn unlabelled(line: &str, author: &mut Author) {
    let line = line.trim();
    let word = line.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ' ' | ',' | '.' | '\''));
    if word.len() < line.len() && labels::label(word) == Some(Label::Posts) {
        author.posts = author.posts.or_else(|| labels::number(line));
    } else if author.joined.is_none() && is_month(line) {
        author.joined = Some(line.to_owned());
    }
}

fn is_month(line: &str) -> bool {
    let Some((month, year)) = line.split_once(' ') else { return false };
    super::dates::month(&month.to_lowercase()).is_some() && year.len() == 4 && year.parse::<u16>().is_ok()
}
