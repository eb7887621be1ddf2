//! A stream of server-sent events, read within limits. Source: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use reqwest::Response;
use sse_stream::{Error, Sse, SseByteStream};

use crate::clock::{Clock, Late};

/// Most bytes of one event, all its lines together, comments too; so also of one line.
pub const MAX_EVENT_BYTES: usize = 1 << 20;
/// Most bytes of one stream, with everything around the text in it.
pub const MAX_STREAM_BYTES: usize = 64 << 20;

/// Why the stream ended before its last event.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The time is over.
    #[error(transparent)]
    Late(#[from] Late),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Cut(String),
    /// A limit was met.
    #[error("{0} of more than {1} bytes came, which is the limit")]
    TooLarge(&'static str, usize),
    /// It is no UTF-8.
    #[error("it is not UTF-8")]
    NotText,
}

/// The events, in order.
pub(super) type Events<'a> = Pin<Box<dyn Stream<Item = Result<Sse, Broken>> + Send + 'a>>;

/// How an answer to the wish for a stream begins.
pub(super) enum Begun<'a> {
    /// As a stream.
    Stream(Events<'a>),
    /// As something that comes at once: JSON or a web page. Its first bytes, and where the rest is.
    Whole(Vec<u8>, Response),
    /// It ended before it began.
    Nothing,
}

/// Looks at the first byte that says something: neither JSON nor a web page can be a stream of events, whatever their headers say.
pub(super) async fn begin<'a>(mut response: Response, clock: &'a Clock) -> Result<Begun<'a>, Broken> {
    let mut head = Vec::new();
    loop {
        let bytes: &[u8] = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
        if let Some(first) = bytes.trim_ascii_start().first() {
            if matches!(first, b'{' | b'[' | b'<') {
                return Ok(Begun::Whole(head, response));
            }
            break;
        }
        if head.len() > MAX_EVENT_BYTES {
            return Err(Broken::TooLarge("an event", MAX_EVENT_BYTES));
        }
        match chunk(&mut response, clock).await? {
            Some(chunk) => head.extend_from_slice(&chunk),
            None => return Ok(Begun::Nothing),
        }
    }
    let chunks = stream::try_unfold((Some(Bytes::from(head)), response, Guard::default()), move |state| async move {
        let (head, mut response, mut guard) = state;
        let bytes = match head {
            Some(head) => Some(head),
            None => chunk(&mut response, clock).await?,
        };
        let Some(bytes) = bytes else { return Ok(None) };
        guard.look(&bytes)?;
        Ok::<_, Broken>(Some((bytes, (None, response, guard))))
    });
    let events = SseByteStream::new(Box::pin(chunks)).map(|event| {
        event.map_err(|error| match error {
            Error::Body(error) => match error.downcast::<Broken>() {
                Ok(broken) => *broken,
                Err(error) => Broken::Cut(error.to_string()),
            },
            _ => Broken::NotText,
        })
    });
    Ok(Begun::Stream(Box::pin(events)))
}

async fn chunk(response: &mut Response, clock: &Clock) -> Result<Option<Bytes>, Broken> {
    clock.next(response.chunk()).await?.map_err(|error| Broken::Cut(openanalyst_egress::reason(error)))
}

/// Counts bytes, as the decoder keeps an event until its last line.
#[derive(Debug, Default)]
struct Guard {
    event: usize,
    stream: usize,
    /// Something stands on the line that is being read.
    in_line: bool,
    /// The last byte was a carriage return: a line feed after it ends the same line.
    after_return: bool,
}

impl Guard {
    fn look(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.stream += bytes.len();
        if self.stream > MAX_STREAM_BYTES {
            return Err(Broken::TooLarge("a stream", MAX_STREAM_BYTES));
        }
        for byte in bytes {
            match byte {
                b'\n' if self.after_return => self.after_return = false,
                b'\n' | b'\r' => {
                    if !self.in_line {
                        self.event = 0;
                    }
                    self.in_line = false;
                    self.after_return = *byte == b'\r';
                }
                _ => {
                    self.event += 1;
                    self.in_line = true;
                    self.after_return = false;
                }
            }
            if self.event > MAX_EVENT_BYTES {
                return Err(Broken::TooLarge("an event", MAX_EVENT_BYTES));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(parts: &[&[u8]]) -> Result<(), Broken> {
        let mut guard = Guard::default();
        parts.iter().try_for_each(|part| guard.look(part))
    }

    #[test]
    fn an_event_has_a_limit_and_an_empty_line_ends_it() {
        let full = vec![b'x'; MAX_EVENT_BYTES];
        for end in ["\n\n", "\r\r", "\r\n\r\n"] {
            look(&[&full, end.as_bytes(), &full, end.as_bytes(), &full]).unwrap();
        }
        // The end of one line ends no event.
        for end in ["\n", "\r", "\r\n"] {
            look(&[&full, end.as_bytes(), b"x"]).unwrap_err();
        }
        look(&[&full, b"x"]).unwrap_err();
    }

    #[test]
    fn a_stream_has_a_limit() {
        let empty = vec![b'\n'; 1 << 20];
        let mut guard = Guard::default();
        for _ in 0..64 {
            guard.look(&empty).unwrap();
        }
        guard.look(b"\n").unwrap_err();
    }
}
