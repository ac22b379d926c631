//! Tests of templates: the grammar, the expansion, and the way back from the text to the template.

use std::convert::Infallible;

use proptest::prelude::*;

use super::*;

fn expanded(template: &str, value: &str) -> String {
    Template::parse(template).unwrap().expand(|_| Ok::<_, Infallible>(value.to_owned())).unwrap()
}

#[test]
fn points_at_the_character_or_the_word() {
    use TemplateErrorKind::{Syntax, UnknownFilter};
    for (text, kind, word, instead) in [
        ("a}b", Syntax, "}", Some("}}")),
        ("a{", Syntax, "{", None),
        ("a{name", Syntax, "{name", Some("{name}")),
        ("{name-{arch}:1", Syntax, "{name", Some("{name}")),
        ("{name/app:{tag}", Syntax, "{name", Some("{name}")),
        ("{version.major", Syntax, "{version.major", Some("{version.major}")),
        ("{name|", Syntax, "{", None),
        ("{name.", Syntax, "{", None),
        ("{name|replace:a", Syntax, "{", None),
        ("x{}", Syntax, "}", None),
        ("{ name}", Syntax, " ", None),
        ("{name }", Syntax, " ", None),
        ("{name| tag}", Syntax, " ", None),
        ("{näme}", Syntax, "ä", None),
        ("{1name}", Syntax, "1", None),
        ("{a:b}", Syntax, ":", None),
        ("{version.}", Syntax, "}", None),
        ("{version.mayor}", Syntax, "mayor", Some("major")),
        ("{version.build}", Syntax, "build", None),
        ("{version.major.minor}", Syntax, ".", None),
        ("{a|}", Syntax, "}", None),
        ("{a||tag}", Syntax, "|", None),
        ("{a|tag:x}", Syntax, ":", None),
        ("{a|replace}", Syntax, "replace", Some("replace:A:B")),
        ("{a|replace::x}", Syntax, ":", None),
        ("{a|replace:x}", Syntax, "}", None),
        ("{a|replace:x:y:z}", Syntax, ":", None),
        ("{a|loewr}", UnknownFilter, "loewr", Some("lower")),
        ("{a|tag|upper}", UnknownFilter, "upper", None),
        ("{a|no-V}", UnknownFilter, "no-V", Some("no-v")),
    ] {
        let error = Template::parse(text).unwrap_err();
        assert_eq!((error.kind, &text[error.span.clone()]), (kind, word), "{text}: {error}");
        assert_eq!(error.instead.as_deref(), instead, "{text}");
    }
}

#[test]
fn a_placeholder_that_is_open_before_the_next_one_is_pointed_at() {
    let error = Template::parse("{name{arch}").unwrap_err();
    assert_eq!((error.span, error.instead.as_deref()), (0..5, Some("{name}")));
}

#[test]
fn doubled_braces_are_braces() {
    for (template, text) in [("{{", "{"), ("}}", "}"), ("{{name}}", "{name}"), ("{{{name}}}", "{x}"), ("", "")] {
        assert_eq!(expanded(template, "x"), text, "{template}");
    }
}

#[test]
fn a_value_is_not_expanded_again() {
    assert_eq!(expanded("{name}", "{arch}}}"), "{arch}}}");
}

#[test]
fn filters_apply_from_left_to_right_and_after_the_part() {
    assert_eq!(expanded("{v|no-v|replace:.:-}", "v1.2"), "1-2");
    assert_eq!(expanded("{v.minor|replace:0:zero}", "v24.04.1"), "zero4");
    assert_eq!(expanded("{v|lower|tag}", "A/B+C"), "a-b_c");
    assert_eq!(expanded("{platform|replace:/:-}", "linux/arm/v7"), "linux-arm-v7");
}

#[test]
fn a_part_that_the_value_lacks_is_an_error_with_both() {
    for (template, value, message) in [
        ("{v.patch}", "1.2", "`1.2` has no patch version"),
        ("{v.major}", "latest", "`latest` has no major version"),
        ("{v.minor}", "", "`` has no minor version"),
    ] {
        let error = Template::parse(template).unwrap().expand(|_| Ok::<_, Infallible>(value.into())).unwrap_err();
        assert_eq!(error.to_string(), message);
        let ExpandError::NoPart { placeholder, value: found } = error else { panic!("{error:?}") };
        assert_eq!((placeholder.name.as_str(), found.as_str()), ("v", value));
    }
}

#[test]
fn a_failed_lookup_is_handed_back() {
    let template = Template::parse("{a}{b}").unwrap();
    let error = template.expand(|p| if p.name == "b" { Err("gone") } else { Ok(String::new()) }).unwrap_err();
    assert_eq!(error, ExpandError::Lookup("gone"));
}

#[test]
fn places_are_bytes_of_the_text() {
    let text = "ä/{name.major|tag}{{x";
    let template = Template::parse(text).unwrap();
    let placeholder = template.placeholders().next().unwrap();
    assert_eq!(&text[placeholder.span.clone()], "{name.major|tag}");
    assert_eq!(&text[placeholder.name_span.clone()], "name");
    assert_eq!(template.parts().len(), 4);
}

#[test]
fn the_way_back_leads_to_the_text_or_the_whole_placeholder() {
    let source = "ab{{c{name}/d{name}";
    let template = Template::parse(source).unwrap();
    let expansion = template.expand_traced(|_| Ok::<_, Infallible>("XYZ".into())).unwrap();
    assert_eq!(expansion.text, "ab{cXYZ/dXYZ");
    for (range, origin) in [
        (0..1, "a"),
        (1..2, "b"),
        (0..2, "ab"),
        (2..3, "{{"),
        (1..4, "b{{c"),
        (3..4, "c"),
        (5..6, "{name}"),
        (3..5, "c{name}"),
        (4..9, "{name}/d"),
        (7..9, "/d"),
        (0..12, source),
        (8..8, ""),
        (12..12, ""),
        (30..40, ""),
    ] {
        assert_eq!(&source[expansion.origin(&range)], origin, "{range:?}");
    }
}

#[test]
fn an_empty_text_came_from_the_whole_template() {
    let template = Template::parse("{a}{b}").unwrap();
    let expansion = template.expand_traced(|_| Ok::<_, Infallible>(String::new())).unwrap();
    assert_eq!(expansion.origin(&(0..0)), 0..6);
}

/// Generates templates that follow the grammar.
fn grammatical() -> impl Strategy<Value = String> {
    let name = "[A-Za-z][A-Za-z0-9_-]{0,5}";
    let part = prop_oneof![Just(""), Just(".major"), Just(".minor"), Just(".patch")];
    let filter = prop_oneof![
        Just("|tag".to_owned()),
        Just("|lower".to_owned()),
        Just("|no-v".to_owned()),
        "[|]replace:[^:|{}]{1,3}:[^:|{}]{0,3}",
    ];
    let filters = proptest::collection::vec(filter, 0..3).prop_map(|filters| filters.concat());
    let placeholder = (name, part, filters).prop_map(|(name, part, filters)| format!("{{{name}{part}{filters}}}"));
    let piece = prop_oneof!["[^{}]{0,4}", Just("{{".to_owned()), Just("}}".to_owned()), placeholder];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// Returns the source text of a template with these parts.
fn written(parts: &[Part]) -> String {
    let filter = |filter: &Filter| match filter {
        Filter::Tag => "|tag".to_owned(),
        Filter::Lower => "|lower".to_owned(),
        Filter::NoV => "|no-v".to_owned(),
        Filter::Replace { from, to } => format!("|replace:{from}:{to}"),
    };
    let write = |part: &Part| match part {
        Part::Text(text) => text.replace('{', "{{").replace('}', "}}"),
        Part::Placeholder(placeholder) => {
            let part = placeholder.part.map_or(String::new(), |part| format!(".{}", part.word()));
            let filters: String = placeholder.filters.iter().map(filter).collect();
            format!("{{{}{part}{filters}}}", placeholder.name)
        }
    };
    parts.iter().map(write).collect()
}

#[test]
fn a_text_that_grows_without_end_is_cut_off() {
    let replaced = Template::parse("x{a|replace:a:aaaaaaaaaaaaaaaa|replace:a:aaaaaaaaaaaaaaaa}").unwrap();
    let expand = |length: usize| replaced.expand(|_| Ok::<_, Infallible>("a".repeat(length)));
    assert_eq!(expand(255).unwrap().len(), 1 + 255 * 256);
    assert_eq!(expand(257), Err(ExpandError::TooLong { span: 1..replaced.source().len() }));
    let twice = Template::parse("{a}{b}").unwrap();
    let error = twice.expand(|_| Ok::<_, Infallible>("a".repeat(LONGEST_TEXT / 2 + 1))).unwrap_err();
    assert_eq!(error, ExpandError::TooLong { span: 3..6 });
}

proptest! {
    #[test]
    fn what_follows_the_grammar_is_read_and_written_back(text in grammatical()) {
        let template = Template::parse(&text).unwrap();
        prop_assert_eq!(written(template.parts()), text.as_str());
        prop_assert_eq!(template.source(), text.as_str());
        for placeholder in template.placeholders() {
            let whole = &text[placeholder.span.clone()];
            let braced = whole.starts_with('{') && whole.ends_with('}');
            prop_assert!(braced);
            prop_assert_eq!(&text[placeholder.name_span.clone()], placeholder.name.as_str());
        }
    }

    #[test]
    fn any_text_is_read_or_faulted_within_itself(text in "[{}a.|: ä]{0,12}") {
        match Template::parse(&text) {
            Ok(template) => prop_assert_eq!(written(template.parts()), text),
            Err(error) => prop_assert!(text.get(error.span.clone()).is_some_and(|at| !at.is_empty()), "{:?}", error),
        }
    }

    #[test]
    fn the_way_back_covers_the_template_once(text in grammatical(), value in "[0-9]{0,3}[.][0-9][.]1") {
        let template = Template::parse(&text).unwrap();
        let Ok(expansion) = template.expand_traced(|_| Ok::<_, Infallible>(value.clone())) else { return Ok(()) };
        let mut end = 0;
        for (at, c) in expansion.text.char_indices() {
            let origin = expansion.origin(&(at..at + c.len_utf8()));
            prop_assert!(text.get(origin.clone()).is_some_and(|at| !at.is_empty()));
            prop_assert!(origin.end >= end);
            end = origin.end;
        }
    }
}
