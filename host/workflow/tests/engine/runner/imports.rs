//! Scripts that import each other.

use std::sync::Arc;

use super::{FakeHost, check, json, run_on};

#[test]
fn scripts_are_imported_by_absolute_and_relative_path() {
    let host = FakeHost::default()
        .script(
            "f/openanalyst/core/log_activity",
            "export function activity(kind: string) { return { kind } }\nexport async function main() {}",
        )
        .script(
            "f/test/folder/rules",
            "import { base } from '../common/base.ts';\nexport const limit: number = base * 2",
        )
        .script("f/test/common/base", "export const base = 21");
    let source = "import { activity } from '/f/openanalyst/core/log_activity';\nimport { limit } from './rules.ts';\nexport function main() { return [activity('x'), limit] }";
    assert_eq!(run_on(&Arc::new(host), source, "{}").unwrap(), json(r#"[{"kind":"x"},42]"#));
}

#[test]
fn a_circle_of_imports_loads_each_script_once() {
    let host = FakeHost::default()
        .script("f/test/folder/a", "import { b } from './b';\nimport { own } from './script';\nexport const a = () => b() + own();\nconsole.log('a loaded')")
        .script("f/test/folder/b", "import { a } from './a';\nexport const b = () => typeof a;");
    let host = Arc::new(host);
    let source = "import { a } from './a';\nimport '/f/test/folder/a.ts';\nexport const own = () => '!';\nexport function main() { return a() }";
    assert_eq!(run_on(&host, source, "{}").unwrap(), json(r#""function!""#));
    assert_eq!(host.logs().len(), 1);
}

#[test]
fn failures_of_an_import_name_the_import() {
    let host = FakeHost::default()
        .script("f/test/folder/broken", "const a = ;")
        .script("f/test/folder/hungry", "import axios from 'axios';\nexport const x = axios")
        .script("f/test/folder/good", "export const x = 1");
    let host = Arc::new(host);
    for (import, name, message) in [
        ("import { x } from './missing'", "ImportError", "f/test/folder/missing"),
        ("import { x } from './broken'", "SyntaxError", "f/test/folder/broken:1:11"),
        ("import { x } from './hungry'", "ImportError", "axios"),
        ("import { y as x } from './good'", "SyntaxError", "y"),
        ("import { loadS3File as x } from 'windmill-client'", "SyntaxError", "loadS3File"),
        ("import { call as x } from 'openanalyst:host'", "ImportError", "openanalyst:host"),
    ] {
        let error = run_on(&host, &format!("{import}\nexport function main() {{ return x }}"), "{}").expect_err(import);
        assert_eq!(error.name, name, "{import}: {error}");
        assert!(error.message.contains(message), "{import}: {error}");
    }
}

#[test]
fn an_import_can_be_missing_and_caught() {
    let source =
        "export async function main() { try { await import('./missing') } catch (e) { return (e as Error).message } }";
    let message = run_on(&Arc::default(), source, "{}").unwrap();
    let message = message.as_str().unwrap();
    assert!(message.contains("there is no script f/test/folder/missing"), "{message}");
}

#[test]
fn exactly_thirty_two_scripts_can_take_part() {
    let chain = |length: usize| {
        let mut host = FakeHost::default();
        for index in 1..length {
            let next = if index + 1 < length { format!("import './s{}';", index + 1) } else { String::new() };
            host = host.script(&format!("f/test/folder/s{index}"), &format!("{next}export {{}}"));
        }
        run_on(&Arc::new(host), "import './s1';\nexport function main() { return 1 }", "{}")
    };
    assert_eq!(chain(32), Ok(json("1")));
    let error = chain(33).unwrap_err();
    assert_eq!(error.name, "ImportError");
    assert!(error.message.contains("at most 32"), "{error}");
}

#[test]
fn check_reads_without_running() {
    assert_eq!(check("f/a/b/c", "throw new Error('not run')\nexport function main() {}"), Ok(()));
    assert_eq!(check("f/a/b/c", "import { x } from './not-looked-up'\nexport const main = () => x"), Ok(()));
    assert_eq!(check("f/a/b/c", "export function run() {}").unwrap_err().name, "MissingMain");
    assert_eq!(check("f/a/b/c", "export function main() {").unwrap_err().name, "SyntaxError");
    let error = check("f/a/b/c", "\nimport x from 'left-pad'\nexport const main = () => x").unwrap_err();
    assert_eq!((error.name.as_str(), error.line), ("ImportError", Some(2)));
}
