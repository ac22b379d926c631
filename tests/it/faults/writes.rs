//! Manifests that are refused, undone or immutable.

use std::time::Duration;

use crate::support::registry::Then;
use crate::support::registry::knobs::{Immutable, Repositories, TagParameter, Twins};

use super::{World, fault};

const IMMUTABLE: [Immutable; 4] = [Immutable::Ecr, Immutable::Quay, Immutable::Harbor, Immutable::Artifactory];

#[test]
fn a_500_that_came_after_the_deed_is_got_over() {
    for status in [500, 504] {
        let world = World::updating(&[
            fault("POST", "/acme/app/blobs/uploads/", 1, Then::StatusAfter(status)),
            fault("PUT", "/acme/app/manifests/sha256:", 1, Then::StatusAfter(status)),
            fault("PUT", "/acme/app/manifests/v1", 1, Then::StatusAfter(status)),
        ]);
        world.assert_gets_over();
    }
}

#[test]
fn a_tag_that_a_500_took_away_is_written_again() {
    let world = World::updating(&[
        fault("PUT", "/acme/app/manifests/sha256:", 1, Then::Undone),
        fault("PUT", "/acme/app/manifests/v1", 2, Then::Undone),
    ]);
    world.assert_gets_over();
}

#[test]
fn an_immutable_tag_that_is_as_declared_is_never_written() {
    for rules in IMMUTABLE {
        let world = World::new(|knobs| knobs.immutable = Some(rules));
        let run = world.assert_gets_over();
        assert_eq!(run.list_puts(), 1, "{rules:?}: {}", run.log);
    }
}

#[test]
fn an_immutable_tag_whose_answer_is_lost_is_found_to_be_ours() {
    for rules in IMMUTABLE {
        let world = World::faulty(&[fault("PUT", "/acme/app/manifests/v1", 1, Then::AnswerLost)]);
        world.inner().knobs().immutable = Some(rules);
        world.assert_gets_over();
    }
}

#[test]
fn a_manifest_that_is_too_large_for_the_registry_is_not_sent_again() {
    let world = World::new(|_| {});
    // The list is larger than its children, which are accepted.
    world.inner().knobs().largest_manifest = world.images.iter().map(|image| image.manifest().len()).max();
    let run = world.sync().ends(4);
    world.assert_nothing_published();
    assert_eq!((run.list_puts(), &run.report["lists"][0]["outcome"]), (1, &"blocked".into()), "{}", run.log);
}

#[test]
fn a_repository_that_has_to_be_made_first_is_asked_for() {
    let world = World::new(|knobs| knobs.repositories = Repositories::MadeBefore);
    let run = world.sync().ends(4);
    let problem = run.problem("mlist::registry::not_found");
    assert!(problem["help"].as_str().expect("a help").starts_with("create "), "{problem}");
    let list = &run.report["lists"][0];
    assert_eq!((&list["outcome"], &problem["retry"]), (&"blocked".into(), &false.into()));
}

#[test]
fn all_tags_are_written_whatever_becomes_of_the_tag_parameter() {
    let tags = ["v1.2.3", "v1.2", "v1", "v1.2.3-1", "stable"];
    let each = [
        TagParameter::Ignored,
        TagParameter::Honoured(46),
        TagParameter::Honoured(2),
        TagParameter::Honoured(0),
        TagParameter::TooLong,
    ];
    for parameter in each {
        let world = World::with_tags(&tags, |knobs| knobs.tag_parameter = parameter);
        world.sync().ends(0);
        world.assert_published();
        let store = world.inner().store();
        let digests = tags.map(|tag| store.manifest("acme/app", tag).map(|manifest| manifest.digest.clone()));
        assert!(digests.iter().all(|digest| digest.is_some() && *digest == digests[0]), "{parameter:?}: {digests:?}");
        drop(store);
        world.assert_unchanged();
    }
}

#[test]
fn an_immutable_tag_that_differs_is_told_as_such() {
    for rules in [Immutable::Ecr, Immutable::Quay, Immutable::Harbor] {
        let world = World::updating(&[]);
        let before = world.registry.wire().digest("acme/app", "v1");
        world.inner().knobs().immutable = Some(rules);
        let run = world.sync().ends(4);
        let problem = run.problem("mlist::registry::immutable");
        assert_eq!((&problem["retry"], run.list_puts()), (&false.into(), 1), "{rules:?}: {}", run.log);
        assert_eq!(run.report["lists"][0]["outcome"], "blocked", "{rules:?}");
        assert_eq!(world.registry.wire().digest("acme/app", "v1"), before, "{rules:?}");
    }
}

#[test]
fn a_tag_that_may_not_be_overwritten_is_told_as_such() {
    let world = World::updating(&[]);
    let before = world.registry.wire().digest("acme/app", "v1");
    world.inner().knobs().immutable = Some(Immutable::Artifactory);
    let run = world.sync();
    // The message is about both overwriting and the missing permission to delete, so either code is correct.
    let code = run.report["lists"][0]["problems"][0]["code"].as_str().expect("a code");
    let status = match code {
        "mlist::registry::immutable" => 4,
        "mlist::registry::denied" => 1,
        _ => panic!("{}", run.output),
    };
    let run = run.ends(status);
    assert!(run.output.stderr.contains("delete/overwrite"), "{}", run.output);
    assert_eq!(run.list_puts(), 1, "{}", run.log);
    assert_eq!(world.registry.wire().digest("acme/app", "v1"), before);
}

#[test]
fn tags_that_may_not_be_written_at_once_are_written_one_by_one() {
    let tags = ["v1", "v1.2", "v1.2.3", "stable"];
    let delay = Duration::from_millis(50);
    let world = World::with_tags(&tags, |knobs| (knobs.twins, knobs.delay) = (Twins::Race, delay));
    world.sync().ends(0);
    world.assert_published();
    let digests = tags.map(|tag| world.registry.wire().digest("acme/app", tag));
    assert!(digests.iter().all(|digest| digest.is_some() && *digest == digests[0]), "{digests:?}");
    world.assert_unchanged();
}

#[test]
fn the_tag_parameter_is_used_where_it_is_honoured() {
    let tags = ["v1", "v1.2", "v1.2.3", "v1.2.3-1", "stable", "edge"];
    let world = World::with_tags(&tags, |knobs| knobs.tag_parameter = TagParameter::Honoured(46));
    let run = world.sync().ends(0);
    let several = run.log.manifest_puts().filter(|put| put.query.matches("tag=").count() > 1);
    assert!(several.len() > 0, "{}", run.log);
    assert!(run.log.manifest_puts().len() < 2 + tags.len(), "fewer than one by one: {}", run.log);
}
