//! Live progress for the end user. Reports that come faster than ten a second are thinned out: the latest wins.

use crate::sys;

/// Tells the user what is going on.
pub fn report(message: &str) {
    sys::progress::report(message, None);
}

/// Tells the user what is going on and how far it got, 0 to 100.
pub fn report_percent(message: &str, percent: u8) {
    sys::progress::report(message, Some(percent));
}
