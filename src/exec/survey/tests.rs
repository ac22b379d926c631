use std::collections::BTreeSet;

use super::*;
use crate::exec::tests::fake::Fault;
use crate::exec::tests::world::{World, words};
use crate::oci::{Index, Locator, MediaType, Place, Platform, Reference};
use crate::plan::{Action, CheckDepth};
use crate::registry::ErrorKind;

fn reading(event: Event) -> (usize, usize) {
    match event {
        Event::Reading { done, total } => (done, total),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_dead_host_fails_its_lists_and_no_others() {
    let world = World::with_lists(&["dead.example/a", "r.example/b", "dead.example/c"]);
    world.fake.fault("dead.example", 99, Fault::Fail(ErrorKind::Unreachable("no connection within 10s".into())));
    let plan = world.plan().await;
    let actions: Vec<Action> = plan.lists.iter().map(|list| list.action).collect();
    assert_eq!(actions, [Action::Failed, Action::Create, Action::Failed]);
}

#[tokio::test]
async fn an_absent_member_is_an_answer() {
    let mut world = World::new();
    world.declare("r.example/app", &["1"], &[("linux/amd64", "r.example/absent:1")]);
    assert_eq!(world.plan().await.lists[0].action, Action::Blocked);
}

#[tokio::test]
async fn manifests_that_cannot_be_read_are_answers_too() {
    for (call, fault) in
        [("GET", Fault::Fail(ErrorKind::Server)), ("CONFIG", Fault::Fail(ErrorKind::TooLarge { limit: 8 << 20 }))]
    {
        let world = World::with_lists(&["r.example/app"]);
        world.fake.fault(call, 99, fault);
        assert_eq!(world.plan().await.lists[0].action, Action::Failed, "{call}");
    }
}

#[tokio::test]
async fn what_speaks_of_an_image_by_its_subject_is_found_and_copied() {
    let mut world = World::new();
    let image = world.fake.image("r.example/src:image", "linux/amd64", "");
    let kind = "application/vnd.docker.attestation.manifest.v1+json".to_owned();
    let fields = format!(r#","subject":{{"digest":"{}"}},"artifactType":"{kind}""#, image.digest);
    let attestation = world.fake.image_with("r.example/src:attestation", "linux/amd64", "of it", &fields);
    let (src, app) = (Place::parse("r.example/src").unwrap(), Place::parse("r.example/app").unwrap());
    let built =
        Index::new(MediaType::OciIndex, vec![Entry::new(image.clone(), Platform::parse("linux/amd64").unwrap())]);
    let tag = Locator::Tag(Tag::parse("1").unwrap());
    world.fake.put_manifest(&src, &tag, &built.encode()).await.unwrap();
    let referrer =
        Entry { platform: None, artifact_type: Some(kind), ..Entry::new(attestation.clone(), Platform::default()) };
    world.fake.refer(&src, &image.digest, referrer);
    world.declare("r.example/app", &["1"], &[("linux/amd64", "r.example/src:1")]);
    assert_eq!(words(&world.sync().await), ["created"]);
    let list = world.fake.manifest(&app, &world.named("r.example/app:1").unwrap()).await.unwrap().unwrap();
    let digests = Index::parse(&list).unwrap().entries.into_iter().map(|entry| entry.descriptor.digest);
    assert_eq!(digests.collect::<Vec<_>>(), [image.digest, attestation.digest.clone()]);
    assert!(world.fake.has(&app, &attestation.digest));
}

#[tokio::test]
async fn what_many_lists_ask_is_asked_once() {
    let mut world = World::new();
    world.fake.image("r.example/src:1", "linux/amd64", "");
    for tag in ["1", "2", "3"] {
        world.declare("r.example/app", &[tag], &[("linux/amd64", "r.example/src:1")]);
    }
    world.plan().await;
    let mut log = world.fake.take_log();
    let all = log.len();
    log.sort();
    log.dedup();
    assert_eq!(log.len(), all, "{log:#?}");
    // The member and three tags, one manifest, one config.
    assert_eq!(all, 6);
}

#[tokio::test]
async fn an_unchanged_list_costs_its_heads() {
    let world = World::with_lists(&["r.example/a", "r.example/b"]);
    world.sync().await;
    world.fake.take_log();
    assert!(world.plan().await.lists.iter().all(|list| list.action == Action::Unchanged));
    let log = world.fake.take_log();
    assert!(log.iter().all(|line| line.starts_with("HEAD")), "{log:#?}");
    assert_eq!(log.len(), 6);
}

#[tokio::test]
async fn no_list_waits_for_another() {
    let world = World::with_lists(&["slow.example/a", "r.example/b"]);
    world.fake.fault("HEAD slow.example/a:1", 1, Fault::Hang);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(100), world.plan()).await.is_err());
    let last = world.take_events().into_iter().map(reading).next_back();
    assert_eq!(last, Some((1, 2)), "the other list needed three rounds and is decided");
}

#[tokio::test]
async fn each_decision_is_told() {
    let world = World::with_lists(&["r.example/a", "r.example/b"]);
    world.plan().await;
    let told: Vec<(usize, usize)> = world.take_events().into_iter().map(reading).collect();
    assert_eq!(told, [(0, 2), (1, 2), (2, 2)]);
}

#[tokio::test]
async fn more_questions_than_a_host_takes_are_all_asked() {
    let mut world = World::new();
    let tags: Vec<String> = (0..2 * OPEN_PER_HOST + 7).map(|tag| tag.to_string()).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    world.fake.image("r.example/src:1", "linux/amd64", "");
    world.declare("r.example/app", &tags, &[("linux/amd64", "r.example/src:1")]);
    assert_eq!(world.plan().await.lists[0].tags.len(), tags.len());
}

#[tokio::test]
async fn a_list_is_decided_again_only_when_all_it_asked_for_is_answered() {
    let world = World::with_lists(&["r.example/a"]);
    let decisions = std::cell::RefCell::new(Vec::new());
    let counting = |publication: &Arc<Publication>, snapshot: &Snapshot| {
        let decision = decide(publication, CheckDepth::List, snapshot);
        let needs = match &decision {
            Decision::Needs(queries) => queries.clone(),
            Decision::Doubts(..) | Decision::Done(_) => BTreeSet::new(),
        };
        decisions.borrow_mut().push(needs.len());
        decision
    };
    let surveyor = Surveyor::new(&world.fake, world.relay.listener());
    surveyor.survey(&world.publications, counting, Snapshot::default()).await;
    // Three heads, two manifests, two configs, the plan.
    assert_eq!(decisions.into_inner(), [3, 2, 2, 0]);
}

#[tokio::test]
async fn anything_that_is_decided_from_a_snapshot_can_be_surveyed() {
    let world = World::new();
    let references =
        ["r.example/a:1", "r.example/b:1", "r.example/absent:1"].map(|name| Reference::parse(name).unwrap());
    let images =
        [world.fake.image("r.example/a:1", "linux/amd64", ""), world.fake.image("r.example/b:1", "linux/arm64", "")];
    let digest = |reference: &Reference, snapshot: &Snapshot| match snapshot.head(reference) {
        None => Decision::Needs([Query::Head(reference.clone())].into()),
        Some(Answer::Found(head)) => Decision::Done(Some(head.digest.clone())),
        Some(_) => Decision::Done(None),
    };
    let mut known = Snapshot::default();
    known.add_head(references[0].clone(), Answer::Found(images[0].clone()));
    let surveyor = || Surveyor::new(&world.fake, world.relay.listener());
    let (digests, known) = surveyor().survey(&references, digest, known).await;
    assert_eq!(digests, [Some(images[0].digest.clone()), Some(images[1].digest.clone()), None]);
    let mut asked = world.fake.take_log();
    asked.sort();
    assert_eq!(asked, ["HEAD r.example/absent:1", "HEAD r.example/b:1"], "what is known is not asked");
    assert_eq!(surveyor().survey(&references, digest, known).await.0, digests);
    assert_eq!(world.fake.take_log(), [""; 0], "all answers are in the snapshot");
}
