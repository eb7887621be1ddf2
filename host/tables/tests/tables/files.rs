//! Whole files: encodings, delimiters, headers, totals, JSON.

use openanalyst_tables::{Datum, File, Kind, Table, read};

use super::{table, table_of};

fn sum(table: &Table, column: &str) -> Option<f64> {
    let column = table.column(column).unwrap_or_else(|| panic!("no column {column} in {table:?}"));
    column.numbers.as_ref()?.sum
}

fn names(table: &Table) -> Vec<&str> {
    table.columns.iter().map(|column| column.name.as_str()).collect()
}

/// A file, the rows it has, sums of columns, and a part of a note (empty: none at all).
type Case = (&'static str, &'static str, usize, &'static [(&'static str, f64)], &'static str);

const FILES: &[Case] = &[
    ("sep.csv", "sep=;\nCampaign;Clicks\nA;10\nB;20\n", 2, &[("Clicks", 30.0)], ""),
    ("sep.csv", "\"sep=|\"\r\nCampaign|Clicks\r\nA|10\r\nB|20\r\n", 2, &[("Clicks", 30.0)], ""),
    ("tabs.txt", "Campaign\tClicks\nA, B\t10\nC\t20\n", 2, &[("Clicks", 30.0)], ""),
    ("bars.txt", "Campaign|Clicks\nA|10\nB|20\n", 2, &[("Clicks", 30.0)], ""),
    ("one.csv", "views\n10\n20\n", 2, &[("views", 30.0)], ""),
    ("quoted.csv", "name,n\n\"a\nb, c\",1\n\"d \"\"e\"\"\",2\n", 2, &[("n", 3.0)], ""),
    ("old_mac.csv", "name,n\ra,1\rb,2\r", 2, &[("n", 3.0)], ""),
    ("blank.csv", "name,n\n\na,1\n\n\nb,2\n\n", 2, &[("n", 3.0)], ""),
    ("padded.csv", "name,n,,\na,1,,\nb,2,,\n", 2, &[("n", 3.0)], ""),
    // Above and below the data.
    (
        "preamble.csv",
        "Exported on 2026-11-03\n\"Some values may be missing,\n see the help page.\"\n\nDate,Impressions,Clicks\n\
         2026-11-01,100,3\n2026-11-02,200,5\n",
        2,
        &[("Impressions", 300.0), ("Clicks", 8.0)],
        "2 lines above the header left out",
    ),
    (
        "padded.csv",
        "Report,,\nAccount: x,,\nday,views,clicks\nMon,1,2\nTue,3,4\n",
        2,
        &[("views", 4.0)],
        "above the header",
    ),
    (
        "comments.csv",
        "# ------\n# All data\n# 20261001-20261031\n# ------\n\nDay,Users\n10/1/26,\"1,204\"\n10/20/26,987\n,\"2,191\"\n",
        2,
        &[("Users", 2191.0)],
        "4 lines above the header left out",
    ),
    ("footer.csv", "day,views\nMon,1\nTue,3\nSource: our own numbers\n", 2, &[("views", 4.0)], "1 line below the data"),
    ("no_header.csv", "a,1\nb,2\nc,4\n", 3, &[("column 2", 7.0)], "no header"),
    ("twice.csv", "day,views\nMon,1\nday,views\nTue,3\n", 2, &[("views", 4.0)], "once more"),
    (
        "units.csv",
        "product,weight,price\n,kg,EUR\nA,1.5,2\nB,2.5,3\n",
        2,
        &[("weight kg", 4.0)],
        "2 rows make the header",
    ),
    (
        "groups.csv",
        ",2025,,2026,\nregion,clicks,views,clicks,views\nN,1,2,3,4\nS,5,6,7,8\n",
        2,
        &[("2025 clicks", 6.0), ("2025 views", 8.0), ("2026 clicks", 10.0)],
        "2 rows make the header",
    ),
    ("years.csv", "country,2024,2025\nDE,10,20\nFR,30,45\n", 2, &[("2024", 40.0), ("2025", 65.0)], ""),
    (
        "double.csv",
        "campaign,clicks,clicks\nA,1,100\nB,2,200\n",
        2,
        &[("clicks", 3.0), ("clicks (2)", 300.0)],
        "`clicks (2)`",
    ),
    ("longer.csv", "a,b\n1,2,3\n4\n5,6\n", 3, &[("a", 10.0), ("b", 8.0), ("column 3", 3.0)], "1 row has more cells"),
    ("shorter.csv", "a,b\n1,2,3\n4\n5,6\n", 3, &[("a", 10.0)], "1 row has fewer cells than the header's 2 (line 3)"),
    // Totals.
    ("total.csv", "year,revenue\n2024,100\n2025,200\nTotal,300\n", 2, &[("revenue", 300.0)], "total row left out"),
    ("total.csv", "day,clicks\nMon,1\nTue,2\nSumme:,3\n", 2, &[("clicks", 3.0)], "total row left out"),
    ("total.csv", "day,clicks\nGrand total,3\nMon,1\nTue,2\n", 2, &[("clicks", 3.0)], "total row left out"),
    (
        "total.csv",
        "day,clicks\nMon,1\nTue,2\nTotal,4\n",
        2,
        &[("clicks", 3.0)],
        "`clicks` is 4 there and the other rows add up to 3",
    ),
    (
        "subtotals.csv",
        "region,clicks\nN1,1\nN2,2\nSubtotal north,3\nS1,4\nS2,5\nSubtotal south,9\nGrand total,12\n",
        4,
        &[("clicks", 12.0)],
        "total rows left out",
    ),
    ("unnamed.csv", "day,clicks,views\nMon,1,7\nTue,2,8\n,3,15\n", 2, &[("clicks", 3.0)], "is the sum of the others"),
    ("other_name.csv", "day,clicks,views\nMon,1,7\nTue,2,8\nBoth,3,15\n", 3, &[("clicks", 6.0)], "if it is a total"),
    ("chance.csv", "day,clicks\nMon,1\nTue,2\nWed,3\n", 3, &[("clicks", 6.0)], "if it is a total"),
    ("film.csv", "film,clicks\nTotal Recall,1\nAlien,7\nBlade Runner,5\n", 3, &[("clicks", 13.0)], ""),
    ("lines.csv", "day,clicks\r\nMon,1\r\n\r\n\r\nTue,2\r\nTotal,3\r\n", 2, &[("clicks", 3.0)], "line 6"),
    ("lines.csv", "day,note,n\nMon,\"a\n\nb\",1\n\nTue,c,2\nTotal,,3\n", 2, &[("n", 3.0)], "line 7"),
    (
        "eu_total.csv",
        "datum;betrag\n01.02.2026;1.000,50\n02.02.2026;2.000,25\nGesamt;3.000,75\n",
        2,
        &[("betrag", 3000.75)],
        "total row",
    ),
    // One column's proof counts for the others.
    ("proof.csv", "a\tb\tc\nx\t1,5\t1,234\ny\t2,5\t2,500\n", 2, &[("b", 4.0), ("c", 3.734)], "other columns show it"),
    // JSON.
    ("rows.ndjson", "{\"views\":10}\n{\"views\":32}\n", 2, &[("views", 42.0)], ""),
    ("rows.json", "{\"views\":10}\n{\"views\":32}\n", 2, &[("views", 42.0)], ""),
    ("list.json", "[{\"views\":10},{\"views\":32,\"x\":null}]", 2, &[("views", 42.0)], ""),
    ("texts.json", "[{\"views\":\"10\"},{\"views\":\"1,032\"}]", 2, &[("views", 1042.0)], "JSON is written so"),
    (
        "columns_rows.json",
        "{\"columns\": [\"day\", \"visits\"], \"rows\": [[\"2026-11-01\", 5], [\"2026-11-02\", 7]]}",
        2,
        &[("visits", 12.0)],
        "",
    ),
    (
        "split.json",
        "{\"columns\":[{\"name\":\"day\"},{\"name\":\"visits\"}],\"index\":[0,1],\"data\":[[\"a\",5],[\"b\",7]]}",
        2,
        &[("visits", 12.0)],
        "",
    ),
    ("by_columns.json", "{\"day\":[\"a\",\"b\"],\"visits\":[5,7]}", 2, &[("visits", 12.0)], ""),
    ("pandas.json", "{\"day\":{\"0\":\"a\",\"1\":\"b\"},\"visits\":{\"0\":5,\"1\":7}}", 2, &[("visits", 12.0)], ""),
    ("keyed.json", "{\"Berlin\":{\"visits\":5},\"Rome\":{\"visits\":7}}", 2, &[("visits", 12.0)], ""),
    ("lists.json", "[[\"day\",\"visits\"],[\"a\",5],[\"b\",7]]", 2, &[("visits", 12.0)], ""),
    ("values.json", "[5, 7, 9]", 3, &[("value", 21.0)], ""),
    ("nested.json", "{\"report\":{\"data\":[{\"m\":{\"a\":1}},{\"m\":{\"a\":2}}]}}", 2, &[("m.a", 3.0)], ""),
    (
        "entries.json",
        "{\"rows\":[{\"d\":[{\"value\":\"DE\"}],\"m\":[{\"value\":\"12\"}]},{\"d\":[{\"value\":\"FR\"}],\"m\":[{\"value\":\"30\"}]}]}",
        2,
        &[("m.1.value", 42.0)],
        "",
    ),
    ("single.json", "{\"likes\":5,\"when\":\"2026-11-01\"}", 1, &[("likes", 5.0)], ""),
    (
        "two_lists.json",
        "{\"data\":[{\"n\":1},{\"n\":2}],\"includes\":{\"users\":[{\"n\":9}]}}",
        2,
        &[("n", 3.0)],
        "`includes.users` (1 entries) was not read",
    ),
    (
        "x.json",
        "{\"data\": [{\"id\": \"1861\", \"text\": \"a\", \"public_metrics\": {\"retweet_count\": 3, \"like_count\": 10}}, \
         {\"id\": \"1862\", \"text\": \"b\", \"public_metrics\": {\"retweet_count\": 1, \"like_count\": 7}}], \
         \"meta\": {\"result_count\": 2}}",
        2,
        &[("public_metrics.like_count", 17.0), ("public_metrics.retweet_count", 4.0)],
        "",
    ),
];

#[test]
fn files_have_the_rows_and_sums_that_they_mean() {
    for (name, text, rows, sums, said) in FILES {
        let table = table(name, text);
        assert_eq!(table.rows, *rows, "{text}\n{table:?}");
        for (column, expected) in *sums {
            assert_eq!(sum(&table, column), Some(*expected), "{column} of\n{text}\n{table:?}");
        }
        let notes = table.notes.join("; ");
        if said.is_empty() {
            assert_eq!(notes, "", "{text}");
        } else {
            assert!(notes.contains(said), "{text}\n{notes}");
        }
    }
}

#[test]
fn encodings_are_found_and_said() {
    let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let text = "stadt;besucher\nMünchen;10\nKöln;20\n";
    let with_mark = format!("\u{feff}{text}");
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    for (bytes, said) in [
        (text.as_bytes().to_vec(), ""),
        (with_mark.clone().into_bytes(), ""),
        (latin, "ISO 8859-1"),
        (utf16(&with_mark, u16::to_le_bytes), "UTF-16 (little endian)"),
        (utf16(&with_mark, u16::to_be_bytes), "UTF-16 (big endian)"),
        (utf16(text, u16::to_le_bytes), "UTF-16 (little endian)"),
        (utf16(text, u16::to_be_bytes), "UTF-16 (big endian)"),
    ] {
        let table = table_of("f.csv", &bytes, None);
        assert_eq!(names(&table), ["stadt", "besucher"]);
        assert_eq!(sum(&table, "besucher"), Some(30.0));
        assert!(table.column("stadt").unwrap().about.as_ref().unwrap().contains("München, Köln"), "{table:?}");
        assert!(table.notes.join(";").contains(said) && (said.is_empty() == table.notes.is_empty()), "{table:?}");
    }
    let euro = table_of("f.csv", b"what;cost\nA;\x80 1,50\nB;\x80 2,00\n", None);
    assert_eq!((sum(&euro, "cost"), euro.column("cost").unwrap().unit.as_deref()), (Some(3.5), Some("€")));
}

#[test]
fn what_is_no_table_is_refused_with_a_reason() {
    for (bytes, reason) in [
        (b"PK\x03\x04rest".as_slice(), "save the sheet as CSV"),
        (b"%PDF-1.7", "PDF"),
        (b"", "empty"),
        (b"\xff\x00\x12", "UTF-16"),
        (b"\x01\x02\xff", "no text"),
        (b"a,b\n", "no rows below its header"),
        (b"\xef\xbb\xbf \n", "empty"),
    ] {
        let error = read(&File { name: "f.csv", media_type: "", bytes }, None).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    for (text, reason) in
        [("{", "no JSON"), ("{}", "no list of rows"), ("[]", "no list of rows"), ("3", "no list of rows")]
    {
        let error = read(&File { name: "f.json", media_type: "", bytes: text.as_bytes() }, None).unwrap_err();
        assert!(error.to_string().contains(reason), "{text}: {error}");
    }
}

#[test]
fn ids_years_and_percentages_keep_their_kind_in_files() {
    let x = table("x.json", FILES.iter().find(|(name, ..)| *name == "x.json").unwrap().1);
    assert_eq!(x.column("id").unwrap().kind, Kind::Identifier);
    let accounting = table(
        "accounting.csv",
        "Account,Amount,Margin,Variance\nRevenue,\"$1,234.56\",12.5%,\"$1,234.56\"\nCOGS,\"($987.65)\",-3.25%,\"(987.65)\"\n",
    );
    let amount = accounting.column("Amount").unwrap();
    assert_eq!((amount.shown.as_ref().unwrap().sum.as_str(), amount.unit.as_deref()), ("246.91", Some("$")));
    let margin = accounting.column("Margin").unwrap().shown.as_ref().unwrap();
    assert_eq!((margin.mean.as_str(), margin.sum.as_str()), ("4.625%", "not added up"));
    let dates = table(
        "eu.csv",
        "date;acct;amount\n03/02/2026;A;-1.250,50\n04/02/2026;A;-75,5\n19/02/2026;A;-16\n20/02/2026;A;2.400,00\n",
    );
    assert_eq!(dates.column("date").unwrap().about.as_deref(), Some("3 February 2026 to 20 February 2026"));
    let amount = dates.column("amount").unwrap();
    assert_eq!((amount.count, amount.shown.as_ref().unwrap().sum.as_str()), (4, "1,058.00"));
    let price = table("eu.csv", "product;price\nA;1,234\nB;2,500\n");
    assert_eq!(price.column("price").unwrap().shown.as_ref().unwrap().sum, "3.734");
    let missing = table("few.csv", "day,visits\nMon,1\nTue,N/A\nWed,3\n");
    let visits = missing.column("visits").unwrap();
    assert_eq!((visits.count, visits.missing, sum(&missing, "visits")), (2, 1, Some(4.0)));
}

#[test]
fn records_have_the_numbers_and_dates_as_they_were_read() {
    let table = table("f.csv", "date;likes;id\n03.11.2026;1.234;007\n04.11.2026;–;008\nTotal;1.234;\n");
    let rows: Vec<_> = table.records().collect();
    assert_eq!(
        rows,
        [
            vec![Datum::Date("2026-11-03".into()), Datum::Number(1234.0), Datum::Text("007")],
            vec![Datum::Date("2026-11-04".into()), Datum::Missing, Datum::Text("008")],
        ]
    );
}

/// One long row must not make every other row as long.
#[test]
fn a_table_that_a_single_row_blows_up_is_refused() {
    let text = format!("a,b\n{}\n{}", "1,".repeat(2_000), "1,2\n".repeat(2_000));
    let error = read(&File { name: "f.csv", media_type: "", bytes: text.as_bytes() }, None).unwrap_err();
    assert!(error.to_string().contains("cells are the limit"), "{error}");
    let objects: Vec<String> = (0..3_000).map(|at| format!("{{\"k{at}\":1}}")).collect();
    let error =
        read(&File { name: "f.json", media_type: "", bytes: format!("[{}]", objects.join(",")).as_bytes() }, None);
    assert!(error.unwrap_err().to_string().contains("1000 columns"));
}
