//! Rows: Windows, annotations, missing images, and conditions.

use super::*;
use crate::config::model::{Missing, OsVersion};

fn list(rows: &str) -> String {
    with_defaults(&format!(
        r#"
            [vars]
            version = "1.2.3"
            [list.l]
            platforms = [{rows}]
        "#
    ))
}

fn loaded(rows: &str) -> Vec<crate::config::Member> {
    let loaded = Machine::default().load(&list(rows));
    assert_eq!(loaded.problems, [], "{rows}");
    loaded.publications[0].members.clone()
}

fn slugs(rows: &str) -> Vec<&'static str> {
    Machine::default().slugs(&list(rows))
}

fn windows(keys: &str) -> String {
    format!(r#"{{ platform = "windows/amd64", {keys} }}"#)
}

#[test]
fn a_literal_os_version_is_part_of_the_platform() {
    let members = loaded(&windows(r#"os-version = "10.0.17763.6532", os-features = ["win32k", "b"]"#));
    assert_eq!(members[0].platform.to_string(), "windows/amd64 10.0.17763.6532");
    assert_eq!(members[0].platform.os_features, ["win32k", "b"]);
    assert_eq!(members[0].os_version, OsVersion::AsDeclared);
}

#[test]
fn a_glob_and_an_image_leave_the_version_open() {
    let members = loaded(&windows(r#"os-version = "10.0.17763.*""#));
    let OsVersion::Fits(glob) = &members[0].os_version else { panic!("{members:?}") };
    assert!(glob.value.matches("10.0.17763.1") && !glob.value.matches("10.0.20348.1"));
    assert_eq!(members[0].platform.os_version, None);
    let text = list(&windows(r#"os-version = { from = "mcr.io/{os}-{arch}:{version}", build = "10.0.17763" }"#));
    let loaded = Machine::default().load(&text);
    let OsVersion::Of(of) = &loaded.publications[0].members[0].os_version else { panic!("{loaded:?}") };
    assert_eq!((of.from.to_string().as_str(), of.build.as_deref()), ("mcr.io/windows-amd64:1.2.3", Some("10.0.17763")));
    assert_eq!(&text[of.span.range.clone()], "mcr.io/{os}-{arch}:{version}");
}

#[test]
fn an_image_that_says_the_version_is_found_beside_the_file_and_within_the_root() {
    let text = list(&windows(r#"os-version = { from = "oci:../base:1" }"#));
    let mut machine = Machine { file: Some("ci/manifests.toml"), ..Machine::default() };
    let loaded = machine.load(&text);
    let OsVersion::Of(of) = &loaded.publications[0].members[0].os_version else { panic!("{loaded:?}") };
    assert_eq!(of.from.to_string(), "oci:base:1");
    let trust = Trust { root: Some("ci".into()), ..Trust::default() };
    let mut machine = Machine { file: Some("ci/manifests.toml"), trust, ..Machine::default() };
    assert_eq!(machine.slugs(&text), ["outside_root"]);
    assert_eq!(machine.asked, BTreeSet::from([Question::Inside("base".into())]));
}

#[test]
fn what_is_wrong_with_a_version_of_windows_is_told() {
    for (value, slug) in [
        ("\"\"", "type"),
        ("\" \"", "type"),
        ("10.0", "type"),
        (r#"["10.0.17763.*"]"#, "type"),
        (r#""10.0.[17763""#, "type"),
        ("{ }", "missing_key"),
        (r#"{ build = "10.0.17763" }"#, "missing_key"),
        (r#"{ fro = "x:1" }"#, "unknown_key"),
        (r#"{ from = "x" }"#, "bad_reference"),
        (r#"{ from = "oci-archive:x:1" }"#, "not_yet"),
        (r#"{ from = "x:{tag}" }"#, "unknown_variable"),
        (r#"{ from = "x:1", build = 17763 }"#, "type"),
        (r#"{ from = "x:1", platform = "windows/amd64" }"#, "misplaced_key"),
    ] {
        assert_eq!(slugs(&windows(&format!("os-version = {value}"))), [slug], "{value}");
    }
    assert_eq!(slugs(r#"{ platform = "linux/amd64", os-version = "10.0.17763.1" }"#), ["misplaced_key"]);
    assert_eq!(slugs(&windows(r#"os-features = "win32k""#)), ["type"]);
    assert_eq!(slugs(&windows("os-features = [1]")), ["type"]);
}

#[test]
fn windows_rows_are_told_apart_by_versions_that_are_written() {
    let row = |arch: &str, version: &str| windows(&format!(r#"arch = "{arch}", os-version = "{version}""#));
    let (one, other) = (row("a", "10.0.17763.1"), row("b", "10.0.20348.1"));
    assert_eq!(loaded(&format!("{one}, {other}")).len(), 2);
    assert_eq!(slugs(&format!("{one}, {}", row("b", "10.0.17763.1"))), ["platform_twice"]);
    // OS features do not distinguish rows.
    let features = other.replace("20348", "17763").replace("arch =", r#"os-features = ["x"], arch ="#);
    assert_eq!(slugs(&format!("{one}, {features}")), ["platform_twice"]);
    // If a version is not given in full, the image's config determines it.
    for open in ["10.0.17763.*", "10.0.17763.1*"] {
        assert_eq!(loaded(&format!("{one}, {}, {}", row("b", open), row("c", open))).len(), 3);
    }
    assert_eq!(loaded(&format!("{one}, {}", windows(r#"arch = "b""#))).len(), 2);
    // With the same source template, they still expand to one image.
    assert_eq!(slugs(&format!("{one}, {}", other.replace("\"b\"", "\"a\""))), ["source_twice"]);
}

#[test]
fn a_row_says_what_becomes_of_it_where_it_is_absent() {
    let members = loaded(r#"{ platform = "linux/amd64", missing = "keep" }, "linux/386""#);
    assert_eq!(members.iter().map(|member| member.missing).collect::<Vec<_>>(), [Missing::Keep, Missing::Error]);
    let problems = Machine::default().load(&list(r#"{ platform = "linux/amd64", missing = "kep" }"#)).problems;
    assert_eq!((problems[0].slug(), problems[0].labels[0].text.as_str()), ("type", "did you mean `keep`?"));
}

#[test]
fn annotations_of_a_row_speak_of_it_and_are_not_those_of_the_list() {
    let text = with_defaults(
        r#"
            annotations = { a = "list" }
            [list.l]
            platforms = [{ platform = "linux/arm64", annotations = { "a.b" = "{os} {arch} {platform} {name}" } }, "linux/386"]
        "#,
    );
    let loaded = Machine::default().load(&text);
    assert_eq!(loaded.problems, []);
    let members = &loaded.publications[0].members;
    assert_eq!(members[0].annotations, [("a.b".to_owned(), "linux arm64 linux/arm64 l".to_owned())].into());
    assert_eq!(members[1].annotations, std::collections::BTreeMap::new());
    assert_eq!(
        Machine::default().slugs(&with_defaults(
            r#"
                annotations.a = "{arch}"
                [list.l]
            "#
        )),
        ["unknown_variable"]
    );
}

#[test]
fn a_name_of_an_annotation_with_dots_is_quoted() {
    let text = with_defaults(
        r#"
            [list.l]
            annotations.org.example.title = "x"
        "#,
    );
    let problems = Machine::default().load(&text).problems;
    assert_eq!(problems.iter().map(Problem::slug).collect::<Vec<_>>(), ["type"]);
    let help = r#"put quotes around a name with dots: annotations."org.example.title""#;
    assert_eq!(problems[0].help.as_deref(), Some(help));
    for (annotations, slug) in [
        (r#"annotations = "x""#, "type"),
        ("annotations.a = 3.10", "type"),
        (r#"annotations.a = ["x"]"#, "type"),
        (
            r#"
                [list.l.annotations]
                tags = ["2"]
            "#,
            "misplaced_key",
        ),
        (
            r#"
                [list.l.annotations]
                source = "r.io/x:1"
            "#,
            "misplaced_key",
        ),
    ] {
        assert_eq!(
            Machine::default().slugs(&with_defaults(&format!(
                "
                [list.l]
                {annotations}
            "
            ))),
            [slug],
            "{annotations}"
        );
    }
}

#[test]
fn a_row_whose_conditions_do_not_hold_is_not_declared() {
    let when = |condition: &str, keys: &str| format!(r#"{{ platform = "linux/386", when = {condition}{keys} }}"#);
    let other = r#"{ version = "9.*" }"#;
    assert_eq!(loaded(&format!(r#""linux/amd64", {}"#, when(r#"{ version = "1.*" }"#, ""))).len(), 2);
    assert_eq!(loaded(&format!(r#""linux/amd64", {}"#, when(other, ""))).len(), 1);
    assert_eq!(loaded(&format!(r#""linux/amd64", {}"#, when(r#"["stable", { version = "!1.*" }]"#, ""))).len(), 1);
    // A row that is not declared is not checked and causes no questions.
    let quiet = when(other, r#", source = "r.io/x:{e}", annotations = { a = "{e}" }"#);
    let text = list(&format!(r#""linux/amd64", {quiet}"#)).replace(
        "[vars]\n",
        r#"
            [vars]
            e = { env = "E" }
        "#,
    );
    let mut machine = Machine::default();
    assert_eq!(machine.ids(&text), ["l"]);
    assert_eq!(machine.asked, BTreeSet::new());
    let mut machine = Machine::default();
    assert_eq!(machine.slugs(&text.replace("9.*", "1.*")), ["no_value"]);
    assert_eq!(machine.asked, BTreeSet::from([Question::Env("E".into())]));
    // An invalid source is reported only if the row is declared.
    let text = list(&format!(r#""linux/amd64", {}"#, when(other, r#", source = "r.io/x""#)));
    assert_eq!(Machine::default().ids(&text), ["l"]);
    // Only declared rows are checked for duplicates.
    assert_eq!(loaded(&format!(r#""linux/386", {}"#, when(other, ""))).len(), 1);
    assert_eq!(slugs(&format!(r#""linux/386", {}"#, when(r#""stable""#, r#", arch = "x""#))), ["platform_twice"]);
    let text = |condition: &str| {
        let row = format!(r#"{{ platform = "linux/arm64", when = {condition} }}"#);
        list(&format!(r#""linux/amd64", {row}"#)).replace("r.io/{name}-{arch}:1", "r.io/one:1")
    };
    assert_eq!(Machine::default().slugs(&text(other)), [""; 0]);
    assert_eq!(Machine::default().slugs(&text(r#""stable""#)), ["source_twice"]);
}

#[test]
fn a_list_may_be_left_with_no_member() {
    assert_eq!(loaded(r#"{ platform = "linux/386", when = { version = "9.*" } }"#), []);
}
