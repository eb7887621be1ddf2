//! The platforms, their names for people, and how long a post may be. The scripts hold the finer rules.

/// A platform.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Platform {
    /// As the router and the scripts name it.
    pub(crate) id: &'static str,
    /// For people.
    pub(crate) name: &'static str,
    /// Most characters of a post.
    pub(crate) limit: i32,
}

const PLATFORMS: &[Platform] = &[
    Platform { id: "twitter", name: "Twitter", limit: 280 },
    Platform { id: "linkedin", name: "LinkedIn", limit: 3_000 },
    Platform { id: "instagram", name: "Instagram", limit: 2_200 },
    Platform { id: "facebook", name: "Facebook", limit: 63_206 },
    Platform { id: "threads", name: "Threads", limit: 500 },
    Platform { id: "mastodon", name: "Mastodon", limit: 500 },
    Platform { id: "bluesky", name: "Bluesky", limit: 300 },
    Platform { id: "tiktok", name: "TikTok", limit: 2_200 },
    Platform { id: "youtube", name: "YouTube", limit: 5_000 },
    Platform { id: "pinterest", name: "Pinterest", limit: 500 },
    Platform { id: "reddit", name: "Reddit", limit: 300 },
];

/// The platform with this id or name; case does not matter.
pub(crate) fn find(text: &str) -> Option<&'static Platform> {
    PLATFORMS.iter().find(|platform| platform.id.eq_ignore_ascii_case(text) || platform.name.eq_ignore_ascii_case(text))
}

/// The names for people.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    PLATFORMS.iter().map(|platform| platform.name)
}
