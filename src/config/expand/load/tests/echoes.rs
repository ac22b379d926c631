//! One mistake is one problem. Its consequences are not reported.

use super::*;

#[test]
fn a_list_lacks_nothing_but_a_key_that_is_misspelt() {
    for (right, wrong) in [
        ("platforms", "platfroms"),
        ("platforms", "platform"),
        ("source", "sorce"),
        ("target", "taget"),
        ("tags", "tag"),
    ] {
        let text = with_defaults(
            "
            [list.a]
            [list.b]
        ",
        )
        .replace(&format!(" {right} ="), &format!(" {wrong} ="));
        let slug = if wrong == "platform" { "misplaced_key" } else { "unknown_key" };
        assert_eq!(Machine::default().slugs(&text), [slug], "{wrong}");
    }
}

#[test]
fn a_header_that_is_misspelt_leaves_nothing_lacking() {
    let text = with_defaults("[list.a]\n");
    for (wrong, slug) in [("[default]", "misplaced_key"), ("[defualts]", "unknown_key")] {
        assert_eq!(Machine::default().slugs(&text.replace("[defaults]", wrong)), [slug]);
    }
    assert_eq!(Machine::default().slugs(&text.replace("[list.a]", "[lists.a]")), ["unknown_key"]);
}

#[test]
fn an_image_of_many_members_is_told_of_once() {
    let text = with_defaults(
        r#"
            [list.a]
            source = "r.io/a:1"
        "#,
    );
    let text = text.replace(r#"["linux/amd64"]"#, r#"["linux/amd64", "linux/arm64", "linux/s390x", "linux/386"]"#);
    let problems = Machine::default().load(&text).problems;
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].causes, ["linux/s390x and linux/386 have the same source too"]);
}
