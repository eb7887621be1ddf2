//! `skill`: the skills of a tenant, here or on a server; and packing one.

mod check;
mod pack;
mod place;
mod selection;

use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use openanalyst_package::Capabilities;
use serde_json::{Map, Value};

use crate::cli::{SkillCommand, SkillPlace};
use crate::failure::Failure;
use crate::output::{note, say};
use crate::settings::Settings;
use place::{Call, Place};

/// Runs the command.
///
/// # Errors
/// The arguments are wrong, the place cannot be reached, or it refuses.
pub async fn run(command: &SkillCommand, settings: &Settings) -> Result<ExitCode, Failure> {
    match command {
        SkillCommand::Pack { dir, out, key } => {
            return pack::run(dir, out.as_deref(), key.as_deref(), settings);
        }
        SkillCommand::Check { dir, tenant } => return check::run(dir, tenant, settings).await,
        _ => {}
    }
    // Only an installation brings something into a fresh data directory.
    let may_create = matches!(command, SkillCommand::Install { .. });
    let place = Place::open(command.place(), settings, may_create).await?;
    let done = work(command, &place).await;
    place.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn work(command: &SkillCommand, place: &Place) -> Result<(), Failure> {
    match command {
        SkillCommand::Install { file, grants, grant_all, no_activate, at } => {
            let archive = std::fs::read(file)
                .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", file.display())))?;
            let wanted = capabilities(grants)?;
            let uploaded = place.call(Call::Upload(archive)).await?;
            let name = uploaded["name"].as_str().unwrap_or_default().to_owned();
            let version = uploaded["version"].as_str().unwrap_or_default().to_owned();
            for warning in uploaded["warnings"].as_array().into_iter().flatten() {
                note!("warning: {}", warning["message"].as_str().unwrap_or_default());
            }
            let wanted = match (wanted, grant_all) {
                (_, true) => Some(serde_json::from_value(uploaded["capabilities"].clone()).unwrap_or_default()),
                (wanted, false) => wanted,
            };
            if let Some(wanted) = wanted {
                place.call(Call::Grant(&name, wanted)).await?;
            }
            let mut shown = uploaded;
            if !no_activate {
                shown = place.call(Call::Activate(&name, Some(&version))).await?;
            }
            print(at, &shown, |shown| {
                say!("{name} {version} {}", text(shown, "state"));
                print_capabilities(shown);
            });
        }
        SkillCommand::List { at } => {
            let mut skills = Vec::new();
            let mut after = String::new();
            loop {
                let mut page = place.call(Call::List(&after)).await?;
                skills.append(page["skills"].as_array_mut().unwrap_or(&mut Vec::new()));
                let Some(next) = page["nextCursor"].as_str() else { break };
                after = next.to_owned();
            }
            let listed = serde_json::json!({ "skills": skills });
            print(at, &listed, |listed| {
                for skill in listed["skills"].as_array().into_iter().flatten() {
                    say!(
                        "{:24} {:12} {:9} {:9} {}",
                        text(skill, "name"),
                        text(skill, "version"),
                        text(skill, "state"),
                        text(skill, "source"),
                        text(skill, "title")
                    );
                }
            });
        }
        SkillCommand::Show { name, at } => {
            let mut shown = place.call(Call::Show(name)).await?;
            shown["versions"] = place.call(Call::Versions(name)).await?["versions"].take();
            print(at, &shown, |shown| {
                say!(
                    "{} {} ({}, {})",
                    text(shown, "name"),
                    text(shown, "version"),
                    text(shown, "state"),
                    text(shown, "source")
                );
                say!("{}", text(shown, "description"));
                say!("digest {}", text(shown, "digest"));
                print_capabilities(shown);
                for version in shown["versions"].as_array().into_iter().flatten() {
                    say!(
                        "version {:12} {:9} {}",
                        text(version, "version"),
                        text(version, "state"),
                        text(version, "digest")
                    );
                }
            });
        }
        SkillCommand::Logs { name, at } => {
            let logs = place.call(Call::Logs(name)).await?;
            print(at, &logs, |logs| {
                for invocation in logs["invocations"].as_array().into_iter().flatten() {
                    let (at, outcome) = (time(&invocation["atMs"]), text(&invocation["outcome"], "outcome"));
                    say!("{at} {} {} {outcome}", text(invocation, "user"), text(invocation, "export"));
                    for line in invocation["lines"].as_array().into_iter().flatten() {
                        say!("    {} {}", text(line, "level"), text(line, "message"));
                    }
                }
            });
        }
        SkillCommand::Activate { name, version, at } => {
            say(at, place.call(Call::Activate(name, Some(version))).await?);
        }
        SkillCommand::Disable { name, at } => say(at, place.call(Call::Disable(name)).await?),
        SkillCommand::Remove { name, at } => {
            place.call(Call::Remove(name)).await?;
            say(at, serde_json::json!({ "name": name, "state": "removed" }));
        }
        SkillCommand::Grant { name, grants, at } => {
            let wanted = capabilities(grants)?.unwrap_or_default();
            let shown = place.call(Call::Grant(name, wanted)).await?;
            // A server answers with the three sets, this machine with the skill.
            let shown = if shown.get("state").is_some() { shown } else { place.call(Call::Show(name)).await? };
            print(at, &shown, print_capabilities);
        }
        SkillCommand::Pack { .. } | SkillCommand::Check { .. } => {}
    }
    Ok(())
}

fn say(at: &SkillPlace, shown: Value) {
    print(at, &shown, |shown| say!("{} {} {}", text(shown, "name"), text(shown, "version"), text(shown, "state")));
}

fn print(at: &SkillPlace, value: &Value, for_people: impl FnOnce(&Value)) {
    if at.json {
        say!("{value:#}");
    } else {
        for_people(value);
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// What it asks for, and which of that it has.
fn print_capabilities(skill: &Value) {
    let set = |name: &str| serde_json::from_value::<Capabilities>(skill[name].clone()).unwrap_or_default();
    for line in capability_lines(&set("requested"), &set("capabilities")) {
        say!("{line}");
    }
}

/// A line for each thing that is asked for, with what is stored of it: the whole, the part of it that
/// was granted, or nothing. A grant for one target says nothing of another.
fn capability_lines(requested: &Capabilities, effective: &Capabilities) -> Vec<String> {
    let asked = openanalyst_registry::to_rows(requested);
    let lines = asked.into_iter().map(|(capability, target)| {
        let only_this = openanalyst_registry::from_rows([&openanalyst_store::skills::GrantRow {
            skill: String::new(),
            capability: capability.clone(),
            target: target.clone(),
        }]);
        let has: Vec<String> = openanalyst_registry::to_rows(&only_this.intersect(effective))
            .into_iter()
            .map(|(_, target)| target)
            .collect();
        let state = match has.as_slice() {
            [] => "not granted".to_owned(),
            all if all.contains(&target) => "granted".to_owned(),
            parts => format!("granted as {}", parts.join(", ")),
        };
        format!("{capability} {target}: {state}")
    });
    lines.collect()
}

/// Grants on the command line: `llm`, `memory=user`, `windmill=f/a/*`, `http=api.example.com`. None: none was given.
fn capabilities(grants: &[String]) -> Result<Option<Capabilities>, Failure> {
    if grants.is_empty() {
        return Ok(None);
    }
    let mut keys: Map<String, Value> = Map::new();
    for grant in grants {
        match grant.split_once('=') {
            None => drop(keys.insert(grant.clone(), Value::Bool(true))),
            Some(("memory", scope)) => drop(keys.insert("memory".to_owned(), Value::String(scope.to_owned()))),
            Some((capability, target)) => {
                let targets = keys.entry(capability.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(targets) = targets {
                    targets.push(Value::String(target.to_owned()));
                }
            }
        }
    }
    serde_json::from_value(Value::Object(keys)).map(Some).map_err(|error| {
        Failure::usage(format!(
            "--grant: {error}; give for example --grant llm --grant memory=user --grant 'windmill=f/social/*' --grant http=api.example.com"
        ))
    })
}

/// A moment as people read it, in UTC.
fn time(at_ms: &Value) -> String {
    let since = Duration::from_millis(at_ms.as_u64().unwrap_or_default());
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_of_a_grant_is_what_is_stored() {
        let of = |value| serde_json::from_value::<Capabilities>(value).unwrap();
        let requested = of(serde_json::json!({
            "skills": ["jotter", "mailer"], "memory": "tenant", "windmill": ["f/a/*", "f/b/*"], "llm": true,
        }));
        let effective = of(serde_json::json!({ "skills": ["jotter"], "memory": "user", "windmill": ["f/a/x"] }));
        assert_eq!(
            capability_lines(&requested, &effective),
            [
                "llm : not granted",
                "memory tenant: granted as user",
                "skills jotter: granted",
                "skills mailer: not granted",
                "windmill f/a/*: granted as f/a/x",
                "windmill f/b/*: not granted",
            ]
        );
    }

    #[test]
    fn grants_are_read_from_the_command_line() {
        let read = |grants: &[&str]| capabilities(&grants.iter().map(|grant| (*grant).to_owned()).collect::<Vec<_>>());
        assert_eq!(read(&[]).unwrap(), None);
        let granted =
            read(&["llm", "memory=user", "windmill=f/a/*", "windmill=f/b/x", "http=api.example.com"]).unwrap().unwrap();
        assert!(
            granted.llm
                && granted.allows_path("f/a/y")
                && granted.allows_path("f/b/x")
                && granted.allows_host("api.example.com")
        );
        for wrong in ["root", "memory=world", "windmill=../x", "http=*"] {
            assert!(read(&[wrong]).unwrap_err().to_string().contains("--grant"), "{wrong}");
        }
    }
}
