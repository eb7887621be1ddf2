//! One column at a time.

use openanalyst_tables::Kind::{self, *};

use super::{kind, table};

/// A column: the delimiter, its name, its cells, the kind, and the sum (of a rate or a percentage: the mean), where it has one.
type Case = (char, &'static str, &'static [&'static str], Kind, Option<f64>);

const COLUMNS: &[Case] = &[
    // Plain numbers.
    (',', "clicks", &["1", "2", "3"], Amount, Some(6.0)),
    (',', "price", &["1.5", "2.25"], Amount, Some(3.75)),
    (',', "delta", &["-1", "+4", "−2"], Amount, Some(1.0)),
    (',', "value", &[".5", "5."], Amount, Some(5.5)),
    // Decimal comma, dot groups.
    (';', "price", &["1,234", "2,500"], Amount, Some(3.734)),
    (';', "price", &["1,5", "2,25"], Amount, Some(3.75)),
    (';', "visits", &["1.234", "2.500"], Amount, Some(3734.0)),
    (';', "visits", &["1.234.567", "2.500"], Amount, Some(1_237_067.0)),
    (';', "amount", &["-1.250,50", "-75,5", "-16", "2.400,00"], Amount, Some(1058.0)),
    (';', "amount", &["0,123", "1,234"], Amount, Some(1.357)),
    ('\t', "amount", &["1.234,50", "2.500"], Amount, Some(3734.5)),
    ('|', "amount", &["12,5", "1,250"], Amount, Some(13.75)),
    // Decimal dot, comma groups.
    (',', "visits", &["\"1,234\"", "\"2,500\""], Amount, Some(3734.0)),
    (',', "amount", &["\"1,234.50\"", "\"2,500\""], Amount, Some(3734.5)),
    (',', "weight", &["1.234", "0.500"], Amount, Some(1.734)),
    (';', "weight", &["0.125", "1.234"], Amount, Some(1.359)),
    (';', "amount", &["1,234.50", "2,500.00"], Amount, Some(3734.5)),
    ('\t', "amount", &["1,234.50", "2,500"], Amount, Some(3734.5)),
    // The numbers beside it tell.
    ('\t', "visits", &["950", "1.234", "870"], Amount, Some(3054.0)),
    ('\t', "ratio of it", &["1500", "1.234"], Rate, Some(750.617)),
    ('|', "visits", &["12", "2,345"], Amount, Some(2357.0)),
    // Swiss, French and Indian groups, underscores.
    (';', "betrag", &["1'234.50", "2'000.00"], Amount, Some(3234.5)),
    (',', "betrag", &["1’234.50", "12’000.25"], Amount, Some(13234.75)),
    (';', "visites", &["1\u{202f}234", "2\u{a0}345"], Amount, Some(3579.0)),
    (';', "montant", &["1\u{202f}234,50", "12 345,00"], Amount, Some(13579.5)),
    (';', "montant", &["1\u{2009}234 567", "1"], Amount, Some(1_234_568.0)),
    (',', "sales", &["\"12,34,567\"", "\"1,00,000\"", "\"45,000\""], Amount, Some(1_379_567.0)),
    (',', "sales", &["\"₹12,34,567.50\"", "\"₹1,000\""], Amount, Some(1_235_567.5)),
    (',', "size", &["1_000", "2_500_000"], Amount, Some(2_501_000.0)),
    // Minus in other ways.
    (',', "amount", &["\"$1,234.56\"", "($987.65)"], Amount, Some(246.91)),
    (',', "amount", &["(10)", "30"], Amount, Some(20.0)),
    (',', "amount", &["10-", "30"], Amount, Some(20.0)),
    (';', "betrag", &["1.234,50-", "2.000,00"], Amount, Some(765.5)),
    (',', "amount", &["$(5.50)", "-$4.50", "$20"], Amount, Some(10.0)),
    // Missing values in all their dress.
    (',', "visits", &["1", "N/A", "3"], Amount, Some(4.0)),
    (',', "visits", &["1", "n/a", "null", "–", "", "NaN", "#N/A", "3"], Amount, Some(4.0)),
    (',', "visits", &["(5)", "-", "9"], Amount, Some(4.0)),
    (',', "visits", &["k.A.", "5", "7"], Amount, Some(12.0)),
    (',', "visits", &["#DIV/0!", "5", "7"], Amount, Some(12.0)),
    (',', "nothing", &["N/A", "-", "null"], Empty, None),
    (',', "visits", &["5", "seven", "9"], Amount, Some(14.0)),
    // Percentages and rates.
    (',', "margin", &["12.5%", "-3.25%"], Percent, Some(4.625)),
    (';', "Marge", &["12,5 %", "7,5 %"], Percent, Some(10.0)),
    (',', "CTR", &["0.031", "0.05"], Rate, Some(0.0405)),
    (',', "Engagement rate", &["3", "5"], Rate, Some(4.0)),
    (',', "avg_position", &["1.2", "3.4"], Rate, Some(2.3)),
    (',', "cost per click", &["0.5", "0.7"], Rate, Some(0.6)),
    (',', "shares", &["3", "5"], Amount, Some(8.0)),
    (',', "share", &["0.25", "0.75"], Rate, Some(0.5)),
    // Currencies before and after, alone and mixed.
    (',', "cost", &["€5", "€7.50"], Amount, Some(12.5)),
    (';', "kosten", &["5,00 €", "1.007,50 €"], Amount, Some(1012.5)),
    (',', "cost", &["USD 5", "7 USD"], Amount, Some(12.0)),
    (',', "cost", &["EUR 5", "7 €"], Amount, Some(12.0)),
    (',', "cost", &["CHF 1'000.05", "CHF 2"], Amount, Some(1002.05)),
    (',', "cost", &["$5", "6"], Amount, Some(11.0)),
    (',', "cost", &["$5", "€6", "$7"], Mixed, None),
    (',', "cost", &["5 USD", "6 EUR"], Mixed, None),
    (',', "cost", &["US$5", "A$6"], Mixed, None),
    (',', "budget", &["$ -", "$5.00"], Amount, Some(5.0)),
    // Suffixes, units, powers of ten.
    (',', "views", &["1.2K", "3.4M"], Amount, Some(3_401_200.0)),
    (',', "views", &["1.2k", "3m", "900"], Amount, Some(3_002_100.0)),
    (',', "length", &["3m", "5m"], Amount, Some(8.0)),
    (',', "revenue", &["$1.5bn", "$2M"], Amount, Some(1_502_000_000.0)),
    (';', "umsatz", &["1,5 Mio. €", "2 Tsd. €"], Amount, Some(1_502_000.0)),
    (',', "weight", &["5 kg", "7.5 kg"], Amount, Some(12.5)),
    (',', "weight", &["5 kg", "300 g", "2 kg"], Mixed, None),
    (',', "seat", &["12A", "14C", "3F"], Text, None),
    (',', "x", &["1.5e3", "2E-2"], Amount, Some(1500.02)),
    // Names of things in digits.
    (',', "user_id", &["1861", "1862"], Identifier, None),
    (',', "Post ID", &["1", "2", "3"], Identifier, None),
    (',', "zip", &["01234", "10115"], Identifier, None),
    (',', "ort", &["01234", "00115"], Identifier, None),
    (',', "phone", &["+49 30 123456", "030 1234"], Identifier, None),
    (',', "Order number", &["77", "78"], Identifier, None),
    (',', "number of clicks", &["77", "78"], Amount, Some(155.0)),
    (',', "tweet", &["1861234567890123456", "1861234567890123457"], Identifier, None),
    (';', "Kundennummer", &["10.234", "10.235"], Identifier, None),
    (',', "", &["0", "1", "2"], Identifier, None),
    // The calendar.
    (',', "year", &["2024", "2025"], Year, None),
    (';', "Jahr", &["2024", "2023"], Year, None),
    (',', "period", &["2023", "2024", "2025"], Year, None),
    (',', "clicks", &["1950", "2010"], Amount, Some(3960.0)),
    (',', "month", &["1", "2", "12"], CalendarPart, None),
    (',', "hour", &["0", "23"], CalendarPart, None),
    (',', "hours", &["7.5", "8"], Amount, Some(15.5)),
    (',', "created_at", &["1764000000", "1764000060"], Moment, None),
    (',', "date", &["20261103", "20261104"], Moment, None),
    (',', "date", &["2026-11-03", "2026-11-04"], Date, None),
    (';', "datum", &["03.11.2026", "24.12.2026"], Date, None),
    (',', "date", &["03/02/2026", "19/02/2026"], Date, None),
    (',', "date", &["Feb 3, 2026 9:15 AM", "Feb 19, 2026"], Text, None),
    (',', "when", &["3 Feb 2026", "19 Feb 2026", ""], Date, None),
    (',', "date", &["03/02/2026", "04/02/2026"], Text, None),
    // Words.
    (',', "country", &["DE", "FR"], Text, None),
    (',', "duration", &["1:30", "0:45"], Text, None),
    (',', "version", &["1.2.3", "1.10.0"], Text, None),
    (',', "address", &["10.0.0.1", "10.0.0.2"], Text, None),
    (',', "flag", &["true", "false"], Text, None),
];

#[test]
fn columns_are_what_their_values_say() {
    assert!(COLUMNS.len() >= 60);
    for (delimiter, name, cells, expected, number) in COLUMNS {
        let mut text = format!("label{delimiter}{name}\n");
        for (at, cell) in cells.iter().enumerate() {
            let letters = ["ab", "cd", "ef", "gh", "ij", "kl", "mn", "op"];
            text.push_str(&format!("{}{delimiter}{cell}\n", letters[at]));
        }
        let table = table("f.csv", &text);
        let said = format!("{text}{:?} {:?}", table.columns.last(), table.notes);
        let column = &table.columns[1];
        assert_eq!(kind(column), *expected, "{said}");
        let numbers = column.numbers.as_ref();
        let found = match expected {
            Amount => numbers.and_then(|numbers| numbers.sum),
            Rate | Percent => numbers.map(|numbers| numbers.mean),
            _ => None,
        };
        match (found, number) {
            (Some(found), Some(number)) => assert!((found - number).abs() < 1e-9, "{found} is not {number}: {said}"),
            (found, number) => assert_eq!(found, *number, "{said}"),
        }
        if *expected != Amount {
            assert!(numbers.is_none_or(|numbers| numbers.sum.is_none()), "never added up: {said}");
        }
    }
}

/// Nothing is left out in silence, and no weak sign is used in silence.
#[test]
fn what_is_left_out_or_guessed_is_said() {
    for (text, said) in [
        ("a;visits\nx;1.234\ny;2.500\n", "`visits` the dot groups thousands (`1.234`)"),
        ("a;price\nx;1,234\ny;2,500\n", "`price` the comma is the decimal mark (`1,234`)"),
        ("a,n\nx,5\ny,seven\nz,9\n", "1 cell of `n` could not be read as a number and is left out: `seven`"),
        ("a,p\nx,5%\ny,7%\nz,0.3\n", "no per cent sign"),
        ("a,cost\nx,$5\ny,€6\n", "`cost` has several currencies"),
        ("a,n\nx,(5)\ny,-\nz,7\n", "a dash in `n` is read as zero"),
        ("a,d\nx,03/02/2026\ny,04/02/2026\n", "day and month of `d` could change places"),
        ("a\td\tm\nx\t1.234,5\t1,234.5\ny\t2\t3\n", ""),
        ("a;n\nx;1.234,5\ny;1,234.5\nz;1.234\n", "`n` has numbers with the dot and numbers with the comma"),
        ("a;n\nx;1.234,5\ny;1,234.5\nz;1.234\n", "these could be either"),
        ("a,n\nx,red\ny,5\nz,blue\n", "`n` is read as text: only 1 of its 3 values are numbers"),
    ] {
        let table = table("f.csv", text);
        assert!(table.notes.join("; ").contains(said), "{text}: {:?}", table.notes);
    }
}

#[test]
fn where_nothing_decides_it_is_asked_and_the_answer_counts() {
    use openanalyst_tables::Decimal;
    for text in [
        "a\tvisits\nx\t1.234\ny\t2.500\n",
        "a|visits\nx|1.234\ny|2.500\n",
        "visits\n1.234\n2.500\n",
        // The comma between cells speaks for a decimal dot, the smaller numbers for groups.
        "a,visits\nx,1.234\ny,950\nz,7\n",
    ] {
        let asked = table("f.txt", text);
        assert_eq!(asked.questions.len(), 1, "{text}: {asked:?}");
        let question = &asked.questions[0];
        assert_eq!((question.columns[0].as_str(), question.example.as_str()), ("visits", "1.234"));
        assert_eq!((question.with_dot.as_str(), question.with_comma.as_str()), ("1.234", "1234"));
        assert!(asked.column("visits").unwrap().numbers.is_none(), "no number before the answer");
        for (answer, first) in [(Decimal::Dot, 1.234), (Decimal::Comma, 1234.0)] {
            let answered = super::table_of("f.txt", text.as_bytes(), Some(answer));
            assert!(answered.questions.is_empty());
            let numbers = answered.column("visits").unwrap().numbers.clone().unwrap();
            assert!(numbers.min == first || numbers.max == first || numbers.median == first, "{numbers:?}");
        }
    }
}

#[test]
fn answers_are_understood_in_words_too() {
    use openanalyst_tables::Decimal::{Comma, Dot};
    let question = table("f.txt", "a\tvisits\nx\t1.234\ny\t2.500\n").questions.remove(0);
    assert!(question.text("f.txt").contains("Is `1.234` 1.234 or 1234?"), "{}", question.text("f.txt"));
    for (answer, expected) in [
        ("1.234", Some(Dot)),
        ("1234", Some(Comma)),
        (" 1234. ", Some(Comma)),
        ("the dot groups thousands", Some(Comma)),
        ("thousands", Some(Comma)),
        ("the dot is the decimal mark", Some(Dot)),
        ("decimal comma", Some(Comma)),
        ("whatever", None),
    ] {
        assert_eq!(question.decimal(answer), expected, "{answer}");
    }
}
