//! `ScriptService`.

use openanalyst_domain::Failure;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Args, engine, list, remove, unknown};
use crate::access;
use crate::embedded::store_failure;
use crate::engine::{ItemKind, NewItem, WorkflowEngine};
use crate::job_writes::JobWrite;
use crate::script_host::JobHost;

pub(super) async fn call(host: &JobHost, write: &JobWrite, method: &str, args: Args<'_>) -> Result<Value, Failure> {
    let owner = &host.owner;
    let find = async |path: &str| {
        access::readable(owner, path)?;
        host.inner.source(owner, path).await.map_err(|error| store_failure(&error))
    };
    match method {
        "existsScriptByPath" => Ok(json!(find(args.text("path")?).await?.is_some())),
        "getScriptByPath" => {
            let path = args.text("path")?;
            let source =
                find(path).await?.ok_or_else(|| Failure::not_found(format!("Script not found at path {path}")))?;
            let hash = hash(path, &source);
            Ok(json!({ "path": path, "content": source, "hash": hash, "language": "bun", "archived": false }))
        }
        "createScript" => {
            let body = args.body()?;
            let item = NewItem {
                path: body.text("path")?.to_owned(),
                summary: body.text("summary")?.to_owned(),
                language: Some(body.text("language")?.to_owned()),
                value: body.text("content")?.to_owned(),
            };
            check_lineage(&item.path, find(&item.path).await?.as_deref(), body)?;
            engine(host, write).put_script(owner, item).await?;
            created(body)
        }
        "listScripts" => list(host, ItemKind::Script, args).await,
        "archiveScriptByPath" | "deleteScriptByPath" => remove(host, write, ItemKind::Script, args).await,
        _ => Err(unknown(method)),
    }
}

/// What `createScript` answers.
pub(super) fn created(body: Args<'_>) -> Result<Value, Failure> {
    Ok(json!(hash(body.text("path")?, body.text("content")?)))
}

/// The hash that names a version of a script: 16 hexadecimal digits, as on a Windmill server.
fn hash(path: &str, source: &str) -> String {
    let digest = Sha256::new().chain_update(path).chain_update([0]).chain_update(source).finalize();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A script that is there is replaced only by a caller who knows it: by the hash of its version, or with `auto_parent`.
fn check_lineage(path: &str, current: Option<&str>, body: Args<'_>) -> Result<(), Failure> {
    let Some(current) = current.map(|source| hash(path, source)) else { return Ok(()) };
    match body.optional_text("parent_hash") {
        _ if body.flag("auto_parent") == Some(true) => Ok(()),
        None => Err(Failure::invalid(format!("Path conflict for {path} with non-archived hash {current}"))),
        Some(parent) if parent == current => Ok(()),
        Some(parent) => Err(Failure::invalid(format!(
            "the lineage must be linear: {parent} is not the newest version of {path}, {current} is"
        ))),
    }
}
