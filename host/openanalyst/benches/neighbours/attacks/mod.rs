//! The attacks: what each does, and which answers show that it reached what it is to reach.
//!
//! | file | attacks |
//! |---|---|
//! | `table` | all of them, with their numbers |
//! | `requests` | those that ask for something: bad skills, scripts, long texts |
//! | `routes` | those that call other routes: memory, history, schedules |
//! | `sockets` | those that hold or flood connections, by hand over TCP |

mod requests;
mod routes;
mod sockets;
mod table;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::client::{BROKEN, Client, NO_ANSWER, RUNNING, Tally};
use crate::server::Server;

pub use sockets::raise_file_limit;
pub use table::{Attack, Load, Source, attacks};

/// The other tenant.
pub const OTHER_TENANT: &str = "attackers";
/// How long an attack may take to be under way, where it has to be set up first.
const SET_UP: Duration = Duration::from_secs(60);
/// How long an attack of requests runs before the victim is measured.
const LEAD: Duration = Duration::from_secs(1);
/// The pause of a client whose call was refused: a flood of refusals would measure this machine's
/// client, and not the server.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a call of an attack may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// The label of a task that was cancelled after it had started a job.
const JOB_CANCELLED: &str = "job cancelled";
/// How long the clients of an attack may take to end.
const STOP: Duration = Duration::from_secs(5);

/// Who attacks, and where.
pub struct Attackers {
    pub client: Client,
    pub address: SocketAddr,
    /// Tokens of the users who attack. Empty: nobody who has one.
    pub tokens: Vec<String>,
    /// The token of their tenant's administrator.
    pub admin: String,
    pub tally: Tally,
    pub cancel: CancellationToken,
    /// Connections that are open.
    pub open: AtomicUsize,
    /// Values that were put into the memory in preparation.
    filled: AtomicUsize,
}

impl Attackers {
    pub fn new(server: &Server, tokens: Vec<String>, admin: String) -> Arc<Self> {
        Arc::new(Self {
            client: Client::new(&server.base, PATIENCE),
            address: server.address,
            tokens,
            admin,
            tally: Tally::default(),
            cancel: CancellationToken::new(),
            open: AtomicUsize::new(0),
            filled: AtomicUsize::new(0),
        })
    }

    fn token(&self, client: usize) -> &str {
        &self.tokens[client % self.tokens.len()]
    }

    /// Waits, and says whether the attack goes on.
    async fn pause(&self, time: Duration) -> bool {
        self.cancel.run_until_cancelled(tokio::time::sleep(time)).await.is_some()
    }

    /// Waits until so many connections are open, or it takes too long.
    async fn until_open(&self, wanted: usize) {
        let wait = async {
            while self.open.load(Ordering::Relaxed) < wanted {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let _ = tokio::time::timeout(SET_UP / 4, wait).await;
    }
}

/// What must be there before the attack, and belongs to the quiet figures.
pub async fn prepare(attack: &Attack, attackers: &Arc<Attackers>) -> Result<(), String> {
    if attack.needs_skill {
        requests::install(attackers).await?;
    }
    match &attack.load {
        Load::Ask { script: Some(name), .. } => requests::keep_script(attackers, name).await,
        Load::Schedules { .. } => requests::keep_script(attackers, "ticking").await,
        Load::Puts { values, bytes, .. } => routes::fill_memory(attackers, *values, *bytes).await,
        Load::Searches { entries, bytes, .. } => {
            routes::fill_history(attackers, *entries, *bytes).await
        }
        _ => Ok(()),
    }
}

/// An attack that is under way.
pub struct Running {
    clients: JoinSet<()>,
    attackers: Arc<Attackers>,
}

/// Begins, and returns once the attack is under way.
pub async fn begin(attack: &Attack, attackers: &Arc<Attackers>) -> Result<Running, String> {
    let mut clients = JoinSet::new();
    let spawn = &mut clients;
    match &attack.load {
        Load::Ask { clients, content, attachment, .. } => {
            requests::ask(spawn, attackers, *clients, content, *attachment);
            attackers.pause(LEAD).await;
        }
        Load::Schedules { each } => {
            let set_up = routes::every_second(attackers, *each);
            let set_up = tokio::time::timeout(SET_UP, set_up).await;
            set_up.unwrap_or_else(|_| Err("the schedules were not stored in time".to_owned()))?;
        }
        Load::Puts { per_second, bytes, .. } => {
            routes::put(spawn, attackers, *per_second, *bytes);
            attackers.pause(LEAD).await;
        }
        Load::Searches { clients, .. } => {
            routes::search(spawn, attackers, *clients);
            attackers.pause(LEAD).await;
        }
        Load::Sockets { count, kind } => {
            let count = sockets::at_most(*count);
            sockets::open(spawn, attackers, count, *kind);
            attackers.until_open(count).await;
            attackers.pause(LEAD).await;
        }
    }
    Ok(Running { clients, attackers: attackers.clone() })
}

impl Running {
    /// Ends the clients: they stop by themselves, or are cut off.
    pub async fn end_clients(mut self) {
        self.attackers.cancel.cancel();
        let ended = async { while self.clients.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP, ended).await.is_err() {
            self.clients.shutdown().await;
        }
    }
}

/// Cancels what the attack left open, so that what is measured next is not its work.
pub async fn cancel_tasks(attackers: &Attackers) {
    let cancelling = requests::cancel_tasks(attackers);
    let _ = tokio::time::timeout(2 * STOP, cancelling).await;
}

/// Beginnings of the labels of calls that the host did not allow, for a limit of its own.
const LIMITS: &[&str] = &[
    "408",
    "413",
    "429",
    "431",
    "503",
    "failed:busy",
    "failed:unavailable",
    "failed:quota-exceeded",
    "closed by the host",
    "connection reset",
    "connection aborted",
    "broken pipe",
];

/// What is wrong with an attack whose calls ended so. None: it reached what it is to reach.
pub fn problem(attack: &Attack, counts: &[(String, u64)]) -> Option<String> {
    let reached = |label: &str| {
        // A host that hangs does not answer until it is ended: then that is what a critical attack
        // has reached.
        let hangs = attack.critical && [NO_ANSWER, RUNNING, BROKEN].contains(&label);
        hangs || attack.reached.iter().any(|wanted| label.starts_with(wanted))
    };
    let limit = |label: &str| LIMITS.iter().any(|limit| label.starts_with(limit));
    let neutral = |label: &str| [RUNNING, "cancelled", JOB_CANCELLED].contains(&label);
    let other =
        counts.iter().find(|(label, _)| !reached(label) && !limit(label) && !neutral(label));
    if let Some((label, count)) = other {
        return Some(format!("not as meant: {count} × {label}"));
    }
    let through = counts.iter().any(|(label, _)| reached(label));
    (!through).then(|| format!("nothing of it got through: wanted {}", attack.reached.join(" or ")))
}
