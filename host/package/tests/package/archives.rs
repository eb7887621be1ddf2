//! Zip archives as other tools make them, and as attackers do.

use std::io::{Cursor, Write as _};

use openanalyst_package::{ArchiveLimits, Findings, Package, read_archive_looking};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const SKILL_MD: &[u8] = b"---\nname: find-notes\ndescription: Finds notes.\n---\n";
const DEMO_MD: &[u8] = b"---\nname: demo\ndescription: An example.\n---\n";

/// An archive of these entries in this order; a name that ends with `/` is a folder.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in entries {
        match path.strip_suffix('/') {
            Some(folder) => writer.add_directory(folder, SimpleFileOptions::default()).unwrap(),
            None => {
                writer.start_file(*path, SimpleFileOptions::default()).unwrap();
                writer.write_all(bytes).unwrap();
            }
        }
    }
    writer.finish().unwrap().into_inner()
}

/// The archive with one name replaced by another one of the same length, everywhere.
fn renamed(archive: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut archive = archive.to_vec();
    let places: Vec<usize> = (0..archive.len()).filter(|at| archive[*at..].starts_with(from.as_bytes())).collect();
    assert!(!places.is_empty());
    for at in places {
        archive[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    archive
}

fn read(archive: &[u8]) -> Result<Package, Findings> {
    read_archive_looking(archive, &ArchiveLimits::default(), |_| Vec::new())
}

fn paths(package: &Package) -> Vec<&str> {
    package.files.keys().map(String::as_str).collect()
}

#[test]
fn archives_of_other_tools_are_read() {
    /// What it is, its bytes, the files of the skill, and the warnings.
    type Case = (&'static str, Vec<u8>, &'static [&'static str], &'static [&'static str]);
    let table: Vec<Case> = vec![
        (
            "a Mac",
            zip(&[
                ("find-notes/", b""),
                ("find-notes/SKILL.md", SKILL_MD),
                ("__MACOSX/", b""),
                ("__MACOSX/._find-notes", b"\0\x05\x16\x07"),
                ("__MACOSX/find-notes/._SKILL.md", b"\0\x05\x16\x07"),
                ("find-notes/.DS_Store", b"Bud1"),
                (".DS_Store", b"Bud1"),
                ("Icon\r", b""),
                ("find-notes/Icon\r", b""),
            ]),
            &["SKILL.md"],
            &[],
        ),
        (
            "Windows' folders",
            zip(&[("SKILL.md", SKILL_MD), ("a/Thumbs.db", b"x"), ("desktop.ini", b"x"), ("a/b.txt", b"b")]),
            &["SKILL.md", "a/b.txt"],
            &[],
        ),
        (
            "an old Windows tool",
            zip(&[("find-notes\\SKILL.md", SKILL_MD), ("find-notes\\docs\\a.md", b"a")]),
            &["SKILL.md", "docs/a.md"],
            &["backslash-path"],
        ),
        ("a lower-case name", zip(&[("skill.md", SKILL_MD)]), &["SKILL.md"], &["skill-md-name"]),
        ("an upper-case name", zip(&[("x/SKILL.MD", SKILL_MD), ("x/a", b"")]), &["SKILL.md", "a"], &["skill-md-name"]),
        (
            "an example before the skill",
            zip(&[("find-notes/examples/demo/SKILL.md", DEMO_MD), ("find-notes/SKILL.md", SKILL_MD)]),
            &["SKILL.md", "examples/demo/SKILL.md"],
            &[],
        ),
        (
            "an example beside the skill",
            zip(&[("examples/demo/SKILL.md", DEMO_MD), ("find-notes/SKILL.md", SKILL_MD), ("README.md", b"r")]),
            &["SKILL.md"],
            &["outside-of-skill"],
        ),
        (
            "an example below the top",
            zip(&[("examples/demo/SKILL.md", DEMO_MD), ("SKILL.md", SKILL_MD)]),
            &["SKILL.md", "examples/demo/SKILL.md"],
            &[],
        ),
        (
            "a dot before each path",
            zip(&[("./", b""), ("./SKILL.md", SKILL_MD), ("./a/b", b"b")]),
            &["SKILL.md", "a/b"],
            &[],
        ),
        (
            "a repository with its history",
            zip(&[("n/SKILL.md", SKILL_MD), ("n/.git/config", b"[core]"), ("n/.gitignore", b"x")]),
            &[".gitignore", "SKILL.md"],
            &[],
        ),
        (
            "a name in an old code page",
            renamed_bytes(&zip(&[("SKILL.md", SKILL_MD), ("B?ro.md", b"x")]), b"B?ro.md", b"B\x81ro.md"),
            &["Büro.md", "SKILL.md"],
            &["name-not-utf-8"],
        ),
    ];
    for (what, archive, files, warnings) in table {
        let package = read(&archive).unwrap_or_else(|findings| panic!("{what}: {findings}"));
        assert_eq!(paths(&package), files, "{what}");
        assert_eq!(package.manifest.name, "find-notes", "{what}");
        let codes: Vec<&str> = package.warnings.iter().map(|warning| warning.code).collect();
        assert_eq!(codes, warnings, "{what}");
    }
}

fn renamed_bytes(archive: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut archive = archive.to_vec();
    for at in 0..archive.len() {
        if archive[at..].starts_with(from) {
            archive[at..at + to.len()].copy_from_slice(to);
        }
    }
    archive
}

#[test]
fn two_entries_of_one_name_are_refused_whichever_a_program_would_read() {
    let two = zip(&[("SKILL.md", SKILL_MD), ("SKILL.xx", DEMO_MD), ("a.txt", b"a")]);
    let two = renamed(&two, "SKILL.xx", "SKILL.md");
    let shown = read(&two).unwrap_err().to_string();
    assert!(shown.contains("SKILL.md") && shown.contains("[duplicate-entry]"), "{shown}");

    let component = zip(&[("SKILL.md", SKILL_MD), ("skill.wasm", b"a"), ("skill.wxyz", b"b")]);
    let shown = read(&renamed(&component, "skill.wxyz", "skill.wasm")).unwrap_err().to_string();
    assert!(shown.contains("skill.wasm") && shown.contains("[duplicate-entry]"), "{shown}");

    for (a, b) in [("a.txt", "A.TXT"), ("d/u\u{308}", "d/ü"), ("d\\x", "d/x"), ("./a", "a")] {
        let shown = read(&zip(&[("SKILL.md", SKILL_MD), (a, b"1"), (b, b"2")])).unwrap_err().to_string();
        assert!(shown.contains("[duplicate-entry]"), "{a} and {b}: {shown}");
    }
}

#[test]
fn an_entry_with_two_names_is_refused() {
    let archive = zip(&[("SKILL.md", SKILL_MD), ("a.txt", b"x")]);
    let first = archive.windows(5).position(|window| window == b"a.txt").unwrap();
    let mut changed = archive.clone();
    changed[first..first + 5].copy_from_slice(b"b.txt");
    let shown = read(&changed).unwrap_err().to_string();
    assert!(shown.contains("[two-names]"), "{shown}");
}

#[test]
fn what_holds_no_skill_says_what_it_holds() {
    let table: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (
            "a repository export",
            zip(&[("repo-main/skills/find-notes/SKILL.md", SKILL_MD), ("repo-main/README.md", b"r")]),
            &["skill-md-missing", "`repo-main/skills/find-notes/SKILL.md`", "`repo-main/skills/find-notes`"],
        ),
        (
            "several skills",
            zip(&[("a/SKILL.md", SKILL_MD), ("b/SKILL.md", DEMO_MD)]),
            &["several-skills", "`a/SKILL.md`", "`b/SKILL.md`"],
        ),
        ("nothing", zip(&[]), &["skill-md-missing", "empty"]),
        ("another document", zip(&[("README.md", b"r")]), &["skill-md-missing", "`README.md`"]),
    ];
    for (what, archive, says) in table {
        let shown = read(&archive).unwrap_err().to_string();
        for said in says {
            assert!(shown.contains(said), "{what} lacks {said}: {shown}");
        }
    }
}

#[test]
fn a_component_under_another_name_is_not_taken_for_a_prompt_skill() {
    for (path, refused) in
        [("hello.wasm", true), ("Skill.wasm", true), ("component", true), ("assets/tool.wasm", false)]
    {
        let found = read(&zip(&[("SKILL.md", SKILL_MD), (path, b"\0asm\x0d\0\x01\0")]));
        let shown = match &found {
            Err(findings) => findings.to_string(),
            Ok(package) => package.warnings.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(found.is_err(), refused, "{path}: {shown}");
        assert!(shown.contains(path) && shown.contains("`skill.wasm`"), "{path}: {shown}");
    }
    let beside = read(&zip(&[("x/SKILL.md", SKILL_MD), ("out/x.wasm", b"\0asm")])).unwrap_err().to_string();
    assert!(beside.contains("out/x.wasm") && beside.contains("[component-name]"), "{beside}");
    let good = zip(&[("SKILL.md", SKILL_MD), ("skill.wasm", b"w"), ("assets/tool.wasm", b"\0asm")]);
    assert_eq!(read(&good).unwrap().warnings, []);
}

#[test]
fn a_package_with_a_secret_is_refused_and_the_secret_is_not_shown() {
    let key = openanalyst_package::SigningKey::from_seed(&[7; 32]).to_pem().unwrap();
    let secret_line = key.lines().nth(1).unwrap().to_owned();
    for (path, content) in [
        ("notes/odd-name.txt", key.clone()),
        (".env", "TOKEN=x".to_owned()),
        ("config/app.env", "TOKEN=x".to_owned()),
        (".npmrc", "//registry.npmjs.org/:_authToken=x".to_owned()),
        (".pypirc", "[pypi]".to_owned()),
        (".git-credentials", "https://me:x@host".to_owned()),
        (".envrc", "export A=b".to_owned()),
        (".aws/credentials", "[default]".to_owned()),
    ] {
        let findings = read(&zip(&[("SKILL.md", SKILL_MD), (path, content.as_bytes())])).unwrap_err();
        let shown = findings.to_string();
        assert!(shown.contains(path), "{shown}");
        assert!(!shown.contains(&secret_line), "{shown}");
    }
}

#[test]
fn a_signature_is_no_secret() {
    let key = openanalyst_package::SigningKey::from_seed(&[7; 32]);
    let signed = openanalyst_package::sign(&zip(&[("SKILL.md", SKILL_MD), ("skill.wasm", b"w")]), &key).unwrap();
    let package = read(&signed).unwrap();
    assert_eq!((paths(&package), package.warnings.as_slice()), (vec!["SKILL.md", "signature.json"], &[][..]));
}

#[test]
fn a_package_with_private_data_is_refused() {
    let inner = zip(&[("SKILL.md", DEMO_MD)]);
    let table: Vec<(&str, &[u8], &str)> = vec![
        ("assets/lookup.bin", b"SQLite format 3\0rest", "a database"),
        ("lookup.sqlite3-wal", b"x", "a database"),
        ("log", b"\x37\x7f\x06\x83\0\x2d\xe2\x18", "a database"),
        ("openanalyst.dump", b"PGDMP\x01", "a dump of a database"),
        ("dump.sql", b"CREATE TABLE x();", "a dump of a database"),
        ("task.json", b"{\"format\": \"openanalyst-task-recording/2\"}", "a recorded task"),
        ("earlier.zip", &inner, "a package"),
    ];
    for (path, content, what) in table {
        let shown = read(&zip(&[("SKILL.md", SKILL_MD), (path, content)])).unwrap_err().to_string();
        assert!(shown.contains("[private-data]") && shown.contains(path) && shown.contains(what), "{path}: {shown}");
    }
    let harmless: &[(&str, &[u8])] =
        &[("SKILL.md", SKILL_MD), ("q.sql", b"SELECT 1;"), ("empty.db", b""), ("a.zip", b"PK\x03\x04")];
    assert_eq!(read(&zip(harmless)).unwrap().warnings, []);
}
