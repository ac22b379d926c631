//! Properties that hold in every random world. Set `PROPTEST_CASES=20000` to test more worlds.

use std::collections::HashSet;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index as Pick;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::random::{Scene, scenes};
use super::verification::{verified, verified_from};
use crate::config::model::{Publication, Undeclared};
use crate::config::problem::Severity;
use crate::oci::{Entry, Index, Place, Platform};
use crate::plan::{
    Action, CheckDepth, Decision, ListPlan, ListState, MemberFate, Query, Reason, Snapshot, TagFate, Verification,
    decide, verify,
};

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// Whether the list contains members of other writers. If such a member is for a platform that a declared member turns
/// out to have, it is read in every run, because no published list contains it.
fn is_of_several(list: &Publication) -> bool {
    list.rules.undeclared == Undeclared::Keep && !list.member_tags.is_empty()
}

/// Formats the whole plan.
fn shown(plan: &ListPlan) -> String {
    format!("{plan:#?}")
}

/// Plans the list, but answers only a few queries at a time, in any order.
fn plan_piecemeal(Scene { world, list }: &Scene, picks: &[Pick]) -> ListPlan {
    let mut snapshot = Snapshot::default();
    let mut picks = picks.iter().cycle();
    loop {
        match decide(list, CheckDepth::List, &snapshot) {
            Decision::Done(plan) | Decision::Doubts(_, plan) => return Arc::unwrap_or_clone(plan),
            Decision::Needs(needs) => {
                let needs: Vec<Query> = needs.into_iter().collect();
                world.answer(picks.next().unwrap().get(&needs), &mut snapshot);
            }
        }
    }
}

/// Returns all queries made until the list is decided.
fn questions(Scene { world, list }: &Scene) -> Vec<Query> {
    let mut snapshot = Snapshot::default();
    let mut all = Vec::new();
    while let Decision::Needs(needs) = decide(list, CheckDepth::List, &snapshot) {
        for query in &needs {
            world.answer(query, &mut snapshot);
        }
        all.extend(needs);
    }
    all
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_was_published_is_unchanged(mut scene in scenes()) {
        let (plan, _) = scene.world.plan(&scene.list);
        let written = scene.world.apply(&plan);
        let (again, asked) = scene.world.plan(&scene.list);
        if plan.action.writes() {
            prop_assert!(written.puts > 0);
            prop_assert_eq!(again.action, Action::Unchanged, "{}", shown(&again));
            prop_assert_eq!(&again.index, &plan.index);
            prop_assert!(again.payload.is_none() && again.children.is_empty());
            prop_assert!(asked.configs == 0 || is_of_several(&scene.list));
        } else {
            prop_assert_eq!(shown(&plan), shown(&again));
        }
    }

    #[test]
    fn the_order_of_answers_is_nothing(scene in scenes(), picks in prop::collection::vec(any::<Pick>(), 1..20)) {
        prop_assert_eq!(shown(&scene.world.plan(&scene.list).0), shown(&plan_piecemeal(&scene, &picks)));
    }

    #[test]
    fn facts_known_before_are_nothing(scene in scenes(), keep in prop::collection::vec(any::<bool>(), 1..40)) {
        let mut snapshot = Snapshot::default();
        for (query, keep) in scene.world.questions().iter().zip(keep.iter().cycle()) {
            if *keep {
                scene.world.answer(query, &mut snapshot);
            }
        }
        let (plan, asked) = scene.world.plan(&scene.list);
        let (known, fewer) = scene.world.plan_by(&scene.list, CheckDepth::List, snapshot);
        prop_assert_eq!(shown(&plan), shown(&known));
        prop_assert!(fewer.heads <= asked.heads && fewer.manifests <= asked.manifests && fewer.configs <= asked.configs);
        prop_assert!(fewer.tags <= asked.tags);
    }

    #[test]
    fn what_was_published_is_verified_as_declared(mut scene in scenes()) {
        let (plan, _) = scene.world.plan(&scene.list);
        scene.world.apply(&plan);
        // A sync that writes only member tags does not look at the images of the list, which may be lost already.
        if plan.tags.iter().any(|tag| tag.fate.is_written()) {
            for depth in [CheckDepth::List, CheckDepth::Children] {
                let (verified, _) = verified(&scene.world, &scene.list, depth);
                // HEAD may claim a wrong size as long as nothing shows that it is wrong. Only `verify` reads the bytes.
                let is_told = verified.damage.iter().all(|child| !child.fault.is_missing());
                let is_fine = verified.state == ListState::AsDeclared || (!verified.damage.is_empty() && is_told);
                prop_assert!(is_fine, "{:?} {:?} {:?} {:?}", verified.state, verified.damage, verified.plan.problems, verified.plan.members);
            }
        }
    }

    #[test]
    fn a_list_without_a_child_is_never_as_declared(mut scene in scenes(), pick in any::<Pick>(), piece in any::<bool>()) {
        let (plan, _) = scene.world.plan(&scene.list);
        scene.world.apply(&plan);
        let reference = scene.list.reference();
        let Some(list) = scene.world.named(&reference).and_then(|payload| Index::parse(payload).ok()) else {
            return Ok(());
        };
        if list.entries.is_empty() {
            return Ok(());
        }
        let child = pick.get(&list.entries).descriptor.digest.clone();
        let mut snapshot = Snapshot::default();
        if piece {
            // What is known of other places proves nothing about the target.
            for query in scene.world.questions().iter().filter(|query| *query.place() != scene.list.target) {
                scene.world.answer(query, &mut snapshot);
            }
        }
        scene.world.remove(&scene.list.target, &child);
        let (verified, _) = verified_from(&scene.world, &scene.list, CheckDepth::Children, snapshot);
        prop_assert!(verified.state != ListState::AsDeclared, "{verified:#?}");
    }

    #[test]
    fn a_comparison_does_not_depend_on_order_or_on_what_was_known(
        scene in scenes(),
        keep in prop::collection::vec(any::<bool>(), 1..40),
        picks in prop::collection::vec(any::<Pick>(), 1..20),
    ) {
        let mut snapshot = Snapshot::default();
        for (query, keep) in scene.world.questions().iter().zip(keep.iter().cycle()) {
            if *keep {
                scene.world.answer(query, &mut snapshot);
            }
        }
        let Scene { world, list } = &scene;
        for depth in [CheckDepth::Children, CheckDepth::Blobs] {
            let shown = |verified: &Verification| format!("{verified:#?}");
            let whole = verified(world, list, depth).0;
            prop_assert_eq!(shown(&whole), shown(&verified_from(world, list, depth, snapshot.clone()).0));
            let mut some = Snapshot::default();
            let mut picks = picks.iter().cycle();
            let piecemeal = loop {
                match verify(list, depth, &some) {
                    Decision::Done(done) | Decision::Doubts(_, done) => break done,
                    Decision::Needs(needs) => {
                        let needs: Vec<Query> = needs.into_iter().collect();
                        world.answer(picks.next().unwrap().get(&needs), &mut some);
                    }
                }
            };
            prop_assert_eq!(shown(&whole), shown(&piecemeal));
        }
    }

    #[test]
    fn an_equal_list_keeps_its_digest(mut scene in scenes(), rotate in any::<Pick>()) {
        let (plan, _) = scene.world.plan(&scene.list);
        if !plan.action.writes() {
            return Ok(());
        }
        scene.world.apply(&plan);
        // The list as another tool might write it: other bytes, arm64 written with v8, platforms in another order.
        let list = Index::parse(plan.payload.as_ref().unwrap()).unwrap();
        let mut list = list;
        let machine = |entry: &Entry| entry.platform.as_ref().map(|platform| (platform.architecture.clone(), platform.os.clone()));
        let first = machine(rotate.get(&list.entries));
        list.entries.sort_by_key(|entry| machine(entry) != first);
        let platforms = list.entries.iter_mut().filter_map(|entry| entry.platform.as_mut());
        for platform in platforms.filter(|platform| platform.architecture == "arm64") {
            platform.variant.get_or_insert("v8".to_owned());
        }
        let json: serde_json::Value = serde_json::from_slice(list.encode().bytes()).unwrap();
        let mut digest = None;
        for tag in &scene.list.tags {
            let target = scene.list.target.tagged(&tag.tag);
            digest = Some(scene.world.push_bytes(&target, list.media_type.clone(), json.to_string().into()).digest);
        }
        let (again, asked) = scene.world.plan(&scene.list);
        prop_assert_eq!(again.action, Action::Unchanged, "{}", shown(&again));
        prop_assert_eq!(again.index.map(|index| index.digest), digest);
        prop_assert!(asked.manifests >= 1 && (asked.configs == 0 || is_of_several(&scene.list)));
    }

    #[test]
    fn one_question_without_an_answer_fails_the_list(scene in scenes(), pick in any::<Pick>()) {
        let (plan, _) = scene.world.plan(&scene.list);
        let mut mute = scene.world.clone();
        let query = pick.get(&questions(&scene)).clone();
        mute.mute(query.clone());
        let (failed, _) = mute.plan(&scene.list);
        // The same bytes may be available from another place.
        let is_of_layout = matches!(query.place(), Place::Layout(_));
        let expected = if is_of_layout { Action::Blocked } else { Action::Failed };
        if failed.action != expected {
            prop_assert!(!matches!(query, Query::Head(_)), "{query:?}");
            prop_assert_eq!(shown(&plan), shown(&failed));
        }
    }

    #[test]
    fn a_plan_is_of_one_piece(scene in scenes()) {
        let (plan, _) = scene.world.plan(&scene.list);
        let errors = plan.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        let fates: Vec<TagFate> = plan.tags.iter().map(|tag| tag.fate).collect();
        let mut children: Vec<_> = plan.children.iter().map(|child| child.descriptor.digest.clone()).collect();
        prop_assert_eq!(plan.tags.len(), scene.list.tags.len());
        prop_assert!(plan.members.len() >= scene.list.members.len());
        prop_assert_eq!(plan.payload.as_ref().map(|payload| payload.descriptor().clone()),
            plan.index.clone().filter(|_| plan.action.writes()));
        prop_assert_eq!(plan.reason.is_some(), plan.action.writes());
        prop_assert_eq!(plan.reason == Some(Reason::New), plan.action == Action::Create);
        prop_assert!(plan.action.writes() || children.is_empty());
        let of_members: Vec<TagFate> = plan.member_tags.iter().map(|change| change.tag.fate).collect();
        let all = || fates.iter().chain(&of_members);
        match plan.action {
            Action::Blocked => {
                prop_assert!(errors > 0 && fates.contains(&TagFate::Blocked) || of_members.contains(&TagFate::Blocked));
                prop_assert!(all().all(|fate| matches!(fate, TagFate::Blocked | TagFate::Same)));
            }
            Action::Failed => prop_assert!(false, "a world without silence fails nothing"),
            Action::Create => prop_assert!(errors == 0 && fates.iter().all(|fate| *fate == TagFate::Created)),
            Action::Unchanged => prop_assert!(errors == 0 && all().all(|fate| *fate == TagFate::Same)),
            Action::Update => {
                let is_moved = all().any(|fate| *fate != TagFate::Same);
                prop_assert!(errors == 0 && (is_moved || plan.reason == Some(Reason::Damaged)));
            }
        }
        if let Some(payload) = &plan.payload {
            let entries = Index::parse(payload).unwrap().entries;
            let mut machines: Vec<Platform> = entries.into_iter().filter_map(|entry| entry.platform).collect();
            machines.retain(|platform| !platform.is_unknown());
            let all: HashSet<Platform> = machines.iter().map(Platform::normalized).collect();
            prop_assert_eq!(all.len(), machines.len(), "two entries for one machine");
        }
        let all = children.len();
        children.sort();
        children.dedup();
        prop_assert_eq!(children.len(), all);
    }
}
#[test]
fn the_worlds_are_of_all_kinds() {
    let mut runner = TestRunner::deterministic();
    let (mut seen, mut fates, mut said) = (HashSet::new(), HashSet::new(), HashSet::new());
    for _ in 0..500 {
        let scene = scenes().new_tree(&mut runner).unwrap().current();
        let (plan, _) = scene.world.plan(&scene.list);
        seen.insert((plan.action, plan.reason));
        fates.extend(plan.members.iter().map(|change| change.fate));
        said.extend(plan.problems.iter().map(|problem| problem.code.rsplit("::").next().unwrap()));
    }
    for fate in [MemberFate::Kept, MemberFate::Absent, MemberFate::Removed, MemberFate::Changed] {
        assert!(fates.contains(&fate), "{fate:?}");
    }
    for slug in ["immutable", "kept_gone", "member_absent", "mismatch", "no_member", "not_docker", "platform_twice"] {
        assert!(said.contains(slug), "{slug}");
    }
    for kind in [
        (Action::Create, Some(Reason::New)),
        (Action::Update, Some(Reason::Members)),
        (Action::Update, Some(Reason::Tags)),
        (Action::Update, Some(Reason::Content)),
        (Action::Unchanged, None),
        (Action::Blocked, None),
    ] {
        assert!(seen.contains(&kind), "{kind:?}");
    }
}
