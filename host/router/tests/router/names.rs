//! A request that is a skill's name and nothing more.

use openanalyst_router::{Decision, Router, RouterOptions, SkillProfile, Utterance};

fn skill(name: &str, title: &str, triggers: &[&str], priority: u8) -> SkillProfile {
    SkillProfile {
        name: name.to_owned(),
        title: title.to_owned(),
        description: format!("About {title}."),
        triggers: triggers.iter().map(|trigger| (*trigger).to_owned()).collect(),
        priority,
        ..SkillProfile::default()
    }
}

fn decision(router: &Router, text: &str, previous_skill: Option<&str>) -> Decision {
    router
        .route(&Utterance {
            text,
            now_ms: 0,
            time_zone: "UTC",
            locale: None,
            previous_skill,
            has_attachments: false,
            vectors: None,
        })
        .decision
}

#[test]
fn a_whole_name_wins_over_triggers_priority_and_the_session() {
    let skills = [
        skill("weekly-report", "Weekly Report", &["summary of the week"], 9),
        skill("reporter", "Reporter", &["report", "weekly", "weekly report", "report weekly"], 1),
        skill("report", "Report", &[], 5),
        skill("buro", "Büro", &["office"], 5),
        SkillProfile { is_fallback: true, ..skill("core", "Core", &["hello"], 10) },
    ];
    let router = Router::build(&skills, RouterOptions::default());
    for (text, expected) in [
        ("weekly-report", "weekly-report"),
        ("Weekly Report", "weekly-report"),
        ("weekly report!", "weekly-report"),
        ("  WEEKLY   REPORT. ", "weekly-report"),
        ("report", "report"),
        ("Büro", "buro"),
        ("buro", "buro"),
        ("core", "core"),
    ] {
        for previous in [None, Some("reporter")] {
            match decision(&router, text, previous) {
                Decision::Skill { name, confidence } => {
                    assert_eq!(name, expected, "{text}");
                    assert!(confidence > 0.8, "{text}: {confidence}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }
    // With more words it is a request like any other.
    let Decision::Skill { name, .. } = decision(&router, "report weekly report please", None) else {
        panic!("one of them is meant");
    };
    assert_eq!(name, "reporter");
}

#[test]
fn two_skills_of_one_title_are_a_question() {
    let skills = [skill("tools-a", "Tools", &[], 5), skill("tools-b", "Tools", &[], 5), skill("x", "X", &["tools"], 1)];
    let router = Router::build(&skills, RouterOptions::default());
    let Decision::Ambiguous { mut candidates, .. } = decision(&router, "tools", None) else {
        panic!("both have that name");
    };
    candidates.sort();
    assert_eq!(candidates, ["tools-a", "tools-b"]);
}
