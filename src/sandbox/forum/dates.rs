//! Dates as vBulletin writes them: PHP `date()` patterns, the viewer's zone, and "Today" or
//! "5 Minutes Ago" in place of the date.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// The board option `yestoday`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayWords {
    /// Always the date.
    Off,
    /// "Today" and "Yesterday" stand for the date; the time stays.
    Days,
    /// "5 Minutes Ago" stands for date and time.
    Detailed,
}

/// How a board writes its dates.
#[derive(Debug, Clone)]
pub struct DateStyle {
    /// PHP `date()` pattern, such as `m-d-Y` or `jS F Y`.
    pub date: String,
    /// PHP `date()` pattern, such as `h:i A` or `H:i`.
    pub time: String,
    pub words: DayWords,
    pub zone: TimeZone,
}

/// A moment as a page shows it.
pub struct Shown {
    pub date: String,
    /// `None` where the words already say it ("5 Minutes Ago").
    pub time: Option<String>,
}

impl DateStyle {
    pub fn shown(&self, at: Timestamp, now: Timestamp) -> Shown {
        let local = at.to_zoned_datetime(self.zone.clone()).datetime();
        if self.words == DayWords::Detailed
            && let Some(words) = ago(now.as_second() - at.as_second())
        {
            return Shown { date: words, time: None };
        }
        Shown { date: self.day(at, now), time: Some(php_date(&self.time, local)) }
    }

    /// The day alone, as thanks lists show it.
    pub fn day(&self, at: Timestamp, now: Timestamp) -> String {
        let local = at.to_zoned_datetime(self.zone.clone()).datetime();
        let today = now.to_zoned_datetime(self.zone.clone()).date();
        match self.words {
            DayWords::Off => {}
            _ if local.date() == today => return "Today".to_owned(),
            _ if today.yesterday().is_ok_and(|day| day == local.date()) => return "Yesterday".to_owned(),
            _ => {}
        }
        php_date(&self.date, local)
    }

    /// One line: date, comma, time.
    pub fn line(&self, at: Timestamp, now: Timestamp) -> String {
        let shown = self.shown(at, now);
        match shown.time {
            Some(time) => format!("{}, {time}", shown.date),
            None => shown.date,
        }
    }

    pub fn time_now(&self, now: Timestamp) -> String {
        php_date(&self.time, now.to_zoned_datetime(self.zone.clone()).datetime())
    }

    /// "GMT +1", as `#footer_time` says it.
    pub fn offset_text(&self, now: Timestamp) -> String {
        let seconds = self.zone.to_offset(now).seconds();
        let hours = f64::from(seconds) / 3600.0;
        match seconds {
            0 => "GMT".to_owned(),
            s if s > 0 => format!("GMT +{hours}"),
            _ => format!("GMT {hours}"),
        }
    }
}

/// `joined` of the postbit: "Nov 2005".
pub fn month(date: Date) -> String {
    php_date("M Y", date.to_datetime(jiff::civil::Time::midnight()))
}

fn ago(seconds: i64) -> Option<String> {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const WEEK: i64 = 7 * DAY;
    Some(match seconds {
        s if s < 2 * MINUTE => "1 Minute Ago".to_owned(),
        s if s < HOUR => format!("{} Minutes Ago", s / MINUTE),
        s if s < 2 * HOUR => "1 Hour Ago".to_owned(),
        s if s < DAY => format!("{} Hours Ago", s / HOUR),
        s if s < 2 * DAY => "1 Day Ago".to_owned(),
        s if s < WEEK => format!("{} Days Ago", s / DAY),
        s if s < 2 * WEEK => "1 Week Ago".to_owned(),
        s if s < 5 * WEEK => format!("{} Weeks Ago", s / WEEK),
        _ => return None,
    })
}

/// The letters of PHP's `date()` that boards use; any other character stands for itself.
fn php_date(pattern: &str, at: DateTime) -> String {
    let mut out = String::new();
    for letter in pattern.chars() {
        let code = match letter {
            'd' => "%d",
            'j' => "%-d",
            'm' => "%m",
            'n' => "%-m",
            'M' => "%b",
            'F' => "%B",
            'Y' => "%Y",
            'y' => "%y",
            'D' => "%a",
            'l' => "%A",
            'h' => "%I",
            'g' => "%-I",
            'H' => "%H",
            'G' => "%-H",
            'i' => "%M",
            's' => "%S",
            'A' => "%p",
            'a' => {
                out.push_str(&at.strftime("%p").to_string().to_lowercase());
                continue;
            }
            'S' => {
                out.push_str(match at.day() {
                    1 | 21 | 31 => "st",
                    2 | 22 => "nd",
                    3 | 23 => "rd",
                    _ => "th",
                });
                continue;
            }
            other => {
                out.push(other);
                continue;
            }
        };
        out.push_str(&at.strftime(code).to_string());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(date: &str, time: &str, words: DayWords) -> DateStyle {
        DateStyle {
            date: date.into(),
            time: time.into(),
            words,
            zone: TimeZone::get("Europe/London").unwrap(),
        }
    }

    #[test]
    fn patterns_zones_and_words() {
        let at: Timestamp = "2014-04-03T16:51:00Z".parse().unwrap();
        let later: Timestamp = "2014-06-01T12:00:00Z".parse().unwrap();
        let cases = [
            ("jS F Y", "h:i A", "3rd April 2014, 05:51 PM"),
            ("m-d-Y", "h:i A", "04-03-2014, 05:51 PM"),
            ("d.m.Y", "H:i", "03.04.2014, 17:51"),
            ("j M y", "g:i a", "3 Apr 14, 5:51 pm"),
        ];
        for (date, time, expected) in cases {
            assert_eq!(style(date, time, DayWords::Days).line(at, later), expected);
        }
        let same_day = "2014-04-03T20:00:00Z".parse().unwrap();
        let next_day = "2014-04-04T20:00:00Z".parse().unwrap();
        let days = style("m-d-Y", "H:i", DayWords::Days);
        assert_eq!(days.line(at, same_day), "Today, 17:51");
        assert_eq!(days.line(at, next_day), "Yesterday, 17:51");
        assert_eq!(days.offset_text(at), "GMT +1");
        let detailed = style("m-d-Y", "H:i", DayWords::Detailed);
        assert_eq!(detailed.line(at, same_day), "3 Hours Ago");
        assert_eq!(detailed.line(at, later), "04-03-2014, 17:51");
    }
}
