//! Jobs of the embedded workflow engine, as nodes take them over: on each database.

use std::collections::HashMap;

use openanalyst_domain::{JobId, JobStatus};
use openanalyst_store::StoreError;
use openanalyst_store::jobs::{JobEnd, NewJob};
use serde_json::json;

use crate::support::{Place, both, owner};

both! {
    a_node_that_takes_a_job_over_reads_what_the_job_did,
}

async fn a_node_that_takes_a_job_over_reads_what_the_job_did(place: Place) {
    let store = place.open().await.unwrap();
    let ada = owner("t", "ada");
    let id = JobId::new();
    let new = NewJob {
        id,
        owner: ada.clone(),
        task: None,
        parent: None,
        is_flow: false,
        path: "u/ada/x".to_owned(),
        args: json!({}),
        scheduled_for_ms: 1,
        node: "first".to_owned(),
        schedule: None,
        at_ms: 1,
    };
    let mut tx = store.begin(&ada).await.unwrap();
    assert!(tx.queue_job(&new).await.unwrap());
    tx.commit().await.unwrap();

    let mut tx = store.begin(&ada).await.unwrap();
    assert!(tx.start_job(id, "first", Some("first"), 2).await.unwrap());
    assert!(tx.operations_of_job(id).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    let mut tx = store.begin(&ada).await.unwrap();
    tx.hold_job(id, "first").await.unwrap();
    tx.record_operation_of_job(&ada, id, "create u/ada/y 1", &json!("u/ada/y"));
    tx.commit().await.unwrap();
    // What is not committed did not happen.
    let mut tx = store.begin(&ada).await.unwrap();
    tx.hold_job(id, "first").await.unwrap();
    tx.record_operation_of_job(&ada, id, "create u/ada/z 1", &json!("u/ada/z"));
    drop(tx);

    // The second node looked before the job began: it saw no run.
    let mut tx = store.begin(&ada).await.unwrap();
    assert!(tx.start_job(id, "second", Some("first"), 3).await.unwrap());
    let done = tx.operations_of_job(id).await.unwrap();
    assert_eq!(done, HashMap::from([("create u/ada/y 1".to_owned(), json!("u/ada/y"))]));
    tx.commit().await.unwrap();

    let mut tx = store.begin(&ada).await.unwrap();
    assert!(matches!(tx.hold_job(id, "first").await, Err(StoreError::Fenced)));
    drop(tx);
    let result = json!(null);
    let end = JobEnd { status: JobStatus::Done, result: &result, logs: "", cancel_reason: None };
    let mut tx = store.begin(&ada).await.unwrap();
    assert!(!tx.end_job(id, &end, Some("first"), 4).await.unwrap(), "the first node lost it");
    tx.commit().await.unwrap();
    let mut tx = store.begin(&ada).await.unwrap();
    assert_eq!(tx.operations_of_job(id).await.unwrap().len(), 1);
    assert!(tx.end_job(id, &end, Some("second"), 4).await.unwrap());
    tx.commit().await.unwrap();
    let mut tx = store.begin(&ada).await.unwrap();
    assert!(tx.operations_of_job(id).await.unwrap().is_empty(), "the record goes with the job's end");
}
