//! Last rows that are the sum of the others: which of them are totals, and which only look like it.

use super::expect::{Expect::*, case, check};
use super::table;

#[test]
fn arithmetic_alone_makes_no_total() {
    check(&[
        case("numbers only", "a\n1\n2\n3\n", &[Rows(3), Sum("a", 6.0), Said("is just the sum of the others")]),
        case(
            "two columns of numbers",
            "a,b\n1,10\n2,20\n3,30\n",
            &[Rows(3), Sum("a", 6.0), Sum("b", 60.0), Said("is counted")],
        ),
        case(
            "days",
            "day,likes,views\n2026-11-01,1,10\n2026-11-02,2,20\n2026-11-03,3,30\n",
            &[Rows(3), Sum("likes", 6.0), Sum("views", 60.0), Said("is counted")],
        ),
        case("names", "shop,n,m\nA,5,7\nB,6,8\nC,11,15\n", &[Rows(3), Sum("n", 22.0), Sum("m", 30.0)]),
        case("years", "year,sales,n\n2023,5,1\n2024,6,2\n2025,11,3\n", &[Rows(3), Sum("sales", 22.0)]),
        case("months", "month,sales,n\n1,5,1\n2,6,2\n4,11,3\n", &[Rows(3), Sum("sales", 22.0)]),
        case("ids", "id,sales,n\n7,5,1\n8,6,2\n9,11,3\n", &[Rows(3), Sum("sales", 22.0)]),
        case("a second column of names", "day,shop,n\nMon,A,5\nTue,B,6\n,C,11\n", &[Rows(3), Sum("n", 22.0)]),
        case("names that are often missing", "n,note\n5,late\n6,\n11,\n", &[Rows(3), Sum("n", 22.0)]),
    ]);
    for (text, column) in [("[1,2,3]", "value"), (r#"[{"v":1},{"v":2},{"v":3}]"#, "v")] {
        let table = table("f.json", text);
        let sum = table.column(column).and_then(|column| column.numbers.as_ref()?.sum);
        assert_eq!((table.rows, sum), (3, Some(6.0)), "{text}");
        assert!(table.notes.iter().any(|note| note.contains("is just the sum of the others")), "{:?}", table.notes);
    }
}

#[test]
fn a_name_or_its_absence_makes_a_total() {
    check(&[
        case("no name", "day,n\nMon,1\nTue,2\n,3\n", &[Rows(2), Sum("n", 3.0), Said("left out as a total")]),
        case("no date", "day,n\n2026-11-01,1\n2026-11-02,2\n,3\n", &[Rows(2), Sum("n", 3.0)]),
        case("no id", "id,n\n7,1\n8,2\n,3\n", &[Rows(2), Sum("n", 3.0)]),
        case("no year", "year,n\n2024,1\n2025,2\n,3\n", &[Rows(2), Sum("n", 3.0)]),
        case("beside a note", "day,note,n\nMon,,1\nTue,late,2\n,,3\n", &[Rows(2), Sum("n", 3.0)]),
        case("no name, no sum", "day,n\nMon,1\nTue,2\n,4\n", &[Rows(3), Sum("n", 7.0)]),
        case("total", "day,n,m\nMon,1,5\nTue,2,6\nTotal,3,11\n", &[Rows(2), Sum("n", 3.0), Sum("m", 11.0)]),
        case("Summe", "Tag;n\nMo;1\nDi;2\nSumme;3\n", &[Rows(2), Sum("n", 3.0)]),
        case("Gesamt", "Tag;n\nMo;1\nDi;2\nGesamt:;3\n", &[Rows(2), Sum("n", 3.0)]),
        case("in a column of numbers", "id,n\n7,1\n8,2\nTotal,3\n", &[Rows(2), Sum("n", 3.0)]),
    ]);
}
