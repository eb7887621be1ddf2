//! Takes secrets out of whatever leaves a guest: as they are, and in the forms in which they usually appear.

use std::borrow::Cow;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use openanalyst_domain::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A secret of fewer bytes is only found as it is: its encodings would be found in many harmless texts.
const MIN_ENCODED_BYTES: usize = 8;

/// Finds the secrets of one skill. Cheap to clone.
#[derive(Clone)]
pub struct Scrubber {
    patterns: Option<AhoCorasick>,
    replacements: Arc<[String]>,
}

impl Default for Scrubber {
    fn default() -> Self {
        Self::none()
    }
}

impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scrubber({} patterns)", self.replacements.len())
    }
}

impl Scrubber {
    /// Finds nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { patterns: None, replacements: Arc::from([]) }
    }

    /// Finds these secrets, each by its name and value.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut patterns = Vec::new();
        let mut replacements = Vec::new();
        for (key, value) in secrets {
            for pattern in forms(value) {
                patterns.push(pattern);
                replacements.push(format!("[secret {key}]"));
            }
        }
        if patterns.is_empty() {
            return Self::none();
        }
        let built = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&patterns);
        match built {
            Ok(patterns) => Self { patterns: Some(patterns), replacements: replacements.into() },
            Err(error) => {
                // Only too many patterns can do this; then nothing at all is let out.
                tracing::error!(%error, "the scrubber cannot be built: everything is withheld");
                Self { patterns: AhoCorasick::new([""]).ok(), replacements: Arc::from(["[withheld]".to_owned()]) }
            }
        }
    }

    /// Whether it can find anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_none()
    }

    /// The text without secrets.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match &self.patterns {
            Some(patterns) if patterns.is_match(text) => Cow::Owned(patterns.replace_all(text, &self.replacements)),
            _ => Cow::Borrowed(text),
        }
    }

    /// The text without secrets, where it is owned.
    #[must_use]
    pub fn own(&self, text: String) -> String {
        match self.text(&text) {
            Cow::Owned(clean) => clean,
            Cow::Borrowed(_) => text,
        }
    }

    /// A value of the contract without secrets in its texts.
    ///
    /// # Errors
    /// [`Failure::Failed`]: without them it is no such value any more, and is withheld.
    pub fn typed<T: Serialize + DeserializeOwned>(&self, value: T) -> Result<T, Failure> {
        if self.is_empty() {
            return Ok(value);
        }
        let withheld =
            |_| Failure::failed("what the skill gave is withheld: without the secrets in it, it makes no sense");
        let mut document = serde_json::to_value(value).map_err(withheld)?;
        self.values(&mut document);
        serde_json::from_value(document).map_err(withheld)
    }

    /// A failure without secrets.
    #[must_use]
    pub fn failure(&self, failure: Failure) -> Failure {
        self.typed(failure).unwrap_or_else(|withheld| withheld)
    }

    fn values(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.own(std::mem::take(text)),
            Value::Array(values) => values.iter_mut().for_each(|value| self.values(value)),
            Value::Object(members) => members.values_mut().for_each(|value| self.values(value)),
            _ => {}
        }
    }

    /// The bytes without secrets.
    #[must_use]
    pub fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        match &self.patterns {
            Some(patterns) if patterns.is_match(&bytes) => patterns.replace_all_bytes(&bytes, &self.replacements),
            _ => bytes,
        }
    }

    /// The document without secrets, in keys and texts.
    pub fn json(&self, value: &mut Value) {
        if self.is_empty() {
            return;
        }
        match value {
            Value::String(text) => {
                if let Cow::Owned(clean) = self.text(text) {
                    *text = clean;
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.json(value)),
            Value::Object(members) => {
                let old = std::mem::take(members);
                for (key, mut value) in old {
                    self.json(&mut value);
                    members.insert(self.text(&key).into_owned(), value);
                }
            }
            _ => {}
        }
    }
}

/// The forms in which a value is looked for.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![value.as_bytes().to_vec()];
    if value.len() >= MIN_ENCODED_BYTES {
        let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        let percent = |upper: bool, all: bool| -> String {
            value
                .bytes()
                .map(|byte| match byte {
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' if !all => {
                        char::from(byte).to_string()
                    }
                    _ if upper => format!("%{byte:02X}"),
                    _ => format!("%{byte:02x}"),
                })
                .collect()
        };
        let json = serde_json::to_string(value).unwrap_or_default();
        let html = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let quoted = html.replace('"', "&quot;").replace('\'', "&#39;");
        forms.extend(
            [
                hex.to_uppercase(),
                hex,
                percent(true, false),
                percent(false, false),
                percent(true, true),
                percent(false, true),
                json.trim_matches('"').to_owned(),
                html,
                quoted,
            ]
            .map(String::into_bytes),
        );
        forms.extend(base64_forms(value.as_bytes()));
    }
    forms.sort();
    forms.dedup();
    forms
}

/// In base64 a value looks different at each of three alignments, and its first and last digits depend on its neighbours: those are left out.
fn base64_forms(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms: Vec<Vec<u8>> = [STANDARD.encode(value), URL_SAFE.encode(value)].map(String::into_bytes).into();
    for shift in 0..3_usize {
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let mut shifted = vec![0; shift];
            shifted.extend_from_slice(value);
            let encoded = engine.encode(&shifted).into_bytes();
            // Digits that hold bits of the bytes before; and of whatever comes after.
            let first = (shift * 8).div_ceil(6);
            let last = shifted.len() * 8 / 6;
            if let Some(inner) = encoded.get(first..last) {
                forms.push(inner.to_vec());
            }
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scrubber(value: &str) -> Scrubber {
        Scrubber::new([("api-key", value)])
    }

    #[test]
    fn no_form_of_a_secret_gets_out() {
        let value = "s3cr\"t/<+ä>&key?";
        let scrub = scrubber(value);
        let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        let url = "s3cr%22t%2F%3C%2B%C3%A4%3E%26key%3F";
        let mut texts = vec![
            format!("the key is {value}!"),
            format!("x{hex}y"),
            hex.to_uppercase(),
            format!("https://a.org/?k={url}"),
            url.replace("%2F", "%2f")
                .replace("%3C", "%3c")
                .replace("%2B", "%2b")
                .replace("%C3%A4", "%c3%a4")
                .replace("%3E", "%3e")
                .replace("%3F", "%3f"),
            serde_json::to_string(value).unwrap(),
            "s3cr&quot;t/&lt;+ä&gt;&amp;key?".to_owned(),
            value.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        ];
        for before in ["", "a", "ab", "abc"] {
            for after in ["", "z", "zy"] {
                let text = format!("{before}{value}{after}");
                for engine in [
                    STANDARD.encode(&text),
                    URL_SAFE.encode(&text),
                    STANDARD_NO_PAD.encode(&text),
                    URL_SAFE_NO_PAD.encode(&text),
                ] {
                    texts.push(engine);
                }
            }
        }
        for text in texts {
            let clean = scrub.text(&text);
            assert!(clean.contains("[secret api-key]"), "{text} stayed {clean}");
            assert_eq!(scrub.bytes(text.clone().into_bytes()), clean.as_bytes());
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        let scrub = scrubber("0123456789abcdef");
        for text in ["", "0123456789abcde", "nothing here", "MDEyMzQ1Njc4"] {
            assert!(matches!(scrub.text(text), Cow::Borrowed(same) if same == text));
        }
        let mut document = json!({"a": ["x 0123456789abcdef"], "0123456789abcdef": 1, "n": 5});
        scrub.json(&mut document);
        assert_eq!(document, json!({"a": ["x [secret api-key]"], "[secret api-key]": 1, "n": 5}));
        assert!(Scrubber::none().is_empty());
        let failure = Failure::invalid("no 0123456789abcdef here");
        assert_eq!(scrub.failure(failure), Failure::invalid("no [secret api-key] here"));
        assert_eq!(scrubber("pin").text("pin cGlu"), "[secret api-key] cGlu", "a short one is found as it is");
    }
}
