//! What is made of everything that a server can do wrong.

use std::time::Duration;

use openanalyst_providers::llm::{Api, LlmClient, LlmOptions};
use serde_json::json;

use super::{APIS, TEXT, answered, beginning, client, options, prompt, stream, streamed, whole};
use crate::common::{KEY, Reply, Server, failed, invalid, unavailable};

#[tokio::test]
async fn a_refused_key_is_for_the_operator() {
    for api in APIS {
        for status in [401, 403] {
            let body = json!({ "error": { "type": "authentication_error", "message": format!("{KEY} is wrong") } });
            let server = Server::start([Reply::new(status, body.to_string())]).await;
            let with = client(api, &server);
            let without = LlmClient::new(LlmOptions { api_key: None, ..options(api, &server) }).unwrap();
            for failure in [
                with.complete(&prompt("?"), None).await.unwrap_err(),
                stream(&with, &prompt("?")).await.0.unwrap_err(),
                with.check().await.unwrap_err(),
                without.complete(&prompt("?"), None).await.unwrap_err(),
            ] {
                let (detail, after) = unavailable(failure);
                assert!(detail.contains("the operator must check the API key"), "{detail}");
                assert!(detail.contains("authentication_error") && after.is_none(), "{detail}");
            }
            assert_eq!(server.connections(), 4);
        }
    }
}

#[tokio::test]
async fn a_wrong_request_is_answered_in_the_words_of_the_provider() {
    for api in APIS {
        for status in [400, 404, 413, 422] {
            let message = format!("max_tokens\u{7}:\n too large, {KEY} {}", "é".repeat(2_000));
            let body = json!({ "type": "error", "error": { "type": "invalid_request_error", "message": message } });
            let server =
                Server::start([Reply::new(status, body.to_string()), Reply::new(status, "<html>no</html>")]).await;
            let client = client(api, &server);
            let detail = invalid(client.complete(&prompt("?"), None).await.unwrap_err());
            let (_, said) = detail.split_once("): ").unwrap();
            assert!(said.starts_with("max_tokens: too large, *** é"), "{detail}");
            assert_eq!(said.chars().count(), 500);
            let detail = invalid(stream(&client, &prompt("?")).await.0.unwrap_err());
            assert!(detail.contains(&status.to_string()) && !detail.contains("html"), "{detail}");
            assert_eq!(server.connections(), 2);
        }
    }
}

#[tokio::test]
async fn other_statuses_fail() {
    for status in [402, 409, 418, 501, 505] {
        let server = Server::start([Reply::new(status, "out of tea")]).await;
        let client = client(Api::OpenAi, &server);
        let detail = failed(client.complete(&prompt("?"), None).await.unwrap_err());
        assert!(detail.contains(&status.to_string()) && detail.ends_with(": out of tea"), "{detail}");
        failed(stream(&client, &prompt("?")).await.0.unwrap_err());
        assert_eq!(server.connections(), 2);
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let other = Server::start([Reply::new(200, whole(Api::Anthropic, "Hi"))]).await;
        let location = other.url("/v1/messages");
        let server = Server::start([Reply::with(status, &[("location", location.as_str())], "")]).await;
        let client = client(Api::Anthropic, &server);
        let detail = failed(client.complete(&prompt("?"), None).await.unwrap_err());
        assert!(detail.contains("operator"), "{detail}");
        failed(stream(&client, &prompt("?")).await.0.unwrap_err());
        failed(client.check().await.unwrap_err());
        assert_eq!((server.connections(), other.connections()), (3, 0));
    }
}

#[tokio::test]
async fn an_error_with_a_good_status_is_an_error() {
    for api in APIS {
        for (body, words) in [
            ("{\"error\":{\"message\":\"no such model\",\"type\":\"x\"}}", "no such model"),
            ("{\"error\":\"no such model\"}", "no such model"),
            (" \n<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
            ("{\"choices\":", "not understood"),
            ("[]", "not understood"),
            ("{}", "not understood"),
            ("{\"choices\":[],\"content\":null}", "not understood"),
        ] {
            let server = Server::start([Reply::new(200, body)]).await;
            let client = client(api, &server);
            for failure in [
                client.complete(&prompt("?"), None).await.unwrap_err(),
                stream(&client, &prompt("?")).await.0.unwrap_err(),
                client.check().await.unwrap_err(),
            ] {
                let (detail, after) = unavailable(failure);
                assert!(after.is_none() && !detail.contains("Sign in"), "{detail}");
                assert!(detail.contains(words) || detail.contains("no list of models"), "{detail}");
            }
            assert_eq!(server.connections(), 3);
        }
    }
}

#[tokio::test]
async fn a_stream_of_garbage_is_refused() {
    for api in APIS {
        for (body, words) in [
            (&b"data: garbage\n\n"[..], "not understood"),
            (b"data: \"text\"\n\n", "not understood"),
            (b"data: 1\n\n", "not understood"),
            (b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\ndata: [DONE]\n\n", "not understood"),
            (b"data: \xc3\x28\n\n", "UTF-8"),
        ] {
            let server = Server::start([Reply::stream(body, 1)]).await;
            // The last event of one protocol is passed over by nobody.
            let (ended, pieces) = stream(&client(api, &server), &prompt("?")).await;
            let (detail, after) = unavailable(ended.unwrap_err());
            assert!(detail.contains(words) && after.is_none(), "{api:?} {detail}");
            assert!(pieces.is_empty() && server.connections() == 1);
        }
        // What is no event at all is passed over, and then the end is missing.
        for body in [&b"garbage\x00\xff\xfe\n\n\n"[..], b"", b"\n\n\n", b": only a comment\n\n"] {
            let server = Server::start([Reply::stream(body, 1)]).await;
            let (detail, _) = unavailable(stream(&client(api, &server), &prompt("?")).await.0.unwrap_err());
            assert!(detail.contains("stopped before its end; 0 characters"), "{detail}");
            assert_eq!(server.connections(), 3);
        }
    }
}

#[tokio::test]
async fn a_stream_that_stops_in_the_middle_says_how_much_arrived() {
    for api in APIS {
        for reply in [
            Reply::cut(beginning(api)),
            Reply::stream(beginning(api), 7),
            Reply::unframed(&[("content-type", "text/event-stream")], beginning(api)),
        ] {
            let server = Server::start([reply]).await;
            let (ended, pieces) = stream(&client(api, &server), &prompt("?")).await;
            let (detail, after) = unavailable(ended.unwrap_err());
            assert!(detail.contains("stopped before its end") && detail.contains("12 characters"), "{detail}");
            assert_eq!((after.is_some(), pieces.concat().as_str()), (true, TEXT));
        }
    }
    // The last event must be whole.
    let server = Server::start([Reply::stream(streamed(Api::OpenAi).trim_end(), 7)]).await;
    unavailable(stream(&client(Api::OpenAi, &server), &prompt("?")).await.0.unwrap_err());
}

#[tokio::test]
async fn an_answer_that_stops_in_the_middle_is_asked_for_again() {
    for api in APIS {
        let body = whole(api, "Hi");
        let length = (body.len() + 1).to_string();
        let short = Reply::unframed(&[("content-length", &length)], &body);
        let server = Server::start([short.clone(), Reply::new(200, &body), short]).await;
        let client = client(api, &server);
        assert_eq!(client.complete(&prompt("?"), None).await.unwrap(), answered("Hi"));
        let (detail, after) = unavailable(client.complete(&prompt("?"), None).await.unwrap_err());
        assert!(detail.contains(&format!("stopped after {} bytes", body.len())) && after.is_some(), "{detail}");
    }
}

#[tokio::test]
async fn an_error_in_the_stream_is_an_error() {
    let event = |api: Api, kind: &str| match api {
        Api::Anthropic => {
            let data = json!({ "type": "error", "error": { "type": kind, "message": format!("Sorry {KEY}") } });
            format!("event: error\ndata: {data}\n\n")
        }
        Api::OpenAi => format!("data: {}\n\n", json!({ "error": { "type": kind, "message": format!("Sorry {KEY}") } })),
    };
    for api in APIS {
        // What passes is asked for again, as nothing went out yet.
        let body = event(api, "overloaded_error");
        let server =
            Server::start([Reply::stream(&body, 7), Reply::stream(streamed(api), 7), Reply::stream(&body, 7)]).await;
        let client = client(api, &server);
        assert_eq!(stream(&client, &prompt("?")).await.0.unwrap(), answered(TEXT));
        let (detail, after) = unavailable(stream(&client, &prompt("?")).await.0.unwrap_err());
        assert!(detail.contains("Sorry ***") && after.is_some(), "{detail}");
        assert_eq!(server.connections(), 5);
        // What does not is not.
        let server = Server::start([Reply::stream(event(api, "invalid_request_error"), 7)]).await;
        let (detail, after) = unavailable(stream(&super::client(api, &server), &prompt("?")).await.0.unwrap_err());
        assert!(detail.contains("Sorry ***") && after.is_none(), "{detail}");
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn an_answer_that_is_not_utf8_is_refused() {
    for api in APIS {
        let body = whole(api, "Hi").into_bytes().into_iter().map(|b| if b == b'H' { 0xff } else { b });
        let server = Server::start([Reply::new(200, body.collect::<Vec<_>>())]).await;
        let (detail, after) = unavailable(client(api, &server).complete(&prompt("?"), None).await.unwrap_err());
        assert!(detail.contains("not understood") && after.is_none(), "{detail}");
    }
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut options = LlmOptions::new(Api::OpenAi, "model-1");
    options.base_url = format!("http://127.0.0.1:{port}/v1").parse().unwrap();
    options.backoff = Duration::from_millis(1);
    let client = LlmClient::new(options).unwrap();
    for failure in [
        client.complete(&prompt("?"), None).await.unwrap_err(),
        stream(&client, &prompt("?")).await.0.unwrap_err(),
        client.check().await.unwrap_err(),
    ] {
        let (detail, after) = unavailable(failure);
        assert!(detail.contains(&port.to_string()) && detail.contains("operator") && after.is_some(), "{detail}");
    }
}
