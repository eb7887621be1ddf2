//! Takes a text apart into words and numbers, the same way for facts and for what is checked against them.

#[derive(Debug, PartialEq)]
pub(super) enum Token {
    /// Letters alone, in lower case.
    Word(String),
    /// Digits, with groups and decimals.
    Number { value: f64, is_percent: bool, shown: String },
    /// Digits and letters in one, or what else is no plain number, in lower case.
    Mixed(String),
}

/// The words and numbers of a text, in order.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let letters: Vec<char> = text.chars().collect();
    // `1,234.5` is one: a point or comma between digits joins them.
    let joins = |at: usize| {
        matches!(letters[at], '.' | ',')
            && at > 0
            && letters[at - 1].is_ascii_digit()
            && letters.get(at + 1).is_some_and(char::is_ascii_digit)
    };
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let start = at;
        while at < letters.len() && (letters[at].is_alphanumeric() || joins(at)) {
            at += 1;
        }
        if at == start {
            at += 1;
            continue;
        }
        let run: String = letters[start..at].iter().collect();
        if !run.contains(char::is_numeric) {
            tokens.push(Token::Word(run.to_lowercase()));
        } else if run.contains(|letter: char| !letter.is_ascii_digit() && !matches!(letter, '.' | ',')) {
            tokens.push(Token::Mixed(run.to_lowercase()));
        } else {
            push_numbers(&mut tokens, &run, says_percent(&letters[at..]));
        }
    }
    tokens
}

/// Digits, points and commas: one number, several with commas between them, or something like a date.
fn push_numbers(tokens: &mut Vec<Token>, run: &str, is_percent: bool) {
    let (whole, decimals) = run.split_once('.').unwrap_or((run, ""));
    let groups: Vec<&str> = whole.split(',').collect();
    let is_grouped = groups.len() == 1 || groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3);
    let number = |text: &str, is_percent: bool| {
        text.parse().ok().map(|value| Token::Number { value, is_percent, shown: run.to_owned() })
    };
    let is_list = decimals.is_empty() && !is_grouped;
    if is_list {
        let last = groups.len() - 1;
        tokens.extend(groups.iter().enumerate().filter_map(|(index, one)| number(one, is_percent && index == last)));
    } else if is_grouped && !decimals.contains(['.', ',']) {
        tokens.extend(number(&format!("{}.{decimals}", groups.concat()), is_percent));
    } else {
        tokens.push(Token::Mixed(run.to_owned()));
    }
}

/// Whether what follows a number makes it one of per cent.
fn says_percent(rest: &[char]) -> bool {
    let next: String = rest.iter().take(10).collect();
    let next = next.trim_start_matches([' ', '\u{a0}', '\u{202f}']).to_lowercase();
    next.starts_with('%') || next.starts_with("percent") || next.starts_with("per cent")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_told_apart() {
        let number = |value, is_percent, shown: &str| Token::Number { value, is_percent, shown: shown.into() };
        let table = [
            ("It's Me", vec![Token::Word("it".into()), Token::Word("s".into()), Token::Word("me".into())]),
            ("1,234.5", vec![number(1_234.5, false, "1,234.5")]),
            ("10,20 %", vec![number(10.0, false, "10,20"), number(20.0, true, "10,20")]),
            (
                "5 per cent, 7",
                vec![
                    number(5.0, true, "5"),
                    Token::Word("per".into()),
                    Token::Word("cent".into()),
                    number(7.0, false, "7"),
                ],
            ),
            ("Q3 5k", vec![Token::Mixed("q3".into()), Token::Mixed("5k".into())]),
            ("1.2.3", vec![Token::Mixed("1.2.3".into())]),
            ("2026-11-04", vec![number(2_026.0, false, "2026"), number(11.0, false, "11"), number(4.0, false, "04")]),
            ("… !", vec![]),
        ];
        for (text, expected) in table {
            assert_eq!(tokens(text), expected, "{text}");
        }
    }
}
