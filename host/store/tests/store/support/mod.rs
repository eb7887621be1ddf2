//! Where a test keeps its record.

use openanalyst_domain::{Owner, SessionKey, TaskId};
use openanalyst_store::tasks::{Accepted, NewTask};
use openanalyst_store::{Store, StoreError, StoreOptions};
use serde_json::json;

/// A database of its own.
pub enum Place {
    Sqlite(tempfile::TempDir),
    Postgres(String),
}

impl Place {
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    /// None where PostgreSQL is not installed, which was said.
    pub fn postgres() -> Option<Self> {
        Some(Self::Postgres(openanalyst_test_postgres::shared()?.database()))
    }

    pub fn path(&self) -> std::path::PathBuf {
        let Self::Sqlite(dir) = self else { panic!("only SQLite has a file") };
        dir.path().join("test.db")
    }

    pub async fn open(&self) -> Result<Store, StoreError> {
        match self {
            Self::Sqlite(_) => Store::open(&StoreOptions::sqlite(self.path())).await,
            Self::Postgres(url) => Store::open(&StoreOptions::postgres(url)?).await,
        }
    }
}

pub fn owner(tenant: &str, user: &str) -> Owner {
    Owner::new(tenant.try_into().unwrap(), user.try_into().unwrap())
}

pub fn task(owner: &Owner, key: Option<&str>, digest: &str) -> NewTask {
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
        begun: false,
        at_ms: 1,
    }
}

pub async fn accept(store: &Store, task: &NewTask) -> Accepted {
    let mut tx = store.begin(&task.owner).await.unwrap();
    let accepted = tx.accept_task(task, 100).await.unwrap();
    tx.commit().await.unwrap();
    accepted
}

/// Runs each test of a table on each database.
macro_rules! both {
    ($($name:ident,)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(crate::support::Place::sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let Some(place) = crate::support::Place::postgres() else { return };
                super::$name(place).await;
            })+
        }
    };
}
pub(crate) use both;
