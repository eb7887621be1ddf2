//! The victim: users of one tenant who ask for something small, and what they wait for it.
//!
//! On a thread and a runtime of its own, so that the clients of the attack take no turn from it.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::client::{Answer, Client, Tally, asks};

/// The victim's tenant.
pub const TENANT: &str = "victims";
/// The victim's users, who ask in turns: each stays below the rate that one user is allowed, and
/// nobody's history grows long.
pub const USERS: usize = 16;
/// Requests before the first figure.
const WARM_UP: usize = 3 * USERS;
/// A call that takes longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// How often the route without a sandbox and `/health` are called.
const PROBE_EVERY: Duration = Duration::from_millis(20);
/// The route without a sandbox.
const PLAIN_ROUTE: &str = "/v1/me/context";

/// What the victim waited for.
#[derive(Default)]
pub struct Figures {
    /// `POST /v1/requests`, until the task has ended.
    pub request: Times,
    /// A route that needs a token and no sandbox.
    pub plain: Times,
    /// `GET /health`.
    pub health: Times,
    /// Calls that did not end as they must.
    pub failed: Tally,
}

/// Durations in order.
#[derive(Default)]
pub struct Times(Vec<Duration>);

impl Times {
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// A quantile in milliseconds by the nearest rank: 500 of 1,000 is the median, 1,000 the
    /// slowest.
    pub fn ms(&self, per_mille: usize) -> f64 {
        let rank = (self.0.len() * per_mille).div_ceil(1000);
        let time = self.0.get(rank.saturating_sub(1)).copied().unwrap_or_default();
        time.as_secs_f64() * 1e3
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// The victim's tokens and what it asks for.
#[derive(Clone)]
pub struct Victim {
    tokens: Vec<String>,
    base: String,
    content: String,
}

impl Victim {
    pub fn new(base: &str, tokens: Vec<String>, content: &str) -> Self {
        Self { tokens, base: base.to_owned(), content: content.to_owned() }
    }

    /// Loads what the requests need.
    pub async fn warm_up(&self) -> Result<(), String> {
        self.on_its_thread(|victim| async move {
            let client = Client::new(&victim.base, 4 * PATIENCE);
            for number in 0..WARM_UP {
                let answer = victim.ask(&client, number).await;
                if !is_right(&answer) {
                    return Err(format!("the victim's request: {} {}", answer.label, answer.body));
                }
            }
            Ok(())
        })
        .await
    }

    /// Asks for as long as `time` says. The three kinds of calls have a connection each.
    pub async fn measure(&self, time: Duration) -> Figures {
        self.on_its_thread(move |victim| async move {
            let failed = Tally::default();
            let client = || Client::new(&victim.base, PATIENCE);
            let (requests, plain, health) = (client(), client(), client());
            let until = Instant::now() + time;
            let (request, plain, health) = tokio::join!(
                victim.requests(&requests, until, &failed),
                victim.probe(&plain, PLAIN_ROUTE, until, &failed),
                victim.probe(&health, "/health", until, &failed),
            );
            Figures { request, plain, health, failed }
        })
        .await
    }

    /// Calls `/health` alone.
    pub async fn health(&self, time: Duration) -> Times {
        self.on_its_thread(move |victim| async move {
            let client = Client::new(&victim.base, PATIENCE);
            victim.probe(&client, "/health", Instant::now() + time, &Tally::default()).await
        })
        .await
    }

    async fn on_its_thread<T: Send + 'static, F: Future<Output = T>>(
        &self,
        work: impl FnOnce(Self) -> F + Send + 'static,
    ) -> T {
        let victim = self.clone();
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(work(victim))
        };
        tokio::task::spawn_blocking(work).await.expect("the victim does not panic")
    }

    async fn ask(&self, client: &Client, number: usize) -> Answer {
        let token = &self.tokens[number % self.tokens.len()];
        client.ask(token, asks(&self.content), PATIENCE.as_secs() - 1).await
    }

    /// One request after the other.
    async fn requests(&self, client: &Client, until: Instant, failed: &Tally) -> Times {
        let mut times = Vec::new();
        while Instant::now() < until {
            let answer = self.ask(client, times.len()).await;
            times.push(answer.took);
            if !is_right(&answer) {
                failed.count(&answer.label);
                // A refusal comes at once, and would be counted by the thousand.
                sleep(PROBE_EVERY).await;
            }
        }
        Times::of(times)
    }

    /// Calls a route again and again, never twice at the same time.
    async fn probe(&self, client: &Client, path: &str, until: Instant, failed: &Tally) -> Times {
        let mut times = Vec::new();
        let mut tick = interval(PROBE_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while Instant::now() < until {
            tick.tick().await;
            let answer = client.get(path, &self.tokens[times.len() % self.tokens.len()]).await;
            times.push(answer.took);
            if answer.label != "200" {
                failed.count(&format!("{path}: {}", answer.label));
            }
        }
        Times::of(times)
    }
}

fn is_right(answer: &Answer) -> bool {
    answer.label == "completed"
        && answer.body["content"].as_str().is_some_and(|text| !text.is_empty())
}

/// The skill of an answer.
pub fn skill(body: &Value) -> &str {
    body["metadata"]["skill"].as_str().unwrap_or_default()
}
