//! Scripts: what goes in, what comes out, what is refused before it is stored.

use openanalyst_domain::JobStatus;
use openanalyst_workflow::{ItemKind, NewItem, WorkflowEngine as _};
use serde_json::json;

use crate::support::{Env, error, script};

#[tokio::test]
async fn a_script_gets_its_arguments_and_gives_its_result() {
    let env = Env::new().await;
    let source = "
        type Options = { loud?: boolean };
        export async function main(name: string, count = 2, options: Options = {}) {
            console.log(`hello ${name}`);
            const text = Array(count).fill(name).join(' ');
            return { text: options.loud ? text.toUpperCase() : text, missing: undefined };
        }";
    env.put("u/ada/greet", source).await;
    let state = env.run("u/ada/greet", json!({ "name": "ada", "options": { "loud": true } })).await;
    assert_eq!((state.status, state.percent), (JobStatus::Done, Some(100)));
    assert_eq!(state.result, Some(json!({ "text": "ADA ADA" })));
    assert_eq!(state.last_log.as_deref(), Some("hello ada"));
    assert_eq!(state.path, "u/ada/greet");
    assert!(state.started_at_ms.is_some() && state.ended_at_ms.is_some());
}

#[tokio::test]
async fn an_error_has_a_name_a_message_and_a_place() {
    let env = Env::new().await;
    let state = env
        .run_source("class Odd extends Error { name = 'Odd'; }\nexport function main() {\n  throw new Odd('why');\n}")
        .await;
    assert_eq!(error(&state), ("Odd".into(), "why".into()));
    assert!(state.result.unwrap()["error"]["stack"].as_str().is_some_and(|stack| stack.contains(":3")));
}

#[tokio::test]
async fn scripts_import_scripts() {
    let env = Env::new().await;
    env.put("u/ada/lib", "export const twice = (n: number) => 2 * n; export function main() {}").await;
    let state = env.run_source("import { twice } from './lib'; export const main = () => twice(21);").await;
    assert_eq!(state.result, Some(json!(42)));
}

#[tokio::test]
async fn what_is_refused_is_not_stored() {
    let env = Env::new().await;
    let table = [
        (script("u/ada/x", "export function main( {"), "line 1"),
        (script("u/ada/x", "export function other() {}"), "main"),
        (NewItem { language: Some("python3".into()), ..script("u/ada/x", "def main(): pass") }, "python3"),
        (script("u/ada/x", &" ".repeat(600 << 10)), "limit"),
        (script("u/ada", "export function main() {}"), "no path"),
        (script("u/ada/../bob/x", "export function main() {}"), "no path"),
        (script("u/ada/é", "export function main() {}"), "no path"),
        (script("g/all/x", "export function main() {}"), "g/all/x"),
    ];
    for (item, expected) in table {
        let failure = env.engine.put_script(&env.ada, item).await.unwrap_err().to_string();
        assert!(failure.contains(expected), "{failure} does not say {expected}");
    }
    let page = env.engine.list(&env.ada, ItemKind::Script, "u/", 10, None).await.unwrap();
    assert!(page.items.is_empty());
    let app = NewItem { language: None, ..script("u/ada/app", "{ no json") };
    assert_eq!(env.engine.put_app(&env.ada, app).await.unwrap_err().code(), "invalid");
}

#[tokio::test]
async fn listings_come_in_pages() {
    let env = Env::new().await;
    for name in ["a", "b", "c", "d", "e"] {
        env.put(&format!("u/ada/{name}"), "export function main() {}").await;
    }
    let mut paths = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = env.engine.list(&env.ada, ItemKind::Script, "", 2, cursor.as_deref()).await.unwrap();
        assert!(page.items.len() <= 2);
        paths.extend(page.items.into_iter().map(|item| item.path));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paths, ["f/openanalyst/test/double", "u/ada/a", "u/ada/b", "u/ada/c", "u/ada/d", "u/ada/e"]);
    assert!(env.engine.delete(&env.ada, ItemKind::Script, "u/ada/c").await.unwrap());
    assert!(!env.engine.delete(&env.ada, ItemKind::Script, "u/ada/c").await.unwrap());
    let state = env.engine.start(&env.ada, crate::support::job("u/ada/c", json!({}))).await;
    assert_eq!(state.unwrap_err().code(), "not-found");
}
