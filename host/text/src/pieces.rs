//! Cuts a text into pieces: words, figures, signs with a reading, and pairs of characters where a script has no spaces.
//!
//! It knows characters, not languages.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Most characters of a word that are compared; of a longer one the beginning counts.
const MAX_WORD_CHARS: usize = 40;

/// What a piece is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Letters, or letters followed by digits (`q3`).
    Letters,
    /// Digits, with the separators between them (`1,000`, `9:30`, `2026-12-24`) and a sign before them.
    Figure,
    /// Two neighbouring characters of a script without spaces between words; one, where one stands alone.
    Pair,
}

/// A piece of a text.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// Where it begins and ends in the text, in bytes.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// In compatibility form (NFKC), lower case, with straight apostrophes and without invisible joiners.
    pub(crate) lower: String,
    pub(crate) class: Class,
    /// Whether it begins with a capital letter.
    pub(crate) capital: bool,
    /// Whether it may begin a sentence, so that a capital says nothing.
    pub(crate) opens: bool,
}

/// The pieces of a text, at most `max`; the text behind the last one is not looked at.
pub(crate) fn pieces(text: &str, max: usize) -> Vec<Piece> {
    let mut cutter = Cutter { text, max, pieces: Vec::new(), opens: true };
    let mut open: Option<(usize, Class)> = None;
    let mut previous = ' ';
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let next = rest.peek().map_or(' ', |(_, next)| *next);
        let class = match open {
            Some((_, class)) if joins(class, previous, c, next) => Some(class),
            _ => begins(previous, c, next),
        };
        if let Some((start, was)) = open
            && class != Some(was)
        {
            cutter.close(start, at, was);
            open = None;
        }
        match class {
            Some(class) if open.is_none() => open = Some((at, class)),
            Some(_) => {}
            None => cutter.sign(at, c),
        }
        if cutter.pieces.len() >= max {
            return cutter.pieces;
        }
        previous = c;
    }
    if let Some((start, class)) = open {
        cutter.close(start, text.len(), class);
    }
    cutter.pieces
}

/// What begins with this character, if anything does.
fn begins(previous: char, c: char, next: char) -> Option<Class> {
    match c {
        '-' | '−' if next.is_ascii_digit() && !previous.is_alphanumeric() => Some(Class::Figure),
        c if is_unspaced(c) => Some(Class::Pair),
        c if is_digit(c) => Some(Class::Figure),
        c if c.is_alphanumeric() => Some(Class::Letters),
        _ => None,
    }
}

/// Whether a character goes on with what is open.
fn joins(class: Class, previous: char, c: char, next: char) -> bool {
    let mark = is_combining_mark(c) || is_invisible(c);
    match class {
        Class::Pair => is_unspaced(c) || mark,
        Class::Figure => match c {
            '.' | ',' | ':' | '/' | '-' | '\'' | '’' => is_digit(previous) && is_digit(next),
            c => is_digit(c),
        },
        Class::Letters => match c {
            '\'' | '’' => previous.is_alphanumeric() && next.is_alphanumeric(),
            c => (c.is_alphanumeric() && !is_unspaced(c)) || mark,
        },
    }
}

/// Digits of any width; circled and superscript ones are none.
fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || ('０'..='９').contains(&c)
}

/// Soft hyphen and zero-width joiners: they stand inside words and are not seen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Scripts written without spaces between words, and Hangul, whose words carry their particles: Thai to Myanmar, Khmer, kana, Han.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{30ff}' | '\u{3130}'..='\u{318f}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
        && c != '\u{30fb}'
}

struct Cutter<'a> {
    text: &'a str,
    max: usize,
    pieces: Vec<Piece>,
    opens: bool,
}

impl Cutter<'_> {
    fn close(&mut self, start: usize, end: usize, class: Class) {
        let run = &self.text[start..end];
        if class != Class::Pair {
            self.push(start, end, normal(run), class);
            return;
        }
        let at: Vec<usize> = run
            .char_indices()
            .filter(|(_, c)| !is_invisible(*c))
            .take(self.max + 1)
            .map(|(at, _)| start + at)
            .chain([end])
            .collect();
        // A character alone is a piece; of more, each with its right neighbour.
        let width = if at.len() > 2 { 2 } else { 1 };
        for window in at.windows(width + 1) {
            if let (Some(from), Some(to)) = (window.first(), window.last()) {
                self.push(*from, *to, normal(&self.text[*from..*to]), Class::Pair);
            }
        }
    }

    fn push(&mut self, start: usize, end: usize, lower: String, class: Class) {
        if lower.is_empty() || self.pieces.len() >= self.max {
            return;
        }
        let capital = self.text[start..].chars().next().is_some_and(char::is_uppercase);
        self.pieces.push(Piece { start, end, lower, class, capital, opens: self.opens });
        self.opens = false;
    }

    /// Signs that are read aloud are words; those that may end a sentence are remembered.
    fn sign(&mut self, at: usize, c: char) {
        let read = match c {
            '%' | '％' => "percent",
            '$' => "dollar",
            '€' => "euro",
            '£' => "pound",
            '¥' => "yen",
            _ => {
                let ends = matches!(c, '.' | '!' | '?' | ':' | '\n' | '"' | '“' | '„' | '”' | '•' | '。' | '…');
                self.opens |= ends;
                return;
            }
        };
        self.push(at, at + c.len_utf8(), read.to_owned(), Class::Letters);
    }
}

fn normal(word: &str) -> String {
    let shown = word.chars().filter(|c| !is_invisible(*c)).take(MAX_WORD_CHARS);
    let lower: String = shown.nfkc().flat_map(char::to_lowercase).collect();
    lower.replace('’', "'").replace('−', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lower(text: &str) -> Vec<String> {
        pieces(text, 100).into_iter().map(|piece| piece.lower).collect()
    }

    #[test]
    fn words_figures_and_signs() {
        assert_eq!(
            lower("Let’s post—at 9:30, for 1,000 € or 5%!"),
            ["let's", "post", "at", "9:30", "for", "1,000", "euro", "or", "5", "percent"]
        );
        assert_eq!(
            lower("10am Q3 3rd -5 x-5 5kg 2026-12-24"),
            ["10", "am", "q3", "3", "rd", "-5", "x", "5", "5", "kg", "2026-12-24"]
        );
    }

    #[test]
    fn forms_of_one_character_are_the_same() {
        assert_eq!(lower("Gro\u{308}ße"), lower("größe"));
        assert_eq!(lower("ﬁle"), ["file"]);
        assert_eq!(lower("in\u{ad}fra\u{200b}red"), ["infrared"]);
        assert_eq!(lower("５０％"), ["50", "percent"]);
    }

    #[test]
    fn scripts_without_spaces_give_pairs() {
        assert_eq!(lower("東京都 に住む"), ["東京", "京都", "に住", "住む"]);
        assert_eq!(lower("我"), ["我"]);
        assert_eq!(lower("iPhone用"), ["iphone", "用"]);
        assert_eq!(lower("한국어"), ["한국", "국어"]);
    }

    #[test]
    fn odd_and_long_texts() {
        assert!(lower("🙂 — !! \u{301}").is_empty());
        assert_eq!(pieces(&"word ".repeat(1_000), 100).len(), 100);
        assert_eq!(pieces(&"東京".repeat(1_000), 100).len(), 100);
        assert!(pieces(&"ä".repeat(10_000), 100)[0].lower.chars().count() <= MAX_WORD_CHARS);
    }

    #[test]
    fn capitals_that_say_something() {
        let said: Vec<(bool, bool)> =
            pieces("The team. In Oslo", 9).iter().map(|piece| (piece.capital, piece.opens)).collect();
        assert_eq!(said, [(true, true), (false, false), (true, true), (true, false)]);
    }
}
