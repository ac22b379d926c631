//! Values from files and the environment that are not valid where they are used: where they come from, and what is
//! shown of them.

use super::*;

/// The problem of a list `a` with these keys, and a variable `NAME` with this source.
fn of_value(machine: Machine, variable: &str, keys: &str) -> Problem {
    let text = format!("[vars]\n{variable}\n[list.a]\n{keys}");
    let mut machine = machine;
    machine.only(&with_defaults(&text))
}

#[test]
fn a_value_that_is_not_valid_is_described_with_its_place() {
    let hex = "0123456789abcdef".repeat(4);
    let source = r#"source = "r.io/{name}@{digest}""#;
    for (value, causes, help) in [
        (
            hex.clone(),
            "the value of `digest` comes from file `digests/a`: 64 characters",
            "write `@sha256:{digest}`, or add `sha256:` to the value of `digest`",
        ),
        (
            format!("\"sha256:{hex}\""),
            "the value of `digest` comes from file `digests/a`: 73 characters, and character 1 is `\"`",
            "remove the quotes from the value: a digest is `sha256:` and 64 lowercase hex digits",
        ),
        (
            format!("sha256:{}", hex.replace('e', "E")),
            "the value of `digest` comes from file `digests/a`: 71 characters, and character 22 is `E`",
            "a digest is `sha256:` and 64 lowercase hex digits",
        ),
    ] {
        let machine = Machine::default().file("digests/a", &value);
        let problem = of_value(machine, r#"digest = { file = "digests/{name}" }"#, source);
        assert!(problem.message.starts_with("`r.io/a@{digest}` has an invalid digest after `@`: "), "{problem:?}");
        assert_eq!((problem.causes, problem.help.as_deref()), (vec![causes.to_owned()], Some(help)));
    }
    // The value can be a part of another variable's.
    let variables = "raw = { file = \"V\" }\nv = \"x{raw}\"";
    let problem = of_value(Machine::default().file("V", "1\u{a0}0"), variables, r#"tags = ["{v}"]"#);
    let cause = r"the value of `raw` comes from file `V`: 3 characters, and character 2 is `\u{a0}`";
    assert_eq!(problem.causes, [cause]);
    assert!(problem.message.starts_with(r"invalid character `\u{a0}` in tag `x{raw}`"), "{}", problem.message);
    // A value of the environment is shown.
    let problem = of_value(Machine::default().env("V", "1\r0"), r#"v = { env = "V" }"#, r#"tags = ["{v}"]"#);
    assert!(problem.message.starts_with(r"invalid character `\r` in tag `1\r0`"), "{}", problem.message);
    assert_eq!(problem.causes, ["the value of `v` comes from environment variable `V`"]);
}

#[test]
fn the_help_for_an_invalid_tag_fits_its_cause() {
    for (value, tag, help) in [
        ("1+b", "{v}", Some("use the filter `tag`, which replaces invalid characters: {v|tag}; the tag is then 1_b")),
        ("\"1.0\"", "{v}", Some("remove the quotes from the value of `v`")),
        ("refs/tags/v1", "{v}", Some("use only the name of the git tag: {v|replace:refs/tags/:}")),
        // The filter would change nothing.
        ("1", "%{v|tag}", None),
    ] {
        let tags = format!(r#"tags = ["{tag}"]"#);
        let problem = of_value(Machine::default().env("V", value), r#"v = { env = "V" }"#, &tags);
        assert_eq!(problem.help.as_deref(), help, "{value} | {tag}");
    }
    let tags = r#"tags = ["{v|replace:refs/tags/:}"]"#;
    let mut machine = Machine::default().env("V", "refs/tags/v1");
    let text = with_defaults(&format!("[vars]\nv = {{ env = \"V\" }}\n[list.a]\n{tags}"));
    assert_eq!(machine.load(&text).problems, [], "the help works");
}

#[test]
fn transports_of_other_tools_are_not_docker_hub() {
    for transport in ["oci-archive:", "docker-archive:", "docker-daemon:", "containers-storage:"] {
        let text = with_defaults(&format!("[list.a]\nsource = \"{transport}x.tar\""));
        let problem = Machine::default().only(&text);
        assert_eq!(problem.slug(), "not_yet");
        let help = format!("convert the image, and use oci:DIR:TAG: skopeo copy {transport}… oci:DIR:TAG");
        assert_eq!(problem.help, Some(help));
    }
}

#[test]
fn of_a_value_whose_name_looks_like_that_of_a_secret_nothing_is_shown() {
    for (variable, name) in [
        (r#"v = { env = "GITHUB_TOKEN" }"#, "v"),
        (r#"api-key = { env = "V" }"#, "api-key"),
        (r#"password = { file = "V" }"#, "password"),
    ] {
        let machine = || Machine::default().file("V", "s3cr3t~").env("V", "s3cr3t~").env("GITHUB_TOKEN", "s3cr3t~");
        for keys in ["tags = [\"{NAME}\"]", "source = \"r.io/a:{NAME}\"", "source = \"r.io/a@{NAME}\""] {
            let problem = of_value(machine(), variable, &keys.replace("NAME", name));
            let text = format!("{problem:?}");
            assert!(!text.contains("s3cr3t") && !text.contains('~') && !text.contains("7 char"), "{text}");
            assert!(text.contains(&format!("`{name}`")) && text.contains("can be a secret"), "{text}");
        }
    }
}

#[test]
fn an_empty_value_is_named_as_the_cause() {
    let empty = r#"rel = { env = "TAG", default = "" }"#;
    let problem = of_value(Machine::default(), empty, r#"source = "r.io/a:{rel|no-v}-{arch}""#);
    assert_eq!(problem.message, "tag `-amd64` starts with `-`: tags start with a letter, digit or `_`");
    assert_eq!(problem.causes, ["the value of `{rel|no-v}` is empty"]);
    assert!(problem.help.is_some_and(|help| help.contains(r#"when = { NAME = "?*" }"#)));
}

#[test]
fn one_digest_in_the_files_of_two_members_is_named_as_that() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let machine = Machine::default().file("d-amd64", &digest).file("d-arm64", &digest);
    let keys = r#"
        source = "r.io/a@{digest}"
        platforms = ["linux/amd64", "linux/arm64"]
    "#;
    let problem = of_value(machine, r#"digest = { file = "d-{arch}" }"#, keys);
    assert_eq!(problem.message, "linux/amd64 and linux/arm64 have the same source: r.io/a@{digest}");
    assert_eq!(problem.causes, ["`digest` has the same value in file `d-amd64` and file `d-arm64`"]);
    assert!(problem.help.is_some_and(|help| help.starts_with("check the builds that write these values")));
}
