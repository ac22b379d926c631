use std::sync::Arc;

use crate::exec::report::Outcome;
use crate::exec::tests::fake::{Base, Fault};
use crate::exec::tests::world::{OPTIONS, World, codes, words};
use crate::exec::{Event, ListStep};
use crate::oci::{Digest, MediaType, Payload, Place};
use crate::registry::{ErrorKind, Notice};

/// Returns the number of log lines that begin with `verb`.
fn count(log: &[String], verb: &str) -> usize {
    log.iter().filter(|line| line.starts_with(verb)).count()
}

fn base() -> Digest {
    Digest::of(b"base")
}

#[tokio::test]
async fn blobs_that_lists_share_are_put_into_a_target_once() {
    let mut world = World::new();
    world.fake.image("r.example/src:amd64", "linux/amd64", "");
    world.fake.image("r.example/src:s390x", "linux/s390x", "");
    let members = [("linux/amd64", "r.example/src:amd64"), ("linux/s390x", "r.example/src:s390x")];
    world.declare("r.example/app", &["1"], &members);
    world.declare("r.example/app", &["2"], &members[..1]);
    let reports = world.sync().await;
    assert_eq!(words(&reports), ["created", "created"]);
    let log = world.fake.take_log();
    // Two configs, two layers of their own and one shared layer; two children; two lists.
    assert_eq!((count(&log, "BLOB"), count(&log, "PUT r.example/app@"), count(&log, "PUT r.example/app:")), (5, 2, 2));
    assert_eq!(world.fake.refusals(), 0);
}

#[tokio::test]
async fn manifests_that_were_read_to_plan_are_not_read_again() {
    let world = World::with_lists(&["r.example/app"]);
    let plan = world.plan().await;
    let planned = count(&world.fake.take_log(), "GET");
    world.execute(plan, OPTIONS).await;
    assert_eq!((planned, count(&world.fake.take_log(), "GET")), (2, 0));
}

#[tokio::test]
async fn a_manifest_that_was_not_kept_is_read_where_the_member_is() {
    let world = World::with_lists(&["r.example/app"]);
    let mut plan = world.plan().await;
    for child in &mut Arc::make_mut(&mut plan.lists[0]).children {
        child.payload = None;
    }
    assert_eq!(words(&world.execute(plan, OPTIONS).await), ["created"]);
    let log = world.fake.take_log();
    assert_eq!((count(&log, "GET r.example/app-amd64@"), count(&log, "GET r.example/app-s390x@")), (1, 1));
}

#[tokio::test]
async fn a_member_that_is_gone_since_fails_the_list() {
    let world = World::with_lists(&["r.example/app"]);
    let mut plan = world.plan().await;
    let child = &mut Arc::make_mut(&mut plan.lists[0]).children[0];
    child.payload = None;
    child.from = Place::parse("r.example/elsewhere").unwrap();
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(codes(&reports[0]), ["mlist::exec::member_gone"]);
    assert_eq!(world.named("r.example/app:1"), None);
}

#[tokio::test]
async fn a_failure_is_not_tried_again_by_the_next_list() {
    let mut world = World::new();
    world.fake.image("r.example/src:amd64", "linux/amd64", "");
    world.declare("r.example/app", &["1"], &[("linux/amd64", "r.example/src:amd64")]);
    world.declare("r.example/app", &["2"], &[("linux/amd64", "r.example/src:amd64")]);
    let plan = world.plan().await;
    world.fake.fault(&format!("BLOB {}", base()), 9, Fault::Fail(ErrorKind::Denied));
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(
        (codes(&reports[0]), codes(&reports[1])),
        (vec!["mlist::registry::denied"], vec!["mlist::registry::denied"])
    );
    assert_eq!(count(&world.fake.take_log(), &format!("BLOB {}", base())), 1);
}

#[tokio::test]
async fn what_fails_from_one_source_is_taken_from_another() {
    let mut world = World::new();
    world.fake.image("dead.example/one:1", "linux/amd64", "one");
    world.fake.image("r.example/two:1", "linux/amd64", "two");
    world.declare("r.example/app", &["1"], &[("linux/amd64", "dead.example/one:1")]);
    world.declare("r.example/app", &["2"], &[("linux/amd64", "r.example/two:1")]);
    let plan = world.plan().await;
    world.fake.fault("dead.example/one -> ", 99, Fault::Fail(ErrorKind::Unreachable("no answer".into())));
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(words(&reports), ["failed", "created"]);
}

#[tokio::test(start_paused = true)]
async fn a_blob_that_the_registry_forgot_is_given_again() {
    let mut world = World::new();
    world.fake.image("r.example/src:1", "linux/amd64", "");
    world.declare("r.example/app", &["1"], &[("linux/amd64", "r.example/src:1")]);
    let plan = world.plan().await;
    let target = Place::parse("r.example/app").unwrap();
    world.fake.fault("PUT r.example/app@", 1, Fault::ForgotBefore(target, base()));
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(reports[0].outcome, Outcome::Published);
    let log = world.fake.take_log();
    assert_eq!((count(&log, &format!("BLOB {}", base())), count(&log, "BLOB")), (2, 4));
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_is_slow_to_see_blobs_and_children_is_given_time() {
    let world = World::with_lists(&["r.example/app"]);
    let plan = world.plan().await;
    let child = plan.lists[0].children[0].descriptor.digest.clone();
    let lagging = |named: Vec<Digest>| Fault::Fail(ErrorKind::ContentUnknown(named));
    world.fake.fault(&format!("PUT r.example/app@{child}"), 2, lagging(vec![base()]));
    world.fake.fault("PUT r.example/app:1", 2, lagging(vec![child]));
    assert_eq!(words(&world.execute(plan, OPTIONS).await), ["created"]);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_never_sees_its_blobs_fails_within_five_seconds() {
    let world = World::with_lists(&["r.example/app"]);
    let plan = world.plan().await;
    let begun = tokio::time::Instant::now();
    world.fake.fault("PUT r.example/app@", 99, Fault::Fail(ErrorKind::ContentUnknown(Vec::new())));
    let reports = world.execute(plan, OPTIONS).await;
    assert!(codes(&reports[0]).iter().all(|code| *code == "mlist::registry::content_unknown"));
    assert_eq!(reports[0].outcome, Outcome::Failed);
    assert!(begun.elapsed() < std::time::Duration::from_secs(6));
    assert_eq!(world.fake.refusals(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_mount_that_did_nothing_ends_well() {
    let mut world = World::new();
    for name in ["one", "two"] {
        world.fake.image(&format!("r.example/{name}:1"), "linux/amd64", name);
        world.declare("r.example/app", &[name], &[("linux/amd64", &format!("r.example/{name}:1"))]);
    }
    world.fake.mounts_in_vain(&base());
    assert_eq!(words(&world.sync().await), ["created", "created"]);
    let log = world.fake.take_log();
    let sent: Vec<&String> = log.iter().filter(|line| line.ends_with(" sent")).collect();
    assert_eq!(sent.len(), 1, "what both need is sent once: {log:#?}");
    assert!(sent[0].starts_with(&format!("BLOB {}", base())));
}

#[tokio::test(start_paused = true)]
async fn a_list_whose_children_are_forgotten_gives_them_again_before_it_gives_up() {
    for (times, published) in [(5, true), (6, false)] {
        let world = World::with_lists(&["r.example/app"]);
        let plan = world.plan().await;
        let child = plan.lists[0].children[1].descriptor.digest.clone();
        world.fake.fault("PUT r.example/app:1", times, Fault::Fail(ErrorKind::ContentUnknown(vec![child.clone()])));
        let begun = tokio::time::Instant::now();
        let reports = world.execute(plan, OPTIONS).await;
        assert_eq!(reports[0].outcome == Outcome::Published, published);
        assert!(begun.elapsed() < std::time::Duration::from_secs(5));
        let log = world.fake.take_log();
        assert_eq!(count(&log, &format!("PUT r.example/app@{child}")), 2, "{log:#?}");
        assert_eq!(count(&log, "PUT r.example/app@"), 3, "the other was not named");
        if !published {
            assert_eq!(codes(&reports[0]), ["mlist::registry::content_unknown"]);
            assert!(reports[0].problems[0].retry);
        }
    }
}

#[tokio::test]
async fn a_child_that_stands_and_may_not_be_written_again_stands() {
    for (kind, done, published) in [
        (ErrorKind::Immutable, true, true),
        (ErrorKind::Refused, true, true),
        (ErrorKind::Refused, false, false),
        (ErrorKind::Denied, true, false),
    ] {
        let world = World::with_lists(&["r.example/app"]);
        let plan = world.plan().await;
        let fault = if done { Fault::DoneAndFail(kind) } else { Fault::Fail(kind) };
        world.fake.fault("PUT r.example/app@", 1, fault);
        let reports = world.execute(plan, OPTIONS).await;
        assert_eq!(reports[0].outcome == Outcome::Published, published);
    }
}

/// Returns a world with a list of one Windows image, and the digest of its base layer.
fn windows(base: Base) -> (World, Digest) {
    let mut world = World::new();
    let foreign = world.fake.windows_image("r.example/src:1", base);
    world.declare("r.example/app", &["1"], &[("windows/amd64", "r.example/src:1")]);
    (world, foreign)
}

#[tokio::test(start_paused = true)]
async fn a_foreign_layer_is_mounted_if_it_can_be_and_asked_for_by_nobody() {
    for base in [Base::Foreign, Base::Elsewhere] {
        let (world, foreign) = windows(base);
        assert_eq!(words(&world.sync().await), ["created"]);
        let log = world.fake.take_log();
        let of_it: Vec<&String> = log.iter().filter(|line| line.contains(foreign.as_str())).collect();
        assert_eq!(of_it, [&format!("BLOB {foreign} r.example/src -> r.example/app mounted")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_foreign_layer_that_the_registry_asks_for_is_sent_from_the_source_if_it_is_there() {
    for base in [Base::Foreign, Base::Elsewhere] {
        let (world, foreign) = windows(base);
        let plan = world.plan().await;
        let times = if base == Base::Foreign { 3 } else { 99 };
        let unknown = Fault::Fail(ErrorKind::ContentUnknown(vec![foreign.clone()]));
        world.fake.fault("PUT r.example/app@", times, unknown);
        let reports = world.execute(plan, OPTIONS).await;
        let sent = format!("BLOB {foreign} r.example/src -> r.example/app sent");
        assert_eq!(count(&world.fake.take_log(), &sent), 1);
        let expected: &[&str] = if base == Base::Foreign { &[] } else { &["mlist::registry::content_unknown"] };
        assert_eq!(codes(&reports[0]), expected);
    }
}

#[tokio::test]
async fn a_layer_that_is_foreign_to_one_image_is_brought_for_another() {
    let mut world = World::new();
    world.fake.windows_image("r.example/old:1", Base::Elsewhere);
    let base = world.fake.windows_image("r.example/new:1", Base::Plain);
    for name in ["old", "new"] {
        world.declare("r.example/app", &[name], &[("windows/amd64", &format!("r.example/{name}:1"))]);
    }
    assert_eq!(words(&world.sync().await), ["created", "created"]);
    let log = world.fake.take_log();
    assert_eq!(count(&log, &format!("BLOB {base} r.example/new")), 1, "{log:#?}");
    assert!(!log.iter().any(|line| line.ends_with(" sent")));
}

#[tokio::test]
async fn bytes_on_their_way_are_told_of_the_member_that_they_belong_to() {
    let mut world = World::new();
    world.fake.image("other.example/src:1", "linux/amd64", "");
    world.declare("r.example/app", &["1"], &[("linux/amd64", "other.example/src:1")]);
    let plan = world.plan().await;
    let observer = world.relay.observer();
    world.fake.on_call(&format!("BLOB {}", base()), move || {
        observer(Notice::Streaming { digest: base(), target: Place::parse("r.example/app").unwrap(), bytes: 3 });
    });
    world.take_events();
    world.execute(plan, OPTIONS).await;
    let copying = |event| match event {
        Event::Step { list, step: ListStep::Copying { platform, from, sent, of } } => {
            Some((list, platform.to_string(), from.map(|from| from.as_str().to_owned()), sent, of))
        }
        _ => None,
    };
    let steps: Vec<_> = world.take_events().into_iter().filter_map(copying).collect();
    let of = steps[1].4;
    let step = |sent, of| (0, "linux/amd64".to_owned(), Some("other.example".to_owned()), sent, of);
    assert_eq!(steps, [step(0, 0), step(0, of), step(3, of)]);
    assert!(of > 3, "config and layers are {of} bytes");
}

#[tokio::test(start_paused = true)]
async fn sizes_that_no_blobs_have_together_are_no_end_of_the_run() {
    let world = World::with_lists(&["r.example/app"]);
    let mut plan = world.plan().await;
    let child = &mut Arc::make_mut(&mut plan.lists[0]).children[0];
    let text = String::from_utf8(child.payload.as_ref().unwrap().bytes().to_vec()).unwrap();
    let most = format!(r#""size":{}}}"#, u64::MAX);
    let parts: Vec<&str> = text.split(r#""size":"#).collect();
    let text = parts[1..].iter().fold(parts[0].to_owned(), |text, part| text + &most + part.split_once('}').unwrap().1);
    child.payload = Some(Payload::new(MediaType::OciManifest, text.into()));
    let reports = world.execute(plan, OPTIONS).await;
    assert_eq!(codes(&reports[0]), ["mlist::registry::content_unknown"], "it is another image than that of the list");
}
