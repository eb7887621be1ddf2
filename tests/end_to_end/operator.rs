//! What an operator does from outside: keys, other issuers, limits of the compiler, a database that goes away.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use openanalyst_domain::SystemClock;
use openanalyst_guest_fixtures::{COURIER, binary};
use openanalyst_runtime::{ChildCompiler, CompileLimits, Sandbox, SandboxOptions};
use serde_json::{Value, json};

use crate::support::{DataDir, Server};

fn token(data: &DataDir, arguments: &[&str]) -> String {
    let output = data.run(&[&["token"], arguments].concat());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The compiler's child by itself, with whatever limits a row needs.
fn sandbox(limits: CompileLimits) -> (Sandbox, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let compiler = ChildCompiler {
        program: env!("CARGO_BIN_EXE_openanalyst").into(),
        arguments: vec!["compile-component".into()],
        limits,
    };
    let options = SandboxOptions {
        pool_instances: 2,
        compiler: Some(compiler),
        ..SandboxOptions::new(dir.path().to_owned(), [7; 32])
    };
    (Sandbox::new(options).unwrap(), dir)
}

#[test]
fn a_compiler_keeps_to_its_limits() {
    // A component that is honest, and takes a compiler some time.
    let functions: String = (0..3_000)
        .map(|n| {
            let body: String = (0..60)
                .map(|k| format!("local.get 0 i32.const {} i32.mul i32.const {k} i32.xor local.set 0 ", n * 61 + k))
                .collect();
            format!("(func (export \"f{n}\") (param i32) (result i32) {body} local.get 0)")
        })
        .collect();
    let heavy = binary(&format!("(component (core module {functions}))"));
    let limits = CompileLimits::default();
    for (what, limits, component, code) in [
        ("an honest one", limits, COURIER, "ok"),
        (
            "too little memory",
            CompileLimits { memory_bytes: 24 << 20, ..limits },
            &heavy[..],
            "compile-memory-exceeded",
        ),
        ("too little CPU time", CompileLimits { cpu_s: 1, ..limits }, &heavier()[..], "compile-cpu-exceeded"),
        (
            "too little time",
            CompileLimits { wall: Duration::from_millis(100), ..limits },
            &heavier()[..],
            "compile-timeout",
        ),
    ] {
        let began = Instant::now();
        let (sandbox, _dir) = sandbox(limits);
        let loaded = sandbox.load_skill("x", openanalyst_package::digest(component), component);
        let outcome = loaded.as_ref().err().map_or("ok", |error| error.code());
        assert_eq!(outcome, code, "{what}: {loaded:?}");
        assert!(began.elapsed() < Duration::from_secs(60), "{what} took {:?}", began.elapsed());
        if let Err(error) = loaded {
            assert!(error.to_string().contains("limit"), "{what}: {error}");
        }
        // The next one is served.
        drop(sandbox);
    }
}

/// Enough for seconds of compiling.
fn heavier() -> Vec<u8> {
    let functions: String = (0..1_500)
        .map(|n| {
            let body: String = (0..500)
                .map(|k| {
                    format!(
                        "local.get {} i32.const {} i32.mul local.get {} i32.add local.set {} ",
                        k % 7,
                        n * 61 + k,
                        (k + 3) % 7,
                        (k + 5) % 7
                    )
                })
                .collect();
            format!("(func (export \"f{n}\") (param i32 i32 i32 i32 i32 i32 i32) (result i32) {body} local.get 0)")
        })
        .collect();
    binary(&format!("(component (core module {functions}))"))
}

#[test]
fn a_compiler_that_cannot_be_started_is_no_fault_of_the_component() {
    let dir = tempfile::tempdir().unwrap();
    let compiler =
        ChildCompiler { program: "/no/such/program".into(), arguments: Vec::new(), limits: CompileLimits::default() };
    let options = SandboxOptions {
        compiler: Some(compiler),
        pool_instances: 1,
        ..SandboxOptions::new(dir.path().to_owned(), [7; 32])
    };
    let error =
        Sandbox::new(options).unwrap().load_skill("x", openanalyst_package::digest(COURIER), COURIER).unwrap_err();
    assert_eq!(error.code(), "compiler-unavailable", "{error}");
}

/// A token that ends before its time ends its open socket within 5 s: revoked here, or its key retired by another process.
#[tokio::test(flavor = "multi_thread")]
async fn an_ended_token_ends_its_socket() {
    let data = DataDir::new();
    let (ada, bob, root) = (data.token("acme", "ada"), data.token("acme", "bob"), data.token("acme", "root"));
    let server = Server::start(&data);
    let (mut of_ada, mut of_bob) = (server.hub(&ada).await, server.hub(&bob).await);
    let revoked = server.client(&root).post("/v1/tokens/revoke", &json!({ "user": "ada" })).await;
    assert_eq!(revoked.0, 204, "{revoked:?}");
    let began = Instant::now();
    assert!(of_ada.close_reason().await.starts_with("token-revoked"), "it is revoked, and has not expired");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(server.client(&ada).get("/v1/tasks").await.1["code"], "token-revoked");

    // Bob's is untouched, until the operator retires the key.
    of_bob.send("PING", "s", json!({})).await;
    assert_eq!(of_bob.next().await["type"], "PONG");
    let before: Vec<String> = keys(&data);
    assert!(data.run(&["keys", "rotate"]).status.success());
    let fresh = data.token("acme", "bob");
    assert_eq!(server.client(&bob).get("/v1/tasks").await.0, 200, "two keys are good at once");
    assert_eq!(server.client(&fresh).get("/v1/tasks").await.0, 200, "the server finds the new key by itself");
    let began = Instant::now();
    let retired = data.run(&["keys", "retire", &before[0]]);
    assert!(retired.status.success(), "{retired:?}");
    of_bob.closed().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(server.client(&bob).get("/v1/tasks").await.1["code"], "token-unknown-key");
    assert_eq!(server.client(&fresh).get("/v1/tasks").await.0, 200);
}

fn keys(data: &DataDir) -> Vec<String> {
    let output = data.run(&["keys", "list"]);
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// A key set behind a URL, and a shared secret, as the operator's file names them.
#[tokio::test(flavor = "multi_thread")]
async fn users_come_with_tokens_of_their_own_provider() {
    let data = DataDir::new();
    // The provider's key is another host's: EdDSA, published as a key set.
    let provider = DataDir::with_a_file();
    let theirs = token(&provider, &["--tenant", "acme", "--user", "grace"]);
    let set = key_set(&provider, &theirs);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                set.len()
            );
            let _ = stream.write_all(format!("{head}{set}").as_bytes());
        }
    });
    let secret = data.path().join("hs256");
    std::fs::write(&secret, "0123456789abcdef0123456789abcdef\n").unwrap();
    let file = data.path().join("issuers.toml");
    let text = format!(
        "[[issuer]]\nissuer = \"https://login.example/\"\naudiences = [\"openanalyst\"]\njwks-url = \"{url}\"\ntenants = [\"acme\"]\n\n\
         [[issuer]]\nissuer = \"internal\"\naudiences = [\"us\"]\nsecret-file = \"{}\"\ntenant-claim = \"org\"\ntenants = [\"acme\"]\n",
        secret.display()
    );
    std::fs::write(&file, text).unwrap();
    let server = Server::start_with(&data, &["--issuers-file", file.to_str().unwrap()]);
    let claims = |issuer: &str, audience: &str, claim: &str, tenant: &str| json!({"iss": issuer, "aud": audience, "sub": "grace", claim: tenant, "scope": "requests", "exp": now_s() + 600});
    for (what, token, status, code) in [
        ("its own", signed_by(&provider, &claims("https://login.example/", "openanalyst", "tenant", "acme")), 200, ""),
        (
            "for another tenant",
            signed_by(&provider, &claims("https://login.example/", "openanalyst", "tenant", "other")),
            401,
            "token-wrong-tenant",
        ),
        (
            "for another audience",
            signed_by(&provider, &claims("https://login.example/", "us", "tenant", "acme")),
            401,
            "token-wrong-audience",
        ),
        (
            "as this host",
            signed_by(&provider, &claims("openanalyst", "openanalyst", "tenant", "acme")),
            401,
            "token-unknown-key",
        ),
        ("the provider's own host", theirs.clone(), 401, "token-unknown-key"),
        ("by the secret", hs256(&claims("internal", "us", "org", "acme")), 200, ""),
        (
            "by the secret, with the wrong claim",
            hs256(&claims("internal", "us", "tenant", "acme")),
            401,
            "token-missing-claim",
        ),
        (
            "by the secret, as the provider",
            hs256(&claims("https://login.example/", "openanalyst", "tenant", "acme")),
            401,
            "token-wrong-algorithm",
        ),
    ] {
        let answer = server.client(&token).get("/v1/tasks").await;
        assert_eq!((answer.0, answer.1["code"].as_str().unwrap_or_default()), (status, code), "{what}: {answer:?}");
    }
    let doctor = data.run(&["doctor", "--listen", "127.0.0.1:0", "--issuers-file", file.to_str().unwrap()]);
    let said = String::from_utf8(doctor.stdout).unwrap();
    assert!(said.contains("ok    other issuers") && said.contains("https://login.example/"), "{said}");
}

fn now_s() -> i64 {
    use openanalyst_domain::Clock as _;
    SystemClock.now_ms() / 1_000
}

fn pem_of(data: &DataDir) -> Vec<u8> {
    std::fs::read(data.path().join("keys/signing.pem")).unwrap()
}

fn header_of(token: &str) -> jsonwebtoken::Header {
    jsonwebtoken::decode_header(token).unwrap()
}

fn signed_by(data: &DataDir, claims: &Value) -> String {
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA);
    header.kid = Some(keys(data)[0].clone());
    jsonwebtoken::encode(&header, claims, &jsonwebtoken::EncodingKey::from_ed_pem(&pem_of(data)).unwrap()).unwrap()
}

fn hs256(claims: &Value) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(b"0123456789abcdef0123456789abcdef");
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), claims, &key).unwrap()
}

fn key_set(data: &DataDir, token: &str) -> String {
    use base64::Engine as _;
    use ed25519_dalek::pkcs8::DecodePrivateKey as _;
    let pem = String::from_utf8(pem_of(data)).unwrap();
    let key = ed25519_dalek::SigningKey::from_pkcs8_pem(&pem).unwrap();
    let x = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": header_of(token).kid, "x": x}]}).to_string()
}

/// The database ends under a server and comes back: who asks meanwhile is told when to try again, and nothing that was accepted is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_comes_back() {
    let Some(database) = openanalyst_test_postgres::Server::start() else { return };
    let data = DataDir::on_postgres(database.database());
    let ada = data.token("acme", "ada");
    let server = Server::start(&data);
    let ada = server.client(&ada);
    let before = ada.ask("call me Countess", "s").await;
    assert_eq!(before["status"], "completed", "{before}");
    let (status, open) = ada.post("/v1/requests?wait=0", &json!({"content": "hello", "sessionId": "s"})).await;
    assert!(status == 202 || status == 200, "{open}");

    database.stop().unwrap();
    for (method, path, body) in [
        ("get", "/v1/tasks", None),
        ("get", "/v1/me/context", None),
        ("get", "/v1/skills", None),
        ("post", "/v1/requests?wait=5", Some(json!({"content": "hello"}))),
        ("put", "/v1/me/memory/x", Some(json!({"value": 1}))),
    ] {
        let (status, problem) = ada.call(method, path, body.as_ref()).await;
        assert_eq!(status, 503, "{method} {path}: {problem}");
        assert!(problem["retryAfterMs"].as_u64().is_some_and(|ms| ms > 0), "{method} {path}: {problem}");
    }
    let (status, ready) = ada.get("/ready").await;
    assert_eq!(status, 503, "{ready}");

    database.resume().unwrap();
    let after = ada.ask("what is my name?", "s").await;
    assert_eq!(after["status"], "completed", "{after}");
    assert!(after["content"].as_str().unwrap().contains("Countess"), "{after}");
    let id = open["taskId"].as_str().unwrap();
    let ended = ada.events(id).await;
    assert_eq!(ended.last().unwrap()["kind"], "completed", "what was accepted has its end: {ended:?}");
    assert_eq!(ada.get(&format!("/v1/tasks/{id}")).await.1["status"], "completed");
}

/// Two hosts with data directories of their own share a database: what one of them left open the other takes up, and a task is never run by both.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_left_open_another_takes_up() {
    let Some(database) = openanalyst_test_postgres::shared() else { return };
    let url = database.database();
    let (first, second) = (DataDir::on_postgres(url.clone()), DataDir::on_postgres(url));
    let (one, two) = (Server::start(&first), Server::start(&second));
    let ada = one.client(&first.token("acme", "ada"));
    let (status, task) =
        ada.post("/v1/requests?wait=0", &json!({"content": crate::support::POST_AND_SCHEDULE, "sessionId": "s"})).await;
    assert!(status == 202 || status == 200, "{task}");
    let id = task["taskId"].as_str().unwrap();
    ada.each_event(id, 0, |event| event["seq"].as_u64().unwrap() < 4).await;
    one.kill();
    let events = two.client(&second.token("acme", "ada")).events(id).await;
    crate::support::assert_gapless(&events);
    let found = crate::support::kinds(&events);
    assert_eq!(found.last(), Some(&"completed"), "{found:?}");
    assert_eq!(found.iter().filter(|kind| **kind == "job-started").count(), 2, "{found:?}");
    // A visitor of another directory is welcome too, and what runs through it is cancelled through the other.
    assert!(first.run(&["ask", "hello"]).status.success());
}

/// Bundled skills hold grants like any other: what a tenant takes away is gone for that tenant, and comes back with the grant.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundled_skill_does_no_more_than_it_is_granted() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let ada = server.client(&data.token("acme", "ada"));
    let (_, before) = ada.get("/v1/skills/social-media/grants").await;
    assert_eq!(before["granted"], before["requested"], "it begins with what it asks for: {before}");
    let (status, none) = ada.put("/v1/skills/social-media/grants", &json!({})).await;
    assert_eq!((status, &none["effective"]["windmill"]), (200, &json!([])), "{none}");
    let task = ada.ask(crate::support::POST_AND_SCHEDULE, "s").await;
    assert_eq!((&task["status"], &task["error"]["code"]), (&json!("failed"), &json!("denied")), "{task}");
    let message = task["error"]["message"].as_str().unwrap();
    assert!(message.contains("windmill") && message.contains("administrator"), "{message}");
    let other = server.client(&data.token("other", "ada"));
    assert_eq!(other.ask(crate::support::POST_AND_SCHEDULE, "s").await["status"], "completed");
    assert_eq!(ada.put("/v1/skills/social-media/grants", &before["requested"]).await.0, 200);
    assert_eq!(ada.ask(crate::support::POST_AND_SCHEDULE, "s").await["status"], "completed");
}

/// A skill from a folder to its removal, by the command line, on this machine's data and through a server.
#[tokio::test(flavor = "multi_thread")]
async fn a_skill_is_managed_by_the_command_line() {
    let data = DataDir::new();
    let folder = data.path().join("courier");
    std::fs::create_dir(&folder).unwrap();
    let skill_md = |version: &str| {
        format!(
            "---\nname: courier\ndescription: Carries things.\nversion: {version}\ntriggers: [courier]\ncapabilities:\n  http: [\"api.test\"]\n  memory: user\n  secrets: [\"api-key\"]\n---\n"
        )
    };
    std::fs::write(folder.join("skill.wasm"), COURIER).unwrap();
    let key = data.path().join("publisher.pem");
    let run = |arguments: &[&str]| {
        let output = data.run(&[&["skill"], arguments].concat());
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap(), text)
    };
    let mut files = Vec::new();
    for version in ["1.0.0", "1.1.0"] {
        std::fs::write(folder.join("SKILL.md"), skill_md(version)).unwrap();
        assert_eq!(run(&["check", folder.to_str().unwrap()]).0, 0);
        let file = data.path().join(format!("courier-{version}.skill"));
        let (code, said) =
            run(&["pack", folder.to_str().unwrap(), "--out", file.to_str().unwrap(), "--key", key.to_str().unwrap()]);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("signed by ed25519:") && said.contains("sha256:"), "{said}");
        files.push(file);
    }
    let server = Server::start(&data);
    let admin = data.token("demo", "demo");
    let url = format!("http://{}", server.address);
    for place in [vec![], vec!["--server", url.as_str(), "--token", admin.as_str()]] {
        let at = |arguments: &[&str]| run(&[arguments, place.as_slice()].concat());
        let (code, said) =
            at(&["install", files[0].to_str().unwrap(), "--grant", "memory=user", "--grant", "http=api.test"]);
        assert_eq!(code, 0, "{said}");
        let (code, said) = at(&["install", files[1].to_str().unwrap(), "--no-activate"]);
        assert_eq!(code, 0, "{said}");
        let (_, said) = at(&["list"]);
        assert!(said.contains("courier") && said.contains("social-media"), "{said}");
        let (_, said) = at(&["show", "courier"]);
        assert!(said.contains("1.0.0") && said.contains("1.1.0") && said.contains("api.test"), "{said}");
        let answer = server.client(&admin).ask(&format!("courier {}", json!({"do": "say", "text": "hi"})), "s").await;
        assert_eq!(
            (answer["content"].as_str(), answer["metadata"]["skillVersion"].as_str()),
            (Some("\"hi\""), Some("1.0.0")),
            "{answer}"
        );
        assert_eq!(at(&["activate", "courier", "1.1.0"]).0, 0);
        let (_, said) = at(&["logs", "courier"]);
        assert!(said.contains("hi"), "{said}");
        assert_eq!(at(&["activate", "courier", "1.0.0"]).0, 0, "the same command rolls back");
        assert_eq!(at(&["grant", "courier", "--grant", "memory=user"]).0, 0);
        assert_eq!(at(&["disable", "courier"]).0, 0);
        assert_eq!(at(&["remove", "courier"]).0, 0);
        let (code, said) = at(&["show", "courier"]);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("there is no skill `courier`"), "{said}");
        for wrong in [
            vec!["activate", "core", "9.9.9"],
            vec!["remove", "core"],
            vec!["install", "/no/such.skill"],
            vec!["grant", "core", "--grant", "fly=high"],
        ] {
            let (code, said) = at(&wrong);
            assert!(code == 1 || code == 2, "{wrong:?}: {said}");
            assert!(said.contains("openanalyst: "), "{wrong:?}: {said}");
        }
    }
    let verified = data.run(&["audit", "verify"]);
    assert!(verified.status.success(), "{verified:?}");
}

/// The program in a folder, with nothing said about where its data is.
fn in_folder(folder: &std::path::Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_openanalyst"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OPENANALYST_")) {
        command.env_remove(name);
    }
    let output = command.args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The README's path in the skill's own folder, twice: the data of the host that it starts there, the
/// package before, and the key that signs stay out of the next package.
#[test]
fn a_skill_is_packed_in_the_folder_where_its_author_works_and_nothing_secret_goes_along() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let skill_md = |version: &str| {
        format!(
            "---\nname: Hello\ndescription: Says hello back.\nversion: {version}\ntriggers: [say hello back]\n---\n"
        )
    };
    std::fs::write(folder.join("skill.wasm"), COURIER).unwrap();
    for (round, version) in ["0.1.0", "0.2.0"].into_iter().enumerate() {
        std::fs::write(folder.join("SKILL.md"), skill_md(version)).unwrap();
        let (code, said, errors) = in_folder(folder, &["skill", "check", "."]);
        assert_eq!(code, 0, "{said}{errors}");
        if round == 0 {
            assert_eq!(names(folder), ["SKILL.md", "skill.wasm"], "a check leaves nothing");
        }
        let (code, said, errors) = in_folder(folder, &["skill", "pack", ".", "--key", "publisher.key"]);
        assert_eq!(code, 0, "{said}{errors}");
        assert!(said.contains("SKILL.md ") && said.contains("skill.wasm "), "{said}");
        assert!(round == 0 || errors.contains("left out: data"), "{errors}");
        let file = format!("hello-{version}.skill");
        let package = std::fs::read(folder.join(&file)).unwrap();
        let package =
            openanalyst_package::read_archive(&package, &openanalyst_package::ArchiveLimits::default()).unwrap();
        let files: Vec<&str> = package.files.keys().map(String::as_str).collect();
        assert_eq!(files, ["SKILL.md", "signature.json"], "round {round}");
        let (code, said, errors) = in_folder(folder, &["skill", "install", &file]);
        assert_eq!(code, 0, "{said}{errors}");
        assert!(folder.join("data/keys").is_dir());
    }
    // What the rules do not know by its name, its content tells.
    let key = std::fs::read_to_string(folder.join("publisher.key")).unwrap();
    std::fs::write(folder.join("notes.txt"), &key).unwrap();
    std::fs::write(folder.join("SKILL.md"), skill_md("0.3.0")).unwrap();
    for command in [["skill", "pack", "."], ["skill", "check", "."]] {
        let (code, said, errors) = in_folder(folder, &command);
        assert_ne!(code, 0, "{command:?}: {said}");
        assert!(errors.contains("notes.txt") && errors.contains("private-key"), "{command:?}: {errors}");
        assert!(!errors.contains(key.lines().nth(1).unwrap()), "the key itself is not shown");
    }
    assert!(!folder.join("hello-0.3.0.skill").exists());
}

/// A component that no host could run: the check of the folder, the check of the package and the
/// installation say the same, and name the interface.
#[test]
fn a_check_of_a_folder_and_of_a_package_says_what_the_installation_says() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    std::fs::write(folder.join("SKILL.md"), "---\nname: seer\ndescription: Sees.\n---\n").unwrap();
    let component = binary("(component (import \"wasi:nn/graph@0.2.0\" (instance)))");
    std::fs::write(folder.join("skill.wasm"), component).unwrap();
    let (code, said, errors) = in_folder(folder, &["skill", "pack", "."]);
    assert_eq!(code, 0, "{said}{errors}");
    let finding = |errors: &str| {
        let lines = errors.lines().filter(|line| line.contains("[unknown-import]"));
        lines.map(|line| line.trim_start_matches("error: ").to_owned()).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for command in
        [["skill", "check", "."], ["skill", "check", "seer-0.1.0.skill"], ["skill", "install", "seer-0.1.0.skill"]]
    {
        let (code, said, errors) = in_folder(folder, &command);
        assert_eq!(code, 1, "{command:?}: {said}{errors}");
        found.push(finding(&errors));
    }
    assert!(found[0].len() == 1 && found[0][0].contains("wasi:nn/graph"), "{found:?}");
    assert_eq!((&found[1], &found[2]), (&found[0], &found[0]));
}

/// A package that somebody zipped by hand meets the same rules as a folder.
#[test]
fn a_package_made_by_hand_with_private_data_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    for (path, content, code) in [
        ("notes.bin", &b"SQLite format 3\0rest"[..], "[private-data]"),
        (".git-credentials", b"https://me:x@host", "[secret-file]"),
        ("conf/app.txt", b"DB_PASSWORD=hunter2", "[secret-in-package]"),
    ] {
        let skill_md = b"---\nname: seer\ndescription: Sees.\n---\n".to_vec();
        let files = [("SKILL.md".to_owned(), skill_md), (path.to_owned(), content.to_vec())];
        std::fs::write(folder.join("x.skill"), openanalyst_package::write_archive(&files.into()).unwrap()).unwrap();
        for command in [["skill", "check", "x.skill"], ["skill", "install", "x.skill"]] {
            let (status, said, errors) = in_folder(folder, &command);
            assert_eq!(status, 1, "{command:?}: {said}{errors}");
            assert!(errors.contains(path) && errors.contains(code), "{command:?}: {errors}");
            assert!(!errors.contains("hunter2"), "the secret itself is not shown");
        }
    }
}

/// Commands that read make no data directory: they say where they looked, and how to name another.
#[test]
fn reading_commands_leave_an_empty_folder_empty() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().canonicalize().unwrap().join("data");
    for command in [
        vec!["skill", "list"],
        vec!["skill", "show", "core"],
        vec!["skill", "logs", "core"],
        vec!["skill", "grant", "core"],
        vec!["token", "--tenant", "a", "--user", "b"],
        vec!["keys", "list"],
        vec!["audit", "verify"],
        vec!["usage"],
        vec!["route", "hello"],
        vec!["user", "delete", "ada", "--yes"],
        vec!["tenant", "delete", "acme", "--yes"],
        vec!["task", "export", "018f2f00-0000-7000-8000-000000000000"],
        vec!["history", "export", "out"],
        vec!["backup", "copy"],
    ] {
        let (code, said, errors) = in_folder(dir.path(), &command);
        assert_eq!(code, 2, "{command:?}: {said}{errors}");
        assert!(errors.contains(place.to_str().unwrap()) && errors.contains("--data-dir"), "{command:?}: {errors}");
        assert_eq!(names(dir.path()), Vec::<String>::new(), "{command:?}");
    }
    let cache = DataDir::cache();
    let doctor = ["doctor", "--listen", "127.0.0.1:0", "--cache-dir", cache.to_str().unwrap()];
    let (_, said, _) = in_folder(dir.path(), &doctor);
    assert!(said.contains("there is no data directory"), "{said}");
    assert_eq!(names(dir.path()), Vec::<String>::new());
}
