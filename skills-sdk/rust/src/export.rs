//! Makes a [`Skill`](crate::Skill) the export of a component.

/// Exports a skill. Takes an expression that gives a value with the trait [`Skill`](crate::Skill); it is evaluated for every
/// call, because every call has a fresh instance.
///
/// Call it once, at the root of the skill's crate. On targets other than WebAssembly it only checks the types.
///
/// ```
/// # use openanalyst_skill::prelude::*;
/// struct Echo;
/// impl Skill for Echo {
///     fn run(&self, _step: &Step, inputs: &Inputs, _attempt: &Attempt) -> Result<Output> {
///         Output::of(&inputs.request.content)
///     }
/// }
/// openanalyst_skill::export_skill!(Echo);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export_skill {
    ($skill:expr) => {
        const _: () = {
            struct Exported;

            impl $crate::__private::Guest for Exported {
                fn plan(
                    request: $crate::Request,
                    context: $crate::Context,
                ) -> ::core::result::Result<$crate::Plan, $crate::Failure> {
                    $crate::Skill::plan(&$skill, &request, &context)
                }

                fn run(
                    step: $crate::Step,
                    inputs: $crate::Inputs,
                    attempt: $crate::Attempt,
                ) -> ::core::result::Result<$crate::Output, $crate::Failure> {
                    $crate::Skill::run(&$skill, &step, &inputs, &attempt)
                }

                fn reply(
                    request: $crate::Request,
                    results: ::std::vec::Vec<$crate::StepResult>,
                ) -> ::core::result::Result<$crate::Reply, $crate::Failure> {
                    $crate::Skill::reply(&$skill, &request, &results)
                }
            }

            // Native linkers do not accept the names of component exports.
            #[cfg(target_family = "wasm")]
    $crate::bindings::export_generated!(Exported with_types_in $crate::bindings);
        };
    };
}

#[doc(hidden)]
pub mod __private {
    pub use crate::bindings::exports::openanalyst::skill::handler::Guest;
}
