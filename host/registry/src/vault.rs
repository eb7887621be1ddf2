//! Secrets at rest: sealed with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), bound to whom they belong and to whom they may be sent.
//!
//! Tenant, skill, key and audience are associated data: a row that was moved to another tenant, renamed, or given a wider audience does not open.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use openanalyst_domain::TenantId;
use zeroize::Zeroizing;

/// The format of what is sealed.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;
/// Most bytes of a secret.
pub const MAX_SECRET_BYTES: usize = 8 << 10;
/// Fewest bytes of a secret: a shorter one would be found, and taken out, in many harmless texts.
pub const MIN_SECRET_BYTES: usize = 8;

/// A secret's value. It is never shown, and wiped when it is dropped.
#[derive(Clone)]
pub struct SecretValue(Zeroizing<String>);

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(***)")
    }
}

impl SecretValue {
    /// Takes a value.
    ///
    /// # Errors
    /// Shorter than 8 bytes, longer than 8,192, or with control characters, which no header can hold.
    pub fn new(value: String) -> Result<Self, String> {
        let value = Zeroizing::new(value);
        if value.len() < MIN_SECRET_BYTES || value.len() > MAX_SECRET_BYTES {
            return Err(format!(
                "a secret has {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes, and this one {}",
                value.len()
            ));
        }
        if value.contains(|c: char| c.is_control()) {
            return Err("a secret cannot hold control characters such as line ends: it is sent in a header".to_owned());
        }
        Ok(Self(value))
    }

    /// The value, for the header that it is put into and for scrubbing.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// What a secret is bound to.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// Whose it is.
    pub tenant: &'a TenantId,
    /// The skill that may use it.
    pub skill: &'a str,
    /// Its name.
    pub key: &'a str,
    /// The hosts that it may be sent to.
    pub audience: &'a [String],
}

impl Binding<'_> {
    /// Every part with its length before it, so that no two bindings look alike.
    fn bytes(&self) -> Vec<u8> {
        let parts =
            [self.tenant.as_str(), self.skill, self.key].into_iter().chain(self.audience.iter().map(String::as_str));
        let mut bytes = vec![VERSION];
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

/// Seals and opens. Has no `Debug` of its key.
#[derive(Clone)]
pub struct Vault {
    cipher: XChaCha20Poly1305,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(***)")
    }
}

/// The secret cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the stored secret `{0}` cannot be opened: it was changed, moved, or sealed with another key. Restore the key file `keys/secrets.key`, or set the secret again"
)]
pub struct CannotOpen(pub String);

impl Vault {
    /// With a key.
    #[must_use]
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        Self { cipher: XChaCha20Poly1305::new(key.into()) }
    }

    /// With the key in a file of 32 bytes, mode 0600, which is made if it is not there.
    ///
    /// # Errors
    /// It cannot be read or made, others can read it, or it is damaged: a damaged key is never replaced.
    pub fn open_or_create(path: &Path) -> io::Result<Self> {
        match File::open(path) {
            Ok(file) => Self::from_file(file, path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut key = Zeroizing::new([0; KEY_BYTES]);
                getrandom::fill(&mut *key).map_err(|error| io::Error::other(error.to_string()))?;
                let fresh = path.with_extension(format!("{}.new", std::process::id()));
                let made =
                    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh).and_then(
                        |mut file| {
                            file.write_all(&*key)?;
                            file.sync_all()
                        },
                    );
                // The link is what counts: of two processes both read the one that came first.
                let linked = made.and_then(|()| std::fs::hard_link(&fresh, path));
                let _ = std::fs::remove_file(&fresh);
                match linked {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                    _ => Self::from_file(File::open(path)?, path),
                }
            }
            Err(error) => Err(error),
        }
    }

    fn from_file(file: File, path: &Path) -> io::Result<Self> {
        let mode = file.metadata()?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(io::Error::other(format!(
                "the key file {} can be read by others (mode {mode:03o}): run chmod 600 on it",
                path.display()
            )));
        }
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        let key: &[u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| {
            io::Error::other(format!(
                "the key file {} does not hold {KEY_BYTES} bytes: restore it from a backup; without it no stored secret opens",
                path.display()
            ))
        })?;
        Ok(Self::new(key))
    }

    /// Seals a value.
    ///
    /// # Errors
    /// The machine gives no random numbers.
    pub fn seal(&self, binding: &Binding<'_>, value: &SecretValue) -> Result<Vec<u8>, String> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| format!("this machine gives no random numbers: {error}"))?;
        let payload = Payload { msg: value.expose().as_bytes(), aad: &binding.bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| "sealing failed".to_owned())?;
        let mut bytes = Vec::with_capacity(1 + NONCE_BYTES + sealed.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    /// Opens what was sealed with the same binding.
    ///
    /// # Errors
    /// [`CannotOpen`].
    pub fn open(&self, binding: &Binding<'_>, sealed: &[u8]) -> Result<SecretValue, CannotOpen> {
        let cannot = || CannotOpen(binding.key.to_owned());
        let (&VERSION, rest) = sealed.split_first().ok_or_else(cannot)? else { return Err(cannot()) };
        let (nonce, sealed) = rest.split_at_checked(NONCE_BYTES).ok_or_else(cannot)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| cannot())?;
        let payload = Payload { msg: sealed, aad: &binding.bytes() };
        let opened = self.cipher.decrypt(&XNonce::from(nonce), payload).map_err(|_| cannot())?;
        let text = String::from_utf8(opened).map_err(|_| cannot())?;
        Ok(SecretValue(Zeroizing::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_where_it_was_sealed() {
        let vault = Vault::new(&[1; 32]);
        let (a, b) = (TenantId::parse("a").unwrap(), TenantId::parse("b").unwrap());
        let audience = ["api.example.com".to_owned()];
        let wide = ["api.example.com".to_owned(), "evil.org".to_owned()];
        let binding = Binding { tenant: &a, skill: "s", key: "k", audience: &audience };
        let value = SecretValue::new("hunter22".to_owned()).unwrap();
        let sealed = vault.seal(&binding, &value).unwrap();
        assert_eq!(vault.open(&binding, &sealed).unwrap().expose(), "hunter22");
        assert!(!sealed.windows(8).any(|window| window == b"hunter22"));
        assert_ne!(vault.seal(&binding, &value).unwrap(), sealed, "never the same twice");
        let shifted = ["k".to_owned(), "api.example.com".to_owned()];
        for (name, other) in [
            ("another tenant", Binding { tenant: &b, ..binding }),
            ("another skill", Binding { skill: "t", ..binding }),
            ("another key", Binding { key: "l", ..binding }),
            ("a wider audience", Binding { audience: &wide, ..binding }),
            ("no audience", Binding { audience: &[], ..binding }),
            ("parts moved", Binding { skill: "", key: "s", audience: &shifted, ..binding }),
        ] {
            assert!(vault.open(&other, &sealed).is_err(), "{name}");
        }
        assert!(Vault::new(&[2; 32]).open(&binding, &sealed).is_err(), "another key");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(vault.open(&binding, &changed).is_err(), "byte {at}");
            assert!(vault.open(&binding, &sealed[..at]).is_err(), "cut at {at}");
        }
        assert_eq!(format!("{value:?}{vault:?}"), "SecretValue(***)Vault(***)");
    }

    #[test]
    fn the_key_file_is_private_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secrets.key");
        let tenant = TenantId::parse("a").unwrap();
        let binding = Binding { tenant: &tenant, skill: "s", key: "k", audience: &[] };
        let sealed =
            Vault::open_or_create(&path).unwrap().seal(&binding, &SecretValue::new("x".repeat(8)).unwrap()).unwrap();
        assert!(Vault::open_or_create(&path).unwrap().open(&binding, &sealed).is_ok());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        std::fs::write(&path, "short").unwrap();
        assert!(Vault::open_or_create(&path).unwrap_err().to_string().contains("backup"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Vault::open_or_create(&path).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_value_fits_a_header() {
        for bad in [String::new(), "7 bytes".to_owned(), "a secret\nb".to_owned(), "x".repeat(MAX_SECRET_BYTES + 1)] {
            assert!(SecretValue::new(bad).is_err());
        }
    }
}
