//! Which documents fit a query: Okapi BM25 over stems.
//!
//! Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with the usual `k1` and `b`, and the
//! inverse document frequency under a logarithm of one plus, which is never negative.

use std::collections::HashMap;

use crate::MAX_WORDS;
use crate::language::Language;
use crate::pieces::{Piece, pieces};
use crate::words::{Kind, Word, language_of, read, words};

/// How soon more occurrences of a word stop to count.
const K1: f64 = 1.2;
/// How much the length of a document counts, 0 to 1.
const B: f64 = 0.75;
/// Most words of a query that are read.
pub(crate) const MAX_QUERY_WORDS: usize = 200;

/// The normalized words of a text in their order, repeated where they are repeated: what a search index stores and what a query is made of.
///
/// Words are in compatibility form, lower case, and reduced to stems in the language that [`Language::of`] tells (none: as they are);
/// numbers are in one spelling; scripts without spaces give pairs of characters. Stop words and negations are left out, except in a text
/// that has nothing else. Reads the first [`MAX_WORDS`] words.
///
/// A query of one or two words often tells no language, and then its words are not reduced: where that matters use [`stems_in`] with the
/// language of the documents, or [`rank`], which does so.
#[must_use]
pub fn stems(text: &str) -> Vec<String> {
    telling(read(text, MAX_WORDS))
}

/// [`stems`] of a text whose language is known, or known to be neither.
#[must_use]
pub fn stems_in(text: &str, language: Option<Language>) -> Vec<String> {
    telling(words(&pieces(text, MAX_WORDS), language))
}

/// The documents that fit a query, best first, with their BM25 scores: above 0, without an upper end, comparable within one call only.
///
/// Documents that share no word with the query are left out; equal scores stand in the order of the documents. Each document is read in
/// its own language, and the query with it; one that tells none is read in the query's. Stop words of the query count only if it has no
/// others. Reads the first 200 words of the query and the first [`MAX_WORDS`] of each document.
#[must_use]
pub fn rank(query: &str, documents: &[&str]) -> Vec<(usize, f64)> {
    let query = Query::new(query);
    let mut variants: HashMap<Option<Language>, HashMap<String, usize>> = HashMap::new();
    let counted: Vec<Counted> = documents
        .iter()
        .map(|document| {
            let pieces = pieces(document, MAX_WORDS);
            let language = language_of(&pieces).or(query.language);
            let terms = variants.entry(language).or_insert_with(|| query.terms(language));
            Counted::of(&words(&pieces, language), terms)
        })
        .collect();
    let mut ranked: Vec<(usize, f64)> = scores(&counted).into_iter().enumerate().filter(|(_, it)| *it > 0.0).collect();
    ranked.sort_by(|(a, a_score), (b, b_score)| b_score.total_cmp(a_score).then(a.cmp(b)));
    ranked
}

/// A query, to be read in the language of what it is compared with.
pub(crate) struct Query {
    pieces: Vec<Piece>,
    pub(crate) language: Option<Language>,
}

impl Query {
    pub(crate) fn new(text: &str) -> Self {
        let pieces = pieces(text, MAX_QUERY_WORDS);
        let language = language_of(&pieces);
        Self { pieces, language }
    }

    /// Its different stems, each with the number of its first word: the same word has the same number in every language.
    pub(crate) fn terms(&self, language: Option<Language>) -> HashMap<String, usize> {
        let words = words(&self.pieces, language);
        let any = words.iter().any(tells);
        let mut terms = HashMap::new();
        for (number, word) in words.into_iter().enumerate().filter(|(_, word)| !any || tells(word)) {
            terms.entry(word.stem).or_insert(number);
        }
        terms
    }
}

/// A document as BM25 sees it.
pub(crate) struct Counted {
    length: usize,
    /// How often each word of the query occurs, by its number.
    hits: HashMap<usize, usize>,
}

impl Counted {
    pub(crate) fn of(words: &[Word], terms: &HashMap<String, usize>) -> Self {
        let mut hits = HashMap::new();
        for number in words.iter().filter_map(|word| terms.get(&word.stem)) {
            *hits.entry(*number).or_insert(0) += 1;
        }
        Self { length: words.len(), hits }
    }
}

/// The BM25 score of each document; 0 for those that share no word with the query.
#[expect(clippy::cast_precision_loss, reason = "counts of words and documents")]
pub(crate) fn scores(documents: &[Counted]) -> Vec<f64> {
    let mut known: HashMap<usize, usize> = HashMap::new();
    for number in documents.iter().flat_map(|document| document.hits.keys()) {
        *known.entry(*number).or_insert(0) += 1;
    }
    let all = documents.len() as f64;
    let average = documents.iter().map(|document| document.length as f64).sum::<f64>() / all.max(1.0);
    let score = |document: &Counted| {
        let length = 1.0 - B + B * document.length as f64 / average.max(1.0);
        let mut hits: Vec<(&usize, &usize)> = document.hits.iter().collect();
        // Sums of floating-point numbers depend on their order.
        hits.sort_unstable();
        let term = |(number, count): (&usize, &usize)| {
            let documents = known.get(number).map_or(0.0, |count| *count as f64);
            let rarity = (1.0 + (all - documents + 0.5) / (documents + 0.5)).ln();
            let count = *count as f64;
            rarity * count * (K1 + 1.0) / (count + K1 * length)
        };
        hits.into_iter().map(term).sum()
    };
    documents.iter().map(score).collect()
}

/// Whether a word says something about what is meant.
pub(crate) fn tells(word: &Word) -> bool {
    matches!(word.kind, Kind::Content | Kind::Value | Kind::Pair)
}

fn telling(words: Vec<Word>) -> Vec<String> {
    let any = words.iter().any(tells);
    words.into_iter().filter(|word| !any || tells(word)).map(|word| word.stem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_of_texts() {
        assert_eq!(stems("The editors scheduled 1,000 posts."), ["editor", "schedul", "1000", "post"]);
        assert_eq!(stems("Die Umsätze sind gestiegen."), stems("Der Umsatz ist gestiegen."));
        assert_eq!(stems("to be or not to be").len(), 6);
        assert_eq!(stems_in("posts", Some(Language::English)), ["post"]);
        assert!(stems("…").is_empty());
    }

    #[test]
    fn the_rare_word_decides() {
        let documents =
            ["the report on sales", "a report on the whales of the north", "report, report, report", "nothing here"];
        let ranked = rank("reports on whales", &documents);
        assert_eq!(ranked.first().map(|(index, _)| *index), Some(1));
        assert_eq!(ranked.len(), 3);
        assert!(ranked.windows(2).all(|pair| pair[0].1 >= pair[1].1));
    }

    #[test]
    fn ties_stand_in_their_order_and_strangers_are_left_out() {
        let ranked = rank("coffee", &["tea", "some coffee", "some coffee", ""]);
        assert_eq!(ranked.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 2]);
        assert!(rank("", &["a"]).is_empty());
        assert!(rank("a", &[]).is_empty());
    }

    #[test]
    fn a_query_is_read_in_the_language_of_each_document() {
        let documents = ["Die Umsätze der Filialen sind gestiegen.", "The forecasts are wrong."];
        assert_eq!(rank("Umsatz", &documents).len(), 1);
        assert_eq!(rank("forecast", &documents).len(), 1);
        assert_eq!(rank("the", &documents).len(), 1, "only stop words: then they count");
    }
}
