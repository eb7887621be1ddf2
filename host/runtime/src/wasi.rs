//! The part of WASI 0.2 that language toolchains import on their own.
//!
//! Clocks, random, `cli` with nothing in it, `io`, and `filesystem` without any directory. Sockets and
//! `wasi:http` are linked elsewhere (`load/network.rs`), as refusals. Standard output and error become
//! lines of the log.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};
use tokio::io::AsyncWrite;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{HostMonotonicClock, HostWallClock, WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiView as _};
use wasmtime_wasi_io::bindings::wasi::io;

use crate::Tape;
use crate::logs::{LogLevel, Logs};
use crate::state::State;

/// Most bytes of random data in one call.
const MAX_RANDOM_BYTES: u64 = 64 << 10;
/// Most bytes that one write to a stream takes.
const MAX_WRITE_BYTES: usize = 64 << 10;

/// Both clocks, from the tape. They count whole milliseconds.
struct TapedClock(Tape);

/// What the clocks count in.
const RESOLUTION: Duration = Duration::from_millis(1);

impl HostWallClock for TapedClock {
    fn resolution(&self) -> Duration {
        RESOLUTION
    }

    fn now(&self) -> Duration {
        let ms = self.0.read_clock().map_or(0, |(ms, _)| ms);
        Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }
}

impl HostMonotonicClock for TapedClock {
    fn resolution(&self) -> u64 {
        u64::try_from(RESOLUTION.as_nanos()).unwrap_or(u64::MAX)
    }

    fn now(&self) -> u64 {
        self.0.read_clock().map_or(0, |(_, since)| since)
    }
}

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links the interfaces.
///
/// # Errors
/// One of them is linked already.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let l = linker;
    io::error::add_to_linker::<State, HasTable>(l, |state| &mut state.table)?;
    io::poll::add_to_linker::<State, HasTable>(l, |state| &mut state.table)?;
    io::streams::add_to_linker::<State, HasTable>(l, |state| &mut state.table)?;
    clocks::wall_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    random::random::add_to_linker::<State, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    random::insecure::add_to_linker::<State, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::environment::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    filesystem::types::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    Ok(())
}

/// The context of one invocation.
pub(crate) fn context(logs: &Logs, tape: &Tape) -> WasiCtx {
    let mut builder = WasiCtxBuilder::new();
    if let Some(seed) = tape.seed() {
        // Two streams of one seed, so that nobody learns secure numbers from insecure ones.
        let stream = |number: u64| {
            let mut random = ChaCha20Rng::from_seed(seed);
            random.set_stream(number);
            random
        };
        builder
            .wall_clock(TapedClock(tape.clone()))
            .monotonic_clock(TapedClock(tape.clone()))
            .secure_random(stream(0))
            .insecure_random(stream(1))
            .insecure_random_seed(u128::from(stream(2).next_u64()));
    }
    builder
        .stdout(LogStream::new(logs, LogLevel::Info))
        .stderr(LogStream::new(logs, LogLevel::Warn))
        .max_random_size(MAX_RANDOM_BYTES)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build()
}

/// Standard output as lines of the log. All streams of one kind share one unfinished line.
#[derive(Clone)]
struct LogStream(Arc<Mutex<Line>>);

struct Line {
    logs: Logs,
    level: LogLevel,
    unfinished: Vec<u8>,
    max_bytes: usize,
}

impl LogStream {
    fn new(logs: &Logs, level: LogLevel) -> Self {
        let max_bytes = logs.max_line_bytes();
        Self(Arc::new(Mutex::new(Line { logs: logs.clone(), level, unfinished: Vec::new(), max_bytes })))
    }

    fn take(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(bytes);
    }
}

impl Line {
    fn take(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
            // One byte more than is kept, so that the log can tell that something was cut; the rest is not held.
            let room = (self.max_bytes + 1).saturating_sub(self.unfinished.len());
            self.unfinished.extend_from_slice(&text[..text.len().min(room)]);
            if ended {
                self.finish();
            }
        }
    }

    fn finish(&mut self) {
        let text = std::mem::take(&mut self.unfinished);
        let text = text.strip_suffix(b"\r").unwrap_or(&text);
        if !text.is_empty() {
            self.logs.write(self.level, &String::from_utf8_lossy(text));
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.finish();
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

#[async_trait::async_trait]
impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_WRITE_BYTES)
    }
}

impl AsyncWrite for LogStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use openanalyst_domain::Budget;

    use super::*;

    #[test]
    fn output_becomes_lines_and_an_unfinished_one_is_not_lost() {
        let logs = Logs::new(&Budget { log_line_bytes: 8, ..Budget::default() }, crate::Scrubber::none());
        let stream = LogStream::new(&logs, LogLevel::Info);
        stream.take(b"one\r\ntw");
        stream.clone().take(b"o\n\n");
        stream.take(&[b'x'; 100_000]);
        drop(stream);
        let lines: Vec<String> = logs.take().0.into_iter().map(|line| line.message).collect();
        assert_eq!(lines, ["one", "two", "xxxxx…"]);
    }
}
