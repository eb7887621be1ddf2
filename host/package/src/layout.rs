//! Where in a tree of files the skill stands, and what of the tree is not part of it.

use crate::archive::{Entry, SKILL_WASM};
use crate::finding::Finding;
use crate::manifest::SKILL_MD;

/// Most paths that a finding names.
const MAX_NAMED: usize = 5;

/// Whether a file was left there by an operating system or a version control system: never part of
/// a skill, whoever made the archive.
#[must_use]
pub fn is_left_by_a_tool(path: &str) -> bool {
    path.split('/').any(|segment| {
        segment.starts_with("._")
            || ["__MACOSX", ".DS_Store", ".AppleDouble", ".Spotlight-V100", ".Trashes", ".fseventsd"].contains(&segment)
            // The icon that a folder was given on a Mac.
            || segment == "Icon\r"
            || ["Thumbs.db", "ehthumbs.db", "desktop.ini"].iter().any(|name| segment.eq_ignore_ascii_case(name))
            || [".git", ".hg", ".svn", ".bzr", ".jj", "CVS"].contains(&segment)
    })
}

/// Finds the skill in an archive: the `SKILL.md` that stands highest, at the top or in the one
/// folder there. What stands in its folder stays, with its paths from there.
pub(crate) fn find_skill(entries: &mut Vec<Entry>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found: Vec<(usize, usize)> = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| is_skill_md(&entry.path))
        .map(|(at, entry)| (entry.path.matches('/').count(), at))
        .collect();
    found.sort_unstable();
    let Some((depth, at)) = found.first().copied() else {
        let message = missing(entries.iter().map(|entry| entry.path.as_str()));
        findings.push(Finding::error("skill-md-missing", message));
        return findings;
    };
    let place = entries[at].path.clone();
    if depth > 1 {
        let folder = place.rsplit_once('/').map_or("", |(folder, _)| folder);
        let message =
            format!("there is no SKILL.md at the top; there is one at `{place}`: pack the folder `{folder}` by itself");
        findings.push(Finding::error("skill-md-missing", message));
        return findings;
    }
    let as_high: Vec<&str> =
        found.iter().filter(|(of, _)| *of == depth).map(|(_, at)| entries[*at].path.as_str()).collect();
    if let [_, _, ..] = as_high[..] {
        let message =
            format!("the archive holds several skills ({}): pack each folder by itself", named(as_high.into_iter()));
        findings.push(Finding::error("several-skills", message));
        return findings;
    }
    let (top, name) = place.split_at(place.rfind('/').map_or(0, |at| at + 1));
    if name != SKILL_MD {
        let message = format!("`{name}` is read as `{SKILL_MD}`: rename it, other programs look for exactly that");
        findings.push(Finding::warning("skill-md-name", message).at(name, None));
    }
    let outside: Vec<&str> =
        entries.iter().map(|entry| entry.path.as_str()).filter(|path| !path.starts_with(top)).collect();
    if let Some(component) = outside.iter().find(|path| path.ends_with(".wasm")) {
        let message = format!(
            "the skill is the folder `{top}`, and `{component}` stands outside of it: put it there as `{SKILL_WASM}`"
        );
        findings.push(Finding::error("component-name", message).at(component, None));
    } else if !outside.is_empty() {
        let message = format!(
            "the skill is the folder `{top}`; what stands outside of it is left out: {}",
            named(outside.into_iter())
        );
        findings.push(Finding::warning("outside-of-skill", message));
    }
    let (top, place) = (top.to_owned(), place.clone());
    entries.retain_mut(|entry| {
        if entry.path == place {
            entry.path = SKILL_MD.to_owned();
            return true;
        }
        let inside = entry.path.starts_with(&top);
        if inside {
            entry.path.drain(..top.len());
        }
        inside
    });
    findings
}

/// Whether a file is a `SKILL.md`, however its name is written.
#[must_use]
pub fn is_skill_md(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.eq_ignore_ascii_case(SKILL_MD))
}

fn missing<'a>(paths: impl Iterator<Item = &'a str>) -> String {
    let paths: Vec<&str> = paths.collect();
    if paths.is_empty() {
        return "the package is empty: put a SKILL.md at its top".to_owned();
    }
    let found = named(paths.into_iter());
    format!("the package has no SKILL.md: put one at its top. It holds {found}")
}

fn named<'a>(paths: impl Iterator<Item = &'a str>) -> String {
    let paths: Vec<String> = paths.map(|path| format!("`{}`", shorten(path))).collect();
    let shown = paths.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join(", ");
    match paths.len().saturating_sub(MAX_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn shorten(path: &str) -> String {
    path.chars().take(80).collect()
}

/// What is said of a package without `skill.wasm`: nothing where it holds no WebAssembly at all, for
/// then it is a prompt skill.
///
/// At the top another name is a mistake that would make a prompt skill of it; deeper, a file may be
/// anything.
#[must_use]
pub fn misnamed_component<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> Option<Finding> {
    let is_wasm =
        |path: &str, bytes: &[u8]| path.to_ascii_lowercase().ends_with(".wasm") || bytes.starts_with(b"\0asm");
    let found: Vec<&str> = files.filter(|(path, bytes)| is_wasm(path, bytes)).map(|(path, _)| path).collect();
    let at_top = found.iter().find(|path| !path.contains('/'));
    let path = at_top.or(found.first())?;
    let message = format!(
        "there is no `{SKILL_WASM}`, and there is `{path}`: name the skill's component `{SKILL_WASM}` and put it beside \
         SKILL.md. Without it this would be a prompt for a language model"
    );
    Some(match at_top {
        Some(_) => Finding::error("component-name", message).at(path, None),
        None => Finding::warning("component-name", message).at(path, None),
    })
}
