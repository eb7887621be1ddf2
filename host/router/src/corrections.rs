//! What users said about earlier routes, as examples and anti-examples of the tenant's own.

use std::collections::{HashMap, HashSet};

use crate::route::{Correction, SkillProfile};
use crate::slots::clip;

/// Most corrections that count, the last ones.
pub const MAX_CORRECTIONS: usize = 2_000;

/// The profiles with the corrections in them.
pub(crate) fn corrected(skills: &[SkillProfile], corrections: &[Correction]) -> Vec<SkillProfile> {
    let mut profiles = skills.to_vec();
    let mut by_name: HashMap<&str, usize> = HashMap::new();
    for (number, skill) in skills.iter().enumerate() {
        by_name.entry(&skill.name).or_insert(number);
    }
    let last = corrections.len().saturating_sub(MAX_CORRECTIONS);
    // From the last one back: what was said later stands.
    let mut belongs: HashSet<String> = HashSet::new();
    let mut said: HashSet<(String, usize)> = HashSet::new();
    for correction in corrections[last..].iter().rev() {
        let Some(number) = by_name.get(correction.skill.as_str()).copied() else { continue };
        let text = clip(correction.utterance.trim());
        let key = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        // The same words belong to one skill only: the one that was named last.
        if key.is_empty() || !said.insert((key.clone(), number)) || (correction.belongs && !belongs.insert(key.clone()))
        {
            continue;
        }
        let alike = |known: &String| known.trim().to_lowercase() == key;
        let profile = &mut profiles[number];
        if correction.belongs {
            profile.anti_examples.retain(|known| !alike(known));
            profile.examples.push(text.to_owned());
        } else {
            profile.examples.retain(|known| !alike(known));
            profile.anti_examples.push(text.to_owned());
        }
    }
    profiles
}
