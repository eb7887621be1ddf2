//! The steps that this skill runs itself: looking at the user's posts, taking schedules away, taking the last thing back, and judging whether a
//! changed post is what was asked for. Each does the same when it is run twice.

use chrono::{DateTime, TimeZone};
use chrono_tz::Tz;
use openanalyst_skill::prelude::*;
use openanalyst_skill::windmill::{Item, Kind, Schedule};
use serde::{Deserialize, Serialize};

use crate::history::{Known, Post, Scheduled, Stored};
use crate::platform;
use crate::turns::Ask;

/// Most posts that an answer lists.
const MAX_LISTED: usize = 20;
/// Most characters of a post in a list.
const MAX_SHOWN: usize = 120;

/// The work of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Job {
    /// Only say this.
    Say { content: String },
    /// Take these schedules away.
    Cancel { schedules: Vec<Stored> },
    /// Take the last thing back.
    Undo {
        /// Schedules that were made.
        remove: Vec<Known>,
        /// Schedules as they were.
        restore: Vec<Stored>,
        /// Posts that were only written, and are dropped.
        drop: Vec<Known>,
        /// The posts as they are then.
        state: Vec<Known>,
        /// What cannot be taken back.
        cannot: Vec<String>,
    },
    /// Judge a changed post: `after` is an argument beside this.
    Turn { goal: Goal, before: Post, key: String, wording: usize },
    /// Answer a question about the user's posts.
    Posts { ask: String, last: Option<Known> },
}

/// What a change must reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Goal {
    /// For people: `in a funny tone`.
    pub(crate) said: String,
    /// Whether it must be shorter.
    #[serde(default)]
    pub(crate) is_shorter: bool,
}

impl Job {
    /// The step that does it.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for what JSON cannot hold.
    pub(crate) fn into_step(self, id: &str) -> Result<Step> {
        let title = match &self {
            Self::Say { .. } => "Answer",
            Self::Cancel { .. } => "Take it out of the calendar",
            Self::Undo { .. } => "Undo it",
            Self::Turn { .. } => "Look at what has changed",
            Self::Posts { .. } => "Look at your posts",
        };
        let step = Step::run(id, title).arg("job", to_value(&self)?);
        Ok(match self {
            Self::Cancel { .. } | Self::Undo { .. } => {
                step.expect(expect::exact("/isSo", true, "The engine lists it as it was asked for."))
            }
            _ => step.expect(expect::present("/content", "There is an answer for the user.")),
        })
    }

    /// Does it.
    ///
    /// # Errors
    /// What the host answers.
    pub(crate) fn run(&self, inputs: &Inputs) -> Result<Value> {
        match self {
            Self::Say { content } => Ok(json!({ "content": content, "data": {} })),
            Self::Cancel { schedules } => cancel(schedules),
            Self::Undo { remove, restore, drop, state, cannot } => undo(remove, restore, drop, state, cannot),
            Self::Turn { goal, before, key, wording } => {
                let after: String = inputs.argument("after")?;
                let is_met = match goal.is_shorter {
                    true => after.chars().count() < before.content.chars().count(),
                    false => after.trim() != before.content.trim(),
                };
                let content = if is_met { &after } else { &before.content };
                Ok(
                    json!({ "content": content, "isMet": is_met, "said": goal.said, "before": before, "key": key, "wording": wording }),
                )
            }
            Self::Posts { ask, last } => posts(ask, last.as_ref(), inputs),
        }
    }
}

impl Stored {
    /// From the engine's listing. None where it does not say all of it.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        let details = item.details();
        let text = |name: &str| details[name].as_str().map(str::to_owned);
        Some(Self {
            path: item.path.clone(),
            summary: item.summary.clone(),
            cron: text("schedule")?,
            time_zone: text("timezone")?,
            script_path: text("script_path")?,
            arguments: details.get("args").filter(|args| args.is_object()).cloned()?,
            enabled: details["enabled"].as_bool().unwrap_or(true),
        })
    }

    pub(crate) fn at_ms(&self) -> Option<u64> {
        self.arguments["atMs"].as_u64()
    }

    pub(crate) fn platform(&self) -> &str {
        self.arguments["platform"].as_str().unwrap_or_default()
    }

    /// The moment on the clock of its zone.
    pub(crate) fn local(&self) -> Option<DateTime<Tz>> {
        let zone: Tz = self.time_zone.parse().ok()?;
        zone.timestamp_millis_opt(i64::try_from(self.at_ms()?).ok()?).single()
    }

    /// The post of it, as an answer tells one.
    pub(crate) fn known(&self, is_scheduled: bool) -> Option<Known> {
        let text = |name: &str| self.arguments[name].as_str().map(str::to_owned);
        let schedule = Scheduled {
            path: self.path.clone(),
            at_ms: self.at_ms()?,
            local: self.local()?.format("%Y-%m-%dT%H:%M").to_string(),
            time_zone: self.time_zone.clone(),
        };
        let post = Post { platform: text("platform")?, content: text("content")?, topic: None, tone: None };
        Some(Known { post, schedule: is_scheduled.then_some(schedule), key: text("key")? })
    }

    /// For people: `your LinkedIn post of Friday, 27 November 2026 at 09:00`.
    pub(crate) fn label(&self) -> String {
        let name = platform::find(self.platform()).map_or(self.platform(), |platform| platform.name);
        let at = self.local().map(|at| at.format(" for %A, %-d %B %Y at %H:%M").to_string()).unwrap_or_default();
        let paused = if self.enabled { "" } else { " (switched off)" };
        format!(
            "{name}{at}{paused}: “{}” (`{}`)",
            shortened(self.arguments["content"].as_str().unwrap_or_default()),
            self.path
        )
    }

    fn store(&self) -> Result<bool> {
        let mut schedule = Schedule::of_script(&self.path, &self.cron, &self.script_path)
            .in_time_zone(&self.time_zone)
            .with_summary(&self.summary)
            .with_arguments(&self.arguments)?;
        schedule.enabled = self.enabled;
        windmill::create_schedule(&schedule)?;
        Ok(listed(&self.path)?.is_some_and(|now| now.cron == self.cron && now.arguments == self.arguments))
    }
}

/// One schedule as the engine lists it.
///
/// # Errors
/// What the host answers.
pub(crate) fn listed(path: &str) -> Result<Option<Stored>> {
    Ok(windmill::list(Kind::Schedule, path)?.iter().find(|item| item.path == path).and_then(Stored::of))
}

/// All posts in the user's calendar, the next first.
///
/// # Errors
/// What the host answers.
pub(crate) fn calendar(user_folder: &str) -> Result<Vec<Stored>> {
    let items = windmill::list(Kind::Schedule, &format!("{user_folder}/social/"))?;
    let mut all: Vec<Stored> = items.iter().filter_map(Stored::of).collect();
    all.sort_by_key(|stored| stored.at_ms());
    Ok(all)
}

fn shortened(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= MAX_SHOWN {
        return text;
    }
    let cut: String = text.chars().take(MAX_SHOWN).collect();
    format!("{}…", cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words))
}

fn take_away(path: &str) -> Result<bool> {
    windmill::delete(Kind::Schedule, path)?;
    Ok(listed(path)?.is_none())
}

/// Keeps in memory when a post goes out, or that it does not.
fn mark(key: &str, at_ms: Option<u64>, path: Option<&str>) -> Result<()> {
    let place = format!("posts/{key}");
    if let Some(mut kept) = memory::user().get::<Value>(&place)? {
        kept["atMs"] = at_ms.into();
        kept["schedulePath"] = path.into();
        memory::user().put(&place, &kept)?;
    }
    Ok(())
}

fn state_data(state: &[Known]) -> Result<Value> {
    let mut data = match state.first() {
        Some(first) => to_value(first)?,
        None => json!({}),
    };
    if state.len() > 1 {
        data["posts"] = to_value(state)?;
    }
    Ok(data)
}

fn cancel(schedules: &[Stored]) -> Result<Value> {
    let mut is_so = true;
    let mut lines = Vec::new();
    for stored in schedules {
        is_so &= take_away(&stored.path)?;
        if let Some(key) = stored.arguments["key"].as_str() {
            mark(key, None, None)?;
        }
        lines.push(format!("- {}", stored.label()));
    }
    let state: Vec<Known> = schedules.iter().filter_map(|stored| stored.known(false)).collect();
    let mut data = state_data(&state)?;
    data["cancelled"] = to_value(schedules)?;
    let content =
        format!("Cancelled, and taken out of the calendar:\n\n{}\n\nSay “undo that” to put it back.", lines.join("\n"));
    Ok(json!({ "content": content, "data": data, "isSo": is_so }))
}

fn undo(remove: &[Known], restore: &[Stored], drop: &[Known], state: &[Known], cannot: &[String]) -> Result<Value> {
    let mut is_so = true;
    let mut lines = Vec::new();
    for known in remove {
        let Some(schedule) = &known.schedule else { continue };
        is_so &= take_away(&schedule.path)?;
        mark(&known.key, None, None)?;
        let name = platform::find(&known.post.platform).map_or(known.post.platform.as_str(), |platform| platform.name);
        lines.push(format!("- The schedule of your {name} post is taken away; the draft stays (`{}`)", schedule.path));
    }
    for stored in restore {
        is_so &= stored.store()?;
        if let Some(key) = stored.arguments["key"].as_str() {
            mark(key, stored.at_ms(), Some(&stored.path))?;
        }
        lines.push(format!("- As before: {}", stored.label()));
    }
    for known in drop {
        memory::user().delete(&format!("posts/{}", known.key))?;
        lines.push("- The draft is dropped; nothing was scheduled or published".to_owned());
    }
    for known in state.iter().filter(|known| known.schedule.is_none()) {
        let place = format!("posts/{}", known.key);
        if let Some(mut kept) = memory::user().get::<Value>(&place)?
            && kept["content"] != known.post.content.as_str()
        {
            kept["content"] = known.post.content.as_str().into();
            memory::user().put(&place, &kept)?;
        }
        if !remove.iter().any(|removed| removed.key == known.key) {
            lines.push(format!("- The text is as before: “{}”", known.post.content));
        }
    }
    lines.extend(cannot.iter().map(|why| format!("- Cannot be undone: {why}")));
    let mut data = state_data(state)?;
    data["undone"] = true.into();
    Ok(json!({ "content": format!("Undone:\n\n{}", lines.join("\n")), "data": data, "isSo": is_so }))
}

/// A remembered post.
struct Remembered {
    content: String,
    platform: String,
    created_ms: u64,
}

fn posts(ask: &str, last: Option<&Known>, inputs: &Inputs) -> Result<Value> {
    let calendar = calendar(&inputs.request.user_folder)?;
    let now_ms = inputs.context.now_ms;
    let open: Vec<&Stored> =
        calendar.iter().filter(|stored| stored.enabled && stored.at_ms().is_none_or(|at_ms| at_ms > now_ms)).collect();
    let ask = Ask::named(ask);
    if ask == Some(Ask::Scheduled) {
        return Ok(scheduled(&open));
    }
    if ask == Some(Ask::When) {
        return Ok(goes_out(last, &open));
    }
    let mut known: Vec<Remembered> = memory::user()
        .list("posts/")?
        .into_iter()
        .filter_map(|entry| {
            Some(Remembered {
                content: entry.value["content"].as_str()?.to_owned(),
                platform: entry.value["platform"].as_str().unwrap_or_default().to_owned(),
                created_ms: entry.value["createdAtMs"].as_u64().unwrap_or(entry.updated_at_ms),
            })
        })
        .collect();
    // The newest first; among posts of one moment the listing's order.
    known.sort_by_key(|post| std::cmp::Reverse(post.created_ms));
    if known.is_empty() {
        let content = "You have no posts here yet. Say for example “write a tweet about our new office”.";
        return Ok(json!({ "content": content, "data": { "count": 0 } }));
    }
    let count = known.len();
    let noun = if count == 1 { "post" } else { "posts" };
    let length = |post: &&Remembered| post.content.chars().count();
    let one = match ask {
        Some(Ask::Longest) => known.iter().rev().max_by_key(length).map(|post| (post, "longest")),
        Some(Ask::Shortest) => known.iter().min_by_key(length).map(|post| (post, "shortest")),
        Some(Ask::Newest) => known.first().map(|post| (post, "newest")),
        Some(Ask::Oldest) => known.last().map(|post| (post, "oldest")),
        _ => None,
    };
    if let Some((post, which)) = one {
        let name = platform::find(&post.platform).map_or(post.platform.as_str(), |platform| platform.name);
        let quoted: String = post.content.lines().map(|line| format!("> {line}\n")).collect();
        let content = format!(
            "{quoted}\nThis is the {which} of your {count} {noun}: {} characters, for {name}.",
            post.content.chars().count()
        );
        let data = json!({ "count": count, "found": { "content": post.content, "platform": post.platform } });
        return Ok(json!({ "content": content, "data": data }));
    }
    let mut content = format!(
        "{count} {noun}: {} scheduled.",
        if open.is_empty() { "none".to_owned() } else { open.len().to_string() }
    );
    if ask == Some(Ask::All) {
        content.push('\n');
        for post in known.iter().take(MAX_LISTED) {
            let name = platform::find(&post.platform).map_or(post.platform.as_str(), |platform| platform.name);
            content.push_str(&format!("\n- {name}: “{}”", shortened(&post.content)));
        }
        if count > MAX_LISTED {
            content.push_str(&format!("\n- and {} more", count - MAX_LISTED));
        }
    }
    Ok(json!({ "content": content, "data": { "count": count, "scheduled": open.len() } }))
}

fn scheduled(open: &[&Stored]) -> Value {
    let content = if open.is_empty() {
        "You have no scheduled posts.".to_owned()
    } else {
        let lines: Vec<String> = open.iter().take(MAX_LISTED).map(|stored| format!("- {}", stored.label())).collect();
        let noun = if open.len() == 1 { "scheduled post" } else { "scheduled posts" };
        format!("You have {} {noun}, the next first:\n\n{}", open.len(), lines.join("\n"))
    };
    let paths: Vec<&str> = open.iter().map(|stored| stored.path.as_str()).collect();
    json!({ "content": content, "data": { "count": open.len(), "listed": paths } })
}

fn goes_out(last: Option<&Known>, open: &[&Stored]) -> Value {
    let of_last =
        last.and_then(|last| open.iter().find(|stored| stored.arguments["key"].as_str() == Some(last.key.as_str())));
    let content = match (of_last, last, open) {
        (Some(stored), _, _) => format!("It goes out on {}", stored.label()),
        (None, Some(_), _) => "It is not scheduled. Say for example “schedule it for tomorrow at 9”.".to_owned(),
        (None, None, [only]) => format!("Your next post goes out on {}", only.label()),
        (None, None, []) => "You have no scheduled posts.".to_owned(),
        (None, None, _) => return scheduled(open),
    };
    json!({ "content": content.replace("goes out on ", "goes out: "), "data": { "count": open.len() } })
}

impl Ask {
    /// The word for the plan.
    pub(crate) fn word(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    fn named(word: &str) -> Option<Self> {
        [Self::Count, Self::Longest, Self::Shortest, Self::Newest, Self::Oldest, Self::Scheduled, Self::When, Self::All]
            .into_iter()
            .find(|ask| ask.word() == word)
    }
}
