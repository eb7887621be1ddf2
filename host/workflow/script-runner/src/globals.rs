//! What scripts find besides the language itself: `console`, `process.env`, timers, `URL`, `TextEncoder`, `structuredClone`, Base64,
//! `performance.now` and `crypto.randomUUID`. No `fetch`, no files, no `eval`.

use std::cell::RefCell;
use std::rc::Rc;

use boa_engine::builtins::promise::{OperationType, Promise};
use boa_engine::context::HostHooks;
use boa_engine::object::{JsObject, ObjectInitializer};
use boa_engine::property::Attribute;
use boa_engine::realm::Realm;
use boa_engine::{Context, JsArgs, JsResult, JsString, JsValue, NativeFunction, js_error, js_string};
use boa_runtime::extensions::{
    Base64Extension, EncodingExtension, MicrotaskExtension, StructuredCloneExtension, TimeoutExtension, UrlExtension,
};

use crate::bridge::{environment_object, host};
use crate::host::Level;
use crate::lazy;

/// Longest log message that is passed on, in bytes.
pub(crate) const MAX_LOG_BYTES: usize = 16 * 1024;

/// Adds the globals to a fresh context.
pub(crate) fn register(environment: &[(String, String)], context: &mut Context) -> JsResult<()> {
    let native = (
        Base64Extension,
        TimeoutExtension,
        EncodingExtension,
        MicrotaskExtension,
        StructuredCloneExtension,
        UrlExtension,
    );
    boa_runtime::register_extensions(native, None, context)?;
    lazy::register(context)?;
    let variables = environment_object(environment, context);
    let process = ObjectInitializer::new(context).property(js_string!("env"), variables, Attribute::all()).build();
    context.register_global_property(js_string!("process"), process, Attribute::all())?;
    let crypto = ObjectInitializer::new(context)
        .function(NativeFunction::from_fn_ptr(random_uuid), js_string!("randomUUID"), 0)
        .build();
    context.register_global_property(js_string!("crypto"), crypto, Attribute::all())?;
    let performance =
        ObjectInitializer::new(context).function(NativeFunction::from_fn_ptr(now), js_string!("now"), 0).build();
    context.register_global_property(js_string!("performance"), performance, Attribute::all())
}

/// Milliseconds since the script's start.
fn now(_: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a script runs for minutes, not for the centuries that it takes to matter"
    )]
    let milliseconds = context.clock().now().nanos_since_epoch() as f64 / 1e6;
    Ok(JsValue::from(milliseconds))
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

/// `log(level, message)`, on which `shim/console.js` builds `console`.
pub(crate) fn log(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let level = match arguments.get_or_undefined(0).to_u32(context)? {
        0 => Level::Debug,
        1 => Level::Info,
        2 => Level::Warn,
        _ => Level::Error,
    };
    let message = arguments.get_or_undefined(1).to_string(context)?.to_std_string_lossy();
    write(level, &message, context)?;
    Ok(JsValue::undefined())
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
