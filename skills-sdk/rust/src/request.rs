//! Reading a request: what the router understood, what the user answered, what came with it.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Result;
use crate::types::{Attachment, Failure, Request};

/// A moment that the user named (slot `when`), read in the user's time zone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct When {
    /// The moment, UTC.
    pub at_ms: u64,
    /// The same in the user's zone, ISO 8601 without offset: `2026-11-24T09:00`.
    pub local: String,
    /// The zone, an IANA name.
    pub time_zone: String,
    /// Whether the user named a time of day; otherwise the host chose a usual one.
    #[serde(default)]
    pub explicit_time: bool,
    /// Whether the user named a day; otherwise it is the next one on which that time is still to come.
    #[serde(default)]
    pub explicit_day: bool,
    /// Whether the moment has passed.
    #[serde(default)]
    pub past: bool,
    /// `by`, `before`, `after`, `around` or `until`, where the user did not name the moment itself.
    #[serde(default)]
    pub bound: Option<String>,
    /// What was assumed, and what the user should know: an hour that was not said.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A span of the past that the user named (slot `range`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Range {
    /// Its beginning, UTC, included.
    pub from_ms: u64,
    /// Its end, UTC, not included.
    pub to_ms: u64,
    /// In words: `last week`.
    pub label: String,
}

/// A recurrence that the user named (slot `recurrence`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recurrence {
    /// What a schedule takes: six fields, seconds first, Monday is 1; or, for what cron cannot say, a recurrence rule of RFC 5545.
    pub cron: String,
    /// The zone that the fields are read in, an IANA name.
    pub time_zone: String,
    /// In words: `every Monday at 09:00`.
    pub label: String,
    /// The next three firings, UTC; fewer where it ends before.
    #[serde(default)]
    pub next_ms: Vec<u64>,
    /// What was assumed, and what the user should know: short months, an hour that was not said.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// The options of a question about a step (docs/brain.md).
const NO_WISH: [&str; 2] = ["take it as it is", "try again"];

impl Request {
    /// The text of a slot, if it has one and its value is a text.
    pub fn slot(&self, name: &str) -> Option<String> {
        self.slot_as(name).ok().flatten()
    }

    /// The value of a slot. None where the router read none.
    ///
    /// # Errors
    /// [`Failure::Invalid`], naming the slot, if it has another shape.
    pub fn slot_as<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let Some(slot) = self.intent.slots.iter().find(|slot| slot.name == name) else { return Ok(None) };
        serde_json::from_str(&slot.value)
            .map(Some)
            .map_err(|error| Failure::invalid(format!("the slot `{name}` does not fit: {error}")))
    }

    /// The texts of every slot with this name, in their order, each once. Values of another shape are left out.
    pub fn slots(&self, name: &str) -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        for slot in self.intent.slots.iter().filter(|slot| slot.name == name) {
            if let Ok(text) = serde_json::from_str::<String>(&slot.value)
                && !texts.contains(&text)
            {
                texts.push(text);
            }
        }
        texts
    }

    /// The first platform of [`platforms`](Self::platforms), such as `twitter`.
    pub fn platform(&self) -> Option<String> {
        self.platforms().into_iter().next()
    }

    /// The slots `platform`: every platform that the user named, in their order, without those that they excluded.
    pub fn platforms(&self) -> Vec<String> {
        let excluded = self.excluded_platforms();
        self.slots("platform").into_iter().filter(|platform| !excluded.contains(platform)).collect()
    }

    /// The slots `platform-excluded`: what the user wants no post on (`not on Facebook`).
    pub fn excluded_platforms(&self) -> Vec<String> {
        self.slots("platform-excluded")
    }

    /// The slot `unknown-platform`: what the user named and the host does not know.
    pub fn unknown_platform(&self) -> Option<String> {
        self.slot("unknown-platform")
    }

    /// The slot `topic`.
    pub fn topic(&self) -> Option<String> {
        self.slot("topic")
    }

    /// The slot `when`.
    pub fn when(&self) -> Option<When> {
        self.slot_as("when").ok().flatten()
    }

    /// The slot `range`.
    pub fn range(&self) -> Option<Range> {
        self.slot_as("range").ok().flatten()
    }

    /// The slot `recurrence`.
    pub fn recurrence(&self) -> Option<Recurrence> {
        self.slot_as("recurrence").ok().flatten()
    }

    /// Whether the utterance has this verb: `create`, `schedule`, `analyze`, ...
    pub fn has_action(&self, action: &str) -> bool {
        self.intent.actions.iter().any(|known| known == action)
    }

    /// What the user answered to this question, newest answer first; an answer in free text (`*`) counts for every question that
    /// has none of its own. Empty answers count as none.
    pub fn answer(&self, question_id: &str) -> Option<&str> {
        let latest = |id: &str| {
            self.answers
                .iter()
                .rev()
                .filter(|answer| answer.question_id == id)
                .map(|answer| answer.text.trim())
                .find(|text| !text.is_empty())
        };
        latest(question_id).or_else(|| latest("*"))
    }

    /// What the user said shall be different when the host had asked about a step that never gave what was expected, newest answer first. To let it try again, or to take
    /// its result, is no such wish.
    pub fn step_answer(&self, step_id: &str) -> Option<&str> {
        let question = format!("step-{step_id}");
        let said = self.answers.iter().rev().filter(|answer| answer.question_id == question);
        said.map(|answer| answer.text.trim())
            .find(|text| !text.is_empty() && !NO_WISH.iter().any(|option| text.eq_ignore_ascii_case(option)))
    }

    /// The attachment with this name; case does not matter.
    pub fn attachment(&self, name: &str) -> Option<&Attachment> {
        self.attachments.iter().find(|attachment| attachment.name.eq_ignore_ascii_case(name))
    }
}

impl Attachment {
    /// The content as text, without a byte order mark.
    ///
    /// # Errors
    /// [`Failure::Invalid`], naming the file, if it is not UTF-8.
    pub fn text(&self) -> Result<&str> {
        let text = std::str::from_utf8(&self.content).map_err(|error| {
            Failure::invalid(format!("`{}` is not UTF-8 text ({error}); save it as UTF-8 and send it again", self.name))
        })?;
        Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
    }

    /// Reads the content as JSON.
    ///
    /// # Errors
    /// [`Failure::Invalid`], naming the file, if it is not the JSON that `T` needs.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(self.text()?)
            .map_err(|error| Failure::invalid(format!("`{}` is not the JSON that was expected: {error}", self.name)))
    }

    /// Whether the media type or the name says CSV.
    pub fn is_csv(&self) -> bool {
        self.has_type("text/csv", ".csv")
    }

    /// Whether the media type or the name says JSON.
    pub fn is_json(&self) -> bool {
        self.has_type("application/json", ".json")
    }

    fn has_type(&self, media_type: &str, ending: &str) -> bool {
        let essence = self.media_type.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case(media_type) || self.name.to_ascii_lowercase().ends_with(ending)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing;
    use crate::types::{Answer, Attachment};
    use serde_json::json;

    #[test]
    fn slots_are_read_typed() {
        let when = json!({"atMs": 9, "local": "2026-11-24T09:00", "timeZone": "Europe/Berlin", "past": true});
        let request = testing::request("x").with_slot("platform", "twitter").with_slot("when", when);
        assert_eq!(request.platform().as_deref(), Some("twitter"));
        let when = request.when().unwrap();
        assert_eq!((when.at_ms, when.past, when.explicit_time), (9, true, false));
        assert_eq!(request.topic(), None);
        assert!(request.slot_as::<u8>("platform").unwrap_err().detail().contains("`platform`"));
    }

    #[test]
    fn every_platform_is_there_once_and_in_order_without_the_excluded() {
        let cases: &[(&[&str], &[&str], &[&str])] = &[
            (&[], &[], &[]),
            (&["twitter"], &[], &["twitter"]),
            (&["twitter", "linkedin"], &[], &["twitter", "linkedin"]),
            (&["linkedin", "twitter", "linkedin"], &[], &["linkedin", "twitter"]),
            (&["facebook", "twitter"], &["facebook"], &["twitter"]),
            (&["facebook"], &["facebook"], &[]),
            (&[], &["facebook"], &[]),
        ];
        for (named, excluded, expected) in cases {
            let request =
                named.iter().fold(testing::request("x"), |request, name| request.with_slot("platform", *name));
            let request = excluded.iter().fold(request, |request, name| request.with_slot("platform-excluded", *name));
            assert_eq!(request.platforms(), *expected, "{named:?} without {excluded:?}");
            assert_eq!(request.platform().as_deref(), expected.first().copied());
            assert_eq!(request.excluded_platforms(), *excluded);
        }
        let odd = testing::request("x").with_slot("platform", 7).with_slot("platform", "twitter");
        assert_eq!(odd.platforms(), ["twitter"]);
    }

    #[test]
    fn the_newest_named_answer_wins_over_free_text() {
        let mut request = testing::request("x");
        let mut say = |id: &str, text: &str| request.answers.push(Answer { question_id: id.into(), text: text.into() });
        say("platform", "twitter");
        say("platform", " linkedin ");
        say("platform", "  ");
        say("*", "whatever");
        assert_eq!(request.answer("platform"), Some("linkedin"));
        assert_eq!(request.answer("topic"), Some("whatever"));
    }

    #[test]
    fn attachments_are_text_or_say_why_not() {
        let mut file = Attachment {
            name: "Sales.CSV".into(),
            media_type: "application/octet-stream".into(),
            content: "\u{feff}a,b".into(),
        };
        assert!(file.is_csv() && !file.is_json());
        assert_eq!(file.text(), Ok("a,b"));
        file.content = vec![0xff];
        assert!(file.text().unwrap_err().detail().contains("Sales.CSV"));
    }
}
