//! A scheduled post falls due: shown with a clock that the test moves.

use std::sync::Arc;
use std::time::Duration;

use openanalyst::commands::compile;
use openanalyst::host::{Host, Role};
use openanalyst::settings::{SettingArgs, Settings};
use openanalyst_brain::NewRequest;
use openanalyst_domain::{Clock as _, JobStatus, ManualClock};
use openanalyst_runtime::ChildCompiler;

use crate::request::owner;
use crate::support::{DataDir, PATIENCE, POST_AND_SCHEDULE, ZONE};

/// Monday, 23 November 2026, 10:00 in Berlin.
pub const MONDAY: i64 = 1_795_424_400_000;
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A host in this process, with a clock that the test moves.
pub async fn host_at(data: &DataDir, now_ms: i64) -> (Host, Arc<ManualClock>) {
    host_with(data, now_ms, &[]).await
}

/// The same with more flags.
pub async fn host_with(data: &DataDir, now_ms: i64, flags: &[&str]) -> (Host, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(now_ms));
    // This program is the test, and knows no command.
    let compiler = ChildCompiler { program: env!("CARGO_BIN_EXE_openanalyst").into(), ..compile::in_a_child() };
    let host = Host::open_with(&settings(data, flags), Role::Server, clock.clone(), compiler).await.unwrap();
    (host, clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_post_falls_due_once_and_its_user_is_told() {
    let data = DataDir::new();
    let (host, clock) = host_at(&data, MONDAY).await;
    let ada = owner("acme", "ada");
    let mut notices = host.brain.notices();
    let request = NewRequest {
        content: POST_AND_SCHEDULE.to_owned(),
        session: "s".try_into().unwrap(),
        attachments: Vec::new(),
        idempotency_key: None,
        correlation_id: None,
    };
    let task = host.brain.accept(&ada, request).await.unwrap().task;
    let done = host.brain.wait(&ada, task, PATIENCE).await.unwrap();
    assert_eq!(done.status, openanalyst_domain::TaskStatus::Completed, "{done:?}");
    let schedule = host.store.schedules(&ada.tenant, "u/ada/", None, 10).await.unwrap().rows.remove(0);
    let due = schedule.next_at_ms.unwrap();
    let tuesday_at_nine = MONDAY + 23 * 60 * 60 * 1000;
    assert_eq!((due, schedule.time_zone.as_str()), (tuesday_at_nine, ZONE));

    // An hour too early nothing happens; the clock then passes the time.
    clock.set(due - 60_000);
    clock.set(due);
    let notice = tokio::time::timeout(PATIENCE, notices.recv()).await.expect("a notice in time").unwrap();
    assert_eq!(notice.owner, ada);
    assert!(notice.notification.content.contains("AI trends"), "{notice:?}");
    let fired: Vec<_> = host.store.jobs(&ada, "f/openanalyst/social/publish_post", None, 10).await.unwrap().rows;
    assert_eq!(fired.len(), 1);
    assert_eq!((fired[0].status, fired[0].due_at_ms), (JobStatus::Done, Some(due)));
    assert_eq!(host.brain.waiting_notices(&ada).await.unwrap().len(), 1, "it waits for the next connection");

    // It was for that one day: the schedule is off, and a year later nothing fires.
    let after = host.store.schedule(&ada.tenant, &schedule.path).await.unwrap().unwrap();
    assert!(!after.enabled, "{after:?}");
    clock.advance(HOUR * 24 * 366);
    assert!(clock.now_ms() > due);
    host.close(Duration::from_secs(5)).await;
    let store = crate::request::open_store(&data).await;
    assert_eq!(store.jobs(&ada, "f/openanalyst/social/publish_post", None, 10).await.unwrap().rows.len(), 1);
}

fn settings(data: &DataDir, flags: &[&str]) -> Settings {
    use clap::{Args as _, FromArgMatches as _};
    let command = SettingArgs::augment_args(clap::Command::new("openanalyst"));
    let cache = DataDir::cache();
    let arguments = [
        "openanalyst",
        "--data-dir",
        data.path().to_str().unwrap(),
        "--cache-dir",
        cache.to_str().unwrap(),
        "--time-zone",
        ZONE,
    ];
    let database = data.database_flags();
    let arguments = arguments.into_iter().chain(database.iter().map(String::as_str)).chain(flags.iter().copied());
    let matches = command.try_get_matches_from(arguments).unwrap();
    Settings::load(&SettingArgs::from_arg_matches(&matches).unwrap(), &matches).unwrap()
}
