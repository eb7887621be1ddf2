//! How it shall sound.

use serde_json::json;

use super::Reading;

const TONES: &[(&str, &[&str])] = &[
    ("professional", &["professional", "formal", "serious", "businesslike"]),
    ("casual", &["casual", "informal", "relaxed", "chatty"]),
    ("funny", &["funny", "humorous", "witty", "playful", "hilarious"]),
    ("friendly", &["friendly", "warm", "kind"]),
    ("inspirational", &["inspirational", "inspiring", "motivational", "motivating"]),
    ("bold", &["bold", "provocative", "edgy"]),
];

pub(super) fn read(reading: &mut Reading<'_>) {
    for at in 0..reading.words.tokens.len() {
        let word = reading.words.lower(at).to_owned();
        let tone = TONES.iter().find(|(_, words)| words.contains(&word.as_str()));
        if let Some((tone, _)) = tone.filter(|_| !reading.is_taken(at)) {
            // "in a friendly tone" is all of it about the tone.
            let last = if ["tone", "style", "voice"].contains(&reading.words.lower(at + 1)) { at + 1 } else { at };
            reading.keep("tone", json!(tone), at, last);
            return;
        }
    }
}
