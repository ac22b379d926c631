//! Included files: what they see, their order, and their problems.

use super::*;

/// A file that includes `files`.
fn including(files: &[&str], text: &str) -> String {
    let globs: Vec<String> = files.iter().map(|file| format!(r#""{file}""#)).collect();
    format!("include = [{}]\n{}", globs.join(", "), with_defaults(text))
}

/// Each problem as `slug`, and `file:text` of each of its labels.
fn told(loaded: &Loaded) -> Vec<(&'static str, Vec<String>)> {
    let label = |label: &crate::config::Label| {
        let file = loaded.sources.get(label.span.file).unwrap();
        format!("{}:{}", file.name, &file.text[label.span.range.clone()])
    };
    loaded.problems.iter().map(|problem| (problem.slug(), problem.labels.iter().map(label).collect())).collect()
}

#[test]
fn lists_stand_behind_the_files_own_in_path_order() {
    let text = including(&["z.toml", "a/x.toml", "a-b.toml"], "[list.m]\n");
    let mut machine = Machine::default()
        .includes(
            "z.toml",
            "
            [list.b]
            [list.a]
        ",
        )
        .includes("a/x.toml", "[list.x]\n")
        .includes("a-b.toml", "[list.y]\n");
    assert_eq!(machine.ids(&text), ["m", "x", "y", "b", "a"]);
}

#[test]
fn globs_make_one_set_without_the_file_itself_and_what_is_taken_away() {
    let paths = |glob: &str| Question::Paths("ci".into(), glob.into());
    let text = including(&["*.toml", "./a.toml", "x/../b.toml", "!old*"], "");
    let mut machine = Machine { file: Some("ci/manifests.toml"), ..Machine::default() }
        .knows(paths("*.toml"), "ci/a.toml\nci/b.toml\nci/manifests.toml\nci/old.toml")
        .knows(paths("./a.toml"), "ci/./a.toml")
        .knows(paths("x/../b.toml"), "ci/x/../b.toml")
        .knows(paths("!old*"), "ci/old.toml")
        .knows(Question::Include("ci/a.toml".into()), "[list.a]\n")
        .knows(Question::Include("ci/b.toml".into()), "[list.b]\n");
    assert_eq!(machine.ids(&text), ["a", "b"]);
    let read: Vec<_> = machine.asked.iter().filter(|asked| matches!(asked, Question::Include(_))).collect();
    assert_eq!(read.len(), 2, "{read:?}");
}

#[test]
fn an_included_file_sees_the_other_beneath_its_own() {
    let text = including(
        &["s/m.toml"],
        r#"
            [vars]
            outer = "o"
            both = "o"
            [convention.outer]
            vars.c = "oc"
            tags = ["{c}-{both}"]
            [convention.both]
            tags = ["outer"]
            [list.root]
            tags = ["{outer}-{both}"]
        "#,
    );
    let included = r#"
        [vars]
        both = "i"
        [defaults]
        source = "i.io/{name}-{arch}:1"
        [convention.both]
        tags = ["inner"]
        [list.a]
        tags = ["{outer}-{both}"]
        [list.b]
        convention = "outer"
        [list.c]
        convention = "both"
        [list.d]
    "#;
    let mut machine = Machine::default().includes("s/m.toml", included);
    assert_eq!(
        machine.lists(&text),
        ["r.io/root:o-o", "r.io/a:o-i", "r.io/b:oc-i", "r.io/c:inner", "r.io/d:1"],
        "tags of r.io/d are those of [defaults] of the file that includes, its source is of its own"
    );
    let loaded = Machine::default().includes("s/m.toml", included).load(&text);
    let sources = loaded.publications.iter().map(|list| list.members[0].source.to_string()).collect::<Vec<_>>();
    assert_eq!(sources[0], "r.io/root-amd64:1");
    assert_eq!(sources[4], "i.io/d-amd64:1");
}

#[test]
fn its_own_reaches_only_its_own_lists() {
    let text = including(
        &["a.toml", "b.toml"],
        r#"
            [list.root]
            tags = ["{v}"]
        "#,
    );
    let (a, b) = (
        r#"
            [vars]
            v = "1"
            [convention.a]
            [list.a]
            tags = ["{v}"]
        "#,
        r#"
            [list.b]
            convention = "a"
        "#,
    );
    let loaded = Machine::default().includes("a.toml", a).includes("b.toml", b).load(&text);
    assert_eq!(
        told(&loaded),
        [
            ("unknown_variable", vec!["manifests.toml:{v}".to_owned()]),
            ("unknown_convention", vec!["b.toml:a".to_owned()]),
        ]
    );
}

#[test]
fn names_go_list_convention_axes_set_vars_file_by_file() {
    let root = r#"
        matrix.axis = ["o"]
        matrix.gone = ["o"]
        [vars]
        v = "o"
        w = "o"
        axis = "below"
    "#;
    let text = including(&["a.toml"], root);
    let a = r#"
        [defaults]
        matrix.w = ["inner-axis"]
        [vars]
        v = "i"
        gone = "i"
        [list.a]
        tags = ["{v}-{w}-{axis}-{gone}"]
    "#;
    let lists = |sets: &[&str]| {
        let machine = Machine::default().includes("a.toml", a);
        sets.iter().fold(machine, |machine, set| machine.set(set)).lists(&text)
    };
    // A file comes before the file that includes it, so its variable replaces the outer axis.
    assert_eq!(lists(&[]), ["r.io/a:i-inner-axis-o-i"]);
    assert_eq!(lists(&["v=set"]), ["r.io/a:set-inner-axis-o-i"]);
    assert_eq!(lists(&["gone=set"]), ["r.io/a:i-inner-axis-o-set"], "[vars] of the included file has it");
    assert_eq!(lists(&["a:v=set"]), ["r.io/a:set-inner-axis-o-i"]);
}

#[test]
fn a_value_that_no_vars_has_is_unknown_and_one_that_reaches_no_list_is_told() {
    let text = including(
        &["a.toml"],
        r#"
            [vars]
            outer = "1"
            [list.root]
            tags = ["{outer}"]
        "#,
    );
    let load = |set: &str, selector: &str| {
        let a = r#"
            [vars]
            own = "1"
            [list.a]
            tags = ["{own}"]
        "#;
        let mut machine = Machine::default().includes("a.toml", a).set(set);
        machine.selectors.extend((!selector.is_empty()).then(|| selector.to_owned()));
        machine.slugs(&text)
    };
    assert_eq!(load("outer=2", ""), [] as [&str; 0]);
    assert_eq!(load("own=2", ""), [] as [&str; 0]);
    assert_eq!(load("own=2", "root"), ["set_without_effect"]);
    assert_eq!(load("other=2", ""), ["unknown_set"]);
    assert_eq!(load("a:own=2", ""), [] as [&str; 0]);
    assert_eq!(load("b:own=2", ""), ["unknown_set"]);
}

#[test]
fn paths_belong_to_the_file_they_stand_in() {
    let text = including(
        &["s/a.toml"],
        r#"
            [vars]
            outer = { file = "V" }
            [list.root]
            source = "oci:layouts:1"
            tags = ["{outer}"]
        "#,
    );
    let a = r#"
        [vars]
        inner = { file = "V" }
        [list.a]
        source = "oci:layouts:1"
        target = "oci:../out"
        tags = ["{outer}-{inner}"]
        [list.b]
        matrix.x = { lines = "lines.txt" }
        tags = ["{x}"]
    "#;
    let mut machine = Machine::default()
        .includes("s/a.toml", a)
        .knows(Question::File("V".into()), "1")
        .knows(Question::File("s/V".into()), "2")
        .knows(Question::File("s/lines.txt".into()), "x\n");
    let loaded = machine.load(&text);
    assert_eq!(loaded.problems, []);
    let lists: Vec<_> =
        loaded.publications.iter().map(|list| format!("{} {}", list.reference(), list.members[0].source)).collect();
    assert_eq!(lists[0], "r.io/root:1 oci:layouts:1");
    assert_eq!(lists[1], "oci:out:1-2 oci:s/layouts:1");
    assert_eq!(lists[2], "r.io/b:x r.io/b-amd64:1");
}

#[test]
fn every_error_names_its_file_and_all_are_told_in_one_run() {
    let text = including(
        &["b.toml", "a.toml", "broken.toml"],
        "
        [list.root]
        platfroms = 1
    ",
    );
    let loaded = Machine::default()
        .includes(
            "a.toml",
            r#"
                [list.a]
                tags = ["{x}"]
            "#,
        )
        .includes(
            "b.toml",
            r#"
                [list.b]
                target = "R.io"
                [list.c]
                nonsense = 1
            "#,
        )
        .includes("broken.toml", "[list.d\n")
        .load(&text);
    let told = told(&loaded);
    let slugs: Vec<_> = told.iter().map(|(slug, labels)| (*slug, labels[0].split(':').next().unwrap())).collect();
    assert_eq!(
        slugs,
        [
            ("unknown_key", "manifests.toml"),
            ("unknown_variable", "a.toml"),
            ("bad_reference", "b.toml"),
            ("unknown_key", "b.toml"),
            ("syntax", "broken.toml"),
        ]
    );
}

#[test]
fn both_ends_of_a_conflict_are_labelled_each_in_its_file() {
    let text = including(
        &["a.toml"],
        "
        [list.one]
        [list.two]
    ",
    );
    let a = r#"
        [list.one]
        [list.three]
        target = "r.io/two"
    "#;
    let loaded = Machine::default().includes("a.toml", a).load(&text);
    let told = told(&loaded);
    assert_eq!(told[0].0, "id_twice");
    assert_eq!(told[0].1, ["a.toml:one", "manifests.toml:one"]);
    assert!(told[1..].iter().any(|(slug, labels)| {
        *slug == "tag_twice" && labels.iter().any(|it| it.starts_with("a.toml")) && labels[1].starts_with("manifests")
    }));
}

#[test]
fn what_is_lacking_in_a_file_that_is_not_known_is_no_news() {
    for (globs, machine) in [
        (&["none.toml"][..], Machine::default()),
        (&["a.toml"], Machine::default().includes("a.toml", "[list.\n")),
        (&["a.toml"], Machine::default().knows(Question::Paths("".into(), "a.toml".into()), "a.toml")),
    ] {
        let text = including(globs, "[list.root]\n");
        let slugs = machine.set("v=1").set("b:v=1").select("b").slugs(&text);
        assert_eq!(slugs.len(), 1, "{slugs:?}");
        assert!(["include_empty", "syntax", "unreadable"].contains(&slugs[0]), "{slugs:?}");
    }
}

#[test]
fn what_belongs_to_the_root_is_refused_in_an_included_file() {
    let a = r#"
        include = ["b.toml"]
        [registry."r.io"]
        http = true
        [list.a]
    "#;
    let loaded = Machine::default().includes("a.toml", a).load(&including(&["a.toml"], ""));
    let told = told(&loaded);
    assert_eq!(told[0], ("nested_include", vec!["a.toml:include".to_owned(), "manifests.toml:a.toml".to_owned()]));
    assert_eq!(told[1].0, "misplaced_key");
    assert_eq!(told.len(), 2);
    assert_eq!(loaded.registries, []);
}

#[test]
fn no_variable_of_an_included_file_takes_what_a_registry_is_logged_in_to_with() {
    let root = r#"
        [registry."r.io"]
        username-env = "U"
        password-env = "P"
        [list.root]
    "#;
    let a = r#"
        [vars]
        v = { env = "P" }
        [list.a]
        tags = ["{v}"]
    "#;
    let mut machine = Machine::default().env("P", "s3cret").includes("a.toml", a);
    assert_eq!(machine.slugs(&including(&["a.toml"], root)), ["secret_variable"]);
    assert!(!machine.asked.contains(&Question::Env("P".into())));
}

#[test]
fn a_file_with_neither_lists_nor_files_is_nothing() {
    assert_eq!(Machine::default().slugs("[vars]\n"), ["no_list"]);
    let text = including(&["a.toml"], "");
    let loaded = Machine::default()
        .includes(
            "a.toml",
            r#"
                [vars]
                v = "1"
            "#,
        )
        .load(&text);
    assert_eq!(told(&loaded), [("no_list", vec!["manifests.toml:a.toml".to_owned()])]);
    assert_eq!(loaded.problems[0].message, "no list defined in `a.toml`");
}

#[test]
fn a_misspelt_name_that_nothing_uses_is_told_in_each_file() {
    // An included file may define the names that templates of the root use.
    let text = including(
        &["a.toml"],
        r#"
            [convention.x]
            tags = ["{given}-{ginev}"]
            [list.root]
        "#,
    );
    let a = r#"
        [vars]
        given = "1"
        [convention.y]
        tags = ["{name}-{outre}"]
        [list.a]
    "#;
    let loaded = Machine::default().includes("a.toml", a).load(&text);
    assert_eq!(
        told(&loaded),
        [
            ("unknown_variable", vec!["manifests.toml:{ginev}".to_owned()]),
            ("unknown_variable", vec!["a.toml:{outre}".to_owned()]),
        ]
    );
}

#[test]
fn paths_of_include_go_through_the_guard_before_anything_is_read() {
    let confined = |inside: &[&str]| {
        let machine = Machine { trust: Trust { root: Some("".into()), ..Trust::default() }, ..Machine::default() };
        inside.iter().fold(machine, |machine, path| machine.knows(Question::Inside((*path).into()), path))
    };
    for glob in ["../x.toml", "/etc/*.toml", "link/**/x.toml"] {
        let mut machine = confined(&[]);
        assert_eq!(machine.slugs(&including(&[glob], "[list.a]\n")), ["outside_root"], "{glob}");
        assert!(machine.asked.iter().all(|asked| matches!(asked, Question::Inside(_))), "{:?}", machine.asked);
    }
    // The glob stays inside, but a file that it finds does not.
    let mut machine = confined(&["s"]).knows(Question::Paths("".into(), "s/*.toml".into()), "s/link.toml");
    assert_eq!(machine.slugs(&including(&["s/*.toml"], "[list.a]\n")), ["outside_root"]);
    assert!(!machine.asked.contains(&Question::Include("s/link.toml".into())));
}
