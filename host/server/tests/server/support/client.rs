//! Clients of the edge.

use std::io::ErrorKind;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{Edge, PATIENCE};

/// One HTTP call.
pub async fn call(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.timeout(PATIENCE).send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

impl Edge {
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        openanalyst_egress::client(super::PATIENCE * 2)
            .unwrap()
            .request(method.parse().unwrap(), format!("http://{}{path}", self.address))
    }

    pub fn get(&self, path: &str, token: &str) -> reqwest::RequestBuilder {
        self.request("GET", path).bearer_auth(token)
    }

    pub fn post(&self, path: &str, token: &str, body: &Value) -> reqwest::RequestBuilder {
        self.request("POST", path).bearer_auth(token).json(body)
    }

    /// A connection that sends what a test says, and nothing of its own.
    pub async fn raw(&self) -> Raw {
        Raw { stream: TcpStream::connect(self.address).await.unwrap() }
    }

    /// A connection that has sent the headers of a request, and whose body the server waits for.
    pub async fn raw_request(&self, line: &str, token: &str, body_bytes: usize) -> Raw {
        let mut raw = self.raw().await;
        raw.send(Self::head(line, token, body_bytes).as_bytes()).await;
        let (status, _, _) = raw.answer().await.expect("an answer to the headers");
        assert_eq!(status, 100, "the server asks for the body");
        raw
    }

    pub fn head(line: &str, token: &str, body_bytes: usize) -> String {
        format!(
            "{line} HTTP/1.1\r\nhost: edge\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             content-length: {body_bytes}\r\nexpect: 100-continue\r\n\r\n"
        )
    }

    pub async fn hub(&self, user: &str) -> Hub {
        self.try_hub("/v1/ws", &[("authorization", &format!("Bearer {}", self.token(user)))]).await.unwrap()
    }

    pub async fn try_hub(&self, path: &str, headers: &[(&'static str, &str)]) -> Result<Hub, WsError> {
        self.hub_over(TcpStream::connect(self.address).await.unwrap(), path, headers).await
    }

    pub async fn hub_over(
        &self,
        stream: TcpStream,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Hub, WsError> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, answer) = client_async(request, stream).await?;
        let protocol = answer.headers().get("sec-websocket-protocol").map(|value| value.to_str().unwrap().to_owned());
        Ok(Hub { socket, protocol })
    }

    /// The answer to a handshake that is refused.
    pub async fn refused_hub(&self, path: &str, headers: &[(&'static str, &str)]) -> (u16, Value) {
        match self.try_hub(path, headers).await {
            Err(WsError::Http(answer)) => {
                let body = answer.body().as_deref().unwrap_or_default();
                (answer.status().as_u16(), serde_json::from_slice(body).unwrap_or_default())
            }
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("the handshake was accepted"),
        }
    }
}

/// One connection, without a client library.
pub struct Raw {
    pub stream: TcpStream,
}

impl Raw {
    pub async fn send(&mut self, bytes: &[u8]) {
        // The server may have closed already; what it says is read next.
        let _ = self.stream.write_all(bytes).await;
    }

    /// Status, headers in lower case and body of the next answer. None: the server closed the
    /// connection.
    pub async fn answer(&mut self) -> Option<(u16, String, Value)> {
        tokio::time::timeout(PATIENCE, self.read_answer()).await.expect("an answer in time")
    }

    async fn read_answer(&mut self) -> Option<(u16, String, Value)> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(error) => {
                    let closed = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset];
                    assert!(head.is_empty() && closed.contains(&error.kind()), "{error} after {head:?}");
                    return None;
                }
            }
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        Some((status, head, serde_json::from_slice(&body).unwrap_or_default()))
    }
}

/// A WebSocket client.
pub struct Hub {
    pub socket: WebSocketStream<TcpStream>,
    pub protocol: Option<String>,
}

impl Hub {
    /// Sends a message with this id.
    pub async fn send_as(&mut self, id: &str, kind: &str, payload: Value) {
        let message = json!({
            "type": kind, "userId": "somebody-else", "sessionId": "s", "payload": payload, "timestamp": 0, "messageId": id,
        });
        self.send_raw(Message::text(message.to_string())).await;
    }

    pub async fn send(&mut self, kind: &str, payload: Value) {
        self.send_as(&uuid::Uuid::now_v7().to_string(), kind, payload).await;
    }

    pub async fn send_raw(&mut self, message: Message) {
        // The server may have closed already; what it says is read next.
        let _ = self.socket.send(message).await;
    }

    pub async fn next(&mut self) -> Value {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a frame in time");
            match frame.expect("an open socket").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("expected a message, got {other:?}"),
            }
        }
    }

    /// Messages up to the first one of this type, that one included.
    pub async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut messages = Vec::new();
        while messages.last().is_none_or(|last: &Value| last["type"] != kind) {
            messages.push(self.next().await);
        }
        messages
    }

    /// The code with which the server closes the socket, and what it said before.
    pub async fn close(&mut self) -> (u16, Vec<Value>) {
        let mut messages = Vec::new();
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a frame in time") {
                Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), messages),
                Some(Ok(Message::Text(text))) => messages.push(serde_json::from_str(&text).unwrap()),
                Some(Ok(_)) => {}
                other => panic!("expected a close frame, got {other:?}"),
            }
        }
    }
}
