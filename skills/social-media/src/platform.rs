//! The platforms, their names for people, and what a post may be like. The same numbers stand in the script `social/platforms`, which
//! checks every post; a test holds the two together.

/// A platform.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Platform {
    /// As the router and the scripts name it.
    pub(crate) id: &'static str,
    /// For people.
    pub(crate) name: &'static str,
    /// Most characters of a post, as the platform counts them. The script measures (`social/measure`).
    pub(crate) limit: i32,
    /// A length that reads well there.
    pub(crate) comfortable: i32,
    /// How many hashtags are usual.
    pub(crate) hashtags: i32,
}

const PLATFORMS: &[Platform] = &[
    Platform { id: "twitter", name: "Twitter", limit: 280, comfortable: 240, hashtags: 2 },
    Platform { id: "linkedin", name: "LinkedIn", limit: 3_000, comfortable: 700, hashtags: 3 },
    Platform { id: "instagram", name: "Instagram", limit: 2_200, comfortable: 500, hashtags: 5 },
    Platform { id: "facebook", name: "Facebook", limit: 63_206, comfortable: 500, hashtags: 1 },
    Platform { id: "threads", name: "Threads", limit: 500, comfortable: 300, hashtags: 1 },
    Platform { id: "mastodon", name: "Mastodon", limit: 500, comfortable: 400, hashtags: 3 },
    Platform { id: "bluesky", name: "Bluesky", limit: 300, comfortable: 260, hashtags: 1 },
    Platform { id: "tiktok", name: "TikTok", limit: 2_200, comfortable: 150, hashtags: 4 },
    Platform { id: "youtube", name: "YouTube", limit: 5_000, comfortable: 600, hashtags: 3 },
    Platform { id: "pinterest", name: "Pinterest", limit: 500, comfortable: 300, hashtags: 3 },
    Platform { id: "reddit", name: "Reddit", limit: 300, comfortable: 120, hashtags: 0 },
];

/// The platform with this id or name; case does not matter.
pub(crate) fn find(text: &str) -> Option<&'static Platform> {
    PLATFORMS.iter().find(|platform| platform.id.eq_ignore_ascii_case(text) || platform.name.eq_ignore_ascii_case(text))
}

/// The platforms that an answer names, in its order: "Twitter and LinkedIn". None where it also says what it does not mean.
pub(crate) fn named_in(answer: &str) -> Vec<&'static Platform> {
    let answer = answer.trim();
    if let Some(platform) = find(answer).or_else(|| answer.eq_ignore_ascii_case("x").then(|| find("twitter")).flatten())
    {
        return vec![platform];
    }
    let words = || answer.split(|letter: char| !letter.is_alphanumeric());
    const NEGATIONS: [&str; 5] = ["not", "no", "except", "without", "but"];
    if words().any(|word| NEGATIONS.contains(&word.to_lowercase().as_str())) {
        return Vec::new();
    }
    let mut found: Vec<&'static Platform> = Vec::new();
    for platform in words().filter_map(find) {
        if !found.contains(&platform) {
            found.push(platform);
        }
    }
    found
}

/// The names for people, without these platforms.
pub(crate) fn names_without(excluded: &[String]) -> impl Iterator<Item = &'static str> {
    PLATFORMS.iter().filter(|platform| !excluded.iter().any(|id| id == platform.id)).map(|platform| platform.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_one_or_several() {
        let cases: &[(&str, &[&str])] = &[
            ("Twitter", &["twitter"]),
            (" x ", &["twitter"]),
            ("Twitter and LinkedIn", &["twitter", "linkedin"]),
            ("linkedin, mastodon, linkedin", &["linkedin", "mastodon"]),
            ("LinkedIn, not Facebook", &[]),
            ("Frobster", &[]),
            ("", &[]),
        ];
        for (answer, expected) in cases {
            let named: Vec<&str> = named_in(answer).iter().map(|platform| platform.id).collect();
            assert_eq!(named, *expected, "{answer}");
        }
    }

    #[test]
    fn the_script_has_the_same_rules() {
        let script = include_str!("../../../windmill/f/openanalyst/social/platforms.ts");
        for Platform { id, name, limit, comfortable, hashtags } in PLATFORMS {
            let rules = format!(
                "  {id}: {{ name: \"{name}\", limit: {limit}, comfortable: {comfortable}, hashtags: {{ usual: {hashtags}, "
            );
            assert!(script.contains(&rules), "social/platforms has no line that begins with {rules}");
        }
        assert_eq!(script.matches("comfortable: ").count() - 1, PLATFORMS.len(), "the same platforms");
    }
}
