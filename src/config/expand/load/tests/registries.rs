//! `[registry."HOST"]`: the resulting settings, and their problems.

use std::path::Path;

use super::*;
use crate::config::model::{ClientFiles, LoginNames, Per, Placed, Rate, RegistrySettings, Security};

/// The registries of a file that contains nothing else but a list. There must be no problem.
fn registries(text: &str) -> Vec<RegistrySettings> {
    let loaded = Machine::default().load(&behind(text));
    assert_eq!(loaded.problems, [], "{text}");
    loaded.registries
}

fn behind(text: &str) -> String {
    format!("{text}\n{}", with_defaults("[list.a]\n"))
}

fn slugs(text: &str) -> Vec<&'static str> {
    Machine::default().slugs(&behind(text))
}

/// The first problem: its message, the text of its first label, and its help.
fn told(text: &str) -> (String, String, String) {
    let problem = Machine::default().load(&behind(text)).problems.swap_remove(0);
    let label = problem.labels.first().map(|label| label.text.clone()).unwrap_or_default();
    (problem.message, label, problem.help.unwrap_or_default())
}

/// The table of one registry.
fn settings(keys: &str) -> String {
    format!(
        r#"
            [registry."r.io"]
            {keys}
        "#
    )
}

fn security(keys: &str) -> Security {
    registries(&settings(keys))[0].security
}

#[test]
fn hosts_are_known_in_their_canonical_form_in_the_order_of_the_file() {
    let text = r#"
        [registry]
        "Quay.IO" = {}
        "registry-1.docker.io" = {}
        localhost = {}
        "[0:0::1]:5000" = {}
        "app:5000" = {}
    "#;
    let hosts: Vec<String> = registries(text).iter().map(|settings| settings.host.to_string()).collect();
    assert_eq!(hosts, ["quay.io", "docker.io", "localhost", "[::1]:5000", "app:5000"]);
}

#[test]
fn http_and_insecure_say_how_safe_the_way_is() {
    assert_eq!(security(""), Security::Usual);
    assert_eq!(security("http = true"), Security::Plain);
    assert_eq!(security("http = false"), Security::Tls);
    assert_eq!(security("insecure = true"), Security::Unverified);
    assert_eq!(security("insecure = false"), Security::Usual);
    assert_eq!(security("http = false\ninsecure = true"), Security::Unverified);
    assert_eq!(security("http = true\ninsecure = false"), Security::Plain);
}

#[test]
fn files_are_beside_the_file_that_names_them_and_each_value_knows_its_place() {
    let text = behind(
        r#"
            [registry."r.io"]
            ca = "ca.pem"
            client-cert = "../c.pem"
            client-key = "/k.pem"
            username-env = "U"
            password-env = "P"
        "#,
    );
    let mut machine = Machine { file: Some("deploy/manifests.toml"), ..Machine::default() };
    let settings = machine.load(&text).registries.remove(0);
    let path = |file: &Placed<std::path::PathBuf>| (file.value.clone(), text[file.span.range.clone()].to_owned());
    assert_eq!(path(settings.ca.as_ref().unwrap()), ("deploy/ca.pem".into(), "ca.pem".into()));
    let ClientFiles { certificate, key } = settings.client.unwrap();
    assert_eq!(path(&certificate), ("deploy/../c.pem".into(), "../c.pem".into()));
    assert_eq!(path(&key).0, Path::new("/k.pem"));
    let LoginNames { user, password } = settings.login.unwrap();
    assert_eq!((user.value.as_str(), password.value.as_str()), ("U", "P"));
    assert_eq!(&text[settings.span.range], r#""r.io""#);
}

#[test]
fn nothing_in_it_is_a_template() {
    let settings = &registries(
        r#"
            [registry."r.io"]
            ca = "{name}/{{x}.pem"
        "#,
    )[0];
    assert_eq!(settings.ca.as_ref().unwrap().value, Path::new("{name}/{{x}.pem"));
}

#[test]
fn limits_are_read_as_they_are_written() {
    let settings = |keys: &str| registries(&settings(keys)).remove(0);
    for (written, count) in [("1", 1), ("1_000", 1000), ("0x10", 16), ("+8", 8)] {
        assert_eq!(
            settings(&format!("concurrency = {written}")).concurrency.map(usize::from),
            Some(count),
            "{written}"
        );
    }
    for (written, requests, per) in
        [("5/s", 5, Per::Second), ("100/min", 100, Per::Minute), ("4294967295/h", u32::MAX, Per::Hour)]
    {
        let rate = Rate { requests: requests.try_into().unwrap(), per };
        assert_eq!(settings(&format!(r#"rate = "{written}""#)).rate, Some(rate), "{written}");
    }
}

#[test]
fn a_rate_that_is_none_is_told_with_the_right_one() {
    for (written, right) in [
        ("10/sec", r#"write `"10/s"`"#),
        ("10 / s", r#"write `"10/s"`"#),
        ("010/minute", r#"write `"10/min"`"#),
        ("5/m", r#"write `"5/min"`"#),
        ("5/H", r#"write `"5/h"`"#),
        ("0/s", ""),
        ("-1/s", ""),
        ("1.5/s", ""),
        ("5", ""),
        ("5/day", ""),
        ("", ""),
        ("4294967296/s", ""),
        ("99999999999999999999/sec", ""),
    ] {
        let text = format!(
            r#"
                [registry."r.io"]
                rate = "{written}"
            "#
        );
        assert_eq!(slugs(&text), ["type"], "{written}");
        assert_eq!(told(&text).1, right, "{written}");
    }
}

#[test]
fn a_count_is_an_integer_above_zero() {
    for (written, message, label) in [
        ("0", "expected an integer greater than 0 for `concurrency`, found 0", ""),
        ("-3", "expected an integer greater than 0 for `concurrency`, found -3", ""),
        (
            "99999999999999999999",
            "expected an integer greater than 0 for `concurrency`, found 99999999999999999999",
            "",
        ),
        (r#""16""#, "expected an integer greater than 0 for `concurrency`, found a string", "write `16`"),
        ("16.0", "expected an integer greater than 0 for `concurrency`, found 16.0", "write `16`"),
        ("true", "expected an integer greater than 0 for `concurrency`, found true", ""),
        ("[16]", "expected an integer greater than 0 for `concurrency`, found an array", ""),
    ] {
        let told = told(&format!(
            r#"
                [registry."r.io"]
                concurrency = {written}
            "#
        ));
        assert_eq!((told.0.as_str(), told.1.as_str()), (message, label), "{written}");
    }
}

#[test]
fn what_is_no_host_is_told_with_the_host_that_was_meant() {
    for (written, right) in [
        ("https://quay.io/org", r#"write `"quay.io"`"#),
        ("quay.io/", r#"write `"quay.io"`"#),
        ("http://registry.corp:5000/v2/?x", r#"write `"registry.corp:5000"`"#),
        ("bot@quay.io", r#"write `"quay.io"`"#),
        (" quay.io ", r#"write `"quay.io"`"#),
        ("::1", r#"write `"[::1]"`"#),
        ("quay", ""),
        ("LOCALHOST", ""),
        ("*.corp.example", ""),
        ("quay.io:99999", ""),
        ("", ""),
    ] {
        let text = format!(
            r#"
                [registry."{written}"]
                http = true
            "#
        );
        assert_eq!(slugs(&text), ["bad_name"], "{written}");
        assert_eq!(told(&text).1, right, "{written}");
    }
    assert_eq!(told(r#"[registry."https://bot:hunter2@quay.io"]"#).0, "`…@quay.io` is not a valid registry host");
    let text = r#"
        [registry]
        "bot:hunter2@quay.io" = 1
    "#;
    assert_eq!(told(text).0, "expected a table for `…@quay.io`, found an integer");
}

#[test]
fn a_dot_without_quotes_is_told_as_what_it_is() {
    for (written, whole) in [
        (["[registry.quay.io]", "http = true"], "quay.io"),
        (["[registry.quay.io]", ""], "quay.io"),
        (["[registry.a.b.example.ca]", r#"rate = "5/s""#], "a.b.example.ca"),
        (["[registry.registry.ca]", "http = true"], "registry.ca"),
        (["[registry]", "quay.io.http = true"], "quay.io"),
    ] {
        let written = written.join("\n");
        assert_eq!(slugs(&written), ["type"], "{written}");
        assert!(told(&written).2.ends_with(&format!(r#"quote it: [registry."{whole}"]"#)), "{written}");
    }
    // A quoted host is complete, so the next key is not part of its name.
    let quoted = r#"
        [registry."quay.io".ca]
        x = 1
    "#;
    assert_eq!(slugs(quoted), ["type"]);
    assert_eq!(told(quoted).0, "expected a string for `ca`, found a table");
    assert_eq!(slugs(r#"[registry."quay.io".extra]"#), ["unknown_key"]);
}

#[test]
fn one_slip_is_told_once() {
    let keys = r#"
        username-env = "U"
        pasword-env = "P"
        client-cert = 1
        client-key = "k"
    "#;
    assert_eq!(slugs(&settings(keys)), ["unknown_key", "type"]);
    assert_eq!(slugs(&settings("http = true").replace("registry", "registries")), ["unknown_key"]);
    assert_eq!(
        slugs(
            r#"
                [registry."r.io"]
                http = "yes"
                ca = "x""#
        ),
        ["type"]
    );
}

#[test]
fn what_is_logged_in_with_is_asked_for_by_no_variable() {
    let login = r#"
        [registry."r.io"]
        username-env = "R_USER"
        password-env = "R_TOKEN"
    "#;
    let using = r#"
        [defaults]
        platforms = ["linux/amd64"]
        source = "r.io/a:{t}"
        target = "r.io/a"
        tags = ["{t}"]
    "#;
    for (place, variables) in [
        (
            "the top",
            r#"
                [vars]
                t = { env = "R_TOKEN" }
                [list.a]
            "#,
        ),
        (
            "a list",
            r#"
                [list.a]
                vars.t = { env = "R_TOKEN", default = "x" }
            "#,
        ),
        (
            "a convention",
            r#"
                [convention.c]
                vars.t = { env = "R_TOKEN" }
                [list.a]
                convention = "c"
            "#,
        ),
        (
            "nobody's",
            r#"
                [vars]
                t = "x"
                u = { env = "R_TOKEN" }
                [list.a]
            "#,
        ),
        (
            "another case",
            r#"
                [vars]
                t = { env = "r_token" }
                [list.a]
            "#,
        ),
        (
            "the user",
            r#"
                [vars]
                t = { env = "R_USER" }
                [list.a]
            "#,
        ),
    ] {
        for text in [format!("{login}{using}{variables}"), format!("{using}{variables}{login}")] {
            let mut machine = Machine::default();
            assert_eq!(machine.slugs(&text), ["secret_variable"], "{place}");
            assert_eq!(machine.asked, BTreeSet::new(), "{place}");
        }
    }
    let other = r#"
        [vars]
        t = { env = "R_TOKENS", default = "x" }
        [list.a]
    "#;
    assert_eq!(Machine::default().ids(&format!("{login}{using}{other}")), ["a"]);
}

#[test]
fn half_a_login_keeps_its_variable_to_itself_all_the_same() {
    let text = behind(
        r#"
            [vars]
            t = { env = "T" }
            [registry."r.io"]
            password-env = "T"
        "#,
    )
    .replace("\"1\"", r#""{t}""#);
    let mut machine = Machine::default();
    assert_eq!(machine.slugs(&text), ["secret_variable", "missing_key"]);
    assert_eq!(machine.asked, BTreeSet::new());
}
