//! Embeddings: what is sent, and what comes of everything that a server can answer.

use std::time::{Duration, Instant};

use openanalyst_domain::Failure;
use openanalyst_providers::MAX_BODY_BYTES;
use openanalyst_providers::embeddings::{EmbeddingsClient, EmbeddingsOptions, MAX_TEXT_BYTES, MAX_TEXTS};
use serde_json::json;

use crate::common::{KEY, Reply, Server, failed, invalid, unavailable};

fn options(server: &Server) -> EmbeddingsOptions {
    let mut options = EmbeddingsOptions::new("model-1");
    options.base_url = server.url("/v1");
    options.api_key = Some(KEY.into());
    options.backoff = Duration::from_millis(1);
    options
}

fn client(server: &Server) -> EmbeddingsClient {
    EmbeddingsClient::new(options(server)).unwrap()
}

fn answer(vectors: &[&[f32]]) -> Reply {
    let data: Vec<_> = vectors.iter().enumerate().map(|(at, v)| json!({ "index": at, "embedding": v })).collect();
    Reply::new(200, json!({ "object": "list", "model": "model-1", "data": data }).to_string())
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn texts_are_sent_once_with_the_key_and_vectors_have_the_length_one() {
    let server = Server::start([answer(&[&[3.0, 4.0], &[0.0, -2.0]])]).await;
    let long = "é".repeat(MAX_TEXT_BYTES);
    let vectors = client(&server).embed(&texts(&["refund", &long]), None).await.unwrap();
    assert_eq!(vectors, [[0.6, 0.8], [0.0, -1.0]]);
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("POST", "/v1/embeddings"));
    assert_eq!(requests[0].header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    let body = requests[0].json();
    assert_eq!((&body["model"], &body["input"][0]), (&json!("model-1"), &json!("refund")));
    assert_eq!(body["input"][1].as_str().unwrap().len(), MAX_TEXT_BYTES);
}

#[tokio::test]
async fn a_check_gives_the_number_of_dimensions_and_asks_once() {
    let server = Server::start([answer(&[&[1.0, 0.0, 0.0]]), Reply::new(503, "")]).await;
    let client = client(&server);
    assert_eq!(client.check().await.unwrap(), 3);
    unavailable(client.check().await.unwrap_err());
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn an_overloaded_server_is_asked_again_and_a_refusal_is_not() {
    let server = Server::start([Reply::new(503, ""), answer(&[&[1.0]])]).await;
    assert_eq!(client(&server).embed(&texts(&["a"]), None).await.unwrap(), [[1.0]]);
    let refusal = json!({ "error": { "message": format!("no such model, {KEY}"), "type": "invalid_request_error" } });
    let server = Server::start([Reply::new(404, refusal.to_string())]).await;
    let detail = invalid(client(&server).embed(&texts(&["a"]), None).await.unwrap_err());
    assert!(detail.contains("no such model"), "{detail}");
    let server = Server::start([Reply::new(401, refusal.to_string())]).await;
    let (detail, _) = unavailable(client(&server).embed(&texts(&["a"]), None).await.unwrap_err());
    assert!(detail.contains("the operator must check the API key"), "{detail}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = Server::start([Reply::with(307, &[("location", "http://127.0.0.1:1/")], "")]).await;
    let detail = failed(client(&server).embed(&texts(&["a"]), None).await.unwrap_err());
    assert!(detail.contains("redirects are not followed"), "{detail}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn hostile_answers_are_not_used() {
    let spaces = " ".repeat(MAX_BODY_BYTES + 1);
    let table: [(&str, &str); 8] = [
        (r#"{"data":[{"embedding":[1]}]}"#, "1 vectors for 2 texts"),
        (r#"{"data":[{"embedding":[1]},{"embedding":[1]},{"embedding":[1]}]}"#, "3 vectors for 2 texts"),
        (r#"{"data":[{"embedding":[1,2]},{"embedding":[1]}]}"#, "one vector has 2 numbers"),
        (r#"{"data":[{"embedding":[1]},{"embedding":[NaN]}]}"#, "no JSON"),
        (r#"{"data":[{"embedding":[1]},{"embedding":[null]}]}"#, "no list of embeddings"),
        (r#"{"error":{"message":"the model is loading","type":"server_error"}}"#, "the model is loading"),
        ("<html>sign in</html>", "a web page"),
        (spaces.as_str(), "4194304 bytes"),
    ];
    for (body, why) in table {
        let server = Server::start([Reply::new(200, body)]).await;
        let (detail, _) = unavailable(client(&server).embed(&texts(&["a", "b"]), None).await.unwrap_err());
        assert!(detail.contains(why), "{body:.60}: {detail}");
    }
}

#[tokio::test]
async fn a_compressed_answer_has_the_same_limit() {
    let body = openanalyst_test_https::gzipped(&vec![b' '; 16 * MAX_BODY_BYTES]);
    let server = Server::start([Reply::with(200, &[("content-encoding", "gzip")], body)]).await;
    let (detail, _) = unavailable(client(&server).embed(&texts(&["a"]), None).await.unwrap_err());
    assert!(detail.contains("which is the limit"), "{detail}");
}

#[tokio::test]
async fn a_call_ends_at_its_deadline() {
    for reply in [Reply::never(), Reply::unframed(&[], "{").then_drip(b" ", Duration::from_millis(5))] {
        let server = Server::start([reply]).await;
        let before = Instant::now();
        let failure = client(&server).embed(&texts(&["a"]), Some(Duration::from_millis(100))).await.unwrap_err();
        assert!(matches!(failure, Failure::Unavailable { .. }), "{failure:?}");
        assert!(before.elapsed() < Duration::from_secs(10), "{:?}", before.elapsed());
    }
}

#[tokio::test]
async fn wrong_calls_and_options_are_refused_before_anything_is_sent() {
    let server = Server::start([answer(&[&[1.0]])]).await;
    let client = client(&server);
    invalid(client.embed(&[], None).await.unwrap_err());
    invalid(client.embed(&vec!["a".to_owned(); MAX_TEXTS + 1], None).await.unwrap_err());
    assert_eq!(server.connections(), 0);
    let refused = |options: EmbeddingsOptions| EmbeddingsClient::new(options).unwrap_err().to_string();
    assert!(refused(EmbeddingsOptions { model: " ".to_owned(), ..options(&server) }).contains("no name"));
    assert!(refused(EmbeddingsOptions { timeout: Duration::ZERO, ..options(&server) }).contains("timeout"));
    assert!(refused(EmbeddingsOptions { api_key: Some("a b".into()), ..options(&server) }).contains("API key"));
    let url = "https://me:secret@example.com/v1".parse().unwrap();
    let said = refused(EmbeddingsOptions { base_url: url, ..options(&server) });
    assert!(said.contains("the embeddings server") && !said.contains("secret"), "{said}");
    assert!(!format!("{client:?}").contains(KEY));
}
