//! The journal of one invocation: what it asked is recorded before anything outside is changed, and what it changed is changed once.
//!
//! Two things are written, in one transaction each time. The **recording** holds every host call with its result, so that a guest that runs again comes to
//! the same place ([`openanalyst_runtime::tape`]). The **effect** holds the intent of a call that changes something, and later its result. Its key
//! is made of task, step, function, arguments and how often the same call was made before, and not of the attempt: a retry of the step that makes the same change
//! again is given the result of the first. Only a change that failed is tried again.

use openanalyst_domain::{Failure, LimitReason};
use openanalyst_runtime::CallError;
use openanalyst_runtime::tape::{CallName, Recording};
use openanalyst_store::effects::{Effect, EffectKey};
use openanalyst_store::recordings::PartRow;
use openanalyst_store::{StoreError, Tx};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{HostContext, store_failure};
use crate::asked::decode_document;
use crate::numbers::signed;
use crate::record::WriteBatch;

/// The place of a change in the journal.
#[derive(Debug, Clone)]
pub(crate) struct EffectId {
    /// The key of its effect.
    pub(crate) key: String,
    /// What an outside service knows it by: the same for every attempt at it.
    pub(crate) identity: String,
}

/// What was recorded of an invocation, from its parts in their order.
///
/// # Errors
/// [`StoreError::Damaged`]: a part cannot be read. Without it a guest would be told something else than before.
pub(crate) fn recording(parts: impl IntoIterator<Item = PartRow>) -> Result<Recording, StoreError> {
    let parts = parts.into_iter().map(|row| {
        let part: Recording = decode_document("recording", &row.part)?;
        Ok(Recording { number: row.number, ..part })
    });
    Ok(Recording::of(parts.collect::<Result<Vec<_>, StoreError>>()?))
}

impl EffectId {
    /// The keys under which it is made once more, one after the other.
    pub(crate) fn again(&self) -> impl FnMut() -> String + Send + use<> {
        let (first, mut number) = (self.key.clone(), 0);
        move || {
            number += 1;
            format!("{first}@{number}")
        }
    }
}

/// The journaled result of a change.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RecordedResult<T> {
    Ok(T),
    Failed(Failure),
}

/// What the journal says of a change.
pub(crate) enum EffectState<T> {
    /// It was made; this is what came of it.
    Settled(Result<T, Failure>),
    /// It was about to be made, and what came of it is not known.
    Pending,
    /// Nothing.
    New,
}

impl HostContext {
    /// Begins a write that holds only while this process works on the task, and stores what was recorded until now in it. Says what the journal holds for
    /// a change.
    pub(crate) async fn begin_for(&self, change: &EffectId) -> Result<(WriteBatch, Option<Effect>), StoreError> {
        let (mut batch, effect) = self.record.begin_for(&self.key(&change.key)).await?;
        if let Some(part) = self.tape.fresh() {
            batch.keep_recordings(&self.owner, self.task, &[&self.part(&part)]);
            batch.records(self.tape.clone(), part);
        }
        Ok((batch, effect))
    }

    fn part(&self, part: &Recording) -> PartRow {
        PartRow {
            place: self.place.clone(),
            number: part.number,
            component: self.component.clone(),
            part: serde_json::to_value(part).unwrap_or_default(),
        }
    }

    /// What the recording of an invocation that ended, or was put aside, still has to store.
    pub(crate) fn last_part<T>(&self, ended: &Result<T, CallError>) -> Option<PartRow> {
        // What comes of the machine and of the moment is not what the guest did, and would not come of it again.
        match ended {
            Err(error @ (CallError::Failure(_) | CallError::Trap { .. })) => self.tape.failed(error.as_failure()),
            Err(error @ CallError::Limit { reason, .. })
                if !matches!(reason, LimitReason::Busy | LimitReason::DeadlineExceeded) =>
            {
                self.tape.failed(error.as_failure());
            }
            Ok(_) | Err(_) => {}
        }
        self.tape.fresh().map(|part| self.part(&part))
    }

    pub(crate) fn key<'a>(&'a self, place: &'a str) -> EffectKey<'a> {
        EffectKey { owner: &self.owner, task: self.task, place }
    }

    /// The place of the change that the current host call makes.
    pub(crate) fn change(&self) -> EffectId {
        self.change_of(self.tape.current())
    }

    pub(crate) fn change_of(&self, name: Option<CallName>) -> EffectId {
        let key = match name {
            Some(CallName { function, hash, occurrence }) => {
                format!("{}/{function}-{hash}-{occurrence}", self.effects)
            }
            // Without a tape there is no replay that would have to find it again.
            None => format!("{}/{}", self.effects, openanalyst_domain::MessageId::new()),
        };
        EffectId { identity: key.clone(), key }
    }

    /// Writes that a change is about to be made, or says what the journal knows of it. Where earlier attempts at the step made it and failed, it
    /// is made again under a key of its own.
    pub(crate) async fn intend<T: DeserializeOwned>(
        &self,
        change: &mut EffectId,
        operation: &str,
        intent: &Value,
    ) -> Result<EffectState<T>, Failure> {
        let written = async {
            let (mut batch, effect) = self.begin_for(change).await?;
            let before = self.before(&mut batch, change, effect).await?;
            if matches!(before, EffectState::New) {
                let intent = self.intent(intent);
                batch.intend_first(&self.key(&change.key), operation, &intent, self.brain.clock.now_ms());
            }
            batch.commit().await?;
            Ok(before)
        };
        written.await.map_err(|error: StoreError| store_failure(&error))
    }

    fn intent(&self, intent: &Value) -> Value {
        let mut intent = intent.clone();
        intent["attempt"] = json!(self.attempt);
        intent
    }

    /// What the journal says of a change, `effect` being what it holds under its key. A change that failed in earlier attempts stands under one more key for each
    /// of them.
    pub(crate) async fn before<T: DeserializeOwned>(
        &self,
        tx: &mut Tx,
        change: &mut EffectId,
        mut effect: Option<Effect>,
    ) -> Result<EffectState<T>, StoreError> {
        let mut next = change.again();
        while let Some(found) = effect {
            if !self.is_failed_earlier(&found) {
                return before(found);
            }
            change.key = next();
            // What a server refused for good (RFC 9110 §15.5) it may answer in the same way for as long as it knows the request's key.
            if status_of(&found)
                .is_some_and(|status| (400..500).contains(&status) && ![408, 409, 425, 429].contains(&status))
            {
                change.identity.clone_from(&change.key);
            }
            effect = tx.effect(&self.key(&change.key)).await?;
        }
        Ok(EffectState::New)
    }

    /// Makes a change of the record itself, in one transaction with its journal.
    pub(crate) async fn in_one_write<T: Serialize + DeserializeOwned>(
        &self,
        operation: &str,
        intent: &Value,
        make: impl AsyncFnOnce(&mut Tx) -> Result<Result<T, Failure>, StoreError>,
    ) -> Result<T, Failure> {
        let mut change = self.change();
        let made = async {
            let (mut batch, effect) = self.begin_for(&change).await?;
            if let EffectState::Settled(result) = self.before(&mut batch, &mut change, effect).await? {
                return Ok(result);
            }
            let result = make(&mut batch).await?;
            let (intent, now_ms) = (self.intent(intent), self.brain.clock.now_ms());
            batch.intend_and_settle(&self.key(&change.key), operation, &intent, &settled(&result), now_ms);
            batch.commit().await?;
            Ok(result)
        };
        made.await.map_err(|error: StoreError| store_failure(&error))?
    }

    /// Whether an earlier attempt at the step made this change, and it failed.
    fn is_failed_earlier(&self, effect: &Effect) -> bool {
        let attempt = effect.intent.get("attempt").and_then(Value::as_u64).unwrap_or(0);
        let failed = effect.result.as_ref().is_some_and(|result| result.get("failed").is_some());
        let refused = status_of(effect).is_some_and(|status| status >= 400);
        (failed || refused) && attempt < u64::from(self.attempt)
    }

    /// Writes what came of a change.
    ///
    /// # Errors
    /// The record cannot be reached, or could not while the change was made: then nothing is known of
    /// its outcome and nothing is written, so that the resumed task finds the intent still open.
    pub(crate) async fn settle<T: Serialize>(
        &self,
        change: &EffectId,
        result: &Result<T, Failure>,
    ) -> Result<(), Failure> {
        if let Err(interrupted @ Failure::Interrupted { .. }) = result {
            return Err(interrupted.clone());
        }
        let written = async {
            let mut batch = self.record.begin().await?;
            batch.settle(&self.key(&change.key), &settled(result), self.brain.clock.now_ms());
            batch.commit().await
        };
        written.await.map_err(|error| store_failure(&error))
    }

    /// Makes a change that may be made again where it was cut off: the outcome is the same.
    pub(crate) async fn once<T: Serialize + DeserializeOwned>(
        &self,
        operation: &str,
        intent: &Value,
        make: impl Future<Output = Result<T, Failure>> + Send,
    ) -> Result<T, Failure> {
        let mut change = self.change();
        if let EffectState::Settled(result) = self.intend(&mut change, operation, intent).await? {
            return result;
        }
        let result = make.await;
        self.settle(&change, &result).await?;
        result
    }

    /// The time until which the current call waits, `timeout` from now, or what is left of it if it had begun to wait before.
    pub(crate) fn waits_until(&self, timeout: Option<std::time::Duration>) -> Option<i64> {
        match self.tape.waiting() {
            Some(waiting) => waiting.until_ms,
            None => timeout.map(|timeout| {
                self.brain.clock.now_ms().saturating_add(signed(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)))
            }),
        }
    }
}

fn settled<T: Serialize>(result: &Result<T, Failure>) -> Value {
    let settled = match result {
        Ok(value) => serde_json::to_value(RecordedResult::Ok(value)),
        Err(failure) => serde_json::to_value(RecordedResult::<()>::Failed(failure.clone())),
    };
    settled.unwrap_or_default()
}

/// What a server answered, where the change was a request.
fn status_of(effect: &Effect) -> Option<u64> {
    effect.result.as_ref()?.pointer("/ok/status")?.as_u64()
}

fn before<T: DeserializeOwned>(effect: Effect) -> Result<EffectState<T>, StoreError> {
    // A result that cannot be read is no open change: it was made.
    let settled = effect.result.map(|result| decode_document("result of a change", &result)).transpose()?;
    Ok(match settled {
        Some(RecordedResult::Ok(value)) => EffectState::Settled(Ok(value)),
        Some(RecordedResult::Failed(failure)) => EffectState::Settled(Err(failure)),
        None => EffectState::Pending,
    })
}
