//! Lists as a file declares them, and a list as another tool writes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::config::model::{Member, MemberTag, Missing, OsVersion, Publication, Rules, TargetTag, Undeclared};
use crate::config::problem::Span;
use crate::naming::{Filter, MemberName, MemberTemplate, MemberWords, Partial, Piece};
use crate::oci::{Descriptor, MediaType, Place, Platform, Reference, Tag};

/// Parses `os/arch[/variant]`, with an optional Windows version after a space. An empty text is a config without
/// platform.
pub(super) fn platform(text: &str) -> Platform {
    if text.is_empty() {
        return Platform::default();
    }
    let (text, version) = text.split_once(' ').map_or((text, None), |(text, version)| (text, Some(version.to_owned())));
    Platform { os_version: version, ..Platform::parse(text).unwrap() }
}

pub(super) fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

/// Returns a list `app` with these tags and members (platform, source).
pub(super) fn publication(target: &str, tags: &[&str], members: &[(&str, &str)]) -> Arc<Publication> {
    let span = |at: usize| Span { file: 0, range: at..at + 1 };
    let member = |(number, (platform, source)): (usize, &(&str, &str))| Member {
        platform: self::platform(platform),
        platform_span: span(100 + number),
        arch: None,
        source: reference(source),
        source_span: span(200 + number),
        missing: Missing::Error,
        os_version: OsVersion::AsDeclared,
        annotations: BTreeMap::new(),
        tags: Vec::new(),
    };
    Arc::new(Publication {
        id: "app".into(),
        entry: "app".into(),
        name: "app".into(),
        target: Place::parse(target).unwrap(),
        target_span: span(0),
        tags: tags.iter().map(|tag| TargetTag::always(Tag::parse(tag).unwrap(), span(1))).collect(),
        held_back: Vec::new(),
        unmet: Vec::new(),
        members: members.iter().enumerate().map(member).collect(),
        rules: Rules::default(),
        annotations: BTreeMap::new(),
        artifact_type: None,
        member_tags: Vec::new(),
    })
}

/// Returns a changed copy of the list.
pub(super) fn with(list: &Arc<Publication>, change: impl FnOnce(&mut Publication)) -> Arc<Publication> {
    let mut list = list.as_ref().clone();
    change(&mut list);
    Arc::new(list)
}

/// Returns the member tag template `TAG-{platform|replace:/:-}`.
pub(super) fn member_tags(tag: &str) -> MemberTemplate {
    let filters = vec![Filter::Replace { from: "/".into(), to: "-".into() }];
    let platform = Piece::Open { name: MemberName::Platform, part: None, filters };
    MemberTemplate::new(Partial::new(vec![Piece::Text(format!("{tag}-")), platform]))
}

/// Returns the tag of a member for `platform`, with the word of Go as its architecture.
pub(super) fn member_tag(template: &MemberTemplate, platform: &Platform) -> String {
    let (os, arch, text) = (&platform.os, &platform.architecture, platform.to_string());
    template.with(MemberWords { os, arch, platform: &text }).unwrap()
}

/// Returns the list as one that several writers share: entries of other writers stay, and members have tags of their
/// own.
pub(super) fn shared(list: &Arc<Publication>) -> Arc<Publication> {
    with(list, |list| {
        let template = member_tags(list.own_tag().tag.as_str());
        for (number, member) in list.members.iter_mut().enumerate() {
            let tag = member_tag(&template, &member.platform);
            let span = Span { file: 0, range: 300 + number..301 + number };
            member.tags = vec![MemberTag { tag: Tag::parse(&tag).unwrap(), span }];
        }
        list.member_tags = vec![template];
        list.rules.undeclared = Undeclared::Keep;
    })
}

/// Returns the declared list as another tool would write it: these entries, with other spacing and order of keys.
pub(super) fn foreign_list(media_type: &MediaType, entries: &[(Descriptor, Platform)]) -> Bytes {
    let entry = |(descriptor, platform): &(Descriptor, Platform)| {
        serde_json::json!({
            "size": descriptor.size, "digest": descriptor.digest.as_str(), "platform": platform,
            "mediaType": descriptor.media_type.as_str(), "data": "e30=",
        })
    };
    let entries: Vec<_> = entries.iter().map(entry).collect();
    serde_json::json!({"mediaType": media_type.as_str(), "schemaVersion": 2, "manifests": entries}).to_string().into()
}
