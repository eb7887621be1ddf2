//! `--quota-user`, `--quota-tenant` and `--retention`: short lists such as `history=1GiB,schedules=50`
//! and `history=90d/512MiB`. What a list does not name stays as it is by default.

use std::fmt::Write as _;

use openanalyst_store::quotas::{OperatorQuotas, StorageLimits};
use openanalyst_store::retention::{Keep, MAX_DAYS, Retention};
use openanalyst_store::storage::StorageKind;

use crate::failure::Failure;

const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// The default of `--quota-user`, in its own words.
#[must_use]
pub fn default_user() -> String {
    let mut limits = OperatorQuotas::default().user;
    limits.remove(&StorageKind::OpenTasks);
    words(&limits)
}

/// The default of `--quota-tenant`.
#[must_use]
pub fn default_tenant() -> String {
    words(&OperatorQuotas::default().tenant)
}

/// The default of `--retention`.
#[must_use]
pub fn default_retention() -> String {
    let mut retention = Retention::default();
    let mut text = String::new();
    for (name, keep) in kinds(&mut retention) {
        let divide = if text.is_empty() { "" } else { "," };
        // Writing into a string does not fail.
        let _ = write!(text, "{divide}{name}={}d", keep.days);
        if keep.bytes > 0 {
            let _ = write!(text, "/{}", size(u64::try_from(keep.bytes).unwrap_or_default()));
        }
    }
    text
}

/// The limits of a user and of a tenant.
///
/// # Errors
/// An entry is none; the message names it and says how one is written.
pub fn quotas(user: &str, tenant: &str, max_open_tasks: u64) -> Result<OperatorQuotas, Failure> {
    let mut quotas = OperatorQuotas::default();
    quotas.user.insert(StorageKind::OpenTasks, max_open_tasks);
    read_limits("--quota-user", user, &mut quotas.user, StorageKind::OpenTasks)?;
    // Packages belong to the tenant, so that every kind is one of its own.
    read_limits("--quota-tenant", tenant, &mut quotas.tenant, None)?;
    Ok(quotas)
}

fn read_limits(
    flag: &str,
    list: &str,
    limits: &mut StorageLimits,
    not: impl Into<Option<StorageKind>>,
) -> Result<(), Failure> {
    let not = not.into();
    for (entry, name, value) in entries(flag, list)? {
        let known = StorageKind::from_name(name).filter(|kind| limits.contains_key(kind) && Some(*kind) != not);
        let Some(kind) = known else {
            let names: Vec<&str> = limits.keys().filter(|kind| Some(**kind) != not).map(|kind| kind.as_str()).collect();
            return Err(Failure::usage(format!(
                "{flag} `{entry}`: there is no kind `{name}`; use {}",
                names.join(", ")
            )));
        };
        let limit = if kind.is_number() { value.parse().ok() } else { bytes(value) };
        let Some(limit) = limit.filter(|limit| i64::try_from(*limit).is_ok()) else {
            let how = if kind.is_number() { "a number, such as 100" } else { "a size, such as 512MiB or 2GiB" };
            return Err(Failure::usage(format!("{flag} `{entry}`: give {how}")));
        };
        limits.insert(kind, limit);
    }
    Ok(())
}

/// How long things are kept.
///
/// # Errors
/// As [`quotas`].
pub fn retention(list: &str) -> Result<Retention, Failure> {
    let mut retention = Retention::default();
    for (entry, name, value) in entries("--retention", list)? {
        let wrong = |why: &str| Failure::usage(format!("--retention `{entry}`: {why}"));
        let mut kinds = kinds(&mut retention);
        let Some((_, keep)) = kinds.iter_mut().find(|(kind, _)| *kind == name) else {
            return Err(wrong("there is no such kind; use history, recordings, receipts, jobs, notices"));
        };
        let (days, most) = match value.split_once('/') {
            Some((days, most)) => (days, Some(most)),
            None => (value, None),
        };
        let days =
            days.strip_suffix('d').and_then(|days| days.parse().ok()).filter(|days| (1..=MAX_DAYS).contains(days));
        keep.days = days.ok_or_else(|| {
            wrong(&format!("give 1 to {MAX_DAYS} days, such as 90d, and a size behind it, such as 90d/512MiB"))
        })?;
        if let Some(most) = most {
            let size = bytes(most).and_then(|bytes| i64::try_from(bytes).ok());
            keep.bytes = size.ok_or_else(|| wrong("the size behind `/` is none: write it like 512MiB"))?;
        }
    }
    Ok(retention)
}

fn kinds(retention: &mut Retention) -> [(&'static str, &mut Keep); 5] {
    [
        ("history", &mut retention.history),
        ("recordings", &mut retention.recordings),
        ("receipts", &mut retention.receipts),
        ("jobs", &mut retention.jobs),
        ("notices", &mut retention.notices),
    ]
}

fn entries<'a>(flag: &str, list: &'a str) -> Result<Vec<(&'a str, &'a str, &'a str)>, Failure> {
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            let (name, value) = entry
                .split_once('=')
                .ok_or_else(|| Failure::usage(format!("{flag} `{entry}`: write it like history=1GiB")))?;
            Ok((entry, name.trim(), value.trim()))
        })
        .collect()
}

fn bytes(text: &str) -> Option<u64> {
    let (number, unit) =
        UNITS.into_iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit))).unwrap_or((text, 1));
    number.trim().parse::<u64>().ok()?.checked_mul(unit)
}

fn size(bytes: u64) -> String {
    let (name, unit) =
        UNITS.into_iter().find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit)).unwrap_or(("B", 1));
    format!("{}{name}", bytes / unit)
}

fn words(limits: &StorageLimits) -> String {
    let entry = |(kind, limit): (&StorageKind, &u64)| match kind.is_number() {
        true => format!("{kind}={limit}"),
        false => format!("{kind}={}", size(*limit)),
    };
    limits.iter().map(entry).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_what_their_words_say() {
        assert_eq!(quotas(&default_user(), &default_tenant(), 100).unwrap(), OperatorQuotas::default());
        assert_eq!(retention(&default_retention()).unwrap(), Retention::default());
    }

    #[test]
    fn lists_change_what_they_name() {
        let set = quotas("history=10KiB, schedules=3", "packages=1000", 7).unwrap();
        assert_eq!(set.user[&StorageKind::History], 10_240);
        assert_eq!((set.user[&StorageKind::Schedules], set.user[&StorageKind::OpenTasks]), (3, 7));
        assert_eq!(set.tenant[&StorageKind::Packages], 1_000);
        assert_eq!(set.user[&StorageKind::Jobs], OperatorQuotas::default().user[&StorageKind::Jobs]);
        let kept = retention("history=7d/1MiB,notices=2d").unwrap();
        assert_eq!((kept.history, kept.notices.days), (Keep { days: 7, bytes: 1 << 20 }, 2));
    }

    #[test]
    fn wrong_entries_are_named() {
        for (list, word) in [
            ("history", "history=1GiB"),
            ("histroy=1GiB", "use history"),
            ("open-tasks=1", "use history"),
            ("packages=1GiB", "use history"),
            ("history=much", "a size"),
            ("history=-1", "a size"),
            ("history=99999999999GiB", "a size"),
            ("schedules=1GiB", "a number"),
        ] {
            let said = quotas(list, "", 1).unwrap_err().to_string();
            assert!(said.contains(word) && said.contains(list), "{said}");
        }
        for (list, word) in
            [("history=0d", "1 to"), ("history=90", "1 to"), ("tasks=9d", "no such kind"), ("jobs=1d/x", "512MiB")]
        {
            let said = retention(list).unwrap_err().to_string();
            assert!(said.contains(word) && said.contains(list), "{said}");
        }
    }
}
