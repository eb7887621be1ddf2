//! Lines for the skill's author and the tenant's operators; end users never see them. A line is cut at 4 KiB, and after 1,000
//! lines of one invocation the rest is only counted.
//!
//! ```no_run
//! # use openanalyst_skill::log;
//! # let count = 3;
//! log::info!("found {count} posts");
//! ```

use crate::sys;

pub use crate::bindings::openanalyst::skill::log::Level;
#[doc(inline)]
pub use crate::{__log_debug as debug, __log_error as error, __log_info as info, __log_warn as warn};

/// Writes one line.
pub fn write(level: Level, message: &str) {
    sys::log::write(level, message);
}

/// Detail for debugging; takes what `format!` takes.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_debug {
    ($($part:tt)*) => { $crate::log::write($crate::log::Level::Debug, &::std::format!($($part)*)) };
}

/// What happened; takes what `format!` takes.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_info {
    ($($part:tt)*) => { $crate::log::write($crate::log::Level::Info, &::std::format!($($part)*)) };
}

/// Something unexpected that was dealt with; takes what `format!` takes.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_warn {
    ($($part:tt)*) => { $crate::log::write($crate::log::Level::Warn, &::std::format!($($part)*)) };
}

/// Something that went wrong; takes what `format!` takes.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_error {
    ($($part:tt)*) => { $crate::log::write($crate::log::Level::Error, &::std::format!($($part)*)) };
}
