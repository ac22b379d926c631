//! When a tag applies, and when a row is declared.

use super::*;

/// The tags of the list, or why it is left out.
fn tags(text: &str) -> Result<Vec<String>, String> {
    let loaded = Machine::default().load(text);
    assert_eq!(loaded.problems, [], "{text}");
    match (loaded.publications.as_slice(), loaded.left_out.as_slice()) {
        ([list], []) => Ok(list.tags.iter().map(|tag| tag.tag.to_string()).collect()),
        ([], [left_out]) => Err(left_out.why.clone()),
        other => panic!("{other:?}"),
    }
}

/// The list `a` of this version with these tags.
fn list(version: &str, tags: &str) -> String {
    with_defaults(&format!(
        r#"
            [list.a]
            vars.version = "{version}"
            vars.variant = "alpine3.20"
            tags = [{tags}]
        "#
    ))
}

fn problems(text: &str) -> Vec<(&'static str, String)> {
    Machine::default().load(text).problems.iter().map(|problem| (problem.slug(), problem.message.clone())).collect()
}

#[test]
fn what_is_no_version_is_neither_stable_nor_newest() {
    for (version, why) in [
        ("1.4.0-rc.1", "condition not met: stable (1.4.0-rc.1 is a pre-release)"),
        ("v1.2.3-4-gabcdef0", "condition not met: stable (v1.2.3-4-gabcdef0 is a pre-release)"),
        ("main", "condition not met: stable (main is not a version)"),
        ("bookworm-v1.0.8", "condition not met: stable (bookworm-v1.0.8 is not a version)"),
        ("", "condition not met: stable (version is empty)"),
    ] {
        let tags_of = |when: &str| tags(&list(version, &format!(r#""1{{version}}x", {{ tag = "t", when = {when} }}"#)));
        assert_eq!(tags_of(r#""stable""#), Ok(vec![format!("1{version}x")]), "{version}");
        assert_eq!(tags_of(r#""newest""#), Ok(vec![format!("1{version}x")]), "{version}");
        assert_eq!(tags(&list(version, r#"{ tag = "t", when = "stable" }"#)), Err(why.to_owned()));
    }
    for version in ["1.4.0", "v3", "3.5.12-1", "1.2+x"] {
        assert_eq!(tags(&list(version, r#"{ tag = "t", when = "stable" }"#)), Ok(vec!["t".to_owned()]), "{version}");
    }
}

#[test]
fn a_tag_whose_condition_is_not_met_is_named_unless_the_list_has_it_anyway() {
    let tags = r#""{version}", { tag = "{version.major}", when = "stable" }, { tag = "{version}", when = "stable" }"#;
    let loaded = Machine::default().load(&list("2.0.0-rc.1", tags));
    assert_eq!(loaded.problems, []);
    let unmet = loaded.publications[0].unmet.iter().map(|tag| format!("{}: {}", tag.template, tag.why));
    let why = "condition not met: stable (2.0.0-rc.1 is a pre-release)";
    assert_eq!(unmet.collect::<Vec<_>>(), [format!("{{version.major}}: {why}")]);
}

#[test]
fn a_floating_tag_that_a_pre_release_does_not_get_is_held_back() {
    let held_back = |version: &str, tags: &str| {
        let loaded = Machine::default().load(&list(version, &format!(r#""{{version}}", {tags}"#)));
        assert_eq!(loaded.problems, [], "{tags}");
        let tags = loaded.publications[0].held_back.iter().map(|tag| format!("{}: {}", tag.tag, tag.why));
        tags.collect::<Vec<_>>()
    };
    let why = "2.0.0-rc.1 is a pre-release";
    for when in ["stable", "newest"] {
        let both = format!(
            r#"{{ tag = "latest", when = "{when}" }}, {{ tag = "{{version.major}}.{{version.minor}}", when = "{when}" }}"#
        );
        assert_eq!(held_back("2.0.0-rc.1", &both), [format!("latest: {why}"), format!("2.0: {why}")]);
        assert_eq!(held_back("2.0.0", &both), [] as [&str; 0]);
        assert_eq!(held_back("main", &both), [] as [&str; 0]);
        // A tag that needs more than the version is not expanded, since it may not even have a value.
        let other = format!(r#"{{ tag = "{{variant}}-{{no-such}}", when = "{when}" }}"#);
        assert_eq!(held_back("2.0.0-rc.1", &other.replace("-{no-such}", "")), [] as [&str; 0]);
    }
    let further = r#"{ tag = "latest", when = ["stable", { variant = "slim" }] }"#;
    assert_eq!(held_back("2.0.0-rc.1", further), [] as [&str; 0], "it would not apply either way");
    let twice = r#""latest", { tag = "latest", when = "stable" }"#;
    assert_eq!(held_back("2.0.0-rc.1", twice), [] as [&str; 0], "the list has it");
}

#[test]
fn several_conditions_must_all_hold() {
    for (when, applies) in [
        (r#"["stable", { variant = "alpine*" }]"#, true),
        (r#"["stable", { variant = "slim" }]"#, false),
        (r#"{ variant = "alpine*", version = "1.*" }"#, true),
        (r#"{ variant = "alpine*", version = "2.*" }"#, false),
        (r#"[{ variant = "alpine*" }, { version = "2.*" }]"#, false),
        (r#"{ variant = ["slim", "alpine*"] }"#, true),
        (r#"{ variant = ["*", "!alpine*"] }"#, false),
        (r#"{ variant = "!slim" }"#, true),
        (r#"{ variant = "alpine" }"#, false),
        (r#"{ name = "a" }"#, true),
        (r#"["stable"]"#, true),
    ] {
        let found = tags(&list("1.2", &format!(r#""1", {{ tag = "t", when = {when} }}"#))).unwrap();
        assert_eq!(found.len() == 2, applies, "{when}");
    }
}

#[test]
fn a_list_to_which_no_tag_applies_is_left_out_and_each_reason_is_told_once() {
    let text = list(
        "1.4.0-rc.1",
        r#"{ tag = "{version}", when = "stable" }, { tag = "x", when = { variant = ["slim", "full"] } }, { tag = "y", when = "stable" }"#,
    );
    assert_eq!(
        tags(&text),
        Err(
            "condition not met: stable (1.4.0-rc.1 is a pre-release); condition not met: variant = \"alpine3.20\" does not match \"slim\" or \"full\""
                .to_owned()
        )
    );
    let loaded = Machine::default().load(&text);
    let left_out = &loaded.left_out[0];
    assert_eq!((left_out.id.as_str(), left_out.target.to_string().as_str()), ("a", "r.io/a"));
    assert_eq!(&text[left_out.span.range.clone()], "{version}");
    // It is not a problem if the file has other lists, and these are published.
    let loaded = Machine::default().load(&format!("{text}[list.b]\n"));
    assert_eq!((loaded.publications[0].id.as_str(), loaded.left_out.len(), loaded.problems.len()), ("b", 1, 0));
}

#[test]
fn the_reason_names_the_value_and_the_glob_also_if_they_are_empty() {
    for (value, globs, why) in [
        ("v2.9.1", r#""""#, r#"rel = "v2.9.1" does not match """#),
        ("", r#""?*""#, r#"rel = "" does not match "?*""#),
        ("a", r#"["b", "c*"]"#, r#"rel = "a" does not match "b" or "c*""#),
        ("v1-rc.1", r#"["v*", "!*-rc.*"]"#, r#"rel = "v1-rc.1" is excluded by "!*-rc.*""#),
    ] {
        let text = with_defaults(&format!(
            r#"
                [list.a]
                vars.rel = "{value}"
                tags = [{{ tag = "t", when = {{ rel = {globs} }} }}]
            "#
        ));
        assert_eq!(tags(&text), Err(format!("condition not met: {why}")));
    }
}

#[test]
fn a_list_that_is_left_out_may_have_sources_that_are_invalid_without_its_value() {
    let text = with_defaults(
        r#"
            [vars]
            rel = { env = "TAG", default = "" }
            [list.release]
            source = "r.io/{name}:{rel|no-v}-{arch}"
            annotations."com.acme.minor" = "{rel.minor}"
            tags = [{ tag = "{rel|no-v}", when = { rel = "?*" } }]
            [list.branch]
            tags = [{ tag = "main", when = { rel = "" } }]
        "#,
    );
    let loaded = Machine::default().load(&text);
    assert_eq!((loaded.problems.as_slice(), loaded.publications[0].id.as_str()), (&[][..], "branch"));
    assert_eq!(loaded.left_out[0].why, r#"condition not met: rel = "" does not match "?*""#);
    let loaded = Machine::default().env("TAG", "v2.9.1").load(&text);
    assert_eq!((loaded.problems.as_slice(), loaded.publications[0].id.as_str()), (&[][..], "release"));
}

#[test]
fn what_does_not_apply_is_not_expanded_and_nothing_of_it_is_asked() {
    let text = with_defaults(
        r#"
            [vars]
            version = "1.0-rc"
            unset = { env = "UNSET" }
            [list.a]
            tags = ["1", { tag = "{version.patch}{unset}", when = ["stable", { unset = "x" }] }]
            [list.gone]
            source = "r.io/a:{unset}"
            tags = [{ tag = "1", when = "stable" }]
        "#,
    );
    let mut machine = Machine::default();
    assert_eq!(machine.ids(&text), ["a"]);
    assert_eq!(machine.asked, BTreeSet::new());
}

#[test]
fn what_a_condition_needs_is_asked_and_lacking_it_is_a_problem() {
    let text = with_defaults(
        r#"
            [list.a]
            vars.v = { env = "V" }
            tags = ["1", { tag = "t", when = { v = "x" } }]
        "#,
    );
    assert_eq!(Machine::default().slugs(&text), ["no_value"]);
    let mut machine = Machine::default().env("V", "x");
    assert_eq!(machine.load(&text).publications[0].tags.len(), 2);
    // Nothing is requested for a list that is not selected.
    let mut machine = Machine::default().select("b");
    assert_eq!(machine.ids(&format!("{text}[list.b]\n")), ["b"]);
    assert_eq!(machine.asked, BTreeSet::new());
}

#[test]
fn a_reason_does_not_say_what_a_file_holds() {
    let text = with_defaults(
        r#"
            [list.a]
            vars.version = { file = "VERSION" }
            tags = [{ tag = "t", when = "stable" }, { tag = "u", when = { version = "x*" } }]
        "#,
    );
    let mut machine = Machine::default().knows(Question::File("VERSION".into()), "secret");
    let loaded = machine.load(&text);
    assert_eq!(
        loaded.left_out[0].why,
        "condition not met: stable ({version} is not a version); condition not met: version does not match \"x*\""
    );
}

#[test]
fn a_list_without_a_version_has_neither_stable_nor_newest() {
    for when in [r#""stable""#, r#""newest""#, r#"[{ name = "a" }, "stable"]"#] {
        let text = with_defaults(&format!(
            r#"
                [list.a]
                tags = ["1", {{ tag = "t", when = {when} }}]
            "#
        ));
        assert_eq!(Machine::default().slugs(&text), ["no_version"], "{when}");
    }
    let axis = with_defaults(
        r#"
            [list.a]
            matrix.version = ["1.2"]
            tags = ["1", { tag = "t", when = "stable" }]
        "#,
    );
    assert_eq!(tags(&axis), Ok(vec!["1".to_owned(), "t".to_owned()]));
}

#[test]
fn one_fault_is_told_once_and_none_is_its_echo() {
    for (tags, slugs) in [
        (r#"{ tag = "t", when = "stabel" }"#, &["type"][..]),
        (r#"{ tag = "t", when = [] }"#, &["type"]),
        (r#"{ tag = "t", when = {} }"#, &["type"]),
        (r#"{ tag = "t", when = true }"#, &["type"]),
        (r#"{ tag = "t", when = [["stable"]] }"#, &["type"]),
        (r#"{ tag = "t", when = { variant = 3.10 } }"#, &["type"]),
        (r#"{ tag = "t", when = { variant = [] } }"#, &["type"]),
        (r#"{ tag = "t", when = { variant = ["[a", "[b"] } }"#, &["type", "type"]),
        (r#"{ tag = "t", when = { varaint = "x" } }"#, &["unknown_variable"]),
        (r#"{ tag = "t", when = { arch = "x" } }"#, &["unknown_variable"]),
        (r#"{ tag = "t", wehn = "stable" }"#, &["unknown_key"]),
        (r#"{ tga = "t", when = "stable" }"#, &["unknown_key"]),
        (r#"{ when = "stable" }"#, &["missing_key"]),
        ("{}", &["missing_key"]),
        (r#"{ tag = "a b", when = "stable" }"#, &["bad_tag"]),
        (r#"{ tag = "{version", when = "newest" }"#, &["bad_template"]),
        // If a tag is faulty, it is not known which tag every version has.
        (r#""{version", { tag = "t", when = "newest" }"#, &["bad_template"]),
        ("3.10", &["type"]),
    ] {
        let found = problems(&list("1.2", &format!(r#""1", {tags}"#)));
        assert_eq!(found.iter().map(|(slug, _)| *slug).collect::<Vec<_>>(), slugs, "{tags}: {found:?}");
    }
}

#[test]
fn a_row_has_conditions_but_newest() {
    let row = |when: &str| {
        with_defaults(&format!(
            r#"
                [list.a]
                vars.version = "1.2"
                platforms = ["linux/amd64", {{ platform = "linux/arm64", when = {when} }}]
            "#
        ))
    };
    for (when, members) in [
        (r#""stable""#, 2),
        (r#"{ version = "1.*" }"#, 2),
        (r#"["stable", { name = "b" }]"#, 1),
        (r#"{ version = "2.*" }"#, 1),
    ] {
        let loaded = Machine::default().load(&row(when));
        assert_eq!((loaded.publications[0].members.len(), loaded.problems.as_slice()), (members, &[][..]), "{when}");
    }
    assert_eq!(Machine::default().slugs(&row(r#"{ varsion = "1" }"#)), ["unknown_variable"]);
    assert_eq!(problems(&row(r#""newest""#))[0].1, "`newest` cannot be used in a row of `platforms`");
    assert_eq!(problems(&row(r#"["newst"]"#))[0].1, "`newst` is not a valid condition");
}
