//! Credential helpers: programs named `docker-credential-NAME` (docker-credential-helpers, "Development").

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use crate::oci::Host;
use crate::registry::sanitize::one_line;

use super::Login;

/// How long a helper may take: some ask a cloud, some a person.
const WITHIN: Duration = Duration::from_secs(30);
/// What a helper may print.
const LIMIT: u64 = 64 << 10;

/// A helper that the config file names.
pub(super) struct Helper {
    /// `gcr` of `docker-credential-gcr`.
    pub(super) name: String,
    /// `credHelpers` or `credsStore`.
    pub(super) key: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: SecretString,
}

/// By what name helpers know a host.
pub(super) fn server(host: &Host) -> &str {
    if host.is_hub() { "https://index.docker.io/v1/" } else { host.as_str() }
}

/// Asks a helper for its credentials of `server`; none where it has none.
///
/// # Errors
/// What is wrong with the helper, to be read behind its name.
pub(super) async fn get(name: &str, server: &str, search: &OsStr) -> Result<Option<Login>, String> {
    if !name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_')) {
        return Err("is no name of a helper: letters, digits, - and _ only".into());
    }
    let program = find(&format!("docker-credential-{name}"), search).ok_or("is not on the PATH")?;
    match timeout(WITHIN, run(program, server.to_owned(), search.to_owned())).await {
        Ok(output) => read(&output?),
        Err(_) => Err(format!("did not answer within {}s", WITHIN.as_secs())),
    }
}

struct Output {
    ok: bool,
    stdout: Vec<u8>,
}

async fn run(program: PathBuf, server: String, search: OsString) -> Result<Output, String> {
    let cannot = |error: std::io::Error| format!("cannot be run: {error}");
    let mut child = Command::new(program)
        .arg("get")
        .env("PATH", search)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(cannot)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that knows its answer without reading closes its end; what counts is what it prints.
        let _ = stdin.write_all(format!("{server}\n").as_bytes()).await;
    }
    let mut stdout = Vec::new();
    if let Some(pipe) = child.stdout.take() {
        pipe.take(LIMIT + 1).read_to_end(&mut stdout).await.map_err(cannot)?;
    }
    if stdout.len() as u64 > LIMIT {
        return Err(format!("printed more than {} KiB", LIMIT >> 10));
    }
    let status = child.wait().await.map_err(cannot)?;
    Ok(Output { ok: status.success(), stdout })
}

fn read(output: &Output) -> Result<Option<Login>, String> {
    if !output.ok {
        // The protocol has errors on stdout; this one is no error.
        let said = one_line(&String::from_utf8_lossy(&output.stdout));
        return if said.to_ascii_lowercase().contains("credentials not found") {
            Ok(None)
        } else if said.is_empty() {
            Err("failed and said nothing".into())
        } else if said.contains("Secret") {
            // What looks like credentials is shown to nobody, whatever its exit status.
            Err("failed".into())
        } else {
            Err(format!("failed: {said}"))
        };
    }
    let given: Given = serde_json::from_slice(&output.stdout).map_err(|_| "printed no credentials".to_owned())?;
    Ok(match given.username.as_str() {
        "" => None,
        "<token>" => Some(Login::Identity(given.secret)),
        _ => Some(Login::Basic { user: given.username, password: given.secret }),
    })
}

/// The program in a folder of the search path; relative entries of it name whatever folder one happens to be in, and
/// are passed over.
fn find(program: &str, search: &OsStr) -> Option<PathBuf> {
    let folders = std::env::split_paths(search).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}
