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
    /// Print a token (JWT) signed with the local key
    Token(Token),
    /// Bring the database to this version's schema
    Migrate,
    /// Check every dependency by name, and say what to do about each failure
    Doctor,
    /// Compile the bundled components into the cache, and end: `serve` does this in a process of its own
    #[command(hide = true)]
    Compile,
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
