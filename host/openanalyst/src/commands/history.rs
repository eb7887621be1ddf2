//! `history export`: the recorded past as files that people and programs can read (the UOCS tree).
//!
//! | file | what |
//! |---|---|
//! | `sessions/YYYY-MM/TIME_session_WORDS_ID.md` | every task with its answer |
//! | `learnings/…`, `successes/…`, `failures/…`, `research/…` | the same for the other kinds |
//! | `raw-outputs/YYYY-MM/YYYY-MM-DD_all-events.jsonl` | every event of every task, one JSON document in each line |
//!
//! The Markdown files begin with YAML front matter. Times are UTC.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use openanalyst_domain::{MessageId, Owner, TaskEvent, TaskId};
use openanalyst_store::Store;
use openanalyst_store::history::{EntryFilter, EntryRow};
use serde_json::json;

use super::task::owner;
use crate::cli::HistoryCommand;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::host::open_store_as_it_is;
use crate::output::say;
use crate::private_file;
use crate::settings::Settings;

/// How many rows are read at once.
const PAGE: u32 = 200;
/// Longest part of a file's name that comes from a title.
const MAX_WORDS_CHARS: usize = 40;

/// Runs the command.
///
/// # Errors
/// The record cannot be read, or a file cannot be written.
pub async fn export(command: &HistoryCommand, settings: &Settings) -> Result<ExitCode, Failure> {
    let HistoryCommand::Export { dir, tenant, user } = command;
    let owner = owner(tenant, user)?;
    DataDir::existing(&settings.data_dir.value)?;
    let store = open_store_as_it_is(settings).await?;
    let written = write(&store, &owner, dir).await;
    store.close().await;
    let (entries, events) = written?;
    say!("{}: {entries} entries and {events} events of user {user} in tenant {tenant}", dir.display());
    Ok(ExitCode::SUCCESS)
}

/// The folder of a kind.
fn folder(kind: &str) -> &str {
    match kind {
        "session" => "sessions",
        "learning" => "learnings",
        "success" => "successes",
        "failure" => "failures",
        "activity" => "activities",
        other => other,
    }
}

async fn write(store: &Store, owner: &Owner, dir: &Path) -> Result<(usize, usize), Failure> {
    for kind in ["sessions", "learnings", "successes", "failures", "research", "raw-outputs"] {
        private_file::create_dir(&dir.join(kind)).map_err(|error| failed(&dir.join(kind), &error))?;
    }
    let mut entries = 0;
    let mut before = None;
    loop {
        let filter = EntryFilter { before, ..EntryFilter::default() };
        let page = store.search_history(owner, &filter, PAGE).await?.rows;
        for entry in &page {
            let at = time(entry.at_ms);
            let folder = dir.join(folder(&entry.kind)).join(at.format("%Y-%m").to_string());
            private_file::create_dir(&folder).map_err(|error| failed(&folder, &error))?;
            let file = folder.join(name(entry, &at));
            private_file::write(&file, markdown(entry, &at)).map_err(|error| failed(&file, &error))?;
            entries += 1;
        }
        match page.last().and_then(|entry| entry.id.parse::<MessageId>().ok()) {
            Some(last) => before = Some(last),
            None => break,
        }
    }
    Ok((entries, events(store, owner, dir).await?))
}

/// All events, in a file for each day.
async fn events(store: &Store, owner: &Owner, dir: &Path) -> Result<usize, Failure> {
    let mut tasks: Vec<TaskId> = Vec::new();
    let mut before = None;
    loop {
        let page = store.tasks(owner, None, before, PAGE).await?.rows;
        tasks.extend(page.iter().map(|(task, _)| task.id));
        match page.last() {
            Some((last, _)) => before = Some(last.id),
            None => break,
        }
    }
    // The oldest first, so that a day's file is written once and in order of its tasks.
    tasks.reverse();
    let mut files: BTreeMap<String, BufWriter<File>> = BTreeMap::new();
    let mut count = 0;
    for task in tasks {
        let mut after = 0;
        loop {
            let page = store.task_events(owner, task, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            for event in &page {
                write_event(&mut files, dir, event)?;
                count += 1;
            }
        }
    }
    for (day, mut file) in files {
        file.flush().map_err(|error| failed(&dir.join("raw-outputs").join(day), &error))?;
    }
    Ok(count)
}

fn write_event(files: &mut BTreeMap<String, BufWriter<File>>, dir: &Path, event: &TaskEvent) -> Result<(), Failure> {
    let at = time(event.at_ms);
    let day = at.format("%Y-%m-%d").to_string();
    let folder = dir.join("raw-outputs").join(at.format("%Y-%m").to_string());
    let path = folder.join(format!("{day}_all-events.jsonl"));
    if !files.contains_key(&day) {
        private_file::create_dir(&folder).map_err(|error| failed(&folder, &error))?;
        let file = private_file::create(&path).map_err(|error| failed(&path, &error))?;
        files.insert(day.clone(), BufWriter::new(file));
    }
    let Some(file) = files.get_mut(&day) else { return Ok(()) };
    writeln!(file, "{}", json!(event)).map_err(|error| failed(&path, &error))
}

fn time(at_ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at_ms).unwrap_or_default()
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("{} cannot be written: {error}", path.display()))
}

/// `2026-11-26T14-30-00_failure_create-a-post_01a2184d.md`: sorts by time, and two entries never have the same.
fn name(entry: &EntryRow, at: &DateTime<Utc>) -> String {
    let mut words = String::new();
    for word in entry.title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if words.chars().count() + word.chars().count() > MAX_WORDS_CHARS {
            break;
        }
        if !words.is_empty() {
            words.push('-');
        }
        words.extend(word.chars().flat_map(char::to_lowercase));
    }
    let id: String = entry.id.chars().filter(|c| *c != '-').collect();
    let id = &id[id.len().saturating_sub(12)..];
    format!("{}_{}_{words}_{id}.md", at.format("%Y-%m-%dT%H-%M-%S"), entry.kind)
}

/// Front matter and text. JSON strings are YAML strings (YAML 1.2, §1.3), so values are written as such.
fn markdown(entry: &EntryRow, at: &DateTime<Utc>) -> String {
    let mut text = String::from("---\n");
    let mut line = |name: &str, value: serde_json::Value| {
        if !value.is_null() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name}: {value}");
        }
    };
    line("id", json!(entry.id));
    line("kind", json!(entry.kind));
    line("title", json!(entry.title));
    line("at", json!(at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)));
    line("skill", json!(entry.skill));
    line("task", json!(entry.task_id));
    line("data", entry.data.clone());
    text.push_str("---\n\n");
    let _ = writeln!(text, "# {}\n\n{}", entry.title.replace('\n', " "), entry.content.trim_end());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_in_its_name_and_its_front_matter_what_it_is() {
        let entry = EntryRow {
            id: "01a2184d-679f-73d0-8e17-4732b4ba7416".to_owned(),
            kind: "failure".to_owned(),
            task_id: None,
            skill: Some("social-media".to_owned()),
            title: "Create a post: \"../../etc\" & more words that do not fit into a name".to_owned(),
            content: "It failed.\n".to_owned(),
            data: json!({"error": {"code": "denied"}}),
            at_ms: 1_795_703_600_000,
        };
        let at = time(entry.at_ms);
        assert_eq!(
            name(&entry, &at),
            "2026-11-26T14-33-20_failure_create-a-post-etc-more-words-that-do-not_4732b4ba7416.md"
        );
        let text = markdown(&entry, &at);
        assert!(text.starts_with("---\nid: \"01a2184d-"), "{text}");
        assert!(text.contains("\ntitle: \"Create a post: \\\"../../etc\\\" & more"), "{text}");
        assert!(text.contains("\nskill: \"social-media\"\n") && !text.contains("\ntask:"), "{text}");
        assert!(openanalyst_package::private_data::by_content(text.as_bytes()).is_some(), "no package takes it along");
        assert!(text.ends_with(
            "---\n\n# Create a post: \"../../etc\" & more words that do not fit into a name\n\nIt failed.\n"
        ));
    }
}
