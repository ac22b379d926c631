//! The commands, one file each. They connect the other layers and contain no other logic.
//!
//! | file | holds |
//! |---|---|
//! | [`check`] | checks manifests.toml alone |
//! | [`plan`](mod@plan) | shows what sync would do |
//! | [`sync`](mod@sync) | a whole run on one screen |
//! | [`verify`] | compares what is published with manifests.toml |
//! | [`inspect`](mod@inspect) | shows what a reference leads to |
//! | [`ls`] | shows the lists, or the tags of their repositories |
//! | [`schema`] | prints the JSON Schema |
//! | `load` | loads manifests.toml and the files that it includes; lists the tags that an axis needs |
//! | `session` | opens registries, with or without a file, and handles signals |
//! | `host_labels` | adds to problems of a registry where manifests.toml names it |
//! | `registry_options` | converts `[registry]` of the file into options of the registry layer |
//!
//! Each command has one struct of options. Options that several commands share are defined here.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::config::{Author, Override};
use crate::host;
use crate::registry::CredentialSources;

pub mod check;
mod host_labels;
pub mod inspect;
mod load;
pub mod ls;
pub mod plan;
mod registry_options;
pub mod schema;
mod session;
pub mod sync;
pub mod verify;

/// The options of every command that reads manifests.toml.
#[derive(Debug, Clone)]
pub struct InputOptions {
    /// The file to read. `None` for the nearest manifests.toml in this directory or above.
    pub file: Option<PathBuf>,
    /// Values of variables from the command line.
    pub overrides: Vec<Override>,
    /// Selectors of lists. If there are none, all lists are selected.
    pub selectors: Vec<String>,
    /// Where the file, and the files that it names, may be.
    pub paths: host::AllowedPaths,
    /// Who may have written the file.
    pub author: Author,
}

/// The options of every command that sends requests to registries.
#[derive(Debug, Clone)]
pub struct RegistryOptions {
    /// The maximum number of concurrent requests.
    pub jobs: NonZeroUsize,
    /// Where to look for credentials.
    pub credentials: CredentialSources,
    /// Directories that contain a directory of certificates for each host.
    pub certificates: Vec<PathBuf>,
}
