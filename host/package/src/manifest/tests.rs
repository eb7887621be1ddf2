use super::*;

const GOOD: &str = "---\nname: Social Media\ndescription: Writes posts.\nversion: 1.2.0\ntriggers: [post, \"a tweet\"]\n\
    examples:\n  - Write a post\nanti-examples: Cook\nplatforms: [twitter]\npriority: 2\nrequires_windmill: true\n\
    capabilities:\n  windmill: [\"f/openanalyst/social/*\"]\n  memory: user\n  llm: true\nlicense: MIT\n\
    metadata:\n  author: me\nallowed-tools: Read, Write\n---\n# Text\n## System Prompt\nBe kind.\n";

#[test]
fn both_forms_are_read() {
    let (manifest, warnings) = parse_skill_md(GOOD).unwrap();
    assert_eq!(warnings, []);
    assert_eq!((manifest.name.as_str(), manifest.title.as_str()), ("social-media", "Social Media"));
    assert_eq!(manifest.version.to_string(), "1.2.0");
    assert_eq!(manifest.triggers, ["post", "a tweet"]);
    assert_eq!(manifest.anti_examples, ["Cook"]);
    assert_eq!((manifest.priority, manifest.requires_windmill), (2, true));
    assert!(manifest.capabilities.allows_path("f/openanalyst/social/create_post") && manifest.capabilities.llm);
    assert_eq!(manifest.allowed_tools, ["Read", "Write"]);
    assert_eq!(manifest.system_prompt.as_deref(), Some("Be kind."));

    let public = "---\nname: pdf-tools\ndescription: Works on PDFs.\ncompatibility: any\n---\nText";
    let (manifest, _) = parse_skill_md(public).unwrap();
    assert_eq!((manifest.name.as_str(), manifest.version.to_string().as_str()), ("pdf-tools", "0.1.0"));
    assert_eq!(manifest.capabilities, Capabilities::none());
    assert!(parse_skill_md(&format!("\u{feff}{}", GOOD.replace('\n', "\r\n"))).is_ok(), "a BOM and CRLF are fine");
}

#[test]
fn each_fault_has_its_code_and_line() {
    let front = |lines: &str| format!("---\nname: x\ndescription: what it does\n{lines}\n---\n");
    let deep = format!("metadata: {}1{}", "[".repeat(50), "]".repeat(50));
    let table: Vec<(String, &str, Option<u32>)> = vec![
        ("# no front matter".into(), "front-matter-missing", Some(1)),
        ("---\nname: x\n".into(), "front-matter-missing", Some(2)),
        (front("triggers: [a"), "front-matter-broken", None),
        (front("name: again"), "front-matter-broken", Some(4)),
        (front("a: &a [1]\nb: *a"), "front-matter-broken", None),
        (front(&deep), "front-matter-broken", None),
        ("---\n- a\n---\n".into(), "front-matter-broken", Some(2)),
        ("---\ndescription: what it does\n---\n".into(), "missing-key", None),
        ("---\nname: x\n---\n".into(), "missing-key", None),
        ("---\nname: \"!!!\"\ndescription: what it does\n---\n".into(), "bad-name", Some(2)),
        (format!("---\nname: x\ndescription: {}\n---\n", "y".repeat(4097)), "description-too-long", Some(3)),
        (front("version: one"), "bad-version", Some(4)),
        (front("capabilities:\n  windmill: [\"../x\"]"), "bad-capability", Some(4)),
        (front("capabilities:\n  http: [\"127.0.0.1\"]"), "bad-capability", Some(4)),
        (front("capabilities:\n  memory: everybody"), "bad-capability", Some(4)),
        (front("capabilities:\n  llm: true\n  files: true"), "unknown-capability", Some(4)),
    ];
    for (text, code, line) in table {
        let findings = parse_skill_md(&text).unwrap_err().0;
        let found = findings.iter().find(|finding| finding.code == code);
        let found = found.unwrap_or_else(|| panic!("{text} gave {findings:?} and not {code}"));
        if line.is_some() {
            assert_eq!(found.line, line, "{text}");
        }
        assert_eq!(found.file.as_deref(), Some(SKILL_MD));
    }
}

#[test]
fn all_faults_come_at_once_and_unknown_keys_only_warn() {
    let bad = "---\nname: \"!\"\nversion: x\npriority: 0\nsurprise: 1\n---\n";
    let codes: Vec<&str> = parse_skill_md(bad).unwrap_err().0.iter().map(|finding| finding.code).collect();
    for code in ["bad-name", "missing-key", "bad-version", "bad-priority", "unknown-key"] {
        assert!(codes.contains(&code), "{codes:?} lacks {code}");
    }
    let (_, warnings) = parse_skill_md("---\nname: x\ndescription: what it does\nsurprise: 1\n---\n").unwrap();
    assert_eq!((warnings[0].code, warnings[0].line), ("unknown-key", Some(4)));
}
