//! When a request is sent again, and when it is not.

use std::time::{Duration, Instant};

use openanalyst_providers::llm::{Api, LlmClient, LlmOptions};

use super::{APIS, TEXT, answered, beginning, client, options, piece, prompt, stream, streamed, whole};
use crate::common::{Reply, Server, unavailable};

#[tokio::test]
async fn what_passes_is_sent_again_as_it_was() {
    for api in APIS {
        for status in [408, 429, 500, 502, 503, 504, 529] {
            let bad = Reply::new(status, "");
            let server = Server::start([
                bad.clone(),
                bad.clone(),
                Reply::new(200, whole(api, "Hi")),
                bad.clone(),
                Reply::stream(streamed(api), 7),
            ])
            .await;
            let client = client(api, &server);
            assert_eq!(client.complete(&prompt("?"), None).await.unwrap(), answered("Hi"), "{status}");
            let (ended, pieces) = stream(&client, &prompt("?")).await;
            assert_eq!((ended.unwrap(), pieces.concat()), (answered(TEXT), TEXT.to_owned()), "{status}");
            let requests = server.requests();
            assert_eq!(requests.len(), 5);
            assert!(requests[0].body == requests[1].body && requests[1].body == requests[2].body);
            assert_eq!(requests[3].body, requests[4].body);
        }
    }
}

#[tokio::test]
async fn it_is_sent_again_as_often_as_the_options_say() {
    for (retries, sent) in [(0, 1), (1, 2), (2, 3)] {
        let server = Server::start([Reply::with(503, &[("retry-after-ms", "7")], "{\"error\":\"busy\"}")]).await;
        let client = LlmClient::new(LlmOptions { retries, ..options(Api::OpenAi, &server) }).unwrap();
        let (detail, after) = unavailable(client.complete(&prompt("?"), None).await.unwrap_err());
        assert!(detail.contains("127.0.0.1") && detail.contains("503") && detail.ends_with(": busy"), "{detail}");
        assert_eq!(after, Some(7));
        assert_eq!(server.connections(), sent);
        unavailable(stream(&client, &prompt("?")).await.0.unwrap_err());
        assert_eq!(server.connections(), 2 * sent);
    }
}

#[tokio::test]
async fn connections_that_break_before_the_answer_are_made_again() {
    for api in APIS {
        let server = Server::start([Reply::nothing(), Reply::new(200, whole(api, "Hi"))]).await;
        assert_eq!(client(api, &server).complete(&prompt("?"), None).await.unwrap(), answered("Hi"));
        assert_eq!(server.connections(), 2);

        // Whoever closes during the handshake was never asked anything.
        let server = Server::start([Reply::slam()]).await;
        let base_url = format!("https://127.0.0.1:{}", server.port).parse().unwrap();
        let client = LlmClient::new(LlmOptions { base_url, ..options(api, &server) }).unwrap();
        let (detail, after) = unavailable(client.complete(&prompt("?"), None).await.unwrap_err());
        assert!(detail.contains("cannot be connected to") && after.is_some(), "{detail}");
        assert_eq!((server.connections(), server.requests().len()), (3, 0));
    }
}

#[tokio::test]
async fn nobody_waits_longer_than_the_call_may_take() {
    for (headers, expected) in [([("retry-after", "60")], 60_000), ([("retry-after-ms", "2500")], 2_500)] {
        let server = Server::start([Reply::with(429, &headers, "")]).await;
        let client = client(Api::Anthropic, &server);
        let before = Instant::now();
        let deadline = Some(Duration::from_secs(2));
        let (detail, after) = unavailable(client.complete(&prompt("?"), deadline).await.unwrap_err());
        assert!(before.elapsed() < Duration::from_secs(2) && detail.contains("429"), "{detail}");
        assert_eq!((after, server.connections()), (Some(expected), 1));
    }
    let server = Server::start([Reply::with(503, &[("retry-after", "Fri, 01 Jan 2100 00:00:00 GMT")], "")]).await;
    let (_, after) = unavailable(stream(&client(Api::OpenAi, &server), &prompt("?")).await.0.unwrap_err());
    assert!(after.unwrap() > 1_000_000_000_000 && server.connections() == 1);
}

#[tokio::test]
async fn after_a_piece_went_out_nothing_is_sent_again() {
    for api in APIS {
        let overloaded = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
        let begun = if api == Api::Anthropic { beginning(api) } else { piece(api, TEXT) };
        for reply in [
            Reply::cut(&begun),
            Reply::stream(&begun, 7),
            Reply::stream(format!("{begun}{overloaded}"), 7),
            Reply::stream(format!("{begun}data: {{garbage\n\n"), 7),
            Reply::stream([begun.as_bytes(), b"data: \xff\xff\n\n"].concat(), 7),
        ] {
            let server = Server::start([reply, Reply::stream(streamed(api), 7)]).await;
            let (ended, pieces) = stream(&client(api, &server), &prompt("?")).await;
            unavailable(ended.unwrap_err());
            assert_eq!((pieces.concat().as_str(), server.connections()), (TEXT, 1));
        }
    }
}
