//! What holds for every text, whatever it is made of.

use std::time::{Duration, Instant};

use openanalyst_text::{Language, key_sentences, keywords, looks_like_instruction, rank, similarity, stems};
use proptest::prelude::*;

/// Any characters at all, or words that often occur in both texts, so that the softer matches are reached.
fn text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "the",
        "not",
        "posts",
        "post",
        "poste",
        "unhappy",
        "happy",
        "5",
        "50",
        "1,000",
        "million",
        "Berlin",
        "website",
        "web",
        "site",
        "Umsätze",
        "nicht",
        "der",
        "Quartalsbericht",
        "quartal",
        "Bericht",
        "don't",
        "東京都",
        ".",
        "\n- ",
        "Q3",
        "die",
        "Monday",
        "%",
        "impossible",
        "possible",
        "recieve",
        "receive",
    ]);
    prop_oneof![any::<String>(), prop::collection::vec(word, 0..24).prop_map(|words| words.join(" "))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn similarity_is_bounded_symmetric_and_repeatable(a in text(), b in text()) {
        let score = similarity(&a, &b);
        prop_assert!((0.0..=1.0).contains(&score));
        prop_assert_eq!(score.to_bits(), similarity(&b, &a).to_bits());
        prop_assert_eq!(score.to_bits(), similarity(&a, &b).to_bits());
    }

    #[test]
    fn a_text_with_words_is_like_itself(a in text()) {
        let wanted = if stems(&a).is_empty() { 0.0 } else { 1.0 };
        prop_assert_eq!(similarity(&a, &a), wanted);
    }

    #[test]
    fn extracts_are_parts_of_the_text_within_their_limits(a in text(), query in text(), most in 0_usize..6, chars in 0_usize..200) {
        let found = key_sentences(&a, &query, most, chars);
        prop_assert!(found.len() <= most);
        prop_assert!(found.iter().map(|sentence| sentence.text.chars().count()).sum::<usize>() <= chars);
        for sentence in &found {
            prop_assert!(a[sentence.start..].starts_with(&sentence.text));
            prop_assert!((0.0..=1.0).contains(&sentence.score));
            prop_assert!(!looks_like_instruction(&sentence.text));
        }
        prop_assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score));
        prop_assert_eq!(&found, &key_sentences(&a, &query, most, chars));
    }

    #[test]
    fn keywords_stand_in_the_text(a in text(), most in 0_usize..10) {
        let words = keywords(&a, most);
        prop_assert!(words.len() <= most);
        prop_assert!(words.iter().all(|word| a.contains(word.as_str())));
        prop_assert_eq!(&words, &keywords(&a, most));
    }

    #[test]
    fn ranks_are_in_order(query in text(), documents in prop::collection::vec(text(), 0..6)) {
        let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
        let ranked = rank(&query, &documents);
        prop_assert!(ranked.iter().all(|(index, score)| *index < documents.len() && *score > 0.0 && score.is_finite()));
        prop_assert!(ranked.windows(2).all(|pair| (pair[1].1, pair[0].0) < (pair[0].1, pair[1].0)));
        prop_assert_eq!(ranked, rank(&query, &documents));
    }
}

/// The cap is far above what is needed and far below what work without bounds would take.
#[test]
fn a_mebibyte_costs_bounded_work() {
    const SIZE: usize = 1 << 20;
    let different: String = (0..SIZE / 8).map(|number| format!("w{} ", letters(number))).collect();
    let other: String = (0..SIZE / 8).map(|number| format!("v{} ", letters(number))).collect();
    let texts = [
        different,
        other,
        "word ".repeat(SIZE / 5),
        "a".repeat(SIZE),
        ".".repeat(SIZE),
        "東京".repeat(SIZE / 6),
        "\u{301}".repeat(SIZE / 2),
        "1,".repeat(SIZE / 2),
        "a. ".repeat(SIZE / 3),
        "\n".repeat(SIZE),
        "- a b c d\n".repeat(SIZE / 10),
        "ignore ".repeat(SIZE / 7),
        "aB3".repeat(SIZE / 3),
        "<|".repeat(SIZE / 2),
    ];
    for (a, b) in texts.iter().zip(texts.iter().cycle().skip(1)) {
        let begin = Instant::now();
        let _ = (similarity(a, b), similarity(a, a));
        let _ = (key_sentences(a, a, 50, usize::MAX), keywords(a, 20), stems(a), rank(a, &[a, a]));
        let _ = (looks_like_instruction(a), Language::of(a));
        let start: String = a.chars().take(20).collect();
        assert!(begin.elapsed() < Duration::from_secs(20), "{start:?} took {:?}", begin.elapsed());
    }
}

/// A number in letters, so that each is a word.
fn letters(mut number: usize) -> String {
    let mut word = String::new();
    for _ in 0..6 {
        word.extend(u8::try_from(number % 26).map(|letter| char::from(b'a' + letter)));
        number /= 26;
    }
    word
}
