//! A span of the past: "last week", "the past 30 days", "since Monday".

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, TimeDelta};
use chrono_tz::Tz;
use serde_json::json;

use super::time::{iso_date, number, weekday};
use super::{Reading, moment};

pub(super) fn read(reading: &mut Reading<'_>) {
    let words = reading.words;
    let today = reading.now.date_naive();
    for at in 0..words.tokens.len() {
        let word = words.lower(at);
        let unit = words.lower(at + 1);
        let found = match word {
            "last" | "past" | "previous" => match (unit, number(unit), words.lower(at + 2)) {
                ("week", ..) => Some((monday(today) - Days::new(7), Some(monday(today)), at + 1)),
                ("month", ..) => first_of_month(today).map(|first| (first - Months::new(1), Some(first), at + 1)),
                ("year", ..) => NaiveDate::from_ymd_opt(today.year() - 1, 1, 1)
                    .zip(NaiveDate::from_ymd_opt(today.year(), 1, 1))
                    .map(|(from, to)| (from, Some(to), at + 1)),
                (_, Some(count), of) => back(today, count, of).map(|from| (from, None, at + 2)),
                _ => None,
            },
            "this" if analyses(reading) => match unit {
                "week" => Some((monday(today), None, at + 1)),
                "month" => first_of_month(today).map(|first| (first, None, at + 1)),
                "year" => NaiveDate::from_ymd_opt(today.year(), 1, 1).map(|first| (first, None, at + 1)),
                _ => None,
            },
            "since" if unit == "yesterday" => Some((today - Days::new(1), None, at + 1)),
            "since" if iso_date(unit).is_some_and(|date| date <= today) => {
                iso_date(unit).map(|date| (date, None, at + 1))
            }
            "since" => weekday(unit).map(|day| {
                let days = (7 + today.weekday().num_days_from_monday() - day.num_days_from_monday()) % 7;
                (today - Days::new(u64::from(days)), None, at + 1)
            }),
            "yesterday" if analyses(reading) => Some((today - Days::new(1), Some(today), at)),
            "today" if analyses(reading) => Some((today, None, at)),
            _ => None,
        };
        if let Some((from, last)) = hours_back(reading, at) {
            let label = words.span(at, last);
            let value =
                json!({ "fromMs": from.timestamp_millis(), "toMs": reading.now.timestamp_millis(), "label": label });
            reading.keep("range", value, at, last);
            return;
        }
        if let Some((from, to, last)) = found {
            let zone = reading.now.timezone();
            let begin = |date: NaiveDate| -> DateTime<Tz> { moment(zone, date.and_time(NaiveTime::MIN)) };
            let value = json!({
                "fromMs": begin(from).timestamp_millis(),
                "toMs": to.map_or(reading.now, begin).timestamp_millis(),
                "label": words.span(at, last),
            });
            reading.keep("range", value, at, last);
            return;
        }
    }
}

/// "last 24 hours": exact, where days are counted from midnight to midnight.
fn hours_back(reading: &Reading<'_>, at: usize) -> Option<(DateTime<Tz>, usize)> {
    let words = reading.words;
    if !["last", "past", "previous"].contains(&words.lower(at)) {
        return None;
    }
    let (count, unit) = match number(words.lower(at + 1)) {
        Some(count) => (count, at + 2),
        None => (1, at + 1),
    };
    let minutes = match words.lower(unit) {
        "hour" | "hours" => 60,
        "minute" | "minutes" => 1,
        _ => return None,
    };
    let from = reading.now.checked_sub_signed(TimeDelta::minutes(i64::from(count) * minutes))?;
    Some((from, unit))
}

fn analyses(reading: &Reading<'_>) -> bool {
    let looks_back = ["analyze", "report", "list", "search"];
    let reports = ["report", "engagement", "metrics", "analytics", "numbers", "performance"];
    (reading.actions.iter().any(|action| looks_back.contains(&action.as_str()))
        || reading.words.tokens.iter().any(|token| reports.contains(&token.lower.as_str())))
        && !reading.actions.iter().any(|action| action == "schedule")
}

fn monday(date: NaiveDate) -> NaiveDate {
    date - Days::new(u64::from(date.weekday().num_days_from_monday()))
}

fn first_of_month(date: NaiveDate) -> Option<NaiveDate> {
    date.with_day(1)
}

fn back(today: NaiveDate, count: u32, unit: &str) -> Option<NaiveDate> {
    match unit {
        "day" | "days" => today.checked_sub_days(Days::new(u64::from(count))),
        "week" | "weeks" => today.checked_sub_days(Days::new(u64::from(count) * 7)),
        "month" | "months" => today.checked_sub_months(Months::new(count)),
        "year" | "years" => today.checked_sub_months(Months::new(count.checked_mul(12)?)),
        _ => None,
    }
}
