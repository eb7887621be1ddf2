//! What a skill asks for, what a tenant grants, and what is left: requested ∩ granted.

use serde::{Deserialize, Serialize};

use crate::glob::{HostPattern, PathGlob};

/// Whose memory a skill may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryScope {
    /// The user's own.
    User,
    /// The user's own, and the tenant's.
    Tenant,
}

/// A set of capabilities, each narrowed to its targets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Capabilities {
    /// Paths in the workflow engine. With any of them the user's own folder is open too.
    pub windmill: Vec<PathGlob>,
    /// Memory.
    pub memory: Option<MemoryScope>,
    /// Web search.
    pub web_search: bool,
    /// Language models.
    pub llm: bool,
    /// Hosts that may be fetched from.
    pub http: Vec<HostPattern>,
    /// Other skills, by identifier.
    pub skills: Vec<String>,
    /// Secrets whose existence may be asked for, by name.
    pub secrets: Vec<String>,
}

impl Capabilities {
    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// What is in both: the effective permission of a skill is what it asks for ∩ what the tenant granted.
    #[must_use]
    pub fn intersect(&self, granted: &Self) -> Self {
        Self {
            windmill: intersect_by(&self.windmill, &granted.windmill, PathGlob::covers),
            memory: self.memory.and_then(|asked| granted.memory.map(|granted| asked.min(granted))),
            web_search: self.web_search && granted.web_search,
            llm: self.llm && granted.llm,
            http: intersect_by(&self.http, &granted.http, |wide, narrow| {
                wide == narrow || wide.matches(narrow.as_str().trim_start_matches("*."))
            }),
            skills: intersect_by(&self.skills, &granted.skills, String::eq),
            secrets: intersect_by(&self.secrets, &granted.secrets, String::eq),
        }
    }

    /// Whether a path of the workflow engine is open.
    #[must_use]
    pub fn allows_path(&self, path: &str) -> bool {
        self.windmill.iter().any(|glob| glob.matches(path))
    }

    /// Whether a host may be fetched from.
    #[must_use]
    pub fn allows_host(&self, host: &str) -> bool {
        self.http.iter().any(|pattern| pattern.matches(host))
    }

    /// Whether another skill may be called.
    #[must_use]
    pub fn allows_skill(&self, name: &str) -> bool {
        self.skills.iter().any(|skill| skill == name)
    }

    /// Whether the existence of a secret may be asked for.
    #[must_use]
    pub fn allows_secret(&self, name: &str) -> bool {
        self.secrets.iter().any(|secret| secret == name)
    }
}

/// Of each pair where one covers the other, the narrower; sorted, each once.
fn intersect_by<T: Clone + Ord>(asked: &[T], granted: &[T], covers: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let mut both: Vec<T> = Vec::new();
    for asked in asked {
        for granted in granted {
            if covers(granted, asked) {
                both.push(asked.clone());
            } else if covers(asked, granted) {
                both.push(granted.clone());
            }
        }
    }
    both.sort();
    both.dedup();
    both
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_intersection_is_never_more_than_either() {
        let of = |value| serde_json::from_value::<Capabilities>(value).unwrap();
        let asked = of(json!({
            "windmill": ["f/a/**", "f/b/x"], "memory": "tenant", "llm": true, "http": ["*.example.com", "a.org"],
            "skills": ["analytics", "core"], "secrets": ["key"],
        }));
        let granted = of(json!({
            "windmill": ["f/a/one", "f/b/*", "f/c/**"], "memory": "user", "web-search": true, "llm": true,
            "http": ["api.example.com", "b.org"], "skills": ["analytics"],
        }));
        let both = asked.intersect(&granted);
        assert_eq!(
            both,
            of(json!({
                "windmill": ["f/a/one", "f/b/x"], "memory": "user", "llm": true, "http": ["api.example.com"], "skills": ["analytics"],
            }))
        );
        assert_eq!(both, granted.intersect(&asked));
        assert_eq!(asked.intersect(&Capabilities::none()), Capabilities::none());
        assert_eq!(asked.intersect(&asked).windmill, asked.windmill);
    }

    #[test]
    fn nothing_is_open_by_default() {
        let none = Capabilities::none();
        assert!(
            !none.allows_path("f/a/b")
                && !none.allows_host("a.org")
                && !none.allows_skill("x")
                && !none.allows_secret("x")
        );
    }
}
