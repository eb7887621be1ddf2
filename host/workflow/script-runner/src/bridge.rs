//! The native functions behind the Windmill client: a module that only `shim/windmill-client.js` can import.

use std::rc::Rc;

use boa_engine::module::SyntheticModuleInitializer;
use boa_engine::object::ObjectInitializer;
use boa_engine::property::Attribute;
use boa_engine::{Context, JsArgs, JsResult, JsString, JsValue, Module, NativeFunction, js_error, js_string};

use crate::host::Host;
use crate::path::BRIDGE;

/// Largest arguments of one call, in bytes: below the sandbox's limit for one crossing, which would end the script without a word.
pub(crate) const MAX_ARGUMENTS_BYTES: usize = 900 * 1024;

/// The host, where native functions find it.
#[derive(Clone)]
pub(crate) struct CurrentHost(pub(crate) Rc<dyn Host>);

/// The host of this run.
pub(crate) fn host(context: &Context) -> JsResult<Rc<dyn Host>> {
    let found = context.get_data::<CurrentHost>().cloned();
    found.map(|CurrentHost(host)| host).ok_or_else(|| js_error!(Error: "the script runner has no host"))
}

/// `call(operation, json)`, `progress(percent, message)` and `environment`.
pub(crate) fn module(environment: &[(String, String)], context: &mut Context) -> JsResult<Module> {
    let call = NativeFunction::from_fn_ptr(call).to_js_function(context.realm());
    let progress = NativeFunction::from_fn_ptr(progress).to_js_function(context.realm());
    let environment = environment_object(environment, context);
    let exports: [(JsString, JsValue); 3] = [
        (js_string!("call"), call.into()),
        (js_string!("progress"), progress.into()),
        (js_string!("environment"), environment),
    ];
    let names: Vec<JsString> = exports.iter().map(|(name, _)| name.clone()).collect();
    let values = exports.map(|(_, value)| value).to_vec();
    let initializer = SyntheticModuleInitializer::from_copy_closure_with_captures(
        |module, (names, values): &(Vec<JsString>, Vec<JsValue>), _| {
            names.iter().zip(values).try_for_each(|(name, value)| module.set_export(name, value.clone()))
        },
        (names.clone(), values),
    );
    let path = std::path::PathBuf::from(BRIDGE);
    Ok(Module::synthetic(&names, initializer, Some(path), None, context))
}

/// An object with one member for each variable.
pub(crate) fn environment_object(environment: &[(String, String)], context: &mut Context) -> JsValue {
    let mut object = ObjectInitializer::new(context);
    for (name, value) in environment {
        object.property(JsString::from(name.as_str()), JsString::from(value.as_str()), Attribute::all());
    }
    object.build().into()
}

/// Gives the result's JSON as a string, or an object with `status` and `message` if the host refused.
fn call(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let operation = text(arguments.get_or_undefined(0), context)?;
    let json = text(arguments.get_or_undefined(1), context)?;
    if json.len() > MAX_ARGUMENTS_BYTES {
        return Err(js_error!(
            RangeError: "{}: the arguments have {} bytes of JSON; at most {} are allowed",
            operation,
            json.len(),
            MAX_ARGUMENTS_BYTES
        ));
    }
    match host(context)?.call(&operation, &json) {
        Ok(result) => Ok(JsString::from(result).into()),
        Err(error) => Ok(ObjectInitializer::new(context)
            .property(js_string!("status"), error.status, Attribute::all())
            .property(js_string!("message"), JsString::from(error.message), Attribute::all())
            .build()
            .into()),
    }
}

fn progress(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let percent = arguments.get_or_undefined(0).to_number(context)?;
    let message = match arguments.get_or_undefined(1) {
        value if value.is_undefined() => String::new(),
        value => text(value, context)?,
    };
    // `clamp` keeps NaN, which the conversion turns into 0; everything else is in range.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100 first")]
    let percent = percent.clamp(0.0, 100.0).round() as u8;
    host(context)?.progress(percent, &message);
    Ok(JsValue::undefined())
}

fn text(value: &JsValue, context: &mut Context) -> JsResult<String> {
    Ok(value.to_string(context)?.to_std_string_lossy())
}
