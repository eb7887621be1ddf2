//! What belongs to the people who use a host, and to no package: databases and dumps of them, and what
//! this host wrote out of its records. And earlier packages, in which nobody would look for secrets.
//!
//! A skill's folder is where its author tries it out, so such files stand there now and then. `pack`
//! leaves them out; an archive that holds one is refused.

use std::io::Cursor;

use zip::ZipArchive;

use crate::finding::Finding;
use crate::layout;

/// How many bytes at its beginning say what a file is.
const HEAD_BYTES: usize = 64 << 10;

const DATABASE: &str = "a database";
const DUMP: &str = "a dump of a database";
const RECORDING: &str = "a recorded task, with what its user wrote";
const HISTORY: &str = "an entry of a user's history";
const EVENTS: &str = "events of users' tasks";
const PACKAGE: &str = "a package";
const LOG: &str = "a log of a program";
const MEMORY: &str = "the memory of a program, as it was written when that failed";
const SETTINGS: &str = "the settings of a host";

/// Ends of the names of databases.
const DATABASES: &[&str] = &["db", "db3", "duckdb", "mdb", "accdb", "s3db", "sl3", "sqlite", "sqlite2", "sqlite3"];
/// What SQLite writes beside a database, by the ends that it adds.
const BESIDE: &[&str] = &["-journal", "-shm", "-wal", "-wal2"];
/// Ends of the names of dumps.
const DUMPS: &[&str] = &["dump", "pgdump", "rdb"];

/// Ends of the names of what a program's memory is written to.
const MEMORIES: &[&str] = &["core", "dmp", "hprof", "mdmp", "stackdump"];
/// What a sample of a log is called, so that a skill can show what it reads.
const SAMPLES: &[&str] = &["example", "examples", "fixture", "sample", "samples", "template"];

/// First bytes of databases and dumps.
const MAGIC: &[(&[u8], &str)] = &[
    (b"SQLite format 3\0", DATABASE),
    // The write-ahead log, in both orders of its checksums, and the rollback journal (sqlite.org/fileformat2.html).
    (b"\x37\x7f\x06\x82", DATABASE),
    (b"\x37\x7f\x06\x83", DATABASE),
    (b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", DATABASE),
    // `pg_dump --format custom`, and Redis.
    (b"PGDMP", DUMP),
    (b"REDIS00", DUMP),
];
/// First lines of dumps as text.
const DUMP_LINES: &[&[u8]] = &[
    b"-- PostgreSQL database dump",
    b"-- PostgreSQL database cluster dump",
    b"-- MySQL dump",
    b"-- MariaDB dump",
    b"-- Dump of",
    b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;",
    b"PRAGMA foreign_keys=OFF;\r\nBEGIN TRANSACTION;",
];
/// Kinds of entries of a user's history.
const ENTRY_KINDS: &[&str] = &["session", "learning", "success", "failure", "activity", "research"];
/// Members of an event of a task (`raw-outputs/…jsonl` of `history export`).
const EVENT_MEMBERS: &[&str] = &["taskId", "seq", "atMs", "kind", "data"];

/// What a file is by its name, if it belongs to no package.
#[must_use]
pub fn by_name(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let of_database = BESIDE.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    let ends = |name: &str, ends: &[&str]| name.rsplit_once('.').is_some_and(|(_, end)| ends.contains(&end));
    if ends(of_database, DATABASES) {
        return Some(DATABASE);
    }
    let stem = name.strip_suffix(".gz").unwrap_or(&name);
    if ends(stem, DUMPS) {
        return Some(DUMP);
    }
    let is_dump = stem.strip_suffix(".sql").is_some_and(|stem| {
        stem.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| ["backup", "dump"].contains(&word))
    });
    if is_dump {
        return Some(DUMP);
    }
    // `core`, and `core.4711` with the number of the process.
    let is_core = name.strip_prefix("core").is_some_and(|rest| {
        rest.is_empty()
            || rest.strip_prefix('.').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    });
    if is_core || ends(stem, MEMORIES) {
        return Some(MEMORY);
    }
    // `app.log`, and `app.log.1`, which was put aside.
    let unnumbered = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    let log = unnumbered.strip_suffix('.').unwrap_or(stem);
    let is_sample = log.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| SAMPLES.contains(&word));
    if !is_sample && (ends(log, &["log"]) || ends(stem, &["log"])) {
        return Some(LOG);
    }
    if name == "openanalyst.toml" {
        return Some(SETTINGS);
    }
    name.ends_with(".skill").then_some(PACKAGE)
}

/// What a file is, whatever its name, if it belongs to no package.
#[must_use]
pub fn by_content(content: &[u8]) -> Option<&'static str> {
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| content.starts_with(magic)) {
        return Some(what);
    }
    if holds_skill(content) {
        return Some(PACKAGE);
    }
    let head = content.get(..HEAD_BYTES).unwrap_or(content);
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let after_dashes = text.strip_prefix(b"--").map_or(text, <[u8]>::trim_ascii_start);
    if DUMP_LINES.iter().any(|line| text.starts_with(line) || after_dashes.starts_with(line)) {
        return Some(DUMP);
    }
    if text.starts_with(b"{") && contains(text, b"\"openanalyst-task-recording/") {
        return Some(RECORDING);
    }
    if is_history_entry(text) {
        return Some(HISTORY);
    }
    is_event(content).then_some(EVENTS)
}

/// Findings about the files of an archive.
pub(crate) fn find<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<Finding> {
    let refused = |(path, content): (&str, &[u8])| {
        let what = by_content(content).or_else(|| by_name(path).filter(|_| !content.is_empty()))?;
        let message = format!(
            "it is {what}, and everybody who gets the package would have it: take it out, or name it in \
             `.skillignore`. What the skill needs of it belongs into a text file, such as a CSV with what is public"
        );
        Some(Finding::error("private-data", message).at(path, None))
    };
    files.filter_map(refused).collect()
}

/// Whether an archive is a package: by the names in it, so that nothing is unpacked.
fn holds_skill(content: &[u8]) -> bool {
    let is_of_skill = |name: &str| name.matches('/').count() <= 1 && layout::is_skill_md(name);
    content.starts_with(b"PK\x03\x04")
        && ZipArchive::new(Cursor::new(content)).is_ok_and(|archive| {
            archive.file_names().filter_map(Result::ok).any(|name| is_of_skill(&name.replace('\\', "/")))
        })
}

/// The front matter of an exported entry: its id, its kind, its title and its time.
fn is_history_entry(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let Some(front) = text.strip_prefix("---\nid: \"").and_then(|rest| rest.split("\n---\n").next()) else {
        return false;
    };
    ENTRY_KINDS.iter().any(|kind| front.contains(&format!("\nkind: \"{kind}\"\n")))
        && ["\ntitle: \"", "\nat: \""].iter().all(|key| front.contains(key))
}

/// Whether the first line is an event of a task.
fn is_event(content: &[u8]) -> bool {
    let line = content.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default();
    let may_be = line.starts_with(b"{") && EVENT_MEMBERS.iter().all(|name| contains(line, name.as_bytes()));
    may_be
        && serde_json::from_slice::<serde_json::Value>(line)
            .is_ok_and(|event| EVENT_MEMBERS.iter().all(|name| event.get(name).is_some()))
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_dumps_and_packages_are_known_by_their_names() {
        for path in ["a.db", "data/a.sqlite", "A.SQLITE3", "a.db3", "a.duckdb"] {
            assert_eq!(by_name(path), Some(DATABASE), "{path}");
            for end in ["-wal", "-shm", "-journal"] {
                assert_eq!(by_name(&format!("{path}{end}")), Some(DATABASE), "{path}{end}");
            }
        }
        for path in ["openanalyst.dump", "dump.sql", "db-backup.sql", "my_dump.sql.gz", "dump.rdb"] {
            assert_eq!(by_name(path), Some(DUMP), "{path}");
        }
        for path in ["app.log", "logs/ACCESS.LOG", "app.log.1", "app.log.2.gz", "npm-debug.log"] {
            assert_eq!(by_name(path), Some(LOG), "{path}");
        }
        for path in ["core", "bin/core", "core.4711", "app.core", "crash.dmp", "heap.hprof"] {
            assert_eq!(by_name(path), Some(MEMORY), "{path}");
        }
        for path in
            ["log", "log.md", "blog", "changelog.md", "sample.log", "examples.log", "core.md", "core.js", "score"]
        {
            assert_eq!(by_name(path), None, "{path}");
        }
        assert_eq!(by_name("x-0.1.0.skill"), Some(PACKAGE));
        assert_eq!(by_name("conf/openanalyst.toml"), Some(SETTINGS));
        for path in ["queries.sql", "schema.sql", "dumplings.md", "db", "db.rs", "wal.md", "a-wal", "database.json"] {
            assert_eq!(by_name(path), None, "{path}");
        }
    }

    #[test]
    fn private_data_is_known_by_its_content() {
        let entry = "---\nid: \"01a2184d-679f-73d0-8e17-4732b4ba7416\"\nkind: \"session\"\ntitle: \"Hello\"\n\
                     at: \"2026-11-26T14:33:20.000Z\"\n---\n\n# Hello\n";
        let event = |content: &str| {
            let event = openanalyst_domain::TaskEvent {
                task_id: openanalyst_domain::TaskId::new(),
                seq: 1,
                at_ms: 2,
                kind: openanalyst_domain::EventKind::Accepted,
                data: serde_json::json!({ "content": content }),
            };
            format!("{}\n{{}}", serde_json::json!(event)).into_bytes()
        };
        for (content, what) in [
            (b"SQLite format 3\0rest".to_vec(), DATABASE),
            (b"\x37\x7f\x06\x82\0\x2d\xe2\x18".to_vec(), DATABASE),
            (b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7\0".to_vec(), DATABASE),
            (b"PGDMP\x01\x0f".to_vec(), DUMP),
            (b"--\n-- PostgreSQL database dump\n--\n".to_vec(), DUMP),
            (b"-- MySQL dump 10.13  Distrib 8.0\n".to_vec(), DUMP),
            (b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE x(a);".to_vec(), DUMP),
            (b"{\n  \"format\": \"openanalyst-task-recording/2\",\n  \"taskId\": \"t\"".to_vec(), RECORDING),
            (b"{\"format\":\"openanalyst-task-recording/3\"}".to_vec(), RECORDING),
            (entry.as_bytes().to_vec(), HISTORY),
            (event("Hello"), EVENTS),
            (event(&"x".repeat(HEAD_BYTES)), EVENTS),
        ] {
            assert_eq!(
                by_content(&content),
                Some(what),
                "{}",
                String::from_utf8_lossy(&content[..content.len().min(80)])
            );
        }
        for content in [
            "---\nname: x\ndescription: about\n---\n",
            "---\nid: \"a\"\ntitle: \"A page\"\n---\n",
            "-- How to find what is slow\nSELECT 1;\n",
            "{\"format\": \"csv\"}",
            "{\"kind\": \"accepted\", \"data\": 1}",
            "{\"about\": \"taskId seq atMs kind data\"}",
            "The recording has the format openanalyst-task-recording/2.",
        ] {
            assert_eq!(by_content(content.as_bytes()), None, "{content}");
        }
    }
}
