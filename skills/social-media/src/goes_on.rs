//! What a turn that goes on from earlier posts asks, as a plan. Read before a request is taken as one for a new post; None where it is none of
//! these.

use openanalyst_skill::When;
use openanalyst_skill::prelude::*;
use openanalyst_skill::turns as sdk;

use crate::calendar::{cancel, found, undo, which};
use crate::history::{self, Answer, Known};
use crate::jobs::{self, Goal, Job};
use crate::platform::{self, Platform};
use crate::turns::{self, Ask, Change, Moment};
use crate::wish::{self, Earlier, EarlierPost, Rework, Wanted};
use crate::{plan, text};

pub(crate) const WHICH: &str = "which";
/// Added to a post without a language model.
const CALLS: [&str; 3] =
    ["Tell us what you think in the comments!", "Share it with somebody who should see this.", "Follow us for more."];
const PUBLISH_POST: &str = "f/openanalyst/social/publish_post";

/// The plan for a turn that goes on from something. None: it is a request of its own.
///
/// # Errors
/// What the host answers.
pub(crate) fn plan(request: &Request, context: &Context) -> Result<Option<Plan>> {
    let text = request.content.as_str();
    if turns::searches(request) {
        return say(
            "I cannot search the web: I write, schedule and count posts. I have written nothing. A skill that searches the web has to be asked for that.",
        );
    }
    if sdk::is_undo(text) {
        return undo(request, context);
    }
    let last = history::last(context);
    if request.topic().is_none()
        && let Some(ask) = turns::ask(text)
    {
        let known = last.as_ref().and_then(|last| last.posts.first()).cloned();
        return one(Job::Posts { ask: ask.word(), last: if ask == Ask::When { known } else { None } }, "say");
    }
    if turns::cancels(text) {
        return cancel(request, context, last.as_ref());
    }
    if let Some(last) = &last {
        let change = turns::change(text);
        if let Some(change) = change {
            return changed(&change, last, request, context);
        }
        if let Some(plan) = elsewhere(last, request, context)? {
            return Ok(Some(plan));
        }
        if turns::now(text) {
            return Ok(Some(publish(&chosen(last, request), request, context)));
        }
    }
    moved(last.as_ref(), request, context)
}

pub(crate) fn say(content: impl Into<String>) -> Result<Option<Plan>> {
    one(Job::Say { content: content.into() }, "say")
}

pub(crate) fn one(job: Job, id: &str) -> Result<Option<Plan>> {
    Ok(Some(Plan::of([job.into_step(id)?])))
}

pub(crate) fn is_yes(answer: &str) -> bool {
    let words = sdk::words(answer);
    words.first().is_some_and(|first| {
        matches!(first.as_str(), "yes" | "y" | "yeah" | "yep" | "sure" | "ok" | "okay" | "ja" | "confirm")
    })
}

/// The posts of the last answer; of several, those for the platforms that the request names.
fn chosen(last: &Answer, request: &Request) -> Vec<Known> {
    let named = request.platforms();
    let of_named: Vec<Known> =
        last.posts.iter().filter(|known| named.contains(&known.post.platform)).cloned().collect();
    if of_named.is_empty() { last.posts.clone() } else { of_named }
}

/// The same post with something else about it.
fn changed(change: &Change, last: &Answer, request: &Request, context: &Context) -> Result<Option<Plan>> {
    let posts = chosen(last, request);
    let mut steps = Vec::new();
    for known in &posts {
        let Known { post, schedule, key } = known;
        let (Some(platform), Some(topic)) = (platform::find(&post.platform), post.topic.clone()) else {
            return say(
                "I do not know any more what that post was about. Say it anew, for example “write a funny tweet about our new office”.",
            );
        };
        let ending = if posts.len() == 1 { String::new() } else { format!("-{}", platform.id) };
        let was_so = matches!(change, Change::Tone(tone) if post.tone.as_deref() == Some(*tone));
        let mut wanted = Wanted {
            platform,
            topic,
            tone: match change {
                Change::Tone(tone) => Some((*tone).to_owned()),
                _ => post.tone.clone(),
            },
            url: wish::link(&post.content),
            material: None,
            rework: Some(Rework {
                before: post.content.clone(),
                is_translation: matches!(change, Change::Language(_)),
                ..Rework::default()
            }),
        };
        let wording = last.wording + usize::from(was_so || *change == Change::Another);
        let mut goal = Goal { said: said(change), is_shorter: *change == Change::Shorter };
        if was_so {
            goal.said = format!("in other words; it was {} already", goal.said);
        }
        let rework = wanted.rework.get_or_insert_default();
        rework.differences = vec!["the user says: in other words".to_owned(); wording];
        match change {
            Change::NoHashtags => rework.offered = Some(without_hashtags(&post.content)),
            Change::CallToAction => rework.offered = Some(with_call(&post.content)),
            Change::Shorter => rework.differences.push("the user says: shorter".to_owned()),
            _ => {}
        }
        if *change == Change::NoHashtags && rework.offered.as_deref() == Some(post.content.as_str()) {
            return say("That post has no hashtags.");
        }
        let id = format!("create{ending}");
        if matches!(change, Change::Longer | Change::Emojis | Change::Language(_)) {
            let tone = wanted.tone.clone();
            let Some(written) = text::write(&wanted, tone.as_deref(), &id, request, context) else {
                return say(format!(
                    "I cannot {} without a language model, so the post stays as it is. {}",
                    verb(change),
                    CAN
                ));
            };
            if let Some(rework) = &mut wanted.rework {
                rework.written = Some(to_value(&written)?);
            }
        }
        steps.push(plan::write(&wanted, &id, request, context)?);
        let turn = Job::Turn { goal, before: post.clone(), key: key.clone(), wording };
        steps.push(turn.into_step(&format!("turn{ending}"))?.arg_from("after", format!("{id}#/post/content")));
        // What is in the calendar goes out in its new words.
        if let Some(schedule) = schedule.as_ref().filter(|schedule| schedule.at_ms > context.now_ms) {
            let when = When {
                at_ms: schedule.at_ms,
                local: schedule.local.clone(),
                time_zone: schedule.time_zone.clone(),
                explicit_time: true,
                explicit_day: true,
                past: false,
                bound: None,
                notes: Vec::new(),
            };
            let step = plan::schedule(&format!("schedule{ending}"), platform.name, &when, key, request, context);
            steps.push(step.arg("platform", platform.id).arg_from("content", format!("turn{ending}#/content")));
        }
    }
    Ok(Some(Plan::of(steps)))
}

/// What is possible without a language model.
const CAN: &str = "I can change its tone, its wording and its length, and leave out hashtags.";

fn said(change: &Change) -> String {
    match change {
        Change::Tone(tone) => format!("in a {tone} tone"),
        Change::Shorter => "shorter".to_owned(),
        Change::Longer => "longer".to_owned(),
        Change::Another => "in other words".to_owned(),
        Change::CallToAction => "with a call to action".to_owned(),
        Change::NoHashtags => "without hashtags".to_owned(),
        Change::Emojis => "with emojis".to_owned(),
        Change::Language(language) => format!("in {language}"),
    }
}

fn verb(change: &Change) -> String {
    match change {
        Change::Longer => "make it longer".to_owned(),
        Change::Emojis => "choose emojis for it".to_owned(),
        Change::Language(language) => format!("translate it into {language}"),
        other => format!("write it {}", said(other)),
    }
}

/// The text without its hashtags: those at the end go, those in a sentence stay as words.
fn without_hashtags(content: &str) -> String {
    let lines: Vec<String> = content
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let is_tag = |word: &&str| word.starts_with('#') && word.chars().nth(1).is_some_and(char::is_alphanumeric);
            let end = words.iter().rposition(|word| !is_tag(word)).map_or(0, |at| at + 1);
            let kept = words[..end].iter().map(|word| if is_tag(word) { &word[1..] } else { word });
            kept.collect::<Vec<_>>().join(" ")
        })
        .collect();
    lines.join("\n").trim().to_owned()
}

/// The text with a call to action before its hashtags.
fn with_call(content: &str) -> String {
    let call = CALLS.iter().find(|call| !content.contains(**call)).unwrap_or(&CALLS[0]);
    let tags = content
        .rfind(" #")
        .map(|_| content.split_whitespace().rev().take_while(|word| word.starts_with('#')).count())
        .unwrap_or(0);
    let mut end = content.trim_end().len();
    for _ in 0..tags {
        end = content[..end].trim_end().rfind(char::is_whitespace).unwrap_or(end);
    }
    let (body, rest) = content.split_at(end);
    let gap = if body.contains("\n\n") { "\n\n" } else { " " };
    format!(
        "{}{gap}{call}{}",
        body.trim_end(),
        if rest.trim().is_empty() { String::new() } else { format!("{gap}{}", rest.trim()) }
    )
}

/// The same post for other platforms.
fn elsewhere(last: &Answer, request: &Request, context: &Context) -> Result<Option<Plan>> {
    let named = request.platforms();
    let mut platforms: Vec<&'static Platform> = named.iter().filter_map(|name| platform::find(name)).collect();
    if !turns::same_elsewhere(&request.content) {
        return Ok(None);
    }
    if platforms.is_empty() {
        platforms = request.answer("platform").map(platform::named_in).unwrap_or_default();
    }
    if platforms.is_empty() {
        let Some(unknown) = request.unknown_platform() else { return Ok(None) };
        let text = format!("I do not know the platform \"{unknown}\". For which of these shall I write the same post?");
        return Ok(Some(Plan::ask(Question::new("platform", text).options(platform::names_without(&[])))));
    }
    let has = |id: &str| last.posts.iter().any(|known| known.post.platform == id);
    let Some(first) = last.posts.first().filter(|_| platforms.iter().any(|platform| !has(platform.id))) else {
        return Ok(None);
    };
    let Some(topic) = first.post.topic.clone() else { return Ok(None) };
    let wanted = |platform: &'static Platform| Wanted {
        platform,
        topic: topic.clone(),
        tone: first.post.tone.clone(),
        url: wish::link(&first.post.content),
        material: None,
        rework: None,
    };
    let posts: Vec<Wanted> = platforms.into_iter().filter(|platform| !has(platform.id)).map(wanted).collect();
    let when = match request.when() {
        Some(when) if when.past => return Ok(Some(Plan::ask(wish::past(&when)))),
        when => when,
    };
    plan::create(&posts, when.as_ref(), request, context).map(Some)
}

/// Hands a post over at once, or says that nothing can.
fn publish(posts: &[Known], request: &Request, context: &Context) -> Plan {
    let year: String = request_year(request, context.now_ms);
    Plan::of(posts.iter().map(|Known { post, key, .. }| {
        let name = platform::find(&post.platform).map_or(post.platform.as_str(), |platform| platform.name);
        let id = if posts.len() == 1 { "publish".to_owned() } else { format!("publish-{}", post.platform) };
        Step::script(id, format!("Publish it on {name}"), PUBLISH_POST)
            .arg("platform", post.platform.as_str())
            .arg("content", post.content.as_str())
            .arg("key", key.as_str())
            .arg("year", year.parse::<u32>().unwrap_or(1_970))
            .arg("schedulePath", format!("{}/social/post_{}", request.user_folder, key.replace('-', "_")))
            .arg("atMs", context.now_ms)
            .expect(expect::present("/status", "it says what became of it"))
    }))
}

fn request_year(request: &Request, now_ms: u64) -> String {
    use chrono::TimeZone;
    let zone: chrono_tz::Tz = request.time_zone.parse().unwrap_or(chrono_tz::Tz::UTC);
    let at = i64::try_from(now_ms).ok().and_then(|ms| zone.timestamp_millis_opt(ms).single());
    at.map(|at| at.format("%Y").to_string()).unwrap_or_default()
}

/// Whether a verb moves something.
fn is_moving(word: &str) -> bool {
    matches!(word, "move" | "reschedule" | "postpone" | "delay" | "push" | "shift" | "verschiebe" | "bring")
}

/// An earlier post at another time.
fn moved(last: Option<&Answer>, request: &Request, context: &Context) -> Result<Option<Plan>> {
    let words = sdk::words(&request.content);
    let has = |any: &[&str]| words.iter().any(|word| any.contains(&word.as_str()));
    if words.len() > 20 || request.recurrence().is_some() {
        return Ok(None);
    }
    let verb = words.iter().any(|word| is_moving(word));
    let points = has(&[
        "it", "that", "them", "instead", "actually", "rather", "one", "post", "tweet", "later", "earlier", "sooner",
    ]);
    let is_new = request.has_action("create")
        && has(&["post", "tweet", "write", "create", "draft"])
        && !has(&["that", "it", "instead"]);
    // "move the post about bees" names a post that is there.
    let names_topic = request.topic().is_some() && !words.first().is_some_and(|first| is_moving(first));
    if is_new || names_topic || (!verb && !points) {
        return Ok(None);
    }
    let named = request.platforms();
    let of_last: Vec<Known> = last.map(|last| last.posts.clone()).unwrap_or_default();
    let excluded = request.excluded_platforms();
    let fits = |known: &Known| {
        !excluded.contains(&known.post.platform) && (named.is_empty() || named.contains(&known.post.platform))
    };
    let mut posts: Vec<Known> = of_last.iter().filter(|known| fits(known)).cloned().collect();
    if verb && words.iter().any(|word| word == "about") {
        posts.clear();
    }
    if posts.is_empty() && (verb || !named.is_empty()) {
        let answer = request.answer(WHICH);
        let calendar = jobs::calendar(&request.user_folder)?;
        let found = found(&calendar, answer.unwrap_or(&request.content), &named, None);
        match found.as_slice() {
            [] if calendar.is_empty() => return Ok(None),
            [] => {
                return Ok(Some(Plan::ask(which(
                    "None of your scheduled posts is that one. Which one shall I move?",
                    &calendar,
                ))));
            }
            [only] => posts.extend(only.known(true)),
            several => return Ok(Some(Plan::ask(which("Which one shall I move?", several)))),
        }
    }
    let Some(first) = posts.first() else { return Ok(None) };
    let earlier = |posts: &[Known]| -> Vec<Earlier> {
        let one = |Known { post, key, .. }: &Known| Earlier {
            post: EarlierPost { platform: post.platform.clone(), content: post.content.clone() },
            key: key.clone(),
        };
        posts.iter().map(one).collect()
    };
    Ok(match turns::moment(request, context.now_ms, first.schedule.as_ref()) {
        Moment::At(when) => Some(plan::reschedule(&earlier(&posts), &when, request, context)),
        Moment::Past(when) => Some(Plan::ask(wish::past(&when))),
        Moment::Unknown => Some(Plan::ask(Question::new(
            "when",
            "That post is not scheduled yet. When shall it be posted, day and time?",
        ))),
        Moment::None if verb => Some(Plan::ask(wish::ask_when())),
        Moment::None => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashtags_go_and_words_stay() {
        for (content, expected) in [
            ("Hello world. #Hello #World", "Hello world."),
            ("Hello #world of tags. #Tags", "Hello world of tags."),
            ("First.\n\nSecond. #A #B", "First.\n\nSecond."),
            ("We are #1", "We are"),
            ("No tags", "No tags"),
        ] {
            assert_eq!(without_hashtags(content), expected, "{content}");
        }
    }

    #[test]
    fn a_call_stands_before_the_hashtags() {
        assert_eq!(with_call("Hello. #A #B"), "Hello. Tell us what you think in the comments! #A #B");
        assert_eq!(with_call("Hello."), "Hello. Tell us what you think in the comments!");
        let once = with_call("One.\n\nTwo. #A");
        assert_eq!(once, "One.\n\nTwo.\n\nTell us what you think in the comments!\n\n#A");
        assert!(with_call(&once).contains(CALLS[1]));
    }
}
