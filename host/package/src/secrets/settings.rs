//! Passwords and tokens without a form of their own, known by the name that they are given: `PASSWORD=…`.
//!
//! A name proves little, so the value must look like a secret too: the more so, the less the file is
//! one of settings. In `prod.conf` any literal after `DB_PASSWORD=` counts, in a document only what no
//! author would have made up.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::tokens::EXAMPLES;

/// The end of the name, the sign, and the value: in double quotes, in single quotes, or up to a space.
const ASSIGNMENT: &str = r#"(?i)(pass(?:word|wd|phrase)|[_-](?:pass|pwd)|secret(?:[_-]?key[_-]?base)?|token|(?:api|access|secret|private|auth|account|signing|encryption)[_-]?key)["'`]?[ \t]*(?:=>|:=|[=:])[ \t]*(?:"([^"\r\n]{1,512})"|'([^'\r\n]{1,512})'|([^\s"'`#,;]{1,512}))"#;

/// What stands for a secret in samples.
const PLACEHOLDERS: &[&str] = &[
    "123456",
    "abc123",
    "abcdef",
    "change-me",
    "change_me",
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
    "mock",
    "optional",
    "passwd",
    "password",
    "placeholder",
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
];
/// The same as a whole: what other settings are called, and what programs are delivered with.
const WORDS: &[&str] = &[
    "admin",
    "argon2",
    "argon2id",
    "base64",
    "basic",
    "bcrypt",
    "bearer",
    "boolean",
    "disabled",
    "enabled",
    "false",
    "guest",
    "hidden",
    "hs256",
    "minioadmin",
    "mysql",
    "none",
    "null",
    "number",
    "oauth2",
    "object",
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
    "true",
    "undefined",
    "vault",
    "write",
];

/// Files in which a value is what it is, and no part of a program or a document.
const SETTINGS: &[&str] = &[
    "",
    "bash",
    "bat",
    "cfg",
    "cmd",
    "cnf",
    "conf",
    "csv",
    "dockerfile",
    "env",
    "hcl",
    "ini",
    "json",
    "json5",
    "jsonc",
    "log",
    "properties",
    "ps1",
    "sh",
    "tf",
    "toml",
    "txt",
    "xml",
    "yaml",
    "yml",
    "zsh",
];
const DOCUMENTS: &[&str] = &["adoc", "htm", "html", "markdown", "md", "mdx", "org", "rst", "tex"];

static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(ASSIGNMENT).ok());

/// A value that is a secret by its name.
pub(super) struct Named {
    /// What it is called.
    pub(super) name: String,
    /// Where it stands.
    pub(super) at: usize,
}

/// The first such value of a file.
pub(super) fn find(path: &str, text: &[u8]) -> Option<Named> {
    let file = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    PATTERN.as_ref()?.captures_iter(text).find_map(|found| {
        let end = found.get(1)?;
        let is_quoted = found.get(4).is_none();
        let value = (2..=4).find_map(|group| found.get(group))?;
        let value = std::str::from_utf8(value.as_bytes()).ok()?;
        let start = text[..end.start()].iter().rposition(|byte| !is_of_name(*byte)).map_or(0, |at| at + 1);
        let name = String::from_utf8_lossy(&text[start..end.end()]).into_owned();
        let is_variable = !name.contains(|c: char| c.is_ascii_lowercase());
        let is_password = end.as_bytes().to_ascii_lowercase().windows(2).any(|two| two == b"pa" || two == b"pw");
        let is_secret = if DOCUMENTS.contains(&extension) {
            is_random(value, 16)
        } else if !SETTINGS.contains(&extension) {
            is_quoted && is_random(value, 12)
        } else if is_variable {
            value.len() >= 6
        } else if is_password {
            value.len() >= 6 && is_mixed(value)
        } else {
            is_random(value, 12)
        };
        (is_secret && !is_placeholder(value)).then_some(Named { name, at: start })
    })
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Whether a value stands for a secret, or says where it is.
fn is_placeholder(value: &str) -> bool {
    let lower = value.to_lowercase();
    let is_reference = value.starts_with(['/', '.', '~', '@', '!', '&', '|', '>', '-', '\\'])
        || value.contains(['$', '{', '}', '<', '>', '[', ']', '(', ')', '*', '…', ' ', '\t'])
        || ["://", "..", "env:", "env.", "file:", "arn:", "vault:", "%s"].iter().any(|sign| lower.contains(sign));
    // `DB_PASSWORD`, the name of another setting.
    let is_name = value.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    // The rule for JSON Web Tokens knows samples of them.
    let is_jwt = value.starts_with("eyJ") && value.contains('.');
    let is_one_sign = value.chars().next().is_some_and(|first| value.chars().all(|c| c == first));
    is_reference
        || is_name
        || is_jwt
        || is_one_sign
        || WORDS.contains(&lower.as_str())
        || PLACEHOLDERS.iter().chain(EXAMPLES).any(|word| lower.contains(word))
}

fn is_mixed(value: &str) -> bool {
    value.contains(|c: char| c.is_ascii_digit()) && value.contains(|c: char| c.is_alphabetic())
}

/// Whether nobody would have made the value up.
fn is_random(value: &str, min_chars: usize) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    value.len() >= min_chars && is_mixed(value) && digits >= 3 && super::is_varied(value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Option<String> {
        find(path, text.as_bytes()).map(|named| named.name)
    }

    #[test]
    fn the_pattern_is_valid() {
        assert!(PATTERN.is_some());
    }

    #[test]
    fn a_secret_is_known_by_its_name_and_the_form_of_its_value() {
        for (path, text, name) in [
            ("prod.conf", "PASSWORD=hunter2", "PASSWORD"),
            ("a.sh", "export DB_PASSWORD=\"hunter2\"  # mine", "DB_PASSWORD"),
            ("run", "SMTP_PASS=swordfish", "SMTP_PASS"),
            ("Dockerfile", "ENV API_KEY=q7w8e9r0t1", "API_KEY"),
            ("compose.yaml", "    POSTGRES_PASSWORD: hunter2", "POSTGRES_PASSWORD"),
            ("config.json", "{\"db\": {\"password\": \"hunter2\"}}", "password"),
            ("config.yaml", "client_secret: 8f3kd92jf0s1", "client_secret"),
            ("settings.toml", "api-key = \"8f3kd92jf0s1\"", "api-key"),
            ("a.properties", "spring.datasource.password=hunter2", "password"),
            ("a.py", "API_TOKEN = \"9f8e7d6c5b4a3210\"", "API_TOKEN"),
            ("a.ts", "const accessToken = 'q1w2e3r4t5y6u7';", "accessToken"),
            ("SKILL.md", "Run `API_KEY=q1w2e3r4t5y6u7i8 tool`", "API_KEY"),
        ] {
            assert_eq!(found(path, text).as_deref(), Some(name), "{path}: {text}");
        }
    }

    #[test]
    fn samples_references_and_other_settings_are_not_secrets() {
        for (path, text) in [
            ("a.conf", "PASSWORD="),
            ("a.conf", "PASSWORD=changeme"),
            ("a.conf", "PASSWORD=your-password-here"),
            ("a.conf", "PASSWORD=<the password>"),
            ("a.conf", "PASSWORD=${DB_PASSWORD}"),
            ("a.conf", "PASSWORD=$(cat file)"),
            ("a.conf", "PASSWORD=/run/passwords/db"),
            ("a.conf", "PASSWORD=********"),
            ("a.py", "token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl12345'"),
            ("a.conf", "POSTGRES_PASSWORD=postgres"),
            ("a.conf", "TOKEN_URL=https://login.internal/oauth2"),
            ("a.conf", "PASSWORD_MIN_LENGTH=12345678"),
            ("ci.yaml", "GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}"),
            ("ci.yaml", "id-token: write"),
            ("a.yaml", "max_tokens: 4096"),
            ("a.yaml", "password: bcrypt"),
            ("a.yaml", "token: comma"),
            ("a.json", "{\"password\": {\"type\": \"string\"}}"),
            ("de.json", "{\"password\": \"Passwort\"}"),
            ("a.rs", "password: String, token: &str"),
            ("a.py", "password = os.environ[\"DB_PASSWORD_2\"]"),
            ("a.py", "token = read_token_v123(path)"),
            ("SKILL.md", "Write PASSWORD=hunter2 into `.env`."),
            ("SKILL.md", "export API_KEY=sk-123456789abcdef0"),
            ("SKILL.md", "the secret: never give up 2 early"),
        ] {
            assert_eq!(found(path, text), None, "{path}: {text}");
        }
    }
}
