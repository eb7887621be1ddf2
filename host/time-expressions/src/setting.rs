//! What a reading depends on beside the text: the moment, the zone, the locale, and what may not be read.

use std::ops::Range;

use chrono::DateTime;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// Where and when a text is read.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The present moment, in the user's zone.
    pub now: DateTime<Tz>,
    /// How the user writes numeric dates; without it `05/06/2027` is a question.
    pub date_order: Option<DateOrder>,
    /// The user's country as ISO 3166 alpha-2, for holidays and abbreviations of zones.
    pub country: Option<&'a str>,
    /// The language of the text, and of labels, notes and questions.
    pub language: Language,
    /// Byte ranges that are not read, such as a topic or a quotation.
    pub protected: &'a [Range<usize>],
}

/// Which number stands first in a numeric date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// `24/12/2026`
    DayFirst,
    /// `12/24/2026`
    MonthFirst,
}

impl DateOrder {
    /// The order of a locale such as `en-US`; none where the locale names no country that is known for one.
    pub fn of_locale(locale: &str) -> Option<Self> {
        match country_of_locale(locale).as_deref() {
            Some("US" | "PH" | "PR" | "GU" | "VI" | "AS" | "MP" | "FM" | "PW" | "MH") => Some(Self::MonthFirst),
            // Both orders are in daily use.
            Some("CA") => None,
            Some(_) => Some(Self::DayFirst),
            None => match locale.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "de" | "fr" | "es" | "it" | "pt" | "nl" | "pl" | "ru" | "da" | "nb" | "fi" | "cs" | "el" | "uk" => {
                    Some(Self::DayFirst)
                }
                _ => None,
            },
        }
    }
}

/// A language that there is a table of words for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// The language of a locale such as `de-DE`; English where there is no table for it.
    pub fn of_locale(locale: &str) -> Self {
        match locale.split(['-', '_']).next() {
            Some(code) if code.eq_ignore_ascii_case("de") => Self::German,
            _ => Self::English,
        }
    }
}

/// The country of a locale such as `en-US` or `zh_Hant_TW`, in capitals; none where it names none.
pub fn country_of_locale(locale: &str) -> Option<String> {
    let mut parts = locale.split(['.', '@']).next().unwrap_or_default().split(['-', '_']).skip(1);
    let part = parts.find(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_alphabetic()))?;
    Some(part.to_ascii_uppercase())
}
