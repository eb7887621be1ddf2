//! Files whose numbers must not simply be added up: units, currencies, names, years, totals and averages.

use openanalyst_tables::Kind;

use super::expect::{Expect::*, case, check};

#[test]
fn letters_after_numbers_are_units_unless_something_says_that_they_scale() {
    check(&[
        case("millimetres", "day,rain\nMon,12 mm\nTue,5 mm\n", &[Sum("rain", 17.0), Unit("rain", "mm")]),
        case("one column of millimetres", "rain\n12 mm\n5 mm\n", &[Sum("rain", 17.0), Unit("rain", "mm")]),
        case("bytes", "file,size\na,512 B\nb,100 B\n", &[Sum("size", 612.0), Unit("size", "B")]),
        case("bits", "link,rate of x\na,8 b\nb,4 b\n", &[Mean("rate of x", 6.0)]),
        case("kelvins", "star,heat\na,293 K\nb,300 K\n", &[Sum("heat", 593.0), Unit("heat", "K")]),
        case("bytes and larger", "file,size\na,512 B\nb,2 MB\nc,1 MB\n", &[NoSum("size", Kind::Mixed)]),
        case("thousands", "post,views\nA,1.2K\nB,3K\n", &[Sum("views", 4200.0)]),
        case("billions beside millions", "land,people\na,1.4B\nb,800M\n", &[Sum("people", 2_200_000_000.0)]),
        case("billions of dollars", "firm,value\na,$1.5B\nb,$2B\n", &[Sum("value", 3_500_000_000.0)]),
        case("trillions", "land,gdp\na,$4.2tn\nb,$3T\n", &[Sum("gdp", 7_200_000_000_000.0), Unit("gdp", "$")]),
        case("prices of different things", "ware;preis\na;1,50 €/kg\nb;2,00 €/l\n", &[NoSum("preis", Kind::Mixed)]),
        case("prices of one thing", "ware;preis\na;1,50 €/kg\nb;2,00 €/kg\n", &[Unit("preis", "€ /kg")]),
        case("a currency in the name", "firm,Revenue (USD)\na,1.5B\nb,2B\n", &[Sum("Revenue (USD)", 3_500_000_000.0)]),
        case("spaced after a currency", "firm,value\na,$5 K\nb,$2 K\n", &[Sum("value", 7000.0)]),
        case(
            "a currency beside it",
            "firm,amount,currency\na,5 mm,USD\nb,2 mm,EUR\n",
            &[About("amount", "5,000,000 USD")],
        ),
    ]);
}

#[test]
fn currencies_and_units_in_a_column_beside_the_amounts_divide_them() {
    check(&[
        case(
            "codes",
            "item,amount,currency\nA,100,USD\nB,200,EUR\nC,50,USD\n",
            &[NoSum("amount", Kind::Mixed), About("amount", "150 USD in 2 rows"), Said("another column names them")],
        ),
        case("signs", "item,price,cur\nA,1.50,$\nB,2.50,\u{20ac}\n", &[NoSum("price", Kind::Mixed)]),
        case("small letters", "item,price,x\nA,1.50,usd\nB,2.50,eur\n", &[NoSum("price", Kind::Mixed)]),
        case("codes that few know", "item,amount,currency\nA,1,XAF\nB,2,XOF\n", &[NoSum("amount", Kind::Mixed)]),
        case("one currency", "item,amount,currency\nA,100,EUR\nB,200,EUR\n", &[Sum("amount", 300.0), Silent]),
        case(
            "counts beside money",
            "item,clicks,cost,currency\nA,5,1.5,USD\nB,7,2.5,EUR\n",
            &[Sum("clicks", 12.0), NoSum("cost", Kind::Mixed)],
        ),
        case(
            "own signs come first",
            "item,amount,currency\nA,\u{a3}100,USD\nB,200,EUR\n",
            &[About("amount", "100 \u{a3} in 1 row")],
        ),
        case(
            "units of measure",
            "item,quantity,unit,price\nflour,5,kg,1.5\nmilk,3,l,2\nbutter,2,kg,3\n",
            &[NoSum("quantity", Kind::Mixed), About("quantity", "7 kg in 2 rows"), Sum("price", 6.5)],
        ),
        case("one unit", "item,amount,unit\nflour,5,kg\nrice,3,kg\n", &[Sum("amount", 8.0), Silent]),
        case("units of a company", "unit,staff\nSales,5\nHR,7\n", &[Sum("staff", 12.0), Silent]),
        case("a total below", "item,amount,currency\nA,100,EUR\nB,50,EUR\nTotal,150,\n", &[Sum("amount", 150.0)]),
    ]);
}

#[test]
fn numbers_that_name_things_are_not_added_up() {
    check(&[
        case(
            "invoices",
            "invoice,amount\n10234,5\n10235,7\n",
            &[NoSum("invoice", Kind::Identifier), Sum("amount", 12.0)],
        ),
        case(
            "one column",
            "invoice\n10234\n10235\n",
            &[NoSum("invoice", Kind::Identifier), Said("numbers that name things")],
        ),
        case(
            "customers, repeated",
            "customer,amount\n17,5\n17,9\n18,3\n",
            &[NoSum("customer", Kind::Identifier), Sum("amount", 17.0)],
        ),
        case("orders", "order,qty\n1001,1\n1002,2\n", &[NoSum("order", Kind::Identifier)]),
        case("tickets", "ticket,hours\n4411,1.5\n4412,2\n", &[NoSum("ticket", Kind::Identifier), Sum("hours", 3.5)]),
        case(
            "accounts",
            "account,balance\n4000,12\n4010,13\n",
            &[NoSum("account", Kind::Identifier), NoSum("balance", Kind::State), Mean("balance", 12.5)],
        ),
        case(
            "codes",
            "c\u{f3}digo;ventas\n8801;5\n8802;6\n",
            &[NoSum("c\u{f3}digo", Kind::Identifier), Sum("ventas", 11.0)],
        ),
        case("codes without an accent", "codigo;ventas\n8801;5\n8802;6\n", &[NoSum("codigo", Kind::Identifier)]),
        case("counts", "day,customers\nMon,5\nTue,7\n", &[Sum("customers", 12.0), Silent]),
        case("a number of things", "day,number of orders\nMon,5\nTue,7\n", &[Sum("number of orders", 12.0)]),
        case("money of one", "day,order\nMon,5.50\nTue,7\n", &[Sum("order", 12.5)]),
        case("none on a day", "day,ticket\nMon,0\nTue,7\n", &[Sum("ticket", 7.0)]),
    ]);
}

#[test]
fn years_in_longer_names_are_not_added_up() {
    check(&[
        case("built", "haus;Baujahr\nA;1968\nB;2004\n", &[NoSum("Baujahr", Kind::Year)]),
        case("born", "name;Geburtsjahr\nA;1968\nB;2004\n", &[NoSum("Geburtsjahr", Kind::Year)]),
        case(
            "founded",
            "firm,founded,staff\nA,1891,5\nB,2010,6\n",
            &[NoSum("founded", Kind::Year), Sum("staff", 11.0)],
        ),
        case("one word", "name,birthyear\nA,1968\nB,2004\n", &[NoSum("birthyear", Kind::Year)]),
        case("swedish", "namn;f\u{f6}delse\u{e5}r\nA;1968\nB;2004\n", &[NoSum("f\u{f6}delse\u{e5}r", Kind::Year)]),
        case("the year before", "haus;Vorjahr\nA;1200\nB;1500\n", &[Sum("Vorjahr", 2700.0)]),
        case("sales of a year", "shop,sales last year\nA,1200\nB,1500\n", &[Sum("sales last year", 2700.0)]),
        case("no years", "firm,founded\nA,5\nB,6\n", &[Sum("founded", 11.0)]),
    ]);
}

#[test]
fn totals_are_found_in_any_column_of_words_and_confirmed() {
    check(&[
        case(
            "totals of regions",
            "region,city,clicks\nNorth,A,1\nNorth,B,2\nNorth,Total,3\nSouth,C,4\nSouth,D,5\nSouth,Total,9\n",
            &[Sum("clicks", 12.0), Rows(4), Said("total rows left out")],
        ),
        case("after a number", "id,name,amount\n1,A,5\n2,B,7\n3,Total,12\n", &[Sum("amount", 12.0), Rows(2)]),
        case(
            "after a date",
            "date,shop,amount\n2026-11-01,A,5\n2026-11-01,B,7\n2026-11-01,Summe,12\n",
            &[Sum("amount", 12.0), Rows(2)],
        ),
        case(
            "totals of cities, regions and all",
            "region,city,shop,n\nN,A,x,1\nN,A,y,2\nN,A,Total,3\nN,B,z,4\nN,B,Total,4\nN,Total,,7\nS,C,w,5\nS,C,Total,5\nS,D,v,6\n\
             S,D,Total,6\nS,Total,,11\nTotal,,,18\n",
            &[Sum("n", 18.0), Rows(5)],
        ),
        case(
            "a name that is no total",
            "year,film,clicks\n2024,Total Recall,1\n2025,Alien,7\n2026,Blade Runner,5\n",
            &[Sum("clicks", 13.0), Rows(3)],
        ),
        case(
            "a name that is no total, above one",
            "film,clicks\nTotal Recall,1\nAlien,7\nBlade Runner,5\nTotal,13\n",
            &[Sum("clicks", 13.0), Rows(3)],
        ),
        case(
            "not confirmed",
            "shop,kind,n\nA,red,1\nA,Total,9\nB,red,2\n",
            &[Sum("n", 12.0), Said("called a total and counted")],
        ),
        case(
            "above their groups",
            "grp,sub,n\nA,Total,3\nA,x,1\nA,y,2\nB,Total,7\nB,x,3\nB,y,4\nTotal,Total,10\n",
            &[Sum("n", 10.0), Rows(4)],
        ),
        case(
            "a longer name in the last row",
            "day,n\nMon,1\nTue,2\nTotal 2026,9\n",
            &[Sum("n", 12.0), Said("called a total")],
        ),
        case("below a name like a summary", "name,n\nAda,1\nMax,7\nTotal,8\n", &[Sum("n", 8.0), Rows(2)]),
        case("a letter is no count", "region,city,n\nM,A,1\nN,B,2\nTotal,,3\n", &[Sum("n", 3.0), Rows(2)]),
        case("swedish", "dag;antal\nm\u{e5}n;1\ntis;2\nSumma;3\n", &[Sum("antal", 3.0)]),
        case("danish", "dag;antal\nman;1\ntir;2\nI alt;3\n", &[Sum("antal", 3.0)]),
    ]);
}

#[test]
fn rows_of_averages_and_extremes_are_left_out_where_the_numbers_confirm_them() {
    check(&[
        case(
            "an average",
            "day,n\nMon,10\nTue,20\nAverage,15\n",
            &[Sum("n", 30.0), Rows(2), Said("sums the other rows up")],
        ),
        case("rounded", "day,n\nMon,10\nTue,21\nMean,16\n", &[Sum("n", 31.0)]),
        case("more places", "day,n\nMon,10\nTue,21\nDurchschnitt,15.5\n", &[Sum("n", 31.0), Rows(2)]),
        case("its sign", "tag;n\nMo;10\nDi;20\n\u{d8};15\n", &[Sum("n", 30.0)]),
        case("extremes", "day,n\nMon,10\nTue,20\nMin,10\nMax,20\n", &[Sum("n", 30.0), Rows(2)]),
        case("among totals", "day,n\nMon,10\nTue,20\nAverage,15\nTotal,30\n", &[Sum("n", 30.0), Rows(2)]),
        case("of rates", "day,n,CTR\nMon,10,0.1\nTue,20,0.4\nAverage,15,0.3\n", &[Sum("n", 30.0), Mean("CTR", 0.25)]),
        case("after a number", "id,name,n\n1,A,10\n2,B,30\n3,Median,20\n", &[Sum("n", 40.0), Rows(2)]),
        case(
            "a person",
            "name,n\nAda,10\nBob,20\nMax,7\n",
            &[Sum("n", 37.0), Rows(3), Said("counted, since its numbers")],
        ),
        case("a grade", "grade,n\nPoor,3\nGood,5\nAverage,9\n", &[Sum("n", 17.0), Rows(3)]),
        case("in the middle", "name,n\nAda,10\nMax,20\nBob,15\n", &[Sum("n", 45.0), Rows(3), Silent]),
    ]);
}

#[test]
fn coordinates_and_percentages_are_not_added_up() {
    check(&[
        case(
            "long beside lat",
            "shop,lat,long,n\nA,52.5,13.4,1\nB,48.1,11.6,2\n",
            &[NoSum("long", Kind::Rate), Sum("n", 3.0)],
        ),
        case("long alone", "fund,long\nA,5\nB,6\n", &[Sum("long", 11.0)]),
        case(
            "percentages with a comma",
            "a;Anteil\nx;12,5 %\ny;7,5 %\n",
            &[NoSum("Anteil", Kind::Percent), Mean("Anteil", 10.0)],
        ),
        case(
            "all words for nothing",
            "a,n\nu,1\nv,k.A.\nw,#N/A\nx,s/d\ny,TBD\nz,4\n",
            &[Sum("n", 5.0), Rows(6), Silent],
        ),
        case("a dash beside brackets", "a,n\nx,(3)\ny,-\nz,5\n", &[Sum("n", 2.0), Said("read as zero")]),
    ]);
}
