//! What a store holds during one invocation. Fresh for every call, dropped with it.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::call::Call;
use crate::capabilities::progress::Thinner;
use crate::limits::Limiter;
use crate::logs::Logs;
use crate::resting::Yielded;
use crate::script::ScriptHost;
use crate::wasi;

/// Counts of one invocation.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) host_calls: u32,
    pub(crate) http_fetches: u32,
    /// Fetches under way now.
    pub(crate) http_waiting: u32,
    pub(crate) workflow_starts: u32,
    /// How many of the fetches and starts were played from the recording: they stand on an earlier receipt.
    pub(crate) played_fetches: u32,
    pub(crate) played_starts: u32,
    pub(crate) llm_input_tokens: u64,
    pub(crate) llm_output_tokens: u64,
}

/// The data of one store. Host functions are methods of it.
pub(crate) struct State {
    pub(crate) call: Call,
    pub(crate) limiter: Limiter,
    pub(crate) counts: Counts,
    pub(crate) logs: Logs,
    pub(crate) progress: Thinner,
    pub(crate) table: ResourceTable,
    /// What a script reaches. None for skills.
    pub(crate) script: Option<Arc<dyn ScriptHost>>,
    /// Why the guest gives its thread back.
    pub(crate) yielded: Yielded,
    /// Made when the guest first asks for it: many calls never do.
    wasi: Option<WasiCtx>,
}

impl State {
    pub(crate) fn new(call: Call, script: Option<Arc<dyn ScriptHost>>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(call.budget.handles);
        Self {
            limiter: Limiter::new(&call.budget),
            counts: Counts::default(),
            logs: Logs::new(&call.budget, call.scrubber.clone()),
            progress: Thinner::default(),
            table,
            script,
            yielded: Yielded::default(),
            wasi: None,
            call,
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let ctx = self.wasi.get_or_insert_with(|| wasi::context(&self.logs, &self.call.tape));
        WasiCtxView { ctx, table: &mut self.table }
    }
}

// The interface has types only.
impl crate::contract::v0_1_0::openanalyst::skill::types::Host for State {}
