//! The allocator of the whole process, SQLite included: jemalloc.
//!
//! A request is thousands of short-lived pieces of memory on several threads. With jemalloc in the place of glibc's allocator the host's own share of a request on SQLite was a
//! sixth smaller (`cargo bench -p openanalyst --bench brain -- --share`). What is not needed goes back to the system: how soon is said here, and `MALLOC_CONF` says it otherwise.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod jemalloc {
    use std::ffi::c_char;

    #[global_allocator]
    static JEMALLOC: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

    /// Options, in the words of jemalloc(3), "TUNING".
    #[repr(transparent)]
    struct Options(*const c_char);

    // SAFETY: it points to a constant that nobody writes.
    unsafe impl Sync for Options {}

    /// What is not needed goes back to the system after a second, also where nothing is allocated any more.
    // SAFETY: the name and the type are those under which jemalloc(3) reads its options, and no other part of the program defines it.
    #[unsafe(export_name = "malloc_conf")]
    #[used]
    static OPTIONS: Options = Options(c"background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0".as_ptr());
}
