//! Warnings: what no list uses, and a version that a CI job does not have.

use super::*;
use crate::config::{Author, Severity};

/// The warnings about what no list uses, each with its code and the key that it points at.
fn unused(machine: Machine, text: &str) -> Vec<(&'static str, String)> {
    let mut machine = Machine { shows_unused: true, ..machine };
    let loaded = machine.load(text);
    assert!(loaded.problems.iter().all(|problem| problem.severity == Severity::Warning), "{:?}", loaded.problems);
    let found = loaded.problems.iter().filter(|problem| problem.slug().starts_with("unused_"));
    let written = |problem: &Problem| {
        let span = &problem.labels[0].span;
        loaded.sources.get(span.file).unwrap().text[span.range.clone()].to_owned()
    };
    found.map(|problem| (problem.slug(), written(problem))).collect()
}

#[test]
fn a_variable_is_used_if_a_list_reaches_it_from_a_key_that_applies() {
    for (vars, keys, expected) in [
        (r#"v = "1""#, "", &["v"][..]),
        (r#"v = "1""#, r#"tags = ["{v}"]"#, &[]),
        ("v = \"1\"\nw = \"{v}\"", "", &["v", "w"]),
        ("v = \"1\"\nw = \"{v}\"", r#"tags = ["{w}"]"#, &[]),
        ("v = \"1\"\nw = { env = \"W\", default = \"{v}\" }", r#"tags = ["{w}"]"#, &[]),
        ("v = \"V\"\nw = { file = \"{v}\", default = \"1\" }", r#"tags = ["{w}"]"#, &[]),
        (r#"v = "1""#, r#"tags = ["1", { tag = "2", when = { v = "1" } }]"#, &[]),
        (r#"version = "1""#, r#"tags = ["1", { tag = "2", when = "stable" }]"#, &[]),
        (r#"v = "1""#, r#"platforms = ["linux/386", { platform = "linux/arm", when = { v = "2" } }]"#, &[]),
        (r#"v = "1""#, r#"platforms = [{ platform = "linux/arm", source = "r.io/a:{v}" }]"#, &[]),
        (r#"v = "1""#, r#"target = [{ repository = "r.io/{v}", tags = ["x"] }, "r.io/b"]"#, &[]),
        (r#"v = "1""#, r#"matrix.x = ["{v}"]"#, &[]),
        (r#"v = "1""#, r#"annotations.a = "{v}""#, &[]),
        (r#"v = "1""#, "undeclared = \"keep\"\nmember-tags = [\"{v}-{platform|replace:/:-}\"]", &[]),
        // A selector can be the value of `{name}`.
        ("", r#"vars.name = "b""#, &[]),
        // The list's own value is used, and the one for all lists is not.
        (r#"v = "1""#, "vars.v = \"2\"\ntags = [\"{v}\"]", &["v"]),
    ] {
        let text = format!("[vars]\n{vars}\n{}", with_defaults(&format!("[list.a]\n{keys}\n")));
        let found = unused(Machine::default(), &text);
        assert!(found.iter().all(|(slug, _)| *slug == "unused_variable"), "{found:?}");
        assert_eq!(found.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>(), expected, "{vars} | {keys}");
        // `--set` changes nothing: the variable is as used as before.
        if let Some((name, _)) = vars.split_once(" = ").filter(|_| expected.is_empty()) {
            assert_eq!(unused(Machine::default().set(&format!("{name}=1")), &text), [], "{vars} | {keys}");
        }
    }
}

#[test]
fn a_key_that_is_overridden_uses_nothing() {
    let text = r#"
        [vars]
        v = "1"
        [defaults]
        platforms = ["linux/amd64"]
        source = "r.io/{name}-{v}:1"
        target = "r.io/{name}"
        tags = ["1"]
        [list.a]
        source = "r.io/{name}:2"
    "#;
    assert_eq!(unused(Machine::default(), text), [("unused_variable", "v".to_owned())]);
}

#[test]
fn a_variable_that_replaces_an_axis_is_used() {
    let text = with_defaults(
        r#"
            matrix.jmx = ["", "-jmx"]
            [list.a]
            vars.jmx = ""
        "#,
    );
    assert_eq!(unused(Machine::default(), &text), []);
}

#[test]
fn used_means_by_any_list_of_any_file_selected_or_not() {
    let text = with_defaults("[vars]\nv = \"1\"\nw = \"2\"\n[list.a]\n[list.b]\ntags = [\"{v}\"]\n");
    for machine in [Machine::default(), Machine::default().select("a"), Machine::default().select("b")] {
        assert_eq!(unused(machine, &text), [("unused_variable", "w".to_owned())]);
    }
    let text = format!("include = [\"i.toml\"]\n{text}");
    let included = "[vars]\nx = \"1\"\ny = \"1\"\n[list.c]\ntags = [\"{w}{x}\"]\n";
    let machine = || Machine::default().includes("i.toml", included);
    assert_eq!(unused(machine(), &text), [("unused_variable", "y".to_owned())]);
    // A file with an error has no such warnings: the mistake can be the reason.
    let mut machine = Machine { shows_unused: true, ..machine() };
    assert_eq!(machine.slugs(&text.replace("{v}", "{vv}")), ["unknown_variable"]);
}

#[test]
fn a_convention_that_no_list_has_is_one_warning() {
    let text = with_defaults(
        r#"
            [vars]
            v = "1"
            [convention.suffix]
            vars.w = "1"
            tags = ["{v}{w}"]
            [convention.used]
            vars.x = "1"
            vars.suite = "a"
            tags = ["{suite}"]
            [list.a]
            convention = "used"
        "#,
    );
    let expected = [("unused_convention", "suffix".to_owned()), ("unused_variable", "x".to_owned())];
    assert_eq!(unused(Machine::default(), &text), expected);
    let text = format!("{text}\n[list.b]\nconvention = \"suffix\"\n").replace("vars.x = \"1\"\n", "");
    assert_eq!(unused(Machine::default(), &text), []);
}

#[test]
fn a_registry_that_no_reference_names_is_reported_unless_hosts_are_not_known() {
    let file = |host: &str, vars: &str, keys: &str| {
        format!(
            "[registry.\"{host}\"]\nrate = \"5/s\"\n[vars]\n{vars}\n{}",
            with_defaults(&format!("[list.a]\n{keys}\n"))
        )
    };
    for (host, vars, keys, is_unused) in [
        ("r.io", "", "", false),
        ("q.io", "", "", true),
        ("docker.io", "", "", true),
        ("index.docker.io", "", r#"source = "debian:{arch}""#, false),
        ("docker.io", "", r#"source = "{arch}/debian:1""#, false),
        ("q.io", r#"reg = "q.io/acme""#, r#"source = "{reg}/{name}:1""#, false),
        ("q.io:5000", r#"port = "5000""#, r#"target = "q.io:{port}/a""#, false),
        ("q.io", "", "matrix.host = [\"p.io\", \"q.io\"]\ntarget = \"{host}/a\"", false),
        ("q.io", "", r#"platforms = [{ platform = "linux/arm", source = "q.io/a:1" }]"#, false),
        (
            "q.io",
            "",
            r#"platforms = [{ platform = "linux/arm", source = "q.io/a:1", when = { name = "b" } }, "linux/386"]"#,
            false,
        ),
        ("q.io", "", "matrix.v = { tags-of = \"q.io/a\" }\ntags = [\"{v}\"]", false),
        ("q.io", "", r#"source = "oci:q.io/a:1""#, true),
        // The host can be any.
        ("q.io", r#"reg = { env = "REG", default = "p.io" }"#, r#"source = "{reg}/{name}:1""#, false),
        ("q.io", "", r#"source = "{arch}.io/{name}:1""#, false),
    ] {
        let machine = Machine::default().tags("q.io/a", "1");
        let found = unused(machine, &file(host, vars, keys));
        let expected: Vec<_> = is_unused.then(|| ("unused_registry", host.to_owned())).into_iter().collect();
        let found: Vec<_> = found.into_iter().map(|(slug, key)| (slug, key.trim_matches('"').to_owned())).collect();
        assert_eq!(found, expected, "{host} | {vars} | {keys}");
    }
    let text = file("q.io", r#"reg = "p.io""#, r#"source = "{reg}/{name}:1""#);
    assert_eq!(unused(Machine::default().set("reg=q.io"), &text), []);
    let mut machine = Machine { shows_unused: true, ..Machine::default() };
    let loaded = machine.load(&file("r.oi", "", ""));
    assert_eq!(loaded.problems[0].labels[0].text, "did you mean `r.io`?");
}

#[test]
fn hosts_of_variables_that_need_billions_of_values_count_as_unknown() {
    let vars: Vec<String> = (0..60).map(|at| format!("v{at} = \"{{v{0}}}{{v{0}}}\"\n", at + 1)).collect();
    let mut vars = vars.concat();
    vars += "v60 = \"\"\nrel = \"\"";
    // No tag applies to the list, so its source is not expanded.
    let list = r#"source = "{v0}r.io/a:1"
        tags = [{ tag = "1", when = { rel = "?*" } }]"#;
    let text = format!(
        "[registry.\"q.io\"]\nrate = \"5/s\"\n[vars]\n{vars}\n{}",
        with_defaults(&format!("[list.a]\n{list}\n"))
    );
    assert_eq!(unused(Machine::default(), &text), []);
}

const VERSION_OF_CI: &str = r#"
    [vars]
    version = { env = "VERSION", default = "v1.0.0" }
    [list.a]
    tags = ["{version}"]
    [list.b]
"#;

fn publishing() -> Machine {
    Machine { purpose: LoadPurpose::Publish, ..Machine::default() }
}

#[test]
fn a_ci_job_that_publishes_the_default_version_is_warned() {
    let text = with_defaults(VERSION_OF_CI);
    for ci in ["true", "1"] {
        let problems = publishing().env("CI", ci).load(&text).problems;
        let [warning] = problems.as_slice() else { panic!("{problems:?}") };
        assert_eq!((warning.slug(), warning.severity), ("default_version", Severity::Warning));
        assert_eq!(warning.message, "this CI job uses the default of `version` in tags: `v1.0.0`");
        assert_eq!(warning.causes, ["environment variable `VERSION` is not set or empty"]);
        assert_eq!(warning.help.as_deref(), Some("set VERSION, or use --set version=…"));
    }
    for machine in [
        publishing(),
        publishing().env("CI", "false"),
        publishing().env("CI", "true").env("VERSION", "v2"),
        publishing().env("CI", "true").set("version=v2"),
        publishing().env("CI", "true").select("b"),
        Machine::default().env("CI", "true"),
    ] {
        let mut machine = machine;
        assert_eq!(machine.load(&text).problems, []);
    }
    // No tag contains it, or only the condition of a tag uses it.
    for tags in [
        r#"["1"]"#,
        r#"["1", { tag = "2", when = "stable" }]"#,
        r#"["1", { tag = "{version}", when = { version = "x" } }]"#,
    ] {
        let text = text.replace(r#"["{version}"]"#, tags);
        assert_eq!(publishing().env("CI", "true").load(&text).problems, [], "{tags}");
    }
    let newest = text.replace(r#"["{version}"]"#, r#"["{version|no-v}", { tag = "latest", when = "newest" }]"#);
    assert_eq!(publishing().env("CI", "true").slugs(&newest), ["default_version"]);
    // The author of an untrusted file must not learn whether this is a CI job.
    let environment = ["VERSION".to_owned()].into();
    let trust = Trust { author: Author::Stranger { environment }, ..Trust::default() };
    let mut machine = Machine { trust, ..publishing() }.env("CI", "true");
    assert_eq!(machine.load(&text).problems, []);
    assert!(!machine.asked.contains(&Question::Env("CI".into())));
}
