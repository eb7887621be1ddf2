//! The table of attacks, and which bounds are missed.

use crate::attacks::Source;
use crate::victim::{Figures, Times};

/// The slowest answer of `/health` while a critical attack runs, in milliseconds.
const MAX_HEALTH_MS: f64 = 50.0;
/// The route without a sandbox takes about a millisecond, which one turn of the scheduler doubles:
/// up to this time, in milliseconds, its ratio does not count.
const PLAIN_COUNTS_FROM_MS: f64 = 5.0;
/// The most CPU time of a host with nothing to do, as a share of one core.
const MAX_QUIET_CPU: f64 = 0.2;

/// Resident memory in megabytes.
pub struct Memory {
    pub before: f64,
    pub peak: f64,
    pub after: f64,
}

/// How a host comes through a critical attack.
pub struct Survival {
    /// From SIGTERM to the end of the process. None: it had to be killed.
    pub ended_after_s: Option<f64>,
    /// None: it could not be started again.
    pub restarted: Option<Restarted>,
}

/// A host that was started again on the data directory of the one before.
pub struct Restarted {
    /// CPU time after the restart, as a share of one core.
    pub cpu: f64,
    pub health: Times,
}

/// One measurement.
pub struct Row {
    pub attack: &'static str,
    pub source: Source,
    /// Where several programs are measured: which.
    pub program: Option<String>,
    pub quiet: Figures,
    pub loaded: Figures,
    /// CPU time of the host during the attack, as a share of one core.
    pub cpu: f64,
    pub memory: Memory,
    pub critical: Option<Survival>,
    /// How the attack's calls ended, and what else is worth a look.
    pub notes: Vec<String>,
    /// What is wrong with the attack itself.
    pub problem: Option<String>,
}

const HEAD: &[&str] = &[
    "attack",
    "by",
    "requests",
    "request p50, ms",
    "request p99, ms",
    "ratio p50; p99",
    "plain p50, ms",
    "plain p99, ms",
    "ratio p50; p99",
    "health p99; max, ms",
    "CPU",
    "resident before; peak; after, MB",
    "bound",
    "verdict",
    "the attack",
];

/// Quantiles that are compared.
const QUANTILES: [(usize, &str); 2] = [(500, "p50"), (990, "p99")];

impl Row {
    /// Which bounds are missed.
    pub fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        let bound = self.source.bound();
        for (per_mille, name) in QUANTILES {
            let [request, plain] = self.ratios(per_mille);
            if request > bound {
                missed.push(format!("request {name} {request:.2}×"));
            }
            if plain > bound && self.loaded.plain.ms(per_mille) > PLAIN_COUNTS_FROM_MS {
                missed.push(format!("plain {name} {plain:.2}×"));
            }
        }
        for (label, count) in self.loaded.failed.counts() {
            missed.push(format!("victim: {count} × {label}"));
        }
        missed.extend(
            self.critical.as_ref().map(|critical| self.survival(critical)).into_iter().flatten(),
        );
        missed.extend(self.problem.clone());
        missed
    }

    fn survival(&self, critical: &Survival) -> Vec<String> {
        let mut missed = Vec::new();
        if self.loaded.health.ms(1000) > MAX_HEALTH_MS {
            missed.push(format!("health {:.0} ms", self.loaded.health.ms(1000)));
        }
        if critical.ended_after_s.is_none() {
            missed.push("did not end at SIGTERM".to_owned());
        }
        let Some(Restarted { cpu, health }) = &critical.restarted else {
            missed.push("could not be started again".to_owned());
            return missed;
        };
        if *cpu > MAX_QUIET_CPU {
            missed.push("busy after the restart".to_owned());
        }
        if health.ms(1000) > MAX_HEALTH_MS {
            missed.push(format!("health {:.0} ms after the restart", health.ms(1000)));
        }
        missed
    }

    /// How many times as long the request and the plain route take.
    fn ratios(&self, per_mille: usize) -> [f64; 2] {
        let ratio = |loaded: &Times, quiet: &Times| loaded.ms(per_mille) / quiet.ms(per_mille);
        [
            ratio(&self.loaded.request, &self.quiet.request),
            ratio(&self.loaded.plain, &self.quiet.plain),
        ]
    }

    /// The line of the table.
    pub fn line(&self) -> String {
        markdown_line(&self.cells())
    }

    fn cells(&self) -> Vec<String> {
        let change = |figure: fn(&Figures) -> &Times, per_mille| {
            let (quiet, loaded) = (figure(&self.quiet), figure(&self.loaded));
            format!("{:.1} → {:.1}", quiet.ms(per_mille), loaded.ms(per_mille))
        };
        let ratio = |place: usize| {
            format!("{:.2}; {:.2}", self.ratios(500)[place], self.ratios(990)[place])
        };
        let missed = self.missed();
        let name = match &self.program {
            Some(program) => format!("{} ({program})", self.attack),
            None => self.attack.to_owned(),
        };
        let Memory { before, peak, after } = self.memory;
        let health = &self.loaded.health;
        vec![
            name,
            self.source.name().to_owned(),
            format!("{} → {}", self.quiet.request.len(), self.loaded.request.len()),
            change(|figures| &figures.request, 500),
            change(|figures| &figures.request, 990),
            ratio(0),
            change(|figures| &figures.plain, 500),
            change(|figures| &figures.plain, 990),
            ratio(1),
            format!("{:.1}; {:.1}", health.ms(990), health.ms(1000)),
            format!("{:.0} %", self.cpu * 100.0),
            format!("{before:.0}; {peak:.0}; {after:.0}"),
            format!("{:.0}", self.source.bound()),
            match missed.is_empty() {
                true => "holds".to_owned(),
                false => format!("**missed**: {}", missed.join("; ")),
            },
            self.notes.join("; "),
        ]
    }
}

/// The head of the table of attacks.
pub fn head() -> String {
    markdown_head(HEAD)
}

/// The first two lines of a Markdown table.
pub fn markdown_head(head: &[&str]) -> String {
    format!("| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()))
}

/// A line of a Markdown table.
pub fn markdown_line(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}
