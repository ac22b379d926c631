//! `mlist check`: manifests.toml is read and expanded, no registry is asked.

use crate::exec::ExitStatus;
use crate::ui::Ui;

use super::Input;

/// Runs the command.
#[must_use]
pub fn run(input: &Input, ui: &Ui) -> ExitStatus {
    match super::read(input, ui) {
        Ok(declared) => ui.checked(declared.context(), &declared.loaded.publications, &declared.loaded.unexpanded),
        Err(status) => status,
    }
}
