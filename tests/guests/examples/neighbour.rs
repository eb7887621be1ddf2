//! A skill that puts load on its host, for the noisy-neighbour bench. The words of the request say
//! how:
//!
//! | request | does |
//! |---|---|
//! | `neighbour spin` | computes until its CPU budget ends |
//! | `neighbour keep NAME` | stores the script `NAME` (see [`script`]) in the user's folder |
//! | `neighbour start NAME` | runs that script as a step |
//! | `neighbour tick FROM TO` | stores schedules `FROM` up to `TO`, each of every second, or of every minute where the host refuses that |
//! | `neighbour deep DEPTH` | expects a JSON Schema that nests `anyOf` so deep |
//! | `neighbour refer COUNT BYTES` | refers so often to an earlier result of that size |
//! | `neighbour large BYTES` | answers with a text of that size |

use openanalyst_test_guests::exports::openanalyst::skill::handler::Guest;
use openanalyst_test_guests::openanalyst::skill::types::{Action, Check, Expectation, Failure};
use openanalyst_test_guests::openanalyst::skill::types::{Attempt, Context, Inputs, Output, Plan};
use openanalyst_test_guests::openanalyst::skill::types::{Reply, Request, Step, StepResult};
use openanalyst_test_guests::openanalyst::skill::{types::ScriptCall, windmill};
use serde_json::{Map, Value, json};

struct Neighbour;

openanalyst_test_guests::export!(Neighbour);

impl Guest for Neighbour {
    fn plan(request: Request, _: Context) -> Result<Plan, Failure> {
        let words: Vec<&str> = request.content.split_whitespace().skip(1).collect();
        let steps = match words.first().copied().unwrap_or_default() {
            "start" => {
                let path = path(&request, words.get(1).copied().unwrap_or_default());
                let call = ScriptCall { path, arguments: "{}".to_owned() };
                vec![step("only", Action::Script(call))]
            }
            "deep" => {
                let schema = nested(number(&words, 1)?).to_string();
                let expectation = Expectation {
                    pointer: String::new(),
                    check: Check::Schema(schema),
                    description: "it is one of many".to_owned(),
                };
                let only = step("only", Action::Run(json!(["text"]).to_string()));
                vec![Step { expects: vec![expectation], ..only }]
            }
            "refer" => {
                let big = json!(["big", number(&words, 2)?]);
                let reference = json!({ "$from": "a#/big" });
                let references = vec![reference; number(&words, 1)?];
                let second = json!({ "references": references });
                let (big, second) = (big.to_string(), second.to_string());
                vec![step("a", Action::Run(big)), step("b", Action::Run(second))]
            }
            _ => vec![step("only", Action::Run(json!(words).to_string()))],
        };
        Ok(Plan { steps, questions: Vec::new() })
    }

    fn run(_: Step, inputs: Inputs, _: Attempt) -> Result<Output, Failure> {
        let arguments = serde_json::from_str(&inputs.arguments);
        let arguments: Value = arguments.map_err(|error| invalid(&error.to_string()))?;
        let result = match arguments.as_array() {
            Some(words) => act(words, &inputs.request)?,
            None => json!(arguments["references"].as_array().map(Vec::len)),
        };
        Ok(Output { result: result.to_string(), summary: None })
    }

    fn reply(_: Request, results: Vec<StepResult>) -> Result<Reply, Failure> {
        let last = results.last().map(|result| result.output.clone());
        let last = last.unwrap_or_default();
        Ok(Reply { content: format!("done {last}"), data: None, questions: Vec::new() })
    }
}

fn act(words: &[Value], request: &Request) -> Result<Value, Failure> {
    let texts: Vec<String> = words.iter().map(text).collect();
    let words: Vec<&str> = texts.iter().map(String::as_str).collect();
    Ok(match words.first().copied().unwrap_or_default() {
        "spin" => loop {
            std::hint::black_box(());
        },
        "keep" => {
            let name = words.get(1).copied().unwrap_or_default();
            windmill::create_script(&windmill::Script {
                path: path(request, name),
                summary: name.to_owned(),
                language: "bun".to_owned(),
                content: script(name)?.to_owned(),
            })?;
            json!(name)
        }
        "tick" => {
            let (from, to) = (number(&words, 1)?, number(&words, 2)?);
            for place in from..to {
                let schedule = every_second(request, place);
                // As often as the host allows.
                let often = windmill::create_schedule(&schedule);
                if matches!(often, Err(Failure::Invalid(_))) {
                    let cron = "0 * * * * *".to_owned();
                    windmill::create_schedule(&windmill::Schedule { cron, ..schedule })?;
                } else {
                    often?;
                }
            }
            json!(to.saturating_sub(from))
        }
        "big" => json!({ "big": "x".repeat(number(&words, 1)?) }),
        "large" => {
            let size = number(&words, 1)?;
            let mut long = "many words of a long answer ".repeat(size / 28 + 1);
            long.truncate(size);
            json!(long)
        }
        "text" => json!("text"),
        other => return Err(invalid(&format!("`{other}` is nothing that this skill does"))),
    })
}

/// The program of a script.
fn script(name: &str) -> Result<&'static str, Failure> {
    Ok(match name {
        "endless" => "export async function main() { for (;;) {} }",
        "sleeping" => {
            "export async function main() {
                for (;;) await new Promise((resolve) => setTimeout(resolve, 1000));
            }"
        }
        "ticking" => "export async function main() { return 1; }",
        other => return Err(invalid(&format!("there is no script `{other}`"))),
    })
}

fn every_second(request: &Request, place: usize) -> windmill::Schedule {
    windmill::Schedule {
        path: path(request, &format!("each_second_{place}")),
        summary: String::new(),
        cron: "* * * * * *".to_owned(),
        time_zone: "UTC".to_owned(),
        script_path: path(request, "ticking"),
        is_flow: false,
        arguments: "{}".to_owned(),
        enabled: true,
    }
}

/// A schema of `depth` levels, each of which allows the level below in two ways. No text satisfies
/// it, and a validator that remembers nothing tries `2^depth` ways before it knows.
fn nested(depth: usize) -> Value {
    let mut levels = Map::new();
    levels.insert("level0".to_owned(), json!({ "type": "integer" }));
    for level in 1..=depth {
        let below = json!({ "$ref": format!("#/$defs/level{}", level - 1) });
        levels.insert(format!("level{level}"), json!({ "anyOf": [below, below] }));
    }
    json!({ "$defs": levels, "$ref": format!("#/$defs/level{depth}") })
}

fn step(id: &str, action: Action) -> Step {
    Step { id: id.to_owned(), title: id.to_owned(), action, expects: Vec::new() }
}

fn path(request: &Request, name: &str) -> String {
    format!("{}/{name}", request.user_folder)
}

fn number(words: &[&str], place: usize) -> Result<usize, Failure> {
    let word = words.get(place).copied().unwrap_or_default();
    word.parse().map_err(|_| invalid(&format!("`{word}` is no number")))
}

fn invalid(what: &str) -> Failure {
    Failure::Invalid(what.to_owned())
}

fn text(word: &Value) -> String {
    word.as_str().map_or_else(|| word.to_string(), str::to_owned)
}
