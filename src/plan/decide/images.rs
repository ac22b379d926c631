//! The image of each member that is there.

use crate::config::model::Member;
use crate::oci::Descriptor;

use super::batch::{Origin, QueryBatch};
use super::current_state::CurrentState;
use super::image::{self, Image};
use super::input::{Flow, Input};
use super::os_version;

/// All members.
pub(super) struct Images<'a> {
    /// Those that are there, in the order of the file.
    pub(super) present: Vec<Image<'a>>,
}

/// Step 2: what the sources name; of an index the one image that is for the declared platform.
pub(super) fn choose<'a>(input: Input<'a>, state: &CurrentState<'a>) -> Flow<Images<'a>> {
    let mut batch = QueryBatch::new(input);
    let mut present = Vec::new();
    for (member, head) in &state.members {
        match head {
            Some(head) if input.declares(member) => present.extend(member_image(&mut batch, input, member, head)),
            // What another writer's tag names is its own affair, where it is no such image.
            Some(head) => {
                let mut apart = QueryBatch::new(input);
                present.extend(member_image(&mut apart, input, member, head));
                batch.ask_along(apart);
            }
            // What is published for a member that is absent is known by its version too.
            None => {
                let mut apart = QueryBatch::new(input);
                os_version::declared(&mut apart, input, member);
                batch.ask_along(apart);
            }
        }
    }
    batch.end()?;
    Ok(Images { present })
}

/// The image of a member whose source names `head`, by what is known; none where that is not enough.
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
        // What has to be read anyway is asked along.
        batch.manifest(&head.digest, &member.source.place, &Origin::member(input, member));
    }
    image::find(batch, input, member, declared?, head)
}
