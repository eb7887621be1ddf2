//! Private keys in DER, as bytes or in base64, without the mark of PEM: known by the members that the
//! outer sequence begins with.
//!
//! A certificate and a public key begin with another sequence in the place of the version, so that one
//! look at the first bytes tells them apart.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// PBES2 and what stands before it in PKCS#5: the algorithm of an encrypted key (RFC 8018).
const PKCS5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05];
/// How many characters of base64 hold what is looked at.
const HEAD_CHARS: usize = 40;

/// Whether a file of these bytes is a private key and nothing more.
pub(super) fn is_key(bytes: &[u8]) -> bool {
    let mut at = bytes;
    let whole = length_of(&mut at, SEQUENCE).is_some_and(|length| length <= at.len());
    whole && begins_key(bytes)
}

/// Whether a text in base64 begins as a private key does.
pub(super) fn is_key_in_base64(text: &[u8]) -> bool {
    let head = text.get(..HEAD_CHARS).unwrap_or_default();
    super::is_varied(text) && STANDARD_NO_PAD.decode(head).is_ok_and(|head| begins_key(&head))
}

/// Whether these are the first bytes of a key in PKCS#8 (RFC 5958; encrypted ones too), PKCS#1 (RFC 8017)
/// or SEC 1 (RFC 5915).
fn begins_key(head: &[u8]) -> bool {
    let mut at = head;
    let Some(length) = length_of(&mut at, SEQUENCE).filter(|length| (32..=16 << 10).contains(length)) else {
        return false;
    };
    let mut encrypted = at;
    if length_of(&mut encrypted, SEQUENCE).is_some()
        && length_of(&mut encrypted, OBJECT_IDENTIFIER).is_some()
        && encrypted.starts_with(PKCS5)
    {
        return true;
    }
    if length_of(&mut at, INTEGER) != Some(1) {
        return false;
    }
    let Some((version @ (0 | 1), rest)) = at.split_first() else { return false };
    let (mut algorithm, mut modulus, mut secret) = (rest, rest, rest);
    let is_pkcs8 = length_of(&mut algorithm, SEQUENCE).is_some_and(|inner| inner < length)
        && algorithm.first() == Some(&OBJECT_IDENTIFIER);
    let is_pkcs1 = length_of(&mut modulus, INTEGER).is_some_and(|inner| (64..length).contains(&inner));
    let is_sec1 = *version == 1 && length_of(&mut secret, OCTET_STRING).is_some_and(|bytes| (20..=72).contains(&bytes));
    is_pkcs8 || is_pkcs1 || is_sec1
}

/// Takes a tag and its length, and gives the length.
fn length_of(at: &mut &[u8], tag: u8) -> Option<usize> {
    let (first, rest) = at.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match *length {
        short @ 0..=0x7f => (usize::from(short), rest),
        long @ (0x81 | 0x82) => {
            let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x0f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    *at = rest;
    (*first == tag).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head of a structure with as many bytes behind it as the head says.
    fn padded(head: &[u8]) -> Vec<u8> {
        let mut at = head;
        let length = length_of(&mut at, SEQUENCE).unwrap();
        let before = head.len() - at.len();
        let mut bytes = head.to_vec();
        bytes.extend((0..).map(|n: usize| (n * 37 % 251) as u8).take(length + before - head.len()));
        bytes
    }

    #[test]
    fn keys_are_told_from_certificates_and_public_keys() {
        let rsa = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
        let p8_rsa = [&[0x30, 0x82, 0x04, 0xbd, 2, 1, 0, 0x30, 0x0d], &rsa[..]].concat();
        let public_rsa = [&[0x30, 0x82, 0x01, 0x22, 0x30, 0x0d], &rsa[..]].concat();
        let table: &[(&str, bool, &[u8])] = &[
            ("PKCS#8, RSA", true, &p8_rsa),
            ("PKCS#8, P-256", true, &[0x30, 0x81, 0x87, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]),
            ("PKCS#8, P-384", true, &[0x30, 0x81, 0xb6, 2, 1, 0, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]),
            ("PKCS#8, Ed25519", true, &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]),
            ("PKCS#8 with a public key", true, &[0x30, 0x51, 2, 1, 1, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22]),
            ("PKCS#1", true, &[0x30, 0x82, 0x04, 0xa4, 2, 1, 0, 2, 0x82, 1, 1, 0]),
            ("SEC 1", true, &[0x30, 0x77, 2, 1, 1, 4, 0x20]),
            (
                "encrypted",
                true,
                &[0x30, 0x82, 0x05, 0x2d, 0x30, 0x57, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 0x0d],
            ),
            ("a public key, RSA", false, &public_rsa),
            ("a public key in PKCS#1", false, &[0x30, 0x82, 1, 0x0a, 2, 0x82, 1, 1, 0]),
            ("a public key, Ed25519", false, &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0]),
            ("a certificate", false, &[0x30, 0x82, 3, 0x0d, 0x30, 0x82, 1, 0xf5, 0xa0, 3, 2, 1, 2]),
            ("a signature", false, &[0x30, 0x45, 2, 0x21, 0, 0x9f]),
        ];
        for (what, expected, head) in table {
            let bytes = padded(head);
            assert_eq!(is_key(&bytes), *expected, "{what}");
            assert_eq!(is_key_in_base64(STANDARD_NO_PAD.encode(&bytes).as_bytes()), *expected, "{what}");
            assert!(!is_key(&bytes[..bytes.len() - 1]), "{what}, cut off");
        }
    }
}
