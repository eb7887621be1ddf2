//! The answer to a connection that is refused: short, ready before the request was read, and with a
//! hint when to come again.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use uuid::Uuid;

use crate::problem::Problem;

/// Refused connections that are kept open for a moment, so that their clients can read the answer:
/// a socket that is closed with unread bytes is reset, and the answer may be lost. The others are
/// answered and closed at once.
const LINGERING: usize = 32;
/// How long.
const LINGER: Duration = Duration::from_secs(1);
/// Bytes that are read from such a connection and thrown away.
const LINGER_BYTES: u64 = 16 << 10;

/// Answers refused connections.
pub(crate) struct Refuser {
    lingering: Arc<Semaphore>,
}

impl Refuser {
    pub(crate) fn new() -> Self {
        Self { lingering: Arc::new(Semaphore::new(LINGERING)) }
    }

    /// Answers, and closes.
    pub(crate) fn refuse(&self, mut stream: TcpStream, problem: &Problem) {
        let answer = answer(problem);
        let Ok(place) = self.lingering.clone().try_acquire_owned() else {
            // The socket does not block and its buffer is empty: this takes all of the answer or
            // fails.
            if let Ok(mut stream) = stream.into_std() {
                let _ = stream.write(&answer);
            }
            return;
        };
        tokio::spawn(async move {
            let _place = place;
            // A client that breaks off has no use for the answer.
            let _ = timeout(LINGER, async {
                stream.write_all(&answer).await?;
                stream.shutdown().await?;
                tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut tokio::io::sink()).await
            })
            .await;
        });
    }
}

/// The answer as it goes over the wire.
fn answer(problem: &Problem) -> Vec<u8> {
    let status = problem.status;
    let body = problem.body(&Uuid::now_v7().to_string()).to_string();
    let retry_after = problem.retry_after_seconds().map_or_else(String::new, |s| format!("retry-after: {s}\r\n"));
    let head = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         {retry_after}cache-control: no-store\r\nconnection: close\r\n\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        body.len(),
    );
    (head + &body).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::Refusal;

    #[test]
    fn the_answer_is_a_whole_http_response() {
        let text = String::from_utf8(answer(&Refusal::Full { limit: 7 }.problem())).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{head}");
        assert!(head.contains("\r\nretry-after: 1\r\n"), "{head}");
        assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((body["code"].as_str(), body["retryAfterMs"].as_u64()), (Some("busy"), Some(1_000)));
    }
}
