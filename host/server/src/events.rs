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
    let after = last_event_id(&headers)?;
    let view = app.brain.task(&caller.owner, id).await?;
    if view.status.is_final() && after >= view.last_seq {
        // Nothing follows, and 204 is what tells an EventSource to stop coming back.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let keep_alive = KeepAlive::new().interval(app.limits.sse_keep_alive);
    let place = app.places.take(&caller.owner)?;
    let events = app.brain.follow(&caller.owner, id, after).await?;
    let ended = async move { caller.proof_ends(&app).await };
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

fn last_event_id(headers: &HeaderMap) -> Result<i64, Problem> {
    let Some(given) = headers.get("last-event-id") else { return Ok(0) };
    let number =
        given.to_str().ok().map(str::trim).filter(|text| !text.is_empty()).map_or(Some(0), |text| text.parse().ok());
    number.filter(|number| *number >= 0).ok_or_else(|| {
        Problem::invalid("`Last-Event-ID` must be the number of an event of this task, 0 or more; leave it out to begin at the start")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_event_is_a_number() {
        let id = |value: &str| {
            last_event_id(&HeaderMap::from_iter([("last-event-id".parse().unwrap(), value.parse().unwrap())]))
        };
        assert_eq!(last_event_id(&HeaderMap::new()).unwrap(), 0);
        assert_eq!((id("").unwrap(), id("7").unwrap()), (0, 7));
        for bad in ["-1", "x", "1.5", "99999999999999999999"] {
            assert_eq!(id(bad).unwrap_err().code, "invalid", "{bad}");
        }
    }
}
