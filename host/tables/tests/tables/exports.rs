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

#[test]
fn exports_of_other_trades_are_read_as_they_are_meant() {
    check(&[
        case(
            "a wallet",
            "Sender;Empfänger;Betrag;Währung;Kontostand;Buchungsdatum\n\
             A;B;-10,00;EUR;90,00;01.11.2026\n\
             C;A;20,00;EUR;110,00;02.11.2026\n",
            &[Sum("Betrag", 10.0), NoSum("Kontostand", Kind::State), Said("the last is 110.00 of 2 November 2026")],
        ),
        case(
            "a share",
            "Date;Open;High;Low;Close;Volume\n\
             2026-11-02;10.5;11.0;10.0;10.8;1000\n\
             2026-11-03;10.8;11.5;10.7;11.2;2000\n",
            &[NoSum("Open", Kind::State), NoSum("Close", Kind::State), Sum("Volume", 3000.0)],
        ),
        case(
            "social ads",
            "Campaign,Budget,Spend,Reach,Frequency,Cost per result,Results\n\
             A,100,50.5,1000,1.5,5.05,10\n\
             B,200,100.25,2000,2.5,10.03,10\n",
            &[
                Sum("Spend", 150.75),
                NoSum("Frequency", Kind::Rate),
                Mean("Cost per result", 7.54),
                Sum("Results", 20.0),
            ],
        ),
        case(
            "a device",
            "Timestamp,Device,Battery level,Voltage,Energy (kWh),Power (W)\n\
             2026-11-01,a,90,3.7,1.5,100\n\
             2026-11-02,a,80,3.6,2.5,120\n",
            &[NoSum("Battery level", Kind::State), Sum("Energy (kWh)", 4.0), NoSum("Power (W)", Kind::State)],
        ),
        case(
            "a japanese invoice",
            "商品,単価,数量,金額,在庫数\n\
             りんご,100円,3,300円,50\n\
             みかん,50円,10,500円,80\n\
             合計,,13,800円,\n",
            &[
                Rows(2),
                NoSum("単価", Kind::Rate),
                Sum("数量", 13.0),
                Sum("金額", 800.0),
                Unit("金額", "円"),
                NoSum("在庫数", Kind::State),
            ],
        ),
        case(
            "put together, with a total of all",
            "Kunde,Umsatz\n\
             Acme,100\n\
             Beta,50\n\
             Kunde,Umsatz\n\
             Acme,7\n\
             Gesamt,157\n",
            &[Rows(3), Sum("Umsatz", 157.0)],
        ),
        case(
            "countries",
            "country,population,area km2,gdp per capita,founded\n\
             DE,83000000,357000,50000,1871\n\
             FR,68000000,643000,45000,843\n",
            &[Sum("population", 151_000_000.0), NoSum("gdp per capita", Kind::Rate), NoSum("founded", Kind::Year)],
        ),
        case(
            "projects",
            "project,start year,end year,hours,hourly rate\n\
             A,2020,2022,10,50\n\
             B,2021,2023,20,60\n",
            &[NoSum("start year", Kind::Year), Sum("hours", 30.0), Mean("hourly rate", 55.0)],
        ),
        case(
            "a statement with its balance above",
            "Kontoauszug\n\
             Kontoinhaber: Max Mustermann\n\
             Zeitraum: 01.11.2026 - 30.11.2026\n\
             Kontostand: 110,00 EUR\n\n\
             Datum;Verwendungszweck;Betrag\n\
             03.11.2026;Miete, warm;-850,00\n\
             15.11.2026;Gehalt;1.000,00\n",
            &[Names(&["Datum", "Verwendungszweck", "Betrag"]), Rows(2), Sum("Betrag", 150.0), Said("4 lines above")],
        ),
        case(
            "a column for each statistic",
            "city,min,max,avg\n\
             Rome,5,20,12\n\
             Oslo,-3,8,2\n",
            &[NoSum("min", Kind::Rate), NoSum("max", Kind::Rate), Mean("avg", 7.0)],
        ),
        case(
            "rates of currencies",
            "Currency,Rate,Amount\n\
             EUR,1.0,100\n\
             USD,1.1,50\n",
            &[NoSum("Rate", Kind::Rate), About("Amount", "100 € in 1 row")],
        ),
        case(
            "a header twice at once",
            "account,opened,balance\n\
             account,opened,balance\n\
             4000,2026-01-01,5\n\
             4010,2026-01-02,7\n",
            &[Rows(2), NoSum("balance", Kind::State), Mean("balance", 6.0)],
        ),
        case(
            "a french invoice",
            "Produit;Prix unitaire;Quantité;Total TTC\n\
             A;1,50 €;2;3,00 €\n\
             B;2,25 €;10;22,50 €\n\
             TOTAL;;12;25,50 €\n",
            &[Rows(2), NoSum("Prix unitaire", Kind::Rate), Sum("Quantité", 12.0), Sum("Total TTC", 25.5)],
        ),
        case(
            "fiscal years in words",
            "Fiscal Year,Quarter,Revenue ($M),Headcount\n\
             FY2024,Q1,1.5,100\n\
             FY2024,Q2,2.5,110\n",
            &[NoSum("Fiscal Year", Kind::Text), Sum("Revenue ($M)", 4.0), NoSum("Headcount", Kind::State)],
        ),
        case(
            "opening and closing balance",
            "period,opening balance,inflow,outflow,closing balance\n\
             2026-01,100,50,20,130\n\
             2026-02,130,10,40,100\n",
            &[
                Sum("inflow", 60.0),
                NoSum("opening balance", Kind::State),
                Said("`closing balance` (the last is 100 of February 2026)"),
            ],
        ),
        case(
            "a hotel",
            "Tag;Zimmer belegt;Auslastung;ADR;RevPAR\n\
             01.11.2026;10;50%;100,00;50,00\n\
             02.11.2026;20;100%;120,00;120,00\n",
            &[Mean("Auslastung", 75.0), Mean("ADR", 110.0), NoSum("RevPAR", Kind::Rate)],
        ),
        case(
            "keys with colons",
            "Customer: Acme\n\
             Currency: EUR\n\
             name,Points\n\
             A,1\n\
             B,2\n",
            &[Names(&["name", "Points"]), Rows(2), Sum("Points", 3.0)],
        ),
        case(
            "a key and a column alike",
            "Property,example.com\n\
             Property,Users\n\
             A,5\n\
             B,7\n",
            &[Names(&["Property", "Users"]), Rows(2), Sum("Users", 12.0)],
        ),
        case(
            "decimal commas in quotes",
            "\"Datum\",\"Konto\",\"Betrag\",\"Saldo\"\n\
             \"2026-11-01\",\"Giro\",\"1.234,56\",\"2.000,00\"\n\
             \"2026-11-02\",\"Giro\",\"-34,56\",\"1.965,44\"\n",
            &[Sum("Betrag", 1200.0), Said("the last is 1,965.44")],
        ),
        case(
            "active users",
            "month,active users,new users,churn rate\n\
             2026-01,100,10,0.05\n\
             2026-02,105,12,0.04\n",
            &[NoSum("active users", Kind::State), Sum("new users", 22.0), Mean("churn rate", 0.045)],
        ),
        case(
            "a japanese weather station",
            "日時,気温(℃),湿度(%),降水量(mm),風速(m/s)\n\
             2026/11/01,10.5,80,0.5,3\n\
             2026/11/02,9.5,82,1.5,5\n",
            &[Mean("気温(℃)", 10.0), Mean("湿度(%)", 81.0), Sum("降水量(mm)", 2.0), Mean("風速(m/s)", 4.0)],
        ),
        case(
            "sprints",
            "Sprint;Story Points;Velocity;Restaufwand\n\
             1;20;20;80\n\
             2;25;22,5;55\n",
            &[NoSum("Sprint", Kind::Identifier), Sum("Story Points", 45.0), NoSum("Velocity", Kind::Rate)],
        ),
        case(
            "widths beside currencies",
            "item,width mm,currency\n\
             A,5,EUR\n\
             B,7,USD\n\
             C,9,\n",
            &[Rows(3), Sum("width mm", 21.0)],
        ),
        case(
            "a league",
            "team,matches,goals,points per match,rank,elo rating\n\
             A,10,20,2.5,1,1500\n\
             B,10,10,1.5,2,1400\n",
            &[
                Sum("goals", 30.0),
                Mean("points per match", 2.0),
                NoSum("rank", Kind::Rate),
                NoSum("elo rating", Kind::Rate),
            ],
        ),
    ]);
}
