//! What is read of a source before it runs: the parameters of `main`, imports, and what is refused.

use super::{check, json, run_alone};

/// Most bytes of a script's source, as in the runner.
const MAX_SOURCE_BYTES: usize = 512 * 1024;

#[test]
fn parameters_of_main_are_read_from_every_usual_form() {
    for source in [
        "export const main = async (a: string) => a",
        "export const main = function (a: string) { return a }",
        "async function main(a: string) { return a }\nexport { main }",
        "function run(a: string) { return a }\nexport { run as main }",
        "export function main(a: string): void;\nexport function main(a: any) { return a }",
        "export function main({ a }: { a: string }) { return a }",
    ] {
        assert_eq!(run_alone(source, r#"{"a":"x"}"#), Ok(json(r#""x""#)), "{source}");
    }
    for source in ["function main() {}", "export function other() {}", "export const main = 1"] {
        assert_eq!(check("f/a/b", source).expect_err(source).name, "MissingMain", "{source}");
    }
}

#[test]
fn an_error_names_line_column_and_reason() {
    let error = check("f/a/b", "const a = 1;\nconst ü = = 2;").unwrap_err();
    assert_eq!((error.name.as_str(), error.line), ("SyntaxError", Some(2)));
    assert!(error.message.starts_with("f/a/b:2:11: "), "{error}");
    let error = check("f/a/b", "const a = 1; const a = 2;").unwrap_err();
    assert_eq!((error.name.as_str(), error.line), ("SyntaxError", Some(1)));
}

#[test]
fn imports_are_checked_unless_only_their_types_are_used() {
    const MAIN: &str = "\nexport function main() {}";
    let error = check("f/a/b", &format!("\nimport fs from 'node:fs';\nfs.x{MAIN}")).unwrap_err();
    assert_eq!((error.name.as_str(), error.line), ("ImportError", Some(2)));
    assert!(error.message.contains("node:fs"), "{error}");
    for source in ["export * from 'axios'", "export { a } from 'axios'", "import 'axios'"] {
        assert_eq!(check("f/a/b", &format!("{source}{MAIN}")).expect_err(source).name, "ImportError", "{source}");
    }
    for source in
        ["import type { A } from 'axios'; export const a: A = 1", "import { A } from 'axios'; export const a: A = 1"]
    {
        assert_eq!(check("f/a/b", &format!("{source}{MAIN}")), Ok(()), "{source}");
    }
}

#[test]
fn syntax_that_the_interpreter_cannot_run_is_refused_by_name() {
    for (source, what) in [
        ("\nexport function main() { using x = null }", "`using`"),
        ("\nexport async function main() { await using x = null }", "`using`"),
        ("\nclass A { @log method() {} }", "decorators"),
    ] {
        let error = check("f/a/b", source).expect_err(source);
        assert_eq!((error.name.as_str(), error.line), ("SyntaxError", Some(2)), "{source}");
        assert!(error.message.contains(what), "{error}");
    }
}

#[test]
fn a_source_just_inside_the_limit_passes_and_one_just_outside_is_refused() {
    const MAIN: &str = "export function main() {}\n//";
    let fill = |bytes: usize| format!("{MAIN}{}", "x".repeat(bytes - MAIN.len()));
    assert_eq!(check("f/a/b", &fill(MAX_SOURCE_BYTES)), Ok(()));
    assert_eq!(check("f/a/b", &fill(MAX_SOURCE_BYTES + 1)).unwrap_err().name, "SourceTooLarge");
}
