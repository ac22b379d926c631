//! Rules of the reference of manifests.toml, one by one, that no other test file covers.

use super::*;

/// `platform = source` of each member of each list. There must be no problem.
fn members(machine: &mut Machine, text: &str) -> Vec<String> {
    let loaded = machine.load(text);
    assert_eq!(loaded.problems, [], "{text}");
    let members = loaded.publications.iter().flat_map(|list| &list.members);
    members.map(|member| format!("{} = {}", member.platform, member.source)).collect()
}

fn slugs(text: &str) -> Vec<&'static str> {
    Machine::default().slugs(text)
}

#[test]
fn lists_stand_where_their_headers_stand() {
    let text = with_defaults(
        "
        [list.z]
        [list.m]
        [list.a]
        [list.10]
        [list.9]
        [list]
        b = {}
    ",
    );
    assert_eq!(Machine::default().ids(&text), ["z", "m", "a", "10", "9", "b"]);
    // A list without a header of its own has the position of its first table.
    let text = with_defaults(
        "
        [list.z.vars]
        [list.m.vars]
        [list.a.vars]
        [list.z.matrix]
        [list.m]
    ",
    );
    assert_eq!(Machine::default().ids(&text), ["z", "a", "m"]);
}

#[test]
fn members_and_tags_stand_in_the_order_of_the_file() {
    let text = with_defaults(
        r#"
            [list.a]
            tags = ["z", "a", "10", "9", "z"]
            [list.a.platforms]
            z = "linux/s390x"
            a = "linux/amd64"
            m.platform = "linux/arm64"
        "#,
    );
    let loaded = Machine::default().load(&text);
    let tags: Vec<&str> = loaded.publications[0].tags.iter().map(|tag| tag.tag.as_str()).collect();
    assert_eq!(tags, ["z", "a", "10", "9"]);
    assert_eq!(
        members(&mut Machine::default(), &text),
        ["linux/s390x = r.io/a-z:1", "linux/amd64 = r.io/a-a:1", "linux/arm64 = r.io/a-m:1"]
    );
}

#[test]
fn axes_of_all_levels_turn_in_their_order() {
    let text = with_defaults(
        r#"
            matrix.d = ["1", "2"]
            tags = ["{d}{c}{l}"]
            convention = "c"
            [convention.c]
            matrix.c = ["x", "y"]
            [list.a]
            matrix.l = ["p", "q"]
        "#,
    )
    .replacen("tags = [\"1\"]\n", "", 1);
    assert_eq!(
        Machine::default().ids(&text),
        ["a/1/x/p", "a/1/x/q", "a/1/y/p", "a/1/y/q", "a/2/x/p", "a/2/x/q", "a/2/y/p", "a/2/y/q"]
    );
}

#[test]
fn tables_are_joined_name_by_name_and_all_else_is_taken_whole() {
    let text = with_defaults(
        r#"
            convention = "c"
            matrix.a = ["1"]
            [vars]
            v = "v"
            w = "w"
            [convention.c]
            vars.w = "c"
            vars.x = "c"
            tags = ["{v}{w}{x}{a}{b}", "c"]
            [list.l]
            vars.x = "l"
            matrix.b = ["2"]
            [list.m]
            vars.a = "m"
            vars.b = "m"
            tags = ["{v}{w}{x}{a}{b}"]
            platforms = { x = "linux/386" }
        "#,
    );
    let loaded = Machine::default().load(&text);
    assert_eq!(loaded.problems, []);
    let tags = |at: usize| loaded.publications[at].tags.iter().map(|tag| tag.tag.as_str()).collect::<Vec<_>>();
    assert_eq!((tags(0), tags(1)), (vec!["vcl12", "c"], vec!["vccmm"]));
    assert_eq!(loaded.publications[1].members.len(), 1);
}

#[test]
fn a_variable_takes_an_axis_away_and_an_axis_a_variable() {
    let text = with_defaults(
        r#"
            convention = "c"
            matrix.v = ["d"]
            tags = ["{v}-{w}"]
            [vars]
            v = "top"
            [convention.c]
            matrix.w = ["x", "y"]
            [list.axes]
            [list.variable]
            vars.v = ""
            vars.w = "own"
            [list.back]
            matrix.v = ["b"]
            vars.w = "own"
        "#,
    )
    .replacen("tags = [\"1\"]\n", "", 1)
    .replace("{v}-{w}", "x{v}-{w}");
    assert_eq!(
        Machine::default().lists(&text),
        ["r.io/axes:xd-x", "r.io/axes:xd-y", "r.io/variable:x-own", "r.io/back:xb-own"]
    );
    assert_eq!(Machine::default().ids(&text), ["axes/d/x", "axes/d/y", "variable", "back/b"]);
}

#[test]
fn set_reaches_only_what_no_nearer_level_gives() {
    let text = with_defaults(
        r#"
            [vars]
            v = { env = "V" }
            [convention.c]
            vars.v = "conv"
            [list.free]
            tags = ["{v}"]
            [list.conv]
            convention = "c"
            tags = ["{v}"]
            [list.axis]
            matrix.v = ["1"]
            tags = ["{v}"]
            [list.uses]
            vars.w = "{v}-w"
            tags = ["{w}"]
        "#,
    );
    let mut machine = Machine::default().set("v={os}=x:y").set("v=1.2=3:4").set("v=set");
    assert_eq!(machine.lists(&text), ["r.io/free:set", "r.io/conv:conv", "r.io/axis:1", "r.io/uses:set-w"]);
    assert!(machine.asked.is_empty(), "what --set gives is not asked for");
    for pinned in ["conv", "axis"] {
        assert_eq!(Machine::default().set("v=9").select(pinned).slugs(&text), ["set_without_effect"], "{pinned}");
    }
    assert_eq!(Machine::default().set("conv:v=9").select("conv").lists(&text), ["r.io/conv:9"]);
    assert_eq!(Machine::default().set("axis:v=9").select("axis").slugs(&text), ["unknown_set"]);
}

#[test]
fn a_value_for_one_entry_holds_for_all_its_lists_and_beats_the_one_for_all() {
    let text = with_defaults(
        r#"
            [vars]
            v = "1"
            [list.a]
            matrix.x = ["p", "q"]
            tags = ["{v}{x}"]
            [list.b]
            tags = ["{v}"]
        "#,
    );
    for sets in [["v=2", "a:v=3"], ["a:v=3", "v=2"]] {
        let mut machine = sets.into_iter().fold(Machine::default(), Machine::set);
        assert_eq!(machine.lists(&text), ["r.io/a:3p", "r.io/a:3q", "r.io/b:2"]);
    }
}

#[test]
fn what_only_a_convention_has_is_set_for_an_entry() {
    let text = with_defaults(
        r#"
            [convention.c]
            vars.suite = "x"
            [list.a]
            convention = "c"
            tags = ["{suite}"]
        "#,
    );
    let problems = Machine::default().set("suite=y").load(&text).problems;
    assert_eq!(problems[0].help.as_deref(), Some("to set it for one list: --set LIST:suite=…"));
    assert_eq!(Machine::default().set("a:suite=y").lists(&text), ["r.io/a:y"]);
}

#[test]
fn a_default_is_a_template_that_is_looked_up_only_if_needed() {
    let text = with_defaults(
        r#"
            [vars]
            v = { env = "V", default = "{w}-{name}" }
            w = { file = "{name}/{os}", default = "{arch}" }
            [list.a]
            source = "r.io/a:{v}"
        "#,
    );
    let mut machine = Machine::default();
    assert_eq!(members(&mut machine, &text), ["linux/amd64 = r.io/a:amd64-a"]);
    assert_eq!(machine.asked, BTreeSet::from([Question::Env("V".into()), Question::File("a/linux".into())]));
    let mut machine = Machine::default().env("V", "1");
    assert_eq!(members(&mut machine, &text), ["linux/amd64 = r.io/a:1"]);
    assert_eq!(machine.asked, BTreeSet::from([Question::Env("V".into())]));
    let mut machine = Machine::default().env("V", "").knows(Question::File("a/linux".into()), " \n");
    assert_eq!(members(&mut machine, &text), ["linux/amd64 = r.io/a:amd64-a"]);
}

#[test]
fn a_file_per_member_is_read_per_member() {
    let text = with_defaults(
        r#"
            [vars]
            d = { file = "digests/{os}-{arch}" }
            [list.a]
            source = "r.io/a:{d}"
            arch-style = "debian"
            platforms = ["linux/amd64", { platform = "linux/arm", arch = "any" }]
        "#,
    );
    let mut machine = Machine::default()
        .knows(Question::File("digests/linux-amd64".into()), "1\n")
        .knows(Question::File("digests/linux-any".into()), "2");
    assert_eq!(members(&mut machine, &text), ["linux/amd64 = r.io/a:1", "linux/arm = r.io/a:2"]);
    assert_eq!(machine.asked.len(), 2);
}

#[test]
fn an_empty_value_of_an_axis_leaves_nothing_in_the_id() {
    let text = with_defaults(
        r#"
            [list.a]
            matrix.x = ["", "b"]
            matrix.y = ["", "c"]
            tags = ["t{x}{y}"]
        "#,
    );
    assert_eq!(Machine::default().ids(&text), ["a//", "a//c", "a/b/", "a/b/c"]);
    assert_eq!(Machine::default().select("a//").ids(&text), ["a//"]);
}

#[test]
fn platform_stands_for_the_text_as_it_is_declared() {
    let text = with_defaults(
        r#"
            [list.a]
            platforms = ["linux/arm64/v8", "linux/arm/v7"]
            source = "r.io/a:{platform|replace:/:_}"
        "#,
    );
    assert_eq!(
        members(&mut Machine::default(), &text),
        ["linux/arm64/v8 = r.io/a:linux_arm64_v8", "linux/arm/v7 = r.io/a:linux_arm_v7"]
    );
}

#[test]
fn rows_by_one_convention_may_not_come_to_one_image_and_others_may() {
    let list = |platforms: &str| {
        with_defaults(&format!(
            r#"
                [list.a]
                source = "x:1"
                platforms = [{platforms}]
            "#
        ))
    };
    let own = |platform: &str, source: &str| format!(r#"{{ platform = "{platform}", source = "{source}" }}"#);
    assert_eq!(slugs(&list(r#""linux/amd64", "linux/386""#)), ["source_twice"]);
    assert_eq!(slugs(&list(r#""windows/amd64", "windows/amd64""#)), ["source_twice"]);
    assert_eq!(slugs(&list(&format!(r#""linux/amd64", {}"#, own("linux/386", "docker.io/library/x:1")))), [""; 0]);
    assert_eq!(slugs(&list(&format!("{}, {}", own("linux/amd64", "x:1"), own("linux/386", "x:1")))), [""; 0]);
    // Two spellings of one image are the same image.
    let spelled =
        r#"{ platform = "linux/amd64", arch = "docker.io/library/y" }, { platform = "linux/386", arch = "y" }"#;
    assert_eq!(slugs(&list(spelled).replace(r#""x:1""#, r#""{arch}:1""#)), ["source_twice"]);
}

#[test]
fn a_tag_is_claimed_once_whatever_the_repository_is_written_as() {
    for (one, other) in [
        ("x", "docker.io/library/x"),
        ("index.docker.io/o/x", "o/x"),
        ("oci:out", "oci:./in/../out/"),
        ("R.io/x", "r.io/x"),
        ("r.io:443/x", "r.io:443/x"),
    ] {
        let text = with_defaults(&format!(
            r#"
                [list.a]
                target = "{one}"
                [list.b]
                target = "{other}"
            "#
        ));
        assert_eq!(slugs(&text), ["tag_twice"], "{one} {other}");
        let apart = text.replace(
            "[list.b]\n",
            r#"
                [list.b]
                tags = ["2"]
            "#,
        );
        assert_eq!(slugs(&apart), [""; 0], "{one} {other}");
    }
}

#[test]
fn names_are_told_apart_by_what_they_name() {
    for good in [r#"list."a/b.c_d-e""#, "list.1a", "list.list", "list.vars", "convention.defaults", "convention.a_B-9"]
    {
        assert_eq!(
            slugs(&with_defaults(&format!(
                "
            [{good}]
            [list.other]
        "
            ))),
            [""; 0],
            "{good}"
        );
    }
    for bad in
        ["list.-a", r#"list."""#, r#"list."{name}""#, "list._a", "convention.1a", r#"convention."a.b""#, r#"list."ä""#]
    {
        assert_eq!(
            slugs(&with_defaults(&format!(
                "
            [{bad}]
            [list.other]
        "
            ))),
            ["bad_name"],
            "{bad}"
        );
    }
    for bad in ["1a", "_a", r#""a.b""#, "\"\"", r#""a/b""#] {
        for text in [
            format!("vars.{bad} = \"x\"\n"),
            format!("matrix.{bad} = [\"x\"]\n"),
            format!(
                r#"
                    [vars]
                    {bad} = "x"
                "#
            ),
        ] {
            assert_eq!(slugs(&with_defaults(&format!("[list.l]\n{text}"))), ["bad_name"], "{text}");
        }
    }
}

#[test]
fn no_variable_is_called_like_something_built_in_or_like_a_key_of_a_list() {
    let tables =
        ["vars", "list.l.vars", "convention.c.vars", "list.l.matrix", "defaults.matrix", "convention.c.matrix"];
    let keys =
        crate::config::keys::keys_of(crate::config::keys::TableKind::List).map(|info| (info.name, "misplaced_key"));
    let built_in = ["os", "arch", "platform", "tag"].map(|name| (name, "reserved_name"));
    for (name, slug) in keys.chain(built_in) {
        for table in tables {
            let text = with_defaults(&format!(
                r#"
                    [list.l]
                    [{table}]
                    {name} = ["x"]
                "#
            ));
            assert_eq!(slugs(&text), [slug], "{table} {name}");
        }
    }
    assert_eq!(
        slugs(&with_defaults(
            r#"
                [vars]
                name = "x"
                [list.l]
            "#
        )),
        ["reserved_name"]
    );
    assert_eq!(
        Machine::default().lists(&with_defaults(
            r#"
                convention = "c"
                [convention.c]
                vars.name = "x"
                [list.l]
            "#
        )),
        ["r.io/x:1"]
    );
}

#[test]
fn what_is_not_built_is_refused_wherever_it_may_stand() {
    use crate::config::keys::{KEYS, Shape, TableKind};
    let unbuilt = || KEYS.iter().filter(|info| info.shape == Shape::NotYet);
    for info in unbuilt() {
        let key = info.name;
        for place in info.table_kinds() {
            let text = match place {
                TableKind::Top => format!("{key} = 1\n{}", with_defaults("[list.l]\n")),
                TableKind::Defaults => with_defaults(&format!(
                    "
                    {key} = 1
                    [list.l]
                "
                )),
                TableKind::Convention => with_defaults(&format!(
                    "
                    [convention.c]
                    {key} = 1
                    [list.l]
                "
                )),
                TableKind::List => with_defaults(&format!(
                    "
                    [list.l]
                    {key} = 1
                "
                )),
                TableKind::Row => {
                    let row = format!(r#"{{ platform = "linux/amd64", {key} = 1 }}"#);
                    let table = with_defaults(&format!(
                        "
                        [list.l]
                        platforms = {{ amd64 = {row} }}
                    "
                    ));
                    assert_eq!(slugs(&table), ["not_yet"], "{key}");
                    with_defaults(&format!(
                        "
                        [list.l]
                        platforms = [{row}]
                    "
                    ))
                }
                TableKind::Target => with_defaults(&format!(
                    r#"
                        [list.l]
                        target = {{ repository = "r.io/x", {key} = 1 }}
                    "#
                )),
                TableKind::Tag | TableKind::OsVersion | TableKind::Axis | TableKind::Variable | TableKind::Registry => {
                    continue;
                }
            };
            let problems = Machine::default().load(&text).problems;
            assert_eq!(problems.iter().map(Problem::slug).collect::<Vec<_>>(), ["not_yet"], "{place:?} {key}");
            assert_eq!(&text[problems[0].labels[0].span.range.clone()], key);
        }
    }
    assert_eq!(unbuilt().count(), 1, "a key that is built is left out here by itself");
}
