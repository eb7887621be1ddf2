//! "Actually make that Thursday", "at 10 instead", "an hour later", "move the report to Friday": a schedule of the user at another time. What
//! was not said stays as it was.

use openanalyst_skill::prelude::*;
use openanalyst_skill::turns::{self, weekday};

use crate::fires::Fires;
use crate::manage::{Stored, Thing};
use crate::refers::{Found, Here, Reference};

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// The schedule that is changed, and its new expression.
    To { stored: Stored, cron: String },
    /// One of these is meant.
    Which(String, Vec<Thing>),
    /// It must be said in other words. What is wrong, for the user.
    Say(String),
}

/// What a request says of a new time.
#[derive(Debug, Default)]
struct Wanted {
    shift: Option<turns::Shift>,
    weekdays: u8,
    clock: Option<(u8, u8)>,
    month_day: Option<u8>,
    /// The days of a whole rule that was said without a time of day, or all of it.
    rule: Option<String>,
    /// Whether the rule has its own time of day.
    is_rule_timed: bool,
}

/// Reads a change. None: the words ask for none, or nothing stands there that could be meant.
pub(crate) fn read(request: &Request, things: &[Thing], subjects: &[String], here: Here) -> Option<Change> {
    let text = request.content.as_str();
    let words = turns::words(text);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let moves = words.iter().any(|word| {
        matches!(
            *word,
            "move" | "reschedule" | "shift" | "postpone" | "delay" | "push" | "bring" | "change" | "verschiebe"
        )
    });
    let (what, time) = if moves { halves(text) } else { ("", text) };
    let wanted = wanted(request, time);
    if wanted.is_empty() && !moves {
        return None;
    }
    let reference = Reference::read(what, here);
    let found = if moves && reference.filters() {
        reference.find(things, subjects, here)
    } else {
        let spoken: Vec<Thing> =
            subjects.iter().filter_map(|path| things.iter().find(|thing| thing.path == *path)).cloned().collect();
        match (spoken.len(), moves) {
            (0, false) => return None,
            (0, true) if things.len() == 1 => Found::These(things.to_vec()),
            (0, true) => Found::Unsure(String::new(), things.to_vec()),
            (1, _) => Found::These(spoken),
            _ => Found::Unsure(String::new(), spoken),
        }
    };
    let thing = match found {
        Found::These(these) if these.len() == 1 => these.into_iter().next()?,
        Found::These(these) | Found::Unsure(_, these) if !these.is_empty() => {
            return Some(Change::Which(String::new(), these));
        }
        _ if things.is_empty() => return None,
        _ => return Some(Change::Which("None of yours is called so.".into(), things.to_vec())),
    };
    let Some(stored) = thing.stored else {
        return Some(Change::Say(format!(
            "The engine's listing does not say what `{}` runs with, so I cannot move it.",
            thing.path
        )));
    };
    if stored.post_at_ms().is_some() {
        let hint = "Say for example “move the post to Friday at 9”: the skill that wrote it moves it.";
        return Some(Change::Say(format!("{} is a post. {hint}", stored.label())));
    }
    if wanted.is_empty() {
        return Some(Change::Say(format!(
            "To when shall I move {}? Say for example “every Thursday at 10”.",
            stored.label()
        )));
    }
    Some(match wanted.apply(&stored.cron) {
        Ok(cron) => Change::To { stored, cron },
        Err(why) => {
            Change::Say(format!("{} {why} Say the whole rule, for example “every Thursday at 10”.", stored.label()))
        }
    })
}

/// "move the report" and "to Friday".
fn halves(text: &str) -> (&str, &str) {
    let lower = text.to_ascii_lowercase();
    for joint in [" to ", " auf ", " by ", " from "] {
        if let Some(at) = lower.rfind(joint) {
            return (&text[..at], &text[at + joint.len() - 1..]);
        }
    }
    // "postpone it two hours" has both in one.
    if turns::shift(text).is_some() { ("", text) } else { (text, "") }
}

fn wanted(request: &Request, time: &str) -> Wanted {
    let text = request.content.as_str();
    let mut wanted = Wanted { shift: turns::shift(text), ..Wanted::default() };
    if wanted.shift.is_some() {
        return wanted;
    }
    // "instead of Monday" names what shall not be.
    let lower = time.to_ascii_lowercase();
    let time = lower.find("instead of").map_or(time, |at| time.get(..at).unwrap_or(time));
    let words = turns::words(time);
    wanted.weekdays = words.iter().filter_map(|word| weekday(word)).fold(0, |days, day| days | 1 << day);
    wanted.clock = turns::clock(time).map(|clock| (clock.hour, clock.minute));
    wanted.month_day = words.iter().find_map(|word| {
        let digits = word
            .strip_suffix("th")
            .or(word.strip_suffix("st"))
            .or(word.strip_suffix("nd"))
            .or(word.strip_suffix("rd"))?;
        digits.parse().ok().filter(|day| (1..=31).contains(day))
    });
    if let Some(when) = request.when().filter(|when| when.explicit_time && wanted.clock.is_some()) {
        // The router knows more ways to say an hour.
        let clock = when.local.rsplit('T').next().and_then(|clock| clock.split_once(':'));
        wanted.clock =
            clock.and_then(|(hour, minute)| Some((hour.parse().ok()?, minute.parse().ok()?))).or(wanted.clock);
    }
    if let Some(recurrence) = request.recurrence() {
        let told: Value = request.slot_as("recurrence").ok().flatten().unwrap_or_default();
        let is_timed = told["explicitTime"].as_bool().unwrap_or(wanted.clock.is_some());
        wanted.is_rule_timed = is_timed;
        wanted.rule = Some(recurrence.cron);
    }
    wanted
}

impl Wanted {
    fn is_empty(&self) -> bool {
        self.shift.is_none()
            && self.weekdays == 0
            && self.clock.is_none()
            && self.month_day.is_none()
            && self.rule.is_none()
    }

    /// The expression with what was said in place of what stood there, or why that cannot be.
    fn apply(&self, old: &str) -> std::result::Result<String, String> {
        let fires = Fires::read(old).ok_or("has a rule that I cannot change in parts.")?;
        if let Some(rule) = &self.rule {
            let new = Fires::read(rule);
            let keeps_time = !self.is_rule_timed && new.is_some_and(|new| new.clock().is_some());
            return Ok(match fires.clock().filter(|_| keeps_time) {
                Some(clock) => {
                    Expression::of(rule).ok_or("has a rule that I cannot change in parts.")?.at(clock).text()
                }
                None => rule.clone(),
            });
        }
        let mut expression = Expression::of(old).ok_or("has a rule that I cannot change in parts.")?;
        if let Some(shift) = self.shift {
            let minutes = match (shift.minutes, fires.clock()) {
                (0, _) => 0,
                (minutes, Some((hour, minute))) => i64::from(hour) * 60 + i64::from(minute) + minutes,
                (_, None) => return Err("runs at more than one time of day.".to_owned()),
            };
            let days = shift.days + if shift.minutes == 0 { 0 } else { minutes.div_euclid(1_440) };
            if shift.minutes != 0 {
                let of_day = minutes.rem_euclid(1_440);
                expression =
                    expression.at((u8::try_from(of_day / 60).unwrap_or(0), u8::try_from(of_day % 60).unwrap_or(0)));
            }
            return match (days.rem_euclid(7), fires.weekdays, fires.ordinal, fires.month_days.is_empty()) {
                (_, None, _, true) if days != 0 && shift.minutes == 0 => Err("runs on every day.".to_owned()),
                (0, Some(_), None, _) | (_, None, None, true) => Ok(expression.text()),
                _ if days == 0 => Ok(expression.text()),
                (days, Some(named), None, true) => {
                    let turned = (0..7)
                        .filter(|day| named & (1 << day) != 0)
                        .fold(0, |turned, day| turned | 1 << ((day + days) % 7));
                    Ok(expression.on(turned, None).text())
                }
                _ => Err("would change its day of the month.".to_owned()),
            };
        }
        if let Some(clock) = self.clock {
            if fires.clock().is_none() {
                return Err("runs at more than one time of day.".to_owned());
            }
            expression = expression.at(clock);
        }
        if self.weekdays != 0 {
            if !fires.month_days.is_empty() || fires.hours.is_empty() {
                return Err("does not run by days of the week.".to_owned());
            }
            expression = expression.on(self.weekdays, fires.ordinal);
        }
        if let Some(day) = self.month_day {
            expression = match expression.on_month_day(day) {
                Some(expression) if !fires.month_days.is_empty() => expression,
                _ => return Err("does not run by days of the month.".to_owned()),
            };
        }
        Ok(expression.text())
    }
}

/// An expression in its parts.
enum Expression {
    /// The six fields of cron.
    Cron(Vec<String>),
    /// The line `DTSTART`, and the parts of `RRULE`.
    Rule(String, Vec<(String, String)>),
}

impl Expression {
    fn of(text: &str) -> Option<Self> {
        if text.trim_start().to_ascii_uppercase().starts_with("DTSTART") {
            let mut lines = text.trim().lines();
            let start = lines.next()?.trim().to_owned();
            let rule = lines.next()?.trim().split_once(':')?.1.to_owned();
            let parts = rule
                .split(';')
                .map(|part| part.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())));
            return Some(Self::Rule(start, parts.collect::<Option<_>>()?));
        }
        let fields: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        (fields.len() == 6).then_some(Self::Cron(fields))
    }

    fn at(mut self, (hour, minute): (u8, u8)) -> Self {
        match &mut self {
            Self::Cron(fields) => (fields[1], fields[2]) = (minute.to_string(), hour.to_string()),
            Self::Rule(start, parts) => {
                if let Some(at) = start.rfind('T') {
                    start.truncate(at);
                    start.push_str(&format!("T{hour:02}{minute:02}00"));
                }
                parts.retain(|(name, _)| !matches!(name.as_str(), "BYHOUR" | "BYMINUTE"));
            }
        }
        self
    }

    fn on(mut self, weekdays: u8, ordinal: Option<i8>) -> Self {
        let named = (0..7_usize).filter(|day| weekdays & (1 << day) != 0);
        match &mut self {
            Self::Cron(fields) => {
                let days: Vec<String> = named
                    .map(|day| {
                        // Monday is 1 and Sunday is 0.
                        let day = (day + 1) % 7;
                        match ordinal {
                            Some(nth) if nth < 0 => format!("{day}L"),
                            Some(nth) => format!("{day}#{nth}"),
                            None => day.to_string(),
                        }
                    })
                    .collect();
                fields[5] = days.join(",");
            }
            Self::Rule(_, parts) => {
                const NAMES: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
                let by_position = parts.iter().any(|(name, _)| name == "BYSETPOS");
                let nth = ordinal.filter(|_| !by_position).map(|nth| nth.to_string()).unwrap_or_default();
                let days: Vec<String> = named.map(|day| format!("{nth}{}", NAMES[day])).collect();
                parts.retain(|(name, _)| name != "BYDAY");
                parts.push(("BYDAY".to_owned(), days.join(",")));
            }
        }
        self
    }

    fn on_month_day(mut self, day: u8) -> Option<Self> {
        match &mut self {
            Self::Cron(fields) => fields[3] = day.to_string(),
            Self::Rule(_, parts) => parts.iter_mut().find(|(name, _)| name == "BYMONTHDAY")?.1 = day.to_string(),
        }
        Some(self)
    }

    fn text(self) -> String {
        match self {
            Self::Cron(fields) => fields.join(" "),
            Self::Rule(start, parts) => {
                let parts: Vec<String> = parts.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
                format!("{start}\nRRULE:{}", parts.join(";"))
            }
        }
    }
}

/// The title of what a stored schedule runs: its summary without the rule.
pub(crate) fn title(stored: &Stored) -> String {
    let name = stored.summary.split(", ").next().unwrap_or_default();
    let name =
        if name.is_empty() { stored.script_path.rsplit('/').next().unwrap_or(&stored.script_path) } else { name };
    match name.strip_prefix("The ") {
        Some(rest) => format!("the {rest}"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openanalyst_skill::testing;

    fn applied(old: &str, text: &str) -> std::result::Result<String, String> {
        wanted(&testing::request(text), text).apply(old)
    }

    #[test]
    fn what_was_not_said_stays() {
        for (old, text, new) in [
            ("0 0 9 * * 1", "actually make that Thursday", "0 0 9 * * 4"),
            ("0 30 9 * * 1", "make it Friday instead", "0 30 9 * * 5"),
            ("0 0 9 * * 1", "at 10 instead", "0 0 10 * * 1"),
            ("0 0 9 * * 1,4", "an hour later", "0 0 10 * * 1,4"),
            ("0 30 23 * * 1", "an hour later", "0 30 0 * * 2"),
            ("0 0 9 * * 1", "a day later", "0 0 9 * * 2"),
            ("0 0 9 * * 0", "a day later", "0 0 9 * * 1"),
            ("0 0 9 * * *", "half an hour earlier", "0 30 8 * * *"),
            ("0 0 9 * * 1#1", "make that Friday", "0 0 9 * * 5#1"),
            ("0 0 9 * * 1", "make it Sunday at 8pm", "0 0 20 * * 0"),
            ("0 0 9 15 * *", "make that the 20th", "0 0 9 20 * *"),
            (
                "DTSTART;TZID=UTC:20261130T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO",
                "make that Thursday at 10:30",
                "DTSTART;TZID=UTC:20261130T103000\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TH",
            ),
        ] {
            assert_eq!(applied(old, text).as_deref(), Ok(new), "{old}: {text}");
        }
    }

    #[test]
    fn what_has_no_one_meaning_is_said() {
        for (old, text) in [
            ("0 */15 * * * *", "at 10 instead"),
            ("0 0 9,17 * * *", "an hour later"),
            ("0 0 9 15 * *", "make that Thursday"),
            ("0 0 9 * * *", "a day later"),
            ("0 0 9 * * 1", "make that the 20th"),
            ("nonsense", "at 10 instead"),
        ] {
            assert!(applied(old, text).is_err(), "{old}: {text}");
        }
    }
}
