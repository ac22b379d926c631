//! Registries that return 403 for tags that do not exist. The tag list shows whether a tag exists.

use crate::support::registry::knobs::{Absent, NextPage, TagPages};

use super::{Run, World};

/// Creates a world whose target already has five tags, listed two per page. The declared tag is not among them, and
/// reading it is forbidden.
fn forbidden(link: NextPage) -> World {
    let world = World::new(|_| {});
    for tag in ["a", "b", "u", "w", "x"] {
        world.registry.push("acme/app", tag, &world.images[0]);
    }
    let mut knobs = world.inner().knobs();
    (knobs.absent, knobs.tags) = (Absent::Forbidden, TagPages { most: Some(2), link });
    drop(knobs);
    world
}

fn pages(run: &Run) -> usize {
    run.log.filter(|exchange| exchange.path == "/v2/acme/app/tags/list").len()
}

#[test]
fn a_forbidden_tag_of_the_target_is_absent_where_all_tags_say_so() {
    for link in [NextPage::Relative, NextPage::Absolute] {
        let world = forbidden(link);
        let run = world.sync().ends(0);
        assert!(pages(&run) >= 3, "page by page: {}", run.log);
        world.assert_published();
        world.assert_unchanged();
    }
}

#[test]
fn no_tags_at_all_may_be_null() {
    let world = forbidden(NextPage::Null);
    world.sync().ends(0);
    world.assert_published();
}

#[test]
fn pages_that_lead_back_to_themselves_end() {
    let world = forbidden(NextPage::Looping);
    let run = world.sync().ends(1);
    // It is not known whether the tag exists, so the 403 is reported.
    run.problem("mlist::registry::denied");
    assert!((1..10).contains(&pages(&run)), "{}", run.log);
    assert_eq!(run.log.writes().len(), 0, "{}", run.log);
}

#[test]
fn a_forbidden_source_is_not_asked_for_its_tags() {
    let world = forbidden(NextPage::Relative);
    world.inner().store().remove("acme/app-arm64", "v1");
    let run = world.sync().ends(1);
    run.problem("mlist::registry::denied");
    let asked = run.log.filter(|exchange| exchange.path == "/v2/acme/app-arm64/tags/list");
    assert_eq!(asked.len(), 0, "{}", run.log);
}
