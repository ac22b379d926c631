//! `mlist plan`: what sync would publish, and why. Writes nothing, and asks for no right to.

use std::sync::Arc;

use crate::exec::ExitStatus;
use crate::registry::Rights;
use crate::ui::Ui;

use super::{Input, Reach};

/// Whether pending changes have an exit status of their own (`--exit-code`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pending {
    /// 0: a plan that can be carried out is good.
    Done,
    /// 3.
    Differs,
}

/// Runs the command.
pub async fn run(input: &Input, reach: &Reach, pending: Pending, ui: &Arc<Ui>) -> ExitStatus {
    match planned(input, reach, pending, ui).await {
        Ok(status) | Err(status) => status,
    }
}

async fn planned(input: &Input, reach: &Reach, pending: Pending, ui: &Arc<Ui>) -> Result<ExitStatus, ExitStatus> {
    let declared = super::expanded(input, reach, ui).await?;
    let world = declared.open(Rights::ReadOnly, reach, ui)?;
    let plan = world.survey(&declared.loaded, ui).await?;
    let status = ExitStatus::of_plan(&plan.summary(), pending == Pending::Differs);
    Ok(ui.plan(declared.context(), &plan, &declared.requests(world.registries.stats()), status))
}
