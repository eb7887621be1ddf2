//! Time and size are bounded, whatever the server does.

use std::time::{Duration, Instant};

use openanalyst_providers::MAX_BODY_BYTES;
use openanalyst_providers::llm::{Api, LlmClient, LlmOptions, MAX_EVENT_BYTES};

use super::{APIS, TEXT, answered, beginning, client, ending, options, piece, prompt, stream, streamed, whole};
use crate::common::{Reply, Server, unavailable};

#[tokio::test]
async fn time_is_bounded_whatever_the_server_does() {
    const SHORT: Duration = Duration::from_millis(250);
    const TICK: Duration = Duration::from_millis(5);
    for api in APIS {
        let quick = |server: &Server, idle, total| {
            let options = LlmOptions { idle_timeout: idle, total_timeout: total, ..options(api, server) };
            LlmClient::new(options).unwrap()
        };
        let long = Duration::from_secs(60);
        let before = Instant::now();
        // Nothing comes.
        let server = Server::start([Reply::never()]).await;
        let (detail, after) = unavailable(stream(&quick(&server, SHORT, long), &prompt("?")).await.0.unwrap_err());
        assert!(detail.contains("sent nothing for 250 ms") && after.is_some(), "{detail}");
        let (detail, _) = unavailable(quick(&server, SHORT, long).check().await.unwrap_err());
        assert!(detail.contains("sent nothing for 250 ms"), "{detail}");
        // A model that thinks is not idle: only the end of the call counts.
        let (detail, after) = unavailable(quick(&server, TICK, SHORT).complete(&prompt("?"), None).await.unwrap_err());
        assert!(detail.contains("did not finish within 250 ms") && after.is_some(), "{detail}");
        let (detail, _) =
            unavailable(quick(&server, long, long).complete(&prompt("?"), Some(SHORT)).await.unwrap_err());
        assert!(detail.contains("did not finish within 250 ms"), "{detail}");
        // It is not sent again.
        assert_eq!(server.connections(), 4);

        // Something comes, and then nothing.
        let server = Server::start([Reply::open(beginning(api), 7)]).await;
        let (ended, pieces) = stream(&quick(&server, SHORT, long), &prompt("?")).await;
        let (detail, _) = unavailable(ended.unwrap_err());
        assert!(detail.contains("sent nothing for 250 ms") && detail.contains("12 characters"), "{detail}");
        assert_eq!(pieces.concat(), TEXT);
        let server = Server::start([Reply::open("{", 7)]).await;
        let (detail, _) = unavailable(quick(&server, SHORT, long).complete(&prompt("?"), None).await.unwrap_err());
        assert!(detail.contains("sent nothing for 250 ms"), "{detail}");

        // Something comes again and again, and never ends: a byte at a time, without a line end, or with pings.
        for bytes in [&b"1\r\nx\r\n"[..], b"1\r\n \r\n", b"3\r\n:\n\n\r\n"] {
            let server = Server::start([Reply::open(beginning(api), 7).then_drip(bytes, TICK)]).await;
            let (detail, _) = unavailable(stream(&quick(&server, long, SHORT), &prompt("?")).await.0.unwrap_err());
            assert!(
                detail.contains("did not finish within 250 ms") && detail.contains("characters of it had arrived"),
                "{detail}"
            );
            let server = Server::start([Reply::open("{", 7).then_drip(bytes, TICK)]).await;
            let (detail, _) = unavailable(quick(&server, long, SHORT).complete(&prompt("?"), None).await.unwrap_err());
            assert!(detail.contains("did not finish within 250 ms"), "{detail}");
        }
        // An error whose words never end.
        let server =
            Server::start([Reply::with(400, &[("transfer-encoding", "chunked")], "").then_drip(b"1\r\nx\r\n", TICK)])
                .await;
        quick(&server, long, SHORT).complete(&prompt("?"), None).await.unwrap_err();
        assert!(before.elapsed() < Duration::from_secs(20));
    }
}

#[tokio::test]
async fn an_answer_has_a_limit() {
    for api in APIS {
        let full = whole(api, "Hi");
        let fits = " ".repeat(MAX_BODY_BYTES - full.len()) + &full;
        let server = Server::start([
            Reply::new(200, &fits),
            Reply::new(200, format!("{fits} ")),
            Reply::unframed(&[], format!("{fits} ")).then_drip(&[b' '; 4096], Duration::from_millis(1)),
        ])
        .await;
        let client = client(api, &server);
        assert_eq!(client.complete(&prompt("?"), None).await.unwrap(), answered("Hi"));
        for _ in 0..2 {
            let (detail, after) = unavailable(client.complete(&prompt("?"), None).await.unwrap_err());
            assert!(detail.contains("4194304 bytes") && after.is_none(), "{detail}");
        }
        assert_eq!(server.connections(), 3);
    }
}

#[tokio::test]
async fn a_streamed_text_has_a_limit() {
    for api in APIS {
        let part = "x".repeat(512 << 10);
        let start = if api == Api::Anthropic {
            "data: {\"type\":\"message_start\",\"message\":{\"model\":\"model-1-2026\"}}\n\n"
        } else {
            ""
        };
        let fits = start.to_owned() + &piece(api, &part).repeat(8);
        let over = fits.clone() + &piece(api, "x") + ending(api);
        let server = Server::start([Reply::stream(fits + ending(api), 4096), Reply::stream(over, 4096)]).await;
        let client = client(api, &server);
        assert_eq!(stream(&client, &prompt("?")).await.0.unwrap().content.len(), MAX_BODY_BYTES);
        let (ended, pieces) = stream(&client, &prompt("?")).await;
        let (detail, after) = unavailable(ended.unwrap_err());
        assert!(detail.contains("4194304 bytes") && after.is_none(), "{detail}");
        assert_eq!((pieces.len(), server.connections()), (8, 2));
    }
}

#[tokio::test]
async fn an_event_has_a_limit() {
    for api in APIS {
        let comment = |bytes: usize| format!(":{}\n\n", "x".repeat(bytes - 1));
        let line = "data: ".to_owned() + &"x".repeat(MAX_EVENT_BYTES);
        let lines = "data: x\n".repeat(MAX_EVENT_BYTES / 7 + 1);
        let server = Server::start([
            Reply::stream(comment(MAX_EVENT_BYTES) + &streamed(api), 4096),
            Reply::open(comment(MAX_EVENT_BYTES + 1), 4096),
            Reply::open(line, 4096),
            Reply::open(lines, 4096),
            Reply::open("\n".repeat(64) + &" ".repeat(MAX_EVENT_BYTES + 1), 4096),
        ])
        .await;
        let client = client(api, &server);
        assert_eq!(stream(&client, &prompt("?")).await.0.unwrap(), answered(TEXT));
        for _ in 0..4 {
            let (detail, after) = unavailable(stream(&client, &prompt("?")).await.0.unwrap_err());
            assert!(detail.contains("1048576 bytes") && after.is_none(), "{detail}");
        }
        assert_eq!(server.connections(), 5);
    }
}

/// The limit counts what comes out of the compression.
#[tokio::test]
async fn a_compressed_answer_has_the_same_limit() {
    for api in APIS {
        let body = openanalyst_test_https::gzipped(&vec![b' '; 16 * MAX_BODY_BYTES]);
        let server = Server::start([Reply::with(200, &[("content-encoding", "gzip")], body)]).await;
        let client = client(api, &server);
        for failure in
            [client.complete(&prompt("?"), None).await.unwrap_err(), stream(&client, &prompt("?")).await.0.unwrap_err()]
        {
            let (detail, after) = unavailable(failure);
            assert!(detail.contains("which is the limit") && after.is_none(), "{detail}");
        }
        assert_eq!(server.connections(), 2);
    }
}

/// A server that takes connections and says nothing, where the client expects the handshake of TLS.
#[tokio::test]
async fn a_connection_is_made_in_time_or_not_at_all() {
    let server = Server::start([Reply::never()]).await;
    let base_url = format!("https://127.0.0.1:{}", server.port).parse().unwrap();
    let connect_timeout = Duration::from_millis(50);
    let options = LlmOptions { base_url, connect_timeout, ..options(Api::Anthropic, &server) };
    let before = Instant::now();
    let client = LlmClient::new(options).unwrap();
    let (detail, after) = unavailable(client.complete(&prompt("?"), None).await.unwrap_err());
    assert!(detail.contains("cannot be connected to") && after.is_some(), "{detail}");
    assert!(before.elapsed() < Duration::from_secs(10) && server.connections() == 3);
}
