//! Columns that must not be added up by what they are called: values at a time, years, statistics; and the currency of a
//! neighbour.

use openanalyst_tables::Kind;

use super::expect::{Expect::*, case, check};

#[test]
fn values_at_a_time_are_not_added_up_and_flows_are() {
    check(&[
        case(
            "a bank account",
            "date,amount,balance\n2026-11-01,5,105\n2026-11-02,-3,102\n",
            &[
                Sum("amount", 2.0),
                NoSum("balance", Kind::State),
                Mean("balance", 103.5),
                Said("`balance` (the last is 102 of 2 November 2026)"),
            ],
        ),
        case(
            "the newest first",
            "Buchungstag;Betrag;Saldo\n03.11.2026;-5,00;95,00\n02.11.2026;10,00;100,00\n",
            &[Sum("Betrag", 5.0), NoSum("Saldo", Kind::State), Said("the last is 95.00 of 3 November 2026")],
        ),
        case(
            "several rows of the last day",
            "date,account,balance\n2026-11-01,A,5\n2026-11-02,A,6\n2026-11-02,B,7\n",
            &[Mean("balance", 6.0), Said("their mean is shown: `balance`")],
        ),
        case(
            "a sensor",
            "time,temperature,humidity,rain\n2026-11-01,20.5,60,1\n2026-11-02,21.5,62,2\n",
            &[NoSum("temperature", Kind::State), Mean("humidity", 61.0), Sum("rain", 3.0)],
        ),
        case(
            "a shop",
            "product,price per unit,stock level,rating,rating_count,revenue\nA,2,10,4,100,5\nB,3,20,5,50,6\n",
            &[
                NoSum("price per unit", Kind::Rate),
                NoSum("stock level", Kind::State),
                NoSum("rating", Kind::Rate),
                Sum("rating_count", 150.0),
                Sum("revenue", 11.0),
            ],
        ),
        case(
            "people",
            "Name;Kontostand;Alter;Rang;Punkte\nA;5,5;30;1;7\nB;6,5;40;2;8\n",
            &[NoSum("Kontostand", Kind::State), Mean("Alter", 35.0), NoSum("Rang", Kind::Rate), Sum("Punkte", 15.0)],
        ),
        case(
            "stock and what leaves it",
            "date,stock,stock sold,stock change\n2026-11-01,100,5,-5\n2026-11-02,95,10,-10\n",
            &[NoSum("stock", Kind::State), Sum("stock sold", 15.0), Sum("stock change", -15.0)],
        ),
        case(
            "sums so far",
            "day,sessions,cumulative sessions\n2026-11-01,10,10\n2026-11-02,20,30\n",
            &[Sum("sessions", 30.0), NoSum("cumulative sessions", Kind::State)],
        ),
        case(
            "followers of each day",
            "Date,Followers,New followers\n2026-11-01,1000,10\n2026-11-02,1012,12\n",
            &[NoSum("Followers", Kind::State), Sum("New followers", 22.0)],
        ),
        case("followers of people", "name,followers\nA,100\nB,200\n", &[Sum("followers", 300.0), Silent]),
        case("balances of a total", "region,city,balance\nN,A,1\nN,B,2\nN,Total,3\n", &[Rows(2), Mean("balance", 1.5)]),
        case(
            "balances in two currencies",
            "account,balance,currency\nA,100,EUR\nB,50,USD\nC,20,EUR\n",
            &[NoSum("balance", Kind::Mixed), About("balance", "a mean of 60 \u{20ac} in 2 rows")],
        ),
        case(
            "extremes below",
            "date,temp\n2026-11-01,10\n2026-11-02,12\nMin,10\nMax,12\n",
            &[Rows(2), NoSum("date", Kind::Date), Mean("temp", 11.0), Said("the last is 12 of 2 November 2026")],
        ),
        case("a last row without a name", "account,balance\nA,5\nB,6\n,11\n", &[Rows(2), Mean("balance", 5.5)]),
        case(
            "degrees under any name",
            "day,probe\nMon,20.5 \u{b0}C\nTue,21.5 \u{b0}C\n",
            &[NoSum("probe", Kind::State)],
        ),
        case(
            "degrees beside others",
            "day,value,unit\nMon,20.5,\u{b0}C\nMon,60,mm\nTue,21.5,\u{b0}C\n",
            &[About("value", "a mean of 21.0 \u{b0}C in 2 rows"), About("value", "60.0 mm in 1 row")],
        ),
        case("budget variance", "account,variance\nA,5\nB,-3\n", &[Sum("variance", 2.0)]),
        case("level two tickets", "day,level 2 tickets\nMon,5\nTue,6\n", &[Sum("level 2 tickets", 11.0)]),
    ]);
}

#[test]
fn fiscal_years_and_age_groups_are_no_measures() {
    check(&[
        case(
            "german",
            "Gesch\u{e4}ftsjahr;Umsatz\n2023;1.000,50\n2024;2.000,25\n",
            &[NoSum("Gesch\u{e4}ftsjahr", Kind::Year), Sum("Umsatz", 3000.75)],
        ),
        case("two digits", "fiscal year,revenue\n23,100\n24,200\n", &[NoSum("fiscal year", Kind::Year)]),
        case("short", "FY,revenue\n2023,1000\n2024,2000\n", &[NoSum("FY", Kind::Year), Sum("revenue", 3000.0)]),
        case("one word", "fiscalYear,n\n2023,1\n2023,2\n", &[NoSum("fiscalYear", Kind::Year), Sum("n", 3.0)]),
        case(
            "born in",
            "name;Jahrgang;Tore\nA;1985;5\nB;1990;7\n",
            &[NoSum("Jahrgang", Kind::Year), Sum("Tore", 12.0)],
        ),
        case("of a school", "klasse;Jahrgang;Kinder\na;10;25\nb;11;27\n", &[NoSum("Jahrgang", Kind::Year)]),
        case("french", "Exercice;Ventes\n2023;5\n2024;6\n", &[NoSum("Exercice", Kind::Year), Sum("Ventes", 11.0)]),
        case("japanese", "年度,売上\n2024,1000\n2025,2000\n", &[NoSum("年度", Kind::Year), Sum("売上", 3000.0)]),
        case(
            "its quarters",
            "fiscal_year,fiscal_quarter,net sales\n2024,1,100\n2024,2,200\n",
            &[NoSum("fiscal_quarter", Kind::CalendarPart), Sum("net sales", 300.0)],
        ),
        case("written out", "FY;Umsatz\n2023/24;5\n2024/25;6\n", &[NoSum("FY", Kind::Text), Sum("Umsatz", 11.0)]),
        // What a year had.
        case("its revenue", "shop,FY revenue\nA,1200\nB,1500\n", &[Sum("FY revenue", 2700.0)]),
        case(
            "its revenue in german",
            "haus;Umsatz Gesch\u{e4}ftsjahr\nA;1200\nB;1500\n",
            &[Sum("Umsatz Gesch\u{e4}ftsjahr", 2700.0)],
        ),
        case(
            "a year by its number",
            "shop,Year 2024,FY24\nA,1200,5\nB,1500,6\n",
            &[Sum("Year 2024", 2700.0), Sum("FY24", 11.0)],
        ),
        case("years of work", "name,years\nA,5\nB,6\n", &[Sum("years", 11.0)]),
    ]);
}

#[test]
fn sizes_and_counts_have_no_currency_of_a_neighbour() {
    check(&[
        case(
            "millimetres",
            "part,length,weight,pieces,price,currency\nA,5 mm,2 kg,3,1.5,EUR\nB,7 mm,3 kg,4,2.5,USD\n",
            &[
                Sum("length", 12.0),
                Unit("length", "mm"),
                Unit("weight", "kg"),
                Sum("pieces", 7.0),
                NoSum("price", Kind::Mixed),
            ],
        ),
        case(
            "without units",
            "part,length,weight,boxen,amount,currency\nA,5,2.5,3,10,EUR\nB,7,3.5,4,20,USD\n",
            &[Sum("length", 12.0), Sum("weight", 6.0), Sum("boxen", 7.0), NoSum("amount", Kind::Mixed)],
        ),
        case(
            "units in names",
            "Artikel;L\u{e4}nge (mm);Paketgewicht;Preis;W\u{e4}hrung\nA;1200;2,5;10,50;EUR\nB;800;1,5;20,00;USD\n",
            &[Sum("L\u{e4}nge (mm)", 2000.0), Sum("Paketgewicht", 4.0), NoSum("Preis", Kind::Mixed)],
        ),
        case("metres", "part,depth,currency\nA,5 m,EUR\nB,7 m,USD\n", &[Sum("depth", 12.0), Unit("depth", "m")]),
        case(
            "an unknown name",
            "part,stroke,currency\nA,5 mm,EUR\nB,7 mm,USD\n",
            &[Sum("stroke", 12.0), Unit("stroke", "mm")],
        ),
        // Money stays divided, whatever it is called.
        case(
            "net",
            "item,net,count,currency\nA,10,3,EUR\nB,20,4,USD\n",
            &[NoSum("net", Kind::Mixed), Sum("count", 7.0)],
        ),
        case(
            "a trip",
            "trip,distance,crew,xyz,currency\nA,10.5,3,4.5,EUR\nB,11.5,4,5.5,USD\n",
            &[Sum("distance", 22.0), Sum("crew", 7.0), NoSum("xyz", Kind::Mixed)],
        ),
        case("an unknown name alone", "item,xyz,currency\nA,10,EUR\nB,20,USD\n", &[NoSum("xyz", Kind::Mixed)]),
        case(
            "an unknown name with cents",
            "item,xyz,price,currency\nA,10.50,1,EUR\nB,20.25,2,USD\n",
            &[NoSum("xyz", Kind::Mixed), NoSum("price", Kind::Mixed)],
        ),
        case(
            "price of a weight",
            "item,price per kg,currency\nA,5,EUR\nB,6,USD\n",
            &[NoSum("price per kg", Kind::Mixed)],
        ),
        case("kilograms and grams", "item,weight\nA,1.5 kg\nB,500 g\n", &[NoSum("weight", Kind::Mixed)]),
        case("seats", "name,seat\nA,12C\nB,14F\n", &[NoSum("seat", Kind::Text)]),
    ]);
}

#[test]
fn a_measure_in_each_row_has_a_sum_of_its_own() {
    check(&[
        case(
            "over days",
            "date,metric,value\n2026-11-01,clicks,1\n2026-11-01,views,30\n2026-11-02,clicks,2\n",
            &[NoSum("value", Kind::Mixed), About("value", "3 clicks in 2 rows"), About("value", "30 views in 1 row")],
        ),
        case("one each", "Kennzahl;Wert\nKlicks;5\nBesuche;7\n", &[NoSum("Wert", Kind::Mixed)]),
        case("one measure", "day,metric,value\nMon,clicks,1\nTue,clicks,2\n", &[Sum("value", 3.0), Silent]),
        case("flats", "property,value\nNorth,100\nSouth,200\n", &[Sum("value", 300.0), Silent]),
    ]);
}

#[test]
fn a_table_of_statistics_is_said_once() {
    check(&[
        case(
            "plain",
            "stat,value\nmin,2\nmax,9\navg,5\n",
            &[Rows(3), NoSum("value", Kind::Rate), Mean("value", 5.333333), Said("each row is a statistic itself")],
        ),
        case(
            "of groups",
            "region,stat,n\nN,min,1\nN,max,9\nN,avg,5\nS,min,2\nS,max,8\nS,avg,5\n",
            &[Rows(6), NoSum("n", Kind::Rate), Mean("n", 5.0)],
        ),
        case(
            "with a total and percentiles",
            "stat,n\nTotal,60\nmin,10\n25%,15\nmax,30\n",
            &[Rows(4), NoSum("n", Kind::Rate)],
        ),
        case("one name", "name,n\nMax,5\nMax,7\n", &[Rows(2), Sum("n", 12.0), Silent]),
        case("a person", "name,n\nMax,5\nAda,7\n", &[Rows(2), Sum("n", 12.0), Silent]),
    ]);
    let text = format!("stat,value\n{}", "min,1\nmax,9\navg,5\n".repeat(40));
    let table = super::table("f.csv", &text);
    assert!(table.notes.len() == 1 && table.notes[0].len() < 120, "{:?}", table.notes);
    let text = format!("name,n\nAda,3\n{}", "Max,1\n".repeat(40));
    let table = super::table("f.csv", &text);
    assert!(table.notes.len() == 1 && table.notes[0].len() < 200, "{:?}", table.notes);
}
