//! The listener: accepts connections, gives each its limits, and drains them at the end.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use openanalyst_brain::Brain;
use openanalyst_registry::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::app::{self, App, ServerOptions};
use crate::auth::Peer;

/// The pause after an error of the listener itself, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);
/// Bytes that one connection may hold of what was read or is to be written; its request's headers must fit into it.
const BUFFER_BYTES: usize = 64 << 10;
/// Headers of one request.
const MAX_HEADERS: usize = 100;

/// Serves until `shutdown` is cancelled, then drains: nothing new is accepted, running calls get their answers, every WebSocket
/// gets its queued messages and is closed with 1001. What has not ended within [`drain`](crate::ServerLimits::drain) is cut off. The
/// brain is not shut down here: whoever started it does that, at the same time, because its closing ends the calls that wait.
///
/// HTTP/1.1 only: TLS and HTTP/2 are the business of the proxy in front.
///
/// # Errors
/// None while it runs: errors of single connections are logged, and those of the listener are waited out.
pub async fn serve(
    listener: TcpListener,
    brain: Brain,
    registry: Registry,
    options: ServerOptions,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let app = app::shared(brain, registry, options, shutdown.clone());
    let router = app::router(&app);
    let places = Arc::new(Semaphore::new(app.limits.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    let rate = tokio::spawn(app.rate.clone().keep_small());
    while let Some((stream, place)) = shutdown.run_until_cancelled(next(&listener, &places)).await {
        while connections.try_join_next().is_some() {}
        connections.spawn(one(app.clone(), router.clone(), stream, ConnectionPlace(Arc::new(place))));
    }
    drop(listener);
    rate.abort();
    app.sockets.close();
    let drained = async {
        while connections.join_next().await.is_some() {}
        app.sockets.wait().await;
    };
    // The sockets need the time of both sides' end beside that of the drain.
    if in_time(app.limits.drain + app.limits.ws_close_timeout * 2, drained).await.is_none() {
        tracing::warn!("some connections did not end in time: they are cut off, their tasks go on");
    }
    connections.shutdown().await;
    Ok(())
}

/// A connection's part of [`max_connections`](crate::ServerLimits::max_connections). A WebSocket keeps it beyond its handshake.
#[derive(Clone)]
pub(crate) struct ConnectionPlace(#[allow(dead_code)] Arc<OwnedSemaphorePermit>);

/// Serves one connection until it ends; at shutdown it ends after the call that it is at.
async fn one(app: App, router: Router, stream: TcpStream, place: ConnectionPlace) {
    let peer = stream.peer_addr().ok().map(Peer);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(place.clone());
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.limits.header_read_timeout)
        .max_buf_size(BUFFER_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(io_of(stream, &app), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = app.shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Clients break off all the time: worth a look only when one looks for something.
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn in_time<T>(time: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(time, work).await.ok()
}

/// The next connection, once there is room for it.
async fn next(listener: &TcpListener, places: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let place = match places.clone().acquire_owned().await {
        Ok(place) => place,
        // The semaphore is never closed.
        Err(_) => std::future::pending().await,
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                tracing::error!(%error, "a connection cannot be accepted: trying again");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn io_of(stream: TcpStream, app: &App) -> TokioIo<std::pin::Pin<Box<TimeoutStream<TcpStream>>>> {
    // Small messages go out at once; without it the connection works too, only slower.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(app.limits.write_timeout));
    TokioIo::new(Box::pin(stream))
}
