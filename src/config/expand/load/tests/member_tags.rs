//! Tags of members: how they expand, and who else may have them.

use super::*;
use crate::config::Severity;
use crate::naming::MemberTemplate;

const TWO: &str = r#"platforms = ["linux/amd64", "linux/arm/v7"]"#;

/// The tags of each member of the first list. There must be no problem.
fn tags(text: &str) -> Vec<String> {
    let loaded = Machine::default().load(text);
    assert_eq!(loaded.problems, [], "{text}");
    let members = &loaded.publications[0].members;
    members.iter().map(|m| m.tags.iter().map(|tag| tag.tag.as_str()).collect::<Vec<_>>().join(" ")).collect()
}

/// The platform that each open template finds for `tag`, a member's tag from another writer.
fn found(text: &str, tag: &str) -> Vec<Option<String>> {
    let loaded = Machine::default().load(text);
    assert_eq!(loaded.problems, [], "{text}");
    let found = |template: &MemberTemplate| template.platforms([tag]).remove(tag).map(|found| found.to_string());
    loaded.publications[0].member_tags.iter().map(found).collect()
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
    assert_eq!(found(&text, "v1-linux-386"), [Some("linux/386".to_owned())]);
    assert_eq!(found(&text, "v2-linux-386"), [None], "only the list's own tag counts");
    let loaded = Machine::default().load(&text);
    assert_eq!(&text[loaded.publications[0].members[0].tags[0].span.range.clone()], "keep");
    // The nearest level decides whether members are kept.
    let target = r#"target = { repository = "r.io/x", undeclared = "keep" }"#;
    assert_eq!(tags(&list(target)), ["1-linux-amd64", "1-linux-arm-v7"]);
    let target = r#"
        target = { repository = "r.io/x", undeclared = "remove" }
        undeclared = "keep"
    "#;
    assert_eq!(tags(&list(target)), ["", ""]);
}

/// A list that keeps members, with these tags of members, and `w` as a variable.
fn kept(template: &str, w: &str, keys: &str) -> String {
    let text = list(&format!("undeclared = \"keep\"\nmember-tags = [\"{template}\"]\n{keys}"));
    text.replace("[vars]\n", &format!("[vars]\nw = {w}\n"))
}

const VARIANTS: &str = "arch-style = \"go-variant\"";

#[test]
fn members_of_others_are_found_by_any_template_that_tells_platforms_apart() {
    let found = |template: &str, tag: &str| found(&kept(template, "\"{os}-{arch}\"", VARIANTS), tag);
    for (template, tag, platform) in [
        ("{tag}_{platform|replace:/:.}", "1_linux.s390x", "linux/s390x"),
        ("{tag}-{arch}", "1-armhf", "linux/arm/v7"),
        ("{os}-{arch|replace:_:.}", "linux-x86.64", "linux/amd64"),
        ("{tag}-{w}", "1-windows-amd64", "windows/amd64"),
        ("{w|replace:-:_}.{tag}", "linux_ppc64el.1", "linux/ppc64le"),
        ("{platform|replace:/:-}-{tag}-{arch}", "linux-arm64-1-aarch64", "linux/arm64"),
    ] {
        assert_eq!(found(template, tag), [Some(platform.to_owned())], "{template} {tag}");
    }
    assert_eq!(found("{tag}-{arch}", "1-alpine"), [None]);
    // No list is built from the tags of members if others' members are not kept.
    assert_eq!(super::member_tags::found(&list("member-tags = [\"{tag}-{arch}\"]"), "1-arm64"), []);
}

/// The causes of the problems of a list, all of which are about tags by which a member cannot be found.
fn unfindable(text: &str) -> Vec<String> {
    let problems = Machine::default()
        .knows(Question::File("linux-amd64".into()), "x")
        .knows(Question::File("linux-arm-v7".into()), "y")
        .load(text)
        .problems;
    assert!(problems.iter().all(|problem| problem.slug() == "unfindable_member_tag"), "{problems:#?}");
    assert!(problems.iter().all(|problem| problem.help.is_some() && !problem.labels.is_empty()));
    problems.into_iter().flat_map(|problem| problem.causes).collect()
}

#[test]
fn a_tag_by_which_others_cannot_find_a_member_is_refused() {
    let unfindable_by = |template: &str, w: &str, keys: &str| unfindable(&kept(template, w, keys));
    let one = |row: &str| format!("platforms = [{row}]");
    for (template, keys, cause) in [
        // Plain `arm` for arm/v7.
        ("{tag}-{arch}", "", "other jobs read `arm` in a tag as linux/arm"),
        ("{tag}-{arch}", r#""linux/amd64/v3""#, "other jobs read `amd64` in a tag as linux/amd64"),
        (
            "{tag}-{arch}",
            r#"{ platform = "linux/arm/v6", arch = "armhf" }"#,
            "other jobs read `armhf` in a tag as linux/arm/v7",
        ),
        (
            "{tag}-{arch}",
            r#"{ platform = "linux/amd64", arch = "intel" }"#,
            "`intel` is not an architecture name of any arch-style",
        ),
        (
            "{tag}-{arch}",
            r#""windows/amd64""#,
            "other jobs read a tag without `{platform}` and `{os}` as the tag of a linux image",
        ),
        ("{tag}-{os}", r#""linux/amd64""#, "the tag contains neither `{platform}` nor `{arch}`"),
        ("{platform|replace:/:-}", r#""linux/sh4""#, "linux/sh4 is not a known platform"),
        (
            "{platform|replace:/:-|replace:386:amd64}",
            r#""linux/amd64""#,
            "a member for another platform would have the same tag",
        ),
        ("{arch}-{platform|replace:/:-}", r#""linux/arm/v7""#, "other jobs read `arm` in a tag as linux/arm"),
    ] {
        let keys = if keys.is_empty() { String::new() } else { one(keys) };
        let text = kept(template, "\"\"", "").replace(TWO, if keys.is_empty() { TWO } else { "" });
        let text = format!("{text}{keys}\n");
        let problems = Machine::default().load(&text).problems;
        let errors = problems.iter().filter(|problem| problem.slug() != "unknown_platform");
        let found: Vec<_> = errors.map(|problem| (problem.slug(), problem.causes.clone())).collect();
        assert_eq!(found, [("unfindable_member_tag", vec![cause.to_owned()])], "{text}");
    }
    let from_a_file =
        "the tag uses a variable whose file or default depends on the member: other jobs do not know its value";
    let file = "{ file = \"{platform|replace:/:-}\" }";
    assert_eq!(unfindable_by("{tag}-{w}", file, VARIANTS), [from_a_file]);
    // Each template is checked, and a template only where members are kept.
    let two = kept("{tag}-{arch}\", \"{tag}-{platform|replace:/:-}", "\"\"", "");
    assert_eq!(unfindable(&two), ["other jobs read `arm` in a tag as linux/arm"]);
    assert_eq!(tags(&list("member-tags = [\"{tag}-{arch}\"]")), ["1-amd64", "1-arm"]);
}

#[test]
fn words_of_each_style_can_be_found_as_rows_have_them() {
    for style in ["go-variant", "uname", "debian", "rpm", "docker-library"] {
        let text = kept("{tag}-{arch}", "\"\"", &format!("arch-style = \"{style}\""));
        assert_eq!(unfindable(&text), [""; 0], "{style}");
    }
    let own = "platforms = [\"linux/arm\", { platform = \"linux/arm64/v8\", arch = \"aarch64\" }]";
    let text = kept("{tag}-{arch}", "\"\"", own).replace(TWO, "");
    assert_eq!(tags(&text), ["1-arm", "1-aarch64"]);
}

#[test]
fn a_list_without_tags_of_members_has_a_single_writer() {
    let load = |keys: &str| Machine::default().load(&list(&format!("undeclared = \"keep\"\nmember-tags = []\n{keys}")));
    let loaded = load("");
    let problem = &loaded.problems[0];
    assert_eq!((loaded.problems.len(), problem.slug(), problem.severity), (1, "single_writer", Severity::Warning));
    assert_eq!(problem.labels.len(), 2);
    assert_eq!(loaded.publications[0].members[0].tags, []);
    // In a layout, several writers lose nothing.
    assert_eq!(load("target = \"oci:out\"").problems, []);
    assert_eq!(load("target = [\"oci:out\", \"r.io/x\"]").problems.len(), 1);
}

#[test]
fn the_tag_is_known_in_tags_of_members_alone() {
    for keys in
        [r#"source = "x:{tag}""#, r#"target = "r.io/{tag}""#, r#"tags = ["{tag}"]"#, r#"annotations.a = "{tag}""#]
    {
        let problems = Machine::default().load(&list(keys)).problems;
        assert_eq!(problems.iter().map(Problem::slug).collect::<Vec<_>>(), ["unknown_variable"], "{keys}");
        assert_eq!(problems[0].labels[0].text, "only available in `member-tags`");
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
    assert_eq!(problems[0].labels[0].text, "used by linux/amd64 of list `l`");
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
