//! The states of tasks and jobs, and which of them are final.

use serde::{Deserialize, Serialize};

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? } final { $($fin:ident),+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every state.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name used on the wire and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The state of that name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|state| state.as_str() == name)
            }

            /// Whether nothing follows it.
            #[must_use]
            pub const fn is_final(self) -> bool {
                matches!(self, $(Self::$fin)|+)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

states!(
    /// Where a task stands.
    TaskStatus {
        /// Durable; nobody works on it yet.
        Accepted = "accepted",
        /// Somebody works on it.
        Running = "running",
        /// It asked, and waits for the user's answer. Rests without a lease; an answer makes it `Accepted` again.
        NeedsClarification = "needs-clarification",
        /// It ended with a reply.
        Completed = "completed",
        /// It ended with a failure.
        Failed = "failed",
        /// The user ended it.
        Cancelled = "cancelled",
    }
    final { Completed, Failed, Cancelled }
);

states!(
    /// Where a job of the workflow engine stands.
    JobStatus {
        /// Waits for a worker, or for its time.
        Queued = "queued",
        /// Runs.
        Running = "running",
        /// Ended with a result.
        Done = "done",
        /// Ended with an error.
        Failed = "failed",
        /// Was cancelled.
        Cancelled = "cancelled",
    }
    final { Done, Failed, Cancelled }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_json_and_in_the_database() {
        for status in TaskStatus::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert_eq!(TaskStatus::from_name(status.as_str()), Some(*status));
        }
        for status in JobStatus::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }
}
