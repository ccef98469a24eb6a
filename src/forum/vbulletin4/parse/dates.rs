//! Dates as boards write them: any order of day and month, twelve hours or twenty-four, "Today" and "5
//! minutes ago", in a dozen languages. A date that is not understood is `None`; none is guessed.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::calendar::{AGO, HALVES, MONTHS, TODAY, UNITS, YESTERDAY};
use super::jalali;
use super::words::Words;

/// Which of a numeric date's first two parts is the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    DayFirst,
    MonthFirst,
}

/// No date is written with more characters.
pub const LONGEST: usize = 300;

/// How dates are read on one page.
#[derive(Debug, Clone)]
pub struct Reader {
    /// `None`: then a time of day means nothing.
    pub zone: Option<TimeZone>,
    /// `None`: then "today" and "an hour ago" mean nothing.
    pub now: Option<Timestamp>,
    pub order: Order,
}

impl Reader {
    /// A date with its time of day, or a relative one.
    pub fn moment(&self, text: &str) -> Option<Timestamp> {
        let text = normal(text);
        if let Some(back) = ago(&text) {
            return self.now?.checked_sub(back).ok();
        }
        let (time, rest) = time_of_day(&text)?;
        let date = self.day(&rest)?;
        let local = DateTime::from_parts(date, time);
        self.zone.as_ref()?.to_timestamp(local).ok()
    }

    /// A date alone.
    pub fn day(&self, text: &str) -> Option<Date> {
        self.day_in(&normal(text))
    }

    fn day_in(&self, text: &str) -> Option<Date> {
        if let Some(date) = named_month(text).or_else(|| self.numeric(text)) {
            return Some(date);
        }
        let local = |at: Timestamp| Some(self.zone.as_ref()?.to_datetime(at).date());
        let today = self.now.and_then(local);
        static DAYS: LazyLock<[Words; 2]> = LazyLock::new(|| [TODAY, YESTERDAY].map(Words::new));
        let [says_today, says_yesterday] = &*DAYS;
        if says_today.any(text, |at, word| is_word(text, at, word)) {
            return today;
        }
        if says_yesterday.any(text, |at, word| is_word(text, at, word)) {
            return today?.checked_sub(1.day()).ok();
        }
        local(self.now?.checked_sub(ago(text)?).ok()?)
    }

    fn numeric(&self, text: &str) -> Option<Date> {
        numbers(text).find_map(|(first, second, third, _)| {
            let (day, month, year) = match (first, second, third) {
                (year, month, day) if year > 1000 => (day, month, year),
                (a, b, year) if a > 12 => (a, b, year),
                (a, b, year) if b > 12 => (b, a, year),
                (a, b, year) => match self.order {
                    Order::DayFirst => (a, b, year),
                    Order::MonthFirst => (b, a, year),
                },
            };
            date(year, month, day)
        })
    }
}

/// Learns from all numeric dates of a page which part is the day: a part above twelve can't be a month,
/// and dots are written day first. `language` decides where nothing else does.
pub fn order_of<'a>(dates: impl Iterator<Item = &'a str>, now: Option<Timestamp>, language: &str) -> Order {
    // Most are written with the month's name, and are not asked.
    let numeric = |text: &&str| text.contains(['-', '.', '/', '年', '月']);
    let texts: Vec<&str> = dates.collect();
    let (mut day_first, mut month_first) = (0, 0);
    let mut any_numeric = false;
    for text in texts.iter().copied().filter(numeric).map(normal) {
        for (first, second, third, separator) in numbers(&text) {
            any_numeric = true;
            if first > 31 || second > 31 || (third > 99 && third < 1000) {
                continue;
            }
            match (first > 12, second > 12) {
                (true, false) => day_first += 10,
                (false, true) => month_first += 10,
                _ if separator == '.' => day_first += 1,
                _ => {}
            }
        }
    }
    if day_first != month_first {
        return if day_first > month_first { Order::DayFirst } else { Order::MonthFirst };
    }
    // Posts of a page follow one another, and none is of the future.
    let doubts = |dates: &[String], order: Order| {
        let reader = Reader { zone: Some(TimeZone::UTC), now, order };
        let days: Vec<Date> = dates.iter().filter_map(|text| reader.day_in(text)).collect();
        let latest = now.map_or(Date::MAX, |now| TimeZone::UTC.to_datetime(now).date());
        let latest = latest.checked_add(1.day()).unwrap_or(Date::MAX);
        let future = days.iter().filter(|day| **day > latest).count();
        future + days.windows(2).filter(|pair| pair[0] > pair[1]).count()
    };
    if any_numeric {
        let dates: Vec<String> = texts.into_iter().map(normal).collect();
        let (as_day, as_month) = (doubts(&dates, Order::DayFirst), doubts(&dates, Order::MonthFirst));
        if as_day != as_month {
            return if as_day < as_month { Order::DayFirst } else { Order::MonthFirst };
        }
    }
    // vBulletin's own default is m-d-Y.
    let american = matches!(language, "" | "en" | "en-us" | "en_us");
    if american { Order::MonthFirst } else { Order::DayFirst }
}

/// A page's own zone, from its footer: `GMT -5`, `GMT +5.5`, `WEZ +1`, `UTC+05:30`. No offset is none.
pub fn zone_of_footer(text: &str) -> Option<TimeZone> {
    // What boards in Chinese say instead.
    if ["北京时间", "北京時間"].iter().any(|name| text.contains(name)) {
        return jiff::tz::Offset::from_seconds(8 * 3_600).ok().map(TimeZone::fixed);
    }
    let at = ["GMT", "UTC", "WEZ"].iter().find_map(|name| text.find(name).map(|at| at + name.len()))?;
    // A word may stand between, but not the sentence about the clock.
    let rest: Vec<char> = text[at..].chars().take(20).collect();
    let number_at = |at: usize| rest[at..].iter().find(|c| **c != ' ').is_some_and(char::is_ascii_digit);
    // A dash may also part words: "(GMT - Greenwich) +3.5".
    let sign = (0..rest.len()).find(|at| matches!(rest[*at], '+' | '-' | '−' | '–') && number_at(at + 1));
    let Some(sign_at) = sign.filter(|sign| !rest[..*sign].iter().any(|c| c.is_ascii_digit() || *c == '.'))
    else {
        return Some(TimeZone::UTC);
    };
    let number: String = rest[sign_at + 1..]
        .iter()
        .skip_while(|c| **c == ' ')
        .take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':'))
        .collect();
    let number = number.trim_end_matches(['.', ':']);
    let (hours, part) = number.split_once(['.', ':']).unwrap_or((number, ""));
    let hours: i32 = hours.parse().ok().filter(|hours| *hours <= 14)?;
    let minutes: i32 = match (number.contains(':'), part.len()) {
        (_, 0) => 0,
        (true, _) => part.parse().ok()?,
        // `5.5` and `5.75` are hours and their fractions.
        (false, digits @ 1..=2) => part.parse::<i32>().ok()? * 60 / if digits == 1 { 10 } else { 100 },
        _ => return None,
    };
    let sign = if rest[sign_at] == '+' { 1 } else { -1 };
    jiff::tz::Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok().map(TimeZone::fixed)
}

/// The last time of day that a text states.
pub fn clock_in(text: &str) -> Option<Time> {
    let mut found = None;
    let mut rest = normal(text);
    while let Some((time, without)) = time_of_day(&rest) {
        found = Some(time);
        rest = without;
    }
    found
}

/// One space between words, lower case, Western digits, no marks of direction; dates of East Asia with dashes.
fn normal(text: &str) -> String {
    let mut squeezed = super::squeezed(text);
    let plain = squeezed.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if plain && !squeezed.contains(". ") {
        squeezed.truncate(LONGEST);
        squeezed.make_ascii_lowercase();
        return squeezed;
    }
    let mut out = String::with_capacity(text.len());
    for c in squeezed.to_lowercase().chars().take(LONGEST) {
        match c {
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' => {}
            '٠'..='٩' | '۰'..='۹' => out.push(super::western(c)),
            '年' | '月' => out.push('-'),
            '日' if out.ends_with(|c: char| c.is_ascii_digit()) => out.push(' '),
            // `19. 4. 2020`
            ' ' if out.ends_with('.') && out[..out.len() - 1].ends_with(|c: char| c.is_ascii_digit()) => {
                out.push('\u{1}');
            }
            c => {
                if out.ends_with('\u{1}') {
                    out.pop();
                    if !c.is_ascii_digit() {
                        out.push(' ');
                    }
                }
                out.push(c);
            }
        }
    }
    out.trim_end_matches('\u{1}').to_owned()
}

fn any(words: &str, fits: impl Fn(&str) -> bool) -> bool {
    words.split('|').any(fits)
}

/// Whether a word that stands in a text is not merely a part of another.
fn is_word(text: &str, at: usize, word: &str) -> bool {
    let before = || text[..at].chars().next_back().is_none_or(|c| !c.is_alphabetic());
    let after = || text[at + word.len()..].chars().next().is_none_or(|c| !c.is_alphabetic());
    // Some languages put no spaces between words.
    word.chars().any(is_unspaced) || (before() && after())
}

/// Letters of languages that put no spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{e7f}' | '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

fn ago(text: &str) -> Option<SignedDuration> {
    // Every date is asked.
    static WORDS: LazyLock<Words> = LazyLock::new(|| Words::new(AGO));
    if !WORDS.any(text, |at, word| is_word(text, at, word)) {
        return None;
    }
    let words = words_and_numbers(text);
    let length = |word: &str| {
        UNITS.iter().find(|(names, _)| any(names, |name| word.starts_with(name))).map(|unit| unit.1)
    };
    let unit = words.iter().position(|word| length(word).is_some())?;
    let seconds = length(words[unit])?;
    // Arabic has a form for two.
    let alone = if words[unit].ends_with("ين") { 2 } else { 1 };
    let amount = words[..unit].iter().rev().find_map(|word| word.parse::<i64>().ok()).unwrap_or(alone);
    (0..=10_000).contains(&amount).then(|| SignedDuration::from_secs(seconds * amount))
}

/// A text's words; a number is one of its own, whatever it touches.
fn words_and_numbers(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for piece in text.split([' ', ',', '(', ')']).filter(|piece| !piece.is_empty()) {
        let mut from = 0;
        let mut digits = piece.starts_with(|c: char| c.is_ascii_digit());
        for (at, c) in piece.char_indices() {
            if c.is_ascii_digit() != digits {
                words.push(&piece[from..at]);
                (from, digits) = (at, !digits);
            }
        }
        words.push(&piece[from..]);
    }
    words
}

/// The time of day in a text, and the text without it. `17.51` is one where nothing else is.
fn time_of_day(text: &str) -> Option<(Time, String)> {
    time_with(text, b":h").or_else(|| time_with(text, b"."))
}

fn time_with(text: &str, separators: &[u8]) -> Option<(Time, String)> {
    let bytes = text.as_bytes();
    for at in 0..bytes.len() {
        if !bytes[at].is_ascii_digit() || (at > 0 && bytes[at - 1].is_ascii_digit()) {
            continue;
        }
        let digits =
            |from: usize| bytes[from.min(bytes.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
        let hours = digits(at);
        let separator = bytes.get(at + hours).copied();
        let minutes = digits(at + hours + 1);
        if hours > 2 || minutes != 2 || !separator.is_some_and(|sign| separators.contains(&sign)) {
            continue;
        }
        // A part of a date is none.
        let dotted = separator == Some(b'.');
        if dotted && (bytes.get(at + hours + 3) == Some(&b'.') || (at > 0 && bytes[at - 1] == b'.')) {
            continue;
        }
        let mut hour: i8 = text[at..at + hours].parse().ok()?;
        let minute: i8 = text[at + hours + 1..at + hours + 3].parse().ok()?;
        let mut end = at + hours + 3;
        if bytes.get(end) == Some(&b':') && digits(end + 1) == 2 {
            end += 3;
        }
        let mut start = at;
        let said = match half_of_day(&text[end..]) {
            Some((afternoon, length)) => {
                end += length;
                Some(afternoon)
            }
            None => half_before(&text[..at]).map(|(afternoon, length)| {
                start -= length;
                afternoon
            }),
        };
        if let Some(afternoon) = said
            && hour <= 12
        {
            hour = hour % 12 + if afternoon { 12 } else { 0 };
        }
        let time = Time::new(hour, minute, 0, 0).ok()?;
        return Some((time, format!("{} {}", &text[..start], &text[end..])));
    }
    None
}

/// "PM" and its like behind a time: whether it is the afternoon, and how long the word is with the space before.
fn half_of_day(text: &str) -> Option<(bool, usize)> {
    let trimmed = text.trim_start();
    let skipped = text.len() - trimmed.len();
    static WORDS: LazyLock<[(Words, bool); 2]> =
        LazyLock::new(|| HALVES.map(|(words, afternoon)| (Words::new(words), afternoon)));
    WORDS.iter().find_map(|(words, afternoon)| {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphabetic() || c == '\u{64b}');
        let word = words.at_start(trimmed, ends)?;
        Some((*afternoon, skipped + word.len()))
    })
}

/// The same before a time, where the languages of East Asia put it.
fn half_before(text: &str) -> Option<(bool, usize)> {
    let trimmed = text.trim_end();
    HALVES.iter().find_map(|(words, afternoon)| {
        let word = words.split('|').find(|word| word.chars().all(is_unspaced) && trimmed.ends_with(word))?;
        Some((*afternoon, text.len() - trimmed.len() + word.len()))
    })
}

/// `3rd april 2014`, `april 3rd, 2014`, `3. april 2014`, `3 avril 2014`, `12-may-2014`.
fn named_month(text: &str) -> Option<Date> {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '-' | '/' | '(' | ')'))
        .flat_map(split_dots)
        .filter(|w| !w.is_empty())
        .collect();
    // The last one: the short name of a day may be that of a month (`mar 12 gen`).
    let persian = |word: &&str| jalali::month(word).map(|month| (month, true));
    let ours = |word: &&str| month(word).map(|month| (month, false));
    let (month, is_persian) = words.iter().rev().find_map(|word| persian(word).or_else(|| ours(word)))?;
    let numbers: Vec<i64> = words
        .iter()
        .filter_map(|word| {
            let (digits, rest) = word.split_at(word.bytes().take_while(u8::is_ascii_digit).count());
            let ordinal = matches!(rest, "" | "." | "st" | "nd" | "rd" | "th" | "er" | "º" | "ª" | "e" | "'");
            (ordinal && !digits.is_empty()).then(|| digits.parse().ok()).flatten()
        })
        .collect();
    let year = numbers.iter().copied().find(|number| *number > 31).or_else(|| numbers.get(1).copied())?;
    let day = numbers.iter().copied().find(|number| (1..=31).contains(number))?;
    if is_persian { jalali::day(jalali::full(year), month, day) } else { date(year, month, day) }
}

/// `3.april` is two words, `17.30` is one.
fn split_dots(word: &str) -> impl Iterator<Item = &str> {
    let day = word.split_once('.').filter(|(day, rest)| {
        day.bytes().all(|byte| byte.is_ascii_digit()) && rest.starts_with(char::is_alphabetic)
    });
    let (first, second) = day.unwrap_or((word, ""));
    [first, second].into_iter()
}

/// The month that a word names, from 1.
pub fn month(word: &str) -> Option<i64> {
    let word = word.trim_end_matches('.');
    // Every word of every date is asked.
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    // The first that is listed counts.
    static KNOWN: LazyLock<HashMap<&str, i64>> = LazyLock::new(|| {
        let months = (1..).zip(MONTHS).collect::<Vec<_>>();
        months
            .into_iter()
            .rev()
            .flat_map(|(month, names)| names.split('|').map(move |name| (name, month)))
            .collect()
    });
    KNOWN.get(word).copied()
}

/// Every three numbers that are parted by one and the same sign.
fn numbers(text: &str) -> impl Iterator<Item = (i64, i64, i64, char)> {
    let pieces = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | ';'));
    pieces.filter(|piece| piece.contains(['-', '.', '/'])).filter_map(|piece| {
        ['-', '.', '/'].into_iter().find_map(|separator| {
            let mut parts = piece.trim_matches(separator).split(separator).map(str::parse);
            match (parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some(Ok(first)), Some(Ok(second)), Some(Ok(third)), None) => {
                    Some((first, second, third, separator))
                }
                _ => None,
            }
        })
    })
}

fn date(year: i64, month: i64, day: i64) -> Option<Date> {
    let year = match year {
        0..=69 => year + 2000,
        70..=99 => year + 1900,
        1980..=2200 => year,
        _ => return jalali::day(year, month, day),
    };
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(order: Order) -> Reader {
        let zone = TimeZone::get("Europe/London").expect("a bundled zone");
        let now = Some("2014-06-20T12:00:00Z".parse().expect("a time"));
        Reader { zone: Some(zone), now, order }
    }

    #[test]
    fn every_shape_of_date() {
        for (text, order, expected) in [
            ("06-15-2016,\u{a0}03:03 PM", Order::MonthFirst, "2016-06-15T14:03:00Z"),
            ("13-09-2011, 12:05 AM", Order::DayFirst, "2011-09-12T23:05:00Z"),
            ("19.04.2020, 21:41", Order::DayFirst, "2020-04-19T20:41:00Z"),
            ("29.10.14, 16:30", Order::DayFirst, "2014-10-29T16:30:00Z"),
            ("09/04/2019, 09h38", Order::DayFirst, "2019-04-09T08:38:00Z"),
            ("December 25th, 2009 at 01:51 PM", Order::MonthFirst, "2009-12-25T13:51:00Z"),
            ("12th Jun 2025, 09:35", Order::MonthFirst, "2025-06-12T08:35:00Z"),
            ("3rd April 2014, 05:51 PM", Order::MonthFirst, "2014-04-03T16:51:00Z"),
            ("3 avril 2014, 17h51", Order::DayFirst, "2014-04-03T16:51:00Z"),
            ("2014-04-03 17:51", Order::DayFirst, "2014-04-03T16:51:00Z"),
            ("Today,\u{a0}11:30 AM", Order::MonthFirst, "2014-06-20T10:30:00Z"),
            ("Gestern, 09:40", Order::DayFirst, "2014-06-19T08:40:00Z"),
            ("Hôm qua, 10:00 PM", Order::DayFirst, "2014-06-19T21:00:00Z"),
            ("5 Minutes Ago", Order::MonthFirst, "2014-06-20T11:55:00Z"),
            ("vor 2 Stunden", Order::MonthFirst, "2014-06-20T10:00:00Z"),
            ("1 Day Ago", Order::MonthFirst, "2014-06-19T12:00:00Z"),
            ("2 Weeks Ago", Order::MonthFirst, "2014-06-06T12:00:00Z"),
            ("Il y a 3 heures", Order::MonthFirst, "2014-06-20T09:00:00Z"),
            ("3. April 2014, 17:51", Order::MonthFirst, "2014-04-03T16:51:00Z"),
            ("3.April 2014, 17:51", Order::MonthFirst, "2014-04-03T16:51:00Z"),
            ("3. 4. 2014, 17:51", Order::DayFirst, "2014-04-03T16:51:00Z"),
            ("03-Apr-2014 05:51 PM", Order::DayFirst, "2014-04-03T16:51:00Z"),
            ("3 Απριλίου 2014, 05:51 μμ", Order::DayFirst, "2014-04-03T16:51:00Z"),
            ("3 kwietnia 2014, 17:51", Order::DayFirst, "2014-04-03T16:51:00Z"),
            ("2014年4月3日, 17:51", Order::DayFirst, "2014-04-03T16:51:00Z"),
            ("٠٣-٠٤-٢٠١٤, ٠٥:٥١ م", Order::DayFirst, "2014-04-03T16:51:00Z"),
            ("Dzisiaj, 11:30", Order::DayFirst, "2014-06-20T10:30:00Z"),
            ("اليوم, 11:30 AM", Order::DayFirst, "2014-06-20T10:30:00Z"),
            ("04-03-2014, 17:51 PM", Order::MonthFirst, "2014-04-03T16:51:00Z"),
            ("12:30 samedi 05.04.2014", Order::DayFirst, "2014-04-05T11:30:00Z"),
            ("ma 12.05.2014, 10:00", Order::DayFirst, "2014-05-12T09:00:00Z"),
            ("۱۳۹۴/۱۱/۲۷, ۰۰:۳۱", Order::MonthFirst, "2016-02-16T00:31:00Z"),
            ("27-11-1394, 00:31", Order::MonthFirst, "2016-02-16T00:31:00Z"),
            ("سه شنبه 27 بهمن 1394, 00:31", Order::MonthFirst, "2016-02-16T00:31:00Z"),
        ] {
            let moment = reader(order).moment(text).map(|moment| moment.to_string());
            assert_eq!(moment.as_deref(), Some(expected), "{text}");
        }
        for text in ["", "soon", "99-99-2014, 10:00", "12:99"] {
            assert_eq!(reader(Order::MonthFirst).moment(text), None, "{text}");
        }
    }

    #[test]
    fn every_language_says_today_and_ago() {
        for (today, yesterday, ago) in [
            ("Today, 11:30 AM", "Yesterday, 11:30 AM", "5 Minutes Ago"),
            ("Heute, 11:30", "Gestern, 11:30 Uhr", "vor 5 Minuten"),
            ("Aujourd\u{2019}hui, 11h30", "Hier, 11h30", "Il y a 5 minutes"),
            ("Hoy, 11:30", "Ayer, 11:30", "Hace 5 minutos"),
            ("Oggi, 11:30", "Ieri, 11:30", "5 minuti fa"),
            ("Dzisiaj, 11:30", "Wczoraj, 11:30", "5 minut temu"),
            ("Bugün, 11:30", "Dün, 11:30", "5 dakika önce"),
            ("Сегодня, 11:30", "Вчера, 11:30", "5 минут назад"),
            ("Сьогодні, 11:30", "Вчора, 11:30", "5 хвилин тому"),
            ("اليوم, 11:30 صباحاً", "أمس, 11:30 ص", "منذ 5 دقائق"),
            ("امروز, ۱۱:۳۰", "دیروز, ۱۱:۳۰ ق.ظ", "۵ دقیقه پیش"),
            ("Hoje, 11:30", "Ontem, 11:30", "há 5 minutos"),
            ("Vandaag, 11:30", "Gisteren, 11:30", "5 minuten geleden"),
            ("Idag, 11:30", "Igår, 11:30", "5 minuter sedan"),
            ("I dag, 11:30", "I går, 11:30", "for 5 minutter siden"),
            ("Tänään, 11:30", "Eilen, 11:30", "5 minuuttia sitten"),
            ("Σήμερα, 11:30 πμ", "Χθες, 11:30 πμ", "5 λεπτά πριν"),
            ("今天, 上午 11:30", "昨天, 上午 11:30", "5 分钟前"),
            ("今日, 11:30", "昨日, 11:30", "5分前"),
            ("오늘, 오전 11:30", "어제, 오전 11:30", "5분 전"),
            ("Ma, 11:30", "Tegnap, 11:30", "5 perccel ezelőtt"),
            ("Dnes, 11:30", "Včera, 11:30", "před 5 minutami"),
            ("Azi, 11:30", "Ieri, 11:30", "acum 5 minute"),
            ("Днес, 11:30", "Вчера, 11:30", "преди 5 минути"),
            ("Danas, 11:30", "Jučer, 11:30", "prije 5 minuta"),
            ("היום, 11:30", "אתמול 11:30", "לפני 5 דקות"),
            ("Hôm nay, 11:30 AM", "Hôm qua, 11:30 AM", "5 phút trước"),
            ("Avui, 11:30", "Ahir, 11:30", "fa 5 minuts"),
            ("Hari ini, 11:30", "Kemarin, 11:30", "5 menit yang lalu"),
            ("วันนี้, 11:30", "เมื่อวานนี้, 11:30", "5 นาทีที่แล้ว"),
        ] {
            let at = |text: &str| reader(Order::DayFirst).moment(text).map(|moment| moment.to_string());
            assert_eq!(at(today).as_deref(), Some("2014-06-20T10:30:00Z"), "{today}");
            assert_eq!(at(yesterday).as_deref(), Some("2014-06-19T10:30:00Z"), "{yesterday}");
            assert_eq!(at(ago).as_deref(), Some("2014-06-20T11:55:00Z"), "{ago}");
        }
        for (text, expected) in [
            ("1 Minute Ago", "2014-06-20T11:59:00Z"),
            ("vor einer Stunde", "2014-06-20T11:00:00Z"),
            ("3 Days Ago", "2014-06-17T12:00:00Z"),
            ("hace 2 semanas", "2014-06-06T12:00:00Z"),
            ("2 tygodnie temu", "2014-06-06T12:00:00Z"),
            ("3 hari yang lalu", "2014-06-17T12:00:00Z"),
            ("1 minggu yang lalu", "2014-06-13T12:00:00Z"),
            ("3 saat önce", "2014-06-20T09:00:00Z"),
            ("منذ ساعتين", "2014-06-20T10:00:00Z"),
            ("3時間前", "2014-06-20T09:00:00Z"),
            ("2 週前", "2014-06-06T12:00:00Z"),
            ("2 zile acum", "2014-06-18T12:00:00Z"),
        ] {
            let found = reader(Order::DayFirst).moment(text).map(|moment| moment.to_string());
            assert_eq!(found.as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn every_language_names_its_months() {
        for text in [
            "3rd April 2014, 05:51 PM",
            "April 3rd, 2014, 05:51 PM",
            "Thursday, April 3rd, 2014 at 5:51pm",
            "3. April 2014, 17:51",
            "Donnerstag, 3. April 2014 um 17:51 Uhr",
            "3 avril 2014, 17h51",
            "jeudi 3 avril 2014 à 17h51",
            "3 de abril de 2014, 17:51",
            "03-abr-2014 05:51 p.m.",
            "3 aprile 2014, 17:51",
            "gio 3 apr 2014, 17.51",
            "mar 3 apr 2014, 17:51",
            "3 kwietnia 2014, 17:51",
            "3 Nisan 2014, 17:51",
            "3 апреля 2014, 17:51",
            "3 квітня 2014, 17:51",
            "3 أبريل 2014, 05:51 مساءً",
            "٣ أبريل ٢٠١٤, ٠٥:٥١ م",
            "3 آوریل 2014, 05:51 ب.ظ",
            "3 de Abril de 2014, 17:51",
            "3 april 2014, 17:51",
            "den 3 april 2014 kl. 17.51",
            "3. huhtikuuta 2014 klo 17.51",
            "3 Απριλίου 2014, 05:51 μμ",
            "2014年4月3日 下午 05:51",
            "2014-04-03, 17:51",
            "2014/4/3 17:51",
            "2014. április 3., 17:51",
            "3. dubna 2014, 17:51",
            "3 aprilie 2014, 17:51",
            "3 април 2014, 17:51",
            "3. april 2014., 17:51",
            "3 באפריל 2014, 17:51",
        ] {
            let found = reader(Order::DayFirst).moment(text).map(|moment| moment.to_string());
            assert_eq!(found.as_deref(), Some("2014-04-03T16:51:00Z"), "{text}");
        }
    }

    #[test]
    fn what_is_not_known_is_no_time() {
        let reader = reader(Order::DayFirst);
        for text in
            ["December 25th, 2009", "19.04.2020", "Today", "1435-06-03, 10:00", "17:51", "#12", "99 posts"]
        {
            assert_eq!(reader.moment(text), None, "{text}");
        }
        let lost = Reader { zone: None, ..reader.clone() };
        assert_eq!(lost.moment("19.04.2020, 21:41"), None, "a time of no zone");
        assert_eq!(lost.day("19.04.2020").map(|day| day.to_string()).as_deref(), Some("2020-04-19"));
        assert!(lost.moment("5 Minutes Ago").is_some(), "a span needs no zone");
        let undated = Reader { now: None, ..reader };
        for text in ["Today, 11:30 AM", "5 Minutes Ago", "Gestern, 09:40"] {
            assert_eq!(undated.moment(text), None, "{text}");
        }
    }

    #[test]
    fn the_page_tells_which_part_is_the_day() {
        let now = Some("2014-06-20T12:00:00Z".parse().expect("a time"));
        for (dates, language, expected) in [
            (&["04-09-2005", "04-13-2005"][..], "", Order::MonthFirst),
            (&["04-09-2005", "13-09-2005"], "en", Order::DayFirst),
            (&["04.09.2005"], "en", Order::DayFirst),
            (&["01-02-2014", "02-01-2014"], "de", Order::MonthFirst),
            (&["09-06-2014"], "en", Order::DayFirst),
            (&["04-05-2005"], "vi", Order::DayFirst),
            (&["04-05-2005"], "en-us", Order::MonthFirst),
            (&["04-05-2005"], "en-gb", Order::DayFirst),
            (&["04-05-2005", "A (05-05-2005), B (14-05-2005)"], "en", Order::DayFirst),
        ] {
            assert_eq!(order_of(dates.iter().copied(), now, language), expected, "{dates:?}");
        }
    }

    #[test]
    fn the_footer_names_the_zone() {
        for (text, offset) in [
            ("All times are GMT -5. The time now is 12:02 PM.", -5 * 3600),
            ("All times are GMT +5.5. The time now is 05:32 PM .", 19800),
            ("Alle Zeitangaben in WEZ +1. Es ist jetzt 16:33 Uhr.", 3600),
            ("All times are GMT. The time now is 05:32 PM.", 0),
            ("All times are GMT +5.75. The time now is 05:32 PM.", 20700),
            ("Tüm Zamanlar GMT Olarak +3 . Şu Anki Saat: 05:32 PM.", 10800),
            ("Todos los horarios son UTC-03:30.", -12600),
            ("اکنون ساعت 12:00 برپایه ساعت جهانی (GMT - گرینویچ) +3.5 می باشد.", 12600),
            ("所有的时间均为北京时间。 现在的时间是 12:02.", 28800),
            ("All times are GMT - Greenwich. The time now is 05:32 PM.", 0),
        ] {
            let zone = zone_of_footer(text).expect("a zone");
            assert_eq!(zone.to_offset(Timestamp::UNIX_EPOCH).seconds(), offset, "{text}");
        }
    }
}
