//! The reply: the post, its time on the user's clock, the jobs that did it; and what is remembered of it.

use chrono::NaiveDateTime;
use openanalyst_skill::delivery::missing_channel;
use openanalyst_skill::prelude::*;

use crate::platform;

/// One post of the answer.
struct Part {
    post: Value,
    schedule: Option<Value>,
    /// What the script says that the user must hear of: what was cut, what could not be done.
    notes: Vec<String>,
    /// What was assumed of the time.
    when_notes: Vec<String>,
    key: String,
    /// What became of a change of an earlier text.
    turn: Option<Turn>,
}

/// A change of an earlier text, as its step judged it.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Turn {
    is_met: bool,
    said: String,
    before: Value,
    key: String,
    wording: usize,
}

impl Part {
    /// The post of the steps whose ids end so: `""` where there is one post, `-twitter` where there are several.
    fn read(ending: &str, request: &Request, results: &[StepResult]) -> Result<Self> {
        let has = |id: &str| results.iter().any(|result| result.id == id);
        let (create, schedule_id) = (format!("create{ending}"), format!("schedule{ending}"));
        let schedule = match has(&schedule_id) {
            true => Some(results.output(&schedule_id)?["schedule"].clone()),
            false => None,
        };
        let (post, notes) = match has(&create) {
            true => {
                let output = results.output(&create)?;
                let notes = output["notes"].as_array().into_iter().flatten().filter_map(Value::as_str);
                (output["post"].clone(), notes.map(str::to_owned).collect())
            }
            false => (moved_post(schedule.as_ref().unwrap_or(&Value::Null))?, Vec::new()),
        };
        // What was assumed of the time is said where it is the schedule's.
        let when =
            request.when().filter(|when| schedule.as_ref().is_some_and(|schedule| schedule["atMs"] == when.at_ms));
        let when_notes = when.map(|when| when.notes).unwrap_or_default();
        let turn_id = format!("turn{ending}");
        let turn: Option<Turn> = if has(&turn_id) { Some(results.value(&turn_id, "")?) } else { None };
        let own_key = || turn.as_ref().map_or_else(|| format!("{}{ending}", request.task_id), |turn| turn.key.clone());
        let key = schedule.as_ref().and_then(key_of).unwrap_or_else(own_key);
        // A change that changed nothing leaves the post as it was.
        let post = match &turn {
            Some(turn) if !turn.is_met => turn.before.clone(),
            _ => post,
        };
        Ok(Self { post, schedule, notes, when_notes, key, turn })
    }

    fn text(&self) -> String {
        let Self { post, schedule, notes, when_notes, .. } = self;
        let content = post["content"].as_str().unwrap_or_default();
        let id = post["platform"].as_str().unwrap_or_default();
        let name = platform::find(id).map_or(id, |platform| platform.name);
        if let Some(turn) = self.turn.as_ref().filter(|turn| !turn.is_met) {
            return format!(
                "I could not write your {name} post {} without a language model: it stays as it is, “{content}”.",
                turn.said
            );
        }
        let mut text = match (schedule, post.get("length")) {
            _ if self.turn.is_some() => {
                let said = self.turn.as_ref().map_or("", |turn| turn.said.as_str());
                format!("Here is your {name} post {said}:")
            }
            (Some(schedule), None) => format!("Your {name} post now goes out on {}:", local_time(schedule)),
            _ => format!("Here is your {name} post:"),
        };
        text.push_str("\n\n");
        for line in content.lines() {
            text.push_str(&format!("> {line}\n"));
        }
        if let (Some(length), Some(limit)) = (post["length"].as_u64(), post["limit"].as_u64()) {
            text.push_str(&format!("\n{length} of {limit} characters."));
        }
        for note in notes {
            text.push_str(&format!(" {note}"));
        }
        if let Some(schedule) = schedule {
            if post.get("length").is_some() {
                text.push_str(&format!(" It is scheduled for {}.", local_time(schedule)));
            }
            // One that was moved keeps the hour that it had.
            for note in when_notes.iter().filter(|_| post.get("length").is_some()) {
                text.push_str(&format!(" {note}"));
            }
            text.push_str(&format!(
                "\n\nThe schedule is `{}`. When it is due and no connector for {name} is configured, I tell you instead of posting.",
                schedule["path"].as_str().unwrap_or_default()
            ));
        }
        text
    }

    fn data(&self) -> Value {
        let mut data = json!({ "post": self.post, "schedule": self.schedule, "key": self.key });
        if let Some(turn) = &self.turn {
            data["wording"] = turn.wording.into();
        }
        data
    }
}

/// Writes the reply, and remembers the posts.
pub(crate) fn reply(request: &Request, results: &[StepResult]) -> Result<Reply> {
    if let Some(result) = results.iter().find(|result| result.id == "analyze") {
        return engagement(&results.output("analyze")?, result);
    }
    if let Some(result) = results.iter().find(|result| matches!(result.id.as_str(), "say" | "cancel" | "undo")) {
        let output = results.output(&result.id)?;
        let Some(content) = output["content"].as_str() else {
            let why = format!("**{}** did not succeed: {}", result.title, result.differences.join("; "));
            return Reply::text(why).made_by(None);
        };
        return Reply::text(content).with_data(&output["data"])?.made_by(None);
    }
    if results.iter().any(|result| result.id.starts_with("publish")) {
        return published(results);
    }
    let mut endings: Vec<&str> = Vec::new();
    for result in results {
        let ending = result.id.strip_prefix("create").or_else(|| result.id.strip_prefix("schedule"));
        if let Some(ending) = ending.filter(|ending| !endings.contains(ending)) {
            endings.push(ending);
        }
    }
    let parts = endings.iter().map(|ending| Part::read(ending, request, results)).collect::<Result<Vec<Part>>>()?;
    let Some(first) = parts.first() else {
        return Err(Failure::failed("no step wrote or moved a post"));
    };
    let mut text = parts.iter().map(Part::text).collect::<Vec<_>>().join("\n\n");
    let jobs: Vec<String> =
        results.iter().filter_map(|result| result.job_id.as_ref()).map(|id| format!("`{id}`")).collect();
    if !jobs.is_empty() {
        text.push_str(&format!("\n\nJobs: {}.", jobs.join(", ")));
    }
    // Where no other is named, the user was asked which one is meant.
    if request.platform().is_some()
        && let Some(name) = request.unknown_platform()
    {
        text.push_str(&format!("\n\nI do not know the platform \"{name}\", so there is no post for it."));
    }
    if let Some(channel) = missing_channel(&request.content) {
        text.push_str(&format!("\n\n{}", channel.sentence()));
    }
    for part in &parts {
        remember(&part.key, &part.post, part.schedule.as_ref(), request)?;
    }
    // Set by the script where the post is the model's, and remembered with it.
    let model = parts.iter().find_map(|part| part.post["model"].as_str());
    let mut data = first.data();
    if parts.len() > 1 {
        data["posts"] = parts.iter().map(Part::data).collect();
    }
    Reply::text(text).with_data(&data)?.made_by(model)
}

/// What became of posts that were to go out at once.
fn published(results: &[StepResult]) -> Result<Reply> {
    let mut parts = Vec::new();
    let mut is_published = false;
    for result in results {
        let output = results.output(&result.id)?;
        let id = output["platform"].as_str().unwrap_or_default();
        let name = platform::find(id).map_or(id, |platform| platform.name);
        if output["status"] == "published" {
            is_published = true;
            parts.push(format!("Your post is published on {name}."));
        } else {
            let why = output["detail"].as_str().unwrap_or("the script did not say why");
            let quoted: String =
                output["content"].as_str().unwrap_or_default().lines().map(|line| format!("> {line}\n")).collect();
            parts.push(format!("Your {name} post is not published: {why}. Post it yourself:\n\n{quoted}"));
        }
    }
    Reply::text(parts.join("\n\n").trim_end()).with_data(&json!({ "published": is_published }))?.made_by(None)
}

/// What is kept for later requests and for reports.
fn remember(key: &str, post: &Value, schedule: Option<&Value>, request: &Request) -> Result<()> {
    let path = format!("posts/{key}");
    let earlier: Option<Value> = memory::user().get(&path)?;
    let created =
        earlier.as_ref().map_or_else(|| json!(request.received_at_ms), |earlier| earlier["createdAtMs"].clone());
    let mut kept = json!({
        "platform": post["platform"], "content": post["content"], "topic": post["topic"], "tone": post["tone"], "createdAtMs": created,
        "atMs": schedule.map(|schedule| &schedule["atMs"]), "schedulePath": schedule.map(|schedule| &schedule["path"]),
    });
    if let Some(model) = post["model"].as_str() {
        kept["model"] = model.into();
    }
    memory::user().put(&path, &kept)?;
    Ok(())
}

/// The post that was moved, from memory: its schedule's path ends with its key.
fn moved_post(schedule: &Value) -> Result<Value> {
    let key = key_of(schedule).ok_or_else(|| Failure::failed("the schedule's path does not name a post"))?;
    let post: Option<Value> = memory::user().get(&format!("posts/{key}"))?;
    let post = post.ok_or_else(|| Failure::not_found("the post that was moved is not in memory any more"))?;
    let mut moved = json!({ "platform": post["platform"], "content": post["content"], "topic": post["topic"] });
    if post["tone"].is_string() {
        moved["tone"] = post["tone"].clone();
    }
    if let Some(model) = post["model"].as_str() {
        moved["model"] = model.into();
    }
    Ok(moved)
}

/// The key of a post from the path of its schedule.
fn key_of(schedule: &Value) -> Option<String> {
    let (_, key) = schedule["path"].as_str()?.rsplit_once("/post_")?;
    Some(key.replace('_', "-"))
}

/// "Tuesday, 24 November 2026 at 09:00 (Europe/Berlin)".
fn local_time(schedule: &Value) -> String {
    let local = schedule["local"].as_str().unwrap_or_default();
    let zone = schedule["timeZone"].as_str().unwrap_or_default();
    match NaiveDateTime::parse_from_str(local, "%Y-%m-%dT%H:%M") {
        Ok(at) => format!("{} ({zone})", at.format("%A, %-d %B %Y at %H:%M")),
        Err(_) => format!("{local} ({zone})"),
    }
}

fn engagement(output: &Value, result: &StepResult) -> Result<Reply> {
    let numbers = &output["engagement"];
    let mut text = String::new();
    if numbers["counted"].as_u64().unwrap_or(0) > 0 {
        text.push_str("| measure | value |\n|---|---:|\n");
        for (label, name) in [
            ("Posts", "posts"),
            ("Reactions", "reactions"),
            ("Reactions a post", "meanReactions"),
            ("Engagement rate", "rate"),
        ] {
            if let Some(value) = numbers[name].as_f64() {
                let shown = if name == "rate" { format!("{:.2} %", value * 100.0) } else { value.to_string() };
                text.push_str(&format!("| {label} | {shown} |\n"));
            }
        }
        if let Some(best) = numbers["bestDays"].get(0) {
            text.push_str(&format!(
                "\nBest day: {} ({} reactions a post).",
                best["name"].as_str().unwrap_or_default(),
                best["meanReactions"]
            ));
        }
        if let Some(best) = numbers["top"].get(0) {
            text.push_str(&format!(
                "\nBest post: {} ({} reactions).",
                best["post"].as_str().unwrap_or_default(),
                best["reactions"]
            ));
        }
    } else {
        text.push_str("There are no numbers to compute engagement from. Attach your platform's export as CSV or JSON, with a row for each post.");
    }
    let texts =
        |name: &str| -> Vec<&str> { output[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect() };
    let missing = texts("missing");
    if !missing.is_empty() {
        text.push_str(&format!("\n\nMissing: {}.", missing.join("; ")));
    }
    let notes = texts("notes");
    if !notes.is_empty() {
        text.push_str("\n\nHow it was read:\n");
        for note in notes {
            text.push_str(&format!("\n- {note}"));
        }
    }
    if let Some(job) = &result.job_id {
        text.push_str(&format!("\n\nJob: `{job}`."));
    }
    Reply::text(text).with_data(output)?.made_by(None)
}
