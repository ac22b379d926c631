//! Which level wins, and which value `--set` replaces.

use super::*;

fn sources(text: &str) -> Vec<String> {
    let loaded = Machine::default().load(text);
    assert_eq!(loaded.problems, []);
    loaded.publications.iter().flat_map(|p| &p.members).map(|member| member.source.to_string()).collect()
}

#[test]
fn row_list_convention_defaults() {
    let text = with_defaults(
        r#"
            [convention.c]
            source = "c.io/{name}:1"
            [list.defaults]
            [list.convention]
            convention = "c"
            [list.list]
            convention = "c"
            source = "l.io/{name}:1"
            [list.row]
            source = "l.io/x:1"
            platforms = [{ platform = "linux/amd64", source = "row.io/{name}:1" }]
        "#,
    );
    assert_eq!(sources(&text), ["r.io/defaults-amd64:1", "c.io/convention:1", "l.io/list:1", "row.io/row:1"]);
}

#[test]
fn a_convention_of_the_defaults_holds_where_a_list_asks_for_none() {
    let text = with_defaults(
        r#"
            convention = "c"
            [convention.c]
            tags = ["c"]
            [convention.d]
            tags = ["d"]
            [list.a]
            [list.b]
            convention = "d"
        "#,
    );
    assert_eq!(Machine::default().lists(&text), ["r.io/a:c", "r.io/b:d"]);
}

#[test]
fn variables_go_list_convention_axes_of_defaults_set_vars() {
    let text = with_defaults(
        r#"
            matrix.axis = ["d1"]
            [vars]
            v = "vars"
            axis = "vars"
            [convention.c]
            vars.v = "conv"
            tags = ["{v}-{axis}"]
            [list.a]
            tags = ["{v}-{axis}"]
            [list.b]
            convention = "c"
            [list.c]
            convention = "c"
            vars.v = "own"
            vars.axis = "own"
        "#,
    );
    assert_eq!(Machine::default().lists(&text), ["r.io/a:vars-d1", "r.io/b:conv-d1", "r.io/c:own-own"]);
    assert_eq!(Machine::default().set("v=set").lists(&text), ["r.io/a:set-d1", "r.io/b:conv-d1", "r.io/c:own-own"]);
    assert_eq!(Machine::default().set("c:v=set").lists(&text), ["r.io/a:vars-d1", "r.io/b:conv-d1", "r.io/c:set-own"]);
    assert_eq!(
        Machine::default().set("b:v=one").set("b:v=two").lists(&text)[1],
        "r.io/b:two-d1",
        "the last of several counts"
    );
}

#[test]
fn an_axis_of_the_nearest_level_wins_and_keeps_its_turn() {
    let text = with_defaults(
        r#"
            matrix.a = ["1", "2"]
            matrix.b = ["x"]
            tags = ["{a}-{b}"]
            [list.l]
            matrix.b = ["y", "z"]
            matrix.a = ["3"]
            [list.m]
            vars.a = ""
            matrix.c = [""]
            tags = ["{b}{c}"]
        "#,
    )
    .replacen("tags = [\"1\"]\n", "", 1);
    assert_eq!(Machine::default().ids(&text), ["l/3/y", "l/3/z", "m/x/"]);
}

#[test]
fn the_first_axis_turns_slowest() {
    let text = with_defaults(
        r#"
            [list.l]
            matrix.z = ["1", "2"]
            matrix.a = ["x", "y"]
            tags = ["{z}{a}"]
        "#,
    );
    assert_eq!(Machine::default().ids(&text), ["l/1/x", "l/1/y", "l/2/x", "l/2/y"]);
}

#[test]
fn name_is_the_axis_then_the_variable_then_the_key() {
    let text = with_defaults(
        r#"
            [list.key]
            [list.variable]
            vars.name = "v"
            [list.axis]
            matrix.name = ["{name}-1", "{name}-2"]
        "#,
    );
    assert_eq!(Machine::default().lists(&text), ["r.io/key:1", "r.io/v:1", "r.io/axis-1:1", "r.io/axis-2:1"]);
}

#[test]
fn a_list_that_breaks_a_ring_has_none() {
    let text = with_defaults(
        r#"
            [vars]
            a = "{b}"
            b = "{a}"
            [list.l]
            vars.b = "x"
            tags = ["{a}"]
        "#,
    );
    assert_eq!(Machine::default().lists(&text), ["r.io/l:x"]);
}

#[test]
fn set_must_name_a_variable() {
    let text = with_defaults(
        r#"
            [vars]
            version = "1"
            [list.app]
            vars.own = "x"
            matrix.axis = ["a"]
            tags = ["{version}{own}"]
        "#,
    );
    for (set, help) in [
        ("versoin=2", "did you mean `version`?"),
        ("own=2", "to set it for one list: --set app:own=…"),
        ("other=2", "variables in [vars]: version"),
        ("ap:own=2", "did you mean `app`?"),
        ("app:onw=2", "did you mean `own`?"),
        ("app:name=2", r#"add it to the list: vars.name = "…""#),
    ] {
        let problems = Machine::default().set(set).load(&text).problems;
        assert_eq!(problems.iter().map(Problem::slug).collect::<Vec<_>>(), ["unknown_set"], "{set}");
        assert_eq!(problems[0].help.as_deref(), Some(help), "{set}");
    }
    assert_eq!(Machine::default().set("app:axis=2").slugs(&text), ["unknown_set"]);
    assert_eq!(Machine::default().set("app:version=2").lists(&text), ["r.io/app:2x"]);
}

#[test]
fn set_must_reach_a_selected_list() {
    let text = with_defaults(
        r#"
            [vars]
            v = "1"
            [list.pinned]
            vars.v = "2"
            tags = ["{v}"]
            [list.free]
            tags = ["{v}"]
        "#,
    );
    assert_eq!(Machine::default().set("v=9").lists(&text), ["r.io/pinned:2", "r.io/free:9"]);
    assert_eq!(Machine::default().set("v=9").select("pinned").slugs(&text), ["set_without_effect"]);
    assert_eq!(Machine::default().set("free:v=9").select("pinned").slugs(&text), ["set_without_effect"]);
    assert_eq!(Machine::default().set("pinned:v=9").select("pinned").lists(&text), ["r.io/pinned:9"]);
}
