//! Tokens of services, by the forms that these document, and passwords in URLs.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::values::{counts_up, is_disguised_placeholder, is_placeholder, is_random};
use super::{Kind, contains, is_varied};

/// Texts that stand in documentation for a token; AWS's own example key ends with EXAMPLE. The last three
/// are the usual UUID of samples, the key of Azure's emulator, which is the same for everybody, and the one of
/// Stripe's documentation.
pub(super) const EXAMPLES: &[&str] = &[
    "example",
    "xxxx",
    "your",
    "placeholder",
    "changeme",
    "redacted",
    "0000000",
    "550e8400-e29b-41d4-a716-446655440000",
    "eby8vdm02xnocqflquwjpllmetlcdxj1ouzft50usrz6ifsufq2uver",
    "4ec39hqlyjwdarjtt1zdp7dc",
];
/// What documentation writes in the place of a password, as a whole.
const PASSWORDS: &[&str] = &[
    "admin", "apikey", "guest", "pass", "passwd", "password", "postgres", "pw", "pwd", "root", "secret", "token",
    "user",
];

/// Each with what it is called, how it looks, and what tells it from a sample. The first group of a
/// pattern, where there is one, is the secret in it.
pub(super) const TOKENS: &[Kind] = &[
    ("an AWS access key", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", is_token),
    (
        "an AWS secret key",
        r#"(?i)aws_?secret_?(?:access_?)?key["']?[ \t]*[:=][ \t]*["']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#,
        is_token,
    ),
    (
        "an AWS secret key",
        r#"\b[sS]ecretAccessKey["']?[ \t]*[:=][ \t]*["']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#,
        is_token,
    ),
    ("a key of Azure Storage", r"AccountKey=[A-Za-z0-9+/]{86}==", is_token),
    ("a signature of Azure Storage", r#"\bsv=20[0-9-]{8}&[^\s"'<>]*\bsig=[A-Za-z0-9%+/=]{40,}"#, is_token),
    ("a GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,}\b", is_token),
    ("a GitHub token", r"\bgithub_pat_[A-Za-z0-9_]{40,}\b", is_token),
    ("a GitLab token", r"\bgl(?:pat|dt|rt|ptt|oas|soat|cbt|ft)-[A-Za-z0-9_-]{20,}", is_token),
    ("a Slack token", r"\bxox[a-z]-[0-9]{6,}-(?:[0-9]{6,}-){0,3}([A-Za-z0-9-]{10,})", is_token),
    ("a Slack token", r"\bxox[ep](?:\.xox[bp])?-[0-9]-[A-Za-z0-9-]{40,}", is_token),
    ("a Slack token", r"\bxapp-[0-9]-[A-Z0-9]{6,}-[0-9]{6,}-([A-Za-z0-9]{20,})", is_token),
    (
        "a Slack webhook",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Z0-9]{6,}/[A-Za-z0-9]{6,}/([A-Za-z0-9]{16,})",
        is_token,
    ),
    (
        "a Discord webhook",
        r"discord(?:app)?\.com/api(?:/v[0-9]+)?/webhooks/[0-9]{15,20}/([A-Za-z0-9_-]{50,})",
        is_token,
    ),
    ("a Microsoft Teams webhook", r"\.webhook\.office\.com/webhookb2/[0-9a-f-]{36}@[0-9a-f-]{36}/", is_token),
    ("a Telegram bot's token", r"\b[0-9]{8,10}:(AA[A-Za-z0-9_-]{33})\b", is_token),
    ("an Anthropic key", r"\bsk-ant-[A-Za-z0-9_-]{32,}", is_token),
    ("an OpenAI key", r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{40,}", has_digits),
    ("a Google key", r"\b(AIza[0-9A-Za-z_-]{35})(?:[^0-9A-Za-z_-]|$)", is_token),
    ("a Google client secret", r"\bGOCSPX-[A-Za-z0-9_-]{28}", is_token),
    ("a Google access token", r"\bya29\.[A-Za-z0-9_-]{50,}", is_token),
    ("a Stripe key", r"\b[rs]k_(?:live|test)_[0-9A-Za-z]{20,}\b", has_digits),
    ("a Stripe webhook secret", r"\bwhsec_[A-Za-z0-9+/]{32,}", is_token),
    ("a Shopify token", r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b", is_token),
    ("an npm token", r"\bnpm_[A-Za-z0-9]{36}\b", is_token),
    ("a PyPI token", r"\bpypi-AgEI[A-Za-z0-9_-]{50,}", is_token),
    ("a SendGrid key", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b", is_token),
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{34}\b", is_token),
    ("a DigitalOcean token", r"\bdo[opr]_v1_[a-f0-9]{64}\b", is_token),
    ("a Databricks token", r"\bdapi[a-f0-9]{32}\b", is_token),
    ("a Groq key", r"\bgsk_[A-Za-z0-9]{50,}\b", is_token),
    ("an xAI key", r"\bxai-[A-Za-z0-9]{60,}\b", is_token),
    ("a Tavily key", r"\btvly-[A-Za-z0-9_-]{28,}", is_token),
    ("a Brave Search key", r"\bBSA[A-Za-z0-9_-]{28}\b", is_token),
    ("a Notion token", r"\bntn_[A-Za-z0-9]{40,}", is_token),
    ("a Notion token", r"\bsecret_[A-Za-z0-9]{43}\b", has_digits),
    ("a Postman key", r"\bPMAK-[A-Za-z0-9]{20,}-[A-Za-z0-9]{30,}", has_digits),
    ("a Sentry token", r"\bsntry[a-z]_[A-Za-z0-9+/=_-]{40,}", is_token),
    ("a Tailscale key", r"\btskey-[a-z]{3,12}-[A-Za-z0-9-]{20,}", has_digits),
    ("a Terraform token", r"\b[A-Za-z0-9]{10,20}\.atlasv1\.([A-Za-z0-9_-]{40,})", is_token),
    ("a Pulumi token", r"\bpul-[a-f0-9]{40}\b", is_token),
    ("a PlanetScale token", r"\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,}", is_token),
    ("a Netlify token", r"\bnf[bcopu]_[A-Za-z0-9]{30,}\b", is_token),
    ("a Resend key", r"\bre_(?:[A-Za-z0-9]{6,12}_)?[A-Za-z0-9]{20,40}\b", has_digits),
    ("a Brevo key", r"\bx(?:key|smtp)sib-[a-f0-9]{40,}(?:-[A-Za-z0-9]{8,})?", is_token),
    ("a Contentful token", r"\bCFPAT-[A-Za-z0-9_-]{40,}", is_token),
    ("a Fly token", r"\bfm(?:1[ar]|2)_[A-Za-z0-9+/=_-]{40,}", is_token),
    ("a Heroku key", r"\bHRKU-[A-Za-z0-9_-]{32,}", is_token),
    ("a Square token", r"\bsq0(?:atp|csp)-[A-Za-z0-9_-]{22,}", is_token),
    ("a LangSmith key", r"\blsv2_[ps][a-z]_[A-Za-z0-9]{32}(?:_[A-Za-z0-9]{8,})?\b", is_token),
    ("an Adafruit key", r"\baio_[A-Za-z0-9]{26,32}\b", has_digits),
    ("an ElevenLabs key", r"\bsk_[a-f0-9]{48}\b", is_token),
    // DeepSeek's has 32 characters, and so have those of others that took over OpenAI's form.
    ("a key of a model's provider", r"\bsk-[A-Za-z0-9]{32,39}\b", has_digits),
    ("an NVIDIA key", r"\bnvapi-[A-Za-z0-9_-]{50,}", is_token),
    ("a Pinecone key", r"\bpcsk_[A-Za-z0-9]{4,8}_[A-Za-z0-9]{40,}", is_token),
    ("a RubyGems key", r"\brubygems_[a-f0-9]{48}\b", is_token),
    ("a Dynatrace token", r"\bdt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.([A-Z0-9]{64})\b", is_token),
    ("a Linear key", r"\blin_api_[A-Za-z0-9]{40}\b", is_token),
    ("an Airtable token", r"\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}\b", is_token),
    ("a Twilio key", r"\bSK[0-9a-f]{32}\b", is_token),
    ("a Mailgun key", r"\bkey-[0-9a-f]{32}\b", is_token),
    ("a Mailchimp key", r"\b[0-9a-f]{32}-us[0-9]{1,2}\b", is_token),
    ("an Atlassian token", r"\bATATT3[A-Za-z0-9_=-]{100,}", is_token),
    ("a Figma token", r"\bfigd_[A-Za-z0-9_-]{38,}", is_token),
    ("a Supabase token", r"\bsb(?:p_[a-f0-9]{40}|_secret_[A-Za-z0-9_-]{20,})", is_token),
    ("a Replicate token", r"\br8_[A-Za-z0-9]{37}\b", is_token),
    ("a Perplexity key", r"\bpplx-[A-Za-z0-9]{48}\b", is_token),
    ("a Docker token", r"\bdckr_pat_[A-Za-z0-9_-]{27}", is_token),
    ("a Grafana token", r"\bglsa_[A-Za-z0-9]{32}_[a-f0-9]{8}\b", is_token),
    ("a New Relic key", r"\bNRAK-[A-Z0-9]{27}\b", is_token),
    ("a Doppler token", r"\bdp\.(?:pt|st|ct|sa)\.[A-Za-z0-9_.-]{40,}", is_token),
    ("a Vault token", r"\bhvs\.[A-Za-z0-9_-]{24,}", is_token),
    // JSON Web Tokens begin with `{"`, in base64; this host's own are some.
    ("a token (JWT)", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{20,}", is_jwt),
    (
        "a token in a header",
        r#"(?i)\bauthorization["']?[ \t]*[:=][ \t]*["']?(?:bearer|basic|token)[ \t]+([A-Za-z0-9._~+/-]{20,}=*)"#,
        is_in_header,
    ),
    (
        "a password of curl",
        r#"\bcurl\b[^\n]{0,300}?[ \t](?:-u|--user)[ =]?["']?([^\s"':]{1,64}:[^\s"']{6,128})"#,
        is_account,
    ),
    (
        "a password of sshpass",
        r#"\bsshpass(?:[ \t]+-[ev])*[ \t]+-p[ \t]*["']?([^\s"'`]{5,128})["']?[ \t]+(?:autossh|rsync|scp|sftp|ssh|ssh-copy-id|sudo)\b"#,
        is_of_shell,
    ),
    ("a password of sshpass", r#"\bsshpass(?:[ \t]+-[ev])*[ \t]+-p[ \t]*["']?([^\s"'`]{5,128})"#, is_mixed_of_shell),
    // The query of a URL; the rule for settings knows the names that say more.
    (
        "a key in the query of a URL",
        r"(?i)(?:\?|&|&amp;)(?:(?:api|app|auth|access|subscription)[_-]?)?(?:key|token)=([A-Za-z0-9._~%+/=-]{16,512})",
        is_in_query,
    ),
    (
        "an account of a container registry",
        r#"\\?"auth\\?"\s*:\s*\\?"([A-Za-z0-9+/]{8,1024}={0,2})\\?""#,
        is_encoded_account,
    ),
    // `scheme://user:password@host`
    ("a URL with a password", r#"://[^\s/:@"'<>`\\]{0,64}:[^\s/@"'<>`\\]{3,128}@[^\s/:@"'<>`\\]+"#, has_password),
];

/// Whether a token is no placeholder.
pub(super) fn is_token(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    is_varied(text) && !counts_up(&lower) && !EXAMPLES.iter().any(|word| contains(&lower, word.as_bytes()))
}

/// The same for tokens whose form a long name with hyphens may have too: a name has few digits.
fn has_digits(text: &[u8]) -> bool {
    is_token(text) && text.iter().filter(|byte| byte.is_ascii_digit()).count() >= 3
}

/// Whether `user:password` names a password, and no placeholder.
fn is_account(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    text.split_once(':')
        .is_some_and(|(user, password)| password.contains(|c: char| c.is_ascii_digit()) && is_password(user, password))
}

/// Whether what a header carries is no placeholder. Its form says little: words have no digits, samples
/// count up, and a name with its password stands in base64. JSON Web Tokens have a rule of their own.
fn is_in_header(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    let is_sample = ["abc123", "abcdef", "123456"].iter().any(|word| contains(&lower, word.as_bytes()));
    let is_account = STANDARD_NO_PAD.decode(String::from_utf8_lossy(text).trim_end_matches('=')).is_ok_and(|plain| {
        String::from_utf8(plain)
            .is_ok_and(|plain| plain.split_once(':').is_some_and(|(user, password)| is_usual(user, password)))
    });
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    is_token(text) && digits >= 2 && !is_sample && !is_account && !text.starts_with(b"eyJ")
}

/// Whether the argument of a shell's command is a password, and no variable or placeholder.
fn is_of_shell(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let is_name = text.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c == '-');
    !is_name && !text.starts_with(['$', '<', '[', '{', '-']) && is_password_of("", &text)
}

/// The same where no command follows: a word of prose may stand there.
fn is_mixed_of_shell(text: &[u8]) -> bool {
    let has_letters = text.iter().any(u8::is_ascii_alphabetic);
    has_letters && text.iter().any(u8::is_ascii_digit) && is_of_shell(text)
}

/// Whether the value in a query is nobody's work: an example counts up, a name has words in it.
fn is_in_query(text: &[u8]) -> bool {
    let value = String::from_utf8_lossy(text);
    let lower = value.to_lowercase();
    let is_sample = ["abc123", "abcdef", "123456"].iter().any(|word| lower.starts_with(word));
    is_token(text) && !is_sample && !is_placeholder(&value) && is_random(&value, 16)
}

/// Whether a text is `user:password` in base64, as registries of containers have it.
fn is_encoded_account(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let plain = STANDARD_NO_PAD.decode(text.trim_end_matches('='));
    let plain = plain.ok().and_then(|plain| String::from_utf8(plain).ok());
    plain.as_deref().and_then(|plain| plain.split_once(':')).is_some_and(|(user, password)| {
        let is_text = !user.is_empty() && !plain.as_deref().unwrap_or_default().contains(char::is_control);
        is_text && password.len() >= 4 && is_password_of(user, password)
    })
}

/// Whether a password stands for none. Signs of a shell or a template may be a part of it.
fn is_password_of(user: &str, password: &str) -> bool {
    !is_usual(user, password) && !is_placeholder(password) && !is_disguised(password)
}

/// Whether a password is one that documentation writes, or the user's name again, with or without a number.
fn is_usual(user: &str, password: &str) -> bool {
    let password = password.to_lowercase();
    let word = password.trim_end_matches(|c: char| c.is_ascii_digit());
    PASSWORDS.contains(&word) || password == user.to_lowercase() || (!word.is_empty() && word == user.to_lowercase())
}

/// Whether a password of an account is one, and stands for none.
fn is_password(user: &str, password: &str) -> bool {
    // `p%40ss` has a sign in it; `%PASSWORD%` is a variable.
    let plain = password.replace("%40", "@").replace("%21", "!").replace("%23", "#").replace("%24", "$");
    let is_reference = plain.contains(['$', '{', '}', '[', ']', '(', ')', '*', '|', '%', '…']) || plain.contains("..");
    // `foo:bar@host`
    let is_short_word = plain.len() < 6 && plain.chars().all(|c| c.is_ascii_lowercase());
    !is_short_word && !is_reference && !is_usual(user, &plain) && !is_placeholder(&plain) && !is_disguised(&plain)
}

/// Whether a password is `password` in other signs. `hunter2` in a URL is somebody's.
fn is_disguised(password: &str) -> bool {
    !password.starts_with("hunter") && is_disguised_placeholder(password)
}

/// Whether a JSON Web Token is somebody's: that of the documentation is John Doe's.
fn is_jwt(text: &[u8]) -> bool {
    let parts: Vec<&[u8]> = text.split(|byte| *byte == b'.').collect();
    let decoded = |part: &&[u8]| URL_SAFE_NO_PAD.decode(part).ok();
    let (Some(header), Some(claims)) = (parts.first().and_then(decoded), parts.get(1).and_then(decoded)) else {
        return false;
    };
    let lower = claims.to_ascii_lowercase();
    let is_example = ["john doe", "\"1234567890\"", "example"].iter().any(|word| contains(&lower, word.as_bytes()));
    contains(&header, b"\"alg\"") && !is_example && is_varied(parts.get(2).copied().unwrap_or_default())
}

/// Whether the password of a URL is one, and no placeholder.
fn has_password(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let Some((user, rest)) = text.trim_start_matches("://").split_once(':') else { return false };
    let Some((password, host)) = rest.rsplit_once('@') else { return false };
    let lower = password.to_lowercase();
    let is_example = lower.contains("xxx") || host.starts_with("example");
    // `host:8080@other` is an address that deceives, and `USER:PASS-WORD@HOST` a form.
    let is_port = password.bytes().all(|byte| byte.is_ascii_digit());
    let is_word = password.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c == '-');
    !is_word && !is_port && !is_example && is_password(user, password)
}
