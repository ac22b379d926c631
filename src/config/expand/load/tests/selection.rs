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
        ("postgres", "there are: kube, kube/kube-apiserver, kube/kube-proxy, debian, out"),
    ] {
        let loaded = Machine::default().select("kube").select(selector).load(&text());
        assert_eq!(loaded.problems.len(), 1, "{selector}");
        assert_eq!(loaded.problems[0].slug(), "unknown_selector");
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
