//! The calendar of Persian boards: years that begin with the spring, months of 31 and 30 days.

use jiff::ToSpan;
use jiff::civil::{Date, date};

/// From Farvardin on, in Persian letters and in the Arabic ones that old boards write instead.
const MONTHS: [&str; 12] = [
    "فروردین|فروردين",
    "اردیبهشت|ارديبهشت",
    "خرداد",
    "تیر|تير",
    "مرداد|امرداد",
    "شهریور|شهريور",
    "مهر",
    "آبان|ابان",
    "آذر|اذر",
    "دی|دي",
    "بهمن",
    "اسفند",
];

/// Forums are younger than the first, and no page is of the future. Years of the Islamic calendar, which nobody can tell
/// from them by their look, are higher: 1421 began in the year 2000.
const YEARS: std::ops::RangeInclusive<i64> = 1370..=1410;

/// The month that a word names, from 1.
pub fn month(word: &str) -> Option<i64> {
    // Nearly every word of nearly every date.
    if word.is_ascii() {
        return None;
    }
    (1..).zip(MONTHS).find(|(_, names)| names.split('|').any(|name| name == word)).map(|(month, _)| month)
}

/// A year that may be written with two digits only.
pub fn full(year: i64) -> i64 {
    match year {
        70..=99 => year + 1300,
        0..=10 => year + 1400,
        year => year,
    }
}

/// The day, if the year is one of this calendar.
pub fn day(year: i64, month: i64, day: i64) -> Option<Date> {
    let known = YEARS.contains(&year) && (1..=12).contains(&month);
    let length = if month <= 6 { 31 } else { 30 };
    if !known || !(1..=length).contains(&day) {
        return None;
    }
    // Eight years of 33 have one day more.
    let leaps = |year: i64| (8 * year + 21) / 33;
    let years = 365 * (year - 1394) + leaps(year) - leaps(1394);
    let months = (month - 1) * 30 + (month - 1).min(6);
    date(2015, 3, 21).checked_add((years + months + day - 1).days()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_our_calendar() {
        for ((year, month, of_month), expected) in [
            ((1394, 1, 1), "2015-03-21"),
            ((1394, 11, 27), "2016-02-16"),
            ((1394, 12, 29), "2016-03-19"),
            ((1395, 1, 1), "2016-03-20"),
            ((1395, 12, 30), "2017-03-20"),
            ((1388, 6, 31), "2009-09-22"),
            ((1388, 7, 1), "2009-09-23"),
            ((1403, 1, 1), "2024-03-20"),
            ((1405, 1, 1), "2026-03-21"),
        ] {
            let found = day(year, month, of_month).map(|day| day.to_string());
            assert_eq!(found.as_deref(), Some(expected), "{year}/{month}/{of_month}");
        }
        for (year, month, of_month) in
            [(1435, 6, 3), (2015, 1, 1), (1394, 13, 1), (1394, 7, 31), (1394, 1, 0)]
        {
            assert_eq!(day(year, month, of_month), None, "{year}/{month}/{of_month}");
        }
        assert_eq!((month("بهمن"), month("دي"), month("may")), (Some(11), Some(10), None));
        assert_eq!((full(94), full(3), full(1394)), (1394, 1403, 1394));
    }
}
