//! Places, files and helpers, and which of them is used.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use tempfile::TempDir;

use super::*;

impl Credential {
    /// Creates credentials as if they were in Docker's file.
    pub(crate) fn of_docker(login: Login) -> Self {
        let source = CredentialSource {
            origin: CredentialOrigin::Docker,
            place: "~/.docker/config.json".into(),
            account: login.account(),
        };
        Self { login, source: source.into() }
    }
}

/// Creates a folder with this config, and a helper `x` with this script.
fn folder(config: &str, script: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    helper_in(folder.path(), "x", script);
    folder
}

/// Creates a helper with this name and script.
///
/// Another process moves it to its place. If a program is open for writing in this process while another test starts a
/// process, it cannot be run until that process has begun (ETXTBSY).
pub(super) fn helper_in(folder: &Path, name: &str, script: &str) -> PathBuf {
    let helper = folder.join(format!("docker-credential-{name}"));
    let text = folder.join(format!("{name}.sh"));
    std::fs::write(&text, format!("#!/bin/sh\n{script}\n")).unwrap();
    let installed = Command::new("install").args(["-m", "755"]).args([&text, &helper]).status().unwrap();
    assert!(installed.success());
    helper
}

/// Splits `x.io/a/b` into host and path.
fn host_and_path(name: &str) -> (Host, &str) {
    let (host, path) = name.split_once('/').unwrap_or((name, ""));
    (Host::parse(host).unwrap(), path)
}

/// Describes in one line what these sources have for `name`.
async fn found_in(sources: CredentialSources, name: &str) -> String {
    find(&Credentials::new(sources, &BTreeMap::new()), name).await
}

async fn find(credentials: &Credentials, name: &str) -> String {
    let (host, path) = host_and_path(name);
    match credentials.find(&host, path).await {
        Ok(None) => "none".to_owned(),
        Ok(Some(Credential { login: Login::Basic { user, password }, source })) => {
            format!("{user}:{} from {source}", password.expose_secret())
        }
        Ok(Some(Credential { login: Login::Identity(token), source })) => {
            format!("identity {} from {source}", token.expose_secret())
        }
        Ok(Some(Credential { login: Login::Bearer(token), source })) => {
            format!("bearer {} from {source}", token.expose_secret())
        }
        Err(failure) => failure.kind.to_string(),
    }
}

/// Describes what a Docker config with this text has, if its helper is this script.
async fn found(config: &str, script: &str, name: &str) -> String {
    let folder = folder(config, script);
    let path = folder.path().join("config.json");
    let shown = path.display().to_string();
    let search = format!("{}:/usr/bin:/bin", folder.path().display()).into();
    let sources = CredentialSources { docker: Some(path), search, ..CredentialSources::default() };
    found_in(sources, name).await.replace(&shown, "FILE")
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
    assert_eq!(found(token, "", "a.io:5000").await, "identity i from FILE (identity token)");
    // If both tokens exist, Docker sends the registry token.
    let both = r#"{"auths":{"a.io":{"auth":"dTpw","identitytoken":"i","registrytoken":"r"}}}"#;
    assert_eq!(found(both, "", "a.io").await, "bearer r from FILE (registry token)");
    for nothing in ["{}", "null", r#"{"auth":""}"#, r#"{"username":"u"}"#, r#"{"email":"u@a.io","auth":null}"#] {
        let config = format!(r#"{{"auths":{{"a.io":{nothing}}}}}"#);
        assert_eq!(found(&config, "", "a.io").await, "none", "{nothing}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named() {
    assert_eq!(found("{", "", "a.io").await, "FILE is not valid: invalid JSON, line 1 column 1");
    let typed = found(r#"{"auths":{"a.io":{"auth":"c2VjcmV0","password":7}}}"#, "", "a.io").await;
    assert!(typed.starts_with("FILE is not valid: unexpected type of a value"), "{typed}");
    let broken = r#"{"auths":{"a.io":{"auth":"%%"}}}"#;
    assert_eq!(
        found(broken, "", "a.io").await,
        "FILE has an invalid entry for a.io: `auth` is not base64 of user:password"
    );
    assert_eq!(found(broken, "", "b.io").await, "none", "only who needs the entry hears of it");
}

#[tokio::test]
async fn what_is_no_readable_file_is_told_and_not_waited_for() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("folder")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    std::fs::write(path("long"), vec![b' '; (1 << 20) + 1]).unwrap();
    std::os::unix::fs::symlink("loop", path("loop")).unwrap();
    std::fs::write(path("empty"), " \n").unwrap();
    std::fs::write(path("real"), r#"{"auths":{"a.io":{"auth":"dTpw"}}}"#).unwrap();
    std::os::unix::fs::symlink("real", path("link")).unwrap();
    for (name, expected) in [
        ("folder", "~/folder is a directory"),
        ("pipe", "~/pipe is not a regular file"),
        ("long", "~/long is larger than 1 MiB"),
        ("loop", "~/loop cannot be read: "),
        ("absent", "none"),
        ("real/below", "none"),
        ("empty", "none"),
        ("link", "u:p from ~/link (user u)"),
    ] {
        let home = Some(folder.path().to_owned());
        let sources = CredentialSources { docker: Some(path(name)), home, ..CredentialSources::default() };
        let credentials = Credentials::new(sources, &BTreeMap::new());
        assert_eq!(credentials.may_know(&Host::parse("a.io").unwrap()), expected != "none", "{name}");
        let found = find(&credentials, "a.io").await;
        assert!(if expected.ends_with(' ') { found.starts_with(expected) } else { found == expected }, "{found}");
    }
}

#[tokio::test]
async fn a_file_without_the_right_to_read_is_told() {
    let folder = folder("{}", "");
    let path = folder.path().join("config.json");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&path).is_ok() {
        // Root may read every file, so this cannot be tested as root.
        return;
    }
    let home = Some(folder.path().to_owned());
    let sources = CredentialSources { docker: Some(path), home, ..CredentialSources::default() };
    assert_eq!(found_in(sources, "a.io").await, "~/config.json cannot be read: permission denied");
}

/// All places, in their order. Each has its own user for `a.io`. All are in one folder.
const PLACES: [(&str, &str); 6] = [
    ("inline", "inline:p from DOCKER_AUTH_CONFIG (user inline)"),
    ("auth_file", "auth_file:p from ~/auth_file (user auth_file)"),
    ("docker", "docker:p from ~/docker (user docker)"),
    ("podman-run", "podman-run:p from ~/podman-run (user podman-run)"),
    ("podman", "podman:p from ~/podman (user podman)"),
    ("old", "old:p from ~/old (user old)"),
];

/// Creates the sources of `places`. `text` returns the content of each.
fn sources(home: &Path, places: &[&str], text: impl Fn(&str) -> String) -> CredentialSources {
    let file = |name: &str| {
        let path = home.join(name);
        places.contains(&name).then(|| std::fs::write(&path, text(name)).unwrap());
        path
    };
    let inline = places.contains(&"inline").then(|| text("inline").into());
    CredentialSources {
        inline,
        auth_file: places.contains(&"auth_file").then(|| file("auth_file")),
        docker: Some(file("docker")),
        podman: vec![file("podman-run"), file("podman")],
        old: Some(file("old")),
        search: OsString::new(),
        home: Some(home.to_owned()),
    }
}

/// Returns an entry for `host` in the format of this place.
fn entry_of(place: &str, host: &str) -> String {
    let entry = format!(r#"{{"{host}":{{"username":"{place}","password":"p"}}}}"#);
    if place == "old" { entry } else { format!(r#"{{"auths":{entry}}}"#) }
}

#[tokio::test]
async fn the_first_place_with_an_entry_is_used() {
    let every: Vec<&str> = PLACES.map(|(name, _)| name).into();
    for (index, (name, expected)) in PLACES.into_iter().enumerate() {
        // If the user names a file, Podman's default files are not read.
        let named: Vec<&str> = every[index..].iter().copied().filter(|name| *name != "auth_file").collect();
        let rest = if name == "auth_file" { &every[index..] } else { &named[..] };
        let home = TempDir::new().unwrap();
        let all = sources(home.path(), rest, |place| entry_of(place, "a.io"));
        assert_eq!(found_in(all, "a.io").await, expected);
        // The places before it have entries too, for other hosts or empty ones.
        let home = TempDir::new().unwrap();
        let others = if name.starts_with("podman") { [&["inline"], &named[..]].concat() } else { every.clone() };
        let own = |place: &str| match place {
            _ if place == name => entry_of(place, "a.io"),
            "docker" => r#"{"auths":{"a.io":{}},"credHelpers":{"b.io":"x"}}"#.to_owned(),
            _ => entry_of(place, "b.io"),
        };
        assert_eq!(found_in(sources(home.path(), &others, own), "a.io").await, expected);
    }
}

#[tokio::test]
async fn podmans_own_files_are_not_read_where_one_is_named() {
    let home = TempDir::new().unwrap();
    let text = |place: &str| entry_of(place, if place.starts_with("podman") { "a.io" } else { "b.io" });
    let sources = sources(home.path(), &["auth_file", "podman-run", "podman"], text);
    assert_eq!(found_in(sources, "a.io").await, "none");
}

#[tokio::test]
async fn a_malformed_place_hurts_only_who_gets_as_far() {
    for (name, _) in PLACES {
        let home = TempDir::new().unwrap();
        let before = match name {
            "inline" => None,
            "auth_file" | "docker" => Some("inline"),
            _ => Some("docker"),
        };
        let places: Vec<&str> = before.into_iter().chain([name]).collect();
        let text = |place: &str| if place == name { r#"{"auths":"s3cret"#.to_owned() } else { entry_of(place, "a.io") };
        let credentials = Credentials::new(sources(home.path(), &places, text), &BTreeMap::new());
        if let Some(before) = before {
            assert!(find(&credentials, "a.io").await.starts_with(&format!("{before}:p from ")), "{name}");
        }
        let shown = if name == "inline" { "DOCKER_AUTH_CONFIG".to_owned() } else { format!("~/{name}") };
        let why = find(&credentials, "b.io").await;
        assert!(why.starts_with(&format!("{shown} is not valid: ")) && !why.contains("s3cret"), "{why}");
    }
}

#[tokio::test]
async fn a_namespace_has_credentials_of_its_own() {
    let config = r#"{"auths":{
        "x.io": {"username":"all","password":"p"},
        "x.io/team": {"username":"team","password":"p"},
        "x.io/team/empty": {},
        "docker.io/acme": {"username":"acme","password":"p"}
    }}"#;
    for (name, expected) in [
        ("x.io/team/app", "team:p from FILE (user team)"),
        ("x.io/team/empty", "team:p from FILE (user team)"),
        ("x.io/teams", "all:p from FILE (user all)"),
        ("x.io", "all:p from FILE (user all)"),
        ("docker.io/acme/app", "acme:p from FILE (user acme)"),
        ("docker.io/library/app", "none"),
    ] {
        assert_eq!(found(config, "", name).await, expected, "{name}");
    }
}

#[tokio::test]
async fn the_old_file_has_hosts_at_its_top() {
    let home = TempDir::new().unwrap();
    let text = r#"{"https://index.docker.io/v1/":{"auth":"dTpw","email":"u@a.io"},"a.io/v1/":{"auth":"dTpw"}}"#;
    for name in ["docker.io/library/app", "a.io/app"] {
        let sources = sources(home.path(), &["old"], |_| text.to_owned());
        assert_eq!(found_in(sources, name).await, "u:p from ~/old (user u)", "{name}");
    }
}

/// Returns the credentials if `[registry."a.io"]` names variables with these values and Docker's file also has an
/// entry.
fn named(user: Option<&str>, password: Option<&str>) -> Credentials {
    let login = NamedLogin {
        user_env: "REGISTRY_USER".into(),
        user: user.map(str::to_owned),
        password_env: "REGISTRY_PASSWORD".into(),
        password: password.map(SecretString::from),
    };
    let options = HostOptions { login: Some(login), ..HostOptions::default() };
    let inline = Some(r#"{"auths":{"a.io":{"auth":"dTpw"},"b.io":{"auth":"dTpw"}}}"#.into());
    let sources = CredentialSources { inline, ..CredentialSources::default() };
    Credentials::new(sources, &BTreeMap::from([(Host::parse("a.io").unwrap(), options)]))
}

#[tokio::test]
async fn what_the_registry_table_names_goes_first_and_has_to_be_set() {
    let source = r#"REGISTRY_USER, REGISTRY_PASSWORD ([registry."a.io"])"#;
    let credentials = named(Some("ci"), Some("pw"));
    assert_eq!(find(&credentials, "a.io/team/app").await, format!("ci:pw from {source}"));
    assert_eq!(find(&credentials, "b.io").await, "u:p from DOCKER_AUTH_CONFIG (user u)");
    for (user, password, expected) in [
        (None, Some("pw"), "REGISTRY_USER is not set; required by username-env"),
        (Some(""), Some("pw"), "REGISTRY_USER is empty; required by username-env"),
        (Some("ci"), None, "REGISTRY_PASSWORD is not set; required by password-env"),
        (Some("ci"), Some(""), "REGISTRY_PASSWORD is empty; required by password-env"),
    ] {
        let credentials = named(user, password);
        assert!(credentials.may_know(&Host::parse("a.io").unwrap()));
        assert_eq!(find(&credentials, "a.io").await, expected);
        assert_eq!(find(&credentials, "b.io").await, "u:p from DOCKER_AUTH_CONFIG (user u)", "only a.io needs it");
    }
}

#[test]
fn where_it_was_looked_is_told_of_places_that_are_there_and_of_dockers_file() {
    let told = |places: &[&str], host: &str| {
        let home = TempDir::new().unwrap();
        let credentials =
            Credentials::new(sources(home.path(), places, |place| entry_of(place, "a.io")), &BTreeMap::new());
        let mut asked_as = AskedAs::Unknown;
        credentials.tell_where(&Host::parse(host).unwrap(), &mut asked_as);
        match asked_as {
            AskedAs::Anonymous { looked_in } => looked_in.join(", "),
            other => format!("{other:?}"),
        }
    };
    assert_eq!(told(&[], "gcr.io"), "~/docker");
    assert_eq!(told(&["inline", "podman", "old"], "gcr.io"), "DOCKER_AUTH_CONFIG, ~/docker, ~/podman, ~/old");
    assert_eq!(told(&["auth_file"], "gcr.io"), "~/auth_file, ~/docker");
    assert_eq!(told(&["podman"], "a.io"), "Unknown", "it has some: nothing was looked for in vain");

    let mut with = AskedAs::With(Arc::new(CredentialSource {
        origin: CredentialOrigin::Docker,
        place: "~/docker".into(),
        account: Account::IdentityToken,
    }));
    let before = with.clone();
    named(None, None).tell_where(&Host::parse("gcr.io").unwrap(), &mut with);
    assert_eq!(with, before);
}

#[test]
fn a_helper_that_was_asked_is_told_with_its_place() {
    let inline = Some(r#"{"credsStore":"desktop"}"#.into());
    let credentials = Credentials::new(CredentialSources { inline, ..CredentialSources::default() }, &BTreeMap::new());
    let mut asked_as = AskedAs::Unknown;
    credentials.tell_where(&Host::parse("a.io").unwrap(), &mut asked_as);
    let looked_in = vec!["DOCKER_AUTH_CONFIG (docker-credential-desktop)".to_owned()];
    assert_eq!(asked_as, AskedAs::Anonymous { looked_in });
}

#[tokio::test]
async fn no_secret_is_shown_by_debug() {
    let config = |entry: &str| Some(format!(r#"{{"auths":{{"a.io":{entry}}}}}"#).into());
    for entry in [
        r#"{"auth":"dTpnZWhlaW0="}"#,
        r#"{"username":"u","password":"geheim"}"#,
        r#"{"identitytoken":"geheim"}"#,
        r#"{"registrytoken":"geheim"}"#,
    ] {
        let sources = CredentialSources { inline: config(entry), ..CredentialSources::default() };
        let shown = format!("{sources:?}");
        let credentials = Credentials::new(sources, &BTreeMap::new());
        let credential = credentials.find(&Host::parse("a.io").unwrap(), "").await.unwrap().unwrap();
        let shown = format!("{shown} {credential:?} {}", credential.source);
        assert!(!shown.contains("geheim") && !shown.contains("dTpnZWhlaW0"), "{shown}");
    }
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
    assert_eq!(found(STORE, token, "a.io").await, "identity i from docker-credential-x (credsStore)");
}

#[tokio::test]
async fn a_helper_without_credentials_is_no_error() {
    let script = "echo 'credentials not found in native keychain'; exit 1";
    assert_eq!(found(STORE, script, "a.io").await, "none");
    assert_eq!(found(HELPER, script, "a.io").await, "u:p from FILE (user u)");
    for nothing in [r#"{"Username":"","Secret":"s"}"#, r#"{"Username":"u","Secret":""}"#, "{}"] {
        assert_eq!(found(STORE, &format!("echo '{nothing}'"), "a.io").await, "none", "{nothing}");
    }
}

#[tokio::test]
async fn behind_a_helper_without_credentials_the_next_place_is_looked_in() {
    let folder = folder(STORE, "echo 'credentials not found in native keychain'; exit 1");
    let next = folder.path().join("auth.json");
    std::fs::write(&next, entry_of("podman", "a.io")).unwrap();
    let sources = CredentialSources {
        docker: Some(folder.path().join("config.json")),
        podman: vec![next],
        search: format!("{}:/usr/bin:/bin", folder.path().display()).into(),
        home: Some(folder.path().to_owned()),
        ..CredentialSources::default()
    };
    assert_eq!(found_in(sources, "a.io").await, "podman:p from ~/auth.json (user podman)");
}

#[tokio::test]
async fn a_key_with_a_namespace_says_which_helper_is_asked_for_the_host() {
    let config = r#"{"credHelpers":{"a.io/team":"x","a.io/none":"","a.io":"y"},"credsStore":"y"}"#;
    let script = r#"read server; echo "{\"Username\":\"$server\",\"Secret\":\"s\"}""#;
    assert_eq!(found(config, script, "a.io/team/app").await, "a.io:s from docker-credential-x (credHelpers)");
    let absent = "docker-credential-y not found in PATH; required by FILE";
    assert_eq!(found(config, script, "a.io/other").await, absent);
    assert_eq!(found(config, script, "a.io/none").await, "none", "an empty name is no helper, not even the store");
}

#[tokio::test]
async fn a_helper_that_fails_is_named_with_the_file_that_names_it() {
    for (config, script, why) in [
        (STORE, "echo 'no \x1b[1mkeychain'; exit 1", "docker-credential-x failed: no [1mkeychain"),
        (STORE, "echo fine; echo 'no agent' >&2; exit 1", "docker-credential-x failed: fine"),
        (STORE, "echo 'trace' >&2; echo 'no agent' >&2; exit 1", "docker-credential-x failed: no agent"),
        (STORE, "head -c 200000 /dev/zero >&2; exit 1", "docker-credential-x failed without a message"),
        (STORE, "exit 3", "docker-credential-x failed without a message"),
        (STORE, "echo hello", "docker-credential-x printed no valid credentials"),
        (STORE, "head -c 70000 /dev/zero", "docker-credential-x printed more than 64 KiB"),
        (r#"{"credsStore":"absent"}"#, "", "docker-credential-absent not found in PATH"),
        (
            r#"{"credsStore":"../x"}"#,
            "",
            "docker-credential-../x is not a valid helper name: only letters, digits, - and _ are allowed",
        ),
    ] {
        assert_eq!(found(config, script, "a.io").await, format!("{why}; required by FILE"));
    }
}

#[tokio::test]
async fn a_helper_is_run_once_for_a_host() {
    let folder = folder(STORE, r#"echo x >> "$0.runs"; echo '{"Username":"u","Secret":"s"}'"#);
    let docker = Some(folder.path().join("config.json"));
    let sources = CredentialSources { docker, search: folder.path().into(), ..CredentialSources::default() };
    let credentials = Credentials::new(sources, &BTreeMap::new());
    let (host, paths) = (Host::parse("a.io").unwrap(), ["a", "b", "c/d", "c/e", ""]);
    let all = futures_util::future::join_all(paths.map(|path| credentials.find(&host, path))).await;
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
async fn a_helper_is_looked_for_in_absolute_folders_only() {
    let folder = folder(STORE, r#"echo '{"Username":"u","Secret":"s"}'"#);
    let docker = Some(folder.path().join("config.json"));
    let here = std::env::current_dir().unwrap();
    let up: String = here.components().skip(1).map(|_| "../").collect();
    let relative = format!("{up}{}", folder.path().strip_prefix("/").unwrap().display());
    assert!(Path::new(&relative).join("docker-credential-x").is_file());
    let sources = CredentialSources { docker, search: relative.into(), ..CredentialSources::default() };
    assert!(found_in(sources, "a.io").await.starts_with("docker-credential-x not found in PATH"));
}
