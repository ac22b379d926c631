//! Config files and helpers.

use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use super::*;

/// A folder with this config, and a helper `x` of this script.
fn folder(config: &str, script: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let helper = folder.path().join("docker-credential-x");
    std::fs::write(&helper, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// What the config file of this folder knows.
fn in_folder(folder: &Path, search: impl Into<OsString>) -> Credentials {
    let files = vec![folder.join("config.json")];
    Credentials::new(CredentialSources { files, search: search.into(), inline: None })
}

async fn found(config: &str, script: &str, host: &str) -> String {
    let folder = folder(config, script);
    let search = format!("{}:/usr/bin:/bin", folder.path().display());
    let credentials = in_folder(folder.path(), search);
    let shown = folder.path().join("config.json").display().to_string();
    let text = match credentials.find(&Host::parse(host).unwrap(), "").await {
        Ok(None) => "none".to_owned(),
        Ok(Some(Credential { login: Login::Basic { user, password }, source })) => {
            format!("{user}:{} from {source}", password.expose_secret())
        }
        Ok(Some(Credential { login: Login::Identity(token), source })) => {
            format!("token {} from {source}", token.expose_secret())
        }
        Err(failure) => failure.kind.to_string(),
    };
    text.replace(&shown, "FILE")
}

#[tokio::test]
async fn entries_are_found_in_every_form_docker_writes() {
    let auth = base64::engine::general_purpose::STANDARD.encode("ci:p:w\0\0");
    let keys = ["ghcr.io", "https://ghcr.io", "https://ghcr.io/v2/", "http://ghcr.io/", "GHCR.io"];
    for key in keys {
        let config = format!(r#"{{"auths":{{"{key}":{{"auth":"{auth}"}}}}}}"#);
        assert_eq!(found(&config, "", "ghcr.io").await, "ci:p:w from FILE (user ci)", "{key}");
        assert_eq!(found(&config, "", "other.io").await, "none", "{key}");
    }
    for key in ["https://index.docker.io/v1/", "docker.io", "registry-1.docker.io"] {
        let config = format!(r#"{{"auths":{{"{key}":{{"username":"u","password":"p"}}}}}}"#);
        assert_eq!(found(&config, "", "docker.io").await, "u:p from FILE (user u)", "{key}");
    }
    let token = r#"{"auths":{"a.io:5000":{"auth":"","identitytoken":"i"}},"HttpHeaders":{"X":"y"}}"#;
    assert_eq!(found(token, "", "a.io:5000").await, "token i from FILE (identity token)");
    assert_eq!(found(r#"{"auths":{"a.io":{}}}"#, "", "a.io").await, "none");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named() {
    assert_eq!(found("{", "", "a.io").await, "FILE is malformed: no JSON, line 1 column 1");
    let typed = found(r#"{"auths":{"a.io":{"auth":"c2VjcmV0","password":7}}}"#, "", "a.io").await;
    assert!(typed.starts_with("FILE is malformed: a value of another type"), "{typed}");
    let broken = r#"{"auths":{"a.io":{"auth":"%%"}}}"#;
    assert_eq!(found(broken, "", "a.io").await, "FILE has an entry for a.io that is not base64 of user:password");
    assert_eq!(found(broken, "", "b.io").await, "none", "only who needs the entry hears of it");

    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("config.json")).unwrap();
    let unreadable = in_folder(folder.path(), "");
    let failure = unreadable.find(&Host::parse("a.io").unwrap(), "").await.unwrap_err();
    assert!(failure.kind.to_string().contains("config.json cannot be read"), "{}", failure.kind);
    let nowhere = in_folder(&folder.path().join("absent"), "");
    assert!(nowhere.find(&Host::parse("a.io").unwrap(), "").await.unwrap().is_none());
}

const HELPER: &str = r#"{"credHelpers":{"a.io":"x"},"auths":{"a.io":{"username":"u","password":"p"}}}"#;
const STORE: &str = r#"{"credsStore":"x"}"#;

#[tokio::test]
async fn a_helper_is_asked_before_the_file() {
    let script = r#"read server; echo "{\"ServerURL\":\"$server\",\"Username\":\"$1-$server\",\"Secret\":\"s\"}""#;
    assert_eq!(found(HELPER, script, "a.io").await, "get-a.io:s from docker-credential-x (credHelpers)");
    assert_eq!(found(HELPER, script, "b.io").await, "none");
    let hub = found(STORE, script, "docker.io").await;
    assert_eq!(hub, "get-https://index.docker.io/v1/:s from docker-credential-x (credsStore)");
    let token = r#"echo '{"Username":"<token>","Secret":"i"}'"#;
    assert_eq!(found(STORE, token, "a.io").await, "token i from docker-credential-x (credsStore)");
}

#[tokio::test]
async fn a_helper_without_credentials_is_no_error() {
    let script = "echo 'credentials not found in native keychain'; exit 1";
    assert_eq!(found(STORE, script, "a.io").await, "none");
    assert_eq!(found(HELPER, script, "a.io").await, "u:p from FILE (user u)");
}

#[tokio::test]
async fn a_helper_that_fails_is_named_with_the_file_that_names_it() {
    for (config, script, why) in [
        (STORE, "echo 'no \x1b[1mkeychain'; exit 1", "docker-credential-x failed: no [1mkeychain"),
        (STORE, "exit 3", "docker-credential-x failed and said nothing"),
        (STORE, "echo hello", "docker-credential-x printed no credentials"),
        (STORE, "head -c 70000 /dev/zero", "docker-credential-x printed more than 64 KiB"),
        (r#"{"credsStore":"absent"}"#, "", "docker-credential-absent is not on the PATH"),
        (
            r#"{"credsStore":"../x"}"#,
            "",
            "docker-credential-../x is no name of a helper: letters, digits, - and _ only",
        ),
    ] {
        assert_eq!(found(config, script, "a.io").await, format!("{why}; FILE names it for a.io"));
    }
}

#[tokio::test]
async fn a_helper_is_run_once_for_a_host() {
    let folder = folder(STORE, r#"echo x >> "$0.runs"; echo '{"Username":"u","Secret":"s"}'"#);
    let credentials = in_folder(folder.path(), folder.path());
    let host = Host::parse("a.io").unwrap();
    let all = futures_util::future::join_all((0..5).map(|_| credentials.find(&host, ""))).await;
    assert!(all.iter().all(|found| found.as_ref().is_ok_and(Option::is_some)));
    let runs = std::fs::read_to_string(folder.path().join("docker-credential-x.runs")).unwrap();
    assert_eq!(runs, "x\n");
}

#[tokio::test]
async fn null_is_nothing() {
    for config in [r#"{"auths":null,"credHelpers":null,"credsStore":null}"#, r#"{"auths":{"a.io":null}}"#] {
        assert_eq!(found(config, "", "a.io").await, "none", "{config}");
    }
}

#[tokio::test]
async fn a_secret_that_a_failed_helper_prints_is_not_shown() {
    let script = r#"echo '{"Username":"ci","Secret":"geheim"}'; exit 1"#;
    let why = found(r#"{"credHelpers":{"a.io":"x"}}"#, script, "a.io").await;
    assert_eq!(why, "docker-credential-x failed; FILE names it for a.io");
}
