//! For tests: a small HTTPS server that a test programs (HTTP/1.1, one request for each connection), and a name system that leads to it. No crate of the
//! product depends on it.

use std::collections::HashMap;
use std::io;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use openanalyst_egress::Resolver;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A name system that the test writes; each question after the last entry of a name gets that last one again.
#[derive(Default)]
pub struct Names {
    addresses: HashMap<&'static str, Vec<Vec<SocketAddr>>>,
    asked: AtomicUsize,
}

impl Names {
    /// Each host with its answers in turn.
    pub fn new(addresses: impl IntoIterator<Item = (&'static str, Vec<Vec<SocketAddr>>)>) -> Self {
        Self { addresses: addresses.into_iter().collect(), asked: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let answers = self.addresses.get(host).ok_or_else(|| io::Error::other("no such host"))?;
        Ok(answers[turn.min(answers.len() - 1)].clone())
    }
}

/// A request that the server got.
pub struct Seen {
    /// Its method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

/// What it answers.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers beside its length.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Nothing comes, and the connection stays open.
    pub never: bool,
}

impl Answer {
    /// 200.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into(), never: false }
    }

    /// A redirect.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self { status, ..Self::ok("") }.with("location", location)
    }

    /// The connection stays open and silent.
    pub fn never() -> Self {
        Self { never: true, ..Self::ok("") }
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A server. It ends with its runtime.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// The certificate of its authority, PEM.
    pub authority: String,
    hosts: Vec<&'static str>,
    connections: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("a test server");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a test server")).expect("a test server")
}

/// The certificate of an authority that signed nothing.
pub fn some_authority() -> String {
    authority().pem()
}

/// Compresses.
pub fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("a test server");
    encoder.finish().expect("a test server")
}

impl Server {
    /// Starts one that can prove to be these hosts.
    pub async fn start(hosts: &[&'static str], answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let authority = authority();
        let key = KeyPair::generate().expect("a test server");
        let names: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let certificate =
            CertificateParams::new(names).expect("a test server").signed_by(&key, &authority).expect("a test server");
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("a test server")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).expect("a test server"),
            )
            .expect("a test server");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a test server");
        let address = listener.local_addr().expect("a test server");
        let (connections, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let server = Self {
            address,
            authority: authority.pem(),
            hosts: hosts.to_vec(),
            connections: connections.clone(),
            seen: seen.clone(),
        };
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (acceptor, answer, seen) = (acceptor.clone(), answer.clone(), seen.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let Some(request) = read(&mut stream).await else { return };
                    let answer = answer(&request);
                    seen.lock().expect("a test server").push(request);
                    if answer.never {
                        // Until the client goes.
                        let _ = stream.read(&mut [0]).await;
                        return;
                    }
                    let mut head = format!(
                        "HTTP/1.1 {} X\r\ncontent-length: {}\r\nconnection: close\r\n",
                        answer.status,
                        answer.body.len()
                    );
                    for (name, value) in &answer.headers {
                        head.extend([name, ": ", value, "\r\n"]);
                    }
                    // A client that has seen enough closes early.
                    let _ = stream.write_all(format!("{head}\r\n").as_bytes()).await;
                    let _ = stream.write_all(&answer.body).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        server
    }

    /// A name system in which all hosts of this server are it.
    pub fn names(&self) -> Names {
        Names::new(self.hosts.iter().map(|host| (*host, vec![vec![self.address]])))
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The requests, in order.
    pub fn requests(&self) -> std::sync::MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().expect("a test server")
    }
}

async fn read(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen { method, path, headers, body })
}
