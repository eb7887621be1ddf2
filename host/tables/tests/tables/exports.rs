//! Exports of banks, ad platforms, shops and sensors in several languages, with what is right worked out by hand.

use openanalyst_tables::Kind;

use super::expect::{Expect::*, case, check};

#[test]
fn exports_are_read_as_they_are_meant() {
    check(&[
        case(
            "a bank with two dates",
            "\"Kontonummer:\";\"DE00 1234\"\n\
             \"Kontostand vom 30.11.2026:\";\"1.250,75 EUR\"\n\n\
             \"Buchungstag\";\"Wertstellung\";\"Buchungstext\";\"Betrag (EUR)\";\"Saldo (EUR)\"\n\
             \"03.11.2026\";\"03.11.2026\";\"Miete\";\"-850,00\";\"400,75\"\n\
             \"15.11.2026\";\"16.11.2026\";\"Gehalt\";\"1.000,00\";\"1.400,75\"\n\
             \"28.11.2026\";\"28.11.2026\";\"Strom\";\"-150,00\";\"1.250,75\"\n",
            &[
                Rows(3),
                Sum("Betrag (EUR)", 0.0),
                NoSum("Saldo (EUR)", Kind::State),
                Said("the last is 1,250.75 of 28 November 2026"),
            ],
        ),
        case(
            "debit and credit",
            "Date,Description,Debit,Credit,Balance\n\
             2026-11-01,Opening balance,,,500.00\n\
             2026-11-02,Coffee,4.50,,495.50\n\
             2026-11-03,Salary,,1000.00,\"1,495.50\"\n",
            &[Sum("Debit", 4.5), Sum("Credit", 1000.0), NoSum("Balance", Kind::State), Said("the last is 1,495.50")],
        ),
        case(
            "japanese ads",
            "キャンペーン,表示回数,クリック数,クリック率,費用\n\
             春,\"1,000\",50,5.0%,\"¥1,500\"\n\
             夏,\"2,000\",100,5.0%,\"¥2,500\"\n\
             合計,\"3,000\",150,5.0%,\"¥4,000\"\n",
            &[Rows(2), Sum("表示回数", 3000.0), Sum("クリック数", 150.0), Mean("クリック率", 5.0), Sum("費用", 4000.0)],
        ),
        case(
            "a japanese bank",
            "日付,入金,出金,残高\n\
             2026/11/01,1000,,5000\n\
             2026/11/02,,300,4700\n",
            &[Sum("入金", 1000.0), Sum("出金", 300.0), NoSum("残高", Kind::State), Said("the last is 4,700")],
        ),
        case(
            "ads with a total of the account",
            "Campaign report\n\
             1 Nov 2026 - 30 Nov 2026\n\
             Campaign,Currency code,Cost,Impr.,Clicks,CTR,Avg. CPC\n\
             Brand,EUR,\"1,200.50\",\"10,000\",400,4.00%,3.00\n\
             Generic,EUR,799.50,\"5,000\",100,2.00%,8.00\n\
             Total: Account,EUR,\"2,000.00\",\"15,000\",500,3.33%,4.00\n",
            &[
                Rows(2),
                Sum("Cost", 2000.0),
                Sum("Impr.", 15000.0),
                Sum("Clicks", 500.0),
                Mean("CTR", 3.0),
                Mean("Avg. CPC", 5.5),
            ],
        ),
        case(
            "a weather station",
            "timestamp;sensor;Temperatur [°C];Luftfeuchte [%];Niederschlag [mm]\n\
             01.11.2026 00:00;A;10,5;80;0,2\n\
             01.11.2026 01:00;A;9,5;82;1,3\n",
            &[Mean("Temperatur [°C]", 10.0), Mean("Luftfeuchte [%]", 81.0), Sum("Niederschlag [mm]", 1.5)],
        ),
        case(
            "a french bank",
            "Libellé;Débit;Crédit;Solde\n\
             Loyer;800,00;;1 200,00\n\
             Salaire;;2 000,50;3 200,50\n",
            &[Sum("Débit", 800.0), Sum("Crédit", 2000.5), NoSum("Solde", Kind::State)],
        ),
        case(
            "french years",
            "Exercice;Chiffre d'affaires;Effectif\n\
             2023;1 200 000;10\n\
             2024;1 500 000;12\n",
            &[NoSum("Exercice", Kind::Year), Sum("Chiffre d'affaires", 2_700_000.0)],
        ),
        case(
            "aligned with commas",
            "product , qty , unit price , amount\n\
             A       ,   2 ,       1.50 ,   3.00\n\
             B       ,  10 ,       2.25 ,  22.50\n",
            &[
                Names(&["product", "qty", "unit price", "amount"]),
                Sum("qty", 12.0),
                NoSum("unit price", Kind::Rate),
                Sum("amount", 25.5),
            ],
        ),
        case(
            "lengths beside currencies",
            "Artikel;Länge (mm);Gewicht (kg);Stück;Preis;Währung\n\
             A;1.200;2,5;3;10,50;EUR\n\
             B;800;1,5;4;20,00;USD\n",
            &[Sum("Länge (mm)", 2000.0), Sum("Gewicht (kg)", 4.0), Sum("Stück", 7.0), NoSum("Preis", Kind::Mixed)],
        ),
        case(
            "fiscal years, twice the same",
            "Filiale;Geschäftsjahr;Umsatz;Wareneinsatz\n\
             Nord;2024;1.000;600\n\
             Süd;2024;2.000;900\n\
             Nord;2025;1.500;700\n",
            &[NoSum("Geschäftsjahr", Kind::Year), Sum("Umsatz", 4500.0), Sum("Wareneinsatz", 2200.0)],
        ),
        case(
            "a school",
            "Schuljahr;Jahrgang;Anzahl Schüler;Durchschnittsnote\n\
             2024/25;5;120;2,3\n\
             2024/25;6;110;2,5\n",
            &[NoSum("Jahrgang", Kind::Year), Sum("Anzahl Schüler", 230.0), Mean("Durchschnittsnote", 2.4)],
        ),
        case(
            "stock, the newest first",
            "date,stock,sold,price\n\
             2026-11-03,90,10,5\n\
             2026-11-02,100,5,5\n\
             2026-11-01,105,7,5\n",
            &[NoSum("stock", Kind::State), Sum("sold", 22.0), Said("the last is 90 of 3 November 2026")],
        ),
        case(
            "spaces before quotes",
            "city, temp, note\n\
             \"Rome\", 20.5, \"sunny, warm\"\n\
             \"Oslo\", 3.5, \"rain, cold\"\n",
            &[Names(&["city", "temp", "note"]), Mean("temp", 12.0), About("note", "sunny, warm")],
        ),
        case(
            "trial balance",
            "Konto;Bezeichnung;Soll;Haben;Saldo\n\
             1000;Kasse;500,00;200,00;300,00\n\
             1200;Bank;1.500,00;1.000,00;500,00\n\
             Summe;;2.000,00;1.200,00;800,00\n",
            &[Rows(2), Sum("Soll", 2000.0), Sum("Haben", 1200.0), NoSum("Saldo", Kind::State), Mean("Saldo", 400.0)],
        ),
        case(
            "a meter",
            "Zeit;Durchfluss;Zählerstand\n\
             01.11.2026;1,5;1000,5\n\
             02.11.2026;2,5;1003,0\n",
            &[Sum("Durchfluss", 4.0), NoSum("Zählerstand", Kind::State), Said("the last is 1,003.0")],
        ),
        case(
            "japanese shops",
            "店舗,年度,売上,前年比\n\
             東京,2024,\"1,000\",105%\n\
             大阪,2025,\"2,000\",95%\n",
            &[NoSum("年度", Kind::Year), Sum("売上", 3000.0), Mean("前年比", 100.0)],
        ),
        case(
            "a site",
            "Day,Sessions,Bounce rate,Avg. session duration,Cumulative sessions\n\
             2026-11-01,10,0.5,60,10\n\
             2026-11-02,20,0.4,80,30\n",
            &[
                Sum("Sessions", 30.0),
                Mean("Bounce rate", 0.45),
                Mean("Avg. session duration", 70.0),
                NoSum("Cumulative sessions", Kind::State),
            ],
        ),
        case(
            "german ads",
            "Kampagne|Ausgaben|Klicks|Conversions|Kosten pro Klick\n\
             A|1.000,50|100|3|10,01\n\
             B|500,25|50|2|10,01\n",
            &[Sum("Ausgaben", 1500.75), Sum("Klicks", 150.0), Sum("Conversions", 5.0), Mean("Kosten pro Klick", 10.01)],
        ),
    ]);
}
