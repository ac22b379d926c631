//! The image of each member that exists.

use crate::config::model::Member;
use crate::oci::Descriptor;

use super::batch::{QueryBatch, QueryOrigin};
use super::current_state::CurrentState;
use super::image::{self, Image};
use super::input::{Flow, Input};
use super::os_version;

/// The images of all members.
pub(super) struct Images<'a> {
    /// Members that exist, in the order of the file.
    pub(super) present: Vec<Image<'a>>,
}

/// Returns what the sources name. If a source names an index, this is the one image for the declared platform.
pub(super) fn choose<'a>(input: Input<'a>, state: &CurrentState<'a>) -> Flow<Images<'a>> {
    let mut batch = QueryBatch::new(input);
    let mut present = Vec::new();
    for (member, head) in &state.members {
        match head {
            Some(head) if input.declares(member) => present.extend(member_image(&mut batch, input, member, head)),
            // If the tag of another writer does not name a suitable image, that is not a problem of this list.
            Some(head) => {
                let mut apart = QueryBatch::new(input);
                present.extend(member_image(&mut apart, input, member, head));
                batch.merge_queries(apart);
            }
            // The Windows version also identifies the published entry of a member that does not exist.
            None => {
                let mut apart = QueryBatch::new(input);
                os_version::declared(&mut apart, input, member);
                batch.merge_queries(apart);
            }
        }
    }
    batch.end()?;
    Ok(Images { present })
}

/// Returns the image of a member whose source names `head`, from known facts. `None` if they are not sufficient.
pub(super) fn known<'a>(input: Input<'a>, member: &'a Member, head: &Descriptor) -> Option<Image<'a>> {
    member_image(&mut QueryBatch::new(input), input, member, head)
}

fn member_image<'a>(
    batch: &mut QueryBatch<'a>,
    input: Input<'a>,
    member: &'a Member,
    head: &Descriptor,
) -> Option<Image<'a>> {
    let declared = os_version::declared(batch, input, member);
    if declared.is_none() && head.media_type.is_index() {
        // This manifest must be read in any case, so it is queried in the same batch.
        batch.manifest(&head.digest, &member.source.place, &QueryOrigin::member(input, member));
    }
    image::find(batch, input, member, declared?, head)
}
