//! All attacks with their numbers. Each has a bounded number of clients.

use super::sockets::Kind;

/// Most bytes of a request's content (docs/limits.md).
const CONTENT_BYTES: usize = 64 << 10;

/// Whose users attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Users of another tenant.
    OtherTenant,
    /// One other user of the victim's tenant.
    SameTenant,
    /// Somebody without a token.
    Anybody,
}

impl Source {
    /// For the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::OtherTenant => "another tenant",
            Self::SameTenant => "same tenant",
            Self::Anybody => "no token",
        }
    }

    /// How many times as long the victim may wait.
    pub fn bound(self) -> f64 {
        match self {
            Self::OtherTenant | Self::Anybody => 2.0,
            Self::SameTenant => 4.0,
        }
    }
}

const BOTH: &[Source] = &[Source::OtherTenant, Source::SameTenant];

/// One attack.
pub struct Attack {
    pub name: &'static str,
    /// Beginnings of the labels (see [`crate::client::Answer`]) that show that it got through.
    pub reached: &'static [&'static str],
    pub sources: &'static [Source],
    pub load: Load,
    /// Whether it needs the skill of `tests/guests/examples/neighbour.rs`.
    pub needs_skill: bool,
    /// Whether it could stop the host as a whole. Then the host must go on answering, end when it
    /// is asked to, and be quiet after its next start.
    pub critical: bool,
    /// How many users must attack so that it can be done at all.
    pub least_users: usize,
}

/// What an attack does.
pub enum Load {
    /// Clients ask for something, each again and again. `script` is stored first.
    Ask { clients: usize, content: String, attachment: bool, script: Option<&'static str> },
    /// Each user stores schedules that fire every second.
    Schedules { each: usize },
    /// New values a second, beside those that are there.
    Puts { per_second: u32, values: usize, bytes: usize },
    /// Clients search the history and read its pages; so many entries are there.
    Searches { clients: usize, entries: usize, bytes: usize },
    /// Connections by hand.
    Sockets { count: usize, kind: Kind },
}

/// The labels of a critical request that the host answers: it may do it, refuse it, or end it by
/// any of its limits, only not for want of a grant.
const ANSWERED: &[&str] = &[
    "completed",
    "needs-clarification",
    "400 invalid",
    "failed:invalid",
    "failed:failed",
    "failed:cpu-exceeded",
    "failed:memory-exceeded",
    "failed:deadline-exceeded",
    "failed:output-too-large",
    "failed:hostcall-too-large",
];

/// How connections end that are held by hand: the host may also refuse or close them.
const HELD: &[&str] =
    &["held", "sent", "408", "429", "503", "closed by the host", "connection broke"];

fn ask(name: &'static str, clients: usize, content: impl Into<String>) -> Attack {
    let content = content.into();
    Attack {
        name,
        reached: &["completed"],
        sources: BOTH,
        needs_skill: content.starts_with("neighbour "),
        load: Load::Ask { clients, content, attachment: false, script: None },
        critical: false,
        least_users: 1,
    }
}

fn script(name: &'static str, script: &'static str, reached: &'static [&'static str]) -> Attack {
    let content = format!("neighbour start {script}");
    let load = Load::Ask { clients: 16, content, attachment: false, script: Some(script) };
    Attack { load, reached, needs_skill: true, ..ask(name, 16, "") }
}

fn critical(name: &'static str, clients: usize, content: impl Into<String>) -> Attack {
    Attack { reached: ANSWERED, critical: true, ..ask(name, clients, content) }
}

fn sockets(name: &'static str, count: usize, kind: Kind) -> Attack {
    let load = Load::Sockets { count, kind };
    Attack { load, reached: HELD, ..ask(name, 0, "") }
}

/// All of them, in the order of the table.
pub fn attacks() -> Vec<Attack> {
    let fill = |part: &str| part.repeat(CONTENT_BYTES / part.len());
    vec![
        ask("hello", 64, "hello"),
        Attack { reached: &["failed:cpu-exceeded"], ..ask("cpu", 16, "neighbour spin") },
        script("endless-scripts", "endless", &["failed:cpu-exceeded", "job cancelled"]),
        script("sleeping-scripts", "sleeping", &["job cancelled", "failed:deadline-exceeded"]),
        ask("posts", 16, "Create a Twitter post about AI trends"),
        Attack {
            // So large a file may need more CPU time than a script has.
            reached: &["completed", "failed:cpu-exceeded"],
            load: Load::Ask {
                clients: 8,
                content: "make an analytics report of the attached numbers".to_owned(),
                attachment: true,
                script: None,
            },
            ..ask("analytics", 8, "")
        },
        Attack {
            reached: &["200"],
            load: Load::Puts { per_second: 26, values: 2_000, bytes: 64 << 10 },
            ..ask("memory", 0, "")
        },
        Attack {
            reached: &["200"],
            needs_skill: true,
            load: Load::Searches { clients: 16, entries: 120, bytes: 256 << 10 },
            ..ask("history", 0, "")
        },
        sockets("slow-uploads", 8, Kind::SlowUpload),
        Attack {
            sources: &[Source::Anybody],
            ..sockets("half-sent-headers", 2_000, Kind::HalfHeaders)
        },
        sockets("half-sent-bodies", 300, Kind::HalfBody),
        sockets("websocket-frames", 20, Kind::EmptyFrames),
        Attack { least_users: 16, ..sockets("idle-websockets", 500, Kind::Idle) },
        critical("critical-conjunctions", 4, fill("and ")),
        critical("critical-parts", 4, fill("analyse my posts; then create a tweet. ")),
        critical("critical-schema", 4, "neighbour deep 32"),
        critical("critical-references", 2, "neighbour refer 1000 900000"),
        Attack {
            needs_skill: true,
            load: Load::Schedules { each: 500 },
            ..ask("schedules", 0, "")
        },
    ]
}
