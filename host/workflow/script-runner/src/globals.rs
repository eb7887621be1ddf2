//! What scripts find besides the language itself: `console`, `process.env`, timers, `URL`, `TextEncoder`, `structuredClone`, Base64
//! and `crypto.randomUUID`. No `fetch`, no files, no `eval`.

use std::cell::RefCell;
use std::rc::Rc;

use boa_engine::builtins::promise::{OperationType, Promise};
use boa_engine::context::HostHooks;
use boa_engine::object::{JsObject, ObjectInitializer};
use boa_engine::property::Attribute;
use boa_engine::realm::Realm;
use boa_engine::{Context, JsResult, JsString, JsValue, NativeFunction, js_error, js_string};
use boa_gc::{Finalize, Trace};
use boa_runtime::extensions::ConsoleExtension;
use boa_runtime::{ConsoleState, Logger};

use crate::bridge::{environment_object, host};
use crate::host::Level;

/// Longest log message that is passed on, in bytes.
pub(crate) const MAX_LOG_BYTES: usize = 16 * 1024;

/// Adds the globals to a fresh context.
pub(crate) fn register(environment: &[(String, String)], context: &mut Context) -> JsResult<()> {
    boa_runtime::register(ConsoleExtension(HostLogger), None, context)?;
    let variables = environment_object(environment, context);
    let process = ObjectInitializer::new(context).property(js_string!("env"), variables, Attribute::all()).build();
    context.register_global_property(js_string!("process"), process, Attribute::all())?;
    let crypto = ObjectInitializer::new(context)
        .function(NativeFunction::from_fn_ptr(random_uuid), js_string!("randomUUID"), 0)
        .build();
    context.register_global_property(js_string!("crypto"), crypto, Attribute::all())
}

/// A version 4 UUID (RFC 9562 §5.4) from the sandbox's random source.
fn random_uuid(_: &JsValue, _: &[JsValue], _: &mut Context) -> JsResult<JsValue> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| js_error!(Error: "no random numbers: {}", error))?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    Ok(JsString::from(parts.join("-")).into())
}

/// Sends what `console` prints to the host.
#[derive(Debug, Trace, Finalize)]
struct HostLogger;

impl HostLogger {
    fn send(level: Level, message: &str, state: &ConsoleState, context: &Context) -> JsResult<()> {
        // Groups indent, as consoles do.
        let message = format!("{:width$}{message}", "", width = state.indent());
        write(level, &message, context)
    }
}

impl Logger for HostLogger {
    fn debug(&self, message: String, state: &ConsoleState, context: &mut Context) -> JsResult<()> {
        Self::send(Level::Debug, &message, state, context)
    }
    fn log(&self, message: String, state: &ConsoleState, context: &mut Context) -> JsResult<()> {
        Self::send(Level::Info, &message, state, context)
    }
    fn info(&self, message: String, state: &ConsoleState, context: &mut Context) -> JsResult<()> {
        Self::send(Level::Info, &message, state, context)
    }
    fn warn(&self, message: String, state: &ConsoleState, context: &mut Context) -> JsResult<()> {
        Self::send(Level::Warn, &message, state, context)
    }
    fn error(&self, message: String, state: &ConsoleState, context: &mut Context) -> JsResult<()> {
        Self::send(Level::Error, &message, state, context)
    }
}

/// Logs a message, cut where it is too long to cross the border in one piece.
pub(crate) fn write(level: Level, message: &str, context: &Context) -> JsResult<()> {
    let host = host(context)?;
    if message.len() <= MAX_LOG_BYTES {
        host.log(level, message);
    } else {
        let end = message.floor_char_boundary(MAX_LOG_BYTES);
        host.log(level, &format!("{}… ({} more bytes)", &message[..end], message.len() - end));
    }
    Ok(())
}

/// The interpreter's questions to its embedder.
#[derive(Default)]
pub(crate) struct Hooks {
    unhandled: RefCell<Vec<JsObject<Promise>>>,
}

impl Hooks {
    /// Promises that were rejected and that nobody looked at.
    pub(crate) fn take_unhandled(&self) -> Vec<JsObject<Promise>> {
        self.unhandled.take()
    }
}

/// Rejected promises remembered at a time; a script that makes more has other worries.
const MAX_UNHANDLED: usize = 100;

impl HostHooks for Hooks {
    fn ensure_can_compile_strings(
        &self,
        _: Realm,
        _: &[JsString],
        _: &JsString,
        _: bool,
        _: &mut Context,
    ) -> JsResult<()> {
        Err(js_error!(EvalError: "code from strings (eval, new Function) is not allowed in scripts"))
    }

    fn promise_rejection_tracker(&self, promise: &JsObject<Promise>, operation: OperationType, _: &mut Context) {
        let mut unhandled = self.unhandled.borrow_mut();
        match operation {
            OperationType::Reject if unhandled.len() < MAX_UNHANDLED => unhandled.push(promise.clone()),
            OperationType::Reject => {}
            OperationType::Handle => unhandled.retain(|known| !JsObject::equals(known, promise)),
        }
    }

    /// Scripts run in UTC everywhere; a user's time zone is an argument.
    fn local_timezone_offset_seconds(&self, _: i64) -> i32 {
        0
    }
}

/// The hooks, shared with the context.
pub(crate) fn hooks() -> Rc<Hooks> {
    Rc::default()
}
