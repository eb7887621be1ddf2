//! Language models: what goes over the wire, and what comes of everything that a server can answer.

mod again;
mod doctor;
mod limits;
mod sent;
mod understood;
mod wrong;

use std::time::Duration;

use crate::common::{KEY, Server};
use openanalyst_domain::Failure;
use openanalyst_providers::llm::{Api, Completion, LlmClient, LlmOptions, Message, Prompt, Role, Stop};
use serde_json::json;

const APIS: [Api; 2] = [Api::Anthropic, Api::OpenAi];
/// The text of the streams below.
const TEXT: &str = "Grüße, 世界! 🦀";

fn options(api: Api, server: &Server) -> LlmOptions {
    let mut options = LlmOptions::new(api, "model-1");
    options.base_url = server.url(if api == Api::OpenAi { "/v1" } else { "" });
    options.api_key = Some(KEY.into());
    options.backoff = Duration::from_millis(1);
    options
}

fn client(api: Api, server: &Server) -> LlmClient {
    LlmClient::new(options(api, server)).unwrap()
}

fn prompt(text: &str) -> Prompt {
    Prompt { messages: vec![Message { role: Role::User, content: text.to_owned() }], ..Prompt::default() }
}

/// A stream's outcome, and the pieces that came before it.
async fn stream(client: &LlmClient, prompt: &Prompt) -> (Result<Completion, Failure>, Vec<String>) {
    let mut pieces = Vec::new();
    let ended = client.stream(prompt, None, &mut |piece: &str| pieces.push(piece.to_owned())).await;
    (ended, pieces)
}

/// A whole answer that says this.
fn whole(api: Api, text: &str) -> String {
    match api {
        Api::Anthropic => json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "model-1-2026",
            "content": [{ "type": "text", "text": text }],
            "stop_reason": "end_turn", "stop_sequence": null,
            "usage": { "input_tokens": 11, "output_tokens": 7 },
        }),
        Api::OpenAi => json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "model-1-2026",
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": text, "refusal": null },
                          "logprobs": null, "finish_reason": "stop" }],
            "usage": { "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18 },
        }),
    }
    .to_string()
}

/// The same as a stream, without its end.
fn beginning(api: Api) -> String {
    match api {
        Api::Anthropic => "event: message_start\n\
             data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\
             \"model\":\"model-1-2026\",\"stop_reason\":null,\"usage\":{\"input_tokens\":11,\"output_tokens\":1}}}\n\n\
             event: content_block_start\n\
             data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
             event: ping\ndata: {\"type\": \"ping\"}\n\n\
             event: content_block_delta\n\
             data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Grüße, \"}}\n\n\
             : a comment\n\n\
             event: content_block_delta\n\
             data: {\"type\":\"content_block_delta\",\ndata: \"index\":0,\"delta\":\ndata:{\"type\":\"text_delta\",\"text\":\"世界! \"}}\n\n\
             event: content_block_delta\nid: 4\nretry: 10\n\
             data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"\\ud83e\\udd80\"}}\n\n\
             event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
             event: message_delta\n\
             data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":7}}\n\n"
            .to_owned(),
        Api::OpenAi => "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"model-1-2026\",\
             \"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}],\"usage\":null}\n\n\
             data: {\"model\":\"model-1-2026\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Grüße, \"},\"finish_reason\":null}]}\n\n\
             : a comment\n\n\
             data: {\"choices\":[{\"index\":0,\ndata: \"delta\":\ndata:{\"content\":\"世界! \"}}]}\n\n\
             data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\ud83e\\udd80\"}}]}\n\n\
             data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":null},\"finish_reason\":\"stop\"}]}\n\n\
             data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":7,\"total_tokens\":18}}\n\n"
            .to_owned(),
    }
}

fn ending(api: Api) -> &'static str {
    match api {
        Api::Anthropic => "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        Api::OpenAi => "data: [DONE]\n\n",
    }
}

fn streamed(api: Api) -> String {
    beginning(api) + ending(api)
}

/// An event with a piece of text.
fn piece(api: Api, text: &str) -> String {
    let data = match api {
        Api::Anthropic => {
            json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text } })
        }
        Api::OpenAi => json!({ "choices": [{ "index": 0, "delta": { "content": text } }] }),
    };
    format!("data: {data}\n\n")
}

fn answered(content: &str) -> Completion {
    Completion {
        content: content.to_owned(),
        model: "model-1-2026".to_owned(),
        stop: Stop::End,
        input_tokens: 11,
        output_tokens: 7,
    }
}
