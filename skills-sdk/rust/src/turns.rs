//! Reading a turn that goes on from the one before: "undo that", "an hour later", "at 10 instead", "Thursday". Words only: what is undone
//! or moved, the skill knows from the data of its last answer ([`Context::last_data`](crate::Context)).
//!
//! Everything here reads English and the usual German forms, in one pass over the words.

/// Most words of a turn that asks for nothing but to undo.
const MAX_UNDO_WORDS: usize = 10;
const MINUTES_OF_AN_HOUR: i64 = 60;
/// The longest shift that is read, in days: about ten years.
const MAX_SHIFT_DAYS: i64 = 3_660;

/// The words of a text in lower case. Letters, digits, and `:` between digits belong to a word.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut letters = text.chars().flat_map(char::to_lowercase).peekable();
    while let Some(letter) = letters.next() {
        let before_digit = letters.peek().is_some_and(char::is_ascii_digit);
        let joins = matches!(letter, ':' | '.')
            && before_digit
            && word.ends_with(|last: char| last.is_ascii_digit())
            && !word.contains(['.', ':']);
        if letter.is_alphanumeric() || joins {
            word.push(letter);
        } else if !matches!(letter, '\'' | '’') && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Whether the user wants the last thing undone, and nothing else: `undo that`, `take it back`, `mach das rückgängig`. A question
/// about undoing ("how do I undo a post?") and the word in another sense ("a post about undo") are none.
pub fn is_undo(text: &str) -> bool {
    const BESIDE: &[&str] = &[
        "please", "can", "could", "would", "you", "oh", "no", "wait", "sorry", "oops", "ok", "okay", "now", "just",
        "actually", "again", "bitte", "kannst", "du", "hm", "hmm", "ah", "stop", "hey", "and", "then", "nein",
        "wieder", "mal", "doch", "i", "want", "to", "let", "us", "lets",
    ];
    const WHAT: &[&str] = &[
        "it",
        "that",
        "this",
        "them",
        "these",
        "those",
        "the",
        "last",
        "latest",
        "one",
        "change",
        "changes",
        "step",
        "action",
        "thing",
        "my",
        "all",
        "of",
        "what",
        "did",
        "back",
        "pause",
        "move",
        "cancellation",
        "das",
        "es",
        "die",
        "den",
        "letzte",
        "letzten",
        "änderung",
        "schritt",
        "alles",
        "schedule",
        "cancel",
        "edit",
        "both",
    ];
    const WHOLE: &[&str] = &["undo", "revert", "rückgängig", "rollback", "unsend", "undone"];
    const TAKES: &[&str] =
        &["take", "roll", "put", "bring", "change", "turn", "nimm", "mach", "mache", "annule", "make"];
    const BACK: &[&str] = &["back", "zurück", "rückgängig", "ça"];
    let words = words(text);
    if words.is_empty() || words.len() > MAX_UNDO_WORDS {
        return false;
    }
    let said: Vec<&str> = words.iter().map(String::as_str).collect();
    if matches!(said[0], "how" | "why" | "what" | "wie" | "is" | "does") {
        return false;
    }
    let known = |word: &&str| BESIDE.contains(word) || WHAT.contains(word) || WHOLE.contains(word);
    let undoes = said.iter().any(|word| WHOLE.contains(word)) && {
        // "mach das rückgängig" has its verb beside it.
        said.iter().all(|word| known(word) || matches!(*word, "mach" | "mache" | "machen" | "make" | "just"))
    };
    let takes_back = said.iter().any(|word| TAKES.contains(word))
        && said.iter().any(|word| BACK.contains(word))
        && said.iter().all(|word| known(word) || TAKES.contains(word) || BACK.contains(word));
    let restores = said.iter().any(|word| matches!(*word, "restore" | "reverse"))
        && said.iter().all(|word| known(word) || matches!(*word, "restore" | "reverse"));
    undoes || takes_back || restores
}

/// By how much something shall be later (more than zero) or earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// Whole days by the calendar: the time of day stays, also where the clock changes between.
    pub days: i64,
    /// Minutes beside them.
    pub minutes: i64,
}

/// `an hour later`, `30 minutes earlier`, `push it back two days`, `a week sooner`. None where no amount or no direction is said.
pub fn shift(text: &str) -> Option<Shift> {
    let words = words(text);
    let said: Vec<&str> = words.iter().map(String::as_str).collect();
    let sign = direction(&said)?;
    let (mut days, mut minutes, mut found) = (0_i64, 0_i64, false);
    for (at, word) in said.iter().enumerate() {
        let (unit_days, unit_minutes) = match *word {
            "minute" | "minutes" | "min" | "mins" | "minuten" => (0, 1),
            "hour" | "hours" | "hr" | "hrs" | "stunde" | "stunden" => (0, MINUTES_OF_AN_HOUR),
            "day" | "days" | "tag" | "tage" => (1, 0),
            "week" | "weeks" | "woche" | "wochen" => (7, 0),
            _ => continue,
        };
        let Some(tenths) = amount(&said[..at]) else { continue };
        found = true;
        days += unit_days * tenths / 10;
        minutes += unit_minutes * tenths / 10;
        // "an hour and a half".
        let is_half = said.get(at + 1..at + 4).is_some_and(|rest| rest == ["and", "a", "half"]);
        if is_half {
            minutes += unit_minutes / 2;
        }
    }
    let total = days.checked_mul(1_440)?.checked_add(minutes)?;
    let is_bounded = total > 0 && total <= MAX_SHIFT_DAYS * 1_440;
    (found && is_bounded).then_some(Shift { days: sign * days, minutes: sign * minutes })
}

/// Whether later (1) or earlier (-1).
fn direction(said: &[&str]) -> Option<i64> {
    let has = |words: &[&str]| said.iter().any(|word| words.contains(word));
    if has(&["earlier", "sooner", "früher", "eher"]) || (has(&["bring", "move", "pull"]) && has(&["forward", "up"])) {
        return Some(-1);
    }
    let pushes = has(&["push", "move", "put"]) && has(&["back"]);
    (has(&["later", "später", "postpone", "delay"]) || pushes).then_some(1)
}

/// The amount at the end of some words, in tenths.
fn amount(before: &[&str]) -> Option<i64> {
    const NAMES: &[(&str, i64)] = &[
        ("a", 10),
        ("an", 10),
        ("one", 10),
        ("two", 20),
        ("three", 30),
        ("four", 40),
        ("five", 50),
        ("six", 60),
        ("seven", 70),
        ("eight", 80),
        ("nine", 90),
        ("ten", 100),
        ("twelve", 120),
        ("fifteen", 150),
        ("twenty", 200),
        ("thirty", 300),
        ("forty", 400),
        ("another", 10),
        ("eine", 10),
        ("einen", 10),
        ("ein", 10),
        ("zwei", 20),
        ("drei", 30),
    ];
    let named = |word: &str| NAMES.iter().find(|(name, _)| *name == word).map(|(_, tenths)| *tenths);
    match before {
        [.., "half", "a" | "an"] | [.., "halbe" | "half"] => Some(5),
        [.., "couple", "of"] => Some(20),
        [.., word] => {
            let by_number = word.parse::<i64>().ok().filter(|number| (1..=10_000).contains(number)).map(|n| n * 10);
            let by_tenths = || {
                let (whole, part) = word.split_once('.')?;
                let whole = whole.parse::<i64>().ok().filter(|whole| *whole <= 1_000)?;
                (part.len() == 1).then_some(())?;
                Some(whole * 10 + part.parse::<i64>().ok()?)
            };
            by_number.or_else(by_tenths).or_else(|| named(word))
        }
        [] => None,
    }
}

/// The day of the week that a word names, Monday is 0: `Thursday`, `Thursdays`, `Thu`, `Donnerstag`. The word is in lower case.
pub fn weekday(word: &str) -> Option<u8> {
    const DAYS: [&[&str]; 7] = [
        &["monday", "mon", "montag"],
        &["tuesday", "tue", "tues", "dienstag"],
        &["wednesday", "wed", "weds", "mittwoch"],
        &["thursday", "thu", "thur", "thurs", "donnerstag"],
        &["friday", "fri", "freitag"],
        &["saturday", "sat", "samstag"],
        &["sunday", "sun", "sonntag"],
    ];
    let is = |name: &&str| word == *name || (name.len() > 5 && word.strip_suffix('s') == Some(name));
    DAYS.iter().position(|names| names.iter().any(is)).and_then(|day| u8::try_from(day).ok())
}

/// The English name of a day of the week, Monday is 0.
pub fn weekday_name(day: u8) -> &'static str {
    const NAMES: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    NAMES.get(usize::from(day)).copied().unwrap_or("Monday")
}

/// A time of day in the user's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// Whether the words leave open which half of the day is meant: `at 9`, `9 o'clock`.
    pub either_half: bool,
}

/// The first time of day in a text: `9am`, `9:30`, `17h30`, `at 10`, `10 o'clock`, `noon`, `um 10 Uhr`. A bare number is none.
pub fn clock(text: &str) -> Option<Clock> {
    let words = words(text);
    let said: Vec<&str> = words.iter().map(String::as_str).collect();
    (0..said.len()).find_map(|at| clock_at(&said, at).map(|(clock, _)| clock))
}

/// The time of day that begins at this word, and how many words it takes.
pub fn clock_at(said: &[&str], at: usize) -> Option<(Clock, usize)> {
    let word = *said.get(at)?;
    let next = said.get(at + 1).copied().unwrap_or_default();
    let before = at.checked_sub(1).and_then(|at| said.get(at)).copied().unwrap_or_default();
    match word {
        "noon" | "midday" => return Some((Clock { hour: 12, minute: 0, either_half: false }, 1)),
        "midnight" => return Some((Clock { hour: 0, minute: 0, either_half: false }, 1)),
        _ => {}
    }
    let split =
        word.find(|letter: char| !letter.is_ascii_digit() && !matches!(letter, ':' | '.')).unwrap_or(word.len());
    let (digits, ending) = word.split_at(split);
    let (hours, minutes) = match digits.split_once([':', '.']) {
        Some((hours, minutes)) if minutes.len() == 2 => (hours, Some(minutes)),
        Some(_) => return None,
        None => (digits, None),
    };
    if hours.is_empty() || hours.len() > 2 {
        return None;
    }
    let hour: u8 = hours.parse().ok()?;
    let mut minute: u8 = minutes.map_or(Some(0), |minutes| minutes.parse().ok())?;
    let half = |text: &str| match text {
        "am" => Some(0),
        "pm" => Some(12),
        _ => None,
    };
    let (mut taken, mut is_sure) = (1, minutes.is_some());
    let mut meridiem = None;
    match ending {
        "" => match (half(next), next) {
            (Some(half), _) => (meridiem, taken) = (Some(half), 2),
            (None, "oclock" | "uhr") => (is_sure, taken) = (true, 2),
            (None, "o") if said.get(at + 2) == Some(&"clock") => (is_sure, taken) = (true, 3),
            _ => is_sure |= matches!(before, "at" | "um"),
        },
        "am" | "pm" => meridiem = half(ending),
        "h" | "uhr" => is_sure = true,
        _ => {
            let rest = ending.strip_prefix('h').filter(|rest| rest.len() == 2)?;
            (minute, is_sure) = (rest.parse().ok()?, true);
        }
    }
    let hour = match meridiem {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        None => hour,
    };
    let either_half = meridiem.is_none() && (1..12).contains(&hour) && !hours.starts_with('0') && ending.is_empty();
    (hour < 24 && minute < 60 && (is_sure || meridiem.is_some()))
        .then_some((Clock { hour, minute, either_half }, taken))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undo_is_read_alone() {
        for text in [
            "undo",
            "undo that",
            "Undo it please",
            "please undo the last change",
            "take that back",
            "take it back",
            "revert that",
            "roll it back",
            "no, undo that",
            "oh no, undo this",
            "mach das rückgängig",
            "Bitte mach das rückgängig!",
            "nimm das zurück",
            "can you undo that?",
            "undo the pause",
            "put it back",
            "restore them",
            "undo again",
        ] {
            assert!(is_undo(text), "{text}");
        }
        for text in [
            "",
            "how do I undo a post?",
            "write a post about undo",
            "undo the damage that plastic does to our oceans and say so",
            "put the report back on Mondays",
            "back",
            "take the report to Monday",
            "cancel it",
            "what does undo do?",
            "bring the meeting forward an hour",
        ] {
            assert!(!is_undo(text), "{text}");
        }
    }

    #[test]
    fn shifts_have_an_amount_and_a_direction() {
        for (text, days, minutes) in [
            ("an hour later", 0, 60),
            ("make it an hour earlier", 0, -60),
            ("half an hour later please", 0, 30),
            ("30 minutes earlier", 0, -30),
            ("two days later", 2, 0),
            ("a week earlier", -7, 0),
            ("postpone it by 2 hours", 0, 120),
            ("push it back a day", 1, 0),
            ("bring it forward an hour", 0, -60),
            ("1.5 hours later", 0, 90),
            ("an hour and a half later", 0, 90),
            ("eine Stunde später", 0, 60),
        ] {
            assert_eq!(shift(text), Some(Shift { days, minutes }), "{text}");
        }
        for text in ["later", "an hour", "make it Thursday", "at 10 instead", "99999999999999999999 hours later"] {
            assert_eq!(shift(text), None, "{text}");
        }
    }

    #[test]
    fn clocks_are_read_where_they_are_ones() {
        for (text, hour, minute, either_half) in [
            ("at 10 instead", 10, 0, true),
            ("9am", 9, 0, false),
            ("the 9 o'clock one", 9, 0, true),
            ("make it 9:30 pm", 21, 30, false),
            ("at 17h30", 17, 30, false),
            ("um 10 Uhr", 10, 0, true),
            ("at 09:05", 9, 5, false),
            ("at noon", 12, 0, false),
            ("12 am", 0, 0, false),
        ] {
            assert_eq!(clock(text), Some(Clock { hour, minute, either_half }), "{text}");
        }
        for text in ["10 posts", "at 25", "in 2026", "the 15th", "13 pm", "make it 3 days"] {
            assert_eq!(clock(text), None, "{text}");
        }
    }

    #[test]
    fn days_of_the_week_have_their_names() {
        for (word, day) in
            [("monday", Some(0)), ("thursdays", Some(3)), ("thu", Some(3)), ("sonntag", Some(6)), ("day", None)]
        {
            assert_eq!(weekday(word), day, "{word}");
        }
    }
}
