//! Which tags are shown, in which order, and what is read for them.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::world::{publication, with};
use crate::config::model::{MemberTag, Publication};
use crate::config::problem::Problem;
use crate::oci::{Descriptor, Digest, MediaType, Tag};
use crate::plan::{
    Answer, Cause, ContentKind, Decision, Snapshot, TagKinds, TagLimit, TagListing, TagRequest, list_tags, tag_requests,
};

const TARGET: &str = "ghcr.io/acme/app";

fn names(tags: &str) -> BTreeSet<Tag> {
    tags.split_whitespace().map(|tag| Tag::parse(tag).unwrap()).collect()
}

fn request(lists: &[&Arc<Publication>], most: usize, kinds: TagKinds) -> TagRequest {
    let lists = lists.iter().map(|list| Arc::clone(list)).collect();
    TagRequest { lists, limit: TagLimit { most: NonZeroUsize::new(most).unwrap(), kinds } }
}

/// Returns the shown tags of a repository with `tags`, and the numbers of the others.
fn shown(request: &TagRequest, tags: &str) -> (String, [usize; 3]) {
    let target = &request.lists[0].target;
    let mut snapshot = Snapshot::default();
    for tag in names(tags) {
        snapshot.add_head(target.tagged(&tag), Answer::Found(chart()));
    }
    snapshot.add_tags(target.clone(), Answer::Found(Arc::new(names(tags))));
    let Decision::Done(listing) = list_tags(request, &snapshot) else { panic!("all is known") };
    let TagListing { tags, omitted, member_tags, sha256_tags, .. } = listing;
    let shown: Vec<&str> = tags.iter().map(|listed| listed.tag.as_str()).collect();
    (shown.join(" "), [omitted, member_tags, sha256_tags])
}

/// What is neither an image nor a list, so that nothing else is read for it.
fn chart() -> Descriptor {
    let media_type = MediaType::parse("application/vnd.example+json");
    Descriptor { media_type, digest: Digest::of(b"chart"), size: 1 }
}

fn named(list: &Arc<Publication>, words: &[&str]) -> Arc<Publication> {
    with(list, |list| {
        for (member, word) in list.members.iter_mut().zip(words) {
            member.arch = Some((*word).to_owned());
        }
    })
}

#[test]
fn versions_come_first_and_the_greatest_of_them_before_the_others() {
    let list = publication(TARGET, &["v1.10.0"], &[]);
    let tags = "v1.9.0 v1.10.0-rc.1 v1.10.0 latest edge 2024.1 1.10.0";
    let (order, counts) = shown(&request(&[&list], 20, TagKinds::ForUsers), tags);
    assert_eq!(order, "2024.1 1.10.0 v1.10.0 v1.10.0-rc.1 v1.9.0 edge latest");
    assert_eq!(counts, [0, 0, 0]);
    let (order, counts) = shown(&request(&[&list], 2, TagKinds::ForUsers), tags);
    assert_eq!((order.as_str(), counts), ("2024.1 1.10.0", [5, 0, 0]));
}

#[test]
fn tags_of_members_of_any_version_and_architecture_are_counted() {
    let app = |tag: &str| format!("{TARGET}:{tag}");
    let sources = [app("v1.10.0-amd64"), app("v1.10.0-arm64")];
    let list = publication(TARGET, &["v1.10.0"], &[("linux/amd64", &sources[0]), ("linux/arm64", &sources[1])]);
    let list = named(&list, &["amd64", "arm64"]);
    let tags = "v1.10.0 v1.10.0-amd64 v1.10.0-arm64 v1.9.0 v1.9.0-amd64 v1.9.0-s390x edge edge-amd64 \
                v1.10.0-alpine nightly-amd64 sha256-0a.sig sha256-0b latest";
    let (order, counts) = shown(&request(&[&list], 20, TagKinds::ForUsers), tags);
    assert_eq!(order, "v1.10.0 v1.10.0-alpine v1.9.0 edge latest nightly-amd64");
    assert_eq!(counts, [0, 5, 2]);
    let (order, counts) = shown(&request(&[&list], 20, TagKinds::All), tags);
    let members = "v1.10.0-arm64 v1.10.0-amd64 v1.9.0-s390x v1.9.0-amd64 edge-amd64";
    assert_eq!(
        order,
        format!("v1.10.0 v1.10.0-alpine v1.9.0 edge latest nightly-amd64 {members} sha256-0a.sig sha256-0b")
    );
    assert_eq!(counts, [0, 0, 0]);
}

#[test]
fn a_source_without_the_v_of_the_tag_and_tags_of_members_have_the_same_forms() {
    let source = format!("{TARGET}:x86_64-1.10.0");
    let list = named(&publication(TARGET, &["v1.10.0"], &[("linux/amd64", &source)]), &["x86_64"]);
    let tag = |tag: &str| MemberTag { tag: Tag::parse(tag).unwrap(), span: list.target_span.clone() };
    let list = with(&list, |list| list.members[0].tags = vec![tag("v1.10.0-linux-x86_64")]);
    let tags = "v1.10.0 x86_64-1.10.0 aarch64-1.9.0 v1.10.0-linux-x86_64 v1.9.0-linux-arm64 linux-arm64";
    let (order, counts) = shown(&request(&[&list], 20, TagKinds::ForUsers), tags);
    assert_eq!((order.as_str(), counts), ("v1.10.0 linux-arm64", [0, 4, 0]));
}

#[test]
fn images_of_another_repository_and_the_tags_of_lists_hide_nothing() {
    let member = ("linux/amd64", "ghcr.io/acme/other:v1.10.0-amd64");
    let list = named(&publication(TARGET, &["v1.10.0"], &[member]), &["amd64"]);
    let own = ("linux/amd64", "ghcr.io/acme/app:v1.10.0-amd64");
    let slim = publication(TARGET, &["v1.10.0-amd64"], &[]);
    let tags = "v1.10.0 v1.10.0-amd64 v1.9.0-amd64";
    assert_eq!(shown(&request(&[&list], 20, TagKinds::ForUsers), tags).1, [0, 0, 0]);
    let list = named(&publication(TARGET, &["v1.10.0"], &[own]), &["amd64"]);
    let (order, counts) = shown(&request(&[&list, &slim], 20, TagKinds::ForUsers), tags);
    assert_eq!((order.as_str(), counts), ("v1.10.0 v1.10.0-amd64", [0, 1, 0]));
}

#[test]
fn each_repository_is_requested_once_in_the_order_of_the_file() {
    let at = |target: &str, tag: &str| publication(target, &[tag], &[]);
    let lists = [at("ghcr.io/a/b", "v1"), at("ghcr.io/a/a", "v1"), at("ghcr.io/a/b", "v2")];
    let limit = TagLimit { most: NonZeroUsize::MIN, kinds: TagKinds::ForUsers };
    let requests = tag_requests(&lists, limit);
    let targets: Vec<(String, usize)> =
        requests.iter().map(|request| (request.lists[0].target.to_string(), request.lists.len())).collect();
    assert_eq!(targets, [("ghcr.io/a/b".to_owned(), 2), ("ghcr.io/a/a".to_owned(), 1)]);
}

#[test]
fn one_reason_for_several_tags_is_one_problem() {
    let list = publication(TARGET, &["v1"], &[]);
    let request = request(&[&list], 20, TagKinds::ForUsers);
    let mut snapshot = Snapshot::default();
    snapshot.add_tags(list.target.clone(), Answer::Found(Arc::new(names("v1 v2 chart"))));
    let Decision::Needs(queries) = list_tags(&request, &snapshot) else { panic!("the tags are not known") };
    assert_eq!(queries.len(), 3);
    let cause = Cause(Arc::new(Problem::error("mlist::registry::denied", "permission denied")));
    for tag in ["v1", "v2"] {
        snapshot.add_head(list.target.tagged(&Tag::parse(tag).unwrap()), Answer::Unknown(cause.clone()));
    }
    snapshot.add_head(list.target.tagged(&Tag::parse("chart").unwrap()), Answer::Found(chart()));
    let Decision::Done(listing) = list_tags(&request, &snapshot) else { panic!("all is known") };
    let kinds: Vec<ContentKind> = listing.tags.iter().map(|tag| tag.kind).collect();
    assert_eq!(kinds, [ContentKind::Unknown, ContentKind::Unknown, ContentKind::Other]);
    assert_eq!(listing.problems.len(), 1);
    assert_eq!(listing.problems[0].labels[0].text, format!("target of list `{}`", list.id));
}
