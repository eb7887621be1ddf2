//! The bundled skill `core`: it greets, says what the tenant's skills can do, remembers what the user wants remembered, and answers
//! what no other skill understood, saying so.
//!
//! It knows nothing about what other skills do beyond their names and descriptions, and it never guesses what an utterance that it did
//! not understand may have meant.
//!
//! Begin at [`Wish`] and `reading`: what an utterance asks of this skill. `facts` keeps and finds what is remembered, `words` writes the
//! answers, `conversation` lets a language model answer what was not understood.

mod clauses;
mod conversation;
mod facts;
mod names;
mod reading;
mod wish;
mod words;
mod zones;

use openanalyst_skill::delivery::missing_channel;
use openanalyst_skill::prelude::*;
use serde::{Deserialize, Serialize};

pub use wish::Wish;

/// The question that stands before everything is forgotten.
const CONFIRM: &str = "forget-everything";
/// The question for a time zone that is not known.
const WHICH_ZONE: &str = "time-zone";

/// The question for a name of which the words do not show where it ends.
const WHICH_NAME: &str = "name";

/// The skill.
#[derive(Debug, Clone, Copy, Default)]
pub struct Core;

/// What one step of this skill gives.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    /// For the user, in Markdown.
    content: String,
    /// For programs.
    data: Value,
    /// Whether something was stored or forgotten.
    changed: bool,
    /// The language model that wrote the content, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
}

impl Skill for Core {
    fn plan(&self, request: &Request, _context: &Context) -> Result<Plan> {
        let wishes = reading::read(request);
        if let Some(question) = wishes.iter().find_map(|wish| question(wish, request)) {
            return Ok(Plan::ask(question));
        }
        let mut plan = Plan::reply_only();
        for (index, wish) in wishes.iter().enumerate() {
            let mut step = Step::run(format!("{}-{}", wish.word(), index + 1), wish.title())
                .arg("wish", to_value(wish)?)
                .expect(expect::present("/content", "There is an answer for the user."));
            if wish.changes_memory() {
                step = step.expect(expect::exact("/changed", true, "What the user wanted remembered is stored."));
            }
            plan = plan.then(step);
        }
        Ok(plan)
    }

    fn run(&self, _step: &Step, inputs: &Inputs, _attempt: &Attempt) -> Result<Output> {
        // A step of our own plan names its wish; a call of another skill comes with words only.
        let wishes = match inputs.argument::<Option<Wish>>("wish")? {
            Some(Wish::Unknown) => return Output::of(&not_understood(inputs)),
            Some(wish) => vec![wish],
            None => reading::read(&inputs.request),
        };
        let done = wishes.iter().map(|wish| grant(wish, inputs)).collect::<Result<Vec<_>>>()?;
        let changed = done.iter().any(|done| done.changed);
        let mut data = Value::Object(Default::default());
        for (wish, done) in wishes.iter().zip(&done) {
            data[wish.word()] = done.data.clone();
        }
        let content = done.into_iter().map(|done| done.content).collect::<Vec<_>>().join("\n\n");
        Output::of(&Done { content, data, changed, model: None })
    }

    fn reply(&self, request: &Request, results: &[StepResult]) -> Result<Reply> {
        let mut parts = Vec::new();
        let mut model = None;
        let mut data = Value::Object(Default::default());
        for result in results {
            if result.output == "null" {
                parts.push(format!("**{}** did not succeed: {}", result.title, result.differences.join("; ")));
                continue;
            }
            let done: Done = results.value(&result.id, "")?;
            parts.push(done.content);
            model = done.model.or(model);
            for (name, value) in done.data.as_object().into_iter().flatten() {
                data[name] = value.clone();
            }
        }
        // Beside a wish that was granted, and below a model's answer, a channel that does not exist is named too.
        if let Some(channel) = missing_channel(&request.content) {
            let sentence = channel.sentence();
            if !parts.iter().any(|part| part.contains(&sentence)) {
                parts.push(sentence);
            }
        }
        Reply::text(parts.join("\n\n")).with_data(&data)?.made_by(model.as_deref())
    }
}

/// The answer to what no skill understood. Only the user's own request is worth a model, which the user sees writing.
fn not_understood(inputs: &Inputs) -> Done {
    let data = json!({ (Wish::Unknown.word()): words::skill_list(&inputs.context) });
    match conversation::answer(&inputs.request, &inputs.context) {
        Some(written) => Done { model: Some(written.model), ..told(conversation::with_limits(&written.text), data) },
        None => told(words::not_understood(&inputs.request.content, &inputs.context), data),
    }
}

/// What must be known before a wish can be granted.
fn question(wish: &Wish, request: &Request) -> Option<Question> {
    match wish {
        Wish::ForgetEverything if request.answer(CONFIRM).is_none() => {
            let text = "Shall I forget everything that you asked me to remember: your name, your time zone, your preferences \
                        and your instructions?";
            Some(Question::new(CONFIRM, text).options(["Yes, forget everything", "No, keep it"]))
        }
        Wish::UnclearName { said } if request.answer(WHICH_NAME).is_none() => {
            let text = format!("Where does your name end in “{said}”? Tell me only the name.");
            Some(Question::new(WHICH_NAME, text).options(names::possible(said)))
        }
        Wish::TimeZone { said } if zones::find(request.answer(WHICH_ZONE).unwrap_or(said)).is_none() => {
            let said = request.answer(WHICH_ZONE).unwrap_or(said);
            Some(Question::new(
                WHICH_ZONE,
                format!("I know no time zone “{said}”. Which one is it? Name it as Europe/Berlin is named."),
            ))
        }
        _ => None,
    }
}

fn grant(wish: &Wish, inputs: &Inputs) -> Result<Done> {
    let context = &inputs.context;
    match wish {
        Wish::Greet => Ok(told(words::greeting(context), json!({ "name": context.display_name }))),
        Wish::Thanks => Ok(told(words::welcome(context), Value::Null)),
        Wish::Help => Ok(told(words::help(context), words::skill_list(context))),
        Wish::Unknown => Ok(told(words::not_understood(&inputs.request.content, context), words::skill_list(context))),
        Wish::Name { name } => facts::remember_name(name),
        Wish::UnclearName { said } => match inputs.request.answer(WHICH_NAME).and_then(names::answered) {
            Some(name) => facts::remember_name(&name),
            None => Err(Failure::invalid(format!("where the name ends in “{said}” is not clear; give only the name"))),
        },
        Wish::NotKept { said, place } => Ok(told(words::not_kept(said, place.as_deref()), Value::Null)),
        Wish::TimeZone { said } => {
            let said = inputs.request.answer(WHICH_ZONE).unwrap_or(said);
            let zone = zones::find(said).ok_or_else(|| {
                Failure::invalid(format!("there is no time zone “{said}”; name it as Europe/Berlin is named"))
            })?;
            facts::remember_zone(zone.name())
        }
        Wish::Preference { key, value } => facts::remember_preference(key, value),
        Wish::Instruction { text, replace } => facts::remember_instruction(text, *replace),
        Wish::Recall { about } => facts::recall(about.as_deref()),
        Wish::Forget { what } => facts::forget(what),
        Wish::ForgetEverything => match inputs.request.answer(CONFIRM) {
            Some(answer) if clauses::is_yes(answer) => facts::forget_everything(),
            _ => Ok(told("Then I keep everything as it is.".into(), json!({ "forgotten": [] }))),
        },
    }
}

fn told(content: String, data: Value) -> Done {
    Done { content, data, changed: false, model: None }
}

openanalyst_skill::export_skill!(Core);
