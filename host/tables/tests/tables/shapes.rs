//! Files whose delimiter, encoding or header is odd.

use openanalyst_tables::{File, Kind, read};

use super::expect::{Case, Expect::*, case, check};

#[test]
fn commas_inside_numbers_do_not_divide_cells() {
    check(&[
        case("no header", "DE;1,5\nFR;2,5\nIT;3,5\n", &[Sum("column 2", 7.5), Rows(3)]),
        case(
            "two decimals a row",
            "x;y\n1,5;2,5\n3,5;4,5\n",
            &[Names(&["x", "y"]), Sum("x", 5.0), Sum("y", 7.0), Silent],
        ),
        case("tabs, no header", "DE\t1,5\nFR\t2,5\n", &[Sum("column 2", 4.0)]),
        case("tabs, two decimals", "x\ty\n1,5\t2,5\n3,5\t4,5\n", &[Sum("x", 5.0), Sum("y", 7.0)]),
        case("bars, two decimals", "x|y\n1,5|2,5\n3,5|4,5\n", &[Sum("x", 5.0), Sum("y", 7.0)]),
        case("bars, no header", "DE|1,5\nFR|2,5\n", &[Sum("column 2", 4.0)]),
        case("groups and decimals", "a;b\n1.234,5;2,25\n2.000,5;1,75\n", &[Sum("a", 3235.0), Sum("b", 4.0)]),
        case("one column", "preis\n1,5\n2,25\n", &[Names(&["preis"]), Sum("preis", 3.75)]),
        case("dashes for cents", "Preis\n1.234,- €\n2.000,- €\n", &[Sum("Preis", 3234.0), Unit("Preis", "€")]),
        case("commas in words", "ort;n\nBerlin, Mitte;5\nRom, Zentrum;7\n", &[Names(&["ort", "n"]), Sum("n", 12.0)]),
    ]);
}

/// Beyond the bonus that a wider cut once had, at 123 rows.
#[test]
fn many_rows_of_decimal_commas_are_cut_at_their_own_mark() {
    for mark in [';', '\t', '|'] {
        let text = format!("x{mark}y\n{}", format!("1,5{mark}2,5\n").repeat(400));
        let table = super::table("f.csv", &text);
        let sums: Vec<_> = table.columns.iter().map(|column| column.numbers.as_ref().unwrap().sum).collect();
        assert_eq!(sums, [Some(600.0), Some(1000.0)], "{mark:?}");
    }
}

#[test]
fn other_marks_inside_cells_do_not_divide_files_with_commas() {
    check(&[
        case("lists in cells", "id,tags\n1,a;b\n2,c;d\n3,e;f\n", &[Names(&["id", "tags"]), Rows(3)]),
        case(
            "lists of numbers",
            "name,n,sizes\na,1,2;3\nb,2,4;5\nc,3,6;7\n",
            &[Names(&["name", "n", "sizes"]), Sum("n", 6.0)],
        ),
        case("dates before a list", "date,n,tags\n2026-11-01,100,a;b\n2026-11-02,50,c;d\n", &[Sum("n", 150.0)]),
        case("bars in titles", "page,views\nHome | Acme,10\nShop | Acme,20\n", &[Sum("views", 30.0), Silent]),
        case("numbers only", "a,b\n1,2\n3,4\n", &[Sum("a", 4.0), Sum("b", 6.0), Silent]),
        case("commas as cells of numbers", "a,b,c\n1,5,2\n2,5,2\n", &[Sum("a", 3.0), Sum("b", 10.0), Sum("c", 4.0)]),
    ]);
}

#[test]
fn spaces_divide_cells_where_they_can_mean_nothing_else() {
    check(&[
        case("aligned", "clicks   views\n100      200\n300      400\n", &[Sum("clicks", 400.0), Sum("views", 600.0)]),
        case(
            "names with a space",
            "city       visits\nNew York      1,200\nRome            300\n",
            &[Sum("visits", 1500.0)],
        ),
        case(
            "words and numbers",
            "name clicks\nBerlin 100\nRome 200\n",
            &[Names(&["name", "clicks"]), Sum("clicks", 300.0)],
        ),
        case("no groups", "clicks views\n100 20\n300 40\n", &[Sum("clicks", 400.0), Sum("views", 60.0)]),
        case("units", "total weight\n5 kg\n7 kg\n", &[Names(&["total weight"]), Sum("total weight", 12.0)]),
        case("a name of one word", "visites\n1 234\n2 345\n", &[Names(&["visites"]), Sum("visites", 3579.0)]),
    ]);
    for text in ["clicks views\n100 200\n300 400\n", "visites totales\n1 234\n2 345\n"] {
        let error = read(&File { name: "f.csv", media_type: "", bytes: text.as_bytes() }, None).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("divided by spaces, or one number") && said.contains("semicolons"), "{said}");
    }
}

/// One to three lines with a key and its value above a table of two and of three columns, as long as its rows or shorter.
#[test]
fn keys_and_values_above_the_header_are_left_out_and_said() {
    let lines = ["Exported on,2026-11-03", "Account,Acme", "Period,2026-11"];
    let tables = [
        ("Date,Clicks\n2026-11-01,100\n2026-11-02,200\n", vec!["Date", "Clicks"]),
        ("name,Clicks\nA,100\nB,200\n", vec!["name", "Clicks"]),
        ("Date,Impressions,Clicks\n2026-11-01,9,100\n2026-11-02,8,200\n", vec!["Date", "Impressions", "Clicks"]),
        ("Date,Clicks\n2026-11-01,300\n", vec!["Date", "Clicks"]),
        ("Date,Impressions,Clicks\n2026-11-01,9,300\n", vec!["Date", "Impressions", "Clicks"]),
    ];
    for (below, names) in tables {
        for count in 1..=lines.len() {
            for start in 0..=lines.len() - count {
                for padding in ["", ","] {
                    let padding = if names.len() > 2 { padding } else { "" };
                    let above: String =
                        lines[start..start + count].iter().map(|line| format!("{line}{padding}\n")).collect();
                    let table = super::table("f.csv", &format!("{above}{below}"));
                    let found: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
                    let sum = table.column("Clicks").and_then(|column| column.numbers.as_ref()?.sum);
                    assert_eq!((found, sum), (names.clone(), Some(300.0)), "{above}{below}{:?}", table.notes);
                    assert!(table.notes.join(";").contains("above the header left out"), "{:?}", table.notes);
                }
            }
        }
    }
}

#[test]
fn headers_are_found_and_rows_are_not_taken_for_them() {
    check(&[
        case(
            "a number above",
            "Budget,500\nname,clicks\nA,1\nB,2\nC,3\n",
            &[Names(&["name", "clicks"]), Sum("clicks", 6.0)],
        ),
        case(
            "three cells above",
            "Report,Acme,2026\nDate,Clicks,Cost\n2026-11-01,1,2\n2026-11-02,3,4\n",
            &[Sum("Cost", 6.0)],
        ),
        case(
            "words in a first row",
            "day,views\nMon,closed\nTue,3\nWed,5\n",
            &[Names(&["day", "views"]), Sum("views", 8.0), Said("`closed`")],
        ),
        case(
            "words in a later row",
            "day,views\nMon,1\nTue,closed\nWed,5\n",
            &[Names(&["day", "views"]), Sum("views", 6.0)],
        ),
        case("no header, words in a row", "Mon,1\nTue,closed\nWed,5\n", &[Sum("column 2", 6.0), Said("no header")]),
        case(
            "a key that is a column",
            "Account,Clicks\nAcme,7\nFoo,8\n",
            &[Names(&["Account", "Clicks"]), Sum("Clicks", 15.0), Silent],
        ),
        case(
            "units below",
            "date,weight,price\nday,kg,EUR\n2026-11-01,1.5,2\n2026-11-02,2.5,3\n",
            &[Sum("weight kg", 4.0)],
        ),
        case(
            "an unnamed first column",
            ",clicks,views\na,1,2\nb,3,4\n",
            &[Names(&["column 1", "clicks", "views"]), Sum("views", 6.0)],
        ),
        case("a gap in the header", "day,,clicks\nMon,x,1\nTue,y,2\n", &[Sum("clicks", 3.0)]),
        case(
            "years above columns",
            "country,2024,2025\nDE,10,20\nFR,n.v.,45\n",
            &[Names(&["country", "2024", "2025"]), Sum("2025", 65.0)],
        ),
        case("words only", "name,city\nAda,Berlin\nBob,Rome\n", &[Names(&["name", "city"]), Rows(2)]),
    ]);
}

#[test]
fn bytes_that_are_no_utf8_are_said_whatever_mark_stands_before_them() {
    let marked = Case {
        odd: "the mark of UTF-8 before Latin letters",
        bytes: b"\xef\xbb\xbfstadt;besucher\nM\xfcnchen;10\nK\xf6ln;20\n",
        expect: &[Sum("besucher", 30.0), About("stadt", "M\u{fc}nchen, K\u{f6}ln"), Said("ISO 8859-1")],
    };
    let mixed = Case {
        odd: "one letter among those of UTF-8",
        bytes: b"\xef\xbb\xbfstadt;besucher\nM\xc3\xbcnchen;10\nK\xc3\xb6ln;20\nL\xfcbeck;5\n",
        expect: &[Sum("besucher", 35.0), About("stadt", "M\u{fc}nchen, K\u{f6}ln, L\u{fc}beck"), Said("some letters")],
    };
    let euro = Case {
        odd: "euro signs of Windows-1252",
        bytes: b"ware;preis\nA;1,50 \x80\nB;2,25 \x80\n",
        expect: &[Sum("preis", 3.75), Unit("preis", "\u{20ac}"), Said("not plain UTF-8")],
    };
    check(&[marked, mixed, euro]);
}

#[test]
fn two_readings_of_a_mark_are_asked_about() {
    check(&[
        case("bars and groups", "land|besuche\nDE|12.345\nFR|6.789\n", &[Asks("besuche")]),
        case("aligned columns", "land    besuche\nDE        1.234\nFR        2.500\n", &[Asks("besuche")]),
        case("one column", "betrag\n1,234\n2,500\n", &[Asks("betrag")]),
        case("after a currency", "budget\n$1,000\n$2,000\n", &[Asks("budget")]),
        case("small numbers against the comma between cells", "a,n\nx,1.234\ny,950\n", &[Asks("n")]),
        case(
            "dotted dates against a dot",
            "tag\tn\n01.11.2026\t1.234\n02.11.2026\t2.500\n",
            &[Sum("n", 3734.0), Said("dates")],
        ),
        case(
            "a year of two digits",
            "day,n\n11/12/26,1\n10/12/26,2\n",
            &[NoSum("day", Kind::Text), Said("could change places")],
        ),
        case(
            "a day above twelve decides",
            "day,n\n11/12/26,1\n13/12/26,2\n",
            &[About("day", "11 December 2026"), Silent],
        ),
        case("both marks in one column", "a;n\nx;1.234,5\ny;1,234.5\nz;1.234\n", &[Said("these could be either")]),
        case("another column decides", "a|b\n1.234|0,5\n2.500|1,5\n", &[Sum("a", 3734.0), Said("other columns")]),
        case(
            "day or month",
            "day,n\n03/02/2026,1\n04/02/2026,2\n",
            &[NoSum("day", Kind::Text), Said("could change places")],
        ),
    ]);
}
