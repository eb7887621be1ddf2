//! What a token allows.

use std::fmt;
use std::str::FromStr;

/// One permission of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Make requests, and see one's own tasks.
    Requests,
    /// See the tenant's skills.
    SkillsRead,
    /// Upload, grant, activate and remove skills.
    SkillsWrite,
    /// Make users.
    UsersWrite,
    /// See one's own history.
    HistoryRead,
    /// Everything.
    Admin,
}

impl Scope {
    /// All scopes.
    pub const ALL: &'static [Self] =
        &[Self::Requests, Self::SkillsRead, Self::SkillsWrite, Self::UsersWrite, Self::HistoryRead, Self::Admin];

    /// The name in a token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::SkillsRead => "skills:read",
            Self::SkillsWrite => "skills:write",
            Self::UsersWrite => "users:write",
            Self::HistoryRead => "history:read",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// There is no such scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no such scope: use requests, skills:read, skills:write, users:write, history:read or admin")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(name: &str) -> Result<Self, UnknownScope> {
        Self::ALL.iter().copied().find(|scope| scope.as_str() == name).ok_or(UnknownScope)
    }
}

/// The scopes of a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScopeSet(u8);

impl ScopeSet {
    /// The scopes in a space-separated list. A name that is not known grants nothing.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        text.split(' ').filter_map(|name| name.parse().ok()).collect()
    }

    /// Whether the set allows this. `admin` allows everything.
    #[must_use]
    pub fn has(self, scope: Scope) -> bool {
        self.0 & (bit(scope) | bit(Scope::Admin)) != 0
    }

    /// The scopes in it, in their order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |scope| self.0 & bit(*scope) != 0)
    }
}

const fn bit(scope: Scope) -> u8 {
    1 << scope as u8
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | bit(scope)))
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Scope::as_str).collect();
        f.write_str(&names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways_and_unknown_ones_grant_nothing() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(*scope));
            let only: ScopeSet = [*scope].into_iter().collect();
            for other in Scope::ALL {
                assert_eq!(only.has(*other), scope == other || *scope == Scope::Admin);
            }
        }
        assert_eq!(ScopeSet::parse("requests root  skills:read").to_string(), "requests skills:read");
        assert!(!ScopeSet::parse("Requests").has(Scope::Requests));
        assert_eq!("everything".parse::<Scope>(), Err(UnknownScope));
    }
}
