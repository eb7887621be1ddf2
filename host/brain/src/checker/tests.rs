//! What a hostile skill can make of an expectation, and what becomes of it: the component in the
//! sandbox, under the limits of production.

use std::time::{Duration, Instant};

use openanalyst_domain::Outcome;
use openanalyst_runtime::contract::{Action, Similarity};

use super::testing::{ask_until, test};
use super::*;

/// Longer than the checker can compute, on a machine that does much else.
const SOON: Duration = Duration::from_secs(20);

fn expect(check: Check) -> Expectation {
    Expectation { pointer: String::new(), check, description: "it is right".to_owned() }
}

fn expect_schema(schema: &Value) -> Expectation {
    expect(Check::Schema(schema.to_string()))
}

/// `anyOf` inside `anyOf`, each of which is written once.
fn nested_any_of(depth: usize) -> Value {
    let around = |inner: Value, _| json!({ "anyOf": [{ "type": "null" }, inner] });
    (0..depth).fold(json!({ "type": "string" }), around)
}

/// Definitions that name the next one twice, by this keyword: each level doubles the work.
fn doubling(keyword: &str, depth: usize) -> Value {
    let name = |n: usize| json!({ "$ref": format!("#/$defs/d{n}") });
    let twice = |n: usize| (format!("d{n}"), json!({ keyword: [name(n + 1), name(n + 1)] }));
    let mut definitions: serde_json::Map<String, Value> = (0..depth).map(twice).collect();
    definitions.insert(format!("d{depth}"), json!({ "type": "string" }));
    json!({ "$ref": "#/$defs/d0", "$defs": definitions })
}

/// Asks beside other work on the same thread, which must go on. Gives the failure, or nothing where
/// all was done in time.
async fn beside_other_work(expectation: Expectation, result: &Value) -> Option<Failure> {
    let began = Instant::now();
    let over = CancellationToken::new();
    let other_work = async {
        let mut turns = 0_u64;
        while !over.is_cancelled() {
            tokio::task::yield_now().await;
            turns += 1;
        }
        turns
    };
    let asking = async {
        let asked = test(&[expectation], result).await;
        over.cancel();
        asked
    };
    let (asked, turns) = tokio::join!(asking, other_work);
    assert!(began.elapsed() < SOON, "it took {:?}", began.elapsed());
    // It had a turn after each tick of the sandbox.
    let ticks = asked.receipt.cpu_us / 100_000;
    assert!(turns >= ticks, "the other work had {turns} turns in {} us", asked.receipt.cpu_us);
    asked.result.err().map(|unanswered| unanswered.failure)
}

#[tokio::test]
async fn a_schema_that_takes_for_ever_meets_a_limit() {
    for (keyword, depth, value) in [
        ("anyOf", 32, json!(5)),
        ("anyOf", 60, json!(5)),
        ("oneOf", 60, json!("a text")),
        ("allOf", 32, json!("a text")),
        ("allOf", 60, json!("a text")),
    ] {
        let schema = doubling(keyword, depth);
        assert!(schema.to_string().len() < 4_000, "it is small");
        let failure = beside_other_work(expect_schema(&schema), &value).await;
        let failure = failure.unwrap_or_else(|| panic!("{keyword} {depth} deep meets no limit"));
        assert_eq!(failure.code(), "cpu-exceeded", "{keyword} {depth} deep: {failure}");
        assert!(!failure.is_retryable(), "it would take as long again");
        assert_eq!(failure.to_string(), "evaluating the schema takes more than 1 s of CPU time: simplify the schema");
    }
}

#[tokio::test]
async fn a_schema_that_is_only_deep_is_evaluated() {
    for depth in [32, 60] {
        let expectations = [expect_schema(&nested_any_of(depth))];
        let asked = test(&expectations, &json!("a text")).await;
        assert_eq!(asked.result.unwrap()[0].difference, None);
        let asked = test(&expectations, &json!(5)).await;
        let difference = asked.result.unwrap().remove(0).difference.unwrap();
        assert!(difference.contains("anyOf"), "{difference}");
    }
}

/// What patterns and texts cost is bounded in the same way. None of these is slow because of a mistake
/// in an engine: there is much to do.
#[tokio::test]
async fn patterns_and_texts_that_take_long_meet_a_limit_or_end() {
    let long = "a".repeat(1 << 20);
    let pattern = expect(Check::Matches("(?:a{0,60}b?){0,60}c$".to_owned()));
    let in_schema = expect_schema(&json!({ "pattern": "^(?=(a+)+$)(a+)+b$" }));
    let similar = |text: String| expect(Check::Similar(Similarity { text, threshold: 0.7 }));
    let words = |seed: u64| -> String {
        let word = |n: u64| format!("w{:x} ", n.wrapping_mul(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        (0..60_000).map(word).collect()
    };
    for (name, expectation, result) in [
        ("a pattern", pattern, json!(long)),
        ("a pattern with look-around", in_schema, json!(long)),
        ("two long words", similar("b".repeat(1 << 20)), json!(long)),
        ("many words", similar(words(3)), json!(words(5))),
    ] {
        let failure = beside_other_work(expectation, &result).await;
        let code = failure.as_ref().map(Failure::code);
        assert!(matches!(code, None | Some("cpu-exceeded" | "memory-exceeded")), "{name}: {failure:?}");
    }
}

#[tokio::test]
async fn a_pattern_that_is_too_large_cannot_be_used() {
    for (check, words) in [
        (CostlyCheck::Matches("(?:a{1000}){1000}".to_owned()), "not a usable pattern"),
        (CostlyCheck::Matches("(".to_owned()), "not a usable pattern"),
        (CostlyCheck::Schema("{".to_owned()), "no JSON"),
        (CostlyCheck::Schema(json!({ "type": 5 }).to_string()), "schema cannot be used"),
        (CostlyCheck::Schema(json!({ "pattern": "(" }).to_string()), "schema cannot be used"),
        (CostlyCheck::Schema(json!({ "$ref": "https://example.com/x" }).to_string()), "schema cannot be used"),
    ] {
        let usable = CostlyCheck::Schema(json!({ "pattern": "^(?!a)" }).to_string());
        let checks = [usable, check].map(|check| CheckOf { pointer: String::new(), check });
        let asked = ask_until(&CancellationToken::new(), CheckQuestion::Usable, &checks).await;
        let mut outcomes = asked.result.unwrap();
        let why = outcomes.pop().unwrap().difference.unwrap();
        assert!(why.contains(words), "{why}");
        assert_eq!(outcomes.pop().unwrap().difference, None, "look-around is known");
    }
}

#[tokio::test]
async fn a_cancellation_interrupts_a_test() {
    let schema = CostlyCheck::Schema(doubling("allOf", 60).to_string());
    let checks = [CheckOf { pointer: String::new(), check: schema }];
    let cancel = CancellationToken::new();
    let cancelling = async {
        // The next turn comes when the sandbox has interrupted the test for the first time.
        tokio::task::yield_now().await;
        cancel.cancel();
    };
    let asking = ask_until(&cancel, CheckQuestion::Holds("\"a text\""), &checks);
    let (asked, ()) = tokio::join!(asking, cancelling);
    assert_eq!(asked.receipt.outcome, Outcome::Cancelled);
    assert!(asked.receipt.cpu_us < 500_000, "long before its limit: {} us", asked.receipt.cpu_us);
}

#[tokio::test]
async fn the_check_that_was_at_work_is_named() {
    let cheap = expect_schema(&json!({ "type": "string" }));
    let dear = expect_schema(&doubling("allOf", 60));
    let asked = test(&[cheap.clone(), cheap.clone(), dear, cheap], &json!("a text")).await;
    let unanswered = asked.result.unwrap_err();
    assert_eq!(unanswered.at, Some(2));
    assert!(unanswered.failure.to_string().contains("after the 2 before it"), "{}", unanswered.failure);
    assert!(asked.receipt.cpu_us >= 1_000_000, "it is on the receipt: {:?}", asked.receipt);
}

#[tokio::test]
async fn a_difference_is_cut_and_cleaned() {
    let pattern = format!("\u{1b}[31m{}", "x".repeat(100_000));
    let asked = test(&[expect(Check::Matches(pattern))], &json!("a text")).await;
    let difference = asked.result.unwrap().remove(0).difference.unwrap();
    assert!(difference.len() < 5_000 && !difference.contains('\u{1b}'), "{difference}");
}

#[test]
fn only_a_plan_with_schemas_or_patterns_is_asked_about() {
    let step = |id: &str, expects: Vec<Expectation>| Step {
        id: id.to_owned(),
        title: String::new(),
        action: Action::Run("{}".to_owned()),
        expects,
    };
    let similar = expect(Check::Similar(Similarity { text: "a".to_owned(), threshold: 0.7 }));
    let cheap = vec![expect(Check::Present), similar];
    let plain = Plan { steps: vec![step("a", cheap.clone())], questions: Vec::new() };
    assert_eq!(doubtful(&plain), (Vec::new(), Vec::new()));
    let schema = vec![expect_schema(&json!({})), expect(Check::Matches("a".to_owned()))];
    let other = Plan { steps: vec![step("a", cheap), step("b", schema)], questions: Vec::new() };
    assert_eq!(doubtful(&other).0, ["b", "b"]);
}

#[test]
fn every_limit_is_said_with_what_helps() {
    let limit = |reason| CallError::Limit { reason, detail: "the skill".to_owned() };
    let said = |error: &CallError, check| failure_of(error, Some(&check), 0);
    let memory = said(&limit(LimitReason::MemoryExceeded), CostlyCheck::Matches(String::new()));
    assert_eq!(memory.code(), "memory-exceeded");
    assert_eq!(memory.to_string(), "matching the pattern takes more than 64 MiB of memory: simplify the pattern");
    let time = said(&limit(LimitReason::DeadlineExceeded), CostlyCheck::Schema(String::new()));
    assert_eq!(time.to_string(), "evaluating the schema takes more than 30 s: simplify the schema");
    let busy = said(&limit(LimitReason::Busy), CostlyCheck::Schema(String::new()));
    assert!(busy.is_retryable());
    let trap = CallError::Trap { detail: "wasm trap: call stack exhausted".to_owned() };
    let crash = said(&trap, CostlyCheck::Schema(String::new()));
    assert!(!crash.is_retryable());
    assert_eq!(crash.to_string(), "evaluating the schema makes the checker crash: simplify the schema");
}

/// What one check costs, for the record: `cargo test -p openanalyst-brain what_a_check_costs -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
async fn what_a_check_costs() {
    let post = json!({ "content": "AI trends of the year", "tags": ["#ai"], "length": 21 });
    let members = json!({ "content": { "type": "string" }, "length": { "maximum": 280 } });
    let shape = json!({ "type": "object", "required": ["content"], "properties": members });
    let like = Similarity { text: "this year's trends of AI".to_owned(), threshold: 0.1 };
    for (name, expectations) in [
        ("a schema", vec![expect_schema(&shape)]),
        ("eight schemas", vec![expect_schema(&shape); 8]),
        ("a pattern", vec![expect(Check::Matches("trends".to_owned()))]),
        ("a similarity", vec![expect(Check::Similar(like))]),
    ] {
        let mut times = Vec::new();
        for _ in 0..50 {
            let asked = test(&expectations, &post).await;
            assert!(asked.result.is_ok());
            times.push((asked.receipt.wall_us, asked.receipt.cpu_us, asked.receipt.peak_memory_bytes));
        }
        times.sort_unstable();
        println!("{name}: median {:?} (us of wall, us of CPU, bytes), fastest {:?}", times[25], times[0]);
    }
}
