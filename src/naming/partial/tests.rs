//! Tests of partials: both directions, and that one direction reverses the other.

use proptest::prelude::*;

use super::*;

/// A template in which `v` is open, `{full}` is `{v}-alpine`, `{minor}` is `{v.major}.{v.minor}`, and the value of any
/// other name is the name itself.
fn partial(template: &str) -> Partial {
    Partial::of(&Template::parse(template).unwrap(), |word| {
        Ok::<_, ()>(match word.name.as_str() {
            "v" => PlaceholderValue::Open(()),
            "full" => PlaceholderValue::Partial(partial("{v}-alpine")),
            "minor" => PlaceholderValue::Partial(partial("{v.major}.{v.minor}")),
            other => PlaceholderValue::Known(other.to_owned()),
        })
    })
    .unwrap()
}

#[test]
fn nothing_is_found_where_a_text_is_of_another_form() {
    for (template, text) in [
        ("{v}", ""),
        ("{v}-alpine", "-alpine"),
        ("{v}-alpine", "alpine"),
        ("{v}-alpine", "1.2-alpine3"),
        ("x-{v}", "y-1"),
        ("x{v}x", "x"),
        ("x{v}x", "xx"),
        ("{v}-{v}", "1-2"),
        ("{v}-{v}", "1-1-"),
        ("{v}{v}", "121"),
        ("{v}{v}{v}", "1111"),
        ("{v.major}-{v}", "2-1.5"),
        ("{v.major}-{v}", "1-x"),
        ("{v}-{v.minor}", "1-0"),
        ("{minor}.x-{v}", "1.3.x-1.2"),
        ("{v.major}", "1"),
        ("latest", "latest"),
        ("{full|tag}", "1-alpine"),
        ("é{v}", "1"),
        ("{v}é", "é"),
    ] {
        assert_eq!(partial(template).find(text), None, "{template} {text}");
    }
}

#[test]
fn the_value_is_found_where_it_stands() {
    for (template, text, value) in [
        ("{v}", "1.2", "1.2"),
        ("{v}-alpine", "1.2-alpine", "1.2"),
        ("{v}-alpine", "1.2-alpine-alpine", "1.2-alpine"),
        ("x-{v}", "x-x-", "x-"),
        ("{full}", "1-alpine", "1"),
        ("{full}.{full}", "1-alpine.1-alpine", "1"),
        ("{other}-{v}", "other-1", "1"),
        ("{v}-{v}", "1-1-1-1", "1-1"),
        ("{v}{v}", "1212", "12"),
        ("{v.major}-{v}", "1-1.5", "1.5"),
        ("{v.major}{v}", "1111.5", "11.5"),
        ("{v}{v.major}", "1.51", "1.5"),
        ("{v.major}-{v}-{v.minor}", "1-1.5-5", "1.5"),
        ("{minor}.x-{v}", "1.2.x-v1.2.7", "v1.2.7"),
        ("{v}-{minor|replace:.:_}", "1.2.7-1_2", "1.2.7"),
        ("{v}-{full.major}", "7.1-7", "7.1"),
        ("é{v}ü", "é1ä2ü", "1ä2"),
        ("{v}{{}}", "1{}", "1"),
    ] {
        assert_eq!(partial(template).find(text).as_deref(), Some(value), "{template} {text}");
    }
}

#[test]
fn a_form_whose_other_texts_have_one_length_is_tried_at_one_place() {
    let places = |template: &str, length: usize| {
        let Partial { pieces } = partial(template);
        let first = pieces.iter().position(Piece::is_whole).unwrap();
        Places::of(&pieces[..first], &pieces[first + 1..], length).count()
    };
    for (template, length, count) in [
        ("{v}", 128, 1),
        ("{v}-alpine", 128, 1),
        ("{other}-{full}-{v}", 128, 1),
        ("{other}-{full}-{v}", 129, 0),
        ("{v}{v}{v}", 128, 0),
        ("{v}{v}{v}", 129, 1),
        ("{v}-alpine", 7, 0),
        // One end of the value is known.
        ("{v}-{v.minor}", 128, 127),
        ("{v.minor}-{v}", 128, 127 * 128 / 2),
    ] {
        assert_eq!(places(template, length), count, "{template} {length}");
    }
}

#[test]
fn filters_on_the_open_name_are_not_undone_and_others_are_applied() {
    assert_eq!(partial("{v|no-v}").with("v1.2").as_deref(), Some("1.2"));
    assert_eq!(partial("{v|no-v}").find("1.2").as_deref(), Some("1.2"));
    assert_eq!(partial("{v|no-v}").find("v1.2").as_deref(), Some("v1.2"));
    // If the open name occurs several times, all occurrences must have the same text, because no filter is reversed.
    assert_eq!(partial("{v|no-v}_{v}").find("1.2_v1.2"), None);
    assert_eq!(partial("{v|no-v}_{v}").find("1.2_1.2").as_deref(), Some("1.2"));
    // The text of a version part is computed from the value, and its filters are applied.
    assert_eq!(partial("{v}_{v.major|replace:1:one}").find("1.2_one").as_deref(), Some("1.2"));
}

#[test]
fn what_has_no_such_part_comes_to_nothing() {
    for (template, value) in [("{v.major}", "main"), ("{v.minor}", "1"), ("{full.patch}", "1.2"), ("x{minor}", "7")] {
        assert_eq!(partial(template).with(value), None, "{template} {value}");
    }
    assert_eq!(partial("{full.minor|replace:2:two}").with("1.2").as_deref(), Some("two"));
    assert_eq!(partial("latest").with("anything").as_deref(), Some("latest"));
}

#[test]
fn nothing_is_longer_than_the_longest_text() {
    let long = "x".repeat(LONGEST_TEXT);
    assert_eq!(partial("{v}").with(&long), Some(long.clone()));
    assert_eq!(partial("{v}{v}").with(&long), None);
    assert_eq!(partial("{v}.").with(&long), None);
    // The length is checked before the text is created, which would take four gigabytes.
    let filter = Filter::Replace { from: "x".to_owned(), to: long.clone() };
    assert_eq!(Partial::new(vec![Piece::Open { name: (), part: None, filters: vec![filter] }]).with(&long), None);
    let template = Template::parse("{a}{v}{a}").unwrap();
    let lookup = |word: &Placeholder| {
        Ok::<_, ()>(if word.name == "v" { PlaceholderValue::Open(()) } else { PlaceholderValue::Known(long.clone()) })
    };
    assert_eq!(Partial::of(&template, lookup), Err(ExpandError::TooLong { span: 6..9 }));
}

#[test]
fn texts_that_stand_side_by_side_are_one() {
    assert_eq!(partial("a{b}{{c{v}"), partial("ab{{c{v}"));
    assert_eq!(partial("{full}x"), partial("{v}-alpinex"));
    assert_ne!(partial("{full|lower}"), partial("{v}-alpine"));
    assert_eq!(<Partial>::new(vec![Piece::Text(String::new())]).pieces(), []);
}

#[test]
fn a_placeholder_without_its_part_is_told_of_unless_it_is_open() {
    let template = Template::parse("{v.major}-{other.major}").unwrap();
    let lookup = |word: &Placeholder| {
        Ok::<_, ()>(if word.name == "v" {
            PlaceholderValue::Open(())
        } else {
            PlaceholderValue::Known("main".to_owned())
        })
    };
    assert!(matches!(Partial::of(&template, lookup), Err(ExpandError::NoPart { value, .. }) if value == "main"));
    assert_eq!(<Partial>::of(&template, |_| Err("no")), Err(ExpandError::Lookup("no")));
}

#[test]
fn only_the_name_itself_tells_its_value() {
    for (template, whole) in [
        ("{v}", true),
        ("{v|tag}", true),
        ("{full}", true),
        ("{v.major}", false),
        ("{minor}", false),
        ("{full|tag}", false),
        ("{full.major}", false),
        ("latest", false),
    ] {
        assert_eq!(partial(template).holds_whole(), whole, "{template}");
    }
}

/// Templates without filters that contain the whole value. Each has a few pieces that are easily confused with each
/// other.
fn filterless() -> impl Strategy<Value = String> {
    let piece = || {
        prop_oneof![
            Just("{v}"),
            Just("{v.major}"),
            Just("{minor}"),
            Just("{full}"),
            Just("-"),
            Just("1"),
            Just("."),
            Just("é"),
        ]
    };
    let pieces = || prop::collection::vec(piece(), 0..4).prop_map(|pieces| pieces.concat());
    (pieces(), pieces()).prop_map(|(before, behind)| format!("{before}{{v}}{behind}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_a_value_comes_to_tells_the_value(template in filterless(), value in "v?[1-3]{1,2}[.][12][.é1-]{0,3}") {
        let partial = partial(&template);
        let text = partial.with(&value).unwrap();
        let found = partial.find(&text).unwrap();
        prop_assert_eq!(partial.with(&found), Some(text.clone()), "{} {} {}", template, value, text);
        prop_assert_eq!(found, value, "{} {}", template, text);
    }

    #[test]
    fn what_is_found_comes_to_the_text(template in filterless(), text in "[v1-2.é-]{0,9}") {
        let partial = partial(&template);
        if let Some(found) = partial.find(&text) {
            prop_assert!(!found.is_empty());
            prop_assert_eq!(partial.with(&found), Some(text));
        }
    }
}
