//! What one user's load costs the others: `cargo bench -p openanalyst --bench neighbours`.
//!
//! For each attack the program is started anew in a process of its own. A victim, users of one
//! tenant, asks for something small; first alone, then while the attack runs. The table has both
//! figures, the CPU time and the memory of the process, and whether the bounds hold: twice as long
//! beside another tenant, four times as long beside another user of the same tenant. Exit status 1
//! if one is missed, unless `-- --only-print` is given. docs/performance.md explains the columns.
//!
//! | file | holds |
//! |---|---|
//! | `options` | the options after `--` |
//! | `server`, `database` | the program's process, its data directory, its database |
//! | `client` | an HTTP client that has a word for each end of a call |
//! | `victim` | who is measured |
//! | `attacks` | who is not |
//! | `one` | one attack from the start of the program to its end |
//! | `report` | the table and the bounds |
//! | `throughput`, `bare` | requests per second, and the bare server beside which they stand |

mod attacks;
mod bare;
mod client;
mod database;
mod one;
mod options;
mod report;
mod server;
mod throughput;
mod victim;

use std::process::ExitCode;

use clap::Parser as _;

use crate::attacks::{Attack, attacks};
use crate::database::Databases;
use crate::one::Bench;
use crate::options::Options;
use crate::server::DataDir;

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(dir) = &options.bare_server {
        return bare::serve(dir, options.group);
    }
    if options.list {
        for attack in attacks() {
            println!("{}", attack.name);
        }
        return ExitCode::SUCCESS;
    }
    attacks::raise_file_limit();
    let only_print = options.only_print;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.expect("a runtime can be made").block_on(run(options)) {
        Ok(missed) if missed.is_empty() || only_print => ExitCode::SUCCESS,
        Ok(missed) => {
            eprintln!("missed:\n  {}", missed.join("\n  "));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Measures, prints, and gives the missed bounds.
async fn run(options: Options) -> Result<Vec<String>, String> {
    let chosen = chosen(&options.attacks)?;
    let databases = Databases::of(options.postgres.as_deref())?;
    let cache = tempfile::tempdir().map_err(|error| error.to_string())?;
    for program in options.programs() {
        let data = DataDir::new(cache.path(), databases.make().await?);
        data.compile_all(&program);
    }
    let bench = Bench { options, databases, cache };
    if bench.options.throughput {
        println!("{}", throughput::measure(&bench).await?);
        return Ok(Vec::new());
    }
    let seconds = bench.options.time().as_secs();
    println!("{}, each figure over {seconds} s\n\n{}", bench.databases.name(), report::head());
    let mut missed = Vec::new();
    for attack in &chosen {
        for &source in attack.sources {
            for program in bench.options.programs() {
                let name = format!("{} by {}", attack.name, source.name());
                eprintln!("{name}: {}", program.display());
                match bench.one(&program, attack, source).await {
                    Ok(row) => {
                        let what = row.missed();
                        if !what.is_empty() {
                            missed.push(format!("{name}: {}", what.join("; ")));
                        }
                        println!("{}", row.line());
                    }
                    Err(error) => missed.push(format!("{name}: not measured: {error}")),
                }
            }
        }
    }
    for line in missed.iter().filter(|line| line.contains("not measured")) {
        println!("\n{line}");
    }
    Ok(missed)
}

/// The attacks of these names; without names all of them.
fn chosen(names: &[String]) -> Result<Vec<Attack>, String> {
    let all = attacks();
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|attack| attack.name != **name))
    {
        return Err(format!("there is no attack `{unknown}`: --list prints the names"));
    }
    let is_chosen =
        |attack: &Attack| names.is_empty() || names.iter().any(|name| name == attack.name);
    Ok(all.into_iter().filter(is_chosen).collect())
}
