//! The forum's feed, `external.php?type=RSS2`: the newest threads, as guests may see them. It lists threads, not
//! replies, and may be an hour old.

use std::borrow::Cow;

use crate::markup::html::tree::{ElementRef, Html};
use jiff::fmt::rfc2822;

use super::kind::{self, PageKind};
use super::{Context, PageError, css, first, links, some, squeezed, text_of};
use crate::model::{BoardRef, Found};

/// Reads a feed. A channel without items is an empty list, not a fault.
pub fn feed(text: &str, context: &Context) -> Result<Vec<Found>, PageError> {
    let wanted = "a feed";
    match kind::what_is(text) {
        PageKind::Feed(_) => {}
        other => return Err(PageError(other.describe(wanted))),
    }
    if !["</rss>", "</rdf:RDF>", "</feed>"].iter().any(|end| text.contains(end)) {
        return Err(PageError("the feed is cut off: its end is missing".to_owned()));
    }
    let text = as_html(text);
    let page = Html::parse_document(&text)?;
    let items = page.select(css!("item")).filter_map(|item| found(item, context));
    Ok(items.collect())
}

fn found(item: ElementRef<'_>, context: &Context) -> Option<Found> {
    let words = |selector| first(item, selector).map(text_of).and_then(some);
    let address = |selector| context.url.join(&words(selector)?).ok();
    // The item's link leads to what is new in the thread; its own name is the thread's address.
    let url = address(css!("guid")).or_else(|| address(css!("x-link")))?;
    let place = links::place(&url);
    let category = first(item, css!("category"));
    let domain = category.and_then(|category| context.url.join(category.value().attr("domain")?).ok());
    let date = words(css!("pubdate")).or_else(|| words(css!("dc\\:date")));
    Some(Found {
        thread: place.thread.or_else(|| links::place(&address(css!("x-link"))?).thread),
        post: place.post,
        url: links::cleaned(&url),
        title: words(css!("x-title"))?,
        author: words(css!("dc\\:creator")).or_else(|| words(css!("author"))),
        board: BoardRef {
            id: domain.and_then(|url| links::place(&url).board),
            name: category.map(text_of).and_then(some),
        },
        at: date.and_then(|date| {
            rfc2822::parse(&date).ok().map(|at| at.timestamp()).or_else(|| date.parse().ok())
        }),
        snippet: words(css!("description")).map(|text| squeezed(&text)),
        replies: None,
    })
}

/// A feed for the parser of HTML: names that mean something else there are changed, and what is quoted as
/// character data is written out.
fn as_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<![CDATA[") {
        out.push_str(before);
        let (quoted, after) = after.split_once("]]>").unwrap_or((after, ""));
        let escaped: Cow<'_, str> = quoted.replace('&', "&amp;").replace('<', "&lt;").into();
        out.push_str(&escaped);
        rest = after;
    }
    out.push_str(rest);
    for name in ["link", "title"] {
        out = out.replace(&format!("<{name}>"), &format!("<x-{name}>"));
        out = out.replace(&format!("</{name}>"), &format!("</x-{name}>"));
    }
    out
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use url::Url;

    use super::*;
    use crate::model::{BoardId, ThreadId};

    #[test]
    fn threads_are_read_from_a_feed() {
        let url = Url::parse("https://forum.example/").expect("an address");
        let context = Context { url, zone: TimeZone::UTC, now: None };
        let item = "<item>\n<title>Salt &amp; pepper</title>\n<link>https://forum.example/showthread.php?t=7&amp;goto=newpost</link>\n\
            <pubDate>Thu, 03 Apr 2014 16:51:00 GMT</pubDate>\n<description><![CDATA[Who has <b>salt</b> & pepper?...]]></description>\n\
            <content:encoded><![CDATA[<div>Who has <b>salt</b></div>]]></content:encoded>\n\
            <category domain=\"https://forum.example/forumdisplay.php?f=3\">Kitchen</category>\n<dc:creator>Ann</dc:creator>\n\
            <guid isPermaLink=\"true\">https://forum.example/showthread.php?t=7</guid>\n</item>";
        let channel = |items: &str| {
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\">\n<channel>\n<title>Board</title>\n\
                 <link>https://forum.example/</link>\n{items}\n</channel>\n</rss>"
            )
        };
        let read = feed(&channel(&item.repeat(2)), &context).expect("a feed");
        assert_eq!(read.len(), 2);
        let expected = Found {
            thread: Some(ThreadId::new("7")),
            post: None,
            url: "https://forum.example/showthread.php?t=7".to_owned(),
            title: "Salt & pepper".to_owned(),
            author: Some("Ann".to_owned()),
            board: BoardRef { id: Some(BoardId::new("3")), name: Some("Kitchen".to_owned()) },
            at: Some("2014-04-03T16:51:00Z".parse().expect("a time")),
            snippet: Some("Who has <b>salt</b> & pepper?...".to_owned()),
            replies: None,
        };
        assert_eq!(read[0], expected);
        assert_eq!(feed(&channel(""), &context).expect("an empty feed"), []);
        let cut = channel(item);
        assert!(feed(&cut[..cut.len() - 8], &context).expect_err("cut off").to_string().contains("cut off"));
        assert!(feed("<html></html>", &context).expect_err("no feed").to_string().contains("not a page"));
    }
}
