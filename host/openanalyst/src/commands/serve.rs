//! `serve`: the host.

use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openanalyst_domain::{Clock as _, SystemClock};
use openanalyst_identity::{LocalKeys, Verifier};
use openanalyst_server::{ReadyCheck, ReadyReport, ServerOptions};
use openanalyst_store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::host::{Host, Role};
use crate::issuers;
use crate::settings::Settings;

/// How often revocations and retired keys are looked for: a token that another process ended ends its sockets within 5 s.
const LEARN_EVERY: Duration = Duration::from_secs(2);

/// Shows the settings with their sources.
///
/// # Errors
/// None today.
pub fn print_config(settings: &Settings) -> Result<ExitCode, Failure> {
    for (key, value, source) in settings.lines() {
        println!("{key} = {value} # {source}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the command until a signal ends it.
///
/// # Errors
/// The host cannot start; the message names the part and the next step.
pub async fn run(settings: &Settings) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    let data = DataDir::open(&settings.data_dir.value)?;
    let _only_server = data.lock_for_serving()?;
    let address = settings.listen.value;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let next = match error.kind() {
            ErrorKind::AddrInUse => "another program listens there: stop it, or choose another port with --listen",
            ErrorKind::PermissionDenied => "ports below 1024 need more rights: choose another port with --listen",
            _ => "choose another address with --listen",
        };
        Failure::failed(format!("cannot listen on {address}: {error}; {next}"))
    })?;
    let keys = LocalKeys::open_or_create(&data.keys())?;
    crate::data_dir::private_dir(&settings.cache_dir.value)?;
    let host = Host::open(settings, Role::Server).await?;
    let preparation = host.preparation();
    let preparing = tokio::spawn(preparation.clone().keep_running());

    let shutdown = CancellationToken::new();
    let store = host.store.clone();
    let verifier = issuers::trusted(keys.verifier()?, settings)?;
    learn_revocations(&store, &verifier).await?;
    let watch = tokio::spawn(keep_learning(store.clone(), verifier.clone()));
    let mut options = ServerOptions::new(verifier, Arc::new(SystemClock));
    options.version = env!("CARGO_PKG_VERSION");
    if !settings.allowed_origin.value.is_empty() {
        options.allowed_origins.push(settings.allowed_origin.value.clone());
    }
    options.limits.connections_per_address = settings.connections_per_address.value as usize;
    options.trusted_proxies = settings.trusted_proxies()?;
    options.readiness = Arc::new(move || {
        let (store, preparation) = (store.clone(), preparation.clone());
        Box::pin(async move {
            let check = |name, failure: Option<String>| ReadyCheck {
                name,
                ok: failure.is_none(),
                detail: failure.unwrap_or_default(),
            };
            let database = store.ping_writable().await.err().map(|error| error.to_string());
            let failures = preparation.failures();
            let components = (!failures.is_empty()).then(|| failures.join("; "));
            ReadyReport {
                checks: vec![check("database", database), check("components", components)],
                preparing: preparation.pending(),
            }
        })
    });
    // The last line of the start on stdout. Whoever started this may have closed stdout: that is their choice.
    let address = listener.local_addr()?;
    let _ = writeln!(std::io::stdout(), "ready http://{address}");
    tracing::info!(%address, after_ms = began.elapsed().as_millis(), "ready");

    let server = tokio::spawn(openanalyst_server::serve(
        listener,
        host.brain.clone(),
        host.registry.clone(),
        options,
        shutdown.clone(),
    ));
    tokio::select! {
        ended = terminated() => ended?,
    }
    tracing::info!("shutting down: nothing new is begun, what runs may end");
    shutdown.cancel();
    watch.abort();
    preparing.abort();
    host.close(Duration::from_secs(settings.shutdown_grace_s.value)).await;
    match server.await {
        Ok(ended) => ended?,
        Err(error) => return Err(Failure::failed(format!("the server ended early: {error}"))),
    }
    tracing::info!("closed");
    Ok(ExitCode::SUCCESS)
}

/// Reads what other processes revoked.
async fn learn_revocations(store: &Store, verifier: &Verifier) -> Result<(), StoreError> {
    let now_ms = SystemClock.now_ms();
    let rows = store.revocations_of_all_tenants(now_ms).await?;
    verifier.revocations().add_all(rows.into_iter().map(openanalyst_server::revocation), now_ms);
    Ok(())
}

/// Reads them again and again, and which of the host's own keys are still good.
async fn keep_learning(store: Store, verifier: Verifier) {
    let mut tick = tokio::time::interval(LEARN_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = learn_revocations(&store, &verifier).await {
            tracing::warn!(%error, "revocations cannot be read now: those that are known stay");
        }
        verifier.reload();
    }
}

async fn terminated() -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}
