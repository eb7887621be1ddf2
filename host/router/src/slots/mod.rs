//! What an utterance says besides which skill: platform, topic, time, recurrence and the like.
//!
//! Times are read by `openanalyst-time-expressions`. What stands in the topic is the topic's: the sentence is read
//! twice, once to find where the topic ends, and once without the topic. What belongs to a time and cannot be read,
//! or has two readings, is no slot but a question ([`Unclear`](crate::route::Unclear)).

mod name;
mod platform;
mod times;
mod tone;
mod topic;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use self::times::Time;
use crate::route::{Slot, Unclear, Utterance};
use crate::text::Words;

/// Most bytes of a slot's words; a "word" can be as long as the whole utterance.
const MAX_SLOT_BYTES: usize = 512;
/// The last moment of the year 9999. Clocks outside 1970 to 9999 are read as the nearer end, so that no date is out of range.
const LAST_MS: i64 = 253_402_300_799_999;

/// The words of an utterance with what is known of them so far.
pub(crate) struct Reading<'a> {
    words: &'a Words<'a>,
    actions: &'a [String],
    now: DateTime<Tz>,
    /// What it says of time, in its order.
    times: Vec<Time>,
    /// For each word, whether a slot was read from it.
    taken: Vec<bool>,
    slots: Vec<Slot>,
    unclear: Vec<Unclear>,
}

impl Reading<'_> {
    fn is_taken(&self, at: usize) -> bool {
        self.taken.get(at).copied().unwrap_or(false)
    }

    /// Whether a word belongs to something that tells a time.
    fn is_time(&self, at: usize) -> bool {
        self.times.iter().any(|time| time.first <= at && at <= time.last && !time.adjectival)
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

    fn does(&self, actions: &[&str]) -> bool {
        self.actions.iter().any(|action| actions.contains(&action.as_str()))
    }
}

/// Reads all slots, and what must be asked.
pub(crate) fn read(utterance: &Utterance<'_>, words: &Words<'_>, actions: &[String]) -> (Vec<Slot>, Vec<Unclear>) {
    let zone: Tz = utterance.time_zone.parse().unwrap_or(Tz::UTC);
    let now = DateTime::<Utc>::from_timestamp_millis(utterance.now_ms.clamp(0, LAST_MS))
        .unwrap_or_default()
        .with_timezone(&zone);
    let taken = vec![false; words.tokens.len()];
    let times = Vec::new();
    let (slots, unclear) = (Vec::new(), Vec::new());
    let mut reading = Reading { words, actions, now, times, taken, slots, unclear };
    name::read(&mut reading);
    let setting = times::Setting::of(utterance, words, now);
    let mut replaced = times::replaced(words);
    replaced.extend(times::quoted(words.text));
    reading.times = setting.read(words, &replaced);
    if let Some(span) = topic::find(&reading)
        && let Some(topic) = topic::strip(&reading, &span)
        // A time in quotes and nothing else is a time.
        && (topic != (0, words.tokens.len().saturating_sub(1)) || reading.times.is_empty())
    {
        let bytes = topic::bytes(&reading, topic);
        let text = clip(words.text.get(bytes.clone()).unwrap_or_default()).trim().to_owned();
        if (topic.0..=topic.1).any(|at| reading.times.iter().any(|time| time.first <= at && at <= time.last)) {
            let mut protected = replaced;
            protected.push(bytes);
            reading.times = setting.read(words, &protected);
        }
        reading.keep("topic", json!(text), topic.0, topic.1);
    } else if let Some(bytes) = topic::searched(&reading) {
        reading.times = setting.read(words, &[bytes]);
    }
    platform::read(&mut reading);
    times::keep(&mut reading);
    tone::read(&mut reading);
    (reading.slots, reading.unclear)
}

/// The beginning of a text, at most as long as a slot may be.
pub(crate) fn clip(text: &str) -> &str {
    let end = (0..=text.len().min(MAX_SLOT_BYTES)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}
