//! The text cut into words, numbers and marks, each with its senses from the table of the language.
//! Phrases of the table ("day after tomorrow") become one token.

use std::ops::Range;

use crate::words::{Sense, Table};

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    Number,
    Mark(char),
}

/// One token.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub span: Range<usize>,
    pub kind: Kind,
    /// In small letters, with straight apostrophes.
    pub lower: String,
    /// Nothing stands between it and the token before.
    pub glued: bool,
    /// A line ends before it.
    pub new_line: bool,
    /// "today's"
    pub possessive: bool,
    pub senses: &'static [Sense],
    /// It may not be read.
    pub barred: bool,
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | 'ʼ')
}

fn is_word(c: char) -> bool {
    c.is_alphabetic()
        || c == '_'
        || (!c.is_ascii()
            && !c.is_whitespace()
            && !matches!(c, '–' | '—' | '…' | '“' | '”' | '„' | '«' | '»' | '‘' | '’'))
}

/// Cuts the text; `protected` ranges are barred.
pub(crate) fn tokens(text: &str, table: &'static Table, protected: &[Range<usize>]) -> Vec<Token> {
    let mut protected: Vec<&Range<usize>> = protected.iter().filter(|range| !range.is_empty()).collect();
    protected.sort_by_key(|range| range.start);
    let mut barred_until = 0;
    let mut next_bar = 0;
    let mut raw: Vec<Token> = Vec::new();
    let mut chars = text.char_indices().peekable();
    let mut gap = true;
    let mut new_line = false;
    while let Some((start, c)) = chars.next() {
        if c.is_whitespace() {
            gap = true;
            new_line |= c == '\n';
            continue;
        }
        let mut end = start + c.len_utf8();
        let kind = if c.is_ascii_digit() {
            while let Some((at, _)) = chars.next_if(|(_, c)| c.is_ascii_digit()) {
                end = at + 1;
            }
            Kind::Number
        } else if is_word(c) {
            while let Some((at, c)) = chars.next_if(|(at, c)| {
                is_word(*c)
                    || is_apostrophe(*c)
                        && text[at + c.len_utf8()..].chars().next().is_some_and(|next| next.is_alphabetic())
            }) {
                end = at + c.len_utf8();
            }
            Kind::Word
        } else {
            Kind::Mark(if matches!(c, '–' | '—') { '-' } else { c })
        };
        while next_bar < protected.len() && protected[next_bar].start < end {
            barred_until = barred_until.max(protected[next_bar].end);
            next_bar += 1;
        }
        let mut lower = if kind == Kind::Word { text[start..end].to_lowercase() } else { text[start..end].to_owned() };
        if lower.contains(['’', 'ʼ']) {
            lower = lower.replace(['’', 'ʼ'], "'");
        }
        let mut senses = if kind == Kind::Word || c == '&' { table.senses(&lower) } else { &[] };
        let mut possessive = false;
        if senses.is_empty()
            && let Some(base) = lower.strip_suffix("'s")
        {
            senses = table.senses(base);
            possessive = true;
        }
        let barred = start < barred_until;
        raw.push(Token { span: start..end, kind, lower, glued: !gap, new_line, possessive, senses, barred });
        gap = false;
        new_line = false;
    }
    join(raw, table)
}

/// Joins the phrases of the table.
fn join(mut raw: Vec<Token>, table: &'static Table) -> Vec<Token> {
    let mut joined: Vec<Token> = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let found = if raw[at].kind == Kind::Word && !raw[at].barred { phrase(&raw, at, table) } else { None };
        match found {
            Some((senses, last)) => {
                let mut token = take(&mut raw[at]);
                token.span.end = raw[last].span.end;
                token.senses = senses;
                token.possessive = raw[last].possessive;
                joined.push(token);
                at = last + 1;
            }
            None => {
                let mut token = take(&mut raw[at]);
                at += 1;
                if is_shortened(&token, &raw[at..]) {
                    token.span.end = raw[at].span.end;
                    at += 1;
                }
                joined.push(token);
            }
        }
    }
    joined
}

/// Whether the dot behind a token belongs to it: "Fri., 4 Dec.", "every Wed. at 9".
fn is_shortened(token: &Token, rest: &[Token]) -> bool {
    let [dot, next, ..] = rest else { return false };
    let named = token.senses.iter().any(|sense| matches!(sense, Sense::Weekday(_) | Sense::Month(_)));
    let follows = match next.kind {
        Kind::Number => true,
        Kind::Mark(mark) => mark == ',',
        Kind::Word => {
            next.senses.contains(&Sense::At)
                || next.senses.contains(&Sense::And)
                || next.senses.iter().any(|sense| matches!(sense, Sense::Part(_)))
        }
    };
    let upper = next.kind == Kind::Word && next.new_line;
    named && !token.barred && token.lower.len() <= 5 && dot.kind == Kind::Mark('.') && dot.glued && follows && !upper
}

/// Moves a token out of the list.
fn take(token: &mut Token) -> Token {
    Token { lower: std::mem::take(&mut token.lower), span: token.span.clone(), ..*token }
}

fn phrase(raw: &[Token], at: usize, table: &'static Table) -> Option<(&'static [Sense], usize)> {
    table.phrases(&raw[at].lower).iter().find_map(|(rest, senses)| {
        let mut place = at;
        for word in rest {
            place += 1;
            let dot = raw[at].lower == "st"
                && raw.get(place).is_some_and(|token| token.kind == Kind::Mark('.') && token.glued);
            if dot || raw.get(place).is_some_and(|token| token.kind == Kind::Mark('-')) {
                place += 1;
            }
            let token = raw.get(place)?;
            let same = token.lower == *word || token.possessive && token.lower.strip_suffix("'s") == Some(word);
            if token.barred || !same {
                return None;
            }
        }
        Some((senses.as_slice(), place))
    })
}
