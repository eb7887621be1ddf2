//! What no package may hold: private keys and the tokens of services.
//!
//! A package is copied to registries and to every organisation that installs it. Whatever it holds
//! is public, so a key in it is lost, whatever the file is called. Only what can be nothing else is
//! reported: marks of key formats, and tokens with a service's own prefix and length.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ed25519_dalek::pkcs8::PrivateKeyInfoRef;
use regex::bytes::Regex;

use crate::finding::Finding;

/// Most bytes of a file that is looked at as a text; a larger one is looked at in its first bytes.
const MAX_SCANNED_BYTES: usize = 8 << 20;
/// Fewer different characters than this make no token: `xxxx…` and `0000…` stand in documentation.
const MIN_DIFFERENT: usize = 8;

/// A kind of secret: what it is called, and how it looks.
type Kind = (&'static str, &'static str);

/// Private keys in a text.
const KEYS: &[Kind] = &[
    // The mark alone stands in documentation; with a line of content after it, it is a key.
    (
        "a private key",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[rn]|[A-Za-z-]+: [^\n]*\n)*[A-Za-z0-9+/=]{40,}",
    ),
    ("a PuTTY private key", r"PuTTY-User-Key-File-[0-9]: [a-z]"),
    ("an age private key", r"AGE-SECRET-KEY-1[0-9A-Z]{50,}"),
    ("a private key as a JSON Web Key", r#""(?:d|k)"\s*:\s*"[A-Za-z0-9_-]{40,}""#),
];

/// Tokens of services, by the prefixes that these document.
const TOKENS: &[Kind] = &[
    ("an AWS access key", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    ("a GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,}\b"),
    ("a GitHub token", r"\bgithub_pat_[A-Za-z0-9_]{40,}\b"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("a Slack token", r"\bxox[abeprs]-[0-9]{6,}-[A-Za-z0-9-]{10,}"),
    ("an Anthropic key", r"\bsk-ant-[A-Za-z0-9_-]{32,}"),
    ("an OpenAI key", r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{40,}"),
    ("a Google key", r"\bAIza[0-9A-Za-z_-]{35}\b"),
    ("a Stripe key", r"\b[rs]k_live_[0-9A-Za-z]{20,}\b"),
    ("an npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("a PyPI token", r"\bpypi-AgEI[A-Za-z0-9_-]{50,}"),
    ("a SendGrid key", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b"),
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{34}\b"),
    ("a DigitalOcean token", r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
];

/// Names of files that hold nothing but secrets. A sample of one may be in a package.
const FILES: &[&str] = &[
    ".env",
    ".netrc",
    ".pgpass",
    ".htpasswd",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "signing.pem",
    "secrets.key",
    "cache.key",
];
/// Ends of such names.
const EXTENSIONS: &[&str] = &["p12", "pfx", "jks", "keystore", "kdbx", "ppk", "p8"];
/// What a sample of `.env` is called.
const SAMPLES: &[&str] = &["example", "sample", "template", "dist", "defaults"];

fn compiled(kinds: &'static [Kind]) -> Vec<(&'static str, Regex)> {
    // Each pattern stands above and is compiled by a test; one that is wrong would find nothing.
    kinds.iter().filter_map(|(what, pattern)| Some((*what, Regex::new(pattern).ok()?))).collect()
}

static KEY_PATTERNS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| compiled(KEYS));
static TOKEN_PATTERNS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| compiled(TOKENS));

/// Whether a file is, by its name, one that holds secrets.
#[must_use]
pub fn is_secret_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let of_environment =
        name.strip_prefix(".env.").is_some_and(|rest| !SAMPLES.iter().any(|sample| rest.contains(sample)));
    FILES.contains(&name.as_str()) || EXTENSIONS.contains(&extension) || of_environment
}

/// The secrets in some files, each with its file and line. The text of a secret is never repeated.
pub fn find<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<Finding> {
    files.filter_map(|(path, bytes)| in_file(path, bytes)).collect()
}

/// The first secret of a file: one is enough to refuse it.
fn in_file(path: &str, bytes: &[u8]) -> Option<Finding> {
    if is_secret_file(path) && !bytes.is_empty() {
        let message = "the file holds secrets, by its name: take it out of the package; a skill gets its \
                       secrets from the organisation that installs it (`capabilities: secrets`)";
        return Some(Finding::error("secret-file", message).at(path, None));
    }
    if is_binary_key(bytes) {
        return Some(private_key(path, "a private key", None));
    }
    let bytes = bytes.get(..MAX_SCANNED_BYTES).unwrap_or(bytes);
    let wide = as_one_byte(bytes);
    let text = wide.as_deref().unwrap_or(bytes);
    let line_of = |at: usize| {
        let lines = text.get(..at)?.iter().filter(|byte| **byte == b'\n').count();
        u32::try_from(lines + 1).ok()
    };
    for (what, pattern) in KEY_PATTERNS.iter() {
        // A public key has the same members as a private one, but for these; a sample has them short.
        let found = pattern.find_iter(text).find(|found| is_varied(found.as_bytes()));
        if let Some(found) = found
            && (!what.contains("JSON") || contains(text, b"\"kty\""))
        {
            return Some(private_key(path, what, line_of(found.start())));
        }
    }
    if has_key_in_base64(text) {
        return Some(private_key(path, "a private key in base64", None));
    }
    let (what, found) = TOKEN_PATTERNS.iter().find_map(|(what, pattern)| {
        pattern.find_iter(text).find(|found| is_token(found.as_bytes())).map(|found| (what, found))
    })?;
    let message = format!(
        "it holds {what}: whoever gets the package has it. Take it out, replace it at the service, and let the skill \
         name it under `capabilities: secrets` instead"
    );
    Some(Finding::error("secret-in-package", message).at(path, line_of(found.start())))
}

fn private_key(path: &str, what: &str, line: Option<u32>) -> Finding {
    let message = format!(
        "it holds {what}: whoever gets the package has it. Keep keys outside of the skill's folder, and replace this \
         one if the package was handed to anybody"
    );
    Finding::error("private-key", message).at(path, line)
}

/// A key as bytes: PKCS#8, or one of this program's own key files inside of a package.
fn is_binary_key(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0x30) && PrivateKeyInfoRef::try_from(bytes).is_ok()
}

/// A text in UTF-16, as one byte for each character.
fn as_one_byte(bytes: &[u8]) -> Option<Vec<u8>> {
    let wide = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    wide.then(|| bytes.iter().copied().filter(|byte| *byte != 0).collect())
}

/// `-----BEGIN … PRIVATE KEY-----`, encoded once more, as secrets stand in configuration files.
fn has_key_in_base64(text: &[u8]) -> bool {
    // What `-----BEGIN` becomes where it is the beginning of what was encoded.
    const BEGIN: &[u8] = b"LS0tLS1CRUdJTi";
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'+' || *byte == b'/';
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| find_bytes(rest, BEGIN)).map(|at| at + from) {
        let head: Vec<u8> = text[at..].iter().copied().take_while(is_base64).take(96).collect();
        let whole = head.len() / 4 * 4;
        if STANDARD_NO_PAD.decode(&head[..whole]).is_ok_and(|plain| contains(&plain, b"PRIVATE KEY")) {
            return true;
        }
        from = at + BEGIN.len();
    }
    false
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

fn is_token(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    // Words of documentation: AWS's own example key ends with EXAMPLE.
    let is_example = ["example", "xxxx", "your", "placeholder", "0000000", "1234567890"]
        .iter()
        .any(|word| contains(&lower, word.as_bytes()));
    is_varied(text) && !is_example
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(path: &str, content: &[u8]) -> Vec<&'static str> {
        find([(path, content)].into_iter()).iter().map(|finding| finding.code).collect()
    }

    /// Made of parts, so that this file itself holds nothing that looks like a secret.
    fn pem(kind: &str) -> String {
        let body = "MC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
        format!("-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----\n")
    }

    #[test]
    fn every_pattern_is_valid() {
        assert_eq!(KEY_PATTERNS.len(), KEYS.len());
        assert_eq!(TOKEN_PATTERNS.len(), TOKENS.len());
    }

    #[test]
    fn a_private_key_is_found_whatever_the_file_is_called() {
        let seed = crate::SigningKey::from_seed(&[7; 32]).to_pem().unwrap();
        let der = base64::engine::general_purpose::STANDARD
            .decode(seed.lines().filter(|line| !line.starts_with('-')).collect::<String>())
            .unwrap();
        let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(seed.bytes().flat_map(|byte| [byte, 0])).collect();
        let in_json = format!("{{\"private_key\": \"{}\"}}", pem("RSA ").replace('\n', "\\n"));
        let encoded = base64::engine::general_purpose::STANDARD.encode(&seed);
        let encrypted = pem("RSA ").replacen('\n', "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1);
        let jwk = format!("{{\"kty\": \"OKP\", \"d\": \"{}\"}}", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
        let table: Vec<(&str, Vec<u8>)> = vec![
            ("notes.txt", seed.clone().into_bytes()),
            ("logo.png", pem("EC ").into_bytes()),
            ("a", pem("OPENSSH ").into_bytes()),
            ("b", pem("ENCRYPTED ").into_bytes()),
            ("crlf.md", seed.replace('\n', "\r\n").into_bytes()),
            ("indented.yaml", format!("key: |\n  {}", seed.replace('\n', "\n  ")).into_bytes()),
            ("in.json", in_json.into_bytes()),
            ("legacy", encrypted.into_bytes()),
            ("k8s.yaml", format!("tls.key: {encoded}").into_bytes()),
            ("wide.txt", wide),
            ("key.der", der),
            ("jwk.json", jwk.into_bytes()),
            ("putty", b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none".to_vec()),
        ];
        for (path, content) in table {
            assert_eq!(codes(path, &content), ["private-key"], "{path}");
        }
    }

    #[test]
    fn tokens_of_services_are_found_and_examples_are_not() {
        let token = |prefix: &str, length: usize| {
            let body = "aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5zA7bC9dE2fG4hJ6kL8mN1pQ3rS5tU";
            format!("text\nkey = \"{prefix}{}\"", &body[..length])
        };
        for (prefix, length) in
            [("ghp_", 36), ("sk-ant-api03-", 40), ("glpat-", 20), ("sk_live_", 24), ("npm_", 36), ("sk-proj-", 48)]
        {
            let found = find([("config.md", token(prefix, length).as_bytes())].into_iter());
            assert_eq!(found.len(), 1, "{prefix}");
            assert_eq!((found[0].code, found[0].line), ("secret-in-package", Some(2)), "{prefix}");
            assert!(!found[0].message.contains("aB3dE5"), "the secret itself is not repeated");
        }
        for harmless in [
            format!("AWS_ACCESS_KEY_ID=AKIA{}", "IOSFODNN7EXAMPLE"),
            format!("export OPENAI_API_KEY=sk-{}", "x".repeat(48)),
            "ANTHROPIC_API_KEY=sk-ant-...".to_owned(),
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----".to_owned(),
            "The line begins with `-----BEGIN RSA PRIVATE KEY-----`.".to_owned(),
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", "MIIB".repeat(20)),
            format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", "MCowBQYDK2".repeat(6)),
        ] {
            assert_eq!(codes("README.md", harmless.as_bytes()), Vec::<&str>::new(), "{harmless}");
        }
    }

    #[test]
    fn files_of_secrets_are_known_by_their_names() {
        for path in
            [".env", "config/.env", ".env.local", ".ENV.production", "id_rsa", "a/store.P12", "keys/secrets.key"]
        {
            assert_eq!(codes(path, b"x"), ["secret-file"], "{path}");
        }
        for path in [".env.example", ".env.sample", "environment.md", "id_rsa.pub", "keyboard.md", "monkey.json"] {
            assert_eq!(codes(path, b"x"), Vec::<&str>::new(), "{path}");
        }
    }
}
