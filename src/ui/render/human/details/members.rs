//! The rows for the members of a list.

use crate::oci::Platform;
use crate::plan::{ListPlan, MemberChange, MemberFate, OsVersionOrigin};
use crate::ui::render::human::View;
use crate::ui::text;

use super::{DetailRow, Telling};

/// Whether any member is added, removed or changed.
pub(super) fn change(list: &ListPlan) -> bool {
    list.members.iter().any(|member| match member.fate {
        MemberFate::Added | MemberFate::Changed | MemberFate::Removed => true,
        MemberFate::Absent => member.from.is_some(),
        MemberFate::Same | MemberFate::Kept | MemberFate::Unknown => false,
    })
}

/// Returns the rows for the members of a new list: one line for all, or one per member with `-v`.
pub(super) fn new(list: &ListPlan, view: &View, telling: Telling) -> Vec<DetailRow> {
    if view.all {
        return [changed(list, view, telling), lacking(list, view)].concat();
    }
    let added = || list.members.iter().filter(|member| member.fate == MemberFate::Added);
    let mut names: Vec<String> = Vec::new();
    let mut before: Option<&Platform> = None;
    for member in added() {
        let (name, alike) = (platform(list, &member.platform), machine(&member.platform));
        // If the platform differs from the one before only in its OS version, only the version is shown.
        let version = before.filter(|before| machine(before) == alike).and_then(|_| name.strip_prefix(&alike));
        let name = version.map(|version| format!("{}{version}", view.style.ellipsis())).unwrap_or(name.clone());
        names.push(name);
        before = Some(&member.platform);
    }
    let row = DetailRow::new('+', text::plural(names.len(), "member")).names(names);
    [vec![row], lacking(list, view)].concat()
}

/// Returns rows for all members. Unchanged members are shown as a count, or one by one with `-v`.
pub(super) fn all(list: &ListPlan, view: &View, telling: Telling) -> Vec<DetailRow> {
    let mut rows = [changed(list, view, telling), lacking(list, view)].concat();
    let same = || list.members.iter().filter(|member| member.fate == MemberFate::Same);
    let kept = || list.members.iter().filter(|member| member.fate == MemberFate::Kept && !is_declared(list, member));
    if view.all {
        let row = |member: &MemberChange| {
            DetailRow::new('=', platform(list, &member.platform)).digest(member.from.as_ref(), view)
        };
        rows.extend(same().map(|member| with_source(row(member), member, view, telling)));
        rows.extend(kept().map(|member| unchanged_row(list, member, "kept: not declared", view)));
        return rows;
    }
    if same().count() > 0 {
        rows.push(DetailRow::new('=', text::plural(same().count(), "member")));
    }
    if kept().count() > 0 {
        rows.push(DetailRow::new('=', text::plural(kept().count(), "member")).text("kept: not declared"));
    }
    rows
}

/// Adds the source of a member and the origin of its OS version to its row, for a plan with `-v`.
fn with_source(row: DetailRow, member: &MemberChange, view: &View, telling: Telling) -> DetailRow {
    let Some(source) = member.source.as_ref().filter(|_| view.all && telling == Telling::Plan) else { return row };
    let row = row.and(&text::line(&source.to_string()));
    let Some((version, origin)) = member.platform.os_version.as_ref().zip(member.os_version_from.as_ref()) else {
        return row;
    };
    let origin = match origin {
        OsVersionOrigin::Declared => "as declared".to_owned(),
        OsVersionOrigin::Image(image) => format!("from {image}"),
        OsVersionOrigin::SourceIndex => "from the index that the source names".to_owned(),
        OsVersionOrigin::Config => "from the config of the image".to_owned(),
        OsVersionOrigin::PublishedList => "from the published list".to_owned(),
    };
    row.and(&text::line(&format!("(os.version {version} {origin})")))
}

/// Returns rows for the members that are added, removed or changed.
pub(super) fn changed(list: &ListPlan, view: &View, telling: Telling) -> Vec<DetailRow> {
    let row = |member: &MemberChange| {
        let label = platform(list, &member.platform);
        let to = member.descriptor.as_ref().map(|descriptor| &descriptor.digest);
        let from = member.from.as_ref();
        match member.fate {
            MemberFate::Added => Some(with_source(DetailRow::new('+', label).digest(to, view), member, view, telling)),
            MemberFate::Changed => {
                Some(with_source(DetailRow::new('~', label).change(from, to, view), member, view, telling))
            }
            MemberFate::Removed => {
                let digest = from.map(|from| view.digests.show(from)).unwrap_or_default();
                Some(DetailRow::new('-', label).sentence(format!("{digest}   removed: not declared").trim_start()))
            }
            MemberFate::Same | MemberFate::Kept | MemberFate::Absent | MemberFate::Unknown => None,
        }
    };
    list.members.iter().filter_map(row).collect()
}

/// Returns rows for declared members that were not found, if the list is published anyway: without them, or with the
/// image that is already published.
pub(super) fn lacking(list: &ListPlan, view: &View) -> Vec<DetailRow> {
    let row = |member: &MemberChange| match (member.fate, &member.from) {
        (MemberFate::Kept, _) if is_declared(list, member) => {
            Some(unchanged_row(list, member, &format!("kept: source {}", absence(member)), view))
        }
        (MemberFate::Absent, None) => Some(
            DetailRow::new('!', platform(list, &member.platform))
                .sentence(&format!("left out: source {}", absence(member))),
        ),
        (MemberFate::Absent, Some(from)) => {
            let why = format!("{}   removed: source {}", view.digests.show(from), absence(member));
            Some(DetailRow::new('-', platform(list, &member.platform)).sentence(&why))
        }
        _ => None,
    };
    list.members.iter().filter_map(row).collect()
}

/// Returns rows for the members that were not found and block their list.
pub(super) fn absent(list: &ListPlan) -> Vec<DetailRow> {
    let of_problems = || list.problems.iter().filter(|problem| problem.slug() == "member_absent");
    let blocks = |member: &&MemberChange| {
        let source = member.source.as_ref().map(ToString::to_string);
        member.fate == MemberFate::Absent && of_problems().any(|problem| problem.reference == source)
    };
    let absent = list.members.iter().filter(blocks);
    absent.map(|member| DetailRow::new('!', platform(list, &member.platform)).text(absence(member))).collect()
}

/// Returns a row such as `= linux/s390x      60303ae22b99   kept: not declared`.
pub(super) fn unchanged_row(list: &ListPlan, member: &MemberChange, why: &str, view: &View) -> DetailRow {
    let digest = member.from.as_ref().map(|from| view.digests.show(from)).unwrap_or_default();
    DetailRow::new('=', platform(list, &member.platform)).sentence(format!("{digest}   {why}").trim_start())
}

/// An OCI layout has no HTTP status, so 404 is not mentioned for it.
fn absence(member: &MemberChange) -> &'static str {
    let asked = member.source.as_ref().is_some_and(|source| source.place.host().is_some());
    if asked { "not found (404)" } else { "not found" }
}

/// Whether the file declares the source of this member. A member that someone else added by a tag of its own has a
/// source that is not in the file.
fn is_declared(list: &ListPlan, member: &MemberChange) -> bool {
    let mut declared = list.publication.members.iter();
    member.source.as_ref().is_some_and(|source| declared.any(|declared| declared.source == *source))
}

/// Returns the platform with the part of its OS version that is needed to distinguish it: `windows/amd64 10.0.17763`.
pub(super) fn platform(list: &ListPlan, of: &Platform) -> String {
    let mut platform = of.clone();
    if let Some(version) = &of.os_version {
        let is_twin = |other: &&MemberChange| {
            machine(&other.platform) == machine(&platform)
                && other.platform.os_version.as_ref().is_some_and(|other| other != version)
                && other.platform.build() == of.build()
        };
        if !list.members.iter().any(|other| is_twin(&other)) {
            platform.os_version = of.build().map(str::to_owned);
        }
    }
    // The platform of a member that is published but not declared is text from a registry.
    text::foreign(&platform.to_string())
}

/// Returns the platform without its OS version.
fn machine(platform: &Platform) -> String {
    let platform = Platform { os_version: None, ..platform.clone() };
    text::foreign(&platform.to_string())
}
