//! The stores of packages: every case runs over a folder, over S3, and over an S3 that has no conditional create.

use std::fs;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::header::IF_NONE_MATCH;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use openanalyst_domain::Digest;
use openanalyst_registry::{FolderPackages, ObjectPackages, PackageStore, PackageStoreError, S3Options};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError, HttpResponse};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::{JoinHandle, JoinSet};

const KEY: &str = "AKIDOFTHETEST";
const SECRET: &str = "the-secret-of-the-test";
const TOKEN: &str = "the-token-of-the-test";
const BUCKET: &str = "skills";

/// An S3 server in this process, which checks signatures. Its bucket is a folder.
struct Server {
    address: SocketAddr,
    dir: TempDir,
    /// How many requests had a condition, and how many puts had none.
    conditional: Arc<AtomicUsize>,
    plain: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(knows_conditions: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(dir.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (conditional, plain) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counts = (conditional.clone(), plain.clone());
        let task = tokio::spawn(async move {
            // Dropped with the task, and with it every connection.
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let (service, (conditional, plain)) = (service.clone(), counts.clone());
                let answer = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let condition = request.headers().contains_key(IF_NONE_MATCH);
                    if condition {
                        conditional.fetch_add(1, Ordering::Relaxed);
                    } else if request.method() == "PUT" {
                        plain.fetch_add(1, Ordering::Relaxed);
                    }
                    answer(service.clone(), request, condition && !knows_conditions)
                });
                connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), answer));
            }
        });
        Self { address, dir, conditional, plain, task }
    }

    fn options(&self, prefix: &str) -> S3Options {
        options(self.address, prefix).with_credentials(KEY, SECRET, None)
    }

    fn store(&self, prefix: &str) -> Arc<ObjectPackages> {
        Arc::new(ObjectPackages::open(&self.options(prefix)).unwrap())
    }
}

/// What a server says that does not know conditions, after it read the body.
async fn answer(
    service: S3Service,
    request: Request<hyper::body::Incoming>,
    refuse: bool,
) -> Result<HttpResponse, HttpError> {
    if !refuse {
        return service.call(request.map(Body::from)).await;
    }
    Body::from(request.into_body()).store_all_limited(64 << 20).await.unwrap();
    let why = "<Error><Code>NotImplemented</Code><Message>A header implies what is not implemented</Message></Error>";
    let mut response = HttpResponse::new(Body::from(why.to_owned()));
    *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
    Ok(response)
}

fn options(address: SocketAddr, prefix: &str) -> S3Options {
    S3Options::parse(&format!("s3://{BUCKET}/{prefix}?endpoint=http://{address}")).unwrap()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Folder,
    S3,
    S3WithoutConditions,
}

/// Two stores in one place that must not see each other, and where the first one has its files.
struct Bench {
    kind: Kind,
    store: Arc<dyn PackageStore>,
    other: Arc<dyn PackageStore>,
    files: PathBuf,
    server: Option<Server>,
    _dir: TempDir,
}

impl Bench {
    async fn new(kind: Kind) -> Self {
        let dir = tempfile::tempdir().unwrap();
        if kind == Kind::Folder {
            let open = |name| Arc::new(FolderPackages::open(&dir.path().join(name)).unwrap());
            let files = dir.path().join("one");
            return Self { kind, store: open("one"), other: open("two"), files, server: None, _dir: dir };
        }
        let server = Server::start(kind == Kind::S3).await;
        let (store, other) = (server.store("packages/one"), server.store("packages/two"));
        let files = server.dir.path().join(BUCKET).join("packages/one");
        Self { kind, store, other, files, server: Some(server), _dir: dir }
    }

    fn file(&self, digest: &Digest) -> PathBuf {
        let (first, rest) = digest.as_str().split_at(2);
        self.files.join(first).join(rest)
    }
}

fn package(bytes: impl Into<Bytes>) -> (Digest, Bytes) {
    let bytes = bytes.into();
    (openanalyst_package::digest(&bytes), bytes)
}

async fn put_and_get(bench: &Bench) {
    let (digest, bytes) = package("a package");
    bench.store.put(&digest, bytes.clone()).await.unwrap();
    assert_eq!(bench.store.get(&digest).await.unwrap(), bytes);
    assert_eq!(fs::read(bench.file(&digest)).unwrap(), bytes, "under its digest");
}

async fn put_twice_changes_nothing(bench: &Bench) {
    let (digest, bytes) = package("a package");
    let mut files = Vec::new();
    for _ in 0..2 {
        bench.store.put(&digest, bytes.clone()).await.unwrap();
        assert_eq!(bench.store.get(&digest).await.unwrap(), bytes);
        files.push(fs::metadata(bench.file(&digest)).unwrap());
    }
    if bench.kind != Kind::S3WithoutConditions {
        assert_eq!(files[0].ino(), files[1].ino());
        assert_eq!(files[0].modified().unwrap(), files[1].modified().unwrap());
    }
}

async fn an_unknown_one_is_not_found(bench: &Bench) {
    let (digest, _) = package("never put");
    let error = bench.store.get(&digest).await.unwrap_err();
    assert!(matches!(&error, PackageStoreError::NotFound(which) if *which == digest), "{error}");
}

async fn a_wrong_digest_is_refused(bench: &Bench) {
    let ((digest, _), (_, other)) = (package("a package"), package("another"));
    let error = bench.store.put(&digest, other).await.unwrap_err();
    assert!(matches!(error, PackageStoreError::Damaged(_)), "{error}");
    assert!(matches!(bench.store.get(&digest).await, Err(PackageStoreError::NotFound(_))), "nothing was kept");
}

async fn damage_is_seen_and_repaired_by_a_new_put(bench: &Bench) {
    let (digest, bytes) = package("a package");
    let other = package("another package");
    for (digest, bytes) in [(&digest, &bytes), (&other.0, &other.1)] {
        bench.store.put(digest, bytes.clone()).await.unwrap();
    }
    // Other bytes, none, fewer, and more than any package has (the file has holes: it takes no space).
    let damages: [fn(&PathBuf); 4] = [
        |file| fs::write(file, "b package").unwrap(),
        |file| fs::write(file, "").unwrap(),
        |file| fs::write(file, "a pack").unwrap(),
        |file| fs::OpenOptions::new().write(true).open(file).unwrap().set_len((64 << 20) + 1).unwrap(),
    ];
    for damage in damages {
        damage(&bench.file(&digest));
        let error = bench.store.get(&digest).await.unwrap_err();
        assert!(matches!(error, PackageStoreError::Damaged(_)), "{error}");
        bench.store.put(&digest, bytes.clone()).await.unwrap();
        assert_eq!(bench.store.get(&digest).await.unwrap(), bytes);
        assert_eq!(bench.store.get(&other.0).await.unwrap(), other.1);
    }
}

async fn many_put_the_same_at_once(bench: &Bench) {
    let (digest, bytes) = package(vec![7; 100_000]);
    for damaged in [false, true] {
        if damaged {
            fs::write(bench.file(&digest), "x").unwrap();
        }
        let mut puts = JoinSet::new();
        for _ in 0..16 {
            let (store, digest, bytes) = (bench.store.clone(), digest.clone(), bytes.clone());
            puts.spawn(async move { store.put(&digest, bytes).await });
        }
        while let Some(put) = puts.join_next().await {
            put.unwrap().unwrap();
        }
        assert_eq!(bench.store.get(&digest).await.unwrap(), bytes);
        let names: Vec<_> = fs::read_dir(bench.file(&digest).parent().unwrap()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing is left behind: {names:?}");
    }
}

async fn nothing_and_much_can_be_put(bench: &Bench) {
    let much: Vec<u8> = (0..5_u32 << 20).map(|i| (i % 251) as u8).collect();
    for (digest, bytes) in [package(""), package(much)] {
        bench.store.put(&digest, bytes.clone()).await.unwrap();
        assert!(bench.store.get(&digest).await.unwrap() == bytes, "{} bytes", bytes.len());
    }
}

async fn too_much_is_refused(bench: &Bench) {
    let (digest, bytes) = package(vec![0; (64 << 20) + 1]);
    let error = bench.store.put(&digest, bytes).await.unwrap_err();
    assert!(matches!(error, PackageStoreError::TooLarge { .. }), "{error}");
    assert!(error.to_string().contains("67108865 bytes and 67108864 is the limit"), "{error}");
    assert!(!bench.file(&digest).exists());
}

async fn one_prefix_does_not_see_another(bench: &Bench) {
    let (digest, bytes) = package("a package");
    bench.store.put(&digest, bytes.clone()).await.unwrap();
    assert!(matches!(bench.other.get(&digest).await, Err(PackageStoreError::NotFound(_))));
    bench.other.put(&digest, bytes.clone()).await.unwrap();
    fs::write(bench.file(&digest), "damaged").unwrap();
    assert!(matches!(bench.store.get(&digest).await, Err(PackageStoreError::Damaged(_))));
    assert_eq!(bench.other.get(&digest).await.unwrap(), bytes);
}

type Case = for<'a> fn(&'a Bench) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

const CASES: &[(&str, Case)] = &[
    ("put and get", |bench| Box::pin(put_and_get(bench))),
    ("put twice", |bench| Box::pin(put_twice_changes_nothing(bench))),
    ("get of an unknown one", |bench| Box::pin(an_unknown_one_is_not_found(bench))),
    ("wrong digest", |bench| Box::pin(a_wrong_digest_is_refused(bench))),
    ("damage and repair", |bench| Box::pin(damage_is_seen_and_repaired_by_a_new_put(bench))),
    ("puts at once", |bench| Box::pin(many_put_the_same_at_once(bench))),
    ("nothing and 5 MiB", |bench| Box::pin(nothing_and_much_can_be_put(bench))),
    ("more than 64 MiB", |bench| Box::pin(too_much_is_refused(bench))),
    ("prefixes", |bench| Box::pin(one_prefix_does_not_see_another(bench))),
];

async fn all_cases(kind: Kind) {
    for (name, case) in CASES {
        println!("{kind:?}: {name}");
        let bench = Bench::new(kind).await;
        case(&bench).await;
        if let Some(server) = &bench.server {
            let (conditional, plain) = (&server.conditional, &server.plain);
            println!("  with a condition {conditional:?}, without {plain:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder() {
    all_cases(Kind::Folder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3() {
    all_cases(Kind::S3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_without_conditional_create() {
    all_cases(Kind::S3WithoutConditions).await;
}

#[tokio::test]
async fn a_server_that_knows_conditions_gets_no_plain_put_and_another_one_is_asked_once() {
    let (digest, bytes) = package("a package");
    let server = Server::start(true).await;
    let store = server.store("");
    for _ in 0..3 {
        store.put(&digest, bytes.clone()).await.unwrap();
    }
    let counts = |server: &Server| (server.conditional.load(Ordering::Relaxed), server.plain.load(Ordering::Relaxed));
    assert_eq!(counts(&server), (3, 0));
    assert!(server.dir.path().join(BUCKET).join(&digest.as_str()[..2]).join(&digest.as_str()[2..]).exists());

    let server = Server::start(false).await;
    let store = server.store("packages");
    for _ in 0..3 {
        store.put(&digest, bytes.clone()).await.unwrap();
    }
    // As it is a fault of the server by its number, the client tries three times more.
    assert_eq!(counts(&server), (4, 3));
}

/// Gives the text of the error, after a look for what must not be in it.
fn unavailable(result: Result<impl Sized, PackageStoreError>) -> String {
    match result {
        Err(PackageStoreError::Unavailable(why)) => {
            for hidden in [KEY, SECRET, TOKEN, "another-secret", "Signature=", "<Error>"] {
                assert!(!why.contains(hidden), "{why}");
            }
            why
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it went well"),
    }
}

#[tokio::test]
async fn whoever_is_not_let_in_is_told_why() {
    let server = Server::start(true).await;
    let (digest, bytes) = package("a package");
    let open = options(server.address, "packages");
    let cases = [
        (open.clone().with_credentials(KEY, "another-secret", None), "SignatureDoesNotMatch"),
        (open.clone().with_credentials("AKIDOFNOBODY", SECRET, None), "NotSignedUp"),
    ];
    for (options, code) in cases {
        let store = ObjectPackages::open(&options).unwrap();
        let whys = [
            unavailable(store.put(&digest, bytes.clone()).await),
            unavailable(store.get(&digest).await),
            unavailable(store.check().await),
        ];
        for why in whys {
            assert!(why.contains(&format!("does not let this program in (it answered 403 {code})")), "{why}");
            assert!(why.contains("check the access key") && why.contains("the bucket `skills`"), "{why}");
        }
    }
}

#[tokio::test]
async fn the_check_says_whether_the_bucket_can_be_used() {
    let server = Server::start(true).await;
    let store = server.store("packages");
    store.check().await.unwrap();
    let (digest, bytes) = package("a package");
    store.put(&digest, bytes).await.unwrap();
    store.check().await.unwrap();
    server.store("").check().await.unwrap();
    assert_eq!(server.conditional.load(Ordering::Relaxed), 1, "it puts nothing");
    assert_eq!(server.plain.load(Ordering::Relaxed), 0, "it puts nothing");

    let options = S3Options { bucket: "nowhere".to_owned(), ..server.options("packages") };
    let why = unavailable(ObjectPackages::open(&options).unwrap().check().await);
    assert!(why.starts_with("there is no such bucket as the bucket `nowhere` of http://127.0.0.1:"), "{why}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_soon() {
    // Bound and not listening: nobody else gets the port, and every connection is refused.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    let (digest, bytes) = package("a package");
    // With TLS too: the client needs nothing that somebody else must have set up before.
    for scheme in ["http", "https"] {
        let url = format!("s3://{BUCKET}/packages?endpoint={scheme}://{address}");
        let options = S3Options::parse(&url).unwrap().with_credentials(KEY, SECRET, Some(TOKEN.to_owned()));
        let store = ObjectPackages::open(&options).unwrap();
        let begin = Instant::now();
        let whys = [
            unavailable(store.put(&digest, bytes.clone()).await),
            unavailable(store.get(&digest).await),
            unavailable(store.check().await),
        ];
        assert!(begin.elapsed() < Duration::from_secs(90), "{:?}", begin.elapsed());
        for why in whys {
            assert!(why.contains(&format!("no connection to the bucket `skills` of {scheme}://{address}")), "{why}");
            assert!(why.contains("refused") && why.contains("Check that the server runs"), "{why}");
        }
    }
}

#[tokio::test]
async fn nothing_shows_credentials() {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let options = options(address, "packages").with_credentials(KEY, SECRET, Some(TOKEN.to_owned()));
    let store = ObjectPackages::open(&options).unwrap();
    let shown = format!("{options:?} {options:#?} {store:?} {store:#?} {store}");
    for hidden in [KEY, SECRET, TOKEN] {
        assert!(!shown.contains(hidden), "{shown}");
    }
    assert!(shown.contains("the bucket `skills` of http://127.0.0.1:9"), "{shown}");
}

/// Where the server is, for the test in a process of its own.
const ADDRESS: &str = "OPENANALYST_TEST_S3_ADDRESS";

#[tokio::test(flavor = "multi_thread")]
async fn without_credentials_those_of_the_environment_apply_and_nothing_else_of_it() {
    let server = Server::start(true).await;
    let child = |secret: &str| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", "in_an_environment", "--ignored"])
            .env(ADDRESS, server.address.to_string())
            .env("AWS_ACCESS_KEY_ID", KEY)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .env("AWS_SESSION_TOKEN", "")
            // None of these may change where packages go, or how.
            .env("AWS_ENDPOINT_URL", "http://192.0.2.1")
            .env("AWS_ENDPOINT_URL_S3", "http://192.0.2.1")
            .env("AWS_BUCKET", "nowhere")
            .env("AWS_REGION", "elsewhere")
            .env("AWS_SKIP_SIGNATURE", "true")
            .env("HTTP_PROXY", "http://127.0.0.1:1")
            .env("ALL_PROXY", "http://127.0.0.1:1")
            .env_remove("NO_PROXY");
        tokio::task::spawn_blocking(move || child.output().unwrap())
    };
    let output = child(SECRET).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(server.conditional.load(Ordering::Relaxed), 1, "{output:?}");

    let output = child(&format!("{SECRET}\n")).await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success() && said.contains("the environment (AWS_ACCESS_KEY_ID and others)"), "{said}");
    assert!(said.contains("the secret of the access key is empty, or has") && !said.contains(SECRET), "{said}");
}

#[tokio::test]
#[ignore = "run by the test above, in its environment"]
async fn in_an_environment() {
    let address = std::env::var(ADDRESS).unwrap().parse().unwrap();
    let store = ObjectPackages::open(&options(address, "packages")).unwrap();
    let (digest, bytes) = package("a package");
    store.check().await.unwrap();
    store.put(&digest, bytes.clone()).await.unwrap();
    assert_eq!(store.get(&digest).await.unwrap(), bytes);
}

#[test]
fn a_url_says_which_bucket() {
    let parse = |url: &str| S3Options::parse(url).unwrap();
    let options = parse("s3://skills/open/analyst/?region=eu-central-1");
    assert_eq!((&*options.bucket, &*options.prefix, &*options.region), ("skills", "open/analyst", "eu-central-1"));
    assert_eq!((options.endpoint, options.virtual_hosted), (None, true));
    assert!(!parse("s3://skills.example?region=eu-central-1").virtual_hosted, "no certificate covers it");

    let options = parse("s3://skills?endpoint=http://127.0.0.1:9000");
    assert_eq!((&*options.prefix, &*options.region), ("", "us-east-1"));
    assert_eq!((options.endpoint.as_deref(), options.virtual_hosted), (Some("http://127.0.0.1:9000"), false));
    for good in [
        "http://localhost:9000",
        "http://[::1]:9000",
        "https://s3.example.org",
        "https://192.0.2.1",
        "https://s3.example.org/storage",
    ] {
        parse(&format!("s3://skills?endpoint={good}"));
    }
    assert!(parse("s3://skills?endpoint=https://s3.example.org&style=virtual").virtual_hosted);
}

#[test]
fn a_wrong_url_is_refused_with_what_to_do() {
    let cases = [
        ("", "not a URL"),
        ("skills", "not a URL"),
        ("https://skills/a?region=r", "only `s3:` is known"),
        ("s3://?region=r", "name of the bucket is wrong"),
        ("s3:///a?region=r", "name of the bucket is wrong"),
        ("s3://ab?region=r", "3 to 63 letters"),
        ("s3://-skills?region=r", "name of the bucket is wrong"),
        ("s3://hush@skills?region=r", "holds a user or a password"),
        ("s3://id:hush@skills?region=r", "holds a user or a password"),
        ("s3://skills:9000?region=r", "has a port"),
        ("s3://skills?region=r#hush", "has a port or a `#`"),
        ("s3://skills", "names no region: add ?region="),
        ("s3://skills?region=", "name of the region is wrong"),
        ("s3://skills?region=evil.example/", "name of the region is wrong"),
        ("s3://skills?region=a&region=b", "`region` twice"),
        ("s3://skills?region=r&secret_access_key=hush", "holds credentials"),
        ("s3://skills?region=r&X-Amz-Security-Token=hush", "holds credentials"),
        ("s3://skills?region=r&acl=hush", "the parameter `acl`, which is not known"),
        ("s3://skills?region=r&style=hush", "it is `path` or `virtual`"),
        ("s3://skills/a//b?region=r", "prefix in the bucket is wrong"),
        ("s3://skills/a%2Fb?region=r", "prefix in the bucket is wrong"),
        ("s3://skills/a%20b?region=r", "prefix in the bucket is wrong"),
        ("s3://skills?endpoint=", "not a URL with a host"),
        ("s3://skills?endpoint=localhost:9000", "not a URL with a host"),
        ("s3://skills?endpoint=ftp://localhost", "only `https:` is known"),
        ("s3://skills?endpoint=http://s3.example.org", "is for servers on this machine"),
        ("s3://skills?endpoint=http://localhost.example.org", "is for servers on this machine"),
        ("s3://skills?endpoint=http://192.0.2.1:9000", "is for servers on this machine"),
        ("s3://skills?endpoint=https://id:hush@s3.example.org", "holds a user or a password"),
        ("s3://skills?endpoint=https://s3.example.org?token%3Dhush", "has a `?` or a `#`"),
        ("s3://skills?endpoint=https://127.0.0.1&style=virtual", "use `style=path`"),
    ];
    for (url, why) in cases {
        let error = S3Options::parse(url).map(|_| ()).expect_err(url).to_string();
        assert!(error.contains(why), "{url}: {error}");
        assert!(!error.contains("hush"), "{url}: {error}");
    }
}

#[test]
fn wrong_credentials_and_wrong_fields_are_refused_before_anything_is_sent() {
    let good = S3Options::parse("s3://skills?region=eu-central-1").unwrap();
    let some = |text: &str| Some(text.to_owned());
    let cases = [
        (S3Options { access_key_id: some("hush"), ..good.clone() }, "the access key has no secret"),
        (S3Options { secret_access_key: some("hush"), ..good.clone() }, "the secret has no access key"),
        (S3Options { session_token: some("hush"), ..good.clone() }, "the session token has no access key"),
        (good.clone().with_credentials("hush", "hush\n", None), "the secret of the access key is empty, or has"),
        (good.clone().with_credentials("", "hush", None), "the access key is empty, or has"),
        (good.clone().with_credentials("hush", "hush", some("hush ü")), "the session token is empty, or has"),
        (S3Options { bucket: "../hush".to_owned(), ..good.clone() }, "the name of the bucket is wrong"),
        (S3Options { prefix: "a/../hush".to_owned(), ..good.clone() }, "the prefix in the bucket is wrong"),
        (S3Options { prefix: "a".repeat(513), ..good.clone() }, "the prefix in the bucket is wrong"),
        (S3Options { endpoint: some("http://s3.example.org"), ..good.clone() }, "use `https:`"),
    ];
    for (options, why) in cases {
        let error = ObjectPackages::open(&options).map(|_| ()).expect_err(why).to_string();
        assert!(error.contains(why) && !error.contains("hush"), "{error}");
    }
}
