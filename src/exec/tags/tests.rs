use std::time::Duration;

use crate::exec::report::{Outcome, Signal, TagDone};
use crate::exec::tests::fake::{Fault, TakesTags};
use crate::exec::tests::world::{OPTIONS, World, codes};
use crate::oci::{Digest, Reference};
use crate::registry::ErrorKind;

/// Creates a list of two members that exist in the list's own repository.
fn world(tags: &[&str]) -> World {
    let mut world = World::new();
    world.fake.image("r.example/app:1-amd64", "linux/amd64", "");
    world.fake.image("r.example/app:1-s390x", "linux/s390x", "");
    world.declare(
        "r.example/app",
        tags,
        &[("linux/amd64", "r.example/app:1-amd64"), ("linux/s390x", "r.example/app:1-s390x")],
    );
    world
}

fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

#[tokio::test]
async fn a_tag_that_was_moved_meanwhile_is_left_alone_and_so_are_the_others() {
    let world = world(&["1", "latest"]);
    let other = world.fake.image("r.example/app:other", "linux/amd64", "other").digest;
    let plan = world.plan().await;
    world.fake.tag(&reference("r.example/app:latest"), &other);
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(codes(&reports[0]), ["mlist::exec::moved_meanwhile"]);
    assert!(reports[0].problems[0].retry);
    assert_eq!(reports[0].tags, [TagDone::No, TagDone::No]);
    assert_eq!((world.named("r.example/app:1"), world.named("r.example/app:latest")), (None, Some(other)));
}

#[tokio::test]
async fn a_tag_that_was_moved_while_it_was_written_is_left_alone() {
    let world = world(&["1"]);
    let other = world.fake.image("r.example/app:other", "linux/amd64", "other").digest;
    let plan = world.plan().await;
    world.fake.fault("PUT", 1, Fault::Fail(ErrorKind::Server));
    // The second HEAD is the one that checks the tag after the failed PUT.
    world.fake.fault("HEAD", 1, Fault::MovedBefore(reference("r.example/unrelated:1"), other.clone()));
    world.fake.fault("HEAD", 1, Fault::MovedBefore(reference("r.example/app:1"), other.clone()));
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(codes(&reports[0]), ["mlist::exec::moved_meanwhile"]);
    assert_eq!(world.named("r.example/app:1"), Some(other));
}

#[tokio::test]
async fn a_refusal_of_what_was_taken_before_is_no_failure() {
    for kind in [
        ErrorKind::Immutable,
        ErrorKind::Refused,
        ErrorKind::Denied,
        ErrorKind::Server,
        ErrorKind::Unreachable("cut".into()),
    ] {
        let world = world(&["1"]);
        let plan = world.plan().await;
        world.fake.fault("PUT", 1, Fault::DoneAndFail(kind));
        let reports = world.execute(plan, OPTIONS).await;
        assert_eq!((reports[0].outcome, reports[0].tags[0]), (Outcome::Published, TagDone::Yes));
        assert_eq!(world.fake.take_log().iter().filter(|line| line.starts_with("PUT")).count(), 1);
    }
}

#[tokio::test]
async fn a_refusal_stands_and_is_not_repeated() {
    for (kind, code) in
        [(ErrorKind::Refused, "mlist::registry::refused"), (ErrorKind::Immutable, "mlist::registry::immutable")]
    {
        let world = world(&["1", "latest"]);
        let plan = world.plan().await;
        world.fake.fault("PUT", 9, Fault::Fail(kind));
        let reports = world.execute(plan, OPTIONS).await;
        assert_eq!(codes(&reports[0]), [code]);
        assert_eq!((reports[0].outcome, reports[0].tags.as_slice()), (Outcome::Blocked, &[TagDone::No; 2][..]));
        let log = world.fake.take_log();
        assert_eq!(log.iter().filter(|line| line.starts_with("PUT")).count(), 1);
        assert_eq!(log.last().unwrap(), "HEAD r.example/app:1", "it is looked at after that");
    }
}

/// Returns the PUTs, in order.
fn puts(world: &World) -> Vec<String> {
    let log = world.fake.take_log();
    log.iter().filter_map(|line| line.strip_prefix("PUT r.example/app")).map(str::to_owned).collect()
}

#[tokio::test]
async fn several_tags_are_written_at_once_where_the_registry_confirms_them() {
    for (takes, expected) in [
        (TakesTags::All, vec![":1", "@ tags 2,3,4"]),
        (TakesTags::First, vec![":1", "@ tags 2,3,4", ":3", ":4"]),
        (TakesTags::No, vec![":1", ":2", ":3", ":4"]),
    ] {
        let world = world(&["1", "2", "3", "4"]);
        let plan = world.plan().await;
        world.fake.takes_tags(takes);
        let reports = world.execute(plan, OPTIONS).await;
        assert_eq!((reports[0].outcome, reports[0].tags.as_slice()), (Outcome::Published, &[TagDone::Yes; 4][..]));
        assert_eq!(puts(&world), expected);
        for tag in ["1", "2", "3", "4"] {
            assert_eq!(world.named(&format!("r.example/app:{tag}")), world.named("r.example/app:1"));
        }
    }
}

#[tokio::test]
async fn two_tags_are_not_worth_a_request_for_both() {
    let world = world(&["1", "2"]);
    world.fake.takes_tags(TakesTags::All);
    world.sync().await;
    assert_eq!(puts(&world), [":1", ":2"]);
}

#[tokio::test]
async fn what_fails_at_once_is_written_one_by_one() {
    for fault in [Fault::Fail(ErrorKind::Denied), Fault::DoneAndFail(ErrorKind::Server)] {
        let world = world(&["1", "2", "3"]);
        let plan = world.plan().await;
        world.fake.takes_tags(TakesTags::All);
        world.fake.fault("@ tags", 1, fault);
        let reports = world.execute(plan, OPTIONS).await;
        assert_eq!(reports[0].tags, [TagDone::Yes; 3]);
        assert_eq!(puts(&world), [":1", "@ tags 2,3", ":2", ":3"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_several_tags_are_written_leaves_none_that_nobody_names() {
    for (fault, expected) in [
        (Fault::Hang, TagDone::Unknown),
        (Fault::DoneAndFail(ErrorKind::Unreachable("cut".into())), TagDone::Unknown),
        (Fault::NotSent, TagDone::No),
        (Fault::Fail(ErrorKind::Refused), TagDone::No),
    ] {
        let world = world(&["1", "2", "3"]);
        let plan = world.plan().await;
        world.fake.takes_tags(TakesTags::All);
        world.fake.fault("@ tags", 1, fault);
        world.fake.before("@ tags", {
            let stop = world.stop.clone();
            move || stop.request(Signal::Interrupt)
        });
        let reports = world.execute(plan, OPTIONS).await;
        assert_eq!(reports[0].outcome, Outcome::Cancelled { begun: true });
        assert_eq!(reports[0].tags, [TagDone::Yes, expected, expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn tags_that_a_registry_refuses_as_they_come_at_once_are_written_one_after_the_other() {
    let world = world(&["1", "2", "3"]);
    let plan = world.plan().await;
    for tag in [":2", ":3"] {
        world.fake.fault(&format!("PUT r.example/app{tag}"), 1, Fault::Race);
    }
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!((reports[0].outcome, reports[0].tags.as_slice()), (Outcome::Published, &[TagDone::Yes; 3][..]));
    assert_eq!(puts(&world), [":1", ":2", ":3", ":2", ":3"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_invalid_by_itself_is_not_sent_again() {
    let world = world(&["1"]);
    let plan = world.plan().await;
    world.fake.fault("PUT", 9, Fault::Race);
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!((codes(&reports[0]), puts(&world)), (vec!["mlist::registry::refused"], vec![":1".to_owned()]));
}

#[tokio::test]
async fn quay_gets_the_tags_of_a_list_one_after_the_other() {
    for (host, most) in [("quay.io", 1), ("r.example", 2)] {
        let mut world = World::new();
        let name = |tag: &str| format!("{host}/acme/app:{tag}");
        world.fake.image(&name("amd64"), "linux/amd64", "");
        world.declare(&format!("{host}/acme/app"), &["1", "2", "3"], &[("linux/amd64", &name("amd64"))]);
        world.sync().await;
        assert_eq!(world.fake.most_puts_at_once(), most, "{host}");
    }
}

#[tokio::test]
async fn a_transient_failure_is_repeated_once() {
    for (times, published) in [(1, true), (2, false)] {
        let world = world(&["1"]);
        let plan = world.plan().await;
        world.fake.fault("PUT", times, Fault::Fail(ErrorKind::Server));
        let reports = world.execute(plan, OPTIONS).await;
        assert_eq!(reports[0].outcome == Outcome::Published, published, "{times}");
        assert_eq!(world.named("r.example/app:1").is_some(), published);
    }
}

#[tokio::test]
async fn nobody_knows_a_tag_whose_answer_was_lost_and_whose_host_is_gone() {
    let world = world(&["1"]);
    let plan = world.plan().await;
    let gone = || Fault::Fail(ErrorKind::Unreachable("no answer".into()));
    world.fake.fault("PUT", 1, Fault::DoneAndFail(ErrorKind::Unreachable("no answer".into())));
    let head = "HEAD r.example/app:1";
    world.fake.fault(head, 1, Fault::MovedBefore(reference("r.example/unrelated:1"), Digest::of(b"")));
    world.fake.fault(head, 1, gone());
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(reports[0].tags, [TagDone::Unknown]);
    assert_eq!(codes(&reports[0]), ["mlist::registry::unreachable"]);
}

#[tokio::test]
async fn a_failing_alias_leaves_the_first_tag_and_the_other_alias_standing() {
    let world = world(&["1", "stable", "latest"]);
    let plan = world.plan().await;
    world.fake.fault("PUT r.example/app:stable", 9, Fault::Fail(ErrorKind::Denied));
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(reports[0].outcome, Outcome::Failed);
    assert_eq!(reports[0].tags, [TagDone::Yes, TagDone::No, TagDone::Yes]);
}

#[tokio::test]
async fn the_first_tag_is_written_before_the_others_and_only_tags_that_differ() {
    let world = world(&["1", "2", "3"]);
    world.sync().await;
    world.fake.image("r.example/app:1-amd64", "linux/amd64", "new");
    let reports = world.sync().await;
    assert_eq!((reports[0].word(), reports[0].tags.as_slice()), ("updated", &[TagDone::Yes; 3][..]));
    let log = world.fake.take_log();
    let tags = |verb: &str| -> Vec<String> {
        log.iter().filter_map(|line| line.strip_prefix(&format!("{verb} r.example/app:"))).map(str::to_owned).collect()
    };
    assert_eq!(tags("HEAD"), ["1", "2", "3"]);
    assert_eq!(tags("PUT"), ["1", "2", "3"]);
    let members = log.iter().filter(|line| line.starts_with("HEAD r.example/app@")).count();
    assert_eq!((members, log.len()), (2, 8));
}

#[tokio::test]
async fn a_tag_that_an_earlier_run_wrote_is_not_written_again() {
    let world = world(&["1"]);
    let plan = world.plan().await;
    world.execute(plan.clone(), OPTIONS).await;
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(reports[0].outcome, Outcome::Published);
    let log = world.fake.take_log();
    assert_eq!((log.len(), log.last().map(String::as_str)), (3, Some("HEAD r.example/app:1")));
}

#[tokio::test(start_paused = true)]
async fn after_a_stop_the_answer_to_a_put_is_awaited_for_four_seconds() {
    let world = world(&["1", "latest"]);
    let plan = world.plan().await;
    world.fake.fault("PUT", 1, Fault::Hang);
    let begun = tokio::time::Instant::now();
    let stopping = async {
        world.fake.died().await;
        world.stop.request(Signal::Interrupt);
    };
    let (reports, ()) = tokio::join!(world.execute(plan, OPTIONS), stopping);
    assert_eq!(reports[0].outcome, Outcome::Cancelled { begun: true });
    assert_eq!(reports[0].tags, [TagDone::Unknown, TagDone::No]);
    assert!((Duration::from_secs(4)..Duration::from_secs(5)).contains(&begun.elapsed()));
}

#[tokio::test]
async fn a_put_that_is_answered_after_a_stop_counts_and_nothing_follows_it() {
    let world = world(&["1", "latest"]);
    let plan = world.plan().await;
    world.fake.on_call("PUT r.example/app:1", {
        let stop = world.stop.clone();
        move || stop.request(Signal::Terminate)
    });
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(reports[0].outcome, Outcome::Cancelled { begun: true });
    assert_eq!(reports[0].tags, [TagDone::Yes, TagDone::No]);
}

#[tokio::test]
async fn a_put_that_was_never_sent_because_of_the_stop_wrote_nothing() {
    let world = world(&["1"]);
    let plan = world.plan().await;
    world.fake.fault("PUT", 1, Fault::NotSent);
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(reports[0].outcome, Outcome::Cancelled { begun: true });
    assert_eq!((reports[0].tags[0], reports[0].problems.len()), (TagDone::No, 0));
}
