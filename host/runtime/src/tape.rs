//! What one invocation asked of the host and was told, in order: recorded while it happens, and played to a guest that runs again.
//!
//! A guest sees nothing but its input, its host calls, two clocks and random numbers. With all of them on a tape it is deterministic: run again from the
//! tape it does the same, up to where the tape ends, and from there it goes on for real. That is how a guest survives a crash of the host, how a guest
//! that waits for hours needs no memory meanwhile, and how an author sees again what happened.
//!
//! - Host calls are kept with their arguments and results. What is played must be asked for with the same arguments, or the invocation ends as
//!   [`Diverged`].
//! - Both clocks count whole milliseconds and show one sequence of readings, kept as runs of equal ones.
//! - Random numbers come from ChaCha20 (RFC 8439) with a seed of 32 bytes that is made fresh for each invocation.
//!
//! A tape takes at most [`MAX_BYTES`]; what comes after is not recorded, and such an invocation cannot be put aside.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use openanalyst_domain::Failure;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::contract::Failure as ContractFailure;
use crate::invocation::Interrupted;

/// Most bytes of arguments and results on one tape.
pub const MAX_BYTES: usize = 8 << 20;
/// Arguments with more bytes of JSON are kept as their BLAKE3 hash and length.
const MAX_ARGUMENT_BYTES: usize = 4 << 10;
/// The member of the arguments of an HTTP request that holds the BLAKE3 hash of its body.
pub(crate) const BODY_HASH: &str = "bodyBlake3";

/// A host call and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostCall {
    /// Its name, such as `memory.get`.
    pub function: String,
    /// What it was given: JSON, or `{"blake3", "bytes"}` where that is long.
    pub arguments: Value,
    /// What it gave: `{"ok": …}` or `{"failed": …}`.
    pub result: Value,
}

/// A guest that waits for a job and was put aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// The number of the host call that waits, from 0.
    pub call: usize,
    /// When it stops waiting, UTC milliseconds; none: when the job ends.
    pub until_ms: Option<i64>,
}

/// A part of a tape, or all of it. Parts of one invocation are put together in their order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Recording {
    /// The number of the part, from 0; of a whole recording, that of the part which comes next.
    #[serde(skip)]
    pub number: i64,
    /// The number of its first host call, from 0.
    pub first: usize,
    /// The seed of the random numbers, in hexadecimal; in the first part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// The host calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<HostCall>,
    /// Readings of the clocks: how many, of which UTC millisecond.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clock: Vec<(u64, i64)>,
    /// Where the guest was put aside after this part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// The tape was full: later host calls are missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub full: bool,
    /// Why the invocation gave nothing, where it ended so; in the last part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Failure>,
}

impl Recording {
    /// Puts the parts of one invocation together. Parts must come in their order; one that is there twice counts once.
    #[must_use]
    pub fn of(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut whole = Self::default();
        for part in parts {
            if part.number < whole.number || part.first < whole.calls.len() {
                continue;
            }
            whole.seed = whole.seed.or(part.seed);
            whole.calls.extend(part.calls);
            whole.clock.extend(part.clock);
            whole.waiting = part.waiting;
            whole.full |= part.full;
            whole.failed = part.failed;
            whole.number = part.number + 1;
        }
        whole
    }

    fn is_empty(&self) -> bool {
        self.seed.is_none()
            && self.calls.is_empty()
            && self.clock.is_empty()
            && self.waiting.is_none()
            && self.failed.is_none()
    }
}

/// The guest did something else than it had done when it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "host call {call} differs from the recording: recorded was {recorded}, now it is {now}. The component must be the one that was recorded, and must not depend on anything but its input and its host calls"
)]
pub struct Diverged {
    /// The number of the host call, from 1.
    pub call: usize,
    /// What was recorded.
    pub recorded: String,
    /// What came instead.
    pub now: String,
}

/// The machine gives no random numbers, so nothing may run that would get its own from a seed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this machine gives no random numbers ({0}): nothing is run without them; ask the operator")]
pub struct NoRandomness(String);

/// Which host call is being made: the same call with the same arguments has the same name when the guest runs again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallName {
    /// The function, such as `memory.put`.
    pub function: String,
    /// Sixteen hexadecimal digits of the BLAKE3 hash of function and arguments.
    pub hash: String,
    /// How many calls of the invocation had this function and these arguments, this one included.
    pub occurrence: u32,
}

/// The tape of one invocation. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Tape(Option<Arc<Mutex<Inner>>>);

#[derive(Debug)]
struct Inner {
    seed: [u8; 32],
    /// What is played: the calls by their numbers, the clock from the front.
    calls: Vec<HostCall>,
    clock: VecDeque<(u64, i64)>,
    waiting: Option<Waiting>,
    /// The number of the next host call.
    position: usize,
    counts: HashMap<String, u32>,
    current: Option<CallName>,
    /// What is not yet stored.
    fresh: Recording,
    bytes: usize,
    /// The machine's clocks at the beginning, and the last reading that was shown.
    began: (Instant, i64),
    last_ms: i64,
    first_ms: Option<i64>,
    /// Nothing is called for real: the recording is all there is.
    only_played: bool,
    /// Hashes of arguments are not to be compared.
    replaced: bool,
}

impl Tape {
    /// No tape: every call is made for real, and nothing is recorded.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    /// A tape that begins with a recording, which may be empty. `now_ms` is the UTC time in milliseconds.
    ///
    /// # Errors
    /// [`NoRandomness`]: a seed that everybody could guess is never taken instead.
    pub fn new(recording: Recording, now_ms: i64) -> Result<Self, NoRandomness> {
        Self::seeded(recording, now_ms, |seed| getrandom::fill(seed).map_err(|error| NoRandomness(error.to_string())))
    }

    fn seeded(
        recording: Recording,
        now_ms: i64,
        fill: impl FnOnce(&mut [u8]) -> Result<(), NoRandomness>,
    ) -> Result<Self, NoRandomness> {
        let recorded = recording.seed.as_deref().and_then(parse_seed);
        let seed = match recorded {
            Some(seed) => seed,
            None => {
                let mut seed = [0; 32];
                fill(&mut seed)?;
                seed
            }
        };
        let first = recording.calls.len();
        let size = |call: &HostCall| call.function.len() + json_len(&call.arguments) + json_len(&call.result);
        let bytes = recording.calls.iter().map(size).sum();
        let fresh = Recording {
            number: recording.number,
            first,
            seed: recorded.is_none().then(|| blake3::Hash::from_bytes(seed).to_hex().to_string()),
            ..Recording::default()
        };
        Ok(Self(Some(Arc::new(Mutex::new(Inner {
            seed,
            waiting: recording.waiting,
            calls: recording.calls,
            clock: recording.clock.into(),
            position: 0,
            counts: HashMap::new(),
            current: None,
            fresh,
            bytes,
            began: (Instant::now(), now_ms),
            last_ms: 0,
            first_ms: None,
            only_played: false,
            replaced: false,
        })))))
    }

    /// A tape that only plays: where the recording ends, the invocation ends. With `replaced`, texts were replaced in the recording, so arguments of
    /// which only the hash was kept cannot be compared.
    ///
    /// # Errors
    /// As [`Self::new`], where the recording has no seed.
    pub fn played(recording: Recording, replaced: bool) -> Result<Self, NoRandomness> {
        let now_ms = recording.clock.last().map_or(0, |(_, ms)| *ms);
        let tape = Self::new(Recording { waiting: None, ..recording }, now_ms)?;
        if let Some(mut inner) = tape.lock() {
            inner.only_played = true;
            inner.replaced = replaced;
        }
        Ok(tape)
    }

    fn lock(&self) -> Option<MutexGuard<'_, Inner>> {
        self.0.as_ref().map(|inner| inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The host call that is being made. None: there is no tape.
    #[must_use]
    pub fn current(&self) -> Option<CallName> {
        self.lock()?.current.clone()
    }

    /// Whether the guest that waits in this call may be put aside: it can be run again to here.
    #[must_use]
    pub fn can_wait(&self) -> bool {
        self.lock().is_some_and(|inner| !inner.fresh.full)
    }

    /// Until when the current call waits, if it had begun to wait before the guest was put aside.
    #[must_use]
    pub fn waiting(&self) -> Option<Waiting> {
        let inner = self.lock()?;
        inner.waiting.filter(|waiting| waiting.call + 1 == inner.position)
    }

    /// Notes that the guest is put aside in its current call.
    pub fn put_aside(&self, until_ms: Option<i64>) {
        if let Some(mut inner) = self.lock() {
            let call = inner.position.saturating_sub(1);
            inner.fresh.waiting = Some(Waiting { call, until_ms });
        }
    }

    /// Notes that the invocation ended and gave nothing.
    pub fn failed(&self, failure: Failure) {
        if let Some(mut inner) = self.lock() {
            inner.fresh.failed = Some(failure);
        }
    }

    /// What was recorded since the last [`Self::stored`]. None: nothing.
    #[must_use]
    pub fn fresh(&self) -> Option<Recording> {
        let inner = self.lock()?;
        Some(inner.fresh.clone()).filter(|fresh| !fresh.is_empty())
    }

    /// Says that this part is stored, so that the next one begins after it.
    pub fn stored(&self, part: &Recording) {
        let Some(mut inner) = self.lock() else { return };
        let fresh = &mut inner.fresh;
        if fresh.number != part.number {
            return;
        }
        fresh.number += 1;
        let calls = part.calls.len().min(fresh.calls.len());
        fresh.calls.drain(..calls);
        fresh.first += calls;
        fresh.seed = None;
        // The last run may have grown since.
        let runs = part.clock.len().min(fresh.clock.len());
        if let (Some(stored), Some(last)) = (part.clock.last(), runs.checked_sub(1).and_then(|at| fresh.clock.get(at)))
        {
            let grown = (last.0.saturating_sub(stored.0), last.1);
            fresh.clock.drain(..runs);
            if grown.0 > 0 {
                fresh.clock.insert(0, grown);
            }
        }
        if fresh.waiting == part.waiting {
            fresh.waiting = None;
        }
    }

    /// How many host calls were played.
    pub(crate) fn played_calls(&self) -> u32 {
        let played = self.lock().map_or(0, |inner| inner.position.min(inner.calls.len()));
        u32::try_from(played).unwrap_or(u32::MAX)
    }

    /// Whether what the guest says now was said and heard before it was put aside.
    pub(crate) fn is_heard(&self) -> bool {
        self.lock().is_some_and(|inner| inner.waiting.is_some_and(|waiting| inner.position <= waiting.call))
    }

    pub(crate) fn seed(&self) -> Option<[u8; 32]> {
        self.lock().map(|inner| inner.seed)
    }

    /// A reading of the clock: UTC milliseconds, and nanoseconds since the first reading.
    pub(crate) fn read_clock(&self) -> Option<(i64, u64)> {
        let mut guard = self.lock()?;
        let inner = &mut *guard;
        let ms = match inner.clock.front_mut() {
            Some((count, ms)) => {
                let ms = *ms;
                *count -= 1;
                if *count == 0 {
                    inner.clock.pop_front();
                }
                ms
            }
            None if inner.only_played => inner.last_ms,
            None => {
                let (began, began_ms) = inner.began;
                let passed = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
                let ms = began_ms.saturating_add(passed).max(inner.last_ms);
                match inner.fresh.clock.last_mut() {
                    Some((count, last)) if *last == ms => *count += 1,
                    _ => inner.fresh.clock.push((1, ms)),
                }
                ms
            }
        };
        inner.last_ms = ms;
        let first = *inner.first_ms.get_or_insert(ms);
        let since = u64::try_from(ms - first).unwrap_or(0).saturating_mul(1_000_000);
        Some((ms, since))
    }

    /// Begins a host call: gives its recorded result, if there is one.
    fn begin(&self, function: &str, arguments: &Value) -> Result<Option<Value>, Diverged> {
        let Some(mut inner) = self.lock() else { return Ok(None) };
        let number = inner.position;
        inner.position += 1;
        let text = format!("{function} {arguments}");
        let hash = blake3::hash(text.as_bytes()).to_hex()[..16].to_owned();
        let count = inner.counts.entry(hash.clone()).or_insert(0);
        *count += 1;
        let name = CallName { function: function.to_owned(), hash, occurrence: *count };
        inner.current = Some(name);
        match inner.calls.get(number) {
            Some(call) if call.function == function && inner.fits(&call.arguments, arguments) => {
                Ok(Some(call.result.clone()))
            }
            Some(call) => {
                let recorded = crate::logs::clean(&format!("{} {}", call.function, call.arguments), 500);
                Err(Diverged { call: number + 1, recorded, now: crate::logs::clean(&text, 500) })
            }
            None if inner.only_played => Err(Diverged {
                call: number + 1,
                recorded: "nothing: the recording ends before it".to_owned(),
                now: crate::logs::clean(&text, 500),
            }),
            None => Ok(None),
        }
    }

    /// Ends a host call that was made for real.
    fn end(&self, function: &str, arguments: Value, result: Value) {
        let Some(mut inner) = self.lock() else { return };
        if inner.fresh.full {
            return;
        }
        inner.bytes += function.len() + json_len(&arguments) + json_len(&result);
        if inner.bytes > MAX_BYTES {
            inner.fresh.full = true;
            return;
        }
        inner.fresh.calls.push(HostCall { function: function.to_owned(), arguments, result });
    }
}

impl Inner {
    fn fits(&self, recorded: &Value, now: &Value) -> bool {
        if recorded == now {
            return true;
        }
        if !self.replaced {
            return false;
        }
        // A hash says nothing of what was replaced in the text.
        let hashed = recorded.get("blake3").is_some() && recorded.get("bytes").is_some();
        let without_body = |arguments: &Value| {
            let mut arguments = arguments.clone();
            if let Some(members) = arguments.as_object_mut() {
                members.remove(BODY_HASH);
            }
            arguments
        };
        hashed || recorded.get(BODY_HASH).is_some() && without_body(recorded) == without_body(now)
    }
}

fn parse_seed(text: &str) -> Option<[u8; 32]> {
    blake3::Hash::from_hex(text).ok().map(|hash| *hash.as_bytes())
}

/// About how many bytes a document has as text, without writing it.
fn json_len(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(list) => list.iter().map(|item| json_len(item) + 1).sum::<usize>() + 2,
        Value::Object(members) => {
            members.iter().map(|(name, member)| name.len() + json_len(member) + 4).sum::<usize>() + 2
        }
    }
}

/// The outcome of a host call as it stands on the tape.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Taped<T> {
    Ok(T),
    Failed(Failure),
}

/// A host call between its beginning and its end.
pub(crate) struct Begun {
    tape: Tape,
    function: &'static str,
    arguments: Value,
}

/// Begins a host call. Right: its recorded result.
///
/// # Errors
/// [`Diverged`].
pub(crate) fn begin<T: DeserializeOwned>(
    tape: &Tape,
    function: &'static str,
    arguments: impl Serialize,
) -> wasmtime::Result<Result<Begun, Result<T, Failure>>> {
    if tape.0.is_none() {
        return Ok(Ok(Begun { tape: Tape::off(), function, arguments: Value::Null }));
    }
    let arguments = shortened(serde_json::to_value(arguments).unwrap_or_default());
    let Some(played) = tape.begin(function, &arguments)? else {
        return Ok(Ok(Begun { tape: tape.clone(), function, arguments }));
    };
    match serde_json::from_value(played) {
        Ok(Taped::Ok(value)) => Ok(Err(Ok(value))),
        Ok(Taped::Failed(failure)) => Ok(Err(Err(failure))),
        Err(error) => Err(wasmtime::Error::msg(format!("the recorded result of {function} cannot be read: {error}"))),
    }
}

impl Begun {
    /// Ends the call.
    ///
    /// # Errors
    /// [`Interrupted`]: the call has no outcome, so nothing is recorded and the guest ends here.
    pub(crate) fn end<T: Serialize>(self, result: &Result<T, Failure>) -> wasmtime::Result<()> {
        if let Err(Failure::Interrupted { detail }) = result {
            return Err(Interrupted(detail.clone()).into());
        }
        if self.tape.0.is_none() {
            return Ok(());
        }
        let result = match result {
            Ok(value) => serde_json::to_value(Taped::Ok(value)),
            Err(failure) => serde_json::to_value(Taped::<()>::Failed(failure.clone())),
        };
        self.tape.end(self.function, self.arguments, result.unwrap_or_default());
        Ok(())
    }
}

/// Makes a host call, or plays it.
///
/// # Errors
/// [`Diverged`] and [`Interrupted`] end the invocation.
pub(crate) async fn taped<T: Serialize + DeserializeOwned>(
    tape: &Tape,
    function: &'static str,
    arguments: impl Serialize,
    live: impl Future<Output = Result<T, Failure>>,
) -> wasmtime::Result<Result<T, ContractFailure>> {
    match begin(tape, function, arguments)? {
        Ok(begun) => {
            let result = live.await;
            begun.end(&result)?;
            Ok(result.map_err(Into::into))
        }
        Err(played) => Ok(played.map_err(Into::into)),
    }
}

fn shortened(arguments: Value) -> Value {
    if json_len(&arguments) <= MAX_ARGUMENT_BYTES {
        return arguments;
    }
    let text = arguments.to_string();
    serde_json::json!({ "blake3": blake3::hash(text.as_bytes()).to_hex().as_str(), "bytes": text.len() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn call(tape: &Tape, key: &str, gives: u32) -> Result<u32, String> {
        match taped(tape, "memory.get", key, async { Ok(gives) }).await {
            Ok(result) => Ok(result.unwrap()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[tokio::test]
    async fn what_was_recorded_is_played_and_then_it_goes_on_for_real() {
        let tape = Tape::new(Recording::default(), 1_000).unwrap();
        assert_eq!(call(&tape, "a", 1).await, Ok(1));
        let first = tape.fresh().unwrap();
        tape.stored(&first);
        assert_eq!(tape.fresh(), None);
        assert_eq!(call(&tape, "a", 2).await, Ok(2));
        let second = tape.fresh().unwrap();
        assert_eq!((second.number, second.first, second.calls.len(), &second.seed), (1, 1, 1, &None));

        let recording = Recording::of([first.clone(), first, second]);
        assert_eq!(recording.calls.len(), 2);
        let again = Tape::new(recording.clone(), 9_000).unwrap();
        assert_eq!(again.seed(), tape.seed());
        assert_eq!(call(&again, "a", 7).await, Ok(1));
        assert_eq!(call(&again, "a", 7).await, Ok(2));
        assert_eq!(again.current().unwrap().occurrence, 2);
        assert_eq!(call(&again, "a", 7).await, Ok(7));
        assert_eq!(again.current().unwrap().occurrence, 3);
        assert_eq!(again.fresh().unwrap().first, 2);

        let other = Tape::new(recording.clone(), 0).unwrap();
        assert!(call(&other, "b", 7).await.unwrap_err().contains("host call 1 differs"));
        let only = Tape::played(recording, false).unwrap();
        assert_eq!((call(&only, "a", 7).await, call(&only, "a", 7).await), (Ok(1), Ok(2)));
        assert!(call(&only, "a", 7).await.unwrap_err().contains("ends before it"));
    }

    /// The first thing that a guest does may be a change, before which everything is stored: a part without calls.
    #[tokio::test]
    async fn a_part_without_calls_is_a_part() {
        let tape = Tape::new(Recording::default(), 0).unwrap();
        let empty = tape.fresh().unwrap();
        tape.stored(&empty);
        assert_eq!(call(&tape, "a", 1).await, Ok(1));
        let one = tape.fresh().unwrap();
        tape.stored(&one);
        assert_eq!(call(&tape, "b", 2).await, Ok(2));
        let two = tape.fresh().unwrap();
        assert_eq!((empty.number, one.number, two.number), (0, 1, 2));
        tape.failed(Failure::failed("no"));
        let last = tape.fresh().unwrap();
        let whole = Recording::of([empty, one, last]);
        assert_eq!((whole.number, whole.calls.len(), whole.failed), (3, 2, Some(Failure::failed("no"))));
    }

    #[tokio::test]
    async fn failures_are_recorded_too() {
        let tape = Tape::new(Recording::default(), 0).unwrap();
        let denied = async { Err::<u32, _>(Failure::denied("no")) };
        assert!(taped(&tape, "llm.complete", "x", denied).await.unwrap().is_err());
        let again = Tape::new(tape.fresh().unwrap(), 0).unwrap();
        let played = taped(&again, "llm.complete", "x", async { Ok(1_u32) }).await.unwrap();
        assert_eq!(Failure::from(played.unwrap_err()), Failure::denied("no"));
    }

    #[test]
    fn the_clock_shows_the_same_again() {
        let tape = Tape::new(Recording::default(), 5_000).unwrap();
        let shown: Vec<_> = (0..1_000).map(|_| tape.read_clock().unwrap()).collect();
        assert!(shown.iter().is_sorted());
        assert_eq!(shown[0], (shown[0].0, 0));
        let part = tape.fresh().unwrap();
        assert!(part.clock.len() < 500, "readings of the same millisecond are one run");
        tape.stored(&part);
        tape.read_clock();
        let whole = Recording::of([part, tape.fresh().unwrap()]);
        assert_eq!(whole.clock.iter().map(|(count, _)| count).sum::<u64>(), 1_001);
        let again = Tape::new(whole, 0).unwrap();
        assert_eq!((0..1_000).map(|_| again.read_clock().unwrap()).collect::<Vec<_>>(), shown);
    }

    #[test]
    fn a_full_tape_says_so_and_nothing_grows() {
        let tape = Tape::new(Recording::default(), 0).unwrap();
        for _ in 0..20 {
            assert!(tape.begin("http.fetch", &json!("x")).unwrap().is_none());
            tape.end("http.fetch", json!("x"), json!("y".repeat(1 << 20)));
        }
        assert!(tape.fresh().unwrap().full);
        assert!(tape.fresh().unwrap().calls.len() < 9);
        assert!(!tape.can_wait());
    }

    #[test]
    fn long_arguments_are_kept_as_their_hash() {
        let short = shortened(json!({"a": 1}));
        assert_eq!(short, json!({"a": 1}));
        let long = shortened(json!("x".repeat(MAX_ARGUMENT_BYTES)));
        assert_eq!(long["bytes"], MAX_ARGUMENT_BYTES + 2);
    }

    #[test]
    fn without_random_numbers_there_is_no_tape() {
        let broken = |_: &mut [u8]| Err(NoRandomness("none".to_owned()));
        let refused = Tape::seeded(Recording::default(), 0, broken).unwrap_err();
        assert!(refused.to_string().contains("no random numbers"));
        let recorded = Tape::new(Recording::default(), 0).unwrap().fresh().unwrap();
        assert!(Tape::seeded(recorded, 0, broken).is_ok(), "what has its seed needs no other");
    }

    #[tokio::test]
    async fn an_interrupted_call_ends_the_guest_and_leaves_nothing_on_the_tape() {
        let tape = Tape::new(Recording::default(), 0).unwrap();
        call(&tape, "a", 1).await.unwrap();
        let before = tape.fresh().unwrap();
        let gone = async { Err::<u32, _>(Failure::interrupted("the database is gone")) };
        let error = taped(&tape, "memory.get", "b", gone).await.unwrap_err();
        assert_eq!(error.downcast_ref::<Interrupted>(), Some(&Interrupted("the database is gone".to_owned())));
        assert_eq!(tape.fresh().unwrap(), before, "the call has no outcome");
        let again = Tape::new(before, 0).unwrap();
        assert_eq!(call(&again, "a", 5).await, Ok(1));
        assert_eq!(call(&again, "b", 2).await, Ok(2), "run again, it is made for real");
        let off = async { Err::<u32, _>(Failure::interrupted("x")) };
        assert!(taped(&Tape::off(), "memory.get", "b", off).await.is_err(), "also without a tape");
    }
}
