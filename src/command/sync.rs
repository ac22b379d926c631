//! `mlist sync`: plans, then publishes what differs.

use std::sync::Arc;

use crate::exec::{AfterFailure, Event, ExitStatus, Options, Report, execute};
use crate::registry::Rights;
use crate::ui::Ui;

use super::{Input, Reach};

/// Runs the command.
pub async fn run(input: &Input, reach: &Reach, after_failure: AfterFailure, ui: &Arc<Ui>) -> ExitStatus {
    match synced(input, reach, after_failure, ui).await {
        Ok(status) | Err(status) => status,
    }
}

async fn synced(
    input: &Input,
    reach: &Reach,
    after_failure: AfterFailure,
    ui: &Arc<Ui>,
) -> Result<ExitStatus, ExitStatus> {
    let declared = super::expanded(input, reach, ui).await?;
    let world = declared.open(Rights::Write, reach, ui)?;
    let plan = Arc::new(world.survey(&declared.loaded, ui).await?);
    (world.wire.listener())(Event::Planned(Arc::clone(&plan)));
    let options = Options { jobs: reach.jobs, after_failure };
    let lists = execute(plan, &*world.registries, options, &world.stop, &world.wire).await;
    let report = Report {
        lists,
        started_at: world.clock.started_at,
        duration: world.clock.began.elapsed(),
        requests: declared.requests(world.registries.stats()),
        stopped_by: world.stop.signal(),
    };
    Ok(ui.report(declared.context(), &report))
}
