//! The one engine of the process, with every setting beside the reason for its value, and the thread that advances its epoch.

use std::num::NonZeroUsize;
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, WasmFeatures};

use crate::error::SandboxError;

/// How often the epoch advances: the grain of the CPU limit, and of how long a guest keeps a thread.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// The largest memory that any budget can give, in bytes. Address space, not memory.
pub(crate) const MAX_MEMORY_BYTES: usize = 1 << 30;
/// The largest table that any budget can give, in elements.
pub(crate) const MAX_TABLE_ELEMENTS: usize = 100_000;
/// Core instances of one component: shims and the adapters of a toolchain count too; Python's have about thirty.
const MAX_CORE_INSTANCES: u32 = 64;
/// Memories of one component. Toolchains make one; fused components bring one for each part.
const MAX_MEMORIES: u32 = 4;
/// Tables of one component: one for each memory, and one for each shim.
const MAX_TABLES: u32 = 12;
/// Bytes of an instance that stay resident in a slot that nobody uses.
const KEEP_RESIDENT_BYTES: usize = 256 << 10;

/// Makes the engine.
///
/// # Errors
/// The machine does not give what it needs.
pub(crate) fn engine(instances: u32) -> Result<Engine, SandboxError> {
    let mut config = Config::new();
    // Guests are stopped by the epoch; each call looks at its CPU time at every tick.
    config.epoch_interruption(true);
    // Deeper recursion of a guest is a trap. The rest of the stack is for host functions.
    config.max_wasm_stack(512 << 10);
    config.async_stack_size(2 << 20);
    // Enough of a backtrace to find a bug; hostile guests trap for a living and pay with little of our time.
    config.wasm_backtrace_max_frames(NonZeroUsize::new(8));
    // Refused here whatever crate features are unified into the build.
    config.wasm_features(refused(), false);
    config.shared_memory(false);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(instances)));
    Engine::new(&config).map_err(|error| SandboxError::Engine(format!("{error:#}")))
}

/// Proposals that no toolchain of ours needs, each of which widens what an attacker can reach.
/// Exceptions and garbage collection bring a heap of their own that no limit of ours counts.
///
/// Multi-memory is not among them: where components are fused into one, the engine itself makes
/// adapters that copy from one memory to another, and these need it. Modules of guests stay without
/// it: the scan refuses them, and the pool gives a module one memory of its own.
fn refused() -> WasmFeatures {
    WasmFeatures::MEMORY64
        | WasmFeatures::THREADS
        | WasmFeatures::SHARED_EVERYTHING_THREADS
        | WasmFeatures::RELAXED_SIMD
        | WasmFeatures::CUSTOM_PAGE_SIZES
        | WasmFeatures::STACK_SWITCHING
        | WasmFeatures::WIDE_ARITHMETIC
        | WasmFeatures::EXCEPTIONS
        | WasmFeatures::LEGACY_EXCEPTIONS
        | WasmFeatures::GC
        | WasmFeatures::FUNCTION_REFERENCES
        | WasmFeatures::CM_ASYNC
        | WasmFeatures::CM_GC
}

/// The pool. Everything whose default is unlimited, or unrelated to our budgets, is set.
pub(crate) fn pool(instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances);
    // As many as that many components can have, so that a call that was admitted never finds the pool empty.
    pool.total_core_instances(instances.saturating_mul(MAX_CORE_INSTANCES));
    pool.total_memories(instances.saturating_mul(MAX_MEMORIES));
    pool.total_tables(instances.saturating_mul(MAX_TABLES));
    pool.total_stacks(instances);
    pool.max_core_instances_per_component(MAX_CORE_INSTANCES);
    pool.max_memories_per_component(MAX_MEMORIES);
    pool.max_memories_per_module(1);
    pool.max_tables_per_component(MAX_TABLES);
    pool.max_tables_per_module(4);
    pool.max_component_instance_size(1 << 20);
    pool.max_core_instance_size(1 << 20);
    pool.max_memory_size(MAX_MEMORY_BYTES);
    pool.table_elements(MAX_TABLE_ELEMENTS);
    // A slot that was used keeps pages resident, so calls come back to few of them.
    pool.max_unused_warm_slots(16);
    // Pages up to this size are cleared in place instead of being given back to the kernel and faulted in again.
    pool.linear_memory_keep_resident(KEEP_RESIDENT_BYTES);
    pool.table_keep_resident(16 << 10);
    // Where the kernel can tell which pages were written, only those are cleared.
    pool.pagemap_scan(Enabled::Auto);
    pool
}

/// Advances the epoch for as long as the engine lives.
///
/// # Errors
/// The machine gives no thread.
pub(crate) fn start_ticker(engine: &Engine) -> Result<(), SandboxError> {
    let weak = engine.weak();
    let ticker = std::thread::Builder::new().name("epoch".to_owned()).spawn(move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    });
    ticker.map(|_| ()).map_err(|error| SandboxError::Engine(format!("no thread for the epoch: {error}")))
}

#[cfg(test)]
mod tests {
    use openanalyst_guest_fixtures::binary;
    use wasmtime::component::Component;

    use super::*;

    /// By itself, without the scan in front of it, and whatever features other crates switch on.
    #[test]
    fn the_engine_refuses_the_proposals() {
        // Two memories of one module are refused by the pool, where the proposal itself is on.
        let engine = engine(2).unwrap();
        assert!(Component::new(&engine, binary("(component (core module (memory 1)))")).is_ok());
        for proposal in [
            "(memory i64 1)",
            "(memory 1) (memory 1)",
            "(memory 1 1 shared)",
            "(func (param v128) (drop (i32x4.relaxed_trunc_f32x4_s (local.get 0))))",
            "(memory 1 (pagesize 1))",
            "(type $f (func)) (type $c (cont $f)) (func (param (ref null $c)))",
            "(type (struct (field i32)))",
            "(type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0)))",
            "(tag (param i32))",
        ] {
            let component = binary(&format!("(component (core module {proposal}))"));
            assert!(Component::new(&engine, component).is_err(), "{proposal}");
        }
    }

    /// What the pool cannot hold is refused when it is loaded, not when it is called.
    #[test]
    fn a_component_with_too_many_memories_is_refused() {
        let engine = engine(2).unwrap();
        let memories = |count: u32| {
            let modules: String = (0..count)
                .map(|n| format!("(core module $m{n} (memory 1)) (core instance (instantiate $m{n}))"))
                .collect();
            Component::new(&engine, binary(&format!("(component {modules})")))
        };
        assert!(memories(MAX_MEMORIES).is_ok());
        assert!(memories(MAX_MEMORIES + 1).is_err());
    }
}
