//! The work stays linear in the file.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::table;

/// The CPU time of this thread: other programs on the machine change nothing about it.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn time(text: &str) -> Duration {
    let started = cpu_time();
    let table = table("f.csv", text);
    let took = cpu_time().saturating_sub(started);
    assert!(!table.columns.is_empty());
    took
}

/// Files that could make it slow: much of what is rare in others. Four times the file takes about four times as long;
/// quadratic work would take sixteen.
#[test]
fn four_times_the_file_takes_about_four_times_as_long() {
    type Make = fn(usize) -> String;
    let kinds: [(&str, Make); 6] = [
        ("numbers", |n| format!("day,a,b,c\n{}", "2026-11-01,\"1,234.50\",5%,€7\n".repeat(n))),
        ("totals", |n| format!("day,a\n{}", "Total,5\n".repeat(n))),
        ("quotes", |n| format!("a,b\n{}", "\"x\ny\",1\n".repeat(n))),
        ("open quote", |n| format!("a,b\nx,\"1\n{}", "y,2\n".repeat(n))),
        ("wide", |n| format!("{}\n{}\n", "a,".repeat(n), "1,".repeat(n))),
        ("ragged", |n| format!("a,b\n{}", "1\n1,2,3\n".repeat(n))),
    ];
    for (name, make) in kinds {
        let (small, large) = (make(500), make(2_000));
        let least = |text: &str| (0..3).map(|_| time(text)).min().unwrap_or_default();
        let (small, large) = (least(&small), least(&large));
        let floor = Duration::from_millis(2);
        println!("{name}: {small:?}, {large:?}");
        assert!(large < small.max(floor) * 10, "{name}: {small:?} became {large:?}");
    }
}
