//! The body of a request, and what an answer must be to be used.

use serde::{Deserialize, Serialize};

use super::MAX_DIMENSION;

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: Vec<&'a str>,
    encoding_format: &'static str,
}

/// The body of a request for the vectors of these texts.
pub(super) fn request(model: &str, texts: Vec<&str>) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Request { model, input: texts, encoding_format: "float" })
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    /// Which text it belongs to. Servers that leave it out answer in the order of the texts.
    index: Option<usize>,
    embedding: Vec<f32>,
}

/// The vectors of an answer in the order of the `count` texts, each scaled to the length one.
///
/// # Errors
/// Why the answer is not used: no part of it is then.
pub(super) fn vectors(body: &[u8], count: usize) -> Result<Vec<Vec<f32>>, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| "it is no list of embeddings".to_owned())?;
    if answer.data.len() != count {
        return Err(format!("it holds {} vectors for {count} texts", answer.data.len()));
    }
    let dimension = answer.data.first().map_or(0, |item| item.embedding.len());
    if !(1..=MAX_DIMENSION).contains(&dimension) {
        return Err(format!("a vector has {dimension} numbers; 1 to {MAX_DIMENSION} are allowed"));
    }
    let mut vectors: Vec<Vec<f32>> = vec![Vec::new(); count];
    for (place, item) in answer.data.into_iter().enumerate() {
        if item.embedding.len() != dimension {
            return Err(format!("one vector has {dimension} numbers and another {}", item.embedding.len()));
        }
        let index = item.index.unwrap_or(place);
        let free = vectors.get_mut(index).filter(|vector| vector.is_empty());
        let free = free.ok_or_else(|| format!("the index {index} is out of range or stands there twice"))?;
        *free = unit(item.embedding).ok_or_else(|| format!("vector {index} is zero, or not all numbers are finite"))?;
    }
    Ok(vectors)
}

/// The vector with the length one. None: it has no direction.
fn unit(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    // The sum in f64, so that large numbers do not overflow.
    let length = vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
    if !length.is_finite() || length < 1e-12 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most one")]
    vector.iter_mut().for_each(|number| *number = (f64::from(*number) / length) as f32);
    Some(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str, count: usize) -> Result<Vec<Vec<f32>>, String> {
        vectors(body.as_bytes(), count)
    }

    #[test]
    fn vectors_come_in_the_order_of_the_texts_with_the_length_one() {
        let body = r#"{"data":[{"index":1,"embedding":[0,2]},{"index":0,"embedding":[3,4]}]}"#;
        assert_eq!(read(body, 2).unwrap(), [[0.6, 0.8], [0.0, 1.0]]);
        let body = r#"{"data":[{"embedding":[5]},{"embedding":[-1e30]}],"usage":{"prompt_tokens":2}}"#;
        assert_eq!(read(body, 2).unwrap(), [[1.0], [-1.0]]);
    }

    #[test]
    fn an_answer_with_anything_wrong_is_not_used() {
        let huge = format!(r#"{{"data":[{{"embedding":[{}1]}}]}}"#, "1,".repeat(MAX_DIMENSION));
        let table = [
            (r#"{"data":[]}"#, 1, "0 vectors for 1 texts"),
            (r#"{"data":[{"embedding":[1]},{"embedding":[1]}]}"#, 1, "2 vectors for 1 texts"),
            (r#"{"data":[{"embedding":[]}]}"#, 1, "a vector has 0 numbers"),
            (r#"{"data":[{"embedding":[1,2]},{"embedding":[1]}]}"#, 2, "2 numbers and another 1"),
            (r#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#, 2, "index 0"),
            (r#"{"data":[{"index":7,"embedding":[1]}]}"#, 1, "index 7"),
            (r#"{"data":[{"embedding":[0,0]}]}"#, 1, "is zero"),
            (r#"{"data":[{"embedding":[1e39]}]}"#, 1, "no list of embeddings"),
            (r#"{"data":[{"embedding":[1e999]}]}"#, 1, "no list of embeddings"),
            (r#"{"data":[{"embedding":[NaN]}]}"#, 1, "no list of embeddings"),
            (r#"{"data":[{"embedding":[null]}]}"#, 1, "no list of embeddings"),
            (r#"{"data":[{"embedding":"AAAA"}]}"#, 1, "no list of embeddings"),
            (r#"{"object":"list"}"#, 1, "no list of embeddings"),
            ("[]", 1, "no list of embeddings"),
            (huge.as_str(), 1, "a vector has 4097 numbers"),
        ];
        for (body, count, why) in table {
            let said = read(body, count).unwrap_err();
            assert!(said.contains(why), "{body:.80}: {said}");
        }
    }
}
