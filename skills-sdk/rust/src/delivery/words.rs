//! The words of a request, without those that are only the content or the topic of a post.

use super::channels::{self, SENDING, VERBS};

/// Verbs that make a post.
const CREATING: &[&str] = &[
    "write", "create", "draft", "compose", "make", "generate", "prepare", "publish", "schedule", "post", "tweet",
    "share", "design", "plan", "rewrite", "suggest", "need", "want",
];
/// What has content of its own.
const POSTS: &[&str] = &[
    "post",
    "posts",
    "tweet",
    "tweets",
    "thread",
    "threads",
    "caption",
    "captions",
    "article",
    "articles",
    "blog",
    "story",
    "stories",
    "headline",
    "headlines",
    "slogan",
    "ad",
    "ads",
    "announcement",
    "newsletter",
    "reel",
    "copy",
    "text",
];
/// Words behind which stands the topic or the text of a post.
const TOPICS: &[&str] = &[
    "about",
    "regarding",
    "concerning",
    "saying",
    "says",
    "titled",
    "called",
    "announcing",
    "explaining",
    "describing",
    "promoting",
    "covering",
    "that",
];
const QUESTIONS: &[&str] = &["how", "why", "what", "when", "where", "who", "whether", "which"];
/// Stands for a word that says nothing about the delivery.
const HIDDEN: &str = "·";

/// The words of a text: in lower case, and as they were written.
pub(super) struct Words {
    pub(super) lower: Vec<String>,
    pub(super) said: Vec<String>,
    /// Whether a sentence ends behind the word.
    ends: Vec<bool>,
    /// Whether a colon stands behind the word.
    colons: Vec<bool>,
    /// Whether the word stands in quotation marks.
    quoted: Vec<bool>,
}

impl Words {
    /// Reads a text.
    pub(super) fn of(text: &str) -> Self {
        let mut words =
            Self { lower: Vec::new(), said: Vec::new(), ends: Vec::new(), colons: Vec::new(), quoted: Vec::new() };
        let mut word = String::new();
        let mut is_quoted = false;
        for letter in text.chars().chain([' ']) {
            if letter.is_alphanumeric() || matches!(letter, '@' | '.' | '-' | '+' | '_') {
                word.push(letter);
                continue;
            }
            words.push(&std::mem::take(&mut word), is_quoted);
            if let Some(last) = words.lower.len().checked_sub(1) {
                words.ends[last] |= matches!(letter, '!' | '?' | ';' | '\n');
                words.colons[last] |= letter == ':';
            }
            match letter {
                '"' => is_quoted = !is_quoted,
                '“' | '„' | '«' => is_quoted = true,
                '”' | '»' => is_quoted = false,
                _ => {}
            }
        }
        words.hide_posts();
        words
    }

    fn push(&mut self, word: &str, is_quoted: bool) {
        let said = word.trim_matches(['.', '-']);
        if said.is_empty() {
            return;
        }
        let lower = said.to_lowercase().replace("e-mail", "email");
        let ends = word.ends_with('.');
        if let Some(last) = self.lower.len().checked_sub(1).filter(|last| !self.ends[*last] && !self.colons[*last])
            && let Some(both) = channels::pair(&format!("{} {lower}", self.lower[last]))
        {
            self.lower[last] = both;
            self.said[last] = format!("{} {said}", self.said[last]);
            self.ends[last] = ends;
            return;
        }
        self.lower.push(lower);
        self.said.push(said.to_owned());
        self.ends.push(ends);
        self.colons.push(false);
        self.quoted.push(is_quoted);
    }

    /// Takes away what a post is about and what stands in it: "a post about how we share files on Slack", "a tweet: get our news by
    /// email". What is to be done with the post counts again: "… and email it to me".
    fn hide_posts(&mut self) {
        let mut at = 0;
        while at < self.lower.len() {
            let end = (at..self.lower.len()).find(|at| self.ends[*at]).map_or(self.lower.len(), |at| at + 1);
            let Some(post) = self.post_in(at, end) else {
                at = end;
                continue;
            };
            if let Some(colon) = (post..end).find(|at| self.colons[*at]) {
                self.hide(colon + 1, self.lower.len());
                return;
            }
            for quoted in (post..end).filter(|at| self.quoted[*at]).collect::<Vec<_>>() {
                self.hide(quoted, quoted + 1);
            }
            let topic = (post + 1..end).find(|at| {
                let next = self.lower.get(at + 1).map(String::as_str).unwrap_or_default();
                TOPICS.contains(&self.lower[*at].as_str()) || (self.lower[*at] == "on" && QUESTIONS.contains(&next))
            });
            if let Some(topic) = topic {
                let is_clause = self.lower.get(topic + 1).is_some_and(|next| QUESTIONS.contains(&next.as_str()));
                let order = (topic + 1..end).find(|at| self.is_order(*at, is_clause)).unwrap_or(end);
                self.hide(topic + 1, order);
            }
            at = end;
        }
    }

    /// Where the post stands that a sentence wants made.
    fn post_in(&self, from: usize, end: usize) -> Option<usize> {
        let post = (from..end).find(|at| POSTS.contains(&self.lower[*at].as_str()))?;
        let is_verb = post == from && matches!(self.lower[post].as_str(), "post" | "tweet");
        let is_made = (from..post).any(|at| CREATING.contains(&self.lower[at].as_str()));
        (is_verb || is_made).then_some(post)
    }

    /// Whether "and" or "then" stands here and an order about the post follows: "and send it to me". Behind "how" and "why" the
    /// topic itself may go on so; there only an order that names the user ends it.
    fn is_order(&self, at: usize, is_clause: bool) -> bool {
        let word = |at: usize| self.lower.get(at).map(String::as_str).unwrap_or_default();
        if !matches!(word(at), "and" | "then" | "please" | "also") {
            return false;
        }
        let verb = (at + 1..at + 4).find(|at| !matches!(word(*at), "and" | "then" | "please" | "also")).unwrap_or(at);
        let is_verb =
            VERBS.contains(&word(verb)) || SENDING.contains(&word(verb)) || channels::PUTTING.contains(&word(verb));
        let is_user = (verb + 1..verb + 5).any(|at| matches!(word(at), "me" | "us"));
        is_verb && (is_user || (!is_clause && matches!(word(verb + 1), "it" | "this" | "that" | "the")))
    }

    fn hide(&mut self, from: usize, to: usize) {
        for word in self.lower[from..to].iter_mut().chain(&mut self.said[from..to]) {
            HIDDEN.clone_into(word);
        }
    }
}
