//! Results, made fit to be shown.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::Value;
use url::Url;

use crate::text;

/// Longest title, in characters.
pub const MAX_TITLE_CHARS: usize = 300;
/// Longest snippet, in characters.
pub const MAX_SNIPPET_CHARS: usize = 2_000;
/// Longest address, in bytes. A result with a longer one is left out.
pub const MAX_URL_BYTES: usize = 2_048;

/// One result. Its texts are plain, on one line, and without control characters; they are not HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The page's title, of at most [`MAX_TITLE_CHARS`]. A page without one is called by its host.
    pub title: String,
    /// Its address: `http` or `https`, of at most [`MAX_URL_BYTES`].
    pub url: String,
    /// What the search engine shows of it, of at most [`MAX_SNIPPET_CHARS`]. It may be empty.
    pub snippet: String,
    /// When it was published, in milliseconds since 1970, where the engine knows it. A time without a zone is taken as UTC.
    pub published_at_ms: Option<u64>,
}

/// Under which names an engine writes what a result is made of.
pub(super) struct Names {
    pub(super) title: &'static str,
    pub(super) snippet: &'static str,
    pub(super) published: &'static str,
}

impl Hit {
    /// Reads one result; none if it leads nowhere that a browser would go.
    pub(super) fn read(result: &Value, names: &Names) -> Option<Self> {
        let said = |name: &str| result.get(name).and_then(Value::as_str).unwrap_or_default();
        let url = said("url");
        if url.len() > MAX_URL_BYTES {
            return None;
        }
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        // Escapes may have made it longer.
        if url.as_str().len() > MAX_URL_BYTES {
            return None;
        }
        let title = text::plain(said(names.title), MAX_TITLE_CHARS);
        let title = if title.is_empty() { url.host_str().unwrap_or_default().to_owned() } else { title };
        Some(Self {
            title,
            snippet: text::plain(said(names.snippet), MAX_SNIPPET_CHARS),
            published_at_ms: time(said(names.published)),
            url: url.into(),
        })
    }
}

/// The forms in which engines write times: RFC 3339, RFC 2822, and what is like the first without a zone or an hour.
fn time(text: &str) -> Option<u64> {
    let text = text.trim();
    let zoned = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text));
    let ms = if let Ok(time) = zoned {
        time.timestamp_millis()
    } else {
        let bare = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"))
            .ok()
            .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0));
        bare?.and_utc().timestamp_millis()
    };
    u64::try_from(ms).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form() {
        let table = [
            ("2024-11-12T10:00:00Z", Some(1_731_405_600_000)),
            ("2024-11-12T11:00:00.250+01:00", Some(1_731_405_600_250)),
            ("2024-11-12T10:00:00", Some(1_731_405_600_000)),
            ("2024-11-12 10:00:00", Some(1_731_405_600_000)),
            ("Tue, 12 Nov 2024 10:00:00 GMT", Some(1_731_405_600_000)),
            ("2024-11-12", Some(1_731_369_600_000)),
            ("1969-12-31", None),
            ("3 days ago", None),
            ("", None),
        ];
        for (text, ms) in table {
            assert_eq!(time(text), ms, "{text}");
        }
    }
}
