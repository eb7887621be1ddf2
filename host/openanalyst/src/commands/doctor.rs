//! `doctor`: checks every dependency by name, and says what to do about each failure.

use std::net::TcpListener;
use std::process::ExitCode;

use openanalyst_domain::{Budget, Digest};
use openanalyst_identity::LocalKeys;
use openanalyst_registry::{Binding, Catalog, ObjectPackages, Vault};
use openanalyst_runtime::{Sandbox, SandboxOptions};

use crate::data_dir::{DataDir, private_dir};
use crate::failure::Failure;
use crate::host::{bundled_skills, egress, open_store_as_it_is};
use crate::output::say;
use crate::settings::Settings;
use openanalyst_store::{Store, StoreOptions};

/// How many packages of the record are looked for in the store.
const PACKAGES_LOOKED_AT: usize = 20;
/// Of how many tenants.
const TENANTS_LOOKED_AT: u32 = 20;

/// The outcome of one check: what was found, or what is wrong and what to do.
type Found = Result<String, Failure>;

/// Runs the command. Exit status 1 if a check fails.
///
/// # Errors
/// None: a failed check is an outcome.
pub async fn run(settings: &Settings) -> Result<ExitCode, Failure> {
    // Looks, and makes nothing: what is wrong with a machine is asked before the first start too.
    let elsewhere;
    let settings = if DataDir::is_one(&settings.data_dir.value) {
        settings
    } else {
        let place = std::path::absolute(&settings.data_dir.value)?;
        say!("note  there is no data directory at {}: `serve` makes it (--data-dir names another)", place.display());
        elsewhere = settings.in_a_temporary_directory()?;
        &elsewhere.0
    };
    let mut report = Report::default();
    report.line("data directory", DataDir::open(&settings.data_dir.value).map(|_| shown(&settings.data_dir.value)));
    if let Some(warning) = DataDir::openness(&settings.data_dir.value) {
        say!("note  {warning}");
    }
    let (found, store) = database(settings).await;
    report.line("database", found);
    report.line("packages", packages(settings, store.as_ref()).await);
    report.line("language model", language_model(settings).await);
    report.line("embeddings", embeddings(settings).await);
    report.line("web search", web_search(settings).await);
    report.line("signing key", signing_key(settings, store.as_ref()).await);
    report.line("secrets", secrets_key(settings, store.as_ref()).await);
    if let Some(store) = store {
        store.close().await;
    }
    for open in settings.open_secret_files() {
        report.line("files with secrets", Err(Failure::failed(open)));
    }
    report.line("other issuers", issuers(settings));
    report.line("HTTP of skills", egress(settings).map(|_| "certificates can be checked".to_owned()));
    report.line("listen address", listen_address(settings));
    report.line("time zone", Ok(settings.time_zone.value.clone()));
    match sandbox(settings) {
        Ok(sandbox) => {
            report.line("sandbox", Ok("wasmtime starts, the compiled-component cache can be used".to_owned()));
            report.line("bundled skills", skills(&sandbox).await);
            report.line("checker", openanalyst_brain::self_check(&sandbox).await.map_err(Failure::failed));
            report.line("script runner", openanalyst_workflow::self_check(&sandbox).await.map_err(Failure::failed));
        }
        Err(failure) => report.line("sandbox", Err(failure)),
    }
    say!("{} checks, {} failed", report.checks, report.failed);
    Ok(if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Default)]
struct Report {
    checks: u32,
    failed: u32,
}

impl Report {
    fn line(&mut self, name: &str, found: Found) {
        self.checks += 1;
        match found {
            Ok(detail) => say!("ok    {name}: {detail}"),
            Err(failure) => {
                self.failed += 1;
                say!("FAIL  {name}: {failure}");
            }
        }
    }
}

fn shown(path: &std::path::Path) -> String {
    path.display().to_string()
}

/// What is found of the database, and the database where it can be used. Nothing in it is changed.
async fn database(settings: &Settings) -> (Found, Option<Store>) {
    match sound_database(settings).await {
        Ok((found, store)) => (Ok(found), store),
        Err(failure) => (Err(failure), None),
    }
}

async fn sound_database(settings: &Settings) -> Result<(String, Option<Store>), Failure> {
    let options = settings.database()?;
    let shown = match &options {
        StoreOptions::Sqlite { path } if !path.exists() => {
            return Ok((format!("{} is not there yet: `serve` or `migrate` makes it", path.display()), None));
        }
        StoreOptions::Sqlite { path } => format!("{} is sound", path.display()),
        StoreOptions::Postgres { .. } => {
            "PostgreSQL answers, and row-level security is forced on every table".to_owned()
        }
    };
    let store = open_store_as_it_is(settings).await?;
    let checked = async {
        store.check().await?;
        store.schema_version().await
    };
    match checked.await {
        Ok(version) => Ok((format!("{shown}, schema version {version}"), Some(store))),
        Err(error) => {
            store.close().await;
            Err(error.into())
        }
    }
}

async fn language_model(settings: &Settings) -> Found {
    match crate::host::llm(settings)? {
        Some(model) => {
            model.check().await.map_err(|failure| Failure::failed(failure.to_string()))?;
            Ok(format!("{} answers", model.model()))
        }
        None => Ok("none: skills do without (--llm names one)".to_owned()),
    }
}

async fn embeddings(settings: &Settings) -> Found {
    match crate::host::embeddings(settings)? {
        Some(model) => {
            let dimension = model.check().await.map_err(|failure| Failure::failed(failure.to_string()))?;
            Ok(format!("{} answers with {dimension} dimensions", model.model()))
        }
        None => Ok("none: routing does without (--embeddings-model names one)".to_owned()),
    }
}

async fn web_search(settings: &Settings) -> Found {
    match crate::host::search(settings)? {
        Some(search) => {
            search.check().await.map_err(|failure| Failure::failed(failure.to_string()))?;
            Ok(format!("{} answers", settings.search.value))
        }
        None => Ok("none: skills do without (--search names one)".to_owned()),
    }
}

async fn packages(settings: &Settings, store: Option<&Store>) -> Found {
    let data = DataDir::open(&settings.data_dir.value)?;
    let packages = crate::host::packages(settings, &data)?;
    packages.check().await?;
    let place = match settings.object_store()? {
        Some(options) => format!("{} answers", ObjectPackages::open(&options)?),
        None => shown(&data.packages()),
    };
    let Some(store) = store else { return Ok(place) };
    let mut digests = Vec::new();
    for tenant in store.tenants_with_packages(TENANTS_LOOKED_AT).await? {
        digests.extend(store.skill_versions(&tenant, None).await?.into_iter().map(|version| version.digest));
    }
    digests.truncate(PACKAGES_LOOKED_AT);
    for text in &digests {
        let digest: Digest =
            text.parse().map_err(|_| Failure::failed(format!("the record names the package `{text}`")))?;
        packages.get(&digest).await.map_err(|error| {
            Failure::failed(format!(
                "{place}: the record names a package that is not to be had there ({error}). Use the folder or store in \
                 which it was uploaded: `packages` of that data directory, or --packages-url; on several nodes, the same for all"
            ))
        })?;
    }
    Ok(match digests.len() {
        0 => place,
        count => format!("{place}; {count} packages of the record were looked for, and are there"),
    })
}

async fn secrets_key(settings: &Settings, store: Option<&Store>) -> Found {
    let file = settings.secrets_key(&DataDir::open(&settings.data_dir.value)?);
    let vault = Vault::open_or_create(&file)?;
    let sealed = format!("sealed with {}", shown(&file));
    let Some(store) = store else { return Ok(sealed) };
    for tenant in store.tenants_with_secrets(TENANTS_LOOKED_AT).await? {
        let skill = store.skills_with_secrets(&tenant).await?.into_iter().next().unwrap_or_default();
        if let Some(secret) = store.secrets(&tenant, &skill).await?.into_iter().next() {
            let binding = Binding { tenant: &tenant, skill: &skill, key: &secret.key, audience: &secret.audience };
            vault.open(&binding, &secret.sealed).map_err(|error| {
                Failure::failed(format!(
                    "{} does not open what is stored for the skill `{skill}` of tenant {tenant}: {error}. On several nodes \
                     all need the same file (--secrets-key-file)",
                    shown(&file)
                ))
            })?;
            return Ok(format!("{sealed}; a stored one opens"));
        }
    }
    Ok(format!("{sealed}; none is stored yet"))
}

fn issuers(settings: &Settings) -> Found {
    let folder = DataDir::open(&settings.data_dir.value)?.keys();
    let verifier = LocalKeys::open_or_create(&folder)?.verifier()?;
    let trusted = crate::issuers::trusted(verifier, settings)?;
    let file = &settings.issuers_file.value;
    Ok(if file.as_os_str().is_empty() {
        "none: only tokens of this host are believed".to_owned()
    } else {
        format!("{}: {}", shown(file), trusted.issuers().join(", "))
    })
}

async fn signing_key(settings: &Settings, store: Option<&Store>) -> Found {
    let folder = DataDir::open(&settings.data_dir.value)?.keys();
    let ids = LocalKeys::open_or_create(&folder)?.key_ids()?;
    let in_use = match store {
        Some(store) => store.signing_keys_in_use().await?,
        None => Vec::new(),
    };
    if let Some(foreign) = in_use.iter().find(|key| !ids.contains(key)) {
        return Err(Failure::failed(format!(
            "another host on this database signs with the key {foreign}, which is not in {}: neither believes the other's \
             tokens. Stop this one, and copy `keys/` of that host's data directory here",
            folder.display()
        )));
    }
    Ok(format!("{} (key ids {})", folder.display(), ids.join(", ")))
}

fn listen_address(settings: &Settings) -> Found {
    let address = settings.listen.value;
    TcpListener::bind(address).map(|_| format!("{address} is free")).map_err(|error| {
        Failure::failed(format!("{address}: {error}; if this is not the host itself, choose another one with --listen"))
    })
}

fn sandbox(settings: &Settings) -> Result<Sandbox, Failure> {
    let data = DataDir::open(&settings.data_dir.value)?;
    private_dir(&settings.cache_dir.value)?;
    let mut options = SandboxOptions::new(settings.cache_dir.value.clone(), data.cache_key()?);
    // A compiler that cannot be started is found here.
    options.compiler = Some(super::compile::in_a_child());
    Ok(Sandbox::new(options)?)
}

async fn skills(sandbox: &Sandbox) -> Found {
    let catalog = Catalog::bundled(bundled_skills(), Budget::default())?;
    for version in catalog.bundled_versions() {
        version.load(sandbox).await.map_err(|failure| Failure::failed(failure.to_string()))?;
    }
    Ok(catalog.names().join(", "))
}
