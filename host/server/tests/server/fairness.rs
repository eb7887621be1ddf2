//! One client cannot stop or slow the others: connections, bodies, uploads and frames, each with
//! its limits.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::StreamExt as _;
use openanalyst_identity::Scope;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::support::courier::package;
use crate::support::{Edge, PATIENCE, code};

/// Longer than any test waits.
const FOREVER: Duration = Duration::from_secs(3_600);
/// Headers that do not end.
const HALF_OPEN: &[u8] = b"GET /health HTTP/1.1\r\nhost: edge\r\nx-slow: ";
const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nhost: edge\r\n\r\n";

#[tokio::test]
async fn slow_uploads_of_one_tenant_hold_up_no_other() {
    let edge = Edge::start_with(|options| options.limits.body_read_timeout = FOREVER).await;
    let slow = edge.token_of("slow", "eve", Scope::ALL);
    let bytes = package("courier", "1.0.0");
    let mut uploads = Vec::new();
    for _ in 0..8 {
        let mut upload = edge.raw_request("POST /v1/skills", &slow, bytes.len()).await;
        upload.send(&bytes[..bytes.len() / 2]).await;
        uploads.push(upload);
    }
    let (status, uploaded) = edge.upload(&edge.token("ada"), bytes.clone()).await;
    assert_eq!(status, 201, "{uploaded}");
    // One that comes to its end is taken like any other.
    let mut last = uploads.pop().unwrap();
    last.send(&bytes[bytes.len() / 2..]).await;
    let (status, _, uploaded) = last.answer().await.unwrap();
    assert_eq!((status, uploaded["name"].as_str()), (201, Some("courier")), "{uploaded}");
}

#[tokio::test]
async fn packages_that_are_read_are_counted() {
    let edge = Edge::start_with(|options| options.limits.user_upload_bytes = 16 << 10).await;
    let bytes = package("courier", "1.0.0");
    assert!(bytes.len() > 16 << 10);
    let refused = edge.upload(&edge.token("ada"), bytes).await;
    assert_eq!(code(&refused), (429, "busy"), "{refused:?}");
    assert!(refused.1["retryAfterMs"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn no_body_is_read_before_its_token() {
    let edge = Edge::start().await;
    for (line, token, expected) in [
        ("POST /v1/skills", "x.y.z".to_owned(), 401),
        ("POST /v1/requests", "x.y.z".to_owned(), 401),
        ("POST /v1/skills", edge.token_for("ada", &[Scope::Requests]), 403),
    ] {
        let mut raw = edge.raw().await;
        raw.send(Edge::head(line, &token, 1 << 20).as_bytes()).await;
        let (status, _, problem) = raw.answer().await.unwrap();
        assert_eq!(status, expected, "and not 100, which asks for the body: {problem}");
    }
}

#[tokio::test]
async fn an_address_has_a_limited_number_of_connections() {
    const LIMIT: usize = 3;
    let edge = Edge::start_with(|options| {
        options.limits.connections_per_address = LIMIT;
        options.limits.first_header_timeout = FOREVER;
        options.limits.header_read_timeout = FOREVER;
    })
    .await;
    let mut open = Vec::new();
    for _ in 0..LIMIT {
        let mut raw = edge.raw().await;
        raw.send(HALF_OPEN).await;
        open.push(raw);
    }
    let mut further = edge.raw().await;
    let (status, head, problem) = further.answer().await.expect("an answer before the request");
    assert_eq!((status, problem["code"].as_str()), (429, Some("too-many-connections")), "{problem}");
    assert!(head.contains("\r\nretry-after: 1\r\n") && head.contains("\r\nconnection: close\r\n"), "{head}");
    assert!(further.answer().await.is_none(), "and it is closed");

    drop(open.pop());
    let connected = async {
        loop {
            let mut raw = edge.raw().await;
            raw.send(HEALTH).await;
            match raw.answer().await {
                Some((200, ..)) => return,
                other => assert!(other.is_none_or(|(status, ..)| status == 429)),
            }
        }
    };
    tokio::time::timeout(PATIENCE, connected).await.expect("the place becomes free");
}

#[tokio::test]
async fn the_connections_of_a_trusted_proxy_are_not_counted() {
    let edge = Edge::start_with(|options| {
        options.limits.connections_per_address = 1;
        options.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut raw = edge.raw().await;
        raw.send(HEALTH).await;
        assert_eq!(raw.answer().await.unwrap().0, 200);
        open.push(raw);
    }
}

#[tokio::test]
async fn half_open_connections_make_room_for_new_ones() {
    const PLACES: usize = 4;
    let edge = Edge::start_with(|options| {
        options.limits.max_connections = PLACES;
        options.limits.first_header_timeout = FOREVER;
        options.limits.header_read_timeout = FOREVER;
    })
    .await;
    // One of them works, and keeps its place.
    let mut hub = edge.hub("ada").await;
    let mut open = Vec::new();
    for _ in 0..PLACES - 1 {
        let mut raw = edge.raw().await;
        raw.send(HALF_OPEN).await;
        open.push(raw);
    }
    let mut new = edge.raw().await;
    new.send(HEALTH).await;
    assert_eq!(new.answer().await.unwrap().0, 200, "it does not wait");
    assert!(open[0].answer().await.is_none(), "the one that was idle for the longest time is closed");
    // The others are still there.
    open[1].send(b"\r\n\r\n").await;
    assert_eq!(open[1].answer().await.unwrap().0, 200);
    hub.send("PING", json!({})).await;
    assert_eq!(hub.next().await["type"], "PONG");
}

#[tokio::test]
async fn connections_at_work_are_not_closed_for_new_ones() {
    let edge = Edge::start_with(|options| options.limits.max_connections = 2).await;
    let mut hubs = [edge.hub("ada").await, edge.hub("bob").await];
    let mut further = edge.raw().await;
    let (status, head, problem) = further.answer().await.expect("an answer before the request");
    assert_eq!((status, problem["code"].as_str()), (503, Some("busy")), "{problem}");
    assert!(head.contains("\r\nretry-after: 1\r\n"), "{head}");
    for hub in &mut hubs {
        hub.send("PING", json!({})).await;
        assert_eq!(hub.next().await["type"], "PONG");
    }
}

#[tokio::test]
async fn headers_that_do_not_come_are_not_waited_for() {
    let edge = Edge::start_with(|options| {
        options.limits.first_header_timeout = Duration::from_millis(50);
        options.limits.header_read_timeout = FOREVER;
    })
    .await;
    let mut silent = edge.raw().await;
    let mut half_open = edge.raw().await;
    half_open.send(HALF_OPEN).await;
    for raw in [&mut silent, &mut half_open] {
        assert!(raw.answer().await.is_none(), "it is closed");
    }
}

#[tokio::test]
async fn every_frame_counts_against_the_rate() {
    let few = NonZeroU32::new(3).unwrap();
    let edge = Edge::start_with(|options| {
        options.limits.ws_messages_per_second = NonZeroU32::MIN;
        options.limits.ws_messages_burst = few;
        options.limits.ws_refusals = few;
    })
    .await;
    let part = |code| Message::Frame(Frame::message(Vec::new(), OpCode::Data(code), false));
    for (what, frame) in [
        ("empty parts of a message", part(Data::Continue)),
        ("pings", Message::Ping(Vec::new().into())),
        ("pongs", Message::Pong(Vec::new().into())),
        ("empty messages", Message::text("")),
    ] {
        let mut hub = edge.hub("ada").await;
        if what.contains("parts") {
            hub.send_raw(part(Data::Text)).await;
        }
        for _ in 0..500 {
            hub.send_raw(frame.clone()).await;
        }
        assert_eq!(hub.close().await.0, 1008, "{what}");
    }
}

#[tokio::test]
async fn unfinished_messages_are_counted_like_bodies() {
    let edge = Edge::start_with(|options| options.limits.user_body_bytes = 64 << 10).await;
    let part = |bytes: usize| {
        let text = vec![b'x'; bytes];
        Message::Frame(Frame::message(text, OpCode::Data(Data::Text), false))
    };
    let mut first = edge.hub("ada").await;
    first.send_raw(part(100 << 10)).await;
    assert_eq!(first.close().await.0, 1013);
    let mut second = edge.hub("ada").await;
    second.send_raw(part(50 << 10)).await;
    second.send_raw(Message::Ping(Vec::new().into())).await;
    let pong = tokio::time::timeout(PATIENCE, second.socket.next()).await.expect("a frame in time");
    assert!(matches!(pong, Some(Ok(Message::Pong(_)))), "one that fits is waited for: {pong:?}");
}
