//! Which paths of the workflow engine a skill may touch.
//!
//! A path is `u/NAME/...` or `f/FOLDER/...`: letters, digits, `_` and `-` between slashes (`g/...` names a group and is no place for
//! scripts). Nothing is decoded or normalised: what is not plainly written is refused, so `..`, `%2f` and doubled slashes
//! never mean anything. Another user's folder is closed whatever the grant says.

use openanalyst_domain::Failure;
use openanalyst_package::Capabilities;
use serde_json::Value;

use super::guard::{denied, shown};
use crate::call::Call;

/// Longest path, in bytes (as in Windmill).
pub(crate) const MAX_PATH_BYTES: usize = 255;

/// The rule for one invocation.
#[derive(Clone, Copy)]
pub(crate) struct Paths<'a> {
    grants: &'a Capabilities,
    user_folder: &'a str,
}

impl<'a> Paths<'a> {
    pub(crate) fn of(call: &'a Call) -> Self {
        Self { grants: &call.grants, user_folder: &call.user_folder }
    }

    /// Whether a path may be touched.
    pub(crate) fn allows(self, path: &str) -> bool {
        self.check(path).is_ok()
    }

    /// Checks a path.
    ///
    /// # Errors
    /// [`Failure::Denied`], naming the missing grant, or [`Failure::Invalid`] where it is no path.
    pub(crate) fn check(self, path: &str) -> Result<(), Failure> {
        if self.grants.windmill.is_empty() {
            return Err(denied("windmill", path));
        }
        self.check_form(path)?;
        if self.is_own(path) {
            return Ok(());
        }
        if path.starts_with("u/") {
            return Err(self.foreign(path));
        }
        if self.grants.allows_path(path) { Ok(()) } else { Err(denied("windmill", path)) }
    }

    /// Checks the beginning of paths, for a listing. What is listed is checked again line by line.
    ///
    /// # Errors
    /// See [`Self::check`].
    pub(crate) fn check_prefix(self, prefix: &str) -> Result<(), Failure> {
        if self.grants.windmill.is_empty() {
            return Err(denied("windmill", prefix));
        }
        if prefix.is_empty() {
            return Ok(());
        }
        self.check_characters(prefix)?;
        let below = prefix.strip_prefix(self.user_folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let own = below || self.user_folder.starts_with(prefix);
        if prefix.starts_with("u/") && !own { Err(self.foreign(prefix)) } else { Ok(()) }
    }

    /// Checks every script and flow that a flow's value would run.
    ///
    /// # Errors
    /// See [`Self::check`].
    pub(crate) fn check_flow(self, value: &Value) -> Result<(), Failure> {
        match value {
            Value::Array(list) => list.iter().try_for_each(|item| self.check_flow(item)),
            Value::Object(members) => {
                if let (Some("script" | "flow"), Some(path)) =
                    (members.get("type").and_then(Value::as_str), members.get("path").and_then(Value::as_str))
                {
                    self.check(path)?;
                }
                members.values().try_for_each(|member| self.check_flow(member))
            }
            _ => Ok(()),
        }
    }

    fn is_own(self, path: &str) -> bool {
        self.user_folder.starts_with("u/")
            && path.strip_prefix(self.user_folder).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
    }

    fn foreign(self, path: &str) -> Failure {
        Failure::denied(format!(
            "`{}` belongs to another user and no grant opens it: use `{}/...`, or a shared folder `f/...` that is granted",
            shown(path),
            self.user_folder
        ))
    }

    fn check_form(self, path: &str) -> Result<(), Failure> {
        self.check_characters(path)?;
        let mut segments = path.split('/');
        let root = segments.next().unwrap_or_default();
        if !matches!(root, "u" | "f") || path.split('/').count() < 3 || segments.any(str::is_empty) {
            return Err(Failure::invalid(format!(
                "`{}` is no path of the workflow engine: write `f/FOLDER/NAME` or `{}/NAME`",
                shown(path),
                self.user_folder
            )));
        }
        Ok(())
    }

    fn check_characters(self, path: &str) -> Result<(), Failure> {
        if path.contains("..") || path.contains('%') || path.contains('\\') {
            return Err(Failure::denied(format!(
                "`{}` is refused: paths with `..`, `%` or `\\` are never granted by anybody; write the path plainly",
                shown(path)
            )));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/');
        if path.len() > MAX_PATH_BYTES || !path.chars().all(plain) {
            return Err(Failure::invalid(format!(
                "`{}` is no path of the workflow engine: use letters, digits, `_`, `-` and `/`, at most {MAX_PATH_BYTES} of them",
                shown(path)
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn grants(windmill: &[&str]) -> Capabilities {
        serde_json::from_value(json!({ "windmill": windmill })).unwrap()
    }

    fn code(grants: &Capabilities, path: &str) -> &'static str {
        match (Paths { grants, user_folder: "u/ada" }).check(path) {
            Ok(()) => "open",
            Err(Failure::Denied { .. }) => "denied",
            Err(Failure::Invalid { .. }) => "invalid",
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn paths_are_open_as_granted_and_no_further() {
        let social = grants(&["f/openanalyst/social/*"]);
        for (path, expected) in [
            ("f/openanalyst/social/create_post", "open"),
            ("u/ada/drafts/one", "open"),
            ("u/ada/x", "open"),
            ("u/ada", "invalid"),
            ("f/openanalyst/core/log", "denied"),
            ("u/bob/x", "denied"),
            ("u/adam/x", "denied"),
            ("f/openanalyst/social/../core/log", "denied"),
            ("f/openanalyst/social/%2e%2e/x", "denied"),
            ("u%2fbob/x", "denied"),
            ("f/openanalyst/social/a%252fb", "denied"),
            ("f\\openanalyst\\social\\x", "denied"),
            ("f/openanalyst//x", "invalid"),
            ("/f/openanalyst/social/x", "invalid"),
            ("hub/1/x/y", "invalid"),
            ("g/all/x", "invalid"),
            ("", "invalid"),
            ("f/openanalyst/social/é", "invalid"),
        ] {
            assert_eq!(code(&social, path), expected, "{path}");
        }
    }

    #[test]
    fn without_a_grant_not_even_the_own_folder_is_open() {
        assert_eq!(code(&grants(&[]), "u/ada/x"), "denied");
    }

    #[test]
    fn no_grant_opens_the_folder_of_another_user() {
        assert_eq!(code(&grants(&["u/bob/**"]), "u/bob/x"), "denied");
    }

    #[test]
    fn a_flow_is_searched_for_what_it_runs() {
        let social = grants(&["f/openanalyst/social/*"]);
        let paths = Paths { grants: &social, user_folder: "u/ada" };
        let flow = |path: &str| json!({ "modules": [{ "id": "a", "value": { "type": "forloopflow", "modules": [{ "value": { "type": "script", "path": path } }] } }] });
        assert!(paths.check_flow(&flow("f/openanalyst/social/create_post")).is_ok());
        assert!(matches!(paths.check_flow(&flow("f/secret/x")), Err(Failure::Denied { .. })));
        assert!(paths.check_flow(&flow("hub/123/x")).is_err());
    }

    #[test]
    fn a_listing_may_begin_above_what_is_granted_but_not_at_another_user() {
        let social = grants(&["f/openanalyst/social/*"]);
        let paths = Paths { grants: &social, user_folder: "u/ada" };
        for open in ["", "f/", "f/openanalyst/", "u/", "u/ada", "u/ada/", "u/ada/x"] {
            assert!(paths.check_prefix(open).is_ok(), "{open}");
        }
        for closed in ["u/bob/", "u/adam", "u/ada/../bob", "u/%61da"] {
            assert!(paths.check_prefix(closed).is_err(), "{closed}");
        }
    }
}
