//! `user delete`, `tenant delete`: everything of a user or a tenant goes.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use openanalyst_brain::Subject;
use openanalyst_domain::{Owner, TenantId, UserId};
use openanalyst_registry::Actor;

use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::host::{Host, Role};
use crate::output::say;
use crate::settings::Settings;

/// Deletes all data of a user.
///
/// # Errors
/// It is not confirmed; the host cannot be opened; the stores'.
pub async fn user(tenant: &str, user: &str, yes: bool, settings: &Settings) -> Result<ExitCode, Failure> {
    let owner = Owner::new(
        TenantId::parse(tenant).map_err(|error| Failure::usage(format!("--tenant: {error}")))?,
        UserId::parse(user).map_err(|error| Failure::usage(error.to_string()))?,
    );
    let what = format!("all data of the user {user} of the tenant {tenant}");
    confirm(&what, user, yes)?;
    delete(&Subject::User(owner), &what, settings).await
}

/// Deletes a tenant with all its users.
///
/// # Errors
/// As [`user`].
pub async fn tenant(tenant: &str, yes: bool, settings: &Settings) -> Result<ExitCode, Failure> {
    let id = TenantId::parse(tenant).map_err(|error| Failure::usage(error.to_string()))?;
    let what = format!("all data of the tenant {tenant} and of all its users");
    confirm(&what, tenant, yes)?;
    delete(&Subject::Tenant(id), &what, settings).await
}

/// Asks for the name once more.
fn confirm(what: &str, name: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Failure::usage(format!("this deletes {what} and cannot be undone: add --yes to confirm it")));
    }
    eprint!("This deletes {what} and cannot be undone. To go on, write {name}: ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    stdin.lock().read_line(&mut line)?;
    if line.trim_end_matches(['\r', '\n']) == name {
        Ok(())
    } else {
        Err(Failure::failed("this is not the name: nothing was deleted"))
    }
}

async fn delete(subject: &Subject, what: &str, settings: &Settings) -> Result<ExitCode, Failure> {
    DataDir::existing(&settings.data_dir.value)?;
    let host = Host::open(settings, Role::Visitor).await?;
    let actor = Actor { name: "operator".to_owned(), origin: "local".to_owned() };
    let deleted = async {
        let (deletion, _) = host.brain.begin_deletion(subject, &actor).await?;
        host.brain.finish_deletion(&deletion).await
    };
    let deleted = deleted.await;
    host.close(Duration::from_secs(settings.shutdown_grace_s.value)).await;
    if deleted? {
        say!("deleted {what}; its rows in the audit log stay");
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::failed("the deletion was interrupted: give the command again, or start `serve`, to go on with it"))
}
