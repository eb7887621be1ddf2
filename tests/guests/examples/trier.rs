//! A skill for the tests of the brain: its plan, what each attempt gives, and what it asks of the host stand in the JSON document in the
//! request.
//!
//! `{"steps": [{"id", "run": {…} | "script": PATH | "skill": NAME, "arguments", "expects": [{"pointer", CHECK: VALUE}]}], "afterFailure": [steps]}`.
//! `run` may have `do` (a list of host calls, see `act`), `give` (what each attempt gives, the last one for the rest), `learned` and `answered` (what it gives once there is
//! a learning or an answer), `fail` (the failure of each attempt). `failPlan` and `failReply` say how often a plan or a reply fails (it counts in the memory).

use openanalyst_test_guests::exports::openanalyst::skill::handler::Guest;
use openanalyst_test_guests::openanalyst::skill::types::{
    Action, Attempt, Check, Context, Expectation, Failure, Inputs, NumericRange, Output, Plan, Reply, Request,
    ScriptCall, Similarity, SkillCall, Step, StepResult, Unavailable,
};
use openanalyst_test_guests::openanalyst::skill::{http, llm, log, memory, skills, web_search, windmill};
use serde_json::{Value, json};

struct Trier;

openanalyst_test_guests::export!(Trier);

fn document(request: &Request) -> Result<Value, Failure> {
    let text = request.content.find('{').map_or("{}", |at| &request.content[at..]);
    serde_json::from_str(text).map_err(|error| Failure::Invalid(format!("no JSON: {error}")))
}

impl Guest for Trier {
    fn plan(request: Request, context: Context) -> Result<Plan, Failure> {
        let document = document(&request)?;
        fail_first(&document, "failPlan")?;
        let failed_before = context.learnings.iter().any(|learning| learning.source == "failure");
        let steps = match &document["afterFailure"] {
            other @ Value::Array(_) if failed_before => other,
            _ => &document["steps"],
        };
        let many = document["many"].as_u64().unwrap_or(0);
        let many = (0..many).map(|n| step(&json!({"id": format!("s{n}"), "run": {}})));
        let steps = steps.as_array().into_iter().flatten().map(step).chain(many);
        Ok(Plan { steps: steps.collect::<Result<_, _>>()?, questions: Vec::new() })
    }

    fn run(_: Step, inputs: Inputs, attempt: Attempt) -> Result<Output, Failure> {
        let arguments: Value =
            serde_json::from_str(&inputs.arguments).map_err(|error| Failure::Invalid(format!("no JSON: {error}")))?;
        if let Some(check) = arguments.get("check") {
            if let Some(reason) = check.as_str().and_then(|check| check.strip_prefix("denied: ")) {
                return Err(Failure::Denied(reason.to_owned()));
            }
            let met = arguments["result"] == *check;
            let differences = if met { json!([]) } else { json!([format!("it is not {check}")]) };
            return output(&json!({ "met": met, "differences": differences }));
        }
        let number = usize::try_from(attempt.number).unwrap_or(usize::MAX) - 1;
        let mut gave = Vec::new();
        for call in arguments["do"].as_array().into_iter().flatten() {
            gave.push(act(call, &inputs, &attempt)?);
        }
        if let Some(failure) = arguments["fail"].as_array().and_then(|list| list.get(number)).and_then(Value::as_str) {
            return Err(match failure {
                "" => return output(&json!("recovered")),
                "invalid" => Failure::Invalid("the input makes no sense".to_owned()),
                "denied" => Failure::Denied("not granted".to_owned()),
                "unavailable" => {
                    let detail = format!("the service is away ({})", attempt.number);
                    Failure::Unavailable(Unavailable { detail, retry_after_ms: Some(1) })
                }
                other => Failure::Failed(other.to_owned()),
            });
        }
        let learned = arguments.get("learned").filter(|_| attempt.learning.is_some());
        let answered = arguments.get("answered").filter(|_| !inputs.request.answers.is_empty());
        if let Some(value) = answered.or(learned) {
            return output(value);
        }
        match arguments["give"].as_array() {
            Some(list) => output(list.get(number).or(list.last()).unwrap_or(&Value::Null)),
            None => output(&json!({ "gave": gave, "attempt": attempt.number, "differences": attempt.differences })),
        }
    }

    fn reply(request: Request, results: Vec<StepResult>) -> Result<Reply, Failure> {
        let document = document(&request)?;
        fail_first(&document, "failReply")?;
        for call in document["reply"].as_array().into_iter().flatten() {
            act_alone(call)?;
        }
        let outputs: Vec<Value> =
            results.iter().map(|result| serde_json::from_str(&result.output).unwrap_or_default()).collect();
        let data = json!({ "outputs": outputs, "attempts": results.iter().map(|r| r.attempts).collect::<Vec<_>>() });
        Ok(Reply { content: json!(outputs).to_string(), data: Some(data.to_string()), questions: Vec::new() })
    }
}

/// Fails as often as the document says, and then no more: each failure is counted under a key of its own.
fn fail_first(document: &Value, name: &str) -> Result<(), Failure> {
    let times = document[name].as_u64().unwrap_or(0);
    for number in 1..=times {
        let key = format!("{name}/{number}");
        if memory::get(memory::Scope::User, &key)?.is_none() {
            let options = memory::PutOptions { expected_version: None, ttl_ms: None };
            memory::put(memory::Scope::User, &key, "1", options)?;
            return Err(Failure::Failed(format!("{name} number {number}")));
        }
    }
    Ok(())
}

fn output(value: &Value) -> Result<Output, Failure> {
    Ok(Output { result: value.to_string(), summary: None })
}

fn step(value: &Value) -> Result<Step, Failure> {
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let arguments = value.get("arguments").map_or_else(|| "{}".to_owned(), Value::to_string);
    let action = if value["script"].is_string() {
        Action::Script(ScriptCall { path: text("script"), arguments })
    } else if value["skill"].is_string() {
        Action::Skill(SkillCall { skill: text("skill"), content: text("content"), arguments })
    } else {
        Action::Run(value["run"].to_string())
    };
    let title = value["title"].as_str().unwrap_or("Try it").to_owned();
    let expects = value["expects"].as_array().into_iter().flatten().map(expectation).collect();
    Ok(Step { id: text("id"), title, action, expects })
}

fn expectation(value: &Value) -> Expectation {
    let check = value.as_object().into_iter().flatten().find_map(|(name, value)| {
        let text = || value.as_str().unwrap_or_default().to_owned();
        Some(match name.as_str() {
            "present" => Check::Present,
            "exact" => Check::Exact(value.to_string()),
            "schema" => Check::Schema(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
            "contains" => Check::Contains(text()),
            "matches" => Check::Matches(text()),
            "similar" => Check::Similar(Similarity { text: text(), threshold: 0.7 }),
            "within" => Check::Within(NumericRange { min: value[0].as_f64(), max: value[1].as_f64() }),
            "bySkill" => Check::BySkill(json!({ "check": value }).to_string()),
            _ => return None,
        })
    });
    let description = value["description"].as_str().unwrap_or("it is as it should be").to_owned();
    let pointer = value["pointer"].as_str().unwrap_or_default().to_owned();
    Expectation { pointer, check: check.unwrap_or(Check::Present), description }
}

fn act(call: &Value, inputs: &Inputs, attempt: &Attempt) -> Result<Value, Failure> {
    match call["call"].as_str().unwrap_or_default() {
        "attempt" => Ok(json!(attempt.number)),
        "differences" => Ok(json!(attempt.differences)),
        "user-folder" => Ok(json!(inputs.request.user_folder)),
        _ => act_alone(call),
    }
}

fn act_alone(call: &Value) -> Result<Value, Failure> {
    let text = |name: &str| call[name].as_str().unwrap_or_default();
    Ok(match text("call") {
        "put" => {
            let options =
                memory::PutOptions { expected_version: call["version"].as_u64(), ttl_ms: call["ttlMs"].as_u64() };
            let long = call["long"].as_u64().and_then(|bytes| usize::try_from(bytes).ok());
            let value = long.map_or_else(|| call["value"].clone(), |bytes| json!("x".repeat(bytes)));
            let outcome = memory::put(scope(call), text("key"), &value.to_string(), options)?;
            json!(format!("{outcome:?}"))
        }
        "get" => {
            let entry = memory::get(scope(call), text("key"))?;
            json!(entry.map(|entry| entry.value))
        }
        "delete" => json!(memory::delete(scope(call), text("key"))?),
        "list" => {
            let page = memory::list(scope(call), text("key"), 100, None)?;
            json!(page.entries.into_iter().map(|entry| entry.key).collect::<Vec<_>>())
        }
        "find" => {
            let hits = memory::search(scope(call), text("query"), 10)?;
            json!(hits.into_iter().map(|hit| hit.key).collect::<Vec<_>>())
        }
        // Fails once in its life.
        "fail-first" => {
            let key = text("key");
            if memory::get(memory::Scope::User, key)?.is_none() {
                let options = memory::PutOptions { expected_version: None, ttl_ms: None };
                memory::put(memory::Scope::User, key, "1", options)?;
                return Err(Failure::Failed("the first time it fails".to_owned()));
            }
            Value::Null
        }
        // Reads a number and writes the next one: what must not happen twice.
        "count" => {
            let key = text("key");
            let before = memory::get(memory::Scope::User, key)?;
            let before = before.and_then(|entry| entry.value.parse::<u64>().ok()).unwrap_or(0);
            let options = memory::PutOptions { expected_version: None, ttl_ms: None };
            memory::put(memory::Scope::User, key, &(before + 1).to_string(), options)?;
            json!(before + 1)
        }
        "clock" => {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            json!(u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(0))
        }
        "random" => json!(random()),
        "post" => {
            let response = http::fetch(&http::Request {
                method: text("method").to_owned(),
                url: text("url").to_owned(),
                headers: Vec::new(),
                body: Some(text("body").as_bytes().to_vec()),
                timeout_ms: None,
            })?;
            json!({ "status": response.status, "body": String::from_utf8_lossy(&response.body) })
        }
        "job" => {
            let options = windmill::RunOptions {
                scheduled_for_ms: call["at"].as_u64(),
                idempotency_key: call["key"].as_str().map(str::to_owned),
            };
            let job = windmill::run_script(text("path"), &call["arguments"].to_string(), &options)?;
            log::write(log::Level::Info, "the job was started");
            let state = job.wait(call["timeoutMs"].as_u64())?;
            json!({ "id": job.id(), "status": format!("{:?}", state.status), "result": state.result })
        }
        "search" => {
            let hits = web_search::search(text("query"), 5)?;
            json!(hits.into_iter().map(|hit| hit.title).collect::<Vec<_>>())
        }
        kind @ ("ask" | "stream") => {
            let prompt = llm::Prompt {
                system: None,
                messages: vec![llm::Message { role: llm::Role::User, content: text("prompt").to_owned() }],
                max_tokens: Some(100),
                temperature: None,
            };
            let completion = if kind == "ask" { llm::complete(&prompt)? } else { llm::stream(&prompt)? };
            json!({ "content": completion.content, "tokens": completion.output_tokens })
        }
        "skill" => {
            let output = skills::call(text("skill"), text("content"), &call["arguments"].to_string())?;
            serde_json::from_str(&output.result).unwrap_or_default()
        }
        // Computes for about so long. The clock is recorded, so this takes less time where it is played.
        "work" => {
            let began = std::time::Instant::now();
            let ms = u128::from(call["ms"].as_u64().unwrap_or(0));
            while began.elapsed().as_millis() < ms {
                std::hint::black_box(());
            }
            Value::Null
        }
        // Computes until somebody ends it.
        "spin" => loop {
            std::hint::black_box(());
        },
        // In capitals, which the request has not: so a test finds where the words of the panic come out.
        "panic" => panic!("{}", text("text").to_uppercase()),
        "log" => {
            log::write(log::Level::Info, text("text"));
            Value::Null
        }
        other => return Err(Failure::Invalid(format!("`{other}` is no call"))),
    })
}

fn scope(call: &Value) -> memory::Scope {
    if call["scope"] == "tenant" { memory::Scope::Tenant } else { memory::Scope::User }
}

/// What the standard library draws from `wasi:random` for its hash maps.
fn random() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
