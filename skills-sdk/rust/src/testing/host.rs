//! The host in memory: what is stored, what was said, and who answers for services.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use super::memory::Memory;
use super::windmill::Windmill;
use crate::bindings::openanalyst::skill::log::Level;
use crate::bindings::openanalyst::skill::{http, llm, web_search};
use crate::types::{Failure, Output};
use crate::windmill::{FlowDefinition, Schedule};

type Answerer<In, Out> = Box<dyn Fn(In) -> Result<Out, Failure>>;
type SkillAnswerer = Box<dyn Fn(&str, Value) -> Result<Value, Failure>>;

/// A host in memory. Cheap to clone; clones share their state.
#[derive(Clone, Default)]
pub struct Host {
    state: Rc<RefCell<State>>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) memory: Memory,
    pub(crate) windmill: Windmill,
    pub(crate) logs: Vec<(Level, String)>,
    pub(crate) progress: Vec<(String, Option<u8>)>,
    pub(crate) secrets: Vec<String>,
    pub(crate) skills: BTreeMap<String, Rc<SkillAnswerer>>,
    pub(crate) llm: Option<Rc<Answerer<llm::Prompt, llm::Completion>>>,
    pub(crate) prompts: Vec<llm::Prompt>,
    pub(crate) streamed: Vec<String>,
    pub(crate) http: Option<Rc<Answerer<http::Request, http::Response>>>,
    pub(crate) web_search: Option<Rc<Answerer<String, Vec<web_search::Hit>>>>,
}

thread_local! {
    static CURRENT: RefCell<Vec<Host>> = const { RefCell::new(Vec::new()) };
}

impl Host {
    /// A host with empty memory, no scripts, and no services: search, model and HTTP are `unavailable`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs something with this host behind the imports of the current thread.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        /// Leaves the host also when the work panics, so that one failed test does not change another on the same thread.
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                CURRENT.with_borrow_mut(Vec::pop);
            }
        }
        CURRENT.with_borrow_mut(|hosts| hosts.push(self.clone()));
        let _leave = Leave;
        work()
    }

    pub(crate) fn current() -> Option<Self> {
        CURRENT.with_borrow(|hosts| hosts.last().cloned())
    }

    pub(crate) fn state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.borrow_mut())
    }

    /// Adds a script that answers with this function: its arguments in, its result or its error message out.
    #[must_use]
    pub fn with_script(self, path: &str, script: impl Fn(&Value) -> Result<Value, String> + 'static) -> Self {
        self.state(|state| state.windmill.add_script(path, Rc::new(script)));
        self
    }

    /// Adds another skill that answers with this function: what it is asked and its arguments in, its result out.
    #[must_use]
    pub fn with_skill(self, name: &str, skill: impl Fn(&str, Value) -> Result<Value, Failure> + 'static) -> Self {
        self.state(|state| state.skills.insert(name.into(), Rc::new(Box::new(skill))));
        self
    }

    /// Adds a secret's name.
    #[must_use]
    pub fn with_secret(self, name: &str) -> Self {
        self.state(|state| state.secrets.push(name.into()));
        self
    }

    /// Configures a model.
    #[must_use]
    pub fn with_llm(self, model: impl Fn(llm::Prompt) -> Result<llm::Completion, Failure> + 'static) -> Self {
        self.state(|state| state.llm = Some(Rc::new(Box::new(model))));
        self
    }

    /// Configures a model of this name that always writes this text.
    #[must_use]
    pub fn with_model(self, name: &str, text: &str) -> Self {
        let (model, content) = (name.to_owned(), text.to_owned());
        self.with_llm(move |_| {
            let (content, model) = (content.clone(), model.clone());
            Ok(llm::Completion { content, model, stop: llm::StopReason::End, input_tokens: 1, output_tokens: 1 })
        })
    }

    /// Configures the web.
    #[must_use]
    pub fn with_http(self, web: impl Fn(http::Request) -> Result<http::Response, Failure> + 'static) -> Self {
        self.state(|state| state.http = Some(Rc::new(Box::new(web))));
        self
    }

    /// Configures a search provider.
    #[must_use]
    pub fn with_web_search(self, search: impl Fn(String) -> Result<Vec<web_search::Hit>, Failure> + 'static) -> Self {
        self.state(|state| state.web_search = Some(Rc::new(Box::new(search))));
        self
    }

    /// What the user's memory holds under a key.
    pub fn memory(&self, key: &str) -> Option<Value> {
        self.state(|state| state.memory.user_value(key))
    }

    /// The schedules, sorted by path.
    pub fn schedules(&self) -> Vec<Schedule> {
        self.state(|state| state.windmill.schedules())
    }

    /// The flows, sorted by path.
    pub fn flows(&self) -> Vec<FlowDefinition> {
        self.state(|state| state.windmill.flows())
    }

    /// The lines that were logged.
    pub fn logs(&self) -> Vec<String> {
        self.state(|state| state.logs.iter().map(|(_, line)| line.clone()).collect())
    }

    /// The progress that was reported.
    pub fn progress(&self) -> Vec<(String, Option<u8>)> {
        self.state(|state| state.progress.clone())
    }

    /// What the model was asked.
    pub fn prompts(&self) -> Vec<llm::Prompt> {
        self.state(|state| state.prompts.clone())
    }

    /// What the user saw while the model wrote it.
    pub fn streamed(&self) -> Vec<String> {
        self.state(|state| state.streamed.clone())
    }

    pub(crate) fn call_skill(&self, name: &str, content: &str, arguments: &str) -> Result<Output, Failure> {
        // Taken out first: the answering function may call imports itself.
        let skill = self.state(|state| state.skills.get(name).cloned());
        let skill = skill.ok_or_else(|| Failure::not_found(format!("the test host has no skill `{name}`")))?;
        Output::of(&skill(content, serde_json::from_str(arguments)?)?)
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Host").finish_non_exhaustive()
    }
}
