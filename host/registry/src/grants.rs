//! Grants as they are stored: one row for each capability and target.

use openanalyst_package::Capabilities;
use openanalyst_store::skills::GrantRow;
use serde_json::{Map, Value};

/// The rows of a set of capabilities. The target is empty where a capability has none.
#[must_use]
pub fn to_rows(capabilities: &Capabilities) -> Vec<(String, String)> {
    // The keys are those of SKILL.md, so a capability that is added there is stored here without another line.
    let Ok(Value::Object(keys)) = serde_json::to_value(capabilities) else { return Vec::new() };
    let mut rows = Vec::new();
    for (capability, value) in keys {
        match value {
            Value::Bool(true) => rows.push((capability, String::new())),
            Value::String(target) => rows.push((capability, target)),
            Value::Array(targets) => {
                rows.extend(
                    targets.iter().filter_map(Value::as_str).map(|target| (capability.clone(), target.to_owned())),
                );
            }
            _ => {}
        }
    }
    rows
}

/// The set of capabilities in rows. A row that is no grant any more grants nothing.
#[must_use]
pub fn from_rows<'a>(rows: impl IntoIterator<Item = &'a GrantRow>) -> Capabilities {
    let mut keys = Map::new();
    for row in rows {
        let value = match row.capability.as_str() {
            "web-search" | "llm" => Value::Bool(true),
            "memory" => Value::String(row.target.clone()),
            _ => {
                let mut targets = match keys.remove(&row.capability) {
                    Some(Value::Array(targets)) => targets,
                    _ => Vec::new(),
                };
                targets.push(Value::String(row.target.clone()));
                Value::Array(targets)
            }
        };
        keys.insert(row.capability.clone(), value);
    }
    serde_json::from_value(Value::Object(keys)).unwrap_or_else(|error| {
        tracing::error!(%error, "stored grants cannot be read: they grant nothing");
        Capabilities::none()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_hold_what_was_granted() {
        for value in [
            json!({}),
            json!({"windmill": ["f/a/*", "f/b/x"], "memory": "tenant", "web-search": true, "llm": true, "http": ["*.a.org"],
                "skills": ["core"], "secrets": ["k"]}),
        ] {
            let capabilities: Capabilities = serde_json::from_value(value).unwrap();
            let rows: Vec<GrantRow> = to_rows(&capabilities)
                .into_iter()
                .map(|(capability, target)| GrantRow { skill: "s".to_owned(), capability, target })
                .collect();
            assert_eq!(from_rows(&rows), capabilities);
        }
        let odd = GrantRow { skill: "s".to_owned(), capability: "root".to_owned(), target: String::new() };
        assert_eq!(from_rows([&odd]), Capabilities::none(), "what is not understood grants nothing");
    }
}
