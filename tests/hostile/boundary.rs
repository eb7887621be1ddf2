//! Guests that lie about what they hand over.

use openanalyst_domain::{Budget, LimitReason};
use openanalyst_guest_fixtures::Core;
use serde_json::{Value, json};

use crate::lab::{Lab, call, limit, small, trap};

const LOG: &str = r#"(import "openanalyst:skill/log@0.1.0" "write" (func $log (param i32 i32 i32)))"#;

fn logs(level: i32, at: u32, length: u32) -> Core {
    Core {
        head: LOG.to_owned(),
        ..Core::run(format!("(call $log (i32.const {level}) (i32.const {at}) (i32.const {length})) i32.const 1024"))
    }
}

/// `run` returns an output whose text is at `at` and has `length` bytes.
fn returns(at: u32, length: u32) -> Core {
    Core {
        memory: "40".to_owned(),
        ..Core::run(format!(
            "(i32.store (i32.const 1032) (i32.const {at})) (i32.store (i32.const 1036) (i32.const {length})) i32.const 1024"
        ))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pointers_and_lengths_that_lie_are_traps() {
    let lab = Lab::new();
    let cases = [
        ("a text beyond the memory", logs(0, 0xffff_fff0, 100)),
        ("a text that ends beyond the memory", logs(0, 131_000, 1_000)),
        ("a text of four gigabytes", logs(0, 1, 0xffff_ffff)),
        ("a level that there is not", logs(9, 0, 1)),
        ("a result beyond the memory", Core::run("i32.const 0xfffffff0")),
        ("a result that is not aligned", Core::run("i32.const 1025")),
        ("a result that is neither", Core::run("(i32.store8 (i32.const 1024) (i32.const 2)) i32.const 1024")),
        ("a result whose text is beyond the memory", returns(0xffff_0000, 1_000)),
        (
            "a failure that there is not",
            Core::run(
                "(i32.store8 (i32.const 1024) (i32.const 1)) (i32.store8 (i32.const 1032) (i32.const 77)) i32.const 1024",
            ),
        ),
        ("a realloc beyond the memory", Core { realloc: "i32.const 0xfffffff0".to_owned(), ..Core::default() }),
        ("a realloc that is not aligned", Core { realloc: "i32.const 8193".to_owned(), ..Core::default() }),
        ("a realloc that traps", Core { realloc: "unreachable".to_owned(), ..Core::default() }),
        (
            "a host call from realloc",
            Core {
                head: LOG.to_owned(),
                realloc: "(call $log (i32.const 0) (i32.const 0) (i32.const 1)) i32.const 8192".to_owned(),
                ..Core::default()
            },
        ),
        (
            "a host call from post-return",
            Core {
                head: LOG.to_owned(),
                post_return: Some("(call $log (i32.const 0) (i32.const 0) (i32.const 1))".to_owned()),
                ..Core::default()
            },
        ),
    ];
    for (case, core) in cases {
        let invocation = lab.attack_core(&core).await;
        assert!(!trap(&invocation).is_empty(), "{case}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_that_is_no_utf_8_is_a_trap() {
    let lab = Lab::new();
    let data = "(data (i32.const 2048) \"\\ff\\fe\\c0\\80\\ed\\a0\\80\")";
    for core in [logs(0, 2048, 7), returns(2048, 7)] {
        let invocation = lab.attack_core(&Core { body: data.to_owned(), ..core }).await;
        assert!(trap(&invocation).contains("utf-8"), "{invocation:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_says_so() {
    let lab = Lab::new();
    let log = Core { memory: "40".to_owned(), ..logs(0, 8_192, 2_000_000) };
    assert_eq!(limit(&lab.attack_core(&log).await), LimitReason::HostcallTooLarge);
    assert_eq!(limit(&lab.attack_core(&returns(8_192, 2_000_000)).await), LimitReason::OutputTooLarge);
    // A text between the limit and the engine's own count is held to the limit as well.
    assert_eq!(limit(&lab.attack_core(&returns(8_192, (1 << 20) + 1)).await), LimitReason::OutputTooLarge);
    let log = Core { memory: "40".to_owned(), ..logs(0, 8_192, (1 << 20) + 1) };
    assert_eq!(limit(&lab.attack_core(&log).await), LimitReason::HostcallTooLarge);
}

/// A list of a million empty texts has no bytes of text, and is paid for all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_nothings_is_too_large_as_well() {
    let lab = Lab::new();
    let core = Core {
        head: r#"(import "openanalyst:skill/llm@0.1.0" "complete" (func $complete (param i32 i32 i32 i32 i32 i32 i32 i32 f32 i32)))"#.to_owned(),
        memory: "200".to_owned(),
        // No system prompt; a million messages at 8192; no other options; the answer goes to 3072.
        ..Core::run(
            "(call $complete (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8192) (i32.const 1000000)
                             (i32.const 0) (i32.const 0) (i32.const 0) (f32.const 0) (i32.const 3072))
             i32.const 1024",
        )
    };
    let skill = lab.load(&core.component()).unwrap();
    let budget = Budget { memory_bytes: 64 << 20, ..small() };
    let invocation = lab.attack(&skill, call(budget), &Value::Null).await;
    assert_eq!(limit(&invocation), LimitReason::HostcallTooLarge);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handles_are_counted_and_checked() {
    let lab = Lab::new();
    let things = |run: &str| Core { destructor: Some(String::new()), ..Core::run(run) };
    let leak = things("(loop $again (drop (call $thing_new (i32.const 1))) (br $again)) unreachable");
    assert_eq!(limit(&lab.attack_core(&leak).await), LimitReason::HandlesExceeded);
    let cases = [
        (
            "twice dropped",
            things(
                "(local $h i32) (local.set $h (call $thing_new (i32.const 1)))
            (call $thing_drop (local.get $h)) (call $thing_drop (local.get $h)) i32.const 1024",
            ),
        ),
        ("never made", things("(call $thing_drop (i32.const 77)) i32.const 1024")),
    ];
    for (case, core) in cases {
        let invocation = lab.attack_core(&core).await;
        assert!(trap(&invocation).contains("unknown handle"), "{case}: {invocation:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hosts_own_handles_are_counted() {
    let lab = Lab::new();
    let core = Core {
        head: r#"(import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $subscribe (param i64) (result i32)))"#
            .to_owned(),
        ..Core::run("(loop $again (drop (call $subscribe (i64.const 1))) (br $again)) unreachable")
    };
    assert_eq!(limit(&lab.attack_core(&core).await), LimitReason::HandlesExceeded);
    let probe = lab.probe();
    let double = std::sync::Arc::new(crate::doubles::Double::default());
    let mut attack = call(Budget { handles: 10, workflow_starts: 100, ..Budget::default() });
    attack.grants = crate::doubles::grants(json!({ "windmill": ["f/a/**"] }));
    attack.capabilities = double.capabilities();
    let start = json!({ "do": "start", "n": 100, "text": "f/a/b" });
    assert_eq!(limit(&lab.attack(&probe, attack.clone(), &start).await), LimitReason::HandlesExceeded);
    let let_go = json!({ "do": "start", "n": 100, "text": "f/a/b", "drop": true });
    assert!(lab.attack(&probe, attack, &let_go).await.result.is_ok(), "a handle that was dropped does not count");
}
