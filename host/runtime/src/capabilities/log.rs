//! `log`: lines for the skill's author. Needs no grant and does not count as a host call: it has caps of its own.

use crate::contract::log::{Host, Level};
use crate::logs::LogLevel;
use crate::state::State;

impl Host for State {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.check_bytes("log.write", message.len())?;
        let level = match level {
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        if !self.call.tape.is_heard() {
            self.logs.write(level, &message);
        }
        Ok(())
    }
}
