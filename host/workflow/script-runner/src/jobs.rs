//! The event loop: promise reactions first, then timers in the order they fall due.
//!
//! Unlike the interpreter's own loop it sleeps until the next timer instead of asking the clock over and over (time spent asleep
//! is not charged as CPU time by the sandbox), and it stops as soon as `main` has settled, as a process that exits does.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use boa_engine::context::time::JsInstant;
use boa_engine::job::{GenericJob, IntervalJob, Job, JobExecutor, NativeAsyncJob, PromiseJob, TimeoutJob};
use boa_engine::{Context, JsResult, JsValue, js_error};

/// Longest that one script may sleep in all, a backstop behind the sandbox's deadline.
const MAX_SLEEP: Duration = Duration::from_secs(600);

enum Timer {
    Once(TimeoutJob),
    Repeated(IntervalJob),
}

impl Timer {
    fn is_cancelled(&self) -> bool {
        match self {
            Self::Once(job) => job.cancelled(),
            Self::Repeated(job) => job.cancelled(),
        }
    }
}

/// Everything a script has waiting.
#[derive(Default)]
pub(crate) struct EventLoop {
    reactions: RefCell<VecDeque<PromiseJob>>,
    generic: RefCell<VecDeque<GenericJob>>,
    futures: RefCell<VecDeque<NativeAsyncJob>>,
    /// Ordered by due time, then by order of creation.
    timers: RefCell<BTreeMap<(JsInstant, u64), Timer>>,
    created: Cell<u64>,
    slept: Cell<Duration>,
}

type Running<'a> = Pin<Box<dyn Future<Output = JsResult<JsValue>> + 'a>>;

impl EventLoop {
    /// Runs until `is_done` or until nothing is left to do. The caller finds out which of them it was.
    ///
    /// # Errors
    /// What a timer's callback threw, or an error that no script can catch (a limit of the interpreter).
    pub(crate) fn run_until(&self, context: &mut Context, is_done: impl Fn() -> bool) -> JsResult<()> {
        let context = RefCell::new(context);
        let mut running: Vec<Running<'_>> = Vec::new();
        loop {
            self.run_reactions(&context)?;
            if is_done() {
                return Ok(());
            }
            running.extend(self.futures.take().into_iter().map(|job| Box::pin(job.call(&context)) as Running<'_>));
            let before = running.len();
            poll_all(&mut running)?;
            let has_progress = running.len() < before || !self.is_idle();
            if !has_progress && !self.run_next_timer(&context)? {
                return Ok(());
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.reactions.borrow().is_empty() && self.generic.borrow().is_empty() && self.futures.borrow().is_empty()
    }

    fn run_reactions(&self, context: &RefCell<&mut Context>) -> JsResult<()> {
        loop {
            // Taken out before the call: a reaction adds others.
            let reaction = self.reactions.borrow_mut().pop_front();
            if let Some(job) = reaction {
                job.call(&mut context.borrow_mut())?;
                continue;
            }
            let generic = self.generic.borrow_mut().pop_front();
            let Some(job) = generic else { break };
            job.call(&mut context.borrow_mut())?;
        }
        context.borrow_mut().clear_kept_objects();
        Ok(())
    }

    /// Sleeps until the next timer is due and runs it. `false` if there is none.
    fn run_next_timer(&self, context: &RefCell<&mut Context>) -> JsResult<bool> {
        let next = {
            let mut timers = self.timers.borrow_mut();
            timers.retain(|_, timer| !timer.is_cancelled());
            timers.pop_first()
        };
        let Some(((due, _), timer)) = next else { return Ok(false) };
        self.sleep_until(due, &context.borrow())?;
        let context = &mut context.borrow_mut();
        match timer {
            Timer::Once(job) => {
                job.call(context)?;
            }
            Timer::Repeated(job) => {
                job.call(context)?;
                if !job.cancelled() {
                    let next = context.clock().now() + job.interval();
                    self.add_timer(next, Timer::Repeated(job));
                }
            }
        }
        Ok(true)
    }

    fn sleep_until(&self, due: JsInstant, context: &Context) -> JsResult<()> {
        let rest = Duration::from(due - context.clock().now());
        if rest.is_zero() {
            return Ok(());
        }
        let slept = self.slept.get().saturating_add(rest);
        if slept > MAX_SLEEP {
            return Err(js_error!(
                RangeError: "TimerTooLong: this script would wait for more than {} seconds; use a schedule for later work",
                MAX_SLEEP.as_secs()
            ));
        }
        self.slept.set(slept);
        std::thread::sleep(rest);
        Ok(())
    }

    fn add_timer(&self, due: JsInstant, timer: Timer) {
        let order = self.created.get();
        self.created.set(order + 1);
        self.timers.borrow_mut().insert((due, order), timer);
    }
}

fn poll_all(running: &mut Vec<Running<'_>>) -> JsResult<()> {
    // Nothing outside of this loop wakes a future, so each is simply asked again after whatever else ran.
    let mut task = std::task::Context::from_waker(std::task::Waker::noop());
    let mut failure = None;
    running.retain_mut(|future| match pin!(future.as_mut()).poll(&mut task) {
        Poll::Pending => true,
        Poll::Ready(result) => {
            if let Err(error) = result {
                failure.get_or_insert(error);
            }
            false
        }
    });
    failure.map_or(Ok(()), Err)
}

impl JobExecutor for EventLoop {
    fn enqueue_job(self: Rc<Self>, job: Job, context: &mut Context) {
        match job {
            Job::PromiseJob(job) => self.reactions.borrow_mut().push_back(job),
            Job::GenericJob(job) => self.generic.borrow_mut().push_back(job),
            Job::AsyncJob(job) => self.futures.borrow_mut().push_back(job),
            Job::TimeoutJob(job) => self.add_timer(context.clock().now() + job.timeout(), Timer::Once(job)),
            Job::IntervalJob(job) => self.add_timer(context.clock().now() + job.interval(), Timer::Repeated(job)),
            // Callbacks of FinalizationRegistry are optional by the language; an instance lives for one script only.
            _ => {}
        }
    }

    fn run_jobs(self: Rc<Self>, context: &mut Context) -> JsResult<()> {
        self.run_until(context, || false)
    }
}
