//! The composition root: it reads the settings, puts the crates of the house together, and runs the commands.
//!
//! Nothing else knows all crates. Begin at [`host`], which opens everything in order, then [`commands`]. The binary only calls [`run`].

mod allocator;
pub mod cli;
pub mod commands;
pub mod data_dir;
mod embedder;
pub mod failure;
pub mod host;
pub mod issuers;
mod logging;
mod output;
mod own_files;
pub mod preparation;
mod private_file;
pub mod settings;
pub mod storage_settings;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::cli::{AuditCommand, Cli, Command, TenantCommand, UserCommand};
use crate::output::note;
use crate::settings::Settings;

/// Runs the program with the arguments and the environment of this process. Exit status: 0 done, 1 failed, 2 wrong usage.
#[must_use]
pub fn run() -> ExitCode {
    if let Some(code) = commands::compile::called() {
        return code;
    }
    // clap itself ends the process with 2 for wrong usage and 0 for --help.
    let matches = Cli::command().get_matches();
    let outcome = Cli::from_arg_matches(&matches)
        .map_err(|error| failure::Failure::usage(error.to_string()))
        .and_then(|cli| Ok((Settings::load(&cli.settings, &matches)?, cli.command)))
        .and_then(|(settings, command)| dispatch(command, &settings));
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            note!("openanalyst: {failure}");
            failure.exit_code()
        }
    }
}

fn dispatch(command: Command, settings: &Settings) -> Result<ExitCode, failure::Failure> {
    logging::start(&settings.log.value, matches!(command, Command::Serve { .. }))?;
    match command {
        Command::Serve { print_config: true } => commands::serve::print_config(settings),
        Command::Token(token) => commands::token::run(&token, settings),
        Command::Keys(command) => commands::keys::run(&command, settings),
        command => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let outcome = runtime.block_on(async {
                match command {
                    Command::Serve { .. } => commands::serve::run(settings).await,
                    Command::Ask(ask) => commands::ask::run(&ask, settings).await,
                    Command::Backup { dir } => commands::backup::run(&dir, settings).await,
                    Command::Migrate => commands::migrate::run(settings).await,
                    Command::Doctor => commands::doctor::run(settings).await,
                    Command::Skill(command) => commands::skill::run(&command, settings).await,
                    Command::Audit(AuditCommand::Verify { tenant }) => commands::audit::verify(&tenant, settings).await,
                    Command::User(UserCommand::Delete { user, tenant, yes }) => {
                        commands::erase::user(&tenant, &user, yes, settings).await
                    }
                    Command::Tenant(TenantCommand::Delete { tenant, yes }) => {
                        commands::erase::tenant(&tenant, yes, settings).await
                    }
                    Command::Route(route) => commands::route::run(&route, settings).await,
                    Command::Usage(usage) => commands::usage::run(&usage, settings).await,
                    Command::Task(command) => commands::task::export(&command, settings).await,
                    Command::Replay { file, component, skill } => {
                        commands::task::replay(&file, component.as_deref(), skill.as_deref(), settings).await
                    }
                    Command::History(command) => commands::history::export(&command, settings).await,
                    Command::Keys(command) => commands::keys::run(&command, settings),
                    Command::Token(token) => commands::token::run(&token, settings),
                }
            });
            // Every command has closed what it opened. A compiler that nobody waits for any more ends with this process.
            runtime.shutdown_background();
            outcome
        }
    }
}
