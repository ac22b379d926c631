//! `mlist verify`: compares what is published with manifests.toml, and checks that it can be pulled. It writes nothing.

use std::sync::Arc;

use crate::exec::ExitStatus;
use crate::plan::CheckDepth;
use crate::registry::Rights;
use crate::ui::{Context, Document, Ui, VerifiedLists};

use super::host_labels::HostLabels;
use super::{InputOptions, RegistryOptions, load};

/// The options of the command.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// What to compare.
    pub input: InputOptions,
    /// How to access registries.
    pub registries: RegistryOptions,
    /// How much of each published list is checked.
    pub depth: CheckDepth,
}

/// Runs the command.
pub async fn run(options: &VerifyOptions, ui: &Arc<Ui>) -> ExitStatus {
    match verified(options, ui).await {
        Ok(status) | Err(status) => status,
    }
}

async fn verified(options: &VerifyOptions, ui: &Arc<Ui>) -> Result<ExitStatus, ExitStatus> {
    let VerifyOptions { input, registries, depth } = options;
    let (context, verified) = compared(input, registries, *depth, ui).await?;
    Ok(ui.show(Document::verification(context, verified)))
}

/// Compares the lists of the file with what is published.
///
/// # Errors
/// Returns the exit status after the problems were shown.
pub(super) async fn compared(
    input: &InputOptions,
    registries: &RegistryOptions,
    depth: CheckDepth,
    ui: &Arc<Ui>,
) -> Result<(Context, VerifiedLists), ExitStatus> {
    let project = load::with_registries(input, registries, ui).await?;
    let session = project.open(Rights::ReadOnly, registries, ui)?;
    let mut lists = project.verify(depth, &session, ui).await?;
    let problems = lists.iter().map(|list| (list.plan.publication.id.as_str(), list.plan.problems.as_slice()));
    let labels = HostLabels::new(problems, &project.loaded);
    if !labels.is_empty() {
        for list in &mut lists {
            labels.add_to(&mut Arc::make_mut(&mut Arc::make_mut(list).plan).problems);
        }
    }
    let verified = VerifiedLists {
        lists,
        started_at: project.clock.started_at,
        duration: project.clock.began.elapsed(),
        requests: project.requests(&session),
    };
    Ok((project.context(), verified))
}
