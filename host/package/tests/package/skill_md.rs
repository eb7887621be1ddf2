//! `SKILL.md` files in the shapes that authors and other programs write.

use openanalyst_package::{Capabilities, Finding, Manifest, parse_skill_md};

fn read(text: &str) -> (Manifest, Vec<Finding>) {
    parse_skill_md(text).unwrap_or_else(|findings| panic!("{text}\nis refused:\n{findings}"))
}

fn with(lines: &str) -> String {
    format!("---\nname: find-notes\ndescription: Finds notes.\n{lines}\n---\nText\n")
}

/// The warnings' codes, each once.
fn codes(warnings: &[Finding]) -> Vec<&'static str> {
    let mut codes: Vec<_> = warnings.iter().map(|warning| warning.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[test]
fn odd_files_load_and_say_what_is_odd() {
    let long = format!("description: {}", "y".repeat(1_068));
    let many = format!("triggers: [{}]", vec!["word"; 300].join(", "));
    let table: Vec<(String, &[&str])> = vec![
        // What stands around the front matter.
        (format!("<!-- made by hand -->\n{}", with("")), &[]),
        (format!("<!-- two\nlines -->\n\n<!-- and more -->\n{}", with("")), &[]),
        (format!("\n\n   \n{}", with("")), &[]),
        (format!("\u{feff}{}", with("").replace('\n', "\r\n")), &[]),
        (with("").replace('\n', "\r"), &[]),
        (with("").replace("---\n", "---  \n"), &[]),
        (with("").replace("\n---\nText", "\n...\nText"), &[]),
        ("---\nname: x\ndescription: about\n---".to_owned(), &[]),
        ("---\nname: x\ndescription: >-\n  one\n\n  --- two\n  ---\n  three\n---\n".to_owned(), &[]),
        ("---\nname: x\ndescription: |\n  one: two\n  # three\n---\n# Text\n\n---\n\nmore\n".to_owned(), &[]),
        // YAML by hand.
        (with("when_to_use: Always: when notes are lost"), &["unknown-key", "yaml-repaired"]),
        ("---\nname: x\ndescription: Does research. Trigger words: foo, bar\n---\n".to_owned(), &["yaml-repaired"]),
        ("---\nname: x\ndescription: Use when:\n---\n".to_owned(), &["yaml-repaired"]),
        ("---\nname: x\ndescription: \"Finds\" and keeps\n---\n".to_owned(), &["yaml-repaired"]),
        ("---\nname: x\ndescription: 'It's good'\n---\n".to_owned(), &["yaml-repaired"]),
        ("---\nname: x\ndescription: @mentions and more\n---\n".to_owned(), &["yaml-repaired"]),
        ("---\nname: x\ndescription: `code` first\n---\n".to_owned(), &["yaml-repaired"]),
        ("---\nname: x\ndescription: **Bold** words\n---\n".to_owned(), &["yaml-repaired"]),
        ("---\nname: x\ndescription: [PDF] reads them\n---\n".to_owned(), &["yaml-repaired"]),
        ("---\nname: x\ndescription: - finds notes\n---\n".to_owned(), &["yaml-repaired"]),
        ("---\nname: x\ndescription: one\n  two: three\n---\n".to_owned(), &["yaml-repaired"]),
        ("---\nname: x\ndescription:Finds notes\n---\n".to_owned(), &["yaml-repaired"]),
        ("---\nname: x\ndescription: Closes issue #12 and reports it\n---\n".to_owned(), &["yaml-comment"]),
        ("---\nname: x\ndescription: Closes: issue #12\n---\n".to_owned(), &["yaml-repaired"]),
        (
            "---\nname: x\ndescription: Closes issue #12\nlicense: a: b\n---\n".to_owned(),
            &["yaml-comment", "yaml-repaired"],
        ),
        ("---\nname: x\ndescription: \"Closes issue #12\" # mine\n---\n".to_owned(), &[]),
        (with("examples:\n  - Close issue #12"), &["yaml-comment"]),
        (with("version: 1.0.0 # the first"), &[]),
        (with("metadata:\n\tauthor: me"), &["yaml-repaired"]),
        (with("metadata:\n  note: a: b"), &["yaml-repaired"]),
        ("---\nName: x\nDescription: about\n---\n".to_owned(), &["key-spelling"]),
        // Keys with the meaning of another program.
        (with("priority: CRITICAL"), &["bad-priority"]),
        (with("priority: 100"), &["bad-priority"]),
        (with("priority: [high]"), &["bad-priority"]),
        (with("compatibility: [claude, codex]"), &["foreign-key"]),
        (with("compatibility:\n  os: linux"), &["foreign-key"]),
        (with("license:\n  name: MIT"), &["foreign-key"]),
        (with("triggers:\n  - pattern: notes\n    weight: 2\n  - pattern: x"), &["foreign-key"]),
        (with("triggers:\n  keywords: [notes]"), &["foreign-key"]),
        (with("examples:\n  - input: a\n    output: b"), &["foreign-key"]),
        (with("platforms:\n  - {name: mac}"), &["foreign-key"]),
        (with("metadata: none"), &["foreign-key"]),
        (with("metadata: [a, b]"), &["foreign-key"]),
        (with("allowed-tools:\n  read: true"), &["foreign-key"]),
        (with("requires_windmill: perhaps"), &["foreign-key"]),
        (with("capabilities: [research, writing]"), &["foreign-key"]),
        (with("capabilities: reads files"), &["foreign-key"]),
        (with("capabilities:\n  files: read\n  network: true"), &["foreign-key"]),
        (with("capabilities:\n  tools: [Bash, Read]"), &["foreign-key"]),
        (with("capabilities: {}"), &[]),
        (with("version: {major: 1}"), &["foreign-key"]),
        (with("id: 7f0c-NOT-AN-ID"), &["foreign-key"]),
        (with("id: other-skill"), &["foreign-key"]),
        (with("model: opus\ncolor: blue\nuser-invocable: true"), &["unknown-key"]),
        (with("hooks:\n  PreToolUse:\n    - matcher: Bash"), &["unknown-key"]),
        // Texts that are more than they should be.
        (format!("---\nname: x\n{long}\n---\n"), &["description-long"]),
        (with(&many), &["too-many-entries"]),
        (with(&format!("examples: [\"{}\"]", "y".repeat(501))), &["entry-too-long"]),
        (with("triggers: notes, find notes"), &["list-as-text"]),
        (with("examples:\n  - Plan my day: work first"), &["entry-as-map"]),
        // Values that other readers take for something else.
        (with("triggers: [yes, no, on, 7, true]"), &[]),
        ("---\nname: yes\ndescription: no\n---\n".to_owned(), &[]),
        ("---\nname: 2048\ndescription: A game.\n---\n".to_owned(), &[]),
        (with("triggers:"), &[]),
        (with("metadata: {author: me, nested: {a: 1}}"), &[]),
        (with("requires_windmill: no"), &[]),
    ];
    for (text, expected) in &table {
        let (_, warnings) = read(text);
        assert_eq!(codes(&warnings), *expected, "{text}\n{warnings:?}");
    }
}

#[test]
fn what_is_odd_is_still_read_whole() {
    let (manifest, _) = read("---\nname: x\ndescription: Does it. Words: foo, bar\n  and more\n---\n");
    assert_eq!(manifest.description, "Does it. Words: foo, bar and more");
    let (manifest, _) = read("---\nname: x\ndescription: 'It's good'\n---\n");
    assert_eq!(manifest.description, "'It's good'");
    let (manifest, _) = read(&with("triggers: [yes, no, on, 7, true]"));
    assert_eq!(manifest.triggers, ["yes", "no", "on", "7", "true"]);
    let (manifest, _) = read("---\nname: yes\ndescription: no\n---\n");
    assert_eq!((manifest.name.as_str(), manifest.description.as_str()), ("yes", "no"));
    let (manifest, _) = read(&with("triggers: notes, find notes"));
    assert_eq!(manifest.triggers, ["notes", "find notes"]);
    let (manifest, _) = read(&with("examples:\n  - Plan my day: work first\n  - b"));
    assert_eq!(manifest.examples, ["Plan my day: work first", "b"]);
    let (manifest, _) = read(&with("priority: CRITICAL"));
    assert_eq!(manifest.priority, 5);
    let (manifest, _) = read(&with("capabilities: [research, llm]"));
    assert!(manifest.capabilities.llm);
    let (manifest, _) = read(&with("allowed-tools: Bash(git add *), Read"));
    assert_eq!(manifest.allowed_tools, ["Bash(git add *)", "Read"]);
    let (manifest, _) = read("---\nname: x\ndescription: >-\n  one\n  ---\n  two\n---\n");
    assert_eq!(manifest.description, "one --- two");
    let (manifest, _) = read(&with("capabilities:\n  files: read\n  network: true"));
    assert_eq!(manifest.capabilities, Capabilities::none());
    let (manifest, warnings) = read("---\nname: x\ndescription: Closes issue #12 and reports it\n---\n");
    assert_eq!((manifest.description.as_str(), warnings[0].line), ("Closes issue", Some(3)));
    assert!(warnings[0].message.contains("in quotes"), "{}", warnings[0].message);
    let (manifest, _) = read("---\nname: x\ndescription: Closes: issue #12\n---\n");
    assert_eq!(manifest.description, "Closes: issue #12");
    let (_, warnings) = read("<!-- a\nb -->\n\n---\nname: x\ndescription: about\nsurprise: 1\n---\n");
    assert_eq!(warnings[0].line, Some(7), "lines are counted in the file");
}

#[test]
fn versions_in_every_common_spelling() {
    for (line, expected, warned) in [
        ("version: 1.0", "1.0.0", None),
        ("version: \"2\"", "2.0.0", None),
        ("version: 3", "3.0.0", None),
        ("version: 1.10", "1.1.0", Some("version-number")),
        ("version: \"1.10\"", "1.10.0", None),
        ("version: v1.2.3", "1.2.3", None),
        ("version: 1.2.3-beta.1", "1.2.3-beta.1", None),
        ("version: 1.2-rc", "1.2.0-rc", None),
        ("version: \"01.02.03\"", "1.2.3", None),
        ("version: 1.2.3.4", "1.2.3+4", Some("version-read")),
        ("version: 2024-06-30", "2024.6.30", Some("version-read")),
        ("version: ", "0.1.0", None),
        ("metadata:\n  version: \"1.4\"", "1.4.0", None),
        ("metadata:\n  version: latest", "0.1.0", None),
        ("version: 2.0.0\nmetadata:\n  version: \"1.4\"", "2.0.0", None),
    ] {
        let (manifest, warnings) = read(&with(line));
        assert_eq!(manifest.version.to_string(), expected, "{line}");
        assert_eq!(warnings.first().map(|warning| warning.code), warned, "{line}");
    }
    for line in ["version: one", "version: 1.x", "version: latest"] {
        let findings = parse_skill_md(&with(line)).unwrap_err();
        assert!(findings.to_string().contains("[bad-version]"), "{line}: {findings}");
    }
}

#[test]
fn names_give_identifiers_or_ask_for_one() {
    for (lines, name, explicit) in [
        ("name: Büro", "buro", false),
        ("name: Béro", "bero", false),
        ("name: 日本語ノート\nid: notes-ja", "notes-ja", true),
        ("name: Мои заметки\nid: my-notes", "my-notes", true),
        ("name: Büro\nid: office", "office", true),
        ("name: find-notes\nid: find-notes", "find-notes", true),
        ("name: find-notes\nid: office", "find-notes", false),
        ("name: anthropic/pdf_tools", "anthropic-pdf-tools", false),
    ] {
        let (manifest, _) = read(&format!("---\n{lines}\ndescription: about\n---\n"));
        assert_eq!((manifest.name.as_str(), manifest.explicit_id), (name, explicit), "{lines}");
    }
    for lines in ["name: 日本語", "name: '!!!'", "name: Заметки\nid: ЗАМЕТКИ", "name: \"🚀\""] {
        let findings = parse_skill_md(&format!("---\n{lines}\ndescription: about\n---\n")).unwrap_err();
        let shown = findings.to_string();
        assert!(shown.contains("[bad-name]") && shown.contains("`id: ...`"), "{lines}: {shown}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_line_and_the_next_step() {
    for (text, line, says) in [
        ("# Title\n", "SKILL.md:1:", "is `# Title`"),
        ("<!-- x -->\n\n+++\nname = 1\n+++\n", "SKILL.md:3:", "`---`"),
        ("", "SKILL.md:1:", "is nothing"),
        ("---\nname: x\ndescription: about\n", "SKILL.md:3:", "has no end"),
        ("---\nname: x\nname: y\ndescription: about\n---\n", "SKILL.md:3:", "front-matter-broken"),
        ("---\nname: [a]\ndescription: about\n---\n", "SKILL.md:2:", "`name` must be a text"),
        ("---\nname: x\ndescription: ''\n---\n", "SKILL.md:3:", "`description` is empty"),
        ("---\nname: x\n---\n", "SKILL.md:", "add a line `description: ...`"),
        ("---\nname: x\ndescription: a\ncapabilities:\n  http: [\"*\"]\n---\n", "SKILL.md:4:", "bad-capability"),
        ("---\nname: x\ndescription: a\ncapabilities:\n  lmm: true\n---\n", "SKILL.md:4:", "`lmm` is no capability"),
        ("---\nname: x\ndescription: a\ncapabilities:\n  web_serch: true\n---\n", "SKILL.md:4:", "`web_serch` is no"),
        ("---\nname: x\ndescription: a\ncapabilities:\n  https: [a.org]\n---\n", "SKILL.md:4:", "`https` is no"),
        (
            "---\nname: x\ndescription: a\ncapabilities:\n  llm: true\n  files: true\n---\n",
            "SKILL.md:4:",
            "`files` is no",
        ),
        ("---\nname: x\ndescription: a\nversion: latest\n---\n", "SKILL.md:4:", "write for example 1.0.0"),
        ("---\nname: x\ndescription: a\nmore: \"b\n---\n", "SKILL.md:4:", "never closed: write `\"`"),
        ("---\nname: x\ndescription: a\ntriggers: [b\n---\n", "SKILL.md:", "front-matter-broken"),
        ("---\nname: x\ndescription: a\njust words\n---\n", "SKILL.md:", "front-matter-broken"),
    ] {
        let shown = parse_skill_md(text).unwrap_err().to_string();
        assert!(shown.contains(line) && shown.contains(says), "{text}\n{shown}");
    }
}

/// Each with the one line of the file, the thing, and the cure for this reason; nothing of the parser.
#[test]
fn a_broken_front_matter_is_explained_in_the_words_of_its_author() {
    for (front, line, says) in [
        ("name: x\nname: y\ndescription: a", 3, "`name` stands here for the second time"),
        ("name: x\ndescription: @me\nname: y", 4, "`name` stands here for the second time"),
        ("name: x\ndescription: a\nmetadata:\n  k: 1\n  k: 2", 6, "`k` stands here for the second time"),
        ("name: x\ndescription: a\nmetadata:\n  k: &a 1\n  l: *a", 5, "write the value out"),
        ("name: x\ndescription: a\ntriggers:\n  - &a b", 5, "write the value out"),
        ("name: x\ndescription: \"C:\\dir\"", 3, "`\\d` within double quotes is no sign that YAML knows"),
        ("name: x\ndescription: \"a \\xZZ\"", 3, "put the text in single quotes"),
        ("name: x\ndescription: \"open\nversion: 1.0.0", 3, "write `\"` at its end"),
        ("name: x\ndescription: 'open\nversion: 1.0.0", 3, "write `'` at its end"),
        ("name: x\ndescription: a\ntriggers: [b, c\nversion: 1.0.0", 4, "write `]` at its end"),
        ("name: x\ndescription: a\ntriggers:\n  - a\n - b", 6, "`- b` does not fit"),
        ("name: x\ndescription: a\njust words", 4, "`just words` is no `key: value` line"),
        ("name: x\ndescription: a\nd: [[[[[[[[[[a]]]]]]]]]]", 4, "at more than 8 levels"),
        ("just words", 2, "`key: value` lines"),
    ] {
        let findings = parse_skill_md(&format!("---\n{front}\n---\n")).unwrap_err();
        let shown = findings.to_string();
        assert_eq!(findings.0.len(), 1, "{front}: {shown}");
        assert_eq!((findings.0[0].code, findings.0[0].line), ("front-matter-broken", Some(line)), "{front}: {shown}");
        assert!(shown.contains(says), "{front}: {shown}");
        for insides in ["Policy", "Options", "anchors:", "column", "error:", "scalar", " line 1", " line 2"] {
            assert!(!shown.contains(insides), "{front}: {shown}");
        }
    }
}

#[test]
fn what_is_mended_is_read_as_meant_and_names_the_sign() {
    for (front, description, line, says) in [
        ("name: x\ndescription: *bold* text", "*bold* text", 3, "begins with `*`"),
        ("name: x\ndescription: @mention", "@mention", 3, "begins with `@`"),
        ("name: x\ndescription: {{x}} is y", "{{x}} is y", 3, "begins with `{{`"),
        ("name: x\ndescription: {{x}}", "{{x}}", 3, "begins with `{{`"),
        ("name: x\ndescription: %50 off", "%50 off", 3, "begins with `%`"),
        ("name: x\ndescription: Does: it", "Does: it", 3, "has `: ` in it"),
        ("name: x\ndescription:\u{a0}Does it", "Does it", 3, "no-break space (U+00A0)"),
        ("name: x\ndescription:\u{3000}Does it", "Does it", 3, "(U+3000)"),
        ("name:x\ndescription:Does it", "Does it", 2, "a space after `key:`"),
        ("name: x\ndescription: \u{201c}Does it\u{201d}", "Does it", 3, "typographic quotes"),
        ("name: \u{201c}x\u{201d}\ndescription: it\u{2019}s", "it\u{2019}s", 2, "typographic quotes"),
        ("name: x\ndescription: a\ntriggers:\n  - @me", "a", 5, "begins with `@`"),
        ("name: x\ndescription: a\nmetadata:\n  k: *bold* b", "a", 5, "begins with `*`"),
    ] {
        let (manifest, warnings) = read(&format!("---\n{front}\n---\n"));
        assert_eq!((manifest.name.as_str(), manifest.description.as_str()), ("x", description), "{front}");
        assert_eq!((warnings[0].code, warnings[0].line), ("yaml-repaired", Some(line)), "{front}: {warnings:?}");
        assert!(warnings[0].message.contains(says), "{front}: {warnings:?}");
    }
    let (manifest, warnings) =
        read("---\nname:x\ndescription:Does it\nversion:1.2.0\nmetadata:\n  author:me\ntriggers:\n  - a:b\n---\n");
    assert_eq!((manifest.version.to_string().as_str(), manifest.metadata["author"].as_str()), ("1.2.0", "me"));
    assert_eq!((manifest.triggers[0].as_str(), warnings.len()), ("a:b", 4), "{warnings:?}");
    // Nothing is mended that is YAML.
    for front in [
        "name: x\ndescription: see https://host:80/a and 12:30",
        "name: x\ndescription: \u{201c}A\u{201d} and \u{201c}B\u{201d}",
        "name: x\ndescription: a {{x}} b, 50%, me@host, *bold*",
    ] {
        let (manifest, warnings) = read(&format!("---\n{front}\n---\n"));
        assert_eq!(warnings, [], "{front}");
        assert!(front.ends_with(&manifest.description), "{front}");
    }
    let (_, warnings) = read(&with("version: 1.2.3.4"));
    assert!(warnings[0].message.contains("no order"), "{warnings:?}");
}
