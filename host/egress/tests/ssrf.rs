//! Server-side request forgery, as a table: every way in which a skill, or a server that it asks, can try to reach what is not the public internet,
//! with what comes of it. And what the client does with servers that mean well.
//!
//! The servers are real ones with TLS, on this machine. Their network is opened for the client by the setting that operators have for it, where the
//! test is not about addresses.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use openanalyst_domain::Failure;
use openanalyst_egress::{Egress, EgressOptions, MAX_BODY_BYTES, Outgoing, Policy, Request};
use url::Url;

use openanalyst_test_https::{Answer, Names, Server};

/// Grants every `https` URL of the hosts; adds nothing.
struct Hosts(&'static [&'static str]);

impl Policy for Hosts {
    fn check(&self, url: &str) -> Result<Url, Failure> {
        let url = Url::parse(url).map_err(|_| Failure::invalid("no URL"))?;
        let host = url.host_str().unwrap_or_default();
        if url.scheme() == "https" && self.0.contains(&host) {
            Ok(url)
        } else {
            Err(Failure::denied(format!("{host} is not granted")))
        }
    }

    fn fill(&self, url: &Url, headers: &[(String, String)], _: bool) -> Result<Outgoing, Failure> {
        let confidential = vec!["x-key".to_owned()];
        Ok(Outgoing { url: url.clone(), headers: headers.to_vec(), confidential })
    }
}

fn get(url: &str) -> Request {
    Request { method: "GET".to_owned(), url: url.to_owned(), ..Request::default() }
}

fn egress(names: Names, open: bool, server: Option<&Server>) -> Egress {
    let networks = if open { vec!["127.0.0.0/8".parse().unwrap()] } else { Vec::new() };
    let certificates = openanalyst_egress::read_certificates(
        server.map_or_else(openanalyst_test_https::some_authority, |server| server.authority.clone()).as_bytes(),
    );
    Egress::new(EgressOptions {
        resolver: Arc::new(names),
        allowed_networks: networks,
        certificates: certificates.unwrap(),
        timeout: Duration::from_secs(20),
    })
    .unwrap()
}

fn names(entries: &[(&'static str, &[&str])]) -> Names {
    let addresses = entries.iter().map(|(host, at)| {
        let at = at.iter().map(|at| SocketAddr::new(at.parse().unwrap(), 9)).collect();
        (*host, vec![at])
    });
    Names::new(addresses)
}

const ALL: &[&str] = &[
    "inner.test",
    "127.0.0.1",
    "10.0.0.7",
    "169.254.169.254",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "0.0.0.0",
    "[fd00:ec2::254]",
    "localhost",
];

/// Here the policy lets everything pass, as if a grant were as wide as can be: the addresses alone decide.
#[tokio::test]
async fn no_address_that_is_not_public_is_connected_to() {
    // Literal addresses, in every spelling that a URL can have.
    for url in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://0/",
        "https://10.0.0.7/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fd00:ec2::254]/",
        "https://１２７.０.０.１/",
    ] {
        let failure = egress(Names::default(), false, None).fetch(get(url), &Hosts(ALL)).await.unwrap_err();
        assert_eq!(failure.code(), "denied", "{url}: {failure}");
    }
    // Names that resolve to them.
    for addresses in [
        &["127.0.0.1"][..],
        &["10.1.2.3", "192.168.0.1"],
        &["169.254.169.254"],
        &["100.100.100.200"],
        &["168.63.129.16"],
        &["0.0.0.0"],
        &["255.255.255.255"],
        &["224.0.0.251"],
        &["::1"],
        &["::ffff:10.0.0.1"],
        &["fe80::1"],
        &["fd00:ec2::254"],
        &["64:ff9b::a00:1"],
        &["2002:7f00:1::"],
        &["2001:0:4136:e378::1"],
    ] {
        let names = names(&[("inner.test", addresses)]);
        let failure = egress(names, false, None).fetch(get("https://inner.test/"), &Hosts(ALL)).await.unwrap_err();
        assert_eq!(failure.code(), "denied", "{addresses:?}: {failure}");
        assert!(failure.to_string().contains("inner.test"), "{failure}");
        assert!(
            !addresses.iter().any(|at| failure.to_string().contains(at)),
            "inner addresses are not told: {failure}"
        );
    }
}

/// The same name gives a public address first and an inner one after: there is no second question between look and connection.
#[tokio::test]
async fn rebinding_gains_nothing() {
    let inner = Server::start(&["rebind.test"], |_| Answer::ok("inner")).await;
    let public = SocketAddr::new("192.0.0.170".parse().unwrap(), 9);
    for answers in
        [vec![vec![inner.address]], vec![vec![public], vec![inner.address]], vec![vec![inner.address, public]]]
    {
        let names = Names::new([("rebind.test", answers)]);
        let egress = egress(names, false, Some(&inner));
        for _ in 0..3 {
            assert!(egress.fetch(get("https://rebind.test/"), &Hosts(&["rebind.test"])).await.is_err());
        }
    }
    assert_eq!(inner.connections(), 0);
}

#[tokio::test]
async fn a_redirect_must_pass_like_the_first_address() {
    for (location, outcome) in [
        ("https://b.test/next", "ok"),
        ("/next", "ok"),
        ("//b.test/next", "ok"),
        ("http://b.test/next", "denied"),
        ("https://127.0.0.1/", "denied"),
        ("https://169.254.169.254/latest/meta-data/", "denied"),
        ("https://c.test/", "denied"),
        ("https://b.test.evil.test/", "denied"),
        ("https://b.test@c.test/", "denied"),
        ("file:///etc/passwd", "denied"),
        ("gopher://b.test/", "denied"),
        ("https://[::1", "failed"),
    ] {
        let to = location.to_owned();
        let server = Server::start(&["a.test", "b.test"], move |request| {
            if request.path == "/next" { Answer::ok("there") } else { Answer::redirect(302, &to) }
        })
        .await;
        let egress = egress(server.names(), true, Some(&server));
        let ended = egress.fetch(get("https://a.test/"), &Hosts(&["a.test", "b.test"])).await;
        match ended {
            Ok(response) => assert_eq!((outcome, response.body.as_slice()), ("ok", &b"there"[..]), "{location}"),
            Err(failure) => assert_eq!(failure.code(), outcome, "{location}: {failure}"),
        }
    }
}

#[tokio::test]
async fn redirects_end_and_keep_to_their_methods() {
    let server = Server::start(&["a.test"], |_| Answer::redirect(302, "/again")).await;
    let failure = egress(server.names(), true, Some(&server))
        .fetch(get("https://a.test/"), &Hosts(&["a.test"]))
        .await
        .unwrap_err();
    assert_eq!(failure.code(), "failed", "{failure}");
    assert_eq!(server.requests().len(), 6, "the first one, and five redirects");

    for (status, method, expected) in [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
        (302, "DELETE", "DELETE"),
    ] {
        let server = Server::start(&["a.test"], move |request| {
            if request.path == "/next" { Answer::ok("there") } else { Answer::redirect(status, "/next") }
        })
        .await;
        let request = Request {
            method: method.to_owned(),
            body: Some(b"body".to_vec()),
            headers: vec![("Content-Type".to_owned(), "text/plain".to_owned())],
            ..get("https://a.test/")
        };
        egress(server.names(), true, Some(&server)).fetch(request, &Hosts(&["a.test"])).await.unwrap();
        let last = server.requests().pop().unwrap();
        assert_eq!(last.method, expected, "{status} {method}");
        let keeps = expected == method;
        assert_eq!(last.body == b"body", keeps, "{status} {method}");
        assert_eq!(last.headers.contains_key("content-type"), keeps, "{status} {method}");
    }
}

#[tokio::test]
async fn what_is_confidential_stays_with_its_host() {
    let server = Server::start(&["a.test", "b.test"], |request| match request.path.as_str() {
        "/same" => Answer::redirect(302, "/end"),
        "/other" => Answer::redirect(302, "https://b.test/end"),
        _ => Answer::ok("end"),
    })
    .await;
    let egress = egress(server.names(), true, Some(&server));
    let headers = [("Authorization", "a"), ("Cookie", "b"), ("X-Key", "c"), ("X-Other", "d")];
    for (path, kept) in [("/same", 4), ("/other", 1)] {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Request { headers, ..get(&format!("https://a.test{path}")) };
        egress.fetch(request, &Hosts(&["a.test", "b.test"])).await.unwrap();
        let last = server.requests().pop().unwrap();
        let there = ["authorization", "cookie", "x-key", "x-other"]
            .iter()
            .filter(|name| last.headers.contains_key(**name))
            .count();
        assert_eq!(there, kept, "{path}");
        assert!(!last.headers.contains_key("referer"));
    }
}

#[tokio::test]
async fn bodies_are_bounded_after_decompression_and_waits_too() {
    let bomb = openanalyst_test_https::gzipped(&vec![0; 64 << 20]);
    assert!(bomb.len() < 100 << 10);
    let just = openanalyst_test_https::gzipped(&vec![7; MAX_BODY_BYTES]);
    let server = Server::start(&["a.test"], move |request| match request.path.as_str() {
        "/bomb" => Answer::ok(bomb.clone()).with("content-encoding", "gzip"),
        "/just" => Answer::ok(just.clone()).with("content-encoding", "gzip"),
        "/broken" => Answer::ok("not gzip").with("content-encoding", "gzip"),
        "/large" => Answer::ok(vec![0; MAX_BODY_BYTES + 1]),
        "/headers" => Answer::ok("x").with("x-large", &"y".repeat(70 << 10)),
        "/404?key=hidden" => Answer { status: 404, ..Answer::ok("none") },
        _ => Answer::never(),
    })
    .await;
    let egress = egress(server.names(), true, Some(&server));
    for (path, code) in [
        ("/bomb", "hostcall-too-large"),
        ("/large", "hostcall-too-large"),
        ("/headers", "hostcall-too-large"),
        ("/broken", "failed"),
        ("/never", "unavailable"),
    ] {
        let request = Request {
            timeout: Some(Duration::from_millis(if path == "/never" { 300 } else { 20_000 })),
            ..get(&format!("https://a.test{path}"))
        };
        let failure = egress.fetch(request, &Hosts(&["a.test"])).await.unwrap_err();
        assert_eq!(failure.code(), code, "{path}: {failure}");
    }
    let just = egress.fetch(get("https://a.test/just"), &Hosts(&["a.test"])).await.unwrap();
    assert_eq!(just.body.len(), MAX_BODY_BYTES);
    let none = egress.fetch(get("https://a.test/404?key=hidden"), &Hosts(&["a.test"])).await.unwrap();
    assert_eq!((none.status, none.body.as_slice()), (404, &b"none"[..]));
}

#[tokio::test]
async fn a_server_that_cannot_prove_its_name_is_not_spoken_to() {
    let server = Server::start(&["other.test"], |_| Answer::ok("x")).await;
    let names = Names::new([("a.test", vec![vec![server.address]])]);
    let failure = egress(names, true, Some(&server))
        .fetch(get("https://a.test/?key=hidden"), &Hosts(&["a.test"]))
        .await
        .unwrap_err();
    assert_eq!(failure.code(), "unavailable");
    assert!(!failure.to_string().contains("hidden"), "{failure}");
    assert!(server.requests().is_empty());
    // Nobody knows the name; nobody listens.
    for names in [Names::default(), names_of_nobody().await] {
        let failure = egress(names, true, None).fetch(get("https://a.test/"), &Hosts(&["a.test"])).await.unwrap_err();
        assert!(matches!(failure, Failure::Unavailable { retry_after_ms: Some(_), .. }), "{failure}");
    }
}

async fn names_of_nobody() -> Names {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    drop(listener);
    Names::new([("a.test", vec![vec![at]])])
}

/// A proxy of the environment would connect where nobody looked. Tests share one environment, so a child is asked.
#[test]
fn proxies_of_the_environment_are_not_used() {
    if std::env::var_os("OPENANALYST_TEST_PROXY_CHILD").is_none() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "proxies_of_the_environment_are_not_used"])
            .env("OPENANALYST_TEST_PROXY_CHILD", "1")
            .env("HTTPS_PROXY", "http://127.0.0.1:1")
            .env("ALL_PROXY", "http://127.0.0.1:1")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let server = Server::start(&["a.test"], |_| Answer::ok("direct")).await;
        let response = egress(server.names(), true, Some(&server))
            .fetch(get("https://a.test/"), &Hosts(&["a.test"]))
            .await
            .unwrap();
        assert_eq!(response.body, b"direct");
    });
}
