//! The program in a process of its own, and what the kernel says of that process.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use openanalyst_domain::{Clock as _, SystemClock, TenantId, UserId};
use openanalyst_identity::{LocalKeys, Scope, TokenRequest};
use rustix::process::{Pid, Signal, kill_process};

use crate::database::Database;

/// How long running work may take to end when the server is asked to end. Less than the default,
/// so that a run takes less time.
pub const GRACE: Duration = Duration::from_secs(5);
/// What is added to it before a server counts as one that does not end: the drain of connections,
/// 10 s, and the closing handshakes of WebSockets.
pub const GRACE_AND_DRAIN: Duration = Duration::from_secs(5 + 15);
/// How long a start may take.
const START: Duration = Duration::from_secs(60);
/// The key of the cache, the same for all data directories, so that they can share it.
const CACHE_KEY: [u8; 32] = [7; 32];
/// Ticks of the kernel's clock for CPU time in a second (`USER_HZ`, proc_pid_stat(5)).
const TICKS: f64 = 100.0;

/// A data directory with its database.
pub struct DataDir {
    dir: tempfile::TempDir,
    cache: PathBuf,
    database: Database,
    keys: LocalKeys,
}

impl DataDir {
    /// An empty one. Compiled components are kept in `cache`.
    pub fn new(cache: &Path, database: Database) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let keys = dir.path().join("keys");
        std::fs::create_dir(&keys).expect("a folder can be made");
        std::fs::write(keys.join("cache.key"), CACHE_KEY).expect("a file can be written");
        let keys = LocalKeys::open_or_create(&keys).expect("keys can be made");
        Self { dir, cache: cache.to_owned(), database, keys }
    }

    /// A token with every scope, good for an hour.
    pub fn token(&self, tenant: &str, user: &str) -> String {
        let request = TokenRequest {
            tenant: TenantId::parse(tenant).expect("it is a name"),
            user: UserId::parse(user).expect("it is a name"),
            scopes: Scope::ALL.to_vec(),
            ttl: Duration::from_secs(3_600),
            now_ms: SystemClock.now_ms(),
        };
        self.keys.sign(&request).expect("the key signs")
    }

    /// Compiles what comes with the program, so that no figure has it in.
    pub fn compile_all(&self, program: &Path) {
        let mut doctor = self.command(program, "doctor");
        let output = doctor.output().expect("the program can be started");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("ok    script runner"), "{said}");
    }

    /// Starts the program, and waits until it says that it is ready.
    pub fn serve(&self, program: &Path, flags: &[String]) -> Result<Server, String> {
        let log = self.dir.path().join("log");
        let errors = std::fs::File::create(&log).expect("a file can be written");
        let mut command = self.command(program, "serve");
        command.args(["--log", "error", "--shutdown-grace-s"]).arg(GRACE.as_secs().to_string());
        command.args(flags).stdout(Stdio::piped()).stderr(errors);
        let mut process = Process(command.spawn().expect("the program can be started"));
        let base = process.ready_at().ok_or_else(|| {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            format!("{} did not start\n{log}", program.display())
        })?;
        let address = base.trim_start_matches("http://").parse();
        let address = address.map_err(|_| format!("`{base}` is no address"))?;
        Ok(Server { process, base, address })
    }

    fn command(&self, program: &Path, name: &str) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OPENANALYST_")) {
            command.env_remove(name);
        }
        command.args([name, "--listen", "127.0.0.1:0", "--time-zone", "UTC", "--data-dir"]);
        command.arg(self.dir.path()).arg("--cache-dir").arg(&self.cache);
        command.args(self.database.flags()).current_dir(self.dir.path());
        command
    }
}

/// A process that this bench started. Dropping it ends it.
pub struct Process(pub Child);

impl Process {
    /// The address that it names on its standard output, a pipe, once it is ready. None: it ended
    /// without, or took too long.
    pub fn ready_at(&mut self) -> Option<String> {
        let lines = BufReader::new(self.0.stdout.take()?).lines();
        let (found, ready) = std::sync::mpsc::channel();
        // Reads on to the end, so that the process never waits for its reader.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(base) = line.strip_prefix("ready ") {
                    // Nobody waits any more where it took too long.
                    let _ = found.send(base.to_owned());
                }
            }
        });
        ready.recv_timeout(START).ok()
    }

    /// CPU time of all its threads, those that have ended included (proc_pid_stat(5)).
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()));
        let stat = stat.unwrap_or_default();
        // The name in parentheses may hold anything; after it stands field 3.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: f64 =
            fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
        Duration::from_secs_f64(ticks / TICKS)
    }

    /// Resident memory in megabytes.
    pub fn resident_mb(&self) -> f64 {
        resident_mb(self.0.id())
    }

    /// Asks it to end, and says how long it took. None: it did not end in `patience`, and was
    /// killed.
    pub fn terminate(&mut self, patience: Duration) -> Option<Duration> {
        let began = Instant::now();
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            // It may have ended already.
            let _ = kill_process(pid, Signal::TERM);
        }
        while began.elapsed() < patience {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return Some(began.elapsed());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Resident memory of a process in megabytes; 0 where it has ended.
pub fn resident_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().unwrap_or_default();
    kib * 1024.0 / 1e6
}

/// A running server.
pub struct Server {
    pub process: Process,
    pub base: String,
    pub address: SocketAddr,
}
