//! What commands print. A reader that is gone, as in `doctor | head`, ends the program quietly: nobody is left to be told.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write as _};

/// Prints a line to stdout.
pub(crate) fn to_stdout(text: Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_fmt(text).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()) {
        if error.kind() == ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        to_stderr(format_args!("openanalyst: stdout cannot be written: {error}"));
        std::process::exit(1);
    }
}

/// Prints a line to stderr. Where nobody reads it, it is lost, and the command goes on.
pub(crate) fn to_stderr(text: Arguments<'_>) {
    let mut out = std::io::stderr().lock();
    drop(out.write_fmt(text).and_then(|()| out.write_all(b"\n")));
}

/// Prints a line to stdout, as `println!` does; see [`to_stdout`].
macro_rules! say {
    () => { $crate::output::to_stdout(format_args!("")) };
    ($($text:tt)*) => { $crate::output::to_stdout(format_args!($($text)*)) };
}

/// Prints a line to stderr, as `eprintln!` does; see [`to_stderr`].
macro_rules! note {
    ($($text:tt)*) => { $crate::output::to_stderr(format_args!($($text)*)) };
}

pub(crate) use {note, say};
