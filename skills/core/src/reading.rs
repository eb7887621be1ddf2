//! Reads from an utterance what it asks of this skill. Phrases and patterns only: what is done about a wish is not decided here.

mod about;

use openanalyst_skill::prelude::*;

use crate::clauses::{after, clean, has_phrase, slug, split, without_politeness};
use crate::wish::Wish;
use crate::{names, recall as told};
use openanalyst_skill::turns;

use about::{attribute, home, is_all_gone, locale};

/// Longest name, preference or instruction that is kept, in characters.
const MAX_TEXT: usize = 1_000;
/// How many wishes of one utterance are granted; a plan has at most 32 steps.
const MAX_WISHES: usize = 16;

/// What the request asks of this skill: at least one wish, in the order of the utterance.
pub(crate) fn read(request: &Request) -> Vec<Wish> {
    if turns::is_undo(&request.content) {
        return vec![Wish::Undo];
    }
    if is_all_gone(&request.content) {
        return vec![Wish::ForgetEverything];
    }
    let mut wishes = Vec::new();
    let mut greeted = false;
    let mut thanked = false;
    let mut unread = Vec::new();
    for clause in split(&request.content) {
        greeted |= is_greeting(clause);
        thanked |= is_thanks(clause);
        let clause = without_politeness(clause);
        let read = read_clause(clause);
        if read.is_empty() && names::says_something(clause) {
            unread.push(clause);
        }
        for wish in read {
            if !wishes.contains(&wish) && wishes.len() < MAX_WISHES {
                wishes.push(wish);
            }
        }
    }
    // Beside what was understood, what was not must not be lost without a word.
    if !wishes.is_empty() {
        let room = MAX_WISHES - wishes.len();
        wishes.extend(unread.into_iter().take(room).map(not_kept));
    }
    // Of a place whose time was told too, the time is kept.
    let zones = wishes.iter().filter_map(|wish| match wish {
        Wish::TimeZone { said } => crate::zones::find(said),
        _ => None,
    });
    let zones: Vec<_> = zones.collect();
    wishes.retain(|wish| match wish {
        Wish::NotKept { place: Some(place), .. } => crate::zones::find(place).is_none_or(|zone| !zones.contains(&zone)),
        _ => true,
    });
    if wishes.is_empty() {
        wishes.push(from_slots(request).unwrap_or(match (greeted, thanked) {
            (_, true) => Wish::Thanks,
            (true, _) => Wish::Greet,
            _ => Wish::Unknown,
        }));
    }
    wishes
}

/// What the router read where the words alone did not say it.
fn from_slots(request: &Request) -> Option<Wish> {
    if let Some(told) = request.slot("name").and_then(|name| names::told(&name)) {
        return Some(named(told));
    }
    if let Some(said) = request.slot("time-zone") {
        return Some(Wish::TimeZone { said });
    }
    request.has_action("help").then_some(Wish::Help)
}

fn read_clause(clause: &str) -> Vec<Wish> {
    let question =
        || told::is_question(clause).then(|| Wish::Fact { question: clause.chars().take(MAX_TEXT).collect() });
    if let Some(wish) = recall(clause)
        .or_else(|| forget(clause))
        .or_else(|| locale(clause))
        .or_else(|| remember(clause))
        .or_else(|| help(clause))
        .or_else(question)
    {
        let rest = match &wish {
            Wish::Name { name } => names::rest(clause, name).map(|rest| locale(rest).unwrap_or_else(|| not_kept(rest))),
            _ => None,
        };
        return [wish].into_iter().chain(rest).collect();
    }
    home(clause).map(|_| not_kept(clause)).into_iter().collect()
}

fn named(told: names::Told) -> Wish {
    match told {
        names::Told::Name(name) => Wish::Name { name },
        names::Told::Unclear(said) => Wish::UnclearName { said },
    }
}

fn not_kept(said: &str) -> Wish {
    let place = home(said).map(str::to_owned);
    Wish::NotKept { said: said.chars().take(MAX_TEXT).collect(), place }
}

fn help(clause: &str) -> Option<Wish> {
    const WHOLE: &[&str] =
        &["help", "help me", "what now", "menu", "commands", "skills", "who are you", "what are you"];
    const PARTS: &[&str] = &[
        "what can you do",
        "what can i do",
        "what can i ask",
        "what do you do",
        "what are you able",
        "how can you help",
        "what skills",
        "which skills",
        "list skills",
        "list your skills",
        "show skills",
        "your skills",
        "list the skills",
        "how does this work",
        "how do i use",
        "what is this",
        "get started",
        "need help",
        "show help",
        "show me what you can",
    ];
    let lower = clause.to_ascii_lowercase();
    (WHOLE.contains(&lower.as_str()) || PARTS.iter().any(|part| has_phrase(clause, part))).then_some(Wish::Help)
}

fn recall(clause: &str) -> Option<Wish> {
    const ALL: &[&str] = &[
        "what do you remember",
        "what do you know about me",
        "what have you remembered",
        "what did you remember",
        "what have i told you",
        "show my preferences",
        "list my preferences",
        "what are my preferences",
        "who am i",
        "show what you remember",
        "tell me what you remember",
        "show my memory",
    ];
    if let Some(about) = after(clause, &["what do you remember about my ", "what do you know about my "]) {
        return Some(Wish::Recall { about: Some(about.into()) });
    }
    if after(clause, ALL).is_some() || clause.eq_ignore_ascii_case("my preferences") {
        return Some(Wish::Recall { about: None });
    }
    const ONE: &[&str] = &[
        "what is my ",
        "what's my ",
        "what’s my ",
        "what are my ",
        "tell me my ",
        "show my ",
        "show me my ",
        "do you know my ",
        "do you remember my ",
        "what was my ",
    ];
    // Other skills know posts and schedules; here is only what was told.
    let about = after(clause, ONE)?;
    let known = [
        "name",
        "locale",
        "date format",
        "time zone",
        "timezone",
        "instructions",
        "custom instructions",
        "preference",
        "preferred",
        "favourite",
        "favorite",
    ];
    known.iter().any(|word| has_phrase(about, word)).then(|| Wish::Recall { about: Some(about.into()) })
}

fn forget(clause: &str) -> Option<Wish> {
    let instructions =
        ["clear my custom instructions", "delete my custom instructions", "remove my custom instructions"];
    if after(clause, &instructions).is_some() {
        return Some(Wish::Forget { what: "custom instructions".into() });
    }
    let what = after(
        clause,
        &[
            "forget that ",
            "forget about ",
            "forget what i said about ",
            "forget ",
            "do not remember ",
            "don't remember ",
            "stop calling me",
        ],
    )?;
    let lower = what.to_ascii_lowercase();
    let all = [
        "everything",
        "all",
        "me",
        "all of it",
        "everything about me",
        "all about me",
        "everything you know about me",
        "all my preferences",
        "all preferences",
        "my preferences",
        "everything that you know about me",
    ];
    if all.contains(&lower.as_str()) {
        return Some(Wish::ForgetEverything);
    }
    if what.is_empty() {
        return Some(Wish::Forget { what: "name".into() });
    }
    bounded(what, MAX_TEXT).map(|what| Wish::Forget { what })
}

fn remember(clause: &str) -> Option<Wish> {
    if let Some(name) = after(
        clause,
        &[
            "call me ",
            "my name is ",
            "my name's ",
            "my name’s ",
            "i am called ",
            "i'm called ",
            "you may call me ",
            "set my name to ",
            "change my name to ",
            "remember my name is ",
            "remember that my name is ",
            "remember to call me ",
            "my first name is ",
            "my full name is ",
            "the name is ",
            "the name's ",
            "the name’s ",
            "i go by ",
            "people call me ",
            "my friends call me ",
            "friends call me ",
            "everyone calls me ",
            "everybody calls me ",
        ],
    ) {
        return names::told(name).map(named);
    }
    if let Some(rest) = after(clause, &["i am ", "i'm ", "i’m ", "im ", "this is "]) {
        let is_presented = after(clause, &["this is "]).is_some();
        return names::presented(rest, is_presented).map(|name| Wish::Name { name });
    }
    if let Some(said) = time_zone(clause) {
        return Some(Wish::TimeZone { said });
    }
    if let Some(text) = after(
        clause,
        &[
            "my custom instructions are",
            "my instructions are",
            "set my custom instructions to ",
            "my custom instructions",
            "custom instructions",
        ],
    ) {
        return bounded(text, MAX_TEXT).map(|text| Wish::Instruction { text, replace: true });
    }
    let told = after(
        clause,
        &[
            "remember that ",
            "remember, ",
            "remember: ",
            "remember ",
            "note that ",
            "keep in mind that ",
            "don't forget that ",
            "don't forget ",
        ],
    );
    let statement = told.unwrap_or(clause);
    if let Some(wish) = after(statement, &["from now on ", "from now on, "]).and_then(remember) {
        return Some(wish);
    }
    if after(statement, &["always ", "never ", "from now on "]).is_some()
        || after(statement, &["to always ", "to never "]).is_some()
    {
        let text = after(statement, &["to "]).unwrap_or(statement);
        return bounded(text, MAX_TEXT).map(|text| Wish::Instruction { text, replace: false });
    }
    if let Some(wish) = preference(statement) {
        return Some(wish);
    }
    // "remember" alone makes any statement one to keep; without it, only a preference is.
    let statement = bounded(told?, MAX_TEXT)?;
    if let Some(wish) = remember(&statement) {
        return Some(wish);
    }
    let key = slug(attribute(&statement).unwrap_or(&statement));
    (!key.is_empty() && !has_reserved_key(&key)).then_some(Wish::Preference { key, value: statement })
}

fn time_zone(clause: &str) -> Option<String> {
    let said = after(
        clause,
        &[
            "my time zone is ",
            "my timezone is ",
            "my time zone: ",
            "my timezone: ",
            "set my time zone to ",
            "set my timezone to ",
            "change my time zone to ",
            "change my timezone to ",
            "set time zone to ",
            "set timezone to ",
            "use the time zone ",
            "use time zone ",
            "use the timezone ",
            "remember my time zone is ",
            "remember that my time zone is ",
            "remember that my timezone is ",
            "i am in the time zone ",
            "i'm in the time zone ",
            "i live in the time zone ",
        ],
    );
    said.map(|said| clean(after(said, &["the "]).unwrap_or(said)).to_owned()).filter(|said| !said.is_empty())
}

fn preference(statement: &str) -> Option<Wish> {
    let subject_form =
        after(statement, &["my preferred ", "my favourite ", "my favorite ", "my default ", "my usual "]);
    if let Some((subject, value)) =
        subject_form.and_then(|rest| rest.split_once(" is ").or_else(|| rest.split_once(" are ")))
    {
        let value = bounded(value, MAX_TEXT)?;
        let key = slug(subject);
        return (!key.is_empty() && !has_reserved_key(&key)).then_some(Wish::Preference { key, value });
    }
    let value = after(statement, &["i prefer ", "i'd prefer ", "i would prefer ", "i like ", "i love "])?;
    let value = bounded(value, MAX_TEXT)?;
    // "short posts" is a preference about posts: the next one about posts takes its place.
    let words: Vec<&str> = value.split_whitespace().collect();
    let key = if let [_, subject] = words[..] { slug(subject) } else { slug(&value) };
    (!key.is_empty() && !has_reserved_key(&key)).then_some(Wish::Preference { key, value })
}

fn has_reserved_key(key: &str) -> bool {
    matches!(key, "display-name" | "time-zone" | "locale")
}

/// The text without control characters, if it has any letters and is not too long.
pub(crate) fn bounded(text: &str, max: usize) -> Option<String> {
    let text: String = clean(text).chars().filter(|letter| !letter.is_control()).take(max).collect();
    text.chars().any(char::is_alphanumeric).then_some(text)
}

fn is_greeting(clause: &str) -> bool {
    const GREETINGS: &[&str] = &[
        "hi",
        "hello",
        "hey",
        "hiya",
        "howdy",
        "greetings",
        "good morning",
        "good afternoon",
        "good evening",
        "good day",
        "yo",
        "hallo",
        "hola",
        "bonjour",
        "ciao",
        "servus",
        "moin",
        "how are you",
    ];
    const BESIDE: &[&str] = &[
        "there",
        "again",
        "you",
        "all",
        "everyone",
        "friend",
        "openanalyst",
        "how",
        "are",
        "is",
        "it",
        "going",
        "to",
        "today",
    ];
    let beside = |word: &str| BESIDE.contains(&clean(word).to_ascii_lowercase().as_str());
    after(clause, GREETINGS).is_some_and(|rest| rest.split_whitespace().all(beside))
}

fn is_thanks(clause: &str) -> bool {
    after(clause, &["thanks", "thank you", "thx", "cheers", "merci", "danke"])
        .is_some_and(|rest| rest.split_whitespace().count() <= 6)
}

#[cfg(test)]
mod tests;
