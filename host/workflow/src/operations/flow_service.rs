//! `FlowService`.

use openanalyst_domain::Failure;
use serde_json::{Value, json};

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
        host.inner.store.item(&owner.tenant, "flow", path).await.map_err(|error| store_failure(&error))
    };
    match method {
        "existsFlowByPath" => Ok(json!(find(args.text("path")?).await?.is_some())),
        "getFlowByPath" => {
            let path = args.text("path")?;
            let item = find(path).await?.ok_or_else(|| Failure::not_found(format!("Flow not found at path {path}")))?;
            Ok(
                json!({ "path": path, "summary": item.summary, "value": serde_json::from_str::<Value>(&item.value).unwrap_or_default() }),
            )
        }
        "createFlow" | "updateFlow" => {
            let body = args.body()?;
            let path = body.optional_text("path").or(args.optional_text("path"));
            let path = path.ok_or_else(|| Failure::invalid("missing field `path`"))?;
            if method == "createFlow" && find(path).await?.is_some() {
                return Err(Failure::invalid(format!("Flow {path} already exists")));
            }
            let item = NewItem {
                path: path.to_owned(),
                summary: body.text("summary")?.to_owned(),
                language: None,
                value: body.value("value").to_string(),
            };
            engine(host, write).put_flow(owner, item).await?;
            Ok(json!(path))
        }
        "listFlows" => list(host, ItemKind::Flow, args).await,
        "archiveFlowByPath" | "deleteFlowByPath" => remove(host, write, ItemKind::Flow, args).await,
        _ => Err(unknown(method)),
    }
}
