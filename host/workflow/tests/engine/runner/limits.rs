//! What would end in a trap of the component ends in an error instead, just outside of each limit and not just inside.

use std::sync::Arc;

use super::{FakeHost, json, run_alone, run_on};

#[test]
fn recursion_is_bounded() {
    let source = "function down(n: number): number { return n === 0 ? 0 : 1 + down(n - 1) }\nexport function main(depth: number) { return down(depth) }";
    assert_eq!(run_alone(source, r#"{"depth":690}"#), Ok(json("690")));
    let error = run_alone(source, r#"{"depth":710}"#).unwrap_err();
    assert_eq!(error.name, "RangeError");
    assert_eq!(error.message, "reached the maximum number of recursive calls on this execution");
    assert_eq!(error.line, Some(1));
}

#[test]
fn recursion_through_built_in_functions_is_bounded_too() {
    let source = "const down = (n: number): number => n === 0 ? 0 : [n].map(m => 1 + down(m - 1))[0];\nexport function main(depth: number) { return down(depth) }";
    assert_eq!(run_alone(source, r#"{"depth":200}"#), Ok(json("200")));
    assert_eq!(run_alone(source, r#"{"depth":100000}"#).unwrap_err().name, "RangeError");
}

#[test]
fn a_log_message_is_cut_at_16_kib() {
    let host = Arc::new(FakeHost::default());
    let source = "export function main() { console.log('x'.repeat(16384)); console.log('é'.repeat(8193)) }";
    run_on(&host, source, "{}").unwrap();
    let logs = host.logs();
    assert_eq!(logs[0].1.len(), 16_384);
    assert!(logs[1].1.ends_with("é… (2 more bytes)"), "{}", &logs[1].1[16_300..]);
}

#[test]
fn arguments_of_a_call_are_bounded_at_900_kib() {
    let host = Arc::new(FakeHost::default().answer("wmill.setState", &[Ok("null")]));
    // `{"workspace":"acme","value":"…"}` has 31 bytes besides the value.
    let source = "import { setState } from 'windmill-client';\nexport async function main(bytes: number) { await setState('x'.repeat(bytes - 31)) }";
    assert_eq!(run_on(&host, source, &format!(r#"{{"bytes":{}}}"#, 900 * 1024)), Ok(json("null")));
    assert_eq!(host.calls()[0].1.to_string().len(), 900 * 1024);
    let error = run_on(&host, source, &format!(r#"{{"bytes":{}}}"#, 900 * 1024 + 1)).unwrap_err();
    assert_eq!(error.name, "RangeError");
    assert!(error.message.contains("wmill.setState") && error.message.contains("921600"), "{error}");
}
