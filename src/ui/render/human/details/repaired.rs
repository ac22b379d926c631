//! The rows for images of a published list that the target has lost, and that are copied again.

use crate::oci::{Digest, Place};
use crate::plan::{Child, ChildFault, ListPlan, MemberChange};
use crate::ui::render::human::View;
use crate::ui::text;

use super::{DetailRow, Telling, members};

/// Returns a row for each image or attestation that a published list contains and that is copied again.
pub(super) fn rows(list: &ListPlan, view: &View, telling: Telling) -> Vec<DetailRow> {
    let row = |child: &Child| {
        let fault = child.fault.as_ref()?;
        let member = list.members.iter().find(|member| member.platform == child.platform);
        let label = members::platform(list, &child.platform);
        let source = member.and_then(|member| member.source.as_ref());
        let source = source.map_or_else(|| child.from.to_string(), ToString::to_string);
        let from = if telling == Telling::Plan { format!(" from {}", text::line(&source)) } else { String::new() };
        Some(DetailRow::new('!', label).sentence(&format!("{}, copied again{from}", lost(list, child, fault, view))))
    };
    list.children.iter().filter_map(row).collect()
}

/// Renders `missing in the repository`, or what of the image is missing there.
fn lost(list: &ListPlan, child: &Child, fault: &ChildFault, view: &View) -> String {
    let digest = &child.descriptor.digest;
    let is_image = |own: &MemberChange| own.descriptor.as_ref().is_some_and(|own| own.digest == *digest);
    let part = |what: &str, blob: &Digest| format!("{what} {} ", view.digests.show(blob));
    let what = match fault {
        ChildFault::ConfigMissing(blob) => part("config", blob),
        ChildFault::LayerMissing(blob) => part("layer", blob),
        _ if list.members.iter().any(is_image) => String::new(),
        _ => "attestation ".to_owned(),
    };
    match list.publication.target {
        Place::Repository(_) => format!("{what}missing in the repository"),
        Place::Layout(_) => format!("{what}missing or corrupt in the layout"),
    }
}
