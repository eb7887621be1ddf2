//! Compiled components on disk.
//!
//! A compiled component is code that the host would run outside the sandbox, so a file is loaded only if its keyed MAC over (engine
//! compatibility hash, component digest, artifact) holds. Anything else is compiled anew, and reported. The directory belongs to the host alone (0700), the
//! files too (0600).

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::SystemTime;

use wasmtime::Engine;
use wasmtime::component::Component;

use super::compilers::Compilers;
use crate::error::LoadError;

/// Most bytes of all compiled components together. One more than that makes room for itself.
const MAX_CACHE_BYTES: u64 = 2 << 30;
/// Most bytes of a compiled component.
pub(crate) const MAX_ARTIFACT_BYTES: u64 = 256 << 20;
const MAC_BYTES: usize = blake3::OUT_LEN;

/// The cache.
#[derive(Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
    key: [u8; 32],
    compatibility: [u8; 32],
    compiled: AtomicU64,
    loaded: AtomicU64,
    rejected: AtomicU64,
    in_flight: InFlight,
}

/// The digests of the components that are being loaded now. A second request for one waits for the first, and then finds the component in the cache.
#[derive(Debug, Default)]
struct InFlight {
    digests: Mutex<HashSet<[u8; 32]>>,
    ended: Condvar,
}

/// The one load of a component at this time. Dropping it lets the next one begin.
struct SingleFlight<'a>(&'a InFlight, [u8; 32]);

impl InFlight {
    /// Waits until no other thread loads this component.
    fn enter(&self, digest: [u8; 32]) -> SingleFlight<'_> {
        let mut digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        while !digests.insert(digest) {
            digests = self.ended.wait(digests).unwrap_or_else(PoisonError::into_inner);
        }
        SingleFlight(self, digest)
    }
}

impl Drop for SingleFlight<'_> {
    fn drop(&mut self) {
        self.0.digests.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
        self.0.ended.notify_all();
    }
}

impl Cache {
    pub(crate) fn open(dir: &Path, key: [u8; 32], engine: &Engine) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        // A directory that was there before may be open to others.
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        let mut hasher = Blake(blake3::Hasher::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let compatibility = *hasher.0.finalize().as_bytes();
        let zero = AtomicU64::default;
        Ok(Self {
            dir: dir.to_owned(),
            key,
            compatibility,
            compiled: zero(),
            loaded: zero(),
            rejected: zero(),
            in_flight: InFlight::default(),
        })
    }

    /// Loads a component from the cache; or lets `scan` look at it, compiles it and keeps it. What is in the cache went through its scan.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        compilers: &Compilers,
        name: &str,
        bytes: &[u8],
        scan: impl FnOnce() -> Result<(), LoadError>,
    ) -> Result<Component, LoadError> {
        let digest = *blake3::hash(bytes).as_bytes();
        let path = self.path_of(&digest);
        let _flight = self.in_flight.enter(digest);
        if let Some(component) = self.kept(engine, name, &path, &digest) {
            return Ok(component);
        }
        let _turn = compilers.enter();
        scan()?;
        let artifact = compilers.compile(engine, bytes)?;
        self.compiled.fetch_add(1, Ordering::Relaxed);
        if artifact.len() as u64 > MAX_ARTIFACT_BYTES {
            let detail =
                format!("the compiled component has {} bytes and {MAX_ARTIFACT_BYTES} is the limit", artifact.len());
            return Err(LoadError::Limit { reason: openanalyst_domain::LimitReason::ComponentTooLarge, detail });
        }
        if let Err(error) = self.store(&path, &digest, &artifact) {
            tracing::warn!(skill = name, %error, "a compiled component cannot be kept: it is compiled again at the next start");
        } else if let Err(error) = self.keep_within(MAX_CACHE_BYTES) {
            tracing::warn!(%error, "the cache of compiled components cannot be tidied");
        }
        if let Ok(Some(component)) = self.load(engine, &path, &digest) {
            // From the file, so that its pages can be given back under memory pressure.
            return Ok(component);
        }
        // SAFETY: the engine of this build made this artifact a moment ago, here or in a child of this program.
        #[expect(unsafe_code, reason = "nobody but this program had the artifact")]
        let component = unsafe { Component::deserialize(engine, &artifact) };
        component.map_err(|error| {
            LoadError::refused("invalid-component", format!("the compiled component cannot be loaded: {error:#}"))
        })
    }

    /// The component as it was compiled earlier. None: it is not there, or not to be used, which is then reported.
    fn kept(&self, engine: &Engine, name: &str, path: &Path, digest: &[u8; 32]) -> Option<Component> {
        match self.load(engine, path, digest) {
            Ok(Some(component)) => {
                self.loaded.fetch_add(1, Ordering::Relaxed);
                // The time of its last use. Without it, it is dropped a little sooner.
                let _ = File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
                Some(component)
            }
            Ok(None) => None,
            Err(reason) => {
                self.rejected.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(skill = name, file = %path.display(), reason, "a compiled component in the cache is not ours: it is compiled anew");
                None
            }
        }
    }

    /// Drops what was not used for the longest time, until the rest is within `limit` bytes. What is
    /// loaded stays mapped until nobody uses it.
    fn keep_within(&self, limit: u64) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            // Another process may drop it at the same time.
            if path.extension().is_some_and(|ending| ending == "cwasm")
                && let Ok(metadata) = path.metadata()
            {
                files.push((metadata.modified()?, metadata.len(), path));
            }
        }
        let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        files.sort();
        for (_, bytes, path) in files {
            if total <= limit {
                break;
            }
            remove(&path);
            total = total.saturating_sub(bytes);
        }
        Ok(())
    }

    /// Components compiled, components loaded, files refused.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.compiled), read(&self.loaded), read(&self.rejected))
    }

    /// Removes what was compiled of a component.
    pub(crate) fn forget(&self, bytes: &[u8]) -> io::Result<()> {
        let digest = *blake3::hash(bytes).as_bytes();
        let path = self.path_of(&digest);
        let _flight = self.in_flight.enter(digest);
        for file in [path.with_extension("mac"), path] {
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn path_of(&self, digest: &[u8; 32]) -> PathBuf {
        let name = self.mac(digest, &mut io::empty(), b"name").map(|mac| mac.to_hex().to_string());
        self.dir.join(format!("{}.cwasm", name.unwrap_or_default()))
    }

    /// None: there is no file. Err: there is one that must not be used.
    fn load(&self, engine: &Engine, path: &Path, digest: &[u8; 32]) -> Result<Option<Component>, &'static str> {
        let mut mac_file = match File::open(path.with_extension("mac")) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.exists() => return Ok(None),
            Err(_) => return Err("its MAC is missing"),
        };
        let mut given = [0; MAC_BYTES];
        mac_file.read_exact(&mut given).map_err(|_| "its MAC is too short")?;
        let mut artifact = File::open(path).map_err(|_| "it cannot be read")?;
        let length = artifact.metadata().map_err(|_| "it cannot be read")?.len();
        if length > MAX_ARTIFACT_BYTES {
            return Err("it is too large");
        }
        let computed = self.mac(digest, &mut artifact, b"artifact").map_err(|_| "it cannot be read")?;
        // Comparison of blake3 hashes takes the same time wherever they differ.
        if computed != blake3::Hash::from_bytes(given) {
            return Err("its MAC does not hold");
        }
        // SAFETY: the MAC shows that this host wrote the file, for this engine and this component; the directory is closed to everybody else.
        #[expect(unsafe_code, reason = "the MAC was just checked")]
        let component = unsafe { Component::deserialize_file(engine, path) };
        component.map(Some).map_err(|_| "the engine does not take it")
    }

    fn mac(&self, digest: &[u8; 32], artifact: &mut impl Read, purpose: &[u8]) -> io::Result<blake3::Hash> {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&[u8::try_from(purpose.len()).unwrap_or(0)]);
        hasher.update(purpose);
        hasher.update(&self.compatibility);
        hasher.update(digest);
        hasher.update_reader(artifact)?;
        Ok(hasher.finalize())
    }

    /// Writes the artifact, then its MAC; each under another name first, so that nobody sees half a file.
    fn store(&self, path: &Path, digest: &[u8; 32], artifact: &[u8]) -> io::Result<()> {
        let mac = self.mac(digest, &mut &*artifact, b"artifact")?;
        self.write(path, artifact)?;
        self.write(&path.with_extension("mac"), mac.as_bytes())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let fresh = self.dir.join(format!("{}-{number}.new", std::process::id()));
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)
            .and_then(|mut file| file.write_all(bytes))
            .and_then(|()| fs::rename(&fresh, path));
        if written.is_err() {
            // Half a file is of no use to anybody.
            let _ = fs::remove_file(&fresh);
        }
        written
    }
}

/// wasmtime gives its compatibility as something to hash; this hashes it with all 256 bits.
struct Blake(blake3::Hasher);

impl Hasher for Blake {
    fn finish(&self) -> u64 {
        let hash = self.0.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        u64::from_le_bytes(first)
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// Removes a compiled component: its MAC first, so that half of it is never used.
fn remove(path: &Path) {
    for path in [path.with_extension("mac"), path.to_owned()] {
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(file = %path.display(), %error, "a compiled component cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    fn engine() -> Engine {
        crate::engine::engine(4).unwrap()
    }

    fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
    }

    #[test]
    fn a_component_is_compiled_once_and_loaded_after() {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine();
        for round in 0..2 {
            let cache = Cache::open(dir.path(), [1; 32], &engine).unwrap();
            cache.component(&engine, &Compilers::new(None), "x", COMPONENT, || Ok(())).unwrap();
            let counts = cache.counts();
            assert_eq!(counts, if round == 0 { (1, 0, 0) } else { (0, 1, 0) });
        }
        for path in files(dir.path(), "cwasm").iter().chain(&files(dir.path(), "mac")) {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn two_requests_for_a_component_compile_it_once() {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine();
        let cache = Cache::open(dir.path(), [1; 32], &engine).unwrap();
        let compilers = Compilers::new(None);
        let scans = AtomicU64::new(0);
        let (entered, first_is_at_work) = std::sync::mpsc::channel();
        let (go_on, may_go_on) = std::sync::mpsc::channel();
        std::thread::scope(|threads| {
            let load = |scan: Box<dyn FnOnce() + Send>| {
                let scan = || {
                    scans.fetch_add(1, Ordering::Relaxed);
                    scan();
                    Ok(())
                };
                cache.component(&engine, &compilers, "x", COMPONENT, scan).unwrap()
            };
            threads.spawn(move || {
                load(Box::new(move || {
                    entered.send(()).unwrap();
                    may_go_on.recv().unwrap();
                }))
            });
            first_is_at_work.recv().unwrap();
            threads.spawn(move || load(Box::new(|| {})));
            go_on.send(()).unwrap();
        });
        assert_eq!(scans.into_inner(), 1);
        let (compiled, loaded, _) = cache.counts();
        assert_eq!((compiled, loaded), (1, 1));
    }

    #[test]
    fn what_was_touched_is_compiled_anew() {
        let engine = engine();
        let tampers: [fn(&Path); 5] = [
            |dir| {
                let path = &files(dir, "cwasm")[0];
                let mut bytes = fs::read(path).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(path, bytes).unwrap();
            },
            |dir| fs::write(&files(dir, "cwasm")[0], b"").unwrap(),
            |dir| fs::write(&files(dir, "mac")[0], [0; 32]).unwrap(),
            |dir| fs::write(&files(dir, "mac")[0], b"short").unwrap(),
            |dir| fs::remove_file(&files(dir, "mac")[0]).unwrap(),
        ];
        for tamper in tampers {
            let dir = tempfile::tempdir().unwrap();
            Cache::open(dir.path(), [1; 32], &engine)
                .unwrap()
                .component(&engine, &Compilers::new(None), "x", COMPONENT, || Ok(()))
                .unwrap();
            tamper(dir.path());
            let cache = Cache::open(dir.path(), [1; 32], &engine).unwrap();
            cache.component(&engine, &Compilers::new(None), "x", COMPONENT, || Ok(())).unwrap();
            assert_eq!(cache.counts(), (1, 0, 1));
        }
    }

    #[test]
    fn a_forgotten_component_and_the_oldest_ones_leave_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine();
        let cache = Cache::open(dir.path(), [1; 32], &engine).unwrap();
        let other = openanalyst_guest_fixtures::binary("(component (core module (memory 1)))");
        for component in [COMPONENT, &other] {
            cache.component(&engine, &Compilers::new(None), "x", component, || Ok(())).unwrap();
        }
        let old = &files(dir.path(), "cwasm")[0];
        File::open(old).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let all: u64 = files(dir.path(), "cwasm").iter().map(|path| path.metadata().unwrap().len()).sum();
        cache.keep_within(all).unwrap();
        assert_eq!(files(dir.path(), "cwasm").len(), 2);
        cache.keep_within(all - 1).unwrap();
        assert!(!old.exists() && files(dir.path(), "mac").len() == 1);
        cache.forget(COMPONENT).unwrap();
        cache.forget(&other).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn another_hosts_cache_is_not_ours() {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine();
        Cache::open(dir.path(), [1; 32], &engine)
            .unwrap()
            .component(&engine, &Compilers::new(None), "x", COMPONENT, || Ok(()))
            .unwrap();
        let cache = Cache::open(dir.path(), [2; 32], &engine).unwrap();
        cache.component(&engine, &Compilers::new(None), "x", COMPONENT, || Ok(())).unwrap();
        assert_eq!(cache.counts(), (1, 0, 0));
    }
}
