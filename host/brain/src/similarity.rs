//! How alike two texts are, 0 to 1.
//!
//! The cosine of the two texts' letter trigrams, taken word by word: the order of the words does not matter, and inflected forms of a
//! word share most of their trigrams. It compares spelling, not meaning: synonyms count as different words.

use std::collections::HashMap;

/// Most characters of each text that are compared.
const MAX_CHARS: usize = 20_000;

/// The likeness of two texts. 1 for texts with the same words in any order; 0 where they share nothing, or one of them has no words.
#[must_use]
pub fn similarity(a: &str, b: &str) -> f64 {
    let (a, b) = (trigrams(a), trigrams(b));
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let dot: f64 = a.iter().filter_map(|(gram, count)| b.get(gram).map(|other| count * other)).sum();
    let norm = |grams: &HashMap<[char; 3], f64>| grams.values().map(|count| count * count).sum::<f64>().sqrt();
    (dot / (norm(&a) * norm(&b))).clamp(0.0, 1.0)
}

fn trigrams(text: &str) -> HashMap<[char; 3], f64> {
    let mut grams = HashMap::new();
    let lower: String = text.chars().take(MAX_CHARS).flat_map(char::to_lowercase).collect();
    for word in lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let padded: Vec<char> = [' '].into_iter().chain(word.chars()).chain([' ']).collect();
        for window in padded.windows(3) {
            if let Ok(gram) = <[char; 3]>::try_from(window) {
                *grams.entry(gram).or_insert(0.0) += 1.0;
            }
        }
    }
    grams
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_and_inflection_little() {
        assert!(similarity("the quick brown fox", "fox brown quick the") > 0.999);
        assert!(similarity("schedule the posts", "scheduling the post") > 0.6);
        assert!(similarity("schedule the posts", "a recipe for apple cake") < 0.3);
        assert!(similarity("", "something") < f64::EPSILON);
        assert!(similarity("!?", "!?") < f64::EPSILON, "no words, no likeness");
    }
}
