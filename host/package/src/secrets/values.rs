//! What the value of a setting is by its shape: a placeholder, a word, a count, or what nobody would
//! have made up. It knows no names.

use super::tokens::EXAMPLES;

/// What stands for a secret in samples.
const PLACEHOLDERS: &[&str] = &[
    "123456",
    "abc123",
    "abcdef",
    "change-me",
    "change_me",
    "changeit",
    "changeme",
    "default",
    "demo",
    "dummy",
    "example",
    "fake",
    "foobar",
    "-here",
    "_here",
    "insert",
    "letmein",
    "mock",
    "optional",
    "passphrase",
    "passwd",
    "password",
    "passwort",
    "placeholder",
    "qwerty",
    "redacted",
    "replace",
    "required",
    "sample",
    "secret",
    "test",
    "todo",
    "token",
    "xxx",
    "your",
    "apikey",
    "api-key",
    "api_key",
    "kennwort",
    "adgangskode",
    "contrasena",
    "haslo",
    "heslo",
    "jelszo",
    "losenord",
    "lozinka",
    "mot-de-passe",
    "parola",
    "salasana",
    "senha",
    "sifre",
    "wachtwoord",
    "motdepasse",
    "asdf",
];
/// The same as a whole: what other settings are called, what programs are delivered with, and what the
/// values of other things are that such a name may have.
const WORDS: &[&str] = &[
    "admin",
    "always",
    "pass",
    "pwd",
    "user",
    "argon2",
    "argon2id",
    "auto",
    "base64",
    "basic",
    "bcrypt",
    "bearer",
    "boolean",
    "cookie",
    "disabled",
    "enabled",
    "env",
    "failed",
    "false",
    "file",
    "guest",
    "header",
    "hidden",
    "hs256",
    "ignore",
    "keychain",
    "keyring",
    "manual",
    "masked",
    "minioadmin",
    "mysql",
    "never",
    "none",
    "null",
    "number",
    "oauth2",
    "object",
    "off",
    "passed",
    "pbkdf2",
    "plaintext",
    "postgres",
    "prompt",
    "read",
    "root",
    "rs256",
    "scrypt",
    "sha256",
    "sha512",
    "string",
    "text",
    "true",
    "undefined",
    "unset",
    "varchar",
    "vault",
    "write",
    "sensitive",
    "base32",
    "utf8",
    "md5",
];
/// Units behind a number: `300Hz`, `30days`.
const UNITS: &[&str] = &[
    "b",
    "bit",
    "bits",
    "byte",
    "bytes",
    "chars",
    "characters",
    "d",
    "day",
    "days",
    "db",
    "gb",
    "h",
    "hour",
    "hours",
    "hz",
    "k",
    "kb",
    "khz",
    "m",
    "mb",
    "mhz",
    "min",
    "minutes",
    "mo",
    "months",
    "ms",
    "px",
    "s",
    "sec",
    "seconds",
    "tokens",
    "weeks",
    "x",
];
/// Fewer different characters than this are no work of chance.
const MIN_DIFFERENT: usize = 8;

/// Fewer characters that count up are chance.
const MIN_RUN: usize = 5;

/// Whether the greater part of a text in small letters is made of runs such as `1234567890` and `abcdef`.
/// One such run alone proves nothing: the number of an account may be one.
pub(super) fn counts_up(lower: &[u8]) -> bool {
    let follows = |two: &[u8]| {
        let is_step = two[0].is_ascii_alphanumeric() && two[0].checked_add(1) == Some(two[1]);
        is_step || two == b"90"
    };
    let (mut in_runs, mut run) = (0, 1);
    for two in lower.windows(2) {
        if follows(two) {
            run += 1;
            continue;
        }
        in_runs += if run >= MIN_RUN { run } else { 0 };
        run = 1;
    }
    in_runs += if run >= MIN_RUN { run } else { 0 };
    in_runs * 2 > lower.len()
}

/// Whether a value stands for a secret, or says where it is.
pub(super) fn is_placeholder(value: &str) -> bool {
    let lower = value.to_lowercase();
    // `DB_PASSWORD`, the name of another setting.
    let is_name = value.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    // The rule for JSON Web Tokens knows samples of them, and parts of one open nothing.
    let is_jwt = value.starts_with("eyJ");
    let is_one_sign = value.chars().next().is_some_and(|first| value.chars().all(|c| c == first));
    is_reference(value)
        || is_name
        || is_jwt
        || is_one_sign
        || is_amount(&lower)
        || WORDS.contains(&lower.trim_end_matches(|c: char| c.is_ascii_digit()))
        || WORDS.contains(&lower.as_str())
        || counts_up(lower.as_bytes())
        || EXAMPLES.iter().any(|word| lower.contains(word))
        || PLACEHOLDERS.iter().any(|word| stands_for(&lower, word))
}

/// Whether a value is only another spelling of a placeholder: `P@ssw0rd!`, `s3cr3t`.
pub(super) fn is_disguised_placeholder(value: &str) -> bool {
    let plain: String = value
        .to_lowercase()
        .chars()
        .map(|letter| match letter {
            '0' => 'o',
            '1' | '!' => 'i',
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            other => other,
        })
        .collect();
    PLACEHOLDERS.iter().any(|word| stands_for(&plain, word))
}

/// Whether a word of a placeholder makes up much of a value, or is a part of its own in it: what chance
/// has made may well hold `test` somewhere.
fn stands_for(lower: &str, word: &str) -> bool {
    let is_part = |(at, _): (usize, &str)| {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        !letter(lower[..at].chars().next_back()) && !letter(lower[at + word.len()..].chars().next())
    };
    let is_much = word.len() * 10 >= lower.len() * 3;
    lower.match_indices(word).any(|found| is_much || is_part(found))
}

/// Whether a value says where the secret is: a variable, a path, a call, a template.
fn is_reference(value: &str) -> bool {
    let lower = value.to_lowercase();
    let within = |open: char, close: char| value.starts_with(open) && value.ends_with(close);
    let is_variable = value.strip_prefix(['$', '%']).is_some_and(|name| name.starts_with(|c: char| is_of_name(c)));
    // `!Ref`, `!vault` and `*anchor` of YAML, `@file`, and types such as `&str`.
    let is_tag = value.strip_prefix(['!', '*', '&', '@', '#', ':']).is_some_and(|tag| {
        tag.starts_with(char::is_alphabetic) && tag.chars().all(|c| c.is_alphabetic() || is_of_name(c) || c == ':')
    });
    let called = value
        .find('(')
        .is_some_and(|at| at > 0 && value[..at].chars().all(|c| is_of_name(c) || matches!(c, '.' | ':' | '!' | '?')));
    let indexed = value.find('[').is_some_and(|at| {
        value[..at].chars().all(|c| is_of_name(c) || c == '.') && (value.contains(']') || value.contains('"'))
    });
    // `config.db.password`, `settings.token1`: names with dots between them.
    let is_member = value.contains('.')
        && value
            .split('.')
            .all(|name| name.len() > 1 && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
        && value.chars().all(|c| is_of_name(c) || c == '.')
        && value.chars().filter(char::is_ascii_digit).count() < 3;
    // `secretmanager:projects/…`, and patterns: `^[a-z]{8}$`.
    let has_scheme = value.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.len() > 3 && scheme.chars().all(|c| c.is_ascii_alphabetic()) && rest.contains('/')
    });
    let is_pattern = value.starts_with('^') && (value.ends_with('$') || value.contains("(?") || value.contains('['));
    // `owner/repository/file`: base64 has capital letters.
    let is_path = value.contains('/') && !value.contains(|c: char| c.is_ascii_uppercase());
    value.starts_with(['/', '.', '~', '|', '>', '-', '\\'])
        || is_path
        || has_scheme
        || is_pattern
        || value.contains(char::is_whitespace)
        || is_variable
        || is_tag
        || called
        || indexed
        || is_member
        || within('<', '>')
        || within('[', ']')
        || within('{', '}')
        || within('(', ')')
        || value.ends_with(['(', '{', '['])
        || ["${", "$(", "{{", "}}", "<%", "***", "...", "…", "://", "..", "%s", "%(", "#{", "\\(", "</", "•"]
            .iter()
            .any(|sign| value.contains(sign))
        || ["env:", "env.", "file:", "arn:", "vault:", "op:", "ssm:", "secretref:", "enc[", "base64:", "base64,"]
            .iter()
            .any(|sign| lower.contains(sign))
        || (value.starts_with('<') && !value.contains(|c: char| c.is_ascii_digit()))
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == '-'
}

/// Whether a value is a number with or without a unit, a version or a date.
fn is_amount(lower: &str) -> bool {
    let unit = lower.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '_' | '-'));
    let has_number = unit.len() < lower.len();
    let version = lower.strip_prefix('v').unwrap_or(lower);
    let is_version = version.contains('.') && version.chars().all(|c| c.is_ascii_digit() || c == '.');
    let is_date = lower.len() >= 10
        && lower
            .as_bytes()
            .iter()
            .take(10)
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { *byte == b'-' } else { byte.is_ascii_digit() });
    is_version || is_date || (has_number && UNITS.contains(&unit.trim_end_matches('/')))
}

/// Whether a value is a number alone: a count, seldom a secret.
pub(super) fn is_number(value: &str) -> bool {
    value.chars().all(|c| c.is_ascii_digit() || matches!(c, '_' | '.' | ',' | '-' | '+'))
}

/// Whether the digits count up or repeat: nobody's number.
pub(super) fn is_series(value: &str) -> bool {
    let digits = value.as_bytes();
    let steps: Vec<i16> = digits.windows(2).map(|two| i16::from(two[1]) - i16::from(two[0])).collect();
    let usual = steps.iter().filter(|step| matches!(**step, -1..=1)).count();
    usual * 4 >= steps.len() * 3
}

/// Whether a value is one word or several, in letters alone: a label, a mode, a translation.
pub(super) fn is_words(value: &str) -> bool {
    value.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '_' | '.' | '\'' | '’' | '/' | ':' | '?' | '!'))
}

/// Whether a value is a word that a person may have made up as a password: in small letters of English,
/// as a label seldom is.
pub(super) fn is_plain_word(value: &str) -> bool {
    value.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == '_')
}

/// Whether letters and something else are mixed, as in a password.
pub(super) fn is_mixed(value: &str) -> bool {
    value.contains(|c: char| c.is_ascii_digit() || is_sign(c)) && value.contains(|c: char| c.is_alphabetic())
}

fn is_sign(letter: char) -> bool {
    letter.is_ascii_punctuation() && !matches!(letter, '-' | '_' | '.' | '\'' | '/' | ':' | '?' | '!' | '|' | '+' | '&')
}

/// Whether a value has small and capital letters, digits or signs: three kinds of four.
pub(super) fn is_strong(value: &str) -> bool {
    let kinds: [fn(char) -> bool; 4] = [
        |c| c.is_lowercase(),
        |c| c.is_uppercase(),
        |c| c.is_ascii_digit(),
        |c| c.is_ascii_punctuation() && !matches!(c, '-' | '_' | '.' | '/' | ':'),
    ];
    let present = kinds.iter().filter(|kind| value.contains(**kind)).count();
    present >= 3 && value.contains(|c: char| c.is_ascii_digit())
}

/// Whether nobody would have made the value up: of a length, with letters and digits in disorder.
pub(super) fn is_random(value: &str, min_chars: usize) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let letters = value.chars().filter(char::is_ascii_alphabetic).count();
    let different = {
        let mut bytes = value.as_bytes().to_vec();
        bytes.sort_unstable();
        bytes.dedup();
        bytes.len()
    };
    // `app-tls-2024` and `gpt-4o-mini-2024-07-18` are names: words, and numbers of their own.
    let is_one_kind = |part: &str| part.chars().all(char::is_alphabetic) || part.chars().all(|c| c.is_ascii_digit());
    let name_parts: Vec<&str> = value.split(['-', '_', '.', '/', ':']).filter(|part| !part.is_empty()).collect();
    let plain = name_parts.iter().filter(|part| is_one_kind(part) || part.len() <= 3).count();
    let is_name = name_parts.len() > 1 && plain * 2 > name_parts.len() && name_parts.iter().all(|part| part.len() < 16);
    let has_key = name_parts.iter().any(|part| part.len() >= 8 && !is_one_kind(part) && is_dense(part));
    let turns =
        value.as_bytes().windows(2).filter(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase()).count();
    // Without digits, letters of both cases must change more often than in a name such as `getTokenFromHeader`.
    let is_scrambled = value.len() >= 20 && different >= 12 && turns * 5 >= value.len();
    value.len() >= min_chars
        && letters > 0
        && different >= MIN_DIFFERENT
        && (!is_name || has_key)
        && (digits >= 3 || is_scrambled)
}

/// Whether digits and letters take turns in a part of a value, as in no word with a number behind it.
fn is_dense(part: &str) -> bool {
    let turns = part.as_bytes().windows(2).filter(|two| two[0].is_ascii_digit() != two[1].is_ascii_digit()).count();
    turns >= 4
}
