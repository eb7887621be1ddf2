//! What it is about: the longest phrase that the sentence gives, names, dots and dates included.
//!
//! A topic begins after a word that leads to one ("about"), between quotes, or before the work ("an AI trends post").
//! It ends where another thing to do begins ("and schedule it …") or the sentence ends. What stands at its end and says
//! where, when or how ("for LinkedIn", "tomorrow at 9", "in a funny tone") does not belong to it.

mod quotes;
mod steps;
mod when;

use std::ops::Range;

use self::steps::{begins_step, clause_end};
use super::{Reading, platform, tone};
use crate::text::{Words, is_stop_word};

/// Words that lead to a topic.
const LEADS: &[&str] = &[
    "about",
    "regarding",
    "concerning",
    "covering",
    "announcing",
    "celebrating",
    "explaining",
    "topic",
    "über",
    "thema",
    "re",
];
/// Verbs that begin a request and are followed by the topic: "announce our new CTO on LinkedIn".
const TELLING: &[&str] = &["announce", "promote", "advertise", "celebrate", "introduce", "highlight", "tease"];
/// Words that may stand between what was stripped from the end of a topic and the topic.
const JOINTS: &[&str] = &[
    "for", "on", "at", "to", "by", "in", "from", "as", "and", "then", "or", "but", "to", "into", "für", "auf", "um",
    "am", "und",
];
/// What is made about a topic.
const WORKS: &[&str] = &["post", "tweet", "thread", "caption", "article", "update", "beitrag"];
/// What comes with a post and is no part of its topic: "with a link to …", "with hashtags".
const COMPANIONS: &[&str] =
    &["link", "links", "hashtag", "hashtags", "emoji", "emojis", "image", "picture", "photo", "call-to-action"];
/// Most words of a topic.
const MAX_WORDS: usize = 60;

/// Where a topic stands before what follows it is stripped: its first word, and the word after its last one.
pub(super) struct Span {
    pub(super) first: usize,
    pub(super) end: usize,
    /// Between quotes: nothing is stripped from it.
    is_quoted: bool,
}

/// Finds it. The work comes first: without one, "about" asks ("what do you know about me").
pub(super) fn find(reading: &Reading<'_>) -> Option<Span> {
    if reading.has("name") {
        return None;
    }
    verbatim(reading)
        .or_else(|| quoted(reading))
        .or_else(|| led(reading))
        .or_else(|| told(reading))
        .or_else(|| listed(reading))
        .or_else(|| before_work(reading))
}

fn is_work(word: &str) -> bool {
    WORKS.contains(&word.strip_suffix('s').unwrap_or(word)) || WORKS.contains(&word)
}

/// Whether a word leads to a topic.
fn is_lead(words: &Words<'_>, at: usize) -> bool {
    match words.lower(at) {
        "re" => words.gap_after(at).starts_with(':') || at > 0 && is_work(words.lower(at - 1)),
        // "the topic is missing" has one, too.
        word if LEADS.contains(&word) => true,
        // "einen Beitrag zu unserem Fest".
        "zu" | "zum" | "zur" => {
            (at.saturating_sub(4)..at).any(|before| is_work(words.lower(before))) && words.lower(at + 1) != "thema"
        }
        _ => false,
    }
}

fn first_lead(words: &Words<'_>) -> Option<usize> {
    (0..words.tokens.len()).find(|at| is_lead(words, *at))
}

/// Whether a word stands in what a work shall be about, as the last one of "a tweet about call me maybe" does.
pub(super) fn is_within(words: &Words<'_>, at: usize) -> bool {
    let Some(lead) = first_lead(words).filter(|lead| *lead < at) else { return false };
    let is_work = (0..lead).any(|before| is_work(words.lower(before)));
    let goes_on = (lead..at).all(|before| {
        let gap = words.gap_after(before);
        !gap.contains([';', '!', '?', '\n', ',']) && !gap.starts_with(". ")
    });
    is_work && goes_on && !matches!(words.lower(at - 1), "and" | "then" | "und")
}

/// "Tweet: Doors open at 10 tomorrow": what stands behind the colon is the text itself.
fn verbatim(reading: &Reading<'_>) -> Option<Span> {
    let words = reading.words;
    let colon = (0..words.tokens.len().min(MAX_WORDS)).find(|at| words.gap_after(*at).starts_with(": "))?;
    let first = colon + 1;
    let announces = |at: usize| is_work(words.lower(at)) || matches!(words.lower(at), "following" | "folgendes");
    let is_lead = (0..=colon).any(|at| is_lead(words, at));
    let asks = matches!(words.lower(first), "write" | "create" | "draft" | "make" | "please" | "generate" | "schreibe");
    let is_quoted = words.gap_after(colon).contains(['"', '“', '„', '«', '\'', '‘']);
    if is_lead || asks || is_quoted || !(0..=colon).any(announces) || first >= words.tokens.len() {
        return None;
    }
    let ends = |at: &usize| {
        let gap = words.gap_after(at - 1);
        gap.contains(['.', '!', '?', ';', '\n', ',', '–', '—']) && begins_step(reading, *at)
            || matches!(words.lower(*at), "and" | "then" | "und") && begins_step(reading, at + 1)
    };
    let end = (first + 1..words.tokens.len()).find(ends).unwrap_or(words.tokens.len());
    (end - first <= 4 * MAX_WORDS).then_some(Span { first, end, is_quoted: true })
}

/// `"…"`, where it is not part of a longer topic. Between single marks only where a work is spoken of.
fn quoted(reading: &Reading<'_>) -> Option<Span> {
    let words = reading.words;
    let speaks_of_work = || words.tokens.iter().any(|token| is_work(&token.lower));
    let quotes = quotes::all(words);
    let usable =
        |quote: &&quotes::Quote| quote.last - quote.first < MAX_WORDS && (!quote.is_single || speaks_of_work());
    let quote = *quotes.iter().find(usable)?;
    if let Some(span) = led(reading)
        && span.first <= quote.first
        && quote.last < span.end
        && let Some(topic) = strip(reading, &span)
        && topic.0 <= quote.first
        && topic.1 >= quote.last
        && topic != (quote.first, quote.last)
    {
        return None;
    }
    Some(Span { first: quote.first, end: quote.last + 1, is_quoted: true })
}

/// "about …", up to where something else begins.
fn led(reading: &Reading<'_>) -> Option<Span> {
    let words = reading.words;
    let lead = first_lead(words).or_else(|| {
        // "on …" leads to a topic where no platform and no time follows.
        let work = words.tokens.iter().position(|token| is_work(&token.lower))?;
        let free = |at: usize| {
            !reading.is_taken(at)
                && !reading.is_time(at)
                && !platform::is_spoken_of(words, at)
                && !words.lower(at).is_empty()
        };
        // "a caption for my photo of a sunset".
        let is_caption = words.lower(work).starts_with("caption");
        let leads = |at: &usize| words.lower(*at) == "on" || is_caption && matches!(words.lower(*at), "for" | "to");
        (work + 1..words.tokens.len()).find(|at| leads(at) && free(at + 1))
    })?;
    let mut first = lead + 1;
    while ["topic", "thema"].contains(&words.lower(lead))
        && ["the", "a", "an", "is", "of", "ist"].contains(&words.lower(first))
    {
        first += 1;
    }
    let end = clause_end(reading, first);
    (end > first).then_some(Span { first, end, is_quoted: false })
}

/// "Announce our new CTO on LinkedIn".
fn told(reading: &Reading<'_>) -> Option<Span> {
    let words = reading.words;
    let verb = (0..4).find(|at| TELLING.contains(&words.lower(*at)))?;
    let polite = ["please", "can", "could", "you", "let's", "i", "want", "to", "bitte"];
    let begins = (0..verb).all(|at| polite.contains(&words.lower(at)));
    // "announce that we open at 10".
    let is_clause = words.lower(verb + 1) == "that"
        && !matches!(words.lower(verb + 2), "" | "on" | "to" | "for" | "at" | "in" | "and" | "tomorrow" | "today");
    let first = verb + 1 + usize::from(is_clause);
    let is_object = matches!(words.lower(first), "it" | "this" | "that" | "them" | "these" | "");
    let names_place = (first..words.tokens.len()).any(|at| platform::is_named(words, at) || is_work(words.lower(at)));
    let end = clause_end(reading, first);
    (begins && !is_object && names_place && end > first).then_some(Span { first, end, is_quoted: false })
}

/// "LinkedIn post, AI trends, tomorrow 9": what stands between the work and the next comma.
fn listed(reading: &Reading<'_>) -> Option<Span> {
    let words = reading.words;
    let divides = |at: usize| {
        let gap = words.gap_after(at);
        gap.contains([',', ';', '.', '–', '—', '!', '?']) || gap.contains(" - ")
    };
    let comma = (0..8).find(|at| divides(*at))?;
    let opens = |word: &str| {
        matches!(word, "a" | "an" | "write" | "create" | "draft" | "make" | "new" | "please" | "need" | "i" | "want")
            || is_work(word)
            || tone::known(word).is_some()
    };
    let is_opening = (0..=comma).all(|at| opens(words.lower(at)) || platform::is_named(words, at));
    let works = (0..=comma).any(|at| is_work(words.lower(at)));
    let first = comma + 1;
    let end = (first..words.tokens.len()).find(|at| divides(*at));
    let end = end.map_or(words.tokens.len(), |last| last + 1);
    let free = |at: usize| {
        !is_stop_word(words.lower(at))
            && !reading.is_time(at)
            && !platform::is_named(words, at)
            && tone::known(words.lower(at)).is_none()
            && !matches!(
                words.lower(at),
                "thanks" | "max" | "no" | "not" | "short" | "long" | "then" | "use" | "without"
            )
    };
    let is_step = begins_step(reading, first);
    (is_opening && works && first < end && free(first) && !is_step).then_some(Span { first, end, is_quoted: false })
}

/// What is searched for: its names of days are no times. Bytes.
pub(super) fn searched(reading: &Reading<'_>) -> Option<Range<usize>> {
    let words = reading.words;
    let verb = (0..12).find(|at| matches!(words.lower(*at), "search" | "google" | "research" | "look" | "find"))?;
    let first = (verb + 1..(verb + 6)).find(|at| words.lower(*at) == "for")? + 1;
    // A day that is written small behind it says when it is searched.
    let says_when = |at: usize| words.span(at, at).starts_with(|letter: char| letter.is_lowercase());
    let when = reading.times.iter().find(|time| time.first + 1 > first && says_when(time.first));
    let end = when.map_or(words.tokens.len(), |time| time.first);
    (end > first).then(|| bytes(reading, (first, end - 1)))
}

/// Takes what says where, when and how from the end of a topic, and gives what is left. Nothing is taken that would
/// leave no topic.
pub(super) fn strip(reading: &Reading<'_>, span: &Span) -> Option<(usize, usize)> {
    let words = reading.words;
    let (first, mut end) = (span.first, span.end);
    if span.is_quoted {
        return Some((first, end - 1));
    }
    let quotes = quotes::all(words);
    // "a Twitter post about how LinkedIn works on Twitter": the one that is known is named again.
    let before: Vec<&str> = (0..first)
        .filter(|at| !platform::is_refused(words, *at))
        .flat_map(|at| platform::named_at(words, at))
        .collect();
    let is_said_again = |begin: usize, end: usize| {
        before.is_empty()
            || (begin..end).any(|at| platform::named_at(words, at).iter().any(|name| before.contains(name)))
    };
    let schedules = reading.actions.iter().any(|action| ["schedule", "publish", "remind"].contains(&action.as_str()));
    let has_other_time = reading
        .times
        .iter()
        .any(|time| time.is_moment() && !time.adjectival && (time.last < first || time.first >= span.end));
    loop {
        let mut cut = end;
        while cut > first && matches!(words.lower(cut - 1), "please" | "thanks" | "now" | "asap" | "bitte") {
            cut -= 1;
        }
        if let Some(begin) = companions(reading, first, cut) {
            cut = begin;
        } else if let Some(begin) = tone::ending_at(words, first, cut) {
            cut = begin;
        } else if let Some(begin) =
            platform::phrase_ending_at(words, first, cut).filter(|begin| is_said_again(*begin, cut))
        {
            cut = begin;
        } else if let Some(begin) = when::ending_at(reading, first, cut, schedules).filter(|_| !has_other_time) {
            cut = begin;
        }
        // What is quoted stays whole.
        if quotes.iter().any(|quote| quote.first < cut && cut <= quote.last) {
            cut = end;
        }
        if cut == end {
            break;
        }
        while cut > first && JOINTS.contains(&words.lower(cut - 1)) {
            cut -= 1;
        }
        if cut == first {
            break;
        }
        end = cut;
    }
    (end > first).then(|| (first, end - 1))
}

/// Where "with a link to …", "without hashtags" begins, if the topic's words end with it.
fn companions(reading: &Reading<'_>, first: usize, end: usize) -> Option<usize> {
    let words = reading.words;
    (first + 1..end).find(|at| {
        matches!(words.lower(*at), "with" | "without" | "including" | "using" | "mit" | "ohne")
            && (at + 1..(at + 4).min(end)).any(|place| COMPANIONS.contains(&words.lower(place)))
    })
}

/// "Write an AI trends post": what stands between the article and the work.
fn before_work(reading: &Reading<'_>) -> Option<Span> {
    let words = reading.words;
    let work = words.tokens.iter().position(|token| WORKS.contains(&token.lower.as_str()))?;
    let article = words.tokens[..work].iter().rposition(|token| ["a", "an", "the"].contains(&token.lower.as_str()))?;
    let free = |at: &usize| !reading.is_taken(*at) && !platform::is_spoken_of(words, *at);
    let first = (article + 1..work).find(free)?;
    let last = (first..work).take_while(free).last()?;
    let says_something = (first..=last).any(|at| {
        let word = words.lower(at);
        !is_stop_word(word)
            && tone::known(word).is_none()
            && ![
                "new",
                "short",
                "nice",
                "good",
                "social",
                "media",
                "quick",
                "long",
                "great",
                "another",
                "last",
                "next",
                "first",
                "second",
                "monday",
                "weekly",
                "daily",
                "monthly",
                "scheduled",
                "same",
                "whole",
            ]
            .contains(&word)
            && !reading.is_time(at)
    });
    says_something.then_some(Span { first, end: last + 1, is_quoted: false })
}

/// The bytes of a topic: its words and the marks that belong to them, as those of ".NET", "Yahoo!" and "Acme Inc." do.
pub(super) fn bytes(reading: &Reading<'_>, (first, last): (usize, usize)) -> Range<usize> {
    let words = reading.words;
    let start = words.tokens.get(first).map_or(0, |token| token.start);
    let end = words.tokens.get(last).map_or(start, |token| token.end);
    let quotes = quotes::all(words);
    let is_quote = quotes.iter().any(|quote| (quote.first, quote.last) == (first, last));
    let before = &words.text[..start];
    let inside = words.span(first, last);
    let mut begin = start;
    if let Some(mark) = before.chars().next_back() {
        let is_free = before[..start - mark.len_utf8()].chars().next_back().is_none_or(char::is_whitespace);
        let is_part = match mark {
            '.' => words.span(first, first).starts_with(char::is_uppercase),
            '$' | '€' | '£' | '#' | '@' | '¥' => true,
            '(' => inside.contains(')'),
            _ => !is_quote && quotes.iter().any(|quote| quote.first == first && quote.last <= last),
        };
        if is_free && is_part {
            begin -= mark.len_utf8();
        }
    }
    // The text itself keeps its marks.
    let is_text = first > 0 && words.gap_after(first - 1).starts_with(": ");
    let mut finish = end;
    for mark in words.gap_after(last).chars() {
        let is_part = match mark {
            '%' | '+' | '#' | '€' | '$' | '°' | '™' | '®' | '©' => true,
            '.' => is_text || steps::is_shortened(words, last),
            '!' => is_text || steps::is_marked_name(words, last),
            '?' => is_text || is_question(words.lower(first)),
            ')' => inside.contains('('),
            '"' | '”' | '“' | '»' | '\'' | '’' => {
                !is_quote && quotes.iter().any(|quote| quote.last == last && quote.first >= first)
            }
            _ => false,
        };
        if !is_part {
            break;
        }
        finish += mark.len_utf8();
    }
    begin..finish
}

fn is_question(word: &str) -> bool {
    let word = word.split('\'').next().unwrap_or(word);
    ["how", "why", "what", "when", "where", "who", "which", "is", "are", "do", "does", "can", "should"].contains(&word)
}
