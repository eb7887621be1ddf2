//! Several platforms in one request, topics of any length, and what the script says of its post.

use openanalyst_skill::prelude::*;
use openanalyst_skill::testing::{self, Host};
use skill_social_media::SocialMedia;

/// Names of platforms, or ids of steps.
type Names = &'static [&'static str];

fn when() -> Value {
    json!({"atMs": 1_795_507_200_000_u64, "local": "2026-11-24T09:00", "timeZone": "Europe/Berlin", "past": false})
}

fn request(platforms: &[&str], excluded: &[&str]) -> Request {
    let request =
        testing::request("Create a post about AI trends").with_action("create").with_slot("topic", "AI trends");
    let request = platforms.iter().fold(request, |request, name| request.with_slot("platform", *name));
    excluded.iter().fold(request, |request, name| request.with_slot("platform-excluded", *name))
}

fn plan(request: &Request, context: &Context) -> Plan {
    Host::new().run(|| SocialMedia.plan(request, context).unwrap())
}

fn ids(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.id.as_str()).collect()
}

fn data(reply: &Reply) -> Value {
    Output { result: reply.data.clone().unwrap(), summary: None }.read().unwrap()
}

/// What the scripts give for each step of a plan.
fn results(plan: &Plan, folder: &str, notes: &Value) -> Vec<StepResult> {
    let result = |step: &Step| {
        let arguments = step.arguments();
        let output = match step.id.starts_with("create") {
            true => {
                let content = format!("AI trends on {}", arguments["platform"].as_str().unwrap());
                let post = json!({
                    "platform": arguments["platform"], "content": content, "length": 20, "limit": 280, "topic": "AI trends",
                });
                json!({ "post": post, "notes": notes })
            }
            false => {
                let key = arguments["key"].as_str().unwrap().replace('-', "_");
                let path = format!("{folder}/social/post_{key}");
                json!({"schedule": {"path": path, "atMs": arguments["atMs"], "local": arguments["local"], "timeZone": "UTC"}})
            }
        };
        StepResult { job_id: Some(format!("job-{}", step.id)), ..testing::result(step, &Output::of(&output).unwrap()) }
    };
    plan.steps.iter().map(result).collect()
}

#[test]
fn one_step_for_each_platform_that_is_named() {
    let cases: &[(Names, Names, bool, Names)] = &[
        (&["twitter"], &[], false, &["create"]),
        (&["twitter"], &[], true, &["create", "schedule"]),
        (&["twitter", "linkedin"], &[], false, &["create-twitter", "create-linkedin"]),
        (&["linkedin", "twitter"], &[], false, &["create-linkedin", "create-twitter"]),
        (
            &["twitter", "linkedin"],
            &[],
            true,
            &["create-twitter", "schedule-twitter", "create-linkedin", "schedule-linkedin"],
        ),
        (&["twitter", "twitter"], &[], false, &["create"]),
        (&["twitter", "facebook"], &["facebook"], true, &["create", "schedule"]),
        (&["twitter", "facebook", "bluesky"], &["facebook"], false, &["create-twitter", "create-bluesky"]),
        (&["twitter", "frobster"], &[], false, &["create"]),
        (&["facebook"], &["facebook"], false, &[]),
        (&[], &["facebook"], false, &[]),
    ];
    for (platforms, excluded, is_scheduled, expected) in cases {
        let request = request(platforms, excluded);
        let request = if *is_scheduled { request.with_action("schedule").with_slot("when", when()) } else { request };
        let plan = plan(&request, &testing::context());
        assert_eq!(ids(&plan), *expected, "{platforms:?} without {excluded:?}");
        if expected.is_empty() {
            let question = &plan.questions[0];
            assert!(question.id == "platform" && !question.options.contains(&"Facebook".to_owned()), "{question:?}");
        }
    }
}

#[test]
fn every_schedule_has_its_own_key_and_post() {
    let request = request(&["twitter", "linkedin"], &[]).with_action("schedule").with_slot("when", when());
    let plan = plan(&request, &testing::context());
    for (step, platform) in [(1, "twitter"), (3, "linkedin")] {
        let arguments = plan.steps[step].arguments();
        assert_eq!(arguments["key"], format!("{}-{platform}", request.task_id));
        assert_eq!(arguments["content"], json!({ "$from": format!("create-{platform}#/post/content") }));
        assert_eq!(arguments["platform"], platform);
    }
}

#[test]
fn a_platform_that_is_asked_for_may_be_several() {
    let cases: &[(&str, Names, Names)] = &[
        ("Twitter", &[], &["create"]),
        ("twitter and LinkedIn", &[], &["create-twitter", "create-linkedin"]),
        ("Twitter and Facebook", &["facebook"], &["create"]),
        ("Frobster", &[], &[]),
        ("anything but Facebook", &[], &[]),
    ];
    for (answer, excluded, expected) in cases {
        let request = request(&[], excluded).with_answer("platform", answer);
        assert_eq!(ids(&plan(&request, &testing::context())), *expected, "{answer}");
    }
}

#[test]
fn one_answer_shows_all_posts_and_each_is_remembered() {
    let request = request(&["twitter", "linkedin"], &[]).with_action("schedule").with_slot("when", when());
    let host = Host::new();
    let results = results(&plan(&request, &testing::context()), &request.user_folder, &json!([]));
    let reply = host.run(|| SocialMedia.reply(&request, &results).unwrap());
    for part in [
        "Here is your Twitter post:\n\n> AI trends on twitter",
        "Here is your LinkedIn post:\n\n> AI trends on linkedin",
        "post_01939c5e_0000_7000_8000_000000000001_twitter`",
        "`job-create-twitter`, `job-schedule-twitter`, `job-create-linkedin`",
    ] {
        assert!(reply.content.contains(part), "{part} is not in {}", reply.content);
    }
    for platform in ["twitter", "linkedin"] {
        let kept = host.memory(&format!("posts/{}-{platform}", request.task_id)).unwrap();
        assert_eq!(kept["platform"], platform);
    }
    let data = data(&reply);
    assert_eq!((data["posts"].as_array().unwrap().len(), &data["post"]["platform"]), (2, &json!("twitter")));
}

/// "Schedule it for Friday" behind two posts means both; a name picks one.
#[test]
fn several_earlier_posts_are_moved_together_or_by_name() {
    let first = request(&["twitter", "linkedin"], &[]);
    let host = Host::new();
    let results = results(&plan(&first, &testing::context()), &first.user_folder, &json!([]));
    let told = data(&host.run(|| SocialMedia.reply(&first, &results).unwrap()));
    let context = testing::context().with_answer("social-media", "done", told);
    let cases: &[(Names, Names, Names)] = &[
        (&[], &[], &["schedule-twitter", "schedule-linkedin"]),
        (&["linkedin"], &[], &["schedule"]),
        (&[], &["linkedin"], &["schedule"]),
    ];
    for (named, excluded, expected) in cases {
        let request = testing::request("schedule it for Friday").with_action("schedule").with_slot("when", when());
        let request = named.iter().fold(request, |request, name| request.with_slot("platform", *name));
        let request = excluded.iter().fold(request, |request, name| request.with_slot("platform-excluded", *name));
        let plan = plan(&request, &context);
        assert_eq!(ids(&plan), *expected, "{named:?} without {excluded:?}");
        let (platform, moved) = (plan.steps[0].arguments()["platform"].clone(), plan.steps[0].arguments());
        assert_eq!(moved["content"], format!("AI trends on {}", platform.as_str().unwrap()));
        assert_eq!(moved["key"], format!("{}-{}", first.task_id, platform.as_str().unwrap()));
        let wanted = named.first().copied().unwrap_or("twitter");
        assert_eq!(platform, wanted);
    }
}

#[test]
fn a_topic_is_never_cut_before_the_script_measures_it() {
    for (chars, is_asked) in [(1, false), (60, false), (61, false), (301, false), (5_000, false), (5_001, true)] {
        let topic = "語".repeat(chars);
        let request = testing::request("Create a post").with_slot("platform", "twitter").with_slot("topic", &*topic);
        let found = plan(&request, &testing::context());
        assert_eq!(!found.questions.is_empty(), is_asked, "{chars}");
        if is_asked {
            assert!(found.questions[0].text.contains("5001 characters"), "{:?}", found.questions);
            let answered = plan(&request.with_answer("topic", "AI"), &testing::context());
            assert_eq!(answered.steps[0].arguments()["topic"], "AI");
        } else {
            assert_eq!(found.steps[0].arguments()["topic"], topic);
            assert_eq!(found.steps[0].expects.len(), if chars <= 60 { 3 } else { 2 });
        }
    }
    let spaced = testing::request("Create a post").with_slot("platform", "twitter");
    let spaced = spaced.with_slot("topic", " AI\n  trends\u{feff} ");
    assert_eq!(plan(&spaced, &testing::context()).steps[0].arguments()["topic"], "AI trends");
}

#[test]
fn any_tone_reaches_the_script() {
    for tone in ["funny", "sarcastic, slightly absurd", "not funny", "ironisch"] {
        let plan = plan(&request(&["twitter"], &[]).with_slot("tone", tone), &testing::context());
        assert_eq!(plan.steps[0].arguments()["tone"], tone);
    }
}

#[test]
fn the_answer_says_what_was_cut_and_what_could_not_be_done() {
    let tone = "Without a language model I cannot write in the tone \"wry\": the wording is neutral.";
    let cut = "The topic is too long for Twitter: cut from 412 to 280 characters";
    for notes in [json!([]), json!([cut]), json!([cut, tone]), Value::Null] {
        let request = request(&["twitter"], &[]);
        let results = results(&plan(&request, &testing::context()), &request.user_folder, &notes);
        let reply = Host::new().run(|| SocialMedia.reply(&request, &results).unwrap());
        for note in [cut, tone] {
            let is_said = notes.as_array().is_some_and(|notes| notes.contains(&json!(note)));
            assert_eq!(reply.content.contains(note), is_said, "{}", reply.content);
        }
    }
    let request = request(&["twitter"], &[]).with_slot("unknown-platform", "Frobster");
    let results = results(&plan(&request, &testing::context()), &request.user_folder, &json!([]));
    let reply = Host::new().run(|| SocialMedia.reply(&request, &results).unwrap());
    assert!(reply.content.contains("I do not know the platform \"Frobster\""), "{}", reply.content);
}
