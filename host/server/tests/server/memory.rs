//! How much memory clients can make the edge take.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use serde_json::json;

use crate::allocations::live_bytes;
use crate::support::client::call;
use crate::support::{Edge, PATIENCE};

/// Bytes of the host for each idle WebSocket.
const MAX_IDLE_SOCKET_BYTES: isize = 20_000;

#[tokio::test]
async fn an_idle_websocket_takes_little_memory() {
    const SOCKETS: usize = 200;
    let edge = Edge::start_with(|options| {
        options.limits.connections_per_user = SOCKETS * 2;
        options.limits.connections_per_address = SOCKETS * 2;
        options.limits.requests_burst = NonZeroU32::MAX;
    })
    .await;
    let idle = async |count: usize| {
        let mut streams = Vec::with_capacity(count);
        for _ in 0..count {
            let mut hub = edge.hub("ada").await;
            // It has done something: it is at rest, and not just new.
            hub.send("PING", json!({})).await;
            assert_eq!(hub.next().await["type"], "PONG");
            // The client keeps its socket and nothing else.
            streams.push(hub.socket.into_inner());
        }
        streams
    };
    let _first = idle(10).await;
    let before = live_bytes();
    let _sockets = idle(SOCKETS).await;
    let each = (live_bytes() - before) / isize::try_from(SOCKETS).unwrap();
    println!("{each} bytes for each idle WebSocket, the client's socket included");
    assert!(each <= MAX_IDLE_SOCKET_BYTES, "{each} bytes for each idle WebSocket");
}

#[tokio::test]
async fn half_sent_bodies_take_a_bounded_amount_of_memory_and_give_it_back() {
    const CLIENTS: usize = 32;
    const SENT: usize = 512 << 10;
    const FIT: usize = 4;
    // What the budget allows, and buffers of each connection.
    const BOUND: isize = ((FIT * SENT) + CLIENTS * (128 << 10)) as isize;
    let edge = Edge::start_with(|options| {
        options.limits.user_body_bytes = FIT * SENT;
        options.limits.body_read_timeout = Duration::from_secs(3_600);
    })
    .await;
    let token = edge.token("ada");
    let body = vec![b' '; SENT];
    let put = async || call(edge.request("PUT", "/v1/me/context").bearer_auth(&token).json(&json!({}))).await;
    assert_eq!(put().await.0, 200);
    let before = live_bytes();

    let clients = join_all((0..CLIENTS).map(async |_| {
        let mut client = edge.raw_request("PUT /v1/me/context", &token, 2 << 20).await;
        client.send(&body).await;
        client
    }))
    .await;
    let mut answers: FuturesUnordered<_> = clients
        .into_iter()
        .map(async |mut client| {
            let answer = client.answer().await.expect("an answer");
            (client, answer)
        })
        .collect();
    for _ in FIT..CLIENTS {
        let (_, (status, head, problem)) = answers.next().await.unwrap();
        assert_eq!((status, problem["code"].as_str()), (429, Some("busy")), "{problem}");
        assert!(head.contains("\r\nretry-after: 1\r\n"), "{head}");
        assert!(problem["retryAfterMs"].as_u64().unwrap() > 0 && problem["detail"].as_str().unwrap().contains("user"));
    }
    let taken = live_bytes() - before;
    println!("{taken} bytes for {CLIENTS} half-sent bodies");
    assert!(taken <= BOUND, "{taken} bytes for {CLIENTS} half-sent bodies of {SENT} bytes");
    assert_eq!(put().await.1["code"], "busy", "the user has used up what there is");
    let other = edge.request("PUT", "/v1/me/context").bearer_auth(edge.token("bob")).json(&json!({}));
    assert_eq!(call(other).await.0, 200, "and has taken nothing from others");

    drop(answers);
    let back = async {
        while put().await.0 != 200 || live_bytes() - before > 512 << 10 {
            tokio::task::yield_now().await;
        }
    };
    let returned = tokio::time::timeout(PATIENCE, back).await;
    assert!(returned.is_ok(), "{} bytes are still taken", live_bytes() - before);
}
