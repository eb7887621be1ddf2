//! `route`: what a text would be understood as. Runs nothing, records nothing.

use std::process::ExitCode;
use std::time::Duration;

use openanalyst_brain::{Decision, Understood};
use openanalyst_domain::{Owner, TenantId, UserId};
use serde_json::Value;

use crate::cli::Route;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::host::{Host, Role};
use crate::output::say;
use crate::settings::Settings;

/// Most skills of the ranking that are shown.
const RANKING_SHOWN: usize = 3;

/// How long this command waits for the embeddings of the skills, where they are configured. A server asks for them once.
const EMBEDDINGS: Duration = Duration::from_secs(30);

/// Runs the command.
///
/// # Errors
/// The arguments are wrong, or the host cannot be opened.
pub async fn run(route: &Route, settings: &Settings) -> Result<ExitCode, Failure> {
    let owner = Owner::new(
        TenantId::parse(&route.tenant).map_err(|error| Failure::usage(format!("--tenant: {error}")))?,
        UserId::parse(&route.user).map_err(|error| Failure::usage(format!("--user: {error}")))?,
    );
    DataDir::existing(&settings.data_dir.value)?;
    let host = Host::open(settings, Role::Visitor).await?;
    let understood = match tokio::time::timeout(EMBEDDINGS, host.brain.embedded(&owner)).await {
        // Those that do not come in time are missed in the reasons.
        Ok(Ok(())) | Err(_) => host.brain.route(&owner, &route.text).await,
        Ok(Err(error)) => Err(error),
    };
    host.close(Duration::from_secs(settings.shutdown_grace_s.value)).await;
    let understood = understood?;
    if route.json {
        say!("{}", serde_json::to_string_pretty(&understood).map_err(|error| Failure::failed(error.to_string()))?);
    } else {
        show(&understood);
    }
    Ok(ExitCode::SUCCESS)
}

fn show(understood: &Understood) {
    let Understood { route, question, time_zone, locale } = understood;
    match &route.decision {
        Decision::Skill { name, confidence } => say!("skill: {name} ({})", percent(*confidence)),
        Decision::Fallback { name, why, .. } => say!("skill: {name}, which takes what no other does: {why}"),
        Decision::Ambiguous { candidates, .. } => say!("skill: {}?", candidates.join(" or ")),
        Decision::NoSkills => say!("skill: none, this organisation has none"),
    }
    for reason in &route.reasons {
        say!("  {reason}");
    }
    for ranked in route.ranking.iter().skip(1).take(RANKING_SHOWN - 1) {
        say!("  otherwise {} ({})", ranked.skill, percent(ranked.confidence));
    }
    say!("read in {time_zone}{}:", locale.as_ref().map(|locale| format!(", {locale}")).unwrap_or_default());
    if !route.intent.actions.is_empty() {
        say!("  actions: {}", route.intent.actions.join(", "));
    }
    for slot in &route.intent.slots {
        say!("  {}: {} from \"{}\"", slot.name, value(&slot.value), slot.text);
        for note in slot.value["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            say!("    {note}");
        }
    }
    if route.intent.slots.is_empty() {
        say!("  nothing besides");
    }
    for unclear in &route.intent.unclear {
        let understood = unclear.understood.as_deref().unwrap_or("nothing");
        say!("  unclear: \"{}\": understood {understood}", unclear.text);
        if !unclear.left_over.is_empty() {
            say!("    left over: {}", unclear.left_over.join(", "));
        }
    }
    if let Some(question) = question {
        say!("asks: {}", question.text);
        for option in &question.options {
            say!("  - {option}");
        }
    }
}

fn percent(confidence: f64) -> String {
    format!("{:.0} % sure", confidence * 100.0)
}

/// What a slot holds, for people.
fn value(value: &Value) -> String {
    let text = |name: &str| value[name].as_str();
    if let Some(text) = value.as_str() {
        return text.to_owned();
    }
    if let Some(local) = text("local") {
        return local.replace('T', " ");
    }
    match (text("label"), text("cron")) {
        (Some(label), Some(cron)) => format!("{label} ({})", cron.replace('\n', " ")),
        (Some(label), None) => label.to_owned(),
        _ => value.to_string(),
    }
}
