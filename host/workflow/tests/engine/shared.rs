//! Every script that comes with the host runs in the sandbox, under the budget that it will have.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use openanalyst_domain::JobStatus;
use openanalyst_workflow::WorkflowEngine as _;
use serde_json::{Value, json};

use crate::support::{Choices, Env, MONDAY_10_MS};

pub static SCRIPTS: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../windmill");
    let mut scripts = Vec::new();
    let mut folders = vec![root.join("f")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "ts") {
                scripts.push((leak(name(&root, &path)), leak(std::fs::read_to_string(&path).unwrap())));
            }
        }
    }
    scripts.sort_unstable();
    scripts
});

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// The path in the engine: below the root, without extension.
fn name(root: &Path, path: &Path) -> String {
    let parts: PathBuf = path.strip_prefix(root).unwrap().with_extension("");
    parts.iter().map(|part| part.to_str().unwrap()).collect::<Vec<_>>().join("/")
}

/// Arguments with which a script succeeds.
pub fn arguments(path: &str) -> Value {
    let day_ms = 86_400_000;
    match path.trim_start_matches("f/openanalyst/") {
        "core/send_ws_message" => json!({ "content": "hello" }),
        "core/log_activity" => json!({ "kind": "tested", "content": "a test ran" }),
        "social/create_post" => json!({ "platform": "twitter", "topic": "AI trends" }),
        "social/schedule_post" => json!({
            "platform": "twitter", "content": "AI trends", "atMs": MONDAY_10_MS + day_ms, "local": "2026-11-24T10:00", "timeZone": "UTC",
            "key": "test", "userFolder": "u/ada", "nowMs": MONDAY_10_MS,
        }),
        "social/publish_post" => json!({
            "platform": "twitter", "content": "AI trends", "key": "test", "year": 2020, "schedulePath": "u/ada/social/post_test",
        }),
        "social/analyze_engagement" => {
            json!({ "posts": [{ "likes": 10, "impressions": 100, "postedAt": "2026-11-20T09:00:00Z" }] })
        }
        "analytics/fetch_metrics" => json!({
            "posts": [{ "platform": "twitter", "content": "x", "createdAtMs": MONDAY_10_MS - day_ms }],
            "tables": [{ "file": "a.csv", "rows": 2, "format": "UTF-8", "columns": [], "notes": [] }],
        }),
        "templates/scheduler" => json!({
            "path": "u/ada/weekly", "scriptPath": "f/openanalyst/templates/analytics_report", "cron": "0 0 9 * * 1", "timeZone": "UTC",
        }),
        _ => json!({}),
    }
}

#[tokio::test]
async fn every_shared_script_runs() {
    let env = Env::with(Choices { shared: SCRIPTS.as_slice(), ..Choices::default() }).await;
    assert!(SCRIPTS.len() >= 10, "{:?}", SCRIPTS.iter().map(|(path, _)| path).collect::<Vec<_>>());
    for (path, source) in SCRIPTS.iter() {
        // A user may copy each of them into a folder of their own.
        env.put("u/ada/copy", source).await;
        let state = env.run(path, arguments(path)).await;
        assert_eq!(state.status, JobStatus::Done, "{path}: {:?}", state.result);
        assert!(state.result.as_ref().is_some_and(|result| result.get("$openanalyst").is_none()), "{path}");
    }
}

/// A text with two readings is no number, and a date with two readings is no day; what was said of the files is handed on.
#[tokio::test]
async fn engagement_is_computed_from_numbers_and_iso_dates_only() {
    let env = Env::with(Choices { shared: SCRIPTS.as_slice(), ..Choices::default() }).await;
    let posts = json!([
        { "content": "a", "likes": 10, "impressions": 100, "postedAt": "2026-11-20T09:30:00Z" },
        { "content": "b", "likes": 20, "impressions": "1.234", "date": "2026-11-20 09:15" },
        { "content": "c", "likes": "1.234", "date": "2026-11-21" },
        { "content": "d", "likes": 30, "date": "03/02/2026" },
        { "content": "e", "likes": 40, "date": "2026-11" },
    ]);
    let arguments = json!({ "posts": posts, "notes": ["`a.csv`: the total row left out"] });
    let state = env.run("f/openanalyst/social/analyze_engagement", arguments).await;
    assert_eq!(state.status, JobStatus::Done, "{:?}", state.result);
    let result = state.result.unwrap();
    let engagement = &result["engagement"];
    assert_eq!(
        (&engagement["counted"], &engagement["reactions"], &engagement["rate"]),
        (&json!(4), &json!(100), &json!(0.1))
    );
    assert_eq!(engagement["bestDays"], json!([{ "name": "Friday", "posts": 2, "meanReactions": 15 }]));
    assert_eq!(engagement["bestHours"], json!([{ "name": "09:00", "posts": 2, "meanReactions": 15 }]));
    assert_eq!(result["notes"], json!(["`a.csv`: the total row left out"]));
    let missing = result["missing"].to_string();
    assert!(missing.contains("1 of 5 posts have no numbers") && missing.contains("2 posts have no date"), "{missing}");
}

#[tokio::test]
async fn a_written_text_becomes_the_post_where_it_keeps_the_platforms_rules() {
    let env = Env::with(Choices { shared: SCRIPTS.as_slice(), ..Choices::default() }).await;
    let post = async |more: Value| {
        let mut arguments = json!({ "platform": "twitter", "topic": "AI trends", "url": "https://a.example/b" });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let state = env.run("f/openanalyst/social/create_post", arguments).await;
        assert_eq!(state.status, JobStatus::Done, "{:?}", state.result);
        state.result.unwrap()
    };
    let written = |text: &str| json!({ "written": { "text": text, "model": "m-1" } });
    let own = post(json!({})).await;
    assert_eq!((&own["post"]["model"], own["checks"].as_array().unwrap().len()), (&Value::Null, 2));

    let text = "What do AI trends change for you? https://a.example/b #AITrends #Work";
    let taken = post(written(text)).await;
    assert_eq!((&taken["post"]["content"], &taken["post"]["model"]), (&json!(text), &json!("m-1")));
    assert_eq!(taken["post"]["hashtags"], json!(["#AITrends", "#Work"]));
    assert_eq!(taken["alternatives"][0], own["post"]["content"], "its own text stays on offer");

    let long = format!("AI trends https://a.example/b {}", "and more ".repeat(40));
    for (text, reason) in [
        (" ", "it is empty"),
        (long.as_str(), "of 280 characters"),
        ("AI trends https://a.example/b #a #b #c #d #e #f", "6 of at most 5 hashtags"),
        ("AI trends", "it lacks the link"),
        ("AI trends https://a.example/b https://b.example", "a link that nobody gave"),
    ] {
        let refused = post(written(text)).await;
        assert_eq!(refused["post"], own["post"], "{text}");
        let check = &refused["checks"][2];
        assert_eq!((&check["check"], &check["met"]), (&json!("written"), &json!(false)));
        assert!(check["detail"].as_str().unwrap().contains(reason), "{check}");
    }
    let mut again = written(text);
    again["differences"] = json!(["the post is about the topic"]);
    assert_eq!(post(again).await["post"]["model"], Value::Null, "another attempt is the script's own");
}

#[tokio::test]
async fn a_scheduled_post_falls_due_and_the_user_hears_of_it() {
    let mut env = Env::with(Choices { shared: SCRIPTS.as_slice(), ..Choices::default() }).await;
    let path = "f/openanalyst/social/schedule_post";
    let scheduled = env.run(path, arguments(path)).await;
    assert_eq!(scheduled.status, JobStatus::Done, "{:?}", scheduled.result);
    let again = env.run(path, arguments(path)).await;
    assert_eq!(again.result.unwrap()["schedule"]["moved"], true, "the same key is the same schedule");
    env.clock.set(MONDAY_10_MS + 86_400_000 - 1);
    assert!(env.jobs(&env.ada, "f/openanalyst/social/publish_post").await.is_empty());
    env.clock.set(MONDAY_10_MS + 86_400_000);
    let fired = published(&env).await;
    assert_eq!(fired["status"], "due", "whatever year the machine's own clock has: {fired}");
    assert!(env.note().await.title.contains("due"));
    let page = env.engine.list(&env.ada, openanalyst_workflow::ItemKind::Schedule, "u/ada/", 10, None).await.unwrap();
    assert_eq!(page.items[0].details["enabled"], false, "once is enough");
}

/// The result of the publishing script's only job.
async fn published(env: &Env) -> Value {
    loop {
        if let Some(job) = env.jobs(&env.ada, "f/openanalyst/social/publish_post").await.pop() {
            return env.ended(job).await.result.unwrap();
        }
        tokio::task::yield_now().await;
    }
}

/// Cron has no year, and a new year begins at another moment in each time zone.
#[tokio::test]
async fn a_post_for_another_year_waits_and_one_for_new_years_night_does_not() {
    let day_ms = 86_400_000;
    // 1 January 2027, 00:30 in Tokyo is still 31 December 2026 in UTC.
    let new_year = 1_798_731_000_000_i64;
    // 24 November 2027, 10:00 UTC: the schedule fires in 2026 too.
    let next_year = MONDAY_10_MS + 366 * day_ms;
    for (at_ms, local, zone, first_firing, status) in [
        (new_year, "2027-01-01T00:30", "Asia/Tokyo", new_year, "due"),
        (next_year, "2027-11-24T10:00", "UTC", MONDAY_10_MS + day_ms, "waiting"),
    ] {
        let env = Env::with(Choices { shared: SCRIPTS.as_slice(), ..Choices::default() }).await;
        let mut wanted = arguments("f/openanalyst/social/schedule_post");
        wanted["atMs"] = json!(at_ms);
        wanted["local"] = json!(local);
        wanted["timeZone"] = json!(zone);
        let scheduled = env.run("f/openanalyst/social/schedule_post", wanted).await;
        assert_eq!(scheduled.status, JobStatus::Done, "{:?}", scheduled.result);
        env.clock.set(first_firing);
        assert_eq!(published(&env).await["status"], status, "{local} {zone}");
    }
}
