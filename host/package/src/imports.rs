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

/// Packages of WASI that the host links as refusals.
const NETWORK: &[&str] = &["wasi:sockets/", "wasi:http/"];

/// Compares. `imports` are the names of the component's imports, with their versions.
///
/// Toolchains of JavaScript and Python import the whole world, whatever the code uses: what is
/// imported and not asked for is a warning, and its calls answer `denied`. What is asked for and
/// cannot be used is a warning too, because the tenant would be asked for a grant that nothing needs.
#[must_use]
pub fn check_imports(manifest: &Manifest, imports: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (interface, key, line, asked) in NEEDS {
        let used = imports.iter().any(|import| import.split('@').next() == Some(interface));
        let asked = asked(&manifest.capabilities);
        let of_use_without_it = match *key {
            // The steps of a plan run scripts and call skills.
            "windmill" | "skills" => true,
            // A secret is put into HTTP requests by the host.
            "secrets" => !manifest.capabilities.http.is_empty(),
            _ => false,
        };
        if used && !asked {
            let message = format!(
                "the component imports `{interface}`, and SKILL.md does not ask for it: every call of it will answer `denied`. \
                 If the skill uses it, add `{line}` under `capabilities`"
            );
            findings.push(Finding::warning("import-not-requested", message).at("SKILL.md", None));
        } else if asked && !used && !of_use_without_it {
            let message = format!(
                "SKILL.md asks for `{key}`, and the component never imports `{interface}`: leave it out, so that nobody is asked for a grant that nothing needs"
            );
            findings.push(Finding::warning("capability-not-used", message).at("SKILL.md", None));
        }
    }
    let network: Vec<String> = imports
        .iter()
        .filter(|import| NETWORK.iter().any(|package| import.starts_with(package)))
        .map(|import| format!("`{import}`"))
        .collect();
    if !network.is_empty() {
        let message = format!(
            "the component imports {}: skills have no network of their own, so every call of these is refused. Toolchains \
             import them on their own; a skill fetches through the contract's `http`",
            network.join(", ")
        );
        findings.push(Finding::warning("network-refused", message).at("skill.wasm", None));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_and_not_asked_for_is_a_warning_and_the_other_way_round() {
        let (manifest, _) = crate::parse_skill_md(
            "---\nname: x\ndescription: about\ncapabilities:\n  llm: true\n  memory: user\n---\n",
        )
        .unwrap();
        let imports = ["openanalyst:skill/memory@0.1.0", "openanalyst:skill/http@0.1.0", "openanalyst:skill/log@0.1.0"];
        let findings = check_imports(&manifest, &imports.map(str::to_owned));
        let codes: Vec<&str> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["capability-not-used", "import-not-requested"]);
        assert!(findings[1].message.contains("skill/http") && findings[0].message.contains("`llm`"));
        assert!(findings.iter().all(|finding| finding.severity == crate::Severity::Warning));
    }

    #[test]
    fn what_a_plan_may_use_is_never_called_unused() {
        let text = "---\nname: x\ndescription: about\ncapabilities:\n  windmill: [\"f/a/*\"]\n  skills: [core]\n---\n";
        let (manifest, _) = crate::parse_skill_md(text).unwrap();
        assert_eq!(check_imports(&manifest, &[]), []);
    }

    #[test]
    fn the_network_of_a_toolchain_is_one_note() {
        let (manifest, _) = crate::parse_skill_md("---\nname: x\ndescription: about\n---\n").unwrap();
        let imports = ["wasi:sockets/tcp@0.2.3", "wasi:http/types@0.2.3", "wasi:io/poll@0.2.3"].map(str::to_owned);
        let findings = check_imports(&manifest, &imports);
        assert_eq!(findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["network-refused"]);
        assert!(findings[0].message.contains("wasi:http/types") && !findings[0].message.contains("wasi:io"));
    }
}
