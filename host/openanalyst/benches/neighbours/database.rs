//! Where the record of a server stands: a file, or a PostgreSQL database of its own.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use url::Url;
use uuid::Uuid;

/// Makes databases.
pub enum Databases {
    /// The file in the data directory.
    Sqlite,
    /// Databases of a throw-away server. It does not flush to the disk.
    Test(&'static openanalyst_test_postgres::Server),
    /// Databases of the server with this URL.
    Postgres(Url),
}

/// One database. It is removed when it is dropped.
pub struct Database {
    url: Option<String>,
    /// The server and the name, where it is to be removed.
    made: Option<(Url, String)>,
}

impl Databases {
    /// What `--postgres` says.
    pub fn of(postgres: Option<&str>) -> Result<Self, String> {
        match postgres {
            None => Ok(Self::Sqlite),
            Some("test") => {
                let server = openanalyst_test_postgres::shared();
                server.map(Self::Test).ok_or_else(|| "PostgreSQL is not installed".to_owned())
            }
            Some(url) => {
                let url = Url::parse(url).map_err(|error| format!("--postgres: {error}"))?;
                Ok(Self::Postgres(url))
            }
        }
    }

    /// For the heading.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Test(_) => "PostgreSQL, throw-away, without flushes",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// A new database.
    pub async fn make(&self) -> Result<Database, String> {
        match self {
            Self::Sqlite => Ok(Database { url: None, made: None }),
            Self::Test(server) => Ok(Database { url: Some(server.database()), made: None }),
            Self::Postgres(server) => {
                let name = format!("neighbours_{}", Uuid::now_v7().simple());
                run(server, format!("CREATE DATABASE {name}")).await?;
                let mut url = server.clone();
                url.set_path(&name);
                Ok(Database { url: Some(url.into()), made: Some((server.clone(), name)) })
            }
        }
    }
}

impl Database {
    /// The flags that tell the program.
    pub fn flags(&self) -> Vec<String> {
        let flags = self.url.iter().map(|url| vec!["--database-url".to_owned(), url.clone()]);
        flags.flatten().collect()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some((server, name)) = self.made.take() else { return };
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| error.to_string())?;
            runtime.block_on(run(&server, format!("DROP DATABASE {name} WITH (FORCE)")))
        });
        if let Ok(Err(error)) = dropping.join() {
            eprintln!("a database of this run is left over: {error}");
        }
    }
}

async fn run(server: &Url, statement: String) -> Result<(), String> {
    let done = async {
        let mut connection = PgConnection::connect(server.as_str()).await?;
        sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await?;
        connection.close().await
    };
    done.await.map_err(|error: sqlx::Error| format!("--postgres: {error}"))
}
