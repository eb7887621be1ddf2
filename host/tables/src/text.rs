//! From bytes to text: which encoding a file has.

use crate::Unreadable;

/// How a file's bytes were read as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-8 with single bytes of Windows-1252 between, as files have that were put together.
    Utf8WithLegacy,
    /// UTF-16, little endian.
    Utf16Le,
    /// UTF-16, big endian.
    Utf16Be,
    /// Windows-1252, which has ISO 8859-1's letters at the same places.
    Windows1252,
}

impl Encoding {
    /// The name that people know.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf8WithLegacy => "UTF-8 with some letters of ISO 8859-1 (Windows-1252)",
            Self::Utf16Le => "UTF-16 (little endian)",
            Self::Utf16Be => "UTF-16 (big endian)",
            Self::Windows1252 => "ISO 8859-1 (Windows-1252)",
        }
    }
}

/// The beginnings of files that are no text, and what to do with them.
const NO_TEXT: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "it is a workbook or an archive (zip): save the sheet as CSV and send that"),
    (b"\xd0\xcf\x11\xe0", "it is an old Excel workbook: save the sheet as CSV and send that"),
    (b"%PDF", "it is a PDF: send its table as CSV"),
    (b"\x1f\x8b", "it is compressed (gzip): unpack it first"),
    (b"PAR1", "it is a Parquet file: export it as CSV"),
    (b"SQLite format 3\0", "it is a SQLite database: export the table as CSV"),
];

/// What the bytes 0x80 to 0x9f are in Windows-1252 (WHATWG Encoding Standard, index windows-1252).
/// `encoding_rs` would add the tables of all other encodings to every guest.
const C1: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text of a file, without a byte order mark, and its encoding.
///
/// # Errors
/// [`Unreadable`] where it is no text.
pub(crate) fn decode(bytes: &[u8]) -> Result<(String, Encoding), Unreadable> {
    if let Some((_, reason)) = NO_TEXT.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Err(Unreadable::new(*reason));
    }
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return decode_utf8_or_legacy(rest);
    }
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes).map(|text| (text, Encoding::Utf16Le)),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes).map(|text| (text, Encoding::Utf16Be)),
        _ => match zeros(bytes) {
            (0, 0) => decode_utf8_or_legacy(bytes),
            // Letters of most tables are ASCII: one half of each unit is zero.
            (even, odd) if odd > even * 4 => utf16(bytes, u16::from_le_bytes).map(|text| (text, Encoding::Utf16Le)),
            (even, odd) if even > odd * 4 => utf16(bytes, u16::from_be_bytes).map(|text| (text, Encoding::Utf16Be)),
            _ => Err(Unreadable::new("it is no text: send it as CSV or JSON")),
        },
    }
}

/// How many zero bytes stand at even and at odd places.
fn zeros(bytes: &[u8]) -> (usize, usize) {
    let at = |parity: usize| bytes.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    (at(0), at(1))
}

/// What the bytes say counts, and not a byte order mark before them: some programs write one before any encoding.
fn decode_utf8_or_legacy(bytes: &[u8]) -> Result<(String, Encoding), Unreadable> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok((text.to_owned(), Encoding::Utf8));
    }
    let controls = bytes.iter().filter(|byte| **byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c)).count();
    if controls > 0 {
        return Err(Unreadable::new("it is no text: send it as CSV or JSON"));
    }
    let (mut letters, mut others) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        letters += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        others += chunk.invalid().len();
    }
    // Letters of Windows-1252 hardly ever make UTF-8 by chance, so many of them mean that it is UTF-8.
    if letters > others {
        let chunks = bytes.utf8_chunks();
        let text = chunks.flat_map(|chunk| chunk.valid().chars().chain(chunk.invalid().iter().map(legacy)));
        return Ok((text.collect(), Encoding::Utf8WithLegacy));
    }
    Ok((bytes.iter().map(legacy).collect(), Encoding::Windows1252))
}

/// The character of a byte in Windows-1252.
fn legacy(byte: &u8) -> char {
    match byte {
        0x80..=0x9f => C1[usize::from(byte - 0x80)],
        _ => char::from(*byte),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Unreadable> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let decoded: Result<String, _> = char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect();
    match decoded {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err(Unreadable::new("it begins as UTF-16 and is broken: save it as UTF-8 and send it again")),
    }
}
