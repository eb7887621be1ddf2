//! Guests that do not end.

use openanalyst_domain::{Budget, LimitReason};
use openanalyst_guest_fixtures::Core;
use serde_json::json;

use crate::lab::{Lab, call, limit, small};

const FOREVER: &str = "(loop $again (br $again))";

/// Everywhere where guest code can run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_is_stopped_wherever_it_stands() {
    let lab = Lab::new();
    let cases = [
        ("in the export", Core::run(format!("{FOREVER} unreachable"))),
        ("in start", Core { body: format!("(func $start {FOREVER}) (start $start)"), ..Core::default() }),
        ("in cabi_realloc", Core { realloc: format!("{FOREVER} unreachable"), ..Core::default() }),
        ("in post-return", Core { post_return: Some(FOREVER.to_owned()), ..Core::default() }),
        (
            "in a destructor",
            Core {
                destructor: Some(FOREVER.to_owned()),
                ..Core::run("(call $thing_drop (call $thing_new (i32.const 1))) unreachable")
            },
        ),
        (
            "by calls",
            Core {
                body: "(func $ping (param i32) (call $pong (local.get 0))) (func $pong (param i32))".to_owned(),
                ..Core::run("(loop $again (call $ping (i32.const 1)) (br $again)) unreachable")
            },
        ),
        (
            "by bulk copies",
            Core {
                memory: "60".to_owned(),
                ..Core::run(
                    "(loop $again (memory.fill (i32.const 8192) (i32.const 1) (i32.const 3000000)) (br $again)) unreachable",
                )
            },
        ),
    ];
    for (place, core) in cases {
        let invocation = lab.attack_core(&core).await;
        assert_eq!(limit(&invocation), LimitReason::CpuExceeded, "{place}");
        assert!(invocation.receipt.cpu_us >= 50_000, "{place}: {}", invocation.receipt.cpu_us);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sleeps_for_ever_ends_at_the_deadline() {
    let lab = Lab::new();
    let probe = lab.probe();
    let budget = Budget { wall_ms: 100, ..Budget::default() };
    let invocation = lab.attack(&probe, call(budget), &json!({ "do": "sleep", "n": 1_000_000 })).await;
    assert_eq!(limit(&invocation), LimitReason::DeadlineExceeded);
    assert!(
        invocation.receipt.wall_us >= 100_000 && invocation.receipt.wall_us < 5_000_000,
        "{:?}",
        invocation.receipt
    );
    assert!(invocation.receipt.cpu_us < 100_000, "waiting is no computing: {:?}", invocation.receipt);
}

/// The list of pollables is paid for like any other argument.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_of_a_million_entries_is_too_large() {
    let lab = Lab::new();
    let core = Core {
        head: "(import \"wasi:io/poll@0.2.6\" \"poll\" (func $poll (param i32 i32 i32)))
               (import \"wasi:clocks/monotonic-clock@0.2.6\" \"subscribe-duration\" (func $subscribe (param i64) (result i32)))"
            .to_owned(),
        memory: "62".to_owned(),
        ..Core::run(
            "(local $handle i32) (local $at i32)
             (local.set $handle (call $subscribe (i64.const 1000000000000)))
             (local.set $at (i32.const 8192))
             (loop $fill
               (i32.store (local.get $at) (local.get $handle))
               (local.set $at (i32.add (local.get $at) (i32.const 4)))
               (br_if $fill (i32.lt_u (local.get $at) (i32.const 4008192))))
             (call $poll (i32.const 8192) (i32.const 1000000) (i32.const 2048))
             i32.const 1024",
        )
    };
    let skill = lab.load(&core.component()).unwrap();
    let invocation = lab.attack(&skill, call(small()), &json!(null)).await;
    assert_eq!(limit(&invocation), LimitReason::HostcallTooLarge);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_of_host_calls_is_stopped() {
    let lab = Lab::new();
    let probe = lab.probe();
    let double = std::sync::Arc::new(crate::doubles::Double::default());
    let mut attack = call(Budget::default());
    attack.grants = crate::doubles::grants(json!({ "memory": "user" }));
    attack.capabilities = double.capabilities();
    let invocation = lab.attack(&probe, attack, &json!({ "do": "memory-get", "n": 1_000_000, "text": "key" })).await;
    assert_eq!(limit(&invocation), LimitReason::HostcallsExceeded);
    assert_eq!(invocation.receipt.host_calls, 1_000);
    assert_eq!(double.seen().len(), 1_000);
}
