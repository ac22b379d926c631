//! `[registry."HOST"]` with the whole program: the settings of the file are used to connect to the host.

use crate::support::any_registry::{AnyRegistry, Kind, on_each_registry};
use crate::support::context::Context;
use crate::support::images::{Dialect, Image};

on_each_registry!(
    a_registry_that_speaks_plain_http_is_published_to_where_that_is_said,
    where_tls_is_asked_for_nothing_is_sent_without_it,
);

/// Starts a registry with one image, and creates a project that makes a list of it.
fn with_settings(kind: Kind, settings: &str) -> (AnyRegistry, Context) {
    let registry = kind.start().expect("it was installed a moment ago");
    registry.push("acme/app-amd64", "v1", &Image::new(Dialect::Oci, "linux/amd64", "app"));
    let host = registry.plain_host();
    let manifest = format!(
        r#"
            [registry."{host}"]
            {settings}

            [list.app]
            platforms = ["linux/amd64"]
            source = "{host}/acme/{{name}}-{{arch}}:v1"
            target = "{host}/acme/{{name}}"
            tags = ["v1"]
        "#
    );
    let context = registry.project(&manifest);
    (registry, context)
}

fn a_registry_that_speaks_plain_http_is_published_to_where_that_is_said(kind: Kind) {
    let settings = r#"
        http = true
        concurrency = 2
        rate = "1000/s"
    "#;
    let (registry, context) = with_settings(kind, settings);
    context.mlist("sync").exits(0);
    assert_eq!(registry.list("acme/app", "v1").map(|list| list.len()), Some(1));
}

fn where_tls_is_asked_for_nothing_is_sent_without_it(kind: Kind) {
    for settings in ["insecure = true", "http = false"] {
        let (registry, context) = with_settings(kind, settings);
        let (output, log) = registry.watch(|| context.mlist("sync --format json"));
        let output = output.exits(1);
        assert_eq!(log.len(), 0, "{settings}: {log}");
        assert_eq!(output.json()["problems"][0]["code"], "mlist::registry::tls", "{output}");
        assert!(output.stderr.contains("does not use TLS"), "{output}");
    }
}

#[test]
fn what_a_registry_is_logged_in_to_with_is_in_no_name() {
    let context = Context::with(
        r#"
            [registry."registry.example"]
            username-env = "USER"
            password-env = "HOME"

            [vars]
            home = { env = "HOME" }

            [list.app]
            platforms = ["linux/amd64"]
            source = "127.0.0.1:9/app:{home|tag}"
            target = "127.0.0.1:9/app"
            tags = ["v1"]
        "#,
    );
    let secret = context.environment()["HOME"].to_str().expect("a path").to_owned();
    for command in ["check", "plan", "sync -vv", "plan --format json"] {
        let output = context.mlist(command).exits(2);
        let said = format!("{output}");
        assert!(said.contains("secret_variable") && said.contains("variable `home` cannot read `HOME`"), "{said}");
        assert!(!said.contains(&secret) && !said.contains(&secret.replace('/', "-")), "{said}");
    }
}
