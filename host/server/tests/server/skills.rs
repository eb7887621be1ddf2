//! The life of an uploaded skill over HTTP: upload, grant, activate, use, roll back, disable, remove; and everything that is refused on the way.

use std::io::Write as _;
use std::sync::Arc;

use openanalyst_guest_fixtures::{COURIER, Core, PROBE};
use openanalyst_identity::Scope;
use openanalyst_package::SigningKey;
use openanalyst_registry::Availability;
use serde_json::{Value, json};

use crate::support::client::call;
use crate::support::courier::{everything, package, package_of, skill_md};
use crate::support::{Edge, code};

fn findings(answer: &(u16, Value)) -> Vec<String> {
    assert_eq!(answer.0, 422, "{answer:?}");
    let list = answer.1["findings"].as_array().unwrap_or_else(|| panic!("findings in {}", answer.1));
    assert!(list.iter().all(|finding| !finding["message"].as_str().unwrap_or_default().is_empty()), "{list:?}");
    list.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn from_upload_to_removal() {
    let edge = Edge::start().await;
    let token = edge.token("ada");
    let (status, first) = edge.upload(&token, package("courier", "1.0.0")).await;
    assert_eq!(status, 201, "{first}");
    assert_eq!((first["name"].as_str(), first["state"].as_str()), (Some("courier"), Some("inactive")));
    for (key, asked) in everything().as_object().unwrap() {
        assert_eq!(&first["capabilities"][key], asked, "the uploader sees what the skill asks for");
        assert!(first["granted"][key].as_array().is_none_or(Vec::is_empty), "and nothing is granted: {first}");
    }
    // The same digest is the same version; the same version with other bytes is none.
    let (status, again) = edge.upload(&token, package("courier", "1.0.0")).await;
    assert_eq!((status, &again["digest"], &again["repeated"]), (200, &first["digest"], &json!(true)));
    let text = format!("{}Other words.\n", skill_md("courier", "1.0.0"));
    let other = edge.upload(&token, package_of(&[("SKILL.md", text.as_bytes()), ("skill.wasm", COURIER)])).await;
    assert_eq!(other.0, 409, "{other:?}");
    assert!(other.1["detail"].as_str().unwrap().contains("1.0.0"));

    let say = json!({"do": "say", "text": "hello"});
    let routed = call(edge.post("/v1/route", &token, &json!({"content": "courier this"}))).await.1;
    assert!(!routed["decision"].to_string().contains("courier"), "not active yet: {routed}");
    assert_eq!(edge.activate(&token, "courier", "1.0.0").await.0, 200);
    assert_eq!(edge.carry(&token, "courier", &say).await["content"], "\"hello\"");

    // A new version takes over at once, and the same call rolls back.
    assert_eq!(edge.upload(&token, package("courier", "1.1.0")).await.0, 201);
    let version = async |expected: &str| {
        let task = edge.carry(&token, "courier", &say).await;
        assert_eq!(task["metadata"]["skillVersion"], expected, "{task}");
    };
    version("1.0.0").await;
    for to in ["1.1.0", "1.0.0", "1.1.0", first["digest"].as_str().unwrap()] {
        let active = edge.activate(&token, "courier", to).await;
        assert_eq!(active.0, 200, "{active:?}");
        version(if to.starts_with("1.1") { "1.1.0" } else { "1.0.0" }).await;
    }
    let versions = call(edge.get("/v1/skills/courier/versions", &token)).await.1;
    let listed: Vec<&str> =
        versions["versions"].as_array().unwrap().iter().map(|row| row["version"].as_str().unwrap()).collect();
    assert_eq!(listed, ["1.1.0", "1.0.0"], "{versions}");
    let unknown = edge.activate(&token, "courier", "9.9.9").await;
    assert_eq!(unknown.0, 404, "{unknown:?}");

    // What it did and used.
    let logs = call(edge.get("/v1/skills/courier/logs", &token)).await.1;
    assert!(logs.to_string().contains("\"hello\""), "{logs}");
    let receipts = call(edge.get("/v1/skills/courier/receipts?limit=3", &token)).await.1;
    assert_eq!(receipts["receipts"].as_array().unwrap().len(), 3, "{receipts}");
    assert!(receipts["usedToday"]["invocations"].as_i64().unwrap() >= 15, "{receipts}");
    assert!(receipts["nextCursor"].is_string());

    // Out of use, and back.
    assert_eq!(call(edge.post("/v1/skills/courier/disable", &token, &json!({}))).await.0, 200);
    let routed = call(edge.post("/v1/route", &token, &json!({"content": "courier this"}))).await.1;
    assert!(!routed["decision"].to_string().contains("courier"), "{routed}");
    assert_eq!(edge.activate(&token, "courier", "1.0.0").await.0, 200);
    version("1.0.0").await;

    // Gone with all that belonged to it: another one of the same name begins with nothing.
    edge.put("/v1/skills/courier/grants", &token, &everything()).await;
    let secret = json!({"value": "a-secret-value", "audience": ["api.test"]});
    assert_eq!(edge.put("/v1/skills/courier/secrets/api-key", &token, &secret).await.0, 200);
    assert_eq!(edge.delete("/v1/skills/courier", &token).await.0, 204);
    for path in ["", "/versions", "/grants", "/budget", "/secrets"] {
        assert_eq!(call(edge.get(&format!("/v1/skills/courier{path}"), &token)).await.0, 404, "{path}");
    }
    assert_eq!(edge.upload(&token, package("courier", "1.0.0")).await.0, 201);
    let grants = call(edge.get("/v1/skills/courier/grants", &token)).await.1;
    assert_eq!(grants["granted"]["http"], json!([]), "{grants}");
    assert_eq!(call(edge.get("/v1/skills/courier/secrets", &token)).await.1["secrets"], json!([]));

    let audit = call(edge.get("/v1/audit?limit=100", &token)).await.1;
    let deeds: Vec<&str> =
        audit["entries"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
    for action in ["skill.upload", "skill.activate", "skill.disable", "skill.grant", "secret.set", "skill.remove"] {
        assert!(deeds.contains(&action), "{action} in {deeds:?}");
    }
    let row = &audit["entries"][0];
    assert!(
        row["actor"] == "ada" && row["origin"].as_str().unwrap().starts_with("127.0.0.1"),
        "who, and from where: {row}"
    );
    edge.store.verify_audit(&crate::support::owner("ada").tenant).await.unwrap();
}

/// Every row under "load" of the hostile table, as an upload: one answer with all findings, nothing stored, the next upload served.
#[tokio::test]
async fn nothing_hostile_is_stored() {
    let edge = Edge::start().await;
    let token = edge.token("ada");
    let md = skill_md("courier", "1.0.0");
    let with = |component: &[u8]| package_of(&[("SKILL.md", md.as_bytes()), ("skill.wasm", component)]);
    let core = |text: &str| wat::parse_str(text).unwrap();
    let locals = format!("(component (core module (func {})))", "(local i32)".repeat(50_000));
    let types = format!("(component (core module {}))", "(type (func))".repeat(200_001));
    let import = |name: &str| core(&format!("(component (import \"{name}\" (instance)))"));
    let whole = package("courier", "1.0.0");
    let function = format!("(component (core module (func {})))", "i32.const 1 drop ".repeat(2_400_000));
    let md_bytes = md.as_bytes();
    let table: Vec<(&str, Vec<u8>, &str)> = vec![
        ("no zip", b"hello".to_vec(), "not-an-archive"),
        ("half a zip", whole[..whole.len() / 2].to_vec(), "not-an-archive"),
        ("a bomb", zip_of(&[("SKILL.md", md_bytes), ("prompts/zeros.md", &vec![0; 65 << 20])]), "file-too-large"),
        ("a path outside", zip_of(&[("SKILL.md", md_bytes), ("../../etc/cron.d/x", b"x")]), "unsafe-path"),
        ("an absolute path", zip_of(&[("SKILL.md", md_bytes), ("/etc/passwd", b"x")]), "unsafe-path"),
        ("a path with backslashes", zip_of(&[("SKILL.md", md_bytes), ("..\\..\\x", b"x")]), "unsafe-path"),
        ("a function of 7 MB", with(&core(&function)), "function-too-large"),
        ("half a component", with(&COURIER[..COURIER.len() / 2]), "invalid-component"),
        ("a core module", with(&core("(module)")), "core-module"),
        ("text", with(b"(component)"), "not-a-component"),
        ("an artifact", with(b"\x7fELF\x02\x01\x01"), "compiled-component"),
        ("a large frame of locals", with(&core(&locals)), "too-many-locals"),
        ("a million types", with(&core(&types)), "too-many-types"),
        ("an import that is not there", with(&import("wasi:nn/graph@0.2.0")), "unknown-import"),
        ("a newer contract", with(&import("openanalyst:skill/log@0.9.0")), "unknown-version"),
        ("no export", with(&core("(component)")), "missing-export"),
        ("no description", package_of(&[("SKILL.md", b"---\nname: x\n---\n")]), "missing-key"),
        ("no SKILL.md", package_of(&[("skill.wasm", COURIER)]), "skill-md-missing"),
    ];
    for (what, bytes, expected) in table {
        let answer = edge.upload(&token, bytes).await;
        let found = findings(&answer);
        assert!(found.iter().any(|code| code == expected), "{what}: {found:?}");
    }
    // One broken package, all its findings at once, with file and line where there is one.
    let broken = package_of(&[
        (
            "SKILL.md",
            b"---\nname: courier\ndescription: about\npriority: 99\nversion: one\ncapabilities:\n  fly: true\n---\n",
        ),
        ("skill.wasm", b"(component)"),
    ]);
    let answer = edge.upload(&token, broken).await;
    assert!(findings(&answer).len() >= 3, "{answer:?}");
    let lines = answer.1["findings"].as_array().unwrap().iter().filter(|finding| finding["line"].is_u64()).count();
    assert!(lines >= 1, "{answer:?}");

    let list = call(edge.get("/v1/skills", &token)).await.1;
    assert_eq!(list["skills"], json!([]), "nothing was stored");
    assert_eq!(edge.upload(&token, package("courier", "1.0.0")).await.0, 201);
    // The probe imports everything, as JavaScript and Python builds do: it is told what it will not get.
    let md = skill_md("courier", "1.0.1");
    let answer = edge.upload(&token, package_of(&[("SKILL.md", md.as_bytes()), ("skill.wasm", PROBE)])).await;
    assert_eq!(answer.0, 201, "{answer:?}");
    assert!(answer.1["warnings"].to_string().contains("import-not-requested"), "{answer:?}");
}

/// An archive with whatever names it is told, as no packer of ours makes it.
fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[tokio::test]
async fn a_package_over_the_limit_is_not_read_to_its_end() {
    let edge = Edge::start_with(|options| options.limits.package_bytes = 1_000).await;
    let token = edge.token("ada");
    let answer = edge.upload(&token, vec![0; 1_001]).await;
    assert_eq!(code(&answer), (413, "package-too-large"), "{answer:?}");
}

#[tokio::test]
async fn only_who_may_changes_skills() {
    let edge = Edge::start().await;
    let reader = edge.token_for("ada", &[Scope::SkillsRead, Scope::Requests]);
    assert_eq!(code(&edge.upload(&reader, package("courier", "1.0.0")).await), (403, "missing-scope"));
    let writer = edge.token_for("ada", &[Scope::SkillsWrite]);
    assert_eq!(edge.upload(&writer, package("courier", "1.0.0")).await.0, 201);
    for (method, path) in [
        ("POST", "/v1/skills/courier/activate"),
        ("POST", "/v1/skills/courier/disable"),
        ("DELETE", "/v1/skills/courier"),
        ("PUT", "/v1/skills/courier/grants"),
        ("PUT", "/v1/skills/courier/budget"),
        ("PUT", "/v1/skills/courier/secrets/api-key"),
    ] {
        let answer = call(edge.request(method, path).bearer_auth(&reader).json(&json!({}))).await;
        assert_eq!(code(&answer), (403, "missing-scope"), "{method} {path}");
    }
}

#[tokio::test]
async fn a_tenant_can_require_signatures() {
    let edge = Edge::start().await;
    let token = edge.token("ada");
    let (trusted, stranger) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
    let settings = json!({
        "requireSignature": true, "publishers": [{"publicKey": trusted.publisher().to_string(), "label": "us"}],
    });
    let (status, answer) = edge.put("/v1/tenant/settings", &token, &settings).await;
    assert_eq!(status, 200, "{answer}");
    let plain = package("courier", "1.0.0");
    let signed = |key: &SigningKey| openanalyst_package::sign(&plain, key).unwrap();
    assert!(findings(&edge.upload(&token, plain.clone()).await).contains(&"signature-missing".to_owned()));
    assert!(findings(&edge.upload(&token, signed(&stranger)).await).contains(&"publisher-not-trusted".to_owned()));
    let answer = edge.upload(&token, signed(&trusted)).await;
    assert_eq!(
        (answer.0, answer.1["publisher"].as_str()),
        (201, Some(trusted.publisher().to_string().as_str())),
        "{answer:?}"
    );
    // Another tenant decides for itself.
    let other = edge.token_of("other", "ada", Scope::ALL);
    assert_eq!(edge.upload(&other, plain.clone()).await.0, 201);
}

/// Many at once: each version once, and one active version at every moment.
#[tokio::test]
async fn uploads_and_switches_at_the_same_time() {
    let edge = Arc::new(Edge::start().await);
    let token = edge.token("ada");
    edge.install(&token, "courier", "1.0.0").await;
    assert_eq!(edge.upload(&token, package("courier", "1.1.0")).await.0, 201);
    let mut work = Vec::new();
    for n in 0..24 {
        let (edge, token) = (edge.clone(), token.clone());
        work.push(tokio::spawn(async move {
            match n % 4 {
                0 => edge.upload(&token, package("courier", "1.2.0")).await.0,
                1 => edge.activate(&token, "courier", "1.1.0").await.0,
                2 => edge.activate(&token, "courier", "1.0.0").await.0,
                _ => {
                    let task = edge.carry(&token, "courier", &json!({"do": "say", "text": "x"})).await;
                    assert_eq!(task["status"], "completed", "{task}");
                    200
                }
            }
        }));
    }
    let mut created = 0;
    for one in work {
        let status = one.await.unwrap();
        assert!(status == 200 || status == 201, "{status}");
        created += u32::from(status == 201);
    }
    assert_eq!(created, 1, "one upload of six made the version");
    let versions = call(edge.get("/v1/skills/courier/versions", &token)).await.1;
    assert_eq!(versions["versions"].as_array().unwrap().len(), 3, "{versions}");
    let active = versions["versions"].as_array().unwrap().iter().filter(|row| row["state"] == "active").count();
    assert_eq!(active, 1, "{versions}");
}

const CRASHES: &str = "openanalyst:skill/handler@0.1.0#plan\") (param i32) (result i32)";

/// A skill whose `plan` crashes.
fn crashing() -> Vec<u8> {
    Core::default().changed(
        |text| {
            assert!(text.contains(CRASHES));
            text.replace(CRASHES, &format!("{CRASHES} unreachable"))
        },
        |contract| contract,
    )
}

#[tokio::test]
async fn a_crash_is_one_plain_sentence_for_the_user_and_a_place_for_the_author() {
    let edge = Edge::start().await;
    let token = edge.token("ada");
    let md = b"---\nname: crasher\ndescription: Crashes.\ntriggers: [crasher]\n---\n";
    assert_eq!(edge.upload(&token, package_of(&[("SKILL.md", md), ("skill.wasm", &crashing())])).await.0, 201);
    assert_eq!(edge.activate(&token, "crasher", "0.1.0").await.0, 200);
    let request = json!({"content": "crasher", "sessionId": "s"});
    let (_, mut task) = call(edge.post("/v1/requests?wait=0", &token, &request)).await;
    let path = format!("/v1/tasks/{}", task["taskId"].as_str().unwrap());
    while task["status"] != "failed" {
        assert!(["accepted", "running"].contains(&task["status"].as_str().unwrap()), "{task}");
        // It waits before it tries again.
        edge.clock.advance(std::time::Duration::from_millis(100));
        task = call(edge.get(&path, &token)).await.1;
    }
    let said = task["error"]["message"].as_str().unwrap();
    assert!(said.contains("crashed") && !said.contains("wasm") && !said.contains("unreachable"), "{said}");
    let logs = call(edge.get("/v1/skills/crasher/logs", &token)).await.1;
    let invocations = logs["invocations"].as_array().unwrap();
    assert_eq!(invocations.len(), 2, "it was tried once more, and not again: {logs}");
    assert!(invocations.iter().all(|one| one["lines"].to_string().contains("unreachable")), "{logs}");
}

#[tokio::test]
async fn two_names_of_one_identifier_are_two_skills_or_none() {
    let edge = Edge::start().await;
    let token = edge.token("ada");
    let upload = async |lines: &str| {
        let md = format!("---\n{lines}\ndescription: about\n---\n");
        edge.upload(&token, package_of(&[("SKILL.md", md.as_bytes()), ("skill.wasm", COURIER)])).await
    };
    assert_eq!(upload("name: Büro").await.1["name"], "buro");
    assert_eq!(upload("name: Béro").await.1["name"], "bero");
    assert_eq!(upload("name: 日本 Tools").await.1["name"], "tools");
    for lines in ["name: 中国 Tools", "name: buro\nversion: 2.0.0"] {
        let (status, answer) = upload(lines).await;
        assert_eq!(status, 409, "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains("`id:`"), "{answer}");
    }
    assert_eq!(upload("name: 中国 Tools\nid: china-tools").await.1["name"], "china-tools");
    let same = upload("name: BÜRO!\nversion: 2.0.0").await;
    assert_eq!((same.0, same.1["name"].as_str()), (201, Some("buro")), "{same:?}");
    let renamed = upload("name: Office\nid: buro\nversion: 3.0.0").await;
    assert_eq!((renamed.0, renamed.1["name"].as_str()), (201, Some("buro")), "{renamed:?}");
}

#[tokio::test]
async fn a_prompt_skill_is_kept_and_gets_no_requests_until_it_can_run() {
    let edge = Edge::start().await;
    let token = edge.token("ada");
    let md = b"---\nname: haiku\ndescription: Writes haiku.\ntriggers: [haiku]\n---\n## System Prompt\nWrite.\n";
    let (status, uploaded) = edge.upload(&token, package_of(&[("SKILL.md", md)])).await;
    assert_eq!(status, 201, "{uploaded}");
    assert!(uploaded["warnings"].to_string().contains("gets no requests"), "{uploaded}");
    assert_eq!(edge.activate(&token, "haiku", "0.1.0").await.0, 200);
    let routed = call(edge.post("/v1/route", &token, &json!({"content": "haiku"}))).await.1;
    assert!(!routed["decision"].to_string().contains("haiku"), "{routed}");
    let reasons = routed["reasons"].to_string();
    assert!(reasons.contains("`haiku` is meant, and it cannot run yet"), "{reasons}");
    assert!(call(edge.get("/v1/skills", &token)).await.1.to_string().contains("haiku"));
}

#[tokio::test]
async fn skills_are_listed_in_pages() {
    let edge = Edge::start().await;
    let token = edge.token("ada");
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        assert_eq!(edge.upload(&token, package(name, "1.0.0")).await.0, 201);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = call(edge.get(&format!("/v1/skills?limit=2{cursor}"), &token)).await.1;
        let skills = page["skills"].as_array().unwrap();
        assert!(skills.len() <= 2, "{page}");
        seen.extend(skills.iter().map(|skill| skill["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, names);
    assert_eq!(call(edge.get("/v1/skills?limit=0", &token)).await.0, 400);
}

#[tokio::test]
async fn a_removed_skills_package_and_refused_ones_leave_nothing() {
    let edge = Edge::start().await;
    let (token, other) = (edge.token("ada"), edge.token_of("other", "bob", Scope::ALL));
    let kept = || {
        let folders = std::fs::read_dir(edge.packages()).unwrap();
        folders.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count()).sum::<usize>()
    };
    assert_eq!(edge.upload(&token, package("courier", "1.0.0")).await.0, 201);
    assert_eq!(edge.upload(&other, package("courier", "1.0.0")).await.0, 201);
    assert_eq!(kept(), 1, "one copy for both");
    // Refused: the version is there with other bytes, and its identifier has another title.
    let changed = format!("{}Other words.\n", skill_md("courier", "1.0.0"));
    let changed = package_of(&[("SKILL.md", changed.as_bytes()), ("skill.wasm", COURIER)]);
    assert_eq!(edge.upload(&token, changed).await.0, 409);
    assert_eq!(kept(), 1);
    assert_eq!(edge.delete("/v1/skills/courier", &token).await.0, 204);
    assert_eq!(kept(), 1, "somebody else still has it");
    assert_eq!(edge.delete("/v1/skills/courier", &other).await.0, 204);
    assert_eq!(kept(), 0);
    assert_eq!(edge.upload(&token, package("courier", "1.0.0")).await.0, 201, "and it comes again");
    assert_eq!(kept(), 1);
}

#[tokio::test]
async fn what_an_administrator_takes_away_holds_from_the_next_invocation() {
    let edge = Edge::start().await;
    let token = edge.token("ada");
    edge.install(&token, "courier", "1.0.0").await;
    let put = json!({"do": "say", "text": "hello"});
    assert_eq!(edge.carry(&token, "courier", &put).await["status"], "completed");
    let tenant = crate::support::owner("ada").tenant;
    let digest = call(edge.get("/v1/skills/courier", &token)).await.1["digest"].as_str().unwrap().to_owned();
    let now = async || edge.catalog().version_of(&tenant, "courier", Some(&digest)).await.unwrap();
    assert!(matches!(now().await, Availability::Available(skill) if skill.grants.memory.is_some()));
    edge.put("/v1/skills/courier/grants", &token, &json!({})).await;
    assert!(matches!(now().await, Availability::Available(skill) if skill.grants.memory.is_none()));
    assert_eq!(call(edge.post("/v1/skills/courier/disable", &token, &json!({}))).await.0, 200);
    assert!(matches!(now().await, Availability::Disabled));
    assert_eq!(edge.delete("/v1/skills/courier", &token).await.0, 204);
    assert!(matches!(now().await, Availability::Removed));
}

#[tokio::test]
async fn a_skill_that_takes_over_a_trigger_is_reported() {
    let edge = Edge::start().await;
    let token = edge.token("ada");
    let md = |name: &str, priority: u8| {
        format!(
            "---\nname: {name}\ndescription: Looks after invoices.\ntriggers: [send the invoices]\npriority: {priority}\n---\n"
        )
    };
    let upload = async |name: &str, priority: u8| {
        let md = md(name, priority);
        edge.upload(&token, package_of(&[("SKILL.md", md.as_bytes()), ("skill.wasm", COURIER)])).await.1
    };
    upload("ledger", 5).await;
    assert_eq!(edge.activate(&token, "ledger", "0.1.0").await.0, 200);
    let collisions = upload("usurper", 1).await["collisions"].clone();
    assert_eq!(collisions[0]["example"], "send the invoices", "{collisions}");
    assert_eq!((&collisions[0]["kind"], &collisions[0]["of"]), (&json!("trigger"), &json!("ledger")), "{collisions}");
}
