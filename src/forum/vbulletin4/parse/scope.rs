//! What every part of a page is read with: where its links lead, and how its dates are meant.

use std::borrow::Cow;

use crate::markup::html::copied;
use crate::markup::html::tree::Html;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::Url;

use super::dates::{LONGEST, Reader, order_of, zone_of_footer};
use super::{Context, css, first, text_of, words_up_to};

pub struct Scope<'a> {
    pub page: &'a Html,
    /// What relative addresses are relative to: `<base href>`, else the page's own address.
    pub base: Url,
    /// The forum's folder, from which its scripts are called.
    pub root: Url,
    pub dates: Reader,
}

impl Scope<'_> {
    /// `whole`: nothing of the page seems to be missing.
    pub fn new<'a>(page: &'a Html, context: &Context, whole: bool) -> Scope<'a> {
        let html = page.root_element();
        let language = html.value().attr("lang").unwrap_or_default().to_lowercase();
        // Dates are short, but there may be much space before them.
        let beginning = |element| words_up_to(element, 4 * LONGEST);
        let mut texts: Vec<Cow<'_, str>> = page
            .select(css!(
                ".postdate .date, .postdate, .posthead-date .date, .lastedited, .threadlastpost dd, .author .label, .threadmeta, .dateblock, \
                 [id^=post_thanks_bit_], .stats dd"
            ))
            .map(beginning)
            .collect();
        // Styles that put the date among the author's figures.
        if first(html, css!(".postdate, .date")).is_none() {
            texts.extend(page.select(css!(".userstats dd, .userinfo_extra dd")).map(beginning));
        }
        let footer = first(html, css!("#footer_time, .footer_time")).map(text_of).unwrap_or_default();
        let order = order_of(texts.iter().map(Cow::as_ref), context.now, &language);
        let base = base_of(page, &context.url);
        let root = root_of(page, &base);
        let stated = zone_of_footer(&footer);
        // The end of the page, which would have said it, is missing.
        let unknown = stated.is_none() && !whole;
        let zone = zone(&context.zone, stated, context.now);
        let now = context.now.or_else(|| super::made::copied_at(page, &zone, &footer));
        let zone = Some(zone).filter(|_| !unknown);
        Scope { page, base, root, dates: Reader { zone, now, order } }
    }

    pub fn address(&self, href: &str) -> Option<Url> {
        let href = href.trim();
        (!href.is_empty() && !href.starts_with('#'))
            .then(|| self.base.join(href).ok())
            .flatten()
            .map(copied::live)
    }
}

/// The page says in its footer in which zone it was written: the viewer's, as the forum believes it to be. The
/// configured zone is used where it agrees, for it also knows when clocks were changed.
fn zone(configured: &TimeZone, stated: Option<TimeZone>, now: Option<Timestamp>) -> TimeZone {
    let Some(stated) = stated else { return configured.clone() };
    let agrees = now.is_some_and(|now| configured.to_offset(now) == stated.to_offset(now));
    if agrees && *configured != TimeZone::UTC { configured.clone() } else { stated }
}

fn base_of(page: &Html, url: &Url) -> Url {
    let href = page.select(css!("base[href]")).next().and_then(|base| base.value().attr("href"));
    href.filter(|href| !href.trim().is_empty())
        .and_then(|href| url.join(href).ok())
        .map_or_else(|| url.clone(), copied::live)
}

/// vBulletin names its own address in a script, and its feed is in the same folder. `<base>` is that folder too, unless
/// a copy of the page moved it.
fn root_of(page: &Html, base: &Url) -> Url {
    let named = page.select(css!("script")).find_map(|script| {
        let text: String = script.text().collect();
        let (_, rest) = text.split_once("var BBURL = \"")?;
        let address = rest.split_once('"')?.0.trim_end_matches('/');
        // A copy of a whole site puts a file's name there.
        let absolute = address.contains("//");
        base.join(&format!("{address}/")).ok().filter(|_| absolute)
    });
    let beside_feed = || {
        let mut feeds = page.select(css!("link[rel=alternate][href*=\"external.php\"]"));
        feeds.find_map(|feed| base.join(feed.value().attr("href")?).ok()?.join(".").ok())
    };
    named
        .or_else(beside_feed)
        .map(copied::live)
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .unwrap_or_else(|| base.clone())
}
