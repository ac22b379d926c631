//! Files that were written for another tool or by another editor: each mistake is named once, with what to do.

use std::fs;

use crate::support::context::Context;

/// A file with one list, whose tags are `tags` and whose variables are `vars`.
fn manifest(vars: &str, tags: &str) -> String {
    format!(
        r#"
[vars]
{vars}

[defaults]
platforms = ["linux/amd64"]
source = "ghcr.io/acme/{{name}}:v1"
target = "ghcr.io/acme/{{name}}"
tags = {tags}

[list.app]
[list.worker]
"#
    )
}

/// The output of `check` for a file with these bytes, which has one problem with this code.
fn only_problem(bytes: &[u8], code: &str) -> String {
    let context = Context::new();
    fs::write(context.path("manifests.toml"), bytes).unwrap();
    let output = context.mlist("check").exits(2);
    assert_eq!(output.stderr.matches("mlist::").count(), 1, "{output}");
    assert!(output.stderr.contains(&format!("mlist::config::{code}\n")), "{output}");
    output.stderr.clone()
}

#[test]
fn a_placeholder_of_another_tool_is_reported_once() {
    for written in ["${version}", "$VERSION", "$(VERSION)", "{{version}}", "{{ .Version }}", "{ version }", "<version>"]
    {
        let tags = format!(r#"["{written}", "{written}-x"]"#);
        let said = only_problem(manifest(r#"version = "v1.4.0""#, &tags).as_bytes(), "bad_template");
        assert!(said.contains(&format!("`{written}` is not a valid placeholder")), "{said}");
        assert!(said.contains("write `{version}`"), "{said}");
    }
}

#[test]
fn text_that_only_looks_like_a_placeholder_stays_as_it_is() {
    let context = Context::with(&manifest(
        r#"price = "$5 {{x}} <y>""#,
        r#"["v1"]
annotations."com.acme.note" = "$HOME {{name}} <name> {price}""#,
    ));
    context.mlist("check").exits(0);
}

#[test]
fn a_placeholder_of_an_environment_variable_names_the_variable_that_has_it() {
    let file = manifest(r#"v = { env = "RELEASE_TAG", default = "x" }"#, r#"["$RELEASE_TAG"]"#);
    let said = only_problem(file.as_bytes(), "bad_template");
    assert!(said.contains("write `{v}`"), "{said}");
    let said = only_problem(manifest("", r#"["${CI_TAG}"]"#).as_bytes(), "bad_template");
    assert!(said.contains("write `{CI_TAG}`") && said.contains("add it to [vars]"), "{said}");
    let said = only_problem(manifest("", r#"["$TAG"]"#).as_bytes(), "bad_template");
    assert!(said.contains("TAG = { env = \"TAG\" }"), "{said}");
}

#[test]
fn a_variable_with_a_reserved_name_is_one_problem() {
    for name in ["tag", "arch"] {
        let file = manifest(&format!(r#"{name} = "v1""#), &format!(r#"["{{{name}}}", "x-{{{name}}}"]"#));
        only_problem(file.as_bytes(), "reserved_name");
    }
}

#[test]
fn a_file_in_utf_16_is_named_as_that() {
    let file = manifest("", r#"["v1"]"#).replace('\n', "\r\n");
    for text in [file.clone(), format!("\u{feff}{file}")] {
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let said = only_problem(&bytes, "unreadable");
        assert!(said.contains("`manifests.toml` is encoded as UTF-16, not UTF-8"), "{said}");
        assert!(said.contains("save the file as UTF-8"), "{said}");
    }
    let context = Context::with(&manifest(r#"version = { file = "VERSION" }"#, r#"["{version}"]"#));
    let bytes: Vec<u8> = "v1\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(context.path("VERSION"), bytes).unwrap();
    let output = context.mlist("check").exits(2);
    assert!(output.stderr.contains("is encoded as UTF-16, not UTF-8"), "{output}");
}

#[test]
fn a_character_that_is_not_visible_is_shown() {
    for (key, message) in [
        ("missing = \"skip\u{200b}\"", r"`skip\u{200b}` is not a valid value for `missing`"),
        ("wait = \"5m\u{a0}\"", r"`m\u{a0}` is not a valid duration unit"),
        ("source = \"ghcr.io/acme/app:v1\u{200b}\"", r"invalid character `\u{200b}` in tag `v1\u{200b}`"),
    ] {
        let file = manifest("", r#"["v1"]"#).replace("[list.worker]", key);
        let context = Context::with(&file);
        let output = context.mlist("check").exits(2);
        assert!(output.stderr.contains(message), "{output}");
    }
}

#[test]
fn a_file_in_yaml_is_one_problem() {
    let said = only_problem(b"vars:\n  version: v1\nlist:\n  app:\n    tags: [v1]\n", "syntax");
    assert!(said.contains("this looks like YAML, expected TOML"), "{said}");
    assert!(said.contains("write [vars] for a table, or vars = VALUE"), "{said}");
}
