//! Tests of the page without a browser. `tests/it/html_page.rs` opens it in one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::config::Publication;
use crate::oci::Platform;
use crate::plan::{ChildFault, ChildPart, DamagedChild, ListPlan, ListState, Verification};
use crate::ui::document::Checked;
use crate::ui::tests::samples;

fn verified(plan: ListPlan, state: ListState) -> Arc<Verification> {
    Arc::new(Verification { plan: Arc::new(plan), state, damage: Vec::new(), repair: None })
}

fn page(lists: &[Arc<Verification>]) -> String {
    super::page(&Context::of(samples::sources()), PageLists::Compared(lists), None)
}

fn offline(lists: &[Arc<Publication>]) -> String {
    let checked = Checked { publications: lists.to_vec(), unexpanded: Vec::new() };
    super::page(&Context::of(samples::sources()), PageLists::Declared(&checked), None)
}

fn proxy() -> ListPlan {
    samples::unchanged(samples::publication("kube-proxy"), "3f2a9c81d04e")
}

/// Returns the texts between `before` and `after`.
fn between<'a>(page: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    page.split(before).skip(1).map(|rest| rest.split(after).next().unwrap()).collect()
}

#[test]
fn the_page_counts_lists_by_state() {
    let mut damaged = Arc::unwrap_or_clone(verified(proxy(), ListState::Damaged));
    let descriptor = damaged.plan.members[0].descriptor.clone().unwrap();
    damaged.damage = vec![DamagedChild {
        part: ChildPart::Image(Some(samples::platform("amd64"))),
        image: descriptor.digest.to_string(),
        descriptor,
        fault: ChildFault::Missing,
    }];
    let page = page(&[
        verified(samples::updated(), ListState::Differs),
        verified(samples::created(samples::publication("hyperkube"), "8c1e5d0b7a42"), ListState::Absent),
        verified(proxy(), ListState::AsDeclared),
        verified(samples::blocked("kube-scheduler"), ListState::Blocked),
        verified(samples::failed("quay.io/acme/api"), ListState::Failed),
        Arc::new(damaged),
    ]);
    let head = between(&page, "<ul class=\"counts\">", "</ul>")[0];
    assert_eq!(
        between(head, ">", "<").into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>(),
        ["6 lists, 31 images", "1 as declared", "2 differ", "2 not found", "1 unknown"]
    );
    let rows = between(&page, "<tr class=\"l\"", "</tr>");
    let states = |row: &str| {
        between(row, "<td", "</td>")
            .iter()
            .map(|cell| cell.split('>').next_back().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        states(rows[0]),
        ["differs", "as declared", "as declared", "differs", "new", "as declared", "undeclared"]
    );
    assert_eq!(states(rows[4]), ["differs", "damaged", "as declared", "as declared", "as declared", "as declared", ""]);
}

#[test]
fn nothing_but_the_style_and_the_script_of_the_page_is_allowed() {
    let page = page(&[verified(proxy(), ListState::AsDeclared)]);
    let [style, script] =
        [("<style>", "</style>"), ("<script>", "</script>")].map(|(from, to)| between(&page, from, to));
    assert_eq!((style.as_slice(), script.as_slice()), ([STYLE].as_slice(), [SCRIPT].as_slice()));
    for text in [STYLE, SCRIPT] {
        assert!(page.contains(&BASE64.encode(Sha256::digest(text))));
        assert!(!text.contains("</") && !text.contains('\r') && !text.contains("://") && !text.contains("url("));
    }
    let markup = page.replace(STYLE, "").replace(SCRIPT, "");
    assert!(between(&markup, " href=\"", "\"").iter().all(|link| link.starts_with('#') || *link == "data:,"));
    for word in [" style=", " src=", "http://", "https://", "javascript"] {
        assert!(!markup.contains(word), "{word}");
    }
    let is_handler = |text: &&str| text.trim_start_matches(|c: char| c.is_ascii_lowercase()).starts_with('=');
    assert_eq!(markup.split(" on").skip(1).find(is_handler), None);
}

#[test]
fn equal_lists_are_equal_bytes_and_the_time_is_shown_if_it_is_given() {
    let lists = [verified(samples::updated(), ListState::Differs), verified(samples::pause(), ListState::Absent)];
    assert_eq!(page(&lists), page(&lists));
    assert!(!page(&lists).contains("<time"));
    let time = UNIX_EPOCH + Duration::from_hours(498_730);
    let timed = super::page(&Context::default(), PageLists::Compared(&lists), Some(time));
    assert!(timed.contains("<time datetime=\"2026-11-23T10:00:00Z\">2026-11-23 10:00:00 UTC</time>"));
}

#[test]
fn without_registries_there_are_no_states() {
    let page =
        offline(&[samples::publication("kubectl"), samples::publication_at("quay.io/acme/api", &["v2", "latest"])]);
    let markup = page.replace(STYLE, "");
    assert!(markup.contains("No registry was read."));
    assert_eq!(markup.matches("<td>declared</td>").count(), 10);
    for state in [" class=\"ok\"", "data-s=", "docker pull", "Digest", "<select id=\"state\""] {
        assert!(!markup.replace(SCRIPT, "").contains(state), "{state}");
    }
    assert!(markup.contains("+1 tag") && markup.contains("<code>latest</code>"));
}

#[test]
fn a_file_without_lists_is_a_page() {
    for page in [page(&[]), offline(&[])] {
        assert!(page.contains("0 lists, 0 images"));
        assert!(!page.replace(STYLE, "").contains("<table"));
    }
}

#[test]
fn a_list_with_any_number_of_platforms_adds_a_limited_number_of_columns() {
    let mut list = proxy();
    for at in 0..5000 {
        let platform = Platform { architecture: format!("arch{at}"), ..samples::platform("amd64") };
        list.members.push(crate::plan::MemberChange {
            platform,
            source: None,
            fate: crate::plan::MemberFate::Removed,
            ..list.members[0].clone()
        });
    }
    let page = page(&[verified(list, ListState::Differs), verified(proxy(), ListState::AsDeclared)]);
    let head = between(&page, "<thead>", "</thead>")[0];
    assert_eq!(head.matches("<th ").count(), 2 + 24 + 1);
    assert!(page.contains("<td class=\"undeclared\">4,981 undeclared</td>"));
    assert!(page.matches("arch4999").count() == 1, "in the details");
}

#[test]
fn a_list_of_seven_platforms_takes_less_than_four_thousand_bytes() {
    let list = |at: usize| {
        let mut list = samples::unchanged(samples::publication(&format!("image-{at}")), "3f2a9c81d04e");
        list.members.extend_from_within(..2);
        verified(list, ListState::AsDeclared)
    };
    let size = |number: usize| page(&(0..number).map(list).collect::<Vec<_>>()).len();
    let each = (size(200) - size(100)) / 100;
    assert!(each < 4000, "{each}");
}

#[test]
fn every_list_of_the_file_is_linked_whatever_its_registry() {
    let targets = ["gcr.io/x/a", "quay.io/x/b", "gcr.io/x/c"];
    let lists = targets.map(|target| samples::publication_at(target, &["1"]));
    let page = offline(&lists);
    let rows: Vec<&str> = between(&page, "<a href=\"#l", "\"");
    assert_eq!(rows, ["0", "2", "1"]);
    assert_eq!(between(&page, "<details id=\"l", "\""), rows, "the script needs the same order");
}

/// The colors of one scheme: the values of the variables.
fn colors(scheme: &str) -> HashMap<&str, f64> {
    let lines = scheme.lines().filter_map(|line| line.trim().strip_prefix("--")?.strip_suffix(';')?.split_once(": #"));
    lines.map(|(name, color)| (name, luminance(u32::from_str_radix(color, 16).unwrap()))).collect()
}

/// The relative luminance of a color (WCAG 2.2).
fn luminance(color: u32) -> f64 {
    let part = |shift: u32| {
        let part = f64::from(color >> shift & 0xff) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0)
}

#[test]
fn text_has_the_contrast_that_wcag_aa_requires() {
    let (light, dark) = STYLE.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let dark = dark.split("}\n}").next().unwrap();
    let [light, dark] = [colors(light), colors(dark)];
    assert_eq!(light.len(), dark.len());
    for (name, scheme) in [("light", light), ("dark", dark)] {
        let ratio = |one: &str, other: &str| {
            let (one, other) = (scheme[one], scheme[other]);
            (one.max(other) + 0.05) / (one.min(other) + 0.05)
        };
        let mut pairs = vec![("warn", "warn-tint"), ("bad", "bad-tint"), ("news", "news-tint")];
        for text in ["text", "quiet", "link", "good", "warn", "bad", "news"] {
            pairs.extend([(text, "page"), (text, "raised")]);
        }
        for (text, ground) in pairs {
            assert!(ratio(text, ground) >= 4.5, "{name}: {text} on {ground}: {:.2}", ratio(text, ground));
        }
        // The borders of inputs and buttons, and the outline of what has the focus.
        for (edge, ground) in [("edge", "page"), ("edge", "raised"), ("link", "page"), ("link", "raised")] {
            assert!(ratio(edge, ground) >= 3.0, "{name}: {edge} on {ground}: {:.2}", ratio(edge, ground));
        }
    }
}
