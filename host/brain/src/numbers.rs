//! The contract counts in unsigned numbers, the database in signed ones.

/// A time or a length that is never negative; anything below zero is zero.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The same backwards; what does not fit is the greatest number.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
