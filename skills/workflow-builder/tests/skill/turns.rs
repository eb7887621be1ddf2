//! Conversations: each line is a turn in the session of the ones before, as the host would run it.

use openanalyst_skill::prelude::*;
use openanalyst_skill::testing::{self, Host};
use skill_workflow_builder::WorkflowBuilder as Builder;

const DAY_MS: u64 = 86_400_000;
/// Monday, 23 November 2026, 12:00 UTC.
const NOW_MS: u64 = 1_795_435_200_000;

/// What must come of a turn.
#[derive(Clone, Copy)]
enum Must {
    /// The answer has these words.
    Say(&'static [&'static str]),
    /// A question with this id is asked, and its text and options have these words.
    Ask(&'static str, &'static [&'static str]),
    /// A question with this id is asked, and answered so; the answer then has these words.
    Confirm(&'static str, &'static str, &'static [&'static str]),
}

/// What stands in the engine after a turn: for each schedule the end of its path, its expression, and whether it is switched on.
type State = &'static [(&'static str, &'static str, bool)];

struct Talk {
    host: Host,
    context: Context,
}

impl Talk {
    fn new() -> Self {
        Self { host: Host::new(), context: testing::context() }
    }

    fn with(self, path: &str, summary: &str, cron: &str, arguments: Value) -> Self {
        let is_post = path.contains("/social/");
        let script =
            if is_post { "f/openanalyst/social/publish_post" } else { "f/openanalyst/templates/analytics_report" };
        self.host.run(|| {
            let schedule = windmill::Schedule::of_script(path, cron, script)
                .with_summary(summary)
                .with_arguments(&arguments)
                .unwrap();
            windmill::create_schedule(&schedule).unwrap();
        });
        self
    }

    /// The report on Mondays, a digest on weekdays, the numbers on Fridays, and a post about oat milk on Thursday the 26th.
    fn usual() -> Self {
        Self::new()
            .with("u/ada/schedules/report", "The analytics report, every Monday at 09:00", "0 0 9 * * 1", json!({"days": 7}))
            .with("u/ada/schedules/digest", "The digest, every day at 08:00", "0 0 8 * * *", json!({}))
            .with("u/ada/schedules/numbers", "The numbers", "0 30 17 * * 5L", json!({}))
            .with(
                "u/ada/social/post_1",
                "Post on LinkedIn at 2026-11-26 09:00",
                "0 0 9 26 11 *",
                json!({"platform": "linkedin", "content": "Our new oat milk latte is here.", "atMs": NOW_MS + 3 * DAY_MS}),
            )
    }

    fn asked(&self, request: &Request) -> (Plan, Reply) {
        self.host.run(|| {
            let plan = Builder.plan(request, &self.context).unwrap();
            let mut results = Vec::new();
            for step in &plan.steps {
                let inputs = testing::inputs(request, step);
                let first = Builder.run(step, &inputs, &testing::attempt(1)).unwrap();
                // Whatever a step does, doing it twice leaves the same, and says the same of how it is taken back.
                let output = Builder.run(step, &inputs, &testing::attempt(2)).unwrap();
                let (first, second): (Value, Value) = (first.read().unwrap(), output.read().unwrap());
                assert_eq!(first["undo"], second["undo"], "{}", request.content);
                check(step, &second, &request.content);
                results.push(testing::result(step, &output));
            }
            let reply = Builder.reply(request, &results).unwrap();
            (plan, reply)
        })
    }

    fn turn(&mut self, request: &Request, must: Must) {
        let (plan, mut reply) = self.asked(request);
        let said = match must {
            Must::Say(words) => {
                assert!(plan.questions.is_empty(), "{}: asks {:?}", request.content, plan.questions);
                words
            }
            Must::Ask(id, words) => {
                let question = plan
                    .questions
                    .first()
                    .unwrap_or_else(|| panic!("{}: no question but {}", request.content, reply.content));
                assert_eq!(question.id, id, "{}: {question:?}", request.content);
                let text = format!("{} {}", question.text, question.options.join(" "));
                for word in words {
                    assert!(text.contains(word), "{}: “{word}” is not in {text}", request.content);
                }
                return;
            }
            Must::Confirm(id, answer, words) => {
                assert_eq!(
                    plan.questions.first().map(|question| question.id.as_str()),
                    Some(id),
                    "{}: {}",
                    request.content,
                    reply.content
                );
                let (plan, answered) = self.asked(&request.clone().with_answer(id, answer));
                assert!(plan.questions.is_empty(), "{}: asks again {:?}", request.content, plan.questions);
                reply = answered;
                words
            }
        };
        for word in said {
            assert!(reply.content.contains(word), "{}: “{word}” is not in {}", request.content, reply.content);
        }
        let data: Value = Output { result: reply.data.unwrap(), summary: None }.read().unwrap();
        self.context = std::mem::replace(&mut self.context, testing::context()).with_answer(
            "workflow-builder",
            &reply.content,
            data,
        );
    }

    fn state(&self) -> Vec<(String, String, bool)> {
        let ending = |path: &str| path.rsplit('/').next().unwrap().to_owned();
        self.host.schedules().into_iter().map(|one| (ending(&one.path), one.cron, one.enabled)).collect()
    }

    fn stands(&self, expected: State, after: &str) {
        let expected: Vec<(String, String, bool)> =
            expected.iter().map(|(path, cron, enabled)| ((*path).to_owned(), (*cron).to_owned(), *enabled)).collect();
        assert_eq!(self.state(), expected, "after “{after}”");
    }
}

/// The step's own expectations, as far as they are simple.
fn check(step: &Step, output: &Value, said: &str) {
    for expected in &step.expects {
        let value = output.pointer(&expected.pointer).cloned().unwrap_or_default();
        match &expected.check {
            openanalyst_skill::types::Check::Exact(wanted) => {
                assert_eq!(&value.to_string(), wanted, "{said}: {}", expected.description)
            }
            openanalyst_skill::types::Check::Present if expected.pointer != "/schedule/nextRunMs" => {
                assert!(!value.is_null(), "{said}: {}", expected.description);
            }
            _ => {}
        }
    }
}

fn talk(turns: &[(&str, Must, Option<State>)]) {
    talk_in(Talk::usual(), turns);
}

fn talk_in(mut talk: Talk, turns: &[(&str, Must, Option<State>)]) {
    for (text, must, state) in turns {
        talk.turn(&request(text), *must);
        if let Some(state) = state {
            talk.stands(state, text);
        }
    }
}

/// With the slots that the router reads from these words.
fn request(text: &str) -> Request {
    let request = testing::request(text);
    let recurrence = |cron: &str, label: &str, is_timed: bool| json!({"cron": cron, "timeZone": "UTC", "label": label, "nextMs": [NOW_MS + DAY_MS, NOW_MS + 8 * DAY_MS], "explicitTime": is_timed});
    let lower = text.to_lowercase();
    match lower.as_str() {
        _ if lower.contains("every monday at 9") => {
            request.with_slot("recurrence", recurrence("0 0 9 * * 1", "every Monday at 09:00", true))
        }
        _ if lower.contains("every tuesday at 10") => {
            request.with_slot("recurrence", recurrence("0 0 10 * * 2", "every Tuesday at 10:00", true))
        }
        _ if lower.contains("every tuesday") => {
            request.with_slot("recurrence", recurrence("0 0 9 * * 2", "every Tuesday", false))
        }
        _ => request,
    }
}

use Must::{Ask, Confirm, Say};

const USUAL: State = &[
    ("digest", "0 0 8 * * *", true),
    ("numbers", "0 30 17 * * 5L", true),
    ("report", "0 0 9 * * 1", true),
    ("post_1", "0 0 9 26 11 *", true),
];

#[test]
fn what_there_is_is_listed_with_rule_and_next_run() {
    talk_in(
        Talk::new(),
        &[
            ("what did I schedule?", Say(&["You have no schedules"]), None),
            ("which schedules are paused?", Say(&["You have no schedules"]), None),
            ("undo that", Say(&["nothing of mine to undo"]), None),
            ("pause all my schedules", Say(&["You have no schedules"]), None),
        ],
    );
    talk(&[
        (
            "what did I schedule?",
            Say(&[
                "The analytics report",
                "every Monday at 09:00",
                "The numbers**, on the last Friday of every month at 17:30",
                "next run Monday, 30 November 2026, 09:00",
                "Post on LinkedIn",
            ]),
            None,
        ),
        ("how many schedules do I have?", Say(&["You have 4 schedules"]), None),
        ("which schedules are paused?", Say(&["None of your schedules is paused"]), None),
        ("when does the report run next?", Say(&["The analytics report", "Monday, 30 November 2026, 09:00"]), None),
        ("what is scheduled for tomorrow?", Say(&["Scheduled for tomorrow", "The digest"]), None),
        ("what is scheduled for Thursday?", Say(&["Scheduled for Thursday", "Post on LinkedIn"]), None),
        (
            "what is scheduled for this week?",
            Say(&["Scheduled for this week", "The numbers", "Post on LinkedIn"]),
            None,
        ),
        ("what's coming up next week?", Say(&["Scheduled for next week", "The analytics report"]), None),
        ("pause the Monday report", Say(&["Paused"]), None),
        (
            "which schedules are paused?",
            Say(&["The analytics report", "paused"]),
            Some(&[
                ("digest", "0 0 8 * * *", true),
                ("numbers", "0 30 17 * * 5L", true),
                ("report", "0 0 9 * * 1", false),
                ("post_1", "0 0 9 26 11 *", true),
            ]),
        ),
        ("how many schedules do I have?", Say(&["You have 4 schedules, 1 of them paused"]), None),
    ]);
}

#[test]
fn schedules_are_paused_and_go_on() {
    const ALL_OFF: State = &[
        ("digest", "0 0 8 * * *", false),
        ("numbers", "0 30 17 * * 5L", false),
        ("report", "0 0 9 * * 1", false),
        ("post_1", "0 0 9 26 11 *", false),
    ];
    const REPORT_OFF: State = &[
        ("digest", "0 0 8 * * *", true),
        ("numbers", "0 30 17 * * 5L", true),
        ("report", "0 0 9 * * 1", false),
        ("post_1", "0 0 9 26 11 *", true),
    ];
    talk(&[
        ("pause all my schedules", Say(&["Paused", "The digest", "Post on LinkedIn"]), Some(ALL_OFF)),
        ("switch them on again", Say(&["Switched on again", "The numbers"]), Some(USUAL)),
        ("undo that", Say(&["Undone", "Paused again"]), Some(ALL_OFF)),
        ("undo that", Say(&["nothing more to undo"]), Some(ALL_OFF)),
        ("resume all of them", Say(&["Switched on again"]), Some(USUAL)),
        ("pause the report", Say(&["Paused", "The analytics report"]), Some(REPORT_OFF)),
        ("pause the report", Say(&["was paused already"]), Some(REPORT_OFF)),
        ("resume it", Say(&["Switched on again", "The analytics report"]), Some(USUAL)),
        ("please turn off the one about oat milk", Say(&["Paused", "Post on LinkedIn"]), None),
        ("mach das rückgängig", Say(&["Switched on again"]), Some(USUAL)),
        (
            "pause everything except the report",
            Say(&["Paused"]),
            Some(&[
                ("digest", "0 0 8 * * *", false),
                ("numbers", "0 30 17 * * 5L", false),
                ("report", "0 0 9 * * 1", true),
                ("post_1", "0 0 9 26 11 *", false),
            ]),
        ),
        ("pause the gardening schedule", Ask("which", &["None of yours is called so", "The digest"]), None),
    ]);
    talk(&[
        ("pause it", Ask("which", &["Which one shall I pause?", "The numbers"]), Some(USUAL)),
        ("resume my schedule", Ask("which", &["switch on"]), Some(USUAL)),
    ]);
}

#[test]
fn the_one_that_fires_then_is_cancelled() {
    talk(&[
        (
            "cancel the Monday schedule",
            Say(&["Cancelled", "The analytics report"]),
            Some(&[
                ("digest", "0 0 8 * * *", true),
                ("numbers", "0 30 17 * * 5L", true),
                ("post_1", "0 0 9 26 11 *", true),
            ]),
        ),
        ("undo that", Say(&["As before", "The analytics report"]), Some(USUAL)),
        ("undo", Say(&["nothing more to undo"]), Some(USUAL)),
        ("cancel the Thursday one", Say(&["Cancelled", "Post on LinkedIn"]), None),
        ("take that back", Say(&["As before"]), Some(USUAL)),
        ("cancel the post about oat milk", Say(&["Cancelled", "Post on LinkedIn"]), None),
        ("bring it back", Say(&["As before"]), Some(USUAL)),
        ("cancel the Friday one", Say(&["Cancelled", "The numbers"]), None),
        ("restore it please", Say(&["As before"]), Some(USUAL)),
        ("cancel the 5:30 pm schedule", Say(&["The numbers"]), None),
        ("no, undo that", Say(&["As before"]), Some(USUAL)),
        ("stop the daily one", Say(&["The digest"]), None),
        ("undo that please", Say(&["As before"]), Some(USUAL)),
        ("cancel the Wednesday one", Ask("which", &["other days too", "The digest"]), Some(USUAL)),
        ("cancel the 9 o'clock one", Ask("which", &["The analytics report", "Post on LinkedIn"]), Some(USUAL)),
        ("cancel the one about bees", Ask("which", &["None of yours", "The numbers"]), Some(USUAL)),
        ("cancel it", Say(&["The digest"]), None),
    ]);
}

#[test]
fn all_but_one_needs_a_yes() {
    const ONLY_REPORT: State = &[("report", "0 0 9 * * 1", true)];
    talk(&[
        ("cancel everything", Confirm("confirm", "no, keep them", &["stays as it is"]), Some(USUAL)),
        (
            "cancel all but the report",
            Ask("confirm", &["Shall I cancel all 3", "Kept: The analytics report"]),
            Some(USUAL),
        ),
        ("cancel all except the gardening one", Ask("which", &["shall stay"]), Some(USUAL)),
        (
            "cancel everything except the report",
            Confirm("confirm", "Yes, cancel all", &["Cancelled", "Kept: The analytics report"]),
            Some(ONLY_REPORT),
        ),
        ("undo that", Say(&["As before"]), Some(USUAL)),
        ("cancel all my posts", Confirm("confirm", "yes", &["Cancelled", "Post on LinkedIn"]), None),
        ("undo it", Say(&["As before"]), Some(USUAL)),
    ]);
}

#[test]
fn what_was_made_is_taken_away_again() {
    const REPORT: State = &[("analytics_report_every_monday_at_09_00", "0 0 9 * * 1", true)];
    talk_in(
        Talk::new(),
        &[
            ("every Monday at 9 run the analytics report", Say(&["Scheduled"]), Some(REPORT)),
            ("undo that", Say(&["Taken away", "The analytics report, every Monday at 09:00"]), Some(&[])),
            ("undo that", Say(&["nothing more to undo"]), Some(&[])),
            ("every Monday at 9 run the analytics report", Say(&["Scheduled"]), Some(REPORT)),
            ("what did I schedule?", Say(&["The analytics report"]), Some(REPORT)),
            ("undo", Say(&["Taken away"]), Some(&[])),
            ("every Monday at 9 run the analytics report", Say(&["Scheduled"]), Some(REPORT)),
            ("every Monday at 9 run the analytics report", Say(&["as it was already"]), Some(REPORT)),
            ("undo that", Say(&["cannot be undone", "stood there before"]), Some(REPORT)),
        ],
    );
    let mut flows = Talk::new();
    flows.turn(&request("make a workflow that creates a post and then notifies me"), Say(&["The workflow is stored"]));
    assert_eq!(flows.host.flows().len(), 1);
    flows.turn(&request("undo that"), Say(&["Taken away"]));
    assert!(flows.host.flows().is_empty());
    flows.turn(&request("make a workflow that creates a post and then notifies me"), Say(&["The workflow is stored"]));
    flows.turn(&request("delete my workflow"), Say(&["Cancelled"]));
    flows.turn(&request("undo that"), Say(&["cannot be undone", "do not know its steps"]));
    assert!(flows.host.flows().is_empty());
}

#[test]
fn what_has_run_stays_run() {
    let host = Host::new().with_script("f/openanalyst/templates/analytics_report", |_| Ok(json!({})));
    let mut talk = Talk { host, context: testing::context() };
    let when = json!({"atMs": NOW_MS + DAY_MS, "local": "2026-11-24T12:00", "timeZone": "UTC"});
    let once = testing::request("run the analytics report tomorrow").with_slot("when", when);
    talk.context = testing::context();
    let (_, reply) = talk.host.run(|| {
        let plan = Builder.plan(&once, &talk.context).unwrap();
        let output =
            Builder.run(&plan.steps[0], &testing::inputs(&once, &plan.steps[0]), &testing::attempt(1)).unwrap();
        let results = [testing::result(&plan.steps[0], &output)];
        (plan, Builder.reply(&once, &results).unwrap())
    });
    let data: Value = Output { result: reply.data.unwrap(), summary: None }.read().unwrap();
    talk.context = testing::context().with_answer("workflow-builder", "Planned", data);
    talk.turn(&request("undo that"), Say(&["cannot be undone", "in the queue"]));
}

#[test]
fn what_was_not_said_of_the_new_time_stays() {
    const AT: fn(&'static str) -> Vec<(String, String, bool)> =
        |cron| vec![("analytics_report_every_monday_at_09_00".to_owned(), cron.to_owned(), true)];
    let mut talk = Talk::new();
    for (text, must, cron) in [
        ("every Monday at 9 run the analytics report", Say(&["Scheduled"]), "0 0 9 * * 1"),
        (
            "actually make that Thursday",
            Say(&["every Thursday at 09:00", "Next run: Thursday, 26 November 2026, 09:00"]),
            "0 0 9 * * 4",
        ),
        ("at 10 instead", Say(&["every Thursday at 10:00"]), "0 0 10 * * 4"),
        ("an hour later", Say(&["every Thursday at 11:00"]), "0 0 11 * * 4"),
        ("move it to Friday", Say(&["every Friday at 11:00"]), "0 0 11 * * 5"),
        ("undo that", Say(&["As before", "every Thursday at 11:00"]), "0 0 11 * * 4"),
        ("undo that", Say(&["nothing more to undo"]), "0 0 11 * * 4"),
        ("make it every Tuesday instead", Say(&["every Tuesday at 11:00"]), "0 0 11 * * 2"),
        ("make it every Tuesday at 10 instead", Say(&["every Tuesday at 10:00"]), "0 0 10 * * 2"),
        ("move the report to Wednesday at 8:30", Say(&["every Wednesday at 08:30"]), "0 30 8 * * 3"),
        ("make that the 20th", Ask("when", &["does not run by days of the month"]), "0 30 8 * * 3"),
        ("move it", Ask("when", &["To when"]), "0 30 8 * * 3"),
    ] {
        talk.turn(&request(text), must);
        assert_eq!(talk.state(), AT(cron), "{text}");
    }
    // The moved one is named by when it fires now.
    talk.turn(&request("cancel the Wednesday one"), Say(&["Cancelled"]));
    assert!(talk.state().is_empty());
    let mut several = Talk::usual();
    several.turn(&request("what did I schedule?"), Say(&["The digest"]));
    several.turn(&request("actually make that Thursday"), Ask("which", &["Which one shall I move?"]));
    several.turn(&request("move the Monday report to Thursday"), Say(&["every Thursday at 09:00"]));
    several.turn(&request("move the gardening to Thursday"), Ask("which", &["None of yours"]));
    several.turn(&request("move the LinkedIn post to Friday"), Ask("when", &["is a post"]));
}

#[test]
fn an_older_change_is_undone_only_on_a_yes() {
    let mut talk = Talk::new();
    talk.turn(&request("every Monday at 9 run the analytics report"), Say(&["Scheduled"]));
    talk.context = std::mem::replace(&mut talk.context, testing::context()).with_answer(
        "social-media",
        "Here is your post",
        json!({"post": {}}),
    );
    talk.turn(&request("undo that"), Confirm("confirm", "No, keep it", &["stays as it is"]));
    assert_eq!(talk.state().len(), 1);
}
