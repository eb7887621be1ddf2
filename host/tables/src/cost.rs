//! The work stays linear in the file. Steps are counted, so the speed of the machine changes nothing.

use crate::{File, read, work};

fn steps(text: &str) -> usize {
    let file = File { name: "f.csv", media_type: "", bytes: text.as_bytes() };
    let (table, steps) = work::count(|| read(&file, None));
    assert!(table.is_ok_and(|table| !table.columns.is_empty()));
    steps
}

/// Files that could make it slow: much of what is rare in others. Four times the file takes four times the steps, and
/// a little more or less for what is done once; quadratic work would take sixteen times as many.
#[test]
fn four_times_the_file_takes_four_times_the_steps() {
    type Make = fn(usize) -> String;
    let kinds: [(&str, Make); 18] = [
        ("numbers", |n| format!("day,a,b,c\n{}", "2026-11-01,\"1,234.50\",5%,€7\n".repeat(n))),
        ("totals", |n| format!("day,a\n{}", "Total,5\n".repeat(n))),
        ("totals of groups", |n| format!("region,city,a\n{}", "N,x,5\nN,Total,5\n".repeat(n))),
        ("averages", |n| format!("day,a\nMon,5\n{}", "Average,5\n".repeat(n))),
        ("currencies", |n| format!("a,n,currency\n{}", "x,5,EUR\ny,7,USD\n".repeat(n))),
        ("lines above", |n| format!("{}day,a,b\nMon,1,2\n", "Key,value\n".repeat(n))),
        ("headers", |n| format!("day,a\n{}", "day,b\n".repeat(n))),
        ("quotes", |n| format!("a,b\n{}", "\"x\ny\",1\n".repeat(n))),
        ("open quote", |n| format!("a,b\nx,\"1\n{}", "y,2\n".repeat(n))),
        ("wide", |n| format!("{}\n{}\n", "a,".repeat(n), "1,".repeat(n))),
        ("columns of currencies", |n| format!("{}\n{}\n{}\n", "a,".repeat(n), "USD,".repeat(n), "EUR,".repeat(n))),
        ("headers again", |n| format!("date,clicks\n{}", "2026-11-01,5\ndate,clicks\n".repeat(n))),
        ("keys again", |n| format!("Account,x\nday,a\n{}", "Mon,5\nAccount,x\nday,a\n".repeat(n))),
        ("titles", |n| format!("day,a\n{}", "Mon,5\n\nfoo\nx,users\n".repeat(n))),
        ("statistics", |n| format!("stat,a\n{}", "min,1\nmax,5\n".repeat(n))),
        ("padded", |n| format!("day, a\n{}", "\"Mon\", \"5\"\n".repeat(n))),
        ("balances", |n| format!("day,balance\n{}", "2026-11-01,5\n".repeat(n))),
        ("ragged", |n| format!("a,b\n{}", "1\n1,2,3\n".repeat(n))),
    ];
    for (name, make) in kinds {
        // Both are larger than the samples that some decisions are made by.
        let (small, large) = (steps(&make(750)), steps(&make(3_000)));
        assert!(small > 750, "{name}: the steps are counted: {small}");
        assert!(large <= small * 9 / 2, "{name}: {small} steps became {large}");
    }
}

/// The count itself sees what grows too fast.
#[test]
fn quadratic_work_would_be_seen() {
    let rows = |n: usize| vec![crate::grid::Row { line: 1, cells: vec![crate::grid::Cell::text("x")] }; n];
    let pairs = |n: usize| {
        let rows = rows(n);
        work::count(|| rows.iter().map(|_| rows.iter().filter(|row| row.text(0) == "x").count()).sum::<usize>()).1
    };
    assert_eq!((pairs(10), pairs(40)), (100, 1_600));
}
