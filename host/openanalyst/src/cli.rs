//! The command line.

use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::settings::SettingArgs;

/// A multi-tenant host for sandboxed skills.
#[derive(Debug, Parser)]
#[command(name = "openanalyst", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// The settings.
    #[command(flatten)]
    pub settings: SettingArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the host. Its last start-up line on stdout is `ready http://ADDRESS`
    Serve {
        /// Show the settings with their sources, and end
        #[arg(long)]
        print_config: bool,
    },
    /// One request through the whole pipeline, without a server: progress on stderr, the answer on stdout
    Ask(Ask),
    /// Say what a text would be understood as: the skill and why, what was read from which words, and what would be asked. Runs nothing
    Route(Route),
    /// Print a token (JWT) signed with the local key
    Token(Token),
    /// The skills of a tenant, here or on a server; and packing one
    #[command(subcommand)]
    Skill(SkillCommand),
    /// Compute the chain of a tenant's audit log again
    #[command(subcommand)]
    Audit(AuditCommand),
    /// The keys that sign this host's tokens
    #[command(subcommand)]
    Keys(KeysCommand),
    /// A finished task as a file, to be run again
    #[command(subcommand)]
    Task(TaskCommand),
    /// Run a recorded task again, offline: the same result, or the first difference
    Replay {
        /// The file that `task export` wrote
        file: std::path::PathBuf,
        /// Use this component instead of the one in the file, for example a repaired one
        #[arg(long, value_name = "FILE")]
        component: Option<std::path::PathBuf>,
        /// Whose component that is, where several skills worked on the task
        #[arg(long, value_name = "NAME", requires = "component")]
        skill: Option<String>,
    },
    /// The recorded past
    #[command(subcommand)]
    History(HistoryCommand),
    /// What a user or a tenant keeps, with its limits, and used by day
    Usage(Usage),
    /// The people of a tenant
    #[command(subcommand)]
    User(UserCommand),
    /// The tenants of this host
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Copy the data directory as it is at one moment, while the host runs: database, packages and keys (SQLite)
    Backup {
        /// The new folder to write into; it can be used as a data directory
        dir: std::path::PathBuf,
    },
    /// Bring the database to this version's schema; with SQLite also prepare a file of an earlier version to give disk space back
    Migrate,
    /// Check every dependency by name, and say what to do about each failure
    Doctor,
}

/// `ask`
#[derive(Debug, clap::Args)]
pub struct Ask {
    /// What you want done
    pub text: String,
    /// The organisation
    #[arg(long, default_value = "demo")]
    pub tenant: String,
    /// The person in it
    #[arg(long, default_value = "demo")]
    pub user: String,
    /// The conversation: later requests of a session can refer to earlier ones
    #[arg(long, default_value = "cli")]
    pub session: String,
    /// Answer the questions of this task instead of asking for something new
    #[arg(long, value_name = "ID")]
    pub task: Option<String>,
    /// A file to attach; may be given several times
    #[arg(long, value_name = "FILE")]
    pub attach: Vec<std::path::PathBuf>,
    /// Print the task as JSON instead of the answer
    #[arg(long)]
    pub json: bool,
}

/// `route`
#[derive(Debug, clap::Args)]
pub struct Route {
    /// The words
    pub text: String,
    /// The organisation
    #[arg(long, default_value = "demo")]
    pub tenant: String,
    /// The person in it: their time zone and locale count
    #[arg(long, default_value = "demo")]
    pub user: String,
    /// Print JSON, as POST /v1/route answers
    #[arg(long)]
    pub json: bool,
}

/// Where the skills are.
#[derive(Debug, Clone, clap::Args)]
pub struct SkillPlace {
    /// A server, such as https://host:8080 [default: the data directory of this machine]
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// The token for the server
    #[arg(long, env = "OPENANALYST_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// The organisation, on this machine
    #[arg(long, default_value = "demo")]
    pub tenant: String,
    /// Who is named in the audit log, on this machine
    #[arg(long, default_value = "demo")]
    pub user: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `skill`
#[derive(Debug, Subcommand)]
pub enum SkillCommand {
    /// Make the .skill file of a folder
    Pack {
        /// The folder with SKILL.md
        #[arg(default_value = ".")]
        dir: std::path::PathBuf,
        /// The file to write [default: NAME-VERSION.skill]
        #[arg(long)]
        out: Option<std::path::PathBuf>,
        /// Sign with this Ed25519 key (PKCS#8 PEM), which is made if it is not there
        #[arg(long, value_name = "FILE")]
        key: Option<std::path::PathBuf>,
    },
    /// Say what an upload would say of a folder or .skill file
    Check {
        /// The folder or file
        #[arg(default_value = ".")]
        dir: std::path::PathBuf,
        /// The organisation whose skills and settings count, where there is a data directory
        #[arg(long, default_value = "demo")]
        tenant: String,
    },
    /// Upload a .skill file, grant what is named, and activate it
    Install {
        /// The file
        file: std::path::PathBuf,
        /// What it may use, for example llm, memory=user, windmill=f/social/*, http=api.example.com; may be given several times
        #[arg(long = "grant", value_name = "GRANT")]
        grants: Vec<String>,
        /// Grant everything that it asks for
        #[arg(long, conflicts_with = "grants")]
        grant_all: bool,
        /// Do not activate it yet
        #[arg(long)]
        no_activate: bool,
        /// Where
        #[command(flatten)]
        at: SkillPlace,
    },
    /// The tenant's skills, active or not
    List {
        /// Where
        #[command(flatten)]
        at: SkillPlace,
    },
    /// A skill with its versions, what it asks for and what it has
    Show {
        /// Which
        name: String,
        /// Where
        #[command(flatten)]
        at: SkillPlace,
    },
    /// What it logged in its last invocations
    Logs {
        /// Which
        name: String,
        /// Where
        #[command(flatten)]
        at: SkillPlace,
    },
    /// Make a version the active one; the same command rolls back
    Activate {
        /// Which
        name: String,
        /// A version or a digest
        version: String,
        /// Where
        #[command(flatten)]
        at: SkillPlace,
    },
    /// Take a skill out of use
    Disable {
        /// Which
        name: String,
        /// Where
        #[command(flatten)]
        at: SkillPlace,
    },
    /// Remove an uploaded skill with its versions, grants and secrets
    Remove {
        /// Which
        name: String,
        /// Where
        #[command(flatten)]
        at: SkillPlace,
    },
    /// Replace what a skill is granted; with no --grant, take everything away
    Grant {
        /// Which
        name: String,
        /// What it may use; may be given several times
        #[arg(long = "grant", value_name = "GRANT")]
        grants: Vec<String>,
        /// Where
        #[command(flatten)]
        at: SkillPlace,
    },
}

impl SkillCommand {
    /// Where.
    #[must_use]
    pub fn place(&self) -> &SkillPlace {
        match self {
            Self::Install { at, .. }
            | Self::List { at }
            | Self::Show { at, .. }
            | Self::Logs { at, .. }
            | Self::Activate { at, .. }
            | Self::Disable { at, .. }
            | Self::Remove { at, .. }
            | Self::Grant { at, .. } => at,
            Self::Pack { .. } | Self::Check { .. } => &NOWHERE,
        }
    }
}

/// For what needs no place.
static NOWHERE: SkillPlace =
    SkillPlace { server: None, token: None, tenant: String::new(), user: String::new(), json: false };

/// `audit`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Compute the chain again
    Verify {
        /// The organisation
        #[arg(long, default_value = "demo")]
        tenant: String,
    },
}

/// `task`
#[derive(Debug, Subcommand)]
pub enum TaskCommand {
    /// Write a finished task into one file, without names, addresses and keys
    Export {
        /// The task's id
        id: String,
        /// The file to write [default: task-ID.json]
        #[arg(long)]
        out: Option<std::path::PathBuf>,
        /// The organisation
        #[arg(long, default_value = "demo")]
        tenant: String,
        /// The person in it
        #[arg(long, default_value = "demo")]
        user: String,
    },
}

/// `history`
#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    /// Write the history as Markdown files and raw events: sessions/, learnings/, successes/, failures/, research/, raw-outputs/
    Export {
        /// The folder to write into; files that are there are written over
        dir: std::path::PathBuf,
        /// The organisation
        #[arg(long, default_value = "demo")]
        tenant: String,
        /// The person in it
        #[arg(long, default_value = "demo")]
        user: String,
    },
}

/// `usage`
#[derive(Debug, clap::Args)]
pub struct Usage {
    /// The organisation
    #[arg(long, default_value = "demo")]
    pub tenant: String,
    /// The person in it [default: the organisation with all its users]
    #[arg(long)]
    pub user: Option<String>,
    /// How many days, today included
    #[arg(long, default_value_t = 1)]
    pub days: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `user`
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Delete all data of a user and end their tokens; the audit log stays
    Delete {
        /// The user
        user: String,
        /// The organisation
        #[arg(long, default_value = "demo")]
        tenant: String,
        /// Do not ask for the name once more
        #[arg(long)]
        yes: bool,
    },
}

/// `tenant`
#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Delete an organisation with all its users, skills and data, and end their tokens; the audit log stays
    Delete {
        /// The organisation
        tenant: String,
        /// Do not ask for the name once more
        #[arg(long)]
        yes: bool,
    },
}

/// `keys`
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// The ids of the keys whose tokens are believed
    List,
    /// Make a new key; tokens of the one before stay good until it is retired
    Rotate,
    /// End an earlier key and its tokens
    Retire {
        /// Its id
        #[arg(allow_hyphen_values = true)]
        key_id: String,
    },
}

/// `token`
#[derive(Debug, clap::Args)]
pub struct Token {
    /// The organisation
    #[arg(long)]
    pub tenant: String,
    /// The person in it
    #[arg(long)]
    pub user: String,
    /// What the token allows; may be given several times [default: everything]
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// How long it is valid, for example 90s, 15m, 1h, 30days; at most one year
    #[arg(long, default_value = "1h", value_parser = humantime::parse_duration)]
    pub ttl: Duration,
}
