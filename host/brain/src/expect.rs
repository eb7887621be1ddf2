//! The evaluator: compares what a step gave with what was expected, and says the differences in words.
//!
//! Pure, and linear in what it compares. A check that needs the sandbox is handed back to the
//! executor: `schema`, `matches` and `similar` go to the [`checker`](crate::checker), `by-skill` to
//! the skill.

use openanalyst_runtime::CheckOutcome;
use openanalyst_runtime::contract::{Check, Expectation};
use serde_json::Value;

/// Most characters of a value that a difference quotes.
const QUOTE_CHARS: usize = 120;

/// Checks that an expectation can be compared with anything at all, as far as that is cheap to see:
/// a schema or a pattern is the checker's to read.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(expectation: &Expectation) -> Result<(), String> {
    let pointer = &expectation.pointer;
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err(format!("`{pointer}` is no JSON pointer: it must be empty or begin with `/` (RFC 6901)"));
    }
    let document = |what: &str, text: &str| {
        serde_json::from_str::<Value>(text).map_err(|error| format!("{what} is no JSON: {error}"))
    };
    match &expectation.check {
        Check::Present | Check::Contains(_) | Check::Schema(_) | Check::Matches(_) => Ok(()),
        Check::Exact(wanted) => document("the expected document", wanted).map(drop),
        Check::BySkill(argument) => match document("the argument of the skill's own check", argument)? {
            // The value that is tested becomes a member of it.
            Value::Object(_) => Ok(()),
            _ => Err("the argument of the skill's own check is no JSON object".to_owned()),
        },
        Check::Similar(wanted) if !(0.0..=1.0).contains(&wanted.threshold) => {
            Err(format!("the threshold {} is not from 0 to 1", wanted.threshold))
        }
        Check::Similar(_) => Ok(()),
        Check::Within(range) if [range.min, range.max].iter().flatten().any(|bound| bound.is_nan()) => {
            Err("one of its bounds is no number".to_owned())
        }
        Check::Within(range) if range.min.zip(range.max).is_some_and(|(min, max)| min > max) => {
            Err("nothing lies between its bounds".to_owned())
        }
        Check::Within(_) => Ok(()),
    }
}

/// How a result compares with what was expected.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    /// Whether everything held.
    pub(crate) met: bool,
    /// The part of the expectations that held, 0 to 1; a similarity counts with its own value.
    pub(crate) score: f64,
    /// What did not hold, in words for the next attempt and the user.
    pub(crate) differences: Vec<String>,
}

impl Verdict {
    /// Nothing was expected, or everything held.
    pub(crate) fn met() -> Self {
        Self { met: true, score: 1.0, differences: Vec::new() }
    }

    /// The step gave no result at all.
    pub(crate) fn failed(reason: String) -> Self {
        Self { met: false, score: 0.0, differences: vec![reason] }
    }

    /// Of several outcomes, one for each expectation.
    pub(crate) fn of(outcomes: Vec<ExpectationOutcome>) -> Self {
        if outcomes.is_empty() {
            return Self::met();
        }
        #[expect(clippy::cast_precision_loss, reason = "at most a few dozen expectations")]
        let score = outcomes.iter().map(|outcome| outcome.score).sum::<f64>() / outcomes.len() as f64;
        let differences: Vec<String> = outcomes.into_iter().filter_map(|outcome| outcome.difference).collect();
        Self { met: differences.is_empty(), score, differences }
    }
}

/// The outcome of one expectation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExpectationOutcome {
    score: f64,
    difference: Option<String>,
}

impl ExpectationOutcome {
    fn held() -> Self {
        Self { score: 1.0, difference: None }
    }

    pub(crate) fn differs(expectation: &Expectation, how: &str) -> Self {
        Self { score: 0.0, difference: Some(format!("{}: {how}", expectation.description)) }
    }

    /// What the checker says.
    pub(crate) fn tested(expectation: &Expectation, outcome: CheckOutcome) -> Self {
        let CheckOutcome { score, difference } = outcome;
        Self { score, difference: difference.map(|how| format!("{}: {how}", expectation.description)) }
    }

    /// The skill's own answer to a `by-skill` check: `{"met": bool, "differences": [text]}`.
    pub(crate) fn by_skill(expectation: &Expectation, answer: &Value) -> Self {
        match answer.get("met").and_then(Value::as_bool) {
            Some(true) => Self::held(),
            Some(false) => {
                let said: Vec<&str> = answer
                    .get("differences")
                    .and_then(Value::as_array)
                    .map(|list| list.iter().filter_map(Value::as_str).collect())
                    .unwrap_or_default();
                let said = if said.is_empty() { "the skill's own check says no".to_owned() } else { said.join("; ") };
                Self::differs(expectation, &said)
            }
            None => Self::differs(
                expectation,
                "the skill's own check gave no `met`: it must answer {\"met\": true or false}",
            ),
        }
    }
}

/// What comparing one value came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Compared {
    /// It is done.
    Done(ExpectationOutcome),
    /// The checker is to be asked.
    ByChecker,
    /// The skill is to be asked, with this argument.
    BySkill(String),
}

/// Compares one value, as far as that is cheap.
pub(crate) fn compare(expectation: &Expectation, result: &Value) -> Compared {
    let wants_null = matches!(&expectation.check, Check::Exact(wanted) if wanted.trim() == "null");
    let Some(value) = result.pointer(&expectation.pointer).filter(|value| wants_null || !value.is_null()) else {
        let how = format!("there is nothing at `{}`", expectation.pointer);
        return Compared::Done(ExpectationOutcome::differs(expectation, &how));
    };
    let outcome = match &expectation.check {
        Check::Present => ExpectationOutcome::held(),
        Check::Exact(wanted) => match serde_json::from_str::<Value>(wanted) {
            Ok(wanted) if same(&wanted, value) => ExpectationOutcome::held(),
            Ok(wanted) => {
                ExpectationOutcome::differs(expectation, &format!("expected {}, got {}", quote(&wanted), quote(value)))
            }
            Err(error) => {
                ExpectationOutcome::differs(expectation, &format!("the expected document is no JSON: {error}"))
            }
        },
        Check::Contains(part) => {
            let text = as_text(value);
            if text.to_lowercase().contains(&part.to_lowercase()) {
                ExpectationOutcome::held()
            } else {
                ExpectationOutcome::differs(expectation, &format!("`{part}` is not in {}", quote(value)))
            }
        }
        Check::Within(range) => {
            let number = as_number(value);
            match number {
                None => ExpectationOutcome::differs(
                    expectation,
                    &format!("{} is neither a number, a text nor a list", quote(value)),
                ),
                Some(number) if range.min.is_some_and(|min| number < min) => ExpectationOutcome::differs(
                    expectation,
                    &format!("{number} is less than {}", range.min.unwrap_or_default()),
                ),
                Some(number) if range.max.is_some_and(|max| number > max) => ExpectationOutcome::differs(
                    expectation,
                    &format!("{number} is more than {}", range.max.unwrap_or_default()),
                ),
                Some(_) => ExpectationOutcome::held(),
            }
        }
        Check::Schema(_) | Check::Matches(_) | Check::Similar(_) => return Compared::ByChecker,
        Check::BySkill(argument) => return Compared::BySkill(argument.clone()),
    };
    Compared::Done(outcome)
}

/// Equal documents: member order does not matter, and 1 is 1.0.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^52")]
fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => Some(text.chars().count() as f64),
        Value::Array(list) => Some(list.len() as f64),
        _ => None,
    }
}

fn quote(value: &Value) -> String {
    shorten(&value.to_string())
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(QUOTE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use openanalyst_runtime::contract::{NumericRange, Similarity};
    use serde_json::json;

    use super::*;
    use crate::checker::testing;

    fn expect(pointer: &str, check: Check) -> Expectation {
        Expectation { pointer: pointer.to_owned(), check, description: "it is right".to_owned() }
    }

    #[tokio::test]
    async fn every_check_says_yes_and_no() {
        let result = json!({"post": {"content": "AI trends of the year", "length": 21, "tags": ["#ai"]}, "none": null});
        let range = |min: f64, max: f64| Check::Within(NumericRange { min: Some(min), max: Some(max) });
        let like = |text: &str| Check::Similar(Similarity { text: text.to_owned(), threshold: 0.7 });
        let table: Vec<(&str, Check, bool)> = vec![
            ("/post/content", Check::Present, true),
            ("/post/missing", Check::Present, false),
            ("/none", Check::Present, false),
            ("/none", Check::Exact("null".to_owned()), true),
            ("/post/length", Check::Exact("null".to_owned()), false),
            ("/post/length", Check::Exact("21.0".to_owned()), true),
            ("/post/length", Check::Exact("22".to_owned()), false),
            ("/post/tags", Check::Exact("[\"#ai\"]".to_owned()), true),
            ("/post/length", Check::Exact("not json".to_owned()), false),
            ("/post", Check::Schema(r#"{"required": ["content"]}"#.to_owned()), true),
            ("/post", Check::Schema(r#"{"required": ["image"]}"#.to_owned()), false),
            ("/post", Check::Schema(r#"{"type": 5}"#.to_owned()), false),
            ("/post/content", Check::Contains("ai TRENDS".to_owned()), true),
            ("/post/content", Check::Contains("crypto".to_owned()), false),
            ("/post/content", Check::Matches("^AI .* year$".to_owned()), true),
            ("/post/content", Check::Matches("^year".to_owned()), false),
            ("/post/content", Check::Matches("(".to_owned()), false),
            ("/post/content", like("this year's trends of AI"), true),
            ("/post/content", like("a recipe for apple cake"), false),
            ("/post/length", range(1.0, 280.0), true),
            ("/post/length", range(1.0, 20.0), false),
            ("/post/content", range(22.0, 280.0), false),
            ("/post/tags", range(1.0, 1.0), true),
            ("/post", range(1.0, 1.0), false),
        ];
        let expectations: Vec<(Expectation, bool)> =
            table.into_iter().map(|(pointer, check, held)| (expect(pointer, check), held)).collect();
        let compared: Vec<Compared> = expectations.iter().map(|(of, _)| compare(of, &result)).collect();
        let of_checker = expectations.iter().zip(&compared).filter(|(_, how)| **how == Compared::ByChecker);
        let of_checker: Vec<Expectation> = of_checker.map(|((of, _), _)| of.clone()).collect();
        let mut tested = testing::test(&of_checker, &result).await.result.unwrap().into_iter();
        for ((expectation, held), compared) in expectations.iter().zip(compared) {
            let outcome = match compared {
                Compared::Done(outcome) => outcome,
                Compared::ByChecker => ExpectationOutcome::tested(expectation, tested.next().unwrap()),
                Compared::BySkill(_) => panic!("{expectation:?}"),
            };
            let verdict = Verdict::of(vec![outcome]);
            assert_eq!(verdict.met, *held, "{expectation:?} gave {verdict:?}");
            assert_eq!(verdict.differences.is_empty(), *held);
        }
        assert_eq!(tested.next(), None);
    }

    #[test]
    fn the_skill_is_asked_where_it_wants_to_be() {
        let expectation = expect("", Check::BySkill("{}".to_owned()));
        assert_eq!(compare(&expectation, &json!({})), Compared::BySkill("{}".to_owned()));
        assert!(Verdict::of(vec![ExpectationOutcome::by_skill(&expectation, &json!({"met": true}))]).met);
        let no = Verdict::of(vec![ExpectationOutcome::by_skill(
            &expectation,
            &json!({"met": false, "differences": ["too dull"]}),
        )]);
        assert_eq!(no.differences, ["it is right: too dull"]);
        assert!(!Verdict::of(vec![ExpectationOutcome::by_skill(&expectation, &json!("yes"))]).met);
    }
}
