//! `VariableService`, `ResourceService`, and the state that a script keeps between its runs.
//!
//! Values are kept as they are, in the host's database. A *secret* variable is refused rather than kept like any other one.

use openanalyst_domain::Failure;
use openanalyst_store::StoreError;
use openanalyst_store::storage::StorageKind;
use serde_json::{Value, json};

use super::{Args, unknown};
use crate::embedded::store_failure;
use crate::job_writes::JobWrite;
use crate::script_host::JobHost;
use crate::{access, quota};

/// Names of the kinds in the record.
pub(super) const VARIABLE: &str = "variable";
pub(super) const RESOURCE: &str = "resource";
const STATE: &str = "state";
/// Most bytes of a variable, a resource or a state.
const MAX_BYTES: usize = 256 << 10;
/// Most references that are followed in one resource.
const MAX_REFERENCES: u32 = 32;

/// What the script remembered in an earlier run, or null.
pub(super) async fn get_state(host: &JobHost, args: Args<'_>) -> Result<Value, Failure> {
    Ok(read(host, STATE, args.text("path")?).await?.unwrap_or_default())
}

/// Remembers a value for the next run.
pub(super) async fn set_state(host: &JobHost, job: &JobWrite, args: Args<'_>) -> Result<Value, Failure> {
    write(host, job, STATE, args.text("path")?, &args.value("value")).await?;
    Ok(Value::Null)
}

/// Answers a call about variables or resources.
pub(super) async fn call(
    host: &JobHost,
    job: &JobWrite,
    kind: &str,
    method: &str,
    args: Args<'_>,
) -> Result<Value, Failure> {
    let missing = |path: &str| Failure::not_found(format!("{kind} not found at path {path}"));
    match method.replace("Variable", "").replace("Resource", "").as_str() {
        "exists" => Ok(json!(read(host, kind, args.text("path")?).await?.is_some())),
        "get" => {
            let path = args.text("path")?;
            let value = read(host, kind, path).await?.ok_or_else(|| missing(path))?;
            Ok(shown(kind, path, value))
        }
        "getValue" => {
            let path = args.text("path")?;
            read(host, kind, path).await?.ok_or_else(|| missing(path))
        }
        "getValueInterpolated" => {
            let path = args.text("path")?;
            let value = read(host, kind, path).await?.ok_or_else(|| missing(path))?;
            interpolated(host, value).await
        }
        "create" => {
            let body = args.body()?;
            let path = body.text("path")?;
            refuse_secret(path, body)?;
            if read(host, kind, path).await?.is_some() {
                return Err(Failure::invalid(format!("{kind} {path} already exists")));
            }
            write(host, job, kind, path, &body.value("value")).await?;
            Ok(json!(path))
        }
        "update" | "updateValue" => {
            let (path, body) = (args.text("path")?, args.body()?);
            refuse_secret(path, body)?;
            let current = read(host, kind, path).await?.ok_or_else(|| missing(path))?;
            write(host, job, kind, path, body.get("value").unwrap_or(&current)).await?;
            Ok(json!(path))
        }
        "list" => {
            let mut shown_values = Vec::new();
            for prefix in access::visible_prefixes(&host.owner, args.optional_text("pathStart").unwrap_or_default()) {
                let rows = host.inner.store.values(&host.owner.tenant, kind, &prefix, None, args.limit()).await;
                let rows = rows.map_err(|error| store_failure(&error))?;
                if rows.is_cut {
                    return Err(Failure::invalid(format!(
                        "what stands under `{prefix}` has more than 4 MiB together: list less at once, with a longer `pathStart` or a smaller `perPage`"
                    )));
                }
                for row in rows.rows {
                    shown_values.push(shown(kind, &row.path, parsed(&row.value)));
                }
            }
            shown_values.truncate(usize::try_from(args.limit()).unwrap_or(usize::MAX));
            Ok(Value::Array(shown_values))
        }
        "delete" => {
            let path = args.text("path")?;
            if delete(host, job, kind, path).await? { Ok(json!(path)) } else { Err(missing(path)) }
        }
        _ => Err(unknown(method)),
    }
}

/// A value as a Windmill server shows it.
fn shown(kind: &str, path: &str, value: Value) -> Value {
    if kind == VARIABLE {
        json!({ "path": path, "value": value, "is_secret": false })
    } else {
        json!({ "path": path, "value": value })
    }
}

fn refuse_secret(path: &str, body: Args<'_>) -> Result<(), Failure> {
    if body.flag("is_secret") == Some(true) {
        return Err(Failure::invalid(format!(
            "`{path}` would be a secret, and this engine does not encrypt variables: store it without `is_secret`, or connect a Windmill server"
        )));
    }
    Ok(())
}

/// Replaces `$var:PATH` and `$res:PATH` in a resource by what they name.
async fn interpolated(host: &JobHost, value: Value) -> Result<Value, Failure> {
    // References are written as text, so the places to replace are found first, and what was put there is looked at again.
    let mut root = value;
    for _ in 0..MAX_REFERENCES {
        let mut pointer = String::new();
        let Some((kind, path)) = first_reference(&root, &mut pointer) else { return Ok(root) };
        let found = read(host, kind, &path).await?;
        let found = found.ok_or_else(|| Failure::not_found(format!("{kind} not found at path {path}")))?;
        match root.pointer_mut(&pointer) {
            Some(place) => *place = found,
            // The pointer was made from this very value, so this is never reached.
            None => return Ok(root),
        }
    }
    Err(Failure::invalid(format!("the resource refers to more than {MAX_REFERENCES} others, or to itself")))
}

fn first_reference(value: &Value, pointer: &mut String) -> Option<(&'static str, String)> {
    let step = |pointer: &mut String, name: &str, value: &Value| {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        let found = first_reference(value, pointer);
        if found.is_none() {
            pointer.truncate(length);
        }
        found
    };
    match value {
        Value::String(text) => {
            let variable = text.strip_prefix("$var:").map(|path| (VARIABLE, path.to_owned()));
            variable.or_else(|| text.strip_prefix("$res:").map(|path| (RESOURCE, path.to_owned())))
        }
        Value::Array(items) => items.iter().enumerate().find_map(|(at, item)| step(pointer, &at.to_string(), item)),
        Value::Object(members) => members.iter().find_map(|(name, member)| step(pointer, name, member)),
        _ => None,
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

async fn read(host: &JobHost, kind: &str, path: &str) -> Result<Option<Value>, Failure> {
    access::readable(&host.owner, path)?;
    let text = host.inner.store.value(&host.owner.tenant, kind, path).await.map_err(|error| store_failure(&error))?;
    Ok(text.as_deref().map(parsed))
}

/// Removes a value; says whether there was one.
async fn delete(host: &JobHost, job: &JobWrite, kind: &str, path: &str) -> Result<bool, Failure> {
    access::writable(&host.owner, path)?;
    let unreachable = |error: StoreError| store_failure(&error);
    let mut tx = host.inner.begin_writing(&host.owner, Some(job)).await.map_err(unreachable)?;
    let Some(keeper) = tx.value_keeper(&host.owner.tenant, kind, path).await.map_err(unreachable)? else {
        return Ok(false);
    };
    access::replaceable(&host.owner, path, &keeper)?;
    let removed = tx.delete_value(&host.owner.tenant, kind, path).await.map_err(unreachable)?;
    tx.commit().await.map_err(unreachable)?;
    Ok(removed)
}

async fn write(host: &JobHost, job: &JobWrite, kind: &str, path: &str, value: &Value) -> Result<(), Failure> {
    access::writable(&host.owner, path)?;
    let text = value.to_string();
    if text.len() > MAX_BYTES {
        let length = text.len();
        return Err(Failure::invalid(format!("the {kind} `{path}` has {length} bytes and {MAX_BYTES} is the limit")));
    }
    let unreachable = |error: StoreError| store_failure(&error);
    let _turn = quota::room(&host.inner, &host.owner, &[StorageKind::Workflows]).await?;
    let mut tx = host.inner.begin_writing(&host.owner, Some(job)).await.map_err(unreachable)?;
    match tx.value_keeper(&host.owner.tenant, kind, path).await.map_err(unreachable)? {
        // The state of a shared script is everybody's who runs it.
        Some(_) if kind == STATE => {}
        Some(keeper) => access::replaceable(&host.owner, path, &keeper)?,
        None => quota::one_more_value(&mut tx, &host.owner, kind).await?,
    }
    tx.put_value(&host.owner, kind, path, &text, host.inner.clock.now_ms()).await.map_err(unreachable)?;
    tx.commit().await.map_err(unreachable)
}
