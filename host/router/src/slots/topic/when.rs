//! Whether a time at the end of a topic is the topic's, or says when it is posted.

use super::super::times::{self, Time};
use super::super::{Reading, platform};
use openanalyst_time_expressions::Meaning;

/// What takes place, opens or leaves at a time of its own.
const EVENTS: &[&str] = &[
    "party",
    "event",
    "meeting",
    "meetup",
    "concert",
    "webinar",
    "flight",
    "conference",
    "workshop",
    "game",
    "match",
    "race",
    "wedding",
    "festival",
    "sale",
    "launch",
    "release",
    "opening",
    "premiere",
    "show",
    "exhibition",
    "talk",
    "lecture",
    "course",
    "class",
    "lesson",
    "training",
    "session",
    "interview",
    "appointment",
    "deadline",
    "election",
    "train",
    "bus",
    "trip",
    "tour",
    "holiday",
    "dinner",
    "lunch",
    "breakfast",
    "brunch",
    "picnic",
    "barbecue",
    "auction",
    "market",
    "fair",
    "parade",
    "marathon",
    "tournament",
    "final",
    "finals",
    "hackathon",
    "keynote",
    "livestream",
    "stream",
    "podcast",
    "episode",
    "summit",
    "seminar",
    "gala",
    "fundraiser",
    "reunion",
    "birthday",
    "anniversary",
    "funeral",
    "ceremony",
    "screening",
    "movie",
    "film",
    "play",
    "gig",
    "demo",
    "closing",
    "quiz",
    "raffle",
    "giveaway",
    "competition",
    "contest",
    "celebration",
    "visit",
    "call",
    "rehearsal",
    "performance",
    "opens",
    "open",
    "starts",
    "start",
    "begins",
    "closes",
    "ends",
    "leaves",
    "arrives",
    "launches",
    "happening",
    "is",
    "are",
    "was",
    "were",
    "will",
    "kicks",
    "takes",
    "feier",
    "fest",
    "party",
    "treffen",
    "konzert",
    "hochzeit",
    "messe",
    "veranstaltung",
    "weihnachtsfeier",
    "flug",
    "vortrag",
    "sitzung",
    "eröffnung",
    "kurs",
    "spiel",
];
/// How compound words of such things end: "Sommerfest".
const ENDINGS: &[&str] = &[
    "fest",
    "feier",
    "party",
    "treffen",
    "konzert",
    "messe",
    "abend",
    "vortrag",
    "turnier",
    "markt",
    "hochzeit",
    "veranstaltung",
    "eröffnung",
    "flohmarkt",
    "lesung",
    "kurs",
];
/// What tells what someone does.
const SUBJECTS: &[&str] = &["i", "we", "you", "they", "he", "she", "ich", "wir", "sie", "i'm", "we're", "they're"];
const QUESTIONS: &[&str] =
    &["how", "why", "what", "when", "where", "who", "whether", "which", "wie", "warum", "was", "wann", "wo"];

/// Where what says when it is posted begins, if the topic from `first` to before `end` ends with it. What may as well
/// be the topic's is the topic's: nothing is scheduled that was not asked for. `schedules`: a time is wanted.
pub(super) fn ending_at(reading: &Reading<'_>, first: usize, end: usize, schedules: bool) -> Option<usize> {
    let words = reading.words;
    let time = reading.times.iter().find(|time| time.last + 1 == end && time.last >= first)?;
    if time.adjectival {
        return None;
    }
    // "Christmas for Christmas Eve at 9": the name of a day, and a day.
    if let Some(joint) = joint(reading, time, first)
        && (schedules || says_clock(time))
    {
        return Some(joint);
    }
    if time.first <= first || is_name(reading, time, first) || is_span(reading, time) {
        return None;
    }
    // Behind a platform it says when it is posted there: "our summer sale on Instagram at 5 pm".
    let schedules = schedules || platform::phrase_ending_at(words, first, time.first).is_some();
    if !schedules && is_of_topic(reading, time, first) {
        return None;
    }
    time.says_when(words, schedules).then_some(time.first)
}

fn says_clock(time: &Time) -> bool {
    matches!(&time.meaning, Meaning::Moment(moment) if moment.explicit_time)
        || matches!(time.meaning, Meaning::Unclear(_))
}

fn joint(reading: &Reading<'_>, time: &Time, first: usize) -> Option<usize> {
    let words = reading.words;
    let from = time.first.max(first);
    let is_day_name = words.span(from, from).starts_with(char::is_uppercase);
    let at = (from + 1..time.last).find(|at| matches!(words.lower(*at), "for" | "on" | "für" | "am" | "zu"))?;
    let has_digit = words.span(from, at - 1).contains(|letter: char| letter.is_ascii_digit());
    (is_day_name && !has_digit || lasts(words.lower(from))).then_some(at)
}

/// "Taco Tuesday", "2 for 1 Mondays", "the movie Midnight in Paris": part of a name.
fn is_name(reading: &Reading<'_>, time: &Time, first: usize) -> bool {
    let words = reading.words;
    let said = words.span(time.first, time.first);
    let word = words.lower(time.first);
    let is_capital = said.starts_with(char::is_uppercase);
    if words.gap_after(time.first - 1).contains([',', ';', '–', '—', '.', '-']) {
        return false;
    }
    let before = words.span(time.first - 1, time.first - 1);
    let behind_name = before.starts_with(char::is_uppercase)
        || (first..time.first).any(|at| at > first && words.span(at, at).starts_with(char::is_uppercase));
    if times::WEEKDAYS.contains(&word) {
        return is_capital && before.starts_with(char::is_uppercase);
    }
    if let Some(day) = word.strip_suffix('s').filter(|day| times::WEEKDAYS.contains(day)) {
        // "on Mondays" says when; "2 for 1 Mondays" and "meatless Mondays" are names.
        return !day.is_empty();
    }
    let is_month_or_day = words.span(time.first, time.last).contains(|letter: char| letter.is_ascii_digit());
    is_capital
        && !is_month_or_day
        && (behind_name || ["midnight", "noon", "tomorrow", "tonight", "today"].contains(&word))
}

fn lasts(word: &str) -> bool {
    matches!(word, "until" | "till" | "til" | "since" | "through" | "bis" | "seit" | "between")
}

/// "until Sunday", "from 9 to 5", "since May": how long something lasts, and no moment to post at.
fn is_span(reading: &Reading<'_>, time: &Time) -> bool {
    let words = reading.words;
    let before = words.lower(time.first.saturating_sub(1));
    let word = words.lower(time.first);
    let reaches = || {
        (time.first..=time.last).any(|at| matches!(words.lower(at), "to" | "till" | "until" | "bis"))
            || words.span(time.first, time.last).contains(['–', '-'])
    };
    lasts(word) || lasts(before) || (matches!(word, "from" | "von") || matches!(before, "from" | "von")) && reaches()
}

/// "our party on Friday", "how I wake up at 5am every day", "running at 6": the time of what it is about.
fn is_of_topic(reading: &Reading<'_>, time: &Time, first: usize) -> bool {
    let words = reading.words;
    let about = || (first..time.first).map(|at| words.lower(at));
    let is_event = about().any(|word| {
        let bare = word.strip_suffix('s').unwrap_or(word);
        EVENTS.contains(&word) || EVENTS.contains(&bare) || ENDINGS.iter().any(|ending| word.ends_with(ending))
    });
    let is_clause = QUESTIONS.contains(&words.lower(first)) || about().any(|word| SUBJECTS.contains(&word));
    let opening = words.lower(first);
    let is_doing = opening.len() > 5 && opening.ends_with("ing");
    let is_near = (time.first..=time.last)
        .any(|at| matches!(words.lower(at), "tomorrow" | "tonight" | "morgen" | "heute" | "today"));
    // "coffee friday": a bare day without a preposition and without a clock.
    let is_bare = times::WEEKDAYS.contains(&words.lower(time.first))
        && !says_clock(time)
        && !words.gap_after(time.first - 1).contains([',', ';', '–', '—', '-']);
    is_event || is_bare || (is_clause || is_doing) && !(is_near && says_clock(time))
}
