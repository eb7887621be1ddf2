//! The scripts that this skill can put to work: the shared ones with the phrases that mean them and the inputs that they take, and
//! the user's own ones, found by the words of their path and summary.

use openanalyst_skill::prelude::*;
use openanalyst_skill::windmill::Kind;

use crate::text::{holds, stems};

/// Where an input of a script comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The slot `platform`.
    Platform,
    /// The slot `topic`.
    Topic,
    /// The slot `tone`.
    Tone,
    /// The user's folder.
    UserFolder,
    /// The user's time zone.
    TimeZone,
    /// The moment that the user named, as local time.
    Local,
    /// The same as UTC milliseconds.
    AtMs,
    /// The time when the script runs. Only a flow can know it.
    Now,
    /// Something that names one run and stays the same when it is tried again. Only a flow can know it.
    Key,
    /// What the step before produced, as text.
    Content,
    /// Only who runs the flow can say.
    Given,
    /// Always this text.
    Fixed(&'static str),
}

/// One input of a script.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input {
    pub(crate) name: &'static str,
    pub(crate) source: Source,
    /// Whether the script cannot do without it.
    pub(crate) required: bool,
}

/// A shared script.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) path: &'static str,
    pub(crate) title: &'static str,
    /// Each phrase means this script if its words stand in the utterance in this order.
    phrases: &'static [&'static str],
    pub(crate) inputs: &'static [Input],
    /// JavaScript, on `results.ID`: its text for a step that follows.
    pub(crate) content: &'static str,
    /// Where it makes sense.
    pub(crate) fits: Fits,
}

/// Where a script makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fits {
    /// Alone on a schedule: it brings its result to the user by itself.
    Alone,
    /// As a step of a flow.
    Flow,
    /// In both places.
    Both,
}

impl Fits {
    fn covers(self, place: Self) -> bool {
        self == Self::Both || self == place
    }
}

const fn needs(name: &'static str, source: Source) -> Input {
    Input { name, source, required: true }
}

const fn takes(name: &'static str, source: Source) -> Input {
    Input { name, source, required: false }
}

const POST_PHRASES: &[&str] = &[
    "create post",
    "write post",
    "make post",
    "draft post",
    "compose post",
    "generate post",
    "create tweet",
    "write tweet",
    "new post",
];

/// The script that writes a post.
pub(crate) const CREATE_POST: &str = "f/openanalyst/social/create_post";

/// The shared scripts.
pub(crate) const KNOWN: &[Known] = &[
    Known {
        path: "f/openanalyst/templates/analytics_report",
        title: "the analytics report",
        phrases: &[
            "analytics report",
            "report",
            "weekly report",
            "report analytics",
            "analytics",
            "summary of my posts",
        ],
        inputs: &[],
        content: "report.markdown",
        fits: Fits::Both,
    },
    Known {
        path: CREATE_POST,
        title: "write a post",
        phrases: POST_PHRASES,
        inputs: &[needs("platform", Source::Platform), needs("topic", Source::Topic), takes("tone", Source::Tone)],
        content: "post.content",
        fits: Fits::Flow,
    },
    Known {
        path: "f/openanalyst/social/schedule_post",
        title: "schedule the post",
        phrases: &["schedule it", "schedule post", "schedule them", "schedule tweet", "plan it"],
        inputs: &[
            needs("platform", Source::Platform),
            needs("content", Source::Content),
            needs("local", Source::Local),
            needs("atMs", Source::AtMs),
            needs("timeZone", Source::TimeZone),
            needs("key", Source::Key),
            needs("userFolder", Source::UserFolder),
            needs("nowMs", Source::Now),
        ],
        content: "schedule.path",
        fits: Fits::Flow,
    },
    Known {
        path: "f/openanalyst/social/analyze_engagement",
        title: "analyse engagement",
        phrases: &[
            "analyze engagement",
            "analyse engagement",
            "engagement analysis",
            "measure engagement",
            "check engagement",
        ],
        inputs: &[needs("posts", Source::Given)],
        content: "",
        fits: Fits::Flow,
    },
    Known {
        path: "f/openanalyst/core/send_ws_message",
        title: "send a message",
        phrases: &["send message", "message me", "notify me", "tell me", "send me", "send notification", "let me know"],
        inputs: &[
            needs("title", Source::Fixed("Your workflow is done")),
            needs("content", Source::Content),
            takes("level", Source::Fixed("info")),
        ],
        content: "",
        fits: Fits::Flow,
    },
    Known {
        path: "f/openanalyst/core/log_activity",
        title: "log the activity",
        phrases: &["log it", "log activity", "log that", "record it", "record activity", "write it to log"],
        inputs: &[needs("kind", Source::Fixed("workflow")), needs("content", Source::Content)],
        content: "",
        fits: Fits::Flow,
    },
];

/// A script or flow that was found for some words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// A shared script: its place in [`KNOWN`].
    Shared(usize),
    /// Something else that the user may run.
    Own {
        /// Its path.
        path: String,
        /// What it is called.
        title: String,
        /// Whether it is a flow.
        is_flow: bool,
    },
}

impl Found {
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Shared(index) => KNOWN[*index].path,
            Self::Own { path, .. } => path,
        }
    }

    pub(crate) fn title(&self) -> &str {
        match self {
            Self::Shared(index) => KNOWN[*index].title,
            Self::Own { title, .. } => title,
        }
    }

    pub(crate) fn is_flow(&self) -> bool {
        matches!(self, Self::Own { is_flow: true, .. })
    }

    pub(crate) fn inputs(&self) -> &'static [Input] {
        match self {
            Self::Shared(index) => KNOWN[*index].inputs,
            Self::Own { .. } => &[],
        }
    }
}

/// The shared script for this place that the words mean: the one with the longest phrase in them, the first of equals.
pub(crate) fn shared(words: &str, place: Fits) -> Option<Found> {
    let text = stems(words);
    let mut best: Option<(usize, usize)> = None;
    let fitting = || KNOWN.iter().enumerate().filter(|(_, known)| known.fits.covers(place));
    for (index, known) in fitting() {
        for phrase in known.phrases.iter().map(|phrase| stems(phrase)).filter(|phrase| holds(&text, phrase)) {
            if best.is_none_or(|(_, length)| phrase.len() > length) {
                best = Some((index, phrase.len()));
            }
        }
    }
    // A path or its last part, named as such, is the surest of all.
    let named = fitting().find(|(_, known)| {
        let last = known.path.rsplit('/').next().unwrap_or(known.path);
        words.contains(known.path) || words.contains(last)
    });
    named.map(|(index, _)| index).or(best.map(|(index, _)| index)).map(Found::Shared)
}

/// The user's own script or flow that the words mean. Asks the workflow engine. Shared scripts that are not in [`KNOWN`] are never
/// taken: nobody here knows what they need.
///
/// # Errors
/// What the host answers.
pub(crate) fn own(words: &str, user_folder: &str) -> Result<Option<Found>> {
    let text = stems(words);
    let mut best: Option<(usize, Found)> = None;
    for (kind, prefix) in [(Kind::Flow, format!("{user_folder}/")), (Kind::Script, format!("{user_folder}/"))] {
        for item in windmill::list(kind, &prefix)? {
            let found = |title: &str| Found::Own {
                path: item.path.clone(),
                title: title.to_owned(),
                is_flow: kind == Kind::Flow,
            };
            if words.contains(&item.path) {
                return Ok(Some(found(&item.path)));
            }
            let last = item.path.rsplit('/').next().unwrap_or(&item.path);
            for name in [last, item.summary.as_str()] {
                let phrase = stems(name);
                let is_better = best.as_ref().is_none_or(|(length, _)| phrase.len() > *length);
                if !phrase.is_empty() && is_better && holds(&text, &phrase) {
                    best = Some((phrase.len(), found(if item.summary.is_empty() { last } else { &item.summary })));
                }
            }
        }
    }
    Ok(best.map(|(_, found)| found))
}

/// What may be put on a schedule by name, for questions.
pub(crate) fn schedulable() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().filter(|known| known.fits.covers(Fits::Alone) || known.path == CREATE_POST).map(|known| known.title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openanalyst_skill::testing::Host;
    use openanalyst_skill::windmill::FlowDefinition;

    fn path_of(words: &str) -> Option<String> {
        shared(words, Fits::Flow).map(|found| found.path().to_owned())
    }

    #[test]
    fn phrases_find_their_script() {
        for (words, path) in [
            ("every Monday at 9 run the analytics report", "f/openanalyst/templates/analytics_report"),
            ("creates a Twitter post about AI", "f/openanalyst/social/create_post"),
            ("then schedules it", "f/openanalyst/social/schedule_post"),
            ("sends me a message", "f/openanalyst/core/send_ws_message"),
            ("send me the report", "f/openanalyst/core/send_ws_message"),
            ("run f/openanalyst/core/log_activity", "f/openanalyst/core/log_activity"),
        ] {
            assert_eq!(path_of(words).as_deref(), Some(path), "{words}");
        }
        assert_eq!(path_of("water the plants"), None);
        assert_eq!(shared("every day write a tweet about cats", Fits::Alone), None);
        assert_eq!(shared("log it every day", Fits::Alone), None);
    }

    #[test]
    fn the_users_own_scripts_and_flows_are_found_by_name_and_path() {
        let host = Host::new().with_script("u/ada/water_plants", |_| Ok(Value::Null));
        host.run(|| {
            windmill::create_flow("u/ada/flows/x1", "Friday digest", &json!({"modules": []})).unwrap();
            let path =
                |words: &str| own(words, "u/ada").unwrap().map(|found| (found.path().to_owned(), found.is_flow()));
            assert_eq!(path("water the plants"), Some(("u/ada/water_plants".into(), false)));
            assert_eq!(path("run the Friday digest"), Some(("u/ada/flows/x1".into(), true)));
            assert_eq!(path("run u/ada/flows/x1"), Some(("u/ada/flows/x1".into(), true)));
            assert_eq!(path("paint the fence"), None);
        });
        let flows: Vec<FlowDefinition> = host.flows();
        assert_eq!(flows.len(), 1);
    }
}
