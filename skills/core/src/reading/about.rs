//! Longer readings of what is told of the user: how they write dates, where they live, what has one value, and that all of it shall go.

use openanalyst_skill::turns;

use super::{MAX_TEXT, bounded};
use crate::clauses::after;
use crate::locales;
use crate::wish::Wish;

/// Whether the whole request asks that everything known of the user is deleted. Schedules, posts and files are not what is known.
pub(super) fn is_all_gone(text: &str) -> bool {
    const VERBS: &[&str] =
        &["delete", "erase", "wipe", "clear", "remove", "forget", "purge", "destroy", "lösche", "vergiss"];
    const OTHERS: &[&str] = &["schedule", "post", "workflow", "flow", "tweet", "file", "report", "except", "but"];
    let words = turns::words(text);
    if words.len() > 16 || !words.iter().any(|word| VERBS.contains(&word.as_str())) {
        return false;
    }
    let has = |word: &str| words.iter().any(|known| known == word);
    let is_other = words.iter().any(|word| OTHERS.iter().any(|other| word.strip_suffix('s').unwrap_or(word) == *other));
    let is_all = has("everything") || has("all") || has("alles") || has("whatever") || has("anything");
    let of_user = [
        "know",
        "me",
        "data",
        "memory",
        "memories",
        "remember",
        "remembered",
        "told",
        "information",
        "mich",
        "weißt",
        "profile",
    ];
    let starts = words.iter().take(5).any(|word| VERBS.contains(&word.as_str()));
    starts && is_all && !is_other && of_user.into_iter().any(has)
}

/// How the user writes dates: by a locale, a country or an order.
pub(super) fn locale(clause: &str) -> Option<Wish> {
    let named = after(
        clause,
        &[
            "my locale is ",
            "my locale: ",
            "set my locale to ",
            "change my locale to ",
            "set locale to ",
            "use the locale ",
            "use locale ",
            "my locale should be ",
            "locale: ",
            "remember my locale is ",
            "remember that my locale is ",
        ],
    );
    if let Some(said) = named {
        return Some(Wish::Locale { said: bounded(said, MAX_TEXT)? });
    }
    let place = after(
        clause,
        &[
            "i am in ",
            "i'm in ",
            "i’m in ",
            "we are in ",
            "we're in ",
            "we live in ",
            "we are based in ",
            "i come from ",
            "i am from ",
            "i'm from ",
            "i’m from ",
            "i moved to ",
            "from ",
            "remember that i live in ",
            "remember i live in ",
        ],
    );
    if let Some(place) = home(clause).or(place).filter(|place| locales::country(place).is_some()) {
        return Some(Wish::Locale { said: place.to_owned() });
    }
    // "I write dates day first", "use German dates", "read my dates the American way".
    let words = turns::words(clause);
    let speaks = words.iter().any(|word| matches!(word.as_str(), "date" | "dates" | "datumsformat"));
    let tells = ["i", "my", "use", "read", "write", "please", "dates", "set", "we", "remember", "always"];
    if !speaks || words.len() > 14 || !words.first().is_some_and(|first| tells.contains(&first.as_str())) {
        return None;
    }
    let lower = clause.to_lowercase();
    let order = [
        "day first",
        "day-first",
        "month first",
        "month-first",
        "dd/mm",
        "mm/dd",
        "dd.mm",
        "day before",
        "month before",
        "dd-mm",
        "mm-dd",
    ];
    if let Some(order) = order.into_iter().find(|order| lower.contains(order)) {
        return Some(Wish::Locale { said: order.to_owned() });
    }
    let people = words.iter().find(|word| word.len() > 3 || word.as_str() == "us" || word.as_str() == "uk");
    let people = people.and_then(|_| words.iter().find(|word| locales::country(word).is_some()));
    people.map(|people| Wish::Locale { said: people.clone() })
}

/// The place where the user lives, if that is said.
pub(super) fn home(clause: &str) -> Option<&str> {
    let place = after(
        clause,
        &[
            "i live in ",
            "i am living in ",
            "i'm living in ",
            "i’m living in ",
            "i am based in ",
            "i'm based in ",
            "i’m based in ",
            "living in ",
            "based in ",
        ],
    )?;
    let place = place.split([',', '(']).next().unwrap_or_default();
    let place = place.split(" and ").next().unwrap_or_default();
    let place = place.strip_suffix(" now").unwrap_or(place).trim();
    (!place.is_empty()).then_some(place)
}

/// The subject of "our brand colour is teal", of which there is one value at a time. None for statements of another kind: "our office is
/// closed on Fridays" and "our office is in Berlin" are both true.
pub(super) fn attribute(statement: &str) -> Option<&str> {
    const NO_VALUE: &[&str] = &[
        "in", "on", "at", "to", "from", "for", "by", "with", "not", "open", "closed", "very", "really", "too",
        "always", "never", "only", "about", "like", "going", "being", "under", "also", "off", "out",
    ];
    let (subject, value) = statement.split_once(" is ").or_else(|| statement.split_once(" are "))?;
    let named = after(subject, &["our ", "my ", "the "])?;
    let (subject_words, value_words) = (named.split_whitespace().count(), value.split_whitespace().count());
    let begins = value.split_whitespace().next()?.to_lowercase();
    ((2..=5).contains(&subject_words) && (1..=4).contains(&value_words) && !NO_VALUE.contains(&begins.as_str()))
        .then_some(subject)
}
