//! Quotas, and how what is not kept any more goes: on each database.

use std::sync::atomic::{AtomicU64, Ordering};

use openanalyst_domain::{EventKind, JobId, JobStatus, Owner, Receipt, SessionKey, TaskId, TaskStatus};
use openanalyst_store::Store;
use openanalyst_store::conversations::NewMessage;
use openanalyst_store::jobs::{JobEnd, NewJob};
use openanalyst_store::memory::MemoryOwner;
use openanalyst_store::quotas::{OperatorQuotas, QuotaError, Quotas};
use openanalyst_store::recordings::PartRow;
use openanalyst_store::retention::{AtOnce, Keep, Pace, Retention};
use openanalyst_store::schedules::PutSchedule;
use openanalyst_store::storage::StorageKind;
use openanalyst_store::tasks::NewEvent;
use serde_json::json;

use crate::support::{Place, accept, both, owner, task};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// A long time after what the tests write first.
const LATER: i64 = 400 * DAY_MS;

both! {
    one_of_two_nodes_fires_a_schedule,
    what_users_keep_is_counted_as_it_comes_and_goes,
    each_kind_has_its_quota,
    a_tenants_own_quotas_count,
    what_is_admitted_counts_before_it_is_written,
    open_tasks_and_what_they_need_stay,
    what_is_old_goes_in_small_steps_between_which_others_write,
    the_oldest_go_first_where_there_is_too_much,
    sums_by_day_stay_when_receipts_go,
    a_tenant_says_how_long_its_history_is_kept,
}

/// A task with an event, a message, a receipt and a recording, which has ended at that moment if it is to.
async fn work(store: &Store, owner: &Owner, at_ms: i64, ends: Option<TaskStatus>) -> TaskId {
    let new = openanalyst_store::tasks::NewTask { at_ms, ..task(owner, None, "d") };
    accept(store, &new).await;
    let mut tx = store.begin(owner).await.unwrap();
    let events = vec![NewEvent::new(EventKind::Progress, json!({ "text": "x".repeat(100) }))];
    tx.append_events(owner, new.id, at_ms, events).await.unwrap();
    tx.say(&NewMessage {
        id: None,
        owner,
        session: &SessionKey::parse("s").unwrap(),
        task: new.id,
        role: "user",
        content: "hello",
        data: None,
        skill: None,
        at_ms,
    });
    let receipt = Receipt { cpu_us: 1_000, ..Receipt::new("greeter", "", "run") };
    tx.keep_receipt(owner, Some(new.id), None, &receipt, &json!(["said hello"]), at_ms);
    let part = PartRow { place: "0/a".to_owned(), number: 0, component: "c".to_owned(), part: json!("y".repeat(500)) };
    tx.keep_recordings(owner, new.id, &[&part]);
    if let Some(status) = ends {
        assert!(tx.finish_task(new.id, 0, status, &json!({ "content": "done" }), at_ms).await.unwrap());
    }
    tx.commit().await.unwrap();
    new.id
}

async fn job(store: &Store, owner: &Owner, task: Option<TaskId>, at_ms: i64) -> JobId {
    let id = JobId::new();
    let mut tx = store.begin(owner).await.unwrap();
    let new = NewJob {
        id,
        owner: owner.clone(),
        task,
        parent: None,
        is_flow: false,
        path: "u/ada/x".to_owned(),
        args: json!({}),
        scheduled_for_ms: at_ms,
        node: "node".to_owned(),
        schedule: None,
        at_ms,
    };
    assert!(tx.queue_job(&new).await.unwrap());
    let result = json!("z".repeat(300));
    let end = JobEnd { status: JobStatus::Done, result: &result, logs: "a log", cancel_reason: None };
    assert!(tx.end_job(id, &end, None, at_ms).await.unwrap());
    tx.commit().await.unwrap();
    id
}

async fn remember(store: &Store, owner: &Owner, key: &str) {
    let mut tx = store.begin(owner).await.unwrap();
    tx.put_memory(&MemoryOwner::User(owner.clone()), key, "\"value\"", None, None, 1).await.unwrap();
    tx.commit().await.unwrap();
}

async fn keep_script(store: &Store, owner: &Owner) {
    let mut tx = store.begin(owner).await.unwrap();
    tx.put_item(owner, "script", "u/ada/x", "", None, "export function main() {}", 1).await.unwrap();
    tx.commit().await.unwrap();
}

async fn schedule(store: &Store, owner: &Owner) {
    let mut tx = store.begin(owner).await.unwrap();
    tx.put_schedule(&PutSchedule {
        owner,
        path: "u/ada/s",
        summary: "",
        cron: "0 0 12 * * *",
        time_zone: "UTC",
        script_path: "u/ada/x",
        is_flow: false,
        args: &json!({}),
        enabled: true,
        next_at_ms: Some(5),
        at_ms: 1,
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

/// Both saw that it is due; the one that comes second is told, and queues nothing.
async fn one_of_two_nodes_fires_a_schedule(place: Place) {
    let (first, second) = (place.open().await.unwrap(), place.open().await.unwrap());
    let ada = owner("t", "ada");
    schedule(&first, &ada).await;
    for node in [&first, &second] {
        let seen = node.schedule(&ada.tenant, "u/ada/s").await.unwrap().unwrap();
        assert_eq!(seen.next_at_ms, Some(5));
    }
    for (node, wins) in [(&first, true), (&second, false)] {
        let mut tx = node.begin(&ada).await.unwrap();
        assert_eq!(tx.fired(&ada.tenant, "u/ada/s", 5, 5, Some(100)).await.unwrap(), wins);
        tx.commit().await.unwrap();
    }
    let after = second.schedule(&ada.tenant, "u/ada/s").await.unwrap().unwrap();
    assert_eq!((after.last_at_ms, after.next_at_ms), (Some(5), Some(100)));
}

async fn add_up(store: &Store) {
    while store.add_up_storage().await.unwrap() {}
}

async fn what_users_keep_is_counted_as_it_comes_and_goes(place: Place) {
    let store = place.open().await.unwrap();
    let (ada, bob) = (owner("t", "ada"), owner("t", "bob"));
    for owner in [&ada, &bob] {
        work(&store, owner, 1, Some(TaskStatus::Completed)).await;
        job(&store, owner, None, 1).await;
        remember(&store, owner, "k").await;
    }
    keep_script(&store, &ada).await;
    keep_script(&store, &ada).await;
    schedule(&store, &ada).await;
    for _ in 0..2 {
        let used = store.stored_by_user(&ada).await.unwrap();
        let of = |kind| used.get(&kind).copied().unwrap_or_default();
        assert_eq!(of(StorageKind::History).entries, 1);
        assert!(of(StorageKind::History).bytes > 300, "{used:?}");
        assert!((600..700).contains(&of(StorageKind::Recordings).bytes), "{used:?}");
        assert!(of(StorageKind::Receipts).bytes > 100 && of(StorageKind::Receipts).entries == 1, "{used:?}");
        assert!(of(StorageKind::Jobs).bytes > 400, "{used:?}");
        assert_eq!(of(StorageKind::Memory).entries, 1);
        assert_eq!(of(StorageKind::Workflows).entries, 1, "what is written over is there once");
        assert_eq!(of(StorageKind::Schedules).entries, 1);
        let all = store.stored_by_tenant(&ada.tenant).await.unwrap();
        assert_eq!(all[&StorageKind::History].entries, 2);
        assert_eq!(all[&StorageKind::Memory].entries, 2);
        // The same once it is added up.
        add_up(&store).await;
    }
    let nothing = Keep { days: 0, bytes: 0 };
    let gone = Retention { history: nothing, recordings: nothing, receipts: nothing, jobs: nothing, notices: nothing };
    store.prune(&gone, LATER, &AtOnce).await.unwrap();
    add_up(&store).await;
    let used = store.stored_by_user(&ada).await.unwrap();
    for kind in [StorageKind::History, StorageKind::Recordings, StorageKind::Receipts, StorageKind::Jobs] {
        let left = used.get(&kind).copied().unwrap_or_default();
        assert_eq!((left.entries, left.bytes), (0, 0), "{kind}");
    }
    assert_eq!(used[&StorageKind::Memory].entries, 1, "what has no end stays");
}

async fn each_kind_has_its_quota(place: Place) {
    let store = place.open().await.unwrap();
    let kinds = [
        StorageKind::History,
        StorageKind::Recordings,
        StorageKind::Receipts,
        StorageKind::Jobs,
        StorageKind::Memory,
        StorageKind::Workflows,
        StorageKind::Schedules,
    ];
    for (number, kind) in kinds.into_iter().enumerate() {
        let ada = owner(&format!("t{number}"), "ada");
        let mut of_user = OperatorQuotas::default();
        of_user.user.insert(kind, 1);
        let mut of_tenant = OperatorQuotas::default();
        of_tenant.tenant.insert(kind, 1);
        let (of_user, of_tenant) = (Quotas::new(store.clone(), of_user), Quotas::new(store.clone(), of_tenant));
        of_user.check(&ada, &[kind]).await.unwrap();
        of_tenant.check(&ada, &[kind]).await.unwrap();
        work(&store, &ada, 1, Some(TaskStatus::Completed)).await;
        job(&store, &ada, None, 1).await;
        remember(&store, &ada, "k").await;
        keep_script(&store, &ada).await;
        schedule(&store, &ada).await;
        for (quotas, of_whom) in [(&of_user, false), (&of_tenant, true)] {
            let QuotaError::Exceeded(exceeded) = quotas.check(&ada, &[kind]).await.unwrap_err() else {
                panic!("{kind} is not refused")
            };
            assert_eq!((exceeded.kind, exceeded.of_tenant, exceeded.limit), (kind, of_whom, 1));
            let said = exceeded.to_string();
            assert!(said.contains(kind.as_str()) && said.contains("GET /v1/usage"), "{said}");
            for other in kinds.into_iter().filter(|other| *other != kind) {
                quotas.check(&ada, &[other]).await.unwrap();
            }
        }
        of_user.check(&owner(&format!("t{number}"), "bob"), &[kind]).await.unwrap();
    }
    let ada = owner("open", "ada");
    work(&store, &ada, 1, None).await;
    let mut quotas = OperatorQuotas::default();
    quotas.tenant.insert(StorageKind::OpenTasks, 1);
    let refused = Quotas::new(store.clone(), quotas).check(&ada, &[StorageKind::OpenTasks]).await;
    assert!(matches!(refused, Err(QuotaError::Exceeded(exceeded)) if exceeded.of_tenant));
}

async fn a_tenants_own_quotas_count(place: Place) {
    let store = place.open().await.unwrap();
    let (ada, bob) = (owner("t", "ada"), owner("t", "bob"));
    for owner in [&ada, &bob] {
        work(&store, owner, 1, Some(TaskStatus::Completed)).await;
    }
    let quotas = Quotas::new(store.clone(), OperatorQuotas::default());
    let set = async |settings: serde_json::Value| {
        let mut tx = store.begin(&ada.tenant).await.unwrap();
        tx.put_tenant_settings(&ada.tenant, &settings, 1).await.unwrap();
        tx.commit().await.unwrap();
        quotas.forget(&ada.tenant);
    };
    let refused = async |owner: &Owner| quotas.check(owner, &[StorageKind::History]).await.is_err();
    assert!(!refused(&ada).await);
    set(json!({ "quotas": { "users": { "ada": { "history": 1 } } } })).await;
    assert_eq!((refused(&ada).await, refused(&bob).await), (true, false));
    set(json!({ "quotas": { "user": { "history": 1 }, "users": { "bob": { "history": 1_000_000 } } } })).await;
    assert_eq!((refused(&ada).await, refused(&bob).await), (true, false));
    set(json!({ "quotas": { "tenant": { "history": 1 } } })).await;
    assert_eq!((refused(&ada).await, refused(&bob).await), (true, true));
}

async fn what_is_admitted_counts_before_it_is_written(place: Place) {
    let store = place.open().await.unwrap();
    let mut limits = OperatorQuotas::default();
    limits.tenant.insert(StorageKind::OpenTasks, 3);
    let quotas = Quotas::new(store.clone(), limits);
    let users = ["ada", "bob", "cy", "dan", "eve"].map(|name| owner("t", name));
    let check = async |at: usize| quotas.check(&users[at], &[StorageKind::OpenTasks]).await;
    let mut turns = Vec::new();
    for at in 0..3 {
        turns.push(check(at).await.unwrap());
    }
    let refused = check(3).await.unwrap_err().to_string();
    assert!(refused.starts_with("the organisation's quota `open-tasks` is used up: 3 of 3."), "{refused}");
    drop(turns);
    // None of them was written after all.
    let written = check(3).await.unwrap();
    work(&store, &users[3], 1, None).await;
    drop(written);
    for at in [0, 1] {
        turns_of(&store, &users[at], check(at).await.unwrap()).await;
    }
    check(4).await.unwrap_err();
}

/// Writes what was checked.
async fn turns_of(store: &Store, owner: &Owner, turn: openanalyst_store::quotas::QuotaTurn) {
    work(store, owner, 1, None).await;
    drop(turn);
}

async fn open_tasks_and_what_they_need_stay(place: Place) {
    let store = place.open().await.unwrap();
    let ada = owner("t", "ada");
    let open = work(&store, &ada, 1, None).await;
    let asks = work(&store, &ada, 1, Some(TaskStatus::NeedsClarification)).await;
    let ended = work(&store, &ada, 1, Some(TaskStatus::Completed)).await;
    let young = work(&store, &ada, LATER, Some(TaskStatus::Completed)).await;
    let (needed, old) = (job(&store, &ada, Some(open), 1).await, job(&store, &ada, None, 1).await);
    store.prune(&Retention::default(), LATER, &AtOnce).await.unwrap();
    for task in [open, asks, young] {
        assert!(store.task(&ada, task).await.unwrap().is_some());
        assert_eq!(store.task_events(&ada, task, 0, 10).await.unwrap().len(), 1);
        assert_eq!(store.recordings(&ada, task, None).await.unwrap().len(), 1);
        assert_eq!(store.task_receipts(&ada, task).await.unwrap().len(), 1);
    }
    assert!(store.task(&ada, ended).await.unwrap().is_none());
    assert!(store.task_events(&ada, ended, 0, 10).await.unwrap().is_empty());
    assert!(store.task_receipts(&ada, ended).await.unwrap().is_empty());
    assert!(store.job(&ada, needed).await.unwrap().is_some(), "an open task started it");
    assert!(store.job(&ada, old).await.unwrap().is_none());
    let conversation = store.conversations(&ada, None, 10).await.unwrap().remove(0);
    let messages = store.conversation_messages(&ada, conversation.id.parse().unwrap(), None, 10).await.unwrap();
    assert_eq!(messages.unwrap().rows.len(), 3, "the messages of tasks that stay");
}

/// Writes in the name of somebody else between the steps.
struct Beside {
    store: Store,
    writes: AtomicU64,
}

impl Pace for Beside {
    async fn pause(&self) -> bool {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        remember(&self.store, &owner("other", "eve"), &format!("k{number}")).await;
        true
    }
}

async fn what_is_old_goes_in_small_steps_between_which_others_write(place: Place) {
    let store = place.open().await.unwrap();
    let ada = owner("t", "ada");
    for _ in 0..50 {
        work(&store, &ada, 1, Some(TaskStatus::Completed)).await;
    }
    // One that has far more bytes than a step removes.
    let large = work(&store, &ada, 1, None).await;
    let mut tx = store.begin(&ada).await.unwrap();
    for _ in 0..40 {
        let events = vec![NewEvent::new(EventKind::Progress, json!({ "text": "x".repeat(40_000) }))];
        tx.append_events(&ada, large, 1, events).await.unwrap();
    }
    assert!(tx.finish_task(large, 0, TaskStatus::Failed, &json!({}), 1).await.unwrap());
    tx.commit().await.unwrap();
    let beside = Beside { store: store.clone(), writes: AtomicU64::new(0) };
    let pruned = store.prune(&Retention::default(), LATER, &beside).await.unwrap();
    assert!(pruned.most_in_step <= 100, "{pruned:?}");
    assert!(pruned.steps >= 50 / 16 + 40 / 4, "{pruned:?}");
    assert!(beside.writes.load(Ordering::Relaxed) + 3 >= pruned.steps, "others write between the steps");
    assert!(store.tasks(&ada, None, None, 10).await.unwrap().rows.is_empty());
    let again = store.prune(&Retention::default(), LATER, &AtOnce).await.unwrap();
    assert_eq!((again.steps, again.things), (0, 0), "nothing is written where there is nothing to do");
}

async fn the_oldest_go_first_where_there_is_too_much(place: Place) {
    let store = place.open().await.unwrap();
    let ada = owner("t", "ada");
    let mut tasks = Vec::new();
    let mut jobs = Vec::new();
    for number in 0..20 {
        tasks.push(work(&store, &ada, number, Some(TaskStatus::Completed)).await);
        jobs.push(job(&store, &ada, None, number).await);
    }
    add_up(&store).await;
    let used = store.stored_by_user(&ada).await.unwrap();
    let half = |kind| Keep { days: 3_000, bytes: used[&kind].bytes / 2 };
    let retention = Retention {
        history: half(StorageKind::History),
        recordings: half(StorageKind::Recordings),
        receipts: half(StorageKind::Receipts),
        jobs: half(StorageKind::Jobs),
        ..Retention::default()
    };
    store.prune(&retention, LATER, &AtOnce).await.unwrap();
    let left = store.stored_by_user(&ada).await.unwrap();
    for kind in [StorageKind::History, StorageKind::Recordings, StorageKind::Receipts, StorageKind::Jobs] {
        let (left, most) = (left[&kind].bytes, used[&kind].bytes / 2);
        assert!(left <= most && left * 3 > most, "{kind}: {left} of {most}");
    }
    for (number, (task, job)) in tasks.into_iter().zip(jobs).enumerate() {
        if !(8..12).contains(&number) {
            assert_eq!(store.task(&ada, task).await.unwrap().is_some(), number >= 12, "task {number}");
            assert_eq!(store.job(&ada, job).await.unwrap().is_some(), number >= 12, "job {number}");
        }
    }
}

async fn sums_by_day_stay_when_receipts_go(place: Place) {
    let store = place.open().await.unwrap();
    let (ada, bob) = (owner("t", "ada"), owner("t", "bob"));
    for (owner, day) in [(&ada, 3), (&ada, 3), (&bob, 3), (&ada, 390), (&bob, 400)] {
        work(&store, owner, day * DAY_MS + 5, Some(TaskStatus::Completed)).await;
    }
    let seen = async || {
        let all = store.usage_by_day(&ada.tenant, None, 0).await.unwrap();
        let own = store.usage_by_day(&ada.tenant, Some(&ada.user), 0).await.unwrap();
        let short = |days: Vec<(i64, openanalyst_store::receipts::Usage)>| {
            days.into_iter().map(|(day, used)| (day, used.invocations, used.cpu_us)).collect::<Vec<_>>()
        };
        let skill = store.usage_since(&ada.tenant, Some("greeter"), 0).await.unwrap();
        (short(all), short(own), skill)
    };
    let before = seen().await;
    assert_eq!(before.0, [(3, 3, 3_000), (390, 1, 1_000), (400, 1, 1_000)]);
    assert_eq!(before.1, [(3, 2, 2_000), (390, 1, 1_000)]);
    for now_ms in [LATER, 495 * DAY_MS, 1_000 * DAY_MS] {
        store.prune(&Retention::default(), now_ms, &AtOnce).await.unwrap();
        assert_eq!(seen().await, before);
    }
    assert!(store.skill_receipts(&ada.tenant, "greeter", None, 10).await.unwrap().rows.is_empty());
}

async fn a_tenant_says_how_long_its_history_is_kept(place: Place) {
    let store = place.open().await.unwrap();
    let (ada, eve) = (owner("t", "ada"), owner("other", "eve"));
    let mut tx = store.begin(&ada.tenant).await.unwrap();
    tx.put_tenant_settings(&ada.tenant, &json!({ "retention": { "historyDays": 7 } }), 1).await.unwrap();
    tx.commit().await.unwrap();
    let eight_days_ago = LATER - 8 * DAY_MS;
    let (short, long) = (
        work(&store, &ada, eight_days_ago, Some(TaskStatus::Completed)).await,
        work(&store, &eve, eight_days_ago, Some(TaskStatus::Completed)).await,
    );
    store.prune(&Retention::default(), LATER, &AtOnce).await.unwrap();
    assert!(store.task(&ada, short).await.unwrap().is_none());
    assert!(store.task(&eve, long).await.unwrap().is_some());
}
