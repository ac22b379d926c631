//! `undeclared`: entries that are published but not declared.

use super::*;

#[test]
fn what_is_not_declared_goes_or_stays_as_it_is() {
    let mut world = built(&[AMD64]);
    let amd64 = entry(&world, AMD64);
    let mut theirs = elsewhere(&mut world, "linux/s390x", 5);
    theirs.annotations.insert("org.example".into(), "theirs".into());
    theirs.platform.as_mut().unwrap().os_features = vec!["their words".into()];
    publish(&mut world, "v1", &[theirs.clone(), amd64.clone()]);
    let declared = list(&[AMD64, ARM64]);
    world.push(&reference(ARM64.1), &Image::of("linux/arm64", 1));
    let arm64 = entry(&world, ARM64);
    let (plan, entries) = settled(&mut world.clone(), &undeclared(&declared));
    assert_eq!(entries, [amd64.clone(), arm64.clone(), theirs]);
    assert_eq!(plan.members[2].fate, MemberFate::Kept);
    assert!(plan.members[2].source.is_none() && plan.children.len() == 1);
    let (plan, entries) = settled(&mut world, &declared);
    assert_eq!((entries, plan.members[2].fate), (vec![amd64, arm64], MemberFate::Removed));
}

#[test]
fn what_another_tag_holds_is_not_mixed_in() {
    let mut world = built(&[AMD64]);
    let theirs = elsewhere(&mut world, "linux/s390x", 5);
    let amd64 = entry(&world, AMD64);
    publish(&mut world, "latest", &[amd64, theirs]);
    for tags in [["v2", "latest"], ["latest", "v2"]] {
        let mut list = undeclared(&publication(TARGET, &tags, &[AMD64]));
        // `latest` is not a list's own tag if it moves from version to version.
        list = with(&list, |list| {
            list.tags.iter_mut().filter(|tag| tag.tag.as_str() == "latest").for_each(super::newest);
        });
        assert_eq!(platforms(&settled(&mut world.clone(), &list).1), ["linux/amd64"], "{tags:?}");
    }
    let without_its_own =
        with(&undeclared(&publication(TARGET, &["latest"], &[AMD64])), |list| super::newest(&mut list.tags[0]));
    assert_eq!(platforms(&settled(&mut world, &without_its_own).1), ["linux/amd64"]);
}

#[test]
fn a_declared_image_or_platform_is_not_there_twice() {
    let mut world = built(&[AMD64]);
    let (old, mut same) = (elsewhere(&mut world, "linux/amd64/v1", 5), entry(&world, AMD64));
    same.platform = Some(platform("linux/386"));
    publish(&mut world, "v1", &[old, same]);
    assert_eq!(platforms(&settled(&mut world, &undeclared(&list(&[AMD64]))).1), ["linux/amd64"]);
}

#[test]
fn a_platform_that_is_known_by_the_config_only_is_not_there_twice() {
    let mut world = World::default();
    world.push(&reference(ARM.1), &Image::of("linux/arm/v7", 1));
    let (v6, v7) = (elsewhere(&mut world, "linux/arm/v6", 5), elsewhere(&mut world, "linux/arm/v7", 6));
    publish(&mut world, "v1", &[v6, v7]);
    let (_, entries) = settled(&mut world, &undeclared(&list(&[ARM])));
    assert_eq!(platforms(&entries), ["linux/arm/v6", "linux/arm/v7"]);
    assert_eq!(entries[1].descriptor, entry(&world, ARM).descriptor);
}

#[test]
fn of_two_that_are_published_for_one_machine_the_first_stays() {
    let mut world = built(&[AMD64]);
    let (first, second) = (elsewhere(&mut world, "linux/arm64/v8", 5), elsewhere(&mut world, "linux/arm64", 6));
    let amd64 = entry(&world, AMD64);
    publish(&mut world, "v1", &[amd64.clone(), first.clone(), second]);
    assert_eq!(settled(&mut world, &undeclared(&list(&[AMD64]))).1, [amd64, first]);
}

#[test]
fn a_windows_is_replaced_by_the_next_of_its_build() {
    let windows = ("windows/amd64", "reg.corp/app-windows:v1");
    let mut world = World::default();
    let list = undeclared(&list(&[windows]));
    for revision in ["10.0.17763.1", "10.0.17763.2", "10.0.20348.1"] {
        world.push(&reference(windows.1), &Image::of(&format!("windows/amd64 {revision}"), 1));
        settled(&mut world, &list);
    }
    // An entry with another build belongs to another writer.
    let (_, entries) = settled(&mut world, &list);
    let mut shown = platforms(&entries);
    shown.sort();
    assert_eq!(shown, ["windows/amd64 10.0.17763.2", "windows/amd64 10.0.20348.1"]);
}

#[test]
fn attestations_stay_with_their_image() {
    let mut world = built(&[AMD64]);
    let (s390x, old) = (elsewhere(&mut world, "linux/s390x", 5), elsewhere(&mut world, "linux/amd64", 6));
    let mut of = |image: &Entry, build| {
        Entry::attestation(elsewhere(&mut world, "linux/386", build).descriptor, &image.descriptor.digest)
    };
    let (of_s390x, of_old) = (of(&s390x, 7), of(&old, 8));
    publish(&mut world, "v1", &[of_s390x.clone(), of_old, old, s390x.clone()]);
    let amd64 = entry(&world, AMD64);
    let (_, entries) = settled(&mut world, &undeclared(&list(&[AMD64])));
    assert_eq!(entries, [amd64, s390x, of_s390x]);
}

#[test]
fn what_is_for_no_platform_stays_too() {
    let mut world = built(&[AMD64]);
    let mut theirs = elsewhere(&mut world, "linux/s390x", 5);
    theirs.platform = None;
    let amd64 = entry(&world, AMD64);
    publish(&mut world, "v1", &[theirs.clone(), amd64.clone()]);
    let (plan, entries) = settled(&mut world, &undeclared(&list(&[AMD64])));
    assert_eq!((plan.action, entries), (Action::Unchanged, vec![theirs, amd64]));
}

#[test]
fn whose_members_come_first_is_left_as_it_is() {
    // Within one os and architecture the order is content. Two writers must not undo each other's order.
    let mut world = built(&[AMD64, ARM_V7]);
    let (v6, v7) = (elsewhere(&mut world, "linux/arm/v6", 5), entry(&world, ARM_V7));
    for entries in [[v6.clone(), v7.clone()], [v7, v6]] {
        let mut world = world.clone();
        publish(&mut world, "v1", &entries);
        let kept = undeclared(&list(&[ARM_V7]));
        assert_eq!(settled(&mut world, &kept).0.action, Action::Unchanged);
        // A new image of this writer takes the position of the old one.
        let before = platforms(&entries);
        world.push(&reference(ARM_V7.1), &Image::of("linux/arm/v7", 2));
        assert_eq!(platforms(&settled(&mut world, &kept).1), before);
        // A new member of this writer follows the published ones.
        world.push(&reference(ARM_V6.1), &Image::of("linux/arm/v5", 1));
        let more = undeclared(&list(&[AMD64, ARM_V7, ("linux/arm/v5", ARM_V6.1)]));
        let (_, entries) = settled(&mut world, &more);
        let arms: Vec<_> = platforms(&entries).into_iter().filter(|shown| shown.starts_with("linux/arm/")).collect();
        let last = if before[0] == "linux/arm/v6" {
            ["linux/arm/v7", "linux/arm/v5"]
        } else {
            ["linux/arm/v5", "linux/arm/v6"]
        };
        assert_eq!(arms[1..], last, "{arms:?}");
    }
}

#[test]
fn an_image_that_stays_and_is_gone_blocks_where_the_list_is_written() {
    let mut world = built(&[AMD64]);
    let theirs = elsewhere(&mut world, "linux/s390x", 5);
    publish(&mut world, "v1", std::slice::from_ref(&theirs));
    world.remove(&reference(TARGET_V1).place, &theirs.descriptor.digest);
    let (plan, slugs) = blocked(&world, &undeclared(&list(&[AMD64])));
    assert_eq!(slugs, ["kept_gone"]);
    insta::assert_snapshot!(plan.problems[0].help.clone().unwrap(), @r#"publish it again from the file that declares it, declare linux/s390x here with a source, or set undeclared = "remove" to remove it from the list"#);
}

const TARGET_V1: &str = "reg.corp/app:v1";
