//! `/v1/tasks`: lists, shows, cancels tasks, and answers what they asked.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::{Extension, Json};
use openanalyst_brain::replay::TaskRecording;
use openanalyst_brain::{Answer, MAX_PAGE, TaskPage, TaskView};
use openanalyst_domain::TaskStatus;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Caller;
use crate::input::{self, JsonBody, OptionalJsonBody};
use crate::problem::Problem;
use crate::requests::{DEFAULT_WAIT, WaitQuery, answer as respond};

/// How many tasks a page holds that does not say.
const DEFAULT_PAGE: u32 = 20;

#[derive(Deserialize)]
pub(crate) struct ListQuery {
    status: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// `GET /v1/tasks?status=&cursor=&limit=`
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<TaskPage>, Problem> {
    let query = input::query(query)?;
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let status = filled(query.status).map(|name| status(&name)).transpose()?;
    let limit = query.limit.unwrap_or(DEFAULT_PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Problem::invalid(format!("`limit` is {limit}: give 1 to {MAX_PAGE}")));
    }
    let cursor = filled(query.cursor);
    Ok(Json(app.brain.tasks(&caller.owner, status, cursor.as_deref(), limit).await?))
}

fn status(name: &str) -> Result<TaskStatus, Problem> {
    TaskStatus::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = TaskStatus::ALL.iter().map(|status| status.as_str()).collect();
        Problem::invalid(format!("`status` must be one of {}", known.join(", ")))
    })
}

/// `GET /v1/tasks/{id}`
pub(crate) async fn show(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<TaskView>, Problem> {
    let id = input::task_id(path)?;
    Ok(Json(app.brain.task(&caller.owner, id).await?))
}

/// `GET /v1/tasks/{id}/recording`
pub(crate) async fn recording(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<TaskRecording>, Problem> {
    let id = input::task_id(path)?;
    Ok(Json(app.brain.recording(&caller.owner, id).await?))
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Cancel)]
pub(crate) struct CancelBody {
    #[serde(default)]
    reason: String,
}

/// `POST /v1/tasks/{id}/cancel`, with an optional `{reason}`
pub(crate) async fn cancel(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
    OptionalJsonBody(body): OptionalJsonBody<CancelBody>,
) -> Result<Json<TaskView>, Problem> {
    let id = input::task_id(path)?;
    Ok(Json(app.brain.cancel(&caller.owner, id, &body.reason).await?))
}

/// Answers to single questions, or one text for all that was asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Answers)]
pub(crate) struct AnswersBody {
    answers: Option<Vec<Answer>>,
    content: Option<String>,
}

impl AnswersBody {
    fn answers(self) -> Result<Vec<Answer>, Problem> {
        match (self.answers, self.content) {
            (Some(answers), None) => Ok(answers),
            (None, Some(text)) => Ok(vec![Answer { question_id: "*".to_owned(), text }]),
            _ => Err(Problem::invalid(
                "give either `answers`, a list of {questionId, text}, or `content`, one text for all questions",
            )),
        }
    }
}

/// `POST /v1/tasks/{id}/answers?wait=SECONDS`
pub(crate) async fn answer(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<WaitQuery>, QueryRejection>,
    JsonBody(body): JsonBody<AnswersBody>,
) -> Result<Response, Problem> {
    let id = input::task_id(path)?;
    let wait = input::wait(input::query(query)?.wait, DEFAULT_WAIT, &app.limits)?;
    app.brain.answer(&caller.owner, id, body.answers()?).await?;
    Ok(respond(app.brain.wait(&caller.owner, id, wait).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_two_forms() {
        let answers = |json: &str| serde_json::from_str::<AnswersBody>(json).unwrap().answers();
        let both = answers(r#"{"answers": [{"questionId": "platform", "text": "LinkedIn"}, {"text": "x"}]}"#).unwrap();
        assert_eq!((both[0].question_id.as_str(), both[1].question_id.as_str()), ("platform", "*"));
        assert_eq!(answers(r#"{"content": "LinkedIn"}"#).unwrap()[0].text, "LinkedIn");
        assert!(answers(r#"{"content": "x", "answers": []}"#).is_err());
        assert!(answers("{}").is_err());
    }

    #[test]
    fn an_unknown_status_is_told_the_known_ones() {
        assert_eq!(status("needs-clarification").unwrap(), TaskStatus::NeedsClarification);
        assert!(status("done").unwrap_err().detail().contains("completed"));
    }
}
