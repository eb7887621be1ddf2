//! The listener: accepts connections, gives each its limits, and drains them at the end.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use openanalyst_brain::Brain;
use openanalyst_registry::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::app::{self, App, ServerOptions};
use crate::auth::Peer;
use crate::connections::{ActiveRequest, Connections, OpenConnection};
use crate::refuse::Refuser;

/// The pause after an error of the listener itself, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);
/// The same where an idle connection could be closed.
const SHORT_ACCEPT_PAUSE: Duration = Duration::from_millis(5);
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
    let connections = Connections::new(&options.limits, options.trusted_proxies.clone());
    let app = app::shared(brain, registry, options, shutdown.clone());
    let router = app::router(&app);
    let refuser = Refuser::new();
    let tasks = TaskTracker::new();
    let rate = tokio::spawn(app.rate.clone().keep_small());
    let refused = tokio::spawn(app.refused_tokens.clone().keep_logging());
    while let Some((stream, peer)) = shutdown.run_until_cancelled(next(&listener, &connections)).await {
        match connections.admit(peer.ip()) {
            Ok(connection) => {
                let task = tasks.spawn(one(app.clone(), router.clone(), stream, peer, connection.clone()));
                connection.served_by(task.abort_handle());
            }
            Err(refusal) => refuser.refuse(stream, &refusal.problem()),
        }
    }
    drop(listener);
    rate.abort();
    refused.abort();
    app.refused_tokens.log();
    app.sockets.close();
    tasks.close();
    let drained = async {
        tasks.wait().await;
        app.sockets.wait().await;
    };
    // The sockets need the time of both sides' end beside that of the drain.
    if in_time(app.limits.drain + app.limits.ws_close_timeout * 2, drained).await.is_none() {
        tracing::warn!("some connections did not end in time: they are cut off, their tasks go on");
    }
    connections.abort_all();
    tasks.wait().await;
    Ok(())
}

/// Serves one connection until it ends; at shutdown it ends after the call that it is at.
async fn one(app: App, router: Router, stream: TcpStream, peer: SocketAddr, connection: Arc<OpenConnection>) {
    let place = connection.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let active = place.begin();
        let router = router.clone();
        async move {
            // It lost its place to a new connection just now.
            let active = active.ok_or(io::ErrorKind::ConnectionAborted)?;
            request.extensions_mut().insert(active.clone());
            request.extensions_mut().insert(Peer(peer));
            let Ok(response) = router.oneshot(request).await;
            Ok::<_, io::Error>(response.map(|body| ActiveBody { body, _active: active }))
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.limits.header_read_timeout)
        .max_buf_size(BUFFER_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(io_of(stream, &app), service)
        .with_upgrades();
    let mut served = pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = first_request_is_overdue(&connection, app.limits.first_header_timeout) => {
            tracing::debug!("a connection sent no whole request in time");
            return;
        }
        () = app.shutdown.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    connection.no_longer_served();
    if let Err(error) = ended {
        // Clients break off all the time: worth a look only when one looks for something.
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Ends when a connection has had its time and has not sent the headers of one request.
async fn first_request_is_overdue(connection: &OpenConnection, time: Duration) {
    tokio::time::sleep(time).await;
    if !connection.is_unused() {
        std::future::pending::<()>().await;
    }
}

/// The body of an answer. Its request is under way until all of it is sent.
struct ActiveBody {
    body: Body,
    _active: Arc<ActiveRequest>,
}

impl hyper::body::Body for ActiveBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

async fn in_time<T>(time: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(time, work).await.ok()
}

/// The next connection.
async fn next(listener: &TcpListener, connections: &Connections) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_the_peer(&error) => {}
            // Mostly the process has too many open files: an idle connection gives one back.
            Err(error) if connections.evict() => {
                tracing::debug!(%error, "an idle connection is closed, so that a new one can be accepted");
                tokio::time::sleep(SHORT_ACCEPT_PAUSE).await;
            }
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

fn io_of(stream: TcpStream, app: &App) -> TokioIo<Pin<Box<TimeoutStream<TcpStream>>>> {
    // Small messages go out at once; without it the connection works too, only slower.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(app.limits.write_timeout));
    TokioIo::new(Box::pin(stream))
}
