//! Which posts of the user's calendar some words mean, and the plans that take them out of it or take the last thing back.

use openanalyst_skill::prelude::*;
use openanalyst_skill::turns as sdk;

use crate::goes_on::{WHICH, is_yes, one, say};
use crate::history::{self, Answer, Known, NAME, Post, Stored};
use crate::jobs::{self, Job};
use crate::platform;

/// The question before several posts are cancelled, or something older is undone.
const CONFIRM: &str = "confirm";

/// The posts of a calendar that some words mean: by platform, day and words of the text.
pub(crate) fn found(calendar: &[Stored], words: &str, platforms: &[String], last: Option<&Answer>) -> Vec<Stored> {
    const SILENT: &[&str] = &[
        "cancel",
        "delete",
        "remove",
        "unschedule",
        "stop",
        "drop",
        "dont",
        "don",
        "move",
        "reschedule",
        "postpone",
        "push",
        "shift",
        "bring",
        "the",
        "a",
        "an",
        "my",
        "our",
        "post",
        "posts",
        "tweet",
        "tweets",
        "one",
        "ones",
        "schedule",
        "scheduled",
        "about",
        "on",
        "for",
        "of",
        "to",
        "at",
        "it",
        "that",
        "this",
        "them",
        "please",
        "from",
        "calendar",
        "all",
        "every",
        "everything",
        "out",
        "go",
        "publish",
        "and",
        "delay",
        "can",
        "you",
        "could",
        "actually",
        "no",
        "now",
        "instead",
        "in",
        "with",
        "x",
        "ok",
        "then",
        "both",
        "am",
        "pm",
        "lösche",
        "storniere",
        "later",
        "earlier",
        "hour",
        "hours",
        "an",
        "day",
        "days",
        "week",
    ];
    if let Some(stored) = calendar.iter().find(|stored| words.contains(&stored.path)) {
        return vec![stored.clone()];
    }
    let lower = words.to_lowercase();
    // What stands behind " to " is where it shall go, not which one it is.
    let is_move =
        ["move", "reschedule", "postpone", "push", "shift", "verschiebe"].iter().any(|verb| lower.contains(verb));
    let what = if is_move { lower.rfind(" to ").map_or(lower.as_str(), |at| &lower[..at]) } else { lower.as_str() };
    let said = sdk::words(what);
    let days: Vec<u8> = said.iter().filter_map(|word| sdk::weekday(word)).collect();
    let telling: Vec<&String> = said
        .iter()
        .filter(|word| {
            !SILENT.contains(&word.as_str()) && sdk::weekday(word).is_none() && platform::find(word).is_none()
        })
        .filter(|word| !word.starts_with(|letter: char| letter.is_ascii_digit()))
        .collect();
    let is_bare = days.is_empty() && telling.is_empty() && platforms.is_empty();
    let is_all = said.iter().any(|word| matches!(word.as_str(), "all" | "everything" | "posts" | "tweets" | "both"));
    if is_bare
        && !is_all
        && let Some(last) = last
    {
        let spoken: Vec<Stored> = calendar
            .iter()
            .filter(|stored| last.posts.iter().any(|known| stored.arguments["key"] == known.key.as_str()))
            .cloned()
            .collect();
        if !spoken.is_empty() {
            return spoken;
        }
    }
    let fits = |stored: &&Stored| {
        use chrono::Datelike;
        let content = stored.arguments["content"].as_str().unwrap_or_default().to_lowercase();
        let day = stored.local().map(|at| at.weekday().num_days_from_monday());
        (platforms.is_empty() || platforms.iter().any(|platform| platform == stored.platform()))
            && (days.is_empty() || days.iter().any(|named| Some(u32::from(*named)) == day))
            && telling.iter().all(|word| content.contains(word.strip_suffix('s').unwrap_or(word)))
    };
    calendar.iter().filter(fits).cloned().collect()
}

pub(crate) fn which(text: &str, among: &[Stored]) -> Question {
    Question::new(WHICH, text).options(among.iter().map(Stored::label))
}

/// Takes scheduled posts out of the calendar.
pub(crate) fn cancel(request: &Request, context: &Context, last: Option<&Answer>) -> Result<Option<Plan>> {
    let now_ms = context.now_ms;
    let mut calendar = jobs::calendar(&request.user_folder)?;
    calendar.retain(|stored| stored.at_ms().is_none_or(|at_ms| at_ms > now_ms));
    if calendar.is_empty() {
        return say("You have no scheduled posts, so there is nothing to cancel.");
    }
    let words = sdk::words(&request.content);
    let is_many =
        words.iter().any(|word| matches!(word.as_str(), "all" | "everything" | "posts" | "tweets" | "both" | "them"));
    let said = request.answer(WHICH).unwrap_or(&request.content);
    let schedules = found(&calendar, said, &request.platforms(), last);
    match schedules.as_slice() {
        [] => {
            return Ok(Some(Plan::ask(which(
                "None of your scheduled posts is that one. Which one shall I cancel?",
                &calendar,
            ))));
        }
        [_] => {}
        _ if !is_many && !of_last(&schedules, last) => {
            return Ok(Some(Plan::ask(which("Which one shall I cancel?", &schedules))));
        }
        several => match request.answer(CONFIRM) {
            None => {
                let labels: Vec<String> = several.iter().map(Stored::label).collect();
                let text = format!("Shall I cancel all {} of them? {}", several.len(), labels.join("; "));
                return Ok(Some(Plan::ask(Question::new(CONFIRM, text).options(["Yes, cancel all", "No, keep them"]))));
            }
            Some(answer) if is_yes(answer) => {}
            Some(_) => return say("Then everything stays as it is."),
        },
    }
    one(Job::Cancel { schedules }, "cancel")
}

/// Whether these are the posts of the last answer: "cancel it" means them all.
fn of_last(schedules: &[Stored], last: Option<&Answer>) -> bool {
    last.is_some_and(|last| {
        last.posts.len() == schedules.len()
            && schedules
                .iter()
                .all(|stored| last.posts.iter().any(|known| stored.arguments["key"] == known.key.as_str()))
    })
}

/// Whether the newest turn corrected the one before it, and asked for nothing of its own.
fn is_amended(context: &Context) -> bool {
    let said = context.messages.iter().rev().find(|message| matches!(message.role, Role::User));
    let lower = said.map(|message| message.content.to_lowercase()).unwrap_or_default();
    ["actually", "make that", "i meant", "i mean ", "rather", "sorry", "doch lieber"]
        .iter()
        .any(|words| lower.contains(words))
}

/// Takes back what the newest answer of this skill did.
pub(crate) fn undo(request: &Request, context: &Context) -> Result<Option<Plan>> {
    let answers = history::answers(context);
    let Some(newest) = answers.first() else {
        return say("There is nothing of mine to undo in this conversation.");
    };
    if newest.is_undone {
        return say("There is nothing more to undo: the last change is undone already.");
    }
    if newest.is_published {
        return say("That cannot be undone: it has been handed over already. Delete it on the platform itself.");
    }
    let by_other = context.last_answer().and_then(|message| message.skill.as_deref()).filter(|skill| *skill != NAME);
    if let Some(skill) = by_other {
        match request.answer(CONFIRM) {
            None => {
                let text =
                    format!("The last answer came from `{skill}`. Shall I undo what I did with your post before it?");
                return Ok(Some(Plan::ask(Question::new(CONFIRM, text).options(["Yes, undo it", "No, keep it"]))));
            }
            Some(answer) if is_yes(answer) => {}
            Some(_) => return say("Then everything stays as it is."),
        }
    }
    let (mut remove, mut restore, mut drop, mut state, mut cannot) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    if !newest.cancelled.is_empty() {
        for stored in &newest.cancelled {
            if stored.at_ms().is_some_and(|at_ms| at_ms <= context.now_ms) {
                cannot.push(format!("the time of {} has passed.", stored.label()));
            } else {
                state.extend(stored.known(true));
                restore.push(stored.clone());
            }
        }
        return one(Job::Undo { remove, restore, drop, state, cannot }, "undo");
    }
    let is_amended = is_amended(context);
    for known in &newest.posts {
        let before = history::before(&answers, &known.key);
        match (&known.schedule, before) {
            // "Actually make that Thursday" only said the same anew: undone is what it amended.
            (Some(_), Some(Known { schedule: Some(_), .. })) if is_amended => {
                remove.push(known.clone());
                state.push(Known { schedule: None, ..known.clone() });
            }
            (Some(now), Some(Known { post, schedule: Some(then), .. })) => {
                if then.at_ms <= context.now_ms {
                    cannot.push(format!("its earlier time, {}, has passed.", then.local.replace('T', " ")));
                    continue;
                }
                let Some(listed) = jobs::listed(&now.path)? else {
                    cannot.push("it is not in the calendar any more.".to_owned());
                    continue;
                };
                restore.push(as_before(listed, post, then));
                state.extend(before.cloned());
            }
            (Some(_), _) => {
                remove.push(known.clone());
                state.push(Known { schedule: None, ..before.cloned().unwrap_or_else(|| known.clone()) });
            }
            (None, Some(before)) => state.push(before.clone()),
            (None, None) => drop.push(known.clone()),
        }
    }
    if remove.is_empty() && restore.is_empty() && drop.is_empty() && state.is_empty() {
        return say(format!("That cannot be undone: {}", cannot.join(" ")));
    }
    one(Job::Undo { remove, restore, drop, state, cannot }, "undo")
}

/// The schedule with its earlier text and time.
fn as_before(mut stored: Stored, post: &Post, then: &history::Scheduled) -> Stored {
    use chrono::{Datelike, NaiveDateTime, Timelike};
    stored.arguments["content"] = post.content.as_str().into();
    stored.arguments["atMs"] = then.at_ms.into();
    stored.time_zone = then.time_zone.clone();
    if let Ok(local) = NaiveDateTime::parse_from_str(&then.local, "%Y-%m-%dT%H:%M") {
        stored.arguments["year"] = local.year().into();
        stored.cron = format!("0 {} {} {} {} *", local.minute(), local.hour(), local.day(), local.month());
    }
    let name = platform::find(&post.platform).map_or(post.platform.as_str(), |platform| platform.name);
    stored.summary = format!("Post on {name} at {}", then.local.replace('T', " "));
    stored.enabled = true;
    stored
}
