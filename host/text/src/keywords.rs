//! The words that tell most about a text.

use std::collections::HashMap;

use crate::MAX_WORDS;
use crate::words::{Kind, Word, read};

/// What a name, a number and a pair of characters are worth beside another word.
const NAME: f64 = 1.6;
const NUMBER: f64 = 0.4;
const PAIR: f64 = 0.5;
/// A word in the first tenth of a text counts this much more than one at its end.
const BEGINNING: f64 = 0.5;

/// The most telling words of a text, best first, at most `max`: for a search query.
///
/// Each stands once, in the spelling of its first occurrence. Frequent words tell more than rare ones (each further occurrence less), names
/// more than other words, long words a little more than short ones, early ones more than late ones; equal words stand in the order of the
/// text. There is no knowledge of how rare a word is elsewhere. Stop words and negations are never given. Scripts without spaces give pairs
/// of characters. Reads the first [`MAX_WORDS`] words.
#[must_use]
pub fn keywords(text: &str, max: usize) -> Vec<String> {
    let words = read(text, MAX_WORDS);
    let mut found: Vec<Keyword> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (place, word) in words.iter().enumerate() {
        if !matches!(word.kind, Kind::Content | Kind::Value | Kind::Pair) {
            continue;
        }
        let known = *places.entry(&word.stem).or_insert(found.len());
        match found.get_mut(known) {
            Some(keyword) => {
                keyword.count += 1.0;
                keyword.name |= word.name;
            }
            None => found.push(Keyword { word, place, count: 1.0, name: word.name }),
        }
    }
    let mut scored: Vec<(f64, usize, &Word)> =
        found.iter().map(|keyword| (keyword.score(words.len()), keyword.place, keyword.word)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let spelled = |(_, _, word): (f64, usize, &Word)| text.get(word.start..word.end).map(str::to_owned);
    scored.into_iter().take(max).filter_map(spelled).collect()
}

struct Keyword<'a> {
    word: &'a Word,
    place: usize,
    count: f64,
    name: bool,
}

impl Keyword<'_> {
    #[expect(clippy::cast_precision_loss, reason = "counts of words and letters")]
    fn score(&self, words: usize) -> f64 {
        let kind = match self.word.kind {
            // A code such as `Q3` is as good as a name; a bare number is good for little.
            Kind::Value if self.word.stem.starts_with(char::is_alphabetic) => NAME,
            Kind::Value => NUMBER,
            Kind::Pair => PAIR,
            _ if self.name => NAME,
            _ => 1.0,
        };
        let length = 0.7 + 0.05 * self.word.stem.chars().count().clamp(2, 12) as f64;
        let early = 1.0 + BEGINNING * (1.0 - self.place as f64 / words.max(10) as f64);
        kind * length * early * (1.0 + self.count.ln())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_words_and_names_come_first() {
        let text = "The engagement of posts on Instagram fell in Q3. Engagement fell because videos were shorter, \
                    and the reach of each video fell too. What to do about engagement on Instagram?";
        let words = keywords(text, 4);
        assert_eq!(words[..2], ["Instagram", "engagement"]);
        assert_eq!(words.len(), 4);
    }

    #[test]
    fn spelled_as_in_the_text_and_once() {
        assert_eq!(keywords("Die Umsätze und der Umsatz", 5), ["Umsätze"]);
        assert!(keywords("the and of", 5).is_empty());
        assert!(keywords("whales sing", 0).is_empty());
        assert_eq!(keywords("alpha gamma", 5), ["alpha", "gamma"]);
    }
}
