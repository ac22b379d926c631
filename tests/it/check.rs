//! `mlist check` on files that depend on the command line and on the environment.

use crate::support::context::Context;

const TWO_LISTS: &str = r#"
[vars]
version = { env = "VERSION", default = "v1.0.0" }

[defaults]
platforms = ["linux/amd64", "linux/arm64"]
source = "oci:in/{name}-{arch}:{version}"
target = "oci:out/{name}"
tags = ["{version}"]

[list.api]
[list.worker]
source = "oci:in/{name}-{arch}:{version}+worker"
"#;

#[test]
fn only_the_selected_lists_are_expanded() {
    let context = Context::with(TWO_LISTS);
    let output = context.mlist("check api").exits(0);
    assert!(output.to_string().contains("manifests.toml: 1 list, 2 members, 1 tag, no problems"), "{output}");
    for arguments in ["check", "check worker", "check *"] {
        let output = context.mlist(arguments).exits(2);
        assert_eq!(output.lines("mlist::config::bad_reference"), 1, "{arguments}: {output}");
    }
    // `plan` follows the same rule. It stops at the images, which do not exist.
    assert_eq!(context.mlist("plan api").exits(4).lines("mlist::config::bad_reference"), 0);
}

#[test]
fn a_carriage_return_at_the_end_of_a_variable_is_no_part_of_it() {
    let mut context = Context::with(&TWO_LISTS.replace("+worker", ""));
    for value in ["v1.4.0\r", "v1.4.0\r\n", "v1.4.0 "] {
        context.set("VERSION", value);
        context.mlist("check").exits(0);
    }
}

#[test]
fn a_ci_job_is_warned_of_a_default_version_by_plan_and_sync_alone() {
    let mut context = Context::with(&TWO_LISTS.replace("+worker", ""));
    let warnings = |context: &Context, arguments: &str| {
        context.mlist(arguments).stderr.matches("mlist::config::default_version").count()
    };
    assert_eq!(warnings(&context, "plan"), 0);
    context.set("CI", "true");
    for (arguments, count) in
        [("plan", 1), ("sync", 1), ("check", 0), ("plan --untrusted", 0), ("plan --set version=v2", 0)]
    {
        assert_eq!(warnings(&context, arguments), count, "{arguments}");
    }
    context.set("VERSION", "v2.0.0");
    assert_eq!(warnings(&context, "plan"), 0);
}
