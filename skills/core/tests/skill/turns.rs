//! Conversations: each line is a turn in the session of the ones before, as the host would run it.

use openanalyst_skill::prelude::*;
use openanalyst_skill::testing::{self, Host};
use skill_core::Core;

/// What must come of a turn.
enum Must {
    /// The answer has these words.
    Say(&'static [&'static str]),
    /// A question with this id is asked, and its text has these words.
    Ask(&'static str, &'static [&'static str]),
    /// A question with this id is asked, and answered so; the answer then has these words.
    Confirm(&'static str, &'static str, &'static [&'static str]),
}

use Must::{Ask, Confirm, Say};

/// What the user's memory then holds: a key with its value, `null` for none.
type Holds = &'static [(&'static str, Option<&'static str>)];

fn asked(host: &Host, request: &Request, context: &Context) -> (Plan, Reply) {
    host.run(|| {
        let plan = Core.plan(request, context).unwrap();
        let mut results = Vec::new();
        for step in &plan.steps {
            let inputs = Inputs { context: context.clone(), ..testing::inputs(request, step) };
            let first: Value = Core.run(step, &inputs, &testing::attempt(1)).unwrap().read().unwrap();
            // A step that runs twice leaves the same, and says the same of how it is taken back.
            let is_deleting = step.id.starts_with("forget");
            let output = if is_deleting {
                Output::of(&first).unwrap()
            } else {
                Core.run(step, &inputs, &testing::attempt(2)).unwrap()
            };
            let second: Value = output.read().unwrap();
            assert_eq!(first["undo"], second["undo"], "{}", request.content);
            results.push(testing::result(step, &output));
        }
        let reply = Core.reply(request, &results).unwrap();
        (plan, reply)
    })
}

fn talk(turns: &[(&str, Must, Holds)]) {
    let host = Host::new();
    let mut context = testing::context();
    for (text, must, holds) in turns {
        let request = testing::request(text);
        let (plan, mut reply) = asked(&host, &request, &context);
        let words: &[&str] = match must {
            Say(words) => {
                assert!(plan.questions.is_empty(), "{text}: asks {:?}", plan.questions);
                words
            }
            Ask(id, words) => {
                let question =
                    plan.questions.first().unwrap_or_else(|| panic!("{text}: no question but {}", reply.content));
                assert_eq!(question.id, *id, "{text}");
                for word in *words {
                    assert!(question.text.contains(word), "{text}: “{word}” is not in {}", question.text);
                }
                &[]
            }
            Confirm(id, answer, words) => {
                assert_eq!(
                    plan.questions.first().map(|question| question.id.as_str()),
                    Some(*id),
                    "{text}: {}",
                    reply.content
                );
                reply = asked(&host, &request.clone().with_answer(id, answer), &context).1;
                words
            }
        };
        for word in words {
            assert!(reply.content.contains(word), "{text}: “{word}” is not in {}", reply.content);
        }
        if plan.questions.is_empty() || matches!(must, Confirm(..)) {
            let data: Value = Output { result: reply.data.unwrap(), summary: None }.read().unwrap();
            context = context.with_answer("core", &reply.content, data);
        }
        for (key, value) in *holds {
            assert_eq!(host.memory(key), value.map(Value::from), "after “{text}”: {key}");
        }
    }
}

const NAME: &str = "preferences/display-name";
const LOCALE: &str = "preferences/locale";
const COLOUR: &str = "preferences/our-brand-colour";

#[test]
fn what_was_told_answers_questions_in_other_words() {
    talk(&[
        ("what is our brand colour?", Say(&["have not told me"]), &[]),
        ("remember that our brand colour is teal", Say(&["teal"]), &[(COLOUR, Some("our brand colour is teal"))]),
        ("what is our brand colour?", Say(&["**teal**"]), &[]),
        ("which colour is our brand?", Say(&["**teal**"]), &[]),
        ("What's our brand color again?", Say(&["**teal**"]), &[]),
        ("do you remember our brand colour?", Say(&["**teal**"]), &[]),
        ("tell me our brand colour please", Say(&["**teal**"]), &[]),
        ("what is our brand name?", Say(&["have not told me", "near it", "teal"]), &[]),
        ("what is our budget?", Say(&["have not told me"]), &[]),
        (
            "remember that our brand colour is blue",
            Say(&["it was “our brand colour is teal”"]),
            &[(COLOUR, Some("our brand colour is blue"))],
        ),
        ("what is our brand colour?", Say(&["**blue**"]), &[]),
        (
            "undo that",
            Say(&["**our brand colour** is “our brand colour is teal” again"]),
            &[(COLOUR, Some("our brand colour is teal"))],
        ),
        ("undo that", Say(&["nothing more to undo"]), &[(COLOUR, Some("our brand colour is teal"))]),
        ("remember our office is closed on Fridays", Say(&["Noted"]), &[]),
        ("when is our office closed?", Say(&["our office is closed on Fridays"]), &[]),
        ("remember that the office dog is called Rex", Say(&["Noted"]), &[]),
        ("what is the office dog called?", Say(&["Rex"]), &[]),
        ("what is the capital of France?", Say(&["did not understand"]), &[]),
    ]);
}

#[test]
fn what_was_remembered_or_forgotten_is_taken_back() {
    talk(&[
        ("undo that", Say(&["nothing of mine to undo"]), &[]),
        ("call me Ada", Say(&["Ada"]), &[(NAME, Some("Ada"))]),
        ("undo that", Say(&["**name** is forgotten again"]), &[(NAME, None)]),
        ("undo", Say(&["nothing more to undo"]), &[(NAME, None)]),
        ("call me Ada", Say(&["Ada"]), &[(NAME, Some("Ada"))]),
        ("call me Grace", Say(&["Grace"]), &[(NAME, Some("Grace"))]),
        ("take that back", Say(&["is “Ada” again"]), &[(NAME, Some("Ada"))]),
        ("forget my name", Say(&["Forgotten"]), &[(NAME, None)]),
        ("mach das rückgängig", Say(&["is “Ada” again"]), &[(NAME, Some("Ada"))]),
        (
            "always write in British English",
            Say(&["Noted"]),
            &[("custom-instructions", Some("always write in British English"))],
        ),
        ("never use hashtags", Say(&["Noted"]), &[]),
        ("what do you remember about me?", Say(&["never use hashtags"]), &[]),
        ("undo that", Say(&["Undone"]), &[("custom-instructions", Some("always write in British English"))]),
        ("my time zone is Europe/Berlin", Say(&["Europe/Berlin"]), &[]),
        ("please undo that", Say(&["**time zone** is forgotten again"]), &[("preferences/time-zone", None)]),
    ]);
    // What another skill did is not undone here, and nothing of this one's either.
    let host = Host::new();
    let (_, named) = asked(&host, &testing::request("call me Ada"), &testing::context());
    let data: Value = Output { result: named.data.unwrap(), summary: None }.read().unwrap();
    let context = testing::context().with_answer("core", "Ada", data).with_answer("social-media", "a post", json!({}));
    let (_, reply) = asked(&host, &testing::request("undo that"), &context);
    assert!(reply.content.contains("`social-media`"), "{}", reply.content);
    assert_eq!(host.memory(NAME), Some(json!("Ada")));
}

#[test]
fn everything_is_deleted_on_a_yes_and_what_stays_is_said() {
    talk(&[
        ("delete everything you know about me", Say(&["know nothing about you"]), &[]),
        ("call me Ada", Say(&["Ada"]), &[]),
        ("always be brief", Say(&["Noted"]), &[]),
        ("remember that our brand colour is teal", Say(&["teal"]), &[]),
        (
            "delete everything you know about me",
            Ask("forget-everything", &["2 preferences (name, our brand colour)", "your custom instructions"]),
            &[(NAME, Some("Ada"))],
        ),
        ("forget everything", Confirm("forget-everything", "no", &["keep everything"]), &[(NAME, Some("Ada"))]),
        ("erase all my data", Ask("forget-everything", &["cannot be undone"]), &[(NAME, Some("Ada"))]),
        (
            "delete everything you know about me",
            Confirm("forget-everything", "yes", &["forgotten all 3 things", "audit log", "DELETE /v1/me/data"]),
            &[(NAME, None), ("custom-instructions", None), (COLOUR, None)],
        ),
        ("what is our brand colour?", Say(&["have not told me"]), &[]),
        ("what do you remember about me?", Say(&["nothing about you yet"]), &[]),
        ("undo that", Say(&["cannot be undone", "no copy"]), &[(NAME, None)]),
    ]);
    let host = Host::new();
    host.run(|| {
        memory::user().put("posts/1", &json!({"content": "x"})).unwrap();
        memory::user().put("notes", &json!(1)).unwrap();
    });
    let request = testing::request("delete everything that you know about me");
    let (plan, _) = asked(&host, &request, &testing::context());
    assert!(plan.questions[0].text.contains("1 remembered post and 1 other value"), "{}", plan.questions[0].text);
    let (_, reply) = asked(&host, &request.with_answer("forget-everything", "yes"), &testing::context());
    assert!(reply.content.contains("all 2 things"), "{}", reply.content);
    assert_eq!((host.memory("posts/1"), host.memory("notes")), (None, None));
    // These are about something else.
    for text in ["delete all my schedules", "delete everything but my name", "remove all posts about me"] {
        assert!(asked(&host, &testing::request(text), &testing::context()).0.questions.is_empty(), "{text}");
    }
}

#[test]
fn a_locale_is_remembered_and_what_it_means_for_dates_is_said() {
    const DAY: &str = "05/06/2027 is 5 June 2027";
    const MONTH: &str = "05/06/2027 is May 6, 2027";
    for (text, locale, said) in [
        ("my locale is en-US", "en-US", MONTH),
        ("set my locale to de_at", "de-AT", DAY),
        ("I write dates day first", "en-GB", DAY),
        ("I write my dates month first", "en-US", MONTH),
        ("I live in the US", "en-US", MONTH),
        ("I am in Austria", "de-AT", DAY),
        ("I'm from the UK", "en-GB", DAY),
        ("use German dates", "de-DE", DAY),
        ("please use American dates", "en-US", MONTH),
        ("read my dates as dd/mm/yyyy", "en-GB", DAY),
        ("my locale is en-CA", "en-CA", "I ask where 05/06/2027 could be both"),
    ] {
        let host = Host::new();
        let (plan, reply) = asked(&host, &testing::request(text), &testing::context());
        assert!(plan.questions.is_empty(), "{text}: {:?}", plan.questions);
        assert_eq!(host.memory(LOCALE), Some(json!(locale)), "{text}");
        assert!(reply.content.contains(said), "{text}: {}", reply.content);
    }
    for text in [
        "I live in Berlin",
        "I am in a meeting",
        "I'm from accounting",
        "write a post about dates",
        "I like dates",
        "use German",
    ] {
        let host = Host::new();
        asked(&host, &testing::request(text), &testing::context());
        assert_eq!(host.memory(LOCALE), None, "{text}");
    }
    talk(&[
        ("my locale is en-QQ", Confirm("locale", "day first", &["en-GB"]), &[(LOCALE, Some("en-GB"))]),
        ("what is my locale?", Say(&["en-GB"]), &[]),
        (
            "My name is Ada and I live in Germany",
            Say(&["Ada", "de-DE"]),
            &[(LOCALE, Some("de-DE")), (NAME, Some("Ada"))],
        ),
        (
            "undo that",
            Say(&["is “en-GB” again", "**name** is forgotten again"]),
            &[(LOCALE, Some("en-GB")), (NAME, None)],
        ),
        ("forget my locale", Say(&["Forgotten: **locale**"]), &[(LOCALE, None)]),
        ("undo it", Say(&["is “en-GB” again"]), &[(LOCALE, Some("en-GB"))]),
    ]);
}
