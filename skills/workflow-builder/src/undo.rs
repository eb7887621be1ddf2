//! Taking back what this skill did last. Each answer keeps in its data what takes it back; nothing is guessed from what stands there now.

use openanalyst_skill::prelude::*;
use openanalyst_skill::windmill::Kind;
use serde::{Deserialize, Serialize};

use crate::manage::{self, Stored, Thing};
use crate::refers::Here;

/// One thing that takes back one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(crate) enum Undo {
    /// Take away what was made.
    Remove {
        path: String,
        is_flow: bool,
        /// For people.
        what: String,
    },
    /// Store a schedule as it was, in place of what stands there.
    Restore { schedule: Stored },
    /// Store a flow again.
    RestoreFlow { path: String, summary: String, value: Value },
    /// Switch a schedule back.
    Switch { path: String, on: bool, what: String },
    /// It cannot be taken back.
    Cannot {
        /// Why, as a sentence.
        why: String,
    },
}

impl Undo {
    /// What stores cancelled things again: flows before the schedules that run them. What does not fit is told as what cannot be taken back.
    pub(crate) fn of_cancelled(things: &[Thing], max_bytes: usize) -> Vec<Self> {
        let mut room = max_bytes;
        let mut lost = Vec::new();
        let mut undo = Vec::new();
        for thing in things.iter().filter(|thing| thing.is_flow) {
            let size = thing.value.as_ref().map(|value| value.to_string().len()).filter(|size| *size <= room);
            match (&thing.value, size) {
                (Some(value), Some(size)) => {
                    room -= size;
                    let (path, summary, value) = (thing.path.clone(), thing.summary.clone(), value.clone());
                    undo.push(Self::RestoreFlow { path, summary, value });
                }
                _ => {
                    lost.push(thing.path.as_str());
                    undo.push(Self::cannot(format!(
                        "{} is deleted, and I do not know its steps any more.",
                        thing.label()
                    )));
                }
            }
        }
        for thing in things.iter().filter(|thing| !thing.is_flow) {
            let size = thing.stored.as_ref().map(|stored| stored.arguments.to_string().len() + stored.cron.len());
            undo.push(match (&thing.stored, size.filter(|size| *size <= room)) {
                (Some(stored), _) if lost.contains(&stored.script_path.as_str()) => {
                    Self::cannot(format!("{} ran a workflow that is deleted.", thing.label()))
                }
                (Some(stored), Some(size)) => {
                    room -= size;
                    Self::Restore { schedule: stored.clone() }
                }
                _ => Self::cannot(format!("I have not kept what {} ran with.", thing.label())),
            });
        }
        undo
    }

    pub(crate) fn cannot(why: impl Into<String>) -> Self {
        Self::Cannot { why: why.into() }
    }

    /// What it takes back, for a question.
    pub(crate) fn in_words(&self) -> String {
        match self {
            Self::Remove { what, .. } => format!("I made {what}"),
            Self::Restore { schedule } => format!("I changed or cancelled {}", schedule.label()),
            Self::RestoreFlow { path, .. } => format!("I cancelled `{path}`"),
            Self::Switch { on: true, what, .. } => format!("I paused {what}"),
            Self::Switch { what, .. } => format!("I switched on {what}"),
            Self::Cannot { why } => why.clone(),
        }
    }

    /// Does it: what was done, for people, and whether the engine lists it so. None: it was so already.
    fn run(&self, here: Here) -> Result<(String, bool)> {
        Ok(match self {
            Self::Remove { path, is_flow, what } => {
                let kind = if *is_flow { Kind::Flow } else { Kind::Schedule };
                windmill::delete(kind, path)?;
                let is_gone = !windmill::list(kind, path)?.iter().any(|item| item.path == *path);
                (format!("- Taken away: {what}"), is_gone)
            }
            Self::Restore { schedule } if schedule.is_over(here.now_ms) => {
                (format!("- Not stored again: {}. Its time has passed", schedule.label()), true)
            }
            Self::Restore { schedule } => {
                schedule.store()?;
                let listed = manage::stored(&schedule.path)?.as_ref().and_then(Stored::of);
                (format!("- As before: {}", schedule.label()), listed.is_some_and(|listed| listed.is_same(schedule)))
            }
            Self::RestoreFlow { path, summary, value } => {
                windmill::create_flow(path, summary, value)?;
                let is_there = windmill::list(Kind::Flow, path)?.iter().any(|item| item.path == *path);
                (format!("- Stored again: {summary} (`{path}`)"), is_there)
            }
            Self::Switch { path, on, what } => {
                let Some(mut stored) = manage::stored(path)?.as_ref().and_then(Stored::of) else {
                    return Ok((format!("- {what} is not there any more"), true));
                };
                stored.enabled = *on;
                if *on && stored.is_over(here.now_ms) {
                    return Ok((format!("- {what} stays paused: its time has passed"), true));
                }
                stored.store()?;
                let listed = manage::stored(path)?.as_ref().and_then(Stored::of);
                let is_so = listed.is_some_and(|listed| listed.enabled == *on);
                (format!("- {}: {what}", if *on { "Switched on again" } else { "Paused again" }), is_so)
            }
            Self::Cannot { why } => (format!("- Cannot be undone: {why}"), true),
        })
    }
}

/// Takes back what one answer did, the last of it first for what was made.
///
/// # Errors
/// What the host answers.
pub(crate) fn run(undo: &[Undo], here: Here) -> Result<Value> {
    let (mut lines, mut is_so, mut subjects) = (Vec::new(), true, Vec::new());
    // A schedule goes before the flow that it runs; a flow comes back before the schedule that runs it.
    let removals = undo.iter().rev().filter(|undo| matches!(undo, Undo::Remove { .. }));
    let others = undo.iter().filter(|undo| !matches!(undo, Undo::Remove { .. }));
    for one in removals.chain(others) {
        let (line, done) = one.run(here)?;
        lines.push(line);
        is_so &= done;
        match one {
            Undo::Restore { schedule } => subjects.push(schedule.path.clone()),
            Undo::RestoreFlow { path, .. } | Undo::Switch { path, .. } => subjects.push(path.clone()),
            Undo::Remove { .. } | Undo::Cannot { .. } => {}
        }
    }
    let content = format!("Undone:\n\n{}", lines.join("\n"));
    // Nothing is left to undo: a second "undo" must not do it all again.
    Ok(json!({ "content": content, "undone": is_so, "undo": [], "subjects": subjects }))
}
