//! Counts what a client sends below the level of messages.
//!
//! The WebSocket library gives out whole messages. A client can send parts of a message that never
//! ends, most of them empty: no message comes of it, and each part costs time and perhaps memory.
//! So the stream below the library is read along: each part of a message counts as a frame, and the
//! bytes of an unfinished message count like the body of an HTTP request. Frames that end a
//! message, pings and pongs come out of the library, and are counted there.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::outbox::{CloseReason, Outbox};
use crate::body_budget::Reservation;
use crate::rate::{Allowed, FrameRate};

/// Bytes that are still read once the connection is closing: the end of what the client was just
/// sending, and its own closing frame.
const BYTES_AFTER_CLOSING: usize = 512 << 10;
/// An unfinished message of this size or less is not counted: the connection's read buffer holds
/// it.
const UNCOUNTED_BYTES: usize = 4 << 10;

/// The first bytes of a frame (RFC 6455 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FrameHeader {
    is_final: bool,
    is_data: bool,
    payload_bytes: u64,
}

/// Most bytes of a header: two, eight of an extended length, and four of a mask.
const MAX_HEADER_BYTES: usize = 14;

/// Finds the frames in a stream that comes in pieces of any size.
#[derive(Debug, Default)]
struct FrameReader {
    header: [u8; MAX_HEADER_BYTES],
    /// How many bytes of the header have come.
    header_bytes: usize,
    /// Bytes of the frame's payload that have not come yet.
    payload_left: u64,
    in_data: bool,
    /// The length of the message so far, with all of the frame that is coming.
    message_bytes: u64,
    /// The last frame of data ends its message.
    message_ends: bool,
}

impl FrameReader {
    /// Reads on, and gives out each frame whose header is complete.
    fn read(&mut self, mut bytes: &[u8], mut each: impl FnMut(FrameHeader)) {
        while !bytes.is_empty() {
            if self.payload_left > 0 {
                let skipped = bytes.len().min(usize::try_from(self.payload_left).unwrap_or(usize::MAX));
                self.payload_left -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            self.header[self.header_bytes] = bytes[0];
            self.header_bytes += 1;
            bytes = &bytes[1..];
            if let Some(header) = parse(&self.header[..self.header_bytes]) {
                self.begin(header);
                each(header);
            }
        }
    }

    fn begin(&mut self, header: FrameHeader) {
        self.header_bytes = 0;
        self.payload_left = header.payload_bytes;
        self.in_data = header.is_data;
        if header.is_data {
            let before = if self.message_ends { 0 } else { self.message_bytes };
            self.message_bytes = before.saturating_add(header.payload_bytes);
            self.message_ends = header.is_final;
        }
    }

    /// Bytes of the message that has not come whole; 0 between two messages.
    fn unfinished_bytes(&self) -> u64 {
        let is_whole = self.message_ends && !(self.in_data && self.payload_left > 0);
        if is_whole { 0 } else { self.message_bytes }
    }
}

/// The header that these bytes are, once it is complete.
fn parse(bytes: &[u8]) -> Option<FrameHeader> {
    let &[first, second, ref rest @ ..] = bytes else { return None };
    let extended = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    if rest.len() < extended + mask {
        return None;
    }
    let payload_bytes = match extended {
        0 => u64::from(second & 0x7f),
        _ => rest[..extended].iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
    };
    Some(FrameHeader { is_final: first & 0x80 != 0, is_data: first & 0x08 == 0, payload_bytes })
}

/// A stream whose frames are counted.
pub(super) struct Metered<S> {
    stream: S,
    frames: FrameReader,
    rate: Arc<FrameRate>,
    /// Of the bytes of the unfinished message.
    reserved: Reservation,
    /// A message longer than this is refused by the library.
    max_message_bytes: usize,
    outbox: Outbox,
    /// The connection was given the time to notice that it is closing.
    has_paused: bool,
    bytes_after_closing: usize,
}

impl<S> Metered<S> {
    pub(super) fn new(
        stream: S,
        rate: Arc<FrameRate>,
        reserved: Reservation,
        max_message_bytes: usize,
        outbox: Outbox,
    ) -> Self {
        Self {
            stream,
            frames: FrameReader::default(),
            rate,
            reserved,
            max_message_bytes,
            outbox,
            has_paused: false,
            bytes_after_closing: BYTES_AFTER_CLOSING,
        }
    }

    fn count(&mut self, bytes: &[u8]) {
        let mut too_often = false;
        self.frames.read(bytes, |frame| {
            // There is nothing to answer a part of a message with, so a refused one only counts.
            too_often |= frame.is_data && !frame.is_final && self.rate.count() == Allowed::TooOften;
        });
        if too_often {
            self.outbox.close(CloseReason::TooOften);
            return;
        }
        let unfinished = usize::try_from(self.frames.unfinished_bytes()).unwrap_or(usize::MAX);
        let counted = if unfinished <= UNCOUNTED_BYTES { 0 } else { unfinished.min(self.max_message_bytes) };
        if self.reserved.resize(counted).is_err() {
            self.outbox.close(CloseReason::Busy);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let closing = this.outbox.is_closing();
        if closing && !this.has_paused {
            // The library asks for more until it has a message. This brings the connection to look
            // at why it closes.
            this.has_paused = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if closing && this.bytes_after_closing == 0 {
            // As if the client had ended.
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        let read = &buf.filled()[before..];
        if closing {
            this.bytes_after_closing = this.bytes_after_closing.saturating_sub(read.len());
        } else {
            this.count(read);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use openanalyst_domain::{Owner, TenantId, UserId};
    use proptest::prelude::*;
    use tokio::io::AsyncReadExt as _;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};
    use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader as LibraryHeader};

    use super::*;
    use crate::body_budget::{BodyBudget, ByteLimits};
    use crate::limits::ServerLimits;

    /// A frame as the library writes it.
    fn frame(code: OpCode, payload: usize, is_final: bool, mask: Option<[u8; 4]>) -> Vec<u8> {
        let header = LibraryHeader { is_final, opcode: code, mask, ..LibraryHeader::default() };
        let frame = Frame::from_payload(header, vec![0xff; payload].into());
        let mut bytes = Vec::new();
        frame.format(&mut bytes).unwrap();
        bytes
    }

    fn data(payload: usize, is_final: bool) -> Vec<u8> {
        frame(OpCode::Data(Data::Continue), payload, is_final, Some([1, 2, 3, 4]))
    }

    fn codes() -> impl Strategy<Value = OpCode> {
        prop_oneof![
            Just(OpCode::Data(Data::Text)),
            Just(OpCode::Data(Data::Binary)),
            Just(OpCode::Data(Data::Continue)),
            Just(OpCode::Control(Control::Ping)),
            Just(OpCode::Control(Control::Pong)),
            Just(OpCode::Control(Control::Close)),
        ]
    }

    fn payloads() -> impl Strategy<Value = usize> {
        prop_oneof![Just(0_usize), 1..200_usize, Just(125), Just(126), Just(127), Just(65_535), Just(65_536)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn frames_are_found_however_the_stream_is_cut(
            frames in prop::collection::vec((codes(), payloads(), any::<bool>(), any::<Option<[u8; 4]>>()), 0..12),
            cuts in prop::collection::vec(1..70_000_usize, 1..40),
            small in any::<bool>(),
        ) {
            let mut stream = Vec::new();
            let mut expected = Vec::new();
            let (mut message, mut ended) = (0, false);
            for (code, payload, is_final, mask) in frames {
                stream.extend(frame(code, payload, is_final, mask));
                let is_data = matches!(code, OpCode::Data(_));
                expected.push(FrameHeader { is_final, is_data, payload_bytes: payload as u64 });
                if is_data {
                    message = payload as u64 + if ended { 0 } else { message };
                    ended = is_final;
                }
            }
            let mut reader = FrameReader::default();
            let mut found = Vec::new();
            let mut rest = stream.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let cut = if small { 1 + cut % 7 } else { *cut };
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                reader.read(piece, |header| found.push(header));
                rest = after;
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!(reader.unfinished_bytes(), if ended { 0 } else { message });
        }

        #[test]
        fn any_bytes_are_read_the_same_way_however_they_are_cut(
            bytes in prop::collection::vec(any::<u8>(), 0..600),
            cut in 1..40_usize,
        ) {
            let (mut whole, mut cut_up) = (FrameReader::default(), FrameReader::default());
            let (mut once, mut in_pieces) = (Vec::new(), Vec::new());
            whole.read(&bytes, |header| once.push(header));
            for piece in bytes.chunks(cut) {
                cut_up.read(piece, |header| in_pieces.push(header));
            }
            prop_assert_eq!(once, in_pieces);
            prop_assert_eq!(whole.unfinished_bytes(), cut_up.unfinished_bytes());
        }
    }

    fn metered(bytes: Vec<u8>, budget_bytes: usize) -> (Metered<io::Cursor<Vec<u8>>>, Arc<BodyBudget>, Outbox) {
        let limits = ServerLimits {
            ws_messages_per_second: NonZeroU32::MIN,
            ws_messages_burst: NonZeroU32::new(3).unwrap(),
            ws_refusals: NonZeroU32::new(2).unwrap(),
            ..ServerLimits::default()
        };
        let limit = ByteLimits { user: budget_bytes, tenant: budget_bytes, node: budget_bytes };
        let budget = BodyBudget::new(limit);
        let owner = Owner::new(TenantId::parse("acme").unwrap(), UserId::parse("ada").unwrap());
        let (outbox, _) = super::super::outbox::queue(&limits);
        let rate = Arc::new(FrameRate::new(&limits));
        let reserved = budget.reserve(&owner);
        (Metered::new(io::Cursor::new(bytes), rate, reserved, 256 << 10, outbox.clone()), budget, outbox)
    }

    #[tokio::test]
    async fn empty_parts_of_a_message_count_against_the_rate() {
        let parts = |count: usize| data(0, false).repeat(count);
        let (mut stream, _, outbox) = metered(parts(5), 1 << 20);
        stream.read_to_end(&mut Vec::new()).await.unwrap();
        assert!(!outbox.is_closing(), "three at once, and two that are forgiven");
        let (mut stream, _, outbox) = metered(parts(6), 1 << 20);
        stream.read_to_end(&mut Vec::new()).await.unwrap();
        assert_eq!(outbox.closing().await, CloseReason::TooOften);
    }

    #[tokio::test]
    async fn whole_messages_pings_and_pongs_are_left_to_the_library() {
        let whole = [data(0, true), frame(OpCode::Control(Control::Ping), 0, true, None)].concat().repeat(100);
        let (mut stream, _, outbox) = metered(whole, 1 << 20);
        stream.read_to_end(&mut Vec::new()).await.unwrap();
        assert!(!outbox.is_closing());
    }

    #[tokio::test]
    async fn an_unfinished_message_takes_its_part_of_the_budget_and_gives_it_back() {
        let message = data(100 << 10, true);
        let (mut stream, budget, outbox) = metered(message.clone(), 100 << 10);
        let owner = Owner::new(TenantId::parse("acme").unwrap(), UserId::parse("ada").unwrap());
        let mut half = vec![0; message.len() / 2];
        stream.read_exact(&mut half).await.unwrap();
        assert!(budget.reserve(&owner).resize(1).is_err(), "all of it is taken");
        stream.read_to_end(&mut Vec::new()).await.unwrap();
        budget.reserve(&owner).resize(100 << 10).unwrap();
        assert!(!outbox.is_closing());

        let (mut stream, _, outbox) = metered(message, (100 << 10) - 1);
        stream.read_exact(&mut half).await.unwrap();
        assert_eq!(outbox.closing().await, CloseReason::Busy);
    }

    #[tokio::test]
    async fn a_closing_connection_reads_no_more_than_it_must() {
        let (mut stream, _, outbox) = metered(vec![0; 4 << 20], 1 << 20);
        outbox.close(CloseReason::TooOften);
        let mut read = Vec::new();
        stream.read_to_end(&mut read).await.unwrap();
        assert!((BYTES_AFTER_CLOSING..BYTES_AFTER_CLOSING * 2).contains(&read.len()), "{}", read.len());
    }
}
