//! Which of the user's schedules and workflows some words mean: "the Monday one", "the 9 o'clock one", "the one about bees", "them", "all
//! but the report". The day and the hour are decided from when a schedule really fires, not from its name.

use chrono::{DateTime, Datelike, Duration, TimeZone};
use chrono_tz::Tz;
use openanalyst_skill::turns::{self, Clock, weekday};

use crate::fires::{OnDay, bit, moment};
use crate::manage::Thing;
use crate::text::stems;

/// Most words of a request that are looked at.
const MAX_WORDS: usize = 200;

/// What the words say of the thing that is meant.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Reference {
    /// All of them.
    pub(crate) is_all: bool,
    /// More than one may be meant: "the reports", "them".
    pub(crate) is_plural: bool,
    /// They point to what was spoken of: "it", "those".
    points: bool,
    /// Its place in what was listed last, from 0; -1 is the last.
    place: Option<i32>,
    weekdays: u8,
    clock: Option<Clock>,
    part_of_day: Option<(u8, u8)>,
    often: Option<Often>,
    month_day: Option<u8>,
    month: Option<u8>,
    window: Option<Window>,
    /// Whether it is paused.
    is_paused: Option<bool>,
    /// Stems of words that stand in its name or in what it runs with.
    rest: Vec<String>,
    /// What is not meant.
    pub(crate) except: Option<Box<Reference>>,
}

/// How often something fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Often {
    Hourly,
    Daily,
    Weekdays,
    Weekend,
    Weekly,
    Monthly,
    Once,
}

/// A span of time, UTC milliseconds: its beginning is in it, its end is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from_ms: u64,
    pub(crate) to_ms: u64,
    /// In words: `this week`.
    pub(crate) label: String,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// These are meant.
    These(Vec<Thing>),
    /// One of these, and the words do not say which. Why, for the user.
    Unsure(String, Vec<Thing>),
    /// Nothing fits.
    Nothing,
}

/// The moment and the place of the user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Here {
    pub(crate) now_ms: u64,
    pub(crate) zone: Tz,
}

const SILENT: &str = "cancel delete remove stop unschedule end drop please the a an my our me of for to it that this schedule schedules \
     scheduled job jobs workflow flow automation recurring run running runs i want can you could at on in every each not do no longer \
     anymore any more pause suspend disable deactivate switch turn off resume unpause enable activate reactivate continue restart start \
     again one ones and or with from is are was were be will does did done what which when who how many list show display see have has got \
     currently now just thing things also too us your yours mine planned plan timer recurrence would like lets let hold put keep alone \
     ok okay hey hi hello actually instead make move change shift next time times come coming up due there tell go goes get \
     o oclock uhr around about s t ve re ll its whats scheduling away out rest left so far been by until it's post's und die der das den \
     meine meinen alle bitte stoppe lösche pausiere über upcoming existing active right";

impl Reference {
    /// Reads the words.
    pub(crate) fn read(text: &str, here: Here) -> Self {
        const EXCEPT: &[&str] = &["except", "but", "besides", "excluding", "not", "außer", "excepting"];
        let words = turns::words(text);
        let words: Vec<&str> = words.iter().take(MAX_WORDS).map(String::as_str).collect();
        let two = |at: usize| {
            words
                .get(at..at + 2)
                .is_some_and(|two| matches!(two, ["apart", "from"] | ["other", "than"] | ["bis", "auf"]))
        };
        // "about" begins a topic, in which every word may stand.
        let topic = words.iter().position(|word| *word == "about").unwrap_or(words.len());
        let cut = (1..topic.min(words.len())).find(|at| EXCEPT.contains(&words[*at]) || two(*at));
        let mut reference = match cut {
            Some(at) => Self::of(&words[..at], here),
            None => Self::of(&words, here),
        };
        if let Some(at) = cut {
            let skipped = if two(at) { 2 } else { 1 };
            let except = Self::of(&words[at + skipped..], here);
            reference.except = (except.filters() || except.points).then(|| Box::new(except));
        }
        reference
    }

    fn of(words: &[&str], here: Here) -> Self {
        let silent = stems(SILENT);
        let mut reference = Self::default();
        let mut at = 0;
        let mut in_topic = false;
        while let Some(word) = words.get(at).copied() {
            let next = words.get(at + 1).copied().unwrap_or_default();
            let mut taken = 1;
            if in_topic {
                reference.rest.extend(stems(word).into_iter().filter(|stem| !silent.contains(stem)));
            } else if word == "about" || word == "über" {
                in_topic = true;
            } else if let Some(day) =
                weekday(word).filter(|_| !matches!(word, "sun" | "sat") || next.is_empty() || next == "one")
            {
                reference.weekdays |= 1 << day;
            } else if let Some((clock, words)) = turns::clock_at(words, at) {
                (reference.clock, taken) = (Some(clock), words);
            } else if let Some((window, words)) = window_at(words, at, here) {
                (reference.window, taken) = (Some(window), words);
            } else if let Some(day) = day_number(word) {
                let month = month_of(next)
                    .or_else(|| if next == "of" { words.get(at + 2).and_then(|word| month_of(word)) } else { None });
                let before = at.checked_sub(1).and_then(|at| month_of(words[at]));
                if word.ends_with(|letter: char| letter.is_alphabetic()) || month.or(before).is_some() {
                    (reference.month_day, reference.month) = (Some(day), month.or(before));
                } else {
                    reference.rest.extend(stems(word));
                }
            } else if let Some((day, month)) = dotted(word) {
                (reference.month_day, reference.month) = (Some(day), Some(month));
            } else if month_of(word).is_some() {
                reference.month = month_of(word);
            } else {
                reference.word(word, next, &silent);
            }
            at += taken;
        }
        reference
    }

    /// One word that is no day and no time.
    fn word(&mut self, word: &str, next: &str, silent: &[String]) {
        match word {
            "all" | "everything" | "alle" | "alles" => self.is_all = true,
            "both" | "them" | "these" | "those" => (self.points, self.is_plural) = (true, true),
            "it" | "that" | "this" => self.points |= next != "week" && next != "month",
            "schedules" | "ones" | "workflows" | "flows" | "automations" | "timers" | "things" => self.is_plural = true,
            "first" if weekday(next).is_none() => self.place = Some(0),
            "second" if weekday(next).is_none() => self.place = Some(1),
            "third" if weekday(next).is_none() => self.place = Some(2),
            "last" if weekday(next).is_none() => self.place = Some(-1),
            "hourly" => self.often = Some(Often::Hourly),
            "daily" => self.often = Some(Often::Daily),
            "weekly" => self.often = Some(Often::Weekly),
            "monthly" => self.often = Some(Often::Monthly),
            "weekday" | "weekdays" => self.often = Some(Often::Weekdays),
            "weekend" | "weekends" => self.often = Some(Often::Weekend),
            "once" => self.often = Some(Often::Once),
            "morning" => self.part_of_day = Some((4, 12)),
            "afternoon" => self.part_of_day = Some((12, 18)),
            "evening" => self.part_of_day = Some((17, 24)),
            "night" | "nightly" => self.part_of_day = Some((19, 24)),
            "paused" | "suspended" | "disabled" => self.is_paused = Some(true),
            "enabled" => self.is_paused = Some(false),
            _ => {
                if matches!(word, "posts" | "tweets" | "reports") {
                    self.is_plural = true;
                }
                let alias = match word {
                    "tweet" | "tweets" | "x" => "twitter",
                    other => other,
                };
                self.rest.extend(stems(alias).into_iter().filter(|stem| !silent.contains(stem)));
            }
        }
    }

    /// Whether it says anything of the thing itself.
    pub(crate) fn filters(&self) -> bool {
        self.weekdays != 0
            || self.clock.is_some()
            || self.part_of_day.is_some()
            || self.often.is_some()
            || self.month_day.is_some()
            || self.month.is_some()
            || self.window.is_some()
            || self.is_paused.is_some()
            || !self.rest.is_empty()
    }

    /// Whether paused ones are meant, or those that are not, where the words say so.
    pub(crate) fn asks_paused(&self) -> Option<bool> {
        self.is_paused
    }

    /// Finds what is meant. `subjects` are the paths of what the last answer was about, in its order.
    pub(crate) fn find(&self, things: &[Thing], subjects: &[String], here: Here) -> Found {
        let spoken_of = || -> Vec<Thing> {
            subjects.iter().filter_map(|path| things.iter().find(|thing| thing.path == *path)).cloned().collect()
        };
        let found = if self.filters() {
            self.filtered(things, here)
        } else if self.points || self.place.is_some() {
            match spoken_of() {
                spoken if !spoken.is_empty() => self.placed(spoken),
                _ if things.len() == 1 => Found::These(things.to_vec()),
                _ => Found::Unsure("It is not clear which one you mean.".into(), things.to_vec()),
            }
        } else if self.is_all || self.is_plural || things.len() == 1 {
            Found::These(things.to_vec())
        } else {
            Found::Unsure(String::new(), things.to_vec())
        };
        let (Some(except), Found::These(mut these)) = (&self.except, found.clone()) else { return found };
        let (Found::These(kept) | Found::Unsure(_, kept)) =
            (Self { is_all: true, ..(**except).clone() }).find(things, subjects, here)
        else {
            return Found::Unsure("None of yours is the one that shall stay.".into(), things.to_vec());
        };
        these.retain(|thing| !kept.contains(thing));
        if these.is_empty() { Found::Nothing } else { Found::These(these) }
    }

    fn filtered(&self, things: &[Thing], here: Here) -> Found {
        let fitting: Vec<((OnDay, bool), Thing)> =
            things.iter().filter_map(|thing| Some((self.fits(thing, here)?, thing.clone()))).collect();
        let Some(best) = fitting.iter().map(|(rank, _)| *rank).min() else { return Found::Nothing };
        let is_daily = best.0 == OnDay::Also;
        let is_many = self.is_all || self.is_plural;
        let best: Vec<Thing> = fitting
            .into_iter()
            .filter(|(rank, _)| match is_many {
                true => rank.1 == best.1 && (rank.0 != OnDay::Also || is_daily),
                false => *rank == best,
            })
            .map(|(_, thing)| thing)
            .collect();
        if self.weekdays != 0 && is_daily {
            let why = "None of yours is for that day alone; what runs then runs on other days too.";
            return Found::Unsure(why.into(), best);
        }
        self.placed(best)
    }

    /// One of several, by its place; or all of them where the words speak of more than one.
    fn placed(&self, found: Vec<Thing>) -> Found {
        if let Some(place) = self.place {
            let at = if place < 0 { found.len().checked_sub(1) } else { usize::try_from(place).ok() };
            return match at.and_then(|at| found.get(at)) {
                Some(thing) => Found::These(vec![thing.clone()]),
                None => Found::Unsure("There are not as many.".into(), found),
            };
        }
        match found.len() {
            1 => Found::These(found),
            _ if self.is_all || self.is_plural => Found::These(found),
            _ => Found::Unsure(String::new(), found),
        }
    }

    /// Whether the thing fits all that was said: how well it fits the day, and whether only its script's name has all the words.
    fn fits(&self, thing: &Thing, here: Here) -> Option<(OnDay, bool)> {
        let mut known = thing.words();
        let is_named = self.rest.iter().all(|stem| known.contains(stem));
        known.extend(stems(&thing.script_path));
        let has = |stem: &String| known.contains(stem);
        if !self.rest.iter().all(|stem| has(stem) || (stem == "twitt" && has(&"tweet".to_owned()))) {
            return None;
        }
        if let Some(is_paused) = self.is_paused
            && thing.is_paused() != is_paused
        {
            return None;
        }
        let fires = thing.fires();
        let Some(fires) = fires else {
            // A workflow, or an expression of an unknown form: only its name tells.
            let names_days = (0..7).filter(|day| self.weekdays & (1 << day) != 0);
            let by_name = names_days.flat_map(|day| stems(turns::weekday_name(day))).all(|stem| has(&stem));
            let by_frequency = self.often.is_none_or(|often| often.is_named(&known));
            let tells_more =
                self.clock.is_some() || self.month_day.is_some() || self.window.is_some() || self.month.is_some();
            return (by_name && by_frequency && !tells_more).then_some((OnDay::Only, !is_named));
        };
        let once = fires.date().and_then(|_| thing.moment(here)).map(|at| at.naive_local());
        let mut on = OnDay::Only;
        if self.weekdays != 0 {
            on = match once {
                Some(at) => (bit(at.weekday()) == self.weekdays).then_some(OnDay::Only)?,
                None => fires.on(self.weekdays)?,
            };
        }
        if let Some(clock) = self.clock {
            let hour = |hour: u8| fires.hours.contains(&hour);
            let is_hour = hour(clock.hour) || (clock.either_half && hour((clock.hour + 12) % 24));
            (is_hour && fires.minutes.contains(&clock.minute)).then_some(())?;
        }
        if let Some((from, to)) = self.part_of_day {
            (!fires.hours.is_empty() && fires.hours.iter().all(|hour| (from..to).contains(hour))).then_some(())?;
        }
        if let Some(day) = self.month_day {
            let of_rule = || fires.month_days.iter().any(|named| i8::try_from(day) == Ok(*named));
            once.map_or_else(of_rule, |at| at.day() == u32::from(day)).then_some(())?;
        }
        if let Some(month) = self.month {
            once.map_or_else(|| fires.months.contains(&month), |at| at.month() == u32::from(month)).then_some(())?;
        }
        if let Some(window) = &self.window {
            thing.fires_within(window, here).then_some(())?;
        }
        if let Some(often) = self.often {
            let named = fires.weekdays.unwrap_or(0);
            let fits = match often {
                Often::Hourly => fires.hours.is_empty() || fires.hours.len() == 24,
                Often::Daily => {
                    named == 0 && fires.month_days.is_empty() && fires.months.is_empty() && !fires.hours.is_empty()
                }
                Often::Weekdays => named == 0b001_1111 && fires.ordinal.is_none(),
                Often::Weekend => named != 0 && named & 0b001_1111 == 0 && fires.ordinal.is_none(),
                Often::Weekly => named != 0 && fires.ordinal.is_none(),
                Often::Monthly => fires.months.is_empty() && (fires.ordinal.is_some() || !fires.month_days.is_empty()),
                Often::Once => fires.date().is_some(),
            };
            fits.then_some(())?;
        }
        Some((on, !is_named))
    }
}

impl Often {
    /// "the weekly report" is the one that runs every Monday, by its name.
    fn is_named(self, known: &[String]) -> bool {
        let any = |words: &str| stems(words).iter().any(|stem| known.contains(stem));
        match self {
            Self::Weekly => any("monday tuesday wednesday thursday friday saturday sunday week weekly"),
            Self::Daily => any("day daily"),
            Self::Hourly => any("hour hourly"),
            Self::Monthly => any("month monthly"),
            Self::Weekdays => any("weekday weekdays"),
            Self::Weekend => any("weekend saturday sunday"),
            Self::Once => false,
        }
    }
}

/// The first span of time that a text names.
pub(crate) fn window(text: &str, here: Here) -> Option<Window> {
    let words = turns::words(text);
    let words: Vec<&str> = words.iter().take(MAX_WORDS).map(String::as_str).collect();
    (0..words.len()).find_map(|at| window_at(&words, at, here).map(|(window, _)| window))
}

/// The next such day of the week, today included.
pub(crate) fn day_window(day: u8, here: Here) -> Option<Window> {
    let today = here.today()?;
    let ahead = (7 + i64::from(day) - i64::from(today.weekday().num_days_from_monday())) % 7;
    here.days(ahead, 1, turns::weekday_name(day))
}

fn window_at(words: &[&str], at: usize, here: Here) -> Option<(Window, usize)> {
    let since_monday = i64::from(here.today()?.weekday().num_days_from_monday());
    let next = words.get(at + 1).copied().unwrap_or_default();
    let window = match (words[at], next) {
        ("today" | "tonight" | "heute", _) => (here.days(0, 1, "today")?, 1),
        ("tomorrow" | "morgen", _) => (here.days(1, 1, "tomorrow")?, 1),
        ("this" | "diese", "week" | "woche") => (here.days(0, 7 - since_monday, "this week")?, 2),
        ("next" | "nächste", "week" | "woche") => (here.days(7 - since_monday, 7, "next week")?, 2),
        ("this", "weekend") => {
            (here.days((5 - since_monday).max(0), if since_monday == 6 { 1 } else { 2 }, "this weekend")?, 2)
        }
        ("this", "month") => (here.month(0, "this month")?, 2),
        ("next", "month") => (here.month(1, "next month")?, 2),
        ("next", count) if words.get(at + 2) == Some(&"days") => {
            let count = count.parse::<i64>().ok().filter(|count| (1..=366).contains(count))?;
            (here.days(0, count, &format!("the next {count} days"))?, 3)
        }
        _ => return None,
    };
    Some(window)
}

impl Here {
    fn today(self) -> Option<DateTime<Tz>> {
        self.zone.timestamp_millis_opt(i64::try_from(self.now_ms).ok()?).single()
    }

    /// Whole days from this many days ahead; today begins now.
    fn days(self, ahead: i64, count: i64, label: &str) -> Option<Window> {
        let today = self.today()?.date_naive();
        let at = |days: i64| {
            let start = (today + Duration::days(days)).and_hms_opt(0, 0, 0).and_then(|at| moment(at, self.zone))?;
            u64::try_from(start.timestamp_millis()).ok()
        };
        let from_ms = if ahead == 0 { self.now_ms } else { at(ahead)? };
        Some(Window { from_ms, to_ms: at(ahead + count)?, label: label.to_owned() })
    }

    fn month(self, ahead: u32, label: &str) -> Option<Window> {
        let today = self.today()?.date_naive();
        let first = |ahead: u32| {
            let months = today.month0() + ahead;
            let year = today.year() + i32::try_from(months / 12).ok()?;
            chrono::NaiveDate::from_ymd_opt(year, months % 12 + 1, 1)
        };
        let from = if ahead == 0 { 0 } else { (first(ahead)? - today).num_days() };
        self.days(from, (first(ahead + 1)? - today).num_days() - from, label)
    }
}

fn month_of(word: &str) -> Option<u8> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let is =
        |name: &&str| word == *name || (word.len() >= 3 && word != "mar" && word.len() < 5 && name.starts_with(word));
    NAMES.iter().position(is).and_then(|at| u8::try_from(at + 1).ok()).filter(|_| word != "may")
}

/// `15th`, `24`.
fn day_number(word: &str) -> Option<u8> {
    let digits = word.trim_end_matches(|letter: char| letter.is_alphabetic());
    let ending = &word[digits.len()..];
    let day = digits.parse::<u8>().ok().filter(|day| (1..=31).contains(day))?;
    matches!(ending, "" | "st" | "nd" | "rd" | "th").then_some(day)
}

/// `24.12`.
fn dotted(word: &str) -> Option<(u8, u8)> {
    let (day, month) = word.split_once('.')?;
    let (day, month) = (day.parse().ok()?, month.parse().ok()?);
    ((1..=31).contains(&day) && (1..=12).contains(&month)).then_some((day, month))
}
