//! Logs go to stderr: for people on a terminal, as JSON lines otherwise.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::failure::Failure;

/// Starts logging with a filter; an empty one means what suits the command.
pub(crate) fn start(filter: &str, serves: bool) -> Result<(), Failure> {
    let filter = match (filter, serves) {
        ("", true) => "info",
        ("", false) => "warn",
        (filter, _) => filter,
    };
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::usage(format!(
            "--log `{filter}` is no filter: {error}. Use for example info or openanalyst_brain=debug"
        ))
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    let started = if stderr().is_terminal() {
        builder.finish().try_init()
    } else {
        builder.json().with_ansi(false).finish().try_init()
    };
    started.map_err(|error| Failure::failed(format!("logging cannot start: {error}")))
}
