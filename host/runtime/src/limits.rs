//! The memory and tables of one invocation: a limiter that counts the sum, because the engine's own counts each one alone.
//!
//! Growth over the limit ends the invocation at once, with its reason. (Returning -1 to the guest would end in whatever its allocator
//! does then, usually an abort without a reason.)

use openanalyst_domain::{Budget, LimitReason};
use wasmtime::ResourceLimiter;

/// A limit that was met inside a call. Travels through the guest as the engine's error and is taken out again at the end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub(crate) struct LimitHit {
    pub(crate) reason: LimitReason,
    /// What was used, what the limit is, how to ask for more.
    pub(crate) detail: String,
}

impl LimitHit {
    pub(crate) fn new(reason: LimitReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

/// Sums up all linear memories and all tables of a store.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory_bytes: usize,
    memory_limit: usize,
    memory_peak: usize,
    last_growth: usize,
    table_elements: usize,
    table_limit: usize,
    last_table_growth: usize,
}

impl Limiter {
    pub(crate) fn new(budget: &Budget) -> Self {
        Self {
            memory_bytes: 0,
            memory_limit: budget.memory_bytes,
            memory_peak: 0,
            last_growth: 0,
            table_elements: 0,
            table_limit: budget.table_elements,
            last_table_growth: 0,
        }
    }

    /// The greatest size of all memories together, in bytes.
    pub(crate) fn peak_memory_bytes(&self) -> usize {
        self.memory_peak
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current);
        let total = self.memory_bytes.saturating_add(growth);
        if total > self.memory_limit {
            let limit = self.memory_limit;
            let detail = format!(
                "{total} bytes of memory were asked for and {limit} is the limit: use less, or ask the operator to raise the budget's memoryBytes"
            );
            return Err(LimitHit::new(LimitReason::MemoryExceeded, detail).into());
        }
        self.memory_bytes = total;
        self.last_growth = growth;
        self.memory_peak = self.memory_peak.max(total);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        // The guest's own declared maximum, or the machine's memory: the growth did not happen and the guest is told -1.
        self.memory_bytes = self.memory_bytes.saturating_sub(std::mem::take(&mut self.last_growth));
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current);
        let total = self.table_elements.saturating_add(growth);
        if total > self.table_limit {
            let limit = self.table_limit;
            let detail = format!(
                "{total} table elements were asked for and {limit} is the limit: use fewer, or ask the operator to raise the budget's tableElements"
            );
            return Err(LimitHit::new(LimitReason::HandlesExceeded, detail).into());
        }
        self.table_elements = total;
        self.last_table_growth = growth;
        Ok(true)
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.table_elements = self.table_elements.saturating_sub(std::mem::take(&mut self.last_table_growth));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::Store;
    use wasmtime::component::{Component, Linker};

    use super::*;

    fn limiter(memory_bytes: usize, table_elements: usize) -> Limiter {
        Limiter::new(&Budget { memory_bytes, table_elements, ..Budget::default() })
    }

    fn reason(error: &wasmtime::Error) -> LimitReason {
        error.downcast_ref::<LimitHit>().unwrap().reason
    }

    #[test]
    fn memories_are_summed_up() {
        let mut limiter = limiter(100, 0);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(limiter.memory_growing(0, 40, None).unwrap());
        assert_eq!(limiter.peak_memory_bytes(), 100);
        let error = limiter.memory_growing(60, 61, None).unwrap_err();
        assert_eq!(reason(&error), LimitReason::MemoryExceeded);
    }

    #[test]
    fn growth_that_failed_does_not_count() {
        let mut limiter = limiter(100, 0);
        assert!(limiter.memory_growing(0, 100, None).unwrap());
        limiter.memory_grow_failed(wasmtime::Error::msg("no memory")).unwrap();
        assert!(limiter.memory_growing(0, 100, None).unwrap());
    }

    #[test]
    fn tables_are_summed_up() {
        let mut limiter = limiter(0, 10);
        assert!(limiter.table_growing(0, 5, None).unwrap());
        assert!(limiter.table_growing(0, 5, None).unwrap());
        assert_eq!(reason(&limiter.table_growing(5, 6, None).unwrap_err()), LimitReason::HandlesExceeded);
    }

    /// The engine asks for every memory of every module of a component, and what it is told ends the instantiation.
    #[tokio::test]
    async fn the_memories_of_two_modules_count_together() {
        let engine = crate::engine::engine(2).unwrap();
        let module = |name: &str| format!("(core module ${name} (memory 40)) (core instance (instantiate ${name}))");
        let text = format!("(component {} {})", module("a"), module("b"));
        let component = Component::new(&engine, openanalyst_guest_fixtures::binary(&text)).unwrap();
        let pre = Linker::new(&engine).instantiate_pre(&component).unwrap();
        for (pages, fits) in [(80, true), (79, false)] {
            let mut store = Store::new(&engine, limiter(pages << 16, 0));
            store.limiter(|limiter| limiter);
            store.set_epoch_deadline(1_000);
            match pre.instantiate_async(&mut store).await {
                Ok(_) => assert!(fits),
                Err(error) => assert!(!fits && reason(&error) == LimitReason::MemoryExceeded, "{error:?}"),
            }
        }
    }
}
