//! Conversations: each line is a turn in the session of the ones before. The scripts are stood in for by functions that do what theirs do.

use openanalyst_skill::prelude::*;
use openanalyst_skill::testing::{self, Host};
use skill_social_media::SocialMedia;

/// Monday, 23 November 2026, 12:00 UTC.
const NOW_MS: u64 = 1_795_435_200_000;
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Friday, 27 November 2026, 09:00 UTC.
const FRIDAY_9: u64 = NOW_MS + 3 * DAY_MS + 21 * HOUR_MS;

/// What must come of a turn.
enum Must {
    /// The answer has these words.
    Say(&'static [&'static str]),
    /// A question with this id is asked, and its text and options have these words.
    Ask(&'static str, &'static [&'static str]),
    /// A question with this id is asked, and answered so; the answer then has these words.
    Confirm(&'static str, &'static str, &'static [&'static str]),
}

use Must::{Ask, Confirm, Say};

/// The calendar after a turn: platform and the moment on the clock, sorted.
type Calendar = &'static [(&'static str, &'static str)];

struct Talk {
    host: Host,
    context: Context,
    turns: usize,
}

/// As `social/create_post`: another tone, another attempt and another length are other words.
fn written(arguments: &Value) -> Value {
    let text = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
    let (topic, tone) = (text("topic"), if text("tone").is_empty() { "neutral".to_owned() } else { text("tone") });
    let differences: Vec<String> =
        arguments["differences"].as_array().into_iter().flatten().map(|one| one.as_str().unwrap().to_owned()).collect();
    let is_short = differences.iter().any(|one| one.contains("shorter"));
    let others = differences.iter().filter(|one| !one.contains("shorter")).count();
    let own = match is_short {
        true => format!("{topic}. #Tag"),
        false => format!("A {tone} thought number {others} about {topic}. What is your take? #Tag"),
    };
    let content = arguments["written"]["text"].as_str().map_or(own, str::to_owned);
    let mut post = json!({
        "platform": arguments["platform"], "content": content, "length": content.chars().count(), "limit": 280, "tone": tone, "topic": topic,
    });
    if arguments["written"]["model"].is_string() {
        post["model"] = arguments["written"]["model"].clone();
    }
    json!({ "post": post, "notes": [] })
}

/// As `social/schedule_post`.
fn scheduled(arguments: &Value) -> Value {
    let text = |name: &str| arguments[name].as_str().unwrap().to_owned();
    let (local, key) = (text("local"), text("key"));
    let path = format!("{}/social/post_{}", text("userFolder"), key.replace('-', "_"));
    let part = |from: usize, to: usize| local[from..to].parse::<u32>().unwrap();
    let cron = format!("0 {} {} {} {} *", part(14, 16), part(11, 13), part(8, 10), part(5, 7));
    let kept = json!({
        "platform": arguments["platform"], "content": arguments["content"], "key": key, "year": part(0, 4), "schedulePath": path, "atMs": arguments["atMs"],
    });
    let schedule = windmill::Schedule::of_script(&path, &cron, "f/openanalyst/social/publish_post")
        .in_time_zone(text("timeZone"))
        .with_summary(format!("Post at {local}"))
        .with_arguments(&kept)
        .unwrap();
    windmill::create_schedule(&schedule).unwrap();
    json!({"schedule": {"path": path, "atMs": arguments["atMs"], "local": local, "timeZone": text("timeZone"), "cron": cron}})
}

impl Talk {
    fn new() -> Self {
        Self { host: Host::new(), context: testing::context(), turns: 0 }
    }

    fn with_model(text: &str) -> Self {
        Self { host: Host::new().with_model("m-1", text), ..Self::new() }
    }

    fn asked(&self, request: &Request) -> (Plan, Reply) {
        self.host.run(|| {
            let plan = SocialMedia.plan(request, &self.context).unwrap();
            if !plan.questions.is_empty() {
                return (plan, Reply::text(""));
            }
            let mut results: Vec<StepResult> = Vec::new();
            for step in &plan.steps {
                let mut arguments = step.arguments();
                for (_, value) in arguments.as_object_mut().unwrap() {
                    if let Some((id, pointer)) = value["$from"].as_str().and_then(|from| from.split_once('#')) {
                        *value = results.value(id, pointer).unwrap();
                    }
                }
                let run = || match &step.action {
                    Action::Script(call) => match call.path.rsplit('/').next().unwrap() {
                        "create_post" => written(&arguments),
                        "schedule_post" => scheduled(&arguments),
                        "publish_post" => json!({"platform": arguments["platform"], "content": arguments["content"], "status": "due", "detail": "no connector"}),
                        other => panic!("no script {other}"),
                    },
                    _ => {
                        let inputs = Inputs { arguments: arguments.to_string(), context: self.context.clone(), ..testing::inputs(request, step) };
                        SocialMedia.run(step, &inputs, &testing::attempt(1)).unwrap().read().unwrap()
                    }
                };
                let (first, second): (Value, Value) = (run(), run());
                assert_eq!(first, second, "{}: `{}` run twice says the same", request.content, step.id);
                for expected in &step.expects {
                    if let openanalyst_skill::types::Check::Exact(wanted) = &expected.check {
                        let value = second.pointer(&expected.pointer).cloned().unwrap_or_default();
                        assert_eq!(&value.to_string(), wanted, "{}: {}", request.content, expected.description);
                    }
                }
                results.push(testing::result(step, &Output::of(&second).unwrap()));
            }
            let reply = SocialMedia.reply(request, &results).unwrap();
            (plan, reply)
        })
    }

    fn turn(&mut self, mut request: Request, must: &Must) -> String {
        self.turns += 1;
        request.task_id = format!("task-{}", self.turns);
        let said = request.content.clone();
        let (plan, mut reply) = self.asked(&request);
        let words: &[&str] = match must {
            Say(words) => {
                assert!(plan.questions.is_empty(), "{said}: asks {:?}", plan.questions);
                words
            }
            Ask(id, words) => {
                let question =
                    plan.questions.first().unwrap_or_else(|| panic!("{said}: no question but {}", reply.content));
                assert_eq!(question.id, *id, "{said}: {question:?}");
                let text = format!("{} {}", question.text, question.options.join(" "));
                for word in *words {
                    assert!(text.contains(word), "{said}: “{word}” is not in {text}");
                }
                return text;
            }
            Confirm(id, answer, words) => {
                assert_eq!(
                    plan.questions.first().map(|question| question.id.as_str()),
                    Some(*id),
                    "{said}: {}",
                    reply.content
                );
                let (again, answered) = self.asked(&request.clone().with_answer(id, answer));
                assert!(again.questions.is_empty(), "{said}: asks again {:?}", again.questions);
                reply = answered;
                words
            }
        };
        for word in words {
            assert!(reply.content.contains(word), "{said}: “{word}” is not in {}", reply.content);
        }
        let data: Value = Output { result: reply.data.unwrap(), summary: None }.read().unwrap();
        let (role, content) = (openanalyst_skill::types::Role::User, said);
        self.context.messages.push(openanalyst_skill::types::Message {
            role,
            content,
            data: None,
            skill: None,
            at_ms: self.context.now_ms,
        });
        self.context =
            std::mem::replace(&mut self.context, testing::context()).with_answer("social-media", &reply.content, data);
        reply.content
    }

    fn calendar(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = self
            .host
            .schedules()
            .into_iter()
            .map(|one| {
                let arguments: Value = Output { result: one.arguments, summary: None }.read().unwrap();
                let fields: Vec<String> = one.cron.split(' ').map(str::to_owned).collect();
                let at = format!("{}.{}. {}:{}", fields[3], fields[4], fields[2], fields[1]);
                (arguments["platform"].as_str().unwrap().to_owned(), at)
            })
            .collect();
        all.sort();
        all
    }
}

/// With the slots and verbs that the router reads from these words.
fn request(text: &str) -> Request {
    let lower = text.to_lowercase();
    let mut request = testing::request(text);
    for (name, id) in [
        ("linkedin", "linkedin"),
        ("bluesky", "bluesky"),
        ("on x", "twitter"),
        ("tweet", "twitter"),
        ("threads", "threads"),
    ] {
        if lower.contains(name) && !lower.contains("the tweet") {
            request = request.with_slot("platform", id);
        }
    }
    if lower.contains("frobster") {
        request = request.with_slot("unknown-platform", "Frobster");
    }
    for (word, action) in [
        ("write", "create"),
        ("make", "create"),
        ("schedule", "schedule"),
        ("post it", "publish"),
        ("move", "move"),
        ("search", "search"),
    ] {
        if lower.contains(word) {
            request = request.with_action(action);
        }
    }
    if let Some((_, topic)) = text.split_once(" about ").filter(|_| lower.starts_with("write")) {
        request = request.with_slot("topic", topic.split(" and schedule").next().unwrap());
    }
    let when = |at_ms: u64, local: &str, explicit: bool| json!({"atMs": at_ms, "local": local, "timeZone": "UTC", "explicitTime": explicit, "explicitDay": true, "past": false});
    match lower.as_str() {
        _ if lower.contains("friday 9am") => request.with_slot("when", when(FRIDAY_9, "2026-11-27T09:00", true)),
        _ if lower.contains("thursday") => {
            request.with_slot("when", when(FRIDAY_9 - 9 * HOUR_MS, "2026-11-26T18:00", false))
        }
        _ if lower.contains("yesterday") => {
            let past = json!({"atMs": NOW_MS - DAY_MS, "local": "2026-11-22T12:00", "timeZone": "UTC", "explicitTime": true, "past": true});
            request.with_slot("when", past)
        }
        _ => request,
    }
}

fn talk_in(mut talk: Talk, turns: &[(&str, Must, Option<Calendar>)]) -> Talk {
    for (text, must, calendar) in turns {
        talk.turn(request(text), must);
        if let Some(calendar) = calendar {
            let expected: Vec<(String, String)> =
                calendar.iter().map(|(one, two)| ((*one).to_owned(), (*two).to_owned())).collect();
            assert_eq!(talk.calendar(), expected, "after “{text}”");
        }
    }
    talk
}

fn talk(turns: &[(&str, Must, Option<Calendar>)]) -> Talk {
    talk_in(Talk::new(), turns)
}

const LATTE: &str = "write a tweet about our new oat milk latte";

#[test]
fn the_whole_conversation_of_a_post() {
    talk(&[
        (
            LATTE,
            Say(&["Here is your Twitter post", "A neutral thought number 0 about our new oat milk latte"]),
            Some(&[]),
        ),
        ("make it funnier", Say(&["Twitter post in a funny tone", "A funny thought"]), Some(&[])),
        ("shorter please", Say(&["Twitter post shorter", "> our new oat milk latte. #Tag"]), Some(&[])),
        (
            "now post the same on LinkedIn",
            Say(&["Here is your LinkedIn post", "A funny thought", "our new oat milk latte"]),
            Some(&[]),
        ),
        (
            "schedule it for Friday 9am",
            Say(&["Your LinkedIn post now goes out on Friday, 27 November 2026 at 09:00"]),
            Some(&[("linkedin", "27.11. 9:0")]),
        ),
        ("when does it go out?", Say(&["Friday, 27 November 2026 at 09:00"]), None),
        (
            "actually make that Thursday",
            Say(&["Thursday, 26 November 2026 at 09:00"]),
            Some(&[("linkedin", "26.11. 9:0")]),
        ),
        ("undo that", Say(&["Undone", "The schedule of your LinkedIn post is taken away"]), Some(&[])),
        ("undo that", Say(&["nothing more to undo"]), Some(&[])),
        ("an hour earlier", Ask("when", &["not scheduled yet"]), None),
    ]);
}

#[test]
fn texts_are_changed_by_the_scripts_own_means_or_not_at_all() {
    talk(&[
        ("make it funnier", Ask("platform", &[]), None),
        (LATTE, Say(&["A neutral thought number 0"]), None),
        ("more formal", Say(&["in a professional tone", "A professional thought number 0"]), None),
        (
            "make it more formal",
            Say(&["in other words; it was in a professional tone already", "A professional thought number 1"]),
            None,
        ),
        ("another version", Say(&["in other words", "A professional thought number 2"]), None),
        ("less formal", Say(&["in a casual tone", "A casual thought"]), None),
        (
            "add a call to action",
            Say(&["with a call to action", "take? Tell us what you think in the comments! #Tag"]),
            None,
        ),
        ("without hashtags", Say(&["without hashtags", "comments!\n"]), None),
        ("no hashtags", Say(&["has no hashtags"]), None),
        ("undo that", Say(&["Undone", "The text is as before", "#Tag"]), None),
        ("in German", Say(&["cannot translate it into German without a language model", "stays as it is"]), None),
        ("add emojis", Say(&["without a language model"]), None),
        ("make it longer", Say(&["cannot make it longer without a language model"]), None),
        ("shorter please", Say(&["post shorter", "> our new oat milk latte. #Tag"]), None),
        ("even shorter", Say(&["could not write your Twitter post shorter", "stays as it is"]), None),
        ("undo that", Say(&["The text is as before"]), None),
    ]);
    // With a model the same is possible, and is said to be its work.
    const GERMAN: &str = "Unser neuer Haferlatte ist da.";
    talk_in(
        Talk::with_model(GERMAN),
        &[
            (LATTE, Say(&["A neutral thought"]), None),
            ("in German", Say(&["in German", GERMAN, "Written with m-1"]), None),
        ],
    );
}

#[test]
fn a_scheduled_text_that_is_changed_goes_out_changed() {
    let talk = talk(&[
        (LATTE, Say(&["Twitter"]), None),
        ("schedule it for Friday 9am", Say(&["goes out on Friday"]), Some(&[("twitter", "27.11. 9:0")])),
        (
            "make it funnier",
            Say(&["in a funny tone", "scheduled for Friday, 27 November 2026 at 09:00"]),
            Some(&[("twitter", "27.11. 9:0")]),
        ),
    ]);
    assert!(talk.host.schedules()[0].arguments.contains("A funny thought"));
    let talk = talk_in(talk, &[("undo that", Say(&["As before"]), Some(&[("twitter", "27.11. 9:0")]))]);
    assert!(talk.host.schedules()[0].arguments.contains("A neutral thought"));
}

#[test]
fn the_same_is_written_for_other_platforms() {
    talk(&[
        ("now post the same on LinkedIn", Ask("topic", &[]), None),
        (LATTE, Say(&["Twitter"]), None),
        ("and for Bluesky", Say(&["Here is your Bluesky post", "oat milk latte"]), None),
        ("the same on LinkedIn and Threads", Say(&["LinkedIn post", "Threads post", "oat milk latte"]), None),
        ("the same for Frobster", Ask("platform", &["Frobster", "Mastodon"]), None),
        ("undo that", Say(&["draft is dropped"]), None),
        ("write a tweet about cats", Say(&["about cats"]), None),
    ]);
}

#[test]
fn posts_are_moved_cancelled_and_put_back() {
    talk(&[
        ("cancel it", Say(&["no scheduled posts"]), None),
        (LATTE, Say(&["Twitter"]), None),
        ("schedule it", Ask("when", &[]), Some(&[])),
        ("an hour later", Ask("when", &["not scheduled yet"]), Some(&[])),
        ("schedule it for yesterday", Ask("when", &["past"]), Some(&[])),
        ("schedule it for Friday 9am", Say(&["goes out on Friday"]), Some(&[("twitter", "27.11. 9:0")])),
        ("an hour earlier", Say(&["at 08:00"]), Some(&[("twitter", "27.11. 8:0")])),
        ("at 10 instead", Say(&["Friday, 27 November 2026 at 10:00"]), Some(&[("twitter", "27.11. 10:0")])),
        ("move it to Saturday", Say(&["Saturday, 28 November 2026 at 10:00"]), Some(&[("twitter", "28.11. 10:0")])),
        ("a day later", Say(&["Sunday, 29 November 2026 at 10:00"]), Some(&[("twitter", "29.11. 10:0")])),
        ("take that back", Say(&["Saturday, 28 November 2026 at 10:00"]), Some(&[("twitter", "28.11. 10:0")])),
        ("cancel it", Say(&["Cancelled"]), Some(&[])),
        ("undo that", Say(&["As before", "Saturday, 28 November"]), Some(&[("twitter", "28.11. 10:0")])),
        ("write a tweet about bees", Say(&["bees"]), None),
        (
            "schedule it for Friday 9am",
            Say(&["goes out on Friday"]),
            Some(&[("twitter", "27.11. 9:0"), ("twitter", "28.11. 10:0")]),
        ),
        ("undo that", Say(&["schedule of your Twitter post is taken away"]), Some(&[("twitter", "28.11. 10:0")])),
        ("schedule it for Friday 9am", Say(&["goes out on Friday"]), None),
        ("cancel the post about oat milk", Say(&["Cancelled", "oat milk"]), Some(&[("twitter", "27.11. 9:0")])),
        ("undo that", Say(&["As before"]), Some(&[("twitter", "27.11. 9:0"), ("twitter", "28.11. 10:0")])),
        ("cancel the post about gardening", Ask("which", &["None of your scheduled posts", "bees"]), None),
        (
            "cancel all my posts",
            Confirm("confirm", "no", &["stays as it is"]),
            Some(&[("twitter", "27.11. 9:0"), ("twitter", "28.11. 10:0")]),
        ),
        ("cancel the Saturday one", Say(&["Cancelled", "Saturday, 28 November"]), Some(&[("twitter", "27.11. 9:0")])),
    ]);
    talk(&[
        (LATTE, Say(&["Twitter"]), None),
        ("now post the same on LinkedIn", Say(&["LinkedIn"]), None),
        ("schedule it for Friday 9am", Say(&["LinkedIn"]), None),
        ("write a tweet about bees", Say(&["bees"]), None),
        (
            "move the LinkedIn one to Thursday",
            Say(&["Your LinkedIn post now goes out on Thursday"]),
            Some(&[("linkedin", "26.11. 9:0")]),
        ),
        (
            "move the post about oat milk to Friday",
            Say(&["Friday, 27 November 2026 at 09:00"]),
            Some(&[("linkedin", "27.11. 9:0")]),
        ),
        ("move the post about gardening to Friday", Ask("which", &["oat milk"]), None),
        ("post it now", Say(&["LinkedIn post is not published: no connector", "oat milk latte"]), None),
    ]);
}

#[test]
fn questions_about_own_posts_have_the_number_or_the_post_first() {
    let mut talk = talk(&[
        ("how many posts do I have?", Say(&["no posts here yet"]), None),
        ("show my scheduled posts", Say(&["no scheduled posts"]), None),
        (LATTE, Say(&["Twitter"]), None),
        ("write a tweet about bees", Say(&["bees"]), None),
        ("schedule it for Friday 9am", Say(&["Friday"]), None),
        (
            "what did I schedule?",
            Say(&["You have 1 scheduled post", "bees", "Friday, 27 November 2026 at 09:00"]),
            None,
        ),
        ("when does it go out?", Say(&["Friday, 27 November 2026 at 09:00"]), None),
    ]);
    assert!(talk.turn(request("how many posts do I have?"), &Say(&[])).starts_with("2 posts: 1 scheduled"));
    assert!(
        talk.turn(request("which of my posts is the longest?"), &Say(&[]))
            .starts_with("> A neutral thought number 0 about our new oat milk latte")
    );
    assert!(
        talk.turn(request("what is my shortest post?"), &Say(&[]))
            .starts_with("> A neutral thought number 0 about bees")
    );
    // A question changes nothing: what came before it is still what is undone.
    talk.turn(request("undo that"), &Say(&["schedule of your Twitter post is taken away"]));
    assert!(talk.calendar().is_empty());
}

#[test]
fn a_search_is_neither_a_post_nor_numbers() {
    for text in ["Search the web for the best time to post on LinkedIn", "google the best time to post on LinkedIn"] {
        let talk = talk(&[(text, Say(&["cannot search the web", "written nothing"]), Some(&[]))]);
        assert_eq!(talk.host.memory("posts/task-1"), None);
    }
}

#[test]
fn what_another_skill_did_since_is_not_undone_without_a_yes() {
    let mut talk = talk(&[(LATTE, Say(&["Twitter"]), None), ("schedule it for Friday 9am", Say(&["Friday"]), None)]);
    talk.context =
        std::mem::replace(&mut talk.context, testing::context()).with_answer("analytics", "# Report", json!({}));
    talk.turn(request("undo that"), &Confirm("confirm", "no", &["stays as it is"]));
    assert_eq!(talk.calendar().len(), 1);
}
