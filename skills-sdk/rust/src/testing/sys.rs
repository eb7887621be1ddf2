//! The imports of the contract, with the signatures that the generated code has, answered by the current [`Host`].

use super::Host;
use crate::types::Failure;

fn host(import: &str) -> Host {
    Host::current().unwrap_or_else(|| {
        panic!(
            "`{import}` was called natively without a host; wrap the call in openanalyst_skill::testing::Host::new().run(|| ...)"
        )
    })
}

fn not_configured(service: &str) -> Failure {
    Failure::unavailable(format!("{service} is not configured on the test host"), None)
}

pub(crate) mod log {
    use super::Host;
    use crate::log::Level;

    pub(crate) fn write(level: Level, message: &str) {
        match Host::current() {
            Some(host) => host.state(|state| state.logs.push((level, message.into()))),
            None => eprintln!("{level:?}: {message}"),
        }
    }
}

pub(crate) mod progress {
    use super::Host;

    pub(crate) fn report(message: &str, percent: Option<u8>) {
        if let Some(host) = Host::current() {
            host.state(|state| state.progress.push((message.into(), percent.map(|percent| percent.min(100)))));
        }
    }
}

pub(crate) mod memory {
    use super::host;
    use crate::bindings::openanalyst::skill::memory::{Entry, Page, PutOptions, PutOutcome, Scope};
    use crate::types::Failure;

    pub(crate) fn get(scope: Scope, key: &str) -> Result<Option<Entry>, Failure> {
        host("memory.get").state(|state| state.memory.get(scope, key))
    }

    pub(crate) fn put(scope: Scope, key: &str, value: &str, options: PutOptions) -> Result<PutOutcome, Failure> {
        host("memory.put").state(|state| state.memory.put(scope, key, value, options))
    }

    pub(crate) fn delete(scope: Scope, key: &str) -> Result<bool, Failure> {
        host("memory.delete").state(|state| state.memory.delete(scope, key))
    }

    pub(crate) fn list(scope: Scope, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page, Failure> {
        host("memory.list").state(|state| state.memory.list(scope, prefix, limit, cursor))
    }

    pub(crate) fn search(scope: Scope, query: &str, limit: u32) -> Result<Vec<Entry>, Failure> {
        host("memory.search").state(|state| state.memory.search(scope, query, limit))
    }
}

pub(crate) mod windmill {
    use super::{Host, host};
    use crate::bindings::openanalyst::skill::windmill::{
        App, FlowDefinition, JobState, Kind, Page, RunOptions, Schedule, Script,
    };
    use crate::types::Failure;

    #[derive(Debug)]
    pub(crate) struct Job {
        host: Host,
        id: String,
    }

    impl Job {
        pub(crate) fn id(&self) -> String {
            self.id.clone()
        }

        pub(crate) fn state(&self) -> Result<JobState, Failure> {
            self.host.state(|state| state.windmill.job(&self.id))
        }

        pub(crate) fn wait(&self, _timeout_ms: Option<u64>) -> Result<JobState, Failure> {
            self.state()
        }

        pub(crate) fn cancel(&self, _reason: &str) -> Result<JobState, Failure> {
            self.state()
        }
    }

    pub(crate) fn run_script(path: &str, arguments: &str, _options: &RunOptions) -> Result<Job, Failure> {
        let host = host("windmill.run-script");
        // Run outside of the borrow: the function may call imports itself.
        let function = host.state(|state| state.windmill.function(path))?;
        let result = function(&serde_json::from_str(arguments)?);
        let id = host.state(|state| state.windmill.keep_job(path, result));
        Ok(Job { host, id })
    }

    pub(crate) fn run_flow(path: &str, arguments: &str, options: &RunOptions) -> Result<Job, Failure> {
        run_script(path, arguments, options)
    }

    pub(crate) fn create_script(script: &Script) -> Result<(), Failure> {
        host("windmill.create-script").state(|state| state.windmill.create_script(script))
    }

    pub(crate) fn create_flow(flow: &FlowDefinition) -> Result<(), Failure> {
        host("windmill.create-flow").state(|state| state.windmill.create_flow(flow))
    }

    pub(crate) fn create_app(app: &App) -> Result<(), Failure> {
        host("windmill.create-app").state(|state| state.windmill.create_app(app))
    }

    pub(crate) fn create_schedule(schedule: &Schedule) -> Result<(), Failure> {
        host("windmill.create-schedule").state(|state| state.windmill.create_schedule(schedule))
    }

    pub(crate) fn list(kind: Kind, prefix: &str, _limit: u32, _cursor: Option<&str>) -> Result<Page, Failure> {
        Ok(host("windmill.list").state(|state| state.windmill.list(kind, prefix)))
    }

    pub(crate) fn delete(kind: Kind, path: &str) -> Result<bool, Failure> {
        host("windmill.delete").state(|state| state.windmill.delete(kind, path))
    }
}

pub(crate) mod web_search {
    use super::{host, not_configured};
    use crate::bindings::openanalyst::skill::web_search::Hit;
    use crate::types::Failure;

    pub(crate) fn search(query: &str, limit: u32) -> Result<Vec<Hit>, Failure> {
        let search = host("web-search.search").state(|state| state.web_search.clone());
        let mut hits = search.ok_or_else(|| not_configured("web search"))?(query.into())?;
        hits.truncate(limit as usize);
        Ok(hits)
    }
}

pub(crate) mod llm {
    use super::{host, not_configured};
    use crate::bindings::openanalyst::skill::llm::{Completion, Prompt};
    use crate::types::Failure;

    pub(crate) fn complete(prompt: &Prompt) -> Result<Completion, Failure> {
        let model = host("llm.complete").state(|state| state.llm.clone());
        let model = model.ok_or_else(|| not_configured("a language model"))?;
        host("llm.complete").state(|state| state.prompts.push(prompt.clone()));
        model(prompt.clone())
    }

    pub(crate) fn stream(prompt: &Prompt) -> Result<Completion, Failure> {
        let completion = complete(prompt)?;
        host("llm.stream").state(|state| state.streamed.push(completion.content.clone()));
        Ok(completion)
    }
}

pub(crate) mod http {
    use super::{host, not_configured};
    use crate::bindings::openanalyst::skill::http::{Request, Response};
    use crate::types::Failure;

    #[derive(Debug)]
    pub(crate) struct Pending(Result<Response, Failure>);

    impl Pending {
        pub(crate) fn wait(&self) -> Result<Response, Failure> {
            self.0.clone()
        }
    }

    pub(crate) fn fetch(request: &Request) -> Result<Response, Failure> {
        let web = host("http.fetch").state(|state| state.http.clone());
        web.ok_or_else(|| not_configured("HTTP"))?(request.clone())
    }

    pub(crate) fn start(request: &Request) -> Result<Pending, Failure> {
        Ok(Pending(fetch(request)))
    }
}

pub(crate) mod skills {
    use super::host;
    use crate::types::{Failure, Output};

    pub(crate) fn call(skill: &str, content: &str, arguments: &str) -> Result<Output, Failure> {
        host("skills.call").call_skill(skill, content, arguments)
    }
}

pub(crate) mod secrets {
    use super::host;
    use crate::types::Failure;

    pub(crate) fn exists(name: &str) -> Result<bool, Failure> {
        Ok(host("secrets.exists").state(|state| state.secrets.iter().any(|known| known == name)))
    }
}
