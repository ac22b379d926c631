//! The image of each member that is there.

use crate::config::model::Member;
use crate::oci::{Descriptor, Platform};
use crate::plan::equality;

use super::attestations::Attestations;
use super::heads::Heads;
use super::round::{Origin, Round};
use super::{Case, Step, flatten, os_version};

/// A member that is there.
pub(super) struct Image<'a> {
    /// As declared.
    pub(super) member: &'a Member,
    /// Its platform as declared, with what else is known of it without its config.
    pub(super) declared: Platform,
    /// By HEAD, or by the index that the source names.
    pub(super) descriptor: Descriptor,
    /// What speaks of it.
    pub(super) attestations: Attestations,
}

/// All members.
pub(super) struct Images<'a> {
    /// Those that are there, in the order of the file.
    pub(super) present: Vec<Image<'a>>,
}

/// Step 2: what the sources name; of an index the one image that is for the declared platform.
pub(super) fn choose<'a>(case: Case<'a>, heads: &Heads<'a>) -> Step<Images<'a>> {
    let mut round = Round::new(case);
    let mut present = Vec::new();
    for (member, head) in &heads.members {
        match head {
            Some(head) if case.declares(member) => present.extend(image(&mut round, case, member, head)),
            // What another writer's tag names is its own affair, where it is no such image.
            Some(head) => {
                let mut apart = Round::new(case);
                present.extend(image(&mut apart, case, member, head));
                round.ask_along(apart);
            }
            // What is published for a member that is absent is known by its version too.
            None => {
                let mut apart = Round::new(case);
                os_version::declared(&mut apart, case, member);
                round.ask_along(apart);
            }
        }
    }
    round.end(None)?;
    Ok(Images { present })
}

/// The image of a member whose source names `head`, by what is known; none where that is not enough.
pub(super) fn known<'a>(case: Case<'a>, member: &'a Member, head: &Descriptor) -> Option<Image<'a>> {
    image(&mut Round::new(case), case, member, head)
}

fn image<'a>(round: &mut Round<'a>, case: Case<'a>, member: &'a Member, head: &Descriptor) -> Option<Image<'a>> {
    let declared = os_version::declared(round, case, member);
    if declared.is_none() && head.media_type.is_index() {
        // What has to be read anyway is asked along.
        round.manifest(&head.digest, &member.source.place, &Origin::member(case, member));
    }
    flatten::image(round, case, member, declared?, head)
}

impl Image<'_> {
    /// Whether a published platform is one that the image may have.
    pub(super) fn may_be(&self, published: &Platform) -> bool {
        equality::fits(&self.declared, published) && os_version::fits(self.member, published)
    }
}
