//! The rows for the tags of a list and of its members.

use crate::oci::MediaType;
use crate::plan::{AnnotationChanges, ContentChange, ListPlan, MemberTagChange, Reason, TagChange, TagFate};
use crate::ui::render::human::View;
use crate::ui::text;

use super::{DetailRow, change};

/// Returns the rows for all tags.
pub(super) fn all(list: &ListPlan, view: &View) -> Vec<DetailRow> {
    let mut rows = Vec::new();
    let mut same = 0;
    for tag in &list.tags {
        match tag.fate {
            TagFate::Created | TagFate::Moved => rows.push(moved(tag, view)),
            TagFate::Same if view.all => rows.push(moved(tag, view)),
            TagFate::Same => same += 1,
            TagFate::Stays => rows.push(stays(tag, view)),
            TagFate::Blocked | TagFate::Unknown => {}
        }
    }
    if same > 0 {
        let row = DetailRow::new('=', text::plural(same, "tag"));
        rows.push(if list.reason == Some(Reason::Damaged) { row.text("not moved") } else { row });
    }
    rows.extend(of_members(list, view, &FATES));
    if list.reason == Some(Reason::Content) {
        rows.extend(content(&list.content.iter().collect::<Vec<_>>(), view, &PLANNED));
    }
    rows
}

/// The words for what differs in the content of a list.
pub(super) struct ContentWords {
    /// What is in both, with another value.
    changed: &'static str,
    /// What is only in the new list.
    added: &'static str,
    /// What is only in the published list.
    removed: &'static str,
}

/// The words of a plan.
const PLANNED: ContentWords = ContentWords { changed: "changed", added: "added", removed: "removed" };

/// The words of a comparison.
pub(super) const COMPARED: ContentWords =
    ContentWords { changed: "different", added: "not published", removed: "not declared" };

/// Returns rows for what differs in a list whose members are the same.
pub(super) fn content(changes: &[&ContentChange], view: &View, words: &ContentWords) -> Vec<DetailRow> {
    let row = |label: &str, value: &str| DetailRow::new('~', text::foreign(label)).sentence(value);
    let ContentWords { changed, removed, .. } = words;
    let rows: Vec<DetailRow> = changes
        .iter()
        .map(|change| match change {
            ContentChange::MediaType { from, to } => {
                row("media type", &format!("{} {} {}", kind(from), view.style.arrow(), kind(to)))
            }
            ContentChange::ArtifactType => row("artifact type", changed),
            ContentChange::Subject => row("subject", removed),
            ContentChange::Annotations(None, changes) => row("annotations", &annotations(changes, view, words)),
            ContentChange::Annotations(Some(of), changes) => {
                row(&of.to_string(), &format!("annotations {}", annotations(changes, view, words)))
            }
            ContentChange::Fields(of, fields) => row(&of.to_string(), &format!("{changed}: {}", fields.join(", "))),
            ContentChange::Attestations => row("attestations", changed),
            ContentChange::Order => row("order", &format!("{changed} for members with the same os and architecture")),
        })
        .collect();
    if rows.is_empty() { vec![row("content", changed)] } else { rows }
}

/// Returns the short name of the media type of a list.
fn kind(media_type: &MediaType) -> &'static str {
    if *media_type == MediaType::DockerList { "Docker manifest list" } else { "OCI image index" }
}

/// Returns the names of the annotations that differ, such as `added: a, b; removed: c`.
fn annotations(changes: &AnnotationChanges, view: &View, words: &ContentWords) -> String {
    let AnnotationChanges { added, changed, removed } = changes;
    let parts = [(words.added, added), (words.changed, changed), (words.removed, removed)];
    let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
    let part = |(word, names): (&str, &Vec<String>)| {
        let names: Vec<String> = names.iter().map(|name| text::foreign(name)).collect();
        format!("{word}: {}", text::named(names.iter().map(String::as_str), view.all).join(", "))
    };
    parts.map(part).collect::<Vec<_>>().join("; ")
}

/// Returns the rows for tags that the line of the list does not name, or that named something else before.
pub(super) fn further(list: &ListPlan, view: &View) -> Vec<DetailRow> {
    let is_moved = list.tags.iter().any(|tag| tag.fate == TagFate::Moved);
    if is_moved || list.tags.len() > 1 { all(list, view) } else { of_members(list, view, &FATES) }
}

/// Returns rows for the tags that named something else before.
pub(super) fn moved_off(list: &ListPlan, view: &View) -> Vec<DetailRow> {
    let tags = list.tags.iter().filter(|tag| tag.fate == TagFate::Moved).map(|tag| moved(tag, view));
    tags.chain(of_members(list, view, &[TagFate::Moved])).collect()
}

/// Returns rows for the tags that stay as they are.
pub(super) fn staying(list: &ListPlan, view: &View) -> Vec<DetailRow> {
    list.tags.iter().filter(|tag| tag.fate == TagFate::Stays).map(|tag| stays(tag, view)).collect()
}

/// Like [`staying`], but for several lists at once, so without a digest: it differs for each list.
pub(super) fn staying_in_all(list: &ListPlan) -> Vec<DetailRow> {
    let row = |tag: &TagChange| DetailRow::new('=', label(tag)).sentence(&format!("stays{}", reason(tag)));
    list.tags.iter().filter(|tag| tag.fate == TagFate::Stays).map(row).collect()
}

/// Returns rows for the immutable tags that would change.
pub(super) fn refused(list: &ListPlan, view: &View) -> Vec<DetailRow> {
    let row = |tag: &TagChange| {
        let (from, to) = immutable(tag)?;
        let why = format!("is immutable: {} is refused", change(from, to, view));
        Some(DetailRow::new('!', label(tag)).sentence(&why))
    };
    every(list).filter_map(row).collect()
}

/// Whether any tag is [`refused`].
pub(super) fn is_refused(list: &ListPlan) -> bool {
    every(list).any(|tag| immutable(tag).is_some())
}

fn every(list: &ListPlan) -> impl Iterator<Item = &TagChange> {
    list.tags.iter().chain(list.member_tags.iter().map(|change| &change.tag))
}

/// Returns the current and the new digest of a tag that is blocked because it is immutable.
fn immutable(tag: &TagChange) -> Option<(&crate::oci::Digest, &crate::oci::Digest)> {
    let is_blocked = tag.fate == TagFate::Blocked;
    Some((tag.from.as_ref()?, tag.to.as_ref()?)).filter(|_| is_blocked)
}

pub(super) fn label(tag: &TagChange) -> String {
    format!("tag {}", tag.tag)
}

fn symbol(fate: TagFate) -> char {
    match fate {
        TagFate::Created => '+',
        TagFate::Moved => '~',
        TagFate::Same | TagFate::Stays | TagFate::Unknown => '=',
        TagFate::Blocked => '!',
    }
}

pub(super) fn moved(tag: &TagChange, view: &View) -> DetailRow {
    let row = DetailRow::new(symbol(tag.fate), label(tag));
    match tag.fate {
        TagFate::Same => row.digest(tag.from.as_ref(), view),
        _ => row.change(tag.from.as_ref(), tag.to.as_ref(), view),
    }
}

/// Returns a row such as `= tag latest      stays at 77b1c5f2a0e9: 3.10 is newer than 3.9.1`.
fn stays(tag: &TagChange, view: &View) -> DetailRow {
    let state = match &tag.from {
        Some(at) => format!("stays at {}", view.digests.show(at)),
        None => "is not created".to_owned(),
    };
    DetailRow::new('=', label(tag)).sentence(&format!("{state}{}", reason(tag)))
}

fn reason(tag: &TagChange) -> String {
    tag.stays.as_ref().map(|why| format!(": {}", text::foreign(why))).unwrap_or_default()
}

/// The fates of the tags of members that have a row.
const FATES: [TagFate; 3] = [TagFate::Created, TagFate::Moved, TagFate::Same];

/// Returns rows for the tags of members with one of these fates. The tags of a fate are grouped in one line. With `-v`,
/// or if the group has one tag that changes, each tag has its own line.
fn of_members(list: &ListPlan, view: &View, fates: &[TagFate]) -> Vec<DetailRow> {
    let mut rows = Vec::new();
    for &fate in fates {
        let alike: Vec<&MemberTagChange> = list.member_tags.iter().filter(|change| change.tag.fate == fate).collect();
        let name = |change: &&MemberTagChange| change.tag.tag.to_string();
        match (alike.as_slice(), fate) {
            ([], _) => {}
            (changes, _) if view.all => rows.extend(changes.iter().map(|change| moved(&change.tag, view))),
            (changes, TagFate::Same) => rows.push(DetailRow::new('=', text::plural(changes.len(), "member tag"))),
            ([change], _) => rows.push(moved(&change.tag, view)),
            (changes, _) => {
                let row = DetailRow::new(symbol(fate), text::plural(changes.len(), "member tag"));
                rows.push(row.names(changes.iter().map(name).collect()));
            }
        }
    }
    rows
}
