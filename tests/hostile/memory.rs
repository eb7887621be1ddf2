//! Guests that take more memory than they may.

use openanalyst_domain::LimitReason;
use openanalyst_guest_fixtures::Core;
use serde_json::json;

use crate::lab::{Lab, call, limit, small, trap};

/// The small budget has 4 MiB: 64 pages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn growth_over_the_budget_ends_the_call() {
    let lab = Lab::new();
    let cases = [
        ("page by page", Core::run("(loop $again (drop (memory.grow (i32.const 1))) (br $again)) unreachable")),
        ("at once", Core::run("(drop (memory.grow (i32.const 65000))) i32.const 1024")),
        ("from the beginning", Core { memory: "65".to_owned(), ..Core::default() }),
        (
            "in start",
            Core {
                body: "(func $start (drop (memory.grow (i32.const 64)))) (start $start)".to_owned(),
                ..Core::default()
            },
        ),
        (
            "for the arguments",
            Core { realloc: "(drop (memory.grow (i32.const 64))) i32.const 8192".to_owned(), ..Core::default() },
        ),
    ];
    for (case, core) in cases {
        let invocation = lab.attack_core(&core).await;
        assert_eq!(limit(&invocation), LimitReason::MemoryExceeded, "{case}");
        assert!(invocation.receipt.peak_memory_bytes <= 4 << 20, "{case}: {:?}", invocation.receipt);
    }
}

/// What an allocator takes, and what a second memory would be. (That memories of several modules are summed up is shown beside the limiter.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_allocator_and_a_second_memory_end_as_growth_does() {
    let lab = Lab::new();
    let probe = lab.probe();
    let invocation = lab.attack(&probe, call(small()), &json!({ "do": "allocate", "n": 100_000_000 })).await;
    assert_eq!(limit(&invocation), LimitReason::MemoryExceeded);
    let second = Core { body: "(memory $second 1)".to_owned(), ..Core::default() };
    let error = lab.load(&second.component()).unwrap_err();
    assert_eq!(error.code(), "invalid-component", "two memories in one module are a proposal that is refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_count_too() {
    let lab = Lab::new();
    let grow = |elements: u32| Core {
        body: "(table $table 0 funcref)".to_owned(),
        ..Core::run(format!(
            "(if (i32.eq (table.grow $table (ref.null func) (i32.const {elements})) (i32.const -1)) (then unreachable)) i32.const 1024"
        ))
    };
    let invocation = lab.attack_core(&grow(1_000_000)).await;
    assert_eq!(limit(&invocation), LimitReason::HandlesExceeded);
    assert!(lab.attack_core(&grow(19_000)).await.result.is_ok());
    let from_the_beginning = Core { body: "(table 20001 funcref)".to_owned(), ..Core::default() };
    assert_eq!(limit(&lab.attack_core(&from_the_beginning).await), LimitReason::HandlesExceeded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recursion_ends_in_a_trap() {
    let lab = Lab::new();
    let locals = "(local i64)".repeat(4_000);
    for (case, locals) in [("deep", ""), ("with large frames", locals.as_str())] {
        let core = Core {
            body: format!(
                "(func $deeper (param i32) (result i32) {locals} (i32.add (call $deeper (local.get 0)) (i32.const 1)))"
            ),
            ..Core::run("(call $deeper (i32.const 0))")
        };
        let invocation = lab.attack_core(&core).await;
        assert!(trap(&invocation).contains("call stack exhausted"), "{case}: {invocation:?}");
    }
}
