//! The check, and TLS.

use openanalyst_providers::llm::{Api, LlmClient, LlmOptions};
use serde_json::{Value, json};

use super::{answered, client, prompt, whole};
use crate::common::{KEY, Reply, Server, unavailable};

#[tokio::test]
async fn a_check_lists_models_once() {
    for (api, path) in [(Api::Anthropic, "/v1/models"), (Api::OpenAi, "/v1/models")] {
        let server = Server::start([Reply::new(200, json!({ "data": [] }).to_string()), Reply::new(503, "")]).await;
        let client = client(api, &server);
        client.check().await.unwrap();
        unavailable(client.check().await.unwrap_err());
        let requests = server.requests();
        assert_eq!(requests.len(), 2);
        assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("GET", path));
        assert!(requests[0].body.is_empty());
        let key = if api == Api::Anthropic { "x-api-key" } else { "authorization" };
        assert!(requests[0].header(key).unwrap().ends_with(KEY));
        assert_eq!(requests[0].header("anthropic-version").is_some(), api == Api::Anthropic);
    }
}

#[tokio::test]
async fn certificates_of_the_operator_are_taken() {
    use openanalyst_test_https::{Answer, Server};
    let server = Server::start(&["localhost"], |_| Answer::ok(whole(Api::OpenAi, "Hi"))).await;
    let mut options = LlmOptions::new(Api::OpenAi, "model-1");
    options.base_url = format!("https://localhost:{}/v1", server.address.port()).parse().unwrap();
    options.retries = 0;
    let stranger = LlmClient::new(options.clone()).unwrap();
    let (detail, _) = unavailable(stranger.complete(&prompt("?"), None).await.unwrap_err());
    assert!(detail.contains("cannot be connected to"), "{detail}");
    options.ca = openanalyst_egress::read_certificates(server.authority.as_bytes()).unwrap();
    let client = LlmClient::new(options).unwrap();
    assert_eq!(client.complete(&prompt("?"), None).await.unwrap(), answered("Hi"));
    let body: Value = serde_json::from_slice(&server.requests()[0].body).unwrap();
    assert_eq!(body["model"], "model-1");
}

#[test]
fn futures_can_be_sent_between_threads() {
    fn sent<T: Send>(_: T) {}
    let client = LlmClient::new(LlmOptions::new(Api::OpenAi, "model-1")).unwrap();
    let prompt = prompt("?");
    sent(client.complete(&prompt, None));
    sent(client.stream(&prompt, None, &mut |_| {}));
}
