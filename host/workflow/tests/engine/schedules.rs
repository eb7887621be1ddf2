//! Schedules: they fire when the clock says so, once.

use std::time::Duration;

use openanalyst_domain::{Budget, JobStatus};
use openanalyst_workflow::{ItemKind, NewSchedule, WorkflowEngine as _, script_budget};
use serde_json::{Value, json};

use crate::support::{Choices, Env, MONDAY_10_MS, schedule};

/// Tells its user that it ran: the tests wait for that message.
const TELLS: &str =
    "export const main = (what = 'due') => ({ $openanalyst: { messages: [{ title: 'ran', content: what }] } });";
const HOUR: Duration = Duration::from_secs(3_600);
const HOUR_MS: i64 = 3_600_000;

async fn with_schedule() -> Env {
    let env = Env::new().await;
    env.put("u/ada/tells", TELLS).await;
    env.engine.put_schedule(&env.ada, schedule("u/ada/daily", "u/ada/tells")).await.unwrap();
    env
}

async fn details(env: &Env, path: &str) -> Value {
    let page = env.engine.list(&env.ada, ItemKind::Schedule, path, 10, None).await.unwrap();
    page.items[0].details.clone()
}

#[tokio::test]
async fn it_fires_when_the_clock_says_so_once() {
    let mut env = with_schedule().await;
    assert_eq!(details(&env, "u/ada/daily").await["next_at_ms"], MONDAY_10_MS + 2 * HOUR_MS);
    env.clock.advance(HOUR);
    assert!(env.jobs(&env.ada, "").await.is_empty(), "not due");
    env.clock.advance(HOUR);
    assert_eq!(env.note().await.content, "due");
    let jobs = env.jobs(&env.ada, "u/ada/tells").await;
    assert_eq!(jobs.len(), 1);
    assert_eq!(env.ended(jobs[0]).await.status, JobStatus::Done);
    let row = env.store.job(&env.ada, jobs[0]).await.unwrap().unwrap();
    assert_eq!((row.schedule_path.as_deref(), row.due_at_ms), (Some("u/ada/daily"), Some(MONDAY_10_MS + 2 * HOUR_MS)));

    // The next day again, and only then.
    env.clock.advance(23 * HOUR);
    env.restart().await;
    env.clock.advance(HOUR);
    env.note().await;
    assert_eq!(env.jobs(&env.ada, "u/ada/tells").await.len(), 2);
    let details = details(&env, "u/ada/daily").await;
    assert_eq!(
        (details["last_at_ms"].clone(), details["next_at_ms"].clone()),
        (json!(MONDAY_10_MS + 26 * HOUR_MS), json!(MONDAY_10_MS + 50 * HOUR_MS))
    );
}

#[tokio::test]
async fn what_cron_cannot_say_fires_by_its_rule() {
    let env = Env::new().await;
    env.put("u/ada/tells", TELLS).await;
    let rule = "DTSTART;TZID=Europe/Berlin:20261123T114500\nRRULE:FREQ=MINUTELY;INTERVAL=45;COUNT=3";
    let every_45 = NewSchedule {
        cron: rule.into(),
        time_zone: "Europe/Berlin".into(),
        ..schedule("u/ada/every_45", "u/ada/tells")
    };
    env.engine.put_schedule(&env.ada, every_45.clone()).await.unwrap();
    let mut env = env;
    for count in 1..=3 {
        let next = details(&env, "u/ada/every_45").await["next_at_ms"].as_i64().unwrap();
        assert_eq!(next, MONDAY_10_MS + 45 * count * 60_000, "{count}");
        env.clock.advance(Duration::from_secs(45 * 60));
        env.note().await;
    }
    let details = details(&env, "u/ada/every_45").await;
    assert_eq!((&details["next_at_ms"], &details["schedule"]), (&Value::Null, &json!(rule)), "it has ended");
    for (cron, why) in [("RRULE:FREQ=DAILY", "DTSTART"), ("DTSTART:20261123T104500\nRRULE:FREQ=SECONDLY", "SECONDLY")] {
        let wrong = NewSchedule { cron: cron.into(), ..every_45.clone() };
        let failure = env.engine.put_schedule(&env.ada, wrong).await.unwrap_err();
        assert_eq!(failure.code(), "invalid");
        assert!(failure.to_string().contains(why), "{failure}");
    }
}

#[tokio::test]
async fn what_was_missed_is_made_up_for_once() {
    let mut env = with_schedule().await;
    env.engine.shutdown().await;
    env.clock.advance(73 * HOUR);
    env.restart().await;
    env.note().await;
    let missed = env.jobs(&env.ada, "u/ada/tells").await[0];
    let row = env.store.job(&env.ada, missed).await.unwrap().unwrap();
    assert_eq!(row.due_at_ms, Some(MONDAY_10_MS + 50 * HOUR_MS), "for the last of the three that were missed");
    // Another schedule, half an hour later, is the sign that nothing stood between.
    let late = NewSchedule {
        cron: "0 30 11 * * *".into(),
        args: json!({ "what": "late" }),
        ..schedule("u/ada/late", "u/ada/tells")
    };
    env.engine.put_schedule(&env.ada, late).await.unwrap();
    env.clock.advance(HOUR / 2);
    assert_eq!(env.note().await.content, "late");
    assert_eq!(env.jobs(&env.ada, "u/ada/tells").await.len(), 2);
}

#[tokio::test]
async fn two_processes_fire_it_once() {
    let mut env = with_schedule().await;
    let other = env.another(&Choices { others_live: true, ..Choices::default() }).await;
    env.clock.advance(2 * HOUR);
    let marker = NewSchedule {
        cron: "0 30 12 * * *".into(),
        args: json!({ "what": "marker" }),
        ..schedule("u/ada/marker", "u/ada/tells")
    };
    other.put_schedule(&env.ada, marker).await.unwrap();
    other.shutdown().await;
    env.clock.advance(HOUR);
    while env.note().await.content != "marker" {}
    let mut jobs = Vec::new();
    for job in env.jobs(&env.ada, "u/ada/tells").await {
        jobs.push(env.store.job(&env.ada, job).await.unwrap().unwrap());
    }
    assert_eq!(jobs.len(), 2, "one of the schedule, one of the marker: {jobs:#?}");
}

#[tokio::test]
async fn a_changed_schedule_fires_as_it_is_now() {
    let mut env = with_schedule().await;
    let earlier = NewSchedule {
        cron: "0 0 11 * * *".into(),
        args: json!({ "what": "new" }),
        ..schedule("u/ada/daily", "u/ada/tells")
    };
    env.engine.put_schedule(&env.ada, earlier).await.unwrap();
    env.clock.advance(HOUR);
    assert_eq!(env.note().await.content, "new");
}

#[tokio::test]
async fn switched_off_or_deleted_it_does_not_fire() {
    let mut env = with_schedule().await;
    let off = NewSchedule { enabled: false, ..schedule("u/ada/off", "u/ada/tells") };
    env.engine.put_schedule(&env.ada, off).await.unwrap();
    assert_eq!(details(&env, "u/ada/off").await["next_at_ms"], Value::Null);
    assert!(env.engine.delete(&env.ada, ItemKind::Schedule, "u/ada/daily").await.unwrap());
    assert!(!env.engine.delete(&env.ada, ItemKind::Schedule, "u/ada/daily").await.unwrap());
    let marker = NewSchedule {
        cron: "0 30 12 * * *".into(),
        args: json!({ "what": "marker" }),
        ..schedule("u/ada/marker", "u/ada/tells")
    };
    env.engine.put_schedule(&env.ada, marker).await.unwrap();
    env.clock.advance(3 * HOUR);
    assert_eq!(env.note().await.content, "marker");
    assert_eq!(env.jobs(&env.ada, "u/ada/tells").await.len(), 1);
}

#[tokio::test]
async fn what_is_refused_is_not_stored() {
    let env = Env::new().await;
    let good = || schedule("u/ada/x", "f/openanalyst/test/double");
    let table = [
        (NewSchedule { cron: "0 12 * * *".into(), ..good() }, "invalid", "six fields"),
        (NewSchedule { cron: "0 0 0 31 2 *".into(), ..good() }, "invalid", "never"),
        (NewSchedule { cron: "0,30 * * * * *".into(), ..good() }, "invalid", "every 30 s and 60 s is"),
        (NewSchedule { time_zone: "Berlin".into(), ..good() }, "invalid", "timezone"),
        (NewSchedule { script_path: "u/ada/nothing".into(), ..good() }, "not-found", "u/ada/nothing"),
        (NewSchedule { is_flow: true, ..good() }, "not-found", "flow"),
        (NewSchedule { args: json!(1), ..good() }, "invalid", "object"),
        (NewSchedule { path: "daily".into(), ..good() }, "invalid", "daily"),
        (NewSchedule { args: json!({ "x": "x".repeat(2 << 20) }), ..good() }, "invalid", "limit"),
    ];
    for (new, code, says) in table {
        let failure = env.engine.put_schedule(&env.ada, new).await.unwrap_err();
        assert!(failure.code() == code && failure.to_string().contains(says), "{failure}");
    }
    assert!(env.engine.list(&env.ada, ItemKind::Schedule, "", 10, None).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn only_one_job_of_a_schedule_waits() {
    // No place is free while the first script computes, so what is due meanwhile can only wait.
    let budget = Budget { cpu_ms: 600_000, wall_ms: 600_000, ..script_budget(&Budget::default()) };
    let mut env = Env::with(Choices { workers: 1, budget, ..Choices::default() }).await;
    env.put("u/ada/tells", TELLS).await;
    let source = "import { setProgress } from 'windmill-client';
        export async function main() { await setProgress(1); for (;;) {} }";
    env.put("u/ada/slow", source).await;
    let slow = env.start("u/ada/slow", json!({})).await;
    env.reached(slow, 1).await;
    let often = NewSchedule { cron: "0 * * * * *".into(), ..schedule("u/ada/often", "u/ada/tells") };
    env.engine.put_schedule(&env.ada, often).await.unwrap();
    for minutes in 1..=3 {
        env.clock.advance(Duration::from_secs(60));
        // The schedule's own record tells when the round is over.
        while details(&env, "u/ada/often").await["next_at_ms"] != MONDAY_10_MS + (minutes + 1) * 60_000 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(env.jobs(&env.ada, "u/ada/tells").await.len(), 1);
    env.engine.cancel(&env.ada, slow, "enough").await.unwrap();
    env.note().await;
}

#[tokio::test]
async fn a_script_that_sleeps_leaves_its_place_to_others() {
    let mut env = Env::with(Choices { workers: 1, ..Choices::default() }).await;
    env.put("u/ada/tells", TELLS).await;
    let source = "import { setProgress } from 'windmill-client';
        export async function main() {
            await setProgress(1);
            await new Promise((resolve) => setTimeout(resolve, 20_000));
        }";
    env.put("u/ada/sleeps", source).await;
    let sleeping = env.start("u/ada/sleeps", json!({})).await;
    env.reached(sleeping, 1).await;
    env.start("u/ada/tells", json!({})).await;
    env.note().await;
    let still = env.engine.state(&env.ada, sleeping).await.unwrap();
    assert!(!still.status.is_final(), "{still:?}");
    env.engine.cancel(&env.ada, sleeping, "enough").await.unwrap();
}
