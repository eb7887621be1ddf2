//! One attack, from the start of the program to its end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::attacks::{self, Attack, Attackers, Load, OTHER_TENANT, Running, Source};
use crate::database::Databases;
use crate::options::Options;
use crate::report::{Memory, Restarted, Row, Survival};
use crate::server::{DataDir, GRACE_AND_DRAIN, Server, resident_mb};
use crate::victim::{self, Victim};

/// How often the memory is looked at.
const SAMPLE_EVERY: Duration = Duration::from_millis(50);
/// How long memory may take to go back after an attack.
const SETTLE: Duration = Duration::from_secs(10);
/// When a restarted host has taken up what an earlier process left open: it looks every 5 s.
const TAKEN_UP: Duration = Duration::from_secs(6);
/// How long a restarted host is watched.
const WATCH: Duration = Duration::from_secs(3);

/// What all measurements share.
pub struct Bench {
    pub options: Options,
    pub databases: Databases,
    pub cache: TempDir,
}

impl Bench {
    /// Measures one attack on one program.
    pub async fn one(
        &self,
        program: &Path,
        attack: &Attack,
        source: Source,
    ) -> Result<Row, String> {
        let data = DataDir::new(self.cache.path(), self.databases.make().await?);
        let mut server = data.serve(program, &self.options.serve_flags)?;
        let victim = self.victim(&data, &server);
        let attackers = self.attackers(&data, &server, attack, source);
        victim.warm_up().await?;
        attacks::prepare(attack, &attackers).await?;

        let time = self.options.time();
        let quiet = victim.measure(time).await;
        let before = server.process.resident_mb();
        let peak = Peak::watch(server.process.0.id());
        let running = attacks::begin(attack, &attackers).await?;
        let mut notes = sockets(attack, &attackers, server.process.resident_mb() - before);
        let (cpu, began) = (server.process.cpu(), Instant::now());
        let loaded = victim.measure(time).await;
        let cpu = share(server.process.cpu() - cpu, began.elapsed());
        let peak = peak.end().await;

        let (after, critical) = if attack.critical {
            let (after, survival) = self.survives(program, &data, server, running).await;
            (after, Some(survival))
        } else {
            running.end_clients().await;
            attacks::cancel_tasks(&attackers).await;
            let after = settled(&server, before).await;
            if server.process.terminate(GRACE_AND_DRAIN).is_none() {
                notes.push("did not end at SIGTERM".to_owned());
            }
            (after, None)
        };
        let counts = attackers.tally.counts();
        notes.extend(counts.iter().map(|(label, count)| format!("{count} × {label}")));
        if let Some(survival) = &critical {
            notes.push(told(survival));
        }
        let several = self.options.programs().len() > 1;
        Ok(Row {
            attack: attack.name,
            source,
            program: several.then(|| program.display().to_string()),
            quiet,
            loaded,
            cpu,
            memory: Memory { before, peak, after },
            critical,
            notes,
            problem: attacks::problem(attack, &counts),
        })
    }

    fn victim(&self, data: &DataDir, server: &Server) -> Victim {
        let tokens = (0..victim::USERS)
            .map(|user| data.token(victim::TENANT, &format!("victim{user}")))
            .collect();
        Victim::new(&server.base, tokens, &self.options.victim)
    }

    fn attackers(
        &self,
        data: &DataDir,
        server: &Server,
        attack: &Attack,
        source: Source,
    ) -> Arc<Attackers> {
        let (tenant, users) = match source {
            Source::OtherTenant => (OTHER_TENANT, self.options.users().max(attack.least_users)),
            Source::SameTenant => (victim::TENANT, attack.least_users),
            Source::Anybody => (OTHER_TENANT, 0),
        };
        let tokens = (0..users).map(|user| data.token(tenant, &format!("attacker{user}")));
        Attackers::new(server, tokens.collect(), data.token(tenant, "admin"))
    }

    /// Ends the host while a critical attack runs, starts it again, and looks what runs on.
    async fn survives(
        &self,
        program: &Path,
        data: &DataDir,
        mut server: Server,
        running: Running,
    ) -> (f64, Survival) {
        let ended = server.process.terminate(GRACE_AND_DRAIN);
        running.end_clients().await;
        let ended_after_s = ended.map(|time| time.as_secs_f64());
        let server = match data.serve(program, &self.options.serve_flags) {
            Ok(server) => server,
            Err(error) => {
                eprintln!("{error}");
                return (0.0, Survival { ended_after_s, restarted: None });
            }
        };
        sleep(TAKEN_UP).await;
        let (cpu, began) = (server.process.cpu(), Instant::now());
        let health = self.victim(data, &server).health(WATCH).await;
        let cpu = share(server.process.cpu() - cpu, began.elapsed());
        let restarted = Some(Restarted { cpu, health });
        (server.process.resident_mb(), Survival { ended_after_s, restarted })
    }
}

/// Open connections of an attack, and the memory of each.
fn sockets(attack: &Attack, attackers: &Attackers, more_mb: f64) -> Vec<String> {
    let open = attackers.open.load(Ordering::Relaxed);
    if !matches!(attack.load, Load::Sockets { .. }) || open == 0 {
        return Vec::new();
    }
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let each_kb = more_mb.max(0.0) * 1e3 / open as f64;
    vec![format!("{open} connections open, {each_kb:.0} kB each")]
}

fn told(survival: &Survival) -> String {
    let ended = match survival.ended_after_s {
        Some(seconds) => format!("ended {seconds:.1} s after SIGTERM"),
        None => format!("killed {} s after SIGTERM", GRACE_AND_DRAIN.as_secs()),
    };
    let Some(Restarted { cpu, health }) = &survival.restarted else { return ended };
    let (cpu, health) = (cpu * 100.0, health.ms(1000));
    format!("{ended}; after the restart CPU {cpu:.0} %, health at most {health:.0} ms")
}

fn share(cpu: Duration, wall: Duration) -> f64 {
    cpu.as_secs_f64() / wall.as_secs_f64()
}

/// Waits until the memory is about what it was before, or does not go back.
async fn settled(server: &Server, before: f64) -> f64 {
    let began = Instant::now();
    loop {
        let now = server.process.resident_mb();
        if now < before * 1.05 || began.elapsed() > SETTLE {
            return now;
        }
        sleep(SAMPLE_EVERY).await;
    }
}

/// Watches the memory of a process.
struct Peak {
    end: CancellationToken,
    watching: tokio::task::JoinHandle<f64>,
}

impl Peak {
    fn watch(pid: u32) -> Self {
        let end = CancellationToken::new();
        let ends = end.clone();
        let watching = tokio::spawn(async move {
            let mut peak = 0.0_f64;
            while ends.run_until_cancelled(sleep(SAMPLE_EVERY)).await.is_some() {
                peak = peak.max(resident_mb(pid));
            }
            peak.max(resident_mb(pid))
        });
        Self { end, watching }
    }

    async fn end(self) -> f64 {
        self.end.cancel();
        self.watching.await.expect("watching does not panic")
    }
}
