//! What the name of a setting says about its value: read part by part, so that `relay_pass` names a
//! password, and `bypass`, `low_pass` and `max_tokens` do not.

/// Longest name that is read, in bytes.
pub(super) const MAX_NAME_BYTES: usize = 80;

/// What a setting holds, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// What a person may have made up: `hunter2`.
    Password,
    /// What a service has made: long and random.
    Key,
}

/// What a name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) holds: Holds,
    /// Whether it says whose: `SMTP_PASS`, `USER_PASSWORD`.
    pub(super) is_owned: bool,
    /// Whether that is a machine, and no person for whom there may be a label: then a plain word may be
    /// the password.
    pub(super) is_technical: bool,
    /// Whether it is the bare word `pass`, which programs use for much else.
    pub(super) is_bare: bool,
    /// Whether `pass` stands behind a word that makes something else of it: `low_pass`.
    pub(super) is_doubtful: bool,
}

/// Parts that name a password.
const PASSWORDS: &[&str] = &["password", "passwd", "passphrase", "passcode", "passwort", "pwd", "passw", "psw", "pw"];
/// Parts that name a key by themselves.
const SECRETS: &[&str] = &["token", "secret", "credential", "credentials", "apikey", "authkey", "secretkey"];
/// Parts before `key` that make it a secret one.
const KEYS: &[&str] = &[
    "access",
    "account",
    "admin",
    "api",
    "app",
    "auth",
    "client",
    "consumer",
    "cookie",
    "deploy",
    "encryption",
    "hmac",
    "jwt",
    "license",
    "master",
    "private",
    "secret",
    "service",
    "session",
    "shared",
    "signing",
    "storage",
    "subscription",
    "webhook",
    "openai",
    "anthropic",
    "stripe",
    "mailgun",
    "sendgrid",
    "groq",
    "gemini",
    "tavily",
];
/// Whose passwords those are that people call `pass`, also in one word: `dbpass`.
const OWNERS: &[&str] = &[
    "account",
    "admin",
    "amqp",
    "auth",
    "bind",
    "bot",
    "broker",
    "cassandra",
    "client",
    "database",
    "db",
    "elastic",
    "email",
    "ftp",
    "git",
    "http",
    "imap",
    "jdbc",
    "kafka",
    "key",
    "keystore",
    "ldap",
    "login",
    "mail",
    "mailer",
    "mariadb",
    "master",
    "mongo",
    "mongodb",
    "mqtt",
    "mssql",
    "my",
    "mysql",
    "oracle",
    "pg",
    "pop3",
    "postgres",
    "postgresql",
    "proxy",
    "rabbit",
    "rabbitmq",
    "redis",
    "registry",
    "relay",
    "root",
    "sa",
    "service",
    "sftp",
    "smtp",
    "sql",
    "ssh",
    "store",
    "sudo",
    "truststore",
    "user",
    "vpn",
    "wifi",
    "wordpress",
    "wp",
];
/// Those of them that are persons, or stand on their screens.
const PERSONS: &[&str] =
    &["account", "admin", "client", "email", "login", "mail", "my", "user", "wifi", "store", "key", "service"];
/// Words that make something else of `pass` behind them: filters, runs over data, tickets, verdicts.
const OTHER_PASSES: &[&str] = &[
    "all",
    "and",
    "backward",
    "band",
    "base",
    "boarding",
    "bus",
    "by",
    "can",
    "color",
    "compile",
    "compiler",
    "day",
    "depth",
    "did",
    "double",
    "dry",
    "dual",
    "fail",
    "fast",
    "fastcgi",
    "final",
    "first",
    "forward",
    "free",
    "front",
    "gold",
    "guest",
    "hall",
    "high",
    "last",
    "light",
    "lighting",
    "low",
    "main",
    "max",
    "min",
    "mountain",
    "multi",
    "must",
    "n",
    "nb",
    "next",
    "no",
    "not",
    "num",
    "number",
    "on",
    "one",
    "opt",
    "optimization",
    "or",
    "post",
    "pre",
    "press",
    "rail",
    "render",
    "season",
    "second",
    "shadow",
    "should",
    "single",
    "ski",
    "test",
    "tests",
    "third",
    "three",
    "to",
    "transit",
    "two",
    "uwsgi",
    "will",
];
/// Words beside a token or key that is none to keep: counts, signs of a text, places in a list.
const OTHER_TOKENS: &[&str] = &[
    "allowed",
    "bos",
    "char",
    "cls",
    "color",
    "completion",
    "continuation",
    "count",
    "csrf",
    "cursor",
    "design",
    "end",
    "eos",
    "foreign",
    "input",
    "length",
    "limit",
    "mask",
    "max",
    "maximum",
    "min",
    "minimum",
    "n",
    "next",
    "num",
    "number",
    "output",
    "pad",
    "padding",
    "page",
    "per",
    "primary",
    "prompt",
    "public",
    "publishable",
    "sep",
    "special",
    "start",
    "stop",
    "style",
    "sync",
    "theme",
    "total",
    "unk",
    "xsrf",
];
/// Parts behind the word that say only where or which: `DB_PASSWORD_PROD`, `API_KEY_2`.
const WHICH: &[&str] = &[
    "a",
    "b",
    "backup",
    "base",
    "current",
    "default",
    "dev",
    "development",
    "live",
    "local",
    "main",
    "new",
    "old",
    "prod",
    "production",
    "prd",
    "secondary",
    "stage",
    "staging",
    "stg",
    "uat",
    "value",
];

/// What a name says about its value, if it says that it is a secret.
pub(super) fn meaning(name: &str) -> Option<Meaning> {
    let parts = parts(name);
    let is_which = |part: &String| WHICH.contains(&part.as_str()) || part.bytes().all(|byte| byte.is_ascii_digit());
    let length = parts.iter().rposition(|part| !is_which(part))? + 1;
    let (last, before) = parts.get(..length)?.split_last()?;
    let last = last.trim_end_matches(|c: char| c.is_ascii_digit());
    let has = |words: &[&str]| before.iter().any(|part| words.contains(&part.as_str()));
    let previous = before.last().map(String::as_str).unwrap_or_default();
    let owner_in = |word: &str| {
        ["password", "passwd", "pass", "pwd", "pw"]
            .iter()
            .find_map(|end| word.strip_suffix(end))
            .is_some_and(|owner| OWNERS.contains(&owner))
    };
    // `by_pass` and `pass_pass` aside, `pass` is a password where it is a part of its own.
    let is_pass = last == "pass" || (last != "bypass" && last.ends_with("pass") && owner_in(last));
    let is_password = is_pass
        || PASSWORDS.contains(&last)
        || ["password", "passwd", "passphrase"].iter().any(|end| last.ends_with(end))
        || ((last.ends_with("pw") || last.ends_with("pwd")) && owner_in(last));
    if is_password {
        if has(&["max", "min", "num", "count", "length", "limit", "no"]) {
            return None;
        }
        let is_owned = has(OWNERS) || owner_in(last);
        let is_person = before.iter().any(|part| PERSONS.contains(&part.as_str()));
        return Some(Meaning {
            holds: Holds::Password,
            is_owned,
            is_technical: is_owned && !is_person,
            is_bare: before.is_empty() && last == "pass",
            is_doubtful: last == "pass" && OTHER_PASSES.contains(&previous),
        });
    }
    let is_key = SECRETS.contains(&last)
        || ["token", "secret", "apikey", "accesskey", "secretkey", "privatekey"].iter().any(|end| last.ends_with(end))
        || (last == "key" && has(KEYS))
        || (last == "auth" && before.is_empty() && name.starts_with('_'));
    let is_other = has(OTHER_TOKENS) || (previous == "id" && last == "token" && name.contains('-'));
    (is_key && !is_other).then_some(Meaning {
        holds: Holds::Key,
        is_owned: has(OWNERS),
        is_technical: false,
        is_bare: false,
        is_doubtful: false,
    })
}

/// The parts of a name in lower case: `dbPassword`, `DB_PASSWORD` and `db-password` have the same.
fn parts(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut parts = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(at + 1);
        let begins = letter.is_ascii_uppercase()
            && (before.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
                // `APIKey` is `API` and `Key`.
                || (before.is_some_and(char::is_ascii_uppercase) && after.is_some_and(char::is_ascii_lowercase)));
        if begins || !letter.is_ascii_alphanumeric() {
            parts.push(String::new());
        }
        if letter.is_ascii_alphanumeric()
            && let Some(part) = parts.last_mut()
        {
            part.push(letter.to_ascii_lowercase());
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_part_by_part() {
        for name in [
            "PASSWORD",
            "pass",
            "relay_pass",
            "smtp_pass",
            "DB_PWD",
            "dbPassword",
            "DBPassword",
            "dbpass",
            "mysqlpwd",
            "rootPw",
            "spring.datasource.password",
            "MYSQL_ROOT_PASSWORD",
            "passphrase",
            "DB_PASSWORD_PROD",
            "password2",
            "userPass",
            "ssh-pass",
            "sshpass",
            "wifi_passwd",
        ] {
            assert_eq!(meaning(name).map(|meaning| meaning.holds), Some(Holds::Password), "{name}");
        }
        for name in [
            "token",
            "API_KEY",
            "apiKey",
            "x-api-key",
            "clientSecret",
            "client_secret",
            "_authToken",
            "accessToken",
            "SECRET_KEY_BASE",
            "AWS_SECRET_ACCESS_KEY",
            "OPENAI_API_KEY_2",
            "_auth",
            "signing-key",
            "githubToken",
        ] {
            assert_eq!(meaning(name).map(|meaning| meaning.holds), Some(Holds::Key), "{name}");
        }
        for name in [
            "bypass",
            "compass",
            "by-pass-mode",
            "surpass",
            "passenger",
            "passed",
            "MAX_TOKEN",
            "max_tokens",
            "tokens",
            "token_type",
            "password_file",
            "PASSWORD_MIN_LENGTH",
            "token_url",
            "secretName",
            "key",
            "primary_key",
            "publicKey",
            "nextPageToken",
            "pad_token",
            "eos_token",
            "id-token",
            "keyboard",
            "monkey",
            "secretary",
            "csrfToken",
            "keyId",
            "tokenizer",
            "apiKeyName",
            "auth",
            "tests-passed",
            "encompass",
            "maxPass",
        ] {
            assert_eq!(meaning(name), None, "{name}");
        }
        for name in ["low_pass", "highPass", "render-pass", "first_pass", "should_pass"] {
            assert!(meaning(name).is_some_and(|meaning| meaning.is_doubtful), "{name}");
        }
        for name in ["SMTP_PASS", "dbpass", "POSTGRES_PASSWORD", "adminPassword"] {
            assert!(meaning(name).is_some_and(|meaning| meaning.is_owned), "{name}");
        }
        for name in ["FORGOT_PASSWORD", "newPassword", "pass"] {
            assert!(meaning(name).is_some_and(|meaning| !meaning.is_owned), "{name}");
        }
    }
}
