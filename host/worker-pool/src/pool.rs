//! The pool: its threads, and what they poll.

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_task::{FallibleTask, Runnable};
use openanalyst_domain::Owner;
use openanalyst_domain::urgency::{self, Urgency};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Handle;

use crate::fair::{AccountId, FairQueue, LONG_POLL, Lane};

/// How much lower than the others the priority of threads is that run long work (`nice`, Linux).
const NICE_OF_LONG: i32 = 5;

/// Who waits for some work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// A user.
    Interactive,
    /// Nobody: a schedule began it.
    Background,
}

/// Some work ended without a result: it panicked, or the pool was closed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended;

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the work was ended before it had a result")
    }
}

impl std::error::Error for Ended {}

/// How much waits for a thread, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Interactive work in short pieces.
    pub quick: usize,
    /// Interactive work that computes for long.
    pub long: usize,
    /// Background work.
    pub background: usize,
}

/// Work that was begun. Dropping it cancels the work.
#[derive(Debug)]
#[must_use = "dropping it cancels the work"]
pub struct Work<T>(FallibleTask<T, Meta>);

impl<T> Work<T> {
    /// Cancels the work, and waits until its future is dropped. Some: it had ended before.
    pub async fn cancel(self) -> Option<T> {
        self.0.cancel().await
    }
}

impl<T> Future for Work<T> {
    type Output = Result<T, Ended>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|result| result.ok_or(Ended))
    }
}

/// A pool of threads that polls futures in fair turns. Clones are the same pool; when the last one
/// is dropped, the threads end after what they are polling, and the rest is dropped.
#[derive(Clone, Debug)]
pub struct WorkerPool {
    handle: Arc<PoolHandle>,
}

#[derive(Debug)]
struct PoolHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Wakes a thread for short pieces.
    quick: Condvar,
    /// Wakes a thread for anything.
    any: Condvar,
}

#[derive(Debug)]
struct State {
    queue: FairQueue<Runnable<Meta>>,
    idle_quick: usize,
    idle_any: usize,
    closed: bool,
}

/// What the pool knows of one piece of work.
#[derive(Debug)]
struct Meta {
    shared: Arc<Shared>,
    account: AccountId,
    priority: Priority,
    urgency: Urgency,
    /// Whether its last poll was.
    was_long: Arc<AtomicBool>,
}

impl Drop for Meta {
    fn drop(&mut self) {
        self.shared.lock().queue.close(self.account);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues work that can go on, and wakes a thread for it.
    fn schedule(&self, work: Runnable<Meta>) {
        let meta = work.metadata();
        let account = meta.account;
        // Work that yields is queued in its own poll, whose time is not booked yet.
        let polled = POLLED.get().filter(|(at, _)| *at == std::ptr::from_ref(meta).addr());
        let was_long = match polled {
            Some((_, began)) => thread_cpu().saturating_sub(began) >= LONG_POLL,
            None => meta.was_long.load(Ordering::Relaxed),
        };
        let is_background = meta.priority == Priority::Background;
        let is_urgent = meta.urgency.is_urgent();
        let mut state = self.lock();
        if state.closed {
            drop(state);
            // Dropped outside of the lock: that drops the future, and closes its account.
            drop(work);
            return;
        }
        let lane = match is_background {
            _ if is_urgent => Lane::Quick,
            true => Lane::Background,
            false => state.queue.lane(account, was_long, Instant::now()),
        };
        match is_urgent {
            true => state.queue.push_urgent(work),
            false => state.queue.push(account, lane, work),
        }
        let wake = match lane {
            Lane::Quick if state.idle_quick > 0 => Some(&self.quick),
            _ if state.idle_any > 0 => Some(&self.any),
            _ => None,
        };
        drop(state);
        if let Some(wake) = wake {
            wake.notify_one();
        }
    }
}

/// What a thread takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Quick,
    Any,
}

impl WorkerPool {
    /// Starts the pool: `cores` threads for short pieces, and as many for anything. Call it within
    /// the runtime whose timers and sockets the work uses.
    ///
    /// # Errors
    /// The machine gives no thread.
    pub fn start(cores: usize) -> std::io::Result<Self> {
        let state = State { queue: FairQueue::new(), idle_quick: 0, idle_any: 0, closed: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), quick: Condvar::new(), any: Condvar::new() });
        let pool = Self { handle: Arc::new(PoolHandle { shared: shared.clone() }) };
        let runtime = Handle::current();
        for number in 0..cores.max(1) {
            for (name, takes) in [("quick", Takes::Quick), ("work", Takes::Any)] {
                let (shared, runtime) = (shared.clone(), runtime.clone());
                std::thread::Builder::new().name(format!("{name}-{number}")).spawn(move || {
                    let _entered = runtime.enter();
                    if takes == Takes::Any {
                        lower_priority();
                    }
                    work_on(&shared, takes);
                })?;
            }
        }
        Ok(pool)
    }

    /// Polls a future to its end, in the turns of its owner. Dropping what is returned cancels the
    /// work: its future is dropped.
    pub fn run<F>(&self, owner: &Owner, priority: Priority, future: F) -> Work<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Work(self.begin(owner, priority, future).fallible())
    }

    /// The same, and nobody waits for the end.
    pub fn spawn<F>(&self, owner: &Owner, priority: Priority, future: F)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.begin(owner, priority, future).detach();
    }

    fn begin<F>(&self, owner: &Owner, priority: Priority, future: F) -> async_task::Task<F::Output, Meta>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let shared = self.handle.shared.clone();
        let account = shared.lock().queue.open(owner, Instant::now());
        let (urgency, was_long) = (Urgency::default(), Arc::default());
        let meta = Meta { shared, account, priority, urgency, was_long };
        let schedule = {
            let shared = self.handle.shared.clone();
            move |work: Runnable<Meta>| shared.schedule(work)
        };
        let (work, task) = async_task::Builder::new().metadata(meta).spawn(move |_| future, schedule);
        work.schedule();
        task
    }

    /// How much waits.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let [quick, long, background] = self.handle.shared.lock().queue.queued();
        Stats { quick, long, background }
    }
}

impl Drop for PoolHandle {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        let rest = state.queue.drain();
        drop(state);
        self.shared.quick.notify_all();
        self.shared.any.notify_all();
        drop(rest);
    }
}

/// A thread's life.
fn work_on(shared: &Shared, takes: Takes) {
    while let Some(work) = next(shared, takes) {
        let meta = work.metadata();
        // The work may end in this poll, and its metadata with it.
        let (account, was_long) = (meta.account, meta.was_long.clone());
        let polling = urgency::polling(&meta.urgency);
        let began = thread_cpu();
        POLLED.set(Some((std::ptr::from_ref(meta).addr(), began)));
        // A future that panicked is never polled again.
        let polled = catch_unwind(AssertUnwindSafe(|| work.run()));
        POLLED.set(None);
        drop(polling);
        let used = thread_cpu().saturating_sub(began);
        was_long.store(used >= LONG_POLL, Ordering::Relaxed);
        if polled.is_err() {
            tracing::error!("a piece of work panicked: it ends, the others continue");
        }
        let mut state = shared.lock();
        state.queue.charge(account, used, Instant::now());
        state.queue.close(account);
    }
}

thread_local! {
    /// The address of the metadata of the work that this thread polls, and the thread's CPU time
    /// when the poll began.
    static POLLED: Cell<Option<(usize, Duration)>> = const { Cell::new(None) };
}

/// Waits for work. None: the pool is closed.
fn next(shared: &Shared, takes: Takes) -> Option<Runnable<Meta>> {
    let mut state = shared.lock();
    loop {
        if state.closed {
            return None;
        }
        let work = match takes {
            Takes::Quick => state.queue.pop_quick(),
            Takes::Any => state.queue.pop(),
        };
        if let Some(work) = work {
            // Kept until its CPU time is charged.
            state.queue.hold(work.metadata().account);
            // A thread that was woken may find its work taken, and other work left.
            if state.queue.has_quick() && state.idle_any > 0 {
                shared.any.notify_one();
            }
            return Some(work);
        }
        let (condition, idle): (_, fn(&mut State) -> &mut usize) = match takes {
            Takes::Quick => (&shared.quick, |state| &mut state.idle_quick),
            Takes::Any => (&shared.any, |state| &mut state.idle_any),
        };
        *idle(&mut state) += 1;
        state = condition.wait(state).unwrap_or_else(PoisonError::into_inner);
        *idle(&mut state) -= 1;
    }
}

/// The CPU time of the current thread.
fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    // A thread's CPU time is never negative, and nanoseconds are below 10^9.
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Lowers the priority of the current thread. Linux keeps it for each thread.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE_OF_LONG) {
        tracing::warn!(%error, "the priority of a worker thread could not be lowered");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use openanalyst_domain::{TenantId, UserId};

    use super::*;

    fn owner(tenant: &str) -> Owner {
        Owner::new(TenantId::parse(tenant).unwrap(), UserId::parse("ada").unwrap())
    }

    /// Computes for as long, in pieces of 5 ms of CPU time.
    async fn compute(pieces: u32) {
        for _ in 0..pieces {
            let began = thread_cpu();
            while thread_cpu() < began + Duration::from_millis(5) {
                std::hint::spin_loop();
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn results_come_back_and_timers_work() {
        let pool = WorkerPool::start(1).unwrap();
        let work = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            std::thread::current().name().map(str::to_owned)
        };
        let ran_on = pool.run(&owner("acme"), Priority::Interactive, work).await.unwrap();
        assert!(ran_on.is_some_and(|name| name == "quick-0" || name == "work-0"));
        assert_eq!(pool.stats(), Stats::default());
    }

    #[tokio::test]
    async fn a_panic_ends_its_work_and_no_thread() {
        let pool = WorkerPool::start(1).unwrap();
        for _ in 0..3 {
            let panics = async { panic!("in the work") };
            let ended: Result<(), Ended> = pool.run(&owner("acme"), Priority::Interactive, panics).await;
            assert_eq!(ended, Err(Ended));
        }
        let fine = pool.run(&owner("acme"), Priority::Background, async { 7 }).await;
        assert_eq!(fine, Ok(7));
    }

    /// With one thread of each kind, work that computes occupies the thread for anything only.
    #[tokio::test]
    async fn short_work_does_not_wait_for_long_work() {
        let pool = WorkerPool::start(1).unwrap();
        let (order, ended) = mpsc::channel();
        for _ in 0..4 {
            let order = order.clone();
            pool.spawn(&owner("greedy"), Priority::Interactive, async move {
                compute(20).await;
                order.send("long").unwrap();
            });
        }
        for _ in 0..20 {
            pool.run(&owner("modest"), Priority::Interactive, async {}).await.unwrap();
        }
        order.send("short").unwrap();
        drop(order);
        let ended = tokio::task::spawn_blocking(move || ended.iter().collect::<Vec<_>>()).await;
        assert_eq!(ended.unwrap(), ["short", "long", "long", "long", "long"]);
    }

    #[tokio::test]
    async fn work_of_a_closed_pool_is_dropped() {
        let pool = WorkerPool::start(1).unwrap();
        let (alive, mut is_alive) = tokio::sync::mpsc::channel::<()>(1);
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        pool.spawn(&owner("acme"), Priority::Interactive, async move {
            begun.send(()).unwrap();
            alive.closed().await;
        });
        has_begun.await.unwrap();
        let waits = pool.begin(&owner("acme"), Priority::Interactive, std::future::pending::<()>());
        drop(waits);
        drop(pool);
        is_alive.close();
        assert_eq!(is_alive.recv().await, None, "woken after the end, the work is dropped");
    }
}
