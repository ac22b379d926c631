//! What a file may access, and what problems reveal about it.

use std::path::Path;

use super::*;
use crate::config::Author;

const SECRET: &str = "S3cr3t Value";

/// A machine with an untrusted file that may read the `allowed` environment variables.
fn suspicious(allowed: &[&str]) -> Machine {
    let environment = allowed.iter().map(|name| (*name).to_owned()).collect();
    let trust = Trust { root: Some("".into()), author: Author::Stranger { environment } };
    Machine { trust, ..Machine::default() }
}

/// A machine with a trusted file whose paths must stay in `folder`.
fn confined(folder: &str) -> Machine {
    Machine { trust: Trust { root: Some(folder.into()), author: Author::Trusted }, ..Machine::default() }
}

#[test]
fn a_strangers_file_reads_no_environment_but_what_is_allowed() {
    let text = with_defaults(
        r#"
            [vars]
            v = { env = "SECRET" }
            [list.a]
            tags = ["{v}"]
        "#,
    );
    let mut machine = suspicious(&["OTHER"]).env("SECRET", "s3cr3t");
    let problem = machine.only(&text);
    assert_eq!(
        problem.message,
        "variable `v` has no value: environment variable `SECRET` is not read with --untrusted"
    );
    assert!(problem.help.unwrap().contains("--allow-env SECRET"));
    assert_eq!(machine.asked, BTreeSet::new(), "what is not asked can't leak");
    assert_eq!(suspicious(&["SECRET"]).env("SECRET", "v1").lists(&text), ["r.io/a:v1"]);
    let text = text.replace(r#""SECRET""#, r#""SECRET", default = "dev""#);
    assert_eq!(suspicious(&[]).env("SECRET", "v1").lists(&text), ["r.io/a:dev"]);
}

#[test]
fn a_strangers_file_asks_git_nothing() {
    for word in ["describe", "tag", "commit", "branch"] {
        let text = with_defaults(&format!(
            r#"
                [vars]
                v = {{ git = "{word}" }}
                [list.a]
                tags = ["{{v}}"]
            "#
        ));
        let mut machine = suspicious(&[]);
        assert_eq!(machine.only(&text).message, "variable `v` has no value: git is not used with --untrusted");
        assert_eq!(machine.asked, BTreeSet::new());
        let text = text.replace(&format!(r#""{word}""#), &format!(r#""{word}", default = "dev""#));
        assert_eq!(suspicious(&[]).lists(&text), ["r.io/a:dev"]);
    }
}

#[test]
fn a_file_outside_of_the_root_is_told_of_at_its_path_and_not_read() {
    let text = with_defaults(
        r#"
            [vars]
            v = { file = "../VERSION" }
            [list.a]
            tags = ["{v}"]
        "#,
    );
    for mut machine in [suspicious(&[]), confined("")] {
        let problem = machine.only(&text);
        assert_eq!(
            (problem.slug(), &*problem.message),
            ("outside_root", "`../VERSION` is outside of the root directory `.`")
        );
        assert_eq!(&text[problem.labels[0].span.range.clone()], "../VERSION");
        assert_eq!(problem.labels[0].text, "used by list `a`");
        assert_eq!(machine.asked, BTreeSet::from([Question::Inside("../VERSION".into())]));
    }
    let mut machine = confined("ci");
    machine.file = Some("ci/manifests.toml");
    let mut machine = machine.inside("ci/../VERSION").file("ci/../VERSION", "v1");
    assert_eq!(machine.lists(&text), ["r.io/a:v1"]);
}

#[test]
fn why_a_path_leads_nowhere_is_told() {
    let text = with_defaults(
        r#"
            [vars]
            v = { file = "v", default = "1" }
            [list.a]
            tags = ["{v}"]
        "#,
    );
    let mut machine = confined("");
    machine.answers.push((Question::Inside("v".into()), Err("its links lead in a circle".to_owned())));
    let problem = machine.only(&text);
    assert_eq!((problem.slug(), problem.causes), ("outside_root", vec!["its links lead in a circle".to_owned()]));
}

#[test]
fn layouts_outside_of_the_root_are_told_of_as_source_and_as_target() {
    let text = with_defaults(
        r#"
            [list.a]
            source = "oci:/srv/{name}:1"
            target = "oci:../out/{name}"
        "#,
    );
    let mut machine = suspicious(&[]);
    let problems = machine.load(&text).problems;
    let told: Vec<_> = problems.iter().map(|problem| (problem.slug(), problem.message.as_str())).collect();
    assert_eq!(
        told,
        [
            ("outside_root", "`oci:/srv/a` is outside of the root directory `.`"),
            ("outside_root", "`oci:../out/a` is outside of the root directory `.`"),
        ]
    );
    assert_eq!(&text[problems[1].labels[0].span.range.clone()], "oci:../out/{name}");
    let mut machine = suspicious(&[]).inside("/srv/a").inside("../out/a");
    assert_eq!(machine.lists(&text), ["oci:../out/a:1"]);
}

#[test]
fn what_is_not_selected_is_not_opened_and_may_lead_anywhere() {
    let text = with_defaults(
        r#"
            [list.a]
            [list.b]
            vars.v = { file = "/etc/version" }
            source = "oci:/srv:{v}"
            target = "oci:/srv/out"
        "#,
    );
    let mut machine = confined("").select("a");
    assert_eq!(machine.ids(&text), ["a"]);
    assert_eq!(machine.asked, BTreeSet::new());
}

#[test]
fn without_a_root_no_path_is_asked_for() {
    let text = with_defaults(
        r#"
            [vars]
            v = { file = "/srv/VERSION" }
            [list.a]
            target = "oci:/srv/a"
            tags = ["{v}"]
        "#,
    );
    let mut machine = Machine::default().file("/srv/VERSION", "v1");
    assert_eq!(machine.lists(&text), ["oci:/srv/a:v1"]);
    assert_eq!(machine.asked, BTreeSet::from([Question::File("/srv/VERSION".into())]));
}

#[test]
fn a_value_from_a_file_is_one_short_line() {
    let text = with_defaults(
        r#"
            [vars]
            v = { file = "V" }
            [list.a]
            source = "r.io/a:1"
            target = "oci:{v}"
        "#,
    );
    let long = "x".repeat(256);
    assert_eq!(Machine::default().file("V", &format!(" {long}\n")).ids(&text), ["a"]);
    let problem = Machine::default().file("V", &format!("{long}y\n")).only(&text);
    assert_eq!(problem.slug(), "bad_value");
    assert_eq!(problem.message, "`V` is too long for the value of `v`: 257 bytes, at most 256 are allowed");
    let problem = Machine::default().file("V", "a\nb\nc").only(&text);
    assert_eq!(
        (problem.slug(), &*problem.message),
        ("bad_value", "`V` has 3 lines, but the value of `v` must be a single line")
    );
}

/// Every mistake whose problem quotes an expanded template that contains `{v}`.
const MISTAKES: [(&str, &str); 12] = [
    (
        "bad_reference",
        r#"
            [list.a]
            source = "r.io/{v}:1"
        "#,
    ),
    (
        "bad_reference",
        r#"
            [list.a]
            source = "r.io/a@{v}"
        "#,
    ),
    (
        "bad_reference",
        r#"
            [list.a]
            vars.all = "r.io/{v}"
            source = "{all}:1"
        "#,
    ),
    (
        "bad_reference",
        r#"
            [list.a]
            target = "{v}@r.io/a"
        "#,
    ),
    (
        "bad_tag",
        r#"
            [list.a]
            tags = ["v{v}"]
        "#,
    ),
    (
        "bad_tag",
        r#"
            [list.a]
            tags = ["v{v|lower}"]
        "#,
    ),
    (
        "no_part",
        r#"
            [list.a]
            tags = ["{v.major}"]
        "#,
    ),
    (
        "axis_twice",
        r#"
            [list.a]
            matrix.x = ["{v}", "{v}"]
        "#,
    ),
    (
        "bad_tag",
        r#"
            [list.a]
            matrix.x = ["{v}"]
            tags = ["{x}"]
        "#,
    ),
    (
        "id_twice",
        r#"
            [list.a]
            matrix.x = ["{v}", "{v}/q"]
            matrix.y = ["q/r", "r"]
            tags = ["{x|tag}{y|tag}"]
        "#,
    ),
    (
        "tag_twice",
        r#"
            [list.a]
            target = "r.io/q"
            tags = ["{v|tag}"]
            [list.b]
            target = "r.io/q"
            tags = ["{v|tag}"]
        "#,
    ),
    (
        "source_twice",
        r#"
            [list.a]
            platforms = ["linux/amd64", "linux/arm64"]
            source = "r.io/a:{v|tag}"
        "#,
    ),
];

/// The problems with all their parts, as one text.
fn told(problems: &[Problem]) -> String {
    format!("{problems:?}")
}

fn assert_shows_no_secret(problems: &[Problem], slug: &str, mistake: &str) {
    assert!(problems.iter().any(|problem| problem.slug() == slug), "{mistake}: {problems:?}");
    let told = told(problems);
    for part in ["S3cr3t", "s3cr3t", "Value"] {
        assert!(!told.contains(part), "{mistake}: {told}");
    }
    assert!(told.contains("{v") || told.contains("`…@"), "{mistake}: the placeholder stands there: {told}");
}

#[test]
fn no_problem_shows_what_a_file_holds() {
    for (slug, mistake) in MISTAKES {
        let text = with_defaults(&format!(
            r#"
                [vars]
                v = {{ file = "V" }}
                {mistake}"#
        ));
        let problems = Machine::default().file("V", SECRET).load(&text).problems;
        assert_shows_no_secret(&problems, slug, mistake);
    }
}

#[test]
fn no_problem_shows_a_stranger_the_environment() {
    for (slug, mistake) in MISTAKES {
        let text = with_defaults(&format!(
            r#"
                [vars]
                v = {{ env = "V" }}
                {mistake}"#
        ));
        let problems = suspicious(&["V"]).env("V", SECRET).load(&text).problems;
        assert_shows_no_secret(&problems, slug, mistake);
    }
}

#[test]
fn no_problem_shows_a_path_with_what_a_file_holds() {
    let text = with_defaults(
        r#"
            [vars]
            v = { file = "V" }
            w = { file = "{v}/x" }
            [list.a]
            tags = ["{w}"]
        "#,
    );
    let long = "1".repeat(300);
    for (slug, fact) in [
        ("no_value", Ok(None)),
        ("bad_value", Ok(Some("1\n2".to_owned()))),
        ("bad_value", Ok(Some(long))),
        ("unreadable", Err("permission denied".to_owned())),
    ] {
        let mut machine = Machine::default().file("V", SECRET);
        machine.answers.push((Question::File(format!("{SECRET}/x").into()), fact));
        assert_shows_no_secret(&machine.load(&text).problems, slug, "a file by a name from a file");
    }
    let mut machine = confined("").inside("V").file("V", SECRET);
    assert_shows_no_secret(&machine.load(&text).problems, "outside_root", "a path out of the root");
}

#[test]
fn a_selector_that_fits_nothing_is_not_answered_with_what_a_file_holds() {
    let text = with_defaults(
        r#"
            [vars]
            v = { file = "V" }
            [list.a]
            matrix.x = ["{v}"]
            vars.name = "{v}"
        "#,
    );
    for selector in ["a/S3cr3t Valu", "S3cr3t Valu", "q"] {
        let problems = Machine::default().file("V", SECRET).select(selector).load(&text).problems;
        let problem = problems.iter().find(|problem| problem.slug() == "unknown_selector").expect(selector);
        assert!(!format!("{problem:?}").contains("S3cr3t Value"), "{selector}: {problem:?}");
    }
}

#[test]
fn what_is_shown_stands_where_its_placeholder_stood() {
    let message = |file: &str, keys: &str| {
        let text = format!(
            r#"
                [vars]
                v = {{ file = "V" }}
                image = "r.io/{{name}}/{{v}}"
                [list.a]
                {keys}
            "#
        );
        Machine::default().file("V", file).only(&with_defaults(&text)).message
    };
    assert_eq!(
        message("U P", r#"source = "{image}:{v|tag}-{arch}""#),
        "invalid character `U` in the repository of `r.io/a/{v}:{v|tag}-amd64`: repositories are lowercase"
    );
    assert_eq!(message("1", r#"tags = ["{v.minor}"]"#), "version `{v}` has no minor part");
    let own = r#"
        vars.v = "a b"
        tags = ["{v}"]
    "#;
    assert!(message("a b", own).starts_with("invalid character ` ` (space) in tag `a b`: "));
}

#[test]
fn what_the_user_typed_or_set_is_shown_to_the_user() {
    let text = with_defaults(
        r#"
            [vars]
            v = { env = "V" }
            [list.a]
            tags = ["{v}"]
        "#,
    );
    let shown = |machine: Machine| {
        let mut machine = machine;
        machine.only(&text).message
    };
    assert!(
        shown(Machine::default().env("V", "a b"))
            .ends_with("in tag `a b`: tags allow letters, digits, `_`, `.` and `-`")
    );
    assert!(
        shown(suspicious(&[]).set("v=a b")).ends_with("in tag `a b`: tags allow letters, digits, `_`, `.` and `-`")
    );
    assert!(
        shown(suspicious(&["V"]).env("V", "a b"))
            .ends_with("in tag `{v}`: tags allow letters, digits, `_`, `.` and `-`")
    );
}

#[test]
fn the_root_is_named_as_it_was_given() {
    let problem = crate::config::trust::outside_root("x", Path::new("../y"));
    assert_eq!(problem.message, "`x` is outside of the root directory `../y`");
}

const EVERYTHING: &str = r#"
    [registry."r.io"]
    ca = "ca.pem"
    client-cert = "../c.pem"
    client-key = "/k.pem"
    username-env = "U"
    password-env = "P"
    concurrency = 2
    rate = "5/s"
    [registry."q.io"]
    http = true
    [registry."s.io"]
    rate = "1/h"
    [registry."t.io"]
    insecure = true
"#;

#[test]
fn of_what_a_stranger_says_of_registries_limits_alone_are_left() {
    let loaded = suspicious(&["U", "P"]).load(&format!("{EVERYTHING}{}", with_defaults("[list.a]\n")));
    for settings in &loaded.registries {
        assert_eq!(settings.security, crate::config::model::Security::Usual);
        assert!(settings.ca.is_none() && settings.client.is_none() && settings.login.is_none(), "{settings:?}");
    }
    let limits = |at: usize| (loaded.registries[at].concurrency.is_some(), loaded.registries[at].rate.is_some());
    assert_eq!([limits(0), limits(1), limits(2)], [(true, true), (false, false), (false, true)]);
    let [warning] = loaded.problems.as_slice() else { panic!("{:?}", loaded.problems) };
    assert_eq!((warning.slug(), warning.severity), ("left_out", crate::config::Severity::Warning));
    let keys = "`ca`, `client-cert`, `client-key`, `username-env`, `password-env`";
    assert_eq!(warning.message, format!("{keys} of registry r.io are ignored with --untrusted"));
    assert_eq!(warning.causes, ["also `http` of registry q.io", "also `insecure` of registry t.io"]);
}

#[test]
fn files_of_registries_stay_within_the_root() {
    let text = format!("{EVERYTHING}{}", with_defaults("[list.a]\n"));
    let problems = confined("").inside("ca.pem").load(&text).problems;
    let told: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        told,
        ["`../c.pem` is outside of the root directory `.`", "`/k.pem` is outside of the root directory `.`"]
    );
    assert_eq!(&text[problems[1].labels[0].span.range.clone()], "/k.pem");
    assert_eq!(problems[1].labels[0].text, "used for r.io");
    assert_eq!(confined("").inside("ca.pem").inside("../c.pem").inside("/k.pem").ids(&text), ["a"]);
}
