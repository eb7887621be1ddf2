//! Compiling in a process of its own, with limits.
//!
//! A compiler reads bytes of a stranger outside of the sandbox. In the child it has no secrets, no files and no connections of the host's, its memory and CPU
//! time are bounded by the kernel, and what it takes goes with it. The parent bounds the wall time and the size of the artifact, and is the only
//! one that knows the key of the cache: the child cannot make the host load anything but what it gave for this component.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use openanalyst_domain::LimitReason;
use rustix::process::{Resource, Rlimit, Signal, setrlimit};

use super::cache::MAX_ARTIFACT_BYTES;
use super::scan::MAX_COMPONENT_BYTES;
use crate::error::LoadError;

/// Exit status of a child that refuses the component; standard error says why.
const REFUSED: u8 = 3;
/// Exit status of a child that was not given the memory for a component. One that could not even say so ends with [`SIGABRT`].
const NO_MEMORY: u8 = 4;
/// Most bytes of that text.
const MAX_REASON_BYTES: u64 = 4 << 10;
/// Signals that stand for used-up CPU time; and for memory that was not given.
const SIGXCPU: i32 = 24;
const SIGABRT: i32 = 6;

/// What one compilation may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// Memory that is written to, bytes.
    pub memory_bytes: u64,
    /// CPU time of all its threads, seconds.
    pub cpu_s: u64,
    /// Wall time.
    pub wall: Duration,
}

impl Default for CompileLimits {
    /// 2 GiB, 120 s, 120 s: some ten times what the largest honest component (Python, 18 MB) takes.
    fn default() -> Self {
        Self { memory_bytes: 2 << 30, cpu_s: 120, wall: Duration::from_secs(120) }
    }
}

/// How components are compiled.
#[derive(Debug, Clone)]
pub struct ChildCompiler {
    /// The program; it must call [`compile_child`] when it is called with `arguments` and then bytes of memory and seconds of CPU time.
    pub program: PathBuf,
    /// Its first arguments.
    pub arguments: Vec<OsString>,
    /// The limits.
    pub limits: CompileLimits,
}

impl ChildCompiler {
    /// Compiles a component. Blocks.
    ///
    /// # Errors
    /// The component is refused, or took too much; or no child can be started.
    pub(crate) fn compile(&self, component: &[u8]) -> Result<Vec<u8>, LoadError> {
        let limits = self.limits;
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .args([limits.memory_bytes.to_string(), limits.cpu_s.to_string()])
            .env_clear()
            // mimalloc takes from the kernel what it needs, and no gibibyte in advance, which would count as used. Other allocators do not read it.
            .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| LoadError::Unavailable(format!("no process can be started to compile it: {error}")))?;
        let ended = self.talk(&mut child, component);
        // Whatever happened: nothing of it stays. A child that has ended is only waited for.
        let _ = child.kill();
        let status = child.wait().map_err(|error| LoadError::Unavailable(format!("the compiler was lost: {error}")))?;
        let Some((artifact, reason)) = ended else {
            let detail = format!(
                "compiling the component took more than {} s of wall time, which is the limit: make it smaller or simpler",
                limits.wall.as_secs_f32()
            );
            return Err(LoadError::refused("compile-timeout", detail));
        };
        self.outcome(status, artifact, &reason)
    }

    /// Gives the child its component, and takes what it says; None if it takes too long.
    fn talk(&self, child: &mut Child, component: &[u8]) -> Option<(Vec<u8>, String)> {
        let (mut stdin, stdout, stderr) = (child.stdin.take()?, child.stdout.take()?, child.stderr.take()?);
        let until = Instant::now() + self.limits.wall;
        let (heard, hears) = mpsc::channel();
        std::thread::scope(|threads| {
            threads.spawn(move || {
                // A child that refuses early does not read to the end.
                let _ = stdin.write_all(component);
            });
            let reason = threads.spawn(move || {
                let mut reason = Vec::new();
                let _ = stderr.take(MAX_REASON_BYTES).read_to_end(&mut reason);
                String::from_utf8_lossy(&reason).into_owned()
            });
            threads.spawn(move || {
                let mut artifact = Vec::new();
                let _ = stdout.take(MAX_ARTIFACT_BYTES + 1).read_to_end(&mut artifact);
                // Nobody waits any more where it took too long.
                let _ = heard.send((artifact, reason.join().unwrap_or_default()));
            });
            let said = hears.recv_timeout(until.saturating_duration_since(Instant::now()));
            if said.is_err() {
                // Ends the threads: their pipes close.
                let _ = child.kill();
            }
            said.ok()
        })
    }

    fn outcome(&self, status: ExitStatus, artifact: Vec<u8>, reason: &str) -> Result<Vec<u8>, LoadError> {
        if artifact.len() as u64 > MAX_ARTIFACT_BYTES {
            let detail = format!("the compiled component has more than {MAX_ARTIFACT_BYTES} bytes, which is the limit");
            return Err(LoadError::Limit { reason: LimitReason::ComponentTooLarge, detail });
        }
        if status.success() {
            return Ok(artifact);
        }
        let reason = crate::logs::clean(reason.trim(), 1_000);
        if status.code() == Some(i32::from(REFUSED)) {
            return Err(LoadError::refused("invalid-component", format!("the component cannot be compiled: {reason}")));
        }
        let CompileLimits { memory_bytes, cpu_s, .. } = self.limits;
        let no_memory = LoadError::refused(
            "compile-memory-exceeded",
            format!(
                "compiling the component took more than {} MiB of memory, which is the limit: make it smaller or simpler",
                memory_bytes >> 20
            ),
        );
        if status.code() == Some(i32::from(NO_MEMORY)) {
            return Err(no_memory);
        }
        Err(match status.signal() {
            Some(SIGXCPU) => LoadError::refused(
                "compile-cpu-exceeded",
                format!(
                    "compiling the component took more than {cpu_s} s of CPU time, which is the limit: make it smaller or simpler"
                ),
            ),
            Some(SIGABRT) if reason.contains("allocat") || reason.contains("memory") => no_memory,
            _ => {
                // The words of a panic are for the operator: they name our own source, and no cause
                // that an author could act on.
                tracing::error!(%status, reason, "the compiler ended early on a component, which is refused");
                LoadError::refused(
                    "compile-crashed",
                    "the compiler failed on this component, which is a fault of the host: the component is refused. Build it \
                     with another version of its toolchain, and report it to the operator, who finds more in the host's log",
                )
            }
        })
    }
}

/// The child's side: bounds itself, reads a component from standard input, writes the artifact to standard output.
#[must_use]
pub fn compile_child(memory_bytes: u64, cpu_s: u64) -> ExitCode {
    match compile(memory_bytes, cpu_s) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Refused { reason, status }) => {
            eprintln!("{reason}");
            ExitCode::from(status)
        }
    }
}

/// Why the child gives no artifact, and with which status it ends.
struct Refused {
    reason: String,
    status: u8,
}

impl From<String> for Refused {
    fn from(reason: String) -> Self {
        Self { reason, status: REFUSED }
    }
}

fn compile(memory_bytes: u64, cpu_s: u64) -> Result<(), Refused> {
    // What the compiler is made of is no fault of the component, which is not here yet.
    let engine = crate::engine::engine(1).map_err(|error| error.to_string())?;
    confine(memory_bytes, cpu_s).map_err(|error| format!("the limits of the compiler cannot be set: {error}"))?;
    let mut component = Vec::new();
    let read = io::stdin().take(MAX_COMPONENT_BYTES as u64 + 1).read_to_end(&mut component);
    read.map_err(|error| {
        let status = if error.kind() == io::ErrorKind::OutOfMemory { NO_MEMORY } else { REFUSED };
        Refused { reason: format!("the component cannot be read: {error}"), status }
    })?;
    // The scan was made before; here it stands between the bytes and the compiler once more, so that this program is no wider door than the host.
    super::scan::scan(&component).map_err(|error| error.to_string())?;
    // The engine would end with a panic where its threads get no memory.
    rayon::ThreadPoolBuilder::new().build_global().map_err(|error| Refused {
        reason: format!("the compiler's threads cannot be started: {error}"),
        status: NO_MEMORY,
    })?;
    let artifact = engine.precompile_component(&component).map_err(|error| {
        let status = if error.is::<wasmtime::OutOfMemory>() { NO_MEMORY } else { REFUSED };
        Refused { reason: format!("{error:#}"), status }
    })?;
    let mut out = io::stdout().lock();
    out.write_all(&artifact)
        .and_then(|()| out.flush())
        .map_err(|error| format!("the artifact cannot be written: {error}").into())
}

/// Takes from this process what a compiler does not need.
fn confine(memory_bytes: u64, cpu_s: u64) -> io::Result<()> {
    let limit = |resource, at: u64| setrlimit(resource, Rlimit { current: Some(at), maximum: Some(at) });
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::thread::set_no_new_privs(true)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nofile, 32)?;
    // Written memory. Address space is not counted: the engine reserves much and uses little of it.
    limit(Resource::Data, memory_bytes)?;
    setrlimit(Resource::Cpu, Rlimit { current: Some(cpu_s), maximum: Some(cpu_s.saturating_add(1)) })?;
    // Requests come first.
    rustix::process::nice(5)?;
    Ok(())
}
