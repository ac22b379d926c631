//! Where credentials are looked up, which of them are used, and what is reported if there are none.

use std::path::PathBuf;

use serde_json::json;

use crate::support::any_registry::{AnyRegistry, Kind, on_each_registry};
use crate::support::context::{Context, Output};
use crate::support::images::{Dialect, Image};
use crate::support::registry::{Account, Auth, Authorization, Fault, Knobs, Registry, Then};

on_each_registry!(
    each_place_is_used_and_named,
    the_first_place_goes_before_all_behind_it,
    a_wrong_password_in_front_is_not_made_good_from_behind,
    where_nothing_is_found_the_places_are_named,
    the_registry_table_names_variables,
    the_most_specific_namespace_is_used,
);

const PASSWORD: &str = "s3cret-of-the-bot";

fn account() -> Account {
    Account::new("ci-bot", PASSWORD)
}

/// Starts a registry that requires login, with one image, and creates a project that is not logged in.
fn guarded(kind: Kind) -> (AnyRegistry, Context) {
    let registry = kind.start_for(account()).expect("it was installed a moment ago");
    let context = project(&registry);
    (registry, context)
}

/// Pushes an image to `registry`, and creates a project that makes a list of it.
fn project(registry: &AnyRegistry) -> Context {
    registry.push("acme/app", "v1-amd64", &Image::new(Dialect::Oci, "linux/amd64", "app"));
    let app = format!("{}/acme/app", registry.host());
    Context::with(&format!(
        r#"
            [list.app]
            platforms = ["linux/amd64"]
            source = "{app}:v1-{{arch}}"
            target = "{app}"
            tags = ["v1"]
        "#
    ))
}

/// A place that may have credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Inline,
    AuthFile,
    DockerFolder,
    DockerHome,
    Session,
    Settings,
    SettingsHome,
    Old,
}

use Place::{AuthFile, DockerFolder, DockerHome, Inline, Old, Session, Settings, SettingsHome};

impl Place {
    /// The lookup order. Of two paths for the same place, only one is included.
    const ORDER: [Self; 6] = [Inline, AuthFile, DockerHome, Session, SettingsHome, Old];

    /// Returns the file. `None` for a variable.
    fn path(self, context: &Context) -> Option<PathBuf> {
        Some(match self {
            Inline => return None,
            AuthFile => context.path("auth.json"),
            DockerFolder => context.docker_config().join("config.json"),
            DockerHome => context.home().join(".docker/config.json"),
            Session => context.session().join("containers/auth.json"),
            Settings => context.path("settings/containers/auth.json"),
            SettingsHome => context.home().join(".config/containers/auth.json"),
            Old => context.home().join(".dockercfg"),
        })
    }

    /// Returns the name that mlist uses for it.
    fn name(self, context: &Context) -> String {
        match self {
            Inline => "DOCKER_AUTH_CONFIG".to_owned(),
            DockerHome => "~/.docker/config.json".to_owned(),
            SettingsHome => "~/.config/containers/auth.json".to_owned(),
            Old => "~/.dockercfg".to_owned(),
            AuthFile => "auth.json".to_owned(),
            DockerFolder | Session | Settings => self.path(context).expect("a file").display().to_string(),
        }
    }

    /// Writes `text` to this place, and sets or unsets the variable that makes mlist use it.
    fn write(self, context: &mut Context, text: &str) {
        if let Some(path) = self.path(context) {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        match self {
            Inline => context.set("DOCKER_AUTH_CONFIG", text),
            AuthFile => context.set("REGISTRY_AUTH_FILE", "auth.json"),
            Settings => context.set_settings("settings"),
            DockerHome => context.unset("DOCKER_CONFIG"),
            DockerFolder | Session | SettingsHome | Old => {}
        }
    }

    /// Adds credentials to this place.
    fn log_in(self, context: &mut Context, host: &str, account: &Account) {
        let entry = json!({ host: { "auth": account.encoded() } });
        self.write(context, &if self == Old { entry } else { json!({ "auths": entry }) }.to_string());
    }
}

fn each_place_is_used_and_named(kind: Kind) {
    let registry = kind.start_for(account()).expect("it was installed a moment ago");
    for place in [Inline, AuthFile, DockerFolder, DockerHome, Session, Settings, SettingsHome, Old] {
        let mut context = project(&registry);
        place.log_in(&mut context, &registry.host(), &account());
        let output = context.mlist("sync -v").exits(0);
        let told = format!("; credentials from {} (user ci-bot)", place.name(&context));
        assert!(output.stderr.contains(&told), "{place:?}: {output}");
    }
    assert!(registry.list("acme/app", "v1").is_some());
}

fn the_first_place_goes_before_all_behind_it(kind: Kind) {
    let registry = kind.start_for(account()).expect("it was installed a moment ago");
    for (first, place) in Place::ORDER.into_iter().enumerate() {
        let mut context = project(&registry);
        for other in Place::ORDER.into_iter().skip(first + 1) {
            other.log_in(&mut context, &registry.host(), &Account::new("other", "wrong"));
        }
        place.log_in(&mut context, &registry.host(), &account());
        context.mlist("plan").exits(0);
    }
}

fn a_wrong_password_in_front_is_not_made_good_from_behind(kind: Kind) {
    let (registry, mut context) = guarded(kind);
    DockerHome.log_in(&mut context, &registry.host(), &account());
    Inline.log_in(&mut context, &registry.host(), &Account::new("old-bot", "guessed-in-vain"));
    let output = context.mlist("sync").exits(1);
    assert!(output.stderr.contains("rejected: credentials from DOCKER_AUTH_CONFIG (user old-bot)"), "{output}");
    assert!(output.stderr.contains("help: correct DOCKER_AUTH_CONFIG: it takes precedence"), "{output}");
}

fn where_nothing_is_found_the_places_are_named(kind: Kind) {
    let (registry, mut context) = guarded(kind);
    let host = registry.host();
    context.unset("DOCKER_CONFIG");
    let says = |context: &Context, places: &str| {
        let output = context.mlist("plan").exits(1);
        let cause = format!("no credentials for {host} in {places}\n");
        assert!(output.stderr.contains(&cause), "{places}: {output}");
        let keys = format!(r#"`username-env` and `password-env` in [registry."{host}"]"#);
        assert!(output.stderr.contains(&format!("help: run docker login {host}, or set {keys}\n")), "{output}");
        assert_eq!(output.stderr.matches("× unauthorized: ").count(), 1, "told once: {output}");
        let causes = context.mlist("plan --format json").exits(1).json()["lists"][0]["problems"][0]["causes"].clone();
        assert_eq!(causes[1], cause.trim_end(), "{causes}");
        assert!(causes[0].as_str().is_some_and(|answer| answer.starts_with("401 ")), "{causes}");
    };
    says(&context, "~/.docker/config.json");
    Inline.log_in(&mut context, "elsewhere.example", &account());
    SettingsHome.log_in(&mut context, "elsewhere.example", &account());
    says(&context, "DOCKER_AUTH_CONFIG, ~/.docker/config.json, ~/.config/containers/auth.json");
    // If `REGISTRY_AUTH_FILE` names a file, Podman's files are not used at all.
    AuthFile.log_in(&mut context, "elsewhere.example", &account());
    says(&context, "DOCKER_AUTH_CONFIG, auth.json, ~/.docker/config.json");
    let asks = r#"{"credsStore":"rig"}"#;
    DockerHome.write(&mut context, asks);
    context.helper("rig", "#!/bin/sh\necho 'credentials not found in native keychain'\nexit 1\n");
    says(&context, "DOCKER_AUTH_CONFIG, auth.json, ~/.docker/config.json (docker-credential-rig)");
}

fn the_most_specific_namespace_is_used(kind: Kind) {
    let (registry, mut context) = guarded(kind);
    let host = registry.host();
    let entry = |account: &Account| json!({ "auth": account.encoded() });
    let (right, wrong) = (entry(&account()), entry(&Account::new("other", "wrong")));
    for (keys, status) in [
        (json!({ &host: &wrong, format!("{host}/acme"): &right }), 0),
        (json!({ &host: &wrong, format!("{host}/acme"): &wrong, format!("{host}/acme/app"): &right }), 0),
        (json!({ &host: &right, format!("{host}/acm"): &wrong, format!("{host}/acme"): {} }), 0),
        (json!({ &host: &right, format!("{host}/acme"): &wrong }), 1),
        (json!({ format!("{host}/other"): &right }), 1),
    ] {
        Session.write(&mut context, &json!({ "auths": &keys }).to_string());
        let output = context.mlist("plan -v").exits(status);
        let told = format!("; credentials from {} (user ci-bot)", Session.name(&context));
        assert_eq!(output.stderr.contains(&told), status == 0, "{keys}: {output}");
    }
}

fn the_registry_table_names_variables(kind: Kind) {
    let (registry, mut context) = guarded(kind);
    let host = registry.host();
    let list = std::fs::read_to_string(context.path("manifests.toml")).expect("a manifest");
    context.manifest(&format!(
        r#"
            [registry."{host}"]
            username-env = "APP_USER"
            password-env = "APP_PASSWORD"

            {list}"#
    ));
    Inline.log_in(&mut context, &host, &Account::new("other", "wrong"));
    context.set("APP_USER", "ci-bot");
    let output = context.mlist("sync").exits(1);
    for line in [
        "  × environment variable APP_PASSWORD is not set".to_owned(),
        format!(r#"required by `password-env` in [registry."{host}"]"#),
        format!("help: set APP_PASSWORD, or remove `username-env` and `password-env` and log in: docker login {host}"),
    ] {
        assert!(output.stderr.contains(&format!("{line}\n")), "{line}: {output}");
    }
    context.set("APP_PASSWORD", "");
    let output = context.mlist("sync").exits(1);
    assert!(output.stderr.contains("  × environment variable APP_PASSWORD is empty\n"), "{output}");
    context.set("APP_PASSWORD", PASSWORD);
    let output = context.mlist("sync -vv").exits(0);
    let told = format!(r#"; credentials from APP_USER, APP_PASSWORD ([registry."{host}"])"#);
    assert!(output.stderr.contains(&told), "{output}");
    assert!(!output.stderr.contains(PASSWORD) && !output.stderr.contains(&account().encoded()), "{output}");
    context.set("APP_PASSWORD", "guessed-in-vain");
    let output = context.mlist("plan").exits(1);
    let help = format!("help: correct the values of APP_USER, APP_PASSWORD ([registry.\"{host}\"])\n");
    assert!(output.stderr.contains(&help), "{output}");
    assert!(!output.stderr.contains("guessed-in-vain"), "{output}");
}

/// Starts a registry of this process that requires login, and creates a project that is not logged in.
fn in_process() -> (AnyRegistry, Context) {
    guarded(Kind::InProcess)
}

#[test]
fn a_malformed_place_is_named_unless_one_before_it_has_the_answer() {
    let (registry, mut context) = in_process();
    let broken = format!("{{\"auths\":{{\"{}\":{{\"auth\":\"{PASSWORD}", registry.host());
    for place in [Old, SettingsHome, Session, DockerHome, AuthFile, Inline] {
        place.write(&mut context, &broken);
        let output = context.mlist("plan -vv").exits(1);
        let told = format!("× {} is not valid: invalid JSON, line 1 column ", place.name(&context));
        assert!(output.stderr.contains(&told), "{place:?}: {output}");
        assert!(!output.stderr.contains(PASSWORD), "{output}");
    }
    Inline.log_in(&mut context, &registry.host(), &account());
    context.mlist("plan").exits(0);
}

#[test]
fn what_is_no_readable_file_is_told_and_not_waited_for() {
    let (registry, context) = in_process();
    let config = context.docker_config().join("config.json");
    let told = |why: &str| {
        let output = context.mlist("plan").exits(1);
        assert!(output.stderr.contains(&format!("× {} {why}\n", config.display())), "{output}");
        assert!(output.stderr.contains(&format!("required for {}\n", registry.host())), "{output}");
    };
    std::fs::create_dir(&config).expect("a folder");
    told("is a directory");
    std::fs::remove_dir(&config).expect("it is empty");
    let made = std::process::Command::new("mkfifo").arg(&config).status().expect("mkfifo is installed");
    assert!(made.success());
    told("is not a regular file");
    std::fs::remove_file(&config).expect("it is there");
    std::fs::write(&config, " ".repeat((1 << 20) + 1)).expect("a file");
    told("is larger than 1 MiB");
}

#[test]
fn a_token_that_was_kept_is_sent_as_it_is() {
    let knobs = Knobs { auth: Auth::Bearer(account()), ..Knobs::default() };
    let registry = AnyRegistry::InProcess(Registry::start(knobs));
    let mut context = project(&registry);
    let token = Registry::insider().strip_prefix("Bearer ").expect("a token").to_owned();
    let config = json!({ "auths": { registry.host(): { "registrytoken": token } } });
    DockerHome.write(&mut context, &config.to_string());
    let (output, log) = registry.watch(|| context.mlist("sync -v"));
    let output = output.exits(0);
    assert!(output.stderr.contains("; credentials from ~/.docker/config.json (registry token)"), "{output}");
    assert_eq!(log.tokens().len(), 0, "no token server is asked: {log}");
}

#[test]
fn a_file_that_nobody_needs_is_not_even_read() {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    let mut context = project(&registry);
    DockerHome.write(&mut context, "{");
    context.mlist("sync").exits(0);
}

#[test]
fn a_helper_that_is_not_installed_is_told_with_what_can_be_done() {
    let (registry, mut context) = in_process();
    let host = registry.host();
    DockerHome.write(&mut context, &json!({ "credHelpers": { &host: "ecr-login" } }).to_string());
    let output = context.mlist("sync").exits(1);
    for line in [
        "mlist::registry::credentials".to_owned(),
        "  × docker-credential-ecr-login not found in PATH".to_owned(),
        format!("~/.docker/config.json requires it for {host}"),
        format!(
            r#"help: install docker-credential-ecr-login, or set `username-env` and `password-env` in [registry."{host}"]"#
        ),
    ] {
        assert!(output.stderr.contains(&format!("{line}\n")), "{line}: {output}");
    }
}

#[test]
fn what_a_failed_helper_says_is_told_on_one_line() {
    let (registry, mut context) = in_process();
    DockerHome.write(&mut context, r#"{"credsStore":"rig"}"#);
    context.helper("rig", "#!/bin/sh\necho warming up >&2\nprintf '::error::no \\033[1magent\\n' >&2\nexit 1\n");
    let output = context.mlist("sync").exits(1);
    assert!(output.stderr.contains("  × docker-credential-rig failed: ::error::no [1magent\n"), "{output}");
    assert!(
        output.stderr.contains(&format!("~/.docker/config.json requires it for {}\n", registry.host())),
        "{output}"
    );
}

#[test]
fn who_may_not_push_is_named() {
    let (registry, mut context) = in_process();
    DockerHome.log_in(&mut context, &registry.host(), &account());
    let AnyRegistry::InProcess(inner) = &registry else { unreachable!("it was made above") };
    let fault = Fault { method: "PUT", path: "/acme/app/manifests/v1", times: 100, then: Then::Status(403) };
    inner.knobs().fault(fault);
    let output = context.mlist("sync").exits(1);
    let host = registry.host();
    for line in [
        format!("  × permission denied: user ci-bot cannot push acme/app:v1 to {host}"),
        "credentials from ~/.docker/config.json".to_owned(),
        "help: give user ci-bot permission to push acme/app:v1, or log in with an account that has this permission"
            .to_owned(),
    ] {
        assert!(output.stderr.contains(&format!("{line}\n")), "{line}: {output}");
    }
}

#[test]
fn credentials_of_one_registry_go_to_no_other() {
    let (registry, mut context) = in_process();
    let open = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    let (from, to) = (registry.host(), open.host());
    context.manifest(&format!(
        r#"
            [list.app]
            platforms = ["linux/amd64"]
            source = "{from}/acme/app:v1-{{arch}}"
            target = "{to}/acme/app"
            tags = ["v1"]
        "#
    ));
    let auth = account().encoded();
    DockerHome.write(&mut context, &json!({ "auths": { from: { "auth": auth }, to: { "auth": auth } } }).to_string());
    let (output, log) = open.watch(|| context.mlist("sync"));
    output.exits(0);
    assert!(log.len() > 0);
    // There are credentials for this registry, but it does not require login: they are not sent.
    let with = log.filter(|exchange| exchange.authorization != Authorization::None);
    assert_eq!(with.len(), 0, "{with}");
}

/// Runs `mlist sync` with maximum verbosity, and checks that its output and its report contain neither the password nor
/// its base64 form.
#[track_caller]
fn assert_kept(context: &Context, account: &Account) -> Output {
    let output = context.mlist("sync -vv --format human --format json=report.json");
    let json = std::fs::read_to_string(context.path("report.json")).expect("a report");
    for text in [&output.stdout, &output.stderr, &json] {
        assert!(!text.contains(&account.password) && !text.contains(&account.encoded()), "{output}\n{json}");
    }
    output
}

#[test]
fn no_secret_is_shown_wherever_it_comes_from() {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs { auth: Auth::Basic(account()), ..Knobs::default() }));
    for account in [account(), Account::new("ci-bot", "an0ther-s3cret")] {
        let status = i32::from(account != self::account());
        for place in Place::ORDER {
            let mut context = project(&registry);
            place.log_in(&mut context, &registry.host(), &account);
            assert_kept(&context, &account).exits(status);
        }
        let context = project(&registry);
        context.log_in_by_helper(&registry.host(), &account);
        assert_kept(&context, &account).exits(status);
    }
    for entry in ["identitytoken", "registrytoken", "auth", "password"].map(|key| json!({ key: PASSWORD })) {
        let mut context = project(&registry);
        let config = json!({ "auths": { registry.host(): entry } });
        DockerHome.write(&mut context, &config.to_string());
        assert_ne!(assert_kept(&context, &account()).status, 0, "{config}");
    }
}

#[test]
fn a_secret_that_a_failed_helper_prints_is_not_shown() {
    let (_registry, mut context) = in_process();
    DockerHome.write(&mut context, r#"{"credsStore":"rig"}"#);
    for script in [
        format!(r#"echo '{{"Username":"ci-bot","Secret":"{PASSWORD}"}}'; exit 1"#),
        format!(r#"echo '{{"Username":"ci-bot","Secret":"{PASSWORD}"'"#),
        format!("echo 'password is {PASSWORD}' >&2; exit 1"),
        format!("echo 'Authorization: Basic {}' >&2; exit 1", account().encoded()),
    ] {
        context.helper("rig", &format!("#!/bin/sh\n{script}\n"));
        let output = assert_kept(&context, &account()).exits(1);
        assert!(output.stderr.contains("× docker-credential-rig "), "{script}: {output}");
    }
}
