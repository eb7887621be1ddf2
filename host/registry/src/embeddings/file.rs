//! The file of the cache: a head, then one record behind the other. A record is a key, the vector's numbers in a byte
//! each, and a checksum, so that a torn or damaged one is left out. Several processes may append: each takes the file's
//! lock for that.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use openanalyst_router::Vector;

/// A text's key.
pub(super) type Key = [u8; 32];

const HEAD: &[u8; 8] = b"OAVECT1\n";
const LENGTH_BYTES: usize = 2;
const CHECK_BYTES: usize = 8;
/// Most bytes that are read from the file at once.
const PIECE: usize = 1 << 20;

/// A file of vectors.
#[derive(Debug)]
pub(super) struct VectorFile {
    path: PathBuf,
    file: File,
    max_bytes: u64,
    /// Where each vector stands, and its dimension.
    places: HashMap<Key, (u64, u16)>,
    /// Up to where the file was read.
    read_to: u64,
}

impl VectorFile {
    /// Opens the file, or makes it, readable for its owner only.
    pub(super) fn open(path: &Path, max_bytes: u64) -> io::Result<Self> {
        let file = opened(path)?;
        let places = HashMap::new();
        let mut vectors = Self { path: path.to_owned(), file, max_bytes, places, read_to: 0 };
        vectors.catch_up()?;
        Ok(vectors)
    }

    /// The vector of a key, if it is there and sound.
    pub(super) fn get(&self, key: &Key) -> Option<Vector> {
        let (at, dimension) = *self.places.get(key)?;
        let mut record = vec![0; record_bytes(dimension)];
        self.file.read_exact_at(&mut record, at).ok()?;
        Some(parse(&record)?.1)
    }

    /// Appends vectors. Where the file would become too large, the older half of it goes first.
    pub(super) fn add(&mut self, vectors: &[(Key, Vector)]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for (key, vector) in vectors {
            // A model that changed under its name gives vectors of another dimension: the later ones count.
            if self.places.get(key).is_none_or(|(_, dimension)| usize::from(*dimension) != vector.dimension()) {
                write_record(&mut bytes, key, vector);
            }
        }
        if bytes.is_empty() || bytes.len() as u64 > self.max_bytes / 2 {
            return Ok(());
        }
        self.lock()?;
        let done = self.append(&bytes);
        self.file.unlock()?;
        done
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.catch_up()?;
        // A record that was torn by a crash ends what can be read: what follows it would be lost.
        self.file.set_len(self.read_to)?;
        if self.read_to + bytes.len() as u64 > self.max_bytes {
            self.halve()?;
        }
        (&self.file).write_all(bytes)?;
        self.catch_up()
    }

    /// Takes the lock of the file that has the name now: another process may have put a new one there.
    fn lock(&mut self) -> io::Result<()> {
        loop {
            self.file.lock()?;
            let named = std::fs::metadata(&self.path).map(|named| named.ino());
            if named.is_ok_and(|named| self.file.metadata().is_ok_and(|ours| ours.ino() == named)) {
                return Ok(());
            }
            self.file.unlock()?;
            self.file = opened(&self.path)?;
            self.places.clear();
            self.read_to = 0;
        }
    }

    /// Writes the newer half into a new file, which takes the name.
    fn halve(&mut self) -> io::Result<()> {
        let mut places: Vec<(u64, u16)> = self.places.values().copied().collect();
        places.sort_unstable();
        let new = self.path.with_extension("new");
        // What a process left that ended here.
        let _ = std::fs::remove_file(&new);
        let file = opened(&new)?;
        file.lock()?;
        let mut bytes = HEAD.to_vec();
        for (at, dimension) in places.split_off(places.len() / 2) {
            let mut record = vec![0; record_bytes(dimension)];
            self.file.read_exact_at(&mut record, at)?;
            bytes.append(&mut record);
        }
        file.set_len(0)?;
        (&file).write_all(&bytes)?;
        std::fs::rename(&new, &self.path)?;
        self.file = file;
        self.places.clear();
        self.read_to = 0;
        self.catch_up()
    }

    /// Reads what was appended since the last time, up to the first record that is not whole.
    fn catch_up(&mut self) -> io::Result<()> {
        let mut length = self.file.metadata()?.len();
        if self.read_to == 0 {
            let mut head = [0; HEAD.len()];
            if length < HEAD.len() as u64 || self.file.read_exact_at(&mut head, 0).is_err() || head != *HEAD {
                // Another version's, or nobody's: it is only a cache.
                self.file.set_len(0)?;
                (&self.file).write_all(HEAD)?;
                length = HEAD.len() as u64;
            }
            self.read_to = HEAD.len() as u64;
        }
        let mut bytes = Vec::new();
        loop {
            let from = self.read_to;
            let left = usize::try_from(length.saturating_sub(from)).unwrap_or(usize::MAX);
            bytes.resize(left.min(PIECE), 0);
            self.file.read_exact_at(&mut bytes, from)?;
            let mut at = 0;
            while let Some(length) = bytes.get(at..at + LENGTH_BYTES)
                && let dimension = u16::from_le_bytes([length[0], length[1]])
                && let Some(record) = bytes.get(at..at + record_bytes(dimension))
                && let Some((key, _)) = parse(record)
            {
                self.places.insert(key, (from + at as u64, dimension));
                at += record.len();
            }
            self.read_to += at as u64;
            if at == 0 {
                return Ok(());
            }
        }
    }
}

fn opened(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)
}

fn record_bytes(dimension: u16) -> usize {
    LENGTH_BYTES + size_of::<Key>() + usize::from(dimension) + CHECK_BYTES
}

fn write_record(bytes: &mut Vec<u8>, key: &Key, vector: &Vector) {
    let Ok(dimension) = u16::try_from(vector.dimension()) else { return };
    let start = bytes.len();
    bytes.extend_from_slice(&dimension.to_le_bytes());
    bytes.extend_from_slice(key);
    bytes.extend(vector.parts().iter().map(|part| part.cast_unsigned()));
    let check = check(&bytes[start..]);
    bytes.extend_from_slice(&check);
}

/// The key and the vector of a record. None: it is damaged.
fn parse(record: &[u8]) -> Option<(Key, Vector)> {
    let (said, found) = record.split_last_chunk::<CHECK_BYTES>()?;
    if check(said) != *found {
        return None;
    }
    let (key, parts) = said.get(LENGTH_BYTES..)?.split_first_chunk::<{ size_of::<Key>() }>()?;
    let vector = Vector::from_parts(parts.iter().map(|part| part.cast_signed()).collect())?;
    Some((*key, vector))
}

/// FNV-1a: it finds what a crash or a disk damaged. Nobody but the owner can write the file.
fn check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(number: i8) -> Vector {
        Vector::from_parts(Box::new([number, 1, -2, 3])).unwrap()
    }

    fn opened_at(path: &Path) -> VectorFile {
        VectorFile::open(path, 1 << 20).unwrap()
    }

    #[test]
    fn vectors_are_there_after_a_restart_and_for_another_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vectors");
        let mut first = opened_at(&path);
        let mut second = opened_at(&path);
        first.add(&[([1; 32], vector(1)), ([2; 32], vector(2))]).unwrap();
        second.add(&[([3; 32], vector(3))]).unwrap();
        assert_eq!(second.get(&[1; 32]), Some(vector(1)));
        let again = opened_at(&path);
        for (key, number) in [([1; 32], 1), ([2; 32], 2), ([3; 32], 3)] {
            assert_eq!(again.get(&key), Some(vector(number)));
        }
        assert_eq!(again.get(&[4; 32]), None);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_torn_record_is_left_out_and_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vectors");
        opened_at(&path).add(&[([1; 32], vector(1)), ([2; 32], vector(2))]).unwrap();
        let length = std::fs::metadata(&path).unwrap().len();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 3).unwrap();
        let mut again = opened_at(&path);
        assert_eq!((again.get(&[1; 32]), again.get(&[2; 32])), (Some(vector(1)), None));
        again.add(&[([3; 32], vector(3))]).unwrap();
        let last = opened_at(&path);
        assert_eq!((last.get(&[1; 32]), last.get(&[3; 32])), (Some(vector(1)), Some(vector(3))));
    }

    #[test]
    fn a_damaged_file_is_an_empty_cache() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vectors");
        for bytes in [&b""[..], b"OA", b"something else entirely", b"OAVECT1\n\xff\xff\xff"] {
            std::fs::write(&path, bytes).unwrap();
            let mut file = opened_at(&path);
            file.add(&[([1; 32], vector(1))]).unwrap();
            assert_eq!(opened_at(&path).get(&[1; 32]), Some(vector(1)), "{bytes:?}");
        }
    }

    #[test]
    fn the_file_never_grows_beyond_its_limit_and_keeps_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vectors");
        let record = record_bytes(4) as u64;
        let mut file = VectorFile::open(&path, 8 + record * 10).unwrap();
        let mut other = VectorFile::open(&path, 8 + record * 10).unwrap();
        for number in 1..=40_u8 {
            let file = if number % 7 == 0 { &mut other } else { &mut file };
            file.add(&[([number; 32], vector(number.cast_signed()))]).unwrap();
            assert!(std::fs::metadata(&path).unwrap().len() <= 8 + record * 10);
            let now = opened_at(&path);
            for kept in number.saturating_sub(4).max(1)..=number {
                assert_eq!(now.get(&[kept; 32]), Some(vector(kept.cast_signed())), "{kept} of {number}");
            }
        }
        assert_eq!(opened_at(&path).get(&[1; 32]), None);
    }
}
