//! The service against a model that a test scripts.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use openanalyst_domain::Failure;

use super::*;

/// Gives each text a direction by its words; fails or is slow where the test says so.
#[derive(Debug, Default)]
struct Model {
    asked: Mutex<Vec<Vec<String>>>,
    fails: Mutex<bool>,
    is_slow: Mutex<bool>,
    dimension: Mutex<usize>,
    answers: Mutex<HashMap<String, Vec<f32>>>,
}

impl Model {
    fn new() -> Arc<Self> {
        let model = Self::default();
        *model.dimension.lock().unwrap() = 16;
        Arc::new(model)
    }

    fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn texts(&self) -> usize {
        self.asked.lock().unwrap().iter().map(Vec::len).sum()
    }
}

#[async_trait]
impl Embedder for Model {
    fn source(&self) -> String {
        "http://127.0.0.1/v1 model".to_owned()
    }

    fn most_texts(&self) -> usize {
        8
    }

    async fn embed(&self, texts: &[String], _: Option<Duration>) -> Result<Vec<Vec<f32>>, Failure> {
        self.asked.lock().unwrap().push(texts.to_vec());
        if *self.is_slow.lock().unwrap() {
            std::future::pending::<()>().await;
        }
        if *self.fails.lock().unwrap() {
            return Err(Failure::unavailable("down"));
        }
        let dimension = *self.dimension.lock().unwrap();
        let answers = self.answers.lock().unwrap();
        let vector = |text: &String| answers.get(text).cloned().unwrap_or_else(|| by_first_letter(text, dimension));
        Ok(texts.iter().map(vector).collect())
    }
}

/// Texts with the same first letter are near each other.
fn by_first_letter(text: &str, dimension: usize) -> Vec<f32> {
    let mut vector = vec![0.05; dimension];
    vector[usize::from(text.bytes().next().unwrap_or(0)) % dimension] = 1.0;
    vector[text.len() % dimension] += 0.3;
    vector
}

fn skills() -> Vec<SkillTexts> {
    let of = |skill: &str, word: &str| SkillTexts {
        skill: skill.to_owned(),
        own: (1..=12).map(|number| format!("{word} {}", "x".repeat(number))).collect(),
        learnt: vec![format!("{word} learnt")],
    };
    vec![of("paint", "zebra"), of("plot", "zinnia")]
}

fn open(model: &Arc<Model>, folder: &Path) -> Embeddings {
    Embeddings::new(EmbeddingsOptions { embedder: model.clone(), folder, request_timeout: Duration::from_millis(300) })
}

#[tokio::test]
async fn skills_are_embedded_in_batches_once_and_never_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let model = Model::new();
    let vectors = open(&model, dir.path()).of_skills(&skills()).await.unwrap();
    assert_eq!(vectors.dimension(), 16);
    let all = 2 * 13 + BACKGROUND.len();
    assert_eq!(model.texts(), all);
    assert!(model.asked.lock().unwrap().iter().all(|batch| batch.len() <= 8));
    let again = open(&model, dir.path());
    again.of_skills(&skills()).await.unwrap();
    // What users said is not on disk.
    assert_eq!(model.texts(), all + 2);
    assert_eq!((again.counts().skill_texts, again.counts().catalogs), (2, 1));
    again.of_skills(&skills()).await.unwrap();
    assert_eq!(again.counts().catalogs, 2);
}

#[tokio::test]
async fn a_batch_that_failed_is_asked_again_and_the_others_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let model = Model::new();
    let embeddings = open(&model, dir.path());
    let bad = "zebra xxxxxxxxxxxx".to_owned();
    model.answers.lock().unwrap().insert(bad.clone(), vec![f32::NAN; 16]);
    let why = embeddings.of_skills(&skills()).await.unwrap_err();
    assert!(why.contains("cannot be used"), "{why}");
    model.answers.lock().unwrap().clear();
    embeddings.of_skills(&skills()).await.unwrap();
    let asked = model.asked.lock().unwrap().concat();
    assert_eq!(asked.iter().filter(|text| **text == bad).count(), 2);
    assert_eq!(asked.len(), 2 * 13 + BACKGROUND.len() + 8, "only the texts of the failed batch came twice");
    assert_eq!(embeddings.counts().catalogs_failed, 1);
}

#[tokio::test]
async fn a_model_that_changed_its_dimension_is_asked_for_everything_anew() {
    let dir = tempfile::tempdir().unwrap();
    let model = Model::new();
    open(&model, dir.path()).of_skills(&skills()).await.unwrap();
    *model.dimension.lock().unwrap() = 24;
    let embeddings = open(&model, dir.path());
    // The learnt texts tell.
    assert_eq!(embeddings.of_skills(&skills()).await.unwrap().dimension(), 24);
    assert!(embeddings.of_request("zebra", &[], 24).await.vectors.is_some());
    let stale = embeddings.of_request("zebra", &[], 16).await;
    assert!(stale.vectors.is_none() && stale.why_not.is_some_and(|why| why.contains("has changed")));
}

#[tokio::test]
async fn a_request_and_its_parts_are_one_call_and_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let model = Model::new();
    let embeddings = open(&model, dir.path());
    for _ in 0..2 {
        let found = embeddings.of_request(" zebra and zinnia ", &["zebra", "zinnia", "zebra"], 16).await;
        assert!(found.vectors.is_some() && found.why_not.is_none());
    }
    assert_eq!((model.calls(), model.texts()), (1, 3));
    assert_eq!(embeddings.counts().requests, 2);
    for number in 0..2 * MAX_REMEMBERED {
        embeddings.of_request(&format!("zebra {number}"), &[], 16).await;
    }
    assert_eq!(embeddings.remembered.lock().unwrap().vectors.len(), MAX_REMEMBERED);
}

#[tokio::test(start_paused = true)]
async fn a_slow_server_costs_the_timeout_and_after_three_failures_nothing_for_a_while() {
    let dir = tempfile::tempdir().unwrap();
    let model = Model::new();
    *model.is_slow.lock().unwrap() = true;
    let embeddings = open(&model, dir.path());
    for number in 0..5 {
        let before = Instant::now();
        let found = embeddings.of_request(&format!("zebra {number}"), &[], 16).await;
        let why = found.why_not.unwrap();
        assert!(found.vectors.is_none() && why.starts_with("Embeddings were not used: "), "{why}");
        let waited = before.elapsed();
        assert_eq!(waited.is_zero(), number >= 3, "{number}: {waited:?}, {why}");
        assert!(waited <= Duration::from_millis(301));
    }
    let counts = embeddings.counts();
    assert_eq!((model.calls(), counts.requests_failed, counts.requests_skipped), (3, 3, 2));
    // Once the pause is over the server is asked again, and one good answer makes it whole.
    tokio::time::advance(PAUSE).await;
    *model.is_slow.lock().unwrap() = false;
    assert!(embeddings.of_request("zebra", &[], 16).await.vectors.is_some());
    *model.fails.lock().unwrap() = true;
    assert!(embeddings.of_request("other", &[], 16).await.vectors.is_none());
    assert_eq!(model.calls(), 5);
    assert!(embeddings.of_request("zebra", &[], 16).await.vectors.is_some(), "remembered");
}
