use super::*;

const GOOD: &str = "---\nname: x\ndescription: what it does\n---\n";

fn files(extra: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
    let own = |(path, bytes): &(&str, &[u8])| ((*path).to_owned(), bytes.to_vec());
    [(SKILL_MD, GOOD.as_bytes())].iter().chain(extra).map(own).collect()
}

fn raw(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in entries {
        writer.start_file(*path, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn codes(bytes: &[u8], limits: &ArchiveLimits) -> Vec<&'static str> {
    read_archive(bytes, limits).unwrap_err().0.iter().map(|finding| finding.code).collect()
}

#[test]
fn what_was_packed_is_read_and_packing_is_deterministic() {
    let files = files(&[
        (SKILL_WASM, b"wasm"),
        ("prompts/default.md", b"Be kind."),
        ("workflows/post.md", b"# Post\n1. Write\n"),
    ]);
    let archive = write_archive(&files).unwrap();
    assert_eq!(archive, write_archive(&files).unwrap());
    let package = read_archive(&archive, &ArchiveLimits::default()).unwrap();
    assert_eq!(package.digest, digest(&archive));
    assert_eq!(package.component.as_deref(), Some(b"wasm".as_slice()));
    assert_eq!(package.manifest.system_prompt.as_deref(), Some("Be kind."));
    assert_eq!(package.manifest.workflows[0].name, "Post");
}

#[test]
fn a_folder_around_the_package_is_stripped() {
    let archive = raw(&[("top/SKILL.md", GOOD.as_bytes()), ("top/skill.wasm", b"w")]);
    let package = read_archive(&archive, &ArchiveLimits::default()).unwrap();
    assert_eq!(package.component.as_deref(), Some(b"w".as_slice()));
    let two = raw(&[("top/SKILL.md", GOOD.as_bytes()), ("other/skill.wasm", b"w")]);
    assert_eq!(codes(&two, &ArchiveLimits::default()), ["component-name"]);
}

#[test]
fn hostile_archives_are_refused() {
    let limits = ArchiveLimits {
        archive_bytes: 20_000,
        component_bytes: 100,
        file_bytes: 1_000,
        total_bytes: 2_000,
        entries: 5,
    };
    let zeros = vec![0; 4_000_000];
    let long = "p/".repeat(200);
    let table: Vec<(Vec<u8>, &str)> = vec![
        (b"no zip".to_vec(), "not-an-archive"),
        (vec![0; 20_001], "package-too-large"),
        (raw(&[("../SKILL.md", b"")]), "unsafe-path"),
        (raw(&[("/etc/passwd", b"")]), "unsafe-path"),
        (raw(&[("a/../../b", b"")]), "unsafe-path"),
        (raw(&[("a\\..\\..\\b", b"")]), "unsafe-path"),
        (raw(&[("a\\b", b""), ("a/b", b"")]), "duplicate-entry"),
        (raw(&[("c:x", b"")]), "unsafe-path"),
        (raw(&[("a\0b", b"")]), "unsafe-path"),
        (raw(&[(&format!("{long}x"), b"")]), "unsafe-path"),
        (raw(&[("a", b""), ("A", b"")]), "duplicate-entry"),
        (raw(&[("1", b""), ("2", b""), ("3", b""), ("4", b""), ("5", b""), ("6", b"")]), "too-many-entries"),
        (raw(&[("bomb", &zeros)]), "file-too-large"),
        (raw(&[("bomb", &zeros)]), "package-too-large"),
        (raw(&[(SKILL_WASM, &[1; 101])]), "component-too-large"),
        (raw(&[("a", b"")]), "skill-md-missing"),
        (raw(&[(SKILL_MD, b"\xff\xfe")]), "not-utf-8"),
    ];
    for (archive, code) in table {
        let found = codes(&archive, &limits);
        assert!(found.contains(&code), "{found:?} lacks {code}");
    }
    assert!(
        read_archive(&raw(&[(SKILL_MD, GOOD.as_bytes()), (SKILL_WASM, &[1; 100])]), &limits).is_ok(),
        "the limit itself is allowed"
    );
}

#[test]
fn a_link_is_refused() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let archive = writer.finish().unwrap().into_inner();
    assert_eq!(codes(&archive, &ArchiveLimits::default()), ["unsafe-entry", "skill-md-missing"]);
}

#[test]
fn a_header_that_lies_about_the_size_is_caught() {
    let mut archive = raw(&[(SKILL_MD, GOOD.as_bytes()), ("big", &[7; 5_000])]);
    // The declared size stands as four little-endian bytes in the local header and in the directory.
    let declared = 5_000_u32.to_le_bytes();
    let places: Vec<usize> =
        archive.windows(4).enumerate().filter(|(_, four)| *four == declared).map(|(at, _)| at).collect();
    assert!(places.len() >= 2);
    for at in places {
        archive[at..at + 4].copy_from_slice(&10_u32.to_le_bytes());
    }
    let found = codes(&archive, &ArchiveLimits::default());
    assert!(found.contains(&"size-mismatch") || found.contains(&"damaged-entry"), "{found:?}");
}

#[test]
fn truncation_anywhere_is_an_error_and_no_panic() {
    let archive = write_archive(&files(&[(SKILL_WASM, &[9; 300])])).unwrap();
    for end in 0..archive.len() {
        assert!(read_archive(&archive[..end], &ArchiveLimits::default()).is_err());
    }
}
