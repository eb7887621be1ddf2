//! What should not leave the host, replaced by something of the same form and length, the same everywhere.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openanalyst_domain::Owner;
use openanalyst_runtime::contract::{Attachment, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Input, Invoked};

/// Members that hold words of the contract, and those words.
const ENUMS: [(&str, &[&str]); 2] = [("role", &["User", "Assistant"]), ("status", &["Met", "NotMet", "Failed"])];

/// Replaces what should not leave the host.
pub(super) struct Masks {
    patterns: Vec<regex::Regex>,
    known: HashMap<String, String>,
    /// How many texts it replaced.
    pub(super) replaced: usize,
}

impl Masks {
    pub(super) fn new(owner: &Owner) -> Self {
        let mut patterns: Vec<String> = [owner.tenant.as_str(), owner.user.as_str()]
            .iter()
            .map(|name| format!(r"\b{}\b", regex::escape(name)))
            .collect();
        patterns.extend(
            [
                // An e-mail address.
                r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}\.[A-Za-z]{2,24}",
                // A JWT (RFC 7519): three parts in base64url, the first two of which begin as JSON does.
                r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
                // Keys as providers issue them.
                r"\b(?:sk|pk|rk|ghp|gho|xox[abp]|AKIA|glpat)[-_A-Za-z0-9]{12,}",
                r"(?i)\bbearer [-._~+/A-Za-z0-9]{16,}=*",
            ]
            .map(str::to_owned),
        );
        // The patterns are constants around escaped names.
        let patterns = patterns.iter().filter_map(|pattern| regex::Regex::new(pattern).ok()).collect();
        Self { patterns, known: HashMap::new(), replaced: 0 }
    }

    /// Everything that an invocation was given, told and gave. The names of places and functions stay.
    ///
    /// # Errors
    /// What is left cannot be read as what it was.
    pub(super) fn invoked(&mut self, invoked: &mut Invoked) -> Result<(), serde_json::Error> {
        let request = match &mut invoked.input {
            Input::Plan(given) => &mut given.0,
            Input::Run(given) => &mut given.1.request,
            Input::Reply(given) => &mut given.0,
        };
        let attachments = self.attachments(request);
        self.typed(&mut invoked.input)?;
        let request = match &mut invoked.input {
            Input::Plan(given) => &mut given.0,
            Input::Run(given) => &mut given.1.request,
            Input::Reply(given) => &mut given.0,
        };
        request.attachments = attachments;
        for call in &mut invoked.recording.calls {
            self.value(&mut call.arguments);
            // The body of a response stands in base64.
            match call.result.pointer_mut("/ok/body") {
                Some(Value::String(body)) if call.function.starts_with("http.") => self.base64(body),
                _ => {}
            }
            self.value(&mut call.result);
        }
        self.typed(&mut invoked.recording.failed)?;
        self.value(&mut invoked.result);
        Ok(())
    }

    /// Takes the attachments out of a request, with what is text in them replaced.
    fn attachments(&mut self, request: &mut Request) -> Vec<Attachment> {
        let mut attachments = std::mem::take(&mut request.attachments);
        for attachment in &mut attachments {
            self.text(&mut attachment.name);
            self.bytes(&mut attachment.content);
        }
        attachments
    }

    fn typed<T: Serialize + DeserializeOwned>(&mut self, of: &mut T) -> Result<(), serde_json::Error> {
        let before = self.replaced;
        let mut document = serde_json::to_value(&*of)?;
        self.value(&mut document);
        if self.replaced > before {
            *of = serde_json::from_value(document)?;
        }
        Ok(())
    }

    fn value(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(list) => list.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => {
                for (name, member) in members {
                    let is_word = |(of, words): &(&str, &[&str])| {
                        of == name && member.as_str().is_some_and(|text| words.contains(&text))
                    };
                    if !ENUMS.iter().any(is_word) {
                        self.value(member);
                    }
                }
            }
            _ => {}
        }
    }

    fn base64(&mut self, text: &mut String) {
        if let Ok(mut bytes) = STANDARD.decode(&*text) {
            self.bytes(&mut bytes);
            *text = STANDARD.encode(bytes);
        }
    }

    fn bytes(&mut self, bytes: &mut Vec<u8>) {
        if let Ok(text) = std::str::from_utf8(bytes) {
            let mut text = text.to_owned();
            self.text(&mut text);
            *bytes = text.into_bytes();
        }
    }

    fn text(&mut self, text: &mut String) {
        for at in 0..self.patterns.len() {
            let pattern = self.patterns[at].clone();
            if pattern.is_match(text) {
                *text = pattern.replace_all(text, |found: &regex::Captures<'_>| self.mask(&found[0])).into_owned();
            }
        }
    }

    fn mask(&mut self, text: &str) -> String {
        self.replaced += 1;
        let number = self.known.len();
        let masked = self.known.entry(text.to_owned()).or_insert_with(|| {
            text.chars()
                .enumerate()
                .map(
                    |(at, c)| if c.is_ascii_alphanumeric() { char::from(b'a' + ((number + at) % 26) as u8) } else { c },
                )
                .collect()
        });
        masked.clone()
    }
}

#[cfg(test)]
mod tests {
    use openanalyst_domain::{TenantId, UserId};
    use serde_json::json;

    use super::*;

    #[test]
    fn names_addresses_and_keys_are_replaced_the_same_everywhere() {
        let owner = Owner::new(TenantId::parse("acme").unwrap(), UserId::parse("ada").unwrap());
        let mut masks = Masks::new(&owner);
        let mut document = json!({
            "folder": "u/ada", "text": "Canada, write to ada.l@example.org with sk-1234567890abcdef",
            "again": ["ada.l@example.org", 5], "tenant": "acme", "status": "mail ada.l@example.org", "role": "User",
        });
        masks.value(&mut document);
        let text = document.to_string();
        for gone in ["u/ada", "example.org", "sk-1234567890abcdef", "acme"] {
            assert!(!text.contains(gone), "{text}");
        }
        assert!(text.contains("Canada") && text.contains("\"role\":\"User\"") && masks.replaced >= 4, "{text}");
        let address = document["again"][0].as_str().unwrap();
        assert!(document["text"].as_str().unwrap().contains(address) && address.len() == "ada.l@example.org".len());
        let mut body = STANDARD.encode("to: ada.l@example.org");
        let length = body.len();
        masks.base64(&mut body);
        let told = String::from_utf8(STANDARD.decode(&body).unwrap()).unwrap();
        assert_eq!((told.as_str(), body.len()), (format!("to: {address}").as_str(), length));
        let mut picture = vec![0xff, 0xd8, b'a'];
        masks.bytes(&mut picture);
        assert_eq!(picture, [0xff, 0xd8, b'a'], "what is no text stays");
    }
}
