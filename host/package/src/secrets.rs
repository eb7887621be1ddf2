//! What no package may hold: private keys and the tokens of services.
//!
//! A package is copied to registries and to every organisation that installs it. Whatever it holds
//! is public, so a key in it is lost, whatever the file is called. Reported is what can hardly be
//! anything else: files by their names, marks of key formats, tokens with a service's own form,
//! passwords in URLs, and values of settings whose names say that they are secrets. What stands for a
//! secret in documentation is not.

mod der;
mod keys;
mod names;
mod settings;
mod tokens;
mod values;

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use regex::bytes::Regex;

use crate::finding::Finding;

pub use names::is_secret_file;

/// Most bytes of a file that is looked at as a text; a larger one is looked at in its first bytes.
const MAX_SCANNED_BYTES: usize = 8 << 20;
/// Fewer different characters than this make no token: `xxxx…` and `0000…` stand in documentation.
const MIN_DIFFERENT: usize = 8;

/// A kind of secret: what it is called, how it looks, and whether a text of this look is one, and no sample.
type Kind = (&'static str, &'static str, fn(&[u8]) -> bool);
/// The same, compiled.
type Compiled = Vec<(&'static str, Regex, fn(&[u8]) -> bool)>;

/// Private keys in a text.
const KEYS: &[Kind] = &[
    // The mark alone stands in documentation; with a line of content after it, it is a key.
    (
        "a private key",
        r#"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:[\s"'`+,.#*>|/\\]|\\[rn]|[A-Za-z-]+: [^\n]*\n)*[A-Za-z0-9+/=]{40,}"#,
        is_varied,
    ),
    // A key in DER, without the mark.
    ("a private key in base64", r"\bM[A-I][A-Za-z0-9+/]{42,}", der::is_key_in_base64),
    ("a PuTTY private key", r"PuTTY-User-Key-File-[0-9]: [a-z]", is_varied),
    ("an age private key", r"AGE-SECRET-KEY-1[0-9A-Z]{50,}", is_varied),
    ("a private key as a JSON Web Key", r#""(?:d|k)"\s*:\s*"[A-Za-z0-9_-]{40,}""#, is_varied),
];

fn compiled(kinds: &'static [Kind]) -> Compiled {
    // Each pattern is compiled by a test; one that is wrong would find nothing.
    kinds.iter().filter_map(|(what, pattern, is_one)| Some((*what, Regex::new(pattern).ok()?, *is_one))).collect()
}

static KEY_PATTERNS: LazyLock<Compiled> = LazyLock::new(|| compiled(KEYS));
static TOKEN_PATTERNS: LazyLock<Compiled> = LazyLock::new(|| compiled(tokens::TOKENS));

/// The secrets in some files, each with its file and line. The text of a secret is never repeated.
pub fn find<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<Finding> {
    files.filter_map(|(path, bytes)| in_file(path, bytes)).collect()
}

/// The first secret of a file: one is enough to refuse it.
fn in_file(path: &str, bytes: &[u8]) -> Option<Finding> {
    if is_secret_file(path) && !bytes.is_empty() {
        let message = "the file holds secrets, by its name: take it out of the package or name it in \
                       `.skillignore`; a skill gets its secrets from the organisation that installs it \
                       (`capabilities: secrets`)";
        return Some(Finding::error("secret-file", message).at(path, None));
    }
    if der::is_key(bytes) {
        return Some(private_key(path, "a private key", None));
    }
    let bytes = bytes.get(..MAX_SCANNED_BYTES).unwrap_or(bytes);
    let wide = as_one_byte(bytes);
    let text = wide.as_deref().unwrap_or(bytes);
    let line_of = |at: usize| {
        let lines = text.get(..at)?.iter().filter(|byte| **byte == b'\n').count();
        u32::try_from(lines + 1).ok()
    };
    for (what, pattern, is_one) in KEY_PATTERNS.iter() {
        // A public key has the same members as a private one, but for these; a sample has them short.
        let found = pattern.find_iter(text).find(|found| is_one(found.as_bytes()));
        if let Some(found) = found
            && (!what.contains("JSON") || contains(text, b"\"kty\""))
        {
            return Some(private_key(path, what, line_of(found.start())));
        }
    }
    if let Some(at) = key_in_base64(text) {
        return Some(private_key(path, "a private key in base64", line_of(at)));
    }
    for (what, pattern, is_one) in TOKEN_PATTERNS.iter() {
        let secrets = pattern.captures_iter(text).filter_map(|found| found.get(1).or_else(|| found.get(0)));
        if let Some(found) = secrets.into_iter().find(|found| is_one(found.as_bytes())) {
            return Some(in_package(path, what, line_of(found.start())));
        }
    }
    let named = settings::find(path, text)?;
    let what = format!("a secret called `{}`", named.name.chars().take(64).collect::<String>());
    Some(in_package(path, &what, line_of(named.at)))
}

fn in_package(path: &str, what: &str, line: Option<u32>) -> Finding {
    let message = format!(
        "it holds {what}: whoever gets the package has it. Take it out, replace it at the service, and let the skill \
         name it under `capabilities: secrets` instead. If the skill does not need the file, name it in `.skillignore`; \
         if it is a sample, write a placeholder such as `your-token`"
    );
    Finding::error("secret-in-package", message).at(path, line)
}

fn private_key(path: &str, what: &str, line: Option<u32>) -> Finding {
    let message = format!(
        "it holds {what}: whoever gets the package has it. Keep keys outside of the skill's folder or name the file in \
         `.skillignore`, let the skill name what it needs under `capabilities: secrets`, and replace this key if the \
         package was handed to anybody"
    );
    Finding::error("private-key", message).at(path, line)
}

/// A text in UTF-16, as one byte for each character.
fn as_one_byte(bytes: &[u8]) -> Option<Vec<u8>> {
    let wide = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    wide.then(|| bytes.iter().copied().filter(|byte| *byte != 0).collect())
}

/// `-----BEGIN … PRIVATE KEY-----`, encoded once more, as secrets stand in configuration files. Returns
/// where it stands.
fn key_in_base64(text: &[u8]) -> Option<usize> {
    // What `-----BEGIN` becomes behind no, one or two bytes of a group of three.
    const BEGINNINGS: &[(&[u8], usize)] = &[(b"LS0tLS1CRUdJTi", 0), (b"0tLS0tQkVHSU4g", 2), (b"tLS0tLUJFR0lO", 3)];
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'+' || *byte == b'/';
    BEGINNINGS.iter().find_map(|(beginning, before)| {
        let mut from = 0;
        while let Some(at) = text.get(from..).and_then(|rest| find_bytes(rest, beginning)).map(|at| at + from) {
            from = at + beginning.len();
            let Some(start) = at.checked_sub(*before) else { continue };
            let head: Vec<u8> = text[start..].iter().copied().take_while(is_base64).take(96).collect();
            let whole = head.len() / 4 * 4;
            if STANDARD_NO_PAD.decode(&head[..whole]).is_ok_and(|plain| contains(&plain, b"PRIVATE KEY")) {
                return Some(start);
            }
        }
        None
    })
}

fn find_bytes(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    find_bytes(text, wanted).is_some()
}

/// Whether a text is no placeholder.
fn is_varied(text: &[u8]) -> bool {
    let mut different = text.to_vec();
    different.sort_unstable();
    different.dedup();
    different.len() >= MIN_DIFFERENT
}

#[cfg(test)]
mod tests;
