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
    let text = with_defaults("[list.z]\n[list.m]\n[list.a]\n[list.10]\n[list.9]\n[list]\nb = {}\n");
    assert_eq!(Machine::default().ids(&text), ["z", "m", "a", "10", "9", "b"]);
    // A list without a header of its own has the position of its first table.
    let text = with_defaults("[list.z.vars]\n[list.m.vars]\n[list.a.vars]\n[list.z.matrix]\n[list.m]\n");
    assert_eq!(Machine::default().ids(&text), ["z", "a", "m"]);
}

#[test]
fn members_and_tags_stand_in_the_order_of_the_file() {
    let text = with_defaults(
        "[list.a]\ntags = [\"z\", \"a\", \"10\", \"9\", \"z\"]\n[list.a.platforms]\nz = \"linux/s390x\"\na = \"linux/amd64\"\nm.platform = \"linux/arm64\"\n",
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
        "matrix.d = [\"1\", \"2\"]\ntags = [\"{d}{c}{l}\"]\nconvention = \"c\"\n[convention.c]\nmatrix.c = [\"x\", \"y\"]\n\
         [list.a]\nmatrix.l = [\"p\", \"q\"]\n",
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
        "convention = \"c\"\nmatrix.a = [\"1\"]\n[vars]\nv = \"v\"\nw = \"w\"\n[convention.c]\nvars.w = \"c\"\nvars.x = \"c\"\ntags = [\"{v}{w}{x}{a}{b}\", \"c\"]\n\
         [list.l]\nvars.x = \"l\"\nmatrix.b = [\"2\"]\n[list.m]\nvars.a = \"m\"\nvars.b = \"m\"\ntags = [\"{v}{w}{x}{a}{b}\"]\nplatforms = { x = \"linux/386\" }\n",
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
        "convention = \"c\"\nmatrix.v = [\"d\"]\ntags = [\"{v}-{w}\"]\n[vars]\nv = \"top\"\n[convention.c]\nmatrix.w = [\"x\", \"y\"]\n\
         [list.axes]\n[list.variable]\nvars.v = \"\"\nvars.w = \"own\"\n[list.back]\nmatrix.v = [\"b\"]\nvars.w = \"own\"\n",
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
        "[vars]\nv = { env = \"V\" }\n[convention.c]\nvars.v = \"conv\"\n[list.free]\ntags = [\"{v}\"]\n[list.conv]\nconvention = \"c\"\ntags = [\"{v}\"]\n\
         [list.axis]\nmatrix.v = [\"1\"]\ntags = [\"{v}\"]\n[list.uses]\nvars.w = \"{v}-w\"\ntags = [\"{w}\"]\n",
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
        "[vars]\nv = \"1\"\n[list.a]\nmatrix.x = [\"p\", \"q\"]\ntags = [\"{v}{x}\"]\n[list.b]\ntags = [\"{v}\"]\n",
    );
    for sets in [["v=2", "a:v=3"], ["a:v=3", "v=2"]] {
        let mut machine = sets.into_iter().fold(Machine::default(), Machine::set);
        assert_eq!(machine.lists(&text), ["r.io/a:3p", "r.io/a:3q", "r.io/b:2"]);
    }
}

#[test]
fn what_only_a_convention_has_is_set_for_an_entry() {
    let text =
        with_defaults("[convention.c]\nvars.suite = \"x\"\n[list.a]\nconvention = \"c\"\ntags = [\"{suite}\"]\n");
    let problems = Machine::default().set("suite=y").load(&text).problems;
    assert_eq!(problems[0].help.as_deref(), Some("to set it for one list: --set ENTRY:suite=…"));
    assert_eq!(Machine::default().set("a:suite=y").lists(&text), ["r.io/a:y"]);
}

#[test]
fn a_default_is_a_template_that_is_looked_up_only_if_needed() {
    let text = with_defaults(
        "[vars]\nv = { env = \"V\", default = \"{w}-{name}\" }\nw = { file = \"{name}/{os}\", default = \"{arch}\" }\n\
         [list.a]\nsource = \"r.io/a:{v}\"\n",
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
        "[vars]\nd = { file = \"digests/{os}-{arch}\" }\n[list.a]\nsource = \"r.io/a:{d}\"\narch-style = \"debian\"\n\
         platforms = [\"linux/amd64\", { platform = \"linux/arm\", arch = \"any\" }]\n",
    );
    let mut machine = Machine::default()
        .knows(Question::File("digests/linux-amd64".into()), "1\n")
        .knows(Question::File("digests/linux-any".into()), "2");
    assert_eq!(members(&mut machine, &text), ["linux/amd64 = r.io/a:1", "linux/arm = r.io/a:2"]);
    assert_eq!(machine.asked.len(), 2);
}

#[test]
fn an_empty_value_of_an_axis_leaves_nothing_in_the_id() {
    let text = with_defaults("[list.a]\nmatrix.x = [\"\", \"b\"]\nmatrix.y = [\"\", \"c\"]\ntags = [\"t{x}{y}\"]\n");
    assert_eq!(Machine::default().ids(&text), ["a//", "a//c", "a/b/", "a/b/c"]);
    assert_eq!(Machine::default().select("a//").ids(&text), ["a//"]);
}

#[test]
fn platform_stands_for_the_text_as_it_is_declared() {
    let text = with_defaults(
        "[list.a]\nplatforms = [\"linux/arm64/v8\", \"linux/arm/v7\"]\nsource = \"r.io/a:{platform|replace:/:_}\"\n",
    );
    assert_eq!(
        members(&mut Machine::default(), &text),
        ["linux/arm64/v8 = r.io/a:linux_arm64_v8", "linux/arm/v7 = r.io/a:linux_arm_v7"]
    );
}

#[test]
fn rows_by_one_convention_may_not_come_to_one_image_and_others_may() {
    let list = |platforms: &str| with_defaults(&format!("[list.a]\nsource = \"x:1\"\nplatforms = [{platforms}]\n"));
    let own = |platform: &str, source: &str| format!("{{ platform = \"{platform}\", source = \"{source}\" }}");
    assert_eq!(slugs(&list("\"linux/amd64\", \"linux/386\"")), ["source_twice"]);
    assert_eq!(slugs(&list("\"windows/amd64\", \"windows/amd64\"")), ["source_twice"]);
    assert_eq!(slugs(&list(&format!("\"linux/amd64\", {}", own("linux/386", "docker.io/library/x:1")))), [""; 0]);
    assert_eq!(slugs(&list(&format!("{}, {}", own("linux/amd64", "x:1"), own("linux/386", "x:1")))), [""; 0]);
    // Two spellings of one image are the same image.
    let spelled =
        "{ platform = \"linux/amd64\", arch = \"docker.io/library/y\" }, { platform = \"linux/386\", arch = \"y\" }";
    assert_eq!(slugs(&list(spelled).replace("\"x:1\"", "\"{arch}:1\"")), ["source_twice"]);
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
        let text = with_defaults(&format!("[list.a]\ntarget = \"{one}\"\n[list.b]\ntarget = \"{other}\"\n"));
        assert_eq!(slugs(&text), ["tag_twice"], "{one} {other}");
        let apart = text.replace("[list.b]\n", "[list.b]\ntags = [\"2\"]\n");
        assert_eq!(slugs(&apart), [""; 0], "{one} {other}");
    }
}

#[test]
fn names_are_told_apart_by_what_they_name() {
    for good in ["list.\"a/b.c_d-e\"", "list.1a", "list.list", "list.vars", "convention.defaults", "convention.a_B-9"] {
        assert_eq!(slugs(&with_defaults(&format!("[{good}]\n[list.other]\n"))), [""; 0], "{good}");
    }
    for bad in
        ["list.-a", "list.\"\"", "list.\"{name}\"", "list._a", "convention.1a", "convention.\"a.b\"", "list.\"ä\""]
    {
        assert_eq!(slugs(&with_defaults(&format!("[{bad}]\n[list.other]\n"))), ["bad_name"], "{bad}");
    }
    for bad in ["1a", "_a", "\"a.b\"", "\"\"", "\"a/b\""] {
        for text in
            [format!("vars.{bad} = \"x\"\n"), format!("matrix.{bad} = [\"x\"]\n"), format!("[vars]\n{bad} = \"x\"\n")]
        {
            assert_eq!(slugs(&with_defaults(&format!("[list.l]\n{text}"))), ["bad_name"], "{text}");
        }
    }
}

#[test]
fn no_variable_is_called_like_something_built_in_or_like_a_key_of_a_list() {
    let tables =
        ["vars", "list.l.vars", "convention.c.vars", "list.l.matrix", "defaults.matrix", "convention.c.matrix"];
    let keys = crate::config::keys::keys_of(crate::config::keys::Place::List).map(|info| (info.name, "misplaced_key"));
    let built_in = ["os", "arch", "platform", "tag"].map(|name| (name, "reserved_name"));
    for (name, slug) in keys.chain(built_in) {
        for table in tables {
            let text = with_defaults(&format!("[list.l]\n[{table}]\n{name} = [\"x\"]\n"));
            assert_eq!(slugs(&text), [slug], "{table} {name}");
        }
    }
    assert_eq!(slugs(&with_defaults("[vars]\nname = \"x\"\n[list.l]\n")), ["reserved_name"]);
    assert_eq!(
        Machine::default().lists(&with_defaults("convention = \"c\"\n[convention.c]\nvars.name = \"x\"\n[list.l]\n")),
        ["r.io/x:1"]
    );
}

#[test]
fn what_is_not_built_is_refused_wherever_it_may_stand() {
    use crate::config::keys::{KEYS, Place, Shape};
    let unbuilt = || KEYS.iter().filter(|info| info.shape == Shape::NotYet);
    for info in unbuilt() {
        let key = info.name;
        for place in info.places() {
            let text = match place {
                Place::Top => format!("{key} = 1\n{}", with_defaults("[list.l]\n")),
                Place::Defaults => with_defaults(&format!("{key} = 1\n[list.l]\n")),
                Place::Convention => with_defaults(&format!("[convention.c]\n{key} = 1\n[list.l]\n")),
                Place::List => with_defaults(&format!("[list.l]\n{key} = 1\n")),
                Place::Row => {
                    let row = format!("{{ platform = \"linux/amd64\", {key} = 1 }}");
                    let table = with_defaults(&format!("[list.l]\nplatforms = {{ amd64 = {row} }}\n"));
                    assert_eq!(slugs(&table), ["not_yet"], "{key}");
                    with_defaults(&format!("[list.l]\nplatforms = [{row}]\n"))
                }
                Place::Target => {
                    with_defaults(&format!("[list.l]\ntarget = {{ repository = \"r.io/x\", {key} = 1 }}\n"))
                }
                Place::Tag | Place::OsVersion | Place::Axis | Place::Variable | Place::Registry => continue,
            };
            let problems = Machine::default().load(&text).problems;
            assert_eq!(problems.iter().map(Problem::slug).collect::<Vec<_>>(), ["not_yet"], "{place:?} {key}");
            assert_eq!(&text[problems[0].labels[0].span.range.clone()], key);
        }
    }
    assert_eq!(unbuilt().count(), 1, "a key that is built is left out here by itself");
}
