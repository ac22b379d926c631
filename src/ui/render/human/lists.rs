//! The output of `mlist ls`: each list once, its members below.

use std::sync::Arc;

use crate::config::Publication;
use crate::config::model::{Member, OsVersion};
use crate::config::problem::{Problem, Severity};
use crate::exec::report::ExitStatus;
use crate::oci::{Digest, Platform};
use crate::plan::{ListPlan, ListState, MemberState, PublishedState, TagFate, Verification};
use crate::ui::document::VerifiedLists;
use crate::ui::style::{Role, Style};
use crate::ui::text;

use super::table::{Cell, Stacking, Table, TableGroup};
use super::{View, verdict};

/// The columns of a member.
const COLUMNS: [&str; 6] = ["IMAGE", "IMAGE ID", "OS", "ARCH", "VARIANT", "STATE"];

/// Renders what is published of the lists, in the order of the file.
pub(super) fn published(verified: &VerifiedLists, view: &View) -> String {
    let groups = verified.lists.iter().flat_map(|list| published_groups(list, view)).collect();
    Table { first: &["ID", "NAME"], columns: &COLUMNS, groups, stacking: Stacking::IfNeeded }.render(view.style)
}

/// Returns the group of a list, then one for each of its tags that names something else than its own tag.
fn published_groups(list: &Verification, view: &View) -> Vec<TableGroup> {
    let plan = &*list.plan;
    let publication = &*plan.publication;
    let platforms: Vec<Platform> = plan.members.iter().map(|member| member.platform.clone()).collect();
    let states: Vec<MemberState> = plan.members.iter().map(|member| plan.state_of(member)).collect();
    let rows = plan.members.iter().zip(&states).map(|(member, state)| {
        let source = member.source.as_ref().map(|source| Cell::reference(&text::line(&source.to_string())));
        let published = member.from.as_ref().filter(|_| *state == MemberState::Undeclared);
        let digest = member.descriptor.as_ref().map(|descriptor| &descriptor.digest).or(published);
        let image = vec![source.unwrap_or_else(Cell::empty), id(digest, view)];
        [image, platform_cells(&member.platform, &platforms, view), vec![state_cell(*state)]].concat()
    });
    let mut rows: Vec<Vec<Cell>> = rows.collect();
    let own = plan.own_digest();
    let others: Vec<TableGroup> = plan
        .tags
        .iter()
        .filter_map(|tag| {
            let state = match tag.fate {
                TagFate::Created => MemberState::Absent,
                TagFate::Moved => MemberState::Differs,
                TagFate::Same | TagFate::Stays | TagFate::Blocked | TagFate::Unknown => return None,
            };
            let reference = publication.target.tagged(&tag.tag).to_string();
            let first = vec![id(tag.from.as_ref(), view), Cell::text(&reference)];
            (own.is_some() && tag.from.as_ref() != own).then(|| TableGroup {
                first,
                rows: vec![without_image(state)],
                notes: Vec::new(),
                base: String::new(),
            })
        })
        .collect();
    // Nothing else says what differs.
    let is_told = !others.is_empty() || states.iter().any(|state| *state != MemberState::AsDeclared);
    match list.published() {
        PublishedState::Differs if !is_told => rows.push(without_image(MemberState::Differs)),
        PublishedState::Absent if rows.is_empty() => rows.push(without_image(MemberState::Absent)),
        PublishedState::Unknown if rows.is_empty() => rows.push(without_image(MemberState::Unknown)),
        _ if rows.is_empty() => rows.push(without_image(MemberState::AsDeclared)),
        _ => {}
    }
    let first = vec![id(own, view), name(publication, view)];
    let group = TableGroup { first, rows, notes: Vec::new(), base: base(publication) };
    [group].into_iter().chain(others).collect()
}

fn id(digest: Option<&Digest>, view: &View) -> Cell {
    digest.map_or_else(Cell::empty, |digest| Cell::text(&view.digests.show(digest)))
}

/// The row of a list or tag itself.
fn without_image(state: MemberState) -> Vec<Cell> {
    let blank = vec![Cell::empty(); COLUMNS.len() - 1];
    [blank, vec![state_cell(state)]].concat()
}

fn state_cell(state: MemberState) -> Cell {
    match state {
        MemberState::AsDeclared => Cell::empty(),
        MemberState::Differs => Cell::text("differs").painted(Role::Updated),
        MemberState::New => Cell::text("new").painted(Role::Created),
        MemberState::Absent => Cell::text("not found").painted(Role::Failed),
        MemberState::Undeclared => Cell::text("undeclared").painted(Role::Failed),
        MemberState::Unknown => Cell::text("unknown").painted(Role::Failed),
    }
}

/// Returns the problems that say why something is unknown, with the numbers of their lists.
pub(super) fn problems(verified: &VerifiedLists) -> impl Iterator<Item = (Option<usize>, &Problem)> {
    let has_unknown = |plan: &ListPlan| plan.members.iter().any(|it| plan.state_of(it) == MemberState::Unknown);
    let explained = move |list: &Verification| match list.state {
        ListState::Failed => true,
        ListState::Blocked => has_unknown(&list.plan),
        ListState::AsDeclared | ListState::Differs | ListState::Damaged | ListState::Absent => false,
    };
    let lists = verified.lists.iter().enumerate().filter(move |(_, list)| explained(list));
    let problems = lists.flat_map(|(at, list)| list.plan.problems.iter().map(move |problem| (Some(at), problem)));
    problems.filter(|(_, problem)| problem.severity == Severity::Error)
}

/// Renders `Done in 0.4s: 4 lists as declared, 1 differs, 1 not found`.
pub(super) fn summary(verified: &VerifiedLists, status: ExitStatus, style: Style) -> String {
    let count = |state| verified.lists.iter().filter(|list| list.published() == state).count();
    let words = [
        (PublishedState::AsDeclared, "as declared"),
        (PublishedState::Differs, if count(PublishedState::Differs) == 1 { "differs" } else { "differ" }),
        (PublishedState::Absent, "not found"),
        (PublishedState::Unknown, "unknown"),
    ];
    let counts = words.map(|(state, word)| (count(state), word)).into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts
        .enumerate()
        .map(|(at, (count, word))| match at {
            0 => format!("{} {word}", text::plural(count, "list")),
            _ => format!("{} {word}", text::count(count)),
        })
        .collect();
    let counts = if counts.is_empty() { "no lists".to_owned() } else { counts.join(", ") };
    let (first, when) = if status == ExitStatus::Done { ("Done", "in") } else { ("Incomplete", "after") };
    verdict(style, first, &format!(" {when} {}: {counts}", text::duration(verified.duration)))
}

/// Renders what the file expands to, in the order of the file.
pub(super) fn declared(publications: &[Arc<Publication>], view: &View) -> String {
    let group = |list: &Arc<Publication>| {
        let platforms: Vec<Platform> = list.members.iter().map(declared_platform).collect();
        let member = |(member, platform): (&Member, &Platform)| {
            let image = Cell::reference(&text::line(&member.source.to_string()));
            [vec![image], platform_cells(platform, &platforms, view)].concat()
        };
        let rows: Vec<Vec<Cell>> = list.members.iter().zip(&platforms).map(member).collect();
        let rows = if rows.is_empty() { vec![vec![Cell::empty(); 4]] } else { rows };
        TableGroup { first: vec![name(list, view)], rows, notes: Vec::new(), base: base(list) }
    };
    let groups = publications.iter().map(group).collect();
    let columns = &["IMAGE", "OS", "ARCH", "VARIANT"];
    Table { first: &["NAME"], columns, groups, stacking: Stacking::IfNeeded }.render(view.style)
}

/// The platform of a member. A Windows version that only the image has is shown as it is written in the file.
pub(in crate::ui::render) fn declared_platform(member: &Member) -> Platform {
    let os_version = match &member.os_version {
        OsVersion::AsDeclared => member.platform.os_version.clone(),
        OsVersion::Fits(pattern) => Some(pattern.value.source().to_owned()),
        OsVersion::Of(of) => of.build.clone(),
    };
    Platform { os_version, ..member.platform.clone() }
}

/// Returns the reference of a list by its own tag, and the number of its other tags, or the tags themselves with `-v`
/// and off a terminal.
fn name(list: &Publication, view: &View) -> Cell {
    let reference = list.reference().to_string();
    let own = &list.own_tag().tag;
    let others = list.tags.iter().map(|tag| &tag.tag).filter(|tag| *tag != own);
    match others.clone().count() {
        0 => Cell::text(&reference),
        _ if view.all || view.style.width.is_none() => {
            Cell::names([reference].into_iter().chain(others.map(ToString::to_string)).collect())
        }
        count => Cell::words(vec![reference, format!("+{}", text::plural(count, "tag"))]),
    }
}

/// Returns the reference of a list up to its last `/`, which its members may share.
fn base(list: &Publication) -> String {
    let reference = text::line(&list.reference().to_string());
    reference.rfind('/').map(|end| reference[..=end].to_owned()).unwrap_or_default()
}

/// Returns the cells OS, ARCH and VARIANT. On a terminal, the version of Windows is shown up to its build, unless
/// another platform of the list has the same build.
fn platform_cells(platform: &Platform, all: &[Platform], view: &View) -> Vec<Cell> {
    let is_twin = |other: &&Platform| {
        other.is_same_machine(platform) && other.os_version != platform.os_version && other.build() == platform.build()
    };
    let is_in_full = view.style.width.is_none() || all.iter().any(|other| is_twin(&other));
    let version = if is_in_full { platform.os_version.as_deref() } else { platform.build() };
    let foreign = |text: &str| text::foreign(text);
    let os = [Some(platform.os.as_str()), version].into_iter().flatten().map(foreign).collect();
    let variant = platform.variant.as_deref().unwrap_or_default();
    vec![Cell::words(os), Cell::text(&foreign(&platform.architecture)), Cell::text(&foreign(variant))]
}
