//! The checker: a component of our own that tests what skills expect of their results, in the same
//! sandbox as any skill. A schema or a pattern comes from a stranger, and evaluating it may take
//! for ever.
//!
//! It has a linker of its own, with nothing on it but the base of WASI: it reaches nothing.

use std::sync::Arc;

use crate::call::Call;
use crate::contract::Weight;
use crate::contract::checker::CheckerPre;
use crate::error::LoadError;
use crate::invocation::{CallError, Invocation};
use crate::invoke::Target;
use crate::load::imports;
use crate::logs::clean_text;
use crate::sandbox::{Loaded, Sandbox, unscrubbed};
use crate::state::State;

pub use crate::contract::checker::exports::openanalyst::checker::expectations::{
    Check as CostlyCheck, Outcome as CheckOutcome, Similarity as WantedSimilarity,
};

/// How receipts and logs name it.
const NAME: &str = "checker";
/// Longest difference, in bytes.
const MAX_DIFFERENCE_BYTES: usize = 4 << 10;

/// The checker, ready to be called. Cheap to clone.
#[derive(Clone)]
pub struct Checker {
    loaded: Arc<Loaded<CheckerPre<State>>>,
}

impl std::fmt::Debug for Checker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checker").field("digest", &self.loaded.digest).finish_non_exhaustive()
    }
}

/// What is asked about checks.
#[derive(Debug, Clone, Copy)]
pub enum CheckQuestion<'a> {
    /// Whether anything can be tested with them. It is asked until the first one with which
    /// nothing can: its difference says why.
    Usable,
    /// Whether they hold in this document, JSON.
    Holds(&'a str),
}

/// A check, and the JSON pointer to the value that it tests.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckOf {
    /// Empty: the whole document.
    pub pointer: String,
    /// The check.
    pub check: CostlyCheck,
}

/// What came of a list of checks.
#[derive(Debug)]
#[must_use = "it carries the receipt of what ran, also when it failed"]
pub struct Checked {
    /// One outcome for each check, in their order.
    pub invocation: Invocation<Vec<CheckOutcome>>,
    /// The check that was at work when the invocation ended, from 0. None: the first had not begun.
    pub at: Option<usize>,
}

impl Weight for CheckOf {
    fn weight(&self) -> usize {
        let text = match &self.check {
            CostlyCheck::Schema(text) | CostlyCheck::Matches(text) => text,
            CostlyCheck::Similar(wanted) => &wanted.text,
        };
        self.pointer.weight() + text.weight()
    }
}

impl Sandbox {
    /// Loads the checker. Blocks, for seconds if it must compile.
    ///
    /// # Errors
    /// The component is refused.
    pub fn load_checker(&self, component: &[u8]) -> Result<Checker, LoadError> {
        let linker = &self.inner.base_linker;
        let pre = self.load(NAME, component, linker, imports::World::Checker)?;
        let pre = CheckerPre::new(pre).map_err(|error| {
            let detail = format!("the component is no checker: {error:#}");
            LoadError::refused("missing-export", detail)
        })?;
        Ok(Checker { loaded: Arc::new(Loaded::own(NAME, component, pre)) })
    }

    /// Asks about all these checks in one invocation. Needs a tokio runtime with time.
    pub async fn check(
        &self,
        checker: &Checker,
        call: Call,
        question: CheckQuestion<'_>,
        checks: &[CheckOf],
    ) -> Checked {
        let (export, document) = match question {
            CheckQuestion::Usable => ("usable", None),
            CheckQuestion::Holds(document) => ("test", Some(document)),
        };
        let input_bytes = checks.weight() + document.weight();
        let Loaded { name, digest, pre } = &*checker.loaded;
        let target = Target { skill: name, digest, export, input_bytes, script: None };
        let mut at = None;
        let invocation = self
            .invoke(target, call, Weight::weight, unscrubbed, async |store| {
                let world = pre.instantiate_async(&mut *store).await?;
                let exports = world.openanalyst_checker_expectations();
                if let Some(document) = document
                    && let Err(error) = exports.call_read(&mut *store, document).await?
                {
                    let detail = format!("the checker cannot read the document: {error}");
                    return Ok(Err(CallError::Host(detail)));
                }
                let mut outcomes = Vec::with_capacity(checks.len());
                for (number, CheckOf { pointer, check }) in checks.iter().enumerate() {
                    at = Some(number);
                    let outcome = match document {
                        Some(_) => exports.call_test(&mut *store, pointer, check).await?,
                        None => usable(exports.call_usable(&mut *store, check).await?),
                    };
                    let outcome = cleaned(outcome);
                    let is_last = document.is_none() && outcome.difference.is_some();
                    outcomes.push(outcome);
                    if is_last {
                        break;
                    }
                }
                Ok(Ok(outcomes))
            })
            .await;
        Checked { invocation, at }
    }
}

fn usable(usable: Result<(), String>) -> CheckOutcome {
    match usable {
        Ok(()) => CheckOutcome { score: 1.0, difference: None },
        Err(reason) => CheckOutcome { score: 0.0, difference: Some(reason) },
    }
}

/// A difference quotes what a skill wrote, and goes to logs and people.
fn cleaned(outcome: CheckOutcome) -> CheckOutcome {
    let difference = outcome.difference.map(|text| clean_text(&text, MAX_DIFFERENCE_BYTES));
    CheckOutcome { difference, ..outcome }
}

impl Weight for CheckOutcome {
    fn weight(&self) -> usize {
        self.difference.weight()
    }
}
