//! The things that can be asked of this skill.

use serde::{Deserialize, Serialize};

/// One thing that the user wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Wish {
    /// A greeting, and nothing else.
    Greet,
    /// Thanks, and nothing else.
    Thanks,
    /// What can be done here.
    Help,
    /// To be called so.
    Name {
        /// The name as the user wrote it.
        name: String,
    },
    /// To be called by a name of which the words do not show where it ends.
    UnclearName {
        /// The words.
        said: String,
    },
    /// Nothing that this skill does, told beside something that it does, or a place that it does not keep.
    NotKept {
        /// It, in the user's words.
        said: String,
        /// The place where the user lives, where the words name it.
        place: Option<String>,
    },
    /// To live in this time zone.
    TimeZone {
        /// The zone or city as the user named it.
        said: String,
    },
    /// To have dates read as in this country, or by this locale.
    Locale {
        /// The locale, country or order as the user named it.
        said: String,
    },
    /// An answer from what was told: "what is our brand colour".
    Fact {
        /// The question, in the user's words.
        question: String,
    },
    /// The last thing that was remembered or forgotten taken back.
    Undo,
    /// A preference.
    Preference {
        /// Its key, without the folder `preferences/`.
        key: String,
        /// It, in words.
        value: String,
    },
    /// What shall always be done.
    Instruction {
        /// It, in the user's words.
        text: String,
        /// Whether it stands for all earlier ones.
        replace: bool,
    },
    /// To hear what is remembered.
    Recall {
        /// Only about this, where the user said so.
        about: Option<String>,
    },
    /// That something is forgotten.
    Forget {
        /// What, in the user's words.
        what: String,
    },
    /// That all of it is forgotten.
    ForgetEverything,
    /// Nothing that this skill understands.
    Unknown,
}

impl Wish {
    /// One word for step ids and data.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Greet => "greet",
            Self::Thanks => "thanks",
            Self::Help => "help",
            Self::Name { .. } | Self::UnclearName { .. } => "name",
            Self::NotKept { .. } => "not-kept",
            Self::TimeZone { .. } => "time-zone",
            Self::Locale { .. } => "locale",
            Self::Fact { .. } => "fact",
            Self::Undo => "undo",
            Self::Preference { .. } => "preference",
            Self::Instruction { .. } => "instruction",
            Self::Recall { .. } => "recall",
            Self::Forget { .. } | Self::ForgetEverything => "forget",
            Self::Unknown => "unknown",
        }
    }

    /// The step's title for the user.
    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::Greet | Self::Thanks => "Say hello",
            Self::Help => "Look up what can be done",
            Self::Name { .. } | Self::UnclearName { .. } => "Remember your name",
            Self::NotKept { .. } => "Say what is not kept",
            Self::TimeZone { .. } => "Remember your time zone",
            Self::Locale { .. } => "Remember how you write dates",
            Self::Fact { .. } => "Look up what you told me",
            Self::Undo => "Undo it",
            Self::Preference { .. } => "Remember your preference",
            Self::Instruction { .. } => "Remember your instruction",
            Self::Recall { .. } => "Look up what is remembered",
            Self::Forget { .. } | Self::ForgetEverything => "Forget it",
            Self::Unknown => "Look up what can be done",
        }
    }

    /// Whether granting it must leave the memory changed. Forgetting what was never known changes nothing and is granted too.
    pub(crate) fn changes_memory(&self) -> bool {
        matches!(
            self,
            Self::Name { .. }
                | Self::UnclearName { .. }
                | Self::TimeZone { .. }
                | Self::Locale { .. }
                | Self::Preference { .. }
                | Self::Instruction { .. }
        )
    }
}
