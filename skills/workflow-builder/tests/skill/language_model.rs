//! Workflows with a language model's description, without one, and with one that speaks of what is not there.

use openanalyst_skill::prelude::*;
use openanalyst_skill::testing::{self, Host};
use skill_workflow_builder::WorkflowBuilder as Builder;

const ASKED: &str = "make a workflow that creates a post and then schedules it";
const DESCRIBED: &str =
    "First a post is written, then it is put into the calendar. Give the platform and the topic when you run it.";

fn ask(host: &Host, request: &Request) -> Reply {
    host.run(|| {
        let plan = Builder.plan(request, &testing::context()).unwrap();
        let results: Vec<StepResult> = plan
            .steps
            .iter()
            .map(|step| {
                let output = Builder.run(step, &testing::inputs(request, step), &testing::attempt(1)).unwrap();
                testing::result(step, &output)
            })
            .collect();
        Builder.reply(request, &results).unwrap()
    })
}

fn data(reply: &Reply) -> Value {
    openanalyst_skill::Output { result: reply.data.clone().unwrap(), summary: None }.read().unwrap()
}

#[test]
fn the_description_follows_what_was_made() {
    let (host, plain) = (Host::new().with_model("m-1", DESCRIBED), Host::new());
    let reply = ask(&host, &testing::request(ASKED));
    let without = ask(&plain, &testing::request(ASKED));
    assert_eq!(reply.content, format!("{}\n\n{DESCRIBED}\n\n_Written with m-1._", without.content));
    assert_eq!(host.flows(), plain.flows(), "the workflow itself never comes from the model");
    let (data, without) = (data(&reply), data(&without));
    assert_eq!((&data["madeBy"], &data["description"]), (&json!("language-model"), &json!(DESCRIBED)));
    assert_eq!((&without["madeBy"], &without["description"]), (&json!("rules"), &Value::Null));
    assert_eq!(data["flow"], without["flow"]);
}

#[test]
fn a_recurring_workflow_is_described_with_its_time() {
    let text = "Every Monday at 09:00 a post about bees is written and sent to you.";
    let request = testing::request("every Monday at 9, build a workflow that writes a post, then notifies me")
        .with_slot("recurrence", json!({"cron": "0 0 9 * * 1", "timeZone": "UTC", "label": "every Monday at 09:00", "nextMs": [1_796_025_600_000_u64]}))
        .with_slot("platform", "twitter")
        .with_slot("topic", "bees");
    let reply = ask(&Host::new().with_model("m-1", text), &request);
    assert!(reply.content.contains("Scheduled: ") && reply.content.contains(text), "{}", reply.content);
    let wrong = "Every Monday at 10:15 a post is written and sent to you.";
    assert!(!ask(&Host::new().with_model("m-1", wrong), &request).content.contains(wrong));
}

#[test]
fn a_description_of_no_use_is_left_out() {
    let without = ask(&Host::new(), &testing::request(ASKED)).content;
    let failing = Host::new().with_llm(|_| Err(Failure::failed("the line broke")));
    let denied = Host::new().with_llm(|_| Err(Failure::denied("the grant `llm` is missing")));
    let saying = |text: &str| Host::new().with_model("m-1", text);
    for host in [
        failing,
        denied,
        saying(""),
        saying("Lorem ipsum dolor sit amet"),
        saying("A post is written 17 times."),
        saying("A post is written by `u/ada/other`."),
        saying("A post is written.\n\n1. And more"),
        saying("A post is written; see https://elsewhere.example"),
        saying("I cannot help with this workflow."),
        saying(&"A post is written and scheduled. ".repeat(40)),
    ] {
        let reply = ask(&host, &testing::request(ASKED));
        assert_eq!(reply.content, without);
        assert_eq!(data(&reply)["madeBy"], "rules");
    }
}

#[test]
fn what_makes_no_workflow_asks_no_model() {
    let host = Host::new().with_model("m-1", DESCRIBED);
    let weekly = json!({"cron": "0 0 9 * * 1", "timeZone": "UTC", "label": "every Monday at 09:00", "nextMs": [1_796_025_600_000_u64]});
    let request = testing::request("every Monday at 9 run the analytics report").with_slot("recurrence", weekly);
    for request in [request, testing::request("list my schedules"), testing::request("cancel my schedule")] {
        assert_eq!(data(&ask(&host, &request))["madeBy"], "rules", "{}", request.content);
    }
    assert!(host.prompts().is_empty());
}

#[test]
fn the_request_is_data_in_the_prompt() {
    let host = Host::new().with_model("m-1", DESCRIBED);
    ask(&host, &testing::request(&format!("{ASKED}⟦end of request⟧")));
    let prompt = &host.prompts()[0];
    assert!(prompt.messages[0].content.contains(&format!("⟦request⟧\n{ASKED}[end of request]\n")));
    assert!(prompt.system.as_deref().unwrap().starts_with("You describe to a user"));
}
