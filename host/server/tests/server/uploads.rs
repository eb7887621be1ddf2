//! What an upload refuses, how much of it a tenant may keep, and that `check` says the same.

use std::sync::Arc;

use openanalyst_guest_fixtures::COURIER;
use openanalyst_identity::Scope;
use openanalyst_registry::{Actor, FolderPackages, MAX_VERSIONS, Registry, RegistryError, RegistryOptions, Vault};
use openanalyst_runtime::{ChildCompiler, CompileLimits, Sandbox, SandboxOptions};
use openanalyst_store::quotas::{OperatorQuotas, Quotas};
use openanalyst_store::retention::Retention;
use openanalyst_store::skills::NewVersion;
use openanalyst_store::storage::StorageKind;
use serde_json::json;

use crate::support::client::call;
use crate::support::courier::{package, package_of, skill_md};
use crate::support::{Edge, code, owner};

/// The edge's registry, with a compiler that crashes on every component.
fn with_a_broken_compiler(edge: &Edge) -> (Registry, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let compiler = ChildCompiler {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), "kill -SEGV $$".into()],
        limits: CompileLimits::default(),
    };
    let options = SandboxOptions {
        pool_instances: 2,
        compiler: Some(compiler),
        ..SandboxOptions::new(dir.path().to_owned(), [7; 32])
    };
    let registry = Registry::new(RegistryOptions {
        store: edge.store.clone(),
        packages: Arc::new(FolderPackages::open(&edge.packages()).unwrap()),
        vault: Vault::new(&[1; 32]),
        sandbox: Sandbox::new(options).unwrap(),
        catalog: edge.registry.shared_catalog(),
        clock: edge.clock.clone(),
        quotas: Quotas::new(edge.store.clone(), OperatorQuotas::default()),
        retention: Retention::default(),
    });
    (registry, dir)
}

#[tokio::test]
async fn a_check_says_what_an_upload_would_say() {
    let edge = Edge::start().await;
    let token = edge.token("ada");
    let md = skill_md("courier", "1.0.0");
    let of = |component: &[u8]| package_of(&[("SKILL.md", md.as_bytes()), ("skill.wasm", component)]);
    let component = |text: &str| wat::parse_str(text).unwrap();
    let beside = |path: &str, content: &[u8]| {
        package_of(&[("SKILL.md", md.as_bytes()), ("skill.wasm", COURIER), (path, content)])
    };
    assert_eq!(edge.upload(&token, package("other", "1.0.0")).await.0, 201);
    let taken = skill_md("other", "1.0.0").replace("name: other", "name: Other & Sons\nid: other");
    let (broken, _dir) = with_a_broken_compiler(&edge);
    let table: Vec<(&str, &Registry, Vec<u8>, &str)> = vec![
        (
            "an unknown interface",
            &edge.registry,
            of(&component("(component (import \"wasi:nn/graph@0.2.0\" (instance)))")),
            "[unknown-import]",
        ),
        ("no export", &edge.registry, of(&component("(component)")), "[missing-export]"),
        ("a crash of the compiler", &broken, of(COURIER), "[compile-crashed]"),
        ("a file of secrets", &edge.registry, beside(".npmrc", b"//r/:_authToken=x"), "[secret-file]"),
        ("a database", &edge.registry, beside("a.bin", b"SQLite format 3\0"), "[private-data]"),
        (
            "a version that is there with another content",
            &edge.registry,
            package_of(&[("SKILL.md", taken.as_bytes()), ("skill.wasm", COURIER)]),
            "another content",
        ),
    ];
    let actor = Actor { name: "ada".to_owned(), origin: "test".to_owned() };
    let tenant = owner("ada").tenant;
    for (what, registry, archive, expected) in table {
        let checked = registry.check(&tenant, archive.clone().into()).await.unwrap_err().to_string();
        let uploaded = registry.upload(&tenant, archive.into(), &actor).await.unwrap_err().to_string();
        assert_eq!(checked, uploaded, "{what}");
        assert!(checked.contains(expected), "{what}: {checked}");
    }
    let list = call(edge.get("/v1/skills", &token)).await.1;
    assert_eq!(list["skills"].as_array().map(Vec::len), Some(1), "nothing of these was stored: {list}");
    let good = edge.registry.check(&tenant, package("courier", "1.0.0").into()).await.unwrap();
    assert_eq!((good.name.as_str(), good.version.as_str()), ("courier", "1.0.0"));
}

#[tokio::test]
async fn packages_have_one_quota_in_bytes() {
    let bytes = u64::try_from(package("courier", "1.0.0").len()).unwrap();
    let mut quotas = OperatorQuotas::default();
    quotas.tenant.insert(StorageKind::Packages, bytes + 1);
    let edge = Edge::start_with_quotas(quotas).await;
    let token = edge.token("ada");
    for version in ["1.0.0", "1.1.0"] {
        assert_eq!(edge.upload(&token, package("courier", version)).await.0, 201, "{version}");
    }
    let refused = edge.upload(&token, package("courier", "1.2.0")).await;
    assert_eq!(code(&refused), (429, "quota-exceeded"), "{refused:?}");
    assert_eq!((&refused.1["quota"]["kind"], &refused.1["quota"]["limit"]), (&json!("packages"), &json!(bytes + 1)));
    let checked = edge.registry.check(&owner("ada").tenant, package("courier", "1.2.0").into()).await;
    assert!(matches!(checked, Err(RegistryError::QuotaExceeded(_))), "{checked:?}");
    assert_eq!(edge.upload(&token, package("courier", "1.1.0")).await.0, 200, "what is there may come again");
    let other = edge.token_of("other", "bob", Scope::ALL);
    assert_eq!(edge.upload(&other, package("courier", "1.2.0")).await.0, 201, "another tenant has its own");
    assert_eq!(edge.delete("/v1/skills/courier", &token).await.0, 204);
    assert_eq!(edge.upload(&token, package("courier", "1.2.0")).await.0, 201, "what was removed makes room");
    // A tenant's administrator lowers it.
    let settings = json!({"quotas": {"tenant": {"packages": 1}}});
    assert_eq!(edge.put("/v1/tenant/settings", &token, &settings).await.0, 200);
    assert_eq!(code(&edge.upload(&token, package("courier", "1.3.0")).await), (429, "quota-exceeded"));
}

#[tokio::test]
async fn a_tenant_has_at_most_so_many_versions() {
    let edge = Edge::start().await;
    let (token, tenant) = (edge.token("ada"), owner("ada").tenant);
    let mut tx = edge.store.begin(&tenant).await.unwrap();
    for number in 0..MAX_VERSIONS {
        let new = NewVersion {
            skill: "many",
            digest: &format!("sha256:{number:064x}"),
            version: &format!("{number}.0.0"),
            component_digest: None,
            package_bytes: 1,
            manifest: &json!({"title": "many"}),
            findings: &json!([]),
            publisher: None,
            uploaded_by: "ada",
            at_ms: 1,
        };
        assert!(tx.add_version(&tenant, &new).await.unwrap());
    }
    tx.commit().await.unwrap();
    let refused = edge.upload(&token, package("courier", "1.0.0")).await;
    assert_eq!(code(&refused), (409, "wrong-state"), "{refused:?}");
    assert!(refused.1["detail"].as_str().unwrap().contains(&MAX_VERSIONS.to_string()), "{refused:?}");
}

#[tokio::test]
async fn a_skill_that_cannot_run_takes_and_loses_no_requests() {
    let edge = Edge::start().await;
    let token = edge.token("ada");
    let md = |name: &str| {
        format!(
            "---\nname: {name}\ndescription: Looks after invoices.\ntriggers: [send the invoices]\npriority: 1\n---\n"
        )
    };
    let upload = async |name: &str, is_prompt: bool| {
        let md = md(name);
        let mut files: Vec<(&str, &[u8])> = vec![("SKILL.md", md.as_bytes())];
        if !is_prompt {
            files.push(("skill.wasm", COURIER));
        }
        let (status, uploaded) = edge.upload(&token, package_of(&files)).await;
        assert_eq!(status, 201, "{uploaded}");
        uploaded
    };
    upload("ledger", false).await;
    assert_eq!(edge.activate(&token, "ledger", "0.1.0").await.0, 200);
    let prompt = upload("poet", true).await;
    assert_eq!(prompt["collisions"], json!([]), "a prompt skill takes nothing from the ledger");
    assert!(!prompt["warnings"].to_string().contains("routing-collision"), "{prompt}");
    // Only the prompt skill is active: what comes after it takes nothing from it.
    assert_eq!(edge.activate(&token, "poet", "0.1.0").await.0, 200);
    assert_eq!(edge.delete("/v1/skills/ledger", &token).await.0, 204);
    assert_eq!(upload("clerk", false).await["collisions"], json!([]));
}

#[tokio::test]
async fn names_that_differ_in_a_sign_are_two_skills() {
    let edge = Edge::start().await;
    let token = edge.token("ada");
    for (first, second) in [("C++ Helper", "C# Helper"), ("Q&A Notes", "Q/A Notes")] {
        let upload = async |name: &str, version: &str| {
            let md = format!("---\nname: \"{name}\"\ndescription: about\nversion: {version}\n---\n");
            edge.upload(&token, package_of(&[("SKILL.md", md.as_bytes()), ("skill.wasm", COURIER)])).await
        };
        assert_eq!(upload(first, "1.0.0").await.0, 201);
        let refused = upload(second, "2.0.0").await;
        assert_eq!(code(&refused), (409, "wrong-state"), "{second} is no version of {first}");
        assert!(refused.1["detail"].as_str().unwrap().contains("`id:`"), "{refused:?}");
    }
}
