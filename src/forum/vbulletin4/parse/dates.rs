//! Dates as boards write them: any order of day and month, twelve hours or twenty-four, "Today" and "5
//! minutes ago", in a dozen languages. A date that is not understood is `None`; none is guessed.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Which of a numeric date's first two parts is the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    DayFirst,
    MonthFirst,
}

/// How dates are read on one page.
#[derive(Debug, Clone)]
pub struct Reader {
    pub zone: TimeZone,
    /// `None`: then "today" and "an hour ago" mean nothing.
    pub now: Option<Timestamp>,
    pub order: Order,
}

const MONTHS: [&[&str]; 12] = [
    &[
        "january",
        "januar",
        "janvier",
        "enero",
        "gennaio",
        "janeiro",
        "januari",
        "ocak",
        "leden",
        "stycznia",
        "января",
        "jan",
        "jän",
        "janv",
        "ene",
        "gen",
        "янв",
    ],
    &[
        "february",
        "februar",
        "février",
        "fevrier",
        "febrero",
        "febbraio",
        "fevereiro",
        "februari",
        "şubat",
        "únor",
        "lutego",
        "февраля",
        "feb",
        "fév",
        "févr",
        "fev",
        "фев",
    ],
    &[
        "march",
        "märz",
        "mars",
        "marzo",
        "março",
        "maart",
        "mart",
        "březen",
        "marca",
        "марта",
        "mar",
        "mär",
        "mrz",
        "mrt",
        "мар",
    ],
    &[
        "april",
        "avril",
        "abril",
        "aprile",
        "nisan",
        "duben",
        "kwietnia",
        "апреля",
        "apr",
        "avr",
        "abr",
        "апр",
    ],
    &["may", "mai", "mayo", "maggio", "maio", "mei", "maj", "mayıs", "květen", "maja", "мая", "mag", "май"],
    &[
        "june", "juni", "juin", "junio", "giugno", "junho", "haziran", "červen", "czerwca", "июня", "jun",
        "giu", "июн",
    ],
    &[
        "july",
        "juli",
        "juillet",
        "julio",
        "luglio",
        "julho",
        "temmuz",
        "červenec",
        "lipca",
        "июля",
        "jul",
        "juil",
        "lug",
        "июл",
    ],
    &[
        "august",
        "août",
        "aout",
        "agosto",
        "augustus",
        "augusti",
        "ağustos",
        "srpen",
        "sierpnia",
        "августа",
        "aug",
        "aoû",
        "ago",
        "авг",
    ],
    &[
        "september",
        "septembre",
        "septiembre",
        "settembre",
        "setembro",
        "eylül",
        "září",
        "września",
        "сентября",
        "sep",
        "sept",
        "set",
        "сен",
    ],
    &[
        "october",
        "oktober",
        "octobre",
        "octubre",
        "ottobre",
        "outubro",
        "ekim",
        "říjen",
        "października",
        "октября",
        "oct",
        "okt",
        "out",
        "ott",
        "окт",
    ],
    &[
        "november",
        "novembre",
        "noviembre",
        "novembro",
        "kasım",
        "listopad",
        "listopada",
        "ноября",
        "nov",
        "ноя",
    ],
    &[
        "december",
        "dezember",
        "décembre",
        "decembre",
        "diciembre",
        "dicembre",
        "dezembro",
        "aralık",
        "prosinec",
        "grudnia",
        "декабря",
        "dec",
        "dez",
        "déc",
        "dic",
        "дек",
    ],
];

const TODAY: [&str; 14] = [
    "today",
    "heute",
    "aujourd'hui",
    "aujourd’hui",
    "hoy",
    "oggi",
    "hoje",
    "vandaag",
    "idag",
    "i dag",
    "hôm nay",
    "bugün",
    "dnes",
    "сегодня",
];
const YESTERDAY: [&str; 13] = [
    "yesterday",
    "gestern",
    "hier",
    "ayer",
    "ieri",
    "ontem",
    "gisteren",
    "igår",
    "i går",
    "hôm qua",
    "dün",
    "včera",
    "вчера",
];

/// Units of "N ... ago", with their length in seconds.
const UNITS: [(&[&str], i64); 5] = [
    (&["second", "sekunde", "seconde", "segundo", "giây"], 1),
    (&["minute", "minuto", "minuut", "minuten", "min", "phút", "dakika", "минут"], 60),
    (&["hour", "stunde", "heure", "hora", "ora", "uur", "uren", "giờ", "saat", "час"], 3_600),
    (&["day", "tag", "jour", "día", "dia", "giorno", "dag", "ngày", "gün", "дн", "день"], 86_400),
    (&["week", "woche", "semaine", "semana", "settimana", "tuần", "hafta", "недел"], 604_800),
];

const AGO: [&str; 10] = ["ago", "vor ", "il y a", "hace", "fa", "geleden", "atrás", "trước", "önce", "назад"];

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
        self.zone.to_timestamp(local).ok()
    }

    /// A date alone.
    pub fn day(&self, text: &str) -> Option<Date> {
        let text = normal(text);
        let today = self.now.map(|now| self.zone.to_datetime(now).date());
        if TODAY.iter().any(|word| has_word(&text, word)) {
            return today;
        }
        if YESTERDAY.iter().any(|word| has_word(&text, word)) {
            return today?.checked_sub(1.day()).ok();
        }
        if let Some(back) = ago(&text) {
            let then = self.now?.checked_sub(back).ok()?;
            return Some(self.zone.to_datetime(then).date());
        }
        named_month(&text).or_else(|| self.numeric(&text))
    }

    fn numeric(&self, text: &str) -> Option<Date> {
        let (first, second, third, _) = numbers(text)?;
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
    }
}

/// Learns from all numeric dates of a page which part is the day: a part above twelve can't be a month,
/// and dots are written day first. `language` decides where nothing else does.
pub fn order_of<'a>(
    dates: impl Iterator<Item = &'a str> + Clone,
    now: Option<Timestamp>,
    language: &str,
) -> Order {
    let (mut day_first, mut month_first) = (0, 0);
    for text in dates.clone() {
        let Some((first, second, third, separator)) = numbers(&normal(text)) else { continue };
        if first > 1000 || third > 1000 && (first > 31 || second > 31) {
            continue;
        }
        match (first > 12, second > 12) {
            (true, false) => day_first += 10,
            (false, true) => month_first += 10,
            _ if separator == '.' => day_first += 1,
            _ => {}
        }
    }
    if day_first != month_first {
        return if day_first > month_first { Order::DayFirst } else { Order::MonthFirst };
    }
    // Posts of a page follow one another, and none is of the future.
    let doubts = |order: Order| {
        let reader = Reader { zone: TimeZone::UTC, now, order };
        let days: Vec<Date> = dates.clone().filter_map(|text| reader.day(text)).collect();
        let latest = now.map_or(Date::MAX, |now| TimeZone::UTC.to_datetime(now).date());
        let latest = latest.checked_add(1.day()).unwrap_or(Date::MAX);
        let future = days.iter().filter(|day| **day > latest).count();
        future + days.windows(2).filter(|pair| pair[0] > pair[1]).count()
    };
    let (as_day, as_month) = (doubts(Order::DayFirst), doubts(Order::MonthFirst));
    if as_day != as_month {
        return if as_day < as_month { Order::DayFirst } else { Order::MonthFirst };
    }
    // vBulletin's own default is m-d-Y.
    if language.is_empty() || language.starts_with("en") { Order::MonthFirst } else { Order::DayFirst }
}

/// A page's own zone, from its footer: `GMT -5`, `GMT +5.5`, `WEZ +1`.
pub fn zone_of_footer(text: &str) -> Option<TimeZone> {
    let at = ["GMT", "UTC", "WEZ"].iter().find_map(|name| text.find(name).map(|at| at + name.len()))?;
    let rest = text[at..].trim_start();
    let sign = match rest.chars().next() {
        Some('-' | '−') => -1.0,
        Some('+') => 1.0,
        _ => return Some(TimeZone::UTC),
    };
    let number: String = rest
        .chars()
        .skip(1)
        .skip_while(|c| *c == ' ')
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    let hours: f64 = number.trim_end_matches('.').parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "zones are within a day")]
    let seconds = (sign * hours.min(14.0) * 3_600.0) as i32;
    jiff::tz::Offset::from_seconds(seconds).ok().map(TimeZone::fixed)
}

fn normal(text: &str) -> String {
    let text = super::squeezed(text).to_lowercase();
    text.replace(['\u{200e}', '\u{200f}'], "")
}

fn has_word(text: &str, word: &str) -> bool {
    text.find(word).is_some_and(|at| {
        let before = text[..at].chars().next_back().is_none_or(|c| !c.is_alphabetic());
        let after = text[at + word.len()..].chars().next().is_none_or(|c| !c.is_alphabetic());
        before && after
    })
}

fn ago(text: &str) -> Option<SignedDuration> {
    if !AGO.iter().any(|word| has_word(text, word.trim()) || text.starts_with(word)) {
        return None;
    }
    let words: Vec<&str> = text.split([' ', ',']).collect();
    let unit = words
        .iter()
        .position(|word| UNITS.iter().any(|(names, _)| names.iter().any(|name| word.starts_with(name))))?;
    let (_, seconds) =
        UNITS.iter().find(|(names, _)| names.iter().any(|name| words[unit].starts_with(name)))?;
    let amount = words[..unit].iter().rev().find_map(|word| word.parse::<i64>().ok()).unwrap_or(1);
    (0..=10_000).contains(&amount).then(|| SignedDuration::from_secs(seconds * amount))
}

/// The time of day in a text, and the text without it.
fn time_of_day(text: &str) -> Option<(Time, String)> {
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
        if hours > 2 || minutes != 2 || !matches!(separator, Some(b':' | b'h')) {
            continue;
        }
        let mut hour: i8 = text[at..at + hours].parse().ok()?;
        let minute: i8 = text[at + hours + 1..at + hours + 3].parse().ok()?;
        let mut end = at + hours + 3;
        if bytes.get(end) == Some(&b':') && digits(end + 1) == 2 {
            end += 3;
        }
        let half = text[end..].trim_start();
        let skip = text[end..].len() - half.len();
        if half.starts_with("pm") || half.starts_with("p.m") || half.starts_with("ch") {
            hour = if hour == 12 { 12 } else { hour + 12 };
            end += skip + 2;
        } else if half.starts_with("am") || half.starts_with("a.m") || half.starts_with("sa") {
            hour = if hour == 12 { 0 } else { hour };
            end += skip + 2;
        }
        let time = Time::new(hour, minute, 0, 0).ok()?;
        return Some((time, format!("{} {}", &text[..at], &text[end..])));
    }
    None
}

/// `3rd april 2014`, `april 3rd, 2014`, `3. april 2014`, `3 avril 2014`.
fn named_month(text: &str) -> Option<Date> {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '-' | '/'))
        .filter(|w| !w.is_empty())
        .collect();
    let month_at = words.iter().position(|word| month(word).is_some())?;
    let month = month(words[month_at])?;
    let numbers: Vec<i64> = words
        .iter()
        .filter_map(|word| {
            let digits: String = word.chars().take_while(char::is_ascii_digit).collect();
            let rest = &word[digits.len()..];
            let ordinal = matches!(rest, "" | "." | "st" | "nd" | "rd" | "th" | "er" | "º" | "ª" | "e" | "'");
            (ordinal && !digits.is_empty()).then(|| digits.parse().ok()).flatten()
        })
        .collect();
    let year = numbers.iter().copied().find(|number| *number > 31).or_else(|| numbers.get(1).copied())?;
    let day = numbers.iter().copied().find(|number| (1..=31).contains(number))?;
    date(year, month, day)
}

fn month(word: &str) -> Option<i64> {
    let word = word.trim_end_matches('.');
    let found = MONTHS.iter().position(|names| names.contains(&word))?;
    i64::try_from(found + 1).ok()
}

/// The first three numbers that are parted by one and the same sign.
fn numbers(text: &str) -> Option<(i64, i64, i64, char)> {
    for piece in text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')')) {
        for separator in ['-', '.', '/'] {
            let parts: Vec<&str> = piece.trim_matches(separator).split(separator).collect();
            if let [first, second, third] = parts.as_slice()
                && let (Ok(first), Ok(second), Ok(third)) = (first.parse(), second.parse(), third.parse())
            {
                return Some((first, second, third, separator));
            }
        }
    }
    None
}

fn date(year: i64, month: i64, day: i64) -> Option<Date> {
    let year = match year {
        0..=69 => year + 2000,
        70..=99 => year + 1900,
        // Other calendars are not read.
        1980..=2200 => year,
        _ => return None,
    };
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(order: Order) -> Reader {
        let zone = TimeZone::get("Europe/London").expect("a bundled zone");
        let now = Some("2014-06-20T12:00:00Z".parse().expect("a time"));
        Reader { zone, now, order }
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
        ] {
            let moment = reader(order).moment(text).map(|moment| moment.to_string());
            assert_eq!(moment.as_deref(), Some(expected), "{text}");
        }
        for text in ["", "soon", "1394/11/27, 00:31", "99-99-2014, 10:00", "12:99"] {
            assert_eq!(reader(Order::MonthFirst).moment(text), None, "{text}");
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
        ] {
            let zone = zone_of_footer(text).expect("a zone");
            assert_eq!(zone.to_offset(Timestamp::UNIX_EPOCH).seconds(), offset, "{text}");
        }
    }
}
