//! One post of a thread page: its `li#post_ID`, and the thanks box that follows it.

use std::collections::HashSet;

use crate::markup::html::tree::{ElementRef, Html};

use super::author::author;
use super::column::{self, Row};
use super::scope::Scope;
use super::thanks::{thanks, viewer_thanks};
use super::{
    Distinct, PageError, best, counts, css, first, links, outermost, some, squeezed, text_of, within,
};
use crate::markup::{Block, Doc, Inline, html, plain};
use crate::model::{Attachment, Post, PostId, QuoteRef, Visibility};

/// An element that a careless post leaves open takes in the posts behind it; more than this many one within another
/// are no accident, and reading them would take forever.
const MOST_WITHIN: usize = 12;

/// No board shows a tenth of these on one page; each takes several kilobytes of memory until it is written.
const MOST_POSTS: usize = 2_000;

/// The list's items that have a post's number; advertisements and boxes in between have none.
pub fn items(page: &Html) -> impl Iterator<Item = ElementRef<'_>> {
    let all = page.select(css!(
        "#posts > [id^=post_], #postlist [id^=post_], ol.posts > [id^=post_], .postcontainer[id^=post_]"
    ));
    all.filter(|item| number_of(*item).is_some())
}

fn number_of(item: ElementRef<'_>) -> Option<&str> {
    let id = item.value().attr("id")?.strip_prefix("post_")?;
    (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).then_some(id)
}

/// Every post of a page.
pub fn posts(page: &Html, scope: &Scope<'_>) -> Result<Vec<Post>, PageError> {
    let mut posts = Vec::new();
    for item in items(page) {
        let around = item.ancestors().filter_map(ElementRef::wrap).filter(|e| number_of(*e).is_some());
        if around.take(MOST_WITHIN + 1).count() > MOST_WITHIN {
            return Err(html::TooMuch.into());
        }
        posts.extend(post(item, scope));
        if posts.len() > MOST_POSTS {
            return Err(html::TooMuch.into());
        }
    }
    Ok(posts)
}

/// Reads a post. Items of the list that are none (thanks boxes, advertisements) have no number in their id,
/// or no body of that number.
pub fn post(item: ElementRef<'_>, scope: &Scope<'_>) -> Option<Post> {
    let id = number_of(item)?;
    let body = item.with_id(&format!("post_message_{id}"));
    let visibility = visibility(item);
    if body.is_none() && visibility == Visibility::Shown {
        return None;
    }
    let content = body.map(content_of);
    let doc = content.map(|content| html::read(content, &scope.base)).unwrap_or_default();
    let rows = column::rows(item);
    let date = date_element(item).map(text_of).or_else(|| date_beside(&rows, scope)).unwrap_or_default();
    let author = author(item, &rows, scope);
    let (thanks, thanks_total) = thanks(item, id, &author.name, scope);
    Some(Post {
        id: PostId::new(id),
        url: links::post(&scope.root, &PostId::new(id)).to_string(),
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

/// Staff see what others don't: a notice in the place of a deleted post, or the post itself with a sign on it.
fn visibility(item: ElementRef<'_>) -> Visibility {
    let has = |class: &str| item.value().classes().any(|own| own == class);
    let signs: Vec<&str> = item
        .select(css!(".posthead img[src], .nodecontrols img[src]"))
        .filter(|image| !within(*image, "postcontent"))
        .filter_map(|image| image.value().attr("src"))
        .collect();
    let sign = |name| signs.iter().any(|source| source.contains(name));
    if has("postbitignored") {
        Visibility::Ignored
    } else if has("postbitdeleted") || sign("trashcan") {
        Visibility::Deleted
    } else if has("moderated") || sign("moderated") {
        Visibility::AwaitingApproval
    } else {
        Visibility::Shown
    }
}

/// What the author wrote: the frame within the post's element, where a style has one. A quote or an indent within
/// the words is no frame.
fn content_of(body: ElementRef<'_>) -> ElementRef<'_> {
    let framed = first(body, css!("blockquote.postcontent, .postcontent.restore, .postcontent"));
    framed.unwrap_or_else(|| {
        let mut elements = body.child_elements();
        let words =
            body.children().filter_map(|child| child.value().as_text()).any(|text| !text.trim().is_empty());
        match (elements.next(), elements.next()) {
            (Some(only), None) if !words && only.value().name() == "blockquote" => only,
            _ => body,
        }
    })
}

fn date_element(item: ElementRef<'_>) -> Option<ElementRef<'_>> {
    let own =
        [css!(".postdate .date"), css!(".posthead .date"), css!(".postdate"), css!(".posthead-date .date")];
    best(item, own).or_else(|| {
        item.select(css!(".date")).find(|date| !within(*date, "postcontent") && !within(*date, "postbody"))
    })
}

/// A style may put the date among the author's figures, where nothing says what it is.
fn date_beside(rows: &[Row], scope: &Scope<'_>) -> Option<String> {
    let lines = rows.iter().filter(|row| row.label.is_empty()).map(|row| &row.value);
    lines.filter(|line| line.len() < 60).find(|line| scope.dates.moment(line).is_some()).cloned()
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
    let stated = || item.value().attr("data-postnumber")?.parse().ok();
    by_text.or_else(beside).or_else(stated).or_else(|| {
        let named = item.with_id(&format!("postcount{id}"))?;
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
    // The last sign that may part the two: "X; DATE", "X (DATE)".
    let parted = text.rfind(['(', ';', '；', '（']).map(|at| text[at..].chars().skip(1).collect::<String>());
    Some(parted.filter(|rest| rest.contains(|c: char| c.is_numeric())).unwrap_or(text))
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
    fn inlines(content: &[Inline], out: &mut Distinct) {
        let mut after_sign = false;
        for inline in content {
            let parted = std::mem::replace(&mut after_sign, false);
            match inline {
                Inline::Mention { name, .. } => out.add(name.clone()),
                Inline::Text(text) => {
                    written(text, out);
                    after_sign = text.ends_with('@');
                }
                Inline::Bold(c)
                | Inline::Italic(c)
                | Inline::Underline(c)
                | Inline::Strike(c)
                | Inline::Spoiler(c)
                | Inline::Link { content: c, .. } => {
                    // An add-on makes `@**NAME**` of a mention.
                    if parted {
                        let name = plain::inline(c).trim().to_owned();
                        if (1..=50).contains(&name.chars().count()) && !name.contains('\n') {
                            out.add(name);
                        }
                    }
                    inlines(c, out);
                }
                _ => {}
            }
        }
    }
    /// `@NAME` in plain text, where no add-on made a link of it.
    fn written(text: &str, out: &mut Distinct) {
        for (at, _) in text.match_indices('@') {
            // Not in the middle of an address.
            let before = text[..at].chars().next_back();
            let free =
                before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '/' | '_' | '-' | '='));
            let name: String = text[at + 1..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
                .take(50)
                .collect();
            let name = name.trim_end_matches('-').to_owned();
            if free && name.chars().count() > 1 {
                out.add(name);
            }
        }
    }
    fn blocks(content: &[Block], out: &mut Distinct) {
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
    let mut out = Distinct::default();
    blocks(&doc.blocks, &mut out);
    out.list
}

/// Files below the body, pictures and others.
fn attachments(item: ElementRef<'_>, scope: &Scope<'_>) -> Vec<Attachment> {
    let mut files: Vec<Attachment> = Vec::new();
    let mut seen = HashSet::new();
    let frames = item.select(css!(".attachments, fieldset.postcontent, .postbody fieldset"));
    for link in
        outermost(frames).flat_map(|frame| frame.select(css!("a[href*=attachment], img[src*=attachment]")))
    {
        let picture = if link.value().name() == "img" { Some(link) } else { first(link, css!("img")) };
        let linked = link.ancestors().filter_map(ElementRef::wrap).take(3).any(|e| e.value().name() == "a");
        let address = link.value().attr("href").or_else(|| link.value().attr("src").filter(|_| !linked));
        let Some(url) = address.and_then(|address| scope.address(address)) else { continue };
        let url = links::cleaned(&url);
        if !seen.insert(url.clone()) {
            continue;
        }
        let alt = picture.and_then(|image| image.value().attr("alt")).unwrap_or_default();
        // The end of a rewritten address; a script's name is no file's.
        let last = || url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next());
        let last = || last().filter(|last| !last.ends_with(".php")).map(str::to_owned);
        let name = some(without_marks(&text_of(link))).or_else(|| name_in(alt)).or_else(last);
        let name = name.unwrap_or_default();
        let size = size_in(alt).or_else(|| size_in(&behind(link)));
        let lower = name.to_lowercase();
        let image = picture.is_some_and(|p| !p.value().attr("src").unwrap_or_default().contains("attach/"))
            || [".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp"].iter().any(|end| lower.ends_with(end));
        files.push(Attachment { name, url, size, image });
    }
    files
}

/// What stands behind a link, up to the next one: it is said of this file and of no other.
fn behind(link: ElementRef<'_>) -> String {
    let is_link =
        |element: ElementRef<'_>| element.value().name() == "a" || element.select(css!("a")).next().is_some();
    let mut text = String::new();
    for node in link.next_siblings() {
        match ElementRef::wrap(node) {
            Some(element) if is_link(element) => break,
            Some(element) => text.push_str(&text_of(element)),
            None => text.push_str(node.value().as_text().unwrap_or_default()),
        }
        text.push(' ');
    }
    text
}

/// vBulletin puts marks of direction behind names.
fn without_marks(text: &str) -> String {
    text.replace(['\u{200e}', '\u{200f}'], "").trim().to_owned()
}

/// "Click image for larger version. Name: x.png Views: 7 Size: 19.2 KB ID: 12", in any language: what the first
/// label is followed by, or a text that is plainly a file's name.
fn name_in(alt: &str) -> Option<String> {
    let is_file = |text: &str| {
        let end = text.rsplit_once('.').map(|(_, end)| end).unwrap_or_default();
        (2..=5).contains(&end.len()) && end.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let mut pieces =
        alt.split(['\u{a0}', '\n', '\r', '\t']).map(without_marks).filter(|piece| !piece.is_empty());
    let named = pieces.find_map(|piece| {
        let piece = piece.split_once(": ").map_or(piece.as_str(), |(_, name)| name).trim().to_owned();
        is_file(&piece).then_some(piece)
    });
    named.or_else(|| {
        let (_, rest) = alt.split_once("Name:")?;
        some(squeezed(rest.split("Views:").next()?))
    })
}

/// `55.2 KB` in "(55.2 KB, 53 views)"; `55,2 Ko` elsewhere.
fn size_in(text: &str) -> Option<String> {
    let words: Vec<&str> =
        text.split([' ', '\u{a0}', '(', ')', '\n', '\t']).filter(|word| !word.is_empty()).collect();
    words.windows(2).find_map(|pair| {
        let unit = pair[1].trim_end_matches([',', '.', ';']);
        let known = [
            "b", "bytes", "byte", "kb", "mb", "gb", "kib", "mib", "o", "octets", "ko", "mo", "go", "кб", "мб",
        ];
        let number = pair[0].starts_with(|c: char| c.is_ascii_digit())
            && pair[0].chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','));
        (number && known.contains(&unit.to_lowercase().as_str())).then(|| format!("{} {unit}", pair[0]))
    })
}
