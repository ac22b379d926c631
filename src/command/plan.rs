//! `mlist plan`: what sync would publish, and why. Writes nothing, and asks for no right to.

use std::sync::Arc;

use crate::exec::ExitStatus;
use crate::registry::Rights;
use crate::ui::{Document, Ui};

use super::{Input, RegistryOptions, load};

/// What the command is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is planned.
    pub input: Input,
    /// How registries are asked.
    pub registries: RegistryOptions,
    /// What changes mean for the exit status.
    pub pending: Pending,
}

/// Whether pending changes have an exit status of their own (`--exit-code`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pending {
    /// 0: a plan that can be carried out is good.
    Done,
    /// 3.
    Differs,
}

/// Runs the command.
pub async fn run(options: &Options, ui: &Arc<Ui>) -> ExitStatus {
    match planned(options, ui).await {
        Ok(status) | Err(status) => status,
    }
}

async fn planned(options: &Options, ui: &Arc<Ui>) -> Result<ExitStatus, ExitStatus> {
    let Options { input, registries, pending } = options;
    let project = load::with_registries(input, registries, ui).await?;
    let session = project.open(Rights::ReadOnly, registries, ui)?;
    let plan = project.plan(&session, ui).await?;
    let status = ExitStatus::of_plan(&plan.summary(), *pending == Pending::Differs);
    Ok(ui.show(Document::plan(project.context(), plan, project.requests(&session), status)))
}
