//! Another user of the same tenant, and a user of another tenant of the same name, see nothing of what is not theirs.

use serde_json::json;

use crate::request::{open_store, owner};
use crate::support::{DataDir, POST_AND_SCHEDULE, Server};

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_what_is_somebody_elses() {
    let data = DataDir::new();
    let ada = data.token("acme", "ada");
    let server = Server::start(&data);
    let ada = server.client(&ada);
    ada.ask("call me Countess", "shared-session").await;
    let task = ada.ask(POST_AND_SCHEDULE, "shared-session").await;
    assert_eq!(task["status"], "completed", "{task}");
    let id = task["taskId"].as_str().unwrap();

    for (tenant, user) in [("acme", "bob"), ("other", "ada")] {
        let token = data.token(tenant, user);
        let stranger = server.client(&token);
        let unknown = stranger.get(&format!("/v1/tasks/{}", uuid::Uuid::now_v7())).await;
        for path in [format!("/v1/tasks/{id}"), format!("/v1/tasks/{id}/events")] {
            let (status, problem) = stranger.get(&path).await;
            assert_eq!((status, &problem["code"]), (unknown.0, &unknown.1["code"]), "{tenant}/{user} {path}");
        }
        let (status, _) = stranger.post(&format!("/v1/tasks/{id}/cancel"), &json!({})).await;
        assert_eq!(status, 404);
        let (status, _) = stranger.post(&format!("/v1/tasks/{id}/answers"), &json!({"answers": [{"text": "x"}]})).await;
        assert_eq!(status, 404);
        let (status, list) = stranger.get("/v1/tasks").await;
        assert_eq!((status, list["tasks"].as_array().unwrap().len()), (200, 0));

        // The session of the same name is another session: there is no post to reschedule in it, and no preference.
        let greeted = stranger.ask("hello", "shared-session").await;
        assert!(!greeted["content"].as_str().unwrap().contains("Countess"), "{greeted}");
        let moved = stranger.ask("schedule it for Friday instead", "shared-session").await;
        assert!(!moved.to_string().contains("AI trends"), "{moved}");

        // Nor does a socket hear of it, or replay it.
        let mut hub = server.hub(&token).await;
        hub.send("RESUME", "shared-session", json!({"taskId": id, "after": 0})).await;
        let refused = hub.next().await;
        assert_eq!((&refused["type"], &refused["payload"]["code"]), (&json!("TASK_ERROR"), &json!("task-not-found")));
        hub.send("TASK_CANCEL", "shared-session", json!({"taskId": id})).await;
        assert_eq!(hub.next().await["payload"]["code"], "task-not-found");
    }

    let store = open_store(&data).await;
    for (tenant, user) in [("acme", "bob"), ("other", "ada")] {
        let stranger = owner(tenant, user);
        let memory = openanalyst_store::memory::MemoryOwner::User(stranger.clone());
        assert!(store.list_memory(&memory, "", None, 10, 0).await.unwrap().is_empty());
        assert!(store.jobs(&stranger, "", None, 10).await.unwrap().rows.is_empty());
        assert!(store.task_events(&stranger, id.parse().unwrap(), 0, 10).await.unwrap().is_empty());
        assert!(store.task(&stranger, id.parse().unwrap()).await.unwrap().is_none());
    }
}
