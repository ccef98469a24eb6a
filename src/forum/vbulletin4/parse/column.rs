//! The column beside a post: what it tells of the author. Styles write it as a list of terms, as lines of "Label: value",
//! as cells of a table, or as all of these at once; here each is a row, in the order of the page.

use crate::markup::html::tree::{ElementRef, Node};

use super::labels::{self, Label};
use super::{css, squeezed, text_of};

/// What a column says in one place. Without a label it is a line of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    pub label: String,
    pub value: String,
}

/// Elements that lie deeper are none of a column.
const DEEPEST: usize = 40;

/// Longer lines are no figures.
const LONGEST: usize = 200;

/// The rows beside a post, wherever its style has put them.
pub fn rows(item: ElementRef<'_>) -> Vec<Row> {
    let mut column = Column::default();
    column.walk(item, Place::Around, 0);
    column.end_line(Place::Around);
    column.give_up_label();
    column.rows
}

/// Every `dt` of a list with its `dd`.
pub fn labelled(list: ElementRef<'_>) -> Vec<Row> {
    let mut column = Column::default();
    for cell in list.select(css!("dt, dd")) {
        if cell.value().name() == "dt" {
            column.term(text_of(cell));
        } else {
            column.description(text_of(cell));
        }
    }
    column.give_up_label();
    column.rows
}

/// Where in a post a line stands: only within the column do its words mean something without a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Around,
    Within,
}

#[derive(Default)]
struct Column {
    rows: Vec<Row>,
    line: String,
    /// A label whose value is still to come.
    label: Option<String>,
}

impl Column {
    fn walk(&mut self, element: ElementRef<'_>, place: Place, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        for child in element.children() {
            match child.value() {
                Node::Text(words) if self.line.len() <= LONGEST => {
                    self.line.push_str(&words.replace(['\n', '\r'], " "));
                }
                Node::Element(_) => {
                    if let Some(child) = ElementRef::wrap(child).filter(|child| is_of_column(*child)) {
                        self.element(child, place, depth);
                    }
                }
                _ => {}
            }
        }
    }

    fn element(&mut self, element: ElementRef<'_>, place: Place, depth: usize) {
        let class = element.value().attr("class").unwrap_or_default();
        let named = ["userinfo", "userstats", "posthead"].iter().any(|part| class.contains(part));
        let place = if named { Place::Within } else { place };
        let alone = || element.select(css!("dt, dd")).next().is_none();
        match element.value().name() {
            "br" => self.end_line(place),
            "dt" if alone() => {
                self.end_line(place);
                self.term(text_of(element));
            }
            "dd" if alone() => {
                self.end_line(place);
                let text = text_of(element);
                // Several lines in one cell.
                if self.label.is_none() && text.contains(':') && element.select(css!("br")).next().is_some() {
                    self.walk(element, Place::Within, depth + 1);
                    self.end_line(Place::Within);
                } else {
                    self.description(text);
                }
            }
            name if is_inline(name) => self.walk(element, place, depth + 1),
            _ => {
                self.end_line(place);
                self.walk(element, place, depth + 1);
                self.end_line(place);
            }
        }
    }

    fn push(&mut self, label: &str, value: &str) {
        self.rows.push(Row { label: label.trim().to_owned(), value: value.trim().to_owned() });
    }

    fn term(&mut self, text: String) {
        // A label without a value is a line of its own.
        self.give_up_label();
        self.label = Some(text).filter(|text| !text.is_empty());
    }

    fn description(&mut self, text: String) {
        let (label, value) = match self.label.take() {
            Some(label) => (label, text),
            // Add-ons put "Label: value" into a single cell.
            None => {
                parted(&text).map_or_else(|| (String::new(), text.clone()), |(a, b)| (a.into(), b.into()))
            }
        };
        self.push(&label, &value);
    }

    fn give_up_label(&mut self) {
        if let Some(label) = self.label.take() {
            self.push(&label, "");
        }
    }

    fn end_line(&mut self, place: Place) {
        let line = squeezed(&std::mem::take(&mut self.line));
        if line.is_empty() || line.len() >= LONGEST {
            return;
        }
        let colon = parted(&line);
        let known = colon.and_then(|(label, _)| labels::label(label));
        match colon {
            Some((label, "")) if known.is_some() => self.term(label.to_owned()),
            Some((label, value)) if place == Place::Within || is_plain(known) => {
                self.give_up_label();
                self.push(label, value);
            }
            _ if place == Place::Around => {}
            _ if labels::label(&line).is_some() => self.term(line),
            _ if self.label.is_some() => self.description(line),
            _ => match figure(&line) {
                Some((label, value)) => self.push(label, value),
                None => self.push("", &line),
            },
        }
    }
}

/// Facts that are told nowhere but of an author; "Thanks: 3" may be those of the post.
fn is_plain(label: Option<Label>) -> bool {
    matches!(label, Some(Label::Joined | Label::Location | Label::Posts | Label::BlogEntries))
}

/// "Label: value"; what follows digits is a time of day.
fn parted(line: &str) -> Option<(&str, &str)> {
    let (label, value) = line.split_once([':', '：'])?;
    let time = label.ends_with(|c: char| c.is_numeric()) && value.starts_with(|c: char| c.is_numeric());
    (!time).then(|| (label.trim(), value.trim()))
}

/// "Posts 1,234", "Member since 2005": a label and its value with nothing between them.
fn figure(line: &str) -> Option<(&str, &str)> {
    line.match_indices(' ').take(5).map(|(at, _)| (&line[..at], &line[at + 1..])).find(|(label, value)| {
        let digits = value.starts_with(|c: char| c.is_numeric());
        match labels::label(label) {
            Some(Label::Joined) => value.len() < 30 && value.contains(|c: char| c.is_numeric()),
            Some(Label::Posts | Label::BlogEntries | Label::Given | Label::Received) => digits,
            _ => false,
        }
    })
}

fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "a" | "abbr"
            | "b"
            | "big"
            | "em"
            | "font"
            | "i"
            | "img"
            | "label"
            | "small"
            | "span"
            | "strong"
            | "u"
    )
}

/// Whether an element may be one of the column: not the post's own words or what belongs to them, nor another post.
fn is_of_column(element: ElementRef<'_>) -> bool {
    let silent = matches!(
        element.value().name(),
        "script"
            | "style"
            | "noscript"
            | "template"
            | "button"
            | "select"
            | "textarea"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
    );
    let id = element.value().attr("id").unwrap_or_default();
    let other = ["post_", "dbtech_thanks"].iter().any(|begin| id.starts_with(begin));
    let own = element.value().classes().any(|class| {
        class.contains("usertitle")
            || matches!(
                class,
                "after_content"
                    | "attachments"
                    | "content"
                    | "deletereason"
                    | "lastedited"
                    | "messageignored"
                    | "nodecontrols"
                    | "popupbody"
                    | "postcontent"
                    | "postfoot"
                    | "signature"
                    | "signaturecontainer"
                    | "username"
                    | "vbseo_liked"
            )
    });
    !silent && !other && !own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markup::html::tree::Html;

    fn rows_of(html: &str) -> Vec<(String, String)> {
        let page = Html::parse_document(&format!("<body><li id=\"post_1\">{html}</li></body>"))
            .expect("a small page");
        let item = page.select(css!("#post_1")).next().expect("the post");
        rows(item).into_iter().map(|row| (row.label, row.value)).collect()
    }

    #[test]
    fn figures_are_found_in_any_markup() {
        let joined =
            [("Join Date".to_owned(), "Nov 2005".to_owned()), ("Posts".to_owned(), "1,234".to_owned())];
        for html in [
            "<dl class=\"userinfo_extra\"><dt>Join Date</dt> <dd>Nov 2005</dd><dt>Posts</dt> <dd>1,234</dd></dl>",
            "<div class=\"userinfo\"><ul><li>Join Date: Nov 2005</li><li>Posts: <a>1,234</a></li></ul></div>",
            "<div class=\"userinfo\">Join Date: <b>Nov 2005</b><br>Posts:&nbsp;1,234</div>",
            "<div class=\"userinfo\"><span>Join Date</span> <span>Nov 2005</span><br>Posts <em>1,234</em></div>",
            "<table class=\"userinfo\"><tr><td>Join Date</td><td>Nov 2005</td></tr><tr><td>Posts:</td><td>1,234</td></tr></table>",
            "<dl class=\"userstats\"><dd>Join Date: Nov 2005<br>Posts: 1,234</dd></dl>",
            "<div class=\"my_box\"><div>Join Date: Nov 2005</div></div><p>Posts: 1,234</p>",
        ] {
            assert_eq!(rows_of(html), joined, "{html}");
        }
    }

    #[test]
    fn a_column_may_be_written_in_two_ways_at_once() {
        let html = "<div class=\"userinfo\"><dl><dt>Join Date</dt></dl></div><div class=\"profile\"><dl \
            class=\"userstats\"><div class=\"field\">Posts: 12</div><div><b><dt>Thanks</dt> <dd>3</dd><dd>Thanked 5 in 4 \
            P</dd></b></div></dl><div>Location: Leeds</div></div>";
        let pair = |label: &str, value: &str| (label.to_owned(), value.to_owned());
        let expected = [
            pair("Posts", "12"),
            pair("Thanks", "3"),
            pair("", "Thanked 5 in 4 P"),
            pair("Location", "Leeds"),
        ];
        let found = rows_of(html);
        assert_eq!(found[1..], expected, "{found:?}");
    }

    #[test]
    fn what_the_author_wrote_is_not_of_the_column() {
        let html = "<div class=\"postbody\"><h2 class=\"title\">Posts: 1</h2><div id=\"post_message_1\">Posts: 2</div><blockquote \
            class=\"signature\">Posts: 3</blockquote><div class=\"lastedited\">Posts: 4</div>Thanks: 5</div><ul \
            class=\"popupbody\"><li>Posts: 6</li></ul><li id=\"post_2\"><div class=\"userinfo\">Posts: 7</div></li>";
        assert_eq!(rows_of(html), []);
    }
}
