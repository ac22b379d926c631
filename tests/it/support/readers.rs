//! What other programs read of a list, and lists that they make: nobody here wrote them.

use std::path::Path;
use std::process::Command;

use super::any_registry::entries;
use super::docker_registry::skipped;
use super::installed;

/// Platforms and digests of a list, as `skopeo inspect --raw` shows them; none where skopeo is not installed.
/// `config` is Docker's config folder.
pub(crate) fn skopeo(source: &str, config: &Path) -> Option<Vec<(String, String)>> {
    if !installed("skopeo") {
        skipped("skopeo is not installed");
        return None;
    }
    let mut command = Command::new("skopeo");
    command.args(["inspect", "--raw"]);
    if source.starts_with("docker://") {
        command.arg("--tls-verify=false");
    }
    let logins = config.join("config.json");
    if logins.is_file() {
        command.arg("--authfile").arg(logins);
    }
    Some(read(command.arg(source)))
}

/// Platforms and digests of a list, as `docker manifest inspect` shows them; none where there is no Docker that reads
/// every kind of list (20.10 knows Docker's own only).
pub(crate) fn docker(reference: &str, config: &Path) -> Option<Vec<(String, String)>> {
    Some(read(docker_manifest(config)?.args(["inspect", "--insecure", reference])))
}

/// Lets `docker manifest` publish a list of `images`; whether there is such a Docker.
pub(crate) fn docker_publishes(reference: &str, images: &[String], config: &Path) -> bool {
    let Some(mut create) = docker_manifest(config) else { return false };
    run(create.args(["create", "--insecure", reference]).args(images));
    let Some(mut push) = docker_manifest(config) else { return false };
    run(push.args(["push", "--insecure", reference]));
    true
}

fn docker_manifest(config: &Path) -> Option<Command> {
    if docker_version().is_none_or(|major| major < 28) {
        skipped("docker 28 or later is not installed");
        return None;
    }
    let mut command = Command::new("docker");
    command.arg("--config").arg(config).arg("manifest");
    Some(command)
}

fn docker_version() -> Option<u32> {
    let output = Command::new("docker").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.strip_prefix("Docker version ")?.split('.').next()?.parse().ok()
}

fn read(command: &mut Command) -> Vec<(String, String)> {
    entries(&serde_json::from_slice(&run(command)).expect("JSON"))
}

/// Runs a program that must not fail; its stdout.
fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("it was installed a moment ago");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}");
    output.stdout
}
