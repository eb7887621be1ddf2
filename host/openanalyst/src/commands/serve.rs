//! `serve`: the host.

use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openanalyst_domain::SystemClock;
use openanalyst_identity::LocalKeys;
use openanalyst_server::{ReadyCheck, ServerOptions};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::host::{Host, Role};
use crate::settings::Settings;

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
    super::compile::in_a_child(settings).await;
    let host = Host::open(settings, Role::Server).await?;
    host.warm().await?;

    let shutdown = CancellationToken::new();
    let store = host.store.clone();
    let mut options = ServerOptions::new(keys.verifier()?, Arc::new(SystemClock));
    options.version = env!("CARGO_PKG_VERSION");
    if !settings.allowed_origin.value.is_empty() {
        options.allowed_origins.push(settings.allowed_origin.value.clone());
    }
    options.readiness = Arc::new(move || {
        let store = store.clone();
        Box::pin(async move {
            let (ok, detail) = match store.ping_writable().await {
                Ok(()) => (true, String::new()),
                Err(error) => (false, error.to_string()),
            };
            vec![ReadyCheck { name: "database", ok, detail }]
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
    terminated().await?;
    tracing::info!("shutting down: nothing new is begun, what runs may end");
    shutdown.cancel();
    host.close(Duration::from_secs(settings.shutdown_grace_s.value)).await;
    match server.await {
        Ok(ended) => ended?,
        Err(error) => return Err(Failure::failed(format!("the server ended early: {error}"))),
    }
    tracing::info!("closed");
    Ok(ExitCode::SUCCESS)
}

async fn terminated() -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}
