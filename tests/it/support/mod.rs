//! What the cases stand on.
//!
//! | file | holds |
//! |---|---|
//! | [`registry`] | a strict registry in this process, with a log and knobs |
//! | [`docker_registry`] | Debian's `docker-registry` |
//! | [`token_server`] | a server of signed tokens, for Debian's |
//! | [`nginx`] | TLS, HTTP/2 and client certificates before a registry |
//! | [`tls_server`] | TLS that ends as no polite server ends it, a proxy |
//! | [`certificates`] | an authority, and whom it vouches for |
//! | [`any_registry`] | any of the registries, for cases that run against all |
//! | [`wire`] | a client that knows nothing, for seeding and looking |
//! | [`images`] | tiny images, lists of other tools, layouts |
//! | [`release`] | six binaries for five architectures |
//! | [`context`] | mlist in a folder and an environment of its own |
//! | [`terminal`] | mlist on a screen |
//! | [`editor`] | tombi: a linter of TOML, a server for editors |
//! | [`readers`] | what skopeo and docker read |

use std::process::{Command, Stdio};

pub(crate) mod any_registry;
pub(crate) mod certificates;
pub(crate) mod context;
pub(crate) mod docker_registry;
pub(crate) mod editor;
pub(crate) mod images;
pub(crate) mod nginx;
pub(crate) mod readers;
pub(crate) mod registry;
pub(crate) mod release;
pub(crate) mod terminal;
pub(crate) mod tls_server;
pub(crate) mod token_server;
pub(crate) mod wire;

/// Whether a program is on the PATH.
pub(crate) fn installed(program: &str) -> bool {
    let tried = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    tried.is_ok()
}

/// All of `cases` in a long run (`tests/run --long`), else one in so many, the first included.
pub(crate) fn sample<T>(one_in: usize, cases: impl IntoIterator<Item = T>) -> Vec<T> {
    let step = if std::env::var_os("MLIST_LONG_TESTS").is_some() { 1 } else { one_in };
    cases.into_iter().step_by(step).collect()
}
