//! The rows for images of a published list that the target has lost, and that are copied again.

use crate::oci::{Digest, Place};
use crate::plan::{Child, ChildFault, ListPlan};
use crate::ui::render::human::View;
use crate::ui::text;

use super::{DetailRow, Telling, members};

/// Returns a row for each image or attestation that a published list contains and that is copied again.
pub(super) fn rows(list: &ListPlan, view: &View, telling: Telling) -> Vec<DetailRow> {
    let row = |child: &Child| {
        let fault = child.fault.as_ref()?;
        let label = members::platform(list, &child.platform);
        Some(DetailRow::new('!', label).sentence(&sentence(list, child, fault, view, telling)))
    };
    list.children.iter().filter_map(row).collect()
}

/// Renders `missing in the repository, copied again from ghcr.io/acme/app-arm64:1`.
fn sentence(list: &ListPlan, child: &Child, fault: &ChildFault, view: &View, telling: Telling) -> String {
    let digest = &child.descriptor.digest;
    let is_image =
        list.members.iter().any(|member| member.descriptor.as_ref().is_some_and(|own| own.digest == *digest));
    let part = |what: &str, blob: &Digest| format!("{what} {} ", view.digests.show(blob));
    let what = match fault {
        ChildFault::ConfigMissing(blob) => part("config", blob),
        ChildFault::LayerMissing(blob) => part("layer", blob),
        _ if is_image => String::new(),
        _ => "attestation ".to_owned(),
    };
    let lost = match list.publication.target {
        Place::Repository(_) => "missing in the repository",
        Place::Layout(_) => "missing or corrupt in the layout",
    };
    let sentence = format!("{what}{lost}, copied again");
    if telling == Telling::Outcome {
        return sentence;
    }
    let of_image = |member: &&crate::plan::MemberChange| member.platform == child.platform;
    let source = list.members.iter().find(of_image).and_then(|member| member.source.as_ref());
    let source = source.map_or_else(|| child.from.to_string(), ToString::to_string);
    format!("{sentence} from {}", text::line(&source))
}
