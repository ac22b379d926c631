//! Puts a secret in every place where credentials are looked up. Then searches for it in all output of mlist, and in
//! all requests to hosts that it is not for.

use serde_json::json;

use crate::support::any_registry::AnyRegistry;
use crate::support::context::Context;
use crate::support::images::{Dialect, Image};
use crate::support::registry::{Account, Auth, Fault, Knobs, Registry, Then};

const USER: &str = "ci-bot";
const PASSWORD: &str = "s3cret-of-the-bot";

/// The place of the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    /// `auth` in Docker's config file.
    Auth,
    /// `username` and `password` in Docker's config file.
    Fields,
    /// `identitytoken` in Docker's config file.
    Identity,
    /// `registrytoken` in Docker's config file.
    Bearer,
    /// The output of a credential helper.
    Helper,
    /// `DOCKER_AUTH_CONFIG`.
    Inline,
    /// The file that `REGISTRY_AUTH_FILE` names.
    AuthFile,
    /// Podman's own file.
    Podman,
    /// The file that Docker used before it had a config folder.
    Old,
    /// The variable that `password-env` names.
    Named,
}

const PLACES: [Put; 10] = [
    Put::Auth,
    Put::Fields,
    Put::Identity,
    Put::Bearer,
    Put::Helper,
    Put::Inline,
    Put::AuthFile,
    Put::Podman,
    Put::Old,
    Put::Named,
];

/// A registry that requires login, another one that does not and has one of the images, and a project.
struct World {
    guarded: Registry,
    stranger: Registry,
    context: Context,
}

impl World {
    fn new(auth: fn(Account) -> Auth) -> Self {
        let (guarded, stranger) = (Registry::start(Knobs::default()), Registry::start(Knobs::default()));
        let (guarded, stranger) = (AnyRegistry::InProcess(guarded), AnyRegistry::InProcess(stranger));
        guarded.push("acme/app-amd64", "v1", &Image::new(Dialect::Oci, "linux/amd64", "app"));
        stranger.push("else/app-arm64", "v1", &Image::new(Dialect::Oci, "linux/arm64", "app"));
        let (AnyRegistry::InProcess(guarded), AnyRegistry::InProcess(stranger)) = (guarded, stranger) else {
            unreachable!("both were made here")
        };
        guarded.knobs().auth = auth(Account::new(USER, PASSWORD));
        let context = Context::new();
        context.manifest(&manifest(&guarded.host(), &stranger.host(), ""));
        Self { guarded, stranger, context }
    }

    /// Puts `secret` in the place `put`, for the registry that requires login.
    fn put(&mut self, put: Put, secret: &str) {
        let host = self.guarded.host();
        let encoded = Account::new(USER, secret).encoded();
        let auth = json!({ "auths": { &host: { "auth": encoded } } }).to_string();
        let docker = self.context.docker_config().join("config.json");
        let entry = |entry: serde_json::Value| json!({ "auths": { &host: entry } }).to_string();
        let home = self.context.home();
        match put {
            Put::Auth => write(&docker, &auth),
            Put::Fields => write(&docker, &entry(json!({ "username": USER, "password": secret }))),
            Put::Identity => write(&docker, &entry(json!({ "identitytoken": secret }))),
            Put::Bearer => write(&docker, &entry(json!({ "registrytoken": secret }))),
            Put::Helper => self.context.log_in_by_helper(&host, &Account::new(USER, secret)),
            Put::Inline => self.context.set("DOCKER_AUTH_CONFIG", &auth),
            Put::AuthFile => {
                let path = self.context.path("elsewhere.json");
                write(&path, &auth);
                self.context.set("REGISTRY_AUTH_FILE", path.to_str().expect("a path of letters"));
            }
            Put::Podman => write(&home.join(".config/containers/auth.json"), &auth),
            Put::Old => write(&home.join(".dockercfg"), &json!({ &host: { "auth": encoded } }).to_string()),
            Put::Named => {
                self.context.set("RIG_USER", USER);
                self.context.set("RIG_PASSWORD", secret);
                let named = format!(
                    r#"
                        [registry."{host}"]
                        username-env = "RIG_USER"
                        password-env = "RIG_PASSWORD"
                    "#
                );
                self.context.manifest(&manifest(&host, &self.stranger.host(), &named));
            }
        }
    }

    /// Runs all commands that could leak the secret, and searches for it.
    #[track_caller]
    fn assert_nobody_hears(&self, secret: &str, what: &str) -> Vec<i32> {
        let spelled = [secret.to_owned(), Account::new(USER, secret).encoded()];
        let commands = [
            "check",
            "plan -vv --format human --format json=plan.json",
            "sync -vv --format human --format json=report.json",
            "plan --no-trunc -v",
        ];
        let mut statuses = Vec::new();
        for command in commands {
            let output = self.context.mlist(command);
            let files = ["plan.json", "report.json"].map(|file| std::fs::read_to_string(self.context.path(file)));
            let said = [output.stdout.clone(), output.stderr.clone()].into_iter().chain(files.into_iter().flatten());
            for said in said {
                assert!(!spelled.iter().any(|secret| said.contains(secret)), "{what}: {output}");
            }
            statuses.push(output.status);
        }
        let heard = |log: crate::support::registry::Log| {
            log.iter().any(|exchange| spelled.iter().any(|secret| exchange.says(secret)))
        };
        assert!(!heard(self.stranger.log()), "{what}: another registry heard it: {}", self.stranger.log());
        for registry in [&self.guarded, &self.stranger] {
            assert!(!heard(registry.storage_log()), "{what}: a storage heard it");
        }
        statuses
    }
}

fn manifest(guarded: &str, stranger: &str, more: &str) -> String {
    format!(
        r#"
            [list.app]
            target = "{guarded}/acme/app"
            tags = ["v1"]
            [list.app.platforms]
            amd64 = {{ platform = "linux/amd64", source = "{guarded}/acme/app-amd64:v1" }}
            arm64 = {{ platform = "linux/arm64", source = "{stranger}/else/app-arm64:v1" }}
            {more}"#
    )
}

fn write(path: &std::path::Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

#[test]
fn a_secret_that_is_accepted_is_said_to_nobody_else() {
    for put in PLACES {
        let bearer_only = matches!(put, Put::Identity | Put::Bearer);
        for auth in [Auth::Basic, Auth::Bearer].into_iter().skip(usize::from(bearer_only)) {
            let mut world = World::new(auth);
            world.put(put, PASSWORD);
            let statuses = world.assert_nobody_hears(PASSWORD, &format!("{put:?}"));
            if !bearer_only {
                assert_eq!(statuses, [0; 4], "{put:?}: it lets mlist in");
                assert!(world.guarded.store().manifest("acme/app", "v1").is_some(), "{put:?}");
            }
        }
    }
}

#[test]
fn a_secret_that_is_refused_is_said_to_nobody_else() {
    const WRONG: &str = "wr0ng-and-still-a-secret";
    for put in PLACES {
        for auth in [Auth::Basic, Auth::Bearer] {
            let mut world = World::new(auth);
            world.put(put, WRONG);
            let statuses = world.assert_nobody_hears(WRONG, &format!("{put:?}"));
            assert_eq!(statuses[2], 1, "{put:?}: it does not let mlist in");
        }
    }
}

#[test]
fn a_secret_is_said_to_nobody_however_the_registry_fails() {
    let failing = [Then::Status(500), Then::Status(403), Then::Cut, Then::Flipped, Then::AnswerLost];
    for put in [Put::Auth, Put::Helper, Put::Named] {
        for then in failing {
            let mut world = World::new(Auth::Bearer);
            world.put(put, PASSWORD);
            world.guarded.knobs().fault(Fault { method: "PUT", path: "/manifests/", times: 2, then });
            world.assert_nobody_hears(PASSWORD, &format!("{put:?}, {then:?}"));
        }
    }
}

#[test]
fn a_secret_that_the_registry_repeats_is_not_shown() {
    let identity = Account::new(USER, PASSWORD).identity();
    for put in [Put::Auth, Put::Identity, Put::Bearer] {
        for (method, path) in [("HEAD", "/manifests/"), ("GET", "/token"), ("POST", "/token"), ("PUT", "/manifests/")] {
            for status in [400, 401, 403] {
                let auth = if put == Put::Auth && path != "/token" { Auth::Basic } else { Auth::Bearer };
                let mut world = World::new(auth);
                world.put(put, if put == Put::Identity { &identity } else { PASSWORD });
                let fault = Fault { method, path, times: usize::MAX, then: Then::Echo(status) };
                world.guarded.knobs().fault(fault);
                world.assert_nobody_hears(PASSWORD, &format!("{put:?}, {method} {path} {status}"));
            }
        }
    }
}

#[test]
fn a_password_in_a_host_or_reference_is_not_shown_with_its_line() {
    let context = Context::with(
        r#"
        [registry."https://bot:hunter2@ghcr.io"]
        rate = "1/s"

        [list.app]
        platforms = ["linux/amd64"]
        source = "bot:hunter2@ghcr.io/acme/app:v1"
        target = { repository = "bot:hunter2@ghcr.io/acme/app", tags = ["v1"] } # hunter2@x
        "#,
    );
    let output = context.mlist("check --format human --format human=frames --format json=report").exits(2);
    let file = |name: &str| std::fs::read_to_string(context.path(name)).unwrap();
    let (frames, json) = (file("frames"), file("report"));
    for shown in [&output.stdout, &output.stderr, &frames, &json] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    for line in [
        r#"[registry."https://***********@ghcr.io"]"#,
        r#"source = "***********@ghcr.io/acme/app:v1""#,
        r#"repository = "***********@ghcr.io/acme/app", tags"#,
    ] {
        assert!(frames.contains(line) && output.to_string().contains(line), "{output}");
    }
}
