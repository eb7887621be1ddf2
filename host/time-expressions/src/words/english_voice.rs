//! Labels, notes and questions in English.

use chrono::{Datelike as _, NaiveDate, Weekday};

use super::Unit;
use super::voice::{Ask, Note, Rule, Voice, clock, list};

pub(super) struct English;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn ordinal(n: i32) -> String {
    let suffix = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{suffix}")
}

fn nth(n: i8) -> &'static str {
    match n {
        -1 => "last",
        -2 => "second to last",
        -3 => "third to last",
        1 => "first",
        2 => "second",
        3 => "third",
        4 => "fourth",
        _ => "fifth",
    }
}

fn unit(unit: Unit) -> (&'static str, &'static str) {
    match unit {
        Unit::Second => ("second", "seconds"),
        Unit::Minute => ("minute", "minutes"),
        Unit::Hour => ("hour", "hours"),
        Unit::Day => ("day", "days"),
        Unit::WorkDay => ("working day", "working days"),
        Unit::Week => ("week", "weeks"),
        Unit::Weekend => ("weekend", "weekends"),
        Unit::Fortnight => ("fortnight", "fortnights"),
        Unit::Month => ("month", "months"),
        Unit::Quarter => ("quarter", "quarters"),
        Unit::HalfYear => ("half year", "half years"),
        Unit::Year => ("year", "years"),
    }
}

impl Voice for English {
    fn weekday(&self, day: Weekday) -> &'static str {
        ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
            [day.num_days_from_monday() as usize]
    }

    fn month(&self, month: u32) -> &'static str {
        MONTHS.get(month as usize - 1).copied().unwrap_or_default()
    }

    fn date(&self, date: NaiveDate) -> String {
        format!("{} {} {} {}", self.weekday(date.weekday()), date.day(), self.month(date.month()), date.year())
    }

    fn moment(&self, date: NaiveDate, hour: u32, minute: u32) -> String {
        format!("{} at {}", self.date(date), clock(hour, minute))
    }

    fn span(&self, from: NaiveDate, to: NaiveDate) -> String {
        if from == to { self.date(from) } else { format!("{} to {}", self.date(from), self.date(to)) }
    }

    fn rule(&self, rule: &Rule) -> String {
        let every = |n: u32, of: Unit| match n {
            1 => format!("every {}", unit(of).0),
            2 if matches!(of, Unit::Day | Unit::Week | Unit::Month | Unit::Year) => {
                format!("every other {}", unit(of).0)
            }
            n => format!("every {n} {}", unit(of).1),
        };
        let days: Vec<String> = rule.days.iter().map(|day| self.weekday(*day).to_owned()).collect();
        let weekdays = rule.days.len() == 5 && rule.days.iter().all(|day| day.num_days_from_monday() < 5);
        let of = rule.unit.unwrap_or(Unit::Day);
        let months: Vec<String> = rule.months.iter().map(|month| self.month(*month).to_owned()).collect();
        let of_month = if months.is_empty() {
            if of == Unit::Month { every(rule.interval, Unit::Month) } else { "every month".to_owned() }
        } else if rule.months == [3, 6, 9, 12] || rule.months == [1, 4, 7, 10] {
            "every quarter".to_owned()
        } else {
            format!("every {}", list(&months, "and"))
        };
        let month_days: Vec<String> = rule
            .month_days
            .iter()
            .map(|day| if *day < 0 { format!("{} day", nth(*day as i8)) } else { ordinal(*day) })
            .collect();
        let mut text = if let Some(n) = rule.nth {
            let what = if rule.working { "working day".to_owned() } else { list(&days, "and") };
            {
                let all: Vec<String> = std::iter::once(&n).chain(&rule.also).map(|n| nth(*n).to_owned()).collect();
                format!("on the {} {what} of {of_month}", list(&all, "and"))
            }
        } else if of == Unit::Year && !rule.month_days.is_empty() && !rule.months.is_empty() {
            let day = rule.month_days[0];
            let day = if day < 0 { "the last day of".to_owned() } else { day.to_string() };
            format!("{} on {day} {}", every(rule.interval, of), list(&months, "and"))
        } else if !month_days.is_empty() {
            if rule.month_days.iter().any(|day| *day < 0) || !months.is_empty() {
                format!("on the {} of {of_month}", list(&month_days, "and"))
            } else {
                format!("{of_month} on the {}", list(&month_days, "and"))
            }
        } else if matches!(of, Unit::Minute | Unit::Hour | Unit::Second)
            || of == Unit::Day && rule.interval > 1
            || days.is_empty()
            || days.len() == 7
        {
            let daily = of == Unit::Week && rule.interval == 1 && days.len() == 7;
            every(rule.interval, if daily { Unit::Day } else { of })
        } else if rule.interval == 1 {
            if weekdays { "every weekday".to_owned() } else { format!("every {}", list(&days, "and")) }
        } else if rule.interval == 2 && days.len() == 1 {
            format!("every other {}", days[0])
        } else {
            format!("every {} weeks on {}", rule.interval, list(&days, "and"))
        };
        if of == Unit::Day && rule.interval > 1 && !days.is_empty() && days.len() < 7 {
            let left: Vec<String> = (0..7)
                .filter_map(|n| Weekday::try_from(n).ok())
                .filter(|day| !rule.days.contains(day))
                .map(|day| self.weekday(day).to_owned())
                .collect();
            text.push_str(&format!(" except {}", list(&left, "and")));
        }
        if rule.minute > 0 {
            text.push_str(&format!(" at :{:02}", rule.minute));
        }
        if let Some((from, to)) = rule.window {
            text.push_str(&format!(" between {} and {}", clock(from.0, from.1), clock(to.0, to.1)));
        }
        if matches!(of, Unit::Minute | Unit::Hour) && !days.is_empty() && days.len() < 7 {
            text.push_str(&if weekdays { " on weekdays".to_owned() } else { format!(" on {}", list(&days, "and")) });
        }
        if !months.is_empty() && rule.month_days.is_empty() && rule.nth.is_none() {
            text.push_str(&format!(" in {}", list(&months, "and")));
        }
        if !rule.times.is_empty() {
            let times: Vec<String> = rule.times.iter().map(|(hour, minute)| clock(*hour, *minute)).collect();
            text.push_str(&format!(" at {}", list(&times, "and")));
        }
        if let Some(start) = rule.start {
            text.push_str(&format!(" starting {}", self.date(start)));
        }
        if let Some(until) = rule.until {
            text.push_str(&format!(" until {}", self.date(until)));
        }
        if let Some(count) = rule.count {
            text.push_str(&format!(", {count} times"));
        }
        text
    }

    fn at_zone(&self, what: &str, city: &str) -> String {
        format!("{what} {city} time")
    }

    fn note(&self, note: &Note) -> String {
        match note {
            Note::AssumedHour(hour, minute) => format!("No hour was said; {} is assumed.", clock(*hour, *minute)),
            Note::SameTime(hour, minute) => format!("No hour was said; it stays {}.", clock(*hour, *minute)),
            Note::Clock24(hour, minute) => {
                let evening = clock(hour + 12, *minute);
                format!("Read as {}, in the morning; say {evening} for the afternoon.", clock(*hour, *minute))
            }
            Note::MidnightStart(date) => format!("Midnight is read as the start of {}.", self.date(*date)),
            Note::Date(date) => format!("That is {}.", self.date(*date)),
            Note::TwiceShown(hour, minute) => {
                format!("The clock shows {} twice that night; the first time is meant.", clock(*hour, *minute))
            }
            Note::InZone(zone) => format!("Read in the zone {zone}."),
            Note::SeasonOf(name, zone) => {
                format!("{} is read as the local time of {zone}, which differs that day.", name.to_uppercase())
            }
            Note::DayOfMonth31(day) => format!("In months without a {} it does not run.", ordinal(*day as i32)),
            Note::LeapDay => "It runs in leap years only.".to_owned(),
            Note::WindowEnd(hour, minute) => format!("The last run of the day is at {}.", clock(*hour, *minute)),
            Note::AssumedDay(day) => format!("No day was said; {} is assumed.", self.weekday(*day)),
            Note::AssumedFirst => "No day was said; the first of the month is assumed.".to_owned(),
            Note::AssumedNewYear => "No day was said; 1 January is assumed.".to_owned(),
            Note::EveryMonth => "Read as every month.".to_owned(),
            Note::SecondIsOther => "Read as every other one, counted from the next.".to_owned(),
            Note::CronNormalised(cron) => {
                format!("The five fields of the cron expression are read with seconds before them: {cron}.")
            }
            Note::CronAsIs => "The cron expression is read with seconds first.".to_owned(),
            Note::Exactly(hour, minute) => format!("It runs at exactly {}.", clock(*hour, *minute)),
            Note::UntilInclusive(date) => format!("The last day is {}, inclusive.", self.date(*date)),
        }
    }

    fn ask(&self, ask: &Ask) -> String {
        match ask {
            Ask::WhichDate(words) => format!("\"{words}\" can be two dates. Which one is meant?"),
            Ask::NoSuchDay(words) => format!("There is no such day as \"{words}\". Which day is meant?"),
            Ask::NoSuchTime(words) => format!("There is no such time as \"{words}\". Which time is meant?"),
            Ask::GapTime(hour, minute, date) => format!(
                "On {} the clock leaves out {} when it is set forward. Which time is meant?",
                self.date(*date),
                clock(*hour, *minute)
            ),
            Ask::UnknownZone(words) => format!("I do not know the time zone \"{words}\". Which zone is meant?"),
            Ask::WhichZone(words) => format!("\"{words}\" is the name of several time zones. Which one is meant?"),
            Ask::OtherWeekday(date, said) => {
                format!("{} is not a {}. Which day is meant?", self.date(*date), self.weekday(*said))
            }
            Ask::TwoDays(one, other) => {
                format!("I read both {} and {}. Which day is meant?", self.date(*one), self.date(*other))
            }
            Ask::TwoTimes => "I read more than one time of day. Which one is meant?".to_owned(),
            Ask::TwoZones => "I read more than one time zone. Which one is meant?".to_owned(),
            Ask::NotTogether(words) => format!("I cannot bring \"{words}\" together. When exactly is meant?"),
            Ask::LeftOver(words) => format!("I did not understand \"{words}\". When exactly is meant?"),
            Ask::Half(words) => format!("\"{words}\" can be in the morning or in the afternoon. Which is meant?"),
            Ask::HowOften(words) => format!("\"{words}\" can mean several things. How often is meant?"),
            Ask::BadCron(words) => {
                format!("\"{words}\" is no cron expression that I can read: five or six fields are needed.")
            }
            Ask::WhichDay(words) => format!("I read \"{words}\", but no day. Which day is meant?"),
            Ask::Not(words) => format!("I read \"{words}\", but not which day it shall be instead. Which one?"),
            Ask::OutOfRange(words) => {
                format!("\"{words}\" is out of range: I read the years 1900 to 2200. When exactly is meant?")
            }
            Ask::BadCount(words) => {
                format!("\"{words}\" is no step that I can read: it must be from 1 to 10000. How often is meant?")
            }
            Ask::TooMany => "There are more times here than I read at once. Which ones are meant?".to_owned(),
            Ask::HolidayOfCountry(words) => {
                format!("\"{words}\" is on different days in different countries. Which date is meant?")
            }
            Ask::BetweenTimes(words) => format!("\"{words}\" leaves the time open. At what time exactly?"),
            Ask::Weekly(words) => format!("Is \"{words}\" meant once, or each week?"),
        }
    }

    fn understood(&self, what: &str) -> String {
        format!("I read {what}.")
    }

    fn choice(&self, options: &[String]) -> String {
        format!("{}?", list(options, "or"))
    }

    fn every_nth(&self, n: u32, day: Weekday) -> [String; 2] {
        let day = self.weekday(day);
        [format!("every {n} weeks on {day}"), format!("on the {} {day} of every month", nth(n as i8))]
    }

    fn twofold(&self, of: Unit) -> Vec<String> {
        let answers: &[&str] = match of {
            Unit::Hour => &["every 30 minutes"],
            Unit::Day => &["every day at 09:00 and 17:00", "every 12 hours"],
            Unit::Week => &["every 2 weeks on Monday", "every Monday and Thursday"],
            Unit::Month => &["every 2 months", "every month on the 1st and 15th"],
            _ => &["every 6 months", "every 2 years"],
        };
        answers.iter().map(|answer| (*answer).to_owned()).collect()
    }

    fn times_a(&self, count: u64, of: Unit) -> Vec<String> {
        match (of, count) {
            (Unit::Day, 3) => vec!["every day at 09:00, 13:00 and 17:00".to_owned(), "every 8 hours".to_owned()],
            (Unit::Day, count) if count < 24 && 24 % count == 0 => vec![format!("every {} hours", 24 / count)],
            (Unit::Week, 3) => vec!["every Monday, Wednesday and Friday".to_owned()],
            (Unit::Week, 5) => vec!["every weekday".to_owned()],
            (Unit::Month, 3) => vec!["every month on the 1st, 11th and 21st".to_owned()],
            (Unit::Hour, count) if count < 60 && 60 % count == 0 => vec![format!("every {} minutes", 60 / count)],
            _ => Vec::new(),
        }
    }

    fn weekly_or_once(&self, days: &[Weekday]) -> Vec<String> {
        let names: Vec<String> = days.iter().map(|day| self.weekday(*day).to_owned()).collect();
        vec![format!("every {}", list(&names, "and"))]
    }
}
