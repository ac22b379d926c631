//! Pushed tags and manifests that are not visible yet.

use std::time::Duration;

use crate::support::registry::knobs::Lag;

use super::World;

#[test]
fn children_that_are_not_seen_for_two_seconds_are_waited_for() {
    let children = Duration::from_secs(2);
    let world = World::new(|knobs| knobs.lag = Lag { children, ..Lag::default() });
    let run = world.assert_gets_over();
    let refused = run.log.manifest_puts().filter(|put| put.manifest() == Some("v1") && put.status == 400);
    assert!((1..=4).contains(&refused.len()), "it is waited, not hammered: {}", run.log);
}

#[test]
fn a_tag_that_is_not_seen_for_two_seconds_is_taken_as_written() {
    let tags = Duration::from_secs(2);
    let world = World::new(|knobs| knobs.lag = Lag { tags, ..Lag::default() });
    let run = world.sync().ends(0);
    world.assert_published();
    assert_eq!(run.list_puts(), 1, "{}", run.log);
    world.inner().knobs().lag = Lag::default();
    world.assert_unchanged();
}

#[test]
fn children_that_are_never_seen_are_named() {
    let children = Duration::from_hours(1);
    let world = World::new(|knobs| knobs.lag = Lag { children, ..Lag::default() });
    let run = world.sync().ends(1);
    world.assert_nothing_published();
    let problem = run.problem("mlist::registry::content_unknown");
    for image in &world.images {
        assert!(problem["causes"].to_string().contains(&image.digest()), "{problem}");
    }
    assert_eq!(problem["retry"], true);
    world.inner().knobs().lag = Lag::default();
    world.assert_gets_over();
}
