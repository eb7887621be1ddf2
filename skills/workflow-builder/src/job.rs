//! The work of one step, as it stands in the plan's arguments, and doing it.

use openanalyst_skill::prelude::*;
use openanalyst_skill::windmill::{Kind, RunOptions, Schedule};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::manage::{self, Show, Stored, Thing};
use crate::refers::Here;
use crate::undo::{self, Undo};
use crate::wish::Kinds;

/// How many of the next firings are told.
const NEXT_TOLD: usize = 3;

/// What is run: a script or a flow with its arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Target {
    pub(crate) path: String,
    pub(crate) title: String,
    pub(crate) is_flow: bool,
    pub(crate) arguments: Value,
}

/// A schedule to store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScheduleSpec {
    pub(crate) path: String,
    pub(crate) cron: String,
    pub(crate) time_zone: String,
    /// The recurrence in words.
    pub(crate) label: String,
    pub(crate) target: Target,
    /// The next firings as they were read from the words, UTC.
    #[serde(default)]
    pub(crate) next_ms: Vec<u64>,
    /// What was assumed, and what the user should know.
    #[serde(default)]
    pub(crate) notes: Vec<String>,
    /// What stood at its path when this was planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<Box<Stored>>,
}

/// A flow to store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FlowSpec {
    pub(crate) path: String,
    /// What it is, in one line.
    pub(crate) summary: String,
    /// Windmill's flow value.
    pub(crate) value: Value,
    /// What must be given when it is run.
    pub(crate) needs: Vec<String>,
    /// The steps in words.
    pub(crate) steps: Vec<String>,
    /// Whether a flow stood at its path when this was planned.
    #[serde(default)]
    pub(crate) is_known: bool,
}

/// The work of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(crate) enum Job {
    /// Store a schedule.
    Schedule {
        /// The schedule.
        spec: ScheduleSpec,
    },
    /// Run something once, later.
    Once {
        /// What.
        target: Target,
        /// When, UTC.
        at_ms: u64,
        /// The zone to say it in.
        time_zone: String,
    },
    /// Store a flow.
    Flow {
        /// The flow.
        spec: FlowSpec,
    },
    /// Say what there is.
    List {
        /// Schedules?
        schedules: bool,
        /// Flows?
        flows: bool,
        /// What of them.
        #[serde(default)]
        show: Show,
    },
    /// Take these away.
    Cancel {
        /// What.
        things: Vec<Thing>,
        /// What was said to stay.
        #[serde(default)]
        kept: Vec<Thing>,
    },
    /// Switch these on or off.
    Switch {
        /// What.
        things: Vec<Thing>,
        /// On?
        on: bool,
    },
    /// Take back what an earlier answer did.
    Undo {
        /// What takes it back.
        steps: Vec<Undo>,
    },
    /// Only say this.
    Say {
        /// What.
        content: String,
    },
}

impl Job {
    /// The step that does it.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for what JSON cannot hold.
    pub(crate) fn into_step(self) -> Result<Step> {
        let (id, title) = match &self {
            Self::Schedule { spec } => ("schedule", format!("Schedule {} {}", spec.target.title, spec.label)),
            Self::Once { target, .. } => ("once", format!("Plan one run of {}", target.title)),
            Self::Flow { spec } => ("flow", format!("Store the workflow {}", spec.path)),
            Self::List { .. } => ("list", "Look up what there is".to_owned()),
            Self::Cancel { .. } => ("cancel", "Take it away".to_owned()),
            Self::Switch { on: true, .. } => ("switch", "Switch it on".to_owned()),
            Self::Switch { .. } => ("switch", "Pause it".to_owned()),
            Self::Undo { .. } => ("undo", "Undo it".to_owned()),
            Self::Say { .. } => ("say", "Answer".to_owned()),
        };
        let step = Step::run(id, title)
            .arg("job", to_value(&self)?)
            .expect(expect::present("/content", "There is an answer for the user."));
        Ok(match self {
            Self::Schedule { spec } => step
                .expect(expect::exact("/schedule/path", spec.path, "The schedule has its path."))
                .expect(expect::present("/schedule/nextRunMs", "The next run is known."))
                .expect(expect::exact("/stored", true, "The engine lists the schedule as it was asked for.")),
            Self::Once { .. } => step.expect(expect::present("/job/id", "The job is in the queue.")),
            Self::Flow { .. } => step.expect(expect::exact("/stored", true, "The engine lists the flow.")),
            Self::Cancel { .. } => step.expect(expect::exact("/gone", true, "The engine lists it no longer.")),
            Self::Switch { .. } => step.expect(expect::exact("/switched", true, "The engine lists it switched so.")),
            Self::Undo { .. } => step.expect(expect::exact("/undone", true, "The engine lists it as it was before.")),
            Self::List { .. } | Self::Say { .. } => step,
        })
    }

    /// Does it. Doing it twice leaves what doing it once leaves.
    ///
    /// # Errors
    /// What the host answers.
    pub(crate) fn run(&self, inputs: &Inputs) -> Result<Value> {
        match self {
            Self::Schedule { spec } => store_schedule(spec, inputs),
            Self::Once { target, at_ms, time_zone } => start_later(target, *at_ms, time_zone, inputs),
            Self::Flow { spec } => store_flow(spec),
            Self::List { schedules, flows, show } => {
                let kinds = Kinds { schedules: *schedules, flows: *flows };
                manage::list(kinds, show, &inputs.request.user_folder, here(&inputs.request, &inputs.context))
            }
            Self::Cancel { things, kept } => manage::cancel(things, kept),
            Self::Switch { things, on } => manage::switch(things, *on, here(&inputs.request, &inputs.context)),
            Self::Undo { steps } => undo::run(steps, here(&inputs.request, &inputs.context)),
            Self::Say { content } => Ok(json!({ "content": content })),
        }
    }
}

/// Where and when the user is.
pub(crate) fn here(request: &Request, context: &Context) -> Here {
    Here { now_ms: context.now_ms, zone: request.time_zone.parse().unwrap_or(chrono_tz::Tz::UTC) }
}

/// What takes the schedule back: its old form, or nothing in its place.
fn undo_of(spec: &ScheduleSpec, summary: &str) -> Undo {
    match &spec.before {
        Some(before) if before.enabled && is_as_wanted(before, spec) => Undo::cannot(format!(
            "{} stood there before, just as it is. Say “cancel it” to take it away.",
            before.label()
        )),
        Some(before) => Undo::Restore { schedule: (**before).clone() },
        None => Undo::Remove { path: spec.path.clone(), is_flow: false, what: format!("{summary} (`{}`)", spec.path) },
    }
}

fn is_as_wanted(stored: &Stored, spec: &ScheduleSpec) -> bool {
    (&stored.cron, &stored.time_zone, &stored.script_path, &stored.arguments)
        == (&spec.cron, &spec.time_zone, &spec.target.path, &spec.target.arguments)
}

fn store_schedule(spec: &ScheduleSpec, inputs: &Inputs) -> Result<Value> {
    let target = &spec.target;
    let summary = format!("{}, {}", capital(&target.title), spec.label);
    let schedule = Schedule { is_flow: target.is_flow, ..Schedule::of_script(&spec.path, &spec.cron, &target.path) }
        .in_time_zone(&spec.time_zone)
        .with_summary(&summary)
        .with_arguments(&target.arguments)?;
    windmill::create_schedule(&schedule)?;
    let listed = manage::stored(&spec.path)?.map(|item| item.details());
    let is_stored = listed.as_ref().is_some_and(|details| {
        // The listing is the engine's own; where it says something about these, it must be what was asked for.
        let agrees = |name: &str, wanted: &str| details[name].as_str().is_none_or(|found| found == wanted);
        agrees("schedule", &spec.cron) && agrees("timezone", &spec.time_zone) && agrees("script_path", &target.path)
    });
    // The engine knows best when it fires next; the words gave what comes after.
    let by_engine = listed.as_ref().and_then(|details| details["next_at_ms"].as_u64());
    let mut next_ms = spec.next_ms.clone();
    next_ms.retain(|at_ms| *at_ms > inputs.context.now_ms && by_engine.is_none_or(|first| *at_ms > first));
    next_ms.splice(0..0, by_engine);
    let next_run_ms = next_ms.first().copied();
    let next = next_ms.iter().take(NEXT_TOLD).map(|at_ms| clock::in_words(*at_ms, &spec.time_zone));
    let next = match next.collect::<Result<Vec<String>>>()? {
        next if next.is_empty() => "- Next run: unknown until the engine has looked".to_owned(),
        next if next.len() == 1 => format!("- Next run: {}, and then never again", next[0]),
        next => format!("- Next run: {}\n- Then: {}", next[0], next[1..].join("; ")),
    };
    let notes: String = spec.notes.iter().map(|note| format!("\n- Note: {note}")).collect();
    let what = match &spec.before {
        None => "Scheduled",
        Some(before) if is_as_wanted(before, spec) => "Scheduled (as it was already)",
        Some(_) => "Scheduled (in place of what stood there)",
    };
    let content = format!(
        "{what}: **{}**, {} ({}).\n\n{next}{notes}\n- Runs: `{}`\n- Schedule: `{}`\n\nSay “list my schedules” to see all, or “cancel the \
         {} schedule” to stop it.",
        capital(&target.title),
        spec.label,
        spec.time_zone,
        target.path,
        spec.path,
        target.title.trim_start_matches("the "),
    );
    Ok(json!({
        "content": content,
        "stored": is_stored,
        "subjects": [spec.path],
        "undo": [to_value(&undo_of(spec, &summary))?],
        "schedule": {
            "path": spec.path, "cron": spec.cron, "timeZone": spec.time_zone, "label": spec.label,
            "nextRunMs": next_run_ms, "nextMs": next_ms, "notes": spec.notes, "target": to_value(target)?,
        },
    }))
}

fn start_later(target: &Target, at_ms: u64, time_zone: &str, inputs: &Inputs) -> Result<Value> {
    let options =
        RunOptions { scheduled_for_ms: Some(at_ms), idempotency_key: Some(format!("{}/once", inputs.request.task_id)) };
    let job = if target.is_flow {
        windmill::run_flow_with(&target.path, &target.arguments, &options)?
    } else {
        windmill::run_script_with(&target.path, &target.arguments, &options)?
    };
    let content = format!(
        "Planned: **{}**, once.\n\n- When: {}\n- Runs: `{}`\n- Job: `{}`",
        capital(&target.title),
        clock::in_words(at_ms, time_zone)?,
        target.path,
        job.id(),
    );
    let why =
        format!("the run of {} is in the queue as job `{}`, and I cannot take it out again.", target.title, job.id());
    let job = json!({ "id": job.id(), "atMs": at_ms, "path": target.path });
    Ok(json!({ "content": content, "job": job, "undo": [to_value(&Undo::cannot(why))?], "subjects": [] }))
}

fn store_flow(spec: &FlowSpec) -> Result<Value> {
    let FlowSpec { path, summary, value, needs, steps, is_known } = spec;
    windmill::create_flow(path, summary, value)?;
    let is_stored = windmill::list(Kind::Flow, path)?.iter().any(|item| item.path == *path);
    let mut content = format!("The workflow is stored as `{path}`:\n");
    for (index, step) in steps.iter().enumerate() {
        content.push_str(&format!("\n{}. {}", index + 1, capital(step)));
    }
    if needs.is_empty() {
        content.push_str("\n\nIt needs nothing more to run.");
    } else {
        let names: Vec<String> = needs.iter().map(|name| format!("`{name}`")).collect();
        content.push_str(&format!("\n\nGive it {} when you run it.", names.join(", ")));
    }
    let undo = match is_known {
        true => Undo::cannot(format!("the workflow `{path}` stood there before; say “delete it” to take it away.")),
        false => Undo::Remove { path: path.clone(), is_flow: true, what: format!("{summary} (`{path}`)") },
    };
    Ok(json!({
        "content": content,
        "stored": is_stored,
        "subjects": [path],
        "undo": [to_value(&undo)?],
        "flow": { "path": path, "summary": summary, "needs": needs, "steps": steps },
    }))
}

/// With a capital letter in front.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
