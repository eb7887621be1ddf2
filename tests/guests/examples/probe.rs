//! A skill that does what the member `do` of its arguments says: once with each function of the contract, and up to each limit.
//!
//! `n` says how often or how much. The result is a JSON document about what happened; a host call's failure is handed on.

use std::io::Write as _;
use std::time::{Duration, Instant};

use openanalyst_test_guests::exports::openanalyst::skill::handler::Guest;
use openanalyst_test_guests::openanalyst::skill::types::{
    Action, Attempt, Context, Failure, Inputs, Output, Plan, Question, Reply, Request, ScriptCall, Step, StepResult,
};
use openanalyst_test_guests::openanalyst::skill::{
    http, llm, log, memory, progress, secrets, skills, web_search, windmill,
};
use serde_json::{Value, json};

struct Probe;

openanalyst_test_guests::export!(Probe);

impl Guest for Probe {
    fn plan(request: Request, context: Context) -> Result<Plan, Failure> {
        if request.content.is_empty() {
            let question =
                Question { id: "what".to_owned(), text: "What?".to_owned(), options: vec!["this".to_owned()] };
            return Ok(Plan { steps: Vec::new(), questions: vec![question] });
        }
        let step = Step {
            id: "only".to_owned(),
            title: request.content,
            action: Action::Script(ScriptCall {
                path: format!("{}/script", request.user_folder),
                arguments: json!({ "now": context.now_ms }).to_string(),
            }),
            expects: Vec::new(),
        };
        Ok(Plan { steps: vec![step], questions: Vec::new() })
    }

    fn run(step: Step, inputs: Inputs, attempt: Attempt) -> Result<Output, Failure> {
        let arguments: Value =
            serde_json::from_str(&inputs.arguments).map_err(|error| Failure::Invalid(format!("no JSON: {error}")))?;
        let result = act(&arguments, &step, &attempt)?;
        Ok(Output { result: result.to_string(), summary: None })
    }

    fn reply(request: Request, results: Vec<StepResult>) -> Result<Reply, Failure> {
        let outputs: Vec<&str> = results.iter().map(|result| result.output.as_str()).collect();
        Ok(Reply { content: format!("{}: {}", request.content, outputs.join(", ")), data: None, questions: Vec::new() })
    }
}

fn act(arguments: &Value, step: &Step, attempt: &Attempt) -> Result<Value, Failure> {
    let n = arguments["n"].as_u64().unwrap_or(1);
    let size = usize::try_from(n).unwrap_or(usize::MAX);
    let text = arguments["text"].as_str().unwrap_or("text");
    Ok(match arguments["do"].as_str().unwrap_or_default() {
        "echo" => json!({ "arguments": arguments, "step": step.id, "attempt": attempt.number }),
        "fail" => return Err(fail(text)),
        "panic" => panic!("{text}"),
        "exit" => std::process::exit(7),
        "world" => world(),
        "log" => {
            for _ in 0..n {
                log::write(log::Level::Warn, text);
            }
            Value::Null
        }
        "log-bytes" => {
            log::write(log::Level::Info, &"x".repeat(size));
            Value::Null
        }
        "print" => {
            print!("{text}");
            std::io::stdout().flush().map_err(|error| Failure::Failed(error.to_string()))?;
            eprintln!("to standard error");
            Value::Null
        }
        "progress" => {
            for number in 0..n {
                progress::report(&format!("{text} {number}"), u8::try_from(number).ok());
            }
            Value::Null
        }
        "allocate" => {
            let mut bytes = vec![0_u8; size];
            bytes.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
            json!(bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>())
        }
        "output" => json!("x".repeat(size.saturating_sub(2))),
        "sleep" => {
            let began = Instant::now();
            std::thread::sleep(Duration::from_millis(n));
            json!(began.elapsed() >= Duration::from_millis(n))
        }
        "loop" => loop {
            std::hint::black_box(0);
        },
        "memory-get" => {
            let mut last = None;
            for _ in 0..n {
                last = memory::get(scope(arguments), text)?;
            }
            json!(last.map(|entry| entry.value))
        }
        "memory-put" => {
            let options = memory::PutOptions { expected_version: None, ttl_ms: None };
            let value = json!("x".repeat(size)).to_string();
            match memory::put(scope(arguments), text, &value, options)? {
                memory::PutOutcome::Stored(version) => json!({ "stored": version }),
                memory::PutOutcome::Conflict(version) => json!({ "conflict": version }),
            }
        }
        "memory-list" => {
            let page = memory::list(scope(arguments), text, 1_000_000, None)?;
            json!(page.entries.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>())
        }
        "memory-search" => json!(memory::search(scope(arguments), text, 10)?.len()),
        "memory-delete" => json!(memory::delete(scope(arguments), text)?),
        "start" => start(arguments, n)?,
        "wait" => {
            let job = windmill::run_script(text, "{}", &options())?;
            let state = job.wait(Some(n))?;
            json!({ "id": job.id(), "status": format!("{:?}", state.status), "result": state.result })
        }
        "cancel" => {
            format!("{:?}", windmill::run_flow(text, "", &options())?.cancel("no longer needed")?.status).into()
        }
        "list" => {
            let page = windmill::list(kind(arguments), text, 10, None)?;
            json!(page.items.iter().map(|item| item.path.as_str()).collect::<Vec<_>>())
        }
        "delete" => json!(windmill::delete(kind(arguments), text)?),
        "create" => create(arguments, text)?,
        "search" => json!(web_search::search(text, 5)?.len()),
        "ask" => {
            let message = llm::Message { role: llm::Role::User, content: text.to_owned() };
            let prompt =
                llm::Prompt { system: None, messages: vec![message], max_tokens: Some(10), temperature: Some(0.5) };
            json!(llm::complete(&prompt)?.content)
        }
        "fetch" => json!(http::fetch(&get(text))?.status),
        "fetch-many" => {
            let pending = (0..n).map(|_| http::start(&get(text))).collect::<Result<Vec<_>, _>>()?;
            let statuses = pending.iter().map(http::Pending::wait).collect::<Result<Vec<_>, _>>()?;
            json!(statuses.len())
        }
        "fetch-twice" => {
            let pending = http::start(&get(text))?;
            pending.wait()?;
            json!(pending.wait()?.status)
        }
        "secret" => json!(secrets::exists(text)?),
        "call" => {
            let mut last = String::new();
            for _ in 0..n {
                last = skills::call(text, "please", &arguments["with"].to_string())?.result;
            }
            serde_json::from_str(&last).unwrap_or_default()
        }
        other => return Err(Failure::Invalid(format!("the probe cannot `{other}`"))),
    })
}

fn fail(text: &str) -> Failure {
    match text {
        "denied" => Failure::Denied("no".to_owned()),
        "not-found" => Failure::NotFound("gone".to_owned()),
        "failed" => Failure::Failed("broken".to_owned()),
        _ => Failure::Invalid(text.to_owned()),
    }
}

/// What of the machine can be seen from here.
fn world() -> Value {
    json!({
        "arguments": std::env::args().count(),
        "environment": std::env::vars().count(),
        "input": std::io::read_to_string(std::io::stdin()).map(|text| text.len()).ok(),
        "root": std::fs::read_dir("/").is_ok(),
        "here": std::fs::read_dir(".").is_ok(),
        "file": std::fs::read("/etc/passwd").is_ok(),
        "write": std::fs::write("x", "y").is_ok(),
    })
}

fn scope(arguments: &Value) -> memory::Scope {
    if arguments["scope"] == "tenant" { memory::Scope::Tenant } else { memory::Scope::User }
}

fn kind(arguments: &Value) -> windmill::Kind {
    match arguments["kind"].as_str() {
        Some("flow") => windmill::Kind::Flow,
        Some("app") => windmill::Kind::App,
        Some("schedule") => windmill::Kind::Schedule,
        Some("job") => windmill::Kind::Job,
        _ => windmill::Kind::Script,
    }
}

fn options() -> windmill::RunOptions {
    windmill::RunOptions { scheduled_for_ms: None, idempotency_key: None }
}

/// Starts `n` jobs and holds all their handles; with `drop` it lets go of each at once.
fn start(arguments: &Value, n: u64) -> Result<Value, Failure> {
    let path = arguments["text"].as_str().unwrap_or("f/shared/script");
    let mut held = Vec::new();
    for _ in 0..n {
        let job = windmill::run_script(path, "{\"a\":1}", &options())?;
        if arguments["drop"] != true {
            held.push(job);
        }
    }
    Ok(json!(held.iter().map(windmill::Job::id).collect::<Vec<_>>()))
}

fn create(arguments: &Value, path: &str) -> Result<Value, Failure> {
    let (path, summary, value) = (path.to_owned(), String::new(), arguments["value"].to_string());
    match kind(arguments) {
        windmill::Kind::Flow => windmill::create_flow(&windmill::FlowDefinition { path, summary, value })?,
        windmill::Kind::App => windmill::create_app(&windmill::App { path, summary, value })?,
        windmill::Kind::Schedule => windmill::create_schedule(&windmill::Schedule {
            path,
            summary,
            cron: "0 0 9 * * 1".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            script_path: arguments["script"].as_str().unwrap_or_default().to_owned(),
            is_flow: false,
            arguments: "{}".to_owned(),
            enabled: true,
        })?,
        _ => {
            let script = windmill::Script { path, summary, language: "bun".to_owned(), content: value };
            windmill::create_script(&script)?;
        }
    }
    Ok(Value::Null)
}

fn get(url: &str) -> http::Request {
    http::Request { method: "GET".to_owned(), url: url.to_owned(), headers: Vec::new(), body: None, timeout_ms: None }
}
