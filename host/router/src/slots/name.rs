//! "Call me Ada", "my time zone is Europe/Berlin".

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono_tz::{TZ_VARIANTS, Tz};
use serde_json::json;

use super::{Reading, topic};

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
        if topic::is_within(words, at) {
            return;
        }
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
        let name = super::clip(words.span(first, last));
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
        let named = if text.contains('/') { look_up(text) } else { None };
        let speaks_of_zone = (at.saturating_sub(5)..at).any(|before| {
            words.lower(before) == "timezone" || (words.lower(before) == "time" && words.lower(before + 1) == "zone")
        });
        // The longer name first: "New York" before "York".
        let by_name = || {
            [at + 2, at + 1, at].into_iter().filter(|last| *last < words.tokens.len()).find_map(|last| {
                let city_time = words.lower(last + 1) == "time" && words.lower(last + 2) != "zone";
                if speaks_of_zone || city_time { by_city(words.span(at, last)).map(|zone| (zone, last)) } else { None }
            })
        };
        if let Some((zone, last)) = named.map(|zone| (zone, at)).or_else(by_name) {
            if topic::is_within(words, at) {
                return;
            }
            reading.keep("time-zone", json!(zone.name()), at, last);
            return;
        }
    }
}

/// Every zone by its name and by its city, both in lower case with spaces for underscores. A city that stands in several areas is the first of them.
static ZONES: LazyLock<HashMap<String, Tz>> = LazyLock::new(|| {
    let mut zones = HashMap::new();
    for zone in TZ_VARIANTS {
        let name = zone.name().to_lowercase().replace('_', " ");
        if let Some((_, city)) = name.rsplit_once('/').filter(|(area, _)| *area != "etc") {
            zones.entry(city.to_owned()).or_insert(zone);
        }
        zones.insert(name, zone);
    }
    zones.extend([("utc".to_owned(), Tz::UTC), ("gmt".to_owned(), Tz::UTC)]);
    zones
});
/// Most bytes of a zone's name; the longest has about 30.
const MAX_ZONE_BYTES: usize = 40;

fn look_up(text: &str) -> Option<Tz> {
    (text.len() <= MAX_ZONE_BYTES)
        .then(|| text.to_lowercase().replace('_', " "))
        .and_then(|name| ZONES.get(&name).copied())
}

/// "Berlin", "New York", "New_York", "UTC"; no whole country ("Cuba", "Iran"), whose name seldom means its clock.
fn by_city(text: &str) -> Option<Tz> {
    look_up(text).filter(|zone| *zone == Tz::UTC || zone.name().contains('/'))
}
