//! What went wrong with one request, and whether to send it again.

use std::time::Duration;

use openanalyst_domain::Failure;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

/// When trying again may help, if the server does not say.
const USUAL_WAIT: Duration = Duration::from_secs(2);
/// Kinds of errors that pass, as providers name them in bodies and streams.
const PASSING: &[&str] = &[
    "overloaded_error",
    "api_error",
    "rate_limit_error",
    "timeout_error",
    "server_error",
    "rate_limit_exceeded",
    "overloaded",
];

/// A failure, and what follows from it.
#[derive(Debug)]
pub(crate) struct Problem {
    /// What the caller gets if the request is not sent again.
    pub(crate) failure: Failure,
    /// Whether sending it again may help.
    pub(crate) passes: bool,
    /// How long the server wants to be left alone.
    pub(crate) after: Option<Duration>,
}

impl Problem {
    /// It may be gone soon, and the request is worth another try.
    pub(crate) fn passing(detail: impl Into<String>, after: Option<Duration>) -> Self {
        Self { failure: later(detail, after.unwrap_or(USUAL_WAIT)), passes: true, after }
    }

    /// The time of this call is over; another call may have more luck.
    pub(crate) fn late(detail: impl Into<String>) -> Self {
        Self { failure: later(detail, USUAL_WAIT), passes: false, after: None }
    }

    /// The server is wrong, and will be.
    pub(crate) fn broken(detail: impl Into<String>) -> Self {
        Failure::unavailable(detail).into()
    }

    /// What an error in a body or a stream means, which came with a good status.
    pub(crate) fn said(name: &str, said: &Said) -> Self {
        let detail = format!("{name} answered with an error{}", said.suffix());
        if said.passes() { Self::passing(detail, None) } else { Self::broken(detail) }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self { failure, passes: false, after: None }
    }
}

fn later(detail: impl Into<String>, wait: Duration) -> Failure {
    let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    Failure::Unavailable { detail: detail.into(), retry_after_ms: Some(wait) }
}

/// What a server wants: `retry-after-ms`, or `retry-after` in seconds or as a date (RFC 9110, 10.2.3). A date that is over means now.
pub(crate) fn wanted_wait(headers: &HeaderMap) -> Option<Duration> {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(ms) = said("retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return duration(ms / 1_000.0);
    }
    let text = said(RETRY_AFTER.as_str())?;
    if let Ok(seconds) = text.parse::<f64>() {
        return duration(seconds);
    }
    let date = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    Some(date.signed_duration_since(chrono::Utc::now()).to_std().unwrap_or_default())
}

fn duration(seconds: f64) -> Option<Duration> {
    if seconds.is_nan() || seconds < 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// An error in the words of the provider, cleaned.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    kind: Option<String>,
    message: Option<String>,
}

impl Said {
    /// Reads what providers and what stands before them write: `{"error": {"type", "code", "message"}}`, `{"error": "…"}`, `{"detail": …}`,
    /// `{"message": "…"}`.
    pub(crate) fn read(body: &Value, clean: impl Fn(&str) -> String) -> Self {
        let error = body.get("error").filter(|error| !error.is_null());
        let places = [error, body.get("detail"), body.get("message")];
        let message = places.into_iter().flatten().find_map(|place| {
            ["message", "detail", "error"]
                .iter()
                .find_map(|name| place.get(name).and_then(Value::as_str))
                .or_else(|| place.as_str())
        });
        let kind = error.and_then(|error| {
            ["type", "code", "status"].iter().find_map(|name| match error.get(name)? {
                Value::String(kind) => Some(kind.clone()),
                Value::Number(code) => Some(code.to_string()),
                _ => None,
            })
        });
        let plain = |kind: &String| {
            (1..=64).contains(&kind.len()) && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        Self {
            // A kind is a name; what is not may be anything, and is not repeated.
            kind: kind.filter(plain).map(|kind| clean(&kind)),
            message: message.map(&clean).filter(|message| !message.is_empty()),
        }
    }

    fn passes(&self) -> bool {
        let Some(kind) = self.kind.as_deref() else { return false };
        PASSING.contains(&kind) || kind.parse().is_ok_and(passes)
    }

    /// The kind alone, such as ` invalid_api_key`.
    pub(crate) fn kind(&self) -> String {
        self.kind.as_ref().map(|kind| format!(" {kind}")).unwrap_or_default()
    }

    /// The message, such as `: no such model`.
    pub(crate) fn suffix(&self) -> String {
        match (&self.kind, &self.message) {
            (_, Some(message)) => format!(": {message}"),
            (Some(kind), None) => format!(": {kind}"),
            (None, None) => String::new(),
        }
    }

    /// Whether nothing was said.
    pub(crate) fn is_silent(&self) -> bool {
        self.message.is_none()
    }
}

/// Whether a request that was answered so may be sent again.
pub(crate) fn passes(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504 | 529)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(headers: &[(&'static str, &str)]) -> Option<Duration> {
        wanted_wait(&headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect())
    }

    #[test]
    fn the_wish_of_a_server_is_read_in_every_form() {
        let table = [
            (vec![], None),
            (vec![("retry-after", "7")], Some(Duration::from_secs(7))),
            (vec![("retry-after", " 0.5 ")], Some(Duration::from_millis(500))),
            (vec![("retry-after-ms", "20"), ("retry-after", "7")], Some(Duration::from_millis(20))),
            (vec![("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], Some(Duration::ZERO)),
            (vec![("retry-after", "99999999999999999999999")], Some(Duration::MAX)),
            (vec![("retry-after", "-1")], None),
            (vec![("retry-after", "NaN")], None),
            (vec![("retry-after", "soon")], None),
        ];
        for (headers, expected) in table {
            assert_eq!(wait(&headers), expected, "{headers:?}");
        }
        let date = (chrono::Utc::now() + chrono::Duration::seconds(60)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let found = wait(&[("retry-after", &date)]).unwrap();
        assert!(found > Duration::from_secs(50) && found <= Duration::from_secs(60), "{found:?}");
    }

    #[test]
    fn errors_are_read_in_the_forms_that_providers_use() {
        let table = [
            (r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, ": Overloaded", true),
            (r#"{"error":{"message":"no","type":"invalid_request_error","code":null}}"#, ": no", false),
            (r#"{"error":{"code":503,"message":"busy"}}"#, ": busy", true),
            (r#"{"error":"model not found"}"#, ": model not found", false),
            (r#"{"detail":{"error":"Unauthorized"}}"#, ": Unauthorized", false),
            (r#"{"detail":"bad"}"#, ": bad", false),
            (r#"{"message":"gone"}"#, ": gone", false),
            (r#"{"error":{"type":"api_error"}}"#, ": api_error", true),
            (r#"{"error":{"type":"not a name"}}"#, "", false),
            (r"[]", "", false),
        ];
        for (body, suffix, passes) in table {
            let said = Said::read(&serde_json::from_str(body).unwrap(), str::to_owned);
            assert_eq!((said.suffix().as_str(), said.passes()), (suffix, passes), "{body}");
        }
    }
}
