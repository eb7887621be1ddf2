use super::*;

fn folder_of(files: &[(&str, &[u8])]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("skill");
    for (path, content) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    (dir, root)
}

fn select(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Result<Selection, Failure>) {
    let (dir, root) = folder_of(files);
    let settings = crate::settings::tests::load(&[]).unwrap();
    let selection = Selection::of(&root, None, &settings);
    (dir, selection)
}

const SKILL_MD: &[u8] = b"---\nname: x\ndescription: about\n---\n";

#[test]
fn nothing_secret_built_or_hidden_is_taken() {
    let package = openanalyst_package::write_archive(&[("SKILL.md".to_owned(), SKILL_MD.to_vec())].into()).unwrap();
    let (_dir, selection) = select(&[
        ("SKILL.md", SKILL_MD),
        ("skill.wasm", b"w"),
        ("prompts/default.md", b"p"),
        ("scripts/build/notes.md", b"n"),
        ("data/openanalyst.db", b"x"),
        ("data/keys/odd", b"x"),
        ("state/keys/cache.key", b"x"),
        ("other/keys/a", b"x"),
        ("other/run/b", b"x"),
        (".env", b"x"),
        ("conf/.env.local", b"x"),
        ("conf/id_rsa", b"x"),
        ("conf/store.p12", b"x"),
        ("publisher.key", b"x"),
        ("publisher.pem", b"x"),
        (".git/config", b"x"),
        (".svn/entries", b"x"),
        ("target/debug/x", b"x"),
        ("dist/x.js", b"x"),
        ("node_modules/a/index.js", b"x"),
        ("env/pyvenv.cfg", b"x"),
        ("a/__pycache__/x.pyc", b"x"),
        ("x-0.1.0.skill", b"x"),
        ("renamed.bin", &package),
        ("cache.sqlite3", b"x"),
        ("cache.sqlite3-wal", b"x"),
        ("cache.sqlite3-shm", b"x"),
        ("cache.sqlite-journal", b"x"),
        ("odd-name", b"SQLite format 3\0rest"),
        ("odd-log", b"\x37\x7f\x06\x82\0\x2d\xe2\x18"),
        ("openanalyst.dump", b"x"),
        ("odd-dump", b"PGDMP\x01"),
        ("Cargo.lock", b"x"),
        ("openanalyst.toml", b"listen = \"127.0.0.1:9\""),
        ("prod.env", b"x"),
        ("config/app.env", b"x"),
        ("config/env", b"x"),
        ("credentials.json", b"{}"),
        ("secrets.yaml", b"x"),
        ("secrets.toml", b"x"),
        ("infra/terraform.tfstate", b"{}"),
        ("infra/prod.tfvars", b"x"),
        ("token.txt", b"x"),
        ("dump.sql", b"x"),
    ]);
    let selection = selection.unwrap();
    let taken: Vec<&str> = selection.files.keys().map(String::as_str).collect();
    assert_eq!(taken, ["SKILL.md", "prompts/default.md", "scripts/build/notes.md", "skill.wasm"]);
    assert!(selection.left_out.contains(&("data".to_owned(), "a data directory, with keys and records")));
}

/// Each under a name that says nothing, so that only the setting can tell.
#[test]
fn what_the_settings_of_the_host_name_is_not_taken() {
    let (_dir, root) = folder_of(&[
        ("SKILL.md", SKILL_MD),
        ("a/settings.txt", b"listen = \"127.0.0.1:9\"\n"),
        ("a/model.txt", b"x"),
        ("a/search.txt", b"x"),
        ("a/database.txt", b"x"),
        ("a/sealing.txt", b"x"),
        ("a/authorities.txt", b"x"),
        ("a/records.txt", b"x"),
        ("a/records.txt-shm", b"x"),
        ("a/shared.txt", b"x"),
        ("a/cache/x", b"x"),
        ("a/notes.txt", b"x"),
    ]);
    let at = |name: &str| root.join("a").join(name).to_str().unwrap().to_owned();
    let issuer = format!(
        "[[issuer]]\nissuer = \"i\"\naudiences = [\"a\"]\ntenants = [\"t\"]\nsecret-file = \"{}\"\n",
        at("shared.txt")
    );
    fs::write(at("issuers.txt"), issuer).unwrap();
    let of = |named: &[(&str, String)]| {
        let arguments: Vec<&str> = named.iter().flat_map(|(flag, value)| [*flag, value.as_str()]).collect();
        let settings = crate::settings::tests::load(&arguments).unwrap();
        let selection = Selection::of(&root, None, &settings).unwrap();
        let taken = selection.files.into_keys().filter(|path| path.starts_with("a/"));
        taken.map(|path| path["a/".len()..].to_owned()).collect::<Vec<_>>()
    };
    let all = of(&[]);
    for (flag, value, gone) in [
        ("--config", at("settings.txt"), &["settings.txt"][..]),
        ("--llm-key-file", at("model.txt"), &["model.txt"]),
        ("--search-key-file", at("search.txt"), &["search.txt"]),
        ("--database-password-file", at("database.txt"), &["database.txt"]),
        ("--secrets-key-file", at("sealing.txt"), &["sealing.txt"]),
        ("--http-ca-file", at("authorities.txt"), &["authorities.txt"]),
        ("--database-url", format!("sqlite://{}", at("records.txt")), &["records.txt", "records.txt-shm"]),
        ("--issuers-file", at("issuers.txt"), &["issuers.txt", "shared.txt"]),
        ("--cache-dir", at("cache"), &["cache/x"]),
    ] {
        let kept: Vec<String> = all.iter().filter(|path| !gone.contains(&path.as_str())).cloned().collect();
        assert_eq!(kept.len() + gone.len(), all.len(), "{flag}");
        assert_eq!(of(&[(flag, value)]), kept, "{flag}");
    }
    fs::write(at("issuers.txt"), "[[issuer]]\n").unwrap();
    let settings = crate::settings::tests::load(&["--issuers-file", &at("issuers.txt")]).unwrap();
    let said = Selection::of(&root, None, &settings).err().unwrap().to_string();
    assert!(said.contains("issuers.txt"), "it is not known which secrets it names: {said}");
}

#[test]
fn what_the_host_wrote_out_of_its_records_is_not_taken() {
    let recording = format!("{{\n  \"format\": \"{}\",\n  \"taskId\": \"t\"\n}}", openanalyst_brain::replay::FORMAT);
    let (dir, root) = folder_of(&[("SKILL.md", SKILL_MD), ("task.json", recording.as_bytes())]);
    for name in EXPORT_FOLDERS {
        fs::create_dir_all(root.join("past").join(name)).unwrap();
    }
    fs::write(root.join("past/sessions/a.md"), "x").unwrap();
    let settings = crate::settings::tests::load(&[]).unwrap();
    let selection = Selection::of(&root, None, &settings).unwrap();
    drop(dir);
    assert_eq!(selection.files.into_keys().collect::<Vec<_>>(), ["SKILL.md"]);
    assert_eq!(
        selection.left_out,
        [
            ("past".to_owned(), "an export of a user's history"),
            ("task.json".to_owned(), "a recorded task, with what its user wrote"),
        ]
    );
}

#[test]
fn skillignore_leaves_out_more_and_brings_nothing_back() {
    let (_dir, selection) = select(&[
        ("SKILL.md", SKILL_MD),
        (".skillignore", b"# sources\nsrc/\n*.draft.md\n!.env\n!keep.draft.md\n"),
        (".env", b"x"),
        ("src/lib.rs", b"x"),
        ("docs/a.draft.md", b"x"),
        ("docs/keep.draft.md", b"x"),
        ("docs/a.md", b"x"),
    ]);
    let taken: Vec<String> = selection.unwrap().files.into_keys().collect();
    assert_eq!(taken, ["SKILL.md", "docs/a.md", "docs/keep.draft.md"]);
}

#[test]
fn a_folder_that_would_give_the_wrong_package_says_what_is_wrong() {
    let (_dir, selection) = select(&[("SKILL.md", SKILL_MD), ("target/wasm32-wasip2/release/hello.wasm", b"\0asm")]);
    let said = selection.err().unwrap().to_string();
    assert!(said.contains("hello.wasm") && said.contains("cp "), "{said}");

    let (_dir, selection) = select(&[("SKILL.md", SKILL_MD), ("keys/cache.key", b"x")]);
    let said = selection.err().unwrap().to_string();
    assert!(said.contains("is a data directory"), "{said}");

    let (dir, selection) = select(&[("SKILL.md", SKILL_MD), ("real.wasm", b"\0asm")]);
    selection.unwrap();
    let root = dir.path().join("skill");
    std::os::unix::fs::symlink("real.wasm", root.join("skill.wasm")).unwrap();
    let settings = crate::settings::tests::load(&[]).unwrap();
    let said = Selection::of(&root, None, &settings).err().unwrap().to_string();
    assert!(said.contains("skill.wasm is a link"), "{said}");
}
