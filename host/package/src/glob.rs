//! Patterns of paths in the workflow engine, and of hosts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Most characters of a pattern, as the engine allows for a path.
const MAX_CHARS: usize = 255;

/// A pattern of workflow paths such as `f/openanalyst/social/*`. `*` stands for one segment, or for a part of one; `**` as the last
/// segment stands for one or more segments. Everything else stands for itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathGlob(String);

/// A pattern of host names: `api.example.com`, or `*.example.com` for every name below it (but not itself).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPattern(String);

/// Why a pattern is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPattern(String);

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadPattern {}

impl PathGlob {
    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a path fits. A path with an empty segment, `.`, `..`, or any character but letters, digits, `_` and `-` never does.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        if !is_path(path) {
            return false;
        }
        let mut segments = path.split('/');
        let mut patterns = self.0.split('/').peekable();
        while let Some(pattern) = patterns.next() {
            let Some(segment) = segments.next() else { return false };
            if pattern == "**" && patterns.peek().is_none() {
                return true;
            }
            if !segment_matches(pattern, segment) {
                return false;
            }
        }
        segments.next().is_none()
    }

    /// Whether every path that `other` matches is matched by this one too. May say no where the answer is yes, never the reverse.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let (mine, theirs): (Vec<&str>, Vec<&str>) = (self.0.split('/').collect(), other.0.split('/').collect());
        let open = mine.last() == Some(&"**");
        let fixed = if open { mine.len() - 1 } else { mine.len() };
        if theirs.len() < mine.len() || (!open && theirs.len() != mine.len()) {
            return false;
        }
        mine.iter().zip(&theirs).take(fixed).all(|(mine, theirs)| {
            mine == theirs
                || (*theirs != "**" && (*mine == "*" || (!theirs.contains('*') && segment_matches(mine, theirs))))
        })
    }
}

/// Whether a text is a path of the workflow engine: `u/NAME/…`, `f/FOLDER/…` or `g/GROUP/…`, ASCII letters, digits, `_`, `-`.
#[must_use]
pub fn is_path(path: &str) -> bool {
    let plain = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    let mut segments = path.split('/');
    path.len() <= MAX_CHARS
        && matches!(segments.next(), Some("u" | "f" | "g"))
        && path.split('/').count() >= 3
        && segments.all(plain)
}

/// `*` in the pattern stands for any number of characters.
fn segment_matches(pattern: &str, segment: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = segment.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

impl FromStr for PathGlob {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let bad = |why: &str| Err(BadPattern(format!("`{text}` is no pattern of workflow paths: {why}")));
        let segments: Vec<&str> = text.split('/').collect();
        if text.len() > MAX_CHARS {
            return bad("it has more than 255 characters");
        }
        if !matches!(segments[0], "u" | "f" | "g") || segments.len() < 3 {
            return bad("it must begin with u/NAME/, f/FOLDER/ or g/GROUP/");
        }
        if segments[1].contains('*') {
            return bad("the folder or user must be named, without `*`");
        }
        for (index, segment) in segments.iter().enumerate() {
            if segment.is_empty() {
                return bad("it has an empty segment");
            }
            if segment.contains("**") && (*segment != "**" || index + 1 != segments.len()) {
                return bad("`**` may only be the whole last segment");
            }
            if !segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-*".contains(&byte)) {
                return bad("use letters, digits, `_`, `-` and `*`");
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl HostPattern {
    /// The pattern as written, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a host name fits. Case does not matter, nor does one dot at the end.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        match self.0.strip_prefix("*.") {
            Some(domain) => {
                host.strip_suffix(domain).and_then(|rest| rest.strip_suffix('.')).is_some_and(|rest| !rest.is_empty())
            }
            None => host == self.0,
        }
    }
}

impl FromStr for HostPattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let lower = text.to_ascii_lowercase();
        let name = lower.strip_prefix("*.").unwrap_or(&lower);
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let numeric = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        if name.len() > 253 || !name.contains('.') || !name.split('.').all(label) || numeric {
            return Err(BadPattern(format!(
                "`{text}` is no host: use a name such as api.example.com or *.example.com, without scheme, port, path or address"
            )));
        }
        Ok(Self(lower))
    }
}

macro_rules! as_text {
    ($($type:ty),+) => {
        $(impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        })+
    };
}

as_text!(PathGlob, HostPattern);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pattern_matches() {
        let table = [
            ("f/a/*", "f/a/b", true),
            ("f/a/*", "f/a/b/c", false),
            ("f/a/**", "f/a/b/c", true),
            ("f/a/**", "f/a", false),
            ("f/a/b", "f/a/b", true),
            ("f/a/b", "f/a/bc", false),
            ("f/a/pre*post", "f/a/pre_x_post", true),
            ("f/a/pre*post", "f/a/prepost", true),
            ("f/a/pre*post", "f/a/pre", false),
            ("f/a/*", "f/a/..", false),
            ("f/a/**", "f/a/../b/c", false),
            ("f/a/**", "f/a/%2e%2e/b", false),
            ("f/a/**", "f/a//b", false),
            ("f/a/**", "/f/a/b", false),
            ("f/a/**", "F/a/b", false),
        ];
        for (pattern, path, matches) in table {
            assert_eq!(pattern.parse::<PathGlob>().unwrap().matches(path), matches, "{pattern} {path}");
        }
    }

    #[test]
    fn a_pattern_covers_only_what_it_matches() {
        let table = [
            ("f/a/**", "f/a/b/c", true),
            ("f/a/**", "f/a/*", true),
            ("f/a/**", "f/a/**", true),
            ("f/a/*", "f/a/**", false),
            ("f/a/*", "f/a/x*", true),
            ("f/a/x*", "f/a/*", false),
            ("f/a/b", "f/a/c", false),
            ("f/a/b/**", "f/a/**", false),
        ];
        for (wide, narrow, covers) in table {
            let (wide, narrow): (PathGlob, PathGlob) = (wide.parse().unwrap(), narrow.parse().unwrap());
            assert_eq!(wide.covers(&narrow), covers, "{wide} {narrow}");
        }
    }

    #[test]
    fn bad_patterns_are_refused() {
        for text in [
            "", "f", "f/a", "x/a/b", "f/*/b", "f/a//b", "f/a/../b", "f/a/**/b", "f/a/b**", "f/a/b c", "f/a/%2f",
            "/f/a/b",
        ] {
            assert!(text.parse::<PathGlob>().is_err(), "{text}");
        }
        for text in ["", "localhost", "127.0.0.1", "a.b:80", "https://a.b", "a.b/c", "*.", "*.*.com", "-a.b", "[::1]"] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn hosts() {
        let below: HostPattern = "*.Example.com".parse().unwrap();
        assert!(below.matches("api.example.COM.") && !below.matches("example.com") && !below.matches("badexample.com"));
        assert!("api.example.com".parse::<HostPattern>().unwrap().matches("API.example.com"));
    }
}
