//! Who thanked for a post: the box that the add-on puts behind it, in the dresses of several add-ons and
//! boards. Ids and links decide; what the box says around them is anybody's language.

use std::collections::HashSet;

use crate::markup::html::tree::{ElementRef, Node, Selector};

use super::author::member_in;
use super::scope::Scope;
use super::{Once, counts, css, first, text_of};
use crate::model::{Thanks, ViewerThanks};

static BOXES: Once<Selector> = Once::new(|| {
    super::selector("[id^=post_thanks_box_], [id^=dbtech_thanks_entries_], .vbseo_liked, .post_thanks_box")
});

/// The members who are listed, and how many there are. `author` is whom they thank.
pub fn thanks<'a>(
    item: ElementRef<'a>,
    id: &str,
    author: &str,
    scope: &Scope<'a>,
) -> (Vec<Thanks>, Option<u64>) {
    let Some(frame) = frame(item, id).or_else(|| strayed(id, scope)) else {
        return (Vec::new(), clicks(item, id));
    };
    let list = frame.with_id(&format!("post_thanks_bit_{id}")).unwrap_or(frame);
    let mut thanks: Vec<Thanks> = Vec::new();
    let mut seen = HashSet::new();
    let mut others = None;
    for link in list.select(css!("a[href]")) {
        let href = link.value().attr("href").unwrap_or_default();
        let name = text_of(link);
        let member_id = member_in(href, scope);
        if name.is_empty() || (member_id.is_none() && !href.contains("member")) {
            // "and 12 others"
            others = others.or_else(|| counts(&name).first().copied().filter(|_| !thanks.is_empty()));
            continue;
        }
        if !seen.insert((name.clone(), member_id.clone())) {
            continue;
        }
        thanks.push(Thanks { name, member_id, on: day_after(link).and_then(|text| scope.dates.day(&text)) });
    }
    if thanks.is_empty() {
        thanks = unlinked(frame);
    }
    let listed = thanks.len() as u64;
    let title = first(frame, css!("h2, h3, h4, dt, .title, .posttitle, .post_thanks_title")).map(text_of);
    // The author's name may hold digits of its own.
    let said = title.and_then(|title| {
        let title = if author.is_empty() { title } else { title.replace(author, " ") };
        counts(&title).into_iter().find(|number| *number >= listed.max(1))
    });
    // Boards may hide who it was, and still say how many.
    let total = said.or((listed > 0).then(|| listed + others.unwrap_or(0)));
    (thanks, total.or_else(|| clicks(item, id)))
}

/// DragonByte's list where a board links no members: its first item is the button's name.
fn unlinked(frame: ElementRef<'_>) -> Vec<Thanks> {
    let lists = frame.value().attr("id").is_some_and(|id| id.starts_with("dbtech_thanks_entries_"));
    let items = frame.select(css!("li")).filter(|item| lists && !item.value().classes().any(|c| c == "bold"));
    let names = items.map(text_of).filter(|name| !name.is_empty() && name.len() < 100);
    names.map(|name| Thanks { name, member_id: None, on: None }).collect()
}

/// DragonByte's counter beside the button, where nobody is named.
fn clicks(item: ElementRef<'_>, id: &str) -> Option<u64> {
    let of = |button: &str| {
        item.select(css!(".clickcount[data-button]")).find_map(|counter| {
            let attribute = |name: &str| counter.value().attr(name).unwrap_or_default();
            let fits = attribute("data-button") == button && attribute("data-postid") == id;
            let count = fits.then(|| text_of(counter).parse().ok()).flatten();
            count.filter(|count| *count > 0)
        })
    };
    ["thanks", "likes", "like"].into_iter().find_map(of)
}

/// An item of its own behind the post, or a box inside of it.
fn frame<'a>(item: ElementRef<'a>, id: &str) -> Option<ElementRef<'a>> {
    let end = format!("_{id}");
    let is_own = |element: &ElementRef<'_>| {
        element.value().attr("id").is_none_or(|own| own.ends_with(&end))
            && !super::within(*element, "postcontent")
    };
    let next_post = |sibling: &ElementRef<'_>| {
        let id = sibling.value().attr("id").and_then(|id| id.strip_prefix("post_"));
        id.is_none_or(|id| id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let frames = item
        .next_siblings()
        .filter_map(ElementRef::wrap)
        .take_while(next_post)
        .take(4)
        .flat_map(|sibling| {
            let named = sibling.value().attr("id").is_some_and(|own| own.starts_with("post_thanks_box_"));
            named.then_some(sibling).into_iter().chain(sibling.select(&BOXES))
        })
        .chain(item.select(&BOXES))
        .filter(is_own);
    let frames: Vec<_> = super::outermost(frames).collect();
    // The boxes of several add-ons may stand together, and the empty one be the first.
    let names = frames.iter().find(|frame| frame.select(css!("a[href]")).next().is_some());
    names.or_else(|| frames.iter().find(|frame| !text_of(**frame).is_empty())).copied()
}

/// A post whose author closed more than they opened throws its box out of the list.
fn strayed<'a>(id: &str, scope: &Scope<'a>) -> Option<ElementRef<'a>> {
    let root = scope.page.root_element();
    root.with_id(&format!("post_thanks_box_{id}")).filter(|frame| !text_of(*frame).is_empty())
}

/// The date in parentheses that follows a name.
fn day_after(link: ElementRef<'_>) -> Option<String> {
    let mut text = String::new();
    for node in link.next_siblings().take(4) {
        match node.value() {
            Node::Text(more) => text.push_str(more),
            Node::Element(element) if element.name() == "a" => break,
            _ => text.extend(ElementRef::wrap(node).map(text_of)),
        }
        if text.contains(')') {
            break;
        }
    }
    let (_, rest) = text.split_once('(')?;
    rest.split_once(')').map(|(day, _)| day.to_owned())
}

/// After thanking, the button stays in the page and is hidden.
pub fn viewer_thanks(item: ElementRef<'_>, id: &str) -> ViewerThanks {
    let Some(button) = item.with_id(&format!("post_thanks_button_{id}")) else {
        return ViewerThanks::Unknown;
    };
    let style: String =
        button.value().attr("style").unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect();
    if style.contains("display:none") { ViewerThanks::Given } else { ViewerThanks::Possible }
}
