//! What selectors select.

use super::*;

fn text() -> String {
    with_defaults(
        r#"
            [list.kube]
            matrix.name = ["kube-apiserver", "kube-proxy"]
            [list.debian]
            target = "debian"
            tags = ["12", "latest"]
            [list.out]
            target = "oci:out/{name}"
        "#,
    )
}

#[test]
fn a_selector_is_an_id_an_entry_a_name_a_repository_or_a_tag() {
    for (selector, ids) in [
        ("kube", vec!["kube/kube-apiserver", "kube/kube-proxy"]),
        ("kube/kube-proxy", vec!["kube/kube-proxy"]),
        ("kube-proxy", vec!["kube/kube-proxy"]),
        ("kube*", vec!["kube/kube-apiserver", "kube/kube-proxy"]),
        ("r.io/kube-proxy", vec!["kube/kube-proxy"]),
        ("r.io/kube-proxy:1", vec!["kube/kube-proxy"]),
        ("debian", vec!["debian"]),
        ("docker.io/library/debian", vec!["debian"]),
        ("docker.io/library/debian:12", vec!["debian"]),
        ("debian:latest", vec!["debian"]),
        ("oci:out/out", vec!["out"]),
        ("*proxy", vec!["kube/kube-proxy"]),
        ("!kube*", vec!["debian", "out"]),
        ("*", vec!["kube/kube-apiserver", "kube/kube-proxy", "debian", "out"]),
    ] {
        assert_eq!(Machine::default().select(selector).ids(&text()), ids, "{selector}");
    }
}

#[test]
fn several_selectors_mean_any_of_them_but_none_with_a_mark() {
    assert_eq!(
        Machine::default().select("kube").select("out").select("!*proxy").ids(&text()),
        ["kube/kube-apiserver", "out"]
    );
    assert_eq!(Machine::default().select("out").select("debian").ids(&text()), ["debian", "out"]);
}

#[test]
fn a_selector_that_also_means_a_selected_list_fits() {
    assert_eq!(Machine::default().select("kube").select("r.io/kube-proxy:1").ids(&text()).len(), 2);
}

#[test]
fn a_selector_that_fits_nothing_is_a_problem_without_a_place() {
    for (selector, help) in [
        ("kube-prox", "did you mean `kube-proxy`?"),
        ("debain", "did you mean `debian`?"),
        ("kub", "did you mean `kube`?"),
        ("postgres", "lists of this file: kube, kube/kube-apiserver, kube/kube-proxy, debian, out"),
        ("kbue/*", "did you mean `kube/*`?"),
        ("!kub", "did you mean `!kube`?"),
        ("r.io/kube-prxy", "did you mean `r.io/kube-proxy`?"),
        ("docker.io/libary/debian:12", "did you mean `docker.io/library/debian:12`?"),
        ("oci:ot/*", "did you mean `oci:out/*`?"),
        ("debian,out", "separate selectors with spaces: debian out"),
        ("debian, nothing", "separate selectors with spaces: debian nothing"),
        (
            "kube-proxy:1",
            "a tag follows the repository, not the name of the list: write `r.io/kube-proxy:1`, or only `kube-proxy`",
        ),
        ("kube-proxy:2", "`kube-proxy` has no tag `2` in this file; to select the list, write `kube-proxy`"),
        ("manifests.toml", "a selector names lists; to read another file: -f manifests.toml"),
        ("ci/Images.TOML", "a selector names lists; to read another file: -f ci/Images.TOML"),
        ("list.debian", "did you mean `debian`?"),
        ("https://r.io/kube-proxy", "did you mean `r.io/kube-proxy`?"),
        ("", "remove the empty argument; without selectors all lists are selected"),
    ] {
        let loaded = Machine::default().select("kube").select(selector).load(&text());
        assert_eq!(loaded.problems.len(), 1, "{selector}");
        assert_eq!(loaded.problems[0].slug(), "unknown_selector");
        assert_eq!(loaded.problems[0].message, format!("selector `{selector}` matches no list"));
        assert_eq!(loaded.problems[0].help.as_deref(), Some(help), "{selector}");
        assert_eq!(loaded.problems[0].labels, []);
    }
}

#[test]
fn a_selector_that_is_no_glob_is_told_of() {
    assert_eq!(Machine::default().select("[a").slugs(&text()), ["unknown_selector"]);
}

#[test]
fn an_axis_that_decides_the_selection_is_asked_for() {
    let text = with_defaults(
        r#"
            [vars]
            a = { env = "AXIS", default = "x" }
            [list.l]
            matrix.axis = ["{a}", "y"]
            tags = ["{axis}"]
        "#,
    );
    let mut machine = Machine::default().env("AXIS", "z").select("l/z");
    assert_eq!(machine.ids(&text), ["l/z"]);
}

#[test]
fn of_a_list_that_is_not_selected_only_problems_of_names_and_conflicts_are_reported() {
    let text = with_defaults(
        r#"
            [list.a]
            [list.b]
            source = "r.io/B:1"
            platforms = ["linux/amd64", "linux/arm64"]
            tags = ["a+b"]
            matrix.x = ["1", "1"]
            [list.c]
            tags = ["{nothing}"]
            [list.d]
            target = "r.io/a"
        "#,
    );
    for selector in ["a", "r.io/a", "r.io/a:1", "!r.io/b"] {
        let slugs = Machine::default().select(selector).slugs(&text);
        // The values of the axis can decide whether the list is selected, except if the selector is the key of a list.
        assert_eq!(slugs.contains(&"axis_twice"), selector != "a", "{selector}: {slugs:?}");
        for slug in ["unknown_variable", "tag_twice"] {
            assert!(slugs.contains(&slug), "{selector}: {slugs:?}");
        }
    }
    let text = text.replace(r#"matrix.x = ["1", "1"]"#, "");
    for selector in ["a", "r.io/a", "r.io/a:1"] {
        assert_eq!(Machine::default().select(selector).slugs(&text), ["unknown_variable", "tag_twice"], "{selector}");
    }
    // The list may be one that the selector means, and may not be left out without a word.
    for selector in ["*", "r.io/*", "r.io/b:1", "!a"] {
        let slugs = Machine::default().select(selector).slugs(&text);
        assert!(slugs.contains(&"bad_tag"), "{selector}: {slugs:?}");
    }
    // A problem that was held back can be the reason why a selector matches nothing.
    let slugs = Machine::default().select("a").select("nothing").slugs(&text);
    assert!(slugs.contains(&"bad_tag") && slugs.contains(&"unknown_selector"), "{slugs:?}");
}
