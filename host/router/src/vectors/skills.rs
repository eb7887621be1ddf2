//! The vectors of a catalogue's texts, and what they say of a request.

use std::sync::Arc;

use super::texts::{BACKGROUND, SkillTexts};
use super::vector::Vector;

/// Most texts by which a catalogue is calibrated.
const MAX_PROBES: usize = 192;
/// How much nearer a skill's own texts must be than what means no skill; a model that tells them apart by less is not used.
const LEAST_GAP: f32 = 0.03;
/// Fewest texts of either kind that say what is near and what is far.
const LEAST_PROBES: usize = 4;

/// One skill's vectors.
#[derive(Debug)]
struct OfSkill {
    skill: String,
    texts: Vec<(String, Arc<Vector>)>,
    middle: Option<Vector>,
}

/// The vectors of the texts of a catalogue's skills, and what is near and far among them.
#[derive(Debug)]
pub struct SkillVectors {
    skills: Vec<OfSkill>,
    dimension: usize,
    far: f32,
    near: f32,
}

/// What the vectors say of one skill.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Nearness<'a> {
    /// The skill's identifier.
    pub(crate) skill: &'a str,
    /// About 0 for what means no skill, about 1 for what means this one.
    pub(crate) near: f32,
    /// The skill's text that is nearest.
    pub(crate) text: &'a str,
}

impl SkillVectors {
    /// Puts the vectors of a catalogue's texts together; `vector_of` also knows those of [`BACKGROUND`]. Texts without a vector are left out.
    ///
    /// # Errors
    /// Why they are no evidence: vectors are missing or of different dimensions, or they do not tell the skills' texts from others.
    pub fn build(texts: &[SkillTexts], vector_of: impl Fn(&str) -> Option<Arc<Vector>>) -> Result<Self, String> {
        let known = |text: &String| vector_of(text).map(|vector| (text.clone(), vector));
        let skills: Vec<OfSkill> = texts
            .iter()
            .map(|of| {
                let texts: Vec<_> = of.own.iter().chain(&of.learnt).filter_map(known).collect();
                OfSkill { skill: of.skill.clone(), middle: middle(texts.iter().map(|(_, vector)| vector)), texts }
            })
            .filter(|of| !of.texts.is_empty())
            .collect();
        let background: Vec<Arc<Vector>> = BACKGROUND.iter().filter_map(|text| vector_of(text)).collect();
        let all = skills.iter().flat_map(|of| of.texts.iter().map(|(_, vector)| vector)).chain(&background);
        let mut dimensions = all.map(|vector| vector.dimension());
        let dimension = dimensions.next().ok_or("the skills' texts have no vectors")?;
        if let Some(other) = dimensions.find(|other| *other != dimension) {
            return Err(format!("some vectors have {dimension} dimensions and others {other}"));
        }
        let mut vectors = Self { skills, dimension, far: 0.0, near: 1.0 };
        vectors.calibrate(&background)?;
        Ok(vectors)
    }

    /// How many dimensions the vectors have.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// What is far: how near sentences about other things are to the skill that is nearest to them. What is near: how near the skills' own texts are
    /// to the others of the same skill.
    fn calibrate(&mut self, background: &[Arc<Vector>]) -> Result<(), String> {
        let far: Vec<f32> = background
            .iter()
            .map(|vector| self.skills.iter().map(|of| of.similarity(vector).0).fold(-1.0, f32::max))
            .collect();
        let own = self.skills.iter().filter(|of| of.texts.len() > 2);
        let probes: Vec<(&OfSkill, usize)> = own.flat_map(|of| (0..of.texts.len()).map(move |at| (of, at))).collect();
        let step = probes.len().div_ceil(MAX_PROBES).max(1);
        let near: Vec<f32> = probes.iter().step_by(step).filter_map(|(of, at)| of.similarity_without(*at)).collect();
        if far.len() < LEAST_PROBES || near.len() < LEAST_PROBES {
            return Err("the skills have too few texts to say what is near: give them examples".to_owned());
        }
        (self.far, self.near) = (mean(&far), mean(&near));
        if self.near - self.far < LEAST_GAP {
            return Err(format!(
                "the model does not tell the skills' own texts ({:.2}) from others ({:.2}): use another one",
                self.near, self.far
            ));
        }
        Ok(())
    }

    /// How near a request is to each skill. Its vector has the same dimension.
    pub(crate) fn nearness(&self, request: &Vector) -> impl Iterator<Item = Nearness<'_>> {
        self.skills.iter().map(move |of| {
            let (similarity, nearest) = of.similarity(request);
            let near = (similarity - self.far) / (self.near - self.far);
            Nearness { skill: &of.skill, near, text: of.texts.get(nearest).map_or("", |(text, _)| text) }
        })
    }
}

impl OfSkill {
    /// The mean of the cosine with the nearest text and that with the middle of all; and which text is the nearest.
    fn similarity(&self, request: &Vector) -> (f32, usize) {
        let nearest = self.texts.iter().map(|(_, vector)| vector.cosine(request)).enumerate();
        let (at, nearest) = nearest.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0))).unwrap_or((0, -1.0));
        let middle = self.middle.as_ref().map_or(nearest, |middle| middle.cosine(request));
        (f32::midpoint(nearest, middle), at)
    }

    /// The similarity of one of its texts to the others. None: they have no middle.
    fn similarity_without(&self, at: usize) -> Option<f32> {
        let request = &self.texts.get(at)?.1;
        let others = || self.texts.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, (_, vector))| vector);
        let nearest = others().map(|vector| vector.cosine(request)).fold(-1.0, f32::max);
        Some(f32::midpoint(nearest, middle(others())?.cosine(request)))
    }
}

/// The middle of vectors, each of which counts the same. None: they cancel each other out.
fn middle<'a>(vectors: impl Iterator<Item = &'a Arc<Vector>>) -> Option<Vector> {
    let mut sum: Vec<f32> = Vec::new();
    for vector in vectors {
        if sum.is_empty() {
            sum.resize(vector.dimension(), 0.0);
        }
        let unit = vector.unit();
        sum.iter_mut().zip(unit).for_each(|(sum, number)| *sum += number);
    }
    Vector::new(&sum)
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred at most")]
fn mean(numbers: &[f32]) -> f32 {
    numbers.iter().sum::<f32>() / numbers.len().max(1) as f32
}
