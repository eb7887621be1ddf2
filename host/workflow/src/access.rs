//! Who may see and change which path.
//!
//! Everybody in a tenant runs what stands under `f/`, and changes there what they stored themselves; `u/<their folder>/` is theirs alone. The scripts that
//! come with the host cannot be changed.

use openanalyst_domain::{Failure, Owner};
use openanalyst_package::glob::is_path;

/// Where the scripts that come with the host stand.
pub(crate) const SHARED: &str = "f/openanalyst/";

/// Checks that a path is one, and that the owner may see what stands there.
pub(crate) fn readable(owner: &Owner, path: &str) -> Result<(), Failure> {
    if !is_path(path) {
        let shown: String = path.chars().filter(|c| !c.is_control()).take(80).collect();
        return Err(Failure::invalid(format!(
            "`{shown}` is no path: use u/NAME/... or f/FOLDER/..., at least three parts, of letters, digits, `_` and `-`"
        )));
    }
    if visible(owner, path) {
        Ok(())
    } else {
        Err(Failure::not_found(format!("there is nothing at `{path}`, or not for you")))
    }
}

/// Checks that the owner may put something there.
pub(crate) fn writable(owner: &Owner, path: &str) -> Result<(), Failure> {
    readable(owner, path)?;
    if path.starts_with(SHARED) {
        return Err(Failure::denied(format!("`{path}` comes with the host and cannot be changed: use another folder")));
    }
    Ok(())
}

/// Checks that the owner may change or remove what `keeper` stored there.
pub(crate) fn replaceable(owner: &Owner, path: &str, keeper: &str) -> Result<(), Failure> {
    if keeper == owner.user.as_str() {
        return Ok(());
    }
    Err(Failure::denied(format!(
        "another user stored `{path}`, and only they can change or remove it: ask them, or use another path"
    )))
}

/// What the owner sees of the paths that begin with `prefix`, as prefixes, none inside another.
pub(crate) fn visible_prefixes(owner: &Owner, prefix: &str) -> Vec<String> {
    let roots = ["f/".to_owned(), format!("{}/", owner.user.folder())];
    let narrowed = |root: String| {
        if root.starts_with(prefix) {
            Some(root)
        } else if prefix.starts_with(&root) {
            Some(prefix.to_owned())
        } else {
            None
        }
    };
    roots.into_iter().filter_map(narrowed).collect()
}

/// Whether the owner sees what stands at a path.
pub(crate) fn visible(owner: &Owner, path: &str) -> bool {
    path.starts_with("f/") || path.strip_prefix(&owner.user.folder()).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use openanalyst_domain::{TenantId, UserId};

    use super::*;

    #[test]
    fn the_own_folder_and_the_shared_ones() {
        let ada = Owner::new(TenantId::parse("t").unwrap(), UserId::parse("ada").unwrap());
        for path in ["u/ada/x", "f/team/x", "f/openanalyst/social/create_post"] {
            assert!(readable(&ada, path).is_ok(), "{path}");
        }
        for path in ["u/adam/x", "u/bob/x", "g/all/x", "u/ada/../bob/x", "u/ada", "", "u/ada//x", "u/ada/%2e%2e/x"] {
            assert!(readable(&ada, path).is_err(), "{path}");
        }
        assert!(writable(&ada, "u/ada/x").is_ok() && writable(&ada, "f/team/x").is_ok());
        assert_eq!(writable(&ada, "f/openanalyst/core/x").unwrap_err().code(), "denied");
    }

    #[test]
    fn a_listing_looks_only_where_the_owner_sees() {
        let ada = Owner::new(TenantId::parse("t").unwrap(), UserId::parse("ada").unwrap());
        let table: [(&str, &[&str]); 7] = [
            ("", &["f/", "u/ada/"]),
            ("u/", &["u/ada/"]),
            ("u/ad", &["u/ada/"]),
            ("u/ada/re", &["u/ada/re"]),
            ("u/bob/", &[]),
            ("f/team", &["f/team"]),
            ("g/", &[]),
        ];
        for (prefix, expected) in table {
            assert_eq!(visible_prefixes(&ada, prefix), expected, "{prefix}");
        }
    }
}
