//! `GET /v1/tasks/{id}/events`: a task's events as server-sent events (WHATWG HTML, "Server-sent events"), without a gap.

use std::convert::Infallible;

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt as _, future};
use openanalyst_brain::BrainError;
use openanalyst_domain::TaskEvent;

use crate::app::App;
use crate::auth::Caller;
use crate::input;
use crate::places::Place;
use crate::problem::Problem;

/// Tells the proxies that know it (nginx first) not to hold events back.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// The stream: `id` is the event's number, `event` its kind, `data` the event whole. It ends after the task's last event, when the
/// token expires, and when the host shuts down; a client that comes back with `Last-Event-ID` misses nothing.
pub(crate) async fn stream(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = input::task_id(path)?;
    let view = app.brain.task(&caller.owner, id).await?;
    let after = last_event_id(&headers, view.last_seq);
    if view.status.is_final() && after >= view.last_seq {
        // Nothing follows, and 204 is what tells an EventSource to stop coming back.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let keep_alive = KeepAlive::new().interval(app.limits.sse_keep_alive);
    let place = app.places.take(&caller.owner)?;
    let events = app.brain.follow(&caller.owner, id, after).await?;
    let ended = async move {
        caller.proof_ends(&app).await;
    };
    let events = as_sse(events, place).take_until(Box::pin(ended));
    let sse = Sse::new(events).keep_alive(keep_alive);
    Ok(([UNBUFFERED], sse).into_response())
}

/// The events on the wire. `place` is kept until the stream ends.
fn as_sse(
    events: impl Stream<Item = Result<TaskEvent, BrainError>>,
    place: Place,
) -> impl Stream<Item = Result<Event, Infallible>> {
    events.scan(place, |_, event| {
        let sent = event.and_then(|event| {
            let data = serde_json::to_string(&event).map_err(|error| BrainError::Internal(error.to_string()))?;
            Ok(Event::default().id(event.seq.to_string()).event(event.kind.as_str()).data(data))
        });
        if let Err(error) = &sent {
            // The client comes back with `Last-Event-ID`, and goes on where this one ended.
            tracing::warn!(%error, "an event stream ends early");
        }
        future::ready(sent.ok().map(Ok))
    })
}

/// After which event to go on. What is no event of this task means from the start: the client then gets
/// some events twice, which it can tell by their numbers, where an error or silence would lose them.
fn last_event_id(headers: &HeaderMap, newest: i64) -> i64 {
    let given = headers.get("last-event-id").and_then(|given| given.to_str().ok());
    let number = given.and_then(|text| text.trim().parse().ok());
    number.filter(|number| (0..=newest).contains(number)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_event_of_the_task_means_from_the_start() {
        let id = |value: &str| {
            last_event_id(&HeaderMap::from_iter([("last-event-id".parse().unwrap(), value.parse().unwrap())]), 9)
        };
        assert_eq!(last_event_id(&HeaderMap::new(), 9), 0);
        assert_eq!((id("7"), id(" 9 ")), (7, 9));
        for other in ["", "-1", "x", "evt-1", "1.5", "10", "99999999999999999999"] {
            assert_eq!(id(other), 0, "{other}: from the start");
        }
    }
}
