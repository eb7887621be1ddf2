//! What an utterance says besides which skill: platform, topic, time, recurrence and the like.
//!
//! Readers run in a fixed order; each one knows which words the earlier ones took, so that "Friday" is a time and no topic.

mod name;
mod platform;
mod range;
mod recurrence;
mod time;
mod tone;
mod topic;

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use crate::route::{Slot, Utterance};
use crate::text::Words;

/// Most bytes of a slot's words; a "word" can be as long as the whole utterance.
const MAX_SLOT_BYTES: usize = 512;
/// The last moment of the year 9999. Clocks outside 1970 to 9999 are read as the nearer end, so that no date is out of range.
const LAST_MS: i64 = 253_402_300_799_999;

/// The words of an utterance with what is known of them so far.
pub(crate) struct Reading<'a> {
    pub(crate) words: &'a Words<'a>,
    pub(crate) actions: &'a [String],
    pub(crate) now: DateTime<Tz>,
    /// For each word, whether a slot was read from it.
    taken: Vec<bool>,
    slots: Vec<Slot>,
}

impl Reading<'_> {
    fn is_taken(&self, at: usize) -> bool {
        self.taken.get(at).copied().unwrap_or(false)
    }

    /// Keeps a slot, and the words that it was read from.
    fn keep(&mut self, name: &str, value: Value, first: usize, last: usize) {
        let text = clip(self.words.span(first, last)).to_owned();
        self.slots.push(Slot { name: name.to_owned(), value, text });
        self.take(first, last);
    }

    fn take(&mut self, first: usize, last: usize) {
        for taken in self.taken.iter_mut().take(last + 1).skip(first) {
            *taken = true;
        }
    }

    fn has(&self, name: &str) -> bool {
        self.slots.iter().any(|slot| slot.name == name)
    }
}

/// Reads all slots.
pub(crate) fn read(utterance: &Utterance<'_>, words: &Words<'_>, actions: &[String]) -> Vec<Slot> {
    let zone: Tz = utterance.time_zone.parse().unwrap_or(Tz::UTC);
    let now = DateTime::<Utc>::from_timestamp_millis(utterance.now_ms.clamp(0, LAST_MS))
        .unwrap_or_default()
        .with_timezone(&zone);
    let mut reading = Reading { words, actions, now, taken: vec![false; words.tokens.len()], slots: Vec::new() };
    name::read(&mut reading);
    platform::read(&mut reading);
    recurrence::read(&mut reading);
    range::read(&mut reading);
    time::read(&mut reading);
    tone::read(&mut reading);
    topic::read(&mut reading);
    reading.slots
}

/// The beginning of a text, at most as long as a slot may be.
pub(crate) fn clip(text: &str) -> &str {
    let end = (0..=text.len().min(MAX_SLOT_BYTES)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

/// The moment of a wall clock time in a zone. One that does not exist (the clock goes forward) is the first one after it that does; one that exists
/// twice (the clock goes back) is the first of the two.
pub(crate) fn moment(zone: Tz, local: NaiveDateTime) -> DateTime<Tz> {
    let mut candidate = local;
    // Gaps begin and end on whole minutes; the longest, on the date line, is a day.
    for _ in 0..=24 * 60 {
        match zone.from_local_datetime(&candidate) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => return at,
            LocalResult::None => candidate += TimeDelta::minutes(1),
        }
    }
    Utc.from_utc_datetime(&local).with_timezone(&zone)
}
