//! Identifiers, each a type of its own so that a tenant can never be passed where a user is meant.
//!
//! Names that come from outside (tenant, user, session) are checked when they are made; ids made here are UUIDv7 (RFC 9562),
//! so they sort by the time of their making.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A text that is not a valid identifier: which, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {reason}")]
pub struct InvalidId {
    what: &'static str,
    reason: String,
}

fn check_name(what: &'static str, text: &str, max_chars: usize) -> Result<(), InvalidId> {
    let reason = if text.is_empty() {
        "is empty: give it at least one character".to_owned()
    } else if text.chars().take(max_chars + 1).count() > max_chars {
        format!("has more than {max_chars} characters: shorten it")
    } else if let Some(bad) = text.chars().find(|c| c.is_control()) {
        format!("holds the control character U+{:04X}: remove it", bad as u32)
    } else {
        return Ok(());
    };
    Err(InvalidId { what, reason })
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        pub struct $name(String);

        impl $name {
            /// The greatest length, in characters.
            pub const MAX_CHARS: usize = $max;

            /// Checks and takes a name.
            ///
            /// # Errors
            /// Empty, longer than [`Self::MAX_CHARS`], or with control characters.
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                check_name($what, &text, $max)?;
                Ok(Self(text))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidId;
            fn try_from(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

name_type!(
    /// An organisation.
    TenantId, "the tenant", 128
);
name_type!(
    /// A person in an organisation: the `sub` of their token.
    UserId, "the user", 128
);
name_type!(
    /// The client's own name for a session. It means something only together with its tenant and user.
    SessionKey, "sessionId", 128
);

/// A name of which the first one cannot be read: the beginning of its SHA-256.
fn pseudonym_of(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("deleted:{hex}")
}

impl TenantId {
    /// In whose name it is remembered that a tenant was deleted.
    #[must_use]
    pub fn pseudonym(&self) -> Self {
        Self(pseudonym_of(&self.0))
    }
}

impl UserId {
    /// In whose name it is remembered that a user was deleted.
    #[must_use]
    pub fn pseudonym(&self) -> Self {
        Self(pseudonym_of(&self.0))
    }

    /// Stands for all users of a deleted tenant.
    #[must_use]
    pub fn everybody() -> Self {
        Self("*".to_owned())
    }

    /// The user's folder in the workflow engine, `u/NAME`.
    ///
    /// Windmill allows letters, digits, `_` and `-` in a path (contract §3); a user whose name holds anything else gets a readable
    /// form with a digest of the whole name behind it. A plain name that looks as if it ended with such a digest gets one too,
    /// so that two users never share a folder.
    #[must_use]
    pub fn folder(&self) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if self.0.len() <= 64 && self.0.chars().all(plain) && !ends_with_digest(&self.0) {
            return format!("u/{}", self.0);
        }
        let short: String = self.0.chars().map(|c| if plain(c) { c } else { '_' }).take(40).collect();
        let digest = Sha256::digest(self.0.as_bytes());
        let hex: String = digest.iter().take(DIGEST_CHARS / 2).map(|byte| format!("{byte:02x}")).collect();
        format!("u/{short}-{hex}")
    }
}

/// How many characters of the digest stand in a folder's name: 128 bits.
const DIGEST_CHARS: usize = 32;

fn ends_with_digest(name: &str) -> bool {
    name.rsplit_once('-')
        .is_some_and(|(_, end)| end.len() == DIGEST_CHARS && end.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

macro_rules! uuid_type {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new one, UUIDv7.
            #[must_use]
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::parse_str(text.trim()).map(Self).map_err(|error| InvalidId {
                    what: $what,
                    reason: format!("is not a UUID ({error})"),
                })
            }
        }
    };
}

uuid_type!(
    /// One user request from acceptance to its terminal state.
    TaskId, "the task id"
);
uuid_type!(
    /// One run of a script or flow.
    JobId, "the job id"
);
uuid_type!(
    /// One message of a conversation, or on the hub.
    MessageId, "the message id"
);
uuid_type!(
    /// One running process of the host.
    NodeId, "the node id"
);

/// Whose something is: every row belongs to a tenant, personal rows also to a user.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// The organisation.
    pub tenant: TenantId,
    /// The person in it.
    pub user: UserId,
}

impl Owner {
    /// Puts the two together.
    #[must_use]
    pub fn new(tenant: TenantId, user: UserId) -> Self {
        Self { tenant, user }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.user)
    }
}

/// A SHA-256 digest (FIPS 180-4) as 64 lower-case hexadecimal digits. Names an immutable build.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Takes the 32 bytes of a SHA-256.
    #[must_use]
    pub fn from_sha256(bytes: [u8; 32]) -> Self {
        use fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// The 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Digest {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId { what: "the digest", reason: "is not 64 lower-case hexadecimal digits".to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_printable() {
        assert!(TenantId::parse("demo").is_ok());
        assert!(SessionKey::parse("x".repeat(128)).is_ok());
        for bad in [String::new(), "x".repeat(129), "a\nb".to_owned()] {
            assert!(SessionKey::parse(bad).is_err());
        }
        assert!(SessionKey::parse("x".repeat(10_000)).unwrap_err().to_string().contains("128"));
    }

    #[test]
    fn folders_fit_the_path_rule_and_never_meet() {
        assert_eq!(UserId::parse("demo").unwrap().folder(), "u/demo");
        let hashed = UserId::parse("ada@example.com").unwrap().folder();
        let imitation = UserId::parse(&hashed["u/".len()..]).unwrap().folder();
        assert_ne!(hashed, imitation, "nobody gets another's folder by taking its name");
        let a = UserId::parse("ada@example.com").unwrap().folder();
        let b = UserId::parse("ada_example.com").unwrap().folder();
        assert_ne!(a, b);
        assert!(a[2..].chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'), "{a}");
    }

    #[test]
    fn ids_sort_by_time() {
        let ids: Vec<_> = (0..100).map(|_| TaskId::new()).collect();
        assert!(ids.is_sorted());
        assert_eq!(ids[0].to_string().parse::<TaskId>().unwrap(), ids[0]);
    }
}
