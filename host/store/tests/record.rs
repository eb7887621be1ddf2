//! What the record promises.

use openanalyst_domain::{EventKind, Owner, SessionKey, TaskId, TaskStatus};
use openanalyst_store::effects::EffectKey;
use openanalyst_store::memory::{MemoryOwner, Put};
use openanalyst_store::tasks::{Accepted, NewEvent, NewTask};
use openanalyst_store::{Store, StoreError, StoreOptions};
use serde_json::json;

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("test.db")
    }

    async fn open(&self) -> Result<Store, StoreError> {
        Store::open(&StoreOptions { path: self.path() }).await
    }
}

fn owner(tenant: &str, user: &str) -> Owner {
    Owner::new(tenant.try_into().unwrap(), user.try_into().unwrap())
}

fn task(owner: &Owner, key: Option<&str>, digest: &str) -> NewTask {
    NewTask {
        id: TaskId::new(),
        owner: owner.clone(),
        session: SessionKey::parse("s").unwrap(),
        content: "hello".to_owned(),
        attachments: json!([]),
        idempotency_key: key.map(str::to_owned),
        request_digest: digest.to_owned(),
        correlation_id: None,
        node: "node".to_owned(),
        at_ms: 1,
    }
}

async fn accept(store: &Store, task: &NewTask) -> Accepted {
    let mut tx = store.begin().await.unwrap();
    let accepted = tx.accept_task(task).await.unwrap();
    tx.commit().await.unwrap();
    accepted
}

#[tokio::test(flavor = "multi_thread")]
async fn events_have_no_gap_whoever_writes_them() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    let ada = owner("t", "ada");
    let new = task(&ada, None, "d");
    accept(&store, &new).await;
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let (store, ada, id) = (store.clone(), ada.clone(), new.id);
            tokio::spawn(async move {
                for _ in 0..5 {
                    let mut tx = store.begin().await.unwrap();
                    let events = vec![
                        NewEvent::new(EventKind::Progress, json!({})),
                        NewEvent::new(EventKind::Evaluated, json!({})),
                    ];
                    let written = tx.append_events(&ada, id, 2, events).await.unwrap();
                    assert_eq!(written[1].seq, written[0].seq + 1);
                    tx.commit().await.unwrap();
                    // What is rolled back leaves no gap either.
                    let mut lost = store.begin().await.unwrap();
                    lost.append_events(&ada, id, 2, vec![NewEvent::new(EventKind::Progress, json!({}))]).await.unwrap();
                    drop(lost);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let events = store.task_events(&ada, new.id, 0, 1_000).await.unwrap();
    let numbers: Vec<i64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=80).collect::<Vec<i64>>());
}

#[tokio::test]
async fn a_key_is_one_task_for_one_user() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    let (ada, bob) = (owner("t", "ada"), owner("t", "bob"));
    let first = task(&ada, Some("k"), "d");
    assert_eq!(accept(&store, &first).await, Accepted::New);
    assert_eq!(accept(&store, &task(&ada, Some("k"), "d")).await, Accepted::Repeated(first.id));
    assert_eq!(accept(&store, &task(&ada, Some("k"), "other")).await, Accepted::Conflict(first.id));
    assert_eq!(accept(&store, &task(&bob, Some("k"), "d")).await, Accepted::New);
    assert_eq!(accept(&store, &task(&owner("other", "ada"), Some("k"), "d")).await, Accepted::New);
}

#[tokio::test]
async fn a_task_ends_once() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    let ada = owner("t", "ada");
    let new = task(&ada, None, "d");
    accept(&store, &new).await;
    for (status, first) in [(TaskStatus::Completed, true), (TaskStatus::Failed, false), (TaskStatus::Cancelled, false)]
    {
        let mut tx = store.begin().await.unwrap();
        assert_eq!(tx.finish_task(new.id, status, &json!({}), 3).await.unwrap(), first, "{status}");
        tx.commit().await.unwrap();
    }
    assert_eq!(store.task(&ada, new.id).await.unwrap().unwrap().status, TaskStatus::Completed);
}

#[tokio::test]
async fn an_effect_is_found_again_and_belongs_to_its_user() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    let (ada, bob) = (owner("t", "ada"), owner("t", "bob"));
    let new = task(&ada, None, "d");
    accept(&store, &new).await;
    let key = EffectKey { owner: &ada, task: new.id, place: "0/step/1" };
    let mut tx = store.begin().await.unwrap();
    assert!(tx.intend(&key, "script", &json!({"job": 1}), 1).await.unwrap().is_none());
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let earlier = tx.intend(&key, "script", &json!({"job": 2}), 2).await.unwrap().unwrap();
    assert_eq!((earlier.intent, earlier.result), (json!({"job": 1}), None), "the first intent stays");
    tx.settle(&key, &json!("done"), 3).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.effect(&key).await.unwrap().unwrap().result, Some(json!("done")));
    assert!(store.effect(&EffectKey { owner: &bob, ..key }).await.unwrap().is_none());
}

#[tokio::test]
async fn memory_compares_swaps_and_expires() {
    let place = Place::new();
    let store = place.open().await.unwrap();
    let ada = MemoryOwner::User(owner("t", "ada"));
    let tenant = MemoryOwner::Tenant("t".try_into().unwrap());
    let put = async |value: &str, expected, expires, now| {
        let mut tx = store.begin().await.unwrap();
        let put = tx.put_memory(&ada, "k", value, expected, expires, now).await.unwrap();
        tx.commit().await.unwrap();
        put
    };
    assert_eq!(put("1", Some(0), None, 10).await, Put::Stored(1));
    assert_eq!(put("2", Some(0), None, 10).await, Put::Conflict(1));
    assert_eq!(put("2", Some(1), Some(20), 10).await, Put::Stored(2));
    assert!(store.memory(&ada, "k", 19).await.unwrap().is_some());
    assert!(store.memory(&ada, "k", 20).await.unwrap().is_none());
    assert!(store.memory(&tenant, "k", 10).await.unwrap().is_none(), "a user's memory is not the tenant's");
    assert_eq!(put("3", Some(0), None, 30).await, Put::Stored(3), "what expired is not there");
    assert_eq!(store.list_memory(&ada, "", None, 10, 30).await.unwrap().len(), 1);
    assert_eq!(store.search_memory(&ada, &["3".to_owned(), "K".to_owned()], 10, 30).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_that_is_no_database_stays_as_it_is() {
    let place = Place::new();
    std::fs::write(place.path(), vec![b'x'; 8192]).unwrap();
    let error = place.open().await.unwrap_err();
    assert!(error.to_string().contains("test.db") && error.to_string().contains("backup"), "{error}");
    assert_eq!(std::fs::read(place.path()).unwrap(), vec![b'x'; 8192]);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let place = Place::new();
    place.open().await.unwrap().close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.path());
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 0)",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    sqlx::Connection::close(connection).await.unwrap();
    let error = place.open().await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 9999, .. }), "{error}");
    assert!(error.to_string().contains("newer program"), "{error}");
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let place = Place::new();
    let ada = owner("t", "ada");
    let new = task(&ada, None, "d");
    let store = place.open().await.unwrap();
    accept(&store, &new).await;
    store.check().await.unwrap();
    assert_eq!(store.schema_version().await.unwrap(), 1);
    store.close().await;
    let store = place.open().await.unwrap();
    assert_eq!(store.open_tasks_of_all_tenants().await.unwrap()[0].id, new.id);
}
