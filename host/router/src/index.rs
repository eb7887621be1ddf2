//! The index over all skills: from a word or a phrase straight to the skills that know it.
//!
//! A word that very many skills know tells little, so only its strongest postings are kept: the cost of a route does not grow with the number of
//! skills beyond that.

use std::collections::HashMap;

use crate::learn::{Model, Texts};
use crate::route::SkillProfile;
use crate::text::{Splitter, Words};

/// What an example counts for what is learnt, and what a description, a name or a trigger does.
const UTTERANCE: f32 = 1.0;
const ABOUT: f32 = 0.5;

/// Triggers by which a skill says that it does things again and again.
const RECURRING: &[&str] =
    &["recurring", "every day", "every week", "daily", "weekly", "on a schedule", "schedule", "regularly"];

/// Most skills that are kept for one word or phrase, those of the best priority.
const MAX_POSTINGS: usize = 256;
/// Most words of a phrase.
pub(crate) const MAX_PHRASE: usize = 8;

/// Where a word of a skill stands, with what it is worth there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Description,
    Example,
    Name,
    Trigger,
}

impl Field {
    fn weight(self) -> f32 {
        match self {
            Self::Description => 0.25,
            Self::Example => 0.45,
            Self::Name => 0.9,
            Self::Trigger => 0.6,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Posting {
    pub(crate) skill: u32,
    pub(crate) weight: f32,
    pub(crate) field: Field,
}

/// A skill as the index knows it.
#[derive(Debug)]
pub(crate) struct Indexed {
    pub(crate) name: String,
    pub(crate) priority: u8,
    pub(crate) platforms: Vec<String>,
    /// The content words of each example, and of each anti-example.
    pub(crate) examples: TermSets,
    pub(crate) anti_examples: TermSets,
}

/// Sets of terms, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct TermSets {
    terms: Vec<u32>,
    ends: Vec<u32>,
}

impl TermSets {
    fn push(&mut self, mut terms: Vec<u32>) {
        terms.sort_unstable();
        terms.dedup();
        self.terms.append(&mut terms);
        self.ends.push(u32::try_from(self.terms.len()).unwrap_or(u32::MAX));
    }

    /// Each set, its terms in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.terms[start as usize..*end as usize])
    }
}

/// The index.
#[derive(Debug)]
pub(crate) struct Index {
    /// The skills that do things again and again, by their triggers.
    pub(crate) recurring: Vec<u32>,
    terms: HashMap<String, u32>,
    /// For each term, how rare it is (0 to 1), and the skills that know it, strongest first.
    postings: Vec<(f32, Vec<Posting>)>,
    phrases: HashMap<Vec<u32>, Vec<u32>>,
    /// For each term, how many words the longest phrase has that begins with it.
    longest: Vec<u8>,
    by_name: HashMap<String, usize>,
    /// The words of each identifier and title, as they stand, with the skills of that name.
    whole_names: HashMap<Vec<String>, Vec<u32>>,
    /// In the order of their priorities, then names.
    pub(crate) skills: Vec<Indexed>,
    pub(crate) fallback: Option<usize>,
    /// What is learnt from their texts.
    pub(crate) model: Model,
}

impl Index {
    pub(crate) fn build(profiles: &[SkillProfile]) -> Self {
        // The order in which skills are given must not matter; and where a list is cut, those of the best priority stay.
        let mut profiles: Vec<&SkillProfile> = profiles.iter().collect();
        profiles.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        let splitter = Splitter::remembering();
        let mut index = Self {
            recurring: Vec::new(),
            terms: HashMap::new(),
            postings: Vec::new(),
            phrases: HashMap::new(),
            longest: Vec::new(),
            by_name: HashMap::new(),
            whole_names: HashMap::new(),
            skills: Vec::with_capacity(profiles.len()),
            fallback: profiles.iter().position(|profile| profile.is_fallback),
            model: Model::default(),
        };
        let mut texts = Texts::default();
        for (number, profile) in profiles.iter().enumerate() {
            let skill = u32::try_from(number).unwrap_or(u32::MAX);
            index.add(skill, profile, &splitter, &mut texts);
        }
        index.weigh();
        index.model = texts.train(index.skills.len());
        index
    }

    fn add(&mut self, skill: u32, profile: &SkillProfile, splitter: &Splitter, learnt: &mut Texts) {
        let mut fields: HashMap<u32, Field> = HashMap::new();
        let description = splitter.split(&profile.description);
        learnt.add(skill, &description, ABOUT);
        for term in self.content(&description) {
            fields.insert(term, Field::Description);
        }
        let mut examples = TermSets::default();
        for example in &profile.examples {
            let words = splitter.split(example);
            learnt.add(skill, &words, UTTERANCE);
            let content = self.content(&words);
            fields.extend(content.iter().map(|term| (*term, Field::Example)));
            examples.push(content);
        }
        for text in [&profile.name, &profile.title] {
            let text = text.replace('-', " ");
            let words = splitter.split(&text);
            let skills = self.whole_names.entry(whole(&words)).or_default();
            if !skills.contains(&skill) {
                skills.push(skill);
                learnt.add(skill, &words, ABOUT);
            }
            for term in self.content(&words) {
                let known = fields.entry(term).or_insert(Field::Name);
                *known = Field::Name.max(*known);
            }
        }
        for trigger in &profile.triggers {
            let words = splitter.split(trigger);
            learnt.add(skill, &words, ABOUT);
            let all: Vec<u32> = words.tokens.iter().map(|token| self.intern(&token.stem)).collect();
            let content = self.content(&words);
            for term in &content {
                fields.insert(*term, Field::Trigger);
            }
            self.phrase(skill, all);
            // Without its small words a phrase needs at least two others, or "call me" would be every "call".
            if content.len() >= 2 {
                self.phrase(skill, content);
            }
        }
        for (term, field) in fields {
            if let Some((_, postings)) = self.postings.get_mut(term as usize) {
                postings.push(Posting { skill, weight: field.weight(), field });
            }
        }
        let mut anti_examples = TermSets::default();
        for anti_example in &profile.anti_examples {
            let words = splitter.split(anti_example);
            learnt.add(skill, &words, -UTTERANCE);
            anti_examples.push(self.content(&words));
        }
        self.by_name.entry(profile.name.clone()).or_insert(self.skills.len());
        let says_so = |trigger: &String| RECURRING.contains(&trigger.trim().to_lowercase().as_str());
        if profile.triggers.iter().any(says_so) {
            self.recurring.push(skill);
        }
        self.skills.push(Indexed {
            name: profile.name.clone(),
            priority: profile.priority,
            platforms: profile.platforms.iter().map(|platform| platform.to_lowercase()).collect(),
            examples,
            anti_examples,
        });
    }

    /// How rare each word is, and the strongest postings first.
    fn weigh(&mut self) {
        let skills = self.skills.len().max(1);
        for (rarity, postings) in &mut self.postings {
            #[expect(clippy::cast_precision_loss, reason = "counts of skills")]
            let (known, all) = (postings.len() as f32, skills as f32);
            // 1 for a word of one skill, towards 0 for a word of all of them; a handful of skills is too few to tell.
            *rarity = if skills < 3 { 1.0 } else { (1.0 - known.ln_1p() / (all + 1.0).ln_1p()).clamp(0.15, 1.0) };
            postings.sort_by(|a, b| b.field.cmp(&a.field).then(a.skill.cmp(&b.skill)));
            postings.truncate(MAX_POSTINGS);
        }
        for skills in self.phrases.values_mut() {
            skills.sort_unstable();
            skills.dedup();
            skills.truncate(MAX_POSTINGS);
        }
    }

    fn phrase(&mut self, skill: u32, terms: Vec<u32>) {
        if let Some(first) = terms.first()
            && let Ok(length) = u8::try_from(terms.len())
            && terms.len() <= MAX_PHRASE
        {
            let longest = &mut self.longest[*first as usize];
            *longest = length.max(*longest);
            self.phrases.entry(terms).or_default().push(skill);
        }
    }

    fn intern(&mut self, stem: &str) -> u32 {
        if let Some(term) = self.terms.get(stem) {
            return *term;
        }
        let term = u32::try_from(self.postings.len()).unwrap_or(u32::MAX);
        self.terms.insert(stem.to_owned(), term);
        self.postings.push((0.0, Vec::new()));
        self.longest.push(0);
        term
    }

    fn content(&mut self, words: &Words<'_>) -> Vec<u32> {
        let content = words.tokens.iter().filter(|token| !token.is_stop);
        content.map(|token| self.intern(&token.stem)).collect()
    }

    /// Where the skill of this name stands; of several the one of the best priority.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The skills whose whole name these words are.
    pub(crate) fn named(&self, words: &Words<'_>) -> &[u32] {
        let words = whole(words);
        let found = if words.is_empty() { None } else { self.whole_names.get(&words) };
        found.map_or(&[], Vec::as_slice)
    }

    /// The term of a stem, if any skill knows it.
    pub(crate) fn term(&self, stem: &str) -> Option<u32> {
        self.terms.get(stem).copied()
    }

    /// How many terms there are.
    pub(crate) fn term_count(&self) -> usize {
        self.postings.len()
    }

    /// How many words the longest phrase has that begins with a term.
    pub(crate) fn longest_phrase(&self, term: u32) -> usize {
        self.longest.get(term as usize).copied().map_or(0, usize::from)
    }

    /// How rare a term is, and who knows it.
    pub(crate) fn postings(&self, term: u32) -> (f32, &[Posting]) {
        self.postings.get(term as usize).map_or((0.0, &[]), |(rarity, postings)| (*rarity, postings))
    }

    /// The skills that have this phrase as a trigger.
    pub(crate) fn phrase_skills(&self, terms: &[u32]) -> &[u32] {
        self.phrases.get(terms).map_or(&[], Vec::as_slice)
    }
}

/// All words of a text, in lower case; a hyphen stands between two words.
fn whole(words: &Words<'_>) -> Vec<String> {
    let words = words.tokens.iter().flat_map(|token| token.lower.split(['-', '_']));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
