//! What is said of sources that are not found.

use std::sync::Arc;

use super::world::{Image, World, publication, reference, with};
use super::{blocked, shown};
use crate::config::model::{Missing, Publication};
use crate::config::problem::Problem;
use crate::oci::{LayoutContents, Place};
use crate::plan::{Action, Answer, Cause, CheckDepth, Decision, MemberFate, Query, Snapshot, decide};

const MEMBERS: [(&str, &str); 4] = [
    ("linux/amd64", "reg.corp/app:v1-amd64"),
    ("linux/arm64", "reg.corp/app:v1-arm64"),
    ("linux/ppc64le", "reg.corp/app:v1-ppc64le"),
    ("linux/s390x", "reg.corp/app:v1-s390x"),
];

fn missing(list: &Arc<Publication>, policy: Missing) -> Arc<Publication> {
    with(list, |list| list.members.iter_mut().for_each(|member| member.missing = policy))
}

fn names(names: &[&str]) -> LayoutContents {
    LayoutContents::Names(names.iter().map(|&name| name.to_owned()).collect())
}

#[test]
fn that_no_member_is_found_is_one_problem() {
    let list = publication("reg.corp/app", &["v1"], &MEMBERS);
    let (plan, asked) = World::default().plan(&list);
    insta::assert_snapshot!(shown(&blocked(&World::default(), &list)), @r"
    member_absent: none of the 4 images of list `app` was found
      because not found: reg.corp/app:v1-amd64, reg.corp/app:v1-arm64, reg.corp/app:v1-ppc64le and 1 more
      at 200..201: source of list `app`
      at 201..202: source of list `app`
      at 202..203: source of list `app`
      help: check the names and the version; if this version is not built yet, build and push its images first
    ");
    assert_eq!(asked.rounds, 1);
    assert!(plan.members.iter().all(|member| member.fate == MemberFate::Absent), "each is told in the JSON");
    assert_eq!(plan.problems[0].reference.as_deref(), Some("reg.corp/app:v1"));
    assert_eq!(plan.problems[0].http.as_ref().and_then(|http| http.status), Some(404));

    let mut some = World::default();
    some.push(&reference(MEMBERS[0].1), &Image::of("linux/amd64", 1));
    assert_eq!(some.plan(&list).0.problems.len(), 3, "each of them by itself");
    // Rows with a source of their own are underlined each, three at the most.
    assert_eq!(plan.problems[0].labels.len(), 3);
}

#[test]
fn that_all_are_left_out_or_nothing_is_published_to_keep_is_one_problem_too() {
    let list = publication("reg.corp/app", &["v1"], &MEMBERS[..2]);
    insta::assert_snapshot!(shown(&blocked(&World::default(), &missing(&list, Missing::Skip))), @r#"
    no_member: none of the 2 images of list `app` was found
      because missing = "skip" leaves out images that are not found: reg.corp/app:v1-amd64, reg.corp/app:v1-arm64
      at 0..1: target of list `app`
      help: check the names and the version; if this version is not built yet, build and push its images first
    "#);
    insta::assert_snapshot!(shown(&blocked(&World::default(), &missing(&list, Missing::Keep))), @r"
    member_absent: none of the 2 images of list `app` was found
      because not found: reg.corp/app:v1-amd64, reg.corp/app:v1-arm64
      at 200..201: source of list `app`
      at 201..202: source of list `app`
      help: check the names and the version; if this version is not built yet, build and push its images first
    ");
}

#[test]
fn a_layout_says_why_it_has_no_such_image() {
    let list = publication("reg.corp/app", &["v1"], &[("linux/amd64", "oci:build/amd64:v1")]);
    let build = "build it first (skopeo copy docker://IMAGE oci:build/amd64:v1), or set missing = \"skip\" \
                 to publish without it";
    let tags: Vec<String> = (2..16).map(|number| format!("v{number}")).collect();
    for (contents, why, help) in [
        (LayoutContents::NoFolder, "directory build/amd64 does not exist", build),
        (LayoutContents::Empty, "directory build/amd64 is empty", build),
        (
            LayoutContents::DockerArchive,
            "directory build/amd64 is an unpacked archive of `docker save`, not an OCI image layout",
            "convert the archive: skopeo copy docker-archive:FILE.tar oci:build/amd64:v1",
        ),
        (
            LayoutContents::Other,
            "directory build/amd64 is not an OCI image layout: it has no file `oci-layout`",
            "check the path, or build a layout there: skopeo copy docker://IMAGE oci:build/amd64:v1",
        ),
        (names(&[]), "oci:build/amd64 has no tags", build),
        (
            LayoutContents::Names(tags),
            "tags in oci:build/amd64: v2, v3, v4, v5, v6, v7, v8, v9, v10, v11 and 4 more",
            build,
        ),
        (
            names(&["ghcr.io/acme/app:v1", "v2"]),
            "the tags in oci:build/amd64 are full references: ghcr.io/acme/app:v1",
            "add the tag alone: skopeo copy oci:build/amd64:ghcr.io/acme/app:v1 oci:build/amd64:v1",
        ),
        // A command from the text of a file is not offered.
        (
            names(&["$(rm -rf .):v1"]),
            "the tags in oci:build/amd64 are full references: $(rm -rf .):v1",
            "add the tag alone: skopeo copy oci:build/amd64:NAME oci:build/amd64:v1",
        ),
    ] {
        let mut world = World::default();
        world.layouts.insert(Place::parse("oci:build/amd64").unwrap(), contents);
        let problem = blocked(&world, &list);
        assert_eq!(
            (problem.slug(), problem.message.as_str()),
            ("member_absent", "tag v1 not found in oci:build/amd64")
        );
        assert_eq!((problem.causes, problem.help.as_deref()), (vec![why.to_owned()], Some(help)));
    }
}

#[test]
fn layouts_that_are_all_missing_say_why_once() {
    let members = [("linux/amd64", "oci:build/amd64:v1"), ("linux/arm64", "oci:build/arm64:v1")];
    let list = publication("reg.corp/app", &["v1"], &members);
    insta::assert_snapshot!(shown(&blocked(&World::default(), &list)), @r"
    member_absent: none of the 2 images of list `app` was found
      because not found: oci:build/amd64:v1, oci:build/arm64:v1
      because directory build/amd64 does not exist
      at 200..201: source of list `app`
      at 201..202: source of list `app`
      help: check the names and the version, or build the images first: skopeo copy docker://IMAGE oci:build/amd64:v1
    ");
}

#[test]
fn a_fault_of_a_layout_blocks_whatever_the_policy_and_a_registry_without_an_answer_fails() {
    let members = [("linux/amd64", "oci:build/amd64:v1"), MEMBERS[1]];
    let list = missing(&publication("reg.corp/app", &["v1"], &members), Missing::Skip);
    for (host_answers, action) in [(true, Action::Blocked), (false, Action::Failed)] {
        let (mut snapshot, mut plan) = (Snapshot::default(), None);
        let Decision::Needs(needs) = decide(&list, CheckDepth::List, &snapshot) else { panic!("decided by nothing") };
        for query in needs {
            let Query::Head(reference) = query else { panic!("{query:?} comes later") };
            let unknown = |message: &str, retry| {
                let problem = Problem { retry, ..Problem::error("mlist::plan::member_damaged", message) };
                Answer::Unknown(Cause(Arc::new(problem)))
            };
            let answer = match reference.place {
                Place::Layout(_) => unknown("corrupt", false),
                Place::Repository(_) if host_answers => Answer::Absent,
                Place::Repository(_) => unknown("unreachable", true),
            };
            snapshot.add_head(reference, answer);
        }
        if let Decision::Done(done) = decide(&list, CheckDepth::List, &snapshot) {
            plan = Some(done);
        }
        let plan = plan.expect("all was answered");
        assert_eq!(plan.action, action);
        assert!(plan.problems.iter().any(|problem| problem.message == "corrupt" && problem.labels.len() == 1));
    }
}
