//! Helpers for the integration tests.
//!
//! | file | holds |
//! |---|---|
//! | [`registry`] | a strict registry in this process, with a log and configurable behavior |
//! | [`server_process`] | a program that serves, and what it prints |
//! | [`docker_registry`] | Debian's `docker-registry` |
//! | [`zuul_registry`] | zuul-registry from PyPI |
//! | [`ferro_registry`] | ferro-oci-server, a crate |
//! | [`token_server`] | a server for signed tokens, used with Debian's registry |
//! | [`nginx`] | nginx in front of a registry: TLS, HTTP/2 and client certificates |
//! | [`tls_server`] | a TLS server for error cases that nginx cannot produce, and an HTTP proxy |
//! | [`certificates`] | a certificate authority, and certificates that it issues |
//! | [`any_registry`] | any of the registries, for tests that run against all of them |
//! | [`wire`] | a minimal HTTP client, for seeding and inspecting registries |
//! | [`images`] | small images, lists as other tools write them, layouts |
//! | [`release`] | a release of six binaries for five architectures |
//! | [`seed`] | pushes into the registry in this process without requests |
//! | [`browser`] | Chromium without a window |
//! | [`context`] | runs mlist in its own folder and environment |
//! | [`terminal`] | runs mlist in a pseudo-terminal |
//! | [`editor`] | tombi: a linter for TOML and a language server for editors |
//! | [`readers`] | what skopeo and docker read from a list |

use std::process::{Child, Command, Stdio};

use tokio::net::TcpSocket;

pub(crate) mod any_registry;
pub(crate) mod browser;
pub(crate) mod certificates;
pub(crate) mod context;
pub(crate) mod docker_registry;
pub(crate) mod editor;
pub(crate) mod ferro_registry;
pub(crate) mod images;
pub(crate) mod nginx;
pub(crate) mod readers;
pub(crate) mod registry;
pub(crate) mod release;
pub(crate) mod seed;
pub(crate) mod server_process;
pub(crate) mod terminal;
pub(crate) mod tls_server;
pub(crate) mod token_server;
pub(crate) mod wire;
pub(crate) mod zuul_registry;

/// Whether a program is on the PATH.
pub(crate) fn installed(program: &str) -> bool {
    let tried = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    tried.is_ok()
}

/// Ends the process of a server. Its port then stays closed while the result lives.
pub(crate) fn end_server(mut child: Child, port: u16) -> Option<TcpSocket> {
    // The process may have exited already.
    let _ = child.kill();
    child.wait().expect("a child that was started");
    registry::keep_closed(([127, 0, 0, 1], port).into())
}

/// Returns all of `cases` in a long run (`tests/run --long`). Otherwise returns every `one_in`-th, beginning with the
/// first.
pub(crate) fn sample<T>(one_in: usize, cases: impl IntoIterator<Item = T>) -> Vec<T> {
    let step = if std::env::var_os("MLIST_LONG_TESTS").is_some() { 1 } else { one_in };
    cases.into_iter().step_by(step).collect()
}
