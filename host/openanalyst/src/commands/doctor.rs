//! `doctor`: checks every dependency by name, and says what to do about each failure.

use std::net::TcpListener;
use std::process::ExitCode;

use openanalyst_domain::Budget;
use openanalyst_identity::LocalKeys;
use openanalyst_registry::{Catalog, ObjectPackages, Vault};
use openanalyst_runtime::{Sandbox, SandboxOptions};

use crate::data_dir::{DataDir, private_dir};
use crate::failure::Failure;
use crate::host::{bundled_skills, egress, open_store};
use crate::settings::Settings;
use openanalyst_store::StoreOptions;

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
        println!(
            "note  there is no data directory at {}: `serve` makes it (--data-dir names another)",
            place.display()
        );
        elsewhere = settings.in_a_temporary_directory()?;
        &elsewhere.0
    };
    let mut report = Report::default();
    report.line("data directory", DataDir::open(&settings.data_dir.value).map(|_| shown(&settings.data_dir.value)));
    report.line("database", database(settings).await);
    report.line("packages", packages(settings).await);
    report.line("language model", language_model(settings).await);
    report.line("web search", web_search(settings).await);
    report.line("signing key", signing_key(settings));
    report.line("secrets", secrets_key(settings));
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
    println!("{} checks, {} failed", report.checks, report.failed);
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
            Ok(detail) => println!("ok    {name}: {detail}"),
            Err(failure) => {
                self.failed += 1;
                println!("FAIL  {name}: {failure}");
            }
        }
    }
}

fn shown(path: &std::path::Path) -> String {
    path.display().to_string()
}

async fn database(settings: &Settings) -> Found {
    let options = settings.database()?;
    let shown = match &options {
        StoreOptions::Sqlite { path } if !path.exists() => {
            return Ok(format!("{} is not there yet: `serve` or `migrate` makes it", path.display()));
        }
        StoreOptions::Sqlite { path } => format!("{} is sound", path.display()),
        StoreOptions::Postgres { .. } => {
            "PostgreSQL answers, and row-level security is forced on every table".to_owned()
        }
    };
    let store = open_store(settings).await?;
    let checked = store.check().await;
    let version = store.schema_version().await?;
    store.close().await;
    checked?;
    Ok(format!("{shown}, schema version {version}"))
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

async fn web_search(settings: &Settings) -> Found {
    match crate::host::search(settings)? {
        Some(search) => {
            search.check().await.map_err(|failure| Failure::failed(failure.to_string()))?;
            Ok(format!("{} answers", settings.search.value))
        }
        None => Ok("none: skills do without (--search names one)".to_owned()),
    }
}

async fn packages(settings: &Settings) -> Found {
    match settings.object_store()? {
        Some(options) => {
            let store = ObjectPackages::open(&options)?;
            store.check().await?;
            Ok(format!("{store} answers"))
        }
        None => Ok(shown(&DataDir::open(&settings.data_dir.value)?.packages())),
    }
}

fn secrets_key(settings: &Settings) -> Found {
    let file = settings.secrets_key(&DataDir::open(&settings.data_dir.value)?);
    Vault::open_or_create(&file)?;
    Ok(format!("sealed with {}", shown(&file)))
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

fn signing_key(settings: &Settings) -> Found {
    let folder = DataDir::open(&settings.data_dir.value)?.keys();
    let ids = LocalKeys::open_or_create(&folder)?.key_ids()?;
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
