//! The level that determines each key of a target or row: row > target > list > convention > defaults > built in.

use std::time::Duration;

use super::*;
use crate::config::keys::{Shape, TableKind, keys_of};
use crate::config::model::Placed;

/// A key with two values, its built-in default, and a function that shows its value.
struct Case {
    key: &'static str,
    values: [&'static str; 2],
    /// How each value is shown. `built_in` is what is shown if no level has the key, or `None` if the key is required.
    shows: [&'static str; 2],
    built_in: Option<&'static str>,
    of: fn(&Publication) -> String,
}

fn word(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

const CASES: [Case; 14] = [
    Case {
        key: "platforms",
        values: [r#"["linux/amd64"]"#, r#"{ x = "linux/386" }"#],
        shows: ["linux/amd64", "linux/386"],
        built_in: None,
        of: |list| list.members[0].platform.to_string(),
    },
    Case {
        key: "arch-style",
        values: [r#""uname""#, r#""docker-library""#],
        shows: ["i686", "i386"],
        built_in: Some("386"),
        of: |list| list.members[0].arch.clone().unwrap(),
    },
    Case {
        key: "source",
        values: [r#""a.io/{name}:1""#, r#""b.io/{name}:1""#],
        shows: ["a.io/l:1", "b.io/l:1"],
        built_in: None,
        of: |list| list.members[0].source.to_string(),
    },
    Case {
        key: "tags",
        values: [r#"["1"]"#, r#"["2", "3"]"#],
        shows: ["1", "2 3"],
        built_in: None,
        of: |list| list.tags.iter().map(|tag| tag.tag.as_str()).collect::<Vec<_>>().join(" "),
    },
    Case {
        key: "member-tags",
        values: [r#"["{tag}-{arch}"]"#, r#"["m-{os}"]"#],
        shows: ["1-386", "m-linux"],
        built_in: Some(""),
        of: |list| list.members[0].tags.iter().map(|tag| tag.tag.as_str()).collect::<Vec<_>>().join(" "),
    },
    Case {
        key: "missing",
        values: [r#""skip""#, r#""keep""#],
        shows: ["Skip", "Keep"],
        built_in: Some("Error"),
        of: |list| word(&list.members[0].missing),
    },
    Case {
        key: "wait",
        values: [r#""90s""#, r#""1h""#],
        shows: ["90s", "3600s"],
        built_in: Some("0ns"),
        of: |list| word(&list.rules.wait),
    },
    Case {
        key: "undeclared",
        values: [r#""keep""#, r#""remove""#],
        shows: ["Keep", "Remove"],
        built_in: Some("Remove"),
        of: |list| word(&list.rules.undeclared),
    },
    Case {
        key: "mismatch",
        values: [r#""warn""#, r#""declared""#],
        shows: ["Warn", "Declared"],
        built_in: Some("Error"),
        of: |list| word(&list.rules.mismatch),
    },
    Case {
        key: "format",
        values: [r#""oci""#, r#""docker""#],
        shows: ["Oci", "Docker"],
        built_in: Some("Auto"),
        of: |list| word(&list.rules.format),
    },
    Case {
        key: "attestations",
        values: [r#""drop""#, r#""keep""#],
        shows: ["Drop", "Keep"],
        built_in: Some("Keep"),
        of: |list| word(&list.rules.attestations),
    },
    Case {
        key: "immutable",
        values: [r#"["v*", "!v0"]"#, "[]"],
        shows: ["v* !v0", ""],
        built_in: Some(""),
        of: |list| {
            let globs = list.rules.immutable.as_ref().map(|Placed { value, .. }| value.patterns().to_vec());
            globs.unwrap_or_default().iter().map(crate::naming::Pattern::source).collect::<Vec<_>>().join(" ")
        },
    },
    Case {
        key: "annotations",
        values: [r#"{ "a.b" = "{name}" }"#, r#"{ "a.b" = "2" }"#],
        shows: ["a.b=l", "a.b=2"],
        built_in: Some(""),
        of: |list| list.annotations.iter().map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>().join(" "),
    },
    Case {
        key: "artifact-type",
        values: [r#""a/b""#, r#""c/d""#],
        shows: ["a/b", "c/d"],
        built_in: Some(""),
        of: |list| list.artifact_type.clone().unwrap_or_default(),
    },
];

/// The levels, from the farthest to the nearest.
const LEVELS: [TableKind; 5] =
    [TableKind::Defaults, TableKind::Convention, TableKind::List, TableKind::Target, TableKind::Row];

/// A file with `key` at these levels.
fn file(key: &str, at: &[(TableKind, &str)]) -> String {
    let line = |place: TableKind| {
        at.iter().find(|(level, _)| *level == place).map_or_else(String::new, |(_, value)| format!("{key} = {value}\n"))
    };
    let inline = |place: TableKind| line(place).lines().next().map_or_else(String::new, |line| format!(", {line}"));
    let base = [
        ("platforms", format!(r#"[{{ platform = "linux/386"{} }}]"#, inline(TableKind::Row))),
        ("source", r#""r.io/{name}-{arch}:1""#.to_owned()),
        ("tags", r#"["1"]"#.to_owned()),
    ];
    let base = base.iter().filter(|(name, _)| *name != key).map(|(name, value)| format!("{name} = {value}"));
    let base = base.collect::<Vec<_>>().join("\n");
    format!(
        r#"
            [defaults]
            {base}
            {}[convention.c]
            {}[list.l]
            convention = "c"
            target = {{ repository = "r.io/l"{} }}
            {}"#,
        line(TableKind::Defaults),
        line(TableKind::Convention),
        inline(TableKind::Target),
        line(TableKind::List),
    )
}

fn shown(case: &Case, at: &[(TableKind, &str)]) -> String {
    let text = file(case.key, at);
    let loaded = Machine::default().load(&text);
    assert_eq!(loaded.problems, [], "{text}");
    (case.of)(&loaded.publications[0])
}

#[test]
fn the_nearest_level_gives_each_key() {
    for case in &CASES {
        let info = keys_of(TableKind::List).find(|info| info.name == case.key).unwrap();
        // The annotations of a row belong to its own entry, not to the list.
        let levels: Vec<TableKind> = LEVELS
            .into_iter()
            .filter(|level| {
                info.table_kinds().any(|place| place == *level)
                    && (*level != TableKind::Row || case.key != "annotations")
            })
            .collect();
        assert!(levels.len() >= 4, "{}", case.key);
        for (far, farther) in levels.iter().enumerate() {
            for (value, shows) in case.values.iter().zip(case.shows) {
                assert_eq!(shown(case, &[(*farther, value)]), shows, "{} at {farther:?} alone", case.key);
            }
            for nearer in &levels[far + 1..] {
                for (near, other) in [(0, 1), (1, 0)] {
                    let at = [(*nearer, case.values[near]), (*farther, case.values[other])];
                    assert_eq!(shown(case, &at), case.shows[near], "{} at {nearer:?} and {farther:?}", case.key);
                }
            }
        }
        match case.built_in {
            Some(built_in) => assert_eq!(shown(case, &[]), built_in, "{}", case.key),
            None => assert_eq!(Machine::default().slugs(&file(case.key, &[])), ["missing_key"], "{}", case.key),
        }
    }
}

#[test]
fn every_key_of_a_target_is_in_the_table() {
    let of_target = keys_of(TableKind::Target).filter(|info| info.shape != Shape::NotYet && info.name != "repository");
    let known: BTreeSet<&str> = of_target.map(|info| info.name).collect();
    assert_eq!(CASES.iter().map(|case| case.key).collect::<BTreeSet<_>>(), known);
}

#[test]
fn annotations_are_joined_name_by_name_and_immutable_is_taken_whole() {
    let text = with_defaults(
        r#"
            annotations = { a = "defaults", b = "defaults", c = "defaults", d = "{name}" }
            immutable = ["v*"]
            convention = "c"
            wait = "5m"
            [convention.c]
            annotations = { b = "convention" }
            [list.l]
            annotations.c = "list"
            immutable = ["w*"]
            target = { repository = "r.io/l", annotations = { e = "target", c = "target" } }
        "#,
    );
    let loaded = Machine::default().load(&text);
    assert_eq!(loaded.problems, []);
    let list = &loaded.publications[0];
    let annotations: Vec<_> = list.annotations.iter().map(|(name, text)| format!("{name}={text}")).collect();
    assert_eq!(annotations, ["a=defaults", "b=convention", "c=target", "d=l", "e=target"]);
    assert_eq!(list.rules.wait, Duration::from_mins(5));
    let immutable = list.rules.immutable.as_ref().unwrap();
    assert!(immutable.value.matches("w1") && !immutable.value.matches("v1"));
    assert_eq!(&text[immutable.span.range.clone()], r#"["w*"]"#);
}

#[test]
fn what_no_level_needs_of_annotations_is_not_asked() {
    let text = with_defaults(
        r#"
            annotations = { a = "{v}" }
            [vars]
            v = { env = "V" }
            [list.l]
            annotations = { a = "own" }
            [list.other]
        "#,
    );
    let mut machine = Machine::default().select("l");
    assert_eq!(machine.ids(&text), ["l"]);
    assert_eq!(machine.asked, BTreeSet::new());
    assert_eq!(Machine::default().slugs(&text), ["no_value"]);
}
