//! The rules of the WebSocket hub, against the real host.

use serde_json::json;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{DataDir, POST_AND_SCHEDULE, Server, assert_gapless};

#[tokio::test(flavor = "multi_thread")]
async fn broken_messages_are_answered_and_the_connection_stays() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let mut hub = server.hub(&data.token("acme", "ada")).await;
    let broken = [
        "no json".to_owned(),
        "[]".to_owned(),
        json!({"type": "FROBNICATE", "sessionId": "s", "payload": {}, "messageId": "m", "timestamp": 0}).to_string(),
        json!({"type": "USER_REQUEST", "sessionId": "s", "payload": {"text": 1}, "messageId": "m", "timestamp": 0})
            .to_string(),
        json!({"type": "RESUME", "sessionId": "s", "payload": {"taskId": "x"}, "messageId": "m", "timestamp": 0})
            .to_string(),
    ];
    for text in broken {
        hub.send_text(&text).await;
        let answer = hub.next().await;
        assert_eq!(
            (&answer["type"], &answer["payload"]["code"]),
            (&json!("TASK_ERROR"), &json!("invalid-message")),
            "{text}"
        );
    }
    let ping = hub.send("PING", "s", json!({})).await;
    let pong = hub.next().await;
    assert_eq!((&pong["type"], &pong["correlationId"]), (&json!("PONG"), &json!(ping)));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_a_message_closes_with_1009() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let mut hub = server.hub(&data.token("acme", "ada")).await;
    hub.send_raw(Message::text("x".repeat((256 << 10) + 1))).await;
    assert_eq!(hub.close_code().await, 1009);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_token_of_ours_and_a_page_of_ours_come_in() {
    let data = DataDir::new();
    let token = data.token("acme", "ada");
    let bearer = format!("Bearer {token}");
    let protocols = format!("openanalyst.v1, bearer.{token}");
    let server = Server::start(&data);
    let refused = async |headers: &[(&'static str, &str)]| match server.try_hub(headers).await {
        Err(WsError::Http(answer)) => answer.status().as_u16(),
        Err(other) => panic!("{other}"),
        Ok(_) => 101,
    };
    assert_eq!(refused(&[]).await, 401);
    assert_eq!(refused(&[("authorization", "Bearer x.y.z")]).await, 401);
    assert_eq!(refused(&[("authorization", &bearer), ("origin", "https://evil.example")]).await, 403);
    let own = format!("http://{}", server.address);
    assert_eq!(refused(&[("authorization", &bearer), ("origin", &own)]).await, 101);
    assert_eq!(refused(&[("sec-websocket-protocol", &protocols)]).await, 101);
}

#[tokio::test(flavor = "multi_thread")]
async fn resume_replays_without_a_gap() {
    let data = DataDir::new();
    let token = data.token("acme", "ada");
    let server = Server::start(&data);
    let client = server.client(&token);
    let task = client.ask(POST_AND_SCHEDULE, "s").await;
    let id = task["taskId"].as_str().unwrap();
    assert_gapless(&client.events(id).await);

    let mut hub = server.hub(&token).await;
    hub.send("RESUME", "s", json!({"taskId": id, "after": 0})).await;
    let all = hub.until("TASK_COMPLETE").await;
    let seq = |messages: &[serde_json::Value]| -> Vec<u64> {
        messages.iter().filter_map(|message| message["payload"]["seq"].as_u64()).collect()
    };
    let numbers = seq(&all);
    assert!(numbers.is_sorted() && numbers.len() >= 5, "{numbers:?}");
    hub.send("RESUME", "s", json!({"taskId": id, "after": numbers[2]})).await;
    let rest = hub.until("TASK_COMPLETE").await;
    assert_eq!(seq(&rest), numbers[3..], "exactly what came after");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_asks_is_answered_over_the_socket() {
    let data = DataDir::new();
    let server = Server::start(&data);
    let mut hub = server.hub(&data.token("acme", "ada")).await;
    hub.send("USER_REQUEST", "s", json!({"content": "Create a post about AI trends"})).await;
    let asked = hub.until("ASSISTANT_RESPONSE").await.pop().unwrap();
    assert!(!asked["payload"]["questions"].as_array().unwrap().is_empty(), "{asked}");
    let id = asked["payload"]["taskId"].as_str().unwrap().to_owned();
    hub.until("TASK_COMPLETE").await;
    hub.send("USER_REQUEST", "s", json!({"content": "Twitter", "taskId": id})).await;
    let messages = hub.until("TASK_COMPLETE").await;
    let complete = messages.last().unwrap();
    assert_eq!(complete["payload"]["taskId"], json!(id));
    assert_eq!(complete["payload"]["status"], "completed", "{messages:?}");
}
