//! What the writer promises.

use openanalyst_domain::{Owner, TenantId, UserId};

use super::*;
use crate::sql::{Query, query};

struct Place {
    _dir: tempfile::TempDir,
    path: PathBuf,
    writer: Writer,
}

fn place() -> Place {
    place_with(PATIENCE)
}

fn place_with(patience: Patience) -> Place {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE t (at INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)")
        .unwrap();
    let writer = Writer::start_with(path.clone(), patience).unwrap();
    Place { _dir: dir, path, writer }
}

fn scope(tenant: &str, user: &str) -> Scope {
    let owner = Owner::new(TenantId::parse(tenant).unwrap(), UserId::parse(user).unwrap());
    (&owner).into()
}

fn insert(name: &str) -> Query {
    query("INSERT INTO t (name) VALUES ($1)").bind(name)
}

fn work(names: &[&str]) -> Work {
    let queries: Vec<Query> = names.iter().map(|name| insert(name)).collect();
    Box::new(move |connection| Ok(connection.run_all(&queries)?))
}

impl Place {
    /// What another connection sees, in the order in which it was written.
    fn names(&self) -> Vec<String> {
        let connection = rusqlite::Connection::open(&self.path).unwrap();
        let mut all = connection.prepare("SELECT name FROM t ORDER BY at").unwrap();
        let names = all.query_map([], |row| row.get(0)).unwrap();
        names.map(Result::unwrap).collect()
    }

    fn commits(&self) -> u64 {
        self.writer.shared.commits.load(Ordering::Relaxed)
    }

    /// A session after whose first step the writer waits: what is asked meanwhile queues.
    async fn hold(&self) -> Session {
        let first = |connection: &mut Connection| connection.run::<()>(&insert("held"));
        let (session, done) = self.writer.session(&Scope::Worker, false, first).await.unwrap();
        done.unwrap();
        session
    }
}

#[tokio::test]
async fn what_waits_goes_into_one_commit_in_turns_of_the_tenants() {
    let place = place();
    let held = place.hold().await;
    let mut waiting = Vec::new();
    for (tenant, user, name) in [("a", "x", "ax1"), ("a", "x", "ax2"), ("a", "y", "ay1"), ("b", "z", "bz1")] {
        waiting.push(place.writer.write(&scope(tenant, user), work(&[name])).unwrap());
    }
    assert_eq!(place.names(), Vec::<String>::new(), "nothing is committed yet");
    held.commit(work(&[])).await.unwrap();
    for told in waiting {
        told.await.unwrap().unwrap();
    }
    assert_eq!(place.names(), ["held", "ax1", "bz1", "ay1", "ax2"]);
    assert_eq!(place.commits(), 1);
}

#[tokio::test]
async fn work_that_fails_takes_nothing_else_with_it() {
    let place = place();
    let held = place.hold().await;
    let write = |names: &[&str]| place.writer.write(&Scope::Worker, work(names)).unwrap();
    let (first, twice, last) = (write(&["a"]), write(&["b", "a"]), write(&["c"]));
    let panics = place.writer.write(&Scope::Worker, Box::new(|_| panic!("in the work"))).unwrap();
    let after = write(&["d"]);
    held.commit(work(&[])).await.unwrap();
    for told in [first, last, after] {
        told.await.unwrap().unwrap();
    }
    assert!(matches!(twice.await.unwrap(), Err(StoreError::Sqlite(_))));
    assert!(matches!(panics.await.unwrap(), Err(StoreError::Unavailable { .. })));
    assert_eq!(place.names(), ["held", "a", "c", "d"]);
}

#[tokio::test]
async fn the_first_work_that_fails_leaves_room_for_the_next() {
    let place = place();
    let failed = place.writer.write(&Scope::Worker, work(&["a", "a"])).unwrap();
    assert!(failed.await.unwrap().is_err());
    let told = place.writer.write(&Scope::Worker, work(&["a"])).unwrap();
    told.await.unwrap().unwrap();
    assert_eq!(place.names(), ["a"]);
}

#[tokio::test]
async fn a_dropped_session_leaves_no_trace() {
    let place = place();
    let held = place.hold().await;
    let told = place.writer.write(&Scope::Worker, work(&["after"])).unwrap();
    drop(held);
    told.await.unwrap().unwrap();
    assert_eq!(place.names(), ["after"]);
}

#[tokio::test]
async fn a_session_alone_sees_what_others_see() {
    let place = place();
    let held = place.hold().await;
    let begins = |connection: &mut Connection| connection.run::<()>(&insert("begun"));
    let alone = place.writer.session(&Scope::Worker, true, begins);
    let mut alone = std::pin::pin!(alone);
    assert!(futures_util::poll!(alone.as_mut()).is_pending());
    held.commit(work(&[])).await.unwrap();
    let (alone, begun) = alone.await.unwrap();
    begun.unwrap();
    assert_eq!(place.names(), ["held"], "what came before is committed");
    let other = rusqlite::Connection::open(&place.path).unwrap();
    other.busy_timeout(Duration::ZERO).unwrap();
    assert!(other.execute_batch("BEGIN IMMEDIATE").is_err(), "nobody else can write meanwhile");
    alone.commit(work(&["alone"])).await.unwrap();
    assert_eq!(place.names(), ["held", "begun", "alone"]);
}

#[tokio::test]
async fn a_closed_writer_writes_what_waits_and_refuses_the_rest() {
    let place = place();
    let held = place.hold().await;
    let told = place.writer.write(&Scope::Worker, work(&["waiting"])).unwrap();
    let writer = place.writer.clone();
    let closing = tokio::spawn(async move { writer.close().await });
    held.commit(work(&[])).await.unwrap();
    told.await.unwrap().unwrap();
    closing.await.unwrap();
    assert!(place.writer.write(&Scope::Worker, work(&["late"])).is_err());
    assert_eq!(place.names(), ["held", "waiting"]);
}

#[tokio::test]
async fn what_waits_is_refused_while_another_process_writes_and_the_writer_goes_on() {
    let place = place_with(Patience { locked: Duration::from_millis(1), ..PATIENCE });
    let other = rusqlite::Connection::open(&place.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut refused = Vec::new();
    {
        let mut queue = place.writer.shared.lock();
        for name in ["a", "b", "c"] {
            let (committed, told) = oneshot::channel();
            queue.waiting.push(None, None, Asked::Work { work: work(&[name]), committed });
            refused.push(told);
        }
    }
    place.writer.shared.changed.notify_one();
    for told in refused {
        let told = tokio::time::timeout(Duration::from_secs(20), told).await.expect("the writer goes on");
        assert!(matches!(told.unwrap(), Err(StoreError::Locked)));
    }
    other.execute_batch("ROLLBACK").unwrap();
    place.writer.write(&Scope::Worker, work(&["after"])).unwrap().await.unwrap().unwrap();
    assert_eq!(place.names(), ["after"]);
}

#[tokio::test]
async fn a_session_that_never_ends_is_rolled_back_and_takes_nothing_else_with_it() {
    let place = place_with(Patience { session: Duration::from_millis(20), ..PATIENCE });
    let held = place.hold().await;
    let told = place.writer.write(&Scope::Worker, work(&["after"])).unwrap();
    // It does something all the time, and so is never idle.
    let mut steps = 0_u32;
    loop {
        let name = format!("step {steps}");
        if held.step(move |connection| connection.run::<()>(&insert(&name))).await.is_err() {
            break;
        }
        steps += 1;
    }
    told.await.unwrap().unwrap();
    assert_eq!(place.names(), ["after"], "of {steps} steps nothing is left");
}
