//! One invocation: a place in the pool, a fresh store, a fresh instance, the call under all its limits, a receipt.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openanalyst_domain::{Failure, Outcome, Receipt};
use wasmtime::{Engine, Store, UpdateDeadline};

use crate::Scrubber;
use crate::admission::{Admission, Place};
use crate::call::Call;
use crate::cpu::CpuMeter;
use crate::drive::{Reins, Stopped};
use crate::ending;
use crate::engine::MAX_MEMORY_BYTES;
use crate::invocation::{CallError, Invocation};
use crate::limits::LimitHit;
use crate::logs::LogLevel;
use crate::resting::Resting;
use crate::script::ScriptHost;
use crate::state::State;

/// Bytes that the engine may count on top of a limit for the frame around texts: list elements, records.
const FRAME_BYTES: usize = 64 << 10;

/// What is called, for the receipt.
pub(crate) struct Target<'a> {
    pub(crate) skill: &'a str,
    pub(crate) digest: &'a str,
    pub(crate) export: &'static str,
    pub(crate) input_bytes: usize,
    pub(crate) script: Option<Arc<dyn ScriptHost>>,
}

impl Target<'_> {
    fn receipt(&self) -> Receipt {
        let receipt = Receipt::new(self.skill, self.digest, self.export);
        Receipt { input_bytes: self.input_bytes as u64, ..receipt }
    }
}

/// Runs `body` on a fresh store; `size` says how many bytes its result has, `scrub` takes secrets out of it.
pub(crate) async fn invoke<T>(
    engine: &Engine,
    admission: &Admission,
    target: Target<'_>,
    mut call: Call,
    size: impl Fn(&T) -> usize,
    scrub: impl FnOnce(&Scrubber, T) -> Result<T, Failure>,
    body: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<Result<T, CallError>>,
) -> Invocation<T> {
    let mut receipt = target.receipt();
    let asked = Instant::now();
    let end = asked + call.budget.wall();
    let deadline = call.deadline.map_or(end, |deadline| deadline.min(end));
    let place = match place(admission, &call, deadline).await {
        Ok(place) => place,
        Err(error) => {
            receipt.queued_us = micros(asked.elapsed());
            receipt.outcome = error.outcome();
            return Invocation { receipt, logs: Vec::new(), result: Err(error) };
        }
    };
    let began = Instant::now();
    receipt.queued_us = micros(began - asked);
    // Waiting for a place is not the skill's fault: its wall time begins now, unless the caller's own deadline is sooner.
    let end = began + call.budget.wall();
    call.deadline = Some(call.deadline.map_or(end, |deadline| deadline.min(end)));
    call.budget.memory_bytes = call.budget.memory_bytes.min(MAX_MEMORY_BYTES);

    let meter = Arc::new(CpuMeter::default());
    let script = target.script.clone();
    let mut store = store(engine, call, target.script, &meter);
    let yielded = store.data().yielded.clone();
    let (cpu_limit, deadline, cancel) = {
        let call = &store.data().call;
        (call.budget.cpu(), call.deadline_or_far(), call.cancel.clone())
    };
    let reins = Reins { meter: &meter, cpu_limit, deadline, cancel: &cancel };
    let ended = {
        let guest = pin!(body(&mut store));
        match &script {
            Some(host) => reins.drive(Resting::new(guest, host.as_ref(), yielded)).await,
            None => reins.drive(guest).await,
        }
    };

    let mut state = store.into_data();
    let scrubber = state.call.scrubber.clone();
    let result = match ended {
        Ok(Ok(Ok(value))) => scrub(&scrubber, value).map_err(CallError::Failure),
        Ok(Ok(Err(CallError::Failure(failure)))) => Err(CallError::Failure(scrubber.failure(failure))),
        Ok(Ok(Err(error))) => Err(error),
        Ok(Err(error)) => Err(ending::of_error(&error, &state.call)),
        Err(stopped) => Err(ending::of_stop(stopped, &state.call)),
    };
    let result = result.and_then(|value| {
        let bytes = size(&value);
        receipt.output_bytes = bytes as u64;
        let too_large = bytes > state.call.budget.output_bytes;
        if too_large { Err(ending::output_too_large(Some(bytes), &state.call)) } else { Ok(value) }
    });
    if let Err(CallError::Host(detail)) = &result {
        tracing::error!(
            skill = target.skill,
            export = target.export,
            detail,
            "the host failed in a call; the process goes on"
        );
    }
    if let Err(CallError::Trap { detail }) = &result {
        // After what the guest itself said of it: a panic's message and line go to standard error.
        state.logs.write_last(LogLevel::Error, &format!("crashed: {detail}"));
    }
    state.flush_progress();
    receipt.cpu_us = micros(meter.used());
    receipt.wall_us = micros(began.elapsed());
    receipt.peak_memory_bytes = state.limiter.peak_memory_bytes() as u64;
    let counts = &state.counts;
    receipt.host_calls = counts.host_calls.saturating_sub(state.call.tape.played_calls());
    receipt.http_fetches = counts.http_fetches.saturating_sub(counts.played_fetches);
    receipt.workflow_starts = counts.workflow_starts.saturating_sub(counts.played_starts);
    receipt.llm_input_tokens = counts.llm_input_tokens;
    receipt.llm_output_tokens = counts.llm_output_tokens;
    receipt.outcome = result.as_ref().err().map_or(Outcome::Ok, CallError::outcome);
    let logs = state.logs.clone();
    // Standard output finishes its last line when it is dropped. The place is given back last, when the instance is gone.
    drop(state);
    drop(place);
    let (lines, dropped) = logs.take();
    receipt.log_lines = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    receipt.log_lines_dropped = dropped;
    Invocation { receipt, logs: lines, result }
}

/// Takes a place, unless the call is cancelled or its deadline comes first.
async fn place(admission: &Admission, call: &Call, deadline: Instant) -> Result<Place, CallError> {
    if call.cancel.is_cancelled() {
        return Err(CallError::Cancelled);
    }
    if Instant::now() >= deadline {
        return Err(ending::of_stop(Stopped::Deadline, call));
    }
    let mut entering = std::pin::pin!(admission.enter(&call.owner.tenant));
    tokio::select! {
        biased;
        place = &mut entering => place,
        () = call.cancel.cancelled() => Err(CallError::Cancelled),
        () = tokio::time::sleep_until(deadline.into()) => Err(ending::of_stop(Stopped::Deadline, call)),
    }
}

/// A store with every limit on it.
fn store(engine: &Engine, call: Call, script: Option<Arc<dyn ScriptHost>>, meter: &Arc<CpuMeter>) -> Store<State> {
    let (cpu_limit, cpu_limit_ms) = (call.budget.cpu(), call.budget.cpu_ms);
    let handles = call.budget.handles;
    // The engine counts both what host calls and what results carry with this one number. Each is held to its own limit again: host calls in
    // `State::host_call`, results in `invoke`.
    let bytes = call.budget.hostcall_bytes.max(call.budget.output_bytes).saturating_add(FRAME_BYTES);
    let mut store = Store::new(engine, State::new(call, script));
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(bytes);
    store.set_max_component_handles(handles);
    // Relative to now: the callback comes at every tick from here on.
    store.set_epoch_deadline(1);
    let (meter, yielded) = (meter.clone(), store.data().yielded.clone());
    store.epoch_deadline_callback(move |_| {
        if meter.used_now() > cpu_limit {
            let CallError::Limit { reason, detail } = ending::cpu_exceeded(cpu_limit_ms) else {
                return Ok(UpdateDeadline::Interrupt);
            };
            return Err(LimitHit::new(reason, detail).into());
        }
        // Other tasks of this thread, the deadline and a cancellation get their turn.
        yielded.note();
        Ok(UpdateDeadline::Yield(1))
    });
    store
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
