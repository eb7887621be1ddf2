//! The WebSocket hub: handshake, frames, limits, and the course of a connection.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::StreamExt as _;
use openanalyst_domain::EventKind;
use openanalyst_identity::Scope;
use openanalyst_server::ServerLimits;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::support::client::{Hub, call};
use crate::support::{Edge, TTL, code, owner};

const MANY: NonZeroU32 = NonZeroU32::MAX;

fn types(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_handshake_lets_in_whom_it_should() {
    let edge = Edge::start_with(|options| options.allowed_origins = vec!["https://app.example.com".to_owned()]).await;
    let token = edge.token("ada");
    let bearer = format!("Bearer {token}");
    let protocols = format!("openanalyst.v1, bearer.{token}");
    let own = format!("http://{}", edge.address);
    let auth = ("authorization", bearer.as_str());
    let weak = format!("Bearer {}", edge.token_for("ada", &[Scope::SkillsRead]));
    let in_url = format!("/v1/ws?access_token={token}");
    type Headers<'a> = &'a [(&'static str, &'a str)];
    let table: [(&str, Headers<'_>, u16, &str); 9] = [
        ("/v1/ws", &[], 401, "token-missing"),
        ("/v1/ws", &[("authorization", "Bearer x.y.z")], 401, "token-malformed"),
        ("/v1/ws", &[auth, ("sec-websocket-protocol", &protocols)], 401, "token-malformed"),
        ("/v1/ws", &[("authorization", &weak)], 403, "missing-scope"),
        ("/v1/ws", &[auth, ("origin", "https://evil.example")], 403, "foreign-origin"),
        ("/v1/ws", &[auth, ("origin", "null")], 403, "foreign-origin"),
        ("/v1/ws", &[auth, ("sec-websocket-protocol", "other.v1")], 400, "unsupported-subprotocol"),
        (&in_url, &[], 400, "token-in-url"),
        (&in_url, &[auth], 400, "token-in-url"),
    ];
    for (path, headers, status, expected) in table {
        let refused = edge.refused_hub(path, headers).await;
        assert_eq!(code(&refused), (status, expected), "{headers:?}");
        assert!(!refused.1.to_string().contains(&token));
    }
    for headers in [&[auth] as &[_], &[auth, ("origin", &own)], &[auth, ("origin", "https://app.example.com")]] {
        assert_eq!(edge.try_hub("/v1/ws", headers).await.unwrap().protocol, None);
    }
    let hub = edge.try_hub("/v1/ws", &[("sec-websocket-protocol", &protocols), ("origin", &own)]).await.unwrap();
    assert_eq!(hub.protocol.as_deref(), Some("openanalyst.v1"), "the token is not sent back");
    let plain = call(edge.get("/v1/ws", &token)).await;
    assert_eq!(plain.1["code"], "not-a-websocket-handshake", "{plain:?}");
}

#[tokio::test]
async fn what_cannot_be_understood_is_answered_and_the_connection_stays() {
    let edge = Edge::start().await;
    let mut hub = edge.hub("ada").await;
    let broken = [
        Message::text("no json"),
        Message::text("[]"),
        Message::text(json!({"type": "FROBNICATE", "payload": {}, "messageId": "m"}).to_string()),
        Message::text(json!({"type": "USER_REQUEST", "payload": {"text": 1}}).to_string()),
        Message::text(json!({"type": "RESUME", "payload": {"taskId": "x"}}).to_string()),
        Message::text("x".repeat(256 << 10)),
        Message::binary(vec![1, 2, 3]),
    ];
    for message in broken {
        hub.send_raw(message.clone()).await;
        let answer = hub.next().await;
        assert_eq!((&answer["type"], &answer["payload"]["code"]), (&json!("TASK_ERROR"), &json!("invalid-message")));
        assert_eq!(answer["userId"], "ada");
    }
    hub.send_as("m1", "PING", json!({})).await;
    let pong = hub.next().await;
    assert_eq!(
        (&pong["type"], &pong["correlationId"], &pong["sessionId"]),
        (&json!("PONG"), &json!("m1"), &json!("s"))
    );
}

#[tokio::test]
async fn frames_that_break_the_rules_close_with_their_code() {
    let edge = Edge::start().await;
    let text = |bytes: &[u8]| Message::Frame(Frame::message(bytes.to_vec(), OpCode::Data(Data::Text), true));
    let reserved = {
        let mut frame = Frame::message(b"x".to_vec(), OpCode::Data(Data::Text), true);
        frame.header_mut().rsv1 = true;
        Message::Frame(frame)
    };
    for (frame, expected) in [
        (text(b"\xff\xfe"), 1007),
        (Message::text("x".repeat((256 << 10) + 1)), 1009),
        (Message::binary(vec![0; (256 << 10) + 1]), 1009),
        (Message::text("x".repeat(1 << 20)), 1009),
        (reserved, 1002),
    ] {
        let mut hub = edge.hub("ada").await;
        hub.send_raw(frame).await;
        assert_eq!(hub.close().await.0, expected);
    }
}

#[tokio::test]
async fn a_flood_is_refused_and_then_closed() {
    let three = NonZeroU32::new(3).unwrap();
    let edge = Edge::start_with(|options| {
        options.limits = ServerLimits {
            ws_messages_per_second: NonZeroU32::MIN,
            ws_messages_burst: three,
            ws_refusals: three,
            ..ServerLimits::default()
        };
    })
    .await;
    let mut hub = edge.hub("ada").await;
    for _ in 0..50 {
        hub.send("PING", json!({})).await;
    }
    let (closed, said) = hub.close().await;
    assert_eq!(closed, 1008);
    let refused = said.iter().filter(|message| message["payload"]["code"] == "rate-limited").count();
    assert!((1..=3).contains(&refused), "{said:?}");
    assert!(said.iter().any(|message| message["type"] == "PONG"));
}

#[tokio::test]
async fn an_expired_token_closes_its_connection() {
    let edge = Edge::start().await;
    let mut hub = edge.hub("ada").await;
    hub.send("PING", json!({})).await;
    hub.next().await;
    edge.clock.advance(TTL);
    assert_eq!(hub.close().await.0, 1008);
}

#[tokio::test]
async fn a_silent_client_is_let_go() {
    let edge = Edge::start_with(|options| {
        options.limits.ws_idle_timeout = Duration::from_millis(50);
        options.limits.ws_ping_interval = Duration::from_secs(3_600);
    })
    .await;
    assert_eq!(edge.hub("ada").await.close().await.0, 1001);
}

#[tokio::test]
async fn a_slow_reader_is_closed_and_misses_nothing_afterwards() {
    // Small buffers on both sides, so that a reader that rests is noticed soon.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(4 << 10).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener: TcpListener = socket.listen(16).unwrap();
    let edge = Edge::start_on(listener, |options| {
        options.limits = ServerLimits {
            ws_queue: 4,
            ws_slow_reader: Duration::from_millis(50),
            ws_close_timeout: Duration::from_millis(50),
            connections_per_user: 1,
            requests_burst: MANY,
            ..ServerLimits::default()
        };
    })
    .await;
    let task = edge.open_task("ada").await;
    for _ in 0..20 {
        edge.happens("ada", task, &[EventKind::StepStarted; 100]).await;
    }
    let client = TcpSocket::new_v4().unwrap();
    client.set_recv_buffer_size(4 << 10).unwrap();
    let stream = client.connect(edge.address).await.unwrap();
    let token = format!("Bearer {}", edge.token("ada"));
    let mut slow = edge.hub_over(stream, "/v1/ws", &[("authorization", &token)]).await.unwrap();
    slow.send("RESUME", json!({"taskId": task, "after": 0})).await;
    let mut again = connected_once_there_is_room(&edge).await;

    let mut last = 1;
    while let Some(Ok(Message::Text(text))) = slow.socket.next().await {
        let message: Value = serde_json::from_str(&text).unwrap();
        last = message["payload"]["seq"].as_i64().unwrap();
    }
    assert!(last < 2_001, "it was cut off");
    edge.happens("ada", task, &[EventKind::Completed]).await;
    again.send("RESUME", json!({"taskId": task, "after": last})).await;
    let messages = again.until("TASK_COMPLETE").await;
    let rest: Vec<i64> = messages.iter().map(|message| message["payload"]["seq"].as_i64().unwrap()).collect();
    assert_eq!(rest, (last + 1..=2_002).collect::<Vec<_>>(), "without a gap");
}

/// Tries to connect until the user's earlier connection is gone.
async fn connected_once_there_is_room(edge: &Edge) -> Hub {
    let token = format!("Bearer {}", edge.token("ada"));
    let connected = async {
        loop {
            match edge.try_hub("/v1/ws", &[("authorization", &token)]).await {
                Ok(hub) => return hub,
                Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), 429),
                Err(other) => panic!("{other}"),
            }
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, connected).await.expect("the place becomes free")
}

#[tokio::test]
async fn a_users_connections_are_counted() {
    let edge = Edge::start_with(|options| {
        options.limits.connections_per_user = 1;
        options.limits.requests_burst = MANY;
    })
    .await;
    let mut first = edge.hub("ada").await;
    let token = format!("Bearer {}", edge.token("ada"));
    let refused = edge.refused_hub("/v1/ws", &[("authorization", &token)]).await;
    assert_eq!(code(&refused), (429, "too-many-connections"));
    edge.hub("bob").await;
    first.socket.close(None).await.unwrap();
    drop(first);
    connected_once_there_is_room(&edge).await;
}

#[tokio::test]
async fn a_request_is_told_from_typing_to_its_end_and_sent_again_it_is_the_same() {
    let edge = Edge::start().await;
    let mut hub = edge.hub("ada").await;
    hub.send_as("m1", "USER_REQUEST", json!({"content": "hello"})).await;
    let messages = hub.until("TASK_COMPLETE").await;
    // Without skills every request fails.
    assert_eq!(types(&messages), ["ASSISTANT_TYPING", "TASK_ERROR", "TASK_COMPLETE"]);
    for message in &messages {
        assert_eq!((&message["correlationId"], &message["sessionId"]), (&json!("m1"), &json!("s")), "{message}");
        assert_eq!(message["userId"], "ada");
        assert!(message["messageId"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    }
    let complete = &messages[2]["payload"];
    assert_eq!(complete["status"], "failed");
    assert!(complete["receipt"]["durationMs"].is_i64(), "{complete}");
    let task = &messages[0]["payload"]["taskId"];

    let mut again = edge.hub("ada").await;
    again.send_as("m1", "USER_REQUEST", json!({"content": "hello"})).await;
    let repeated = again.until("TASK_COMPLETE").await;
    assert_eq!((&repeated[0]["payload"]["taskId"], types(&repeated)), (task, types(&messages)));
    again.send_as("m1", "USER_REQUEST", json!({"content": "something else"})).await;
    assert_eq!(again.next().await["payload"]["code"], "idempotency-key-reused");

    let over_http = edge.post("/v1/requests", &edge.token("ada"), &json!({"content": "hello", "sessionId": "s"}));
    let (_, other) = call(over_http.header("idempotency-key", "m1")).await;
    assert_ne!(&other["taskId"], task, "the keys of HTTP and hub never meet");
}

#[tokio::test]
async fn resume_replays_and_then_follows() {
    let edge = Edge::start().await;
    let task = edge.open_task("ada").await;
    edge.happens("ada", task, &[EventKind::StepStarted, EventKind::Evaluated]).await;
    let mut hub = edge.hub("ada").await;
    hub.send_as("r1", "RESUME", json!({"taskId": task, "after": 2})).await;
    let first = hub.next().await;
    assert_eq!((&first["type"], &first["payload"]["seq"]), (&json!("TASK_PROGRESS"), &json!(3)));
    assert_eq!(first["correlationId"], "c-of-the-task", "the one of the task, throughout");
    edge.happens("ada", task, &[EventKind::Replied, EventKind::Recorded, EventKind::Completed]).await;
    let rest = hub.until("TASK_COMPLETE").await;
    assert_eq!(types(&rest), ["ASSISTANT_RESPONSE", "TASK_COMPLETE"]);
    assert_eq!(rest[1]["payload"]["seq"], 6);
    hub.send("RESUME", json!({"taskId": task, "after": 0})).await;
    assert_eq!(
        types(&hub.until("TASK_COMPLETE").await),
        ["TASK_PROGRESS", "TASK_PROGRESS", "ASSISTANT_RESPONSE", "TASK_COMPLETE"]
    );
    // After the end there is nothing, and the connection goes on.
    hub.send("RESUME", json!({"taskId": task, "after": 6})).await;
    hub.send("PING", json!({})).await;
    assert_eq!(hub.next().await["type"], "PONG");
}

#[tokio::test]
async fn a_cancelled_task_is_told_to_who_cancelled_it() {
    let edge = Edge::start().await;
    let task = edge.open_task("ada").await;
    let mut hub = edge.hub("ada").await;
    for _ in 0..2 {
        hub.send("TASK_CANCEL", json!({"taskId": task})).await;
        let complete = hub.until("TASK_COMPLETE").await.pop().unwrap();
        assert_eq!(
            (&complete["payload"]["status"], &complete["payload"]["taskId"]),
            (&json!("cancelled"), &json!(task))
        );
    }
}

#[tokio::test]
async fn foreign_tasks_and_wrong_states_are_errors_of_their_own() {
    let edge = Edge::start().await;
    let task = edge.open_task("ada").await;
    let mut bob = edge.hub("bob").await;
    for (kind, payload) in [
        ("RESUME", json!({"taskId": task, "after": 0})),
        ("TASK_CANCEL", json!({"taskId": task})),
        ("USER_REQUEST", json!({"taskId": task, "content": "x"})),
    ] {
        bob.send_as("m", kind, payload).await;
        let refused = bob.next().await;
        assert_eq!(
            (&refused["type"], &refused["payload"]["code"]),
            (&json!("TASK_ERROR"), &json!("task-not-found")),
            "{kind}"
        );
        assert_eq!(refused["correlationId"], "m");
    }
    let mut ada = edge.hub("ada").await;
    ada.send("USER_REQUEST", json!({"taskId": task, "content": "x"})).await;
    assert_eq!(ada.next().await["payload"]["code"], "wrong-state");
}

#[tokio::test]
async fn a_connection_follows_a_bounded_number_of_tasks() {
    let edge = Edge::start_with(|options| options.limits.ws_followed_tasks = 1).await;
    let (first, second) = (edge.open_task("ada").await, edge.open_task("ada").await);
    edge.happens("ada", first, &[EventKind::StepStarted]).await;
    let mut hub = edge.hub("ada").await;
    hub.send("RESUME", json!({"taskId": first, "after": 0})).await;
    assert_eq!(hub.next().await["type"], "TASK_PROGRESS");
    hub.send("RESUME", json!({"taskId": second, "after": 0})).await;
    assert_eq!(hub.next().await["payload"]["code"], "too-many-tasks");
    hub.send("USER_REQUEST", json!({"content": "hello"})).await;
    assert_eq!(hub.next().await["payload"]["code"], "too-many-tasks");
    let (_, list) = call(edge.get("/v1/tasks", &edge.token("ada"))).await;
    assert_eq!(list["tasks"].as_array().unwrap().len(), 2, "nothing was accepted that nobody would hear of");
}

#[tokio::test]
async fn notifications_reach_every_connection_of_their_user_and_wait_for_the_next() {
    let edge = Edge::start().await;
    let waiting = edge.notify("ada", "while you were away", false).await;
    let mut first = edge.hub("ada").await;
    let told = first.next().await;
    assert_eq!(
        (&told["type"], &told["payload"]["content"]),
        (&json!("ASSISTANT_RESPONSE"), &json!("while you were away"))
    );
    assert_eq!(told["payload"]["metadata"]["notification"], json!({"id": waiting, "title": "Due", "level": "info"}));

    all_marked(&edge).await;
    // An answer means that the connection listens.
    let mut second = edge.hub("ada").await;
    let mut bob = edge.hub("bob").await;
    for hub in [&mut first, &mut second, &mut bob] {
        hub.send("PING", json!({})).await;
        hub.until("PONG").await;
    }
    let now = edge.notify("ada", "now", true).await;
    for hub in [&mut first, &mut second] {
        let told = hub.until("ASSISTANT_RESPONSE").await.pop().unwrap();
        assert_eq!(told["payload"]["metadata"]["notification"]["id"], json!(now));
    }
    bob.send("PING", json!({})).await;
    assert_eq!(bob.next().await["type"], "PONG", "it is none of his business");

    all_marked(&edge).await;
    let mut third = edge.hub("ada").await;
    third.send("PING", json!({})).await;
    assert_eq!(third.next().await["type"], "PONG", "nothing is told again");
}

/// Told means marked: the socket took it, and soon the record says so.
async fn all_marked(edge: &Edge) {
    let marked = async {
        while !edge.brain.waiting_notices(&owner("ada")).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, marked).await.expect("every notification is marked");
}

#[tokio::test]
async fn shutdown_sends_what_is_queued_and_then_says_goodbye() {
    let mut edge = Edge::start().await;
    let task = edge.open_task("ada").await;
    edge.happens("ada", task, &[EventKind::StepStarted]).await;
    let mut hub = edge.hub("ada").await;
    hub.send("RESUME", json!({"taskId": task, "after": 0})).await;
    assert_eq!(hub.next().await["type"], "TASK_PROGRESS");
    edge.happens("ada", task, &[EventKind::Evaluated]).await;
    let closing = tokio::spawn(async move { hub.close().await });
    edge.end().await.unwrap();
    let (closed, said) = closing.await.unwrap();
    assert_eq!((closed, types(&said)), (1001, vec!["TASK_PROGRESS"]));
}
