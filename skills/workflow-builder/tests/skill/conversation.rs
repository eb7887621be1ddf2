//! Whole requests through plan, run and reply, against a host in memory.

use openanalyst_skill::prelude::*;
use openanalyst_skill::testing::{self, Host};
use skill_workflow_builder::WorkflowBuilder as Builder;

const REPORT: &str = "f/openanalyst/templates/analytics_report";

/// Plans, runs every step and replies, as the host does.
fn ask_in(host: &Host, request: &Request, context: &Context) -> Reply {
    host.run(|| {
        let plan = Builder.plan(request, context).unwrap();
        if !plan.questions.is_empty() {
            return Reply { content: String::new(), data: None, questions: plan.questions };
        }
        let mut results = Vec::new();
        for step in &plan.steps {
            let inputs = testing::inputs(request, step);
            let output = Builder.run(step, &inputs, &testing::attempt(1)).unwrap();
            results.push(testing::result(step, &output));
        }
        Builder.reply(request, &results).unwrap()
    })
}

fn ask(host: &Host, request: &Request) -> Reply {
    ask_in(host, request, &testing::context())
}

fn weekly() -> Value {
    json!({
        "cron": "0 0 9 * * 1", "timeZone": "Europe/Berlin", "label": "every Monday at 09:00",
        "nextMs": [1_796_025_600_000_u64, 1_796_630_400_000_u64, 1_797_235_200_000_u64],
    })
}

fn monday_report() -> Request {
    testing::request("every Monday at 9 run the analytics report").with_slot("recurrence", weekly())
}

fn data(reply: &Reply) -> Value {
    openanalyst_skill::Output { result: reply.data.clone().unwrap(), summary: None }.read().unwrap()
}

#[test]
fn a_recurrence_becomes_one_schedule_however_often_it_is_asked_for() {
    let host = Host::new();
    let reply = ask(&host, &monday_report());
    ask(&host, &monday_report());
    let schedules = host.schedules();
    assert_eq!(schedules.len(), 1);
    assert_eq!(schedules[0].path, "u/ada/schedules/analytics_report_every_monday_at_09_00");
    assert_eq!(schedules[0].script_path, REPORT);
    assert_eq!((schedules[0].cron.as_str(), schedules[0].time_zone.as_str()), ("0 0 9 * * 1", "Europe/Berlin"));
    assert!(reply.content.contains("Next run: Monday, 30 November 2026, 09:00 (Europe/Berlin)"), "{}", reply.content);
    assert!(reply.content.contains("`u/ada/schedules/analytics_report_every_monday_at_09_00`"));
    let then = "Then: Monday, 7 December 2026, 09:00 (Europe/Berlin); Monday, 14 December 2026, 09:00 (Europe/Berlin)";
    assert!(reply.content.contains(then), "{}", reply.content);
    assert_eq!(data(&reply)["schedule"]["nextRunMs"], 1_796_025_600_000_u64);
}

#[test]
fn what_has_no_run_left_is_asked_about() {
    let over = json!({"cron": "DTSTART:20260101T090000\nRRULE:FREQ=DAILY;COUNT=1", "timeZone": "UTC", "label": "once"});
    let reply = ask(&Host::new(), &testing::request("run the analytics report").with_slot("recurrence", over));
    assert_eq!(reply.questions[0].id, "when");
    assert!(reply.questions[0].text.contains("no time left"), "{:?}", reply.questions);
}

#[test]
fn it_moves_instead_of_doubling() {
    let host = Host::new();
    let first = ask(&host, &monday_report());
    let context = testing::context().with_answer("workflow-builder", &first.content, data(&first));
    let tuesday = json!({"cron": "0 0 10 * * 2", "timeZone": "Europe/Berlin", "label": "every Tuesday at 10:00", "nextMs": [1_796_115_600_000_u64]});
    let request = testing::request("make it every Tuesday at 10 instead").with_slot("recurrence", tuesday);
    ask_in(&host, &request, &context);
    let schedules = host.schedules();
    assert_eq!(schedules.len(), 1);
    assert_eq!((schedules[0].cron.as_str(), schedules[0].script_path.as_str()), ("0 0 10 * * 2", REPORT));
}

#[test]
fn the_step_is_checked_by_expectations() {
    let plan = Host::new().run(|| Builder.plan(&monday_report(), &testing::context()).unwrap());
    let pointers: Vec<&str> = plan.steps[0].expects.iter().map(|expected| expected.pointer.as_str()).collect();
    assert_eq!(pointers, ["/content", "/schedule/path", "/schedule/nextRunMs", "/stored"]);
}

#[test]
fn what_is_not_clear_is_asked() {
    let host = Host::new();
    let no_time = ask(&host, &testing::request("run the analytics report regularly"));
    assert_eq!(no_time.questions[0].id, "when");
    let no_script =
        ask(&host, &testing::request("every Monday at 9 water the plants").with_slot("recurrence", weekly()));
    assert_eq!(no_script.questions[0].id, "script");
    assert!(no_script.questions[0].options.iter().any(|option| option == "The analytics report"));
    let request = testing::request("every Monday at 9 water the plants")
        .with_slot("recurrence", weekly())
        .with_answer("script", "The analytics report");
    ask(&host, &request);
    assert_eq!(host.schedules().len(), 1);
    let no_topic = ask(&host, &testing::request("every Monday at 9 write a tweet").with_slot("recurrence", weekly()));
    assert_eq!(
        no_topic.questions.iter().map(|question| question.id.as_str()).collect::<Vec<_>>(),
        ["platform", "topic"]
    );
}

#[test]
fn different_subjects_are_different_schedules() {
    let host = Host::new();
    for topic in ["bees", "birds"] {
        let request = testing::request("every Monday at 9 write a tweet")
            .with_slot("recurrence", weekly())
            .with_slot("platform", "twitter")
            .with_slot("topic", topic);
        ask(&host, &request);
    }
    let schedules = host.schedules();
    assert_eq!(schedules.len(), 2);
    assert_eq!(schedules[0].path, "u/ada/schedules/write_a_post_send_a_message_twitter_bees_every_monday_at_09_00");
    let flows: Vec<String> = host.flows().into_iter().map(|flow| flow.path).collect();
    assert_eq!(flows, schedules.iter().map(|schedule| schedule.script_path.clone()).collect::<Vec<_>>());
    assert!(host.flows()[0].value.contains("results.a.post.content"), "the post reaches the user");
}

#[test]
fn the_past_and_the_too_often_are_refused_with_a_question() {
    let host = Host::new();
    let when = json!({"atMs": 1_795_000_000_000_u64, "local": "2026-11-18T09:00", "timeZone": "UTC", "past": true});
    let reply = ask(&host, &testing::request("run the analytics report yesterday at 9").with_slot("when", when));
    assert!(reply.questions[0].text.contains("has passed"), "{:?}", reply.questions);
    let next = [1_796_025_600_000_u64, 1_796_025_601_000_u64];
    let often = json!({"cron": "* * * * * *", "timeZone": "UTC", "label": "every second", "nextMs": next});
    let reply = ask(&host, &testing::request("run the analytics report every second").with_slot("recurrence", often));
    assert!(reply.questions[0].text.contains("more than once a minute"));
    assert!(host.schedules().is_empty());
}

#[test]
fn one_moment_becomes_one_job() {
    let host = Host::new().with_script(REPORT, |_| Ok(json!({})));
    let when = json!({"atMs": 1_795_510_800_000_u64, "local": "2026-11-24T09:00", "timeZone": "UTC"});
    let reply = ask(&host, &testing::request("run the analytics report tomorrow").with_slot("when", when));
    assert!(reply.content.contains("Tuesday, 24 November 2026, 09:00 (UTC)"), "{}", reply.content);
    assert_eq!(data(&reply)["job"]["atMs"], 1_795_510_800_000_u64);
}

#[test]
fn now_is_a_step_of_the_script_itself() {
    let request = testing::request("run the analytics report now");
    let plan = Builder.plan(&request, &testing::context()).unwrap();
    assert!(matches!(&plan.steps[0].action, Action::Script(call) if call.path == REPORT));
    let output = openanalyst_skill::Output::of(&json!({"report": {"markdown": "# Report"}})).unwrap();
    let mut result = testing::result(&plan.steps[0], &output);
    result.job_id = Some("j".into());
    assert_eq!(Builder.reply(&request, &[result]).unwrap().content, "# Report");
}

#[test]
fn a_workflow_becomes_a_flow_of_known_scripts() {
    let host = Host::new();
    let reply = ask(&host, &testing::request("make a workflow that creates a post and then schedules it"));
    let flows = host.flows();
    assert_eq!(flows[0].path, "u/ada/flows/write_a_post_schedule_the_post");
    let value: Value = openanalyst_skill::Output { result: flows[0].value.clone(), summary: None }.read().unwrap();
    let paths: Vec<&str> =
        value["modules"].as_array().unwrap().iter().map(|module| module["value"]["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["f/openanalyst/social/create_post", "f/openanalyst/social/schedule_post"]);
    assert!(reply.content.contains("Give it `atMs`, `local`, `platform`, `topic`"), "{}", reply.content);
}

#[test]
fn a_clause_that_nothing_does_is_asked_for() {
    let host = Host::new();
    let request = testing::request("make a workflow that creates a post and then paints the fence");
    let reply = ask(&host, &request);
    assert_eq!(reply.questions[0].id, "step-2");
    ask(&host, &request.with_answer("step-2", "Send a message"));
    assert_eq!(host.flows().len(), 1);
}

#[test]
fn a_recurring_workflow_is_a_flow_and_its_schedule() {
    let host = Host::new();
    let request = testing::request(
        "every Monday at 9, build a workflow that writes a post about bees and birds, then notifies me",
    )
    .with_slot("recurrence", weekly())
    .with_slot("platform", "twitter")
    .with_slot("topic", "bees and birds");
    let reply = ask(&host, &request);
    assert_eq!(reply.questions, []);
    assert!(host.schedules()[0].is_flow);
    assert_eq!(host.schedules()[0].script_path, host.flows()[0].path);
}

#[test]
fn schedules_are_listed_and_cancelled() {
    let host = Host::new();
    assert!(ask(&host, &testing::request("list my schedules")).content.contains("You have no schedules"));
    assert!(ask(&host, &testing::request("cancel my schedule")).content.contains("nothing to cancel"));
    ask(&host, &monday_report());
    let listed = ask(&host, &testing::request("list my schedules"));
    assert!(
        listed
            .content
            .contains("**The analytics report, every Monday at 09:00**: next run Monday, 30 November 2026, 09:00"),
        "{}",
        listed.content
    );
    assert_eq!(ask(&host, &testing::request("cancel the gardening schedule")).questions[0].id, "which");
    let gone = ask(&host, &testing::request("cancel the weekly analytics report schedule"));
    assert!(gone.content.starts_with("Cancelled"), "{}", gone.content);
    assert!(host.schedules().is_empty());
}

#[test]
fn cancelling_asks_which_and_for_all_asks_whether() {
    let host = Host::new();
    ask(&host, &monday_report());
    let next = [1_795_507_200_000_u64, 1_795_593_600_000_u64];
    let daily = json!({"cron": "0 0 8 * * *", "timeZone": "UTC", "label": "every day at 08:00", "nextMs": next});
    ask(&host, &testing::request("run the analytics report every day at 8").with_slot("recurrence", daily));
    let which = ask(&host, &testing::request("cancel the report schedule"));
    assert_eq!(which.questions[0].options.len(), 2);
    let answered = testing::request("cancel the report schedule").with_answer("which", &which.questions[0].options[0]);
    ask(&host, &answered);
    assert_eq!(host.schedules().len(), 1);
    let all = testing::request("cancel all my schedules");
    assert_eq!(ask(&host, &all).questions[0].id, "confirm");
    ask(&host, &all.clone().with_answer("confirm", "No, keep them"));
    assert_eq!(host.schedules().len(), 1);
    ask(&host, &all.with_answer("confirm", "Yes, cancel all"));
    assert!(host.schedules().is_empty());
}

#[test]
fn cancelling_a_flow_takes_its_schedule_with_it() {
    let host = Host::new();
    let request = testing::request("build a workflow that writes a post, then notifies me")
        .with_slot("recurrence", weekly())
        .with_slot("platform", "twitter")
        .with_slot("topic", "bees");
    ask(&host, &request);
    assert_eq!((host.flows().len(), host.schedules().len()), (1, 1));
    ask(&host, &testing::request("delete my workflow"));
    assert_eq!((host.flows().len(), host.schedules().len()), (0, 0));
}

#[test]
fn another_skill_may_call_with_words_and_is_told_what_is_missing() {
    let host = Host::new();
    let step = Step::run("call", "Call");
    let call =
        |request: &Request| host.run(|| Builder.run(&step, &testing::inputs(request, &step), &testing::attempt(1)));
    let output: Value = call(&monday_report()).unwrap().read().unwrap();
    assert_eq!(output["schedule"]["cron"], "0 0 9 * * 1");
    assert_eq!(host.schedules().len(), 1);
    let failure = call(&testing::request("run the analytics report")).unwrap_err();
    assert!(failure.detail().contains("When shall it run: the analytics report?"), "{}", failure.detail());
    assert!(call(&testing::request("run the analytics report now")).is_err());
}

#[test]
fn the_users_own_script_and_flow_can_be_scheduled() {
    let host = Host::new().with_script("u/ada/water_plants", |_| Ok(Value::Null));
    ask(&host, &testing::request("every Monday at 9 water the plants").with_slot("recurrence", weekly()));
    assert_eq!(host.schedules()[0].script_path, "u/ada/water_plants");
}

/// Nobody waits for a mail that never comes.
#[test]
fn a_way_of_delivery_that_does_not_exist_is_said() {
    let host = Host::new();
    for (text, channel) in [
        ("every Monday at 9 email me the analytics report", "an e-mail"),
        ("every Monday at 9 send the analytics report to our Slack channel", "a Slack message"),
        ("every Monday at 9 text me the analytics report", "a text message"),
    ] {
        let reply = ask(&host, &testing::request(text).with_slot("recurrence", weekly()));
        let said = format!("I cannot send {channel}: that channel does not exist here.");
        assert!(reply.content.contains("Next run:") && reply.content.contains(&said), "{text}: {}", reply.content);
    }
    // Nothing says what shall come: it is asked, and nothing is scheduled.
    let unclear =
        ask(&Host::new(), &testing::request("send me an email every morning").with_slot("recurrence", weekly()));
    assert!(unclear.questions[0].text.starts_with("I cannot send an e-mail"), "{unclear:?}");
    // A script of the user's own may send mail.
    let own = Host::new().with_script("u/ada/email_digest", |_| Ok(Value::Null));
    let reply =
        ask(&own, &testing::request("every Monday at 9 email me the email digest").with_slot("recurrence", weekly()));
    assert!(!reply.content.contains("I cannot"), "{}", reply.content);
    let plain = ask(&Host::new(), &monday_report());
    assert!(!plain.content.contains("I cannot"), "{}", plain.content);
}
