//! `mlist schema`: prints the JSON Schema of manifests.toml, for editors.

use crate::exec::ExitStatus;
use crate::ui::Ui;

/// Runs the command.
#[must_use]
pub fn run(ui: &Ui) -> ExitStatus {
    ui.answer(&crate::config::schema());
    ExitStatus::Done
}
