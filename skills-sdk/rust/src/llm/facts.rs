//! Checks of a model's text against what it was told. They find what can be found by looking: numbers that nobody gave, and a text
//! about something else. They do not prove that the rest is true.

use std::collections::BTreeSet;

use super::tokens::{Token, tokens};

/// Nothing, or what is wrong with a text, in words for the log.
pub type Checked = std::result::Result<(), String>;

/// What a text may draw on.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    numbers: Vec<f64>,
    percents: Vec<f64>,
    words: BTreeSet<String>,
}

/// Shortest word that says what a text is about, in characters.
const TELLING_CHARS: usize = 4;

/// Number words with their value; none: a computation that nobody made. "One" and "second" are mostly no numbers.
const NUMBER_WORDS: &[(&str, Option<f64>)] = &[
    ("zero", Some(0.0)),
    ("two", Some(2.0)),
    ("three", Some(3.0)),
    ("four", Some(4.0)),
    ("five", Some(5.0)),
    ("six", Some(6.0)),
    ("seven", Some(7.0)),
    ("eight", Some(8.0)),
    ("nine", Some(9.0)),
    ("ten", Some(10.0)),
    ("eleven", Some(11.0)),
    ("twelve", Some(12.0)),
    ("thirteen", Some(13.0)),
    ("fourteen", Some(14.0)),
    ("fifteen", Some(15.0)),
    ("sixteen", Some(16.0)),
    ("seventeen", Some(17.0)),
    ("eighteen", Some(18.0)),
    ("nineteen", Some(19.0)),
    ("twenty", Some(20.0)),
    ("thirty", Some(30.0)),
    ("forty", Some(40.0)),
    ("fifty", Some(50.0)),
    ("sixty", Some(60.0)),
    ("seventy", Some(70.0)),
    ("eighty", Some(80.0)),
    ("ninety", Some(90.0)),
    ("hundred", None),
    ("hundreds", None),
    ("thousand", None),
    ("thousands", None),
    ("million", None),
    ("millions", None),
    ("billion", None),
    ("billions", None),
    ("dozen", None),
    ("dozens", None),
    ("half", None),
    ("halved", None),
    ("third", None),
    ("thirds", None),
    ("quarter", None),
    ("quarters", None),
    ("double", None),
    ("doubled", None),
    ("twice", None),
    ("thrice", None),
    ("triple", None),
    ("tripled", None),
    ("tenfold", None),
];

impl Facts {
    /// The facts in these texts.
    pub fn of<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        let mut facts = Self::default();
        for token in texts.into_iter().flat_map(|text| tokens(text.as_ref())) {
            match token {
                Token::Number { value, is_percent, .. } => {
                    facts.numbers.push(value);
                    if is_percent {
                        facts.percents.push(value);
                    }
                }
                Token::Word(word) | Token::Mixed(word) => {
                    facts.words.insert(word);
                }
            }
        }
        facts
    }

    /// Whether every number in digits is one of the facts, a per cent number a per cent number among them. `1,234` and `1234` are
    /// the same; a rounded number is another one. What joins digits and letters (`Q3`, `5k`) must stand in the facts as it is.
    ///
    /// # Errors
    /// The number.
    pub fn numbers(&self, text: &str) -> Checked {
        for token in tokens(text) {
            match token {
                Token::Number { value, is_percent, shown } => {
                    let known = if is_percent { &self.percents } else { &self.numbers };
                    if !known.iter().any(|known| is_same(*known, value)) {
                        return Err(format!(
                            "the number {shown}{} is not in the data",
                            if is_percent { " %" } else { "" }
                        ));
                    }
                }
                Token::Mixed(word) if !self.words.contains(&word) => {
                    return Err(format!("“{word}” is not in the data"));
                }
                Token::Word(_) | Token::Mixed(_) => {}
            }
        }
        Ok(())
    }

    /// The same for numbers in English words: "two", "half", "doubled".
    ///
    /// # Errors
    /// The word.
    pub fn number_words(&self, text: &str) -> Checked {
        for token in tokens(text) {
            let Token::Word(word) = token else { continue };
            let Some((_, value)) = NUMBER_WORDS.iter().find(|(known, _)| *known == word) else { continue };
            let is_known = value.is_some_and(|value| self.numbers.iter().any(|known| is_same(*known, value)));
            if !is_known && !self.words.contains(&word) {
                return Err(format!("the number “{word}” is not in the data"));
            }
        }
        Ok(())
    }

    /// Whether it shares a telling word with the facts.
    ///
    /// # Errors
    /// That it does not.
    pub fn about(&self, text: &str) -> Checked {
        let shares = tokens(text).into_iter().any(|token| {
            matches!(token, Token::Word(word) if word.chars().count() >= TELLING_CHARS && self.words.contains(&word))
        });
        if shares { Ok(()) } else { Err("it is about something else".to_owned()) }
    }
}

fn is_same(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_must_be_in_the_data_as_they_are() {
        let facts = Facts::of(["| Visits | 1,234.5 |", "85.7 % of 40 jobs on 2026-11-24 at 09:00 in Q3, 3,5"]);
        for text in [
            "1234.5 visits, or 1,234.50",
            "85.7% of them, 85.7 percent",
            "40 jobs in Q3, since 9:00 on 24.",
            "From 3 to 5, in 2026.",
            "No number at all",
        ] {
            assert_eq!(facts.numbers(text), Ok(()), "{text}");
        }
        for text in [
            "1234 visits",
            "1,235 visits",
            "86 %",
            "40 %",
            "40k jobs",
            "in Q4",
            "4,0",
            "the 9th",
            "½ of 40",
            "٤٠ jobs",
            "24.11.2026",
        ] {
            assert!(facts.numbers(text).is_err(), "{text}");
        }
    }

    #[test]
    fn number_words_are_numbers() {
        let facts = Facts::of(["2 posts", "the dozen"]);
        assert_eq!(facts.number_words("Two posts, one of them about a dozen things."), Ok(()));
        for text in ["Three posts", "twice as many", "half of them", "a million", "It doubled."] {
            assert!(facts.number_words(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_text_is_about_what_it_shares_a_word_with() {
        let facts = Facts::of(["AI trends for bees"]);
        assert_eq!(facts.about("Which TRENDS do you see?"), Ok(()));
        assert!(facts.about("Lorem ipsum for you").is_err());
    }
}
