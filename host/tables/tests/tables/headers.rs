//! Files whose header stands there twice, begins with a word of a key, or is padded.

use openanalyst_tables::Kind;

use super::expect::{Expect::*, case, check};

#[test]
fn a_header_that_stands_there_again_keeps_the_rows_above_it() {
    check(&[
        case(
            "dates and numbers only",
            "date,clicks\n2026-11-01,100\n2026-11-02,50\ndate,clicks\n2026-11-03,7\n",
            &[Rows(3), Sum("clicks", 157.0), Said("once more")],
        ),
        case(
            "after one row, twice",
            "date,clicks\n2026-11-01,100\ndate,clicks\n2026-11-02,50\nDate, Clicks\n2026-11-03,7\n",
            &[Rows(3), Sum("clicks", 157.0), Said("2 more times")],
        ),
        case("at once", "date,clicks\ndate,clicks\n2026-11-01,5\n", &[Rows(1), Sum("clicks", 5.0), Said("once more")]),
        case("words first", "name,Zeug\nA,1\nname,Zeug\nB,2\n", &[Rows(2), Sum("Zeug", 3.0)]),
        case("a word of a key first", "Konto;Zeug\nA;1\nKonto;Zeug\nB;2\n", &[Rows(2), Sum("Zeug", 3.0)]),
        case(
            "one name twice in it",
            "campaign,clicks,clicks\nA,1,100\ncampaign,clicks,clicks\nB,2,200\n",
            &[Rows(2), Sum("clicks", 3.0), Sum("clicks (2)", 300.0)],
        ),
        case(
            "with its units",
            "day,weight,price\n,kg,EUR\nMon,1.5,2\nday,weight,price\n,kg,EUR\nTue,2.5,3\n",
            &[Rows(2), Sum("weight kg", 4.0), Sum("price EUR", 5.0)],
        ),
        case(
            "with its keys",
            "Exported on,2026-11-03\nDate,Clicks\n2026-11-01,5\nExported on,2026-12-03\nDate,Clicks\n2026-12-01,7\n",
            &[Rows(2), Sum("Clicks", 12.0), Said("with 1 line above it")],
        ),
        case(
            "with a key that is a column elsewhere",
            "Account,Acme\nname,Zeug\nA,1\nAccount,Acme\nname,Zeug\nB,2\n",
            &[Names(&["name", "Zeug"]), Rows(2), Sum("Zeug", 3.0)],
        ),
        // A row of data twice is no header.
        case(
            "a row of words twice",
            "day,views\nMon,closed\nTue,3\nMon,closed\nWed,5\n",
            &[Names(&["day", "views"]), Rows(4), Sum("views", 8.0)],
        ),
        case("words only, alike", "a,b\nx,y\nx,y\n", &[Names(&["a", "b"]), Rows(2), Silent]),
    ]);
}

#[test]
fn another_table_below_is_said_and_not_mixed_in() {
    check(&[
        case(
            "other measures",
            "date,clicks\n2026-11-01,5\n2026-11-02,6\n\ndate,cost\n2026-11-01,1.5\n",
            &[Rows(2), Sum("clicks", 11.0), Said("another table begins in line 5 (`date cost`)")],
        ),
        case(
            "columns in another order",
            "name,clicks\nA,5\nB,7\nclicks,name\n3,C\n",
            &[Rows(2), Sum("clicks", 12.0), Said("another table")],
        ),
        case(
            "with a title",
            "day,users\n1,5\n2,7\n\nBy country\ncountry,sessions\nDE,100\nFR,50\n",
            &[Rows(2), Sum("users", 12.0), Said("another table")],
        ),
        case(
            "below an empty line only",
            "day,users\n1,5\n2,7\n\ncountry,sessions\nDE,100\nFR,50\n",
            &[Rows(2), Sum("users", 12.0), Said("another table begins in line 5")],
        ),
        // Rows with words among numbers are no header.
        case(
            "a task without hours, apart",
            "task,owner,hours\nLogo,Ann,5\n\nName tag,Bob,open\nFlyer,Cy,7\n",
            &[Rows(3), Sum("hours", 12.0), Said("`open`")],
        ),
        case("a closed day", "day,views\nMon,1\nTue,closed\nWed,5\n", &[Rows(3), Sum("views", 6.0)]),
        case("a closed day, apart", "day,views\nMon,1\n\nTue,closed\nWed,5\n", &[Rows(3), Sum("views", 6.0)]),
    ]);
}

#[test]
fn a_word_of_a_key_heads_a_column_as_well() {
    check(&[
        case(
            "an account closed",
            "Konto;Saldo\nGiro;gesperrt\nTagesgeld;500,00\nDepot;100,50\n",
            &[Names(&["Konto", "Saldo"]), Rows(3), Mean("Saldo", 300.25)],
        ),
        case("numbers of accounts", "Konto;Saldo\n4000;12,50\n4010;7,25\n", &[Names(&["Konto", "Saldo"]), Rows(2)]),
        case(
            "properties",
            "property,value\nname,red\nweight,5\nheight,7\n",
            &[Names(&["property", "value"]), Rows(3), Said("`red`")],
        ),
        case(
            "three columns",
            "account,opened,balance\nSavings,unclear,closed\nGiro,2026-01-02,7\nDepot,2026-01-03,9\n",
            &[Names(&["account", "opened", "balance"]), Rows(3), Mean("balance", 8.0)],
        ),
        case(
            "an unknown measure, a word in a later row",
            "Customer,Remaining\nAcme,5\nBolt,closed\nCore,7\nDyn,8\n",
            &[Names(&["Customer", "Remaining"]), Rows(4), Sum("Remaining", 20.0)],
        ),
        case(
            "an unknown measure, the same word again",
            "Kunde;Rest\nSchulz;bezahlt\nMeier;12,50\nLang;bezahlt\nHuber;7,50\n",
            &[Names(&["Kunde", "Rest"]), Rows(4), Sum("Rest", 20.0)],
        ),
        // The other way: a key and its value above the header.
        case("above points", "Customer,Acme\nname,Points\nA,1\nB,2\n", &[Names(&["name", "Points"]), Rows(2)]),
        case("above an unknown measure", "Customer,Acme\nname,Zeug\nA,1\nB,2\n", &[Names(&["name", "Zeug"]), Rows(2)]),
        case(
            "with a value like a measure",
            "Account,Sales Team\nname,Clicks\nA,1\nB,2\n",
            &[Names(&["name", "Clicks"]), Rows(2), Said("above the header")],
        ),
        case(
            "above a column of the same name",
            "Account,Acme\nPeriod,Nov 2026\n\naccount,clicks\nA1,5\nA2,7\n",
            &[Names(&["account", "clicks"]), Rows(2), Sum("clicks", 12.0)],
        ),
        case(
            "an unknown key, apart",
            "Mandant;Nord\n\nname;Zeug\nA;1\nB;2\n",
            &[Names(&["name", "Zeug"]), Rows(2), Sum("Zeug", 3.0)],
        ),
        case(
            "an empty line below the header",
            "day,views\n\nMon,closed\nTue,3\n",
            &[Names(&["day", "views"]), Rows(2)],
        ),
    ]);
}

#[test]
fn spaces_around_cells_belong_to_none() {
    check(&[
        case(
            "after commas",
            "name, clicks, views\na, 1, 2\nb, 3, 4\nTotal, 4, 6\n",
            &[Names(&["name", "clicks", "views"]), Rows(2), Sum("views", 6.0)],
        ),
        case(
            "aligned after commas",
            "name,    clicks,  views\na,            1,      2\nb,            3,      4\n",
            &[Names(&["name", "clicks", "views"]), Sum("clicks", 4.0), Sum("views", 6.0)],
        ),
        case(
            "aligned before commas",
            "name  , clicks , views\na     , 1      , 2\nb     , 3      , 4\n",
            &[Names(&["name", "clicks", "views"]), Sum("clicks", 4.0)],
        ),
        case(
            "before quotation marks",
            "\"name\", \"note\", \"clicks\"\n\"a\", \"x, \"\"y\"\"\", 1\n\"b\" , \"z\", 3\n",
            &[Names(&["name", "note", "clicks"]), About("note", "x, \"y\", z"), Sum("clicks", 4.0)],
        ),
        case(
            "semicolons",
            "name ; preis\nBerlin  ;  1,5\nRom     ;  2,5\n",
            &[Names(&["name", "preis"]), Sum("preis", 4.0)],
        ),
        case(
            "commas in numbers",
            "id, clicks, views\n1, 1,234, 7\n2, 2,500, 1,234,567\n",
            &[Names(&["id", "clicks", "views"]), Sum("clicks", 3734.0), Sum("views", 1_234_574.0)],
        ),
        case("a row too long", "id, clicks\n1, 2, 3\n2, 4\n", &[Sum("clicks", 6.0), Said("1 row has more cells")]),
        case("no header", "a, 1, 2\nb, 3, 4\n", &[Sum("column 2", 4.0), Sum("column 3", 6.0)]),
        case(
            "a key above",
            "Account, Acme\nname, clicks, views\na, 1, 2\nb, 3, 4\n",
            &[Names(&["name", "clicks", "views"]), Sum("views", 6.0)],
        ),
        // Spaces that divide, and commas in cells.
        case(
            "commas in names, aligned",
            "ort               n\nBerlin, Mitte     5\nRom, Zentrum      7\n",
            &[Names(&["ort", "n"]), Sum("n", 12.0)],
        ),
        case("inches", "name, size\npipe, 5\"\nrod, 7\"\n", &[Names(&["name", "size"]), Rows(2)]),
        case("a mark that does not close", "name, n, note\na, 1, \"x\nb, 2, y\n", &[Rows(2), Sum("n", 3.0)]),
    ]);
}

#[test]
fn a_key_line_is_neither_a_row_nor_the_header() {
    let above = ["Customer,Acme", "Kunde,Nord GmbH", "Account,Total Sales", "Filter,none", "Currency,EUR"];
    let tables = [
        ("name,Points\nA,1\nB,2\n", "Points", 3.0),
        ("Produkt,Anzahl\nA,1\nB,4\n", "Anzahl", 5.0),
        ("date,clicks\n2026-11-01,3\n2026-11-02,4\n", "clicks", 7.0),
    ];
    for line in above {
        for (below, column, sum) in tables {
            let table = super::table("f.csv", &format!("{line}\n{below}"));
            let numbers = table.column(column).and_then(|column| column.numbers.as_ref());
            assert_eq!(
                (table.rows, numbers.and_then(|numbers| numbers.sum)),
                (2, Some(sum)),
                "{line}\n{below}{table:?}"
            );
            assert!(table.columns.iter().all(|column| column.kind != Kind::Undecided));
            assert!(table.notes.join(";").contains("1 line above the header left out"), "{:?}", table.notes);
        }
    }
}
