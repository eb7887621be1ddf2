//! The bundled skill `core`: it greets, says what the tenant's skills can do, remembers what the user wants remembered, and answers
//! what no other skill understood, saying so.
//!
//! It knows nothing about what other skills do beyond their names and descriptions, and it never guesses what an utterance that it did
//! not understand may have meant.
//!
//! Begin at [`Wish`] and `reading`: what an utterance asks of this skill. `facts` keeps and forgets what is remembered, `recall` answers questions
//! from it, `undo` takes the last change back, `locales` and `zones` know how dates and times are read, `words` writes the answers, `conversation` lets a language model answer what was not understood.

mod clauses;
mod conversation;
mod facts;
mod locales;
mod names;
mod reading;
mod recall;
mod undo;
mod wish;
mod words;
mod zones;

use openanalyst_skill::delivery::missing_channel;
use openanalyst_skill::prelude::*;
use serde::{Deserialize, Serialize};

pub use wish::Wish;

/// The question that stands before everything is forgotten.
const CONFIRM: &str = "forget-everything";
/// The name of this skill, under which its earlier answers stand in the context.
const SELF: &str = "core";
/// The question for a locale that is not known.
const WHICH_LOCALE: &str = "locale";
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
    /// What takes it back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    undo: Vec<undo::Change>,
}

impl Done {
    /// An answer that changed nothing.
    fn unchanged(content: String, data: Value) -> Self {
        Self { content, data, changed: false, model: None, undo: Vec::new() }
    }
}

impl Skill for Core {
    fn plan(&self, request: &Request, context: &Context) -> Result<Plan> {
        let mut wishes = reading::read(request);
        for wish in &mut wishes {
            // A question in free words is ours where what was told answers it.
            if *wish == Wish::Unknown && recall::knows(&request.content)? {
                *wish = Wish::Fact { question: request.content.clone() };
            }
        }
        for wish in &wishes {
            if let Some(question) = question(wish, request)? {
                return Ok(Plan::ask(question));
            }
        }
        let mut plan = Plan::reply_only();
        for (index, wish) in wishes.iter().enumerate() {
            let mut step = Step::run(format!("{}-{}", wish.word(), index + 1), wish.title())
                .arg("wish", to_value(wish)?)
                .arg_if("undo", (*wish == Wish::Undo).then(|| to_value(&undo::last(context))).transpose()?)
                .arg("before", to_value(&undo::before(wish)?)?)
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
        let mut undo: Vec<undo::Change> = done.iter().flat_map(|done| done.undo.clone()).collect();
        if changed && undo.is_empty() {
            undo = inputs.argument::<Option<Vec<undo::Change>>>("before")?.unwrap_or_default();
        }
        let mut data = Value::Object(Default::default());
        for (wish, done) in wishes.iter().zip(&done) {
            data[wish.word()] = done.data.clone();
        }
        let content = done.into_iter().map(|done| done.content).collect::<Vec<_>>().join("\n\n");
        Output::of(&Done { content, data, changed, model: None, undo })
    }

    fn reply(&self, request: &Request, results: &[StepResult]) -> Result<Reply> {
        let mut parts = Vec::new();
        let mut model = None;
        let mut data = Value::Object(Default::default());
        let mut undo = Vec::new();
        for result in results {
            if result.output == "null" {
                parts.push(format!("**{}** did not succeed: {}", result.title, result.differences.join("; ")));
                continue;
            }
            let done: Done = results.value(&result.id, "")?;
            parts.push(done.content);
            undo.extend(done.undo);
            model = done.model.or(model);
            for (name, value) in done.data.as_object().into_iter().flatten() {
                // An undo that did nothing leaves what the answer before it can be undone with.
                if name != "undo" || !value.is_null() {
                    data[name] = value.clone();
                }
            }
        }
        // Beside a wish that was granted, and below a model's answer, a channel that does not exist is named too.
        if let Some(channel) = missing_channel(&request.content) {
            let sentence = channel.sentence();
            if !parts.iter().any(|part| part.contains(&sentence)) {
                parts.push(sentence);
            }
        }
        if !undo.is_empty() {
            data["undo"] = to_value(&undo)?;
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
fn question(wish: &Wish, request: &Request) -> Result<Option<Question>> {
    Ok(match wish {
        Wish::ForgetEverything if request.answer(CONFIRM).is_none() => facts::everything_in_words()?.map(|all| {
            let text = format!(
                "Shall I delete everything that I know about you: {all}? That cannot be undone. The conversation, your schedules and the audit log \
                 stay."
            );
            Question::new(CONFIRM, text).options(["Yes, forget everything", "No, keep it"])
        }),
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
        Wish::Locale { said } if locales::find(request.answer(WHICH_LOCALE).unwrap_or(said)).is_none() => {
            let said = request.answer(WHICH_LOCALE).unwrap_or(said);
            let text = format!("I know no locale “{said}”. Name it as en-US or de-AT is named, or say which comes first in your dates.");
            Some(Question::new(WHICH_LOCALE, text).options(["day first", "month first"]))
        }
        _ => None,
    })
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
        Wish::Locale { said } => {
            let said = inputs.request.answer(WHICH_LOCALE).unwrap_or(said);
            let locale = locales::find(said).ok_or_else(|| {
                Failure::invalid(format!("there is no locale “{said}”; name it as en-US or de-AT is named"))
            })?;
            facts::remember_locale(&locale)
        }
        Wish::Fact { question } => recall::answer(question),
        Wish::Undo => match inputs.argument::<Option<std::result::Result<Vec<undo::Change>, String>>>("undo")? {
            Some(Ok(changes)) => undo::run(&changes),
            Some(Err(why)) => Ok(Done::unchanged(why, Value::Null)),
            None => Err(Failure::invalid("only the user's own conversation can be undone")),
        },
        Wish::Preference { key, value } => {
            let planned = inputs.argument::<Option<Vec<undo::Change>>>("before")?.unwrap_or_default();
            facts::remember_preference(key, value, &planned)
        }
        Wish::Instruction { text, replace } => facts::remember_instruction(text, *replace),
        Wish::Recall { about } => facts::recall(about.as_deref()),
        Wish::Forget { what } => facts::forget(what),
        Wish::ForgetEverything => match inputs.request.answer(CONFIRM) {
            Some(answer) if clauses::is_yes(answer) => facts::forget_everything(),
            None if facts::everything_in_words()?.is_none() => {
                Ok(told("I know nothing about you, so there is nothing to forget.".into(), json!({ "forgotten": [] })))
            }
            _ => Ok(told("Then I keep everything as it is.".into(), json!({ "forgotten": [] }))),
        },
    }
}

fn told(content: String, data: Value) -> Done {
    Done::unchanged(content, data)
}

openanalyst_skill::export_skill!(Core);
