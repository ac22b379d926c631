//! `missing`: members that do not exist.

use super::*;

#[test]
fn an_absent_member_is_left_out_and_said() {
    let mut world = built(&[AMD64]);
    let (plan, entries) = settled(&mut world, &missing(&list(&[ARM64, AMD64]), Missing::Skip));
    assert_eq!(platforms(&entries), ["linux/amd64"]);
    let (added, absent) = (MemberFate::Added, MemberFate::Absent);
    assert_eq!(fates(&plan), [("linux/arm64".to_owned(), absent), ("linux/amd64".to_owned(), added)]);
}

#[test]
fn an_absent_member_that_is_skipped_leaves_the_list() {
    let mut world = built(&[AMD64, ARM64]);
    let list = missing(&list(&[AMD64, ARM64]), Missing::Skip);
    settled(&mut world, &list);
    world.untag(&reference(ARM64.1));
    let (plan, entries) = settled(&mut world, &list);
    assert_eq!((plan.action, plan.reason), (Action::Update, Some(Reason::Members)));
    assert_eq!((plan.members[1].fate, plan.members[1].from.is_some()), (MemberFate::Absent, true));
    assert_eq!(platforms(&entries), ["linux/amd64"]);
}

#[test]
fn a_skipped_member_is_declared_so_what_is_published_for_it_is_not_undeclared() {
    let mut world = built(&[AMD64]);
    // An entry that fits an open platform may belong to another writer, so it stays.
    for (declared, shown, stays) in [("linux/arm64", "linux/arm64/v8", false), ("linux/arm", "linux/arm/v6", true)] {
        let (first, second) = (elsewhere(&mut world, shown, 5), elsewhere(&mut world, shown, 6));
        let amd64 = entry(&world, AMD64);
        publish(&mut world, "v1", &[amd64, first, second]);
        let list = list(&[AMD64, (declared, "reg.corp/absent:v1")]);
        let (_, entries) = settled(&mut world.clone(), &undeclared(&missing(&list, Missing::Skip)));
        assert_eq!(platforms(&entries)[1..], [shown][..usize::from(stays)], "{declared}");
    }
}

#[test]
fn a_list_without_members_is_never_published() {
    let absent = missing(&list(&[AMD64, ARM64]), Missing::Skip);
    assert_eq!(blocked(&World::default(), &absent).1, ["no_member"]);
    // The same holds if undeclared entries would stay: none of them is declared.
    let mut world = built(&[AMD64]);
    let amd64 = entry(&world, AMD64);
    publish(&mut world, "v1", &[amd64]);
    assert_eq!(blocked(&world, &list(&[])).1, ["no_member"]);
    assert_eq!(blocked(&world, &undeclared(&list(&[]))).1, ["no_member"]);
}

#[test]
fn the_published_digest_of_an_absent_member_stays() {
    let mut world = built(&[AMD64, ARM64]);
    let list = missing(&list(&[AMD64, ARM64]), Missing::Keep);
    let (_, before) = settled(&mut world, &list);
    world.untag(&reference(ARM64.1));
    let (plan, _) = settled(&mut world, &list);
    assert_eq!(plan.action, Action::Unchanged);
    assert_eq!(fates(&plan)[1], ("linux/arm64".to_owned(), MemberFate::Kept));
    // It stays when another member changes.
    world.push(&reference(AMD64.1), &Image::of("linux/amd64", 2));
    let (plan, entries) = settled(&mut world, &list);
    assert_eq!((plan.reason, &entries[1]), (Some(Reason::Members), &before[1]));
    assert_eq!(plan.children.len(), 1);
}

#[test]
fn where_nothing_is_published_for_it_it_is_absent() {
    let (plan, slugs) = blocked(&built(&[AMD64]), &missing(&list(&[AMD64, ARM64]), Missing::Keep));
    assert_eq!(slugs, ["member_absent"]);
    assert_eq!(
        plan.problems[0].causes,
        ["missing = \"keep\" found nothing to keep: reg.corp/app:v1 does not have exactly one image for linux/arm64"]
    );
}

#[test]
fn what_another_tag_holds_is_of_another_version_and_not_kept() {
    let mut world = built(&[AMD64]);
    let (amd64, arm64) = (entry(&world, AMD64), elsewhere(&mut world, "linux/arm64", 5));
    publish(&mut world, "latest", &[amd64.clone(), arm64.clone()]);
    let list = missing(&publication(TARGET, &["v2", "latest"], &[AMD64, ARM64]), Missing::Keep);
    assert_eq!(blocked(&world, &list).1, ["member_absent"]);
    publish(&mut world, "v2", &[amd64, arm64]);
    assert_eq!(settled(&mut world, &list).0.action, Action::Unchanged);
}

#[test]
fn an_image_that_another_member_declares_is_not_kept() {
    // amd64 now names the image that was published for arm64.
    let mut world = built(&[AMD64]);
    let mut arm64 = entry(&world, AMD64);
    arm64.platform = Some(platform("linux/arm64"));
    publish(&mut world, "v1", &[arm64]);
    assert_eq!(blocked(&world, &missing(&list(&[AMD64, ARM64]), Missing::Keep)).1, ["member_absent"]);
}

#[test]
fn a_platform_that_another_member_is_for_is_not_kept() {
    // The config of the bare arm member says v7, so the entry published for v7 would be a second one for v7.
    let mut world = World::default();
    world.push(&reference(ARM.1), &Image::of("linux/arm/v7", 1));
    let v7 = elsewhere(&mut world, "linux/arm/v7", 5);
    publish(&mut world, "v1", &[v7]);
    assert_eq!(blocked(&world, &missing(&list(&[ARM, ARM_V7]), Missing::Keep)).1, ["member_absent"]);
}

#[test]
fn what_fits_is_kept_only_if_it_is_the_only_one() {
    let mut world = built(&[AMD64]);
    let amd64 = entry(&world, AMD64);
    let (v6, v7) = (elsewhere(&mut world, "linux/arm/v6", 5), elsewhere(&mut world, "linux/arm/v7", 6));
    let list = missing(&list(&[AMD64, ARM]), Missing::Keep);
    publish(&mut world, "v1", &[amd64.clone(), v6.clone(), v7]);
    assert_eq!(blocked(&world, &list).1, ["member_absent"]);
    publish(&mut world, "v1", &[amd64, v6]);
    assert_eq!(platforms(&settled(&mut world, &list).1), ["linux/amd64", "linux/arm/v6"]);
}

#[test]
fn two_absent_members_never_keep_one_entry() {
    let mut world = World::default();
    let (v6, v7) = (elsewhere(&mut world, "linux/arm/v6", 5), elsewhere(&mut world, "linux/arm/v7", 6));
    publish(&mut world, "v1", &[v6.clone(), v7]);
    // v7 belongs to the row that declares it. v6 is the only entry left for the other row.
    let list = missing(&list(&[ARM, ARM_V7]), Missing::Keep);
    assert_eq!(platforms(&settled(&mut world, &list).1), ["linux/arm/v6", "linux/arm/v7"]);
    publish(&mut world, "v1", &[v6]);
    let (plan, slugs) = blocked(&world, &list);
    assert_eq!((slugs, plan.problems[0].reference.as_deref()), (vec!["member_absent"], Some(ARM_V7.1)));
}

#[test]
fn the_entry_of_just_this_platform_is_surer_than_one_that_fits() {
    let mut world = World::default();
    let (v3, amd64) = (elsewhere(&mut world, "linux/amd64/v3", 5), elsewhere(&mut world, "linux/amd64", 6));
    publish(&mut world, "v1", &[v3, amd64.clone()]);
    let (_, entries) = settled(&mut world, &missing(&list(&[AMD64]), Missing::Keep));
    assert_eq!(entries, [amd64]);
}

#[test]
fn what_is_kept_stands_where_the_file_has_it() {
    // Behind amd64, clients would never choose the v3.
    let mut world = built(&[AMD64_V3, AMD64]);
    let list = missing(&list(&[AMD64_V3, AMD64]), Missing::Keep);
    settled(&mut world, &list);
    world.untag(&reference(AMD64_V3.1));
    assert_eq!(settled(&mut world, &list).0.action, Action::Unchanged);
    world.push(&reference(AMD64.1), &Image::of("linux/amd64", 2));
    assert_eq!(platforms(&settled(&mut world, &list).1), ["linux/amd64/v3", "linux/amd64"]);
}

#[test]
fn a_kept_image_that_is_gone_blocks_where_the_list_is_written() {
    let mut world = built(&[AMD64, ARM64]);
    let list = missing(&list(&[AMD64, ARM64]), Missing::Keep);
    let (_, entries) = settled(&mut world, &list);
    world.untag(&reference(ARM64.1));
    world.remove(&list.target, &entries[1].descriptor.digest);
    // The plan does not check the children of a list that is not written.
    assert_eq!(world.plan(&list).0.action, Action::Unchanged);
    world.push(&reference(AMD64.1), &Image::of("linux/amd64", 2));
    let (plan, slugs) = blocked(&world, &list);
    assert_eq!(slugs, ["kept_gone"]);
    assert_eq!(plan.problems[0].labels[0].text, "linux/arm64 of list `app`");
    assert_eq!(
        plan.problems[0].help.as_deref(),
        Some(r#"push the image to its source again, or set missing = "skip" to publish without it"#)
    );
}

#[test]
fn attestations_of_what_is_kept_stay_with_it_unless_they_are_dropped() {
    let mut world = built(&[AMD64]);
    let (amd64, arm64) = (entry(&world, AMD64), elsewhere(&mut world, "linux/arm64", 5));
    let of = |world: &mut World, image: &Entry, build| {
        Entry::attestation(elsewhere(world, "linux/s390x", build).descriptor, &image.descriptor.digest)
    };
    let (of_amd64, of_arm64) = (of(&mut world, &amd64, 6), of(&mut world, &arm64, 7));
    publish(&mut world, "v1", &[amd64.clone(), of_amd64, of_arm64.clone(), arm64.clone()]);
    let list = missing(&list(&[AMD64, ARM64]), Missing::Keep);
    let (_, entries) = settled(&mut world.clone(), &list);
    assert_eq!(entries, [amd64.clone(), arm64.clone(), of_arm64]);
    let drops = with(&list, |list| list.rules.attestations = Attestations::Drop);
    assert_eq!(settled(&mut world, &drops).1, [amd64, arm64]);
}
