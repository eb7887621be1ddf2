//! Whole numbers beyond what a double holds, and numbers written with a power of ten.

use super::table;

#[test]
fn whole_numbers_are_shown_exactly_whatever_their_size() {
    for (name, text, sum) in [
        ("f.csv", "views\n9007199254740993\n", "9,007,199,254,740,993"),
        ("f.csv", "n\n9007199254740993\n1\n1\n", "9,007,199,254,740,995"),
        ("f.csv", "n\n\"9,007,199,254,740,993\"\n-1\n", "9,007,199,254,740,992"),
        ("f.csv", "amount\n4503599627370497\n4503599627370498\n", "9,007,199,254,740,995"),
        ("f.csv", "n\n1e3\n2e3\n", "3,000"),
        ("f.csv", "n\n1e18\n1\n", "1,000,000,000,000,000,001"),
        ("f.csv", "n\n1e3\n0.5\n", "1,000.5"),
        ("f.json", "[{\"n\":1e3},{\"n\":2}]", "1,002"),
        ("f.json", "[9007199254740993,2]", "9,007,199,254,740,995"),
        ("f.csv", "n\n100\n200\n", "300"),
    ] {
        let table = table(name, text);
        let shown = table.columns[0].shown.as_ref().map(|shown| shown.sum.as_str());
        assert_eq!(shown, Some(sum), "{text}");
    }
}
