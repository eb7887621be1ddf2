//! What is made of good answers.

use openanalyst_providers::llm::{Api, Prompt, Stop};
use serde_json::json;

use super::{APIS, TEXT, answered, beginning, client, ending, piece, prompt, stream, streamed, whole};
use crate::common::{Reply, SIZES, Server};

#[tokio::test]
async fn a_stream_is_the_same_however_it_is_cut_and_framed() {
    for api in APIS {
        let framings = [
            streamed(api),
            streamed(api).replace('\n', "\r\n"),
            streamed(api).replace('\n', "\r"),
            format!("\u{feff}{}", streamed(api)),
            format!("\n\n: hello\n\n{}", streamed(api)),
        ];
        for framing in framings {
            let server = Server::start(SIZES.map(|size| Reply::stream(&framing, size))).await;
            let client = client(api, &server);
            for size in SIZES {
                let (ended, pieces) = stream(&client, &prompt("?")).await;
                assert_eq!(ended.unwrap(), answered(TEXT), "{api:?} {size}");
                assert_eq!(pieces, ["Grüße, ", "世界! ", "🦀"], "{api:?} {size}");
            }
        }
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_last_event_and_not_with_its_connection() {
    for api in APIS {
        // After the end everything is passed over, and nobody waits for more.
        let more = streamed(api) + &piece(api, "more");
        let server = Server::start([Reply::open(more, 4096)]).await;
        let (ended, pieces) = stream(&client(api, &server), &prompt("?")).await;
        assert_eq!((ended.unwrap(), pieces.concat()), (answered(TEXT), TEXT.to_owned()));
    }
}

#[tokio::test]
async fn a_server_without_streams_answers_at_once() {
    for api in APIS {
        let server = Server::start([Reply::new(200, whole(api, "Hi")), Reply::stream(whole(api, "Hi"), 1)]).await;
        let client = client(api, &server);
        for _ in 0..2 {
            let (ended, pieces) = stream(&client, &prompt("?")).await;
            assert_eq!((ended.unwrap(), pieces), (answered("Hi"), vec!["Hi".to_owned()]));
        }
    }
}

#[tokio::test]
async fn what_is_not_known_is_passed_over() {
    let unknown = "event: nobody_knows\ndata: this is no JSON\n\n\
        data: {\"type\":\"nobody_knows\",\"x\":1}\n\n\
        data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n\
        data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\n\n\
        data: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"input\":{}}}\n\n\
        event: empty\n\ndata:\n\n";
    let body = beginning(Api::Anthropic) + unknown + ending(Api::Anthropic);
    let server = Server::start([Reply::stream(body, 3)]).await;
    let (ended, pieces) = stream(&client(Api::Anthropic, &server), &prompt("?")).await;
    assert_eq!((ended.unwrap(), pieces.concat()), (answered(TEXT), TEXT.to_owned()));

    let body = json!({
        "model": "model-1-2026", "stop_reason": "end_turn", "usage": { "input_tokens": 11, "output_tokens": 7, "x": {} },
        "content": [{ "type": "thinking", "thinking": "hm" }, { "type": "text", "text": "a" }, { "type": "x" },
                    { "type": "text", "text": "b" }],
    });
    let server = Server::start([Reply::new(200, body.to_string())]).await;
    assert_eq!(client(Api::Anthropic, &server).complete(&prompt("?"), None).await.unwrap(), answered("ab"));

    let unknown = "data: {\"object\":\"nobody knows\"}\n\nevent: x\ndata: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n\
        data: {\"choices\":[{\"delta\":null}]}\n\ndata: {\"choices\":null}\n\n";
    let body = beginning(Api::OpenAi) + unknown + ending(Api::OpenAi);
    let server = Server::start([Reply::stream(body, 3)]).await;
    let (ended, pieces) = stream(&client(Api::OpenAi, &server), &prompt("?")).await;
    assert_eq!((ended.unwrap(), pieces.concat()), (answered(TEXT), TEXT.to_owned()));
}

#[tokio::test]
async fn every_reason_to_stop_is_one_of_three() {
    let table = [
        (Api::Anthropic, "end_turn", Stop::End),
        (Api::Anthropic, "stop_sequence", Stop::End),
        (Api::Anthropic, "max_tokens", Stop::MaxTokens),
        (Api::Anthropic, "model_context_window_exceeded", Stop::MaxTokens),
        (Api::Anthropic, "refusal", Stop::Refusal),
        (Api::Anthropic, "nobody_knows", Stop::End),
        (Api::OpenAi, "stop", Stop::End),
        (Api::OpenAi, "length", Stop::MaxTokens),
        (Api::OpenAi, "content_filter", Stop::Refusal),
        (Api::OpenAi, "nobody_knows", Stop::End),
    ];
    for (api, reason, stop) in table {
        let usual = if api == Api::OpenAi { "\"stop\"" } else { "\"end_turn\"" };
        let reason = format!("\"{reason}\"");
        let server = Server::start([
            Reply::new(200, whole(api, "Hi").replace(usual, &reason)),
            Reply::stream(streamed(api).replace(usual, &reason), 7),
        ])
        .await;
        let client = client(api, &server);
        assert_eq!(client.complete(&prompt("?"), None).await.unwrap().stop, stop, "{reason}");
        assert_eq!(stream(&client, &prompt("?")).await.0.unwrap().stop, stop, "{reason}");
    }
}

#[tokio::test]
async fn openai_says_a_refusal_in_a_place_of_its_own() {
    let said = json!({ "choices": [{ "message": { "content": null, "refusal": "No." }, "finish_reason": "stop" }] });
    let chunks = "data: {\"choices\":[{\"delta\":{\"refusal\":\"No.\"}}]}\n\n\
        data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let server = Server::start([Reply::new(200, said.to_string()), Reply::stream(chunks, 7)]).await;
    let client = client(Api::OpenAi, &server);
    let first = client.complete(&prompt("?"), None).await.unwrap();
    let (second, pieces) = stream(&client, &prompt("?")).await;
    for completion in [first, second.unwrap()] {
        assert_eq!((completion.content.as_str(), completion.stop), ("No.", Stop::Refusal));
    }
    assert_eq!(pieces, ["No."]);
}

#[tokio::test]
async fn content_may_be_null_or_parts() {
    let table =
        [(json!(null), ""), (json!("a"), "a"), (json!([{ "type": "text", "text": "a" }, { "text": "b" }, {}]), "ab")];
    for (content, text) in table {
        let body = json!({ "choices": [{ "message": { "content": content } }] }).to_string();
        let chunk = json!({ "choices": [{ "delta": { "content": content } }] });
        let server =
            Server::start([Reply::new(200, body), Reply::stream(format!("data: {chunk}\n\ndata: [DONE]\n\n"), 7)])
                .await;
        let client = client(Api::OpenAi, &server);
        assert_eq!(client.complete(&prompt("?"), None).await.unwrap().content, text);
        let (ended, pieces) = stream(&client, &prompt("?")).await;
        assert_eq!((ended.unwrap().content.as_str(), pieces.concat().as_str()), (text, text));
        assert!(!pieces.contains(&String::new()));
    }
}

#[tokio::test]
async fn tokens_that_nobody_counted_are_estimated() {
    let asked = Prompt { system: Some("é".repeat(6)), ..prompt("abc") };
    let cases = [
        (Api::Anthropic, json!({ "content": [{ "type": "text", "text": "世界世界世" }] })),
        (
            Api::Anthropic,
            json!({ "content": [{ "type": "text", "text": "世界世界世" }], "usage": { "input_tokens": 0, "output_tokens": 0 } }),
        ),
        (Api::OpenAi, json!({ "choices": [{ "message": { "content": "世界世界世" } }] })),
        (Api::OpenAi, json!({ "choices": [{ "message": { "content": "世界世界世" } }], "usage": null })),
    ];
    for (api, body) in cases {
        let server = Server::start([Reply::new(200, body.to_string())]).await;
        let completion = client(api, &server).complete(&asked, None).await.unwrap();
        // 9 characters and 5, a quarter of each, rounded up.
        assert_eq!((completion.input_tokens, completion.output_tokens), (3, 2));
        assert_eq!(completion.model, "model-1");
    }
}

#[tokio::test]
async fn tokens_from_a_cache_were_read_too() {
    let usage =
        "{\"input_tokens\":1,\"cache_creation_input_tokens\":20,\"cache_read_input_tokens\":300,\"output_tokens\":7}";
    let usual = "{\"input_tokens\":11,\"output_tokens\":1}";
    let body = streamed(Api::Anthropic).replace(usual, usage);
    assert!(body.contains(usage));
    let server = Server::start([Reply::stream(body, 4096)]).await;
    let completion = stream(&client(Api::Anthropic, &server), &prompt("?")).await.0.unwrap();
    assert_eq!((completion.input_tokens, completion.output_tokens), (321, 7));
}
