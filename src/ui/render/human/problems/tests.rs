//! Tests of rendered problems against the transcripts.

use super::*;
use crate::config::problem::{HttpFacts, SourceFile, Span};
use crate::ui::render::fold::fold;
use crate::ui::tests::samples::{self, WIDE};

fn shown(problems: &[Problem], style: Style) -> String {
    render(&fold(problems.iter().map(|problem| (None, problem))), &samples::sources(), style, false)
}

#[test]
fn a_span_behind_the_end_of_the_file_is_drawn_at_its_end() {
    let length = samples::FILE.len();
    for range in [length..length, length..length + 9, length + 5..length + 5, length - 1..length + 1] {
        let problem =
            Problem::error("mlist::config::syntax", "the file ends too early").at(&Span { file: 0, range }, "here");
        assert!(shown(&[problem], Style::PLAIN).contains("here"));
    }
}

#[test]
fn an_empty_file_and_an_unknown_one_are_no_panic() {
    let mut sources = Sources::default();
    sources.add(SourceFile { name: "manifests.toml".into(), text: "".into() });
    for file in [0, 7] {
        let problem = Problem::error("mlist::config::no_list", "no list").at(&Span { file, range: 0..0 }, "none");
        let text = render(&fold([(None, &problem)]), &sources, Style::PLAIN, false);
        assert!(text.contains("no list"), "{text}");
    }
}

#[test]
fn an_absent_member_points_at_its_template() {
    insta::assert_snapshot!(shown(&[samples::absent()], WIDE), @r#"
    mlist::plan::member_absent

      × tag v1.3.0 not found in gcr.io/google_containers/kube-scheduler-s390x
       ╭─[manifests.toml:6:11]
     5 │ [defaults]
     6 │ source = "{registry}/{name}-{arch}:{version}"
       ·           ─────────────────┬────────────────
       ·                            ╰── linux/s390x of list `kube-scheduler`
     7 │ target = "{registry}/{name}"
       ╰────
      help: push it first, or set missing = "skip" to publish without it
    "#);
}

#[test]
fn a_place_in_another_file_has_an_excerpt_of_its_own_before_the_help() {
    let mut sources = samples::sources();
    let file = sources.add(SourceFile { name: "services/api.toml".into(), text: "[list.kubectl]\n".into() });
    let problem = Problem::error("mlist::config::id_twice", "list `kubectl` is defined twice")
        .at(&Span { file, range: 6..13 }, "defined again here")
        .at(&samples::span("registry"), "first defined here")
        .because("ids are unique, also between files")
        .help("rename one of them");
    let text = |style| render(&fold([(None, &problem)]), &sources, style, false);
    insta::assert_snapshot!(text(WIDE), @r#"
    mlist::config::id_twice

      × list `kubectl` is defined twice
      ╰─▶ ids are unique, also between files
       ╭─[services/api.toml:1:7]
     1 │ [list.kubectl]
       ·       ───┬───
       ·          ╰── defined again here
       ╰────
       ╭─[manifests.toml:2:1]
     1 │ [vars]
     2 │ registry = "gcr.io/google_containers"
       · ────┬───
       ·     ╰── first defined here
     3 │ version = "v1.3.0"
       ╰────
      help: rename one of them
    "#);
    let in_colour = text(Style { color: Color::On, ..WIDE });
    for (place, count) in
        [("services/api.toml", 1), ("manifests.toml", 1), ("first defined here", 1), ("rename one", 1)]
    {
        assert_eq!(in_colour.matches(place).count(), count, "{place}: {in_colour}");
    }
    assert!(text(Style { charset: Charset::Ascii, ..WIDE }).is_ascii());
}

#[test]
fn a_dead_registry_has_a_cause_and_a_help() {
    insta::assert_snapshot!(shown(&[samples::unreachable()], WIDE), @r"
    mlist::registry::unreachable

      × cannot connect to quay.io
      ╰─▶ timed out after 10s (8 attempts in 90s)
      help: check the host name and port, and whether the registry is running
    ");
}

#[test]
fn ascii_draws_with_ascii() {
    let style = Style { charset: Charset::Ascii, ..WIDE };
    let text = shown(&[samples::absent(), samples::unreachable()], style);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!(text, @r#"
    mlist::plan::member_absent

      x tag v1.3.0 not found in gcr.io/google_containers/kube-scheduler-s390x
       ,-[manifests.toml:6:11]
     5 | [defaults]
     6 | source = "{registry}/{name}-{arch}:{version}"
       :           ^^^^^^^^^^^^^^^^^|^^^^^^^^^^^^^^^^
       :                            `-- linux/s390x of list `kube-scheduler`
     7 | target = "{registry}/{name}"
       `----
      help: push it first, or set missing = "skip" to publish without it

    mlist::registry::unreachable

      x cannot connect to quay.io
      `-> timed out after 10s (8 attempts in 90s)
      help: check the host name and port, and whether the registry is running
    "#);
}

#[test]
fn a_narrow_terminal_breaks_no_reference() {
    insta::assert_snapshot!(shown(&[samples::absent()], Style { width: Some(40), ..WIDE }), @r#"
    mlist::plan::member_absent

      × tag v1.3.0 not found in
      │ gcr.io/google_containers/kube-scheduler-s390x
       ╭─[manifests.toml:6:11]
     5 │ [defaults]
     6 │ …e = "{registry}/{name}-{arch}:{ve…
       ·       ────────┬────────
       ·               ╰─┤ linux/s390x of
       ·                 │ list
       ·                 │ `kube-scheduler`
     7 │ target = "{registry}/{name}"
       ╰────
      help: push it first, or set missing
            = "skip" to publish without it
    "#);
}

#[test]
fn a_pipe_is_never_wrapped() {
    let cause = "a long cause that goes on ".repeat(20);
    let problem = Problem::error("mlist::registry::denied", "denied").because(cause.clone());
    assert!(shown(&[problem], Style::PLAIN).contains(cause.trim()));
}

#[test]
fn foreign_text_stays_on_its_line() {
    let problem = Problem::error("mlist::registry::denied", "denied").because("403 \"no\n::error::gotcha\u{1b}[2J\"");
    let text = shown(&[problem], Style::PLAIN);
    assert!(!text.contains('\u{1b}') && !text.lines().any(|line| line.starts_with("::")), "{text}");
}

#[test]
fn what_else_it_is_about_is_named_up_to_ten() {
    let problems: Vec<Problem> = (0..14)
        .map(|n| {
            let reference = format!("gcr.io/google_containers/kube-{n}-s390x:v1.3.0");
            Problem { message: format!("{reference} not found (404)"), ..samples::absent() }.about(&reference)
        })
        .collect();
    let text = shown(&problems, WIDE);
    let also: String = text.lines().skip_while(|line| !line.starts_with("  also:")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(also, @r"
    also: gcr.io/google_containers/kube-1-s390x:v1.3.0,
          gcr.io/google_containers/kube-2-s390x:v1.3.0,
          gcr.io/google_containers/kube-3-s390x:v1.3.0,
          gcr.io/google_containers/kube-4-s390x:v1.3.0,
          gcr.io/google_containers/kube-5-s390x:v1.3.0,
          gcr.io/google_containers/kube-6-s390x:v1.3.0,
          gcr.io/google_containers/kube-7-s390x:v1.3.0,
          gcr.io/google_containers/kube-8-s390x:v1.3.0,
          gcr.io/google_containers/kube-9-s390x:v1.3.0,
          gcr.io/google_containers/kube-10-s390x:v1.3.0, and 3 more (-v)
    ");
}

#[test]
fn warnings_are_marked_and_colour_is_only_colour() {
    let http = HttpFacts { host: "gcr.io".into(), ..HttpFacts::default() };
    let warning = Problem {
        http: Some(http),
        ..Problem::warning("mlist::plan::unreadable_list", "reg.corp/app:v1 is not a valid list")
    };
    let coloured = shown(std::slice::from_ref(&warning), Style { color: Color::On, ..WIDE });
    assert!(coloured.contains('\u{1b}'));
    insta::assert_snapshot!(shown(&[warning], WIDE), @r"
    mlist::plan::unreadable_list

      ! reg.corp/app:v1 is not a valid list
    ");
}

/// Renders a problem with labels at `parts` of a file.
fn of_file(text: &str, parts: &[&str]) -> String {
    let mut sources = Sources::default();
    let file = sources.add(SourceFile { name: "m.toml".into(), text: text.into() });
    let problem = parts.iter().fold(Problem::error("mlist::config::type", "wrong"), |problem, part| {
        let start = text.find(part).unwrap();
        problem.at(&Span { file, range: start..start + part.len() }, "here")
    });
    render(&fold([(None, &problem)]), &sources, WIDE, false)
}

#[test]
fn nothing_of_a_file_does_anything_to_a_terminal() {
    let text = of_file("\u{feff}# \u{1b}[2J\r\n\ta\u{202e} = \u{7}\u{9b}x\r\n# \u{61c}\r\n", &["x"]);
    insta::assert_snapshot!(text, @r"
    mlist::config::type

      × wrong
       ╭─[m.toml:2:9]
     1 │ # �[2J
     2 │     a� = ��x
       ·            ┬
       ·            ╰── here
     3 │ # �
       ╰────
    ");
}

#[test]
fn columns_are_characters_and_labels_stand_under_wide_ones() {
    insta::assert_snapshot!(of_file("\u{feff}\"漢字é\" = x", &["x"]), @r#"
    mlist::config::type

      × wrong
       ╭─[m.toml:1:9]
     1 │ "漢字é" = x
       ·           ┬
       ·           ╰── here
       ╰────
    "#);
}

#[test]
fn a_long_line_is_shown_around_its_labels() {
    let long = "ä".repeat(100_000);
    let text = of_file(&format!("{long}\na = \"{long}x{long}y{long}\"\n"), &["x", "y"]);
    assert!(text.chars().count() < 1200, "{text}");
    insta::assert_snapshot!(text.replace(&"ä".repeat(40), "~"), @r"
    mlist::config::type

      × wrong
       ╭─[m.toml:2:100006]
     1 │ ~ääääääääääääääääääääääääääääääääää…
     2 │ …ääääääääääääääääääääääääääääääääx…ääääääääääääääääääääääääääääääääyääääää…
       ·                                  ┬                                 ┬
       ·                                  │                                 ╰── here
       ·                                  ╰── here
       ╰────
    ");
}

#[test]
fn a_label_over_many_lines_is_drawn_on_its_first() {
    let rows = "  1,\n".repeat(1000);
    let whole = format!("[\n{rows}]");
    insta::assert_snapshot!(of_file(&format!("a = {whole}\n"), &[&whole]), @r"
    mlist::config::type

      × wrong
       ╭─[m.toml:1:5]
     1 │ a = [
       ·     ┬
       ·     ╰── here
     2 │   1,
       ╰────
    ");
}

#[test]
fn labels_far_apart_are_two_pictures() {
    let text = format!("a\n{}b\n", "\n".repeat(30));
    insta::assert_snapshot!(of_file(&text, &["a", "b"]), @r"
    mlist::config::type

      × wrong
       ╭─[m.toml:1:1]
     1 │ a
       · ┬
       · ╰── here
     2 │
       ╰────
        ╭─[m.toml:32:1]
     31 │
     32 │ b
        · ┬
        · ╰── here
        ╰────
    ");
}

/// Returns the problem that the first `text` of the sample file is wrong.
fn wrong(text: &str, label: &str) -> Problem {
    Problem::error("mlist::config::x", "it is wrong").at(&samples::span(text), label)
}

fn at_width(problem: &Problem, width: usize) -> String {
    shown(std::slice::from_ref(problem), Style { width: Some(width), ..WIDE })
}

#[test]
fn a_frame_fits_the_terminal_and_its_labels_are_wrapped_between_words() {
    let problem = wrong("{version}", "unknown variable, did you mean `version-of-the-release`?");
    insta::assert_snapshot!(at_width(&problem, 80), @r#"
    mlist::config::x

      × it is wrong
       ╭─[manifests.toml:6:36]
     5 │ [defaults]
     6 │ source = "{registry}/{name}-{arch}:{version}"
       ·                                    ────┬────
       ·                                        ╰─┤ unknown variable, did you mean
       ·                                          │ `version-of-the-release`?
     7 │ target = "{registry}/{name}"
       ╰────
    "#);
    insta::assert_snapshot!(at_width(&problem, 50), @r#"
    mlist::config::x

      × it is wrong
       ╭─[manifests.toml:6:36]
     5 │ [defaults]
     6 │ …me}-{arch}:{version}"
       ·             ────┬────
       ·                 ╰─┤ unknown variable, did you
       ·                   │ mean
       ·                   │ `version-of-the-release`?
     7 │ target = "{registry}/{name}"
       ╰────
    "#);
    insta::assert_snapshot!(at_width(&problem, 40), @r#"
    mlist::config::x

      × it is wrong
       ╭─[manifests.toml:6:36]
     5 │ [defaults]
     6 │ …:{version}"
       ·   ────┬────
       ·       ╰─┤ unknown variable, did you
       ·         │ mean
       ·         │ `version-of-the-release`?
     7 │ target = "{registry}/{name}"
       ╰────
    "#);
    let two = wrong("{registry}/{name}-{arch}:{version}", "the source of the first list")
        .at(&samples::span("{version}"), "the tag of the second list");
    insta::assert_snapshot!(at_width(&two, 50), @r#"
    mlist::config::x

      × it is wrong
       ╭─[manifests.toml:6:11]
     5 │ [defaults]
     6 │ …{registry}/{name}-{arc…{version}"
       ·  ───────────┬────────── ────┬────
       ·             │               ╰─┤ the tag of
       ·             │                 │ the second
       ·             │                 │ list
       ·             ╰── the source of the first list
     7 │ target = "{registry}/{name}"
       ╰────
    "#);
}

#[test]
fn no_frame_is_wider_than_the_terminal() {
    let labels =
        ["", "here", "did you mean `registry`?", "the variable `version` is not defined in any list of this file"];
    let texts = ["registry", "{registry}/{name}-{arch}:{version}", "{version}", "\"]\n", "[vars]\nregistry = \"gcr.io"];
    for (text, label) in texts.iter().flat_map(|text| labels.map(|label| (text, label))) {
        for other in ["", "source", "tags"] {
            let mut problem = wrong(text, label);
            if !other.is_empty() {
                problem = problem.at(&samples::span(other), "first defined here");
            }
            for width in 40..100 {
                let text = at_width(&problem, width);
                let longest = text.lines().map(text::width).max().unwrap();
                assert!(longest <= width, "{longest} of {width} columns:\n{text}");
                let words: Vec<&str> = text.split_whitespace().collect();
                assert!(label.split(' ').all(|word| word.is_empty() || words.contains(&word)), "{label}:\n{text}");
            }
        }
    }
}

#[test]
fn a_long_path_is_shortened_at_its_start() {
    let mut sources = Sources::default();
    let name = "deployments/production/europe-west/services/manifests.toml";
    let file = sources.add(SourceFile { name: name.into(), text: "[list.kubectl]\n".into() });
    let problem = Problem::error("mlist::config::x", "it is wrong").at(&Span { file, range: 6..13 }, "here");
    let text = |style| render(&fold([(None, &problem)]), &sources, style, false);
    insta::assert_snapshot!(text(Style { width: Some(50), ..WIDE }).lines().nth(3).unwrap(), @"   ╭─[…pe-west/services/manifests.toml:1:7]");
    assert!(text(Style::PLAIN).contains(name));
}
