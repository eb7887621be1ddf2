//! Attacks by requests: whatever a user or a skill can make the host do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use openanalyst_guest_fixtures::NEIGHBOUR;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Attackers, JOB_CANCELLED, PAUSE};
use crate::client::{Answer, BROKEN, RUNNING, asks};
use crate::victim::skill;

/// How long a request waits for its end, in seconds.
const WAIT_S: u64 = 60;
/// Rows of the attached file: about 500 kB.
const ROWS: usize = 12_000;

/// Uploads the bad skill as the tenant's administrator, with all that it asks for.
pub async fn install(attackers: &Attackers) -> Result<(), String> {
    let (client, admin) = (&attackers.client, &attackers.admin);
    let done = |answer: Answer| match answer.label.as_str() {
        "200" | "201" => Ok(()),
        label => Err(format!("the skill cannot be installed: {label} {}", answer.body)),
    };
    done(client.upload(admin, package()).await)?;
    let grants = json!({ "windmill": ["f/neighbour/*"] });
    done(client.call(Method::PUT, "/v1/skills/neighbour/grants", admin, Some(grants)).await)?;
    done(client.post("/v1/skills/neighbour/activate", admin, json!({ "version": "1.0.0" })).await)
}

fn package() -> Vec<u8> {
    let skill_md = "---\nname: neighbour\ndescription: Puts load on its host.\nversion: 1.0.0\n\
                    triggers: [neighbour, \"neighbour start\", \"neighbour keep\", \
                    \"neighbour tick\", \"neighbour deep\", \"neighbour refer\", \
                    \"neighbour large\", \"neighbour spin\"]\n\
                    capabilities:\n  windmill: [\"f/neighbour/*\"]\n---\nFor a bench.\n";
    let files = BTreeMap::from([
        ("SKILL.md".to_owned(), skill_md.as_bytes().to_vec()),
        ("skill.wasm".to_owned(), NEIGHBOUR.to_vec()),
    ]);
    openanalyst_package::write_archive(&files).expect("the paths are safe")
}

/// Has every attacker store a script.
pub async fn keep_script(attackers: &Arc<Attackers>, name: &str) -> Result<(), String> {
    for token in &attackers.tokens {
        must_complete(attackers, token, &format!("neighbour keep {name}")).await?;
    }
    Ok(())
}

/// Asks once, in preparation of an attack.
pub async fn must_complete(
    attackers: &Attackers,
    token: &str,
    content: &str,
) -> Result<(), String> {
    let answer = attackers.client.ask(token, asks(content), WAIT_S).await;
    if answer.label == "completed" && served_by_its_skill(content, &answer.body) {
        return Ok(());
    }
    Err(format!("`{content}` in preparation: {} {}", answer.label, answer.body))
}

/// Whether a request for the bad skill came to it.
fn served_by_its_skill(content: &str, body: &Value) -> bool {
    !content.starts_with("neighbour ") || skill(body) == "neighbour"
}

/// Clients that ask again and again.
pub fn ask(
    spawn: &mut JoinSet<()>,
    attackers: &Arc<Attackers>,
    clients: usize,
    content: &str,
    attachment: bool,
) {
    let mut body = asks(content);
    if attachment {
        body["attachments"] = json!([{ "name": "numbers.csv", "content": numbers() }]);
    }
    for client in 0..clients {
        let (attackers, body, content) = (attackers.clone(), body.clone(), content.to_owned());
        spawn.spawn(async move {
            let mut has_broken = false;
            loop {
                let asking = attackers.client.ask(attackers.token(client), body.clone(), WAIT_S);
                let Some(answer) = attackers.cancel.run_until_cancelled(asking).await else {
                    // It was under way when the attack ended.
                    attackers.tally.count(RUNNING);
                    return;
                };
                let is_task = answer.body["taskId"].is_string();
                if is_task
                    && answer.label != RUNNING
                    && !served_by_its_skill(&content, &answer.body)
                {
                    attackers.tally.count(&format!("by the skill `{}`", skill(&answer.body)));
                } else if answer.label != BROKEN || !has_broken {
                    // A host that has ended refuses every further connection.
                    attackers.tally.count(&answer.label);
                }
                has_broken = answer.label == BROKEN;
                if !is_task && !attackers.pause(PAUSE).await {
                    return;
                }
            }
        });
    }
}

/// A file of numbers.
fn numbers() -> String {
    let mut csv = "date,platform,impressions,likes,comments\n".to_owned();
    for row in 0..ROWS {
        let (day, month) = (row % 28 + 1, row % 12 + 1);
        let (impressions, likes) = (row * 37 % 9_973, row * 17 % 997);
        csv.push_str(&format!("2026-{month:02}-{day:02},twitter,{impressions},{likes},{row}\n"));
    }
    csv
}

/// Cancels the attackers' open tasks, and counts how they ended.
pub async fn cancel_tasks(attackers: &Attackers) {
    for token in &attackers.tokens {
        let mut open = Vec::new();
        for status in ["running", "accepted"] {
            let path = format!("/v1/tasks?status={status}&limit=100");
            let listed = call(attackers, token, Method::GET, &path).await;
            let tasks = listed.body["tasks"].as_array().cloned().unwrap_or_default();
            open.extend(tasks.iter().filter_map(|task| task["taskId"].as_str().map(str::to_owned)));
        }
        for task in &open {
            call(attackers, token, Method::POST, &format!("/v1/tasks/{task}/cancel")).await;
        }
        for task in &open {
            let path = format!("/v1/tasks/{task}");
            let mut view = call(attackers, token, Method::GET, &path).await;
            while view.label == RUNNING {
                tokio::time::sleep(PAUSE).await;
                view = call(attackers, token, Method::GET, &path).await;
            }
            let jobs = view.body["metadata"]["windmillJobs"].as_array();
            let has_job = jobs.is_some_and(|jobs| !jobs.is_empty());
            match view.label.as_str() {
                "cancelled" if has_job => attackers.tally.count(JOB_CANCELLED),
                label => attackers.tally.count(label),
            }
        }
    }
}

/// A call that waits for its turn where there were too many.
async fn call(attackers: &Attackers, token: &str, method: Method, path: &str) -> Answer {
    let body = (method == Method::POST).then(|| json!({}));
    loop {
        let answer = attackers.client.call(method.clone(), path, token, body.clone()).await;
        if answer.label != "429 rate-limited" {
            return answer;
        }
        let wait_ms = answer.body["retryAfterMs"].as_u64().unwrap_or(20);
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    }
}
