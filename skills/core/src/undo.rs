//! Taking back what was remembered or forgotten last. The answer that did it keeps in its data what stood there before.

use openanalyst_skill::prelude::*;
use serde::{Deserialize, Serialize};

use crate::facts::{self, INSTRUCTIONS, LOCALE, NAME, PREFERENCES, ZONE};
use crate::wish::Wish;
use crate::{Done, SELF};

/// Most bytes that an answer keeps of what stood there before.
const MAX_KEPT_BYTES: usize = 32 * 1024;

/// One value before it was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) key: String,
    /// What stood there; none where nothing did.
    pub(crate) before: Option<Value>,
    /// Why it cannot be put back, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cannot: Option<String>,
}

impl Change {
    pub(crate) fn cannot(why: impl Into<String>) -> Self {
        Self { key: String::new(), before: None, cannot: Some(why.into()) }
    }
}

/// What stands in the places that a wish will change. Read when it is planned: a step that runs twice would find its own change.
///
/// # Errors
/// What the host answers.
pub(crate) fn before(wish: &Wish) -> Result<Vec<Change>> {
    let keys = match wish {
        Wish::Name { .. } | Wish::UnclearName { .. } => vec![NAME.to_owned()],
        Wish::TimeZone { .. } => vec![ZONE.to_owned()],
        Wish::Locale { .. } => vec![LOCALE.to_owned()],
        Wish::Preference { key, .. } => vec![format!("{PREFERENCES}{key}")],
        Wish::Instruction { .. } => vec![INSTRUCTIONS.to_owned()],
        Wish::Forget { what } => facts::meant(what)?,
        _ => Vec::new(),
    };
    let mut room = MAX_KEPT_BYTES;
    let mut changes = Vec::new();
    for key in keys {
        let before: Option<Value> = memory::user().get(&key)?;
        let size = before.as_ref().map_or(0, |value| value.to_string().len());
        changes.push(match room.checked_sub(size) {
            Some(left) => {
                room = left;
                Change { key, before, cannot: None }
            }
            None => Change::cannot(format!("**{}** was too long to keep.", facts::title(&key))),
        });
    }
    Ok(changes)
}

/// What takes back the last change of this skill in the conversation, or why nothing does, for the user.
pub(crate) fn last(context: &Context) -> std::result::Result<Vec<Change>, String> {
    #[derive(Deserialize)]
    struct Last {
        undo: Vec<Change>,
    }
    let by_other = context.last_answer().and_then(|message| message.skill.as_deref()).filter(|skill| *skill != SELF);
    if let Some(skill) = by_other {
        return Err(format!(
            "The last answer came from `{skill}`, and I cannot undo what it did: I have changed nothing. Say it together with what shall be undone, for \
             example “undo the schedule”."
        ));
    }
    let Some(last) = context.last_data::<Last>(SELF) else {
        return Err("There is nothing of mine to undo in this conversation.".to_owned());
    };
    if last.undo.is_empty() {
        return Err("There is nothing more to undo: the last change is undone already.".to_owned());
    }
    if last.undo.iter().all(|change| change.cannot.is_some()) {
        let whys: Vec<String> = last.undo.into_iter().filter_map(|change| change.cannot).collect();
        return Err(format!("That cannot be undone: {}", whys.join(" ")));
    }
    Ok(last.undo)
}

/// Puts back what stood there.
///
/// # Errors
/// What the host answers; [`Failure::Failed`] where it is not there afterwards.
pub(crate) fn run(changes: &[Change]) -> Result<Done> {
    let mut lines = Vec::new();
    for Change { key, before, cannot } in changes {
        if let Some(why) = cannot {
            lines.push(format!("- Cannot be undone: {why}"));
            continue;
        }
        let title = facts::title(key);
        lines.push(match before {
            Some(value) => {
                memory::user().put(key, value)?;
                format!("- **{title}** is “{}” again", facts::shown(value).replace('\n', "; "))
            }
            None => {
                memory::user().delete(key)?;
                format!("- **{title}** is forgotten again")
            }
        });
        let now: Option<Value> = memory::user().get(key)?;
        if now != *before {
            return Err(Failure::failed(format!("**{title}** is not as it was before; try again")));
        }
    }
    let content = format!("Undone:\n\n{}", lines.join("\n"));
    // The empty list says that nothing is left to undo.
    Ok(Done { changed: true, ..Done::unchanged(content, json!([])) })
}
