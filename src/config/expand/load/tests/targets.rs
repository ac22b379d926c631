//! One list in several repositories, each with its own keys.

use super::*;

/// `repository:tag` and the platforms of each publication. There must be no problem.
fn published(text: &str) -> Vec<String> {
    let loaded = Machine::default().load(text);
    assert_eq!(loaded.problems, [], "{text}");
    let shown = |list: &Publication| {
        let platforms: Vec<String> = list.members.iter().map(|member| member.platform.to_string()).collect();
        format!("{} {}", list.reference(), platforms.join(" "))
    };
    loaded.publications.iter().map(|list| shown(list)).collect()
}

fn slugs(text: &str) -> Vec<&'static str> {
    Machine::default().slugs(text)
}

#[test]
fn each_target_is_a_publication_in_the_order_of_the_file() {
    let expected = ["q.io/l:1 linux/amd64", "d.io/l:2 linux/386", "r.io/l:1 linux/amd64"];
    let table = r#"repository = "d.io/{name}", tags = ["2"], platforms = ["linux/386"]"#;
    let array = format!(
        r#"
            [list.l]
            target = ["q.io/{{name}}", {{ {table} }}, "r.io/l"]
        "#
    );
    assert_eq!(published(&with_defaults(&array)), expected);
    let headers = format!(
        r#"
            [list.l]
            [[list.l.target]]
            repository = "q.io/l"
            [[list.l.target]]
            {}
            [[list.l.target]]
            repository = "r.io/l"
        "#,
        table.replace(", ", "\n")
    );
    assert_eq!(published(&with_defaults(&headers)), expected);
    let text = with_defaults(&array);
    let loaded = Machine::default().load(&text);
    let ids: Vec<&str> = loaded.publications.iter().map(|list| list.id.as_str()).collect();
    assert_eq!(ids, ["l", "l", "l"]);
    assert_eq!(&text[loaded.publications[1].target_span.range.clone()], "d.io/{name}");
}

#[test]
fn one_table_is_one_target() {
    let table = r#"
        [list.l.target]
        repository = "q.io/x"
    "#;
    for target in [r#"target = { repository = "q.io/x" }"#, table] {
        assert_eq!(
            published(&with_defaults(&format!(
                "
            [list.l]
            {target}
        "
            ))),
            ["q.io/x:1 linux/amd64"]
        );
    }
}

#[test]
fn a_nearer_target_takes_the_place_of_all_of_those_that_are_farther() {
    let text = with_defaults(
        r#"
            [convention.c]
            target = [{ repository = "q.io/x", tags = ["2"] }, "q.io/y"]
        "#,
    );
    let text = format!(
        r#"
            {text}[list.a]
            convention = "c"
            [list.b]
            convention = "c"
            target = "q.io/b"
        "#
    );
    assert_eq!(published(&text), ["q.io/x:2 linux/amd64", "q.io/y:1 linux/amd64", "q.io/b:1 linux/amd64"]);
}

#[test]
fn a_selector_means_one_target_or_all() {
    let text = with_defaults(
        r#"
            [list.l]
            target = ["q.io/x", { repository = "r.io/y", tags = ["2"] }]
            [list.m]
        "#,
    );
    let select = |selector: &str| Machine::default().select(selector).lists(&text);
    assert_eq!(select("l"), ["q.io/x:1", "r.io/y:2"]);
    assert_eq!(select("r.io/y"), ["r.io/y:2"]);
    assert_eq!(select("q.io/x:1"), ["q.io/x:1"]);
    assert_eq!(Machine::default().select("r.io/y:1").slugs(&text), ["unknown_selector"]);
}

#[test]
fn what_only_another_target_uses_is_not_asked() {
    let text = with_defaults(
        r#"
            [vars]
            v = { env = "V" }
            [list.l]
            target = ["q.io/x", { repository = "r.io/y", annotations = { a = "{v}" } }]
        "#,
    );
    let mut machine = Machine::default().select("q.io/x");
    assert_eq!(machine.lists(&text), ["q.io/x:1"]);
    assert_eq!(machine.asked, BTreeSet::new());
}

#[test]
fn what_every_target_has_the_list_need_not_have() {
    let keys = r#"platforms = ["linux/amd64"], source = "r.io/{name}:1", tags = ["1"]"#;
    let target = |keys: &str| format!(r#"{{ repository = "r.io/{}"{keys} }}"#, keys.len());
    let all = format!(
        "
        [list.l]
        target = [{}, {}]
    ",
        target(&format!(", {keys}")),
        target(&format!(", {keys} "))
    );
    assert_eq!(published(&all).len(), 2);
    for key in ["platforms", "source", "tags"] {
        let without = keys.split(", ").filter(|entry| !entry.starts_with(key)).collect::<Vec<_>>().join(", ");
        let text = format!(
            "
                [list.l]
                target = [{}, {}]
            ",
            target(&format!(", {keys}")),
            target(&format!(", {without}"))
        );
        let problems = Machine::default().load(&text).problems;
        assert_eq!(problems.len(), 1, "{key}: {problems:?}");
        assert_eq!(problems[0].message, format!("list `l` has no `{key}`"));
        assert_eq!(problems[0].labels[1].text, "required for this target");
    }
    // A target with its own rows may need a source even if the rows of the list do not.
    let rows = r#"platforms = [{ platform = "linux/386", source = "x:1" }]"#;
    let text = format!(
        r#"
            [list.l]
            {rows}
            tags = ["1"]
            target = ["r.io/a", {{ repository = "r.io/b", platforms = ["linux/386"] }}]
        "#
    );
    assert_eq!(Machine::default().load(&text).problems[0].message, "list `l` has no `source`");
}

#[test]
fn a_target_at_fault_is_told_of_alone() {
    for (target, slug) in [
        (r#"{ repositry = "r.io/x" }"#, "unknown_key"),
        ("{ }", "missing_key"),
        (r#"{ tags = ["1"] }"#, "missing_key"),
        ("[]", "type"),
        (r#"[["r.io/x"]]"#, "type"),
        ("[3.10]", "type"),
        ("3.10", "type"),
        ("{ repository = 3.10 }", "type"),
        (r#"{ repository = "r.io/x", target = "r.io/y" }"#, "misplaced_key"),
        (r#"{ repository = "r.io/x", matrix.a = ["1"] }"#, "misplaced_key"),
        (r#"{ repository = "r.io/x", vars.a = "1" }"#, "misplaced_key"),
        (r#"{ repository = "r.io/x", convention = "c" }"#, "misplaced_key"),
        (r#"{ repository = "r.io/x", os-version = "1" }"#, "misplaced_key"),
        (r#"{ repository = "r.io/x", waite = "1s" }"#, "unknown_key"),
        (r#"{ repository = "r.io/x", wait = "1" }"#, "bad_duration"),
        (r#"{ repository = "r.io/x:1" }"#, "bad_reference"),
        (r#"{ repository = "{nme}" }"#, "unknown_variable"),
        (r#"{ repository = "r.io/x", annotations = { a = "{nme}" } }"#, "unknown_variable"),
        (r#"["r.io/x", { repository = "r.io/x:1" }]"#, "bad_reference"),
    ] {
        assert_eq!(
            slugs(&with_defaults(&format!(
                "
            [list.l]
            target = {target}
        "
            ))),
            [slug],
            "{target}"
        );
        // If the list itself lacks a key, a target that could not be read may have had it.
        if ["unknown_key", "missing_key"].contains(&slug) && !target.contains("repository =") {
            let text = format!(
                r#"
                    [list.l]
                    platforms = ["linux/386"]
                    source = "r.io/x:1"
                    target = {target}
                "#
            );
            assert_eq!(slugs(&text), [slug], "{target}");
        }
    }
    assert_eq!(
        slugs(&with_defaults(
            r#"
                repository = "r.io/x"
                [list.l]
            "#
        )),
        ["misplaced_key"]
    );
}

#[test]
fn a_list_has_a_repository_once() {
    for (one, other) in [("x", "docker.io/library/x"), ("r.io/x", "r.io/{name}"), ("oci:out", "oci:./out")] {
        for own in ["", r#", tags = ["2"]"#] {
            let text = with_defaults(&format!(
                r#"
                    [list.x]
                    target = ["{one}", {{ repository = "{other}"{own} }}]
                    [list.y]
                    matrix.a = ["1", "2"]
                    target = "y-{{a}}"
                "#
            ));
            let problems = Machine::default().load(&text).problems;
            assert_eq!(problems.iter().map(Problem::slug).collect::<Vec<_>>(), ["id_twice"], "{one} {other}{own}");
            let under = |at: usize| &text[problems[0].labels[at].span.range.clone()];
            assert_eq!((under(0), under(1)), (other, one));
        }
    }
}

#[test]
fn two_targets_of_two_lists_may_not_claim_one_tag() {
    let text = with_defaults(
        r#"
            [list.a]
            target = ["q.io/x", "r.io/x"]
            [list.b]
            target = ["s.io/x", "r.io/x"]
        "#,
    );
    assert_eq!(slugs(&text), ["tag_twice"]);
    let apart = text.replacen(r#", "r.io/x"]"#, r#", { repository = "r.io/x", tags = ["2"] }]"#, 1);
    assert_eq!(slugs(&apart), [""; 0]);
}

#[test]
fn what_needs_oci_is_refused_beside_docker() {
    for (keys, needs) in [
        (r#"annotations.a = "x""#, "annotations require"),
        (r#"artifact-type = "a/b""#, "artifact-type requires"),
        (r#"target = "oci:out""#, "a layout requires"),
        (r#"platforms = [{ platform = "linux/386", annotations.a = "x" }]"#, "annotations require"),
        (
            r#"
                annotations.a = "x"
                artifact-type = "a/b"
            "#,
            "annotations and artifact-type require",
        ),
        (
            r#"
                annotations.a = "x"
                platforms = [{ platform = "linux/386", annotations.a = "x" }]
                target = "oci:out"
            "#,
            "annotations and a layout require",
        ),
        (r#"target = { repository = "oci:out", artifact-type = "a/b" }"#, "artifact-type and a layout require"),
    ] {
        let text = with_defaults(&format!(
            r#"
                [list.l]
                {keys}
                format = "docker"
            "#
        ));
        let problems = Machine::default().load(&text).problems;
        assert_eq!(problems.len(), 1, "{keys}: {problems:?}");
        assert_eq!(problems[0].slug(), "needs_oci");
        assert_eq!(problems[0].message, format!("list `l` cannot have format = \"docker\": {needs} OCI"));
        assert_eq!(problems[0].labels.last().map(|label| &text[label.span.range.clone()]), Some("docker"));
        for format in ["auto", "oci"] {
            assert_eq!(slugs(&text.replace(r#""docker""#, &format!(r#""{format}""#))), [""; 0], "{keys}");
        }
    }
    // A row that is not declared needs nothing.
    for (build, said) in [("full", &["needs_oci"][..]), ("fast", &[])] {
        let text = with_defaults(&format!(
            r#"
                [list.l]
                vars.build = "{build}"
                format = "docker"
                platforms = ["linux/amd64", {{ platform = "linux/386", annotations.a = "x", when = {{ build = "full" }} }}]
            "#
        ));
        assert_eq!(slugs(&text), said, "{build}");
    }
    // Each target is checked separately.
    let text = with_defaults(
        r#"
            annotations.a = "x"
            [list.l]
            target = ["q.io/x", { repository = "r.io/x", format = "docker" }]
        "#,
    );
    assert_eq!(slugs(&text), ["needs_oci"]);
}
