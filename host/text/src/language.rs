//! Which language a text is in, and the stems of its words.

use rust_stemmers::{Algorithm, Stemmer};

use crate::stop_words::is_stop_word;

/// A language whose words can be reduced to stems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// English: the Porter2 stemmer of the Snowball project.
    English,
    /// German: the German stemmer of the Snowball project.
    German,
}

impl Language {
    /// The language of a text, by a vote of its stop words; where they are even, endings and umlauts decide. None where nothing does:
    /// a text of another language, or a few words without a telling one. Reads the first 4,000 words.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let pieces = crate::pieces::pieces(text, crate::MAX_WORDS);
        vote(pieces.iter().map(|piece| piece.lower.as_str()))
    }
}

/// The vote over words in lower case.
pub(crate) fn vote<'a>(words: impl Iterator<Item = &'a str>) -> Option<Language> {
    let (mut english, mut german) = ((0_u32, 0_u32), (0_u32, 0_u32));
    for word in words {
        match (is_stop_word(word, Some(Language::English)), is_stop_word(word, Some(Language::German))) {
            (true, false) => english.0 += 1,
            (false, true) => german.0 += 1,
            (true, true) => {}
            (false, false) => {
                let ends = |endings: &[&str]| word.chars().count() > 5 && endings.iter().any(|end| word.ends_with(end));
                english.1 += u32::from(ends(&["ing", "ed", "ly", "ment", "ness", "ous", "ies", "ts"]));
                german.1 += u32::from(ends(&["ung", "ungen", "keit", "heit", "lich", "isch", "schaft", "ieren"]));
                german.1 += u32::from(word.contains(['ä', 'ö', 'ü', 'ß']));
            }
        }
    }
    match english.cmp(&german) {
        std::cmp::Ordering::Greater => Some(Language::English),
        std::cmp::Ordering::Less => Some(Language::German),
        std::cmp::Ordering::Equal => None,
    }
}

/// The stemmer for a language; without one words stay as they are.
pub(crate) struct Stems {
    stemmer: Option<Stemmer>,
    language: Option<Language>,
}

impl Stems {
    pub(crate) fn of(language: Option<Language>) -> Self {
        let stemmer = language.map(|language| {
            Stemmer::create(match language {
                Language::English => Algorithm::English,
                Language::German => Algorithm::German,
            })
        });
        Self { stemmer, language }
    }

    /// The stem of a word in lower case.
    pub(crate) fn stem(&self, lower: &str) -> String {
        let Some(stemmer) = &self.stemmer else { return lower.to_owned() };
        let spelled = match self.language {
            Some(Language::German) => umlauts(lower),
            _ => lower.strip_suffix("'s").unwrap_or(lower).to_owned(),
        };
        let stem = stemmer.stem(&spelled).into_owned();
        if stem.is_empty() { spelled } else { stem }
    }
}

/// German words typed without umlauts get them: `umsaetze`, `moeglich`, `fuer`; not `neue`, `bauer`, `quelle`.
fn umlauts(word: &str) -> String {
    let mut spelled = String::with_capacity(word.len());
    let mut rest = word.chars().peekable();
    let mut before = ' ';
    while let Some(c) = rest.next() {
        let umlaut = match (c, rest.peek()) {
            ('a', Some('e')) => Some('ä'),
            ('o', Some('e')) => Some('ö'),
            ('u', Some('e')) if !matches!(before, 'a' | 'e' | 'q') => Some('ü'),
            _ => None,
        };
        if umlaut.is_some() {
            rest.next();
        }
        spelled.push(umlaut.unwrap_or(c));
        before = c;
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vote() {
        assert_eq!(Language::of("The results are in."), Some(Language::English));
        assert_eq!(Language::of("Die Ergebnisse sind da."), Some(Language::German));
        assert_eq!(Language::of("Sales rising"), Some(Language::English));
        assert_eq!(Language::of("Umsätze"), Some(Language::German));
        assert_eq!(Language::of("Instagram"), None);
        assert_eq!(Language::of(""), None);
    }

    #[test]
    fn stems_of_each_language() {
        let (english, german, none) =
            (Stems::of(Some(Language::English)), Stems::of(Some(Language::German)), Stems::of(None));
        assert_eq!(english.stem("scheduling"), english.stem("schedules"));
        assert_eq!(english.stem("anna's"), english.stem("anna"));
        assert_eq!(german.stem("umsätze"), german.stem("umsatz"));
        assert_eq!(german.stem("umsaetze"), german.stem("umsätze"));
        assert_eq!(german.stem("neue"), german.stem("neuen"));
        assert_eq!(none.stem("schedules"), "schedules");
    }
}
