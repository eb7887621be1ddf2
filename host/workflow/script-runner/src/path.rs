//! The names of scripts, and what an `import` in one of them means.
//!
//! A script's path has neither leading slash nor extension (`f/openanalyst/core/log_activity`), as Windmill stores it. Imports may
//! write it `/f/openanalyst/core/log_activity`, the same with `.ts`, or relative to the importing script.

/// What an import specifier stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Import {
    /// The Windmill client.
    Client,
    /// Another script, by path.
    Script(String),
}

/// The specifier by which the client's own code reaches the host; scripts cannot import it.
pub(crate) const BRIDGE: &str = "openanalyst:host";

/// The path under which the client's module is known, in stacks too.
pub(crate) const CLIENT: &str = "windmill-client";

/// The name of the runner's own globals in stacks.
pub(crate) const GLOBALS: &str = "openanalyst:globals";

const EXTENSIONS: [&str; 4] = [".ts", ".mts", ".js", ".mjs"];

/// Resolves what `importer` imports as `specifier`.
///
/// # Errors
/// A message for the author, naming the specifier and what could be imported instead.
pub(crate) fn resolve(specifier: &str, importer: &str) -> Result<Import, String> {
    if is_client(specifier) {
        return Ok(Import::Client);
    }
    let mut segments: Vec<&str> = Vec::new();
    let relative = if let Some(absolute) = specifier.strip_prefix('/') {
        absolute
    } else if specifier.starts_with("./") || specifier.starts_with("../") {
        segments.extend(importer.split('/'));
        segments.pop();
        specifier
    } else {
        return Err(format!(
            "cannot import \"{specifier}\": a script can import \"windmill-client\" and other scripts (\"/f/folder/name\" or \
             \"./name\"). Packages and the modules of Node, Bun and Deno are not available in the sandbox"
        ));
    };
    for segment in relative.split('/') {
        match segment {
            "." | "" => {}
            ".." => {
                if segments.pop().is_none() {
                    return Err(format!("cannot import \"{specifier}\": it leads out of the workspace"));
                }
            }
            name => segments.push(name),
        }
    }
    let path = without_extension(&segments.join("/")).to_owned();
    if is_script_path(&path) {
        Ok(Import::Script(path))
    } else {
        Err(format!(
            "cannot import \"{specifier}\": \"{path}\" is not the path of a script; it has at least three parts of letters, digits, \
             `_` and `-`, and begins with f/ (folder), u/ (user) or g/ (group), such as f/openanalyst/core/log_activity"
        ))
    }
}

/// A script's path as the host knows it.
pub(crate) fn without_extension(path: &str) -> &str {
    EXTENSIONS.iter().find_map(|extension| path.strip_suffix(extension)).unwrap_or(path)
}

/// `windmill-client`, also with a version (`windmill-client@1.500.0`) and with npm's prefix, as Bun and Deno scripts write it.
fn is_client(specifier: &str) -> bool {
    let name = specifier.strip_prefix("npm:").unwrap_or(specifier);
    name.strip_prefix(CLIENT).is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
}

/// Windmill's own rule, `^[ufg](/[\w-]+){2,}$` of at most 255 bytes.
fn is_script_path(path: &str) -> bool {
    let mut segments = path.split('/');
    let is_word = |part: &str| {
        !part.is_empty()
            && part.chars().all(|character| character.is_alphanumeric() || character == '_' || character == '-')
    };
    path.len() <= 255
        && segments.next().is_some_and(|first| matches!(first, "f" | "u" | "g"))
        && segments.clone().count() >= 2
        && segments.all(is_word)
}
