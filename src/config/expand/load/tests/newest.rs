//! `newest`: which lists of a file claim a tag with it, and what the planner receives.

use super::*;
use crate::config::TargetTag;

/// `id: tag, tag<rival` of each list. There must be no problem.
fn claims(machine: &mut Machine, text: &str) -> Vec<String> {
    let loaded = machine.load(text);
    assert_eq!(loaded.problems, [], "{text}");
    let shown = |tag: &TargetTag| match &tag.newest {
        None => tag.tag.to_string(),
        Some(newest) => {
            let rivals: Vec<&str> = newest.rivals.iter().map(crate::naming::Version::as_str).collect();
            format!("{}<{}", tag.tag, rivals.join(","))
        }
    };
    let list =
        |list: &Arc<Publication>| format!("{}: {}", list.id, list.tags.iter().map(shown).collect::<Vec<_>>().join(" "));
    loaded.publications.iter().map(list).collect()
}

/// A list of these versions, all published in one repository with these tags.
fn versions(versions: &str, tags: &str) -> String {
    with_defaults(&format!(
        "
        [list.app]
        matrix.version = [{versions}]
        tags = [{tags}]
    "
    ))
}

const ALIASES: &str = "\"{version}\", { tag = \"{version.major}.{version.minor}\", when = \"newest\" }, \
                       { tag = \"{version.major}\", when = \"newest\" }, { tag = \"latest\", when = \"newest\" }";

#[test]
fn of_a_file_the_greatest_version_has_each_tag_that_its_template_gives_it() {
    for (name, file, expected) in [
        (
            "a backport",
            versions(r#""1.3.0", "1.2.9""#, ALIASES),
            &["app/1.3.0: 1.3.0 1.3< 1< latest<", "app/1.2.9: 1.2.9 1.2< 1<1.3.0 latest<1.3.0"][..],
        ),
        (
            "the greatest of several rivals is told",
            versions(r#""1.2.9", "2.0.1", "1.10.0""#, ALIASES),
            &[
                "app/1.2.9: 1.2.9 1.2< 1<1.10.0 latest<2.0.1",
                "app/2.0.1: 2.0.1 2.0< 2< latest<",
                "app/1.10.0: 1.10.0 1.10< 1< latest<2.0.1",
            ],
        ),
        (
            "a revision",
            versions(r#""3.5.12-0", "3.5.12-1""#, ALIASES),
            &[
                "app/3.5.12-0: 3.5.12-0 3.5<3.5.12-1 3<3.5.12-1 latest<3.5.12-1",
                "app/3.5.12-1: 3.5.12-1 3.5< 3< latest<",
            ],
        ),
        (
            "a pre-release has none of them",
            versions(r#""2.0.0-rc.1", "1.2.9""#, ALIASES),
            &["app/2.0.0-rc.1: 2.0.0-rc.1", "app/1.2.9: 1.2.9 1.2< 1< latest<"],
        ),
        (
            "an arch tag is no rival",
            with_defaults(
                r#"
                    target = "r.io/app"
                    [list.app]
                    vars.version = "1.22.0"
                    tags = ["{version}", { tag = "latest", when = "newest" }]
                    [list.arch]
                    vars.version = "1.22.0-386"
                    tags = ["{version}", { tag = "latest-386", when = "newest" }]
                "#,
            )
            .replacen("target = \"r.io/{name}\"\n", "", 1),
            &["app: 1.22.0 latest<", "arch: 1.22.0-386 latest-386<"],
        ),
        (
            "a variant has its own",
            with_defaults(
                r#"
                    [list.app]
                    matrix.version = ["1.3", "1.2"]
                    matrix.variant = ["-alpine", ""]
                    tags = ["{version}{variant}", { tag = "latest{variant}", when = "newest" }]
                "#,
            ),
            &[
                "app/1.3/-alpine: 1.3-alpine latest-alpine<",
                "app/1.3/: 1.3 latest<",
                "app/1.2/-alpine: 1.2-alpine latest-alpine<1.3",
                "app/1.2/: 1.2 latest<1.3",
            ],
        ),
        (
            "through variables",
            with_defaults(
                r#"
                    [list.app]
                    matrix.version = ["v1.2.3", "v1.2.4", "v1.3.0"]
                    vars.full = "{version}-x"
                    vars.minor = "{version.major}.{version.minor}"
                    tags = ["{full}", { tag = "{minor|replace:.:_}-x", when = "newest" }]
                "#,
            ),
            &["app/v1.2.3: v1.2.3-x 1_2-x<v1.2.4", "app/v1.2.4: v1.2.4-x 1_2-x<", "app/v1.3.0: v1.3.0-x 1_3-x<"],
        ),
    ] {
        assert_eq!(claims(&mut Machine::default(), &file), expected, "{name}");
    }
}

#[test]
fn the_templates_know_the_other_versions() {
    let text = with_defaults(
        r#"
            [list.app]
            vars.version = "v1.2.3"
            vars.variant = "-alpine"
            vars.minor = "{version.major}.{version.minor}"
            tags = [{ tag = "{version}", when = "stable" }, "x-{version|no-v}{variant}", "{version}", { tag = "{minor}{variant}", when = "newest" }, { tag = "latest", when = "newest" }]
        "#,
    );
    let loaded = Machine::default().load(&text);
    assert_eq!(loaded.problems, []);
    let newest = |at: usize| loaded.publications[0].tags[at].newest.as_ref().unwrap();
    // The first tag that always applies, with everything but the version filled in.
    assert_eq!(newest(2).published_as.find("x-1.2.4-alpine").as_deref(), Some("1.2.4"));
    assert_eq!(newest(2).published_as.find("1.2.4"), None);
    assert_eq!(newest(2).claim.with("1.2.4").as_deref(), Some("1.2-alpine"));
    assert_eq!(newest(2).claim.with("1.3").as_deref(), Some("1.3-alpine"));
    assert_eq!(newest(2).claim.with("20240729"), None);
    assert_eq!(newest(3).claim.with("20240729").as_deref(), Some("latest"));
    assert_eq!(newest(3).version.as_str(), "v1.2.3");
    assert_eq!(loaded.publications[0].own_tag().tag.as_str(), "v1.2.3");
}

#[test]
fn a_version_from_outside_is_as_good_as_one_of_the_file() {
    let text = with_defaults(
        r#"
            [vars]
            version = { env = "VERSION" }
            [list.app]
            tags = ["{version}", { tag = "{version.major}", when = "newest" }]
        "#,
    );
    assert_eq!(claims(&mut Machine::default().env("VERSION", "1.4.0"), &text), ["app: 1.4.0 1<"]);
    let mut machine = Machine::default().set("version=2.0");
    assert_eq!(claims(&mut machine, &text), ["app: 2.0 2<"]);
    let loaded = machine.load(&text);
    let newest = loaded.publications[0].tags[1].newest.as_ref().unwrap();
    assert_eq!(newest.claim.with("3.1").as_deref(), Some("3"));
    assert_eq!(newest.published_as.find("3.1").as_deref(), Some("3.1"));
}

#[test]
fn who_always_has_a_tag_has_it_whatever_else_is_published() {
    for tags in [
        r#""{version}", "latest", { tag = "latest", when = "newest" }"#,
        r#""{version}", { tag = "latest", when = "newest" }, "latest""#,
        r#""{version}", { tag = "latest", when = "newest" }, { tag = "latest", when = "stable" }"#,
    ] {
        assert_eq!(claims(&mut Machine::default(), &versions(r#""1.2""#, tags)), ["app/1.2: 1.2 latest"], "{tags}");
    }
    let twice = r#""{version}", { tag = "1", when = "newest" }, { tag = "{version.major}", when = "newest" }"#;
    assert_eq!(claims(&mut Machine::default(), &versions(r#""1.2""#, twice)), ["app/1.2: 1.2 1<"]);
}

#[test]
fn a_tag_is_claimed_twice_where_neither_version_is_newer() {
    let list = |name: &str, version: &str, tag: &str| {
        format!(
            r#"
                [list.{name}]
                vars.version = "{version}"
                tags = ["{name}-{{version}}", {{ tag = "{tag}", when = "newest" }}]
            "#
        )
    };
    let file = |lists: &[String]| {
        with_defaults(&lists.concat()).replacen(r#"target = "r.io/{name}""#, r#"target = "r.io/all""#, 1)
    };
    for (lists, why) in [
        ([list("a", "1.2.0", "latest"), list("b", "1.2.0", "latest")], "both have version 1.2.0"),
        ([list("a", "1.2.0", "latest"), list("b", "v1.2", "latest")], "versions 1.2.0 and v1.2 are equal"),
        (
            [list("a", "1.22.0", "latest"), list("b", "1.22.0-386", "latest")],
            "versions 1.22.0 and 1.22.0-386 are not compared: their suffixes or numbers of parts differ",
        ),
        (
            [list("a", "20240729", "latest"), list("b", "1.22.0", "latest")],
            "versions 20240729 and 1.22.0 are not compared: their suffixes or numbers of parts differ",
        ),
        (
            [list("a", "1.2", "{version.major}"), list("b", "2.0", "1")],
            "with the tag template of `a`, version 2.0 has a different tag",
        ),
        (
            [list("b", "2.0", "1"), list("a", "1.2", "{version.major}")],
            "with the tag template of `a`, version 2.0 has a different tag",
        ),
    ] {
        let problems = Machine::default().load(&file(&lists)).problems;
        assert_eq!(problems.len(), 1, "{why}: {problems:?}");
        assert_eq!((problems[0].slug(), problems[0].causes.join("|").as_str()), ("tag_twice", why));
        assert!(problems[0].message.ends_with(", and neither version is newer"), "{}", problems[0].message);
    }
    // A list that gives way to another does not conflict with it. A list that always has the tag does conflict.
    let lists = [list("a", "1.2", "latest"), list("b", "1.3", "latest"), list("c", "1.1", "latest")];
    assert_eq!(Machine::default().slugs(&file(&lists)), [""; 0]);
    let always = r#"
        [list.z]
        tags = ["latest"]
    "#
    .to_owned();
    let problems = Machine::default().load(&file(&[list("a", "1.2", "latest"), always])).problems;
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].message, "lists `a` and `z` both publish r.io/all:latest");
}

#[test]
fn a_repository_of_another_name_has_its_own_newest() {
    let text = with_defaults(
        r#"
            [list.a]
            vars.version = "1.2"
            tags = ["{version}", { tag = "latest", when = "newest" }]
            [list.b]
            vars.version = "1.3"
            tags = ["{version}", { tag = "latest", when = "newest" }]
        "#,
    );
    assert_eq!(claims(&mut Machine::default(), &text), ["a: 1.2 latest<", "b: 1.3 latest<"]);
}

#[test]
fn rivals_are_looked_for_in_lists_that_are_not_selected_and_only_where_they_count() {
    let list = |name: &str, target: &str, tags: &str| {
        format!(
            r#"
                [list.{name}]
                source = "r.io/s:{{other}}"
                vars.other = {{ env = "S_{name}" }}
                vars.version = {{ env = "V_{name}" }}
                target = "{target}"
                tags = [{tags}]
            "#
        )
    };
    let newest = r#""{version}", { tag = "latest", when = "newest" }"#;
    let text = with_defaults(
        &[
            list("a", "r.io/app", newest),
            list("b", "r.io/app", r#""{version}""#),
            list("c", "r.io/app", newest),
            list("d", "r.io/other", newest),
        ]
        .concat(),
    );
    let mut machine = Machine::default().env("V_a", "1.2").env("S_a", "s").env("V_c", "1.3").select("a");
    assert_eq!(claims(&mut machine, &text), ["a: 1.2 latest<1.3"]);
    let asked = |names: &[&str]| names.iter().map(|name| Question::Env((*name).into())).collect::<BTreeSet<_>>();
    assert_eq!(machine.asked, asked(&["V_a", "S_a", "V_c"]));
    // A list without a value claims nothing, and this is not a problem of the selected list.
    let mut machine = Machine::default().env("V_a", "1.2").env("S_a", "s").select("a");
    assert_eq!(claims(&mut machine, &text), ["a: 1.2 latest<"]);
    // A list without such a tag needs no rivals.
    let mut machine = Machine::default().env("V_b", "1.2").env("S_b", "s").select("b");
    assert_eq!(claims(&mut machine, &text), ["b: 1.2"]);
    assert_eq!(machine.asked, asked(&["V_b", "S_b"]));
}

#[test]
fn some_tag_says_which_versions_are_published() {
    let newest = r#"{ tag = "latest", when = "newest" }"#;
    for tags in [
        newest,
        r#"{ tag = "{version}", when = "stable" }, { tag = "latest", when = "newest" }"#,
        r#""{version.major}", { tag = "latest", when = "newest" }"#,
        r#""{lower}", { tag = "latest", when = "newest" }"#,
        r#""fixed", { tag = "{version}", when = "newest" }"#,
    ] {
        // Also reported for a pre-release, so that the mistake is not found only at a release.
        for version in ["1.2", "1.2-rc"] {
            let text = with_defaults(&format!(
                r#"
                    [list.a]
                    vars.version = "{version}"
                    vars.lower = "{{version|lower|replace:a:b}}"
                    tags = [{tags}]
                "#
            ));
            let slugs = Machine::default().slugs(&text);
            let expected = if tags.contains("{lower}") { vec![] } else { vec!["newest_without_version_tag"] };
            assert_eq!(slugs, expected, "{tags}");
        }
    }
    let filtered = with_defaults(&format!(
        r#"
            [list.a]
            vars.version = "1.2"
            vars.full = "{{version}}-x"
            tags = ["{{full|lower}}", {newest}]
        "#
    ));
    assert_eq!(Machine::default().slugs(&filtered), ["newest_without_version_tag"]);
}
