//! "Call me Ada", "my time zone is Europe/Berlin".

use chrono_tz::{TZ_VARIANTS, Tz};
use serde_json::json;

use super::Reading;

/// Most words of a name.
const MAX_WORDS: usize = 4;

pub(super) fn read(reading: &mut Reading<'_>) {
    person(reading);
    zone(reading);
}

fn person(reading: &mut Reading<'_>) {
    let words = reading.words;
    let leads: [&[&str]; 4] = [&["call", "me"], &["my", "name", "is"], &["my", "name's"], &["name", "me"]];
    for at in 0..words.tokens.len() {
        let Some(lead) = leads.iter().find(|lead| words.at(at, lead)) else { continue };
        let first = at + lead.len();
        if words.tokens.get(first).is_none() {
            return;
        }
        // One word, and those after it that are written as names are.
        let mut last = first;
        while last + 1 < words.tokens.len()
            && last + 1 - first < MAX_WORDS
            && words.gap_after(last).trim().is_empty()
            && words.span(last + 1, last + 1).starts_with(char::is_uppercase)
        {
            last += 1;
        }
        let name = words.span(first, last);
        if !["back", "later", "when", "tomorrow", "at", "on", "if"].contains(&words.lower(first)) {
            reading.keep("name", json!(name), first, last);
        }
        return;
    }
}

fn zone(reading: &mut Reading<'_>) {
    let words = reading.words;
    for at in 0..words.tokens.len() {
        let text = words.span(at, at);
        let named = if text.contains('/') { text.parse::<Tz>().ok().or_else(|| ignoring_case(text)) } else { None };
        let speaks_of_zone = (at.saturating_sub(5)..at).any(|before| {
            words.lower(before) == "timezone" || (words.lower(before) == "time" && words.lower(before + 1) == "zone")
        });
        let found = named.or_else(|| {
            let city_time = words.lower(at + 1) == "time" && words.lower(at + 2) != "zone";
            if speaks_of_zone || city_time { by_city(text) } else { None }
        });
        if let Some(zone) = found {
            reading.keep("time-zone", json!(zone.name()), at, at);
            return;
        }
    }
}

fn ignoring_case(text: &str) -> Option<Tz> {
    TZ_VARIANTS.iter().copied().find(|zone| zone.name().eq_ignore_ascii_case(text))
}

/// "Berlin", "New_York", "UTC".
fn by_city(text: &str) -> Option<Tz> {
    if text.eq_ignore_ascii_case("utc") || text.eq_ignore_ascii_case("gmt") {
        return Some(Tz::UTC);
    }
    TZ_VARIANTS.iter().copied().find(|zone| {
        zone.name().rsplit_once('/').is_some_and(|(area, city)| area != "Etc" && city.eq_ignore_ascii_case(text))
    })
}
