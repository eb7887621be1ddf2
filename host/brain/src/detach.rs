//! Futures that go on when nobody awaits them any more.
//!
//! A commit that was sent happens, whether or not somebody waits for it: a client goes away, a guest is cancelled. What has to follow it must follow all the same. As long as
//! somebody waits this costs nothing; dropped half-way, the rest is done by a task of its own.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tokio_util::task::TaskTracker;

/// See the module.
pub(crate) struct Detached<T: Send + 'static> {
    rest: Option<BoxFuture<'static, T>>,
    tracker: TaskTracker,
}

/// Does all of `what`, also if what is returned here is dropped before it is done.
pub(crate) fn run_detached<T: Send + 'static>(
    tracker: &TaskTracker,
    what: impl Future<Output = T> + Send + 'static,
) -> Detached<T> {
    Detached { rest: Some(Box::pin(what)), tracker: tracker.clone() }
}

impl<T: Send + 'static> Future for Detached<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Some(rest) = &mut self.rest else { return Poll::Pending };
        let polled = rest.as_mut().poll(context);
        if polled.is_ready() {
            self.rest = None;
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Detached<T> {
    fn drop(&mut self) {
        // Outside of a runtime nothing can go on.
        if let (Some(rest), Ok(runtime)) = (self.rest.take(), tokio::runtime::Handle::try_current()) {
            self.tracker.spawn_on(async move { drop(rest.await) }, &runtime);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_nobody_awaits_any_more_is_done_all_the_same() {
        let tracker = TaskTracker::new();
        let (go, gone) = oneshot::channel::<()>();
        let (done, is_done) = oneshot::channel();
        let mut work = run_detached(&tracker, async move {
            gone.await.unwrap();
            done.send(7).unwrap();
        });
        assert!(futures_util::poll!(&mut work).is_pending());
        drop(work);
        go.send(()).unwrap();
        assert_eq!(is_done.await, Ok(7));
        assert_eq!(run_detached(&tracker, async { 8 }).await, 8);
    }
}
