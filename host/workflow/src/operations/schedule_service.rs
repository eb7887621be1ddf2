//! `ScheduleService`.

use openanalyst_domain::Failure;
use openanalyst_recurrence::Recurrence;
use serde_json::{Value, json};

use super::{Args, engine, object, rfc3339, unknown};
use crate::embedded::store_failure;
use crate::engine::{ItemKind, NewSchedule, WorkflowEngine};
use crate::job_writes::JobWrite;
use crate::script_host::JobHost;
use crate::{access, items, schedules};

pub(super) async fn call(host: &JobHost, write: &JobWrite, method: &str, args: Args<'_>) -> Result<Value, Failure> {
    let owner = &host.owner;
    let find = async |path: &str| {
        access::readable(owner, path)?;
        host.inner.store.schedule(&owner.tenant, path).await.map_err(|error| store_failure(&error))
    };
    let missing = |path: &str| Failure::not_found(format!("Schedule not found at name {path}"));
    match method {
        "createSchedule" => {
            let body = args.body()?;
            let path = body.text("path")?;
            if find(path).await?.is_some() {
                return Err(Failure::invalid(format!("Schedule already exists at path {path}")));
            }
            let new = NewSchedule {
                path: path.to_owned(),
                summary: body.optional_text("summary").unwrap_or_default().to_owned(),
                cron: body.text("schedule")?.to_owned(),
                time_zone: body.text("timezone")?.to_owned(),
                script_path: body.text("script_path")?.to_owned(),
                is_flow: body.flag("is_flow").ok_or_else(|| Failure::invalid("missing field `is_flow`"))?,
                args: object(body.value("args")),
                enabled: body.flag("enabled").unwrap_or(true),
            };
            schedules::put(&host.inner, owner, Some(write), new).await?;
            Ok(json!(path))
        }
        "updateSchedule" => {
            let (path, body) = (args.text("path")?, args.body()?);
            let row = find(path).await?.ok_or_else(|| missing(path))?;
            let changed = NewSchedule {
                path: path.to_owned(),
                summary: body.optional_text("summary").map_or(row.summary, str::to_owned),
                cron: body.text("schedule")?.to_owned(),
                time_zone: body.text("timezone")?.to_owned(),
                script_path: row.script_path,
                is_flow: row.is_flow,
                args: body.get("args").cloned().unwrap_or(row.args),
                enabled: row.enabled,
            };
            schedules::put(&host.inner, owner, Some(write), changed).await?;
            Ok(json!(path))
        }
        "existsSchedule" => Ok(json!(find(args.text("path")?).await?.is_some())),
        "getSchedule" => {
            let path = args.text("path")?;
            find(path).await?.map(|row| schedules::details(&row)).ok_or_else(|| missing(path))
        }
        "listSchedules" => {
            let prefix = args.optional_text("pathStart").or(args.optional_text("path")).unwrap_or_default();
            let page = items::list(&host.inner, owner, ItemKind::Schedule, prefix, args.limit(), None).await?;
            Ok(page.items.into_iter().map(|item| item.details).collect())
        }
        "setScheduleEnabled" => {
            let path = args.text("path")?;
            let enabled = args.body()?.flag("enabled").ok_or_else(|| Failure::invalid("missing field `enabled`"))?;
            if schedules::set_enabled(&host.inner, owner, Some(write), path, enabled).await? {
                Ok(json!(path))
            } else {
                Err(missing(path))
            }
        }
        "deleteSchedule" => {
            let path = args.text("path")?;
            if engine(host, write).delete(owner, ItemKind::Schedule, path).await? {
                Ok(json!(path))
            } else {
                Err(missing(path))
            }
        }
        "previewSchedule" => {
            let body = args.body()?;
            let timer =
                Recurrence::parse(body.text("schedule")?, body.text("timezone")?).map_err(schedules::invalid)?;
            let times: Vec<String> = timer.next(host.inner.clock.now_ms(), 5).into_iter().map(rfc3339).collect();
            Ok(json!(times))
        }
        _ => Err(unknown(method)),
    }
}
