//! The output of `mlist ls`: each list once, its members below.

use std::sync::Arc;

use crate::config::Publication;
use crate::config::model::{Member, OsVersion};
use crate::oci::Platform;
use crate::ui::text;

use super::View;
use super::table::{Cell, Stacking, Table, TableGroup};

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
fn declared_platform(member: &Member) -> Platform {
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
