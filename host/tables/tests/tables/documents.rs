//! Tables inside documents, and documents that are no tables.

use openanalyst_tables::{File, Kind, read};

use super::expect::{Expect::*, case, check};
use super::table;

#[test]
fn drawn_lines_are_no_rows() {
    check(&[
        case(
            "markdown",
            "| day | n |\n|---|---:|\n| Mon | 1 |\n| Tue | 2 |\n",
            &[Rows(2), Names(&["day", "n"]), Sum("n", 3.0), Silent],
        ),
        case("without bars at the ends", "day | n\n--- | ---\nMon | 1\nTue | 2\n", &[Rows(2), Sum("n", 3.0), Silent]),
        case(
            "with a bold total",
            "| day | n |\n| :-- | --: |\n| Mon | 1 |\n| Tue | 2 |\n| **Total** | **3** |\n",
            &[Rows(2), Sum("n", 3.0)],
        ),
        case("of numbers", "| a | b |\n|-|-|\n| 1 | 5 |\n| 2 | 7 |\n", &[Rows(2), Sum("a", 3.0), Sum("b", 12.0)]),
        case("one column", "| n |\n|---|\n| 1 |\n| 5 |\n", &[Rows(2), Sum("n", 6.0)]),
        case(
            "below a title",
            "# Report\n\n| day | n |\n|---|---|\n| Mon | 1 |\n| Tue | 5 |\n",
            &[Rows(2), Sum("n", 6.0)],
        ),
        case(
            "of a database shell",
            "+-----+---+\n| day | n |\n+-----+---+\n| Mon | 1 |\n| Tue | 5 |\n+-----+---+\n",
            &[Rows(2), Names(&["day", "n"]), Sum("n", 6.0)],
        ),
        case("bars and a row without values", "day|n\nMon|1\n-|-\nTue|5\n", &[Rows(3), Sum("n", 6.0)]),
    ]);
}

const REPORT: &str = r#"{
    "dimensionHeaders": [{"name": "date"}, {"name": "country"}],
    "metricHeaders": [{"name": "sessions", "type": "TYPE_INTEGER"}, {"name": "bounceRate", "type": "TYPE_FLOAT"}],
    "rows": [
        {"dimensionValues": [{"value": "20261101"}, {"value": "DE"}], "metricValues": [{"value": "10"}, {"value": "0.125"}]},
        {"dimensionValues": [{"value": "20261102"}, {"value": "FR"}], "metricValues": [{"value": "20"}, {"value": "0.375"}]}
    ],
    "rowCount": 2, "metadata": {"currencyCode": "EUR"}, "kind": "analyticsData#runReport"
}"#;

#[test]
fn reports_have_the_names_of_their_headers() {
    for text in [REPORT.to_owned(), format!("{{\"reports\": [{REPORT}]}}"), format!("[{REPORT}]")] {
        let table = table("report.json", &text);
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let numbers = |name: &str| table.column(name).and_then(|column| column.numbers.clone());
        assert_eq!(names, ["date", "country", "sessions", "bounceRate"], "{text}");
        assert_eq!(table.column("date").map(|column| column.kind), Some(Kind::Date), "{text}");
        assert_eq!(numbers("sessions").and_then(|numbers| numbers.sum), Some(30.0), "{text}");
        assert_eq!(numbers("bounceRate").map(|numbers| (numbers.sum, numbers.mean)), Some((None, 0.25)), "{text}");
        assert!(table.rows == 2 && table.notes.is_empty(), "{:?}", table.notes);
    }
    let two = table("report.json", &format!("{{\"reports\": [{REPORT}, {REPORT}]}}"));
    assert!(two.rows == 2 && two.notes.iter().any(|note| note.contains("2 reports")), "{:?}", two.notes);
}

#[test]
fn what_is_no_table_is_said_with_what_it_looks_like() {
    for (name, text, what) in [
        ("a.xls", "<html><body><table><tr><td>1</td></tr></table></body></html>", "a web page (HTML)"),
        ("a.xls", "<!DOCTYPE html>\n<p>Hello</p>\n", "a web page (HTML)"),
        ("a.csv", "<table>\n<tr><td>a</td></tr>\n</table>\n", "a web page (HTML)"),
        ("a.xml", "<?xml version=\"1.0\"?>\n<feed><a>1</a></feed>\n", "XML"),
        (
            "a.xls",
            "<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\"></Workbook>",
            "a workbook in XML",
        ),
        ("a.xls", "{\\rtf1\\ansi Hello}", "a document (RTF)"),
        ("a.xls", "Dear team, here is the plan for the next week.\n", "a text of 1 line (`Dear team, here is the plan"),
        (
            "a.xls",
            "Dear team,\nwe sold a lot of chairs, and more tables.\nPlease order new ones soon.\n",
            "a text of 3 lines",
        ),
        (
            "a.csv",
            "We met on Monday to plan.\nAll of us agreed, more or less.\nThe rest is history, they say.\n",
            "a text of 3",
        ),
    ] {
        let error =
            read(&File { name, media_type: "", bytes: text.as_bytes() }, None).err().map(|error| error.to_string());
        let says = |error: &String| error.starts_with("it is no table: it looks like ") && error.contains(what);
        assert!(error.as_ref().is_some_and(says), "{text}: {error:?}");
    }
    // Tables that look a little like it.
    for (name, text, rows) in [
        ("a.xls", "day\tn\nMon\t1\nTue\t2\n", 2),
        ("a.xls", "name\nAda\nBob\n", 2),
        ("a.csv", "<TICKER>,<CLOSE>\nA,1\nB,2\n", 2),
        ("a.csv", "comment\nI like it very much.\nIt broke on the first day.\n", 2),
        ("a.csv", "name,comment\nAda,\"I like it, very much.\"\nBob,It broke on the first day.\n", 2),
    ] {
        let table = table(name, text);
        assert_eq!(table.rows, rows, "{text}");
    }
    let error =
        read(&File { name: "a.csv", media_type: "", bytes: b"a,b,c\n" }, None).err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("it has no rows below its header"));
}
