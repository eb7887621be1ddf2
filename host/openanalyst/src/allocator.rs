//! The allocator of the whole process, SQLite included: mimalloc.
//!
//! A request is thousands of short-lived pieces of memory on several threads, which glibc's allocator serves more slowly: with it the host's own share of a request on SQLite is
//! a sixth larger (`cargo bench -p openanalyst --bench brain -- --share`). Environment variables `MIMALLOC_…` set its options; the compiler's process has its own.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
