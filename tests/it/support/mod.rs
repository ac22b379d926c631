//! What the cases stand on.
//!
//! | file | holds |
//! |---|---|
//! | [`registry`] | a strict registry in this process, with a log and knobs |
//! | [`docker_registry`] | Debian's `docker-registry` |
//! | [`any_registry`] | either of them, for cases that run against both |
//! | [`wire`] | a client that knows nothing, for seeding and looking |
//! | [`images`] | tiny images, lists of other tools, layouts |
//! | [`release`] | six binaries for five architectures |
//! | [`context`] | mlist in a folder and an environment of its own |
//! | [`terminal`] | mlist on a screen |
//! | [`readers`] | what skopeo and docker read |

use std::process::{Command, Stdio};

pub(crate) mod any_registry;
pub(crate) mod context;
pub(crate) mod docker_registry;
pub(crate) mod images;
pub(crate) mod readers;
pub(crate) mod registry;
pub(crate) mod release;
pub(crate) mod terminal;
pub(crate) mod wire;

/// Whether a program is on the PATH.
pub(crate) fn installed(program: &str) -> bool {
    let tried = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    tried.is_ok()
}
