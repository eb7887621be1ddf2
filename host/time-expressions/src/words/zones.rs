//! Names of zones: cities of the IANA database, other cities and countries, abbreviations.

use chrono_tz::{TZ_VARIANTS, Tz};

type Choice = (&'static str, Tz, &'static str);

/// Abbreviations with one meaning in common use. They name the zone, whose clock changes with the season.
pub(crate) const ABBREVIATIONS: &[(&str, Tz)] = &[
    ("utc", Tz::UTC),
    ("gmt", Tz::UTC),
    ("zulu", Tz::UTC),
    ("est", Tz::America__New_York),
    ("edt", Tz::America__New_York),
    ("et", Tz::America__New_York),
    ("eastern", Tz::America__New_York),
    ("pacific", Tz::America__Los_Angeles),
    ("eastern time", Tz::America__New_York),
    ("cdt", Tz::America__Chicago),
    ("central time", Tz::America__Chicago),
    ("mst", Tz::America__Denver),
    ("mdt", Tz::America__Denver),
    ("mountain time", Tz::America__Denver),
    ("pst", Tz::America__Los_Angeles),
    ("pdt", Tz::America__Los_Angeles),
    ("pt", Tz::America__Los_Angeles),
    ("pacific time", Tz::America__Los_Angeles),
    ("akst", Tz::America__Anchorage),
    ("hst", Tz::Pacific__Honolulu),
    ("cet", Tz::Europe__Paris),
    ("cest", Tz::Europe__Paris),
    ("mez", Tz::Europe__Berlin),
    ("mesz", Tz::Europe__Berlin),
    ("eet", Tz::Europe__Helsinki),
    ("eest", Tz::Europe__Helsinki),
    ("wet", Tz::Europe__Lisbon),
    ("west european time", Tz::Europe__Lisbon),
    ("msk", Tz::Europe__Moscow),
    ("jst", Tz::Asia__Tokyo),
    ("kst", Tz::Asia__Seoul),
    ("hkt", Tz::Asia__Hong_Kong),
    ("sgt", Tz::Asia__Singapore),
    ("aest", Tz::Australia__Sydney),
    ("aedt", Tz::Australia__Sydney),
    ("acst", Tz::Australia__Adelaide),
    ("awst", Tz::Australia__Perth),
    ("nzst", Tz::Pacific__Auckland),
    ("nzdt", Tz::Pacific__Auckland),
    ("brt", Tz::America__Sao_Paulo),
];

/// Abbreviations with several: the country that decides, the zone, and its city.
pub(crate) const AMBIGUOUS: &[(&str, &[Choice])] = &[
    (
        "ist",
        &[
            ("IN", Tz::Asia__Kolkata, "Kolkata"),
            ("IE", Tz::Europe__Dublin, "Dublin"),
            ("IL", Tz::Asia__Jerusalem, "Jerusalem"),
        ],
    ),
    ("bst", &[("GB", Tz::Europe__London, "London"), ("BD", Tz::Asia__Dhaka, "Dhaka")]),
    ("cst", &[("US", Tz::America__Chicago, "Chicago"), ("CN", Tz::Asia__Shanghai, "Shanghai")]),
    ("ast", &[("CA", Tz::America__Halifax, "Halifax"), ("SA", Tz::Asia__Riyadh, "Riyadh")]),
];

const MORE: &[(&str, Tz)] = &[
    ("boston", Tz::America__New_York),
    ("washington", Tz::America__New_York),
    ("miami", Tz::America__New_York),
    ("atlanta", Tz::America__New_York),
    ("philadelphia", Tz::America__New_York),
    ("nyc", Tz::America__New_York),
    ("montreal", Tz::America__Toronto),
    ("dallas", Tz::America__Chicago),
    ("houston", Tz::America__Chicago),
    ("austin", Tz::America__Chicago),
    ("san francisco", Tz::America__Los_Angeles),
    ("seattle", Tz::America__Los_Angeles),
    ("san diego", Tz::America__Los_Angeles),
    ("las vegas", Tz::America__Los_Angeles),
    ("california", Tz::America__Los_Angeles),
    ("rio de janeiro", Tz::America__Sao_Paulo),
    ("munich", Tz::Europe__Berlin),
    ("münchen", Tz::Europe__Berlin),
    ("hamburg", Tz::Europe__Berlin),
    ("frankfurt", Tz::Europe__Berlin),
    ("cologne", Tz::Europe__Berlin),
    ("köln", Tz::Europe__Berlin),
    ("germany", Tz::Europe__Berlin),
    ("german", Tz::Europe__Berlin),
    ("barcelona", Tz::Europe__Madrid),
    ("spain", Tz::Europe__Madrid),
    ("milan", Tz::Europe__Rome),
    ("italy", Tz::Europe__Rome),
    ("france", Tz::Europe__Paris),
    ("geneva", Tz::Europe__Zurich),
    ("zürich", Tz::Europe__Zurich),
    ("wien", Tz::Europe__Vienna),
    ("uk", Tz::Europe__London),
    ("england", Tz::Europe__London),
    ("manchester", Tz::Europe__London),
    ("edinburgh", Tz::Europe__London),
    ("moskau", Tz::Europe__Moscow),
    ("beijing", Tz::Asia__Shanghai),
    ("china", Tz::Asia__Shanghai),
    ("osaka", Tz::Asia__Tokyo),
    ("japan", Tz::Asia__Tokyo),
    ("tokio", Tz::Asia__Tokyo),
    ("india", Tz::Asia__Kolkata),
    ("mumbai", Tz::Asia__Kolkata),
    ("delhi", Tz::Asia__Kolkata),
    ("new delhi", Tz::Asia__Kolkata),
    ("bangalore", Tz::Asia__Kolkata),
    ("korea", Tz::Asia__Seoul),
    ("tel aviv", Tz::Asia__Jerusalem),
    ("israel", Tz::Asia__Jerusalem),
    ("hawaii", Tz::Pacific__Honolulu),
    ("new zealand", Tz::Pacific__Auckland),
    ("wellington", Tz::Pacific__Auckland),
];

/// Names that mean something else in most texts.
const NOT_CITIES: &[&str] =
    &["easter", "wake", "midway", "reunion", "center", "north", "south", "west", "nome", "troll"];

const AREAS: &[&str] =
    &["Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific", "Antarctica"];

/// Cities and countries in small letters, with their zones.
pub(crate) fn cities() -> impl Iterator<Item = (&'static str, Tz)> {
    let named = TZ_VARIANTS.iter().filter_map(|zone| {
        let (area, rest) = zone.name().split_once('/')?;
        let city = rest.rsplit('/').next()?;
        let name = city.replace('_', " ").to_lowercase();
        (AREAS.contains(&area) && !NOT_CITIES.contains(&name.as_str()) && name.len() > 3)
            // Built once for each table and kept as long as the program runs.
            .then(|| (&*name.leak(), *zone))
    });
    named.chain(MORE.iter().copied())
}

/// The zone of an IANA name, in any case: `Europe/Berlin`.
pub(crate) fn by_name(name: &str) -> Option<Tz> {
    name.parse().ok().or_else(|| TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(name)).copied())
}

/// The zone of a fixed offset in minutes, where one has it.
pub(crate) fn by_offset(minutes: i32) -> Option<Tz> {
    match minutes {
        0 => Some(Tz::UTC),
        330 => Some(Tz::Asia__Kolkata),
        345 => Some(Tz::Asia__Kathmandu),
        390 => Some(Tz::Asia__Yangon),
        270 => Some(Tz::Asia__Kabul),
        525 => Some(Tz::Australia__Eucla),
        570 => Some(Tz::Australia__Darwin),
        -570 => Some(Tz::Pacific__Marquesas),
        _ if minutes % 60 == 0 => format!("Etc/GMT{:+}", -minutes / 60).parse().ok(),
        _ => None,
    }
}
