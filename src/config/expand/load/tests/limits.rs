//! Input that would need unlimited time or memory ends with a problem that says why.

use std::fmt::Write as _;

use super::*;

/// One list that uses `{v0}`, with these variables.
fn with_variables(vars: &str) -> String {
    format!(
        r#"
            [vars]
            {vars}
            [list.a]
            platforms = ["linux/amd64"]
            source = "r.io/x:{{v0}}"
            target = "r.io/a"
            tags = ["t"]
        "#
    )
}

fn slugs(text: &str) -> Vec<&'static str> {
    Machine::default().load(text).problems.iter().map(Problem::slug).collect()
}

#[test]
fn a_ring_of_any_length_is_told_once() {
    for length in [1, 2, 3, 50, 99] {
        let vars = (0..length).fold(String::new(), |mut vars, at| {
            writeln!(vars, r#"v{at} = "{{v{}}}""#, (at + 1) % length).unwrap();
            vars
        });
        assert_eq!(slugs(&with_variables(&vars)), ["cycle"], "{length}");
    }
}

#[test]
fn a_chain_without_end_is_no_overflow_of_the_stack() {
    for (length, said) in [(99, &[][..]), (50_000, &["bad_value"])] {
        let mut vars = format!("v{length} = \"x\"\n");
        for at in 0..length {
            writeln!(vars, r#"v{at} = "{{v{}}}""#, at + 1).unwrap();
        }
        assert_eq!(slugs(&with_variables(&vars)), said, "{length}");
    }
}

#[test]
fn variables_that_all_need_each_other_come_to_an_end() {
    let all = (0..30).fold(String::new(), |all, at| format!("{all}{{v{at}}}"));
    let vars = (0..30).fold(String::new(), |vars, at| format!("{vars}v{at} = \"{all}\"\n"));
    let slugs = slugs(&with_variables(&vars));
    assert!(slugs.iter().all(|slug| matches!(*slug, "cycle" | "bad_value")), "{slugs:?}");
}

#[test]
fn a_value_from_outside_has_a_bound() {
    let text = with_variables(r#"v0 = { env = "V" }"#);
    let problems = Machine::default().env("V", &"x".repeat(70_000)).load(&text).problems;
    assert_eq!(problems[0].message, "the value of `v0` is longer than 64 KiB");
    assert_eq!(problems.len(), 1);
}

#[test]
fn the_lists_of_a_file_have_a_bound_all_together() {
    let axis = |length: usize| format!("{:?}", (0..length).map(|at| at.to_string()).collect::<Vec<_>>());
    let list = |entry: &str, length: usize| {
        format!(
            r#"
                [list.{entry}]
                matrix.x = {}
                platforms = ["linux/amd64"]
                source = "r.io/x:1"
                target = "r.io/{entry}-{{x}}"
                tags = ["t"]
            "#,
            axis(length)
        )
    };
    let problems =
        Machine::default().load(&format!("{}{}{}", list("a", 3), list("b", 99_998), list("c", 99_998))).problems;
    assert_eq!(
        problems.iter().map(|problem| &*problem.message).collect::<Vec<_>>(),
        ["`b` expands to 99998 lists, after 3 other lists"]
    );
}

/// One list with these rows, tags and other keys.
fn list(platforms: &str, tags: &str, others: &str) -> String {
    format!(
        "[list.a]\nplatforms = [{platforms}]\nsource = 'r.io/x-{{arch}}:1'\ntarget = 'r.io/a'\ntags = [{tags}]\n{others}"
    )
}

#[test]
fn what_all_lists_come_to_has_a_bound() {
    let (one, long) = ("'linux/amd64'", "x".repeat(60_000));
    let values = (0..2000).map(|at| format!("'{at}',")).collect::<Vec<_>>().concat();
    let target = |text: String| text.replace("target = 'r.io/a'", "target = 'r.io/a-{x}'");
    for (text, said) in [
        (target(list(one, "'t'", &format!("annotations.x = '{long}'\nmatrix.x = [{values}]"))), "expanded texts"),
        (list(one, "'t'", &format!("vars.v = '{long}'\nmatrix.x = ['{{v}}']\nmatrix.y = [{values}]")), "matrix values"),
    ] {
        let problems = Machine::default().load(&text).problems;
        let messages: Vec<&str> = problems.iter().map(|problem| &*problem.message).collect();
        assert_eq!(problems.iter().map(Problem::slug).collect::<Vec<_>>(), ["too_large"], "{messages:?}");
        assert!(messages[0].starts_with(&format!("the lists have too many {said}: ")), "{messages:?}");
    }
}

#[test]
fn files_are_counted_together() {
    let tags = |from: usize| (from..from + 150_000).map(|at| format!("'t{at}',")).collect::<Vec<_>>().concat();
    let file =
        |name: &str, from: usize| list("'linux/amd64'", &tags(from), "").replace("list.a", &format!("list.{name}"));
    let include = "include = ['b.toml', 'c.toml']\n";
    let problems = Machine::default()
        .includes("b.toml", &file("b", 0))
        .includes("c.toml", &file("c", 150_000))
        .load(include)
        .problems;
    assert_eq!(problems.iter().map(Problem::slug).collect::<Vec<_>>(), ["too_large"]);
    assert_eq!(problems[0].message, "this file and the files that it includes have too many values: 300021");
    let large = |name: &str| format!("# {}\n{}", "x".repeat(9 << 20), file(name, 0));
    let problems =
        Machine::default().includes("b.toml", &large("b")).includes("c.toml", &large("c")).load(include).problems;
    assert_eq!(problems.iter().map(Problem::slug).collect::<Vec<_>>(), ["too_large"]);
    assert_eq!(problems[0].message, "the included files have too many bytes of text: more than 16 MiB");
}

#[test]
fn a_help_text_names_some_of_many_variables() {
    let vars = (0..5000).fold(String::new(), |vars, at| format!("{vars}v{at} = 'x'\n"));
    let problems = Machine::default().load(&with_variables(&vars).replace("{v0}", "{other}")).problems;
    let help = problems[0].help.clone().unwrap();
    assert!(help.len() < 300 && help.ends_with(" and 4974 more"), "{help}");
}
