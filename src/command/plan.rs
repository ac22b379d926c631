//! `mlist plan`: shows what sync would publish, and why. It writes nothing and requests no write permission.

use std::sync::Arc;

use crate::exec::ExitStatus;
use crate::plan::CheckDepth;
use crate::registry::Rights;
use crate::ui::{Document, Ui};

use super::host_labels::HostLabels;
use super::{InputOptions, RegistryOptions, load};

/// The options of the command.
#[derive(Debug, Clone)]
pub struct PlanOptions {
    /// What to plan.
    pub input: InputOptions,
    /// How to access registries.
    pub registries: RegistryOptions,
    /// How much of what is published is checked.
    pub depth: CheckDepth,
    /// How pending changes affect the exit status.
    pub pending: Pending,
}

/// Whether pending changes have their own exit status (`--exit-code`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pending {
    /// Exit status 0: a plan that can be carried out is a success.
    Done,
    /// Exit status 3.
    Differs,
}

/// Runs the command.
pub async fn run(options: &PlanOptions, ui: &Arc<Ui>) -> ExitStatus {
    match planned(options, ui).await {
        Ok(status) | Err(status) => status,
    }
}

async fn planned(options: &PlanOptions, ui: &Arc<Ui>) -> Result<ExitStatus, ExitStatus> {
    let PlanOptions { input, registries, depth, pending } = options;
    let project = load::with_registries(input, registries, ui).await?;
    let session = project.open(Rights::ReadOnly, registries, ui)?;
    let mut plan = project.plan(*depth, &session, ui).await?;
    let problems = plan.lists.iter().map(|list| (list.publication.id.as_str(), list.problems.as_slice()));
    let labels = HostLabels::new(problems, &project.loaded);
    if !labels.is_empty() {
        for list in &mut plan.lists {
            labels.add_to(&mut Arc::make_mut(list).problems);
        }
    }
    let status = ExitStatus::of_plan(&plan.summary(), *pending == Pending::Differs);
    Ok(ui.show(Document::plan(project.context(), plan, project.requests(&session), status)))
}
