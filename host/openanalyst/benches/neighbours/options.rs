//! What is measured: the options after `--`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// How one user's load changes what another user waits for.
#[derive(Debug, Clone, Parser)]
pub struct Options {
    /// Print missed bounds, and end with status 0 all the same
    #[arg(long)]
    pub only_print: bool,
    /// Only this attack; may be given several times [default: all of them]
    #[arg(long = "attack", value_name = "NAME")]
    pub attacks: Vec<String>,
    /// Print the names of the attacks, and end
    #[arg(long)]
    pub list: bool,
    /// The record in databases of this PostgreSQL server, one for each start, made and removed by
    /// the role of the URL; `test` starts a throw-away server [default: SQLite]
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
    /// How long each figure is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Another build of the program; given several times, they are measured in turns
    /// [default: the one that cargo built for this bench]
    #[arg(long = "program", value_name = "PATH")]
    programs: Vec<PathBuf>,
    /// A flag for `serve`, such as --serve-flag=--script-workers=2; may be given several times
    #[arg(long = "serve-flag", value_name = "FLAG", allow_hyphen_values = true)]
    pub serve_flags: Vec<String>,
    /// What the victim asks for
    #[arg(long, value_name = "TEXT", default_value = "hello")]
    pub victim: String,
    /// How many users of the other tenant attack together
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=100))]
    users: u16,
    /// Measure requests per second beside a bare server instead of attacks
    #[arg(long)]
    pub throughput: bool,
    /// Serve as the bare server: this bench starts itself so
    #[arg(long, hide = true, value_name = "DIR")]
    pub bare_server: Option<PathBuf>,
    /// Most inserts that the bare server puts into one transaction
    #[arg(long, hide = true, default_value_t = 1)]
    pub group: usize,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// How long each figure is measured.
    pub fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// How many users of the other tenant attack together.
    pub fn users(&self) -> usize {
        usize::from(self.users)
    }

    /// The programs that are measured in turns.
    pub fn programs(&self) -> Vec<PathBuf> {
        if self.programs.is_empty() {
            return vec![PathBuf::from(env!("CARGO_BIN_EXE_openanalyst"))];
        }
        self.programs.clone()
    }
}
