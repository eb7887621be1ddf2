//! What the user has: listing it, finding in it what some words mean, and taking it away.

use openanalyst_skill::prelude::*;
use openanalyst_skill::windmill::{Item, Kind};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::text::stems;
use crate::wish::Kinds;

/// A schedule or a flow of the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Thing {
    pub(crate) path: String,
    pub(crate) summary: String,
    pub(crate) is_flow: bool,
    /// What it runs; empty for a flow.
    #[serde(default)]
    pub(crate) script_path: String,
}

impl Thing {
    /// For people, with its path so that an answer names it without doubt.
    pub(crate) fn label(&self) -> String {
        if self.summary.is_empty() { self.path.clone() } else { format!("{} ({})", self.summary, self.path) }
    }

    fn kind(&self) -> Kind {
        if self.is_flow { Kind::Flow } else { Kind::Schedule }
    }
}

/// What the user has, of these kinds.
///
/// # Errors
/// What the host answers.
pub(crate) fn things(kinds: Kinds, user_folder: &str) -> Result<Vec<Thing>> {
    let prefix = format!("{user_folder}/");
    let mut things = Vec::new();
    for (wanted, kind, is_flow) in [(kinds.schedules, Kind::Schedule, false), (kinds.flows, Kind::Flow, true)] {
        if !wanted {
            continue;
        }
        things.extend(windmill::list(kind, &prefix)?.into_iter().map(|item| Thing {
            script_path: item.details()["script_path"].as_str().unwrap_or_default().to_owned(),
            path: item.path,
            summary: item.summary,
            is_flow,
        }));
    }
    Ok(things)
}

/// Which of the things some words mean: those with a path in the words, or else those that have all the telling words. None where the
/// words tell nothing.
pub(crate) fn matching(things: &[Thing], words: &str) -> Option<Vec<Thing>> {
    let named: Vec<Thing> = things.iter().filter(|thing| words.contains(&thing.path)).cloned().collect();
    if !named.is_empty() {
        return Some(named);
    }
    let silent: Vec<String> = stems(
        "cancel delete remove stop unschedule end drop please the a an my our me of for to it that this schedule schedules scheduled job \
         workflow flow automation recurring run running runs i want can you could at on in every each not do no longer anymore any more",
    );
    let telling: Vec<String> = stems(words).into_iter().filter(|word| !silent.contains(word)).collect();
    if telling.is_empty() {
        return None;
    }
    let has_all = |thing: &&Thing| {
        let known = stems(&format!("{} {} {}", thing.path, thing.summary, thing.script_path));
        telling.iter().all(|word| known.contains(word) || is_weekly(word, &known))
    };
    Some(things.iter().filter(has_all).cloned().collect())
}

/// "the weekly report" is the one that runs every Monday.
fn is_weekly(word: &str, known: &[String]) -> bool {
    const DAYS: &str = "monday tuesday wednesday thursday friday saturday sunday week";
    match word {
        "weekl" | "weekly" => stems(DAYS).iter().any(|day| known.contains(day)),
        "dail" | "daily" => known.contains(&"day".to_owned()),
        "monthl" | "monthly" => known.contains(&"month".to_owned()),
        _ => false,
    }
}

/// Says what there is.
///
/// # Errors
/// What the host answers.
pub(crate) fn list(kinds: Kinds, user_folder: &str) -> Result<Value> {
    let prefix = format!("{user_folder}/");
    let mut content = String::new();
    let mut data = json!({});
    if kinds.schedules {
        let items = windmill::list(Kind::Schedule, &prefix)?;
        data["schedules"] = items.iter().map(schedule_data).collect();
        if items.is_empty() {
            content.push_str(
                "You have no schedules. To make one, say for example “every Monday at 9 run the analytics report”.",
            );
        } else {
            content.push_str("Your schedules:\n");
            for item in &items {
                content.push_str(&format!("\n- **{}**: {} (`{}`)", name(item), when(item), item.path));
            }
        }
    }
    if kinds.flows {
        let items = windmill::list(Kind::Flow, &prefix)?;
        data["flows"] = items.iter().map(|item| json!({"path": item.path, "summary": item.summary})).collect();
        if !content.is_empty() {
            content.push_str("\n\n");
        }
        if items.is_empty() {
            content.push_str(
                "You have no workflows. To make one, say for example “make a workflow that creates a post and then schedules it”.",
            );
        } else {
            content.push_str("Your workflows:\n");
            for item in &items {
                content.push_str(&format!("\n- **{}** (`{}`)", name(item), item.path));
            }
        }
    }
    data["content"] = content.into();
    Ok(data)
}

fn name(item: &Item) -> &str {
    if item.summary.is_empty() { item.path.rsplit('/').next().unwrap_or(&item.path) } else { &item.summary }
}

fn schedule_data(item: &Item) -> Value {
    let details = item.details();
    json!({
        "path": item.path,
        "summary": item.summary,
        "cron": details["schedule"],
        "timeZone": details["timezone"],
        "enabled": details["enabled"],
        "nextRunMs": details["next_at_ms"],
    })
}

fn when(item: &Item) -> String {
    let details = item.details();
    if details["enabled"] == false {
        return "switched off".into();
    }
    let zone = details["timezone"].as_str().unwrap_or("UTC");
    match details["next_at_ms"].as_u64() {
        Some(at_ms) => {
            clock::in_words(at_ms, zone).map_or_else(|_| "next run unknown".into(), |words| format!("next run {words}"))
        }
        None if details.get("next_at_ms").is_some() => "it has run for the last time".into(),
        None => "next run unknown".into(),
    }
}

/// Takes things away, and the schedules of a flow with it.
///
/// # Errors
/// What the host answers.
pub(crate) fn cancel(things: &[Thing]) -> Result<Value> {
    let mut is_gone = true;
    for thing in things {
        windmill::delete(thing.kind(), &thing.path)?;
        is_gone &= !windmill::list(thing.kind(), &thing.path)?.iter().any(|item| item.path == thing.path);
    }
    let lines: Vec<String> = things.iter().map(|thing| format!("- {}", thing.label())).collect();
    let paths: Vec<&str> = things.iter().map(|thing| thing.path.as_str()).collect();
    Ok(json!({ "content": format!("Cancelled:\n\n{}", lines.join("\n")), "gone": is_gone, "cancelled": paths }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(path: &str, summary: &str) -> Thing {
        Thing { path: path.into(), summary: summary.into(), is_flow: false, script_path: String::new() }
    }

    #[test]
    fn words_find_what_they_mean() {
        let things = [
            thing("u/ada/schedules/a", "The analytics report, every Monday at 09:00"),
            thing("u/ada/schedules/b", "The analytics report, every day at 08:00"),
            thing("u/ada/social/post_1", "Post on twitter"),
        ];
        let found = |words: &str| {
            matching(&things, words)
                .map(|found| found.into_iter().map(|thing| thing.path.replace("u/ada/", "")).collect::<Vec<_>>())
        };
        assert_eq!(found("cancel the Monday analytics report"), Some(vec!["schedules/a".into()]));
        assert_eq!(found("stop the weekly report"), Some(vec!["schedules/a".into()]));
        assert_eq!(found("stop the daily report"), Some(vec!["schedules/b".into()]));
        assert_eq!(found("cancel the report schedule").map(|found| found.len()), Some(2));
        assert_eq!(found("cancel u/ada/social/post_1"), Some(vec!["social/post_1".into()]));
        assert_eq!(found("cancel the gardening schedule"), Some(vec![]));
        assert_eq!(found("cancel my schedule"), None);
    }
}
