//! One post of a thread page: its `li#post_ID`, and the thanks box that follows it.

use scraper::{ElementRef, Html, Selector};

use super::thread::Scope;
use super::{Once, count, counts, css, first, links, some, squeezed, text_of};
use crate::markup::{Block, Doc, Inline, html};
use crate::model::{Attachment, Author, MemberId, Post, PostId, QuoteRef, Thanks, ViewerThanks, Visibility};

/// Every post of a page.
pub fn posts(page: &Html, scope: &Scope<'_>) -> Vec<Post> {
    let items = page.select(css!("ol#posts > li[id^=post_], #postlist li[id^=post_]"));
    items.filter_map(|item| post(item, scope)).collect()
}

/// Reads a post. Items of the list that are none (thanks boxes, advertisements) have no number in their id,
/// or no body of that number.
pub fn post(item: ElementRef<'_>, scope: &Scope<'_>) -> Option<Post> {
    let id = item.value().attr("id")?.strip_prefix("post_")?;
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let body = descendant_with_id(item, &format!("post_message_{id}"));
    let classes = item.value().attr("class").unwrap_or_default();
    let visibility = if classes.contains("postbitignored") {
        Visibility::Ignored
    } else if classes.contains("postbitdeleted") {
        Visibility::Deleted
    } else {
        Visibility::Shown
    };
    if body.is_none() && visibility == Visibility::Shown {
        return None;
    }
    let content = body
        .map(|body| first(body, css!("blockquote.postcontent, .postcontent, blockquote")).unwrap_or(body));
    let doc = content.map(|content| html::read(content, &scope.base)).unwrap_or_default();
    let date = date_element(item).map(text_of).unwrap_or_default();
    let (thanks, thanks_total) = thanks(item, id, scope);
    let author = author(item, scope);
    Some(Post {
        id: PostId::new(id),
        url: links::post(&scope.base, &PostId::new(id)).to_string(),
        number: number(item, id),
        title: first(item, css!("h2.title, h2.posttitle, h3.title, .posttitle"))
            .filter(|title| !within(*title, "signature"))
            .and_then(|title| some(text_of(title))),
        posted_at: scope.dates.moment(&date),
        posted_text: some(date),
        edited_at: edited(item).and_then(|text| scope.dates.moment(&text)),
        quotes: quotes(&doc),
        mentions: mentions(&doc),
        attachments: attachments(item, scope),
        author,
        body: doc,
        thanks,
        thanks_total,
        visibility,
        viewer_thanks: viewer_thanks(item, id),
    })
}

fn descendant_with_id<'a>(item: ElementRef<'a>, id: &str) -> Option<ElementRef<'a>> {
    item.descendent_elements().find(|element| element.value().attr("id") == Some(id))
}

fn within(element: ElementRef<'_>, class: &str) -> bool {
    element.ancestors().filter_map(ElementRef::wrap).take(30).any(|e| e.value().classes().any(|c| c == class))
}

fn date_element(item: ElementRef<'_>) -> Option<ElementRef<'_>> {
    first(item, css!(".postdate .date, .posthead .date, .postdate, .posthead .postdate"))
}

/// `#31`, from the permalink; its `name` and id hold the post's id, not its number.
fn number(item: ElementRef<'_>, id: &str) -> Option<u32> {
    let counter = first(item, css!("a.postcounter"));
    let by_text = counter.and_then(|counter| {
        let text = text_of(counter);
        counts(&text).first().and_then(|number| u32::try_from(*number).ok()).filter(|_| text.len() < 16)
    });
    let beside = || {
        let text = first(item, css!(".nodecontrols")).map(text_of)?;
        counts(text.strip_prefix('#')?).first().and_then(|number| u32::try_from(*number).ok())
    };
    by_text.or_else(beside).or_else(|| {
        let named = descendant_with_id(item, &format!("postcount{id}"))?;
        named.value().attr("name")?.parse().ok()
    })
}

/// "Last edited by X; DATE at TIME." The reason, which may hold anything, is left out.
fn edited(item: ElementRef<'_>) -> Option<String> {
    let note = first(item, css!("blockquote.lastedited, .lastedited"))?;
    let mut text = text_of(note);
    if let Some(reason) = first(note, css!(".reason")).map(text_of)
        && let Some(at) = text.find(&reason)
    {
        text.truncate(at);
    }
    // The name may hold digits: the date comes after it.
    let author = first(note, css!("a")).map(text_of).filter(|name| !name.is_empty());
    if let Some((_, rest)) =
        author.and_then(|name| text.split_once(&name).map(|(a, b)| (a.to_owned(), b.to_owned())))
    {
        return Some(rest);
    }
    Some(text.split_once(';').map_or(text.clone(), |(_, rest)| rest.to_owned()))
}

fn author(item: ElementRef<'_>, scope: &Scope<'_>) -> Author {
    let named = first(
        item,
        css!(".username_container a.username, .username_container .username, a.username, span.username"),
    )
    .filter(|name| !within(*name, "lastedited"));
    let by_menu = || first(item, css!(".username_container strong, .username_container"));
    let name_element = named.or_else(by_menu);
    let name = name_element.map(text_of).unwrap_or_default();
    let id =
        named.and_then(|link| member_in(link.value().attr("href")?, scope)).or_else(|| menu_id(item, scope));
    let guest = id.is_none()
        && named.is_none_or(|name| {
            name.value().name() != "a" || name.value().classes().any(|class| class == "guest")
        });
    let mut author = Author {
        id,
        name,
        title: first(item, css!(".usertitle")).and_then(|title| some(text_of(title))),
        avatar_url: avatar(item, scope),
        guest,
        ..Author::default()
    };
    stats(item, &mut author);
    // A member whose profile the viewer may not open still has a member's figures.
    author.guest &= author.joined.is_none() && author.posts.is_none();
    author
}

fn member_in(href: &str, scope: &Scope<'_>) -> Option<MemberId> {
    links::place(&scope.address(href)?).member
}

/// Menus and reputation name the author by number even where the profile's address does not.
fn menu_id(item: ElementRef<'_>, scope: &Scope<'_>) -> Option<MemberId> {
    let linked =
        item.select(css!("a[href*=finduser], a[href*=newpm], a[href*=\"userid=\"]")).find_map(|link| {
            let url = scope.address(link.value().attr("href")?)?;
            let found = url.query_pairs().find(|(key, value)| {
                matches!(key.as_ref(), "userid" | "u")
                    && !value.is_empty()
                    && value.bytes().all(|b| b.is_ascii_digit())
            });
            found.map(|(_, id)| MemberId(id.into_owned()))
        });
    linked.or_else(|| {
        let badge = first(item, css!("[id^=repdisplay_], [id^=reppower_]"))?;
        badge
            .value()
            .attr("id")?
            .rsplit('_')
            .next()
            .filter(|id| id.bytes().all(|b| b.is_ascii_digit()))
            .map(MemberId::new)
    })
}

fn avatar(item: ElementRef<'_>, scope: &Scope<'_>) -> Option<String> {
    let image = first(
        item,
        css!(
            "a.postuseravatar img, a.postuseravatarlink img, .postuseravatar img, .avatar img, .avatar_user img"
        ),
    )?;
    let source = image.value().attr("src")?;
    scope.address(source).map(|url| links::cleaned(&url))
}

/// Labels of the statistics beside a post, in the languages of the boards that we know.
const JOINED: [&str; 12] = [
    "join date",
    "joined",
    "registriert seit",
    "registriert",
    "date d'inscription",
    "inscription",
    "fecha de ingreso",
    "data registrazione",
    "tham gia",
    "lid sinds",
    "reg.-datum",
    "member since",
];
const LOCATION: [&str; 11] = [
    "location",
    "ort",
    "wohnort",
    "localisation",
    "lieu",
    "ubicación",
    "località",
    "đến từ",
    "nơi ở",
    "locatie",
    "from",
];
const POSTS: [&str; 10] = [
    "posts",
    "beiträge",
    "messages",
    "mensajes",
    "messaggi",
    "bài viết",
    "bài gởi",
    "berichten",
    "post",
    "số bài",
];
const THANKS: [&str; 8] =
    ["thanks", "thank post", "thanks given", "danke", "bedankungen", "merci", "cảm ơn", "gracias"];
const THANKED: [&str; 7] =
    ["thanked", "bedankt", "được cảm ơn", "remercié", "agradecido", "thanks received", "erhaltene danke"];
const BLOG: [&str; 5] = ["blog entries", "blog-einträge", "blog", "entrées de blog", "articles de blog"];

fn stats(item: ElementRef<'_>, author: &mut Author) {
    for (label, value) in rows(item) {
        let key = label.trim_end_matches([':', ' ']).trim().to_lowercase();
        let is = |names: &[&str]| names.contains(&key.as_str());
        let starts = |names: &[&str]| names.iter().any(|name| key.starts_with(name));
        let whole = format!("{key} {}", value.to_lowercase());
        let number = || {
            let plain = value.chars().all(|c| c.is_ascii_digit() || " ,.'".contains(c));
            if plain { count(&value) } else { counts(&value).first().copied() }
        };
        if is(&JOINED) && author.joined.is_none() {
            author.joined = some(value);
        } else if is(&LOCATION) && author.location.is_none() {
            author.location = some(value);
        } else if is(&POSTS) && author.posts.is_none() {
            author.posts = number();
        } else if thanked_line(&whole) && !is(&POSTS) {
            thanked(&whole, author);
        } else if (is(&THANKS) || (starts(&THANKED) && label_is_given(&key))) && author.thanks_given.is_none()
        {
            author.thanks_given = number();
        } else if starts(&THANKED) {
            thanked(&whole, author);
        } else if is(&BLOG) && author.blog_entries.is_none() {
            author.blog_entries = number();
        }
    }
}

/// "Bedankt 7" counts the thanks that a member gave.
fn label_is_given(label: &str) -> bool {
    matches!(label, "bedankt" | "remercié" | "agradecido")
}

/// "Thanked 1,860 Times in 1,154 Posts": two counts and a word for thanks.
fn thanked_line(text: &str) -> bool {
    let words = ["thank", "danke", "bedank", "merci", "cảm ơn", "gracias", "likes received"];
    words.iter().any(|word| text.contains(word)) && counts(text).len() == 2
}

fn thanked(text: &str, author: &mut Author) {
    match counts(text).as_slice() {
        [times, posts, ..] if author.thanks_received.is_none() => {
            author.thanks_received = Some(*times);
            author.posts_thanked = Some(*posts);
        }
        [times] if author.thanks_received.is_none() => author.thanks_received = Some(*times),
        _ => {}
    }
}

/// The statistics as label and value: `dt` and `dd`, or lines of "Label: value".
fn rows(item: ElementRef<'_>) -> Vec<(String, String)> {
    let Some(info) = first(item, css!(".userinfo")).or_else(|| first(item, css!(".userinfo_extra"))) else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    let mut label: Option<String> = None;
    for cell in info.select(css!("dl dt, dl dd")) {
        let text = text_of(cell);
        if cell.value().name() == "dt" {
            // A label without a value is a line of its own.
            if let Some(alone) = label.replace(text) {
                rows.push((alone, String::new()));
            }
        } else {
            rows.push((label.take().unwrap_or_default(), text));
        }
    }
    rows.extend(label.map(|alone| (alone, String::new())));
    if !rows.is_empty() {
        return rows.into_iter().flat_map(split_plain).collect();
    }
    info.select(css!("li, .post_field, .userstats div, .userinfo_extra div"))
        .map(text_of)
        .filter(|line| line.len() < 200)
        .map(|line| match line.split_once(':') {
            Some((label, value)) => (label.trim().to_owned(), value.trim().to_owned()),
            None => (String::new(), line),
        })
        .collect()
}

/// Add-ons put "Label: value" into a single cell.
fn split_plain((label, value): (String, String)) -> Vec<(String, String)> {
    if label.is_empty()
        && let Some((label, value)) = value.split_once(':')
    {
        return vec![(label.trim().to_owned(), value.trim().to_owned())];
    }
    vec![(label, value)]
}

fn quotes(doc: &Doc) -> Vec<QuoteRef> {
    fn walk(blocks: &[Block], out: &mut Vec<QuoteRef>) {
        for block in blocks {
            match block {
                Block::Quote { author, post, content, .. } => {
                    out.push(QuoteRef { author: author.clone(), post_id: post.clone() });
                    walk(content, out);
                }
                Block::Spoiler { content, .. } | Block::Indent(content) => walk(content, out),
                Block::List { items, .. } => items.iter().for_each(|item| walk(item, out)),
                _ => {}
            }
        }
    }
    let mut out = Vec::new();
    walk(&doc.blocks, &mut out);
    out
}

fn mentions(doc: &Doc) -> Vec<String> {
    fn inlines(content: &[Inline], out: &mut Vec<String>) {
        for inline in content {
            match inline {
                Inline::Mention { name, .. } if !out.contains(name) => {
                    out.push(name.clone());
                }
                Inline::Text(text) => written(text, out),
                Inline::Bold(c)
                | Inline::Italic(c)
                | Inline::Underline(c)
                | Inline::Strike(c)
                | Inline::Spoiler(c)
                | Inline::Link { content: c, .. } => inlines(c, out),
                _ => {}
            }
        }
    }
    /// `@NAME` in plain text, where no add-on made a link of it.
    fn written(text: &str, out: &mut Vec<String>) {
        for (at, _) in text.match_indices('@') {
            let free = text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '.');
            let name: String = text[at + 1..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
                .take(50)
                .collect();
            let name = name.trim_end_matches('-').to_owned();
            if free && name.chars().count() > 1 && !out.contains(&name) {
                out.push(name);
            }
        }
    }
    fn blocks(content: &[Block], out: &mut Vec<String>) {
        for block in content {
            match block {
                Block::Paragraph(c) | Block::Heading { content: c, .. } | Block::Small(c) => inlines(c, out),
                Block::Quote { content: c, .. } | Block::Spoiler { content: c, .. } | Block::Indent(c) => {
                    blocks(c, out)
                }
                Block::List { items, .. } => items.iter().for_each(|item| blocks(item, out)),
                Block::Table { rows, .. } => rows.iter().flatten().for_each(|cell| inlines(cell, out)),
                Block::Code { .. } | Block::Rule => {}
            }
        }
    }
    let mut out = Vec::new();
    blocks(&doc.blocks, &mut out);
    out
}

/// Files below the body, pictures and others.
fn attachments(item: ElementRef<'_>, scope: &Scope<'_>) -> Vec<Attachment> {
    let mut files: Vec<Attachment> = Vec::new();
    let Some(frame) = first(item, css!(".attachments, fieldset.postcontent")) else { return files };
    for link in frame.select(css!("a[href*=attachment]")) {
        let Some(url) = link.value().attr("href").and_then(|href| scope.address(href)) else { continue };
        let url = links::cleaned(&url);
        let picture = first(link, css!("img"));
        let alt = || {
            let image = picture?;
            let alt = image.value().attr("alt")?;
            // "Click image for larger version. Name: x.png Views: 7 Size: 19.2 KB"
            let name = alt.split_once("Name:").map_or(alt, |(_, rest)| rest);
            let name = name.split("Views:").next()?.split("\u{a0}").find(|p| !p.trim().is_empty())?;
            some(squeezed(name))
        };
        let name = some(text_of(link)).or_else(alt).or_else(|| {
            let last = url.split(['?', '#']).next()?.rsplit('/').next()?.to_owned();
            some(last)
        });
        let Some(name) = name else { continue };
        if files.iter().any(|file| file.url == url) {
            continue;
        }
        let around = link.parent().and_then(ElementRef::wrap).map(text_of).unwrap_or_default();
        let size = size_in(&around).or_else(|| picture.and_then(|p| size_in(p.value().attr("alt")?)));
        let lower = name.to_lowercase();
        let image = picture.is_some_and(|p| !p.value().attr("src").unwrap_or_default().contains("attach/"))
            || [".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp"].iter().any(|end| lower.ends_with(end));
        files.push(Attachment { name, url, size, image });
    }
    files
}

/// `55.2 KB` in "(55.2 KB, 53 views)".
fn size_in(text: &str) -> Option<String> {
    let words: Vec<&str> =
        text.split([' ', '\u{a0}', '(', ',', ')']).filter(|word| !word.is_empty()).collect();
    words.windows(2).find_map(|pair| {
        let unit = matches!(pair[1].to_ascii_uppercase().as_str(), "B" | "BYTES" | "KB" | "MB" | "GB");
        (unit && pair[0].starts_with(|c: char| c.is_ascii_digit()))
            .then(|| format!("{} {}", pair[0], pair[1]))
    })
}

/// The thanks box of a post: an item of its own behind it, or a box inside it.
fn thanks(item: ElementRef<'_>, id: &str, scope: &Scope<'_>) -> (Vec<Thanks>, Option<u64>) {
    static BOXES: Once<Selector> = Once::new(|| {
        super::selector("[id^=post_thanks_box_], [id^=dbtech_thanks], [id^=vbseo_like], .post_thanks_box")
    });
    let wanted = format!("post_thanks_box_{id}");
    let is_own = |element: &ElementRef<'_>| {
        element.value().attr("id").is_some_and(|own| own == wanted || own.ends_with(&format!("_{id}")))
    };
    let beside = item
        .next_siblings()
        .filter_map(ElementRef::wrap)
        .take(3)
        .flat_map(|sibling| std::iter::once(sibling).chain(sibling.select(&BOXES)))
        .find(is_own);
    let Some(frame) = beside.or_else(|| item.select(&BOXES).find(is_own)) else { return (Vec::new(), None) };
    let list = descendant_with_id(frame, &format!("post_thanks_bit_{id}")).unwrap_or(frame);
    let mut thanks: Vec<Thanks> = Vec::new();
    for link in list.select(css!("a[href]")) {
        let name = text_of(link);
        let member_id = link.value().attr("href").and_then(|href| member_in(href, scope));
        if name.is_empty()
            || (member_id.is_none() && !link.value().attr("href").is_some_and(|h| h.contains("member")))
        {
            continue;
        }
        if thanks.iter().any(|other| other.name == name && other.member_id == member_id) {
            continue;
        }
        thanks.push(Thanks { name, member_id, on: day_after(link).and_then(|text| scope.dates.day(&text)) });
    }
    let title =
        first(frame, css!("h2, h3, .title, .posttitle, .post_thanks_title")).map(text_of).unwrap_or_default();
    // A name in the title may hold digits: the count is the nearest to what is listed.
    let said = counts(&title).into_iter().filter(|n| *n >= thanks.len() as u64).min();
    let total = match (said, thanks.len() as u64) {
        (_, 0) => None,
        (Some(said), _) => Some(said),
        (None, listed) => Some(listed),
    };
    (thanks, total)
}

/// The date in parentheses that follows a name.
fn day_after(link: ElementRef<'_>) -> Option<String> {
    let mut text = String::new();
    for node in link.next_siblings().take(4) {
        match node.value() {
            scraper::Node::Text(more) => text.push_str(more),
            scraper::Node::Element(element) if element.name() == "a" => break,
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
fn viewer_thanks(item: ElementRef<'_>, id: &str) -> ViewerThanks {
    let Some(button) = descendant_with_id(item, &format!("post_thanks_button_{id}")) else {
        return ViewerThanks::Unknown;
    };
    let style: String =
        button.value().attr("style").unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect();
    if style.contains("display:none") { ViewerThanks::Given } else { ViewerThanks::Possible }
}
