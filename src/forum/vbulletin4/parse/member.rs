//! A member's own page.

use crate::markup::html::tree::ElementRef;

use super::author::member_in;
use super::column::{Row, labelled};
use super::kind::{self, PageKind};
use super::labels::{self, Label};
use super::scope::Scope;
use super::{Context, PageError, best, css, document, first, links, some, text_of};
use crate::model::{Member, MemberId};

/// No profile has more.
const MOST_FIELDS: usize = 200;

/// Reads a member's page. An error says what the page is instead.
pub fn member_page(text: &str, context: &Context) -> Result<Member, PageError> {
    let page = document(text)?;
    let root = page.root_element();
    let names = [css!(".member_username"), css!("#member_content h1"), css!(".userinfo h1")];
    let name = best(root, names).map(text_of).and_then(some);
    let (Some(name), true) = (name, kind::is_complete(text)) else {
        let wanted = "a member's page";
        return Err(PageError(match kind::of(text, &page) {
            PageKind::Other(_) if !kind::is_complete(text) => PageKind::CutOff.describe(wanted),
            other => other.describe(wanted),
        }));
    };
    let scope = Scope::new(&page, context, kind::is_whole(text));
    let id = id(root, &scope).or_else(|| links::place(&context.url).member);
    let mut member = Member {
        url: id.as_ref().map(|id| links::member(&scope.root, id).to_string()),
        id,
        name,
        title: first(root, css!("#userinfo .usertitle, .userranks .usertitle, .usertitle"))
            .map(text_of)
            .and_then(some),
        avatar_url: first(root, css!(".avatarcontainer img, img#user_avatar, a.avatar img, .avatar img"))
            .and_then(|image| scope.address(image.value().attr("src")?))
            .map(|url| links::cleaned(&url)),
        ..Member::default()
    };
    for list in root.select(css!("#member_content dl, .member_content dl, .userinfo dl, .subsection dl")) {
        let tabs = list.value().classes().any(|class| class.contains("tabs"));
        for Row { label, value } in labelled(list).into_iter().filter(|_| !tabs) {
            fill(&mut member, label, value);
        }
    }
    // The add-on for thanks writes this one figure without a label.
    let lines = root.select(css!("#view-stats li, #view-statistics li, #view-aboutme li, .stats li"));
    if member.thanks_received.is_none()
        && let Some((times, posts)) = lines.map(text_of).find_map(|line| labels::thanked(&line))
    {
        (member.thanks_received, member.posts_thanked) = (Some(times), Some(posts));
    }
    Ok(member)
}

fn fill(member: &mut Member, text: String, value: String) {
    let label = labels::label(&text);
    let number = || labels::number(&value);
    if label != Some(Label::Posts)
        && let Some((times, posts)) = labels::thanked(&format!("{text} {value}"))
    {
        member.thanks_received.get_or_insert(times);
        member.posts_thanked.get_or_insert(posts);
        return;
    }
    match label {
        Some(Label::Joined) => member.joined = member.joined.take().or(some(value)),
        Some(Label::LastActive) => member.last_active = member.last_active.take().or(some(value)),
        Some(Label::Location) => member.location = member.location.take().or(some(value)),
        Some(Label::Posts) => member.posts = member.posts.or_else(number),
        Some(Label::Given) => member.thanks_given = member.thanks_given.or_else(number),
        Some(Label::Received) => member.thanks_received = member.thanks_received.or_else(number),
        _ if value.is_empty() => {}
        _ => {
            let field = (text.trim_end_matches([':', ' ']).to_owned(), value);
            if member.fields.len() < MOST_FIELDS && !member.fields.contains(&field) {
                member.fields.push(field);
            }
        }
    }
}

/// The member's id, from the links that search for what they wrote, or that lead to the page itself.
fn id(root: ElementRef<'_>, scope: &Scope<'_>) -> Option<MemberId> {
    let searches =
        root.select(css!("#usermenu a[href*=finduser], .usermenu a[href*=finduser], a[href*=finduser]"));
    let of_search = |link: ElementRef<'_>| {
        let url = scope.address(link.value().attr("href")?)?;
        let (_, id) = url.query_pairs().find(|(key, _)| matches!(key.as_ref(), "userid" | "u"))?;
        (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).then(|| MemberId::new(id))
    };
    searches.into_iter().find_map(of_search).or_else(|| {
        let own = root.select(css!("link[rel=canonical], a.avatar[href], #tab_container a[href]"));
        own.into_iter().find_map(|link| member_in(link.value().attr("href")?, scope))
    })
}
