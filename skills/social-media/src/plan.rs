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

/// Writes a post, and schedules it where there is a time.
pub(crate) fn create(post: &Wanted, when: Option<&When>, request: &Request, context: &Context) -> Result<Plan> {
    let Platform { id, name, limit, .. } = post.platform;
    let tone = post.tone.clone().or_else(|| preferred_tone(context));
    // The script takes it where it keeps the platform's rules, and writes its own where it does not.
    let written = text::write(post, tone.as_deref(), request, context).map(|written| to_value(&written)).transpose()?;
    let summed_up = || {
        let comfortable = usize::try_from(post.platform.comfortable).unwrap_or(0);
        post.material.as_ref().map(|material| json!({ "text": summary::text(material, comfortable) }))
    };
    let written = written.or_else(summed_up);
    let mut create = Step::script("create", format!("Write the {name} post"), CREATE_POST)
        .retryable()
        .arg("platform", *id)
        .arg("topic", post.topic.as_str())
        .arg_if("tone", tone)
        .arg_if("url", post.url.as_deref())
        .arg_if("written", written)
        .expect(expect::present("/post/content", "the post has a text"))
        .expect(expect::within("/post/length", 1..=*limit, format!("the post fits {name}'s {limit} characters")));
    if post.topic.chars().count() <= WORD_BY_WORD_CHARS {
        create = create.expect(expect::contains("/post/content", post.topic.as_str(), "the post is about the topic"));
    }
    let plan = Plan::of([create]);
    Ok(match when {
        Some(when) => {
            let step = schedule(name, when, &request.task_id, request, context).arg("platform", *id);
            plan.then(step.arg_from("content", "create#/post/content"))
        }
        None => plan,
    })
}

/// Puts an earlier post at another time: the same key is the same schedule.
pub(crate) fn reschedule(earlier: &Earlier, when: &When, request: &Request, context: &Context) -> Plan {
    let name = platform::find(&earlier.post.platform).map_or(earlier.post.platform.as_str(), |platform| platform.name);
    let step = schedule(name, when, &earlier.key, request, context)
        .arg("platform", earlier.post.platform.as_str())
        .arg("content", earlier.post.content.as_str());
    Plan::of([step])
}

fn schedule(name: &str, when: &When, key: &str, request: &Request, context: &Context) -> Step {
    // The same key is the same schedule, however often it is made.
    Step::script("schedule", format!("Schedule it on {name}"), SCHEDULE_POST)
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
