//! Guests that say too much.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use openanalyst_domain::{Budget, LimitReason};
use serde_json::json;

use crate::doubles::{Double, grants};
use crate::lab::{Lab, call, failure, value};

fn armed(lab_grants: serde_json::Value) -> (openanalyst_runtime::Call, Arc<Double>) {
    let double = Arc::new(Double::default());
    let mut call = call(Budget { cpu_ms: 5_000, ..Budget::default() });
    call.grants = grants(lab_grants);
    call.capabilities = double.capabilities();
    (call, double)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_logs_is_counted_and_harmless() {
    let lab = Lab::new();
    let probe = lab.probe();
    let (call, _) = armed(json!({}));
    let text = "\u{1b}[2J\u{1b}[31mred\r\n2026-01-01 ERROR forged line\u{7}";
    let invocation = lab.attack(&probe, call, &json!({ "do": "log", "n": 5_000, "text": text })).await;
    assert!(invocation.result.is_ok(), "too many lines are no error");
    assert_eq!((invocation.receipt.log_lines, invocation.receipt.log_lines_dropped), (1_000, 4_000));
    assert_eq!(invocation.logs.len(), 1_000);
    for line in &invocation.logs {
        assert!(!line.message.contains(|c: char| c.is_control()), "{:?}", line.message);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standard_output_goes_to_the_log() {
    let lab = Lab::new();
    let probe = lab.probe();
    let (call, _) = armed(json!({}));
    let invocation = lab.attack(&probe, call, &json!({ "do": "print", "text": "one\ntwo" })).await;
    let mut lines: Vec<&str> = invocation.logs.iter().map(|line| line.message.as_str()).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["one", "to standard error", "two"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_progress_is_thinned_out() {
    let lab = Lab::new();
    let probe = lab.probe();
    let (call, double) = armed(json!({}));
    let invocation = lab.attack(&probe, call, &json!({ "do": "progress", "n": 10_000, "text": "step" })).await;
    assert!(invocation.result.is_ok());
    let seen = double.seen();
    let most = 2 + usize::try_from(invocation.receipt.wall_us / 100_000).unwrap();
    assert!(!seen.is_empty() && seen.len() <= most, "{} of at most {most}", seen.len());
    assert_eq!(seen.last().unwrap(), "progress step 9999 None", "the latest wins");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_jobs_is_told_so() {
    let lab = Lab::new();
    let probe = lab.probe();
    let (call, double) = armed(json!({ "windmill": ["f/a/**"] }));
    let invocation = lab.attack(&probe, call, &json!({ "do": "start", "n": 100, "text": "f/a/b" })).await;
    assert_eq!(failure(&invocation).0, LimitReason::HostcallsExceeded.code());
    assert_eq!(double.seen().len(), 32);
    assert_eq!(invocation.receipt.workflow_starts, 32);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_nested_calls_is_told_so() {
    let lab = Lab::new();
    let probe = lab.probe();
    let (mut call, double) = armed(json!({ "skills": ["other"] }));
    call.nested_calls_left = Arc::new(AtomicU32::new(3));
    let invocation = lab.attack(&probe, call, &json!({ "do": "call", "n": 10, "text": "other", "with": {} })).await;
    assert_eq!(failure(&invocation).0, LimitReason::NestingExceeded.code());
    assert_eq!(double.seen(), ["call other {} 1", "call other {} 1", "call other {} 1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetches_are_counted_in_all_and_at_once() {
    let lab = Lab::new();
    let probe = lab.probe();
    let (call, double) = armed(json!({ "http": ["api.example.com"] }));
    let fetch = |n: u32| json!({ "do": "fetch-many", "n": n, "text": "https://api.example.com/" });
    assert_eq!(value(&lab.attack(&probe, call.clone(), &fetch(6)).await), 6);
    let invocation = lab.attack(&probe, call.clone(), &fetch(7)).await;
    assert_eq!(failure(&invocation).0, LimitReason::HostcallsExceeded.code());
    assert!(double.seen().len() <= 12);
    let twice = json!({ "do": "fetch-twice", "text": "https://api.example.com/" });
    assert_eq!(failure(&lab.attack(&probe, call, &twice).await).0, "invalid");
}
