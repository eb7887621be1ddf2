//! Finds the time zone that a person names: `Europe/Berlin`, `europe berlin`, `Berlin`, `UTC`.

use chrono_tz::{TZ_VARIANTS, Tz};

/// The zone with this name, or with this city as the last part of its name. None where nothing fits.
pub(crate) fn find(said: &str) -> Option<Tz> {
    let wanted = normal(said);
    if wanted.is_empty() {
        return None;
    }
    let by_name = TZ_VARIANTS.iter().find(|zone| normal(zone.name()) == wanted);
    let by_city = || {
        TZ_VARIANTS
            .iter()
            .filter(|zone| zone.name().contains('/') && !zone.name().starts_with("Etc/"))
            .find(|zone| zone.name().rsplit('/').next().is_some_and(|city| normal(city) == wanted))
    };
    by_name.or_else(by_city).copied()
}

/// Lower case, with one `_` for each run of anything else than letters, digits, `+` and `-`.
fn normal(name: &str) -> String {
    let words: Vec<&str> = name
        .split(|letter: char| !(letter.is_alphanumeric() || letter == '+' || letter == '-'))
        .filter(|word| !word.is_empty())
        .collect();
    words.join("_").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_by_name_and_by_city() {
        for (said, name) in [
            ("Europe/Berlin", "Europe/Berlin"),
            ("europe berlin", "Europe/Berlin"),
            ("Berlin", "Europe/Berlin"),
            ("new york", "America/New_York"),
            ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
            ("utc", "UTC"),
        ] {
            assert_eq!(find(said).map(|zone| zone.name()), Some(name), "{said}");
        }
        assert_eq!(find("Narnia"), None);
        assert_eq!(find(" / "), None);
    }
}
