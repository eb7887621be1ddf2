//! The words of routing: what goes in and what comes out.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::vectors::TextVectors;

/// What the router knows of a skill.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SkillProfile {
    /// The identifier.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// One paragraph.
    pub description: String,
    /// Words and phrases that speak for it.
    pub triggers: Vec<String>,
    /// Utterances that should reach it.
    pub examples: Vec<String>,
    /// Utterances that should not.
    pub anti_examples: Vec<String>,
    /// Platforms that it knows.
    pub platforms: Vec<String>,
    /// 1 first to 10.
    pub priority: u8,
    /// Whether it takes what no other skill understands.
    pub is_fallback: bool,
}

/// What a user said about an earlier route: "no, that was for analytics".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Correction {
    /// The words of the request. Only the first 512 bytes count.
    pub utterance: String,
    /// The skill's identifier.
    pub skill: String,
    /// Whether they belong to this skill, or do not.
    pub belongs: bool,
}

/// What can be set.
#[derive(Debug, Clone, PartialEq)]
pub struct RouterOptions {
    /// Below this confidence the fallback takes it, 0 to 1: the probability from which a skill may answer.
    pub threshold: f64,
    /// Of skills whose confidences are closer than this to the best one's, the priority decides; at the same priority they are a question to the
    /// user.
    pub ambiguity_margin: f64,
    /// Most entries of the ranking.
    pub max_ranking: usize,
}

impl Default for RouterOptions {
    fn default() -> Self {
        Self { threshold: 0.72, ambiguity_margin: 0.02, max_ranking: 10 }
    }
}

/// What a user said, and when and where.
#[derive(Debug, Clone, Copy)]
pub struct Utterance<'a> {
    /// The words. Only the first 2,000 are read.
    pub text: &'a str,
    /// The time, UTC milliseconds. Outside the years 1970 to 9999 the nearer end is taken.
    pub now_ms: i64,
    /// The user's time zone, an IANA name; an unknown one is read as UTC.
    pub time_zone: &'a str,
    /// The user's locale, such as `en-US`: the order of day and month in dates, the country of holidays, and the language
    /// where the words do not show it. None: not known.
    pub locale: Option<&'a str>,
    /// The skill that gave the last answer in this session.
    pub previous_skill: Option<&'a str>,
    /// Whether files came with it.
    pub has_attachments: bool,
    /// The embeddings of the request that the words belong to, where there are any.
    pub vectors: Option<&'a TextVectors>,
}

/// The outcome: a decision with everything that led to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// Which skill.
    pub decision: Decision,
    /// What else was understood.
    pub intent: Intent,
    /// The skills that have to do with it, best first; where priority decided between nearly equal ones, the chosen one leads.
    pub ranking: Vec<Ranked>,
    /// Why, in sentences.
    pub reasons: Vec<String>,
}

/// Which skill is meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Decision {
    /// This one.
    Skill {
        /// Its identifier.
        name: String,
        /// How sure, 0 to 1.
        confidence: f64,
    },
    /// None is sure enough, so the fallback takes it.
    Fallback {
        /// The fallback's identifier.
        name: String,
        /// How sure the best one was.
        confidence: f64,
        /// Why no other.
        why: String,
    },
    /// Two to four are as likely, at the same priority.
    Ambiguous {
        /// Their identifiers, best first.
        candidates: Vec<String>,
        /// What to ask the user.
        question: String,
    },
    /// There is no skill at all.
    NoSkills,
}

/// What was understood besides the skill.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// The verbs, in the order of the utterance.
    pub actions: Vec<String>,
    /// Platform, topic, time and the like.
    pub slots: Vec<Slot>,
    /// What was said and cannot be read, or has two readings: to be asked before anything is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unclear: Vec<Unclear>,
}

/// Something that was said and must be asked about: no reading of it is taken in silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unclear {
    /// The slot that it would be, and the id of the question: `when`.
    pub slot: String,
    /// The words that it is about.
    pub text: String,
    /// What was understood of them, if anything.
    pub understood: Option<String>,
    /// The words that no reading uses.
    pub left_over: Vec<String>,
    /// What to ask the user.
    pub question: String,
    /// Answers to choose from, each of which can be read; there may be others.
    pub options: Vec<String>,
}

/// One thing that was read out of the words. Names and shapes are those of `slot` in the WIT package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// The words that it was read from.
    pub text: String,
}

/// A skill in the ranking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ranked {
    /// Its identifier.
    pub skill: String,
    /// The sum of the evidence.
    pub score: f64,
    /// How sure, 0 to 1: the part of such requests that mean this skill, where every second request means none.
    pub confidence: f64,
    /// What speaks for and against it.
    pub evidence: Vec<Evidence>,
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Where it comes from.
    pub kind: EvidenceKind,
    /// The words.
    pub text: String,
    /// What it adds; below zero: what it takes away.
    pub weight: f64,
}

/// Where evidence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// A trigger stands in the utterance.
    Trigger,
    /// A word of an example does.
    Example,
    /// A word of the name does.
    Name,
    /// A word of the description does.
    Description,
    /// The utterance is one of the examples.
    WholeExample,
    /// A platform of the skill is named.
    Platform,
    /// The skill gave the last answer, and the utterance goes on from it.
    Session,
    /// Files came with it.
    Attachment,
    /// The utterance says a recurrence, and the skill does things again and again.
    Recurrence,
    /// The utterance is like an anti-example.
    AntiExample,
    /// The model that is learnt from the catalogue says so; the words are those that it goes by.
    Learnt,
    /// The embeddings of the request and of the skill's texts are near each other; the words are those of the nearest text.
    Embedding,
}
