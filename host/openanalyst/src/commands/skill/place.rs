//! Where the skills of a tenant are: in the data directory of this machine, or behind a server.
//!
//! Both do the same and give the same JSON, so that the commands do not know which it is.

use std::sync::Arc;
use std::time::Duration;

use openanalyst_domain::{SystemClock, TenantId};
use openanalyst_package::Capabilities;
use openanalyst_registry::{Actor, Registry, RegistryError};
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::SkillPlace;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::host::Workshop;
use crate::settings::Settings;

/// How long a server may take; an upload compiles.
const TIMEOUT: Duration = Duration::from_secs(180);

/// How many skills come at a time.
const PAGE: u32 = 100;

/// One thing to do.
#[derive(Debug, Clone)]
pub(super) enum Call<'a> {
    Upload(Vec<u8>),
    /// The page of skills after a name.
    List(&'a str),
    Show(&'a str),
    Versions(&'a str),
    Logs(&'a str),
    Activate(&'a str, Option<&'a str>),
    Disable(&'a str),
    Remove(&'a str),
    Grant(&'a str, Capabilities),
}

pub(super) enum Place {
    Here { workshop: Box<Workshop>, tenant: TenantId, actor: Actor },
    There { client: reqwest::Client, url: String, token: String },
}

impl Place {
    /// Reaches the place. On this machine it makes the data directory only where `may_create` says so.
    ///
    /// # Errors
    /// An argument is wrong; there is no data directory; a part of the host cannot be opened.
    pub(super) async fn open(place: &SkillPlace, settings: &Settings, may_create: bool) -> Result<Self, Failure> {
        match (&place.server, &place.token) {
            (Some(url), Some(_)) if !url.starts_with("https://") && !url.starts_with("http://") => Err(Failure::usage(
                format!("--server `{url}` is no address of a host: write http://HOST:PORT or https://HOST"),
            )),
            (Some(url), Some(token)) => Ok(Self::There {
                client: openanalyst_egress::client(TIMEOUT)?,
                url: url.trim_end_matches('/').to_owned(),
                token: token.clone(),
            }),
            (Some(_), None) => {
                Err(Failure::usage("--server needs --token, or OPENANALYST_TOKEN: `openanalyst token` makes one"))
            }
            (None, _) => {
                let tenant =
                    TenantId::parse(&place.tenant).map_err(|error| Failure::usage(format!("--tenant: {error}")))?;
                if !may_create {
                    DataDir::existing(&settings.data_dir.value)?;
                }
                let workshop = Box::new(Workshop::open(settings, Arc::new(SystemClock)).await?);
                Ok(Self::Here {
                    workshop,
                    tenant,
                    actor: Actor { name: place.user.clone(), origin: "local".to_owned() },
                })
            }
        }
    }

    pub(super) async fn call(&self, call: Call<'_>) -> Result<Value, Failure> {
        match self {
            Self::Here { workshop, tenant, actor } => {
                here(&workshop.registry, tenant, actor, call).await.map_err(|error| match error {
                    RegistryError::Refused(_) => Failure::failed(format!("the package is refused:\n{error}")),
                    error => Failure::from(error),
                })
            }
            Self::There { client, url, token } => there(client, url, token, call).await,
        }
    }

    pub(super) async fn close(self) {
        if let Self::Here { workshop, .. } = self {
            workshop.store.close().await;
        }
    }
}

async fn here(registry: &Registry, tenant: &TenantId, actor: &Actor, call: Call<'_>) -> Result<Value, RegistryError> {
    Ok(match call {
        Call::Upload(archive) => value(registry.upload(tenant, archive.into(), actor).await?),
        Call::List(after) => {
            let (skills, is_cut) = registry.list(tenant, after, PAGE).await?;
            let next = skills.last().filter(|_| is_cut).map(|skill| skill.name.clone());
            json!({ "skills": skills, "nextCursor": next })
        }
        Call::Show(name) => value(registry.show(tenant, name).await?),
        Call::Versions(name) => json!({ "name": name, "versions": registry.versions(tenant, name).await? }),
        Call::Logs(name) => {
            let rows = registry.receipts(tenant, name, None, 20).await?.rows;
            let shown = rows.into_iter().map(|row| {
                json!({
                    "id": row.id, "user": row.user, "taskId": row.task_id, "atMs": row.at_ms, "export": row.receipt.export,
                    "outcome": row.receipt.outcome, "lines": row.logs,
                })
            });
            json!({ "invocations": shown.collect::<Vec<_>>() })
        }
        Call::Activate(name, version) => value(registry.activate(tenant, name, version, actor).await?),
        Call::Disable(name) => value(registry.disable(tenant, name, actor).await?),
        Call::Remove(name) => registry.remove(tenant, name, actor).await.map(|()| Value::Null)?,
        Call::Grant(name, grants) => value(registry.grant(tenant, name, &grants, actor).await?),
    })
}

fn value(view: impl Serialize) -> Value {
    serde_json::to_value(view).unwrap_or_default()
}

async fn there(client: &reqwest::Client, url: &str, token: &str, call: Call<'_>) -> Result<Value, Failure> {
    let mut base = reqwest::Url::parse(url).map_err(|error| Failure::usage(format!("--server `{url}`: {error}")))?;
    let mut path = |parts: &[&str]| {
        if let Ok(mut segments) = base.path_segments_mut() {
            segments.pop_if_empty().extend(["v1", "skills"]).extend(parts);
        }
        base.clone()
    };
    let request = match call {
        Call::Upload(archive) => {
            client.post(path(&[])).header("content-type", "application/octet-stream").body(archive)
        }
        Call::List(after) => {
            let mut url = path(&[]);
            url.query_pairs_mut().append_pair("limit", &PAGE.to_string());
            if !after.is_empty() {
                url.query_pairs_mut().append_pair("cursor", after);
            }
            client.get(url)
        }
        Call::Show(name) => client.get(path(&[name])),
        Call::Versions(name) => client.get(path(&[name, "versions"])),
        Call::Logs(name) => client.get(path(&[name, "logs"])),
        Call::Activate(name, version) => client.post(path(&[name, "activate"])).json(&json!({ "version": version })),
        Call::Disable(name) => client.post(path(&[name, "disable"])),
        Call::Remove(name) => client.delete(path(&[name])),
        Call::Grant(name, grants) => client.put(path(&[name, "grants"])).json(&grants),
    };
    let unreachable = |error: reqwest::Error| {
        Failure::failed(format!("the server {url} cannot be reached: {}", openanalyst_egress::reason(error)))
    };
    let response = request.bearer_auth(token).send().await.map_err(unreachable)?;
    let status = response.status();
    let body = response.bytes().await.map_err(unreachable)?;
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status.is_success() {
        return Ok(answer);
    }
    let mut said = answer["detail"].as_str().map_or_else(|| format!("the server answered {status}"), str::to_owned);
    for finding in answer["findings"].as_array().into_iter().flatten() {
        let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        let line = finding["line"].as_u64().map(|line| format!("{line}:")).unwrap_or_default();
        let file = finding["file"].as_str().map(|file| format!("{file}:{line} ")).unwrap_or_default();
        said.push_str(&format!("\n{file}{} [{}]", text("message"), text("code")));
    }
    Err(Failure::failed(said))
}
