//! What a component imports, against what its `SKILL.md` asks for.

use crate::capabilities::Capabilities;
use crate::finding::Finding;
use crate::manifest::Manifest;

/// The interfaces of the contract that need a capability, with the capability's key and whether `SKILL.md` asks for it.
type Asked = fn(&Capabilities) -> bool;
const NEEDS: &[(&str, &str, &str, Asked)] = &[
    ("openanalyst:skill/memory", "memory", "memory: user", |asked| asked.memory.is_some()),
    ("openanalyst:skill/windmill", "windmill", "windmill: [\"f/FOLDER/*\"]", |asked| !asked.windmill.is_empty()),
    ("openanalyst:skill/web-search", "web-search", "web-search: true", |asked| asked.web_search),
    ("openanalyst:skill/llm", "llm", "llm: true", |asked| asked.llm),
    ("openanalyst:skill/http", "http", "http: [\"HOST\"]", |asked| !asked.http.is_empty()),
    ("openanalyst:skill/skills", "skills", "skills: [\"NAME\"]", |asked| !asked.skills.is_empty()),
    ("openanalyst:skill/secrets", "secrets", "secrets: [\"KEY\"]", |asked| !asked.secrets.is_empty()),
];

/// Compares. `imports` are the names of the component's imports, with their versions. A capability that is used and not asked for stops the package; one that
/// is asked for and not used is a warning: the tenant would be asked for a grant that nothing needs.
#[must_use]
pub fn check_imports(manifest: &Manifest, imports: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (interface, key, line, asked) in NEEDS {
        let used = imports.iter().any(|import| import.split('@').next() == Some(interface));
        let asked = asked(&manifest.capabilities);
        // A secret is put into HTTP requests by the host, so it is of use without the interface.
        let through_http = *key == "secrets" && !manifest.capabilities.http.is_empty();
        if used && !asked {
            let message = format!(
                "the component imports `{interface}`, and SKILL.md does not ask for it: add `{line}` under `capabilities`, or build the component without it"
            );
            findings.push(Finding::error("import-not-requested", message).at("SKILL.md", None));
        } else if asked && !used && !through_http {
            let message = format!(
                "SKILL.md asks for `{key}`, and the component never imports `{interface}`: leave it out, so that nobody is asked for a grant that nothing needs"
            );
            findings.push(Finding::warning("capability-not-used", message).at("SKILL.md", None));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_must_be_asked_for() {
        let (manifest, _) = crate::parse_skill_md(
            "---\nname: x\ndescription: about\ncapabilities:\n  llm: true\n  memory: user\n---\n",
        )
        .unwrap();
        let imports = ["openanalyst:skill/memory@0.1.0", "openanalyst:skill/http@0.1.0", "openanalyst:skill/log@0.1.0"];
        let findings = check_imports(&manifest, &imports.map(str::to_owned));
        let codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["capability-not-used", "import-not-requested"]);
        assert!(findings[1].message.contains("skill/http") && findings[0].message.contains("`llm`"));
    }
}
