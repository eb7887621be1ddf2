//! What a user is asked about a step, and what the answer means for the rounds after it: which results are kept, and what the next attempt is told.

use openanalyst_domain::{Owner, TaskId};
use openanalyst_runtime::contract::{Action, Step, StepResult, StepStatus};
use openanalyst_store::tasks::TaskRow;
use openanalyst_store::{Store, StoreError};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api::{Answer, Question};
use crate::context::shorten;
use crate::end::{self, TaskOutcome};
use crate::plan;
use crate::steps::{Feedback, RecordedAttempt};
use crate::work::PARTS;

/// The member of a recorded result that says of which step it is.
pub(crate) const STEP: &str = "step";
/// The answer of a user who takes the last result as it is.
const TAKE_IT: &str = "take it as it is";
/// The answer of a user who wants nothing changed.
const TRY_AGAIN: &str = "try again";
/// Most differences that a question names.
const MAX_DIFFERENCES_ASKED: usize = 3;
/// How a difference begins that is older than the question to the user.
const BEFORE_THE_QUESTION: &str = "before the question: ";
/// How the user's answer begins among the differences.
const USER_SAYS: &str = "the user says: ";

/// Reads a document of the record.
///
/// # Errors
/// [`StoreError::Damaged`]: it is not what this program writes there. Nothing is put in its place.
pub(crate) fn decode_document<T: DeserializeOwned>(what: &'static str, document: &Value) -> Result<T, StoreError> {
    T::deserialize(document).map_err(|error| StoreError::Damaged { what, reason: error.to_string() })
}

/// The user's answers to the questions of a task, one list for each time it asked.
///
/// # Errors
/// [`StoreError::Damaged`]: they cannot be read. Going on without them would answer for the user.
pub(crate) fn answers_of(task: &TaskRow) -> Result<Vec<Vec<Answer>>, StoreError> {
    if task.answers.is_null() { Ok(Vec::new()) } else { decode_document("answers", &task.answers) }
}

/// The newest result of each step, from the rounds before this one: a step that was met in one of them was perhaps not reached in the next.
pub(crate) async fn earlier_results(
    store: &Store,
    owner: &Owner,
    task: TaskId,
    round: i64,
) -> Result<Vec<(String, Value)>, StoreError> {
    let mut earlier: Vec<(String, Value)> = Vec::new();
    let mut before = round - PARTS;
    while before >= 0 {
        for (id, result) in store.step_results(owner, task, before).await? {
            if !earlier.iter().any(|(known, _)| *known == id) {
                earlier.push((id, result));
            }
        }
        before -= PARTS;
    }
    Ok(earlier)
}

/// The result of a step that was finished before the user was asked, if this plan has the same step; or the last one, if the user takes it as it is.
///
/// # Errors
/// [`StoreError::Damaged`]: it cannot be read.
pub(crate) fn kept(
    step: &Step,
    earlier: &[(String, Value)],
    answers: &[Answer],
    results: &[StepResult],
) -> Result<Option<StepResult>, StoreError> {
    let Some((_, recorded)) = earlier.iter().find(|(id, _)| *id == step.id) else { return Ok(None) };
    let result: StepResult = decode_document("step result", recorded)?;
    let question = question_of(step);
    let takes_it = answers
        .iter()
        .any(|answer| is_about(&answer.question_id, &question) && answer.text.trim().eq_ignore_ascii_case(TAKE_IT));
    let same = recorded.get(STEP).is_some_and(|recorded| *recorded == described(step, results));
    let kept = match result.status {
        // One that was taken as it was, in a round before, stays taken.
        StepStatus::Met | StepStatus::NotMet if same => true,
        StepStatus::Met | StepStatus::Failed => false,
        StepStatus::NotMet => takes_it,
    };
    Ok(kept.then_some(result))
}

/// What a step is told that was asked about: what had been wrong with it, and what its user says.
///
/// # Errors
/// [`StoreError::Damaged`]: the earlier result cannot be read.
pub(crate) fn feedback_before(
    step: &Step,
    earlier: &[(String, Value)],
    answers: &[Answer],
) -> Result<Feedback, StoreError> {
    let question = question_of(step);
    let said = answers.iter().filter(|answer| is_about(&answer.question_id, &question));
    let said = said.filter(|answer| !answer.text.trim().eq_ignore_ascii_case(TRY_AGAIN));
    let recorded = earlier.iter().find(|(id, _)| *id == step.id);
    let result: Option<StepResult> = recorded.map(|(_, result)| decode_document("step result", result)).transpose()?;
    let Some(result) = result.filter(|result| result.status != StepStatus::Met) else { return Ok(Feedback::default()) };
    let before = result.differences.iter().map(|difference| format!("{BEFORE_THE_QUESTION}{difference}"));
    let differences = before.chain(said.map(|answer| format!("{USER_SAYS}{}", answer.text.trim()))).collect();
    Ok(Feedback { differences, ..Feedback::default() })
}

/// What a step does, with what it takes up from earlier results: the same means that it need not be done again.
pub(crate) fn described(step: &Step, results: &[StepResult]) -> Value {
    let arguments = plan::arguments(step).and_then(|arguments| plan::resolve(arguments, results)).ok();
    let action = match &step.action {
        Action::Script(call) => json!(["script", call.path]),
        Action::Flow(call) => json!(["flow", call.path]),
        Action::Skill(call) => json!(["skill", call.skill, call.content]),
        Action::Run(_) => json!(["run"]),
    };
    let text = json!([action, arguments, step.expects]).to_string();
    json!(blake3::hash(text.as_bytes()).to_hex().as_str())
}

/// Whether an answer is about this question: it names it, or is about all that was asked.
fn is_about(answered: &str, question: &str) -> bool {
    answered == question || answered == "*"
}

pub(crate) fn question_of(step: &Step) -> String {
    format!("step-{}", step.id)
}

/// No attempt gave what was expected: the user can help. One question for what is wrong, with what can be done about it.
pub(crate) fn question_about_step(step: &Step, differences: &[String], last: &RecordedAttempt) -> TaskOutcome {
    let title = shorten(step.title.trim_end_matches('.'), 120);
    let said: Vec<&String> =
        if last.differences.is_empty() { differences.iter().collect() } else { last.differences.iter().collect() };
    let mut questions = Vec::new();
    let shown = |difference: &str| shorten(difference.trim_end_matches('.'), 300);
    if let Some(failure) = &last.failure {
        let text = format!(
            "\"{title}\" did not work: {}. Shall I try again, or what shall I do differently?",
            shown(&failure.to_string())
        );
        questions.push(Question { id: question_of(step), text, options: vec![TRY_AGAIN.to_owned()] });
    } else {
        let mut distinct: Vec<&String> = Vec::new();
        for difference in said {
            if !distinct.contains(&difference) {
                distinct.push(difference);
            }
        }
        let mut first =
            distinct.iter().take(MAX_DIFFERENCES_ASKED).map(|text| shown(text)).collect::<Vec<_>>().join("; ");
        if distinct.len() > MAX_DIFFERENCES_ASKED {
            first.push_str(&format!("; and {} more", distinct.len() - MAX_DIFFERENCES_ASKED));
        }
        let ran_once = match plan::may_run_again(step) {
            Ok(false) => " It was not run again by itself, because it may have changed something.",
            _ => "",
        };
        let text = format!(
            "\"{title}\" did not give what was expected ({first}).{ran_once} Will you take the last result, or what shall be different?"
        );
        let options = vec![TAKE_IT.to_owned(), TRY_AGAIN.to_owned()];
        questions.push(Question { id: question_of(step), text, options });
    }
    TaskOutcome::Asked { content: end::ask_text("", &questions), questions }
}

#[cfg(test)]
mod tests {
    use openanalyst_store::known::KnownFailure;
    use openanalyst_store::recordings::PartRow;

    use super::*;
    use crate::end::StoredOutcome;
    use crate::{accept, context, steps, supply, view};

    #[test]
    fn what_is_damaged_is_never_replaced_by_nothing() {
        let good = json!([[{ "questionId": "a", "text": "yes" }], []]);
        assert_eq!(decode_document::<Vec<Vec<Answer>>>("answers", &good).unwrap().len(), 2);
        for bad in [json!({}), json!([{ "text": "yes" }]), json!([[{ "answer": "yes" }]]), json!("[]"), json!(null)] {
            let error = decode_document::<Vec<Vec<Answer>>>("answers", &bad).unwrap_err();
            assert!(matches!(error, StoreError::Damaged { what: "answers", .. }), "{bad}: {error}");
            assert!(!error.is_transient(), "trying again does not help");
        }
    }

    #[test]
    fn each_column_that_cannot_be_read_is_an_error_that_names_it() {
        let file = |base64: &str| json!([{ "name": "a.csv", "mediaType": "text/csv", "base64": base64 }]);
        let part = PartRow { place: String::new(), number: 0, component: String::new(), part: json!("half a pa") };
        let failure = KnownFailure {
            title: "the report".to_owned(),
            content: "It failed.".to_owned(),
            data: "{\"error\": ".to_owned(),
            at_ms: 0,
        };
        let mut omitted = context::Omitted::default();
        let learnings = context::learnings(&[failure], &[], "the report", &mut omitted);
        let table: [(&str, Result<(), StoreError>); 11] = [
            ("attachments", accept::for_skill(&json!({ "name": "a.csv" })).map(drop)),
            ("attachments", accept::for_skill(&json!([{ "name": "a.csv" }])).map(drop)),
            ("attachments", accept::for_skill(&file("aGVsbG8=!")).map(drop)),
            ("outcome", view::outcome_of(Some(&json!("cut o"))).map(drop)),
            ("outcome", view::outcome_of(Some(&json!({ "content": 1 }))).map(drop)),
            ("context", context::told_preferences("{\"display-name\": \"Ad").map(drop)),
            ("context", context::told_preferences("[]").map(drop)),
            ("memory", context::noted_text("\"Ad").map(drop)),
            ("history", learnings.map(drop)),
            ("recording", supply::journal::recording([part]).map(drop)),
            ("result of a step", steps::settled(Some(json!("cut o"))).map(drop)),
        ];
        for (column, read) in table {
            let Err(StoreError::Damaged { what, .. }) = read else { panic!("{column}: {read:?}") };
            assert_eq!(what, column);
        }
        assert_eq!(accept::for_skill(&file("aGVsbG8=")).unwrap()[0].content, b"hello");
        assert!(accept::for_skill(&Value::Null).unwrap().is_empty(), "nothing is no damage");
        assert_eq!(view::outcome_of(None).unwrap(), StoredOutcome::default());
        assert!(context::told_preferences("").unwrap().is_empty());
        assert_eq!(context::noted_text("5").unwrap(), None, "skills note other things than texts");
    }
}
