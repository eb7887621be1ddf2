//! Answers that are pages of rows: read and written as JSON where the CPU is shared fairly.
//!
//! A page may hold 4 MiB of texts. Reading and writing that takes some tens of milliseconds, so it
//! is done on the threads of the tasks, in the turns of tenants and their users, and not on the
//! threads that serve sockets.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use openanalyst_domain::Owner;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value;

use crate::app::App;
use crate::problem::Problem;

/// One page of an answer.
pub(crate) struct Rows<T> {
    /// The rows.
    pub(crate) rows: Vec<T>,
    /// Where the next page begins. None: this is the last one.
    pub(crate) next: Option<String>,
    /// What else stands in the answer: its name and value.
    pub(crate) more: Option<(&'static str, Value)>,
}

impl<T> Rows<T> {
    /// A page that has nothing else in it.
    pub(crate) fn new(rows: Vec<T>, next: Option<String>) -> Self {
        Self { rows, next, more: None }
    }
}

/// A page as it is written: `{"NAME": [...], "nextCursor": "...", "MORE": ...}`.
struct Named<'a, T> {
    name: &'static str,
    page: &'a Rows<T>,
}

impl<T: Serialize> Serialize for Named<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(self.name, &self.page.rows)?;
        if let Some(next) = &self.page.next {
            map.serialize_entry("nextCursor", next)?;
        }
        if let Some((name, value)) = &self.page.more {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Reads a page and answers with it, in the turn of the user who asked. A caller who goes away ends
/// the reading.
///
/// # Errors
/// What `read` gives; an error of the host if it panicked.
pub(crate) async fn respond<T: Serialize + Send + Sync + 'static>(
    app: &App,
    owner: &Owner,
    name: &'static str,
    read: impl Future<Output = Result<Rows<T>, Problem>> + Send + 'static,
) -> Result<Response, Problem> {
    let work = async move {
        let page = read.await?;
        serde_json::to_vec(&Named { name, page: &page }).map_err(|error| {
            tracing::error!(%error, name, "a page cannot be written as JSON");
            Problem::internal()
        })
    };
    let body = app.brain.in_turn(owner, work).await??;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_names_its_rows_its_next_page_and_what_else_it_has() {
        let written = |page: &Rows<u32>| serde_json::to_value(Named { name: "entries", page }).unwrap();
        assert_eq!(written(&Rows::new(vec![], None)), json!({"entries": []}));
        let page = Rows { rows: vec![1, 2], next: Some("2".to_owned()), more: Some(("used", json!(3))) };
        assert_eq!(written(&page), json!({"entries": [1, 2], "nextCursor": "2", "used": 3}));
    }
}
