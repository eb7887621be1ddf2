//! `progress`: what a skill reports goes to whoever awaits its invocation.

use openanalyst_runtime::capabilities::Progress;
use tokio::sync::mpsc;

/// How many reports wait to be written; more are dropped.
const WAITING: usize = 16;

/// A report: what, and how far, 0 to 100.
pub(crate) type Report = (String, Option<u8>);

/// The skill's end of the channel.
pub(crate) struct ProgressChannel {
    sender: mpsc::Sender<Report>,
}

impl ProgressChannel {
    /// Both ends.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Report>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self { sender }, receiver)
    }
}

impl Progress for ProgressChannel {
    fn report(&self, message: &str, percent: Option<u8>) {
        // A full channel means that the record is slower than the skill talks: the next report says more anyway.
        let _ = self.sender.try_send((message.to_owned(), percent));
    }
}
