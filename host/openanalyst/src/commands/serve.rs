//! `serve`: the host.

use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openanalyst_domain::{Clock as _, SystemClock};
use openanalyst_identity::{LocalKeys, Verifier};
use openanalyst_registry::PackageStore;
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
use crate::output::say;
use crate::preparation::Preparation;
use crate::settings::Settings;

/// How often revocations and retired keys are looked for: a token that another process ended ends its sockets within 5 s.
const LEARN_EVERY: Duration = Duration::from_secs(2);

/// Shows the settings with their sources.
///
/// # Errors
/// None today.
pub fn print_config(settings: &Settings) -> Result<ExitCode, Failure> {
    for (key, value, source) in settings.lines() {
        say!("{key} = {value} # {source}");
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
    if let Some(warning) = DataDir::openness(&settings.data_dir.value) {
        tracing::warn!("{warning}");
    }
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
    let leaving = options.leaving.clone();
    let ready =
        Arc::new(Ready { store, packages: host.packages.clone(), preparation, last: tokio::sync::Mutex::default() });
    options.readiness = Arc::new(move || {
        let ready = ready.clone();
        Box::pin(async move { ready.report().await })
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
    let delay = Duration::from_secs(settings.shutdown_delay_s.value);
    if !delay.is_zero() {
        tracing::info!(
            delay_s = delay.as_secs(),
            "about to shut down: /ready says 503, and everything is still served"
        );
        leaving.cancel();
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            // Whoever asks twice does not want to wait.
            ended = terminated() => ended?,
        }
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

/// What `/ready` looks at.
struct Ready {
    store: Store,
    packages: Arc<dyn PackageStore>,
    preparation: Preparation,
    /// The last report, and when it was made: anybody may ask, and each look writes to the database.
    last: tokio::sync::Mutex<Option<(Instant, ReadyReport)>>,
}

/// For how long a report is given again.
const REPORT_KEPT: Duration = Duration::from_millis(500);
/// How long each check may take: together they answer within a second.
const CHECK_TIMEOUT: Duration = Duration::from_millis(700);

impl Ready {
    async fn report(&self) -> ReadyReport {
        let mut last = self.last.lock().await;
        if let Some((at, report)) = &*last
            && at.elapsed() < REPORT_KEPT
        {
            return report.clone();
        }
        let database = async { self.store.ping_writable().await.map_err(|error| error.to_string()) };
        let packages = async { self.packages.check().await.map_err(|error| error.to_string()) };
        let (database, packages) = tokio::join!(in_time("database", database), in_time("packages", packages));
        let failures = self.preparation.failures();
        let components = ReadyCheck { name: "components", ok: failures.is_empty(), detail: failures.join("; ") };
        let report =
            ReadyReport { checks: vec![database, packages, components], preparing: self.preparation.pending() };
        *last = Some((Instant::now(), report.clone()));
        report
    }
}

async fn in_time(name: &'static str, check: impl Future<Output = Result<(), String>>) -> ReadyCheck {
    let found = tokio::time::timeout(CHECK_TIMEOUT, check).await;
    let found = found.unwrap_or_else(|_| Err(format!("no answer within {} ms", CHECK_TIMEOUT.as_millis())));
    ReadyCheck { name, ok: found.is_ok(), detail: found.err().unwrap_or_default() }
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
