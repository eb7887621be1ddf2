//! Signatures of packages: Ed25519 (RFC 8032) over the digests of all files.
//!
//! `signature.json` stands in the package beside the files that it signs. What is signed is a list of all other files, sorted by path, each with the SHA-256 of its content: packing
//! the same files anew keeps the signature, and changing, adding, renaming or removing any of them breaks it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::archive::{ArchiveLimits, Package, SKILL_WASM, read_archive, write_archive};
use crate::finding::{Finding, Findings};

/// The file with the signature.
pub const SIGNATURE_JSON: &str = "signature.json";
/// What every signed text begins with, so that a signature of something else never counts here.
const CONTEXT: &str = "openanalyst package signature 1\n";
const PREFIX: &str = "ed25519:";

/// The public key of a publisher. As text: `ed25519:` and 32 bytes in base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublisherKey(VerifyingKey);

/// A text that is no publisher's key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no publisher's key: give `ed25519:` and 32 bytes in base64, as `skill pack --key` prints it")]
pub struct InvalidKey;

impl FromStr for PublisherKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX).ok_or(InvalidKey)?).map_err(|_| InvalidKey)?;
        let key = VerifyingKey::from_bytes(&bytes.try_into().map_err(|_| InvalidKey)?).map_err(|_| InvalidKey)?;
        // A key of small order verifies signatures that nobody made (RFC 8032 §5.1.7, and the strict reading of it).
        if key.is_weak() { Err(InvalidKey) } else { Ok(Self(key)) }
    }
}

impl fmt::Display for PublisherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", STANDARD.encode(self.0.as_bytes()))
    }
}

/// The key with which a publisher signs. Has no `Debug`.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// From 32 random bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// From a PKCS#8 PEM, as `openssl genpkey -algorithm ed25519` makes it.
    ///
    /// # Errors
    /// It holds no such key.
    pub fn from_pem(pem: &str) -> Result<Self, InvalidKey> {
        ed25519_dalek::SigningKey::from_pkcs8_pem(pem).map(Self).map_err(|_| InvalidKey)
    }

    /// As PKCS#8 PEM.
    ///
    /// # Errors
    /// None that is known.
    pub fn to_pem(&self) -> Result<String, InvalidKey> {
        self.0.to_pkcs8_pem(LineEnding::LF).map(|pem| pem.to_string()).map_err(|_| InvalidKey)
    }

    /// The public half.
    #[must_use]
    pub fn publisher(&self) -> PublisherKey {
        PublisherKey(self.0.verifying_key())
    }
}

/// `signature.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    algorithm: String,
    public_key: String,
    signature: String,
}

/// Signs an archive: gives it with its `signature.json`, which replaces an earlier one.
///
/// # Errors
/// The archive is no package.
pub fn sign(archive: &[u8], key: &SigningKey) -> Result<Vec<u8>, Findings> {
    let package = read_archive(archive, &ArchiveLimits::default())?;
    let mut files = package.files;
    if let Some(component) = package.component {
        files.insert(SKILL_WASM.to_owned(), component);
    }
    files.remove(SIGNATURE_JSON);
    let document = Document {
        algorithm: "ed25519".to_owned(),
        public_key: key.publisher().to_string(),
        signature: STANDARD.encode(
            key.0.sign(&signed_text(files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())))).to_bytes(),
        ),
    };
    // A struct of three texts always becomes JSON.
    let json = serde_json::to_vec_pretty(&document).unwrap_or_default();
    files.insert(SIGNATURE_JSON.to_owned(), json);
    write_archive(&files)
}

/// Who signed a package. None: nobody.
///
/// # Errors
/// There is a signature that does not hold.
pub fn publisher_of(package: &Package) -> Result<Option<PublisherKey>, Finding> {
    let Some(bytes) = package.files.get(SIGNATURE_JSON) else { return Ok(None) };
    let broken = |why: &str| {
        let message = format!(
            "the signature does not hold: {why}. Get the package from its publisher again, or sign it anew with `skill pack --key`"
        );
        Finding::error("signature-invalid", message).at(SIGNATURE_JSON, None)
    };
    let document: Document =
        serde_json::from_slice(bytes).map_err(|error| broken(&format!("it cannot be read ({error})")))?;
    if document.algorithm != "ed25519" {
        return Err(broken("its algorithm is not `ed25519`"));
    }
    let key: PublisherKey = document.public_key.parse().map_err(|error: InvalidKey| broken(&error.to_string()))?;
    let signature = STANDARD.decode(&document.signature).ok().and_then(|bytes| Signature::from_slice(&bytes).ok());
    let signature = signature.ok_or_else(|| broken("it is not 64 bytes in base64"))?;
    let component = package.component.as_deref().map(|bytes| (SKILL_WASM, bytes));
    let files: BTreeMap<&str, &[u8]> = package
        .files
        .iter()
        .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
        .chain(component)
        .filter(|(path, _)| *path != SIGNATURE_JSON)
        .collect();
    let text = signed_text(files.into_iter());
    key.0
        .verify_strict(&text, &signature)
        .map_err(|_| broken("a file was changed, added, renamed or removed after signing, or another key signed"))?;
    Ok(Some(key))
}

fn signed_text<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut text = CONTEXT.as_bytes().to_vec();
    for (path, bytes) in files {
        text.extend_from_slice(path.as_bytes());
        // Paths hold no control characters, so this ends one.
        text.push(0);
        text.extend_from_slice(&Sha256::digest(bytes));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SKILL_MD: &[u8] = b"---\nname: x\ndescription: about\n---\n";

    fn files() -> BTreeMap<String, Vec<u8>> {
        [("SKILL.md", SKILL_MD), ("skill.wasm", b"wasm"), ("a.txt", b"a")]
            .map(|(path, bytes)| (path.to_owned(), bytes.to_vec()))
            .into()
    }

    fn read(files: &BTreeMap<String, Vec<u8>>) -> Package {
        read_archive(&write_archive(files).unwrap(), &ArchiveLimits::default()).unwrap()
    }

    fn signed(key: &SigningKey) -> BTreeMap<String, Vec<u8>> {
        let package =
            read_archive(&sign(&write_archive(&files()).unwrap(), key).unwrap(), &ArchiveLimits::default()).unwrap();
        let mut files = package.files;
        files.insert("skill.wasm".to_owned(), package.component.unwrap());
        files
    }

    #[test]
    fn a_signature_names_its_publisher() {
        let key = SigningKey::from_seed(&[1; 32]);
        assert_eq!(publisher_of(&read(&files())).unwrap(), None);
        assert_eq!(publisher_of(&read(&signed(&key))).unwrap(), Some(key.publisher()));
        assert_eq!(key.publisher().to_string().parse(), Ok(key.publisher()));
        assert_eq!(SigningKey::from_pem(&key.to_pem().unwrap()).unwrap().publisher(), key.publisher());
        let twice = sign(&write_archive(&signed(&key)).unwrap(), &SigningKey::from_seed(&[2; 32])).unwrap();
        let twice = read_archive(&twice, &ArchiveLimits::default()).unwrap();
        assert_eq!(publisher_of(&twice).unwrap(), Some(SigningKey::from_seed(&[2; 32]).publisher()));
    }

    type Attack = fn(&mut BTreeMap<String, Vec<u8>>);

    #[test]
    fn whatever_changes_breaks_it() {
        fn document(files: &mut BTreeMap<String, Vec<u8>>, change: impl FnOnce(&mut serde_json::Value)) {
            let mut document = serde_json::from_slice(&files[SIGNATURE_JSON]).unwrap();
            change(&mut document);
            files.insert(SIGNATURE_JSON.to_owned(), serde_json::to_vec(&document).unwrap());
        }
        let attacks: [(&str, Attack); 11] = [
            ("a changed file", |files| files.get_mut("a.txt").unwrap().push(b'!')),
            ("a changed component", |files| files.get_mut("skill.wasm").unwrap().push(b'!')),
            ("a changed manifest", |files| files.get_mut("SKILL.md").unwrap().push(b'!')),
            ("an added file", |files| drop(files.insert("b.txt".to_owned(), Vec::new()))),
            ("a removed file", |files| drop(files.remove("a.txt"))),
            ("a renamed file", |files| {
                let bytes = files.remove("a.txt").unwrap();
                files.insert("c.txt".to_owned(), bytes);
            }),
            ("another key", |files| {
                let other = SigningKey::from_seed(&[3; 32]).publisher().to_string();
                document(files, |document| document["publicKey"] = other.into());
            }),
            ("a key of small order", |files| {
                let mut weak = [0; 32];
                weak[0] = 1;
                document(files, |document| document["publicKey"] = format!("ed25519:{}", STANDARD.encode(weak)).into());
            }),
            ("a short signature", |files| document(files, |document| document["signature"] = "AAAA".into())),
            ("another algorithm", |files| document(files, |document| document["algorithm"] = "none".into())),
            ("no JSON", |files| drop(files.insert(SIGNATURE_JSON.to_owned(), b"{".to_vec()))),
        ];
        for (name, attack) in attacks {
            let mut files = signed(&SigningKey::from_seed(&[1; 32]));
            attack(&mut files);
            let finding = publisher_of(&read(&files)).expect_err(name);
            assert_eq!(finding.code, "signature-invalid", "{name}");
        }
        let mut files = files();
        files.insert("a.txt".to_owned(), b"another package".to_vec());
        files.insert(SIGNATURE_JSON.to_owned(), signed(&SigningKey::from_seed(&[1; 32]))[SIGNATURE_JSON].clone());
        assert!(publisher_of(&read(&files)).is_err(), "the signature of another package");
    }
}
