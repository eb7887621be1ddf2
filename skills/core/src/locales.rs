//! The locale that a person names: `en-US`, "the US", "German dates", "day first". It decides how dates such as 05/06/2027 are read.

/// ISO 639-1.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et \
     eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv \
     kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw \
     sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

/// ISO 3166-1, two letters.
const REGIONS: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD \
     CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP \
     GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU \
     LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN \
     PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW \
     TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// Regions where the month comes first.
const MONTH_FIRST: &[&str] = &["US", "PH", "PR", "GU", "VI", "AS", "MP", "FM", "PW", "MH"];
/// Regions where both orders are in daily use.
const EITHER: &[&str] = &["CA"];

/// Names of countries and their people, with the locale that is usual there.
const COUNTRIES: &[(&str, &str)] = &[
    ("us usa u.s. u.s.a. united states,united states of america,america,american,states", "en-US"),
    (
        "uk u.k. gb britain british england english scotland scottish wales welsh,united kingdom,great britain,northern ireland",
        "en-GB",
    ),
    ("ireland irish", "en-IE"),
    ("canada canadian", "en-CA"),
    ("australia australian", "en-AU"),
    ("india indian", "en-IN"),
    ("singapore", "en-SG"),
    ("philippines,the philippines,philippine filipino", "en-PH"),
    ("germany german deutschland deutsch", "de-DE"),
    ("austria austrian österreich", "de-AT"),
    ("switzerland swiss schweiz", "de-CH"),
    ("france french", "fr-FR"),
    ("belgium belgian", "nl-BE"),
    ("netherlands dutch holland", "nl-NL"),
    ("luxembourg", "fr-LU"),
    ("spain spanish", "es-ES"),
    ("mexico mexican", "es-MX"),
    ("argentina argentinian", "es-AR"),
    ("chile chilean", "es-CL"),
    ("colombia colombian", "es-CO"),
    ("peru peruvian", "es-PE"),
    ("italy italian", "it-IT"),
    ("portugal portuguese", "pt-PT"),
    ("brazil brazilian", "pt-BR"),
    ("poland polish", "pl-PL"),
    ("czechia czech,czech republic", "cs-CZ"),
    ("slovakia slovak", "sk-SK"),
    ("hungary hungarian", "hu-HU"),
    ("romania romanian", "ro-RO"),
    ("bulgaria bulgarian", "bg-BG"),
    ("croatia croatian", "hr-HR"),
    ("slovenia slovenian", "sl-SI"),
    ("greece greek", "el-GR"),
    ("turkey turkish türkiye", "tr-TR"),
    ("sweden swedish", "sv-SE"),
    ("norway norwegian", "nb-NO"),
    ("denmark danish", "da-DK"),
    ("finland finnish", "fi-FI"),
    ("iceland icelandic", "is-IS"),
    ("estonia estonian", "et-EE"),
    ("latvia latvian", "lv-LV"),
    ("lithuania lithuanian", "lt-LT"),
    ("ukraine ukrainian", "uk-UA"),
    ("japan japanese", "ja-JP"),
    ("china chinese", "zh-CN"),
    ("taiwan taiwanese", "zh-TW"),
    ("korea korean,south korea", "ko-KR"),
    ("israel israeli", "he-IL"),
    ("south africa,south african", "en-ZA"),
    ("new zealand", "en-NZ"),
    ("european europe", "en-GB"),
];

/// How a date in digits is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    DayFirst,
    MonthFirst,
    /// The locale does not say; it is asked about each time.
    Either,
}

/// The locale, as BCP 47 writes it, that somebody names. None where nothing is known by that name.
pub(crate) fn find(said: &str) -> Option<String> {
    let lower = said.trim().to_lowercase();
    let lower = lower.strip_prefix("the ").unwrap_or(&lower);
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["day first", "day-first", "dd/mm", "dd.mm", "dd-mm", "day before", "day month", "day-month", "day/month"])
    {
        return Some("en-GB".to_owned());
    }
    if has(&["month first", "month-first", "mm/dd", "mm-dd", "month before", "month day", "month-day", "month/day"]) {
        return Some("en-US".to_owned());
    }
    // "uk" is the country, and no longer the language, to nearly everybody who writes English.
    country(lower).map(str::to_owned).or_else(|| tag(lower))
}

/// The locale of a country or its people.
pub(crate) fn country(said: &str) -> Option<&'static str> {
    let lower = said.trim().trim_end_matches(['.', '!']).to_lowercase();
    let lower = lower.strip_prefix("the ").unwrap_or(&lower);
    let is_named = |names: &str| {
        names
            .split(',')
            .any(|part| part == lower || (!lower.contains(' ') && part.split(' ').any(|word| word == lower)))
    };
    // "united" alone names no country.
    let is_word = !matches!(
        lower,
        "" | "united" | "of" | "great" | "south" | "new" | "northern" | "republic" | "kingdom" | "africa"
    );
    COUNTRIES.iter().find(|(names, _)| is_word && is_named(names)).map(|(_, locale)| *locale)
}

/// A tag of BCP 47 with language, script and region: checked, and in its usual letters.
fn tag(lower: &str) -> Option<String> {
    let mut parts = lower.split(['-', '_']);
    let language = parts.next().filter(|language| LANGUAGES.split_whitespace().any(|known| known == *language))?;
    let mut tag = language.to_owned();
    let mut part = parts.next();
    if let Some(script) =
        part.filter(|script| script.len() == 4 && script.chars().all(|letter| letter.is_ascii_lowercase()))
    {
        tag.push_str(&format!("-{}{}", script[..1].to_ascii_uppercase(), &script[1..]));
        part = parts.next();
    }
    if let Some(region) = part {
        let region = region.to_ascii_uppercase();
        if !REGIONS.split_whitespace().any(|known| known == region) {
            return None;
        }
        tag.push_str(&format!("-{region}"));
    }
    parts.next().is_none().then_some(tag)
}

/// How dates are read with this locale.
pub(crate) fn order(locale: &str) -> Order {
    const DAY_FIRST: &str = "de fr es it pt nl pl ru da nb fi cs el uk";
    let mut parts = locale.split('-');
    let language = parts.next().unwrap_or_default();
    match parts.find(|part| part.len() == 2) {
        Some(region) if MONTH_FIRST.contains(&region) => Order::MonthFirst,
        Some(region) if EITHER.contains(&region) => Order::Either,
        Some(_) => Order::DayFirst,
        None if DAY_FIRST.split(' ').any(|known| known == language) => Order::DayFirst,
        None => Order::Either,
    }
}

/// What that means for the user.
pub(crate) fn in_words(locale: &str) -> &'static str {
    match order(locale) {
        Order::DayFirst => "the day comes first: 05/06/2027 is 5 June 2027",
        Order::MonthFirst => "the month comes first: 05/06/2027 is May 6, 2027",
        Order::Either => "it leaves open which comes first, so I ask where 05/06/2027 could be both 5 June and May 6",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_are_found_by_tag_country_and_order() {
        for (said, locale) in [
            ("en-US", Some("en-US")),
            ("EN_us", Some("en-US")),
            ("de-at", Some("de-AT")),
            ("zh-hant-tw", Some("zh-Hant-TW")),
            ("de", Some("de")),
            ("the US", Some("en-US")),
            ("Austria", Some("de-AT")),
            ("the United Kingdom", Some("en-GB")),
            ("German", Some("de-DE")),
            ("dates day first", Some("en-GB")),
            ("mm/dd/yyyy", Some("en-US")),
            ("xx-US", None),
            ("en-QQ", None),
            ("en-US-x-more", None),
            ("Narnia", None),
            ("Berlin", None),
            ("united", None),
            ("", None),
        ] {
            assert_eq!(find(said).as_deref(), locale, "{said}");
        }
    }

    #[test]
    fn the_order_follows_the_region() {
        for (locale, expected) in [
            ("en-US", Order::MonthFirst),
            ("en-GB", Order::DayFirst),
            ("de-AT", Order::DayFirst),
            ("en-CA", Order::Either),
            ("de", Order::DayFirst),
            ("en", Order::Either),
            ("zh-Hant-TW", Order::DayFirst),
        ] {
            assert_eq!(order(locale), expected, "{locale}");
        }
    }
}
