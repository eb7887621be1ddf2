//! Which scripts and modules can be imported, and under which names.

use std::sync::Arc;

use super::{FakeHost, check, run_on};

#[test]
fn scripts_are_found_by_absolute_and_relative_names() {
    for (specifier, path) in [
        ("/f/openanalyst/core/log_activity", "f/openanalyst/core/log_activity"),
        ("/f/openanalyst/core/log_activity.ts", "f/openanalyst/core/log_activity"),
        ("./rules.ts", "f/test/folder/rules"),
        ("./rules", "f/test/folder/rules"),
        ("../core/log_activity", "f/test/core/log_activity"),
        ("/u/ada/my-tools/text", "u/ada/my-tools/text"),
    ] {
        let host = Arc::new(FakeHost::default().script(path, &format!("export const found = '{path}'")));
        let source = format!("import {{ found }} from '{specifier}';\nexport const main = () => found");
        assert_eq!(run_on(&host, &source, "{}").unwrap(), path, "{specifier}");
    }
}

#[test]
fn the_client_is_found_under_every_usual_name() {
    for specifier in ["windmill-client", "windmill-client@1.500.0", "npm:windmill-client@1", "npm:windmill-client"] {
        let source =
            format!("import {{ setProgress }} from '{specifier}';\nexport const main = () => typeof setProgress");
        assert_eq!(run_on(&Arc::default(), &source, "{}").unwrap(), "function", "{specifier}");
    }
}

#[test]
fn other_modules_are_refused_by_name() {
    for specifier in [
        "node:fs",
        "fs",
        "axios",
        "windmill-client-evil",
        "https://example.com/x.ts",
        "openanalyst:host",
        "/etc/passwd",
        "/f/short",
        "../../../../f/a/b",
        "/f/a/b%2fc",
        "/f/a/b c",
        "",
        "/",
        ".",
    ] {
        let source = format!("import x from '{specifier}';\nexport const main = () => x");
        let error = check("f/a/b/c", &source).expect_err(specifier);
        assert_eq!(error.name, "ImportError", "{specifier}: {error}");
        assert!(error.message.contains(&format!("\"{specifier}\"")), "{error}");
    }
}
