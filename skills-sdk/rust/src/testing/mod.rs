//! A host in memory, and requests to try, for native tests of a skill. Not there on WebAssembly.
//!
//! Imports called natively outside of [`Host::run`] panic, except `log` (standard error) and `progress` (nothing).
//!
//! ```
//! use openanalyst_skill::{prelude::*, testing};
//!
//! let host = testing::Host::new();
//! host.run(|| memory::user().put("preferences/display-name", "Ada"))?;
//! assert_eq!(host.memory("preferences/display-name"), Some(json!("Ada")));
//! # Ok::<(), Failure>(())
//! ```

mod host;
mod make;
mod memory;
pub(crate) mod sys;
mod windmill;

pub use host::Host;
pub use make::{attempt, context, inputs, request, result};

#[cfg(test)]
mod tests {
    use super::Host;
    use crate::prelude::*;

    #[test]
    fn services_that_are_not_configured_are_unavailable() {
        Host::new().run(|| {
            assert!(matches!(llm::complete(&llm::Prompt::ask("x")), Err(Failure::Unavailable(_))));
            assert!(matches!(web_search::search("x", 3), Err(Failure::Unavailable(_))));
            assert!(matches!(http::get("https://example.com").send(), Err(Failure::Unavailable(_))));
            assert!(matches!(skills::call("none", "x", &json!({})), Err(Failure::NotFound(_))));
            assert_eq!(secrets::exists("key"), Ok(false));
        });
    }

    #[test]
    fn configured_services_answer() {
        let host = Host::new()
            .with_secret("key")
            .with_skill("echo", |content, arguments| Ok(json!({ "content": content, "arguments": arguments })))
            .with_http(|request| {
                Ok(http::Response {
                    status: if request.url.ends_with("/no") { 404 } else { 200 },
                    headers: vec![],
                    body: b"7".into(),
                })
            });
        host.run(|| {
            assert_eq!(secrets::exists("key"), Ok(true));
            let echoed: Value = skills::call("echo", "hi", &json!({"n": 1})).unwrap().read().unwrap();
            assert_eq!(echoed, json!({"content": "hi", "arguments": {"n": 1}}));
            let pending = http::get("https://example.com/").start().unwrap();
            assert_eq!(pending.wait().unwrap().json::<u8>(), Ok(7));
            assert!(matches!(http::get("https://example.com/no").send().unwrap().ok(), Err(Failure::NotFound(_))));
            log::info!("seen {}", 1);
            progress::report_percent("half", 50);
        });
        assert_eq!(host.logs(), ["seen 1"]);
        assert_eq!(host.progress(), [("half".to_owned(), Some(50))]);
    }

    #[test]
    #[should_panic(expected = "`memory.get` was called natively without a host")]
    fn an_import_without_a_host_says_what_to_do() {
        let _ = memory::user().get::<Value>("x");
    }
}
