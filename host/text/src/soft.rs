//! Words that are nearly the same: misspelled, derived from one another, or joined into one.
//!
//! Everything here is symmetric: exchanging the two sides gives the same matches with the sides exchanged.

use std::collections::HashSet;

/// Most different words of each side that are compared letter by letter; the words of an ordinary page that have no equal are fewer.
pub(crate) const MAX_WORDS: usize = 200;
/// Shortest word that may be misspelled, in characters; in shorter ones every letter counts.
const MIN_TYPO_CHARS: usize = 4;
/// Least Jaro-Winkler likeness of a misspelled word.
const MIN_JARO_WINKLER: f64 = 0.88;
/// Least common beginning of a derived word, in characters, and least share of letter trigrams.
const MIN_BEGINNING_CHARS: usize = 4;
const MIN_TRIGRAMS: f64 = 0.5;
/// What a compound is worth when both of its parts are there, and when one is.
const COMPOUND: f64 = 0.95;
const HALF_COMPOUND: f64 = 0.6;

/// A match: places on the left, places on the right, and how alike they are, above 0 to 1. One side has one place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Match {
    pub(crate) left: Vec<usize>,
    pub(crate) right: Vec<usize>,
    pub(crate) likeness: f64,
    /// One is the other with a negating prefix: the same word, turned around.
    pub(crate) turned: Turned,
}

/// Which side has the negating prefix, if any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    Neither,
    Left,
    Right,
}

/// All matches between two lists of different words, best first. Reads the first [`MAX_WORDS`] of each.
pub(crate) fn matches(left: &[&str], right: &[&str]) -> Vec<Match> {
    let (left, right) = (forms(left), forms(right));
    let mut found: Vec<(Match, String)> = Vec::new();
    for (i, a) in left.iter().enumerate() {
        for (j, b) in right.iter().enumerate() {
            let turned = match (is_opposite(a.word, b.word), is_opposite(b.word, a.word)) {
                (true, false) => Turned::Left,
                (false, true) => Turned::Right,
                _ => Turned::Neither,
            };
            let likeness = if turned == Turned::Neither { likeness(a, b) } else { 1.0 };
            if likeness > 0.0 {
                let key = if a.word < b.word { [a.word, b.word] } else { [b.word, a.word] };
                found.push((Match { left: vec![i], right: vec![j], likeness, turned }, key.join(" ")));
            }
        }
    }
    for (i, whole) in left.iter().enumerate() {
        if let Some((first, last)) = parts(whole, &right) {
            let key = whole.word.to_owned();
            found.push((
                Match { left: vec![i], right: vec![first, last], likeness: COMPOUND, turned: Turned::Neither },
                key,
            ));
        }
    }
    for (j, whole) in right.iter().enumerate() {
        if let Some((first, last)) = parts(whole, &left) {
            let key = whole.word.to_owned();
            found.push((
                Match { left: vec![first, last], right: vec![j], likeness: COMPOUND, turned: Turned::Neither },
                key,
            ));
        }
    }
    found.sort_by(|(a, a_key), (b, b_key)| b.likeness.total_cmp(&a.likeness).then_with(|| a_key.cmp(b_key)));
    found.into_iter().map(|(found, _)| found).collect()
}

struct Form<'a> {
    word: &'a str,
    chars: usize,
    /// The first and the last character.
    ends: (Option<char>, Option<char>),
    grams: HashSet<[char; 3]>,
}

fn forms<'a>(words: &[&'a str]) -> Vec<Form<'a>> {
    let form = |word: &&'a str| {
        let padded: Vec<char> = [' '].into_iter().chain(word.chars()).chain([' ']).collect();
        let grams = padded.windows(3).filter_map(|window| <[char; 3]>::try_from(window).ok()).collect();
        Form { word, chars: word.chars().count(), ends: (word.chars().next(), word.chars().next_back()), grams }
    };
    words.iter().take(MAX_WORDS).map(form).collect()
}

/// How alike two different words are; 0 where they are just two words.
fn likeness(a: &Form<'_>, b: &Form<'_>) -> f64 {
    let (short, long) = if a.chars <= b.chars { (a, b) } else { (b, a) };
    if short.chars < MIN_TYPO_CHARS {
        return 0.0;
    }
    let most = if long.chars >= 8 { 2 } else { 1 };
    // One or two wrong letters leave the first or the last one as it was; nearly all pairs of words end here.
    let ends_agree = a.ends.0 == b.ends.0 || a.ends.1 == b.ends.1;
    if ends_agree && long.chars - short.chars <= most {
        // The library's measure is not symmetric to the last bit; a fixed order makes it so.
        let (first, second) = if a.word < b.word { (a.word, b.word) } else { (b.word, a.word) };
        let jaro_winkler = strsim::jaro_winkler(first, second);
        if jaro_winkler >= MIN_JARO_WINKLER && strsim::osa_distance(first, second) <= most {
            return 0.95 * jaro_winkler;
        }
    }
    if same_beginning(short.word, long.word) >= MIN_BEGINNING_CHARS {
        let shared = short.grams.intersection(&long.grams).count();
        #[expect(clippy::cast_precision_loss, reason = "at most a few dozen trigrams")]
        let dice = 2.0 * shared as f64 / (short.grams.len() + long.grams.len()) as f64;
        if dice >= MIN_TRIGRAMS {
            return 0.5 + 0.5 * dice;
        }
    }
    let is_part = long.word.starts_with(short.word) || long.word.ends_with(short.word);
    if short.chars >= 5 && is_part && short.chars * 5 >= long.chars * 2 { HALF_COMPOUND } else { 0.0 }
}

/// How many characters the words have in common at their beginnings.
fn same_beginning(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}

/// The two words that a compound is made of. Between them there may be a joining letter or two, as in German.
fn parts(whole: &Form<'_>, words: &[Form<'_>]) -> Option<(usize, usize)> {
    let best = |fits: &dyn Fn(&Form<'_>) -> bool| {
        let fitting = words.iter().enumerate().filter(|(_, part)| part.chars < whole.chars && fits(part));
        fitting.max_by_key(|(place, part)| (part.chars, std::cmp::Reverse(*place)))
    };
    let (first, begin) = best(&|part| whole.word.starts_with(part.word))?;
    let (last, end) = best(&|part| whole.word.ends_with(part.word))?;
    let covered = begin.chars + end.chars;
    (first != last && whole.chars >= 5 && covered <= whole.chars && whole.chars - covered <= 2).then_some((first, last))
}

/// Whether the first word is the second one with a negating prefix. Their endings may have been cut differently: `imposs`, `possibl`.
fn is_opposite(long: &str, short: &str) -> bool {
    const PREFIXES: &[&str] = &["un", "in", "im", "il", "ir", "dis", "non"];
    let is_it = |rest: &str| {
        let cut = rest.len().min(short.len()) >= 4 && rest.len().abs_diff(short.len()) <= 3;
        rest.len() >= 3 && (rest == short || cut && (rest.starts_with(short) || short.starts_with(rest)))
    };
    PREFIXES.iter().filter_map(|prefix| long.strip_prefix(prefix)).any(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(left: &[&str], right: &[&str]) -> Option<Match> {
        matches(left, right).into_iter().next()
    }

    #[test]
    fn misspelled_and_derived() {
        for (a, b) in [("recieve", "receive"), ("shedul", "schedul"), ("analys", "analyt"), ("decid", "decis")] {
            assert!(
                best(&[a], &[b]).is_some_and(|found| found.likeness > 0.7 && found.turned == Turned::Neither),
                "{a} {b}"
            );
        }
        for (a, b) in [("cat", "car"), ("increas", "decreas"), ("import", "export"), ("cost", "post"), ("rose", "fell")]
        {
            assert_eq!(best(&[a], &[b]), None, "{a} {b}");
        }
    }

    #[test]
    fn compounds() {
        let found = best(&["quartalsbericht"], &["bericht", "quartal"]).unwrap();
        assert_eq!((found.left, found.right), (vec![0], vec![1, 0]));
        assert!(best(&["web", "site"], &["websit"]).is_none_or(|found| found.left.len() == 1));
        assert!(best(&["web", "site"], &["website"]).is_some_and(|found| found.left == [0, 1]));
        assert!(best(&["e", "mail"], &["email"]).is_some_and(|found| found.likeness > 0.9));
        assert!(best(&["verkaufszahl"], &["verkauf"]).is_some_and(|found| found.likeness < 0.9));
    }

    #[test]
    fn opposites() {
        let turned = |a: &str, b: &str| best(&[a], &[b]).map(|found| found.turned);
        assert_eq!(turned("unhappi", "happi"), Some(Turned::Left));
        assert_eq!(turned("possibl", "imposs"), Some(Turned::Right));
        assert_eq!(turned("happi", "happi"), Some(Turned::Neither));
    }
}
