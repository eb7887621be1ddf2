//! A server as a process of its own, and clients that talk to it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Once;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// The request of the README.
pub const POST_AND_SCHEDULE: &str = "Create a Twitter post about AI trends and schedule it for tomorrow";
/// The time zone of the tests' users.
pub const ZONE: &str = "Europe/Berlin";
/// The longest that any single wait may take before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A data directory of its own, with the shared cache of compiled components.
pub struct DataDir {
    path: PathBuf,
    /// Where the record is a server's.
    database_url: Option<String>,
    _dir: Option<tempfile::TempDir>,
}

impl DataDir {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = Self::on(dir.path()).path;
        Self { path, database_url: openanalyst_test_postgres::chosen(), _dir: Some(dir) }
    }

    /// With the record in a file, whatever the other tests use: for what only a file can suffer.
    pub fn with_a_file() -> Self {
        Self { database_url: None, ..Self::new() }
    }

    /// With the record in this database.
    pub fn on_postgres(url: String) -> Self {
        Self { database_url: Some(url), ..Self::new() }
    }

    /// In a folder that the caller looks after.
    pub fn on(folder: &Path) -> Self {
        // The cache's key is the same for all tests, so that a component is compiled once for all of them.
        let keys = folder.join("keys");
        std::fs::create_dir(&keys).unwrap();
        std::fs::write(keys.join("cache.key"), [7; 32]).unwrap();
        Self { path: folder.to_owned(), database_url: None, _dir: None }
    }

    /// One that is there already, with the record in its file.
    pub fn of(folder: &Path) -> Self {
        Self { path: folder.to_owned(), database_url: None, _dir: None }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn cache() -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("component-cache")
    }

    /// Where the record is.
    pub fn record(&self) -> openanalyst_store::StoreOptions {
        match &self.database_url {
            Some(url) => openanalyst_store::StoreOptions::postgres(url).unwrap(),
            None => openanalyst_store::StoreOptions::sqlite(self.database()),
        }
    }

    /// Whether it is in a file.
    pub fn has_a_file(&self) -> bool {
        self.database_url.is_none()
    }

    /// The flags of the database.
    pub fn database_flags(&self) -> Vec<String> {
        self.database_url.iter().flat_map(|url| ["--database-url".to_owned(), url.clone()]).collect()
    }

    pub fn database(&self) -> PathBuf {
        self.path().join("openanalyst.db")
    }

    /// The binary with this data directory, and everything that comes with the host compiled already: no test waits for a compiler by chance.
    pub fn command(&self, arguments: &[&str]) -> Command {
        static COMPILED: Once = Once::new();
        COMPILED.call_once(|| {
            let dir = tempfile::tempdir().unwrap();
            let mut doctor =
                Self::on(dir.path()).command_with_cache(&["doctor", "--listen", "127.0.0.1:0"], &Self::cache());
            let checked = String::from_utf8(doctor.output().unwrap().stdout).unwrap();
            for part in ["bundled skills", "checker", "script runner"] {
                assert!(checked.contains(&format!("ok    {part}")), "{checked}");
            }
        });
        self.command_with_cache(arguments, &Self::cache())
    }

    /// The binary with this data directory and a cache of compiled components of its own.
    pub fn command_with_cache(&self, arguments: &[&str], cache: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_openanalyst"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OPENANALYST_")) {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(self.path());
        command.args(["--data-dir", self.path().to_str().unwrap(), "--cache-dir", cache.to_str().unwrap()]);
        command.args(["--time-zone", ZONE]).args(self.database_flags());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn token(&self, tenant: &str, user: &str) -> String {
        let output = self.run(&["token", "--tenant", tenant, "--user", user]);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// A running server. Dropping it kills it.
pub struct Server {
    child: Child,
    log: Option<std::thread::JoinHandle<String>>,
    pub address: SocketAddr,
}

impl Server {
    pub fn start(data: &DataDir) -> Self {
        Self::start_with(data, &[])
    }

    pub fn start_with(data: &DataDir, arguments: &[&str]) -> Self {
        Self::started_by(data.command(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat()))
    }

    /// A server whose compiled components are kept in a folder of its own.
    pub fn start_with_cache(data: &DataDir, cache: &Path) -> Self {
        Self::started_by(data.command_with_cache(&["serve", "--listen", "127.0.0.1:0"], cache))
    }

    fn started_by(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The log is read to its end, so that the server never waits for its reader.
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            while let Ok(1..) = log.read_line(&mut text) {}
            text
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = loop {
            match lines.next() {
                Some(Ok(line)) if line.starts_with("ready http://") => break line,
                Some(Ok(_)) => {}
                _ => panic!("the server did not start: {:?}\n{}", child.wait(), log.join().unwrap()),
            }
        };
        let address = ready.strip_prefix("ready http://").unwrap().parse().unwrap();
        Self { child, log: Some(log), address }
    }

    /// Ends the process at once, as a power cut would; gives what it logged.
    pub fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.log.take().map(|log| log.join().unwrap()).unwrap_or_default()
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end of a process that was asked to end.
    pub fn wait(mut self) -> std::process::ExitStatus {
        self.child.wait().unwrap()
    }

    /// Asks the process to end.
    pub fn ask_to_end(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    pub fn client(&self, token: &str) -> Client {
        Client {
            http: openanalyst_egress::client(std::time::Duration::from_secs(60)).unwrap(),
            base: format!("http://{}", self.address),
            token: token.to_owned(),
        }
    }

    pub async fn hub(&self, token: &str) -> Hub {
        self.try_hub(&[("authorization", &format!("Bearer {token}"))]).await.unwrap()
    }

    pub async fn try_hub(&self, headers: &[(&'static str, &str)]) -> Result<Hub, WsError> {
        let mut request = format!("ws://{}/v1/ws", self.address).into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        Ok(Hub { socket })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An HTTP client with a token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Client {
    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.send(self.http.get(format!("{}{path}", self.base))).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(self.http.post(format!("{}{path}", self.base)).json(body)).await
    }

    /// Sends a request under a key, and gives its task once it is acknowledged. None: the server is gone.
    pub async fn try_accept(&self, body: &Value, key: &str) -> Option<String> {
        let request = self.http.post(format!("{}/v1/requests?wait=0", self.base)).json(body);
        let request = request.header("idempotency-key", key).bearer_auth(&self.token).timeout(PATIENCE);
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let task: Value = serde_json::from_str(&answer.text().await.ok()?).ok()?;
        assert!(status == 200 || status == 202, "{task}");
        Some(task["taskId"].as_str().unwrap().to_owned())
    }

    /// A package as the body.
    pub async fn put_bytes(&self, method: &str, path: &str, body: Vec<u8>) -> (u16, Value) {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.base));
        self.send(request.header("content-type", "application/zip").body(body)).await
    }

    /// Puts under a condition.
    pub async fn put_if(&self, path: &str, body: &Value, (name, value): (&str, &str)) -> (u16, Value) {
        self.send(self.http.put(format!("{}{path}", self.base)).json(body).header(name, value)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        self.call("put", path, Some(body)).await
    }

    /// Any call. An event stream is read only if it is refused.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let request = self.http.request(method.to_uppercase().parse().unwrap(), format!("{}{path}", self.base));
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        self.send(request).await
    }

    pub async fn post_bytes(&self, path: &str, body: Vec<u8>) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.base)).header("content-type", "application/json");
        self.send(request.body(body)).await
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        // A server may close a connection whose request it refused before it had read it all: each request has one of its own.
        let request = request.header("connection", "close");
        let answer = request.bearer_auth(&self.token).timeout(PATIENCE).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Asks, and waits for the end.
    pub async fn ask(&self, content: &str, session: &str) -> Value {
        let body = json!({"content": content, "sessionId": session});
        let (status, task) = self.post("/v1/requests?wait=60", &body).await;
        assert_eq!(status, 200, "{task}");
        task
    }

    /// All events that are recorded of a task, over SSE. The task must have ended.
    pub async fn events(&self, task: &str) -> Vec<Value> {
        let mut events = Vec::new();
        self.each_event(task, 0, |event| {
            events.push(event);
            true
        })
        .await;
        events
    }

    /// Gives each event after `after` to `take`, until it says false or the stream ends.
    pub async fn each_event(&self, task: &str, after: u64, mut take: impl FnMut(Value) -> bool) {
        let answer = self
            .http
            .get(format!("{}/v1/tasks/{task}/events", self.base))
            .bearer_auth(&self.token)
            .header("last-event-id", after.to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        let mut bytes = answer.bytes_stream();
        let mut buffer = String::new();
        while let Some(Ok(chunk)) = tokio::time::timeout(PATIENCE, bytes.next()).await.expect("an event in time") {
            buffer.push_str(std::str::from_utf8(&chunk).unwrap());
            while let Some(end) = buffer.find("\n\n") {
                let block: String = buffer.drain(..end + 2).collect();
                let data: Vec<&str> = block.lines().filter_map(|line| line.strip_prefix("data:")).collect();
                if !data.is_empty() && !take(serde_json::from_str(data.join("\n").trim()).unwrap()) {
                    return;
                }
            }
        }
    }
}

/// A WebSocket client.
pub struct Hub {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Hub {
    /// Sends a message of the protocol, and gives its id.
    pub async fn send(&mut self, kind: &str, session: &str, payload: Value) -> String {
        let id = uuid::Uuid::now_v7().to_string();
        let message = json!({
            "type": kind, "userId": "somebody-else", "sessionId": session, "payload": payload,
            "timestamp": 0, "messageId": id,
        });
        self.send_text(&message.to_string()).await;
        id
    }

    pub async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub async fn send_raw(&mut self, message: Message) {
        // The server may have closed already; what it says is read next.
        let _ = self.socket.send(message).await;
    }

    /// The next message of the protocol.
    pub async fn next(&mut self) -> Value {
        loop {
            match self.next_frame().await {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("expected a message, got {other:?}"),
            }
        }
    }

    /// Waits until the server has closed the socket.
    pub async fn closed(&mut self) {
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("the socket is closed in time") {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Messages up to the first one of this type, that one included.
    pub async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut messages = Vec::new();
        loop {
            let message = self.next().await;
            let found = message["type"] == kind;
            messages.push(message);
            if found {
                return messages;
            }
        }
    }

    /// The code with which the server closes the socket; what comes before it is skipped.
    pub async fn close_code(&mut self) -> u16 {
        self.close_frame().await.0
    }

    /// The reason that stands beside that code.
    pub async fn close_reason(&mut self) -> String {
        self.close_frame().await.1
    }

    async fn close_frame(&mut self) -> (u16, String) {
        loop {
            match tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a frame in time") {
                Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), frame.reason.to_string()),
                Some(Ok(_)) => {}
                other => panic!("expected a close frame, got {other:?}"),
            }
        }
    }

    async fn next_frame(&mut self) -> Message {
        let frame = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a frame in time");
        frame.expect("an open socket").unwrap()
    }
}

/// The names of events, in order.
pub fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

/// Fails unless the numbers of the events go from 1 without a gap.
pub fn assert_gapless(events: &[Value]) {
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], json!(index + 1), "{:?}", kinds(events));
    }
}
