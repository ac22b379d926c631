//! Third-party programs that read and create lists.

use std::path::Path;
use std::process::Command;

use super::any_registry::entries;
use super::docker_registry::skipped;
use super::installed;

/// Returns the platforms and digests of a list as `skopeo inspect --raw` shows them. `None` if skopeo is not installed.
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

/// Returns the platforms and digests of a list as `docker manifest inspect` shows them. `None` if no Docker is
/// installed that reads all types of lists (20.10 reads only Docker's own type).
pub(crate) fn docker(reference: &str, config: &Path) -> Option<Vec<(String, String)>> {
    Some(read(docker_manifest(config)?.args(["inspect", "--insecure", reference])))
}

/// Publishes a list of `images` with `docker manifest`. Returns whether a suitable Docker is installed.
pub(crate) fn docker_publishes(reference: &str, images: &[String], config: &Path) -> bool {
    let Some(mut create) = docker_manifest(config) else { return false };
    run(create.args(["create", "--insecure", reference]).args(images));
    let Some(mut push) = docker_manifest(config) else { return false };
    run(push.args(["push", "--insecure", reference]));
    true
}

/// Copies a list with all its images from a registry to a new directory, as a mirror does. `config` is Docker's config
/// directory. Returns whether skopeo is installed.
pub(crate) fn skopeo_copies_all(reference: &str, config: &Path) -> bool {
    if !installed("skopeo") {
        skipped("skopeo is not installed");
        return false;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new("skopeo");
    command.args(["copy", "--all", "--src-tls-verify=false"]);
    let logins = config.join("config.json");
    if logins.is_file() {
        command.arg("--authfile").arg(logins);
    }
    run(command.arg(format!("docker://{reference}")).arg(format!("dir:{}", folder.path().display())));
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

/// Runs a program, which must succeed. Returns its stdout.
fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("it was installed a moment ago");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}");
    output.stdout
}
