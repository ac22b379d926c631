//! The rows for a published list that was compared with the declared one.

use std::collections::BTreeMap;

use crate::oci::{Digest, Place};
use crate::plan::{
    Action, ChildFault, ChildPart, ContentChange, DamagedChild, ListPlan, MemberChange, MemberFate, MemberState,
    Reason, TagChange, TagFate, Verification,
};
use crate::ui::render::human::View;
use crate::ui::text;

use super::{DetailRow, members, problems, tags};

/// How many platforms have a row of their own in a list that is as declared.
const SINGLE: usize = 3;

/// Returns the rows of a list.
pub(in crate::ui) fn rows(verified: &Verification, view: &View) -> Vec<DetailRow> {
    let list = &*verified.plan;
    let damage = damaged(verified, view);
    match list.action {
        Action::Blocked | Action::Failed => {
            let errors = problems(list).into_iter();
            [tags::refused(list, view), errors.collect(), damage].concat()
        }
        _ => [named(list, view), differing(verified, view), damage, not_found(list, view), same(list, view)].concat(),
    }
}

/// Returns the rows for the sources that were not found. Their images are published.
pub(in crate::ui) fn not_found(list: &ListPlan, view: &View) -> Vec<DetailRow> {
    let published: Vec<&MemberChange> = deleted(list).collect();
    if published.len() > SINGLE && !view.all {
        let names: Vec<String> = published.iter().map(|member| members::platform(list, &member.platform)).collect();
        return vec![folded('=', "source", "not found, published: ", &names)];
    }
    let row = |member: &&MemberChange| {
        let digest = member.from.as_ref().map(|from| view.digests.show(from)).unwrap_or_default();
        DetailRow::new('=', members::platform(list, &member.platform))
            .sentence(&format!("source not found, but already published: {digest}"))
    };
    published.iter().map(row).collect()
}

/// Returns the rows for several lists at once whose sources were not found for the same platforms, so without digests.
pub(in crate::ui) fn not_found_in_all(list: &ListPlan) -> Vec<DetailRow> {
    let names: Vec<String> = deleted(list).map(|member| members::platform(list, &member.platform)).collect();
    if names.len() > SINGLE {
        return vec![folded('=', "source", "of each list not found, published: ", &names)];
    }
    names
        .into_iter()
        .map(|name| DetailRow::new('=', name).sentence("source not found, but already published"))
        .collect()
}

/// Returns the declared members that are published although their sources were not found.
pub(in crate::ui) fn deleted(list: &ListPlan) -> impl Iterator<Item = &MemberChange> {
    list.members.iter().filter(|member| member.fate == MemberFate::Kept && list.state_of(member) == MemberState::Absent)
}

/// Returns rows for the tags that are not as declared.
fn named(list: &ListPlan, view: &View) -> Vec<DetailRow> {
    if list.action == Action::Create && !view.all {
        return Vec::new();
    }
    let row = |tag: &TagChange| match tag.fate {
        TagFate::Created => Some(DetailRow::new('!', tags::label(tag)).sentence("not found")),
        TagFate::Moved => Some(DetailRow::new('~', tags::label(tag)).sentence(&moved(tag, view))),
        TagFate::Same | TagFate::Stays | TagFate::Blocked | TagFate::Unknown => None,
    };
    let mut rows: Vec<DetailRow> = list.tags.iter().filter_map(row).collect();
    let of_members = list.member_tags.iter().map(|change| &change.tag);
    let absent: Vec<String> =
        of_members.clone().filter(|tag| tag.fate == TagFate::Created).map(|tag| tag.tag.to_string()).collect();
    if absent.len() > SINGLE && !view.all {
        rows.push(folded('!', "member tag", "not found: ", &absent));
        rows.extend(of_members.filter(|tag| tag.fate == TagFate::Moved).filter_map(row));
    } else {
        rows.extend(of_members.filter_map(row));
    }
    rows
}

/// Returns one row for many things of a kind.
fn folded(symbol: char, kind: &str, text: &str, names: &[String]) -> DetailRow {
    let shown = text::named(names.iter().map(String::as_str), false).join(", ");
    DetailRow::new(symbol, text::plural(names.len(), kind)).sentence(&format!("{text}{shown}"))
}

fn moved(tag: &TagChange, view: &View) -> String {
    let show = |digest: &Option<Digest>| digest.as_ref().map(|digest| view.digests.show(digest)).unwrap_or_default();
    format!("names {}, expected {}", show(&tag.from), show(&tag.to))
}

/// Returns rows for the members and the content that are not as declared.
fn differing(verified: &Verification, view: &View) -> Vec<DetailRow> {
    let list = &*verified.plan;
    if list.action == Action::Create {
        return Vec::new();
    }
    let row = |member: &MemberChange| {
        let label = members::platform(list, &member.platform);
        let show = |digest: Option<&Digest>| digest.map(|digest| view.digests.show(digest)).unwrap_or_default();
        let source = show(member.descriptor.as_ref().map(|descriptor| &descriptor.digest));
        let published = show(member.from.as_ref());
        let (symbol, text) = match member.fate {
            MemberFate::Changed => ('~', format!("published {published}, its source is now {source}")),
            MemberFate::Added => ('+', format!("not in the published list, its source is {source}")),
            MemberFate::Removed => ('-', format!("published {published}, not declared")),
            MemberFate::Absent if member.from.is_some() => ('-', format!("published {published}, source not found")),
            _ => return None,
        };
        Some(DetailRow::new(symbol, label).sentence(&text))
    };
    let mut rows: Vec<DetailRow> = list.members.iter().filter_map(row).collect();
    if list.reason == Some(Reason::Content) {
        let is_told = |change: &&ContentChange| match change {
            ContentChange::Fields(of, _) => verified.damage.iter().any(|child| child.part.platform() == Some(of)),
            _ => false,
        };
        let content: Vec<&ContentChange> = list.content.iter().filter(|change| !is_told(change)).collect();
        if !content.is_empty() || list.content.is_empty() {
            rows.extend(tags::content(&content, view, &tags::COMPARED));
        }
    }
    rows
}

/// Returns rows for what is as declared, with `-v`.
fn same(list: &ListPlan, view: &View) -> Vec<DetailRow> {
    if !view.all || list.action == Action::Create {
        return Vec::new();
    }
    let tags = list.tags.iter().filter(|tag| tag.fate == TagFate::Same).map(|tag| tags::moved(tag, view));
    let members = list.members.iter().filter(|member| member.fate == MemberFate::Same).map(|member| {
        DetailRow::new('=', members::platform(list, &member.platform)).digest(member.from.as_ref(), view)
    });
    let undeclared = list.members.iter().filter(|member| list.state_of(member) == MemberState::Undeclared);
    let undeclared = undeclared.filter(|member| member.fate == MemberFate::Kept);
    let undeclared = undeclared.map(|member| members::unchanged_row(list, member, "kept: not declared", view));
    let left_out = list.members.iter().filter(|member| member.fate == MemberFate::Absent && member.from.is_none());
    let left_out = left_out.map(|member| {
        DetailRow::new('=', members::platform(list, &member.platform)).sentence("left out: source not found")
    });
    tags.chain(tags::staying(list, view)).chain(members).chain(undeclared).chain(left_out).collect()
}

/// Returns rows for the children that are damaged. Several missing layers of an image have one row.
fn damaged(verified: &Verification, view: &View) -> Vec<DetailRow> {
    let place = match verified.plan.publication.target {
        Place::Repository(_) => "repository",
        Place::Layout(_) => "layout",
    };
    let is_layer = |child: &DamagedChild| matches!(child.fault, ChildFault::LayerMissing(_));
    let mut layers: BTreeMap<&str, usize> = BTreeMap::new();
    for child in verified.damage.iter().filter(|child| is_layer(child)) {
        *layers.entry(child.descriptor.digest.as_str()).or_default() += 1;
    }
    let list = &*verified.plan;
    let label = |child: &DamagedChild| {
        let platform = child.part.platform().map(|platform| members::platform(list, platform));
        platform.unwrap_or_else(|| "no platform".to_owned())
    };
    let row = |child: &DamagedChild| {
        let digest = view.digests.show(&child.descriptor.digest);
        let what = if matches!(child.part, ChildPart::Attestation(_)) { "attestation " } else { "" };
        let text = match &child.fault {
            ChildFault::Missing => format!("{what}{digest} is in the list but not in the {place}"),
            ChildFault::Size(found) => {
                format!("{what}size: the list says {} bytes, the manifest has {found}", child.descriptor.size)
            }
            ChildFault::Type(found) => {
                let listed = text::foreign(child.descriptor.media_type.as_str());
                format!("{what}type: the list says {listed}, the manifest is {}", text::foreign(found.as_str()))
            }
            ChildFault::ConfigMissing(blob) => {
                format!("{what}config {} not found in the {place}", view.digests.show(blob))
            }
            ChildFault::LayerMissing(blob) => {
                let count = if view.all { 1 } else { layers.remove(child.descriptor.digest.as_str())? };
                match count {
                    1 => format!("{what}layer {} not found in the {place}", view.digests.show(blob)),
                    count => format!("{what}{} not found in the {place}", text::plural(count, "layer")),
                }
            }
            ChildFault::Unreadable(why) => format!("{what}{digest} cannot be parsed: {}", text::foreign(why)),
        };
        Some(DetailRow::new('!', label(child)).sentence(&text))
    };
    verified.damage.iter().filter_map(row).collect()
}
