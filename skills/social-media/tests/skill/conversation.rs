//! Whole requests: what is planned, what is asked, what is answered.

use openanalyst_skill::prelude::*;
use openanalyst_skill::testing::{self, Host};
use skill_social_media::SocialMedia;

fn when(past: bool) -> Value {
    json!({"atMs": 1_795_507_200_000_u64, "local": "2026-11-24T09:00", "timeZone": "Europe/Berlin", "explicitTime": false, "past": past})
}

fn request() -> Request {
    testing::request("Create a Twitter post about AI trends and schedule it for tomorrow")
        .with_action("create")
        .with_action("schedule")
        .with_slot("platform", "twitter")
        .with_slot("topic", "AI trends")
        .with_slot("when", when(false))
}

fn plan(request: &Request, context: &Context) -> Plan {
    Host::new().run(|| SocialMedia.plan(request, context).unwrap())
}

fn asked(request: &Request) -> Vec<String> {
    let plan = plan(request, &testing::context());
    assert!(plan.steps.is_empty());
    plan.questions.into_iter().map(|question| format!("{}: {}", question.id, question.text)).collect()
}

#[test]
fn two_steps_with_what_they_must_give() {
    let plan = plan(&request(), &testing::context());
    let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["create", "schedule"]);
    assert_eq!(plan.steps[0].arguments()["topic"], "AI trends");
    assert_eq!(plan.steps[0].expects.len(), 3);
    let schedule = plan.steps[1].arguments();
    assert_eq!(schedule["content"], json!({"$from": "create#/post/content"}));
    assert_eq!(schedule["key"], request().task_id);
    assert_eq!(plan.steps[1].expects.len(), 2);
}

#[test]
fn what_is_missing_is_asked() {
    let base = || testing::request("Create a post").with_action("create");
    assert_eq!(asked(&base()).len(), 2, "platform and topic");
    let unknown = asked(&base().with_slot("unknown-platform", "Frobster").with_slot("topic", "x"));
    assert!(unknown[0].contains("Frobster"), "{unknown:?}");
    let past = asked(&base().with_slot("platform", "twitter").with_slot("topic", "x").with_slot("when", when(true)));
    assert!(past[0].starts_with("when:") && past[0].contains("past"), "{past:?}");
    let answered = base().with_slot("platform", "linkedin").with_answer("topic", "our new office");
    assert_eq!(plan(&answered, &testing::context()).steps[0].arguments()["topic"], "our new office");
}

#[test]
fn an_earlier_post_is_moved_under_its_own_key() {
    let data = json!({"post": {"platform": "twitter", "content": "Hello"}, "schedule": {}, "key": "k-1"});
    let context = testing::context().with_answer("social-media", "done", data);
    let request =
        testing::request("schedule it for Friday instead").with_action("schedule").with_slot("when", when(false));
    let plan = plan(&request, &context);
    assert_eq!(plan.steps.len(), 1);
    let arguments = plan.steps[0].arguments();
    assert_eq!((&arguments["key"], &arguments["content"]), (&json!("k-1"), &json!("Hello")));
}

#[test]
fn the_answer_names_post_time_and_jobs_and_the_post_is_remembered() {
    let host = Host::new();
    let request = request();
    let reply = host.run(|| {
        let plan = SocialMedia.plan(&request, &testing::context()).unwrap();
        let post = json!({"post": {"platform": "twitter", "content": "AI trends!", "length": 10, "limit": 280, "topic": "AI trends"}});
        let path = format!("{}/social/post_{}", request.user_folder, request.task_id.replace('-', "_"));
        let schedule = json!({"schedule": {"path": path, "atMs": 1, "local": "2026-11-24T09:00", "timeZone": "Europe/Berlin"}});
        let result = |step: &Step, output: &Value, job: &str| StepResult {
            job_id: Some(job.to_owned()),
            ..testing::result(step, &Output::of(output).unwrap())
        };
        let results = [result(&plan.steps[0], &post, "job-1"), result(&plan.steps[1], &schedule, "job-2")];
        SocialMedia.reply(&request, &results).unwrap()
    });
    for part in ["AI trends!", "Tuesday, 24 November 2026 at 09:00", "job-1", "job-2", "10 of 280"] {
        assert!(reply.content.contains(part), "{part} is not in {}", reply.content);
    }
    let remembered = host.memory(&format!("posts/{}", request.task_id)).unwrap();
    assert_eq!(remembered["content"], "AI trends!");
}

#[test]
fn attached_numbers_are_read() {
    let request = testing::request("analyze the engagement")
        .with_action("analyze")
        .with_attachment("a.csv", "text/csv", "post;likes\nA;1\nB;2\n")
        .with_attachment("b.json", "application/json", r#"{"posts": [{"likes": 3}]}"#);
    let plan = plan(&request, &testing::context());
    assert_eq!(plan.steps[0].arguments()["posts"].as_array().unwrap().len(), 3);
    let broken = testing::request("analyze the engagement").with_action("analyze").with_attachment(
        "b.json",
        "application/json",
        "{",
    );
    assert!(Host::new().run(|| SocialMedia.plan(&broken, &testing::context())).is_err());
}

/// Numbers reach the script as they were meant, dates as ISO 8601, and totals not at all.
#[test]
fn attached_numbers_are_read_as_they_were_meant() {
    let request = testing::request("analyze the engagement").with_action("analyze").with_attachment(
        "a.csv",
        "text/csv",
        "post;datum;likes\nA;03.11.2026;1.234\nB;19.11.2026;2.500\nSumme;;3.734\n",
    );
    let posts = plan(&request, &testing::context()).steps[0].arguments()["posts"].clone();
    assert_eq!(
        posts,
        json!([
            { "post": "A", "datum": "2026-11-03", "likes": 1234.0 }, { "post": "B", "datum": "2026-11-19", "likes": 2500.0 }
        ])
    );
    let unsure = request.clone().with_attachment("b.tsv", "text/plain", "post\tlikes\nA\t1.234\n");
    assert_eq!(plan(&unsure, &testing::context()).questions.len(), 1);
}

fn analyze(files: &[(&str, &str)]) -> Value {
    let request = testing::request("analyze the engagement").with_action("analyze");
    let request = files.iter().fold(request, |request, (name, text)| request.with_attachment(name, "text/csv", *text));
    plan(&request, &testing::context()).steps[0].arguments().clone()
}

fn said(arguments: &Value) -> String {
    arguments["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

/// What the reader of the files left out or decided by a weak sign reaches the script, with the file's name.
#[test]
fn what_was_said_of_the_files_goes_with_their_rows() {
    let arguments =
        analyze(&[("a.csv", "post;likes\nA;1.234\nB;2.500\nSumme;3.734\n"), ("b.csv", "post,likes\nA,5\n")]);
    let notes = said(&arguments);
    assert!(notes.contains("`a.csv`: in `likes` the dot groups thousands"), "{notes}");
    assert!(notes.contains("`a.csv`: the total row left out"), "{notes}");
    assert!(!notes.contains("b.csv"), "{notes}");
}

#[test]
fn a_cell_with_two_readings_is_no_number_for_the_script() {
    let arguments = analyze(&[("a.csv", "post;likes\nA;1.234,5\nB;1,234.5\nC;1.234\n")]);
    assert_eq!(arguments["posts"][2], json!({ "post": "C" }));
    assert!(said(&arguments).contains("these could be either"), "{arguments}");
    let arguments = analyze(&[("a.csv", "post,date,likes\nA,03/02/2026,1\nB,04/02/2026,2\n")]);
    assert!(said(&arguments).contains("could change places"), "{arguments}");
}

#[test]
fn rows_beyond_the_limit_are_said() {
    let rows = |count: usize| format!("post,likes\n{}", "A,1\n".repeat(count));
    let arguments = analyze(&[("a.csv", &rows(1_990)), ("b.csv", &rows(15))]);
    assert_eq!(arguments["posts"].as_array().unwrap().len(), 2_000);
    let notes = said(&arguments);
    assert!(notes.contains("`b.csv`: only 10 of its 15 rows are counted") && !notes.contains("a.csv"), "{notes}");
}

#[test]
fn the_answer_says_how_the_files_were_read() {
    let step = Step::script("analyze", "Compute", "f/openanalyst/social/analyze_engagement");
    let note = "`a.csv`: the total row left out of all numbers: line 4";
    for counted in [0, 2] {
        let output = json!({"engagement": {"counted": counted, "posts": 2}, "missing": [], "notes": [note]});
        let result = testing::result(&step, &Output::of(&output).unwrap());
        let reply = Host::new().run(|| SocialMedia.reply(&request(), &[result]).unwrap());
        assert!(reply.content.contains(&format!("How it was read:\n\n- {note}")), "{}", reply.content);
    }
}

/// "The summary" is that of the last answer, if another skill gave it; what it says stands there.
#[test]
fn a_summary_sums_up_what_another_skill_answered() {
    let report = "# Analytics report\n\n| measure | value | source |\n|---|---:|---|\n| Posts written | 3 | memory |\n";
    let context = testing::context().with_answer("analytics", report, json!({}));
    let request = testing::request("post a summary").with_action("publish").with_slot("platform", "linkedin");
    let plan = testing::Host::new().run(|| SocialMedia.plan(&request, &context).unwrap());
    let arguments = plan.steps[0].arguments();
    assert_eq!(
        (&arguments["topic"], &arguments["written"]),
        (&json!("Analytics report"), &json!({ "text": "Analytics report: Posts written 3." }))
    );
    let own = testing::context().with_answer("social-media", "Here is your post", json!({}));
    let asked = testing::Host::new().run(|| SocialMedia.plan(&request, &own).unwrap());
    assert_eq!(asked.questions[0].id, "topic", "an earlier post is nothing to sum up");
}
