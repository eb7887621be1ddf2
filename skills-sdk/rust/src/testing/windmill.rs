//! The workflow engine of the test host: scripts are functions that run at once; flows, apps and schedules are only stored.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

use crate::bindings::openanalyst::skill::windmill::{
    App, FlowDefinition, Item, JobState, JobStatus, Kind, Page, Schedule, Script,
};
use crate::types::Failure;

pub(crate) type ScriptFunction = Rc<dyn Fn(&Value) -> Result<Value, String>>;

#[derive(Default)]
pub(crate) struct Windmill {
    functions: BTreeMap<String, ScriptFunction>,
    scripts: BTreeMap<String, Script>,
    flows: BTreeMap<String, FlowDefinition>,
    apps: BTreeMap<String, App>,
    schedules: BTreeMap<String, Schedule>,
    /// Script path and state of each job; the place in the list makes the id.
    jobs: Vec<(String, JobState)>,
}

impl Windmill {
    pub(crate) fn add_script(&mut self, path: &str, function: ScriptFunction) {
        self.functions.insert(path.into(), function);
    }

    pub(crate) fn function(&self, path: &str) -> Result<ScriptFunction, Failure> {
        self.functions.get(path).cloned().ok_or_else(|| {
            Failure::not_found(format!("the test host has no script `{path}`; add it with Host::with_script"))
        })
    }

    /// Keeps an ended job; gives its id.
    pub(crate) fn keep_job(&mut self, path: &str, result: Result<Value, String>) -> String {
        let (status, result) = match result {
            Ok(value) => (JobStatus::Done, value),
            Err(message) => (JobStatus::Failed, json!({"error": {"name": "Error", "message": message}})),
        };
        let state = JobState { status, percent: None, last_log: None, result: Some(result.to_string()) };
        self.jobs.push((path.into(), state));
        job_id(self.jobs.len() - 1)
    }

    pub(crate) fn job(&self, id: &str) -> Result<JobState, Failure> {
        let found = (0..self.jobs.len()).find(|index| job_id(*index) == id).map(|index| self.jobs[index].1.clone());
        found.ok_or_else(|| Failure::not_found(format!("there is no job `{id}`")))
    }

    pub(crate) fn create_script(&mut self, script: &Script) -> Result<(), Failure> {
        check_path(&script.path)?;
        self.scripts.insert(script.path.clone(), script.clone());
        Ok(())
    }

    pub(crate) fn create_flow(&mut self, flow: &FlowDefinition) -> Result<(), Failure> {
        check_path(&flow.path)?;
        let value: Value = serde_json::from_str(&flow.value)?;
        if !value["modules"].is_array() {
            return Err(Failure::invalid(format!("the flow `{}` has no list of modules", flow.path)));
        }
        self.flows.insert(flow.path.clone(), flow.clone());
        Ok(())
    }

    pub(crate) fn create_app(&mut self, app: &App) -> Result<(), Failure> {
        check_path(&app.path)?;
        self.apps.insert(app.path.clone(), app.clone());
        Ok(())
    }

    pub(crate) fn create_schedule(&mut self, schedule: &Schedule) -> Result<(), Failure> {
        check_path(&schedule.path)?;
        let is_rule = schedule.cron.starts_with("DTSTART") && schedule.cron.contains("RRULE:");
        if !is_rule && schedule.cron.split_whitespace().count() != 6 {
            return Err(Failure::invalid(format!("`{}` is not a cron expression of six fields", schedule.cron)));
        }
        if !serde_json::from_str::<Value>(&schedule.arguments)?.is_object() {
            return Err(Failure::invalid(format!("the arguments of `{}` are not an object", schedule.path)));
        }
        self.schedules.insert(schedule.path.clone(), schedule.clone());
        Ok(())
    }

    pub(crate) fn schedules(&self) -> Vec<Schedule> {
        self.schedules.values().cloned().collect()
    }

    pub(crate) fn flows(&self) -> Vec<FlowDefinition> {
        self.flows.values().cloned().collect()
    }

    /// One page holds all; `updated-at-ms` is 0, for the test host has no clock.
    pub(crate) fn list(&self, kind: Kind, prefix: &str) -> Page {
        let item = |path: &str, summary: &str, details: Value| Item {
            kind,
            path: path.into(),
            summary: summary.into(),
            details: details.to_string(),
            updated_at_ms: 0,
        };
        let all: Vec<Item> = match kind {
            Kind::Script => {
                let functions = self.functions.keys().map(|path| item(path, "", json!({ "path": path })));
                let scripts = self.scripts.values().map(|script| {
                    item(&script.path, &script.summary, json!({"path": script.path, "language": script.language}))
                });
                functions.chain(scripts).collect()
            }
            Kind::Flow => {
                self.flows.values().map(|flow| item(&flow.path, &flow.summary, json!({ "path": flow.path }))).collect()
            }
            Kind::App => {
                self.apps.values().map(|app| item(&app.path, &app.summary, json!({ "path": app.path }))).collect()
            }
            Kind::Schedule => {
                self.schedules.values().map(|one| item(&one.path, &one.summary, schedule_details(one))).collect()
            }
            Kind::Job => (self.jobs.iter().enumerate().rev())
                .filter(|(_, (path, _))| path.starts_with(prefix))
                .map(|(index, (path, _))| item(&job_id(index), path, json!({ "script_path": path })))
                .collect(),
        };
        let items = all.into_iter().filter(|item| kind == Kind::Job || item.path.starts_with(prefix)).collect();
        Page { items, cursor: None }
    }

    pub(crate) fn delete(&mut self, kind: Kind, path: &str) -> Result<bool, Failure> {
        match kind {
            Kind::Script => Ok(self.scripts.remove(path).is_some() | self.functions.remove(path).is_some()),
            Kind::Flow => Ok(self.flows.remove(path).is_some()),
            Kind::App => Ok(self.apps.remove(path).is_some()),
            Kind::Schedule => Ok(self.schedules.remove(path).is_some()),
            Kind::Job => Err(Failure::invalid("jobs are cancelled, not removed")),
        }
    }
}

/// As Windmill lists a schedule.
fn schedule_details(schedule: &Schedule) -> Value {
    json!({
        "path": schedule.path,
        "summary": schedule.summary,
        "schedule": schedule.cron,
        "timezone": schedule.time_zone,
        "script_path": schedule.script_path,
        "is_flow": schedule.is_flow,
        "args": serde_json::from_str::<Value>(&schedule.arguments).unwrap_or_default(),
        "enabled": schedule.enabled,
    })
}

fn job_id(index: usize) -> String {
    format!("00000000-0000-7000-8000-{index:012}")
}

fn check_path(path: &str) -> Result<(), Failure> {
    let mut parts = path.split('/');
    let good_root = matches!(parts.next(), Some("u" | "f"));
    let good_part = |part: &str| {
        !part.is_empty() && part.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'))
    };
    let rest: Vec<&str> = parts.collect();
    if good_root && rest.len() >= 2 && rest.iter().all(|part| good_part(part)) {
        return Ok(());
    }
    Err(Failure::invalid(format!("`{path}` is not a path such as `u/ada/schedules/report`")))
}
