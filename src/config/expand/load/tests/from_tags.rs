//! Axes whose values come from the lines of a file or from the tags of a repository.

use super::*;
use crate::config::{Author, Problem};

const SEED: &str = "1.29.0 1.30.0 1.30.1 1.31.0-rc.1 v1.30.1 1.4 latest main 1.30.1-alpine";

fn from_tags(axis: &str) -> String {
    with_defaults(&format!(
        r#"
            [list.a]
            matrix.v = {{ tags-of = "q.io/seed", {axis} }}
            tags = ["{{v}}"]
        "#
    ))
}

fn values(axis: &str) -> Vec<String> {
    let ids = Machine::default().tags("q.io/seed", SEED).ids(&from_tags(axis));
    ids.iter().map(|id| id.strip_prefix("a/").unwrap().to_owned()).collect()
}

#[test]
fn values_are_the_newest_first_and_what_is_no_version_behind_them() {
    assert_eq!(
        values(""),
        ["1.31.0-rc.1", "1.30.1", "v1.30.1", "1.30.1-alpine", "1.30.0", "1.29.0", "1.4", "latest", "main"]
    );
    assert_eq!(values("newest = 2"), ["1.31.0-rc.1", "1.30.1"]);
    assert_eq!(values("newest = 100").len(), 7, "what is no version is not among the newest");
}

#[test]
fn a_pattern_is_inverted_and_match_looks_at_the_value() {
    assert_eq!(values(r#"pattern = "{v}-alpine""#), ["1.30.1"]);
    assert_eq!(values(r#"pattern = "v{v}""#), ["1.30.1"]);
    assert_eq!(values(r#"match = "1.30*""#), ["1.30.1", "1.30.1-alpine", "1.30.0"]);
    assert_eq!(values(r#"match = ["1.*", "!*-*"], newest = 2"#), ["1.30.1", "1.30.0"]);
    assert_eq!(values(r#"pattern = "1.{v}", match = "30.?", newest = 1"#), ["30.1"]);
}

#[test]
fn the_repository_and_the_pattern_are_templates_that_see_no_other_axis() {
    let text = with_defaults(
        r#"
            [vars]
            seed = "q.io/seed"
            form = "{v}-{flavor}"
            flavor = "alpine"
            [list.a]
            matrix.b = ["x"]
            matrix.v = { tags-of = "{seed}", pattern = "{form}" }
            tags = ["{b}-{v}"]
        "#,
    );
    assert_eq!(Machine::default().tags("q.io/seed", SEED).ids(&text), ["a/x/1.30.1"]);
    let text = text.replace(r#""{form}""#, r#""{v}-{b}""#);
    assert_eq!(Machine::default().slugs(&text), ["unknown_variable"]);
}

#[test]
fn a_pattern_must_tell_the_value() {
    for pattern in ["fixed", "{v.major}", "{name}"] {
        let mut machine = Machine::default();
        assert_eq!(machine.slugs(&from_tags(&format!(r#"pattern = "{pattern}""#))), ["bad_template"], "{pattern}");
        assert_eq!(machine.listed, BTreeSet::new());
    }
}

#[test]
fn nothing_left_says_where_it_was_lost() {
    let message = |tags: Option<&str>, axis: &str| {
        let machine = Machine::default();
        let mut machine = match tags {
            Some(tags) => machine.tags("q.io/seed", tags),
            None => machine,
        };
        let loaded = machine.load(&from_tags(axis));
        assert_eq!(loaded.problems.iter().map(Problem::slug).collect::<Vec<_>>(), ["empty_axis"]);
        loaded.problems[0].message.strip_prefix("axis `v` has no values: ").unwrap().to_owned()
    };
    assert_eq!(message(None, ""), "repository q.io/seed not found");
    assert_eq!(message(Some(""), ""), "q.io/seed has no tags");
    assert_eq!(message(Some("a b"), r#"pattern = "v{v}""#), "none of the 2 tags in q.io/seed matches `pattern`");
    assert_eq!(message(Some("a"), r#"match = "b""#), "none of the 1 tag in q.io/seed matches `match`");
    assert_eq!(message(Some("a b"), "newest = 3"), "none of the 2 tags in q.io/seed is a version");
}

#[test]
fn tags_are_listed_once_and_only_for_lists_that_may_be_meant() {
    let list = |name: &str, seed: &str| {
        format!(
            r#"
                [list.{name}]
                matrix.v = {{ tags-of = "q.io/{seed}" }}
                tags = ["{{v}}"]
            "#
        )
    };
    let text = with_defaults(&(list("a", "one") + &list("b", "two") + &list("c", "two")));
    let listed = |selectors: &[&str]| {
        let machine = Machine::default().tags("q.io/one", "1").tags("q.io/two", "2");
        let mut machine = selectors.iter().fold(machine, |machine, selector| machine.select(selector));
        let ids = machine.ids(&text).join(" ");
        (ids, machine.listed.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(listed(&[]), ("a/1 b/2 c/2".into(), "q.io/one q.io/two".into()));
    assert_eq!(listed(&["a"]), ("a/1".into(), "q.io/one".into()));
    assert_eq!(listed(&["!a"]), ("b/2 c/2".into(), "q.io/two".into()));
    assert_eq!(listed(&["b/2"]), ("b/2".into(), "q.io/one q.io/two".into()), "any of them may be called so");
}

#[test]
fn lists_of_tags_are_lists_as_all_others() {
    let text = with_defaults(
        r#"
            [list.a]
            matrix.v = { tags-of = "q.io/seed" }
            [list.b]
            target = "r.io/a"
        "#,
    );
    let mut machine = Machine::default().tags("q.io/seed", "1 2");
    assert_eq!(machine.slugs(&text), ["tag_twice"], "all three claim one tag");
}

#[test]
fn before_they_are_listed_the_rest_is_known() {
    let text = with_defaults(
        r#"
            [list.a]
            matrix.v = { tags-of = "q.io/seed" }
            matrix.w = ["x", "y"]
            tags = ["{v}-{w}"]
            [list.b]
        "#,
    );
    let so_far = |text: &str, selectors: &[&str]| {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile { name: "manifests.toml".into(), text: text.into() });
        let selectors: Vec<String> = selectors.iter().map(|it| (*it).to_owned()).collect();
        let trust = Trust::default();
        let request = LoadRequest {
            sources: &sources,
            file,
            overrides: &[],
            selectors: &selectors,
            trust: &trust,
            purpose: LoadPurpose::Check,
        };
        match Loader::new(request).load(&Facts::default()) {
            LoadOutcome::NeedsTags(places, loaded) => (places.len(), loaded),
            other => panic!("{other:?}"),
        }
    };
    let (places, loaded) = so_far(&text, &[]);
    assert_eq!((places, loaded.unexpanded.join(" "), loaded.publications.len()), (1, "a".to_owned(), 1));
    assert_eq!(loaded.problems, []);
    // The selector may match a list that is not known yet.
    assert_eq!(so_far(&text, &["a/1-*"]).1.problems, []);
    // Mistakes that do not depend on the values are reported before tags are listed.
    let (_, loaded) = so_far(&text.replace("{v}-{w}", "{v}-{x}-{w.major}"), &[]);
    assert_eq!(loaded.problems.iter().map(Problem::slug).collect::<Vec<_>>(), ["unknown_variable"]);
}

#[test]
fn a_registry_that_does_not_answer_is_told_of_where_tags_are_wanted() {
    let down = || {
        let problem =
            Problem { retry: true, ..Problem::error("mlist::registry::unreachable", "q.io cannot be reached") };
        Machine { tags: vec![("q.io/seed", Err(Box::new(problem)))], ..Machine::default() }
    };
    let text = from_tags("newest = 1") + "[list.b]\n";
    let loaded = down().load(&text);
    let [problem] = loaded.problems.as_slice() else { panic!("{:?}", loaded.problems) };
    assert_eq!((problem.slug(), problem.retry), ("unreachable", true));
    assert_eq!(&text[problem.labels[0].span.range.clone()], "q.io/seed");
    assert_eq!(down().select("b").ids(&text), ["b"]);
    assert_eq!(down().select("b*").ids(&text), ["b"], "it may matter, and did not");
    assert_eq!(down().select("a/1").slugs(&text), ["unreachable"], "what is meant is not known");
}

#[test]
fn what_tags_say_is_not_told_to_a_stranger() {
    let trust = Trust { root: Some("".into()), author: Author::Stranger { environment: BTreeSet::new() } };
    let stranger = || Machine { trust: trust.clone(), ..Machine::default() };
    let text = from_tags(r#"pattern = "x{v}""#).replace(r#"tags = ["{v}"]"#, r#"tags = ["{v}:"]"#);
    let loaded = stranger().tags("q.io/seed", "xs3cret").load(&text);
    assert_eq!(loaded.problems.len(), 1);
    assert!(!format!("{:?}", loaded.problems).contains("s3cret"), "{:?}", loaded.problems);
    let loaded = stranger().tags("q.io/seed", "s3cret").load(&text);
    assert_eq!(loaded.problems[0].slug(), "empty_axis");
    assert!(!format!("{:?}", loaded.problems).contains("s3cret"), "{:?}", loaded.problems);
}

fn from_lines(text: &str) -> Machine {
    Machine::default().knows(Question::File("images.txt".into()), text)
}

const LINES: &str = r#"
    [list.a]
    matrix.v = { lines = "images.txt" }
    tags = ["{v}"]
"#;

#[test]
fn lines_are_values_but_blank_ones_and_remarks() {
    let text = with_defaults(LINES);
    let mut machine = from_lines("# all of them\r\n b \r\n\n\t# none\na{name}\n");
    assert_eq!(machine.slugs(&text), ["bad_tag"], "a line is no template");
    assert_eq!(from_lines("\n b \r\n  #x\nc\n").ids(&text), ["a/b", "a/c"]);
}

#[test]
fn lines_that_are_no_values_are_told_of_without_their_text() {
    let text = with_defaults(LINES);
    let told = |lines: &str| {
        let loaded = from_lines(lines).load(&text);
        assert!(!format!("{:?}", loaded.problems).contains("s3cret"), "{:?}", loaded.problems);
        let problem = loaded.problems.first().unwrap();
        (problem.slug(), problem.message.clone())
    };
    assert_eq!(
        told("\n# s3cret\n"),
        ("empty_axis", "axis `v` has no values: `images.txt` has no lines with values".into())
    );
    let twice = "duplicate value in axis `v`: lines 1 and 4 are equal";
    assert_eq!(told("s3cret\nb\n\ns3cret\n"), ("axis_twice", twice.into()));
    let long = format!("b\ns3cret{}\n", "x".repeat(251));
    let message = "line 2 of `images.txt` is too long: 257 bytes, at most 256 are allowed";
    assert_eq!(told(&long), ("bad_value", message.into()));
    assert_eq!(told("s3cret:\n").0, "bad_tag");
    let many: Vec<String> = (0..=100_000).map(|at| at.to_string()).collect();
    assert_eq!(told(&many.join("\n")).0, "too_many_lists");
    assert_eq!(Machine::default().slugs(&text), ["unreadable"]);
}

#[test]
fn lines_of_what_nobody_selected_may_be_absent() {
    let text = with_defaults(LINES) + "[list.b]\n";
    assert_eq!(Machine::default().select("b").ids(&text), ["b"]);
}

#[test]
fn lines_go_through_the_guard() {
    let trust = Trust { root: Some("".into()), ..Trust::default() };
    let mut machine = Machine { trust, ..Machine::default() };
    assert_eq!(machine.slugs(&with_defaults(&LINES.replace("images.txt", "/etc/passwd"))), ["outside_root"]);
    assert_eq!(machine.asked, BTreeSet::from([Question::Inside("/etc/passwd".into())]));
}
