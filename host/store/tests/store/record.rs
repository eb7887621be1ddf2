//! What the record promises, on each database that it can be kept in: every test of the table runs on SQLite and on PostgreSQL.

use crate::support::{Place, accept, both, owner, task};
use openanalyst_domain::{EventKind, TaskStatus};
use openanalyst_store::StoreError;
use openanalyst_store::effects::EffectKey;
use openanalyst_store::learnings::{MAX_KEPT, NewLearning};
use openanalyst_store::memory::{MAX_KEYS, MemoryOwner, Put};
use openanalyst_store::recordings::PartRow;
use openanalyst_store::tasks::{Accepted, NewEvent};
use serde_json::json;

both! {
    events_have_no_gap_whoever_writes_them,
    a_key_is_one_task_for_one_user,
    many_requests_with_one_key_are_one_task,
    a_task_ends_once,
    who_lost_a_task_writes_nothing_more,
    a_task_waits_for_a_job_without_being_in_memory,
    a_recording_is_put_together_from_its_parts,
    memory_is_found_by_its_words_best_first,
    a_memory_has_its_limit,
    learnings_belong_to_their_user_unless_they_are_shared,
    an_effect_is_found_again_and_belongs_to_its_user,
    memory_compares_swaps_and_expires,
    one_of_many_swaps_wins,
    what_was_committed_is_there_after_a_restart,
    nobody_reads_or_changes_what_is_anothers,
    any_text_can_be_kept,
}

async fn events_have_no_gap_whoever_writes_them(place: Place) {
    let store = place.open().await.unwrap();
    let ada = owner("t", "ada");
    let new = task(&ada, None, "d");
    accept(&store, &new).await;
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let (store, ada, id) = (store.clone(), ada.clone(), new.id);
            tokio::spawn(async move {
                for _ in 0..5 {
                    let mut tx = store.begin(&ada).await.unwrap();
                    let events = vec![
                        NewEvent::new(EventKind::Progress, json!({})),
                        NewEvent::new(EventKind::Evaluated, json!({})),
                    ];
                    let written = tx.append_events(&ada, id, 2, events).await.unwrap();
                    assert_eq!(written[1].seq, written[0].seq + 1);
                    tx.commit().await.unwrap();
                    // What is rolled back leaves no gap either.
                    let mut lost = store.begin(&ada).await.unwrap();
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

async fn a_key_is_one_task_for_one_user(place: Place) {
    let store = place.open().await.unwrap();
    let (ada, bob) = (owner("t", "ada"), owner("t", "bob"));
    let first = task(&ada, Some("k"), "d");
    assert_eq!(accept(&store, &first).await, Accepted::New { begun: false });
    assert_eq!(accept(&store, &task(&ada, Some("k"), "d")).await, Accepted::Repeated(first.id));
    assert_eq!(accept(&store, &task(&ada, Some("k"), "other")).await, Accepted::Conflict(first.id));
    assert_eq!(accept(&store, &task(&bob, Some("k"), "d")).await, Accepted::New { begun: false });
    assert_eq!(accept(&store, &task(&owner("other", "ada"), Some("k"), "d")).await, Accepted::New { begun: false });
}

async fn who_lost_a_task_writes_nothing_more(place: Place) {
    let store = place.open().await.unwrap();
    let ada = owner("t", "ada");
    let new = task(&ada, None, "d");
    accept(&store, &new).await;
    let start = async |node: &str, seen: i64| {
        let mut tx = store.begin(&ada).await.unwrap();
        let lease = tx.start_task(new.id, node, seen, 1).await.unwrap();
        tx.commit().await.unwrap();
        lease
    };
    let read = async |key: &EffectKey<'_>, lease: i64| {
        store.begin(&ada).await.unwrap().hold_task_for(new.id, lease, key).await.map(drop)
    };
    // A write that asks nothing first: an event, and something that has nothing to do with the task.
    let memory = MemoryOwner::User(ada.clone());
    let write = async |lease: i64, last_seq: i64| {
        let mut tx = store.begin(&ada).await.unwrap();
        tx.hold_task(new.id, lease, last_seq);
        tx.append_events(&ada, new.id, 2, vec![NewEvent::new(EventKind::Progress, json!({}))]).await?;
        assert_eq!(tx.last_seq(), Some(last_seq + 1));
        tx.put_memory(&memory, &format!("{lease}/{last_seq}"), "1", None, None, 2).await?;
        tx.commit().await
    };
    let hold = async |lease: i64, last_seq: i64| {
        let place = format!("{lease}/{last_seq}");
        let key = EffectKey { owner: &ada, task: new.id, place: &place };
        let (read, written) = (read(&key, lease).await, write(lease, last_seq).await);
        // Without anything to write it is looked at all the same.
        let mut tx = store.begin(&ada).await.unwrap();
        tx.hold_task(new.id, lease, last_seq + i64::from(written.is_ok()));
        let empty = tx.commit().await;
        for one in [&read, &written, &empty] {
            assert!(matches!(one, Ok(()) | Err(StoreError::Fenced)), "{one:?}");
        }
        assert_eq!((read.is_ok(), written.is_ok()), (written.is_ok(), empty.is_ok()));
        written.is_ok()
    };
    // Two nodes saw the same open task: one of them gets it.
    assert_eq!((start("one", 0).await, start("two", 0).await), (Some(1), None));
    assert!(hold(1, 0).await);
    assert!(matches!(write(1, 0).await, Err(StoreError::Fenced)), "somebody else has written an event");
    // Another one takes it up after the first is thought dead; what that one still writes is refused.
    assert_eq!(start("three", 1).await, Some(2));
    assert!(!hold(1, 1).await);
    assert!(hold(2, 1).await);
    let mut tx = store.begin(&ada).await.unwrap();
    assert!(tx.finish_task(new.id, 2, TaskStatus::Completed, &json!({}), 3).await.unwrap());
    tx.commit().await.unwrap();
    assert!(!hold(2, 2).await, "an ended task is nobody's");
    let events = store.task_events(&ada, new.id, 0, 10).await.unwrap();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2]);
    let kept = store.list_memory(&memory, "", None, 10, 2).await.unwrap();
    assert_eq!(
        kept.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(),
        ["1/0", "2/1"],
        "nothing of a refused write is left"
    );
    assert_eq!(start("four", 3).await, None);
}

async fn a_task_waits_for_a_job_without_being_in_memory(place: Place) {
    let store = place.open().await.unwrap();
    let ada = owner("t", "ada");
    let new = task(&ada, None, "d");
    accept(&store, &new).await;
    let job = openanalyst_domain::JobId::new();
    let mut tx = store.begin(&ada).await.unwrap();
    tx.start_task(new.id, "one", 0, 1).await.unwrap();
    tx.put_task_aside(new.id, job, Some(50));
    tx.commit().await.unwrap();
    let open = store.open_tasks_of_all_tenants().await.unwrap();
    assert_eq!((open[0].waits_for, open[0].waits_until_ms), (Some(job), Some(50)));
    assert_eq!(store.ended_jobs(&[job]).await.unwrap(), [job], "a job that is not there will not end");
    let mut tx = store.begin(&ada).await.unwrap();
    tx.request_cancel(&ada, new.id, "enough").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.cancelled_tasks_of("one").await.unwrap(), [(ada.clone(), new.id)]);
    let mut tx = store.begin(&ada).await.unwrap();
    tx.start_task(new.id, "two", 1, 2).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.task(&ada, new.id).await.unwrap().unwrap().waits_for, None, "it is taken up again");
}

async fn a_recording_is_put_together_from_its_parts(place: Place) {
    let store = place.open().await.unwrap();
    let (ada, bob) = (owner("t", "ada"), owner("t", "bob"));
    let new = task(&ada, None, "d");
    accept(&store, &new).await;
    let part = |place: &str, number: i64, text: &str| PartRow {
        place: place.to_owned(),
        number,
        component: "c".to_owned(),
        part: json!({ "text": text, "nul": "a\u{0}b" }),
    };
    let mut tx = store.begin(&ada).await.unwrap();
    for row in [part("0/a/1/run", 2, "later"), part("0/a/1/run", 0, "first"), part("0/plan/1", 0, "plan")] {
        tx.keep_recordings(&ada, new.id, &[&row]);
    }
    tx.keep_recordings(&ada, new.id, &[&part("0/a/1/run", 0, "again")]);
    tx.commit().await.unwrap();
    let parts = store.recordings(&ada, new.id, Some("0/a/1/run")).await.unwrap();
    let texts: Vec<&str> = parts.iter().map(|part| part.part["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["first", "later"], "what is there stays");
    assert_eq!(parts[0].part["nul"], "a\u{0}b", "every character comes back");
    assert_eq!(store.recordings(&ada, new.id, None).await.unwrap().len(), 3);
    assert_eq!(store.recordings(&bob, new.id, None).await.unwrap().len(), 0);
}

async fn memory_is_found_by_its_words_best_first(place: Place) {
    let store = place.open().await.unwrap();
    let ada = MemoryOwner::User(owner("t", "ada"));
    let others = [MemoryOwner::User(owner("t", "bob")), MemoryOwner::Tenant("t".try_into().unwrap())];
    let put = async |of: &MemoryOwner, key: &str, value: &str| {
        let mut tx = store.begin(of.scope()).await.unwrap();
        tx.put_memory(of, key, value, None, None, 1).await.unwrap();
        tx.commit().await.unwrap();
    };
    put(&ada, "notes/meeting", r#""We scheduled the posts about whales""#).await;
    put(&ada, "notes/other", r#""A recipe; whales are mentioned once in a long text about apples, cakes and ovens""#)
        .await;
    put(&ada, "whales", r#""facts""#).await;
    for other in &others {
        put(other, "whales", r#""not Ada's""#).await;
    }
    let find = async |words: &[&str]| -> Vec<String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        store.search_memory(&ada, &words, 10, 2).await.unwrap().into_iter().map(|row| row.key).collect()
    };
    assert_eq!(find(&["whale"]).await[0], "whales", "a word in the key counts for more, and stems are compared");
    assert_eq!(find(&["scheduling", "post"]).await, ["notes/meeting"]);
    assert_eq!(find(&["WHALES", "apples"]).await, ["notes/other"], "all words before any of them");
    assert_eq!(find(&["ovens", "nowhere"]).await, ["notes/other"], "any of them, where none has all");
    assert!(find(&["\" OR owner:*", "NEAR(", "'"]).await.is_empty(), "operators are words like others");
    put(&ada, "notes/meeting", r#""Moved to Friday""#).await;
    assert_eq!(find(&["scheduling"]).await, Vec::<String>::new(), "what was written over is not found");
    let mut tx = store.begin(ada.scope()).await.unwrap();
    tx.delete_memory(&ada, "whales", 3).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(find(&["whale"]).await, ["notes/other"]);
}

async fn a_memory_has_its_limit(place: Place) {
    let store = place.open().await.unwrap();
    let ada = MemoryOwner::User(owner("t", "ada"));
    let mut tx = store.begin(ada.scope()).await.unwrap();
    for number in 0..MAX_KEYS {
        let expires = (number == 7).then_some(50);
        assert_eq!(tx.put_memory(&ada, &format!("k{number}"), "1", None, expires, 1).await.unwrap(), Put::Stored(1));
    }
    assert_eq!(tx.put_memory(&ada, "one-more", "1", None, None, 2).await.unwrap(), Put::Full);
    assert_eq!(
        tx.put_memory(&ada, "k1", "2", None, None, 2).await.unwrap(),
        Put::Stored(2),
        "what is there can change"
    );
    assert_eq!(
        tx.put_memory(&ada, "one-more", "1", None, None, 60).await.unwrap(),
        Put::Stored(1),
        "what expired makes room"
    );
    tx.commit().await.unwrap();
}

async fn learnings_belong_to_their_user_unless_they_are_shared(place: Place) {
    let store = place.open().await.unwrap();
    let (ada, bob) = (owner("t", "ada"), owner("t", "bob"));
    let tags = ["posts".to_owned()];
    let learning = NewLearning {
        owner: &ada,
        shared: false,
        skill: Some("social-media"),
        task: None,
        title: "Posts",
        content: "be brief",
        source: "https://example.org",
        tags: &tags,
        at_ms: 1,
    };
    let mut tx = store.begin(&ada).await.unwrap();
    let id = tx.learn(&learning);
    tx.learnings_helped(&ada, std::slice::from_ref(&id));
    tx.commit().await.unwrap();
    let mut tx = store.begin(&bob).await.unwrap();
    tx.learnings_helped(&bob, std::slice::from_ref(&id));
    tx.commit().await.unwrap();
    let known = store.learnings(&ada, 10).await.unwrap();
    assert_eq!((known.len(), known[0].used, &known[0].tags), (1, 1, &tags.to_vec()));
    assert!(store.learnings(&bob, 10).await.unwrap().is_empty());
    let mut tx = store.begin(&ada).await.unwrap();
    let shared = tx.learn(&NewLearning { shared: true, content: "cut adjectives", ..learning });
    tx.commit().await.unwrap();
    let mut tx = store.begin(&bob).await.unwrap();
    tx.learnings_helped(&bob, std::slice::from_ref(&shared));
    tx.commit().await.unwrap();
    let known = store.learnings(&bob, 10).await.unwrap();
    assert_eq!((known.len(), known[0].used, known[0].content.as_str()), (1, 1, "cut adjectives"));
    assert!(
        store.learnings(&owner("other", "ada"), 10).await.unwrap().is_empty(),
        "another tenant knows nothing of it"
    );
    // Neither crowds out the other, and each is bounded.
    assert_eq!(store.learnings(&ada, 1).await.unwrap().len(), 2);
    let mut tx = store.begin(&ada).await.unwrap();
    for _ in 0..=MAX_KEPT {
        tx.learn(&learning);
    }
    tx.commit().await.unwrap();
    assert_eq!(store.learnings(&ada, u32::MAX).await.unwrap().len() as i64, MAX_KEPT + 1);
    assert_eq!(store.learnings(&bob, 10).await.unwrap().len(), 1);
}

async fn a_task_ends_once(place: Place) {
    let store = place.open().await.unwrap();
    let ada = owner("t", "ada");
    let new = task(&ada, None, "d");
    accept(&store, &new).await;
    for (status, first) in [(TaskStatus::Completed, true), (TaskStatus::Failed, false), (TaskStatus::Cancelled, false)]
    {
        let lease = store.task(&ada, new.id).await.unwrap().unwrap().lease;
        let mut tx = store.begin(&ada).await.unwrap();
        assert!(
            !tx.finish_task(new.id, lease + 1, status, &json!({}), 3).await.unwrap(),
            "only who saw it as it is may end it"
        );
        assert_eq!(tx.finish_task(new.id, lease, status, &json!({}), 3).await.unwrap(), first, "{status}");
        tx.commit().await.unwrap();
    }
    assert_eq!(store.task(&ada, new.id).await.unwrap().unwrap().status, TaskStatus::Completed);
}

async fn an_effect_is_found_again_and_belongs_to_its_user(place: Place) {
    let store = place.open().await.unwrap();
    let (ada, bob) = (owner("t", "ada"), owner("t", "bob"));
    let new = task(&ada, None, "d");
    accept(&store, &new).await;
    let key = EffectKey { owner: &ada, task: new.id, place: "0/step/1" };
    let mut tx = store.begin(&ada).await.unwrap();
    assert!(tx.intend(&key, "script", &json!({"job": 1}), 1).await.unwrap().is_none());
    tx.commit().await.unwrap();
    let mut tx = store.begin(&ada).await.unwrap();
    let earlier = tx.intend(&key, "script", &json!({"job": 2}), 2).await.unwrap().unwrap();
    assert_eq!((earlier.intent, earlier.result), (json!({"job": 1}), None), "the first intent stays");
    tx.settle(&key, &json!("done"), 3);
    tx.commit().await.unwrap();
    assert_eq!(store.effect(&key).await.unwrap().unwrap().result, Some(json!("done")));
    assert!(store.effect(&EffectKey { owner: &bob, ..key }).await.unwrap().is_none());
}

async fn memory_compares_swaps_and_expires(place: Place) {
    let store = place.open().await.unwrap();
    let ada = MemoryOwner::User(owner("t", "ada"));
    let tenant = MemoryOwner::Tenant("t".try_into().unwrap());
    let put = async |value: &str, expected, expires, now| {
        let mut tx = store.begin(ada.scope()).await.unwrap();
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

async fn what_was_committed_is_there_after_a_restart(place: Place) {
    let ada = owner("t", "ada");
    let new = task(&ada, None, "d");
    let store = place.open().await.unwrap();
    accept(&store, &new).await;
    store.check().await.unwrap();
    assert_eq!(store.schema_version().await.unwrap(), 12);
    store.close().await;
    let store = place.open().await.unwrap();
    assert_eq!(store.open_tasks_of_all_tenants().await.unwrap()[0].id, new.id);
}

async fn many_requests_with_one_key_are_one_task(place: Place) {
    let store = place.open().await.unwrap();
    let ada = owner("t", "ada");
    let requests: Vec<_> = (0..8)
        .map(|_| {
            let (store, new) = (store.clone(), task(&ada, Some("k"), "d"));
            tokio::spawn(async move { accept(&store, &new).await })
        })
        .collect();
    let mut new = 0;
    for request in requests {
        new += usize::from(request.await.unwrap() == Accepted::New { begun: false });
    }
    assert_eq!(new, 1);
}

async fn one_of_many_swaps_wins(place: Place) {
    let store = place.open().await.unwrap();
    let swaps: Vec<_> = (0..8)
        .map(|number| {
            let (store, ada) = (store.clone(), MemoryOwner::User(owner("t", "ada")));
            tokio::spawn(async move {
                let mut tx = store.begin(ada.scope()).await.unwrap();
                let put = tx.put_memory(&ada, "k", &number.to_string(), Some(0), None, 1).await.unwrap();
                tx.commit().await.unwrap();
                put
            })
        })
        .collect();
    let mut won = 0;
    for swap in swaps {
        won += usize::from(swap.await.unwrap() == Put::Stored(1));
    }
    assert_eq!(won, 1);
}

async fn nobody_reads_or_changes_what_is_anothers(place: Place) {
    let store = place.open().await.unwrap();
    let ada = owner("t", "ada");
    let new = task(&ada, None, "d");
    accept(&store, &new).await;
    for other in [owner("t", "bob"), owner("u", "ada"), owner("t' OR '1'='1", "ada"), owner("t", "ada' --")] {
        assert!(store.task(&other, new.id).await.unwrap().is_none(), "{other}");
        assert!(store.tasks(&other, None, None, 10).await.unwrap().rows.is_empty(), "{other}");
        assert!(store.task_events(&other, new.id, 0, 10).await.unwrap().is_empty(), "{other}");
        let mut tx = store.begin(&other).await.unwrap();
        assert!(
            tx.append_events(&other, new.id, 2, vec![NewEvent::new(EventKind::Progress, json!({}))]).await.is_err()
        );
        drop(tx);
        let mut tx = store.begin(&other).await.unwrap();
        assert!(!tx.answer_task(&other, new.id, &json!([]), "node").await.unwrap());
        tx.commit().await.unwrap();
    }
    assert_eq!(store.task(&ada, new.id).await.unwrap().unwrap().last_seq, 0);
}

async fn any_text_can_be_kept(place: Place) {
    let store = place.open().await.unwrap();
    for text in
        ["'; DROP TABLE tasks; --", "\\", "%_", "äöü 🦀 \u{202e}", "line\nline\ttab", "\u{1}\u{7f}", "nul \0 nul"]
    {
        let ada = owner("t'\\\"; --", "ada@example.com");
        let mut new = task(&ada, Some(text), "d");
        new.content = text.to_owned();
        new.attachments = json!([{ "text": text, text: 1 }]);
        assert_eq!(accept(&store, &new).await, Accepted::New { begun: false }, "{text:?}");
        let read = store.task(&ada, new.id).await.unwrap().unwrap();
        // U+0000 has no place in PostgreSQL, and becomes U+FFFD in both.
        let kept = text.replace('\0', "\u{fffd}");
        assert_eq!(read.content, kept);
        assert_eq!(read.attachments, json!([{ "text": kept.as_str(), kept.as_str(): 1 }]));
        let memory = MemoryOwner::User(ada.clone());
        let mut tx = store.begin(&ada).await.unwrap();
        tx.put_memory(&memory, text, text, None, None, 1).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.list_memory(&memory, &kept, None, 10, 1).await.unwrap()[0].value, kept);
    }
}
