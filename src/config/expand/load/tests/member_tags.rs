//! Tags of members: how they expand, and who else may have them.

use super::*;

const TWO: &str = r#"platforms = ["linux/amd64", "linux/arm/v7"]"#;

/// The tags of each member of the first list. There must be no problem.
fn tags(text: &str) -> Vec<String> {
    let loaded = Machine::default().load(text);
    assert_eq!(loaded.problems, [], "{text}");
    let members = &loaded.publications[0].members;
    members.iter().map(|m| m.tags.iter().map(|tag| tag.tag.as_str()).collect::<Vec<_>>().join(" ")).collect()
}

/// The platforms that the open templates find in `tag`, a member's tag from another writer.
fn found(text: &str, tag: &str) -> Vec<Option<String>> {
    let loaded = Machine::default().load(text);
    assert_eq!(loaded.problems, [], "{text}");
    loaded.publications[0].member_tags.iter().map(|partial| partial.find(tag)).collect()
}

fn list(keys: &str) -> String {
    with_defaults(&format!(
        r#"
            [vars]
            version = "1.2.3"
            [list.l]
            {TWO}
            {keys}
        "#
    ))
}

#[test]
fn each_template_is_expanded_by_each_tag_that_stays_and_equal_ones_become_one() {
    let keys = r#"
        tags = ["{version}", "1.2", { tag = "latest", when = "newest" }]
        member-tags = ["{tag}-{arch}", "{os}-{platform|replace:/:-}", "{tag}-{arch}"]
    "#;
    assert_eq!(tags(&list(keys)), ["1.2.3-amd64 linux-linux-amd64 1.2-amd64", "1.2.3-arm linux-linux-arm-v7 1.2-arm"]);
    assert_eq!(tags(&list("")), ["", ""]);
}

#[test]
fn a_list_that_keeps_members_tags_them_by_platform() {
    let text = list(
        r#"
            undeclared = "keep"
            tags = ["v1", "v2"]
        "#,
    );
    assert_eq!(tags(&text), ["v1-linux-amd64 v2-linux-amd64", "v1-linux-arm-v7 v2-linux-arm-v7"]);
    assert_eq!(found(&text, "v1-linux-386"), [Some("linux-386".to_owned())]);
    assert_eq!(found(&text, "v2-linux-386"), [None], "only the list's own tag counts");
    let loaded = Machine::default().load(&text);
    assert_eq!(&text[loaded.publications[0].members[0].tags[0].span.range.clone()], "keep");
    let untagged = r#"
        undeclared = "keep"
        member-tags = []
    "#;
    assert_eq!(tags(&list(untagged)), ["", ""]);
    // The nearest level decides whether members are kept.
    let target = r#"target = { repository = "r.io/x", undeclared = "keep" }"#;
    assert_eq!(tags(&list(target)), ["1-linux-amd64", "1-linux-arm-v7"]);
    let target = r#"
        target = { repository = "r.io/x", undeclared = "remove" }
        undeclared = "keep"
    "#;
    assert_eq!(tags(&list(target)), ["", ""]);
}

#[test]
fn only_templates_with_the_platform_alone_are_read_backwards() {
    let read = |template: &str, tag: &str| found(&list(&format!(r#"member-tags = ["{template}"]"#)), tag);
    assert_eq!(read("{tag}_{platform|replace:/:.}", "1_a.b"), [Some("a.b".to_owned())]);
    for template in ["{tag}-{arch}", "{platform|replace:/:-}-{os}", "{platform|replace:/:-}-{tag}-{arch}"] {
        assert_eq!(read(template, "1-a"), [], "{template}");
    }
    let through = |value: &str| {
        let text = list(r#"member-tags = ["{tag}-{w}"]"#).replace(
            "[vars]\n",
            &format!(
                "
            [vars]
            w = {value}
        "
            ),
        );
        let mut machine = Machine::default()
            .knows(Question::File("linux-amd64".into()), "x")
            .knows(Question::File("linux-arm-v7".into()), "y");
        let loaded = machine.load(&text);
        assert_eq!(loaded.problems, [], "{value}");
        loaded.publications[0].member_tags.len()
    };
    assert_eq!(through(r#""{platform|replace:/:-}""#), 1);
    assert_eq!(through(r#""{os}-{arch}""#), 0);
    assert_eq!(through(r#"{ file = "{platform|replace:/:-}" }"#), 0);
}

#[test]
fn the_tag_is_known_in_tags_of_members_alone() {
    for keys in
        [r#"source = "x:{tag}""#, r#"target = "r.io/{tag}""#, r#"tags = ["{tag}"]"#, r#"annotations.a = "{tag}""#]
    {
        let problems = Machine::default().load(&list(keys)).problems;
        assert_eq!(problems.iter().map(Problem::slug).collect::<Vec<_>>(), ["unknown_variable"], "{keys}");
        assert_eq!(problems[0].labels[0].text, "known only in `member-tags`");
    }
    // Also through a variable.
    let text = list(r#"member-tags = ["{w}"]"#).replace(
        "[vars]\n",
        r#"
            [vars]
            w = "{tag}-{arch}"
        "#,
    );
    assert_eq!(tags(&text), ["1-amd64", "1-arm"]);
    let problems = Machine::default().load(&list(r#"member-tags = ["{tga}-{arch}"]"#)).problems;
    assert_eq!(problems[0].help.as_deref(), Some("known here: arch, name, os, platform, tag, version"));
}

#[test]
fn what_comes_to_no_tag_is_told_of_with_the_member() {
    let problems = Machine::default().load(&list(r#"member-tags = ["{tag}-{platform}"]"#)).problems;
    assert_eq!(problems.iter().map(Problem::slug).collect::<Vec<_>>(), ["bad_tag"]);
    assert!(problems[0].message.contains("1-linux/amd64"), "{problems:?}");
    assert_eq!(problems[0].labels[0].text, "linux/amd64 of l");
}

#[test]
fn a_tag_is_that_of_one_image() {
    let slugs = |text: &str| Machine::default().slugs(text);
    // Two members of one list. It is reported once, no matter how many tags they share.
    assert_eq!(slugs(&list(r#"member-tags = ["{tag}-{os}"]"#)), ["tag_twice"]);
    let two_tags = r#"
        tags = ["1", "2"]
        member-tags = ["{tag}-{os}"]
    "#;
    assert_eq!(slugs(&list(two_tags)), ["tag_twice"]);
    // A member and its own list, or another list.
    let own_tag = r#"
        tags = ["1", "amd64"]
        member-tags = ["{arch}"]
    "#;
    assert_eq!(slugs(&list(own_tag)), ["tag_twice"]);
    let other = |keys: &str| {
        format!(
            r#"{}
                [list.m]
                target = "r.io/l"
                {keys}
            "#,
            list(r#"member-tags = ["{arch}"]"#)
        )
    };
    assert_eq!(slugs(&other(r#"tags = ["arm"]"#)), ["tag_twice"]);
    // Members of two lists. They may share a tag if they are the same image.
    let members = r#"
        tags = ["2"]
        member-tags = ["{arch}"]
    "#;
    assert_eq!(slugs(&other(members)), ["tag_twice"]);
    let same_images = format!(
        r#"{members}
            vars.name = "l"
            {TWO}
        "#
    );
    assert_eq!(slugs(&other(&same_images)), [""; 0]);
    // In another repository, it is a different tag.
    assert_eq!(slugs(&other(members).replace(r#""r.io/l""#, r#""r.io/m""#)), [""; 0]);
}
