//! The allocator of the whole process, SQLite included: mimalloc.
//!
//! A request is thousands of short-lived pieces of memory on several threads, which glibc's allocator serves more slowly (`cargo bench -p openanalyst --bench brain -- --share`
//! shows the difference). Environment variables `MIMALLOC_…` set its options; the compiler's process has its own.
//!
//! Without huge pages (the feature `no_thp`): with them an idle host keeps 123 MB resident instead of 58.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
