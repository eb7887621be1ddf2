//! Every limit of the budget from both sides: just inside passes, just outside gets exactly its reason.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use openanalyst_domain::{Budget, LimitReason};
use openanalyst_guest_fixtures::Core;
use openanalyst_runtime::{Call, CallError};
use serde_json::{Value, json};

use crate::doubles::{Double, grants};
use crate::lab::{Lab, call};

/// How a call on one side of a limit ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Passed,
    Stopped(LimitReason),
    /// The guest was told, and could have gone on.
    Told(LimitReason),
}

struct Sides {
    name: &'static str,
    budget: Budget,
    guest: Guest,
    inside: Value,
    outside: Value,
    end: End,
}

enum Guest {
    Probe,
    /// Made from the value: how much.
    Core(fn(u64) -> Core),
}

fn amount(make: &str, n: u64) -> Value {
    json!({ "do": make, "n": n, "text": "key" })
}

fn table() -> Vec<Sides> {
    use LimitReason as Reason;
    let budget = Budget { cpu_ms: 5_000, ..Budget::default() };
    let sides = |name, budget: Budget, make: &str, (inside, outside): (u64, u64), end| Sides {
        name,
        budget,
        guest: Guest::Probe,
        inside: amount(make, inside),
        outside: amount(make, outside),
        end,
    };
    let start = |n: u64| json!({ "do": "start", "n": n, "text": "f/a/b", "drop": true });
    let hold = |n: u64| json!({ "do": "start", "n": n, "text": "f/a/b" });
    let nested = |n: u64| json!({ "do": "call", "n": n, "text": "other", "with": {} });
    vec![
        Sides {
            name: "memory",
            budget: Budget { memory_bytes: 10 << 16, ..budget.clone() },
            guest: Guest::Core(|pages| Core { memory: pages.to_string(), ..Core::default() }),
            inside: json!(10),
            outside: json!(11),
            end: End::Stopped(Reason::MemoryExceeded),
        },
        Sides {
            name: "table elements",
            budget: Budget { table_elements: 100, ..budget.clone() },
            guest: Guest::Core(|elements| Core { body: format!("(table {elements} funcref)"), ..Core::default() }),
            inside: json!(100),
            outside: json!(101),
            end: End::Stopped(Reason::HandlesExceeded),
        },
        Sides {
            name: "component handles",
            budget: Budget { handles: 50, ..budget.clone() },
            guest: Guest::Core(|handles| Core {
                destructor: Some(String::new()),
                ..Core::run(
                    "(drop (call $thing_new (i32.const 1)))".repeat(usize::try_from(handles).unwrap())
                        + "i32.const 1024",
                )
            }),
            inside: json!(50),
            outside: json!(51),
            end: End::Stopped(Reason::HandlesExceeded),
        },
        Sides {
            name: "host handles",
            budget: Budget { handles: 20, workflow_starts: 100, ..budget.clone() },
            guest: Guest::Probe,
            inside: hold(19),
            outside: hold(21),
            end: End::Stopped(Reason::HandlesExceeded),
        },
        sides("cpu time", Budget { cpu_ms: 60, ..budget.clone() }, "echo", (1, 1), End::Stopped(Reason::CpuExceeded)),
        sides(
            "wall time",
            Budget { wall_ms: 400, ..budget.clone() },
            "sleep",
            (20, 5_000),
            End::Stopped(Reason::DeadlineExceeded),
        ),
        sides(
            "bytes of a host call",
            Budget { hostcall_bytes: 10_000, ..budget.clone() },
            "log-bytes",
            (10_000, 10_001),
            End::Stopped(Reason::HostcallTooLarge),
        ),
        sides(
            "host calls",
            Budget { host_calls: 10, ..budget.clone() },
            "memory-get",
            (10, 11),
            End::Stopped(Reason::HostcallsExceeded),
        ),
        Sides {
            name: "workflow starts",
            budget: Budget { workflow_starts: 3, ..budget.clone() },
            guest: Guest::Probe,
            inside: start(3),
            outside: start(4),
            end: End::Told(Reason::HostcallsExceeded),
        },
        Sides {
            name: "http fetches at once",
            budget: Budget { http_concurrent: 3, ..budget.clone() },
            guest: Guest::Probe,
            inside: fetch(3),
            outside: fetch(4),
            end: End::Told(Reason::HostcallsExceeded),
        },
        Sides {
            name: "http fetches",
            budget: Budget { http_fetches: 4, ..budget.clone() },
            guest: Guest::Probe,
            inside: fetch(4),
            outside: fetch(5),
            end: End::Told(Reason::HostcallsExceeded),
        },
        sides(
            "output",
            Budget { output_bytes: 5_000, ..budget.clone() },
            "output",
            (5_000, 5_001),
            End::Stopped(Reason::OutputTooLarge),
        ),
        sides(
            "output of the default",
            budget.clone(),
            "output",
            (1 << 20, (1 << 20) + 1),
            End::Stopped(Reason::OutputTooLarge),
        ),
        Sides {
            name: "nested calls",
            budget: Budget { nested_calls: 2, ..budget },
            guest: Guest::Probe,
            inside: nested(2),
            outside: nested(3),
            end: End::Told(Reason::NestingExceeded),
        },
    ]
}

fn fetch(n: u64) -> Value {
    json!({ "do": "fetch-many", "n": n, "text": "https://api.example.com/" })
}

fn armed(budget: &Budget) -> Call {
    let double = Arc::new(Double::default());
    let mut call = call(budget.clone());
    call.grants = grants(json!({
        "windmill": ["f/a/**"], "memory": "user", "http": ["api.example.com"], "skills": ["other"],
    }));
    call.capabilities = double.capabilities();
    call.nested_calls_left = Arc::new(AtomicU32::new(budget.nested_calls));
    call
}

async fn end(lab: &Lab, sides: &Sides, arguments: &Value) -> End {
    let skill = match sides.guest {
        Guest::Probe => lab.probe(),
        Guest::Core(make) => lab.load(&make(arguments.as_u64().unwrap()).component()).unwrap(),
    };
    match lab.attack(&skill, armed(&sides.budget), arguments).await.result {
        Ok(_) => End::Passed,
        Err(CallError::Limit { reason, .. }) => End::Stopped(reason),
        Err(CallError::Failure(failure)) => {
            let reason = LimitReason::ALL.iter().find(|reason| reason.code() == failure.code());
            End::Told(*reason.unwrap_or_else(|| panic!("{}: {failure}", sides.name)))
        }
        Err(other) => panic!("{}: {other:?}", sides.name),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_limit_holds_exactly_where_it_stands() {
    let lab = Lab::new();
    for mut sides in table() {
        assert_eq!(end(&lab, &sides, &sides.inside).await, End::Passed, "{} inside", sides.name);
        if sides.name == "cpu time" {
            // How much a loop computes in 60 ms depends on the machine; that it computes for ever does not.
            sides.outside = json!({ "do": "loop" });
        }
        assert_eq!(end(&lab, &sides, &sides.outside).await, sides.end, "{} outside", sides.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skills_call_skills_only_so_deep() {
    let lab = Lab::new();
    let probe = lab.probe();
    let nested = json!({ "do": "call", "text": "other", "with": {} });
    for (depth, passes) in [(0, true), (3, true), (4, false)] {
        let call = Call { depth, ..armed(&Budget::default()) };
        let invocation = lab.attack(&probe, call, &nested).await;
        match invocation.result {
            Ok(_) => assert!(passes, "{depth}"),
            Err(error) => {
                assert!(!passes, "{depth}: {error}");
                assert_eq!(error.as_failure().code(), LimitReason::NestingExceeded.code());
            }
        }
    }
}

/// Not an error: lines over the limit are counted, long lines are cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_has_its_limits() {
    let lab = Lab::new();
    let probe = lab.probe();
    let budget = Budget { log_lines: 5, log_line_bytes: 20, ..Budget::default() };
    for (n, dropped) in [(5, 0), (6, 1)] {
        let invocation = lab.attack(&probe, armed(&budget), &json!({ "do": "log", "n": n, "text": "line" })).await;
        assert!(invocation.result.is_ok());
        assert_eq!((invocation.receipt.log_lines, invocation.receipt.log_lines_dropped), (5, dropped));
    }
    for (n, ends) in [(20, "xx"), (21, "x…")] {
        let invocation = lab.attack(&probe, armed(&budget), &json!({ "do": "log-bytes", "n": n })).await;
        let message = &invocation.logs[0].message;
        assert!(message.len() <= 20 && message.ends_with(ends), "{message}");
    }
}
