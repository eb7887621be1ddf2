//! Web search: what goes over the wire, and what comes of everything that a server can answer.

use std::time::{Duration, Instant};

use crate::common::{KEY, Reply, Server, failed, invalid, unavailable};
use openanalyst_providers::search::{
    Engine, Hit, MAX_SNIPPET_CHARS, MAX_TITLE_CHARS, MAX_URL_BYTES, SearchClient, SearchOptions,
};
use openanalyst_providers::{MAX_BODY_BYTES, ProviderError};
use serde_json::{Value, json};

const ENGINES: [Engine; 3] = [Engine::SearXng, Engine::Brave, Engine::Tavily];

fn options(engine: Engine, server: &Server) -> SearchOptions {
    let mut options = SearchOptions::new(engine);
    options.base_url = Some(server.url(""));
    options.api_key = Some(KEY.into());
    options.backoff = Duration::from_millis(1);
    options
}

fn client(engine: Engine, server: &Server) -> SearchClient {
    SearchClient::new(options(engine, server)).unwrap()
}

/// A result in the words of the engine.
fn result(engine: Engine, title: &str, url: &str, snippet: &str, published: Value) -> Value {
    match engine {
        Engine::SearXng => json!({
            "title": title, "url": url, "content": snippet, "publishedDate": published, "engine": "x", "engines": ["x"],
            "parsed_url": ["https", "example.org", "/", "", "", ""], "score": 1.0,
        }),
        Engine::Brave => json!({
            "title": title, "url": url, "description": snippet, "page_age": published, "type": "search_result",
            "age": "2 days ago", "language": "en",
        }),
        Engine::Tavily => json!({
            "title": title, "url": url, "content": snippet, "published_date": published, "score": 0.9,
            "raw_content": null,
        }),
    }
}

/// An answer with these results.
fn answer(engine: Engine, results: &[Value]) -> String {
    match engine {
        Engine::SearXng => json!({
            "query": "q", "number_of_results": 0, "results": results, "answers": [], "suggestions": [],
            "unresponsive_engines": [],
        }),
        Engine::Brave => json!({
            "type": "search", "query": { "original": "q" }, "web": { "type": "search", "results": results },
        }),
        Engine::Tavily => {
            json!({ "query": "q", "answer": null, "images": [], "results": results, "response_time": 0.5 })
        }
    }
    .to_string()
}

fn one(engine: Engine) -> String {
    answer(engine, &[result(engine, "Title", "https://example.org/a", "Text", json!("2024-11-12T10:00:00"))])
}

fn hit() -> Hit {
    Hit {
        title: "Title".to_owned(),
        url: "https://example.org/a".to_owned(),
        snippet: "Text".to_owned(),
        published_at_ms: Some(1_731_405_600_000),
    }
}

// What is sent.

#[tokio::test]
async fn each_engine_gets_the_documented_request() {
    for engine in ENGINES {
        let server = Server::start([Reply::new(200, one(engine))]).await;
        let client = client(engine, &server);
        assert_eq!(client.search(" a&b=ü #1 ", 7).await.unwrap(), [hit()]);
        let request = server.requests().remove(0);
        let (method, path) = match engine {
            Engine::SearXng => ("GET", "/search?q=a%26b%3D%C3%BC+%231&format=json"),
            Engine::Brave => ("GET", "/res/v1/web/search?q=a%26b%3D%C3%BC+%231&count=7"),
            Engine::Tavily => ("POST", "/search"),
        };
        assert_eq!((request.method.as_str(), request.path.as_str()), (method, path));
        assert_eq!(request.header("accept"), Some("application/json"));
        if engine == Engine::Brave {
            assert_eq!((request.header("x-subscription-token"), request.header("authorization")), (Some(KEY), None));
        } else {
            assert_eq!(request.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
        }
        if engine == Engine::Tavily {
            assert_eq!(request.json(), json!({ "query": "a&b=ü #1", "max_results": 7 }));
            assert_eq!(request.header("content-type"), Some("application/json"));
        } else {
            assert!(request.body.is_empty());
        }
    }
}

#[tokio::test]
async fn searxng_needs_no_key_and_may_be_anywhere() {
    let server = Server::start([Reply::new(200, one(Engine::SearXng))]).await;
    let base_url = Some(server.url("/searx/"));
    let options = SearchOptions { api_key: None, base_url, ..options(Engine::SearXng, &server) };
    assert_eq!(SearchClient::new(options).unwrap().search("q", 1).await.unwrap(), [hit()]);
    let request = server.requests().remove(0);
    assert_eq!((request.path.as_str(), request.header("authorization")), ("/searx/search?q=q&format=json", None));
}

#[tokio::test]
async fn an_empty_query_is_not_sent() {
    let server = Server::start([Reply::never()]).await;
    for query in ["", " \n\t"] {
        invalid(client(Engine::Brave, &server).search(query, 1).await.unwrap_err());
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn options_that_cannot_work_are_refused() {
    let with_key = |engine| SearchOptions { api_key: Some(KEY.into()), ..SearchOptions::new(engine) };
    for engine in [Engine::Brave, Engine::Tavily] {
        SearchClient::new(with_key(engine)).unwrap();
        assert!(matches!(SearchClient::new(SearchOptions::new(engine)).unwrap_err(), ProviderError::Setting { .. }));
    }
    assert!(matches!(SearchClient::new(with_key(Engine::SearXng)).unwrap_err(), ProviderError::Setting { .. }));
    let options = SearchOptions { timeout: Duration::ZERO, ..with_key(Engine::Brave) };
    assert!(matches!(SearchClient::new(options).unwrap_err(), ProviderError::Setting { .. }));
    let options = SearchOptions { base_url: Some("file:///tmp".parse().unwrap()), ..with_key(Engine::Brave) };
    assert!(matches!(SearchClient::new(options).unwrap_err(), ProviderError::BaseUrl { .. }));
    let options = SearchOptions { api_key: Some("hush\n".into()), ..SearchOptions::new(Engine::Brave) };
    let error = SearchClient::new(options).unwrap_err();
    assert!(matches!(error, ProviderError::Key { .. }) && !error.to_string().contains("hush"));
}

#[test]
fn the_key_is_not_shown() {
    let options = SearchOptions { api_key: Some(KEY.into()), ..SearchOptions::new(Engine::Brave) };
    let client = SearchClient::new(options.clone()).unwrap();
    for shown in [format!("{options:?}"), format!("{client:?}")] {
        assert!(!shown.contains("hush") && shown.contains("***"), "{shown}");
    }
}

// What is understood.

#[tokio::test]
async fn there_are_never_more_results_than_asked_for() {
    for engine in ENGINES {
        let many: Vec<Value> =
            (0..50).map(|n| result(engine, "T", &format!("https://example.org/{n}"), "", json!(null))).collect();
        let server = Server::start([Reply::new(200, answer(engine, &many))]).await;
        let client = client(engine, &server);
        for (limit, expected) in [(0, 1), (1, 1), (20, 20), (21, 20), (u32::MAX, 20)] {
            let hits = client.search("q", limit).await.unwrap();
            assert_eq!((hits.len(), hits[0].url.as_str()), (expected, "https://example.org/0"));
        }
        if engine == Engine::Brave {
            let paths: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
            assert!(paths[0].ends_with("&count=1") && paths[4].ends_with("&count=20"));
        }
    }
}

#[tokio::test]
async fn texts_of_results_are_plain_clean_and_short() {
    for engine in ENGINES {
        let results = [
            result(
                engine,
                "<strong>Fish</strong> &amp; chips\u{7}",
                "https://example.org/a",
                "1 &lt; 2\n\n<b>bold</b> &eacute;&#8230;\u{202e}",
                json!("2024-11-12T11:00:00+01:00"),
            ),
            result(engine, &"é".repeat(400), "http://example.org/b", &"ü".repeat(3_000), json!("yesterday")),
            result(engine, "<i></i>", "https://example.org/c", "", json!(7)),
        ];
        let server = Server::start([Reply::new(200, answer(engine, &results))]).await;
        let hits = client(engine, &server).search("q", 20).await.unwrap();
        assert_eq!((hits[0].title.as_str(), hits[0].snippet.as_str()), ("Fish & chips", "1 < 2 bold é…"));
        assert_eq!(hits[0].published_at_ms, Some(1_731_405_600_000));
        assert_eq!(hits[1].title.chars().count(), MAX_TITLE_CHARS);
        assert_eq!(hits[1].snippet.chars().count(), MAX_SNIPPET_CHARS);
        assert_eq!(hits[1].published_at_ms, None);
        assert_eq!((hits[2].title.as_str(), hits[2].published_at_ms), ("example.org", None));
    }
}

#[tokio::test]
async fn results_that_lead_nowhere_are_left_out() {
    for engine in ENGINES {
        let fits = format!("https://example.org/{}", "a".repeat(MAX_URL_BYTES - 20));
        let long = format!("{fits}a");
        let escaped = format!("https://example.org/{}", "é".repeat(500));
        let mut results: Vec<Value> =
            ["javascript:alert(1)", "data:text/html,x", "ftp://example.org", "/relative", "", &long, &escaped, &fits]
                .iter()
                .map(|url| result(engine, "T", url, "", json!(null)))
                .collect();
        results.extend([json!(null), json!("text"), json!({}), json!({ "url": 1 })]);
        let server = Server::start([Reply::new(200, answer(engine, &results))]).await;
        let hits = client(engine, &server).search("q", 20).await.unwrap();
        assert_eq!(hits.iter().map(|hit| hit.url.as_str()).collect::<Vec<_>>(), [fits]);
    }
}

#[tokio::test]
async fn nothing_found_is_no_error() {
    for engine in ENGINES {
        let server = Server::start([Reply::new(200, answer(engine, &[]))]).await;
        assert_eq!(client(engine, &server).search("q", 20).await.unwrap(), []);
    }
    let none = json!({ "type": "search", "query": { "original": "q" } });
    let server = Server::start([Reply::new(200, none.to_string())]).await;
    assert_eq!(client(Engine::Brave, &server).search("q", 20).await.unwrap(), []);
}

// What servers do wrong.

#[tokio::test]
async fn what_passes_is_sent_again_as_it_was() {
    for engine in ENGINES {
        for status in [408, 429, 500, 502, 503, 504, 529] {
            let bad = Reply::with(status, &[("retry-after-ms", "1")], "");
            let server = Server::start([bad.clone(), bad.clone(), Reply::new(200, one(engine)), bad]).await;
            let client = client(engine, &server);
            assert_eq!(client.search("q", 1).await.unwrap(), [hit()], "{status}");
            let requests = server.requests();
            assert!(requests[0].body == requests[2].body && requests[0].path == requests[2].path);
            let (detail, after) = unavailable(client.search("q", 1).await.unwrap_err());
            assert!(detail.contains(&status.to_string()) && after == Some(1), "{detail}");
            assert_eq!(server.connections(), 6);
        }
        let server = Server::start([Reply::nothing(), Reply::new(200, one(engine))]).await;
        assert_eq!(client(engine, &server).search("q", 1).await.unwrap(), [hit()]);
    }
}

#[tokio::test]
async fn nobody_waits_longer_than_a_search_may_take() {
    let server = Server::start([Reply::with(429, &[("retry-after", "60")], "")]).await;
    let before = Instant::now();
    let (_, after) = unavailable(client(Engine::Brave, &server).search("q", 1).await.unwrap_err());
    assert!(before.elapsed() < Duration::from_secs(10));
    assert_eq!((after, server.connections()), (Some(60_000), 1));
}

#[tokio::test]
async fn a_refused_key_is_for_the_operator() {
    for engine in ENGINES {
        for status in [401, 403] {
            let server = Server::start([Reply::new(status, format!("{{\"error\":\"{KEY}\"}}"))]).await;
            let client = client(engine, &server);
            for failure in [client.search("q", 1).await.unwrap_err(), client.check().await.unwrap_err()] {
                let (detail, after) = unavailable(failure);
                assert!(detail.contains("the operator must check the API key") && after.is_none(), "{detail}");
                assert_eq!(detail.contains("search.formats"), engine == Engine::SearXng, "{detail}");
            }
            assert_eq!(server.connections(), 2);
        }
    }
}

#[tokio::test]
async fn wrong_requests_and_odd_statuses_are_not_sent_again() {
    for engine in ENGINES {
        for status in [400, 404, 413, 422] {
            let body = format!("{{\"error\":{{\"detail\":\"bad\\u0007 q, {}\"}}}}", "x".repeat(600));
            let server = Server::start([Reply::new(status, body)]).await;
            let detail = invalid(client(engine, &server).search("q", 1).await.unwrap_err());
            let (_, said) = detail.split_once("): ").unwrap();
            assert!(said.starts_with("bad q, x") && said.chars().count() == 500, "{detail}");
            assert_eq!(server.connections(), 1);
        }
        for status in [409, 418, 432, 501] {
            let server = Server::start([Reply::new(status, "")]).await;
            failed(client(engine, &server).search("q", 1).await.unwrap_err());
            assert_eq!(server.connections(), 1);
        }
        let other = Server::start([Reply::new(200, one(engine))]).await;
        let server = Server::start([Reply::with(302, &[("location", other.url("/").as_str())], "")]).await;
        failed(client(engine, &server).search("q", 1).await.unwrap_err());
        assert_eq!((server.connections(), other.connections()), (1, 0));
    }
}

#[tokio::test]
async fn answers_that_are_none_are_refused() {
    for engine in ENGINES {
        for body in [
            &b"<html>Sign in</html>"[..],
            b"",
            b"garbage",
            b"{}",
            b"[]",
            b"{\"results\":{},\"web\":{}}",
            b"{\"error\":{\"message\":\"no\"}}",
            b"{\"results\":[],\"web\":{\"results\":[]},\"x\":\"\xff\"}",
        ] {
            let server = Server::start([Reply::new(200, body)]).await;
            let (detail, after) = unavailable(client(engine, &server).search("q", 1).await.unwrap_err());
            assert!(after.is_none() && !detail.contains("Sign in"), "{detail}");
            assert_eq!(server.connections(), 1);
        }
    }
}

#[tokio::test]
async fn an_answer_has_a_limit() {
    for engine in ENGINES {
        let full = one(engine);
        let fits = full.clone() + &" ".repeat(MAX_BODY_BYTES - full.len());
        let server = Server::start([
            Reply::new(200, &fits),
            Reply::unframed(&[], format!("{fits} ")).then_drip(&[b' '; 4096], Duration::from_millis(1)),
        ])
        .await;
        let client = client(engine, &server);
        assert_eq!(client.search("q", 1).await.unwrap(), [hit()]);
        let (detail, after) = unavailable(client.search("q", 1).await.unwrap_err());
        assert!(detail.contains("4194304 bytes") && after.is_none(), "{detail}");
        assert_eq!(server.connections(), 2);
    }
}

#[tokio::test]
async fn time_is_bounded_whatever_the_server_does() {
    for engine in ENGINES {
        let slow = [
            Reply::never(),
            Reply::open("{", 1),
            Reply::open("{", 1).then_drip(b"1\r\n \r\n", Duration::from_millis(5)),
        ];
        for reply in slow {
            let server = Server::start([reply]).await;
            let timeout = Duration::from_millis(100);
            let client = SearchClient::new(SearchOptions { timeout, ..options(engine, &server) }).unwrap();
            let before = Instant::now();
            let (detail, after) = unavailable(client.search("q", 1).await.unwrap_err());
            assert!(detail.contains("100 ms") && after.is_some(), "{detail}");
            assert!(before.elapsed() < Duration::from_secs(10));
            assert_eq!(server.connections(), 1);
        }
    }
}

#[tokio::test]
async fn a_check_is_one_search() {
    for engine in ENGINES {
        let server = Server::start([Reply::new(200, one(engine)), Reply::new(503, "")]).await;
        let client = client(engine, &server);
        client.check().await.unwrap();
        unavailable(client.check().await.unwrap_err());
        assert_eq!(server.connections(), 2);
    }
}
