//! Deleting users and tenants from the command line, also where it was interrupted.

use openanalyst_domain::Owner;
use openanalyst_store::Store;
use openanalyst_store::deletion::Subject;
use serde_json::json;

use crate::support::{Client, DataDir, PATIENCE, Server};

/// Without a component: other tests share the cache of compiled ones.
fn package() -> Vec<u8> {
    let skill_md =
        "---\nname: courier\ndescription: Carries things.\nversion: 1.0.0\ntriggers: [courier]\n---\nIt carries.\n";
    let files = [("SKILL.md".to_owned(), skill_md.as_bytes().to_vec())];
    openanalyst_package::write_archive(&files.into()).unwrap()
}

fn owner(tenant: &str, user: &str) -> Owner {
    Owner::new(tenant.try_into().unwrap(), user.try_into().unwrap())
}

async fn use_it(client: &Client) {
    assert_eq!(client.ask("hello", "s").await["status"], "completed");
    assert_eq!(client.put("/v1/me/memory/a", &json!({ "value": "b" })).await.0, 200);
}

fn packages(data: &DataDir) -> usize {
    let folders = std::fs::read_dir(data.path().join("packages")).unwrap();
    folders.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_and_then_the_tenant_are_deleted_while_the_host_serves() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let (ada, bob) = (server.client(&data.token("acme", "ada")), server.client(&data.token("acme", "bob")));
    use_it(&ada).await;
    use_it(&bob).await;
    assert_eq!(ada.put_bytes("POST", "/v1/skills", package()).await.0, 201);
    assert_eq!(packages(&data), 1);

    let unconfirmed = data.run(&["user", "delete", "ada", "--tenant", "acme"]);
    assert_eq!(unconfirmed.status.code(), Some(2), "{unconfirmed:?}");
    let deleted = data.run(&["user", "delete", "ada", "--tenant", "acme", "--yes"]);
    assert!(deleted.status.success(), "{deleted:?}");
    let store = Store::open(&data.record()).await.unwrap();
    assert!(store.tasks(&owner("acme", "ada"), None, None, 10).await.unwrap().rows.is_empty());
    assert_eq!(bob.get("/v1/tasks").await.1["tasks"].as_array().unwrap().len(), 1);
    let refused = async {
        // The server reads within seconds that the tokens have ended.
        while ada.get("/v1/tasks").await.0 != 401 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.expect("the token ends in time");
    assert_eq!(bob.get("/v1/skills/courier").await.0, 200, "a skill belongs to the tenant");

    let deleted = data.run(&["tenant", "delete", "acme", "--yes"]);
    assert!(deleted.status.success(), "{deleted:?}");
    assert!(store.tasks(&owner("acme", "bob"), None, None, 10).await.unwrap().rows.is_empty());
    assert!(store.stored_by_tenant(&"acme".try_into().unwrap()).await.unwrap().values().all(|kept| kept.bytes == 0));
    assert_eq!(packages(&data), 0, "the package goes with the last tenant that has it");
    store.close().await;
    let audit = data.run(&["audit", "verify", "--tenant", "acme"]);
    assert!(audit.status.success(), "the audit log stays, and its chain holds: {audit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_a_process_did_not_end_is_ended_by_the_next_one() {
    let data = DataDir::new();
    let server = Server::start(&data);
    use_it(&server.client(&data.token("acme", "ada"))).await;
    server.kill();
    let store = Store::open(&data.record()).await.unwrap();
    let ada = owner("acme", "ada");
    // As a process leaves it that is killed right after it has taken the order.
    store.request_deletion(&Subject::User(ada.clone()), "operator", "local", 1).await.unwrap();
    let server = Server::start(&data);
    let ended = async {
        while store.is_deleting(&ada).await.unwrap() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("the deletion ends in time");
    assert!(store.tasks(&ada, None, None, 10).await.unwrap().rows.is_empty());
    assert_eq!(store.stored_by_user(&ada).await.unwrap().values().map(|kept| kept.bytes).sum::<i64>(), 0);
    store.close().await;
    drop(server);
}

#[test]
fn usage_is_shown_on_the_command_line() {
    let data = DataDir::new();
    assert!(data.run(&["ask", "hello", "--tenant", "acme", "--user", "ada"]).status.success());
    let shown = data.run(&["usage", "--tenant", "acme", "--json"]);
    assert!(shown.status.success(), "{shown:?}");
    let usage: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(usage["kinds"]["history"]["entries"], 1);
    assert!(usage["days"][0]["invocations"].as_i64().unwrap() > 0, "{usage}");
    let wrong = data.run(&["--quota-user", "history=much", "usage"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("--quota-user `history=much`"), "{wrong:?}");
}
