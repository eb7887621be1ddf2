//! How the allocator of glibc divides its memory.
//!
//! It keeps up to eight arenas for each core (mallopt(3), `M_ARENA_MAX`), and what is freed in one is of no use to the others. A host whose many short pieces of work wander over
//! all threads then holds several times what it needs: with ten thousand tasks put aside, 103 MB instead of 93 (`cargo bench -p openanalyst --bench brain -- --parked`).

/// Gives the process one arena for each core. Before the first thread is made; elsewhere than on glibc it does nothing.
pub fn one_for_each_core() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let cores = libc::c_int::try_from(cores).unwrap_or(libc::c_int::MAX);
        // Whoever sets it from outside means it.
        if std::env::var_os("MALLOC_ARENA_MAX").is_none() {
            // SAFETY: mallopt(3) takes two numbers and no memory of ours. A number that it refuses changes nothing.
            unsafe { libc::mallopt(libc::M_ARENA_MAX, cores) };
        }
    }
}
