//! Attacks on routes that keep and search what a user has: memory, history, schedules.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use super::{Attackers, PAUSE, requests};
use crate::client::{Answer, asks};

/// Clients that fill the record before an attack.
const FILLERS: usize = 4;
/// Clients that put values during the attack.
const PUTTERS: usize = 4;
/// Values that are left out at first, so that a new one always fits in before an old one goes.
const ROOM: usize = 2 * PUTTERS;
/// Schedules that one request stores.
const SCHEDULES_AT_ONCE: usize = 100;
/// How long a request that stores schedules waits for its end, in seconds.
const WAIT_S: u64 = 60;

/// Fills the memory of one attacker.
pub async fn fill_memory(
    attackers: &Arc<Attackers>,
    values: usize,
    bytes: usize,
) -> Result<(), String> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut fillers = JoinSet::new();
    for _ in 0..FILLERS {
        let (attackers, next) = (attackers.clone(), next.clone());
        fillers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= values - ROOM {
                    return Ok(());
                }
                let mut answer = put_value(&attackers, number, bytes).await;
                while answer.label == "429 rate-limited" {
                    let wait_ms = answer.body["retryAfterMs"].as_u64().unwrap_or(20);
                    tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                    answer = put_value(&attackers, number, bytes).await;
                }
                if answer.label != "200" {
                    return Err(format!(
                        "a value in preparation: {} {}",
                        answer.label, answer.body
                    ));
                }
            }
        });
    }
    while let Some(ended) = fillers.join_next().await {
        ended.map_err(|error| error.to_string())??;
    }
    attackers.filled.store(values - ROOM, Ordering::Relaxed);
    Ok(())
}

async fn put_value(attackers: &Attackers, number: usize, bytes: usize) -> Answer {
    // The limit counts the JSON, so two quotes are taken off.
    let mut text = format!("value {number} of the memory ").repeat(bytes / 22 + 1);
    text.truncate(bytes - 2);
    let path = format!("/v1/me/memory/load/{number}");
    let body = json!({ "value": text });
    attackers.client.call(Method::PUT, &path, attackers.token(0), Some(body)).await
}

/// Puts new values at a steady rate, and removes as many old ones.
pub fn put(spawn: &mut JoinSet<()>, attackers: &Arc<Attackers>, per_second: u32, bytes: usize) {
    let filled = attackers.filled.load(Ordering::Relaxed);
    let next = Arc::new(AtomicUsize::new(filled));
    let putters = u32::try_from(PUTTERS).unwrap_or(1);
    for _ in 0..PUTTERS {
        let (attackers, next) = (attackers.clone(), next.clone());
        spawn.spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_secs(1) * putters / per_second);
            while attackers.cancel.run_until_cancelled(tick.tick()).await.is_some() {
                let number = next.fetch_add(1, Ordering::Relaxed);
                attackers.tally.count(&put_value(&attackers, number, bytes).await.label);
                let old = format!("/v1/me/memory/load/{}", number - filled);
                attackers.client.call(Method::DELETE, &old, attackers.token(0), None).await;
            }
        });
    }
}

/// Fills the history of one attacker: each request leaves two entries with its whole answer.
pub async fn fill_history(
    attackers: &Arc<Attackers>,
    entries: usize,
    bytes: usize,
) -> Result<(), String> {
    for _ in 0..entries.div_ceil(2) {
        let content = format!("neighbour large {bytes}");
        requests::must_complete(attackers, attackers.token(0), &content).await?;
    }
    Ok(())
}

/// Clients that search the whole history for what is not there, and others that read its pages.
pub fn search(spawn: &mut JoinSet<()>, attackers: &Arc<Attackers>, clients: usize) {
    for client in 0..clients {
        let attackers = attackers.clone();
        let path = match client % 2 {
            0 => "/v1/history?limit=100&query=nothing-has-these-words",
            _ => "/v1/history?limit=100",
        };
        spawn.spawn(async move {
            loop {
                let reading = attackers.client.read(path, attackers.token(0));
                let Some(label) = attackers.cancel.run_until_cancelled(reading).await else {
                    return;
                };
                attackers.tally.count(&label);
                if label != "200" && !attackers.pause(PAUSE).await {
                    return;
                }
            }
        });
    }
}

/// Has each attacker store schedules that fire every second.
pub async fn every_second(attackers: &Arc<Attackers>, each: usize) -> Result<(), String> {
    let mut users = JoinSet::new();
    for user in 0..attackers.tokens.len() {
        let attackers = attackers.clone();
        users.spawn(async move {
            for from in (0..each).step_by(SCHEDULES_AT_ONCE) {
                let to = (from + SCHEDULES_AT_ONCE).min(each);
                let body = asks(&format!("neighbour tick {from} {to}"));
                let answer = attackers.client.ask(attackers.token(user), body, WAIT_S).await;
                attackers.tally.count(&answer.label);
            }
        });
    }
    while let Some(ended) = users.join_next().await {
        ended.map_err(|error| error.to_string())?;
    }
    Ok(())
}
