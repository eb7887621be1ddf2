//! A throw-away PostgreSQL for tests: made in a temporary folder, reached through a Unix socket, gone with the process that started it.
//!
//! On a machine without PostgreSQL the tests say what they skipped and how to get it; where `CI` is set that is a failure. PostgreSQL does not run as root:
//! there it runs as the user `postgres`.
//!
//! Begin at [`shared`], or at [`Server::start`] for a test that stops the server.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;
use uuid::Uuid;

/// The role that owns the databases: no superuser, so that what an operator may do is what is tested.
const OWNER: &str = "owner";

/// A running server.
#[derive(Debug)]
pub struct Server {
    dir: TempDir,
    programs: PathBuf,
    /// Stops the server when this process ends, however it does: it waits for the end of its input.
    _watcher: Child,
}

/// The server of this test process, started on first use. None where PostgreSQL is not installed, which was then said on stderr.
///
/// # Panics
/// It is installed and does not start; or it is not installed and this runs under CI.
pub fn shared() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(Server::start).as_ref()
}

/// A new database for a test that runs on either kind: the URL of one here where `OPENANALYST_TEST_DATABASE` is `postgres`, none where SQLite is to be used.
///
/// # Panics
/// The variable holds something else, or PostgreSQL was asked for and is not there.
#[must_use]
pub fn chosen() -> Option<String> {
    match std::env::var("OPENANALYST_TEST_DATABASE").as_deref() {
        Err(_) | Ok("sqlite") => None,
        Ok("postgres") => Some(shared().expect("PostgreSQL was asked for, and is not installed").database()),
        Ok(other) => panic!("OPENANALYST_TEST_DATABASE is `{other}`: use sqlite or postgres"),
    }
}

impl Server {
    /// Starts a server of its own.
    ///
    /// # Panics
    /// As [`shared`].
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            let next = "install it (Debian: `apt-get install postgresql`) or name its folder of programs in OPENANALYST_TEST_POSTGRES_BIN";
            assert!(std::env::var_os("CI").is_none(), "PostgreSQL 15 or later is not installed: {next}");
            eprintln!("SKIPPED on PostgreSQL, which is not installed: {next}");
            return None;
        };
        Some(Self::start_with(programs).expect("PostgreSQL starts in a temporary folder"))
    }

    fn start_with(programs: PathBuf) -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("openanalyst-pg-").tempdir()?;
        if is_root()? {
            run(Command::new("chown").arg("postgres").arg(dir.path()))?;
        }
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        let data = dir.path().join("data");
        let init =
            ["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--pgdata"];
        run(as_postgres(&programs.join("initdb"))?.args(init).arg(&data))?;
        let ctl = programs.join("pg_ctl");
        let mut watcher = as_postgres(Path::new("sh"))?;
        watcher
            .arg("-c")
            .arg(r#"trap "" INT TERM HUP; cat > /dev/null; "$1" -D "$2" -m immediate stop > /dev/null 2>&1; rm -rf "$3""#)
            .arg("sh")
            .args([ctl.as_os_str(), data.as_os_str(), dir.path().as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let server = Self { dir, programs, _watcher: watcher.spawn()? };
        server.resume()?;
        server.sql("postgres", &format!("CREATE ROLE {OWNER} LOGIN CREATEROLE NOSUPERUSER"))?;
        Ok(server)
    }

    /// Ends the server at once, as a crash would.
    ///
    /// # Errors
    /// It cannot be stopped.
    pub fn stop(&self) -> io::Result<()> {
        run(self.ctl()?.args(["-m", "immediate", "-w", "stop"]))
    }

    /// Starts it again; returns when it takes connections.
    ///
    /// # Errors
    /// It does not start.
    pub fn resume(&self) -> io::Result<()> {
        let socket = self.dir.path().display();
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{socket}' -c fsync=off -c max_connections=200 -c shared_buffers=64MB"
        );
        // Its log goes to a file, so that nothing keeps an output of the test open.
        run(self
            .ctl()?
            .args(["-w", "-t", "60", "-o", &options, "-l"])
            .arg(self.dir.path().join("data/log"))
            .arg("start"))
    }

    /// An empty database with a name of its own; gives the URL, as its owner.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn database(&self) -> String {
        let name = format!("t_{}", Uuid::now_v7().simple());
        self.sql("postgres", &format!("CREATE DATABASE {name} OWNER {OWNER}")).expect("a database can be made");
        self.url(&name, OWNER)
    }

    /// The URL of a database for a role.
    #[must_use]
    pub fn url(&self, database: &str, role: &str) -> String {
        format!("postgres://{role}@localhost/{database}?host={}", self.dir.path().display())
    }

    /// Runs statements as the superuser; gives what `psql` printed, unaligned and without headings.
    ///
    /// # Errors
    /// The statement's.
    pub fn sql(&self, database: &str, statements: &str) -> io::Result<String> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-d",
            database,
            "-c",
            statements,
        ]);
        output(psql.arg("-h").arg(self.dir.path()))
    }

    /// Dumps a database as this role into a file (`pg_dump`, custom format), with further arguments.
    ///
    /// # Errors
    /// What `pg_dump` said.
    pub fn dump(&self, database: &str, role: &str, file: &Path, more: &[&str]) -> io::Result<()> {
        let mut dump = Command::new(self.programs.join("pg_dump"));
        dump.args(["-U", role, "-Fc", "-d", database]).args(more).arg("-f").arg(file).arg("-h").arg(self.dir.path());
        output(&mut dump).map(drop)
    }

    /// Restores such a file into a new database of the owner's, as a superuser would; gives its URL.
    ///
    /// # Errors
    /// What `pg_restore` said.
    pub fn restore(&self, file: &Path) -> io::Result<String> {
        let url = self.database();
        let mut restore = Command::new(self.programs.join("pg_restore"));
        restore.args(["-U", "postgres", "--no-owner", "--role", OWNER, "--exit-on-error", "-d", name_of(&url)]);
        output(restore.arg("-h").arg(self.dir.path()).arg(file))?;
        Ok(url)
    }

    /// The URL of this server's database that is called so, for a role with a password.
    #[must_use]
    pub fn url_with_password(&self, database: &str, role: &str, password: &str) -> String {
        format!("postgres://{role}:{password}@localhost/{database}?host={}", self.dir.path().display())
    }

    /// Runs statements as this role; gives what `psql` printed.
    ///
    /// # Errors
    /// The statement's.
    pub fn sql_as(&self, database: &str, role: &str, statements: &str) -> io::Result<String> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", role, "-d", database, "-c", statements]);
        output(psql.arg("-h").arg(self.dir.path()))
    }

    fn ctl(&self) -> io::Result<Command> {
        let mut ctl = as_postgres(&self.programs.join("pg_ctl"))?;
        ctl.arg("-s").arg("-D").arg(self.dir.path().join("data"));
        Ok(ctl)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Before its folder goes. Where this fails, the watcher tries again.
        let _ = self.stop();
    }
}

/// The name of the database in a URL of [`Server::database`].
#[must_use]
pub fn name_of(url: &str) -> &str {
    let path = url.split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

/// Debian keeps the programs of each version in a folder of its own, which is not in the path.
fn programs() -> Option<PathBuf> {
    let has = |dir: &PathBuf| dir.join("initdb").is_file() && dir.join("pg_ctl").is_file();
    if let Some(named) = std::env::var_os("OPENANALYST_TEST_POSTGRES_BIN") {
        return Some(PathBuf::from(named)).filter(has);
    }
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(version, dir)| *version >= 15 && has(dir))
        .collect();
    versions.sort();
    let debian = versions.pop().map(|(_, dir)| dir);
    debian.or_else(|| std::env::split_paths(&std::env::var_os("PATH")?).find(|dir| has(dir)))
}

fn is_root() -> io::Result<bool> {
    Ok(fs::metadata("/proc/self")?.uid() == 0)
}

fn as_postgres(program: &Path) -> io::Result<Command> {
    let mut command = if is_root()? {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/").env("LC_ALL", "C.UTF-8");
    Ok(command)
}

fn run(command: &mut Command) -> io::Result<()> {
    // To a file and not to a pipe: a server that a command leaves behind would keep the pipe open.
    let said = tempfile::NamedTempFile::new()?;
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::from(File::create(said.path())?))
        .stderr(Stdio::from(File::create(said.path())?))
        .status()?;
    if status.success() {
        return Ok(());
    }
    let program = Path::new(command.get_program()).file_name().unwrap_or(OsStr::new("command")).to_owned();
    let said = fs::read_to_string(said.path())?;
    Err(io::Error::other(format!("{}: {status}: {said}", program.display())))
}

fn output(command: &mut Command) -> io::Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_databases_and_comes_back() {
        let Some(server) = shared() else { return };
        let url = server.database();
        let name = name_of(&url);
        server.sql(name, "CREATE TABLE t (a int)").unwrap();
        assert!(server.sql(name, "SELECT no_such_column FROM t").is_err());
        server.stop().unwrap();
        assert!(server.sql(name, "SELECT 1").is_err());
        server.resume().unwrap();
        assert_eq!(server.sql(name, "SELECT count(*) FROM t").unwrap(), "0");
    }
}
