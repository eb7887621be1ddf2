//! Whole requests through plan, run and reply, against a host in memory.

use openanalyst_skill::prelude::*;
use openanalyst_skill::testing::{self, Host};
use skill_core::Core;

/// Plans, runs every step and replies, as the host does.
fn ask(host: &Host, request: &Request, context: &Context) -> Reply {
    host.run(|| {
        let plan = Core.plan(request, context).unwrap();
        if !plan.questions.is_empty() {
            return Reply { content: String::new(), data: None, questions: plan.questions };
        }
        let mut results = Vec::new();
        for step in &plan.steps {
            let inputs = Inputs { context: context.clone(), ..testing::inputs(request, step) };
            results.push(testing::result(step, &Core.run(step, &inputs, &testing::attempt(1)).unwrap()));
        }
        Core.reply(request, &results).unwrap()
    })
}

fn say(host: &Host, text: &str) -> String {
    ask(host, &testing::request(text), &testing::context()).content
}

fn with_skills() -> Context {
    let skill = |name: &str, description: &str| (name.to_owned(), description.to_owned());
    let skills = vec![
        skill("analytics", "Reports on what is there."),
        skill("core", "Myself."),
        skill("social-media", "Posts."),
    ];
    Context { skills, ..testing::context() }
}

#[test]
fn a_name_is_remembered_recalled_and_forgotten() {
    let host = Host::new();
    assert!(say(&host, "Call me Ada").contains("Ada"));
    assert_eq!(host.memory("preferences/display-name"), Some(json!("Ada")));
    assert!(say(&host, "What do you remember about me?").contains("**name**: Ada"));
    assert_eq!(say(&host, "forget my name"), "Forgotten: **name**.");
    assert_eq!(host.memory("preferences/display-name"), None);
    assert!(say(&host, "forget my name").contains("nothing to forget"));
}

#[test]
fn several_wishes_become_several_steps() {
    let host = Host::new();
    say(&host, "call me Ada and remember that I prefer short posts. My time zone is berlin");
    assert_eq!(host.memory("preferences/display-name"), Some(json!("Ada")));
    assert_eq!(host.memory("preferences/posts"), Some(json!("short posts")));
    assert_eq!(host.memory("preferences/time-zone"), Some(json!("Europe/Berlin")));
    assert!(say(&host, "I prefer long posts").contains("it was “short posts”"));
    assert_eq!(say(&host, "forget that I prefer long posts"), "Forgotten: **posts**.");
}

#[test]
fn instructions_gather_and_are_replaced_on_demand() {
    let host = Host::new();
    say(&host, "always write in British English");
    say(&host, "never use hashtags");
    say(&host, "never use hashtags");
    let both = "always write in British English\nnever use hashtags";
    assert_eq!(host.memory("custom-instructions"), Some(json!(both)));
    say(&host, "my custom instructions are: be brief");
    assert_eq!(host.memory("custom-instructions"), Some(json!("be brief")));
}

#[test]
fn a_time_zone_that_is_not_known_is_asked_for_and_the_answer_continues() {
    let host = Host::new();
    let request = testing::request("my time zone is Narnia");
    let reply = ask(&host, &request, &testing::context());
    assert_eq!(reply.questions.len(), 1);
    assert!(reply.questions[0].text.contains("Narnia"));
    ask(&host, &request.with_answer("time-zone", "Asia/Tokyo"), &testing::context());
    assert_eq!(host.memory("preferences/time-zone"), Some(json!("Asia/Tokyo")));
}

#[test]
fn forgetting_everything_needs_a_yes() {
    let host = Host::new();
    say(&host, "call me Ada");
    say(&host, "always be brief");
    let request = testing::request("forget everything");
    assert_eq!(ask(&host, &request, &testing::context()).questions[0].options.len(), 2);
    let kept = ask(&host, &request.clone().with_answer("forget-everything", "No, keep it"), &testing::context());
    assert!(kept.content.contains("keep"));
    assert!(host.memory("preferences/display-name").is_some());
    ask(&host, &request.with_answer("*", "yes please"), &testing::context());
    assert_eq!(host.memory("preferences/display-name"), None);
    assert_eq!(host.memory("custom-instructions"), None);
}

#[test]
fn help_and_fallback_name_the_tenants_skills_and_nothing_else() {
    let host = Host::new();
    let help = ask(&host, &testing::request("what can you do?"), &with_skills()).content;
    assert!(help.contains("**analytics**: Reports on what is there.") && help.contains("**social-media**"));
    assert!(!help.contains("Myself"));
    let reply = ask(&host, &testing::request("paint the fence"), &with_skills());
    assert_eq!(
        reply.content,
        "I did not understand “paint the fence”, so I have done nothing. I can help with analytics and social-media; ask \
         “what can you do” to see how."
    );
    let mail = ask(&host, &testing::request("paint the fence and email me a picture"), &with_skills());
    assert!(mail.content.contains("I cannot send an e-mail"), "{}", mail.content);
    let data: Value = openanalyst_skill::Output { result: reply.data.unwrap(), summary: None }.read().unwrap();
    assert_eq!(data["unknown"]["skills"][0]["name"], "analytics");
    assert!(ask(&host, &testing::request(" "), &with_skills()).content.contains("no words"));
}

#[test]
fn a_greeting_uses_the_name() {
    let context = Context { display_name: Some("Ada".into()), ..with_skills() };
    let reply = ask(&Host::new(), &testing::request("hello"), &context);
    assert!(reply.content.starts_with("Hello, Ada!"), "{}", reply.content);
}

#[test]
fn another_skill_may_call_with_words_only() {
    let host = Host::new();
    let step = Step::run("call", "Call");
    let inputs = testing::inputs(&testing::request("call me Grace"), &step);
    host.run(|| Core.run(&step, &inputs, &testing::attempt(1))).unwrap();
    assert_eq!(host.memory("preferences/display-name"), Some(json!("Grace")));
}

#[test]
fn effects_are_expected_to_be_there() {
    let plan = Host::new().run(|| Core.plan(&testing::request("call me Ada"), &testing::context()).unwrap());
    assert!(plan.steps[0].expects.iter().any(|expected| expected.pointer == "/changed"));
}

#[test]
fn a_name_in_small_letters_whose_end_is_not_clear_is_asked_for() {
    let host = Host::new();
    let request = testing::request("my name is bob swimming helps me relax");
    let reply = ask(&host, &request, &testing::context());
    assert_eq!(reply.questions.len(), 1);
    assert!(reply.questions[0].text.contains("“bob swimming helps me relax”"), "{}", reply.questions[0].text);
    assert_eq!(reply.questions[0].options, ["bob", "bob swimming"]);
    ask(&host, &request.with_answer("name", "bob"), &testing::context());
    assert_eq!(host.memory("preferences/display-name"), Some(json!("bob")));
}

#[test]
fn a_place_beside_a_name_is_said_not_to_be_kept_and_its_time_zone_offered() {
    let host = Host::new();
    let reply = say(&host, "My name is Ada and I live in Berlin");
    assert_eq!(host.memory("preferences/display-name"), Some(json!("Ada")));
    assert!(
        reply.contains("not kept “I live in Berlin”") && reply.contains("“my time zone is Europe/Berlin”"),
        "{reply}"
    );
    let reply = say(&host, "call me Ada and I write programs");
    assert!(reply.contains("not kept “I write programs”") && reply.contains("remember that"), "{reply}");
    assert_eq!(host.memory("preferences/time-zone"), None);
}

#[test]
fn a_channel_that_does_not_exist_is_named_beside_what_was_understood() {
    let host = Host::new();
    let said = "that channel does not exist here";
    for text in ["call me Ada and email me the report", "send me the numbers via Zello", "text me on Signal"] {
        let reply = say(&host, text);
        assert_eq!(reply.matches(said).count(), 1, "{text}: {reply}");
    }
    for text in ["call me Ada", "I came via Google", "My name is Ada, I heard of you through Slack", "hello"] {
        let reply = say(&host, text);
        assert!(!reply.contains(said), "{text}: {reply}");
    }
}
