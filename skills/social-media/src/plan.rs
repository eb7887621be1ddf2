//! The steps: which script, with what, and what its result must be like.

use openanalyst_skill::When;
use openanalyst_skill::prelude::*;

use crate::platform::{self, Platform};
use crate::wish::{Earlier, Wanted};
use crate::{rows, summary, text};

pub(crate) const CREATE_POST: &str = "f/openanalyst/social/create_post";
const SCHEDULE_POST: &str = "f/openanalyst/social/schedule_post";
const ANALYZE: &str = "f/openanalyst/social/analyze_engagement";

/// The longest topic that a post must hold word by word, in characters.
pub(crate) const WORD_BY_WORD_CHARS: usize = 60;

/// Writes each post, and schedules it where there is a time.
pub(crate) fn create(posts: &[Wanted], when: Option<&When>, request: &Request, context: &Context) -> Result<Plan> {
    let mut plan = Plan::of([]);
    for post in posts {
        let id = post.platform.id;
        let step_id = step_id("create", id, posts.len());
        plan = plan.then(write(post, &step_id, request, context)?);
        if let Some(when) = when {
            let key = match posts.len() {
                1 => request.task_id.clone(),
                _ => format!("{}-{id}", request.task_id),
            };
            let schedule_id = self::step_id("schedule", id, posts.len());
            let step = schedule(&schedule_id, post.platform.name, when, &key, request, context).arg("platform", id);
            plan = plan.then(step.arg_from("content", format!("{step_id}#/post/content")));
        }
    }
    Ok(plan)
}

/// `create` where there is one post, `create-twitter` where there are several.
fn step_id(kind: &str, platform: &str, posts: usize) -> String {
    if posts == 1 { kind.to_owned() } else { format!("{kind}-{platform}") }
}

/// The step that writes one post.
///
/// # Errors
/// [`Failure::Invalid`] for what JSON cannot hold.
pub(crate) fn write(post: &Wanted, id: &str, request: &Request, context: &Context) -> Result<Step> {
    let Platform { id: platform, name, limit, .. } = post.platform;
    let tone = post.tone.clone().or_else(|| preferred_tone(context));
    // The script takes it where it keeps the platform's rules, and writes its own where it does not.
    let rework = post.rework.as_ref();
    let offered = rework.and_then(|rework| rework.offered.as_ref()).map(|text| json!({ "text": text }));
    let written = match offered.or_else(|| rework.and_then(|rework| rework.written.clone())) {
        Some(written) => Some(written),
        None => {
            text::write(post, tone.as_deref(), id, request, context).map(|written| to_value(&written)).transpose()?
        }
    };
    let differences = rework.map(|rework| rework.differences.clone()).filter(|differences| !differences.is_empty());
    let summed_up = || {
        let comfortable = usize::try_from(post.platform.comfortable).unwrap_or(0);
        post.material.as_ref().map(|material| json!({ "text": summary::text(material, comfortable) }))
    };
    let written = written.or_else(summed_up);
    let create = Step::script(id, format!("Write the {name} post"), CREATE_POST)
        .retryable()
        .arg("platform", *platform)
        .arg("topic", post.topic.as_str())
        .arg_if("tone", tone)
        .arg_if("url", post.url.as_deref())
        .arg_if("written", written)
        .arg_if("differences", differences)
        .expect(expect::present("/post/content", "the post has a text"))
        .expect(expect::within("/post/length", 1..=*limit, format!("the post fits {name}'s {limit} characters")));
    let is_translation = rework.is_some_and(|rework| rework.is_translation);
    Ok(if post.topic.chars().count() <= WORD_BY_WORD_CHARS && !is_translation {
        create.expect(expect::contains("/post/content", post.topic.as_str(), "the post is about the topic"))
    } else {
        create
    })
}

/// Puts earlier posts at another time: the same key is the same schedule.
pub(crate) fn reschedule(earlier: &[Earlier], when: &When, request: &Request, context: &Context) -> Plan {
    Plan::of(earlier.iter().map(|Earlier { post, key }| {
        let id = post.platform.as_str();
        let name = platform::find(id).map_or(id, |platform| platform.name);
        schedule(&step_id("schedule", id, earlier.len()), name, when, key, request, context)
            .arg("platform", id)
            .arg("content", post.content.as_str())
    }))
}

/// The step that puts one post into the calendar; its content and platform are still missing.
pub(crate) fn schedule(id: &str, name: &str, when: &When, key: &str, request: &Request, context: &Context) -> Step {
    // The same key is the same schedule, however often it is made.
    Step::script(id, format!("Schedule it on {name}"), SCHEDULE_POST)
        .retryable()
        .arg("atMs", when.at_ms)
        .arg("local", when.local.as_str())
        .arg("timeZone", when.time_zone.as_str())
        .arg("key", key)
        .arg("userFolder", request.user_folder.as_str())
        .arg("nowMs", context.now_ms)
        .expect(expect::present("/schedule/path", "the schedule is stored"))
        .expect(expect::exact("/schedule/atMs", when.at_ms, "it fires at the time that was asked for"))
}

/// Computes engagement from the attached files.
pub(crate) fn analyze(request: &Request) -> Result<Plan> {
    let posts = match rows::of(request)? {
        Ok(posts) => posts,
        Err(questions) => return Ok(Plan::ask_all(questions)),
    };
    let step = Step::script("analyze", "Compute the engagement", ANALYZE)
        .retryable()
        .arg("posts", posts.rows)
        .arg("notes", posts.notes)
        .expect(expect::present("/engagement", "there is a result"));
    Ok(Plan::of([step]))
}

/// The tone that the user once said they prefer.
fn preferred_tone(context: &Context) -> Option<String> {
    context.preference::<String>("tone")
}
