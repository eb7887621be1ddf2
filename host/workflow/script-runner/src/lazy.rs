//! Globals written in JavaScript (`shim/`), which are read only when a script first touches them: reading them costs more than
//! running a small script.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use boa_engine::object::JsObject;
use boa_engine::property::PropertyDescriptor;
use boa_engine::{Context, JsArgs, JsResult, JsString, JsValue, NativeFunction, Source, js_error, js_string};

use crate::globals;
use crate::path::GLOBALS;

const CONSOLE: &str = include_str!("../shim/console.js");
const URL: &str = include_str!("../shim/url.js");

/// Adds `console`, `URLSearchParams` and `URL.prototype.searchParams`. `URL` itself must be there.
pub(crate) fn register(context: &mut Context) -> JsResult<()> {
    define(js_string!("console"), console, context)?;
    define(js_string!("URLSearchParams"), url_search_params, context)?;

    let class = context.global_object().get(js_string!("URL"), context)?;
    let prototype = class.as_object().map(|class| class.get(js_string!("prototype"), context)).transpose()?;
    let prototype =
        prototype.and_then(|value| value.as_object()).ok_or_else(|| js_error!(TypeError: "there is no URL"))?;
    let getter = NativeFunction::from_fn_ptr(search_params).to_js_function(context.realm());
    let property = PropertyDescriptor::builder().get(getter).enumerable(true).configurable(true);
    prototype.define_property_or_throw(js_string!("searchParams"), property, context)?;
    Ok(())
}

/// The values of the globals that were touched.
///
/// They stand here, and their properties stay accessors for ever: a getter that puts a plain property in its own place leaves Boa's inline cache with the
/// accessor's slot, and the second read at the same place in a script, for example in a loop, then gives another value.
#[derive(Clone, Default)]
struct Made(Rc<RefCell<HashMap<JsString, JsValue>>>);

impl Made {
    fn of(context: &mut Context) -> Self {
        if let Some(made) = context.get_data::<Self>() {
            return made.clone();
        }
        let made = Self::default();
        context.insert_data(made.clone());
        made
    }
}

/// Defines a global that `make` makes at the first use, and that scripts may replace as any other.
fn define(name: JsString, make: fn(&mut Context) -> JsResult<JsValue>, context: &mut Context) -> JsResult<()> {
    let get = NativeFunction::from_copy_closure_with_captures(
        move |_, _, name: &JsString, context| {
            let values = Made::of(context).0;
            let made = values.borrow().get(name).cloned();
            if let Some(made) = made {
                return Ok(made);
            }
            let made = make(context)?;
            values.borrow_mut().insert(name.clone(), made.clone());
            Ok(made)
        },
        name.clone(),
    );
    let set = NativeFunction::from_copy_closure_with_captures(
        |_, arguments, name: &JsString, context| {
            Made::of(context).0.borrow_mut().insert(name.clone(), arguments.get_or_undefined(0).clone());
            Ok(JsValue::undefined())
        },
        name.clone(),
    );
    let get = get.to_js_function(context.realm());
    let set = set.to_js_function(context.realm());
    let property = PropertyDescriptor::builder().get(get).set(set).enumerable(false).configurable(true);
    context.global_object().define_property_or_throw(name, property, context)?;
    Ok(())
}

fn console(context: &mut Context) -> JsResult<JsValue> {
    let log = NativeFunction::from_fn_ptr(globals::log).to_js_function(context.realm());
    evaluate(CONSOLE, &[log.into()], context)
}

fn url_search_params(context: &mut Context) -> JsResult<JsValue> {
    url_shim(context)?.get(js_string!("URLSearchParams"), context)
}

fn search_params(this: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let getter = url_shim(context)?.get(js_string!("searchParams"), context)?;
    let getter = getter.as_callable().ok_or_else(|| js_error!(TypeError: "shim/url.js gives no searchParams"))?;
    getter.call(&JsValue::undefined(), std::slice::from_ref(this), context)
}

/// What `shim/url.js` made; there is one, so that `url.searchParams instanceof URLSearchParams` holds.
#[derive(Clone)]
struct UrlShim(JsObject);

fn url_shim(context: &mut Context) -> JsResult<JsObject> {
    if let Some(UrlShim(made)) = context.get_data::<UrlShim>() {
        return Ok(made.clone());
    }
    let made = evaluate(URL, &[], context)?;
    let made = made.as_object().ok_or_else(|| js_error!(TypeError: "shim/url.js gives no object"))?;
    context.insert_data(UrlShim(made.clone()));
    Ok(made)
}

/// Evaluates a file of `shim/` to its function and calls it.
fn evaluate(source: &str, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let function = context.eval(Source::from_bytes(source).with_path(Path::new(GLOBALS)))?;
    let function = function.as_callable().ok_or_else(|| js_error!(TypeError: "a file in shim/ is no function"))?;
    function.call(&JsValue::undefined(), arguments, context)
}
