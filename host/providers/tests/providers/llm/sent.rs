//! What goes over the wire.

use std::time::Duration;

use openanalyst_providers::ProviderError;
use openanalyst_providers::llm::{Api, LlmClient, LlmOptions, Message, Prompt, Role};
use serde_json::json;

use super::{APIS, TEXT, answered, client, options, prompt, stream, streamed, whole};
use crate::common::{KEY, Reply, Server, invalid};

#[tokio::test]
async fn anthropic_gets_the_documented_request() {
    let server =
        Server::start([Reply::new(200, whole(Api::Anthropic, "Hi")), Reply::stream(streamed(Api::Anthropic), 4096)])
            .await;
    let client = client(Api::Anthropic, &server);
    assert_eq!(client.model(), "model-1");
    let asked = Prompt {
        system: Some("Be kind.".to_owned()),
        messages: vec![
            Message { role: Role::User, content: "One?".to_owned() },
            Message { role: Role::Assistant, content: "Two.".to_owned() },
            Message { role: Role::User, content: "Three?".to_owned() },
        ],
        max_tokens: Some(77),
        temperature: Some(0.7),
    };
    assert_eq!(client.complete(&asked, None).await.unwrap(), answered("Hi"));
    assert_eq!(stream(&client, &prompt("Hello")).await.0.unwrap(), answered(TEXT));
    let requests = server.requests();
    for request in &requests {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/messages"));
        assert_eq!(request.header("x-api-key"), Some(KEY));
        assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(request.header("authorization"), None);
    }
    assert_eq!(
        requests[0].json(),
        json!({
            "model": "model-1", "max_tokens": 77, "system": "Be kind.", "temperature": 0.7,
            "messages": [
                { "role": "user", "content": "One?" },
                { "role": "assistant", "content": "Two." },
                { "role": "user", "content": "Three?" },
            ],
        })
    );
    assert_eq!(
        requests[1].json(),
        json!({
            "model": "model-1", "max_tokens": 1024, "stream": true,
            "messages": [{ "role": "user", "content": "Hello" }],
        })
    );
}

#[tokio::test]
async fn openai_gets_the_documented_request() {
    let server =
        Server::start([Reply::new(200, whole(Api::OpenAi, "Hi")), Reply::stream(streamed(Api::OpenAi), 4096)]).await;
    let client = client(Api::OpenAi, &server);
    let asked =
        Prompt { system: Some("Be kind.".to_owned()), max_tokens: Some(77), temperature: Some(0.7), ..prompt("One?") };
    assert_eq!(client.complete(&asked, None).await.unwrap(), answered("Hi"));
    assert_eq!(stream(&client, &prompt("Hello")).await.0.unwrap(), answered(TEXT));
    let requests = server.requests();
    for request in &requests {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/chat/completions"));
        assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(request.header("x-api-key"), None);
    }
    assert_eq!(
        requests[0].json(),
        json!({
            "model": "model-1", "max_tokens": 77, "temperature": 0.7,
            "messages": [{ "role": "system", "content": "Be kind." }, { "role": "user", "content": "One?" }],
        })
    );
    assert_eq!(
        requests[1].json(),
        json!({
            "model": "model-1", "max_tokens": 1024, "stream": true, "stream_options": { "include_usage": true },
            "messages": [{ "role": "user", "content": "Hello" }],
        })
    );
}

#[tokio::test]
async fn without_a_key_none_is_sent() {
    for api in APIS {
        let server = Server::start([Reply::new(200, whole(api, "Hi"))]).await;
        let client = LlmClient::new(LlmOptions { api_key: None, ..options(api, &server) }).unwrap();
        client.complete(&prompt("?"), None).await.unwrap();
        let request = server.requests().remove(0);
        assert_eq!((request.header("authorization"), request.header("x-api-key")), (None, None));
    }
}

#[tokio::test]
async fn a_base_url_may_end_with_a_slash() {
    let server = Server::start([Reply::new(200, whole(Api::OpenAi, "Hi"))]).await;
    let base_url = server.url("/proxy/v1/");
    let client = LlmClient::new(LlmOptions { base_url, ..options(Api::OpenAi, &server) }).unwrap();
    client.complete(&prompt("?"), None).await.unwrap();
    assert_eq!(server.requests()[0].path, "/proxy/v1/chat/completions");
}

#[tokio::test]
async fn prompts_that_ask_nothing_are_not_sent() {
    let server = Server::start([Reply::never()]).await;
    let client = client(Api::Anthropic, &server);
    let wrong = [
        Prompt::default(),
        Prompt { max_tokens: Some(0), ..prompt("?") },
        Prompt { temperature: Some(f32::NAN), ..prompt("?") },
    ];
    for prompt in wrong {
        invalid(client.complete(&prompt, None).await.unwrap_err());
        invalid(stream(&client, &prompt).await.0.unwrap_err());
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn options_that_cannot_work_are_refused() {
    let good = || LlmOptions::new(Api::Anthropic, "model-1");
    LlmClient::new(good()).unwrap();
    for url in
        ["ftp://example.org", "https://user:hush@example.org", "https://example.org/?a=b", "https://example.org/#a"]
    {
        let options = LlmOptions { base_url: url.parse().unwrap(), ..good() };
        let error = LlmClient::new(options).unwrap_err();
        assert!(matches!(error, ProviderError::BaseUrl { .. }) && !error.to_string().contains("hush"), "{error}");
    }
    for key in ["", "sk-hush\n", "sk hush", "schlüssel-hush"] {
        let options = LlmOptions { api_key: Some(key.into()), ..good() };
        let error = LlmClient::new(options).unwrap_err();
        assert!(matches!(error, ProviderError::Key { .. }) && !error.to_string().contains("hush"), "{error}");
    }
    for options in [
        LlmOptions { model: " ".to_owned(), ..good() },
        LlmOptions { max_tokens: 0, ..good() },
        LlmOptions { idle_timeout: Duration::ZERO, ..good() },
    ] {
        assert!(matches!(LlmClient::new(options).unwrap_err(), ProviderError::Setting { .. }));
    }
}

#[test]
fn the_key_is_not_shown() {
    let options = LlmOptions { api_key: Some(KEY.into()), ..LlmOptions::new(Api::OpenAi, "model-1") };
    let client = LlmClient::new(options.clone()).unwrap();
    for shown in [format!("{options:?}"), format!("{client:?}"), format!("{client:#?}")] {
        assert!(!shown.contains("hush") && shown.contains("***"), "{shown}");
    }
}
