//! The walk over a post's elements. Knows the shapes in which vBulletin, its add-ons and other engines
//! write quotes, code, spoilers and mentions. What has no meaning in a document (fonts, colours,
//! alignment, buttons) is passed through or dropped.

use scraper::ElementRef;
use scraper::node::Node;
use url::Url;

use super::flow::Flow;
use super::{shows_something, smilies};
use crate::markup::runs::Style;
use crate::markup::{Block, Doc, Inline, MAX_DEPTH};
use crate::model::{MemberId, PostId};

/// Elements deeper than this are read for their text alone.
const DEEPEST: usize = 200;

pub fn read(element: ElementRef<'_>, base: &Url) -> Doc {
    let walk = Walk { base };
    let mut flow = Flow::default();
    walk.children(element, &mut flow, &Around::default());
    Doc { blocks: tidy(flow.finish()) }
}

struct Walk<'a> {
    base: &'a Url,
}

/// What surrounds an element.
#[derive(Debug, Clone, Default)]
struct Around {
    styles: Vec<Style>,
    /// The heading level of the type's size, 0 for ordinary.
    size: u8,
    /// How many elements deep, and how many containers of blocks deep.
    depth: usize,
    blocks: usize,
    /// In a list, an empty paragraph is not one.
    quoting: bool,
}

impl Around {
    fn styled(&self, style: Style) -> Self {
        let mut inner = self.clone();
        let link = |style: &Style| matches!(style, Style::Link(_));
        let within_link = link(&style) && inner.styles.iter().any(link);
        if !within_link && !inner.styles.contains(&style) {
            inner.styles.push(style);
        }
        inner
    }

    fn inside(&self) -> Self {
        Self { blocks: self.blocks + 1, size: 0, ..self.clone() }
    }
}

impl Walk<'_> {
    fn children(&self, element: ElementRef<'_>, flow: &mut Flow, around: &Around) {
        if around.depth >= DEEPEST {
            for text in element.text() {
                flow.text(text, &around.styles, around.size);
            }
            return;
        }
        let around = Around { depth: around.depth + 1, ..around.clone() };
        for child in element.children() {
            match child.value() {
                Node::Text(text) => flow.text(text, &around.styles, around.size),
                Node::Element(_) => {
                    if let Some(child) = ElementRef::wrap(child) {
                        self.element(child, flow, &around);
                    }
                }
                _ => {}
            }
        }
    }

    /// The blocks of a container of its own.
    fn contents(&self, element: ElementRef<'_>, around: &Around) -> Vec<Block> {
        let mut flow = Flow::default();
        self.children(element, &mut flow, &around.inside());
        tidy(flow.finish())
    }

    fn element(&self, element: ElementRef<'_>, flow: &mut Flow, around: &Around) {
        let name = element.value().name();
        match name {
            "script" | "style" | "head" | "template" | "noscript" | "button" | "input" | "select"
            | "textarea" | "svg" | "link" | "meta" => return,
            "br" => return flow.leaf(Inline::Break, &around.styles, around.size),
            "hr" => return flow.block(Block::Rule),
            "img" => return self.image(element, flow, around),
            _ => {}
        }
        if class_any(element, &["signature", "signaturecontainer", "hidden-for-readers"]) {
            return;
        }
        if matches!(name, "span" | "a") && is_spoiler(element) && element.child_elements().all(is_inline) {
            return self.children(element, flow, &around.styled(Style::Spoiler));
        }
        if around.blocks + 1 < MAX_DEPTH
            && let Some(block) = self.special(element, around)
        {
            flow.flush();
            flow.blocks.extend(block);
            return;
        }
        match name {
            "b" | "strong" => self.children(element, flow, &around.styled(Style::Bold)),
            "i" | "em" | "cite" => self.children(element, flow, &around.styled(Style::Italic)),
            "u" | "ins" => self.children(element, flow, &around.styled(Style::Underline)),
            "s" | "strike" | "del" => self.children(element, flow, &around.styled(Style::Strike)),
            "a" => self.link(element, flow, around),
            "font" | "span" | "big" => self.children(element, flow, &by_style(element, around)),
            "code" | "tt" | "kbd" | "samp" => {
                let text = raw_text(element);
                if !text.is_empty() {
                    flow.leaf(Inline::Code(text), &around.styles, around.size);
                }
            }
            "iframe" | "embed" | "object" | "video" | "audio" => self.video(element, flow, around),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                flow.flush();
                let level = name.as_bytes()[1] - b'0';
                self.children(element, flow, &Around { size: level.min(3), ..around.clone() });
                flow.flush();
            }
            "p" | "div" | "center" | "section" | "article" | "aside" | "header" | "footer" | "figure"
            | "figcaption" | "fieldset" | "form" | "dl" | "dt" | "dd" | "address" | "main" | "legend"
            | "tr" | "td" | "th" | "tbody" | "table" | "ul" | "ol" | "li" | "blockquote" | "pre"
            | "details" | "summary" => {
                flow.flush();
                self.children(element, flow, &by_style(element, around));
                flow.flush();
            }
            _ => self.children(element, flow, around),
        }
    }

    /// Elements that are a block of their own kind.
    fn special(&self, element: ElementRef<'_>, around: &Around) -> Option<Vec<Block>> {
        let name = element.value().name();
        if class_any(element, &["bbcode_container"]) {
            if let Some(quote) = descendant(element, |e| class_any(e, &["bbcode_quote"])) {
                return Some(vec![self.vb_quote(quote, around)]);
            }
            if let Some(code) = descendant(element, |e| class_any(e, &["bbcode_code"])) {
                return Some(vec![vb_code(element, code)]);
            }
        }
        if class_any(element, &["bbcode_quote"]) {
            return Some(vec![self.vb_quote(element, around)]);
        }
        if name == "aside" && class_any(element, &["quote"]) {
            return Some(vec![self.aside_quote(element, around)]);
        }
        if name == "details" || is_spoiler(element) {
            return self.spoiler(element, around);
        }
        if is_hidden(element) && !around.quoting {
            let content = self.contents(element, around);
            return shows_something(&content)
                .then(|| vec![Block::Spoiler { label: None, content }])
                .or(Some(vec![]));
        }
        match name {
            "pre" => Some(vec![Block::Code { language: language(element), text: code_text(element) }]),
            "ul" | "ol" => self.list(element, around),
            "table" => self.table(element, around),
            // The frame of a whole post.
            "blockquote" if class_any(element, &["postcontent"]) => None,
            "blockquote" => {
                let content = self.contents(element, around);
                if !shows_something(&content) {
                    return Some(Vec::new());
                }
                // vBulletin indents with a bare blockquote; other engines quote with it.
                Some(vec![if within_vb_post(element) {
                    Block::Indent(content)
                } else {
                    Block::Quote { author: None, post: None, url: None, content }
                }])
            }
            "div" if style_of(element).contains("margin-left") && !class_any(element, &["quote"]) => {
                let content = self.contents(element, around);
                Some(if shows_something(&content) { vec![Block::Indent(content)] } else { Vec::new() })
            }
            _ => None,
        }
    }

    /// vBulletin 4's `bbcode_quote`: `.bbcode_postedby` names the author and links the post, `.message`
    /// holds the words.
    fn vb_quote(&self, quote: ElementRef<'_>, around: &Around) -> Block {
        let header = descendant(quote, |e| class_any(e, &["bbcode_postedby"]));
        let message = descendant(quote, |e| class_any(e, &["message"]));
        let author = header
            .and_then(|header| descendant(header, |e| matches!(e.value().name(), "strong" | "b")))
            .map(text_of)
            .filter(|name| !name.is_empty());
        let href = header
            .and_then(|header| {
                descendant(header, |e| e.value().name() == "a" && e.value().attr("href").is_some())
            })
            .and_then(|link| self.address(link.value().attr("href")?));
        let inner = Around { quoting: true, ..around.clone() };
        let content = match (message, header) {
            (Some(message), _) => self.contents(message, &inner),
            (None, None) => self.contents(innermost_container(quote), &inner),
            (None, Some(header)) => {
                let mut flow = Flow::default();
                let body = header.parent().and_then(ElementRef::wrap).unwrap_or(quote);
                for child in body.child_elements().filter(|child| child.id() != header.id()) {
                    self.element(child, &mut flow, &inner.inside());
                }
                tidy(flow.finish())
            }
        };
        Block::Quote { author, post: href.as_deref().and_then(post_of), url: href, content }
    }

    /// Discourse's quote: the author and the post's number are data attributes.
    fn aside_quote(&self, element: ElementRef<'_>, around: &Around) -> Block {
        let author = element.value().attr("data-username").map(str::to_owned);
        let link = descendant(element, |e| class_any(e, &["title"]))
            .and_then(|title| descendant(title, |e| e.value().name() == "a"))
            .and_then(|link| self.address(link.value().attr("href")?));
        let body = descendant(element, |e| e.value().name() == "blockquote").unwrap_or(element);
        Block::Quote { author, post: None, url: link, content: self.contents(body, around) }
    }

    /// Spoilers of add-ons: a label or a button, and a box that is shut at first.
    fn spoiler(&self, element: ElementRef<'_>, around: &Around) -> Option<Vec<Block>> {
        let mut label = None;
        let mut flow = Flow::default();
        let inner = Around { quoting: true, ..around.inside() };
        for child in element.children() {
            match (child.value(), ElementRef::wrap(child)) {
                (Node::Text(text), _) => flow.text(text, &inner.styles, 0),
                (_, Some(child)) if is_label(child) => {
                    let text = text_of(child);
                    let button = child.descendent_elements().find_map(|e| e.value().attr("value"));
                    let text = if text.is_empty() { button.unwrap_or_default().to_owned() } else { text };
                    label = label.or(Some(text).filter(|text| !text.is_empty()));
                }
                (_, Some(child)) if is_spoiler(child) || is_hidden(child) => {
                    // The box within the frame.
                    flow.flush();
                    flow.blocks.extend(self.contents(child, &inner));
                }
                (_, Some(child)) => self.element(child, &mut flow, &inner),
                _ => {}
            }
        }
        let content = tidy(flow.finish());
        let label = label.map(|text| text.trim_end_matches(':').trim().to_owned());
        let label = label.filter(|text| !text.is_empty() && !text.eq_ignore_ascii_case("spoiler"));
        Some(if shows_something(&content) { vec![Block::Spoiler { label, content }] } else { Vec::new() })
    }

    fn list(&self, element: ElementRef<'_>, around: &Around) -> Option<Vec<Block>> {
        let numbered = element.value().name() == "ol"
            || class_any(element, &["decimal", "upper-roman", "lower-roman", "upper-alpha", "lower-alpha"])
            || style_of(element).contains("decimal");
        let start = element.value().attr("start").and_then(|start| start.parse().ok()).unwrap_or(1);
        let mut items: Vec<Vec<Block>> = Vec::new();
        for child in element.child_elements() {
            match child.value().name() {
                "li" => items.push(self.contents(child, around)),
                // Old pages put a list straight into a list.
                "ul" | "ol" if around.blocks + 2 < MAX_DEPTH => {
                    let nested = self.list(child, &around.inside()).unwrap_or_default();
                    match items.last_mut() {
                        Some(item) => item.extend(nested),
                        None => items.push(nested),
                    }
                }
                "script" | "style" | "template" => {}
                // Not a list's child, and shown by browsers all the same.
                _ => {
                    let mut flow = Flow::default();
                    self.element(child, &mut flow, &Around { depth: around.depth + 1, ..around.inside() });
                    items.push(tidy(flow.finish()));
                }
            }
        }
        items.retain(|item| shows_something(item));
        if items.is_empty() {
            return Some(Vec::new());
        }
        Some(vec![Block::List { start: numbered.then_some(start), items }])
    }

    fn table(&self, element: ElementRef<'_>, around: &Around) -> Option<Vec<Block>> {
        // Before anything is read: reading what is then thrown away, at each level, takes exponential time.
        if descendant(element, |e| e.value().name() == "table").is_some() {
            return None;
        }
        let mut rows = Vec::new();
        let mut header = false;
        for row in element.descendent_elements().filter(|e| e.value().name() == "tr") {
            let cells: Vec<_> =
                row.child_elements().filter(|e| matches!(e.value().name(), "td" | "th")).collect();
            header |= rows.is_empty() && !cells.is_empty() && cells.iter().all(|c| c.value().name() == "th");
            let cells: Vec<_> = cells.into_iter().map(|cell| one_line(self.contents(cell, around))).collect();
            if !cells.is_empty() {
                rows.push(cells);
            }
        }
        let widest = rows.iter().map(Vec::len).max().unwrap_or(0);
        // A table of one column lays out, it does not tabulate.
        (widest > 1).then(|| vec![Block::Table { header, rows }])
    }

    fn image(&self, image: ElementRef<'_>, flow: &mut Flow, around: &Around) {
        let attr = |name| image.value().attr(name).unwrap_or_default();
        let source =
            ["data-src", "data-original", "src"].into_iter().map(attr).find(|s| !s.trim().is_empty());
        let Some(source) = source.filter(|source| !source.starts_with("data:")) else { return };
        let smilie = class_any(image, &["inlineimg", "smilie", "emoji", "smiley", "mceSmilie"])
            || source.contains("/smilies/")
            || source.contains("/smileys/")
            || source.contains("/emoji/");
        if smilie {
            if let Some(emoji) = smilies::emoji(attr("alt"), attr("title"), source) {
                flow.leaf(Inline::Emoji(emoji), &around.styles, around.size);
            }
            return;
        }
        let pixel = |name| matches!(attr(name), "1" | "0");
        if (pixel("width") && pixel("height")) || source.ends_with("clear.gif") {
            return;
        }
        let Some(url) = self.address(source) else { return };
        let alt = Some(attr("alt").trim()).filter(|alt| {
            !alt.is_empty()
                && !alt.contains("://")
                && !alt.eq_ignore_ascii_case("attachment")
                && !url.ends_with(alt)
        });
        flow.leaf(Inline::Image { url, alt: alt.map(str::to_owned) }, &around.styles, around.size);
    }

    fn link(&self, link: ElementRef<'_>, flow: &mut Flow, around: &Around) {
        let href = link.value().attr("href").unwrap_or_default();
        let Some(url) = self.address(href) else { return self.children(link, flow, around) };
        let text = text_of(link);
        let names_member = class_any(link, &["mention", "username", "mention-user", "plugin-mentions-user"])
            || ["member.php", "/members/", "/u/", "/user/", "/users/"].iter().any(|part| url.contains(part));
        if names_member && let Some(name) = text.strip_prefix('@').filter(|name| !name.is_empty()) {
            let mention = Inline::Mention { name: name.to_owned(), member: member_of(&url) };
            return flow.leaf(mention, &around.styles, around.size);
        }
        // A picture that links to itself in full size is that picture.
        let picture = link.child_elements().next().filter(|e| e.value().name() == "img");
        if let (Some(picture), true) = (picture, text.is_empty()) {
            let shown = picture.value().attr("src").and_then(|source| self.address(source));
            if shown.as_deref() == Some(url.as_str()) {
                return self.image(picture, flow, around);
            }
        }
        self.children(link, flow, &around.styled(Style::Link(url)));
    }

    /// Players of other sites become links to the film.
    fn video(&self, element: ElementRef<'_>, flow: &mut Flow, around: &Around) {
        let own = ["src", "data", "data-src"].into_iter().find_map(|name| element.value().attr(name));
        let inner = || {
            element.descendent_elements().find_map(|e| match e.value().name() {
                "source" | "embed" => e.value().attr("src"),
                "param" if e.value().attr("name") == Some("movie") => e.value().attr("value"),
                _ => None,
            })
        };
        if let Some(url) = own.or_else(inner).and_then(|source| self.address(source)) {
            let title = element.value().attr("title").map(str::trim).filter(|title| !title.is_empty());
            let video = Inline::Video { url: watch_page(&url), title: title.map(str::to_owned) };
            flow.leaf(video, &around.styles, around.size);
        }
    }

    /// An absolute address that a person may be given; scripts and the like are none.
    fn address(&self, href: &str) -> Option<String> {
        let href = href.trim();
        if href.is_empty() || href.starts_with('#') {
            return None;
        }
        let url = self.base.join(href).ok()?;
        matches!(url.scheme(), "http" | "https" | "mailto" | "ftp").then(|| url.to_string())
    }
}

/// What an element's own style adds.
fn by_style(element: ElementRef<'_>, around: &Around) -> Around {
    let style = style_of(element);
    let mut inner = around.clone();
    let mut add = |wanted: bool, style: Style| {
        if wanted && !inner.styles.contains(&style) {
            inner.styles.push(style);
        }
    };
    add(style.contains("font-weight:bold") || style.contains("font-weight:700"), Style::Bold);
    add(style.contains("font-style:italic"), Style::Italic);
    add(style.contains("underline"), Style::Underline);
    add(style.contains("line-through"), Style::Strike);
    let level = element.value().attr("size").map_or_else(|| level_of_css(&style), level_of_font);
    if let Some(level) = level {
        inner.size = level;
    }
    inner
}

/// `<font size>` runs from 1 to 7, or is relative to 3.
fn level_of_font(size: &str) -> Option<u8> {
    let relative = size.starts_with(['+', '-']);
    let number: i32 = size.trim().parse().ok()?;
    Some(match if relative { 3 + number } else { number } {
        7.. => 1,
        6 => 2,
        5 => 3,
        _ => 0,
    })
}

fn level_of_css(style: &str) -> Option<u8> {
    let size = style.split("font-size:").nth(1)?.split(';').next()?;
    if let Some(points) = size.strip_suffix("pt").and_then(|n| n.parse::<f32>().ok()) {
        return Some(level_of_pixels(points * 4.0 / 3.0));
    }
    if let Some(pixels) = size.strip_suffix("px").and_then(|n| n.parse::<f32>().ok()) {
        return Some(level_of_pixels(pixels));
    }
    match size {
        "xx-large" | "xxx-large" => Some(1),
        "x-large" => Some(2),
        "large" => Some(3),
        _ => None,
    }
}

fn level_of_pixels(pixels: f32) -> u8 {
    match pixels {
        p if p >= 32.0 => 1,
        p if p >= 24.0 => 2,
        p if p >= 18.0 => 3,
        _ => 0,
    }
}

/// An element's `style`, in lower case and without spaces.
fn style_of(element: ElementRef<'_>) -> String {
    let style = element.value().attr("style").unwrap_or_default();
    style.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).take(400).collect()
}

fn class_any(element: ElementRef<'_>, classes: &[&str]) -> bool {
    element.value().classes().any(|class| classes.contains(&class))
}

fn is_hidden(element: ElementRef<'_>) -> bool {
    element.value().attr("style").is_some() && style_of(element).contains("display:none")
}

fn is_inline(element: ElementRef<'_>) -> bool {
    matches!(
        element.value().name(),
        "a" | "b" | "strong" | "i" | "em" | "u" | "s" | "span" | "font" | "br" | "img" | "code"
    )
}

/// A spoiler add-on's frame or box.
fn is_spoiler(element: ElementRef<'_>) -> bool {
    matches!(element.value().name(), "div" | "span" | "fieldset" | "a" | "blockquote" | "section")
        && element.value().classes().any(|class| class.to_ascii_lowercase().contains("spoiler"))
}

/// The part of a spoiler that is always to be seen.
fn is_label(element: ElementRef<'_>) -> bool {
    matches!(element.value().name(), "summary" | "legend" | "button" | "input")
        || element.value().classes().any(|class| {
            let class = class.to_ascii_lowercase();
            ["title", "head", "label", "button", "toggle", "description", "info"]
                .iter()
                .any(|w| class.contains(w))
        })
        || (!is_hidden(element)
            && !is_spoiler(element)
            && descendant(element, |e| matches!(e.value().name(), "input" | "button")).is_some())
}

fn within_vb_post(element: ElementRef<'_>) -> bool {
    element
        .ancestors()
        .take(DEEPEST)
        .filter_map(ElementRef::wrap)
        .any(|ancestor| class_any(ancestor, &["postcontent", "restore", "postbody"]))
}

/// The first descendant that fits.
fn descendant<'a>(element: ElementRef<'a>, fits: impl Fn(ElementRef<'a>) -> bool) -> Option<ElementRef<'a>> {
    element.descendent_elements().skip(1).find(|e| fits(*e))
}

/// Through frames that hold nothing but one more frame.
fn innermost_container(element: ElementRef<'_>) -> ElementRef<'_> {
    let mut inner = element;
    for _ in 0..DEEPEST {
        let mut children = inner.child_elements();
        let own_text =
            inner.children().any(|c| matches!(c.value(), Node::Text(text) if !text.trim().is_empty()));
        match (children.next(), children.next()) {
            (Some(only), None) if !own_text && only.value().name() == "div" => inner = only,
            _ => break,
        }
    }
    inner
}

fn text_of(element: ElementRef<'_>) -> String {
    let text: String = element.text().collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Code of vBulletin: `.bbcode_description` tells whether it is PHP, HTML or any code.
fn vb_code(container: ElementRef<'_>, code: ElementRef<'_>) -> Block {
    let description = descendant(container, |e| class_any(e, &["bbcode_description"])).map(text_of);
    let description = description.unwrap_or_default().to_lowercase();
    let language = if description.contains("php") {
        Some("php".to_owned())
    } else if description.contains("html") {
        Some("html".to_owned())
    } else {
        language(code)
    };
    Block::Code { language, text: code_text(code) }
}

/// The language that a class names: `language-rust`, `lang-php`, `brush: sql`.
fn language(element: ElementRef<'_>) -> Option<String> {
    let inner = descendant(element, |e| e.value().name() == "code");
    [Some(element), inner].into_iter().flatten().find_map(|e| {
        let mut classes = e.value().classes();
        classes.find_map(|class| {
            let name = class.strip_prefix("language-").or_else(|| class.strip_prefix("lang-"))?;
            let plain = matches!(name, "auto" | "none" | "nohighlight" | "plaintext" | "text");
            let known = name.chars().all(|c| c.is_ascii_alphanumeric() || "+-#_".contains(c));
            (!plain && known && name.len() <= 20).then(|| name.to_lowercase())
        })
    })
}

/// Code as it was typed: every space counts, `<br>` ends a line.
fn code_text(element: ElementRef<'_>) -> String {
    let text = raw_text(element);
    text.trim_matches('\n').trim_end().to_owned()
}

fn raw_text(element: ElementRef<'_>) -> String {
    let mut out = String::new();
    for node in element.descendants() {
        match node.value() {
            Node::Text(text) => {
                out.extend(text.chars().filter(|c| *c != '\r').map(|c| if c == '\u{a0}' { ' ' } else { c }));
            }
            Node::Element(e) if e.name() == "br" => {
                // The source often has a newline after it as well.
                let next_is_newline = node.next_sibling().is_some_and(
                    |next| matches!(next.value(), Node::Text(text) if text.starts_with('\n') || text.starts_with("\r\n")),
                );
                if !next_is_newline {
                    out.push('\n');
                }
            }
            _ => {}
        }
    }
    out
}

/// The id in a link to a post: `#post123`, `?p=123`, `-post123.html`.
fn post_of(url: &str) -> Option<PostId> {
    let after = |marker: &str| {
        let (_, rest) = url.rsplit_once(marker)?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (!digits.is_empty()).then(|| PostId::new(digits))
    };
    after("#post").or_else(|| after("?p=")).or_else(|| after("&p=")).or_else(|| after("-post"))
}

/// The id in a link to a member: `u=14`, `member.php?14-Name`, `members/14-name`.
fn member_of(url: &str) -> Option<MemberId> {
    ["u=", "member.php?", "member.php/", "/members/"].iter().find_map(|marker| {
        let (_, rest) = url.split_once(marker)?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (!digits.is_empty()).then(|| MemberId::new(digits))
    })
}

/// The page on which a player's film is watched.
fn watch_page(url: &str) -> String {
    let id = |marker: &str| {
        let (_, rest) = url.split_once(marker)?;
        let id: String =
            rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
        (!id.is_empty()).then_some(id)
    };
    if url.contains("youtube")
        && let Some(id) = id("/embed/").or_else(|| id("/v/"))
    {
        return format!("https://www.youtube.com/watch?v={id}");
    }
    if url.contains("player.vimeo.com")
        && let Some(id) = id("/video/")
    {
        return format!("https://vimeo.com/{id}");
    }
    url.to_owned()
}

/// A cell's blocks on one line.
fn one_line(blocks: Vec<Block>) -> Vec<Inline> {
    let mut line = Vec::new();
    for block in blocks {
        if !line.is_empty() {
            line.push(Inline::Text(" ".to_owned()));
        }
        match block {
            Block::Paragraph(content) | Block::Heading { content, .. } | Block::Small(content) => {
                line.extend(content.into_iter().map(|inline| match inline {
                    Inline::Break => Inline::Text(" ".to_owned()),
                    other => other,
                }));
            }
            other => line.push(Inline::Text(
                crate::markup::plain::text(&Doc { blocks: vec![other] }).replace('\n', " "),
            )),
        }
    }
    line
}

/// Neighbouring pieces of an inline spoiler's paragraph belong together; empty blocks go.
fn tidy(blocks: Vec<Block>) -> Vec<Block> {
    let mut blocks = blocks;
    blocks.retain(|block| !matches!(block, Block::Paragraph(content) if content.is_empty()));
    blocks
}
