//! Labels, notes and questions in German.

use chrono::{Datelike as _, NaiveDate, Weekday};

use super::Unit;
use super::voice::{Ask, Note, Rule, Voice, clock, list};

pub(super) struct German;

const MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

fn nth(n: i8) -> &'static str {
    match n {
        -1 => "letzten",
        -2 => "vorletzten",
        -3 => "drittletzten",
        1 => "ersten",
        2 => "zweiten",
        3 => "dritten",
        4 => "vierten",
        _ => "fünften",
    }
}

fn every(n: u32, unit: Unit) -> String {
    let (one, many) = match unit {
        Unit::Second => ("jede Sekunde", "Sekunden"),
        Unit::Minute => ("jede Minute", "Minuten"),
        Unit::Hour => ("jede Stunde", "Stunden"),
        Unit::Day => ("jeden Tag", "Tage"),
        Unit::WorkDay => ("jeden Werktag", "Werktage"),
        Unit::Week | Unit::Fortnight => ("jede Woche", "Wochen"),
        Unit::Weekend => ("jedes Wochenende", "Wochenenden"),
        Unit::Month => ("jeden Monat", "Monate"),
        Unit::Quarter => ("jedes Quartal", "Quartale"),
        Unit::HalfYear => ("jedes Halbjahr", "Halbjahre"),
        Unit::Year => ("jedes Jahr", "Jahre"),
    };
    if n == 1 { one.to_owned() } else { format!("alle {n} {many}") }
}

impl Voice for German {
    fn weekday(&self, day: Weekday) -> &'static str {
        ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"]
            [day.num_days_from_monday() as usize]
    }

    fn month(&self, month: u32) -> &'static str {
        MONTHS.get(month as usize - 1).copied().unwrap_or_default()
    }

    fn date(&self, date: NaiveDate) -> String {
        format!("{}, {}. {} {}", self.weekday(date.weekday()), date.day(), self.month(date.month()), date.year())
    }

    fn moment(&self, date: NaiveDate, hour: u32, minute: u32) -> String {
        format!("{} um {}", self.date(date), clock(hour, minute))
    }

    fn span(&self, from: NaiveDate, to: NaiveDate) -> String {
        if from == to { self.date(from) } else { format!("{} bis {}", self.date(from), self.date(to)) }
    }

    fn rule(&self, rule: &Rule) -> String {
        let days: Vec<String> = rule.days.iter().map(|day| self.weekday(*day).to_owned()).collect();
        let weekdays = rule.days.len() == 5 && rule.days.iter().all(|day| day.num_days_from_monday() < 5);
        let of = rule.unit.unwrap_or(Unit::Day);
        let months: Vec<String> = rule.months.iter().map(|month| self.month(*month).to_owned()).collect();
        let of_month = if rule.months == [3, 6, 9, 12] || rule.months == [1, 4, 7, 10] {
            "jedes Quartal".to_owned()
        } else if !months.is_empty() {
            format!("im {}", list(&months, "und"))
        } else if of == Unit::Month && rule.interval > 1 {
            every(rule.interval, Unit::Month)
        } else {
            "jeden Monat".to_owned()
        };
        let month_days: Vec<String> = rule
            .month_days
            .iter()
            .map(|day| if *day < 0 { format!("{} Tag", nth(*day as i8)) } else { format!("{day}.") })
            .collect();
        let mut text = if let Some(n) = rule.nth {
            let what = if rule.working { "Werktag".to_owned() } else { list(&days, "und") };
            {
                let all: Vec<String> = std::iter::once(&n).chain(&rule.also).map(|n| nth(*n).to_owned()).collect();
                format!("{of_month} am {} {what}", list(&all, "und"))
            }
        } else if of == Unit::Year && !rule.month_days.is_empty() && !rule.months.is_empty() {
            format!("{} am {} {}", every(rule.interval, of), month_days[0], list(&months, "und"))
        } else if !month_days.is_empty() {
            format!("{of_month} am {}", list(&month_days, "und"))
        } else if matches!(of, Unit::Minute | Unit::Hour | Unit::Second)
            || of == Unit::Day && rule.interval > 1
            || days.is_empty()
            || days.len() == 7
        {
            let daily = of == Unit::Week && rule.interval == 1 && days.len() == 7;
            every(rule.interval, if daily { Unit::Day } else { of })
        } else if rule.interval == 1 {
            if weekdays { "jeden Werktag".to_owned() } else { format!("jeden {}", list(&days, "und")) }
        } else if rule.interval == 2 && days.len() == 1 {
            format!("jeden zweiten {}", days[0])
        } else {
            format!("alle {} Wochen am {}", rule.interval, list(&days, "und"))
        };
        if of == Unit::Day && rule.interval > 1 && !days.is_empty() && days.len() < 7 {
            let left: Vec<String> = (0..7)
                .filter_map(|n| Weekday::try_from(n).ok())
                .filter(|day| !rule.days.contains(day))
                .map(|day| self.weekday(day).to_owned())
                .collect();
            text.push_str(&format!(" außer {}", list(&left, "und")));
        }
        if rule.minute > 0 {
            text.push_str(&format!(" um :{:02}", rule.minute));
        }
        if let Some((from, to)) = rule.window {
            text.push_str(&format!(" zwischen {} und {}", clock(from.0, from.1), clock(to.0, to.1)));
        }
        if matches!(of, Unit::Minute | Unit::Hour) && !days.is_empty() && days.len() < 7 {
            text.push_str(&if weekdays { " werktags".to_owned() } else { format!(" am {}", list(&days, "und")) });
        }
        if !months.is_empty() && rule.month_days.is_empty() && rule.nth.is_none() {
            text.push_str(&format!(" im {}", list(&months, "und")));
        }
        if !rule.times.is_empty() {
            let times: Vec<String> = rule.times.iter().map(|(hour, minute)| clock(*hour, *minute)).collect();
            text.push_str(&format!(" um {}", list(&times, "und")));
        }
        if let Some(start) = rule.start {
            text.push_str(&format!(" ab {}", self.date(start)));
        }
        if let Some(until) = rule.until {
            text.push_str(&format!(" bis {}", self.date(until)));
        }
        if let Some(count) = rule.count {
            text.push_str(&format!(", {count} mal"));
        }
        text
    }

    fn at_zone(&self, what: &str, city: &str) -> String {
        format!("{what} {city} Zeit")
    }

    fn note(&self, note: &Note) -> String {
        match note {
            Note::AssumedHour(hour, minute) => {
                format!("Eine Uhrzeit wurde nicht genannt; {} ist angenommen.", clock(*hour, *minute))
            }
            Note::SameTime(hour, minute) => {
                format!("Eine Uhrzeit wurde nicht genannt; es bleibt {}.", clock(*hour, *minute))
            }
            Note::Clock24(hour, minute) => {
                let evening = clock(hour + 12, *minute);
                format!("Gelesen als {} am Morgen; für den Nachmittag bitte {evening} sagen.", clock(*hour, *minute))
            }
            Note::MidnightStart(date) => format!("Mitternacht ist der Beginn von {}.", self.date(*date)),
            Note::Date(date) => format!("Das ist {}.", self.date(*date)),
            Note::TwiceShown(hour, minute) => {
                format!("Die Uhr zeigt {} in dieser Nacht zweimal; gemeint ist das erste Mal.", clock(*hour, *minute))
            }
            Note::InZone(zone) => format!("Gelesen in der Zeitzone {zone}."),
            Note::SeasonOf(name, zone) => {
                format!("{} ist als Ortszeit von {zone} gelesen, die an dem Tag abweicht.", name.to_uppercase())
            }
            Note::DayOfMonth31(day) => format!("In Monaten ohne einen {day}. läuft es nicht."),
            Note::LeapDay => "Es läuft nur in Schaltjahren.".to_owned(),
            Note::WindowEnd(hour, minute) => format!("Der letzte Lauf des Tages ist um {}.", clock(*hour, *minute)),
            Note::AssumedDay(day) => {
                format!("Ein Tag wurde nicht genannt; {} ist angenommen.", self.weekday(*day))
            }
            Note::AssumedFirst => "Ein Tag wurde nicht genannt; der Monatserste ist angenommen.".to_owned(),
            Note::AssumedNewYear => "Ein Tag wurde nicht genannt; der 1. Januar ist angenommen.".to_owned(),
            Note::EveryMonth => "Gelesen als jeden Monat.".to_owned(),
            Note::SecondIsOther => "Gelesen als jedes zweite Mal, vom nächsten an gezählt.".to_owned(),
            Note::CronNormalised(cron) => {
                format!("Die fünf Felder des Cron-Ausdrucks sind mit Sekunden davor gelesen: {cron}.")
            }
            Note::CronAsIs => "Der Cron-Ausdruck ist mit Sekunden voran gelesen.".to_owned(),
            Note::Exactly(hour, minute) => format!("Es läuft genau um {}.", clock(*hour, *minute)),
            Note::UntilInclusive(date) => format!("Der letzte Tag ist {}, einschließlich.", self.date(*date)),
        }
    }

    fn ask(&self, ask: &Ask) -> String {
        match ask {
            Ask::WhichDate(words) => format!("„{words}“ kann zwei Tage bedeuten. Welcher ist gemeint?"),
            Ask::NoSuchDay(words) => format!("Den Tag „{words}“ gibt es nicht. Welcher Tag ist gemeint?"),
            Ask::NoSuchTime(words) => format!("Die Uhrzeit „{words}“ gibt es nicht. Welche ist gemeint?"),
            Ask::GapTime(hour, minute, date) => format!(
                "Am {} lässt die Uhr {} aus, weil sie vorgestellt wird. Welche Zeit ist gemeint?",
                self.date(*date),
                clock(*hour, *minute)
            ),
            Ask::UnknownZone(words) => format!("Die Zeitzone „{words}“ kenne ich nicht. Welche ist gemeint?"),
            Ask::WhichZone(words) => format!("„{words}“ heißen mehrere Zeitzonen. Welche ist gemeint?"),
            Ask::OtherWeekday(date, said) => {
                format!("{} ist kein {}. Welcher Tag ist gemeint?", self.date(*date), self.weekday(*said))
            }
            Ask::TwoDays(one, other) => {
                format!("Ich lese {} und {}. Welcher Tag ist gemeint?", self.date(*one), self.date(*other))
            }
            Ask::TwoTimes => "Ich lese mehr als eine Uhrzeit. Welche ist gemeint?".to_owned(),
            Ask::TwoZones => "Ich lese mehr als eine Zeitzone. Welche ist gemeint?".to_owned(),
            Ask::NotTogether(words) => format!("„{words}“ passt nicht zusammen. Wann genau ist gemeint?"),
            Ask::LeftOver(words) => format!("„{words}“ habe ich nicht verstanden. Wann genau ist gemeint?"),
            Ask::Half(words) => format!("„{words}“ kann am Morgen oder am Nachmittag sein. Was ist gemeint?"),
            Ask::HowOften(words) => format!("„{words}“ kann mehreres bedeuten. Wie oft ist gemeint?"),
            Ask::BadCron(words) => {
                format!("„{words}“ ist kein Cron-Ausdruck, den ich lesen kann: nötig sind fünf oder sechs Felder.")
            }
            Ask::WhichDay(words) => format!("Ich lese „{words}“, aber keinen Tag. Welcher Tag ist gemeint?"),
            Ask::Not(words) => format!("Ich lese „{words}“, aber nicht, wann stattdessen. Wann ist gemeint?"),
            Ask::OutOfRange(words) => {
                format!("„{words}“ kann ich nicht lesen: nur die Jahre 1900 bis 2200. Wann genau ist gemeint?")
            }
            Ask::BadCount(words) => {
                format!("„{words}“ kann ich nicht lesen: möglich sind Schritte von 1 bis 10000. Wie oft ist gemeint?")
            }
            Ask::TooMany => "Hier stehen mehr Zeiten, als ich auf einmal lese. Welche sind gemeint?".to_owned(),
            Ask::HolidayOfCountry(words) => {
                format!("„{words}“ ist je nach Land an einem anderen Tag. Welcher ist gemeint?")
            }
            Ask::BetweenTimes(words) => format!("„{words}“ lässt die Uhrzeit offen. Um wie viel Uhr genau?"),
            Ask::Weekly(words) => format!("Ist „{words}“ einmal gemeint oder jede Woche?"),
        }
    }

    fn understood(&self, what: &str) -> String {
        format!("Ich lese {what}.")
    }

    fn choice(&self, options: &[String]) -> String {
        format!("{}?", list(options, "oder"))
    }

    fn every_nth(&self, n: u32, day: Weekday) -> [String; 2] {
        let day = self.weekday(day);
        [format!("alle {n} Wochen am {day}"), format!("jeden Monat am {} {day}", nth(n as i8))]
    }

    fn twofold(&self, of: Unit) -> Vec<String> {
        let answers: &[&str] = match of {
            Unit::Hour => &["alle 30 Minuten"],
            Unit::Day => &["jeden Tag um 09:00 und 17:00", "alle 12 Stunden"],
            Unit::Week => &["alle 2 Wochen am Montag", "jeden Montag und Donnerstag"],
            Unit::Month => &["alle 2 Monate", "jeden Monat am 1. und 15."],
            _ => &["alle 6 Monate", "alle 2 Jahre"],
        };
        answers.iter().map(|answer| (*answer).to_owned()).collect()
    }

    fn times_a(&self, count: u64, of: Unit) -> Vec<String> {
        match (of, count) {
            (Unit::Day, 3) => vec!["jeden Tag um 09:00, 13:00 und 17:00".to_owned(), "alle 8 Stunden".to_owned()],
            (Unit::Day, count) if count < 24 && 24 % count == 0 => vec![format!("alle {} Stunden", 24 / count)],
            (Unit::Week, 3) => vec!["jeden Montag, Mittwoch und Freitag".to_owned()],
            (Unit::Week, 5) => vec!["jeden Werktag".to_owned()],
            (Unit::Month, 3) => vec!["jeden Monat am 1., 11. und 21.".to_owned()],
            (Unit::Hour, count) if count < 60 && 60 % count == 0 => vec![format!("alle {} Minuten", 60 / count)],
            _ => Vec::new(),
        }
    }

    fn weekly_or_once(&self, days: &[Weekday]) -> Vec<String> {
        let names: Vec<String> = days.iter().map(|day| self.weekday(*day).to_owned()).collect();
        vec![format!("jeden {}", list(&names, "und"))]
    }
}
