//! `mlist check`: manifests.toml is read and expanded, no registry is asked.

use crate::exec::ExitStatus;
use crate::ui::{Document, Ui};

use super::{Input, load};

/// What the command is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is checked.
    pub input: Input,
}

/// Runs the command.
#[must_use]
pub fn run(options: &Options, ui: &Ui) -> ExitStatus {
    match load::without_registries(&options.input, ui) {
        Ok(project) => ui.show(Document::check(&project.loaded)),
        Err(status) => status,
    }
}
