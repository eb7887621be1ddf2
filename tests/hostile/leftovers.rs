//! Bytes of one tenant must not be found in the memory of another one: the pool uses the same slots again and again.

use openanalyst_guest_fixtures::Core;
use openanalyst_runtime::Call;
use serde_json::Value;

use crate::lab::{Lab, owner, run_in, small};

/// Fills its memory, all of the 4 MiB, and its table with a marker.
fn writer() -> Core {
    Core {
        memory: "60".to_owned(),
        body: "(table $table 100 funcref) (elem declare func $realloc)".to_owned(),
        ..Core::run(
            "(local $at i32)
             (local.set $at (i32.const 8192))
             (loop $fill
               (i64.store (local.get $at) (i64.const 0x5ec2e7_5ec2e7_5e))
               (local.set $at (i32.add (local.get $at) (i32.const 8)))
               (br_if $fill (i32.lt_u (local.get $at) (i32.const 3932160))))
             (table.fill $table (i32.const 0) (ref.func $realloc) (i32.const 100))
             i32.const 1024",
        )
    }
}

/// Traps if any byte of a memory that it never wrote is not zero, or any element of its table not null.
fn scanner(pages: u32) -> Core {
    Core {
        memory: pages.to_string(),
        body: "(table $table 100 funcref)".to_owned(),
        ..Core::run(
            "(local $at i32)
             (if (i32.lt_u (memory.size) (i32.const 60)) (then (drop (memory.grow (i32.sub (i32.const 60) (memory.size))))))
             (local.set $at (i32.const 16384))
             (loop $scan
               (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then unreachable))
               (local.set $at (i32.add (local.get $at) (i32.const 8)))
               (br_if $scan (i32.lt_u (local.get $at) (i32.const 3932160))))
             (local.set $at (i32.const 0))
             (loop $elements
               (if (i32.eqz (ref.is_null (table.get $table (local.get $at)))) (then unreachable))
               (local.set $at (i32.add (local.get $at) (i32.const 1)))
               (br_if $elements (i32.lt_u (local.get $at) (i32.const 100))))
             i32.const 1024",
        )
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_one_tenant_is_found_by_another() {
    // One slot: every call gets the one that was used before.
    let lab = Lab::with(|options| options.pool_instances = 1);
    let writer = lab.load(&writer().component()).unwrap();
    let scanners = [60, 1].map(|pages| lab.load(&scanner(pages).component()).unwrap());
    for round in 0..10 {
        let write =
            run_in(&lab.sandbox, &writer, Call { budget: small(), ..Call::new(owner("a")) }, &Value::Null).await;
        assert!(write.result.is_ok(), "{:?}", write.result);
        let scanner = &scanners[round % 2];
        let scan = run_in(&lab.sandbox, scanner, Call { budget: small(), ..Call::new(owner("b")) }, &Value::Null).await;
        assert!(scan.result.is_ok(), "round {round}: {:?}", scan.result);
    }
    // A writer that was stopped in the middle leaves as little.
    let looping = Core {
        memory: "60".to_owned(),
        ..Core::run(
            "(memory.fill (i32.const 8192) (i32.const 0x5e) (i32.const 3000000)) (loop $on (br $on)) unreachable",
        )
    };
    let looping = lab.load(&looping.component()).unwrap();
    let stopped = run_in(&lab.sandbox, &looping, Call { budget: small(), ..Call::new(owner("a")) }, &Value::Null).await;
    assert!(stopped.result.is_err());
    let scan =
        run_in(&lab.sandbox, &scanners[0], Call { budget: small(), ..Call::new(owner("b")) }, &Value::Null).await;
    assert!(scan.result.is_ok(), "{:?}", scan.result);
    lab.assert_quiet();
    let kept = lab.sandbox.stats().unused_memory_bytes;
    assert!(kept <= 1 << 20, "{kept} bytes stay with the slot that held 4 MiB");
}

/// The scanner finds what is there: a test that cannot fail would prove nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_scanner_finds_a_marker() {
    let lab = Lab::new();
    let dirty = Core { body: format!("{} (data (i32.const 2000000) \"marker\")", scanner(60).body), ..scanner(60) };
    let skill = lab.load(&dirty.component()).unwrap();
    let scan = run_in(&lab.sandbox, &skill, Call { budget: small(), ..Call::new(owner("b")) }, &Value::Null).await;
    assert!(scan.result.is_err());
}
