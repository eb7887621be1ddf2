//! What the user has: reading it, listing it, switching it on and off, and taking it away.

use chrono::{DateTime, Datelike, TimeZone};
use chrono_tz::Tz;
use openanalyst_skill::prelude::*;
use openanalyst_skill::windmill::{Item, Kind, Schedule};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::fires::Fires;
use crate::refers::{Found, Here, Reference, Window};
use crate::text::stems;
use crate::undo::Undo;
use crate::wish::Kinds;

/// Most bytes of what is kept to store cancelled things again.
const MAX_KEPT_BYTES: usize = 48 * 1024;
/// Most characters of the arguments that are looked at for words.
const MAX_ARGUMENT_CHARS: usize = 2_000;

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
    /// A schedule as it is stored. None for a flow, and where the engine's listing does not say all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stored: Option<Stored>,
    /// A flow's value, where the engine's listing has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<Value>,
}

/// A schedule with all that is needed to store it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stored {
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) summary: String,
    pub(crate) cron: String,
    pub(crate) time_zone: String,
    pub(crate) script_path: String,
    #[serde(default)]
    pub(crate) is_flow: bool,
    pub(crate) arguments: Value,
    pub(crate) enabled: bool,
    #[serde(default)]
    pub(crate) next_at_ms: Option<u64>,
}

impl Stored {
    /// From the engine's listing. None where it does not say all of it.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        let mut details = item.details();
        let text = |name: &str| details[name].as_str().map(str::to_owned);
        Some(Self {
            path: item.path.clone(),
            summary: item.summary.clone(),
            cron: text("schedule")?,
            time_zone: text("timezone")?,
            script_path: text("script_path")?,
            is_flow: details["is_flow"].as_bool().unwrap_or(false),
            enabled: details["enabled"].as_bool().unwrap_or(true),
            next_at_ms: details["next_at_ms"].as_u64(),
            arguments: details.get_mut("args").map(Value::take).filter(Value::is_object)?,
        })
    }

    /// Stores it, as it is here.
    ///
    /// # Errors
    /// What the host answers.
    pub(crate) fn store(&self) -> Result<()> {
        let schedule =
            Schedule { is_flow: self.is_flow, ..Schedule::of_script(&self.path, &self.cron, &self.script_path) };
        let mut schedule =
            schedule.in_time_zone(&self.time_zone).with_summary(&self.summary).with_arguments(&self.arguments)?;
        schedule.enabled = self.enabled;
        windmill::create_schedule(&schedule)
    }

    /// Whether both fire at the same times and run the same, switched on or off alike.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (&self.cron, &self.time_zone, &self.script_path, &self.arguments, self.enabled)
            == (&other.cron, &other.time_zone, &other.script_path, &other.arguments, other.enabled)
    }

    /// Whether it was for one moment, and that has passed.
    pub(crate) fn is_over(&self, now_ms: u64) -> bool {
        self.post_at_ms().is_some_and(|at_ms| at_ms <= now_ms)
    }

    /// The moment of a post, UTC milliseconds. None for everything else.
    pub(crate) fn post_at_ms(&self) -> Option<u64> {
        self.arguments["atMs"].as_u64().filter(|_| self.script_path.ends_with("/publish_post"))
    }

    /// For people.
    pub(crate) fn label(&self) -> String {
        let rule = Fires::read(&self.cron).filter(|fires| fires.date().is_none()).and_then(|fires| fires.in_words());
        let name =
            if self.summary.is_empty() { self.path.rsplit('/').next().unwrap_or(&self.path) } else { &self.summary };
        match rule {
            Some(rule) if !name.contains(&rule) && !name.contains("every") => {
                format!("{name}, {rule} (`{}`)", self.path)
            }
            _ => format!("{name} (`{}`)", self.path),
        }
    }
}

impl Thing {
    fn of(item: Item, is_flow: bool) -> Self {
        let mut details = item.details();
        Self {
            stored: if is_flow { None } else { Stored::of(&item) },
            value: if is_flow { details.get_mut("value").map(Value::take).filter(Value::is_object) } else { None },
            script_path: details["script_path"].as_str().unwrap_or_default().to_owned(),
            path: item.path,
            summary: item.summary,
            is_flow,
        }
    }

    /// For people, with its path so that an answer names it without doubt.
    pub(crate) fn label(&self) -> String {
        if self.summary.is_empty() { self.path.clone() } else { format!("{} ({})", self.summary, self.path) }
    }

    pub(crate) fn kind(&self) -> Kind {
        if self.is_flow { Kind::Flow } else { Kind::Schedule }
    }

    /// The stems of all words by which it may be named.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut text = format!("{} {}", self.path, self.summary);
        if let Some(stored) = &self.stored {
            for name in ["platform", "topic", "content", "title"] {
                if let Some(value) = stored.arguments[name].as_str() {
                    text.push(' ');
                    text.extend(value.chars().take(MAX_ARGUMENT_CHARS));
                }
            }
        }
        stems(&text)
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| !stored.enabled)
    }

    pub(crate) fn fires(&self) -> Option<Fires> {
        Fires::read(&self.stored.as_ref()?.cron)
    }

    fn zone(&self) -> Tz {
        self.stored.as_ref().and_then(|stored| stored.time_zone.parse().ok()).unwrap_or(Tz::UTC)
    }

    /// The next firing, in its zone; of one that is switched off, the one that it would have.
    pub(crate) fn moment(&self, here: Here) -> Option<DateTime<Tz>> {
        let stored = self.stored.as_ref()?;
        let at_ms = stored.post_at_ms().or(stored.next_at_ms);
        let at_ms = at_ms.or_else(|| self.fires()?.next(here.now_ms, self.zone(), 1).first().copied())?;
        self.zone().timestamp_millis_opt(i64::try_from(at_ms).ok()?).single()
    }

    /// Whether it fires in a span of time, as far as it is known.
    pub(crate) fn fires_within(&self, window: &Window, here: Here) -> bool {
        let within = |at_ms: u64| (window.from_ms..window.to_ms).contains(&at_ms);
        let Some(stored) = &self.stored else { return false };
        let zone = self.zone();
        if let Some(at_ms) = stored.next_at_ms.or_else(|| stored.post_at_ms()) {
            if within(at_ms) {
                return true;
            }
            if at_ms >= window.to_ms || stored.post_at_ms().is_some() {
                return false;
            }
        }
        let Some(fires) = Fires::read(&stored.cron) else { return false };
        if fires.hours.is_empty() || fires.minutes.is_empty() {
            return fires.days_between(window, zone);
        }
        fires.next(window.from_ms.max(here.now_ms).saturating_sub(1), zone, 1).first().copied().is_some_and(within)
    }
}

impl Fires {
    /// Whether it fires on one of the days of the span, at whatever time.
    fn days_between(&self, window: &Window, zone: Tz) -> bool {
        let at = |ms: u64| i64::try_from(ms).ok().and_then(|ms| zone.timestamp_millis_opt(ms).single());
        let (Some(from), Some(to)) = (at(window.from_ms), at(window.to_ms.saturating_sub(1))) else { return false };
        let last = to.date_naive().num_days_from_ce();
        from.date_naive().iter_days().take(400).take_while(|day| day.num_days_from_ce() <= last).any(|day| {
            // What is counted through the days, every 45 minutes, comes by on each of them.
            self.on_date(day).unwrap_or(true)
        })
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
        if wanted {
            things.extend(windmill::list(kind, &prefix)?.into_iter().map(|item| Thing::of(item, is_flow)));
        }
    }
    Ok(things)
}

/// The engine's listing of one schedule.
///
/// # Errors
/// What the host answers.
pub(crate) fn stored(path: &str) -> Result<Option<Item>> {
    Ok(windmill::list(Kind::Schedule, path)?.into_iter().find(|item| item.path == path))
}

/// Which of the things some words mean. A path in the words names one without doubt.
pub(crate) fn find(things: &[Thing], words: &str, subjects: &[String], here: Here) -> Found {
    let named: Vec<Thing> = things.iter().filter(|thing| words.contains(&thing.path)).cloned().collect();
    // "u/ada/a" stands in "u/ada/a_b" too: the longest counts.
    let whole = |thing: &&Thing| {
        !named.iter().any(|other| other.path.len() > thing.path.len() && other.path.starts_with(&thing.path))
    };
    let whole: Vec<Thing> = named.iter().filter(whole).cloned().collect();
    if !whole.is_empty() {
        return Found::These(whole);
    }
    Reference::read(words, here).find(things, subjects, here)
}

/// What of the things a listing shows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Show {
    /// Everything.
    #[default]
    All,
    /// How many there are, before them.
    Count,
    /// What the words mean; everything, with a word on it, where that is nothing.
    Meant {
        /// The words.
        words: String,
    },
    /// What fires in the span that the words name.
    Span {
        /// The words.
        words: String,
    },
}

/// Says what there is.
///
/// # Errors
/// What the host answers.
pub(crate) fn list(kinds: Kinds, show: &Show, user_folder: &str, here: Here) -> Result<Value> {
    let all = things(kinds, user_folder)?;
    let mut data = json!({});
    let mut parts = Vec::new();
    let schedules: Vec<Thing> = all.iter().filter(|thing| !thing.is_flow).cloned().collect();
    let flows: Vec<Thing> = all.into_iter().filter(|thing| thing.is_flow).collect();
    if kinds.schedules {
        let (heading, shown) = shown(&schedules, show, here);
        data["schedules"] = shown.iter().map(schedule_data).collect();
        let mut content = match (schedules.is_empty(), show) {
            (true, _) => {
                "You have no schedules. To make one, say for example “every Monday at 9 run the analytics report”."
                    .to_owned()
            }
            _ => heading,
        };
        for thing in &shown {
            content.push_str(&line(thing, here));
        }
        parts.push(content);
    }
    if kinds.flows {
        data["flows"] = flows.iter().map(|flow| json!({"path": flow.path, "summary": flow.summary})).collect();
        let mut content = match (flows.len(), show) {
            (0, _) => {
                "You have no workflows. To make one, say for example “make a workflow that creates a post and then schedules it”.".to_owned()
            }
            (count, Show::Count) => format!("You have {count} {}:\n", if count == 1 { "workflow" } else { "workflows" }),
            _ => "Your workflows:\n".to_owned(),
        };
        for flow in &flows {
            content.push_str(&format!("\n- **{}** (`{}`)", name(flow), flow.path));
        }
        parts.push(content);
    }
    let paths = |name: &str| {
        data[name].as_array().into_iter().flatten().filter_map(|one| one["path"].as_str()).map(str::to_owned)
    };
    let subjects: Vec<String> = paths("schedules").chain(paths("flows")).collect();
    data["subjects"] = subjects.into();
    data["content"] = parts.join("\n\n").into();
    Ok(data)
}

/// What is shown of the schedules, and the line above.
fn shown(schedules: &[Thing], show: &Show, here: Here) -> (String, Vec<Thing>) {
    let noun = |count: usize| if count == 1 { "schedule" } else { "schedules" };
    match show {
        Show::All => ("Your schedules:\n".to_owned(), schedules.to_vec()),
        Show::Count => {
            let paused = schedules.iter().filter(|thing| thing.is_paused()).count();
            let paused = if paused == 0 { String::new() } else { format!(", {paused} of them paused") };
            (format!("You have {} {}{paused}:\n", schedules.len(), noun(schedules.len())), schedules.to_vec())
        }
        Show::Span { words } => {
            let Some(window) = span(words, here) else { return ("Your schedules:\n".to_owned(), schedules.to_vec()) };
            let within: Vec<Thing> = schedules
                .iter()
                .filter(|thing| !thing.is_paused() && thing.fires_within(&window, here))
                .cloned()
                .collect();
            let heading = match within.len() {
                0 => format!(
                    "Nothing of yours is scheduled for {}; you have {} {} in all.",
                    window.label,
                    schedules.len(),
                    noun(schedules.len())
                ),
                _ => format!("Scheduled for {}:\n", window.label),
            };
            (heading, within)
        }
        Show::Meant { words } => {
            let mut reference = Reference::read(words, here);
            reference.is_all = true;
            match reference.find(schedules, &[], here) {
                Found::These(found) | Found::Unsure(_, found) if !found.is_empty() => {
                    ("These of your schedules:\n".to_owned(), found)
                }
                _ if reference.asks_paused() == Some(true) => {
                    ("None of your schedules is paused.".to_owned(), Vec::new())
                }
                _ => ("None of your schedules is called so. These are there:\n".to_owned(), schedules.to_vec()),
            }
        }
    }
}

/// The span of time that a question names, also by a day of the week.
pub(crate) fn span(words: &str, here: Here) -> Option<Window> {
    let by_day = || {
        openanalyst_skill::turns::words(words)
            .iter()
            .find_map(|word| openanalyst_skill::turns::weekday(word))
            .and_then(|day| crate::refers::day_window(day, here))
    };
    crate::refers::window(words, here).or_else(by_day)
}

fn name(thing: &Thing) -> &str {
    if thing.summary.is_empty() { thing.path.rsplit('/').next().unwrap_or(&thing.path) } else { &thing.summary }
}

/// One schedule: its name, its rule in words, its next run.
fn line(thing: &Thing, here: Here) -> String {
    let name = name(thing);
    let rule = thing.fires().filter(|fires| fires.date().is_none()).and_then(|fires| fires.in_words());
    let rule = rule.filter(|rule| !name.contains(rule.as_str())).map(|rule| format!(", {rule}")).unwrap_or_default();
    format!("\n- **{name}**{rule}: {} (`{}`)", when(thing, here), thing.path)
}

fn schedule_data(thing: &Thing) -> Value {
    let stored = thing.stored.as_ref();
    json!({
        "path": thing.path,
        "summary": thing.summary,
        "cron": stored.map(|stored| &stored.cron),
        "timeZone": stored.map(|stored| &stored.time_zone),
        "enabled": stored.map(|stored| stored.enabled),
        "nextRunMs": stored.and_then(|stored| stored.next_at_ms),
        "rule": thing.fires().and_then(|fires| fires.in_words()),
    })
}

fn when(thing: &Thing, here: Here) -> String {
    let Some(stored) = &thing.stored else { return "next run unknown".into() };
    if !stored.enabled {
        return "paused".into();
    }
    if stored.is_over(here.now_ms) {
        return "its time has passed".into();
    }
    let zone = thing.zone();
    let by_rule = || thing.fires()?.next(here.now_ms, zone, 1).first().copied();
    match stored.next_at_ms.or_else(|| stored.post_at_ms()).or_else(by_rule) {
        Some(at_ms) => clock::in_words(at_ms, &stored.time_zone)
            .map_or_else(|_| "next run unknown".into(), |words| format!("next run {words}")),
        None => "next run unknown".into(),
    }
}

/// Takes things away, and the schedules of a flow with it. What it needs to store them again goes into the answer.
///
/// # Errors
/// What the host answers.
pub(crate) fn cancel(things: &[Thing], kept: &[Thing]) -> Result<Value> {
    let mut is_gone = true;
    for thing in things {
        windmill::delete(thing.kind(), &thing.path)?;
        is_gone &= !windmill::list(thing.kind(), &thing.path)?.iter().any(|item| item.path == thing.path);
    }
    let lines: Vec<String> = things.iter().map(|thing| format!("- {}", thing.label())).collect();
    let paths: Vec<&str> = things.iter().map(|thing| thing.path.as_str()).collect();
    let mut content = format!("Cancelled:\n\n{}", lines.join("\n"));
    if !kept.is_empty() {
        let stays: Vec<String> = kept.iter().map(Thing::label).collect();
        content.push_str(&format!("\n\nKept: {}.", stays.join("; ")));
    }
    let undo = to_value(&Undo::of_cancelled(things, MAX_KEPT_BYTES))?;
    Ok(json!({ "content": content, "gone": is_gone, "cancelled": paths, "undo": undo, "subjects": paths }))
}

/// Switches schedules on or off, by storing them again as they are listed.
///
/// # Errors
/// What the host answers; [`Failure::Failed`] where the listing does not say enough to store one again.
pub(crate) fn switch(things: &[Thing], on: bool, here: Here) -> Result<Value> {
    let (mut done, mut left, mut undo) = (Vec::new(), Vec::new(), Vec::new());
    let mut is_switched = true;
    for thing in things {
        let Some(item) = stored(&thing.path)? else {
            left.push(format!("{} is not there any more", thing.label()));
            continue;
        };
        let Some(mut now) = Stored::of(&item) else {
            left.push(format!("{} is listed without what it runs with, so I cannot store it again", thing.label()));
            continue;
        };
        // What it was when this was planned: a second run of the step finds it switched already.
        let was_on = thing.stored.as_ref().map_or(now.enabled, |stored| stored.enabled);
        if on && now.is_over(here.now_ms) {
            left.push(format!("{} stays paused: its time has passed", thing.label()));
            continue;
        }
        if was_on == on {
            left.push(format!("{} was {} already", thing.label(), if on { "switched on" } else { "paused" }));
            continue;
        }
        if now.enabled != on {
            now.enabled = on;
            now.store()?;
        }
        let listed = stored(&thing.path)?.as_ref().and_then(Stored::of);
        is_switched &= listed.is_some_and(|listed| listed.enabled == on);
        done.push(format!("- {}", now.label()));
        undo.push(Undo::Switch { path: thing.path.clone(), on: !on, what: thing.label() });
    }
    let mut parts = Vec::new();
    if !done.is_empty() {
        let (what, back) = if on { ("Switched on again", "pause") } else { ("Paused", "resume") };
        let it = if done.len() == 1 { "it" } else { "them" };
        parts.push(format!("{what}:\n\n{}\n\nSay “{back} {it}” to change that.", done.join("\n")));
    }
    if !left.is_empty() {
        parts.push(left.join("; ") + ".");
    }
    let paths: Vec<&str> = things.iter().map(|thing| thing.path.as_str()).collect();
    let mut data = json!({ "content": parts.join("\n\n"), "switched": is_switched, "enabled": on, "subjects": paths });
    if !undo.is_empty() {
        data["undo"] = to_value(&undo)?;
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Here = Here { now_ms: 1_795_435_200_000, zone: Tz::UTC };

    fn thing(path: &str, summary: &str, cron: &str) -> Thing {
        let stored = Stored {
            path: path.into(),
            summary: summary.into(),
            cron: cron.into(),
            time_zone: "UTC".into(),
            script_path: "f/a/b".into(),
            is_flow: false,
            arguments: json!({}),
            enabled: true,
            next_at_ms: None,
        };
        let stored = (!cron.is_empty()).then_some(stored);
        Thing {
            path: path.into(),
            summary: summary.into(),
            is_flow: false,
            script_path: String::new(),
            stored,
            value: None,
        }
    }

    fn found(things: &[Thing], words: &str) -> Option<Vec<String>> {
        match find(things, words, &[], HERE) {
            Found::These(found) => Some(found.into_iter().map(|thing| thing.path.replace("u/ada/", "")).collect()),
            _ => None,
        }
    }

    /// Where no rule is known, the name tells.
    #[test]
    fn words_find_what_they_mean() {
        let things = [
            thing("u/ada/schedules/a", "The analytics report, every Monday at 09:00", ""),
            thing("u/ada/schedules/b", "The analytics report, every day at 08:00", ""),
            thing("u/ada/social/post_1", "Post on twitter", ""),
        ];
        for (words, path) in [
            ("cancel the Monday analytics report", Some("schedules/a")),
            ("stop the weekly report", Some("schedules/a")),
            ("stop the daily report", Some("schedules/b")),
            ("cancel the tweet", Some("social/post_1")),
            ("cancel u/ada/social/post_1", Some("social/post_1")),
            ("cancel the report schedule", None),
            ("cancel the gardening schedule", None),
            ("cancel my schedule", None),
        ] {
            assert_eq!(found(&things, words), path.map(|path| vec![path.to_owned()]), "{words}");
        }
    }

    /// A name may be wrong; the expression is not.
    #[test]
    fn the_rule_decides_and_not_the_name() {
        let things = [
            thing("u/ada/a", "Report, every Monday at 09:00", "0 0 9 * * 2"),
            thing("u/ada/b", "Digest", "0 0 17 * * 1"),
            thing("u/ada/c", "Numbers", "0 30 8 * * 1-5"),
            thing("u/ada/d", "Watch", "0 0 * * * *"),
            thing("u/ada/e", "Bees", "0 0 9 15 * *"),
        ];
        for (words, paths) in [
            ("cancel the Monday schedule", Some(vec!["b"])),
            ("cancel the Tuesday one", Some(vec!["a"])),
            ("cancel the Thursday one", Some(vec!["c"])),
            ("cancel the Saturday one", None),
            ("cancel the 5pm one", Some(vec!["b"])),
            ("cancel the 8:30 one", Some(vec!["c"])),
            ("cancel the 9 o'clock one", None),
            ("cancel the hourly one", Some(vec!["d"])),
            ("cancel the monthly one", Some(vec!["e"])),
            ("cancel the one on the 15th", Some(vec!["e"])),
            ("cancel the one about bees", Some(vec!["e"])),
            ("cancel the weekday one", Some(vec!["c"])),
            ("cancel all but the digest", Some(vec!["a", "c", "d", "e"])),
            ("cancel everything except the one about bees", Some(vec!["a", "b", "c", "d"])),
            ("cancel all except the gardening", None),
        ] {
            let paths = paths.map(|paths| paths.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(found(&things, words), paths, "{words}");
        }
    }
}
