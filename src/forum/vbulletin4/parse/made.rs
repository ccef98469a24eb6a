//! When a saved page was made, which "Today" and "an hour ago" need. The forum tells only the time of day;
//! the tool that saved the page may have written the date into a comment.

use crate::markup::html::tree::Html;
use jiff::civil::Date;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::dates::clock_in;

/// The last moment before the page was copied at which the forum's clock, in its footer, showed what it shows.
pub fn copied_at(page: &Html, zone: &TimeZone, footer: &str) -> Option<Timestamp> {
    let copied = page.comments().find_map(stated).or_else(|| cached(page))?;
    let Some(clock) = clock_in(footer) else { return Some(copied) };
    let local = zone.to_datetime(copied);
    let day: Date = if clock > local.time() { local.date().checked_sub(1.day()).ok()? } else { local.date() };
    zone.to_timestamp(day.to_datetime(clock)).ok()
}

/// What Google wrote above the pages that it kept: "as it appeared on Mar 5, 2014 02:11:39 GMT."
fn cached(page: &Html) -> Option<Timestamp> {
    let mut words = page.root_element().text().take(100);
    let rest = words.find_map(|words| words.split_once(" as it appeared on ").map(|(_, rest)| rest))?;
    let (date, _) = rest.split_once(" GMT")?;
    let local = strtime::parse("%b %d, %Y %H:%M:%S", date.trim()).ok()?.to_datetime().ok()?;
    TimeZone::UTC.to_timestamp(local).ok()
}

/// The date in a comment of HTTrack, the Internet Archive or SingleFile.
fn stated(comment: &str) -> Option<Timestamp> {
    if comment.contains("Mirrored from") {
        let (_, date) = comment.rsplit_once(']')?;
        return rfc2822::parse(date.trim_start_matches([',', ' ']).trim()).ok().map(|at| at.timestamp());
    }
    if let Some((_, rest)) = comment.split_once("FILE ARCHIVED ON ") {
        let (date, _) = rest.split_once(" AND ")?;
        return strtime::parse("%H:%M:%S %b %d, %Y", date.trim())
            .and_then(|parsed| parsed.to_datetime())
            .and_then(|local| TimeZone::UTC.to_timestamp(local))
            .ok();
    }
    let (_, rest) = comment.split_once("saved date: ")?;
    let date = rest.lines().next()?.split(" (").next()?.trim();
    strtime::parse("%a %b %d %Y %H:%M:%S GMT%z", date).and_then(|parsed| parsed.to_timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_copy_pages_date_them() {
        let zone = TimeZone::get("Asia/Kolkata").expect("a bundled zone");
        for (comment, footer, expected) in [
            (
                "Mirrored from f.example/showthread.php?t=5 by HTTrack Website Copier/3.x [XR&CO'2014], Sun, 22 Mar 2020 \
                 16:18:01 GMT",
                "",
                Some("2020-03-22T16:18:01Z"),
            ),
            (
                " Mirrored from f.example/ by HTTraQt Website Copier/1.x [Karbofos 2012-2017] Sun, 22 Mar 2020 16:18:01 \
                 GMT ",
                "All times are GMT +5.5. The time now is 05:03 PM.",
                Some("2020-03-22T11:33:00Z"),
            ),
            (
                "\n     FILE ARCHIVED ON 02:11:39 Mar 05, 2014 AND RETRIEVED FROM THE\n     INTERNET ARCHIVE",
                "Es ist jetzt 23:50 Uhr.",
                Some("2014-03-04T18:20:00Z"),
            ),
            (
                "\n Page saved with SingleFile \n url: https://f.example/ \n saved date: Thu Mar 05 2020 21:25:05 \
                 GMT+0100 (Central European Standard Time)\n",
                "",
                Some("2020-03-05T20:25:05Z"),
            ),
            ("BEGIN TEMPLATE: postbit", "The time now is 05:03 PM.", None),
            (
                "--><p>It is a snapshot of the page as it appeared on Mar 5, 2014 02:11:39 GMT. The current page may differ.</p><!--",
                "The time now is 05:30 AM.",
                Some("2014-03-05T00:00:00Z"),
            ),
        ] {
            let text = format!("<html><!--{comment}--><body></body></html>");
            let page = Html::parse_document(&text).expect("a small page");
            let at = copied_at(&page, &zone, footer).map(|at| at.to_string());
            assert_eq!(at.as_deref(), expected, "{comment}");
        }
    }
}
