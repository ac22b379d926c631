//! What holds in every world. `PROPTEST_CASES=20000` looks at more of them.

use std::collections::HashSet;

use proptest::prelude::*;
use proptest::sample::Index as Pick;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::random::{Scene, scenes};
use super::world::foreign_list;
use crate::config::problem::Severity;
use crate::oci::{Index, Platform};
use crate::plan::{Action, Decision, ListPlan, Query, Reason, Snapshot, TagFate, decide};

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// Everything a plan says.
fn shown(plan: &ListPlan) -> String {
    format!("{plan:#?}")
}

/// Asks until the list is decided, but gets answers a few at a time, in any order.
fn plan_piecemeal(Scene { world, list }: &Scene, picks: &[Pick]) -> ListPlan {
    let mut snapshot = Snapshot::default();
    let mut picks = picks.iter().cycle();
    loop {
        match decide(list, &snapshot) {
            Decision::Plan(plan) => return *plan,
            Decision::Needs(needs) => {
                let needs: Vec<Query> = needs.into_iter().collect();
                world.answer(picks.next().unwrap().get(&needs), &mut snapshot);
            }
        }
    }
}

/// All questions that come up until the list is decided.
fn questions(Scene { world, list }: &Scene) -> Vec<Query> {
    let mut snapshot = Snapshot::default();
    let mut all = Vec::new();
    while let Decision::Needs(needs) = decide(list, &snapshot) {
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
            prop_assert_eq!(asked.configs, 0);
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
        let (known, fewer) = scene.world.plan_from(&scene.list, snapshot);
        prop_assert_eq!(shown(&plan), shown(&known));
        prop_assert!(fewer.heads <= asked.heads && fewer.manifests <= asked.manifests && fewer.configs <= asked.configs);
    }

    #[test]
    fn an_equal_list_keeps_its_digest(mut scene in scenes(), rotate in any::<Pick>()) {
        let (plan, _) = scene.world.plan(&scene.list);
        if !plan.action.writes() {
            return Ok(());
        }
        scene.world.apply(&plan);
        // As another tool might: other bytes, an arm64 called v8, machines in another order.
        let list = Index::parse(plan.payload.as_ref().unwrap()).unwrap();
        let mut entries: Vec<_> =
            list.entries.into_iter().map(|entry| (entry.descriptor, entry.platform.unwrap())).collect();
        let machine = |platform: &Platform| (platform.architecture.clone(), platform.os.clone());
        let at = rotate.index(entries.len());
        let first = machine(&entries[at].1);
        entries.sort_by_key(|(_, platform)| machine(platform) != first);
        for (_, platform) in entries.iter_mut().filter(|(_, platform)| platform.architecture == "arm64") {
            platform.variant.get_or_insert("v8".to_owned());
        }
        let mut digest = None;
        for tag in &scene.list.tags {
            let bytes = foreign_list(&list.media_type, &entries);
            let target = scene.list.target.tagged(&tag.tag);
            digest = Some(scene.world.push_bytes(&target, list.media_type.clone(), bytes).digest);
        }
        let (again, asked) = scene.world.plan(&scene.list);
        prop_assert_eq!(again.action, Action::Unchanged, "{}", shown(&again));
        prop_assert_eq!(again.index.map(|index| index.digest), digest);
        prop_assert!(asked.manifests >= 1 && asked.configs == 0);
    }

    #[test]
    fn one_question_without_an_answer_fails_the_list(scene in scenes(), pick in any::<Pick>()) {
        let (plan, _) = scene.world.plan(&scene.list);
        let mut mute = scene.world.clone();
        let query = pick.get(&questions(&scene)).clone();
        mute.mute(query.clone());
        let (failed, _) = mute.plan(&scene.list);
        // Bytes may have come from another place of the same digest.
        if failed.action != Action::Failed {
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
        match plan.action {
            Action::Blocked => prop_assert!(errors > 0 && fates.iter().all(|fate| *fate == TagFate::Blocked)),
            Action::Failed => prop_assert!(false, "a world without silence fails nothing"),
            Action::Create => prop_assert!(errors == 0 && fates.iter().all(|fate| *fate == TagFate::Created)),
            Action::Unchanged => prop_assert!(errors == 0 && fates.iter().all(|fate| *fate == TagFate::Same)),
            Action::Update => prop_assert!(errors == 0 && fates.iter().any(|fate| *fate != TagFate::Same)),
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
    let mut seen = HashSet::new();
    for _ in 0..500 {
        let scene = scenes().new_tree(&mut runner).unwrap().current();
        let (plan, _) = scene.world.plan(&scene.list);
        seen.insert((plan.action, plan.reason));
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
