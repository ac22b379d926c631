//! Tests of the whole loader: which questions it asks, which level wins, what is selected, and the conventions of real
//! projects.

mod echoes;
mod format;
mod from_tags;
mod include;
mod levels;
mod limits;
mod member_tags;
mod members;
mod newest;
mod peers;
mod precedence;
mod registries;
mod selection;
mod targets;
mod trust;
mod unused;
mod values;
mod when;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::config::facts::Question;
use crate::config::facts::{Fact, GitFact, TagFact};
use crate::config::{LoadPurpose, Override, Problem, Publication, SourceFile, Trust};
use crate::oci::Place;
use crate::oci::Tag;

/// A machine that knows the answers of a test and records all questions.
#[derive(Default)]
struct Machine {
    answers: Vec<(Question, Fact)>,
    asked: BTreeSet<Question>,
    overrides: Vec<Override>,
    selectors: Vec<String>,
    trust: Trust,
    purpose: LoadPurpose,
    /// Whether warnings about what no list uses are part of the result. Most tests have more variables than they use.
    shows_unused: bool,
    file: Option<&'static str>,
    /// Repositories with their tags. All others do not exist.
    tags: Vec<(&'static str, TagFact)>,
    /// The repositories whose tags were listed.
    listed: BTreeSet<Place>,
}

impl Machine {
    fn knows(mut self, question: Question, value: &str) -> Self {
        self.answers.push((question, Ok(Some(value.to_owned()))));
        self
    }

    fn env(self, name: &str, value: &str) -> Self {
        self.knows(Question::Env(name.into()), value)
    }

    fn inside(self, path: &str) -> Self {
        let question = Question::Inside(path.into());
        self.knows(question, path)
    }

    fn file(self, path: &str, text: &str) -> Self {
        self.knows(Question::File(path.into()), text)
    }

    fn only(&mut self, text: &str) -> Problem {
        let mut problems = self.load(text).problems;
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems.remove(0)
    }

    /// Adds a repository with these tags, separated by whitespace.
    fn tags(mut self, repository: &'static str, tags: &str) -> Self {
        let tags = tags.split_whitespace().map(|tag| Tag::parse(tag).unwrap()).collect();
        self.tags.push((repository, Ok(Some(Arc::new(tags)))));
        self
    }

    /// Adds an included file. The glob that finds it is its own path.
    fn includes(self, path: &str, text: &str) -> Self {
        self.knows(Question::Paths("".into(), path.into()), path).knows(Question::Include(path.into()), text)
    }

    /// Adds `NAME=VALUE` or `ENTRY:NAME=VALUE`.
    fn set(mut self, text: &str) -> Self {
        let (name, value) = text.split_once('=').unwrap();
        let (entry, name) = name.split_once(':').map_or((None, name), |(entry, name)| (Some(entry.to_owned()), name));
        self.overrides.push(Override { entry, name: name.into(), value: value.into() });
        self
    }

    fn select(mut self, selector: &str) -> Self {
        self.selectors.push(selector.into());
        self
    }

    fn load(&mut self, text: &str) -> Loaded {
        let mut sources = Sources::default();
        let name = self.file.unwrap_or("manifests.toml").to_owned();
        let file = sources.add(SourceFile { name, text: text.into() });
        let (overrides, selectors, trust) = (&self.overrides, &self.selectors, &self.trust);
        let purpose = self.purpose;
        let request = LoadRequest { sources: &sources, file, overrides, selectors, trust, purpose };
        let (mut parsed, mut facts) = (Loader::new(request), Facts::default());
        loop {
            let outcome = parsed.load(&facts);
            let anew = Loader::new(request).load(&facts);
            assert_eq!(format!("{outcome:?}"), format!("{anew:?}"), "what is kept changes nothing");
            match outcome {
                LoadOutcome::Done(mut loaded) => {
                    loaded.problems.retain(|problem| self.shows_unused || !problem.slug().starts_with("unused_"));
                    return loaded;
                }
                LoadOutcome::NeedsTags(places, _) => {
                    assert!(!places.is_empty());
                    for place in places {
                        assert!(self.listed.insert(place.clone()), "{place} is listed twice");
                        let known = self.tags.iter().find(|(known, _)| Place::parse(known).as_ref() == Ok(&place));
                        facts.add_tags(place, known.map_or(Ok(None), |(_, tags)| tags.clone()));
                    }
                }
                LoadOutcome::Needs(questions) => {
                    assert!(!questions.is_empty());
                    for question in questions {
                        assert!(self.asked.insert(question.clone()), "{question:?} is asked twice");
                        let known = self.answers.iter().find(|(known, _)| *known == question);
                        let fact = known.map_or(Ok(None), |(_, fact)| fact.clone());
                        facts.add(question, fact);
                    }
                }
            }
        }
    }

    /// The ids of the selected publications. There must be no problem.
    fn ids(&mut self, text: &str) -> Vec<String> {
        let loaded = self.load(text);
        assert_eq!(loaded.problems, []);
        loaded.publications.iter().map(|publication| publication.id.clone()).collect()
    }

    /// The lists as `repository:tag`. There must be no problem.
    fn lists(&mut self, text: &str) -> Vec<String> {
        let loaded = self.load(text);
        assert_eq!(loaded.problems, []);
        loaded.publications.iter().map(|publication| publication.reference().to_string()).collect()
    }

    fn slugs(&mut self, text: &str) -> Vec<&'static str> {
        self.load(text).problems.iter().map(Problem::slug).collect()
    }
}

/// `text` after defaults that make each empty table a complete list.
fn with_defaults(text: &str) -> String {
    format!(
        r#"
            [defaults]
            platforms = ["linux/amd64"]
            source = "r.io/{{name}}-{{arch}}:1"
            target = "r.io/{{name}}"
            tags = ["1"]
            {text}"#
    )
}

#[test]
fn what_no_selected_list_uses_is_not_asked() {
    let text = with_defaults(
        r#"
            [vars]
            unused = { env = "UNUSED" }
            [list.a]
            vars.v = { env = "A", default = "x" }
            tags = ["{v}"]
            [list.b]
            vars.v = { env = "B" }
            tags = ["{v}"]
        "#,
    );
    let mut machine = Machine::default().select("a");
    assert_eq!(machine.ids(&text), ["a"]);
    assert_eq!(machine.asked, BTreeSet::from([Question::Env("A".into())]));
    // A selector of another repository does not match `b`, whatever its tags are.
    let mut machine = Machine::default().select("r.io/a");
    assert_eq!(machine.ids(&text), ["a"]);
    assert_eq!(machine.asked, BTreeSet::from([Question::Env("A".into())]));
    // Whether a glob matches the list `b` is not known before the tag is known, so the variable is requested. That it
    // has no value is not a problem, because `b` is not selected.
    let mut machine = Machine::default().select("r.io/*:x");
    assert_eq!(machine.ids(&text), ["a"]);
    assert_eq!(machine.asked, BTreeSet::from([Question::Env("A".into()), Question::Env("B".into())]));
}

#[test]
fn of_lists_that_are_not_selected_only_problems_of_names_are_reported() {
    let text = with_defaults(
        r#"
            [list.a]
            [list.b]
            vars.v = { env = "B" }
            tags = ["{v}", "{nothing}", "a+b"]
        "#,
    );
    assert_eq!(Machine::default().select("a").slugs(&text), ["unknown_variable"]);
}

#[test]
fn files_and_layouts_are_beside_the_file() {
    let text = with_defaults(
        r#"
            [list.a]
            vars.v = { file = "images/{name}/VERSION" }
            vars.g = { git = "tag" }
            source = "oci:in/{os}:{v}"
            target = "oci:./out/../out/{name}"
            tags = ["{g}"]
        "#,
    );
    let mut machine = Machine { file: Some("ci/manifests.toml"), ..Machine::default() }
        .knows(Question::File("ci/images/a/VERSION".into()), "\u{feff} 1.2\r\n")
        .knows(Question::Git("ci".into(), GitFact::Tags), "nightly\nv1.9.0\nv1.10.0\nv1.10.0-rc.1\n");
    let loaded = machine.load(&text);
    assert_eq!(loaded.problems, []);
    assert_eq!(loaded.publications[0].reference().to_string(), "oci:ci/out/a:v1.10.0");
    assert_eq!(loaded.publications[0].members[0].source.to_string(), "oci:ci/in/linux:1.2");
}

#[test]
fn white_space_around_a_value_is_removed_wherever_it_comes_from() {
    for value in ["1.0\r\n", "1.0\r", " 1.0 ", "\u{feff}1.0\n", "\t1.0"] {
        let text = |place: &str| {
            with_defaults(&format!(
                r#"
                    [vars]
                    v = {{ {place} }}
                    [list.a]
                    tags = ["{{v}}"]
                "#
            ))
        };
        assert_eq!(Machine::default().env("V", value).lists(&text(r#"env = "V""#)), ["r.io/a:1.0"], "{value:?}");
        let mut machine = Machine::default().knows(Question::File("V".into()), value);
        assert_eq!(machine.lists(&text(r#"file = "V""#)), ["r.io/a:1.0"], "{value:?}");
    }
    // A value that is blank is no value.
    let text = with_defaults(
        r#"
            [list.a]
            vars.v = { env = "V" }
            tags = ["{v}"]
        "#,
    );
    assert_eq!(Machine::default().env("V", " \r\n").slugs(&text), ["no_value"]);
}

#[test]
fn git_is_asked_where_the_file_is_even_if_that_is_here() {
    let mut machine = Machine::default().knows(Question::Git(".".into(), GitFact::Commit), "abc\n");
    assert_eq!(
        machine.lists(&with_defaults(
            r#"
                [vars]
                c = { git = "commit" }
                [list.a]
                tags = ["{c}"]"#
        )),
        ["r.io/a:abc"]
    );
}

#[test]
fn a_variable_may_differ_by_member() {
    let text = with_defaults(
        r#"
            [list.a]
            platforms = ["linux/amd64", "linux/arm64"]
            source = "r.io/a@{digest}"
            vars.digest = { file = "{os}-{arch}" }
        "#,
    );
    let digest = |c: &str| format!("sha256:{}", c.repeat(64));
    let mut machine = Machine::default()
        .knows(Question::File("linux-amd64".into()), &digest("a"))
        .knows(Question::File("linux-arm64".into()), &digest("b"));
    let loaded = machine.load(&text);
    assert_eq!(loaded.problems, []);
    let sources: Vec<_> = loaded.publications[0].members.iter().map(|member| member.source.to_string()).collect();
    assert_eq!(sources, [format!("r.io/a@{}", digest("a")), format!("r.io/a@{}", digest("b"))]);
}

#[test]
fn what_comes_from_outside_is_no_template() {
    let text = with_defaults(
        r#"
            [vars]
            v = { env = "V" }
            [list.a]
            tags = ["{v|tag}"]
        "#,
    );
    assert_eq!(Machine::default().env("V", "{name}").lists(&text), ["r.io/a:-name-".replace(":-", ":_")]);
    assert_eq!(Machine::default().set("v={arch}").lists(&text), ["r.io/a:_arch-"]);
}

#[test]
fn one_fault_of_many_lists_is_told_once() {
    let lists = (0..200).map(|n| format!("[list.l{n}]")).collect::<Vec<_>>().join("\n");
    let problems = Machine::default().load(&with_defaults(&lists).replace(r#"["1"]"#, r#"["a b"]"#)).problems;
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].causes, ["same problem in lists l1, l2, l3 and 196 more"]);
}

#[test]
fn a_publication_knows_where_its_parts_are_written() {
    let text = with_defaults(
        r#"
            [list.a]
            tags = ["{name}"]
        "#,
    );
    let loaded = Machine::default().load(&text);
    let publication = &loaded.publications[0];
    let written = |span: &crate::config::Span| text[span.range.clone()].to_owned();
    assert_eq!(written(&publication.target_span), "r.io/{name}");
    assert_eq!(written(&publication.tags[0].span), "{name}");
    assert_eq!(written(&publication.members[0].platform_span), "linux/amd64");
    assert_eq!(written(&publication.members[0].source_span), "r.io/{name}-{arch}:1");
}

#[test]
fn a_byte_order_mark_and_crlf_leave_every_place_right() {
    let text = format!(
        "\u{feff}{}",
        with_defaults(
            r#"
                [list.a]
                tags = ["{nme}"]
            "#
        )
        .replace('\n', "\r\n")
    );
    let problems = Machine::default().load(&text).problems;
    assert_eq!(&text[problems[0].labels[0].span.range.clone()], "{nme}");
}

#[test]
fn a_table_of_platforms_spells_arch_and_rows_have_their_own_sources() {
    let text = with_defaults(
        r#"
            [list.a.platforms]
            x64 = "linux/amd64"
            old = { platform = "linux/386", source = "q.io/{name}-{arch}:2" }
        "#,
    );
    let loaded = Machine::default().load(&text);
    assert_eq!(loaded.problems, []);
    let members: Vec<_> =
        loaded.publications[0].members.iter().map(|m| (m.arch.clone().unwrap(), m.source.to_string())).collect();
    assert_eq!(members, [("x64".into(), "r.io/a-x64:1".into()), ("old".into(), "q.io/a-old:2".to_owned())]);
}

/// Checks that a list may have these platforms.
#[track_caller]
fn assert_platforms(rows: &str) {
    let text = with_defaults(&format!(
        "
            [list.a]
            platforms = {rows}
        "
    ));
    assert_eq!(Machine::default().ids(&text), ["a"]);
}

#[test]
fn windows_images_of_one_platform_are_told_apart_later() {
    assert_platforms(r#"["windows/amd64", { platform = "windows/amd64", arch = "win2" }]"#);
}

#[test]
fn rows_that_write_their_sources_may_share_an_index() {
    let row = |platform: &str| format!(r#"{{ platform = "{platform}", source = "q.io/index:1" }}"#);
    assert_platforms(&format!("[{}, {}]", row("linux/amd64"), row("linux/arm64")));
}

#[test]
fn equal_tags_of_a_list_become_one() {
    let text = with_defaults(
        r#"
            [vars]
            v = "1"
            [list.a]
            tags = ["1", "{v}", "2"]
        "#,
    );
    let loaded = Machine::default().load(&text);
    let tags: Vec<_> = loaded.publications[0].tags.iter().map(|tag| tag.tag.as_str().to_owned()).collect();
    assert_eq!(tags, ["1", "2"]);
}

#[test]
fn an_empty_file_has_no_list() {
    for text in ["", "\u{feff}", "# nothing\n", "[list]\n"] {
        assert_eq!(Machine::default().slugs(text), ["no_list"], "{text:?}");
    }
}

#[test]
fn no_text_makes_the_loader_stumble() {
    let whole = include_str!("../../../../manifests.toml.example");
    for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)).step_by(7) {
        let text = &whole[..end];
        for problem in Machine::default().load(text).problems {
            for label in problem.labels {
                assert!(label.span.range.start < text.len() && label.span.range.end <= text.len(), "{end}");
            }
        }
    }
}

proptest! {
    #[test]
    fn no_damage_makes_the_loader_stumble(at in 0_usize..6000, cut in 0_usize..60, put in r#"[\[\]{}="'\\a-z.\n\r|:/ #ä\x00]{0,8}"#) {
        let whole = include_str!("../../../../manifests.toml.example");
        let boundary = |at: usize| (0..=at.min(whole.len())).rev().find(|at| whole.is_char_boundary(*at)).unwrap();
        let text = format!("{}{put}{}", &whole[..boundary(at)], &whole[boundary(at + cut)..]);
        for problem in Machine::default().load(&text).problems {
            for label in problem.labels {
                prop_assert!(label.span.range.start < text.len());
                prop_assert!(text.get(label.span.range).is_some());
            }
        }
    }
}
