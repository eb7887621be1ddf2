//! The bundled skills and the shared workflow scripts, as bytes inside the host.
//!
//! The build script builds the skills for WebAssembly and embeds them with the text files of their folders, and the scripts under
//! `windmill/f/`. This crate must never look into what it carries: reading, checking and running it is the host's work.
//!
//! Begin at [`bundled`] and [`shared_scripts`].

/// One bundled skill: what would be in its package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BundledSkill {
    /// Its identifier, for example `social-media`.
    pub name: &'static str,
    /// The component, `skill.wasm` in the package.
    pub component: &'static [u8],
    /// The text of `SKILL.md`.
    pub skill_md: &'static str,
    /// The other files with their path inside the package, for example `workflows/remember.md`, sorted by path.
    pub files: &'static [(&'static str, &'static [u8])],
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The bundled skills, sorted by name.
#[must_use]
pub fn bundled() -> &'static [BundledSkill] {
    BUNDLED
}

/// The shared scripts: path in the workflow engine (`f/openanalyst/social/create_post`) and TypeScript source, sorted by path.
#[must_use]
pub fn shared_scripts() -> &'static [(&'static str, &'static str)] {
    SHARED_SCRIPTS
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use openanalyst_package::{ArchiveLimits, Package, read_archive, write_archive};

    use super::*;

    /// Every component begins with this: the magic number and the version of a component, not of a core module.
    const COMPONENT: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

    #[test]
    fn the_four_skills_are_there_as_components_with_their_texts() {
        let names: Vec<&str> = bundled().iter().map(|skill| skill.name).collect();
        assert_eq!(names, ["analytics", "core", "social-media", "workflow-builder"]);
        for skill in bundled() {
            assert_eq!(skill.component[..8], COMPONENT, "{}", skill.name);
            assert!(skill.skill_md.starts_with("---\n"), "{}", skill.name);
            for wanted in ["prompts/default.md", "workflows/"] {
                assert!(skill.files.iter().any(|(path, _)| path.starts_with(wanted)), "{} has no {wanted}", skill.name);
            }
        }
    }

    fn package(skill: &BundledSkill) -> Package {
        let mut files: BTreeMap<String, Vec<u8>> =
            skill.files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect();
        files.insert("SKILL.md".into(), skill.skill_md.into());
        files.insert("skill.wasm".into(), skill.component.to_vec());
        let archive = write_archive(&files).unwrap();
        read_archive(&archive, &ArchiveLimits::default()).unwrap()
    }

    #[test]
    fn each_skill_is_a_package_without_findings() {
        for skill in bundled() {
            let package = package(skill);
            assert_eq!(package.manifest.name, skill.name);
            assert_eq!(package.warnings, [], "{}", skill.name);
            assert!(package.manifest.triggers.len() > 10 && package.manifest.examples.len() > 5, "{}", skill.name);
            assert!(!package.manifest.workflows.is_empty(), "{}", skill.name);
        }
    }

    #[test]
    fn a_component_exports_the_handler_and_imports_only_what_its_skill_declares() {
        for skill in bundled() {
            let has = |name: &str| {
                let wanted = format!("openanalyst:skill/{name}@0.1.0");
                skill.component.windows(wanted.len()).any(|window| window == wanted.as_bytes())
            };
            assert!(has("handler"), "{} exports no handler", skill.name);
            let declared = package(skill).manifest.capabilities;
            for (import, is_declared) in [
                ("memory", declared.memory.is_some()),
                ("windmill", !declared.windmill.is_empty()),
                ("web-search", declared.web_search),
                ("llm", declared.llm),
                ("http", !declared.http.is_empty()),
                ("skills", !declared.skills.is_empty()),
                ("secrets", !declared.secrets.is_empty()),
            ] {
                assert!(is_declared || !has(import), "{} imports {import} and does not declare it", skill.name);
            }
        }
    }

    #[test]
    fn the_shared_scripts_are_there_and_those_that_are_run_have_a_main_function() {
        let source =
            |wanted: &str| shared_scripts().iter().find(|(path, _)| *path == wanted).map(|(_, source)| *source);
        for name in [
            "core/send_ws_message",
            "core/log_activity",
            "social/create_post",
            "social/schedule_post",
            "social/publish_post",
            "social/analyze_engagement",
            "analytics/fetch_metrics",
            "analytics/generate_report",
            "templates/social_post",
            "templates/analytics_report",
            "templates/scheduler",
        ] {
            let path = format!("f/openanalyst/{name}");
            let source = source(&path).unwrap_or_else(|| panic!("{path} is missing"));
            assert!(source.contains("export async function main("), "{path} has no main");
        }
        for (path, _) in shared_scripts() {
            assert!(path.starts_with("f/openanalyst/") && !path.contains('.'), "{path}");
        }
    }
}
