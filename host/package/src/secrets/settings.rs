//! Passwords and tokens without a form of their own, known by the name that they are given: `PASSWORD=…`.
//!
//! A name proves little, so the value must look like a secret too: the more so, the less the file is
//! one of settings. In `prod.conf` a word after `DB_PASSWORD=` counts, in a document only what no
//! author would have made up. `keys` reads the names, `values` the values; here is where they stand.

use super::keys::{self, Holds, MAX_NAME_BYTES, Meaning};
use super::values::{
    is_disguised_placeholder, is_mixed, is_number, is_placeholder, is_plain_word, is_random, is_series, is_strong,
    is_words,
};

/// Longest value that is read, in bytes.
const MAX_VALUE_BYTES: usize = 512;
/// A value up to this length may overlap with the next one, in bytes.
const MAX_SHORT_BYTES: usize = 64;
/// How far `value:` may stand behind `name: DB_PASSWORD`, in bytes.
const MAX_BETWEEN: usize = 160;

/// What a file holds, as far as it matters to how a value is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Variables for programs: a value is what it is.
    Environment,
    /// Settings as a tree, in which labels stand too.
    Settings,
    /// A program: only what stands in quotation marks is a value.
    Program,
    /// A text for people, or the texts of a program in some language.
    Document,
}

/// Files of variables.
const ENVIRONMENTS: &[&str] =
    &["", "bash", "bat", "cfg", "cmd", "cnf", "conf", "dockerfile", "env", "ini", "netrc", "npmrc", "ps1", "sh", "zsh"];
/// Other files in which a value is what it is, and no part of a program or a document.
const SETTINGS: &[&str] = &[
    "config",
    "csv",
    "hcl",
    "json",
    "json5",
    "jsonc",
    "log",
    "plist",
    "properties",
    "tf",
    "toml",
    "txt",
    "xml",
    "yaml",
    "yml",
];
const DOCUMENTS: &[&str] = &[
    "adoc", "arb", "ftl", "htm", "html", "markdown", "md", "mdx", "mo", "org", "po", "pot", "resx", "rst", "strings",
    "tex", "xlf", "xliff",
];
/// Folders of translations.
const TRANSLATIONS: &[&str] =
    &["_locales", "i18n", "l10n", "lang", "langs", "language", "languages", "locale", "locales", "translations"];

/// A value that is a secret by its name.
pub(super) struct Named {
    /// What it is called.
    pub(super) name: String,
    /// Where it stands.
    pub(super) at: usize,
}

/// The first such value of a file.
pub(super) fn find(path: &str, text: &[u8]) -> Option<Named> {
    let place = place(path);
    // The name in `- name: DB_PASSWORD`, and where it ends: `value:` may follow.
    let mut named: Option<(Pair<'_>, usize)> = None;
    let mut at = 0;
    while at < text.len() {
        let Some(pair) = pair_at(text, at) else {
            at += 1;
            continue;
        };
        at += 1;
        let lower = pair.name.to_ascii_lowercase();
        if matches!(lower.as_str(), "name" | "key") {
            named = Some((pair, at));
            continue;
        }
        let (mut name, mut start) = (pair.name, pair.start);
        if lower == "value"
            && let Some((owner, end)) = named.take()
            && pair.start.saturating_sub(end) <= MAX_BETWEEN
        {
            (name, start) = (owner.value, owner.start);
        }
        let Some(meaning) = keys::meaning(name) else { continue };
        let is_alone = place == Place::Document && is_alone(text, start, pair.end);
        if is_secret(place, name, meaning, pair.value, pair.is_quoted, is_alone) {
            return Some(Named { name: name.to_owned(), at: start });
        }
        // What was judged once as a long value is not read again, piece by piece.
        if pair.value.len() > MAX_SHORT_BYTES {
            at = at.max(pair.end);
        }
    }
    None
}

fn place(path: &str) -> Place {
    let path = path.to_ascii_lowercase();
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", &path));
    let (stem, extension) = file.rsplit_once('.').unwrap_or((file, ""));
    // `messages_de.properties`, `strings.xml`.
    let of_texts = matches!(extension, "properties" | "xml")
        && ["messages", "strings", "labels"].iter().any(|word| stem.starts_with(word));
    if DOCUMENTS.contains(&extension)
        || of_texts
        || folders.split('/').any(|folder| TRANSLATIONS.contains(&folder) || folder.starts_with("values-"))
    {
        Place::Document
    } else if ENVIRONMENTS.contains(&extension) || stem.starts_with("dockerfile") {
        Place::Environment
    } else if SETTINGS.contains(&extension) {
        Place::Settings
    } else {
        Place::Program
    }
}

/// A name with its value.
struct Pair<'a> {
    name: &'a str,
    /// Where the name stands.
    start: usize,
    value: &'a str,
    /// Where the value ends.
    end: usize,
    is_quoted: bool,
}

/// The name and the value on both sides of the sign at this place, if one stands there: `=`, `:`, `=>`, `:=`;
/// `>` behind the name of an element; `,` in `define('NAME', 'value')`; a space in `--name value` and in the
/// lines of netrc.
fn pair_at(text: &[u8], at: usize) -> Option<Pair<'_>> {
    let sign = *text.get(at)?;
    if !matches!(sign, b'=' | b':' | b'>' | b',' | b' ' | b'\t') {
        return None;
    }
    let before = at.checked_sub(1).and_then(|before| text.get(before)).copied().unwrap_or(b'\n');
    if (sign == b'=' && matches!(before, b'=' | b'!' | b'<' | b'>' | b':' | b'+'))
        || (sign == b':' && (before == b':' || text.get(at + 1) == Some(&b':')))
    {
        return None;
    }
    let is_space = |byte: u8| byte == b' ' || byte == b'\t';
    let back = |mut at: usize, is_one: &dyn Fn(u8) -> bool, most: usize| {
        let least = at.saturating_sub(most);
        while at > least && is_one(text[at - 1]) {
            at -= 1;
        }
        at
    };
    let mut end = back(at, &is_space, 16);
    let has_mark = |at: usize, marks: &[u8]| at > 0 && marks.contains(&text[at - 1]);
    // `config["password"] = …`
    end -= usize::from(has_mark(end, b"]"));
    let is_named_in_quotes = has_mark(end, b"\"'`");
    end -= usize::from(is_named_in_quotes);
    let start = back(end, &is_of_name, MAX_NAME_BYTES);
    let mut name = std::str::from_utf8(text.get(start..end)?).ok()?;
    let mut first = start;
    // `--password` is a name with signs before it, and `//registry/:_authToken` one behind a path.
    let flag = name.starts_with("--");
    let dashes = name.len() - name.trim_start_matches(['-', '.']).len();
    name = name.get(dashes..)?;
    first += dashes;
    if name.is_empty() {
        return None;
    }
    let opener = start.checked_sub(1).and_then(|before| text.get(before)).copied().unwrap_or(b'\n');
    let mut next = at + 1;
    match sign {
        b'>' if opener != b'<' && !is_key_element(text, start, name) => return None,
        b',' => {
            let opening = back(start.saturating_sub(1), &is_space, 16);
            let is_call = opening.checked_sub(1).and_then(|before| text.get(before)) == Some(&b'(');
            if !is_named_in_quotes || !is_call {
                return None;
            }
        }
        b' ' | b'\t' => {
            let is_login = matches!(name, "password" | "passwd") && is_login_line(text, start);
            if !flag && !is_login {
                return None;
            }
        }
        b'=' | b':' => {
            next += usize::from(text.get(next).is_some_and(|byte| matches!((sign, byte), (b'=', b'>') | (b':', b'='))));
        }
        _ => {}
    }
    let most = next + 16;
    while next < text.len() && next < most && is_space(text[next]) {
        next += 1;
    }
    let quote = text.get(next).copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    // A tree, a list or a bracket of prose is no value.
    if quote.is_none()
        && text.get(next).is_some_and(|byte| b"{[(".contains(byte))
        && text.get(next..next + 2) != Some(b"{{")
    {
        return None;
    }
    let from = next + usize::from(quote.is_some());
    let rest = text.get(from..text.len().min(from + MAX_VALUE_BYTES))?;
    let is_in_url = matches!(opener, b'?' | b'&') && quote.is_none();
    let ends = |byte: &u8| match quote {
        Some(quote) => *byte == quote || matches!(byte, b'\r' | b'\n'),
        None if sign == b'>' => matches!(byte, b'<' | b'\r' | b'\n'),
        None => byte.is_ascii_whitespace() || b"\"'`,;".contains(byte) || (is_in_url && matches!(byte, b'&' | b'#')),
    };
    if sign == b',' && quote.is_none() {
        return None;
    }
    let length = rest.iter().position(ends).unwrap_or(rest.len());
    let value = std::str::from_utf8(rest.get(..length)?).ok()?;
    // `{password: hunter2}`: the bracket belongs to what is around it.
    let opens = |open: char| value.contains(open);
    let value = if quote.is_none() && value.ends_with(['}', ')', ']']) && !opens('{') && !opens('(') && !opens('[') {
        value.trim_end_matches(['}', ')', ']'])
    } else {
        value
    };
    (!value.is_empty()).then_some(Pair {
        name,
        start: first,
        end: from + value.len(),
        value,
        is_quoted: quote.is_some(),
    })
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Whether the name is the last thing of `<entry key="NAME">`.
fn is_key_element(text: &[u8], start: usize, name: &str) -> bool {
    let before = text.get(start.saturating_sub(8)..start).unwrap_or_default();
    !name.is_empty() && (before.ends_with(b"key=\"") || before.ends_with(b"name=\""))
}

/// Whether the words before `password` are those of netrc: `machine … login …`.
fn is_login_line(text: &[u8], start: usize) -> bool {
    let before = text.get(start.saturating_sub(200)..start).unwrap_or_default();
    let has = |word: &[u8]| before.windows(word.len()).any(|window| window == word);
    (has(b"machine ") || has(b"default ")) && has(b"login ")
}

/// Whether nothing else stands in the line of a pair, but for quotation marks, a list's dash and `export`.
fn is_alone(text: &[u8], start: usize, end: usize) -> bool {
    let around = |byte: &u8| b" \t\"'`-,;{}".contains(byte);
    let before = text.get(start.saturating_sub(MAX_BETWEEN)..start).unwrap_or_default();
    let before = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let before = before.strip_suffix(b"export ").unwrap_or(before);
    let behind = text.get(end..text.len().min(end + MAX_BETWEEN)).unwrap_or_default();
    let behind = behind.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    before.iter().all(around) && behind.iter().all(around)
}

/// Whether a value with such a name is a secret, in such a file.
fn is_secret(place: Place, name: &str, meaning: Meaning, value: &str, is_quoted: bool, is_alone: bool) -> bool {
    if is_placeholder(value) {
        return false;
    }
    if meaning.is_doubtful {
        return is_random(value, 12);
    }
    let is_variable = !name.contains(|c: char| c.is_ascii_lowercase());
    match (meaning.holds, place) {
        (_, Place::Program) if !is_quoted => false,
        (Holds::Password, Place::Document) => {
            // A line of a configuration, for a machine that is named, was hardly made up for readers.
            let is_configured = is_alone && meaning.is_technical && value.len() >= 6 && is_mixed(value);
            (is_random(value, 12) || (value.len() >= 8 && is_strong(value)) || is_configured)
                && !is_words(value)
                && !is_disguised_placeholder(value)
        }
        (Holds::Password, Place::Program) => {
            let least = if meaning.is_bare { value.len() >= 8 && is_strong(value) } else { value.len() >= 6 };
            least && !is_number(value) && is_mixed(value) && !is_words(value) && !is_disguised_placeholder(value)
        }
        (Holds::Password, Place::Environment | Place::Settings) => {
            if is_number(value) {
                return (6..=20).contains(&value.len()) && !is_series(value);
            }
            if !is_words(value) {
                let is_long = value.len() >= 6 || (value.len() == 5 && is_strong(value));
                return is_long && is_mixed(value);
            }
            let may_be_word =
                meaning.is_technical || ((is_variable || meaning.is_owned) && place == Place::Environment);
            value.len() >= 6 && may_be_word && (is_plain_word(value) || is_random(value, 12))
        }
        (Holds::Key, Place::Document) => is_random(value, 16),
        (Holds::Key, Place::Program) => is_random(value, 12),
        (Holds::Key, Place::Environment | Place::Settings) => is_random(value, if is_variable { 8 } else { 12 }),
    }
}

#[cfg(test)]
mod tests;
